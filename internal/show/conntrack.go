package show

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TrackedFlow is a flow of connection tracking, with whose it is.
type TrackedFlow struct {
	netstat.Flow
	List netstat.FlowList
	// Owners are unknown unless they were asked for.
	Owners netstat.FlowProcesses

	// Of growth: whether the flow began in the interval, and which that is.
	isNew bool
	grown *span
}

// Flows is the table of the flows that connection tracking follows.
func Flows() Table {
	return &kind[TrackedFlow]{
		Kind:    flows(),
		title:   "Flows of connection tracking",
		what:    "flows",
		columns: flowColumns,
		parts: func(ctx context.Context, q *query) ([]part[TrackedFlow], error) {
			return flowParts(ctx, q, q.Programs || NamesProcesses(q.expr, q.Sort))
		},
		inFamily: isFlowOf,
		keep:     keepsFlow,
		lookUp:   lookUpFlow,
		identity: []string{"id", "protocol", "source", "sourcePort", "destination", "destinationPort", "zone"},
		orders: map[string]string{
			"Translated": "sourceNAT", "Bytes": "originalBytes", "Packets": "originalPackets", "PID/Program name": "sourceProcesses",
		},
	}
}

func isFlowOf(f *TrackedFlow, family netstat.Family) bool { return f.Family() == family }

func keepsFlow(q *query, f *TrackedFlow) bool { return q.choosesProtocol(f.Original.Protocol) }

// flows is the kind of its rows.
var flows = sync.OnceValue(flowKind)

// FlowEvents is the kind of what happens to flows. An event tells no owners, and of no
// other list than the table.
func FlowEvents() *table.Kind[Row[TrackedFlow]] {
	return eventKind(flows(), "flowEvent", "what happened to a flow that connection tracking follows: a line of `conntrack -E --json`",
		[]string{"new", "update", "destroy"}, "sourceProcesses", "destinationProcesses", "list", "host")
}

// flowParts are the flows of the table and, with Options.All, of the lists beside it.
// The filter goes to the source as far as that can look at it.
func flowParts(ctx context.Context, q *query, processes bool) (parts []part[TrackedFlow], err error) {
	r, ok := q.src.Stack.(netstat.FlowReader)
	if !ok {
		return nil, netstat.ErrNotSupported
	}
	var owners *netstat.FlowOwners
	if processes {
		if owners, err = q.flowOwners(ctx); err != nil {
			return nil, err
		}
	}
	ask := q.flowQuery(flows())
	for _, list := range []netstat.FlowList{netstat.FlowTable, netstat.FlowDying, netstat.FlowUnconfirmed} {
		if list != netstat.FlowTable && !q.All {
			break
		}
		of := ask
		of.List = list
		// That a kernel tells a list no more is nothing to complain of.
		parts = append(parts, part[TrackedFlow]{optional: list != netstat.FlowTable, read: func(ctx context.Context, _ *query) iter.Seq2[TrackedFlow, error] {
			return func(yield func(TrackedFlow, error) bool) {
				for f, err := range r.Flows(ctx, of) {
					v := TrackedFlow{Flow: f, List: list}
					if owners != nil && err == nil {
						v.Owners = owners.Of(&v.Flow)
					}
					if !yield(v, err) {
						return
					}
				}
			}
		}})
	}
	return parts, nil
}

// flowOwners looks at the sockets of the query's stack and who holds them. What
// cannot be read is said, and owners are unknown then.
func (q *query) flowOwners(ctx context.Context) (*netstat.FlowOwners, error) {
	processes, owners := true, (*netstat.SocketOwners)(nil)
	if err := q.shareOwners(ctx, q.src, &processes, &owners); err != nil || !processes {
		return nil, err
	}
	found, err := netstat.ReadFlowOwners(ctx, sharingOwners{q.src.Stack, owners}, netstat.DefaultFlowOwners)
	if err != nil && ctx.Err() == nil {
		q.complain("the processes of flows", q.src, err)
		return nil, nil
	}
	return found, err
}

// sharingOwners reads sockets with the one look at all processes that was taken.
type sharingOwners struct {
	netstat.Stack
	owners *netstat.SocketOwners
}

// Sockets yields the sockets that the query selects.
func (r sharingOwners) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	q.Owners = r.owners
	return r.Stack.Sockets(ctx, q)
}

