package show

import (
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Groups is the table of the multicast groups that interfaces are members of.
func Groups() Table {
	return &kind[netstat.Membership]{
		Kind:  groupKind(),
		title: "IPv6/IPv4 Group Memberships", what: "multicast memberships", underline: true,
		columns:  groupColumns,
		read:     from(netstat.MembershipReader.Memberships),
		belongs:  by(func(m *netstat.Membership) uint32 { return m.Interface }),
		inFamily: func(m *netstat.Membership, f netstat.Family) bool { return m.Group.Is4() == (f == netstat.IPv4) },
		names:    always[netstat.Membership],
	}
}

func groupColumns(s *Session) []table.Column[Row[netstat.Membership]] {
	columns := []table.Column[Row[netstat.Membership]]{
		interfaceColumn("Interface", 15, func(m *netstat.Membership) uint32 { return m.Interface }),
		columnOf("RefCnt", 6, false, func(b []byte, m *netstat.Membership) []byte { return appendUint(b, m.Users) }),
		columnOf("Group", 21, false, func(b []byte, m *netstat.Membership) []byte { return m.Group.WithZone("").AppendTo(b) }),
	}
	if s.Extend > 0 {
		columns = append(columns,
			columnOf("Querier", 0, false, func(b []byte, m *netstat.Membership) []byte { return appendKnown(b, m.QuerierVersion) }),
			columnOf("Sources", 0, false, func(b []byte, m *netstat.Membership) []byte {
				if len(m.Sources) == 0 {
					return append(b, '-')
				}
				for i, source := range m.Sources {
					if i > 0 {
						b = append(b, ',')
					}
					if source.Included == 0 {
						b = append(b, '!')
					}
					b = source.Address.AppendTo(b)
				}
				return b
			}))
	}
	return columns
}

// SocketGroups is the table of the sockets that joined multicast groups.
func SocketGroups() Table {
	field := fieldOf[netstat.SocketMembership]
	return list("socketMembership", "a multicast group that a socket is a member of", kind[netstat.SocketMembership]{
		apart:    true,
		title:    "Group Memberships of Sockets",
		read:     from(netstat.SocketMembershipReader.SocketMemberships),
		belongs:  by(func(m *netstat.SocketMembership) uint32 { return m.Interface }),
		inFamily: func(m *netstat.SocketMembership, f netstat.Family) bool { return m.Group.Is4() == (f == netstat.IPv4) },
	},
		ofInterface("Interface", 15, "interface", "interface", func(m *netstat.SocketMembership) uint32 { return m.Interface }),
		of("Group", 21, field("group", table.Address, "group", func(m *netstat.SocketMembership) table.Value { return table.Addr(m.Group.WithZone("")) })),
		of("Mode", 7, field("mode", table.String, "`include` for only those sources, `exclude` for all but those", func(m *netstat.SocketMembership) table.Value {
			return table.Text(m.Mode.String())
		})),
		of("Sources", 10, field("sources", table.Strings, "sources that the socket filters by", func(m *netstat.SocketMembership) table.Value {
			var sources []string
			for _, a := range m.Sources {
				sources = append(sources, a.String())
			}
			return table.Words(sources)
		})),
		of("Inode", 10, field("inode", table.Integer, "inode of the socket in sockfs", func(m *netstat.SocketMembership) table.Value { return table.Uint(m.Inode) })),
		of("PID/Program name", 0, field("processes", table.Objects, "a process that holds the socket", func(m *netstat.SocketMembership) table.Value {
			return processesValue(netstat.Known([]netstat.Process{m.Process}))
		})).shownAs(func(b []byte, m *netstat.SocketMembership) []byte {
			return appendProcesses(b, netstat.Known([]netstat.Process{m.Process}))
		}),
	)
}

func groupKind() *table.Kind[Row[netstat.Membership]] {
	field := fieldOf[netstat.Membership]
	k := newKind("membership", "a multicast group that an interface is a member of",
		interfaceField("interface", "interface", func(m *netstat.Membership) uint32 { return m.Interface }),
		field("group", table.Address, "group", func(m *netstat.Membership) table.Value { return table.Addr(m.Group.WithZone("")) }),
		field("users", table.Integer, "who joined: sockets, and the kernel itself", func(m *netstat.Membership) table.Value { return table.Uint(m.Users) }),
		field("timer", table.Duration, "seconds until the membership is reported, 0 for no report pending", func(m *netstat.Membership) table.Value { return table.Seconds(m.Timer) }),
		field("reporter", table.Boolean, "whether this host was the last to report the group; IPv4", func(m *netstat.Membership) table.Value {
			reporter, known := m.Reporter.Get()
			if !known {
				return table.Value{}
			}
			return table.Bool(reporter)
		}),
		field("querierVersion", table.Integer, "version of IGMP", func(m *netstat.Membership) table.Value { return uintValue(m.QuerierVersion) }),
		field("sources", table.Objects, "sources that somebody filters by, each with `address` and how many asked for it to be `included` and `excluded`", func(m *netstat.Membership) table.Value {
			if len(m.Sources) == 0 {
				return table.Value{}
			}
			var objects []table.Object
			for _, source := range m.Sources {
				objects = append(objects, table.Object{{Name: "address", Value: table.Addr(source.Address)},
					{Name: "included", Value: table.Uint(source.Included)}, {Name: "excluded", Value: table.Uint(source.Excluded)}})
			}
			return table.List(objects)
		}),
	)
	k.Aliases = map[string][]string{"dev": {"interface"}}
	return k
}

var multicastWords = inWords[netstat.MulticastGroup]{netstat.KindMulticast, func(w *words, g, _ *netstat.MulticastGroup) {
	w.add("%s", g.Group.WithZone(""))
	w.on("dev", g.Interface)
}}
