// Command conntrack reads and changes the kernel's connection tracking: it takes
// the command lines of conntrack-tools' conntrack(8), and prints JSON, sorts,
// filters by expressions and reads several namespaces besides.
//
// It holds options and forms of output. What it shows comes from package
// collectors.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// collectAt is the growth of the heap, in percent, at which the garbage collector
// runs. Printing makes hardly any garbage, and the program ends soon.
const collectAt = 400

// Exit statuses, which are those of conntrack-tools.
const (
	statusFailed = 1
	statusUsage  = 2
)

// version is set by the linker for releases.
var version string

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, labels: readLabels()}
	err := p.run(ctx, os.Args[1:])
	stop()
	var usage *usageError
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		// Whoever reads has seen enough: "conntrack -L | head".
	case errors.Is(err, errNothing):
		os.Exit(statusFailed) // the line with the number has said it
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "conntrack: %v\n", err)
		os.Exit(statusUsage)
	default:
		fmt.Fprintf(os.Stderr, "conntrack: %v\n", err)
		os.Exit(statusFailed)
	}
}
