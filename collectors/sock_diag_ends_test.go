package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// toldEnds are those of sockets that a test was told of.
type toldEnds struct {
	mu   sync.Mutex
	of   map[uint64]netstat.Socket
	all  int
	gaps int
}

// listenEnds takes the ends of sockets until the test is over.
func listenEnds(t *testing.T, k *Kernel, protocols ...netstat.Protocol) *toldEnds {
	t.Helper()
	l, err := k.ListenSocketEnds(protocols...)
	must(t, err)
	e := &toldEnds{of: make(map[uint64]netstat.Socket)}
	done := make(chan error, 1)
	go func() {
		for {
			err := l.Receive(func(s *netstat.Socket) error {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.all++
				e.of[s.Cookie.Or(0)] = *s
				return nil
			})
			if errors.Is(err, netstat.ErrGap) {
				e.mu.Lock()
				e.gaps++
				e.mu.Unlock()
			} else if err != nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		must(t, l.Close())
		if err := <-done; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("the listener ends with %v", err)
		}
	})
	return e
}

// wait returns the end of a socket.
func (e *toldEnds) wait(t *testing.T, cookie uint64) (s netstat.Socket) {
	t.Helper()
	eventually(t, fmt.Sprintf("the end of socket %d is told", cookie), func() (told bool) {
		e.mu.Lock()
		defer e.mu.Unlock()
		s, told = e.of[cookie]
		return told
	})
	return s
}

// cookieOf returns a socket's SO_COOKIE.
func cookieOf(t *testing.T, c any) (cookie uint64) {
	t.Helper()
	raw, err := c.(interface {
		SyscallConn() (syscall.RawConn, error)
	}).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { cookie, err = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE) }))
	must(t, err)
	return cookie
}

// pair connects two sockets.
func pair(t *testing.T, n *nstest.NS, network, address string) (client, server net.Conn) {
	t.Helper()
	l := n.Listen(t, network, address)
	client = n.Dial(t, network, l.Addr().String())
	server, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { server.Close() })
	must(t, l.Close())
	return client, server
}

