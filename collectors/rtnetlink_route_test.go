package collectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func routes(t testing.TB, k *Kernel, q netstat.RouteQuery) []netstat.Route {
	t.Helper()
	var all []netstat.Route
	for r, err := range k.Routes(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// routeScene makes routes of every sort.
func routeScene(t *testing.T, n *nstest.NS) {
	t.Helper()
	n.IP(t,
		"link add near type veth peer name far", "link add left type veth peer name right",
		"link set near up", "link set far up", "link set left up", "link set right up",
		"addr add 192.0.2.1/24 dev near", "addr add 198.51.100.1/24 dev left",
		"-6 addr add 2001:db8:1::1/64 dev near nodad", "-6 addr add 2001:db8:2::1/64 dev left nodad",
		"addr add 203.0.113.1 peer 203.0.113.2 dev left",

		"route add default via 192.0.2.254 dev near proto static metric 100",
		"route add default via 192.0.2.253 dev near proto dhcp metric 200",
		"route add 10.1.0.0/16 via 192.0.2.2 src 192.0.2.1 mtu 1300 advmss 1200 initcwnd 12 window 5000 hoplimit 9",
		"route add 10.2.0.0/16 nexthop via 192.0.2.2 dev near weight 3 nexthop via 198.51.100.2 dev left weight 256 nexthop dev left",
		"route add blackhole 10.3.0.0/16", "route add unreachable 10.4.0.0/16", "route add prohibit 10.5.0.0/16", "route add throw 10.6.0.0/16",
		"route add 10.7.0.0/16 via 192.0.2.2 table 100", "route add 10.7.0.0/16 via 192.0.2.3 table 70000",
		"route add 10.8.0.0/16 via 192.0.2.2 metric 10", "route add 10.8.0.0/16 via 192.0.2.2 metric 20",
		"route add 10.8.0.0/16 via 192.0.2.2 metric 10 tos 0x10",
		"route add 10.9.0.0/16 via 172.16.0.1 dev near onlink",
		"route add 10.10.0.0/16 via inet6 fe80::9 dev near", "route add 10.11.0.0/16 dev near scope link",
		"route add 10.12.0.0/16 via 192.0.2.2 realm 7",
		"route add 10.13.0.1 via 192.0.2.2 proto bgp",
		"route add multicast 239.0.0.0/8 dev near table main",

		"-6 route add default via fe80::9 dev near metric 100", "-6 route add default via fe80::9 dev left metric 100 pref high table 200",
		"-6 route add default via fe80::9 dev left metric 200 pref low table 200",
		"-6 route add 2001:db8:10::/48 via 2001:db8:1::2 mtu 1400 hoplimit 33",
		"-6 route add 2001:db8:11::/48 nexthop via 2001:db8:1::2 dev near weight 2 nexthop via fe80::7 dev left weight 5",
		"-6 route add blackhole 2001:db8:12::/48", "-6 route add unreachable 2001:db8:13::/48",
		"-6 route add prohibit 2001:db8:14::/48", "-6 route add throw 2001:db8:15::/48 table 200",
		"-6 route add 2001:db8:16::/48 via 2001:db8:1::2 metric 10", "-6 route add 2001:db8:16::/48 via 2001:db8:2::2 metric 20",
		"-6 route add 2001:db8:17::/48 via 2001:db8:1::2 expires 3000",
		"-6 route add 2001:db8:18::/48 dev near src 2001:db8:1::1 proto ra",
		"-6 route add 2001:db8:19::/48 from 2001:db8:aa::/56 via 2001:db8:1::2",

		"nexthop add id 1 via 192.0.2.2 dev near", "nexthop add id 2 via 198.51.100.2 dev left", "nexthop add id 3 blackhole",
		"nexthop add id 4 dev near", "nexthop add id 5 via fe80::5 dev near",
		"nexthop add id 10 group 1,4/2,9", "nexthop add id 11 group 1", "nexthop add id 12 group 5",
		"route add 10.20.0.0/16 nhid 1", "route add 10.21.0.0/16 nhid 10", "route add 10.22.0.0/16 nhid 3",
		"route add 10.23.0.0/16 nhid 11", "route add 10.24.0.0/16 nhid 5",
		"-6 route add 2001:db8:20::/48 nhid 5", "-6 route add 2001:db8:21::/48 nhid 12",
	)
}

// ipRoute is what `ip -j -d -N route show table all` tells.
type ipRoute struct {
	Type     string
	Dst, Src string
	From     string
	Gateway  string
	Via      *struct{ Family, Host string }
	Dev      string
	Table    string
	Protocol string
	Scope    string
	PrefSrc  string
	TOS      string
	Metric   uint32
	Flags    []string
	NHID     uint32
	Expires  int
	Pref     string
	Flow     struct{ From, To string }
	Metrics  []struct{ MTU, Window, AdvMSS, HopLimit, InitCwnd uint32 }
	NextHops []struct {
		Gateway string
		Via     *struct{ Family, Host string }
		Dev     string
		Weight  uint16
		Flags   []string
	}
}

// netstat returns the routes as this package tells them.
func (r *ipRoute) netstat(t *testing.T, family netstat.Family, indexes map[string]uint32) []netstat.Route {
	t.Helper()
	number := func(s string) uint32 {
		if s == "" {
			return 0
		}
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			t.Fatalf("ip prints %+v: %v", *r, err)
		}
		return uint32(n)
	}
	addr := func(s string) (a netip.Addr) {
		if s != "" {
			a = netip.MustParseAddr(s)
		}
		return a
	}
	prefix := func(s string) netip.Prefix {
		switch {
		case s == "default" && family == netstat.IPv4:
			s = "0.0.0.0/0"
		case s == "default":
			s = "::/0"
		case !strings.Contains(s, "/"):
			a := netip.MustParseAddr(s)
			return netip.PrefixFrom(a, a.BitLen())
		}
		return netip.MustParsePrefix(s)
	}
	flags := func(names []string) (f netstat.RouteFlags) {
		for _, name := range names {
			switch name {
			case "onlink":
				f |= netstat.NextHopOnLink
			case "linkdown":
				f |= netstat.NextHopLinkDown
			case "dead":
				f |= netstat.NextHopDead
			case "pervasive":
				f |= netstat.NextHopPervasive
			}
		}
		return f
	}
	one := netstat.Route{
		Destination: prefix(r.Dst), Gateway: addr(r.Gateway), PreferredSource: addr(r.PrefSrc),
		Table: number(r.Table), Interface: indexes[r.Dev], Metric: netstat.Known[uint32](r.Metric), NextHopID: r.NHID,
		Flags: flags(r.Flags), TOS: netstat.Known[uint8](uint8(number(r.TOS))), Protocol: netstat.RouteProtocol(number(r.Protocol)), Scope: netstat.Known[netstat.Scope](netstat.Scope(number(r.Scope))),
	}
	if r.Via != nil {
		one.Gateway = addr(r.Via.Host)
	}
	if r.Table == "" {
		one.Table = netstat.TableMain
	}
	for kind := netstat.RouteUnicast; kind <= netstat.RouteThrow; kind++ {
		if r.Type == kind.String() || r.Type == strconv.Itoa(int(kind)) {
			one.Type = kind
		}
	}
	var options netstat.RouteOptions
	for _, m := range r.Metrics {
		options.MTU += m.MTU
		options.Window += m.Window
		options.AdvertisedMSS += m.AdvMSS
		options.HopLimit += m.HopLimit
		options.InitialCongestionWindow += m.InitCwnd
	}
	options.Realm = number(r.Flow.From)<<16 | number(r.Flow.To)
	if r.From != "" {
		options.Source = prefix(r.From)
	}
	options.Preference = map[string]netstat.RouterPreference{
		"": netstat.PreferenceMedium, "medium": netstat.PreferenceMedium, "high": netstat.PreferenceHigh, "low": netstat.PreferenceLow,
	}[r.Pref]
	if r.Expires != 0 {
		options.Expires.Set(time.Duration(r.Expires) * time.Second)
	}
	if options != (netstat.RouteOptions{}) {
		one.Options = &options
	}
	if len(r.NextHops) == 0 {
		return []netstat.Route{one}
	}
	var all []netstat.Route
	for _, h := range r.NextHops {
		hop := one
		hop.Gateway, hop.Interface, hop.Weight, hop.Flags = addr(h.Gateway), indexes[h.Dev], h.Weight, flags(h.Flags)
		if h.Via != nil {
			hop.Gateway = addr(h.Via.Host)
		}
		if len(r.NextHops) == 1 {
			hop.Weight = 0
		}
		all = append(all, hop)
	}
	return all
}

// showRoute is everything of a route. A lifetime is rounded to what passes
// between two readings.
func showRoute(r netstat.Route) string {
	var options netstat.RouteOptions
	if r.Options != nil {
		options = *r.Options
		r.Options = nil
		if d, ok := options.Expires.Get(); ok {
			options.Expires.Set(d.Round(time.Minute))
		}
	}
	return fmt.Sprintf("%+v %+v", r, options)
}

func showRoutes(all []netstat.Route) []string {
	var rows []string
	for _, r := range all {
		rows = append(rows, showRoute(r))
	}
	slices.Sort(rows)
	return rows
}

func linkIndexes(t *testing.T, n *nstest.NS) map[string]uint32 {
	t.Helper()
	indexes := make(map[string]uint32)
	for name, i := range interfaces(t, open(t, n)) {
		indexes[name] = i.Index
	}
	return indexes
}

func TestRoutesAgreeWithIP(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	k := open(t, n)
	for family, flag := range map[netstat.Family]string{netstat.IPv4: "-4", netstat.IPv6: "-6"} {
		indexes := linkIndexes(t, n)
		var got []string
		want := unchanging(t, func() []string {
			var listed []ipRoute
			n.JSON(t, &listed, flag, "-d", "-N", "route", "show", "table", "all")
			if len(listed) < 20 {
				t.Errorf("ip lists only %d %v routes", len(listed), family)
			}
			var want []netstat.Route
			for i := range listed {
				want = append(want, listed[i].netstat(t, family, indexes)...)
			}
			return showRoutes(want)
		}, func() {
			got = showRoutes(routes(t, k, netstat.RouteQuery{Families: []netstat.Family{family}}))
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v routes (-ip +collectors):\n%s", family, diff)
		}
	}
}

// to returns the routes to a destination in any table, as they come.
func to(all []netstat.Route, destination string) (found []netstat.Route) {
	for _, r := range all {
		if r.Destination == netip.MustParsePrefix(destination) {
			found = append(found, r)
		}
	}
	return found
}

func TestRouteDetails(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	indexes := linkIndexes(t, n)
	near, left := indexes["near"], indexes["left"]
	all := routes(t, open(t, n), netstat.RouteQuery{})

	type hop struct {
		gateway string
		device  uint32
		weight  uint16
		id      uint32
		kind    netstat.RouteType
	}
	for destination, want := range map[string][]hop{
		"10.2.0.0/16":       {{"192.0.2.2", near, 3, 0, netstat.RouteUnicast}, {"198.51.100.2", left, 256, 0, netstat.RouteUnicast}, {"", left, 1, 0, netstat.RouteUnicast}},
		"10.3.0.0/16":       {{"", 0, 0, 0, netstat.RouteBlackhole}},
		"10.4.0.0/16":       {{"", 0, 0, 0, netstat.RouteUnreachable}},
		"10.5.0.0/16":       {{"", 0, 0, 0, netstat.RouteProhibit}},
		"10.6.0.0/16":       {{"", 0, 0, 0, netstat.RouteThrow}},
		"10.10.0.0/16":      {{"fe80::9", near, 0, 0, netstat.RouteUnicast}},
		"10.20.0.0/16":      {{"192.0.2.2", near, 0, 1, netstat.RouteUnicast}},
		"10.21.0.0/16":      {{"192.0.2.2", near, 4, 10, netstat.RouteUnicast}, {"198.51.100.2", left, 9, 10, netstat.RouteUnicast}},
		"10.22.0.0/16":      {{"", indexes["lo"], 0, 3, netstat.RouteBlackhole}},
		"10.23.0.0/16":      {{"192.0.2.2", near, 0, 11, netstat.RouteUnicast}},
		"10.24.0.0/16":      {{"fe80::5", near, 0, 5, netstat.RouteUnicast}},
		"2001:db8:11::/48":  {{"2001:db8:1::2", near, 2, 0, netstat.RouteUnicast}, {"fe80::7", left, 5, 0, netstat.RouteUnicast}},
		"2001:db8:20::/48":  {{"fe80::5", near, 0, 5, netstat.RouteUnicast}},
		"2001:db8:21::/48":  {{"fe80::5", near, 0, 12, netstat.RouteUnicast}},
		"2001:db8:13::/48":  {{"", indexes["lo"], 0, 0, netstat.RouteUnreachable}},
		"203.0.113.2/32":    {{"", left, 0, 0, netstat.RouteUnicast}},
		"239.0.0.0/8":       {{"", near, 0, 0, netstat.RouteMulticast}},
		"255.255.255.255/8": nil,
	} {
		var got []hop
		for _, r := range to(all, destination) {
			gateway := ""
			if r.Gateway.IsValid() {
				gateway = r.Gateway.String()
			}
			got = append(got, hop{gateway, r.Interface, r.Weight, r.NextHopID, r.Type})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: next hops %+v, want %+v", destination, got, want)
		}
	}
	if apart := to(all, "10.8.0.0/16"); len(apart) != 3 {
		t.Errorf("routes that differ in metric and TOS: %+v", apart)
	}
	if apart := to(all, "10.7.0.0/16"); len(apart) != 2 || apart[0].Table+apart[1].Table != 70100 {
		t.Errorf("routes that differ in table: %+v", apart)
	}
	if r := to(all, "10.9.0.0/16"); len(r) != 1 || r[0].Flags&netstat.NextHopOnLink == 0 {
		t.Errorf("onlink: %+v", r)
	}
	if r := to(all, "10.11.0.0/16"); len(r) != 1 || r[0].Options != nil || r[0].Scope != netstat.Known(netstat.ScopeLink) {
		t.Errorf("a plain route: %+v", r)
	}
	if r := to(all, "2001:db8:17::/48"); len(r) != 1 || r[0].Options == nil ||
		r[0].Options.Expires.Or(0) > 3000*time.Second || r[0].Options.Expires.Or(0) < 2900*time.Second || r[0].Options.Age.IsKnown() {
		t.Errorf("a route that expires: %+v", r)
	}
}

// TestNexthopObjectsResolved compares what the kernel says of nexthop objects
// with what is resolved when it does not say it.
func TestNexthopObjectsResolved(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	k := open(t, n)
	named := func() []netstat.Route {
		var found []netstat.Route
		for _, r := range routes(t, k, netstat.RouteQuery{}) {
			if r.Type == netstat.RouteBlackhole {
				r.Interface = 0 // said to be the loopback, or nothing
			}
			if r.NextHopID != 0 {
				found = append(found, r)
			}
		}
		return found
	}
	said := named()
	n.Sysctl(t, "net.ipv4.nexthop_compat_mode", "0")
	resolved := named()
	if len(said) != 8 {
		t.Errorf("%d next hops of nexthop objects, want 8", len(said))
	}
	if diff := cmp.Diff(showRoutes(said), showRoutes(resolved)); diff != "" {
		t.Errorf("nexthop objects (-kernel +resolved):\n%s", diff)
	}
}

func TestRoutesOfATable(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	k := open(t, n)
	all := routes(t, k, netstat.RouteQuery{})
	tables := make(map[uint32][]netstat.Route)
	for _, r := range all {
		tables[r.Table] = append(tables[r.Table], r)
	}
	for table, want := range tables {
		if diff := cmp.Diff(showRoutes(want), showRoutes(routes(t, k, netstat.RouteQuery{Table: table}))); diff != "" {
			t.Errorf("table %d (-all +asked):\n%s", table, diff)
		}
	}
	if len(tables) != 5 {
		t.Errorf("tables %v, want main, local, 100, 200 and 70000", len(tables))
	}
	if rows, err := rowsUntilError(k.Routes(t.Context(), netstat.RouteQuery{Table: 4711})); rows != 0 || err != nil {
		t.Errorf("a table that never was: %d rows, error %v", rows, err)
	}
}

func TestForwardingRoutes(t *testing.T) {
	n := nstest.New(t)
	routeScene(t, n)
	k := open(t, n)
	var want []netstat.Route
	for _, r := range routes(t, k, netstat.RouteQuery{}) {
		if r.IsForwarding() {
			want = append(want, r)
		}
	}
	if diff := cmp.Diff(showRoutes(want), showRoutes(routes(t, k, netstat.RouteQuery{ForwardingOnly: true}))); diff != "" {
		t.Errorf("forwarding routes (-all +asked):\n%s", diff)
	}
}

// TestRoutesLeaveOutClones has the kernel learn a path MTU, which it keeps as a
// clone of the route.
func TestRoutesLeaveOutClones(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near",
		"route add 10.0.0.0/8 via 192.0.2.2 mtu lock 1300", "-6 route add 2001:db8::/32 dev near")
	_ = n.Dial(t, "udp4", "10.0.0.1:9")
	for _, r := range routes(t, open(t, n), netstat.RouteQuery{}) {
		if r.Destination.Addr() == netip.MustParseAddr("10.0.0.1") {
			t.Errorf("a clone is listed: %+v", r)
		}
	}
	var m routeMessage
	must(t, m.parse(routeBody(netstat.IPv6, 0, unix.RTM_F_CLONED)))
	if !m.cloned {
		t.Error("RTM_F_CLONED is not seen")
	}
}

// manyRoutes adds count routes of 10.0.0.0/8 and returns the namespace.
func manyRoutes(t testing.TB, count int) *nstest.NS {
	t.Helper()
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "route add 10.%d.%d.%d via 192.0.2.2\n", i>>16&255, i>>8&255, i&255)
	}
	file := filepath.Join(t.TempDir(), "routes")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Run(t, "ip", "-batch", file)
	return n
}

