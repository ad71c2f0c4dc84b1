package snmp

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// Transport is a transport mapping (RFC 3417; RFC 3430).
type Transport = protocol.Transport

// The transports that a Server listens on. Those over IPv6 take no IPv4.
const (
	UDP  = protocol.UDP
	UDP6 = protocol.UDP6
	TCP  = protocol.TCP
	TCP6 = protocol.TCP6
)

// Port is the port on which agents are asked (RFC 3417, section 3.1; RFC 3430,
// section 2.2).
const Port = protocol.Port

// Address is where an agent listens.
type Address struct {
	Transport Transport
	netip.AddrPort
}

// String returns the address as ParseAddress takes it, "udp:127.0.0.1:161".
func (a Address) String() string { return string(a.Transport) + ":" + a.AddrPort.String() }

// ParseAddress parses an address in the form of net-snmp's agentaddress,
//
//	[transport:]address[:port]
//	[transport:]port
//
// where transport is udp, udp6, tcp or tcp6, and udp where it is left out (udp6
// before an IPv6 address). An address without a port has port 161, a port
// without an address is every address of the transport. An IPv6 address
// stands in brackets where a port follows it; localhost is the transport's
// loopback address. The error quotes s and says what is wrong.
func ParseAddress(s string) (Address, error) {
	fail := func(format string, args ...any) (Address, error) {
		return Address{}, fmt.Errorf("snmp: listening address %q: %s", s, fmt.Sprintf(format, args...))
	}
	if before, _, ok := strings.Cut(s, ":"); ok && protocol.LooksLikeTransport(before) && protocol.TransportNamed(before) == "" {
		return fail("%v", protocol.UnknownTransportError(before))
	}
	var a Address
	var host string
	var port uint16
	var err error
	if a.Transport, host, port, err = protocol.SplitAddress(s, Port); err != nil {
		return fail("%v", err)
	}
	var addr netip.Addr
	switch host {
	case "":
		addr = netip.IPv4Unspecified()
		if a.Transport.IsIPv6() {
			addr = netip.IPv6Unspecified()
		}
	case "localhost":
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if a.Transport.IsIPv6() {
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
	case a.Transport.IsIPv6() && addr.Is4():
		return fail("%s is not an IPv6 address, which %s takes", addr, a.Transport)
	case !a.Transport.IsIPv6() && addr.Is6():
		return fail("%s is not an IPv4 address, which %s takes: write %s6", addr, a.Transport, a.Transport)
	}
	a.AddrPort = netip.AddrPortFrom(addr, port)
	return a, nil
}
