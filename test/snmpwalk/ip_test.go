package snmpwalk_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// ipAddress is an address as `ip -j -d addr` shows it, and its link's number.
type ipAddress struct {
	index         uint32
	Local         string
	Address       string // of the peer
	PrefixLen     int
	Dynamic       bool
	Temporary     bool
	Deprecated    bool
	Tentative     bool
	DADFailed     bool
	NoPrefixRoute bool
	Valid         uint32 `json:"valid_life_time"`
	Preferred     uint32 `json:"preferred_life_time"`
}

const forever = 1<<32 - 1

func (a *ipAddress) local() netip.Addr { return netip.MustParseAddr(a.Local) }

// prefix is what is on the link: of an address with a peer, the peer's.
func (a *ipAddress) prefix() netip.Prefix {
	addr := a.local()
	if a.Address != "" {
		addr = netip.MustParseAddr(a.Address)
	}
	return netip.PrefixFrom(addr, a.PrefixLen).Masked()
}

// prefixIndex is the index of a prefix in ipAddressPrefixTable, where link-local
// ones have no zone.
func (a *ipAddress) prefixIndex() string {
	return fmt.Sprintf("%d.%s.%d", a.index, inet(a.prefix().Addr(), 0), a.PrefixLen)
}

// stateless says whether an IPv6 address was made of a prefix by the host: of the
// links of the scene, with the link-layer address in it.
func (a *ipAddress) stateless() bool {
	octets := a.local().As16()
	return a.local().Is6() && octets[11] == 0xff && octets[12] == 0xfe
}

// addresses returns the addresses in the order of their links' numbers.
func (s *scene) addresses(t testing.TB) (all []ipAddress) {
	t.Helper()
	var links []struct {
		IfIndex  uint32
		AddrInfo []ipAddress `json:"addr_info"`
	}
	s.JSON(t, &links, "-d", "addr", "show")
	for _, l := range links {
		for _, a := range l.AddrInfo {
			a.index = l.IfIndex
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b ipAddress) int { return int(a.index) - int(b.index) })
	return all
}

// wantAddresses leaves the times of ipAddressTable out.
func (s *scene) wantAddresses(t testing.TB) rows {
	want := make(rows)
	addresses := s.addresses(t)
	slices.Reverse(addresses) // of one address on two links that of the lower number stays
	var short, long []string
	for _, a := range addresses {
		short, long = append(short, inet(a.local(), 0)), append(long, inet(a.local(), a.index))
	}
	indexes := apart(short, long)
	for i, a := range addresses {
		index := indexes[i]
		want.set(3, index, decimal(uint64(a.index)))
		want.set(4, index, "1") // unicast
		want.set(5, index, ipAddressPrefixEntry+".5."+a.prefixIndex())
		origin := "1" // other
		switch {
		case a.Temporary, a.local().Is4() && a.local().IsLinkLocalUnicast():
			origin = "6" // random
		case a.stateless():
			origin = "5" // linklayer
		case !a.Dynamic:
			origin = "2" // manual
		}
		want.set(6, index, origin)
		status := "1" // preferred
		switch {
		case a.DADFailed:
			status = "7"
		case a.Tentative:
			status = "6"
		case a.Deprecated:
			status = "2"
		}
		want.set(7, index, status)
		want.set(10, index, "1") // active
		want.set(11, index, "2") // volatile
	}
	return want
}

func withoutTimes(r rows, columns ...string) rows {
	r = maps.Clone(r)
	maps.DeleteFunc(r, func(name, _ string) bool {
		column, _, _ := strings.Cut(name, ".")
		return slices.Contains(columns, column)
	})
	return r
}

func (s *scene) wantPrefixes(t testing.TB) rows {
	want := make(rows)
	type prefix struct {
		origin             int
		onLink, autonomous bool
		preferred, valid   bool // for ever
	}
	all := make(map[string]*prefix)
	for _, a := range s.addresses(t) {
		p := all[a.prefixIndex()]
		if p == nil {
			p = &prefix{origin: 1}
			all[a.prefixIndex()] = p
		}
		switch addr := a.local(); {
		case addr.IsLinkLocalUnicast() || addr.IsLoopback():
			p.origin = 3 // wellknown
		case !a.Dynamic && p.origin == 1:
			p.origin = 2
		}
		p.onLink = p.onLink || a.local().Is4() || !a.NoPrefixRoute
		p.autonomous = p.autonomous || a.local().Is6() && (a.stateless() || a.Temporary)
		p.preferred = p.preferred || a.Preferred == forever
		p.valid = p.valid || a.Valid == forever
	}
	for index, p := range all {
		want.set(5, index, strconv.Itoa(p.origin))
		if p.onLink {
			want.set(6, index, "1")
		}
		want.set(7, index, truth(p.autonomous))
		if p.preferred {
			want.set(8, index, decimal(uint64(forever)))
		}
		if p.valid {
			want.set(9, index, decimal(uint64(forever)))
		}
	}
	return want
}

