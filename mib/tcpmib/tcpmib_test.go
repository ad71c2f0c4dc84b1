package tcpmib

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
		Protocol: netstat.TCP,
		State:    states[r.IntN(len(states))].Value,
		Local:    netip.AddrPortFrom(tabletest.Addr(r), uint16(r.Uint32())),
		Remote:   netip.AddrPortFrom(tabletest.Addr(r), uint16(r.Uint32())),
		Inode:    netstat.Known[uint32](r.Uint32()),
	}
	s.Family = netstat.IPv6
	if s.Local.Addr().Is4() {
		s.Family = netstat.IPv4
	} else {
		s.V6Only = netstat.Known(r.IntN(2) == 0)
		if r.IntN(4) == 0 {
			s.Local = netip.AddrPortFrom(netip.IPv6Unspecified(), s.Local.Port())
		}
	}
	switch r.IntN(3) {
	case 0:
		s.Processes = netstat.Known([]netstat.Process{{PID: 1 + r.Int32N(1<<22)}, {PID: 1 << 23, Name: "other"}})
	case 1:
		s.Processes = netstat.Known([]netstat.Process(nil))
	}
	return s
}

// carried is what any of the tables tells of a socket.
func carried(s socket) socket {
	c := socket{Protocol: netstat.TCP, State: s.State}
	if c.State == netstat.NewSynReceived {
		c.State = netstat.SynReceived
	}
	if p, known := s.Processes.Get(); known && len(p) > 0 {
		c.Processes = netstat.Known([]netstat.Process{{PID: p[0].PID}})
	}
	c.Local = netip.AddrPortFrom(s.Local.Addr().Unmap(), s.Local.Port())
	c.Remote = netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	c.Family = netstat.IPv6
	if c.Local.Addr().Is4() {
		c.Family = netstat.IPv4
	}
	return c
}

// withoutZones is what addresses of a link tell where they are not wanted to tell it.
func withoutZones(s socket) socket {
	s.Local = netip.AddrPortFrom(s.Local.Addr().WithZone(""), s.Local.Port())
	s.Remote = netip.AddrPortFrom(s.Remote.Addr().WithZone(""), s.Remote.Port())
	return s
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]socket, 2000)
	for i := range rows {
		rows[i] = randomSocket(random)
	}
	tabletest.RoundTrip(t, Connections().WithZones(), rows, carried)
	tabletest.RoundTrip(t, Connections(), rows, func(s socket) socket { return withoutZones(carried(s)) })
	listener := func(s socket) socket {
		c := carried(s)
		c.Remote = netip.AddrPort{}
		if c.Local.Addr() == netip.IPv6Unspecified() {
			c.V6Only = s.V6Only
		}
		return c
	}
	tabletest.RoundTrip(t, Listeners().WithZones(), rows, listener)
	tabletest.RoundTrip(t, Listeners(), rows, func(s socket) socket { return withoutZones(listener(s)) })
	tabletest.RoundTrip(t, IPv4Connections(), rows, func(s socket) socket {
		c := carried(s)
		c.Processes = netstat.Optional[[]netstat.Process]{}
		c.Family = netstat.IPv4
		if c.Local.Addr() == netip.IPv6Unspecified() {
			c.Local = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Local.Port())
		}
		// An IpAddress cannot hold the other end of a socket that is no
		// IPv4 connection; the random rows have such, the kernel has not.
		if !c.Remote.Addr().Is4() {
			c.Remote = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Remote.Port())
		}
		return c
	})
}

