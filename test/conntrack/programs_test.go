package conntrack

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	timo "github.com/ti-mo/conntrack"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// otherProgram is the variable that makes of the tests' program the other one, and
// otherPort the netlink port that programs take after one another.
const (
	otherProgram = "CONNTRACK_TEST_OTHER"
	otherPort    = 1 << 30
)

// makeFlows makes a flow and deletes it, from otherPort, until a channel is closed.
func makeFlows(end <-chan struct{}) error {
	c, err := timo.Dial(&netlink.Config{PID: otherPort})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		f := timo.NewFlow(unix.IPPROTO_UDP, 0, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), 1, 2, 1000, 0)
		if err := c.Create(f); err != nil {
			return err
		}
		if err := c.Delete(f); err != nil {
			return err
		}
		select {
		case <-end:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// beOtherProgram makes flows for as long as there is a standard input.
func beOtherProgram() {
	end := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(end)
	}()
	if err := makeFlows(end); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A port that was one program's and is another's by now is the other's in what is told.
func TestPortOfAnotherProgram(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	follow := exec.Command(program, "-E")
	follow.Stdout = write
	ns.Do(t, follow.Start)
	defer func() { _ = follow.Process.Kill(); _ = follow.Wait() }()
	listening(t, ns)
	var mu sync.Mutex
	told := make(map[string]bool) // programs by which something was told of
	go func() {
		for lines := bufio.NewScanner(read); lines.Scan(); {
			if _, name, found := strings.Cut(lines.Text(), fmt.Sprintf(" portid=%d progname=", otherPort)); found {
				mu.Lock()
				told[name] = true
				mu.Unlock()
			}
		}
	}()
	for _, name := range []string{"first", "second"} {
		other := filepath.Join(t.TempDir(), name)
		if err := os.Link(self, other); err != nil {
			if out, err := exec.Command("cp", self, other).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		cmd := exec.Command(other)
		cmd.Env = append(os.Environ(), otherProgram+"=1")
		cmd.Stderr = os.Stderr
		alive, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		ns.Do(t, cmd.Start)
		nstest.Eventually(t, func() string {
			mu.Lock()
			defer mu.Unlock()
			if !told[name] {
				return "no event is told to be that of " + name
			}
			return ""
		})
		if err := alive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}