// TestSocketEnds ends sockets in each way there is, and compares what is told with what
// was sent, and with what ss told while the sockets were there.
func TestSocketEnds(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	e := listenEnds(t, k)
	for _, at := range []struct{ network, address string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}} {
		client, server := pair(t, n, at.network, at.address)
		of, other := cookieOf(t, client), cookieOf(t, server)
		_, err := client.Write(make([]byte, 12345))
		must(t, err)
		_, err = io.ReadFull(server, make([]byte, 12345))
		must(t, err)
		_, err = server.Write(make([]byte, 77))
		must(t, err)
		_, err = io.ReadFull(client, make([]byte, 77))
		must(t, err)
		must(t, client.(*net.TCPConn).CloseWrite())
		_, err = server.Read(make([]byte, 1))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("after the end: %v", err)
		}
		must(t, server.Close())
		_, err = client.Read(make([]byte, 1))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("after the end: %v", err)
		}
		must(t, client.Close())
		for _, end := range []struct {
			cookie                 uint64
			local, remote          net.Addr
			sent, received, active uint64
		}{{of, client.LocalAddr(), client.RemoteAddr(), 12345, 77, 1}, {other, server.LocalAddr(), server.RemoteAddr(), 77, 12345, 0}} {
			s := e.wait(t, end.cookie)
			if s.Local.String() != end.local.String() || s.Remote.String() != end.remote.String() || s.State != netstat.Close || s.Protocol != netstat.TCP {
				t.Errorf("%v to %v: %+v", end.local, end.remote, s)
			}
			if s.UID.IsKnown() || s.Inode != netstat.Known(uint32(0)) || s.Timer.IsKnown() || s.Retransmits.IsKnown() {
				t.Errorf("%v: user %v, inode %v, timer %v, %v", end.local, s.UID, s.Inode, s.Timer, s.Retransmits)
			}
			// With the FIN of each end, and the SYN of the one that connected.
			i := s.Detail.TCP
			if i.BytesSent.Or(0) != end.sent || i.BytesAcknowledged.Or(0) != end.sent+1+end.active || i.BytesReceived.Or(0) != end.received+1 {
				t.Errorf("%v: sent %v, acknowledged %v, received %v", end.local, i.BytesSent, i.BytesAcknowledged, i.BytesReceived)
			}
		}
	}
	// A datagram socket has an end as well, and a listener.
	udp := n.Dial(t, "udp4", "127.0.0.1:9")
	of := cookieOf(t, udp)
	local := udp.LocalAddr()
	must(t, udp.Close())
	if s := e.wait(t, of); s.Protocol != netstat.UDP || s.Local.String() != local.String() || s.Detail.TCP != nil {
		t.Errorf("the end of a UDP socket: %+v", s)
	}
	var l int
	n.Do(t, func() (err error) {
		l, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	must(t, unix.Bind(l, inet4(t, "127.0.0.1", 77)))
	must(t, unix.Listen(l, 1))
	of, err := unix.GetsockoptUint64(l, unix.SOL_SOCKET, unix.SO_COOKIE)
	must(t, err)
	must(t, unix.Close(l))
	if s := e.wait(t, of); s.Local != netip.MustParseAddrPort("127.0.0.1:77") || s.Remote.Port() != 0 {
		t.Errorf("the end of a listener: %+v", s)
	}
	// What was disconnected has lost its counters.
	client, _ := pair(t, n, "tcp4", "127.0.0.1:0")
	of = cookieOf(t, client)
	_, err = client.Write(make([]byte, 10))
	must(t, err)
	must(t, client.(*net.TCPConn).SetLinger(0))
	must(t, client.Close())
	if s := e.wait(t, of); s.Remote.Port() != 0 || s.Detail.TCP.BytesSent.Or(1) != 0 || s.Detail.TCP.AdvertisedMSS == 0 {
		t.Errorf("the end of a socket that was disconnected: %v, %+v", s, s.Detail.TCP)
	}
}

// TestSocketEndsOfOneProtocol listens for one protocol, and to one that has no ends.
func TestSocketEndsOfOneProtocol(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	if _, err := k.ListenSocketEnds(netstat.SCTP); !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("ends of SCTP sockets: %v", err)
	}
	e := listenEnds(t, k, netstat.TCP)
	udp := n.Dial(t, "udp4", "127.0.0.1:9")
	ofUDP := cookieOf(t, udp)
	must(t, udp.Close())
	client, _ := pair(t, n, "tcp4", "127.0.0.1:0")
	of := cookieOf(t, client)
	must(t, client.Close())
	e.wait(t, of)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, told := e.of[ofUDP]; told {
		t.Error("the end of a UDP socket is told to who listens for TCP")
	}
}

// TestSocketEndsGap has more sockets end than a small buffer holds while nobody receives:
// it is named, and what comes later is told.
func TestSocketEndsGap(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	listener, err := k.ListenSocketEnds(netstat.UDP)
	must(t, err)
	defer listener.Close()
	l := listener.(*socketEndListener)
	_, err = setReceiveBuffer(l.events.fd, 1) // the least that there is
	must(t, err)
	// The kernel tells of them some time later, and in its own time: however slowly they
	// come, more do than are received.
	eventually(t, "a gap is named", func() bool {
		n.Do(t, func() error {
			for range 100 {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				must(t, unix.Close(fd))
			}
			return nil
		})
		err := l.Receive(func(*netstat.Socket) error { return nil })
		if err != nil && !errors.Is(err, netstat.ErrGap) {
			t.Fatal(err)
		}
		return err != nil
	})
	// There is no room for these either while those before them still come.
	after := make(map[uint64]bool)
	eventually(t, "an end after the gap is told", func() (told bool) {
		udp := n.Dial(t, "udp4", "127.0.0.1:9")
		after[cookieOf(t, udp)] = true
		must(t, udp.Close())
		_ = l.Receive(func(s *netstat.Socket) error {
			told = told || after[s.Cookie.Or(0)]
			return nil
		})
		return told
	})
}

