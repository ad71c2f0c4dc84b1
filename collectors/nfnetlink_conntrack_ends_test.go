package collectors

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The ends of flows are those that conntrack -E -e DESTROY tells of, and nothing else that happens
// to flows.
func TestFlowEnds(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	k, e, ns := scratch(t)
	ends, err := k.ListenFlowEnds()
	if err != nil {
		t.Fatal(err)
	}
	defer ends.Close()
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", ns.Name, "conntrack", "-E", "-e", "DESTROY", "-o", "id")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// What each tells, as "source ID".
	peer, ours := make(chan string, 1000), make(chan string, 1000)
	go func() {
		line := regexp.MustCompile(`src=(\S+) .* id=(\d+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := line.FindStringSubmatch(lines.Text()); m != nil {
				peer <- m[1] + " " + m[2]
			}
		}
		close(peer)
	}()
	closed := make(chan error, 1)
	go func() {
		for {
			if err := ends.Receive(func(f *netstat.Flow) error {
				ours <- f.Original.Source.String() + " " + f.ID.String()
				return nil
			}); err != nil {
				closed <- err
				close(ours)
				return
			}
		}
	}()
	end := func(n int) {
		t.Helper()
		ns.Run(t, "conntrack", "-D", "-s", tcpFlow(n).Original.Source.String())
	}
	// conntrack may not listen yet: flows end until it tells of one.
	var first string
	tried := make(map[string]bool) // by source; some of them ended before conntrack listened
	nstest.Eventually(t, func() string {
		select {
		case first = <-peer:
			return ""
		default:
			n := 2000 + len(tried)
			tried[tcpFlow(n).Original.Source.String()] = true
			mustCreate(t, e, tcpFlow(n))
			end(n)
			return "conntrack tells of nothing"
		}
	})
	const many, last = 10, 1000
	for n := range many {
		mustCreate(t, e, tcpFlow(100+n))
	}
	for n := range 3 { // which is no end
		ns.Run(t, "conntrack", "-U", "-s", tcpFlow(100+n).Original.Source.String(), "-m", "7")
	}
	for n := range many / 2 {
		end(100 + n)
	}
	mustCreate(t, e, tcpFlow(last))
	if _, err := e.Flush(context.Background(), netstat.FlowQuery{}); err != nil { // which ends the rest
		t.Fatal(err)
	}
	mustCreate(t, e, tcpFlow(last+1))
	end(last + 1)
	// Up to the last one both tell of the same.
	upTo := tcpFlow(last+1).Original.Source.String() + " "
	collect := func(from <-chan string) map[string]int {
		found := make(map[string]int)
		for text := range from {
			found[text]++
			if strings.HasPrefix(text, upTo) {
				break
			}
		}
		return found
	}
	theirs, found := collect(peer), collect(ours)
	for text, n := range theirs {
		if found[text] != n {
			t.Errorf("%q is told of %d times, and by conntrack %d times", text, found[text], n)
		}
	}
	for text := range found {
		if source, _, _ := strings.Cut(text, " "); theirs[text] == 0 && text != first && !tried[source] {
			t.Errorf("%q is told of, and not by conntrack", text)
		}
	}
	if len(theirs) < many+2 {
		t.Errorf("conntrack tells of %d ends, not of %d", len(theirs), many+2)
	}
	ends.Close()
	if err := <-closed; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
