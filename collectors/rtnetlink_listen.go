package collectors

import (
	"context"
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
var ErrGap = errors.New("rtnetlink events were lost")

// Listener receives the namespace's rtnetlink events. It is not in Go's network
// poller, which is woken for each datagram even while nobody waits for it: a
// burst of small ones would cost more to be told of than to be taken.
type Listener struct {
	kernel *Kernel
	fd     int
	stop   int // eventfd(2) that ends a Receive
	buffer []byte
	size   int // the receive buffer that the kernel granted, in bytes
	port   uint32
	gather bool // let events gather when they come thick

	received time.Time // when a datagram came last

	// using is held by who uses the descriptors, and by Close to close them.
	using  sync.RWMutex
	closed atomic.Bool
}

// DefaultListenBuffer is a receive buffer that holds the events of 100,000
// changes of routes while their reader is busy. Each takes about 1,280 bytes,
// and the kernel doubles what is asked for. It is a limit: memory is taken only
// for events that wait.
const DefaultListenBuffer = 64 << 20

// A Listener with room enough lets events gather for gatherTime when it has
// taken the last one so shortly before.
const (
	gatherTime = time.Millisecond
	gatherSize = 1 << 20
)

// Listen subscribes to the events of the kinds given. The receive buffer is of
// so many bytes; without CAP_NET_ADMIN the kernel grants at most
// net.core.rmem_max. Kinds that the kernel has no events for are left out.
func (k *Kernel) Listen(kinds netstat.Kinds, buffer int) (*Listener, error) {
	l, err := k.listen(kinds, buffer)
	return l, k.readError("listen", err)
}

func (k *Kernel) listen(kinds netstat.Kinds, buffer int) (*Listener, error) {
	fd, err := k.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &Listener{kernel: k, fd: fd, stop: stop, buffer: make([]byte, receiveSize)}
	name, err := unix.Getsockname(fd)
	if own, ok := name.(*unix.SockaddrNetlink); ok {
		l.port = own.Pid
	}
	if err = os.NewSyscallError("getsockname", err); err == nil {
		l.size, err = setReceiveBuffer(fd, buffer)
	}
	l.gather = l.size >= gatherSize
	kinds.Each(func(kind netstat.Kinds) {
		for _, group := range groups(kind) {
			// Kernels say that they lack a group by EINVAL.
			if e := joinGroup(fd, group); e != nil && !errors.Is(e, unix.EINVAL) {
				err = errors.Join(err, e)
			}
		}
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// groups returns the multicast groups that tell of a kind.
func groups(kind netstat.Kinds) []int {
	switch kind {
	case netstat.KindInterface:
		return []int{unix.RTNLGRP_LINK}
	case netstat.KindAddress:
		return []int{unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR}
	case netstat.KindRoute:
		return []int{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE}
	case netstat.KindNeighbour:
		return []int{unix.RTNLGRP_NEIGH}
	case netstat.KindRule:
		return []int{unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE}
	case netstat.KindNextHop:
		return []int{unix.RTNLGRP_NEXTHOP}
	case netstat.KindNetconf:
		return []int{unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF}
	case netstat.KindMulticast:
		return []int{unix.RTNLGRP_IPV4_MCADDR, unix.RTNLGRP_IPV6_MCADDR}
	}
	return nil
}

// errFound ends a dump of which nothing more is wanted.
var errFound = errors.New("found")

// Followable returns those of the kinds that can be kept current: the kernel
// reports their changes and dumps them.
func (k *Kernel) Followable(ctx context.Context, kinds netstat.Kinds) (netstat.Kinds, error) {
	found, err := k.followable(ctx, kinds)
	return found, k.readError("probe for events", err)
}

func (k *Kernel) followable(ctx context.Context, kinds netstat.Kinds) (found netstat.Kinds, err error) {
	fd, err := k.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	kinds.Each(func(kind netstat.Kinds) {
		for _, group := range groups(kind) {
			if e := joinGroup(fd, group); e != nil {
				if !errors.Is(e, unix.EINVAL) { // the kernel lacks the group
					err = errors.Join(err, e)
				}
				return
			}
		}
		_, e := k.dumpMessages(ctx, k.requests(kind), kind, func(*Message) error { return errFound })
		switch {
		case e == nil, errors.Is(e, errFound):
			found |= kind
		case !errors.Is(e, unix.EOPNOTSUPP):
			err = errors.Join(err, e)
		}
	})
	return found, err
}

// Decoder returns a Decoder that tells the answers to the Listener's fences.
func (l *Listener) Decoder() *Decoder { return &Decoder{port: l.port} }

// Fence sends a request whose answer comes after the events of everything that
// happened before, when the change that is under way, if any, is complete (see
// Kernel.Settle). A socket that has no room loses the answer. The number, which
// is not 0, comes back in Message.Answer.
func (l *Listener) Fence(number uint32) error {
	l.using.RLock()
	defer l.using.RUnlock()
	err := fs.ErrClosed
	if !l.closed.Load() {
		request := loopbackRequest()
		err = os.NewSyscallError("sendto", unix.Sendto(l.fd, request.encode(number), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	}
	return l.kernel.readError("send a fence", err)
}

// BufferSize returns the size of the receive buffer as the kernel counts it,
// which is twice what Listen was granted.
func (l *Listener) BufferSize() int { return l.size }

// Receive waits for the next datagram of events, for a Decoder, and returns it;
// it is valid until the next call. An error that matches ErrGap says that events
// were lost: those that were still waiting are dropped then, so that whoever
// dumps afterwards and goes on to receive misses nothing. One that matches
// fs.ErrClosed says that the Listener was closed. Receive must not be called
// concurrently.
func (l *Listener) Receive() ([]byte, error) {
	l.using.RLock()
	defer l.using.RUnlock()
	datagram, err := l.receive()
	if isGap(err) || errors.Is(err, errTruncated) {
		l.drain()
		err = fmt.Errorf("%w (%w)", ErrGap, err)
	}
	return datagram, l.kernel.readError("receive events", err)
}

func (l *Listener) receive() ([]byte, error) {
	for !l.closed.Load() {
		n, _, flags, from, err := unix.Recvmsg(l.fd, l.buffer, nil, unix.MSG_DONTWAIT)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			if err := l.wait(); err != nil {
				return nil, err
			}
			continue
		default:
			return nil, os.NewSyscallError("recvmsg", err)
		}
		if l.gather {
			l.received = time.Now()
		}
		// Other processes may send to a netlink socket, too.
		if from, ok := from.(*unix.SockaddrNetlink); !ok || from.Pid != 0 {
			continue
		}
		if flags&unix.MSG_TRUNC != 0 {
			return nil, errTruncated
		}
		return l.buffer[:n], nil
	}
	return nil, fs.ErrClosed
}

// wait returns when there may be something to receive, or the Listener is
// closed.
func (l *Listener) wait() error {
	if l.gather && time.Since(l.received) < gatherTime {
		time.Sleep(gatherTime)
		return nil
	}
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.stop), Events: unix.POLLIN}}, -1)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return os.NewSyscallError("poll", err)
}

// drain drops what the socket holds. Once it has lost an event it takes no
// further ones until it is empty, and does not say that it loses them
// (NETLINK_S_CONGESTED, net/netlink/af_netlink.c): whoever reads the state again
// while it still holds old events would miss what changes meanwhile.
func (l *Listener) drain() {
	for !l.closed.Load() {
		if _, _, err := unix.Recvfrom(l.fd, l.buffer, unix.MSG_DONTWAIT); errors.Is(err, unix.EAGAIN) {
			return
		}
	}
}

// Close ends the subscription. A Receive under way returns.
func (l *Listener) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	_, err := unix.Write(l.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	l.using.Lock()
	defer l.using.Unlock()
	return errors.Join(os.NewSyscallError("write", err), unix.Close(l.fd), unix.Close(l.stop))
}
