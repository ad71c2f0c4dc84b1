package ipmib

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestAddressesRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]address, 2000)
	flags := []netstat.AddressFlags{0, netstat.AddressDeprecated, netstat.AddressTentative, netstat.AddressDADFailed, netstat.AddressOptimistic}
	for i := range rows {
		a := tabletest.Addr(random).Unmap().WithZone("")
		rows[i] = address{
			Interface: 1 + random.Uint32N(1<<20), Prefix: netip.PrefixFrom(a, random.IntN(a.BitLen()+1)),
			Flags: flags[random.IntN(len(flags))],
		}
		switch {
		case a.Is6() && random.IntN(3) == 0:
			rows[i].Flags |= netstat.AddressSecondary
		case !isLinkLocal(a) && random.IntN(2) == 0:
			rows[i].Flags |= netstat.AddressPermanent
		case a.Is6() && !isLinkLocal(a) && random.IntN(2) == 0:
			rows[i].Origin.Set(madeOfAdvertisement)
		case isLinkLocal(a) && random.IntN(2) == 0:
			rows[i].Origin.Set(madeLinkLocal)
		}
		if random.IntN(2) == 0 {
			rows[i].Created = time.Unix(int64(1+random.IntN(1e6)), 0)
			rows[i].Updated = rows[i].Created.Add(time.Minute)
		}
	}
	carried := func(a address) address {
		told := netstat.AddressDeprecated | netstat.AddressTentative | netstat.AddressDADFailed | netstat.AddressOptimistic | a.Flags
		if a.Prefix.Addr().Is6() {
			told |= netstat.AddressSecondary // temporary
		}
		a.UnknownFlags = ^told
		return a
	}
	tabletest.RoundTrip(t, Addresses(), rows, carried)
	tabletest.RoundTrip(t, Addresses().WithZones(), rows, carried)

	values := tabletest.Values(t, Addresses(), []address{
		{Interface: 3, Prefix: netip.MustParsePrefix("192.0.2.129/25"), Flags: netstat.AddressPermanent},
		{Interface: 300, Prefix: netip.MustParsePrefix("fe80::1/64")},
		{Interface: 300, Prefix: netip.MustParsePrefix("fe80::2/64")}, {Interface: 301, Prefix: netip.MustParsePrefix("fe80::2/64")},
	})
	for name, want := range map[string]mib.Value{
		"3.1.4.192.0.2.129": mib.Int(3), "4.1.4.192.0.2.129": mib.Int(1), "6.1.4.192.0.2.129": mib.Int(2), "7.1.4.192.0.2.129": mib.Int(1),
		"5.1.4.192.0.2.129": mib.OIDValue(mib.MustParseOID("1.3.6.1.2.1.4.32.1.5.3.1.4.192.0.2.128.25")),
		"5.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1": mib.OIDValue(mib.MustParseOID(
			"1.3.6.1.2.1.4.32.1.5.300.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.0.64")),
		"3.4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.1.44": mib.Int(300),
		"3.4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.1.45": mib.Int(301),
	} {
		if values[name] != want {
			t.Errorf("%s is %v, want %v", name, values[name], want)
		}
	}
}

func TestNeighboursRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	states := []netstat.NeighbourState{
		0, netstat.NeighbourReachable, netstat.NeighbourStale, netstat.NeighbourDelay, netstat.NeighbourProbe,
		netstat.NeighbourFailed, netstat.NeighbourIncomplete, netstat.NeighbourPermanent,
	}
	rows := make([]neighbour, 2000)
	for i := range rows {
		n := neighbour{Family: netstat.IPv6, Interface: 1 + random.Uint32N(9), Address: tabletest.Addr(random).Unmap(), State: netstat.Known[netstat.NeighbourState](states[random.IntN(len(states))])}
		if n.Address.Is4() {
			n.Family = netstat.IPv4
		} else if isLinkLocal(n.Address) {
			n.Address = n.Address.WithZone(strconv.Itoa(int(n.Interface)))
		}
		if random.IntN(2) == 0 {
			n.LinkAddress = "\x02\x00\x00\x00\x00\x09"
			n.Updated = time.Unix(int64(1+random.IntN(1e6)), 0)
		}
		rows[i] = n
	}
	rows = append(rows, neighbour{Family: netstat.Bridge, Interface: 1}, neighbour{Family: netstat.IPv4, Interface: 1, Address: netip.MustParseAddr("192.0.2.77"), Flags: netstat.NeighbourProxy},
		neighbour{Family: netstat.IPv4, Interface: 1, Address: netip.MustParseAddr("224.0.0.1"), State: netstat.Known(netstat.NeighbourNoARP)})
	carried := func(n neighbour) neighbour {
		n.UnknownFlags = ^netstat.NeighbourFlags(0)
		if n.State == netstat.Known[netstat.NeighbourState](0) {
			n.State = netstat.Optional[netstat.NeighbourState]{}
		}
		return n
	}
	tabletest.RoundTrip(t, Neighbours(), rows, carried)
	tabletest.RoundTrip(t, Neighbours().WithZones(), rows, carried)
}

func TestStatisticsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	// Counters without a 64-bit object have 32 bits.
	row := func(f netstat.Family) statistics {
		s := statistics{Family: f, Discontinuity: time.Unix(77, 0)}
		for _, c := range []*Counter{
			&s.InReceives, &s.InOctets, &s.InForwDatagrams, &s.InDelivers, &s.OutRequests, &s.OutForwDatagrams, &s.OutTransmits,
			&s.OutOctets, &s.InMcastPkts, &s.InMcastOctets, &s.OutMcastPkts, &s.OutMcastOctets, &s.InBcastPkts, &s.OutBcastPkts,
		} {
			c.Set(random.Uint64())
		}
		for _, c := range []*Counter{
			&s.InHdrErrors, &s.InNoRoutes, &s.InAddrErrors, &s.InUnknownProtos, &s.InTruncatedPkts, &s.ReasmReqds, &s.ReasmOKs,
			&s.ReasmFails, &s.InDiscards, &s.OutNoRoutes, &s.OutDiscards, &s.OutFragReqds, &s.OutFragOKs, &s.OutFragFails,
		} {
			c.Set(uint64(random.Uint32()))
		}
		return s // OutFragCreates stays unknown
	}
	rows := []statistics{row(netstat.IPv4), row(netstat.IPv6)}
	tabletest.RoundTrip(t, SystemStatistics(), rows, func(s statistics) statistics { return s })

	known := func(n uint64) Counter { return netstat.Known(n) }
	want := statistics{
		InReceives: known(3), InHdrErrors: known(4), InAddrErrors: known(5), InForwDatagrams: known(6), InUnknownProtos: known(7),
		InDiscards: known(8), InDelivers: known(9), OutRequests: known(10), OutDiscards: known(11), OutNoRoutes: known(12),
		ReasmReqds: known(14), ReasmOKs: known(15), ReasmFails: known(16), OutFragOKs: known(17), OutFragFails: known(18), OutFragCreates: known(19),
	}
	var got statistics
	for b := range IPv4Statistics().Values(want) {
		if sub, _ := b.Object.CutPrefix(IPv4Statistics().OID); sub != mib.MakeOID(uint32(b.Value.Uint())) {
			t.Errorf("%v is %v", b.Object, b.Value)
		}
	}
	if err := IPv4Statistics().Decode(time.Time{}, IPv4Statistics().Values(want), &got); err != nil || got != want {
		t.Errorf("%v:\n got %+v\nwant %+v", err, got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("1.3.6.1.2.1.4.34.1.5.1.4.192.0.2.1", "1.3.6.1.2.1.4.32.1.5.3.1.4.192.0.2.128.25")
	f.Add("1.3.6.1.2.1.4.35.1.4.2.4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.2", "1.3")
	f.Add("1.3.6.1.2.1.4.32.1.5.3.1.4.192.0.2.128.25", "x")
	f.Add("1.3.6.1.2.1.5.30.1.3.2.143", "x")
	f.Add("1.3.6.1.2.1.4.30.1.3.7", "12345678")
	f.Add("1.3.6.1.2.1.4.37.1.4.4.20.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.3.3", "x")
	f.Add("1.3.6.1.2.1.4.31.3.1.3.2.7", "x")
	f.Fuzz(func(t *testing.T, name, value string) {
		o, err := mib.ParseOID(name)
		if err != nil {
			return
		}
		v := mib.Octets(value)
		if pointer, err := mib.ParseOID(value); err == nil {
			v = mib.OIDValue(pointer)
		}
		one := func(yield func(mib.Binding) bool) { yield(mib.Binding{Object: o, Value: v}) }
		if rows, err := Addresses().Decode(time.Time{}, one); err == nil && len(rows) == 1 {
			if a := rows[0]; !a.Prefix.Addr().IsValid() && a.Prefix.IsValid() {
				t.Errorf("%+v", a)
			}
		}
		_, _ = Neighbours().Decode(time.Time{}, one)
		if rows, err := Prefixes().Decode(time.Time{}, one); err == nil && len(rows) == 1 && rows[0].Prefix.Bits() > rows[0].Prefix.Addr().BitLen() {
			t.Errorf("%+v", rows[0])
		}
		_, _ = ICMPTypes().Decode(time.Time{}, one)
		_, _ = IPv6Interfaces().Decode(time.Time{}, one)
		_, _ = IPInterfaceStatistics().Decode(time.Time{}, one)
		if rows, err := DefaultRouters().Decode(time.Time{}, one); err == nil && len(rows) == 1 && rows[0].Gateway.IsValid() && rows[0].Destination.Addr().Is4() != rows[0].Gateway.Is4() {
			t.Errorf("%+v", rows[0])
		}
	})
}
