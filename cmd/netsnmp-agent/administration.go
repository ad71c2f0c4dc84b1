package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/notificationmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/targetmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// administration is what the file says of access and of notifications, as managers read it. It
// may change while they do.
type administration struct {
	access  atomic.Pointer[agent.Access]
	targets atomic.Pointer[agent.Targets]
}

func (a *administration) set(who *access, sinks []snmp.Target) {
	a.access.Store(who.shown)
	a.targets.Store(shownTargets(sinks))
}

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

// shownTargets returns where notifications go as managers read it, under the names that net-snmp
// gives the lines of a file, "internal0" and on: each target has its own tag and parameters. That is
// the security name of a community as well, for which net-snmp tells the community itself.
func shownTargets(targets []snmp.Target) *agent.Targets {
	shown := new(agent.Targets)
	for i := range targets {
		t, name := &targets[i], fmt.Sprint("internal", i)
		a := targetmib.Address{Name: name, Timeout: t.Timeout, Retries: int32(min(t.Retries, 255)), Tags: name, Params: name}
		if a.Timeout == 0 { // of a trap, of which no answer is waited for
			a.Timeout = time.Second
		}
		a.Domain, a.Address = transportAddress(t.Address)
		p := targetmib.Params{Name: name, Model: t.Version.Number(), SecurityName: name, SecurityLevel: int32(usm.NoAuthNoPriv)}
		switch t.Version {
		case snmp.SNMPv3:
			p.SecurityModel, p.SecurityName, p.SecurityLevel = int32(snmp.UserBased), t.V3.User.Name, int32(t.V3.Level)
		case snmp.SNMPv2c:
			p.SecurityModel = int32(snmp.CommunityV2c)
		default:
			p.SecurityModel = int32(snmp.CommunityV1)
		}
		shown.Addresses, shown.Params = append(shown.Addresses, a), append(shown.Params, p)
		shown.Notifications = append(shown.Notifications, notificationmib.Notify{Name: name, Tag: name, Inform: t.Inform})
	}
	return shown
}

// The domains of transport addresses: snmpUDPDomain (RFC 3417, section 2) for what older managers
// know, and those of the TRANSPORT-ADDRESS-MIB (RFC 3419) for the rest.
var (
	udpDomain        = mib.MustParseOID("1.3.6.1.6.1.1")
	transportDomains = mib.MustParseOID("1.3.6.1.2.1.100.1")
)

// transportAddress returns the TDomain and the TAddress of an address. A name is told as it is: it is
// looked up when there is something to send.
func transportAddress(a snmp.TargetAddress) (mib.OID, string) {
	stream := func(udp, tcp uint32) mib.OID {
		if a.Transport.IsStream() {
			return transportDomains.Sub(tcp)
		}
		return transportDomains.Sub(udp)
	}
	port := string(binary.BigEndian.AppendUint16(nil, a.Port))
	switch ip, err := netip.ParseAddr(a.Host); {
	case err != nil:
		return stream(14, 15), fmt.Sprintf("%s:%d", a.Host, a.Port)
	case ip.Is4() && !a.Transport.IsStream():
		return udpDomain, string(ip.AsSlice()) + port
	case ip.Is4():
		return transportDomains.Sub(5), string(ip.AsSlice()) + port
	case ip.Zone() != "":
		return stream(4, 8), string(ip.AsSlice()) + string(binary.BigEndian.AppendUint32(nil, zoneIndex(ip.Zone()))) + port
	default:
		return stream(2, 6), string(ip.AsSlice()) + port
	}
}

// zoneIndex returns the number of a zone, 0 where there is none of that name.
func zoneIndex(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}
