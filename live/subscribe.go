package live

import (
	"context"
	"io/fs"
	"iter"
	"net/netip"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Change says what an Event reports.
type Change uint8

// Changes.
const (
	// Added: it is new. Changed: it is there, different from before. Removed:
	// it is gone; the Event has what it last was.
	Added Change = iota
	Changed
	Removed
	// Present: it was there when the subscription began.
	Present
	// Synced: what was there has been told, changes follow. Kind is 0.
	Synced
	// Gap: changes were lost, since the subscriber took longer than the queue
	// is. Event.Snapshot has the stack as it is between what was lost and what
	// follows. Kind is 0.
	Gap
)

var changeNames = [...]string{"added", "changed", "removed", "present", "synced", "gap"}

func (c Change) String() string {
	if int(c) < len(changeNames) {
		return changeNames[c]
	}
	return "invalid"
}

// Event is a change of a stack. It may come a moment before Stack.Snapshot has it, which
// does after Sync.
type Event struct {
	Kind   netstat.Kinds // exactly one; 0 for Synced and Gap
	Change Change
	// Value is what changed, by its kind a netstat.Interface (without the
	// fields that Snapshot.Interfaces lacks), netstat.Address, netstat.Route
	// (one next hop), netstat.Neighbour, netstat.Rule, netstat.NextHop,
	// netstat.Netconf or netstat.MulticastGroup; nil for Synced and Gap. It must
	// not be changed.
	Value any
	// Old is what it was before, with Changed; nil otherwise.
	Old any
	// Received is when the kernel's message came; of what a dump found, when that
	// ended. It is the zero time for Present, Synced and Gap.
	Received time.Time
	// Snapshot is the stack that the events after this one apply to. It is nil
	// but for Synced and Gap.
	Snapshot *Snapshot
}

// Initial says how a subscriber learns what is there when it subscribes.
type Initial uint8

// How to begin.
const (
	// InitialNone: changes only.
	InitialNone Initial = iota
	// InitialEvents: as Present events before the first change, and then a
	// Synced event.
	InitialEvents
	// InitialBefore: like InitialEvents, and before Notify returns. Of an
	// iterator it is the same as InitialEvents.
	InitialBefore
)

// Filter says what a subscriber wants to know. Its zero value is for everything.
type Filter struct {
	// Kinds are the kinds wanted, 0 for all. Those that the stack does not
	// track have no events.
	Kinds netstat.Kinds
	// Interface is an index: only what belongs to that interface. Rules, and
	// routes and nexthop objects without a device, belong to none.
	Interface uint32
	// Table leaves out routes and rules of other tables, unless it is 0.
	Table uint32
	// Prefix leaves out routes, addresses, neighbours and multicast groups outside
	// of it, also those that have no IP address, unless it is the zero Prefix. It has no meaning for other kinds.
	Prefix netip.Prefix
}

// Select returns an event as it is for who sees only what the filter lets pass,
// and whether it is one: what comes to match by a change was added for them, and
// what ceases to was removed. Synced and Gap always pass.
func (f *Filter) Select(e Event) (Event, bool) {
	switch {
	case e.Kind == 0:
		return e, true
	case f.Kinds != 0 && !f.Kinds.Has(e.Kind):
		return e, false
	case e.Change != Changed:
		return e, f.matches(e.Value)
	}
	switch before, now := f.matches(e.Old), f.matches(e.Value); {
	case !before && !now:
		return e, false
	case !before:
		e.Change, e.Old = Added, nil
	case !now:
		e.Change, e.Value, e.Old = Removed, e.Old, nil
	}
	return e, true
}

// matches reports whether the filter lets a value pass, of those kinds that it
// does.
func (f *Filter) matches(value any) bool {
	if f.Interface == 0 && f.Table == 0 && !f.Prefix.IsValid() {
		return true
	}
	var at netstat.Place
	if row, ok := value.(netstat.Row); ok {
		at = row.Place()
	}
	table, hasTable := at.Table.Get()
	switch {
	case f.Interface != 0 && at.Interface != f.Interface,
		f.Table != 0 && hasTable && table != f.Table,
		f.Prefix.IsValid() && !at.Prefix.IsValid() && isWithinPrefixes(value),
		f.Prefix.IsValid() && at.Prefix.IsValid() && (at.Prefix.Bits() < f.Prefix.Bits() || !f.Prefix.Contains(at.Prefix.Addr())):
		return false
	}
	return true
}

// isWithinPrefixes reports whether a value is of a kind that prefixes choose from. A bridge's forwarding entry, and
// a group of the link layer, are such without being within any.
func isWithinPrefixes(value any) bool {
	switch value.(type) {
	case netstat.Neighbour, netstat.MulticastGroup:
		return true
	}
	return false
}

// SubscribeOptions say what a subscriber gets.
type SubscribeOptions struct {
	Filter
	Initial Initial
	// Queue is how many events may wait for the subscriber; 0 means
	// DefaultQueue. One more is a gap.
	Queue int
}

// DefaultQueue is how many events may wait for a subscriber.
const DefaultQueue = 4096

// Subscription is one subscriber's queue of events. It takes no memory for
// events that do not wait.
type Subscription struct {
	stack   *Stack
	options SubscribeOptions

	mu     sync.Mutex
	queue  []Event
	gap    bool
	closed error
	ready  chan struct{} // holds one when there is something to do

	initial *Snapshot // what is still to be told first
	told    int       // how many events of it have been
}

// Subscribe begins a subscription: nothing that changes from now on is missed.
// Close it when it is not needed any more.
func (s *Stack) Subscribe(o SubscribeOptions) *Subscription {
	if o.Queue <= 0 {
		o.Queue = DefaultQueue
	}
	sub := &Subscription{stack: s, options: o, ready: make(chan struct{}, 1)}
	s.write.Lock()
	defer s.write.Unlock()
	if s.ended != nil {
		sub.closed = s.ended
		return sub
	}
	if o.Initial != InitialNone {
		sub.initial = s.Snapshot()
	}
	s.subscribers[sub] = struct{}{}
	s.subscribersChanged()
	return sub
}

// Close ends the subscription, and what goes through its events. Its error is nil.
func (sub *Subscription) Close() error {
	sub.stack.write.Lock()
	delete(sub.stack.subscribers, sub)
	sub.stack.subscribersChanged()
	sub.stack.write.Unlock()
	sub.end(fs.ErrClosed)
	return nil
}

func (sub *Subscription) end(reason error) {
	sub.mu.Lock()
	if sub.closed == nil {
		sub.closed = reason
	}
	sub.mu.Unlock()
	sub.signal()
}

func (sub *Subscription) signal() {
	select {
	case sub.ready <- struct{}{}:
	default:
	}
}

// subscribersChanged finds out what is to be told. Its caller holds write.
func (s *Stack) subscribersChanged() {
	s.told = 0
	for sub := range s.subscribers {
		kinds := sub.options.Kinds
		if kinds == 0 {
			kinds = netstat.AllKinds
		}
		s.told |= kinds & s.kinds
	}
}

func (s *Stack) emit(e Event) {
	for sub := range s.subscribers {
		if seen, ok := sub.options.Select(e); ok {
			sub.put(seen)
		}
	}
}

func (sub *Subscription) put(e Event) {
	sub.mu.Lock()
	switch {
	case sub.gap:
	case len(sub.queue) >= sub.options.Queue:
		sub.gap = true
	default:
		sub.queue = append(sub.queue, e)
	}
	sub.mu.Unlock()
	sub.signal()
}

// take waits for events and returns them.
func (sub *Subscription) take(ctx context.Context) ([]Event, error) {
	for {
		sub.mu.Lock()
		events, gap, closed := sub.queue, sub.gap, sub.closed
		sub.queue = nil
		sub.mu.Unlock()
		switch {
		case len(events) > 0:
			if gap { // what waited is told, and then the gap
				sub.signal()
			}
			return events, nil
		case closed != nil:
			return nil, closed
		case gap:
			return []Event{sub.resume()}, nil
		}
		select {
		case <-sub.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// resume ends a gap.
func (sub *Subscription) resume() Event {
	sub.stack.write.Lock()
	defer sub.stack.write.Unlock()
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.gap, sub.queue = false, nil
	return Event{Change: Gap, Snapshot: sub.stack.Snapshot()}
}

// Events yields the events until the context ends, the subscription is closed or
// the stack ends; the error says which: the context's, fs.ErrClosed, or
// Stack.Err. Breaking out leaves the subscription as it is, and Events may be
// called again. It must not be called concurrently.
func (sub *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if view := sub.initial; view != nil {
			told := 0
			for e := range sub.present(view) {
				if told++; told <= sub.told {
					continue // before the caller broke out
				}
				sub.told = told
				if !yield(e, nil) {
					return
				}
			}
			sub.initial = nil
		}
		for {
			events, err := sub.take(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for i, e := range events {
				if !yield(e, nil) {
					sub.putBack(events[i+1:])
					return
				}
			}
		}
	}
}

// putBack returns events that were taken and not yielded to the queue.
func (sub *Subscription) putBack(events []Event) {
	if len(events) == 0 {
		return
	}
	sub.mu.Lock()
	sub.queue = append(events[:len(events):len(events)], sub.queue...)
	sub.mu.Unlock()
	sub.signal()
}

// present yields what a snapshot has, and a Synced event.
func (sub *Subscription) present(view *Snapshot) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range view.events(sub.options.Filter) {
			if !yield(e) {
				return
			}
		}
		yield(Event{Change: Synced, Snapshot: view})
	}
}

// events yields everything that the filter lets pass as a Present event.
func (v *Snapshot) events(f Filter) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for _, t := range v.state.tables {
			if v.kinds.Has(t.is) && (f.Kinds == 0 || f.Kinds.Has(t.is)) && !t.present(&f, yield) {
				return
			}
		}
	}
}

func present[T any](rows iter.Seq[T], kind netstat.Kinds, f *Filter, yield func(Event) bool) bool {
	for row := range rows {
		e := Event{Kind: kind, Change: Present, Value: row}
		if _, ok := f.Select(e); ok && !yield(e) {
			return false
		}
	}
	return true
}

// Notify calls f with every event, one after the other, until stop is called or
// the stack ends. stop returns when f will not be called any more; f must not
// call it. With InitialBefore f has been called with what is there, and with
// Synced, when Notify returns.
func (s *Stack) Notify(o SubscribeOptions, f func(Event)) (stop func()) {
	sub := s.Subscribe(o)
	if view := sub.initial; o.Initial == InitialBefore && view != nil {
		sub.initial = nil
		for e := range sub.present(view) {
			f(e)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range sub.Events(context.Background()) {
			if err != nil {
				return
			}
			f(e)
		}
	}()
	return func() {
		sub.Close()
		<-done
	}
}
