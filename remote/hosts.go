package remote

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Hosts are the stacks of many hosts, for who reads the same of one after the
// other: what is asked of one is read of those after it at the same time. So the
// slowest is waited for, and not all of them in turn, while rows come in the
// order in which the hosts were given.
//
// Rows are held until they are asked for, of at most twice as many hosts as are
// read at a time, and of those that were late.
//
// Who reads them again and again calls [Hosts.Turn] each time.
type Hosts struct {
	ctx     context.Context
	cancel  context.CancelFunc
	pool    Pool
	configs []Config
	working sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond                       // something came, or ended
	readings map[string]interface{ retire() } // of this turn, by what is read
	hosts    []hostState
	turn     int
	// middle and end are those of the turn; the zero time for never. Alarms are
	// at both.
	middle, end time.Time
	alarms      [2]*time.Timer
	// resume is the host from which on those are tried that are behind.
	resume int
}

// hostState is what is known of one of Hosts.
type hostState struct {
	err    error // what is answered for the rest of the turn
	heard  bool  // it answered in this turn
	missed bool  // it was waited for in this turn, in vain
	behind bool  // so it was before, and gave no answer since: it is not waited for
	passed bool  // it was behind when the turn began
	tried  bool  // it is behind, and a reading of it began in this turn
	last   error // why it gave no answer when that was last known; nil since it gave one
	// underway is how many readings of it are, and asked when the first of them
	// began.
	underway int
	asked    time.Time
	// spent is how long it was read in this turn, before what is underway, and since is when
	// the turn began.
	spent time.Duration
	since time.Time
	left  map[string]leftover // by what was read
	// path is nil where the configuration makes no sense, and does not change.
	path *path
}

// leftover is the result of a reading that somebody did not wait for.
type leftover struct {
	turn   int // in which it came
	result any // a Result
}

// NewHosts returns the stacks behind configs. Nothing is asked of them yet. The
// end of ctx ends all reading.
func NewHosts(ctx context.Context, p Pool, configs []Config) *Hosts {
	if p.Concurrent <= 0 {
		p.Concurrent = defaultConcurrent
	}
	if p.Timeout <= 0 {
		p.Timeout = defaultHostTimeout
	}
	p.Concurrent = min(p.Concurrent, max(len(configs), 1))
	configs = slices.Clone(configs)
	hosts := make([]hostState, len(configs))
	for i := range configs {
		if len(configs) > 1 {
			configs[i] = alone(configs[i])
		}
		if c, err := configs[i].withDefaults(); err == nil {
			hosts[i].path = newPath(c.MaxAnswer)
		}
	}
	h := &Hosts{pool: p, configs: configs, hosts: hosts, readings: make(map[string]interface{ retire() })}
	h.changed = sync.NewCond(&h.mu)
	h.ctx, h.cancel = context.WithCancel(ctx)
	context.AfterFunc(h.ctx, h.wake)
	return h
}

// wake has everybody who waits look again.
func (h *Hosts) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

// Stacks returns the stacks in the order of the configurations.
func (h *Hosts) Stacks() []*HostStack {
	stacks := make([]*HostStack, len(h.configs))
	for i := range stacks {
		stacks[i] = &HostStack{h, i}
	}
	return stacks
}

// Turn begins a turn, in which everything is read anew. It is over at end, the
// zero time for never.
//
// A host that has not answered anything in the first half of the turn, or not in
// all of it, has a [*LateError] for whatever is asked of it for the rest. What is
// being read of it goes on, is all that is read of it, and is what a later turn
// gets that asks for the same once it is there. A host that was waited for in vain
// is not waited for again before it answered: its error is that of the time before.
func (h *Hosts) Turn(end time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.readings {
		r.retire()
	}
	clear(h.readings)
	h.turn++
	for i := range h.hosts {
		host := &h.hosts[i]
		host.behind = host.behind || host.missed
		host.spent, host.since = 0, time.Now()
		host.err, host.heard, host.missed, host.passed, host.tried = nil, false, false, host.behind, false
		for key, l := range host.left {
			if l.turn < h.turn-1 {
				delete(host.left, key) // nobody asked for it
			}
		}
	}
	for i, alarm := range h.alarms {
		if alarm != nil {
			alarm.Stop()
		}
		h.alarms[i] = nil
	}
	h.middle, h.end = end, end
	if !end.IsZero() {
		now := time.Now()
		h.middle = now.Add(end.Sub(now) / 2)
		h.alarms = [...]*time.Timer{time.AfterFunc(h.middle.Sub(now), h.wake), time.AfterFunc(end.Sub(now), h.wake)}
	}
}

