package main

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/notificationmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// administration is where notifications go and who may do what: what the file says, and rows that
// managers made beside it.
type administration struct {
	log     *slog.Logger
	targets agent.Targets
	access  agent.Access
	restore []func() error // of each table
	id      atomic.Value   // of the engine, as engineID tells it

	mu     sync.Mutex
	state  *state.File // nil where nothing can be written
	listen []snmp.Address
	server *snmp.Server // what all of it is for; nil as long as there is none
	v3     *engine      // nil where SNMPv3 is not spoken
	file   *snmpdconf.Config
	sinks  []snmp.Target // of the file
	who    *access       // likewise
	// overridden is whom what managers wrote gives another access than the file.
	overridden []string
}

// newAdministration reads what managers wrote.
func newAdministration(log *slog.Logger, kept *state.File) (*administration, error) {
	a := &administration{log: log}
	a.targets.Addresses = keep(a, addressTable(), a.useAll)
	a.targets.Params = keep(a, paramsTable(), a.useTargets)
	a.targets.Notifications = keep(a, notificationmib.Notifications(), a.useTargets)
	a.targets.Profiles = keep(a, notificationmib.Profiles(), a.useTargets)
	a.targets.Filters = keep(a, notificationmib.Filters(), a.useTargets)
	a.access.Communities = keep(a, a.communityTable(), a.useAll)
	a.access.Groups = keep(a, vacmmib.Groups(), a.useAccess)
	a.access.Rights = keep(a, vacmmib.AccessRights(), a.useAccess)
	a.access.Families = keep(a, vacmmib.Families(), a.useAccess)
	return a, a.keepIn(kept)
}

// keepIn takes a state, with what was written into it; nil is none.
func (a *administration) keepIn(kept *state.File) error {
	a.mu.Lock()
	a.state = kept
	a.mu.Unlock()
	if kept == nil {
		return nil
	}
	var problems []error
	for _, restore := range a.restore {
		problems = append(problems, restore())
	}
	return errors.Join(problems...)
}

// kept returns the state, nil where there is none.
func (a *administration) kept() *state.File {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// keep returns the rows of a table that managers make, which are in a section of the state with the table's
// name. Rows that cannot be read are said, and left out.
func keep[R any](a *administration, t *mib.Table[R], use func() error) *mib.KeptRows[R] {
	check := t.Check
	t.Check = func(c *mib.Change[R]) error {
		switch {
		case a.kept() == nil:
			return c.Refuse(mib.NotWritable, "", errNotToKeep)
		case check != nil:
			return check(c)
		}
		return nil
	}
	rows := mib.KeepRows(t, mib.Keeping{
		Save: func(rows []mib.SavedRow) error { return a.kept().Put(map[string]any{t.Name: rows}) },
		Changed: func() {
			if err := use(); err != nil {
				a.log.Error("what managers wrote is not in use", "table", t.Name, "error", err)
			}
		},
	})
	a.restore = append(a.restore, func() error {
		kept := a.kept()
		var saved []mib.SavedRow
		if _, err := kept.Get(t.Name, &saved); err != nil {
			return err
		}
		if err := rows.Restore(saved); err != nil {
			a.log.Warn("rows that managers made are left out", "file", kept.Path(), "error", err)
		}
		return nil
	})
	return rows
}

// begin has a server, which is to listen there, do what the tables say from now on.
func (a *administration) begin(server *snmp.Server, listen []snmp.Address, file *snmpdconf.Config, who *access, sinks []snmp.Target, v3 *engine) error {
	a.mu.Lock()
	a.server, a.listen = server, listen
	a.mu.Unlock()
	return a.set(file, who, sinks, v3)
}

// set takes another file, with the engine of SNMPv3 that it asks for.
func (a *administration) set(file *snmpdconf.Config, who *access, sinks []snmp.Target, v3 *engine) error {
	a.mu.Lock()
	a.file, a.who, a.sinks, a.v3 = file, who, sinks, v3
	a.id.Store(v3.engineID())
	a.mu.Unlock()
	shown := shownTargets(file, sinks)
	communities, sources := shownCommunities(who.communities, a.listen, v3.engineID())
	shown.addresses = append(shown.addresses, sources...)
	fix(a, a.access.Communities, communities)
	fix(a, a.targets.Addresses, shown.addresses)
	fix(a, a.targets.Params, shown.params)
	fix(a, a.targets.Notifications, shown.notifications)
	fix(a, a.targets.Profiles, shown.profiles)
	fix(a, a.targets.Filters, shown.filters)
	groups, rights, families := shownAccess(who.tables)
	fix(a, a.access.Groups, groups)
	fix(a, a.access.Rights, rights)
	fix(a, a.access.Families, families)
	return a.useAll()
}

// engineID returns who the engine is, "" where it has no name.
func (a *administration) engineID() string {
	id, _ := a.id.Load().(string)
	return id
}

// useAll has the server do what the tables say.
func (a *administration) useAll() error { return errors.Join(a.useAccess(), a.useTargets()) }

// useAccess has the server let in whom the tables say.
func (a *administration) useAccess() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return nil
	}
	t := writtenAccess(a.access)
	t.Groups = append(a.who.tables.Groups[:len(a.who.tables.Groups):len(a.who.tables.Groups)], t.Groups...)
	t.Access = append(a.who.tables.Access[:len(a.who.tables.Access):len(a.who.tables.Access)], t.Access...)
	t.Families = append(a.who.tables.Families[:len(a.who.tables.Families):len(a.who.tables.Families)], t.Families...)
	policy, err := vacm.Compile(t)
	if err != nil {
		return err
	}
	if now := overridden(a.who.tables, a.who.policy, policy); !slices.Equal(now, a.overridden) {
		const most = 8
		if a.overridden = now; len(now) > 0 {
			a.log.Warn("what managers wrote counts before the access that the configuration file gives", "to", now[:min(len(now), most)], "number", len(now))
		} else {
			a.log.Info("access is again what the configuration file gives")
		}
	}
	communities := slices.Concat(a.who.communities, a.writtenCommunities())
	return a.server.SetSecurity(communities, a.v3.usm(), snmp.ViewBased(policy))
}

// fix makes rows those of the file.
func fix[R any](a *administration, rows *mib.KeptRows[R], fixed []R) {
	if hidden := rows.SetFixed(fixed); len(hidden) > 0 {
		a.log.Warn("the configuration file has rows in the place of some that managers made, which are not in use", "indexes", hidden)
	}
}

// engineID returns who the engine is, "" where SNMPv3 is not spoken.
func (e *engine) engineID() string {
	if e == nil {
		return ""
	}
	return string(e.model.Engine().ID())
}

// described adds who the engine is, where SNMPv3 is spoken.
func (e *engine) described(with enginemib.Engine) enginemib.Engine {
	if e != nil {
		of := e.model.Engine()
		with.ID, with.Boots, with.Time = string(of.ID()), of.Boots(), time.Duration(of.Time(time.Now()))*time.Second
	}
	return with
}
