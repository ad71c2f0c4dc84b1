package collectors

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// counterFile is a file of counters and the form that it has.
type counterFile struct {
	path   string
	groups []netstat.CounterGroup // that are in it
	parse  func(*lines, func(netstat.Counter) bool)
}

// counterFiles returns the files in the order that Counters yields them in.
func counterFiles() []counterFile {
	return []counterFile{
		{"/proc/net/snmp", []netstat.CounterGroup{netstat.GroupIP, netstat.GroupICMP, netstat.GroupTCP, netstat.GroupUDP, netstat.GroupUDPLite}, parseCounterPairs},
		{"/proc/net/netstat", []netstat.CounterGroup{netstat.GroupTCP, netstat.GroupIP, netstat.GroupMPTCP}, parseCounterPairs},
		{"/proc/net/snmp6", []netstat.CounterGroup{netstat.GroupIP6, netstat.GroupICMP6, netstat.GroupUDP6, netstat.GroupUDPLite6}, parseCounterLines},
		{"/proc/net/sctp/snmp", []netstat.CounterGroup{netstat.GroupSCTP}, parseCounterLines},
		{"/proc/net/xfrm_stat", []netstat.CounterGroup{netstat.GroupIPsec}, parseCounterLines},
		{"/proc/net/tls_stat", []netstat.CounterGroup{netstat.GroupTLS}, parseCounterLines},
		{"/proc/net/stat/nf_conntrack", []netstat.CounterGroup{netstat.GroupConntrack}, parseConntrackCounters},
		{"/proc/net/sockstat", []netstat.CounterGroup{netstat.GroupSocket}, parseSockstat},
		{"/proc/net/sockstat6", []netstat.CounterGroup{netstat.GroupSocket}, parseSockstat},
	}
}

// Counters yields every counter of /proc/net/snmp, netstat, snmp6, sctp/snmp,
// xfrm_stat, tls_stat, stat/nf_conntrack, sockstat and sockstat6, whichever of them the kernel has.
func (k *Kernel) Counters(ctx context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		missing := slices.Clone(groups)
		stopped := false
		for _, file := range counterFiles() {
			if len(groups) > 0 && !slices.ContainsFunc(file.groups, func(g netstat.CounterGroup) bool { return slices.Contains(groups, g) }) {
				continue
			}
			err := k.readLines(ctx, file.path, func(l *lines) {
				file.parse(l, func(c netstat.Counter) bool {
					if len(groups) > 0 {
						if !slices.Contains(groups, c.Group) {
							return true
						}
						missing = slices.DeleteFunc(missing, func(g netstat.CounterGroup) bool { return g == c.Group })
					}
					stopped = !yield(c, nil)
					return !stopped
				})
			})
			switch {
			case stopped:
				return
			case err != nil && !isAbsent(err):
				yield(netstat.Counter{}, k.readError("read "+file.path, err))
				return
			}
		}
		for _, g := range missing {
			if !yield(netstat.Counter{}, k.readError("read counters", notSupported(fmt.Errorf("no counters of group %q in %s", g, filesOf(g))))) {
				return
			}
		}
	}
}

// filesOf names the files that hold a group's counters, for an error.
func filesOf(g netstat.CounterGroup) string {
	var paths []string
	for _, file := range counterFiles() {
		if slices.Contains(file.groups, g) {
			paths = append(paths, file.path)
		}
	}
	if paths == nil {
		return "any file of /proc/net"
	}
	return strings.Join(paths, ", ")
}

