package live

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestNumberedAgreesWithMap does random things to a collection and to a map, and
// takes copies that must not change.
func TestNumberedAgreesWithMap(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	n := newNumbered[int]()
	m := make(map[uint32]*int)
	type copied struct {
		n numbered[int]
		m map[uint32]*int
	}
	agree := func(what string, n *numbered[int], m map[uint32]*int) {
		t.Helper()
		for number, want := range m {
			if got := n.at(number); got != want {
				t.Fatalf("%s: item %d is %v, want %v", what, number, got, want)
			}
		}
	}
	var copies []copied
	for step := range 20_000 {
		switch k := r.IntN(1000); {
		case k < 3:
			c := copied{n.snapshot(), make(map[uint32]*int)}
			for number, item := range m {
				c.m[number] = item
			}
			if copies = append(copies, c); len(copies) > 5 {
				copies = copies[1:]
			}
		case k < 540 || len(m) == 0:
			item := &step
			number := n.add(item)
			if m[number] != nil {
				t.Fatalf("number %d is given twice", number)
			}
			m[number] = item
		default:
			for number := range m {
				n.remove(number)
				delete(m, number)
				break
			}
		}
	}
	agree("at the end", &n, m)
	for i := range copies {
		agree(fmt.Sprint("copy ", i), &copies[i].n, copies[i].m)
	}
	if n.capacity() > 4*len(m)+2*pageSize {
		t.Errorf("room for %d items, of which there are %d", n.capacity(), len(m))
	}
}

// TestRuns holds that runs are the routes in order, and that a search finds the
// one that holds its place.
func TestRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	s := newState()
	for range 3000 {
		address := netip.AddrFrom4([4]byte{10, byte(random.IntN(3)), byte(random.IntN(4) << 6), 0})
		bits := 16 + random.IntN(9)
		if random.IntN(3) == 0 {
			address = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(random.IntN(3)), byte(random.IntN(4) << 6)})
			bits += 20
		}
		route := netstat.Route{
			Destination: netip.PrefixFrom(address, bits).Masked(), Table: uint32(random.IntN(3)), Metric: netstat.Known[uint32](uint32(random.IntN(3))),
			Interface: uint32(1 + random.IntN(20)), Type: netstat.RouteType(random.IntN(11)),
		}
		if address.Is6() && random.IntN(4) == 0 {
			route.Options = &netstat.RouteOptions{Source: netip.MustParsePrefix("2001:db8::/32")}
		}
		s.routes.load([]netstat.Route{route})
	}
	v := &Snapshot{state: s, kinds: netstat.KindRoute}
	all := slices.Collect(v.Routes(netstat.RouteQuery{ForwardingOnly: true}))
	if len(all) < 500 {
		t.Fatalf("only %d routes", len(all))
	}
	for _, run := range []RouteRun{SameAddress, SamePrefix} {
		key := func(r *netstat.Route) routeEntry { return run.start(keyOf([]netstat.Route{*r})) }
		var rows []netstat.Route
		for at := RoutePlace(0); at < v.RoutesEnd(); {
			n := len(rows)
			var next RoutePlace
			rows, next = v.AppendRun(rows, at, v.RoutesEnd(), run)
			for i := n; i < len(rows); i++ {
				if key(&rows[i]) != key(&rows[n]) {
					t.Fatalf("%v and %v are in one run", rows[n], rows[i])
				}
			}
			if n > 0 && len(rows) > n && key(&rows[n]) == key(&rows[n-1]) {
				t.Fatalf("%v and %v are in two runs", rows[n-1], rows[n])
			}
			if next <= at {
				t.Fatalf("the place behind %d is %d", at, next)
			}
			at = next
		}
		if !slices.Equal(rows, all) {
			t.Fatalf("%d rows in runs, want %d, or others", len(rows), len(all))
		}
		for range 300 {
			i := random.IntN(len(all))
			pivot := key(&all[i])
			found := v.SearchRoutes(0, v.RoutesEnd(), run, func(r netstat.Route) bool {
				k := key(&r)
				c := compareRoutes(&k, &pivot)
				return c < 0 || c == 0 && random.IntN(2) == 0 // within a run either way
			})
			got, _ := v.AppendRun(nil, found, v.RoutesEnd(), run)
			// It is that run, or the one in front of it.
			first := slices.IndexFunc(all, func(r netstat.Route) bool { return key(&r) == pivot })
			begin := slices.IndexFunc(all, func(r netstat.Route) bool { return key(&r) == key(&got[0]) })
			if begin > first || slices.ContainsFunc(all[begin:first], func(r netstat.Route) bool { return key(&r) != key(&got[0]) }) {
				t.Fatalf("searching %v found %v", all[i], got[0])
			}
		}
	}
	if at := v.RoutesFromAddress(netip.IPv6Unspecified()); at == 0 || at >= v.RoutesEnd() {
		t.Errorf("IPv6 begins at %d of %d", at, v.RoutesEnd())
	}
	if (&Snapshot{state: s}).RoutesEnd() != 0 {
		t.Error("routes that are not tracked have places")
	}
}

// TestRecent holds that it waits for nobody, and that it has what Sync waited for.
func TestRecent(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0")
	s := open(t, n, Options{Kinds: netstat.KindInterface})
	for mtu := uint32(1300); mtu < 1330; mtu++ {
		n.IP(t, fmt.Sprintf("link set a0 mtu %d", mtu))
		settle(t, s)
		for range 3 {
			if i, _ := s.Recent().InterfaceByName("a0"); i.MTU != netstat.Known(mtu) {
				t.Fatalf("MTU %v after %d was set", i.MTU, mtu)
			}
		}
	}
	before := s.Recent()
	s.mu.Lock() // who takes events in is held up
	s.current.Store(nil)
	s.recent.Store(&recentSnapshot{before, time.Now()})
	got := make(chan *Snapshot)
	go func() { got <- s.Recent() }()
	select {
	case v := <-got:
		if v != before {
			t.Error("another snapshot")
		}
	case <-time.After(nstest.Patience):
		t.Error("Recent waits")
	}
	s.mu.Unlock()
}
