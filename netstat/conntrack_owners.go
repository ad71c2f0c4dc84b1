package netstat

import (
	"context"
	"errors"
	"net/netip"
	"slices"
)

// FlowOwners says which processes of this host the ends of flows belong to, as of
// one look at the sockets and who holds them. It is immutable.
type FlowOwners struct {
	sockets map[socketEnds][]Process
	// complete says that every socket was seen, and every process that may hold
	// one.
	complete bool
}

// socketEnds are the ends of a socket as packets have them: without zones, and
// IPv4 as such. The remote end of a socket that is not connected is the zero
// AddrPort.
type socketEnds struct {
	protocol      IPProtocol
	local, remote netip.AddrPort
}

func plainEnd(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// DefaultFlowOwners is how many sockets ReadFlowOwners may be let keep: each takes
// about 150 bytes.
const DefaultFlowOwners = 1 << 20

// ReadFlowOwners takes a look at the sockets of TCP, UDP, UDP-Lite and ping, of
// which it keeps at most as many as are given. r reads the namespace whose flows
// are meant. Where privileges hide processes, or the kernel does not tell of a
// protocol's sockets, what is not found is unknown.
func ReadFlowOwners(ctx context.Context, r SocketReader, most int) (*FlowOwners, error) {
	o := &FlowOwners{sockets: map[socketEnds][]Process{}, complete: true}
	for s, err := range r.Sockets(ctx, SocketQuery{Processes: true}) {
		switch {
		case errors.Is(err, ErrNotSupported):
			o.complete = false
		case err != nil:
			return nil, err
		case s.State != Listen:
			o.add(&s, most)
		}
	}
	return o, nil
}

func (o *FlowOwners) add(s *Socket, most int) {
	switch s.Protocol {
	case TCP, UDP, UDPLite, ICMP:
	default:
		return
	}
	processes, known := s.Processes.Get()
	switch {
	case !known:
		o.complete = false
		return
	case len(processes) == 0:
		return // a connection that waits for its end, or for being accepted
	}
	key := socketEnds{protocol: IPProtocol(s.Protocol), local: plainEnd(s.Local)}
	if s.Remote.Port() != 0 {
		key.remote = plainEnd(s.Remote)
	}
	if s.Protocol == ICMP && s.Family == IPv6 {
		key.protocol = IPProtocolICMPv6
	}
	keys := []socketEnds{key}
	if s.Local.Addr().IsUnspecified() && s.Family == IPv6 && !s.V6Only.Or(false) && key.protocol != IPProtocolICMPv6 {
		key.local = netip.AddrPortFrom(netip.IPv4Unspecified(), s.Local.Port())
		keys = append(keys, key)
	}
	for _, key := range keys {
		before, shared := o.sockets[key]
		if !shared && len(o.sockets) >= most {
			o.complete = false
			return
		}
		if shared { // several sockets with one address, of one process or many
			processes = append(slices.Clip(before), processes...)
		}
		o.sockets[key] = processes
	}
}

// FlowProcesses are the processes at the two ends of a flow. They are known and
// empty for an end that is not a socket of this host, and unknown where a process
// or a socket was not seen that may be it.
type FlowProcesses struct {
	Source      Optional[[]Process] // of who sent the first packet
	Destination Optional[[]Process] // of who received it, after address translation
}

// Of returns the processes at the ends of a flow. An end of TCP is a connection's
// socket; one of another protocol may be an unconnected socket, of which all that
// have its address count.
func (o *FlowOwners) Of(f *Flow) FlowProcesses {
	// Whoever began knows both ends as of the original direction, and whoever
	// answers as of the reply.
	return FlowProcesses{Source: o.at(&f.Original), Destination: o.at(&f.Reply)}
}

// at returns the processes whose packets have a tuple.
func (o *FlowOwners) at(t *FlowTuple) Optional[[]Process] {
	port, remotePort := t.SourcePort, t.DestinationPort
	if t.Protocol.IsICMP() {
		port, remotePort = t.ICMPID, 0 // a ping socket's port is the identifier
	}
	local := netip.AddrPortFrom(t.Source.Unmap(), port)
	anywhere := netip.AddrPortFrom(netip.IPv4Unspecified(), port)
	if local.Addr().Is6() {
		anywhere = netip.AddrPortFrom(netip.IPv6Unspecified(), port)
	}
	remote := netip.AddrPortFrom(t.Destination.Unmap(), remotePort)
	keys := []socketEnds{{t.Protocol, local, remote}}
	if t.Protocol != IPProtocolTCP {
		keys = append(keys, socketEnds{t.Protocol, local, netip.AddrPort{}}, socketEnds{t.Protocol, anywhere, netip.AddrPort{}})
	}
	for _, key := range keys {
		if processes, found := o.sockets[key]; found {
			return Known(processes)
		}
	}
	if !o.complete {
		return Optional[[]Process]{}
	}
	return Known[[]Process](nil)
}
