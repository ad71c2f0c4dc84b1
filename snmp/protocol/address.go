package protocol

import (
	"fmt"
	"strconv"
	"strings"
)

// Port is the port on which agents are asked, and TrapPort that on which notifications
// are received (RFC 3417, section 3.1; RFC 3430, section 2.2).
const (
	Port     = 161
	TrapPort = 162
)

// Transport is a transport mapping (RFC 3417; RFC 3430).
type Transport string

// The transports that are spoken here. Those over IPv6 take no IPv4.
const (
	UDP  Transport = "udp"
	UDP6 Transport = "udp6"
	TCP  Transport = "tcp"
	TCP6 Transport = "tcp6"
)

// IsIPv6 reports whether the transport is over IPv6.
func (t Transport) IsIPv6() bool { return t == UDP6 || t == TCP6 }

// IsStream reports whether it is a stream of messages.
func (t Transport) IsStream() bool { return t == TCP || t == TCP6 }

// SplitAddress takes an address apart that is in the form which net-snmp has for it,
// [transport:]host[:port] or [transport:]port. The transport is empty where none is
// named, and so is host where there is a port only; without a port it is the usual one.
// An IPv6 address stands in brackets where a port follows it. What the host is it does
// not look at. The error says which part is wrong.
func SplitAddress(s string, usual uint16) (t Transport, host string, port uint16, err error) {
	rest := s
	before, after, hasColon := strings.Cut(s, ":")
	if hasColon {
		if t = TransportNamed(before); t != "" {
			rest = after
		}
	}
	host, port, err = splitPort(rest, usual)
	if err != nil && hasColon && t == "" && LooksLikeTransport(before) {
		err = fmt.Errorf("%w, and %w", err, UnknownTransportError(before))
	}
	return t, host, port, err
}

// UnknownTransportError says that a word names no transport.
type UnknownTransportError string

func (e UnknownTransportError) Error() string {
	return fmt.Sprintf("transport %q is not one of udp, udp6, tcp and tcp6", string(e))
}

// TransportNamed returns the transport of one of the names that net-snmp has for
// it, empty where there is none.
func TransportNamed(name string) Transport {
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

// LooksLikeTransport reports whether what stands in front of the first colon is meant
// for a transport: it begins with a letter, and is neither a name that can be an
// address nor the beginning of an IPv6 address.
func LooksLikeTransport(s string) bool {
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
