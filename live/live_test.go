package live

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var (
	seedFlag    = flag.Uint64("live.seed", 0, "seed of the random operations; 0 takes a new one")
	benchRoutes = flag.Int("bench.routes", 100_000, "routes of the benchmarks")
	scenesFlag  = flag.Int("live.scenes", 4, "scenes of random lookups")
	roundsFlag  = flag.Int("live.rounds", 300, "rounds of random operations")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a stack whose log is the test's.
func open(t testing.TB, n *nstest.NS, options Options) *Stack {
	t.Helper()
	options.NetNS = n.Name
	if options.Log == nil && testing.Verbose() {
		options.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	s, err := Open(t.Context(), options)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// settle waits until the state is what the kernel's is.
func settle(t testing.TB, s *Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nstest.Patience)
	defer cancel()
	if err := s.Sync(ctx); err != nil {
		t.Fatalf("sync: %v", err)
	}
}

func collect[T any](t testing.TB, seq iter.Seq2[T, error]) (rows []T) {
	t.Helper()
	for row, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// readers is what describe reads.
type readers interface {
	netstat.AddressReader
	netstat.RouteReader
	netstat.NeighbourReader
	netstat.RuleReader
	netstat.NextHopReader
	netstat.NetconfReader
	netstat.MembershipReader
}

// snapshotReaders reads a snapshot.
type snapshotReaders struct{ *Snapshot }

func sure[T any](rows iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (v snapshotReaders) Addresses(context.Context) iter.Seq2[netstat.Address, error] {
	return sure(v.Snapshot.Addresses())
}

func (v snapshotReaders) Routes(_ context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return sure(v.Snapshot.Routes(q))
}

func (v snapshotReaders) Neighbours(_ context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return sure(v.Snapshot.Neighbours(families...))
}

func (v snapshotReaders) Rules(context.Context) iter.Seq2[netstat.Rule, error] {
	return sure(v.Snapshot.Rules())
}

func (v snapshotReaders) NextHops(context.Context) iter.Seq2[netstat.NextHop, error] {
	return sure(v.Snapshot.NextHops())
}

func (v snapshotReaders) Netconfs(context.Context) iter.Seq2[netstat.Netconf, error] {
	return sure(v.Snapshot.Netconfs())
}

func (v snapshotReaders) Memberships(context.Context) iter.Seq2[netstat.Membership, error] {
	return func(yield func(netstat.Membership, error) bool) {
		for g := range v.MulticastGroups() {
			if !yield(netstat.Membership{Interface: g.Interface, Group: g.Group}, nil) {
				return
			}
		}
	}
}

// describe returns everything that the kernel reports changes of, one line each,
// sorted.
func describe(t testing.TB, s readers, interfaces iter.Seq[netstat.Interface]) []string {
	t.Helper()
	ctx := t.Context()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for i := range interfaces {
		i.Promiscuity = netstat.Optional[uint32]{}
		if !i.Up().Or(false) {
			i.Alias = "" // set silently (net/core/dev.c, netdev_state_change)
		}
		add("interface %+v", interfaceFields(&i))
	}
	for _, a := range collect(t, s.Addresses(ctx)) {
		for _, life := range [...]*netstat.Optional[time.Duration]{&a.Preferred, &a.Valid} {
			if life.Or(netstat.Forever) != netstat.Forever {
				life.Set(0)
			}
		}
		a.Created, a.Updated = time.Time{}, time.Time{}
		add("address %+v", a)
	}
	for _, r := range collect(t, s.Routes(ctx, netstat.RouteQuery{})) {
		var options netstat.RouteOptions
		if r.Options != nil {
			options = *r.Options
			if options.Expires.IsKnown() {
				options.Expires.Set(0)
			}
		}
		r.Options = nil
		add("route %+v %+v", r, options)
	}
	for _, n := range collect(t, s.Neighbours(ctx, netstat.IPv4, netstat.IPv6, netstat.Bridge)) {
		const told = netstat.NeighbourPermanent | netstat.NeighbourStale | netstat.NeighbourReachable | netstat.NeighbourNoARP
		if !hasEvents(&n) || n.State.Or(0)&told == 0 || n.State == netstat.Known(netstat.NeighbourNoARP) && n.Address.IsMulticast() {
			continue
		}
		n.Updated = time.Time{}
		add("neighbour %+v", n)
	}
	for _, r := range collect(t, s.Rules(ctx)) {
		add("rule %+v", r)
	}
	for _, n := range collect(t, s.NextHops(ctx)) {
		add("nexthop %+v", n)
	}
	for _, n := range collect(t, s.Netconfs(ctx)) {
		add("netconf %+v", n)
	}
	for _, m := range collect(t, s.Memberships(ctx)) {
		add("multicast %d %v", m.Interface, m.Group)
	}
	slices.Sort(lines)
	return lines
}

// followable leaves out what the kernel does not report to the stack.
func (s *Stack) followable(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "multicast ") && !s.Kinds().Has(netstat.KindMulticast)
	})
}

// linksOf returns the kernel's interfaces as events tell them.
func linksOf(t testing.TB, k *collectors.Kernel) iter.Seq[netstat.Interface] {
	return func(yield func(netstat.Interface) bool) {
		for _, i := range collect(t, k.Interfaces(t.Context())) {
			if !yield(i) {
				return
			}
		}
	}
}

// agree fails unless the stack has what a fresh dump has. Some changes come by
// and by (carriers, duplicate address detection): what differs is compared again.
func agree(t testing.TB, s *Stack, k *collectors.Kernel, about string) {
	t.Helper()
	var diff string
	for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
		settle(t, s)
		view := s.Snapshot()
		got := describe(t, snapshotReaders{view}, view.Interfaces())
		want := s.followable(describe(t, k, linksOf(t, k)))
		if slices.Equal(want, got) {
			return
		}
		diff = difference(want, got)
		time.Sleep(wait)
	}
	t.Fatalf("%s: the stack is not what the kernel has (-dump +live):\n%s", about, diff)
}

