package show

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// socketKind is what programs can know of sockets, and what must be read for it.
type socketKind struct {
	*table.Kind[Row[netstat.Socket]]
	detail []netstat.SocketDetails // by field
}

func newSocketKind() *socketKind {
	k := &socketKind{Kind: &table.Kind[Row[netstat.Socket]]{
		Name: "socket",
		Doc:  "a socket of TCP, UDP, UDP-Lite, raw IP, ICMP, MPTCP or SCTP",
		Aliases: map[string][]string{
			"port": {"localPort", "remotePort"}, "sport": {"localPort"}, "dport": {"remotePort"},
			"src": {"localAddress"}, "dst": {"remoteAddress"}, "addr": {"localAddress", "remoteAddress"},
			"dev": {"interface"}, "process": {"processes"}, "pid": {"processes"}, "proto": {"protocol"},
			"recvq": {"receiveQueue"}, "sendq": {"sendQueue"}, "recv-q": {"receiveQueue"}, "send-q": {"sendQueue"}, "user": {"uid"},
			"rttvar": {"rttVariation"}, "cwnd": {"congestionWindow"}, "ssthresh": {"slowStartThreshold"}, "mss": {"sendMSS"},
			"retrans": {"totalRetransmits"}, "outoford": {"outOfOrder"}, "snd-wnd": {"sendWindow"}, "rcv-wnd": {"receiveWindow"},
			"rate": {"deliveryRate"}, "cc": {"congestionControl"},
		},
	}}
	k.add(0, socketFields())
	k.add(netstat.DetailMemory, memoryFields())
	k.add(netstat.DetailTCPInfo, tcpFields())
	k.add(netstat.DetailTCPInfo, upperFields())
	k.add(netstat.DetailTCPInfo, []table.Field[Row[netstat.Socket]]{diagnosticsField()})
	k.add(netstat.DetailCongestion, congestionFields())
	k.add(netstat.DetailTOS, []table.Field[Row[netstat.Socket]]{
		detailField("tos", table.Integer, "IPv4 type of service: DSCP in the upper 6 bits", func(d *netstat.SocketDetail) table.Value { return uintValue(d.TOS) }),
		detailField("trafficClass", table.Integer, "IPv6 traffic class", func(d *netstat.SocketDetail) table.Value { return uintValue(d.TrafficClass) }),
		detailField("classID", table.Integer, "net_cls class, or SO_PRIORITY", func(d *netstat.SocketDetail) table.Value { return uintValue(d.ClassID) }),
	})
	k.add(netstat.DetailOptions, []table.Field[Row[netstat.Socket]]{
		detailField("flags", table.Strings, "the kernel's boolean options that are set", func(d *netstat.SocketDetail) table.Value {
			flags, known := d.Flags.Get()
			if !known || flags == 0 {
				return table.Value{}
			}
			return table.Words(strings.Split(flags.String(), ","))
		}),
		detailField("shutdown", table.Strings, "directions that are shut down: `receive`, `send`", func(d *netstat.SocketDetail) table.Value {
			down, known := d.Shutdown.Get()
			if !known || down == 0 {
				return table.Value{}
			}
			return table.Words(strings.Split(down.String(), ","))
		}),
		detailField("mark", table.Integer, "SO_MARK; with CAP_NET_ADMIN only", func(d *netstat.SocketDetail) table.Value { return uintValue(d.Mark) }),
	})
	k.add(netstat.DetailCGroup, []table.Field[Row[netstat.Socket]]{
		detailField("cgroup", table.String, "path of the control group", func(d *netstat.SocketDetail) table.Value {
			group, _ := d.CGroup.Get()
			return table.Text(group.Path)
		}),
		detailField("cgroupID", table.Integer, "number of the control group", func(d *netstat.SocketDetail) table.Value {
			group, _ := d.CGroup.Get()
			return table.NonZero(group.ID)
		}),
	})
	k.add(netstat.DetailSocketOptions, inetOptions.fields())
	k.add(0, whereFields[netstat.Socket]())
	return k
}

