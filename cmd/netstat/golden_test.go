package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// fake is a stack of fixed rows.
type fake struct {
	sockets    []netstat.Socket
	interfaces []netstat.InterfaceDetails
	addresses  []netstat.Address
	routes     []netstat.Route
}

func rows[T any](of []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range of {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, err)
	}
}

func (f *fake) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	var found []netstat.Socket
	for _, s := range f.sockets {
		if s.Protocol == q.Protocols[0] && q.States.Has(s.State) {
			if q.Details.Has(netstat.DetailSocketOptions) {
				s = withOptions(s)
			}
			found = append(found, s)
		}
	}
	if found == nil && q.Protocols[0] == netstat.SCTP {
		return failing[netstat.Socket](&netstat.ReadError{Op: "dump sctp sockets", Err: netstat.ErrNotSupported})
	}
	return rows(found)
}

// withOptions gives a socket what a program has set on it, known in every way.
func withOptions(s netstat.Socket) netstat.Socket {
	var detail netstat.SocketDetail
	if s.Detail != nil {
		detail = *s.Detail
	}
	o := newOptions(s.Protocol)
	switch s.State {
	case netstat.Listen:
		o.ReuseAddress, o.DeferAccept, o.TOS = netstat.Known(true), netstat.Known(3*time.Second), netstat.Known[uint8](16)
		o.ByLayout.Add(netstat.OptionDeferAccept)
	case netstat.Established:
		u := netstat.Known[uint32]
		o.KeepAlive, o.ReceiveBuffer, o.ReceiveBufferSet, o.Linger = netstat.Known(true), u(1<<20), u(1<<19), netstat.Known[time.Duration](0)
		o.ReceiveTimeout, o.UserTimeout, o.BindToDevice, o.Mark = netstat.Known(250*time.Millisecond), netstat.Known(90*time.Second), u(2), u(0x63)
		o.BusyPoll, o.MaxPacingRate = netstat.Known(50*time.Microsecond), netstat.Known[uint64](1250000)
		o.ByLayout.Add(netstat.OptionLinger)
		o.Inferred.Add(netstat.OptionKeepAlive)
		tcp := netstat.TCPInfo{Unacknowledged: 3, LastAckReceived: 90 * time.Second, SendWindow: u(0), ReceiveWindow: u(1000)}
		detail.TCP = &tcp
	case netstat.TimeWait, netstat.SynReceived:
		o = nil
	}
	detail.Options = o
	s.Detail = &detail
	return s
}

func (f *fake) SocketDefaults(context.Context) iter.Seq2[netstat.SocketDefaults, error] {
	return rows([]netstat.SocketDefaults{
		{Protocol: netstat.TCP, Family: netstat.IPv4, Options: newOptions(netstat.TCP)}, {Protocol: netstat.TCP, Family: netstat.IPv6, Options: newOptions(netstat.TCP)},
		{Protocol: netstat.UDP, Family: netstat.IPv6, Options: newOptions(netstat.UDP)},
	})
}

// newOptions are some options of a new socket.
func newOptions(p netstat.Protocol) *netstat.SocketOptions {
	u, off, never := netstat.Known[uint32], netstat.Known(false), netstat.Known[time.Duration](0)
	o := &netstat.SocketOptions{ReuseAddress: off, ReceiveBuffer: u(131072), ReceiveBufferSet: u(0), ReceiveTimeout: never, Linger: netstat.Known(netstat.LingerOff),
		Mark: u(0), BindToDevice: u(0), MaxPacingRate: netstat.Known[uint64](netstat.PacingUnlimited), IncomingCPU: netstat.Known[int32](-1), BusyPoll: never, TOS: netstat.Known[uint8](0)}
	if p == netstat.TCP {
		o.KeepAlive, o.KeepIdle, o.UserTimeout, o.DeferAccept, o.Congestion, o.UpperLayer = off, netstat.Known(2*time.Hour), never, never, netstat.Known("cubic"), netstat.Known("")
	}
	return o
}

func (f *fake) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	var found []netstat.Interface
	for _, i := range f.interfaces {
		found = append(found, i.Interface)
	}
	return rows(found)
}

func (f *fake) InterfaceDetails(context.Context) iter.Seq2[netstat.InterfaceDetails, error] {
	return rows(f.interfaces)
}

