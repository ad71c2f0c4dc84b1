package metrics

import (
	"slices"
	"testing"
)

// The others' counter never falls and counts what they counted, whoever comes, goes, begins anew or changes places.
func TestTally(t *testing.T) {
	tally := newTally[string]()
	for i, step := range []struct {
		keys  []string
		shown int
		value map[string]uint64
		want  []uint64
	}{
		{[]string{"a", "b"}, 2, map[string]uint64{"a": 5, "b": 7}, nil},
		{[]string{"a", "b", "c"}, 2, map[string]uint64{"a": 5, "b": 7, "c": 100}, []uint64{100}},
		{[]string{"a", "b", "c"}, 2, map[string]uint64{"a": 6, "b": 8, "c": 110}, []uint64{110}},
		{[]string{"c", "a", "b"}, 2, map[string]uint64{"a": 6, "b": 9, "c": 120}, []uint64{111}}, // c has a series now, b has not
		{[]string{"c", "a", "b"}, 2, map[string]uint64{"a": 6, "b": 19, "c": 130}, []uint64{121}},
		{[]string{"a", "b", "c"}, 2, map[string]uint64{"a": 6, "b": 20, "c": 131}, []uint64{122}}, // and the other way
		{[]string{"a", "b"}, 2, map[string]uint64{"a": 6, "b": 20}, []uint64{122}},                // c went
		{[]string{"a", "b", "d"}, 2, map[string]uint64{"a": 6, "b": 20, "d": 3}, []uint64{125}},
		{[]string{"a", "b", "d"}, 2, map[string]uint64{"a": 6, "b": 20, "d": 1}, []uint64{126}}, // d began anew
	} {
		if got := tally.take(step.keys, step.shown, func(k string) []uint64 { return []uint64{step.value[k]} }); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
