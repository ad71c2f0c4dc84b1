package snmp

import (
	"crypto/subtle"
	"fmt"
	"net/netip"
	"slices"
)

// principal is on whose behalf a message was sent, as a security model found
// it.
type principal struct {
	contextName string
	write       bool
}

// securityModel says who sent a message (RFC 3411, section 4.4.2,
// processIncomingMsg).
type securityModel interface {
	// processIncoming judges a message's security parameters; ok is false
	// where they are nobody's. It is called by many goroutines.
	processIncoming(parameters []byte, source netip.Addr) (who principal, ok bool)
	// covers reports whether anybody is let in from source.
	covers(source netip.Addr) bool
}

// Community lets managers in who know its name and send from its network. It is
// what a row of snmpCommunityTable with its transport tag is (RFC 3584, section
// 5.3).
type Community struct {
	Name    string       // what the messages carry
	Source  netip.Prefix // where from: 0.0.0.0/0 is any IPv4 address, ::/0 any IPv6 one
	Write   bool         // whether it may SET as well
	Context string       // the SNMP context that it sees; "" is the default one
}

// communityModel is the community-based security model of SNMPv1 and SNMPv2c
// (RFC 3584, section 5.2). It is immutable.
type communityModel struct {
	communities []community
}

type community struct {
	name   []byte
	source netip.Prefix
	who    principal
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
			name:   []byte(c.Name),
			source: source.Masked(),
			who:    principal{contextName: c.Context, write: c.Write},
		})
	}
	return m, nil
}

// processIncoming finds the first community of that name that takes messages
// from source. How long it takes does not depend on how much of a name was
// guessed.
func (m *communityModel) processIncoming(parameters []byte, source netip.Addr) (who principal, ok bool) {
	source = bare(source)
	for i := range m.communities {
		c := &m.communities[i]
		same := subtle.ConstantTimeCompare(c.name, parameters) == 1
		if same && !ok && c.source.Contains(source) {
			who, ok = c.who, true
		}
	}
	return who, ok
}

func (m *communityModel) covers(source netip.Addr) bool {
	source = bare(source)
	return slices.ContainsFunc(m.communities, func(c community) bool { return c.source.Contains(source) })
}

// bare returns an address in the form that the networks of communities have.
func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