// Close ends all reading. Its error is nil.
func (h *Hosts) Close() error {
	h.cancel()
	h.Turn(time.Time{})
	h.working.Wait()
	return nil
}

// UnreachableError says that nothing can be read of a host. It unwraps to the
// error of Open, or in later turns to that of what it did not answer.
type UnreachableError struct {
	Address string // the host's, as it was configured
	Err     error
}

func (e *UnreachableError) Error() string {
	err := e.Err
	var read *netstat.ReadError
	if errors.As(err, &read) {
		err = read.Err // the host is named already
	}
	return "host " + e.Address + ": " + err.Error()
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Late reports whether the host may answer yet.
func (e *UnreachableError) Late() bool { return false }

// LateError says that a host has not answered within a turn. It matches
// context.DeadlineExceeded.
type LateError struct {
	Address string // the host's, as it was configured
	// Asked is when what is still being read began to be; the zero time where
	// that waited for others for too long.
	Asked time.Time
}

func (e *LateError) Error() string {
	if e.Asked.IsZero() {
		return "host " + e.Address + ": not asked in time: others took too long"
	}
	return "host " + e.Address + ": no whole answer yet to what was asked at " + e.Asked.Format(time.TimeOnly)
}

func (e *LateError) Unwrap() error { return context.DeadlineExceeded }

// Late reports whether the host may answer yet.
func (e *LateError) Late() bool { return true }

// HostStack is one of Hosts' stacks. A host that cannot be opened has an
// *UnreachableError for whatever is asked of it until the next turn, and is not
// asked again. One that takes longer than the Pool's Timeout for all that is read of it in a
// turn has an error that matches context.DeadlineExceeded. Other errors of its methods are those
// of [Stack].
type HostStack struct {
	hosts *Hosts
	index int
}

var (
	_ netstat.Stack           = (*HostStack)(nil)
	_ netstat.NeighbourReader = (*HostStack)(nil)
	_ netstat.CounterReader   = (*HostStack)(nil)
)

// Reach returns the error of opening the host, nil where it answers.
func (s *HostStack) Reach(ctx context.Context) error {
	_, err := ahead(ctx, s, "reach", func(context.Context, *Stack) (struct{}, error) { return struct{}{}, nil })
	return err
}

// Err returns why nothing more is read of the host in this turn: an
// *UnreachableError, a *LateError, or what was the matter in turns before. It is
// nil where nothing is the matter as far as that was asked.
func (s *HostStack) Err() error {
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	return s.hosts.hosts[s.index].err
}

// Sockets is Stack.Sockets.
func (s *HostStack) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	q.Owners, q.Processes = nil, true // whom the MIBs tell in any case
	return rowsAhead(ctx, s, fmt.Sprintf("sockets %+v", q), func(ctx context.Context, s *Stack) iter.Seq2[netstat.Socket, error] { return s.Sockets(ctx, q) })
}

// Interfaces is Stack.Interfaces.
func (s *HostStack) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return rowsAhead(ctx, s, "interfaces", func(ctx context.Context, s *Stack) iter.Seq2[netstat.Interface, error] { return s.Interfaces(ctx) })
}

// InterfaceNames is Stack.InterfaceNames.
func (s *HostStack) InterfaceNames(ctx context.Context) (map[uint32]string, error) {
	return ahead(ctx, s, "interface names", func(ctx context.Context, s *Stack) (map[uint32]string, error) { return s.InterfaceNames(ctx) })
}

// Addresses is Stack.Addresses.
func (s *HostStack) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	return rowsAhead(ctx, s, "addresses", func(ctx context.Context, s *Stack) iter.Seq2[netstat.Address, error] { return s.Addresses(ctx) })
}

// Routes is Stack.Routes.
func (s *HostStack) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return rowsAhead(ctx, s, fmt.Sprintf("routes %+v", q), func(ctx context.Context, s *Stack) iter.Seq2[netstat.Route, error] { return s.Routes(ctx, q) })
}

// Neighbours is Stack.Neighbours.
func (s *HostStack) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return rowsAhead(ctx, s, fmt.Sprintf("neighbours %v", families), func(ctx context.Context, s *Stack) iter.Seq2[netstat.Neighbour, error] {
		return s.Neighbours(ctx, families...)
	})
}

// Counters is Stack.Counters.
func (s *HostStack) Counters(ctx context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return rowsAhead(ctx, s, fmt.Sprintf("counters %v", groups), func(ctx context.Context, s *Stack) iter.Seq2[netstat.Counter, error] {
		return s.Counters(ctx, groups...)
	})
}

