package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// trackingRules have a host track what it sends, translate some of it and look into
// what goes to port 21.
const trackingRules = `
table inet t {
	ct helper ftp { type "ftp" protocol tcp; }
	chain nat {
		type nat hook output priority -100;
		ip daddr 127.0.0.9 udp dport 53 dnat ip to 127.0.0.1:5300
	}
	chain helped {
		type filter hook output priority mangle;
		tcp dport 21 ct helper set "ftp"
	}
}
`

// newTracking returns a namespace that tracks and counts what it sends, and translates
// some of it.
func newTracking(t *testing.T) *nstest.NS {
	t.Helper()
	nstest.NeedsProgram(t, "conntrack")
	for _, option := range []string{"CONFIG_NF_CT_NETLINK", "CONFIG_NF_TABLES_INET", "CONFIG_NF_NAT", "CONFIG_NF_CONNTRACK_EVENTS", "CONFIG_NF_CONNTRACK_FTP"} {
		nstest.NeedsKernel(t, option)
	}
	n := nstest.New(t)
	n.IP(t, "link set lo up", "-6 addr add 2001:db8::1/128 dev lo nodad")
	n.Sysctl(t, "net.netfilter.nf_conntrack_acct", "1")
	n.Sysctl(t, "net.netfilter.nf_conntrack_events", "1") // of flows that are there before anybody listens, too
	n.Sysctl(t, "net.netfilter.nf_conntrack_timestamp", "1")
	n.NFT(t, trackingRules)
	return n
}

// netfilterListeners returns how many sockets of the namespace are of netfilter's
// netlink, and how many of these listen to events.
func netfilterListeners(t *testing.T, n *nstest.NS) (sockets, listening int) {
	t.Helper()
	for line := range strings.Lines(n.Run(t, "cat", "/proc/net/netlink")) {
		// Of NETLINK_NETFILTER. Port 0 is the kernel's own.
		if f := strings.Fields(line); len(f) > 3 && f[1] == "12" && f[2] != "0" {
			sockets++
			if f[3] != "00000000" {
				listening++
			}
		}
	}
	return sockets, listening
}

// toldFlow is an event of a flow in few words, as conntrack(8) has it in a line.
var toldFlow = regexp.MustCompile(`\[(NEW|UPDATE|DESTROY)\] .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)(?: packets=(\d+) bytes=(\d+))?.*? src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)(?: packets=(\d+) bytes=(\d+))?.* id=(\d+)`)

