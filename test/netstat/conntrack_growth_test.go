package netstat_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// followed is a run of the program with --interval, and what it told so far.
type followed struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	read   chan struct{}

	mu   sync.Mutex
	rows []object
}

func follow(t *testing.T, n *nstest.NS, args ...string) *followed {
	t.Helper()
	g := &followed{read: make(chan struct{})}
	g.cmd = exec.Command("ip", append([]string{"netns", "exec", n.Name, program, "--json", "--interval", "0.1"}, args...)...)
	g.cmd.Stderr = &g.stderr
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.cmd.Process.Kill() })
	go func() {
		defer close(g.read)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			rows := decode(t, scanner.Text())
			g.mu.Lock()
			g.rows = append(g.rows, rows...)
			g.mu.Unlock()
		}
	}()
	return g
}

// sum returns what the rows with a value in a member grew by, in the turns and in all of
// them, and in how many they are new.
func (g *followed) sum(t *testing.T, member, value string) (packets, bytes, total, begun uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range g.rows {
		if o.text(member) != value {
			continue
		}
		if o["new"] == true {
			begun++
		}
		if o["total"] == true {
			total += number(t, o, "packets")
			continue
		}
		packets, bytes = packets+number(t, o, "packets"), bytes+number(t, o, "bytes")
	}
	return packets, bytes, total, begun
}

// end interrupts the program and returns what it said.
func (g *followed) end(t *testing.T) string {
	t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-g.read
	if err := g.cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &g.stderr)
	}
	return g.stderr.String()
}

// With --interval, a flow's rows have together what was sent while they were shown, and so
// has what flows with one key have together.
func TestFlowGrowth(t *testing.T) {
	n := tracked(t)
	const length, header = 100, 20 + 8
	send := func(c net.Conn, packets int) {
		t.Helper()
		for range packets {
			if _, err := c.Write(make([]byte, length)); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(port int) net.Conn {
		to := fmt.Sprintf("127.0.0.1:%d", port)
		n.ListenPacket(t, "udp", to)
		return n.Dial(t, "udp", to)
	}
	before, beat := open(6001), open(6000)
	send(before, 7)
	send(beat, 1)
	n.Sysctl(t, "net.netfilter.nf_conntrack_acct", "0")
	uncounted := open(6003)
	send(uncounted, 1)
	n.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
	plain, by := follow(t, n, "--conntrack"), follow(t, n, "--conntrack", "--by", "dport", "--filter", "proto=udp")
	// The first reading is over when something is seen to grow.
	eventually(t, func() string {
		send(beat, 1)
		time.Sleep(10 * time.Millisecond)
		for _, g := range []*followed{plain, by} {
			if packets, _, _, _ := g.sum(t, map[*followed]string{plain: "destinationPort", by: "key"}[g], "6000"); packets == 0 {
				return "nothing grew yet"
			}
		}
		return ""
	})
	send(before, 3)
	send(uncounted, 5)
	later := open(6002)
	send(later, 5)
	flows := map[string]uint64{"6001": 3, "6002": 5}
	eventually(t, func() string {
		for port, want := range flows {
			packets, _, _, _ := plain.sum(t, "destinationPort", port)
			together, _, _, _ := by.sum(t, "key", port)
			if packets < want || together < want {
				return fmt.Sprintf("port %s grew by %d packets, and together by %d", port, packets, together)
			}
		}
		return ""
	})
	complaints, ofTotals := plain.end(t), by.end(t)
	for port, want := range flows {
		packets, octets, _, begun := plain.sum(t, "destinationPort", port)
		if packets != want || octets != want*(length+header) || begun > 1 || (begun == 1) != (port == "6002") {
			t.Errorf("port %s grew by %d packets, %d bytes and was new %d times; want %d packets", port, packets, octets, begun, want)
		}
		packets, octets, total, _ := by.sum(t, "key", port)
		if packets != want || octets != want*(length+header) || total != want {
			t.Errorf("flows to port %s grew by %d packets, %d bytes, and %d packets in all; want %d packets", port, packets, octets, total, want)
		}
	}
	for _, g := range []*followed{plain, by} {
		for _, o := range g.rows {
			if o.text("key") == "6003" || o.text("destinationPort") == "6003" {
				t.Errorf("what a flow without counters grew by is told: %v", o)
			}
		}
	}
	for _, said := range []string{complaints, ofTotals} {
		if strings.Count(said, "accounting was off") != 1 {
			t.Errorf("said of a flow without counters: %q", said)
		}
	}
}
