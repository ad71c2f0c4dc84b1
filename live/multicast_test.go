package live

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// members are sockets that join multicast groups.
type members struct{ four, six []int }

func newMembers(t testing.TB, n *nstest.NS) (m members) {
	t.Helper()
	for range 2 {
		m.four = append(m.four, n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0))
		m.six = append(m.six, n.Socket(t, unix.AF_INET6, unix.SOCK_DGRAM, 0))
	}
	return m
}

// change has one of the sockets join or leave a group on an interface.
func (m members) change(which int, join bool, group netip.Addr, index uint32) error {
	if group.Is4() {
		option := unix.IP_DROP_MEMBERSHIP
		if join {
			option = unix.IP_ADD_MEMBERSHIP
		}
		return unix.SetsockoptIPMreqn(m.four[which], unix.IPPROTO_IP, option, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)})
	}
	option := unix.IPV6_LEAVE_GROUP
	if join {
		option = unix.IPV6_JOIN_GROUP
	}
	return unix.SetsockoptIPv6Mreq(m.six[which], unix.IPPROTO_IPV6, option, &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: index})
}

// operation joins or leaves a random group, which may fail, and returns what it
// did.
func (m members) operation(r *rand.Rand, v *Snapshot) string {
	var indexes []uint32
	for i := range v.Interfaces() {
		if i.Flags&netstat.InterfaceLoopback == 0 { // where a report of IGMP makes a neighbour without an event
			indexes = append(indexes, i.Index)
		}
	}
	if len(indexes) == 0 {
		return "no interface to join on"
	}
	groups := []string{"239.1.2.3", "239.1.2.4", "224.0.0.251", "ff02::fb", "ff02::1:2", "ff05::1:3"}
	group, index, which, join := netip.MustParseAddr(groups[r.IntN(len(groups))]), indexes[r.IntN(len(indexes))], r.IntN(2), r.IntN(3) > 0
	err := m.change(which, join, group, index)
	return fmt.Sprintf("group %v, interface %d, socket %d, join %v: %v", group, index, which, join, err)
}

// needsGroups ends a test where the kernel does not tell of multicast groups.
func needsGroups(t testing.TB, s *Stack) {
	t.Helper()
	if !s.Kinds().Has(netstat.KindMulticast) {
		if nstest.KernelSince(t, 6, 15) {
			t.Fatal("this kernel tells of multicast groups, and they are not tracked")
		}
		t.Skip("Linux before 6.15 does not tell of multicast groups")
	}
}

func TestMulticastGroups(t *testing.T) {
	n := pair(t)
	needsGroups(t, open(t, n, Options{}))
	s := open(t, n, Options{Kinds: netstat.KindMulticast})
	var a0 uint32
	for i := range linksOf(t, kernel(t, n)) {
		if i.Name == "a0" {
			a0 = i.Index
		}
	}
	four, six := netip.MustParseAddr("239.1.2.3"), netip.MustParseAddr("ff05::1:3")
	m := newMembers(t, n)
	for _, group := range []netip.Addr{four, six} {
		sub := s.Subscribe(SubscribeOptions{Filter: Filter{Interface: a0, Prefix: netip.PrefixFrom(group, group.BitLen())}})
		defer sub.Close()
		expect := func(about string, change Change) {
			t.Helper()
			e := next(t, sub)
			if g, ok := e.Value.(netstat.MulticastGroup); !ok || e.Change != change || e.Kind != netstat.KindMulticast || g.Group != group || g.Interface != a0 || !g.Joined.IsKnown() {
				t.Fatalf("%s: %+v", about, e)
			}
		}
		must(t, m.change(0, true, group, a0))
		must(t, m.change(1, true, group, a0)) // no event
		must(t, m.change(0, false, group, a0))
		expect("joined", Added)
		settle(t, s)
		before := s.Snapshot().Version(netstat.KindMulticast)
		must(t, m.change(1, false, group, a0))
		expect("left", Removed)
		settle(t, s) // an event may come before there is a snapshot with it
		if now := s.Snapshot().Version(netstat.KindMulticast); now <= before {
			t.Errorf("version %d after %d", now, before)
		}
		must(t, m.change(0, true, group, a0))
		expect("joined again", Added)
		if group == six { // the link is too narrow for IPv6, which goes off it silently
			n.IP(t, "link set a0 mtu 1200")
			expect("narrow", Removed)
			n.IP(t, "link set a0 mtu 1500")
			_ = m.change(0, false, group, a0) // the socket may still hold it
			must(t, m.change(0, true, group, a0))
			expect("wide", Added)
		}
	}
	settle(t, s)
	found := 0
	for g := range s.Snapshot().MulticastGroups() {
		if g.Interface == a0 && (g.Group == four || g.Group == six) {
			found++
		}
	}
	if found != 2 || s.Snapshot().Count(netstat.KindMulticast) < 6 {
		t.Errorf("%d of the two groups, of %d", found, s.Snapshot().Count(netstat.KindMulticast))
	}
	sub := s.Subscribe(SubscribeOptions{Filter: Filter{Kinds: netstat.KindMulticast, Interface: a0}})
	defer sub.Close()
	n.IP(t, "link del a0")
	for gone := make(map[netip.Addr]bool); !gone[four] || !gone[six]; {
		e := next(t, sub)
		if e.Change == Removed {
			gone[e.Value.(netstat.MulticastGroup).Group] = true
		}
	}
}

