// Package udpmib declares the UDP-MIB (RFC 4113) over netstat's sockets and UDP
// counters, which cover IPv4 and IPv6 together. UDP-Lite is another protocol
// with a MIB of its own (RFC 5097) and is not here.
package udpmib

import (
	"cmp"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/endpoint"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity is the MODULE-IDENTITY udpMIB.
var Identity = mib.MustParseOID("1.3.6.1.2.1.50")

var udp = mib.MustParseOID("1.3.6.1.2.1.7")

type (
	socket     = netstat.Socket
	statistics = netstat.UDPStatistics
	count      = *netstat.Optional[uint64]
)

// Statistics are the scalars below udp (RFC 4113, section 4).
func Statistics() *mib.Group[statistics] {
	return &mib.Group[statistics]{
		Name: "udp",
		OID:  udp,
		Objects: mib.Columns(
			mib.Column(1, "udpInDatagrams", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.InDatagrams }))),
			mib.Column(2, "udpNoPorts", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.NoPorts }))),
			mib.Column(3, "udpInErrors", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.InErrors }))),
			mib.Column(4, "udpOutDatagrams", mib.AsCounter32(mib.Maybe(func(s *statistics) count { return &s.OutDatagrams }))),
			mib.Column(8, "udpHCInDatagrams", mib.AsCounter64(mib.Maybe(func(s *statistics) count { return &s.InDatagrams }))),
			mib.Column(9, "udpHCOutDatagrams", mib.AsCounter64(mib.Maybe(func(s *statistics) count { return &s.OutDatagrams }))),
		),
	}
}

// remoteAddress is the zero Addr for a socket that is not connected.
var remoteAddress = mib.Through(
	func(s *socket) (netip.Addr, bool) {
		if s.IsListener() {
			return netip.Addr{}, true
		}
		return s.Remote.Addr().Unmap(), true
	},
	func(s *socket, a netip.Addr) {
		s.State = netstat.Established
		if !a.IsValid() {
			s.State = netstat.Close
			a = netip.IPv6Unspecified()
			if s.Family == netstat.IPv4 {
				a = netip.IPv4Unspecified()
			}
		}
		s.Remote = netip.AddrPortFrom(a, s.Remote.Port())
	},
)

// instance tells sockets with the same ends apart: the inode, which no other
// socket has at the same time. Sockets without one take part of their cookie.
var instance = mib.Through(
	func(s *socket) (uint32, bool) {
		if inode := s.Inode.Or(0); inode != 0 {
			return inode, true
		}
		return max(uint32(s.Cookie.Or(0)), 1), true
	},
	nil,
)

// Endpoints is udpEndpointTable (RFC 4113, section 4).
func Endpoints() *mib.Table[socket] {
	return &mib.Table[socket]{
		Name:  "udpEndpointTable",
		Entry: udp.Sub(7, 1),
		Index: mib.Index(
			mib.InetAddressIndex(endpoint.Bound, nil), mib.IntegerIndex(endpoint.LocalPort),
			mib.InetAddressIndex(remoteAddress, nil), mib.IntegerIndex(endpoint.RemotePort),
			mib.IntegerIndex(instance),
		),
		Columns: mib.Columns(
			mib.Column(8, "udpEndpointProcess", mib.AsGauge(endpoint.ProcessOrZero)),
		),
		Where:   func(s *socket) bool { return s.Protocol == netstat.UDP },
		Implies: func(s *socket) { s.Protocol = netstat.UDP },
		Apart:   mib.Zoned,
	}
}

// IPv4Listeners is the deprecated udpTable: the local ends that receive IPv4,
// each once.
func IPv4Listeners() *mib.Table[socket] {
	return &mib.Table[socket]{
		Name:  "udpTable",
		Entry: udp.Sub(5, 1),
		Index: mib.Index(mib.IPAddressIndex(endpoint.IPv4(endpoint.Local)), mib.IntegerIndex(endpoint.LocalPort)),
		Columns: mib.Columns(
			mib.Column(1, "udpLocalAddress", mib.AsIPAddress(endpoint.IPv4(endpoint.Local))),
			mib.Column(2, "udpLocalPort", mib.AsInteger(endpoint.LocalPort)),
		),
		Where: func(s *socket) bool {
			return s.Protocol == netstat.UDP && endpoint.ReachableByIPv4(s)
		},
		Implies: func(s *socket) { s.Protocol = netstat.UDP },
		Prefer:  func(a, b *socket) int { return cmp.Compare(a.Family, b.Family) },
	}
}
