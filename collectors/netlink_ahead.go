package collectors

import (
	"context"
	"errors"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A dump's rows are made within the call that receives them. A long answer is
// therefore received in a goroutine of its own, while what came before is worked
// on: several datagrams at a time, as waking somebody up for each would take
// longer than its rows.
const (
	aheadAfter   = 8 // datagrams after which an answer is long
	aheadBatches = 3 // one received into, one worked on, and one between
	batchSpace   = 4 * receiveSize
)

// direct is what a receive needs that Go's scheduler is not told of. It would
// hand the processor on after some 20 µs, and take longer for that than the
// kernel for the rows of a datagram.
type direct struct {
	on     bool // only for dumps that the kernel makes without waiting
	from   unix.SockaddrNetlink
	name   unix.RawSockaddrNetlink
	memory unix.Iovec
	header unix.Msghdr
}

// recvmsg is unix.Recvmsg for a socket that never blocks.
func (c *conn) recvmsg(fd uintptr) {
	d := &c.direct
	d.memory.Base = &c.buffer[0]
	d.memory.SetLen(len(c.buffer))
	d.header = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&d.name)), Namelen: unix.SizeofSockaddrNetlink, Iov: &d.memory}
	d.header.SetIovlen(1)
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&d.header)), 0)
	c.n, c.flags, c.from, c.err = int(n), int(d.header.Flags), &d.from, nil
	d.from.Pid = d.name.Pid
	if errno != 0 {
		c.err = errno
	}
}

// batch is datagrams that came one after the other, and the error that came then.
type batch struct {
	memory    []byte
	datagrams [][]byte
	err       error
}

var batches = sync.Pool{New: newBatch}

func newBatch() any {
	b := &batch{memory: make([]byte, batchSpace)}
	// All of it is used. One call (Linux 5.14) takes a fraction of the page faults
	// that it spares; where there is none, these do.
	_ = unix.Madvise(b.memory, unix.MADV_POPULATE_WRITE)
	return b
}

// fill receives what there is, or waits for the first.
func (b *batch) fill(ctx context.Context, c *conn) {
	b.datagrams, b.err = b.datagrams[:0], nil
	for room := b.memory; len(room) >= receiveSize; {
		c.ready = len(b.datagrams) > 0
		datagram, err := c.receive(ctx, room[:receiveSize])
		if err != nil {
			if !c.ready || !errors.Is(err, unix.EAGAIN) {
				b.err = err
			}
			return
		}
		b.datagrams = append(b.datagrams, datagram)
		room = room[len(datagram):]
	}
}

// aheadReceiver is who receives ahead of who works.
type aheadReceiver struct {
	conn       *conn
	free, full chan *batch // each has room for all
	current    *batch      // what is worked on, nil before the first
	rest       [][]byte    // of its datagrams
}

func receiveAhead(ctx context.Context, c *conn) *aheadReceiver {
	c.direct.on = true
	a := &aheadReceiver{conn: c, free: make(chan *batch, aheadBatches), full: make(chan *batch, aheadBatches)}
	for range aheadBatches {
		a.free <- batches.Get().(*batch)
	}
	go func() {
		defer close(a.full)
		for b := range a.free {
			b.fill(ctx, c)
			err := b.err // b is the worker's from here on
			a.full <- b
			if err != nil {
				return
			}
		}
	}()
	return a
}

// next returns the next datagram, which is valid until the next call. After an
// error it must not be called.
func (a *aheadReceiver) next() ([]byte, error) {
	for len(a.rest) == 0 {
		if a.current != nil {
			if a.current.err != nil {
				return nil, a.current.err
			}
			a.free <- a.current
		}
		a.current = <-a.full
		a.rest = a.current.datagrams
	}
	datagram := a.rest[0]
	a.rest = a.rest[1:]
	return datagram, nil
}

// stop closes the socket, which ends a receive under way.
func (a *aheadReceiver) stop() {
	close(a.free)
	a.conn.close()
	for b := range a.full {
		batches.Put(b)
	}
	for b := range a.free {
		batches.Put(b)
	}
	if a.current != nil {
		batches.Put(a.current)
	}
}
