package snmp

import (
	"fmt"
	"maps"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// Filter says which notifications a target gets (RFC 3413, section 6): those whose name is in
// it, and none of whose variables is excluded by it. It is immutable.
type Filter struct{ names, variables *vacm.View }

// NewFilter returns the filter of a profile's families of subtrees, nil where there are none:
// nothing is filtered then. Their View does not count.
func NewFilter(families []vacm.Family) *Filter {
	if len(families) == 0 {
		return nil
	}
	// A name that is in no family is excluded, and such a variable is not.
	return &Filter{vacm.NewView(families), vacm.NewView(append([]vacm.Family{{}}, families...))}
}

// ContextCommunities are the communities that stand for contexts where notifications go by SNMPv1 and
// SNMPv2c. They are immutable.
type ContextCommunities struct{ byContext map[string]Secret }

// NewContextCommunities returns the communities of contexts other than the default one, nil where there are none.
func NewContextCommunities(byContext map[string]Secret) *ContextCommunities {
	if len(byContext) == 0 {
		return nil
	}
	return &ContextCommunities{maps.Clone(byContext)}
}

// Format prints how many there are, for every verb.
func (c ContextCommunities) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{communities of %d contexts}", len(c.byContext))
}

// of returns the community that stands for a context.
func (c *ContextCommunities) of(contextName string) (community string, ok bool) {
	if c == nil {
		return "", false
	}
	secret, ok := c.byContext[contextName]
	return string(secret), ok
}

// has reports whether a community stands for any context.
func (c *ContextCommunities) has(community []byte) bool {
	if c != nil {
		for _, one := range c.byContext {
			if string(one) == string(community) {
				return true
			}
		}
	}
	return false
}

// passes reports whether a notification is sent, of whose variables the first two are sysUpTime.0 and
// snmpTrapOID.0, which has its name.
func (f *Filter) passes(variables []mib.Binding) bool {
	const name = 1
	if f == nil {
		return true
	}
	if !f.names.Contains(variables[name].Value.OID(), mib.OID{}) {
		return false
	}
	for i, b := range variables {
		if i != name && !f.variables.Contains(b.Object, b.Index) {
			return false
		}
	}
	return true
}