func (k *socketKind) add(detail netstat.SocketDetails, fields []table.Field[Row[netstat.Socket]]) {
	k.Fields = append(k.Fields, fields...)
	for range fields {
		k.detail = append(k.detail, detail)
	}
}

// askedOf returns the fields of a kind that a filter and an order look at.
func askedOf[T any](k *table.Kind[Row[T]], expr *filter.Expr, order string) []int {
	var fields []int
	if expr != nil {
		expr.Walk(func(e *filter.Expr) { fields = append(fields, e.Fields...) })
	}
	for name := range strings.SplitSeq(order, ",") {
		fields = append(fields, k.Find(strings.TrimPrefix(strings.TrimSpace(name), "-"))...)
	}
	return fields
}

func (k *socketKind) asked(expr *filter.Expr, order string) []int {
	return askedOf(k.Kind, expr, order)
}

// needs returns the details that a filter and an order look at.
func (k *socketKind) needs(expr *filter.Expr, order string) (needed netstat.SocketDetails) {
	for _, f := range k.asked(expr, order) {
		needed |= k.detail[f]
	}
	return needed
}

// possible reports whether a filter can be true for a socket in a state.
func (k *socketKind) possible(expr *filter.Expr, st netstat.State) bool {
	state := k.Find("state")[0]
	v := table.Word(st.String())
	can, _ := expr.Possible(func(field int) (table.Value, bool) { return v, field == state })
	return can
}

// filtersBy reports whether a filter looks at a field.
func (k *socketKind) filtersBy(expr *filter.Expr, field string) bool {
	return expr != nil && k.asksFor(expr, "", field)
}

func (k *socketKind) asksFor(expr *filter.Expr, order, field string) bool {
	return slices.Contains(k.asked(expr, order), k.Find(field)[0])
}

// states are all that a socket's state can be, by the vocabulary's names, and
// other names for some of them, which net-tools and ss have.
var (
	states = []netstat.State{
		netstat.Established, netstat.SynSent, netstat.SynReceived, netstat.FinWait1, netstat.FinWait2,
		netstat.TimeWait, netstat.Close, netstat.CloseWait, netstat.LastAck, netstat.Listen, netstat.Closing,
		netstat.NewSynReceived, netstat.Bound, netstat.CookieWait, netstat.CookieEchoed, netstat.ShutdownPending,
		netstat.ShutdownSent, netstat.ShutdownReceived, netstat.ShutdownAckSent,
	}
	stateSynonyms = map[string]string{
		"syn-recv": netstat.SynReceived.String(), "close": netstat.Close.String(), "unconn": netstat.Close.String(),
		"listening": netstat.Listen.String(), "estab": netstat.Established.String(), "new-syn-recv": netstat.NewSynReceived.String(),
	}
)

func stateWords() []string {
	words := make([]string, len(states))
	for i, st := range states {
		words[i] = st.String()
	}
	return words
}

// protocolWords are all protocols of a socket row.
func protocolWords() (words []string) {
	for _, p := range []netstat.Protocol{netstat.TCP, netstat.UDP, netstat.UDPLite, netstat.Raw, netstat.ICMP, netstat.MPTCP, netstat.SCTP} {
		words = append(words, p.String())
	}
	return words
}

func detailField(name string, typ table.Type, doc string, value func(*netstat.SocketDetail) table.Value) table.Field[Row[netstat.Socket]] {
	return fieldOf(name, typ, doc, func(v *netstat.Socket) table.Value {
		if v.Detail == nil {
			return table.Value{}
		}
		return value(v.Detail)
	})
}

