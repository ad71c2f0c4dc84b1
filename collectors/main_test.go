package collectors

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Sizes of the benchmarks' scenes. How many sockets one process may open is
// limited (RLIMIT_NOFILE).
var (
	benchSockets = flag.Int("bench.sockets", 15_000, "sockets to dump")
	benchRoutes  = flag.Int("bench.routes", 100_000, "routes to dump")
)

// helperVariable names the environment variable that makes this test binary do
// one thing in place of the tests, for a test that needs a process of its own.
const helperVariable = "COLLECTORS_TEST_HELPER"

var helpers = map[string]func(context.Context) error{
	"owners of nothing":             helpOwnersOfNothing,
	"owners of what is opened late": helpOwnersLate,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		help, ok := helpers[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "no helper is called %q\n", name)
			os.Exit(2)
		}
		if err := help(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// asHelper runs this test binary as a helper, under another program if there is
// one, and returns what it prints.
func asHelper(t *testing.T, name string, under ...string) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	args := append(under, self)
	nstest.NeedsProgram(t, args[0])
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
