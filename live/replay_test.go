package live

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestReplay has a dump and events that tell of the same: what was followed is right,
// and nobody is told or shown anything else.
func TestReplay(t *testing.T) {
	route := func(destination, gateway string) netstat.Route {
		return netstat.Route{Destination: netip.MustParsePrefix(destination), Gateway: netip.MustParseAddr(gateway), Interface: 2, Table: netstat.TableMain, Type: netstat.RouteUnicast, Metric: netstat.Known(uint32(0))}
	}
	a, b, c := routeMessage(route("10.0.0.0/8", "192.0.2.1")), routeMessage(route("10.0.0.0/8", "192.0.2.2")), routeMessage(route("10.0.0.0/8", "192.0.2.3"))
	other := routeMessage(route("10.1.0.0/16", "192.0.2.1"))
	six, six2 := routeMessage(route("2001:db8:1::/48", "fe80::1")), routeMessage(route("2001:db8:2::/48", "fe80::1"))
	local := func(device uint32) collectors.Message {
		return routeMessage(netstat.Route{Destination: netip.MustParsePrefix("fe80::/64"), Table: netstat.TableMain, Metric: netstat.Known(uint32(256)), Interface: device, Type: netstat.RouteUnicast})
	}
	rule := func(mark uint32) collectors.Message {
		return collectors.Message{Kind: netstat.KindRule, Rule: netstat.Rule{Family: netstat.IPv4, Priority: 100, Mark: mark, Mask: 1<<32 - 1, Action: netstat.RuleTable, Table: 100}}
	}
	group := func(last byte) collectors.Message {
		return collectors.Message{Kind: netstat.KindMulticast, Multicast: netstat.MulticastGroup{Interface: 2, Group: netip.AddrFrom4([4]byte{224, 0, 1, last})}}
	}
	removed := func(m collectors.Message) collectors.Message { m.Removed = true; return m }
	replaces := func(m collectors.Message) collectors.Message { m.Replace = true; return m }
	appended := func(m collectors.Message) collectors.Message { m.Append = true; return m }
	for _, test := range []struct {
		about          string
		before, events []collectors.Message
		dump           []collectors.Message
		interrupted    netstat.Kinds
		want           []collectors.Message // besides what the events make of before
	}{
		{about: "a rule that the dump has", before: nil, events: []collectors.Message{rule(1)}, dump: []collectors.Message{rule(1)}},
		{about: "a rule that went behind its like", before: []collectors.Message{rule(1)}, events: []collectors.Message{removed(rule(1)), rule(1), rule(2)}, dump: []collectors.Message{rule(1), rule(2)}},
		{about: "a rule that went", before: []collectors.Message{rule(1)}, events: []collectors.Message{removed(rule(1))}, dump: nil},
		{about: "a route that was replaced", before: nil, events: []collectors.Message{appended(a), replaces(b)}, dump: []collectors.Message{b}},
		{about: "a route that took another's place and went silently", before: []collectors.Message{a, c}, events: []collectors.Message{replaces(b)}, dump: []collectors.Message{c}},
		{about: "a route that the dump has", before: []collectors.Message{a}, events: []collectors.Message{appended(b)}, dump: []collectors.Message{a, b}},
		{about: "a route besides", before: []collectors.Message{a}, events: []collectors.Message{appended(b)}, dump: []collectors.Message{a, other}, want: []collectors.Message{other}},
		{about: "an IPv6 route that an interrupted dump lacks", before: []collectors.Message{six}, events: []collectors.Message{six2}, dump: []collectors.Message{six2}, interrupted: netstat.KindRoute},
		{about: "one of the routes of all devices that went, and one that came", before: []collectors.Message{local(2), local(3), local(4)}, events: []collectors.Message{removed(local(3)), appended(local(5))},
			dump: []collectors.Message{local(2), local(3), local(4)}},
		{about: "one of the routes of all devices that the dump has besides", before: []collectors.Message{local(2)}, events: []collectors.Message{appended(local(3))}, dump: []collectors.Message{local(2), local(3), local(4)}, want: []collectors.Message{local(4)}},
		{about: "an IPv6 route that took another device's place", before: []collectors.Message{local(2), local(4)}, events: []collectors.Message{replaces(local(3))}, dump: []collectors.Message{local(2), local(4)}},
		{about: "a group that the dump lacks", before: []collectors.Message{group(1), group(2)}, events: []collectors.Message{removed(group(1))}, dump: nil},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := &Stack{state: newState()}
			followed := update{state: s.state, kinds: netstat.AllKinds}
			for _, m := range test.before {
				followed.load(&m)
			}
			fresh := update{state: newState(), kinds: netstat.AllKinds, doubtful: test.interrupted}
			for _, m := range test.dump {
				fresh.load(&m)
			}
			fresh.replay = true
			for _, m := range test.events {
				followed.apply(&m)
				fresh.apply(&m)
			}
			all := func(s *state) (rows []string) {
				for e := range (&Snapshot{state: s, kinds: netstat.AllKinds}).events(Filter{}) {
					rows = append(rows, show(e.Value))
				}
				return rows
			}
			want := all(s.state)
			more := newState()
			for _, m := range test.want {
				(&update{state: more, kinds: netstat.AllKinds}).load(&m)
			}
			want = append(want, all(more)...)
			slices.Sort(want)

			var told []Event
			believed := s.doubt(netstat.AllKinds, &fresh)
			diff(believed, s.state, fresh.state, func(kind netstat.Kinds, change Change, value, old any) {
				told = append(told, Event{Kind: kind, Change: change, Value: value, Old: old})
			})
			if len(told) != len(test.want) {
				t.Errorf("told %+v", told)
			}
			s.state.take(believed, fresh.state)
			got := all(s.state)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("shown (-want +got):\n%s", difference(want, got))
			}
		})
	}
}

