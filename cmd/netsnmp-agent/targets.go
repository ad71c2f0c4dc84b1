package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/notificationmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/targetmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// fixedTargets are the rows of a file.
type fixedTargets struct {
	addresses     []targetmib.Address
	params        []targetmib.Params
	notifications []notificationmib.Notify
	profiles      []notificationmib.Profile
	filters       []notificationmib.Filter
}

// shownTargets returns where notifications go as managers read it, of a file and the targets of
// its lines. Each has its own parameters, of its name. That is the security name of a
// community as well, for which net-snmp tells the community itself.
func shownTargets(file *snmpdconf.Config, targets []snmp.Target) (shown fixedTargets) {
	for i := range targets {
		t, sink := &targets[i], &file.Sinks[i]
		name := sink.Name
		a := targetmib.Address{Name: name, Timeout: t.Timeout, Retries: int32(min(t.Retries, 255)), Tags: sink.Tag, Params: name, Storage: mib.StorageReadOnly}
		if a.Timeout == 0 { // of a trap, of which no answer is waited for
			a.Timeout = time.Second
		}
		a.Domain, a.Address = transportAddress(t.Address)
		p := targetmib.Params{
			Name: name, Model: t.Version.Number(), SecurityName: name, SecurityLevel: int32(usm.NoAuthNoPriv), Storage: mib.StorageReadOnly,
		}
		switch t.Version {
		case snmp.SNMPv3:
			p.SecurityModel, p.SecurityName, p.SecurityLevel = int32(snmp.UserBased), t.V3.User.Name, int32(t.V3.Level)
		case snmp.SNMPv2c:
			p.SecurityModel = int32(snmp.CommunityV2c)
		default:
			p.SecurityModel = int32(snmp.CommunityV1)
		}
		shown.addresses, shown.params = append(shown.addresses, a), append(shown.params, p)
		shown.notifications = append(shown.notifications, notificationmib.Notify{Name: name, Tag: sink.Tag, Inform: t.Inform, Storage: mib.StorageReadOnly})
		if sink.Profile != "" {
			shown.profiles = append(shown.profiles, notificationmib.Profile{Params: name, Name: sink.Profile, Storage: mib.StorageReadOnly})
		}
	}
	for _, f := range file.NotificationFilters {
		shown.filters = append(shown.filters, notificationmib.Filter{
			Profile: f.Profile, Subtree: f.Subtree, Mask: string(f.Mask), Excluded: f.Excluded, Storage: mib.StorageReadOnly,
		})
	}
	return shown
}

// addressTable is snmpTargetAddrTable, whose active rows are addresses that something can be sent to, or come from.
func addressTable() *mib.Table[targetmib.Address] {
	t := targetmib.Addresses()
	t.Check = func(c *mib.Change[targetmib.Address]) error {
		if err := checkMask(&c.Row); err != nil && (c.Sets("snmpTargetAddrTMask") || !c.Removes()) {
			return c.Refuse(mib.InconsistentValue, "snmpTargetAddrTMask", err)
		}
		if c.Removes() {
			return nil
		}
		at, err := targetAddress(c.Row.Domain, c.Row.Address)
		if err == nil && at.Port == 0 && !isAnyPort(&c.Row) {
			err = errPortZero
		}
		if err != nil {
			return c.Refuse(mib.InconsistentValue, "snmpTargetAddrTAddress", err)
		}
		return nil
	}
	return t
}

// paramsTable is snmpTargetParamsTable, whose active rows are of models that are spoken here.
func paramsTable() *mib.Table[targetmib.Params] {
	t := targetmib.Parameters()
	t.Check = func(c *mib.Change[targetmib.Params]) error {
		if c.Removes() {
			return nil
		}
		if _, err := targetOf(&c.Row); err != nil {
			return c.Refuse(mib.InconsistentValue, "snmpTargetParamsSecurityModel", err)
		}
		return nil
	}
	return t
}

