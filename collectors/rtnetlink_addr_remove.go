package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// maxDependents is of how many routes is remembered that they may go with an address.
const maxDependents = 1 << 18

// addressRemoval removes one address, and nothing else: with the first address of an IPv4 prefix the
// kernel removes the others, its secondaries, unless promote_secondaries is set (net/ipv4/devinet.c,
// __inet_del_ifa). With an address go the routes that prefer it as their source, and with the last one
// of an interface all IPv4 routes by it (net/ipv4/fib_frontend.c, fib_inetaddr_event).
type addressRemoval struct {
	kernel *Kernel
	of     netstat.Address

	// What was there before it was removed.
	addresses []toldAddress // of its interface and family, in the kernel's order
	routes    []toldRoute   // which may go with it
	more      bool          // there were more routes than are remembered
}

// toldAddress is an address with the message that makes it again.
type toldAddress struct {
	netstat.Address
	again []byte
}

// toldRoute is a route with the message that makes it again.
type toldRoute struct {
	source netip.Addr // that it prefers
	is     string     // the message but for the time that is left, to compare
	again  []byte
}

func (r *addressRemoval) commit(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.more && len(r.others()) > 0 {
		return fmt.Errorf("more than %d routes may go with it and the secondaries that it has", maxDependents)
	}
	if _, err := r.kernel.change(ctx, unix.RTM_DELADDR, 0, addressMessage(&r.of)); err != nil {
		return err
	}
	if err := r.keepOthers(ctx); err != nil {
		return errors.Join(err, r.undo(ctx))
	}
	return nil
}

// look remembers what may go with the address.
func (r *addressRemoval) look(ctx context.Context) (err error) {
	if r.addresses, err = r.kernel.addressesOf(ctx, &r.of); err != nil {
		return err
	}
	r.routes, r.more, err = r.dependents(ctx, nil)
	return err
}

// isSelf reports whether an address is the one that is removed.
func (r *addressRemoval) isSelf(a *netstat.Address) bool { return sameAddress(a, &r.of) }

func sameAddress(a, b *netstat.Address) bool {
	return a.Interface == b.Interface && a.Prefix == b.Prefix && a.Peer == b.Peer
}

// others are the addresses that share an IPv4 prefix with the one that is removed and stood behind it.
func (r *addressRemoval) others() []toldAddress {
	return slices.DeleteFunc(r.behind(), func(a toldAddress) bool { return networkOf(&a.Address) != networkOf(&r.of) })
}

// behind are the addresses of IPv4 whose place has to do with the one that is removed: behind the
// first address of a prefix all, since a source is chosen by their order, and behind a secondary those
// of its prefix.
func (r *addressRemoval) behind() (behind []toldAddress) {
	if addressFamily(&r.of) != netstat.IPv4 {
		return nil
	}
	self := slices.IndexFunc(r.addresses, func(a toldAddress) bool { return r.isSelf(&a.Address) })
	for _, a := range r.addresses[self+1:] {
		first := self >= 0 && r.addresses[self].Flags&netstat.AddressSecondary == 0
		if first || networkOf(&a.Address) == networkOf(&r.of) {
			behind = append(behind, a)
		}
	}
	return behind
}

// networkOf is what addresses share of which one is the first: of one that has a peer it is the peer's
// (inet_ifa_match).
func networkOf(a *netstat.Address) netip.Prefix {
	if a.Peer.IsValid() {
		return netip.PrefixFrom(a.Peer, a.Prefix.Bits()).Masked()
	}
	return a.Prefix.Masked()
}

// keepOthers puts back the secondaries that went with the address, the first of which takes its place,
// and their routes.
func (r *addressRemoval) keepOthers(ctx context.Context) error {
	others := r.others()
	if len(others) == 0 {
		return nil
	}
	now, err := r.kernel.addressesOf(ctx, &r.of)
	if err != nil {
		return err
	}
	var back []toldAddress
	for _, a := range others {
		if a.Flags&netstat.AddressSecondary != 0 && !has(now, &a.Address) {
			back = append(back, a)
		}
	}
	if len(back) == 0 {
		return nil
	}
	if err := r.make(ctx, back...); err != nil {
		return err
	}
	return r.putBackRoutes(ctx, func(route *toldRoute) bool { return route.source == r.of.Prefix.Addr() })
}

