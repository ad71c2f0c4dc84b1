package netnsnames

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// told waits until changes were told of that have a path, or of anything where path is "".
func told(t *testing.T, w *Watch, path string) {
	t.Helper()
	nstest.Eventually(t, func() string {
		c, err := w.Wait(0)
		switch {
		case err != nil:
			t.Fatal(err)
		case path == "" && c.All, path != "" && slices.Contains(c.Paths, path):
			return ""
		}
		return "nothing is told of " + path
	})
}

func TestFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "names")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	blue, red := filepath.Join(folder, "blue"), filepath.Join(folder, "red")
	for _, c := range []struct {
		do   func() error
		path string
	}{
		{func() error { return os.Symlink("/proc/self/ns/net", blue) }, blue},
		{func() error { return os.Rename(blue, red) }, red},
		{func() error { return os.Remove(red) }, red},
		{func() error { return os.Remove(folder) }, ""},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		told(t, w, c.path)
	}
}

// TestMounts holds that a namespace's coming and going is told, and that a folder which
// came after the watch is watched from the next mount on.
func TestMounts(t *testing.T) {
	nstest.NeedsRoot(t)
	folder := filepath.Join(t.TempDir(), "later")
	w, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	nstest.New(t)
	told(t, w, "")
	blue := filepath.Join(folder, "blue")
	if err := os.WriteFile(blue, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told(t, w, blue)
}

// Who waits takes no thread of the system's: a program may watch many names.
func TestWaitingTakesNoThread(t *testing.T) {
	threads := func() int {
		all, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	const watches = 40
	before := threads()
	folder := t.TempDir()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for range watches {
		w, err := Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := w.Wait(0); err != nil {
			t.Fatal(err)
		}
		told := make(chan Change)
		waiting.Go(func() {
			c, _ := w.Wait(-1)
			told <- c
		})
		defer func() {
			if c := <-told; len(c.Paths) == 0 && !c.All {
				t.Error("nothing is told")
			}
		}()
	}
	if grew := threads() - before; grew > watches/2 {
		t.Errorf("%d waits take %d threads", watches, grew)
	}
	if err := os.WriteFile(filepath.Join(folder, "blue"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// limited is set in a process of this test that may have nothing of inotify.
const limited = "NETNSNAMES_LIMITED"

// Without inotify, of which a user has 128 instances at first, mounts are told: ip-netns(8)
// makes names by them.
func TestWithoutInotify(t *testing.T) {
	if os.Getenv(limited) == "" {
		nstest.NeedsRoot(t)
		nstest.NeedsKernel(t, "CONFIG_USER_NS")
		again := exec.Command(os.Args[0], "-test.run=^TestWithoutInotify$", "-test.v")
		again.Env = append(os.Environ(), limited+"=1")
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, Unshareflags: 0,
			UidMappings: []syscall.SysProcIDMap{{Size: 1}}, GidMappings: []syscall.SysProcIDMap{{Size: 1}},
		}
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.InotifyInit(); !errors.Is(err, unix.EMFILE) {
		t.Fatalf("inotify_init: %v", err)
	}
	folder := t.TempDir()
	w, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := unix.Mount("none", folder, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(folder, unix.MNT_DETACH)
	told(t, w, "")
	w.glance = time.Millisecond
	if c, err := w.Wait(-1); err != nil || !c.All { // it looks itself
		t.Errorf("%+v, %v", c, err)
	}
}

func TestClose(t *testing.T) {
	w, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		for {
			if _, err := w.Wait(-1); err != nil {
				ended <- err
				return
			}
		}
	}()
	w.Close()
	if err := <-ended; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	w.Close()
	(*Watch)(nil).Close()
	if _, err := w.Wait(-1); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("once more: %v", err)
	}
}