func (s *scene) wantOldAddresses(t testing.TB) rows {
	want := make(rows)
	addresses := s.addresses(t)
	slices.Reverse(addresses)
	for _, a := range addresses {
		if !a.local().Is4() {
			continue
		}
		want.set(1, a.Local, a.Local)
		want.set(2, a.Local, decimal(uint64(a.index)))
		want.set(3, a.Local, netmask(a.PrefixLen))
		want.set(4, a.Local, "1")
		want.set(5, a.Local, "65535")
	}
	return want
}

// ipNeighbour is a neighbour as `ip -j neigh` shows it.
type ipNeighbour struct {
	Dst, Dev, LLAddr string
	State            []string
}

func (s *scene) neighbours(t testing.TB) (all []ipNeighbour, index map[string]uint32) {
	t.Helper()
	index = make(map[string]uint32)
	for _, l := range s.links(t) {
		index[l.Name] = l.Index
	}
	s.JSON(t, &all, "neigh", "show")
	return all, index
}

// kind is static(4) or dynamic(3).
func (n *ipNeighbour) kind() string {
	if slices.Contains(n.State, "PERMANENT") {
		return "4"
	}
	return "3"
}

func (s *scene) wantNeighbours(t testing.TB) rows {
	want := make(rows)
	states := map[string]string{
		"REACHABLE": "1", "STALE": "2", "DELAY": "3", "PROBE": "4", "FAILED": "5", "PERMANENT": "6", "INCOMPLETE": "7",
	}
	neighbours, index := s.neighbours(t)
	for _, n := range neighbours {
		link := index[n.Dev]
		row := fmt.Sprintf("%d.%s", link, inet(netip.MustParseAddr(n.Dst), 0))
		want.set(4, row, hardwareAddress(t, n.LLAddr))
		want.set(6, row, n.kind())
		want.set(7, row, states[n.State[0]])
		want.set(8, row, "1")
	}
	return want
}

func (s *scene) wantOldNeighbours(t testing.TB) rows {
	want := make(rows)
	neighbours, index := s.neighbours(t)
	for _, n := range neighbours {
		if !netip.MustParseAddr(n.Dst).Is4() || n.LLAddr == "" { // nobody answered, or not yet
			continue
		}
		row := fmt.Sprintf("%d.%s", index[n.Dev], n.Dst)
		want.set(1, row, decimal(uint64(index[n.Dev])))
		want.set(2, row, hardwareAddress(t, n.LLAddr))
		want.set(3, row, n.Dst)
		want.set(4, row, n.kind())
	}
	return want
}

