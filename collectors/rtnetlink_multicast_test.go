package collectors

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// tellsOfGroups reports whether the kernel tells of multicast groups, which it
// must from Linux 6.15 on.
func tellsOfGroups(t *testing.T, k *Kernel) bool {
	t.Helper()
	kinds, err := k.Followable(t.Context(), netstat.AllKinds)
	must(t, err)
	if nstest.KernelSince(t, 6, 15) && kinds != netstat.AllKinds {
		t.Errorf("this kernel tells of %v only", kinds)
	}
	return kinds.Has(netstat.KindMulticast)
}

// TestMulticastGroupsAgreeWithIP compares what rtnetlink dumps with `ip maddr` and
// with /proc/net/igmp and igmp6.
func TestMulticastGroupsAgreeWithIP(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near")
	near := n.Index(t, "near")
	k := open(t, n)
	if !tellsOfGroups(t, k) {
		if _, err := k.Dump(t.Context(), netstat.KindMulticast, func(*Message) error { return nil }); err == nil {
			t.Error("a kernel that does not tell of multicast groups dumps them")
		}
		t.Skip("Linux before 6.15 does not tell of multicast groups")
	}
	for range 2 {
		must(t, unix.SetsockoptIPMreqn(n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0), unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
			&unix.IPMreqn{Multiaddr: [4]byte{239, 1, 2, 3}, Ifindex: int32(near)}))
	}
	must(t, unix.SetsockoptIPv6Mreq(n.Socket(t, unix.AF_INET6, unix.SOCK_DGRAM, 0), unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
		&unix.IPv6Mreq{Multiaddr: [16]byte{0: 0xff, 1: 0x02, 14: 0x12, 15: 0x34}, Interface: near}))

	names := make(map[uint32]string)
	for name, i := range linkIndexes(t, n) {
		names[i] = name
	}
	var got []netstat.MulticastGroup
	type maddr struct {
		IfName string
		Maddr  []struct{ Address string }
	}
	var members []string
	truth := unchanging(t, func() (links []maddr) {
		n.JSON(t, &links, "maddr")
		return links
	}, func() {
		got, members = nil, nil
		_, err := k.Dump(t.Context(), netstat.KindMulticast, func(m *Message) error {
			got = append(got, m.Multicast)
			return nil
		})
		must(t, err)
		for _, m := range all(t, k.Memberships(t.Context())) {
			members = append(members, fmt.Sprint(m.Interface, " ", m.Group))
		}
	})
	var want, shown, zoned []string
	for _, l := range truth {
		for _, m := range l.Maddr {
			if m.Address != "" { // link-layer addresses have another name
				want = append(want, l.IfName+" "+m.Address)
			}
		}
	}
	var now unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	for _, g := range got {
		shown = append(shown, names[g.Interface]+" "+g.Group.WithZone("").String())
		zoned = append(zoned, fmt.Sprint(g.Interface, " ", g.Group))
		if joined, known := g.Joined.Get(); !known || joined <= 0 || joined > time.Duration(now.Nano()) {
			t.Errorf("%+v at %v since boot", g, time.Duration(now.Nano()))
		}
	}
	compare(t, "groups", want, shown, 8)
	compare(t, "groups of /proc/net", members, zoned, 8)
	for _, group := range []string{"near 239.1.2.3", "near ff02::1234"} {
		if !slices.Contains(shown, group) {
			t.Errorf("%s is not in %q", group, shown)
		}
	}
}

func TestParseMulticastGroup(t *testing.T) {
	group := attribute(unix.IFA_MULTICAST, 239, 1, 2, 3)
	since := make([]byte, sizeofIfaCacheinfo)
	binary.NativeEndian.PutUint32(since[8:], 12345)
	body := addressBody(unix.AF_INET, 32, attribute(99, 1, 2), group, attribute(unix.IFA_CACHEINFO, since...))
	binary.NativeEndian.PutUint32(body[4:], 7)
	g, err := parseMulticastGroup(body, &zones{}, 0)
	must(t, err)
	if joined, known := g.Joined.Get(); g.Interface != 7 || g.Group.String() != "239.1.2.3" || !known || joined != 123450*time.Millisecond {
		t.Errorf("%+v", g)
	}
	// From the 497th day on a reading may be of two turns of the clock.
	for _, c := range []struct {
		up    time.Duration
		known bool
	}{{cacheinfoTurn + 123449*time.Millisecond, true}, {cacheinfoTurn + 123450*time.Millisecond, false}} {
		if g, err := parseMulticastGroup(body, &zones{}, c.up); err != nil || g.Joined.IsKnown() != c.known {
			t.Errorf("after %v: %+v, %v", c.up, g, err)
		}
	}
	for name, body := range map[string][]byte{
		"short header":     body[:sizeofIfAddrmsg-1],
		"no group":         addressBody(unix.AF_INET, 32),
		"group of IPv6":    addressBody(unix.AF_INET6, 128, group),
		"short cacheinfo":  addressBody(unix.AF_INET, 32, group, attribute(unix.IFA_CACHEINFO, since[:12]...)),
		"short attribute":  append(addressBody(unix.AF_INET, 32, group), 40, 0, 7, 0),
		"group of 5 bytes": addressBody(unix.AF_INET, 32, attribute(unix.IFA_MULTICAST, 239, 1, 2, 3, 4)),
	} {
		if g, err := parseMulticastGroup(body, &zones{}, 0); err == nil {
			t.Errorf("%s: accepted as %+v", name, g)
		}
	}
}

func FuzzParseMulticastGroup(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETMULTICAST, unix.RTM_GETMULTICAST, append([]byte{unix.AF_INET6}, make([]byte, sizeofIfAddrmsg-1)...)) {
		f.Add(body)
	}
	f.Add(addressBody(unix.AF_INET, 32, attribute(unix.IFA_MULTICAST, 239, 1, 2, 3), attribute(unix.IFA_CACHEINFO, make([]byte, sizeofIfaCacheinfo)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if g, err := parseMulticastGroup(body, &zones{}, 0); err == nil && !g.Group.IsValid() {
			t.Errorf("accepted %+v", g)
		}
	})
}
