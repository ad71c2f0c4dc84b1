// Command nettop shows the network stack of a Linux host as it moves: what goes over its
// interfaces, who listens, which flows are tracked, which counters grow. See nettop(8).
//
// What a row is, its columns and where it comes from is package show's, as netstat's is. This
// program holds which tables are views, a model of what is on the screen, and the screen.
package main

import (
	"os"
	"syscall"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

func main() {
	// A terminal that is closed hangs up.
	os.Exit(commandline.Main(newCommand(), show.ErrIncomplete, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP))
}
