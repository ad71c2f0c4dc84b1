package ipforwardmib

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func randomRoute(r *rand.Rand) route {
	addr := tabletest.Addr(r)
	if addr.Is4In6() {
		addr = addr.Unmap()
	}
	dest, err := addr.WithZone("").Prefix(r.IntN(addr.BitLen() + 1))
	if err != nil {
		panic(err)
	}
	rt := route{
		Destination: dest,
		Table:       r.Uint32N(1000), Interface: 1 + r.Uint32N(5), Metric: netstat.Known(r.Uint32()),
		TOS: netstat.Known(uint8(r.Uint32())), Type: netstat.RouteUnicast,
		Protocol: protocols[r.IntN(len(protocols))].Value,
	}
	if r.IntN(2) == 0 {
		rt.Table, rt.TOS, rt.Metric = netstat.TableMain, netstat.Known[uint8](0), netstat.Known([]uint32{0, 256, 1024}[r.IntN(3)])
	}
	switch r.IntN(5) {
	case 0:
		rt.Type, rt.Interface = netstat.RouteBlackhole, 0
	case 1:
		rt.Type = netstat.RouteUnreachable
	case 2, 3:
		rt.Gateway = tabletest.Addr(r).Unmap().WithZone("")
	}
	if dest.Addr().Is6() && r.IntN(5) == 0 {
		source, err := netip.MustParseAddr("2001:db8:1234::1").Prefix(r.IntN(129))
		if err != nil {
			panic(err)
		}
		rt.Options = &netstat.RouteOptions{Source: source}
	}
	if r.IntN(5) == 0 {
		rt.Flags = netstat.NextHopDead
	}
	if r.IntN(5) == 0 {
		options(&rt).Age.Set(time.Duration(r.IntN(1000)) * time.Second)
	}
	return rt
}

// first gives a route the protocol that its number comes back as. The policy of a
// plain one tells no TOS.
func first(r route) route {
	r.UnknownFlags = ^netstat.NextHopDead
	byDevice := r.Type == netstat.RouteUnicast && !r.Gateway.IsValid()
	hasSource := r.Options != nil && r.Options.Source.IsValid()
	if r.Table == netstat.TableMain && r.TOS.Or(0) == 0 && isDefaultMetric(&r) && !byDevice && !hasSource {
		r.TOS = netstat.Optional[uint8]{}
	}
	switch r.Protocol {
	case netstat.RouteProtocolBoot:
		r.Protocol = netstat.RouteProtocolStatic
	case netstat.RouteProtocolRA:
		r.Protocol = netstat.RouteProtocolRedirect
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]route, 3000)
	for i := range rows {
		rows[i] = randomRoute(random)
	}
	tabletest.RoundTrip(t, Routes(), rows, first)
	tabletest.RoundTrip(t, Routes().WithZones(), rows, first)

	old := func(last netstat.RouteProtocol) func(r route) route {
		return func(r route) route {
			tos := r.TOS
			r = first(r)
			r.TOS = tos // which these tables tell
			r.Table, r.Metric = netstat.TableMain, netstat.Known(min(r.Metric.Or(0), math.MaxInt32))
			switch r.Protocol {
			case netstat.RouteProtocolMRouted, netstat.RouteProtocolDHCP, last:
				r.Protocol = netstat.RouteProtocolUnspecified
			}
			if r.Type == netstat.RouteBlackhole {
				r.Type = netstat.RouteUnreachable
			}
			if r.Gateway.Is6() {
				r.Gateway = netip.Addr{}
				if r.Type == netstat.RouteUnicast {
					r.Type = netstat.RouteThrow // other(1): the table cannot name the router
				}
			}
			return r
		}
	}
	tabletest.RoundTrip(t, IPv4Routes(), rows, old(netstat.RouteProtocolUnspecified))
	forward := old(netstat.RouteProtocolEIGRP)
	tabletest.RoundTrip(t, ForwardRoutes(), rows, func(r route) route {
		r = forward(r)
		if r.Type == netstat.RouteUnreachable {
			r.Type = netstat.RouteThrow
		}
		r.Flags, r.UnknownFlags = 0, ^netstat.RouteFlags(0)
		return r
	})
}

