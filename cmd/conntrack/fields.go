package main

import (
	"net/netip"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// flowRow is a flow as programs see it.
type flowRow struct {
	netstat.Flow
	netns string
	event string
	port  uint32
	time  time.Time
	// owners are unknown unless they were asked for.
	owners netstat.FlowProcesses
}

func known[T ~uint8 | ~uint16 | ~uint32](o netstat.Optional[T]) table.Value {
	v, ok := o.Get()
	if !ok {
		return table.Value{}
	}
	return table.Uint(uint64(v))
}

func moment(t time.Time) table.Value {
	if t.IsZero() {
		return table.Value{}
	}
	return table.Text(t.UTC().Format(time.RFC3339Nano))
}

func tuplePort(t *netstat.FlowTuple, port uint16) table.Value {
	if !t.Protocol.HasPorts() {
		return table.Value{}
	}
	return table.Uint(port)
}

func icmp[T uint8 | uint16](t *netstat.FlowTuple, n T) table.Value {
	if !t.Protocol.IsICMP() {
		return table.Value{}
	}
	return table.Uint(n)
}

func packets(c netstat.Optional[netstat.FlowCounters]) table.Value {
	n, ok := c.Get()
	if !ok {
		return table.Value{}
	}
	return table.Uint(n.Packets)
}

func octets(c netstat.Optional[netstat.FlowCounters]) table.Value {
	n, ok := c.Get()
	if !ok {
		return table.Value{}
	}
	return table.Uint(n.Bytes)
}

func sum(a, b table.Value) table.Value {
	if !a.IsKnown() || !b.IsKnown() {
		return table.Value{}
	}
	return table.Uint(a.Uint() + b.Uint())
}

func seconds(o netstat.Optional[time.Duration]) table.Value {
	d, ok := o.Get()
	if !ok {
		return table.Value{}
	}
	return table.Seconds(d)
}

func numberedLabels(l *netstat.FlowLabels) []string { return (&labelNames{}).of(l) }

// zoneOf is the zone of a direction.
func zoneOf(f *netstat.Flow, t *netstat.FlowTuple) uint16 {
	if t.Zone != 0 {
		return t.Zone
	}
	return f.Zone
}

func address(a netip.Addr) table.Value { return table.Addr(a) }

// flowKind declares what --json prints, and what --filter and --sort can name.
var flowKind = &table.Kind[flowRow]{
	Name: "flow",
	Doc:  "a flow that is tracked",
	Aliases: map[string][]string{
		"addr": {"source", "destination", "replySource", "replyDestination"}, "src": {"source"}, "dst": {"destination"},
		"port": {"sourcePort", "destinationPort", "replySourcePort", "replyDestinationPort"}, "sport": {"sourcePort"}, "dport": {"destinationPort"},
		"proto": {"protocol"}, "process": {"sourceProcesses", "destinationProcesses"}, "pid": {"sourceProcesses", "destinationProcesses"},
	},
	Fields: []table.Field[flowRow]{
		{Name: "netns", Type: table.String, Doc: "name of the network namespace, where several are read", Value: func(r *flowRow) table.Value { return table.Text(r.netns) }},
		{Name: "event", Type: table.String, Doc: "new, update or destroy, of events", Value: func(r *flowRow) table.Value { return table.Text(r.event) }},
		{Name: "time", Type: table.String, Doc: "when the event happened, or was received (RFC 3339)", Value: func(r *flowRow) table.Value { return moment(r.time) }},
		{Name: "portID", Type: table.Integer, Doc: "netlink port of the program that caused the event", Value: func(r *flowRow) table.Value { return table.NonZero(r.port) }},
		{Name: "family", Type: table.String, Doc: "ipv4 or ipv6", Value: func(r *flowRow) table.Value { return table.Text(r.Family().String()) }},
		{Name: "protocol", Type: table.String, Doc: "name or number of the protocol", Value: func(r *flowRow) table.Value { return table.Text(r.Original.Protocol.String()) }},
		{Name: "state", Type: table.String, Doc: "state of TCP, SCTP and DCCP", Value: func(r *flowRow) table.Value { return table.Text(r.State()) }},
		{Name: "timeout", Type: table.Duration, Doc: "in how long the entry goes, in seconds", Value: func(r *flowRow) table.Value { return seconds(r.Timeout) }},
		{Name: "source", Type: table.Address, Doc: "source of the original direction", Value: func(r *flowRow) table.Value { return address(r.Original.Source) }},
		{Name: "destination", Type: table.Address, Doc: "destination of the original direction", Value: func(r *flowRow) table.Value { return address(r.Original.Destination) }},
		{Name: "sourcePort", Type: table.Port, Doc: "source port of the original direction; a key of GRE", Value: func(r *flowRow) table.Value { return tuplePort(&r.Original, r.Original.SourcePort) }},
		{Name: "destinationPort", Type: table.Port, Doc: "destination port of the original direction; a key of GRE", Value: func(r *flowRow) table.Value { return tuplePort(&r.Original, r.Original.DestinationPort) }},
		{Name: "replySource", Type: table.Address, Doc: "source of the reply direction", Value: func(r *flowRow) table.Value { return address(r.Reply.Source) }},
		{Name: "replyDestination", Type: table.Address, Doc: "destination of the reply direction", Value: func(r *flowRow) table.Value { return address(r.Reply.Destination) }},
		{Name: "replySourcePort", Type: table.Port, Doc: "source port of the reply direction", Value: func(r *flowRow) table.Value { return tuplePort(&r.Reply, r.Reply.SourcePort) }},
		{Name: "replyDestinationPort", Type: table.Port, Doc: "destination port of the reply direction", Value: func(r *flowRow) table.Value { return tuplePort(&r.Reply, r.Reply.DestinationPort) }},
		{Name: "icmpType", Type: table.Integer, Doc: "type of ICMP's messages", Value: func(r *flowRow) table.Value { return icmp(&r.Original, r.Original.ICMPType) }},
		{Name: "icmpCode", Type: table.Integer, Doc: "code of ICMP's messages", Value: func(r *flowRow) table.Value { return icmp(&r.Original, r.Original.ICMPCode) }},
		{Name: "icmpID", Type: table.Integer, Doc: "identifier of ICMP's messages", Value: func(r *flowRow) table.Value { return icmp(&r.Original, r.Original.ICMPID) }},
		{Name: "status", Type: table.Strings, Doc: "flags that are set", Value: func(r *flowRow) table.Value { return table.Words(r.Status.Or(0).Names()) }},
		{Name: "sourceNAT", Type: table.Boolean, Doc: "whether the source is translated", Value: func(r *flowRow) table.Value { return table.Bool(r.IsSourceNAT()) }},
		{Name: "destinationNAT", Type: table.Boolean, Doc: "whether the destination is translated", Value: func(r *flowRow) table.Value { return table.Bool(r.IsDestinationNAT()) }},
		{Name: "packets", Type: table.Integer, Doc: "packets of both directions", Value: func(r *flowRow) table.Value { return sum(packets(r.OriginalCounters), packets(r.ReplyCounters)) }},
		{Name: "bytes", Type: table.Integer, Doc: "bytes of both directions", Value: func(r *flowRow) table.Value { return sum(octets(r.OriginalCounters), octets(r.ReplyCounters)) }},
		{Name: "originalPackets", Type: table.Integer, Doc: "packets of the original direction", Value: func(r *flowRow) table.Value { return packets(r.OriginalCounters) }},
		{Name: "originalBytes", Type: table.Integer, Doc: "bytes of the original direction", Value: func(r *flowRow) table.Value { return octets(r.OriginalCounters) }},
		{Name: "replyPackets", Type: table.Integer, Doc: "packets of the reply direction", Value: func(r *flowRow) table.Value { return packets(r.ReplyCounters) }},
		{Name: "replyBytes", Type: table.Integer, Doc: "bytes of the reply direction", Value: func(r *flowRow) table.Value { return octets(r.ReplyCounters) }},
		{Name: "mark", Type: table.Integer, Doc: "mark", Value: func(r *flowRow) table.Value { return known(r.Mark) }},
		{Name: "zone", Type: table.Integer, Doc: "zone of the original direction", Value: func(r *flowRow) table.Value { return table.Uint(zoneOf(&r.Flow, &r.Original)) }},
		{Name: "replyZone", Type: table.Integer, Doc: "zone of the reply direction", Value: func(r *flowRow) table.Value { return table.Uint(zoneOf(&r.Flow, &r.Reply)) }},
		{Name: "labels", Type: table.Strings, Doc: "numbers of the labels that are set", Value: func(r *flowRow) table.Value {
			l := r.Labels.Or(netstat.FlowLabels{})
			return table.Words(numberedLabels(&l))
		}},
		{Name: "securityContext", Type: table.String, Doc: "label of the security module", Value: func(r *flowRow) table.Value { return table.Text(r.SecurityContext) }},
		{Name: "helper", Type: table.String, Doc: "name of the helper", Value: func(r *flowRow) table.Value { return table.Text(r.Helper) }},
		{Name: "sourceProcesses", Type: table.Objects, Doc: "local processes that sent the first packet; with --processes", Value: func(r *flowRow) table.Value { return processes(r.owners.Source) }},
		{Name: "destinationProcesses", Type: table.Objects, Doc: "local processes that received it; with --processes", Value: func(r *flowRow) table.Value { return processes(r.owners.Destination) }},
		{Name: "start", Type: table.String, Doc: "when the flow began (RFC 3339)", Value: func(r *flowRow) table.Value { return moment(r.Start) }},
		{Name: "stop", Type: table.String, Doc: "when the flow ended (RFC 3339)", Value: func(r *flowRow) table.Value { return moment(r.Stop) }},
		{Name: "use", Type: table.Integer, Doc: "references to the entry", Value: func(r *flowRow) table.Value { return known(r.Use) }},
		{Name: "id", Type: table.Integer, Doc: "the entry's number", Value: func(r *flowRow) table.Value { return known(r.ID) }},
	},
}

// namesProcesses reports whether one of flowKind's fields is of processes.
func namesProcesses(fields []int) bool {
	return slices.ContainsFunc(fields, func(i int) bool { return flowKind.Fields[i].Type == table.Objects })
}

func processes(o netstat.Optional[[]netstat.Process]) table.Value {
	all, known := o.Get()
	if !known {
		return table.Value{}
	}
	objects := make([]table.Object, len(all))
	for i, p := range all {
		objects[i] = table.Object{{Name: "pid", Value: table.Int(p.PID)}, {Name: "name", Value: table.Text(p.Name)}}
	}
	return table.List(objects)
}

// expectationRow is an expectation as programs see it.
type expectationRow struct {
	netstat.Expectation
	netns string
	event string
	time  time.Time
}

var expectationKind = &table.Kind[expectationRow]{
	Name: "expectation",
	Doc:  "a flow that is expected",
	Fields: []table.Field[expectationRow]{
		{Name: "netns", Type: table.String, Doc: "name of the network namespace, where several are read", Value: func(r *expectationRow) table.Value { return table.Text(r.netns) }},
		{Name: "event", Type: table.String, Doc: "new or destroy, of events", Value: func(r *expectationRow) table.Value { return table.Text(r.event) }},
		{Name: "time", Type: table.String, Doc: "when the event happened, or was received (RFC 3339)", Value: func(r *expectationRow) table.Value { return moment(r.time) }},
		{Name: "family", Type: table.String, Doc: "ipv4 or ipv6", Value: func(r *expectationRow) table.Value { return table.Text(r.Tuple.Family().String()) }},
		{Name: "protocol", Type: table.String, Doc: "name or number of the protocol", Value: func(r *expectationRow) table.Value { return table.Text(r.Tuple.Protocol.String()) }},
		{Name: "timeout", Type: table.Duration, Doc: "in how long it goes, in seconds", Value: func(r *expectationRow) table.Value { return seconds(r.Timeout) }},
		{Name: "source", Type: table.Address, Doc: "source that is expected", Value: func(r *expectationRow) table.Value { return address(r.Tuple.Source) }},
		{Name: "destination", Type: table.Address, Doc: "destination that is expected", Value: func(r *expectationRow) table.Value { return address(r.Tuple.Destination) }},
		{Name: "sourcePort", Type: table.Port, Doc: "source port that is expected", Value: func(r *expectationRow) table.Value { return tuplePort(&r.Tuple, r.Tuple.SourcePort) }},
		{Name: "destinationPort", Type: table.Port, Doc: "destination port that is expected", Value: func(r *expectationRow) table.Value { return tuplePort(&r.Tuple, r.Tuple.DestinationPort) }},
		{Name: "maskSource", Type: table.Address, Doc: "bits of the source that count", Value: func(r *expectationRow) table.Value { return address(r.Mask.Source) }},
		{Name: "maskDestination", Type: table.Address, Doc: "bits of the destination that count", Value: func(r *expectationRow) table.Value { return address(r.Mask.Destination) }},
		{Name: "maskSourcePort", Type: table.Integer, Doc: "bits of the source port that count", Value: func(r *expectationRow) table.Value { return table.Uint(r.Mask.SourcePort) }},
		{Name: "maskDestinationPort", Type: table.Integer, Doc: "bits of the destination port that count", Value: func(r *expectationRow) table.Value { return table.Uint(r.Mask.DestinationPort) }},
		{Name: "masterSource", Type: table.Address, Doc: "source of the flow that it was expected of", Value: func(r *expectationRow) table.Value { return address(r.Master.Source) }},
		{Name: "masterDestination", Type: table.Address, Doc: "destination of the flow that it was expected of", Value: func(r *expectationRow) table.Value { return address(r.Master.Destination) }},
		{Name: "masterSourcePort", Type: table.Port, Doc: "source port of that flow", Value: func(r *expectationRow) table.Value { return tuplePort(&r.Master, r.Master.SourcePort) }},
		{Name: "masterDestinationPort", Type: table.Port, Doc: "destination port of that flow", Value: func(r *expectationRow) table.Value { return tuplePort(&r.Master, r.Master.DestinationPort) }},
		{Name: "zone", Type: table.Integer, Doc: "zone", Value: func(r *expectationRow) table.Value { return table.Uint(r.Zone) }},
		{Name: "flags", Type: table.Strings, Doc: "flags that are set", Value: func(r *expectationRow) table.Value { return table.Words(r.Flags.Names()) }},
		{Name: "class", Type: table.Integer, Doc: "the helper's kind of expectation", Value: func(r *expectationRow) table.Value { return table.Uint(r.Class) }},
		{Name: "helper", Type: table.String, Doc: "name of the helper", Value: func(r *expectationRow) table.Value { return table.Text(r.Helper) }},
		{Name: "id", Type: table.Integer, Doc: "its number", Value: func(r *expectationRow) table.Value { return known(r.ID) }},
	},
}
