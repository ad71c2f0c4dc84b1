package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openLive opens the stack of a namespace with what the modules show.
func openLive(t testing.TB, n *nstest.NS, modules ...string) *live.Stack {
	t.Helper()
	s, err := live.Open(t.Context(), live.Options{NetNS: n.Name, Kinds: Kinds(modules)})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func settle(t testing.TB, s *live.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nstest.Patience)
	defer cancel()
	must(t, s.Sync(ctx))
}

// requestOn returns a request on an agent's tree that may wait.
func requestOn(t testing.TB, s netstat.Stack, modules ...string) func() *mib.Request {
	t.Helper()
	return requestWith(t, Config{Stack: s, Modules: modules})
}

func requestWith(t testing.TB, c Config) func() *mib.Request {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	a, err := New(c)
	must(t, err)
	r := a.Tree().NewRequest()
	return func() *mib.Request {
		r.Reset(t.Context())
		return r
	}
}

// variable is a binding that outlives its request.
type variable struct {
	name  mib.OID
	value mib.Value
}

func (v variable) String() string { return fmt.Sprintf("%v = %v", v.name, v.value) }

func keep(b mib.Binding) variable {
	return variable{mib.PackedOID(strings.Clone(b.Name().Packed())), b.Value}
}

// force runs a batch of ip(8), whose commands may fail.
func force(n *nstest.NS, family string, commands []string) {
	cmd := exec.Command("ip", family, "-n", n.Name, "-force", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // failing commands are part of the test
}

// routesScene makes a namespace with devices, gateways and nexthop objects, many
// routes to link-local addresses, and as many tables with a default route.
func routesScene(t testing.TB) *nstest.NS {
	n := nstest.New(t)
	var commands []string
	for i := range 40 {
		commands = append(commands, fmt.Sprintf("link add a%d type veth peer name b%d", i, i), fmt.Sprintf("link set a%d up", i), fmt.Sprintf("link set b%d up", i))
	}
	for i := range 4 {
		commands = append(commands, fmt.Sprintf("addr add 192.0.%d.1/24 dev a%d", i, i))
	}
	n.IP(t, commands...)
	commands = nil
	for i := range 4 {
		commands = append(commands, fmt.Sprintf("-6 addr add 2001:db8:f%d::1/64 dev a%d nodad", i, i))
	}
	for i := range 100 {
		commands = append(commands, fmt.Sprintf("route add default via 192.0.%d.2 table %d", i%4, 1000+i), fmt.Sprintf("route add 10.0.0.0/8 via 192.0.%d.2 table %d", i%3, 1000+i))
	}
	commands = append(commands, "nexthop add id 1 via 192.0.0.2 dev a0", "nexthop add id 2 via 192.0.1.2 dev a1", "nexthop add id 3 group 1,3/2,2",
		"nexthop add id 3 group 1,3/2", "-6 nexthop add id 4 via 2001:db8:f0::2 dev a0", "-6 nexthop add id 5 via fe80::9 dev a1", "-6 nexthop add id 6 group 4/5")
	for _, c := range commands {
		c, six := strings.CutPrefix(c, "-6 ")
		family := "-4"
		if six {
			family = "-6"
		}
		force(n, family, []string{c})
	}
	return n
}

// routeCommand returns a random command of ip(8) about a route.
func routeCommand(r *rand.Rand) (family, command string) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	family = pick("-4", "-6")
	var to, via string
	if family == "-4" {
		to = pick(fmt.Sprintf("10.%d.0.0/%d", r.IntN(3), 16+r.IntN(3)), fmt.Sprintf("10.0.%d.0/24", r.IntN(4)), "10.0.0.0/8", "default", "255.255.255.0/24", fmt.Sprintf("127.9.0.0/%d", 16+r.IntN(9)))
		via = pick("via 192.0.0.2", "via 192.0.1.2", "via 192.0.2.2 dev a2", "dev a3", "dev a2", "nhid 1", "nhid 2", "nhid 3",
			"via inet6 fe80::7 dev a1", "via 10.255.0.1 dev a3 onlink", "nexthop via 192.0.0.3 nexthop via 192.0.1.3", "nexthop via 192.0.1.3 weight 4 nexthop via 192.0.0.3 nexthop via 192.0.2.3")
	} else {
		to = pick(fmt.Sprintf("2001:db8:%x::/%d", r.IntN(3), 48+r.IntN(3)), "fe80::/64", "fe80::/10", fmt.Sprintf("fe80:%x::/%d", r.IntN(3), 32+r.IntN(3)),
			"fec0::/10", "febf:ffff::/32", "ff05::/16", "default", "2001:db8:1::/48 from 2001:db8:a::/48", "2001:db8:1::/48 from 2001:db8::/32", "fe80:1::/32 from 2001:db8::/32")
		via = pick("via 2001:db8:f0::2", "via fe80::2 dev a2", "via fe80::2 dev a3", "dev a1", "dev a7", "nhid 4", "nhid 5", "nhid 6",
			"nexthop via 2001:db8:f0::3 nexthop via 2001:db8:f1::3", "nexthop via fe80::3 dev a2 nexthop via fe80::3 dev a1 nexthop via 2001:db8:f0::3")
	}
	kind := ""
	if r.IntN(6) == 0 {
		kind, via = pick("blackhole ", "unreachable ", "prohibit ", "throw "), ""
	}
	verb := pick("add ", "add ", "append ", "append ", "prepend ", "replace ", "del ")
	command = "route " + verb + kind + to + " " + via + pick("", "", " table 100", " table 77", " table 1001") + pick("", "", " metric 10", " metric 500") + pick("", " proto bgp", " proto kernel", " proto 77")
	if family == "-4" {
		command += pick("", "", " tos 0x10")
	}
	return family, command
}

