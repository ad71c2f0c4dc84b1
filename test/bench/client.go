package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

const community = "public"

// client asks an agent, one request at a time unless a method says otherwise,
// through a socket that blocks. It is for one goroutine.
type client struct {
	fd        int
	community string
	request   request
	buf       []byte
	id        uint32
	// timeout is how long an answer may take before the request is repeated.
	timeout time.Duration

	retries int // requests that were repeated
	strays  int // answers to what was not asked, or was answered already

	// sample, where it is set, is shown every answer.
	sample func([]byte)
	// eager says that answers are looked for, for a moment, rather than slept
	// for: where to be woken takes longer than to answer, a walk would measure
	// little else.
	eager bool
	// canned says that every answer is the same, whatever the request: the
	// echo's.
	canned bool
}

// slice is how long the kernel lets a read wait; in between, deadlines are
// looked at.
const slice = 100 * time.Millisecond

// dial returns a client in a namespace for a port of 127.0.0.1.
func dial(ns *namespace, port int, timeout time.Duration) (*client, error) {
	c := &client{community: community, buf: make([]byte, 1<<16), id: firstID, timeout: timeout}
	err := ns.do(func() (err error) {
		if c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		if err := unix.Connect(c.fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
		wait := unix.NsecToTimeval(slice.Nanoseconds())
		return unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *client) close() { _ = unix.Close(c.fd) }

// send sends a message. Nobody listening yet is as good as an answer that gets
// lost.
func (c *client) send(message []byte) error {
	for {
		_, err := unix.Write(c.fd, message)
		switch {
		case err == nil, errors.Is(err, unix.ECONNREFUSED):
			return nil
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("send: %w", err)
		}
	}
}

// eagerness is how long an eager client looks for an answer before it sleeps.
const eagerness = 200 * time.Microsecond

// look returns the next message if it comes within eagerness.
func (c *client) look() []byte {
	for start := time.Now(); time.Since(start) < eagerness; {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&c.buf[0])), uintptr(len(c.buf)), unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			return c.buf[:n]
		}
		if errno != unix.EAGAIN {
			return nil
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return nil
}

// receive returns the next message, nil where none came for a while.
func (c *client) receive() ([]byte, error) {
	if c.eager {
		if got := c.look(); got != nil {
			return got, nil
		}
	}
	n, err := unix.Read(c.fd, c.buf)
	switch {
	case err == nil:
		return c.buf[:n], nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil, nil
	case errors.Is(err, unix.ECONNREFUSED): // pause, as nobody listens
		time.Sleep(5 * time.Millisecond)
		return nil, nil
	}
	return nil, fmt.Errorf("receive: %w", err)
}

// ask sends a request until it is answered or ctx is done.
func (c *client) ask(ctx context.Context, pdu byte, repetitions uint32, names ...[]byte) (answer, error) {
	c.id++
	message := c.request.message(c.community, pdu, c.id, repetitions, names...)
	if err := c.send(message); err != nil {
		return answer{}, err
	}
	var asked time.Time // known once it matters
	for {
		got, err := c.receive()
		if err != nil {
			return answer{}, err
		}
		if got == nil {
			if ctx.Err() != nil {
				return answer{}, context.Cause(ctx)
			}
			switch now := time.Now(); {
			case asked.IsZero():
				asked = now
			case now.Sub(asked) > c.timeout:
				c.retries++
				asked = now
				if err := c.send(message); err != nil {
					return answer{}, err
				}
			}
			continue
		}
		if c.sample != nil {
			c.sample(got)
		}
		a, err := parse(got)
		if err != nil {
			return a, err
		}
		if a.id != c.id && !c.canned {
			c.strays++
			continue
		}
		return a, nil
	}
}

// walked is what a walk found.
type walked struct {
	varbinds, requests, octets int
	elapsed                    time.Duration
}

func (w walked) rate() float64 { return float64(w.varbinds) / w.elapsed.Seconds() }

// walk reads a subtree by GETBULK, each from the last name of the answer before.
func (c *client) walk(ctx context.Context, root string, repetitions int) (w walked, err error) {
	subtree, err := encodeOID(root)
	if err != nil {
		return w, err
	}
	name := slices.Clone(subtree)
	c.eager = true
	start := time.Now()
	defer func() { w.elapsed, c.eager = time.Since(start), false }()
	for {
		if w.requests%256 == 0 && ctx.Err() != nil {
			return w, context.Cause(ctx)
		}
		a, err := c.ask(ctx, ber.GetBulkRequest, uint32(repetitions), name)
		w.requests++
		switch {
		case err != nil:
			return w, err
		case a.status != 0:
			return w, fmt.Errorf("error-status %d after %d variables", a.status, w.varbinds)
		case a.count == 0:
			return w, fmt.Errorf("an answer without variables after %d", w.varbinds)
		case string(a.first) == string(name) && a.lastTag != endOfMIBView:
			return w, fmt.Errorf("the walk does not move on after %d variables", w.varbinds)
		}
		n, left := a.within(subtree)
		w.varbinds += n
		w.octets += len(a.list)
		if left {
			return w, nil
		}
		name = append(name[:0], a.last...)
	}
}

// walkRows reads columns of a table side by side, until the first of them ends.
func (c *client) walkRows(ctx context.Context, entry string, columns []int, repetitions int) (w walked, err error) {
	var names [][]byte
	for _, column := range columns {
		name, err := encodeOID(fmt.Sprintf("%s.%d", entry, column))
		if err != nil {
			return w, err
		}
		names = append(names, name)
	}
	first := slices.Clone(names[0])
	c.eager = true
	start := time.Now()
	defer func() { w.elapsed, c.eager = time.Since(start), false }()
	for {
		a, err := c.ask(ctx, ber.GetBulkRequest, uint32(repetitions), names...)
		w.requests++
		switch {
		case err != nil:
			return w, err
		case a.status != 0 || a.count == 0 || a.count%len(columns) != 0:
			return w, fmt.Errorf("error-status %d and %d variables after %d", a.status, a.count, w.varbinds)
		}
		a.tail(names)
		if !below(names[0], first) {
			// The last rows are not counted, as they may be beyond the end.
			return w, nil
		}
		w.varbinds += a.count
		w.octets += len(a.list)
	}
}

// repeat asks for the same again and again for a while, as a walk does.
func (c *client) repeat(ctx context.Context, while time.Duration, root string, name []byte, repetitions int) (w walked, err error) {
	subtree := mustEncodeOID(root)
	c.eager = true
	start := time.Now()
	defer func() { w.elapsed, c.eager = time.Since(start), false }()
	for w.requests%256 != 0 || time.Since(start) < while {
		if w.requests%256 == 0 && ctx.Err() != nil {
			return w, context.Cause(ctx)
		}
		a, err := c.ask(ctx, ber.GetBulkRequest, uint32(repetitions), name)
		if err != nil {
			return w, err
		}
		n, _ := a.within(subtree)
		w.requests++
		w.varbinds += n
		w.octets += len(a.list)
	}
	return w, nil
}

// rate asks for one variable for a while, with that many requests outstanding,
// and returns the answers per second.
func (c *client) rate(ctx context.Context, oid string, outstanding int, duration time.Duration) (float64, error) {
	name := mustEncodeOID(oid)
	ask := func() error {
		c.id++
		return c.send(c.request.message(c.community, ber.GetRequest, c.id, 0, name))
	}
	for range outstanding {
		if err := ask(); err != nil {
			return 0, err
		}
	}
	answers, silent := 0, 0
	start := time.Now()
	for answers&0xff != 0 || time.Since(start) < duration {
		got, err := c.receive()
		if err != nil {
			return 0, err
		}
		if got == nil {
			if silent++; silent > 20 || ctx.Err() != nil {
				return 0, fmt.Errorf("no answer after %d", answers)
			}
			continue
		}
		if a, err := parse(got); err != nil || a.status != 0 || a.count != 1 {
			return 0, fmt.Errorf("answer %d: error-status %d, %d variables, %w", answers, a.status, a.count, err)
		}
		answers++
		if err := ask(); err != nil {
			return 0, err
		}
	}
	elapsed := time.Since(start)
	for range outstanding { // so that they do not come to the next that asks
		_, _ = c.receive()
	}
	return float64(answers) / elapsed.Seconds(), nil
}

// ready waits until the agent answers.
func (c *client) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("the agent does not answer"))
	defer cancel()
	timeout := c.timeout
	defer func() { c.timeout, c.retries = timeout, 0 }()
	c.timeout = slice
	a, err := c.ask(ctx, ber.GetRequest, 0, mustEncodeOID(sysUpTime))
	if err == nil && a.status != 0 {
		err = fmt.Errorf("error-status %d for sysUpTime", a.status)
	}
	return err
}

