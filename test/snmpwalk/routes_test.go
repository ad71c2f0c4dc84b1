package snmpwalk_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ipRoute is a route as `ip -N -j -d route show table all` shows it.
type ipRoute struct {
	Type, Dst, From string
	ipHop
	Table, Protocol, TOS string
	Metric               uint32
	Nexthops             []ipHop
}

type ipHop struct {
	Gateway string
	Via     struct{ Host string }
	Dev     string
	Flags   []string
}

// Types of routes (RTN_*), as ip -N prints them.
const (
	unicast     = "1"
	blackhole   = "6"
	unreachable = "7"
	prohibit    = "8"
	throw       = "9"
)

// route is one next hop of a route that takes part in forwarding.
type route struct {
	kind        string
	destination netip.Prefix
	source      netip.Prefix // the zero Prefix for any
	gateway     netip.Addr   // the zero Addr for none
	device      uint32       // 0 for none
	table       uint32
	tos         uint8
	metric      uint32
	protocol    string
	dead        bool
}

func (s *scene) routes(t testing.TB) (all []route) {
	t.Helper()
	index := map[string]uint32{"": 0}
	for _, l := range s.links(t) {
		index[l.Name] = l.Index
	}
	for _, family := range []string{"-4", "-6"} {
		var printed []ipRoute
		s.JSON(t, &printed, family, "-N", "-d", "route", "show", "table", "all")
		for _, p := range printed {
			switch p.Type {
			case unicast, blackhole, unreachable, prohibit, throw:
			default:
				continue
			}
			r := route{kind: p.Type, metric: p.Metric, protocol: p.Protocol}
			r.destination = prefix(t, p.Dst, family)
			if p.From != "" {
				r.source = prefix(t, p.From, family)
			}
			r.table = uint32(number(t, p.Table))
			if p.TOS != "" {
				r.tos = uint8(number(t, p.TOS))
			}
			hops := p.Nexthops
			if len(hops) == 0 {
				hops = []ipHop{p.ipHop}
			}
			for _, hop := range hops {
				r := r
				if gateway := hop.Gateway + hop.Via.Host; gateway != "" {
					r.gateway = netip.MustParseAddr(gateway)
				}
				r.device = index[hop.Dev]
				r.dead = slices.Contains(hop.Flags, "dead")
				all = append(all, r)
			}
		}
	}
	return all
}

