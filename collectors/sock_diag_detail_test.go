package collectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// detailScene opens sockets with options that are not the usual ones.
func detailScene(t *testing.T, n *nstest.NS) {
	t.Helper()
	tcp := func(address unix.Sockaddr, options ...func(int) error) int {
		fd := bound(t, n, unix.SOCK_STREAM, 0, address, options...)
		must(t, unix.Listen(fd, 9))
		return fd
	}
	tcp(inet4(t, "127.0.0.1", 1), option(unix.IPPROTO_IP, unix.IP_TOS, 0xb8), option(unix.SOL_SOCKET, unix.SO_MARK, 0x2a),
		option(unix.SOL_SOCKET, unix.SO_PRIORITY, 5))
	tcp(inet4(t, "198.51.100.1", 2), option(unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1))
	tcp(inet4(t, "198.51.100.2", 3), option(unix.IPPROTO_IP, unix.IP_FREEBIND, 1))
	tcp(inet6(t, "::1", 4, 0), option(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0x28))
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 5), option(unix.IPPROTO_IP, unix.IP_RECVERR, 1), option(unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
		option(unix.SOL_SOCKET, unix.SO_RCVBUF, 30_000), option(unix.SOL_SOCKET, unix.SO_SNDBUF, 40_000))
	// Data that waits at both ends, and an end that is shut down.
	l := n.Listen(t, "tcp4", "127.0.0.1:6")
	client := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 7))
	must(t, unix.Connect(client, inet4(t, "127.0.0.1", 6)))
	server, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { server.Close() })
	_, err = unix.Write(client, make([]byte, 1234))
	must(t, err)
	must(t, unix.Shutdown(client, unix.SHUT_WR))
	// A datagram that nobody reads, and others that were dropped.
	bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 8), option(unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
	sender := bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 9))
	must(t, unix.Connect(sender, inet4(t, "127.0.0.1", 8)))
	for range 20 {
		_, err := unix.Write(sender, make([]byte, 500))
		must(t, err)
	}
}

var ssWord = regexp.MustCompile(`(\w+):(\([^)]*\)|\S+)`)

// TestDetailsAgreeWithSS compares what ss prints of every socket.
func TestDetailsAgreeWithSS(t *testing.T) {
	n := nstest.New(t)
	detailScene(t, n)
	k := open(t, n)
	fromSS := func() string {
		return n.Run(t, "ss", "-H", "-t", "-u", "-a", "-n", "-e", "-m", "-i", "-O", "--tos", "--cgroup")
	}
	// What changes by itself: the time since data was sent, and connections that
	// are closing.
	moving := regexp.MustCompile(`(lastsnd|lastrcv|lastack):\S+|timer:\S+`)
	for end := time.Now().Add(nstest.Patience); ; {
		before := fromSS()
		all := sockets(t, k, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP, netstat.UDP}, Details: netstat.AllDetails})
		after := fromSS()
		if moving.ReplaceAllString(before, "") != moving.ReplaceAllString(after, "") {
			if time.Now().After(end) {
				t.Fatalf("the sockets do not settle:\n%s\n%s", before, after)
			}
			time.Sleep(10 * time.Millisecond)
			continue
		}
		byCookie := make(map[uint64]netstat.Socket)
		for _, s := range all {
			byCookie[s.Cookie.Or(0)] = s
		}
		lines := 0
		for line := range strings.Lines(after) {
			lines++
			compareWithSS(t, line, byCookie)
		}
		if lines != len(all) || lines < 10 {
			t.Errorf("%d sockets, ss has %d", len(all), lines)
		}
		return
	}
}

