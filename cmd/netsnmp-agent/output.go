package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// output writes lines to something that may be read slowly, or no more: a pipe to
// another program, a terminal that is stopped. Nobody who writes a line waits for
// that. Lines for which there is no room are counted and dropped, and their number
// stands where they would.
type output struct {
	to io.Writer

	mu      sync.Mutex
	queue   [][]byte
	octets  int // in the queue
	dropped int // since the last line that was queued
	wake    chan struct{}
	idle    chan struct{} // closed when all was written; nil while nobody waits for that
	writing bool
}

// A queue holds at most so many lines and octets. A longer line than that is cut.
const (
	maxLines  = 4096
	maxOctets = 1 << 20
	maxLine   = 64 << 10
)

// flushTimeout is how long the end of the program waits for who reads its lines.
const flushTimeout = 500 * time.Millisecond

func newOutput(to io.Writer) *output {
	o := &output{to: to, wake: make(chan struct{}, 1)}
	go o.run()
	return o
}

// Write queues one or several whole lines. It never fails.
func (o *output) Write(lines []byte) (int, error) {
	n := len(lines)
	if n > maxLine {
		lines = append(append([]byte(nil), lines[:maxLine]...), "...\n"...)
	} else {
		lines = append([]byte(nil), lines...)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) >= maxLines || o.octets+len(lines) > maxOctets {
		o.dropped++
		return n, nil
	}
	if o.dropped > 0 {
		o.add(fmt.Appendf(nil, "netsnmp-agent: %d lines were dropped here, as nobody read them\n", o.dropped))
		o.dropped = 0
	}
	o.add(lines)
	return n, nil
}

func (o *output) add(lines []byte) {
	o.queue, o.octets = append(o.queue, lines), o.octets+len(lines)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes for as long as the program lasts.
func (o *output) run() {
	for range o.wake {
		for {
			o.mu.Lock()
			if len(o.queue) == 0 && o.dropped > 0 {
				o.add(fmt.Appendf(nil, "netsnmp-agent: %d lines were dropped here, as nobody read them\n", o.dropped))
				o.dropped = 0
			}
			if o.writing = len(o.queue) > 0; !o.writing {
				o.queue = nil
				if o.idle != nil {
					close(o.idle)
					o.idle = nil
				}
				o.mu.Unlock()
				break
			}
			lines := o.queue[0]
			o.queue, o.octets = o.queue[1:], o.octets-len(lines)
			o.mu.Unlock()
			_, _ = o.to.Write(lines) // whoever read them is gone: nobody can be told
		}
	}
}

// flush waits until all was written, but not for long. It reports whether it was.
func (o *output) flush() bool {
	o.mu.Lock()
	if len(o.queue) == 0 && o.dropped == 0 && !o.writing {
		o.mu.Unlock()
		return true
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-time.After(flushTimeout):
		return false
	}
}