// NamesProcesses reports whether a filter of flows, which may be nil, or an order of them
// asks for the processes that they belong to.
func NamesProcesses(expr *filter.Expr, order string) bool {
	return namesProcesses(flows(), lookedAt(flows(), expr, order))
}

// namesProcesses reports whether one of those fields of a kind of flows is of processes.
func namesProcesses(k *table.Kind[Row[TrackedFlow]], fields []int) bool {
	return slices.ContainsFunc(fields, func(i int) bool { return k.Fields[i].Type == table.Objects })
}

// choosesProtocol reports whether the options choose flows of a protocol.
func (o *Options) choosesProtocol(p netstat.IPProtocol) bool {
	switch p {
	case netstat.IPProtocolTCP:
		return o.TCP || !o.NamesProtocol()
	case netstat.IPProtocolUDP:
		return o.UDP || !o.NamesProtocol()
	case netstat.IPProtocolUDPLite:
		return o.UDPLite || !o.NamesProtocol()
	case netstat.IPProtocolSCTP:
		return o.SCTP || !o.NamesProtocol()
	case netstat.IPProtocolICMP, netstat.IPProtocolICMPv6:
		return o.ICMP || !o.NamesProtocol()
	}
	return !o.NamesProtocol()
}

func lookUpFlow(s *Session, r *Row[TrackedFlow]) { s.lookUpFlow(&r.v.Flow) }

func (s *Session) lookUpFlow(f *netstat.Flow) {
	if s.numericHosts() {
		return
	}
	for _, a := range []netip.Addr{f.Original.Source, f.Original.Destination, f.Reply.Source, f.Reply.Destination} {
		s.resolver.StartHost(a)
	}
}

// appendTupleEnd appends an end of a tuple: an address, and a port where there are
// ports.
func (s *Session) appendTupleEnd(b []byte, src *Source, t *netstat.FlowTuple, a netip.Addr, port uint16) []byte {
	if !t.Protocol.HasPorts() {
		return s.appendAddress(b, src, a)
	}
	return s.appendEndpoint(b, src, netstat.Protocol(t.Protocol), netip.AddrPortFrom(a, port))
}

func flowColumns(s *Session) []table.Column[Row[TrackedFlow]] {
	type row = Row[TrackedFlow]
	const width = 23
	count := func(heading string, get func(*TrackedFlow) table.Value, scaled func([]byte, uint64) []byte) table.Column[row] {
		return columnOf(heading, 8, true, func(b []byte, f *TrackedFlow) []byte {
			v := get(f)
			if !v.IsKnown() {
				return append(b, '-')
			}
			return scaled(b, v.Uint())
		})
	}
	state := columnOf("State", 11, false, func(b []byte, f *TrackedFlow) []byte { return appendFlowState(b, &f.Flow) })
	columns := []table.Column[row]{
		columnOf("Proto", 5, false, func(b []byte, f *TrackedFlow) []byte { return append(b, f.Original.Protocol.String()...) }),
		{Heading: "Source", Width: width, Append: func(b []byte, r *row) []byte {
			return s.appendTupleEnd(b, r.from, &r.v.Original, r.v.Original.Source, r.v.Original.SourcePort)
		}},
		{Heading: "Destination", Width: width, Append: func(b []byte, r *row) []byte {
			return s.appendTupleEnd(b, r.from, &r.v.Original, r.v.Original.Destination, r.v.Original.DestinationPort)
		}},
		{Heading: "Translated", Width: 10, Append: func(b []byte, r *row) []byte { return s.appendTranslation(b, r.from, &r.v.Flow) }},
		state,
		columnOf("Status", 9, false, func(b []byte, f *TrackedFlow) []byte { return appendWord(b, flowStatus(&f.Flow)) }),
		columnOf("Timeout", 7, true, func(b []byte, f *TrackedFlow) []byte {
			d, known := f.Timeout.Get()
			if !known {
				return append(b, '-')
			}
			return strconv.AppendInt(b, int64(d/time.Second), 10)
		}),
		count("Packets", func(f *TrackedFlow) table.Value { return packetsValue(f.OriginalCounters) }, s.appendCount),
		count("Bytes", func(f *TrackedFlow) table.Value { return octetsValue(f.OriginalCounters) }, s.appendBytes),
		count("Re-Pkts", func(f *TrackedFlow) table.Value { return packetsValue(f.ReplyCounters) }, s.appendCount),
		count("Re-Bytes", func(f *TrackedFlow) table.Value { return octetsValue(f.ReplyCounters) }, s.appendBytes),
	}
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 20, false, func(b []byte, f *TrackedFlow) []byte { return appendFlowProcesses(b, &f.Owners) }))
	}
	if s.Extend > 0 {
		columns = append(columns,
			columnOf("ID", 10, true, func(b []byte, f *TrackedFlow) []byte { return appendKnown(b, f.ID) }),
			columnOf("Use", 3, true, func(b []byte, f *TrackedFlow) []byte { return appendKnown(b, f.Use) }),
			columnOf("Start", 19, false, func(b []byte, f *TrackedFlow) []byte {
				if f.Start.IsZero() {
					return append(b, '-')
				}
				return f.Start.Local().AppendFormat(b, "2006-01-02T15:04:05")
			}))
	}
	return append(columns, columnOf("Options", 0, false, func(b []byte, f *TrackedFlow) []byte { return appendWord(b, flowOptions(f)) }))
}

