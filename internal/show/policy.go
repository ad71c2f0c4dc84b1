package show

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Rules is the table of the rules of policy routing.
func Rules() Table {
	field := fieldOf[netstat.Rule]
	text := func(name, doc string, get func(*netstat.Rule) string) both[netstat.Rule] {
		return hidden(field(name, table.String, doc, func(r *netstat.Rule) table.Value { return table.Text(get(r)) }))
	}
	integer := func(name, doc string, get func(*netstat.Rule) table.Value) both[netstat.Rule] {
		return hidden(field(name, table.Integer, doc, get))
	}
	flag := func(name, doc string, flags netstat.RuleFlags) both[netstat.Rule] {
		return hidden(field(name, table.Boolean, doc, func(r *netstat.Rule) table.Value { return table.Bool(r.Flags&flags != 0) }))
	}
	return list("rule", "a rule of the routing policy database", kind[netstat.Rule]{
		title:    "Policy routing rules",
		read:     from(netstat.RuleReader.Rules),
		inFamily: func(r *netstat.Rule, f netstat.Family) bool { return r.Family == f },
	},
		of("Family", 6, field("family", table.String, "`ipv4` or `ipv6`", func(r *netstat.Rule) table.Value { return table.Text(r.Family.String()) })),
		of("Priority", 8, field("priority", table.Integer, "rules apply in ascending order", func(r *netstat.Rule) table.Value { return table.Uint(r.Priority) })),
		of("Source", 18, field("source", table.Prefix, "absent for any", func(r *netstat.Rule) table.Value { return table.Net(r.Source) })),
		of("Destination", 18, field("destination", table.Prefix, "absent for any", func(r *netstat.Rule) table.Value { return table.Net(r.Destination) })),
		of("Matches", 10, field("matches", table.String, "what else a packet must have, in the words of ip-rule(8); `[detached]` stands behind an interface that is not there, `[unknown]` for what this netstat does not know", func(r *netstat.Rule) table.Value { return table.Text(ruleMatches(r)) })),
		of("Action", 8, field("action", table.String, "what the rule does", func(r *netstat.Rule) table.Value { return table.Text(r.Action.String()) })),
		of("Table", 8, field("table", table.RouteTable, "routing table to look into", func(r *netstat.Rule) table.Value { return table.NonZero(r.Table) })).shownAs(
			func(b []byte, r *netstat.Rule) []byte {
				if r.Table == 0 {
					return append(b, '-')
				}
				return appendTable(b, r.Table)
			}),
		of("Goto", 8, field("goto", table.Integer, "priority of the rule to go on at", func(r *netstat.Rule) table.Value { return table.NonZero(r.Goto) })),
		of("Options", 10, field("options", table.String, "what else decides, in the words of ip-rule(8): routes that are passed over, realms; `[unresolved]` for a `goto` that leads nowhere", func(r *netstat.Rule) table.Value {
			return table.Text(ruleOptions(r))
		})),
		of("Protocol", 0, field("protocol", table.String, "who made the rule", func(r *netstat.Rule) table.Value { return table.Text(r.Protocol.Name()) })),
		flag("not", "whether the rule is for packets that do not match", netstat.RuleInvert),
		text("iif", "interface that packets arrive on, `lo` for what this host sends", func(r *netstat.Rule) string { return r.InputInterface }),
		flag("iifDetached", "whether there is no such interface: no packet matches", netstat.RuleInputDetached),
		text("oif", "interface that the socket is bound to", func(r *netstat.Rule) string { return r.OutputInterface }),
		flag("oifDetached", "whether there is no such interface", netstat.RuleOutputDetached),
		integer("tos", "type of service", func(r *netstat.Rule) table.Value { return table.NonZero(r.TOS) }),
		integer("dscp", "differentiated services codepoint", func(r *netstat.Rule) table.Value { return ifSet(r.DSCPMask != 0, table.Uint(r.DSCP)) }),
		integer("dscpMask", "bits of it that count", func(r *netstat.Rule) table.Value { return table.NonZero(r.DSCPMask) }),
		integer("fwmark", "mark of the packet", func(r *netstat.Rule) table.Value { return ifSet(hasMark(r), table.Uint(r.Mark)) }),
		integer("fwmask", "bits of it that count", func(r *netstat.Rule) table.Value { return ifSet(hasMark(r), table.Uint(r.Mask)) }),
		integer("tunnelID", "tunnel that the packet came out of", func(r *netstat.Rule) table.Value { return table.NonZero(r.TunnelID) }),
		integer("ipProtocol", "number of the protocol over IP", func(r *netstat.Rule) table.Value { return table.NonZero(r.IPProtocol) }),
		text("sourcePorts", "one port, or FIRST-LAST", func(r *netstat.Rule) string { return portRange(r.SourcePorts) }),
		text("destinationPorts", "one port, or FIRST-LAST", func(r *netstat.Rule) string { return portRange(r.DestinationPorts) }),
		integer("sourcePortMask", "bits of the port that count; absent for all", func(r *netstat.Rule) table.Value { return table.NonZero(r.SourcePortMask) }),
		integer("destinationPortMask", "bits of the port that count; absent for all", func(r *netstat.Rule) table.Value { return table.NonZero(r.DestinationPortMask) }),
		integer("flowLabel", "of IPv6", func(r *netstat.Rule) table.Value { return ifSet(r.FlowLabelMask != 0, table.Uint(r.FlowLabel)) }),
		integer("flowLabelMask", "bits of it that count", func(r *netstat.Rule) table.Value { return table.NonZero(r.FlowLabelMask) }),
		hidden(field("unknown", table.Boolean, "whether the kernel has the rule ask for something besides that is not known here", func(r *netstat.Rule) table.Value { return table.Bool(r.Unknown) })),
		text("uids", "FIRST-LAST of the users of sockets", func(r *netstat.Rule) string { return uidRange(r) }),
		hidden(field("l3mdev", table.Boolean, "whether the table is that of the packet's VRF", func(r *netstat.Rule) table.Value { return table.Bool(r.L3MasterDevice) })),
		integer("suppressPrefixLength", "routes with prefixes of at most that length are passed over", func(r *netstat.Rule) table.Value { return uintValue(r.SuppressPrefixLength) }),
		integer("suppressGroup", "routes by interfaces of that group are passed over", func(r *netstat.Rule) table.Value { return uintValue(r.SuppressGroup) }),
		text("realms", "FROM/TO, or TO alone: what routing realms packets are of (IPv4)", func(r *netstat.Rule) string { return realms(r.Realm) }),
		flag("unresolved", "whether there is no rule to go on at", netstat.RuleUnresolved),
	)
}

