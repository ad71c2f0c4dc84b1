package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ netstat.RouteWriter = (*Kernel)(nil)

// From include/uapi/linux/rtnetlink.h.
const (
	rtaExpires = 23 // RTA_EXPIRES, in seconds

	// chosenFlags are the flags of a next hop that are chosen, and not what became of it.
	chosenFlags = netstat.NextHopOnLink | netstat.NextHopPervasive
)

// PrepareRoute prepares RTM_NEWROUTE or RTM_DELROUTE (rtnetlink(7)), which need CAP_NET_ADMIN in the
// namespace. IPv4 has several routes with one key at times (`ip route append`): the
// first of them is changed, or what is removed is the one with these next hops.
func (k *Kernel) PrepareRoute(ctx context.Context, was, to []netstat.Route) (netstat.Write, error) {
	op := routeOp(was, to)
	w, err := k.prepareRoute(ctx, op, was, to)
	return w, k.readError(op, err)
}

func routeOp(was, to []netstat.Route) string {
	switch {
	case len(was) == 0 && len(to) == 0:
		return "change no route"
	case len(was) == 0:
		return fmt.Sprintf("make the route to %v", to[0].Destination)
	case len(to) == 0:
		return fmt.Sprintf("remove the route to %v", was[0].Destination)
	}
	return fmt.Sprintf("change the route to %v", to[0].Destination)
}

func (k *Kernel) prepareRoute(ctx context.Context, op string, was, to []netstat.Route) (netstat.Write, error) {
	if err := k.maySet(ctx, loopback); err != nil {
		return netstat.Write{}, err
	}
	for i := range to {
		if device := to[i].Interface; device != 0 {
			if err := k.maySet(ctx, device); err != nil {
				return netstat.Write{}, err
			}
		}
	}
	switch {
	case len(to) == 0 && len(was) == 0:
		return netstat.Write{}, nil
	case len(to) == 0:
		var removed []byte
		return k.once(op, func(ctx context.Context) (err error) {
			removed, err = k.removeRoute(ctx, was)
			return err
		}, func(ctx context.Context) error {
			_, err := k.change(ctx, unix.RTM_NEWROUTE, unix.NLM_F_CREATE, removed)
			return err
		}), nil
	}
	next, err := encodeRoute(to)
	if err != nil {
		return netstat.Write{}, err
	}
	if len(was) == 0 {
		return k.once(op, func(ctx context.Context) error {
			_, err := k.change(ctx, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, next)
			return err
		}, func(ctx context.Context) error {
			_, err := k.removeRoute(ctx, to)
			return err
		}), nil
	}
	before, err := encodeRoute(was)
	if err != nil {
		return netstat.Write{}, err
	}
	restore := func(ctx context.Context) error {
		_, err := k.change(ctx, unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, before)
		return err
	}
	return k.once(op, func(ctx context.Context) error {
		_, err := k.change(ctx, unix.RTM_NEWROUTE, unix.NLM_F_REPLACE, next)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && to[0].Family() == netstat.IPv6 {
			err = errors.Join(err, restore(ctx)) // the kernel takes one next hop after the other
		}
		return err
	}, restore), nil
}

// removeRoute removes a route, and returns the message that makes it again.
func (k *Kernel) removeRoute(ctx context.Context, hops []netstat.Route) (again []byte, err error) {
	body := appendRouteKey(nil, hops)
	if len(hops) > 1 && hops[0].Family() == netstat.IPv6 {
		// By its next hops it would be removed one after the other.
		body = appendRouteKey(nil, []netstat.Route{withoutHop(hops[0])})
	}
	told, err := k.change(ctx, unix.RTM_DELROUTE, unix.NLM_F_ECHO, body)
	if err != nil {
		return nil, err
	}
	if len(told) < sizeofRtmsg { // a kernel that does not tell
		return encodeRoute(hops)
	}
	again = madeAgain(told)
	if o := hops[0].Options; o != nil {
		again = appendExpires(again, o) // the kernel has forgotten that before it tells
	}
	// Not all of what is asked for counts: of IPv4 a metric of 0 stands for any.
	if is, err := tells(told, hops); err != nil || !is {
		if _, lost := k.change(ctx, unix.RTM_NEWROUTE, unix.NLM_F_CREATE, again); lost != nil {
			return nil, fmt.Errorf("there is no such route, and another one is lost: %w", lost)
		}
		return nil, errors.Join(fmt.Errorf("there is no such route: %w", fs.ErrNotExist), err)
	}
	return again, nil
}

