package snmpwalk_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mib2Tables are the tables of MIB-II (RFC 1213) that managers poll by rows, and
// how many columns each has there.
var mib2Tables = []struct {
	name, entry string
	columns     uint32
}{
	{"ifTable", ifEntry, 22},
	{"atTable", atEntry, 3},
	{"ipAddrTable", ipAddrEntry, 5},
	{"ipRouteTable", ipRouteEntry, 13},
	{"ipNetToMediaTable", ipNetToMediaEntry, 4},
	{"tcpConnTable", tcpConnEntry, 5},
	{"udpTable", udpEntry, 2},
}

// mib2Groups are the groups of MIB-II that have scalars, the number of the last,
// and those before it that are tables or not used.
var mib2Groups = []struct {
	name, root string
	last       uint32
	but        []uint32
}{
	{"system", "1.3.6.1.2.1.1", 7, nil},
	{"ip", "1.3.6.1.2.1.4", 23, []uint32{20, 21, 22}},
	{"icmp", "1.3.6.1.2.1.5", 26, nil},
	{"tcp", "1.3.6.1.2.1.6", 15, []uint32{13}},
	{"udp", "1.3.6.1.2.1.7", 4, nil},
	{"snmp", "1.3.6.1.2.1.11", 30, []uint32{7, 23}},
}

// TestMIB2ByRows holds that a manager of SNMPv1 can ask for a whole row of MIB-II,
// or all scalars of a group, at once: one absent variable would leave it without
// an answer for all (RFC 1157, section 4.1.2).
func TestMIB2ByRows(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		for _, table := range mib2Tables {
			t.Run(table.name, func(t *testing.T) {
				entry := parseOID(t, table.entry)
				walked := s.walked(t, entry)
				indexes := make(map[string]oid)
				for name := range walked {
					index := parseOID(t, name)[len(entry)+1:]
					indexes[index.String()] = index
				}
				var rows int
				for _, index := range indexes {
					first := entry.plus(1).plus(index...)
					if len(lasting(t, []oid{first})) == 0 {
						continue // a client's own socket, which is gone by now
					}
					rows++
					var row []oid
					for column := range table.columns {
						row = append(row, entry.plus(column+1).plus(index...))
					}
					s.getsAtOnce(t, row, walked)
				}
				if rows == 0 {
					t.Error("the scene has no row of it")
				}
			})
		}
		for _, group := range mib2Groups {
			if _, ok := masters[group.name]; ok && s.subagent {
				continue
			}
			t.Run(group.name, func(t *testing.T) {
				root := parseOID(t, group.root)
				var scalars []oid
				for n := uint32(1); n <= group.last; n++ {
					if !slices.Contains(group.but, n) {
						scalars = append(scalars, root.plus(n, 0))
					}
				}
				s.getsAtOnce(t, scalars, s.walked(t, root))
			})
		}
	})
}

// walked is what snmpbulkwalk prints below a name, by the names.
func (s *scene) walked(t testing.TB, root oid) map[string]string {
	t.Helper()
	walked := make(map[string]string)
	for _, line := range s.lines(t, "snmpbulkwalk", ask("2c", "public", "udp", "-On", "-Cr50", root.String())...) {
		name, value, ok := strings.Cut(line, " = ")
		if !ok {
			t.Fatalf("snmpbulkwalk prints %q", line)
		}
		walked[strings.TrimPrefix(name, ".")] = value
	}
	return walked
}

// getsAtOnce holds that one GET of SNMPv1 answers all names, in their order, with
// what a walk said of them. Of what moves only the type is compared.
func (s *scene) getsAtOnce(t *testing.T, all []oid, walked map[string]string) {
	t.Helper()
	args := ask("1", "public", "udp", append([]string{"-On", "-Cf"}, texts(all)...)...) // without a second try
	r := s.run(t, "snmpget", args...)
	if r.status != 0 || r.complaints != "" {
		t.Errorf("snmpget %s: exit status %d: %s", strings.Join(texts(all), " "), r.status, r.complaints)
		return
	}
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	if len(lines) != len(all) {
		t.Errorf("%d lines in answer to %d variables:\n%s", len(lines), len(all), r.out)
		return
	}
	for i, line := range lines {
		name, got, _ := strings.Cut(line, " = ")
		if name != "."+all[i].String() {
			t.Errorf("variable %d is %q, want %v", i+1, line, all[i])
			continue
		}
		want, ok := walked[all[i].String()]
		if kind, _, typed := strings.Cut(want, ": "); typed && (kind == "Counter32" || kind == "Timeticks") {
			want = kind
			got, _, _ = strings.Cut(got, ": ")
		}
		if !ok || got != want {
			t.Errorf("%s is %q by SNMPv1, and %q in a walk by SNMPv2c", name, got, want)
		}
	}
}