// routeTablesOf returns the variables of the three route tables, made of views.
func routeTablesOf(v *live.Snapshot, inet *mib.Table[netstat.Route]) (variables []variable, rows [3]int) {
	routes := slices.Collect(v.Routes(netstat.RouteQuery{ForwardingOnly: true}))
	for i, table := range []*mib.Table[netstat.Route]{ipforwardmib.ForwardRoutes(), ipforwardmib.IPv4Routes(), inet} {
		view := table.View(routes)
		rows[i] = view.Len()
		for b := range view.All() {
			variables = append(variables, keep(b))
		}
	}
	slices.SortFunc(variables, func(a, b variable) int { return a.name.Compare(b.name) })
	return variables, rows
}

// nextHops returns how many next hops are told apart by something that the kernel
// tells them apart by: each is to be a row of inetCidrRouteTable.
func nextHops(v *live.Snapshot) int {
	type hop struct {
		destination, source netip.Prefix
		gateway             netip.Addr
		table, metric, link uint32
		tos                 uint8
	}
	hops := make(map[hop]bool)
	for r := range v.Routes(netstat.RouteQuery{ForwardingOnly: true}) {
		h := hop{destination: r.Destination, gateway: r.Gateway, table: r.Table, metric: r.Metric.Or(0), link: r.Interface, tos: r.TOS.Or(0)}
		if r.Options != nil {
			h.source = r.Options.Source
		}
		hops[h] = true
	}
	return len(hops)
}

var routeTableEntries = []mib.OID{ipforwardmib.ForwardRoutes().Entry, ipforwardmib.IPv4Routes().Entry, ipforwardmib.Routes().Entry}

func inRouteTables(name mib.OID) bool {
	return slices.ContainsFunc(routeTableEntries, name.HasPrefix)
}

