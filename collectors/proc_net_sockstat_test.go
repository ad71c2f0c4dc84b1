package collectors

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// socketsInUse opens known numbers of sockets.
func socketsInUse(t *testing.T, n *nstest.NS) {
	t.Helper()
	for range 3 {
		n.ListenPacket(t, "udp4", "127.0.0.1:0")
	}
	for range 2 {
		n.ListenPacket(t, "udp6", "[::1]:0")
	}
	n.Socket(t, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	l := n.Listen(t, "tcp4", "127.0.0.1:0")
	n.Dial(t, "tcp4", l.Addr().String())
	accepted, err := l.Accept()
	must(t, err)
	t.Cleanup(func() { accepted.Close() })
	n.Listen(t, "tcp6", "[::1]:0")
}

func TestSocketUsage(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	socketsInUse(t, n)
	var u netstat.SocketUsage
	file := unchanging(t, func() map[string]string {
		f := inFile(t, n, "sockstat")
		for name, value := range inFile(t, n, "sockstat6") {
			f[name] = value
		}
		maps.DeleteFunc(f, ofTheHost)
		return f
	}, func() {
		var err error
		u, err = k.SocketUsage(t.Context())
		must(t, err)
	})
	if got, want := fmt.Sprint(u.UDP, u.UDP6, u.TCP, u.TCP6, u.Raw, u.Raw6, u.UDPLite, u.UDPLite6, u.TCPTimeWait), "3 2 3 1 1 0 0 0 0"; got != want {
		t.Errorf("in use: %s, want %s", got, want)
	}
	page := uint64(os.Getpagesize())
	got := map[string]string{
		"sockets_used": u.Used.String(), "TCP_inuse": u.TCP.String(), "TCP_tw": u.TCPTimeWait.String(),
		"UDP_inuse":     u.UDP.String(),
		"UDPLITE_inuse": u.UDPLite.String(), "RAW_inuse": u.Raw.String(), "FRAG_inuse": u.Fragments.String(), "FRAG_memory": u.FragmentBytes.String(),
		"TCP6_inuse": u.TCP6.String(), "UDP6_inuse": u.UDP6.String(), "UDPLITE6_inuse": u.UDPLite6.String(), "RAW6_inuse": u.Raw6.String(),
		"FRAG6_inuse": u.Fragments6.String(), "FRAG6_memory": u.Fragment6Bytes.String(),
	}
	if diff := cmp.Diff(file, got); diff != "" {
		t.Errorf("usage (-file +collectors):\n%s", diff)
	}
	if !u.TCPOrphans.IsKnown() || u.TCPAllocated.Or(0) < 4 || !u.TCPBytes.IsKnown() || !u.UDPBytes.IsKnown() {
		t.Errorf("of the whole host: %+v", u)
	}
	if limits, ok := u.TCPLimits.Get(); ok {
		want := strings.Fields(readFile(t, "/proc/sys/net/ipv4/tcp_mem"))
		got := []string{fmt.Sprint(limits.Low / page), fmt.Sprint(limits.Pressure / page), fmt.Sprint(limits.High / page)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tcp_mem (-file +collectors):\n%s", diff)
		}
	} else if _, err := os.Stat("/proc/sys/net/ipv4/tcp_mem"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("tcp_mem is unknown, though %v", err)
	}
	n.Sysctl(t, "net.ipv4.tcp_max_tw_buckets", "777")
	if u, err := k.SocketUsage(t.Context()); err != nil || u.TCPMaxTimeWait != netstat.Known[uint64](777) {
		t.Errorf("tcp_max_tw_buckets is %v, %v", u.TCPMaxTimeWait, err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

var memoryColumn = regexp.MustCompile(`(?m)^(\S+ +\d+ +\d+) +(\d+) +(yes|no|NI)`)

func TestProtocolMemory(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	socketsInUse(t, n)
	var got []netstat.ProtocolMemory
	file := unchanging(t, func() string {
		// Without the memory, which is the whole host's.
		return memoryColumn.ReplaceAllString(netFile(t, n, "protocols"), "$1 * $3")
	}, func() { got = all(t, k.ProtocolMemory(t.Context())) })
	var want, shown []string
	for line := range strings.Lines(file) {
		if fields := strings.Fields(line); fields[0] != "protocol" {
			want = append(want, strings.Join(fields[:6], " "))
		}
	}
	sockets := make(map[string]int64)
	for _, p := range got {
		memory, pressure := "-1", "NI"
		if p.Bytes.IsKnown() {
			memory = "*"
		}
		if on, ok := p.Pressure.Get(); ok {
			pressure = map[bool]string{false: "no", true: "yes"}[on]
		}
		shown = append(shown, fmt.Sprint(p.Name, " ", p.ObjectSize, " ", p.Sockets, " ", memory, " ", pressure, " ", p.MaxHeader))
		sockets[p.Name] = p.Sockets.Or(-1)
		if base := strings.TrimSuffix(p.Name, "v6"); (base == "TCP" || base == "UDP") && !p.Limits.IsKnown() {
			if _, err := os.Stat("/proc/sys/net/ipv4/tcp_mem"); err == nil {
				t.Errorf("%s has no limits", p.Name)
			}
		}
	}
	compare(t, "protocols", want, shown, 8)
	for name, count := range map[string]int64{"TCP": 3, "TCPv6": 1, "UDP": 3, "UDPv6": 2, "RAW": 1} {
		if sockets[name] != count {
			t.Errorf("%d sockets of %s, want %d", sockets[name], name, count)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got, err := parsed("protocol  size sockets  memory press maxhdr\nTCP 2304 -1 7 yes 192 yes kernel y n\nNEW 1 2 -1 NI 0\n", parseProtocols)
	must(t, err)
	page := uint64(os.Getpagesize())
	want := []netstat.ProtocolMemory{
		{Name: "TCP", ObjectSize: 2304, Bytes: netstat.Known(7 * page), Pressure: netstat.Known(true), MaxHeader: 192},
		{Name: "NEW", ObjectSize: 1, Sockets: netstat.Known[int64](2)},
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
		t.Error(diff)
	}
	rejects(t, discard(parseProtocols), "TCP 1 2 3 no 0\n", "protocol\nTCP 1 2\n", "protocol\nTCP x 1 1 no 0\n", "protocol\nTCP 1 x 1 no 0\n", "protocol\nTCP 1 1 x no 0\n", "protocol\nTCP 1 1 1 no x\n")
	rejects(t, func(l *lines) { parseMemoryLimits(l) }, "1 2\n", "1 2 x\n", "1 2 18446744073709551615\n")
	var u netstat.SocketUsage
	rows, err := parsed("TCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5 new 6\nUDP: inuse 7 mem 8\n", parseSockstat)
	must(t, err)
	for _, c := range rows {
		must(t, addSocketUsage(&u, c))
	}
	if got, want := fmt.Sprint(u.TCP, u.TCPOrphans, u.TCPTimeWait, u.TCPAllocated, u.TCPBytes, u.UDP, u.UDPBytes), fmt.Sprint(1, 2, 3, 4, 5*page, 7, 8*page); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := addSocketUsage(&netstat.SocketUsage{}, netstat.Counter{Name: "TCP_inuse", Value: netstat.Signed(-1)}); err == nil {
		t.Error("a negative number of sockets is accepted")
	}
}

func TestSlabs(t *testing.T) {
	k := open(t, nstest.New(t))
	if _, err := os.Stat("/proc/slabinfo"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel lacks CONFIG_SLUB_DEBUG")
	}
	slabs := make(map[string]netstat.Slab)
	for _, s := range all(t, k.Slabs(t.Context())) {
		slabs[s.Name] = s
	}
	buffers := 0
	for line := range strings.Lines(readFile(t, "/proc/slabinfo")) {
		f := strings.Fields(line)
		if f[0] == "slabinfo" || f[0] == "#" {
			continue
		}
		s, ok := slabs[f[0]]
		pages := s.BytesPerSlab / uint64(os.Getpagesize())
		if got := fmt.Sprint(s.ObjectSize, s.ObjectsPerSlab, pages); !ok || got != fmt.Sprint(f[3], " ", f[4], " ", f[5]) {
			t.Errorf("%s: object size, objects and pages of a slab are %s (%v), want %v", f[0], got, ok, f[3:6])
		}
		if s.IsSocketBuffer() {
			buffers++
			if s.ActiveObjects > s.Objects || s.Objects != s.Slabs*s.ObjectsPerSlab || s.Bytes() < s.Objects*s.ObjectSize {
				t.Errorf("%+v", s)
			}
		}
	}
	if buffers < 2 || len(slabs) < 20 {
		t.Errorf("%d caches, %d of packet buffers", len(slabs), buffers)
	}
	rejects(t, discard(parseSlabinfo), "slabinfo - version: 3\n", "slabinfo - version: 2.1\nx 1 2 3\n",
		"slabinfo - version: 2.1\nx 1 2 3 4 5 : tunables 0 0 0 : slabdata 1\n", "slabinfo - version: 2.1\nx 1 2 3 y 5 : tunables 0 0 0 : slabdata 1 1 0\n")
}

func TestSoftnet(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	// The test's own reading: columns 0 to 2, and the processor.
	read := func() map[string][3]uint32 {
		byCPU := make(map[string][3]uint32)
		for line := range strings.Lines(readFile(t, "/proc/net/softnet_stat")) {
			f := strings.Fields(line)
			var columns [3]uint32
			_, err := fmt.Sscanf(strings.Join(f[:3], " "), "%x %x %x", &columns[0], &columns[1], &columns[2])
			must(t, err)
			byCPU[strings.TrimLeft(f[12], "0")] = columns
		}
		return byCPU
	}
	before := read()
	exchange(t, n)
	got := all(t, k.Softnet(t.Context()))
	after := read()
	if len(got) != len(before) || len(got) != len(after) {
		t.Fatalf("%d processors, the file has %d", len(got), len(after))
	}
	for _, s := range got {
		name := strings.TrimLeft(strconv.FormatUint(uint64(s.CPU), 16), "0")
		b, ok := before[name]
		a := after[name]
		// In arithmetic that wraps as the counters do.
		if !ok || s.Processed-b[0] > a[0]-b[0] || s.Dropped-b[1] > a[1]-b[1] || s.Squeezed-b[2] > a[2]-b[2] || !s.Backlog.IsKnown() || !s.FlowLimited.IsKnown() {
			t.Errorf("%+v is not between %v and %v", s, b, a)
		}
	}
}

func TestParseSoftnet(t *testing.T) {
	got, err := parsed("0000000a 00000002 00000003 0 0 0 0 0 0 00000004 00000005 00000006 0000000f 00000007 00000008 99\n", parseSoftnet)
	want := netstat.Softnet{
		CPU: 15, Processed: 10, Dropped: 2, Squeezed: 3, SteeredIn: netstat.Known[uint32](4), FlowLimited: netstat.Known[uint32](5),
		Backlog: netstat.Known[uint32](6), InputQueue: netstat.Known[uint32](7), ProcessQueue: netstat.Known[uint32](8),
	}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = parsed("1 2 3\nffffffff 0 0 0 0 0 0 0 0 1\n", parseSoftnet)
	if err != nil || len(got) != 2 || got[1].CPU != 1 || got[1].Processed != 1<<32-1 || got[1].SteeredIn.Or(0) != 1 || got[0].SteeredIn.IsKnown() || got[1].FlowLimited.IsKnown() {
		t.Errorf("older kernels: %+v, %v", got, err)
	}
	rejects(t, discard(parseSoftnet), "1 2\n", "1 2 x\n", "100000000 0 0\n", "\n")
}

func FuzzParseProtocols(f *testing.F) {
	fuzzLines(f, "/proc/net/protocols", discard(parseProtocols))
}

func FuzzParseMemoryLimits(f *testing.F) {
	fuzzLines(f, "/proc/sys/net/ipv4/tcp_mem", func(l *lines) { parseMemoryLimits(l) }, "1\t2\t3\n")
}

func FuzzParseSlabinfo(f *testing.F) { fuzzLines(f, "/proc/slabinfo", discard(parseSlabinfo)) }

func FuzzParseSoftnet(f *testing.F) { fuzzLines(f, "/proc/net/softnet_stat", discard(parseSoftnet)) }
