package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// open opens the stack of a test's namespace.
func open(t testing.TB, n *nstest.NS) *Kernel {
	t.Helper()
	k, err := Open(Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

var allProtocols = []netstat.Protocol{netstat.TCP, netstat.UDP, netstat.UDPLite}

func sockets(t testing.TB, k *Kernel, q netstat.SocketQuery) []netstat.Socket {
	t.Helper()
	var all []netstat.Socket
	for s, err := range k.Sockets(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// bound makes a socket of the namespace, bound to address.
func bound(t *testing.T, n *nstest.NS, kind, protocol int, address unix.Sockaddr, options ...func(fd int) error) int {
	t.Helper()
	domain := unix.AF_INET
	if _, ok := address.(*unix.SockaddrInet6); ok {
		domain = unix.AF_INET6
	}
	fd := n.Socket(t, domain, kind, protocol)
	for _, o := range options {
		if err := o(fd); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Bind(fd, address); err != nil {
		t.Fatalf("bind %+v: %v", address, err)
	}
	return fd
}

func option(level, name, value int) func(fd int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, level, name, value) }
}

func inet6(t *testing.T, address string, port int, zone uint32) *unix.SockaddrInet6 {
	t.Helper()
	return &unix.SockaddrInet6{Addr: netip.MustParseAddr(address).As16(), Port: port, ZoneId: zone}
}

func inet4(t *testing.T, address string, port int) *unix.SockaddrInet4 {
	t.Helper()
	return &unix.SockaddrInet4{Addr: netip.MustParseAddr(address).As4(), Port: port}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// socketScene opens a socket of every sort that the vocabulary tells apart.
func socketScene(t *testing.T, n *nstest.NS) (link uint32) {
	t.Helper()
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up",
		"addr add fe80::1/64 dev near nodad", "addr add 192.0.2.1/24 dev near")
	link = n.Index(t, "near")

	listen := func(fd int) { must(t, unix.Listen(fd, 7)) }
	v6only := option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	dual := option(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	reusePort := option(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)

	listen(bound(t, n, unix.SOCK_STREAM, 0, inet6(t, "::", 1001, 0), dual))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet6(t, "::", 1002, 0), v6only))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "0.0.0.0", 1003)))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 1004), reusePort))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 1004), reusePort))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet6(t, "fe80::1", 1005, link)))
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "0.0.0.0", 1006), func(fd int) error {
		return unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "near")
	}))

	// An IPv4 connection to the dual-stack listener, which stays in its queue.
	n.Dial(t, "tcp4", "127.0.0.1:1001")
	// A connection over link-local addresses.
	n.Dial(t, "tcp6", fmt.Sprintf("[fe80::1%%%d]:1005", link))
	// A listener that waits for data before it makes a socket of a request.
	listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 1007), option(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 60)))
	n.Dial(t, "tcp4", "127.0.0.1:1007")
	// TIME-WAIT: the side that closes first. And bytes that nobody reads.
	l := n.Listen(t, "tcp4", "127.0.0.1:1008")
	closer := n.Dial(t, "tcp4", "127.0.0.1:1008")
	accepted, err := l.Accept()
	must(t, err)
	closer.Close()
	accepted.Close()
	sender := n.Dial(t, "tcp4", "127.0.0.1:1008")
	_, err = sender.Write(make([]byte, 321))
	must(t, err)
	// SYN-SENT: nobody answers for a neighbour that is not there.
	n.IP(t, "neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev near")
	syn := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err := unix.Connect(syn, inet4(t, "192.0.2.99", 9)); err != unix.EINPROGRESS {
		t.Fatal(err)
	}

	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "0.0.0.0", 2001))
	bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "::", 2002, 0), v6only)
	bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "::", 2003, 0), dual)
	bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "fe80::1", 2004, link))
	bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "ff02::fb", 2005, link))
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 2006), reusePort)
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 2006), reusePort)
	must(t, unix.Connect(bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 2007)), inet4(t, "127.0.0.1", 2001)))
	must(t, unix.Connect(bound(t, n, unix.SOCK_DGRAM, 0, inet6(t, "::", 2008, 0), dual), inet6(t, "::ffff:127.0.0.1", 2001, 0)))

	bound(t, n, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, inet4(t, "127.0.0.1", 3001))
	bound(t, n, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, inet6(t, "::1", 3002, 0))
	return link
}

