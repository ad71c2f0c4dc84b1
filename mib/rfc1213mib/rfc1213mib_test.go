package rfc1213mib

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func randomAddr(r *rand.Rand) netip.Addr {
	n := 1 + r.Uint32N(1<<32-2)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func TestAddressesRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := []address{{Interface: 1, Prefix: netip.MustParsePrefix("2001:db8::1/64")}}
	for range 1000 {
		rows = append(rows, address{Interface: 1 + random.Uint32N(9), Prefix: netip.PrefixFrom(randomAddr(random), random.IntN(33))})
	}
	tabletest.RoundTrip(t, Addresses(), rows, func(a address) address {
		a.UnknownFlags = ^netstat.AddressFlags(0)
		return a
	})
}

func TestNeighboursRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := []neighbour{{Family: netstat.IPv6, Interface: 1, Address: netip.MustParseAddr("2001:db8::1")}}
	for range 1000 {
		n := neighbour{Family: netstat.IPv4, Interface: 1 + random.Uint32N(9), Address: randomAddr(random), LinkAddress: "\x02\x00\x00\x00\x00\x09"}
		if random.IntN(3) == 0 {
			n.State = netstat.Known(netstat.NeighbourPermanent)
		}
		rows = append(rows, n)
	}
	unknown := func(n neighbour) neighbour {
		n.UnknownFlags = ^netstat.NeighbourFlags(0)
		return n
	}
	tabletest.RoundTrip(t, Neighbours(), rows, unknown)
	tabletest.RoundTrip(t, Translations(), rows, func(n neighbour) neighbour {
		n.State = netstat.Optional[netstat.NeighbourState]{}
		return unknown(n)
	})
	values := tabletest.Values(t, Translations(), []neighbour{
		{Family: netstat.IPv4, Interface: 2, Address: netip.MustParseAddr("192.0.2.9"), LinkAddress: "\x02\x00\x00\x00\x00\x09"},
		{Family: netstat.IPv4, Interface: 2, Address: netip.MustParseAddr("192.0.2.10"), State: netstat.Known(netstat.NeighbourFailed)},
	})
	if v := values["1.2.1.192.0.2.9"]; v != mib.Int(2) || len(values) != 3 {
		t.Errorf("atIfIndex.2.1.192.0.2.9 is %v in %v", v, values)
	}
}

func TestRoutesRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := []route{{Destination: netip.MustParsePrefix("2001:db8::/64"), Type: netstat.RouteUnicast}}
	for range 1000 {
		prefix, err := randomAddr(random).Prefix(1 + random.IntN(32))
		if err != nil {
			t.Fatal(err)
		}
		r := route{Destination: prefix, Interface: random.Uint32N(9), Metric: netstat.Known[uint32](random.Uint32N(100)), Type: netstat.RouteUnicast,
			Table: netstat.TableMain, Protocol: protocols[random.IntN(len(protocols))].Value}
		switch random.IntN(4) {
		case 0:
			r.Type = netstat.RouteUnreachable
		case 1:
			r.Options = &netstat.RouteOptions{Age: netstat.Known(time.Duration(random.IntN(1000)) * time.Second)}
		case 2:
			r.Gateway = randomAddr(random)
		}
		rows = append(rows, r)
	}
	rows = append(rows, route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Type: netstat.RouteUnicast, Table: 100, Gateway: netip.MustParseAddr("192.0.2.1")},
		route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Type: netstat.RouteUnicast, Table: netstat.TableMain, Gateway: netip.MustParseAddr("192.0.2.2")})
	// ipRouteNextHop holds no IPv6 router: such a route is neither direct nor indirect.
	other := []route{{Destination: netip.MustParsePrefix("198.51.100.0/24"), Type: netstat.RouteUnicast, Table: netstat.TableMain, Gateway: netip.MustParseAddr("2001:db8::1")}}
	shown := map[string]mib.Value{}
	for b := range Routes().View(other).All() {
		shown[b.Object.String()] = b.Value
	}
	if hop, kind := shown[Routes().Entry.Sub(7).String()], shown[Routes().Entry.Sub(8).String()]; hop != mib.IPv4Value(0) || kind != mib.Int(RouteOther) {
		t.Errorf("by an IPv6 router: next hop %v, type %v", hop, kind)
	}
	tabletest.RoundTrip(t, Routes(), rows, func(r route) route {
		r.Table, r.UnknownFlags = netstat.TableMain, ^netstat.RouteFlags(0)
		switch r.Protocol {
		case netstat.RouteProtocolBoot:
			r.Protocol = netstat.RouteProtocolStatic
		case netstat.RouteProtocolRA:
			r.Protocol = netstat.RouteProtocolRedirect
		}
		if r.Type == netstat.RouteUnreachable {
			r.Type = netstat.RouteThrow
		}
		return r
	})
	// Of a destination on the link some devices show an address of their own.
	direct := func(yield func(mib.Binding) bool) {
		index := mib.MakeOID(192, 0, 2, 0)
		for sub, v := range map[uint32]mib.Value{7: mib.IPv4Value(192<<24 | 2<<8 | 7)} {
			if !yield(mib.Binding{Object: Routes().Entry.Sub(sub), Index: index, Value: v}) {
				return
			}
		}
		_ = yield(mib.Binding{Object: Routes().Entry.Sub(8), Index: index, Value: mib.Int(RouteDirect)}) &&
			yield(mib.Binding{Object: Routes().Entry.Sub(11), Index: index, Value: mib.IPv4Value(0xffffff00)})
	}
	got, err := Routes().Decode(time.Time{}, direct)
	if err != nil || len(got) != 1 || got[0].Gateway.IsValid() || got[0].Destination != netip.MustParsePrefix("192.0.2.0/24") {
		t.Errorf("%+v, %v", got, err)
	}
}
