package baseline_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, n *nstest.NS) *collectors.Kernel {
	t.Helper()
	k, err := collectors.Open(collectors.Options{NetNS: n.Name})
	must(t, err)
	t.Cleanup(func() { k.Close() })
	return k
}

func take(t *testing.T, k *collectors.Kernel) *baseline.Snapshot {
	t.Helper()
	s, err := baseline.Take(t.Context(), k, k.NetNS(), time.Now())
	must(t, err)
	return s
}

func named(d *baseline.Delta, name string) (found baseline.InterfaceDelta) {
	for _, i := range d.Interfaces {
		if i.Name == name && i.Reason != baseline.Gone {
			found = i
		}
	}
	return found
}

// TestKernel saves a baseline of a real stack, moves its counters by known
// numbers and subtracts.
func TestKernel(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near address 02:00:00:00:00:01 type veth peer name far", "link set near addrgenmode none", "link set far addrgenmode none",
		"link set near up", "link set far up", "addr add 192.0.2.1/24 dev near", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near",
		"link add stays type veth peer name other", "link add again type veth peer name gone")
	k := open(t, n)
	server := n.ListenPacket(t, "udp4", "127.0.0.1:0")
	loop, out := n.Dial(t, "udp4", server.LocalAddr().String()), n.Dial(t, "udp4", "192.0.2.9:9")
	send := func(count int) {
		for range count {
			_, err := loop.Write(make([]byte, 100))
			must(t, err)
			_, _, err = server.ReadFrom(make([]byte, 100))
			must(t, err)
			_, err = out.Write(make([]byte, 100))
			must(t, err)
		}
	}
	send(5)
	store := baseline.Store{Dir: filepath.Join(t.TempDir(), "not", "there yet")}
	must(t, store.Save("before-x", take(t, k)))
	send(7)
	n.IP(t, "link del again", "link add again type veth peer name new")

	before, err := store.Load("before-x")
	must(t, err)
	d, err := take(t, k).Since(before...)
	must(t, err)
	for name, want := range map[string]baseline.Difference{
		"UdpOutDatagrams": {Count: netstat.Known[uint64](14)}, "UdpInDatagrams": {Count: netstat.Known[uint64](7)}, "UdpNoPorts": {Count: netstat.Known[uint64](0)},
		"IpExtOutOctets": {Count: netstat.Known[uint64](14 * 128)}, "IpDefaultTTL": {Reason: baseline.NotCumulative}, "UDP_inuse": {Reason: baseline.NotCumulative},
		"TcpMaxConn": {Reason: baseline.NotCumulative},
	} {
		if got := d.Counters[name]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if len(d.Counters) < 400 {
		t.Errorf("only %d counters", len(d.Counters))
	}
	near := named(d, "near")
	if near.Reason != baseline.Subtracted || near.Counters["tx_packets"].Count != netstat.Known[uint64](7) || near.Counters["tx_bytes"].Count != netstat.Known[uint64](7*142) {
		t.Errorf("near: %+v", near)
	}
	if far := named(d, "far"); far.Counters["rx_packets"].Count != netstat.Known[uint64](7) {
		t.Errorf("far: %+v", far)
	}
	for name, want := range map[string]baseline.Reason{"stays": baseline.Subtracted, "again": baseline.Recreated, "new": baseline.New} {
		i := named(d, name)
		if i.Reason != want || (i.Counters["tx_bytes"].Reason != want) || i.Counters["tx_bytes"].Count.IsKnown() != (want == baseline.Subtracted) {
			t.Errorf("%s is %v: %+v", name, i.Reason, i.Counters["tx_bytes"])
		}
	}
	if !slices.ContainsFunc(d.Interfaces, func(i baseline.InterfaceDelta) bool { return i.Name == "gone" && i.Reason == baseline.Gone }) {
		t.Error("the interface that went is not there")
	}
	if d.To.Sub(d.From) < 0 || d.From.IsZero() {
		t.Errorf("from %v to %v", d.From, d.To)
	}

	other := take(t, open(t, nstest.New(t)))
	if _, err := other.Since(before...); !errors.Is(err, baseline.ErrOtherNamespace) || !strings.Contains(err.Error(), n.Name) {
		t.Errorf("another namespace: %v", err)
	}
	rebooted := take(t, k)
	rebooted.Identity.BootID = "00000000-0000-0000-0000-000000000000"
	if _, err := rebooted.Since(before...); !errors.Is(err, baseline.ErrOtherBoot) {
		t.Errorf("another boot: %v", err)
	}
}

