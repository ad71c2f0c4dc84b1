package sockopt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// asked is an option as this test sets it and asks for it.
type asked struct {
	option netstat.SocketOption
	of     []netstat.Protocol
	ipv6   bool // of IPv6 sockets alone
	set    func(fd int) error
	get    func(fd int) (any, error)
}

var (
	both    = []netstat.Protocol{netstat.TCP, netstat.UDP}
	onlyTCP = both[:1]
	onlyUDP = both[1:]
)

func get(fd, level, name int, b []byte) (int, error) {
	n := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func number(fd, level, name int) (int32, error) {
	b := make([]byte, 4)
	_, err := get(fd, level, name, b)
	return int32(binary.NativeEndian.Uint32(b)), err
}

// as is an option with an int, of which value makes what the vocabulary has.
func as(option netstat.SocketOption, of []netstat.Protocol, level, name, to int, value func(int32) any) asked {
	return asked{
		option: option, of: of,
		set: func(fd int) error { return unix.SetsockoptInt(fd, level, name, to) },
		get: func(fd int) (any, error) {
			v, err := number(fd, level, name)
			return value(v), err
		},
	}
}

func isTrue(v int32) any       { return v != 0 }
func unsigned(v int32) any     { return uint32(v) }
func octet(v int32) any        { return uint8(v) }
func seconds(v int32) any      { return time.Duration(v) * time.Second }
func milliseconds(v int32) any { return time.Duration(v) * time.Millisecond }
func microseconds(v int32) any { return time.Duration(v) * time.Microsecond }

// bufferSet is what the kernel says of a buffer that was set: SO_BUF_LOCK.
func bufferSet(option netstat.SocketOption, name int, locked int32) asked {
	return asked{option: option, of: both, set: func(int) error { return nil }, get: func(fd int) (any, error) {
		lock, err := number(fd, unix.SOL_SOCKET, unix.SO_BUF_LOCK)
		if err != nil || lock&locked == 0 {
			return uint32(0), err
		}
		size, err := number(fd, unix.SOL_SOCKET, name)
		return uint32(size) / 2, err
	}}
}

func timeout(option netstat.SocketOption, name int) asked {
	return asked{
		option: option, of: both,
		set: func(fd int) error {
			return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, name, &unix.Timeval{Sec: 2, Usec: 345_678})
		},
		get: func(fd int) (any, error) {
			tv, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, name)
			if err != nil {
				return nil, err
			}
			return time.Duration(tv.Nano()), nil
		},
	}
}

const sol, ip, ip6, tcp, udp = unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_IPV6, unix.IPPROTO_TCP, unix.IPPROTO_UDP

