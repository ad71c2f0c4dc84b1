package snmpwalk_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// scene is a namespace of which the tests know what is in it, and the agent
// that answers there.
type scene struct {
	*nstest.NS
	agent    *process
	master   *master // nil while embedded
	subagent bool
	holder   *exec.Cmd       // a process with sockets of its own
	before   map[string]rows // tables that were read before something changed
}

// The numbers of the scene's interfaces. tap0 and tun0 get theirs from the
// kernel, which counts on from the loopback's.
const (
	lo = iota + 1
	tap0
	tun0
	v0  = 11
	v1  = 12
	br0 = 13
	vx0 = 14
	ifb = 15
	mv0 = 16
)

// longAlias is as long as the kernel allows, with a character of two octets
// where ifAlias ends.
var longAlias = strings.Repeat("x", 63) + "é" + strings.Repeat("y", 255-65)

// newScene makes a namespace with interfaces of every kind that can be had
// without hardware, routes of every kind, and sockets of every kind.
func newScene(t testing.TB) *scene {
	t.Helper()
	s := newLinks(t)
	s.addRoutes(t)
	s.openSockets(t)
	return s
}

// newLinks makes a namespace with interfaces and addresses only.
func newLinks(t testing.TB) *scene {
	t.Helper()
	s := &scene{NS: nstest.New(t)}
	// Nothing is sent that nobody asked for, and no address is new at first.
	for _, key := range []string{"accept_dad", "router_solicitations"} {
		s.Sysctl(t, "net.ipv6.conf.all."+key, "0")
		s.Sysctl(t, "net.ipv6.conf.default."+key, "0")
	}
	s.IP(t,
		"tuntap add mode tap name tap0",
		"tuntap add mode tun name tun0",
		"link set tap0 address 02:00:00:00:00:02 up",
		"link add v0 index 11 address 02:00:00:00:00:11 type veth peer name v1 index 12 address 02:00:00:00:00:12",
		"link add br0 index 13 address 02:00:00:00:00:13 type bridge mcast_snooping 0",
		"link add vx0 index 14 address 02:00:00:00:00:14 type vxlan id 7 dev v0 dstport 4789 remote 192.0.2.9",
		"link add ifb0 index 15 address 02:00:00:00:00:15 type ifb",
		"link add link v0 name mv0 index 16 address 02:00:00:00:00:16 type macvlan",
		"link set v0 up alias to-the-peer",
		"link set v1 up",
		"link set br0 up",
		"link set vx0 master br0 up",
		"link set mv0 up",
		"link set ifb0 alias "+longAlias,
		"address add 192.0.2.1/24 dev v0",
		"address add 198.51.100.1/24 dev br0",
		"address add 2001:db8::1/64 dev v0 nodad",
		"address add fe80::11/64 dev v0 nodad",
		"neighbour add 192.0.2.2 lladdr 02:00:00:00:00:12 dev v0 nud permanent",
		"neighbour replace 192.0.2.9 lladdr 02:00:00:00:00:99 dev v0 nud permanent", // whom vx0 sends to
	)
	s.settle(t, "v0", "v1", "br0", "vx0", "mv0")
	s.meetICMP(t)
	return s
}

// meetICMP sees to it that no type of ICMP messages is counted for the first time
// during a test: IPv6 reports its multicast groups after a while, and ports are
// unreachable to answers that come late.
func (s *scene) meetICMP(t testing.TB) {
	t.Helper()
	s.sendToNobody(t)
	eventually(t, func() string {
		counted := s.procNet(t)
		for _, name := range []string{"IcmpMsg.InType3", "Icmp6InType1", "Icmp6OutType143"} {
			if counted[name] == 0 {
				return name + " is not counted"
			}
		}
		return ""
	})
}

