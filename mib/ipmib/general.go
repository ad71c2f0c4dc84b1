package ipmib

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Settings are the settings of both versions of IP.
type Settings struct {
	IPv4, IPv6 netstat.IPSettings
}

var forwarding = mib.Enum[bool]{{Value: true, Number: 1}, {Value: false, Number: 2}}

// reassembly is in seconds.
var reassembly = mib.Through(
	func(s *Settings) (int32, bool) {
		d, known := s.IPv4.ReassemblyTimeout.Get()
		return int32(min(d/time.Second, 1<<31-1)), known
	},
	func(s *Settings, seconds int32) {
		s.IPv4.ReassemblyTimeout.Set(time.Duration(max(seconds, 0)) * time.Second)
	},
)

// General are the scalars below ip that count nothing (RFC 4293, section 5).
// ipRoutingDiscards, which is deprecated, is what inetCidrRouteDiscards is: 0,
// since Linux never discards a route that it took.
func General() *mib.Group[Settings] {
	return &mib.Group[Settings]{
		Name: "ip",
		OID:  ip,
		Objects: mib.Columns(
			mib.Column(1, "ipForwarding", mib.AsEnum(mib.Maybe(func(s *Settings) *netstat.Optional[bool] { return &s.IPv4.Forwarding }), forwarding)).Writable(),
			mib.Column(2, "ipDefaultTTL", mib.AsInteger(mib.Maybe(func(s *Settings) *netstat.Optional[uint8] { return &s.IPv4.HopLimit })).Within(1, 255)).Writable(),
			mib.Column(13, "ipReasmTimeout", mib.AsInteger(reassembly)),
			mib.Column(23, "ipRoutingDiscards", mib.AsConstant[Settings](mib.Count32(0))),
			mib.Column(25, "ipv6IpForwarding", mib.AsEnum(mib.Maybe(func(s *Settings) *netstat.Optional[bool] { return &s.IPv6.Forwarding }), forwarding)).Writable(),
			mib.Column(26, "ipv6IpDefaultHopLimit", mib.AsInteger(mib.Maybe(func(s *Settings) *netstat.Optional[uint8] { return &s.IPv6.HopLimit })).Within(0, 255)).Writable(),
		),
	}
}
