package probe

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// untilEnd reads until its context ends, and returns why that did.
func untilEnd(ctx context.Context) (answered, error) {
	<-ctx.Done()
	return answered{}, context.Cause(ctx)
}

// A reading has the time of who has most, whoever came first; who has less is told so when its own is over.
func TestSharedTime(t *testing.T) {
	for _, times := range [][2]time.Duration{{time.Second, 10 * time.Second}, {10 * time.Second, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			var s sharing
			const patience = 250 * time.Millisecond
			began, readings := time.Now(), 0
			read := func(ctx context.Context) (answered, error) {
				readings++
				return untilEnd(ctx)
			}
			for i, has := range times {
				go func() {
					a, err := s.read(t.Context(), "host", began.Add(has), patience, read)
					want, waited := has, time.Since(began)
					if has == time.Second {
						want += patience
					}
					if waited != want || (err == nil) != (has == time.Second) || has == time.Second && !errors.Is(a.err, errReadYet) {
						t.Errorf("%v, number %d: after %v: %v, %v", times, i, waited, a.err, err)
					}
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
				}()
				synctest.Wait()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if readings != 1 || len(s.under) != 0 {
				t.Errorf("%d readings, %d are under way", readings, len(s.under))
			}
		})
	}
}

// A reading ends when nobody waits for it, and not before.
func TestNobodyWaitsAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sharing
		var ended error
		read := func(ctx context.Context) (answered, error) {
			_, ended = untilEnd(ctx)
			return answered{}, ended
		}
		var gone [2]context.CancelFunc
		for i := range gone {
			var ctx context.Context
			ctx, gone[i] = context.WithCancel(t.Context())
			go func() {
				if _, err := s.read(ctx, "host", time.Now().Add(time.Hour), time.Second, read); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		gone[0]()
		synctest.Wait()
		if ended != nil {
			t.Errorf("it ended while somebody waited: %v", ended)
		}
		gone[1]()
		synctest.Wait()
		if !errors.Is(ended, errNobody) || len(s.under) != 0 {
			t.Errorf("nobody waits: %v, %d under way", ended, len(s.under))
		}
	})
}

// Who comes when a reading was told to end begins another one.
func TestNoneJoinsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sharing
		slow := func(ctx context.Context) (answered, error) {
			_, err := untilEnd(ctx)
			time.Sleep(100 * time.Millisecond) // at the end
			return answered{}, err
		}
		go func() {
			if _, err := s.read(t.Context(), "host", time.Now().Add(time.Second), time.Second, slow); !errors.Is(err, errLate) {
				t.Error(err)
			}
		}()
		time.Sleep(time.Second + time.Millisecond)
		a, err := s.read(t.Context(), "host", time.Now().Add(time.Second), time.Second, func(context.Context) (answered, error) {
			return answered{modules: make([]moduleReading, 1)}, nil
		})
		if err != nil || len(a.modules) != 1 {
			t.Errorf("%d modules, %v", len(a.modules), err)
		}
		time.Sleep(time.Minute)
	})
}

// Turns are taken in order; who finds as many waiting as are inside, or whose patience ends, is refused.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(2)
		for range 2 {
			if err := r.enter(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
		}
		var order []int
		enter := func(number int, patience time.Duration) {
			go func() {
				if err := r.enter(t.Context(), patience); err == nil {
					order = append(order, number)
				} else if !errors.Is(err, errTooMany) || number != 1 {
					t.Errorf("number %d: %v", number, err)
				}
			}()
			synctest.Wait()
		}
		enter(0, time.Minute)
		enter(1, time.Second)
		if err := r.enter(t.Context(), time.Minute); !errors.Is(err, errTooMany) {
			t.Errorf("one more than may wait: %v", err)
		}
		if n := r.waiting.Load(); n != 2 {
			t.Errorf("%d wait", n)
		}
		time.Sleep(2 * time.Second)
		enter(2, time.Minute)
		for range 2 {
			r.leave()
			synctest.Wait()
		}
		if len(order) != 2 || order[0] != 0 || order[1] != 2 || r.waiting.Load() != 0 || r.inside.Load() != 2 {
			t.Errorf("entered in the order %v, %d wait, %d are inside", order, r.waiting.Load(), r.inside.Load())
		}
	})
}
