package show

import (
	"fmt"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketUsage is the table of how many sockets there are and what they hold, which
// people see as lines of what belongs together.
func SocketUsage() Table {
	return &kind[netstat.SocketUsage]{
		Kind:  socketUsageKind(),
		title: "Sockets in use", what: "socket usage",
		read:      from(single(netstat.MemoryReader.SocketUsage)),
		paragraph: func(s *Session) func(*Row[netstat.SocketUsage]) { return s.describeUsage },
	}
}

// describeUsage shows the figures that belong together in a line.
func (s *Session) describeUsage(r *Row[netstat.SocketUsage]) {
	u := &r.v
	line := func(format string, args ...any) { s.out.Line(fmt.Sprintf(format, args...)) }
	if r.from.label() != "" {
		line("%s:", table.AppendEscaped(nil, r.from.label()))
	}
	of := func(n, limit netstat.Optional[uint64]) string {
		if !limit.IsKnown() {
			return n.String()
		}
		return n.String() + "/" + limit.String()
	}
	bytes := func(o netstat.Optional[uint64]) string {
		if n, known := o.Get(); known {
			return string(s.appendBytes(nil, n))
		}
		return "-"
	}
	line("%12s sockets of every family", u.Used)
	line("%12s TCP (%s over IPv4, %s over IPv6), %s in TIME-WAIT", together(u.TCP, u.TCP6), u.TCP, u.TCP6, of(u.TCPTimeWait, u.TCPMaxTimeWait))
	line("%12s UDP (%s over IPv4, %s over IPv6)", together(u.UDP, u.UDP6), u.UDP, u.UDP6)
	line("%12s UDP-Lite (%s over IPv4, %s over IPv6)", together(u.UDPLite, u.UDPLite6), u.UDPLite, u.UDPLite6)
	line("%12s raw (%s over IPv4, %s over IPv6)", together(u.Raw, u.Raw6), u.Raw, u.Raw6)
	line("%12s fragments (%s bytes) of IPv4 packets, %s (%s bytes) of IPv6 packets",
		u.Fragments, bytes(u.FragmentBytes), u.Fragments6, bytes(u.Fragment6Bytes))
	line("Of every namespace together:")
	line("%12s TCP sockets that take memory, %s of them orphans", u.TCPAllocated, of(u.TCPOrphans, u.TCPMaxOrphans))
	line("%12s bytes of TCP buffers, %s", bytes(u.TCPBytes), s.limits(u.TCPLimits))
	line("%12s bytes of UDP buffers, %s", bytes(u.UDPBytes), s.limits(u.UDPLimits))
	line("")
}

// together adds the sockets over IPv4 and those over IPv6, which the kernel counts
// apart. A kernel without IPv6 has none of these.
func together(over4, over6 netstat.Optional[uint64]) netstat.Optional[uint64] {
	n, known := over4.Get()
	more, known6 := over6.Get()
	if !known && !known6 {
		return over4
	}
	return netstat.Known(n + more)
}

// limits tells a protocol's low, pressure and high marks.
func (s *Session) limits(o netstat.Optional[netstat.MemoryLimits]) string {
	l, known := o.Get()
	if !known {
		return "limits unknown"
	}
	return "limits " + s.marks(l)
}

func (s *Session) marks(l netstat.MemoryLimits) string {
	var parts []string
	for _, n := range []uint64{l.Low, l.Pressure, l.High} {
		parts = append(parts, string(s.appendBytes(nil, n)))
	}
	return strings.Join(parts, "/")
}

func socketUsageKind() *table.Kind[Row[netstat.SocketUsage]] {
	k := newKind[netstat.SocketUsage]("socketUsage", "how many sockets there are and what they hold")
	netns := k.Fields
	k.Fields = nil
	for _, f := range []struct {
		name, doc string
		get       func(*netstat.SocketUsage) netstat.Optional[uint64]
	}{
		{"used", "sockets of every family", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Used }},
		{"tcp", "over IPv4", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCP }},
		{"tcp6", "over IPv6", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCP6 }},
		{"tcpTimeWait", "connections in TIME-WAIT", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPTimeWait }},
		{"tcpMaxTimeWait", "the most of them", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPMaxTimeWait }},
		{"tcpOrphans", "connections that no process holds, of every namespace", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPOrphans }},
		{"tcpMaxOrphans", "the most of them", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPMaxOrphans }},
		{"tcpAllocated", "TCP sockets that take memory, of every namespace", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPAllocated }},
		{"tcpBytes", "bytes of TCP buffers, of every namespace", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.TCPBytes }},
		{"udp", "over IPv4", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.UDP }},
		{"udp6", "over IPv6", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.UDP6 }},
		{"udpBytes", "bytes of UDP buffers, of every namespace", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.UDPBytes }},
		{"udpLite", "over IPv4", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.UDPLite }},
		{"udpLite6", "over IPv6", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.UDPLite6 }},
		{"raw", "over IPv4", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Raw }},
		{"raw6", "over IPv6", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Raw6 }},
		{"fragments", "IPv4 packets that wait to be reassembled", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Fragments }},
		{"fragmentBytes", "what they hold", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.FragmentBytes }},
		{"fragments6", "IPv6 packets that wait to be reassembled", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Fragments6 }},
		{"fragment6Bytes", "what they hold", func(u *netstat.SocketUsage) netstat.Optional[uint64] { return u.Fragment6Bytes }},
	} {
		k.Fields = append(k.Fields, fieldOf(f.name, table.Integer, f.doc, func(u *netstat.SocketUsage) table.Value { return uintValue(f.get(u)) }))
	}
	k.Fields = append(k.Fields, netns...)
	return k
}

