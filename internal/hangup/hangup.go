// Package hangup takes SIGHUP, which ends a program that does not, in its first
// moments. It depends on little, so that Go initialises it before most others.
package hangup

import (
	"os"
	"os/signal"
	"syscall"
)

// Signals are the SIGHUPs that came since the program began, of which one waits at
// a time.
var Signals = take()

func take() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

// Default has SIGHUP end the program again, as nobody reads Signals.
func Default() { signal.Reset(syscall.SIGHUP) }
