package live

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// growthScene is rows of which many have one key, and what happens to one of them.
type growthScene struct {
	about string
	row   func(i int) []collectors.Message
}

func routeMessage(r ...netstat.Route) collectors.Message {
	return collectors.Message{Kind: netstat.KindRoute, Routes: r}
}

func appended(r ...netstat.Route) collectors.Message {
	m := routeMessage(r...)
	m.Append = true
	return m
}

// ipv4 returns an address with a number in its last octets.
func ipv4(first byte, number int) netip.Addr {
	return netip.AddrFrom4([4]byte{first, 0, byte(number >> 8), byte(number)})
}

var growthScenes = []growthScene{
	{"links with fe80::/64 and ff00::/8", func(i int) []collectors.Message {
		device := uint32(i + 2)
		link := netstat.Interface{Index: device, Name: fmt.Sprint("l", i), Flags: netstat.InterfaceUp}
		return []collectors.Message{
			{Kind: netstat.KindInterface, Interface: link},
			routeMessage(netstat.Route{Destination: netip.MustParsePrefix("fe80::/64"), Table: netstat.TableMain, Metric: netstat.Known(uint32(256)), Interface: device, Type: netstat.RouteUnicast}),
			routeMessage(netstat.Route{Destination: netip.MustParsePrefix("ff00::/8"), Table: netstat.TableLocal, Metric: netstat.Known(uint32(256)), Interface: device, Type: netstat.RouteMulticast}),
		}
	}},
	{"routes for source prefixes", func(i int) []collectors.Message {
		source := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 8), byte(i)}), 48)
		return []collectors.Message{routeMessage(netstat.Route{Destination: netip.MustParsePrefix("2001:db8::/32"), Table: netstat.TableMain, Metric: netstat.Known(uint32(1024)),
			Gateway: netip.MustParseAddr("fe80::1"), Interface: 2, Type: netstat.RouteUnicast, Options: &netstat.RouteOptions{Source: source}})}
	}},
	{"multipath routes that share the first hops", func(i int) []collectors.Message {
		var hops []netstat.Route
		for _, last := range []int{1, 2, 3, 10 + i} {
			hops = append(hops, netstat.Route{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), Table: netstat.TableMain, Weight: 1,
				Gateway: ipv4(192, last), Interface: 2, Type: netstat.RouteUnicast})
		}
		return []collectors.Message{routeMessage(hops...)}
	}},
	{"IPv4 routes with one key", func(i int) []collectors.Message {
		return []collectors.Message{appended(netstat.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: netstat.TableMain, Gateway: ipv4(192, i), Interface: 2, Type: netstat.RouteUnicast})}
	}},
	{"multipath IPv4 routes with one key that share a hop", func(i int) []collectors.Message {
		var hops []netstat.Route
		for _, last := range []int{1, 10 + i} {
			hops = append(hops, netstat.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: netstat.TableMain, Weight: 1, Gateway: ipv4(192, last), Interface: 2, Type: netstat.RouteUnicast})
		}
		return []collectors.Message{appended(hops...)}
	}},
	{"IPv4 routes with one key through nexthop objects", func(i int) []collectors.Message {
		return []collectors.Message{appended(netstat.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: netstat.TableMain, NextHopID: uint32(i + 1), Gateway: ipv4(192, i), Interface: 2, Type: netstat.RouteUnicast})}
	}},
	{"rules of one priority", func(i int) []collectors.Message {
		return []collectors.Message{{Kind: netstat.KindRule, Rule: netstat.Rule{Family: netstat.IPv4, Priority: 1000, Mark: uint32(i), Mask: 1<<32 - 1, Action: netstat.RuleTable, Table: 100}}}
	}},
	{"forwarding entries of one bridge", func(i int) []collectors.Message {
		return []collectors.Message{
			{Kind: netstat.KindInterface, Interface: netstat.Interface{Index: uint32(i + 2), Name: fmt.Sprint("p", i), Master: 1 << 20}},
			{Kind: netstat.KindNeighbour, Neighbour: netstat.Neighbour{Family: netstat.Bridge, Interface: uint32(i + 2), Master: 1 << 20, LinkAddress: netstat.HardwareAddress([]byte{2, 0, 0, 0, byte(i >> 8), byte(i)})}},
		}
	}},
}

