package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// receiveSize is what one datagram is received into. The kernel fills at most
// 32 KiB when it dumps; a single larger message may still come.
const receiveSize = 64 << 10

// Sizes of the structures of include/uapi/linux/netlink.h.
const (
	sizeofNlMsghdr = 16
	sizeofNlAttr   = 4

	attributeTypeMask = 1<<14 - 1 // NLA_TYPE_MASK
)

// conn is a netlink socket. It serves one dump or one subscription, so that
// what nobody read goes with it.
type conn struct {
	file *os.File
	raw  syscall.RawConn

	// The arguments and results of one receive, kept here so that the function
	// given to raw is made once.
	buffer []byte
	ready  bool // to receive only what is there
	n      int
	flags  int
	from   unix.Sockaddr
	err    error
	try    func(fd uintptr) bool
	direct direct
}

// socket opens a netlink socket in the stack's namespace.
func (k *Kernel) socket(protocol int) (fd int, err error) {
	err = k.inside(func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
		return refusing(protocol, os.NewSyscallError("socket", err))
	})
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	// Both options are refinements that older kernels lack: the reason of an
	// error in words, and filtering in the kernel, which readers of filtered
	// dumps repeat.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	return fd, nil
}

// dial opens a netlink socket in the stack's namespace that takes part in Go's
// network poller.
func (k *Kernel) dial(protocol int) (*conn, error) {
	fd, err := k.socket(protocol)
	if err != nil {
		return nil, err
	}
	c := &conn{file: os.NewFile(uintptr(fd), "netlink")}
	if c.raw, err = c.file.SyscallConn(); err != nil {
		c.file.Close()
		return nil, err
	}
	c.try = func(fd uintptr) bool {
		if c.direct.on {
			c.recvmsg(fd)
		} else {
			c.n, _, c.flags, c.from, c.err = unix.Recvmsg(int(fd), c.buffer, nil, 0)
		}
		return (c.ready || !errors.Is(c.err, unix.EAGAIN)) && !errors.Is(c.err, unix.EINTR)
	}
	return c, nil
}

func (c *conn) close() { c.file.Close() }

// interruptible makes the end of ctx end a receive under way, until stop is
// called.
func (c *conn) interruptible(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) })
}

var errTruncated = errors.New("netlink message is longer than the receive buffer")

// receive returns the next datagram that the kernel sent, in buffer.
func (c *conn) receive(ctx context.Context, buffer []byte) ([]byte, error) {
	c.buffer = buffer
	for {
		if err := c.raw.Read(c.try); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, err
		}
		if c.err != nil {
			return nil, os.NewSyscallError("recvmsg", c.err)
		}
		// Other processes may send to a netlink socket, too.
		if from, ok := c.from.(*unix.SockaddrNetlink); !ok || from.Pid != 0 {
			continue
		}
		if c.flags&unix.MSG_TRUNC != 0 {
			return nil, errTruncated
		}
		return buffer[:c.n], nil
	}
}

// send sends one request.
func (c *conn) send(r request, sequence uint32) error {
	b := r.encode(sequence)
	var err error
	// The kernel handles a request within the call: it never blocks on space.
	if e := c.raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return true
	}); e != nil {
		return e
	}
	return os.NewSyscallError("sendto", err)
}

// setReceiveBuffer asks for a receive buffer of so many bytes and returns what
// it is then, as the kernel counts it. A datagram that finds no room in it is
// lost, which receiving reports once by an error that isGap tells.
func setReceiveBuffer(fd, bytes int) (granted int, err error) {
	// Only CAP_NET_ADMIN may go beyond net.core.rmem_max.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	}
	granted, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return granted, os.NewSyscallError("getsockopt", err)
}

// joinGroup subscribes to a group of events.
func joinGroup(fd, group int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group))
}

// isGap reports whether err says that events were lost (netlink(7), ENOBUFS).
// The socket is usable again once it is empty.
func isGap(err error) bool { return errors.Is(err, unix.ENOBUFS) }