func (f *fake) Addresses(context.Context) iter.Seq2[netstat.Address, error] { return rows(f.addresses) }

func (f *fake) Routes(_ context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	var found []netstat.Route
	for _, r := range f.routes {
		if r.Family() == q.Families[0] && (q.Table == 0 || q.Table == r.Table) {
			found = append(found, r)
		}
	}
	return rows(found)
}

func (f *fake) TCPStatistics(context.Context) (s netstat.TCPStatistics, err error) { return s, nil }
func (f *fake) UDPStatistics(context.Context) (s netstat.UDPStatistics, err error) { return s, nil }

func (f *fake) UnixSockets(context.Context, netstat.EndpointQuery) iter.Seq2[netstat.UnixSocket, error] {
	return rows([]netstat.UnixSocket{
		{Type: netstat.SocketStream, State: netstat.Listen, Name: "/run/daemon.sock", Inode: 101, UID: netstat.Known[uint32](0), Processes: processes(1, "init"), ReceiveQueue: netstat.Known[uint32](2), SendQueue: netstat.Known[uint32](128)},
		{Type: netstat.SocketSeqPacket, State: netstat.Established, Name: "udev\x00\n", Abstract: true, Inode: 102, Peer: netstat.Known[uint32](103)},
		{Type: netstat.SocketDatagram, State: netstat.Close, Inode: 104},
		{Type: netstat.SocketStream, State: netstat.Established},
	})
}

func (f *fake) ListenQueues(context.Context, netstat.SocketQuery) iter.Seq2[netstat.ListenQueue, error] {
	return rows([]netstat.ListenQueue{
		{Socket: f.sockets[0], Unaccepted: netstat.Known[uint32](3), Maximum: netstat.Known[uint32](128), Incomplete: netstat.Known[uint32](1), Sharing: 1},
		{Socket: f.sockets[2], Unaccepted: netstat.Known[uint32](130), Maximum: netstat.Known[uint32](128), Sharing: 2},
	})
}

func (f *fake) PacketSockets(context.Context, netstat.EndpointQuery) iter.Seq2[netstat.PacketSocket, error] {
	ring := &netstat.PacketRing{BlockSize: 1 << 20, Blocks: 2, FrameSize: 2048, Frames: 1024}
	return rows([]netstat.PacketSocket{
		{Type: netstat.SocketRaw, Protocol: netstat.EtherTypeAll, Interface: 2, Flags: netstat.PacketRunning, Version: 2, Receive: ring, Filter: netstat.Known(make([]byte, 32)),
			Memory: netstat.Known(netstat.SocketMemory{Received: 4096, ReceiveBuffer: 212992}), Processes: processes(77, "tcpdump"), Inode: 9},
		{Type: netstat.SocketDatagram, Protocol: 0x88cc, Fanout: netstat.Known(netstat.PacketFanout{Group: 5}), Drops: netstat.Known[uint32](12)},
	})
}

func (f *fake) Memberships(context.Context) iter.Seq2[netstat.Membership, error] {
	return rows([]netstat.Membership{
		{Interface: 2, Group: netip.MustParseAddr("239.1.2.3"), Users: 2, QuerierVersion: netstat.Known[uint8](3), Sources: []netstat.MulticastSource{{Address: netip.MustParseAddr("192.0.2.9"), Included: 1}, {Address: netip.MustParseAddr("192.0.2.8"), Excluded: 1}}},
		{Interface: 2, Group: netip.MustParseAddr("ff02::1%2"), Users: 1},
	})
}

func (f *fake) Counters(_ context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	var found []netstat.Counter
	for _, c := range []netstat.Counter{
		{Name: "IpForwarding", Group: netstat.GroupIP, Value: netstat.Unsigned(1)}, {Name: "IpInReceives", Group: netstat.GroupIP, Value: netstat.Unsigned(1<<64 - 1)},
		{Name: "IpInHdrErrors", Group: netstat.GroupIP}, {Name: "TcpMaxConn", Group: netstat.GroupTCP, Value: netstat.Signed(-1)},
		{Name: "TcpExtTCPSomethingNew", Group: netstat.GroupTCP, Value: netstat.Unsigned(7)},
	} {
		if slices.Contains(groups, c.Group) {
			found = append(found, c)
		}
	}
	if found == nil {
		return failing[netstat.Counter](netstat.ErrNotSupported)
	}
	return rows(found)
}

