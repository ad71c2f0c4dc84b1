package snmp

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// Secret is a community, which does not show however it is printed.
type Secret = protocol.Secret

// Community lets managers in who know its name and send from its network. It is
// what a row of snmpCommunityTable with its transport tag is (RFC 3584, section
// 5.3).
type Community struct {
	Name   Secret       // what the messages carry
	Source netip.Prefix // where from: 0.0.0.0/0 is any IPv4 address, ::/0 any IPv6 one
	// Endpoints, unless nil, are where from, in place of Source.
	Endpoints []Endpoint
	Write     bool   // whether it may SET as well, where Options has no AccessControl
	Context   string // the SNMP context that it sees; "" is the default one
	// SecurityName is what an AccessControl knows it by; no secret, as the name is.
	SecurityName string
	// Deny shuts out who knows the name and sends from the network, whatever further
	// communities say.
	Deny bool
}

// Endpoint is where messages come from: a row of snmpTargetAddrTable with what snmpTargetAddrExtTable
// has of it (RFC 3584, section 5).
type Endpoint struct {
	Stream  bool // over a connection
	Address netip.AddrPort
	// Mask has the bits that count of the address and then of the port, which takes two octets. "" has them all.
	Mask string
	// MaxMessageSize is how many octets an answer there has at most: 0 leaves that to the transport.
	MaxMessageSize int
}

// endpoint is an Endpoint as messages are compared with it: 16 octets of address and two of port.
type endpoint struct {
	stream         bool
	address, mask  [18]byte
	maxMessageSize int
}

func newEndpoint(e *Endpoint) (c endpoint, err error) {
	addr := bare(e.Address.Addr())
	size := addr.BitLen()/8 + 2
	switch {
	case !addr.IsValid():
		return c, errors.New("no address")
	case e.Mask != "" && len(e.Mask) != size:
		return c, fmt.Errorf("a mask of %d octets for an address of %d", len(e.Mask), size)
	}
	c = endpoint{stream: e.Stream, address: octetsOf(e.Address), maxMessageSize: e.MaxMessageSize}
	for i := range c.mask {
		c.mask[i] = 0xff
	}
	copy(c.mask[len(c.mask)-len(e.Mask):], e.Mask)
	return c, nil
}

// octetsOf returns an address with its port, of IPv4 as of IPv6.
func octetsOf(a netip.AddrPort) (octets [18]byte) {
	addr := bare(a.Addr()).As16()
	binary.BigEndian.PutUint16(octets[copy(octets[:], addr[:]):], a.Port())
	return octets
}

// has reports whether an address belongs to the endpoint, up to so many octets: with its port or without.
func (e *endpoint) has(address *[18]byte, octets int) bool {
	for i := range octets {
		if (e.address[i]^address[i])&e.mask[i] != 0 {
			return false
		}
	}
	return true
}

// communityModel is the community-based security model of SNMPv1 and SNMPv2c
// (RFC 3584, section 5.2). It is immutable.
type communityModel struct {
	communities []community
}

type community struct {
	name                  []byte
	source                netip.Prefix // invalid where there are endpoints
	endpoints             []endpoint
	securityName, context string
	write, deny           bool
}

func newCommunityModel(communities []Community) (*communityModel, error) {
	m := &communityModel{}
	for i, c := range communities {
		var from []endpoint
		for j := range c.Endpoints {
			e, err := newEndpoint(&c.Endpoints[j])
			if err != nil {
				return nil, fmt.Errorf("snmp: endpoint %d of community %d of %d: %w", j+1, i+1, len(communities), err)
			}
			from = append(from, e)
		}
		source := c.Source
		switch a := source.Addr(); {
		case c.Endpoints != nil:
			source = netip.Prefix{}
		case !source.IsValid():
			// Its name is a secret.
			return nil, fmt.Errorf("snmp: the source of community %d of %d is not a network", i+1, len(communities))
		case a.Is4In6() && source.Bits() >= 96:
			source = netip.PrefixFrom(a.Unmap(), source.Bits()-96)
		}
		m.communities = append(m.communities, community{
			name: []byte(c.Name), source: source.Masked(), endpoints: from,
			securityName: c.SecurityName, context: c.Context, write: c.Write, deny: c.Deny,
		})
	}
	return m, nil
}

// find returns the first community of that name that takes messages from there, nil where there is
// none, and how many octets an answer has at most, 0 for any number. How long it takes does not depend
// on how much of a name was guessed.
func (m *communityModel) find(name []byte, from origin) (found *community, maxSize int) {
	source := bare(from.Addr())
	for i := range m.communities {
		c := &m.communities[i]
		same := subtle.ConstantTimeCompare(c.name, name) == 1
		if !same || found != nil {
			continue
		}
		if c.source.Contains(source) {
			found = c
		} else if len(c.endpoints) > 0 {
			address := octetsOf(from.AddrPort)
			at := slices.IndexFunc(c.endpoints, func(e endpoint) bool { return e.stream == from.stream && e.has(&address, len(address)) })
			if at >= 0 {
				found, maxSize = c, c.endpoints[at].maxMessageSize
			}
		}
	}
	if found != nil && found.deny {
		return nil, 0
	}
	return found, maxSize
}

// covers reports whether anybody is let in from source over a connection.
func (m *communityModel) covers(source netip.Addr) bool {
	source = bare(source)
	address := octetsOf(netip.AddrPortFrom(source, 0))
	return slices.ContainsFunc(m.communities, func(c community) bool {
		return !c.deny && (c.source.Contains(source) ||
			slices.ContainsFunc(c.endpoints, func(e endpoint) bool { return e.stream && e.has(&address, net.IPv6len) }))
	})
}

// bare returns an address in the form that the networks of communities have.
func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
