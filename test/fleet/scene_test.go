package fleet_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Ports of the scene.
const (
	metricsAt = "127.0.0.1:9161"
	snmpAt    = "127.0.0.1:1161"
	unreadAt  = "127.0.0.1:7778" // of the socket that nobody reads
	queueAt   = 7777             // of the listener that accepts nobody
)

// startScene starts a host with something of all that dashboards and rules tell of, and the agent on it.
func startScene(t testing.TB) *nstest.NS {
	n, blue := nstest.New(t), nstest.New(t)
	n.IP(t, "link add eth0 type veth peer name eth1", "link set eth0 up alias uplink", "link set eth1 up", "address add 192.0.2.1/24 dev eth0",
		"route add 198.51.100.0/24 via 192.0.2.2 proto bgp", "route add 203.0.113.0/24 via 192.0.2.2 proto ospf", "neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0")
	n.NFT(t, "table inet track {\n\tchain out {\n\t\ttype filter hook output priority filter\n\t\tct state new counter\n\t}\n}\n")
	config := filepath.Join(t.TempDir(), "snmpd.conf")
	write(t, config, "rocommunity public 127.0.0.1\nnetnsContexts "+blue.Name+"\n")
	n.Start(t, program, "--config", config, "--listen", "udp:"+snmpAt, "--metrics", metricsAt)
	serves(t, n, "http://"+metricsAt+"/metrics")

	// A connection that is there, with what was sent and not read.
	l := n.Listen(t, "tcp", "127.0.0.1:0")
	c := n.Dial(t, "tcp", l.Addr().String())
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	// One more connection than the queue is long is accepted by the kernel. The others' SYNs are dropped, and sent again.
	queue := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	at := &unix.SockaddrInet4{Port: queueAt, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(queue, at); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	if err := unix.Listen(queue, 1); err != nil {
		t.Fatal(os.NewSyscallError("listen", err))
	}
	for range 30 {
		if err := unix.Connect(n.Socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0), at); err != unix.EINPROGRESS {
			t.Fatal(os.NewSyscallError("connect", err))
		}
	}
	// Datagrams that nobody reads.
	unread := n.ListenPacket(t, "udp4", unreadAt).(*net.UDPConn)
	if err := unread.SetReadBuffer(2048); err != nil {
		t.Fatal(err)
	}
	sender := n.Dial(t, "udp4", unreadAt)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for range 20 {
				_, _ = sender.Write(make([]byte, 500))
			}
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(done); <-stopped })
	return n
}
