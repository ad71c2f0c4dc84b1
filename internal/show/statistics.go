package show

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// counterView is a counter, or how much it grew.
type counterView struct {
	netstat.Counter
	info netstat.CounterInfo
	// value is that of the counter, or by how much it grew since the baseline;
	// unknown for the reason given.
	value  netstat.Optional[netstat.Number]
	reason string
}

// counterGroups are the groups that the flags choose; none stands for all.
func (o *Options) counterGroups() (groups []netstat.CounterGroup) {
	add := func(chosen bool, those ...netstat.CounterGroup) {
		if chosen {
			groups = append(groups, those...)
		}
	}
	add(o.TCP, netstat.GroupTCP)
	add(o.MPTCP, netstat.GroupMPTCP)
	add(o.UDP, netstat.GroupUDP, netstat.GroupUDP6)
	add(o.UDPLite, netstat.GroupUDPLite, netstat.GroupUDPLite6)
	add(o.SCTP, netstat.GroupSCTP)
	add(o.Raw, netstat.GroupIP, netstat.GroupIP6)
	// Raw sockets are how hosts ping: net-tools has ICMP there.
	add(o.Raw || o.ICMP, netstat.GroupICMP, netstat.GroupICMP6)
	if len(groups) == 0 && (o.IPv4 || o.IPv6) {
		groups = netstat.CounterGroups()
	}
	only4 := []netstat.CounterGroup{netstat.GroupIP, netstat.GroupICMP, netstat.GroupUDP, netstat.GroupUDPLite}
	only6 := []netstat.CounterGroup{netstat.GroupIP6, netstat.GroupICMP6, netstat.GroupUDP6, netstat.GroupUDPLite6}
	if o.IPv4 != o.IPv6 && len(groups) > 0 {
		groups = slices.DeleteFunc(groups, func(g netstat.CounterGroup) bool {
			return o.IPv4 && slices.Contains(only6, g) || o.IPv6 && slices.Contains(only4, g)
		})
	}
	return groups
}

// section is what stands above a counter, as in net-tools: what the kernel puts
// in front of its name.
func section(c *netstat.Counter) string {
	for _, extension := range [...]string{"IpExt", "IcmpMsg", "TcpExt"} {
		if strings.HasPrefix(c.Name, extension) {
			return extension
		}
	}
	return cmp.Or(groupTitles[c.Group], string(c.Group))
}

// isWhole reports whether a section is shown whole, for a 0 there is an answer,
// too: no errors, nothing dropped.
func isWhole(section string) bool {
	switch section {
	case "Ip", "Ip6", "Tcp", "Udp", "Udp6":
		return true
	}
	return false
}

// isNoise reports whether a counter is left out: most that are 0 and, since a
// baseline, all of them and what does not grow.
func (o *Options) isNoise(section string, c *counterView) bool {
	n, known := c.value.Get()
	zero := known && n == (netstat.Number{})
	if o.Since != "" {
		return zero || c.info.Kind == netstat.Setting
	}
	return zero && c.info.Kind != netstat.Setting && !isWhole(section)
}

// groupTitles are the sections of groups.
var groupTitles = map[netstat.CounterGroup]string{
	netstat.GroupIP: "Ip", netstat.GroupIP6: "Ip6", netstat.GroupICMP: "Icmp", netstat.GroupICMP6: "Icmp6",
	netstat.GroupTCP: "Tcp", netstat.GroupUDP: "Udp", netstat.GroupUDP6: "Udp6", netstat.GroupUDPLite: "UdpLite",
	netstat.GroupUDPLite6: "UdpLite6", netstat.GroupMPTCP: "MPTcpExt", netstat.GroupSCTP: "Sctp",
	netstat.GroupIPsec: "IPsec", netstat.GroupTLS: "Tls", netstat.GroupConntrack: "Conntrack", netstat.GroupSocket: "Sockets",
}

// counterParts are the counters of each group that is chosen. Groups that a source lacks
// are passed over where all are meant.
func counterParts(ctx context.Context, q *query) (parts []part[counterView], err error) {
	grew, err := q.grown(ctx, q.src)
	if err != nil {
		return nil, err
	}
	reader, ok := q.src.Stack.(netstat.CounterReader)
	if !ok {
		return nil, netstat.ErrNotSupported
	}
	groups := q.counterGroups()
	explicit := len(groups) > 0 && q.NamesProtocol()
	if len(groups) == 0 {
		groups = netstat.CounterGroups()
	}
	lacking := 0 // groups
	for _, group := range groups {
		parts = append(parts, part[counterView]{what: "counters of " + string(group), optional: !explicit, read: func(ctx context.Context, _ *query) iter.Seq2[counterView, error] {
			return func(yield func(counterView, error) bool) {
				for c, err := range reader.Counters(ctx, group) {
					if errors.Is(err, netstat.ErrNotSupported) {
						lacking++
					}
					v := counterView{Counter: c, info: netstat.DescribeCounter(c.Name), value: netstat.Known(c.Value)}
					if grew != nil && err == nil {
						v.since(grew)
					}
					if !yield(v, err) {
						return
					}
				}
			}
		}})
	}
	if !explicit {
		parts = append(parts, part[counterView]{what: "counters", read: func(context.Context, *query) iter.Seq2[counterView, error] {
			return func(yield func(counterView, error) bool) {
				if lacking == len(groups) {
					yield(counterView{}, netstat.ErrNotSupported)
				}
			}
		}})
	}
	return parts, nil
}

