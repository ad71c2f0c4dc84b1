package main

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/communitymib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// access is who is let in, and what for.
type access struct {
	communities []snmp.Community
	tables      vacm.Tables
	policy      *vacm.Policy      // of the tables
	file        *snmpdconf.Config // that says so: anybodyHere where the one that is read names nobody
}

// anybodyHere is the file that holds where none names anybody and nobody else can reach the agent.
const anybodyHere = "rocommunity public 127.0.0.0/8\nrocommunity6 public ::1/128\n"

// givesAccess reports whether a file has a line that is there to let somebody in. Where what it says cannot be known, as
// when a host's name is not found, nobody else is let in.
func givesAccess(file *snmpdconf.Config) bool {
	return file.GivesAccess || needs(file, snmpdconf.Users)
}

// accessOf returns what a file says of access, or anybodyHere.
func accessOf(file *snmpdconf.Config, addresses []snmp.Address) (*access, error) {
	if !givesAccess(file) {
		for _, a := range addresses {
			if !a.AddrPort.Addr().IsLoopback() {
				return nil, fmt.Errorf("%s is beyond the loopback interface and nobody is given access: "+
					"add a line such as \"rocommunity SECRET 192.0.2.0/24\" to a file and name it with --config", a)
			}
		}
		var err error
		if file, err = snmpdconf.Parse(context.Background(), "", strings.NewReader(anybodyHere)); err != nil {
			return nil, err
		}
	}
	policy, err := vacm.Compile(file.Access)
	if err != nil {
		return nil, err
	}
	a := &access{tables: file.Access, policy: policy, file: file}
	for _, c := range file.Communities {
		a.communities = append(a.communities, snmp.Community{
			Name: snmp.Secret(c.Name), Source: c.Source, Deny: c.Deny, SecurityName: c.SecurityName, Context: c.Context,
		})
	}
	return a, nil
}

// shownAccess returns the tables as managers read them. Of two rows with one index the first one
// counts, and is shown.
func shownAccess(t vacm.Tables) (groups []vacmmib.Group, rights []vacmmib.Access, families []vacmmib.Family) {
	for _, g := range t.Groups {
		groups = append(groups, vacmmib.Group{Model: uint32(g.Model), SecurityName: g.SecurityName, Name: g.Name, Storage: mib.StoragePermanent})
	}
	for _, r := range t.Access {
		rights = append(rights, vacmmib.Access{
			Group: r.Group, ContextPrefix: r.ContextPrefix, Model: uint32(r.Model), Level: uint32(r.Level), Prefix: r.Prefix,
			Read: r.Views[vacm.Read], Write: r.Views[vacm.Write], Notify: r.Views[vacm.Notify], Storage: mib.StoragePermanent,
		})
	}
	for _, f := range t.Families {
		families = append(families, vacmmib.Family{View: f.View, Subtree: f.Subtree, Mask: string(f.Mask), Excluded: f.Excluded, Storage: mib.StoragePermanent})
	}
	return groups, rights, families
}

// writtenAccess returns the rows that managers made.
func writtenAccess(a agent.Access) (t vacm.Tables) {
	for _, g := range a.Groups.Active() {
		if g.Storage != mib.StoragePermanent {
			t.Groups = append(t.Groups, vacm.Group{Model: vacm.SecurityModel(g.Model), SecurityName: g.SecurityName, Name: g.Name})
		}
	}
	for _, r := range a.Rights.Active() {
		if r.Storage != mib.StoragePermanent {
			t.Access = append(t.Access, vacm.Access{
				Group: r.Group, ContextPrefix: r.ContextPrefix, Prefix: r.Prefix, Model: vacm.SecurityModel(r.Model), Level: vacm.Level(r.Level),
				Views: [...]string{vacm.Read: r.Read, vacm.Write: r.Write, vacm.Notify: r.Notify},
			})
		}
	}
	for _, f := range a.Families.Active() {
		if f.Storage != mib.StoragePermanent {
			t.Families = append(t.Families, vacm.Family{View: f.View, Subtree: f.Subtree, Mask: []byte(f.Mask), Excluded: f.Excluded})
		}
	}
	return t
}

