package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// When the namespace that is shown is removed, the program ends and says why,
// whatever it serves of it.
func TestNamespaceRemoved(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "ip")
	for i, args := range [][]string{
		{"--listen", "udp:127.0.0.1:0"},
		{"--listen", "udp:127.0.0.1:0", "--modules", "TCP-MIB"},
		{"--agentx=" + filepath.Join(t.TempDir(), "no-master")},
	} {
		name := fmt.Sprintf("agenttest-%d-%d", os.Getpid(), i)
		ip := func(args ...string) error {
			out, err := exec.Command("ip", args...).CombinedOutput()
			if err != nil {
				return fmt.Errorf("ip %v: %w: %s", args, err, out)
			}
			return nil
		}
		if err := ip("netns", "add", name); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
		out, in := io.Pipe()
		cmd := newCommand(process{})
		cmd.SetArgs(append([]string{"--netns", name}, args...))
		cmd.SetOut(in)
		cmd.SetErr(io.Discard)
		done := make(chan error, 1)
		go func() {
			err := cmd.ExecuteContext(ctx)
			in.Close()
			done <- err
		}()
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			t.Errorf("%v: it does not start", args)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		if err := ip("netns", "del", name); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "network namespace /run/netns/"+name+" was removed") {
			t.Errorf("%v: %v", args, err)
		}
		cancel()
	}
}

// A wrong address in the file is an error even where a flag stands in for it.
func TestAddressesOfTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		with flags
	}{
		"agentaddress and --listen":         {"agentaddress udp:127.0.0.1:99999", flags{listen: []string{"udp:127.0.0.1:1161"}}},
		"agentXSocket and --agentx=ADDRESS": {"agentXSocket foo", flags{agentx: "unix:/nowhere"}},
		"agentXSocket, embedded":            {"agentXSocket foo", flags{}},
	} {
		f := c.with
		f.config, f.logLevel = filepath.Join(t.TempDir(), "agent.conf"), "error"
		if err := os.WriteFile(f.config, []byte("rocommunity public\n"+c.line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := newSettings(t.Context(), f, io.Discard); err == nil || !strings.HasPrefix(err.Error(), f.config+":2: ") {
			t.Errorf("%s: %v, want an error that names %s:2", name, err, f.config)
		}
	}
}
