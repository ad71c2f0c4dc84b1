// Package ipforwardmib declares the IP-FORWARD-MIB (RFC 4292), with the tables
// of RFC 2096 and RFC 1354 that it deprecates, over netstat's routes.
//
// # inetCidrRoutePolicy
//
// Linux tells routes to one destination apart by more than the MIB's index holds. A
// plain route has the policy that the MIB has for it,
//
//	0.0
//
// which is one of the main table, for any TOS, with the metric that a route has when
// none is given: 0 for IPv4, 1024 for IPv6 (include/net/ip6_route.h,
// IP6_RT_PRIO_USER). Any other has what it needs, in one of the forms
//
//	0.0.TABLE.TOS.METRIC
//	0.0.TABLE.TOS.METRIC.IFINDEX
//	0.0.TABLE.TOS.METRIC.IFINDEX.LENGTH.(16 octets)
//
// the second where a next hop without an address leads to a device, and the third for
// IPv6 routes with a source prefix, where IFINDEX may be 0. It follows from the route
// alone: no other's coming or going changes it. Only of next hops with one address
// that are reached by several devices, which would be one row, all have the IFINDEX.
package ipforwardmib

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	mathbits "math/bits"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity is the MODULE-IDENTITY ipForward.
var Identity = mib.MustParseOID("1.3.6.1.2.1.4.24")

type route = netstat.Route

var (
	// RouteNumber is inetCidrRouteNumber: the rows of Routes.
	RouteNumber = Identity.Sub(6)
	// CIDRRouteNumber is ipCidrRouteNumber: the rows of IPv4Routes.
	CIDRRouteNumber = Identity.Sub(3)
	// ForwardNumber is ipForwardNumber: the rows of ForwardRoutes.
	ForwardNumber = Identity.Sub(1)
)

// Discards is inetCidrRouteDiscards: valid routes that were discarded. Linux
// refuses a route that it has no memory for and never discards one that it
// took: its value is how many it did discard, 0.
func Discards() *mib.Group[struct{}] {
	return &mib.Group[struct{}]{
		Name: "inetCidrRouteDiscards",
		OID:  Identity,
		Objects: mib.Columns(
			mib.Column(8, "inetCidrRouteDiscards", mib.AsConstant[struct{}](mib.Count32(0))),
		),
	}
}

var destination = mib.Through(
	func(r *route) (netip.Addr, bool) { return r.Destination.Addr(), true },
	func(r *route, a netip.Addr) { r.Destination = netip.PrefixFrom(a, 0) },
)

// destinationZone tells link-local destinations of different links apart.
var destinationZone = mib.Through(
	func(r *route) (uint32, bool) {
		return r.Interface, isLinkLocal(r.Destination.Addr()) && r.Interface != 0
	},
	func(r *route, zone uint32) { r.Interface = zone },
)

var prefixLength = mib.Through(
	func(r *route) (int, bool) { return r.Destination.Bits(), true },
	func(r *route, bits int) { r.Destination = netip.PrefixFrom(r.Destination.Addr(), bits) },
).Checked(func(r *route, bits int) error {
	if most := r.Destination.Addr().BitLen(); bits > most {
		return fmt.Errorf("a prefix of %d bits, of %d", bits, most)
	}
	return nil
})

var (
	nextHop     = mib.At(func(r *route) *netip.Addr { return &r.Gateway })
	nextHopZone = mib.Through(
		func(r *route) (uint32, bool) { return r.Interface, isLinkLocal(r.Gateway) && r.Interface != 0 },
		func(r *route, zone uint32) { r.Interface = zone },
	)
	ifIndex = mib.At(func(r *route) *uint32 { return &r.Interface })
	tos     = mib.Maybe(func(r *route) *netstat.Optional[uint8] { return &r.TOS })
)

// metric is the metric, of which an INTEGER holds 31 bits. A larger one may be known
// of the policy.
var metric = mib.Through(
	func(r *route) (uint32, bool) { return r.Metric.Get() },
	func(r *route, m uint32) {
		if m != math.MaxInt32 || r.Metric.Or(0) < m {
			r.Metric.Set(m)
		}
	},
)

