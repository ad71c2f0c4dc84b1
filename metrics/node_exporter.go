package metrics

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// nodeExporter is a part that shows the default stack by the names that Prometheus' node_exporter has for it, so that dashboards and
// rules go on working. It has no label for namespaces, and so other stacks are not shown.
func nodeExporter(name string, collect func(ctx context.Context, of *kept, out nodeSink) error) part {
	return part{name: name, collect: func(ctx context.Context, of *kept, out sink) error {
		return collect(ctx, of, nodeSink{out.to})
	}}
}

// nodeExporterParts are the parts by the names of node_exporter's collectors.
func nodeExporterParts() []part {
	return []part{
		nodeExporter("node_exporter_interfaces", nodeInterfaces),
		nodeExporter("node_exporter_counters", nodeCounters),
		nodeExporter("node_exporter_tcp", nodeTCP),
		nodeExporter("node_exporter_udp", nodeUDP),
		nodeExporter("node_exporter_conntrack", nodeConntrack),
		nodeExporter("node_exporter_softnet", nodeSoftnet),
		nodeExporter("node_exporter_neighbours", nodeNeighbours),
		nodeExporter("node_exporter_qdiscs", nodeQdiscs),
	}
}

// nodeSink takes metrics without the label netns.
type nodeSink struct{ to chan<- prometheus.Metric }

// put takes a value. Labels are names and values in turn.
func (s nodeSink) put(name, help string, kind prometheus.ValueType, value float64, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, utf8Of(labels[i+1]))
	}
	s.to <- prometheus.MustNewConstMetric(prometheus.NewDesc("node_"+name, help, names, nil), kind, value, values...)
}

func nodeInterfaces(ctx context.Context, of *kept, out nodeSink) error {
	found, err := of.readings.Interfaces.Get(ctx)
	if err != nil {
		return err
	}
	rows, shown := named(found.Rows)
	for _, row := range rows[:shown] {
		nodeInterface(out, row)
	}
	return nil
}

// nodeDevices returns the names of the interfaces that are shown, by index.
func nodeDevices(ctx context.Context, r *readings.Stack) (map[uint32]string, error) {
	found, err := r.Interfaces.Get(ctx)
	if err != nil {
		return nil, err
	}
	rows, shown := named(found.Rows)
	names := make(map[uint32]string, shown)
	for _, row := range rows[:shown] {
		names[row.Index] = row.Name
	}
	return names, nil
}

// nodeInterface shows an interface as the collectors netdev, of which the columns are those of /proc/net/dev (net/core/net-procfs.c), and
// netclass do.
func nodeInterface(out nodeSink, ifc *netstat.Interface) {
	c, device := &ifc.Counters, ifc.Name
	for _, counter := range []struct {
		name string
		of   []netstat.Optional[uint64]
	}{
		{"receive_bytes", []netstat.Optional[uint64]{c.InOctets}},
		{"receive_packets", []netstat.Optional[uint64]{c.InPackets}},
		{"receive_errs", []netstat.Optional[uint64]{c.InErrors}},
		{"receive_drop", []netstat.Optional[uint64]{c.InDropped, c.InMissedErrors}},
		{"receive_fifo", []netstat.Optional[uint64]{c.InFIFOErrors}},
		{"receive_frame", []netstat.Optional[uint64]{c.InLengthErrors, c.InOverErrors, c.InCRCErrors, c.InFrameErrors}},
		{"receive_compressed", []netstat.Optional[uint64]{c.InCompressed}},
		{"receive_multicast", []netstat.Optional[uint64]{c.InMulticast}},
		{"receive_nohandler", []netstat.Optional[uint64]{c.InNoHandler}},
		{"transmit_bytes", []netstat.Optional[uint64]{c.OutOctets}},
		{"transmit_packets", []netstat.Optional[uint64]{c.OutPackets}},
		{"transmit_errs", []netstat.Optional[uint64]{c.OutErrors}},
		{"transmit_drop", []netstat.Optional[uint64]{c.OutDropped}},
		{"transmit_fifo", []netstat.Optional[uint64]{c.OutFIFOErrors}},
		{"transmit_colls", []netstat.Optional[uint64]{c.Collisions}},
		{"transmit_carrier", []netstat.Optional[uint64]{c.OutCarrierErrors, c.OutAbortedErrors, c.OutWindowErrors, c.OutHeartbeatErrors}},
		{"transmit_compressed", []netstat.Optional[uint64]{c.OutCompressed}},
	} {
		sum, known := uint64(0), true
		for _, n := range counter.of {
			v, is := n.Get()
			sum, known = sum+v, known && is
		}
		if known {
			out.put("network_"+counter.name+"_total", "Network device statistic "+counter.name+".", prometheus.CounterValue, float64(sum), "device", device)
		}
	}
	gauge := func(name, help string, value float64, labels ...string) {
		out.put("network_"+name, help, prometheus.GaugeValue, value, append([]string{"device", device}, labels...)...)
	}
	state, _ := ifc.OperState.Get()
	up := 0.0
	if state == netstat.OperUp {
		up = 1
	}
	gauge("up", "1 where the operational state is up, 0 otherwise.", up)
	gauge("iface_id", "The interface's index.", float64(ifc.Index))
	if v, is := ifc.MTU.Get(); is {
		gauge("mtu_bytes", "The longest packet.", float64(v))
	}
	if v, is := ifc.Speed.Get(); is && v > 0 {
		gauge("speed_bytes", "The nominal speed, a second.", float64(v)/8)
	}
	if v, is := ifc.TransmitQueueLength.Get(); is {
		gauge("transmit_queue_length", "How many packets may wait to be sent.", float64(v))
	}
	if is, known := ifc.Carrier.Get(); known && ifc.Flags&netstat.InterfaceUp != 0 { // of others sysfs has none
		carrier := 0.0
		if is {
			carrier = 1
		}
		gauge("carrier", "1 where there is a carrier.", carrier)
	}
	if v, is := ifc.CarrierChanges.Get(); is {
		out.put("network_carrier_changes_total", "Transitions of the carrier.", prometheus.CounterValue, float64(v), "device", device)
	}
	gauge("info", "What the interface is; always 1.", 1, "address", ifc.Address.String(), "broadcast", ifc.Broadcast.String(), "duplex", "", "ifalias", ifc.Alias, "operstate", nodeOperState(state))
}

