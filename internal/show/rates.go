package show

import (
	"context"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Tables of what goes on: growth by the second. Before the second turn none of it is known.

// interfaceRate is what an interface does.
type interfaceRate struct {
	interfaceGrowth
	details netstat.InterfaceDetails
	// queueing is what the queueing discipline at the root counted, unknown where the
	// stack tells of none.
	queueing queueingRate
}

// rate returns by how much counters grew in a second, together. It is unknown when one of them
// is, but for those that the source does not tell of.
func (i *interfaceRate) rate(names ...string) netstat.Optional[float64] {
	total, told := uint64(0), false
	for _, name := range names {
		d, ok := i.Counters[name]
		if !ok {
			continue
		}
		n, known := d.Count.Get()
		if !known {
			return netstat.Optional[float64]{}
		}
		total, told = total+n, true
	}
	if seconds := i.seconds(); told && seconds > 0 {
		return netstat.Known(float64(total) / seconds)
	}
	return netstat.Optional[float64]{}
}

// utilisation returns how much of the speed a rate of bytes is, in percent.
func (i *interfaceRate) utilisation(counter string) table.Value {
	rate, known := i.rate(counter).Get()
	speed := i.details.Speed.Or(0)
	if !known || speed == 0 {
		return table.Value{}
	}
	return table.Float(rounded(rate * 8 / float64(speed) * 100))
}

// rounded leaves of a number the digits that mean something.
func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }

// rateValue is the value of a rate.
func rateValue(o netstat.Optional[float64]) table.Value {
	f, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Float(rounded(f))
}

// rateOf makes a field of a rate a column, scaled for people by 1000 or, of bytes, 1024.
func rateOf[T any](heading string, base uint64, name, doc string, value func(*T) table.Value) both[T] {
	f := of(heading, 8, fieldOf(name, table.Number, doc, value)).shownAs(func(b []byte, v *T) []byte {
		rate := value(v)
		if !rate.IsKnown() {
			return append(b, '-')
		}
		return table.AppendScaled(b, uint64(math.Round(max(rate.Float(), 0))), base)
	})
	f.right = true
	return f
}

// percentOf makes a field in percent a column.
func percentOf[T any](heading, name, doc string, value func(*T) table.Value) both[T] {
	f := of(heading, 5, fieldOf(name, table.Number, doc, value)).shownAs(func(b []byte, v *T) []byte {
		percent := value(v)
		if !percent.IsKnown() {
			return append(b, '-')
		}
		return strconv.AppendFloat(b, percent.Float(), 'f', 1, 64)
	})
	f.right = true
	return f
}

