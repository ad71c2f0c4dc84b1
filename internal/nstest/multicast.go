package nstest

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// What a routing daemon sets up with (include/uapi/linux/mroute.h, mroute6.h).
const (
	mrtInit, mrtAddVIF, mrtAddMFC = 200, 202, 204 // MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC; of IPv6 the same
	maxVIFs                       = 32
	useIfindex                    = 8 // VIFF_USE_IFINDEX
)

// RouteMulticast makes n route multicasts from the link "in" to the link "out",
// as a routing daemon does, and has other, which is at the other ends, send
// packets of 100 bytes to it. Of (192.0.2.2, 239.1.1.1), whose threshold is 2, five
// arrive, two of them on the wrong interface; of (2001:db8:1::2, ff0e::1:1) four;
// and of (192.0.2.2, 239.9.9.9), which has no route, one.
func (n *NS) RouteMulticast(t testing.TB, other *NS) {
	t.Helper()
	NeedsKernel(t, "CONFIG_IP_MROUTE")
	NeedsKernel(t, "CONFIG_IPV6_MROUTE")
	n.IP(t, "link add in address 02:00:00:00:00:01 type veth peer name src netns "+other.Name,
		"link add out address 02:00:00:00:00:02 type veth peer name dst netns "+other.Name,
		"link set in addrgenmode none", "link set out addrgenmode none",
		"addr add 192.0.2.1/24 dev in", "addr add 198.51.100.1/24 dev out", "addr add 2001:db8:1::1/64 dev in nodad", "addr add 2001:db8:2::1/64 dev out nodad")
	other.IP(t, "link set src addrgenmode none", "link set dst addrgenmode none",
		"addr add 192.0.2.2/24 dev src", "addr add 198.51.100.2/24 dev dst", "addr add 2001:db8:1::2/64 dev src nodad", "addr add 2001:db8:2::2/64 dev dst nodad")
	n.IP(t, "link set in up", "link set out up")
	other.IP(t, "link set src up", "link set dst up")
	for _, link := range []string{"all", "in", "out"} {
		n.Sysctl(t, "net.ipv4.conf."+link+".rp_filter", "0")
	}
	// Without addresses of their own making, links have no route for these.
	other.IP(t, "-6 route replace multicast ff00::/8 dev src table local")
	n.IP(t, "-6 route replace multicast ff00::/8 dev in table local metric 1", "-6 route replace multicast ff00::/8 dev out table local metric 2")
	n.routeMulticast4(t)
	n.routeMulticast6(t)
	ttl := [3]int{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 9}
	hops := [3]int{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 9}
	other.sendMulticast(t, "src", ttl, "192.0.2.2", "239.1.1.1", 3)
	other.sendMulticast(t, "dst", ttl, "192.0.2.2", "239.1.1.1", 2)
	other.sendMulticast(t, "src", ttl, "192.0.2.2", "239.9.9.9", 1)
	other.sendMulticast(t, "src", hops, "2001:db8:1::2", "ff0e::1:1", 4)
}

// setOption sets a socket option that is a structure of the kernel's.
func setOption(t testing.TB, fd, level, name int, value []byte) {
	t.Helper()
	if err := unix.SetsockoptString(fd, level, name, string(value)); err != nil {
		t.Fatalf("option %d of level %d: %v", name, level, err)
	}
}

func setNumber(t testing.TB, fd, level, name, value int) {
	t.Helper()
	setOption(t, fd, level, name, binary.NativeEndian.AppendUint32(nil, uint32(value)))
}

func octets(address string) []byte { return netip.MustParseAddr(address).AsSlice() }

func (n *NS) routeMulticast4(t testing.TB) {
	t.Helper()
	fd := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_IGMP)
	setNumber(t, fd, unix.IPPROTO_IP, mrtInit, 1)
	for number, link := range []string{"in", "out"} {
		// struct vifctl; the thresholds are 1 and 2
		b := binary.NativeEndian.AppendUint16(nil, uint16(number))
		b = append(b, useIfindex, byte(number+1))
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint32(b, n.Index(t, link))
		setOption(t, fd, unix.IPPROTO_IP, mrtAddVIF, append(b, octets("0.0.0.0")...))
	}
	// struct mfcctl
	ttls := make([]byte, maxVIFs)
	ttls[1] = 2
	setOption(t, fd, unix.IPPROTO_IP, mrtAddMFC, slices.Concat(octets("192.0.2.2"), octets("239.1.1.1"), []byte{0, 0}, ttls, make([]byte, 18)))
}

func (n *NS) routeMulticast6(t testing.TB) {
	t.Helper()
	fd := n.Socket(t, unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	setNumber(t, fd, unix.IPPROTO_IPV6, mrtInit, 1)
	for number, link := range []string{"in", "out"} {
		// struct mif6ctl
		b := binary.NativeEndian.AppendUint16(nil, uint16(number))
		b = append(b, 0, 1)
		b = binary.NativeEndian.AppendUint16(b, uint16(n.Index(t, link)))
		setOption(t, fd, unix.IPPROTO_IPV6, mrtAddVIF, append(b, 0, 0, 0, 0, 0, 0))
	}
	// struct mf6cctl
	sockaddr := func(address string) []byte {
		b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
		return slices.Concat(b, make([]byte, 6), octets(address), make([]byte, 4))
	}
	b := append(sockaddr("2001:db8:1::2"), sockaddr("ff0e::1:1")...)
	b = binary.NativeEndian.AppendUint32(append(b, 0, 0, 0, 0), 1<<1)
	setOption(t, fd, unix.IPPROTO_IPV6, mrtAddMFC, append(b, make([]byte, 28)...))
}

// sendMulticast sends packets on a link, whose address or not source may be.
func (n *NS) sendMulticast(t testing.TB, link string, hops [3]int, source, group string, count int) {
	t.Helper()
	domain := unix.AF_INET
	address := func(text string, port int) unix.Sockaddr {
		a := netip.MustParseAddr(text)
		if a.Is4() {
			return &unix.SockaddrInet4{Addr: a.As4(), Port: port}
		}
		domain = unix.AF_INET6
		return &unix.SockaddrInet6{Addr: a.As16(), Port: port, ZoneId: n.Index(t, link)}
	}
	to, from := address(group, 9), address(source, 0)
	fd := n.Socket(t, domain, unix.SOCK_DGRAM, 0)
	setOption(t, fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, []byte(link))
	setNumber(t, fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1)
	if domain == unix.AF_INET6 {
		setNumber(t, fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1)
	}
	setNumber(t, fd, hops[0], hops[1], hops[2])
	if err := unix.Bind(fd, from); err != nil {
		t.Fatalf("bind to %s: %v", source, err)
	}
	for range count {
		if err := unix.Sendto(fd, make([]byte, 100), 0, to); err != nil {
			t.Fatalf("send to %s: %v", group, err)
		}
	}
}
