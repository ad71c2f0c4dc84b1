package snmp

import (
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
