// Package rfc1213mib declares the tables of MIB-II (RFC 1213) that no later
// module took over, or that old devices have alone: addresses, routes and the
// translation to link-layer addresses, all of IPv4. Its tcpConnTable, udpTable
// and ifTable are those of tcpmib, udpmib and ifmib.
package rfc1213mib

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var (
	at = mib.MustParseOID("1.3.6.1.2.1.3")
	ip = mib.MustParseOID("1.3.6.1.2.1.4")
)

type (
	address   = netstat.Address
	neighbour = netstat.Neighbour
	route     = netstat.Route
)

// maskOf returns a prefix length as a netmask.
func maskOf(bits int) netip.Addr {
	m := ^uint32(0) << (32 - max(bits, 0))
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
}

// lengthOf returns the prefix length of a netmask; ok is false where its ones do not
// all come first.
func lengthOf(mask netip.Addr) (length int, ok bool) {
	octets := mask.As4()
	m := binary.BigEndian.Uint32(octets[:])
	length = bits.LeadingZeros32(^m)
	return length, m<<length == 0
}

// isMask refuses what is no netmask.
func isMask[R any](_ *R, mask netip.Addr) error {
	if _, ok := lengthOf(mask); !ok {
		return fmt.Errorf("%v is no netmask", mask)
	}
	return nil
}

var local = mib.Through(
	func(a *address) (netip.Addr, bool) { return a.Prefix.Addr(), true },
	func(a *address, addr netip.Addr) { a.Prefix = netip.PrefixFrom(addr, -1) },
)

var mask = mib.Through(
	func(a *address) (netip.Addr, bool) { return maskOf(a.Prefix.Bits()), a.Prefix.IsValid() },
	func(a *address, mask netip.Addr) {
		length, _ := lengthOf(mask)
		a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), length)
	},
).Checked(isMask)

// Addresses is ipAddrTable. An address whose netmask is not told has a prefix
// length of -1.
func Addresses() *mib.Table[address] {
	return &mib.Table[address]{
		Name:  "ipAddrTable",
		Entry: ip.Sub(20, 1),
		Index: mib.Index(mib.IPAddressIndex(local)),
		Columns: mib.Columns(
			mib.Column(1, "ipAdEntAddr", mib.AsIPAddress(local)),
			mib.Column(2, "ipAdEntIfIndex", mib.AsInteger(mib.At(func(a *address) *uint32 { return &a.Interface }))),
			mib.Column(3, "ipAdEntNetMask", mib.AsIPAddress(mask)),
			mib.Column(4, "ipAdEntBcastAddr", mib.AsConstant[address](mib.Int(1))), // all ones, as everywhere today
			mib.Column(5, "ipAdEntReasmMaxSize", mib.AsConstant[address](mib.Int(65535))),
		),
		Where:   func(a *address) bool { return a.Prefix.Addr().Is4() },
		Implies: func(a *address) { a.UnknownFlags = ^netstat.AddressFlags(0) },
		Prefer:  ipmib.PreferAddress,
	}
}

var neighbourAddress = mib.Through(
	func(n *neighbour) (netip.Addr, bool) { return n.Address, true },
	func(n *neighbour, a netip.Addr) { n.Address = a },
)

var (
	neighbourInterface   = mib.At(func(n *neighbour) *uint32 { return &n.Interface })
	neighbourLinkAddress = mib.AsOctets(mib.At(func(n *neighbour) *netstat.HardwareAddress { return &n.LinkAddress }))
)

// isIPv4Neighbour leaves out what has no link-layer address: these tables have no
// state that would say that nobody answers, or not yet.
func isIPv4Neighbour(n *neighbour) bool {
	return n.Family == netstat.IPv4 && ipmib.IsTranslation(n) && n.LinkAddress != ""
}

func impliesIPv4Neighbour(n *neighbour) {
	n.Family, n.UnknownFlags = netstat.IPv4, ^netstat.NeighbourFlags(0)
}

// Neighbours is ipNetToMediaTable.
func Neighbours() *mib.Table[neighbour] {
	return &mib.Table[neighbour]{
		Name:  "ipNetToMediaTable",
		Entry: ip.Sub(22, 1),
		Index: mib.Index(mib.IntegerIndex(neighbourInterface), mib.IPAddressIndex(neighbourAddress)),
		Columns: mib.Columns(
			mib.Column(1, "ipNetToMediaIfIndex", mib.AsInteger(neighbourInterface)),
			mib.Column(2, "ipNetToMediaPhysAddress", neighbourLinkAddress),
			mib.Column(3, "ipNetToMediaNetAddress", mib.AsIPAddress(mib.Through(neighbourAddress.Get, nil))),
			mib.Column(4, "ipNetToMediaType", ipmib.NeighbourTypes),
		),
		Where: isIPv4Neighbour, Implies: impliesIPv4Neighbour,
	}
}