// row is a socket as both ss and this package tell it.
type row struct {
	State         string
	RecvQ, SendQ  uint32
	Local, Remote string
	UID, Inode    uint32
	V6Only        string
}

// byCookie keys sockets as ss -e prints them.
func byCookie(t *testing.T, all []netstat.Socket, names map[uint32]string) map[uint64]row {
	t.Helper()
	rows := make(map[uint64]row)
	for _, s := range all {
		if _, twice := rows[s.Cookie.Or(0)]; twice {
			t.Errorf("socket %x is there twice", s.Cookie)
		}
		v6only := s.V6Only.String()
		isAny := func(a netip.AddrPort) bool {
			return a.Addr().IsUnspecified() && s.Family == netstat.IPv6 && v6only != "true"
		}
		show := func(a netip.AddrPort) string {
			address, port := a.Addr().WithZone("").String(), strconv.Itoa(int(a.Port()))
			if port == "0" {
				port = "*"
			}
			if isAny(a) {
				address = "*"
			} else if a.Addr().Is6() {
				address = "[" + address + "]"
			}
			if s.Interface.Or(0) != 0 && a == s.Local {
				address += "%" + names[s.Interface.Or(0)]
			}
			return address + ":" + port
		}
		state, ok := map[netstat.State]string{
			netstat.Established: "ESTAB", netstat.Listen: "LISTEN", netstat.Close: "UNCONN", netstat.SynReceived: "SYN-RECV",
			netstat.SynSent: "SYN-SENT", netstat.TimeWait: "TIME-WAIT",
		}[s.State]
		if !ok {
			t.Errorf("socket %+v: unexpected state", s)
		}
		rows[s.Cookie.Or(0)] = row{
			state, s.ReceiveQueue.Or(0), s.SendQueue.Or(0), show(s.Local), show(s.Remote),
			s.UID.Or(0), s.Inode.Or(0), v6only,
		}
	}
	return rows
}

var ssDetail = regexp.MustCompile(`(uid|ino|sk|v6only):(\S+)`)

// fromSS reads `ss -H -a -n -e -O`.
func fromSS(t *testing.T, out string, into map[uint64]row) {
	t.Helper()
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 5 {
			t.Fatalf("ss prints %q", line)
		}
		number := func(s string, base, bits int) uint64 {
			n, err := strconv.ParseUint(s, base, bits)
			if err != nil {
				t.Fatalf("ss prints %q: %v", line, err)
			}
			return n
		}
		r := row{State: f[0], RecvQ: uint32(number(f[1], 10, 32)), SendQ: uint32(number(f[2], 10, 32)), Local: f[3], Remote: f[4], V6Only: "-"}
		var cookie uint64
		for _, m := range ssDetail.FindAllStringSubmatch(line, -1) {
			switch m[1] {
			case "uid":
				r.UID = uint32(number(m[2], 10, 32))
			case "ino":
				r.Inode = uint32(number(m[2], 10, 32))
			case "sk":
				cookie = number(m[2], 16, 64)
			case "v6only":
				r.V6Only = map[string]string{"0": "false", "1": "true"}[m[2]]
			}
		}
		into[cookie] = r
	}
}

func TestSocketsAgreeWithSS(t *testing.T) {
	n := nstest.New(t)
	link := socketScene(t, n)
	k := open(t, n)
	got := byCookie(t, sockets(t, k, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP, netstat.UDP}}), map[uint32]string{link: "near"})
	want := make(map[uint64]row)
	fromSS(t, n.Run(t, "ss", "-H", "-t", "-a", "-n", "-e", "-O"), want)
	fromSS(t, n.Run(t, "ss", "-H", "-u", "-a", "-n", "-e", "-O"), want)
	if len(want) < 20 {
		t.Fatalf("ss shows only %d sockets", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sockets (-ss +collectors):\n%s", diff)
	}
}

