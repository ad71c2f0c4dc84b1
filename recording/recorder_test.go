package recording

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var onlyRoutes = Options{Kinds: []Kind{KindRoute}}

// recordRoutes records a moment of n routes.
func recordRoutes(t *testing.T, r *Recorder, n int) {
	t.Helper()
	if err := r.Record(context.Background(), onlyRoutes, One(fake{routes: routes(n)})); err != nil {
		t.Fatal(err)
	}
}

// wantMoments checks how many routes each moment of a file has.
func wantMoments(t *testing.T, path string, counts ...int) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Damage() != nil || f.Len() != len(counts) {
		t.Fatalf("%d moments of %d, damage %v", f.Len(), len(counts), f.Damage())
	}
	for i, want := range counts {
		s, err := f.Stack(Choice{Moment: netstat.Known(i)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("moment %d: %d routes of %d", i, n, want)
		}
	}
}

// wantFiles checks what a directory holds.
func wantFiles(t *testing.T, directory string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Fatalf("%v are there, not %v", entries, names)
	}
	for i, e := range entries {
		if e.Name() != names[i] {
			t.Errorf("%v are there, not %v", entries, names)
		}
	}
}

func TestCreateAndAppend(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "a")
	if err := os.WriteFile(path, []byte("what was there"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "what was there" {
		t.Fatalf("before the first moment: %q, %v", content, err)
	}
	recordRoutes(t, r, 10)
	wantFiles(t, directory, "a")
	wantMoments(t, path, 10)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	recordRoutes(t, r, 20)
	wantMoments(t, path, 10, 20)

	if other, err := Append(path); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("two record into one file: %v, %v", other, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantMoments(t, path, 10, 20)

	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = Append(path); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || after.Size() != before.Size() {
		t.Errorf("appending nothing made %d octets of %d, %v", after.Size(), before.Size(), err)
	}
	if r, err = Append(path); err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, r, 30)
	wantMoments(t, path, 10, 20, 30)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantMoments(t, path, 10, 20, 30)

	// A file that is not there is made.
	if r, err = Append(filepath.Join(directory, "b")); err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, r, 5)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantMoments(t, filepath.Join(directory, "b"), 5)

	// Without a moment there is nothing.
	if r, err = Create(filepath.Join(directory, "c")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, directory, "a", "b")
	if _, err := Create(filepath.Join(directory, "none", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}

// A moment that fails leaves the file as it was, and the next one goes on.
func TestFailedMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	fails := func() {
		t.Helper()
		if err := r.Record(cancelled, onlyRoutes, One(fake{routes: routes(2 * blockRows)})); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	fails()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a first moment that failed: %v", err)
	}
	recordRoutes(t, r, 10)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fails()
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%d octets became %d, %v", len(before), len(after), err)
	}
	recordRoutes(t, r, 20)
	wantMoments(t, path, 10, 20)
}

// Append goes on after whatever an interrupted writer left, and refuses what is
// damaged otherwise.
func TestAppendToAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, r, 10)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for _, err := range f.Moments() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d moments", n)
	}
}

func TestAppendAfterCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, r, 10)
	first := r.writer.offset
	recordRoutes(t, r, 300)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for length := first; length <= int64(len(whole)); length += 7 {
		if err := os.WriteFile(path, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err = Append(path); err != nil {
			t.Fatalf("%d octets: %v", length, err)
		}
		recordRoutes(t, r, 20)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Damage(); err != nil {
			t.Fatalf("%d octets: damage %v", length, err)
		}
		for at, want := range map[int]int{0: 10, f.Len() - 1: 20} {
			s, err := f.Stack(Choice{Moment: netstat.Known(at)})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
				if err != nil {
					t.Fatalf("%d octets: %v", length, err)
				}
				n++
			}
			if n != want {
				t.Fatalf("%d octets, moment %d: %d routes of %d", length, at, n, want)
			}
		}
		f.Close()
	}
	damaged := bytes.Clone(whole[:len(whole)-trailerSize])
	damaged[first+1] ^= 1
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(path); !errors.Is(err, ErrCorrupt) {
		t.Errorf("append to what is damaged: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, damaged) {
		t.Errorf("it was changed: %v", err)
	}
}

