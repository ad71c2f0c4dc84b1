package show

import (
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// vifListing is that of the multicast router's interfaces.
func vifListing() *listing[netstat.MulticastInterface] {
	type vif = netstat.MulticastInterface
	field := fieldOf[vif]
	return newListing("Multicast virtual interfaces", "vif", "an interface of the multicast router",
		of("Family", 6, field("family", table.String, "`ipv4` or `ipv6`", func(v *vif) table.Value { return table.Text(v.Family.String()) })),
		of("Vif", 5, field("number", table.Integer, "from 0", func(v *vif) table.Value { return table.Uint(v.Number) })),
		ofInterface("Iface", 15, "interface", "interface", func(v *vif) uint32 { return v.Interface }),
		of("Pkts-In", 10, field("inPackets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.InPackets) })),
		of("Bytes-In", 12, field("inOctets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.InOctets) })),
		of("Pkts-Out", 10, field("outPackets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.OutPackets) })),
		of("Bytes-Out", 12, field("outOctets", table.Integer, "", func(v *vif) table.Value { return table.Uint(v.OutOctets) })),
		of("Register", 0, field("register", table.Boolean, "whether it leads to a rendezvous point", func(v *vif) table.Value { return table.Bool(v.Register) })),
		hidden(field("table", table.Integer, "multicast routing table", func(v *vif) table.Value { return table.Uint(v.Table) })),
		of("Remote", 0, field("remote", table.Address, "other end of a tunnel", func(v *vif) table.Value { return table.Addr(v.Remote) })),
	)
}

// multicastRouteListing is that of the multicast forwarding cache.
func multicastRouteListing() *listing[netstat.MulticastRoute] {
	type route = netstat.MulticastRoute
	field := fieldOf[route]
	return newListing("Multicast forwarding cache", "multicastRoute", "an entry of the multicast forwarding cache",
		of("Source", 18, field("source", table.Address, "sender, the unspecified address for any", func(v *route) table.Value { return table.Addr(v.Source) })),
		of("Group", 18, field("group", table.Address, "group", func(v *route) table.Value { return table.Addr(v.Group) })),
		ofInterface("Input", 10, "input", "interface that packets must arrive on", func(v *route) uint32 { return v.Input }),
		of("Packets", 10, field("packets", table.Integer, "forwarded", func(v *route) table.Value { return uintValue(v.Packets) })),
		of("Bytes", 12, field("octets", table.Integer, "forwarded", func(v *route) table.Value { return uintValue(v.Octets) })),
		of("Wrong-If", 8, field("wrongInterface", table.Integer, "packets that arrived on another interface", func(v *route) table.Value { return uintValue(v.WrongInterface) })),
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
		hidden(field("table", table.Integer, "multicast routing table", func(v *route) table.Value { return table.Uint(v.Table) })),
		hidden(field("unresolved", table.Boolean, "whether the kernel waits for the routing daemon's answer", func(v *route) table.Value { return table.Bool(v.Unresolved) })),
		hidden(field("idle", table.Duration, "seconds since a packet last used the entry", func(v *route) table.Value { return secondsValue(v.Idle) })),
	)
}

func (s *Session) showMulticastRoutes() error {
	if err := listed(s, vifListing(), netstat.MulticastRoutingReader.MulticastInterfaces, nil); err != nil {
		return err
	}
	s.out.Line("")
	return listed(s, multicastRouteListing(), netstat.MulticastRoutingReader.MulticastRoutes, nil)
}

// bridgeGroupListing is that of --mdb.
func bridgeGroupListing() *listing[netstat.BridgeGroup] {
	type group = netstat.BridgeGroup
	field := fieldOf[group]
	return newListing("Multicast groups of bridges", "bridgeGroup", "a port of a bridge that frames of a group are sent to",
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

func (s *Session) showBridgeGroups() error {
	if err := listed(s, bridgeGroupListing(), netstat.BridgeMulticastReader.BridgeGroups, nil); err != nil {
		return err
	}
	s.out.Line("")
	return listed(s, routerPortListing(), netstat.BridgeMulticastReader.BridgeRouterPorts, nil)
}

// routerPortListing is that of the ports towards multicast routers.
func routerPortListing() *listing[netstat.BridgeRouterPort] {
	type port = netstat.BridgeRouterPort
	field := fieldOf[port]
	return newListing("Ports of bridges towards multicast routers", "routerPort", "a port of a bridge that has a multicast router behind it",
		ofInterface("Bridge", 15, "bridge", "bridge", func(p *port) uint32 { return p.Bridge }),
		ofInterface("Port", 15, "port", "port", func(p *port) uint32 { return p.Port }),
		of("VLAN", 4, field("vlan", table.Integer, "absent for none", func(p *port) table.Value { return table.NonZero(p.VLAN) })),
		of("Permanent", 0, field("permanent", table.Boolean, "whether it was configured", func(p *port) table.Value { return table.Bool(p.Permanent) })),
		of("Expires", 8, field("expires", table.Duration, "seconds, 0 for never", func(p *port) table.Value { return table.Seconds(p.Expires) })),
	)
}

// namespaceListing is that of --namespaces.
func namespaceListing() *listing[netstat.Namespace] {
	field := fieldOf[netstat.Namespace]
	return newListing("Network namespaces", "namespace", "a network namespace of this host",
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

func (s *Session) showNamespaces() error {
	return listed(s, namespaceListing(), netstat.NamespaceReader.Namespaces, nil)
}
