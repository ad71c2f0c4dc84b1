package recording

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// writeGolden writes a file of this version of the package, for versions to come
// to read. A file that is there is never written again.
var writeGolden = flag.String("write-golden", "", "write testdata/`NAME`.rec")

// golden is the stack of the golden files, as of the first of them. Fields that
// came later are not set here, so that all of the files have the same rows.
type golden struct{ fake }

var (
	goldenInterface = netstat.Interface{
		Index: 2, Name: "eth0", Alias: "uplink \xff", HardwareType: netstat.Known[uint16](1), Flags: netstat.InterfaceUp | netstat.InterfaceRunning,
		OperState: netstat.Known(netstat.OperUp), Carrier: netstat.Known(true), MTU: netstat.Known[uint32](1500), TransmitQueueLength: netstat.Known[uint32](1000),
		Address: "\x02\x00\x00\x00\x00\x01", Broadcast: "\xff\xff\xff\xff\xff\xff",
		Multicast: netstat.Known([]netstat.HardwareAddress{"\x01\x00\x5e\x00\x00\x01", "\x33\x33\x00\x00\x00\x01"}),
		Speed:     netstat.Known[uint64](10_000_000_000), Duplex: netstat.Known(netstat.FullDuplex),
		LowerNetNSID: netstat.Known[int32](-1), LastChange: time.Unix(1_700_000_000, 123_456_789),
		Counters: netstat.InterfaceCounters{
			InPackets: netstat.Known[uint64](1<<64 - 1), OutOctets: netstat.Known[uint64](1 << 40), InNoHandler: netstat.Known[uint64](0), InOtherHost: netstat.Optional[uint64]{},
		},
	}
	goldenLoopback = netstat.Interface{Index: 1, Name: "lo", HardwareType: netstat.Known[uint16](772), MTU: netstat.Known[uint32](65536), Multicast: netstat.Known([]netstat.HardwareAddress(nil))}
	goldenAddress  = netstat.Address{
		Interface: 2, Prefix: netip.MustParsePrefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.255"),
		Label: "eth0:1", Scope: netstat.ScopeUniverse, Valid: netstat.Known(90 * time.Second),
	}
	goldenRoutes = []netstat.Route{
		{
			Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.254"), Table: netstat.TableMain,
			Interface: 2, Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolStatic,
		},
		{
			Destination: netip.MustParsePrefix("203.0.113.0/24"), Gateway: netip.MustParseAddr("192.0.2.253"), Table: 70000,
			Interface: 2, Metric: netstat.Known[uint32](1 << 31), Weight: 3, Type: netstat.RouteUnicast, Options: &netstat.RouteOptions{MTU: 1400, Expires: netstat.Known(time.Hour)},
		},
		{
			Destination: netip.MustParsePrefix("2001:db8::/32"), Gateway: netip.MustParseAddr("fe80::1"), Table: netstat.TableMain,
			Interface: 2, Type: netstat.RouteUnicast, Options: &netstat.RouteOptions{Source: netip.MustParsePrefix("2001:db8:1::/48")},
		},
	}
	goldenSockets = []netstat.Socket{
		{
			Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Listen, V6Only: netstat.Known(false),
			Local: netip.MustParseAddrPort("[::]:22"), Remote: netip.MustParseAddrPort("[::]:0"),
			ReceiveQueue: netstat.Known[uint32](0), SendQueue: netstat.Known[uint32](128), UID: netstat.Known[uint32](0), Inode: netstat.Known[uint32](4711),
			Processes: netstat.Known([]netstat.Process{{PID: 812, Name: "sshd", FD: netstat.Known[int32](3)}}),
		},
		{
			Protocol: netstat.TCP, Family: netstat.IPv6, State: netstat.Established,
			Local: netip.MustParseAddrPort("[fe80::1%2]:22"), Remote: netip.MustParseAddrPort("[fe80::2%2]:50000"), Cookie: netstat.Known[uint64](1<<63 + 1),
			Timer: netstat.Known(netstat.TimerKeepalive), Expires: netstat.Known[time.Duration](7 * time.Second),
			Detail: &netstat.SocketDetail{
				Mark: netstat.Known[uint32](0),
				TCP: &netstat.TCPInfo{
					State: netstat.Established, RTT: 1500 * time.Microsecond, PacingRate: netstat.Known[uint64](netstat.PacingUnlimited),
					BytesSent: netstat.Known[uint64](0),
				},
				Congestion: &netstat.CongestionControl{Name: "bbr", BBR: &netstat.BBR{Bandwidth: 1 << 33}},
			},
		},
	}
	goldenTCP     = netstat.TCPStatistics{MaxConn: netstat.Known[int32](-1), ActiveOpens: netstat.Known[uint64](0), InSegs: netstat.Known[uint64](1 << 40)}
	goldenCounter = []netstat.Counter{
		{Name: "TcpMaxConn", Group: netstat.GroupTCP, Value: netstat.Signed(-1)},
		{Name: "TcpInSegs", Group: netstat.GroupTCP, Value: netstat.Unsigned(1<<64 - 1)},
	}
	goldenNamespace = netstat.Namespace{Device: 4, Inode: 4026531840, Names: []string{"blue"}, ID: netstat.Known[int32](0), Processes: []netstat.Process{{PID: 1, Name: "init"}}}
)

