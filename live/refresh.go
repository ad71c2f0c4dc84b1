package live

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// markStale has what the updates found stale dumped again.
func (s *Stack) markStale() {
	found := s.update.stale & s.tracked
	s.update.stale = 0
	if found == 0 {
		return
	}
	s.stale |= found
	s.marked = time.Now()
	select {
	case <-s.idle:
		s.idle = make(chan struct{})
	default:
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Dumping takes at most about a fifth of one processor, or less than that of a busy one: what
// counts is the time that a dump has a processor, and not how long it waits for one or for the
// kernel's locks. No rest is longer than longestRest. In a storm something becomes
// stale again and again, by events and as they interrupt the dumps: then it takes a
// fiftieth, or begins longestRest after the last dump ended if that is sooner. A storm is
// over when nothing became stale for calmAfter. Who waits for a dump ends a rest once, and
// is in no storm; the pause after a failure ends so, too.
const (
	dumpShare   = 5
	stormShare  = 50
	longestRest = 5 * time.Second
	calmAfter   = 100 * time.Millisecond
	retryPause  = time.Second
)

// pace returns how long to rest after a dump that took so long: at least, and at most
// where a storm lasts.
func pace(took time.Duration) (least, most time.Duration) {
	least = min((dumpShare-1)*took, longestRest)
	return least, max(least, min((stormShare-1)*took, longestRest))
}

// refresh dumps what is stale, until the stack ends.
func (s *Stack) refresh() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.running.Go(func() {
		<-s.done
		cancel()
	})
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		took, err := s.dumpStale(ctx)
		switch {
		case err == nil:
			s.rest(pace(took))
		case ctx.Err() != nil:
			return
		case !s.isLoaded():
			s.end(err)
			return
		default:
			s.log.Warn("the kernel could not be dumped", "error", err)
			s.pause(retryPause)
		}
	}
}

// rest waits between two dumps: so long at least, and while a storm lasts up to most.
func (s *Stack) rest(least, most time.Duration) {
	begun := time.Now()
	for wait := least; wait > 0; {
		if !s.pause(wait) {
			return
		}
		s.write.Lock()
		now := time.Now()
		wait = min(begun.Add(most).Sub(now), s.marked.Add(calmAfter).Sub(now))
		if s.stale == 0 || s.waiting > 0 {
			wait = 0
		}
		s.write.Unlock()
	}
}

// pause waits, and reports whether it did so to the end: the stack may end, and
// somebody may be in a hurry.
func (s *Stack) pause(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.hurry:
	case <-s.done:
	}
	return false
}

// mostDoubts is how many dumps in a row are doubted at most, so that where something
// changes all the time what no event tells is known after a while.
const mostDoubts = 3

// dumpStale dumps what is stale, once, and returns how long it had a processor for that. What events
// say meanwhile applies to the state at hand, and then to what was dumped before that takes its place.
func (s *Stack) dumpStale(ctx context.Context) (took time.Duration, err error) {
	s.write.Lock()
	kinds := s.stale
	s.write.Unlock()
	if kinds == 0 {
		return 0, nil // dumped by the turn before
	}

	// What events told up to here is complete in the kernel.
	err = s.reach(ctx, func() {
		kinds, s.stale = s.stale, 0
		s.dumping, s.events = true, nil
	})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := processorTime()
	fresh := update{state: newState(), kinds: kinds}
	var interrupted netstat.Kinds
	if err == nil {
		interrupted, err = s.dump(ctx, kinds, &fresh)
	}
	took = processorTime() - begun
	older := 0 // how many of the events may be older than the dump's end
	if err == nil {
		err = s.reach(ctx, func() { older = len(s.events) })
	}

	s.write.Lock()
	defer s.write.Unlock()
	events := s.events
	s.dumping, s.events = false, nil
	if err != nil {
		s.update.stale |= kinds
		s.markStale()
		return took, err
	}
	begun = processorTime()
	fresh.stale, fresh.doubtful = interrupted, interrupted
	s.adopt(kinds, &fresh, events, older)
	return took + processorTime() - begun, nil
}