var errNetworkAddress = errors.New("not a NetworkAddress")

// networkAddressIndex is a NetworkAddress in an index: the number of its
// family, of which there is only internet(1), before the address (RFC 1155,
// section 3.2.3.1; RFC 1212, section 4.1.6).
var networkAddressIndex = mib.NewPart(
	func(dst []byte, n *neighbour, _ mib.Form) []byte {
		dst = mib.AppendSubidentifier(dst, 1)
		octets := [4]byte{}
		if n.Address.Is4() {
			octets = n.Address.As4()
		}
		for _, o := range octets {
			dst = mib.AppendSubidentifier(dst, uint32(o))
		}
		return dst
	},
	func(index mib.OID, n *neighbour) (mib.OID, error) {
		subs := index.Subidentifiers()
		if len(subs) < 5 || subs[0] != 1 || max(subs[1], subs[2], subs[3], subs[4]) > 255 {
			return index, errNetworkAddress
		}
		n.Address = netip.AddrFrom4([4]byte{byte(subs[1]), byte(subs[2]), byte(subs[3]), byte(subs[4])})
		return mib.MakeOID(subs[5:]...), nil
	},
)

// Translations is the deprecated atTable.
func Translations() *mib.Table[neighbour] {
	return &mib.Table[neighbour]{
		Name:  "atTable",
		Entry: at.Sub(1, 1),
		Index: mib.Index(mib.IntegerIndex(neighbourInterface), networkAddressIndex),
		Columns: mib.Columns(
			mib.Column(1, "atIfIndex", mib.AsInteger(neighbourInterface)),
			mib.Column(2, "atPhysAddress", neighbourLinkAddress),
			mib.Column(3, "atNetAddress", mib.AsIPAddress(mib.Through(neighbourAddress.Get, nil))),
		),
		Where: isIPv4Neighbour, Implies: impliesIPv4Neighbour,
	}
}

var destination = mib.Through(
	func(r *route) (netip.Addr, bool) { return r.Destination.Addr(), true },
	func(r *route, a netip.Addr) {
		bits := 32
		if a.IsUnspecified() {
			bits = 0
		}
		r.Destination = netip.PrefixFrom(a, bits)
	},
)

var routeMask = mib.Through(
	func(r *route) (netip.Addr, bool) { return maskOf(r.Destination.Bits()), true },
	func(r *route, mask netip.Addr) {
		length, _ := lengthOf(mask)
		r.Destination = netip.PrefixFrom(r.Destination.Addr(), length)
	},
).Checked(isMask)

