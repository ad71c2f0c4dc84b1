package show

import (
	"context"
	"time"
)

// Turns are the moments at which something is done again and again.
type Turns struct {
	every time.Duration
	next  time.Time // when the turn that began is over
}

// NewTurns returns turns of so many seconds.
func NewTurns(seconds float64) Turns {
	return Turns{every: time.Duration(seconds * float64(time.Second))}
}

// Begin begins a turn and returns when the next one is due: an interval after this
// one was, unless that is over already.
func (t *Turns) Begin() (next time.Time) {
	now := time.Now()
	if t.next = t.next.Add(t.every); !t.next.After(now) {
		t.next = now.Add(t.every)
	}
	return t.next
}

// Wait waits for the next turn and reports whether there is one.
func (t *Turns) Wait(ctx context.Context) bool {
	timer := time.NewTimer(time.Until(t.next))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
