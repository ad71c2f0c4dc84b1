package netnsnames

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