// targetOf returns a target with the parameters. Of the versions with communities the security name is the
// community, as with net-snmp, unless it is that of a row in snmpCommunityTable.
func targetOf(p *targetmib.Params) (t snmp.Target, err error) {
	switch {
	case p.Model == snmp.SNMPv3.Number() && p.SecurityModel == int32(snmp.UserBased):
		t.Version = snmp.SNMPv3
		t.V3 = snmp.TargetV3{User: usm.Credentials{Name: p.SecurityName}, Level: usm.Level(p.SecurityLevel)}
		return t, usm.CheckName(p.SecurityName)
	case p.Model == snmp.SNMPv2c.Number() && p.SecurityModel == int32(snmp.CommunityV2c):
		t.Version = snmp.SNMPv2c
	case p.Model == snmp.SNMPv1.Number() && p.SecurityModel == int32(snmp.CommunityV1):
		t.Version = snmp.SNMPv1
	default:
		return t, fmt.Errorf("message processing model %d is not spoken with security model %d", p.Model, p.SecurityModel)
	}
	if t.Community = snmp.Secret(p.SecurityName); p.SecurityLevel != int32(usm.NoAuthNoPriv) {
		return t, errors.New("a community has the security level noAuthNoPriv")
	}
	return t, nil
}

// useTargets has notifications sent where the tables say. Rows that nothing can be sent by are said.
func (a *administration) useTargets() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return nil
	}
	filters := a.filters()
	targets := slices.Clone(a.sinks)
	for i := range targets {
		name := a.file.Sinks[i].Name
		targets[i].Filter, targets[i].Contexts = filters[name], a.contextCommunities(name, true)
	}
	params := map[string]*targetmib.Params{}
	for _, p := range a.targets.Params.Active() {
		params[p.Name] = &p
	}
	addresses := a.targets.Addresses.Active()
	var unused []string
	var problem error
	for _, n := range a.targets.Notifications.Active() {
		for i := range addresses {
			to := &addresses[i]
			// Of the rows of the file the targets are made already.
			if !to.HasTag(n.Tag) || n.Storage == mib.StorageReadOnly && to.Storage == mib.StorageReadOnly {
				continue
			}
			t, err := a.target(&n, to, params[to.Params])
			if err != nil {
				unused, problem = append(unused, to.Name), err
				continue
			}
			t.Filter, t.Contexts = filters[to.Params], a.contextCommunities(params[to.Params].SecurityName, false)
			targets = append(targets, t)
		}
	}
	if len(unused) > 0 {
		const most = 4
		a.log.Warn("nothing can be sent to some targets that managers wrote", "targets", len(unused),
			slog.Any("names", unused[:min(len(unused), most)]), "error", problem)
	}
	return a.server.SetTargets(targets)
}

// usersChanged has notifications by SNMPv3 sent with the keys that users have now.
func (a *administration) usersChanged() {
	if err := a.useTargets(); err != nil {
		a.log.Error("what managers wrote of users is not in use for notifications", "error", err)
	}
}

// filters returns the filters of those parameters that have one.
func (a *administration) filters() map[string]*snmp.Filter {
	families := map[string][]vacm.Family{} // by profile
	for _, f := range a.targets.Filters.Active() {
		families[f.Profile] = append(families[f.Profile], vacm.Family{Subtree: f.Subtree, Mask: []byte(f.Mask), Excluded: f.Excluded})
	}
	byProfile := map[string]*snmp.Filter{}
	for name, list := range families {
		byProfile[name] = snmp.NewFilter(list)
	}
	filters := map[string]*snmp.Filter{}
	for _, p := range a.targets.Profiles.Active() {
		filters[p.Params] = byProfile[p.Name]
	}
	return filters
}

// target returns the target that rows say, any of which may be the file's.
func (a *administration) target(n *notificationmib.Notify, to *targetmib.Address, p *targetmib.Params) (t snmp.Target, err error) {
	if p == nil {
		return t, fmt.Errorf("snmpTargetParamsTable has no active row %q", to.Params)
	}
	if sink := a.sink(p.Name, p.Storage); sink != nil {
		if a.sink(to.Name, to.Storage) != sink && a.hasSecret(sink) {
			return t, fmt.Errorf("the parameters %q are the configuration file's: their secret goes where the file says, and nowhere else", p.Name)
		}
		t = snmp.Target{Version: sink.Version, Community: sink.Community, V3: sink.V3}
	} else if t, err = targetOf(p); err != nil {
		return t, err
	} else if community, ok := a.communityNamed(p.SecurityName); ok && t.Version != snmp.SNMPv3 {
		t.Community = snmp.Secret(community)
	}
	if sink := a.sink(to.Name, to.Storage); sink != nil {
		t.Address, t.Source = sink.Address, sink.Source
	} else if t.Address, err = targetAddress(to.Domain, to.Address); err != nil {
		return t, err
	} else if t.Address.Port == 0 {
		return t, errPortZero
	} else if from := a.file.ClientAddr; from.IsValid() && from.Is6() == t.Address.Transport.IsIPv6() {
		t.Source = from
	}
	t.Inform, t.Timeout, t.Retries, t.MaxMessageSize = n.Inform, to.Timeout, int(to.Retries), int(to.MaxMessageSize)
	switch t.Version {
	case snmp.SNMPv1:
		t.AgentAddress = a.file.V1TrapAddress
	case snmp.SNMPv3:
		if a.v3 == nil {
			return t, errors.New("SNMPv3 is not spoken")
		}
		if err := a.v3.sender(&t, a.file); err != nil {
			return t, err
		}
	}
	return t, t.Check(a.v3.usm())
}