// TestRoutesUnderChange holds what Routes promises: what exists throughout is
// there, once.
func TestRoutesUnderChange(t *testing.T) {
	const count = 3000
	n := manyRoutes(t, count)
	k := open(t, n)
	var churn []string
	for i := range 300 {
		churn = append(churn, fmt.Sprintf("route add 10.200.%d.0/24 via 192.0.2.2", i%250), fmt.Sprintf("route del 10.200.%d.0/24", i%250))
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				n.IP(t, churn...)
			}
		}
	}()
	for range 30 {
		seen := make(map[netip.Prefix]int)
		for _, r := range routes(t, k, netstat.RouteQuery{Families: []netstat.Family{netstat.IPv4}, Table: netstat.TableMain}) {
			if r.Destination.Bits() == 32 {
				seen[r.Destination]++
			}
		}
		for destination, times := range seen {
			if times != 1 {
				t.Errorf("%v is there %d times", destination, times)
			}
		}
		if len(seen) != count {
			t.Errorf("%d lasting routes, want %d", len(seen), count)
		}
	}
	close(stop)
	<-stopped
}

// routeBody builds the body of a RTM_NEWROUTE message.
func routeBody(family netstat.Family, bits uint8, flags uint32, attributes ...[]byte) []byte {
	b := make([]byte, sizeofRtmsg)
	b[0], b[1], b[4], b[7] = byte(family), bits, unix.RT_TABLE_MAIN, unix.RTN_UNICAST
	binary.NativeEndian.PutUint32(b[8:], flags)
	return append(b, slices.Concat(attributes...)...)
}