// InterfaceRates is the table of what interfaces do: rates, and how much of their speed
// these are.
func InterfaceRates() Table {
	field := fieldOf[interfaceRate]
	counter := func(heading, name, doc string, of ...string) both[interfaceRate] {
		f := rateOf(heading, 1000, name, doc+" a second", func(i *interfaceRate) table.Value { return rateValue(i.rate(of...)) })
		return f.redIf(func(i *interfaceRate) bool { return i.rate(of...).Or(0) > 0 })
	}
	packets := func(heading, name, doc, of string) both[interfaceRate] {
		return rateOf(heading, 1000, name, doc, func(i *interfaceRate) table.Value { return rateValue(i.rate(of)) })
	}
	fields := []both[interfaceRate]{
		of("Interface", 10, field("name", table.Interface, "name", func(i *interfaceRate) table.Value { return table.Text(i.Name) })),
		of("State", 5, field("state", table.String, "operational state", func(i *interfaceRate) table.Value { return knownText(i.details.OperState) })),
		rateOf("Rx/s", 1024, "receivedRate", "bytes received a second", func(i *interfaceRate) table.Value { return rateValue(i.rate("rx_bytes")) }),
		rateOf("Tx/s", 1024, "sentRate", "bytes sent a second", func(i *interfaceRate) table.Value { return rateValue(i.rate("tx_bytes")) }),
		percentOf("Rx%", "receivedUtilisation", "how much of the speed is received, in percent", func(i *interfaceRate) table.Value { return i.utilisation("rx_bytes") }),
		percentOf("Tx%", "sentUtilisation", "how much of the speed is sent, in percent", func(i *interfaceRate) table.Value { return i.utilisation("tx_bytes") }),
		packets("RxPkt/s", "receivedPacketRate", "packets received a second", "rx_packets"),
		packets("TxPkt/s", "sentPacketRate", "packets sent a second", "tx_packets"),
		counter("Err/s", "errorRate", "errors of both directions, which count by kind in `rx_crc_errors` and the like", "rx_errors", "tx_errors"),
		counter("RxDrp/s", "receivedDropRate", "packets dropped on reception: no room in the stack (`rx_dropped`) or in the device (`rx_missed_errors`), or nobody to take them (`rx_nohandler`)", "rx_dropped", "rx_missed_errors", "rx_nohandler"),
		counter("TxDrp/s", "sentDropRate", "packets dropped on sending", "tx_dropped"),
		of("Speed", 6, field("speed", table.Integer, "bits a second", func(i *interfaceRate) table.Value { return uintValue(i.details.Speed) })).count(),
		of("Qdisc", 8, field("qdisc", table.String, "kind of the root queueing discipline", func(i *interfaceRate) table.Value { return table.Text(i.details.Qdisc) })),
		of("Backlog", 7, field("backlog", table.Integer, "bytes that wait in the root queueing discipline", func(i *interfaceRate) table.Value { return uintValue(i.queueing.Backlog) })).bytes(),
		of("QDrops", 6, field("queueingDrops", table.Integer, "packets that the root queueing discipline gave up since it was made", func(i *interfaceRate) table.Value { return uintValue(i.queueing.Drops) })).count(),
		rateOf("QDrp/s", 1000, "queueingDropRate", "packets that it gave up a second", func(i *interfaceRate) table.Value { return rateValue(i.queueing.drops) }).
			redIf(func(i *interfaceRate) bool { return i.queueing.drops.Or(0) > 0 }),
		hidden(field("queueingOverlimits", table.Integer, "packets that had to wait for their turn by a rate", func(i *interfaceRate) table.Value { return uintValue(i.queueing.Overlimits) })),
		of("TxQ", 3, field("transmitQueues", table.Integer, "number of queues to send", func(i *interfaceRate) table.Value { return uintValue(i.details.TransmitQueues) })),
		of("RxQ", 3, field("receiveQueues", table.Integer, "number of queues to receive", func(i *interfaceRate) table.Value { return uintValue(i.details.ReceiveQueues) })),
		hidden(field("index", table.Integer, "index, from 1", func(i *interfaceRate) table.Value { return table.Uint(i.Index) })),
		hidden(field("mtu", table.Integer, "bytes", func(i *interfaceRate) table.Value { return uintValue(i.details.MTU) })),
	}
	for _, f := range spanFields(func(i *interfaceRate) span { return i.span }) {
		if f.Name != "total" {
			fields = append(fields, hidden(f))
		}
	}
	for name := range new(netstat.InterfaceCounters).All() {
		fields = append(fields, hidden(field(name, table.Integer, "by how much it grew in the interval", func(i *interfaceRate) table.Value { return uintValue(i.Counters[name].Count) })))
	}
	return list("interfaceRate", "what an interface does: by how much its counters grew in an interval", kind[interfaceRate]{
		what:     "interfaces",
		read:     interfaceRates,
		belongs:  func(_ context.Context, q *query, i *interfaceRate) bool { return q.chooses(q.src, i.Name) },
		identity: []string{"index", "name"},
		aliases:  interfaceAliases(),
	}, fields...)
}

