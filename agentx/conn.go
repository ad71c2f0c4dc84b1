package agentx

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// blockingConn is a connected socket whose reads and writes block in the
// kernel. A master waits for each answer before it asks on, so that what counts
// is the time from a PDU's arrival to its answer: without the runtime's poller
// in between that is one read and one write.
type blockingConn struct {
	file *os.File
}

// newBlockingConn takes conn over. Writes fail when they have made no progress
// for the time writeTimeout.
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
	return &blockingConn{os.NewFile(fd, "agentx")}, nil
}

func (c *blockingConn) Read(b []byte) (int, error)  { return c.file.Read(b) }
func (c *blockingConn) Write(b []byte) (int, error) { return c.file.Write(b) }

// Close ends the reads and writes that are under way as well.
func (c *blockingConn) Close() error {
	raw, err := c.file.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
	}
	return c.file.Close()
}
