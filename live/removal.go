package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/netnsnames"
)

// removalWatch waits for the name of a network namespace to go, or to become
// another's. A socket keeps its namespace alive: without the watch a stack would
// hold the interfaces of a namespace that its owner has deleted.
type removalWatch struct {
	names *netnsnames.Watch
	path  string
}

// watchRemoval watches the name of a namespace as collectors.OpenNetNS takes it.
// Names that are not in a directory that can be watched (/proc, and none at all)
// have no watch.
func watchRemoval(name string) (*removalWatch, error) {
	if name == "" {
		return nil, nil
	}
	path := name
	if !strings.Contains(name, "/") {
		path = filepath.Join("/run/netns", name)
	}
	var at unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &at); err != nil {
		return nil, &os.PathError{Op: "open network namespace", Path: path, Err: err}
	}
	if at.Type == unix.PROC_SUPER_MAGIC {
		return nil, nil
	}
	names, err := netnsnames.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return &removalWatch{names, filepath.Clean(path)}, nil
}

// close ends wait. It may be called of nil, and more than once.
func (w *removalWatch) close() {
	if w != nil {
		w.names.Close()
	}
}

// wait returns when the name is not that of the kernel's namespace any more, with
// an error that says so, or when the watch was closed.
func (w *removalWatch) wait(kernel *collectors.Kernel) error {
	// What happened between the watch's beginning and the namespace's opening.
	changed := true
	for {
		if changed {
			_, gone := os.Lstat(w.path)
			info, err := os.Stat(w.path)
			if errors.Is(gone, fs.ErrNotExist) || err == nil && !kernel.IsNetNS(info) {
				return fmt.Errorf("network namespace %s was removed: %w", w.path, fs.ErrNotExist)
			}
		}
		c, err := w.names.Wait(-1)
		switch {
		case errors.Is(err, fs.ErrClosed):
			return err
		case err != nil:
			return fmt.Errorf("watch network namespace %s: %w", w.path, err)
		}
		changed = c.All || slices.Contains(c.Paths, w.path)
	}
}
