package probe

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// room is for how many hosts may be read at a time. As many more wait for their turn, in the order in which they came.
type room struct {
	most    int
	turns   *semaphore.Weighted
	waiting atomic.Int64
	inside  atomic.Int64
}

func newRoom(most int) *room { return &room{most: most, turns: semaphore.NewWeighted(int64(most))} }

// errTooMany says that a host is not read since too many are.
var errTooMany = errors.New("too many hosts are read at a time")

// enter waits for a turn for that long, or as long as ctx lasts. Its error matches errTooMany.
func (r *room) enter(ctx context.Context, patience time.Duration) error {
	if !r.turns.TryAcquire(1) {
		if r.waiting.Add(1) > int64(r.most) {
			r.waiting.Add(-1)
			return fmt.Errorf("%w, and as many wait already: ask again later", errTooMany)
		}
		patient, stop := context.WithTimeout(ctx, patience)
		err := r.turns.Acquire(patient, 1)
		stop()
		r.waiting.Add(-1)
		if err != nil {
			return fmt.Errorf("%w: none had ended after %v, and the rest of the scrape's time is too short", errTooMany, patience)
		}
	}
	r.inside.Add(1)
	return nil
}

func (r *room) leave() {
	r.inside.Add(-1)
	r.turns.Release(1)
}
