package main

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// described adds who the engine is, where SNMPv3 is spoken.
func (e *engine) described(with enginemib.Engine) enginemib.Engine {
	if e != nil {
		of := e.model.Engine()
		with.ID, with.Boots, with.Time = string(of.ID()), of.Boots(), of.Time(time.Now())
	}
	return with
}

// users are those of SNMPv3 as usmUserTable has them.
func (e *engine) users() (rows []usmmib.User) {
	if e == nil {
		return nil
	}
	for _, u := range e.model.Users() {
		row := usmmib.User{
			EngineID: string(u.EngineID), Name: u.Name, CloneFrom: mib.MakeOID(0, 0),
			Auth: u.Auth.OID(), Priv: u.Priv.OID(), Public: u.Public, ReadOnly: !u.Kept,
		}
		if o, err := mib.ParseOID(u.CloneFrom); err == nil {
			row.CloneFrom = o
		}
		rows = append(rows, row)
	}
	return rows
}

// shownOf returns the tables of access as managers read them. Of two rows with one index the first
// one counts, and is there.
func shownOf(t vacm.Tables) *agent.Access {
	a := &agent.Access{}
	groups, rights, families := map[any]bool{}, map[any]bool{}, map[any]bool{}
	first := func(there map[any]bool, index any) bool {
		defer func() { there[index] = true }()
		return !there[index]
	}
	for _, g := range t.Groups {
		if first(groups, vacm.Group{Model: g.Model, SecurityName: g.SecurityName}) {
			a.Groups = append(a.Groups, vacmmib.Group{Model: uint32(g.Model), SecurityName: g.SecurityName, Name: g.Name})
		}
	}
	for _, r := range t.Access {
		if first(rights, vacm.Access{Group: r.Group, ContextPrefix: r.ContextPrefix, Model: r.Model, Level: r.Level}) {
			a.Rights = append(a.Rights, vacmmib.Access{
				Group: r.Group, ContextPrefix: r.ContextPrefix, Model: uint32(r.Model), Level: uint32(r.Level), Prefix: r.Prefix,
				Read: r.Views[vacm.Read], Write: r.Views[vacm.Write], Notify: r.Views[vacm.Notify],
			})
		}
	}
	for _, f := range t.Families {
		if first(families, [2]string{f.View, f.Subtree.Packed()}) {
			a.Families = append(a.Families, vacmmib.Family{View: f.View, Subtree: f.Subtree, Mask: string(f.Mask), Excluded: f.Excluded})
		}
	}
	return a
}
