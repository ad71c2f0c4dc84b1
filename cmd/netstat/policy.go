package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ruleListing is that of --rules.
func ruleListing() *listing[netstat.Rule] {
	field := fieldOf[netstat.Rule]
	from := func(p netip.Prefix) table.Value { return table.Net(p) }
	l := newListing("Policy routing rules", "rule", "a rule of the routing policy database",
		of("Family", 6, field("family", table.String, "`ipv4` or `ipv6`", func(r *netstat.Rule) table.Value { return table.Text(r.Family.String()) })),
		of("Priority", 8, field("priority", table.Integer, "rules apply in ascending order", func(r *netstat.Rule) table.Value { return table.Uint(r.Priority) })),
		of("Source", 18, field("source", table.Prefix, "absent for any", func(r *netstat.Rule) table.Value { return from(r.Source) })),
		of("Destination", 18, field("destination", table.Prefix, "absent for any", func(r *netstat.Rule) table.Value { return from(r.Destination) })),
		of("Matches", 10, field("matches", table.String, "what else a packet must have, in the words of ip-rule(8)", func(r *netstat.Rule) table.Value { return table.Text(ruleMatches(r)) })),
		of("Action", 8, field("action", table.String, "what the rule does", func(r *netstat.Rule) table.Value { return table.Text(r.Action.String()) })),
		of("Table", 8, field("table", table.Integer, "routing table to look into", func(r *netstat.Rule) table.Value { return table.NonZero(r.Table) })).shownAs(
			func(b []byte, r *netstat.Rule) []byte {
				if r.Table == 0 {
					return append(b, '-')
				}
				return appendTable(b, r.Table)
			}),
		of("Goto", 8, field("goto", table.Integer, "priority of the rule to go on at", func(r *netstat.Rule) table.Value { return table.NonZero(r.Goto) })),
		hidden(field("protocol", table.String, "who made the rule", func(r *netstat.Rule) table.Value { return table.Text(r.Protocol.Name()) })),
	)
	return l
}

// ruleMatches tells what a rule asks for besides addresses.
func ruleMatches(r *netstat.Rule) string {
	var parts []string
	add := func(condition bool, format string, args ...any) {
		if condition {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	ports := func(p netstat.PortRange) string {
		if p.First == p.Last {
			return strconv.Itoa(int(p.First))
		}
		return fmt.Sprintf("%d-%d", p.First, p.Last)
	}
	add(r.Flags&netstat.RuleInvert != 0, "not")
	add(r.InputInterface != "", "iif %s", r.InputInterface)
	add(r.OutputInterface != "", "oif %s", r.OutputInterface)
	add(r.TOS != 0, "tos %#x", r.TOS)
	add(r.DSCPMask != 0, "dscp %d", r.DSCP)
	add(r.Mark != 0 || r.Mask != 0, "fwmark %#x/%#x", r.Mark, r.Mask)
	ipProtocol := strings.TrimPrefix(netstat.Protocol(r.IPProtocol).String(), "protocol ")
	add(r.IPProtocol != 0, "ipproto %s", ipProtocol)
	add(r.SourcePorts != netstat.PortRange{}, "sport %s", ports(r.SourcePorts))
	add(r.DestinationPorts != netstat.PortRange{}, "dport %s", ports(r.DestinationPorts))
	if uids, known := r.UIDs.Get(); known {
		add(true, "uidrange %d-%d", uids.First, uids.Last)
	}
	add(r.L3MasterDevice, "l3mdev")
	return strings.Join(parts, " ")
}

func (s *session) showRules() error {
	return listed(s, ruleListing(), netstat.RuleReader.Rules, func(r *row[netstat.Rule]) bool {
		return s.ipv4 == s.ipv6 || (r.v.Family == netstat.IPv4) == s.ipv4
	})
}

// nextHopListing is that of --nexthops.
func nextHopListing() *listing[netstat.NextHop] {
	field := fieldOf[netstat.NextHop]
	return newListing("Nexthop objects", "nextHop", "a nexthop object, or a group of them",
		of("ID", 8, field("id", table.Integer, "number", func(n *netstat.NextHop) table.Value { return table.Uint(n.ID) })),
		of("Gateway", 25, field("gateway", table.Address, "next hop", func(n *netstat.NextHop) table.Value { return table.Addr(n.Gateway) })),
		of("Iface", 10, interfaceField("interface", "interface", func(n *netstat.NextHop) uint32 { return n.Interface })),
		of("Group", 10, field("group", table.Objects, "members of a group, each with `id` and `weight`", func(n *netstat.NextHop) table.Value {
			if len(n.Group) == 0 {
				return table.Value{}
			}
			var members []table.Object
			for _, m := range n.Group {
				members = append(members, table.Object{{Name: "id", Value: table.Uint(m.ID)}, {Name: "weight", Value: table.Uint(m.Weight)}})
			}
			return table.List(members)
		})),
		of("Blackhole", 0, field("blackhole", table.Boolean, "whether packets are dropped", func(n *netstat.NextHop) table.Value { return table.Bool(n.Blackhole) })),
		of("Protocol", 0, field("protocol", table.String, "who made it", func(n *netstat.NextHop) table.Value { return table.Text(n.Protocol.Name()) })),
	)
}

func (s *session) showNextHops() error {
	return listed(s, nextHopListing(), netstat.NextHopReader.NextHops, nil)
}
