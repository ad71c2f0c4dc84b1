package collectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
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

// inode returns the inode of a socket's descriptor.
func inode(t *testing.T, fd int) uint32 {
	t.Helper()
	var stat unix.Stat_t
	must(t, unix.Fstat(fd, &stat))
	return uint32(stat.Ino)
}

// byInode collects rows.
func byInode[Row any](t *testing.T, rows iter.Seq2[Row, error], key func(*Row) uint32) map[uint32]Row {
	t.Helper()
	all := make(map[uint32]Row)
	for row, err := range rows {
		must(t, err)
		if _, twice := all[key(&row)]; twice {
			t.Errorf("the socket %d is there twice", key(&row))
		}
		all[key(&row)] = row
	}
	return all
}

func unixSockets(t *testing.T, k *Kernel, q netstat.EndpointQuery) map[uint32]netstat.UnixSocket {
	t.Helper()
	return byInode(t, k.UnixSockets(t.Context(), q), func(s *netstat.UnixSocket) uint32 { return s.Inode })
}

type unixScene struct {
	listener, client, server, abstract, first, second, unbound int
	pending                                                    [2]int
	path                                                       string
}

func openUnixScene(t *testing.T, n *nstest.NS, abstract string) (s unixScene) {
	t.Helper()
	s.path = filepath.Join(t.TempDir(), "socket")
	s.listener = n.Socket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, unix.Bind(s.listener, &unix.SockaddrUnix{Name: s.path}))
	must(t, unix.Listen(s.listener, 7))
	connect := func() int {
		fd := n.Socket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(t, unix.Connect(fd, &unix.SockaddrUnix{Name: s.path}))
		return fd
	}
	s.client = connect()
	var err error
	s.server, _, err = unix.Accept4(s.listener, unix.SOCK_CLOEXEC)
	must(t, err)
	t.Cleanup(func() { unix.Close(s.server) })
	_, err = unix.Write(s.client, make([]byte, 100))
	must(t, err)
	s.pending = [2]int{connect(), connect()}

	s.abstract = n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	must(t, unix.Bind(s.abstract, &unix.SockaddrUnix{Name: "@" + abstract}))
	s.unbound = n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	n.Do(t, func() error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		s.first, s.second = pair[0], pair[1]
		return err
	})
	t.Cleanup(func() { unix.Close(s.first); unix.Close(s.second) })
	must(t, unix.Shutdown(s.first, unix.SHUT_WR))
	return s
}

func TestUnixSockets(t *testing.T) {
	n := nstest.New(t)
	scene := openUnixScene(t, n, "a\x00b\nc\xff")
	k := open(t, n)
	all := unixSockets(t, k, netstat.EndpointQuery{Memory: true, Processes: true})
	if len(all) != 9 {
		t.Errorf("%d sockets, want 9", len(all))
	}
	of := func(fd int) netstat.UnixSocket { return all[inode(t, fd)] }
	known := netstat.Known[uint32]

	var file unix.Stat_t
	must(t, unix.Stat(scene.path, &file))
	l := of(scene.listener)
	wantFile := netstat.UnixFile{Inode: uint32(file.Ino), Device: netstat.Device{Major: unix.Major(uint64(file.Dev)), Minor: unix.Minor(uint64(file.Dev))}}
	if l.Type != netstat.SocketStream || l.State != netstat.Listen || l.Name != scene.path || l.Abstract || l.Peer.IsKnown() ||
		l.File != netstat.Known(wantFile) || l.ReceiveQueue != known(2) || l.SendQueue != known(7) || l.UID != known(0) {
		t.Errorf("listener: %+v, want the file %+v", l, wantFile)
	}
	pending := []uint32{inode(t, scene.pending[0]), inode(t, scene.pending[1])}
	slices.Sort(pending)
	slices.Sort(l.Pending)
	if !slices.Equal(l.Pending, pending) {
		t.Errorf("waiting are %v, want %v", l.Pending, pending)
	}
	c, s := of(scene.client), of(scene.server)
	if c.State != netstat.Established || c.Name != "" || c.Abstract || c.File.IsKnown() || c.Peer != known(s.Inode) || c.SendQueue.Or(0) < 100 ||
		s.Peer != known(c.Inode) || s.Name != scene.path || s.ReceiveQueue != known(100) || s.Shutdown != netstat.Known[netstat.Shutdown](0) {
		t.Errorf("connection: %+v and %+v", c, s)
	}
	if memory, known := s.Memory.Get(); !known || memory.Received != 0 || memory.SendBuffer == 0 {
		t.Errorf("memory of the connection: %+v", s.Memory)
	}
	if w := of(scene.pending[0]); w.Peer.IsKnown() || w.State != netstat.Established {
		t.Errorf("a connection that waits: %+v", w)
	}
	if a := of(scene.abstract); a.Type != netstat.SocketDatagram || a.State != netstat.Close || a.Name != "a\x00b\nc\xff" || !a.Abstract {
		t.Errorf("abstract: %+v", a)
	}
	if u := of(scene.unbound); u.Name != "" || u.Abstract || u.Peer.IsKnown() {
		t.Errorf("unbound: %+v", u)
	}
	first, second := of(scene.first), of(scene.second)
	if first.Type != netstat.SocketSeqPacket || first.Shutdown != netstat.Known(netstat.ShutdownSend) || second.Shutdown != netstat.Known(netstat.ShutdownReceive) {
		t.Errorf("pair: %+v and %+v", first, second)
	}
	for _, s := range all {
		if p := s.Processes.Or(nil); len(p) != 1 || p[0].PID != int32(os.Getpid()) {
			t.Errorf("%+v is held by %v", s, s.Processes)
		}
		if s.Cookie.Or(0) == 0 {
			t.Errorf("%+v has no cookie", s)
		}
	}
	if listening := unixSockets(t, k, netstat.EndpointQuery{States: netstat.States(netstat.Listen)}); len(listening) != 1 || listening[l.Inode].Memory.IsKnown() || listening[l.Inode].Processes.IsKnown() {
		t.Errorf("listeners: %+v", listening)
	}
}

