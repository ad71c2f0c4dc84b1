package remote

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// Version is a version of SNMP.
type Version = protocol.Version

// Versions.
const (
	// VersionDefault is V3 where there is a security name, and V2c otherwise.
	VersionDefault = protocol.VersionDefault
	V1             = protocol.V1
	V2c            = protocol.V2c
	V3             = protocol.V3 // with the User-based Security Model (RFC 3414)
)

// SecurityLevel is what SNMPv3 protects a message with (RFC 3411, section
// 3.4.3).
type SecurityLevel uint8

// Security levels.
const (
	// LevelDefault is the highest that there are passphrases for.
	LevelDefault SecurityLevel = iota
	NoAuthNoPriv
	AuthNoPriv
	AuthPriv
)

var levelNames = [...]string{"default", "noAuthNoPriv", "authNoPriv", "authPriv"}

func (l SecurityLevel) String() string { return name(levelNames[:], int(l)) }

// AuthType is an authentication protocol.
type AuthType uint8

// Authentication protocols.
const (
	AuthNone   AuthType = iota
	AuthMD5             // HMAC-MD5-96 (RFC 3414)
	AuthSHA             // HMAC-SHA-96 (RFC 3414)
	AuthSHA224          // RFC 7860, as those below
	AuthSHA256
	AuthSHA384
	AuthSHA512
)

var authNames = [...]string{"none", "MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}

func (a AuthType) String() string { return name(authNames[:], int(a)) }

// PrivType is a privacy protocol.
type PrivType uint8

// Privacy protocols.
const (
	PrivNone   PrivType = iota
	PrivDES             // RFC 3414
	PrivAES             // 128 bits, RFC 3826
	PrivAES192          // keys extended as draft-blumenthal-aes-usm-04 has it, as net-snmp does
	PrivAES256
	PrivAES192C // keys extended as draft-reeder-snmpv3-usm-3desede-00 has it, as Cisco's devices do
	PrivAES256C
)

var privNames = [...]string{"none", "DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"}

func (p PrivType) String() string { return name(privNames[:], int(p)) }

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i)
}

// Secret is a community or a passphrase, which does not show however it is printed.
type Secret = protocol.Secret

// Config is how a host is reached and who asks. Its zero value lacks an Address
// and a Community or SecurityName; everything else has a default.
//
// A Config may be printed: secrets in it do not show.
type Config struct {
	// Address is the agent's, in the form that net-snmp's programs take:
	// [TRANSPORT:]HOST[:PORT], where TRANSPORT is udp (the default), udp6, tcp
	// or tcp6, and HOST a name, an IPv4 address or an IPv6 address, the latter
	// in brackets where a port follows. A link-local address has its interface
	// behind it: fe80::1%eth0. The addresses of a name are tried in turn until one answers,
	// IPv4's first behind udp.
	Address string
	// Port is where Address names none; 0 means 161.
	Port uint16

	Version Version
	// Community is SNMPv1's and SNMPv2c's.
	Community Secret

	// The rest is SNMPv3's. Passphrases have at least 8 octets (RFC 3414,
	// section 11.2).
	SecurityName   string
	SecurityLevel  SecurityLevel
	AuthType       AuthType
	AuthPassphrase Secret
	PrivType       PrivType
	PrivPassphrase Secret
	// Context is the SNMP context that is read: of an agent that shows network
	// namespaces, one of them.
	Context string

	// ContextEngineID is the octets of the engine ID whose context is read, 5 to 32 (RFC 3411, section 5, SnmpEngineID): of an
	// engine that the agent stands in front of. "" means the agent's own.
	ContextEngineID string

	// Timeout is how long an answer may take before its request is repeated; 0
	// means a second. Where answers came sooner, it is repeated sooner as well.
	Timeout time.Duration
	// Retries is how often a request is repeated after Timeout; unknown means 5
	// times. With 0 it is never repeated, and no
	// answer is asked for that may be too long to arrive.
	Retries netstat.Optional[int]
	// Sessions is how many requests may be outstanding at a time while large tables
	// are read, each on a socket of its own: at most, as there are fewer where the agent
	// or the way does not bear so many. 0 means 64 over UDP and 4 over TCP. With 1
	// rows come in the order of the table's index.
	Sessions int
	// MaxAnswer is how many octets an answer is asked to have at most, from 484 to
	// 60,000; 0 means 60,000. It begins with those that most networks carry in one piece.
	MaxAnswer int
	// AnySource has answers over UDP be taken from whatever address and port they come, and not
	// only from those that were asked: agents with several addresses answer from another one.
	// Such an answer has the request's number and community, or is authentic by SNMPv3. That
	// nobody listens at a port is not noticed then, but as no answer. Where it is off,
	// an agent that is heard only so has a *StrayError.
	AnySource bool
	// MaxRows is the most rows that a table may have: one that goes on is an
	// error. 0 means 4 Mi.
	MaxRows int
	// MaxOctets is the most octets that the indexes and values of a table's rows may
	// take, and of a host that a Pool or Hosts reads those of all its rows in one
	// reading: what goes on is an error. 0 means 256 MiB.
	MaxOctets int
}