func nexthopBody(attributes ...[]byte) []byte {
	b := make([]byte, sizeofNhmsg)
	b[0] = unix.AF_INET
	return append(b, slices.Concat(attributes...)...)
}

func TestParseRouteRejects(t *testing.T) {
	var m routeMessage
	for name, body := range map[string][]byte{
		"empty":                   {},
		"short":                   routeBody(netstat.IPv4, 0, 0)[:11],
		"unknown family":          routeBody(7, 0, 0),
		"IPv6 address in IPv4":    routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_DST, make([]byte, 16)...)),
		"prefix of 33 bits":       routeBody(netstat.IPv4, 33, 0, attribute(unix.RTA_DST, make([]byte, 4)...)),
		"short device":            routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_OIF, 1)),
		"short gateway":           routeBody(netstat.IPv6, 0, 0, attribute(unix.RTA_GATEWAY, 1, 2, 3, 4)),
		"via of no family":        routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_VIA, 1)),
		"via of a wrong length":   routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_VIA, 10, 0, 1, 2)),
		"short cacheinfo":         routeBody(netstat.IPv6, 0, 0, attribute(unix.RTA_CACHEINFO, make([]byte, 31)...)),
		"nexthop past the end":    routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_MULTIPATH, 9, 0, 0, 0, 1, 0, 0, 0)),
		"nexthop of no length":    routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_MULTIPATH, 0, 0, 0, 0, 1, 0, 0, 0)),
		"nexthop's short gateway": routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_MULTIPATH, append(native(uint16(16), uint16(0), uint32(1)), attribute(unix.RTA_GATEWAY, 1)...)...)),
		"short metric":            routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_METRICS, attribute(rtaxMTU, 1)...)),
	} {
		if err := m.parse(body); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, body := range map[string][]byte{
		"empty":         {},
		"short device":  nexthopBody(attribute(nexthopOIF, 1)),
		"broken group":  nexthopBody(attribute(nexthopGroup, make([]byte, 9)...)),
		"wrong gateway": nexthopBody(attribute(nexthopGateway, make([]byte, 16)...)),
	} {
		if _, err := parseNexthop(body); err == nil {
			t.Errorf("nexthop object, %s: no error", name)
		}
	}
}

