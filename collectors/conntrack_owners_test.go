package collectors

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// owned makes a flow of a protocol from one end to the other, answered by replier.
func owned(p netstat.IPProtocol, from, to, replier, replied string) netstat.NewFlow {
	var f netstat.NewFlow
	source, destination := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	f.Original = netstat.FlowTuple{Protocol: p, Source: source.Addr(), Destination: destination.Addr(), SourcePort: source.Port(), DestinationPort: destination.Port()}
	source, destination = netip.MustParseAddrPort(replier), netip.MustParseAddrPort(replied)
	f.Reply = netstat.FlowTuple{Protocol: p, Source: source.Addr(), Destination: destination.Addr(), SourcePort: source.Port(), DestinationPort: destination.Port()}
	f.Timeout.Set(1000 * time.Second)
	if p == netstat.IPProtocolTCP {
		f.TCP.Set(netstat.FlowTCP{State: netstat.FlowTCPEstablished})
	}
	return f
}

// A flow's ends are found among the sockets as each end knows them: connected and
// not, of IPv4 in sockets of IPv6, behind address translation.
func TestFlowOwners(t *testing.T) {
	k, e, ns := scratch(t)
	const far, alias = "198.51.100.9:4000", "203.0.113.1:80"
	listener := ns.Listen(t, "tcp", "[::]:0")
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	server := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String()
	connect := func() (client string) {
		client = ns.Dial(t, "tcp", server).LocalAddr().String()
		accepted, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { accepted.Close() })
		return client
	}
	client, translated := connect(), connect()
	at := func(c net.PacketConn, address string) string {
		return netip.AddrPortFrom(netip.MustParseAddr(address), c.LocalAddr().(*net.UDPAddr).AddrPort().Port()).String()
	}
	anyIPv4 := at(ns.ListenPacket(t, "udp4", "0.0.0.0:0"), "127.0.0.2")
	ns.IP(t, "addr add 192.0.2.1/24 dev lo", "route add local 203.0.113.128/25 dev lo")
	unconnected := ns.ListenPacket(t, "udp4", "0.0.0.0:0")
	elsewhere, group, own, routed := at(unconnected, "198.51.100.77"), at(unconnected, "224.0.0.251"), at(unconnected, "192.0.2.1"), at(unconnected, "203.0.113.200")
	both := ns.ListenPacket(t, "udp", "[::]:0")
	mapped, six := at(both, "127.0.0.3"), at(both, "::1")
	tcp, udp := netstat.IPProtocolTCP, netstat.IPProtocolUDP
	cases := []struct {
		name                string
		flow                netstat.NewFlow
		source, destination bool
	}{
		{"both ends of a connection", owned(tcp, client, server, server, client), true, true},
		{"a server whose address was translated", owned(tcp, far, alias, server, translated), false, true},
		{"no socket's", owned(tcp, far, "198.51.100.8:80", "198.51.100.8:80", far), false, false},
		{"a listener, which is no connection's end", owned(tcp, "198.51.100.7:1", server, server, "198.51.100.7:1"), false, false},
		{"an unconnected socket", owned(udp, far, anyIPv4, anyIPv4, far), false, true},
		{"one of IPv6 that has IPv4, too", owned(udp, mapped, far, far, mapped), true, false},
		{"one of IPv6", owned(udp, "[2001:db8::1]:5", six, six, "[2001:db8::1]:5"), false, true},
		{"another host's, of the port of an unconnected socket", owned(udp, "198.51.100.5:1", elsewhere, elsewhere, "198.51.100.5:1"), false, false},
		{"a group's", owned(udp, "198.51.100.4:1", group, group, "198.51.100.4:1"), false, true},
		{"an address of an interface", owned(udp, "198.51.100.3:1", own, own, "198.51.100.3:1"), false, true},
		{"one that is routed to the host", owned(udp, "198.51.100.2:1", routed, routed, "198.51.100.2:1"), false, true},
		{"the same port of another protocol", owned(tcp, "198.51.100.6:1", anyIPv4, anyIPv4, "198.51.100.6:1"), false, false},
	}
	owners, err := netstat.ReadFlowOwners(t.Context(), k, netstat.DefaultFlowOwners)
	if err != nil {
		t.Fatal(err)
	}
	blind, err := netstat.ReadFlowOwners(t.Context(), k, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		mustCreate(t, e, c.flow)
		f, err := k.Flow(t.Context(), c.flow.Key(), false)
		if err != nil {
			t.Fatal(err)
		}
		of := owners.Of(&f)
		for end, want := range map[*netstat.Optional[[]netstat.Process]]bool{&of.Source: c.source, &of.Destination: c.destination} {
			processes, known := end.Get()
			if mine := len(processes) > 0 && processes[0].PID == int32(os.Getpid()); !known || mine != want || len(processes) > 0 != want {
				t.Errorf("%s: %v", c.name, of)
			}
		}
		if of := blind.Of(&f); of.Source.IsKnown() || of.Destination.IsKnown() {
			t.Errorf("%s: %v, of sockets that were not kept", c.name, of)
		}
	}
}
