package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Options say which stack to keep current, and what of it.
type Options struct {
	// NetNS names the network namespace as collectors.OpenNetNS takes it: a
	// name given by ip-netns(8) or a path, which "/proc/self/fd/N" makes of a
	// file descriptor. Empty means the one that the process runs in.
	NetNS string
	// Kinds is what to track; 0 means everything that the kernel reports changes
	// of. Kinds that are not tracked are read from the kernel when they are asked
	// for.
	Kinds netstat.Kinds
	// ReceiveBuffer is the size of the event socket's receive buffer in bytes;
	// 0 means collectors.DefaultListenBuffer. A smaller one makes gaps more
	// likely and costs time then, and nothing else.
	ReceiveBuffer int
	// Log takes what is worth knowing: gaps, dumps that were repeated,
	// messages that were not understood. Nil means slog.Default.
	Log *slog.Logger
}

// Stack is the network stack of one namespace, kept current from the kernel's
// events. It has every reader that its kernel has: what it does not track, and of
// what it tracks that which no event tells, it asks the kernel for. Its methods
// may be called concurrently. Use Open or Start: the zero value is no Stack. Errors of its methods
// are as for [netstat.Stack], and once the stack has ended, its own ([Stack.Err]).
type Stack struct {
	asked    // the kernel's readers, but for those that Stack has itself
	kernel   *collectors.Kernel
	log      *slog.Logger
	kinds    netstat.Kinds // asked for
	tracked  netstat.Kinds // kept: what is asked for and what that follows from
	listener *collectors.Listener
	removal  *removalWatch // nil where the namespace has no name that may go

	// write is held by who changes the state, for as long as that takes; mu by
	// who looks at it or changes it, for a moment. write comes before mu.
	write sync.Mutex
	mu    sync.Mutex
	state *state
	// current is the last snapshot, until something changes. recent is one that
	// may be a little older, for who must not wait; read is when that was asked
	// for last, as the nanoseconds since opened.
	current atomic.Pointer[Snapshot]
	recent  atomic.Pointer[recentSnapshot]
	read    atomic.Int64
	opened  time.Time

	// What write guards.
	update      update
	stale       netstat.Kinds // to be dumped again
	marked      time.Time     // when something last became that
	waiting     int           // how many wait for that to be dumped
	dumping     bool          // log the events
	events      []received    // since the dump began
	doubts      int           // how many dumps in a row were not believed
	subscribers map[*Subscription]struct{}
	told        netstat.Kinds     // what any of them wants
	fences      map[uint32]func() // called when reached
	fence       uint32            // the last one's number
	idle        chan struct{}     // closed while nothing is stale
	ended       error             // stays what it is once done is closed

	wake    chan struct{} // holds one when something is stale
	hurry   chan struct{} // holds one when it is to be dumped at once
	loaded  chan struct{} // closed when everything was dumped once
	done    chan struct{} // closed when the stack ends
	running sync.WaitGroup

	counters counters
}

// received is a datagram of events and when it came.
type received struct {
	datagram []byte
	at       time.Time
}

type counters struct {
	events, malformed, gaps, dumps, interrupted atomic.Uint64
}

var _ netstat.CompleteStack = (*Stack)(nil)

// asked is what a Stack asks the kernel for: all that it does not track.
type asked interface{ netstat.CompleteStack }

