package commandline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs a program's command until it ends or one of these signals comes, says on standard
// error why it failed, and returns what to exit with: 1 for an error, unless that has another
// ExitStatus. Of the error said everything has been said.
func Main(cmd *cobra.Command, said error, signals ...os.Signal) (status int) {
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // a second signal ends the program whatever it does
	err := Execute(ctx, cmd, os.Args[1:])
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE):
		return 0 // whoever reads may have seen enough: "netstat | head"
	case interrupted && errors.Is(err, context.Canceled):
		return 128 + int(syscall.SIGINT)
	case !errors.Is(err, said):
		fmt.Fprintf(os.Stderr, "%s: %v\n", cmd.Name(), err)
	}
	var other interface{ ExitStatus() int }
	if errors.As(err, &other) {
		return other.ExitStatus()
	}
	return 1
}
