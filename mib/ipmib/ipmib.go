// Package ipmib declares the IP-MIB (RFC 4293): addresses with their prefixes,
// neighbours, default routers, settings, interfaces with their zones, and what IP
// and ICMP count, with the scalars that the module deprecates. The deprecated tables
// are those of package rfc1213mib.
//
// It has nothing of router advertisements, which on Linux a daemon sends and alone
// knows.
package ipmib

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity is the MODULE-IDENTITY ipMIB.
var Identity = mib.MustParseOID("1.3.6.1.2.1.48")

var ip = mib.MustParseOID("1.3.6.1.2.1.4")

type (
	address   = netstat.Address
	neighbour = netstat.Neighbour
)

// volatile is the StorageType of what the kernel forgets when it ends.
var volatile = mib.Int(2)

// isHost reports whether an address can be one host's.
func isHost(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255}) && !a.Is4In6()
}

func isLinkLocal(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

var local = mib.Through(
	func(a *address) (netip.Addr, bool) { return a.Prefix.Addr(), true },
	func(a *address, addr netip.Addr) { a.Prefix = netip.PrefixFrom(addr, -1) },
)

// localZone tells link-local addresses of different links apart.
var localZone = mib.Through(
	func(a *address) (uint32, bool) { return a.Interface, isLinkLocal(a.Prefix.Addr()) },
	func(a *address, zone uint32) { a.Interface = zone },
)

// prefixRow is ipAddressPrefixOrigin, the first accessible column of
// ipAddressPrefixTable, which a RowPointer to one of its rows names.
var prefixRow = ip.Sub(32, 1, 5)

// prefix is the row of Prefixes that an address belongs to. 0.0 stands for none,
// and leaves the length unknown.
func prefix() mib.Access[address, mib.OID] {
	prefixes := Prefixes()
	return mib.Through(
		func(a *address) (mib.OID, bool) {
			p := Prefix{Interface: a.Interface, Prefix: prefixOf(a)}
			if !p.Prefix.IsValid() {
				return mib.MakeOID(0, 0), true
			}
			return prefixRow.Append(prefixes.IndexOf(&p)), true
		},
		func(a *address, row mib.OID) {
			if index, ok := row.CutPrefix(prefixRow); ok {
				if _, bits := index.Parent(); int64(bits) <= int64(a.Prefix.Addr().BitLen()) {
					a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), int(bits))
				}
			}
		},
	)
}

// origin is how an address came to be, as far as the kernel's flags tell.
type origin uint8

const (
	originOther origin = iota
	originManual
	originDHCP
	originLinkLayer
	originRandom
)

// Values of Address.Origin (include/uapi/linux/if_addr.h, IFAPROT_KERNEL_RA and
// IFAPROT_KERNEL_LL), which kernels tell since Linux 5.18.
const (
	madeOfAdvertisement = 2
	madeLinkLocal       = 3
)

// isStateless reports whether an IPv6 address was made by stateless
// autoconfiguration (RFC 4862): the kernel says so, or it is a link-local one
// with an interface identifier made of a link-layer address (RFC 4291, appendix
// A) or kept for the link (RFC 7217).
func isStateless(a *address) bool {
	addr := a.Prefix.Addr()
	if made, known := a.Origin.Get(); known {
		return addr.Is6() && (made == madeOfAdvertisement || made == madeLinkLocal)
	}
	octets := addr.As16()
	return isLinkLocal(addr) && (a.Flags&netstat.AddressStablePrivacy != 0 || octets[11] == 0xff && octets[12] == 0xfe)
}

// addressOrigin leaves open who set an address that is neither permanent nor
// stateless: DHCP mostly does.
var addressOrigin = mib.Through(
	func(a *address) (origin, bool) {
		switch addr := a.Prefix.Addr(); {
		case addr.Is6() && a.Flags&netstat.AddressSecondary != 0, addr.Is4() && addr.IsLinkLocalUnicast():
			return originRandom, true
		case isStateless(a):
			return originLinkLayer, true
		case a.Flags&netstat.AddressPermanent != 0:
			return originManual, true
		}
		return originOther, true
	},
	func(a *address, o origin) {
		if a.Prefix.Addr().Is6() {
			a.UnknownFlags &^= netstat.AddressSecondary
		}
		switch {
		case o == originManual:
			a.Flags |= netstat.AddressPermanent
			a.UnknownFlags &^= netstat.AddressPermanent
		case o == originLinkLayer && isLinkLocal(a.Prefix.Addr()):
			a.Origin.Set(madeLinkLocal)
		case o == originLinkLayer && a.Prefix.Addr().Is6():
			a.Origin.Set(madeOfAdvertisement)
		case o == originRandom && a.Prefix.Addr().Is6():
			a.Flags |= netstat.AddressSecondary // an IPv6 address's flag: temporary
		}
	},
)

// IsManual reports whether an address is one that the administrator gave, and not of DHCP, of
// stateless autoconfiguration, or a temporary one.
func IsManual(a *netstat.Address) bool {
	temporary := a.Prefix.Addr().Is6() && a.Flags&netstat.AddressSecondary != 0
	return a.Flags&netstat.AddressPermanent != 0 && !temporary && !isStateless(a)
}

