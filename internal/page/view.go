package page

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// How many rows a table has. The rest is told as a number.
const (
	mostListeners = 30
	mostLinks     = 24
	mostLoads     = 10
	mostCounters  = 40
	mostClients   = 20
	mostNames     = 200
	mostFindings  = 20
)

// view is what the template shows. Its texts are as they were found: the template cleans and escapes them.
type view struct {
	Style     template.CSS
	Refresh   int // seconds
	NetNS     string
	Names     []string
	MoreNames int
	Now       time.Time
	Up        string
	Program   Program

	Findings     []finding
	MoreFindings int

	Figures []figure

	Links     []linkRow
	MoreLinks int

	Listeners     []listenerRow
	MoreListeners int

	Processes, Networks         []loadRow
	MoreProcesses, MoreNetworks int

	Counters     []counterRow
	MoreCounters int
	Since        string // how long growth is known

	Flows *flows

	// What stands in the place of a table without rows.
	NoLinks, NoCounters, NoListeners, NoLoads string

	Clients     []clientRow
	MoreClients int
	AgentX      string
	ConfigRead  string
}

// finding is something that is wrong. Bad ones are worse than others.
type finding struct {
	Bad         bool
	Title, Text string
}

// figure is one number of the stack.
type figure struct{ Name, Value string }

type linkRow struct {
	Name, Kind, Alias, State string
	Up                       bool
	In, Out, Top             string
	Graph                    *graph
	Title                    string
	busy                     float64
}

type listenerRow struct {
	Protocol, Address, Port, Process string
	Queue, Limit, Drops              string
	Full, Half                       bool
	Fill                             int // of 100; -1 where there is no limit
	order                            float64
}

type loadRow struct {
	Name                    string
	Connections             uint64
	SendQueue, ReceiveQueue string
	Retransmitting          uint64
	Share                   int  // of 100
	Bad                     bool // isMuch
}

type counterRow struct {
	Name, Meaning, Grew, Total string
	Bad                        bool
	grew                       grown
	total                      uint64
}

type flows struct {
	Now, Limit string
	Fill       int
	Percent    string
	Bad        bool
}

type clientRow struct {
	Address, Version, Answered, Refused, Reason, Last string
	Bad                                               bool
}

// read is what was read for a view.
type read struct {
	interfaces []netstat.Interface
	counters   []netstat.Counter
	softnet    readings.Softnet
	usage      netstat.FlowUsage
	sockets    [2]metrics.Summary // of TCP and UDP
	known      [len(partNames)]bool
	failed     []failure
}

// Parts of a view, which are read side by side.
const (
	ofInterfaces = iota
	ofCounters
	ofUsage
	ofTCP
	ofUDP
	ofSoftnet
)

var partNames = [...]string{"Interfaces", "Counters", "Connection tracking", "TCP sockets", "UDP sockets", "Softnet"}

// failure is a part that could not be read.
type failure struct{ what, why string }

// whyNot says in words why something could not be read.
func whyNot(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "the kernel refuses them to the program: a security policy (SELinux, AppArmor, seccomp) or a capability"
	case errors.Is(err, context.DeadlineExceeded):
		return "they could not be read in time"
	}
	return "they could not be read: the log has the error"
}

// readAll reads the parts side by side.
func (p *Page) readAll(ctx context.Context, name string, s *readings.Stack) (r read) {
	var errs [len(partNames)]error
	var reading sync.WaitGroup
	reading.Go(func() {
		var all readings.Interfaces
		all, errs[ofInterfaces] = s.Interfaces.Get(ctx)
		r.interfaces = all.Rows
	})
	reading.Go(func() { r.counters, errs[ofCounters] = s.Counters.Get(ctx) })
	reading.Go(func() { r.usage, errs[ofUsage] = s.FlowUsage.Get(ctx) })
	if name == "" { // they are the host's
		reading.Go(func() { r.softnet, errs[ofSoftnet] = s.Softnet.Get(ctx) })
	}
	for i, source := range []interface {
		GetParts(context.Context, fresh.Parts) (readings.Sockets, error)
	}{s.TCP, s.UDP} {
		reading.Go(func() {
			found, err := source.GetParts(ctx, readings.SocketsObserved)
			if err == nil {
				r.sockets[i], err = metrics.SummaryOf(found)
			}
			errs[ofTCP+i] = err
		})
	}
	reading.Wait()
	for i, what := range partNames {
		r.known[i] = errs[i] == nil
		if errors.Is(errs[i], netstat.ErrNotSupported) {
			continue
		}
		if p.lack(name, what, errs[i]); errs[i] != nil {
			r.failed = append(r.failed, failure{what, whyNot(errs[i])})
		}
	}
	return r
}

