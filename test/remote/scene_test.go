package remote_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// scene makes interfaces, addresses, neighbours, routes and sockets in the test's
// namespace.
func scene(t *testing.T) *collectors.Kernel {
	t.Helper()
	ip(t,
		"link add va type veth peer name vb", "link add br0 type bridge", "link set vb master br0",
		"link set dev va alias to-the-bridge", "link set va mtu 1400 up", "link set vb up", "link set br0 up",
		"addr add 192.0.2.1/24 dev va", "addr add 198.51.100.1/25 dev br0", "-6 addr add 2001:db8::1/64 dev va nodad",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va nud permanent",
		"route add 203.0.113.0/24 via 192.0.2.9 metric 7", "route add 203.0.113.0/24 via 192.0.2.10 metric 9 tos 0x10",
		"route add blackhole 203.0.114.0/24", "route add prohibit 203.0.115.0/24", "route add 203.0.116.0/24 via 192.0.2.9 table 100",
		"route add 203.0.117.0/24 nexthop via 192.0.2.9 nexthop via 198.51.100.2",
		"-6 route add 2001:db8:1::/48 via fe80::9 dev va", "-6 route add 2001:db8:2::/48 via 2001:db8::9 metric 77",
		"-6 route add unreachable 2001:db8:3::/48",
	)
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close() })
	for _, address := range []string{"127.0.0.1:80", "[::1]:81", "192.0.2.1:82", "0.0.0.0:83", "[::]:84"} {
		network := "tcp"
		if netip.MustParseAddrPort(address).Addr() == netip.IPv4Unspecified() {
			network = "tcp4"
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if address == "127.0.0.1:80" || address == "[::1]:81" {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			accepted, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { accepted.Close() })
		}
	}
	for _, address := range []string{"127.0.0.1:53", "[2001:db8::1]:54", "[::]:55"} {
		c, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	c, err := net.Dial("udp", "192.0.2.9:99")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return kernel
}

// agentPorts are those of the agents of the tests, and through them of whoever
// asks: such sockets come and go.
func ofAgent(s netstat.Socket) bool {
	const ours, theirs = 1161, 161
	for _, p := range [...]uint16{s.Local.Port(), s.Remote.Port()} {
		if p == ours || p == theirs {
			return true
		}
	}
	return false
}

// socketLine is what MIBs tell of a socket.
func socketLine(processes bool) func(netstat.Socket) string {
	return func(s netstat.Socket) string {
		if ofAgent(s) {
			return ""
		}
		remote := netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
		if s.IsListener() {
			remote = netip.AddrPort{}
		}
		line := fmt.Sprint(s.Protocol, " ", s.State, " ", netip.AddrPortFrom(s.Local.Addr().Unmap(), s.Local.Port()), " ", remote)
		if s.IsDualStack() {
			line += " both families"
		}
		if processes {
			p, known := s.Processes.Get()
			line += fmt.Sprint(" processes known ", known)
			if len(p) > 0 {
				line += fmt.Sprint(" ", p[0].PID, " ours ", p[0].PID == int32(os.Getpid()))
			}
		}
		return line
	}
}

// interfaceLine is what MIBs tell of an interface, counters apart.
func interfaceLine(i netstat.Interface) string {
	kind := i.Kind
	if kind == "veth" {
		kind = "" // an Ethernet as far as the MIB goes
	}
	return fmt.Sprint(i.Index, " ", i.Name, " ", i.Alias, " kind ", kind, " hardware ", i.HardwareType, " mtu ", i.MTU, " up ", i.Up(), " ",
		i.Operational(), " ", address(i), " master ", i.Master, " lower ", i.LowerInterface(), " speed ", i.Speed)
}

func address(i netstat.Interface) netstat.HardwareAddress {
	if i.Flags&netstat.InterfaceLoopback != 0 {
		return ""
	}
	return i.Address
}

// counterLine is what MIBs tell of an interface's counters. The loopback's move
// with every question.
func counterLine(i netstat.Interface) string {
	c := i.Counters
	if i.Flags&netstat.InterfaceLoopback != 0 {
		return ""
	}
	return fmt.Sprint(i.Name, " ", c.InPackets, " ", c.OutPackets, " ", c.InOctets, " ", c.OutOctets, " ", c.InErrors, " ", c.OutErrors, " ",
		c.InDropped.Or(0)+c.InMissedErrors.Or(0), " ", c.OutDropped, " ", c.InMulticast)
}

// routeLine is what MIBs tell of a route.
func routeLine(r netstat.Route) string {
	if !r.IsForwarding() {
		return ""
	}
	protocol, kind := r.Protocol, r.Type
	switch protocol {
	case netstat.RouteProtocolBoot:
		protocol = netstat.RouteProtocolStatic
	case netstat.RouteProtocolRA:
		protocol = netstat.RouteProtocolRedirect
	}
	if kind == netstat.RouteProhibit {
		kind = netstat.RouteUnreachable
	}
	return fmt.Sprint(r.Destination, " via ", r.Gateway, " dev ", r.Interface, " table ", r.Table, " metric ", r.Metric, " tos ", r.TOS.Or(0), " ", // which the policy of a plain route does not tell
		kind, " ", protocol, " dead ", r.Flags&netstat.NextHopDead != 0)
}

// addressLine is what MIBs tell of an address.
func addressLine(a netstat.Address) string {
	status := a.Flags & (netstat.AddressDADFailed | netstat.AddressOptimistic | netstat.AddressTentative | netstat.AddressDeprecated)
	temporary := a.Prefix.Addr().Is6() && a.Flags&netstat.AddressSecondary != 0
	return fmt.Sprint(a.Prefix, " dev ", a.Interface, " scope ", a.Scope, " status ", status, " temporary ", temporary)
}

// neighbourLine is what MIBs tell of a neighbour.
func neighbourLine(n netstat.Neighbour) string {
	if n.State.Or(0)&netstat.NeighbourNoARP != 0 {
		return "" // no translation
	}
	return fmt.Sprint(n.Address, " dev ", n.Interface, " at ", n.LinkAddress, " state ", n.State)
}
