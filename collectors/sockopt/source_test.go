package sockopt

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// withCapabilities calls f on a thread that has only those capabilities, and ends it.
func withCapabilities(t *testing.T, keep uint64, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks it: the thread ends
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		for i := range data {
			bits := uint32(keep >> (32 * i))
			data[i] = unix.CapUserData{Effective: bits, Permitted: bits}
		}
		err := unix.Capset(&header, &data[0])
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestPrivileges(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	for _, protocol := range []netstat.Protocol{netstat.TCP, netstat.UDP, local} {
		withCapabilities(t, 1<<unix.CAP_BPF|1<<unix.CAP_PERFMON, func() {
			s := New("")
			defer s.Close()
			if _, err := s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: protocol}); err != nil {
				t.Errorf("%v, with CAP_BPF and CAP_PERFMON: %v", protocol, err)
			}
		})
		withCapabilities(t, 1<<unix.CAP_NET_ADMIN, func() {
			s := New("")
			defer s.Close()
			for range 2 {
				_, err := s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: protocol})
				if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_BPF") {
					t.Errorf("%v, without: %v", protocol, err)
				}
			}
		})
	}
}

// Who has no privilege reads what is pinned, if this version pinned it.
func TestPinned(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	mount, err := os.MkdirTemp("", "sockopt")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(mount)
	folder := filepath.Join(mount, "folder")
	if err := Pin(folder); !errors.Is(err, errNoBPFFS) {
		t.Errorf("pinned where there is no BPF file system: %v", err)
	}
	if err := unix.Mount("bpf", mount, "bpf", 0, "mode=0700"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)

	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, 3), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		t.Fatal(err)
	}
	// refused is what an error says, empty where there is to be none.
	read := func(refused string) {
		t.Helper()
		withCapabilities(t, 1<<unix.CAP_SETUID, func() {
			const nobody = 65534
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
				t.Error(errno)
				return
			}
			s := New(folder)
			defer s.Close()
			find, err := s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: netstat.TCP})
			if refused != "" {
				if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), refused) {
					t.Errorf("%v, want %q", err, refused)
				}
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			o := find(cookie, netstat.IPv4)
			if o == nil || o.Priority != netstat.Known[uint32](3) || o.ReceiveTimeout.Or(1) != 0 {
				t.Errorf("%+v", o)
			}
		})
	}
	const unpinned = "CAP_BPF and CAP_PERFMON, or by programs that are pinned"
	read(unpinned)
	if err := Pin(folder); err != nil {
		t.Fatal(err)
	}
	if err := Pin(folder); !errors.Is(err, fs.ErrExist) {
		t.Errorf("pinned twice: %v", err)
	}
	paths, err := pinned(folder)
	if err != nil || len(paths) != 3 {
		t.Fatalf("%v, %v", paths, err)
	}
	if closed, mode, err := Closed(folder); err != nil || closed != mount || mode != 0o700 {
		t.Errorf("%q with mode %o, %v", closed, mode, err)
	}
	read(unpinned)
	if err := os.Chmod(mount, 0o711); err != nil {
		t.Fatal(err)
	}
	if closed, _, err := Closed(folder); err != nil || closed != "" {
		t.Errorf("%q, %v", closed, err)
	}
	read("")
	// Programs that write other records have other names.
	for _, path := range paths {
		if err := os.Rename(path, path[:len(path)-1]+"x"); err != nil {
			t.Fatal(err)
		}
	}
	read("another version's")
	if err := Pin(folder); !errors.Is(err, fs.ErrExist) {
		t.Errorf("pinned beside another version's: %v", err)
	}
	for range 2 {
		if err := Unpin(folder); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left over: %v", err)
	}
	read(unpinned)
}

// TestNothingIsLoadedUnasked holds that a source costs nothing before it is used, and
// that it loads each program once.
func TestNothingIsLoadedUnasked(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	s := New("")
	if s.types != nil || len(s.loaded) != 0 {
		t.Error("something is loaded")
	}
	if _, err := s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: netstat.UDP}); err != nil {
		t.Fatal(err)
	}
	first := s.loaded[listing{protocol: netstat.UDP}]
	if len(s.loaded) != 1 {
		t.Errorf("%d programs for one protocol", len(s.loaded))
	}
	if _, err := s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: netstat.UDP}); err != nil || s.loaded[listing{protocol: netstat.UDP}] != first {
		t.Errorf("loaded again: %v, %v", s.loaded[listing{protocol: netstat.UDP}] != first, err)
	}
	if err := s.Close(); err != nil || len(s.loaded) != 0 {
		t.Errorf("%d are still loaded: %v", len(s.loaded), err)
	}
}

