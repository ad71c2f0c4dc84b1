package collectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// cookies returns the sockets that a query selects, by cookie.
func cookies(t *testing.T, all []netstat.Socket) []string {
	t.Helper()
	var keys []string
	for _, s := range all {
		keys = append(keys, fmt.Sprintf("%v %v %v %v %x", s.Protocol, s.State, s.Local, s.Remote, s.Cookie))
	}
	slices.Sort(keys)
	return keys
}

// dumpWith reads sockets with the kernel's filter alone, or with the one here
// alone.
func dumpWith(t *testing.T, k *Kernel, q netstat.SocketQuery, kernel bool) []netstat.Socket {
	t.Helper()
	var all []netstat.Socket
	d := k.newSocketDump(&q, func(s netstat.Socket, err error) bool {
		must(t, err)
		all = append(all, s)
		return true
	})
	d.unfiltered = kernel
	if !kernel {
		d.bytecode = nil
	}
	for _, protocol := range q.Protocols {
		for _, family := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
			must(t, k.dumpSockets(t.Context(), protocol, family, d))
			if kernel && d.bytecode == nil && !q.Filter.IsZero() {
				t.Fatal("the kernel refused the filter")
			}
		}
	}
	return all
}

// TestFiltersInTheKernelAndHere proves that both select the same sockets, and
// neither all nor none of them.
func TestFiltersInTheKernelAndHere(t *testing.T) {
	n := nstest.New(t)
	link := socketScene(t, n)
	mark := func(value int) func(int) error { return option(unix.SOL_SOCKET, unix.SO_MARK, value) }
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 2101), mark(0x1234))
	bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "::1", 2102, 0), mark(0x1235))
	must(t, unix.Listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 2103), mark(0x34)), 1))
	k := open(t, n)

	prefix := netip.MustParsePrefix
	ports := func(first, last uint16) netstat.PortRange { return netstat.PortRange{First: first, Last: last} }
	everything := cookies(t, dumpWith(t, k, netstat.SocketQuery{Protocols: allProtocols}, true))
	for name, filter := range map[string]netstat.SocketFilter{
		"local port":              {LocalPorts: ports(1001, 1001)},
		"local ports":             {LocalPorts: ports(1003, 2002)},
		"lowest port":             {LocalPorts: ports(0, 1006)},
		"highest port":            {LocalPorts: ports(2003, 65535)},
		"remote port":             {RemotePorts: ports(1001, 1005)},
		"either port":             {Ports: ports(2001, 2001)},
		"local address":           {Local: prefix("127.0.0.1/32")},
		"odd prefix":              {Local: prefix("127.128.0.0/7")},
		"IPv4":                    {Local: prefix("0.0.0.0/0")},
		"IPv6":                    {Local: prefix("::/0")},
		"IPv4-mapped":             {Local: prefix("::ffff:127.0.0.0/104")},
		"link-local":              {Local: prefix("fe80::/10")},
		"odd IPv6 prefix":         {Local: prefix("fe80::1/127")},
		"remote address":          {Remote: prefix("127.0.0.0/8")},
		"either address":          {Address: prefix("192.0.2.0/24")},
		"interface":               {Interface: link},
		"mark":                    {Mark: netstat.Known(netstat.MarkMatch{Value: 0x1234, Mask: 0xffffffff})},
		"part of a mark":          {Mark: netstat.Known(netstat.MarkMatch{Value: 0xff34, Mask: 0xfe})},
		"no mark":                 {Mark: netstat.Known(netstat.MarkMatch{Value: 0, Mask: 0xffff})},
		"either port and address": {Ports: ports(1001, 1008), Address: prefix("127.0.0.1/32"), Remote: prefix("127.0.0.0/9")},
		"everything together": {
			LocalPorts: ports(1, 65535), RemotePorts: ports(1001, 1001), Ports: ports(1000, 1010), Local: prefix("127.0.0.1/32"),
			Remote: prefix("127.0.0.1/32"), Address: prefix("127.0.0.1/32"), Mark: netstat.Known(netstat.MarkMatch{}),
		},
	} {
		q := netstat.SocketQuery{Protocols: allProtocols, Filter: filter}
		kernel, here := cookies(t, dumpWith(t, k, q, true)), cookies(t, dumpWith(t, k, q, false))
		both := cookies(t, sockets(t, k, q))
		if !slices.Equal(kernel, here) || !slices.Equal(kernel, both) {
			t.Errorf("%s: the kernel selects\n%s\nhere are selected\n%s\nand by both\n%s", name,
				strings.Join(kernel, "\n"), strings.Join(here, "\n"), strings.Join(both, "\n"))
		}
		if len(kernel) == 0 || len(kernel) == len(everything) {
			t.Errorf("%s selects %d of %d sockets", name, len(kernel), len(everything))
		}
	}
}

