package mib

import (
	"context"
	"errors"
	"runtime"
)

// ErrTooMuchWork is returned by a Request that was given more work than any may
// take, as one variable after another that has to be looked for among millions of
// rows. The request answers nothing more until its Reset. RFC 3416, section 4.2.3,
// lets the answer to a GetBulkRequest end there; any other fails.
var ErrTooMuchWork = errors.New("the request takes too much work")

// Work is counted in steps, of some 50 to 100 ns: a row that is looked at is one.
// Steps and not time, so that the same request is answered alike on any machine.
const (
	// searchSteps is what it takes to find an index among the rows of a table.
	searchSteps = 16
	// emptyRunSteps is what a run without a row takes, behind which an Ordered
	// may have passed over many.
	emptyRunSteps = 64
	// stepsAtOnce are those of a request that may not wait: with more it is left
	// to somebody who may. A GetBulkRequest that fills a datagram has fewer.
	stepsAtOnce = 8 << 10
	// stepsInTurn are those between which a request that may wait lets others go
	// first.
	stepsInTurn = 1 << 10
	// mostSteps are those of any request, but for what it does once for all that
	// follow.
	mostSteps = 16 << 20
)

// MostAtOnce is how many variables a request that may not wait is answered with at
// most. Who decodes a request may leave one with more to somebody who may wait before
// all of it is decoded.
const MostAtOnce = stepsAtOnce / searchSteps

// work is what a request may do yet. Every request has the same bounds, whoever
// asks and however: all that goes through rows says so to spend.
//
// A request that is much work does it in turns, of which there is one fewer than
// processors: who serves everybody finds one that is free. GOMAXPROCS may be more
// than there are.
type work struct {
	turns *Turns // of the tree

	ctx   context.Context
	waits bool // whether the request may wait
	much  bool // it works in turns
	turn  bool // and has one
	steps int  // until it must look
	left  int  // beyond these
}

// Turns are those that requests work in.
type Turns struct {
	taken chan struct{} // holds one for each
}

// NewTurns returns one turn fewer than there are processors.
func NewTurns() *Turns {
	return &Turns{make(chan struct{}, max(1, min(runtime.GOMAXPROCS(0), runtime.NumCPU())-1))}
}

// begin sets the bounds of a request. One whose context is done already may not
// wait.
func (w *work) begin(ctx context.Context) {
	w.ctx, w.waits, w.much = ctx, ctx.Err() == nil, false
	w.steps, w.left = stepsAtOnce, 0
	if w.waits {
		w.steps, w.left = stepsInTurn, mostSteps
	}
}

// spend is called for so many steps, before or after they are done. Its error is
// the context's, ErrWouldWait among these, or ErrTooMuchWork, and ends the request.
func (w *work) spend(steps int) error {
	if w.steps -= steps; w.steps >= 0 {
		return nil
	}
	return w.look()
}

// look is called when the steps that were given are used up.
func (w *work) look() error {
	if err := w.ctx.Err(); err != nil || !w.waits {
		return err
	}
	if w.left -= stepsInTurn - w.steps; w.left < 0 {
		w.steps = 0 // the next is one too many as well
		return ErrTooMuchWork
	}
	w.steps, w.much = stepsInTurn, true
	w.pause()
	runtime.Gosched()
	return w.enter()
}

// forAll is called in front of so many steps whose outcome is kept for all
// requests that follow: these are no part of the most that one may do. A request
// that may not wait leaves them to another at once where they are too many.
func (w *work) forAll(steps int) error {
	if w.waits {
		w.left += steps
	} else if w.steps < steps {
		return w.ctx.Err()
	}
	return nil
}

// enter waits for a turn if the request works in turns.
func (w *work) enter() error {
	if !w.much || w.turn {
		return nil
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	select {
	case w.turns.taken <- struct{}{}:
		w.turn = true
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// pause lets others have the turn. Nobody keeps it beyond one call of a Request's
// method, or while the request waits for something else.
func (w *work) pause() {
	if w.turn {
		w.turn = false
		<-w.turns.taken
	}
}
