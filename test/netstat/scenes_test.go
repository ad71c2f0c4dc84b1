package netstat_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// find returns the row that has all of those members, nil for none.
func find(rows []object, members ...string) object {
	i := slices.IndexFunc(rows, func(o object) bool {
		for i := 0; i < len(members); i += 2 {
			if o.text(members[i]) != members[i+1] {
				return false
			}
		}
		return true
	})
	if i < 0 {
		return nil
	}
	return rows[i]
}

// has complains of a row that there is not.
func has(t testing.TB, rows []object, members ...string) object {
	t.Helper()
	o := find(rows, members...)
	if o == nil {
		t.Errorf("no row has %v; there are %v", members, rows)
	}
	return o
}

// network turns a number into the order of the network.
func network(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// Sockets of every protocol and address family are shown, by the flag of each.
func TestEveryKindOfSocket(t *testing.T) {
	n := nstest.New(t)
	bind := func(kind, protocol, port int) {
		fd := n.Socket(t, unix.AF_INET, kind, protocol)
		must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}))
		if kind == unix.SOCK_STREAM {
			must(t, unix.Listen(fd, 5))
		}
	}
	n.Sysctl(t, "net.ipv4.ping_group_range", "0 0")
	bind(unix.SOCK_STREAM, 0, 1001)
	bind(unix.SOCK_DGRAM, 0, 1002)
	bind(unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, 1003)
	bind(unix.SOCK_RAW, unix.IPPROTO_GRE, 0)
	bind(unix.SOCK_DGRAM, unix.IPPROTO_ICMP, 1005)
	bind(unix.SOCK_STREAM, unix.IPPROTO_MPTCP, 1006)
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	n.Socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, int(network(unix.ETH_P_ARP)))
	must(t, unix.Bind(n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE), &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}))
	pid := strconv.Itoa(os.Getpid())
	for flags, members := range map[string][]string{
		"-ltp":       {"kind", "socket", "protocol", "tcp", "localPort", "1001", "state", "LISTEN"},
		"-lup":       {"kind", "socket", "protocol", "udp", "localPort", "1002", "family", "ipv4"},
		"-lUp":       {"kind", "socket", "protocol", "udplite", "localPort", "1003"},
		"-lwp":       {"kind", "socket", "protocol", "raw", "localPort", strconv.Itoa(unix.IPPROTO_GRE)},
		"-lp --icmp": {"kind", "socket", "protocol", "icmp", "localPort", "1005"},
		// Only its first subflow listens, and the connection carries its port.
		"-lp --mptcp":  {"kind", "socket", "protocol", "mptcp", "localPort", "1006"},
		"-lxp":         {"kind", "unix", "abstractName", "stream", "type", "stream"},
		"-B":           {"kind", "packet", "protocol", "arp", "type", "dgram"},
		"--netlink -p": {"kind", "netlink", "protocol", "rtnl", "groups", "[1]"},
	} {
		rows := objects(t, n, strings.Fields(flags)...)
		o := has(t, rows, members...)
		if held := fmt.Sprint(o["processes"]); !strings.Contains(held, "pid:"+pid) {
			t.Errorf("%s: held by %s, want %s", flags, held, pid)
		}
	}
}

// What the kernel was built without is named, with the option, and nothing is
// shown in its place.
func TestFamiliesThatTheKernelLacks(t *testing.T) {
	n := nstest.New(t)
	for flag, option := range map[string]string{
		"--vsock": "CONFIG_VSOCKETS_DIAG", "--xdp": "CONFIG_XDP_SOCKETS_DIAG", "--smc": "CONFIG_SMC_DIAG", "--tipc": "CONFIG_TIPC_DIAG", "-S": "CONFIG_INET_SCTP_DIAG",
	} {
		r := try(t, n, flag, "-a", "--json")
		if nstest.HasKernel(t, option) {
			if r.status != 0 || r.complaints != "" {
				t.Errorf("%s: %+v", flag, r)
			}
			continue
		}
		family, _, _ := strings.Cut(strings.TrimPrefix(option, "CONFIG_"), "_")
		if r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "not supported") || !strings.Contains(r.complaints, "this kernel lacks CONFIG_") ||
			!strings.Contains(r.complaints, family) && !strings.Contains(r.complaints, "SCTP") {
			t.Errorf("%s: %+v", flag, r)
		}
	}
}