// mainHop is a next hop of a route in the main table.
type mainHop struct {
	gateway netip.Addr // the zero Addr for none
	device  uint32
}

func (h mainHop) String() string {
	if !h.gateway.IsValid() {
		return fmt.Sprintf("dev %d", h.device)
	}
	return fmt.Sprintf("via %v dev %d", h.gateway, h.device)
}

// hopsOf is next hops as a failure shows them.
func hopsOf(hops map[mainHop]bool) string {
	var all []string
	for h := range hops {
		all = append(all, h.String())
	}
	slices.Sort(all)
	return "[" + strings.Join(all, ", ") + "]"
}

// keptRoute is what LibreNMS keeps of a destination.
type keptRoute struct {
	policy string
	hops   map[mainHop]bool
}

// readAddress reads an InetAddressType and an InetAddress at the start of an index.
func readAddress(index oid) (addr netip.Addr, rest oid, err error) {
	if len(index) < 2 || uint64(len(index)-2) < uint64(index[1]) {
		return addr, nil, fmt.Errorf("%v ends within an address", index)
	}
	kind, octets, rest := index[0], index[2:2+index[1]], index[2+index[1]:]
	var binary []byte
	for _, o := range octets {
		if o > 255 {
			return addr, nil, fmt.Errorf("%d in %v is no octet", o, index)
		}
		binary = append(binary, byte(o))
	}
	switch {
	case kind == 0 && len(binary) == 0:
		return addr, rest, nil
	case kind == 1 && len(binary) == 4, kind == 2 && len(binary) == 16:
		addr, _ = netip.AddrFromSlice(binary)
		return addr, rest, nil
	}
	return addr, nil, fmt.Errorf("%v begins with an address of type %d and %d octets", index, kind, len(binary))
}

// keptRoutes reads inetCidrRouteTable as LibreNMS' discovery does: of each
// destination and prefix length it keeps the first policy that the walk meets,
// with all next hops under that.
func (s *scene) keptRoutes(t testing.TB) map[netip.Prefix]keptRoute {
	t.Helper()
	column := parseOID(t, inetCidrRouteEntry+".7") // inetCidrRouteIfIndex
	kept := make(map[netip.Prefix]keptRoute)
	for _, line := range s.lines(t, "snmpbulkwalk", ask("2c", "public", "udp", "-On", "-Cr50", column.String())...) {
		name, value, _ := strings.Cut(line, " = INTEGER: ")
		device, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			t.Fatalf("snmpbulkwalk prints %q", line)
		}
		destination, rest, err := readAddress(parseOID(t, name)[len(column):])
		if err != nil {
			t.Fatal(err)
		}
		if len(rest) < 2 || uint64(len(rest)-2) < uint64(rest[1]) {
			t.Fatalf("%s ends within its policy", name)
		}
		to := netip.PrefixFrom(destination, int(rest[0]))
		policy, rest := rest[2:2+rest[1]], rest[2+rest[1]:]
		gateway, rest, err := readAddress(rest)
		if err != nil || len(rest) != 0 {
			t.Fatalf("%s does not end with a next hop: %v", name, err)
		}
		route, met := kept[to]
		if !met {
			route = keptRoute{policy.String(), make(map[mainHop]bool)}
			kept[to] = route
		}
		if route.policy == policy.String() {
			route.hops[mainHop{gateway, uint32(device)}] = true
		}
	}
	return kept
}

// mainRoute is a route of the main table.
type mainRoute struct {
	hops map[mainHop]bool
	// plain says that nothing but its next hops tells it from others.
	plain bool
	// alike says that two of its next hops have the same gateway.
	alike bool
}

func (r mainRoute) String() string {
	return fmt.Sprintf("%s (plain %t, gateways alike %t)", hopsOf(r.hops), r.plain, r.alike)
}

