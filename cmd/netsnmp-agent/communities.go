package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/communitymib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/targetmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// shownCommunities returns the communities of a file as managers read them, in their order, which is that of their indexes,
// and the sources that they are taken from: rows of snmpTargetAddrTable, which are for one transport each. Who is shut out has no row.
func shownCommunities(list []snmp.Community, listening []snmp.Address, engineID string) (rows []communitymib.Community, sources []targetmib.Address) {
	var transports []snmp.Transport
	for _, a := range listening {
		if !slices.Contains(transports, a.Transport) {
			transports = append(transports, a.Transport)
		}
	}
	digits := len(strconv.Itoa(len(list)))
	for i, c := range list {
		if c.Deny {
			continue
		}
		index := fmt.Sprintf("community%0*d", digits, i+1)
		rows = append(rows, communitymib.Community{
			Index: index, Name: string(c.Name), SecurityName: c.SecurityName,
			ContextEngineID: engineID, ContextName: c.Context, TransportTag: index, Storage: mib.StorageReadOnly,
		})
		for _, transport := range transports {
			from := c.Source.Addr()
			if from.Is6() != transport.IsIPv6() {
				continue
			}
			name := fmt.Sprintf("%s-%s", index, transport)
			a := targetmib.Address{Name: name, Tags: index, Params: name, Storage: mib.StorageReadOnly}
			a.Domain, a.Address = transportAddress(snmp.TargetAddress{Transport: transport, Host: from.String()})
			a.Mask = string(net.CIDRMask(c.Source.Bits(), from.BitLen())) + "\x00\x00" // any port
			sources = append(sources, a)
		}
	}
	return rows, sources
}

// communityTable is snmpCommunityTable, whose active rows are of contexts of this engine.
func (a *administration) communityTable() *mib.Table[communitymib.Community] {
	t := communitymib.Communities()
	t.Begin = func(c *communitymib.Community) { c.ContextEngineID = a.engineID() }
	t.Check = func(c *mib.Change[communitymib.Community]) error {
		if !c.Removes() && !a.isOwn(&c.Row) {
			return c.Refuse(mib.InconsistentValue, "snmpCommunityContextEngineID", errOtherEngine)
		}
		return nil
	}
	return t
}

var (
	errOtherEngine = errors.New("it is another engine's, and nothing is passed on")
	errNoSource    = errors.New("messages come from an address, which has neither a name nor a zone")
)

// isOwn reports whether a community is of a context of this engine.
func (a *administration) isOwn(c *communitymib.Community) bool {
	return c.ContextEngineID == "" || c.ContextEngineID == a.engineID()
}

// writtenCommunities returns the communities of managers. What is not in use of them is said.
func (a *administration) writtenCommunities() (list []snmp.Community) {
	rows := a.access.Communities.Active()
	if !slices.ContainsFunc(rows, func(c communitymib.Community) bool { return c.Storage != mib.StorageReadOnly }) {
		return nil
	}
	endpoints := a.endpoints()
	var unused []string
	for i := range rows {
		c := &rows[i]
		if c.Storage == mib.StorageReadOnly {
			continue
		}
		if !a.isOwn(c) {
			unused = append(unused, c.Index)
			continue
		}
		of := snmp.Community{Name: snmp.Secret(c.Name), SecurityName: c.SecurityName, Context: c.ContextName}
		if c.TransportTag != "" {
			of.Endpoints = append([]snmp.Endpoint{}, endpoints[c.TransportTag]...)
			list = append(list, of)
			continue
		}
		for _, anywhere := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			of.Source = netip.PrefixFrom(anywhere, 0)
			list = append(list, of)
		}
	}
	if len(unused) > 0 {
		const most = 4
		a.log.Warn("some communities that managers wrote are not in use", "communities", len(unused),
			slog.Any("indexes", unused[:min(len(unused), most)]), "error", errOtherEngine)
	}
	return list
}

// endpoints returns where communities are taken from, by tag. An address that nothing can come from is none.
func (a *administration) endpoints() map[string][]snmp.Endpoint {
	byTag := map[string][]snmp.Endpoint{}
	for _, from := range a.targets.Addresses.Active() {
		e, err := endpointOf(&from)
		if err != nil {
			continue
		}
		for _, tag := range from.TagList() {
			byTag[tag] = append(byTag[tag], e)
		}
	}
	return byTag
}

// endpointOf returns where messages come from by a row.
func endpointOf(a *targetmib.Address) (snmp.Endpoint, error) {
	at, err := targetAddress(a.Domain, a.Address)
	if err != nil {
		return snmp.Endpoint{}, err
	}
	ip, err := netip.ParseAddr(at.Host)
	if err != nil || ip.Zone() != "" {
		return snmp.Endpoint{}, errNoSource
	}
	return snmp.Endpoint{
		Stream: at.Transport.IsStream(), Address: netip.AddrPortFrom(ip, at.Port), Mask: a.Mask, MaxMessageSize: int(a.MaxMessageSize),
	}, nil
}

// checkMask says what is wrong with the mask of a row's address.
func checkMask(a *targetmib.Address) error {
	switch {
	case a.Mask == "" || a.Address == "":
		return nil
	case len(a.Mask) != len(a.Address):
		return fmt.Errorf("the mask has %d octets, the address %d", len(a.Mask), len(a.Address))
	}
	_, err := endpointOf(a)
	return err
}

// isAnyPort reports whether the mask of a row lets any port be right.
func isAnyPort(a *targetmib.Address) bool { return strings.HasSuffix(a.Mask, "\x00\x00") }

// communityNamed returns the community that a security name stands for in the default context. It is a manager's: who may
// write where notifications go learns none of the file's by it.
func (a *administration) communityNamed(securityName string) (community string, ok bool) {
	for _, c := range a.communitiesNamed(securityName, false) {
		if c.ContextName == "" {
			return c.Name, true
		}
	}
	return "", false
}

// contextCommunities returns what a security name stands for in other contexts; the file's targets know the file's communities.
func (a *administration) contextCommunities(securityName string, ofFile bool) *snmp.ContextCommunities {
	byContext := map[string]snmp.Secret{}
	for _, c := range a.communitiesNamed(securityName, ofFile) {
		if _, there := byContext[c.ContextName]; !there && c.ContextName != "" {
			byContext[c.ContextName] = snmp.Secret(c.Name)
		}
	}
	return snmp.NewContextCommunities(byContext)
}

// communitiesNamed returns the communities with a security name, in the order of their indexes: those of managers, and of the file.
func (a *administration) communitiesNamed(securityName string, ofFile bool) []communitymib.Community {
	return slices.DeleteFunc(a.access.Communities.Active(), func(c communitymib.Community) bool {
		return c.SecurityName != securityName || c.Storage == mib.StorageReadOnly && !ofFile || !a.isOwn(&c)
	})
}
