package show

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// span is the time that counters grew in.
type span struct {
	from, to time.Time
	total    bool // since the program began
}

func (w span) seconds() float64 { return w.to.Sub(w.from).Seconds() }

// interfaceGrowth is by how much an interface's counters grew.
type interfaceGrowth struct {
	span
	baseline.InterfaceDelta
}

// counterGrowth is by how much a counter grew.
type counterGrowth struct {
	span
	name  string
	group netstat.CounterGroup
	count netstat.Optional[uint64]
}

// headingsEvery is after how many rows headings are shown again.
const headingsEvery = 20

// counted is what a stack counted until one moment.
type counted interface {
	// since returns by how much the counters grew since an earlier moment.
	since(earlier counted) (*baseline.Delta, error)
}

// countedHere is what a kernel counted.
type countedHere struct{ *baseline.Snapshot }

func (c countedHere) since(earlier counted) (*baseline.Delta, error) {
	return c.Since(earlier.(countedHere).Snapshot)
}

// count reads the counters of a stack as they are now.
func (s *Session) count(src *Source) (counted, error) {
	if stack, ok := src.stack.(sampler); ok {
		sample, err := stack.Sample(s.ctx)
		if err == nil && sample.Skipped != nil {
			s.complain("counters", src, sample.Skipped)
		}
		return countedThere{s, src, sample}, err
	}
	taken, err := s.snapshot(src)
	return countedHere{taken}, err
}

// Turns are the moments at which something is done again and again.
type Turns struct {
	every time.Duration
	next  time.Time // when the turn that began is over
}

// NewTurns returns turns of so many seconds.
func NewTurns(seconds float64) Turns {
	return Turns{every: time.Duration(seconds * float64(time.Second))}
}

// Begin begins a turn and returns when the next one is due: an interval after this
// one was, unless that is over already.
func (t *Turns) Begin() (next time.Time) {
	now := time.Now()
	if t.next = t.next.Add(t.every); !t.next.After(now) {
		t.next = now.Add(t.every)
	}
	return t.next
}

