package agent

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// endpoints reads udpEndpointTable of a stack and returns the number of its
// rows, and what was logged.
func endpoints(t *testing.T, s netstat.Stack) (rows int, logged string) {
	t.Helper()
	var log bytes.Buffer
	a, err := New(Config{Stack: s, Modules: []string{"UDP-MIB"}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	r := a.Tree().NewRequest()
	r.Reset(t.Context())
	entry := udpmib.Endpoints().Entry
	for c := r.Seek(entry, false); ; rows++ {
		b, err := r.Next(&c)
		must(t, err)
		if !b.Object.HasPrefix(entry) {
			return rows, log.String()
		}
	}
}

// guarded is a stack some processes of which may not be looked into.
type guarded struct {
	netstat.Stack
	owners *netstat.SocketOwners
}

func (g guarded) SocketOwners(context.Context) (*netstat.SocketOwners, error) { return g.owners, nil }

// TestUnknownProcesses holds that a socket of the kernel's own, which has no
// process, is taken for one whose process may not be seen only where there may
// be such a process, and that the log says that once.
func TestUnknownProcesses(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add vx0 type vxlan id 42 local 127.0.0.1 dstport 4789", "link set vx0 up")
	s := openLive(t, n, "UDP-MIB")
	owners := netstat.NewSocketOwners(nil)
	rows, logged := endpoints(t, guarded{s, owners})
	if rows == 0 {
		t.Error("the vxlan device has no socket")
	}
	if logged != "" {
		t.Errorf("the log says: %s", logged)
	}
	owners.Hidden, owners.HiddenPIDs = 6, []int32{1, 20, 300, 4000, 50000, 600000}
	_, logged = endpoints(t, guarded{s, owners})
	if strings.Count(logged, "\n") != 1 || !strings.Contains(logged, `CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH" hidden=6 PIDs="[1 20 300 4000]"`) {
		t.Errorf("the log says: %s", logged)
	}
}
