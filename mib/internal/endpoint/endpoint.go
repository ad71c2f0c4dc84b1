// Package endpoint holds the parts of a socket that TCP-MIB and UDP-MIB show
// alike.
package endpoint

import (
	"math"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

type socket = netstat.Socket

// Local is the local address, IPv4-mapped addresses as IPv4.
var Local = mib.Through(
	func(s *socket) (netip.Addr, bool) { return s.Local.Addr().Unmap(), true },
	func(s *socket, a netip.Addr) {
		s.Local = netip.AddrPortFrom(a, s.Local.Port())
		s.Family = netstat.IPv6
		if a.Is4() {
			s.Family = netstat.IPv4
		}
	},
)

// Bound is the local address of a socket that anybody may send to: the zero
// Addr where that is any address of both families, which RFC 4022 and RFC 4113
// show as unknown(0) with no octets.
var Bound = mib.Through(
	func(s *socket) (netip.Addr, bool) {
		if s.IsDualStack() {
			return netip.Addr{}, true
		}
		return s.Local.Addr().Unmap(), true
	},
	func(s *socket, a netip.Addr) {
		if !a.IsValid() {
			a = netip.IPv6Unspecified()
			s.V6Only.Set(false)
		} else if a == netip.IPv6Unspecified() {
			s.V6Only.Set(true)
		}
		Local.Set(s, a)
	},
)

// LocalPort is the local port.
var LocalPort = mib.Through(
	func(s *socket) (uint16, bool) { return s.Local.Port(), true },
	func(s *socket, p uint16) { s.Local = netip.AddrPortFrom(s.Local.Addr(), p) },
)

// Remote is the remote address, IPv4-mapped addresses as IPv4.
var Remote = mib.Through(
	func(s *socket) (netip.Addr, bool) { return s.Remote.Addr().Unmap(), true },
	func(s *socket, a netip.Addr) { s.Remote = netip.AddrPortFrom(a, s.Remote.Port()) },
)

// RemotePort is the remote port.
var RemotePort = mib.Through(
	func(s *socket) (uint16, bool) { return s.Remote.Port(), true },
	func(s *socket, p uint16) { s.Remote = netip.AddrPortFrom(s.Remote.Addr(), p) },
)

// IPv4 makes an address the one that an IPv4 peer sees: the wildcard of both
// families is 0.0.0.0.
func IPv4(a mib.Access[socket, netip.Addr]) mib.Access[socket, netip.Addr] {
	return mib.Through(
		func(s *socket) (netip.Addr, bool) {
			addr, ok := a.Get(s)
			if addr == netip.IPv6Unspecified() {
				addr = netip.IPv4Unspecified()
			}
			return addr, ok
		},
		a.Set,
	)
}

// ReachableByIPv4 reports whether the socket's local address is one that an
// IPv4 peer can send to.
func ReachableByIPv4(s *socket) bool {
	return s.Local.Addr().Unmap().Is4() || s.IsDualStack()
}

// Process is the first of the processes that hold the socket, 0 where none
// does. Read from elsewhere, a number that no process of Linux has leaves the
// processes unknown: an Unsigned32 may be greater.
var Process = mib.Through(
	func(s *socket) (uint32, bool) {
		processes, known := s.Processes.Get()
		if !known || len(processes) == 0 {
			return 0, known
		}
		return uint32(processes[0].PID), true
	},
	func(s *socket, pid uint32) {
		if pid != 0 && pid <= math.MaxInt32 {
			s.Processes.Set([]netstat.Process{{PID: int32(pid)}})
		}
	},
)

// ProcessOrZero is Process for tables that have no other accessible object:
// there an unknown process is 0, as for none, since the whole row would
// otherwise be invisible to who may not know its process. Read from elsewhere,
// 0 says nothing.
var ProcessOrZero = mib.Through(
	func(s *socket) (uint32, bool) {
		pid, _ := Process.Get(s)
		return pid, true
	},
	Process.Set,
)