// compareWithSS compares a socket with its line.
func compareWithSS(t *testing.T, line string, all map[uint64]netstat.Socket) {
	t.Helper()
	words := make(map[string]string)
	for _, m := range ssWord.FindAllStringSubmatch(line, -1) {
		words[m[1]] = m[2]
	}
	cookie, err := strconv.ParseUint(words["sk"], 16, 64)
	must(t, err)
	s, ok := all[cookie]
	if !ok {
		t.Errorf("ss alone has %q", line)
		return
	}
	d := s.Detail
	got := map[string]string{"skmem": "(" + skmem(d.Memory) + ")"}
	// As printf has it for %#x.
	hex := func(name string, v uint32, known bool) {
		if known {
			if got[name] = "0"; v != 0 {
				got[name] = fmt.Sprintf("%#x", v)
			}
		}
	}
	hex("tos", uint32(d.TOS.Or(0)), d.TOS.IsKnown())
	hex("tclass", uint32(d.TrafficClass.Or(0)), d.TrafficClass.IsKnown())
	hex("class_id", d.ClassID.Or(0), d.ClassID.IsKnown())
	if mark := d.Mark.Or(0); mark != 0 {
		hex("fwmark", mark, true)
	}
	if c, known := d.CGroup.Get(); known {
		got["cgroup"] = c.Path
		// ip-netns(8) hides the hierarchy from ss.
		if strings.HasPrefix(words["cgroup"], "unreachable:") {
			got["cgroup"] = fmt.Sprintf("unreachable:%x", c.ID)
		}
	}
	if i := d.TCP; i != nil {
		number := func(name string, v netstat.Optional[uint64]) {
			if n, known := v.Get(); known && n != 0 {
				got[name] = strconv.FormatUint(n, 10)
			}
		}
		number("bytes_sent", i.BytesSent)
		number("bytes_acked", i.BytesAcknowledged)
		number("bytes_received", i.BytesReceived)
		got["cwnd"] = fmt.Sprint(i.CongestionWindow)
		if s.State == netstat.Established || s.State == netstat.FinWait2 || s.State == netstat.CloseWait {
			got["mss"] = fmt.Sprint(i.SendMSS)
			got["advmss"] = fmt.Sprint(i.AdvertisedMSS)
			got["pmtu"] = fmt.Sprint(i.PathMTU)
			got["wscale"] = fmt.Sprintf("%d,%d", i.SendScale, i.ReceiveScale)
			got["segs_in"] = fmt.Sprint(i.SegmentsReceived)
			got["rtt"] = fmt.Sprintf("%g/%g", float64(i.RTT)/1e6, float64(i.RTTVariation)/1e6)
			got["rto"] = fmt.Sprintf("%g", float64(i.RTO)/1e6)
			got["rcv_space"] = fmt.Sprint(i.ReceiveSpace)
			got["rcv_ssthresh"] = fmt.Sprint(i.ReceiveSlowStart)
			got["snd_wnd"] = fmt.Sprint(i.SendWindow)
		}
		if d.Congestion == nil || !slices.Contains(strings.Fields(line), d.Congestion.Name) {
			t.Errorf("congestion control %+v in %q", d.Congestion, line)
		}
	}
	for name, g := range got {
		if want, there := words[name]; g != want && (there || name != "snd_wnd") {
			t.Errorf("%v %v: %s is %s, want %s in %q", s.Protocol, s.Local, name, g, want, line)
		}
	}
	for _, name := range []string{"skmem", "tos", "tclass", "fwmark", "class_id", "cgroup", "bytes_sent", "bytes_acked", "bytes_received"} {
		if _, there := words[name]; there && got[name] == "" {
			t.Errorf("%v %v: no %s of %q", s.Protocol, s.Local, name, line)
		}
	}
}

