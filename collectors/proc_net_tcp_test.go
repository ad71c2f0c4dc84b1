package collectors

import (
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A name of a socket of the local family may hold anything.
func TestParseProcUnix(t *testing.T) {
	const text = `Num       RefCount Protocol Flags    Type St Inode Path
000000006bfee334: 00000003 00000000 00000000 0001 03  1677
000000006bfee335: 00000002 00000000 00010000 0001 01 16770 /run/a  b
second line
0 third
000000006bfee336: 00000002 00000000 00000000 0005 02     0 @x@y
000000006bfee337: 00000002 00000000 00000000 0002 01    12  /blank
`
	var got []netstat.UnixSocket
	var accepted []bool
	l := newLines("/proc/x", strings.NewReader(text))
	parseProcUnix(l, func(s *netstat.UnixSocket, a bool) bool {
		got, accepted = append(got, *s), append(accepted, a)
		return true
	})
	if l.err != nil || len(got) != 4 {
		t.Fatalf("%d sockets, %v", len(got), l.err)
	}
	for i, want := range []struct {
		name     string
		abstract bool
		state    netstat.State
		accepted bool
	}{{"", false, netstat.Established, true}, {"/run/a  b\nsecond line\n0 third", false, netstat.Listen, true}, {"x@y", true, netstat.Established, false}, {" /blank", false, netstat.Close, true}} {
		if s := got[i]; s.Name != want.name || s.Abstract != want.abstract || s.State != want.state || accepted[i] != want.accepted {
			t.Errorf("%d: %+v, accepted %v", i, s, accepted[i])
		}
	}
	rejects(t, func(l *lines) { parseProcUnix(l, func(*netstat.UnixSocket, bool) bool { return true }) }, "Num\nx\n")
}

func TestProcFilesReject(t *testing.T) {
	const devHeadings = "Inter-|\n face |\n"
	rejects(t, func(l *lines) { parseProcDev(l, func(netstat.Interface) bool { return true }) },
		devHeadings+"no colon\n", devHeadings+"lo: 1 2\n", devHeadings+"lo: x 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n")
	rejects(t, func(l *lines) { parseIfInet6(l, func(netstat.Address) {}) },
		"fe80\n", "fe80 04 40 20 80 eth0\n", "fe8000000000000000fc00fffe000001 04 81 20 80 eth0\n", "fe8000000000000000fc00fffe000001 x 40 20 80 eth0\n")
	none := func(string) uint32 { return 0 }
	rejects(t, func(l *lines) { parseProcRoute(l, none, func(*netstat.Route) bool { return true }) },
		"Iface\neth0\n", "Iface\neth0 00000000 010200C0 0003 0 0 0 01000001 0 0 0\n", "Iface\neth0 100000000 010200C0 0003 0 0 0 00000000 0 0 0\n")
	rejects(t, func(l *lines) { parseProcARP(l, func(netstat.Neighbour, string) {}) },
		"IP\n1 2\n", "IP\nfe80::1 0x1 0x2 02:fc:00:00:00:05 * eth0\n", "IP\n192.0.2.1 0x1 0x2 02:fc:zz * eth0\n", "IP\n192.0.2.1 0x1 flags 02:fc:00:00:00:05 * eth0\n")
	for _, line := range []string{
		"", "0: 0100007F:0001 00000000:0000 0E 00000000:00000000 00:00000000 00000000 0 0 1 1 0", "0: 0100007F:0001 00000000:0000 01 0:0 xx:0 00000000 0 0 1 1 0 1 2 3 4 5",
	} {
		s := netstat.Socket{Protocol: netstat.TCP, Family: netstat.IPv4}
		if _, err := parseProcSocket([]byte(line), &s); err == nil {
			t.Errorf("%q is %+v", line, s)
		}
	}
}

func FuzzParseProcUnix(f *testing.F) {
	fuzzLines(f, "/proc/net/unix", func(l *lines) { parseProcUnix(l, func(*netstat.UnixSocket, bool) bool { return true }) }, "Num\n0: 1 0 0 1 01 5 @a\nb\n")
}

func FuzzParseProcDev(f *testing.F) {
	fuzzLines(f, "/proc/net/dev", func(l *lines) { parseProcDev(l, func(netstat.Interface) bool { return true }) })
}

func FuzzParseIfInet6(f *testing.F) {
	fuzzLines(f, "/proc/net/if_inet6", func(l *lines) { parseIfInet6(l, func(netstat.Address) {}) })
}

func FuzzParseProcRoute(f *testing.F) {
	fuzzLines(f, "/proc/net/route", func(l *lines) {
		parseProcRoute(l, func(string) uint32 { return 1 }, func(r *netstat.Route) bool {
			if !r.Destination.IsValid() {
				panic(r.Destination)
			}
			return true
		})
	})
}

func FuzzParseProcARP(f *testing.F) {
	fuzzLines(f, "/proc/net/arp", func(l *lines) { parseProcARP(l, func(netstat.Neighbour, string) {}) })
}