// Fields that are optional now were not when the first file was written: what is
// not named above is a known zero.
func init() {
	knownZero(&goldenLoopback.OperState)
	c := &goldenInterface.Counters
	knownZero(&c.InPackets, &c.OutPackets, &c.InOctets, &c.OutOctets, &c.InErrors, &c.OutErrors, &c.InDropped, &c.OutDropped,
		&c.InMulticast, &c.Collisions, &c.InLengthErrors, &c.InOverErrors, &c.InCRCErrors, &c.InFrameErrors, &c.InFIFOErrors,
		&c.InMissedErrors, &c.OutAbortedErrors, &c.OutCarrierErrors, &c.OutFIFOErrors, &c.OutHeartbeatErrors, &c.OutWindowErrors,
		&c.InCompressed, &c.OutCompressed)
	for i := range goldenRoutes {
		r := &goldenRoutes[i]
		knownZero(&r.Metric)
		knownZero(&r.TOS)
		knownZero(&r.Scope)
	}
	for i := range goldenSockets {
		s := &goldenSockets[i]
		knownZero(&s.Interface, &s.Inode)
		knownZero(&s.Cookie)
		knownZero(&s.Timer)
		knownZero(&s.Expires)
		knownZero(&s.Retransmits)
	}
}

func knownZero[T any](fields ...*netstat.Optional[T]) {
	for _, f := range fields {
		if !f.IsKnown() {
			var zero T
			f.Set(zero)
		}
	}
}

func sequence[T any](rows ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (golden) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return sequence(goldenLoopback, goldenInterface)
}

func (golden) Addresses(context.Context) iter.Seq2[netstat.Address, error] {
	return sequence(goldenAddress)
}

func (golden) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	if q.Protocols[0] == netstat.TCP && q.Families[0] == netstat.IPv6 {
		return sequence(goldenSockets...)
	}
	return none[netstat.Socket]("other sockets")
}

func (golden) TCPStatistics(context.Context) (netstat.TCPStatistics, error) { return goldenTCP, nil }

func (golden) Counters(_ context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	if groups[0] == netstat.GroupTCP {
		return sequence(goldenCounter...)
	}
	return none[netstat.Counter]("other counters")
}

func (golden) Slabs(context.Context) iter.Seq2[netstat.Slab, error] {
	return func(yield func(netstat.Slab, error) bool) {
		yield(netstat.Slab{}, &fs.PathError{Op: "open", Path: "/proc/slabinfo", Err: fs.ErrPermission})
	}
}

func (golden) ProtocolMemory(context.Context) iter.Seq2[netstat.ProtocolMemory, error] {
	return sequence[netstat.ProtocolMemory]()
}

func (golden) SocketUsage(context.Context) (netstat.SocketUsage, error) {
	return netstat.SocketUsage{TCP: netstat.Known[uint64](0)}, nil
}

