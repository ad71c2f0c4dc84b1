package remote_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// whole is a scene with something of everything.
func whole() scene {
	ap, prefix, addr := netip.MustParseAddrPort, netip.MustParsePrefix, netip.MustParseAddr
	process := func(pid int32) netstat.Optional[[]netstat.Process] {
		return netstat.Known([]netstat.Process{{PID: pid}})
	}
	sockets := []netstat.Socket{
		{Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Local: ap("192.0.2.1:22"), Remote: ap("192.0.2.9:4000"), Processes: process(7)},
		{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.TimeWait, Local: ap("[2001:db8::1]:22"), Remote: ap("[2001:db8::2]:4001"), Processes: netstat.Known([]netstat.Process(nil))},
		{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.CloseWait, Local: ap("[fe80::1%3]:22"), Remote: ap("[fe80::2%3]:4001")},
		{Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Listen, Local: ap("0.0.0.0:80"), Processes: process(8)},
		{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Listen, Local: ap("[::]:443"), V6Only: netstat.Known(false), Processes: process(9)},
		{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Listen, Local: ap("[::]:444"), V6Only: netstat.Known(true), Processes: process(9)},
		{Protocol: netstat.UDP, Family: netstat.IPv4, State: netstat.Close, Local: ap("0.0.0.0:53"), Remote: ap("0.0.0.0:0"), Inode: netstat.Known[uint32](5), Processes: process(6)},
		{Protocol: netstat.UDP, Family: netstat.IPv6, State: netstat.Established, Local: ap("[2001:db8::1]:53"), Remote: ap("[2001:db8::2]:999"), Inode: netstat.Known[uint32](6), Processes: process(6)},
	}
	counters := netstat.InterfaceCounters{InPackets: netstat.Known[uint64](1 << 33), OutPackets: netstat.Known[uint64](5), InOctets: netstat.Known[uint64](1 << 40), OutOctets: netstat.Known[uint64](6), InErrors: netstat.Known[uint64](1), OutErrors: netstat.Known[uint64](2), InDropped: netstat.Known[uint64](3), OutDropped: netstat.Known[uint64](4), InMulticast: netstat.Known[uint64](9), NarrowErrors: true}
	links := []netstat.Interface{
		{Index: 1, Name: "lo", HardwareType: netstat.Known[uint16](772), Flags: netstat.InterfaceUp | netstat.InterfaceLoopback | netstat.InterfaceRunning, OperState: netstat.Known(netstat.OperUp), MTU: netstat.Known[uint32](65536), Counters: counters},
		{Index: 2, Name: "eth0", Alias: "to the world", HardwareType: netstat.Known[uint16](1), Flags: netstat.InterfaceUp | netstat.InterfaceRunning, OperState: netstat.Known(netstat.OperUp), MTU: netstat.Known[uint32](1500),
			Address: "\x02\x00\x00\x00\x00\x01", Speed: netstat.Known[uint64](100e9), Master: 4, LinkTraps: netstat.Known(true), Counters: counters},
		{Index: 3, Name: "eth1", HardwareType: netstat.Known[uint16](1), OperState: netstat.Known(netstat.OperDown), MTU: netstat.Known[uint32](1500), Address: "\x02\x00\x00\x00\x00\x02", Counters: counters},
		{Index: 4, Name: "br0", Kind: "bridge", HardwareType: netstat.Known[uint16](1), Flags: netstat.InterfaceUp, OperState: netstat.Known(netstat.OperLowerLayerDown), MTU: netstat.Known[uint32](1500), Counters: counters},
		{Index: 70000, Name: "eth1.5", Kind: "vlan", HardwareType: netstat.Known[uint16](1), OperState: netstat.Known(netstat.OperDown), Lower: 3, Counters: counters},
	}
	addresses := []netstat.Address{
		{Interface: 1, Prefix: prefix("127.0.0.1/8"), Scope: netstat.ScopeHost, Flags: netstat.AddressPermanent},
		{Interface: 2, Prefix: prefix("192.0.2.1/24"), Flags: netstat.AddressPermanent},
		{Interface: 2, Prefix: prefix("2001:db8::1/64"), Flags: netstat.AddressPermanent | netstat.AddressDeprecated},
		{Interface: 2, Prefix: prefix("2001:db8::dead/64"), Flags: netstat.AddressSecondary},
		{Interface: 2, Prefix: prefix("fe80::1/64"), Scope: netstat.ScopeLink},
		{Interface: 3, Prefix: prefix("fe80::1/64"), Scope: netstat.ScopeLink, Flags: netstat.AddressTentative},
	}
	neighbours := []netstat.Neighbour{
		{Family: netstat.IPv4, Interface: 2, Address: addr("192.0.2.9"), LinkAddress: "\x02\x00\x00\x00\x00\x09", State: netstat.Known(netstat.NeighbourReachable)},
		{Family: netstat.IPv4, Interface: 2, Address: addr("192.0.2.10"), State: netstat.Known(netstat.NeighbourFailed)},
		{Family: netstat.IPv4, Interface: 3, Address: addr("192.0.2.9"), LinkAddress: "\x02\x00\x00\x00\x00\x0a", State: netstat.Known(netstat.NeighbourPermanent)},
		{Family: netstat.IPv6, Interface: 2, Address: addr("fe80::9%2"), LinkAddress: "\x02\x00\x00\x00\x00\x09", State: netstat.Known(netstat.NeighbourStale)},
	}
	// What the MIBs do not tell.
	for i := range links {
		links[i].UnknownFlags = ^(netstat.InterfaceUp | netstat.InterfaceRunning | netstat.InterfaceLoopback | netstat.InterfacePromiscuous)
	}
	for i := range addresses {
		a := &addresses[i]
		a.UnknownFlags = ^(netstat.AddressDeprecated | netstat.AddressTentative | netstat.AddressDADFailed | netstat.AddressOptimistic | a.Flags)
		if a.Prefix.Addr().Is6() {
			a.UnknownFlags &^= netstat.AddressSecondary // temporary
		}
	}
	for i := range neighbours {
		neighbours[i].UnknownFlags = ^netstat.NeighbourFlags(0)
	}
	return scene{sockets: sockets, interfaces: links, routes: manyRoutes(50), addresses: addresses, neighbours: neighbours}
}

