package snmp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// fileOf returns the descriptor of a socket.
func fileOf(t *testing.T, socket any, err error) *os.File {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	f, err := socket.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close(); _ = socket.(interface{ Close() error }).Close() })
	return f
}

// TestPassedSockets holds that one server after the other answers on sockets that stay, also at every address.
func TestPassedSockets(t *testing.T) {
	listen := net.ListenConfig{}
	for _, c := range []struct{ network, at, as, ask string }{
		{"udp4", "127.0.0.1:0", "udp:127.0.0.1", "127.0.0.1"}, {"udp4", "0.0.0.0:0", "udp:0.0.0.0", "127.0.0.1"},
		{"udp6", "[::1]:0", "udp6:[::1]", "::1"}, {"udp6", "[::]:0", "udp6:[::]", "::1"},
		{"tcp4", "127.0.0.1:0", "tcp:127.0.0.1", "127.0.0.1"}, {"tcp6", "[::]:0", "tcp6:[::]", "::1"},
	} {
		var f *os.File
		if strings.HasPrefix(c.network, "udp") {
			socket, err := listen.ListenPacket(t.Context(), c.network, c.at)
			f = fileOf(t, socket, err)
		} else {
			socket, err := listen.Listen(t.Context(), c.network, c.at)
			f = fileOf(t, socket, err)
		}
		for range 3 {
			s, err := NewServer(Options{Handler: newTestTree(t, 3), Communities: []Community{
				{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}, {Name: "public", Source: netip.MustParsePrefix("::1/128")},
			}})
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.ListenOn(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(a.Transport) + ":" + strings.TrimSuffix(a.AddrPort.String(), ":"+a.AddrPort.String()[strings.LastIndex(a.AddrPort.String(), ":")+1:]); got != c.as || a.Port() == 0 {
				t.Errorf("%s at %s is %v", c.network, c.at, a)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- s.Serve(ctx) }()
			conn := dial(t, Address{a.Transport, netip.AddrPortFrom(netip.MustParseAddr(c.ask), a.Port())}, "")
			send(t, conn, getOf(7, "public", descrName))
			if got := receive(t, conn); got.id != 7 {
				t.Errorf("%v: %+v", a, got)
			}
			_ = conn.Close()
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			// One that was shut down would seem to have something to read without an end.
			left := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
			if n, err := unix.Poll(left, 0); n != 0 || err != nil {
				t.Errorf("%v: the socket is not left as it was: %x, %v", a, left[0].Revents, err)
			}
		}
	}
}

// TestSocketsThatAreRefused holds that what nobody can be answered at is said.
func TestSocketsThatAreRefused(t *testing.T) {
	local, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "socket"), Net: "unixgram"})
	files := map[string]*os.File{"neither of IPv4 nor of IPv6": fileOf(t, local, err)}
	connected, err := net.Dial("udp4", "127.0.0.1:9")
	files["connected"] = fileOf(t, connected, err)
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	fileOf(t, server, err)
	conn, err := net.Dial("tcp4", server.Addr().String())
	files["does not listen"] = fileOf(t, conn, err)
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
		fd, err := unix.Socket(unix.AF_INET6, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		both := os.NewFile(uintptr(fd), "both")
		defer both.Close()
		if err := errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0), unix.Bind(fd, &unix.SockaddrInet6{})); err != nil {
			t.Fatal(err)
		}
		_ = unix.Listen(fd, 1)
		files["takes IPv4 as well"+strings.Repeat(" ", kind)] = both
	}
	r, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files["getsockopt"] = r
	for want, f := range files {
		if a, err := AddressOfSocket(f); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%v, %v: want an error of %q", a, err, want)
		}
	}
}

// stuckHandler does not return.
type stuckHandler struct {
	mib.Handler
	begun, release chan struct{}
}

func (h stuckHandler) Modules(name string) ([]mib.Module, bool) {
	h.begun <- struct{}{}
	<-h.release
	return h.Handler.Modules(name)
}

// TestProgress holds that a listener which does not return from a message is known, and one that waits for messages is none.
func TestProgress(t *testing.T) {
	h := stuckHandler{newTestTree(t, 3), make(chan struct{}), make(chan struct{})}
	s, addresses := startServer(t, Options{Handler: h, Communities: []Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}}}, "udp:127.0.0.1:0")
	if err := s.Progress(t.Context()); err != nil {
		t.Error(err)
	}
	c := dial(t, addresses[0], "")
	send(t, c, getOf(7, "public", descrName))
	<-h.begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Progress(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), addresses[0].String()) {
		t.Errorf("of a listener that is stuck: %v", err)
	}
	close(h.release)
	receive(t, c)
	if err := s.Progress(t.Context()); err != nil {
		t.Error(err)
	}
}