// interfaceRates reads what each interface is, with by how much its counters grew.
func interfaceRates(ctx context.Context, q *query) iter.Seq2[interfaceRate, error] {
	grew, err := q.grownInTurn(ctx, q.src)
	if err != nil {
		return failed[interfaceRate](err)
	}
	return func(yield func(interfaceRate, error) bool) {
		queueing, err := q.queueing.read(q, newRising[rootQdisc], func(m *rising[rootQdisc]) (map[uint32]queueingRate, error) {
			return q.rootQueueing(ctx, m), nil
		})
		if err != nil {
			yield(interfaceRate{}, err)
			return
		}
		type key struct {
			index uint32
			name  string
		}
		deltas := make(map[key]baseline.InterfaceDelta)
		if grew != nil {
			for _, g := range grew.Interfaces {
				deltas[key{g.Index, g.Name}] = g
			}
		}
		var found []interfaceRate
		var unknown error // why some values are
		for d, err := range interfaceDetails(ctx, q.src) {
			if err != nil {
				if !netstat.IsComplete(err) {
					yield(interfaceRate{}, err)
					return
				}
				unknown = err
				break
			}
			i := interfaceRate{details: d, queueing: queueing[d.Index]}
			i.InterfaceDelta = baseline.InterfaceDelta{Index: d.Index, Name: d.Name}
			if grew != nil {
				i.span = span{from: grew.From, to: grew.To}
				if delta, ok := deltas[key{d.Index, d.Name}]; ok {
					i.InterfaceDelta = delta
				}
			}
			found = append(found, i)
		}
		slices.SortFunc(found, func(a, b interfaceRate) int { return compareNames(a.Name, b.Name) })
		for _, i := range found {
			if !yield(i, nil) {
				return
			}
		}
		if unknown != nil {
			yield(interfaceRate{}, unknown)
		}
	}
}

// rootQdisc is what the queueing discipline at the root of an interface is known by.
type rootQdisc struct {
	index  uint32
	kind   string
	handle netstat.TrafficHandle
}

// queueingRate is what such a queueing discipline counted, and how many packets it gave up in
// a second: its own drops and those of all below it.
type queueingRate struct {
	netstat.QueueStatistics
	drops netstat.Optional[float64]
}

// rootQueueing reads what the queueing disciplines at the root of each interface counted. That a
// stack tells of none leaves it unknown.
func (q *query) rootQueueing(ctx context.Context, m *rising[rootQdisc]) map[uint32]queueingRate {
	found := make(map[uint32]queueingRate)
	m.begin(q.src.now())
	reader, ok := q.src.Stack.(netstat.TrafficReader)
	if !ok {
		return found
	}
	for d, err := range reader.Qdiscs(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				q.lacks("queueing disciplines", q.src, err, false)
			}
			break
		}
		if d.Parent == netstat.TrafficRoot {
			drops := m.rate(rootQdisc{d.Interface, d.Kind, d.Handle}, d.Statistics.Drops)
			found[d.Interface] = queueingRate{d.Statistics, drops}
		}
	}
	return found
}

// CounterRates is the table of the counters that grew, by the second.
func CounterRates() Table {
	field := fieldOf[counterGrowth]
	fields := []both[counterGrowth]{
		of("Counter", 28, field("name", table.String, "the kernel's name, as nstat(8) has it", func(g *counterGrowth) table.Value { return table.Text(g.name) })),
		rateOf("A second", 1000, "rate", "by how much it grew in a second", func(g *counterGrowth) table.Value {
			n, known := g.count.Get()
			if seconds := g.seconds(); known && seconds > 0 {
				return table.Float(rounded(float64(n) / seconds))
			}
			return table.Value{}
		}),
		of("Grew", 8, field("value", table.Integer, "by how much it grew in the interval", func(g *counterGrowth) table.Value { return uintValue(g.count) })),
		of("Group", 8, field("group", table.String, "protocol, or part of the kernel", func(g *counterGrowth) table.Value { return table.Text(string(g.group)) })),
		of("Meaning", 0, field("meaning", table.String, "one line for people", func(g *counterGrowth) table.Value {
			return table.Text(netstat.DescribeCounter(g.name).Meaning)
		})),
		hidden(field("unit", table.String, "what is counted", func(g *counterGrowth) table.Value {
			return table.Text(string(netstat.DescribeCounter(g.name).Unit))
		})),
	}
	for _, f := range spanFields(func(g *counterGrowth) span { return g.span }) {
		if f.Name != "total" {
			fields = append(fields, hidden(f))
		}
	}
	return list("counterRate", "a counter that grew in an interval", kind[counterGrowth]{
		what: "counters", read: countersGrown, identity: []string{"name"},
		aliases: map[string][]string{"protocol": {"group"}},
	}, fields...)
}

