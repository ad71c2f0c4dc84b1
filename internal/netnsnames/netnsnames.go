// Package netnsnames tells when the names of network namespaces may have changed.
//
// A name is a file that a namespace is mounted on, or a link to one. Making, deleting and
// renaming it is told by inotify(7). Mounting and unmounting is not: that is a change of
// /proc/self/mountinfo, which poll(2) tells without saying of what. A link into /proc
// leads nowhere once its process has ended, which nobody tells.
package netnsnames

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Watch watches folders of names. Wait is for one goroutine at a time; Close may be
// called by any.
type Watch struct {
	inotify int
	mounts  int // /proc/thread-self/mountinfo
	stop    int // eventfd(2) that ends Wait
	buffer  []byte
	missing []string       // folders that there are not yet
	folders map[int]string // by watch descriptor

	// using is held by who uses the descriptors, and by Close to close them.
	using  sync.RWMutex
	closed bool
}

// Change is what may have changed.
type Change struct {
	All   bool     // any name may be another namespace's
	Paths []string // those that were made, deleted or renamed, in the order of that
}

// Open watches folders. One that there is not is watched once there is; in a file
// system that has no events, as /proc, none come.
func Open(folders ...string) (*Watch, error) {
	w := &Watch{
		inotify: -1, mounts: -1, stop: -1, missing: folders, folders: map[int]string{},
		buffer: make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1)),
	}
	if err := w.open(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Watch) open() (err error) {
	if w.inotify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
		return os.NewSyscallError("inotify_init1", err)
	}
	const mounts = "/proc/thread-self/mountinfo"
	if w.mounts, err = unix.Open(mounts, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: mounts, Err: err}
	}
	if w.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	return w.seek()
}

// seek watches the folders that were missing, as far as there are such now.
func (w *Watch) seek() error {
	var missing []string
	for _, folder := range w.missing {
		const events = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ONLYDIR
		descriptor, err := unix.InotifyAddWatch(w.inotify, folder, events)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, folder)
		case err != nil:
			return &os.PathError{Op: "inotify_add_watch", Path: folder, Err: err}
		default:
			w.folders[descriptor] = folder
		}
	}
	w.missing = missing
	return nil
}

// Close ends Wait. It may be called of nil, and more than once.
func (w *Watch) Close() {
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

// Wait returns what may have changed since the last call, or since Open, as soon as
// something may have. With a limit, which is negative for none, it returns the zero
// Change after that. After Close its error matches fs.ErrClosed.
func (w *Watch) Wait(limit time.Duration) (c Change, err error) {
	w.using.RLock()
	defer w.using.RUnlock()
	timeout := -1
	if limit >= 0 {
		timeout = int((limit + time.Millisecond - 1) / time.Millisecond)
	}
	for !w.closed {
		fds := []unix.PollFd{
			{Fd: int32(w.inotify), Events: unix.POLLIN}, {Fd: int32(w.mounts), Events: unix.POLLPRI}, {Fd: int32(w.stop), Events: unix.POLLIN},
		}
		n, err := unix.Poll(fds, timeout)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return c, os.NewSyscallError("poll", err)
		case n == 0:
			return c, nil
		case fds[2].Revents != 0:
			return c, fs.ErrClosed
		}
		if fds[1].Revents != 0 {
			c.All = true
			if err := w.seek(); err != nil {
				return c, err
			}
		}
		for fds[0].Revents != 0 {
			n, err := unix.Read(w.inotify, w.buffer)
			if err != nil || n <= 0 {
				break // all of it is read
			}
			w.read(w.buffer[:n], &c)
		}
		if c.All || len(c.Paths) > 0 {
			return c, nil
		}
	}
	return c, fs.ErrClosed
}

// read takes inotify events in.
func (w *Watch) read(events []byte, c *Change) {
	for b := events; len(b) >= unix.SizeofInotifyEvent; {
		// struct inotify_event: wd, mask, cookie, len, name.
		descriptor := int(int32(binary.NativeEndian.Uint32(b)))
		mask, length := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
		size := unix.SizeofInotifyEvent + int(length)
		if size > len(b) {
			return
		}
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00")
		folder, known := w.folders[descriptor]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			c.All = true
		case known && mask&unix.IN_IGNORED != 0: // the folder is gone
			delete(w.folders, descriptor)
			w.missing = append(w.missing, folder)
			c.All = true
		case known:
			c.Paths = append(c.Paths, filepath.Join(folder, name))
		}
		b = b[size:]
	}
}