// overridden returns whom of those that a file gives access another policy gives other views to read or to write,
// as "SECURITYNAME of GROUP".
func overridden(file vacm.Tables, before, after *vacm.Policy) (whom []string) {
	type question struct {
		group vacm.Group
		by    vacm.Access
	}
	other := func(q question) bool {
		r := vacm.Request{Model: q.group.Model, SecurityName: q.group.SecurityName, Context: q.by.ContextPrefix, ContextExists: true}
		if r.Model == vacm.Any {
			r.Model = q.by.Model
		}
		models := []vacm.SecurityModel{r.Model}
		if r.Model == vacm.Any {
			models = []vacm.SecurityModel{vacm.SNMPv1, vacm.SNMPv2c, vacm.USM}
		}
		for _, r.Model = range models {
			for r.Level = q.by.Level; r.Level <= vacm.AuthPriv; r.Level++ {
				for _, r.Type = range []vacm.ViewType{vacm.Read, vacm.Write} {
					v, was := before.View(r)
					u, is := after.View(r)
					if was != is || !v.Same(u) || v.Names(communitymib.Identity) != u.Names(communitymib.Identity) {
						return true
					}
				}
			}
		}
		return false
	}
	for _, g := range file.Groups {
		name := fmt.Sprintf("%s of %s", g.SecurityName, g.Name)
		if slices.ContainsFunc(file.Access, func(a vacm.Access) bool { return a.Group == g.Name && other(question{g, a}) }) && !slices.Contains(whom, name) {
			whom = append(whom, name)
		}
	}
	return whom
}

// needs reports whether a file needs any of the needs.
func needs(file *snmpdconf.Config, any ...snmpdconf.Need) bool {
	return slices.ContainsFunc(file.Needs, func(n snmpdconf.Needed) bool { return slices.Contains(any, n.Need) })
}

// keepsFIPS reports whether nobody is to have protocols that FIPS 140 does not allow.
func (s *settings) keepsFIPS(file *snmpdconf.Config) bool {
	return s.fips || isYes(file.FIPS) || fips140.Enabled()
}

// checkFIPS names the lines of a file that FIPS 140 does not allow.
func (s *settings) checkFIPS(file *snmpdconf.Config) error {
	if !s.keepsFIPS(file) {
		return nil
	}
	var problems []error
	check := func(of usm.Credentials, where string) {
		if err := usm.CheckFIPS(of.Auth, of.Priv); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", where, err))
		}
	}
	for i := range file.Users {
		check(file.Users[i].Credentials, file.Users[i].Where)
	}
	for i := range file.Sinks {
		check(file.Sinks[i].User, file.Sinks[i].Where)
	}
	return errors.Join(problems...)
}

// engine is SNMPv3's, with what it must remember.
type engine struct {
	model  *usm.Model
	list   *usm.UserList // nil of one that is imagined
	stored []usm.User    // of one that is imagined: the users of the state
	fips   bool
}

// speaksV3 reports whether a file has SNMPv3 spoken.
func speaksV3(file *snmpdconf.Config) bool {
	return needs(file, snmpdconf.Users, snmpdconf.V3Notifications)
}

// goesOn reports whether the engine is the one that a file asks for.
func (e *engine) goesOn(file *snmpdconf.Config, fips bool) bool {
	return e != nil && speaksV3(file) && e.fips == fips && (file.EngineID == "" || file.EngineID == e.model.Engine().ID())
}

