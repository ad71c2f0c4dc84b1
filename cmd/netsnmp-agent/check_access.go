package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib/communitymib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// letIn is a community or a user, and what may be asked by it. A community is told by its line, never by its name.
type letIn struct {
	Kind    string   `json:"kind"` // community or user
	Where   string   `json:"where,omitempty"`
	Name    string   `json:"name"`    // the security name
	Sources []string `json:"sources"` // of a community; empty is anywhere
	Denied  bool     `json:"denied"`  // the sources are shut out
	Context *string  `json:"context,omitempty"`
	Auth    string   `json:"auth,omitempty"`
	Priv    string   `json:"priv,omitempty"`
	Rights  []right  `json:"rights"`

	builtIn bool // no file has it
}

// right is what somebody may do.
type right struct {
	Versions []string `json:"versions"`
	Level    string   `json:"level"`    // the least
	Group    string   `json:"group"`    // of vacmAccessTable
	Contexts string   `json:"contexts"` // a name, or what names begin with and *
	Read     viewed   `json:"read"`
	Write    viewed   `json:"write"`
	Notify   viewed   `json:"notify"`
	Possible bool     `json:"possible"` // the user has keys for the level

	level usm.Level
}

// viewed is a view in words.
type viewed struct {
	View        string   `json:"view"`
	All         bool     `json:"all"`
	Included    []string `json:"included"`
	Excluded    []string `json:"excluded"`
	Communities bool     `json:"communities"` // names of communities are in it
}

// letsIn tells whom the access lets in, over versions but those without, with the engine of SNMPv3, nil for none.
func (a *access) letsIn(without []snmp.Version, v3 *engine) []letIn {
	all := []letIn{}
	builtIn := len(a.file.Files) == 0 || a.file.Files[0] == ""
	versions := map[vacm.SecurityModel]string{}
	for model, v := range map[vacm.SecurityModel]snmp.Version{vacm.SNMPv1: snmp.SNMPv1, vacm.SNMPv2c: snmp.SNMPv2c, vacm.USM: snmp.SNMPv3} {
		if !slices.Contains(without, v) {
			versions[model] = "SNMPv" + v.String()
		}
	}
	for i := range a.file.Communities {
		c := &a.file.Communities[i]
		if n := len(all); n > 0 && c.Where != "" && all[n-1].Where == c.Where && all[n-1].Denied == c.Deny && all[n-1].Name == c.SecurityName {
			all[n-1].Sources = append(all[n-1].Sources, c.Source.String())
			continue
		}
		who := letIn{Kind: "community", Where: c.Where, builtIn: builtIn, Name: c.SecurityName, Denied: c.Deny, Sources: []string{c.Source.String()}, Context: &c.Context, Rights: []right{}}
		if !c.Deny {
			for _, model := range []vacm.SecurityModel{vacm.SNMPv1, vacm.SNMPv2c} {
				if name, spoken := versions[model]; spoken {
					who.add(a, model, name, func(e *vacm.Access) bool {
						return e.Level == vacm.NoAuthNoPriv && (e.ContextPrefix == c.Context || e.Prefix && strings.HasPrefix(c.Context, e.ContextPrefix))
					})
				}
			}
		}
		all = append(all, who)
	}
	if v3 == nil || versions[vacm.USM] == "" {
		return all
	}
	for _, name := range a.userNames(v3) {
		who := letIn{Kind: "user", Name: name, Sources: []string{}, Rights: []right{}}
		highest := usm.Level(0)
		if u, ok := v3.model.User(v3.model.Engine().ID(), name); ok {
			who.Auth, who.Priv, highest = u.Auth.String(), u.Priv.String(), u.Level()
		}
		for _, u := range v3.stored {
			if u.Name == name && u.EngineID == v3.model.Engine().ID() && highest == 0 {
				who.Auth, who.Priv, highest = u.Auth.String(), u.Priv.String(), u.Level()
			}
		}
		for i := range a.file.Users {
			if a.file.Users[i].Name == name {
				who.Where = a.file.Users[i].Where
			}
		}
		who.add(a, vacm.USM, versions[vacm.USM], func(*vacm.Access) bool { return true })
		for i := range who.Rights {
			who.Rights[i].Possible = highest >= who.Rights[i].level
		}
		all = append(all, who)
	}
	return all
}

// userNames are the users that a file makes here or gives something, in its order, and those of the state that have something.
func (a *access) userNames(v3 *engine) (names []string) {
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range a.file.Users {
		if u := &a.file.Users[i]; u.EngineID == "" || u.EngineID == v3.model.Engine().ID() {
			add(u.Name)
		}
	}
	for _, g := range a.tables.Groups {
		if g.Model == vacm.USM || g.Model == vacm.Any && !slices.ContainsFunc(a.file.Communities, func(c snmpdconf.Community) bool { return c.SecurityName == g.SecurityName }) {
			add(g.SecurityName)
		}
	}
	return names
}