// Open opens the stack of a namespace as Start does, and returns when what it
// tracks is loaded, or with the error that prevented that, which is the context's
// when that ended first. ctx matters for Open only: Close ends the stack.
func Open(ctx context.Context, options Options) (*Stack, error) {
	s, err := Start(options)
	if err != nil {
		return nil, err
	}
	if err := s.Wait(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Start opens the stack of a namespace and returns while it is loaded. Until it is
// (see Wait), methods with a context wait, but for Interfaces, and snapshots have
// nothing. The error matches fs.ErrNotExist when there is no such namespace,
// fs.ErrPermission when it may not be entered, and netstat.ErrNotSupported when
// multicast groups are asked for and the kernel, as one before Linux 6.15, does not
// tell of them.
func Start(options Options) (*Stack, error) {
	if options.Kinds&^netstat.AllKinds != 0 {
		return nil, fmt.Errorf("kinds %#x are unknown", uint16(options.Kinds))
	}
	asked := options.Kinds
	if asked == 0 {
		options.Kinds = netstat.AllKinds
	}
	if options.ReceiveBuffer == 0 {
		options.ReceiveBuffer = collectors.DefaultListenBuffer
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	removal, err := watchRemoval(options.NetNS)
	if err != nil {
		return nil, err
	}
	kernel, err := collectors.Open(collectors.Options{NetNS: options.NetNS})
	if err != nil {
		removal.close()
		return nil, err
	}
	if probed := options.Kinds & probedKinds(); probed != 0 {
		var followable netstat.Kinds
		if followable, err = kernel.Followable(context.Background(), probed); err == nil {
			options.Kinds, err = trackable(asked, followable)
		}
		if err != nil {
			removal.close()
			kernel.Close()
			return nil, err
		}
	}
	s := &Stack{
		asked: kernel, kernel: kernel, log: options.Log, removal: removal,
		kinds: options.Kinds, tracked: options.Kinds,
		state:       newState(),
		opened:      time.Now(),
		subscribers: make(map[*Subscription]struct{}),
		fences:      make(map[uint32]func()),
		idle:        make(chan struct{}),
		wake:        make(chan struct{}, 1),
		hurry:       make(chan struct{}, 1),
		loaded:      make(chan struct{}),
		done:        make(chan struct{}),
	}
	listen := s.tracked
	s.tracked |= netstat.KindInterface
	for _, k := range kinds {
		if s.kinds.Has(k.is) {
			s.tracked |= k.needs
			listen |= k.hears
		}
	}
	listen |= s.tracked
	s.update = update{state: s.state, kinds: s.tracked, emit: s.emit}
	s.stale = s.tracked
	if s.listener, err = kernel.Listen(listen, options.ReceiveBuffer); err != nil {
		removal.close()
		kernel.Close()
		return nil, err
	}
	s.running.Go(s.receive)
	s.running.Go(s.refresh)
	if removal != nil {
		s.running.Go(func() { s.end(removal.wait(kernel)) })
	}
	s.wake <- struct{}{}
	return s, nil
}

// probedKinds returns the kinds that some kernels report no changes of.
func probedKinds() (probed netstat.Kinds) {
	for _, k := range kinds {
		if k.probed {
			probed |= k.is
		}
	}
	return probed
}

// trackable returns what to track of the kinds asked for, 0 for everything, on a
// kernel that reports changes of the followable ones of probedKinds.
func trackable(asked, followable netstat.Kinds) (netstat.Kinds, error) {
	lacking := probedKinds() &^ followable
	switch {
	case asked == 0:
		return netstat.AllKinds &^ lacking, nil
	case asked&lacking != 0:
		return 0, fmt.Errorf("%w: the kernel does not tell of changes of kind %v", netstat.ErrNotSupported, asked&lacking)
	}
	return asked, nil
}

// Wait returns when what the stack tracks is loaded, or with the reason why it
// never will be, or with the context's error. Where the context is done already
// and the stack is loaded it returns nil.
func (s *Stack) Wait(ctx context.Context) error {
	if err := s.Err(); err != nil {
		return err
	}
	if s.isLoaded() {
		return nil
	}
	select {
	case <-s.loaded:
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the stack: subscriptions end, and what is read afterwards fails
// with an error that matches fs.ErrClosed. Snapshots stay what they are.
func (s *Stack) Close() error {
	s.end(fs.ErrClosed)
	s.running.Wait()
	return s.kernel.Close()
}

// Done is closed when the stack has ended; Err tells why.
func (s *Stack) Done() <-chan struct{} { return s.done }

// Err returns why the stack ended, nil while it has not: fs.ErrClosed after
// Close, an error that matches fs.ErrNotExist when the namespace's name was
// removed, or what made reading the kernel's events fail.
func (s *Stack) Err() error {
	select {
	case <-s.done:
		return s.ended
	default:
		return nil
	}
}

// end ends the stack for a reason, once.
func (s *Stack) end(reason error) {
	s.write.Lock()
	if s.ended != nil {
		s.write.Unlock()
		return
	}
	s.ended = reason
	for sub := range s.subscribers {
		sub.end(reason)
	}
	clear(s.subscribers)
	close(s.done)
	s.write.Unlock()
	s.listener.Close()
	s.removal.close()
}

// receive takes in the kernel's events until the stack ends.
func (s *Stack) receive() {
	decoder := s.listener.Decoder()
	each := s.message
	for {
		datagram, err := s.listener.Receive()
		now := time.Now()
		s.write.Lock()
		switch {
		case s.ended != nil:
			s.write.Unlock()
			return
		case err == nil:
		case errors.Is(err, collectors.ErrGap):
			s.gap(err)
			s.write.Unlock()
			continue
		default:
			s.write.Unlock()
			s.end(err)
			return
		}
		if s.dumping {
			s.events = append(s.events, received{append([]byte(nil), datagram...), now})
		}
		s.update.told, s.update.now = s.told, now
		s.mu.Lock()
		before := s.state.changes()
		err = decoder.Decode(datagram, each)
		if s.state.changes() != before {
			s.changed(s.update.now)
		}
		s.mu.Unlock()
		if err != nil {
			s.malformed(0, err)
		}
		s.markStale()
		s.write.Unlock()
	}
}

// message takes in one message of a datagram.
func (s *Stack) message(m *collectors.Message, err error) {
	switch {
	case m.Answer != 0:
		if reached := s.fences[m.Answer]; reached != nil {
			delete(s.fences, m.Answer)
			s.recent.Store(nil) // who waited for this must not meet what was before
			reached()
		}
	case err != nil:
		s.malformed(m.Kind, err)
	default:
		s.counters.events.Add(1)
		if s.isLoaded() { // the dump under way has it, or is told of it
			s.update.apply(m)
		}
	}
}

// malformed notes a message that was not understood: what it told of is dumped
// again.
func (s *Stack) malformed(kind netstat.Kinds, err error) {
	s.counters.malformed.Add(1)
	s.log.Warn("an rtnetlink message was not understood", "kind", kind, "error", err)
	if kind == 0 {
		kind = s.tracked
	}
	s.update.stale |= kind & s.tracked
}

// gap has everything dumped again.
func (s *Stack) gap(err error) {
	s.counters.gaps.Add(1)
	s.log.Info("everything is dumped again", "error", err)
	s.update.stale = s.tracked
	s.markStale()
	for number := range s.fences { // what was lost may be their answers
		_ = s.listener.Fence(number)
	}
}

func (s *Stack) isLoaded() bool {
	select {
	case <-s.loaded:
		return true
	default:
		return false
	}
}

// Statistics are counts since the stack was opened.
type Statistics struct {
	Events      uint64 // messages that the kernel sent by itself
	Malformed   uint64 // messages that were not understood
	Gaps        uint64 // times that events were lost
	Dumps       uint64 // times that something was dumped, the first included
	Interrupted uint64 // dumps of one kind during which the kernel saw a change
}

// Statistics returns what happened so far.
func (s *Stack) Statistics() Statistics {
	c := &s.counters
	return Statistics{c.events.Load(), c.malformed.Load(), c.gaps.Load(), c.dumps.Load(), c.interrupted.Load()}
}

// Snapshot returns the stack as it is now. It takes no time and no memory but
// for what changes while it is held; while nothing does it is the same one again.
func (s *Stack) Snapshot() *Snapshot {
	if v := s.current.Load(); v != nil {
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take()
}

// take returns a snapshot. Its caller holds mu.
func (s *Stack) take() *Snapshot {
	v := s.current.Load()
	if v == nil {
		v = &Snapshot{state: s.state.snapshot(), kinds: s.kinds}
		s.current.Store(v)
	}
	return v
}

// recentSnapshot is a snapshot and when it was taken.
type recentSnapshot struct {
	view  *Snapshot
	taken time.Time
}

// How old the snapshot of Recent may be: so old in any case, or so old where whoever
// takes events in is at it; and after how long nobody is expected to ask for one.
const (
	recently    = 2 * time.Millisecond
	busyAt      = 100 * time.Millisecond
	unwantedFor = time.Second
)

// Recent returns a Snapshot as well, for who must not wait: taking events in may be
// held up by other processes. While events come it is up to two milliseconds old,
// or as much older as taking them in is held up. It is never older than what the
// caller knows from Sync.
func (s *Stack) Recent() *Snapshot {
	if v := s.current.Load(); v != nil {
		return v
	}
	now := time.Now()
	s.read.Store(int64(now.Sub(s.opened)))
	last := s.recent.Load()
	if last != nil && now.Sub(last.taken) < recently {
		return last.view
	}
	if !s.mu.TryLock() {
		if last != nil && now.Sub(last.taken) < busyAt {
			return last.view
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	v := s.take()
	s.recent.Store(&recentSnapshot{v, now})
	return v
}

// changed is called when an event changed the state, by who holds mu.
func (s *Stack) changed(now time.Time) {
	s.current.Store(nil)
	last := s.recent.Load()
	if last == nil || now.Sub(last.taken) < recently {
		return
	}
	if now.Sub(s.opened)-time.Duration(s.read.Load()) > unwantedFor {
		s.recent.Store(nil)
		return
	}
	s.recent.Store(&recentSnapshot{s.take(), now})
}

// NetNS returns the name that the namespace was opened by.
func (s *Stack) NetNS() string { return s.kernel.NetNS() }

// Kinds returns what the stack tracks.
func (s *Stack) Kinds() netstat.Kinds { return s.kinds }

// tracks reports whether the kind is answered from the state, and not by asking
// the kernel.
func (s *Stack) tracks(kind netstat.Kinds) bool { return s.kinds.Has(kind) }

// Interfaces yields the interfaces with their counters, which have no events: it
// asks the kernel, and does not wait until the stack is loaded. LastChange and
// CounterDiscontinuity are what the stack saw.
// Snapshot has the interfaces without counters, at no cost.
func (s *Stack) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		if err := s.Err(); err != nil {
			yield(netstat.Interface{}, err)
			return
		}
		view := s.Snapshot()
		for i, err := range s.kernel.Interfaces(ctx) {
			if known, ok := view.Interface(i.Index); ok {
				i.LastChange, i.CounterDiscontinuity = known.LastChange, known.CounterDiscontinuity
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

// Addresses yields the addresses.
func (s *Stack) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	if !s.tracks(netstat.KindAddress) {
		return s.kernel.Addresses(ctx)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.Address] { return v.Addresses() })
}

// Routes yields the routes that q selects, in the order of Snapshot.Routes.
func (s *Stack) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	if !s.tracks(netstat.KindRoute) {
		return s.kernel.Routes(ctx, q)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.Route] { return v.Routes(q) })
}

// Neighbours yields the neighbours of the families, of IPv4 and IPv6 where none
// is given.
func (s *Stack) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	if !s.tracks(netstat.KindNeighbour) {
		return s.kernel.Neighbours(ctx, families...)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.Neighbour] { return v.Neighbours(families...) })
}

// Rules yields the rules in the order that they apply in.
func (s *Stack) Rules(ctx context.Context) iter.Seq2[netstat.Rule, error] {
	if !s.tracks(netstat.KindRule) {
		return s.kernel.Rules(ctx)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.Rule] { return v.Rules() })
}

// NextHops yields the nexthop objects.
func (s *Stack) NextHops(ctx context.Context) iter.Seq2[netstat.NextHop, error] {
	if !s.tracks(netstat.KindNextHop) {
		return s.kernel.NextHops(ctx)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.NextHop] { return v.NextHops() })
}

// Netconfs yields the settings.
func (s *Stack) Netconfs(ctx context.Context) iter.Seq2[netstat.Netconf, error] {
	if !s.tracks(netstat.KindNetconf) {
		return s.kernel.Netconfs(ctx)
	}
	return answer(s, ctx, func(v *Snapshot) iter.Seq[netstat.Netconf] { return v.Netconfs() })
}

// answer yields what a snapshot has.
func answer[T any](s *Stack, ctx context.Context, of func(*Snapshot) iter.Seq[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		err := s.Wait(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(zero, err)
			return
		}
		for row := range of(s.Snapshot()) {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Bytes estimates the memory, in bytes, that the rows of a kind take. Snapshots
// that others hold count only while they share it.
func (s *Stack) Bytes(kind netstat.Kinds) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.state.of(kind); t != nil {
		return t.bytes()
	}
	return 0
}
