package nettop_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// documentedViews are all views with the kinds of their rows, as docs/nettop-json.md tells them: first what
// the rows are, then what stands above.
func documentedViews(t *testing.T) (views map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/nettop-json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "| view | kind |\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	views = make(map[string][]string)
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		views[m[1]] = strings.Split(strings.ReplaceAll(m[2], "`", ""), ", ")
	}
	if len(views) < 10 {
		t.Fatalf("the page tells of the views %v", views)
	}
	return views
}

// cell runs a view of a source until it has a row of a kind, which is to come without end, or refuses.
func cell(ctx context.Context, kind string, command ...string) (refused string, err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "SNMP_COMMUNITY=public")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct{ Kind string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return "", fmt.Errorf("%w: %s", err, lines.Text())
		}
		if row.Kind == kind {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return "", nil
		}
	}
	if err := cmd.Wait(); err != nil && complaints.Len() > 0 && ctx.Err() == nil {
		return complaints.String(), nil
	}
	return "", fmt.Errorf("no row, and no refusal: %q", complaints.String())
}

// Every view of every source shows rows or is refused with a sentence: what is refused is what another
// host, a recording or several namespaces cannot tell.
func TestEveryViewOfEverySource(t *testing.T) {
	views := documentedViews(t)
	ns, around := tracking(t), pair(t)
	serve(t, ns.Listen(t, "tcp", "127.0.0.1:4741"))
	ns.Listen(t, "tcp", "127.0.0.1:4742")
	client := ns.Dial(t, "tcp", "127.0.0.1:4741")
	agent(t, ns, "1161")
	agent(t, ns, "1162")
	pid, _ := resident(t, ns)
	around.IP(t, "netns set "+ns.Name+" 42")
	dir := t.TempDir()
	hosts, recording := filepath.Join(dir, "hosts"), filepath.Join(dir, "recording")
	if err := os.WriteFile(hosts, []byte("127.0.0.1:1161\n127.0.0.1:1162\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	// Something moves all the while.
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	moving := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-moving
	})
	go func() {
		defer close(moving)
		move(ctx, client, ns)
	}()

	netstat := nstest.Program(t, "netstat")
	for range 2 {
		if out, err := exec.Command(netstat, "--record", recording, "--netns", ns.Name).CombinedOutput(); err != nil {
			t.Fatalf("netstat --record: %v\n%s", err, out)
		}
	}
	inside := func(ns *nstest.NS, args ...string) []string {
		return append([]string{"ip", "netns", "exec", ns.Name, program}, args...)
	}
	const often = "--interval=0.3"
	noMIB := []string{"listeners", "tracked", "hosts", "zones", "changes"}
	for _, source := range []struct {
		name    string
		command []string
		refused []string // views
	}{
		{"this namespace", inside(ns, often), nil},
		{"pid:N", []string{program, often, "--netns", "pid:" + pid}, nil},
		{"id:N", inside(around, often, "--netns", "id:42"), nil},
		{"all", []string{program, often, "--netns", "all"}, []string{"changes"}},
		{"--host", inside(ns, often, "--host", "127.0.0.1:1161"), noMIB},
		{"--hosts", inside(ns, often, "--hosts", hosts), noMIB},
		{"--recording", []string{program, "--recording", recording}, []string{"changes"}},
	} {
		var all sync.WaitGroup
		for view, kinds := range views {
			all.Go(func() {
				refused, err := cell(ctx, kinds[0], append(slices.Clone(source.command), view, "--json")...)
				switch {
				case err != nil:
					t.Errorf("%s of %s: %v", view, source.name, err)
				case (refused != "") != slices.Contains(source.refused, view):
					t.Errorf("%s of %s: refused with %q", view, source.name, refused)
				case refused != "" && (!strings.Contains(refused, view+": ") || len(strings.Fields(refused)) < 5):
					t.Errorf("%s of %s: %q is no sentence on the view", view, source.name, refused)
				}
			})
		}
		all.Wait()
	}
}

// move sends something and changes routes until the context ends.
func move(ctx context.Context, c net.Conn, ns *nstest.NS) {
	for i := 0; ctx.Err() == nil; i++ {
		_, _ = c.Write(make([]byte, 100))
		how := []string{"add", "del"}[i%2]
		_ = exec.CommandContext(ctx, "ip", "-n", ns.Name, "route", how, "10.99.0.1/32", "dev", "lo").Run()
		time.Sleep(50 * time.Millisecond)
	}
}