const sysUpTime = "1.3.6.1.2.1.1.3.0"

// prober asks servers for a variable each at regular intervals, whether or not what it
// asked before was answered, and notes how long each answer takes. One thread asks all
// of them, at one moment, and another takes all answers: what keeps the prober itself
// waiting does so for all.
type prober struct {
	asked    []*asked
	n        atomic.Int64
	start    time.Time
	stopping atomic.Bool
	done     chan error
}

// target is what a prober asks, and where.
type target struct {
	port   int
	name   []byte
	canned bool // every answer is the same
}

// asked is a server and what it was asked. So many unanswered requests that its socket
// would drop others are not sent any more; such a one counts as answered by the next
// answer that comes.
type asked struct {
	target
	client   *client
	request  request
	sent     []atomic.Int64 // nanoseconds since the prober's start, by id
	answered []time.Duration
	open     atomic.Int64 // sent and not answered
	mu       sync.Mutex   // for what follows
	held     []int64      // not sent
	order    []int64      // sent and not answered, of one whose answers do not tell
}

// latencies are how long answers took, in order. For those that never came it
// is the time from the request to the end.
type latencies struct {
	all        []time.Duration
	unanswered int
}

func (l *latencies) add(m latencies) {
	l.all = append(l.all, m.all...)
	slices.Sort(l.all)
	l.unanswered += m.unanswered
}