// addressStatus is the flag that RFC 4293's status stands for; none is
// preferred(1).
var addressStatus = mib.Through(
	func(a *address) (netstat.AddressFlags, bool) {
		for _, f := range [...]netstat.AddressFlags{
			netstat.AddressDADFailed, netstat.AddressOptimistic, netstat.AddressTentative, netstat.AddressDeprecated,
		} {
			if a.Flags&f != 0 {
				return f, true
			}
		}
		return 0, true
	},
	func(a *address, f netstat.AddressFlags) {
		const told = netstat.AddressDADFailed | netstat.AddressOptimistic | netstat.AddressTentative | netstat.AddressDeprecated
		a.Flags = a.Flags&^told | f
		a.UnknownFlags &^= told
	},
)

// moment is a time stamp that is absent where the source does not tell it.
func moment(part func(*address) *time.Time) mib.Field[address] {
	return mib.AsTimeStamp(mib.Through(
		func(a *address) (time.Time, bool) { return *part(a), !part(a).IsZero() },
		func(a *address, at time.Time) { *part(a) = at },
	))
}

// PreferAddress says which of two interfaces' rows stands where both have the
// same address: the lower index's. Of one interface it is the one with the longer
// prefix.
func PreferAddress(a, b *netstat.Address) int {
	return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), a.Peer.Compare(b.Peer))
}

// SpinLock is ipAddressSpinLock, the advisory lock of managers that write ipAddressTable
// (RFC 4293, section 5).
func SpinLock() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "ipAddressLock",
		OID:  ip,
		Objects: mib.Columns(
			mib.Column(33, "ipAddressSpinLock", mib.AsInteger(mib.At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable(),
		),
	}
}

// Addresses is ipAddressTable (RFC 4293, section 5). An address whose prefix is
// not told has a prefix length of -1.
func Addresses() *mib.Table[address] {
	return &mib.Table[address]{
		Name:  "ipAddressTable",
		Entry: ip.Sub(34, 1),
		Index: mib.Index(mib.InetAddressIndex(local, &localZone)),
		Columns: mib.Columns(
			mib.Column(3, "ipAddressIfIndex", mib.AsInteger(mib.At(func(a *address) *uint32 { return &a.Interface })).Within(1, math.MaxInt32)).Creatable().NotWhileActive(),
			mib.Column(4, "ipAddressType", mib.AsConstant[address](mib.Int(TypeUnicast))).Creatable().Default(mib.Int(TypeUnicast)),
			mib.Column(5, "ipAddressPrefix", mib.AsOID(prefix())),
			mib.Column(6, "ipAddressOrigin", mib.AsEnum(addressOrigin, mib.Enum[origin]{
				{Value: originOther, Number: 1}, {Value: originManual, Number: 2}, {Value: originDHCP, Number: 4},
				{Value: originLinkLayer, Number: 5}, {Value: originRandom, Number: 6},
			})),
			mib.Column(7, "ipAddressStatus", mib.AsEnum(addressStatus, mib.Enum[netstat.AddressFlags]{
				{Value: 0, Number: 1}, {Value: netstat.AddressDeprecated, Number: 2},
				{Value: 0, Number: 3}, {Value: 0, Number: 4}, {Value: 0, Number: 5}, // invalid, inaccessible, unknown
				{Value: netstat.AddressTentative, Number: 6}, {Value: netstat.AddressDADFailed, Number: 7},
				{Value: netstat.AddressOptimistic, Number: 8},
			}).Within(1, 2)).Creatable().Default(mib.Int(1)),
			mib.Column(8, "ipAddressCreated", moment(func(a *address) *time.Time { return &a.Created })),
			mib.Column(9, "ipAddressLastChanged", moment(func(a *address) *time.Time { return &a.Updated })),
			mib.Column(10, "ipAddressRowStatus", mib.AsRowStatus[address]()).Creatable(),
			mib.Column(11, "ipAddressStorageType", mib.AsConstant[address](volatile)).Creatable().Default(volatile),
		),
		Implies: func(a *address) { a.UnknownFlags = ^netstat.AddressFlags(0) },
		Prefer:  PreferAddress,
		Apart:   mib.Zoned,
		Begin:   func(a *address) { addressOrigin.Set(a, originManual) },
		Check: func(c *mib.Change[address]) error {
			if a := c.Row.Prefix.Addr(); !isHost(a) {
				return c.Refuse(mib.InconsistentName, "ipAddressRowStatus", fmt.Errorf("%v is no address of a host", a))
			}
			return nil
		},
	}
}

// Values of ipAddressType. A row of type broadcast is no address of the host's
// own, and netstat.Address has no place for it.
const (
	TypeUnicast   = 1
	TypeAnycast   = 2
	TypeBroadcast = 3
)

