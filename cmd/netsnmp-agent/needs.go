package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// maxWarnings is how many warnings of a file are logged.
const maxWarnings = 100

// heed logs what a file says in vain. Under --strict, or where the file is strict itself, that is an error.
func (s *settings) heed(file *snmpdconf.Config, all []snmpdconf.Warning) error {
	if s.isStrict(file) {
		var problems []error
		for _, w := range all {
			problems = append(problems, errors.New(w.String()))
		}
		return snmpdconf.Join(problems)
	}
	for i, w := range all {
		if i == maxWarnings {
			s.log.Warn("more of the configuration file is said in vain", "lines", len(all)-i)
			break
		}
		s.log.Warn(w.Text, "where", w.Where)
	}
	return nil
}

// isStrict reports whether what a file says in vain is an error.
func (s *settings) isStrict(file *snmpdconf.Config) bool { return s.strict || isYes(file.Strict) }

// warnings are what a file says in vain to an agent that listens at those addresses.
func (s *settings) warnings(file *snmpdconf.Config, addresses []snmp.Address) []snmpdconf.Warning {
	all := append(slices.Clone(file.Warnings), s.warningsOfNeeds(file)...)
	if s.agentx != "" || s.config == "" {
		return all
	}
	all = append(all, unreached(file, addresses)...)
	if slices.ContainsFunc(addresses, func(a snmp.Address) bool { return !a.Addr().IsLoopback() }) {
		all = append(all, wrapped("/etc")...)
	}
	return all
}

const noOthers = "there is the default context only: netnsContexts makes others"

// warningsOfNeeds tells of lines that let somebody do what nobody can do here.
func (s *settings) warningsOfNeeds(file *snmpdconf.Config) (all []snmpdconf.Warning) {
	noContexts := len(s.contexts) == 0 && len(file.NetNSContexts) == 0
	if noContexts && len(file.NetNSNotifications) > 0 {
		all = append(all, snmpdconf.Warning{Where: file.NetNSNotifications[0].Where, Text: noOthers})
	}
	for _, n := range file.Needs {
		text := ""
		switch n.Need {
		case snmpdconf.Contexts:
			if noContexts {
				text = noOthers
			}
		case snmpdconf.SystemGroup:
			if s.agentx != "" && noContexts {
				text = "a subagent has a system group in contexts of namespaces only: the master's says this otherwise"
			}
		case snmpdconf.Notifications:
			text = "a notify view keeps nothing from anybody, here as with snmpd: notifications go where trapsess and its kin say"
		case snmpdconf.LocalSockets:
			text = "nobody can ask over a socket of the local family here"
		}
		if text != "" {
			all = append(all, snmpdconf.Warning{Where: n.Where, Text: text})
		}
	}
	return all
}

// unreached compares who is let in with where the agent listens: which lines are for nobody who can ask, and at which addresses
// nobody is let in.
func unreached(file *snmpdconf.Config, addresses []snmp.Address) (all []snmpdconf.Warning) {
	for at := 0; at < len(file.Communities); {
		// One line may have let in networks of both families, or a host of several addresses.
		line := file.Communities[at:]
		if n := slices.IndexFunc(line, func(c snmpdconf.Community) bool { return c.Where != line[0].Where }); n >= 0 {
			line = line[:n]
		}
		at += len(line)
		reachable, spoken := line[0].Deny, false
		for _, c := range line {
			for _, a := range addresses {
				if a.Addr().Is6() == c.Source.Addr().Is6() {
					spoken = true
					reachable = reachable || !a.Addr().IsLoopback() || c.Source.Overlaps(loopbackOf(a.Addr()))
				}
			}
		}
		family := "IPv4"
		if line[0].Source.Addr().Is6() {
			family = "IPv6"
		}
		switch {
		case reachable:
		case !spoken:
			all = append(all, snmpdconf.Warning{Where: line[0].Where, Text: fmt.Sprintf("nobody can ask by it: the agent listens at no address of %s", family)})
		default:
			all = append(all, snmpdconf.Warning{Where: line[0].Where, Text: fmt.Sprintf("nobody there can ask: over %s the agent listens at loopback addresses only", family)})
		}
	}
	if len(file.Communities) == 0 || needs(file, snmpdconf.Users) {
		return all
	}
	for _, a := range addresses {
		if !slices.ContainsFunc(file.Communities, func(c snmpdconf.Community) bool { return c.Source.Addr().Is6() == a.Addr().Is6() }) {
			all = append(all, snmpdconf.Warning{Where: a.String(), Text: "nobody is let in there: rocommunity is for IPv4, rocommunity6 for IPv6"})
		}
	}
	return all
}

func loopbackOf(a netip.Addr) netip.Prefix {
	if a.Is6() {
		return netip.PrefixFrom(netip.IPv6Loopback(), 128)
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)
}

// wrapped tells of rules of TCP wrappers for snmpd (hosts_access(5)) in a folder: snmpd heeds them, where it is linked with
// libwrap, and this agent does not.
func wrapped(folder string) (all []snmpdconf.Warning) {
	for _, name := range []string{"hosts.allow", "hosts.deny"} {
		path := filepath.Join(folder, name)
		f, err := os.Open(path)
		if err != nil {
			continue // what is not there has no rules, and any user can read what is
		}
		text, err := io.ReadAll(io.LimitReader(f, 1<<20))
		f.Close()
		if err != nil {
			continue
		}
		number, first, rule := 0, 0, ""
		for line := range strings.Lines(string(text)) {
			number++
			if rule == "" {
				first = number
			}
			line = strings.TrimRight(line, "\r\n")
			if before, more := strings.CutSuffix(line, "\\"); more {
				rule += before + " "
				continue
			}
			rule += line
			daemons, _, isRule := strings.Cut(rule, ":")
			if isRule && !strings.HasPrefix(rule, "#") && concernsSnmpd(daemons) {
				all = append(all, snmpdconf.Warning{
					Where: fmt.Sprintf("%s:%d", path, first),
					Text:  "TCP wrappers are not heeded here: the sources of communities and the firewall say who can ask",
				})
			}
			rule = ""
		}
	}
	return all
}

// concernsSnmpd reports whether a list of daemons has snmpd in it.
func concernsSnmpd(daemons string) bool {
	for _, d := range strings.FieldsFunc(daemons, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		d, _, _ = strings.Cut(d, "@")
		switch {
		case d == "EXCEPT":
			return false
		case d == "ALL" || strings.EqualFold(d, "snmpd"):
			return !strings.Contains(daemons, "EXCEPT") || !exempt(daemons)
		}
	}
	return false
}

// exempt reports whether snmpd stands behind EXCEPT.
func exempt(daemons string) bool {
	_, behind, _ := strings.Cut(daemons, "EXCEPT")
	return concernsSnmpd(behind)
}