// writtenMetric is metric where -1 may be written, which leaves it to the policy.
var writtenMetric = mib.Through(
	func(r *route) (int64, bool) { m, known := metric.Get(r); return int64(m), known },
	func(r *route, m int64) {
		if m >= 0 {
			metric.Set(r, uint32(m))
		}
	},
)

func isLinkLocal(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// Metrics of routes that were given none.
const (
	defaultMetricIPv4 = 0
	defaultMetricIPv6 = 1024
)

func isDefaultMetric(r *route) bool {
	if r.Destination.Addr().Is4() {
		return r.Metric.Or(0) == defaultMetricIPv4
	}
	return r.Metric.Or(0) == defaultMetricIPv6
}

// Lengths of inetCidrRoutePolicy. Net-snmp numbers its policies 0.0.N, a length that
// is therefore not among them.
const (
	policyPlain     = 2
	policyOfTable   = 5
	policyOfDevice  = 6
	policyOfSource  = 6 + 1 + 16
	policySourceLen = 6 // where the length of the source prefix stands
)

// policy is inetCidrRoutePolicy, as the package's documentation has it. The
// policies of other agents say nothing that a row could hold, and that of a plain
// route, which other agents have for all routes, does not tell the TOS.
var policy = mib.NewPart(
	func(dst []byte, r *route, f mib.Form) []byte {
		source := netip.Prefix{}
		if r.Options != nil {
			source = r.Options.Source
		}
		device := r.Interface
		if r.Type != netstat.RouteUnicast || f&mib.Full == 0 && r.Gateway.IsValid() {
			device = 0
		}
		n := byte(policyPlain)
		switch {
		case source.IsValid():
			n = policyOfSource
		case device != 0:
			n = policyOfDevice
		case r.Table != netstat.TableMain || r.TOS.Or(0) != 0 || !isDefaultMetric(r):
			n = policyOfTable
		}
		dst = append(dst, n, 0, 0) // each its own packed form
		if n >= policyOfTable {
			dst = mib.AppendSubidentifier(dst, r.Table)
			dst = mib.AppendSubidentifier(dst, uint32(r.TOS.Or(0)))
			dst = mib.AppendSubidentifier(dst, r.Metric.Or(0))
		}
		if n >= policyOfDevice {
			dst = mib.AppendSubidentifier(dst, device)
		}
		if n == policyOfSource {
			dst = mib.AppendSubidentifier(dst, uint32(source.Bits()))
			for _, o := range source.Addr().As16() {
				dst = mib.AppendSubidentifier(dst, uint32(o))
			}
		}
		return dst
	},
	func(index mib.OID, r *route) (mib.OID, error) {
		o, rest, err := mib.CutOID(index)
		if err != nil {
			return rest, err
		}
		n := o.Len()
		if n != policyOfTable && n != policyOfDevice && n != policyOfSource {
			return rest, nil
		}
		subs := o.Subidentifiers()
		if subs[0] != 0 || subs[1] != 0 || subs[3] > 255 {
			return rest, nil
		}
		r.Table = subs[2]
		r.TOS.Set(uint8(subs[3]))
		r.Metric.Set(subs[4])
		if n >= policyOfDevice {
			r.Interface = subs[5]
		}
		if n == policyOfSource {
			var octets [16]byte
			for i, sub := range subs[policySourceLen+1:] {
				if sub > 255 {
					return rest, fmt.Errorf("source prefix: sub-identifier %d is not an octet", sub)
				}
				octets[i] = byte(sub)
			}
			if subs[policySourceLen] > 128 {
				return rest, fmt.Errorf("source prefix of %d bits", subs[policySourceLen])
			}
			options(r).Source = netip.PrefixFrom(netip.AddrFrom16(octets), int(subs[policySourceLen]))
		}
		return rest, nil
	},
)

func options(r *route) *netstat.RouteOptions {
	if r.Options == nil {
		r.Options = new(netstat.RouteOptions)
	}
	return r.Options
}

// kind is what the MIB's route types tell: a route's type, and whether it ends
// on the link.
type kind uint8

const (
	kindOther kind = iota
	kindReject
	kindLocal
	kindRemote
	kindBlackhole
)

var routeKind = mib.Through(
	func(r *route) (kind, bool) {
		switch r.Type {
		case netstat.RouteUnicast:
			if r.Gateway.IsValid() {
				return kindRemote, true
			}
			return kindLocal, true
		case netstat.RouteBlackhole:
			return kindBlackhole, true
		case netstat.RouteUnreachable, netstat.RouteProhibit:
			return kindReject, true
		}
		return kindOther, true
	},
	func(r *route, k kind) {
		switch k {
		case kindLocal, kindRemote:
			r.Type = netstat.RouteUnicast
		case kindBlackhole:
			r.Type = netstat.RouteBlackhole
		case kindReject:
			r.Type = netstat.RouteUnreachable
		default:
			r.Type = netstat.RouteThrow
		}
	},
)

// protocol is a route's origin. Protocols of which the MIB knows no name are
// other(1).
var protocol = mib.Through(
	func(r *route) (netstat.RouteProtocol, bool) {
		for i := range protocols {
			if protocols[i].Value == r.Protocol {
				return r.Protocol, true
			}
		}
		return netstat.RouteProtocolUnspecified, true
	},
	func(r *route, p netstat.RouteProtocol) { r.Protocol = p },
)

// protocols are the numbers of IANAipRouteProtocol (IANA-RTPROTO-MIB). What the
// administrator configured, at boot or later, is netmgmt(3); what ICMP told,
// router advertisements among it, is icmp(4).
var protocols = mib.Enum[netstat.RouteProtocol]{
	{Value: netstat.RouteProtocolUnspecified, Number: 1},
	{Value: netstat.RouteProtocolKernel, Number: 2},
	{Value: netstat.RouteProtocolStatic, Number: 3},
	{Value: netstat.RouteProtocolBoot, Number: 3},
	{Value: netstat.RouteProtocolRedirect, Number: 4},
	{Value: netstat.RouteProtocolRA, Number: 4},
	{Value: netstat.RouteProtocolRIP, Number: 8},
	{Value: netstat.RouteProtocolISIS, Number: 9},
	{Value: netstat.RouteProtocolOSPF, Number: 13},
	{Value: netstat.RouteProtocolBGP, Number: 14},
	{Value: netstat.RouteProtocolEIGRP, Number: 16},
	{Value: netstat.RouteProtocolMRouted, Number: 17},
	{Value: netstat.RouteProtocolDHCP, Number: 19},
	// What other agents have and Linux has no name for.
	{Value: netstat.RouteProtocolUnspecified, Number: 5},  // egp
	{Value: netstat.RouteProtocolUnspecified, Number: 6},  // ggp
	{Value: netstat.RouteProtocolUnspecified, Number: 7},  // hello
	{Value: netstat.RouteProtocolUnspecified, Number: 10}, // esIs
	{Value: netstat.RouteProtocolUnspecified, Number: 11}, // ciscoIgrp
	{Value: netstat.RouteProtocolUnspecified, Number: 12}, // bbnSpfIgp
	{Value: netstat.RouteProtocolUnspecified, Number: 15}, // idpr
	{Value: netstat.RouteProtocolUnspecified, Number: 18}, // rpl
}

// oldProtocols are the numbers of ipCidrRouteProto and ipForwardProto, which
// end at the last protocol that the tables' own enumerations have.
func oldProtocols(last int32) mib.Enum[netstat.RouteProtocol] {
	var old mib.Enum[netstat.RouteProtocol]
	for _, p := range protocols {
		if p.Number > last {
			p.Number = 1
		}
		old = append(old, p)
	}
	return old
}

// age is the seconds since the route "was last updated or otherwise determined to be
// correct" (RFC 4292). Linux keeps no time of updates, and what is shown of it is
// correct now: 0, which says nothing when it is read.
var age = mib.Through(
	func(r *route) (uint32, bool) {
		if r.Options == nil {
			return 0, true
		}
		return uint32(r.Options.Age.Or(0) / time.Second), true
	},
	func(r *route, seconds uint32) {
		if seconds != 0 {
			options(r).Age.Set(time.Duration(seconds) * time.Second)
		}
	},
)

// dead is a next hop that the kernel has taken out of use.
var dead = mib.Through(
	func(r *route) (bool, bool) { return r.Flag(netstat.NextHopDead).Get() },
	func(r *route, dead bool) {
		r.UnknownFlags &^= netstat.NextHopDead
		if r.Flags &^= netstat.NextHopDead; dead {
			r.Flags |= netstat.NextHopDead
		}
	},
)

// status is a RowStatus: active(1), or notInService(2) for a dead next hop.
// A row of another agent that is notReady(3) is not in use either.
var status = mib.AsEnum(dead, mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}, {Value: true, Number: 3}})