// since puts how much the counter grew in the place of its value. Gauges and
// settings stay as they are.
func (c *counterView) since(grew *baseline.Delta) {
	if c.info.Kind != netstat.Cumulative {
		return
	}
	d := grew.Counters[c.Name]
	if n, known := d.Count.Get(); known {
		c.value.Set(netstat.Unsigned(n))
		return
	}
	c.value, c.reason = netstat.Optional[netstat.Number]{}, d.Reason.String()
}

// Counters is the table of the counters of protocols, a part for each section; most of
// those that are 0 with Options.All only.
func Counters() Table {
	return &kind[counterView]{
		Kind:       counterKind(),
		what:       "counters",
		columns:    counterColumns,
		noHeadings: true,
		parts:      counterParts,
		keep: func(q *query, c *counterView) bool {
			return q.All || q.JSON || !q.isNoise(section(&c.Counter), c)
		},
		section: func(r *Row[counterView]) string { return section(&r.v.Counter) },
	}
}

func counterColumns(s *Session) []table.Column[Row[counterView]] {
	return []table.Column[Row[counterView]]{
		columnOf("", 15, true, func(b []byte, c *counterView) []byte {
			n, known := c.value.Get()
			if !known {
				return append(b, '-')
			}
			if magnitude, ok := n.Uint64(); ok {
				return s.appendCount(b, magnitude)
			}
			return append(b, n.String()...)
		}),
		columnOf("", 0, false, func(b []byte, c *counterView) []byte { return table.AppendEscaped(b, c.Name) }),
		columnOf("", 0, false, func(b []byte, c *counterView) []byte {
			if c.reason != "" {
				return append(append(append(b, '('), c.reason...), ')')
			}
			return append(b, c.info.Meaning...)
		}),
	}
}

func counterKind() *table.Kind[Row[counterView]] {
	field := fieldOf[counterView]
	k := newKind("counter", "a counter that the kernel keeps",
		field("group", table.String, "protocol, or part of the kernel: `ip`, `tcp`, ...", func(c *counterView) table.Value { return table.Text(string(c.Group)) }),
		field("name", table.String, "the kernel's name, as nstat(8) has it", func(c *counterView) table.Value { return table.Text(c.Name) }),
		field("value", table.Integer, "its value, or with `--since` by how much a counter grew; absent where that is not known", func(c *counterView) table.Value {
			n, known := c.value.Get()
			if !known {
				return table.Value{}
			}
			return numberValue(n)
		}),
		field("reason", table.String, "why `value` is not known", func(c *counterView) table.Value { return table.Text(c.reason) }),
		field("type", table.String, "`counter` for what only grows, `gauge`, or `setting`", func(c *counterView) table.Value { return table.Text(c.info.Kind.String()) }),
		field("narrow", table.Boolean, "true where it has 32 bits at the source and may have wrapped around; absent otherwise", func(c *counterView) table.Value {
			if !c.Narrow {
				return table.Value{}
			}
			return table.Bool(true)
		}),
		field("unit", table.String, "what is counted", func(c *counterView) table.Value { return table.Text(string(c.info.Unit)) }),
		field("meaning", table.String, "one line for people", func(c *counterView) table.Value { return table.Text(c.info.Meaning) }),
	)
	k.Aliases = map[string][]string{"protocol": {"group"}}
	return k
}

func numberValue(n netstat.Number) table.Value {
	if magnitude, ok := n.Uint64(); ok {
		return table.Uint(magnitude)
	}
	signed, _ := n.Int64()
	return table.Int(signed)
}

// InterfaceCounters is the table of what protocols count for each interface.
func InterfaceCounters() Table {
	return &kind[netstat.InterfaceCounter]{
		Kind:  interfaceCounterKind(),
		title: "Protocol counters by interface", what: "counters by interface",
		columns: interfaceCounterColumns,
		read:    from(netstat.InterfaceCounterReader.InterfaceCounters),
		belongs: by(func(c *netstat.InterfaceCounter) uint32 { return c.Interface }),
		names:   always[netstat.InterfaceCounter],
		keep: func(q *query, c *netstat.InterfaceCounter) bool {
			return q.All || q.JSON || c.Value != netstat.Number{}
		},
	}
}