// nextHop is 0.0.0.0 for a destination on the link, where devices also show an
// address of their own: ipRouteType says which it is.
var nextHop = mib.Through(
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

// Values of ipRouteType. Rows of type invalid are not in use.
const (
	RouteOther    = 1
	RouteInvalid  = 2
	RouteDirect   = 3
	RouteIndirect = 4
)

type kind uint8

const (
	kindOther kind = iota
	kindDirect
	kindIndirect
)

// routeKind says whether a route ends on the link: then its next hop is not a
// gateway, whatever address it shows. By an IPv6 router, which ipRouteNextHop cannot
// name, it is other.
var routeKind = mib.Through(
	func(r *route) (kind, bool) {
		switch {
		case r.Type != netstat.RouteUnicast:
			return kindOther, true
		case r.Gateway.Is4():
			return kindIndirect, true
		case r.Gateway.IsValid():
			return kindOther, true
		}
		return kindDirect, true
	},
	func(r *route, k kind) {
		switch k {
		case kindDirect:
			r.Gateway = netip.Addr{}
		case kindOther:
			r.Type = netstat.RouteThrow
		}
	},
)

// protocols are the numbers of ipRouteProto, those that Linux has no name for
// after the one that stands for them.
var protocols = mib.Enum[netstat.RouteProtocol]{
	{Value: netstat.RouteProtocolUnspecified, Number: 1}, {Value: netstat.RouteProtocolKernel, Number: 2},
	{Value: netstat.RouteProtocolStatic, Number: 3}, {Value: netstat.RouteProtocolBoot, Number: 3},
	{Value: netstat.RouteProtocolRedirect, Number: 4}, {Value: netstat.RouteProtocolRA, Number: 4},
	{Value: netstat.RouteProtocolRIP, Number: 8}, {Value: netstat.RouteProtocolISIS, Number: 9},
	{Value: netstat.RouteProtocolOSPF, Number: 13}, {Value: netstat.RouteProtocolBGP, Number: 14},
	{Value: netstat.RouteProtocolUnspecified, Number: 5}, {Value: netstat.RouteProtocolUnspecified, Number: 6},
	{Value: netstat.RouteProtocolUnspecified, Number: 7}, {Value: netstat.RouteProtocolUnspecified, Number: 10},
	{Value: netstat.RouteProtocolUnspecified, Number: 11}, {Value: netstat.RouteProtocolUnspecified, Number: 12},
}

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

// metric is -1 where it is not used, which is none.
var metric = mib.Through(
	func(r *route) (int32, bool) {
		m, known := r.Metric.Get()
		return int32(min(m, 1<<31-1)), known
	},
	func(r *route, m int32) {
		if m >= 0 {
			r.Metric.Set(uint32(m))
		}
	},
)

// age is the seconds since the route was last updated "or otherwise determined to be
// correct" (RFC 1213), which is now where nobody keeps the time.
var age = mib.Through(
	func(r *route) (int32, bool) {
		if r.Options == nil {
			return 0, true
		}
		return int32(min(r.Options.Age.Or(0)/time.Second, 1<<31-1)), true
	},
	func(r *route, seconds int32) {
		if seconds <= 0 {
			return
		}
		if r.Options == nil {
			r.Options = new(netstat.RouteOptions)
		}
		r.Options.Age.Set(time.Duration(seconds) * time.Second)
	},
)

var (
	unused      = mib.AsConstant[route](mib.Int(-1))
	zeroDotZero = mib.AsConstant[route](mib.OIDValue(mib.MakeOID(0, 0)))
)

// Routes is ipRouteTable, whose index is the destination alone: of several
// routes to one address it holds the most specific.
func Routes() *mib.Table[route] {
	return &mib.Table[route]{
		Name:  "ipRouteTable",
		Entry: ip.Sub(21, 1),
		Index: mib.Index(mib.IPAddressIndex(destination)),
		Columns: mib.Columns(
			mib.Column(1, "ipRouteDest", mib.AsIPAddress(mib.Through(destination.Get, nil))),
			mib.Column(2, "ipRouteIfIndex", mib.AsInteger(mib.At(func(r *route) *uint32 { return &r.Interface }))),
			mib.Column(3, "ipRouteMetric1", mib.AsInteger(metric)),
			mib.Column(4, "ipRouteMetric2", unused),
			mib.Column(5, "ipRouteMetric3", unused),
			mib.Column(6, "ipRouteMetric4", unused),
			mib.Column(7, "ipRouteNextHop", mib.AsIPAddress(nextHop)),
			mib.Column(8, "ipRouteType", mib.AsEnum(routeKind, mib.Enum[kind]{
				{Value: kindOther, Number: RouteOther}, {Value: kindDirect, Number: RouteDirect},
				{Value: kindIndirect, Number: RouteIndirect}, {Value: kindOther, Number: RouteInvalid},
			})),
			mib.Column(9, "ipRouteProto", mib.AsEnum(protocol, protocols)),
			mib.Column(10, "ipRouteAge", mib.AsInteger(age)),
			mib.Column(11, "ipRouteMask", mib.AsIPAddress(routeMask)),
			mib.Column(12, "ipRouteMetric5", unused),
			mib.Column(13, "ipRouteInfo", zeroDotZero),
		),
		Where: func(r *route) bool { return r.IsForwarding() && r.Destination.Addr().Is4() },
		Implies: func(r *route) {
			r.Table, r.Type = netstat.TableMain, netstat.RouteUnicast
			r.UnknownFlags = ^netstat.RouteFlags(0)
		},
		Prefer: func(a, b *route) int {
			other := func(r *route) int {
				if r.Table == netstat.TableMain {
					return 0
				}
				return 1
			}
			return cmp.Or(cmp.Compare(b.Destination.Bits(), a.Destination.Bits()), cmp.Compare(other(a), other(b)),
				cmp.Compare(a.Metric.Or(0), b.Metric.Or(0)), cmp.Compare(a.Interface, b.Interface))
		},
	}
}