// appendFlowState appends the state of a flow's connection, or of what message ICMP's is.
func appendFlowState(b []byte, f *netstat.Flow) []byte {
	if t := &f.Original; t.Protocol.IsICMP() {
		b = appendUint(append(b, "type="...), t.ICMPType)
		b = appendUint(append(b, ",code="...), t.ICMPCode)
		return appendUint(append(b, ",id="...), t.ICMPID)
	}
	return appendWord(b, f.State())
}

func appendFlowProcesses(b []byte, owners *netstat.FlowProcesses) []byte {
	if b = appendProcesses(b, owners.Source); len(owners.Destination.Or(nil)) > 0 {
		b = appendProcesses(append(b, '>'), owners.Destination)
	}
	return b
}

// appendWord appends a text, or a dash for none.
func appendWord(b []byte, text string) []byte {
	if text == "" {
		return append(b, '-')
	}
	return table.AppendEscaped(b, text)
}

// appendTranslation appends what becomes of the ends of a flow on their way, a dash
// where the answers come from where its packets go to and the other way round.
func (s *Session) appendTranslation(b []byte, src *Source, f *netstat.Flow) []byte {
	start := len(b)
	if f.IsSourceNAT() {
		b = s.appendTupleEnd(append(b, "src="...), src, &f.Reply, f.Reply.Destination, f.Reply.DestinationPort)
	}
	if f.IsDestinationNAT() {
		if len(b) > start {
			b = append(b, ',')
		}
		b = s.appendTupleEnd(append(b, "dst="...), src, &f.Reply, f.Reply.Source, f.Reply.SourcePort)
	}
	if len(b) == start {
		return append(b, '-')
	}
	return b
}

// flowStatus tells of the flags what conntrack(8) shows in brackets.
func flowStatus(f *netstat.Flow) string {
	status, known := f.Status.Get()
	if !known {
		return ""
	}
	var words []string
	if status&netstat.FlowSeenReply == 0 {
		words = append(words, "UNREPLIED")
	}
	switch {
	case status&netstat.FlowHardwareOffload != 0:
		words = append(words, "HW_OFFLOAD")
	case status&netstat.FlowOffload != 0:
		words = append(words, "OFFLOAD")
	case status&netstat.FlowAssured != 0:
		words = append(words, "ASSURED")
	}
	return strings.Join(words, ",")
}

// flowOptions tells what else there is of a flow, in the words of conntrack(8).
func flowOptions(f *TrackedFlow) string {
	var parts []string
	number := func(name string, n uint64) {
		if n != 0 {
			parts = append(parts, name+"="+strconv.FormatUint(n, 10))
		}
	}
	number("mark", uint64(f.Mark.Or(0)))
	number("zone", uint64(f.Zone))
	number("zone-orig", uint64(f.Original.Zone))
	number("zone-reply", uint64(f.Reply.Zone))
	if labels := flowLabels(f.Labels); len(labels) > 0 {
		parts = append(parts, "labels="+strings.Join(labels, ","))
	}
	for _, text := range []struct{ name, value string }{{"helper", f.Helper}, {"secctx", f.SecurityContext}} {
		if text.value != "" {
			parts = append(parts, text.name+"="+text.value)
		}
	}
	if f.List != netstat.FlowTable {
		parts = append(parts, "list="+f.List.String())
	}
	return strings.Join(parts, " ")
}