// -B has what a capture set up: ring, fanout and filter, and what it lost.
func TestPacketSockets(t *testing.T) {
	n := nstest.New(t)
	ring := n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	must(t, unix.SetsockoptInt(ring, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2))
	must(t, unix.SetsockoptTpacketReq(ring, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq{Block_size: 1 << 16, Block_nr: 4, Frame_size: 2048, Frame_nr: 4 << 16 / 2048}))
	must(t, unix.Bind(ring, &unix.SockaddrLinklayer{Protocol: network(unix.ETH_P_IP), Ifindex: int(n.Index(t, "lo"))}))
	must(t, unix.SetsockoptInt(ring, unix.SOL_PACKET, unix.PACKET_FANOUT, 4711|unix.PACKET_FANOUT_CPU<<16))
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12}, {Code: unix.BPF_RET | unix.BPF_K, K: 0xffff}}
	must(t, unix.SetsockoptSockFprog(ring, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 2, Filter: &program[0]}))
	full := n.Socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	must(t, unix.SetsockoptInt(full, unix.SOL_SOCKET, unix.SO_RCVBUF, 0)) // the least
	must(t, unix.Bind(full, &unix.SockaddrLinklayer{Protocol: network(unix.ETH_P_ALL), Ifindex: int(n.Index(t, "lo"))}))
	n.ListenPacket(t, "udp4", "127.0.0.1:9")
	c := n.Dial(t, "udp4", "127.0.0.1:9")
	for range 100 {
		_, err := c.Write(make([]byte, 1000))
		must(t, err)
	}
	eventually(t, func() string {
		rows := objects(t, n, "-B")
		if find(rows, "type", "raw", "protocol", "ipv4", "interface", "lo", "ringVersion", "1", "receiveRingBlockSize", "65536", "receiveRingBlocks", "4",
			"receiveRingFrameSize", "2048", "receiveRingFrames", "128", "fanoutGroup", "4711", "fanoutMode", "cpu", "filterInstructions", "2",
			"filter", fmt.Sprintf("%x", instructions(program))) == nil {
			return fmt.Sprintf("no such ring: %v", rows)
		}
		o := find(rows, "type", "dgram", "protocol", "all", "filterInstructions", "0")
		if o == nil || o.text("drops") == "0" || o.text("receiveMemory") == "0" {
			return fmt.Sprintf("nothing is dropped: %v", rows)
		}
		return ""
	})
	out := lines(show(t, n, "-B"))
	own := strconv.Itoa(os.Getpid()) + "/"
	if !slices.ContainsFunc(out, func(l string) bool {
		f := strings.Fields(l)
		return len(f) == 12 && strings.HasPrefix(f[0], own) && slices.Equal(slices.Delete(f[1:9], 3, 4), []string{"lo", "raw", "ipv4", "262144", "-", "4711:cpu", "2"})
	}) {
		t.Errorf("-B:\n%s", strings.Join(out, "\n"))
	}
}

