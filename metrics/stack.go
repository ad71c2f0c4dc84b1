package metrics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// kept is what is read of a stack for metrics alone, and what was counted of it.
type kept struct {
	readings *readings.Stack
	failed   sync.Map // names of parts, which was said
	routes   *fresh.Source[routeCounts]

	// What is counted on of the values of labels that have no series.
	interfaces *tally[uint32] // by index
	qdiscs     *tally[qdiscKey]
	listeners  map[netstat.Protocol]*tally[listenerKey]
}

func newKept(r *readings.Stack) *kept {
	k := &kept{
		readings: r, interfaces: newTally[uint32](), qdiscs: newTally[qdiscKey](),
		listeners: map[netstat.Protocol]*tally[listenerKey]{netstat.TCP: newTally[listenerKey](), netstat.UDP: newTally[listenerKey]()},
	}
	stack := r.Stack()
	k.routes = fresh.New(func(ctx context.Context) (routeCounts, error) {
		found := routeCounts{of: make(map[routeKey]uint64), beyond: make(map[netstat.Family]uint64)}
		for route, err := range stack.Routes(ctx, netstat.RouteQuery{}) {
			if err != nil {
				return found, err
			}
			found.count(routeKey{route.Family(), route.Table, route.Protocol, route.Type})
		}
		return found, nil
	})
	readings.Follow(r, k.routes, netstat.KindRoute)
	return k
}

// mostInterfaces is how many interfaces of a stack have series of their own, and queueing disciplines likewise.
const mostInterfaces = 1 << 10

var (
	interfacesAll = gauge("netstat_interfaces", "Interfaces, those too that have no series of their own.")
	interfaceInfo = gauge("netstat_interface_info", "What an interface is; always 1.", "interface", "kind", "alias")
	interfaceUp   = gauge("netstat_interface_up", "Whether packets can go through: 1 for the operational state up, 0 otherwise.", "interface")
	interfaceMTU  = gauge("netstat_interface_mtu_bytes", "The longest packet.", "interface")
	speed         = gauge("netstat_interface_speed_bytes_per_second", "The nominal speed.", "interface")
	carrier       = counter("netstat_interface_carrier_changes_total", "Transitions of the carrier.", "interface")

	inBytes    = counter("netstat_interface_receive_bytes_total", "Octets received.", "interface")
	outBytes   = counter("netstat_interface_transmit_bytes_total", "Octets sent.", "interface")
	inPackets  = counter("netstat_interface_receive_packets_total", "Packets received.", "interface")
	outPackets = counter("netstat_interface_transmit_packets_total", "Packets sent.", "interface")
	inErrors   = counter("netstat_interface_receive_errors_total", "Packets received with errors, of all kinds.", "interface")
	outErrors  = counter("netstat_interface_transmit_errors_total", "Packets that could not be sent for errors, of all kinds.", "interface")
	inFaults   = counter("netstat_interface_receive_faults_total", "Packets received with errors, by what was wrong, as far as the driver tells.", "interface", "reason")
	outFaults  = counter("netstat_interface_transmit_faults_total", "Packets that could not be sent, by what was wrong, as far as the driver tells.", "interface", "reason")
	inDrops    = counter("netstat_interface_receive_drops_total", "Packets received without errors and dropped, by reason: no_memory (among which the kernel counts packets of protocols that nobody takes), missed by the device, no_handler at an inactive device, other_host.", "interface", "reason")
	outDrops   = counter("netstat_interface_transmit_drops_total", "Packets dropped instead of sent.", "interface")
	collisions = counter("netstat_interface_collisions_total", "Collisions.", "interface")
	multicasts = counter("netstat_interface_receive_multicast_packets_total", "Multicast packets received.", "interface")
)

