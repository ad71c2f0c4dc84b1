package collectors

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Listener receives the namespace's rtnetlink events.
type Listener struct {
	events *subscription
	port   uint32
}

// DefaultListenBuffer is a receive buffer that holds the events of 100,000
// changes of routes while their reader is busy. Each takes about 1,280 bytes,
// and the kernel doubles what is asked for. It is a limit: memory is taken only
// for events that wait.
const DefaultListenBuffer = 64 << 20

// Listen subscribes to the events of the kinds given. The receive buffer is of
// so many bytes, of DefaultListenBuffer for 0; without CAP_NET_ADMIN the kernel grants at most
// net.core.rmem_max. Kinds that the kernel has no events for are left out, and so are
// those of connection tracking (see ListenFlows).
func (k *Kernel) Listen(kinds netstat.Kinds, buffer int) (*Listener, error) {
	l, err := k.listen(kinds, buffer)
	return l, k.readError("listen", err)
}

func (k *Kernel) listen(kinds netstat.Kinds, buffer int) (*Listener, error) {
	var groups []int
	kinds.Each(func(kind netstat.Kinds) { groups = append(groups, rtnetlinkKindOf(kind).groups...) })
	events, err := k.subscribe(unix.NETLINK_ROUTE, groups, buffer)
	if err != nil {
		return nil, err
	}
	l := &Listener{events: events}
	name, err := unix.Getsockname(events.fd)
	if own, ok := name.(*unix.SockaddrNetlink); ok {
		l.port = own.Pid
	}
	if err != nil {
		l.Close()
		return nil, os.NewSyscallError("getsockname", err)
	}
	return l, nil
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
	(kinds & netstat.AllKinds).Each(func(kind netstat.Kinds) {
		declared := rtnetlinkKindOf(kind)
		for _, group := range declared.groups {
			if e := joinGroup(fd, group); e != nil {
				if !errors.Is(e, unix.EINVAL) { // the kernel lacks the group
					err = errors.Join(err, e)
				}
				return
			}
		}
		_, e := k.dumpMessages(ctx, declared.requests(k), kind, func(*Message) error { return errFound })
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
// happened before, when the change that is under way, if any, is complete: the
// kernel says that a link went down before it removes the link's routes, and dumps
// routes without waiting for that. The request is for the loopback interface: the
// answer needs the lock under which links and addresses change (rtnl_mutex,
// net/core/rtnetlink.c). A socket that has no room loses the answer. The number,
// which is not 0, comes back in Message.Answer. The error is a *netstat.ReadError with that of
// send(2).
func (l *Listener) Fence(number uint32) error {
	request := loopbackRequest()
	return l.events.kernel.readError("send a fence", l.events.send(request.encode(number)))
}

// BufferSize returns the size of the receive buffer as the kernel counts it,
// which is twice what Listen was granted.
func (l *Listener) BufferSize() int { return l.events.size }

// Receive waits for the next datagram of events, for a Decoder, and returns it;
// it is valid until the next call. An error that matches ErrGap says that events
// were lost: those that were still waiting are dropped then, so that whoever
// dumps afterwards and goes on to receive misses nothing. One that matches
// fs.ErrClosed says that the Listener was closed. Receive must not be called
// concurrently.
func (l *Listener) Receive() ([]byte, error) {
	datagram, err := l.events.next()
	return datagram, l.events.kernel.readError("receive events", err)
}

// Close ends the subscription. A Receive under way returns. Closing again is no error.
func (l *Listener) Close() error { return l.events.close() }