// listener is a listener with its queue.
type listener struct {
	netstat.ListenQueue
	// skew is how many connections wait here, of the average of the listeners that share
	// the address; unknown where there is one, or none waits.
	skew netstat.Optional[float64]
	// dropRate is how many connections and requests it dropped in a second.
	dropRate netstat.Optional[float64]
}

// full reports whether the kernel drops what comes now.
func (l *listener) full() bool {
	most, known := l.Maximum.Get()
	return known && l.Unaccepted.Or(0) > most
}

func (l *listener) drops() netstat.Optional[uint32] {
	if l.Socket.Detail == nil {
		return netstat.Optional[uint32]{}
	}
	return l.Socket.Detail.Drops
}

// Listeners is the table of listeners: their queues, what they dropped, and how evenly those
// of an address share it.
func Listeners() Table {
	field := fieldOf[listener]
	return list("listener", "a listener and its queue", kind[listener]{
		what: "listeners", read: listeners, identity: []string{"protocol", "localAddress", "localPort", "interface", "inode"},
		belongs: by(func(l *listener) uint32 { return l.Socket.Interface.Or(0) }),
		names:   func(l *listener) bool { return namesInterface(&l.Socket) },
		lookUp: func(s *Session, r *Row[listener]) {
			if !s.numericHosts() {
				s.resolver.StartHost(r.v.Socket.Local.Addr())
			}
			if uid, known := r.v.Socket.UID.Get(); known && !s.numericUsers() {
				s.resolver.StartUser(uid)
			}
		},
		aliases: map[string][]string{"port": {"localPort"}, "sport": {"localPort"}, "src": {"localAddress"}, "dev": {"interface"}, "process": {"processes"}, "pid": {"processes"}},
	},
		of("Proto", 5, field("protocol", table.String, "transport protocol", func(l *listener) table.Value { return table.Text(l.Socket.Protocol.String()) })),
		both[listener]{Field: table.Field[Row[listener]]{Name: "localAddress", Type: table.Address, Doc: "local address", Value: func(r *Row[listener]) table.Value {
			return addrValue(r.from, r.v.Socket.Local.Addr())
		}}, heading: "Local Address", width: 22, drawn: func(s *Session) func(b []byte, r *Row[listener]) []byte {
			return func(b []byte, r *Row[listener]) []byte { return s.appendListener(b, r.from, &r.v.Socket) }
		}},
		hidden(field("localPort", table.Port, "local port", func(l *listener) table.Value { return table.Uint(l.Socket.Local.Port()) })),
		hidden(interfaceField("interface", "interface that the listener is bound to", func(l *listener) uint32 { return l.Socket.Interface.Or(0) })),
		of("Queue", 6, field("unaccepted", table.Integer, "connections that wait to be accepted", func(l *listener) table.Value { return uintValue(l.Unaccepted) })).redIf((*listener).full),
		of("Max", 6, field("maximum", table.Integer, "the most connections that may wait", func(l *listener) table.Value { return uintValue(l.Maximum) })),
		percentOf("Fill%", "fill", "how full the queue is, in percent of its maximum", func(l *listener) table.Value {
			n, known := l.Unaccepted.Get()
			most, limited := l.Maximum.Get()
			if !known || !limited || most == 0 {
				return table.Value{}
			}
			return table.Float(rounded(float64(n) / float64(most) * 100))
		}),
		of("Incomp", 6, field("incomplete", table.Integer, "connection requests that have not finished the handshake, of all listeners that share the address", func(l *listener) table.Value { return uintValue(l.Incomplete) })),
		of("Drops", 6, field("drops", table.Integer, "connections and requests that the listener dropped since it was opened", func(l *listener) table.Value { return uintValue(l.drops()) })).
			redIf(func(l *listener) bool { return l.drops().Or(0) > 0 }),
		rateOf("Drop/s", 1000, "dropRate", "connections and requests that the listener dropped a second since the turn before", func(l *listener) table.Value { return rateValue(l.dropRate) }).
			redIf(func(l *listener) bool { return l.dropRate.Or(0) > 0 }),
		of("Share", 5, field("sharing", table.Integer, "how many listeners share the address by SO_REUSEPORT", func(l *listener) table.Value { return table.Int(l.Sharing) })),
		percentOf("Skew", "skew", "of listeners that share the address: how many times the average of them waits here", func(l *listener) table.Value { return rateValue(l.skew) }),
		hidden(field("uid", table.User, "user", func(l *listener) table.Value { return uintValue(l.Socket.UID) })),
		hidden(field("inode", table.Integer, "inode in sockfs", func(l *listener) table.Value { return uintValue(l.Socket.Inode) })),
		hidden(field("cgroup", table.String, "path of the cgroup that the listener was made in", func(l *listener) table.Value {
			if l.Socket.Detail == nil || l.Socket.Detail.CGroup.Or(netstat.CGroup{}).Path == "" {
				return table.Value{}
			}
			return table.Text(l.Socket.Detail.CGroup.Or(netstat.CGroup{}).Path)
		})),
		of("PID/Program name", 0, field("processes", table.Objects, "processes that hold the listener", func(l *listener) table.Value { return processesValue(l.Socket.Processes) })).
			shownAs(func(b []byte, l *listener) []byte { return appendProcesses(b, l.Socket.Processes) }),
	)
}

