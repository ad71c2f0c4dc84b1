package snmpwalk_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// settings returns the files of /proc/sys/net that patterns name, with their
// numbers.
func (s *scene) settings(t testing.TB, patterns ...string) map[string]uint64 {
	t.Helper()
	all := make(map[string]uint64)
	for line := range strings.Lines(s.Run(t, "sh", "-c", "cd /proc/sys/net && grep -s -H . "+strings.Join(patterns, " "))) {
		path, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[path] = n
	}
	return all
}

func (s *scene) wantIPv4Interfaces(t testing.TB) rows {
	want := make(rows)
	settings := s.settings(t, "ipv4/neigh/*/retrans_time_ms", "ipv4/conf/*/forwarding")
	for _, l := range s.links(t) {
		if _, has := settings["ipv4/conf/"+l.Name+"/forwarding"]; !has {
			continue
		}
		index := decimal(uint64(l.Index))
		want.set(2, index, "65535")
		want.set(3, index, "1") // up
		want.set(4, index, decimal(settings["ipv4/neigh/"+l.Name+"/retrans_time_ms"]))
	}
	return want
}

func (s *scene) wantIPv6Interfaces(t testing.TB) rows {
	want := make(rows)
	settings := s.settings(t, "ipv6/neigh/*/retrans_time_ms", "ipv6/conf/*/disable_ipv6", "ipv6/conf/all/forwarding", "ipv6/conf/*/force_forwarding")
	var neighbours []struct {
		Family, Dev string
		Reachable   uint64
	}
	s.JSON(t, &neighbours, "ntable", "show")
	reachable := make(map[string]uint64)
	for _, n := range neighbours {
		if n.Family == "inet6" {
			reachable[n.Dev] = n.Reachable
		}
	}
	identifiers := map[uint32]string{lo: ""}
	for _, a := range s.addresses(t) {
		// With the link-layer address in it: that which the kernel makes.
		if a.local().Is6() && a.local().IsLinkLocalUnicast() && a.stateless() {
			octets := a.local().As16()
			identifiers[a.index] = string(octets[8:])
		}
	}
	for _, l := range s.links(t) {
		disabled, has := settings["ipv6/conf/"+l.Name+"/disable_ipv6"]
		if !has {
			continue
		}
		index := decimal(uint64(l.Index))
		want.set(2, index, "65535")
		if identifier, known := identifiers[l.Index]; known {
			want.set(3, index, identifier)
		}
		want.set(5, index, truth(disabled == 0))
		want.set(6, index, decimal(reachable[l.Name]))
		want.set(7, index, decimal(settings["ipv6/neigh/"+l.Name+"/retrans_time_ms"]))
		want.set(8, index, truth(settings["ipv6/conf/all/forwarding"]+settings["ipv6/conf/"+l.Name+"/force_forwarding"] != 0))
	}
	return want
}

func (s *scene) wantZones(t testing.TB) rows {
	want := make(rows)
	settings := s.settings(t, "ipv6/conf/*/disable_ipv6")
	for _, l := range s.links(t) {
		if _, has := settings["ipv6/conf/"+l.Name+"/disable_ipv6"]; has {
			want.set(2, decimal(uint64(l.Index)), decimal(uint64(l.Index)))
		}
	}
	return want
}

// ipDefaultRoute is a default route as `ip -j route show` has it.
type ipDefaultRoute struct {
	Gateway string
	Via     struct{ Host string }
	Dev     string
	Metric  uint32
	Expires *uint64
	Pref    string
	Flags   []string
	// NextHops are those of a multipath route.
	NextHops []ipDefaultRoute
}

