package snmp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Port is the port on which agents are asked (RFC 3417, section 3.1; RFC 3430,
// section 2.2).
const Port = 161

// Transport is a transport mapping (RFC 3417; RFC 3430).
type Transport string

// The transports that a Server listens on. Those over IPv6 take no IPv4.
const (
	UDP  Transport = "udp"
	UDP6 Transport = "udp6"
	TCP  Transport = "tcp"
	TCP6 Transport = "tcp6"
)

// Address is where an agent listens.
type Address struct {
	Transport Transport
	netip.AddrPort
}

// String returns the address as ParseAddress takes it, "udp:127.0.0.1:161".
func (a Address) String() string { return string(a.Transport) + ":" + a.AddrPort.String() }

func (t Transport) ipv6() bool { return t == UDP6 || t == TCP6 }

// ParseAddress parses an address in the form of net-snmp's agentaddress,
//
//	[transport:]address[:port]
//	[transport:]port
//
// where transport is udp, udp6, tcp or tcp6, and udp where it is left out (udp6
// before an IPv6 address). An address without a port has port 161, a port
// without an address is every address of the transport. An IPv6 address
// stands in brackets where a port follows it; localhost is the transport's
// loopback address.
func ParseAddress(s string) (Address, error) {
	fail := func(format string, args ...any) (Address, error) {
		return Address{}, fmt.Errorf("snmp: listening address %q: %s", s, fmt.Sprintf(format, args...))
	}
	var a Address
	rest := s
	if before, after, ok := strings.Cut(s, ":"); ok && isTransport(before) {
		if a.Transport = transportNamed(before); a.Transport == "" {
			return fail(unknownTransport, before)
		}
		rest = after
	}

	host, port, err := splitPort(rest, Port)
	if err != nil {
		return fail("%v", err)
	}
	var addr netip.Addr
	switch host {
	case "":
		addr = netip.IPv4Unspecified()
		if a.Transport.ipv6() {
			addr = netip.IPv6Unspecified()
		}
	case "localhost":
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if a.Transport.ipv6() {
			addr = netip.IPv6Loopback()
		}
	default:
		if addr, err = netip.ParseAddr(host); err != nil || strings.ContainsAny(addr.Zone(), "[]") {
			return fail("%q is not an IP address", host)
		}
		addr = addr.Unmap()
	}
	switch {
	case a.Transport == "" && addr.Is6():
		a.Transport = UDP6
	case a.Transport == "":
		a.Transport = UDP
	case a.Transport.ipv6() && addr.Is4():
		return fail("%s is not an IPv6 address, which %s takes", addr, a.Transport)
	case !a.Transport.ipv6() && addr.Is6():
		return fail("%s is not an IPv4 address, which %s takes: write %s6", addr, a.Transport, a.Transport)
	}
	a.AddrPort = netip.AddrPortFrom(addr, port)
	return a, nil
}

const unknownTransport = "transport %q is not one of udp, udp6, tcp and tcp6"

// transportNamed returns the transport of one of the names that net-snmp has for
// it, empty where there is none.
func transportNamed(name string) Transport {
	switch strings.ToLower(name) {
	case "udp", "udp4", "udpipv4":
		return UDP
	case "udp6", "udpv6", "udpipv6":
		return UDP6
	case "tcp", "tcp4", "tcpipv4":
		return TCP
	case "tcp6", "tcpv6", "tcpipv6":
		return TCP6
	}
	return ""
}

// isTransport reports whether what stands in front of the first colon is meant
// for a transport: it begins with a letter, and is neither a name that can be an
// address nor the beginning of an IPv6 address.
func isTransport(s string) bool {
	if s == "" || s == "localhost" || strings.Contains(s, ".") {
		return false
	}
	c := s[0] | 0x20
	return c >= 'a' && c <= 'z' && strings.Trim(strings.ToLower(s), "0123456789abcdef") != ""
}

// splitPort splits what follows the transport; host is empty where there is a
// port only, and port is usual where there is none.
func splitPort(s string, usual uint16) (host string, port uint16, err error) {
	var text string
	switch {
	case s == "":
		return "", 0, fmt.Errorf("neither an address nor a port is given")
	case s[0] == '[':
		inner, after, ok := strings.Cut(s[1:], "]")
		switch {
		case !ok:
			return "", 0, fmt.Errorf("%q lacks its closing bracket", s)
		case after == "":
			return inner, usual, nil
		case after[0] != ':':
			return "", 0, fmt.Errorf("%q follows the closing bracket", after)
		}
		host, text = inner, after[1:]
	case strings.Count(s, ":") > 1: // an IPv6 address without brackets has no port
		return s, usual, nil
	case strings.Contains(s, ":"):
		host, text, _ = strings.Cut(s, ":")
	case strings.Trim(s, "0123456789") == "":
		text = s
	default:
		return s, usual, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not a port from 0 to 65535", text)
	}
	return host, uint16(n), nil
}
