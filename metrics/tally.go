package metrics

import (
	"context"
	"slices"
)

// tally counts on what the values of a label have together that have no series of their own ("other"). It never falls: one
// that goes, or gets a series of its own, is not taken off, and one that had a series adds what is counted from then on. So
// rates are right whichever series a value is in.
type tally[K comparable] struct {
	room  chan struct{}  // holds one while somebody takes a reading
	last  map[K][]uint64 // of the reading before; nil before there were others
	total []uint64       // nil before there were others
}

func newTally[K comparable]() *tally[K] { return &tally[K]{room: make(chan struct{}, 1)} }

// enter waits until nobody else takes a reading, so that none is taken after a later one. An error is that of ctx. Leave is
// called in the end.
func (t *tally[K]) enter(ctx context.Context) error {
	select {
	case t.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tally[K]) leave() { <-t.room }

// take takes a reading: the keys that there are, the first shown of which have series of their own, and what is counted of
// each, always as many counters. It returns what the others counted, nil where there never were any.
func (t *tally[K]) take(keys []K, shown int, counted func(k K) []uint64) []uint64 {
	if shown >= len(keys) && t.total == nil {
		return nil
	}
	last := make(map[K][]uint64, len(keys))
	for i, k := range keys {
		now := counted(k)
		last[k] = now
		if i < shown {
			continue
		}
		if t.total == nil {
			t.total = make([]uint64, len(now))
		}
		before := t.last[k] // nil for one that is new
		for c, value := range now {
			if before != nil && value >= before[c] {
				value -= before[c]
			}
			t.total[c] += value
		}
	}
	t.last = last
	return slices.Clone(t.total)
}
