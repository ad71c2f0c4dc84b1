package show

import (
	"fmt"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// showMemory shows what sockets and packets take of the memory.
func (s *Session) showMemory() error {
	if err := s.showSocketUsage(); err != nil {
		return err
	}
	if err := s.showProtocolMemory(); err != nil {
		return err
	}
	s.out.Line("")
	return s.showSlabs()
}

// showSocketUsage shows how many sockets there are, and what they hold.
func (s *Session) showSocketUsage() error {
	kind := socketUsageKind()
	p, _, err := newPrinter(s, kind, nil)
	if err != nil {
		return err
	}
	s.out.Title("Sockets in use")
	var r Row[netstat.SocketUsage]
	for _, src := range s.sources {
		reader, ok := src.stack.(netstat.MemoryReader)
		if !ok {
			s.complain("socket usage", src, netstat.ErrNotSupported)
			continue
		}
		if r.v, err = reader.SocketUsage(s.ctx); err != nil {
			if s.ctx.Err() != nil {
				return err
			}
			s.complain("socket usage", src, err)
			continue
		}
		if r.from = src; s.JSON {
			if err := p.Row(&r); err != nil {
				return err
			}
			continue
		}
		s.describeUsage(&r)
	}
	return s.out.Flush()
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

// showProtocolMemory shows the memory of each protocol's sockets.
func (s *Session) showProtocolMemory() error {
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
	p, _, err := newPrinter(s, protocolMemoryKind(), columns)
	if err != nil {
		return err
	}
	s.out.Title("Memory of protocols")
	err = each(s, "memory of protocols", netstat.MemoryReader.ProtocolMemory, func(r *Row[memory]) error {
		if !s.All && !s.JSON && r.v.Sockets.Or(0) == 0 && r.v.Bytes.Or(0) == 0 {
			return nil
		}
		return p.Row(r)
	})
	if err != nil {
		return err
	}
	return p.Close()
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

// showSlabs shows the caches of packet buffers, with -a every cache.
func (s *Session) showSlabs() error {
	columns := []table.Column[Row[netstat.Slab]]{
		columnOf("Cache", 24, false, func(b []byte, v *netstat.Slab) []byte { return table.AppendEscaped(b, v.Name) }),
		columnOf("Active", 10, true, func(b []byte, v *netstat.Slab) []byte { return s.appendCount(b, v.ActiveObjects) }),
		columnOf("Objects", 10, true, func(b []byte, v *netstat.Slab) []byte { return s.appendCount(b, v.Objects) }),
		columnOf("Size", 8, true, func(b []byte, v *netstat.Slab) []byte { return s.appendBytes(b, v.ObjectSize) }),
		columnOf("Memory", 12, true, func(b []byte, v *netstat.Slab) []byte { return s.appendBytes(b, v.Bytes()) }),
	}
	p, _, err := newPrinter(s, slabKind(), columns)
	if err != nil {
		return err
	}
	s.out.Title("Caches of packet buffers, of the whole host")
	err = s.ofHost(func(s *Session) error {
		return each(s, "caches of packet buffers", netstat.MemoryReader.Slabs, func(r *Row[netstat.Slab]) error {
			if !s.All && !r.v.IsSocketBuffer() {
				return nil
			}
			return p.Row(r)
		})
	})
	if err != nil {
		return err
	}
	return p.Close()
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
