package nettop_test

import (
	"fmt"
	"net"
	"os/exec"
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
	nstest.NeedsProgram(t, "nft")
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_CONNTRACK_ZONES", "CONFIG_NF_CONNTRACK_EVENTS"} {
		nstest.NeedsKernel(t, option)
	}
	ns := pair(t)
	ns.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
	ns.Sysctl(t, "net.netfilter.nf_conntrack_udp_timeout", "600")
	rules := exec.Command("ip", "netns", "exec", ns.Name, "nft", "-f", "-")
	rules.Stdin = strings.NewReader(`table inet track {
		chain raw { type filter hook output priority raw; udp dport 5353 ct zone set 7
		}
		chain pre { type filter hook prerouting priority raw; udp dport 5353 ct zone set 7
		}
		chain in { type filter hook input priority filter; ct state invalid drop
		}
	}`)
	if out, err := rules.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
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
