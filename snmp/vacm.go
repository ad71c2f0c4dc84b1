package snmp

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// ViewBased returns the access control of a policy (RFC 3415). It knows communities by
// their SecurityName.
func ViewBased(policy *vacm.Policy) AccessControl { return viewBased{policy} }

type viewBased struct{ policy *vacm.Policy }

func (a viewBased) View(who *Principal, what Operation) (mib.Subset, bool) {
	types := [...]vacm.ViewType{Read: vacm.Read, Write: vacm.Write}
	v, result := a.policy.View(vacm.Request{
		Model: vacm.SecurityModel(who.Model), SecurityName: who.Name, Level: vacm.Level(who.Level),
		Context: who.Context, ContextExists: true, Type: types[what],
	})
	switch {
	case result == vacm.NoSuchView && what == Write && who.Model != UserBased:
		// A community that may only read is answered with noAccess, as by snmpd, and its
		// SET is counted as a bad use of the community (RFC 3418).
		return Nothing{}, true
	case result != vacm.AccessAllowed:
		return nil, false
	case v.Whole() && !v.Names(mib.OID{}):
		return nil, true
	}
	return (*view)(v), true
}

// view is a vacm.View for a tree.
type view vacm.View

func (v *view) Covers(object mib.OID) mib.Coverage {
	switch (*vacm.View)(v).Covers(object) {
	case vacm.None:
		return mib.CoversNothing
	case vacm.All:
		return mib.CoversAll
	}
	return mib.CoversPart
}

func (v *view) Names(subtree mib.OID) bool { return (*vacm.View)(v).Names(subtree) }

func (v *view) Seek(object, index mib.OID) (mib.OID, bool) {
	of := (*vacm.View)(v)
	if of.Contains(object, index) {
		return index, true
	}
	next, ok := of.Next(object.Append(index))
	if !ok {
		return mib.OID{}, false
	}
	return next.CutPrefix(object)
}