// processorTime is how long this thread has had a processor.
func processorTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// adopt has what was dumped take the place of what was known, once the events since the
// dump began have been applied to it. So many of these may be older than what was dumped.
func (s *Stack) adopt(kinds netstat.Kinds, fresh *update, events []received, older int) {
	s.counters.dumps.Add(1)
	now := time.Now()
	decoder := s.listener.Decoder()
	for i, event := range events {
		fresh.replay, fresh.now = i < older, event.at
		_ = decoder.Decode(event.datagram, func(m *collectors.Message, err error) {
			if m.Answer == 0 && err == nil {
				fresh.apply(m)
			}
		})
	}
	loaded := s.isLoaded()
	if loaded {
		kinds = s.doubt(kinds, fresh)
	}
	for _, t := range s.state.tables {
		if loaded && kinds.Has(t.is) && t.date != nil {
			t.date(s.state, fresh.state, now)
		}
	}
	if kinds.Has(netstat.KindRoute) {
		objects := fresh.state.nextHops()
		if !kinds.Has(netstat.KindNextHop) {
			objects = s.state.nextHops()
		}
		s.mu.Lock()
		through := objects.fork()
		s.mu.Unlock()
		fresh.state.routes.setObjects(through)
	}
	s.update.now, s.update.told = now, s.told
	diff(kinds&s.told, s.state, fresh.state, s.update.tell)
	if objects := fresh.state.nextHops(); kinds.Has(netstat.KindNextHop) && !kinds.Has(netstat.KindRoute) {
		s.mu.Lock()
		s.update.followObjects(objects)
		s.mu.Unlock()
	}
	s.mu.Lock()
	before := *s.state.links()
	s.state.take(kinds, fresh.state)
	s.current.Store(nil)
	s.recent.Store(nil)
	s.mu.Unlock()
	if kinds.Has(netstat.KindInterface) && loaded {
		// The events of what the dump found may come later, and tell nothing
		// new then.
		s.update.followDump(&before, s.state.links())
	}
	if !loaded {
		close(s.loaded)
	}
	s.update.stale |= fresh.stale
	s.markStale()
	if s.stale == 0 {
		close(s.idle)
	}
}

// doubt keeps what is known where a dump contradicts it that may be wrong, since
// that changed meanwhile, and returns the kinds that the dump is believed of. The
// next dump tells.
func (s *Stack) doubt(kinds netstat.Kinds, fresh *update) (believed netstat.Kinds) {
	doubtful := fresh.doubtful & kinds
	if doubtful == 0 || s.doubts == mostDoubts {
		s.doubts, doubtful = 0, 0
	} else {
		s.doubts++
	}
	if kinds.Has(netstat.KindRoute) {
		fresh.state.routes.keep(&s.state.routes, fresh.routesTold, doubtful.Has(netstat.KindRoute))
	}
	return kinds &^ (doubtful &^ netstat.KindRoute)
}

// dump loads the kinds. interrupted are those that the kernel says changed
// meanwhile.
func (s *Stack) dump(ctx context.Context, kinds netstat.Kinds, into *update) (interrupted netstat.Kinds, err error) {
	kinds.Each(func(kind netstat.Kinds) {
		if err != nil {
			return
		}
		changed, e := s.kernel.Dump(ctx, kind, func(m *collectors.Message) error {
			into.load(m)
			return nil
		})
		if changed {
			s.counters.interrupted.Add(1)
			interrupted |= kind
		}
		if kind == netstat.KindRoute {
			into.state.routes.loaded(changed)
		}
		if !errors.Is(e, netstat.ErrNotSupported) {
			err = e
		}
	})
	return interrupted, err
}

// waitIdle waits until nothing is stale, and has what is dumped at once.
func (s *Stack) waitIdle(ctx context.Context) error {
	s.write.Lock()
	s.waiting++
	if s.stale != 0 {
		select {
		case s.hurry <- struct{}{}:
		default:
		}
	}
	s.write.Unlock()
	defer func() {
		s.write.Lock()
		s.waiting--
		s.write.Unlock()
	}()
	for {
		s.write.Lock()
		idle, ended := s.idle, s.ended
		s.write.Unlock()
		if ended != nil {
			return ended
		}
		select {
		case <-idle:
			return nil
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fenceAgain is how long to wait for an answer that found no room in a full
// socket.
const fenceAgain = 100 * time.Millisecond

// Sync returns when everything that happened before the call is in the state:
// the events that were waiting are taken in, and what they made necessary is
// dumped, at once.
func (s *Stack) Sync(ctx context.Context) error {
	if err := s.reach(ctx, nil); err != nil {
		return err
	}
	return s.waitIdle(ctx)
}

// reach returns when the events of everything that happened before the call are
// taken in. at, unless it is nil, is called at that moment, by who takes them
// in.
func (s *Stack) reach(ctx context.Context, at func()) error {
	reached := make(chan struct{})
	s.write.Lock()
	if s.ended != nil {
		s.write.Unlock()
		return s.ended
	}
	s.fence++
	number := max(s.fence, 1)
	s.fence = number
	s.fences[number] = func() {
		if at != nil {
			at()
		}
		close(reached)
	}
	s.write.Unlock()
	defer func() {
		s.write.Lock()
		delete(s.fences, number)
		s.write.Unlock()
	}()
	for {
		if err := s.listener.Fence(number); err != nil {
			return err
		}
		again := time.NewTimer(fenceAgain)
		select {
		case <-reached:
			again.Stop()
			return nil
		case <-s.done:
			again.Stop()
			return s.Err()
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}