// mainRoutes are the routes that `ip route show table main` prints.
func (s *scene) mainRoutes(t testing.TB) map[netip.Prefix][]mainRoute {
	t.Helper()
	devices := make(map[string]uint32)
	for _, l := range s.links(t) {
		devices[l.Name] = l.Index
	}
	all := make(map[netip.Prefix][]mainRoute)
	for family, usual := range map[string]uint32{"-4": 0, "-6": 1024} {
		var printed []ipRoute
		s.JSON(t, &printed, family, "route", "show", "table", "main")
		for _, p := range printed {
			hops := p.Nexthops
			if len(hops) == 0 {
				hops = []ipHop{p.ipHop}
			}
			r := mainRoute{
				hops:  make(map[mainHop]bool),
				plain: p.Metric == usual && p.TOS == "" && p.From == "",
			}
			gateways := make(map[netip.Addr]bool)
			for _, h := range hops {
				var gateway netip.Addr
				if text := h.Gateway + h.Via.Host; text != "" {
					gateway = netip.MustParseAddr(text)
				} else if p.Type == "" { // unicast: by its device alone
					r.plain = false
				}
				r.alike = r.alike || gateways[gateway]
				gateways[gateway] = true
				r.hops[mainHop{gateway, devices[h.Dev]}] = true
			}
			r.plain = r.plain && !r.alike
			to := prefix(t, p.Dst, family)
			all[to] = append(all[to], r)
		}
	}
	return all
}

// newMultipaths is newScene with multipath routes beside others to the same
// destinations.
func newMultipaths(t testing.TB) *scene {
	t.Helper()
	s := newScene(t)
	s.IP(t,
		"route add 10.200.0.0/16 nexthop via 192.0.2.21 nexthop via 192.0.2.22 nexthop via 198.51.100.21",
		"route add 10.200.0.0/16 via 192.0.2.23 metric 9",
		"route add 10.200.0.0/16 via 192.0.2.24 table 100",
		"-6 route add 2001:db8:f::/48 nexthop via 2001:db8::f1 nexthop via 2001:db8::f2 nexthop via fe80::f3 dev br0",
		"-6 route add 2001:db8:f::/48 via 2001:db8::f4 metric 9",
		"-6 route add 2001:db8:f::/48 via 2001:db8::f5 table 100",
	)
	return s
}

// TestFirstPolicyHasTheRoutes holds that a manager that keeps but one policy of a
// destination, as LibreNMS does, has the main table's route with all next hops.
// Only next hops by the same gateway need policies of their own.
func TestFirstPolicyHasTheRoutes(t *testing.T) {
	bothWays(t, newMultipaths, func(t *testing.T, s *scene) {
		eventually(t, func() string { return firstPolicies(s.keptRoutes(t), s.mainRoutes(t)) })
	})
}

// firstPolicies says what is wrong with what is kept of the routes.
func firstPolicies(kept map[netip.Prefix]keptRoute, routes map[netip.Prefix][]mainRoute) string {
	plain := map[bool]int{} // multipath routes with policy 0.0, by whether they are of IPv4
	for to, all := range routes {
		got, ok := kept[to]
		if !ok {
			return fmt.Sprintf("no row of %v", to)
		}
		if i := slices.IndexFunc(all, func(r mainRoute) bool { return r.plain }); i >= 0 {
			if got.policy != "0.0" || !maps.Equal(got.hops, all[i].hops) {
				return fmt.Sprintf("of %v is kept policy %s with %v, want 0.0 with %v", to, got.policy, hopsOf(got.hops), hopsOf(all[i].hops))
			}
			if len(got.hops) > 1 {
				plain[to.Addr().Is4()]++
			}
			continue
		}
		if !slices.ContainsFunc(all, func(r mainRoute) bool { return maps.Equal(got.hops, r.hops) || r.alike && isPartOf(got.hops, r.hops) }) {
			return fmt.Sprintf("of %v is kept %v under policy %s, want the next hops of one of %v", to, hopsOf(got.hops), got.policy, all)
		}
	}
	if plain[true] == 0 || plain[false] == 0 {
		return fmt.Sprintf("the scene has %d plain multipath routes of IPv4 and %d of IPv6", plain[true], plain[false])
	}
	return ""
}

func isPartOf(some, all map[mainHop]bool) bool {
	for h := range some {
		if !all[h] {
			return false
		}
	}
	return true
}
