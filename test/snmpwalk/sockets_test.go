package snmpwalk_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ssSocket is a socket as ss(8) shows it.
type ssSocket struct {
	state         string
	local, remote netip.AddrPort // without zones
	any           bool           // bound to the wildcard of both families ("*")
	zone          uint32         // of the device after "%", or 0
	inode         uint64
	pids          []int
}

// ss returns the sockets of a kind: "t" or "u".
func (s *scene) ss(t testing.TB, kind string) (all []ssSocket) {
	t.Helper()
	links := s.links(t)
	for line := range strings.Lines(s.Run(t, "ss", "-Hnape"+kind)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("ss prints %q", line)
		}
		socket := ssSocket{state: f[0]}
		var device string
		socket.local, device, socket.any = ssAddress(t, f[3])
		socket.remote, _, _ = ssAddress(t, f[4])
		if device != "" {
			i := slices.IndexFunc(links, func(l ipLink) bool { return l.Name == device })
			if i < 0 {
				continue // renamed or gone since ss looked
			}
			socket.zone = links[i].Index
		}
		for _, attribute := range f[5:] {
			if users, ok := strings.CutPrefix(attribute, "users:("); ok {
				for user := range strings.SplitSeq(users, ",") {
					if pid, ok := strings.CutPrefix(user, "pid="); ok {
						n, err := strconv.Atoi(pid)
						if err != nil {
							t.Fatalf("ss prints %q", line)
						}
						socket.pids = append(socket.pids, n)
					}
				}
			}
			if inode, ok := strings.CutPrefix(attribute, "ino:"); ok {
				n, err := strconv.ParseUint(inode, 10, 32)
				if err != nil {
					t.Fatalf("ss prints %q", line)
				}
				socket.inode = n
			}
		}
		all = append(all, socket)
	}
	return all
}

// ssAddress parses "127.0.0.1:22", "[fe80::1]%eth0:22", "[::]:*" and "*:22".
func ssAddress(t testing.TB, s string) (a netip.AddrPort, device string, both bool) {
	t.Helper()
	colon := strings.LastIndexByte(s, ':')
	host, p := s[:colon], s[colon+1:]
	host, device, _ = strings.Cut(host, "%")
	if both = host == "*"; both {
		host = "::"
	}
	if p == "*" {
		p = "0"
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		t.Fatalf("ss prints the address %q: %v", s, err)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		t.Fatalf("ss prints the address %q: %v", s, err)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), device, both
}

// inet is an InetAddressType and InetAddress in an index (RFC 4001): the zone
// counts for link-local IPv6 addresses only, and the zero Addr is unknown(0).
func inet(a netip.Addr, zone uint32) string {
	var subs []string
	add := func(octets ...byte) {
		for _, o := range octets {
			subs = append(subs, strconv.Itoa(int(o)))
		}
	}
	zoned := zone != 0 && a.Is6() && a.IsLinkLocalUnicast()
	switch {
	case !a.IsValid():
		return "0.0"
	case a.Is4():
		add(1, 4)
	case zoned:
		add(4, 20)
	default:
		add(2, 16)
	}
	add(a.AsSlice()...)
	if zoned {
		add(byte(zone>>24), byte(zone>>16), byte(zone>>8), byte(zone))
	}
	return strings.Join(subs, ".")
}

// apart returns the indexes of rows by the forms that each may have: the short one,
// and of those that would share it the long one, where that is not the same for all.
func apart(short, long []string) []string {
	forms := make(map[string]map[string]bool)
	for i := range short {
		if forms[short[i]] == nil {
			forms[short[i]] = make(map[string]bool)
		}
		forms[short[i]][long[i]] = true
	}
	indexes := slices.Clone(short)
	for i := range short {
		if len(forms[short[i]]) > 1 {
			indexes[i] = long[i]
		}
	}
	return indexes
}

