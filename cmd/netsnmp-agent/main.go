// Command netsnmp-agent answers SNMP for this host's network stack: by itself,
// or as an AgentX subagent of net-snmp's snmpd. See netsnmp-agent(8).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
)

// collectAt is the growth of the heap, in percent, at which the garbage collector
// runs. Answering makes no garbage and reading a large table makes much, so that
// a smaller figure than Go's 100 costs little and saves much of the memory.
const collectAt = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	err := commandline.Execute(ctx, newCommand(reload), os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "netsnmp-agent: %v\n", err)
		os.Exit(1)
	}
}
