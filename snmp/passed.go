package snmp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// AddressOfSocket returns where a socket listens that is bound already, such as systemd.socket(5)
// passes it. Its error says why nobody can be answered there: it is no socket of UDP or TCP over IPv4
// or IPv6, is connected, or takes both.
func AddressOfSocket(f *os.File) (Address, error) {
	a, err := addressOf(int(f.Fd()))
	if err != nil {
		return Address{}, fmt.Errorf("snmp: the socket %s: %w", f.Name(), err)
	}
	return a, nil
}

func addressOf(fd int) (a Address, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return a, os.NewSyscallError("getsockopt", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return a, os.NewSyscallError("getsockname", err)
	}
	var transports [2]Transport // over IPv4 and IPv6
	switch kind {
	case unix.SOCK_DGRAM:
		transports = [...]Transport{UDP, UDP6}
		if _, err := unix.Getpeername(fd); err == nil {
			return a, errors.New("it is connected to somebody")
		}
	case unix.SOCK_STREAM:
		transports = [...]Transport{TCP, TCP6}
		if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
			return a, errors.New("it does not listen for connections: Accept=no has systemd pass one that does")
		}
	default:
		return a, errors.New("it is neither of datagrams nor of a stream")
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		return Address{transports[0], netip.AddrPortFrom(netip.AddrFrom4(bound.Addr), uint16(bound.Port))}, nil
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(bound.Addr)
		if addr.Is4In6() {
			return a, errors.New("it is of IPv6 and has an IPv4 address")
		}
		if alone, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); addr.IsUnspecified() && (err != nil || alone == 0) {
			return a, errors.New("it takes IPv4 as well as IPv6: BindIPv6Only=ipv6-only in its unit leaves IPv6, and 0.0.0.0 is an address of IPv4")
		}
		if bound.ZoneId != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(bound.ZoneId), 10))
		}
		return Address{transports[1], netip.AddrPortFrom(addr, uint16(bound.Port))}, nil
	}
	return a, errors.New("it is neither of IPv4 nor of IPv6")
}

// ListenOn is Listen with a socket that is there already, of which AddressOfSocket tells. It works
// with a duplicate of f; what came to the socket before is answered, and what comes after Serve stays
// for who has f. The error says what is wrong with the socket, or is that of duplicating it.
func (s *Server) ListenOn(f *os.File) (Address, error) {
	a, err := AddressOfSocket(f)
	if err != nil {
		return a, err
	}
	return s.listen(a, func() (listener, Address, error) {
		if a.Transport.IsStream() {
			return s.listenTCPOn(f, a)
		}
		return s.listenUDPOn(f, a)
	})
}
