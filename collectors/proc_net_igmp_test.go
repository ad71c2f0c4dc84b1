package collectors

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestMemberships(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link add averylongname1 type veth peer name averylongname2",
		"link set near up", "link set far up", "link set averylongname1 up", "link set averylongname2 up", "addr add 192.0.2.1/24 dev near")
	n.Settle(t) // a link that gets ready forgets the sources of IPv6 groups
	near := n.Index(t, "near")
	four := netip.MustParseAddr

	// IPv4: two sockets in one group, one of which filters by sources.
	join := func(fd int) {
		mreq := append(four("239.1.1.1").AsSlice(), four("192.0.2.1").AsSlice()...)
		must(t, unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, string(mreq)))
	}
	source := func(fd, name int, address string) {
		// struct ip_mreq_source
		mreq := slices.Concat(four("239.1.1.1").AsSlice(), four("192.0.2.1").AsSlice(), four(address).AsSlice())
		must(t, unix.SetsockoptString(fd, unix.IPPROTO_IP, name, string(mreq)))
	}
	join(n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0))
	blocker := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	join(blocker)
	source(blocker, unix.IP_BLOCK_SOURCE, "198.51.100.9")
	source(blocker, unix.IP_BLOCK_SOURCE, "198.51.100.3")
	chooser := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	source(chooser, unix.IP_ADD_SOURCE_MEMBERSHIP, "198.51.100.3")
	// IPv6: one source of a group with the scope of the link.
	// struct group_source_req; the addresses are aligned to the machine's word.
	storage := func(a string) []byte {
		b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
		b = append(append(b, make([]byte, 6)...), four(a).AsSlice()...)
		return append(b, make([]byte, 128-len(b))...)
	}
	request := binary.NativeEndian.AppendUint32(nil, near)
	if unix.SizeofPtr == 8 {
		request = append(request, 0, 0, 0, 0)
	}
	request = append(append(request, storage("ff02::1234")...), storage("fe80::77")...)
	const joinSource = 46 // MCAST_JOIN_SOURCE_GROUP
	must(t, unix.SetsockoptString(n.Socket(t, unix.AF_INET6, unix.SOCK_DGRAM, 0), unix.IPPROTO_IPV6, joinSource, string(request)))

	k := open(t, n)
	var got []netstat.Membership
	names := make(map[uint32]string)
	for name, i := range linkIndexes(t, n) {
		names[i] = name
	}
	type maddr struct {
		IfName string
		Maddr  []struct {
			Family, Address string
			Users           uint64
		}
	}
	truth := unchanging(t, func() (links []maddr) {
		n.JSON(t, &links, "maddr")
		return links
	}, func() { got = all(t, k.Memberships(t.Context())) })
	var want, shown []string
	for _, l := range truth {
		for _, m := range l.Maddr {
			if m.Family == "inet" || m.Family == "inet6" {
				want = append(want, fmt.Sprint(l.IfName, " ", m.Address, " ", max(m.Users, 1)))
			}
		}
	}
	for _, m := range got {
		shown = append(shown, fmt.Sprint(names[m.Interface], " ", m.Group.WithZone(""), " ", m.Users))
	}
	compare(t, "memberships", want, shown, 8)

	find := func(group string) (found netstat.Membership) {
		for _, m := range got {
			if m.Group == netip.MustParseAddr(group) && m.Interface == near {
				found = m
			}
		}
		return found
	}
	m := find("239.1.1.1")
	if version, known := m.QuerierVersion.Get(); m.Users != 3 || !known || version != 3 || !m.Reporter.IsKnown() {
		t.Errorf("239.1.1.1: %+v", m)
	}
	if got, want := fmt.Sprint(m.Sources), "[{198.51.100.3 1 1} {198.51.100.9 0 1}]"; got != want {
		t.Errorf("239.1.1.1 has the sources %s, want %s", got, want)
	}
	m = find(fmt.Sprintf("ff02::1234%%%d", near))
	if got, want := fmt.Sprint(m.Sources), fmt.Sprintf("[{fe80::77%%%d 1 0}]", near); got != want {
		t.Errorf("ff02::1234 has the sources %s, want %s", got, want)
	}
}

func TestParseIGMP(t *testing.T) {
	header := "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
	address := fmt.Sprintf("%08X", binary.NativeEndian.Uint32([]byte{239, 1, 2, 3}))
	got, err := parsed(header+"7\tlongname12: 1      V2\n\t\t\t\t"+address+"     2 1:000000C8\t\t1\n\t\t\t\t"+address+"     2 1:FFFFFFFFFFFFFFFE\t\t0\n", parseIGMP)
	must(t, err)
	if len(got) != 2 || got[0].Interface != 7 || got[0].Group.String() != "239.1.2.3" || got[0].Users != 2 || got[0].Timer != 2*time.Second ||
		!got[0].Reporter.Or(false) || got[0].QuerierVersion.Or(0) != 2 || got[1].Timer != 0 {
		t.Errorf("%+v", got)
	}
	rejects(t, discard(parseIGMP), "\t\t\t\t010000E0 1 0:0 0\n", "1 lo : 1 X3\n", "1 lo V3\n", "1\tlo : 1 V3\n\t1 2 3\n", "1\tlo : 1 V3\n\t010000E0 1 00 0\n", "1\tlo : 1 V3\n\tXX 1 0:0 0\n", "1\tlo : 1 V3\n\t010000E0 1 1:x 0\n")
	rejects(t, discard(parseIGMP6), "1 lo ff02 1 0 0\n", "1 lo ff020000000000000000000000000001 1 0000000C\n", "1 lo gg020000000000000000000000000001 1 0 0\n", "1 lo ff020000000000000000000000000001 1 0 x\n")
	ignore := func(groupOnLink, netstat.MulticastSource) {}
	rejects(t, func(l *lines) { parseMCFilter(l, nil, ignore) }, "1 lo e8010101 0xc0000201 1 0\n", "1 lo 0xe8010101 0xc0000201 1\n", "1 lo 0xe8010101 0x1c0000201 1 0\n")
	rejects(t, func(l *lines) { parseMCFilter6(l, &zones{}, ignore) }, "1 lo ff02 ff02 1 0\n")
}

func FuzzParseIGMP(f *testing.F) { fuzzLines(f, "/proc/net/igmp", discard(parseIGMP)) }

func FuzzParseIGMP6(f *testing.F) { fuzzLines(f, "/proc/net/igmp6", discard(parseIGMP6)) }

func FuzzParseMCFilter(f *testing.F) {
	fuzzLines(f, "/proc/net/mcfilter", func(l *lines) { parseMCFilter(l, nil, func(groupOnLink, netstat.MulticastSource) {}) },
		"  2   eth0 0xe8010101 0xc0000201      1      0\n")
}

func FuzzParseMCFilter6(f *testing.F) {
	fuzzLines(f, "/proc/net/mcfilter6", func(l *lines) {
		var z zones
		parseMCFilter6(l, &z, func(groupOnLink, netstat.MulticastSource) {})
	}, "  2   eth0 "+strings.Repeat("ff", 16)+" "+strings.Repeat("20", 16)+"      1      0\n")
}