// at returns the one socket with the local port and state.
func at(t *testing.T, all []netstat.Socket, port uint16, state netstat.State) netstat.Socket {
	t.Helper()
	var found []netstat.Socket
	for _, s := range all {
		if s.Local.Port() == port && s.State == state {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d sockets at port %d in state %v: %+v", len(found), port, state, found)
	}
	return found[0]
}

func TestSocketDetails(t *testing.T) {
	n := nstest.New(t)
	link := socketScene(t, n)
	zone := strconv.Itoa(int(link))
	all := sockets(t, open(t, n), netstat.SocketQuery{Protocols: allProtocols})

	// A socket bound to an IPv6 address other than :: is IPv6 only.
	addr := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	for _, want := range []struct {
		state         netstat.State
		protocol      netstat.Protocol
		family        netstat.Family
		local, remote netip.AddrPort
		v6only        netstat.Optional[bool]
		device        uint32
	}{
		{netstat.Listen, netstat.TCP, netstat.IPv6, addr("[::]:1001"), addr("[::]:0"), netstat.Known(false), 0},
		{netstat.Listen, netstat.TCP, netstat.IPv6, addr("[::]:1002"), addr("[::]:0"), netstat.Known(true), 0},
		{netstat.Listen, netstat.TCP, netstat.IPv4, addr("0.0.0.0:1003"), addr("0.0.0.0:0"), netstat.Optional[bool]{}, 0},
		{netstat.Listen, netstat.TCP, netstat.IPv6, addr("[fe80::1%" + zone + "]:1005"), addr("[::]:0"), netstat.Known(true), link},
		{netstat.Listen, netstat.TCP, netstat.IPv4, addr("0.0.0.0:1006"), addr("0.0.0.0:0"), netstat.Optional[bool]{}, link},
		{netstat.Close, netstat.UDP, netstat.IPv6, addr("[ff02::fb%" + zone + "]:2005"), addr("[::]:0"), netstat.Known(true), link},
		{netstat.Established, netstat.UDP, netstat.IPv4, addr("127.0.0.1:2007"), addr("127.0.0.1:2001"), netstat.Optional[bool]{}, 0},
		{netstat.Established, netstat.UDP, netstat.IPv6, addr("[::ffff:127.0.0.1]:2008"), addr("[::ffff:127.0.0.1]:2001"), netstat.Optional[bool]{}, 0},
		{netstat.Close, netstat.UDPLite, netstat.IPv4, addr("127.0.0.1:3001"), addr("0.0.0.0:0"), netstat.Optional[bool]{}, 0},
		{netstat.Close, netstat.UDPLite, netstat.IPv6, addr("[::1]:3002"), addr("[::]:0"), netstat.Known(true), 0},
	} {
		s := at(t, all, want.local.Port(), want.state)
		if s.Protocol != want.protocol || s.Family != want.family || s.Local != want.local || s.Remote != want.remote ||
			s.V6Only != want.v6only || s.Interface != netstat.Known(want.device) {
			t.Errorf("got %+v, want %+v", s, want)
		}
		if uid, ok := s.UID.Get(); !ok || uid != 0 || s.Inode.Or(0) == 0 || s.Cookie.Or(0) == 0 {
			t.Errorf("%v: uid %v, inode %v, cookie %v", s.Local, s.UID, s.Inode, s.Cookie)
		}
		if s.Processes.IsKnown() {
			t.Errorf("%v: processes are known though nobody asked", s.Local)
		}
	}

	listener := at(t, all, 1001, netstat.Listen)
	if queued, backlog := listener.ReceiveQueue.Or(99), listener.SendQueue.Or(99); queued != 1 || backlog != 7 {
		t.Errorf("listener has %d of %d waiting, want 1 of 7", queued, backlog)
	}
	if mapped := at(t, all, 1001, netstat.Established); mapped.Family != netstat.IPv6 || mapped.Local != addr("[::ffff:127.0.0.1]:1001") {
		t.Errorf("IPv4 connection of a dual-stack listener: %+v", mapped)
	}
	if over := at(t, all, 1005, netstat.Established); over.Local != addr("[fe80::1%"+zone+"]:1005") || over.Remote.Addr().Zone() != zone {
		t.Errorf("link-local connection: %v to %v", over.Local, over.Remote)
	}
	if unread := at(t, all, 1008, netstat.Established); unread.ReceiveQueue != netstat.Known[uint32](321) {
		t.Errorf("receive queue is %v, want 321", unread.ReceiveQueue)
	}
	request := at(t, all, 1007, netstat.SynReceived)
	if request.UID.IsKnown() || request.Inode.Or(0) != 0 {
		t.Errorf("a connection request has uid %v and inode %v", request.UID, request.Inode)
	}
	var waiting, sent int
	for _, s := range all {
		switch s.State {
		case netstat.TimeWait:
			waiting++
			if s.UID.IsKnown() || s.Inode.Or(0) != 0 || s.Timer != netstat.Known(netstat.TimerTimeWait) || s.Expires.Or(0) <= 0 || s.Expires.Or(0) > 61*time.Second {
				t.Errorf("TIME-WAIT: %+v", s)
			}
		case netstat.SynSent:
			sent++
			if s.Timer != netstat.Known(netstat.TimerRetransmit) || s.Expires.Or(0) <= 0 || s.SendQueue != netstat.Known[uint32](1) {
				t.Errorf("SYN-SENT: %+v", s)
			}
		}
	}
	if waiting != 1 || sent != 1 {
		t.Errorf("%d sockets in TIME-WAIT and %d in SYN-SENT, want 1 each", waiting, sent)
	}
}

func TestSocketsOfStates(t *testing.T) {
	n := nstest.New(t)
	socketScene(t, n)
	k := open(t, n)
	all := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols})
	for state := netstat.Established; state < netstat.NewSynReceived; state++ {
		var want int
		for _, s := range all {
			if s.State == state {
				want++
			}
		}
		got := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols, States: netstat.States(state)})
		if len(got) != want {
			t.Errorf("%d sockets in state %v, want %d", len(got), state, want)
		}
		for _, s := range got {
			if s.State != state {
				t.Errorf("asked for %v, got %v", state, s.State)
			}
		}
	}
	requests := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols, States: netstat.States(netstat.NewSynReceived)})
	if len(requests) != 1 || requests[0].Local.Port() != 1007 {
		t.Errorf("connection requests without a socket: %+v", requests)
	}
}

