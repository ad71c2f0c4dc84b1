package show

import (
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Addresses is the table of the addresses of interfaces.
func Addresses() Table {
	type address = netstat.Address
	field := fieldOf[address]
	lifetime := func(heading, name, doc string, get func(*address) netstat.Optional[time.Duration]) both[address] {
		return both[address]{heading: heading, width: 9, right: true, cell: func(b []byte, a *address) []byte {
			switch left, known := get(a).Get(); {
			case !known:
				return append(b, '-')
			case left == netstat.Forever:
				return append(b, "forever"...)
			default:
				return append(strconv.AppendInt(b, int64(left/time.Second), 10), 's')
			}
		}, Field: field(name, table.Duration, doc, func(a *address) table.Value {
			if get(a) == netstat.Known(netstat.Forever) {
				return table.Value{}
			}
			return secondsValue(get(a))
		})}
	}
	valid := func(a *address) netstat.Optional[time.Duration] { return a.Valid }
	preferred := func(a *address) netstat.Optional[time.Duration] { return a.Preferred }
	return list("address", "an address of an interface", kind[address]{
		title:    "Addresses of interfaces",
		aliases:  map[string][]string{"dev": {"interface"}, "addr": {"address"}},
		read:     from(netstat.AddressReader.Addresses),
		belongs:  by(func(a *address) uint32 { return a.Interface }),
		inFamily: func(a *address, f netstat.Family) bool { return a.Prefix.Addr().Is4() == (f == netstat.IPv4) },
	},
		both[address]{heading: "Address", width: 30, Field: table.Field[Row[address]]{Name: "address", Type: table.Address, Doc: "the local address",
			Value: func(r *Row[address]) table.Value { return addrValue(r.from, r.v.Prefix.Addr()) }}, cell: func(b []byte, a *address) []byte {
			if a.Prefix.IsValid() {
				return a.Prefix.AppendTo(b)
			}
			return a.Prefix.Addr().AppendTo(b)
		}},
		hidden(field("prefixLength", table.Integer, "bits of the network's prefix", func(a *address) table.Value {
			if !a.Prefix.IsValid() {
				return table.Value{}
			}
			return table.Uint(uint32(a.Prefix.Bits()))
		})),
		ofInterface("Iface", 15, "interface", "interface", func(a *address) uint32 { return a.Interface }),
		of("Scope", 8, field("scope", table.Integer, "how far it is valid: 0 global, 200 site, 253 link, 254 host", func(a *address) table.Value { return table.Uint(a.Scope) })).
			shownAs(func(b []byte, a *address) []byte { return append(b, routeScopeName(a.Scope)...) }),
		of("Flags", 18, field("flags", table.Strings, "flags that are set, as ip-address(8) has them: `permanent`, `tentative`, `dadfailed`, `deprecated`, `secondary` (of IPv6: temporary), ...", func(a *address) table.Value {
			return table.Words(a.Flags.Names())
		})).shownAs(func(b []byte, a *address) []byte {
			if a.Flags == 0 {
				return append(b, '-')
			}
			text := strings.Join(a.Flags.Names(), ",")
			if a.Prefix.Addr().Is6() {
				text = strings.Replace(text, "secondary", "temporary", 1)
			}
			return append(b, text...)
		}).redIf(func(a *address) bool { return a.Flags&netstat.AddressDADFailed != 0 }),
		lifetime("Preferred", "preferred", "seconds that it is preferred for new connections", preferred),
		lifetime("Valid", "valid", "seconds until the kernel removes it", valid),
		hidden(field("unlimited", table.Strings, "which of `preferred` and `valid` have no end", func(a *address) table.Value {
			var without []string
			for _, l := range []struct {
				name string
				of   func(*address) netstat.Optional[time.Duration]
			}{{"preferred", preferred}, {"valid", valid}} {
				if l.of(a) == netstat.Known(netstat.Forever) {
					without = append(without, l.name)
				}
			}
			return table.Words(without)
		})),
		of("Broadcast", 0, field("broadcast", table.Address, "the address of all hosts of the network", func(a *address) table.Value { return table.Addr(a.Broadcast) })),
		of("Peer", 0, field("peer", table.Address, "the other end of a point-to-point link", func(a *address) table.Value { return table.Addr(a.Peer) })),
		of("Label", 0, field("label", table.String, "of IPv4, `eth0:1`", func(a *address) table.Value { return table.Text(a.Label) })),
		hidden(field("interfaceIndex", table.Integer, "index of the interface", func(a *address) table.Value { return table.Uint(a.Interface) })),
		hidden(field("unknownFlags", table.Strings, "flags that the source does not tell of", func(a *address) table.Value { return table.Words(a.UnknownFlags.Names()) })),
		hidden(field("created", table.String, "when it was made (RFC 3339)", func(a *address) table.Value { return momentValue(a.Created) })),
		hidden(field("updated", table.String, "when it was changed last (RFC 3339)", func(a *address) table.Value { return momentValue(a.Updated) })),
		hidden(field("origin", table.Integer, "how it came to be, where the kernel tells: 1 loopback, 2 router advertisement, 3 link-local", func(a *address) table.Value { return uintValue(a.Origin) })),
	)
}
