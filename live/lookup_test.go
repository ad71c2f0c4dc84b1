package live

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestLookupAgreesWithIP compares lookups with `ip route get`.
func TestLookupAgreesWithIP(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link add a1 type veth peer name b1",
		"link set a0 up", "link set b0 up", "link set a1 up", "link set b1 up",
		"addr add 192.0.0.1/24 dev a0", "addr add 192.0.1.1/24 dev a1",
		"-6 addr add 2001:db8:f0::1/64 dev a0 nodad", "-6 addr add 2001:db8:f1::1/64 dev a1 nodad",
		"rule add to 10.128.0.0/9 table 100 priority 10", "rule add from 10.0.0.0/8 table 200 priority 20",
		"rule add to 10.192.0.0/10 goto 100 priority 30", "rule add to 10.192.0.0/12 prohibit priority 40", "rule add to 10.200.0.0/16 blackhole priority 100",
		"rule add to 10.201.0.0/16 unreachable priority 101", "rule add fwmark 7 table 200 priority 102", "rule add not to 10.0.0.0/8 table 300 priority 103",
		"rule add table main suppress_prefixlength 0 priority 104", "rule add iif lo to 10.202.0.0/16 table 200 priority 105", "rule add iif a0 table 300 priority 106",
		"rule add tos 0x10 table 300 priority 107", "rule add uidrange 5-6 table 300 priority 108", "rule add table 400 priority 109",
		"-6 rule add to 2001:db8:8000::/33 table 100 priority 10", "-6 rule add from 2001:db8::/32 table 200 priority 20",
		"-6 rule add table main suppress_prefixlength 0 priority 30", "-6 rule add table 300 priority 40",
		"route add default via 192.0.0.9", "route add default via 192.0.1.9 metric 50", "-6 route add default via 2001:db8:f0::9 metric 99",
		"route add default via 192.0.1.77 table 400", "-6 route add default via 2001:db8:f1::77 table 300",
		"nexthop add id 1 via 192.0.1.33 dev a1", "nexthop add id 2 group 1",
	)
	r := rand.New(rand.NewPCG(1, 2))
	var four, six []string
	for range 400 {
		table := []string{"main", "100", "200", "300"}[r.IntN(4)]
		target := fmt.Sprintf("via 192.0.%d.%d", r.IntN(2), 2+r.IntN(200))
		metric := []string{"", " metric 5", " metric 7", " tos 0x10"}[r.IntN(4)]
		kind := ""
		switch r.IntN(12) {
		case 0:
			kind, target = []string{"blackhole ", "unreachable ", "prohibit ", "throw "}[r.IntN(4)], ""
		case 1:
			target = "nhid 2"
		case 2:
			target = "dev a1"
		}
		four = append(four, fmt.Sprintf("route add %s10.%d.%d.0/%d %s table %s%s", kind, r.IntN(256)&0xf8, r.IntN(256)&0xf0, []int{9, 12, 13, 16, 20, 24}[r.IntN(6)], target, table, metric))
		six = append(six, fmt.Sprintf("route add %s2001:db8:%x::/%d %s table %s", kind, r.IntN(1<<16)&0xf000, []int{33, 34, 36, 40, 48, 64}[r.IntN(6)],
			strings.NewReplacer("192.0.0.", "2001:db8:f0::", "192.0.1.", "2001:db8:f1::", "nhid 2", "dev a0").Replace(target), table))
	}
	for range 60 {
		six = append(six, fmt.Sprintf("route add 2001:db8:%x::/%d from 2001:db8:f%d::/%d via 2001:db8:f%d::%d table %s%s", r.IntN(1<<16)&0xf000, []int{33, 34, 36, 48}[r.IntN(4)],
			r.IntN(2), 46+r.IntN(3), r.IntN(2), 2+r.IntN(200), []string{"main", "100", "200"}[r.IntN(3)], []string{"", " metric 5"}[r.IntN(2)]))
	}
	force(t, n, "-4", four)
	force(t, n, "-6", six)
	s := open(t, n, Options{})
	settle(t, s)
	view := s.Snapshot()
	names := make(map[uint32]string)
	for i := range view.Interfaces() {
		names[i.Index] = i.Name
	}
	a1, _ := view.InterfaceByName("a1")
	if view.Count(netstat.KindRoute) < 300 {
		t.Fatalf("only %d routes", view.Count(netstat.KindRoute))
	}

	var destinations []netip.Addr
	for range 300 {
		destinations = append(destinations,
			netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}),
			netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", r.IntN(1<<16), r.IntN(1<<16))))
	}
	for _, a := range []string{"192.0.0.1", "192.0.0.77", "192.0.1.255", "203.0.113.1", "127.0.0.1", "10.200.1.1", "10.201.1.1", "10.192.0.1", "2001:db8:f0::1", "2001:db8:f1::33", "::1", "2001:500::1"} {
		destinations = append(destinations, netip.MustParseAddr(a))
	}
	found, refused := 0, 0
	for _, destination := range destinations {
		flows := []Flow{{}, {Mark: 7}, {Interface: a1.Index}}
		if destination.Is6() {
			flows = append(flows, Flow{Source: netip.MustParseAddr("2001:db8:f0::1")}, Flow{Source: netip.MustParseAddr("2001:db8:f1::1")})
		}
		for _, flow := range flows {
			flow.Destination = destination
			args := []string{"-j", "-N", "route", "get", destination.String()}
			if flow.Source.IsValid() {
				args = append(args, "from", flow.Source.String())
			}
			if flow.Mark != 0 {
				args = append(args, "mark", fmt.Sprint(flow.Mark))
			}
			if flow.Interface != 0 {
				args = append(args, "oif", "a1")
			}
			want := ipGet(t, n, args)
			got := "error"
			if rows, ok := view.Lookup(flow); ok {
				switch row := rows[0]; row.Type {
				case netstat.RouteUnicast:
					got = fmt.Sprintf("unicast %s %s", names[row.Interface], gatewayOf(row))
				case netstat.RouteLocal:
					got = "local lo"
				case netstat.RouteBroadcast:
					got = fmt.Sprintf("broadcast %s", names[row.Interface])
				}
			}
			if want == "error" {
				refused++
			} else {
				found++
			}
			if got != want {
				t.Errorf("%v: %s, ip says %s", flow, got, want)
			}
		}
	}
	if found < 200 || refused < 20 {
		t.Errorf("only %d found and %d refused", found, refused)
	}
}

func gatewayOf(r netstat.Route) string {
	if !r.Gateway.IsValid() {
		return "-"
	}
	return r.Gateway.String()
}

// ipGet returns what `ip route get` says.
func ipGet(t testing.TB, n *nstest.NS, args []string) string {
	t.Helper()
	out, ok := tryIP(n, args)
	if !ok {
		return "error"
	}
	var listed []struct{ Type, Dev, Gateway string }
	decodeJSON(t, out, &listed)
	l := listed[0]
	switch {
	case l.Type == "local" || l.Type == "2", l.Dev == "lo":
		return "local lo"
	case l.Type == "broadcast" || l.Type == "3":
		return "broadcast " + l.Dev
	case l.Type != "" && l.Type != "unicast" && l.Type != "1":
		return "error"
	case l.Gateway == "":
		l.Gateway = "-"
	}
	return fmt.Sprintf("unicast %s %s", l.Dev, l.Gateway)
}
