package ipmib

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

type route = netstat.Route

// Unlimited is the ipDefaultRouterLifetime of a router that does not cease to be
// one by itself.
const Unlimited = 65535

// IsDefaultRouter reports whether a route leads to a default router: one of the main
// table, to everywhere, through a gateway.
func IsDefaultRouter(r *netstat.Route) bool {
	return r.Table == netstat.TableMain && r.Type == netstat.RouteUnicast && r.Destination.IsValid() && r.Destination.Bits() == 0 &&
		r.Gateway.IsValid() && r.Interface != 0
}

var routerAddress = mib.Through(
	func(r *route) (netip.Addr, bool) { return r.Gateway, true },
	func(r *route, a netip.Addr) {
		r.Gateway = a
		r.Destination = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		if a.Is4() {
			r.Destination = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
	},
)

var (
	routerZone = mib.Through(
		func(r *route) (uint32, bool) { return r.Interface, isLinkLocal(r.Gateway) },
		func(r *route, zone uint32) { r.Interface = zone },
	)
	routerInterface = mib.At(func(r *route) *uint32 { return &r.Interface })
)

// routerLifetime is in seconds that have begun, since a router with less than one
// left is still in use, and 0 of one that cannot be reached.
var routerLifetime = mib.Through(
	func(r *route) (uint32, bool) {
		switch {
		case r.Flags&netstat.NextHopDead != 0:
			return 0, true
		case r.Options == nil:
			return Unlimited, true
		}
		left, limited := r.Options.Expires.Get()
		if !limited {
			return Unlimited, true
		}
		left = min(max(left, 0), Unlimited*time.Second)
		return uint32((left + time.Second - 1) / time.Second), true
	},
	func(r *route, seconds uint32) {
		if seconds < Unlimited {
			routeOptions(r).Expires.Set(time.Duration(seconds) * time.Second)
		}
	},
)

var routerPreference = mib.Through(
	func(r *route) (netstat.RouterPreference, bool) {
		if r.Options == nil {
			return netstat.PreferenceMedium, true
		}
		return r.Options.Preference, true
	},
	func(r *route, p netstat.RouterPreference) {
		if p != netstat.PreferenceMedium {
			routeOptions(r).Preference = p
		}
	},
)

func routeOptions(r *route) *netstat.RouteOptions {
	if r.Options == nil {
		r.Options = new(netstat.RouteOptions)
	}
	return r.Options
}

// DefaultRouters is ipDefaultRouterTable (RFC 4293, section 5). Of several routes
// through one router the one that is used stands: that of the lowest metric.
func DefaultRouters() *mib.Table[route] {
	return &mib.Table[route]{
		Name:  "ipDefaultRouterTable",
		Entry: ip.Sub(37, 1),
		Index: mib.Index(mib.InetAddressIndex(routerAddress, &routerZone), mib.IntegerIndex(routerInterface)),
		Columns: mib.Columns(
			mib.Column(4, "ipDefaultRouterLifetime", mib.AsGauge(routerLifetime)),
			mib.Column(5, "ipDefaultRouterPreference", mib.AsEnum(routerPreference, mib.Enum[netstat.RouterPreference]{
				{Value: netstat.PreferenceReserved, Number: -2}, {Value: netstat.PreferenceLow, Number: -1},
				{Value: netstat.PreferenceMedium, Number: 0}, {Value: netstat.PreferenceHigh, Number: 1},
			})),
		),
		Where:   IsDefaultRouter,
		Implies: func(r *route) { r.Table, r.Type = netstat.TableMain, netstat.RouteUnicast },
		Prefer: func(a, b *route) int {
			return cmp.Or(cmp.Compare(a.Flags&netstat.NextHopDead, b.Flags&netstat.NextHopDead), cmp.Compare(a.Metric.Or(0), b.Metric.Or(0)))
		},
	}
}