func TestDetailsOfOptions(t *testing.T) {
	n := nstest.New(t)
	detailScene(t, n)
	k := open(t, n)
	q := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP, netstat.UDP}, Details: netstat.AllDetails}
	all := make(map[uint16]netstat.Socket)
	for _, s := range sockets(t, k, q) {
		if _, taken := all[s.Local.Port()]; !taken || s.State != netstat.Listen {
			all[s.Local.Port()] = s
		}
	}
	flags := func(port uint16) netstat.SocketFlags { return all[port].Detail.Flags.Or(0) }
	if f := flags(1); !f.Has(netstat.SocketConnections|netstat.SocketMulticastLoop) || f.Has(netstat.SocketTransparent) || f.Has(netstat.SocketFreeBind) {
		t.Errorf("a usual socket: %v", f)
	}
	if f := flags(2); !f.Has(netstat.SocketTransparent) {
		t.Errorf("a transparent socket: %v", f)
	}
	if f := flags(3); !f.Has(netstat.SocketFreeBind) || f.Has(netstat.SocketTransparent) {
		t.Errorf("a freely bound socket: %v", f)
	}
	if f := flags(5); !f.Has(netstat.SocketRecvErr) || f.Has(netstat.SocketMulticastLoop) || f.Has(netstat.SocketConnections) {
		t.Errorf("a UDP socket: %v", f)
	}
	if d := all[1].Detail; d.TOS != netstat.Known[uint8](0xb8) || d.Mark != netstat.Known[uint32](0x2a) || d.ClassID != netstat.Known[uint32](5) || d.TrafficClass.IsKnown() {
		t.Errorf("TOS %v, mark %v, class %v", d.TOS, d.Mark, d.ClassID)
	}
	if d := all[4].Detail; d.TrafficClass != netstat.Known[uint8](0x28) {
		t.Errorf("traffic class %v", d.TrafficClass)
	}
	if m, _ := all[5].Detail.Memory.Get(); m.ReceiveBuffer != 60_000 || m.SendBuffer != 80_000 {
		t.Errorf("memory %+v", m)
	}
	if s := all[7]; s.Detail.Shutdown != netstat.Known(netstat.ShutdownSend) || s.Detail.Congestion == nil {
		t.Errorf("shut down: %+v", s.Detail)
	}
	if m, _ := all[8].Detail.Memory.Get(); m.Drops.Or(0) == 0 || m.Drops.Or(0) >= 20 {
		t.Errorf("drops of 20 datagrams: %v", m.Drops)
	}

	// Each is told only when it is asked for.
	for bit := netstat.SocketDetails(1); bit <= netstat.DetailCongestionName; bit <<= 1 {
		q.Details = bit
		for _, s := range sockets(t, k, q) {
			d := s.Detail
			if c := d.Congestion; c != nil && bit == netstat.DetailCongestionName && *c != (netstat.CongestionControl{Name: c.Name}) {
				t.Errorf("more of congestion control than its name: %+v", *c)
			}
			for name, c := range map[string]struct {
				there bool
				asked netstat.SocketDetails
			}{
				"memory":       {d.Memory.IsKnown(), netstat.DetailMemory},
				"TCP":          {d.TCP != nil || d.ULP != nil, netstat.DetailTCPInfo},
				"congestion":   {d.Congestion != nil && d.Congestion.Name != "", netstat.DetailCongestion | netstat.DetailCongestionName},
				"TOS":          {d.TOS.IsKnown() || d.TrafficClass.IsKnown() || d.ClassID.IsKnown(), netstat.DetailTOS},
				"options":      {d.Flags.IsKnown() || d.Shutdown.IsKnown() || d.Mark.IsKnown(), netstat.DetailOptions},
				"cgroup":       {d.CGroup.IsKnown(), netstat.DetailCGroup},
				"every option": {d.Options != nil, netstat.DetailSocketOptions},
			} {
				if c.there && c.asked&bit == 0 {
					t.Errorf("%s is told though %b was asked", name, bit)
				}
				if !c.there && c.asked&bit != 0 && s.Protocol == netstat.TCP && s.State == netstat.Listen {
					t.Errorf("%s of %v is not told though it was asked", name, s.Local)
				}
			}
		}
	}
}

// TestMD5Peers are those of a listener whose peers sign.
func TestMD5Peers(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_TCP_MD5SIG")
	n := nstest.New(t)
	fd := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 179))
	sign := unix.TCPMD5Sig{Keylen: 6, Flags: 1, Prefixlen: 24} // TCP_MD5SIG_FLAG_PREFIX
	sign.Addr.Family = unix.AF_INET
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&sign.Addr)), 8)[4:], []byte{192, 0, 2, 0})
	copy(sign.Key[:], "secret")
	must(t, unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, 32, &sign)) // TCP_MD5SIG_EXT
	must(t, unix.Listen(fd, 1))
	s := oneSocket(t, open(t, n), netstat.TCP, netip.MustParseAddrPort("127.0.0.1:179"))
	if want := netip.MustParsePrefix("192.0.2.0/24"); len(s.Detail.MD5Peers) != 1 || s.Detail.MD5Peers[0] != want {
		t.Errorf("signing peers are %v, want %v", s.Detail.MD5Peers, want)
	}
}