func (p *Page) view(ctx context.Context, name string, stack Stack) *view {
	r := p.readAll(ctx, name, stack.Readings)
	v := &view{Style: template.CSS(style), Refresh: 30, NetNS: name, Program: p.options.Program(), Now: time.Now()} //nolint:gosec // the style is the program's own
	if v.Names = p.options.Names(); len(v.Names) > mostNames {
		v.Names, v.MoreNames = v.Names[:mostNames], len(v.Names)-mostNames
	}
	v.Up = span(v.Now.Sub(v.Program.Started))
	v.showProgram()
	for _, f := range r.failed {
		v.find(true, "Not read", f.what+": "+f.why)
	}
	v.NoLinks, v.NoCounters, v.NoListeners, v.NoLoads = "There is no interface.", "All are zero.", "Nobody listens.", "No connection."
	const notRead = "Not known: they could not be read."
	if !r.known[ofInterfaces] {
		v.NoLinks = notRead
	}
	if !r.known[ofCounters] || !r.known[ofInterfaces] {
		v.NoCounters = notRead
	}
	if !r.known[ofTCP] || !r.known[ofUDP] {
		v.NoListeners, v.NoLoads = notRead, notRead
	}
	v.showListeners(&r)
	v.showFlows(&r)
	v.showCounters(&r, stack.History)
	v.showLinks(&r, stack.History)
	v.Processes, v.MoreProcesses = loadRows(r.sockets[0].Processes, r.sockets[1].Processes, func(k string) string { return k })
	v.Networks, v.MoreNetworks = loadRows(r.sockets[0].Networks, r.sockets[1].Networks, netip.Prefix.String)
	v.showFigures(&r)
	slices.SortStableFunc(v.Findings, func(a, b finding) int { return cmp.Compare(truth(b.Bad), truth(a.Bad)) })
	if len(v.Findings) > mostFindings {
		v.Findings, v.MoreFindings = v.Findings[:mostFindings], len(v.Findings)-mostFindings
	}
	return v
}

func (v *view) find(bad bool, title, text string) {
	v.Findings = append(v.Findings, finding{bad, title, text})
}

func (v *view) showProgram() {
	o := &v.Program
	if o.ConfigError != "" {
		v.find(true, "Configuration", "the file was no good when it was read last, and the one before stays: "+o.ConfigError)
	}
	if !o.ConfigRead.IsZero() {
		v.ConfigRead = span(v.Now.Sub(o.ConfigRead)) + " ago"
	}
	if o.AgentX != nil {
		if o.AgentX.Opened.IsZero() {
			v.find(true, "AgentX", "there is no session with the master")
			v.AgentX = "no session"
		} else {
			v.AgentX = fmt.Sprintf("session for %s, the %s since the start; %d subtrees registered", span(v.Now.Sub(o.AgentX.Opened)), ordinal(o.AgentX.Sessions), o.AgentX.Registered)
		}
		if o.AgentX.Refused > 0 {
			v.find(true, "AgentX", fmt.Sprintf("the master refused %d subtrees", o.AgentX.Refused))
		}
	}
	clients := slices.Clone(o.Clients)
	slices.SortStableFunc(clients, func(a, b Client) int { return b.Last.Compare(a.Last) })
	for i, c := range clients {
		if i >= mostClients {
			v.MoreClients = len(clients) - mostClients
			break
		}
		row := clientRow{Address: c.Address, Version: c.Version, Answered: count(c.Answered), Refused: count(c.Refused), Reason: c.Reason, Bad: c.Refused > 0}
		if !c.Last.IsZero() {
			row.Last = span(v.Now.Sub(c.Last)) + " ago"
		}
		v.Clients = append(v.Clients, row)
	}
}