// TestRouteTablesOfALiveStack holds that the order of a live stack gives the walk
// that a view of the same routes gives, from wherever it begins.
func TestRouteTablesOfALiveStack(t *testing.T) {
	n := routesScene(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	s := openLive(t, n, "IP-FORWARD-MIB")
	modules := []string{"IP-FORWARD-MIB"}
	shapes := []struct {
		request func() *mib.Request
		inet    *mib.Table[netstat.Route]
	}{
		{requestOn(t, s, modules...), ipforwardmib.Routes()},
		{requestWith(t, Config{Stack: s, Modules: modules, Zones: true}), ipforwardmib.Routes().WithZones()},
	}
	for round := range 24 {
		request, inet := shapes[round%2].request, shapes[round%2].inet
		for _, family := range []string{"-4", "-6"} {
			var batch []string
			for range 60 {
				if f, c := routeCommand(random); f == family {
					batch = append(batch, c)
				}
			}
			force(n, family, batch)
		}
		if round == 12 {
			n.Sysctl(t, "net.ipv4.nexthop_compat_mode", "0") // objects are named and not told
		}
		agreed := false
		for end := time.Now().Add(nstest.Patience); !agreed && time.Now().Before(end); {
			settle(t, s)
			v := s.Snapshot()
			want, rows := routeTablesOf(v, inet)
			got := walkRouteTables(t, request, 1+random.IntN(60))
			jumps := jumpsInto(random, want)
			problem := compareJumps(t, request(), want, jumps)
			counts := request()
			for i, scalar := range []mib.OID{ipforwardmib.ForwardNumber, ipforwardmib.CIDRRouteNumber, ipforwardmib.RouteNumber} {
				if v, err := counts.Get(scalar.Sub(0)); err != nil || v != mib.Gauge(uint64(rows[i])) {
					problem += fmt.Sprintf("%v.0 is %v, %v; there are %d rows\n", scalar, v, err, rows[i])
				}
			}
			if s.Snapshot() != v {
				continue // the kernel changed something by itself
			}
			if d := differ(want, got); d != "" || problem != "" {
				t.Fatalf("seed %d, round %d: (-view +live)\n%s%s", seed, round, d, problem)
			}
			if hops := nextHops(v); rows[2] != hops {
				t.Fatalf("seed %d, round %d: %d rows of %d next hops", seed, round, rows[2], hops)
			}
			if rows[0] < 10 || rows[1] < 10 || rows[2] < 200 {
				t.Fatalf("seed %d, round %d: only %v rows", seed, round, rows)
			}
			agreed = true
		}
		if !agreed {
			t.Fatal("the kernel's routes never stand still")
		}
	}
}

// walkRouteTables walks the tables, so many variables with each request.
func walkRouteTables(t testing.TB, request func() *mib.Request, repetitions int) (got []variable) {
	t.Helper()
	from := ipforwardmib.Identity
	for {
		r := request()
		c := r.Seek(from, false)
		for range repetitions {
			b, err := r.Next(&c)
			must(t, err)
			if !b.Object.HasPrefix(ipforwardmib.Identity) {
				return got
			}
			v := keep(b)
			if from = v.name; inRouteTables(from) {
				got = append(got, v)
			}
		}
	}
}

func differ(want, got []variable) string {
	var b strings.Builder
	show := func(sign string, these, others []variable) {
		shown := 0
		for _, v := range these {
			if !slices.Contains(others, v) {
				if shown++; shown < 12 {
					fmt.Fprintf(&b, "%s%v\n", sign, v)
				}
			}
		}
	}
	if slices.Equal(want, got) {
		return ""
	}
	show("-", want, got)
	show("+", got, want)
	fmt.Fprintf(&b, "%d variables, want %d\n", len(got), len(want))
	return b.String()
}

// jumpsInto returns OIDs in, around and between the variables.
func jumpsInto(r *rand.Rand, variables []variable) (oids []mib.OID) {
	for range 400 {
		o := variables[r.IntN(len(variables))].name
		switch subs := o.Subidentifiers(); r.IntN(6) {
		case 0: // cut
			o = mib.MakeOID(subs[:9+r.IntN(len(subs)-9)]...)
		case 1: // one changed
			at := 10 + r.IntN(len(subs)-10)
			subs[at] += uint32(r.IntN(3)) - 1
			o = mib.MakeOID(subs...)
		case 2: // one out of any range, and cut
			at := 10 + r.IntN(len(subs)-10)
			subs[at] = []uint32{0, 255, 256, 1 << 31, 1<<32 - 1}[r.IntN(5)]
			o = mib.MakeOID(subs[:at+1]...)
		case 3: // longer
			o = o.Sub(uint32(r.IntN(3)))
		case 4: // just in front
			subs[len(subs)-1]--
			o = mib.MakeOID(subs...).Sub(1 << 31)
		}
		oids = append(oids, o)
	}
	return append(oids, routeTableEntries...)
}

// compareJumps gets each OID and the one after it.
func compareJumps(t testing.TB, r *mib.Request, want []variable, oids []mib.OID) (problems string) {
	t.Helper()
	for _, o := range oids {
		i, found := slices.BinarySearchFunc(want, o, func(v variable, o mib.OID) int { return v.name.Compare(o) })
		v, err := r.Get(o)
		must(t, err)
		if found && v != want[i].value || !found && !v.IsException() {
			problems += fmt.Sprintf("get %v is %v, found %v\n", o, v, found)
		}
		for _, include := range []bool{false, true} {
			at := i
			if found && !include {
				at++
			}
			c := r.Seek(o, include)
			b, err := r.Next(&c)
			must(t, err)
			next := keep(b)
			if at < len(want) && inRouteTables(next.name) && next != want[at] || at == len(want) && inRouteTables(next.name) {
				problems += fmt.Sprintf("after %v (%v) comes %v\n", o, include, next)
			}
			if at < len(want) && !inRouteTables(next.name) && slices.IndexFunc(routeTableEntries, o.HasPrefix) == slices.IndexFunc(routeTableEntries, want[at].name.HasPrefix) {
				problems += fmt.Sprintf("after %v (%v) comes nothing of its table\n", o, include)
			}
		}
	}
	return problems
}

// TestRouteWalkUnderChurn holds that a walk goes on in order while routes change,
// and that it has every row that is there all the time.
func TestRouteWalkUnderChurn(t *testing.T) {
	n := routesScene(t)
	var stay []string
	for i := range 2000 {
		stay = append(stay, fmt.Sprintf("route add 77.%d.%d.0/24 via 192.0.0.2", i/50, i%50*5))
	}
	n.IP(t, stay...)
	s := openLive(t, n, "IP-FORWARD-MIB")
	request := requestOn(t, s, "IP-FORWARD-MIB")

	ctx, cancel := context.WithCancel(t.Context())
	var batches atomic.Int32
	churned := make(chan struct{})
	go func() {
		defer close(churned)
		random := rand.New(rand.NewPCG(1, 2))
		for ; ctx.Err() == nil; batches.Add(1) {
			var batch []string
			for range 40 {
				if f, c := routeCommand(random); f == "-4" {
					batch = append(batch, c)
				}
				octets := fmt.Sprintf("77.%d.%d.0/24", random.IntN(40), 1+random.IntN(4)+random.IntN(50)*5)
				batch = append(batch, "route add "+octets+" dev a1", "route del "+octets)
			}
			force(n, "-4", batch)
		}
	}()
	defer func() {
		cancel()
		<-churned
	}()
	deadline := time.Now().Add(nstest.Patience)
	for walk := 0; walk < 6 || batches.Load() < 5; walk++ {
		if time.Now().After(deadline) {
			t.Fatalf("%d walks, and %d batches of changes in a minute", walk, batches.Load())
		}
		got := walkRouteTables(t, request, 7+walk%50)
		for i, v := range got {
			if i > 0 && !got[i-1].name.Less(v.name) {
				t.Fatalf("%v comes after %v", v.name, got[i-1].name)
			}
		}
		for i := range 2000 {
			name := ipforwardmib.Routes().Entry.Sub(17, 1, 4, 77, uint32(i/50), uint32(i%50*5), 0, 24, 2, 0, 0, 1, 4, 192)
			at, _ := slices.BinarySearchFunc(got, name, func(v variable, name mib.OID) int { return v.name.Compare(name) })
			if at == len(got) || !got[at].name.HasPrefix(name) {
				t.Fatalf("walk %d has no %v", walk, name)
			}
		}
	}
}