func number(t testing.TB, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func prefix(t testing.TB, s, family string) netip.Prefix {
	t.Helper()
	if s == "default" {
		if s = "0.0.0.0/0"; family == "-6" {
			s = "::/0"
		}
	}
	if !strings.Contains(s, "/") {
		addr := netip.MustParseAddr(s)
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	return netip.MustParsePrefix(s)
}

// routeProtocol is IANAipRouteProtocol (IANA-RTPROTO-MIB) of a RTPROT_*; what
// a table's own enumeration ends before is other(1).
func routeProtocol(protocol string, last int) string {
	n := map[string]int{
		"1": 4, "2": 2, "3": 3, "4": 3, "9": 4, "16": 19, "17": 17,
		"186": 14, "187": 9, "188": 13, "189": 8, "192": 16,
	}[protocol]
	if n == 0 || n > last {
		n = 1
	}
	return strconv.Itoa(n)
}

// policy is inetCidrRoutePolicy as the documentation of package ipforwardmib
// has it, with its length; full has the device also where a gateway leads to it.
func (r *route) policy(full bool) string {
	const mainTable = 254
	usual := uint32(0)
	if r.destination.Addr().Is6() {
		usual = 1024
	}
	device := uint32(0)
	if r.kind == unicast && (full || !r.gateway.IsValid()) {
		device = r.device
	}
	policy := "0.0"
	switch {
	case r.source.IsValid():
		policy = fmt.Sprintf("0.0.%d.%d.%d.%d.%d", r.table, r.tos, r.metric, device, r.source.Bits())
		for _, o := range r.source.Addr().As16() {
			policy += "." + strconv.Itoa(int(o))
		}
	case device != 0:
		policy = fmt.Sprintf("0.0.%d.%d.%d.%d", r.table, r.tos, r.metric, device)
	case r.table != mainTable || r.tos != 0 || r.metric != usual:
		policy = fmt.Sprintf("0.0.%d.%d.%d", r.table, r.tos, r.metric)
	}
	return fmt.Sprintf("%d.%s", strings.Count(policy, ".")+1, policy)
}

// index is the row's in inetCidrRouteTable.
func (r *route) index(full bool) string {
	return fmt.Sprintf("%s.%d.%s.%s", inet(r.destination.Addr(), 0), r.destination.Bits(), r.policy(full), inet(r.gateway, 0))
}

// routeMetric is a Metric1: an Integer32, which the kernel's metric may exceed.
func (r *route) routeMetric() string { return strconv.Itoa(int(min(r.metric, 1<<31-1))) }

func (r *route) status() string {
	if r.dead {
		return "2" // notInService
	}
	return "1"
}

func wantRoutes(routes []route) rows {
	want := make(rows)
	var short, long []string
	for i := range routes {
		short, long = append(short, routes[i].index(false)), append(long, routes[i].index(true))
	}
	for i, index := range apart(short, long) {
		r := &routes[i]
		kind := map[string]string{unicast: "3", blackhole: "5", unreachable: "2", prohibit: "2", throw: "1"}[r.kind]
		if r.gateway.IsValid() {
			kind = "4"
		}
		want.set(7, index, decimal(uint64(r.device)))
		want.set(8, index, kind)
		want.set(9, index, routeProtocol(r.protocol, 20))
		want.set(10, index, "0") // correct now
		want.set(11, index, "0")
		want.set(12, index, r.routeMetric())
		for column := 13; column <= 16; column++ {
			want.set(column, index, "-1")
		}
		want.set(17, index, r.status())
	}
	return want
}

// netmask is the netmask of a prefix length.
func netmask(bits int) string {
	m := ^uint32(0) << (32 - bits)
	return fmt.Sprintf("%d.%d.%d.%d", m>>24, m>>16&0xff, m>>8&0xff, m&0xff)
}

// gateway4 is 0.0.0.0 for what an IpAddress cannot hold.
func (r *route) gateway4() string { return ipv4(r.gateway) }

// oldOrder sorts IPv4 routes so that of those which an old table cannot tell
// apart the one that it shows comes last: the main table's, then that with the
// lowest metric.
func oldOrder(routes []route) []route {
	var old []route
	for _, r := range routes {
		if r.destination.Addr().Is4() {
			old = append(old, r)
		}
	}
	const mainTable = 254
	rank := func(r route) []uint32 {
		if r.table == mainTable {
			return []uint32{0, 0, r.metric, r.device}
		}
		return []uint32{1, r.table, r.metric, r.device}
	}
	slices.SortStableFunc(old, func(a, b route) int { return slices.Compare(rank(b), rank(a)) })
	return old
}

// setOld sets what ipCidrRouteTable and ipForwardTable have in common.
func (r *route) setOld(want rows, index, kind string, lastProtocol int) {
	switch {
	case r.gateway.Is4():
		kind = "4"
	case r.gateway.Is6():
		kind = "1" // no old table can name it
	}
	want.set(1, index, r.destination.Addr().String())
	want.set(2, index, netmask(r.destination.Bits()))
	want.set(3, index, strconv.Itoa(int(r.tos)))
	want.set(4, index, r.gateway4())
	want.set(5, index, decimal(uint64(r.device)))
	want.set(6, index, kind)
	want.set(7, index, routeProtocol(r.protocol, lastProtocol))
	want.set(8, index, "0") // correct now
	want.set(9, index, "0.0")
	want.set(10, index, "0")
	want.set(11, index, r.routeMetric())
	for column := 12; column <= 15; column++ {
		want.set(column, index, "-1")
	}
}

func wantCIDRRoutes(routes []route) rows {
	want := make(rows)
	for _, r := range oldOrder(routes) {
		index := fmt.Sprintf("%s.%s.%d.%s", r.destination.Addr(), netmask(r.destination.Bits()), r.tos, r.gateway4())
		kind := map[string]string{unicast: "3", blackhole: "2", unreachable: "2", prohibit: "2", throw: "1"}[r.kind]
		r.setOld(want, index, kind, 16)
		want.set(16, index, r.status())
	}
	return want
}

func wantForwardRoutes(routes []route) rows {
	want := make(rows)
	// Of two lengths, the longer comes last.
	old := oldOrder(routes)
	slices.SortStableFunc(old, func(a, b route) int { return a.destination.Bits() - b.destination.Bits() })
	for _, r := range old {
		index := fmt.Sprintf("%s.%s.%d.%s", r.destination.Addr(), routeProtocol(r.protocol, 15), r.tos, r.gateway4())
		kind := map[string]string{unicast: "3", blackhole: "1", unreachable: "1", prohibit: "1", throw: "1"}[r.kind]
		r.setOld(want, index, kind, 15)
	}
	return want
}

// count returns the rows of a table that has the column in each.
func count(r rows, column int) uint64 {
	var n uint64
	for name := range r {
		if strings.HasPrefix(name, strconv.Itoa(column)+".") {
			n++
		}
	}
	return n
}

func TestRouteTables(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		for _, test := range []struct {
			name, entry, number string
			want                func([]route) rows
			column              int
		}{
			{"inetCidrRouteTable", inetCidrRouteEntry, inetCidrRouteNumber, wantRoutes, 17},
			{"ipCidrRouteTable", ipCidrRouteEntry, ipCidrRouteNumber, wantCIDRRoutes, 16},
			{"ipForwardTable", ipForwardEntry, ipForwardNumber, wantForwardRoutes, 1},
		} {
			t.Run(test.name, func(t *testing.T) {
				matches(t, test.name,
					func() rows { return c.table(t, test.entry) },
					func() rows { return test.want(s.routes(t)) })
				if got, want := c.number(t, test.number), count(test.want(s.routes(t)), test.column); got != want {
					t.Errorf("its number is %d, want %d", got, want)
				}
			})
		}
		t.Run("made on purpose", func(t *testing.T) { checkRoutes(t, c) })
	})
}

