package metrics

import (
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
	routes   *fresh.Source[map[routeKey]uint64]
}

func newKept(r *readings.Stack) *kept {
	k := &kept{readings: r}
	stack := r.Stack()
	k.routes = fresh.New(func(ctx context.Context) (map[routeKey]uint64, error) {
		found := make(map[routeKey]uint64)
		for route, err := range stack.Routes(ctx, netstat.RouteQuery{}) {
			if err != nil {
				return nil, err
			}
			found[routeKey{route.Family(), route.Table, route.Protocol, route.Type}]++
		}
		return found, nil
	})
	readings.Follow(r, k.routes, netstat.KindRoute)
	return k
}

var (
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
		found, err := of.readings.Interfaces.Get(ctx)
		if err != nil {
			return err
		}
		for i := range found.Rows {
			showInterface(out, &found.Rows[i])
		}
		return nil
	}}
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
	for _, of := range []struct {
		metric *metric
		value  netstat.Optional[uint64]
	}{
		{inBytes, c.InOctets}, {outBytes, c.OutOctets}, {inPackets, c.InPackets}, {outPackets, c.OutPackets}, {inErrors, c.InErrors}, {outErrors, c.OutErrors},
		{outDrops, c.OutDropped}, {collisions, c.Collisions}, {multicasts, c.InMulticast},
	} {
		known(out, of.metric, of.value, name)
	}
	for _, of := range []struct {
		metric *metric
		reason string
		value  netstat.Optional[uint64]
	}{
		{inFaults, "length", c.InLengthErrors}, {inFaults, "ring_overrun", c.InOverErrors}, {inFaults, "crc", c.InCRCErrors}, {inFaults, "frame", c.InFrameErrors}, {inFaults, "fifo", c.InFIFOErrors},
		{outFaults, "aborted", c.OutAbortedErrors}, {outFaults, "carrier", c.OutCarrierErrors}, {outFaults, "fifo", c.OutFIFOErrors},
		{outFaults, "heartbeat", c.OutHeartbeatErrors}, {outFaults, "window", c.OutWindowErrors},
		{inDrops, "no_memory", c.InDropped}, {inDrops, "missed", c.InMissedErrors}, {inDrops, "no_handler", c.InNoHandler}, {inDrops, "other_host", c.InOtherHost},
	} {
		known(out, of.metric, of.value, name, of.reason)
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
		found, err := of.readings.RootQdiscs.Get(ctx)
		if err != nil {
			return err
		}
		interfaces, err := of.readings.Interfaces.Get(ctx)
		if err != nil {
			return err
		}
		names := make(map[uint32]string, len(interfaces.Rows))
		for i := range interfaces.Rows {
			names[interfaces.Rows[i].Index] = interfaces.Rows[i].Name
		}
		for i := range found {
			q := &found[i]
			name := names[q.Interface]
			if name == "" {
				continue // an interface that came meanwhile
			}
			known(out, qdiscBacklog, q.Statistics.Backlog, name, q.Kind)
			known(out, qdiscQueued, q.Statistics.Queued, name, q.Kind)
			known(out, qdiscDrops, q.Statistics.Drops, name, q.Kind)
			known(out, qdiscOverlimits, q.Statistics.Overlimits, name, q.Kind)
			known(out, qdiscRequeues, q.Statistics.Requeues, name, q.Kind)
		}
		return nil
	}}
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
		keys := slices.SortedFunc(maps.Keys(found), func(a, b routeKey) int { return int(a.table) - int(b.table) })
		rest := make(map[netstat.Family]uint64)
		for i, k := range keys {
			if i >= mostTables {
				rest[k.family] += found[k]
				continue
			}
			out.put(routesByTable, float64(found[k]), familyName(k.family), tableName(k.table), k.protocol.Name(), k.kind.String())
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