// nodeOperState returns a state as operstate of sysfs has it (net/core/net-sysfs.c).
func nodeOperState(s netstat.OperState) string {
	return map[netstat.OperState]string{
		netstat.OperNotPresent: "notpresent", netstat.OperDown: "down", netstat.OperLowerLayerDown: "lowerlayerdown", netstat.OperTesting: "testing",
		netstat.OperDormant: "dormant", netstat.OperUp: "up",
	}[s] + map[bool]string{true: "unknown"}[s == netstat.OperUnknown]
}

// nodeProtocols are the protocols of /proc/net/netstat, snmp and snmp6, those with longer names first.
var nodeProtocols = [...]string{"UdpLite6", "UdpLite", "IcmpMsg", "MPTcpExt", "TcpExt", "IpExt", "Icmp6", "Icmp", "Udp6", "Ip6", "Udp", "Tcp", "Ip"}

// nodeCounters shows the kernel's counters as the collectors netstat and sockstat do.
func nodeCounters(ctx context.Context, of *kept, out nodeSink) error {
	found, err := of.readings.Counters.Get(ctx)
	if err != nil {
		return err
	}
	for i := range found {
		c := &found[i]
		switch c.Group {
		case netstat.GroupSocket:
			out.put("sockstat_"+c.Name, "Number of "+c.Name+".", prometheus.GaugeValue, valueOf(c.Value))
			if strings.HasSuffix(c.Name, "_mem") { // pages
				out.put("sockstat_"+c.Name+"_bytes", "Octets of "+c.Name+".", prometheus.GaugeValue, valueOf(c.Value)*float64(os.Getpagesize()))
			}
			continue
		case netstat.GroupConntrack:
			continue
		}
		for _, protocol := range nodeProtocols {
			if rest, is := strings.CutPrefix(c.Name, protocol); is {
				out.put("netstat_"+protocol+"_"+rest, "Statistic "+c.Name+".", prometheus.UntypedValue, valueOf(c.Value))
				break
			}
		}
	}
	return nil
}

// nodeTCPStates are the states by the names that the collector tcpstat has for them.
var nodeTCPStates = map[netstat.State]string{
	netstat.Established: "established", netstat.SynSent: "syn_sent", netstat.SynReceived: "syn_recv", netstat.FinWait1: "fin_wait1", netstat.FinWait2: "fin_wait2",
	netstat.TimeWait: "time_wait", netstat.Close: "close", netstat.CloseWait: "close_wait", netstat.LastAck: "last_ack", netstat.Listen: "listen", netstat.Closing: "closing",
}

func nodeTCP(ctx context.Context, of *kept, out nodeSink) error {
	t, err := observed(ctx, of.readings.TCP)
	if err != nil {
		return err
	}
	put := func(state string, value uint64) {
		out.put("tcp_connection_states", "Number of connection states.", prometheus.GaugeValue, float64(value), "state", state)
	}
	var received, sent uint64
	counts := make(map[string]uint64)
	for i := range t.states {
		for state, n := range t.states[i] {
			if name := nodeTCPStates[netstat.State(state)]; name != "" {
				counts[name] += n
			}
		}
		received, sent = received+t.queues[i].received, sent+t.queues[i].sent
	}
	for state, n := range counts {
		if n > 0 {
			put(state, n)
		}
	}
	put("rx_queued_bytes", received)
	put("tx_queued_bytes", sent)
	return nil
}