// checkRoutes holds what the scene was made to show, by indexes that are
// written out here.
func checkRoutes(t *testing.T, c *client) {
	const (
		noHop     = ".0.0"
		fe80      = ".2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0"
		gateway1  = fe80 + ".1"
		db8       = ".2.16.32.1.13.184"
		restOf128 = ".0.0.0.0.0.0.0.0.0.0"
	)
	routes := c.table(t, inetCidrRouteEntry)
	for name, want := range map[string]string{
		// A row for each next hop.
		"7.1.4.203.0.113.0.24.5.0.0.254.0.5.1.4.192.0.2.2":    "11",
		"7.1.4.203.0.113.0.24.5.0.0.254.0.5.1.4.198.51.100.2": "13",
		"8.1.4.10.1.0.0.16.2.0.0" + noHop:                     "5", // blackhole
		"8.1.4.10.2.0.0.16.5.0.0.254.0.4278198272" + noHop:    "2", // unreachable
		"8.1.4.10.3.0.0.16.2.0.0" + noHop:                     "2", // prohibit
		// An IPv6 router on the way to an IPv4 destination.
		"8.1.4.10.5.0.0.16.2.0.0" + fe80 + ".153":                         "4",
		"8.1.4.10.5.0.0.24.2.0.0" + db8 + ".0.0" + restOf128[2:] + ".153": "4",
		"8.1.4.10.6.0.0.16.2.0.0.1.4.203.0.113.77":                        "4", // onlink
		// Five routes that differ in one thing each.
		"8.1.4.10.7.0.0.16.5.0.0.100.0.0.1.4.192.0.2.7":   "4",
		"8.1.4.10.7.0.0.16.5.0.0.70000.0.0.1.4.192.0.2.7": "4",
		"8.1.4.10.7.0.0.16.5.0.0.254.16.0.1.4.192.0.2.7":  "4",
		"8.1.4.10.7.0.0.16.5.0.0.254.0.7.1.4.192.0.2.7":   "4",
		"8.1.4.10.7.0.0.16.5.0.0.254.0.8.1.4.192.0.2.7":   "4",
		"12.1.4.10.7.0.0.16.5.0.0.254.0.8.1.4.192.0.2.7":  "8",
		// Nexthop objects: a group of two, one alone, and a blackhole.
		"7.1.4.10.9.0.0.16.2.0.0.1.4.192.0.2.3":       "11",
		"7.1.4.10.9.0.0.16.2.0.0.1.4.198.51.100.3":    "13",
		"7.1.4.10.10.0.0.16.2.0.0.1.4.192.0.2.3":      "11",
		"9.1.4.10.12.0.0.16.2.0.0.1.4.192.0.2.12":     "14", // bgp
		"9.1.4.10.13.0.0.16.2.0.0.1.4.192.0.2.13":     "13", // ospf
		"9.1.4.10.14.0.0.16.2.0.0.1.4.192.0.2.14":     "19", // dhcp
		"9.1.4.10.15.0.0.16.2.0.0.1.4.192.0.2.15":     "1",  // zebra
		"9.1.4.192.0.2.0.24.6.0.0.254.0.0.11" + noHop: "2",  // local
		"8.1.4.192.0.2.0.24.6.0.0.254.0.0.11" + noHop: "3",
		// One link-local gateway on two links, by metric and in a multipath.
		"7" + db8 + ".0.1" + restOf128 + ".48.2.0.0" + gateway1:               "11",
		"7" + db8 + ".0.1" + restOf128 + ".48.5.0.0.254.0.2000" + gateway1:    "13",
		"7" + db8 + ".0.2" + restOf128 + ".48.6.0.0.254.0.1024.11" + gateway1: "11",
		"7" + db8 + ".0.2" + restOf128 + ".48.6.0.0.254.0.1024.13" + gateway1: "13",
		"8" + db8 + ".0.3" + restOf128 + ".48.2.0.0" + noHop:                  "5",
		// The same prefix on every link.
		"8" + fe80 + ".0.64.6.0.0.254.0.256.11" + noHop: "3",
		"8" + fe80 + ".0.64.6.0.0.254.0.256.13" + noHop: "3",
		// From anywhere, and from one prefix.
		"7" + db8 + ".0.6" + restOf128 + ".48.23.0.0.254.0.1024.0.48.32.1.13.184.0.7" + restOf128 + gateway1: "11",
	} {
		if got, ok := routes[name]; !ok || got != want {
			t.Errorf("inetCidrRouteEntry.%s = %q, want %q", name, got, want)
		}
	}
	for name := range routes {
		if strings.HasPrefix(name, "7.1.4.127.") || strings.HasPrefix(name, "7.1.4.192.0.2.1.32") {
			t.Errorf("%s is no route that forwards", name)
		}
	}

	cidr := c.table(t, ipCidrRouteEntry)
	if got := cidr["11.10.7.0.0.255.255.0.0.0.192.0.2.7"]; got != "7" {
		t.Errorf("of the routes to 10.7/16, ipCidrRouteTable shows one of metric %q, want that of the main table's lowest, 7", got)
	}
	forward := c.table(t, ipForwardEntry)
	if got := forward["2.10.8.0.0.3.0.192.0.2.8"]; got != "255.255.255.0" {
		t.Errorf("of the routes to 10.8.0.0, ipForwardTable shows one of mask %q, want the longest", got)
	}
}