// TestTimers has a timer of each kind.
func TestTimers(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 192.0.2.1/24 dev near",
		"neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev near")
	k := open(t, n)
	// Nobody answers at the other end of the link.
	syn := bound(t, n, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0, inet4(t, "192.0.2.1", 1))
	if err := unix.Connect(syn, inet4(t, "192.0.2.99", 9)); err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	l := n.Listen(t, "tcp4", "127.0.0.1:2")
	keepalive := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 3), option(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1), option(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 1000))
	must(t, unix.Connect(keepalive, inet4(t, "127.0.0.1", 2)))
	// A window that is full, since nobody reads.
	probe := bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 4))
	must(t, unix.Connect(probe, inet4(t, "127.0.0.1", 2)))
	must(t, unix.SetNonblock(probe, true))
	full := func() bool {
		for range 100 {
			if _, err := unix.Write(probe, make([]byte, 1<<16)); err == unix.EAGAIN {
				return true
			}
		}
		return false
	}
	closing := n.Dial(t, "tcp4", "127.0.0.1:2")
	for range 3 {
		c, err := l.Accept()
		must(t, err)
		if c.RemoteAddr().String() == closing.LocalAddr().String() {
			closing.Close()
			c.Close()
		} else {
			t.Cleanup(func() { c.Close() })
		}
	}

	timer := func(port uint16) (s netstat.Socket) {
		for _, s := range sockets(t, k, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}}) {
			if s.Local.Port() == port {
				return s
			}
		}
		t.Fatalf("no socket at port %d", port)
		return s
	}
	if s := timer(1); s.State != netstat.SynSent || s.Timer != netstat.Known(netstat.TimerRetransmit) || s.Expires.Or(0) <= 0 || s.Expires.Or(0) > 2*time.Minute {
		t.Errorf("a connection attempt: %v in %v", s.Timer, s.Expires)
	}
	eventually(t, "a connection attempt is repeated", func() bool { return timer(1).Retransmits.Or(0) > 0 })
	if s := timer(3); s.Timer != netstat.Known(netstat.TimerKeepalive) || s.Expires.Or(0) > 1000*time.Second || s.Expires.Or(0) < 900*time.Second {
		t.Errorf("a connection that is kept alive: %v in %v", s.Timer, s.Expires)
	}
	eventually(t, "a full window is probed", func() bool {
		return full() && timer(4).Timer == netstat.Known(netstat.TimerProbe)
	})
	waiting := netip.MustParseAddrPort(closing.LocalAddr().String()).Port()
	eventually(t, "a connection is closed by both ends", func() bool { return timer(waiting).State == netstat.TimeWait })
	if s := timer(waiting); s.State != netstat.TimeWait || s.Timer != netstat.Known(netstat.TimerTimeWait) || s.Expires.Or(0) <= 0 || s.Expires.Or(0) > time.Minute+time.Second {
		t.Errorf("a connection that was closed: %v, %v in %v", s.State, s.Timer, s.Expires)
	}
}

// TestBoundSockets has one that neither listens nor connects.
func TestBoundSockets(t *testing.T) {
	n := nstest.New(t)
	bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 1))
	must(t, unix.Listen(bound(t, n, unix.SOCK_STREAM, 0, inet4(t, "127.0.0.1", 2)), 1))
	k := open(t, n)
	tcp := []netstat.Protocol{netstat.TCP}
	all := sockets(t, k, netstat.SocketQuery{Protocols: tcp})
	if len(all) != 1 || all[0].State != netstat.Listen {
		t.Errorf("all of them: %+v", all)
	}
	only := sockets(t, k, netstat.SocketQuery{Protocols: tcp, States: netstat.States(netstat.Bound)})
	if !nstest.KernelSince(t, 6, 8) {
		t.Skip("Linux before 6.8 does not list TCP sockets that are only bound (TCP_BOUND_INACTIVE)")
	}
	if len(only) != 1 || only[0].State != netstat.Bound || only[0].Local.Port() != 1 {
		t.Errorf("bound ones: %+v", only)
	}
	if both := sockets(t, k, netstat.SocketQuery{Protocols: tcp, States: netstat.States(netstat.Bound, netstat.Listen)}); len(both) != 2 {
		t.Errorf("bound and listening ones: %+v", both)
	}
}