// TestDoubtsEnd has every dump be interrupted: what it lacks is gone in the end.
func TestDoubtsEnd(t *testing.T) {
	s := &Stack{state: newState()}
	link := &collectors.Message{Kind: netstat.KindInterface, Interface: netstat.Interface{Index: 2, Name: "gone"}}
	(&update{state: s.state, kinds: netstat.AllKinds}).load(link)
	for dump := range mostDoubts + 1 {
		if s.state.link(2) == nil {
			t.Fatalf("a link went with interrupted dump %d", dump)
		}
		fresh := update{state: newState(), kinds: netstat.AllKinds, doubtful: netstat.KindInterface}
		s.state.take(s.doubt(netstat.AllKinds, &fresh), fresh.state)
	}
	if s.state.link(2) != nil {
		t.Errorf("a link that went stays after %d dumps", mostDoubts+1)
	}
}

// TestLinkEventDuringDump has a link's event come when a dump of routes alone was read:
// what the link was before is not in there.
func TestLinkEventDuringDump(t *testing.T) {
	fresh := update{state: newState(), kinds: netstat.KindRoute}
	m := routeMessage(netstat.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: netstat.TableMain, Interface: 2, Type: netstat.RouteUnicast})
	fresh.load(&m)
	fresh.apply(&collectors.Message{Kind: netstat.KindInterface, Interface: netstat.Interface{Index: 2, Name: "l", Flags: netstat.InterfaceUp}})
	if !fresh.stale.Has(netstat.KindRoute) {
		t.Error("its routes are not dumped again")
	}
}

// TestKeptOrder has events tell of IPv6 routes during a dump: the first that came is
// still the one whose place another takes.
func TestKeptOrder(t *testing.T) {
	local := func(device uint32) *collectors.Message {
		m := appended(netstat.Route{Destination: netip.MustParsePrefix("fe80::/64"), Table: netstat.TableMain, Metric: netstat.Known(uint32(256)), Interface: device, Type: netstat.RouteUnicast})
		return &m
	}
	for _, told := range [][]uint32{{5}, {3}, {5, 3}, {7}, {7, 9, 8}} {
		s := &Stack{state: newState()}
		followed := update{state: s.state, kinds: netstat.AllKinds}
		fresh := update{state: newState(), kinds: netstat.AllKinds}
		for _, device := range []uint32{5, 3, 4} {
			followed.load(local(device))
			fresh.load(local(device))
		}
		fresh.replay = true
		for _, device := range told {
			followed.apply(local(device))
			fresh.apply(local(device))
		}
		s.state.take(s.doubt(netstat.AllKinds, &fresh), fresh.state)
		for next, first := range []uint32{5, 3, 4} {
			m := local(uint32(100 + next))
			m.Replace, m.Append = true, false
			followed.apply(m)
			for r := range (&Snapshot{state: s.state, kinds: netstat.KindRoute}).Routes(netstat.RouteQuery{}) {
				if r.Interface == first {
					t.Errorf("told of %v: another took a place, and not that of device %d", told, first)
				}
			}
			m.Replace, m.Removed = false, true
			followed.apply(m)
		}
	}
}

// TestKeepGrowth has an event tell of one route during a dump: four times as many with
// its key are no more work.
func TestKeepGrowth(t *testing.T) {
	work := func(n int) uint64 {
		s := &Stack{state: newState()}
		followed := update{state: s.state, kinds: netstat.AllKinds}
		fresh := update{state: newState(), kinds: netstat.AllKinds}
		message := func(i int) *collectors.Message {
			m := growthScenes[0].row(i)[1]
			return &m
		}
		for i := range n {
			followed.load(message(i))
			fresh.load(message(i))
		}
		fresh.replay = true
		m := message(n / 2)
		m.Removed = true
		followed.apply(m)
		fresh.apply(m)
		before := *s.state.steps + *fresh.state.steps
		s.doubt(netstat.AllKinds, &fresh)
		if got := fresh.state.count(netstat.KindRoute); got != n-1 {
			t.Errorf("%d routes are left of %d", got, n)
		}
		return *s.state.steps + *fresh.state.steps - before
	}
	if small, large := work(500), work(2000); large > 2*max(small, 1) {
		t.Errorf("%d rows looked at for 500, %d for 2000", small, large)
	}
}