func TestEveryTable(t *testing.T) {
	want := whole()
	s := open(t, patient(agentOf(t, want)))
	ctx := t.Context()

	sockets, err := collect(s.Sockets(ctx, netstat.SocketQuery{}))
	check(t, err)
	want.sockets = slices.Clone(want.sockets) // those that the agent has stay
	for i := range want.sockets {
		s := &want.sockets[i]
		s.Inode = netstat.Optional[uint32]{} // which the MIB has as a number that means nothing
		if len(s.Processes.Or(nil)) == 0 {
			s.Processes = netstat.Optional[[]netstat.Process]{} // 0 is none, or one that is not known
		}
		// The link of a link-local address is told where two rows would be one.
		s.Local = netip.AddrPortFrom(s.Local.Addr().WithZone(""), s.Local.Port())
		s.Remote = netip.AddrPortFrom(s.Remote.Addr().WithZone(""), s.Remote.Port())
	}
	compare(t, sockets, want.sockets)
	sockets, err = collect(s.Sockets(ctx, netstat.SocketQuery{
		Protocols: []netstat.Protocol{netstat.TCP}, Families: []netstat.Family{netstat.IPv6}, States: netstat.States(netstat.Listen),
	}))
	check(t, err)
	compare(t, sockets, want.sockets[4:6])

	links, err := collect(s.Interfaces(ctx))
	check(t, err)
	compare(t, links, want.interfaces)

	addresses, err := collect(s.Addresses(ctx))
	check(t, err)
	compare(t, addresses, want.addresses)

	neighbours, err := collect(s.Neighbours(ctx))
	check(t, err)
	compare(t, neighbours, want.neighbours)
	neighbours, err = collect(s.Neighbours(ctx, netstat.IPv6))
	check(t, err)
	compare(t, neighbours, want.neighbours[3:])

	for _, families := range [][]netstat.Family{nil, {netstat.IPv4}, {netstat.IPv6}, {netstat.IPv4, netstat.IPv6}} {
		routes, err := collect(s.Routes(ctx, netstat.RouteQuery{Families: families}))
		check(t, err)
		var wanted []netstat.Route
		for _, r := range want.routes {
			if families == nil || len(families) == 2 || r.Family() == families[0] {
				wanted = append(wanted, r)
			}
		}
		compare(t, routes, wanted)
	}
	routes, err := collect(s.Routes(ctx, netstat.RouteQuery{Table: 100}))
	check(t, err)
	compare(t, routes, nil)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// What no table tells is not supported, and not an empty answer.
func TestOldAndBareAgents(t *testing.T) {
	want := whole()
	want.old = true
	s := open(t, patient(agentOf(t, want)))
	ctx := t.Context()
	four := []netstat.Family{netstat.IPv4}

	sockets, err := collect(s.Sockets(ctx, netstat.SocketQuery{}))
	lacks(t, err, "tcpConnectionTable")
	lacks(t, err, "udpEndpointTable")
	if len(sockets) != 4 { // a connection, two listeners that IPv4 reaches, a UDP socket
		t.Errorf("%d sockets: %v", len(sockets), sockets)
	}
	if _, err = collect(s.Sockets(ctx, netstat.SocketQuery{Families: four})); err != nil {
		t.Error(err)
	}
	_, err = collect(s.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDPLite}}))
	lacks(t, err, "udplite")

	routes, err := collect(s.Routes(ctx, netstat.RouteQuery{}))
	lacks(t, err, "inetCidrRouteTable")
	if len(routes) != 45 || routes[0].Destination.Bits() != 24 {
		t.Errorf("%d routes, the first %+v", len(routes), routes[0])
	}
	if _, err = collect(s.Routes(ctx, netstat.RouteQuery{Families: four})); err != nil {
		t.Error(err)
	}
	addresses, err := collect(s.Addresses(ctx))
	lacks(t, err, "ipAddressTable")
	if len(addresses) != 2 || addresses[1].Prefix.String() != "192.0.2.1/24" {
		t.Errorf("addresses %v", addresses)
	}
	neighbours, err := collect(s.Neighbours(ctx))
	lacks(t, err, "ipNetToPhysicalTable")
	if len(neighbours) != 2 { // the one that failed is invalid(2) there
		t.Errorf("neighbours %v", neighbours)
	}
	links, err := collect(s.Interfaces(ctx))
	if err != nil || len(links) != 5 {
		t.Fatalf("%d interfaces, %v", len(links), err)
	}
	if c := links[1].Counters; c.InPackets.Or(0) != 9+(1<<33-9)&(1<<32-1) || c.InErrors.Or(0) != 1 || !c.NarrowOctets || !c.NarrowPackets || !c.NarrowErrors || links[1].Master != 0 || links[1].Speed.IsKnown() {
		t.Errorf("%+v", links[1])
	}
	_, err = collect(s.Stacking(ctx))
	lacks(t, err, "ifStackTable")

	bare := open(t, patient(agentOf(t, scene{})))
	for object, err := range map[string]error{
		"tcpConnectionTable or tcpConnTable": last(bare.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}})),
		"udpEndpointTable or udpTable":       last(bare.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}})),
		"ifTable":                            last(bare.Interfaces(ctx)),
		"inetCidrRouteTable, ipCidrRouteTable or ipRouteTable": last(bare.Routes(ctx, netstat.RouteQuery{})),
		"ipAddressTable or ipAddrTable":                        last(bare.Addresses(ctx)),
		"ipNetToPhysicalTable, ipNetToMediaTable or atTable":   last(bare.Neighbours(ctx)),
		"ipSystemStatsTable or scalar of the group ip":         last(bare.IPStatistics(ctx)),
		"ifRcvAddressTable":                                    last(bare.ReceiveAddresses(ctx)),
	} {
		lacks(t, err, object)
	}
	_, err = bare.TCPStatistics(ctx)
	lacks(t, err, "group tcp")
	_, err = bare.UDPStatistics(ctx)
	lacks(t, err, "group udp")
}

