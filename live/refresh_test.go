package live

import (
	"runtime"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestPace holds how much of a processor dumps take, and how long something may stay
// stale.
func TestPace(t *testing.T) {
	for _, test := range []struct{ took, least, most time.Duration }{
		{0, 0, 0},
		{time.Millisecond, 4 * time.Millisecond, 49 * time.Millisecond},
		{100 * time.Millisecond, 400 * time.Millisecond, 4900 * time.Millisecond},
		{time.Second, 4 * time.Second, 5 * time.Second},
		{time.Minute, 5 * time.Second, 5 * time.Second},
	} {
		if least, most := pace(test.took); least != test.least || most != test.most {
			t.Errorf("after a dump of %v a rest of %v to %v, want %v to %v", test.took, least, most, test.least, test.most)
		}
	}
}

// TestProcessorTime holds that only the time counts in which this thread has a processor.
func TestProcessorTime(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun, wall := processorTime(), time.Now()
	time.Sleep(200 * time.Millisecond)
	if took, waited := processorTime()-begun, time.Since(wall); took > waited/2 {
		t.Errorf("a sleep of %v took a processor %v", waited, took)
	}
	for begun = processorTime(); processorTime() == begun; { // or the test does not end
	}
}

// TestRest holds what ends the rest between two dumps.
func TestRest(t *testing.T) {
	const forever = 1000 * time.Hour
	for _, test := range []struct {
		about       string
		least, most time.Duration
		stale       netstat.Kinds
		marked      time.Duration // from now
		waiting     int
		event       func(*Stack)
	}{
		{about: "nothing is stale", most: forever},
		{about: "nothing became stale for a while", most: forever, stale: netstat.KindRoute, marked: -calmAfter},
		{about: "a storm lasts", most: time.Millisecond, stale: netstat.KindRoute, marked: forever},
		{about: "somebody waits in a storm", most: forever, stale: netstat.KindRoute, marked: forever, waiting: 1},
		{about: "somebody begins to wait", least: forever, most: forever, stale: netstat.KindRoute, marked: forever,
			event: func(s *Stack) { go func() { _ = s.waitIdle(t.Context()) }() }},
		{about: "the stack ends", least: forever, most: forever, event: func(s *Stack) { close(s.done) }},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := &Stack{
				stale: test.stale, marked: time.Now().Add(test.marked), waiting: test.waiting,
				hurry: make(chan struct{}, 1), done: make(chan struct{}), idle: make(chan struct{}),
			}
			if test.event != nil {
				test.event(s)
			}
			s.rest(max(test.least, time.Nanosecond), test.most)
		})
	}
}
