package netstat

import (
	"fmt"
	"net/netip"
	"time"
)

// RouteType is what a route does with a packet (include/uapi/linux/rtnetlink.h,
// RTN_*).
type RouteType uint8

// Route types.
const (
	RouteUnspecified RouteType = iota
	RouteUnicast
	RouteLocal
	RouteBroadcast
	RouteAnycast
	RouteMulticast
	RouteBlackhole
	RouteUnreachable
	RouteProhibit
	RouteThrow
	RouteNAT
)

var routeTypeNames = [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"}

func (t RouteType) String() string {
	if int(t) < len(routeTypeNames) {
		return routeTypeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// RouteProtocol is who installed a route (include/uapi/linux/rtnetlink.h,
// RTPROT_*).
type RouteProtocol uint8

// Route protocols.
const (
	RouteProtocolUnspecified RouteProtocol = 0
	RouteProtocolRedirect    RouteProtocol = 1
	RouteProtocolKernel      RouteProtocol = 2
	RouteProtocolBoot        RouteProtocol = 3
	RouteProtocolStatic      RouteProtocol = 4
	RouteProtocolGated       RouteProtocol = 8
	RouteProtocolRA          RouteProtocol = 9
	RouteProtocolMRT         RouteProtocol = 10
	RouteProtocolZebra       RouteProtocol = 11
	RouteProtocolBird        RouteProtocol = 12
	RouteProtocolDNRouted    RouteProtocol = 13
	RouteProtocolXORP        RouteProtocol = 14
	RouteProtocolNTK         RouteProtocol = 15
	RouteProtocolDHCP        RouteProtocol = 16
	RouteProtocolMRouted     RouteProtocol = 17
	RouteProtocolKeepalived  RouteProtocol = 18
	RouteProtocolBabel       RouteProtocol = 42
	RouteProtocolOpenR       RouteProtocol = 99
	RouteProtocolBGP         RouteProtocol = 186
	RouteProtocolISIS        RouteProtocol = 187
	RouteProtocolOSPF        RouteProtocol = 188
	RouteProtocolRIP         RouteProtocol = 189
	RouteProtocolEIGRP       RouteProtocol = 192
)

// Routing tables that every Linux host has (RT_TABLE_*).
const (
	TableDefault uint32 = 253
	TableMain    uint32 = 254
	TableLocal   uint32 = 255
)

// RouteFlags are the flags of a next hop (include/uapi/linux/rtnetlink.h,
// RTNH_F_*).
type RouteFlags uint32

// Next-hop flags.
const (
	NextHopDead       RouteFlags = 1 << 0
	NextHopPervasive  RouteFlags = 1 << 1
	NextHopOnLink     RouteFlags = 1 << 2
	NextHopOffload    RouteFlags = 1 << 3
	NextHopLinkDown   RouteFlags = 1 << 4
	NextHopUnresolved RouteFlags = 1 << 5
	NextHopTrap       RouteFlags = 1 << 6
)

// Route is one next hop of one route: a multipath route, or one through a
// group of nexthop objects, is as many Routes as it has next hops, equal but
// for Gateway, Interface, Weight and Flags.
type Route struct {
	Destination netip.Prefix // 0.0.0.0/0 or ::/0 for a default route; masked
	// Gateway is the next hop's address, the zero Addr for a destination
	// that is on the link or has no next hop. A link-local gateway has no
	// zone here: Interface is its link.
	Gateway netip.Addr
	// PreferredSource is the address that the host itself sends from, or the
	// zero Addr.
	PreferredSource netip.Addr

	Table     uint32           `json:",omitzero"`
	Interface uint32           `json:"interfaceIndex,omitzero"` // index of the device, or 0 for a route without one
	Metric    Optional[uint32] // the kernel's priority: lower wins
	NextHopID uint32           `json:",omitzero"` // of a nexthop object, or 0
	Weight    uint16           `json:",omitzero"` // of this next hop in a multipath route, from 1; 0 for a route with one next hop
	// Flags are those of the next hop that are set. UnknownFlags are those that
	// the source does not tell of; none of them is among Flags.
	Flags        RouteFlags `json:"nextHopFlags"`
	UnknownFlags RouteFlags `json:"unknownNextHopFlags"`

	TOS      Optional[uint8]
	Type     RouteType
	Protocol RouteProtocol
	Scope    Optional[Scope]

	// Options holds what most routes do not have; nil when none is set.
	Options *RouteOptions `json:",inline"`
}

// Flag returns whether a flag of the next hop is set.
func (r *Route) Flag(f RouteFlags) Optional[bool] { return flag(r.Flags, r.UnknownFlags, f) }

// RouteOptions are the attributes that few routes have.
type RouteOptions struct {
	Source netip.Prefix // IPv6 source-specific routes; the zero Prefix otherwise
	// Metrics of the path; 0 means not set (RTAX_*).
	MTU, Window, AdvertisedMSS, HopLimit, InitialCongestionWindow uint32 `json:",omitzero"`
	// InitialReceiveWindow is in segments of AdvertisedMSS, CongestionWindow and
	// SlowStartThreshold, the most that either may become, and Reordering in
	// segments.
	InitialReceiveWindow, CongestionWindow, SlowStartThreshold, Reordering uint32 `json:",omitzero"`
	// RTT is the round-trip time that connections begin with, and RTTVariation its
	// variation (RTAX_RTT, RTAX_RTTVAR). MinRTO is the least retransmission timeout.
	RTT, RTTVariation, MinRTO time.Duration `json:",omitzero"`
	Features                  RouteFeatures
	// Congestion is the name of the congestion control, empty for the default.
	Congestion                 string `json:"congestionControl"`
	QuickAck, FastOpenNoCookie bool   `json:",omitzero"`
	// Locked are the metrics that the kernel does not change by what it learns of
	// the path (RTAX_LOCK).
	Locked RouteMetrics
	// Expires is the remaining lifetime.
	Expires Optional[time.Duration]
	// Age is the time since the route was last updated.
	Age   Optional[time.Duration]
	Realm uint32 `json:"realms,omitzero" form:"realms"` // the source's in the upper 16 bits, IPv4
	// References and Uses are how often an IPv6 route is referred to, and was used
	// (/proc/net/ipv6_route); with RouteQuery.Uses only, and of the first 4,096 routes.
	References, Uses Optional[uint32]
	// Preference is that of a default router, or of a route that a router
	// advertised (RTA_PREF).
	Preference RouterPreference `json:",omitzero"`
	// EncapType is the kind of the lightweight tunnel, and Encap what it does with
	// packets in the words of ip-route(8), devices by their index, and what these
	// lack in hexadecimal.
	EncapType EncapKind `json:"encapsulation,omitzero"`
	Encap     string    `json:"encapsulationOptions"`
}

// RouterPreference is what a router advertisement says of the router that sent it,
// compared with others (RFC 4191, section 2.1).
type RouterPreference int8

// Router preferences. The reserved value is never taken from an advertisement.
const (
	PreferenceReserved RouterPreference = -2
	PreferenceLow      RouterPreference = -1
	PreferenceMedium   RouterPreference = 0
	PreferenceHigh     RouterPreference = 1
)

// Family returns the family of the destination.
func (r *Route) Family() Family {
	if r.Destination.Addr().Is4() {
		return IPv4
	}
	return IPv6
}

// IsForwarding reports whether the route takes part in forwarding: it says
// where a packet for another host goes, or that it goes nowhere. Local,
// broadcast, anycast and multicast entries are not.
func (r *Route) IsForwarding() bool {
	switch r.Type {
	case RouteUnicast, RouteBlackhole, RouteUnreachable, RouteProhibit, RouteThrow, RouteNAT:
		return true
	}
	return false
}

// RouteQuery selects routes. Its zero value selects every route of every
// table, IPv4 and IPv6.
type RouteQuery struct {
	Families []Family // none means both
	Table    uint32   // 0 means every table
	// ForwardingOnly leaves out what Route.IsForwarding is false for.
	ForwardingOnly bool
	// Uses asks how often routes of IPv6 are referred to and used (RouteOptions.References), for
	// which a kernel is read in another place as well.
	Uses bool
}