// wantDefaultRouters is told what the table has: a lifetime that is about what ip(8)
// says is taken for right.
func (s *scene) wantDefaultRouters(t testing.TB, table rows) rows {
	want := make(rows)
	index := make(map[string]uint32)
	for _, l := range s.links(t) {
		index[l.Name] = l.Index
	}
	metrics := make(map[string]uint32)
	add := func(r, of ipDefaultRoute) {
		gateway := r.Gateway + r.Via.Host
		if gateway == "" {
			return
		}
		row := fmt.Sprintf("%s.%d", inet(netip.MustParseAddr(gateway), 0), index[r.Dev])
		if least, known := metrics[row]; known && least <= of.Metric {
			return
		}
		metrics[row] = of.Metric
		want.set(4, row, "65535")
		if of.Expires != nil {
			n, err := strconv.ParseUint(table["4."+row], 10, 64)
			if err != nil || n+5 < *of.Expires || n > *of.Expires+5 {
				n = *of.Expires
			}
			want.set(4, row, decimal(n))
		}
		if slices.Contains(r.Flags, "dead") {
			want.set(4, row, "0")
		}
		want.set(5, row, map[string]string{"": "0", "medium": "0", "high": "1", "low": "-1"}[of.Pref])
	}
	for _, family := range []string{"-4", "-6"} {
		var routes []ipDefaultRoute
		s.JSON(t, &routes, family, "route", "show", "default", "table", "main")
		for _, r := range routes {
			if len(r.NextHops) == 0 {
				add(r, r)
			}
			for _, hop := range r.NextHops {
				add(hop, r)
			}
		}
	}
	return want
}

// TestIPInterfaceTables holds that what versions of IP have on interfaces, and the
// default routers, are what /proc/sys/net and ip(8) tell, as they change.
func TestIPInterfaceTables(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		check := func(t *testing.T) {
			for _, test := range []struct {
				name, entry string
				want        func(testing.TB) rows
			}{
				{"ipv4InterfaceTable", ipv4InterfaceEntry, s.wantIPv4Interfaces},
				{"ipv6InterfaceTable", ipv6InterfaceEntry, s.wantIPv6Interfaces},
				{"ipv6ScopeZoneIndexTable", ipv6ScopeZoneEntry, s.wantZones},
				{"ipDefaultRouterTable", ipDefaultRouterEntry, func(t testing.TB) rows {
					return s.wantDefaultRouters(t, c.table(t, ipDefaultRouterEntry))
				}},
			} {
				t.Run(test.name, func(t *testing.T) {
					// A lifetime may pass from one second to the next between two readings.
					matches(t, test.name, func() rows { return c.table(t, test.entry) }, func() rows { return test.want(t) })
				})
			}
		}
		t.Run("at first", check)
		s.IP(t,
			"link set ifb0 mtu 1279", // too little for IPv6
			"-6 route add default via fe80::2 dev br0 metric 2000 expires 3000 pref high",
			"-6 route add default via 2001:db8::5 dev v0 metric 3000 pref low",
			"-6 route add default from 2001:db8:7::/48 via fe80::7 dev v0",
			"-6 route add default metric 4000 nexthop via fe80::8 dev v0 nexthop via fe80::8 dev br0",
			"route add default metric 300 nexthop via 192.0.2.251 nexthop via 198.51.100.251",
			"route add 0.0.0.0/0 via inet6 fe80::99 dev v0 metric 400",
			"route add default via 192.0.2.254 metric 500", // known already
			"route add default dev br0 metric 600",         // without a gateway
			"route add unreachable default metric 700",
			"route add default via 192.0.2.7 table 100",
		)
		for _, setting := range []struct{ name, value string }{
			{"ipv6.conf.v1.disable_ipv6", "1"}, {"ipv4.neigh.v1.retrans_time_ms", "700"}, {"ipv6.neigh.v0.retrans_time_ms", "800"},
			{"ipv6.neigh.br0.base_reachable_time_ms", "90000"}, {"ipv6.conf.v0.forwarding", "1"},
		} {
			s.Sysctl(t, "net."+setting.name, setting.value)
		}
		if _, has := s.settings(t, "ipv6/conf/v0/force_forwarding", "ipv6/conf/v0/forwarding")["ipv6/conf/v0/force_forwarding"]; has { // Linux 6.17
			s.Sysctl(t, "net.ipv6.conf.v0.force_forwarding", "1")
		}
		t.Run("with more", check)
		s.Sysctl(t, "net.ipv6.conf.all.forwarding", "1")
		s.IP(t, "link set br0 down", "route del default via 192.0.2.254", "link del mv0")
		t.Run("with less", check)
	})
}

