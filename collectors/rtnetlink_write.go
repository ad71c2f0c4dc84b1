package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// change is a request to rtnetlink that changes something. It returns what the kernel
// tells of the change to who asks for that (NLM_F_ECHO), where it does.
func (k *Kernel) change(ctx context.Context, kind, flags uint16, body []byte) (told []byte, err error) {
	answer, err := k.execute(ctx, unix.NETLINK_ROUTE, netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.HeaderFlags(flags) | netlink.Request | netlink.Acknowledge},
		Data:   body,
	})
	if err == nil && len(answer) > 0 && answer[0].Header.Type == netlink.HeaderType(kind) {
		told = answer[0].Data
	}
	return told, changeError(err)
}

// changeError names what is wrong with a change.
func changeError(err error) error {
	for _, known := range [...]struct {
		is   unix.Errno
		what string
		as   error
	}{
		{unix.EPERM, "CAP_NET_ADMIN is needed", fs.ErrPermission},
		{unix.ENODEV, "there is no such interface", fs.ErrNotExist},
		{unix.ESRCH, "there is no such route", fs.ErrNotExist},
		{unix.ENOENT, "there is none", fs.ErrNotExist},
		{unix.EADDRNOTAVAIL, "there is no such address", fs.ErrNotExist},
		{unix.EEXIST, "there is one already", fs.ErrExist},
		{unix.ENETUNREACH, "", netstat.ErrNoGateway},
		{unix.EHOSTUNREACH, "", netstat.ErrNoGateway},
	} {
		switch {
		case !errors.Is(err, known.is):
		case known.what == "":
			return fmt.Errorf("%w: %w", known.as, err)
		default:
			return fmt.Errorf("%s: %w: %w", known.what, known.as, err)
		}
	}
	return err
}

// maySet finds out whether an interface is there and may be changed: the kernel says so of a change that
// changes nothing.
func (k *Kernel) maySet(ctx context.Context, index uint32) error {
	if index < 1 || index > math.MaxInt32 { // of which the kernel says that the argument is not valid
		return linkError(unix.ENODEV)
	}
	return k.setLink(ctx, index, linkSetting{})
}

// loopback is the index of the loopback interface in every namespace.
const loopback = 1

// once is a Write of one change. What is sent is sent: it is settled whether or not ctx is done.
func (k *Kernel) once(op string, commit, undo func(ctx context.Context) error) netstat.Write {
	whole := func(f func(ctx context.Context) error) func(ctx context.Context) error {
		if f == nil {
			return nil
		}
		return func(ctx context.Context) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return k.readError(op, f(context.WithoutCancel(ctx)))
		}
	}
	return netstat.Write{Commit: whole(commit), Undo: whole(undo)}
}

// eachAttribute calls each with every attribute behind a header of a size.
func eachAttribute(body []byte, header int, each func(nlAttr)) {
	if len(body) < header {
		return
	}
	var r attributeReader
	for a, rest := r.next(body[header:]); a.kind != noAttribute; a, rest = r.next(rest) {
		each(a)
	}
}
