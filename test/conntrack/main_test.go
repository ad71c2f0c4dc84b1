// Package conntrack tests the built conntrack beside conntrack-tools' own.
package conntrack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// dir is where the program is built.
var dir string

func TestMain(m *testing.M) {
	if os.Getenv(otherProgram) != "" {
		beOtherProgram()
		return
	}
	var err error
	if dir, err = os.MkdirTemp("", "conntrack"); err == nil {
		err = os.Chmod(dir, 0o755) // one test runs the program without privileges
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// raced says that the tests run with the race detector.
var raced bool

// built builds the program once, with the race detector where the tests have it.
var built = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(dir, "conntrack")
	args := []string{"build", "-o", program}
	if raced {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/conntrack")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// build returns the program.
func build(t *testing.T) string {
	t.Helper()
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "conntrack")
	nstest.NeedsKernel(t, "CONFIG_NF_CT_NETLINK")
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// run runs a program in a namespace.
func run(t *testing.T, ns *nstest.NS, program, input, args string) (out, complaint string, status int) {
	t.Helper()
	cmd := exec.Command(program, strings.Fields(args)...)
	cmd.Stdin = strings.NewReader(input)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	ns.Do(t, cmd.Start)
	_ = cmd.Wait() // its status says how it went
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// here runs a program outside of the namespaces that it is for.
func here(program, args string) (out, complaint string, status int) {
	cmd := exec.Command(program, strings.Fields(args)...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	_ = cmd.Run() // its status says how it went
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}