// indexed returns the indexes of sockets, which are told apart by zones.
func indexed(sockets []ssSocket, index func(s ssSocket) string) []string {
	var short, long []string
	for _, s := range sockets {
		long = append(long, index(s))
		s.zone = 0
		short = append(short, index(s))
	}
	return apart(short, long)
}

// hiddenProcesses reports whether some process hides its descriptors from this
// one, so that a socket without a known owner may have one.
func hiddenProcesses(t testing.TB) bool {
	t.Helper()
	directories, err := filepath.Glob("/proc/[0-9]*/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if os.IsPermission(err) {
			return true
		}
		for _, e := range entries {
			if _, err := os.Readlink(filepath.Join(directory, e.Name())); os.IsPermission(err) {
				return true
			}
		}
	}
	return false
}

// owner is the value of a process column, and whether there is one.
func (s ssSocket) owner(hidden bool) (string, bool) {
	switch {
	case len(s.pids) > 0:
		return strconv.Itoa(slices.Min(s.pids)), true
	case s.inode != 0 && hidden:
		return "", false
	}
	return "0", true
}

// ownerOrZero is the value of a process column that is the only one that its
// table shows: there a row is visible though its process is not known.
func (s ssSocket) ownerOrZero() string {
	pid, _ := s.owner(false)
	return pid
}

// tcpStates are the numbers of tcpConnectionState by ss's names.
var tcpStates = map[string]string{
	"UNCONN": "1", "LISTEN": "2", "SYN-SENT": "3", "SYN-RECV": "4", "ESTAB": "5", "FIN-WAIT-1": "6",
	"FIN-WAIT-2": "7", "CLOSE-WAIT": "8", "LAST-ACK": "9", "CLOSING": "10", "TIME-WAIT": "11",
}

func (s ssSocket) isIPv4() bool { return s.any || s.local.Addr().Is4() }

// ipv4 is an IpAddress of an index: the wildcard of both families is 0.0.0.0.
func ipv4(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	return "0.0.0.0"
}

// bound is a local end that anybody may send to.
func (s ssSocket) bound() string {
	if s.any {
		return inet(netip.Addr{}, 0)
	}
	return inet(s.local.Addr(), s.zone)
}

func wantConnections(sockets []ssSocket, hidden bool) rows {
	want := make(rows)
	sockets = slices.DeleteFunc(slices.Clone(sockets), func(s ssSocket) bool { return s.state == "LISTEN" })
	indexes := indexed(sockets, func(s ssSocket) string {
		return fmt.Sprintf("%s.%d.%s.%d", inet(s.local.Addr(), s.zone), s.local.Port(), inet(s.remote.Addr(), s.zone), s.remote.Port())
	})
	for i, s := range sockets {
		index := indexes[i]
		want.set(7, index, tcpStates[s.state])
		if pid, known := s.owner(hidden); known {
			want.set(8, index, pid)
		}
	}
	return want
}

// byOwner sorts the sockets that share an index so that the one which is shown
// comes last.
func byOwner(sockets []ssSocket) []ssSocket {
	first := func(s ssSocket) int {
		if len(s.pids) == 0 {
			return 1 << 30
		}
		return slices.Min(s.pids)
	}
	return slices.SortedStableFunc(slices.Values(sockets), func(a, b ssSocket) int { return cmp.Compare(first(b), first(a)) })
}

func wantListeners(sockets []ssSocket) rows {
	want := make(rows)
	sockets = slices.DeleteFunc(byOwner(sockets), func(s ssSocket) bool { return s.state != "LISTEN" })
	indexes := indexed(sockets, func(s ssSocket) string { return fmt.Sprintf("%s.%d", s.bound(), s.local.Port()) })
	for i, s := range sockets {
		want.set(4, indexes[i], s.ownerOrZero())
	}
	return want
}