// flowLabels are the numbers of the labels that are set.
func flowLabels(o netstat.Optional[netstat.FlowLabels]) (numbers []string) {
	labels, known := o.Get()
	if !known || labels == (netstat.FlowLabels{}) {
		return nil
	}
	for _, n := range labels.Numbers() {
		numbers = append(numbers, strconv.Itoa(int(n)))
	}
	return numbers
}

func packetsValue(o netstat.Optional[netstat.FlowCounters]) table.Value {
	n, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Uint(n.Packets)
}

func octetsValue(o netstat.Optional[netstat.FlowCounters]) table.Value {
	n, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Uint(n.Bytes)
}

// sumValue is the sum of two integers, unknown where one is.
func sumValue(a, b table.Value) table.Value {
	if !a.IsKnown() || !b.IsKnown() {
		return table.Value{}
	}
	return table.Uint(a.Uint() + b.Uint())
}

func momentValue(t time.Time) table.Value {
	if t.IsZero() {
		return table.Value{}
	}
	return table.Text(t.UTC().Format(time.RFC3339Nano))
}

// flowStates are all states of connections, by their names.
func flowStates() (words []string) {
	add := func(word string) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for s := netstat.FlowTCPNone; s <= netstat.FlowTCPSynSent2; s++ {
		add(s.String())
	}
	for s := netstat.FlowSCTPNone; s <= netstat.FlowSCTPHeartbeatSent; s++ {
		add(s.String())
	}
	for s := netstat.FlowDCCPNone; s <= netstat.FlowDCCPTimeWait; s++ {
		add(s.String())
	}
	return words
}

func familyField[T any](get func(*T) netstat.Family) table.Field[Row[T]] {
	family := fieldOf("family", table.Keyword, "`ipv4` or `ipv6`", func(v *T) table.Value { return table.Word(get(v).String()) })
	family.Words = []string{netstat.IPv4.String(), netstat.IPv6.String()}
	return family
}

// tupleFields are the addresses and ports of a tuple, with a word in front of their
// names.
func tupleFields[T any](before, doc string, get func(*T) *netstat.FlowTuple) []table.Field[Row[T]] {
	name := func(rest string) string {
		if before == "" {
			return rest
		}
		return before + strings.ToUpper(rest[:1]) + rest[1:]
	}
	port := func(t *netstat.FlowTuple, n uint16) table.Value { return ifSet(t.Protocol.HasPorts(), table.Uint(n)) }
	return []table.Field[Row[T]]{
		fieldOf(name("source"), table.Address, "source "+doc, func(v *T) table.Value { return table.Addr(get(v).Source) }),
		fieldOf(name("destination"), table.Address, "destination "+doc, func(v *T) table.Value { return table.Addr(get(v).Destination) }),
		fieldOf(name("sourcePort"), table.Port, "source port "+doc+"; a key of GRE", func(v *T) table.Value { return port(get(v), get(v).SourcePort) }),
		fieldOf(name("destinationPort"), table.Port, "destination port "+doc+"; a key of GRE", func(v *T) table.Value { return port(get(v), get(v).DestinationPort) }),
	}
}

func flowKind() *table.Kind[Row[TrackedFlow]] {
	list := fieldOf("list", table.Keyword, "the kernel's list that it is in, of others than its table: `dying` or `unconfirmed`", func(f *TrackedFlow) table.Value {
		return ifSet(f.List != netstat.FlowTable, table.Word(f.List.String()))
	})
	list.Words = []string{netstat.FlowDying.String(), netstat.FlowUnconfirmed.String()}
	k := newKind("flow", "a flow that connection tracking follows", append(
		flowFields(func(f *TrackedFlow) *netstat.Flow { return &f.Flow }, func(f *TrackedFlow) *netstat.FlowProcesses { return &f.Owners }), list)...)
	k.Aliases = flowAliases()
	return k
}