// undo puts back the address, and all that went with it or after it. The others come behind it, as they did.
func (r *addressRemoval) undo(ctx context.Context) error {
	now, err := r.kernel.addressesOf(ctx, &r.of)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(r.behind(), func(a toldAddress) bool { return !has(now, &a.Address) })
	for _, a := range slices.Backward(others) {
		if _, err := r.kernel.change(ctx, unix.RTM_DELADDR, 0, addressMessage(&a.Address)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, a := range r.addresses {
		if r.isSelf(&a.Address) {
			others = slices.Insert(others, 0, a)
		}
	}
	if err := r.make(ctx, others...); err != nil {
		return err
	}
	if err := r.putBackRoutes(ctx, func(*toldRoute) bool { return false }); err != nil {
		return err
	}
	if r.more {
		return fmt.Errorf("more than %d routes may have gone with it", maxDependents)
	}
	return nil
}

func has(addresses []toldAddress, a *netstat.Address) bool {
	return slices.ContainsFunc(addresses, func(other toldAddress) bool { return sameAddress(&other.Address, a) })
}

// make makes addresses again, one after the other. One that is there by now is left as it is.
func (r *addressRemoval) make(ctx context.Context, addresses ...toldAddress) error {
	var failed []error
	for _, a := range addresses {
		if _, err := r.kernel.change(ctx, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, a.again); err != nil && !errors.Is(err, fs.ErrExist) {
			failed = append(failed, fmt.Errorf("put back %v: %w", a.Prefix, err))
		}
	}
	return errors.Join(failed...)
}

// putBackRoutes makes again the routes that are gone, but for some.
func (r *addressRemoval) putBackRoutes(ctx context.Context, but func(*toldRoute) bool) error {
	if len(r.routes) == 0 {
		return nil
	}
	// A route of IPv6 stays, and prefers no source any more (net/ipv6/route.c, rt6_remove_prefsrc).
	bare := make(map[string]bool)
	for i := range r.routes {
		if route := &r.routes[i]; addressFamily(&r.of) == netstat.IPv6 && route.source.IsValid() {
			bare[string(withoutSource([]byte(route.is)))] = true
		}
	}
	left, _, err := r.dependents(ctx, bare)
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(left))
	for i := range left {
		there[left[i].is] = true
	}
	var failed []error
	for i := range r.routes {
		route := &r.routes[i]
		if there[route.is] || but(route) {
			continue
		}
		flags := uint16(unix.NLM_F_CREATE | unix.NLM_F_APPEND)
		if addressFamily(&r.of) == netstat.IPv6 {
			flags = unix.NLM_F_CREATE // a route is appended as a next hop there
			if bare := withoutSource([]byte(route.is)); route.source.IsValid() && there[string(bare)] {
				if _, err := r.kernel.change(ctx, unix.RTM_DELROUTE, 0, bare); err != nil && !errors.Is(err, fs.ErrNotExist) {
					failed = append(failed, err)
					continue
				}
			}
		}
		if _, err := r.kernel.change(ctx, unix.RTM_NEWROUTE, flags, route.again); err != nil && !errors.Is(err, fs.ErrExist) {
			failed = append(failed, fmt.Errorf("put back a route: %w", err))
		}
	}
	return errors.Join(failed...)
}

// withoutSource is the message about a route without the source that it prefers.
func withoutSource(message []byte) []byte {
	b := append([]byte(nil), message[:sizeofRtmsg]...)
	eachAttribute(message, sizeofRtmsg, func(a nlAttr) {
		if a.kind != unix.RTA_PREFSRC {
			b = appendAttribute(b, a.kind, a.value)
		}
	})
	return b
}

// dependents are the routes by the interface, and those that prefer one of its addresses, but for those that the
// kernel makes of addresses; and of others those whose messages are given. They are in the kernel's order.
func (r *addressRemoval) dependents(ctx context.Context, also map[string]bool) (routes []toldRoute, more bool, err error) {
	family := addressFamily(&r.of)
	sources := make(map[netip.Addr]bool)
	for i := range r.addresses {
		sources[r.addresses[i].Prefix.Addr()] = true
	}
	header := make([]byte, sizeofRtmsg)
	header[0] = byte(family)
	var m routeMessage
	err = consistently(ctx, func() (bool, error) {
		routes, more = nil, false
		return r.kernel.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETROUTE, body: header}, func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWROUTE || len(body) > 0 && body[0] != byte(family) {
				return true, nil
			}
			if err := m.parse(body); err != nil {
				return false, err
			}
			if m.cloned || m.route.Protocol == netstat.RouteProtocolKernel {
				return true, nil
			}
			depends := m.route.Interface == r.of.Interface || sources[m.route.PreferredSource] ||
				slices.ContainsFunc(m.hops, func(h hop) bool { return h.device == r.of.Interface })
			if !depends && len(also) == 0 {
				return true, nil
			}
			is := madeAgain(body)
			if !depends && !also[string(is)] {
				return true, nil
			}
			if more = len(routes) == maxDependents; more {
				return false, nil
			}
			again := is
			if o := m.route.Options; o != nil {
				again = appendExpires(slices.Clip(is), o)
			}
			routes = append(routes, toldRoute{m.route.PreferredSource, string(is), again})
			return true, nil
		})
	})
	return routes, more, err
}

// addressesOf are the addresses that share interface and family with one, in the kernel's order.
func (k *Kernel) addressesOf(ctx context.Context, of *netstat.Address) (all []toldAddress, err error) {
	header := make([]byte, sizeofIfAddrmsg)
	header[0] = byte(addressFamily(of))
	var z zones
	err = consistently(ctx, func() (bool, error) {
		all = all[:0]
		return k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETADDR, body: header}, func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWADDR || len(body) > 0 && body[0] != header[0] {
				return true, nil
			}
			a, err := parseAddress(body, &z)
			if err == nil && a.Interface == of.Interface {
				all = append(all, toldAddress{a, withLifetimes(body, &a)})
			}
			return true, err
		})
	})
	return all, err
}