func snapshot() *baseline.Snapshot {
	return &baseline.Snapshot{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Namespace: "blue",
		Identity: netstat.Identity{BootID: "b", Inode: math.MaxUint64, Cookie: netstat.Known[uint64](1<<63 + 1)},
		Counters: map[string]netstat.Number{
			"UdpInDatagrams": netstat.Unsigned(math.MaxUint64 - 1), "UdpNoPorts": netstat.Unsigned(1<<32 - 3), "TcpMaxConn": netstat.Signed(-1),
			"TcpCurrEstab": netstat.Unsigned(5), "UdpInErrors": netstat.Unsigned(9), "TcpExtNew": netstat.Signed(-5),
		},
		Interfaces: []baseline.Interface{
			{Index: 1, Name: "lo", Counters: map[string]uint64{"rx_bytes": 1<<53 + 1, "rx_nohandler": 1, "tx_bytes": 1<<32 - 1}},
			{Index: 2, Name: "old", Counters: map[string]uint64{"rx_bytes": 5}},
			{Index: 3, Name: "eth0", Counters: map[string]uint64{"rx_bytes": 5}},
		},
	}
}

func TestSince(t *testing.T) {
	before, now := snapshot(), snapshot()
	now.Time = now.Time.Add(time.Minute)
	now.Counters = map[string]netstat.Number{
		"UdpInDatagrams": netstat.Unsigned(math.MaxUint64), "UdpNoPorts": netstat.Unsigned(2), "TcpMaxConn": netstat.Signed(-1),
		"TcpCurrEstab": netstat.Unsigned(7), "UdpMemErrors": netstat.Unsigned(1), "TcpExtNew": netstat.Signed(-5),
	}
	now.Interfaces = []baseline.Interface{
		{Index: 1, Name: "lo", Counters: map[string]uint64{"rx_bytes": 1<<53 + 2, "rx_otherhost_dropped": 1, "tx_bytes": 4}},
		{Index: 3, Name: "renamed", Counters: map[string]uint64{"rx_bytes": 6}},
		{Index: 4, Name: "eth0", Counters: map[string]uint64{"rx_bytes": 6}},
		{Index: 5, Name: "fresh", Counters: map[string]uint64{"rx_bytes": 6}},
	}
	d, err := now.Since(before)
	must(t, err)
	one := baseline.Difference{Count: netstat.Known[uint64](1)}
	because := func(r baseline.Reason) baseline.Difference { return baseline.Difference{Reason: r} }
	allowed := cmp.Comparer(func(a, b netstat.Optional[uint64]) bool { return a == b })
	if diff := cmp.Diff(map[string]baseline.Difference{
		"UdpInDatagrams": one, "UdpNoPorts": because(baseline.Decreased), "TcpMaxConn": because(baseline.NotCumulative), "TcpCurrEstab": because(baseline.NotCumulative),
		"UdpMemErrors": because(baseline.New), "UdpInErrors": because(baseline.Gone), "TcpExtNew": because(baseline.NotCumulative),
	}, d.Counters, allowed); diff != "" {
		t.Errorf("counters:\n%s", diff)
	}
	if diff := cmp.Diff([]baseline.InterfaceDelta{
		{Index: 1, Name: "lo", Counters: map[string]baseline.Difference{
			"rx_bytes": one, "rx_otherhost_dropped": because(baseline.New), "rx_nohandler": because(baseline.Gone), "tx_bytes": because(baseline.Decreased)}},
		{Index: 2, Name: "old", Reason: baseline.Gone, Counters: map[string]baseline.Difference{"rx_bytes": because(baseline.Gone)}},
		{Index: 3, Name: "renamed", Counters: map[string]baseline.Difference{"rx_bytes": one}},
		{Index: 4, Name: "eth0", Reason: baseline.Recreated, Counters: map[string]baseline.Difference{"rx_bytes": because(baseline.Recreated)}},
		{Index: 5, Name: "fresh", Reason: baseline.New, Counters: map[string]baseline.Difference{"rx_bytes": because(baseline.New)}},
	}, d.Interfaces, allowed); diff != "" {
		t.Errorf("interfaces:\n%s", diff)
	}

	// Of several the one of the same namespace counts.
	elsewhere := func() *baseline.Snapshot {
		s := snapshot()
		s.Namespace, s.Identity.Inode = "red", 1
		s.Identity.Cookie.Set(2)
		return s
	}
	if d, err := now.Since(elsewhere(), before); err != nil || d.Counters["UdpInDatagrams"] != one {
		t.Errorf("one of two: %+v, %v", d, err)
	}
	if _, err := now.Since(elsewhere()); !errors.Is(err, baseline.ErrOtherNamespace) || !strings.Contains(err.Error(), `"red"`) || !strings.Contains(err.Error(), `not "blue"`) {
		t.Errorf("of another namespace: %v", err)
	}

	// Kernels before 5.14 have no cookie: the inode has to do.
	before.Identity.Cookie = netstat.Optional[uint64]{}
	if _, err := now.Since(before); err != nil {
		t.Errorf("the same inode: %v", err)
	}
	before.Identity.Inode--
	if _, err := now.Since(before); !errors.Is(err, baseline.ErrOtherNamespace) {
		t.Errorf("another inode: %v", err)
	}
	now.Identity.Cookie.Set(1)
	before = snapshot()
	if _, err := now.Since(before); !errors.Is(err, baseline.ErrOtherNamespace) {
		t.Errorf("the same inode, another cookie: %v", err)
	}
	now.Namespace, before.Namespace = "", ""
	if _, err := now.Since(before); err == nil || strings.Contains(err.Error(), `"`) {
		t.Errorf("namespaces without names: %v", err)
	}
}