func nodeUDP(ctx context.Context, of *kept, out nodeSink) error {
	t, err := observed(ctx, of.readings.UDP)
	if err != nil {
		return err
	}
	for i, ip := range []string{"v4", "v6"} {
		for queue, n := range map[string]uint64{"rx": t.queues[i].received, "tx": t.queues[i].sent} {
			out.put("udp_queues", "Octets that UDP sockets have in their queues.", prometheus.GaugeValue, float64(n), "queue", queue, "ip", ip)
		}
	}
	return nil
}

func nodeConntrack(ctx context.Context, of *kept, out nodeSink) error {
	usage, err := of.readings.FlowUsage.Get(ctx)
	if err != nil {
		return err
	}
	put := func(name string, n netstat.Optional[uint32]) {
		if v, is := n.Get(); is {
			out.put("nf_conntrack_"+name, "Of connection tracking: "+name+".", prometheus.GaugeValue, float64(v))
		}
	}
	put("entries", usage.Flows)
	put("entries_limit", usage.Limit)
	counters, err := of.readings.Counters.Get(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{
		"ConntrackFound": "found", "ConntrackInvalid": "invalid", "ConntrackInsert": "insert", "ConntrackInsertFailed": "insert_failed", "ConntrackDrop": "drop",
		"ConntrackEarlyDrop": "early_drop", "ConntrackSearchRestart": "search_restart",
	}
	for i := range counters {
		if name := names[counters[i].Name]; name != "" {
			out.put("nf_conntrack_stat_"+name, "Of connection tracking, since the start: "+name+".", prometheus.GaugeValue, valueOf(counters[i].Value))
		}
	}
	return nil
}

func nodeSoftnet(ctx context.Context, of *kept, out nodeSink) error {
	reader, is := of.readings.Stack().(netstat.SoftnetReader)
	if !is {
		return netstat.ErrNotSupported
	}
	for s, err := range reader.Softnet(ctx) {
		if err != nil {
			return err
		}
		for name, n := range map[string]uint32{"processed": s.Processed, "dropped": s.Dropped, "times_squeezed": s.Squeezed} {
			out.put("softnet_"+name+"_total", "Of received packets, by processor: "+name+".", prometheus.CounterValue, float64(n), "cpu", strconv.Itoa(int(s.CPU)))
		}
	}
	return nil
}

// nodeNeighbours shows the entries of ARP that /proc/net/arp has: those that are no entry for a device without ARP.
func nodeNeighbours(ctx context.Context, of *kept, out nodeSink) error {
	found, err := of.readings.Neighbours.Get(ctx)
	if err != nil {
		return err
	}
	names, err := nodeDevices(ctx, of.readings)
	if err != nil {
		return err
	}
	entries := make(map[string]int)
	for i := range found {
		n := &found[i]
		if state, _ := n.State.Get(); n.Family == netstat.IPv4 && state != netstat.NeighbourNoARP && names[n.Interface] != "" {
			entries[names[n.Interface]]++
		}
	}
	for device, n := range entries {
		out.put("arp_entries", "ARP entries by device.", prometheus.GaugeValue, float64(n), "device", device)
	}
	return nil
}

func nodeQdiscs(ctx context.Context, of *kept, out nodeSink) error {
	found, err := of.readings.RootQdiscs.Get(ctx)
	if err != nil {
		return err
	}
	names, err := nodeDevices(ctx, of.readings)
	if err != nil {
		return err
	}
	for i := range found {
		q := &found[i]
		device, s := names[q.Interface], &q.Statistics
		if device == "" {
			continue // of an interface that is not shown
		}
		put := func(name string, kind prometheus.ValueType, value uint64, is bool) {
			if is {
				out.put("qdisc_"+name, "Of the root queueing disciplines: "+name+".", kind, float64(value), "device", device, "kind", q.Kind)
			}
		}
		octets, is := s.Octets.Get()
		put("bytes_total", prometheus.CounterValue, octets, is)
		packets, is := s.Packets.Get()
		put("packets_total", prometheus.CounterValue, packets, is)
		drops, is := s.Drops.Get()
		put("drops_total", prometheus.CounterValue, uint64(drops), is)
		requeues, is := s.Requeues.Get()
		put("requeues_total", prometheus.CounterValue, uint64(requeues), is)
		overlimits, is := s.Overlimits.Get()
		put("overlimits_total", prometheus.CounterValue, uint64(overlimits), is)
		queued, is := s.Queued.Get()
		put("current_queue_length", prometheus.GaugeValue, uint64(queued), is)
		backlog, is := s.Backlog.Get()
		put("backlog", prometheus.GaugeValue, uint64(backlog), is)
	}
	return nil
}