func interfaceCounterColumns(*Session) []table.Column[Row[netstat.InterfaceCounter]] {
	return []table.Column[Row[netstat.InterfaceCounter]]{
		interfaceColumn("Iface", 15, func(c *netstat.InterfaceCounter) uint32 { return c.Interface }),
		columnOf("Value", 12, true, func(b []byte, c *netstat.InterfaceCounter) []byte { return append(b, c.Value.String()...) }),
		columnOf("Counter", 0, false, func(b []byte, c *netstat.InterfaceCounter) []byte { return table.AppendEscaped(b, c.Name) }),
		columnOf("Meaning", 0, false, func(b []byte, c *netstat.InterfaceCounter) []byte {
			return append(b, netstat.DescribeCounter(c.Name).Meaning...)
		}),
	}
}

func interfaceCounterKind() *table.Kind[Row[netstat.InterfaceCounter]] {
	field := fieldOf[netstat.InterfaceCounter]
	k := newKind("interfaceCounter", "a counter that a protocol keeps for one interface",
		interfaceField("interface", "interface", func(c *netstat.InterfaceCounter) uint32 { return c.Interface }),
		field("group", table.String, "protocol", func(c *netstat.InterfaceCounter) table.Value { return table.Text(string(c.Group)) }),
		field("name", table.String, "the kernel's name", func(c *netstat.InterfaceCounter) table.Value { return table.Text(c.Name) }),
		field("value", table.Integer, "its value", func(c *netstat.InterfaceCounter) table.Value { return numberValue(c.Value) }),
	)
	k.Aliases = map[string][]string{"dev": {"interface"}}
	return k
}

// counterGrowth is by how much a counter grew.
type counterGrowth struct {
	span
	name  string
	group netstat.CounterGroup
	count netstat.Optional[uint64]
}

// CounterGrowth is the table of by how much counters grew from turn to turn.
func CounterGrowth() Table {
	return &kind[counterGrowth]{
		Kind:    counterGrowthKind(),
		what:    "counters",
		columns: counterGrowthColumns,
		read:    countersGrown,
		growing: true,
	}
}

func countersGrown(ctx context.Context, q *query) iter.Seq2[counterGrowth, error] {
	grew, err := q.grownInTurn(ctx, q.src)
	if err != nil {
		return failed[counterGrowth](err)
	}
	return func(yield func(counterGrowth, error) bool) {
		if grew == nil {
			return
		}
		q.readGroups(ctx, q.src)
		groups := q.counterGroups()
		for _, name := range slices.Sorted(maps.Keys(grew.Counters)) {
			d, group := grew.Counters[name], q.growth.groups[name]
			if len(groups) > 0 && !slices.Contains(groups, group) || d.Count.Or(0) == 0 {
				continue
			}
			if !yield(counterGrowth{span{grew.From, grew.To, q.growth.over}, name, group, d.Count}, nil) {
				return
			}
		}
	}
}

// readGroups reads which groups a stack's counters are of, unless it is known.
func (s *Session) readGroups(ctx context.Context, src *Source) {
	reader, ok := src.Stack.(netstat.CounterReader)
	if !ok || src.SNMP || len(s.growth.groups) > 0 {
		return // hosts tell them with the counters
	}
	for c, err := range reader.Counters(ctx) {
		if err != nil {
			s.complain("counters", src, err)
			return
		}
		s.growth.groups[c.Name] = c.Group
	}
}

func counterGrowthColumns(s *Session) []table.Column[Row[counterGrowth]] {
	return []table.Column[Row[counterGrowth]]{
		columnOf("Time", 8, false, func(b []byte, g *counterGrowth) []byte { return appendTime(b, g.span) }),
		columnOf("Grew", 12, true, func(b []byte, g *counterGrowth) []byte { return s.appendCount(b, g.count.Or(0)) }),
		columnOf("A second", 12, true, func(b []byte, g *counterGrowth) []byte {
			return strconv.AppendFloat(b, float64(g.count.Or(0))/max(g.seconds(), 1e-3), 'f', 1, 64)
		}),
		columnOf("Counter", 0, false, func(b []byte, g *counterGrowth) []byte { return table.AppendEscaped(b, g.name) }),
	}
}

func counterGrowthKind() *table.Kind[Row[counterGrowth]] {
	field := fieldOf[counterGrowth]
	return newKind("counterGrowth", "by how much a counter grew in an interval; counters that did not grow are left out",
		append(spanFields(func(g *counterGrowth) span { return g.span }),
			field("group", table.String, "protocol, or part of the kernel", func(g *counterGrowth) table.Value { return table.Text(string(g.group)) }),
			field("name", table.String, "the kernel's name", func(g *counterGrowth) table.Value { return table.Text(g.name) }),
			field("value", table.Integer, "by how much it grew", func(g *counterGrowth) table.Value { return uintValue(g.count) }))...)
}
