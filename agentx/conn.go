package agentx

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// blockingConn is a connected socket whose reads and writes block in the
// kernel. A master waits for each answer before it asks on, so that what counts
// is the time from a PDU's arrival to its answer: without the runtime's poller
// in between that is one read and one write.
type blockingConn struct {
	file *os.File
	raw  syscall.RawConn
	// stalled is how long a write may make no progress.
	stalled time.Duration

	written atomic.Int64 // when a write ended last, since start
	start   time.Time
	lively  bool // what was read after it came at once
}

// A master that walks asks on as soon as it has an answer. To sleep in between, and
// to be woken, takes longer than that on virtual machines: a read looks for up to
// nearby whether something is there, if what came before came as quickly.
const nearby = 100 * time.Microsecond

// newBlockingConn takes conn over. Writes fail with os.ErrDeadlineExceeded when
// they have made no progress for the time writeTimeout.
func newBlockingConn(conn net.Conn, writeTimeout time.Duration) (*blockingConn, error) {
	defer conn.Close()
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a connection over %s is no socket: %w", conn.RemoteAddr().Network(), errors.ErrUnsupported)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, errno := uintptr(0), syscall.Errno(0)
	err = raw.Control(func(original uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, original, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	timeout := syscall.NsecToTimeval(int64(writeTimeout))
	err = errors.Join(
		os.NewSyscallError("setsockopt", syscall.SetsockoptTimeval(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &timeout)),
		os.NewSyscallError("fcntl", syscall.SetNonblock(int(fd), false)),
	)
	if err != nil {
		syscall.Close(int(fd))
		return nil, err
	}
	file := os.NewFile(fd, "agentx")
	if raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return nil, err
	}
	return &blockingConn{file: file, raw: raw, stalled: writeTimeout, start: time.Now()}, nil
}

func (c *blockingConn) Read(b []byte) (int, error) {
	if c.lively {
		if n := c.look(b); n > 0 {
			return n, nil
		}
	}
	n, err := c.file.Read(b)
	c.lively = c.near()
	return n, err
}

// look reads what arrives nearby; 0 where nothing does, or the connection fails.
func (c *blockingConn) look(b []byte) (n int) {
	_ = c.raw.Read(func(fd uintptr) bool {
		for i := 0; c.lively; i++ {
			got, err := receiveNow(fd, b)
			if err == nil {
				n = got
				break
			}
			if i%16 == 0 { // the master may be on this processor
				yield()
			}
			c.lively = errors.Is(err, unix.EAGAIN) && c.near()
		}
		return true
	})
	return n
}

// near reports whether the last write was a moment ago.
func (c *blockingConn) near() bool {
	return time.Since(c.start)-time.Duration(c.written.Load()) < nearby
}

func (c *blockingConn) Write(b []byte) (n int, err error) {
	_ = c.raw.Write(func(fd uintptr) bool {
		if sent, err := sendNow(fd, b); err == nil {
			n = sent
		}
		return true
	})
	if n < len(b) { // it must wait, or it fails
		var more int
		more, err = c.file.Write(b[n:])
		n += more
		if errors.Is(err, unix.EAGAIN) {
			err = fmt.Errorf("it has read nothing for %v: %w", c.stalled, os.ErrDeadlineExceeded)
		}
	}
	c.written.Store(int64(time.Since(c.start)))
	return n, err
}

// Close ends the reads and writes that are under way as well.
func (c *blockingConn) Close() error {
	raw, err := c.file.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
	}
	return c.file.Close()
}
