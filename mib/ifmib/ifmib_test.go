package ifmib

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestInterfaces(t *testing.T) {
	epoch := time.Unix(0, 0)
	rows := []iface{
		{
			Index: 1, Name: "lo", HardwareType: netstat.Known[uint16](arphrdLoopback), MTU: netstat.Known[uint32](65536), Address: "\x00\x00\x00\x00\x00\x00",
			Flags: netstat.InterfaceUp | netstat.InterfaceLoopback | netstat.InterfaceRunning, OperState: netstat.Known(netstat.OperUnknown),
		},
		{
			Index: 2, Name: "eth0", HardwareType: netstat.Known[uint16](arphrdEther), MTU: netstat.Known[uint32](1500), Address: "\x02\x00\x00\x00\x00\x01",
			Alias: strings.Repeat("é", 100), Flags: netstat.InterfaceUp, OperState: netstat.Known(netstat.OperLowerLayerDown),
			Speed: netstat.Known[uint64](100_000_000_000), Promiscuity: netstat.Known[uint32](1),
			LastChange: epoch.Add(12340 * time.Millisecond), LinkTraps: netstat.Known(true),
			Counters: counters{
				InPackets: netstat.Known[uint64](1<<40 + 10), InMulticast: netstat.Known[uint64](4), InOctets: netstat.Known[uint64](1<<33 + 1), OutPackets: netstat.Known[uint64](7), OutOctets: netstat.Known[uint64](8),
				InErrors: netstat.Known[uint64](1), OutErrors: netstat.Known[uint64](2), InDropped: netstat.Known[uint64](3), InMissedErrors: netstat.Known[uint64](4), OutDropped: netstat.Known[uint64](5),
			},
		},
		{Index: 3, Name: "eth1", HardwareType: netstat.Known[uint16](arphrdEther), OperState: netstat.Known(netstat.OperDown), Speed: netstat.Known[uint64](10_000_000)},
		{Index: 4, Name: "gre1", HardwareType: netstat.Known[uint16](arphrdIPGRE), Kind: "gre", Address: "\x0a\x00\x00\x01", Flags: netstat.InterfaceUp, OperState: netstat.Known(netstat.OperUnknown)},
	}
	got := tabletest.Values(t, Interfaces(), rows)
	for name, v := range tabletest.Values(t, Extensions(), rows) {
		got["x"+name] = v
	}
	want := map[string]mib.Value{
		"2.1": mib.Octets("lo"), "3.1": mib.Int(24), "4.1": mib.Int(65536), "5.1": mib.Gauge(0),
		"6.1": mib.Octets(""), "7.1": mib.Int(1), "8.1": mib.Int(1), "9.1": mib.Ticks(0),
		"15.2": mib.Count32(0), "21.2": mib.Gauge(0), "22.1": mib.OIDValue(mib.MakeOID(0, 0)), "x15.1": mib.Gauge(0), "x17.1": mib.Int(2), "x18.1": mib.Octets(""),

		"3.2": mib.Int(6), "5.2": mib.Gauge(4294967295), "6.2": mib.Octets("\x02\x00\x00\x00\x00\x01"),
		"8.2": mib.Int(7), "9.2": mib.Ticks(1234),
		"10.2": mib.Count32(1), "11.2": mib.Count32(6), "12.2": mib.Count32(4), "13.2": mib.Count32(7),
		"14.2": mib.Count32(1), "16.2": mib.Count32(8), "17.2": mib.Count32(7), "18.2": mib.Count32(0), "19.2": mib.Count32(5), "20.2": mib.Count32(2),
		"x1.2": mib.Octets("eth0"), "x2.2": mib.Count32(4), "x6.2": mib.Count64(1<<33 + 1), "x7.2": mib.Count64(1<<40 + 6),
		"x8.2": mib.Count64(4), "x10.2": mib.Count64(8), "x11.2": mib.Count64(7),
		"x14.2": mib.Int(1), "x15.2": mib.Gauge(100_000), "x16.2": mib.Int(1), "x17.2": mib.Int(1),
		"x18.2": mib.Octets(strings.Repeat("é", 32)), "x19.2": mib.Ticks(0),

		"5.3": mib.Gauge(10_000_000), "7.3": mib.Int(2), "8.3": mib.Int(2), "x15.3": mib.Gauge(10), "x16.3": mib.Int(2),
		"3.4": mib.Int(131), "6.4": mib.Octets(""), "8.4": mib.Int(2), "x17.4": mib.Int(2),
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
	// What nobody knows is absent.
	for _, name := range []string{"10.1", "x3.2", "x4.2", "x9.2", "x12.2", "x13.2", "x14.1", "x6.3"} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is %v, want it absent", name, v)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		kind     string
		hardware uint16
		want     int32
	}{
		{"", arphrdEther, 6}, {"veth", arphrdEther, 6}, {"bridge", arphrdEther, 209}, {"vlan", arphrdEther, 135},
		{"bond", arphrdEther, 161}, {"team", arphrdEther, 161}, {"vxlan", arphrdEther, 131}, {"gretap", arphrdEther, 131},
		{"tun", arphrdEther, 53}, {"tun", arphrdNone, 131}, {"wireguard", arphrdNone, 131}, {"ifb", arphrdEther, 53},
		{"", arphrdPPP, 23}, {"", arphrdSLIP + 2, 28}, {"", arphrdTunnel, 131}, {"", arphrdInfiniBand, 199},
		{"", arphrdIEEE80211, 71}, {"", 280, 1}, {"unheardof", arphrdEther, 6}, {"", arphrdLoopback, 24},
	} {
		if got, _ := deviceType.Get(&iface{Kind: c.kind, HardwareType: netstat.Known[uint16](c.hardware)}); got != c.want {
			t.Errorf("kind %q, hardware type %d is ifType %d, want %d", c.kind, c.hardware, got, c.want)
		}
	}
}

