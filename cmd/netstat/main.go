// Command netstat shows the network stack of a Linux host: sockets, routes,
// interfaces, counters, memory and queues. See netstat(8).
//
// It holds flags, and which tables they choose. Package show reads and prints
// those.
package main

import (
	"os"
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
	os.Args = append(os.Args[:1:1], withInterfaces(os.Args[1:])...)
	os.Exit(commandline.Main(newCommand(), show.ErrIncomplete, syscall.SIGINT, syscall.SIGTERM))
}