// TestRandomMulticastGroups holds that the groups are what /proc/net shows after
// whatever was done to the links and by sockets.
func TestRandomMulticastGroups(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (-live.seed)", seed)
	n := pair(t)
	needsGroups(t, open(t, n, Options{}))
	s, k, m := open(t, n, Options{Kinds: netstat.KindMulticast | netstat.KindInterface}), kernel(t, n), newMembers(t, n)
	follower := follow(t, s, SubscribeOptions{Filter: Filter{Kinds: netstat.KindMulticast}})
	r := rand.New(rand.NewPCG(seed, seed))
	commands := []string{
		"link add a0 type veth peer name b0", "link add a1 type veth peer name b1", "link add a1 type veth peer name b1", "link set a0 up", "link set b0 up",
		"link set a1 up", "link set b1 up", "link set a0 down", "link set b1 down", "link set a0 mtu 1200", "link set a0 mtu 1500", "link set a1 mtu 67",
		"link set a1 mtu 1000", "link set a1 mtu 1500", "link set a0 address 02:00:00:00:00:01", "link del a0", "link del a1", "addr add 192.0.2.2/24 dev a1",
	}
	lines := func(reader netstat.MembershipReader) (lines []string) {
		for _, m := range collect(t, reader.Memberships(t.Context())) {
			lines = append(lines, fmt.Sprintf("%d %v", m.Interface, m.Group))
		}
		slices.Sort(lines)
		return lines
	}
	for round := range 60 {
		var did []string
		for range 1 + r.IntN(4) {
			did = append(did, commands[r.IntN(len(commands))])
		}
		force(t, n, "-4", did)
		for range r.IntN(6) {
			did = append(did, m.operation(r, s.Snapshot()))
		}
		about := fmt.Sprintf("seed %d, round %d, after\n%s", seed, round, strings.Join(did, "\n"))
		var want, got []string
		for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
			settle(t, s)
			got, want = lines(snapshotReaders{s.Snapshot()}), lines(k)
			if slices.Equal(want, got) {
				break
			}
			time.Sleep(wait)
		}
		if !slices.Equal(want, got) {
			t.Fatalf("%s: the groups are not those of the kernel (-kernel +live):\n%s", about, difference(want, got))
		}
		follower.agree(s, about)
	}
}

// TestMulticastGroupsAtWill holds that groups are nowhere unless they are asked
// for, and can be read all the same.
func TestMulticastGroupsAtWill(t *testing.T) {
	n := pair(t)
	s := open(t, n, Options{Kinds: netstat.KindInterface})
	settle(t, s)
	for g := range s.Snapshot().MulticastGroups() {
		t.Errorf("%+v is in the snapshot", g)
	}
	if len(collect(t, s.Memberships(t.Context()))) == 0 {
		t.Error("no memberships")
	}
}

func TestTrackable(t *testing.T) {
	const group, route = netstat.KindMulticast, netstat.KindRoute
	for _, c := range []struct{ asked, followable, want netstat.Kinds }{
		{0, group, netstat.AllKinds},
		{0, 0, netstat.AllKinds &^ group},
		{group | route, group, group | route},
		{route, 0, route},
		{group, 0, 0},
		{netstat.AllKinds, 0, 0},
	} {
		got, err := trackable(c.asked, c.followable)
		if got != c.want || errors.Is(err, netstat.ErrNotSupported) != (c.want == 0) {
			t.Errorf("of %v where %v can be followed: %v, error %v", c.asked, c.followable, got, err)
		}
	}
}
