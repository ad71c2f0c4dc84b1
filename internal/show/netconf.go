package show

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Netconfs is the table of what is forwarded, by interface.
func Netconfs() Table {
	type netconf = netstat.Netconf
	field := fieldOf[netconf]
	setting := func(heading, name, doc string, get func(*netconf) netstat.Optional[bool]) both[netconf] {
		return of(heading, 0, field(name, table.Boolean, doc, func(c *netconf) table.Value {
			on, known := get(c).Get()
			if !known {
				return table.Value{}
			}
			return table.Bool(on)
		}))
	}
	return list("netconf", "what the kernel forwards from and to an interface", kind[netstat.Netconf]{
		title:    "Forwarding by interface",
		aliases:  map[string][]string{"dev": {"interface"}},
		read:     from(netstat.NetconfReader.Netconfs),
		belongs:  by(func(c *netstat.Netconf) uint32 { return uint32(max(c.Interface, 0)) }),
		inFamily: func(c *netstat.Netconf, f netstat.Family) bool { return c.Family == f },
		names:    func(c *netstat.Netconf) bool { return c.Interface > 0 },
		places:   []string{"all", "default"},
	},
		of("Family", 6, field("family", table.String, "`ipv4` or `ipv6`", func(c *netconf) table.Value { return table.Text(c.Family.String()) })),
		both[netconf]{heading: "Iface", width: 15, Field: table.Field[Row[netconf]]{Name: "interface", Type: table.Interface,
			Doc: "interface, `all` for every one together, or `default` for those to come", Value: netconfInterface}},
		setting("Forward", "forwarding", "whether packets that arrive there are forwarded", func(c *netconf) netstat.Optional[bool] { return c.Forwarding }),
		of("RPFilter", 0, field("reversePathFilter", table.String, "`off`, `strict` or `loose`; IPv4", reversePathFilter)),
		setting("Mcast", "multicastForwarding", "whether multicasts are forwarded", func(c *netconf) netstat.Optional[bool] { return c.MulticastForwarding }),
		setting("Bcast", "broadcastForwarding", "whether broadcasts are forwarded; IPv4", func(c *netconf) netstat.Optional[bool] { return c.BroadcastForwarding }),
		setting("Proxy", "proxyNeighbours", "whether the host answers for addresses that it forwards to (proxy ARP, proxy neighbour discovery)", func(c *netconf) netstat.Optional[bool] { return c.ProxyNeighbours }),
		setting("IgnDown", "ignoreRoutesWithLinkDown", "whether routes over a link without carrier are passed over", func(c *netconf) netstat.Optional[bool] { return c.IgnoreRoutesWithLinkDown }),
		setting("Force", "forceForwarding", "whether packets are forwarded though IPv6 does not forward as a whole", func(c *netconf) netstat.Optional[bool] { return c.ForceForwarding }),
	)
}

func netconfInterface(r *Row[netstat.Netconf]) table.Value {
	switch r.v.Interface {
	case netstat.NetconfAll:
		return table.Text("all")
	case netstat.NetconfDefault:
		return table.Text("default")
	}
	return table.Text(r.from.name(uint32(r.v.Interface)))
}

func reversePathFilter(c *netstat.Netconf) table.Value {
	mode, known := c.ReversePathFilter.Get()
	if !known {
		return table.Value{}
	}
	if names := [...]string{"off", "strict", "loose"}; int(mode) < len(names) {
		return table.Text(names[mode])
	}
	return table.Text(string(appendUint(nil, mode)))
}

var netconfWords = inWords[netstat.Netconf]{netstat.KindNetconf, func(w *words, c, _ *netstat.Netconf) {
	name := map[int32]string{netstat.NetconfAll: "all", netstat.NetconfDefault: "default"}[c.Interface]
	if name == "" {
		name = escaped(w.interfaceName(uint32(c.Interface)))
	}
	w.add("%s dev %s", c.Family, name)
	settings := reflect.ValueOf(*c)
	for i := range settings.NumField() {
		if text := fmt.Sprint(settings.Field(i).Interface()); i >= 2 && text != "-" {
			w.add("%s %s", kebab(settings.Type().Field(i).Name), text)
		}
	}
}}

// kebab returns a field's name in small letters with hyphens.
func kebab(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