// TestGrowth holds that four times as many rows are at most five times the work to
// load, in rows that are looked at or dumped anew, and at most twice the work for the
// events of one and of a hundred, told to somebody and to nobody: an event that looks
// through all rows with its key breaks that.
func TestGrowth(t *testing.T) {
	const few, factor = 500, 4
	most := func(what string) uint64 {
		if what == "loading" {
			return factor + 1
		}
		return 2
	}
	for _, scene := range growthScenes {
		work := func(n int) (figures map[string]uint64) {
			figures = make(map[string]uint64)
			s := newState()
			events := 0
			u := update{state: s, kinds: netstat.AllKinds, emit: func(Event) { events++ }}
			before := uint64(0)
			since := func(what string) {
				figures[what] = *s.steps - before
				before = *s.steps
			}
			for i := range n {
				for _, m := range scene.row(i) {
					u.load(&m)
				}
			}
			since("loading")
			count := s.count(netstat.KindRoute) + s.count(netstat.KindRule) + s.count(netstat.KindNeighbour)
			if count < n {
				t.Fatalf("%s: %d rows of %d", scene.about, count, n)
			}
			for _, told := range []netstat.Kinds{0, netstat.KindInterface, netstat.AllKinds} {
				u.told = told
				for _, rows := range []int{1, 100} {
					events = 0
					for i := range rows {
						for _, removed := range []bool{true, false} {
							messages := scene.row(n/2 - i)
							if removed { // what stands on others goes first
								slices.Reverse(messages)
							}
							for _, m := range messages {
								m.Removed = removed
								u.apply(&m)
							}
							u.stale.Each(func(kind netstat.Kinds) { *s.steps += uint64(s.count(kind)) })
							u.stale = 0
						}
					}
					since(fmt.Sprintf("%d that went and came, %v told", rows, told))
					if told == netstat.AllKinds && events < 2*rows {
						t.Errorf("%s: %d events of %d rows that went and came", scene.about, events, rows)
					}
				}
			}
			if now := s.count(netstat.KindRoute) + s.count(netstat.KindRule) + s.count(netstat.KindNeighbour); now != count {
				t.Errorf("%s: %d rows are left of %d", scene.about, now, count)
			}
			return figures
		}
		small, large := work(few), work(factor*few)
		for what, steps := range large {
			if steps > most(what)*max(small[what], 1) {
				t.Errorf("%s, %s: %d rows looked at for %d, %d for %d", scene.about, what, small[what], few, steps, factor*few)
			}
		}
		t.Log(scene.about, large)
	}
}

// TestManyRoutesWithOneKey has more of them than 16 bits count.
func TestManyRoutesWithOneKey(t *testing.T) {
	const many = 70_000
	for _, family := range []string{"10.0.0.0/8", "fe80::/64"} {
		s := newState()
		u := update{state: s, kinds: netstat.AllKinds}
		route := func(i int) collectors.Message {
			return routeMessage(netstat.Route{Destination: netip.MustParsePrefix(family), Table: netstat.TableMain, Metric: netstat.Known(uint32(256)), Interface: uint32(i + 2), Type: netstat.RouteUnicast})
		}
		for i := range many {
			m := route(i)
			u.load(&m)
		}
		rows := 0
		for range (&Snapshot{state: s, kinds: netstat.KindRoute}).Routes(netstat.RouteQuery{}) {
			rows++
		}
		if rows != many || s.count(netstat.KindRoute) != many {
			t.Errorf("%s: %d rows, %d counted, want %d", family, rows, s.count(netstat.KindRoute), many)
		}
	}
}
