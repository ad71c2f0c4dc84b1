// Package steppedclock makes the moments that a program sees whose wall clock was
// set meanwhile, for tests: setting the real one would set everybody's.
package steppedclock

import (
	"testing"
	"time"
	"unsafe"
)

// Step returns a moment whose reading of the monotonic clock is that of t, and whose
// wall clock is later by whole seconds, which may be negative: what time.Now gives
// after the wall clock was set, or after a suspend, in which the monotonic one stands
// still. t has to come from time.Now.
func Step(t testing.TB, moment time.Time, by time.Duration) time.Time {
	t.Helper()
	// The upper part of the first word is the wall clock's seconds (time.Time).
	const secondsShift = 30
	stepped := moment
	*(*uint64)(unsafe.Pointer(&stepped)) += uint64(by/time.Second) << secondsShift
	if by%time.Second != 0 || stepped.Sub(moment) != 0 || stepped.Round(0).Sub(moment.Round(0)) != by {
		t.Fatalf("%v cannot be stepped by %v", moment, by)
	}
	return stepped
}
