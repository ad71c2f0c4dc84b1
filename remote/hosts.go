package remote

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Hosts are the stacks of many hosts, for who reads the same of one after the
// other: what is asked of one is read of those after it at the same time, by a
// Pool. So the slowest is waited for, and not all of them in turn, while rows
// come in the order in which the hosts were given.
//
// Rows are held until they are asked for, of at most twice as many hosts as are
// read at a time.
type Hosts struct {
	ctx     context.Context
	cancel  context.CancelFunc
	pool    Pool
	configs []Config
	working sync.WaitGroup

	mu       sync.Mutex
	readings map[string]interface{ stop() } // by what is read
	// unreachable are the errors of the hosts that could not be opened.
	unreachable map[int]error
}

// NewHosts returns the stacks behind configs. Nothing is asked of them yet. The
// end of ctx ends all reading.
func NewHosts(ctx context.Context, p Pool, configs []Config) *Hosts {
	if p.Concurrent <= 0 {
		p.Concurrent = defaultConcurrent
	}
	p.Concurrent = min(p.Concurrent, max(len(configs), 1))
	h := &Hosts{pool: p, configs: configs, readings: make(map[string]interface{ stop() }), unreachable: make(map[int]error)}
	h.ctx, h.cancel = context.WithCancel(ctx)
	return h
}

// Stacks returns the stacks in the order of the configurations.
func (h *Hosts) Stacks() []*HostStack {
	stacks := make([]*HostStack, len(h.configs))
	for i := range stacks {
		stacks[i] = &HostStack{h, i}
	}
	return stacks
}

// Renew forgets what was read ahead, and which hosts could not be opened.
func (h *Hosts) Renew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.readings {
		r.stop()
	}
	clear(h.readings)
	clear(h.unreachable)
}

// Close ends all reading.
func (h *Hosts) Close() {
	h.cancel()
	h.Renew()
	h.working.Wait()
}

// UnreachableError says that nothing can be read of a host. It unwraps to the
// error of Open.
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

// HostStack is one of Hosts' stacks. A host that cannot be opened has an
// *UnreachableError for whatever is asked of it until Hosts.Renew, and is not
// asked again. One that takes longer than the Pool's Timeout has an error that
// matches context.DeadlineExceeded.
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

// Sockets is Stack.Sockets.
func (s *HostStack) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	q.Owners, q.Processes = nil, true // whom the MIBs tell in any case
	return rowsAhead(ctx, s, fmt.Sprintf("sockets %+v", q), func(ctx context.Context, s *Stack) iter.Seq2[netstat.Socket, error] { return s.Sockets(ctx, q) })
}

// Interfaces is Stack.Interfaces.
func (s *HostStack) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return rowsAhead(ctx, s, "interfaces", func(ctx context.Context, s *Stack) iter.Seq2[netstat.Interface, error] { return s.Interfaces(ctx) })
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
	h := s.hosts
	for {
		for _, c := range [...]context.Context{h.ctx, ctx} {
			if c.Err() != nil {
				return value, context.Cause(c)
			}
		}
		h.mu.Lock()
		if err := h.unreachable[s.index]; err != nil {
			h.mu.Unlock()
			return value, err
		}
		r, ok := h.readings[key].(*reading[T])
		if !ok || !r.covers(s.index) {
			if ok {
				r.stop()
			}
			r = startReading(h, s.index, read)
			h.readings[key] = r
		}
		h.mu.Unlock()
		result, ok, err := r.take(ctx, s.index)
		switch {
		case err != nil:
			return value, err
		case !ok:
			continue // somebody asked for a host before it
		case result.opened || result.Err == nil:
			return result.Value, result.Err
		}
		err = &UnreachableError{Address: result.Config.Address, Err: result.Err}
		h.mu.Lock()
		h.unreachable[s.index] = err
		h.mu.Unlock()
		return value, err
	}
}

// reading reads the same of hosts from one on.
type reading[T any] struct {
	cancel context.CancelFunc

	mu      sync.Mutex
	changed *sync.Cond
	// at is the furthest host whose result was asked for: those before are
	// gone, but for those that somebody awaits.
	at      int
	awaited map[int]int // by how many
	results map[int]Result[T]
	ended   bool // no more results will come
}

func startReading[T any](h *Hosts, from int, read func(context.Context, *Stack) (T, error)) *reading[T] {
	ctx, cancel := context.WithCancel(h.ctx)
	r := &reading[T]{cancel: cancel, at: from, awaited: make(map[int]int), results: make(map[int]Result[T])}
	r.changed = sync.NewCond(&r.mu)
	var at []int // hosts, in the order in which they are given to the pool
	for i := from; i < len(h.configs); i++ {
		if h.unreachable[i] == nil {
			at = append(at, i)
		}
	}
	wake := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	hosts := func(yield func(Config) bool) {
		for _, i := range at {
			r.mu.Lock()
			for i >= r.at+2*h.pool.Concurrent && ctx.Err() == nil {
				r.changed.Wait()
			}
			r.mu.Unlock()
			if ctx.Err() != nil || !yield(h.configs[i]) {
				return
			}
		}
	}
	h.working.Go(func() {
		defer cancel()
		defer wake()
		for result := range Read(ctx, h.pool, hosts, read) {
			if ctx.Err() != nil {
				continue // this may be its only fault
			}
			r.mu.Lock()
			if i := at[result.Index]; i >= r.at || r.awaited[i] > 0 {
				r.results[i] = result
			}
			r.changed.Broadcast()
			r.mu.Unlock()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = true
		r.changed.Broadcast()
	})
	return r
}

func (r *reading[T]) stop() { r.cancel() }

// covers reports whether the result of a host is there or will come.
func (r *reading[T]) covers(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, there := r.results[i]
	return there || i >= r.at && !r.ended
}

// take waits for the result of a host, and lets go of those before it. It is not
// ok where the result is gone.
func (r *reading[T]) take(ctx context.Context, i int) (result Result[T], ok bool, err error) {
	wake := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer wake()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited[i]++
	defer func() {
		if r.awaited[i]--; r.awaited[i] == 0 {
			delete(r.awaited, i)
			if i < r.at {
				delete(r.results, i)
			}
		}
	}()
	for ; r.at < i; r.at++ {
		if r.awaited[r.at] == 0 {
			delete(r.results, r.at)
		}
	}
	r.changed.Broadcast()
	for {
		if result, ok = r.results[i]; ok {
			return result, true, nil
		}
		if ctx.Err() != nil {
			return result, false, context.Cause(ctx)
		}
		if r.ended {
			return result, false, nil
		}
		r.changed.Wait()
	}
}