// TestAddressTables holds that addresses and neighbours are those that ip(8)
// lists, as they come and go.
func TestAddressTables(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		check := func(t *testing.T) {
			for _, test := range []struct {
				name, entry string
				leftOut     []string
				want        func(testing.TB) rows
			}{
				{"ipAddressTable", ipAddressEntry, []string{"8", "9"}, s.wantAddresses},
				{"ipAddressPrefixTable", ipAddressPrefixEntry, nil, s.wantPrefixes},
				{"ipAddrTable", ipAddrEntry, nil, s.wantOldAddresses},
				{"ipNetToPhysicalTable", ipNetToPhysicalEntry, []string{"5"}, s.wantNeighbours},
				{"ipNetToMediaTable", ipNetToMediaEntry, nil, s.wantOldNeighbours},
			} {
				t.Run(test.name, func(t *testing.T) {
					matches(t, test.name, func() rows { return withoutTimes(c.table(t, test.entry), test.leftOut...) },
						func() rows { return test.want(t) })
				})
			}
		}
		t.Run("at first", check)
		s.IP(t,
			"address add 198.51.100.9 peer 198.51.100.10/32 dev br0",
			"address add 198.51.100.17 peer 203.0.113.16/28 dev br0",
			"address add 192.0.2.1/25 dev br0", // v0 has it, too
			"address add 192.0.2.1/32 dev lo",
			"address add 169.254.7.7/16 dev v0",
			"address add 192.0.2.33/24 dev v0 valid_lft 3000 preferred_lft 0",
			"address add 2001:db8::33/64 dev v0 nodad valid_lft 3000 preferred_lft 2000",
			"address add 2001:db8:33::1/64 dev br0 nodad noprefixroute",
			"address add 2001:db8:34::1/64 dev br0 nodad preferred_lft 0 valid_lft 3000",
			"address add 2001:db8:35::1/128 dev lo",
			"address del fe80::11/64 dev v0",
			"neighbour add 192.0.2.3 lladdr 02:00:00:00:00:03 dev v0 nud stale",
			"neighbour add 192.0.2.4 lladdr 02:00:00:00:00:04 dev v0 nud reachable",
			"neighbour add 192.0.2.5 lladdr 02:00:00:00:00:05 dev v0 nud noarp",
			"neighbour add proxy 192.0.2.6 dev v0",
			"neighbour add 192.0.2.2 lladdr 02:00:00:00:00:22 dev br0 nud permanent", // on v0 it is another
			"neighbour add fe80::77 lladdr 02:00:00:00:00:77 dev v0 nud stale",
			"neighbour add fe80::77 lladdr 02:00:00:00:00:78 dev br0 nud permanent",
			"neighbour add 2001:db8::77 lladdr 02:00:00:00:00:79 dev v0 nud permanent",
		)
		t.Run("with more", check)
		s.IP(t, "neighbour del 192.0.2.2 dev v0", "address del 192.0.2.1/32 dev lo", "link set br0 down")
		t.Run("with less", check)
	})
}

// kernelCounters are the columns of ipSystemStatsTable that count, with the names
// that /proc/net has for them: of IPv4 (snmp and netstat), of IPv6 (snmp6). Of
// those that have none the kernel does not tell.
var kernelCounters = []struct {
	column   int
	wide     int // the column of 64 bits, or 0
	ip4, ip6 string
}{
	{3, 4, "Ip.InReceives", "Ip6InReceives"}, {5, 6, "IpExt.InOctets", "Ip6InOctets"}, {7, 0, "Ip.InHdrErrors", "Ip6InHdrErrors"},
	{8, 0, "IpExt.InNoRoutes", "Ip6InNoRoutes"}, {9, 0, "Ip.InAddrErrors", "Ip6InAddrErrors"},
	{10, 0, "Ip.InUnknownProtos", "Ip6InUnknownProtos"}, {11, 0, "IpExt.InTruncatedPkts", "Ip6InTruncatedPkts"},
	{14, 0, "Ip.ReasmReqds", "Ip6ReasmReqds"}, {15, 0, "Ip.ReasmOKs", "Ip6ReasmOKs"}, {16, 0, "Ip.ReasmFails", "Ip6ReasmFails"},
	{17, 0, "Ip.InDiscards", "Ip6InDiscards"}, {18, 19, "Ip.InDelivers", "Ip6InDelivers"}, {20, 21, "Ip.OutRequests", "Ip6OutRequests"},
	{22, 0, "Ip.OutNoRoutes", "Ip6OutNoRoutes"}, {23, 24, "Ip.ForwDatagrams", "Ip6OutForwDatagrams"},
	{25, 0, "Ip.OutDiscards", "Ip6OutDiscards"}, {27, 0, "Ip.FragOKs", "Ip6FragOKs"}, {28, 0, "Ip.FragFails", "Ip6FragFails"},
	{29, 0, "Ip.FragCreates", "Ip6FragCreates"}, {30, 31, "Ip.OutTransmits", "Ip6OutTransmits"},
	{32, 33, "IpExt.OutOctets", "Ip6OutOctets"}, {34, 35, "IpExt.InMcastPkts", "Ip6InMcastPkts"},
	{36, 37, "IpExt.InMcastOctets", "Ip6InMcastOctets"}, {38, 39, "IpExt.OutMcastPkts", "Ip6OutMcastPkts"},
	{40, 41, "IpExt.OutMcastOctets", "Ip6OutMcastOctets"}, {42, 43, "IpExt.InBcastPkts", ""}, {44, 45, "IpExt.OutBcastPkts", ""},
}