// difference returns the lines that one of two sorted lists has and the other
// has not, or not as often.
func difference(want, got []string) string {
	var b strings.Builder
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && want[0] < got[0]:
			b.WriteString("- " + want[0] + "\n")
			want = want[1:]
		case len(want) == 0 || got[0] < want[0]:
			b.WriteString("+ " + got[0] + "\n")
			got = got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return b.String()
}

func kernel(t testing.TB, n *nstest.NS) *collectors.Kernel {
	t.Helper()
	k, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	t.Cleanup(func() { k.Close() })
	return k
}

// force runs a batch of ip(8), whose commands may fail.
func force(t testing.TB, n *nstest.NS, family string, commands []string) {
	t.Helper()
	cmd := exec.Command("ip", family, "-n", n.Name, "-force", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // failing commands are part of the test
}

// operation returns a random command of ip(8), and the family that it is for.
func operation(r *rand.Rand) (family, command string) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	device := func() string { return pick("a0", "a1", "a2", "b0", "b1") }
	six := r.IntN(3) == 0
	family = "-4"
	if six {
		family = "-6"
	}
	prefix := func() string {
		if six {
			return fmt.Sprintf("2001:db8:%x::/%d", r.IntN(4), []int{48, 52, 64}[r.IntN(3)])
		}
		return fmt.Sprintf("10.%d.0.0/%d", r.IntN(4), []int{16, 20, 24}[r.IntN(3)])
	}
	gateway := func() string {
		if six {
			return fmt.Sprintf("2001:db8:f%d::%d", r.IntN(3), 2+r.IntN(3))
		}
		return fmt.Sprintf("192.0.%d.%d", r.IntN(3), 2+r.IntN(3))
	}
	address := func() string {
		if six {
			return fmt.Sprintf("2001:db8:f%d::%d/64", r.IntN(3), 1+8*r.IntN(3))
		}
		return fmt.Sprintf("192.0.%d.%d/%d", r.IntN(3), 1+8*r.IntN(4), []int{24, 24, 25}[r.IntN(3)])
	}
	switch n := r.IntN(100); {
	case n < 45:
		verb := pick("add", "add", "add", "append", "prepend", "replace", "change", "del", "del", "del")
		command = "route " + verb + " "
		table := pick("", "", "", " table 100", " table 200")
		metric := pick("", "", " metric 10", " metric 20")
		tos := ""
		if !six {
			tos = pick("", "", "", " tos 0x10")
		}
		proto := pick("", "", " proto bgp", " proto static")
		switch r.IntN(9) {
		case 0:
			return family, command + pick("blackhole ", "unreachable ", "prohibit ", "throw ") + prefix() + table + metric + tos + proto
		case 1:
			return family, command + prefix() + " dev " + device() + table + metric + tos + proto
		case 2:
			return family, command + prefix() + fmt.Sprintf(" nhid %d", 1+r.IntN(6)) + table + metric + tos + proto
		case 3:
			return family, command + prefix() + table + metric + tos + proto + " nexthop via " + gateway() + fmt.Sprintf(" weight %d", 1+r.IntN(3)) + " nexthop via " + gateway()
		case 4:
			src := strings.Split(address(), "/")[0]
			return family, command + prefix() + " via " + gateway() + " src " + src + table + metric + tos
		case 5:
			return family, command + prefix() + " via " + gateway() + fmt.Sprintf(" mtu %d", 1300+100*r.IntN(2)) + table + metric
		case 6:
			if verb == "del" {
				return family, command + prefix() + table
			}
			return family, command + "default via " + gateway() + table + metric
		}
		return family, command + prefix() + " via " + gateway() + table + metric + tos + proto
	case n < 60:
		verb := pick("add", "add", "add", "replace", "del", "del")
		command = "addr " + verb + " " + address() + " dev " + device()
		if six && verb != "del" {
			command += " nodad"
		}
		if !six && r.IntN(5) == 0 {
			command = "addr " + verb + fmt.Sprintf(" 198.51.100.%d peer 198.51.100.%d/32 dev ", r.IntN(3), 8+r.IntN(2)) + device()
		}
		if r.IntN(12) == 0 {
			command = "addr flush dev " + device()
		}
		return family, command
	case n < 72:
		if r.IntN(6) == 0 { // one end of each pair only: no loop
			return family, "link set " + pick("a0", "a1", "a2") + " " + pick("master br0", "nomaster")
		}
		return family, "link set " + device() + " " + pick("up", "up", "up", "down", "down", "mtu 1200", "mtu 1400", "mtu 1500", "alias x", "alias y", "txqueuelen 100", "txqueuelen 200")
	case n < 77:
		i := r.IntN(3)
		if r.IntN(2) == 0 {
			return family, fmt.Sprintf("link add a%d type veth peer name b%d", i, i)
		}
		if r.IntN(3) == 0 {
			return family, fmt.Sprintf("link set a%d name c%d", i, i)
		}
		return family, "link del " + pick("a0", "a1", "a2", "c0", "c1", "c2")
	case n < 88:
		id := 1 + r.IntN(4)
		switch r.IntN(6) {
		case 0:
			return family, fmt.Sprintf("nexthop %s id %d group %d/%d,%d", pick("add", "replace"), 5+r.IntN(2), 1+r.IntN(2), 1+r.IntN(3), 3+r.IntN(2))
		case 1:
			return family, fmt.Sprintf("nexthop %s id %d blackhole", pick("add", "replace"), id)
		case 2, 3:
			return family, fmt.Sprintf("nexthop del id %d", 1+r.IntN(6))
		}
		return family, fmt.Sprintf("nexthop %s id %d via %s dev %s", pick("add", "replace"), id, gateway(), device())
	case n < 94:
		verb := pick("add", "add", "del", "del")
		return family, "rule " + verb + " " + pick("from "+prefix(), "to "+prefix(), "iif "+device(), "oif "+device(), "fwmark 1", "not from "+prefix()) +
			fmt.Sprintf(" priority %d ", 100*(1+r.IntN(3))) + pick("table 100", "table 200", "blackhole", "goto 200", "goto 300", "prohibit")
	}
	return family, "neigh " + pick("add ", "replace ", "replace ", "del ") + gateway() + fmt.Sprintf(" lladdr 02:00:00:00:00:%02x", r.IntN(3)) + " dev " + device() + " nud " + pick("permanent", "stale", "noarp")
}

