// Package snmpwalk_test runs the built netsnmp-agent against net-snmp's snmpd
// and client tools, in network namespaces whose interfaces, routes and sockets
// are known, by itself ("embedded") and as snmpd's subagent ("agentx").
//
// Every test needs root, iproute2 and net-snmp. "go test -update" writes the
// golden walk anew.
package snmpwalk_test

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// patience is how long a test waits for what should happen at once: the machine
// may be busy with other tests.
const patience = nstest.Patience

var update = flag.Bool("update", false, "write testdata anew")

// program is the built netsnmp-agent.
var program string

func TestMain(m *testing.M) { os.Exit(nstest.Main(m, "netsnmp-agent", &program)) }

// needsTools is for every test of this package.
func needsTools(t testing.TB) {
	t.Helper()
	nstest.NeedsRoot(t)
	for _, tool := range []string{
		snmpdPath, "ip", "ss", "snmpget", "snmpgetnext", "snmpwalk", "snmpbulkwalk", "snmptable", "snmpset", "snmpnetstat",
	} {
		nstest.NeedsProgram(t, tool)
	}
}

// eventually calls check until it finds nothing to complain of. What an agent
// tells may be as old as its freshness allows, so what a test compares it with
// has to stand still, not to be the same at once.
func eventually(t testing.TB, check func() (complaint string)) {
	t.Helper()
	if err := within(patience, check); err != nil {
		t.Error(err)
	}
}

// within is eventually with a deadline of its own.
func within(limit time.Duration, check func() (complaint string)) error {
	deadline := time.Now().Add(limit)
	for {
		complaint := check()
		if complaint == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New(complaint)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
