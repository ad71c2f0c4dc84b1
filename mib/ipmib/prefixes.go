package ipmib

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Prefix is a prefix that an interface has addresses of.
type Prefix struct {
	Interface uint32 // index
	Prefix    netip.Prefix
	Origin    PrefixOrigin
	// OnLink says whether the addresses of the prefix are reached on the link,
	// unknown where somebody else than the kernel sees to its route.
	OnLink netstat.Optional[bool]
	// Autonomous says whether addresses were made of it without being told
	// (RFC 4862).
	Autonomous bool
	// Preferred and Valid are what it has left of its lifetimes, to the second;
	// netstat.Forever for no end.
	Preferred, Valid netstat.Optional[time.Duration]
}

// PrefixOrigin is how a prefix was found (RFC 4293, IpAddressPrefixOriginTC).
type PrefixOrigin uint8

// Origins of prefixes. Of two that one prefix has, the greater counts.
const (
	PrefixOther PrefixOrigin = iota
	PrefixDHCP
	PrefixManual
	PrefixRouterAdvertisement
	PrefixWellKnown
)

// PrefixesOf returns the prefixes of addresses, each interface's once, in the
// order of the addresses. Of a lifetime it tells only that it has no end: what is
// left of another is less with every second.
func PrefixesOf(addresses []netstat.Address) []Prefix {
	type key struct {
		index  uint32
		prefix netip.Prefix
	}
	at := make(map[key]int, len(addresses))
	var all []Prefix
	for i := range addresses {
		a := &addresses[i]
		k := key{a.Interface, prefixOf(a)}
		if !k.prefix.IsValid() {
			continue
		}
		n, known := at[k]
		if !known {
			n = len(all)
			at[k], all = n, append(all, Prefix{Interface: k.index, Prefix: k.prefix})
		}
		p := &all[n]
		p.Origin = max(p.Origin, prefixOrigin(a))
		if a.Prefix.Addr().Is4() || a.Flags&netstat.AddressNoPrefixRoute == 0 {
			p.OnLink.Set(true)
		}
		p.Autonomous = p.Autonomous || isAutonomous(a)
		if a.Preferred.Or(0) == netstat.Forever {
			p.Preferred.Set(netstat.Forever)
		}
		if a.Valid.Or(0) == netstat.Forever {
			p.Valid.Set(netstat.Forever)
		}
	}
	return all
}

// prefixOf returns the prefix that an address belongs to: on a link to one peer,
// the peer's.
func prefixOf(a *address) netip.Prefix {
	if a.Peer.IsValid() {
		return netip.PrefixFrom(a.Peer.WithZone(""), a.Prefix.Bits()).Masked()
	}
	return a.Prefix.Masked()
}

func prefixOrigin(a *address) PrefixOrigin {
	switch addr := a.Prefix.Addr(); {
	case addr.IsLinkLocalUnicast() || addr.IsLoopback():
		return PrefixWellKnown
	case a.Origin == netstat.Known[uint8](madeOfAdvertisement):
		return PrefixRouterAdvertisement
	case a.Flags&netstat.AddressPermanent != 0:
		return PrefixManual
	}
	return PrefixOther
}

// isAutonomous reports whether an address was made of its prefix by the host.
func isAutonomous(a *address) bool {
	return a.Prefix.Addr().Is6() && (isStateless(a) || a.Flags&netstat.AddressSecondary != 0)
}

var prefixAddress = mib.Through(
	func(p *Prefix) (netip.Addr, bool) { return p.Prefix.Addr(), true },
	func(p *Prefix, a netip.Addr) { p.Prefix = netip.PrefixFrom(a, 0) },
)

// lifetime is a column of seconds, in which the greatest number has no end (RFC 4861,
// section 4.6.2).
func lifetime(part func(*Prefix) *netstat.Optional[time.Duration]) mib.Field[Prefix] {
	const forever = math.MaxUint32
	return mib.AsGauge(mib.Through(
		func(p *Prefix) (uint32, bool) {
			d, known := part(p).Get()
			return uint32(min(max(d, 0)/time.Second, forever)), known
		},
		func(p *Prefix, seconds uint32) {
			if seconds == forever {
				part(p).Set(netstat.Forever)
				return
			}
			part(p).Set(time.Duration(seconds) * time.Second)
		},
	))
}

// prefixIndex is the INDEX of ipAddressPrefixTable. The interface tells the
// prefixes of links apart, so that none has a zone: ipAddressPrefixPrefix has 4
// or 16 octets.
var prefixIndex = mib.Index(
	mib.IntegerIndex(mib.At(func(p *Prefix) *uint32 { return &p.Interface })),
	mib.InetAddressIndex(prefixAddress, nil),
	mib.IntegerIndex(mib.Through(
		func(p *Prefix) (uint32, bool) { return uint32(max(p.Prefix.Bits(), 0)), true },
		func(p *Prefix, bits uint32) { p.Prefix = netip.PrefixFrom(p.Prefix.Addr(), int(bits)) },
	).Checked(func(p *Prefix, bits uint32) error {
		if most := p.Prefix.Addr().BitLen(); int64(bits) > int64(most) {
			return fmt.Errorf("a prefix of %d bits, of %d", bits, most)
		}
		return nil
	})),
)

// Prefixes is ipAddressPrefixTable (RFC 4293, section 5).
func Prefixes() *mib.Table[Prefix] {
	return &mib.Table[Prefix]{
		Name:  "ipAddressPrefixTable",
		Entry: ip.Sub(32, 1),
		Index: prefixIndex,
		Columns: mib.Columns(
			mib.Column(5, "ipAddressPrefixOrigin", mib.AsEnum(mib.At(func(p *Prefix) *PrefixOrigin { return &p.Origin }), mib.Enum[PrefixOrigin]{
				{Value: PrefixOther, Number: 1}, {Value: PrefixManual, Number: 2}, {Value: PrefixWellKnown, Number: 3},
				{Value: PrefixDHCP, Number: 4}, {Value: PrefixRouterAdvertisement, Number: 5},
			})),
			mib.Column(6, "ipAddressPrefixOnLinkFlag", mib.AsTruth(mib.Maybe(func(p *Prefix) *netstat.Optional[bool] { return &p.OnLink }))),
			mib.Column(7, "ipAddressPrefixAutonomousFlag", mib.AsTruth(mib.At(func(p *Prefix) *bool { return &p.Autonomous }))),
			mib.Column(8, "ipAddressPrefixAdvPreferredLifetime", lifetime(func(p *Prefix) *netstat.Optional[time.Duration] { return &p.Preferred })),
			mib.Column(9, "ipAddressPrefixAdvValidLifetime", lifetime(func(p *Prefix) *netstat.Optional[time.Duration] { return &p.Valid })),
		),
	}
}