// helpSocketEnds listens without any privilege to the ends of its own sockets.
func helpSocketEnds(ctx context.Context) error {
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	l, err := k.ListenSocketEnds()
	if err != nil {
		return err
	}
	c, err := net.Dial("udp4", "127.0.0.1:9")
	if err != nil {
		return err
	}
	port := netip.MustParseAddrPort(c.LocalAddr().String()).Port()
	if err := c.Close(); err != nil {
		return err
	}
	for told := false; !told; {
		if err := l.Receive(func(s *netstat.Socket) error {
			if s.Local.Port() == port {
				told = true
				fmt.Println("told of", s.Protocol)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	err = k.DestroySocket(ctx, &netstat.Socket{Protocol: netstat.UDP, Family: netstat.IPv4, Local: netip.MustParseAddrPort(c.LocalAddr().String()), Cookie: netstat.Known(uint64(1))})
	fmt.Println("destroy:", errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist))
	return l.Close()
}

// TestSocketEndsWithoutPrivilege listens as a user who may do nothing.
func TestSocketEndsWithoutPrivilege(t *testing.T) {
	n := nstest.New(t)
	const nobody = "65534"
	out := asHelper(t, "ends of sockets", "ip", "netns", "exec", n.Name, "setpriv", "--reuid="+nobody, "--regid="+nobody, "--clear-groups")
	if out != "told of udp\ndestroy: true\n" {
		t.Errorf("as nobody: %q", out)
	}
}

// TestDestroySocket ends sockets of others.
func TestDestroySocket(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_INET_DIAG_DESTROY")
	n := nstest.New(t)
	k := open(t, n)
	for _, at := range []struct{ network, address string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}} {
		client, server := pair(t, n, at.network, at.address)
		of := cookieOf(t, client)
		found := func() (s netstat.Socket, ok bool) {
			for _, s := range sockets(t, k, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}}) {
				if s.Cookie == netstat.Known(of) {
					return s, true
				}
			}
			return s, false
		}
		s, ok := found()
		if !ok {
			t.Fatalf("%v is not there", client.LocalAddr())
		}
		// One with the same ends, and another cookie, is not this one.
		other := s
		other.Cookie = netstat.Known(of + 1)
		if err := k.DestroySocket(context.Background(), &other); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("another socket with the same ends: %v", err)
		}
		must(t, k.DestroySocket(context.Background(), &s))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) {
			t.Errorf("reading from a socket that was ended: %v", err)
		}
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("the other end reads: %v", err)
		}
		if _, ok := found(); ok {
			t.Error("the socket is there still")
		}
		if err := k.DestroySocket(context.Background(), &s); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a socket that is gone: %v", err)
		}
	}
	for _, s := range []netstat.Socket{{Protocol: netstat.TCP, Family: netstat.IPv4}, {Protocol: netstat.MPTCP, Cookie: netstat.Known(uint64(1))}} {
		if err := k.DestroySocket(context.Background(), &s); !errors.Is(err, netstat.ErrNotSupported) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func FuzzParseSocketEnd(f *testing.F) {
	info := make([]byte, sizeofTCPInfo)
	info[0] = byte(netstat.Close)
	f.Add(inetDiag(netstat.IPv4, netstat.Close, append(appendAttribute(nil, inetDiagProtocol, []byte{6}), appendAttribute(nil, inetDiagInfo, info)...)...))
	f.Add(inetDiag(netstat.IPv6, netstat.Close, appendAttribute(nil, inetDiagProtocol, []byte{17})...))
	f.Add(inetDiag(netstat.IPv4, netstat.Close))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := inetDiagParser{details: netstat.DetailTCPInfo}
		var s netstat.Socket
		if err := p.ended(b, &s); err != nil {
			return
		}
		if s.Protocol == 0 || s.State == netstat.Bound || s.Timer.IsKnown() || !s.Cookie.IsKnown() || s.Local.Addr().Is4() != (s.Family == netstat.IPv4) {
			t.Errorf("accepted %+v", s)
		}
		if s.Detail.TCP != nil && s.Protocol != netstat.TCP {
			t.Errorf("%v has the information of TCP", s.Protocol)
		}
		if len(b) >= 4 && binary.NativeEndian.Uint32(b) == 0 {
			t.Errorf("a socket of no family: %+v", s)
		}
	})
}
