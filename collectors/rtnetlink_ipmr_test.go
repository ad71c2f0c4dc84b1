package collectors

import (
	"encoding/binary"
	"errors"
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

// What a routing daemon sets up with (include/uapi/linux/mroute.h, mroute6.h).
const (
	mrtInit, mrtAddVIF, mrtAddMFC = 200, 202, 204 // MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC; of IPv6 the same
	maxVIFs                       = 32
)

// multicastRouter makes n route multicasts from the link "in" to the link "out"
// and register packets, as a routing daemon does, and sends packets to it: three
// that are forwarded, two on the wrong interface, and one of an unknown sender.
func multicastRouter(t *testing.T, n, other *nstest.NS) {
	t.Helper()
	n.IP(t, "link add in address 02:00:00:00:00:01 type veth peer name src netns "+other.Name,
		"link add out address 02:00:00:00:00:02 type veth peer name dst netns "+other.Name,
		"link set in addrgenmode none", "link set out addrgenmode none",
		"addr add 192.0.2.1/24 dev in", "addr add 198.51.100.1/24 dev out", "addr add 2001:db8:1::1/64 dev in nodad", "addr add 2001:db8:2::1/64 dev out nodad")
	other.IP(t, "link set src addrgenmode none", "link set dst addrgenmode none",
		"addr add 192.0.2.2/24 dev src", "addr add 198.51.100.2/24 dev dst", "addr add 2001:db8:1::2/64 dev src nodad", "addr add 2001:db8:2::2/64 dev dst nodad")
	for _, sysctl := range []string{"all", "in", "out"} {
		if sysctl == "all" {
			n.IP(t, "link set in up", "link set out up")
			other.IP(t, "link set src up", "link set dst up")
		}
		n.Sysctl(t, "net.ipv4.conf."+sysctl+".rp_filter", "0")
	}
	// Without addresses of their own making, links have no route for these.
	other.IP(t, "-6 route replace multicast ff00::/8 dev src table local")
	n.IP(t, "-6 route replace multicast ff00::/8 dev in table local metric 1", "-6 route replace multicast ff00::/8 dev out table local metric 2")
	in, out := index(t, n, "in"), index(t, n, "out")
	set := func(fd, level, name int, value []byte) {
		t.Helper()
		must(t, unix.SetsockoptString(fd, level, name, string(value)))
	}
	four, six := netip.MustParseAddr, netip.MustParseAddr

	igmp := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_IGMP)
	must(t, unix.SetsockoptInt(igmp, unix.IPPROTO_IP, mrtInit, 1))
	vif := func(number uint16, flags, threshold uint8, link uint32, remote string) {
		// struct vifctl
		b := binary.NativeEndian.AppendUint16(nil, number)
		b = append(b, flags, threshold)
		b = binary.NativeEndian.AppendUint32(b, 0)
		b = binary.NativeEndian.AppendUint32(b, link)
		set(igmp, unix.IPPROTO_IP, mrtAddVIF, append(b, four(remote).AsSlice()...))
	}
	const useIfindex = 8 // VIFF_USE_IFINDEX
	vif(0, useIfindex, 1, in, "0.0.0.0")
	vif(1, useIfindex, 2, out, "0.0.0.0")
	mfc := append(four("192.0.2.2").AsSlice(), four("239.1.1.1").AsSlice()...) // struct mfcctl
	mfc = binary.NativeEndian.AppendUint16(mfc, 0)
	ttls := make([]byte, maxVIFs)
	ttls[1] = 2
	mfc = append(append(mfc, ttls...), 0, 0)
	set(igmp, unix.IPPROTO_IP, mrtAddMFC, append(mfc, make([]byte, 16)...))

	icmp6 := n.Socket(t, unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	must(t, unix.SetsockoptInt(icmp6, unix.IPPROTO_IPV6, mrtInit, 1))
	for number, link := range []uint32{in, out} {
		// struct mif6ctl
		b := binary.NativeEndian.AppendUint16(nil, uint16(number))
		b = append(b, 0, 1)
		b = binary.NativeEndian.AppendUint16(b, uint16(link))
		b = append(b, 0, 0)
		set(icmp6, unix.IPPROTO_IPV6, mrtAddVIF, binary.NativeEndian.AppendUint32(b, 0))
	}
	// struct mf6cctl
	sockaddr := func(a string) []byte {
		b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
		b = append(b, make([]byte, 6)...)
		return append(append(b, six(a).AsSlice()...), 0, 0, 0, 0)
	}
	mf6c := append(sockaddr("2001:db8:1::2"), sockaddr("ff0e::1:1")...)
	mf6c = append(binary.NativeEndian.AppendUint16(mf6c, 0), 0, 0)
	mf6c = binary.NativeEndian.AppendUint32(mf6c, 1<<1)
	set(icmp6, unix.IPPROTO_IPV6, mrtAddMFC, append(mf6c, make([]byte, 28)...))

	send := func(domain int, link string, options [][3]int, to unix.Sockaddr, source unix.Sockaddr, count int) {
		t.Helper()
		fd := other.Socket(t, domain, unix.SOCK_DGRAM, 0)
		must(t, unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, link))
		must(t, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1))
		for _, o := range options {
			must(t, unix.SetsockoptInt(fd, o[0], o[1], o[2]))
		}
		must(t, unix.Bind(fd, source))
		for range count {
			must(t, unix.Sendto(fd, make([]byte, 100), 0, to))
		}
	}
	ttl4 := [][3]int{{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 9}}
	hops6 := [][3]int{{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 9}, {unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1}}
	send(unix.AF_INET, "src", ttl4, inet4(t, "239.1.1.1", 9), inet4(t, "192.0.2.2", 0), 3)
	send(unix.AF_INET, "dst", ttl4, inet4(t, "239.1.1.1", 9), inet4(t, "192.0.2.2", 0), 2)
	send(unix.AF_INET, "src", ttl4, inet4(t, "239.9.9.9", 9), inet4(t, "192.0.2.2", 0), 1)
	send(unix.AF_INET6, "src", hops6, inet6(t, "ff0e::1:1", 9, index(t, other, "src")), inet6(t, "2001:db8:1::2", 0, 0), 4)
}

