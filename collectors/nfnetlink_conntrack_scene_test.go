package collectors

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// trackingRules have a router track, mark, label, put into zones, translate and
// help what goes through it, to the addresses of flowScene.
const trackingRules = `
table inet track {
	ct helper ftp { type "ftp" protocol tcp; }
	chain raw {
		type filter hook prerouting priority raw;
		udp dport 5353 ct zone set 7
		udp dport 5354 ct original zone set 8
	}
	chain pre {
		type filter hook prerouting priority mangle;
		udp dport 53 ct mark set 0x2a
		udp dport 53 ct label set 3
		tcp dport 21 ct helper set "ftp"
	}
	chain nat-pre {
		type nat hook prerouting priority dstnat;
		ip daddr 10.77.1.1 tcp dport 8080 dnat ip to 10.77.2.2:80
		ip6 daddr fd77:1::1 tcp dport 8080 dnat ip6 to [fd77:2::2]:80
	}
	chain nat-post {
		type nat hook postrouting priority srcnat;
		ip daddr 10.77.2.2 udp dport 4000 snat ip to 10.77.2.1:4444
	}
}
`

// flowScene is a client and a server with a router between them that tracks.
type flowScene struct {
	client, router, server *nstest.NS
}

func newFlowScene(t *testing.T) *flowScene {
	t.Helper()
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_NAT", "CONFIG_NF_CONNTRACK_FTP", "CONFIG_NF_CONNTRACK_LABELS", "CONFIG_NF_CONNTRACK_ZONES"} {
		nstest.NeedsKernel(t, option)
	}
	s := &flowScene{nstest.New(t), nstest.New(t), nstest.New(t)}
	s.router.IP(t,
		"link add left type veth peer name eth0 netns "+s.client.Name,
		"link add right type veth peer name eth0 netns "+s.server.Name,
		"link set left up", "link set right up",
		"addr add 10.77.1.1/24 dev left", "addr add 10.77.2.1/24 dev right",
		"-6 addr add fd77:1::1/64 dev left nodad", "-6 addr add fd77:2::1/64 dev right nodad")
	s.client.IP(t, "link set eth0 up", "addr add 10.77.1.2/24 dev eth0", "-6 addr add fd77:1::2/64 dev eth0 nodad",
		"route add default via 10.77.1.1", "-6 route add default via fd77:1::1")
	s.server.IP(t, "link set eth0 up", "addr add 10.77.2.2/24 dev eth0", "-6 addr add fd77:2::2/64 dev eth0 nodad",
		"route add default via 10.77.2.1", "-6 route add default via fd77:2::1")
	for name, value := range map[string]string{
		"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1",
		"net.netfilter.nf_conntrack_acct": "1", "net.netfilter.nf_conntrack_timestamp": "1",
		// Entries are to stay as they are while they are compared.
		"net.netfilter.nf_conntrack_tcp_timeout_close": "600", "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "600",
	} {
		s.router.Sysctl(t, name, value)
	}
	s.server.Sysctl(t, "net.ipv4.tcp_synack_retries", "0")
	s.router.NFT(t, trackingRules)
	// What the client does not let in never gets the third packet of its
	// handshake.
	s.client.NFT(t, "table inet deaf { chain in { type filter hook input priority filter; tcp sport 99 drop\n }\n }")
	return s
}

// kernel opens the router's stack.
func (s *flowScene) kernel(t *testing.T) *Kernel {
	t.Helper()
	k, err := Open(Options{NetNS: s.router.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// echoed sends a line over c, which answers with the same.
func echoed(t *testing.T, c net.Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(c).ReadString('\n'); err != nil || answer != line+"\n" {
		t.Fatalf("%q came back as %q: %v", line, answer, err)
	}
}

// echo answers what comes to addresses of the server with the same.
func (s *flowScene) echo(t *testing.T) {
	t.Helper()
	for _, address := range []string{"10.77.2.2:80", "[fd77:2::2]:80", "10.77.2.2:21"} {
		l := s.server.Listen(t, "tcp", address)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					_, _ = io.Copy(c, c)
				}()
			}
		}()
	}
	s.server.Listen(t, "tcp", "10.77.2.2:81")
	s.server.Listen(t, "tcp", "10.77.2.2:99")
	for _, address := range []string{"10.77.2.2:53", "10.77.2.2:4000", "10.77.2.2:5353", "10.77.2.2:5354", "[fd77:2::2]:53"} {
		c := s.server.ListenPacket(t, "udp", address)
		go func() {
			b := make([]byte, 1500)
			for {
				n, from, err := c.ReadFrom(b)
				if err != nil {
					return
				}
				_, _ = c.WriteTo(b[:n], from)
			}
		}()
	}
}

// connect begins a TCP connection and forgets it: no packet follows the first.
func (s *flowScene) connect(t *testing.T, to string) {
	t.Helper()
	s.client.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		address := netip.MustParseAddrPort(to)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())}); !errors.Is(err, unix.EINPROGRESS) {
			return fmt.Errorf("connect: %w", err)
		}
		return nil
	})
}

