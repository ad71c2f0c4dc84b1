package nstest

import (
	"bytes"
	"os/exec"
	"sync"
	"testing"
)

// Output is what a program printed so far. Its methods may be called concurrently.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start runs a program in the namespace until the test ends. It returns the program's PID and what it
// printed so far, which is logged if the test fails.
func (n *NS) Start(t testing.TB, program string, args ...string) (pid int, printed func() string) {
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.Name, program}, args...)...)
	out := new(Output)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text := out.String(); t.Failed() && text != "" {
			t.Logf("%s:\n%s", program, text)
		}
	})
	return cmd.Process.Pid, out.String
}
