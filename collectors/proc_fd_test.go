package collectors

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func ownName(t *testing.T) string {
	t.Helper()
	name, err := os.ReadFile("/proc/self/comm")
	must(t, err)
	return strings.TrimSuffix(string(name), "\n")
}

func TestOwnersOfSockets(t *testing.T) {
	n := nstest.New(t)
	l := n.Listen(t, "tcp4", "127.0.0.1:5001")
	// A second descriptor of the same socket is not a second process.
	file, err := n.ListenPacket(t, "udp4", "127.0.0.1:5002").(interface{ File() (*os.File, error) }).File()
	must(t, err)
	defer file.Close()
	// A child that inherits it is.
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{file}
	must(t, child.Start())
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	dialed := n.Dial(t, "tcp4", l.Addr().String())
	accepted, err := l.Accept()
	must(t, err)
	dialed.Close()
	accepted.Close()

	all := sockets(t, open(t, n), netstat.SocketQuery{Protocols: allProtocols, Processes: true})
	self := netstat.Process{PID: int32(os.Getpid()), Name: ownName(t)}
	want := func(s netstat.Socket, processes ...netstat.Process) {
		t.Helper()
		slices.SortFunc(processes, func(a, b netstat.Process) int { return int(a.PID - b.PID) })
		got, known := s.Processes.Get()
		if !known || !slices.Equal(got, processes) {
			t.Errorf("%v at %v is held by %v, want %v", s.Protocol, s.Local, s.Processes, processes)
		}
	}
	want(at(t, all, 5001, netstat.Listen), self)
	want(at(t, all, 5002, netstat.Close), self, netstat.Process{PID: int32(child.Process.Pid), Name: "sleep"})
	for _, s := range all {
		if s.State == netstat.TimeWait {
			want(s)
		}
	}
}

// ownersHelper names the environment variable that makes this test binary play
// the inner part of TestOwnersInAPIDNamespace.
const ownersHelper = "COLLECTORS_OWNERS_HELPER"

// TestOwnersInAPIDNamespace looks for owners where every process can be read,
// which the machine that tests run on does not always grant.
func TestOwnersInAPIDNamespace(t *testing.T) {
	if os.Getenv(ownersHelper) != "" {
		t.Skip("this is the helper")
	}
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "unshare")
	self, err := os.Executable()
	must(t, err)
	for _, part := range []string{"TestOwnersAllReadable", "TestOwnersOpenedLate"} {
		cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "--net", self, "-test.run=^"+part+"$", "-test.v")
		cmd.Env = append(os.Environ(), ownersHelper+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+part)) {
			t.Errorf("%s: %v\n%s", part, err, out)
		}
	}
}

func TestOwnersAllReadable(t *testing.T) {
	if os.Getenv(ownersHelper) == "" {
		t.Skip("TestOwnersInAPIDNamespace runs this")
	}
	o, err := readOwners(t.Context())
	must(t, err)
	if o.hidden {
		t.Error("some process is hidden")
	}
	if processes, found := o.of(1 << 30); found || !processes.IsKnown() || len(processes.Or(nil)) != 0 {
		t.Errorf("a socket that nobody holds: %v, %v", processes, found)
	}
}

// TestOwnersOpenedLate has a socket opened while the rows are read.
func TestOwnersOpenedLate(t *testing.T) {
	if os.Getenv(ownersHelper) == "" {
		t.Skip("TestOwnersInAPIDNamespace runs this")
	}
	k, err := Open(Options{})
	must(t, err)
	defer k.Close()
	first, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Bind(first, &unix.SockaddrInet4{Port: 6001}))
	second := -1
	held := make(map[uint16]int)
	for s, err := range k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP, netstat.TCP}, Processes: true}) {
		must(t, err)
		held[s.Local.Port()] = len(s.Processes.Or(nil))
		if second < 0 {
			second, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			must(t, unix.Bind(second, &unix.SockaddrInet4{Port: 6002}))
			must(t, unix.Listen(second, 1))
		}
	}
	if len(held) != 2 || held[6001] != 1 || held[6002] != 1 {
		t.Errorf("processes by port: %v, want one each at 6001 and 6002", held)
	}
}