// traffic makes flows of many kinds, all of which stay in the table.
func (s *flowScene) traffic(t *testing.T) {
	t.Helper()
	s.echo(t)
	for _, to := range []string{"10.77.2.2:53", "10.77.2.2:4000", "10.77.2.2:5353", "10.77.2.2:5354", "[fd77:2::2]:53"} {
		echoed(t, s.client.Dial(t, "udp", to), "hello")
	}
	unanswered := s.client.Dial(t, "udp", "10.77.2.2:9")
	if _, err := io.WriteString(unanswered, "nobody"); err != nil {
		t.Fatal(err)
	}
	s.client.Run(t, "ping", "-c", "1", "10.77.2.2")
	s.client.Run(t, "ping", "-c", "1", "fd77:2::2")

	for _, to := range []string{"10.77.2.2:80", "[fd77:2::2]:80", "10.77.1.1:8080", "[fd77:1::1]:8080"} {
		echoed(t, s.client.Dial(t, "tcp", to), "established")
	}
	half := s.client.Dial(t, "tcp", "10.77.2.2:81")
	if err := half.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	ended := s.client.Dial(t, "tcp", "10.77.2.2:80")
	echoed(t, ended, "ended")
	if err := ended.Close(); err != nil {
		t.Fatal(err)
	}
	reset := s.client.Dial(t, "tcp", "10.77.2.2:80")
	echoed(t, reset, "reset")
	if err := reset.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := reset.Close(); err != nil {
		t.Fatal(err)
	}
	s.connect(t, "10.77.2.2:99") // the answer is never acknowledged
	s.connect(t, "10.77.2.3:80") // nobody answers
	ftp := s.client.Dial(t, "tcp", "10.77.2.2:21")
	echoed(t, ftp, "USER nobody\r") // the helper looks at what follows a line
	echoed(t, ftp, "PORT 10,77,1,2,4,1\r")
	// What was sent is acknowledged, and closed is closed, a little later.
	k := s.kernel(t)
	eventually(t, "no packet is under way", func() bool {
		states := map[netstat.FlowTCPState]bool{}
		quiet := true
		for f, err := range k.Flows(t.Context(), netstat.FlowQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if tcp, known := f.TCP.Get(); known {
				states[tcp.State] = true
				quiet = quiet && (tcp.OriginalFlags.Or(0)|tcp.ReplyFlags.Or(0))&netstat.FlowTCPDataUnacknowledged == 0
			}
		}
		return quiet && states[netstat.FlowTCPSynSent] && states[netstat.FlowTCPSynReceived] && states[netstat.FlowTCPEstablished] &&
			states[netstat.FlowTCPCloseWait] && states[netstat.FlowTCPTimeWait] && states[netstat.FlowTCPClose]
	})
}

// conntrack runs conntrack(8) on the router and returns what it prints.
func (s *flowScene) conntrack(t *testing.T, args ...string) string {
	t.Helper()
	return s.router.Run(t, "conntrack", args...)
}

// proc returns the lines of the router's /proc/net/nf_conntrack.
func (s *flowScene) proc(t *testing.T) (lines []string) {
	t.Helper()
	s.router.Do(t, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/nf_conntrack")
		if err == nil {
			lines = strings.Split(strings.TrimSpace(string(text)), "\n")
		}
		return err
	})
	return lines
}

// told is a line of conntrack(8) or /proc/net/nf_conntrack in parts.
type told struct {
	family, protocol, timeout, state string
	flags                            map[string]bool
	original, reply, rest            map[string]string
}

// parseTold takes a line of the form
//
//	ipv4 2 tcp 6 431999 ESTABLISHED src=.. dst=.. sport=.. dport=.. packets=.. bytes=.. [UNREPLIED] src=.. ... mark=0 use=1
//
// apart.
func parseTold(line string) (told, error) {
	w := told{flags: map[string]bool{}, original: map[string]string{}, reply: map[string]string{}, rest: map[string]string{}}
	fields := strings.Fields(line)
	if len(fields) < 6 {
		return w, fmt.Errorf("a short line: %q", line)
	}
	w.family, w.protocol = fields[1], fields[3]
	at, direction := 4, w.original
	for _, f := range fields[4:] {
		name, value, isValue := strings.Cut(f, "=")
		switch {
		case isValue && strings.HasPrefix(name, "["): // [start=Sun
			continue
		case isValue:
			if name == "src" && direction["src"] != "" {
				direction = w.reply
			}
			switch name {
			case "src", "dst", "sport", "dport", "type", "code", "id", "packets", "bytes", "srckey", "dstkey":
				if name == "id" && direction["id"] != "" || name == "id" && direction["type"] == "" {
					w.rest[name] = value
				} else {
					direction[name] = value
				}
			case "zone-orig":
				w.rest[name] = value
			default:
				w.rest[name] = value
			}
		case strings.HasPrefix(f, "[") && strings.HasSuffix(f, "]"):
			w.flags[strings.Trim(f, "[]")] = true
		case at == 4:
			w.timeout = f
			at++
		case at == 5 && direction["src"] == "":
			w.state = f
			at++
		}
	}
	return w, nil
}