func TestSocketsOfFamilies(t *testing.T) {
	n := nstest.New(t)
	socketScene(t, n)
	k := open(t, n)
	count := func(families ...netstat.Family) int {
		got := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols, Families: families})
		for _, s := range got {
			if len(families) == 1 && s.Family != families[0] {
				t.Errorf("asked for %v, got %v", families[0], s.Family)
			}
		}
		return len(got)
	}
	both, v4, v6 := count(), count(netstat.IPv4), count(netstat.IPv6)
	if v4 == 0 || v6 == 0 || v4+v6 != both || count(netstat.IPv4, netstat.IPv6) != both {
		t.Errorf("%d sockets, of which %d over IPv4 and %d over IPv6", both, v4, v6)
	}
}

// rowsUntilError returns how many rows came before the error, and the error.
func rowsUntilError[T any](seq func(func(T, error) bool)) (rows int, err error) {
	for _, e := range seq {
		if e != nil {
			if err != nil {
				panic("rows follow an error")
			}
			err = e
			continue
		}
		rows++
	}
	return rows, err
}

func TestSocketsOfALackingProtocol(t *testing.T) {
	n := nstest.New(t)
	n.ListenPacket(t, "udp4", "127.0.0.1:0")
	k := open(t, n)
	const lacking = netstat.Protocol(200)
	rows, err := rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{lacking, netstat.UDP}}))
	if rows != 1 || !errors.Is(err, netstat.ErrNotSupported) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%d rows, error %v", rows, err)
	}
	var read *netstat.ReadError
	if strings.Count(err.Error(), "dump protocol 200") != 1 {
		t.Errorf("error %v", err)
	}
	if !errors.As(err, &read) || read.Source != "netns "+n.Name || read.Op != "dump protocol 200 sockets over ipv4" && read.Op != "dump protocol 200 sockets over ipv6" {
		t.Errorf("error %#v does not name the operation and the namespace", err)
	}
}

func TestKernelWithoutIPv6(t *testing.T) {
	n := nstest.New(t)
	n.ListenPacket(t, "udp4", "127.0.0.1:0")
	k := open(t, n)
	k.hasIPv6 = func() bool { return false }
	query := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}
	if rows, err := rowsUntilError(k.Sockets(t.Context(), query)); rows != 1 || err != nil {
		t.Errorf("sockets of both families: %d rows, error %v", rows, err)
	}
	query.Families = []netstat.Family{netstat.IPv6, netstat.IPv4}
	if rows, err := rowsUntilError(k.Sockets(t.Context(), query)); rows != 1 || !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("sockets of IPv6 asked for: %d rows, error %v", rows, err)
	}
	if rows, err := rowsUntilError(k.Routes(t.Context(), netstat.RouteQuery{})); rows == 0 || err != nil {
		t.Errorf("routes of both families: %d rows, error %v", rows, err)
	}
	rows, err := rowsUntilError(k.Routes(t.Context(), netstat.RouteQuery{Families: []netstat.Family{netstat.IPv6}}))
	if rows != 0 || !errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("routes of IPv6 asked for: %d rows, error %v", rows, err)
	}
}

