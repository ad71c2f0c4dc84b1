// Command nettop shows the network stack of a Linux host as it moves: what goes over its
// interfaces, who listens, which flows are tracked, which counters grow. See nettop(8).
//
// What a row is, its columns and where it comes from is package show's, as netstat's is. This
// program holds which tables are views, a model of what is on the screen, and the screen.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

func main() {
	// A terminal that is closed hangs up.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the program whatever it does
	err := commandline.Execute(ctx, newCommand(), os.Args[1:])
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		// Whoever reads has seen enough: "nettop --json | head".
	case interrupted && errors.Is(err, context.Canceled):
		os.Exit(128 + int(syscall.SIGINT))
	case errors.Is(err, show.ErrIncomplete):
		os.Exit(1) // what is missing has been said
	default:
		fmt.Fprintf(os.Stderr, "nettop: %v\n", err)
		os.Exit(1)
	}
}
