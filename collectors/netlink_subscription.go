package collectors

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ErrGap says that events were lost: what they told of must be dumped again.
var ErrGap = netstat.ErrGap

// subscription is a netlink socket that receives events. It is not in Go's
// network poller, which is woken for each datagram even while nobody waits for
// it: a burst of small ones would cost more to be told of than to be taken.
type subscription struct {
	kernel *Kernel
	fd     int
	stop   int // eventfd(2) that ends a next
	buffer []byte
	size   int  // the receive buffer that the kernel granted, in bytes
	gather bool // let events gather when they come thick

	received time.Time // when a datagram came last

	// using is held by who uses the descriptors, and by close to close them.
	using  sync.RWMutex
	closed atomic.Bool
}

// A subscription with room enough lets events gather for gatherTime when it has
// taken the last one so shortly before.
const (
	gatherTime = time.Millisecond
	gatherSize = 1 << 20
)

// subscribe opens a socket of a protocol (NETLINK_*) that receives the events of groups,
// but for those that the kernel lacks, with a receive buffer of so many bytes, or of as
// many as are granted.
func (k *Kernel) subscribe(protocol int, groups []int, buffer int) (*subscription, error) {
	fd, err := k.socket(protocol)
	if err != nil {
		return nil, err
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	s := &subscription{kernel: k, fd: fd, stop: stop, buffer: make([]byte, receiveSize)}
	if s.size, err = setReceiveBuffer(fd, cmp.Or(buffer, DefaultListenBuffer)); err != nil {
		s.close()
		return nil, err
	}
	s.gather = s.size >= gatherSize
	for _, group := range groups {
		// Kernels say that they lack a group by EINVAL.
		if e := joinGroup(fd, group); e != nil && !errors.Is(e, unix.EINVAL) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// send sends a request whose answer comes among the events.
func (s *subscription) send(message []byte) error {
	s.using.RLock()
	defer s.using.RUnlock()
	if s.closed.Load() {
		return fs.ErrClosed
	}
	return os.NewSyscallError("sendto", unix.Sendto(s.fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
}

// next waits for the next datagram and returns it; it is valid until the next
// call. When events were lost, those that still wait are dropped, and the error
// matches ErrGap. After close it matches fs.ErrClosed.
func (s *subscription) next() ([]byte, error) {
	s.using.RLock()
	defer s.using.RUnlock()
	datagram, err := s.receive()
	if isGap(err) || errors.Is(err, errTruncated) {
		s.drain()
		err = fmt.Errorf("%w (%w)", ErrGap, err)
	}
	return datagram, err
}

func (s *subscription) receive() ([]byte, error) {
	for !s.closed.Load() {
		n, _, flags, from, err := unix.Recvmsg(s.fd, s.buffer, nil, unix.MSG_DONTWAIT)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if err := s.wait(); err != nil {
				return nil, err
			}
			continue
		default:
			return nil, os.NewSyscallError("recvmsg", err)
		}
		if s.gather {
			s.received = time.Now()
		}
		// Other processes may send to a netlink socket, too.
		if from, ok := from.(*unix.SockaddrNetlink); !ok || from.Pid != 0 {
			continue
		}
		if flags&unix.MSG_TRUNC != 0 {
			return nil, errTruncated
		}
		return s.buffer[:n], nil
	}
	return nil, fs.ErrClosed
}

// wait returns when there may be something to receive, or the subscription is
// closed.
func (s *subscription) wait() error {
	if s.gather && time.Since(s.received) < gatherTime {
		time.Sleep(gatherTime)
		return nil
	}
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(s.stop), Events: unix.POLLIN}}, -1)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return os.NewSyscallError("poll", err)
}

// drain drops what the socket holds. Once it has lost an event it takes no
// further ones until it is empty, and does not say that it loses them
// (NETLINK_S_CONGESTED, net/netlink/af_netlink.c): whoever reads the state again
// while it still holds old events would miss what changes meanwhile.
func (s *subscription) drain() {
	for !s.closed.Load() {
		if _, _, err := unix.Recvfrom(s.fd, s.buffer, unix.MSG_DONTWAIT); errors.Is(err, unix.EAGAIN) {
			return
		}
	}
}

// close ends the subscription. A next under way returns.
func (s *subscription) close() error {
	if s.closed.Swap(true) {
		return nil
	}
	_, err := unix.Write(s.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	s.using.Lock()
	defer s.using.Unlock()
	return errors.Join(os.NewSyscallError("write", err), unix.Close(s.fd), unix.Close(s.stop))
}