// The monitor tells of flows what conntrack -E does.
func TestMonitorFlows(t *testing.T) {
	n := newTracking(t)
	for _, address := range []string{"127.0.0.1:5300", "[2001:db8::1]:53"} {
		n.ListenPacket(t, "udp", address)
	}
	server := n.Listen(t, "tcp", "127.0.0.1:80")
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	defer cancel()
	theirs := exec.CommandContext(ctx, "ip", "netns", "exec", n.Name, "conntrack", "-E", "-o", "id")
	out, err := theirs.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.Start(); err != nil {
		t.Fatal(err)
	}
	lines := runMonitor(t, "--netns", n.Name, "--kinds", "flow", "--json")
	nstest.Eventually(t, func() string {
		if _, listening := netfilterListeners(t, n); listening < 2 {
			return fmt.Sprintf("%d listen", listening)
		}
		return ""
	})

	for _, to := range []string{"127.0.0.9:53", "[2001:db8::1]:53"} {
		c := n.Dial(t, "udp", to)
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	client := n.Dial(t, "tcp", "127.0.0.1:80")
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(accepted, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	client.Close()
	accepted.Close()
	n.Run(t, "conntrack", "-D")
	n.Run(t, "conntrack", strings.Fields("-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 65535 -t 100")...) // the last one

	var want []string
	for told := bufio.NewScanner(out); told.Scan(); {
		f := toldFlow.FindStringSubmatch(told.Text())
		if f == nil {
			t.Fatalf("conntrack says %s", told.Text())
		}
		if f[5] == "65535" {
			break
		}
		counted := func(packets, bytes string) string { return " " + packets + "/" + bytes }
		line := fmt.Sprintf("%s %s:%s>%s:%s %s:%s>%s:%s %s", f[1], f[2], f[4], f[3], f[5], f[8], f[10], f[9], f[11], f[14])
		if f[1] == "DESTROY" {
			line += counted(f[6], f[7]) + counted(f[12], f[13])
		}
		want = append(want, line)
	}
	if err := theirs.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	_ = theirs.Wait()

	var got []string
	for lines.Scan() {
		var l struct {
			Change, Kind string
			Value        netstat.Flow
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil || l.Kind != "flow" {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		f := &l.Value
		if f.Original.DestinationPort == 65535 {
			break
		}
		ends := func(u *netstat.FlowTuple) string {
			return fmt.Sprintf("%s:%d>%s:%d", u.Source, u.SourcePort, u.Destination, u.DestinationPort)
		}
		line := fmt.Sprintf("%s %s %s %v", map[string]string{"added": "NEW", "changed": "UPDATE", "removed": "DESTROY"}[l.Change], ends(&f.Original), ends(&f.Reply), f.ID)
		if l.Change == "removed" {
			original, reply := f.OriginalCounters.Or(netstat.FlowCounters{}), f.ReplyCounters.Or(netstat.FlowCounters{})
			line += fmt.Sprintf(" %d/%d %d/%d", original.Packets, original.Bytes, reply.Packets, reply.Bytes)
			if f.Stop.IsZero() || f.Stop.Before(f.Start) {
				t.Errorf("a flow that began at %v ended at %v", f.Start, f.Stop)
			}
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) || len(want) < 8 || !strings.Contains(strings.Join(want, "\n"), "127.0.0.1:5300>") {
		t.Errorf("the events are\n%s\nand conntrack's\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// In words an event has the ends of its flow, and at the end what it carried; with a
// prefix only flows from there or to there are told.
func TestMonitorFlowsInWords(t *testing.T) {
	n := newTracking(t)
	n.IP(t, "addr add 192.0.2.9/32 dev lo")
	conntrack := func(args string) { n.Run(t, "conntrack", strings.Fields(args)...) }
	conntrack("-I -s 192.0.2.7 -d 198.51.100.1 -p tcp --sport 7 --dport 80 --state ESTABLISHED -u ASSURED,SEEN_REPLY -t 100 -m 5")
	lines := runMonitor(t, "--netns", n.Name, "--kinds", "flow,expectation,address", "--initial", "--prefix", "192.0.2.0/24")
	var seen []string
	expect := func(pattern string) {
		t.Helper()
		for lines.Scan() {
			seen = append(seen, lines.Text())
			if regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} ` + pattern + `$`).MatchString(lines.Text()) {
				return
			}
		}
		t.Fatalf("no line is %s of\n%s", pattern, strings.Join(seen, "\n"))
	}
	expect(`present flow tcp 192\.0\.2\.7:7 > 198\.51\.100\.1:80 ESTABLISHED ASSURED timeout \d+ packets 0 bytes 0 reply-packets 0 reply-bytes 0 mark=5 id \d+`)
	expect(`synced`)
	conntrack("-I -s 203.0.113.1 -d 198.51.100.1 -p udp --sport 7 --dport 8 -t 100")
	conntrack("-I -s 192.0.2.8 -d 198.51.100.1 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 5 -t 100")
	expect(`added flow icmp 192\.0\.2\.8 > 198\.51\.100\.1 type 8 code 0 icmp-id 5 .*timeout \d+ .*id \d+`)
	conntrack("-U -s 192.0.2.7 -p tcp --mark 6")
	expect(`changed flow tcp 192\.0\.2\.7:7 > 198\.51\.100\.1:80 .*mark=6 id \d+`)
	conntrack("-D -s 192.0.2.7")
	expect(`removed flow tcp 192\.0\.2\.7:7 > 198\.51\.100\.1:80 .*packets 0 bytes 0 reply-packets 0 reply-bytes 0 lasted \S+ mark=6 id \d+`)
	n.Listen(t, "tcp", "192.0.2.9:21")
	client := n.Dial(t, "tcp", "192.0.2.9:21")
	for _, line := range []string{"USER me\r\n", "PORT 192,0,2,9,7,209\r\n"} { // its port 2001, told in a line that follows another
		if _, err := io.WriteString(client, line); err != nil {
			t.Fatal(err)
		}
	}
	expect(`added expectation tcp 192\.0\.2\.9:\d+ > 192\.0\.2\.9:2001 master tcp 192\.0\.2\.9:\d+ > 192\.0\.2\.9:21 timeout \d+ helper ftp .*`)
	conntrack("-F expect")
	expect(`removed expectation tcp 192\.0\.2\.9:\d+ > 192\.0\.2\.9:2001 .*`)
	if all := strings.Join(seen, "\n"); strings.Contains(all, "203.0.113.1") || strings.Contains(all, "127.0.0.1") {
		t.Errorf("told of others:\n%s", all)
	}
}

// Events that were lost are a gap, and those after it are told.
func TestMonitorFlowsGap(t *testing.T) {
	n := newTracking(t)
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	listener, err := kernel.ListenFlows(collectors.AllFlowEvents, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	out, in := io.Pipe()
	defer out.Close()
	follower := flowFollower{FlowListener: listener, kernel: kernel, kinds: netstat.KindFlow, to: &printer{w: bufio.NewWriter(in), asJSON: true}}
	for port := range 100 { // which nobody receives
		n.Run(t, "conntrack", strings.Fields(fmt.Sprintf("-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport %d -t 100", port+1))...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
	ended := make(chan error, 1)
	go func() {
		ended <- follower.follow(ctx)
		in.Close()
	}()
	gap := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch text := lines.Text(); {
		case strings.Contains(text, `"change":"gap","kind":"flow"`):
			gap = true
			n.Run(t, "conntrack", strings.Fields("-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 65535 -t 100")...)
		case strings.Contains(text, `65535`):
			cancel()
		}
	}
	if err := <-ended; err != nil || !gap {
		t.Errorf("gap %v, %v", gap, err)
	}
	cancel()
}

// Nobody who does not ask for flows has a socket of netfilter's: listening would cost
// the kernel work for each connection.
func TestNobodyElseListensToFlows(t *testing.T) {
	n := newTracking(t)
	stack, err := live.Open(t.Context(), live.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	lines := runMonitor(t, "--netns", n.Name, "--initial")
	for lines.Scan() && !strings.Contains(lines.Text(), "synced") {
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	agent := newCommand(process{})
	agent.SetArgs([]string{"--netns", n.Name, "--listen", "udp:127.0.0.1:0"})
	agent.SetOut(in)
	agent.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() {
		ended <- agent.ExecuteContext(ctx)
		in.Close()
	}()
	if !bufio.NewScanner(out).Scan() {
		t.Error("the agent does not start")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if sockets, _ := netfilterListeners(t, n); sockets != 0 {
		t.Errorf("%d sockets of netfilter", sockets)
	}
	runMonitor(t, "--netns", n.Name, "--kinds", "expectation")
	nstest.Eventually(t, func() string {
		if _, listening := netfilterListeners(t, n); listening != 1 {
			return fmt.Sprintf("%d listen, and one asked for it", listening)
		}
		return ""
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Without the privilege flows are refused in a sentence that names it, and the rest is
// told.
func TestMonitorFlowsUnprivileged(t *testing.T) {
	nstest.NeedsProgram(t, "setpriv")
	n := newTracking(t)
	monitor := func(kinds string) (cmd *exec.Cmd, out io.Reader, complaints *bytes.Buffer) {
		ctx, cancel := context.WithTimeout(t.Context(), nstest.Patience)
		t.Cleanup(cancel)
		cmd = exec.CommandContext(ctx, "ip", "netns", "exec", n.Name, "setpriv", "--inh-caps=-all", "--bounding-set=-all", os.Args[0], "monitor", "--initial", "--kinds", kinds)
		complaints = new(bytes.Buffer)
		cmd.Env, cmd.Stderr = append(os.Environ(), part+"=agent"), complaints
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		return cmd, out, complaints
	}
	cmd, out, complaints := monitor("route,flow")
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "synced"); {
	}
	n.IP(t, "route add unreachable 203.0.113.0/24")
	if lines := bufio.NewScanner(out); !lines.Scan() || !strings.Contains(lines.Text(), "added route unreachable 203.0.113.0/24") {
		t.Errorf("the route is told as %q", lines.Text())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(complaints.String(), "CAP_NET_ADMIN") {
		t.Errorf("%v, %s", err, complaints)
	}
	if cmd, _, complaints := monitor("flow"); cmd.Wait() == nil || !strings.Contains(complaints.String(), "CAP_NET_ADMIN") {
		t.Errorf("flows alone: %v, %s", cmd.ProcessState, complaints)
	}
}