// withoutHop returns what the next hops of a route have in common.
func withoutHop(r netstat.Route) netstat.Route {
	r.Gateway, r.Interface, r.Flags = netip.Addr{}, 0, 0
	return r
}

// tells reports whether a message is about the route with these next hops.
func tells(message []byte, hops []netstat.Route) (bool, error) {
	var m routeMessage
	if err := m.parse(message); err != nil {
		return false, err
	}
	got, want := m.routes(nil), &hops[0]
	if got[0].Metric.Or(0) != want.Metric.Or(0) || got[0].Table != want.Table || got[0].Type != want.Type || got[0].NextHopID != want.NextHopID {
		return false, nil
	}
	if want.NextHopID != 0 {
		return true, nil
	}
	for _, r := range hops {
		if !slices.ContainsFunc(got, func(g netstat.Route) bool {
			return g.Gateway == r.Gateway && (g.Interface == r.Interface || r.Interface == 0)
		}) {
			return false, nil
		}
	}
	return len(got) == len(hops), nil
}

// encodeRoute makes the message that makes a route with all that it has.
func encodeRoute(hops []netstat.Route) ([]byte, error) {
	for i := range hops {
		h := &hops[i]
		switch {
		case h.NextHopID != 0:
			return nil, fmt.Errorf("the route is by nexthop object %d: %w", h.NextHopID, netstat.ErrNotSupported)
		case h.Options != nil && h.Options.EncapType != netstat.EncapNone:
			return nil, fmt.Errorf("the route leads into a tunnel (%v): %w", h.Options.EncapType, netstat.ErrNotSupported)
		}
	}
	r := &hops[0]
	b := appendRouteKey(nil, hops)
	if r.PreferredSource.IsValid() {
		b = appendAttribute(b, unix.RTA_PREFSRC, r.PreferredSource.AsSlice())
	}
	o := r.Options
	if o == nil {
		return b, nil
	}
	if o.Realm != 0 && len(hops) == 1 {
		b = appendUint32Attribute(b, unix.RTA_FLOW, o.Realm)
	}
	if o.Preference != netstat.PreferenceMedium {
		b = appendAttribute(b, rtaPreference, []byte{byte(o.Preference) & 3})
	}
	b = appendExpires(b, o)
	if metrics := appendMetrics(nil, o); len(metrics) > 0 {
		b = appendAttribute(b, unix.RTA_METRICS, metrics)
	}
	return b, nil
}

func appendExpires(b []byte, o *netstat.RouteOptions) []byte {
	if left, known := o.Expires.Get(); known {
		b = appendUint32Attribute(b, rtaExpires, uint32(max(left/time.Second, 1)))
	}
	return b
}

// appendMetrics appends the RTAX_* of a route.
func appendMetrics(b []byte, o *netstat.RouteOptions) []byte {
	flag := func(on bool) uint32 {
		if on {
			return 1
		}
		return 0
	}
	for _, m := range [...]struct {
		kind  uint16
		value uint32
	}{
		{rtaxLock, uint32(o.Locked)}, {rtaxMTU, o.MTU}, {rtaxWindow, o.Window},
		{rtaxRTT, uint32(o.RTT * 8 / time.Millisecond)}, {rtaxRTTVar, uint32(o.RTTVariation * 4 / time.Millisecond)},
		{rtaxSSThresh, o.SlowStartThreshold}, {rtaxCwnd, o.CongestionWindow}, {rtaxAdvMSS, o.AdvertisedMSS},
		{rtaxReordering, o.Reordering}, {rtaxHopLimit, o.HopLimit}, {rtaxInitCwnd, o.InitialCongestionWindow},
		{rtaxFeatures, uint32(o.Features)}, {rtaxRTOMin, uint32(o.MinRTO / time.Millisecond)}, {rtaxInitRwnd, o.InitialReceiveWindow},
		{rtaxQuickAck, flag(o.QuickAck)}, {rtaxFastOpenNoCookie, flag(o.FastOpenNoCookie)},
	} {
		if m.value != 0 {
			b = appendUint32Attribute(b, m.kind, m.value)
		}
	}
	if o.Congestion != "" {
		b = appendAttribute(b, rtaxCCAlgo, append([]byte(o.Congestion), 0))
	}
	return b
}

