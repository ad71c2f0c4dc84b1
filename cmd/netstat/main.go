// Command netstat shows the network stack of a Linux host: sockets, routes,
// interfaces, counters, memory and queues. See netstat(8).
//
// It holds flags, and which tables they choose. Package show reads and prints
// those.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// collectAt is the growth of the heap, in percent, at which the garbage collector
// runs. Printing makes hardly any garbage, and the program ends soon.
const collectAt = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program whatever it does
	err := commandline.Execute(ctx, newCommand(), os.Args[1:])
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		// Whoever reads has seen enough: "netstat | head".
	case interrupted && errors.Is(err, context.Canceled):
		os.Exit(128 + int(syscall.SIGINT))
	case errors.Is(err, show.ErrIncomplete):
		os.Exit(1) // what is missing has been said
	default:
		fmt.Fprintf(os.Stderr, "netstat: %v\n", err)
		os.Exit(1)
	}
}