// devSNMP6 returns what IPv6 counts on interfaces, by index: /proc/net/dev_snmp6.
func (s *scene) devSNMP6(t testing.TB) map[string]map[string]uint64 {
	t.Helper()
	all := make(map[string]map[string]uint64)
	var counted map[string]uint64
	for line := range strings.Lines(s.Run(t, "sh", "-c", "cat /proc/net/dev_snmp6/*")) {
		f := strings.Fields(line)
		if f[0] == "ifIndex" {
			counted = make(map[string]uint64)
			all[f[1]] = counted
			continue
		}
		n, err := strconv.ParseUint(f[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		counted[f[0]] = n
	}
	return all
}

// TestIPInterfaceCounters holds that what IPv6 counts on each interface is what the
// kernel tells, and that nothing is said of IPv4.
func TestIPInterfaceCounters(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		s.exchange(t)
		c := s.client(t)
		least := s.devSNMP6(t)
		if len(least) < 8 || least["1"]["Ip6InReceives"] == 0 {
			t.Fatalf("the kernel counts on %d interfaces, %d on the loopback", len(least), least["1"]["Ip6InReceives"])
		}
		var got rows
		eventually(t, func() string {
			got = c.table(t, ipIfStatsEntry)
			for index, counted := range least {
				for _, counter := range kernelCounters {
					if n, err := strconv.ParseUint(got[fmt.Sprintf("%d.2.%s", counter.wide, index)], 10, 64); counter.wide != 0 && counter.ip6 != "" && (err != nil || n < counted[counter.ip6]) {
						return fmt.Sprintf("%s of %s = %d, %v, and %d had been counted before", counter.ip6, index, n, err, counted[counter.ip6])
					}
				}
			}
			return ""
		})
		most := s.devSNMP6(t)
		columns := make(map[string]bool)
		for _, counter := range kernelCounters {
			if counter.column == 22 || counter.ip6 == "" { // OutNoRoutes is not in this table
				continue
			}
			for _, column := range []int{counter.column, counter.wide} {
				if column == 0 {
					continue
				}
				columns[strconv.Itoa(column)] = true
				for index := range least {
					n, err := strconv.ParseUint(got[fmt.Sprintf("%d.2.%s", column, index)], 10, 64)
					if from, to := least[index][counter.ip6], most[index][counter.ip6]; err != nil || n < from || n > to {
						t.Errorf("column %d (%s) of %s = %d, %v, want %d to %d", column, counter.ip6, index, n, err, from, to)
					}
				}
			}
		}
		for index := range least {
			for column, want := range map[string]string{"46": "0", "47": "1000"} { // DiscontinuityTime, RefreshRate
				columns[column] = true
				if v := got[column+".2."+index]; v != want {
					t.Errorf("column %s of %s = %q, want %q", column, index, v, want)
				}
			}
		}
		columns["26"] = true // OutFragReqds
		for name := range got {
			column, index, _ := strings.Cut(name, ".")
			version, index, _ := strings.Cut(index, ".")
			if _, counts := least[index]; version != "2" || !counts || !columns[column] {
				t.Errorf("ipIfStatsEntry.%s = %s, of which the kernel tells nothing", name, got[name])
			}
		}
		if loopback := c.number(t, ipIfStatsEntry+".4.2.1"); loopback < 4 { // two echoes and their answers
			t.Errorf("the loopback received %d packets", loopback)
		}
		if v := c.get(t, parseOID(t, ipIfStatsEntry+".3.1.1")); v.kind != gosnmp.NoSuchInstance {
			t.Errorf("%v, of IPv4", v)
		}
	})
}