func TestOwnersWithoutPrivilege(t *testing.T) {
	o := owners{inodes: []uint32{5, 7, 7}, processes: []netstat.Process{{PID: 1, Name: "a"}, {PID: 2, Name: "b"}, {PID: 3, Name: "c"}}, hidden: true}
	if p, found := o.of(6); p.IsKnown() || found {
		t.Errorf("a socket that a hidden process may hold: %v, %v", p, found)
	}
	if p, found := o.of(0); !p.IsKnown() || !found || len(p.Or(nil)) != 0 {
		t.Errorf("a socket without an inode: %v, %v", p, found)
	}
	if p, found := o.of(7); !found || fmt.Sprint(p) != "[{2 b} {3 c}]" {
		t.Errorf("a socket of two processes: %v, %v", p, found)
	}
	if p, found := o.of(5); !found || fmt.Sprint(p) != "[{1 a}]" {
		t.Errorf("a socket of one process: %v, %v", p, found)
	}
}

func TestParseSocketLink(t *testing.T) {
	for link, want := range map[string]uint32{
		"socket:[1]": 1, "socket:[4294967295]": 4294967295,
		"socket:[4294967296]": 0, "socket:[]": 0, "socket:[": 0, "socket:[1": 0, "socket:[+1]": 0, "socket:[1x]": 0,
		"pipe:[1]": 0, "/dev/null": 0, "": 0,
	} {
		if got, ok := parseSocketLink([]byte(link)); got != want || ok != (want != 0) {
			t.Errorf("%q: %d, %v", link, got, ok)
		}
	}
}

func TestReadDirectoryAgreesWithTheLibrary(t *testing.T) {
	dir := t.TempDir()
	want := []string{".", ".."}
	for i := range 500 {
		name := strings.Repeat("x", i%200+1) + fmt.Sprint(i)
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		want = append(want, name)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	defer unix.Close(fd)
	var got []string
	must(t, readDirectory(fd, make([]byte, 1024), func(name []byte) error {
		got = append(got, string(name))
		return nil
	}))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d names, want %d", len(got), len(want))
	}
}

func FuzzParseDirectory(f *testing.F) {
	fd, err := unix.Open("/proc/self", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		f.Fatal(err)
	}
	defer unix.Close(fd)
	b := make([]byte, 4096)
	n, err := unix.Getdents(fd, b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:n])
	f.Add(b[:n-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = parseDirectory(b, func(name []byte) error {
			if len(name) == 0 || bytes.IndexByte(name, 0) >= 0 {
				t.Errorf("name %q", name)
			}
			return nil
		})
	})
}

func FuzzParseSocketLink(f *testing.F) {
	f.Add([]byte("socket:[1234]"))
	f.Add([]byte("socket:[]"))
	f.Fuzz(func(t *testing.T, link []byte) {
		if inode, ok := parseSocketLink(link); ok && !strings.HasPrefix(string(link), "socket:[") {
			t.Errorf("%q is socket %d", link, inode)
		}
	})
}

func TestDescriptorsDoNotAllocate(t *testing.T) {
	n := nstest.New(t)
	count := func() float64 {
		return testing.AllocsPerRun(3, func() {
			if _, err := readOwners(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	before := count()
	manySockets(t, n, unix.SOCK_DGRAM, 4000)
	// What grows is the result, by doubling, not one by one.
	if after := count(); after > before+60 {
		t.Errorf("%v allocations with 4000 sockets more, %v without", after, before)
	}
}

func BenchmarkOwners(b *testing.B) {
	n := nstest.New(b)
	manySockets(b, n, unix.SOCK_DGRAM, *benchSockets)
	b.ReportAllocs()
	for b.Loop() {
		o, err := readOwners(b.Context())
		if err != nil || len(o.inodes) < *benchSockets {
			b.Fatalf("%d sockets, error %v", len(o.inodes), err)
		}
	}
}