func TestTables(t *testing.T) {
	sock := func(state netstat.State, local, remote string, pid int32) socket {
		s := socket{
			Protocol: netstat.TCP, State: state,
			Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote),
			Family: netstat.IPv4, Processes: netstat.Known([]netstat.Process{{PID: pid}}),
		}
		if s.Local.Addr().Is6() {
			s.Family = netstat.IPv6
			s.V6Only = netstat.Known(false)
		}
		return s
	}
	only6 := sock(netstat.Listen, "[::]:443", "[::]:0", 6)
	only6.V6Only = netstat.Known(true)
	hidden := sock(netstat.Established, "10.0.0.1:1", "10.0.0.2:2", 1)
	hidden.Processes = netstat.Optional[[]netstat.Process]{}
	nobody := sock(netstat.TimeWait, "10.0.0.1:3", "10.0.0.2:4", 1)
	nobody.Processes = netstat.Known([]netstat.Process{})
	rows := []socket{
		sock(netstat.Listen, "[::]:22", "[::]:0", 5), only6,
		sock(netstat.Listen, "0.0.0.0:22", "0.0.0.0:0", 9), sock(netstat.Listen, "0.0.0.0:22", "0.0.0.0:0", 8),
		sock(netstat.Established, "[::ffff:192.0.2.1]:22", "[::ffff:192.0.2.9]:4000", 7),
		sock(netstat.Established, "[fe80::1%3]:22", "[fe80::2%3]:4001", 7),
		hidden, nobody,
		sock(netstat.NewSynReceived, "10.0.0.1:5", "10.0.0.2:6", 1),
		sock(netstat.Listen, "[fe80::1%3]:22", "[::]:0", 10), sock(netstat.Listen, "[fe80::1%4]:22", "[::]:0", 11),
		sock(netstat.Listen, "[fe80::1%3]:80", "[::]:0", 12),
	}
	check := func(table *mib.Table[socket], want map[string]mib.Value) {
		t.Helper()
		got := tabletest.Values(t, table, rows)
		for name, v := range want {
			if got[name] != v {
				t.Errorf("%s: %s is %v, want %v", table.Name, name, got[name], v)
			}
			delete(got, name)
		}
		for name, v := range got {
			t.Errorf("%s: %s is %v, want none", table.Name, name, v)
		}
	}
	const local, remote = "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1", "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.2"
	check(Listeners(), map[string]mib.Value{
		"4.2.16." + local + ".80":                    mib.Gauge(12),
		"4.4.20." + local + ".0.0.0.3.22":            mib.Gauge(10),
		"4.4.20." + local + ".0.0.0.4.22":            mib.Gauge(11),
		"4.0.0.22":                                   mib.Gauge(5),
		"4.2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.443": mib.Gauge(6),
		"4.1.4.0.0.0.0.22":                           mib.Gauge(8),
	})
	check(Connections(), map[string]mib.Value{
		"7.1.4.192.0.2.1.22.1.4.192.0.2.9.4000":            mib.Int(5),
		"8.1.4.192.0.2.1.22.1.4.192.0.2.9.4000":            mib.Gauge(7),
		"7.2.16." + local + ".22.2.16." + remote + ".4001": mib.Int(5),
		"8.2.16." + local + ".22.2.16." + remote + ".4001": mib.Gauge(7),
		"7.1.4.10.0.0.1.1.1.4.10.0.0.2.2":                  mib.Int(5),
		"7.1.4.10.0.0.1.3.1.4.10.0.0.2.4":                  mib.Int(11),
		"8.1.4.10.0.0.1.3.1.4.10.0.0.2.4":                  mib.Gauge(0),
		"7.1.4.10.0.0.1.5.1.4.10.0.0.2.6":                  mib.Int(4),
		"8.1.4.10.0.0.1.5.1.4.10.0.0.2.6":                  mib.Gauge(1),
	})
	got := tabletest.Values(t, IPv4Connections(), rows)
	for name, v := range map[string]mib.Value{
		"1.0.0.0.0.22.0.0.0.0.0":        mib.Int(2),
		"1.192.0.2.1.22.192.0.2.9.4000": mib.Int(5),
		"4.192.0.2.1.22.192.0.2.9.4000": mib.AddrValue(netip.MustParseAddr("192.0.2.9")),
		"5.192.0.2.1.22.192.0.2.9.4000": mib.Int(4000),
		"2.10.0.0.1.1.10.0.0.2.2":       mib.AddrValue(netip.MustParseAddr("10.0.0.1")),
		"3.10.0.0.1.1.10.0.0.2.2":       mib.Int(1),
	} {
		if got[name] != v {
			t.Errorf("tcpConnTable: %s is %v, want %v", name, got[name], v)
		}
	}
	if len(got) != 5*5 {
		t.Errorf("tcpConnTable has %d variables, want 5 rows of 5", len(got))
	}
}

// The scalars come back: in 64 bits where there is an object for that, in their
// low 32 bits otherwise, and not where they are unknown.
func TestStatisticsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		var want statistics
		for _, n := range []number{&want.RTOAlgorithm, &want.MaxConn} {
			if random.IntN(4) > 0 {
				n.Set(int32(random.Uint32()))
			}
		}
		for _, d := range []duration{&want.RTOMin, &want.RTOMax} {
			if random.IntN(4) > 0 {
				d.Set(time.Duration(int32(random.Uint32())) * time.Millisecond)
			}
		}
		if random.IntN(4) > 0 {
			want.CurrEstab.Set(random.Uint32())
		}
		for _, n := range []count{
			&want.InSegs, &want.OutSegs, &want.ActiveOpens, &want.PassiveOpens, &want.AttemptFails, &want.EstabResets,
			&want.RetransSegs, &want.InErrs, &want.OutRsts,
		} {
			if random.IntN(4) > 0 {
				n.Set(random.Uint64())
			}
		}
		var got statistics
		if err := Statistics().Decode(time.Time{}, Statistics().Values(want), &got); err != nil {
			t.Fatal(err)
		}
		for _, n := range []count{&want.ActiveOpens, &want.PassiveOpens, &want.AttemptFails, &want.EstabResets, &want.RetransSegs, &want.InErrs, &want.OutRsts} {
			if n.IsKnown() {
				n.Set(n.Or(0) & 0xffffffff)
			}
		}
		if got != want {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	}
}