// oldCounters are the scalars below ip that count.
var oldCounters = map[int]string{
	3: "Ip.InReceives", 4: "Ip.InHdrErrors", 5: "Ip.InAddrErrors", 6: "Ip.ForwDatagrams", 7: "Ip.InUnknownProtos", 8: "Ip.InDiscards",
	9: "Ip.InDelivers", 10: "Ip.OutRequests", 11: "Ip.OutDiscards", 12: "Ip.OutNoRoutes", 14: "Ip.ReasmReqds", 15: "Ip.ReasmOKs",
	16: "Ip.ReasmFails", 17: "Ip.FragOKs", 18: "Ip.FragFails", 19: "Ip.FragCreates",
}

// oldMessages are the scalars below icmp, in order.
var oldMessages = strings.Fields("InMsgs InErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps " +
	"InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs " +
	"OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps")

// procNet returns the numbers of /proc/net/snmp and netstat, "Ip.InReceives", and
// of snmp6, "Ip6InReceives".
func (s *scene) procNet(t testing.TB) map[string]uint64 {
	t.Helper()
	all := make(map[string]uint64)
	set := func(name, value string) {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = uint64(n)
	}
	lines := strings.Split(s.Run(t, "cat", "/proc/net/snmp", "/proc/net/netstat"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(names) != len(values) || names[0] != values[0] {
			t.Fatalf("%q, %q", lines[i], lines[i+1])
		}
		for j := 1; j < len(names); j++ {
			set(strings.TrimSuffix(names[0], ":")+"."+names[j], values[j])
		}
	}
	for line := range strings.Lines(s.Run(t, "cat", "/proc/net/snmp6")) {
		f := strings.Fields(line)
		set(f[0], f[1])
	}
	return all
}

// exchange makes counters count: messages of ICMP, fragments, packets to ports
// that nobody has.
func (s *scene) exchange(t testing.TB) {
	t.Helper()
	s.Run(t, "ping", "-q", "-c", "2", "-i", "0.01", "127.0.0.1")
	s.IP(t, "link set lo mtu 1400")
	s.Run(t, "ping", "-q", "-c", "2", "-i", "0.01", "-s", "5000", "127.0.0.1")
	s.Run(t, "ping", "-q", "-c", "2", "-i", "0.01", "::1")
	s.sendToNobody(t)
}

// TestIPCounters holds that what IP and ICMP count is what the kernel tells.
func TestIPCounters(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		s.exchange(t)
		c := s.client(t)
		type counter struct{ oid, kernel string }
		var counters []counter
		is := func(oid, kernel string) { counters = append(counters, counter{oid, kernel}) }
		absent := func(oid string) {
			t.Helper()
			if v := c.get(t, parseOID(t, oid)); v.kind != gosnmp.NoSuchInstance && v.kind != gosnmp.NoSuchObject {
				t.Errorf("%v, which the kernel does not tell", v)
			}
		}
		there := s.procNet(t)
		for _, counter := range kernelCounters {
			for version, kernel := range map[int]string{1: counter.ip4, 2: counter.ip6} {
				for _, column := range []int{counter.column, counter.wide} {
					if column == 0 {
						continue
					}
					oid := fmt.Sprintf("%s.%d.%d", ipSystemStatsEntry, column, version)
					if _, ok := there[kernel]; !ok {
						absent(oid)
						continue
					}
					is(oid, kernel)
				}
			}
		}
		for version := 1; version <= 2; version++ {
			for _, column := range []int{12, 13} { // InForwDatagrams
				absent(fmt.Sprintf("%s.%d.%d", ipSystemStatsEntry, column, version))
			}
		}
		between(t, "ipSystemStatsOutFragReqds", func() uint64 { return c.number(t, ipSystemStatsEntry+".26.1") },
			func() uint64 { n := s.procNet(t); return n["Ip.FragOKs"] + n["Ip.FragFails"] })
		for sub, kernel := range oldCounters {
			is(fmt.Sprintf("1.3.6.1.2.1.4.%d.0", sub), kernel)
		}
		for i, kernel := range oldMessages {
			is(fmt.Sprintf("1.3.6.1.2.1.5.%d.0", i+1), "Icmp."+kernel)
		}
		for i, name := range []string{"InMsgs", "InErrors", "OutMsgs", "OutErrors"} {
			is(fmt.Sprintf("%s.%d.1", icmpStatsEntry, i+2), "Icmp."+name)
			is(fmt.Sprintf("%s.%d.2", icmpStatsEntry, i+2), "Icmp6"+name)
		}
		if len(counters) < 100 {
			t.Errorf("only %d counters are known here", len(counters))
		}
		least, got := s.procNet(t), make(map[string]uint64)
		eventually(t, func() string {
			for _, counter := range counters {
				n := c.number(t, counter.oid)
				if got[counter.oid] = n; n < least[counter.kernel] {
					return fmt.Sprintf("%s (%s) = %d, and %d had been counted before", counter.kernel, counter.oid, n, least[counter.kernel])
				}
			}
			return ""
		})
		most := s.procNet(t)
		for _, counter := range counters {
			if n := got[counter.oid]; n > most[counter.kernel] {
				t.Errorf("%s (%s) = %d, and not more than %d have been counted", counter.kernel, counter.oid, n, most[counter.kernel])
			}
		}
		t.Run("types of messages", func(t *testing.T) {
			matches(t, "icmpMsgStatsTable", func() rows { return c.table(t, icmpMsgStatsEntry) }, func() rows { return wantTypes(s.procNet(t)) })
		})
		t.Run("made on purpose", func(t *testing.T) {
			types := c.table(t, icmpMsgStatsEntry)
			for name, least := range map[string]uint64{
				"3.1.8": 2, "4.1.8": 2, "3.1.0": 2, "4.1.0": 2, "3.1.3": 1, "4.1.3": 1, // echoes, unreachable
				"3.2.128": 2, "4.2.129": 2, "3.2.1": 1,
			} {
				if n, err := strconv.ParseUint(types[name], 10, 64); err != nil || n < least {
					t.Errorf("icmpMsgStatsEntry.%s = %q, want at least %d", name, types[name], least)
				}
			}
			for oid, least := range map[string]uint64{
				ipSystemStatsEntry + ".14.1": 2, ipSystemStatsEntry + ".15.1": 1, ipSystemStatsEntry + ".29.1": 2,
			} {
				if n := c.number(t, oid); n < least {
					t.Errorf("%s = %d, want at least %d: packets were in fragments", oid, n, least)
				}
			}
		})
	})
}

