package traffic

import (
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// udp makes a socket as a dump has it, but for the state of one that is not connected.
func udp(cookie uint64, local, remote string) netstat.Socket {
	s := netstat.Socket{Protocol: netstat.UDP, State: netstat.Established, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote)}
	s.Family = netstat.IPv4
	if s.Local.Addr().Is6() {
		s.Family = netstat.IPv6
	}
	s.Cookie.Set(cookie)
	return s
}

// between makes a flow as of one end and the other, which address translation may tell apart, that counted so many packets
// with 100 octets of payload each in its original direction, and with 1000 in its reply.
func between(id uint32, source, destination, replySource, replyDestination string, packets, replies uint64) netstat.Flow {
	tuple := func(source, destination string) netstat.FlowTuple {
		from, to := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
		return netstat.FlowTuple{Protocol: netstat.IPProtocolUDP, Source: from.Addr(), Destination: to.Addr(), SourcePort: from.Port(), DestinationPort: to.Port()}
	}
	f := netstat.Flow{Original: tuple(source, destination), Reply: tuple(replySource, replyDestination)}
	f.ID.Set(id)
	headers := uint64(28)
	if f.Original.Source.Is6() {
		headers = 48
	}
	f.OriginalCounters.Set(netstat.FlowCounters{Packets: packets, Bytes: (100 + headers) * packets})
	f.ReplyCounters.Set(netstat.FlowCounters{Packets: replies, Bytes: (1000 + headers) * replies})
	return f
}

// counted reads sockets of UDP with the flows through them.
func counted(t *testing.T, m *Meter, flows *FlowReading, seconds float64, sockets ...netstat.Socket) *Reading {
	t.Helper()
	m.Begin(after(seconds))
	for i := range sockets {
		m.Add(&sockets[i], after(seconds))
	}
	m.Datagrams(flows, nil)
	return m.Finish(after(seconds), true)
}

// TestDatagrams counts what goes through sockets of UDP by the flows that it is of.
func TestDatagrams(t *testing.T) {
	client, server, six, mapped := udp(1, "192.0.2.1:5000", "192.0.2.2:53"), udp(2, "0.0.0.0:53", "0.0.0.0:0"), udp(3, "[::]:7", "[::]:0"), udp(4, "[::]:8", "[::]:0")
	idle, one, other := udp(5, "0.0.0.0:9", "0.0.0.0:0"), udp(6, "0.0.0.0:10", "0.0.0.0:0"), udp(7, "0.0.0.0:10", "0.0.0.0:0")
	behind := udp(8, "10.0.0.1:11", "0.0.0.0:0")
	sockets := []netstat.Socket{client, server, six, mapped, idle, one, other, behind}
	flows := func(n uint64) []netstat.Flow {
		return []netstat.Flow{
			between(1, "192.0.2.1:5000", "192.0.2.2:53", "192.0.2.2:53", "192.0.2.1:5000", n, n),           // both ends are here
			between(2, "198.51.100.1:6", "192.0.2.1:53", "192.0.2.1:53", "198.51.100.1:6", 2*n, n),         // a second one of the server
			between(3, "[2001:db8::1]:7", "[2001:db8::2]:7", "[2001:db8::2]:7", "[2001:db8::1]:7", 0, n),   // one socket with itself
			between(4, "198.51.100.1:6", "192.0.2.1:8", "192.0.2.1:8", "198.51.100.1:6", n, 0),             // IPv4 to a socket of IPv6
			between(6, "198.51.100.1:6", "192.0.2.1:10", "192.0.2.1:10", "198.51.100.1:6", n, n),           // one of two sockets
			between(8, "198.51.100.1:6", "203.0.113.1:80", "10.0.0.1:11", "198.51.100.1:6", n, 3*n),        // behind a translated address
			between(9, "198.51.100.1:6", "198.51.100.2:5", "198.51.100.2:5", "198.51.100.1:6", 100, 100*n), // nobody's
		}
	}
	m, f := New(withEnds), NewFlowMeter(true)
	unknown := "-/- -/-"
	expect(t, counted(t, m, readFlows(f, 0, flows(5)...), 0, sockets...), map[uint64]string{1: "0/0 -/-", 2: "0/0 -/-", 3: "0/0 -/-", 4: "0/0 -/-", 5: unknown, 6: unknown, 7: unknown, 8: "0/0 -/-"})
	want := map[uint64]string{
		1: "200/2000 100/1000", 2: "4000/600 2000/300", 3: "2000/2000 1000/1000", 4: "0/200 0/100", 5: unknown, 6: unknown, 7: unknown, 8: "6000/200 3000/100",
	}
	expect(t, counted(t, m, readFlows(f, 2, flows(7)...), 2, sockets...), want)
	// A reading of sockets without one of flows knows what the last one told.
	expect(t, read(m, 3, sockets...), want)
}

