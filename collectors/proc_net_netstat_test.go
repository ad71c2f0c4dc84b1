package collectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func counters(t *testing.T, k *Kernel, groups ...netstat.CounterGroup) map[string]netstat.Counter {
	t.Helper()
	named := make(map[string]netstat.Counter)
	for _, c := range all(t, k.Counters(t.Context(), groups...)) {
		if _, twice := named[c.Name]; twice {
			t.Errorf("%s is there twice", c.Name)
		}
		named[c.Name] = c
	}
	return named
}

// exchange moves counters of every protocol.
func exchange(t *testing.T, n *nstest.NS) {
	t.Helper()
	for _, loop := range []string{"127.0.0.1", "[::1]"} {
		server := n.ListenPacket(t, "udp", loop+":0")
		c := n.Dial(t, "udp", server.LocalAddr().String())
		for range 3 {
			_, err := c.Write(make([]byte, 100))
			must(t, err)
			_, _, err = server.ReadFrom(make([]byte, 100)) // a datagram counts when it is read
			must(t, err)
		}
		_, err := n.Dial(t, "udp", loop+":9").Write([]byte("x")) // an ICMP error
		must(t, err)
		l := n.Listen(t, "tcp", loop+":0")
		_, err = n.Dial(t, "tcp", l.Addr().String()).Write(make([]byte, 5000))
		must(t, err)
	}
}

func TestCountersAgreeWithNstat(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	exchange(t, n)
	var got map[string]netstat.Counter
	want := unchanging(t, func() map[string]json.Number {
		var told struct{ Kernel map[string]json.Number }
		must(t, json.Unmarshal([]byte(n.Run(t, "nstat", "-asz", "-j")), &told))
		return told.Kernel
	}, func() {
		got = counters(t, k, netstat.GroupIP, netstat.GroupIP6, netstat.GroupICMP, netstat.GroupICMP6, netstat.GroupTCP,
			netstat.GroupUDP, netstat.GroupUDP6, netstat.GroupUDPLite, netstat.GroupUDPLite6, netstat.GroupMPTCP)
	})
	if len(want) < 250 {
		t.Errorf("nstat knows only %d counters", len(want))
	}
	for name, value := range want {
		c, ok := got[name]
		if !ok || c.Value.String() != value.String() {
			t.Errorf("%s = %v (%v), nstat says %v", name, c.Value, ok, value)
		}
	}
	for _, c := range []struct {
		name  string
		group netstat.CounterGroup
		least uint64
	}{
		{"IpExtInOctets", netstat.GroupIP, 5000}, {"Ip6InOctets", netstat.GroupIP6, 5000}, {"IcmpOutDestUnreachs", netstat.GroupICMP, 1},
		{"IcmpMsgOutType3", netstat.GroupICMP, 1}, {"Icmp6OutDestUnreachs", netstat.GroupICMP6, 1}, {"UdpInDatagrams", netstat.GroupUDP, 3},
		{"Udp6InDatagrams", netstat.GroupUDP6, 3}, {"TcpPassiveOpens", netstat.GroupTCP, 2}, {"TcpExtTCPOrigDataSent", netstat.GroupTCP, 2},
	} {
		value, _ := got[c.name].Value.Uint64()
		if got[c.name].Group != c.group || value < c.least {
			t.Errorf("%+v, want at least %d in group %s", got[c.name], c.least, c.group)
		}
	}
	if c := got["TcpMaxConn"]; c.Value != netstat.Signed(-1) {
		t.Errorf("%+v, want -1", c)
	}
	// Nothing more than nstat has, but for what it leaves out.
	for name := range maps.Keys(got) {
		if _, ok := want[name]; !ok && !strings.HasPrefix(name, "Tcp") && !strings.HasPrefix(name, "Ip") && !strings.HasPrefix(name, "IcmpMsg") {
			t.Errorf("nstat knows no %s", name)
		}
	}
}

// netFile returns a file of the namespace's /proc/net.
func netFile(t *testing.T, n *nstest.NS, file string) string {
	t.Helper()
	var content []byte
	n.Do(t, func() (err error) {
		content, err = os.ReadFile("/proc/thread-self/net/" + file)
		return err
	})
	return string(content)
}