// startEngine starts SNMPv3 where a file asks for it; nil where it does not. Its number of boots is on disk
// when it returns.
func (s *settings) startEngine(file *snmpdconf.Config, kept *state.File) (e *engine, err error) {
	if !speaksV3(file) {
		return nil, nil
	}
	e = &engine{fips: s.keepsFIPS(file)}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	o := usm.StartOptions{EngineID: file.EngineID, Machine: machine, NetSNMP: s.tookOver, Log: s.log}
	authoritative, users, err := usm.Start(kept, o)
	if err != nil {
		return nil, fmt.Errorf("SNMPv3 cannot be spoken: %w", err)
	}
	e.model = usm.New(authoritative, usm.Options{FIPS: e.fips})
	if e.list, err = usm.NewUserList(e.model, kept, users, s.log); err != nil {
		return nil, err
	}
	if err := e.setUsers(file); err != nil {
		return nil, err
	}
	s.log.Info("SNMPv3 is spoken", "engineID", authoritative.ID().String(), "boots", authoritative.Boots(), "users", len(e.model.Users()))
	return e, nil
}

// readTakeOver reads what an agent of net-snmp left. It may be another user's file, which cannot be read later on. Users
// that cannot be used are said.
func (s *settings) readTakeOver() error {
	if s.takeOver == "" {
		return nil
	}
	f, err := os.Open(s.takeOver)
	if err != nil {
		return err
	}
	defer f.Close()
	if s.tookOver, err = usm.ReadNetSNMP(s.takeOver, f); err != nil {
		s.log.Warn("not all is taken over", "error", err)
	}
	return nil
}

// setUsers makes the users those of a file, as far as no manager changed them, and of the state.
func (e *engine) setUsers(file *snmpdconf.Config) error {
	users, err := usersOf(file, e.model.Engine().ID())
	if err != nil {
		return err
	}
	return e.list.Configure(users)
}

// usersOf returns the users that a file makes, those without an engine of their own at the one here.
func usersOf(file *snmpdconf.Config, here usm.EngineID) (users []usm.User, err error) {
	type id struct {
		engine usm.EngineID
		name   string
	}
	there := map[id]bool{}
	var problems []error
	for _, c := range file.Users {
		at := c.EngineID
		if at == "" {
			at = here
		}
		u, err := c.Localize(at)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", c.Where, err))
		case there[id{at, u.Name}]:
			problems = append(problems, fmt.Errorf("%s: user %q is there already", c.Where, u.Name))
		default:
			users = append(users, u)
		}
		there[id{at, c.Name}] = true
	}
	return users, errors.Join(problems...)
}

// imagined returns an engine such as startEngine would start, which counts no start and keeps nothing: for who asks what
// a file would do. Of the state it has the name and the users.
func (s *settings) imagined(file *snmpdconf.Config, kept *state.File) (*engine, error) {
	if !speaksV3(file) {
		return nil, nil
	}
	id, err := usm.StoredID(kept)
	if err != nil {
		return nil, err
	}
	e := &engine{fips: s.keepsFIPS(file)}
	if e.stored, err = usm.LoadUsers(kept); err != nil {
		return nil, err
	}
	switch {
	case file.EngineID != "":
		id = file.EngineID
	case id == "":
		id = usm.NewEngineID(nil)
	}
	e.model = usm.New(usm.NewEngine(id, 1, time.Now()), usm.Options{FIPS: e.fips})
	users, err := usersOf(file, id)
	if err != nil {
		return nil, err
	}
	return e, e.model.SetUsers(users)
}

// kept returns the users that the state has.
func (e *engine) kept() []usm.User {
	if e.list == nil {
		return e.stored
	}
	return e.list.Kept()
}

// usm returns the model, nil where SNMPv3 is not spoken.
func (e *engine) usm() *usm.Model {
	if e == nil {
		return nil
	}
	return e.model
}

// stateDirectory returns where the state is: --state, systemd's directory or the usual one.
func (s *settings) stateDirectory() string {
	if s.state != "" {
		return s.state
	}
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	return "/var/lib/netsnmp-agent"
}