func (l *latencies) percentile(p float64) time.Duration {
	if len(l.all) == 0 {
		return 0
	}
	return l.all[max(0, int(math.Ceil(p/100*float64(len(l.all))))-1)]
}

const (
	maxProbes = 1 << 18
	maxOpen   = 50
)

// probe begins to ask for variables; stop ends it.
func probe(ns *namespace, interval time.Duration, targets ...target) (*prober, error) {
	p := &prober{start: time.Now(), done: make(chan error, 2)}
	for _, t := range targets {
		c, err := dial(ns, t.port, time.Hour)
		if err != nil {
			p.close()
			return nil, err
		}
		p.asked = append(p.asked, &asked{target: t, client: c, sent: make([]atomic.Int64, maxProbes), answered: make([]time.Duration, maxProbes)})
	}
	go func() { p.done <- onThread(nil, func() error { return p.receive() }) }()
	go func() { p.done <- onThread(nil, func() error { return p.send(interval) }) }()
	return p, nil
}

func (p *prober) close() {
	for _, a := range p.asked {
		a.client.close()
	}
}

func (p *prober) send(interval time.Duration) error {
	next := time.Now()
	for i := int64(0); i < maxProbes && !p.stopping.Load(); i++ {
		for n := range p.asked { // each is the first in its turn
			a := p.asked[(int(i)+n)%len(p.asked)]
			if err := a.ask(i, time.Since(p.start)); err != nil {
				return err
			}
		}
		p.n.Store(i + 1)
		// A request that is late does not make the ones after it late.
		next = next.Add(interval)
		wait := time.Until(next)
		if wait <= 0 {
			next = time.Now()
			continue
		}
		pause := unix.NsecToTimespec(wait.Nanoseconds())
		_ = unix.Nanosleep(&pause, nil)
	}
	return nil
}

// ask sends a request, unless too many are not answered.
func (a *asked) ask(i int64, now time.Duration) error {
	a.sent[i].Store(int64(now))
	a.mu.Lock()
	if a.open.Load() >= maxOpen {
		a.held = append(a.held, i)
		a.mu.Unlock()
		return nil
	}
	if a.canned {
		a.order = append(a.order, i)
	}
	a.mu.Unlock()
	a.open.Add(1)
	return a.client.send(a.request.message(community, ber.GetRequest, firstID+uint32(i), 0, a.name))
}

func (p *prober) receive() error {
	fds := make([]unix.PollFd, len(p.asked))
	for silent := 0; silent <= 5; {
		for i, a := range p.asked {
			fds[i] = unix.PollFd{Fd: int32(a.client.fd), Events: unix.POLLIN}
		}
		n, err := unix.Poll(fds, int(slice.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		if n > 0 {
			silent = 0
		} else if p.stopping.Load() {
			silent++
		}
		for i, a := range p.asked {
			if n <= 0 || fds[i].Revents == 0 {
				continue
			}
			got, err := a.client.receive()
			if err != nil {
				return err
			}
			if got == nil {
				continue
			}
			if err := a.take(got, time.Since(p.start)); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes in an answer.
func (a *asked) take(got []byte, now time.Duration) error {
	answer, err := parse(got)
	if err != nil {
		return err
	}
	i := int64(answer.id) - firstID
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.canned { // answers come in the order of the requests
		i = -1
		if len(a.order) > 0 {
			i, a.order = a.order[0], a.order[1:]
		}
	}
	if i >= 0 && i < maxProbes && a.sent[i].Load() != 0 && a.answered[i] == 0 {
		a.answered[i] = now - time.Duration(a.sent[i].Load())
		a.open.Add(-1)
	}
	for _, i := range a.held {
		a.answered[i] = now - time.Duration(a.sent[i].Load())
	}
	a.held = a.held[:0]
	return nil
}

// stop ends the prober and returns what it noted of each.
func (p *prober) stop() (all []latencies, err error) {
	p.stopping.Store(true)
	err = errors.Join(<-p.done, <-p.done)
	end := time.Since(p.start)
	for _, a := range p.asked {
		var l latencies
		for i := range p.n.Load() {
			took := a.answered[i]
			if took == 0 {
				l.unanswered++
				took = end - time.Duration(a.sent[i].Load())
			}
			l.all = append(l.all, took)
		}
		slices.Sort(l.all)
		all = append(all, l)
	}
	p.close()
	return all, err
}
