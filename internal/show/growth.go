package show

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// span is the time that counters grew in.
type span struct {
	from, to time.Time
	total    bool // since the program began
}

func (w span) seconds() float64 { return w.to.Sub(w.from).Seconds() }

func appendTime(b []byte, w span) []byte {
	if w.total {
		return append(strconv.AppendFloat(b, w.seconds(), 'f', 0, 64), 's')
	}
	return w.to.AppendFormat(b, time.TimeOnly)
}

// spanFields are those of every row that tells of growth.
func spanFields[T any](get func(*T) span) []table.Field[Row[T]] {
	return []table.Field[Row[T]]{
		fieldOf("time", table.String, "end of the interval (RFC 3339)", func(v *T) table.Value { return table.Text(get(v).to.Format(time.RFC3339Nano)) }),
		fieldOf("seconds", table.Number, "length of the interval", func(v *T) table.Value { return table.Float(get(v).seconds()) }),
		fieldOf("total", table.Boolean, "whether the interval is the program's whole run, as in the last rows", func(v *T) table.Value { return table.Bool(get(v).total) }),
	}
}

// growth is what counters of every stack grew by, by the key of each, from turn to turn and in all of
// them together.
type growth struct {
	before   map[string]Counts
	flows    map[string]*flowMeter
	inTurn   map[string]*baseline.Delta // of those that were looked at in this turn
	total    map[string]*baseline.Delta
	groups   map[string]netstat.CounterGroup // of counters by name
	down     map[string]map[uint32]bool      // which interfaces are, by index
	answered bool                            // some stack did, or may yet
	over     bool                            // what is asked for is the total
	// sources are all that were looked at, each as it was last.
	sources []*Source
}

func newGrowth() growth {
	return growth{
		before: make(map[string]Counts), flows: make(map[string]*flowMeter), inTurn: make(map[string]*baseline.Delta), total: make(map[string]*baseline.Delta),
		groups: make(map[string]netstat.CounterGroup), down: make(map[string]map[uint32]bool),
	}
}

// begin begins a turn of those stacks.
func (g *growth) begin(sources []*Source) {
	clear(g.inTurn)
	for _, src := range sources {
		same := func(other *Source) bool { return other.key() == src.key() }
		if i := slices.IndexFunc(g.sources, same); i >= 0 {
			g.sources[i] = src
		} else {
			g.sources = append(g.sources, src)
		}
	}
	for key, m := range g.flows {
		if !slices.ContainsFunc(sources, func(src *Source) bool { return src.key() == key }) {
			m.FlowMeter, m.last = newFlowMeter(), time.Time{} // the namespace went
		}
	}
}

// grownInTurn returns by how much a stack's counters grew since the turn before; nil
// where that is not known, which is so in the first turn. They are read once in a turn.
func (s *Session) grownInTurn(ctx context.Context, src *Source) (*baseline.Delta, error) {
	g := &s.growth
	if g.over {
		return g.total[src.key()], nil
	}
	if grew, looked := g.inTurn[src.key()]; looked {
		return grew, nil
	}
	g.inTurn[src.key()] = nil
	now, err := s.count(ctx, src)
	if gone := silent(err); err == nil || gone != nil && gone.Late() {
		g.answered = true
	}
	if err != nil {
		return nil, err
	}
	was := g.before[src.key()]
	g.before[src.key()] = now
	if was == nil {
		return nil, nil
	}
	grew, err := now.Since(was)
	if errors.Is(err, baseline.ErrOtherNamespace) {
		delete(g.total, src.key()) // the number is another namespace's by now
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if grew.Restarted {
		s.tellRestart(src)
	}
	maps.Copy(g.groups, grew.Groups)
	if grew.Down == nil {
		grew.Down = make(map[uint32]bool)
		for i, err := range src.Stack.Interfaces(ctx) {
			if !netstat.IsComplete(err) {
				return nil, err
			}
			if err != nil {
				break
			}
			grew.Down[i.Index] = !i.Up().Or(true)
		}
	}
	g.down[src.key()] = grew.Down
	g.inTurn[src.key()], g.total[src.key()] = grew.Delta, add(g.total[src.key()], grew.Delta)
	return grew.Delta, nil
}

// tellRestart says why nothing is known of an interval.
func (s *Session) tellRestart(src *Source) {
	of := ""
	if src.label() != "" {
		of = " of " + src.label()
	}
	s.note(fmt.Sprintf("%sthe agent%s began anew before %s: what was counted is not known", s.program, of, time.Now().Format(time.TimeOnly)))
}

// Counts is what a stack counted until one moment.
type Counts interface {
	// Since returns by how much it grew since an earlier moment of the same stack.
	Since(earlier Counts) (*Grown, error)
	// Missing returns why some of what the stack counts is not among it, nil where
	// all is.
	Missing() error
}

// Grown is by how much what a stack counts grew.
type Grown struct {
	*baseline.Delta
	// Restarted says that the stack began to count anew meanwhile.
	Restarted bool
	// Groups are those of counters, by name, where the stack tells them with these.
	Groups map[string]netstat.CounterGroup
	// Down says which interfaces are, by index; nil where it is to be read.
	Down map[uint32]bool
}

// countedHere is what a kernel counted.
type countedHere struct{ *baseline.Snapshot }

func (c countedHere) Since(earlier Counts) (*Grown, error) {
	d, err := c.Snapshot.Since(earlier.(countedHere).Snapshot)
	return &Grown{Delta: d}, err
}

func (countedHere) Missing() error { return nil }

// count reads the counters of a stack as they are now.
func (s *Session) count(ctx context.Context, src *Source) (Counts, error) {
	if src.Count == nil {
		taken, err := s.snapshot(ctx, src)
		return countedHere{taken}, err
	}
	counts, err := src.Count(ctx)
	if err == nil && counts.Missing() != nil {
		s.complain("counters", src, counts.Missing())
	}
	return counts, err
}

// add adds what was counted in an interval to what was counted before. What is
// not known of one of them is not known of both.
func add(sum, grew *baseline.Delta) *baseline.Delta {
	if sum == nil {
		sum = &baseline.Delta{From: grew.From, Counters: maps.Clone(grew.Counters)}
		for _, d := range grew.Interfaces {
			d.Counters = maps.Clone(d.Counters)
			sum.Interfaces = append(sum.Interfaces, d)
		}
		sum.To = grew.To
		return sum
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
			d.Counters = maps.Clone(d.Counters)
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
