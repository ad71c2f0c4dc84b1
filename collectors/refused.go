package collectors

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// refusedError says that a kind of netlink cannot be opened at all: a seccomp filter forbids
// it, or a sandbox has a kernel of its own without it. What stands in /proc is read there then.
type refusedError struct {
	protocol int // NETLINK_*
	err      error
}

func (e *refusedError) Error() string {
	name := fmt.Sprintf("netlink protocol %d", e.protocol)
	switch e.protocol {
	case unix.NETLINK_ROUTE:
		name = "rtnetlink"
	case unix.NETLINK_SOCK_DIAG:
		name = "sock_diag"
	case unix.NETLINK_NETFILTER:
		name = "nfnetlink"
	case unix.NETLINK_GENERIC:
		name = "generic netlink"
	}
	return name + " is refused (" + e.err.Error() + ")"
}

func (e *refusedError) Unwrap() []error { return []error{netstat.ErrNotSupported, e.err} }

// refusing makes the error of socket(2) a refusedError where it is one.
func refusing(protocol int, err error) error {
	for _, errno := range []unix.Errno{
		unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EINVAL, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT, unix.EOPNOTSUPP,
	} {
		if errors.Is(err, errno) {
			return &refusedError{protocol, err}
		}
	}
	return err
}

// isRefused reports whether err says that a kind of netlink cannot be opened.
func isRefused(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused)
}

// toldByProc is the error behind rows that were read from /proc because of a cause: all of
// them are there, and what /proc does not tell is unknown in them.
type toldByProc struct {
	cause        error
	file, untold string
}

func (e *toldByProc) Error() string {
	return fmt.Sprintf("%v: %v, and %s does not tell %s", netstat.ErrUnknownValues, e.cause, e.file, e.untold)
}

// Is matches ErrUnknownValues alone. The cause is not unwrapped: it is not what became of the
// rows.
func (e *toldByProc) Is(target error) bool { return target == netstat.ErrUnknownValues }