func last[R any](seq func(func(R, error) bool)) error {
	_, err := collect(seq)
	return err
}

func lacks(t *testing.T, err error, object string) {
	t.Helper()
	if !errors.Is(err, netstat.ErrNotSupported) || !strings.Contains(fmt.Sprint(err), object) {
		t.Errorf("error is %v, want one that misses %s", err, object)
	}
}

// Rows with holes come out with the same holes.
func TestHoles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	want := make([]netstat.Interface, 700)
	for i := range want {
		want[i] = netstat.Interface{Index: uint32(i*i + 1), Name: fmt.Sprint("if", i), HardwareType: netstat.Known[uint16](1), OperState: netstat.Known(netstat.OperUp),
			Flags: netstat.InterfaceUp | netstat.InterfaceRunning, UnknownFlags: ^(netstat.InterfaceUp | netstat.InterfaceRunning | netstat.InterfaceLoopback | netstat.InterfacePromiscuous)}
		if random.IntN(3) > 0 {
			c := netstat.InterfaceCounters{InPackets: netstat.Known[uint64](1 << 35), OutPackets: netstat.Known[uint64](1 << 34)}
			if random.IntN(20) == 0 {
				c.InBroadcast, c.OutBroadcast, c.OutMulticast = netstat.Known[uint64](1), netstat.Known[uint64](2), netstat.Known[uint64](3)
			}
			want[i].Counters = c
		}
		if random.IntN(50) == 0 {
			want[i].LinkTraps.Set(true)
		}
	}
	address := agentOf(t, scene{interfaces: want})
	for _, sessions := range []int{1, 4} {
		c := patient(address)
		c.Sessions = sessions
		got, err := collect(open(t, c).Interfaces(t.Context()))
		check(t, err)
		compare(t, got, want)
	}
}