func interfacesPart() part {
	return part{name: "interfaces", collect: func(ctx context.Context, of *kept, out sink) error {
		if err := of.interfaces.enter(ctx); err != nil {
			return err
		}
		defer of.interfaces.leave()
		found, err := of.readings.Interfaces.Get(ctx)
		if err != nil {
			return err
		}
		out.put(interfacesAll, float64(len(found.Rows)))
		rows, shown := named(found.Rows, other)
		keys := make([]uint32, len(rows))
		by := make(map[uint32]*netstat.Interface, len(rows))
		for i, row := range rows {
			keys[i], by[row.Index] = row.Index, row
			if i < shown {
				showInterface(out, row)
			}
		}
		all := interfaceCounters(new(netstat.InterfaceCounters))
		rest := of.interfaces.take(keys, shown, func(index uint32) []uint64 {
			var counts []uint64
			for _, c := range append(interfaceCounters(&by[index].Counters), interfaceCounter{carrier, "", widened(by[index].CarrierChanges)}) {
				counts = append(counts, c.value.Or(0))
			}
			return counts
		})
		for i, n := range rest {
			if i == len(all) {
				out.put(carrier, float64(n), other)
			} else {
				all[i].put(out, other, float64(n))
			}
		}
		return nil
	}}
}

func widened(n netstat.Optional[uint32]) (w netstat.Optional[uint64]) {
	if v, is := n.Get(); is {
		w.Set(uint64(v))
	}
	return w
}

// named returns interfaces, those first that have series of their own: the first by index, so that the same ones have them
// at each scrape. One has none whose name is one of those taken, or in a label that of another one.
func named(all []netstat.Interface, names ...string) (rows []*netstat.Interface, shown int) {
	for i := range all {
		rows = append(rows, &all[i])
	}
	slices.SortStableFunc(rows, func(a, b *netstat.Interface) int { return cmp.Compare(a.Index, b.Index) })
	taken := make(map[string]bool)
	for _, name := range names {
		taken[name] = true
	}
	var rest []*netstat.Interface
	own := rows[:0]
	for _, row := range rows {
		if name := utf8Of(row.Name); len(own) < mostInterfaces && !taken[name] {
			taken[name] = true
			own = append(own, row)
		} else {
			rest = append(rest, row)
		}
	}
	return append(own, rest...), len(own)
}

// interfaceCounter is a counter of an interface, and the reason where the family has some.
type interfaceCounter struct {
	metric *metric
	reason string
	value  netstat.Optional[uint64]
}

func (c *interfaceCounter) put(out sink, name string, value float64) {
	if c.reason == "" {
		out.put(c.metric, value, name)
	} else {
		out.put(c.metric, value, name, c.reason)
	}
}

// interfaceCounters are those of all interfaces, always as many and in the same order.
func interfaceCounters(c *netstat.InterfaceCounters) []interfaceCounter {
	return []interfaceCounter{
		{inBytes, "", c.InOctets}, {outBytes, "", c.OutOctets}, {inPackets, "", c.InPackets}, {outPackets, "", c.OutPackets}, {inErrors, "", c.InErrors}, {outErrors, "", c.OutErrors},
		{outDrops, "", c.OutDropped}, {collisions, "", c.Collisions}, {multicasts, "", c.InMulticast},
		{inFaults, "length", c.InLengthErrors}, {inFaults, "ring_overrun", c.InOverErrors}, {inFaults, "crc", c.InCRCErrors}, {inFaults, "frame", c.InFrameErrors}, {inFaults, "fifo", c.InFIFOErrors},
		{outFaults, "aborted", c.OutAbortedErrors}, {outFaults, "carrier", c.OutCarrierErrors}, {outFaults, "fifo", c.OutFIFOErrors},
		{outFaults, "heartbeat", c.OutHeartbeatErrors}, {outFaults, "window", c.OutWindowErrors},
		{inDrops, "no_memory", c.InDropped}, {inDrops, "missed", c.InMissedErrors}, {inDrops, "no_handler", c.InNoHandler}, {inDrops, "other_host", c.InOtherHost},
	}
}

