package show

import (
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Neighbours is the table of neighbours, and of those that are answered for.
func Neighbours() Table {
	field := fieldOf[netstat.Neighbour]
	return list("neighbour", "another host on a link, or an address that this host answers for (`proxy`)", kind[netstat.Neighbour]{
		title:   "Neighbours",
		aliases: map[string][]string{"dev": {"interface"}, "addr": {"address"}},
		belongs: by(func(n *netstat.Neighbour) uint32 { return n.Interface }),
		keep: func(q *query, n *netstat.Neighbour) bool {
			return q.All || n.State != netstat.Known(netstat.NeighbourNoARP)
		},
		parts: func(_ context.Context, q *query) ([]part[netstat.Neighbour], error) {
			parts := []part[netstat.Neighbour]{{what: "neighbours", read: from(func(r netstat.NeighbourReader, ctx context.Context) iter.Seq2[netstat.Neighbour, error] {
				return r.Neighbours(ctx, q.families()...)
			})}}
			if q.src.SNMP {
				return parts, nil // no MIB tells of those that are answered for
			}
			return append(parts, part[netstat.Neighbour]{what: "proxy neighbours", read: from(func(r netstat.ProxyNeighbourReader, ctx context.Context) iter.Seq2[netstat.Neighbour, error] {
				return r.ProxyNeighbours(ctx, q.families()...)
			})}), nil
		},
	},
		both[netstat.Neighbour]{heading: "Address", width: 25, Field: table.Field[Row[netstat.Neighbour]]{Name: "address", Type: table.Address, Doc: "address",
			Value: func(r *Row[netstat.Neighbour]) table.Value { return addrValue(r.from, r.v.Address) }}},
		of("HWaddress", 17, field("linkAddress", table.String, "link-layer address", func(n *netstat.Neighbour) table.Value { return table.Text(n.LinkAddress.String()) })),
		of("State", 10, field("state", table.String, "reachability, as ip-neighbour(8) has it", func(n *netstat.Neighbour) table.Value { return knownText(n.State) })),
		ofInterface("Iface", 0, "interface", "interface", func(n *netstat.Neighbour) uint32 { return n.Interface }),
		of("Router", 0, field("router", table.Boolean, "whether it is a router (IPv6)", func(n *netstat.Neighbour) table.Value {
			return boolValue(n.Flag(netstat.NeighbourRouter))
		})),
		of("Proxy", 0, field("proxy", table.Boolean, "whether this host answers in its place", func(n *netstat.Neighbour) table.Value {
			return boolValue(n.Flag(netstat.NeighbourProxy))
		})),
		hidden(field("interfaceIndex", table.Integer, "index of the interface", func(n *netstat.Neighbour) table.Value { return table.Uint(n.Interface) })),
		hidden(field("family", table.String, "`ipv4` or `ipv6`", func(n *netstat.Neighbour) table.Value { return table.Text(n.Family.String()) })),
		hidden(field("protocol", table.String, "who made the entry", func(n *netstat.Neighbour) table.Value {
			if n.Protocol == netstat.RouteProtocolUnspecified {
				return table.Value{}
			}
			return table.Text(n.Protocol.Name())
		})),
	)
}

var neighbourWords = inWords[netstat.Neighbour]{netstat.KindNeighbour, func(w *words, n, _ *netstat.Neighbour) {
	if n.Address.IsValid() {
		w.add("%s", n.Address.WithZone(""))
	}
	if n.LinkAddress != "" {
		w.add("lladdr %s", n.LinkAddress)
	}
	w.on("dev", n.Interface)
	w.on("master", n.Master)
	w.add("%s", n.State)
}}
