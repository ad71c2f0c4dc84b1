package collectors

import (
	"bytes"
	"context"
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
	self := netstat.Process{PID: int32(os.Getpid()), Name: ownName(t), Program: os.Args[0]}
	want := func(s netstat.Socket, processes ...netstat.Process) {
		t.Helper()
		slices.SortFunc(processes, func(a, b netstat.Process) int { return int(a.PID - b.PID) })
		held, known := s.Processes.Get()
		got := slices.Clone(held)
		for i := range got {
			if fd, ok := got[i].FD.Get(); !ok || fd <= 2 {
				t.Errorf("%v at %v is held by %v by its descriptor %v", s.Protocol, s.Local, got[i], got[i].FD)
			}
			got[i].FD = netstat.Optional[int32]{}
		}
		if !known || !slices.Equal(got, processes) {
			t.Errorf("%v at %v is held by %v, want %v", s.Protocol, s.Local, s.Processes, processes)
		}
	}
	want(at(t, all, 5001, netstat.Listen), self)
	want(at(t, all, 5002, netstat.Close), self, netstat.Process{PID: int32(child.Process.Pid), Name: "sleep", Program: "sleep"})
	for _, s := range all {
		if s.State == netstat.TimeWait {
			want(s)
		}
	}
}

// TestOwnersInAPIDNamespace looks for owners where every process can be read,
// which the machine that tests run on does not always grant.
func TestOwnersInAPIDNamespace(t *testing.T) {
	nstest.NeedsRoot(t)
	for _, part := range []string{"owners of nothing", "owners of what is opened late", "owners shared by queries"} {
		asHelper(t, part, "unshare", "--pid", "--fork", "--mount-proc", "--net")
	}
}

// TestRowsWithoutOwnersAreNotKept has more rows that nobody holds than are kept.
func TestRowsWithoutOwnersAreNotKept(t *testing.T) {
	const count = 2*mostLate + 5
	var inodes []uint32
	r := enrichedRows[netstat.Socket]{
		yield: func(s netstat.Socket, err error) bool {
			inodes = append(inodes, s.Inode.Or(0))
			return err == nil
		},
		by: newOwning(netstat.NewSocketOwners(nil), true, socketInode, ownSocket),
	}
	must(t, r.begin(t.Context()))
	for i := range count {
		more, err := r.add(t.Context(), &netstat.Socket{Inode: netstat.Known[uint32](1<<31 + uint32(i))})
		must(t, err)
		if !more || len(r.late) >= mostLate {
			t.Fatalf("row %d: %d are kept, more are wanted: %v", i, len(r.late), more)
		}
	}
	must(t, r.finish(t.Context()))
	if len(inodes) != count || !slices.IsSorted(inodes) {
		t.Errorf("%d rows of %d, in order: %v", len(inodes), count, slices.IsSorted(inodes))
	}
}

func helpOwnersOfNothing(ctx context.Context) error {
	o, err := readOwners(ctx)
	if err != nil {
		return err
	}
	if !o.Complete() {
		return fmt.Errorf("%d processes are hidden, invisible ones: %v", o.Hidden, o.Invisible)
	}
	if processes := o.Of(1 << 30); !processes.IsKnown() || len(processes.Or(nil)) != 0 {
		return fmt.Errorf("a socket that nobody holds: %v", processes)
	}
	return nil
}

// helpOwnersLate has a socket opened while the rows are read.
func helpOwnersLate(ctx context.Context) error {
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	open := func(kind, port int) error {
		fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Port: port})
		}
		if err == nil && kind == unix.SOCK_STREAM {
			err = unix.Listen(fd, 1)
		}
		return err
	}
	if err := open(unix.SOCK_DGRAM, 6001); err != nil {
		return err
	}
	second := false
	held := make(map[uint16]int)
	for s, err := range k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP, netstat.TCP}, Processes: true}) {
		if err != nil {
			return err
		}
		held[s.Local.Port()] = len(s.Processes.Or(nil))
		if !second {
			second = true
			if err := open(unix.SOCK_STREAM, 6002); err != nil {
				return err
			}
		}
	}
	if len(held) != 2 || held[6001] != 1 || held[6002] != 1 {
		return fmt.Errorf("processes by port: %v, want one each at 6001 and 6002", held)
	}
	return nil
}

// helpOwnersShared has a look at the processes used by two queries, after
// further sockets were opened.
func helpOwnersShared(ctx context.Context) error {
	k, err := Open(Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	owners, err := k.SocketOwners(ctx)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 5004}); err != nil {
		return err
	}
	local, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	held := make(map[int32]int32) // descriptor to process
	note := func(holders netstat.Optional[[]netstat.Process]) {
		for _, p := range holders.Or(nil) {
			held[p.FD.Or(-1)] = p.PID
		}
	}
	for s, err := range k.Sockets(ctx, netstat.SocketQuery{Owners: owners}) {
		if err != nil {
			return err
		}
		note(s.Processes)
	}
	for s, err := range k.UnixSockets(ctx, netstat.EndpointQuery{Owners: owners}) {
		if err != nil {
			return err
		}
		note(s.Processes)
	}
	if self := int32(os.Getpid()); len(held) != 2 || held[int32(fd)] != self || held[int32(local)] != self {
		return fmt.Errorf("descriptors held: %v, want %d and %d by %d", held, fd, local, self)
	}
	return nil
}

func TestOwnerHasTheLowestDescriptor(t *testing.T) {
	n := nstest.New(t)
	fd := bound(t, n, unix.SOCK_DGRAM, 0, inet4(t, "127.0.0.1", 5003))
	second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, fd+1)
	must(t, err)
	defer unix.Close(second)
	k := open(t, n)
	o, err := k.SocketOwners(t.Context())
	must(t, err)
	all := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols, Owners: o})
	if p := at(t, all, 5003, netstat.Close).Processes.Or(nil); len(p) != 1 || p[0].FD != netstat.Known(int32(fd)) {
		t.Errorf("held by %v, want the descriptor %d", p, fd)
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
		if err != nil || o.Len() < *benchSockets {
			b.Fatalf("%d sockets, error %v", o.Len(), err)
		}
	}
}