func flowAliases() map[string][]string {
	return map[string][]string{
		"addr": {"source", "destination", "replySource", "replyDestination"}, "src": {"source"}, "dst": {"destination"},
		"port": {"sourcePort", "destinationPort", "replySourcePort", "replyDestinationPort"}, "sport": {"sourcePort"}, "dport": {"destinationPort"},
		"proto": {"protocol"}, "process": {"sourceProcesses", "destinationProcesses"}, "pid": {"sourceProcesses", "destinationProcesses"},
		"pkts": {"packets"}, "re-pkts": {"replyPackets"}, "re-bytes": {"replyBytes"}, "nat": {"sourceNAT", "destinationNAT"},
	}
}

// flowFields are what is known of the flow of a row, and of whose it is.
func flowFields[T any](of func(*T) *netstat.Flow, owners func(*T) *netstat.FlowProcesses) []table.Field[Row[T]] {
	type flow = netstat.Flow
	field := func(name string, typ table.Type, doc string, value func(*flow) table.Value) table.Field[Row[T]] {
		return fieldOf(name, typ, doc, func(v *T) table.Value { return value(of(v)) })
	}
	state := field("state", table.Keyword, "state of TCP, SCTP and DCCP, by the kernel's name: `ESTABLISHED`, `SYN_SENT`, ...", func(f *flow) table.Value {
		name := f.State()
		return ifSet(name != "", table.Word(name))
	})
	state.Words = flowStates()
	icmp := func(name, doc string, get func(*netstat.FlowTuple) table.Value) table.Field[Row[T]] {
		return field(name, table.Integer, doc, func(f *flow) table.Value { return ifSet(f.Original.Protocol.IsICMP(), get(&f.Original)) })
	}
	fields := []table.Field[Row[T]]{
		familyField(func(v *T) netstat.Family { return of(v).Family() }),
		field("protocol", table.String, "`tcp`, `udp`, `icmp`, ..., or the number of another one", func(f *flow) table.Value { return table.Text(f.Original.Protocol.String()) }),
		state,
		field("timeout", table.Duration, "seconds until the entry goes, if no packet comes", func(f *flow) table.Value { return secondsValue(f.Timeout) }),
	}
	fields = append(fields, tupleFields("", "of the first packet", func(v *T) *netstat.FlowTuple { return &of(v).Original })...)
	fields = append(fields, tupleFields("reply", "of the answers", func(v *T) *netstat.FlowTuple { return &of(v).Reply })...)
	return append(fields,
		icmp("icmpType", "type of the first message", func(t *netstat.FlowTuple) table.Value { return table.Uint(t.ICMPType) }),
		icmp("icmpCode", "its code", func(t *netstat.FlowTuple) table.Value { return table.Uint(t.ICMPCode) }),
		icmp("icmpID", "its identifier", func(t *netstat.FlowTuple) table.Value { return table.Uint(t.ICMPID) }),
		field("status", table.Strings, "flags that are set: `SEEN_REPLY`, `ASSURED`, `SRC_NAT`, ...", func(f *flow) table.Value { return table.Words(f.Status.Or(0).Names()) }),
		field("sourceNAT", table.Boolean, "whether the source is translated", func(f *flow) table.Value { return table.Bool(f.IsSourceNAT()) }),
		field("destinationNAT", table.Boolean, "whether the destination is translated", func(f *flow) table.Value { return table.Bool(f.IsDestinationNAT()) }),
		field("packets", table.Integer, "packets of both directions; those of flows that began while accounting was off are not known", func(f *flow) table.Value {
			return sumValue(packetsValue(f.OriginalCounters), packetsValue(f.ReplyCounters))
		}),
		field("bytes", table.Integer, "bytes of both directions, from the IP header on", func(f *flow) table.Value {
			return sumValue(octetsValue(f.OriginalCounters), octetsValue(f.ReplyCounters))
		}),
		field("originalPackets", table.Integer, "packets of the original direction", func(f *flow) table.Value { return packetsValue(f.OriginalCounters) }),
		field("originalBytes", table.Integer, "bytes of the original direction", func(f *flow) table.Value { return octetsValue(f.OriginalCounters) }),
		field("replyPackets", table.Integer, "packets of the answers", func(f *flow) table.Value { return packetsValue(f.ReplyCounters) }),
		field("replyBytes", table.Integer, "bytes of the answers", func(f *flow) table.Value { return octetsValue(f.ReplyCounters) }),
		field("mark", table.Integer, "mark", func(f *flow) table.Value { return uintValue(f.Mark) }),
		field("zone", table.Integer, "zone of both directions, 0 for the default one", func(f *flow) table.Value { return table.Uint(f.Zone) }),
		field("originalZone", table.Integer, "zone of the original direction alone", func(f *flow) table.Value { return table.NonZero(f.Original.Zone) }),
		field("replyZone", table.Integer, "zone of the answers alone", func(f *flow) table.Value { return table.NonZero(f.Reply.Zone) }),
		field("labels", table.Strings, "numbers of the labels that are set", func(f *flow) table.Value { return table.Words(flowLabels(f.Labels)) }),
		field("securityContext", table.String, "label of the security module", func(f *flow) table.Value { return table.Text(f.SecurityContext) }),
		field("helper", table.String, "name of the helper", func(f *flow) table.Value { return table.Text(f.Helper) }),
		fieldOf("sourceProcesses", table.Objects, "processes of this host that send in the original direction, each with `pid`, `name` and `program`; with `-p`", func(v *T) table.Value {
			return processesValue(owners(v).Source)
		}),
		fieldOf("destinationProcesses", table.Objects, "processes of this host that answer; with `-p`", func(v *T) table.Value { return processesValue(owners(v).Destination) }),
		field("start", table.String, "when the entry was made (RFC 3339); while times are kept", func(f *flow) table.Value { return momentValue(f.Start) }),
		field("stop", table.String, "when it was taken out of the table (RFC 3339)", func(f *flow) table.Value { return momentValue(f.Stop) }),
		field("use", table.Integer, "references to the entry", func(f *flow) table.Value { return uintValue(f.Use) }),
		field("id", table.Integer, "number that tells the entry from a later one with the same addresses and ports", func(f *flow) table.Value { return uintValue(f.ID) }),
	)
}

