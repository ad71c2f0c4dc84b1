// Command netsnmp-agent answers SNMP for this host's network stack: by itself,
// or as an AgentX subagent of net-snmp's snmpd. See netsnmp-agent(8).
package main

import (
	"context"
	"fmt"
	"github.com/coreos/go-systemd/v22/journal"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/hangup"
)

// collectAt is the growth of the heap, in percent, at which the garbage collector
// runs. Answering makes no garbage and reading a large table makes much, so that
// a smaller figure than Go's 100 costs little and saves much of the memory.
const collectAt = 50

// spareProcs is how many goroutines may run at a time beyond what processors there
// are. A thread that comes back from the kernel with somebody's request must find
// room to run: while others work, Go would keep it waiting for up to 10 ms, and the
// kernel lets a thread that slept go first.
const spareProcs = 1

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcs)
	}
	ctx := untilSignal(grace)
	stderr := interface {
		io.Writer
		flush() bool
	}(newOutput(os.Stderr))
	// systemd says so where what is written to stderr goes to the journal: then entries can have fields.
	if is, _ := journal.StderrIsJournalStream(); is {
		stderr = newJournalOutput(journal.Send)
	}
	cmd := newCommand(process{reload: hangup.Signals, confine: confine, supervisor: supervised()})
	cmd.SetErr(stderr)
	err := commandline.Execute(ctx, cmd, os.Args[1:])
	if err != nil {
		fmt.Fprintf(stderr, "netsnmp-agent: %v\n", err)
	}
	stderr.flush()
	if err != nil {
		os.Exit(1)
	}
}

// grace is how long the program may take to end once a signal told it to.
const grace = 5 * time.Second

// untilSignal returns a context that lasts until SIGINT or SIGTERM. A second signal
// ends the program at once, whatever it waits for, and so does the end of the grace.
func untilSignal(grace time.Duration) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		sig := <-signals
		cancel()
		select {
		case sig = <-signals:
		case <-time.After(grace):
		}
		signal.Reset(sig)
		_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
	}()
	return ctx
}