func TestNothingAskedIsNothing(t *testing.T) {
	k := open(t, nstest.New(t))
	if rows, err := rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{})); rows != 0 || err != nil {
		t.Errorf("the zero query: %d rows, error %v", rows, err)
	}
}

// manySockets opens more sockets than one datagram tells of.
func manySockets(t testing.TB, n *nstest.NS, kind, count int) {
	t.Helper()
	fds := make([]int, 0, count)
	t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	n.Do(t, func() error {
		for i := range count {
			fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			address := &unix.SockaddrInet4{Addr: [4]byte{127, byte(1 + i>>14), 0, 1}, Port: 1 + i&(1<<14-1)}
			if err := unix.Bind(fd, address); err != nil {
				return err
			}
			if kind == unix.SOCK_STREAM {
				if err := unix.Listen(fd, 1); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

func TestBreakingOffReleases(t *testing.T) {
	n := nstest.New(t)
	manySockets(t, n, unix.SOCK_DGRAM, 2000)
	k := open(t, n)
	query := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}
	before := openDescriptors(t)
	for range 50 {
		for range k.Sockets(t.Context(), query) {
			break
		}
		for range k.Routes(t.Context(), netstat.RouteQuery{}) {
			break
		}
	}
	// The rest of the process opens and closes some, too: a leak shows by the
	// dozen.
	if after := openDescriptors(t); after > before+20 {
		t.Errorf("%d descriptors are open, were %d", after, before)
	}
	if got := len(sockets(t, k, query)); got != 2000 {
		t.Errorf("%d sockets, want 2000", got)
	}
}

func TestContextEndsADump(t *testing.T) {
	n := nstest.New(t)
	manySockets(t, n, unix.SOCK_DGRAM, 2000)
	k := open(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows := 0
	var end error
	for _, err := range k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}) {
		if end = err; err == nil {
			rows++
		}
		cancel()
	}
	if rows == 0 || rows >= 2000 || !errors.Is(end, context.Canceled) {
		t.Errorf("%d rows, error %v", rows, end)
	}
	for what, seq := range map[string]func() error{
		"interfaces": func() error { _, err := rowsUntilError(k.Interfaces(ctx)); return err },
		"addresses":  func() error { _, err := rowsUntilError(k.Addresses(ctx)); return err },
		"routes":     func() error { _, err := rowsUntilError(k.Routes(ctx, netstat.RouteQuery{})); return err },
		"TCP":        func() error { _, err := k.TCPStatistics(ctx); return err },
		"UDP":        func() error { _, err := k.UDPStatistics(ctx); return err },
	} {
		if err := seq(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestConcurrentDumps(t *testing.T) {
	n := nstest.New(t)
	manySockets(t, n, unix.SOCK_DGRAM, 1000)
	k := open(t, n)
	failures := make(chan error)
	const readers = 8
	for range readers {
		go func() {
			var failure error
			for range 5 {
				rows, err := rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}))
				if err != nil || rows != 1000 {
					failure = fmt.Errorf("%d rows, error %w", rows, err)
				}
				if _, err := rowsUntilError(k.Interfaces(t.Context())); err != nil {
					failure = err
				}
				if _, err := k.UDPStatistics(t.Context()); err != nil {
					failure = err
				}
			}
			failures <- failure
		}()
	}
	for range readers {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

// inetDiag builds a struct inet_diag_msg as the kernel does.
func inetDiag(family netstat.Family, state netstat.State, attributes ...byte) []byte {
	b := make([]byte, sizeofInetDiagMsg, sizeofInetDiagMsg+len(attributes))
	b[0], b[1] = byte(family), byte(state)
	binary.BigEndian.PutUint16(b[4:], 22)
	return append(b, attributes...)
}

func TestParseInetDiagRejects(t *testing.T) {
	whole := inetDiag(netstat.IPv6, netstat.Listen, appendAttribute(nil, inetDiagSKV6Only, []byte{1})...)
	var s netstat.Socket
	if err := new(inetDiagParser).socket(whole, &s); err != nil || s.V6Only != netstat.Known(true) || s.Local.Port() != 22 {
		t.Fatalf("whole message: %+v, %v", s, err)
	}
	for length := range sizeofInetDiagMsg {
		if err := new(inetDiagParser).socket(whole[:length], &s); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes", length)) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
	for name, b := range map[string][]byte{
		"family":                 inetDiag(netstat.Family(1), netstat.Listen),
		"empty IPV6_V6ONLY":      inetDiag(netstat.IPv6, netstat.Listen, appendAttribute(nil, inetDiagSKV6Only, nil)...),
		"attribute past the end": inetDiag(netstat.IPv6, netstat.Listen, 9, 0, 11, 0, 1),
	} {
		if err := new(inetDiagParser).socket(b, &s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParseInetDiagKeepsNothingOfTheLastRow(t *testing.T) {
	var s, fresh netstat.Socket
	first := inetDiag(netstat.IPv6, netstat.Listen, appendAttribute(nil, inetDiagSKV6Only, []byte{1})...)
	for i := 4; i < sizeofInetDiagMsg; i++ {
		first[i] = 0xfe
	}
	second := inetDiag(netstat.IPv4, netstat.TimeWait)
	must(t, new(inetDiagParser).socket(first, &s))
	must(t, new(inetDiagParser).socket(second, &s))
	must(t, new(inetDiagParser).socket(second, &fresh))
	if diff := cmp.Diff(fresh, s, cmp.Comparer(func(a, b netstat.Socket) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) })); diff != "" {
		t.Error(diff)
	}
}

func TestParseInetDiagAllocatesNothing(t *testing.T) {
	b := inetDiag(netstat.IPv6, netstat.Established, appendAttribute(nil, inetDiagSKV6Only, []byte{1})...)
	copy(b[8:], netip.MustParseAddr("fe80::1").AsSlice())
	copy(b[24:], netip.MustParseAddr("fe80::2").AsSlice())
	binary.NativeEndian.PutUint32(b[40:], 12345)
	var s netstat.Socket
	var p inetDiagParser
	allocs := testing.AllocsPerRun(1000, func() {
		if err := p.socket(b, &s); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if s.Local.Addr().String() != "fe80::1%12345" || s.Remote.Addr().Zone() != "12345" {
		t.Errorf("zones: %v, %v", s.Local, s.Remote)
	}
}

func BenchmarkSockets(b *testing.B) {
	count := *benchSockets
	for _, c := range []struct {
		protocol netstat.Protocol
		kind     int
		flag     string // of ss
	}{{netstat.TCP, unix.SOCK_STREAM, "-t"}, {netstat.UDP, unix.SOCK_DGRAM, "-u"}} {
		b.Run(c.protocol.String(), func(b *testing.B) {
			n := nstest.New(b)
			manySockets(b, n, c.kind, count)
			k := open(b, n)
			b.Run("collectors", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					rows, err := rowsUntilError(k.Sockets(b.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{c.protocol}}))
					if err != nil || rows != count {
						b.Fatalf("%d rows, error %v", rows, err)
					}
				}
				b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
			benchPeer(b, n, count, "ss", "-H", "-a", "-n", c.flag)
		})
	}
}

// A query that names no protocol selects all of them.
func TestSocketsOfEveryProtocol(t *testing.T) {
	ns := nstest.New(t)
	ns.IP(t, "link set lo up")
	tcp := ns.Listen(t, "tcp4", "127.0.0.1:0").Addr().String()
	udp := ns.ListenPacket(t, "udp4", "127.0.0.1:0").LocalAddr().String()
	k, err := Open(Options{NetNS: ns.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	got := map[string]bool{}
	for s, err := range k.Sockets(t.Context(), netstat.SocketQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got[s.Protocol.String()+" "+s.Local.String()] = true
	}
	// Go listens with Multipath TCP where the kernel has it.
	delete(got, "mptcp "+tcp)
	if !got["tcp "+tcp] || !got["udp "+udp] || len(got) != 2 {
		t.Errorf("%v, want the TCP listener %s and the UDP socket %s", got, tcp, udp)
	}
}