// sink returns the file's target whose rows have a name, nil for rows that managers made.
func (a *administration) sink(name string, storage mib.StorageType) *snmp.Target {
	if storage != mib.StorageReadOnly {
		return nil
	}
	for i := range a.sinks {
		if a.file.Sinks[i].Name == name {
			return &a.sinks[i]
		}
	}
	return nil
}

// hasSecret reports whether the line of a target of the file has a secret of its own: a community, or one that keys are made of. Who
// may write where notifications go could learn a community there, and find out by guessing what keys are made of.
func (a *administration) hasSecret(sink *snmp.Target) bool {
	for i := range a.sinks {
		if &a.sinks[i] == sink {
			return sink.Version != snmp.SNMPv3 || a.file.Sinks[i].User.Auth != usm.NoAuth
		}
	}
	return true
}

// The domains of transport addresses: snmpUDPDomain (RFC 3417, section 2) for what older managers
// know, and those of the TRANSPORT-ADDRESS-MIB (RFC 3419) for the rest.
var (
	udpDomain        = mib.MustParseOID("1.3.6.1.6.1.1")
	transportDomains = mib.MustParseOID("1.3.6.1.2.1.100.1")
)

// Domains below transportDomains.
const (
	udpIPv4  = 1
	udpIPv6  = 2
	udpIPv6z = 4
	tcpIPv4  = 5
	tcpIPv6  = 6
	tcpIPv6z = 8
	udpDNS   = 14
	tcpDNS   = 15
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
		return stream(udpDNS, tcpDNS), fmt.Sprintf("%s:%d", a.Host, a.Port)
	case ip.Is4() && !a.Transport.IsStream():
		return udpDomain, string(ip.AsSlice()) + port
	case ip.Is4():
		return transportDomains.Sub(tcpIPv4), string(ip.AsSlice()) + port
	case ip.Zone() != "":
		return stream(udpIPv6z, tcpIPv6z), string(ip.AsSlice()) + string(binary.BigEndian.AppendUint32(nil, zoneIndex(ip.Zone()))) + port
	default:
		return stream(udpIPv6, tcpIPv6), string(ip.AsSlice()) + port
	}
}

// targetAddress is the other way. What is looked up is looked up as IPv4.
func targetAddress(domain mib.OID, address string) (a snmp.TargetAddress, err error) {
	parent, kind := domain.Parent()
	if domain == udpDomain {
		parent, kind = transportDomains, udpIPv4
	}
	a.Transport = map[uint32]snmp.Transport{
		udpIPv4: snmp.UDP, udpIPv6: snmp.UDP6, udpIPv6z: snmp.UDP6, udpDNS: snmp.UDP,
		tcpIPv4: snmp.TCP, tcpIPv6: snmp.TCP6, tcpIPv6z: snmp.TCP6, tcpDNS: snmp.TCP,
	}[kind]
	if parent != transportDomains || a.Transport == "" {
		return a, fmt.Errorf("the domain %v is no transport that is spoken here", domain)
	}
	var octets, zone int
	switch kind {
	case udpDNS, tcpDNS:
		return snmp.ParseTargetAddress(string(a.Transport)+":"+address, 0)
	case udpIPv6z, tcpIPv6z:
		octets, zone = 16, 4
	case udpIPv6, tcpIPv6:
		octets = 16
	default:
		octets = 4
	}
	const port = 2
	if len(address) != octets+zone+port {
		return a, fmt.Errorf("an address of the domain %v has %d octets, not %d", domain, octets+zone+port, len(address))
	}
	ip, _ := netip.AddrFromSlice([]byte(address[:octets]))
	if zone > 0 {
		ip = ip.WithZone(strconv.FormatUint(uint64(binary.BigEndian.Uint32([]byte(address[octets:]))), 10))
	}
	a.Host, a.Port = ip.String(), binary.BigEndian.Uint16([]byte(address[octets+zone:]))
	return a, nil
}

var errPortZero = errors.New("nothing can be sent to port 0")

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