// unused is a metric that a route does not have.
var unused = mib.AsConstant[route](mib.Int(-1))

func implies(r *route) {
	r.Table, r.Type = netstat.TableMain, netstat.RouteUnicast
	r.UnknownFlags = ^netstat.RouteFlags(0)
}

// begin makes a row a route of the administrator's, with what a plain policy leaves open.
func begin(r *route) {
	r.Protocol = netstat.RouteProtocolStatic
	if !r.TOS.IsKnown() {
		r.TOS.Set(0)
	}
	if !r.Metric.IsKnown() {
		r.Metric.Set(defaultMetricIPv6)
		if r.Destination.Addr().Is4() {
			r.Metric.Set(defaultMetricIPv4)
		}
	}
}

// check refuses what is no route.
func check(c *mib.Change[route]) error {
	const status, typ = "inetCidrRouteStatus", "inetCidrRouteType"
	r := &c.Row
	asked, _ := c.Value(typ)
	switch remote := r.Gateway.IsValid(); {
	case r.Destination != r.Destination.Masked():
		return c.Refuse(mib.InconsistentName, status, fmt.Errorf("%v has bits behind its prefix", r.Destination))
	case remote && r.Gateway.IsUnspecified():
		return c.Refuse(mib.InconsistentName, status, fmt.Errorf("%v is no next hop", r.Gateway))
	case remote && r.Gateway.Is4() && r.Destination.Addr().Is6():
		return c.Refuse(mib.InconsistentName, status, fmt.Errorf("%v is no next hop to %v", r.Gateway, r.Destination))
	case asked == mib.Int(1):
		return c.Refuse(mib.WrongValue, typ, errors.New("a route of type other cannot be made"))
	case asked == mib.Int(3) && remote, asked == mib.Int(4) && !remote, r.Type != netstat.RouteUnicast && remote:
		return c.Refuse(mib.InconsistentValue, typ, errors.New("the type is remote where there is a next hop, and there alone"))
	case r.Type != netstat.RouteUnicast && r.Interface != 0 && c.Sets("inetCidrRouteIfIndex"):
		return c.Refuse(mib.InconsistentValue, "inetCidrRouteIfIndex", errors.New("what is discarded goes by no interface"))
	}
	return nil
}

