package netstat

import "net/netip"

// FlowSockets keeps something of sockets, of type T, and finds it by the flows that go
// through them.
//
// An end of a flow of TCP is a connection's socket. One of another protocol may be an unconnected
// socket, which has the end's address, or any of this host's.
type FlowSockets[T any] struct {
	byEnds map[socketEnds]T
	local  *LocalAddresses
}

// socketEnds are the ends of a socket as packets have them: without zones, and
// IPv4 as such. The remote end of a socket that is not connected is the zero
// AddrPort.
type socketEnds struct {
	protocol      IPProtocol
	local, remote netip.AddrPort
}

// NewFlowSockets returns a FlowSockets that keeps nothing yet. local are the addresses of the
// sockets' host, nil where these are not known.
func NewFlowSockets[T any](local *LocalAddresses) *FlowSockets[T] {
	return &FlowSockets[T]{byEnds: make(map[socketEnds]T), local: local}
}

// Len is how many ends of sockets something is kept for. A socket of IPv6 that IPv4 may come to has
// two.
func (f *FlowSockets[T]) Len() int { return len(f.byEnds) }

// Put keeps what put makes of what is kept for the ends of a socket already, which is
// shared then. Nothing is kept of sockets of other protocols than TCP, UDP, UDP-Lite and ping.
func (f *FlowSockets[T]) Put(s *Socket, put func(before T, shared bool) T) {
	if !hasFlows(s.Protocol) {
		return
	}
	key := socketEnds{protocol: IPProtocol(s.Protocol), local: plainEnd(s.Local)}
	if s.Remote.Port() != 0 {
		key.remote = plainEnd(s.Remote)
	}
	if s.Protocol == ICMP && s.Family == IPv6 {
		key.protocol = IPProtocolICMPv6
	}
	f.put(key, put)
	if s.Local.Addr().IsUnspecified() && s.Family == IPv6 && !s.V6Only.Or(false) && key.protocol != IPProtocolICMPv6 {
		key.local = netip.AddrPortFrom(netip.IPv4Unspecified(), s.Local.Port())
		f.put(key, put)
	}
}

// hasFlows reports whether connection tracking tells flows of a protocol's sockets apart.
func hasFlows(p Protocol) bool {
	switch p {
	case TCP, UDP, UDPLite, ICMP:
		return true
	}
	return false
}

func (f *FlowSockets[T]) put(key socketEnds, put func(before T, shared bool) T) {
	before, shared := f.byEnds[key]
	f.byEnds[key] = put(before, shared)
}

func plainEnd(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Sender returns what is kept of the socket that packets with a tuple come from. A flow's original
// tuple is as the socket has it that began, and its reply tuple as the one has it that answers,
// whatever address translation makes of them on the way.
func (f *FlowSockets[T]) Sender(t *FlowTuple) (kept T, found bool) {
	port, remotePort := t.SourcePort, t.DestinationPort
	if t.Protocol.IsICMP() {
		port, remotePort = t.ICMPID, 0 // a ping socket's port is the identifier
	}
	address := t.Source.Unmap()
	local, remote := netip.AddrPortFrom(address, port), netip.AddrPortFrom(t.Destination.Unmap(), remotePort)
	if kept, found = f.byEnds[socketEnds{t.Protocol, local, remote}]; found || t.Protocol == IPProtocolTCP {
		return kept, found
	}
	if kept, found = f.byEnds[socketEnds{t.Protocol, local, netip.AddrPort{}}]; found || !f.local.Contains(address) {
		return kept, found
	}
	anywhere := netip.IPv4Unspecified()
	if address.Is6() {
		anywhere = netip.IPv6Unspecified()
	}
	kept, found = f.byEnds[socketEnds{t.Protocol, netip.AddrPortFrom(anywhere, port), netip.AddrPort{}}]
	return kept, found
}
