package show

import (
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// neighbourListing is that of --neighbours.
func neighbourListing() *listing[netstat.Neighbour] {
	field := fieldOf[netstat.Neighbour]
	l := newListing("Neighbours", "neighbour", "another host on a link, or an address that this host answers for (`proxy`)",
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
			if n.Protocol == netstat.ProtocolUnspecified {
				return table.Value{}
			}
			return table.Text(n.Protocol.Name())
		})),
	)
	l.kind.Aliases = map[string][]string{"dev": {"interface"}, "addr": {"address"}}
	return l
}

// showNeighbours shows neighbours, and then those that are answered for.
func (s *Session) showNeighbours() error {
	p, err := startListing(s, neighbourListing())
	if err != nil {
		return err
	}
	show := func(r *Row[netstat.Neighbour]) error {
		s.readNames(r.from)
		if !s.shows(r.from, r.v.Interface) || r.v.State == netstat.Known(netstat.NeighbourNoARP) && !s.All {
			return nil
		}
		return p.Row(r)
	}
	err = each(s, "neighbours", func(r netstat.NeighbourReader, ctx context.Context) iter.Seq2[netstat.Neighbour, error] {
		return r.Neighbours(ctx, s.families()...)
	}, show)
	if err != nil {
		return err
	}
	if s.showsHosts() {
		return p.Close() // no MIB tells of those
	}
	err = each(s, "proxy neighbours", func(r netstat.ProxyNeighbourReader, ctx context.Context) iter.Seq2[netstat.Neighbour, error] {
		return r.ProxyNeighbours(ctx, s.families()...)
	}, show)
	if err != nil {
		return err
	}
	return p.Close()
}
