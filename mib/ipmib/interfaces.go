package ipmib

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

type ipInterface = netstat.IPInterface

// Changes are when tables last changed; the zero time for not since whoever watches
// began to, unknown where nobody does.
type Changes struct {
	// IPv4Interfaces and IPv6Interfaces are when a version of IP came to an
	// interface or left one, or an object changed that the table shows. Counted
	// as a change of IPv6 are interfaces that are set up or down, as the kernel
	// does that keeps the time (include/uapi/linux/if_link.h, struct
	// ifla_cacheinfo), and not that ipv6InterfaceReachableTime is drawn anew.
	IPv4Interfaces, IPv6Interfaces netstat.Optional[time.Time]
	// Statistics is when a row of ipIfStatsTable came or went.
	Statistics netstat.Optional[time.Time]
}

// InterfaceChanges are ipv4InterfaceTableLastChange and ipv6InterfaceTableLastChange
// (RFC 4293, section 5).
func InterfaceChanges() *mib.Group[Changes] {
	return &mib.Group[Changes]{
		Name: "ip",
		OID:  ip,
		Objects: mib.Columns(
			mib.Column(27, "ipv4InterfaceTableLastChange", mib.AsTimeStamp(mib.Maybe(func(c *Changes) *netstat.Optional[time.Time] { return &c.IPv4Interfaces }))),
			mib.Column(29, "ipv6InterfaceTableLastChange", mib.AsTimeStamp(mib.Maybe(func(c *Changes) *netstat.Optional[time.Time] { return &c.IPv6Interfaces }))),
		),
	}
}

// StatisticsChanges is ipIfStatsTableLastChange (RFC 4293, section 5).
func StatisticsChanges() *mib.Group[Changes] {
	return &mib.Group[Changes]{
		Name: "ipTrafficStats",
		OID:  ip.Sub(31),
		Objects: mib.Columns(
			mib.Column(2, "ipIfStatsTableLastChange", mib.AsTimeStamp(mib.Maybe(func(c *Changes) *netstat.Optional[time.Time] { return &c.Statistics }))),
		),
	}
}

var (
	interfaceIndex = mib.At(func(i *ipInterface) *uint32 { return &i.Interface })
	largestPacket  = mib.Maybe(func(i *ipInterface) *netstat.Optional[uint32] { return &i.ReassemblyMaxSize })
	enabled        = mib.AsEnum(mib.Maybe(func(i *ipInterface) *netstat.Optional[bool] { return &i.Enabled }), mib.Enum[bool]{{Value: true, Number: 1}, {Value: false, Number: 2}})
)

// milliseconds is a time in milliseconds; longer ones than an Unsigned32 holds stand
// at its maximum.
func milliseconds(part func(*ipInterface) *netstat.Optional[time.Duration]) mib.Field[ipInterface] {
	return mib.AsGauge(mib.Whole(mib.Maybe(part), time.Millisecond))
}

var retransmit = milliseconds(func(i *ipInterface) *netstat.Optional[time.Duration] { return &i.Retransmit })

// ofFamily are the rows of one version of IP.
func ofFamily(f netstat.Family) (where func(*ipInterface) bool, implies func(*ipInterface)) {
	return func(i *ipInterface) bool { return i.Family == f }, func(i *ipInterface) { i.Family = f }
}

var (
	isIPv4, setIPv4 = ofFamily(netstat.IPv4)
	isIPv6, setIPv6 = ofFamily(netstat.IPv6)
)

// IPv4Interfaces is ipv4InterfaceTable (RFC 4293, section 5).
func IPv4Interfaces() *mib.Table[ipInterface] {
	return &mib.Table[ipInterface]{
		Name:  "ipv4InterfaceTable",
		Entry: ip.Sub(28, 1),
		Index: mib.Index(mib.IntegerIndex(interfaceIndex)),
		Columns: mib.Columns(
			mib.Column(2, "ipv4InterfaceReasmMaxSize", mib.AsInteger(largestPacket)),
			mib.Column(3, "ipv4InterfaceEnableStatus", enabled),
			mib.Column(4, "ipv4InterfaceRetransmitTime", retransmit),
		),
		Where:   isIPv4,
		Implies: setIPv4,
	}
}

// IPv6Interfaces is ipv6InterfaceTable (RFC 4293, section 5).
func IPv6Interfaces() *mib.Table[ipInterface] {
	return &mib.Table[ipInterface]{
		Name:  "ipv6InterfaceTable",
		Entry: ip.Sub(30, 1),
		Index: mib.Index(mib.IntegerIndex(interfaceIndex)),
		Columns: mib.Columns(
			mib.Column(2, "ipv6InterfaceReasmMaxSize", mib.AsGauge(largestPacket)),
			mib.Column(3, "ipv6InterfaceIdentifier", mib.AsOctets(mib.Maybe(func(i *ipInterface) *netstat.Optional[netstat.InterfaceIdentifier] { return &i.Identifier }))),
			mib.Column(5, "ipv6InterfaceEnableStatus", enabled).Writable(),
			mib.Column(6, "ipv6InterfaceReachableTime", milliseconds(func(i *ipInterface) *netstat.Optional[time.Duration] { return &i.Reachable })),
			mib.Column(7, "ipv6InterfaceRetransmitTime", retransmit),
			// Of the forwarding of datagrams, as the object is, and not of the setting
			// of Linux that is named so: it does not hold them back.
			mib.Column(8, "ipv6InterfaceForwarding", mib.AsEnum(mib.Maybe(func(i *ipInterface) *netstat.Optional[bool] { return &i.Forwards }), forwarding)),
		),
		Where:   isIPv6,
		Implies: setIPv6,
	}
}

// Zones is ipv6ScopeZoneIndexTable (RFC 4293, section 5). On Linux the zone of a
// link has the number of its interface. It knows no zones of other scopes: 0, the
// default zone, would say that there is one and that nobody knows which (RFC 4001,
// InetZoneIndex).
func Zones() *mib.Table[ipInterface] {
	return &mib.Table[ipInterface]{
		Name:  "ipv6ScopeZoneIndexTable",
		Entry: ip.Sub(36, 1),
		Index: mib.Index(mib.IntegerIndex(interfaceIndex)),
		Columns: mib.Columns(
			mib.Column(2, "ipv6ScopeZoneIndexLinkLocal", mib.AsGauge(mib.Through(
				func(i *ipInterface) (uint32, bool) { return i.Interface, true }, nil,
			))),
			mib.Column(3, "ipv6ScopeZoneIndex3", noZone),
			mib.Column(4, "ipv6ScopeZoneIndexAdminLocal", noZone),
			mib.Column(5, "ipv6ScopeZoneIndexSiteLocal", noZone),
			mib.Column(6, "ipv6ScopeZoneIndex6", noZone),
			mib.Column(7, "ipv6ScopeZoneIndex7", noZone),
			mib.Column(8, "ipv6ScopeZoneIndexOrganizationLocal", noZone),
			mib.Column(9, "ipv6ScopeZoneIndex9", noZone),
			mib.Column(10, "ipv6ScopeZoneIndexA", noZone),
			mib.Column(11, "ipv6ScopeZoneIndexB", noZone),
			mib.Column(12, "ipv6ScopeZoneIndexC", noZone),
			mib.Column(13, "ipv6ScopeZoneIndexD", noZone),
		),
		Where:   isIPv6,
		Implies: setIPv6,
	}
}

var noZone = mib.AsAbsent[ipInterface](mib.Gauge32)
