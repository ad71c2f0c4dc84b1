package collectors

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where ip-netns(8) keeps the names of network namespaces.
const netnsDir = "/run/netns"

// NetNS is a handle on a network namespace. The namespace lives at least as
// long as the handle is open, even when its name is removed meanwhile.
type NetNS struct {
	name string
	file *os.File
}

// OpenNetNS opens the namespace that name says: a name given by ip-netns(8),
// which stands under /run/netns, or a path, which contains a slash
// ("/proc/1/ns/net"). The error matches fs.ErrNotExist when there is none.
func OpenNetNS(name string) (*NetNS, error) {
	path := name
	if !strings.Contains(name, "/") {
		if name == "" || name == "." || name == ".." {
			return nil, fmt.Errorf("%q is not the name of a network namespace", name)
		}
		path = filepath.Join(netnsDir, name)
	}
	return openNetNS(name, path)
}

// OpenNetNSOf opens the network namespace of the process pid. The error matches fs.ErrNotExist
// where there is no such process, and fs.ErrPermission where its namespace may not be looked at.
func OpenNetNSOf(pid int) (*NetNS, error) {
	path := fmt.Sprintf("/proc/%d/ns/net", pid)
	return openNetNS(path, path)
}

var errNotNetNS = errors.New("not a network namespace")

func openNetNS(name, path string) (*NetNS, error) {
	// Opening a FIFO would wait for who writes into it.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	// A name whose namespace was never mounted, or was unmounted, is an
	// ordinary file.
	kind, err := unix.IoctlRetInt(int(file.Fd()), unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		file.Close()
		return nil, fmt.Errorf("open network namespace: %s is %w", path, errNotNetNS)
	}
	return &NetNS{name: name, file: file}, nil
}

// Name returns the name or path that the namespace was opened by.
func (n *NetNS) Name() string { return n.name }

// Close releases the handle. Closing again is no error.
func (n *NetNS) Close() error { return notClosedBefore(n.file.Close()) }

// notClosedBefore is what an error of closing says besides that nothing was left to close.
func notClosedBefore(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// Do calls f on a thread that is in the namespace. Sockets that f opens, and
// files that it opens under /proc/thread-self/net, stay of that namespace. f
// runs on a goroutine of its own and must not start others that rely on the
// namespace. Entering another namespace than the process's own needs
// CAP_SYS_ADMIN; without it the error matches fs.ErrPermission, and after Close
// fs.ErrClosed.
func (n *NetNS) Do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is unlocked only once it is back where it was: a goroutine
		// that ends locked takes its thread with it.
		runtime.LockOSThread()
		back, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		defer back.Close()
		if sameFile(n.file, back) {
			err = f()
			runtime.UnlockOSThread()
			done <- err
			return
		}
		if err := n.enter(); err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("enter network namespace %s: %w", n.name, err)
			return
		}
		err = f()
		if restore := unix.Setns(int(back.Fd()), unix.CLONE_NEWNET); restore != nil {
			done <- errors.Join(err, os.NewSyscallError("setns", restore))
			return
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

func (n *NetNS) enter() error {
	raw, err := n.file.SyscallConn()
	if err != nil {
		return err
	}
	var errno error
	if raw.Control(func(fd uintptr) { errno = unix.Setns(int(fd), unix.CLONE_NEWNET) }) != nil {
		return os.ErrClosed
	}
	return os.NewSyscallError("setns", errno)
}

// sameFile reports whether two open files are of the same namespace.
func sameFile(a, b *os.File) bool {
	as, err := a.Stat()
	if err != nil {
		return false
	}
	bs, err := b.Stat()
	return err == nil && os.SameFile(as, bs)
}
