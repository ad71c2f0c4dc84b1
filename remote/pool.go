package remote

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
)

// Pool reads many hosts at once.
type Pool struct {
	// Concurrent is how many hosts are read at a time, and with that bounds
	// the memory: no more than twice as many results wait to be taken or are
	// being made. 0 means 128.
	Concurrent int
	// Timeout is how long reading a host may take; 0 means a minute. A host that takes
	// longer has an error that matches context.DeadlineExceeded. Hosts adds up what is read
	// of a host in one turn.
	Timeout time.Duration
}

const (
	defaultConcurrent  = 128
	defaultHostTimeout = time.Minute
)

// Result is what became of one host.
type Result[T any] struct {
	// Config is the host's, as it was given, and Index its place in the
	// sequence of hosts, from 0.
	Config Config
	Index  int
	// Value is what was read. Beside an error it may be a part of it.
	Value T
	Err   error
	// Took is how long it took.
	Took time.Duration

	opened bool
}

// Read reads each of the hosts through read and yields one result for each, as
// they come. It opens a host's Stack before and closes it afterwards; a host
// that cannot be opened has that error. A host is read by one session at a time
// unless its Config says otherwise. Breaking out of the sequence, or the end of
// ctx, ends what is being read: hosts that were not yet read then have no
// result.
func Read[T any](ctx context.Context, p Pool, hosts iter.Seq[Config], read func(context.Context, *Stack) (T, error)) iter.Seq[Result[T]] {
	if p.Concurrent <= 0 {
		p.Concurrent = defaultConcurrent
	}
	if p.Timeout <= 0 {
		p.Timeout = defaultHostTimeout
	}
	return func(yield func(Result[T]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		type host struct {
			index  int
			config Config
		}
		waiting, results := make(chan host), make(chan Result[T])
		go func() {
			defer close(waiting)
			i := 0
			for c := range hosts {
				select {
				case waiting <- host{i, c}:
				case <-ctx.Done():
					return
				}
				i++
			}
		}()
		var workers sync.WaitGroup
		for range p.Concurrent {
			workers.Go(func() {
				for h := range waiting {
					r := one(ctx, p.Timeout, p.Timeout, h.index, alone(h.config), nil, read)
					r.Config = h.config
					select {
					case results <- r:
					case <-ctx.Done():
						return
					}
				}
			})
		}
		go func() {
			workers.Wait()
			close(results)
		}()
		stopped := false
		for r := range results {
			if stopped = stopped || !yield(r); stopped {
				cancel()
			}
		}
	}
}

// alone has a host that others are read beside asked one thing at a time, unless its
// configuration says otherwise.
func alone(c Config) Config {
	if c.Sessions == 0 {
		c.Sessions = 1
	}
	return c
}

// one reads one host, which may take so long yet, of limit in all; of its path known was
// learnt before, if it is not nil.
func one[T any](ctx context.Context, timeout, limit time.Duration, index int, c Config, known *path, read func(context.Context, *Stack) (T, error)) (r Result[T]) {
	began := time.Now()
	r.Config, r.Index = c, index
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("the host took longer than %v: %w", limit, context.DeadlineExceeded))
	defer cancel()
	s, err := open(ctx, c, known)
	if err == nil {
		r.opened, s.isOfPool = true, true
		r.Value, err = read(ctx, s)
		s.Close()
	}
	r.Err, r.Took = err, time.Since(began)
	return r
}

// Rows makes a function for Read of one that returns a sequence, such as
// (*Stack).Interfaces: it collects the rows. Rows before an error are kept.
func Rows[R any](read func(*Stack, context.Context) iter.Seq2[R, error]) func(context.Context, *Stack) ([]R, error) {
	return func(ctx context.Context, s *Stack) (rows []R, err error) {
		for row, err := range read(s, ctx) {
			if err != nil {
				return rows, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
}