// listeners reads listeners in full.
func listeners(ctx context.Context, q *query) iter.Seq2[listener, error] {
	return func(yield func(listener, error) bool) {
		found, err := q.listening.read(q, newRising[uint64], func(m *rising[uint64]) ([]listener, error) { return q.readListeners(ctx, m) })
		for _, l := range found {
			if !yield(l, nil) {
				return
			}
		}
		if err != nil {
			yield(listener{}, err)
		}
	}
}

// readListeners reads the listeners of the query's stack. What is read before an error is returned
// with it.
func (q *query) readListeners(ctx context.Context, m *rising[uint64]) (found []listener, err error) {
	ask := netstat.SocketQuery{Families: q.families(), Processes: true, Details: netstat.DetailMemory | netstat.DetailCGroup}
	if err := q.shareOwners(ctx, q.src, &ask.Processes, &ask.Owners); err != nil {
		return nil, err
	}
	reader, ok := q.src.Stack.(netstat.ListenQueueReader)
	if !ok {
		return nil, netstat.ErrNotSupported
	}
	type group struct{ listeners, unaccepted int }
	groups := make(map[string]*group)
	groupOf := func(l *listener) *group {
		key := l.Socket.Protocol.String() + " " + l.Socket.Local.String() + " " + l.Socket.Interface.String()
		if groups[key] == nil {
			groups[key] = new(group)
		}
		return groups[key]
	}
	m.begin(q.src.now())
	for v, failure := range reader.ListenQueues(ctx, ask) {
		if err = failure; err != nil {
			break
		}
		if v.Socket.Protocol == netstat.MPTCP {
			continue // its TCP listener is there
		}
		l := listener{ListenQueue: v}
		if cookie, known := v.Socket.Cookie.Get(); known {
			l.dropRate = m.rate(cookie, l.drops())
		}
		g := groupOf(&l)
		g.listeners++
		g.unaccepted += int(v.Unaccepted.Or(0))
		found = append(found, l)
	}
	for i := range found {
		l := &found[i]
		if g := groupOf(l); g.listeners > 1 && g.unaccepted > 0 {
			l.skew.Set(float64(l.Unaccepted.Or(0)) * float64(g.listeners) / float64(g.unaccepted))
		}
	}
	return found, err
}