func randomInterface(r *rand.Rand, index uint32) iface {
	i := iface{
		Index: index, Name: "if", MTU: netstat.Known[uint32](r.Uint32N(1 << 16)), HardwareType: netstat.Known[uint16](arphrdEther),
		Address: "\x02\x00\x00\x00\x00\x09", OperState: netstat.Known[netstat.OperState](netstat.OperState(1 + r.IntN(6))),
		Flags: netstat.InterfaceUp * netstat.InterfaceFlags(r.IntN(2)),
	}
	if r.IntN(2) == 0 {
		i.Speed.Set(uint64(1+r.IntN(400_000)) * megabit)
	}
	if r.IntN(2) == 0 {
		i.LastChange = time.Unix(int64(1+r.IntN(1e6)), 0)
	}
	if r.IntN(4) > 0 {
		c := counters{
			InPackets: netstat.Known[uint64](uint64(1<<20 + r.IntN(1<<20))), InMulticast: netstat.Known[uint64](uint64(r.IntN(1 << 10))), InOctets: netstat.Known[uint64](r.Uint64()),
			OutPackets: netstat.Known[uint64](uint64(1<<20 + r.IntN(1<<20))), OutOctets: netstat.Known[uint64](r.Uint64()),
		}
		if r.IntN(2) == 0 {
			c.InBroadcast.Set(uint64(r.IntN(1 << 10)))
			c.OutBroadcast.Set(uint64(r.IntN(1 << 10)))
			c.OutMulticast.Set(uint64(r.IntN(1 << 10)))
		}
		i.Counters = c
	}
	return i
}

// ifXTable has the counters whole, but for errors and discards.
func TestExtensionsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]iface, 500)
	for i := range rows {
		rows[i] = randomInterface(random, uint32(i*7+1))
	}
	view := Extensions().View(rows)
	got, err := Extensions().Decode(time.Unix(0, 0), tabletest.Walk(t, Extensions(), rows))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		want := view.Row(i)
		gotCounters, wantCounters := got[i].Counters, want.Counters
		if got[i].Index != want.Index || got[i].Name != want.Name || gotCounters.InOctets != wantCounters.InOctets ||
			gotCounters.InMulticast != wantCounters.InMulticast || gotCounters.OutBroadcast != wantCounters.OutBroadcast ||
			gotCounters.InPackets.IsKnown() != wantCounters.InPackets.IsKnown() || got[i].Speed != want.Speed {
			t.Errorf("row %d:\n got %+v\nwant %+v", i, got[i], want)
		}
	}
	if len(got) != len(rows) {
		t.Errorf("%d rows came back of %d", len(got), len(rows))
	}
	again, err := Interfaces().Decode(time.Unix(0, 0), tabletest.Walk(t, Interfaces(), rows))
	if err != nil {
		t.Fatal(err)
	}
	for i := range again {
		want := rows[i]
		if a := again[i]; a.OperState != want.OperState || a.Up() != want.Up() || a.MTU != want.MTU ||
			a.Address != want.Address || !a.LastChange.Equal(want.LastChange) || a.HardwareType != want.HardwareType {
			t.Errorf("row %d:\n got %+v\nwant %+v", i, a, want)
		}
	}
}

func TestStackAndReceiveAddresses(t *testing.T) {
	interfaces := []iface{
		{Index: 1, Name: "lo", Flags: netstat.InterfaceLoopback, Address: "\x00\x00\x00\x00\x00\x00"},
		{Index: 2, Name: "eth0", Master: 4, Address: "\x02\x00\x00\x00\x00\x01", Permanent: "\x02\x00\x00\x00\x00\x01",
			Broadcast: "\xff\xff\xff\xff\xff\xff", Flags: netstat.InterfaceBroadcast,
			Multicast: netstat.Known([]netstat.HardwareAddress{"\x01\x00\x5e\x00\x00\x01"})},
		{Index: 3, Name: "veth0", Kind: "veth", Lower: 2},
		{Index: 4, Name: "br0", Kind: "bridge"},
		{Index: 5, Name: "vlan5", Kind: "vlan", Lower: 4},
		{Index: 6, Name: "macvlan0", Kind: "macvlan", Lower: 2, LowerNetNSID: netstat.Known[int32](3)},
	}
	stack := netstat.StackingOf(interfaces)
	tabletest.RoundTrip(t, Stack(), stack, func(s stacking) stacking { return s })
	got := tabletest.Values(t, Stack(), stack)
	want := []string{"3.0.1", "3.0.3", "3.0.5", "3.0.6", "3.1.0", "3.2.0", "3.3.0", "3.4.2", "3.5.4", "3.6.0"}
	for _, name := range want {
		if got[name] != mib.Int(1) {
			t.Errorf("%s is %v, want active(1)", name, got[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d: %v", len(got), len(want), got)
	}

	addresses := netstat.ReceiveAddressesOf(interfaces)
	tabletest.RoundTrip(t, ReceiveAddresses(), addresses, func(a receiveAddress) receiveAddress { return a })
	values := tabletest.Values(t, ReceiveAddresses(), addresses)
	for name, v := range map[string]mib.Value{
		"3.2.6.2.0.0.0.0.1": mib.Int(3), "3.2.6.255.255.255.255.255.255": mib.Int(2),
		"3.2.6.1.0.94.0.0.1": mib.Int(2), "2.2.6.1.0.94.0.0.1": mib.Int(1),
	} {
		if values[name] != v {
			t.Errorf("%s is %v, want %v", name, values[name], v)
		}
	}
	if len(values) != 6 {
		t.Errorf("%d variables, want 6: %v", len(values), values)
	}
}