// sysctl picks a setting that changes what events do not tell.
func sysctl(r *rand.Rand) (name, value string) {
	names := []string{
		"net.ipv4.conf.a0.forwarding", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.rp_filter", "net.ipv4.conf.a1.rp_filter",
		"net.ipv4.conf.all.promote_secondaries", "net.ipv4.conf.a0.ignore_routes_with_linkdown", "net.ipv6.conf.a0.forwarding", "net.ipv6.conf.all.forwarding",
		"net.ipv4.conf.default.forwarding", "net.ipv4.conf.a1.proxy_arp", "net.ipv6.conf.a1.ignore_routes_with_linkdown", "net.ipv6.conf.default.forwarding",
		"net.ipv6.conf.a2.keep_addr_on_down", "net.ipv6.conf.a1.disable_ipv6",
	}
	return names[r.IntN(len(names))], fmt.Sprint(r.IntN(2))
}

// TestRandomOperations holds that after whatever was done the stack is what a
// fresh dump shows.
func TestRandomOperations(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (-live.seed), %d rounds (-live.rounds)", seed, *roundsFlag)
	n := nstest.New(t)
	n.IP(t, "link add br0 type bridge", "link set br0 up",
		"link add a0 type veth peer name b0", "link add a1 type veth peer name b1", "link set a0 up", "link set b0 up", "link set a1 up", "link set b1 up",
		"addr add 192.0.0.1/24 dev a0", "-6 addr add 2001:db8:f0::1/64 dev a0 nodad")
	k := kernel(t, n)
	s := open(t, n, Options{})
	r := rand.New(rand.NewPCG(seed, seed))
	groups := newMembers(t, n)
	var history []string
	follower := follow(t, s, SubscribeOptions{})
	for round := range *roundsFlag {
		var did []string
		for range 1 + r.IntN(3) {
			var batch []string
			family, command := operation(r)
			batch = append(batch, command)
			for range r.IntN(8) {
				if f, c := operation(r); f == family {
					batch = append(batch, c)
				}
			}
			force(t, n, family, batch)
			did = append(did, family+" "+strings.Join(batch, "\n"+family+" "))
		}
		if r.IntN(5) == 0 {
			name, value := sysctl(r)
			n.Do(t, func() error {
				_ = os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0) // its device may be gone
				return nil
			})
			did = append(did, "sysctl "+name+"="+value)
		}
		for range r.IntN(4) {
			did = append(did, groups.operation(r, s.Snapshot()))
		}
		history = append(history, did...)
		agree(t, s, k, fmt.Sprintf("seed %d, round %d, after\n%s", seed, round, strings.Join(history[max(0, len(history)-12):], "\n")))
		if round%20 == 19 {
			agreeWithIP(t, s, n, fmt.Sprintf("seed %d, round %d", seed, round))
		}
		follower.agree(s, fmt.Sprintf("seed %d, round %d, after\n%s", seed, round, strings.Join(did, "\n")))
	}
	t.Logf("%+v, %d routes", s.Statistics(), s.Snapshot().Count(netstat.KindRoute))
}

// tryIP runs a command of ip(8), which may fail.
func tryIP(n *nstest.NS, args []string) (out string, ok bool) {
	b, err := exec.Command("ip", append([]string{"-n", n.Name}, args...)...).Output()
	return string(b), err == nil
}

func decodeJSON(t testing.TB, from string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(from), into); err != nil {
		t.Fatalf("%v in %s", err, from)
	}
}

// processTime is the processor time that this process used.
func processTime() time.Duration {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
