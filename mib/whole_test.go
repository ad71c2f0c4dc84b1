package mib

import (
	"math"
	"testing"
	"time"
)

// TestWhole holds that a duration stands as a whole number of its unit, that one comes back
// from any number that a column holds, and that none becomes another's sign.
func TestWhole(t *testing.T) {
	type row struct{ d time.Duration }
	ms := Whole(At(func(r *row) *time.Duration { return &r.d }), time.Millisecond)
	if n, ok := ms.Get(&row{1999 * time.Microsecond}); n != 1 || !ok {
		t.Errorf("%d %v", n, ok)
	}
	if n, _ := ms.Get(&row{-1999 * time.Microsecond}); n != -1 {
		t.Errorf("%d", n)
	}
	seconds := Whole(At(func(r *row) *time.Duration { return &r.d }), time.Second)
	for n, want := range map[int64]time.Duration{
		0: 0, -1: -time.Second, math.MaxUint32: math.MaxUint32 * time.Second,
		math.MaxInt64: math.MaxInt64 / time.Second * time.Second, math.MinInt64: -(math.MaxInt64 / time.Second * time.Second),
	} {
		var r row
		seconds.Set(&r, n)
		if r.d != want {
			t.Errorf("%d seconds are %v, want %v", n, r.d, want)
		}
	}
	unknown := Whole(Through(func(*row) (time.Duration, bool) { return 0, false }, nil), time.Second)
	if _, ok := unknown.Get(&row{}); ok {
		t.Error("an unknown duration has a number")
	}
}