// Routes is inetCidrRouteTable (RFC 4292, section 5): a row for each next hop
// of each route that takes part in forwarding, in whatever table it stands.
func Routes() *mib.Table[route] {
	return &mib.Table[route]{
		Name:  "inetCidrRouteTable",
		Entry: Identity.Sub(7, 1),
		Index: mib.Index(
			mib.InetAddressIndex(destination, &destinationZone), mib.IntegerIndex(prefixLength),
			policy, mib.InetAddressIndex(nextHop, &nextHopZone),
		),
		Columns: mib.Columns(
			mib.Column(7, "inetCidrRouteIfIndex", mib.AsInteger(ifIndex).Within(0, math.MaxInt32)).Creatable().NotWhileActive(),
			mib.Column(8, "inetCidrRouteType", mib.AsEnum(routeKind, mib.Enum[kind]{
				{Value: kindOther, Number: 1}, {Value: kindReject, Number: 2}, {Value: kindLocal, Number: 3},
				{Value: kindRemote, Number: 4}, {Value: kindBlackhole, Number: 5},
			})).Creatable().NotWhileActive(),
			mib.Column(9, "inetCidrRouteProto", mib.AsEnum(protocol, protocols)),
			mib.Column(10, "inetCidrRouteAge", mib.AsGauge(age)),
			mib.Column(11, "inetCidrRouteNextHopAS", mib.AsConstant[route](mib.Gauge(0))).Creatable().NotWhileActive().Default(mib.Gauge(0)),
			mib.Column(12, "inetCidrRouteMetric1", mib.AsInteger(writtenMetric).Within(-1, math.MaxInt32)).Creatable().NotWhileActive().Default(mib.Int(-1)),
			mib.Column(13, "inetCidrRouteMetric2", unused).Creatable().NotWhileActive().Default(mib.Int(-1)),
			mib.Column(14, "inetCidrRouteMetric3", unused).Creatable().NotWhileActive().Default(mib.Int(-1)),
			mib.Column(15, "inetCidrRouteMetric4", unused).Creatable().NotWhileActive().Default(mib.Int(-1)),
			mib.Column(16, "inetCidrRouteMetric5", unused).Creatable().NotWhileActive().Default(mib.Int(-1)),
			mib.Column(17, "inetCidrRouteStatus", status.RowStatus()).Creatable(),
		),
		Where:   (*route).IsForwarding,
		Implies: implies,
		Apart:   mib.Full,
		Begin:   begin,
		Ready: func(r *route) bool {
			return r.Type != netstat.RouteUnicast || r.Interface != 0 || r.Gateway.IsValid() && !isLinkLocal(r.Gateway)
		},
		Check: check,
	}
}