// TCPStatistics is Stack.TCPStatistics.
func (s *HostStack) TCPStatistics(ctx context.Context) (netstat.TCPStatistics, error) {
	return ahead(ctx, s, "TCP statistics", func(ctx context.Context, s *Stack) (netstat.TCPStatistics, error) { return s.TCPStatistics(ctx) })
}

// UDPStatistics is Stack.UDPStatistics.
func (s *HostStack) UDPStatistics(ctx context.Context) (netstat.UDPStatistics, error) {
	return ahead(ctx, s, "UDP statistics", func(ctx context.Context, s *Stack) (netstat.UDPStatistics, error) { return s.UDPStatistics(ctx) })
}

// Sample is Stack.Sample.
func (s *HostStack) Sample(ctx context.Context) (*Sample, error) {
	return ahead(ctx, s, "sample", func(ctx context.Context, s *Stack) (*Sample, error) { return s.Sample(ctx) })
}

// rowsAhead is ahead for a sequence. Rows before an error are yielded.
func rowsAhead[R any](ctx context.Context, s *HostStack, key string, read func(context.Context, *Stack) iter.Seq2[R, error]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		found, err := ahead(ctx, s, key, Rows(func(s *Stack, ctx context.Context) iter.Seq2[R, error] { return read(ctx, s) }))
		for _, row := range found {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			var none R
			yield(none, err)
		}
	}
}

// ahead returns what was read of a host under a key, and reads it of the hosts
// after it.
func ahead[T any](ctx context.Context, s *HostStack, key string, read func(context.Context, *Stack) (T, error)) (value T, err error) {
	h, i := s.hosts, s.index
	stop := context.AfterFunc(ctx, h.wake)
	defer stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	host := &h.hosts[i]
	for {
		for _, c := range [...]context.Context{h.ctx, ctx} {
			if c.Err() != nil {
				return value, context.Cause(c)
			}
		}
		if host.err != nil {
			return value, host.err
		}
		r, ok := h.readings[key].(*reading[T])
		if ok {
			if result, ok := r.results[i]; ok {
				delete(host.left, key)
				r.reach(i)
				if i < r.at && r.awaited[i] == 0 {
					delete(r.results, i)
				}
				return conclude(host, result)
			}
		}
		if l, ok := host.left[key]; ok {
			delete(host.left, key)
			if result, ok := l.result.(Result[T]); ok {
				return conclude(host, result)
			}
		}
		covered := ok && r.covers(i)
		if host.passed && ok && !r.retired && !covered {
			return value, h.late(i) // others come first
		}
		if !covered {
			if ok {
				r.retire()
			}
			r = startReading(h, i, key, read)
		}
		r.reach(i)
		limit := h.middle
		if host.heard {
			limit = h.end
		}
		if host.behind || !limit.IsZero() && !time.Now().Before(limit) {
			return value, h.late(i)
		}
		r.await(i)
	}
}

// late takes note that a host gives no answer in this turn. mu is held.
func (h *Hosts) late(i int) error {
	host := &h.hosts[i]
	host.missed = host.underway > 0 // otherwise it is others' fault
	if host.err = host.last; host.err != nil {
		return host.err
	}
	late := &LateError{Address: h.configs[i].Address}
	if host.underway > 0 || host.passed {
		late.Asked = host.asked
	}
	host.err = late
	return late
}

// isSilent reports whether an error says that a host did not answer.
func isSilent(err error) bool {
	return errors.Is(err, ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded)
}

// conclude takes note of what became of a host and returns what was read of it.
// The hosts' mu is held.
func conclude[T any](host *hostState, result Result[T]) (value T, err error) {
	if result.Err == nil || result.opened && !isSilent(result.Err) {
		return result.Value, result.Err
	}
	host.missed = true
	host.last = &UnreachableError{Address: result.Config.Address, Err: result.Err}
	if !result.opened {
		host.err = host.last
		return value, host.err
	}
	return result.Value, result.Err
}

// reading reads the same of hosts from one on, in one turn. All of it is guarded
// by the hosts' mu.
type reading[T any] struct {
	hosts *Hosts
	key   string
	read  func(context.Context, *Stack) (T, error)

	next   int // host to read, of those that are not behind
	looked int // for hosts that are behind, at so many
	// at is the furthest host whose result was asked for: those before are
	// gone, but for those that somebody awaits.
	at      int
	awaited map[int]int // by how many
	results map[int]Result[T]
	cancels map[int]context.CancelFunc // of hosts that are being read
	retired bool
}

