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
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Watch watches folders of names. Wait is for one goroutine at a time; Close may be
// called by any.
type Watch struct {
	// events is an epoll(7) of all that tells of changes. Who waits for it takes no thread. That a file of
	// mounts tells of a change once, and epoll may have asked it when nobody waited: another one, asked, is the truth.
	events  *os.File
	waiting syscall.RawConn // of events
	mounts  [2]int          // /proc/thread-self/mountinfo: in epoll, and asked
	inotify int             // -1 where the user has no further one
	buffer  []byte
	missing []string       // folders that are not watched
	folders map[int]string // by watch descriptor
	blind   bool           // inotify does not tell of all folders that there are
	glance  time.Duration  // how long Wait lets pass then
	closed  atomic.Bool
}

// Change is what may have changed.
type Change struct {
	All   bool     // any name may be another namespace's
	Paths []string // those that were made, deleted or renamed, in the order of that
}

// Open watches folders. One that there is not is watched once there is; in a file
// system that has no events, as /proc, none come. Where the user may have no more of inotify
// (fs.inotify.max_user_instances, max_user_watches), Wait says every ten seconds that
// anything may have changed.
func Open(folders ...string) (*Watch, error) {
	w := &Watch{
		inotify: -1, mounts: [2]int{-1, -1}, missing: folders, folders: map[int]string{}, glance: 10 * time.Second,
		buffer: make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1)),
	}
	if err := w.open(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Watch) open() (err error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil { // has Go wait for it as for a socket
		unix.Close(epoll)
		return os.NewSyscallError("fcntl", err)
	}
	w.events = os.NewFile(uintptr(epoll), "epoll")
	if w.waiting, err = w.events.SyscallConn(); err != nil {
		return err
	}
	const mounts = "/proc/thread-self/mountinfo"
	for i := range w.mounts {
		if w.mounts[i], err = unix.Open(mounts, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return &os.PathError{Op: "open", Path: mounts, Err: err}
		}
	}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, w.mounts[0], &unix.EpollEvent{Events: unix.EPOLLPRI}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	switch w.inotify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); {
	case errors.Is(err, unix.EMFILE) && !outOfFiles():
		w.inotify, w.blind = -1, true
		return nil
	case err != nil:
		w.inotify = -1
		return os.NewSyscallError("inotify_init1", err)
	}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, w.inotify, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return w.seek()
}

// outOfFiles reports whether the process may open no more files at all, of which inotify_init
// says what it says of its own limit.
func outOfFiles() bool {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	unix.Close(fd)
	return false
}

// seek watches the folders that were missing, as far as there are such now.
func (w *Watch) seek() error {
	if w.inotify < 0 {
		return nil
	}
	var missing []string
	w.blind = false
	for _, folder := range w.missing {
		const events = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ONLYDIR
		descriptor, err := unix.InotifyAddWatch(w.inotify, folder, events)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, folder)
		case errors.Is(err, unix.ENOSPC):
			missing, w.blind = append(missing, folder), true
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
	if w == nil || w.closed.Swap(true) {
		return
	}
	if w.events != nil {
		w.events.Close()
	}
	// Nobody is in Wait's look any longer.
	for _, fd := range [...]int{w.inotify, w.mounts[0], w.mounts[1]} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// Wait returns what may have changed since the last call, or since Open, as soon as
// something may have. With a limit, which is negative for none, it returns the zero
// Change after that. After Close its error matches fs.ErrClosed.
func (w *Watch) Wait(limit time.Duration) (c Change, err error) {
	look := func(uintptr) bool {
		err = w.look(&c)
		return err != nil || c.All || len(c.Paths) > 0
	}
	blind := w.blind && (limit < 0 || limit > w.glance)
	if blind {
		limit = w.glance
	}
	var until time.Time
	if limit >= 0 {
		until = time.Now().Add(limit)
	}
	// What was told already is told although no time is left.
	failed := w.waiting.Control(func(fd uintptr) { look(fd) })
	if failed == nil && err == nil && !c.All && len(c.Paths) == 0 {
		if failed = w.events.SetReadDeadline(until); failed == nil {
			failed = w.waiting.Read(look)
		}
	}
	switch {
	case w.closed.Load():
		return c, fs.ErrClosed
	case err != nil:
		return c, err
	case errors.Is(failed, os.ErrDeadlineExceeded):
		c.All = blind
		return c, nil
	}
	return c, failed
}

// look takes in what has changed.
func (w *Watch) look(c *Change) error {
	changed := []unix.PollFd{{Fd: int32(w.mounts[1]), Events: unix.POLLPRI}}
	_, err := unix.Poll(changed, 0)
	for err == unix.EINTR { // one that does not wait may be interrupted as well (fs/select.c, do_poll)
		_, err = unix.Poll(changed, 0)
	}
	switch {
	case err != nil:
		return os.NewSyscallError("poll", err)
	case changed[0].Revents != 0:
		c.All = true
		if err := w.seek(); err != nil {
			return err
		}
	}
	for w.inotify >= 0 {
		n, err := unix.Read(w.inotify, w.buffer)
		if err != nil || n <= 0 {
			break // all of it is read
		}
		w.read(w.buffer[:n], c)
	}
	return nil
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