var flowWords = inWords[netstat.Flow]{netstat.KindFlow, func(w *words, f, _ *netstat.Flow) {
	w.tuple(&f.Original)
	if f.IsSourceNAT() {
		w.add("src=%s", tupleEnd(&f.Reply, f.Reply.Destination, f.Reply.DestinationPort))
	}
	if f.IsDestinationNAT() {
		w.add("dst=%s", tupleEnd(&f.Reply, f.Reply.Source, f.Reply.SourcePort))
	}
	for _, word := range []string{f.State(), flowStatus(f)} {
		if word != "" {
			w.add("%s", word)
		}
	}
	if timeout, known := f.Timeout.Get(); known {
		w.add("timeout %d", timeout/time.Second)
	}
	for _, direction := range []struct {
		name  string
		count netstat.Optional[netstat.FlowCounters]
	}{{"", f.OriginalCounters}, {"reply-", f.ReplyCounters}} {
		if n, known := direction.count.Get(); known {
			w.add("%spackets %d %sbytes %d", direction.name, n.Packets, direction.name, n.Bytes)
		}
	}
	if !f.Start.IsZero() && !f.Stop.IsZero() {
		w.add("lasted %s", f.Stop.Sub(f.Start))
	}
	if options := flowOptions(&TrackedFlow{Flow: *f}); options != "" {
		w.add("%s", escaped(options))
	}
	if id, known := f.ID.Get(); known {
		w.add("id %d", id)
	}
}}

// tuple appends a tuple: its protocol and ends, and an ICMP message.
func (w *words) tuple(t *netstat.FlowTuple) {
	w.add("%s %s > %s", t.Protocol, tupleEnd(t, t.Source, t.SourcePort), tupleEnd(t, t.Destination, t.DestinationPort))
	if t.Protocol.IsICMP() {
		w.add("type %d code %d icmp-id %d", t.ICMPType, t.ICMPCode, t.ICMPID)
	}
}

// tupleEnd returns an end of a tuple as numbers.
func tupleEnd(t *netstat.FlowTuple, a netip.Addr, port uint16) string {
	if t.Protocol.HasPorts() {
		return netip.AddrPortFrom(a, port).String()
	}
	return a.String()
}