// startReading begins a reading from a host on. mu is held.
func startReading[T any](h *Hosts, from int, key string, read func(context.Context, *Stack) (T, error)) *reading[T] {
	r := &reading[T]{
		hosts: h, key: key, read: read, next: from, at: from,
		awaited: make(map[int]int), results: make(map[int]Result[T]), cancels: make(map[int]context.CancelFunc),
	}
	h.readings[key] = r
	for range h.pool.Concurrent {
		h.working.Go(func() {
			for {
				i, ctx, left, ok := r.begin()
				if !ok {
					return
				}
				r.end(ctx, i, one(ctx, left, h.pool.Timeout, i, h.configs[i], h.hosts[i].path, read))
			}
		})
	}
	return r
}

// begin returns the next host to read, once that is not too far ahead: those that
// are behind after all others, a few of them in each turn if they are many.
func (r *reading[T]) begin() (i int, ctx context.Context, left time.Duration, ok bool) {
	h := r.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	for !r.retired && h.ctx.Err() == nil {
		if r.next == len(h.hosts) {
			if r.looked == len(h.hosts) {
				break
			}
			i = h.resume
			h.resume = (i + 1) % len(h.hosts)
			r.looked++
			if host := &h.hosts[i]; host.behind && !host.tried && host.underway == 0 {
				host.tried = true
				ctx, left = r.open(i)
				return i, ctx, left, true
			}
			continue
		}
		i = r.next
		switch host := &h.hosts[i]; {
		case host.behind || host.err != nil || i < r.at && r.awaited[i] == 0:
			r.next++
		case i >= r.at+2*h.pool.Concurrent:
			h.changed.Wait()
		default:
			r.next++
			ctx, left = r.open(i)
			return i, ctx, left, true
		}
	}
	return 0, nil, 0, false
}

// open takes note that a host is being read, and returns how long that may take. mu is held.
func (r *reading[T]) open(i int) (ctx context.Context, left time.Duration) {
	ctx, r.cancels[i] = context.WithCancel(r.hosts.ctx)
	host, now := &r.hosts.hosts[i], time.Now()
	if host.underway++; host.underway == 1 {
		host.asked = now
	}
	return ctx, max(r.hosts.pool.Timeout-host.spent-now.Sub(host.counted(now)), 0)
}

// counted returns since when the time counts that is spent on the host now and not among
// spent yet.
func (host *hostState) counted(now time.Time) time.Time {
	switch {
	case host.underway == 0:
		return now
	case host.asked.Before(host.since):
		return host.since
	}
	return host.asked
}

// end takes in what became of a host.
func (r *reading[T]) end(ctx context.Context, i int, result Result[T]) {
	h := r.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	canceled := ctx.Err() != nil // which may be the result's only fault
	r.cancels[i]()
	delete(r.cancels, i)
	host := &h.hosts[i]
	if host.underway == 1 {
		now := time.Now()
		host.spent += now.Sub(host.counted(now))
	}
	host.underway--
	left := host.missed || r.retired
	if !canceled && (result.Err == nil || result.opened && !isSilent(result.Err)) {
		host.heard, host.missed, host.behind, host.last = true, false, false, nil
	}
	switch {
	case canceled:
	case left:
		if host.left == nil {
			host.left = make(map[string]leftover)
		}
		host.left[r.key] = leftover{h.turn, result}
	case i >= r.at || r.awaited[i] > 0:
		r.results[i] = result
	}
	h.changed.Broadcast()
}

// retire ends a reading, but for the hosts that are late. mu is held.
func (r *reading[T]) retire() {
	r.retired = true
	for i, cancel := range r.cancels {
		if !r.hosts.hosts[i].missed {
			cancel()
		}
	}
	r.hosts.changed.Broadcast()
}

// covers reports whether the result of a host will come. mu is held.
func (r *reading[T]) covers(i int) bool {
	return !r.retired && (i >= r.next || r.cancels[i] != nil)
}

// reach lets go of the results of hosts before one. mu is held.
func (r *reading[T]) reach(i int) {
	for ; r.at < i; r.at++ {
		if r.awaited[r.at] == 0 {
			delete(r.results, r.at)
		}
	}
	r.hosts.changed.Broadcast()
}

// await waits until something changed that may be the result of a host. mu is
// held, but not meanwhile.
func (r *reading[T]) await(i int) {
	r.awaited[i]++
	r.hosts.changed.Wait()
	if r.awaited[i]--; r.awaited[i] == 0 {
		delete(r.awaited, i)
	}
}
