package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// socketOptions returns what tells options of sockets, until it is closed.
func socketOptions() (sources []netstat.SocketOptionSource, close func()) {
	options := sockopt.New(sockopt.PinFolder)
	return []netstat.SocketOptionSource{options, collectors.Descriptors()}, func() { _ = options.Close() }
}

// pinOptions leaves the programs that read options of sockets where everybody may use
// them, and says what stands in the way to them.
func pinOptions(stderr io.Writer) error {
	err := sockopt.Pin(sockopt.PinFolder)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: --unpin-options removes them", err)
	}
	if err != nil {
		return err
	}
	closed, mode, err := sockopt.Closed(sockopt.PinFolder)
	if err == nil && closed != "" {
		fmt.Fprintf(stderr, "netstat: pinned, but %s has mode %04o: nobody else gets to the programs before chmod o+x %s\n", closed, mode, closed)
	}
	return err
}

// unpinOptions removes what pinOptions left.
func unpinOptions() error { return sockopt.Unpin(sockopt.PinFolder) }