var neighbourAddress = mib.Through(
	func(n *neighbour) (netip.Addr, bool) { return n.Address, true },
	func(n *neighbour, a netip.Addr) {
		n.Address, n.Family = a, netstat.IPv6
		switch {
		case a.Is4():
			n.Family = netstat.IPv4
		case isLinkLocal(a) && a.Zone() == "" && n.Interface != 0:
			n.Address = a.WithZone(strconv.FormatUint(uint64(n.Interface), 10))
		}
	},
)

var permanent = mib.Through(
	func(n *neighbour) (bool, bool) { return n.State.Or(0)&netstat.NeighbourPermanent != 0, true },
	func(n *neighbour, is bool) {
		switch was := n.State.Or(0)&netstat.NeighbourPermanent != 0; {
		case is:
			n.State.Set(netstat.NeighbourPermanent)
		case was:
			n.State.Set(netstat.NeighbourStale)
		}
	},
)

// neighbourState is the state of an entry that is subject to unreachability
// detection; a permanent one, which is not, is unknown(6), as is one of which
// nothing is known.
var neighbourState = mib.Through(
	func(n *neighbour) (netstat.NeighbourState, bool) {
		return n.State.Or(0) &^ netstat.NeighbourPermanent, true
	},
	func(n *neighbour, s netstat.NeighbourState) {
		if s != 0 && !n.State.IsKnown() {
			n.State.Set(s)
		}
	},
)

// Values of ipNetToPhysicalType and ipNetToMediaType. Entries of type invalid
// are not in use, and those of type local are the host's own addresses.
const (
	NeighbourOther   = 1
	NeighbourInvalid = 2
	NeighbourDynamic = 3
	NeighbourStatic  = 4
	NeighbourLocal   = 5
)

// NeighbourTypes are the numbers of ipNetToPhysicalType and ipNetToMediaType.
var NeighbourTypes = mib.AsEnum(permanent, mib.Enum[bool]{
	{Value: false, Number: NeighbourDynamic}, {Value: true, Number: NeighbourStatic},
	{Value: false, Number: NeighbourOther}, {Value: false, Number: NeighbourInvalid}, {Value: false, Number: NeighbourLocal},
})

// IsTranslation reports whether an entry is one of the translation tables: what
// the host knows of another host's link-layer address, or asks for. Those of the
// state noarp are not, of which the address follows from the other (multicasts
// among them), nor are proxy entries.
func IsTranslation(n *netstat.Neighbour) bool {
	return n.Family != netstat.Bridge && n.Flags&netstat.NeighbourProxy == 0 && n.State.Or(0)&netstat.NeighbourNoARP == 0
}

// Neighbours is ipNetToPhysicalTable (RFC 4293, section 5).
func Neighbours() *mib.Table[neighbour] {
	return &mib.Table[neighbour]{
		Name:  "ipNetToPhysicalTable",
		Entry: ip.Sub(35, 1),
		Index: mib.Index(
			mib.IntegerIndex(mib.At(func(n *neighbour) *uint32 { return &n.Interface })),
			mib.InetAddressIndex(neighbourAddress, nil),
		),
		Columns: mib.Columns(
			mib.Column(4, "ipNetToPhysicalPhysAddress", mib.AsOctets(mib.At(func(n *neighbour) *netstat.HardwareAddress { return &n.LinkAddress })).OfLength(0, math.MaxUint16)).Creatable(),
			mib.Column(5, "ipNetToPhysicalLastUpdated", mib.AsTimeStamp(mib.At(func(n *neighbour) *time.Time { return &n.Updated }))),
			mib.Column(6, "ipNetToPhysicalType", NeighbourTypes.Within(NeighbourInvalid, NeighbourStatic)).Creatable().Default(mib.Int(NeighbourStatic)),
			mib.Column(7, "ipNetToPhysicalState", mib.AsEnum(neighbourState, mib.Enum[netstat.NeighbourState]{
				{Value: netstat.NeighbourReachable, Number: 1}, {Value: netstat.NeighbourStale, Number: 2},
				{Value: netstat.NeighbourDelay, Number: 3}, {Value: netstat.NeighbourProbe, Number: 4},
				{Value: netstat.NeighbourFailed, Number: 5}, {Value: 0, Number: 6},
				{Value: netstat.NeighbourIncomplete, Number: 7},
			})),
			mib.Column(8, "ipNetToPhysicalRowStatus", mib.AsRowStatus[neighbour]()).Creatable(),
		),
		Where:   IsTranslation,
		Implies: func(n *neighbour) { n.UnknownFlags = ^netstat.NeighbourFlags(0) },
		Check: func(c *mib.Change[neighbour]) error {
			if a := c.Row.Address; !isHost(a) || c.Row.Interface == 0 {
				return c.Refuse(mib.InconsistentName, "ipNetToPhysicalRowStatus", fmt.Errorf("%v on interface %d is no neighbour", a, c.Row.Interface))
			}
			if typ, _ := c.Value("ipNetToPhysicalType"); typ == mib.Int(NeighbourInvalid) {
				c.Destroy()
			}
			return nil
		},
	}
}