// ipMRoute is what `ip -j -s mroute` says of a route.
type ipMRoute struct {
	Dst, Src, Iif, Table string
	Multipath            []struct {
		OIF string
		TTL uint32
	}
	State                   string
	Packets, Bytes, WrongIf *uint64
}

func TestMulticastRouting(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_IP_MROUTE")
	nstest.NeedsKernel(t, "CONFIG_IPV6_MROUTE")
	multicastRouter(t, n, other)
	k := open(t, n)
	names := make(map[uint32]string)
	for name, i := range linkIndexes(t, n) {
		names[i] = name
	}
	var routes []netstat.MulticastRoute
	var vifs []netstat.MulticastInterface
	find := func(group string) (found netstat.MulticastRoute) {
		for _, r := range routes {
			if r.Group == netip.MustParseAddr(group) {
				found = r
			}
		}
		return found
	}
	// What was sent arrives, and is counted, in the kernel's own time.
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		routes, vifs = all(t, k.MulticastRoutes(t.Context())), all(t, k.MulticastInterfaces(t.Context()))
		if find("239.1.1.1").Packets.Or(0) == 5 && find("ff0e::1:1").Packets.Or(0) == 4 && find("239.9.9.9").Unresolved {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the packets were never counted: %+v", routes)
		}
	}
	if r := find("239.1.1.1"); r.Source != netip.MustParseAddr("192.0.2.2") || r.Input != index(t, n, "in") || r.WrongInterface.Or(0) != 2 || r.Octets.Or(0) != 5*128 ||
		!slices.Equal(r.Outputs, []netstat.MulticastOutput{{Interface: index(t, n, "out"), Threshold: 2}}) || r.Table != 253 || r.Idle.Or(time.Hour) > time.Minute {
		t.Errorf("IPv4: %+v", r)
	}
	if r := find("ff0e::1:1"); r.Source != netip.MustParseAddr("2001:db8:1::2") || r.Input != index(t, n, "in") || r.Octets.Or(0) != 4*148 || r.Table != 254 || len(r.Outputs) != 1 {
		t.Errorf("IPv6: %+v", r)
	}
	if r := find("239.9.9.9"); r.Packets.IsKnown() || r.Input != 0 || len(r.Outputs) != 0 {
		t.Errorf("unresolved: %+v", r)
	}

	var want, got []string
	for _, family := range []string{"-4", "-6"} {
		var told []ipMRoute
		out := n.Run(t, "ip", family, "-j", "-s", "mroute", "show", "table", "all")
		decodeJSON(t, out, &told)
		for _, r := range told {
			outputs := ""
			for _, o := range r.Multipath {
				ttl := o.TTL
				if ttl == 0 {
					ttl = 1
				}
				outputs += fmt.Sprint(" ", o.OIF, " ", ttl)
			}
			number := func(n *uint64) string {
				if n == nil {
					return "-"
				}
				return fmt.Sprint(*n)
			}
			want = append(want, fmt.Sprint(r.Src, " to ", r.Dst, " ", r.Iif, outputs, " ", number(r.Packets), " ", number(r.Bytes), " ", r.State == "unresolved"))
		}
	}
	for _, r := range routes {
		outputs := ""
		for _, o := range r.Outputs {
			outputs += fmt.Sprint(" ", names[o.Interface], " ", o.Threshold)
		}
		iif := names[r.Input]
		if r.Unresolved {
			iif = "unresolved"
		}
		got = append(got, fmt.Sprint(r.Source, " to ", r.Group, " ", iif, outputs, " ", r.Packets, " ", r.Octets, " ", r.Unresolved))
	}
	compare(t, "multicast routes", want, got, 3)

	// The vifs as the files show them.
	want, got = nil, nil
	for _, file := range []string{"ip_mr_vif", "ip6_mr_vif"} {
		for line := range strings.Lines(netFile(t, n, file)) {
			if f := strings.Fields(line); f[0] != "Interface" {
				want = append(want, file+" "+strings.Join(f[:6], " "))
			}
		}
	}
	for _, v := range vifs {
		file := map[netstat.Family]string{netstat.IPv4: "ip_mr_vif", netstat.IPv6: "ip6_mr_vif"}[v.Family]
		got = append(got, fmt.Sprint(file, " ", v.Number, " ", names[v.Interface], " ", v.InOctets, " ", v.InPackets, " ", v.OutOctets, " ", v.OutPackets))
	}
	compare(t, "multicast interfaces", want, got, 4)
	if v := vifs[1]; v.Number != 1 || v.OutPackets != 3 || v.OutOctets != 3*128 || v.Flags != netstat.MulticastByInterface || v.Register || v.Remote.IsValid() || v.Table != 253 {
		t.Errorf("the second vif: %+v", v)
	}
}