func socketFields() []table.Field[Row[netstat.Socket]] {
	protocol := fieldOf("protocol", table.Keyword, "transport protocol", func(v *netstat.Socket) table.Value { return table.Word(v.Protocol.String()) })
	protocol.Words = protocolWords()
	state := fieldOf("state", table.Keyword, "state by its name in RFC 9293; sockets of protocols without connections are ESTABLISHED or CLOSED", func(v *netstat.Socket) table.Value {
		return table.Word(v.State.String())
	})
	state.Words, state.Synonyms = stateWords(), stateSynonyms
	family := fieldOf("family", table.Keyword, "`ipv4` or `ipv6`; an IPv6 socket may carry IPv4", func(v *netstat.Socket) table.Value { return table.Word(v.Family.String()) })
	family.Words = []string{netstat.IPv4.String(), netstat.IPv6.String()}
	timer := fieldOf("timer", table.Keyword, "pending timer", func(v *netstat.Socket) table.Value {
		pending, known := v.Timer.Get()
		if !known {
			return table.Value{}
		}
		return table.Word(pending.String())
	})
	for t := netstat.TimerNone; t <= netstat.TimerProbe; t++ {
		timer.Words = append(timer.Words, t.String())
	}
	return []table.Field[Row[netstat.Socket]]{
		protocol, family, state,
		{Name: "localAddress", Type: table.Address, Doc: "local address, `0.0.0.0` or `::` for a wildcard",
			Value: func(r *Row[netstat.Socket]) table.Value { return addrValue(r.from, r.v.Local.Addr()) }},
		fieldOf("localPort", table.Port, "local port", func(v *netstat.Socket) table.Value { return table.Uint(v.Local.Port()) }),
		{Name: "remoteAddress", Type: table.Address, Doc: "remote address",
			Value: func(r *Row[netstat.Socket]) table.Value { return addrValue(r.from, r.v.Remote.Addr()) }},
		fieldOf("remotePort", table.Port, "remote port, 0 for none", func(v *netstat.Socket) table.Value { return table.Uint(v.Remote.Port()) }),
		interfaceField("interface", "interface that the socket is bound to", func(v *netstat.Socket) uint32 { return v.Interface.Or(0) }),
		fieldOf("receiveQueue", table.Integer, "bytes not yet read; of a listener, connections that wait to be accepted", func(v *netstat.Socket) table.Value { return uintValue(v.ReceiveQueue) }),
		fieldOf("sendQueue", table.Integer, "bytes not yet acknowledged; of a listener, the most connections that may wait", func(v *netstat.Socket) table.Value { return uintValue(v.SendQueue) }),
		fieldOf("uid", table.User, "user that owns the socket", func(v *netstat.Socket) table.Value { return uintValue(v.UID) }),
		fieldOf("inode", table.Integer, "inode in sockfs, 0 when no process holds the socket", func(v *netstat.Socket) table.Value { return uintValue(v.Inode) }),
		fieldOf("cookie", table.Integer, "SO_COOKIE", func(v *netstat.Socket) table.Value { return uintValue(v.Cookie) }),
		fieldOf("v6Only", table.Boolean, "whether an IPv6 socket refuses IPv4", func(v *netstat.Socket) table.Value {
			only, known := v.V6Only.Get()
			if !known {
				return table.Value{}
			}
			return table.Bool(only)
		}),
		timer,
		fieldOf("timerExpires", table.Duration, "seconds until the timer fires", func(v *netstat.Socket) table.Value {
			return secondsValue(v.Expires)
		}),
		fieldOf("retransmits", table.Integer, "segments or probes sent without an answer", func(v *netstat.Socket) table.Value { return uintValue(v.Retransmits) }),
		fieldOf("processes", table.Objects, "processes that hold the socket, each with `pid`, `name`, the first argument of its command line as `program`, and the descriptor `fd`; with `-p`", func(v *netstat.Socket) table.Value {
			return processesValue(v.Processes)
		}),
	}
}