// instructions are the bytes of a classic BPF program.
func instructions(program []unix.SockFilter) (b []byte) {
	for _, i := range program {
		b = binary.NativeEndian.AppendUint16(b, i.Code)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return b
}

// --mroutes has the virtual interfaces and the routes of a multicast router, with
// what went through.
func TestMulticastRouter(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	n.RouteMulticast(t, other)
	eventually(t, func() string {
		rows := objects(t, n, "--mroutes")
		for _, want := range [][]string{
			{"kind", "multicastRoute", "family", "ipv4", "source", "192.0.2.2", "group", "239.1.1.1", "input", "in", "packets", "5", "octets", "640", "wrongInterface", "2"},
			{"kind", "multicastRoute", "family", "ipv6", "source", "2001:db8:1::2", "group", "ff0e::1:1", "input", "in", "packets", "4", "octets", "592"},
			{"kind", "vif", "family", "ipv4", "number", "0", "interface", "in", "inPackets", "3", "inOctets", "384"},
			{"kind", "vif", "family", "ipv4", "number", "1", "interface", "out", "outPackets", "3"},
			{"kind", "vif", "family", "ipv6", "number", "0", "interface", "in", "inPackets", "4"},
		} {
			if find(rows, want...) == nil {
				return fmt.Sprintf("no row has %v; there are %v", want, rows)
			}
		}
		if outputs := fmt.Sprint(find(rows, "group", "239.1.1.1")["outputs"]); outputs != "[map[interface:out threshold:2]]" {
			return "outputs are " + outputs
		}
		return ""
	})
	text := show(t, n, "--mroutes")
	for _, want := range []string{"Multicast virtual interfaces\n", "Multicast forwarding cache\n", "out/2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("--mroutes lacks %q:\n%s", want, text)
		}
	}
}

// --mdb has what `bridge mdb` has.
func TestBridgeGroups(t *testing.T) {
	nstest.NeedsProgram(t, "bridge")
	nstest.NeedsKernel(t, "CONFIG_BRIDGE_IGMP_SNOOPING")
	n := nstest.New(t)
	n.IP(t, "link add br0 type bridge mcast_snooping 1 mcast_startup_query_interval 100000", "link set br0 addrgenmode none",
		"link add port1 type veth peer name end1", "link set port1 addrgenmode none", "link set end1 addrgenmode none",
		"link set port1 master br0", "link set br0 up", "link set port1 up", "link set end1 up")
	n.Run(t, "bridge", "mdb", "add", "dev", "br0", "port", "port1", "grp", "239.1.1.1", "permanent")
	eventually(t, func() string { // the port forwards
		return run(t, []string{"ip", "netns", "exec", n.Name, "bridge", "mdb", "add", "dev", "br0", "port", "port1", "grp", "ff0e::1", "temp"}).complaints
	})
	n.Run(t, "bridge", "link", "set", "dev", "port1", "mcast_router", "2")
	eventually(t, func() string {
		var told []struct {
			MDB []struct{ Dev, Port, Grp, State string }
		}
		must(t, json.Unmarshal([]byte(n.Run(t, "bridge", "-j", "mdb", "show")), &told))
		rows := objects(t, n, "--mdb")
		entries := 0
		for _, m := range told {
			for _, e := range m.MDB {
				entries++
				if find(rows, "kind", "bridgeGroup", "bridge", e.Dev, "port", e.Port, "group", e.Grp, "permanent", strconv.FormatBool(e.State == "permanent")) == nil {
					return fmt.Sprintf("%+v is not in %v", e, rows)
				}
			}
		}
		if entries < 2 || len(rows) != entries+1 || find(rows, "kind", "routerPort", "bridge", "br0", "port", "port1", "permanent", "true") == nil {
			return fmt.Sprintf("bridge has %d groups and a router's port: %v", entries, rows)
		}
		return ""
	})
}

