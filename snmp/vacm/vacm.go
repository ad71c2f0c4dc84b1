// Package vacm is the View-based Access Control Model of SNMP (RFC 3415): which variables of
// which context somebody may read, write or be told of. It has no sockets and knows no message.
//
// A [Policy] is compiled of [Tables] and immutable: who changes access makes another one. It is asked in two
// steps. [Policy.View] says which view a request has, once. A [View] says which variables are in it, and, so that
// a walk need not look at what is out, where the next ones begin; one of the whole tree says so, and costs
// nothing.
package vacm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// SecurityModel is an snmpSecurityModel (RFC 3411, section 5).
type SecurityModel int32

// The security models.
const (
	Any     SecurityModel = 0 // in Tables: each of them
	SNMPv1  SecurityModel = 1
	SNMPv2c SecurityModel = 2
	USM     SecurityModel = 3
)

// Level is an snmpSecurityLevel (RFC 3411, section 5). Higher ones are greater.
type Level int

// The security levels.
const (
	NoAuthNoPriv Level = 1
	AuthNoPriv   Level = 2
	AuthPriv     Level = 3
)

// ViewType is what somebody wants to do with a variable (RFC 3415, section 3.2).
type ViewType int

// The view types.
const (
	Read ViewType = iota
	Write
	Notify
)

// Result is what isAccessAllowed answers (RFC 3415, section 3.2).
type Result int

// The results.
const (
	AccessAllowed Result = iota
	NotInView
	NoSuchView
	NoSuchContext
	NoGroupName
	NoAccessEntry
)

var results = [...]string{"accessAllowed", "notInView", "noSuchView", "noSuchContext", "noGroupName", "noAccessEntry"}

// String returns the RFC's name, such as "noGroupName".
func (r Result) String() string {
	if r >= 0 && int(r) < len(results) {
		return results[r]
	}
	return fmt.Sprintf("Result(%d)", int(r))
}

// Tables are what a policy is made of. Of two rows with the same index the first one counts, as in
// snmpd.
type Tables struct {
	Groups   []Group  // vacmSecurityToGroupTable
	Access   []Access // vacmAccessTable
	Families []Family // vacmViewTreeFamilyTable
}

// Group says which group somebody is in. One for any model comes before those for one.
type Group struct {
	Model        SecurityModel
	SecurityName string // 1 to 32 octets
	Name         string // 1 to 32 octets
}

// Access says which views a group has. An empty name, and one that no family has, is no view.
type Access struct {
	Group         string
	ContextPrefix string // at most 32 octets
	Prefix        bool   // contexts that begin with ContextPrefix, and not only the one of that name
	Model         SecurityModel
	Level         Level     // the least that a request has to have
	Views         [3]string // by ViewType, each at most 32 octets
}

// Family includes a subtree in a view or excludes it. Of those that a variable is in, the longest counts, and
// of equally long ones the one whose subtree comes last.
type Family struct {
	View    string // 1 to 32 octets
	Subtree mib.OID
	// Mask says with each bit, the highest of the first octet first, whether that
	// sub-identifier has to be the same. What it is too short for has to be. At most 16 octets.
	Mask     []byte
	Excluded bool
}

// Bounds of names and masks (SNMP-VIEW-BASED-ACM-MIB).
const (
	maxName = 32
	maxMask = 16
)

// Policy says who may do what. It is immutable.
type Policy struct {
	groups map[principal]string
	access map[string][]Access // by group
	views  map[string]*View
}

type principal struct {
	model SecurityModel
	name  string
}

