package remote

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// rows reads a table: the rows of the spans, or of all of it where there are
// none, as decode makes them. A row for which decode reports false is passed
// over.
func rows[R any](ctx context.Context, s *scan, spans []*span, decode func(index mib.OID, values []mib.Value) (R, bool, error)) iter.Seq2[R, error] {
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
		if err != nil && !errors.Is(err, errStop) {
			var zero R
			yield(zero, s.host.readError("read "+s.name, err))
		}
	}
}

// inOrder reads one span after the other through one session.
func inOrder[R any](ctx context.Context, s *scan, spans []*span, decode func(mib.OID, []mib.Value) (R, bool, error), yield func(R) bool) error {
	session := s.host.acquire()
	defer s.host.release(session)
	for i, sp := range spans {
		r := newStrip(s, session, sp)
		r.beside = i == 0 && len(s.beside) > 0
		err := r.read(ctx, func(index mib.OID, values []mib.Value) error {
			row, ok, err := decode(index, values)
			if err == nil && ok && !yield(row) {
				err = errStop
			}
			return err
		}, func() error { return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// abreast begins with one session. More join in as the table turns out to be
// large, each with a span of its own.
func abreast[R any](ctx context.Context, s *scan, spans []*span, decode func(mib.OID, []mib.Value) (R, bool, error), yield func(R) bool) error {
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

	var work func(first bool)
	joined := 1
	var joining sync.Mutex
	join := func() {
		joining.Lock()
		defer joining.Unlock()
		if joined < s.host.config.Sessions {
			joined++
			working.Add(1)
			go work(false)
		}
	}
	work = func(first bool) {
		defer working.Done()
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
				row, ok, err := decode(index, values)
				if err == nil && ok {
					batch = append(batch, row)
				}
				return err
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
				// What was read before it is told as well.
				if len(batch) > 0 {
					select {
					case batches <- batch:
					case <-ctx.Done():
					}
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
	if stopped {
		return errStop
	}
	return firstErr
}

// readError says what failed on which host.
func (s *Stack) readError(op string, err error) error {
	return &netstat.ReadError{Op: op, Source: s.name, Err: err}
}