func showInterface(out sink, ifc *netstat.Interface) {
	c, name := &ifc.Counters, ifc.Name
	out.put(interfaceInfo, 1, name, ifc.Kind, ifc.Alias)
	if state, is := ifc.Operational().Get(); is {
		up := 0.0
		if state == netstat.OperUp {
			up = 1
		}
		out.put(interfaceUp, up, name)
	}
	known(out, interfaceMTU, ifc.MTU, name)
	if bits, is := ifc.Speed.Get(); is {
		out.put(speed, float64(bits)/8, name)
	}
	known(out, carrier, ifc.CarrierChanges, name)
	for _, counter := range interfaceCounters(c) {
		if value, is := counter.value.Get(); is {
			counter.put(out, name, float64(value))
		}
	}
}

var (
	qdiscBacklog    = gauge("netstat_qdisc_backlog_bytes", "Octets that wait in the root queueing disciplines.", "interface", "kind")
	qdiscQueued     = gauge("netstat_qdisc_queued_packets", "Packets that wait in the root queueing disciplines.", "interface", "kind")
	qdiscDrops      = counter("netstat_qdisc_drops_total", "Packets that the root queueing disciplines gave up.", "interface", "kind")
	qdiscOverlimits = counter("netstat_qdisc_overlimits_total", "Packets that had to wait for their turn by a rate.", "interface", "kind")
	qdiscRequeues   = counter("netstat_qdisc_requeues_total", "Packets that the device refused.", "interface", "kind")
)

// qdiscsPart shows the disciplines at the roots, which count what those below do.
func qdiscsPart() part {
	return part{name: "qdiscs", collect: func(ctx context.Context, of *kept, out sink) error {
		if err := of.qdiscs.enter(ctx); err != nil {
			return err
		}
		defer of.qdiscs.leave()
		found, err := of.readings.RootQdiscs.Get(ctx)
		if err != nil {
			return err
		}
		interfaces, err := of.readings.Interfaces.Get(ctx)
		if err != nil {
			return err
		}
		rows, shown := named(interfaces.Rows, other)
		names := make(map[uint32]string, len(rows))
		for i, row := range rows {
			names[row.Index] = row.Name
			if i >= shown {
				names[row.Index] = other
			}
		}
		var own, rest []qdiscKey
		by := make(map[qdiscKey]*netstat.Qdisc, len(found))
		for i := range found {
			q := &found[i]
			key := qdiscKey{q.Interface, q.Kind}
			if names[q.Interface] == "" || by[key] != nil {
				continue // an interface that came meanwhile
			}
			if by[key] = q; names[q.Interface] == other {
				rest = append(rest, key)
			} else {
				own = append(own, key)
			}
		}
		var backlog, queued uint64
		for _, key := range own {
			showQdisc(out, &by[key].Statistics, names[key.index], by[key].Kind)
		}
		for _, key := range rest {
			backlog += uint64(by[key].Statistics.Backlog.Or(0))
			queued += uint64(by[key].Statistics.Queued.Or(0))
		}
		counted := of.qdiscs.take(append(own, rest...), len(own), func(k qdiscKey) []uint64 {
			s := &by[k].Statistics
			return []uint64{uint64(s.Drops.Or(0)), uint64(s.Overlimits.Or(0)), uint64(s.Requeues.Or(0))}
		})
		if counted == nil {
			return nil
		}
		out.put(qdiscBacklog, float64(backlog), other, other)
		out.put(qdiscQueued, float64(queued), other, other)
		for i, m := range []*metric{qdiscDrops, qdiscOverlimits, qdiscRequeues} {
			out.put(m, float64(counted[i]), other, other)
		}
		return nil
	}}
}

// qdiscKey is what root queueing disciplines are told apart by.
type qdiscKey struct {
	index uint32
	kind  string
}

func showQdisc(out sink, s *netstat.QueueStatistics, name, kind string) {
	known(out, qdiscBacklog, s.Backlog, name, kind)
	known(out, qdiscQueued, s.Queued, name, kind)
	known(out, qdiscDrops, s.Drops, name, kind)
	known(out, qdiscOverlimits, s.Overlimits, name, kind)
	known(out, qdiscRequeues, s.Requeues, name, kind)
}