// add adds what somebody may do by a security model, of the entries that are for the question.
func (w *letIn) add(a *access, model vacm.SecurityModel, version string, applies func(*vacm.Access) bool) {
	group, _ := a.policy.Group(model, w.Name)
	entries := a.policy.Access(group)
	for i := range entries {
		e := &entries[i]
		if e.Model != vacm.Any && e.Model != model || !applies(e) {
			continue
		}
		contexts := e.ContextPrefix
		if e.Prefix {
			contexts += "*"
		}
		r := right{
			Versions: []string{version}, level: usm.Level(e.Level), Level: usm.Level(e.Level).String(), Group: group, Contexts: contexts, Possible: true,
			Read: a.viewed(e.Views[vacm.Read]), Write: a.viewed(e.Views[vacm.Write]), Notify: a.viewed(e.Views[vacm.Notify]),
		}
		same := slices.IndexFunc(w.Rights, func(o right) bool {
			return o.Group == r.Group && o.Contexts == r.Contexts && o.Level == r.Level &&
				o.Read.View == r.Read.View && o.Write.View == r.Write.View && o.Notify.View == r.Notify.View
		})
		if same >= 0 {
			w.Rights[same].Versions = append(w.Rights[same].Versions, version)
			continue
		}
		w.Rights = append(w.Rights, r)
	}
}

// viewed puts a view into words.
func (a *access) viewed(name string) viewed {
	v := viewed{View: name, Included: []string{}, Excluded: []string{}}
	of := a.policy.Named(name)
	if of == nil {
		return v
	}
	v.Communities = of.Names(communitymib.Identity)
	if v.All = of.Whole(); v.All {
		return v
	}
	for _, f := range a.tables.Families {
		if f.View != name {
			continue
		}
		if text := subtreeOf(f); f.Excluded {
			v.Excluded = append(v.Excluded, text)
		} else {
			v.Included = append(v.Included, text)
		}
	}
	return v
}

// subtreeOf writes a family's subtree with a * for each number that may be any.
func subtreeOf(f vacm.Family) string {
	var parts []string
	for i, n := range f.Subtree.Subidentifiers() {
		if i/8 < len(f.Mask) && f.Mask[i/8]&(0x80>>(i%8)) == 0 {
			parts = append(parts, "*")
		} else {
			parts = append(parts, fmt.Sprint(n))
		}
	}
	text := strings.Join(parts, ".")
	if name := snmpdconf.NameOf(f.Subtree); name != "" && len(f.Mask) == 0 {
		text += " (" + name + ")"
	}
	return text
}

// words are what a view lets somebody do.
func (v *viewed) words(verb string) string {
	text := verb + " "
	switch {
	case v.All:
		text += "everything"
	case len(v.Included) == 0:
		return verb + " nothing"
	default:
		text += strings.Join(v.Included, ", ")
		if len(v.Excluded) > 0 {
			text += " without " + strings.Join(v.Excluded, ", ")
		}
	}
	if v.Communities {
		text += ", names of communities too"
	}
	return text
}

// say prints whom it lets in.
func (w *letIn) say(say func(depth int, format string, args ...any)) {
	switch {
	case w.Kind == "user" && w.Auth == "":
		say(1, "user %s, of which no keys are known: nobody can ask as it", w.Name)
	case w.Kind == "user":
		say(1, "user %s (%s, %s) from anywhere", w.Name, w.Auth, w.Priv)
	case w.Denied:
		say(1, "nobody by the community at %s from %s", w.Where, strings.Join(w.Sources, ", "))
	case w.builtIn:
		say(1, "the community public from %s", strings.Join(w.Sources, ", "))
	default:
		say(1, "the community at %s from %s", w.Where, strings.Join(w.Sources, ", "))
	}
	if len(w.Rights) == 0 && !w.Denied {
		say(2, "may do nothing: no line gives it a view")
	}
	for i := range w.Rights {
		r := &w.Rights[i]
		of := contextWords(r.Contexts)
		if w.Context != nil {
			of = contextWords(*w.Context)
		}
		need := ""
		if !r.Possible {
			need = ", for which it has no keys"
		}
		parts := []string{r.Read.words("reads"), r.Write.words("writes")}
		if notify := r.Notify.words("is notified of"); len(r.Notify.Included) > 0 || r.Notify.All {
			parts = append(parts, notify)
		}
		say(2, "%s, %s%s, %s: %s", strings.Join(r.Versions, " and "), r.Level, need, of, strings.Join(parts, "; "))
	}
}

// contextWords names contexts.
func contextWords(of string) string {
	prefix, many := strings.CutSuffix(of, "*")
	switch {
	case of == "":
		return "the default context"
	case many && prefix == "":
		return "every context"
	case many:
		return fmt.Sprintf("contexts that begin with %q", prefix)
	}
	return fmt.Sprintf("the context %q", of)
}