func (v *view) showListeners(r *read) {
	var rows []listenerRow
	for i, protocol := range []string{"tcp", "udp"} {
		for _, l := range r.sockets[i].Listeners {
			row := listenerRow{Protocol: protocol, Address: l.Address.Addr().String(), Port: fmt.Sprint(l.Address.Port()), Process: l.Process, Fill: -1}
			if l.Address.Addr().IsUnspecified() {
				row.Address = "*"
				if l.Address.Addr().Is6() {
					row.Address = "[::]"
				}
			}
			if i == 0 {
				row.Queue, row.Limit = count(l.Queue), count(l.Limit)
				if l.Limit > 0 {
					row.Fill = int(min(100, 100*l.Queue/l.Limit))
				}
				row.Full, row.Half = l.Full > 0, l.Queue > l.Limit/2
				if row.Full {
					text := fmt.Sprintf("%s port %s (%s): %s connections wait, and the limit is %s", row.Address, row.Port, named(l.Process), count(l.Queue), count(l.Limit))
					if l.Sockets > 1 {
						text += fmt.Sprintf("; of %d sockets %d are full", l.Sockets, l.Full)
					}
					v.find(true, "Accept queue full", text)
				}
				row.order = float64(max(row.Fill, 0))
				if row.Full { // one of several sockets may be, while all of them together are not
					row.order += 100
				}
			} else {
				row.Queue = octets(float64(l.Queue))
				row.order = float64(l.Queue) / 1e9
			}
			if drops, known := l.Drops.Get(); known {
				row.Drops = count(drops)
				if drops > 0 {
					row.order++
				}
			}
			rows = append(rows, row)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].order > rows[j].order })
	if len(rows) > mostListeners {
		rows, v.MoreListeners = rows[:mostListeners], len(rows)-mostListeners
	}
	v.Listeners = rows
}

func (v *view) showFlows(r *read) {
	n, known := r.usage.Flows.Get()
	if !known {
		return
	}
	f := &flows{Now: count(uint64(n)), Limit: "?"}
	if limit, known := r.usage.Limit.Get(); known && limit > 0 {
		share := 100 * float64(n) / float64(limit)
		f.Limit, f.Fill, f.Percent, f.Bad = count(uint64(limit)), int(min(share, 100)), fmt.Sprintf("%.1f", share), share >= 80
		if f.Bad {
			v.find(share >= 95, "Connection tracking", fmt.Sprintf("%s of %s flows: new ones are dropped once the table is full", f.Now, f.Limit))
		}
	}
	v.Flows = f
}

func (v *view) showCounters(r *read, h *History) {
	grew, since, missed := h.growths(v.Now)
	if passed := v.Now.Sub(since); !since.IsZero() && passed >= early {
		v.Since = span(passed)
	}
	totals := make(map[string]uint64)
	for i := range r.counters {
		if n, fits := r.counters[i].Value.Uint64(); fits {
			totals[r.counters[i].Name] = n
		}
	}
	add := func(row counterRow) {
		if row.grew.by == 0 && row.total == 0 {
			return
		}
		row.Bad, row.Grew, row.Total = row.grew.by > 0, count(row.grew.by), count(row.total)
		v.Counters = append(v.Counters, row)
	}
	for _, name := range stackFaults {
		add(counterRow{Name: name, Meaning: netstat.DescribeCounter(name).Meaning, grew: grew[fault{0, name}], total: totals[name]})
	}
	for _, f := range softnetFaults {
		add(counterRow{Name: f.name, Meaning: f.meaning, grew: grew[fault{0, f.name}], total: f.of(r.softnet)})
	}
	for i := range r.interfaces {
		ifc := &r.interfaces[i]
		for _, f := range linkFaults {
			add(counterRow{Name: ifc.Name + ": " + f.name, Meaning: f.meaning, grew: grew[fault{ifc.Index, f.name}], total: f.at(&ifc.Counters).Or(0)})
		}
	}
	slices.SortStableFunc(v.Counters, func(a, b counterRow) int { return cmp.Compare(truth(b.Bad), truth(a.Bad)) })
	for _, c := range v.Counters {
		if c.Bad {
			v.find(false, c.Name, fmt.Sprintf("grew by %s in %s: %s", c.Grew, span(v.Now.Sub(c.grew.since)), lower(c.Meaning)))
		}
	}
	if missed {
		v.find(false, "Counters", "more counters grew than are kept")
	}
	if len(v.Counters) > mostCounters {
		v.Counters, v.MoreCounters = v.Counters[:mostCounters], len(v.Counters)-mostCounters
	}
}

