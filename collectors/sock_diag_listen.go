package collectors

import (
	"context"
	"errors"
	"iter"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ListenQueues yields the queues of listeners. Connection requests are counted
// by two dumps before, of TCP's listeners and of the requests: of a listener
// that is opened meanwhile they are unknown.
func (k *Kernel) ListenQueues(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.ListenQueue, error] {
	return func(yield func(netstat.ListenQueue, error) bool) {
		counts, err := k.countRequests(ctx)
		if err != nil {
			yield(netstat.ListenQueue{}, err)
			return
		}
		q.States = netstat.States(netstat.Listen)
		for s, err := range k.listeners(ctx, q) {
			if err != nil {
				yield(netstat.ListenQueue{}, err)
				return
			}
			l := netstat.ListenQueue{Socket: s, Unaccepted: s.ReceiveQueue, Maximum: s.SendQueue, Sharing: 1}
			// A Multipath TCP listener has one of TCP at the same address.
			if s.Protocol == netstat.TCP || s.Protocol == netstat.MPTCP {
				if group, ok := counts[listenerAddress(&s)]; ok {
					l.Sharing = group.listeners
					l.Incomplete.Set(group.requests)
				}
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// listeners yields those that a query selects. Where that names no protocol, TCP is one that every kernel
// has.
func (k *Kernel) listeners(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	if len(q.Protocols) > 0 {
		return k.Sockets(ctx, q)
	}
	return func(yield func(netstat.Socket, error) bool) {
		var behind error
		for _, protocols := range [][]netstat.Protocol{{netstat.TCP}, {netstat.MPTCP, netstat.SCTP}} {
			q.Protocols = protocols
			for s, err := range k.Sockets(ctx, q) {
				if err != nil {
					if protocols[0] != netstat.TCP && errors.Is(err, netstat.ErrNotSupported) {
						break
					}
					if behind = err; !netstat.IsComplete(err) {
						yield(s, err)
						return
					}
					break
				}
				if !yield(s, nil) {
					return
				}
			}
		}
		if behind != nil {
			yield(netstat.Socket{}, behind)
		}
	}
}

// listenAddress is what listeners that share connections by SO_REUSEPORT have in
// common.
type listenAddress struct {
	local  netip.AddrPort // without zone
	device uint32
}

func listenerAddress(s *netstat.Socket) listenAddress {
	return listenAddress{netip.AddrPortFrom(s.Local.Addr().WithZone(""), s.Local.Port()), s.Interface.Or(0)}
}

// listenGroup is the listeners at one address.
type listenGroup struct {
	listeners int
	requests  uint32
	v6only    bool
}

// countRequests counts TCP's connection requests for each listener, of none where listeners
// cannot be told apart.
func (k *Kernel) countRequests(ctx context.Context) (map[listenAddress]*listenGroup, error) {
	groups := make(map[listenAddress]*listenGroup)
	// Requests over IPv4 may be for listeners of IPv6.
	q := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, States: netstat.States(netstat.Listen)}
	for s, err := range k.Sockets(ctx, q) {
		if netstat.IsComplete(err) && err != nil {
			return nil, nil // without their devices and IPV6_V6ONLY listeners are not told apart
		}
		if err != nil {
			return nil, err
		}
		a := listenerAddress(&s)
		if groups[a] == nil {
			groups[a] = &listenGroup{v6only: s.V6Only.Or(false)}
		}
		groups[a].listeners++
	}
	q.States = netstat.States(netstat.NewSynReceived)
	for s, err := range k.Sockets(ctx, q) {
		if err != nil {
			return nil, err
		}
		if group := listenerOf(groups, &s); group != nil {
			group.requests++
		}
	}
	return groups, nil
}

// listenerOf returns the listeners that a connection request is for, as
// inet_lookup_listener (net/ipv4/inet_hashtables.c) finds them: those bound to
// its address before those bound to any, those bound to its device before those
// bound to none, IPv4 before IPv6.
func listenerOf(groups map[listenAddress]*listenGroup, request *netstat.Socket) *listenGroup {
	local := request.Local.Addr().WithZone("").Unmap()
	var at []netip.Addr
	if local.Is4() {
		at = []netip.Addr{local, netip.AddrFrom16(local.As16()), netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	} else {
		at = []netip.Addr{local, netip.IPv6Unspecified()}
	}
	devices := []uint32{request.Interface.Or(0), 0}
	for i := 0; i < len(at); i += len(at) / 2 {
		for _, device := range devices {
			for _, addr := range at[i : i+len(at)/2] {
				group := groups[listenAddress{netip.AddrPortFrom(addr, request.Local.Port()), device}]
				if group != nil && (local.Is6() || addr.Is4() || !group.v6only) {
					return group
				}
			}
		}
	}
	return nil
}
