package live

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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
	var asked []Flow
	var queries []string
	for _, destination := range destinations {
		flows := []Flow{{}, {Mark: 7}, {Interface: a1.Index}}
		if destination.Is6() {
			flows = append(flows, Flow{Source: netip.MustParseAddr("2001:db8:f0::1")}, Flow{Source: netip.MustParseAddr("2001:db8:f1::1")})
		}
		for _, flow := range flows {
			flow.Destination = destination
			query := destination.String()
			if flow.Source.IsValid() {
				query += " from " + flow.Source.String()
			}
			if flow.Mark != 0 {
				query += fmt.Sprint(" mark ", flow.Mark)
			}
			if flow.Interface != 0 {
				query += " oif a1"
			}
			asked, queries = append(asked, flow), append(queries, query)
		}
	}
	found, refused := 0, 0
	for i, want := range ipGets(t, n, queries) {
		if want == "error" {
			refused++
		} else {
			found++
		}
		if got := answers(t, view, asked[i], names); !slices.Contains(got, want) {
			t.Errorf("%v: %q, ip says %s", asked[i], got, want)
		}
	}
	if found < 200 || refused < 20 {
		t.Errorf("only %d found and %d refused", found, refused)
	}
}

// TestLookupAmongMany compares lookups with `ip route get` where thousands of prefixes lie within others, in several
// tables, before and after half of them went.
func TestLookupAmongMany(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 192.0.0.1/24 dev a0",
		"-6 addr add 2001:db8:f0::1/64 dev a0 nodad", "rule add priority 10 table 100", "rule add priority 20 table 200", "-6 rule add priority 10 table 100", "-6 rule add priority 20 table 200",
		"route add 16.0.0.0/4 via 192.0.0.2", "-6 route add 3000::/8 via 2001:db8:f0::2")
	r := rand.New(rand.NewPCG(3, 4))
	four := func() netip.Addr {
		return netip.AddrFrom4([4]byte{16 + byte(r.IntN(4)), byte(r.IntN(8)) << 5, byte(r.IntN(256)), byte(r.IntN(256))})
	}
	six := func() netip.Addr {
		b := [16]byte{0x30, byte(r.IntN(4)), byte(r.IntN(8)) << 5, byte(r.IntN(256)), 0, byte(r.IntN(4)), 7: byte(r.IntN(3)), 15: byte(r.IntN(256))}
		return netip.AddrFrom16(b)
	}
	s := open(t, n, Options{Kinds: netstat.KindInterface | netstat.KindRoute | netstat.KindRule})
	names := make(map[uint32]string)
	check := func() {
		t.Helper()
		settle(t, s)
		view := s.Snapshot()
		for i := range view.Interfaces() {
			names[i.Index] = i.Name
		}
		var queries []string
		var flows []Flow
		for range 1500 {
			for _, to := range []netip.Addr{four(), six()} {
				queries, flows = append(queries, to.String()), append(flows, Flow{Destination: to})
			}
		}
		hops := make(map[string]bool)
		for i, want := range ipGets(t, n, queries) {
			hops[want] = true
			if got := answers(t, view, flows[i], names); !slices.Contains(got, want) {
				t.Fatalf("%s: ip says %s, here %q", queries[i], want, got)
			}
		}
		if len(hops) < 300 {
			t.Fatalf("only %d next hops and answers", len(hops))
		}
	}
	var add, remove [2][]string
	for range 6000 {
		p := netip.PrefixFrom(four(), []int{11, 13, 16, 18, 20, 22, 23, 24, 24, 24, 25, 32}[r.IntN(12)]).Masked()
		table := []string{"main", "main", "100", "200"}[r.IntN(4)]
		add[0] = append(add[0], fmt.Sprintf("route replace %v via 192.0.0.%d table %s", p, 2+r.IntN(250), table))
		remove[0] = append(remove[0], fmt.Sprintf("route del %v table %s", p, table))
		p = netip.PrefixFrom(six(), []int{19, 24, 29, 32, 40, 48, 56, 64, 64, 120, 128}[r.IntN(11)]).Masked()
		add[1] = append(add[1], fmt.Sprintf("route replace %v via 2001:db8:f0::%x table %s", p, 2+r.IntN(250), table))
		remove[1] = append(remove[1], fmt.Sprintf("route del %v table %s", p, table))
	}
	for family, flag := range []string{"-4", "-6"} {
		force(t, n, flag, add[family])
	}
	check()
	for family, flag := range []string{"-4", "-6"} {
		force(t, n, flag, remove[family][:3000])
	}
	check()
}