// countersPart shows every counter that the kernel keeps of its protocols, with what it means.
func countersPart() part {
	return part{name: "counters", collect: func(ctx context.Context, of *kept, out sink) error {
		found, err := of.readings.Counters.Get(ctx)
		if err != nil {
			return err
		}
		names := make(map[string]struct{}, len(found))
		for i := range found {
			c := &found[i]
			m, scale := counterMetric(c.Name)
			if _, twice := names[m.name]; twice {
				continue // one of two names that differ in capital letters alone
			}
			names[m.name] = struct{}{}
			out.put(m, valueOf(c.Value)*scale)
		}
		return nil
	}}
}

// counterMetric is the family of a counter of the kernel's, and what a unit of it is in the family's.
func counterMetric(name string) (m *metric, scale float64) {
	info := netstat.DescribeCounter(name)
	family := "netstat_" + snake(name)
	kind := prometheus.CounterValue
	help := info.Meaning
	if help == "" {
		help = "A counter of the kernel's"
	}
	suffix := ""
	scale = 1
	switch info.Unit {
	case netstat.UnitOctets:
		suffix = "_bytes"
		family = strings.TrimSuffix(family, "_octets")
	case netstat.UnitMilliseconds:
		suffix, scale = "_seconds", 1e-3
	}
	if info.Kind == netstat.Gauge {
		kind = prometheus.GaugeValue
	} else {
		suffix += "_total"
	}
	return newMetric(family+suffix, help+" ("+utf8Of(name)+").", kind, nil), scale
}

func valueOf(n netstat.Number) float64 {
	if v, fits := n.Uint64(); fits {
		return float64(v)
	}
	v, _ := n.Int64() // a Number is one of the two
	return float64(v)
}

// snake writes a name of the kernel's as metrics are named: TcpExtTCPTimeouts is tcp_ext_tcp_timeouts. A
// word has more than one letter: MPJoinAckHMac is mp_join_ack_hmac.
func snake(name string) string {
	var out strings.Builder
	runes := []rune(name)
	word := 0 // octets of the word so far
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		switch {
		case r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r, word = '_', -1
		case upper && word > 1 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			out.WriteByte('_')
			word = 0
		}
		out.WriteRune(unicode.ToLower(r))
		word++
	}
	return out.String()
}

// What processors did with received packets. The counters are the host's, and not a namespace's.
var (
	softnetProcessed = counter("netstat_softnet_processed_packets_total", "Packets received that processors took in, of the whole host.")
	softnetDropped   = counter("netstat_softnet_dropped_packets_total", "Packets received and dropped, since a processor's backlog was full (net.core.netdev_max_backlog), of the whole host.")
	softnetLimited   = counter("netstat_softnet_flow_limited_packets_total", "Packets of large flows dropped early, since a processor's backlog was half full (net.core.flow_limit_cpu_bitmap), of the whole host.")
	softnetSqueezed  = counter("netstat_softnet_squeezed_total", "Times that received packets had to wait, since a processor's budget or time was used up (net.core.netdev_budget), of the whole host.")
)

func softnetPart() part {
	return part{name: "softnet", collect: func(ctx context.Context, of *kept, out sink) error {
		all, err := of.readings.Softnet.Get(ctx)
		if err != nil {
			return err
		}
		out.put(softnetProcessed, float64(all.Processed))
		out.put(softnetDropped, float64(all.Dropped))
		out.put(softnetLimited, float64(all.FlowLimited))
		out.put(softnetSqueezed, float64(all.Squeezed))
		return nil
	}}
}

// What connection tracking counts, and how many flows there are, is among the counters.
var (
	flowLimit   = gauge("netstat_conntrack_limit_entries", "Flows that may be tracked in a network namespace.")
	flowBuckets = gauge("netstat_conntrack_buckets", "Buckets of the table, which all network namespaces share.")
)

func conntrackPart() part {
	return part{name: "conntrack", collect: func(ctx context.Context, of *kept, out sink) error {
		usage, err := of.readings.FlowUsage.Get(ctx)
		if err != nil {
			return err
		}
		known(out, flowLimit, usage.Limit)
		known(out, flowBuckets, usage.Buckets)
		return nil
	}}
}

