package collectors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestBridgeMulticastAgreesWithBridge(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_BRIDGE_IGMP_SNOOPING")
	n.IP(t, "link add br0 type bridge mcast_snooping 1 mcast_startup_query_interval 100000 mcast_igmp_version 3",
		"link add port1 type veth peer name end1", "link add port2 type veth peer name end2",
		"link set port1 master br0", "link set port2 master br0", "link set br0 up", "link set port1 up", "link set end1 up", "link set port2 up", "link set end2 up")
	for _, command := range [][]string{
		{"mdb", "add", "dev", "br0", "port", "port1", "grp", "239.1.1.1", "permanent"},
		{"mdb", "add", "dev", "br0", "port", "port2", "grp", "239.1.1.1", "temp"},
		{"mdb", "add", "dev", "br0", "port", "port2", "grp", "ff0e::1", "permanent"},
		{"mdb", "add", "dev", "br0", "port", "port2", "grp", "239.1.1.2", "src", "192.0.2.9", "permanent"},
		{"mdb", "add", "dev", "br0", "port", "port1", "grp", "01:00:00:00:00:07", "permanent"},
		{"link", "set", "dev", "port2", "mcast_router", "2"},
	} {
		n.Run(t, "bridge", command...)
	}
	k := open(t, n)
	names := make(map[uint32]string)
	for name, i := range linkIndexes(t, n) {
		names[i] = name
	}
	var groups []netstat.BridgeGroup
	var ports []netstat.BridgeRouterPort
	type entry struct {
		Dev, Port, Grp, Src, State string
		VID                        uint16
		FilterMode                 string `json:"filter_mode"`
	}
	type told struct {
		MDB    []entry
		Router map[string][]struct {
			Port string
			Type string
		}
	}
	truth := unchanging(t, func() (all []told) {
		must(t, json.Unmarshal([]byte(n.Run(t, "bridge", "-j", "-d", "mdb", "show")), &all))
		return all
	}, func() { groups, ports = all(t, k.BridgeGroups(t.Context())), all(t, k.BridgeRouterPorts(t.Context())) })
	var want, got []string
	for _, m := range truth {
		for _, e := range m.MDB {
			want = append(want, fmt.Sprint(e.Dev, e.Port, " ", e.Grp, " ", e.Src, " ", e.VID, " ", e.State == "permanent", " ", e.FilterMode))
		}
		for bridge, list := range m.Router {
			for _, p := range list {
				want = append(want, fmt.Sprint("router ", bridge, " ", p.Port))
			}
		}
	}
	for _, g := range groups {
		group, source, mode := g.LinkGroup.String(), "", ""
		if g.Group.IsValid() {
			group = g.Group.String()
		}
		if g.Source.IsValid() {
			source = g.Source.String()
		}
		if m, ok := g.Mode.Get(); ok {
			mode = m.String()
		}
		got = append(got, fmt.Sprint(names[g.Bridge], names[g.Port], " ", group, " ", source, " ", g.VLAN, " ", g.Permanent, " ", mode))
		if g.Group.String() == "239.1.1.1" {
			if g.Permanent != (names[g.Port] == "port1") || g.Permanent != (g.Expires == 0) || g.Expires > 10*time.Minute {
				t.Errorf("%+v", g)
			}
		}
	}
	for _, p := range ports {
		got = append(got, fmt.Sprint("router ", names[p.Bridge], " ", names[p.Port]))
		if !p.Permanent || p.Expires != 0 {
			t.Errorf("%+v", p)
		}
	}
	compare(t, "multicast database", want, got, 6)
	if !slices.ContainsFunc(groups, func(g netstat.BridgeGroup) bool { return g.Source.String() == "192.0.2.9" && g.Mode.IsKnown() }) {
		t.Errorf("no group of one source: %+v", groups)
	}
	if len(ports) != 1 {
		t.Errorf("%d ports with routers", len(ports))
	}
}

func mdbEntry(protocol uint16, attributes ...[]byte) []byte {
	b := make([]byte, sizeofBrMDBEntry)
	copy(b, native(uint32(3), []byte{mdbPermanent, mdbFastLeave | mdbBlocked}, uint16(9), []byte{239, 1, 1, 1}))
	binary.BigEndian.PutUint16(b[24:], protocol)
	b = append(b, slices.Concat(attributes...)...)
	return append(native([]byte{unix.AF_BRIDGE, 0, 0, 0}, uint32(2)), attribute(mdbaMDB, attribute(mdbaEntry, attribute(mdbaEntryInfo, b...)...)...)...)
}

func TestParseMDB(t *testing.T) {
	sources := attribute(mdbEntrySources, slices.Concat(
		attribute(mdbSourceEntry, slices.Concat(attribute(mdbSourceAddress, 192, 0, 2, 1), attribute(mdbSourceTimer, native(uint32(100))...))...),
		attribute(mdbSourceEntry, attribute(mdbSourceAddress, 192, 0, 2, 2)...))...)
	groups, ports, err := parseMDB(slices.Concat(mdbEntry(unix.ETH_P_IP, attribute(mdbEntryTimer, native(uint32(200))...), attribute(mdbEntryMode, 1), attribute(mdbEntryProtocol, 4), sources),
		attribute(mdbaRouter, attribute(mdbaPort, append(native(uint32(5)), slices.Concat(attribute(mdbPortTimer, native(uint32(50))...), attribute(mdbPortType, 1), attribute(mdbPortVLAN, native(uint16(7))...))...)...)...)))
	must(t, err)
	want := "[{Bridge:2 Port:3 VLAN:9 Group:239.1.1.1 LinkGroup: Source:invalid IP Permanent:true Offloaded:false FastLeave:true StarExclude:false Blocked:true " +
		"Expires:2s Mode:include Sources:[{Address:192.0.2.1 Expires:1s} {Address:192.0.2.2 Expires:0s}] Protocol:4}]"
	if got := fmt.Sprintf("%+v", groups); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", ports), "[{Bridge:2 Port:5 VLAN:7 Permanent:false Expires:500ms}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, bad := range [][]byte{nil, mdbEntry(0x1234), mdbEntry(unix.ETH_P_IP, attribute(mdbEntrySource, 1, 2)),
		append(make([]byte, 8), attribute(mdbaMDB, attribute(mdbaEntry, attribute(mdbaEntryInfo, 1, 2, 3)...)...)...),
		append(make([]byte, 8), attribute(mdbaRouter, attribute(mdbaPort, 1)...)...)} {
		if groups, ports, err := parseMDB(bad); err == nil {
			t.Errorf("% x is %+v, %+v", bad, groups, ports)
		}
	}
}

func FuzzParseMDB(f *testing.F) {
	f.Add(mdbEntry(unix.ETH_P_IP, attribute(mdbEntryTimer, native(uint32(200))...)))
	f.Add(mdbEntry(0))
	f.Fuzz(func(t *testing.T, body []byte) {
		groups, ports, err := parseMDB(body)
		if err == nil && len(groups)*sizeofBrMDBEntry+len(ports)*4 > len(body) {
			t.Errorf("%d groups and %d ports of %d bytes", len(groups), len(ports), len(body))
		}
	})
}