// TestRawAndICMPSockets compares them with /proc and with what was opened.
func TestRawAndICMPSockets(t *testing.T) {
	n := nstest.New(t)
	n.Sysctl(t, "net.ipv4.ping_group_range", "0 0")
	raw := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	must(t, unix.Bind(raw, inet4(t, "127.0.0.1", 0)))
	raw6 := n.Socket(t, unix.AF_INET6, unix.SOCK_RAW, 89) // OSPF
	connected := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, 47)
	must(t, unix.Connect(connected, inet4(t, "127.0.0.2", 0)))
	ping := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	must(t, unix.Bind(ping, inet4(t, "127.0.0.1", 1234)))
	ping6 := n.Socket(t, unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6)
	must(t, unix.Bind(ping6, inet6(t, "::1", 4321, 0)))

	k := open(t, n)
	all := byInode(t, k.Sockets(t.Context(), netstat.SocketQuery{Processes: true}), func(s *netstat.Socket) uint32 { return s.Inode.Or(0) })
	if len(all) != 5 {
		t.Errorf("%d sockets, want 5: %+v", len(all), all)
	}
	for fd, want := range map[int]struct {
		protocol netstat.Protocol
		family   netstat.Family
		state    netstat.State
		local    string
		remote   string
	}{
		raw:       {netstat.Raw, netstat.IPv4, netstat.Close, "127.0.0.1:1", "0.0.0.0:0"},
		raw6:      {netstat.Raw, netstat.IPv6, netstat.Close, "[::]:89", "[::]:0"},
		connected: {netstat.Raw, netstat.IPv4, netstat.Established, "127.0.0.1:47", "127.0.0.2:0"},
		ping:      {netstat.ICMP, netstat.IPv4, netstat.Close, "127.0.0.1:1234", "0.0.0.0:0"},
		ping6:     {netstat.ICMP, netstat.IPv6, netstat.Close, "[::1]:4321", "[::]:0"},
	} {
		s := all[inode(t, fd)]
		if s.Protocol != want.protocol || s.Family != want.family || s.State != want.state || s.Local.String() != want.local || s.Remote.String() != want.remote {
			t.Errorf("%+v, want %+v", s, want)
		}
		if p := s.Processes.Or(nil); len(p) != 1 || p[0].PID != int32(os.Getpid()) || p[0].FD != netstat.Known(int32(fd)) {
			t.Errorf("%v at %v is held by %v", s.Protocol, s.Local, p)
		}
	}
	count := func(q netstat.SocketQuery) int { return len(sockets(t, k, q)) }
	both := []netstat.Protocol{netstat.Raw, netstat.ICMP}
	if got := count(netstat.SocketQuery{Protocols: both, States: netstat.States(netstat.Established)}); got != 1 {
		t.Errorf("%d are connected, want 1", got)
	}
	if got := count(netstat.SocketQuery{Protocols: both, Families: []netstat.Family{netstat.IPv6}}); got != 2 {
		t.Errorf("%d over IPv6, want 2", got)
	}
	if got := count(netstat.SocketQuery{Protocols: both, Filter: netstat.SocketFilter{Local: netip.MustParsePrefix("127.0.0.1/32")}}); got != 3 {
		t.Errorf("%d at 127.0.0.1, want 3", got)
	}
	// By a device they cannot be selected, which is said rather than that there
	// are none.
	byDevice := netstat.SocketQuery{Filter: netstat.SocketFilter{Interface: 1}}
	for _, named := range [][]netstat.Protocol{nil, {netstat.ICMP}} {
		byDevice.Protocols = named
		if rows, err := rowsUntilError(k.Sockets(t.Context(), byDevice)); rows != 0 || !errors.Is(err, netstat.ErrNotSupported) || !strings.Contains(err.Error(), "/proc/net/icmp") {
			t.Errorf("selected by device: %d rows, error %v", rows, err)
		}
	}
	byDevice.Filter.Local = netip.MustParsePrefix("192.0.2.0/24") // where there are none
	if rows, err := rowsUntilError(k.Sockets(t.Context(), byDevice)); rows != 0 || err != nil {
		t.Errorf("selected by device and address: %d rows, error %v", rows, err)
	}
	// A datagram that waits.
	reader := n.Socket(t, unix.AF_INET, unix.SOCK_RAW, 47)
	must(t, unix.Sendto(connected, []byte("x"), 0, inet4(t, "127.0.0.2", 0)))
	eventually(t, "a datagram waits", func() bool {
		for _, s := range sockets(t, k, netstat.SocketQuery{Protocols: both}) {
			if s.Inode == netstat.Known[uint32](inode(t, reader)) {
				return s.ReceiveQueue.Or(0) > 0
			}
		}
		return false
	})
}