// Each of many hosts has one result, whatever becomes of the others.
func TestPool(t *testing.T) {
	want := whole()
	good := agentOf(t, want)
	silent := (&device{change: nil}).start(t)
	const hosts = 300
	configs := func(yield func(remote.Config) bool) {
		for i := range hosts {
			c := patient(good)
			c.Context = ""
			switch i % 10 {
			case 8:
				c.Address = silent // without any object at all
			case 9:
				c.Community, c.Timeout, c.Retries = "wrong", 50*time.Millisecond, netstat.Known(0)
			}
			if !yield(c) {
				return
			}
		}
	}
	count := func(p remote.Pool) (ok, lacking, unanswered, other int) {
		for r := range remote.Read(t.Context(), p, configs, remote.Rows((*remote.Stack).Interfaces)) {
			switch {
			case r.Err == nil && len(r.Value) == len(want.interfaces):
				ok++
			case errors.Is(r.Err, netstat.ErrNotSupported) && r.Config.Address == silent:
				lacking++
			case errors.Is(r.Err, remote.ErrNoAnswer) && r.Config.Community == "wrong":
				unanswered++
			default:
				other++
				t.Logf("%v: %d rows, %v", r.Config, len(r.Value), r.Err)
			}
		}
		return
	}
	if ok, lacking, unanswered, other := count(remote.Pool{Concurrent: 20}); ok != 240 || lacking != 30 || unanswered != 30 || other != 0 {
		t.Errorf("%d good, %d without tables, %d without an answer, %d other", ok, lacking, unanswered, other)
	}
	n := 0
	for range remote.Read(t.Context(), remote.Pool{}, configs, remote.Rows((*remote.Stack).Interfaces)) {
		if n++; n == 3 {
			break
		}
	}
	// A host that takes too long has that as its error.
	slow := patient(good)
	slow.Community = "wrong"
	one := func(yield func(remote.Config) bool) { yield(slow) }
	for r := range remote.Read(t.Context(), remote.Pool{Timeout: 50 * time.Millisecond}, one, remote.Rows((*remote.Stack).Interfaces)) {
		if !strings.Contains(fmt.Sprint(r.Err), "took longer than 50ms") {
			t.Errorf("error is %v", r.Err)
		}
	}
}