var everything = []asked{
	as(netstat.OptionReuseAddress, both, sol, unix.SO_REUSEADDR, 1, isTrue),
	as(netstat.OptionReusePort, both, sol, unix.SO_REUSEPORT, 1, isTrue),
	as(netstat.OptionKeepAlive, both, sol, unix.SO_KEEPALIVE, 1, isTrue),
	as(netstat.OptionBroadcast, both, sol, unix.SO_BROADCAST, 1, isTrue),
	as(netstat.OptionReceiveBuffer, both, sol, unix.SO_RCVBUF, 30_000, unsigned),
	bufferSet(netstat.OptionReceiveBufferSet, unix.SO_RCVBUF, 2),
	as(netstat.OptionSendBuffer, both, sol, unix.SO_SNDBUF, 40_000, unsigned),
	bufferSet(netstat.OptionSendBufferSet, unix.SO_SNDBUF, 1),
	timeout(netstat.OptionReceiveTimeout, unix.SO_RCVTIMEO),
	timeout(netstat.OptionSendTimeout, unix.SO_SNDTIMEO),
	{option: netstat.OptionLinger, of: both,
		set: func(fd int) error {
			return unix.SetsockoptLinger(fd, sol, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
		},
		get: func(fd int) (any, error) {
			b := make([]byte, 8)
			_, err := get(fd, sol, unix.SO_LINGER, b)
			if binary.NativeEndian.Uint32(b) == 0 {
				return netstat.LingerOff, err
			}
			return time.Duration(binary.NativeEndian.Uint32(b[4:])) * time.Second, err
		}},
	as(netstat.OptionMark, both, sol, unix.SO_MARK, 0x12345678, unsigned),
	as(netstat.OptionTOS, both, ip, unix.IP_TOS, 0x10, octet),
	as(netstat.OptionPriority, both, sol, unix.SO_PRIORITY, 5, unsigned), // a TOS sets it too
	{option: netstat.OptionBindToDevice, of: both, set: func(fd int) error { return unix.BindToDevice(fd, "lo") },
		get: func(fd int) (any, error) {
			v, err := number(fd, sol, unix.SO_BINDTOIFINDEX)
			return uint32(v), err
		}},
	as(netstat.OptionReceiveLowWater, both, sol, unix.SO_RCVLOWAT, 9, unsigned),
	{option: netstat.OptionMaxPacingRate, of: both,
		set: func(fd int) error { return unix.SetsockoptUint64(fd, sol, unix.SO_MAX_PACING_RATE, 5_000_000_000) },
		get: func(fd int) (any, error) {
			b := make([]byte, 8)
			n, err := get(fd, sol, unix.SO_MAX_PACING_RATE, b)
			if n == 4 {
				return uint64(binary.NativeEndian.Uint32(b)), err
			}
			return binary.NativeEndian.Uint64(b), err
		}},
	as(netstat.OptionIncomingCPU, both, sol, unix.SO_INCOMING_CPU, 1, func(v int32) any { return v }),
	as(netstat.OptionBusyPoll, both, sol, unix.SO_BUSY_POLL, 50, microseconds),
	as(netstat.OptionZeroCopy, both, sol, unix.SO_ZEROCOPY, 1, isTrue),
	{option: netstat.OptionFilter, of: both,
		set: func(fd int) error {
			all := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1}
			return unix.SetsockoptSockFprog(fd, sol, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &all})
		},
		get: func(fd int) (any, error) {
			n, err := get(fd, sol, unix.SO_GET_FILTER, nil)
			return n > 0, err
		}},
	as(netstat.OptionLockFilter, both, sol, unix.SO_LOCK_FILTER, 1, isTrue),
	as(netstat.OptionTTL, both, ip, unix.IP_TTL, 33, octet),
	as(netstat.OptionFreeBind, both, ip, unix.IP_FREEBIND, 1, isTrue),
	as(netstat.OptionTransparent, both, ip, unix.IP_TRANSPARENT, 1, isTrue),
	of6(as(netstat.OptionTrafficClass, both, ip6, unix.IPV6_TCLASS, 0x28, octet)),
	of6(as(netstat.OptionV6Only, both, ip6, unix.IPV6_V6ONLY, 1, isTrue)),

	as(netstat.OptionNoDelay, onlyTCP, tcp, unix.TCP_NODELAY, 1, isTrue),
	as(netstat.OptionCork, onlyTCP, tcp, unix.TCP_CORK, 1, isTrue),
	as(netstat.OptionKeepIdle, onlyTCP, tcp, unix.TCP_KEEPIDLE, 77, seconds),
	as(netstat.OptionKeepInterval, onlyTCP, tcp, unix.TCP_KEEPINTVL, 11, seconds),
	as(netstat.OptionKeepCount, onlyTCP, tcp, unix.TCP_KEEPCNT, 4, unsigned),
	as(netstat.OptionUserTimeout, onlyTCP, tcp, unix.TCP_USER_TIMEOUT, 4321, milliseconds),
	as(netstat.OptionSYNCount, onlyTCP, tcp, unix.TCP_SYNCNT, 3, unsigned),
	as(netstat.OptionDeferAccept, onlyTCP, tcp, unix.TCP_DEFER_ACCEPT, 30, seconds),
	as(netstat.OptionFastOpen, onlyTCP, tcp, unix.TCP_FASTOPEN, 6, unsigned),
	as(netstat.OptionMaxSegment, onlyTCP, tcp, unix.TCP_MAXSEG, 1000, unsigned),
	as(netstat.OptionWindowClamp, onlyTCP, tcp, unix.TCP_WINDOW_CLAMP, 50_000, unsigned),
	as(netstat.OptionNotSentLowWater, onlyTCP, tcp, unix.TCP_NOTSENT_LOWAT, 4096, unsigned),
	as(netstat.OptionLinger2, onlyTCP, tcp, unix.TCP_LINGER2, 9, seconds),
	as(netstat.OptionQuickAck, onlyTCP, tcp, unix.TCP_QUICKACK, 0, isTrue),
	{option: netstat.OptionCongestion, of: onlyTCP, set: func(fd int) error { return unix.SetsockoptString(fd, tcp, unix.TCP_CONGESTION, "reno") },
		get: name(unix.TCP_CONGESTION)},
	{option: netstat.OptionUpperLayer, of: onlyTCP, set: func(int) error { return nil }, get: name(unix.TCP_ULP)},

	as(netstat.OptionUDPCork, onlyUDP, udp, 1, 1, isTrue),
	as(netstat.OptionUDPReceive, onlyUDP, udp, 104, 1, isTrue),
	as(netstat.OptionUDPSegment, onlyUDP, udp, 103, 1200, unsigned),
	as(netstat.OptionUDPEncapsulation, onlyUDP, udp, 100, 2, unsigned),
}