func isIPv4(r *route) bool { return r.IsForwarding() && r.Destination.Addr().Is4() }

// mask is the prefix length as a netmask.
var mask = mib.Through(
	func(r *route) (netip.Addr, bool) {
		m := ^uint32(0) << (32 - r.Destination.Bits())
		return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}), true
	},
	func(r *route, m netip.Addr) {
		bits, _ := lengthOf(m)
		r.Destination = netip.PrefixFrom(r.Destination.Addr(), bits)
	},
).Checked(func(_ *route, m netip.Addr) error {
	if _, ok := lengthOf(m); !ok {
		return fmt.Errorf("%v is no netmask", m)
	}
	return nil
})

// lengthOf returns the prefix length of a netmask; ok is false where its ones do not
// all come first.
func lengthOf(mask netip.Addr) (bits int, ok bool) {
	octets := mask.As4()
	m := binary.BigEndian.Uint32(octets[:])
	bits = mathbits.LeadingZeros32(^m)
	return bits, m<<bits == 0
}

// ipv4NextHop is 0.0.0.0 for a destination on the link, and for a gateway that
// is an IPv6 router, which an IpAddress cannot hold.
var ipv4NextHop = mib.Through(
	func(r *route) (netip.Addr, bool) {
		if r.Gateway.Is4() {
			return r.Gateway, true
		}
		return netip.IPv4Unspecified(), true
	},
	func(r *route, a netip.Addr) {
		if !a.IsUnspecified() {
			r.Gateway = a
		}
	},
)

// ipv4Kind is other for a next hop that is an IPv6 router, which an old table cannot
// name.
var ipv4Kind = mib.Through(
	func(r *route) (kind, bool) {
		k, _ := routeKind.Get(r)
		if k == kindRemote && !r.Gateway.Is4() {
			k = kindOther
		}
		return k, true
	},
	routeKind.Set,
)