func TestMulticastRoutingOfNothing(t *testing.T) {
	k := open(t, nstest.New(t))
	if _, err := k.multicastFamilies(); errors.Is(err, netstat.ErrNotSupported) {
		t.Skip("this kernel lacks CONFIG_IP_MROUTE")
	}
	if routes, vifs := all(t, k.MulticastRoutes(t.Context())), all(t, k.MulticastInterfaces(t.Context())); len(routes) != 0 || len(vifs) != 0 {
		t.Errorf("%+v, %+v", routes, vifs)
	}
}

func TestParseMulticast(t *testing.T) {
	vif := slices.Concat(attribute(vifaNumber, 3, 0, 0, 0), attribute(vifaFlags, 5, 0), attribute(vifaLocal, 192, 0, 2, 1), attribute(vifaRemote, 192, 0, 2, 2),
		attribute(vifaOctetsIn, 1, 0, 0, 0, 0, 0, 0, 1))
	body := linkBody(attribute(unix.IFLA_AF_SPEC, slices.Concat(attribute(ipmraVIFs, attribute(ipmraVIF, vif...)...), attribute(ipmraTableID, 0, 1, 0, 0))...))
	got, err := parseMulticastTable(body)
	must(t, err)
	if len(got) != 1 || got[0].Table != 256 || got[0].Number != 3 || !got[0].Register || got[0].Flags != netstat.MulticastTunnel|netstat.MulticastRegister ||
		got[0].Remote != netip.MustParseAddr("192.0.2.2") || got[0].InOctets != 1|1<<56 || got[0].Interface != 0 {
		t.Errorf("%+v", got)
	}
	for _, bad := range [][]byte{nil, linkBody(attribute(unix.IFLA_AF_SPEC, attribute(ipmraVIFs, attribute(ipmraVIF, attribute(vifaOctetsIn, 1)...)...)...))} {
		if got, err := parseMulticastTable(bad); err == nil {
			t.Errorf("% x is %+v", bad, got)
		}
	}
	header := make([]byte, sizeofRtmsg)
	header[0] = rtnlFamilyIPMR
	for _, bad := range [][]byte{nil, slices.Concat(header, attribute(unix.RTA_SRC, 1, 2)), slices.Concat(header, attribute(rtaMFCStats, 1)),
		slices.Concat(header, attribute(unix.RTA_MULTIPATH, 99, 0, 0, 1, 0, 0, 0, 0))} {
		if got, err := parseMulticastRoute(bad); err == nil {
			t.Errorf("% x is %+v", bad, got)
		}
	}
	six, err := parsed("Interface      BytesIn  PktsIn  BytesOut PktsOut Flags\n 0 in  1 2 3 4 00000\n31 pim6reg 5 6 7 8 00001\n", func(l *lines, each func(netstat.MulticastInterface) bool) {
		parseIP6MRVIF(l, func(v netstat.MulticastInterface, _ string) { each(v) })
	})
	if err != nil || len(six) != 2 || six[1].Number != 31 || !six[1].Register || six[0].OutPackets != 4 || six[0].Register {
		t.Errorf("%+v, %v", six, err)
	}
	rejects(t, func(l *lines) { parseIP6MRVIF(l, func(netstat.MulticastInterface, string) {}) }, "0 in 1 2 3 4\n", "x in 1 2 3 4 0\n", "65536 in 1 2 3 4 0\n", "0 in 1 2 3 y 0\n")
}