// --qdiscs has what waits and what was dropped, of disciplines and of classes.
func TestQueueing(t *testing.T) {
	nstest.NeedsProgram(t, "tc")
	nstest.NeedsKernel(t, "CONFIG_NET_SCH_HTB")
	nstest.NeedsKernel(t, "CONFIG_NET_SCH_TBF")
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near addrgenmode none", "link set far addrgenmode none",
		"link set near up", "link set far up", "addr add 192.0.2.1/24 dev near", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near")
	n.Run(t, "tc", "qdisc", "add", "dev", "near", "root", "handle", "1:", "htb", "default", "20")
	n.Run(t, "tc", "class", "add", "dev", "near", "parent", "1:", "classid", "1:20", "htb", "rate", "1gbit")
	// Hardly anything is let through, and two packets are held.
	n.Run(t, "tc", "qdisc", "add", "dev", "near", "parent", "1:20", "handle", "20:", "tbf", "rate", "1kbit", "burst", "1600", "limit", "2000")
	c := n.Dial(t, "udp4", "192.0.2.9:9")
	for range 10 {
		_, _ = c.Write(make([]byte, 900)) // ENOBUFS where the queue is full
	}
	eventually(t, func() string {
		var told []struct {
			Kind, Handle, Dev                    string
			Packets, Bytes, Drops, Backlog, Qlen uint64
		}
		truth := func() string { return n.Run(t, "tc", "-s", "-j", "qdisc", "show", "dev", "near") }
		before := truth()
		rows := objects(t, n, "--qdiscs", "-I", "near")
		if truth() != before {
			return "the queues do not rest"
		}
		must(t, json.Unmarshal([]byte(before), &told))
		for _, q := range told {
			o := find(rows, "interface", "near", "queueing", q.Kind, "class", "false", "handle", q.Handle)
			if o == nil {
				return fmt.Sprintf("%+v is not in %v", q, rows)
			}
			for member, want := range map[string]uint64{"packets": q.Packets, "octets": q.Bytes, "drops": q.Drops, "backlog": q.Backlog, "queued": q.Qlen} {
				if got := number(t, o, member); got != want {
					return fmt.Sprintf("%s of %s is %d, tc says %d", member, q.Kind, got, want)
				}
			}
			if q.Kind == "tbf" && (q.Drops == 0 || q.Backlog == 0) {
				return fmt.Sprintf("nothing waits: %+v", q)
			}
		}
		if len(told) != 2 || find(rows, "interface", "near", "queueing", "htb", "class", "true", "handle", "1:20") == nil {
			return fmt.Sprintf("disciplines %+v, rows %v", told, rows)
		}
		return ""
	})
}

// -ge and -gp tell which sources are listened to, by interface and by socket.
func TestSourcesOfGroups(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	option := func(fd, name int, addresses ...string) {
		var b []byte
		for _, a := range addresses {
			b = append(b, netip.MustParseAddr(a).AsSlice()...)
		}
		must(t, unix.SetsockoptString(fd, unix.IPPROTO_IP, name, string(b)))
	}
	chooser, blocker := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0), n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	option(chooser, unix.IP_ADD_SOURCE_MEMBERSHIP, "239.1.1.1", "192.0.2.1", "198.51.100.1")
	option(blocker, unix.IP_ADD_MEMBERSHIP, "239.1.1.2", "192.0.2.1")
	option(blocker, unix.IP_BLOCK_SOURCE, "239.1.1.2", "192.0.2.1", "198.51.100.2")
	rows := objects(t, n, "-gep")
	o := has(t, rows, "kind", "membership", "interface", "near", "group", "239.1.1.1", "users", "1")
	if got := fmt.Sprint(o["sources"]); got != "[map[address:198.51.100.1 excluded:0 included:1]]" {
		t.Errorf("sources of the interface: %s", got)
	}
	has(t, rows, "kind", "socketMembership", "interface", "near", "group", "239.1.1.1", "mode", "include", "sources", "[198.51.100.1]")
	has(t, rows, "kind", "socketMembership", "interface", "near", "group", "239.1.1.2", "mode", "exclude", "sources", "[198.51.100.2]")
	if text := show(t, n, "-gen"); !strings.Contains(text, " 198.51.100.1\n") || !strings.Contains(text, " !198.51.100.2\n") {
		t.Errorf("-gen:\n%s", text)
	}
}