func (f *fake) ProtocolMemory(context.Context) iter.Seq2[netstat.ProtocolMemory, error] {
	return rows([]netstat.ProtocolMemory{
		{Name: "TCP", ObjectSize: 2304, Sockets: netstat.Known[int64](12), Bytes: netstat.Known[uint64](98304), Pressure: netstat.Known(true), Limits: netstat.Known(netstat.MemoryLimits{Low: 1 << 20, Pressure: 2 << 20, High: 3 << 20})},
		{Name: "PACKET", ObjectSize: 1344, Sockets: netstat.Known[int64](1)},
		{Name: "DCCP", ObjectSize: 1, Sockets: netstat.Known[int64](0)},
	})
}

func (f *fake) SocketUsage(context.Context) (netstat.SocketUsage, error) {
	n := netstat.Known[uint64]
	return netstat.SocketUsage{Used: n(77), TCP: n(12), TCP6: n(3), UDP: n(5), TCPTimeWait: n(9), TCPMaxTimeWait: n(65536), TCPOrphans: n(1),
		TCPBytes: n(98304), TCPLimits: netstat.Known(netstat.MemoryLimits{Low: 1, Pressure: 2, High: 3}), Fragments: n(0), FragmentBytes: n(0)}, nil
}

func (f *fake) Slabs(context.Context) iter.Seq2[netstat.Slab, error] {
	return failing[netstat.Slab](&netstat.ReadError{Op: "read /proc/slabinfo", Err: fs.ErrPermission})
}

func (f *fake) Softnet(context.Context) iter.Seq2[netstat.Softnet, error] {
	return rows([]netstat.Softnet{
		{CPU: 0, Processed: 4294967295, Dropped: 3, Squeezed: 2, SteeredIn: netstat.Known[uint32](4), FlowLimited: netstat.Known[uint32](0), Backlog: netstat.Known[uint32](1)},
		{CPU: 1},
	})
}

func (f *fake) Namespaces(context.Context) iter.Seq2[netstat.Namespace, error] {
	return rows([]netstat.Namespace{{Inode: 4026531840, Current: true, Processes: []netstat.Process{{PID: 1, Name: "init"}}}, {Inode: 4026532000, Names: []string{"blue"}, ID: netstat.Known[int32](0)}})
}

func (f *fake) MulticastInterfaces(context.Context) iter.Seq2[netstat.MulticastInterface, error] {
	return rows([]netstat.MulticastInterface{{Family: netstat.IPv4, Number: 1, Interface: 2, InPackets: 10, InOctets: 1000, Table: 253}})
}

func (f *fake) MulticastRoutes(context.Context) iter.Seq2[netstat.MulticastRoute, error] {
	return rows([]netstat.MulticastRoute{{Family: netstat.IPv4, Source: netip.MustParseAddr("192.0.2.9"), Group: netip.MustParseAddr("239.1.2.3"), Input: 2,
		Outputs: []netstat.MulticastOutput{{Interface: 1, Threshold: 1}, {Interface: 2, Threshold: 16}}, Packets: netstat.Known[uint64](10), Octets: netstat.Known[uint64](1000)}})
}

func (f *fake) BridgeGroups(context.Context) iter.Seq2[netstat.BridgeGroup, error] {
	return rows([]netstat.BridgeGroup{{Bridge: 2, Port: 1, Group: netip.MustParseAddr("239.1.2.3"), VLAN: 7, Expires: 250 * time.Second}})
}

func (f *fake) BridgeRouterPorts(context.Context) iter.Seq2[netstat.BridgeRouterPort, error] {
	return rows([]netstat.BridgeRouterPort(nil))
}

func processes(pid int32, name string) netstat.Optional[[]netstat.Process] {
	return netstat.Known([]netstat.Process{{PID: pid, Name: name, FD: netstat.Known[int32](3)}})
}