func wantIPv4Connections(sockets []ssSocket) rows {
	want := make(rows)
	for _, s := range sockets {
		if !s.isIPv4() {
			continue
		}
		local, remote := ipv4(s.local.Addr()), ipv4(s.remote.Addr())
		index := fmt.Sprintf("%s.%d.%s.%d", local, s.local.Port(), remote, s.remote.Port())
		want.set(1, index, tcpStates[s.state])
		want.set(2, index, local)
		want.set(3, index, strconv.Itoa(int(s.local.Port())))
		want.set(4, index, remote)
		want.set(5, index, strconv.Itoa(int(s.remote.Port())))
	}
	return want
}

func wantEndpoints(sockets []ssSocket) rows {
	want := make(rows)
	indexes := indexed(sockets, func(s ssSocket) string {
		remote := inet(netip.Addr{}, 0)
		if s.state == "ESTAB" {
			remote = inet(s.remote.Addr(), s.zone)
		}
		return fmt.Sprintf("%s.%d.%s.%d.%d", s.bound(), s.local.Port(), remote, s.remote.Port(), s.inode)
	})
	for i, s := range sockets {
		want.set(8, indexes[i], s.ownerOrZero())
	}
	return want
}

func wantIPv4Endpoints(sockets []ssSocket) rows {
	want := make(rows)
	for _, s := range sockets {
		if s.isIPv4() {
			index := fmt.Sprintf("%s.%d", ipv4(s.local.Addr()), s.local.Port())
			want.set(1, index, ipv4(s.local.Addr()))
			want.set(2, index, strconv.Itoa(int(s.local.Port())))
		}
	}
	return want
}

func TestSocketTables(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		s.timeWait(t)
		c := s.client(t)
		hidden := hiddenProcesses(t)
		for _, test := range []struct {
			name, entry, kind string
			want              func([]ssSocket) rows
		}{
			{"tcpConnectionTable", tcpConnectionEntry, "t", func(all []ssSocket) rows { return wantConnections(all, hidden) }},
			{"tcpListenerTable", tcpListenerEntry, "t", wantListeners},
			{"tcpConnTable", tcpConnEntry, "t", wantIPv4Connections},
			{"udpEndpointTable", udpEndpointEntry, "u", wantEndpoints},
			{"udpTable", udpEntry, "u", wantIPv4Endpoints},
		} {
			t.Run(test.name, func(t *testing.T) {
				matches(t, test.name,
					func() rows { return c.table(t, test.entry) },
					func() rows { return test.want(s.ss(t, test.kind)) })
			})
		}
		t.Run("opened on purpose", func(t *testing.T) { checkPurpose(t, s, c) })
	})
}