func memoryFields() []table.Field[Row[netstat.Socket]] {
	field := func(name, doc string, get func(*netstat.SocketMemory) uint32) table.Field[Row[netstat.Socket]] {
		return detailField(name, table.Integer, doc, func(d *netstat.SocketDetail) table.Value {
			m, known := d.Memory.Pointer()
			if !known {
				return table.Value{}
			}
			return table.Uint(get(m))
		})
	}
	return []table.Field[Row[netstat.Socket]]{
		field("receiveMemory", "bytes of received data, with overhead", func(m *netstat.SocketMemory) uint32 { return m.Received }),
		field("receiveBuffer", "bytes that it may become (SO_RCVBUF)", func(m *netstat.SocketMemory) uint32 { return m.ReceiveBuffer }),
		field("sendMemory", "bytes handed to the network layer and not freed yet", func(m *netstat.SocketMemory) uint32 { return m.Transmitted }),
		field("sendBuffer", "bytes that may be queued to send (SO_SNDBUF)", func(m *netstat.SocketMemory) uint32 { return m.SendBuffer }),
		field("forwardMemory", "bytes reserved for the socket and not in use", func(m *netstat.SocketMemory) uint32 { return m.ForwardAlloc }),
		field("queuedMemory", "bytes of TCP data queued to be sent or acknowledged", func(m *netstat.SocketMemory) uint32 { return m.TransmitQueued }),
		field("optionMemory", "bytes of options and filters", func(m *netstat.SocketMemory) uint32 { return m.OptionMemory }),
		field("backlogMemory", "bytes of packets that wait while the process has the socket locked", func(m *netstat.SocketMemory) uint32 { return m.Backlog }),
		detailField("drops", table.Integer, "packets dropped since the socket was opened", func(d *netstat.SocketDetail) table.Value {
			return uintValue(d.Drops)
		}),
	}
}

// push returns what of a filter the source can look at itself: conditions that
// hold for every row that the filter keeps. The filter is applied to the rows
// nevertheless.
func (k *socketKind) push(expr *filter.Expr, src *Source) (f netstat.SocketFilter, st netstat.StateSet) {
	if expr == nil {
		return f, 0
	}
	name := func(field int) string { return k.Fields[field].Name }
	for _, e := range expr.Conjuncts() {
		if len(e.Fields) == 0 {
			continue // a disjunction or a negation
		}
		which := name(e.Fields[0])
		if len(e.Fields) == 2 {
			which = "either " + which
		}
		switch which {
		case "state":
			if set := stateSet(e); st == 0 {
				st = set
			} else if st&set != 0 {
				st &= set
			}
		case "localPort":
			narrowPorts(&f.LocalPorts, e)
		case "remotePort":
			narrowPorts(&f.RemotePorts, e)
		case "either localPort":
			narrowPorts(&f.Ports, e)
		case "localAddress":
			narrowAddress(&f.Local, e)
		case "remoteAddress":
			narrowAddress(&f.Remote, e)
		case "either localAddress":
			narrowAddress(&f.Address, e)
		case "interface":
			if index, ok := src.index(e.Values[0].Text); ok && e.Op == filter.Equal && len(e.Values) == 1 {
				f.Interface = index
			}
		}
	}
	return f, st
}

// stateSet returns the states that a comparison names; none stands for all.
func stateSet(e *filter.Expr) (set netstat.StateSet) {
	if e.Op != filter.Equal {
		return 0
	}
	for i := range e.Values {
		for _, st := range states {
			if table.EqualWords(st.String(), e.Values[i].Text) {
				set |= netstat.States(st)
			}
		}
	}
	return set
}

// narrowPorts sets a range that is not set yet to one that holds every port that
// fulfils a comparison.
func narrowPorts(ports *netstat.PortRange, e *filter.Expr) {
	const most = 1<<16 - 1
	if *ports != (netstat.PortRange{}) || len(e.Values) != 1 {
		return
	}
	v := e.Values[0].Value()
	n := v.Float()
	if n < 1 || n > most {
		return
	}
	port := uint16(n)
	switch e.Op {
	case filter.Equal:
		*ports = netstat.PortRange{First: port, Last: port}
	case filter.Less, filter.LessEqual:
		*ports = netstat.PortRange{First: 0, Last: port}
	case filter.Greater, filter.GreaterEqual:
		*ports = netstat.PortRange{First: port, Last: most}
	}
}

// narrowAddress sets a prefix that is not set yet.
func narrowAddress(prefix *netip.Prefix, e *filter.Expr) {
	if !prefix.IsValid() && e.Op == filter.Equal && len(e.Values) == 1 {
		*prefix = e.Values[0].Prefix
	}
}

// secondsValue is the value of an optional duration.
func secondsValue(o netstat.Optional[time.Duration]) table.Value {
	d, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Seconds(d)
}
