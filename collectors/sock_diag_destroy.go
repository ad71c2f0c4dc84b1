package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sockDestroy is SOCK_DESTROY (include/uapi/linux/sock_diag.h).
const sockDestroy = 21

var _ netstat.SocketWriter = (*Kernel)(nil)

// DestroySocket ends a socket as `ss -K` does, but that one only: it is found by its ends
// and known by its cookie. It needs CAP_NET_ADMIN in the namespace, and a kernel with
// CONFIG_INET_DIAG_DESTROY.
func (k *Kernel) DestroySocket(ctx context.Context, s *netstat.Socket) error {
	return k.readError(fmt.Sprintf("end the %v socket %v to %v", s.Protocol, s.Local, s.Remote), k.destroySocket(ctx, s))
}

func (k *Kernel) destroySocket(ctx context.Context, s *netstat.Socket) error {
	cookie, known := s.Cookie.Get()
	if !known {
		return fmt.Errorf("it has no cookie to be known by: %w", netstat.ErrNotSupported)
	}
	if s.Protocol > 255 {
		return fmt.Errorf("the kernel ends no sockets of %v: %w", s.Protocol, netstat.ErrNotSupported)
	}
	_, err := k.execute(ctx, unix.NETLINK_SOCK_DIAG, netlink.Message{
		Header: netlink.Header{Type: sockDestroy, Flags: netlink.Request | netlink.Acknowledge},
		Data:   exactRequest(s, cookie),
	})
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("to end sockets CAP_NET_ADMIN is needed: %w", fs.ErrPermission)
	// Another socket may have the address by now (ESTALE, sock_diag_check_cookie).
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESTALE):
		return fmt.Errorf("the socket is gone: %w", fs.ErrNotExist)
	case errors.Is(err, unix.EOPNOTSUPP):
		return lacking("CONFIG_INET_DIAG_DESTROY", err)
	}
	return err
}

// exactRequest makes an inet_diag_req_v2 that names one socket.
func exactRequest(s *netstat.Socket, cookie uint64) []byte {
	body := make([]byte, sizeofInetDiagReqV2)
	body[0] = byte(s.Family)
	body[1] = byte(s.Protocol)
	binary.BigEndian.PutUint16(body[8:], s.Local.Port())
	binary.BigEndian.PutUint16(body[10:], s.Remote.Port())
	copy(body[12:], s.Local.Addr().AsSlice())
	copy(body[28:], s.Remote.Addr().AsSlice())
	binary.NativeEndian.PutUint32(body[44:], s.Interface.Or(0))
	binary.NativeEndian.PutUint32(body[48:], uint32(cookie))
	binary.NativeEndian.PutUint32(body[52:], uint32(cookie>>32))
	return body
}

// PrepareDestroySocket finds out whether DestroySocket may be called: the kernel says so of
// a change of the loopback interface that changes nothing.
func (k *Kernel) PrepareDestroySocket(ctx context.Context, s *netstat.Socket) (netstat.Write, error) {
	if err := k.maySet(ctx, loopback); err != nil {
		return netstat.Write{}, k.readError("end a socket", err)
	}
	own := *s
	return netstat.Write{Commit: func(ctx context.Context) error { return k.DestroySocket(ctx, &own) }}, nil
}
