//go:build !portable

package snmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// udpListener answers datagrams (RFC 3417, section 3).
//
// Its socket blocks, and takes a thread of the operating system while nothing
// arrives: the kernel wakes that thread at once, where a socket in the
// runtime's poller costs a manager that waits for each answer more than twice
// the time.
type udpListener struct {
	datagrams
	fd      int
	lanes   lanes
	stopped atomic.Bool
	// wake is an eventfd(2) that ends the waiting on a socket that others have too: shutdown would be
	// theirs as well. 0 is none.
	wake int
}

func (s *Server) listenUDP(a Address) (listener, Address, error) {
	sa, err := sockaddr(a.AddrPort)
	if err != nil {
		return nil, a, err
	}
	fd, err := udpSocket(a)
	if err != nil {
		return nil, a, err
	}
	growReceiveBuffer(fd)
	l := &udpListener{datagrams: s.datagrams(a), fd: fd}
	if err := l.bind(sa); err != nil {
		l.close()
		return nil, a, err
	}
	return l, l.address, nil
}

// listenUDPOn listens with a socket that is there already, and stays with others. It has no lanes: a
// socket of another user's cannot be joined.
func (s *Server) listenUDPOn(f *os.File, a Address) (listener, Address, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, a, os.NewSyscallError("fcntl", err)
	}
	l := &udpListener{datagrams: s.datagrams(a), fd: fd}
	l.address = a
	l.lanes.none = true
	growReceiveBuffer(fd)
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = l.wantAddresses()
	}
	if err != nil {
		l.close()
		return nil, a, err
	}
	return l, a, nil
}

// growReceiveBuffer has the socket take receiveBuffer octets, or as many as net.core.rmem_max
// allows to who lacks CAP_NET_ADMIN. What net.core.rmem_default gives is not made less.
func growReceiveBuffer(fd int) {
	// The kernel tells, and keeps, twice what is asked for: socket(7).
	if now, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF); err != nil || now >= 2*receiveBuffer {
		return
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) == nil {
		return
	}
	now, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil && got < now {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, now/2)
	}
}

// udpSocket opens a socket for an address.
func udpSocket(a Address) (fd int, err error) {
	if !a.Transport.IsIPv6() {
		return unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// wantAddresses has a socket for all addresses tell to which a datagram came.
func (l *udpListener) wantAddresses() error {
	switch {
	case !l.address.Addr().IsUnspecified():
		return nil
	case l.address.Transport.IsIPv6():
		return unix.SetsockoptInt(l.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return unix.SetsockoptInt(l.fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

func (l *udpListener) bind(sa unix.Sockaddr) error {
	if err := l.wantAddresses(); err != nil {
		return err
	}
	if err := l.bindFirst(sa); err != nil {
		return err
	}
	bound, err := unix.Getsockname(l.fd)
	if err != nil {
		return err
	}
	port := l.address.Port()
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		port = uint16(bound.Port)
	case *unix.SockaddrInet6:
		port = uint16(bound.Port)
	}
	l.address.AddrPort = netip.AddrPortFrom(l.address.Addr(), port)
	return nil
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, error) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		n, err := strconv.ParseUint(zone, 10, 32)
		if err != nil {
			i, err := net.InterfaceByName(zone)
			if err != nil {
				return nil, fmt.Errorf("zone %q: %w", zone, err)
			}
			n = uint64(i.Index)
		}
		sa.ZoneId = uint32(n)
	}
	return sa, nil
}

// envelope is where a datagram came from and, on a socket for all addresses,
// which address it was sent to: what recvmsg gives and what sendmsg takes to
// answer it from there.
type envelope struct {
	name       [unix.SizeofSockaddrInet6]byte
	nameLen    uint32
	control    [controlSize]byte
	controlLen int
	header     unix.Msghdr
	iov        unix.Iovec

	answered time.Time // when the last answer was sent
	lively   bool      // the request after it came at once
}

// A walker that is near asks for more as soon as it has an answer. To sleep in
// between, and to be woken, would take longer than that takes, on virtual machines
// several times as long: a listener looks for up to nearby whether there is a
// request, if the one before came as quickly. Of a server's listeners one at a time
// does.
const nearby = 100 * time.Microsecond

// controlSize has room for an in6_pktinfo, which is greater than an in_pktinfo.
const controlSize = 64

// receive takes a datagram that is there already without telling Go's scheduler
// that the thread may be gone for long, and waits for one otherwise. Under load
// that makes a third more requests a second.
//
// With wake, an eventfd(2), it waits for that as well, and returns EINTR then: 0 is none.
func (e *envelope) receive(fd int, buf []byte, looking *atomic.Bool, wake int) (int, unix.Errno) {
	e.prepare(buf, len(e.name), len(e.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.header)), unix.MSG_DONTWAIT)
	if errno == unix.EAGAIN && e.lively && looking.CompareAndSwap(false, true) {
		for errno == unix.EAGAIN && e.lively {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // the walker may be on this processor
			n, _, errno = unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.header)), unix.MSG_DONTWAIT)
			e.lively = time.Since(e.answered) < nearby
		}
		looking.Store(false)
	}
	if errno == unix.EAGAIN && wake != 0 {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}, -1)
		n, _, errno = unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.header)), unix.MSG_DONTWAIT)
		e.lively = time.Since(e.answered) < nearby
		if errno == unix.EAGAIN {
			return 0, unix.EINTR
		}
	} else if errno == unix.EAGAIN {
		n, _, errno = unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.header)), 0)
		e.lively = time.Since(e.answered) < nearby
	}
	if errno != 0 {
		return 0, errno
	}
	e.nameLen, e.controlLen = e.header.Namelen, int(e.header.Controllen)
	e.turn()
	return int(n), 0
}

