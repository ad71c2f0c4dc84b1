// Package remote_test reads agents that others wrote, and this project's own
// program, through package remote.
package remote_test

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// patience is how long a test waits for what should happen at once.
const patience = nstest.Patience

const insideVariable = "REMOTE_TEST_INSIDE"

// inside reports whether the test runs in a network namespace of its own. Where
// it does not, it is run once more in one, and what becomes of that is what
// becomes of it.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) == t.Name() {
		return true
	}
	ns := nstest.New(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", ns.Name, self, "-test.run", "^"+t.Name()+"$", "-test.count", "1", "-test.v")
	cmd.Env = append(os.Environ(), insideVariable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in the namespace: %v\n%s", err, out)
	} else if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("%s", out)
	} else if !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in the namespace it did not run:\n%s", out)
	}
	return false
}

// ip runs commands of ip(8) in the test's namespace.
func ip(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", c, err, out)
		}
	}
}

// start runs a program until the test ends, or until it is stopped.
func start(t *testing.T, env []string, program string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		guard := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer guard.Stop()
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		stop()
		if t.Failed() {
			t.Logf("%s: %s", program, out.String())
		}
	})
	return stop
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.b.String()
	return s[max(0, len(s)-3000):]
}

// build builds this project's agent.
func build(t *testing.T) string {
	t.Helper()
	return buildProgram(t, "netsnmp-agent")
}

// buildProgram builds one of this project's programs.
func buildProgram(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.Command("go", "build", "-o", path, "github.com/netsnmp-agent/netsnmp-agent/cmd/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// config is one that waits long enough for a machine with other things to do.
func config(address string) remote.Config {
	return remote.Config{Address: address, Version: remote.V2c, Community: "public", Timeout: 5 * time.Second, Retries: netstat.Known(5)}
}

// open opens a stack once its agent is there.
func open(t *testing.T, c remote.Config) *remote.Stack {
	t.Helper()
	impatient := c
	impatient.Timeout, impatient.Retries = time.Second, netstat.Known(0)
	for began := time.Now(); ; {
		s, err := remote.Open(t.Context(), impatient)
		if err == nil {
			s.Close()
			break
		}
		if time.Since(began) > patience {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	s, err := remote.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func collect[R any](t *testing.T, seq iter.Seq2[R, error]) []R {
	t.Helper()
	rows, err := gather(seq)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func gather[R any](seq iter.Seq2[R, error]) (rows []R, err error) {
	for row, err := range seq {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// lines are rows as text, sorted; those that shown makes empty are left out.
func lines[R any](rows []R, shown func(R) string) (all []string) {
	for _, r := range rows {
		if line := shown(r); line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}

// eventually compares what is read of a stack that may still be changing with
// the truth that stays the same before and after.
func eventually(t *testing.T, what string, truth, read func() []string) {
	t.Helper()
	var before, got, after []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(20 * time.Millisecond) {
		before = truth()
		got = read()
		after = truth()
		if slices.Equal(before, after) && slices.Equal(got, before) {
			if len(got) == 0 {
				t.Errorf("%s: there are none", what)
			}
			return
		}
	}
	t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(after, "\n     "))
}

func isNotSupported(err error, object string) bool {
	return errors.Is(err, netstat.ErrNotSupported) && strings.Contains(err.Error(), object)
}
