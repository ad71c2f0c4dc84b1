package remote

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// decoding makes a row of the values of a scan's columns. ok is false for one that
// is left out for what it says; odd is told of values that are not understood, and
// the error of a row that is not.
type decoding[R any] func(index mib.OID, values []mib.Value, odd func(error)) (row R, ok bool, err error)

// rows reads a table: the rows of the spans, or of all of it where there are
// none, as decode makes them. What was not understood is an error after the last.
func rows[R any](ctx context.Context, s *scan, spans []*span, decode decoding[R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if len(spans) == 0 {
			spans = []*span{newSpan(mib.OID{}, false, mib.OID{})}
		}
		var err error
		if s.host.config.Sessions == 1 || s.scalars {
			err = inOrder(ctx, s, spans, decode, func(r R) bool { return yield(r, nil) })
		} else {
			err = abreast(ctx, s, spans, decode, func(r R) bool { return yield(r, nil) })
		}
		if errors.Is(err, errStop) {
			return
		}
		if err = s.skipped(err); err != nil {
			var zero R
			yield(zero, s.host.readError("read "+s.name, err))
		}
	}
}

// inOrder reads one span after the other through one session.
func inOrder[R any](ctx context.Context, s *scan, spans []*span, decode decoding[R], yield func(R) bool) error {
	session := s.host.acquire()
	defer s.host.release(session)
	for i, sp := range spans {
		r := newStrip(s, session, sp)
		r.beside = i == 0 && len(s.beside) > 0
		err := r.read(ctx, func(index mib.OID, values []mib.Value) error {
			row, ok, err := decode(index, values, s.skips.value)
			switch {
			case err != nil:
				s.skips.row(err)
			case ok && !yield(row):
				return errStop
			}
			return nil
		}, func() error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// errPanicked ends the others where one of who reads a table panicked.
var errPanicked = errors.New("reading panicked")

// abreast begins with one session. More join in as the table turns out to be
// large, each with a span of its own.
func abreast[R any](ctx context.Context, s *scan, spans []*span, decode decoding[R], yield func(R) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	p := newParts(s, spans)
	stopWaiting := context.AfterFunc(ctx, p.stop)
	defer stopWaiting()
	batches := make(chan []R, s.host.config.Sessions)
	var working sync.WaitGroup
	var firstErr error
	var once sync.Once
	fail := func(err error) {
		once.Do(func() { firstErr = err })
		cancel(err)
	}

	// A panic is the reader's, who may recover from it.
	var panicked atomic.Value
	var work func(first bool)
	joined := 1
	var joining sync.Mutex
	join := func() {
		joining.Lock()
		defer joining.Unlock()
		if joined < s.host.window.wanted() {
			joined++
			working.Add(1)
			go work(false)
		}
	}
	work = func(first bool) {
		defer working.Done()
		defer func() {
			if value := recover(); value != nil {
				panicked.Store(fmt.Sprintf("%v\n\n%s", value, debug.Stack()))
				fail(errPanicked)
			}
		}()
		session := s.host.acquire()
		defer s.host.release(session)
		for {
			sp := p.next(ctx, session)
			if sp == nil {
				return
			}
			r := newStrip(s, session, sp)
			r.beside = first && len(s.beside) > 0
			first = false
			var batch []R
			answers := 0
			err := r.read(ctx, func(index mib.OID, values []mib.Value) error {
				row, ok, err := decode(index, values, s.skips.value)
				switch {
				case err != nil:
					s.skips.row(err)
				case ok:
					batch = append(batch, row)
				}
				return nil
			}, func() error {
				if answers++; answers >= splitAfter {
					join()
				}
				p.progress()
				size := len(batch)
				if size == 0 {
					return nil
				}
				select {
				case batches <- batch:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				batch = make([]R, 0, size)
				return nil
			})
			p.done(sp)
			if err != nil {
				// What was read before it is told as well: batches are taken until the last of who reads is done.
				if len(batch) > 0 {
					batches <- batch
				}
				fail(err)
				return
			}
		}
	}
	working.Add(1)
	go work(true)
	go func() {
		working.Wait()
		close(batches)
	}()
	stopped := false
	for batch := range batches {
		for _, row := range batch {
			if stopped = stopped || !yield(row); stopped {
				break
			}
		}
		if stopped {
			cancel(errStop)
		}
	}
	if firstErr == nil {
		firstErr = context.Cause(ctx)
	}
	cancel(nil)
	if value := panicked.Load(); value != nil {
		panic(value)
	}
	if stopped {
		return errStop
	}
	return firstErr
}

// readError says what failed on which host.
func (s *Stack) readError(op string, err error) error {
	return &netstat.ReadError{Op: op, Source: s.name, Err: err}
}