func of6(a asked) asked {
	a.ipv6 = true
	return a
}

func name(option int) func(int) (any, error) {
	return func(fd int) (any, error) {
		b := make([]byte, 16)
		n, err := get(fd, tcp, option, b)
		return unix.ByteSliceToString(b[:n]), err
	}
}

// opened is a socket of the scene.
type opened struct {
	what     string
	fd       int
	protocol netstat.Protocol
	family   netstat.Family
}

func (o *opened) has(a *asked) bool {
	for _, p := range a.of {
		if p == o.protocol {
			return !a.ipv6 || o.family == netstat.IPv6
		}
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scene opens sockets of every sort: of each protocol over each family one for each
// option that is set alone, and one with all; listeners, connections, their ends in every
// state that lasts.
type scene struct {
	*testing.T
	n       *nstest.NS
	sockets []opened
}

func (s *scene) open(what string, p netstat.Protocol, f netstat.Family) *opened {
	kind := unix.SOCK_STREAM
	if p == netstat.UDP {
		kind = unix.SOCK_DGRAM
	}
	s.sockets = append(s.sockets, opened{fmt.Sprintf("%s, %v over %v", what, p, f), s.n.Socket(s, int(f), kind, int(p)), p, f})
	return &s.sockets[len(s.sockets)-1]
}

// set sets an option that the socket has. Those of a connection that are only for
// listeners are refused.
func (s *scene) set(o *opened, a *asked) {
	if !o.has(a) {
		return
	}
	if err := a.set(o.fd); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOPROTOOPT) {
		s.Fatalf("%s: %v: %v", o.what, a.option, err)
	}
}

func loopback(f netstat.Family, port int) unix.Sockaddr {
	if f == netstat.IPv4 {
		return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
	}
	return &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: port}
}

// ready makes a socket one that the kernel shows.
func (s *scene) ready(o *opened) {
	must(s.T, unix.Bind(o.fd, loopback(o.family, 0)))
	if o.protocol == netstat.TCP {
		must(s.T, unix.Listen(o.fd, 5))
	}
}