// equal compares snapshots, times by the moment.
func equal(a, b []*baseline.Snapshot) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b netstat.Optional[uint64]) bool { return a == b }), cmp.Comparer(func(a, b netstat.Number) bool { return a == b }))
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.json")
	second := snapshot()
	second.Namespace, second.Identity.Inode, second.Identity.Cookie = "", 7, netstat.Optional[uint64]{}
	for _, written := range [][]*baseline.Snapshot{{snapshot()}, {snapshot(), second}, {second}} {
		must(t, baseline.Write(path, written...))
		got, err := baseline.Read(path)
		must(t, err)
		if diff := equal(written, got); diff != "" {
			t.Errorf("read back:\n%s", diff)
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	entries, err := os.ReadDir(dir)
	must(t, err)
	if info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("mode %v, %d files", info.Mode(), len(entries))
	}

	if _, err := baseline.Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := baseline.Write(filepath.Join(dir, "none", "b.json"), second); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	// A name that is taken by a directory: nothing is left behind.
	must(t, os.Mkdir(filepath.Join(dir, "taken"), 0o700))
	if err := baseline.Write(filepath.Join(dir, "taken"), second); err == nil {
		t.Error("a directory is written over")
	}
	if entries, err = os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestLongNames are as long as a file system takes.
func TestLongNames(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, strings.Repeat("n", 255))
	for range 2 {
		must(t, baseline.Write(path, snapshot()))
	}
	if found, err := baseline.Read(path); err != nil || len(found) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestWriteSpares writes to what is no baseline's file: it is what it was.
func TestWriteSpares(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	kind := func(name string) fs.FileMode {
		info, err := os.Lstat(in(name))
		must(t, err)
		return info.Mode()
	}
	others := map[string]string{"text": "notes\n", "json": `{"format":"x"}`, "array": "[1]", "almost": `{"format":"netstat-baseline"`}
	for name, content := range others {
		must(t, os.WriteFile(in(name), []byte(content), 0o640))
		if err := baseline.Write(in(name), snapshot()); !errors.Is(err, baseline.ErrFormat) || !strings.Contains(err.Error(), in(name)) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != content {
			t.Errorf("%s is %q now, %v", name, got, err)
		}
	}

	// Links lead to the file, whether there is one or not.
	must(t, os.Mkdir(in("sub"), 0o700))
	must(t, os.Symlink("sub/target", in("link")))
	must(t, os.Symlink(in("link"), in("link2")))
	for range 2 {
		must(t, baseline.Write(in("link2"), snapshot()))
		if kind("link2")&fs.ModeSymlink == 0 || kind("link")&fs.ModeSymlink == 0 || !kind("sub/target").IsRegular() {
			t.Error("a link was replaced")
		}
	}
	must(t, os.Symlink(in("text"), in("toText")))
	if err := baseline.Write(in("toText"), snapshot()); !errors.Is(err, baseline.ErrFormat) {
		t.Errorf("through a link: %v", err)
	}
	must(t, os.Symlink("self", in("self")))
	if err := baseline.Write(in("self"), snapshot()); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}

	// A file that is there keeps its mode, and an empty one is nobody's.
	must(t, os.WriteFile(in("shared"), nil, 0o644))
	must(t, os.Chmod(in("shared"), 0o644))
	for range 2 {
		must(t, baseline.Write(in("shared"), snapshot()))
	}
	if kind("shared").Perm() != 0o644 {
		t.Errorf("mode %v", kind("shared"))
	}

	// A pipe that nobody reads is not waited for; one that is read gets all.
	must(t, syscall.Mkfifo(in("fifo"), 0o600))
	if err := baseline.Write(in("fifo"), snapshot()); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("nobody reads: %v", err)
	}
	reader, err := os.OpenFile(in("fifo"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	// The pipe holds all of it: a reader that came first would find it closed.
	must(t, baseline.Write(in("fifo"), snapshot()))
	if got, err := io.ReadAll(reader); err != nil || string(got) != encoded(t, snapshot()) {
		t.Errorf("the pipe got %q, %v", got, err)
	}
	must(t, reader.Close())
	if kind("fifo")&fs.ModeNamedPipe == 0 {
		t.Error("the pipe was replaced")
	}

	if err := syscall.Mknod(in("null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Logf("no devices here: %v", err)
	} else {
		must(t, baseline.Write(in("null"), snapshot()))
		must(t, syscall.Mknod(in("full"), syscall.S_IFCHR|0o666, 1<<8|7))
		if err := baseline.Write(in("full"), snapshot()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a full device: %v", err)
		}
		must(t, syscall.Mknod(in("block"), syscall.S_IFBLK|0o666, 7<<8|255))
		if err := baseline.Write(in("block"), snapshot()); err == nil {
			t.Error("a block device is written to")
		}
		for name, want := range map[string]fs.FileMode{"null": fs.ModeCharDevice, "full": fs.ModeCharDevice, "block": fs.ModeDevice} {
			if kind(name)&want == 0 {
				t.Errorf("%s is %v now", name, kind(name))
			}
		}
	}
	if left, err := filepath.Glob(in(".*")); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func encoded(t testing.TB, s ...*baseline.Snapshot) string {
	t.Helper()
	var b bytes.Buffer
	if err := baseline.Encode(&b, s...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDecodeRejects(t *testing.T) {
	whole := encoded(t, snapshot())
	if _, err := baseline.Decode(strings.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nothing":                   "",
		"no JSON":                   "netstat",
		"cut short":                 whole[:len(whole)/2],
		"something behind":          whole + "{}",
		"another format":            strings.Replace(whole, "netstat-baseline", "netstat-recording", 1),
		"another version":           strings.Replace(whole, `"version": 1`, `"version": 2`, 1),
		"no version":                strings.Replace(whole, `"version": 1,`, ``, 1),
		"a field that is not known": strings.Replace(whole, `"version": 1`, `"version": 1, "more": 1`, 1),
		"no boot":                   strings.Replace(whole, `"boot_id": "b"`, `"boot_id": ""`, 1),
		"a broken counter":          strings.Replace(whole, `"TcpMaxConn": -1`, `"TcpMaxConn": -1.5`, 1),
		"a counter of text":         strings.Replace(whole, `"TcpMaxConn": -1`, `"TcpMaxConn": "-1"`, 1),
		"a counter of nothing":      strings.Replace(whole, `"TcpMaxConn": -1`, `"TcpMaxConn": null`, 1),
		"a counter too large":       strings.Replace(whole, "18446744073709551614", "18446744073709551616", 1),
		"an octet count below 0":    strings.Replace(whole, "9007199254740993", "-1", 1),
		"an octet count of nothing": strings.Replace(whole, "9007199254740993", "null", 1),
		"interfaces out of order":   strings.Replace(whole, `"index": 2`, `"index": 1`, 1),
		"no index":                  strings.Replace(whole, `"index": 1`, `"index": 0`, 1),
		"no time":                   strings.Replace(whole, "2026-01-02T03:04:05.000000006Z", "0001-01-01T00:00:00Z", 1),
		"no counters":               `{"format":"netstat-baseline","version":1,"snapshots":[{"time":"2026-01-02T03:04:05Z","boot_id":"b"}]}`,
		"no snapshots":              `{"format":"netstat-baseline","version":1,"snapshots":[]}`,
		"two of one namespace":      encoded(t, snapshot(), snapshot()),
	} {
		if text == whole {
			t.Errorf("%s: the text has not changed", what)
		}
		if s, err := baseline.Decode(strings.NewReader(text)); !errors.Is(err, baseline.ErrFormat) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	path := filepath.Join(t.TempDir(), "b.json")
	must(t, os.WriteFile(path, []byte("x"), 0o600))
	if _, err := baseline.Read(path); !errors.Is(err, baseline.ErrFormat) || !strings.Contains(err.Error(), path) {
		t.Errorf("the file is not named: %v", err)
	}
}

func TestStore(t *testing.T) {
	store := baseline.Store{Dir: filepath.Join(t.TempDir(), "netstat")}
	if names, err := store.Names(); err != nil || len(names) != 0 {
		t.Errorf("before there is a directory: %v, %v", names, err)
	}
	for _, name := range []string{"zebra", "a.b-c_d@2"} {
		must(t, store.Save(name, snapshot()))
	}
	must(t, os.WriteFile(filepath.Join(store.Dir, "note.txt"), nil, 0o600))
	if names, err := store.Names(); err != nil || !slices.Equal(names, []string{"a.b-c_d@2", "zebra"}) {
		t.Errorf("%v, %v", names, err)
	}
	must(t, store.Remove("zebra"))
	if _, err := store.Load("zebra"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
	if err := store.Remove("zebra"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	for _, bad := range []string{"", ".", "..", "../x", "a/b", ".hidden", "a b", "ä", strings.Repeat("x", 101), "x\x00"} {
		if err := store.Save(bad, snapshot()); err == nil {
			t.Errorf("%q is a name", bad)
		}
		if _, err := store.Load(bad); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	if s, err := baseline.DefaultStore(); err != nil || s.Dir != filepath.Join(state, "netstat") {
		t.Errorf("%+v, %v", s, err)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "/home/somebody")
	if s, err := baseline.DefaultStore(); err != nil || s.Dir != "/home/somebody/.local/state/netstat" {
		t.Errorf("%+v, %v", s, err)
	}
}

func FuzzDecode(f *testing.F) {
	other := snapshot()
	other.Identity.Inode--
	f.Add([]byte(encoded(f, snapshot())))
	f.Add([]byte(encoded(f, snapshot(), other)))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := baseline.Decode(bytes.NewReader(content))
		if err != nil {
			if !errors.Is(err, baseline.ErrFormat) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := baseline.Decode(strings.NewReader(encoded(t, s...)))
		if err != nil || equal(s, again) != "" {
			t.Errorf("%v: %s", err, equal(s, again))
		}
	})
}

// TestCountersByType holds that what the kernel leaves out as it is 0 has a difference once it counts.
func TestCountersByType(t *testing.T) {
	nstest.NeedsProgram(t, "ping")
	n := nstest.New(t)
	k := open(t, n)
	before := take(t, k)
	n.Run(t, "ping", "-c", "3", "-i", "0.01", "127.0.0.1")
	n.Run(t, "ping", "-c", "2", "-i", "0.01", "::1")
	d, err := take(t, k).Since(before)
	must(t, err)
	for name, want := range map[string]uint64{
		"IcmpMsgInType8": 3, "IcmpMsgOutType8": 3, "IcmpMsgInType0": 3, "Icmp6InType128": 2, "Icmp6OutType129": 2,
	} {
		if _, was := before.Counters[name]; was {
			t.Fatalf("%s is there before anything was counted", name)
		}
		if got := d.Counters[name]; got != (baseline.Difference{Count: netstat.Known(want)}) {
			t.Errorf("%s: %+v, want %d", name, got, want)
		}
	}
	// Where nothing of ICMP was read, it is not known.
	delete(before.Counters, "IcmpInMsgs")
	if d, err = take(t, k).Since(before); err != nil || d.Counters["IcmpMsgInType8"].Reason != baseline.New {
		t.Errorf("without the group: %+v, %v", d.Counters["IcmpMsgInType8"], err)
	}
}