// Wait waits for the next turn and reports whether there is one.
func (t *Turns) Wait(ctx context.Context) bool {
	timer := time.NewTimer(time.Until(t.next))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// begin begins a turn: everything is read anew, and what is the matter with hosts
// is said anew.
func (s *Session) begin() {
	clear(s.saidOfHosts)
	next := s.turns.Begin()
	for _, src := range s.sources {
		src.fresh(next)
	}
}

// follow shows by how much counters grew in each interval, until it is
// interrupted, and in all of them together then. A host that does not answer is
// said, and asked again.
func (s *Session) follow() error {
	before := make(map[*Source]counted)
	total := make(map[*Source]*baseline.Delta)
	// turn counts everything anew and shows what is between that and what was
	// before, where there is something.
	answered := false
	turn := func(show func(*Source, *baseline.Delta) error) error {
		s.begin()
		for _, src := range s.sources {
			now, err := s.count(src)
			var late *remote.LateError
			answered = answered || err == nil || errors.As(err, &late)
			switch {
			case s.ctx.Err() != nil:
				return nil
			case err != nil && s.IsRemote():
				s.complain("counters", src, err)
				continue
			case err != nil:
				return err
			}
			if was := before[src]; was != nil {
				grew, err := now.since(was)
				if err == nil {
					total[src] = add(total[src], grew)
					err = show(src, grew)
				}
				if err != nil {
					return err
				}
			}
			before[src] = now
		}
		return nil
	}
	if err := turn(nil); err != nil {
		return err
	}
	if !answered {
		return cmp.Or(s.ctx.Err(), ErrIncomplete)
	}
	f, err := s.newFollower()
	if err != nil {
		return err
	}
	for s.turns.Wait(s.ctx) {
		err := turn(func(src *Source, grew *baseline.Delta) error { return f.show(src, grew, false) })
		if err := errors.Join(err, f.flush()); err != nil {
			return err
		}
	}
	if !s.JSON {
		s.out.Line("Total:")
	}
	for _, src := range s.sources {
		if grew := total[src]; grew != nil {
			if err := f.show(src, grew, true); err != nil {
				return err
			}
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	if s.incomplete {
		return ErrIncomplete
	}
	return nil
}

// add adds what was counted in an interval to what was counted before. What is
// not known of one of them is not known of both.
func add(sum, grew *baseline.Delta) *baseline.Delta {
	if sum == nil {
		return grew
	}
	sum.To = grew.To
	addCounters(sum.Counters, grew.Counters)
	type key struct {
		index uint32
		name  string
	}
	at := make(map[key]int)
	for i, d := range sum.Interfaces {
		at[key{d.Index, d.Name}] = i
	}
	for _, d := range grew.Interfaces {
		if i, ok := at[key{d.Index, d.Name}]; ok {
			addCounters(sum.Interfaces[i].Counters, d.Counters)
			sum.Interfaces[i].Reason = d.Reason
		} else {
			sum.Interfaces = append(sum.Interfaces, d)
		}
	}
	return sum
}

func addCounters(sum, grew map[string]baseline.Difference) {
	for name, d := range grew {
		before, ok := sum[name]
		n, known := d.Count.Get()
		switch {
		case !ok:
			sum[name] = baseline.Difference{Reason: baseline.New}
		case !before.Count.IsKnown():
			// And stays so.
		case known:
			before.Count.Set(before.Count.Or(0) + n)
			sum[name] = before
		default:
			sum[name] = d
		}
	}
	for name := range sum {
		if _, ok := grew[name]; !ok {
			sum[name] = baseline.Difference{Reason: baseline.Gone}
		}
	}
}

// follower prints the rows of --interval.
type follower struct {
	s          *Session
	interfaces func() (*table.Printer[Row[interfaceGrowth]], error)
	counters   func() (*table.Printer[Row[counterGrowth]], error)

	i       *table.Printer[Row[interfaceGrowth]]
	c       *table.Printer[Row[counterGrowth]]
	printed int
}

func (s *Session) newFollower() (*follower, error) {
	f := &follower{s: s}
	f.interfaces = func() (*table.Printer[Row[interfaceGrowth]], error) {
		p, _, err := newPrinter(s, interfaceGrowthKind(), s.interfaceGrowthColumns())
		return p, err
	}
	f.counters = func() (*table.Printer[Row[counterGrowth]], error) {
		p, _, err := newPrinter(s, counterGrowthKind(), s.counterGrowthColumns())
		return p, err
	}
	if s.Statistics && !s.IsRemote() {
		err := each(s, "counters", func(r netstat.CounterReader, ctx context.Context) iter.Seq2[netstat.Counter, error] {
			return r.Counters(ctx)
		},
			func(r *Row[netstat.Counter]) error {
				s.groupOf[r.v.Name] = r.v.Group
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return f, f.begin()
}

// begin begins a table, with its headings.
func (f *follower) begin() (err error) {
	f.printed = 0
	if f.s.Statistics {
		f.c, err = f.counters()
	} else {
		f.i, err = f.interfaces()
	}
	return err
}

// show prints by how much the counters of a stack grew.
func (f *follower) show(src *Source, grew *baseline.Delta, total bool) error {
	if f.printed >= headingsEvery {
		if err := errors.Join(f.close(), f.begin()); err != nil {
			return err
		}
	}
	w := span{from: grew.From, to: grew.To, total: total}
	if f.i != nil {
		src.interfaces = nil
		for _, d := range byName(grew.Interfaces) {
			if d.Reason == baseline.Gone || f.s.Interface != "" && d.Name != f.s.chosenName(src) {
				continue
			}
			if err := f.i.Row(&Row[interfaceGrowth]{src, interfaceGrowth{w, d}}); err != nil {
				return err
			}
			f.printed++
		}
		return nil
	}
	groups := f.s.counterGroups()
	for _, name := range slices.Sorted(maps.Keys(grew.Counters)) {
		d := grew.Counters[name]
		group := f.s.groupOf[name]
		if len(groups) > 0 && !slices.Contains(groups, group) || d.Count.Or(0) == 0 {
			continue
		}
		if err := f.c.Row(&Row[counterGrowth]{src, counterGrowth{w, name, group, d.Count}}); err != nil {
			return err
		}
		f.printed++
	}
	return nil
}

// flush lets be seen what was printed.
func (f *follower) flush() error {
	if f.i != nil {
		return f.i.Flush()
	}
	return f.c.Flush()
}

func (f *follower) close() error {
	if f.i != nil {
		return f.i.Close()
	}
	return f.c.Close()
}

func appendTime(b []byte, w span) []byte {
	if w.total {
		return append(strconv.AppendFloat(b, w.seconds(), 'f', 0, 64), 's')
	}
	return w.to.AppendFormat(b, time.TimeOnly)
}

func (s *Session) interfaceGrowthColumns() []table.Column[Row[interfaceGrowth]] {
	counter := func(heading string, bad bool, names ...string) table.Column[Row[interfaceGrowth]] {
		sum := func(g *interfaceGrowth) (total netstat.Optional[uint64]) {
			for _, name := range names {
				d, told := g.Counters[name]
				if !told {
					continue
				}
				n, known := d.Count.Get()
				if !known {
					return netstat.Optional[uint64]{}
				}
				total.Set(total.Or(0) + n)
			}
			return total
		}
		c := columnOf(heading, 8, true, func(b []byte, g *interfaceGrowth) []byte {
			n, known := sum(g).Get()
			if !known {
				return append(b, '-')
			}
			return s.appendCount(b, n)
		})
		if bad {
			c.Colour = func(r *Row[interfaceGrowth]) table.Colour {
				if sum(&r.v).Or(0) > 0 {
					return table.Red
				}
				return table.Plain
			}
		}
		return c
	}
	return []table.Column[Row[interfaceGrowth]]{
		columnOf("Time", 8, false, func(b []byte, g *interfaceGrowth) []byte { return appendTime(b, g.span) }),
		columnOf("Iface", 15, false, func(b []byte, g *interfaceGrowth) []byte { return table.AppendEscaped(b, g.Name) }),
		counter("RX-OK", false, "rx_packets"), counter("RX-ERR", true, "rx_errors"),
		counter("RX-DRP", true, "rx_dropped", "rx_missed_errors"), counter("RX-Bytes", false, "rx_bytes"),
		counter("TX-OK", false, "tx_packets"), counter("TX-ERR", true, "tx_errors"),
		counter("TX-DRP", true, "tx_dropped"), counter("TX-Bytes", false, "tx_bytes"),
		counter("Colls", true, "collisions"),
	}
}

func (s *Session) counterGrowthColumns() []table.Column[Row[counterGrowth]] {
	return []table.Column[Row[counterGrowth]]{
		columnOf("Time", 8, false, func(b []byte, g *counterGrowth) []byte { return appendTime(b, g.span) }),
		columnOf("Grew", 12, true, func(b []byte, g *counterGrowth) []byte { return s.appendCount(b, g.count.Or(0)) }),
		columnOf("A second", 12, true, func(b []byte, g *counterGrowth) []byte {
			return strconv.AppendFloat(b, float64(g.count.Or(0))/max(g.seconds(), 1e-3), 'f', 1, 64)
		}),
		columnOf("Counter", 0, false, func(b []byte, g *counterGrowth) []byte { return table.AppendEscaped(b, g.name) }),
	}
}

// spanFields are those of every row of --interval.
func spanFields[T any](get func(*T) span) []table.Field[Row[T]] {
	return []table.Field[Row[T]]{
		fieldOf("time", table.String, "end of the interval (RFC 3339)", func(v *T) table.Value { return table.Text(get(v).to.Format(time.RFC3339Nano)) }),
		fieldOf("seconds", table.Number, "length of the interval", func(v *T) table.Value { return table.Float(get(v).seconds()) }),
		fieldOf("total", table.Boolean, "whether the interval is the program's whole run, as in the last rows", func(v *T) table.Value { return table.Bool(get(v).total) }),
	}
}

func interfaceGrowthKind() *table.Kind[Row[interfaceGrowth]] {
	field := fieldOf[interfaceGrowth]
	fields := append(spanFields(func(g *interfaceGrowth) span { return g.span }),
		field("name", table.String, "name of the interface", func(g *interfaceGrowth) table.Value { return table.Text(g.Name) }),
		field("index", table.Integer, "its index", func(g *interfaceGrowth) table.Value { return table.Uint(g.Index) }))
	for name := range new(netstat.InterfaceCounters).All() {
		fields = append(fields, field(name, table.Integer, "by how much it grew", func(g *interfaceGrowth) table.Value { return uintValue(g.Counters[name].Count) }))
	}
	k := newKind("interfaceGrowth", "by how much an interface's counters grew in an interval; absent where that is not known", fields...)
	k.Aliases = interfaceAliases()
	return k
}

func counterGrowthKind() *table.Kind[Row[counterGrowth]] {
	field := fieldOf[counterGrowth]
	return newKind("counterGrowth", "by how much a counter grew in an interval; counters that did not grow are left out",
		append(spanFields(func(g *counterGrowth) span { return g.span }),
			field("group", table.String, "protocol, or part of the kernel", func(g *counterGrowth) table.Value { return table.Text(string(g.group)) }),
			field("name", table.String, "the kernel's name", func(g *counterGrowth) table.Value { return table.Text(g.name) }),
			field("value", table.Integer, "by how much it grew", func(g *counterGrowth) table.Value { return uintValue(g.count) }))...)
}