// send does not wait, for the thread has others to answer: EAGAIN is that there is
// no room in the socket's buffer.
func (e *envelope) send(fd int, message []byte) unix.Errno {
	e.prepare(message, int(e.nameLen), e.controlLen)
	errno := unix.EINTR
	for errno == unix.EINTR {
		_, _, errno = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.header)), unix.MSG_DONTWAIT)
	}
	e.answered = time.Now()
	return errno
}

func (e *envelope) prepare(buf []byte, nameLen, controlLen int) {
	e.iov.Base = unsafe.SliceData(buf)
	e.iov.SetLen(len(buf))
	e.header = unix.Msghdr{Name: &e.name[0], Namelen: uint32(nameLen), Iov: &e.iov}
	e.header.SetIovlen(1)
	if controlLen > 0 {
		e.header.Control = &e.control[0]
		e.header.SetControllen(controlLen)
	}
}

// source returns the address that the datagram came from.
func (e *envelope) source() netip.Addr {
	switch e.nameLen {
	case unix.SizeofSockaddrInet4:
		return netip.AddrFrom4([4]byte(e.name[4:8]))
	case unix.SizeofSockaddrInet6:
		return netip.AddrFrom16([16]byte(e.name[8:24]))
	}
	return netip.Addr{}
}

// from returns the address and the port that the datagram came from.
func (e *envelope) from() origin {
	return origin{AddrPort: netip.AddrPortFrom(e.source(), binary.BigEndian.Uint16(e.name[2:]))}
}

// toMany reports whether the datagram was sent to a broadcast or multicast
// address, as far as the packet information tells. What came to an address of
// this host over IPv4 has the local address that the kernel would answer from
// equal to the header's destination, and nothing else has (ip(7), IP_PKTINFO).
func (e *envelope) toMany() bool {
	if e.controlLen == 0 {
		return false
	}
	info := e.control[unix.CmsgLen(0):]
	if e.nameLen == unix.SizeofSockaddrInet6 {
		return netip.AddrFrom16([16]byte(info[:16])).IsMulticast()
	}
	local, destination := info[4:8], info[8:12]
	return !bytes.Equal(local, destination)
}

// turn makes the packet information that came with a datagram that of its
// answer (ip(7), ipv6(7)): it already has the local address where sendmsg looks
// for the source, and leaves the interface to the routing table, except where
// the address has no meaning without it.
func (e *envelope) turn() {
	header := unix.CmsgLen(0)
	if e.controlLen < header {
		e.controlLen = 0
		return
	}
	info := e.control[header:]
	index := info
	if e.nameLen == unix.SizeofSockaddrInet6 {
		if netip.AddrFrom16([16]byte(info[:16])).IsLinkLocalUnicast() {
			return
		}
		index = info[16:]
	}
	binary.NativeEndian.PutUint32(index, 0)
}

// serve receives and answers one datagram after the other.
func (l *udpListener) serve(ctx, alive context.Context) {
	s := l.server
	counters := &s.engine.counters
	d := newDispatcher(&s.engine)
	buf := make([]byte, maxReceivedMessage)
	var e envelope
	faults := 0
	for {
		n, errno := e.receive(l.fd, buf, &s.looking, l.wake)
		if l.stopped.Load() {
			return
		}
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			faults = l.fault(ctx, errno, faults)
			continue
		}
		faults = 0
		counters[enginemib.InPkts].Add(1)
		source := e.source()
		if e.toMany() {
			counters[enginemib.NotUnicast].Add(1)
			s.engine.drop(source, "it was sent to a broadcast or multicast address")
			continue
		}
		l.progress.turn()
		answer, err := d.process(s.engine.noWait, buf[:n], e.from(), l.limits(source))
		switch {
		case wouldWait(err):
			to := &envelope{name: e.name, nameLen: e.nameLen, control: e.control, controlLen: e.controlLen}
			l.wait(alive, buf[:n], e.from(), func(answer []byte) { l.send(to, answer) })
		case answer != nil:
			l.send(&e, answer)
		}
		l.progress.turn()
	}
}

// send sends an answer, by a lane where the listener's own socket has no room for it.
func (l *udpListener) send(e *envelope, answer []byte) {
	l.server.engine.counters[enginemib.OutPkts].Add(1)
	errno := e.send(l.fd, answer)
	if errno != 0 && noRoom(errno) {
		errno = l.lanes.send(l, e, answer)
	} else if l.lanes.any.Load() {
		l.lanes.leave(l, e.answered)
	}
	if errno != 0 {
		l.unsent(e.source(), errno)
	}
}

// stop wakes the thread that waits in recvmsg: shutdown does that to a datagram
// socket too, though it returns ENOTCONN.
func (l *udpListener) stop() {
	l.stopped.Store(true)
	if l.wake != 0 {
		_, _ = unix.Write(l.wake, binary.NativeEndian.AppendUint64(nil, 1))
		return
	}
	_ = unix.Shutdown(l.fd, unix.SHUT_RD)
}

// abandon has nothing to do: who waits does so for the context, and no answer waits.
func (l *udpListener) abandon() {}

func (l *udpListener) close() {
	l.lanes.close()
	_ = unix.Close(l.fd)
	if l.wake != 0 {
		_ = unix.Close(l.wake)
	}
}
