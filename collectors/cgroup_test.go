package collectors

import (
	"testing"
	"time"
)

// Groups are looked through for a number that is not known, and not again and again for one
// that there is not.
func TestCGroupsAreLookedThroughOnce(t *testing.T) {
	const known, none = 1, 1<<64 - 1 // no inode of a directory
	c := cgroupPaths{paths: map[uint64]string{known: "/known"}}
	asked := func(what string, id uint64, before, after bool) {
		t.Helper()
		looked := before
		if got := c.of(id, &looked); got.ID != id || id == none && got.Path != "" || looked != after {
			t.Errorf("%s: %+v, and all were looked through: %v", what, got, looked)
		}
	}
	asked("one that is known", known, false, false)
	asked("one that there is not, in a dump that looked", none, true, true)
	asked("the same in the next dump", none, false, false)
	c.missed[none] = time.Now().Add(-2 * missedFor)
	asked("after a while", none, false, true)
	asked("and then", none, false, false)
	if got := c.of(none-1, new(bool)); got.Path != "" || len(c.missed) != 2 {
		t.Errorf("%+v, %v", got, c.missed)
	}
}
