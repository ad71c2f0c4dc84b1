package collectors

import (
	"context"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Identity returns the boot id of /proc/sys/kernel/random/boot_id, the inode of
// the namespace and its cookie.
func (k *Kernel) Identity(ctx context.Context) (netstat.Identity, error) {
	var id netstat.Identity
	const path = "/proc/sys/kernel/random/boot_id"
	err := readHostLines(ctx, path, func(l *lines) {
		if l.next() {
			id.BootID = strings.TrimSpace(string(l.text))
		}
		if id.BootID == "" {
			l.fail("no boot id")
		}
	})
	if err != nil {
		return netstat.Identity{}, k.readError("read "+path, absentFile(err))
	}
	err = k.inside(func() error {
		key, err := netnsKey("/proc/thread-self/ns/net")
		id.Inode = key.inode
		return err
	})
	if err != nil {
		return netstat.Identity{}, k.readError("identify the network namespace", err)
	}
	var fd int
	err = k.inside(func() (err error) {
		fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return netstat.Identity{}, k.readError("identify the network namespace", err)
	}
	defer unix.Close(fd)
	// Kernels before Linux 5.14 do not have it.
	if cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err == nil {
		id.Cookie.Set(cookie)
	}
	return id, nil
}