func newScene(t *testing.T) *scene {
	s := &scene{T: t, n: nstest.New(t)}
	s.n.Sysctl(t, "net.ipv4.tcp_keepalive_time", "1234")
	for _, p := range both {
		for _, f := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
			s.ready(s.open("as it is", p, f))
			for i := range everything {
				o := s.open(everything[i].option.String()+" alone", p, f)
				s.set(o, &everything[i])
				s.ready(o)
			}
			o := s.open("everything", p, f)
			for i := range everything {
				s.set(o, &everything[i])
			}
			s.ready(o)
		}
	}
	for _, f := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
		o := s.open("connected", netstat.UDP, f)
		for i := range everything {
			s.set(o, &everything[i])
		}
		must(t, unix.Connect(o.fd, loopback(f, 9)))
		for _, state := range []string{"established", "half closed", "orphaned", "in time-wait"} {
			s.connection(state, f)
		}
	}
	return s
}

// connection makes a connection whose ends have every option.
func (s *scene) connection(state string, f netstat.Family) {
	listener := s.n.Socket(s, int(f), unix.SOCK_STREAM, 0)
	must(s.T, unix.Bind(listener, loopback(f, 0)))
	must(s.T, unix.Listen(listener, 5))
	at, err := unix.Getsockname(listener)
	must(s.T, err)
	client := *s.open("client, "+state, netstat.TCP, f)
	for i := range everything {
		// To wait for data, or for a segment to be full, delays the handshake.
		if a := &everything[i]; a.option != netstat.OptionDeferAccept && a.option != netstat.OptionQuickAck {
			s.set(&client, a)
		}
	}
	must(s.T, unix.Connect(client.fd, at))
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	must(s.T, err)
	server := opened{"server, " + state, fd, netstat.TCP, f}
	for i := range everything {
		s.set(&server, &everything[i])
	}
	switch state {
	case "half closed":
		must(s.T, unix.Shutdown(client.fd, unix.SHUT_WR))
	case "orphaned", "in time-wait":
		s.sockets = s.sockets[:len(s.sockets)-1]
		must(s.T, unix.SetsockoptLinger(client.fd, sol, unix.SO_LINGER, &unix.Linger{}))
		must(s.T, unix.Shutdown(client.fd, unix.SHUT_WR))
		if state == "in time-wait" {
			must(s.T, unix.SetsockoptLinger(fd, sol, unix.SO_LINGER, &unix.Linger{}))
			must(s.T, unix.Close(fd))
			return
		}
	}
	s.Cleanup(func() { unix.Close(fd) })
	s.sockets = append(s.sockets, server)
}

// hidden reports whether an error says no more than that other processes could not be
// looked into, which the machine that tests run on does not always grant.
func hidden(t *testing.T, err error) bool {
	t.Helper()
	if !netstat.IsComplete(err) {
		t.Fatal(err)
	}
	return err != nil
}

// compare holds that every value is that of getsockopt in the process that has the
// socket, and that none is missing.
func (s *scene) compare(t *testing.T, wants func(netstat.SocketOption) bool, sources ...netstat.SocketOptionSource) {
	if withoutSocket := s.compareRows(t, 0, wants, sources...); withoutSocket == 0 {
		t.Error("there is no connection in TIME-WAIT")
	}
}