// ofTheHost reports whether a counter of sockstat is of all namespaces, so that
// it moves while a test looks.
func ofTheHost(name string, _ string) bool {
	return slices.Contains([]string{"TCP_orphan", "TCP_alloc", "TCP_mem", "UDP_mem"}, name)
}

// inFile reads a file of the namespace as the test itself understands it: names
// and values in turn, of sockstat with the prefix before the colon.
func inFile(t *testing.T, n *nstest.NS, file string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for line := range strings.Lines(netFile(t, n, file)) {
		prefix := ""
		if head, rest, ok := strings.Cut(line, ": "); ok {
			prefix, line = head+"_", rest
		}
		fields := strings.Fields(line)
		for i := 0; i+1 < len(fields); i += 2 {
			values[prefix+fields[i]] = fields[i+1]
		}
	}
	return values
}

func TestSocketAndIPsecCounters(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	nstest.NeedsKernel(t, "CONFIG_XFRM_STATISTICS")
	n.ListenPacket(t, "udp4", "127.0.0.1:0")
	n.ListenPacket(t, "udp6", "[::1]:0")
	n.ListenPacket(t, "udp6", "[::1]:0")
	n.Listen(t, "tcp4", "127.0.0.1:0")
	// A policy that lets packets to one destination go nowhere.
	n.IP(t, "link add near type veth peer name far", "link set near up", "addr add 192.0.2.1/24 dev near",
		"xfrm policy add src 0.0.0.0/0 dst 192.0.2.7/32 dir out action block")
	for range 4 {
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err := unix.Connect(fd, inet4(t, "192.0.2.7", 9)); err == nil {
			t.Error("the policy lets the connection through")
		}
	}
	var got map[string]netstat.Counter
	want := unchanging(t, func() map[string]string {
		together := inFile(t, n, "xfrm_stat")
		maps.Copy(together, inFile(t, n, "sockstat"))
		maps.Copy(together, inFile(t, n, "sockstat6"))
		maps.DeleteFunc(together, ofTheHost)
		return together
	}, func() { got = counters(t, k, netstat.GroupIPsec, netstat.GroupSocket) })
	values := make(map[string]string)
	for name, c := range got {
		values[name] = c.Value.String()
	}
	for _, name := range []string{"TCP_orphan", "TCP_alloc", "TCP_mem", "UDP_mem"} {
		if _, ok := values[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	maps.DeleteFunc(values, ofTheHost)
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("counters (-file +collectors):\n%s", diff)
	}
	for name, value := range map[string]string{"UDP_inuse": "5", "UDP6_inuse": "2", "TCP_inuse": "1", "XfrmOutPolBlock": "4"} {
		if values[name] != value {
			t.Errorf("%s = %s, want %s", name, values[name], value)
		}
	}
}

func TestCountersOfGroups(t *testing.T) {
	k := open(t, nstest.New(t))
	for _, c := range counters(t, k, netstat.GroupUDP) {
		if c.Group != netstat.GroupUDP {
			t.Errorf("%s is of group %s", c.Name, c.Group)
		}
	}
	if _, err := os.Stat("/proc/net/sctp/snmp"); errors.Is(err, fs.ErrNotExist) {
		rows, err := rowsUntilError(k.Counters(t.Context(), netstat.GroupTCP, netstat.GroupSCTP))
		if rows < 100 || !errors.Is(err, netstat.ErrNotSupported) || !strings.Contains(err.Error(), "/proc/net/sctp/snmp") {
			t.Errorf("%d rows, then %v", rows, err)
		}
	}
	if _, err := rowsUntilError(k.Counters(t.Context(), "nonsense")); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("a group that nobody has: %v", err)
	}
	for range k.Counters(t.Context()) {
		break
	}
}