// checkPurpose holds that the sockets which the scene opened are in the tables,
// by indexes that are written out here.
func checkPurpose(t *testing.T, s *scene, c *client) {
	const (
		linkLocal = "2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.17" // fe80::11%v0
		anywhere6 = "2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
		loopback  = "1.4.127.0.0.1"
		loopback6 = "2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
	)
	self, holder := strconv.Itoa(os.Getpid()), strconv.Itoa(s.holder.Process.Pid)
	lower := strconv.Itoa(min(os.Getpid(), s.holder.Process.Pid))

	want := rows{
		"20.1.4.0.0.5000":                                      self, // dual-stack
		"20.1.4." + anywhere6 + ".5001":                        self, // IPV6_V6ONLY
		"20.1.4.1.4.0.0.0.0.5002":                              self,
		"20.1.4." + loopback + ".5003":                         lower, // SO_REUSEPORT by two processes
		"20.1.4." + linkLocal + ".5004":                        self,
		"20.1.4." + loopback6 + ".5005":                        self,
		"20.1.4." + loopback + ".5006":                         self, // bound to an IPv4-mapped address
		"20.1.4." + loopback + ".5010":                         holder,
		"13.1.1.0.0.0.0.5000.0.0.0.0.0":                        "2",
		"13.1.1.127.0.0.1.5006.0.0.0.0.0":                      "2",
		"13.1.1.127.0.0.1.5003.0.0.0.0.0":                      "2",
		"19.1.7." + loopback + ".5100." + loopback + ".5000":   "5",
		"19.1.8." + loopback + ".5100." + loopback + ".5000":   self,
		"19.1.7." + loopback + ".5000." + loopback + ".5100":   "5", // an IPv4-mapped connection
		"19.1.8." + loopback + ".5000." + loopback + ".5100":   "0", // which nobody has accepted
		"19.1.7." + loopback6 + ".5101." + loopback6 + ".5000": "5",
		"19.1.7." + linkLocal + ".5102." + linkLocal + ".5004": "5",
		"19.1.7." + loopback + ".5103." + loopback + ".5020":   "11", // TIME-WAIT
		"19.1.8." + loopback + ".5103." + loopback + ".5020":   "0",
		"13.1.1.127.0.0.1.5103.127.0.0.1.5020":                 "11",
	}
	tcp := c.table(t, "1.3.6.1.2.1.6")
	for name, value := range want {
		if got, ok := tcp[name]; !ok || got != value {
			t.Errorf("tcp.%s = %q, want %q", name, got, value)
		}
	}
	for name := range tcp {
		if strings.HasPrefix(name, "20.1.4.") && strings.HasSuffix(name, ".5000") && name != "20.1.4.0.0.5000" {
			t.Errorf("the dual-stack listener stands at %s as well", name)
		}
	}

	endpoints := make(map[string][]string) // owners of what differs in the instance only
	for name, pid := range c.table(t, udpEndpointEntry) {
		index := name[:strings.LastIndexByte(name, '.')]
		endpoints[index] = append(endpoints[index], pid)
	}
	for index, owners := range map[string][]string{
		"8.0.0.6000.0.0.0":                                                       {self},
		"8." + anywhere6 + ".6001.0.0.0":                                         {self},
		"8.1.4.0.0.0.0.6002.0.0.0":                                               {self},
		"8." + loopback + ".6003.0.0.0":                                          {self, self}, // SO_REUSEPORT: two instances
		"8." + linkLocal + ".6004.0.0.0":                                         {self},
		"8." + loopback + ".6006.0.0.0":                                          {self},
		"8." + loopback + ".6010.0.0.0":                                          {holder},
		"8." + loopback + ".6100." + loopback + ".6002":                          {self},
		"8." + loopback6 + ".6101." + loopback6 + ".6001":                        {self},
		"8." + linkLocal + ".6102.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.153.77": {self},
	} {
		if !slices.Equal(endpoints[index], owners) {
			t.Errorf("udpEndpointTable has %q for %s, want %q", endpoints[index], index, owners)
		}
	}
}