// compareRows compares the sockets in those states, and returns how many connections in
// TIME-WAIT there are.
func (s *scene) compareRows(t *testing.T, states netstat.StateSet, wants func(netstat.SocketOption) bool, sources ...netstat.SocketOptionSource) (withoutSocket int) {
	k, err := collectors.Open(collectors.Options{NetNS: s.n.Name, SocketOptions: sources})
	must(t, err)
	defer k.Close()
	rows := make(map[uint64]netstat.Socket)
	for row, err := range k.Sockets(t.Context(), netstat.SocketQuery{Protocols: both, States: states, Details: netstat.DetailSocketOptions}) {
		if hidden(t, err) {
			continue
		}
		rows[row.Cookie.Or(0)] = row
		if row.State == netstat.TimeWait {
			withoutSocket++
			if row.Detail != nil && row.Detail.Options != nil {
				t.Errorf("a connection in TIME-WAIT has options: %+v", row.Detail.Options)
			}
		}
	}
	values, from := 0, make(map[netstat.OptionSource]int)
	for i := range s.sockets {
		o := &s.sockets[i]
		cookie, err := unix.GetsockoptUint64(o.fd, sol, unix.SO_COOKIE)
		must(t, err)
		row, there := rows[cookie]
		if !there || row.Detail == nil || row.Detail.Options == nil {
			t.Errorf("%s: there is no such row, or it has no options: %+v", o.what, row)
			continue
		}
		for j := range everything {
			a := &everything[j]
			got, known := row.Detail.Options.Get(a.option)
			if !o.has(a) {
				if known {
					t.Errorf("%s: %v is %v, which it does not have", o.what, a.option, got)
				}
				continue
			}
			want, err := a.get(o.fd)
			if err != nil {
				t.Fatalf("%s: %v: %v", o.what, a.option, err)
			}
			switch {
			case !known && wants(a.option):
				t.Errorf("%s: %v is not told", o.what, a.option)
			case known && got != want:
				t.Errorf("%s: %v is %v, getsockopt says %v", o.what, a.option, got, want)
			case known:
				values++
				from[row.Detail.Options.Source(a.option)]++
			}
		}
	}
	t.Logf("%d values of %d sockets, %v", values, len(s.sockets), from)
	return withoutSocket
}

// TestTruth compares all values of all sources with getsockopt's.
func TestTruth(t *testing.T) {
	s := newScene(t)
	if len(s.sockets) < 64 {
		t.Fatalf("%d sockets", len(s.sockets))
	}
	every := func(netstat.SocketOption) bool { return true }
	none := func(netstat.SocketOption) bool { return false }
	t.Run("sock_diag", func(t *testing.T) { s.compare(t, none) })
	t.Run("descriptors", func(t *testing.T) { s.compare(t, every, collectors.Descriptors()) })
	t.Run("BPF", func(t *testing.T) {
		nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
		source := sockopt.New("")
		defer source.Close()
		s.compare(t, every, source)
		s.compare(t, every, source)
	})
	t.Run("many namespaces", func(t *testing.T) {
		nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
		source := sockopt.New("")
		defer source.Close()
		s.compare(t, every, source.ForNamespaces())
	})
	t.Run("layout", func(t *testing.T) {
		nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
		source := sockopt.NewByLayout()
		defer source.Close()
		s.compare(t, every, source)
	})
}

// opening is a source that has sockets opened once it has been read.
type opening struct {
	netstat.SocketOptionSource
	open func()
}

func (o *opening) ReadSocketOptions(ctx context.Context, q netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	find, err := o.SocketOptionSource.ReadSocketOptions(ctx, q)
	o.open()
	o.open = func() {}
	return find, err
}

// TestSocketsThatComeMeanwhile opens sockets between the reading of their options and the
// dump.
func TestSocketsThatComeMeanwhile(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	n := nstest.New(t)
	bpf := sockopt.New("")
	defer bpf.Close()
	for name, source := range map[string]netstat.SocketOptionSource{"BPF": bpf, "descriptors": collectors.Descriptors()} {
		var late int
		k, err := collectors.Open(collectors.Options{NetNS: n.Name, SocketOptions: []netstat.SocketOptionSource{&opening{source, func() {
			late = n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
			must(t, unix.SetsockoptInt(late, sol, unix.SO_PRIORITY, 6))
			must(t, unix.Listen(late, 1))
		}}}})
		must(t, err)
		defer k.Close()
		found := false
		for row, err := range k.Sockets(t.Context(), netstat.SocketQuery{Protocols: onlyTCP, Details: netstat.DetailSocketOptions, Processes: true}) {
			if hidden(t, err) {
				continue
			}
			cookie, err := unix.GetsockoptUint64(late, sol, unix.SO_COOKIE)
			must(t, err)
			if row.Cookie == netstat.Known(cookie) {
				found = true
				if o := row.Detail.Options; o.Priority != netstat.Known[uint32](6) {
					t.Errorf("%s: %+v", name, o)
				}
			}
		}
		if !found {
			t.Errorf("%s: the socket is missing", name)
		}
		must(t, unix.Close(late))
	}
}