func TestTables(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	unicast := func(dest string, gateway string, change func(*route)) route {
		r := route{Destination: prefix(dest), Type: netstat.RouteUnicast, Table: netstat.TableMain, Interface: 2, Protocol: netstat.RouteProtocolStatic,
			Metric: netstat.Known[uint32](0), TOS: netstat.Known[uint8](0)}
		if gateway != "" {
			r.Gateway = addr(gateway)
		}
		if change != nil {
			change(&r)
		}
		return r
	}
	rows := []route{
		unicast("0.0.0.0/0", "192.0.2.1", nil),
		unicast("0.0.0.0/0", "192.0.2.2", func(r *route) { r.Interface = 3 }),
		unicast("0.0.0.0/0", "192.0.2.1", func(r *route) { r.Metric = netstat.Known[uint32](100) }),
		unicast("0.0.0.0/0", "192.0.2.1", func(r *route) { r.TOS = netstat.Known[uint8](16) }),
		unicast("0.0.0.0/0", "192.0.2.1", func(r *route) { r.Table = 100 }),
		unicast("10.0.0.0/8", "192.0.2.1", nil), // one gateway by two devices
		unicast("10.0.0.0/8", "192.0.2.1", func(r *route) { r.Interface = 3 }),
		unicast("10.0.0.0/8", "192.0.2.2", func(r *route) { r.Interface = 3 }),
		unicast("10.0.0.0/8", "", nil),
		unicast("fe80::/64", "", func(r *route) { r.Metric = netstat.Known[uint32](256) }),
		unicast("fe80::/64", "", func(r *route) { r.Metric, r.Interface = netstat.Known[uint32](256), 3 }),
		unicast("2001:db8::/32", "fe80::1", func(r *route) { r.Metric = netstat.Known[uint32](1024) }),
		unicast("2001:db8::/32", "fe80::2", func(r *route) { r.Metric, r.Interface = netstat.Known[uint32](1024), 3 }),
		unicast("2001:db8::/32", "fe80::2", func(r *route) { r.Metric, r.Interface = netstat.Known[uint32](0), 3 }),
		unicast("198.51.100.0/24", "fe80::1", nil),
		unicast("203.0.113.0/24", "", func(r *route) { r.Type, r.Interface = netstat.RouteBlackhole, 0 }),
		unicast("203.0.113.0/25", "", func(r *route) { r.Type, r.Interface = netstat.RouteProhibit, 0 }),
		unicast("203.0.113.128/25", "", func(r *route) { r.Type, r.Interface = netstat.RouteThrow, 0 }),
		unicast("192.0.2.255/32", "", func(r *route) { r.Type, r.Table = netstat.RouteBroadcast, netstat.TableLocal }),
		unicast("192.0.2.7/32", "", func(r *route) { r.Type, r.Table = netstat.RouteLocal, netstat.TableLocal }),
	}
	ll := "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0."
	for _, c := range []struct {
		table *mib.Table[route]
		rows  int
		want  map[string]mib.Value
	}{
		{Routes(), 18, map[string]mib.Value{
			"7.1.4.0.0.0.0.0.2.0.0.1.4.192.0.2.1":                                           mib.Int(2),
			"7.1.4.0.0.0.0.0.2.0.0.1.4.192.0.2.2":                                           mib.Int(3),
			"12.1.4.0.0.0.0.0.5.0.0.254.0.100.1.4.192.0.2.1":                                mib.Int(100),
			"7.1.4.0.0.0.0.0.5.0.0.254.16.0.1.4.192.0.2.1":                                  mib.Int(2),
			"8.1.4.0.0.0.0.0.5.0.0.100.0.0.1.4.192.0.2.1":                                   mib.Int(4),
			"7.1.4.10.0.0.0.8.6.0.0.254.0.0.2.1.4.192.0.2.1":                                mib.Int(2),
			"7.1.4.10.0.0.0.8.6.0.0.254.0.0.3.1.4.192.0.2.1":                                mib.Int(3),
			"7.1.4.10.0.0.0.8.2.0.0.1.4.192.0.2.2":                                          mib.Int(3),
			"7.1.4.10.0.0.0.8.6.0.0.254.0.0.2.0.0":                                          mib.Int(2),
			"8.2.16." + ll + "0.64.6.0.0.254.0.256.2.0.0":                                   mib.Int(3),
			"8.2.16." + ll + "0.64.6.0.0.254.0.256.3.0.0":                                   mib.Int(3),
			"8.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0.32.2.0.0.2.16." + ll + "1":          mib.Int(4),
			"7.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0.32.2.0.0.2.16." + ll + "2":          mib.Int(3),
			"12.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0.32.5.0.0.254.0.0.2.16." + ll + "2": mib.Int(0),
			"8.1.4.198.51.100.0.24.2.0.0.2.16." + ll + "1":                                  mib.Int(4),
			"8.1.4.203.0.113.0.24.2.0.0.0.0":                                                mib.Int(5),
			"8.1.4.203.0.113.0.25.2.0.0.0.0":                                                mib.Int(2),
			"8.1.4.203.0.113.128.25.2.0.0.0.0":                                              mib.Int(1),
			"9.1.4.203.0.113.0.24.2.0.0.0.0":                                                mib.Int(3),
			"16.1.4.203.0.113.0.24.2.0.0.0.0":                                               mib.Int(-1),
			"17.1.4.203.0.113.0.24.2.0.0.0.0":                                               mib.Int(1),
		}},
		{Routes().WithZones(), 18, map[string]mib.Value{
			"7.1.4.0.0.0.0.0.2.0.0.1.4.192.0.2.1":                                          mib.Int(2),
			"7.1.4.10.0.0.0.8.6.0.0.254.0.0.2.1.4.192.0.2.1":                               mib.Int(2),
			"8.4.20." + ll + "0.0.0.0.2.64.6.0.0.254.0.256.2.0.0":                          mib.Int(3),
			"8.4.20." + ll + "0.0.0.0.3.64.6.0.0.254.0.256.3.0.0":                          mib.Int(3),
			"8.2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.0.32.2.0.0.4.20." + ll + "1.0.0.0.2": mib.Int(4),
			"8.1.4.198.51.100.0.24.2.0.0.4.20." + ll + "1.0.0.0.2":                         mib.Int(4),
		}},
		{IPv4Routes(), 10, map[string]mib.Value{
			// The main table's route with the lowest metric and index.
			"11.0.0.0.0.0.0.0.0.0.192.0.2.1":          mib.Int(0),
			"5.0.0.0.0.0.0.0.0.0.192.0.2.1":           mib.Int(2),
			"3.0.0.0.0.0.0.0.0.16.192.0.2.1":          mib.Int(16),
			"6.198.51.100.0.255.255.255.0.0.0.0.0.0":  mib.Int(1),
			"6.203.0.113.0.255.255.255.0.0.0.0.0.0":   mib.Int(2),
			"2.203.0.113.0.255.255.255.128.0.0.0.0.0": mib.AddrValue(addr("255.255.255.128")),
		}},
		{ForwardRoutes(), 9, map[string]mib.Value{
			// Of 203.0.113.0/24 and /25 the more specific.
			"2.203.0.113.0.3.0.0.0.0.0": mib.AddrValue(addr("255.255.255.128")),
			"7.0.0.0.0.3.0.192.0.2.1":   mib.Int(3),
		}},
	} {
		if n := c.table.View(rows).Len(); n != c.rows {
			t.Errorf("%s has %d rows, want %d", c.table.Name, n, c.rows)
		}
		got := tabletest.Values(t, c.table, rows)
		for name, v := range c.want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", c.table.Name, name, got[name], v)
			}
		}
	}
}

// A route's index follows from the route alone.
func TestPolicyStaysWhenOtherRoutesChange(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	rows := make([]route, 200)
	for i := range rows {
		rows[i] = randomRoute(random)
	}
	whole := Routes().View(rows)
	for i := range rows {
		alone := Routes().View(rows[i : i+1]).Index(0)
		at := whole.Search(alone, true)
		if at == whole.Len() || whole.Index(at) != alone {
			t.Fatalf("%+v has index %v alone, which the whole table has not", rows[i], alone)
		}
	}
}
