//go:build !portable

package snmp

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lanes are sockets beside a listener's, at its address, for answers that find no
// room in that one's buffer. Whatever waits in the queue of a device counts there: a
// manager behind a slow link would leave no room for the answers to all others.
//
// A destination whose answers wait in a lane has no other; all others share what is
// empty. Lanes receive nothing: together with the listener's socket they are a group
// of SO_REUSEPORT (socket(7)), whose program always chooses that one.
type lanes struct {
	none   bool // none can be opened
	mu     sync.Mutex
	open   []lane
	any    atomic.Bool
	failed time.Time // when the last could not be opened
}

type lane struct {
	fd   int
	to   netip.Addr // whom an answer was sent to last
	used time.Time
}

const (
	// maxLanes bounds how many slow destinations there may be at a time.
	maxLanes = 8
	// laneLife is how long lanes stay that nobody needs.
	laneLife = time.Minute
	// laneRetry is how long none is tried to be opened where that failed.
	laneRetry = time.Second
)

// send sends an answer that found no room in the listener's buffer. It does not
// wait: EAGAIN is that it finds none here either.
func (s *lanes) send(l *udpListener, e *envelope, answer []byte) unix.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	to, now := e.source(), time.Now()
	at := s.choose(l, to, now)
	if at == nil {
		return unix.EAGAIN
	}
	at.to, at.used = to, now
	return e.send(at.fd, answer)
}

// choose returns the lane that a destination's answers wait in, or else an empty
// one; nil where there is none.
func (s *lanes) choose(l *udpListener, to netip.Addr, now time.Time) (empty *lane) {
	for i := range s.open {
		at := &s.open[i]
		waiting, err := unix.IoctlGetInt(at.fd, unix.SIOCOUTQ)
		switch {
		case err == nil && waiting == 0:
			empty = at
		case at.to == to:
			return at
		}
	}
	if empty == nil && !s.none && len(s.open) < maxLanes && now.Sub(s.failed) >= laneRetry {
		fd, err := l.another()
		if err != nil {
			s.failed = now
			return nil
		}
		s.open = append(s.open, lane{fd: fd})
		s.any.Store(true)
		empty = &s.open[len(s.open)-1]
	}
	return empty
}

// leave closes lanes that nobody needed for some time.
func (s *lanes) leave(l *udpListener, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.open {
		if now.Sub(s.open[i].used) < laneLife {
			return
		}
	}
	s.closeAll()
	_ = unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 0)
}

func (s *lanes) closeAll() {
	for _, at := range s.open {
		_ = unix.Close(at.fd)
	}
	s.open = nil
	s.any.Store(false)
}

func (s *lanes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeAll()
}

// another opens a socket at the listener's address that receives nothing. It fails
// where this thread is in another network namespace than the socket, or cannot tell.
func (l *udpListener) another() (fd int, err error) {
	sa, err := sockaddr(l.address.AddrPort)
	if err != nil {
		return 0, err
	}
	if fd, err = udpSocket(l.address); err != nil {
		return 0, err
	}
	if err := l.join(fd, sa); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func (l *udpListener) join(fd int, sa unix.Sockaddr) error {
	here, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE) // since Linux 5.14
	if err != nil {
		return err
	}
	if there, err := unix.GetsockoptUint64(l.fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err != nil || here != there {
		return fmt.Errorf("not the listener's network namespace: %w", err)
	}
	for _, fd := range []int{l.fd, fd} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
	}
	return unix.Bind(fd, sa)
}

// bindFirst binds the listener's socket as the first of a group that receives all,
// and which nobody else can join. Where the port is taken, by such a group as well,
// it fails.
func (l *udpListener) bindFirst(sa unix.Sockaddr) error {
	if l.address.Port() != 0 {
		if err := l.alone(sa); err != nil {
			return err
		}
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	if err := unix.Bind(l.fd, sa); err != nil {
		return err
	}
	// The program returns the number of the socket in the group.
	first := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	if err := unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &unix.SockFprog{Len: 1, Filter: &first}); err != nil {
		return err
	}
	return unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 0)
}

// alone fails where another socket is at the address, also where that would let
// others in.
func (l *udpListener) alone(sa unix.Sockaddr) error {
	fd, err := udpSocket(l.address)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return unix.Bind(fd, sa)
}