// TestWantIsNoLack holds that a program that cannot be loaded for want of something is not replaced by one that is
// told less, and is loaded later: of files, whichever of those that loading opens there is no room for.
func TestWantIsNoLack(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	ask := func(s *Source) (asks bool, err error) {
		_, err = s.ReadSocketOptions(t.Context(), netstat.SocketOptionQuery{Protocol: netstat.TCP})
		if i := s.loaded[listing{protocol: netstat.TCP}]; i != nil {
			asks = i.by == asking
		}
		return asks, err
	}
	s := New("")
	defer s.Close()
	want, err := ask(s)
	if err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	wanting := 0
	for room := range 16 {
		s := New("")
		defer s.Close()
		next, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0) // the lowest that is free
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(next)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next + room), Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		asks, err := ask(s)
		if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
			t.Fatal(restored)
		}
		if err != nil {
			wanting++
			clear(s.failed) // as failedFor does
			asks, err = ask(s)
		}
		if asks != want || err != nil {
			t.Errorf("room for %d files: asks for options %v, want %v: %v", room, asks, want, err)
		}
	}
	if wanting == 0 {
		t.Error("there was room for all files each time")
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	s := New("")
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.ReadSocketOptions(ctx, netstat.SocketOptionQuery{Protocol: netstat.UDP}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// listings are all lists that programs are made for.
var listings = []listing{{protocol: netstat.TCP}, {protocol: netstat.UDP}, {protocol: local}, {netstat.TCP, true}, {netstat.UDP, true}}

// runningTypes are those of the kernel that the test runs on.
func runningTypes(t testing.TB) ([]byte, *kernelTypes) {
	t.Helper()
	nstest.NeedsKernel(t, "CONFIG_DEBUG_INFO_BTF")
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	types, err := typesOf(b, 8)
	if err != nil {
		t.Fatal(err)
	}
	return b, types
}

// FuzzRecords reads whatever octets as records.
func FuzzRecords(f *testing.F) {
	b, err := os.ReadFile("testdata/debian-6.1-amd64.btf")
	if err != nil {
		f.Fatal(err)
	}
	types, err := typesOf(b, 8)
	if err != nil {
		f.Fatal(err)
	}
	var readers []*reader
	for _, list := range listings {
		for _, by := range list.means() {
			l, err := newLayout(types, list, by)
			if err != nil {
				f.Fatal(err)
			}
			for _, hz := range []uint64{0, 250} {
				readers = append(readers, &reader{layout: l, hz: hz, pingPong: hz, settings: map[netstat.Family]*netstat.SocketOptions{netstat.IPv4: {}}})
			}
		}
	}
	f.Add([]byte{})
	f.Add(make([]byte, 512))
	for _, r := range readers {
		b := make([]byte, 2*r.size)
		for i := range b {
			b[i] = byte(i) | 1
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range readers {
			table := newTable(r.layout)
			err := table.add(b)
			if (err != nil) != (len(b)%r.size != 0) {
				t.Errorf("%d octets, of %d each: %v", len(b), r.size, err)
			}
			if table.sockets > len(b)/r.size {
				t.Errorf("%d sockets of %d octets", table.sockets, len(b))
			}
			v := view{table: table, reader: *r, options: make([]*netstat.SocketOptions, len(table.distinct))}
			for i := range table.sockets {
				s := table.at(i)
				o := v.of(s.cookie, s.family)
				if o == nil {
					t.Fatalf("the socket with cookie %d is not found", s.cookie)
				}
				for _, option := range netstat.AllSocketOptions() {
					if o.ByLayout.Has(option) && o.Source(option) != netstat.OptionByLayout {
						t.Errorf("%v is said to be known, and is %v", option, o.Source(option))
					}
				}
			}
		}
	})
}

// FuzzEnumerators reads whatever octets as type information.
func FuzzEnumerators(f *testing.F) {
	names := map[string]bool{"A": true}
	number := func(n ...uint32) (b []byte) {
		for _, n := range n {
			b = binary.NativeEndian.AppendUint32(b, n)
		}
		return b
	}
	header := binary.NativeEndian.AppendUint16(nil, btfMagic)
	header = append(append(header, 1, 0), number(sizeofHeader, 0, 28, 28, 3)...)
	// An enumeration without a name, of A = 7 and another.
	good := append(append(header, number(0, kindEnum<<24|2, 4, 1, 7, 0, 8)...), 0, 'A', 0)
	f.Add([]byte(nil))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := findEnumerators(b, names)
		if err != nil && !errors.Is(err, errMalformedTypes) {
			t.Error(err)
		}
		if len(found) > 1 {
			t.Errorf("found %v", found)
		}
		if string(b) == string(good) && (err != nil || found["A"] != 7) {
			t.Errorf("A is %v, %v", found, err)
		}
	})
}

// TestEnumerators compares with what package btf makes of the same.
func TestEnumerators(t *testing.T) {
	b, types := runningTypes(t)
	found, err := findEnumerators(b, map[string]bool{"SOCK_KEEPOPEN": true, "BPF_PROG_TYPE_TRACING": true, "no such name": true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{"BPF_PROG_TYPE_TRACING": 26}
	if n, err := types.enumerator("SOCK_KEEPOPEN"); err == nil {
		want["SOCK_KEEPOPEN"] = n
	}
	if len(found) != 2 || found["BPF_PROG_TYPE_TRACING"] != want["BPF_PROG_TYPE_TRACING"] || found["SOCK_KEEPOPEN"] != want["SOCK_KEEPOPEN"] {
		t.Errorf("%v, want %v", found, want)
	}
}

func TestDeferAcceptInSeconds(t *testing.T) {
	// From the loop of retrans_to_secs, by hand: 1, 1+2, 1+2+4, ... and the limit from the
	// eighth on.
	for retransmits, want := range map[uint64]int{0: 0, 1: 1, 2: 3, 3: 7, 5: 31, 7: 127, 8: 247, 9: 367} {
		if got := deferred(retransmits, 120); got.Seconds() != float64(want) {
			t.Errorf("%d: %v, want %d s", retransmits, got, want)
		}
	}
}
