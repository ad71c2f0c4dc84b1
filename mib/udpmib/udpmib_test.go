package udpmib

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func randomSocket(r *rand.Rand) socket {
	s := socket{
		Protocol: netstat.UDP, State: netstat.Established, Inode: netstat.Known[uint32](1 + r.Uint32N(1<<20)),
		Local:  netip.AddrPortFrom(tabletest.Addr(r), uint16(r.Uint32())),
		Remote: netip.AddrPortFrom(tabletest.Addr(r), 1+uint16(r.Uint32N(1000))),
		V6Only: netstat.Known(r.IntN(2) == 0),
	}
	if r.IntN(3) == 0 {
		s.Local = netip.AddrPortFrom(netip.IPv6Unspecified(), s.Local.Port())
	}
	s.Family = netstat.IPv6
	if s.Local.Addr().Unmap().Is4() {
		s.Local = netip.AddrPortFrom(s.Local.Addr().Unmap(), s.Local.Port())
		s.Family, s.V6Only = netstat.IPv4, netstat.Optional[bool]{}
	}
	if r.IntN(2) == 0 {
		s.State = netstat.Close
		s.Remote = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
		if s.Family == netstat.IPv4 {
			s.Remote = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
		}
	}
	if r.IntN(2) == 0 {
		s.Processes = netstat.Known([]netstat.Process{{PID: 1 + r.Int32N(1<<22)}})
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]socket, 2000)
	for i := range rows {
		rows[i] = randomSocket(random)
	}
	endpoint := func(s socket) socket {
		s.Remote = netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
		if s.Local.Addr() != netip.IPv6Unspecified() {
			s.V6Only = netstat.Optional[bool]{}
		}
		s.Inode = netstat.Optional[uint32]{} // what tells rows apart is a number of the agent's own
		return s
	}
	tabletest.RoundTrip(t, Endpoints().WithZones(), rows, endpoint)
	tabletest.RoundTrip(t, Endpoints(), rows, func(s socket) socket {
		s = endpoint(s)
		s.Local = netip.AddrPortFrom(s.Local.Addr().WithZone(""), s.Local.Port())
		s.Remote = netip.AddrPortFrom(s.Remote.Addr().WithZone(""), s.Remote.Port())
		return s
	})
	tabletest.RoundTrip(t, IPv4Listeners(), rows, func(s socket) socket {
		local := s.Local.Addr()
		if local == netip.IPv6Unspecified() {
			local = netip.IPv4Unspecified()
		}
		return socket{Protocol: netstat.UDP, Family: netstat.IPv4, Local: netip.AddrPortFrom(local, s.Local.Port())}
	})
}

func TestTables(t *testing.T) {
	rows := []socket{
		{Protocol: netstat.UDP, Family: netstat.IPv4, State: netstat.Close, Inode: netstat.Known[uint32](70),
			Local: netip.MustParseAddrPort("0.0.0.0:53"), Remote: netip.MustParseAddrPort("0.0.0.0:0"),
			Processes: netstat.Known([]netstat.Process{{PID: 3}})},
		{Protocol: netstat.UDP, Family: netstat.IPv4, State: netstat.Close, Inode: netstat.Known[uint32](71),
			Local: netip.MustParseAddrPort("0.0.0.0:53"), Remote: netip.MustParseAddrPort("0.0.0.0:0")},
		{Protocol: netstat.UDP, Family: netstat.IPv6, State: netstat.Close, Inode: netstat.Known[uint32](72), V6Only: netstat.Known(false),
			Local: netip.MustParseAddrPort("[::]:123"), Remote: netip.MustParseAddrPort("[::]:0"),
			Processes: netstat.Known([]netstat.Process{{PID: 4}})},
		{Protocol: netstat.UDP, Family: netstat.IPv4, State: netstat.Established, Cookie: netstat.Known[uint64](9),
			Local: netip.MustParseAddrPort("192.0.2.1:500"), Remote: netip.MustParseAddrPort("192.0.2.2:53"),
			Processes: netstat.Known([]netstat.Process{})},
		{Protocol: netstat.UDPLite, Family: netstat.IPv4, Inode: netstat.Known[uint32](1),
			Local: netip.MustParseAddrPort("192.0.2.1:7"), Remote: netip.MustParseAddrPort("0.0.0.0:0")},
	}
	for _, c := range []struct {
		table *mib.Table[socket]
		want  map[string]mib.Value
	}{
		{Endpoints(), map[string]mib.Value{
			"8.1.4.0.0.0.0.53.0.0.0.70":              mib.Gauge(3),
			"8.1.4.0.0.0.0.53.0.0.0.71":              mib.Gauge(0),
			"8.0.0.123.0.0.0.72":                     mib.Gauge(4),
			"8.1.4.192.0.2.1.500.1.4.192.0.2.2.53.9": mib.Gauge(0),
		}},
		{IPv4Listeners(), map[string]mib.Value{
			"1.0.0.0.0.53": mib.IPv4Value(0), "2.0.0.0.0.53": mib.Int(53),
			"1.0.0.0.0.123": mib.IPv4Value(0), "2.0.0.0.0.123": mib.Int(123),
			"1.192.0.2.1.500": mib.AddrValue(netip.MustParseAddr("192.0.2.1")), "2.192.0.2.1.500": mib.Int(500),
		}},
	} {
		got := tabletest.Values(t, c.table, rows)
		if len(got) != len(c.want) {
			t.Errorf("%s has %d variables, want %d: %v", c.table.Name, len(got), len(c.want), got)
		}
		for name, v := range c.want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", c.table.Name, name, got[name], v)
			}
		}
	}
}

// The scalars come back: in 64 bits where there is an object for that, in their
// low 32 bits otherwise, and not where they are unknown.
func TestStatisticsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		var want statistics
		for _, n := range []count{&want.InDatagrams, &want.OutDatagrams, &want.NoPorts, &want.InErrors} {
			if random.IntN(4) > 0 {
				n.Set(random.Uint64())
			}
		}
		var got statistics
		if err := Statistics().Decode(time.Time{}, Statistics().Values(want), &got); err != nil {
			t.Fatal(err)
		}
		for _, n := range []count{&want.NoPorts, &want.InErrors} {
			if n.IsKnown() {
				n.Set(n.Or(0) & 0xffffffff)
			}
		}
		if got != want {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	}
}