// newFake returns a stack that has something of everything that is hard to show.
func newFake() *fake {
	end := netip.MustParseAddrPort
	u := netstat.Known[uint32]
	detail := &netstat.SocketDetail{
		Memory: netstat.Known(netstat.SocketMemory{Received: 2304, ReceiveBuffer: 131072, SendBuffer: 16384, Drops: u(2)}),
		Drops:  u(2),
		TCP: &netstat.TCPInfo{RTT: 1234 * time.Microsecond, RTTVariation: 100 * time.Microsecond, RTO: 204 * time.Millisecond, CongestionWindow: 10, SlowStartThreshold: netstat.InfiniteSlowStart,
			SendMSS: 1448, TotalRetransmits: 3, OutOfOrder: u(1), SendWindow: u(65536), DeliveryRate: netstat.Known[uint64](12500000), Options: netstat.TCPOptionSACK | netstat.TCPOptionTimestamps},
		Congestion: &netstat.CongestionControl{Name: "cubic"}, TOS: netstat.Known[uint8](16), Mark: u(0x2a),
		Flags: netstat.Known(netstat.SocketFreeBind | netstat.SocketTransparent), CGroup: netstat.Known(netstat.CGroup{ID: 7, Path: "/system.slice/web.service"}),
	}
	mac := netstat.HardwareAddress("\x02\x00\x00\x00\x00\x01")
	route := func(destination, gateway string, kind netstat.RouteType) netstat.Route {
		r := netstat.Route{Destination: netip.MustParsePrefix(destination), Table: netstat.TableMain, Type: kind, Protocol: netstat.RouteProtocolStatic, Interface: 2}
		if gateway != "" {
			r.Gateway = netip.MustParseAddr(gateway)
		}
		return r
	}
	f := &fake{
		sockets: []netstat.Socket{
			{Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Listen, Local: end("0.0.0.0:22"), Remote: end("0.0.0.0:0"), ReceiveQueue: u(3), SendQueue: u(128), UID: u(0), Inode: netstat.Known[uint32](11), Processes: processes(812, "sshd")},
			{Protocol: netstat.TCP, Family: netstat.IPv4, State: netstat.Established, Local: end("192.0.2.1:22"), Remote: end("198.51.100.200:50000"), ReceiveQueue: u(0), SendQueue: u(123456789), UID: u(1000), Inode: netstat.Known[uint32](12),
				Timer: netstat.Known(netstat.TimerRetransmit), Expires: netstat.Known[time.Duration](1500 * time.Millisecond), Retransmits: netstat.Known[uint8](2), Processes: netstat.Known([]netstat.Process{{PID: 812, Name: "sshd"}, {PID: 900, Name: "x\ny"}}), Detail: detail},
			{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Listen, Local: end("[::]:443"), Remote: end("[::]:0"), ReceiveQueue: u(130), SendQueue: u(128), V6Only: netstat.Known(false), UID: u(33), Inode: netstat.Known[uint32](13)},
			{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.TimeWait, Local: end("[2001:db8:1111:2222:3333:4444:5555:6666]:443"), Remote: end("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
				Timer: netstat.Known(netstat.TimerTimeWait), Expires: netstat.Known[time.Duration](42 * time.Second), Processes: netstat.Known[[]netstat.Process](nil)},
			{Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.SynReceived, Local: end("[::ffff:192.0.2.1]:443"), Remote: end("[::ffff:203.0.113.9]:1"), ReceiveQueue: u(0), SendQueue: u(0)},
			{Protocol: netstat.UDP, Family: netstat.IPv6, State: netstat.Close, Local: end("[fe80::1%2]:546"), Remote: end("[::]:0"), ReceiveQueue: u(0), SendQueue: u(0), Interface: netstat.Known[uint32](2), UID: u(0), Inode: netstat.Known[uint32](15)},
			{Protocol: netstat.UDP, Family: netstat.IPv4, State: netstat.Established, Local: end("127.0.0.1:5000"), Remote: end("127.0.0.1:53"), UID: u(4294967295), Inode: netstat.Known[uint32](16)},
			{Protocol: netstat.Raw, Family: netstat.IPv4, State: netstat.Close, Local: end("0.0.0.0:1"), Remote: end("0.0.0.0:0"), Inode: netstat.Known[uint32](17)},
			{Protocol: netstat.UDPLite, Family: netstat.IPv4, State: netstat.Close, Local: end("127.0.0.1:777"), Remote: end("0.0.0.0:0"), Inode: netstat.Known[uint32](18)},
		},
		interfaces: []netstat.InterfaceDetails{
			{Interface: netstat.Interface{Index: 10, Name: "eth10", MTU: netstat.Known[uint32](9000), Flags: netstat.InterfaceUp | netstat.InterfaceBroadcast}},
			{Interface: netstat.Interface{Index: 2, Name: "eth2", Kind: "vlan", MTU: netstat.Known[uint32](1500), Flags: netstat.InterfaceUp | netstat.InterfaceRunning | netstat.InterfaceBroadcast | netstat.InterfaceMulticast | netstat.InterfacePromiscuous,
				OperState: netstat.Known(netstat.OperUp), HardwareType: netstat.Known[uint16](1), Address: mac, Master: 10, Lower: 10, Speed: netstat.Known[uint64](25e9), CarrierChanges: u(4), TransmitQueueLength: u(1000), Alias: "up\x1blink",
				Counters: netstat.InterfaceCounters{InPackets: netstat.Known[uint64](123456789012), InOctets: netstat.Known[uint64](1 << 50), InErrors: netstat.Known[uint64](1), InDropped: netstat.Known[uint64](2), InMissedErrors: netstat.Known[uint64](3), InFIFOErrors: netstat.Known[uint64](4), OutPackets: netstat.Known[uint64](5), OutOctets: netstat.Known[uint64](6), OutErrors: netstat.Known[uint64](7), OutDropped: netstat.Known[uint64](8), OutFIFOErrors: netstat.Known[uint64](9), Collisions: netstat.Known[uint64](10)}},
				AlternativeNames: []string{"enp0s3"}},
			{Interface: netstat.Interface{Index: 1, Name: "lo", MTU: netstat.Known[uint32](65536), Flags: netstat.InterfaceUp | netstat.InterfaceRunning | netstat.InterfaceLoopback, Counters: netstat.InterfaceCounters{}}},
			{Interface: netstat.Interface{Index: 3, Name: "down0", MTU: netstat.Known[uint32](1500)}},
		},
		addresses: []netstat.Address{
			{Interface: 2, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.255")},
			{Interface: 2, Prefix: netip.MustParsePrefix("fe80::1/64"), Scope: netstat.ScopeLink},
			{Interface: 10, Prefix: netip.MustParsePrefix("10.0.0.1/32"), Peer: netip.MustParseAddr("10.0.0.2")},
		},
		routes: []netstat.Route{
			route("0.0.0.0/0", "192.0.2.254", netstat.RouteUnicast), route("192.0.2.0/24", "", netstat.RouteUnicast), route("10.0.0.0/8", "192.0.2.3", netstat.RouteUnicast),
			route("198.51.100.7/32", "2001:db8::9", netstat.RouteUnicast), route("203.0.113.0/24", "", netstat.RouteBlackhole),
			route("::/0", "fe80::9", netstat.RouteUnicast), route("2001:db8:1111:2222:3333:4444:5555:6666/128", "", netstat.RouteLocal), route("2001:db8:6::/48", "", netstat.RouteUnreachable),
		},
	}
	f.routes[2].Options = &netstat.RouteOptions{AdvertisedMSS: 1200, Window: 3000, RTT: 100 * time.Millisecond, MTU: 1400}
	f.routes[2].Metric, f.routes[2].Weight = netstat.Known[uint32](5), 3
	f.routes[4].Interface, f.routes[6].Table = 0, netstat.TableLocal
	f.routes[5].Protocol = netstat.RouteProtocolRA
	f.tellZeros()
	return f
}

// tellZeros makes known, and zero, what a kernel tells of each row and is not set.
func (f *fake) tellZeros() {
	for i := range f.sockets {
		s := &f.sockets[i]
		zeroIfUnknown(&s.Interface, &s.Inode)
		zeroIfUnknown(&s.Timer)
		zeroIfUnknown(&s.Retransmits)
	}
	for i := range f.routes {
		r := &f.routes[i]
		zeroIfUnknown(&r.Metric)
		zeroIfUnknown(&r.TOS)
		zeroIfUnknown(&r.Scope)
	}
	for i := range f.interfaces {
		v := &f.interfaces[i]
		zeroIfUnknown(&v.HardwareType)
		zeroIfUnknown(&v.OperState)
		if c := &v.Counters; v.Name == "lo" || *c != (netstat.InterfaceCounters{}) {
			zeroIfUnknown(&c.InPackets, &c.OutPackets, &c.InOctets, &c.OutOctets, &c.InErrors, &c.OutErrors, &c.InDropped, &c.OutDropped,
				&c.InMulticast, &c.Collisions, &c.InLengthErrors, &c.InOverErrors, &c.InCRCErrors, &c.InFrameErrors, &c.InFIFOErrors,
				&c.InMissedErrors, &c.OutAbortedErrors, &c.OutCarrierErrors, &c.OutFIFOErrors, &c.OutHeartbeatErrors, &c.OutWindowErrors,
				&c.InCompressed, &c.OutCompressed)
		}
	}
}

func zeroIfUnknown[T any](fields ...*netstat.Optional[T]) {
	for _, f := range fields {
		var zero T
		f.Set(f.Or(zero))
	}
}

// showFake runs a command line on a stack. The clock stands still meanwhile: how wide
// columns are does not depend on how long the first rows take.
func showFake(t *testing.T, stack netstat.Stack, args ...string) (out, complaints string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { out, complaints, err = showFakeIn(t.Context(), t, stack, args...) })
	return out, complaints, err
}

// showFakeIn is showFake until the end of a context.
func showFakeIn(ctx context.Context, t *testing.T, stack netstat.Stack, args ...string) (out, complaints string, err error) {
	t.Helper()
	var f flags
	cmd := newCommand()
	cmd.ResetFlags()
	declare(cmd.Flags(), &f)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	if err := f.check(cmd.Flags()); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	tables, asked := f.tables()
	f.Unasked = !asked
	s, err := show.New(f.Options, &stdout, &stderr, func(func(error)) ([]*show.Source, error) { return []*show.Source{{Stack: stack}}, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Show(ctx, tables...)
	return stdout.String(), stderr.String(), err
}

// What each mode makes of fixed rows was looked at by somebody, and stays so.
func TestGolden(t *testing.T) {
	const file = "testdata/modes.golden"
	var transcript strings.Builder
	for _, args := range []string{
		"-tan", "-n", "-tln", "-tulpn", "-tuanpeo", "-tan --buffers", "-tan --buffers --human", "-taneep", "-Tan", "-tan --human", "-wUan",
		"--options -an", "--options=changed -anp", "--options=changed -tn --human", "-an --filter SO_KEEPALIVE=1 --sort -SO_RCVBUF", "--options --json", "--options=changed -a --json", "-tan --json --filter changedOptions=IP_TOS",
		"-tan --sort -sendQueue", "-an --filter port=443", "-xan", "-xlnpe", "-Ln", "-Lnp", "-B", "-B --human", "-rn", "-ren", "-reen", "-rn6", "-reen6", "-rn --table all",
		"-in", "-in --human", "-ian", "-ien", "-I eth2", "-gn", "-gen", "-s", "-se", "-sae", "-st --human", "-m", "-Q", "--namespaces", "--mroutes", "--mdb", "-rin", "-San", "-anv",
		"-tuanp --json", "-xanp --json", "-rn --json", "-in --json", "-B --json", "-s --json",
	} {
		out, complaints, err := showFake(t, newFake(), strings.Fields(args)...)
		transcript.WriteString("$ netstat " + args + "\n" + out)
		for line := range strings.Lines(complaints) {
			transcript.WriteString("2> " + line)
		}
		if err != nil {
			transcript.WriteString("=> " + err.Error() + "\n")
		}
	}
	got := transcript.String()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("not what %s has: look at what changed, and run go test ./cmd/netstat -update\n%s", file, diff)
	}
}

// A stack that has nothing but what every stack has says of each mode that it
// does not have it, and shows the others.
func TestSmallStack(t *testing.T) {
	small := struct{ netstat.Stack }{newFake()}
	for _, args := range []string{"-L", "-B", "-g", "-s", "-m", "-Q", "-rs", "-is", "-x", "--neighbours", "--rules", "--nexthops", "--qdiscs", "--mroutes", "--mdb", "--namespaces", "--netlink", "--vsock", "--xdp", "--smc", "--tipc"} {
		_, complaints, err := showFake(t, small, "-n", "-r", args)
		if !errors.Is(err, show.ErrIncomplete) || !strings.Contains(complaints, "not supported by this source") {
			t.Errorf("%s: %v, %q", args, err, complaints)
		}
	}
	out, complaints, err := showFake(t, small, "-rin")
	if err != nil || complaints != "" || !strings.Contains(out, "Kernel IP routing table") || !strings.Contains(out, "Kernel Interface table") {
		t.Errorf("%v, %q, %q", err, complaints, out)
	}
}
