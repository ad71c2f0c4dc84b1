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
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
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
	Community Secret
	// Inform has notifications sent in InformRequest-PDUs, which SNMPv1 does
	// not have: each again until it is acknowledged, from the address that it
	// was sent to, or refused there. A receiver that does not acknowledge one after its
	// repetitions is away: the oldest is sent to it at intervals that grow from one second
	// to 30, its name looked up anew each time, and the others follow once it
	// acknowledges that. The latest 16,384 wait. Before the first the receiver's engine ID is asked for
	// where SNMPv3 has to know it, without an end: informs wait for that.
	Inform bool
	// Timeout is how long an InformRequest-PDU waits for its acknowledgement
	// before it is sent again; by default 1 s.
	Timeout time.Duration
	// Retries is how often it is sent again at first, 0 for never. Over TCP it is sent once on a
	// connection, and the acknowledgement waited for as long as all repetitions would take.
	Retries int
	// AgentAddress is what Trap-PDUs have for their agent-addr; the zero Addr
	// means the address that they are sent from.
	AgentAddress netip.Addr
	// Source is the address that they are sent from; the zero Addr leaves it to the
	// kernel.
	Source netip.Addr
	// MaxMessageSize is how many octets a message of SNMPv1 or SNMPv2c has at most, as SNMPv3 says itself: 0
	// leaves that to Options.
	MaxMessageSize int
	V3             TargetV3 // of SNMPv3 only
	// Filter says which notifications it gets; nil stands for all.
	Filter *Filter
	// Contexts are by which communities a target of SNMPv1 or SNMPv2c gets notifications of contexts other than the
	// default one (RFC 3584, section 5): it gets none of any other. nil stands for no context.
	Contexts *ContextCommunities
}

// TargetV3 is what SNMPv3 says to a target besides.
type TargetV3 struct {
	// User is in whose name notifications are sent. One without secrets is, at levels
	// with authentication, the user of Options.USM who has the name: of a trap at the engine
	// here, of an inform at the receiver's.
	User  usm.Credentials
	Level usm.Level
	// EngineID is the receiver's, "" to ask for it. A trap needs none.
	EngineID usm.EngineID
	// Context is whose variables are told where a notification is of no other context, and ContextEngineID where
	// that is: by default the engine here.
	Context         string
	ContextEngineID usm.EngineID
}

// named reports whether the secrets of the user are the target's own.
func (v *TargetV3) named() bool { return v.User.Auth != usm.NoAuth }

// same reports whether two targets are one, with the same secrets, whatever they get.
func (t *Target) same(u *Target) bool {
	a, b := &t.V3.User, &u.V3.User
	if !a.AuthSecret.Equal(b.AuthSecret) || !a.PrivSecret.Equal(b.PrivSecret) {
		return false
	}
	other := *u
	other.Filter, other.Contexts = t.Filter, t.Contexts
	other.V3.User.AuthSecret, other.V3.User.PrivSecret = a.AuthSecret, a.PrivSecret
	return *t == other
}

// localAddress is Source as package net has it, nil for none.
func (t *Target) localAddress() net.Addr {
	switch from := netip.AddrPortFrom(t.Source, 0); {
	case !t.Source.IsValid():
		return nil
	case t.Address.Transport.IsStream():
		return net.TCPAddrFromAddrPort(from)
	default:
		return net.UDPAddrFromAddrPort(from)
	}
}

// Check says why nothing can be sent to a target by a server with that USM. Its error has no
// secret in it.
func (t *Target) Check(security *usm.Model) error {
	if err := t.problem(security); err != nil {
		return fmt.Errorf("snmp: target %v: %w", t.Address, err)
	}
	return nil
}

func (t *Target) problem(security *usm.Model) error {
	switch {
	case t.Version != SNMPv1 && t.Version != SNMPv2c && t.Version != SNMPv3:
		return fmt.Errorf("version %v is not supported", t.Version)
	case t.Inform && t.Version == SNMPv1:
		return errors.New("SNMPv1 has no InformRequest-PDU")
	case t.Retries < 0:
		return fmt.Errorf("%d retries", t.Retries)
	case t.AgentAddress.IsValid() && !t.AgentAddress.Is4():
		return fmt.Errorf("the agent-addr %v is not an IPv4 address", t.AgentAddress)
	case t.Source.IsValid() && t.Source.Is6() != t.Address.Transport.IsIPv6():
		return fmt.Errorf("nothing is sent from %v over %s", t.Source, t.Address.Transport)
	case len(t.Community) > maxDatagram/2:
		return fmt.Errorf("a community of %d octets", len(t.Community))
	case t.Version == SNMPv3 && security == nil:
		return errors.New("there is no SNMPv3 without Options.USM")
	case t.Version == SNMPv3:
		return t.V3.problem(security, t.Inform)
	}
	return nil
}

// maxContext is the longest contextName in octets (RFC 3415, vacmContextName).
const maxContext = 32

func (v *TargetV3) problem(security *usm.Model, inform bool) error {
	u := &v.User
	switch {
	case v.Level < usm.NoAuthNoPriv || v.Level > usm.AuthPriv:
		return fmt.Errorf("there is no security level %d", v.Level)
	case len(v.Context) > maxContext:
		return fmt.Errorf("a context's name has at most %d octets, not %d", maxContext, len(v.Context))
	case !inform && v.EngineID != "" && v.EngineID != security.Engine().ID():
		return fmt.Errorf("the engine of a trap is this agent's, %s, not %s", security.Engine().ID(), v.EngineID)
	case v.named() && v.Level == usm.AuthPriv && u.Priv == usm.NoPriv:
		return fmt.Errorf("user %q has no privacy protocol", u.Name)
	}
	for _, id := range []usm.EngineID{v.EngineID, v.ContextEngineID} {
		if id != "" {
			if err := id.Check(); err != nil {
				return err
			}
		}
	}
	engine := v.EngineID
	if engine == "" {
		engine = security.Engine().ID()
	}
	if inform && v.EngineID == "" && (u.AuthForm == usm.LocalizedKey && v.named() || u.PrivForm == usm.LocalizedKey && !u.PrivSecret.IsEmpty()) {
		return errors.New("a localised key is for one engine: the receiver's engine ID is needed")
	}
	_, err := u.Localize(engine)
	return errors.Join(err, security.Allows(u.Auth, u.Priv))
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
// follows it. Without a port it is the one given. The error quotes s and says what is wrong; names
// are looked up later.
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
