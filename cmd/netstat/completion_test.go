package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
)

// A shell completes the names of baselines.
func TestBaselinesAreCompleted(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	for _, present := range []bool{false, true} {
		if present {
			cmd := newCommand()
			if err := commandline.Execute(t.Context(), cmd, []string{"--save-baseline", "monday"}); err != nil {
				t.Fatal(err)
			}
			if found, err := os.ReadDir(filepath.Join(state, "netstat")); err != nil || len(found) != 1 {
				t.Fatalf("%v, %v", found, err)
			}
		}
		cmd := newCommand()
		var b bytes.Buffer
		cmd.SetOut(&b)
		if err := commandline.Execute(t.Context(), cmd, []string{"__complete", "-s", "--since", ""}); err != nil || strings.HasPrefix(b.String(), "monday\n") != present {
			t.Errorf("%v: %v, %q", present, err, b.String())
		}
	}
}
