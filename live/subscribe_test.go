package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// next returns the next event, which must come soon.
func next(t testing.TB, sub *Subscription) Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	defer cancel()
	for e, err := range sub.Events(ctx) {
		if err != nil {
			t.Fatalf("no event: %v", err)
		}
		return e
	}
	t.Fatal("no event")
	return Event{}
}

func pair(t testing.TB) *nstest.NS {
	t.Helper()
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 192.0.2.1/24 dev a0")
	return n
}

func TestEventsOfARoute(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{})
	sub := s.Subscribe(SubscribeOptions{Filter: Filter{Kinds: netstat.KindRoute, Table: 100}})
	defer sub.Close()
	n.IP(t, "route add 10.0.0.0/8 via 192.0.2.2 table 100", "route replace 10.0.0.0/8 via 192.0.2.2 table 100 proto bgp",
		"route append 10.0.0.0/8 via 192.0.2.3 table 100", "route add 10.1.0.0/16 via 192.0.2.3", "route del 10.0.0.0/8 via 192.0.2.2 table 100")
	for _, want := range []string{"added 192.0.2.2 3 0", "changed 192.0.2.2 186 3", "added 192.0.2.3 3 0", "removed 192.0.2.2 186 0"} {
		e := next(t, sub)
		r := e.Value.(netstat.Route)
		old, _ := e.Old.(netstat.Route)
		if got := fmt.Sprint(e.Change, " ", r.Gateway, " ", uint8(r.Protocol), " ", uint8(old.Protocol)); got != want || r.Destination.String() != "10.0.0.0/8" || r.Table != 100 {
			t.Errorf("%s of %v, want %s", got, r.Destination, want)
		}
	}
}

// TestEventsOfSilentChanges has the kernel remove routes without an event each.
func TestEventsOfSilentChanges(t *testing.T) {
	n := pair(t)
	n.IP(t, "route add 10.1.0.0/16 via 192.0.2.2", "nexthop add id 1 via 192.0.2.2 dev a0", "route add 10.2.0.0/16 nhid 1")
	s := open(t, n, Options{})
	for _, c := range [][2]string{{"10.2.0.0/16", "nexthop del id 1"}, {"10.1.0.0/16", "link set a0 down"}} {
		destination, command := c[0], c[1]
		sub := s.Subscribe(SubscribeOptions{Filter: Filter{Kinds: netstat.KindRoute, Prefix: netip.MustParsePrefix(destination)}})
		n.IP(t, command)
		e := next(t, sub)
		if r, ok := e.Value.(netstat.Route); e.Change != Removed || !ok || r.Destination.String() != destination {
			t.Errorf("%s: %+v", command, e)
		}
		sub.Close()
	}
}

func TestEventsOfOneInterface(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{})
	i, ok := s.Snapshot().InterfaceByName("a0")
	if !ok {
		t.Fatal("there is no a0")
	}
	sub := s.Subscribe(SubscribeOptions{Filter: Filter{Kinds: netstat.KindInterface | netstat.KindAddress, Interface: i.Index}, Initial: InitialEvents})
	defer sub.Close()
	seen := make(map[string]bool)
	for e := next(t, sub); e.Change != Synced; e = next(t, sub) {
		seen[fmt.Sprint(e.Change, " ", e.Kind)] = true
	}
	if !seen["present interface"] || !seen["present address"] || len(seen) != 2 {
		t.Errorf("present are %v", seen)
	}
	n.IP(t, "link set b0 alias other", "link set a0 alias mine")
	for {
		e := next(t, sub)
		if v, ok := e.Value.(netstat.Interface); ok {
			if v.Index != i.Index {
				t.Errorf("%+v", e)
			}
			if v.Alias == "mine" && e.Change == Changed && e.Old.(netstat.Interface).Alias == "" {
				break
			}
		}
	}
}

func TestSlowSubscriberGetsAGap(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{})
	// IPv6 makes routes of its own in its own time.
	ten := Filter{Kinds: netstat.KindRoute, Prefix: netip.MustParsePrefix("10.0.0.0/8")}
	sub := s.Subscribe(SubscribeOptions{Filter: ten, Queue: 4})
	defer sub.Close()
	var batch []string
	for i := range 50 {
		batch = append(batch, fmt.Sprintf("route add 10.%d.0.0/16 via 192.0.2.2", i))
	}
	n.IP(t, batch...)
	settle(t, s)
	for i := range 4 {
		if e := next(t, sub); e.Change != Added || e.Value.(netstat.Route).Destination.String() != fmt.Sprintf("10.%d.0.0/16", i) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	gap := next(t, sub)
	if gap.Change != Gap || gap.Kind != 0 || len(gap.Snapshot.Route(netip.MustParsePrefix("10.49.0.0/16"), 0)) != 1 {
		t.Fatalf("after the queue: %+v", gap)
	}
	n.IP(t, "route del 10.49.0.0/16")
	if e := next(t, sub); e.Change != Removed {
		t.Errorf("after the gap: %+v", e)
	}
	if len(gap.Snapshot.Route(netip.MustParsePrefix("10.49.0.0/16"), 0)) != 1 {
		t.Error("the gap's snapshot changed")
	}
}