// routeKey is what routes are counted by.
type routeKey struct {
	family   netstat.Family
	table    uint32
	protocol netstat.RouteProtocol
	kind     netstat.RouteType
}

// routeCounts are numbers of routes by key, and by family of those that are beyond mostKeys of them.
type routeCounts struct {
	of     map[routeKey]uint64
	beyond map[netstat.Family]uint64
}

func (c *routeCounts) count(k routeKey) {
	if _, known := c.of[k]; !known && len(c.of) >= mostKeys {
		c.beyond[k.family]++
		return
	}
	c.of[k]++
}

var (
	routesByTable = gauge("netstat_routes", "Routes, each next hop of a multipath one, by version of IP, table, who made them, and type.", "family", "table", "protocol", "type")
	neighbours    = gauge("netstat_neighbours", "Neighbours and forwarding entries by family and state.", "family", "state")
)

// mostTables is how many sorts of routes are told apart.
const mostTables = 200

func routesPart() part {
	return part{name: "routes", collect: func(ctx context.Context, of *kept, out sink) error {
		found, err := of.routes.Get(ctx)
		if err != nil {
			return err
		}
		// The most first. Those that are alike have an order too, so that the same ones are shown each time.
		keys := slices.SortedFunc(maps.Keys(found.of), func(a, b routeKey) int {
			return cmp.Or(cmp.Compare(found.of[b], found.of[a]), cmp.Compare(a.table, b.table), cmp.Compare(a.family, b.family), cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.kind, b.kind))
		})
		rest := maps.Clone(found.beyond)
		for i, k := range keys {
			if i >= mostTables {
				rest[k.family] += found.of[k]
				continue
			}
			out.put(routesByTable, float64(found.of[k]), familyName(k.family), tableName(k.table), k.protocol.Name(), k.kind.String())
		}
		for family, n := range rest {
			out.put(routesByTable, float64(n), familyName(family), other, other, other)
		}
		return nil
	}}
}

// tableName is the name of a table that the kernel has itself, or its number.
func tableName(table uint32) string {
	switch table {
	case 253:
		return "default"
	case 254:
		return "main"
	case 255:
		return "local"
	}
	return strconv.FormatUint(uint64(table), 10)
}

func neighboursPart() part {
	return part{name: "neighbours", collect: func(ctx context.Context, of *kept, out sink) error {
		rows, err := of.readings.Neighbours.Get(ctx)
		if err != nil {
			return err
		}
		type key struct{ family, state string }
		count := make(map[key]int)
		for i := range rows {
			state := ""
			if s, is := rows[i].State.Get(); is {
				state = strings.ToLower(s.String())
			}
			count[key{familyName(rows[i].Family), state}]++
		}
		for k, n := range count {
			out.put(neighbours, float64(n), k.family, k.state)
		}
		return nil
	}}
}

var (
	events = counter("netstat_kernel_events_total", "Events of the kernel's that were taken in (rtnetlink).")
	gaps   = counter("netstat_kernel_event_gaps_total", "Times that events were lost, and everything was read anew.")
	dumps  = counter("netstat_kernel_dumps_total", "Dumps of the kernel to follow what its events do not tell.")
	age    = gauge("netstat_reading_age_seconds", "How long ago the latest reading began, whoever asked for it.", "reading")
)

// ownPart tells how the readings fare themselves.
func ownPart() part {
	return part{name: "readings", collect: func(_ context.Context, of *kept, out sink) error {
		if live := of.readings.Live(); live != nil {
			s := live.Statistics()
			out.put(events, float64(s.Events))
			out.put(gaps, float64(s.Gaps))
			out.put(dumps, float64(s.Dumps))
		}
		for _, r := range []struct {
			name string
			age  func() (time.Duration, bool)
		}{
			{"interfaces", of.readings.Interfaces.Age}, {"tcp", of.readings.TCP.Age}, {"udp", of.readings.UDP.Age}, {"neighbours", of.readings.Neighbours.Age},
		} {
			if d, is := r.age(); is {
				out.put(age, d.Seconds(), r.name)
			}
		}
		return nil
	}}
}