// ifSet is a value that is known on a condition.
func ifSet(condition bool, v table.Value) table.Value {
	if !condition {
		return table.Value{}
	}
	return v
}

func hasMark(r *netstat.Rule) bool { return r.Mark != 0 || r.Mask != 0 }

// portRange is a range as ip-rule(8) writes it, empty for any port.
func portRange(p netstat.PortRange) string {
	switch {
	case p == netstat.PortRange{}:
		return ""
	case p.First == p.Last:
		return strconv.Itoa(int(p.First))
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}

func uidRange(r *netstat.Rule) string {
	uids, known := r.UIDs.Get()
	if !known {
		return ""
	}
	return fmt.Sprintf("%d-%d", uids.First, uids.Last)
}

// realms tells a pair of routing realms as ip-route(8) does, empty for none: the
// upper 16 bits are those of the source.
func realms(n uint32) string {
	switch from, to := n>>16, n&0xffff; {
	case n == 0:
		return ""
	case from == 0:
		return strconv.Itoa(int(to))
	default:
		return fmt.Sprintf("%d/%d", from, to)
	}
}

// ruleMatches tells what a rule asks for besides addresses.
func ruleMatches(r *netstat.Rule) string {
	var parts []string
	add := func(condition bool, format string, args ...any) {
		if condition {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(r.Flags&netstat.RuleInvert != 0, "not")
	add(r.TOS != 0, "tos %#x", r.TOS)
	add(r.DSCPMask == fullDSCP, "dscp %d", r.DSCP)
	add(r.DSCPMask != 0 && r.DSCPMask != fullDSCP, "dscp %#x/%#x", r.DSCP, r.DSCPMask)
	add(hasMark(r) && r.Mask == math.MaxUint32, "fwmark %#x", r.Mark)
	add(hasMark(r) && r.Mask != math.MaxUint32, "fwmark %#x/%#x", r.Mark, r.Mask)
	add(r.InputInterface != "", "iif %s", r.InputInterface)
	add(r.Flags&netstat.RuleInputDetached != 0, "[detached]")
	add(r.OutputInterface != "", "oif %s", r.OutputInterface)
	add(r.Flags&netstat.RuleOutputDetached != 0, "[detached]")
	add(r.L3MasterDevice, "l3mdev")
	add(r.UIDs.IsKnown(), "uidrange %s", uidRange(r))
	ipProtocol := strings.TrimPrefix(netstat.Protocol(r.IPProtocol).String(), "protocol ")
	add(r.IPProtocol != 0, "ipproto %s", ipProtocol)
	add(r.SourcePorts != netstat.PortRange{}, "sport %s%s", portRange(r.SourcePorts), portMask(r.SourcePortMask))
	add(r.DestinationPorts != netstat.PortRange{}, "dport %s%s", portRange(r.DestinationPorts), portMask(r.DestinationPortMask))
	add(r.TunnelID != 0, "tun_id %d", r.TunnelID)
	add(r.FlowLabelMask != 0, "flowlabel %#x/%#x", r.FlowLabel, r.FlowLabelMask)
	add(r.Unknown, "[unknown]")
	return strings.Join(parts, " ")
}

func portMask(mask uint16) string {
	if mask == 0 {
		return ""
	}
	return fmt.Sprintf("/%#x", mask)
}

// fullDSCP is the mask of a DSCP that counts as a whole.
const fullDSCP = 0x3f

// ruleOptions tells what decides besides what a rule asks for.
func ruleOptions(r *netstat.Rule) string {
	var parts []string
	if n, known := r.SuppressPrefixLength.Get(); known {
		parts = append(parts, fmt.Sprintf("suppress_prefixlength %d", n))
	}
	if n, known := r.SuppressGroup.Get(); known {
		parts = append(parts, fmt.Sprintf("suppress_ifgroup %d", n))
	}
	if r.Realm != 0 {
		parts = append(parts, "realms "+realms(r.Realm))
	}
	if r.Flags&netstat.RuleUnresolved != 0 {
		parts = append(parts, "[unresolved]")
	}
	return strings.Join(parts, " ")
}

// NextHops is the table of nexthop objects and groups.
func NextHops() Table {
	field := fieldOf[netstat.NextHop]
	resilient := func(typ table.Type, name, doc string, get func(netstat.ResilientGroup) table.Value) both[netstat.NextHop] {
		return hidden(field(name, typ, doc, func(n *netstat.NextHop) table.Value {
			group, known := n.Resilient.Get()
			if !known {
				return table.Value{}
			}
			return get(group)
		}))
	}
	return list("nextHop", "a nexthop object, or a group of them", kind[netstat.NextHop]{
		title:   "Nexthop objects",
		read:    from(netstat.NextHopReader.NextHops),
		belongs: by(func(n *netstat.NextHop) uint32 { return n.Interface }),
	},
		of("ID", 8, field("id", table.Integer, "number", func(n *netstat.NextHop) table.Value { return table.Uint(n.ID) })),
		of("Gateway", 25, table.Field[Row[netstat.NextHop]]{Name: "gateway", Type: table.Address, Doc: "next hop", Value: func(r *Row[netstat.NextHop]) table.Value {
			return onLink(r.from, r.v.Gateway, r.v.Interface)
		}}),
		ofInterface("Iface", 10, "interface", "interface", func(n *netstat.NextHop) uint32 { return n.Interface }),
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
		of("Protocol", 8, field("protocol", table.String, "who made it", func(n *netstat.NextHop) table.Value { return table.Text(n.Protocol.Name()) })),
		of("Options", 0, field("options", table.String, "what else it is, in the words of ip-nexthop(8)", func(n *netstat.NextHop) table.Value { return table.Text(nextHopOptions(n)) })),
		hidden(field("scope", table.Integer, "0 universe, 253 link, 254 host", func(n *netstat.NextHop) table.Value { return table.Uint(n.Scope) })),
		hidden(field("flags", table.Strings, "`dead`, `linkdown`, `onlink`, ...", func(n *netstat.NextHop) table.Value { return table.Words(n.Flags.Names()) })),
		hidden(field("forwarding", table.Boolean, "whether it is for forwarding entries of the link layer (`fdb`)", func(n *netstat.NextHop) table.Value { return table.Bool(n.Forwarding) })),
		hidden(field("encapsulation", table.String, "lightweight tunnel: `mpls`, `ip`, `ip6`, `seg6`, `seg6local`, ...", func(n *netstat.NextHop) table.Value {
			return ifSet(n.EncapType != netstat.EncapNone, table.Text(n.EncapType.String()))
		})),
		hidden(field("encapsulationOptions", table.String, "what it does, in the words of ip-route(8)", func(n *netstat.NextHop) table.Value { return table.Text(n.Encap) })),
		hidden(field("resilient", table.Boolean, "whether a group leaves flows where they are while members come and go", func(n *netstat.NextHop) table.Value {
			return ifSet(len(n.Group) > 0, table.Bool(n.Resilient.IsKnown()))
		})),
		resilient(table.Integer, "buckets", "that flows of a resilient group are spread over", func(g netstat.ResilientGroup) table.Value { return table.Uint(g.Buckets) }),
		resilient(table.Duration, "idleTimer", "seconds that a bucket must be unused to be moved", func(g netstat.ResilientGroup) table.Value { return table.Seconds(g.IdleTimer) }),
		resilient(table.Duration, "unbalancedTimer", "seconds that the group may stay unbalanced, 0 for ever", func(g netstat.ResilientGroup) table.Value { return table.Seconds(g.UnbalancedTimer) }),
	)
}

// nextHopOptions tells what the columns of a nexthop object do not.
func nextHopOptions(n *netstat.NextHop) string {
	var parts []string
	if n.EncapType != netstat.EncapNone {
		parts = append(parts, fmt.Sprintf("encap %v %s", n.EncapType, n.Encap))
	}
	if len(n.Group) == 0 {
		parts = append(parts, "scope "+routeScopeName(n.Scope))
	}
	if g, known := n.Resilient.Get(); known {
		parts = append(parts, fmt.Sprintf("type resilient buckets %d idle_timer %g unbalanced_timer %g", g.Buckets, g.IdleTimer.Seconds(), g.UnbalancedTimer.Seconds()))
	}
	parts = append(parts, n.Flags.Names()...)
	if n.Forwarding {
		parts = append(parts, "fdb")
	}
	return strings.Join(parts, " ")
}

// routeScopeName is what ip(8) calls a scope, of routes and of addresses.
func routeScopeName(s netstat.Scope) string {
	switch s {
	case netstat.ScopeUniverse:
		return "global"
	case netstat.ScopeSite:
		return "site"
	case netstat.ScopeLink:
		return "link"
	case netstat.ScopeHost:
		return "host"
	case netstat.ScopeNowhere:
		return "nowhere"
	}
	return strconv.Itoa(int(s))
}

var ruleWords = inWords[netstat.Rule]{netstat.KindRule, func(w *words, r, _ *netstat.Rule) {
	w.add("%s priority %d", r.Family, r.Priority)
	if r.Flags&netstat.RuleInvert != 0 {
		w.add("not")
	}
	if r.Source.IsValid() {
		w.add("from %s", r.Source)
	}
	if r.Destination.IsValid() {
		w.add("to %s", r.Destination)
	}
	if r.InputInterface != "" {
		w.add("iif %s", escaped(r.InputInterface))
	}
	if r.OutputInterface != "" {
		w.add("oif %s", escaped(r.OutputInterface))
	}
	if r.Mask != 0 {
		w.add("fwmark %#x/%#x", r.Mark, r.Mask)
	}
	switch r.Action {
	case netstat.RuleTable:
		w.add("table %d", r.Table)
	case netstat.RuleGoto:
		w.add("goto %d", r.Goto)
	default:
		w.add("%s", r.Action)
	}
}}

var nextHopWords = inWords[netstat.NextHop]{netstat.KindNextHop, func(w *words, n, _ *netstat.NextHop) {
	w.add("id %d", n.ID)
	w.address("via", n.Gateway)
	w.on("dev", n.Interface)
	if n.Blackhole {
		w.add("blackhole")
	}
	for i, m := range n.Group {
		if i == 0 {
			w.add("group %d,%d", m.ID, m.Weight)
		} else {
			w.text = fmt.Appendf(w.text, "/%d,%d", m.ID, m.Weight)
		}
	}
}}