// request is a netlink request.
type request struct {
	protocol int // NETLINK_*
	kind     uint16
	flags    uint16 // besides NLM_F_REQUEST
	body     []byte
	ahead    bool // receive a long answer in a goroutine of its own
}

// encode returns the request as a message.
func (r *request) encode(sequence uint32) []byte {
	b := make([]byte, sizeofNlMsghdr, sizeofNlMsghdr+len(r.body))
	binary.NativeEndian.PutUint32(b[0:], uint32(cap(b)))
	binary.NativeEndian.PutUint16(b[4:], r.kind)
	binary.NativeEndian.PutUint16(b[6:], r.flags|unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(b[8:], sequence)
	return append(b, r.body...)
}

// sequence numbers requests, for whoever looks at them with nlmon: each has a
// socket of its own.
const sequence = 1

// dump sends r with NLM_F_DUMP and calls each with the type and the body of
// every message of the answer, as the datagrams arrive. The body is only valid
// during the call. When each returns false, or an error, the rest is dropped.
//
// interrupted says that the kernel noticed a change during the dump
// (NLM_F_DUMP_INTR), so that rows may be missing or doubled.
func (k *Kernel) dump(ctx context.Context, r request, each func(kind uint16, body []byte) (bool, error)) (interrupted bool, err error) {
	r.flags |= unix.NLM_F_DUMP
	return k.ask(ctx, r, each)
}

// ask is dump for any request: the answer ends with NLMSG_DONE or NLMSG_ERROR,
// or after the first datagram whose messages are not of several parts.
func (k *Kernel) ask(ctx context.Context, r request, each func(kind uint16, body []byte) (bool, error)) (interrupted bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c, err := k.dial(r.protocol)
	if err != nil {
		return false, err
	}
	defer c.close()
	defer c.interruptible(ctx)()
	if err := c.send(r, sequence); err != nil {
		return false, err
	}
	buffer, opened := k.buffers.Get().(*[]byte)
	if !opened {
		panic("collectors: this Kernel does not come from Open")
	}
	defer k.buffers.Put(buffer)
	next := func() ([]byte, error) { return c.receive(ctx, *buffer) }
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return interrupted, err
		}
		if r.ahead && n == aheadAfter {
			ahead := receiveAhead(ctx, c)
			defer ahead.stop()
			next = ahead.next
		}
		datagram, err := next()
		if err != nil {
			return interrupted, err
		}
		multi := false
		m := messages{rest: datagram}
		for m.next() {
			if m.sequence != sequence {
				continue
			}
			if m.flags&unix.NLM_F_DUMP_INTR != 0 {
				interrupted = true
			}
			switch m.kind {
			case unix.NLMSG_NOOP:
			case unix.NLMSG_OVERRUN:
				return interrupted, errors.New("netlink answer overran")
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				// A dump's errno may stand in either (sock_diag's stands in
				// NLMSG_DONE).
				return interrupted, parseNetlinkError(m.kind, m.flags, m.body)
			default:
				multi = multi || m.flags&unix.NLM_F_MULTI != 0
				if more, err := each(m.kind, m.body); err != nil || !more {
					return interrupted, err
				}
			}
		}
		if m.err != nil {
			return interrupted, m.err
		}
		if !multi {
			return interrupted, nil
		}
	}
}

// messages goes through the netlink messages of a datagram.
type messages struct {
	rest     []byte
	kind     uint16
	flags    uint16
	sequence uint32
	port     uint32 // of whom it answers, or whose request caused it
	body     []byte
	err      error // a message that claims more than there is
}

func (m *messages) next() bool {
	if m.err != nil || len(m.rest) < sizeofNlMsghdr {
		return false
	}
	length := int(binary.NativeEndian.Uint32(m.rest))
	if length < sizeofNlMsghdr || length > len(m.rest) {
		m.err = fmt.Errorf("netlink message of %d bytes in %d", length, len(m.rest))
		return false
	}
	m.kind = binary.NativeEndian.Uint16(m.rest[4:])
	m.flags = binary.NativeEndian.Uint16(m.rest[6:])
	m.sequence = binary.NativeEndian.Uint32(m.rest[8:])
	m.port = binary.NativeEndian.Uint32(m.rest[12:])
	m.body = m.rest[sizeofNlMsghdr:length]
	m.rest = m.rest[min(align4(length), len(m.rest)):]
	return true
}