// sendToNobody sends datagrams to ports that nobody has.
func (s *scene) sendToNobody(t testing.TB) {
	t.Helper()
	for _, to := range []string{"127.0.0.1:9", "[::1]:9"} {
		c := s.Dial(t, "udp", to)
		if _, err := c.Write([]byte("nobody is there")); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

// settle waits until the kernel has done what it does in its own time once links
// are up: their operational states, and IPv6's addresses and routes.
func (s *scene) settle(t testing.TB, up ...string) {
	t.Helper()
	eventually(t, func() string {
		var links []struct {
			IfName    string
			OperState string
			AddrInfo  []struct{ Family, Scope string } `json:"addr_info"`
		}
		var routes []struct{ Type, Dst, Dev string }
		s.JSON(t, &links, "addr")
		s.JSON(t, &routes, "-6", "-d", "route", "show", "table", "all")
		ready := make(map[string]int)
		for _, l := range links {
			if l.OperState == "UP" || l.OperState == "UNKNOWN" {
				ready[l.IfName]++
			}
			for _, a := range l.AddrInfo {
				if a.Family == "inet6" && a.Scope == "link" {
					ready[l.IfName]++
					break
				}
			}
		}
		for _, r := range routes {
			switch {
			case r.Type == "unicast" && r.Dst == "fe80::/64", r.Type == "multicast" && r.Dst == "ff00::/8":
				ready[r.Dev]++
			}
		}
		for _, name := range up {
			if ready[name] < 4 {
				return fmt.Sprintf("%s is not up with its IPv6 address and routes: %v, %v", name, links, routes)
			}
		}
		return ""
	})
}

// addRoutes adds routes that differ in everything that routes can differ in.
func (s *scene) addRoutes(t testing.TB) {
	t.Helper()
	s.IP(t,
		"route add default via 192.0.2.254",
		"route add default via 192.0.2.253 metric 100",
		"route add 203.0.113.0/24 metric 5 nexthop via 192.0.2.2 weight 1 nexthop via 198.51.100.2 weight 3",
		"route add blackhole 10.1.0.0/16",
		"route add unreachable 10.2.0.0/16 metric 4278198272",
		"route add prohibit 10.3.0.0/16",
		"route add throw 10.4.0.0/16 table 100",
		"route add 10.5.0.0/16 via inet6 fe80::99 dev v0",
		"route add 10.5.0.0/24 via inet6 2001:db8::99 dev v0",
		"route add 10.6.0.0/16 via 203.0.113.77 dev v0 onlink",
		// The same but for the table, the TOS, or the metric.
		"route add 10.7.0.0/16 via 192.0.2.7 table 100",
		"route add 10.7.0.0/16 via 192.0.2.7 table 70000",
		"route add 10.7.0.0/16 via 192.0.2.7 tos 0x10",
		"route add 10.7.0.0/16 via 192.0.2.7 metric 7",
		"route add 10.7.0.0/16 via 192.0.2.7 metric 8",
		// One destination, two lengths, which ipForwardTable cannot tell
		// apart.
		"route add 10.8.0.0/16 via 192.0.2.8",
		"route add 10.8.0.0/24 via 192.0.2.8",
		"nexthop add id 1 via 192.0.2.3 dev v0",
		"nexthop add id 2 via 198.51.100.3 dev br0",
		"nexthop add id 3 group 1/2,3",
		"nexthop add id 4 blackhole",
		"route add 10.9.0.0/16 nhid 3",
		"route add 10.10.0.0/16 nhid 1",
		"route add 10.11.0.0/16 nhid 4",
		"route add 10.12.0.0/16 via 192.0.2.12 proto bgp",
		"route add 10.13.0.0/16 via 192.0.2.13 proto ospf",
		"route add 10.14.0.0/16 via 192.0.2.14 proto dhcp",
		"route add 10.15.0.0/16 via 192.0.2.15 proto zebra",
		"route add 10.16.0.1 dev v0 scope link proto eigrp",
		// The same gateway on two links.
		"-6 route add 2001:db8:1::/48 via fe80::1 dev v0",
		"-6 route add 2001:db8:1::/48 via fe80::1 dev br0 metric 2000",
		"-6 route add 2001:db8:2::/48 nexthop via fe80::1 dev v0 nexthop via fe80::1 dev br0",
		"-6 route add blackhole 2001:db8:3::/48",
		"-6 route add unreachable 2001:db8:4::/48",
		"-6 route add prohibit 2001:db8:5::/48",
		"-6 route add 2001:db8:6::/48 from 2001:db8:7::/48 via fe80::1 dev v0",
		"-6 route add 2001:db8:6::/48 via 2001:db8::6",
		"-6 route add 2001:db8:8::/48 via 2001:db8::6 table 100",
		"-6 route add 2001:db8:9::1 dev v0 proto ra",
		"-6 route add default via fe80::1 dev v0 proto ra",
		"-6 nexthop add id 11 via fe80::3 dev v0",
		"-6 nexthop add id 12 via fe80::3 dev br0",
		"nexthop add id 13 group 11/12",
		"-6 route add 2001:db8:a::/48 nhid 13",
	)
}

// openSockets opens sockets of every kind, with fixed ports.
func (s *scene) openSockets(t testing.TB) {
	t.Helper()
	s.listen(t, "tcp", "[::]:5000", nil) // both families
	s.listen(t, "tcp6", "[::]:5001", nil)
	s.listen(t, "tcp4", "0.0.0.0:5002", nil)
	s.listen(t, "tcp4", "127.0.0.1:5003", reusePort)
	s.listen(t, "tcp6", "[fe80::11%11]:5004", nil)
	s.listen(t, "tcp6", "[::1]:5005", nil)
	mapped(t, s, unix.SOCK_STREAM, 5006)

	s.dial(t, "tcp4", "127.0.0.1:5100", "127.0.0.1:5000") // IPv4-mapped at the other end
	s.dial(t, "tcp6", "[::1]:5101", "[::1]:5000")
	s.dial(t, "tcp6", "[fe80::11%11]:5102", "[fe80::11%11]:5004")

	s.listenPacket(t, "udp", "[::]:6000", nil)
	s.listenPacket(t, "udp6", "[::]:6001", nil)
	s.listenPacket(t, "udp4", "0.0.0.0:6002", nil)
	s.listenPacket(t, "udp4", "127.0.0.1:6003", reusePort)
	s.listenPacket(t, "udp4", "127.0.0.1:6003", reusePort)
	s.listenPacket(t, "udp6", "[fe80::11%11]:6004", nil)
	mapped(t, s, unix.SOCK_DGRAM, 6006)
	s.dial(t, "udp4", "127.0.0.1:6100", "127.0.0.1:6002")
	s.dial(t, "udp6", "[::1]:6101", "[::1]:6001")
	s.dial(t, "udp6", "[fe80::11%11]:6102", "[fe80::99%11]:77")

	// A process of its own holds one end of a pair, a listener and an endpoint.
	s.hold(t,
		s.listen(t, "tcp4", "127.0.0.1:5003", reusePort),
		s.listen(t, "tcp4", "127.0.0.1:5010", nil),
		s.listenPacket(t, "udp4", "127.0.0.1:6010", nil).(filer),
	)
}

// timeWait leaves the remains of a connection: 127.0.0.1:5103 to port 5020.
func (s *scene) timeWait(t testing.TB) {
	t.Helper()
	l := s.listen(t, "tcp4", "127.0.0.1:5020", nil)
	c := s.dial(t, "tcp4", "127.0.0.1:5103", "127.0.0.1:5020")
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := io.Copy(io.Discard, server); err != nil {
		t.Fatal(err)
	}
	server.Close()
}

// filer is a socket that can be handed to another process.
type filer interface {
	File() (*os.File, error)
	Close() error
}

type control = func(network, address string, c syscall.RawConn) error

func reusePort(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); e != nil {
		return e
	}
	return err
}

func (s *scene) listen(t testing.TB, network, address string, control control) (l *net.TCPListener) {
	t.Helper()
	s.Do(t, func() error {
		c := net.ListenConfig{Control: control}
		listener, err := c.Listen(context.Background(), network, address)
		if err != nil {
			return err
		}
		l = listener.(*net.TCPListener)
		return nil
	})
	t.Cleanup(func() { l.Close() })
	return l
}

func (s *scene) listenPacket(t testing.TB, network, address string, control control) (p net.PacketConn) {
	t.Helper()
	s.Do(t, func() (err error) {
		c := net.ListenConfig{Control: control}
		p, err = c.ListenPacket(context.Background(), network, address)
		return err
	})
	t.Cleanup(func() { p.Close() })
	return p
}

// dial connects from an address to another.
func (s *scene) dial(t testing.TB, network, from, to string) (c net.Conn) {
	t.Helper()
	s.Do(t, func() (err error) {
		var d net.Dialer
		if network[:3] == "udp" {
			d.LocalAddr, err = net.ResolveUDPAddr(network, from)
		} else {
			d.LocalAddr, err = net.ResolveTCPAddr(network, from)
		}
		if err != nil {
			return err
		}
		c, err = d.Dial(network, to)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// mapped opens an IPv6 socket that is bound to ::ffff:127.0.0.1, which package
// net would make an IPv4 one.
func mapped(t testing.TB, s *scene, kind, port int) {
	t.Helper()
	fd := s.Socket(t, unix.AF_INET6, kind, 0)
	address := &unix.SockaddrInet6{Port: port}
	copy(address.Addr[:], net.IPv4(127, 0, 0, 1).To16())
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, address); err != nil {
		t.Fatal(err)
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, 5); err != nil {
			t.Fatal(err)
		}
	}
}

// hold gives sockets away to another process, which keeps them until the test
// ends, or this process does.
func (s *scene) hold(t testing.TB, sockets ...filer) {
	t.Helper()
	s.holder = exec.Command("cat")
	stdin, err := s.holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, socket := range sockets {
		f, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		defer socket.Close()
		s.holder.ExtraFiles = append(s.holder.ExtraFiles, f)
	}
	if err := s.holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := s.holder.Wait(); err != nil {
			t.Error("the holder of sockets:", err)
		}
	})
}

// sendFrames sends n frames of an Ethernet type that nobody handles out of an
// interface.
func (s *scene) sendFrames(t testing.TB, index, n int, destination net.HardwareAddr) {
	t.Helper()
	fd := s.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	frame := make([]byte, 100)
	copy(frame, destination)
	copy(frame[6:], []byte{2, 0, 0, 0, 0, 0x99})
	frame[12], frame[13] = 0x88, 0xb5 // for experiments (IEEE 802)
	for range n {
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
			t.Fatal(os.NewSyscallError("sendto", err))
		}
	}
}
