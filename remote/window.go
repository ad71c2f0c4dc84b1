package remote

import (
	"context"
	"sync"
	"time"
)

// window is how many requests a host has to answer at a time. It grows by one while that
// many are answered and answers come as quickly as they did, and shrinks at the first sign
// of strain: an answer that is late, or none.
type window struct {
	most int

	mu      sync.Mutex
	changed *sync.Cond
	size    float64
	flying  int
	// ceiling is a size that was not too much, where one more was. It is exceeded by one once
	// calm answers came.
	ceiling int
	calm    int
	// strained is when the size shrank: what was asked before tells nothing new.
	strained time.Time
	// quickest is the shortest time that an answer took.
	quickest time.Duration
	// Of requests that were alone answers came to some. That others did not is the way's
	// doing, and not that of their number.
	alone, aloneLost int
}

const (
	firstWindow = 2
	// afterStrain is how many answers at the ceiling show that it may be exceeded by one: an
	// agent with a short queue loses that part at most.
	afterStrain = 64
	// onLossyWay is how many may be asked at a time where requests get lost one by one.
	onLossyWay = 4
	// unnoticed is by how much an answer may be later without being late: what the
	// machines at both ends do besides.
	unnoticed = 5 * time.Millisecond
)

func newWindow(most int) *window {
	w := &window{most: most, size: float64(min(firstWindow, most)), ceiling: most}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// enter waits until another request may be sent. Each is followed by one leave.
func (w *window) enter(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil && w.flying >= int(w.size) {
		w.changed.Wait()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.flying++
	return nil
}

func (w *window) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying--
	w.changed.Broadcast()
}

// wanted returns how many have use for the window: one more than it has room for, so that
// it is full.
func (w *window) wanted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(int(w.size)+1, w.most)
}

// begin says that a table is read, whose answers may take longer than those before.
func (w *window) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quickest = 0
}

// load returns how many requests are under way.
func (w *window) load() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flying
}

// answered says that an answer came now to a request that was sent at a moment, as one of
// so many.
func (w *window) answered(sent, now time.Time, of int) {
	took := now.Sub(sent)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quickest == 0 || took < w.quickest {
		w.quickest = took
	}
	if of <= 1 {
		w.alone++
	}
	w.calm++
	switch {
	case took > 4*w.quickest+4*unnoticed:
		w.shrink(sent, now)
	case took > 2*w.quickest+unnoticed || of < int(w.size):
		// As many as it bears, or as there is use for.
	case w.size < float64(w.limit()):
		w.size += 1 / w.size
		w.changed.Broadcast()
	case w.calm >= afterStrain && w.ceiling < w.most:
		w.ceiling, w.calm = w.ceiling+1, 0
	}
}

// limit is what the window may grow to. mu is held.
func (w *window) limit() int {
	if w.isLossy() {
		return min(max(w.ceiling, onLossyWay), w.most)
	}
	return w.ceiling
}

// isLossy reports whether the way loses one in twenty requests though they were alone. mu is held.
func (w *window) isLossy() bool { return w.aloneLost > 1 && 20*w.aloneLost > w.alone }

// lost says that no answer came until now to a request that was sent at a moment, as one
// of so many.
func (w *window) lost(sent, now time.Time, of int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if of <= 1 {
		w.aloneLost++
		return
	}
	if w.isLossy() && w.size <= onLossyWay || !sent.After(w.strained) {
		return
	}
	w.ceiling = max(min(of, int(w.size))-1, 1)
	w.shrink(sent, now)
}

// shrink has fewer asked at a time. mu is held.
func (w *window) shrink(sent, now time.Time) {
	if !sent.After(w.strained) {
		return
	}
	w.strained, w.calm = now, 0
	w.size = max(0.7*w.size, 1)
}