// TestFilterByCGroup selects the sockets of a process in a cgroup of its own.
func TestFilterByCGroup(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_SOCK_CGROUP_DATA")
	n := nstest.New(t)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	root, ok := parseCGroupMount(mounts)
	if !ok {
		nstest.Needs(t, "needs a cgroup2 mount")
	}
	group := filepath.Join(root, n.Name)
	if err := os.Mkdir(group, 0o755); err != nil {
		nstest.Needs(t, "needs to make a cgroup: "+err.Error())
	}
	t.Cleanup(func() {
		// A process that ended may still be counted for a moment.
		eventually(t, "the cgroup is empty", func() bool { return os.Remove(group) == nil })
	})
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 2201)) // outside of it
	helper := startHelper(t, "socket in a cgroup", "nsenter", "--net="+n.Path())
	helper.send(t, filepath.Join(group, "cgroup.procs"))
	helper.expect(t, "open")

	var stat unix.Stat_t
	must(t, unix.Stat(group, &stat))
	k := open(t, n)
	q := netstat.SocketQuery{
		Protocols: allProtocols, Details: netstat.DetailCGroup,
		Filter: netstat.SocketFilter{CGroup: stat.Ino},
	}
	for _, kernel := range []bool{true, false} {
		got := dumpWith(t, k, q, kernel)
		if len(got) != 1 || got[0].Local.Port() != 2202 {
			t.Errorf("by the kernel: %v: %+v", kernel, got)
			continue
		}
		if c, known := got[0].Detail.CGroup.Get(); !known || c.ID != stat.Ino || c.Path != "/"+n.Name {
			t.Errorf("cgroup is %+v, want %d %s", c, stat.Ino, "/"+n.Name)
		}
	}
}

// TestWithoutPrivilege looks at what a process of nobody is told, and is not.
func TestWithoutPrivilege(t *testing.T) {
	nstest.NeedsRoot(t)
	asHelper(t, "without privilege", "unshare", "--net")
}

// TestFilterLeadsSomewhere follows the jumps: each operation's "yes" leads to
// the next one, and "no" to another one, to the end, or out.
func TestFilterLeadsSomewhere(t *testing.T) {
	ports := netstat.PortRange{First: 1, Last: 2}
	filter := netstat.SocketFilter{
		LocalPorts: ports, RemotePorts: ports, Ports: ports,
		Local: netip.MustParsePrefix("10.0.0.0/8"), Remote: netip.MustParsePrefix("::1/128"), Address: netip.MustParsePrefix("fe80::/10"),
		Interface: 1, Mark: netstat.Known(netstat.MarkMatch{}), CGroup: 1,
	}
	b := compileFilter(&filter)
	leads := map[int]bool{len(b): true, len(b) + 4: true}
	var operations []int
	for at := 0; at < len(b); at += int(b[at+1]) {
		if b[at+1] < sizeofBytecodeOp {
			t.Fatalf("operation of %d bytes", b[at+1])
		}
		leads[at] = true
		operations = append(operations, at)
	}
	for _, at := range operations {
		if no := int(binary.NativeEndian.Uint16(b[at+2:])); no < int(b[at+1]) || !leads[at+no] {
			t.Errorf("the operation at %d leads to %d, which is none", at, at+no)
		}
	}
	// Two of each range of ports, two jumps over an alternative.
	if len(operations) != 4*2+4+3+2 {
		t.Errorf("%d operations", len(operations))
	}
}

