package show

import (
	"context"
	"slices"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// MulticastInterfaces is the table of the multicast router's interfaces.
func MulticastInterfaces() Table {
	type vif = netstat.MulticastInterface
	field := fieldOf[vif]
	return list("vif", "an interface of the multicast router", kind[netstat.MulticastInterface]{
		title:    "Multicast virtual interfaces",
		read:     from(netstat.MulticastRoutingReader.MulticastInterfaces),
		belongs:  by(func(v *netstat.MulticastInterface) uint32 { return v.Interface }),
		inFamily: func(v *netstat.MulticastInterface, f netstat.Family) bool { return v.Family == f },
	},
		of("Family", 6, field("family", table.String, "`ipv4` or `ipv6`", func(v *vif) table.Value { return table.Text(v.Family.String()) })),
		of("Vif", 5, field("number", table.Integer, "from 0", func(v *vif) table.Value { return table.Uint(v.Number) })),
		ofInterface("Iface", 15, "interface", "interface", func(v *vif) uint32 { return v.Interface }),
		of("Pkts-In", 10, field("inPackets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.InPackets) })).count(),
		of("Bytes-In", 12, field("inOctets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.InOctets) })).bytes(),
		of("Pkts-Out", 10, field("outPackets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.OutPackets) })).count(),
		of("Bytes-Out", 12, field("outOctets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.OutOctets) })).bytes(),
		of("Register", 0, field("register", table.Boolean, "whether it leads to a rendezvous point", func(v *vif) table.Value { return table.Bool(v.Register) })),
		hidden(field("table", table.RouteTable, "multicast routing table", func(v *vif) table.Value { return table.Uint(v.Table) })),
		of("Remote", 0, field("remote", table.Address, "other end of a tunnel", func(v *vif) table.Value { return table.Addr(v.Remote) })),
	)
}

// MulticastRoutes is the table of the multicast forwarding cache.
func MulticastRoutes() Table {
	type route = netstat.MulticastRoute
	field := fieldOf[route]
	return list("multicastRoute", "an entry of the multicast forwarding cache", kind[netstat.MulticastRoute]{
		apart: true,
		title: "Multicast forwarding cache",
		read:  from(netstat.MulticastRoutingReader.MulticastRoutes),
		belongs: func(ctx context.Context, q *query, r *netstat.MulticastRoute) bool {
			return q.shows(ctx, r.Input) || slices.ContainsFunc(r.Outputs, func(o netstat.MulticastOutput) bool { return q.shows(ctx, o.Interface) })
		},
		inFamily: func(v *netstat.MulticastRoute, f netstat.Family) bool { return v.Family == f },
	},
		of("Source", 18, field("source", table.Address, "sender, the unspecified address for any", func(v *route) table.Value { return table.Addr(v.Source) })),
		of("Group", 18, field("group", table.Address, "group", func(v *route) table.Value { return table.Addr(v.Group) })),
		ofInterface("Input", 10, "input", "interface that packets must arrive on", func(v *route) uint32 { return v.Input }),
		of("Packets", 10, field("packets", table.Integer, "forwarded", func(v *route) table.Value { return uintValue(v.Packets) })).count(),
		of("Bytes", 12, field("octets", table.Integer, "forwarded", func(v *route) table.Value { return uintValue(v.Octets) })).bytes(),
		of("Wrong-If", 8, field("wrongInterface", table.Integer, "packets that arrived on another interface", func(v *route) table.Value { return uintValue(v.WrongInterface) })).count(),
		both[route]{heading: "Outputs", Field: table.Field[Row[route]]{Name: "outputs", Type: table.Objects, Doc: "interfaces that packets go out on, each with `interface` and the `threshold` of the TTL",
			Value: func(r *Row[route]) table.Value {
				if len(r.v.Outputs) == 0 {
					return table.Value{}
				}
				var outputs []table.Object
				for _, o := range r.v.Outputs {
					outputs = append(outputs, table.Object{{Name: "interface", Value: table.Text(r.from.name(o.Interface))}, {Name: "threshold", Value: table.Uint(o.Threshold)}})
				}
				return table.List(outputs)
			}}},
		hidden(field("family", table.String, "`ipv4` or `ipv6`", func(v *route) table.Value { return table.Text(v.Family.String()) })),
		hidden(field("table", table.RouteTable, "multicast routing table", func(v *route) table.Value { return table.Uint(v.Table) })),
		hidden(field("unresolved", table.Boolean, "whether the kernel waits for the routing daemon's answer", func(v *route) table.Value { return table.Bool(v.Unresolved) })),
		hidden(field("idle", table.Duration, "seconds since a packet last used the entry", func(v *route) table.Value { return secondsValue(v.Idle) })),
	)
}

// BridgeGroups is the table of the multicast groups that bridges know.
func BridgeGroups() Table {
	type group = netstat.BridgeGroup
	field := fieldOf[group]
	return list("bridgeGroup", "a port of a bridge that frames of a group are sent to", kind[netstat.BridgeGroup]{
		title: "Multicast groups of bridges",
		read:  from(netstat.BridgeMulticastReader.BridgeGroups),
		belongs: func(ctx context.Context, q *query, g *netstat.BridgeGroup) bool {
			return q.shows(ctx, g.Bridge) || q.shows(ctx, g.Port)
		},
		inFamily: func(g *netstat.BridgeGroup, f netstat.Family) bool {
			return g.Group.IsValid() && g.Group.Is4() == (f == netstat.IPv4)
		},
	},
		ofInterface("Bridge", 15, "bridge", "bridge", func(g *group) uint32 { return g.Bridge }),
		ofInterface("Port", 15, "port", "port, or the bridge itself where the host joined", func(g *group) uint32 { return g.Port }),
		of("VLAN", 4, field("vlan", table.Integer, "absent for none", func(g *group) table.Value { return table.NonZero(g.VLAN) })),
		of("Group", 20, field("group", table.String, "address of the network or of the link layer", func(g *group) table.Value {
			if g.Group.IsValid() {
				return table.Text(g.Group.String())
			}
			return table.Text(g.LinkGroup.String())
		})),
		of("Source", 15, field("source", table.Address, "of source-specific entries", func(g *group) table.Value { return table.Addr(g.Source) })),
		of("Permanent", 0, field("permanent", table.Boolean, "whether it was configured", func(g *group) table.Value { return table.Bool(g.Permanent) })),
		of("Expires", 8, field("expires", table.Duration, "seconds, 0 for never", func(g *group) table.Value { return table.Seconds(g.Expires) })),
	)
}

// BridgeRouterPorts is the table of the ports towards multicast routers.
func BridgeRouterPorts() Table {
	type port = netstat.BridgeRouterPort
	field := fieldOf[port]
	return list("routerPort", "a port of a bridge that has a multicast router behind it", kind[netstat.BridgeRouterPort]{
		apart: true,
		title: "Ports of bridges towards multicast routers",
		read:  from(netstat.BridgeMulticastReader.BridgeRouterPorts),
		belongs: func(ctx context.Context, q *query, p *netstat.BridgeRouterPort) bool {
			return q.shows(ctx, p.Bridge) || q.shows(ctx, p.Port)
		},
	},
		ofInterface("Bridge", 15, "bridge", "bridge", func(p *port) uint32 { return p.Bridge }),
		ofInterface("Port", 15, "port", "port", func(p *port) uint32 { return p.Port }),
		of("VLAN", 4, field("vlan", table.Integer, "absent for none", func(p *port) table.Value { return table.NonZero(p.VLAN) })),
		of("Permanent", 0, field("permanent", table.Boolean, "whether it was configured", func(p *port) table.Value { return table.Bool(p.Permanent) })),
		of("Expires", 8, field("expires", table.Duration, "seconds, 0 for never", func(p *port) table.Value { return table.Seconds(p.Expires) })),
	)
}

// Namespaces is the table of network namespaces.
func Namespaces() Table {
	field := fieldOf[netstat.Namespace]
	return list("namespace", "a network namespace of this host", kind[netstat.Namespace]{
		title: "Network namespaces",
		read:  from(netstat.NamespaceReader.Namespaces),
	},
		of("Namespace", 20, field("label", table.String, "what --netns takes it by", func(n *netstat.Namespace) table.Value { return table.Text(n.Label()) })),
		of("Inode", 12, field("inode", table.Integer, "inode in nsfs", func(n *netstat.Namespace) table.Value { return table.Uint(n.Inode) })),
		of("ID", 5, field("id", table.Integer, "number that this namespace knows it by", func(n *netstat.Namespace) table.Value {
			id, known := n.ID.Get()
			if !known {
				return table.Value{}
			}
			return table.Int(id)
		})),
		of("Current", 0, field("current", table.Boolean, "whether it is that of this program", func(n *netstat.Namespace) table.Value { return table.Bool(n.Current) })),
		of("Processes", 0, field("processCount", table.Integer, "how many processes run in it", func(n *netstat.Namespace) table.Value { return table.Int(len(n.Processes)) })),
		of("First", 0, field("firstProcess", table.String, "the process with the lowest PID in it, as PID/name", func(n *netstat.Namespace) table.Value {
			if len(n.Processes) == 0 {
				return table.Value{}
			}
			return table.Text(strconv.Itoa(int(n.Processes[0].PID)) + "/" + n.Processes[0].Name)
		})),
		hidden(field("names", table.Strings, "names that ip-netns(8) knows", func(n *netstat.Namespace) table.Value { return table.Words(n.Names) })),
		hidden(field("paths", table.Strings, "where it is mounted", func(n *netstat.Namespace) table.Value { return table.Words(n.Paths) })),
	)
}
