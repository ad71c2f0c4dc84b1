package live

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// follower keeps a picture of a stack from its events alone: a map, so that an
// event of what is there, or is not, cannot make up for another.
type follower struct {
	t    testing.TB
	sub  *Subscription
	rows map[string]string // by what tells them apart, as they are
	// faults are events that contradict the picture.
	faults []string
}

func follow(t testing.TB, s *Stack, o SubscribeOptions) *follower {
	o.Initial = InitialEvents
	f := &follower{t: t, sub: s.Subscribe(o), rows: make(map[string]string)}
	t.Cleanup(func() { f.sub.Close() })
	return f
}

// identify is what tells a value from others of its kind.
func identify(value any) string {
	switch v := value.(type) {
	case netstat.Interface:
		return fmt.Sprint("interface ", v.Index)
	case netstat.Address:
		return fmt.Sprint("address ", v.Interface, v.Prefix, v.Peer)
	case netstat.Neighbour:
		if isForwarding(&v) {
			return fmt.Sprint("fdb ", v.Master, v.LinkAddress, v.VLAN)
		}
		return fmt.Sprint("neighbour ", v.Interface, v.Family, v.Address, v.LinkAddress, v.VLAN, v.Via, v.VNI, v.Port)
	case netstat.NextHop:
		return fmt.Sprint("nexthop ", v.ID)
	case netstat.Netconf:
		return fmt.Sprint("netconf ", v.Interface, v.Family)
	case netstat.MulticastGroup:
		return fmt.Sprint("group ", v.Interface, v.Group)
	}
	return show(value) // routes and rules have nothing but themselves
}

// show is everything of a value that events are sent for.
func show(value any) string {
	switch v := value.(type) {
	case netstat.Interface:
		return fmt.Sprintf("interface %+v", interfaceFields(&v))
	case netstat.Address:
		return fmt.Sprint("address ", v.Interface, v.Prefix, v.Peer, v.Broadcast, v.Label, v.Scope, v.Flags)
	case netstat.Route:
		options := netstat.RouteOptions{}
		if v.Options != nil {
			options = *v.Options
			options.Expires = netstat.Optional[time.Duration]{}
		}
		v.Options = nil
		return fmt.Sprintf("route %+v %+v", v, options)
	case netstat.Neighbour:
		v.Updated = time.Time{}
		return fmt.Sprintf("neighbour %+v", v)
	}
	return fmt.Sprintf("%T %+v", value, value)
}

func (f *follower) fault(e Event, why string) {
	f.faults = append(f.faults, fmt.Sprintf("%v, %s: %s (old %s)", e.Change, why, show(e.Value), show(e.Old)))
}

func (f *follower) add(e Event) {
	key := identify(e.Value)
	if is, there := f.rows[key]; there && e.Change != Present {
		f.fault(e, "though there is "+is)
	}
	f.rows[key] = show(e.Value)
}

func (f *follower) remove(e Event, value any) {
	key := identify(value)
	switch is, there := f.rows[key]; {
	case !there:
		f.fault(e, "which is not there")
	case is != show(value):
		f.fault(e, "which is another: "+is)
	}
	delete(f.rows, key)
}

func (f *follower) take(e Event) {
	switch e.Change {
	case Added, Present:
		f.add(e)
	case Removed:
		f.remove(e, e.Value)
	case Changed:
		f.remove(e, e.Old)
		f.add(e)
	case Gap:
		clear(f.rows)
		for e := range e.Snapshot.events(f.sub.options.Filter) {
			f.add(e)
		}
	}
}

// agree fails unless the events make what the stack has.
func (f *follower) agree(s *Stack, about string) {
	f.t.Helper()
	want := make(map[string]string)
	for wait := time.Millisecond; wait < nstest.Patience/2; wait *= 2 {
		clear(want)
		for e := range s.Snapshot().events(f.sub.options.Filter) {
			want[identify(e.Value)] = show(e.Value)
		}
		// Not one event that came before the snapshot is still under way.
		ctx, cancel := context.WithTimeout(f.t.Context(), wait)
		for e, err := range f.sub.Events(ctx) {
			if err != nil {
				break
			}
			f.take(e)
		}
		cancel()
		if len(f.faults) > 0 {
			f.t.Fatalf("%s: events contradict what was told before:\n%s", about, strings.Join(f.faults, "\n"))
		}
		if maps.Equal(want, f.rows) {
			return
		}
	}
	f.t.Fatalf("%s: events make another picture (-state +events):\n%s", about, difference(slices.Sorted(maps.Values(want)), slices.Sorted(maps.Values(f.rows))))
}