// parseCounterPairs reads files of pairs of lines (net/ipv4/proc.c,
// snmp_seq_show and netstat_seq_show; net/mptcp/mib.c): a line of names and one
// of values, both with the same prefix.
//
//	TcpExt: SyncookiesSent SyncookiesRecv
//	TcpExt: 0 0
func parseCounterPairs(l *lines, each func(netstat.Counter) bool) {
	var names []string
	var prefix string
	for l.next() {
		head, rest, ok := bytes.Cut(l.text, []byte(":"))
		if !ok || len(head) == 0 {
			l.fail("no prefix before a colon")
			return
		}
		if names == nil {
			prefix = string(head)
			names = strings.Fields(string(rest))
			if names == nil {
				names = []string{}
			}
			continue
		}
		values := fields(rest)
		switch {
		case string(head) != prefix:
			l.fail("values of %q expected", prefix)
			return
		case len(values) != len(names):
			l.fail("%d names but %d values", len(names), len(values))
			return
		}
		group := groupOf(prefix)
		for i, name := range names {
			value, err := netstat.ParseNumber(string(values[i]))
			if err != nil {
				l.fail("%s: %w", name, err)
				return
			}
			if !each(netstat.Counter{Name: prefix + name, Group: group, Value: value}) {
				return
			}
		}
		names = nil
	}
	if names != nil && l.err == nil {
		l.fail("names without values")
	}
}

// parseCounterLines reads files of one counter in each line (net/ipv6/proc.c,
// net/xfrm/xfrm_proc.c, net/sctp/proc.c, net/tls/tls_proc.c).
//
//	Ip6InReceives                   	287
func parseCounterLines(l *lines, each func(netstat.Counter) bool) {
	for l.next() {
		fields := l.fields()
		if len(fields) != 2 {
			l.fail("not a name and a value")
			return
		}
		value, err := netstat.ParseNumber(string(fields[1]))
		if err != nil {
			l.fail("%w", err)
			return
		}
		name := string(fields[0])
		if !each(netstat.Counter{Name: name, Group: groupOf(name), Value: value}) {
			return
		}
	}
}

// parseSockstat reads /proc/net/sockstat and sockstat6 (net/ipv4/proc.c,
// sockstat_seq_show; net/ipv6/proc.c, sockstat6_seq_show).
//
//	TCP: inuse 1 orphan 0 tw 2 alloc 1 mem 78
func parseSockstat(l *lines, each func(netstat.Counter) bool) {
	for l.next() {
		head, rest, ok := bytes.Cut(l.text, []byte(":"))
		fields := fields(rest)
		if !ok || len(head) == 0 || len(fields)%2 != 0 {
			l.fail("not a prefix with names and values")
			return
		}
		for i := 0; i < len(fields); i += 2 {
			value, err := netstat.ParseNumber(string(fields[i+1]))
			if err != nil {
				l.fail("%s: %w", fields[i], err)
				return
			}
			if !each(netstat.Counter{Name: string(head) + "_" + string(fields[i]), Group: netstat.GroupSocket, Value: value}) {
				return
			}
		}
	}
}

// counterPrefixes are the groups by how names begin, longer ones first.
var counterPrefixes = []struct {
	prefix string
	group  netstat.CounterGroup
}{
	{"UdpLite6", netstat.GroupUDPLite6}, {"UdpLite", netstat.GroupUDPLite}, {"Udp6", netstat.GroupUDP6}, {"Udp", netstat.GroupUDP},
	{"Icmp6", netstat.GroupICMP6}, {"Icmp", netstat.GroupICMP}, {"Ip6", netstat.GroupIP6}, {"Ip", netstat.GroupIP},
	{"MPTcp", netstat.GroupMPTCP}, {"Tcp", netstat.GroupTCP},
	{"Sctp", netstat.GroupSCTP}, {"Xfrm", netstat.GroupIPsec}, {"Tls", netstat.GroupTLS},
}

// groupOf returns the group of a counter with a name, or a prefix, which for
// protocols to come is the name's own beginning.
func groupOf(name string) netstat.CounterGroup {
	for _, p := range counterPrefixes {
		if strings.HasPrefix(name, p.prefix) {
			return p.group
		}
	}
	return netstat.CounterGroup(strings.ToLower(name))
}