var unixLine = regexp.MustCompile(`^u_(\S+) +(\S+) +(\d+) +(\d+) +(\S+) (\d+) +\* (\d+).*skmem:\(([^)]*)\)`)

func TestUnixSocketsAgreeWithSS(t *testing.T) {
	n := nstest.New(t)
	openUnixScene(t, n, "abstract")
	all := unixSockets(t, open(t, n), netstat.EndpointQuery{Memory: true})
	lines := 0
	for line := range strings.Lines(n.Run(t, "ss", "-H", "-x", "-a", "-n", "-m", "-O")) {
		m := unixLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("ss prints %q", line)
		}
		lines++
		key, err := strconv.ParseUint(m[6], 10, 32)
		must(t, err)
		s := all[uint32(key)]
		name := s.Name
		if name == "" {
			name = "*"
		}
		state := map[netstat.State]string{netstat.Listen: "LISTEN", netstat.Established: "ESTAB", netstat.Close: "UNCONN"}[s.State]
		kind := map[netstat.SocketType]string{netstat.SocketStream: "str", netstat.SocketDatagram: "dgr", netstat.SocketSeqPacket: "seq"}[s.Type]
		if s.Abstract {
			name = "@" + s.Name
		}
		got := fmt.Sprint(kind, " ", state, " ", s.ReceiveQueue, " ", s.SendQueue, " ", name, " ", s.Peer.Or(0), " ", skmem(s.Memory))
		if want := strings.Join([]string{m[1], m[2], m[3], m[4], m[5], m[7], m[8]}, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if lines != len(all) || lines == 0 {
		t.Errorf("%d sockets, ss has %d", len(all), lines)
	}
}

// skmem is a socket's memory as ss prints it.
func skmem(o netstat.Optional[netstat.SocketMemory]) string {
	m, known := o.Get()
	if !known {
		return "-"
	}
	return fmt.Sprintf("r%d,rb%d,t%d,tb%d,f%d,w%d,o%d,bl%d,d%v", m.Received, m.ReceiveBuffer, m.Transmitted, m.SendBuffer,
		m.ForwardAlloc, m.TransmitQueued, m.OptionMemory, m.Backlog, m.Drops)
}

func TestPacketSockets(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_PACKET_DIAG")
	n := nstest.New(t)
	n.IP(t, "link add near type veth peer name far", "link set near up", "link set far up")
	link := n.Index(t, "near")
	const etherTypeIP = 0x0800
	network := func(v uint16) uint16 { return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)) }

	plain := n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, int(network(netstat.EtherTypeAll)))
	// An unbound one without a protocol receives nothing.
	idle := n.Socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, 0)

	ring := n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	must(t, unix.SetsockoptInt(ring, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3))
	must(t, unix.SetsockoptTpacketReq3(ring, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
		Block_size: 1 << 16, Block_nr: 4, Frame_size: 2048, Frame_nr: 4 << 16 / 2048, Retire_blk_tov: 77, Sizeof_priv: 16,
	}))
	must(t, unix.SetsockoptInt(ring, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1))
	must(t, unix.Bind(ring, &unix.SockaddrLinklayer{Protocol: network(etherTypeIP), Ifindex: int(link)}))
	must(t, unix.SetsockoptInt(ring, unix.SOL_PACKET, unix.PACKET_FANOUT, 4711|unix.PACKET_FANOUT_CPU<<16))
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12}, {Code: unix.BPF_RET | unix.BPF_K, K: 0xffff}}
	must(t, unix.SetsockoptSockFprog(ring, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 2, Filter: &program[0]}))
	group := [8]uint8{1, 0, 0x5e, 1, 2, 3}
	for range 2 {
		must(t, unix.SetsockoptPacketMreq(ring, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{
			Ifindex: int32(link), Type: unix.PACKET_MR_MULTICAST, Alen: 6, Address: group,
		}))
	}

	k := open(t, n)
	all := byInode(t, k.PacketSockets(t.Context(), netstat.EndpointQuery{Memory: true, Processes: true}), func(s *netstat.PacketSocket) uint32 { return s.Inode })
	if len(all) != 3 {
		t.Errorf("%d sockets, want 3", len(all))
	}
	p := all[inode(t, plain)]
	filter, known := p.Filter.Get()
	if p.Type != netstat.SocketRaw || p.Protocol != netstat.EtherTypeAll || p.Interface != 0 || !p.Flags.Has(netstat.PacketRunning) ||
		p.Receive != nil || p.Transmit != nil || p.Fanout.IsKnown() || len(p.Memberships) != 0 || !known || len(filter) != 0 {
		t.Errorf("a plain one: %+v", p)
	}
	if p.Drops != netstat.Known[uint32](0) {
		t.Errorf("drops of a plain one: %v", p.Drops)
	}
	if i := all[inode(t, idle)]; i.Type != netstat.SocketDatagram || i.Protocol != 0 || i.Flags.Has(netstat.PacketRunning) {
		t.Errorf("an idle one: %+v", i)
	}
	r := all[inode(t, ring)]
	wantRing := netstat.PacketRing{BlockSize: 1 << 16, Blocks: 4, FrameSize: 2048, Frames: 128, RetireTimeout: 77 * time.Millisecond, PrivateSize: 16}
	if r.Receive == nil || *r.Receive != wantRing || r.Transmit != nil || r.Version != unix.TPACKET_V3 {
		t.Errorf("ring %+v, want %+v", r.Receive, wantRing)
	}
	if r.Protocol != etherTypeIP || r.Interface != link || !r.Flags.Has(netstat.PacketRunning|netstat.PacketAuxData) || r.Drops.IsKnown() || !r.Memory.IsKnown() ||
		r.UID != netstat.Known[uint32](0) || r.Cookie == 0 {
		t.Errorf("one with a ring: %+v", r)
	}
	if f, known := r.Fanout.Get(); !known || f.Group != 4711 || f.String() != "cpu" {
		t.Errorf("fanout is %+v", r.Fanout)
	}
	instructions := unsafe.Slice((*byte)(unsafe.Pointer(&program[0])), 16)
	if filter, known := r.Filter.Get(); !known || !slices.Equal(filter, instructions) {
		t.Errorf("filter is % x, want % x", filter, instructions)
	}
	wantMembership := []netstat.PacketMembership{{Interface: link, Count: 2, Type: unix.PACKET_MR_MULTICAST, Address: netstat.HardwareAddress(group[:6])}}
	if !slices.Equal(r.Memberships, wantMembership) {
		t.Errorf("memberships are %+v, want %+v", r.Memberships, wantMembership)
	}
	if h := r.Processes.Or(nil); len(h) != 1 || h[0].PID != int32(os.Getpid()) || h[0].FD != netstat.Known(int32(ring)) {
		t.Errorf("held by %v", r.Processes)
	}

	// ss has the plain facts of all of them.
	lines := 0
	for line := range strings.Lines(n.Run(t, "ss", "-H", "-0", "-a", "-n", "-e", "-O")) {
		m := regexp.MustCompile(`ino:(\d+) sk:([0-9a-f]+)`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("ss prints %q", line)
		}
		lines++
		key, err := strconv.ParseUint(m[1], 10, 32)
		must(t, err)
		if s := all[uint32(key)]; fmt.Sprintf("%x", s.Cookie) != m[2] {
			t.Errorf("cookie %x, want %s", s.Cookie, m[2])
		}
	}
	if lines != len(all) {
		t.Errorf("%d sockets, ss has %d", len(all), lines)
	}
}

