package fresh

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// nobodyWaits is the context of who may not wait.
func nobodyWaits() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// A source that knows of changes is read anew after one, as soon as its cost
// allows.
func TestSourceChangesWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes uint64
		reads := 0
		cost := 3 * time.Millisecond
		s := New(func(context.Context) (int, error) {
			reads++
			time.Sleep(cost)
			return reads, nil
		})
		s.ChangesWith(func() uint64 { return changes })
		get := func(want int) {
			t.Helper()
			if n, err := s.Get(t.Context()); err != nil || n != want {
				t.Fatalf("got reading %d, %v, want %d", n, err, want)
			}
		}
		get(1)
		time.Sleep(200 * time.Millisecond)
		get(1) // nothing changed
		changes++
		if _, err := s.Snapshot(nobodyWaits()); !errors.Is(err, context.Canceled) {
			t.Errorf("after a change: %v", err)
		}
		get(2)
		changes++
		get(2) // read just now
		time.Sleep(costFactor * cost)
		get(3)
	})
}

// A source reads when it is asked, keeps what it read while that is fresh, and
// makes nobody wait who may not.
func TestSourceFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		cost := 10 * time.Millisecond
		s := New(func(ctx context.Context) (int, error) {
			reads++
			n := reads
			time.Sleep(cost)
			return n, nil
		})
		get := func(want int) {
			t.Helper()
			if n, err := s.Get(t.Context()); err != nil || n != want {
				t.Fatalf("got reading %d, %v, want %d", n, err, want)
			}
		}
		if _, err := s.Snapshot(nobodyWaits()); !errors.Is(err, context.Canceled) {
			t.Fatalf("with nothing read: %v", err)
		}
		synctest.Wait()
		get(1)
		time.Sleep(480 * time.Millisecond)
		get(1) // fresh
		time.Sleep(100 * time.Millisecond)
		get(1) // at hand, and the next one is being read
		synctest.Wait()
		time.Sleep(cost)
		synctest.Wait()
		get(2)
		time.Sleep(time.Hour)
		if reads != 2 {
			t.Fatalf("%d readings while nobody asked, want 2", reads)
		}
		if _, err := s.Snapshot(nobodyWaits()); !errors.Is(err, context.Canceled) {
			t.Fatalf("an hour later: %v", err)
		}
		get(3) // waits
		cost = 200 * time.Millisecond
		time.Sleep(time.Hour)
		start := time.Now()
		get(4)
		if waited := time.Since(start); waited != cost {
			t.Errorf("waited %v, want %v", waited, cost)
		}
		time.Sleep(3 * time.Second)
		get(4) // dear: a twentieth of a core is one reading in 4 s
		time.Sleep(time.Second)
		get(4)
		time.Sleep(cost)
		synctest.Wait()
		get(5)
		s.Invalidate()
		get(6)
	})
}

// A reading that takes longer than the last one did makes nobody wait who has a
// view at hand, as long as that is not too old for what the reading costs.
func TestSourceGoesOnWithTheViewAtHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cost := time.Millisecond
		reads := 0
		s := New(func(context.Context) (int, error) {
			reads++
			n := reads
			time.Sleep(cost)
			return n, nil
		})
		if _, err := s.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		cost = 5 * time.Second
		time.Sleep(600 * time.Millisecond)
		for range 4 { // the second reading begins, and goes on for 5 s
			start := time.Now()
			if n, err := s.Get(t.Context()); n != 1 || err != nil || time.Since(start) > 0 {
				t.Fatalf("got reading %d, %v after %v", n, err, time.Since(start))
			}
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Second)
		if n, err := s.Get(t.Context()); n != 2 || err != nil {
			t.Errorf("then reading %d, %v", n, err)
		}
	})
}

func TestSourceWaitsNoLongerThanItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		s := New(func(context.Context) (int, error) { <-block; return 1, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		close(block)
		if n, err := s.Get(t.Context()); n != 1 || err != nil {
			t.Errorf("then %d, %v", n, err)
		}
	})
}

// A part is read while somebody asks for it, in one reading for all, and no longer.
func TestParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, sums Parts = 1, 2
		var read []Parts
		s := NewInParts(rows, func(_ context.Context, parts Parts) (Parts, error) {
			read = append(read, parts)
			time.Sleep(time.Millisecond)
			return parts, nil
		})
		get := func(parts, want Parts, readings int) {
			t.Helper()
			got, err := s.GetParts(t.Context(), parts)
			if err != nil || got != want || len(read) != readings {
				t.Errorf("%b: %b, %v after readings %b, want %b and %d", parts, got, err, read, want, readings)
			}
		}
		get(sums, sums, 1)
		get(rows, sums|rows, 2) // the first has none
		get(sums, sums|rows, 2)
		time.Sleep(10 * time.Second)
		get(rows, sums|rows, 3)
		time.Sleep(askedFor - time.Second)
		get(rows, rows, 4)
		done := make(chan struct{})
		time.Sleep(10 * time.Second)
		go func() {
			defer close(done)
			get(sums, sums|rows, 6)
		}()
		if got, err := s.Get(t.Context()); err != nil || got&rows == 0 {
			t.Errorf("%b, %v", got, err)
		}
		<-done
	})
}

// Who takes any snapshot does not wait where there is one, and has another one taken.
func TestAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := New(func(context.Context) (int, error) {
			n++
			time.Sleep(time.Second)
			if n == 3 {
				return 0, errors.New("once")
			}
			return n, nil
		})
		get := func(want int, waited time.Duration) {
			t.Helper()
			start := time.Now()
			snap, err := s.Any(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := snap.Data(); got != want || time.Since(start) != waited {
				t.Errorf("reading %d after %v, want %d after %v", got, time.Since(start), want, waited)
			}
		}
		if _, is := s.Age(); is {
			t.Error("an age of nothing")
		}
		get(1, time.Second)
		get(1, 0)
		time.Sleep(time.Hour)
		if age, is := s.Age(); !is || age != time.Hour+time.Second {
			t.Errorf("age %v", age)
		}
		get(1, 0)
		time.Sleep(2 * time.Second)
		get(2, 0)
		time.Sleep(time.Hour)
		get(2, 0)
		time.Sleep(time.Hour)
		get(4, time.Second) // the third failed
	})
}

// A view is made once of a snapshot, behind the readers where it was used, and counts.
func TestViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, made := 0, 0
		s := New(func(context.Context) (int, error) { n++; return n, nil })
		double := Derive(s, func(n int) int {
			made++
			time.Sleep(time.Second)
			return 2 * n
		})
		snap, err := s.Snapshot(t.Context())
		if err != nil || double.Want(snap) {
			t.Fatal("it is made, or ", err)
		}
		for range 2 {
			if got := double.Of(snap); got != 2 || made != 1 {
				t.Errorf("%d, made %d times", got, made)
			}
		}
		time.Sleep((costFactor-1)*time.Second - time.Millisecond)
		if again, _ := s.Snapshot(t.Context()); again != snap {
			t.Error("what it costs to make the view is nothing")
		}
		time.Sleep(time.Hour)
		if snap, err = s.Snapshot(t.Context()); err != nil || !double.Want(snap) || double.Of(snap) != 4 {
			t.Errorf("%d views are made, %v", made, err)
		}
		defer func() {
			if recover() == nil {
				t.Error("a view of a source that is in use")
			}
		}()
		Derive(s, func(int) int { return 0 })
	})
}