func TestParseCounters(t *testing.T) {
	// Columns of kernels to come, numbers of every size, a protocol to come.
	got, err := parsed("TcpExt: New TCPTimeouts\nTcpExt: 18446744073709551615 -9223372036854775808\nQuic: A\nQuic: 1\nIcmpMsg:\nIcmpMsg:\n", parseCounterPairs)
	must(t, err)
	want := fmt.Sprint([]netstat.Counter{
		{Name: "TcpExtNew", Group: netstat.GroupTCP, Value: netstat.Unsigned(1<<64 - 1)},
		{Name: "TcpExtTCPTimeouts", Group: netstat.GroupTCP, Value: netstat.Signed(-1 << 63)},
		{Name: "QuicA", Group: "quic", Value: netstat.Unsigned(1)},
	})
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	rejects(t, discard(parseCounterPairs),
		"Tcp ActiveOpens\n", "Tcp: A\n", "Tcp: A\nTcp: 1 2\n", "Tcp: A\nUdp: 1\n", "Tcp: A\nTcp: 1x\n", "Tcp: A\nTcp: 18446744073709551616\n",
		"Tcp: A\nTcp: 1.5\n", ": A\n: 1\n", "\n")
	rejects(t, discard(parseCounterLines), "A\n", "A 1 2\n", "A x\n", "A 1\n\n")
	rejects(t, discard(parseSockstat), "TCP inuse 1\n", "TCP: inuse\n", "TCP: inuse x\n", "TCP: inuse 1 orphan\n")
	rejects(t, discard(parseDevSNMP6), "Ip6InReceives 1\n", "ifIndex x\n", "ifIndex 1\nA\n", "ifIndex 4294967296\n")
}

func TestInterfaceCounters(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	n.IP(t, "link add near type veth peer name far netns "+other.Name, "link set near addrgenmode none", "link add plain type veth peer name other")
	other.IP(t, "link set far addrgenmode none")
	n.IP(t, "link set near up", "addr add 2001:db8::1/64 dev near nodad")
	other.IP(t, "link set far up", "addr add 2001:db8::2/64 dev far nodad")
	k := open(t, n)
	n.Run(t, "ping", "-c", "3", "-i", "0.01", "-W", fmt.Sprint(nstest.Patience.Seconds()), "2001:db8::2")
	near := n.Index(t, "near")
	got := make(map[uint32]map[string]string)
	read := func() {
		clear(got)
		for _, c := range all(t, k.InterfaceCounters(t.Context())) {
			if got[c.Interface] == nil {
				got[c.Interface] = make(map[string]string)
			}
			got[c.Interface][c.Name] = c.Value.String()
		}
	}
	want := unchanging(t, func() map[string]string { return inFile(t, n, "dev_snmp6/near") }, read)
	if want["ifIndex"] != fmt.Sprint(near) {
		t.Errorf("the file is of interface %s, not %d", want["ifIndex"], near)
	}
	delete(want, "ifIndex")
	if diff := cmp.Diff(want, got[near]); diff != "" {
		t.Errorf("counters of near (-file +collectors):\n%s", diff)
	}
	for name, value := range map[string]string{"Icmp6OutEchos": "3", "Icmp6InEchoReplies": "3"} {
		if got[near][name] != value {
			t.Errorf("%s = %s, want %s", name, got[near][name], value)
		}
	}
	if len(got) != 4 { // lo, near, plain and other
		t.Errorf("counters of %d interfaces", len(got))
	}
}

func FuzzParseCounterPairs(f *testing.F) {
	fuzzLines(f, "/proc/net/netstat", discard(parseCounterPairs), "Tcp: A\nTcp: -1\n")
}

func FuzzParseCounterLines(f *testing.F) {
	fuzzLines(f, "/proc/net/snmp6", discard(parseCounterLines), "XfrmInError \t0\n")
}

func FuzzParseSockstat(f *testing.F) {
	fuzzLines(f, "/proc/net/sockstat", discard(parseSockstat), "sockets: used 1\nTCP: inuse 1 orphan 0\n")
}

func FuzzParseDevSNMP6(f *testing.F) {
	fuzzLines(f, "/proc/net/dev_snmp6/lo", discard(parseDevSNMP6), "ifIndex \t1\nIp6InReceives \t0\n")
}