// TestPacketDrops lets packets through that nobody reads.
func TestPacketDrops(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_PACKET_DIAG")
	n := nstest.New(t)
	fd := n.Socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0)) // the least
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, netstat.EtherTypeAll))
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: int(n.Index(t, "lo"))}))
	receiver := n.ListenPacket(t, "udp4", "127.0.0.1:0")
	sender := n.Dial(t, "udp4", receiver.LocalAddr().String())
	for range 50 {
		_, err := sender.Write(make([]byte, 500))
		must(t, err)
	}
	// Whatever has arrived has come past the packet socket.
	must(t, receiver.SetReadDeadline(time.Now().Add(20*time.Second)))
	for range 50 {
		_, _, err := receiver.ReadFrom(make([]byte, 500))
		must(t, err)
	}
	k := open(t, n)
	sockets := byInode(t, k.PacketSockets(t.Context(), netstat.EndpointQuery{}), func(s *netstat.PacketSocket) uint32 { return s.Inode })
	s := sockets[inode(t, fd)]
	statistics, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	must(t, err)
	if s.Drops != netstat.Known(statistics.Drops) || statistics.Drops == 0 {
		t.Errorf("%v drops, the socket itself is told %d", s.Drops, statistics.Drops)
	}
}

func TestNetlinkSockets(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_NETLINK_DIAG")
	n := nstest.New(t)
	k := open(t, n)
	fd := n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	must(t, unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	groups := []uint32{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_ROUTE, 33}
	for _, g := range groups {
		must(t, unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, int(g)))
	}
	must(t, unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_PKTINFO, 1))
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0)) // the least
	name, err := unix.Getsockname(fd)
	must(t, err)
	anonymous := n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	must(t, unix.SetsockoptInt(anonymous, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.RTNLGRP_NSID))
	// More events than it holds.
	for range 10 {
		n.IP(t, "link add near type veth peer name far", "link set near up", "link del near")
	}

	sequence := k.NetlinkSockets(t.Context(), netstat.EndpointQuery{Processes: true})
	byInode(t, sequence, func(s *netstat.NetlinkSocket) uint32 { return s.Inode }) // it may be read again
	all := byInode(t, sequence, func(s *netstat.NetlinkSocket) uint32 { return s.Inode })
	s := all[inode(t, fd)]
	if s.Type != netstat.SocketRaw || s.Protocol.String() != "rtnl" || s.State != netstat.Close || s.PortID != name.(*unix.SockaddrNetlink).Pid ||
		!slices.Equal(s.Groups, groups) || !s.Flags.Or(0).Has(netstat.NetlinkPacketInfo) || s.Cookie == 0 || s.Memory.IsKnown() {
		t.Errorf("%+v, want port %+v and groups %v", s, name, groups)
	}
	if h := s.Processes.Or(nil); len(h) != 1 || h[0].PID != int32(os.Getpid()) {
		t.Errorf("held by %v", s.Processes)
	}
	if a := all[inode(t, anonymous)]; a.PortID != 0 || len(a.Groups) != 1 || len(a.Processes.Or(nil)) != 1 {
		t.Errorf("one that has groups and no port: %+v", a)
	}
	for _, s := range all {
		if h, known := s.Processes.Get(); s.PortID == 0 && s.Groups == nil && (!known || len(h) != 0) {
			t.Errorf("the kernel's own: %+v", s)
		}
	}
	if s.Drops.Or(0) == 0 || s.ReceiveQueue.Or(0) == 0 {
		t.Errorf("drops %v, queue %v: %+v", s.Drops, s.ReceiveQueue, s)
	}

	// /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode.
	rows := 0
	n.Do(t, func() error {
		content, err := os.ReadFile("/proc/thread-self/net/netlink")
		for i, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
			f := strings.Fields(line)
			if i == 0 || len(f) != 10 {
				continue
			}
			key, err := strconv.ParseUint(f[9], 10, 32)
			if err != nil {
				return err
			}
			rows++
			g := all[uint32(key)]
			got := fmt.Sprintf("%d %d %v %v %v", g.Protocol, g.PortID, g.ReceiveQueue, g.SendQueue, g.Drops)
			if g.PortID == 0 {
				// The request for the rows is still with the kernel's own.
				got = fmt.Sprintf("%d 0 %s %v %v", g.Protocol, f[4], g.SendQueue, g.Drops)
			}
			if want := strings.Join([]string{f[1], f[2], f[4], f[5], f[8]}, " "); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		return err
	})
	// Among the rows is the one that read them, which is gone afterwards. The
	// file has none without a port.
	if rows != len(all)-2 || rows < 2 {
		t.Errorf("%d sockets, /proc/net/netlink has %d", len(all), rows)
	}
}