// Damage of the index, or of the trailer that leads to it, is said and loses
// nothing: recording goes on in its place.
func TestAppendAfterDamagedIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, r, 10)
	index := r.writer.offset
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) <= int(index)+trailerSize {
		t.Fatal("there is no index")
	}
	for i := int(index); i < len(whole); i++ {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x55
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var at *FormatError
		if !errors.As(f.Damage(), &at) || at.Offset < index || at.Offset > int64(i) {
			t.Fatalf("octet %d: the damage is %v", i, f.Damage())
		}
		f.Close()
		if r, err = Append(path); err != nil {
			t.Fatalf("octet %d: %v", i, err)
		}
		recordRoutes(t, r, 20)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if f, err = Open(path); err != nil {
			t.Fatal(err)
		}
		if f.Len() != 2 || f.Damage() != nil {
			t.Fatalf("octet %d: %d moments, damage %v", i, f.Len(), f.Damage())
		}
		f.Close()
	}
}

// A recording goes where a symbolic link leads, whether or not something is there.
func TestSymbolicLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Symlink("sub/other", link), os.Symlink("file", filepath.Join(dir, "sub/other"))); err != nil {
		t.Fatal(err)
	}
	for moments := 1; moments <= 2; moments++ {
		r, err := Append(link)
		if err != nil {
			t.Fatal(err)
		}
		recordRoutes(t, r, 10)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := Open(filepath.Join(dir, "sub/file"))
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != moments {
			t.Errorf("%d moments, want %d", f.Len(), moments)
		}
		f.Close()
		if target, err := os.Readlink(link); target != "sub/other" {
			t.Errorf("the link leads to %q, %v", target, err)
		}
	}
	for name, want := range map[string]error{"nowhere/file": os.ErrNotExist, "round": syscall.ELOOP} {
		if err := os.Symlink(name, filepath.Join(dir, filepath.Base(name))); err != nil {
			t.Fatal(err)
		}
		if _, err := Append(filepath.Join(dir, filepath.Base(name))); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// TestFullDisk records onto a small tmpfs that only a child process sees.
func TestFullDisk(t *testing.T) {
	nstest.NeedsRoot(t)
	const marker = "RECORDING_TEST_FULL_DISK"
	directory := os.Getenv(marker)
	if directory == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), marker+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFullDisk")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(os.NewSyscallError("mount", err))
	}
	path := filepath.Join(directory, "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	full := func() {
		t.Helper()
		err := r.Record(context.Background(), onlyRoutes, One(fake{routes: routes(200_000)}))
		var at *WriteError
		if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &at) || at.Name != path || at.Offset == 0 || at.Offset > 256<<10 {
			t.Fatal(err)
		}
	}
	full()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file after a first moment that failed: %v", err)
	}
	recordRoutes(t, r, 1000)
	full()
	wantMoments(t, path, 1000)
	recordRoutes(t, r, 500)
	wantMoments(t, path, 1000, 500)
	// No room for the index.
	filler, err := os.Create(filepath.Join(directory, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := filler.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	wantMoments(t, path, 1000, 500)
}

// Recording and reading need no more memory for more rows.
func TestMemory(t *testing.T) {
	const n = 300_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	before, most := heap(), uint64(0)
	watched := func(yield func(netstat.Route, error) bool) {
		i := 0
		for route := range routes(n) {
			if i++; i%(n/10) == 0 {
				most = max(most, heap())
			}
			if !yield(route, nil) {
				return
			}
		}
	}
	if err := r.Record(context.Background(), onlyRoutes, One(fake{routes: watched})); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	const limit = 24 << 20
	if most > before+limit {
		t.Errorf("recording takes %d octets, more than %d", most-before, limit)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.Stack(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	before, most = heap(), 0
	i := 0
	for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i++; i%(n/10) == 0 {
			most = max(most, heap())
		}
	}
	if i != n {
		t.Errorf("%d routes of %d", i, n)
	}
	if most > before+limit {
		t.Errorf("reading takes %d octets, more than %d", most-before, limit)
	}
	t.Logf("recording and reading: %d KiB at most", most>>10)
}
