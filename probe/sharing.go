package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// sharing has scrapes that ask for the same at the same time share one reading.
type sharing struct {
	mu    sync.Mutex
	under map[string]*shared // by what is asked for
}

// shared is a reading that is under way.
type shared struct {
	waiting int
	until   time.Time // the latest moment that one of who waits gave it
	timer   *time.Timer
	end     context.CancelCauseFunc

	done     chan struct{} // closed when what follows is there
	answered answered
	err      error
}

var (
	errLate    = fmt.Errorf("the time of the scrape is over: %w", context.DeadlineExceeded)
	errNobody  = fmt.Errorf("nobody waits for the host any more: %w", context.Canceled)
	errReadYet = errors.New("the host is still read for a scrape that has more time")
)

// read returns what read returns, to whom it has until that moment, or what another one who asks for the same is about
// to get, whose time becomes the later one of both. Who waits for somebody with more time does so for patience beyond
// its own. read's context ends when the time of all is over, or nobody waits any more.
func (s *sharing) read(ctx context.Context, key string, until time.Time, patience time.Duration, read func(context.Context) (answered, error)) (answered, error) {
	of := s.join(key, until, read)
	late := time.NewTimer(time.Until(until) + patience)
	defer late.Stop()
	select {
	case <-of.done:
		return of.answered, of.err
	case <-ctx.Done():
		s.leave(key, of)
		return answered{}, context.Cause(ctx)
	case <-late.C:
		s.leave(key, of)
		return answered{err: errReadYet}, nil
	}
}

func (s *sharing) join(key string, until time.Time, read func(context.Context) (answered, error)) *shared {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.under[key]
	if of == nil {
		ctx, end := context.WithCancelCause(context.Background())
		of = &shared{until: until, end: end, done: make(chan struct{})}
		of.timer = time.AfterFunc(time.Until(until), func() { s.expire(key, of) })
		if s.under == nil {
			s.under = make(map[string]*shared)
		}
		s.under[key] = of
		go func() {
			of.answered, of.err = read(ctx)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.forget(key, of, errNobody)
			close(of.done)
		}()
	} else if until.After(of.until) {
		of.until = until
		of.timer.Reset(time.Until(until))
	}
	of.waiting++
	return of
}

// leave is called by who waits no longer.
func (s *sharing) leave(key string, of *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of.waiting--; of.waiting == 0 {
		s.forget(key, of, errNobody)
	}
}

// expire ends a reading unless it was given more time meanwhile.
func (s *sharing) expire(key string, of *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(of.until) {
		s.forget(key, of, errLate)
	}
}

// forget ends a reading, which nobody joins any more. mu is held.
func (s *sharing) forget(key string, of *shared, why error) {
	if s.under[key] == of {
		delete(s.under, key)
	}
	of.timer.Stop()
	of.end(why)
}