// appendRouteKey appends the struct rtmsg of a route and the attributes that tell it from any other.
func appendRouteKey(b []byte, hops []netstat.Route) []byte {
	r := &hops[0]
	header := len(b)
	b = append(b, make([]byte, sizeofRtmsg)...)
	h := b[header:]
	h[0], h[1], h[3] = byte(r.Family()), byte(r.Destination.Bits()), r.TOS.Or(0)
	if r.Table < 256 {
		h[4] = byte(r.Table)
	}
	h[5], h[6], h[7] = byte(r.Protocol), byte(routeScope(hops)), byte(r.Type)
	if len(hops) == 1 {
		binary.NativeEndian.PutUint32(h[8:], uint32(r.Flags&chosenFlags))
	}
	if r.Options != nil && r.Options.Source.IsValid() {
		h[2] = byte(r.Options.Source.Bits())
		b = appendAttribute(b, unix.RTA_SRC, r.Options.Source.Addr().AsSlice())
	}
	if r.Destination.Bits() > 0 {
		b = appendAttribute(b, unix.RTA_DST, r.Destination.Addr().AsSlice())
	}
	b = appendUint32Attribute(b, unix.RTA_TABLE, r.Table)
	if metric := r.Metric.Or(0); metric != 0 {
		b = appendUint32Attribute(b, unix.RTA_PRIORITY, metric)
	}
	switch {
	case r.NextHopID != 0:
		b[header+7] = byte(netstat.RouteUnicast) // which it is, whatever the object does with packets
		return appendUint32Attribute(b, rtaNexthopID, r.NextHopID)
	case len(hops) == 1:
		if r.Interface != 0 {
			b = appendUint32Attribute(b, unix.RTA_OIF, r.Interface)
		}
		return appendGateway(b, r)
	}
	start := len(b)
	b = appendAttribute(b, unix.RTA_MULTIPATH, nil)
	for i := range hops {
		b = appendHop(b, &hops[i])
	}
	return endNested(b, start)
}

// appendHop appends a struct rtnexthop with its attributes.
func appendHop(b []byte, r *netstat.Route) []byte {
	start := len(b)
	b = append(b, 0, 0, byte(r.Flags&chosenFlags), byte(max(r.Weight, 1)-1))
	b = binary.NativeEndian.AppendUint32(b, r.Interface)
	b = appendGateway(b, r)
	if r.Options != nil && r.Options.Realm != 0 {
		b = appendUint32Attribute(b, unix.RTA_FLOW, r.Options.Realm)
	}
	return endNested(b, start)
}

// appendGateway appends the gateway, which may be an IPv6 router of an IPv4 route.
func appendGateway(b []byte, r *netstat.Route) []byte {
	switch {
	case !r.Gateway.IsValid():
		return b
	case r.Gateway.Is4() == r.Destination.Addr().Is4():
		return appendAttribute(b, unix.RTA_GATEWAY, r.Gateway.AsSlice())
	}
	return appendAttribute(b, unix.RTA_VIA, append(binary.NativeEndian.AppendUint16(nil, unix.AF_INET6), r.Gateway.AsSlice()...))
}

// routeScope is the scope of a route; where it is not known that which ip-route(8) gives it.
func routeScope(hops []netstat.Route) netstat.Scope {
	r := &hops[0]
	otherwise := netstat.ScopeUniverse
	if len(hops) == 1 && r.Type == netstat.RouteUnicast && !r.Gateway.IsValid() && r.NextHopID == 0 && r.Family() == netstat.IPv4 {
		otherwise = netstat.ScopeLink
	}
	return r.Scope.Or(otherwise)
}

// madeAgain makes of the message about a route the one that makes it: without what became
// of its next hops, and of two ways to tell of these with one.
func madeAgain(told []byte) []byte {
	b := append([]byte(nil), told[:sizeofRtmsg]...)
	binary.NativeEndian.PutUint32(b[8:], binary.NativeEndian.Uint32(b[8:])&uint32(chosenFlags))
	byObject := false
	eachAttribute(told, sizeofRtmsg, func(a nlAttr) { byObject = byObject || a.kind == rtaNexthopID })
	if byObject {
		b[7] = byte(netstat.RouteUnicast) // which it is, whatever the object does with packets
	}
	eachAttribute(told, sizeofRtmsg, func(a nlAttr) {
		switch a.kind {
		case unix.RTA_CACHEINFO:
			return
		case unix.RTA_OIF, unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_ENCAP, unix.RTA_ENCAP_TYPE:
			if byObject {
				return
			}
		case unix.RTA_MULTIPATH:
			if byObject {
				return
			}
			a.value = append([]byte(nil), a.value...)
			for rest := a.value; len(rest) >= sizeofRtnexthop; {
				rest[2] &= byte(chosenFlags)
				length := int(binary.NativeEndian.Uint16(rest))
				if length < sizeofRtnexthop {
					break
				}
				rest = rest[min(align4(length), len(rest)):]
			}
		}
		b = appendAttribute(b, a.kind, a.value)
	})
	return b
}
