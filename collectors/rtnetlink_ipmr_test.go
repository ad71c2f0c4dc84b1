package collectors

import (
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
	n.RouteMulticast(t, other)
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
	for end := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
		routes, vifs = all(t, k.MulticastRoutes(t.Context())), all(t, k.MulticastInterfaces(t.Context()))
		if find("239.1.1.1").Packets.Or(0) == 5 && find("ff0e::1:1").Packets.Or(0) == 4 && find("239.9.9.9").Unresolved {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the packets were never counted: %+v", routes)
		}
	}
	if r := find("239.1.1.1"); r.Source != netip.MustParseAddr("192.0.2.2") || r.Input != n.Index(t, "in") || r.WrongInterface.Or(0) != 2 || r.Octets.Or(0) != 5*128 ||
		!slices.Equal(r.Outputs, []netstat.MulticastOutput{{Interface: n.Index(t, "out"), Threshold: 2}}) || r.Table != 253 || r.Idle.Or(time.Hour) > time.Minute {
		t.Errorf("IPv4: %+v", r)
	}
	if r := find("ff0e::1:1"); r.Source != netip.MustParseAddr("2001:db8:1::2") || r.Input != n.Index(t, "in") || r.Octets.Or(0) != 4*148 || r.Table != 254 || len(r.Outputs) != 1 {
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
	nstest.NeedsKernel(t, "CONFIG_IP_MROUTE")
	k := open(t, nstest.New(t))
	if routes, vifs := all(t, k.MulticastRoutes(t.Context())), all(t, k.MulticastInterfaces(t.Context())); len(routes) != 0 || len(vifs) != 0 {
		t.Errorf("%+v, %+v", routes, vifs)
	}
}

func TestParseMulticast(t *testing.T) {
	vif := slices.Concat(attribute(vifaNumber, native(uint32(3))...), attribute(vifaFlags, native(uint16(5))...), attribute(vifaLocal, 192, 0, 2, 1), attribute(vifaRemote, 192, 0, 2, 2),
		attribute(vifaOctetsIn, native(uint64(1|1<<56))...))
	body := linkBody(attribute(unix.IFLA_AF_SPEC, slices.Concat(attribute(ipmraVIFs, attribute(ipmraVIF, vif...)...), attribute(ipmraTableID, native(uint32(256))...))...))
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
	f.Add(linkBody(attribute(unix.IFLA_AF_SPEC, slices.Concat(attribute(ipmraTableID, native(uint32(256))...), attribute(ipmraVIFs, attribute(ipmraVIF, attribute(vifaNumber, native(uint32(3))...)...)...))...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if vifs, err := parseMulticastTable(body); err == nil && len(vifs) > len(body) {
			t.Errorf("%d vifs of %d bytes", len(vifs), len(body))
		}
	})
}

func FuzzParseMulticastRoute(f *testing.F) {
	header := make([]byte, sizeofRtmsg)
	header[0] = rtnlFamilyIPMR
	f.Add(slices.Concat(header, attribute(unix.RTA_SRC, 192, 0, 2, 1), attribute(unix.RTA_MULTIPATH, native(uint16(8), []byte{0, 1}, uint32(2))...), attribute(rtaMFCStats, make([]byte, 24)...)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := parseMulticastRoute(body); err == nil && r.Idle.Or(0) < 0 {
			t.Errorf("%+v", r)
		}
	})
}

func FuzzParseIP6MRVIF(f *testing.F) {
	fuzzLines(f, "/proc/net/ip6_mr_vif", func(l *lines) { parseIP6MRVIF(l, func(netstat.MulticastInterface, string) {}) }, " 0 in  1 2 3 4 00000\n")
}
