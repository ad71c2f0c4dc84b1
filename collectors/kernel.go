package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Options say which kernel stack to open.
type Options struct {
	// NetNS names the network namespace as OpenNetNS takes it. Empty means the
	// one that the process runs in.
	NetNS string
	// SocketOptions are where options of sockets come from besides sock_diag(7), when a
	// query asks for them (netstat.DetailSocketOptions): each is asked for what those
	// before it did not tell. They may be shared by kernels, and stay the caller's to close.
	SocketOptions []netstat.SocketOptionSource
}

// Kernel is the network stack of one network namespace of this host's kernel.
// Its methods may be called concurrently. Use Open: the zero value is no Kernel. Errors of its
// methods are as for [netstat.Stack]; where more is promised, the method says so.
type Kernel struct {
	netns   *NetNS // nil: the process's own
	hasIPv6 func() bool

	optionSources []netstat.SocketOptionSource

	snmp, snmp6, devMcast procNetFile

	ethtool genlFamily

	cgroups cgroupPaths

	// buffers hold what datagrams are received into, *[]byte.
	buffers sync.Pool
}

var _ netstat.CompleteStack = (*Kernel)(nil)

// Open opens the network stack of a namespace. The error matches
// fs.ErrNotExist when there is no such namespace, and fs.ErrPermission when it
// may not be entered. That netlink is refused, as by a seccomp filter or a sandbox that lacks
// it, is no error: sockets of TCP, UDP, raw and of the local family, interfaces, addresses, routes and
// neighbours of IPv4 are read from /proc then, with what that tells of them. All else that only netlink tells
// is an error that matches netstat.ErrNotSupported.
func Open(options Options) (*Kernel, error) {
	if options.NetNS == "" {
		return openKernel(nil, options)
	}
	n, err := OpenNetNS(options.NetNS)
	if err != nil {
		return nil, &netstat.ReadError{Op: "open", Source: "netns " + options.NetNS, Err: err}
	}
	return openKernel(n, options)
}

// openKernel opens the network stack of a namespace, which is the Kernel's from
// then on.
func openKernel(n *NetNS, options Options) (*Kernel, error) {
	k := &Kernel{
		netns: n, optionSources: options.SocketOptions,
		buffers: sync.Pool{New: func() any {
			b := make([]byte, receiveSize)
			return &b
		}},
	}
	k.snmp.name, k.snmp6.name, k.devMcast.name = "snmp", "snmp6", "dev_mcast"

	// Dialing once tells now whether the namespace may be entered. Where netlink is refused,
	// what stands in /proc is left.
	c, err := k.dial(unix.NETLINK_ROUTE)
	if err == nil {
		c.close()
	} else if !isRefused(err) {
		err = k.readError("open", err)
		k.Close()
		return nil, err
	}
	k.hasIPv6 = lookForIPv6()
	return k, nil
}

// Close releases what the Kernel holds. What is under way may fail then. Closing again is no error.
func (k *Kernel) Close() error {
	err := errors.Join(k.snmp.close(), k.snmp6.close(), k.devMcast.close())
	if k.netns != nil {
		err = errors.Join(err, k.netns.Close())
	}
	return err
}

// NetNS returns the name that the namespace was opened by, empty for the
// process's own.
func (k *Kernel) NetNS() string {
	if k.netns == nil {
		return ""
	}
	return k.netns.Name()
}

// IsNetNS reports whether a file's information, as os.Stat has it, is that of the
// namespace that was opened. It is false for the process's own and after Close.
func (k *Kernel) IsNetNS(file fs.FileInfo) bool {
	if k.netns == nil {
		return false
	}
	own, err := k.netns.file.Stat()
	return err == nil && os.SameFile(own, file)
}

// inside calls f on a thread that is in the stack's namespace.
func (k *Kernel) inside(f func() error) error {
	if k.netns == nil {
		return f()
	}
	return k.netns.Do(f)
}

// readError gives err, if there is one, the name of the operation and the
// namespace, and makes the errnos by which kernels say that they lack something
// match netstat.ErrNotSupported.
func (k *Kernel) readError(op string, err error) error {
	if err == nil {
		return nil
	}
	for _, lacking := range []error{
		unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.EPROTOTYPE, unix.EOPNOTSUPP, unix.ESOCKTNOSUPPORT,
	} {
		if errors.Is(err, lacking) && !errors.Is(err, netstat.ErrNotSupported) {
			err = notSupported(err)
		}
	}
	source := ""
	if k.netns != nil {
		source = "netns " + k.netns.Name()
	}
	return &netstat.ReadError{Op: op, Source: source, Err: err}
}

// notSupported makes an error match netstat.ErrNotSupported and keeps its
// cause.
func notSupported(cause error) error {
	return fmt.Errorf("%w (%w)", netstat.ErrNotSupported, cause)
}

// lookForIPv6 returns what reports whether the kernel has IPv6: built in or loaded,
// and not disabled at boot. One that has not may load it later, and never unloads it.
func lookForIPv6() func() bool {
	var found atomic.Bool
	return func() bool {
		if found.Load() {
			return true
		}
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		has := !errors.Is(err, unix.EAFNOSUPPORT)
		found.Store(has)
		return has
	}
}

// families returns the families to read for a query that names asked. Both are
// meant where it names none, and IPv6 is then left out where the kernel lacks
// it; where it is named, lacking is an error.
func (k *Kernel) families(asked []netstat.Family) ([]netstat.Family, error) {
	if len(asked) == 0 {
		if k.hasIPv6() {
			return []netstat.Family{netstat.IPv4, netstat.IPv6}, nil
		}
		return []netstat.Family{netstat.IPv4}, nil
	}
	var known []netstat.Family
	var err error
	for _, f := range asked {
		switch {
		case f == netstat.IPv4, f == netstat.IPv6 && k.hasIPv6():
			known = append(known, f)
		default:
			err = notSupported(fmt.Errorf("%v: %w", f, unix.EAFNOSUPPORT))
		}
	}
	return known, err
}

// attempts bounds how often a dump that was interrupted by changes is read
// again.
const attempts = 10

// consistently calls read until it was not interrupted by changes. read must
// begin anew each time.
func consistently(ctx context.Context, read func() (interrupted bool, err error)) error {
	for range attempts {
		interrupted, err := read()
		if err != nil || !interrupted {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return netstat.ErrInterrupted
}

// isAbsent reports whether err says that the kernel does not have what was
// asked, or not for this namespace.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, netstat.ErrNotSupported)
}