// TestFamiliesThatKernelsLack names what is missing, rather than find nothing.
func TestFamiliesThatKernelsLack(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	q := netstat.EndpointQuery{}
	for _, c := range []struct {
		options [2]string // for the sockets, for telling of them
		read    func() (int, error)
	}{
		{[2]string{"CONFIG_VSOCKETS", "CONFIG_VSOCKETS_DIAG"}, func() (int, error) { return rowsUntilError(k.VsockSockets(t.Context(), q)) }},
		{[2]string{"CONFIG_XDP_SOCKETS", "CONFIG_XDP_SOCKETS_DIAG"}, func() (int, error) { return rowsUntilError(k.XDPSockets(t.Context(), q)) }},
		{[2]string{"CONFIG_SMC", "CONFIG_SMC_DIAG"}, func() (int, error) { return rowsUntilError(k.SMCSockets(t.Context(), q)) }},
		{[2]string{"CONFIG_TIPC", "CONFIG_TIPC_DIAG"}, func() (int, error) { return rowsUntilError(k.TIPCSockets(t.Context(), q)) }},
		{[2]string{"CONFIG_IP_SCTP", "CONFIG_INET_SCTP_DIAG"}, func() (int, error) {
			return rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.SCTP}}))
		}},
		{[2]string{"CONFIG_MPTCP", "CONFIG_INET_MPTCP_DIAG"}, func() (int, error) {
			return rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.MPTCP}}))
		}},
		{[2]string{"CONFIG_PACKET", "CONFIG_PACKET_DIAG"}, func() (int, error) { return rowsUntilError(k.PacketSockets(t.Context(), q)) }},
		{[2]string{"CONFIG_UNIX", "CONFIG_UNIX_DIAG"}, func() (int, error) { return rowsUntilError(k.UnixSockets(t.Context(), q)) }},
	} {
		missing := ""
		for _, option := range c.options {
			if missing == "" && !nstest.HasKernel(t, option) {
				missing = option
			}
		}
		rows, err := c.read()
		switch {
		case rows != 0:
			t.Errorf("%s: %d sockets in a new namespace", c.options[0], rows)
		case missing == "" && err != nil:
			t.Errorf("%s: %v, though the kernel has it", c.options[0], err)
		case missing != "" && (!errors.Is(err, netstat.ErrNotSupported) || !strings.Contains(err.Error(), missing+" ")):
			t.Errorf("%s: %v", missing, err)
		}
	}
}