func TestSocketScalars(t *testing.T) {
	bothWays(t, newScene, func(t *testing.T, s *scene) {
		c := s.client(t)
		s.timeWait(t)
		for range 3 { // datagrams for nobody
			s.dial(t, "udp4", "127.0.0.1:0", "127.0.0.1:9").Write([]byte("x"))
			s.dial(t, "udp6", "[::1]:0", "[::1]:9").Write([]byte("x"))
		}
		for _, test := range []struct {
			name, oid, truth string
		}{
			{"tcpRtoAlgorithm", "6.1", "Tcp.RtoAlgorithm"},
			{"tcpRtoMin", "6.2", "Tcp.RtoMin"},
			{"tcpRtoMax", "6.3", "Tcp.RtoMax"},
			{"tcpMaxConn", "6.4", "Tcp.MaxConn"},
			{"tcpActiveOpens", "6.5", "Tcp.ActiveOpens"},
			{"tcpPassiveOpens", "6.6", "Tcp.PassiveOpens"},
			{"tcpAttemptFails", "6.7", "Tcp.AttemptFails"},
			{"tcpEstabResets", "6.8", "Tcp.EstabResets"},
			{"tcpCurrEstab", "6.9", "Tcp.CurrEstab"},
			{"tcpInSegs", "6.10", "Tcp.InSegs"},
			{"tcpOutSegs", "6.11", "Tcp.OutSegs"},
			{"tcpRetransSegs", "6.12", "Tcp.RetransSegs"},
			{"tcpInErrs", "6.14", "Tcp.InErrs"},
			{"tcpOutRsts", "6.15", "Tcp.OutRsts"},
			{"tcpHCInSegs", "6.17", "Tcp.InSegs"},
			{"tcpHCOutSegs", "6.18", "Tcp.OutSegs"},
			{"udpNoPorts", "7.2", "Udp.NoPorts"},
			{"udpInErrors", "7.3", "Udp.InErrors"},
		} {
			t.Run(test.name, func(t *testing.T) {
				name := parseOID(t, "1.3.6.1.2.1."+test.oid+".0")
				eventually(t, func() string {
					if want, got := s.protocolCounters(t)[test.truth], c.get(t, name).value; strconv.FormatInt(want, 10) != got {
						return fmt.Sprintf("%s = %s, want %d", test.name, got, want)
					}
					return ""
				})
			})
		}
		// The questions themselves count among these.
		for _, test := range []struct {
			name, oid, truth string
		}{
			{"udpInDatagrams", "7.1", "Udp.InDatagrams"},
			{"udpOutDatagrams", "7.4", "Udp.OutDatagrams"},
			{"udpHCInDatagrams", "7.8", "Udp.InDatagrams"},
			{"udpHCOutDatagrams", "7.9", "Udp.OutDatagrams"},
		} {
			t.Run(test.name, func(t *testing.T) {
				between(t, test.name,
					func() uint64 { return c.number(t, "1.3.6.1.2.1."+test.oid+".0") },
					func() uint64 { return uint64(s.protocolCounters(t)[test.truth]) })
			})
		}
		counters := s.protocolCounters(t)
		for _, name := range []string{"Tcp.InSegs", "Tcp.CurrEstab", "Udp.NoPorts", "Udp.InDatagrams"} {
			if counters[name] == 0 {
				t.Errorf("the scene has no %s: there is nothing to see", name)
			}
		}
		if v := c.get(t, parseOID(t, inetCidrRouteDiscards)); v.value != "0" {
			t.Errorf("inetCidrRouteDiscards: %v", v)
		}
	})
}

// between holds that a counter which never stands still is between two readings
// of the truth: at least the first, as soon as the agent is fresh, and at most
// the last.
func between(t *testing.T, name string, got, truth func() uint64) {
	t.Helper()
	least := truth()
	var n uint64
	eventually(t, func() string {
		if n = got(); n < least {
			return fmt.Sprintf("%s = %d, and %d had been counted before", name, n, least)
		}
		return ""
	})
	if most := truth(); n > most {
		t.Errorf("%s = %d, and not more than %d have been counted", name, n, most)
	}
}

// protocolCounters are those of /proc/net/snmp and snmp6: "Tcp.InSegs". Those
// of UDP are of both families together, as RFC 4113 has them; TCP's are anyway.
func (s *scene) protocolCounters(t testing.TB) map[string]int64 {
	t.Helper()
	counters := make(map[string]int64)
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var file, file6 []byte
	s.Do(t, func() (err error) {
		// A thread has the files of its own namespace.
		if file, err = os.ReadFile("/proc/thread-self/net/snmp"); err != nil {
			return err
		}
		file6, err = os.ReadFile("/proc/thread-self/net/snmp6")
		return err
	})
	lines := strings.Split(string(file), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j := 1; j < len(names); j++ {
			counters[strings.TrimSuffix(names[0], ":")+"."+names[j]] = number(values[j])
		}
	}
	for line := range strings.Lines(string(file6)) {
		f := strings.Fields(line)
		if name, ok := strings.CutPrefix(f[0], "Udp6"); ok {
			counters["Udp."+name] += number(f[1])
		}
	}
	return counters
}
