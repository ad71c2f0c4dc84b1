package show

import (
	"cmp"
	"errors"
	"slices"
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
func (s *Session) counterGroups() (groups []netstat.CounterGroup) {
	add := func(chosen bool, those ...netstat.CounterGroup) {
		if chosen {
			groups = append(groups, those...)
		}
	}
	add(s.TCP, netstat.GroupTCP)
	add(s.MPTCP, netstat.GroupMPTCP)
	add(s.UDP, netstat.GroupUDP, netstat.GroupUDP6)
	add(s.UDPLite, netstat.GroupUDPLite, netstat.GroupUDPLite6)
	add(s.SCTP, netstat.GroupSCTP)
	add(s.Raw, netstat.GroupIP, netstat.GroupIP6)
	// Raw sockets are how hosts ping: net-tools has ICMP there.
	add(s.Raw || s.ICMP, netstat.GroupICMP, netstat.GroupICMP6)
	if len(groups) == 0 && (s.IPv4 || s.IPv6) {
		groups = netstat.CounterGroups()
	}
	only4 := []netstat.CounterGroup{netstat.GroupIP, netstat.GroupICMP, netstat.GroupUDP, netstat.GroupUDPLite}
	only6 := []netstat.CounterGroup{netstat.GroupIP6, netstat.GroupICMP6, netstat.GroupUDP6, netstat.GroupUDPLite6}
	if s.IPv4 != s.IPv6 && len(groups) > 0 {
		groups = slices.DeleteFunc(groups, func(g netstat.CounterGroup) bool {
			return s.IPv4 && slices.Contains(only6, g) || s.IPv6 && slices.Contains(only4, g)
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
func (s *Session) isNoise(section string, c *counterView) bool {
	n, known := c.value.Get()
	zero := known && n == (netstat.Number{})
	if s.Since != "" {
		return zero || c.info.Kind == netstat.Setting
	}
	return zero && c.info.Kind != netstat.Setting && !isWhole(section)
}

// groupTitles are the sections of groups.
var groupTitles = map[netstat.CounterGroup]string{
	netstat.GroupIP: "Ip", netstat.GroupIP6: "Ip6", netstat.GroupICMP: "Icmp", netstat.GroupICMP6: "Icmp6",
	netstat.GroupTCP: "Tcp", netstat.GroupUDP: "Udp", netstat.GroupUDP6: "Udp6", netstat.GroupUDPLite: "UdpLite",
	netstat.GroupUDPLite6: "UdpLite6", netstat.GroupMPTCP: "MPTcpExt", netstat.GroupSCTP: "Sctp",
	netstat.GroupIPsec: "IPsec", netstat.GroupTLS: "Tls", netstat.GroupSocket: "Sockets",
}

// eachCounter calls show with the counters that the flags choose. Groups that a
// source lacks are passed over where all are meant.
func (s *Session) eachCounter(show func(*Row[counterView]) error) error {
	var r Row[counterView]
	for _, src := range s.sources {
		r.from = src
		grew, err := s.grown(src)
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if err != nil {
			s.complain("counters", src, err)
			continue
		}
		groups := s.counterGroups()
		explicit := len(groups) > 0 && s.NamesProtocol()
		if !explicit && len(groups) == 0 {
			groups = netstat.CounterGroups()
		}
		reader, ok := src.stack.(netstat.CounterReader)
		if !ok {
			s.complain("counters", src, netstat.ErrNotSupported)
			continue
		}
		var lacking error // of every group
		for i, group := range groups {
			for c, err := range reader.Counters(s.ctx, group) {
				if err != nil {
					if s.ctx.Err() != nil {
						return err
					}
					if s.lacks("counters of "+string(group), src, err, explicit); i == 0 && !explicit {
						lacking = err
					}
					break
				}
				lacking = nil
				r.v = counterView{Counter: c, info: netstat.DescribeCounter(c.Name), value: netstat.Known(c.Value)}
				if grew != nil {
					r.v.since(grew)
				}
				if err := show(&r); err != nil {
					return err
				}
			}
		}
		if errors.Is(lacking, netstat.ErrNotSupported) {
			s.complain("counters", src, lacking)
		}
	}
	return nil
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

// showStatistics shows the counters of protocols, a paragraph for each section;
// most of those that are 0 with -a only.
func (s *Session) showStatistics() error {
	kind := counterKind()
	if s.Routes {
		return s.showRoutingStatistics()
	}
	if s.Interfaces {
		return s.showInterfaceCounters()
	}
	columns := []table.Column[Row[counterView]]{
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
	// A table for each group that has something to show, with its title above.
	p, _, err := newPrinter(s, kind, columns)
	if err != nil {
		return err
	}
	p.NoHeadings = true
	group := ""
	err = s.eachCounter(func(r *Row[counterView]) error {
		if p.Keep != nil && !p.Keep(r) {
			return nil
		}
		title := section(&r.v.Counter)
		if !s.All && !s.JSON && s.isNoise(title, &r.v) {
			return nil
		}
		if r.from.label() != "" {
			title += " of " + string(table.AppendEscaped(nil, r.from.label()))
		}
		if title != group && !s.JSON && s.Sort == "" {
			if group != "" {
				if err := p.Close(); err != nil {
					return err
				}
				if p, _, err = newPrinter(s, kind, columns); err != nil {
					return err
				}
				p.NoHeadings = true
			}
			group = title
			s.out.Title(title + ":")
		}
		return p.Row(r)
	})
	if err != nil {
		return err
	}
	return p.Close()
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

// showInterfaceCounters shows what protocols count for each interface (-is).
func (s *Session) showInterfaceCounters() error {
	type counter = netstat.InterfaceCounter
	p, _, err := newPrinter(s, interfaceCounterKind(), []table.Column[Row[counter]]{
		interfaceColumn("Iface", 15, func(c *counter) uint32 { return c.Interface }),
		columnOf("Value", 12, true, func(b []byte, c *counter) []byte { return append(b, c.Value.String()...) }),
		columnOf("Counter", 0, false, func(b []byte, c *counter) []byte { return table.AppendEscaped(b, c.Name) }),
		columnOf("Meaning", 0, false, func(b []byte, c *counter) []byte { return append(b, netstat.DescribeCounter(c.Name).Meaning...) }),
	})
	if err != nil {
		return err
	}
	s.out.Title("Protocol counters by interface")
	err = each(s, "counters by interface", netstat.InterfaceCounterReader.InterfaceCounters, func(r *Row[counter]) error {
		if !s.shows(r.from, r.v.Interface) || r.v.Value == (netstat.Number{}) && !s.All && !s.JSON {
			return nil
		}
		return p.Row(r)
	})
	if err != nil {
		return err
	}
	return p.Close()
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
