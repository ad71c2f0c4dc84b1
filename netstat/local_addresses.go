package netstat

import (
	"context"
	"errors"
	"net/netip"
	"slices"
)

// LocalAddresses are the addresses that a host receives packets for. A nil one is not known,
// and contains every address. It is immutable.
type LocalAddresses struct {
	prefixes map[netip.Prefix]struct{}
	lengths  []int // that they have
}

// ReadLocalAddresses reads the addresses of the interfaces of a stack, and what its table
// "local" has besides: 127.0.0.0/8, broadcast addresses, and prefixes that somebody has routed to the
// host. It returns nil for a stack that tells neither. The error is the first of the stack that is
// another than ErrNotSupported.
func ReadLocalAddresses(ctx context.Context, from Stack) (*LocalAddresses, error) {
	l := &LocalAddresses{prefixes: make(map[netip.Prefix]struct{})}
	for a, err := range from.Addresses(ctx) {
		switch {
		case err != nil && (IsComplete(err) || errors.Is(err, ErrNotSupported)):
		case err != nil:
			return nil, err
		default:
			l.add(a.Prefix.Addr(), a.Prefix.Addr().BitLen())
		}
	}
	for r, err := range from.Routes(ctx, RouteQuery{Table: TableLocal}) {
		switch {
		case err != nil && (IsComplete(err) || errors.Is(err, ErrNotSupported)):
		case err != nil:
			return nil, err
		case r.Type == RouteLocal, r.Type == RouteBroadcast, r.Type == RouteAnycast:
			l.add(r.Destination.Addr(), r.Destination.Bits())
		}
	}
	if len(l.prefixes) == 0 {
		return nil, nil
	}
	return l, nil
}

func (l *LocalAddresses) add(a netip.Addr, length int) {
	p, err := a.WithZone("").Prefix(length)
	if err != nil {
		return
	}
	l.prefixes[p] = struct{}{}
	if !slices.Contains(l.lengths, length) {
		l.lengths = append(l.lengths, length)
	}
}

// Contains reports whether the host receives packets for an address. It does for those of
// groups.
func (l *LocalAddresses) Contains(a netip.Addr) bool {
	if l == nil {
		return true
	}
	a = a.Unmap().WithZone("")
	if a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, length := range l.lengths {
		if p, err := a.Prefix(length); err == nil {
			if _, found := l.prefixes[p]; found {
				return true
			}
		}
	}
	return false
}