func TestWriteGolden(t *testing.T) {
	if *writeGolden == "" {
		return // there is nothing to write
	}
	path := filepath.Join("testdata", *writeGolden+".rec")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := NewWriter(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		o := Options{Host: generatedHost, Time: generatedTime.Add(time.Duration(i) * time.Minute)}
		err := w.Record(context.Background(), o, func(yield func(Source) bool) {
			_ = yield(Source{Name: "blue", Namespace: &goldenNamespace, Stack: golden{fake{routes: sequence(goldenRoutes...)}}}) &&
				yield(Source{Name: "red", Err: fs.ErrPermission})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Files that an earlier version wrote are read for ever, to the same values.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.rec")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { checkGolden(t, path) })
	}
}

func checkGolden(t *testing.T, path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Once by the index, once without it.
	for _, size := range []int{len(content), len(content) - trailerSize} {
		f, err := NewFile(bytes.NewReader(content[:size]), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != 2 || f.Damage() != nil {
			t.Fatalf("%d moments, damage %v", f.Len(), f.Damage())
		}
		s, err := f.Stack(Choice{At: generatedTime.Add(time.Second), Stack: "blue"})
		if err != nil {
			t.Fatal(err)
		}
		m := s.Moment()
		if m.Number() != 0 || !m.Time().Equal(generatedTime) || m.Host() != generatedHost {
			t.Errorf("moment %d of %v, host %+v", m.Number(), m.Time(), m.Host())
		}
		if n := s.Namespace(); n == nil || !reflect.DeepEqual(*n, goldenNamespace) {
			t.Errorf("namespace %+v", n)
		}
		ctx := context.Background()
		wantGolden(t, s.Interfaces(ctx), nil, goldenLoopback, goldenInterface)
		wantGolden(t, s.Addresses(ctx), nil, goldenAddress)
		wantGolden(t, s.Routes(ctx, netstat.RouteQuery{}), nil, goldenRoutes...)
		wantGolden(t, s.Routes(ctx, netstat.RouteQuery{Table: 70000}), nil, goldenRoutes[1])
		wantGolden(t, s.Sockets(ctx, netstat.SocketQuery{Details: netstat.AllDetails, Processes: true}), nil, goldenSockets...)
		wantGolden(t, s.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.SCTP}}), netstat.ErrNotSupported)
		wantGolden(t, s.Counters(ctx), nil, goldenCounter...)
		wantGolden(t, s.Slabs(ctx), fs.ErrPermission)
		wantGolden(t, s.ProtocolMemory(ctx), nil)
		wantGolden(t, s.Rules(ctx), netstat.ErrNotSupported)
		if got, err := s.TCPStatistics(ctx); err != nil || got != goldenTCP {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.UDPStatistics(ctx); !errors.Is(err, netstat.ErrNotSupported) {
			t.Error(err)
		}
		if _, err := f.Stack(Choice{Stack: "red"}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("what could not be opened: %v", err)
		}
	}
}

func wantGolden[T any](t *testing.T, seq iter.Seq2[T, error], wantErr error, want ...T) {
	t.Helper()
	var got []T
	var failed error
	for row, err := range seq {
		if failed = err; err == nil {
			got = append(got, row)
		}
	}
	if (failed == nil) != (wantErr == nil) || !errors.Is(failed, wantErr) {
		t.Errorf("%v, not %v", failed, wantErr)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read (-want +got)\n%s", cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })))
	}
}

// TestOtherReader reads a recording with the program in docs/recording.md, which
// knows nothing but that page and other people's CBOR and Zstandard.
func TestOtherReader(t *testing.T) {
	const python = "/usr/bin/python3"
	nstest.NeedsProgram(t, python)
	if err := exec.Command(python, "-c", "import cbor2, zstandard").Run(); err != nil {
		nstest.Needs(t, "needs Debian's python3-cbor2 and python3-zstandard")
	}
	page, err := os.ReadFile("../docs/recording.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, found := strings.Cut(string(page), "<<'EOT'\n")
	program, _, ends := strings.Cut(program, "EOT\n")
	if !found || !ends {
		t.Fatal("the page has no program")
	}
	cmd := exec.Command(python, "-", "testdata/v1.rec")
	cmd.Stdin = strings.NewReader(program)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	frames := make(map[string]int)
	for line := range strings.Lines(string(out)) {
		kind, _, _ := strings.Cut(line, " ")
		frames[kind]++
	}
	if frames["b'M'"] != 2 || frames["b'S'"] != 4 || frames["b'E'"] != 2 || frames["b'I'"] != 1 || frames["b'T'"] != 1 || frames["b'R'"] < 16 {
		t.Errorf("frames are %v", frames)
	}
	for _, want := range []string{
		`'kind': 'counter', 'part': 'tcp', 'rows': 2,`,
		`'Name': [CBORTag(64, b'\n\t'), b'TcpMaxConnTcpInSegs']`,
		`'Value': CBORTag(71, b'\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff')`,
		`'Value/negative': CBORTag(64, b'\x01\x00')`,
		`'Prefix': [CBORTag(64, b'\x05'), b'\xc0\x00\x02\x01\x18']`,
		`'LastChange': CBORTag(78, b'\x00\xf1Se')`,
		`'LastChange/nanoseconds': CBORTag(70, b'\x15\xcd[\x07')`,
		`'LastChange?': CBORTag(64, b'\x00\x01')`,
		`'Multicast#': CBORTag(64, b'\x00\x03')`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not read %s", want)
		}
	}
}