const (
	defaultPort    = protocol.Port
	defaultTimeout = time.Second
	defaultRetries = 5
	defaultMaxRows = 4 << 20

	// Over TCP each is a connection, which costs the agent memory.
	defaultSessions, defaultStreams = 64, 4

	defaultMaxOctets = 256 << 20

	maxSessions   = 256
	minAnswer     = 484 // RFC 3417, section 3.2.1: all agents have room for that
	maxRetries    = 100
	minPassphrase = 8   // RFC 3414, section 11.2
	maxName       = 32  // RFC 3411, SnmpAdminString of a user and a context
	maxCommunity  = 255 // more has no use and no agent
)

// withDefaults returns the configuration with its defaults filled in, or what
// is wrong with it. No error shows a secret.
func (c Config) withDefaults() (Config, error) {
	if c.Port == 0 {
		c.Port = defaultPort
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if !c.Retries.IsKnown() {
		c.Retries.Set(defaultRetries)
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = longestAnswer
	}
	if c.MaxRows == 0 {
		c.MaxRows = defaultMaxRows
	}
	if c.MaxOctets == 0 {
		c.MaxOctets = defaultMaxOctets
	}
	if c.Version == VersionDefault {
		c.Version = V2c
		if c.SecurityName != "" {
			c.Version = V3
		}
	}
	if c.SecurityLevel == LevelDefault {
		switch {
		case c.PrivPassphrase != "" && c.PrivType != PrivNone:
			c.SecurityLevel = AuthPriv
		case c.AuthPassphrase != "" && c.AuthType != AuthNone:
			c.SecurityLevel = AuthNoPriv
		default:
			c.SecurityLevel = NoAuthNoPriv
		}
	}
	return c, c.check()
}

// Check says what is wrong with the configuration, as Open does, without asking
// anybody.
func (c Config) Check() error {
	c, err := c.withDefaults()
	if err == nil {
		_, err = c.endpoint()
	}
	return err
}

func (c *Config) check() error {
	retries := c.Retries.Or(0)
	switch {
	case c.Timeout < 0 || c.Timeout > time.Hour:
		return fmt.Errorf("timeout %v is not between 0 and an hour", c.Timeout)
	case retries < 0 || retries > maxRetries:
		return fmt.Errorf("retries %d is not between 0 and %d", retries, maxRetries)
	case c.Sessions < 0 || c.Sessions > maxSessions:
		return fmt.Errorf("%d sessions are not between 1 and %d", c.Sessions, maxSessions)
	case c.MaxAnswer < minAnswer || c.MaxAnswer > longestAnswer:
		return fmt.Errorf("answers of %d octets are not between %d and %d", c.MaxAnswer, minAnswer, longestAnswer)
	case c.MaxRows < 0:
		return fmt.Errorf("at most %d rows make no sense", c.MaxRows)
	case c.MaxOctets < 0:
		return fmt.Errorf("at most %d octets make no sense", c.MaxOctets)
	}
	switch c.Version {
	case V1, V2c:
		switch {
		case c.Community == "":
			return fmt.Errorf("SNMPv%v needs a community", c.Version)
		case len(c.Community) > maxCommunity:
			return fmt.Errorf("the community has more than %d octets", maxCommunity)
		case c.Context != "":
			return fmt.Errorf("SNMPv%v has no contexts: an agent takes the community for one", c.Version)
		case c.ContextEngineID != "":
			return fmt.Errorf("SNMPv%v has no engine IDs of contexts", c.Version)
		}
	case V3:
		return c.checkUser()
	default:
		return fmt.Errorf("unknown version %v", c.Version)
	}
	return nil
}

func (c *Config) checkUser() error {
	switch {
	case c.SecurityName == "":
		return errors.New("SNMPv3 needs a security name")
	case len(c.SecurityName) > maxName:
		return fmt.Errorf("the security name has more than %d octets", maxName)
	case len(c.Context) > maxCommunity:
		return fmt.Errorf("the context name has more than %d octets", maxCommunity)
	case c.ContextEngineID != "" && (len(c.ContextEngineID) < 5 || len(c.ContextEngineID) > 32):
		return fmt.Errorf("the context's engine ID has %d octets, which are not between 5 and 32", len(c.ContextEngineID))
	case c.SecurityLevel > AuthPriv || int(c.AuthType) >= len(authNames) || int(c.PrivType) >= len(privNames):
		return errors.New("unknown security level or protocol")
	case c.SecurityLevel >= AuthNoPriv && c.AuthType == AuthNone:
		return fmt.Errorf("%v needs an authentication protocol (AuthType; defAuthType in snmp.conf)", c.SecurityLevel)
	case c.SecurityLevel >= AuthNoPriv && len(c.AuthPassphrase) < minPassphrase:
		return fmt.Errorf("%v needs an authentication passphrase of at least %d octets", c.SecurityLevel, minPassphrase)
	case c.SecurityLevel == AuthPriv && c.PrivType == PrivNone:
		return fmt.Errorf("%v needs a privacy protocol", c.SecurityLevel)
	case c.SecurityLevel == AuthPriv && len(c.PrivPassphrase) < minPassphrase:
		return fmt.Errorf("%v needs a privacy passphrase of at least %d octets", c.SecurityLevel, minPassphrase)
	}
	return nil
}

// endpoint is an address taken apart.
type endpoint struct {
	network string // of net.Dial
	family  string // of net.Resolver.LookupNetIP
	// ipv4First says that the transport is net-snmp's udp, which is IPv4's.
	ipv4First bool
	host      string
	port      uint16
}

func (e endpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(int(e.port))) }