// answers returns what may be the kernel's answer, as ipGets has it: of several next
// hops it chooses one.
func answers(t testing.TB, view *Snapshot, flow Flow, names map[uint32]string) (all []string) {
	t.Helper()
	rows, err := view.Lookup(flow)
	must(t, err)
	if len(rows) == 0 || refuses(rows[0].Type) {
		return []string{"error"}
	}
	for _, row := range rows {
		gateway := "-"
		if row.Gateway.IsValid() {
			gateway = row.Gateway.String()
		}
		switch {
		case row.Type == netstat.RouteLocal, row.Type == netstat.RouteAnycast:
			all = append(all, row.Type.String())
		case row.Type == netstat.RouteBroadcast && flow.InputInterface != 0: // it is received
			all = append(all, "broadcast lo -")
		default:
			all = append(all, fmt.Sprintf("%v %s %s", row.Type, names[row.Interface], gateway))
		}
	}
	return all
}

// ipGets returns what `ip route get` says to each of the queries, all of them asked by
// one process.
func ipGets(t testing.TB, n *nstest.NS, queries []string) []string {
	t.Helper()
	cmd := exec.Command("ip", "-n", n.Name, "-j", "-N", "-force", "-batch", "-")
	cmd.Stdin = strings.NewReader("route get " + strings.Join(queries, "\nroute get ") + "\n")
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	_ = cmd.Run() // it fails when a query does
	said := make([]string, len(queries))
	for line := range strings.Lines(complaints.String()) {
		if number, is := strings.CutPrefix(strings.TrimSpace(line), "Command failed -:"); is {
			i, err := strconv.Atoi(number)
			must(t, err)
			said[i-1] = "error"
		}
	}
	decoder := json.NewDecoder(&out)
	for i, query := range queries {
		if said[i] != "" {
			continue
		}
		var listed []gotRoute
		if err := decoder.Decode(&listed); err != nil || len(listed) != 1 {
			t.Fatalf("ip route get %s: %v, %d routes", query, err, len(listed))
		}
		said[i] = listed[0].describe(t, query)
	}
	if decoder.More() {
		t.Fatal("ip route get says more than it was asked")
	}
	return said
}

// gotRoute is what `ip -j route get` prints.
type gotRoute struct {
	Type, Dev, Gateway string
	Via                struct{ Host string }
}

func (l gotRoute) describe(t testing.TB, query string) string {
	t.Helper()
	l.Gateway = cmp.Or(l.Gateway, l.Via.Host, "-")
	kind := netstat.RouteUnicast
	if l.Type != "" {
		if number, err := strconv.Atoi(l.Type); err == nil {
			kind = netstat.RouteType(number)
		} else {
			for kind = 0; kind.String() != l.Type; kind++ {
				if kind > 20 {
					t.Fatalf("%s: type %q", query, l.Type)
				}
			}
		}
	}
	switch {
	case kind == netstat.RouteLocal, kind == netstat.RouteAnycast:
		return kind.String()
	case kind == netstat.RouteUnicast && l.Dev == "lo":
		return netstat.RouteLocal.String()
	}
	return fmt.Sprintf("%v %s %s", kind, l.Dev, l.Gateway)
}