// TestMessagesOfOtherFamilies reads what kernels with vsock, XDP, SMC and TIPC
// send, written out from their headers.
func TestMessagesOfOtherFamilies(t *testing.T) {
	u16, u32, u64 := binary.NativeEndian.AppendUint16, binary.NativeEndian.AppendUint32, binary.NativeEndian.AppendUint64
	numbers := func(b []byte, all ...uint32) []byte {
		for _, n := range all {
			b = u32(b, n)
		}
		return b
	}
	known := netstat.Known[uint32]

	// struct vsock_diag_msg
	var v netstat.VsockSocket
	must(t, parseVsockDiag(numbers([]byte{40, 1, 10, 1}, netstat.VsockAny, 1024, 3, netstat.VsockAny, 77, 5, 6), &v))
	if want := (netstat.VsockSocket{
		Type: netstat.SocketStream, State: netstat.Listen, Shutdown: netstat.ShutdownReceive,
		Local: netstat.VsockAddress{CID: netstat.VsockAny, Port: 1024}, Remote: netstat.VsockAddress{CID: 3, Port: netstat.VsockAny}, Inode: 77, Cookie: 6<<32 | 5,
	}); fmt.Sprintf("%+v", v) != fmt.Sprintf("%+v", want) || v.Local.String() != "*:1024" || v.Remote.String() != "3:*" {
		t.Errorf("vsock: %+v, want %+v", v, want)
	}

	// struct xdp_diag_msg, xdp_diag_info, xdp_diag_umem, xdp_diag_stats
	message := numbers([]byte{44, 3, 0, 0}, 77, 5, 6)
	umem := numbers(u64(nil, 1<<33), 1, 2, 2048, 64, 9, 4, 1, 3)
	var statistics []byte
	for i := range 6 {
		statistics = u64(statistics, uint64(i+1)<<32)
	}
	message = slices.Concat(message, appendAttribute(nil, 1, numbers(nil, 9, 4)), number(2, 1000), number(3, 512), number(7, 256),
		appendAttribute(nil, 5, umem), appendAttribute(nil, 9, statistics))
	var x netstat.XDPSocket
	must(t, parseXDPDiag(message, &x))
	wantArea := netstat.XDPArea{Size: 1 << 33, ID: 1, Pages: 2, ChunkSize: 2048, Headroom: 64, Interface: 9, Queue: 4, ZeroCopy: true, References: 3}
	wantStatistics := netstat.XDPStatistics{
		ReceiveDropped: 1 << 32, ReceiveInvalid: 2 << 32, ReceiveFull: 3 << 32, FillEmpty: 4 << 32, TransmitInvalid: 5 << 32, TransmitEmpty: 6 << 32,
	}
	if x.Inode != 77 || x.Cookie != 6<<32|5 || x.Interface != 9 || x.Queue != 4 || x.UID != known(1000) || x.Receive != known(512) || x.Transmit.IsKnown() ||
		x.Fill.IsKnown() || x.Completion != known(256) || x.Area == nil || *x.Area != wantArea || x.Statistics != netstat.Known(wantStatistics) {
		t.Errorf("XDP: %+v, %+v", x, x.Area)
	}

	// struct smc_diag_msg: family, state, mode, shutdown, identity, uid, inode
	smc := func(local, remote [16]byte) netstat.SMCSocket {
		b := append([]byte{43, 10, 1, 0}, 0, 80, 0x10, 0)
		b = slices.Concat(b, local[:], remote[:])
		b = u64(numbers(b, 3, 5, 6, 1000), 77)
		b = slices.Concat(b, appendAttribute(nil, 3, []byte{2}), appendAttribute(nil, 5, numbers(nil, 0x03010000, 0x05000000)))
		var s netstat.SMCSocket
		must(t, new(smcDiagParser).socket(b, &s))
		return s
	}
	s := smc([16]byte{192, 0, 2, 1}, [16]byte{})
	if s.State != netstat.SMCListen || s.Mode != netstat.SMCFallback || s.Shutdown != netstat.ShutdownSend || s.Local.String() != "192.0.2.1:80" ||
		s.Remote.String() != "0.0.0.0:4096" || s.Interface != 3 || s.Cookie != 6<<32|5 || s.UID != known(1000) || s.Inode != 77 ||
		s.Fallback != netstat.Known(netstat.SMCFallbackReason{Local: 0x03010000, Peer: 0x05000000}) {
		t.Errorf("SMC: %+v", s)
	}
	if s := smc([16]byte{0xfe, 0x80, 15: 1}, [16]byte{}); s.Local.String() != "[fe80::1%3]:80" || s.Remote.String() != "[::]:4096" {
		t.Errorf("SMC over IPv6: %+v", s)
	}
	if s := smc([16]byte{}, [16]byte{}); s.Local.Addr().IsValid() || s.Local.Port() != 80 {
		t.Errorf("SMC at a wildcard: %+v", s)
	}

	// TIPC_NLA_SOCK
	var p netstat.TIPCSocket
	must(t, parseTIPCDiag(nested(2, number(1, 0x1001001), number(2, 4711), nested(3, number(2, 0x1001002), number(3, 4712)), appendAttribute(nil, 4, nil),
		nested(5, number(1, 3), number(2, 2), number(5, 1)), number(6, 1), number(7, 77), number(8, 1000), number(9, 1), appendAttribute(nil, 10, u64(nil, 6<<32|5)),
		appendAttribute(nil, 99, u16(nil, 1))), &p))
	if want := (netstat.TIPCSocket{
		Type: netstat.SocketStream, State: netstat.Established, Node: 0x1001001, Reference: 4711,
		Peer: netstat.Known(netstat.TIPCAddress{Node: 0x1001002, Reference: 4712}), Published: true,
		ReceiveQueue: known(3), SendQueue: known(2), Drops: known(1), UID: known(1000), Inode: 77, Cookie: 6<<32 | 5,
	}); fmt.Sprintf("%+v", p) != fmt.Sprintf("%+v", want) {
		t.Errorf("TIPC: %+v, want %+v", p, want)
	}
}