func TestParseNexthopWeights(t *testing.T) {
	group := native(uint32(7), []byte{255, 1, 0, 0})
	object, err := parseNexthop(nexthopBody(attribute(nexthopID, native(uint32(9))...), attribute(nexthopGroup, group...)))
	if err != nil || object.ID != 9 || len(object.Group) != 1 || object.Group[0] != (netstat.NextHopMember{ID: 7, Weight: 512}) {
		t.Errorf("%+v, %v", object, err)
	}
}

func TestParseRouteAllocatesNothing(t *testing.T) {
	b := routeBody(netstat.IPv4, 24, 0, attribute(unix.RTA_TABLE, native(uint32(254))...), attribute(unix.RTA_DST, 10, 1, 2, 0), attribute(unix.RTA_MULTIPATH,
		append(native(uint16(16), uint16(0), uint32(1)), attribute(unix.RTA_GATEWAY, 10, 0, 0, 1)...)...), attribute(unix.RTA_CACHEINFO, make([]byte, 32)...))
	var m routeMessage
	must(t, m.parse(b))
	allocs := testing.AllocsPerRun(1000, func() {
		if err := m.parse(b); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 || len(m.hops) != 1 {
		t.Errorf("%v allocations for %+v", allocs, m.hops)
	}
}

// TestDumpAllocatesLittle holds that rows are not allocated one by one.
func TestDumpAllocatesLittle(t *testing.T) {
	const count = 5000
	n := manyRoutes(t, count)
	k := open(t, n)
	allocs := testing.AllocsPerRun(3, func() {
		if rows, err := rowsUntilError(k.Routes(t.Context(), netstat.RouteQuery{})); err != nil || rows < count {
			t.Fatalf("%d rows, error %v", rows, err)
		}
	})
	if allocs > count/10 {
		t.Errorf("%v allocations for %d routes", allocs, count)
	}
}

func TestNexthopKernelLacks(t *testing.T) {
	k := open(t, nstest.New(t))
	err := k.readError("dump", fmt.Errorf("dump nexthops: %w", unix.EOPNOTSUPP))
	if !errors.Is(err, netstat.ErrNotSupported) || !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("%v does not keep its cause", err)
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for _, body := range captured(f, unix.RTM_GETROUTE, unix.RTM_NEWROUTE, append([]byte{family}, make([]byte, sizeofRtmsg-1)...)) {
			f.Add(body)
		}
	}
	f.Add(routeBody(netstat.IPv4, 24, 0, attribute(unix.RTA_DST, 10, 1, 2, 0), attribute(unix.RTA_MULTIPATH,
		append(native(uint16(16), uint16(0), uint32(1)), attribute(unix.RTA_GATEWAY, 10, 0, 0, 1)...)...)))
	f.Add(routeBody(netstat.IPv4, 0, 0, attribute(unix.RTA_VIA, append([]byte{10, 0}, make([]byte, 16)...)...), attribute(unix.RTA_METRICS, attribute(rtaxMTU, native(uint32(1280))...)...)))
	f.Add(routeBody(netstat.IPv6, 64, 0, attribute(unix.RTA_CACHEINFO, make([]byte, 32)...), attribute(rtaNexthopID, native(uint32(1))...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		var m routeMessage
		if err := m.parse(body); err != nil {
			return
		}
		if !m.route.Destination.IsValid() || m.route.Destination != m.route.Destination.Masked() || m.route.Family() != netstat.Family(body[0]) {
			t.Errorf("accepted %+v", m.route)
		}
		for _, h := range m.hops {
			if h.weight == 0 {
				t.Errorf("a next hop of a multipath route has no weight: %+v", h)
			}
		}
	})
}

func FuzzParseNexthop(f *testing.F) {
	f.Add(nexthopBody(attribute(nexthopID, native(uint32(1))...), attribute(nexthopOIF, native(uint32(2))...), attribute(nexthopGateway, 192, 0, 2, 1)))
	f.Add(nexthopBody(attribute(nexthopID, native(uint32(1))...), attribute(nexthopGroup, make([]byte, 16)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		object, err := parseNexthop(body)
		if err == nil && len(object.Group) > len(body)/sizeofNexthopGrp {
			t.Errorf("%d members in %d bytes", len(object.Group), len(body))
		}
	})
}

func BenchmarkRoutes(b *testing.B) {
	count := *benchRoutes
	n := manyRoutes(b, count)
	k := open(b, n)
	b.Run("collectors", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows, err := rowsUntilError(k.Routes(b.Context(), netstat.RouteQuery{Table: netstat.TableMain}))
			if err != nil || rows < count {
				b.Fatalf("%d rows, error %v", rows, err)
			}
		}
		b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	benchPeer(b, n, count, "ip", "-4", "route", "show", "table", "main")
}

// benchPeer measures a program that reads the same rows and prints them.
func benchPeer(b *testing.B, n *nstest.NS, count int, program string, args ...string) {
	b.Run(program, func(b *testing.B) {
		nstest.NeedsProgram(b, program)
		for b.Loop() {
			if err := exec.Command("ip", append([]string{"netns", "exec", n.Name, program}, args...)...).Run(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
