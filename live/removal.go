package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
)

// removalWatch waits for the name of a network namespace to go, or to become
// another's. A socket keeps its namespace alive: without the watch a stack would
// hold the interfaces of a namespace that its owner has deleted.
type removalWatch struct {
	inotify int // inotify(7) of the folder that has the name
	mounts  int // /proc/thread-self/mountinfo, whose changes poll(2) tells
	stop    int // eventfd(2) that ends wait
	name    string
	path    string

	// using is held by who uses the descriptors, and by close to close them.
	using  sync.RWMutex
	closed bool
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
	w := &removalWatch{inotify: -1, mounts: -1, stop: -1, name: filepath.Base(path), path: path}
	if err := w.open(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *removalWatch) open() (err error) {
	if w.inotify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	const events = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(w.inotify, filepath.Dir(w.path), events); err != nil {
		return os.NewSyscallError("inotify_add_watch", err)
	}
	// A namespace's name is a mount point: unmounting it leaves an empty file.
	const mounts = "/proc/thread-self/mountinfo"
	if w.mounts, err = unix.Open(mounts, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: mounts, Err: err}
	}
	if w.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	return nil
}

// close ends wait. It may be called of nil, and more than once.
func (w *removalWatch) close() {
	if w == nil {
		return
	}
	if w.stop >= 0 {
		_, _ = unix.Write(w.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	w.using.Lock()
	defer w.using.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	for _, fd := range [...]int{w.inotify, w.mounts, w.stop} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// wait returns when the name is not that of the kernel's namespace any more, with
// an error that says so, or when the watch was closed.
func (w *removalWatch) wait(kernel *collectors.Kernel) error {
	w.using.RLock()
	defer w.using.RUnlock()
	buffer := make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	// What happened between the watch's beginning and the namespace's opening.
	changed := true
	for !w.closed {
		if changed {
			_, gone := os.Lstat(w.path)
			info, err := os.Stat(w.path)
			if errors.Is(gone, fs.ErrNotExist) || err == nil && !kernel.IsNetNS(info) {
				return fmt.Errorf("network namespace %s was removed: %w", w.path, fs.ErrNotExist)
			}
		}
		fds := []unix.PollFd{
			{Fd: int32(w.inotify), Events: unix.POLLIN}, {Fd: int32(w.mounts), Events: unix.POLLPRI}, {Fd: int32(w.stop), Events: unix.POLLIN},
		}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("watch network namespace %s: %w", w.path, os.NewSyscallError("poll", err))
		}
		if fds[2].Revents != 0 {
			break
		}
		changed = fds[1].Revents != 0
		for fds[0].Revents != 0 {
			n, err := unix.Read(w.inotify, buffer)
			if err != nil || n <= 0 {
				break // all of it is read
			}
			changed = changed || w.concerns(buffer[:n])
		}
	}
	return fs.ErrClosed
}

// concerns reports whether inotify events may be about the name.
func (w *removalWatch) concerns(events []byte) bool {
	for b := events; len(b) >= unix.SizeofInotifyEvent; {
		// struct inotify_event: wd, mask, cookie, len, name.
		mask, length := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
		size := unix.SizeofInotifyEvent + int(length)
		if size > len(b) {
			break
		}
		if mask&unix.IN_Q_OVERFLOW != 0 || strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00") == w.name {
			return true
		}
		b = b[size:]
	}
	return false
}