// dialError returns the error of a connection that cannot be made: what is not
// going to get better, or one that matches errTryAgain.
func (e endpoint) dialError(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && !dns.IsTimeout && !dns.IsTemporary {
		return dns
	}
	if addr, bad := netip.ParseAddr(e.host); bad == nil && addr.Zone() != "" && errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("there is no interface %s", addr.Zone()) // so Go dials without one
	}
	return tryAgain(err)
}

func (e endpoint) isStream() bool { return protocol.Transport(e.network).IsStream() }

// endpoint parses Address.
func (c *Config) endpoint() (endpoint, error) {
	bad := func(problem string) (endpoint, error) {
		return endpoint{}, fmt.Errorf("address %q: %s", c.Address, problem)
	}
	transport, host, port, err := protocol.SplitAddress(c.Address, c.Port)
	if err != nil {
		return bad(err.Error())
	}
	e := endpoint{network: "udp", family: "ip", ipv4First: transport == protocol.UDP, host: host, port: port}
	if transport.IsIPv6() {
		e.family = "ip6"
	}
	if transport != "" {
		e.network = string(transport)
	}
	addr, err := netip.ParseAddr(e.host)
	switch {
	case e.host == "":
		return bad("names no host")
	case strings.ContainsFunc(e.host, unicode.IsSpace):
		return bad("has blanks in it")
	case err != nil && strings.Contains(e.host, ":"):
		return bad("is neither an IPv6 address nor one behind a transport of udp, udp6, tcp and tcp6")
	case err == nil && transport.IsIPv6() && addr.Is4():
		return bad("is IPv4's behind a transport of IPv6")
	case err == nil && addr.Is6() && addr.IsLinkLocalUnicast() && addr.Zone() == "":
		return bad("is of a link that it does not name: its interface follows a %")
	}
	if e.port == 0 {
		return bad("nobody can be asked at port 0")
	}
	return e, nil
}
