package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// served is what a window's requests meet: a way of some length, and an agent that
// answers one after the other while others wait.
type served struct {
	way, service time.Duration
	queue        int // 0 for any number
	loss         float64
}

// run plays n requests in a time of its own, as many at once as the window lets,
// and returns how many were lost to the queue and how large the window was in the end.
func (d served) run(w *window, n int) (overflowed int, size float64) {
	type flight struct {
		sent, back time.Time
		lost       bool
		of         int
	}
	random := rand.New(rand.NewPCG(1, 1))
	now := time.Now()
	free := now // when the agent has time
	var flying []flight
	for begun := 0; begun < n || len(flying) > 0; {
		for begun < n && len(flying) < int(w.size) {
			begun++
			w.flying++
			f := flight{sent: now, of: w.flying}
			at := now.Add(d.way / 2)
			waiting := int(max(free.Sub(at), 0) / max(d.service, 1))
			switch {
			case d.queue > 0 && waiting > d.queue:
				overflowed++
				f.lost, f.back = true, now.Add(d.way+later)
			case random.Float64() < d.loss:
				f.lost, f.back = true, now.Add(d.way+later)
			default:
				if at.After(free) {
					free = at
				}
				free = free.Add(d.service)
				f.back = free.Add(d.way / 2)
			}
			flying = append(flying, f)
		}
		i := 0
		for j := range flying {
			if flying[j].back.Before(flying[i].back) {
				i = j
			}
		}
		f := flying[i]
		flying = slices.Delete(flying, i, i+1)
		now = f.back
		if f.lost {
			w.lost(f.sent, now, f.of)
		} else {
			w.answered(f.sent, now, f.of)
		}
		w.flying--
	}
	return overflowed, w.size
}

// A long way is filled, and an agent that answers one thing at a time is asked for little
// more than it can do meanwhile.
func TestWindowFillsTheWay(t *testing.T) {
	for _, c := range []struct {
		served
		least, most float64
	}{
		{served{way: 20 * time.Millisecond, service: 10 * time.Microsecond}, 60, 65},
		{served{way: 300 * time.Millisecond, service: 10 * time.Microsecond}, 60, 65},
		{served{way: 20 * time.Millisecond, service: time.Millisecond}, 20, 60},
		{served{way: time.Millisecond, service: 20 * time.Millisecond}, 1, 4},
	} {
		if _, size := c.run(newWindow(64), 5000); size < c.least || size > c.most {
			t.Errorf("%+v: %v at a time", c.served, size)
		}
	}
}

// An agent with a short queue loses a small part of what it is asked.
func TestWindowSparesShortQueues(t *testing.T) {
	for _, d := range []served{
		{way: 20 * time.Millisecond, service: time.Millisecond, queue: 1},
		{way: 20 * time.Millisecond, service: 5 * time.Millisecond, queue: 3},
		{way: 100 * time.Millisecond, service: time.Millisecond, queue: 2},
		{way: 200 * time.Microsecond, service: 50 * time.Microsecond, queue: 4},
	} {
		const requests = 2000
		if lost, _ := d.run(newWindow(64), requests); lost > requests/25 {
			t.Errorf("%+v: %d requests of %d found no room", d, lost, requests)
		}
	}
}

// A way that loses requests one by one does not keep everybody at one at a time, nor is it
// filled.
func TestWindowOnLossyWay(t *testing.T) {
	for _, loss := range []float64{0.1, 0.19, 0.36} {
		_, size := served{way: 20 * time.Millisecond, service: 10 * time.Microsecond, loss: loss}.run(newWindow(64), 2000)
		if size < 2 || size > onLossyWay+1 {
			t.Errorf("of %v lost: %v at a time", loss, size)
		}
	}
}

// Who waits for a place stops waiting when its context ends.
func TestWindowCanceled(t *testing.T) {
	w := newWindow(1)
	if err := w.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { ended <- w.enter(ctx) }()
	cancel(gone)
	if err := <-ended; !errors.Is(err, gone) {
		t.Error(err)
	}
	w.leave()
	if err := w.enter(t.Context()); err != nil {
		t.Error(err)
	}
}