// lookupScene makes a namespace with random rules, routes and nexthop objects of
// both families.
func lookupScene(t testing.TB, r *rand.Rand) *nstest.NS {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link add a1 type veth peer name b1", "link add a2 type veth peer name b2",
		"link set a0 up", "link set b0 up", "link set a1 up", "link set b1 up", "link set a2 up",
		"addr add 192.0.0.1/24 dev a0", "addr add 192.0.1.1/24 dev a1",
		"-6 addr add 2001:db8:f0::1/64 dev a0 nodad", "-6 addr add 2001:db8:f1::1/64 dev a1 nodad",
		"route add default via 192.0.0.9 metric 50", "-6 route add default via 2001:db8:f1::9 metric 99",
		"nexthop add id 1 via 192.0.0.33 dev a0", "nexthop add id 2 via 192.0.1.33 dev a1", "nexthop add id 3 blackhole",
		"nexthop add id 4 group 1/2", "nexthop add id 5 group 2", "nexthop add id 6 dev a1",
		"-6 nexthop add id 11 via 2001:db8:f0::33 dev a0", "-6 nexthop add id 12 via 2001:db8:f1::33 dev a1", "-6 nexthop add id 13 blackhole",
		"nexthop add id 14 group 11/12", "nexthop add id 15 group 12", "-6 nexthop add id 16 dev a1")
	n.Sysctl(t, "net.ipv4.ip_forward", "1")
	n.Sysctl(t, "net.ipv6.conf.all.forwarding", "1")
	for _, device := range []string{"all", "a0", "a1"} {
		n.Sysctl(t, "net.ipv4.conf."+device+".rp_filter", "0")
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	commands := make(map[string][]string)
	for _, family := range []string{"-4", "-6"} {
		prefix := func() string {
			if family == "-6" {
				return fmt.Sprintf("2001:db8:%x::/%d", r.IntN(4)<<14, []int{33, 34, 48}[r.IntN(3)])
			}
			return fmt.Sprintf("10.%d.%d.0/%d", r.IntN(4)<<6, r.IntN(2)<<7, []int{8, 9, 10, 16, 17, 24}[r.IntN(6)])
		}
		tables := []string{"main", "100", "200", "300"}
		for range 200 {
			verb := pick("add", "add", "add", "append", "prepend")
			metric, tos := pick("", "", " metric 5", " metric 7"), pick("", "", "", " tos 0x10")
			if family == "-6" {
				verb, tos = pick("add", "append"), ""
			}
			via := func() string {
				if family == "-6" {
					return fmt.Sprintf("via 2001:db8:f%d::%x", r.IntN(2), 2+r.IntN(200))
				}
				return fmt.Sprintf("via 192.0.%d.%d", r.IntN(2), 2+r.IntN(200))
			}
			to, target := prefix(), via()
			switch r.IntN(12) {
			case 0, 1:
				to, target = pick("blackhole ", "unreachable ", "prohibit ", "throw ")+to, ""
			case 2, 3, 4:
				target = "nhid " + map[string]string{"-4": "", "-6": "1"}[family] + pick("1", "2", "3", "4", "5", "6")
			case 5:
				target = "dev " + pick("a0", "a1")
			case 6:
				target = "nexthop " + via() + " nexthop " + via()
			case 7:
				to = map[string]string{"-4": pick("224.0.0.0/4", "232.1.0.0/16", "239.0.0.0/8", "255.255.255.255", "192.0.2.0/24"), "-6": pick("ff05::/16", "ff0e::1:0/112", "2001:db8::/32")}[family]
			case 8:
				if family == "-6" {
					to += " from " + pick("2001:db8:f0::/48", "2001:db8:f0::/64", "2001:db8:f1::/48", "2001:db8::/32")
				}
			}
			commands[family] = append(commands[family], fmt.Sprintf("route %s %s %s table %s%s%s", verb, to, target, tables[r.IntN(4)], metric, tos))
		}
		for range 14 {
			source := pick("192.0.0.0/24", "192.0.1.1")
			if family == "-6" {
				source = pick("2001:db8:f0::/48", "2001:db8:f1::1")
			}
			selector := pick("to "+prefix(), "to "+prefix(), "from "+source, "fwmark 7", "fwmark 5/5", "tos 0x10", "uidrange 5-6", "oif a1", "iif lo", "iif a0", "iif a1", "ipproto tcp", "ipproto udp dport 53", "sport 1000-1001", "dport 52", "not dport 53-54", "not to "+prefix(), "not fwmark 7", "from all")
			action := pick("table 100", "table 200", "table 300", "table main", "table 300 suppress_prefixlength 0", "table 100 suppress_prefixlength 9", "table 200 suppress_prefixlength 34",
				"table main suppress_prefixlength 0", "blackhole", "unreachable", "prohibit", "goto 400", "goto 30000", "nop")
			commands[family] = append(commands[family], fmt.Sprintf("rule add %s priority %d %s", selector, 10*(1+r.IntN(60)), action))
		}
		commands[family] = append(commands[family], "rule add to 203.0.113.0/24 priority 400 table 100", "rule add to 2001:500::/32 priority 400 table 100", "rule add priority 30000 table 200 suppress_prefixlength 8")
		force(t, n, family, commands[family])
	}
	return n
}

