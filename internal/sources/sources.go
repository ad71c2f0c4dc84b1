// Package sources opens the stacks that a command line names: this kernel's, other
// hosts', and recorded ones.
package sources

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Where says which stacks are shown: by default this kernel's.
type Where struct {
	// NetNS is the network namespace as namespaces.Open takes it; namespaces.All for
	// all.
	NetNS string
	// SocketOptions are what this kernel's namespaces have options of sockets from.
	SocketOptions []netstat.SocketOptionSource

	// Recording is a file with recorded stacks; NetNS chooses one of those then. At
	// is the time that is shown, empty for the last.
	Recording, At string

	// Hosts are read by SNMP, and so are those listed in HostsFile, by who stands
	// in SNMPConfigFile, in Context, each for Timeout seconds at most. An answer has
	// MaxAnswer octets at most, and a host MaxRequests to answer at a time; 0 leaves
	// either to the configuration.
	Hosts          []string
	HostsFile      string
	SNMPConfigFile string
	Context        string
	Timeout        float64
	MaxAnswer      uint
	MaxRequests    uint
	// AnySource takes answers from any address and port.
	AnySource bool
}

// IsRemote reports whether stacks are read by SNMP.
func (w *Where) IsRemote() bool { return len(w.Hosts) > 0 || w.HostsFile != "" }

// IsElsewhere reports whether stacks may be other hosts' than this.
func (w *Where) IsElsewhere() bool { return w.IsRemote() || w.Recording != "" }

// ComeAndGo reports whether stacks do while they are shown: namespaces of which all are.
func (w *Where) ComeAndGo() bool { return w.NetNS == namespaces.All && w.Recording == "" }

// Open opens the stacks. The errors of those among
// several that cannot be opened go to complain.
func (w *Where) Open(ctx context.Context, complain func(error)) ([]*show.Source, error) {
	switch {
	case w.IsRemote():
		return w.openHosts(ctx)
	case w.Recording != "":
		return w.openRecording(complain)
	}
	return namespaces.Sources(ctx, w.NetNS, complain, w.SocketOptions...)
}
