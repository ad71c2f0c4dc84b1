package collectors

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

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
	"owners shared by queries":      helpOwnersShared,
	"socket in a cgroup":            helpSocketInCGroup,
	"without privilege":             helpWithoutPrivilege,
	"memberships that are hidden":   helpHiddenMemberships,
	"socket with a forged line":     helpForgedLine,
	"mounts with blanks":            helpMountsWithBlanks,
	"flows without privilege":       helpFlowsWithoutPrivilege,
	"without netlink":               helpWithoutNetlink,
	"what netlink alone tells":      helpRefused,
	"ends of sockets":               helpSocketEnds,
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

// helper is a helper that goes on while its test talks to it.
type helper struct {
	name  string
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
}

// startHelper starts this test binary as a helper until the test ends.
func startHelper(t *testing.T, name string, under ...string) *helper {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	args := append(under, self)
	nstest.NeedsProgram(t, args[0])
	h := &helper{name: name, cmd: exec.Command(args[0], args[1:]...)}
	h.cmd.Env = append(os.Environ(), helperVariable+"="+name)
	h.cmd.Stderr = os.Stderr
	h.input, err = h.cmd.StdinPipe()
	must(t, err)
	out, err := h.cmd.StdoutPipe()
	must(t, err)
	h.lines = bufio.NewScanner(out)
	must(t, h.cmd.Start())
	t.Cleanup(func() {
		h.input.Close() // ends it
		if err := h.cmd.Wait(); err != nil {
			t.Errorf("%s: %v", h.name, err)
		}
	})
	return h
}

func (h *helper) send(t *testing.T, line string) {
	t.Helper()
	_, err := fmt.Fprintln(h.input, line)
	must(t, err)
}

func (h *helper) expect(t *testing.T, line string) {
	t.Helper()
	if !h.lines.Scan() || h.lines.Text() != line {
		t.Fatalf("%s says %q, want %q", h.name, h.lines.Text(), line)
	}
}

// eventually waits until something holds. What it did not come to is shown by
// otherwise.
func eventually(t *testing.T, what string, holds func() bool, otherwise ...func()) {
	t.Helper()
	for deadline := time.Now().Add(nstest.Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, show := range otherwise {
				show()
			}
			t.Fatalf("it never came that %s", what)
		}
	}
}