// Compile makes a policy of tables. Its error joins one for each row that is not what its MIB allows.
func Compile(t Tables) (*Policy, error) {
	p := &Policy{groups: map[principal]string{}, access: map[string][]Access{}, views: map[string]*View{}}
	var problems []error
	for _, g := range t.Groups {
		if err := errors.Join(named("security name", g.SecurityName), named("group", g.Name)); err != nil {
			problems = append(problems, fmt.Errorf("group %q: %w", shorten(g.Name), err))
			continue
		}
		who := principal{g.Model, g.SecurityName}
		if _, known := p.groups[who]; !known {
			p.groups[who] = g.Name
		}
	}
	entries := map[Access]bool{}
	for _, a := range t.Access {
		if err := a.check(); err != nil {
			problems = append(problems, fmt.Errorf("access of group %q: %w", shorten(a.Group), err))
			continue
		}
		if index := (Access{Group: a.Group, ContextPrefix: a.ContextPrefix, Model: a.Model, Level: a.Level}); !entries[index] {
			entries[index] = true
			p.access[a.Group] = append(p.access[a.Group], a)
		}
	}
	families := map[string][]Family{}
	subtrees := map[[2]string]bool{}
	for _, f := range t.Families {
		if err := f.check(); err != nil {
			problems = append(problems, fmt.Errorf("view %q: %w", shorten(f.View), err))
			continue
		}
		if index := [2]string{f.View, f.Subtree.Packed()}; !subtrees[index] {
			subtrees[index] = true
			families[f.View] = append(families[f.View], f)
		}
	}
	for name, list := range families {
		p.views[name] = NewView(list)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

func (a Access) check() error {
	problems := []error{named("group", a.Group)}
	for _, name := range append(a.Views[:], a.ContextPrefix) {
		if len(name) > maxName {
			problems = append(problems, named("view or context", name))
		}
	}
	if a.Level < NoAuthNoPriv || a.Level > AuthPriv {
		problems = append(problems, fmt.Errorf("there is no security level %d", a.Level))
	}
	return errors.Join(problems...)
}

func (f Family) check() error {
	err := named("view", f.View)
	if len(f.Mask) > maxMask {
		err = errors.Join(err, fmt.Errorf("the mask has %d octets: at most %d are allowed", len(f.Mask), maxMask))
	}
	if n := f.Subtree.Len(); n > mib.MaxOIDLength {
		err = errors.Join(err, fmt.Errorf("the subtree has %d sub-identifiers: at most %d are allowed", n, mib.MaxOIDLength))
	}
	return err
}

func named(what, name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("%s %q has not 1 to %d octets", what, shorten(name), maxName)
	}
	return nil
}

// shorten keeps messages short, whatever was given.
func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	return s[:80] + "..."
}

// Request is who wants to do what where.
type Request struct {
	Model        SecurityModel
	SecurityName string
	Level        Level
	Context      string
	// ContextExists says whether there is such a context: one in vacmContextTable.
	ContextExists bool
	Type          ViewType
}

// View returns the view that a request has, and AccessAllowed; or nil and the reason why there is none: steps 1
// to 4 of RFC 3415, section 3.2, in that order. Whether a variable is in the view, the last step, View.Contains
// says.
func (p *Policy) View(r Request) (*View, Result) {
	if !r.ContextExists {
		return nil, NoSuchContext
	}
	group, known := p.Group(r.Model, r.SecurityName)
	if !known {
		return nil, NoGroupName
	}
	var best *Access
	list := p.access[group]
	for i := range list {
		if a := &list[i]; a.covers(&r) && (best == nil || a.before(best, &r)) {
			best = a
		}
	}
	if best == nil {
		return nil, NoAccessEntry
	}
	v := p.views[best.Views[r.Type]]
	if v == nil {
		return nil, NoSuchView
	}
	return v, AccessAllowed
}

// IsAccessAllowed answers a whole question (RFC 3415, section 3.2).
func (p *Policy) IsAccessAllowed(r Request, variable mib.OID) Result {
	v, result := p.View(r)
	if v != nil && !v.Contains(variable, mib.OID{}) {
		return NotInView
	}
	return result
}

// Group returns the group that somebody is in, and whether there is one (RFC 3415, section 3.2, step 2).
func (p *Policy) Group(model SecurityModel, securityName string) (name string, known bool) {
	if name, known = p.groups[principal{Any, securityName}]; !known {
		name, known = p.groups[principal{model, securityName}]
	}
	return name, known
}

// Access returns what a group may do: its entries, in the order of the tables. They are not to be changed.
func (p *Policy) Access(group string) []Access { return p.access[group] }

// Named returns a view by its name, nil where no family has that.
func (p *Policy) Named(view string) *View { return p.views[view] }

// covers reports whether an entry is for a request (RFC 3415, section 3.2, step 3).
func (a *Access) covers(r *Request) bool {
	return (a.Model == Any || a.Model == r.Model) && a.Level <= r.Level &&
		(a.ContextPrefix == r.Context || a.Prefix && strings.HasPrefix(r.Context, a.ContextPrefix))
}

// before reports whether an entry is preferred to another one, both of which are for the request (DESCRIPTION of
// vacmAccessTable, "in the following order").
func (a *Access) before(b *Access, r *Request) bool {
	switch {
	case (a.Model == r.Model) != (b.Model == r.Model): // a) not any model
		return a.Model == r.Model
	case (a.ContextPrefix == r.Context) != (b.ContextPrefix == r.Context): // b) the context itself
		return a.ContextPrefix == r.Context
	case len(a.ContextPrefix) != len(b.ContextPrefix): // c) the longest prefix
		return len(a.ContextPrefix) > len(b.ContextPrefix)
	}
	return a.Level > b.Level // d) the highest level
}