// TestLookupOfRandomScenes compares lookups with the kernel's, over flows of every
// kind.
func TestLookupOfRandomScenes(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (-live.seed)", seed)
	r := rand.New(rand.NewPCG(seed, seed))
	for scene := range *scenesFlag {
		n := lookupScene(t, r)
		s := open(t, n, Options{})
		settle(t, s)
		view := s.Snapshot()
		names := make(map[uint32]string)
		for i := range view.Interfaces() {
			names[i.Index] = i.Name
		}
		var flows []Flow
		var queries []string
		for range 150 {
			var flow Flow
			six := r.IntN(2) == 0
			var source string
			if six {
				flow.Destination = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", r.IntN(1<<16), r.IntN(1<<16)))
				source = fmt.Sprintf("2001:db8:f%d::1", r.IntN(2))
			} else {
				flow.Destination = netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
				source = fmt.Sprintf("192.0.%d.1", r.IntN(2))
			}
			if r.IntN(3) == 0 {
				special := []string{"224.0.0.5", "239.1.2.3", "232.1.1.1", "255.255.255.255", "0.0.0.0", "0.1.2.3", "127.0.0.1", "192.0.0.1", "192.0.1.255", "203.0.113.7"}
				if six {
					special = []string{"ff02::1", "ff05::2", "ff0e::1:7", "::1", "2001:db8:f0::1", "2001:db8:f1::33", "2001:500::1", "fe80::77"}
				}
				flow.Destination = netip.MustParseAddr(special[r.IntN(len(special))])
			}
			query := flow.Destination.String()
			if r.IntN(3) == 0 {
				flow.Source = netip.MustParseAddr(source)
				query += " from " + source
			}
			if r.IntN(3) == 0 && (!six || !flow.Source.IsValid()) { // with a source, ip is not as a socket that is bound
				link, _ := view.InterfaceByName([]string{"a0", "a1", "a2"}[r.IntN(3)])
				flow.Interface = link.Index
				query += " oif " + link.Name
			}
			if r.IntN(4) == 0 {
				flow.Mark = uint32(5 + r.IntN(3))
				query += fmt.Sprint(" mark ", flow.Mark)
			}
			if r.IntN(4) == 0 {
				flow.TOS = []uint8{0x10, 0x08}[r.IntN(2)]
				query += fmt.Sprintf(" tos %#x", flow.TOS)
			}
			if r.IntN(4) == 0 {
				flow.UID = 5
				query += " uid 5"
			}
			if r.IntN(3) == 0 {
				flow.Protocol, flow.SourcePort, flow.DestinationPort = []netstat.IPProtocol{netstat.IPProtocolTCP, netstat.IPProtocolUDP}[r.IntN(2)], uint16(1000+r.IntN(3)), uint16(52+r.IntN(3))
				query += fmt.Sprintf(" ipproto %d sport %d dport %d", flow.Protocol, flow.SourcePort, flow.DestinationPort)
			}
			// Of groups, and of what has no business here, ip says more than how it is routed.
			if flow.Interface == 0 && !flow.Destination.IsMulticast() && !flow.Destination.IsLoopback() && r.IntN(3) == 0 {
				link, _ := view.InterfaceByName([]string{"a0", "a1"}[r.IntN(2)])
				flow.InputInterface = link.Index
				flow.Source = netip.MustParseAddr(map[bool]string{false: "198.51.100.9", true: "2001:db8:f7::9"}[six])
				query = strings.Replace(query, " from "+source, "", 1) + fmt.Sprintf(" from %v iif %s", flow.Source, link.Name)
			}
			flows, queries = append(flows, flow), append(queries, query)
		}
		found := 0
		for i, want := range ipGets(t, n, queries) {
			if want != "error" {
				found++
			}
			if got := answers(t, view, flows[i], names); !slices.Contains(got, want) {
				t.Errorf("scene %d: ip route get %s: %s, here %q", scene, queries[i], want, got)
			}
		}
		if found < 20 {
			t.Errorf("scene %d: only %d found", scene, found)
		}
		if t.Failed() {
			for _, family := range []string{"-4", "-6"} {
				rules, _ := tryIP(n, []string{family, "rule"})
				routes, _ := tryIP(n, []string{family, "route", "show", "table", "all"})
				t.Logf("%s\n%s", rules, routes)
			}
			return
		}
	}
}