// -is has IPv6's counters of one interface, as its file has them.
func TestCountersOfAnInterface(t *testing.T) {
	n := scene(t)
	eventually(t, func() string {
		truth := func() string { return n.Run(t, "cat", "/proc/net/dev_snmp6/a0") }
		before := truth()
		rows := objects(t, n, "-is", "-I", "a0")
		if truth() != before {
			return "the counters do not rest"
		}
		some := 0
		for line := range strings.Lines(before) {
			f := strings.Fields(line)
			if f[0] == "ifIndex" {
				continue
			}
			if find(rows, "interface", "a0", "name", f[0], "value", f[1]) == nil {
				return fmt.Sprintf("no row has %v", f)
			}
			if f[1] != "0" {
				some++
			}
		}
		if some < 3 {
			return "hardly anything was counted:\n" + before
		}
		return ""
	})
}

// -Q has the kernel's numbers of each processor, and with -e the queues of
// interfaces with the watchdog's timeouts.
func TestReceivePaths(t *testing.T) {
	n := scene(t)
	eventually(t, func() string {
		// Packets are counted all the time, drops hardly ever.
		before := softnet(t)
		rows := objects(t, n, "-Q")
		after := softnet(t)
		for cpu, b := range before {
			o := find(rows, "cpu", strconv.Itoa(cpu))
			if o == nil || len(rows) != len(before) {
				return fmt.Sprintf("%d processors, rows %v", len(before), rows)
			}
			for i, member := range []string{"processed", "dropped", "squeezed"} {
				if got := number(t, o, member); got < b[i] || got > after[cpu][i] {
					return fmt.Sprintf("%s of %d is %d, not between %d and %d", member, cpu, got, b[i], after[cpu][i])
				}
			}
		}
		return ""
	})
	timeouts := strings.TrimSpace(n.Run(t, "cat", "/sys/class/net/a0/queues/tx-0/tx_timeout"))
	has(t, objects(t, n, "-Qe"), "kind", "queue", "interface", "a0", "direction", "transmit", "number", "0", "transmitTimeouts", timeouts)
}

// softnet reads what each processor processed, dropped and left over.
func softnet(t testing.TB) (found [][3]uint64) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/softnet_stat")
	must(t, err)
	for line := range strings.Lines(string(text)) {
		var one [3]uint64
		for i, f := range strings.Fields(line)[:3] {
			one[i], err = strconv.ParseUint(f, 16, 32)
			must(t, err)
		}
		found = append(found, one)
	}
	return found
}