// failing is a source that tells nothing.
type failing struct{}

func (failing) ReadSocketOptions(context.Context, netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	return nil, fs.ErrPermission
}

// What one source fails to tell comes from the next, and when none is left the rows are
// all there, and the error says that values are unknown.
func TestSourcesThatFail(t *testing.T) {
	n := nstest.New(t)
	fd := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, unix.SetsockoptInt(fd, sol, unix.SO_PRIORITY, 6))
	must(t, unix.Listen(fd, 1))
	q := netstat.SocketQuery{Protocols: onlyTCP, Details: netstat.DetailSocketOptions}
	for _, c := range []struct {
		sources []netstat.SocketOptionSource
		want    netstat.Optional[uint32]
		fails   bool
	}{
		{[]netstat.SocketOptionSource{failing{}, collectors.Descriptors()}, netstat.Known[uint32](6), false},
		{[]netstat.SocketOptionSource{failing{}}, netstat.Optional[uint32]{}, true},
		{nil, netstat.Optional[uint32]{}, false},
	} {
		k, err := collectors.Open(collectors.Options{NetNS: n.Name, SocketOptions: c.sources})
		must(t, err)
		defer k.Close()
		rows, failed := 0, false
		for row, err := range k.Sockets(t.Context(), q) {
			if err != nil {
				failed = true
				if !netstat.IsComplete(err) || !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%v", err)
				}
				continue
			}
			rows++
			if o := row.Detail.Options; o.Priority != c.want || !o.Congestion.IsKnown() {
				t.Errorf("%d sources: %+v", len(c.sources), o)
			}
		}
		if rows != 1 || c.fails && !failed {
			t.Errorf("%d sources: %d rows, failed: %v", len(c.sources), rows, failed)
		}
	}
}

// TestNamespacesAreApart reads many namespaces with one source: each shows its own
// sockets.
func TestNamespacesAreApart(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	source := sockopt.New("")
	defer source.Close()
	t.Run("one by one", func(t *testing.T) { namespacesAreApart(t, source) })
	t.Run("at once", func(t *testing.T) { namespacesAreApart(t, source.ForNamespaces()) })
}

func namespacesAreApart(t *testing.T, source netstat.SocketOptionSource) {
	for i := range 5 {
		n := nstest.New(t)
		n.Sysctl(t, "net.ipv4.ip_default_ttl", fmt.Sprint(40+i))
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
		must(t, unix.SetsockoptInt(fd, sol, unix.SO_MARK, i+1))
		must(t, unix.Bind(fd, loopback(netstat.IPv4, 7)))
		k, err := collectors.Open(collectors.Options{NetNS: n.Name, SocketOptions: []netstat.SocketOptionSource{source}})
		must(t, err)
		defer k.Close()
		rows := 0
		for row, err := range k.Sockets(t.Context(), netstat.SocketQuery{Protocols: onlyUDP, Details: netstat.DetailSocketOptions}) {
			must(t, err)
			if rows++; row.Detail.Options.Mark != netstat.Known(uint32(i+1)) || row.Detail.Options.TTL != netstat.Known(uint8(40+i)) || !row.Detail.Options.SendTimeout.IsKnown() {
				t.Errorf("namespace %d: %+v", i, row.Detail.Options)
			}
		}
		if rows != 1 {
			t.Errorf("namespace %d: %d rows", i, rows)
		}
	}
}
