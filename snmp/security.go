package snmp

import (
	"crypto/subtle"
	"fmt"
	"net/netip"
	"slices"
)

// Community lets managers in who know its name and send from its network. It is
// what a row of snmpCommunityTable with its transport tag is (RFC 3584, section
// 5.3).
type Community struct {
	Name    string       // what the messages carry
	Source  netip.Prefix // where from: 0.0.0.0/0 is any IPv4 address, ::/0 any IPv6 one
	Write   bool         // whether it may SET as well, where Options has no AccessControl
	Context string       // the SNMP context that it sees; "" is the default one
	// SecurityName is what an AccessControl knows it by; no secret, as the name is.
	SecurityName string
	// Deny shuts out who knows the name and sends from the network, whatever further
	// communities say.
	Deny bool
}

// communityModel is the community-based security model of SNMPv1 and SNMPv2c
// (RFC 3584, section 5.2). It is immutable.
type communityModel struct {
	communities []community
}

type community struct {
	name                  []byte
	source                netip.Prefix
	securityName, context string
	write, deny           bool
}

func newCommunityModel(communities []Community) (*communityModel, error) {
	m := &communityModel{}
	for i, c := range communities {
		if !c.Source.IsValid() {
			// Its name is a secret.
			return nil, fmt.Errorf("snmp: the source of community %d of %d is not a network", i+1, len(communities))
		}
		source := c.Source
		if a := source.Addr(); a.Is4In6() && source.Bits() >= 96 {
			source = netip.PrefixFrom(a.Unmap(), source.Bits()-96)
		}
		m.communities = append(m.communities, community{
			name: []byte(c.Name), source: source.Masked(),
			securityName: c.SecurityName, context: c.Context, write: c.Write, deny: c.Deny,
		})
	}
	return m, nil
}

// find returns the first community of that name that takes messages from source, nil
// where there is none. How long it takes does not depend on how much of a name was
// guessed.
func (m *communityModel) find(name []byte, source netip.Addr) (found *community) {
	source = bare(source)
	for i := range m.communities {
		c := &m.communities[i]
		same := subtle.ConstantTimeCompare(c.name, name) == 1
		if same && found == nil && c.source.Contains(source) {
			found = c
		}
	}
	if found != nil && found.deny {
		return nil
	}
	return found
}

// covers reports whether anybody is let in from source.
func (m *communityModel) covers(source netip.Addr) bool {
	source = bare(source)
	return slices.ContainsFunc(m.communities, func(c community) bool { return !c.deny && c.source.Contains(source) })
}

// bare returns an address in the form that the networks of communities have.
func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