// TestSCTPMessages reads what a kernel with SCTP sends, which few have.
func TestSCTPMessages(t *testing.T) {
	address := func(s string) []byte {
		b := make([]byte, sizeofSCTPAddress)
		a := netip.MustParseAddr(s)
		binary.NativeEndian.PutUint16(b, unix.AF_INET)
		if a.Is6() {
			binary.NativeEndian.PutUint16(b, unix.AF_INET6)
			copy(b[8:], a.AsSlice())
		} else {
			copy(b[4:], a.AsSlice())
		}
		return b
	}
	locals := append(address("192.0.2.1"), address("2001:db8::1")...)
	message := func(state uint8, remotePort uint16) []byte {
		b := inetDiag(netstat.IPv4, netstat.State(state), appendAttribute(nil, inetDiagLocals, locals)...)
		if remotePort != 0 {
			b[2] = 4 // SCTP_EVENT_TIMEOUT_T3_RTX
		}
		binary.BigEndian.PutUint16(b[6:], remotePort)
		return b
	}
	p := inetDiagParser{details: netstat.DetailOptions}
	s := netstat.Socket{Protocol: netstat.SCTP}
	for number, want := range map[uint8]netstat.State{
		0: netstat.Close, 1: netstat.CookieWait, 2: netstat.CookieEchoed, 3: netstat.Established, 4: netstat.ShutdownPending,
		5: netstat.ShutdownSent, 6: netstat.ShutdownReceived, 7: netstat.ShutdownAckSent,
	} {
		must(t, p.socket(message(number, 99), &s))
		if s.State != want || s.Timer != netstat.Known(netstat.TimerRetransmit) {
			t.Errorf("association in state %d is %v with the timer %v, want %v", number, s.State, s.Timer, want)
		}
	}
	must(t, p.socket(message(uint8(netstat.Listen), 0), &s))
	if s.State != netstat.Listen || s.Timer != netstat.Known(netstat.TimerNone) || fmt.Sprint(s.Detail.LocalAddresses) != "[192.0.2.1 2001:db8::1]" {
		t.Errorf("endpoint: %+v, %+v", s, s.Detail)
	}
}

// TestRowsAreNotKept reads many sockets with as little as few.
func TestRowsAreNotKept(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	queries := map[string]func() int{
		"inet": func() int {
			return rowCount(t, k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}))
		},
		"unix": func() int { return rowCount(t, k.UnixSockets(t.Context(), netstat.EndpointQuery{Memory: true})) },
	}
	allocations := func() map[string]float64 {
		counts := make(map[string]float64)
		for name, read := range queries {
			counts[name] = testing.AllocsPerRun(3, func() { read() })
		}
		return counts
	}
	before := allocations()
	manySockets(t, n, unix.SOCK_DGRAM, 4000)
	for range 4000 {
		n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	}
	after := allocations()
	for name, read := range queries {
		if rows := read(); rows != 4000 {
			t.Errorf("%s: %d rows, want 4000", name, rows)
		}
		// Per datagram, of which each holds about a hundred rows.
		if after[name] > before[name]+1000 {
			t.Errorf("%s: %v allocations for 4000 sockets, %v for none", name, after[name], before[name])
		}
	}
}

func rowCount[Row any](t *testing.T, all iter.Seq2[Row, error]) int {
	t.Helper()
	rows, err := rowsUntilError(all)
	must(t, err)
	return rows
}

// TestPassingDetails reads details that are used again, which are the same while they are
// looked at.
func TestPassingDetails(t *testing.T) {
	n := nstest.New(t)
	detailScene(t, n)
	k := open(t, n)
	q := netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, Details: netstat.AllDetails &^ netstat.DetailTCPInfo}
	text := func(d *netstat.SocketDetail) string {
		plain, congestion := *d, ""
		if d.Congestion != nil {
			congestion = d.Congestion.Name
		}
		plain.Congestion = nil
		return fmt.Sprintf("%+v %s", plain, congestion)
	}
	kept := func() map[uint64]string {
		texts := make(map[uint64]string)
		for _, s := range sockets(t, k, q) {
			texts[s.Cookie.Or(0)] = text(s.Detail)
		}
		return texts
	}
	passing := q
	passing.PassingDetails = true
	// What was sent in the scene may still be under way.
	nstest.Eventually(t, func() string {
		want := kept()
		var last *netstat.SocketDetail
		again, got := 0, make(map[uint64]string)
		for s, err := range k.Sockets(t.Context(), passing) {
			must(t, err)
			if last == s.Detail {
				again++
			}
			last = s.Detail
			got[s.Cookie.Or(0)] = text(s.Detail)
		}
		if again == 0 || len(want) < 4 {
			t.Fatalf("%d sockets, %d with the details of the one before", len(want), again)
		}
		if after := kept(); !maps.Equal(want, after) || !maps.Equal(got, want) {
			return fmt.Sprintf("%v, want %v, or %v", got, want, after)
		}
		return ""
	})
}