// preferMain chooses among routes that the old tables cannot tell apart: the
// main table's, then the one with the lowest metric.
func preferMain(a, b *route) int {
	other := func(r *route) int {
		if r.Table == netstat.TableMain {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(other(a), other(b)), cmp.Compare(a.Table, b.Table),
		cmp.Compare(a.Metric.Or(0), b.Metric.Or(0)), cmp.Compare(a.Interface, b.Interface))
}

var zeroDotZero = mib.AsConstant[route](mib.OIDValue(mib.MakeOID(0, 0)))

// IPv4Routes is the deprecated ipCidrRouteTable (RFC 2096).
func IPv4Routes() *mib.Table[route] {
	return &mib.Table[route]{
		Name:  "ipCidrRouteTable",
		Entry: Identity.Sub(4, 1),
		Index: mib.Index(
			mib.IPAddressIndex(destination), mib.IPAddressIndex(mask),
			mib.IntegerIndex(tos), mib.IPAddressIndex(ipv4NextHop),
		),
		Columns: mib.Columns(
			mib.Column(1, "ipCidrRouteDest", mib.AsIPAddress(readOnly(destination))),
			mib.Column(2, "ipCidrRouteMask", mib.AsIPAddress(mask)),
			mib.Column(3, "ipCidrRouteTos", mib.AsInteger(tos)),
			mib.Column(4, "ipCidrRouteNextHop", mib.AsIPAddress(ipv4NextHop)),
			mib.Column(5, "ipCidrRouteIfIndex", mib.AsInteger(ifIndex)),
			mib.Column(6, "ipCidrRouteType", mib.AsEnum(ipv4Kind, mib.Enum[kind]{
				{Value: kindOther, Number: 1}, {Value: kindReject, Number: 2}, {Value: kindBlackhole, Number: 2},
				{Value: kindLocal, Number: 3}, {Value: kindRemote, Number: 4},
			})),
			mib.Column(7, "ipCidrRouteProto", mib.AsEnum(protocol, oldProtocols(16))),
			mib.Column(8, "ipCidrRouteAge", mib.AsInteger(age)),
			mib.Column(9, "ipCidrRouteInfo", zeroDotZero),
			mib.Column(10, "ipCidrRouteNextHopAS", mib.AsConstant[route](mib.Int(0))),
			mib.Column(11, "ipCidrRouteMetric1", mib.AsInteger(metric)),
			mib.Column(12, "ipCidrRouteMetric2", unused),
			mib.Column(13, "ipCidrRouteMetric3", unused),
			mib.Column(14, "ipCidrRouteMetric4", unused),
			mib.Column(15, "ipCidrRouteMetric5", unused),
			mib.Column(16, "ipCidrRouteStatus", status),
		),
		Where:   isIPv4,
		Implies: implies,
		Prefer:  preferMain,
	}
}

// ForwardRoutes is the obsolete ipForwardTable (RFC 1354), whose index has no
// prefix length: of the routes to one address it holds the most specific.
func ForwardRoutes() *mib.Table[route] {
	return &mib.Table[route]{
		Name:  "ipForwardTable",
		Entry: Identity.Sub(2, 1),
		Index: mib.Index(
			mib.IPAddressIndex(destination), protocolIndex,
			mib.IntegerIndex(tos), mib.IPAddressIndex(ipv4NextHop),
		),
		Columns: mib.Columns(
			mib.Column(1, "ipForwardDest", mib.AsIPAddress(readOnly(destination))),
			mib.Column(2, "ipForwardMask", mib.AsIPAddress(mask)),
			mib.Column(3, "ipForwardPolicy", mib.AsInteger(tos)),
			mib.Column(4, "ipForwardNextHop", mib.AsIPAddress(ipv4NextHop)),
			mib.Column(5, "ipForwardIfIndex", mib.AsInteger(ifIndex)),
			mib.Column(6, "ipForwardType", mib.AsEnum(ipv4Kind, mib.Enum[kind]{
				{Value: kindOther, Number: 1}, {Value: kindReject, Number: 1}, {Value: kindBlackhole, Number: 1},
				{Value: kindLocal, Number: 3}, {Value: kindRemote, Number: 4},
			})),
			mib.Column(7, "ipForwardProto", mib.AsEnum(protocol, oldProtocols(15))),
			mib.Column(8, "ipForwardAge", mib.AsInteger(age)),
			mib.Column(9, "ipForwardInfo", zeroDotZero),
			mib.Column(10, "ipForwardNextHopAS", mib.AsConstant[route](mib.Int(0))),
			mib.Column(11, "ipForwardMetric1", mib.AsInteger(metric)),
			mib.Column(12, "ipForwardMetric2", unused),
			mib.Column(13, "ipForwardMetric3", unused),
			mib.Column(14, "ipForwardMetric4", unused),
			mib.Column(15, "ipForwardMetric5", unused),
		),
		Where:   isIPv4,
		Implies: implies,
		Prefer: func(a, b *route) int {
			return cmp.Or(cmp.Compare(b.Destination.Bits(), a.Destination.Bits()), preferMain(a, b))
		},
	}
}

var protocolIndex = mib.EnumIndex(protocol, oldProtocols(15))

// readOnly is an access for a column that repeats what the index says already.
func readOnly[T any](a mib.Access[route, T]) mib.Access[route, T] {
	return mib.Through(a.Get, nil)
}