// TestListenQueues has connections waiting at several listeners.
func TestListenQueues(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	link := n.Index(t, "near")
	n.IP(t, "neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev near")
	deferred := option(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 120)
	reusePort := option(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	dual := option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	listen := func(backlog int, address unix.Sockaddr, options ...func(int) error) {
		must(t, unix.Listen(bound(t, n, unix.SOCK_STREAM, 0, address, options...), backlog))
	}
	dial := func(address string, count int) {
		for range count {
			n.Dial(t, "tcp", address)
		}
	}
	listen(11, inet4(t, "127.0.0.1", 1))
	dial("127.0.0.1:1", 3)
	// Without data there is only a request.
	listen(12, inet4(t, "127.0.0.1", 2), deferred, reusePort)
	dial("127.0.0.1:2", 2)
	// Any address, while another listener has one of them.
	listen(13, inet4(t, "0.0.0.0", 3), deferred, reusePort)
	listen(14, inet4(t, "127.0.0.2", 3), deferred, reusePort)
	dial("127.0.0.1:3", 1)
	dial("127.0.0.2:3", 2)
	// IPv4 at a listener of IPv6.
	listen(15, inet6(t, "::", 4, 0), deferred, dual)
	dial("127.0.0.1:4", 2)
	dial("[::1]:4", 1)
	// Listeners that share.
	listen(16, inet4(t, "127.0.0.1", 5), deferred, reusePort)
	listen(16, inet4(t, "127.0.0.1", 5), deferred, reusePort)
	dial("127.0.0.1:5", 3)
	// One of a device, at which nothing comes.
	listen(17, inet4(t, "0.0.0.0", 2), reusePort, func(fd int) error { return unix.BindToDevice(fd, "near") })

	type queue struct {
		unaccepted, maximum, incomplete uint32
		sharing                         int
	}
	want := map[string]queue{
		"127.0.0.1:1 0":                   {3, 11, 0, 1},
		"127.0.0.1:2 0":                   {0, 12, 2, 1},
		"0.0.0.0:3 0":                     {0, 13, 1, 1},
		"127.0.0.2:3 0":                   {0, 14, 2, 1},
		"[::]:4 0":                        {0, 15, 3, 1},
		"127.0.0.1:5 0":                   {0, 16, 3, 2},
		fmt.Sprintf("0.0.0.0:2 %d", link): {0, 17, 0, 1},
	}
	k := open(t, n)
	var got map[string]queue
	var rows int
	// The last segment of a handshake may still be on its way.
	eventually(t, "the queues are as wanted", func() bool {
		got, rows = make(map[string]queue), 0
		for l, err := range k.ListenQueues(t.Context(), netstat.SocketQuery{}) {
			must(t, err)
			if l.Socket.Protocol != netstat.TCP {
				t.Errorf("%+v", l)
			}
			rows++
			got[fmt.Sprintf("%v %v", l.Socket.Local, l.Socket.Interface)] = queue{
				l.Unaccepted.Or(99), l.Maximum.Or(99), l.Incomplete.Or(99), l.Sharing,
			}
		}
		return maps.Equal(got, want) || t.Failed()
	}, func() { t.Logf("%+v, want %+v", got, want) })
	if rows != len(want)+1 {
		t.Errorf("%d listeners at %d addresses, want %d", rows, len(got), len(want)+1)
	}
	// A selection does not change whose the requests are.
	q := netstat.SocketQuery{
		Protocols: []netstat.Protocol{netstat.TCP},
		Filter:    netstat.SocketFilter{Local: netip.MustParsePrefix("0.0.0.0/32"), LocalPorts: netstat.PortRange{First: 3, Last: 3}},
	}
	for l, err := range k.ListenQueues(t.Context(), q) {
		must(t, err)
		if l.Incomplete != netstat.Known[uint32](1) {
			t.Errorf("the only one asked for: %+v", l)
		}
	}
	if _, err := rowsUntilError(k.ListenQueues(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{200}})); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("of a protocol that is not there: %v", err)
	}
}