// TestPolicyStays holds that the index of a route does not depend on others.
func TestPolicyStays(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		before := c.table(t, inetCidrRouteEntry)
		s.IP(t,
			"route add 10.0.0.0/16 via 192.0.2.7",
			"route add 10.7.0.0/16 via 192.0.2.7 metric 1",
			"route del 10.7.0.0/16 via 192.0.2.7 metric 7",
			"-6 route add 2001:db8::/48 via fe80::1 dev v0",
			"-6 route add 2001:db8:1::/48 via fe80::1 dev v0 metric 1",
			"-6 route del 2001:db8:3::/48",
			"-6 route add 2001:db8:2::/48 via fe80::2 dev v0 metric 2000",
		)
		added := []string{
			"8.1.4.10.0.0.0.16.2.0.0.1.4.192.0.2.7",
			"8.1.4.10.7.0.0.16.5.0.0.254.0.1.1.4.192.0.2.7",
		}
		eventually(t, func() string {
			after := c.table(t, inetCidrRouteEntry)
			for _, name := range added {
				if _, ok := after[name]; !ok {
					return fmt.Sprintf("the new route %s is not there", name)
				}
			}
			var gone []string
			for name := range before {
				if _, ok := after[name]; !ok && strings.HasPrefix(name, "8.") {
					gone = append(gone, name)
				}
			}
			slices.Sort(gone)
			want := []string{
				"8.1.4.10.7.0.0.16.5.0.0.254.0.7.1.4.192.0.2.7",
				"8.2.16.32.1.13.184.0.3.0.0.0.0.0.0.0.0.0.0.48.2.0.0.0.0",
			}
			if !slices.Equal(gone, want) {
				return fmt.Sprintf("rows that are gone: %q, want %q", gone, want)
			}
			return ""
		})
	})
}