// ofFirstNamespace reads a file of /proc/sys/net that only the host's first
// namespace has, empty where the test runs in another one.
func ofFirstNamespace(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/" + file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// -m has the sockets that there are, the memory of their protocols, and the
// caches that packets come from.
func TestMemory(t *testing.T) {
	n := nstest.New(t)
	n.Listen(t, "tcp4", "127.0.0.1:0")
	n.ListenPacket(t, "udp4", "127.0.0.1:0")
	n.ListenPacket(t, "udp4", "127.0.0.1:0")
	n.ListenPacket(t, "udp6", "[::1]:0")
	rows := objects(t, n, "-ma")
	has(t, rows, "kind", "socketUsage", "tcp", "1", "udp", "2", "udp6", "1")
	has(t, rows, "kind", "protocolMemory", "name", "TCP", "pressure", "false")
	// The kernel tells the limits in its first namespace.
	if limits := strings.Fields(ofFirstNamespace(t, "ipv4/tcp_mem")); len(limits) == 3 {
		high, err := strconv.ParseUint(limits[2], 10, 64)
		must(t, err)
		rows := decode(t, run(t, []string{program, "-m", "--json"}).out)
		has(t, rows, "kind", "protocolMemory", "name", "TCP", "high", strconv.FormatUint(high*uint64(os.Getpagesize()), 10))
	}
	slabs, err := os.ReadFile("/proc/slabinfo")
	must(t, err)
	packets := 0
	for line := range strings.Lines(string(slabs)) {
		f := strings.Fields(line)
		if strings.HasPrefix(f[0], "skbuff") {
			packets++
			has(t, rows, "kind", "slab", "name", f[0], "objectSize", f[3])
		}
	}
	if packets == 0 {
		t.Error("the kernel has no cache of packets")
	}
}

// -rs has the size of the routing tables, and --netconf what is forwarded.
func TestRoutingSettings(t *testing.T) {
	n := scene(t)
	rows := objects(t, n, "-rs")
	var routes []struct{ Dst string }
	n.JSON(t, &routes, "-4", "route", "show", "table", "main")
	destinations := make(map[string]bool)
	for _, r := range routes {
		destinations[r.Dst] = true
	}
	if o := has(t, rows, "kind", "fibTable", "table", "254"); number(t, o, "prefixes") < uint64(len(destinations)) {
		t.Errorf("%v, but ip has %d destinations", o, len(destinations))
	}
	if o := has(t, rows, "kind", "fib6"); number(t, o, "entries") < 4 {
		t.Errorf("IPv6: %v", o)
	}
	if o := find(rows, "kind", "routeLookups"); o == nil || number(t, o, "outSlowTotal") == 0 {
		t.Errorf("nobody looked routes up: %v", o)
	}
	arp := []string{"kind", "neighbourTable", "name", "arp_cache"}
	if most := ofFirstNamespace(t, "ipv4/neigh/default/gc_thresh3"); most != "" {
		arp = append(arp, "threshold3", most)
	}
	has(t, rows, arp...)
	has(t, rows, "kind", "neighbourTable", "name", "ndisc_cache")
	if rows := objects(t, n, "-rs6"); find(rows, "name", "arp_cache") != nil || find(rows, "kind", "fibTable") != nil || find(rows, "kind", "fib6") == nil {
		t.Errorf("-rs6: %v", rows)
	}

	n.Sysctl(t, "net.ipv4.conf.a0.forwarding", "1")
	n.Sysctl(t, "net.ipv4.conf.a0.rp_filter", "2")
	n.Sysctl(t, "net.ipv6.conf.b0.forwarding", "1")
	rows = objects(t, n, "--netconf")
	var told []struct {
		Family, Interface string
		Forwarding        *bool
		RPFilter          string `json:"rp_filter"`
	}
	n.JSON(t, &told, "netconf", "show")
	compared := 0
	for _, c := range told {
		family := map[string]string{"inet": "ipv4", "inet6": "ipv6"}[c.Family]
		if family == "" || c.Forwarding == nil {
			continue
		}
		compared++
		o := has(t, rows, "family", family, "interface", c.Interface, "forwarding", strconv.FormatBool(*c.Forwarding))
		if want := c.RPFilter; want != "" && o != nil && o.text("reversePathFilter") != want {
			t.Errorf("the reverse path filter of %s is %v, ip says %s", c.Interface, o["reversePathFilter"], want)
		}
	}
	if compared < 8 {
		t.Errorf("only %d settings: %+v", compared, told)
	}
	has(t, rows, "family", "ipv4", "interface", "a0", "forwarding", "true", "reversePathFilter", "loose")
	has(t, rows, "family", "ipv6", "interface", "b0", "forwarding", "true")
	has(t, rows, "family", "ipv4", "interface", "b0", "forwarding", "false")
	if rows := objects(t, n, "--netconf", "-6", "-I", "b0"); len(rows) != 1 || rows[0].text("family") != "ipv6" {
		t.Errorf("of one interface: %v", rows)
	}
}

// -s has what IPsec refused.
func TestIPsecCounters(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_XFRM_STATISTICS")
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "addr add 192.0.2.1/24 dev near",
		"xfrm policy add src 0.0.0.0/0 dst 192.0.2.7/32 dir out action block")
	for range 4 {
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 7}, Port: 9}); err == nil {
			t.Error("the policy lets the connection through")
		}
	}
	has(t, objects(t, n, "-s"), "kind", "counter", "group", "ipsec", "name", "XfrmOutPolBlock", "value", "4")
	if text := show(t, n, "-se"); !strings.Contains(text, "\nIPsec:\n") || !strings.Contains(text, " 4 XfrmOutPolBlock ") {
		t.Errorf("-s:\n%s", text)
	}
}