// ProtocolMemory is the table of the memory of each protocol's sockets.
func ProtocolMemory() Table {
	return &kind[netstat.ProtocolMemory]{
		Kind:  protocolMemoryKind(),
		title: "Memory of protocols", what: "memory of protocols",
		columns: protocolMemoryColumns,
		read:    from(netstat.MemoryReader.ProtocolMemory),
		keep: func(q *query, m *netstat.ProtocolMemory) bool {
			return q.All || q.JSON || m.Sockets.Or(0) != 0 || m.Bytes.Or(0) != 0
		},
	}
}

func protocolMemoryColumns(s *Session) []table.Column[Row[netstat.ProtocolMemory]] {
	type memory = netstat.ProtocolMemory
	columns := []table.Column[Row[memory]]{
		columnOf("Protocol", 12, false, func(b []byte, m *memory) []byte { return table.AppendEscaped(b, m.Name) }),
		columnOf("Sockets", 8, true, func(b []byte, m *memory) []byte { return append(b, m.Sockets.String()...) }),
		columnOf("Size", 6, true, func(b []byte, m *memory) []byte { return s.appendBytes(b, m.ObjectSize) }),
		columnOf("Memory", 10, true, func(b []byte, m *memory) []byte {
			n, known := m.Bytes.Get()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, n)
		}),
		columnOf("Pressure", 8, false, func(b []byte, m *memory) []byte {
			pressure, known := m.Pressure.Get()
			switch {
			case !known:
				return append(b, '-')
			case pressure:
				return append(b, "yes"...)
			}
			return append(b, "no"...)
		}),
		columnOf("Low/Pressure/High", 0, false, func(b []byte, m *memory) []byte {
			l, known := m.Limits.Get()
			if !known {
				return append(b, '-')
			}
			return append(b, s.marks(l)...)
		}),
	}
	columns[4].Colour = func(r *Row[memory]) table.Colour {
		if r.v.Pressure.Or(false) {
			return table.Red
		}
		return table.Plain
	}
	return columns
}

