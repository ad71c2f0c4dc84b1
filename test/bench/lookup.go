package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/gaissmai/bart"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// lookupSizes are how many routes are looked up among, and what a lookup is to take.
var lookupSizes = []struct {
	routes int
	reach  time.Duration
}{{200_000, 300 * time.Nanosecond}, {1_000_000, 500 * time.Nanosecond}}

// lookupCase is the kernel's choice of a route among many, each time another, beside a table that finds the longest
// prefix and knows nothing of rules, tables, metrics and next hops.
func (b *bench) lookupCase(s *section) error {
	s.Title = "The route of a destination among 200,000 and 1,000,000, each time another"
	for _, size := range lookupSizes {
		if err := b.lookupAmong(s, size.routes, size.reach); err != nil {
			return err
		}
	}
	s.note("The prefixes are random, of lengths as those of the Internet's routes: three of five are of 24 bits. Both find the same prefix for each of the addresses.")
	s.note("live looks at the rules, and in the tables local and main, and returns next hops as netstat.Route; bart finds one prefix and a number.")
	return nil
}

func (b *bench) lookupAmong(s *section, routes int, reach time.Duration) error {
	progress("%d random routes", routes)
	random := rand.New(rand.NewPCG(1, uint64(routes)))
	prefixes := internetPrefixes(random, routes)
	ns, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer ns.remove()
	var batch strings.Builder
	batch.WriteString("link add bench0 type veth peer name bench1\n" +
		"addr add 192.0.2.1/24 dev bench0\nlink set bench0 up\nlink set bench1 up\n")
	for _, p := range prefixes {
		fmt.Fprintf(&batch, "route add %v via 192.0.2.2\n", p)
	}
	if err := ns.ip(b.ctx, batch.String()); err != nil {
		return err
	}
	addresses := make([]netip.Addr, 1<<18)
	for i := range addresses {
		p := prefixes[random.IntN(len(prefixes))]
		a := p.Addr().As4()
		binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|random.Uint32()>>p.Bits())
		addresses[i] = netip.AddrFrom4(a)
	}
	heap := heapNow()
	peer := new(bart.Table[uint32])
	for i, p := range prefixes {
		peer.Insert(p, uint32(i))
	}
	peerHeap := heapNow() - heap
	stack, err := live.Open(b.ctx, live.Options{NetNS: ns.name, Kinds: netstat.KindRoute | netstat.KindRule})
	if err != nil {
		return err
	}
	defer stack.Close()
	view := stack.Snapshot()
	heapOfStack := heapNow() - heap - peerHeap
	var rows []netstat.Route
	for _, a := range addresses {
		rows, err = view.AppendLookup(rows[:0], live.Flow{Destination: a})
		if err != nil {
			return err
		}
		prefix, _, found := peer.LookupPrefixLPM(netip.PrefixFrom(a, a.BitLen()))
		if !found || len(rows) != 1 || rows[0].Destination != prefix {
			return fmt.Errorf("%v: %v here, %v there", a, rows, prefix)
		}
	}
	each := func(lookup func(netip.Addr)) time.Duration {
		start := time.Now()
		for _, a := range addresses {
			lookup(a)
		}
		return time.Since(start) / time.Duration(len(addresses))
	}
	var took, theirs []time.Duration
	for range 5 * b.runs {
		took = append(took, each(func(a netip.Addr) { rows, _ = view.AppendLookup(rows[:0], live.Flow{Destination: a}) }))
		theirs = append(theirs, each(func(a netip.Addr) { peer.Lookup(a) }))
	}
	second := func(d time.Duration) *quantity { return &quantity{Value: d.Seconds(), Unit: seconds} }
	f := figure{Case: "a lookup among " + thousands(routes) + ", beside github.com/gaissmai/bart", Ours: second(median(took))}.against(second(median(theirs)))
	s.add(f.reach("at most "+reach.String(), median(took) <= reach))
	perRoute := func(heap float64) *quantity { return &quantity{Value: heap / float64(routes), Unit: bytesEach} }
	s.add(figure{Case: "heap held for a route, beside bart", Ours: perRoute(heapOfStack)}.against(perRoute(peerHeap)))
	runtime.KeepAlive(peer)
	runtime.KeepAlive(prefixes)
	return nil
}

// internetPrefixes makes up prefixes, each another, of lengths as those of the Internet's routes.
func internetPrefixes(random *rand.Rand, n int) []netip.Prefix {
	shares := []struct{ bits, of1000 int }{{24, 600}, {23, 100}, {22, 110}, {21, 50}, {20, 45}, {19, 30}, {18, 20}, {17, 15}, {16, 20}, {15, 4}, {14, 3}, {13, 2}, {12, 1}}
	seen := make(map[netip.Prefix]bool, n)
	prefixes := make([]netip.Prefix, 0, n)
	for len(prefixes) < n {
		at := random.IntN(1000)
		for _, share := range shares {
			if at -= share.of1000; at >= 0 {
				continue
			}
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + random.IntN(126)), byte(random.IntN(256)), byte(random.IntN(256)), 0}), share.bits).Masked()
			if p.Addr().As4()[0] != 10 && !seen[p] { // a name server of the machine may be in there
				seen[p] = true
				prefixes = append(prefixes, p)
			}
			break
		}
	}
	return prefixes
}