func TestNotifyBeforeReturning(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{Kinds: netstat.KindAddress})
	present, synced := 0, false
	events := make(chan Event, 10)
	stop := s.Notify(SubscribeOptions{Initial: InitialBefore}, func(e Event) {
		switch e.Change {
		case Present:
			present++
		case Synced:
			synced = true
		default:
			events <- e
		}
	})
	if present < 3 || !synced {
		t.Errorf("when Notify returns, %d are present, synced %v", present, synced)
	}
	n.IP(t, "addr add 192.0.2.77/24 dev a0")
	for e := range events {
		if a := e.Value.(netstat.Address); e.Change == Added && a.Prefix.String() == "192.0.2.77/24" {
			break
		}
	}
	stop()
	n.IP(t, "addr add 192.0.2.78/24 dev a0")
	settle(t, s)
	for len(events) > 0 {
		if e := <-events; strings.Contains(fmt.Sprint(e.Value), "192.0.2.78") {
			t.Errorf("after stop: %+v", e)
		}
	}
}

func TestEventsEnd(t *testing.T) {
	n := nstest.New(t)
	s := open(t, n, Options{Kinds: netstat.KindRoute})
	sub := s.Subscribe(SubscribeOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range sub.Events(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("context: %v", err)
		}
	}
	other := s.Subscribe(SubscribeOptions{})
	sub.Close()
	for _, err := range sub.Events(t.Context()) {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("subscription: %v", err)
		}
	}
	must(t, s.Close())
	for _, late := range []*Subscription{other, s.Subscribe(SubscribeOptions{})} {
		for _, err := range late.Events(t.Context()) {
			if !errors.Is(err, fs.ErrClosed) {
				t.Errorf("stack: %v", err)
			}
		}
	}
}

func TestFilter(t *testing.T) {
	route := Event{Kind: netstat.KindRoute, Value: netstat.Route{Destination: netip.MustParsePrefix("10.1.0.0/16"), Table: 254, Interface: 3}}
	neighbour := Event{Kind: netstat.KindNeighbour, Value: netstat.Neighbour{Interface: 3, Address: netip.MustParseAddr("fe80::1%3")}}
	group := Event{Kind: netstat.KindMulticast, Value: netstat.MulticastGroup{Interface: 3, Group: netip.MustParseAddr("ff02::1%3")}}
	for _, c := range []struct {
		event Event
		f     Filter
		want  bool
	}{
		{route, Filter{}, true},
		{route, Filter{Kinds: netstat.KindRoute | netstat.KindRule}, true},
		{route, Filter{Kinds: netstat.KindRule}, false},
		{route, Filter{Interface: 3}, true},
		{route, Filter{Interface: 4}, false},
		{route, Filter{Table: 254}, true},
		{route, Filter{Table: 255}, false},
		{route, Filter{Prefix: netip.MustParsePrefix("10.0.0.0/8")}, true},
		{route, Filter{Prefix: netip.MustParsePrefix("10.1.0.0/16")}, true},
		{route, Filter{Prefix: netip.MustParsePrefix("10.1.0.0/24")}, false},
		{route, Filter{Prefix: netip.MustParsePrefix("2001:db8::/32")}, false},
		{neighbour, Filter{Prefix: netip.MustParsePrefix("fe80::/64"), Table: 9}, true},
		{neighbour, Filter{Interface: 2}, false},
		{group, Filter{Prefix: netip.MustParsePrefix("ff02::/16"), Interface: 3}, true},
		{group, Filter{Prefix: netip.MustParsePrefix("239.0.0.0/8")}, false},
		{group, Filter{Interface: 2}, false},
		{Event{Change: Gap}, Filter{Kinds: netstat.KindRule, Interface: 7}, true},
	} {
		if _, got := c.f.Select(c.event); got != c.want {
			t.Errorf("%+v of %+v: %v", c.f, c.event, got)
		}
	}
}

// TestFollowersThatLose follows random changes with queues of every size.
func TestFollowersThatLose(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{})
	followers := []*follower{follow(t, s, SubscribeOptions{Queue: 1}), follow(t, s, SubscribeOptions{Queue: 50}), follow(t, s, SubscribeOptions{Filter: Filter{Kinds: netstat.KindRoute}, Queue: 10_000})}
	for round := range 5 {
		verb := []string{"add", "del"}[round%2]
		var batch []string
		for i := range 300 {
			batch = append(batch, fmt.Sprintf("route %s 10.%d.%d.0/24 via 192.0.2.2", verb, round, i))
		}
		force(t, n, "-4", batch)
		settle(t, s)
		for i, f := range followers {
			f.agree(s, fmt.Sprintf("round %d, follower %d", round, i))
		}
	}
}
