package nettop_test

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// tracking is a namespace whose flows are tracked and counted, those to port 5353 in zone 7.
func tracking(t *testing.T) *nstest.NS {
	t.Helper()
	nstest.NeedsProgram(t, "conntrack")
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_CONNTRACK_ZONES", "CONFIG_NF_CONNTRACK_EVENTS"} {
		nstest.NeedsKernel(t, option)
	}
	ns := pair(t)
	ns.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
	ns.Sysctl(t, "net.netfilter.nf_conntrack_udp_timeout", "600")
	ns.NFT(t, `table inet track {
		chain raw { type filter hook output priority raw; udp dport 5353 ct zone set 7
		}
		chain pre { type filter hook prerouting priority raw; udp dport 5353 ct zone set 7
		}
		chain in { type filter hook input priority filter; ct state invalid drop
		}
	}`)
	return ns
}

// datagrams sends so many datagrams of 100 octets: 128 each with their headers.
func datagrams(t *testing.T, c net.Conn, n int) {
	t.Helper()
	for range n {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
}

const datagram = 100 + 20 + 8

// What flows carried is exact: of those that are there, beside conntrack, and of one that began
// and ended between two readings.
func TestTrackedFlowsAreCounted(t *testing.T) {
	ns := tracking(t)
	ns.ListenPacket(t, "udp", "127.0.0.2:5300")
	ns.ListenPacket(t, "udp", "127.0.0.2:5353")
	before := ns.Dial(t, "udp", "127.0.0.2:5300")
	datagrams(t, before, 5)
	f := follow(t, "tracked", "--netns", ns.Name, "--interval", "0.3")
	for row := f.next(); row["kind"] != "flowTraffic"; row = f.next() {
		if row["kind"] != "flowUsage" || number(row, "limit") == 0 || number(row, "buckets") == 0 {
			t.Errorf("above the rows stands %v", row)
		}
	}
	port := func(c net.Conn) int64 { return int64(c.LocalAddr().(*net.UDPAddr).Port) }
	datagrams(t, before, 7)
	zoned, short := ns.Dial(t, "udp", "127.0.0.2:5353"), ns.Dial(t, "udp", "127.0.0.2:5300")
	datagrams(t, zoned, 11)
	datagrams(t, short, 3)
	ns.Run(t, "conntrack", "-D", "-p", "udp", "--orig-port-src", strconv.FormatInt(port(short), 10))
	want := map[int64]string{port(before): "7 896 0 false", port(zoned): "11 1408 7 false", port(short): "3 384 0 true"}
	for len(want) > 0 {
		row := f.next()
		if row["kind"] != "flowTraffic" {
			continue
		}
		over, _ := row["ended"].(bool)
		from := number(row, "sourcePort")
		if got := fmt.Sprintf("%d %d %d %v", number(row, "sentPackets"), number(row, "sentBytes"), number(row, "zone"), over); got == want[from] {
			if number(row, "receivedBytes") != 0 || row["atLeast"] != nil {
				t.Errorf("nobody answered: %v", row)
			}
			delete(want, from)
		} else if number(row, "sentBytes") > 11*datagram {
			t.Fatalf("%v, want %v", row, want)
		}
	}
	// What was counted in all is what conntrack has.
	found := rows(t, "tracked", "--netns", ns.Name, "--once", "--interval", "0.1", "--filter", fmt.Sprintf("sourcePort=%d", port(before)))
	line := ns.Run(t, "conntrack", "-L", "-p", "udp", "--orig-port-src", strconv.FormatInt(port(before), 10))
	match := regexp.MustCompile(`packets=(\d+) bytes=(\d+)`).FindStringSubmatch(line)
	if len(found) != 2 || match == nil {
		t.Fatalf("%v, and conntrack has %q", found, line)
	}
	if row := found[1]; fmt.Sprint(number(row, "originalPackets"), number(row, "originalBytes")) != match[1]+" "+match[2] || number(row, "sentBytes") != 0 {
		t.Errorf("%v, and conntrack has %q", row, line)
	}
	if count := strings.TrimSpace(ns.Run(t, "sysctl", "-n", "net.netfilter.nf_conntrack_count")); fmt.Sprint(number(found[0], "flows")) != count {
		t.Errorf("there are %v flows, and not %s", found[0]["flows"], count)
	}
}

// Totals by host have what went from and to each, and those by zone what went through it,
// also of flows that ended.
func TestTrackedTotals(t *testing.T) {
	ns := tracking(t)
	server := ns.ListenPacket(t, "udp", "127.0.0.2:5300")
	ns.ListenPacket(t, "udp", "127.0.0.2:5353")
	hosts := follow(t, "hosts", "--netns", ns.Name, "--interval", "0.3", "--filter", "key=127.0.0.1 or key=127.0.0.2")
	zones := follow(t, "zones", "--netns", ns.Name, "--interval", "0.3")
	for _, f := range []*following{hosts, zones} { // they look
		if row := f.next(); row["kind"] != "flowUsage" {
			t.Fatalf("the first row is %v", row)
		}
	}
	one, other, zoned := ns.Dial(t, "udp", "127.0.0.2:5300"), ns.Dial(t, "udp", "127.0.0.2:5300"), ns.Dial(t, "udp", "127.0.0.2:5353")
	datagrams(t, one, 10)
	datagrams(t, other, 20)
	datagrams(t, zoned, 40)
	if _, err := server.WriteTo(make([]byte, 100), one.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	ns.Run(t, "conntrack", "-D", "-p", "udp", "--orig-port-src", strconv.Itoa(other.LocalAddr().(*net.UDPAddr).Port))
	expect := func(f *following, want map[string]string) {
		t.Helper()
		for len(want) > 0 {
			row := f.next()
			key, _ := row["key"].(string)
			got := fmt.Sprintf("%d/%d %d/%d %d+%d", number(row, "sentPackets"), number(row, "sentBytes"), number(row, "receivedPackets"), number(row, "receivedBytes"), number(row, "flows"), number(row, "ended"))
			if got == want[key] {
				delete(want, key)
			} else if number(row, "sentPackets") > 70 {
				t.Fatalf("%v, want %v", row, want)
			}
		}
	}
	expect(hosts, map[string]string{"127.0.0.1": "70/8960 1/128 2+1", "127.0.0.2": "1/128 70/8960 2+1"})
	expect(zones, map[string]string{"0": "30/3840 1/128 1+1", "7": "40/5120 0/0 1+0"})
}

// What connection tracking counts of the flows of a UDP socket is the socket's, less the headers: of
// both ends, of an unconnected one from several others, and of what its flows had until it was closed.
// Of two with one address it is not known, and of packets that go to another host it is nobody's.
func TestTrackedDatagrams(t *testing.T) {
	ns := tracking(t)
	ns.IP(t, "addr add 192.0.2.1/24 dev lo", "route add unreachable 198.51.100.0/24")
	server := ns.ListenPacket(t, "udp", "0.0.0.0:5300")
	answered, other := ns.Dial(t, "udp", "192.0.2.1:5300"), ns.Dial(t, "udp", "127.0.0.2:5300")
	datagrams(t, answered, 5)
	f := follow(t, "connections", "--netns", ns.Name, "--interval", "0.3", "--filter", "protocol=udp")
	users := follow(t, "users", "--netns", ns.Name, "--interval", "0.3")
	// Of what went through before somebody looked, nothing is told.
	for seen := 0; seen < 3; seen++ {
		if row := f.next(); number(row, "sentBytes") != 0 || number(row, "receivedBytes") != 0 {
			t.Errorf("as it begins to look: %v", row)
		}
	}
	users.next()
	datagrams(t, answered, 7)
	datagrams(t, other, 3)
	if _, err := server.WriteTo(make([]byte, 1000), answered.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	port := func(a net.Addr) int64 { return int64(a.(*net.UDPAddr).Port) }
	expect := func(what string, want map[int64]string) {
		t.Helper()
		// Flows are read for a twentieth of the time at most.
		for seen := 0; len(want) > 0; seen++ {
			row := f.next()
			if seen > 600 {
				t.Fatalf("%s: %v, still without %v", what, row, want)
			}
			local, over := number(row, "localPort"), row["ended"] != nil
			got := fmt.Sprintf("%d/%d %v", number(row, "sentBytes"), number(row, "receivedBytes"), over)
			if got == want[local] {
				delete(want, local)
			} else if number(row, "sentBytes") > 1000 || number(row, "receivedBytes") > 1200 {
				t.Fatalf("%s: %v, want %v", what, row, want)
			}
		}
	}
	expect("each end", map[int64]string{5300: "1000/1000 false", port(answered.LocalAddr()): "700/1000 false", port(other.LocalAddr()): "300/0 false"})
	datagrams(t, other, 2)
	other.Close()
	expect("one that was closed", map[int64]string{5300: "1000/1200 false", port(other.LocalAddr()): "500/0 true"})
	for row := users.next(); fmt.Sprint(number(row, "sentBytes"), number(row, "receivedBytes"), number(row, "counted"), number(row, "ended")) != "2200 2200 3 1"; row = users.next() {
		if number(row, "sentBytes") > 2200 || number(row, "ended") > 0 {
			t.Fatalf("together: %v", row)
		}
	}
}

// Packets that nobody counts are unknown, and never none.
func TestUncountedFlows(t *testing.T) {
	ns := tracking(t)
	ns.Sysctl(t, "net.netfilter.nf_conntrack_acct", "0")
	ns.ListenPacket(t, "udp", "127.0.0.2:5300")
	c := ns.Dial(t, "udp", "127.0.0.2:5300")
	datagrams(t, c, 5)
	for view, members := range map[string][]string{
		"tracked": {"sentBytes", "receivedBytes", "sentRate", "receivedRate", "originalBytes"}, "hosts": {"sentBytes", "receivedBytes", "sentRate", "receivedRate"},
	} {
		found := rows(t, view, "--netns", ns.Name, "--once", "--interval", "0.1")
		if len(found) < 2 {
			t.Fatalf("%s: %v", view, found)
		}
		for _, row := range found[1:] {
			for _, name := range members {
				if v, is := row[name]; is {
					t.Errorf("%s: %s is %v", view, name, v)
				}
			}
		}
	}
}