// TestFollowedIdentity follows, through filters too, what moves or has its like: rows
// that are not told apart by what events say of them at first sight.
func TestFollowedIdentity(t *testing.T) {
	for _, c := range []struct {
		name   string
		sysctl [2]string
		before []string
		steps  [][]string // each is told of before the next
		filter Filter
	}{
		{
			name:   "routes whose object is replaced",
			sysctl: [2]string{"net.ipv4.nexthop_compat_mode", "0"},
			before: []string{"nexthop add id 1 via 192.0.2.2 dev w0", "nexthop add id 2 via 192.0.2.3 dev w0", "nexthop add id 10 group 1/2",
				"route add 10.8.0.0/16 nhid 10", "route add 10.9.0.0/16 nhid 1"},
			steps: [][]string{{"nexthop replace id 1 via 192.0.2.4 dev w0"}, {"link set w2 up"}, {"nexthop replace id 1 via 198.51.100.2 dev w1"},
				{"nexthop replace id 10 group 2"}, {"nexthop del id 1"}, {"nexthop del id 2"}},
		},
		{
			name: "routes beside others whose object is replaced",
			before: []string{"-6 addr add 2001:db8:1::1/64 dev w0 nodad", "nexthop add id 1 via 192.0.2.2 dev w0", "-6 nexthop add id 2 via 2001:db8:1::2 dev w0",
				"route add 10.8.0.0/16 via 192.0.2.3", "route append 10.8.0.0/16 nhid 1", "-6 route add 2001:db8:8::/48 dev w1", "-6 route append 2001:db8:8::/48 nhid 2"},
			steps: [][]string{{"nexthop replace id 1 blackhole", "nexthop replace id 1 via 192.0.2.2 dev w0", "nexthop replace id 1 blackhole"},
				{"-6 nexthop replace id 2 blackhole", "-6 nexthop replace id 2 via 2001:db8:1::2 dev w0", "-6 nexthop replace id 2 blackhole"},
				{"nexthop replace id 1 via 192.0.2.4 dev w0", "route del 10.8.0.0/16 nhid 1"}, {"-6 nexthop replace id 2 via 2001:db8:1::4 dev w0", "-6 route del 2001:db8:8::/48 nhid 2"}},
		},
		{
			name:   "next hops that are not down any more",
			before: []string{"route add 10.8.0.0/16 nexthop via 192.0.2.2 nexthop via 198.51.100.2"},
			steps:  [][]string{{"addr del 192.0.2.1/24 dev w0"}, {"link set w0 alias w"}, {"addr add 192.0.2.1/24 dev w0"}},
		},
		{
			name:   "rules among equals",
			before: []string{"rule add iif foo pref 50 lookup 200", "rule add fwmark 1 pref 100 lookup 201", "rule add fwmark 2 pref 100 lookup 202", "rule add fwmark 3 pref 100 lookup 203"},
			steps: [][]string{{"rule del fwmark 1 pref 100 lookup 201"}, {"link add foo type veth peer name bar"}, {"rule add fwmark 1 pref 100 lookup 201", "rule del fwmark 2 pref 100 lookup 202"},
				{"link del foo"}, {"rule del fwmark 3 pref 100 lookup 203", "rule add fwmark 3 pref 100 lookup 203"}, {"link add foo type veth peer name bar"}},
		},
		{
			name:   "rules that change tables",
			before: []string{"rule add fwmark 1 pref 100 lookup 201", "rule add fwmark 2 pref 100 lookup 202"},
			steps:  [][]string{{"rule add fwmark 1 pref 100 lookup 202", "rule del fwmark 1 pref 100 lookup 201"}, {"rule add fwmark 2 pref 100 lookup 201"}},
			filter: Filter{Kinds: netstat.KindRule, Table: 201},
		},
		{
			name:   "neighbours and routes that come and go within a prefix",
			before: []string{"route add 10.8.0.0/16 via 192.0.2.2", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev w0 nud permanent"},
			steps: [][]string{{"route replace 10.8.0.0/16 via 198.51.100.2"}, {"route append 10.8.0.0/16 via 192.0.2.2", "neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev w1 nud permanent"},
				{"route del 10.8.0.0/16 via 198.51.100.2", "neigh del 192.0.2.9 dev w0"}, {"addr del 192.0.2.1/24 dev w0"}},
			filter: Filter{Prefix: netip.MustParsePrefix("192.0.2.0/24")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, s, followers := identityScene(t, c.filter, c.sysctl, c.before)
			for _, step := range c.steps {
				n.IP(t, step...)
				agree(t, s, kernel(t, n), strings.Join(step, "; "))
				for i, f := range followers {
					f.agree(s, fmt.Sprintf("follower %d, %s", i, strings.Join(step, "; ")))
				}
			}
		})
	}
}

// TestFollowedForwarding has stations move between the ports of a bridge.
func TestFollowedForwarding(t *testing.T) {
	n, s, followers := identityScene(t, Filter{}, [2]string{}, []string{"link add bridge type bridge", "link set bridge up", "link set w0 master bridge", "link set w1 master bridge"})
	for i, port := range []string{"w0", "w1", "w0", "w1"} {
		for station := range 3 + i {
			n.Run(t, "bridge", "fdb", "replace", fmt.Sprintf("02:00:00:00:01:%02x", station), "dev", port, "master", "static")
		}
		agree(t, s, kernel(t, n), "stations are at "+port)
		for i, f := range followers {
			f.agree(s, fmt.Sprintf("follower %d, stations are at %s", i, port))
		}
	}
	n.IP(t, "link set w1 nomaster")
	agree(t, s, kernel(t, n), "their port is none")
	for i, f := range followers {
		f.agree(s, fmt.Sprintf("follower %d, their port is none", i))
	}
}

// TestFollowedPorts has ports leave their bridge, of whose addresses the bridge gives some
// to others without telling.
func TestFollowedPorts(t *testing.T) {
	const shared = "02:00:00:00:02:01"
	for _, scene := range []struct{ about, address, bridge, leaves string }{
		{"", "02:00:00:00:02:02", "", "link set w0 nomaster"},
		{"another port has the address", shared, "", "link set w0 nomaster"},
		{"another port has the address", shared, "", "link del w0"},
		{"another port has the address", shared, "", "link set w0 master other"},
		{"the bridge has the address", "02:00:00:00:02:02", shared, "link set w0 nomaster"},
		{"another port and the bridge have the address", shared, shared, "link set w0 down nomaster"},
		{"another port has the address", shared, "", "link set w0 address 02:00:00:00:02:09"},
		{"the bridge has the address", "02:00:00:00:02:02", shared, "link set bridge address 02:00:00:00:02:09"},
		{"", "02:00:00:00:02:02", "", "link del bridge"},
	} {
		before := []string{"link add bridge type bridge", "link add other type bridge", "link set bridge up",
			"link set w0 address " + shared, "link set w1 address " + scene.address, "link set w0 master bridge", "link set w1 master bridge"}
		if scene.bridge != "" {
			before = append(before, "link set bridge address "+scene.bridge)
		}
		n, s, followers := identityScene(t, Filter{}, [2]string{}, before)
		n.Run(t, "bridge", "fdb", "replace", "02:00:00:00:01:01", "dev", "w0", "master", "static")
		n.IP(t, scene.leaves)
		about := fmt.Sprintf("%s, %s", scene.about, scene.leaves)
		agree(t, s, kernel(t, n), about)
		for i, f := range followers {
			f.agree(s, fmt.Sprintf("follower %d, %s", i, about))
		}
	}
}

// TestPortLeaves has a port leave its bridge, which tells of all its forwarding entries:
// those of other ports are not dumped anew.
func TestPortLeaves(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add bridge type bridge", "link set bridge address 02:00:00:00:02:01", "link add w0 type veth peer name v0", "link set w0 master bridge", "link set bridge up", "link set w0 up", "link set v0 up")
	n.Run(t, "bridge", "fdb", "replace", "02:00:00:00:01:01", "dev", "w0", "master", "static")
	s := open(t, n, Options{Kinds: netstat.KindNeighbour})
	settle(t, s)
	before := s.Statistics().Dumps
	n.IP(t, "link set w0 nomaster")
	settle(t, s)
	for row := range s.Snapshot().Neighbours(netstat.Bridge) {
		if row.Master != 0 && row.Interface == n.Index(t, "w0") {
			t.Errorf("%+v is left", row)
		}
	}
	if now := s.Statistics().Dumps; now != before {
		t.Errorf("%d dumps for a port that left", now-before)
	}
}

// TestWeightOfObjects has a group change to a weight that is the same in the 8 bits that
// messages of routes have. ip(8) knows no such weight.
func TestWeightOfObjects(t *testing.T) {
	n, s, followers := identityScene(t, Filter{Kinds: netstat.KindRoute}, [2]string{}, []string{"nexthop add id 1 via 192.0.2.2 dev w0", "nexthop add id 2 via 192.0.2.3 dev w0"})
	attribute := func(kind uint16, value []byte) []byte {
		b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
		return append(binary.NativeEndian.AppendUint16(b, kind), value...)
	}
	setGroup := func(weight uint16) {
		const nhaID, nhaGroup = 1, 2 // include/uapi/linux/nexthop.h
		group := append(binary.NativeEndian.AppendUint32(nil, 1), byte(weight-1), byte((weight-1)>>8), 0, 0)
		group = append(binary.NativeEndian.AppendUint32(group, 2), 0, 0, 0, 0)
		body := append(make([]byte, 8), attribute(nhaID, binary.NativeEndian.AppendUint32(nil, 10))...)
		body = append(body, attribute(nhaGroup, group)...)
		message := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
		message = binary.NativeEndian.AppendUint16(message, unix.RTM_NEWNEXTHOP)
		message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
		message = append(append(message, make([]byte, 8)...), body...)
		fd := n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
		must(t, unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
		answer := make([]byte, 4096)
		got, _, err := unix.Recvfrom(fd, answer, 0)
		must(t, err)
		if got < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:]) != 0 {
			if !nstest.KernelSince(t, 6, 12) {
				t.Skip("Linux before 6.12 knows no weight of 16 bits")
			}
			t.Fatalf("the kernel refuses weight %d: % x", weight, answer[:got])
		}
	}
	setGroup(44)
	n.IP(t, "route add 10.8.0.0/16 nhid 10")
	for _, weight := range []uint16{300, 44, 556} {
		setGroup(weight)
		agree(t, s, kernel(t, n), fmt.Sprint("weight ", weight))
		for i, f := range followers {
			f.agree(s, fmt.Sprintf("follower %d, weight %d", i, weight))
		}
		rows := s.Snapshot().Route(netip.MustParsePrefix("10.8.0.0/16"), 0)
		if len(rows) != 2 || rows[0].Weight != weight || rows[1].Weight != 1 {
			t.Errorf("weight %d: %+v", weight, rows)
		}
	}
}

// identityScene is a namespace with links w0 to w2, as before says, a stack of it, and
// who follow everything, what the filter says, and each of the links.
func identityScene(t *testing.T, filter Filter, sysctl [2]string, before []string) (n *nstest.NS, s *Stack, followers []*follower) {
	n = nstest.New(t)
	for i := range 3 {
		n.IP(t, fmt.Sprintf("link add w%d type veth peer name v%d", i, i))
	}
	if sysctl[0] != "" {
		n.Sysctl(t, sysctl[0], sysctl[1])
	}
	n.IP(t, "link set w0 up", "link set v0 up", "link set w1 up", "link set v1 up", "addr add 192.0.2.1/24 dev w0", "addr add 198.51.100.1/24 dev w1")
	n.IP(t, before...)
	n.Settle(t)
	s = open(t, n, Options{})
	settle(t, s)
	followers = append(followers, follow(t, s, SubscribeOptions{}), follow(t, s, SubscribeOptions{Filter: filter}))
	for i := range 3 {
		followers = append(followers, follow(t, s, SubscribeOptions{Filter: Filter{Interface: n.Index(t, fmt.Sprintf("w%d", i))}}))
	}
	return n, s, followers
}