func protocolMemoryKind() *table.Kind[Row[netstat.ProtocolMemory]] {
	field := fieldOf[netstat.ProtocolMemory]
	limit := func(name string, get func(*netstat.MemoryLimits) uint64) table.Field[Row[netstat.ProtocolMemory]] {
		return field(name, table.Integer, "bytes; absent for protocols that have none", func(m *netstat.ProtocolMemory) table.Value {
			l, known := m.Limits.Get()
			if !known {
				return table.Value{}
			}
			return table.Uint(get(&l))
		})
	}
	return newKind("protocolMemory", "the socket memory of one of the kernel's protocols",
		field("name", table.String, "the kernel's name", func(m *netstat.ProtocolMemory) table.Value { return table.Text(m.Name) }),
		field("sockets", table.Integer, "how many there are", func(m *netstat.ProtocolMemory) table.Value {
			n, known := m.Sockets.Get()
			if !known {
				return table.Value{}
			}
			return table.Int(n)
		}),
		field("objectSize", table.Integer, "bytes of one, without buffers", func(m *netstat.ProtocolMemory) table.Value { return table.Uint(m.ObjectSize) }),
		field("bytes", table.Integer, "memory of the buffers of all namespaces' sockets", func(m *netstat.ProtocolMemory) table.Value { return uintValue(m.Bytes) }),
		field("pressure", table.Boolean, "whether the account is above its limit", func(m *netstat.ProtocolMemory) table.Value {
			pressure, known := m.Pressure.Get()
			if !known {
				return table.Value{}
			}
			return table.Bool(pressure)
		}),
		limit("low", func(l *netstat.MemoryLimits) uint64 { return l.Low }),
		limit("pressureLimit", func(l *netstat.MemoryLimits) uint64 { return l.Pressure }),
		limit("high", func(l *netstat.MemoryLimits) uint64 { return l.High }),
	)
}

// Slabs is the table of the caches of packet buffers, with Options.All of every cache.
func Slabs() Table {
	return &kind[netstat.Slab]{
		Kind:  slabKind(),
		apart: true,
		title: "Caches of packet buffers, of the whole host", what: "caches of packet buffers", ofHost: true,
		columns: slabColumns,
		read:    from(netstat.MemoryReader.Slabs),
		keep:    func(q *query, v *netstat.Slab) bool { return q.All || v.IsSocketBuffer() },
	}
}

func slabColumns(s *Session) []table.Column[Row[netstat.Slab]] {
	return []table.Column[Row[netstat.Slab]]{
		columnOf("Cache", 24, false, func(b []byte, v *netstat.Slab) []byte { return table.AppendEscaped(b, v.Name) }),
		columnOf("Active", 10, true, func(b []byte, v *netstat.Slab) []byte { return s.appendCount(b, v.ActiveObjects) }),
		columnOf("Objects", 10, true, func(b []byte, v *netstat.Slab) []byte { return s.appendCount(b, v.Objects) }),
		columnOf("Size", 8, true, func(b []byte, v *netstat.Slab) []byte { return s.appendBytes(b, v.ObjectSize) }),
		columnOf("Memory", 12, true, func(b []byte, v *netstat.Slab) []byte { return s.appendBytes(b, v.Bytes()) }),
	}
}

func slabKind() *table.Kind[Row[netstat.Slab]] {
	field := fieldOf[netstat.Slab]
	return newKind("slab", "one of the kernel's caches of objects of one size, of the whole host",
		field("name", table.String, "the kernel's name", func(v *netstat.Slab) table.Value { return table.Text(v.Name) }),
		field("activeObjects", table.Integer, "objects in use", func(v *netstat.Slab) table.Value { return table.Uint(v.ActiveObjects) }),
		field("objects", table.Integer, "objects", func(v *netstat.Slab) table.Value { return table.Uint(v.Objects) }),
		field("objectSize", table.Integer, "bytes", func(v *netstat.Slab) table.Value { return table.Uint(v.ObjectSize) }),
		field("bytes", table.Integer, "memory that the cache takes", func(v *netstat.Slab) table.Value { return table.Uint(v.Bytes()) }),
	)
}
