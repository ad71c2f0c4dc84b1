package netstat_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// The first interrupt ends the program when what it is at is done, and the second one at
// once, even where nobody reads what it prints.
func TestInterrupts(t *testing.T) {
	n := nstest.New(t)
	n.Listen(t, "tcp4", "127.0.0.1:8080")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, signals := range []int{1, 2} {
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			size, err := unix.FcntlInt(in.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := in.Write(make([]byte, size)); err != nil { // no more fits in
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", n.Name, program, "-tln", "--interval", "0.01")
			cmd.Stdout = in
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			in.Close()
			eventually(t, func() string {
				if !writes(cmd.Process.Pid, 1) {
					return "the program does not write"
				}
				return ""
			})
			must(t, cmd.Process.Signal(sig))
			if signals == 2 {
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				eventually(t, func() string { // the second one counts when the first has been seen
					_ = cmd.Process.Signal(sig)
					select {
					case <-ended:
						return ""
					default:
						return fmt.Sprintf("%v again and again does not end the program", sig)
					}
				})
				if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
					t.Errorf("%v twice: %v", sig, cmd.ProcessState)
				}
				continue
			}
			printed, err := io.ReadAll(out)
			if err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != 0 && status != 130 {
				t.Errorf("%v: %v", sig, err)
			}
			if !strings.HasSuffix(string(printed), "\n") {
				t.Errorf("%v: the last line is cut off: %q", sig, printed[max(0, len(printed)-100):])
			}
		}
	}
}

// writes reports whether a thread of a process is in a write to a descriptor (proc(5),
// syscall).
func writes(pid, fd int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	return slices.ContainsFunc(files, func(file string) bool {
		call, _ := os.ReadFile(file)
		return strings.HasPrefix(string(call), fmt.Sprintf("%d %#x ", unix.SYS_WRITE, fd))
	})
}
