package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// execute runs a whole command line.
func execute(t *testing.T, args ...string) (out, complaints string, err error) {
	t.Helper()
	cmd := newCommand()
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// few is a stack of so many TCP sockets of IPv4, and nothing else.
type few struct {
	netstat.Stack
	sockets int
}

func (f few) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	var found []netstat.Socket
	if slices.Contains(q.Protocols, netstat.TCP) && slices.Contains(q.Families, netstat.IPv4) {
		found = slices.Repeat(newFake().sockets[:1], f.sockets)
	}
	return rows(found)
}

// recorded writes a recording with moments at times, of two namespaces each.
func recorded(t *testing.T, times ...time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stack.rec")
	r, err := recording.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		err := r.Record(t.Context(), recording.Options{Time: at, Kinds: []recording.Kind{recording.KindSocket}}, func(yield func(recording.Source) bool) {
			_ = yield(recording.Source{Name: "red", Stack: few{&fake{}, 9}}) && yield(recording.Source{Name: "blue", Stack: few{&fake{}, 1 + i}}) &&
				yield(recording.Source{Name: "grey", Err: errors.New("was locked")})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRecordingChoice(t *testing.T) {
	first := time.Date(2026, 11, 20, 3, 0, 30, 500, time.Local)
	file := recorded(t, first, first.Add(time.Hour), first.Add(24*time.Hour))
	for _, c := range []struct {
		args      string
		rows      int
		complaint string
	}{
		{"--netns blue", 3, ""},
		{"--netns blue --at 03:00", 3, ""},
		{"--netns blue --at 2026-11-20T04:00", 2, ""},
		{"--netns blue --at 2026-11-20T04:00:30", 2, ""},
		{"--netns blue --at 2026-11-20T04:00:29", 1, ""},
		{"--netns blue --at " + first.Add(time.Hour).Format(time.RFC3339Nano), 2, ""},
		{"--netns all", 3 + 9, "was locked"},
		{"--netns green", 0, "green"},
		{"--netns grey", 0, "was locked"},
		{"--at 2026-11-19T04:00", 0, "no moment at or before"},
		{"--netns all --at 2026-11-19T04:00", 0, "no moment at or before"},
	} {
		out, complaints, err := execute(t, append(strings.Fields(c.args), "--json", "-ta", "--recording", file)...)
		if n := strings.Count(out, "\n"); n != c.rows {
			t.Errorf("%s: %d rows instead of %d\n%s", c.args, n, c.rows, out)
		}
		if err != nil {
			complaints += err.Error()
		}
		if (err == nil) != (c.complaint == "") || !strings.Contains(complaints, c.complaint) {
			t.Errorf("%s: %q", c.args, complaints)
		}
		if c.args == "--netns all" && (strings.Count(out, `"netns":"red"`) != 9 || strings.Count(out, `"netns":"blue"`) != 3) {
			t.Errorf("rows do not name their namespaces:\n%s", out)
		}
	}
}

// TestMoments holds what --moments lists, and that it tells damage.
func TestMoments(t *testing.T) {
	first := time.Date(2026, 11, 20, 3, 0, 30, 500, time.Local)
	file := recorded(t, first, first.Add(time.Hour))
	out, complaints, err := execute(t, "--moments", "--recording", file)
	if err != nil || complaints != "" {
		t.Fatal(err, complaints)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var want []string
	for i, at := range []time.Time{first, first.Add(time.Hour)} {
		for _, stack := range []string{"red 9 socket", fmt.Sprint("blue ", i+1, " socket"), "grey could not be opened"} {
			want = append(want, at.Format(time.RFC3339)+" "+recording.ThisHost().Name+" "+stack)
		}
	}
	if len(lines) != 1+len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	for i, line := range lines[1:] {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("line %d is %q, want %q", i+1, got, want[i])
		}
	}
	// A moment that is cut off is said, and those before it are listed.
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.rec")
	if err := os.WriteFile(cut, whole[:len(whole)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	out, complaints, err = execute(t, "--moments", "--recording", cut)
	if !errors.Is(err, show.ErrIncomplete) || !strings.Contains(complaints, "cut short") || !strings.Contains(strings.Join(strings.Fields(out), " "), want[0]) {
		t.Errorf("%v, %q\n%s", err, complaints, out)
	}
	for args, why := range map[string]string{
		"--moments":                                 "--moments makes sense with --recording",
		"--moments --recording " + file + " -t":     "--tcp makes no sense with --moments, which lists all of them",
		"--moments --recording " + file + " --json": "--json makes no sense with --moments",
		"--moments --recording /nowhere/x.rec":      "/nowhere/x.rec",
	} {
		if _, _, err := execute(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// What a recording does not hold is said, and is nothing of this host's.
func TestRecordingLacks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.rec")
	if _, complaints, err := execute(t, "--record", file, "--kinds", "route,interface"); err != nil {
		t.Fatal(err, complaints)
	}
	for _, mode := range []string{"-ta", "-s", "-m", "-g", "-Q", "--rules"} {
		out, complaints, err := execute(t, "--json", mode, "--recording", file)
		if !errors.Is(err, show.ErrIncomplete) || out != "" || !strings.Contains(complaints, netstat.ErrNotSupported.Error()) {
			t.Errorf("%s: %v %q %q", mode, err, complaints, out)
		}
	}
	if out, complaints, err := execute(t, "-ia", "--recording", file, "--json"); err != nil || !strings.Contains(out, `"name":"lo"`) {
		t.Errorf("%v %q %q", err, complaints, out)
	}
}

func TestFlagsOfRecordings(t *testing.T) {
	for args, want := range map[string]string{
		"--record a --recording b":        "--recording makes no sense with --record",
		"--record a -t":                   "--tcp makes no sense",
		"--record a --kinds route,sokcet": `--kinds: kind "sokcet" is none of`,
		"--kinds route":                   "--record only",
		"--at 03:00":                      "--recording only",
		"--recording a --at yesterday":    `"yesterday" is not a time`,
		"--recording a --interval 1":      "what is recorded does not change",
		"--recording a -c":                "what is recorded does not change",
		"--recording /nowhere/a":          "/nowhere/a",
		"--record /nowhere/a":             "/nowhere/a",
		"--record /dev/null/a":            "/dev/null/a",
	} {
		if _, _, err := execute(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
