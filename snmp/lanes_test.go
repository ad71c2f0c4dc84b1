//go:build !portable

package snmp

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// insideOf names the address at which this test's own program serves in a network
// namespace that it was started in.
const insideOf = "SNMP_TEST_SERVE_AT"

// serveInside serves until standard input ends, and says how many answers were
// dropped once some are.
func serveInside(t *testing.T, at string) {
	s, err := NewServer(Options{Handler: newTestTree(t, 3), Communities: anywhere, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listenAt(s, strings.Split(at, ",")...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			fmt.Println("unsent", s.Statistics()[enginemib.Unsent])
		}
		cancel()
	}()
	fmt.Println("serving")
	if err := s.Serve(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestSlowLink holds that a manager behind a slow link has its own answers dropped
// and nobody else's.
func TestSlowLink(t *testing.T) {
	if at := os.Getenv(insideOf); at != "" {
		serveInside(t, at)
		return
	}
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "tc")
	for _, c := range []struct{ at, to, other string }{
		{"udp:0.0.0.0:1161", "192.0.2.1:1161", "127.0.0.1:1161"},
		{"udp6:[::]:1161", "[2001:db8::1]:1161", "[::1]:1161"},
		{"udp:192.0.2.1:1161", "192.0.2.1:1161", "192.0.2.1:1161"},
	} {
		agent, manager := nstest.New(t), nstest.New(t)
		agent.IP(t, "link set lo up", "link add near type veth peer name far netns "+manager.Name,
			"addr add 192.0.2.1/24 dev near", "-6 addr add 2001:db8::1/64 dev near nodad", "link set near up")
		manager.IP(t, "addr add 192.0.2.2/24 dev far", "-6 addr add 2001:db8::2/64 dev far nodad", "link set far up")
		if out, err := exec.Command("tc", "-n", agent.Name, "qdisc", "replace", "dev", "near", "root", "tbf",
			"rate", "16kbit", "burst", "2000", "limit", "2000000").CombinedOutput(); err != nil {
			nstest.Needs(t, fmt.Sprintf("the kernel has no tbf: %v: %s", err, out))
		}
		cmd := exec.Command("ip", "netns", "exec", agent.Name, os.Args[0], "-test.run=^TestSlowLink$")
		cmd.Env = append(os.Environ(), insideOf+"="+c.at)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "serving" {
			t.Fatalf("%s: it says %q", c.at, lines.Text())
		}
		unsent := func() (n int) {
			fmt.Fprintln(in)
			if !lines.Scan() {
				t.Fatal("it does not go on")
			}
			if _, err := fmt.Sscanf(lines.Text(), "unsent %d", &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		slow, other := manager.Dial(t, "udp", c.to), agent.Dial(t, "udp", c.other)
		request := messageOf(1, "public", pduOf(ber.GetRequest, 1, 0, 0, asked(slices.Repeat([]string{descrName}, 40)...)))
		asks := func() {
			for range 50 {
				if _, err := slow.Write(request); err != nil {
					t.Fatal(err)
				}
			}
		}
		tries := 0
		for ; unsent() == 0; tries++ {
			if tries > 200 {
				t.Fatalf("%s: no answer to the slow manager was dropped", c.at)
			}
			asks()
		}
		for id := range int32(200) {
			if id%10 == 0 {
				asks()
			}
			send(t, other, getOf(id, "public", descrName))
			if err := other.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 1500)
			n, err := other.Read(buf)
			if err != nil {
				t.Fatalf("%s: another manager's answer %d: %v", c.at, id, err)
			}
			if got := readAnswer(t, buf[:n]); got.id != id {
				t.Errorf("%s: got %v, want answer %d", c.at, got, id)
			}
		}
		// Nobody reads lanes: nothing may come to them.
		if waiting := regexp.MustCompile(`(?m)^UNCONN +[1-9].*:1161 `).FindAllString(agent.Run(t, "ss", "-uanH"), -1); len(waiting) > 1 {
			t.Errorf("%s: requests wait in lanes: %q", c.at, waiting)
		}
		if listed := agent.Run(t, "ss", "-uanH"); strings.Count(listed, ":1161") > 4 { // the listener's, two lanes and the test's own
			t.Errorf("%s: sockets\n%s", c.at, listed)
		}
		_ = in.Close()
		for lines.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", c.at, err)
		}
	}
}