func align4(n int) int { return (n + 3) &^ 3 }

// netlinkError is an errno and the kernel's words for it.
type netlinkError struct {
	errno unix.Errno
	words string
}

func (e *netlinkError) Error() string {
	if e.words == "" {
		return e.errno.Error()
	}
	return e.errno.Error() + " (" + e.words + ")"
}

func (e *netlinkError) Unwrap() error { return e.errno }

// parseNetlinkError returns the error in the body of an NLMSG_ERROR or
// NLMSG_DONE message, nil when it says none.
func parseNetlinkError(kind, flags uint16, body []byte) error {
	if len(body) < 4 {
		if kind == unix.NLMSG_DONE {
			return nil
		}
		return fmt.Errorf("netlink error message of %d bytes", len(body))
	}
	errno := int32(binary.NativeEndian.Uint32(body))
	if errno >= 0 { // NLMSG_DONE may hold a length
		return nil
	}
	e := &netlinkError{errno: unix.Errno(-errno)}
	body = body[4:]
	if flags&unix.NLM_F_ACK_TLVS == 0 {
		return e
	}
	if kind == unix.NLMSG_ERROR {
		// The request's header follows and, unless the answer is capped, the
		// request itself.
		if len(body) < sizeofNlMsghdr {
			return e
		}
		n := sizeofNlMsghdr
		if flags&unix.NLM_F_CAPPED == 0 {
			n = align4(int(binary.NativeEndian.Uint32(body)))
		}
		if n < sizeofNlMsghdr || n > len(body) {
			return e
		}
		body = body[n:]
	}
	var r attributeReader
	for a, rest := r.next(body); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == unix.NLMSGERR_ATTR_MSG {
			e.words = strings.Clone(a.string())
		}
	}
	return e
}

// genlFamily remembers the number of a generic netlink family, which is the
// same in every namespace: 0 not asked yet, negative absent.
type genlFamily struct{ id atomic.Int32 }

// family returns the number of the generic netlink family called name.
func (k *Kernel) family(ctx context.Context, cache *genlFamily, name string) (uint16, error) {
	absent := func(cause error) error { return notSupported(fmt.Errorf("generic netlink family %s: %w", name, cause)) }
	switch id := cache.id.Load(); {
	case id > 0:
		return uint16(id), nil
	case id < 0:
		return 0, absent(unix.ENOENT)
	}
	body := append([]byte{unix.CTRL_CMD_GETFAMILY, 1, 0, 0}, appendAttribute(nil, unix.CTRL_ATTR_FAMILY_NAME, append([]byte(name), 0))...)
	var id uint16
	_, err := k.ask(ctx, request{protocol: unix.NETLINK_GENERIC, kind: unix.GENL_ID_CTRL, body: body}, func(_ uint16, body []byte) (bool, error) {
		var err error
		id, err = parseGenlFamily(body)
		return true, err
	})
	switch {
	case errors.Is(err, unix.ENOENT):
		cache.id.Store(-1)
		return 0, absent(err)
	case err != nil:
		return 0, err
	case id == 0:
		return 0, fmt.Errorf("generic netlink family %s has no number", name)
	}
	cache.id.Store(int32(id))
	return id, nil
}

// sizeofGenlMsghdr is the size of struct genlmsghdr
// (include/uapi/linux/genetlink.h).
const sizeofGenlMsghdr = 4

func parseGenlFamily(body []byte) (id uint16, err error) {
	if len(body) < sizeofGenlMsghdr {
		return 0, fmt.Errorf("generic netlink message of %d bytes", len(body))
	}
	var r attributeReader
	for a, rest := r.next(body[sizeofGenlMsghdr:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == unix.CTRL_ATTR_FAMILY_ID {
			id = r.uint16(a)
		}
	}
	return id, r.error()
}
