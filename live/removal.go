package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// removalWatch waits for the name of a network namespace to go. A socket keeps
// its namespace alive: without the watch a stack would hold the interfaces of a
// namespace that its owner has deleted.
type removalWatch struct {
	file *os.File // inotify(7)
	name string
	path string
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
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_ONLYDIR); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return &removalWatch{os.NewFile(uintptr(fd), "inotify"), filepath.Base(path), path}, nil
}

// close ends wait. It may be called of nil.
func (w *removalWatch) close() {
	if w != nil {
		w.file.Close()
	}
}

// wait returns when the name is gone, with an error that says so, or when the
// watch was closed.
func (w *removalWatch) wait() error {
	gone := fmt.Errorf("network namespace %s was removed: %w", w.path, fs.ErrNotExist)
	buffer := make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	for {
		n, err := w.file.Read(buffer)
		if errors.Is(err, fs.ErrClosed) {
			return err
		}
		if err != nil {
			return fmt.Errorf("watch network namespace %s: %w", w.path, err)
		}
		for b := buffer[:n]; len(b) >= unix.SizeofInotifyEvent; {
			// struct inotify_event: wd, mask, cookie, len, name.
			mask, length := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
			size := unix.SizeofInotifyEvent + int(length)
			if size > len(b) {
				break
			}
			named := strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00")
			if named == w.name || mask&unix.IN_Q_OVERFLOW != 0 {
				if _, err := os.Lstat(w.path); errors.Is(err, fs.ErrNotExist) {
					return gone
				}
			}
			b = b[size:]
		}
	}
}