// TestLookupByRulesNotKnown has rules whose selectors ip(8) may not know: what
// this package does not know either is not taken for a rule for everything.
func TestLookupByRulesNotKnown(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "-6 route add 2001:db8::/32 dev lo", "-6 route add unreachable 2001:db8::/32 table 300 metric 1")
	// FRA_PRIORITY, FRA_TABLE, FRA_FLOWLABEL and FRA_FLOWLABEL_MASK of
	// include/uapi/linux/fib_rules.h.
	const priority, table, label, mask = 6, 15, 26, 27
	n.Do(t, func() error {
		attribute := func(b []byte, kind uint16, value []byte) []byte {
			return append(binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, 8), kind), value...)
		}
		native := func(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
		network := func(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
		body := []byte{unix.AF_INET6, 0, 0, 0, 0, 0, 0, byte(netstat.RuleTable), 0, 0, 0, 0}
		body = attribute(body, priority, native(500))
		body = attribute(body, table, native(300))
		body = attribute(body, label, network(0x12345))
		body = attribute(body, mask, network(0xfffff))
		message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
		message = binary.NativeEndian.AppendUint16(message, unix.RTM_NEWRULE)
		message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
		message = append(message, make([]byte, 8)...)
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Sendto(fd, append(message, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return err
		}
		answer := make([]byte, 4096)
		if _, _, err := unix.Recvfrom(fd, answer, 0); err != nil {
			return err
		}
		if errno := -int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
			if !nstest.KernelSince(t, 6, 14) {
				t.Skip("Linux before 6.14 has no rules by flow label")
			}
			return unix.Errno(errno)
		}
		return nil
	})
	s := open(t, n, Options{})
	to := netip.MustParseAddr("2001:db8::1")
	for label, want := range map[uint32]netstat.RouteType{0: netstat.RouteUnicast, 0x12345: netstat.RouteUnreachable, 0x12344: netstat.RouteUnicast} {
		rows, err := s.Snapshot().Lookup(Flow{Destination: to, FlowLabel: label})
		must(t, err)
		if len(rows) == 0 || rows[0].Type != want {
			t.Errorf("flow label %#x: %+v, want %v", label, rows, want)
		}
	}

	state := newState()
	for _, rule := range []netstat.Rule{
		{Family: netstat.IPv6, Priority: 10, Action: netstat.RuleTable, Table: 300, Unknown: true, Destination: netip.MustParsePrefix("2001:db8::/32")},
		{Family: netstat.IPv6, Priority: 20, Action: netstat.RuleTable, Table: 300, Unknown: true, Flags: netstat.RuleInvert, Destination: netip.MustParsePrefix("::/0")},
		{Family: netstat.IPv6, Priority: 30, Action: netstat.RuleProhibit},
	} {
		state.rules.add(&rule)
	}
	view := &Snapshot{state: state, kinds: netstat.AllKinds}
	if rows, err := view.Lookup(Flow{Destination: to}); !errors.Is(err, ErrUnknownRule) {
		t.Errorf("by a rule that may apply: %v, error %v", rows, err)
	}
	// The second rule is for what does not match, and everything might.
	if rows, err := view.Lookup(Flow{Destination: netip.MustParseAddr("2001:dead::1")}); !errors.Is(err, ErrUnknownRule) {
		t.Errorf("by an inverted rule that may apply: %v, error %v", rows, err)
	}
	state.rules.remove(&netstat.Rule{Family: netstat.IPv6, Priority: 20, Action: netstat.RuleTable, Table: 300, Unknown: true, Flags: netstat.RuleInvert, Destination: netip.MustParsePrefix("::/0")})
	if rows, err := view.Lookup(Flow{Destination: netip.MustParseAddr("2001:dead::1")}); err != nil || len(rows) != 1 || rows[0].Type != netstat.RouteProhibit {
		t.Errorf("where no rule that is not known may apply: %v, error %v", rows, err)
	}
}