func (v *view) showLinks(r *read, h *History) {
	graphs := h.graphs(v.Now)
	for i := range r.interfaces {
		ifc := &r.interfaces[i]
		row := linkRow{Name: ifc.Name, Kind: ifc.Kind, Alias: ifc.Alias, In: "–", Out: "–"}
		if state, known := ifc.Operational().Get(); known {
			row.State, row.Up = state.String(), state == netstat.OperUp
		}
		if s, is := graphs[ifc.Index]; is {
			row.busy = s.busy + 1
			row.Graph = draw(s.points)
			if last := s.points; len(last) > 0 && last[len(last)-1].in >= 0 {
				row.In, row.Out = bits(last[len(last)-1].in), bits(last[len(last)-1].out)
			}
			row.Title = "Last hour of " + clean(ifc.Name) + ": nothing is known yet"
			if row.Graph.known {
				row.Top = bits(row.Graph.top)
				row.Title = fmt.Sprintf("Last hour of %s: at most %s", clean(ifc.Name), row.Top)
			}
		}
		v.Links = append(v.Links, row)
	}
	slices.SortStableFunc(v.Links, func(a, b linkRow) int { return cmp.Compare(b.busy, a.busy) })
	if len(v.Links) > mostLinks {
		v.Links, v.MoreLinks = v.Links[:mostLinks], len(v.Links)-mostLinks
	}
}

func (v *view) showFigures(r *read) {
	tcp := r.sockets[0].States
	var connections, retransmitting uint64
	for _, p := range r.sockets[0].Processes {
		connections, retransmitting = connections+p.Connections, retransmitting+p.Retransmitting
	}
	if isMuch(retransmitting, connections) {
		v.find(false, "Retransmissions", fmt.Sprintf("%s of %s connections wait for an acknowledgement, and send again", count(retransmitting), count(connections)))
	}
	v.Figures = []figure{
		{"TCP established", count(tcp[netstat.Established])},
		{"Time wait", count(tcp[netstat.TimeWait])},
		{"Syn received", count(tcp[netstat.SynReceived] + tcp[netstat.NewSynReceived])},
		{"Close wait", count(tcp[netstat.CloseWait])},
		{"Retransmitting", count(retransmitting)},
		{"Listeners", count(tcp[netstat.Listen])},
		{"UDP sockets", count(r.sockets[1].States[netstat.Close] + r.sockets[1].States[netstat.Established])},
	}
}

// loadRows are what connections of both protocols have together, the most connections first.
func loadRows[K comparable](tcp, udp []metrics.Load[K], name func(K) string) (rows []loadRow, more int) {
	sum := make(map[K]metrics.Load[K], len(tcp)+len(udp))
	var all uint64
	for _, loads := range [][]metrics.Load[K]{tcp, udp} {
		for _, l := range loads {
			of := sum[l.Key]
			of.Key = l.Key
			of.Add(l)
			sum[l.Key] = of
			all += l.Connections
		}
	}
	loads := make([]metrics.Load[K], 0, len(sum))
	for _, l := range sum {
		loads = append(loads, l)
	}
	slices.SortFunc(loads, func(a, b metrics.Load[K]) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(b.SendQueue+b.ReceiveQueue, a.SendQueue+a.ReceiveQueue), strings.Compare(name(a.Key), name(b.Key)))
	})
	for i, l := range loads {
		if i >= mostLoads {
			return rows, len(loads) - mostLoads
		}
		rows = append(rows, loadRow{name(l.Key), l.Connections, octets(float64(l.SendQueue)), octets(float64(l.ReceiveQueue)), l.Retransmitting, int(100 * l.Connections / max(all, 1)), isMuch(l.Retransmitting, l.Connections)})
	}
	return rows, 0
}

// isMuch reports whether so many connections of all that retransmit stand out: a twentieth.
func isMuch(retransmitting, all uint64) bool { return retransmitting > 0 && 20*retransmitting >= all }

func truth(is bool) int {
	if is {
		return 1
	}
	return 0
}

// clean makes a text that others choose fit for a page: what is not printed, or turns the direction of writing, shows as
// U+FFFD.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u00a0' || r == '\u202f' { // the spaces of units and of digits
			return r
		}
		return unicode.ReplacementChar
	}, strings.ToValidUTF8(shorten(text), "\uFFFD"))
}

func named(process string) string {
	if process == "" {
		return "process unknown"
	}
	return process
}

func lower(s string) string {
	if len(s) > 1 && !unicode.IsUpper(rune(s[1])) {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}
