package snmp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// TrapPort is the port on which notifications are received (RFC 3417, section
// 3.1).
const TrapPort = protocol.TrapPort

// Version is a version of SNMP.
type Version = protocol.Version

// The versions that are spoken here.
const (
	SNMPv1  = protocol.V1
	SNMPv2c = protocol.V2c
	SNMPv3  = protocol.V3
)

// Target is where notifications go and in what form: a row of
// snmpTargetAddrTable with those of snmpTargetParamsTable and snmpNotifyTable
// that belong to it (RFC 3413, section 4).
type Target struct {
	Address   TargetAddress
	Version   Version // the zero value stands for SNMPv1
	Community string
	// Inform has notifications sent in InformRequest-PDUs, which SNMPv1 does
	// not have: each again until it is acknowledged, from the address that it
	// was sent to.
	Inform bool
	// Timeout is how long an InformRequest-PDU waits for its acknowledgement
	// before it is sent again; by default 1 s.
	Timeout time.Duration
	// Retries is how often it is sent again, 0 for never.
	Retries int
	// AgentAddress is what Trap-PDUs have for their agent-addr; the zero Addr
	// means the address that they are sent from.
	AgentAddress netip.Addr
}

func (t *Target) check() error {
	switch {
	case t.Version != SNMPv1 && t.Version != SNMPv2c:
		return fmt.Errorf("snmp: target %v: version %v is not supported", t.Address, t.Version)
	case t.Inform && t.Version == SNMPv1:
		return fmt.Errorf("snmp: target %v: SNMPv1 has no InformRequest-PDU", t.Address)
	case t.Retries < 0:
		return fmt.Errorf("snmp: target %v: %d retries", t.Address, t.Retries)
	case t.AgentAddress.IsValid() && !t.AgentAddress.Is4():
		return fmt.Errorf("snmp: target %v: the agent-addr %v is not an IPv4 address", t.Address, t.AgentAddress)
	case len(t.Community) > maxDatagram/2:
		return fmt.Errorf("snmp: target %v: a community of %d octets", t.Address, len(t.Community))
	}
	return nil
}

// TargetAddress is an address that messages are sent to.
type TargetAddress struct {
	Transport Transport
	// Host is an IP address or a name. A name is looked up when there is
	// something to send, and again after it could not be sent.
	Host string
	Port uint16
}

// String returns the address as ParseTargetAddress takes it,
// "udp:192.0.2.1:162".
func (a TargetAddress) String() string {
	return string(a.Transport) + ":" + a.hostPort()
}

func (a TargetAddress) hostPort() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// network is the address's as package net calls it.
func (a TargetAddress) network() string {
	switch a.Transport {
	case UDP:
		return "udp4"
	case TCP:
		return "tcp4"
	}
	return string(a.Transport)
}

// ParseTargetAddress parses an address in the form that net-snmp has for those
// it sends to,
//
//	[transport:]host[:port]
//
// where transport is udp, udp6, tcp or tcp6, and udp where it is left out (udp6
// before an IPv6 address). An IPv6 address stands in brackets where a port
// follows it. Without a port it is the one given.
func ParseTargetAddress(s string, port uint16) (TargetAddress, error) {
	a, err := parseTargetAddress(s, port)
	if err != nil {
		return TargetAddress{}, fmt.Errorf("snmp: target %q: %w", s, err)
	}
	return a, nil
}

func parseTargetAddress(s string, port uint16) (a TargetAddress, err error) {
	if a.Transport, a.Host, a.Port, err = protocol.SplitAddress(s, port); err != nil {
		return a, err
	}
	if a.Port == 0 {
		return a, errors.New("nothing can be sent to port 0")
	}
	addr, err := netip.ParseAddr(a.Host)
	switch {
	case err != nil && !isHostName(a.Host):
		return a, fmt.Errorf("%q is neither an IP address nor a host's name", a.Host)
	case err != nil:
		if a.Transport == "" {
			a.Transport = UDP
		}
		return a, nil
	case strings.ContainsAny(addr.Zone(), "[]"):
		return a, fmt.Errorf("%q is not an IP address", a.Host)
	}
	addr = addr.Unmap()
	a.Host = addr.String()
	switch {
	case a.Transport == "" && addr.Is6():
		a.Transport = UDP6
	case a.Transport == "":
		a.Transport = UDP
	case a.Transport.IsIPv6() && addr.Is4():
		return a, fmt.Errorf("%s is not an IPv6 address, which %s takes", addr, a.Transport)
	case !a.Transport.IsIPv6() && addr.Is6():
		return a, fmt.Errorf("%s is not an IPv4 address, which %s takes: write %s6", addr, a.Transport, a.Transport)
	}
	return a, nil
}

// isHostName reports whether s can be the name of a host: labels of letters,
// digits, hyphens and underscores, the last of which is not a number.
func isHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
				continue
			}
			return false
		}
	}
	return true
}