func FuzzParseMulticastTable(f *testing.F) {
	f.Add(linkBody(attribute(unix.IFLA_AF_SPEC, slices.Concat(attribute(ipmraTableID, 0, 1, 0, 0), attribute(ipmraVIFs, attribute(ipmraVIF, attribute(vifaNumber, 3, 0, 0, 0)...)...))...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if vifs, err := parseMulticastTable(body); err == nil && len(vifs) > len(body) {
			t.Errorf("%d vifs of %d bytes", len(vifs), len(body))
		}
	})
}

func FuzzParseMulticastRoute(f *testing.F) {
	header := make([]byte, sizeofRtmsg)
	header[0] = rtnlFamilyIPMR
	f.Add(slices.Concat(header, attribute(unix.RTA_SRC, 192, 0, 2, 1), attribute(unix.RTA_MULTIPATH, 8, 0, 0, 1, 2, 0, 0, 0), attribute(rtaMFCStats, make([]byte, 24)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := parseMulticastRoute(body); err == nil && r.Idle.Or(0) < 0 {
			t.Errorf("%+v", r)
		}
	})
}

func FuzzParseIP6MRVIF(f *testing.F) {
	fuzzLines(f, "/proc/net/ip6_mr_vif", func(l *lines) { parseIP6MRVIF(l, func(netstat.MulticastInterface, string) {}) }, " 0 in  1 2 3 4 00000\n")
}