// What a flow counted until its socket closed is the socket's, and what one counted that ended, too.
func TestDatagramsOfWhatEnds(t *testing.T) {
	m, f := New(withEnds), NewFlowMeter(true)
	a, b := udp(1, "192.0.2.1:5000", "192.0.2.2:53"), udp(2, "192.0.2.1:5001", "192.0.2.2:53")
	through := func(id uint32, port string, n uint64) netstat.Flow {
		return between(id, "192.0.2.1:"+port, "192.0.2.2:53", "192.0.2.2:53", "192.0.2.1:"+port, n, n)
	}
	counted(t, m, readFlows(f, 0, through(1, "5000", 1)), 0, a)
	// The flow of a socket that began since is counted from its first packet on.
	r := counted(t, m, readFlows(f, 1, through(1, "5000", 1), through(2, "5001", 3)), 1, a, b)
	expect(t, r, map[uint64]string{1: "0/0 0/0", 2: "300/3000 300/3000"})
	endOf(m, 1.5, a)
	endFlow(f, 1.5, through(2, "5001", 4))
	r = counted(t, m, readFlows(f, 2, through(1, "5000", 11)), 2, b)
	expect(t, r, map[uint64]string{1: "1000/10000 1000/10000 ended 1.5s", 2: "400/4000 100/1000"})
	if got := sum(r); got.SentBytes != 1400 || got.ReceivedBytes != 14000 || got.Counted != 2 {
		t.Errorf("together: %+v", got)
	}
	r = counted(t, m, readFlows(f, 3), 3, b)
	if got := sum(r); got.SentBytes != 1400 || got.Connections != 1 || got.Ended != 1 {
		t.Errorf("together, of what is past: %+v", got)
	}
}

// A socket that ended since the flows were read last has its last datagrams with the reading that has
// them, and one that has the same ends by then has its own.
func TestDatagramsOfWhatEndedBefore(t *testing.T) {
	through := func(n uint64) netstat.Flow {
		return between(1, "192.0.2.1:5000", "192.0.2.2:53", "192.0.2.2:53", "192.0.2.1:5000", n, n)
	}
	for _, c := range []struct {
		name    string
		options Options
		end     func(m *Meter, s netstat.Socket)
		ended   string
	}{
		{"told", withEnds, func(m *Meter, s netstat.Socket) { endOf(m, 1.5, s) }, "1.5s"},
		{"told, with a gap", withEnds, func(m *Meter, _ netstat.Socket) { m.Gap() }, "2s"},
		{"not told", Options{}, func(*Meter, netstat.Socket) {}, "2s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, f := New(c.options), NewFlowMeter(true)
			s := udp(1, "192.0.2.1:5000", "192.0.2.2:53")
			counted(t, m, readFlows(f, 0, through(1)), 0, s)
			expect(t, counted(t, m, readFlows(f, 1, through(3)), 1, s), map[uint64]string{1: "200/2000 200/2000"})
			c.end(m, s)
			for _, seconds := range []float64{2, 3} {
				m.Begin(after(seconds))
				m.DatagramsLater()
				expect(t, m.Finish(after(seconds), true), map[uint64]string{1: "200/2000 -/- CLOSED"})
			}
			r := counted(t, m, readFlows(f, 5, through(7)), 5)
			expect(t, r, map[uint64]string{1: "600/6000 100/1000 ended " + c.ended})
			if got := sum(r); got.SentBytes != 600 || got.Connections != 0 || got.Ended != 1 {
				t.Errorf("together: %+v", got)
			}
			if got := sum(counted(t, m, readFlows(f, 6, through(9)), 6)); got.SentBytes != 600 || got.Ended != 1 {
				t.Errorf("together, of what is past: %+v", got)
			}
		})
	}
	t.Run("while flows were read", func(t *testing.T) {
		m, f := New(withEnds), NewFlowMeter(true)
		s := udp(1, "192.0.2.1:5000", "192.0.2.2:53")
		counted(t, m, readFlows(f, 0, through(1)), 0, s)
		m.Begin(after(1))
		m.Add(&s, after(1))
		m.Datagrams(readFlows(f, 1, through(3)), nil)
		endOf(m, 1.25, s)
		expect(t, m.Finish(after(1.5), true), map[uint64]string{1: "200/2000 200/2000"})
		expect(t, counted(t, m, readFlows(f, 2, through(4)), 2), map[uint64]string{1: "300/3000 100/1000 ended 1.25s"})
	})
}

// A group's datagrams are the sender's, and whether it received its own is not known.
func TestDatagramsOfGroups(t *testing.T) {
	m, f := New(withEnds), NewFlowMeter(true)
	both := udp(1, "0.0.0.0:5353", "0.0.0.0:0")
	sent := func(n uint64) netstat.Flow {
		return between(1, "192.0.2.1:5353", "224.0.0.251:5353", "224.0.0.251:5353", "192.0.2.1:5353", n, 0)
	}
	heard := func(n uint64) netstat.Flow {
		return between(2, "192.0.2.9:5000", "224.0.0.251:5353", "224.0.0.251:5353", "192.0.2.9:5000", n, 0)
	}
	counted(t, m, readFlows(f, 0, sent(1), heard(1)), 0, both)
	expect(t, counted(t, m, readFlows(f, 1, sent(3), heard(2)), 1, both), map[uint64]string{1: "200/100 200/100"})
}

// What is not counted is not taken for nothing.
func TestDatagramsAreUnknown(t *testing.T) {
	m, f := New(withEnds), NewFlowMeter(true)
	s := udp(1, "192.0.2.1:5000", "192.0.2.2:53")
	uncounted := between(1, "192.0.2.1:5000", "192.0.2.2:53", "192.0.2.2:53", "192.0.2.1:5000", 0, 0)
	uncounted.OriginalCounters, uncounted.ReplyCounters = netstat.Optional[netstat.FlowCounters]{}, netstat.Optional[netstat.FlowCounters]{}
	for seconds := range 2 {
		expect(t, counted(t, m, readFlows(f, float64(seconds), uncounted), float64(seconds), s), map[uint64]string{1: "-/- -/-"})
	}
	f.Gap()
	if r := counted(t, m, readFlows(f, 2, uncounted), 2, s); !r.AtLeast {
		t.Error("ends of flows were lost, and sums are not at least what they are")
	}
}