// wantTypes is icmpMsgStatsTable. The kernel lists only what is not 0.
func wantTypes(counters map[string]uint64) rows {
	want := make(rows)
	for name, n := range counters {
		for _, names := range []struct {
			prefix  string
			version int
			column  int
		}{{"IcmpMsg.InType", 1, 3}, {"IcmpMsg.OutType", 1, 4}, {"Icmp6InType", 2, 3}, {"Icmp6OutType", 2, 4}} {
			number, ok := strings.CutPrefix(name, names.prefix)
			if !ok {
				continue
			}
			index := fmt.Sprintf("%d.%s", names.version, number)
			for column := 3; column <= 4; column++ {
				if _, set := want[fmt.Sprintf("%d.%s", column, index)]; !set {
					want.set(column, index, "0")
				}
			}
			want.set(names.column, index, counter32(n))
		}
	}
	return want
}

// TestIPSettings holds that the settings are those of the namespace.
func TestIPSettings(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		for _, values := range [][2]string{{"1", "0"}, {"0", "1"}} {
			s.Sysctl(t, "net.ipv4.ip_forward", values[0])
			s.Sysctl(t, "net.ipv6.conf.all.forwarding", values[1])
			s.Sysctl(t, "net.ipv4.ip_default_ttl", "7"+values[0])
			s.Sysctl(t, "net.ipv4.ipfrag_time", "1"+values[0])
			s.Sysctl(t, "net.ipv6.conf.default.hop_limit", "8"+values[0])
			want := map[string]string{
				"1": truth(values[0] == "1"), "2": "7" + values[0], "13": "1" + values[0], "23": "0",
				"25": truth(values[1] == "1"), "26": "8" + values[0],
			}
			eventually(t, func() string {
				for sub, value := range want {
					if v := c.get(t, parseOID(t, "1.3.6.1.2.1.4."+sub+".0")); v.value != value {
						return fmt.Sprintf("%v, want %s", v, value)
					}
				}
				return ""
			})
		}
	})
}
