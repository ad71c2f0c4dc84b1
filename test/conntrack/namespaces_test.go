package conntrack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const oneFlow = "-s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 2"

// What is for several namespaces is done in each, and each line says which one it
// is of.
func TestSeveralNamespaces(t *testing.T) {
	program := build(t)
	a, b := nstest.New(t), nstest.New(t)
	both := " --netns " + a.Name + " --netns " + b.Name
	create := func() {
		t.Helper()
		for _, ns := range []*nstest.NS{a, b} {
			if _, complaint, status := run(t, ns, program, "", "-I "+oneFlow+" -t 1000"); status != 0 {
				t.Fatal(complaint)
			}
		}
	}
	// in checks that each namespace has a line with a word.
	in := func(out, word string) {
		t.Helper()
		for _, ns := range []*nstest.NS{a, b} {
			found := 0
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, ns.Name+" ") && strings.Contains(line, word) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%d lines of %s with %q:\n%s", found, ns.Name, word, out)
			}
		}
	}
	follow := exec.Command(program, strings.Fields("-E"+both)...)
	events, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = follow.Process.Kill() }()
	listening(t, a, b)
	create()
	if out, complaint, status := here(program, "-L"+both); status != 0 {
		t.Error(complaint)
	} else {
		in(out, "src=192.0.2.1")
	}
	if out, _, status := here(program, "-C"+both); status != 0 || out != a.Name+" 1\n"+b.Name+" 1\n" {
		t.Errorf("exit status %d: %s", status, out)
	}
	if out, _, status := here(program, "-S"+both); status != 0 || !strings.Contains(out, a.Name+" cpu=0") || !strings.Contains(out, b.Name+" cpu=0") {
		t.Errorf("exit status %d: %s", status, out)
	}
	out, complaint, status := here(program, "-U -m 5 -s 192.0.2.1"+both)
	if status != 0 || !strings.Contains(complaint, "2 flow entries have been updated") {
		t.Errorf("exit status %d: %s", status, complaint)
	}
	in(out, "mark=5")
	out, complaint, status = here(program, "-D -s 192.0.2.1"+both)
	if status != 0 || !strings.Contains(complaint, "2 flow entries have been deleted") {
		t.Errorf("exit status %d: %s", status, complaint)
	}
	in(out, "mark=5")
	create()
	if _, complaint, status := here(program, "-F"+both); status != 0 {
		t.Error(complaint)
	}
	if out, _, _ := here(program, "-C"+both); out != a.Name+" 0\n"+b.Name+" 0\n" {
		t.Errorf("after -F: %s", out)
	}
	// Two were made, changed and deleted, made and flushed.
	seen := map[string]int{}
	lines := bufio.NewScanner(events)
	for range 2 * (4 + 1) {
		if !lines.Scan() {
			t.Fatalf("events end after %v: %v", seen, lines.Err())
		}
		words := strings.Fields(lines.Text())
		seen[words[0]+words[1]]++
	}
	for _, ns := range []*nstest.NS{a, b} {
		for event, want := range map[string]int{"[NEW]": 2, "[UPDATE]": 1, "[DESTROY]": 2} {
			if seen[ns.Name+event] != want {
				t.Errorf("%d events %s of %s, want %d", seen[ns.Name+event], event, ns.Name, want)
			}
		}
	}
}

// listening waits until somebody listens to the flows of each namespace.
func listening(t *testing.T, all ...*nstest.NS) {
	t.Helper()
	group := regexp.MustCompile(`(?m)^[0-9a-f]+ +12 +[0-9]+ +00000007 `) // NETLINK_NETFILTER; new, updated and destroyed
	nstest.Eventually(t, func() string {
		for _, ns := range all {
			if !group.MatchString(ns.Run(t, "cat", "/proc/net/netlink")) {
				return "nobody listens in " + ns.Name
			}
		}
		return ""
	})
}

// Of all namespaces those are followed that come, and those that went are given up: one
// that is watched lives on.
func TestFollowsNewNamespaces(t *testing.T) {
	program := build(t)
	follow := exec.Command(program, "-E", "--netns", "all", "--json", "--filter", "destination = 192.0.2.2 and port = 4711")
	events, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = follow.Process.Kill(); _ = follow.Wait() }()
	lines := bufio.NewScanner(events)
	for range 2 {
		ns := nstest.New(t)
		listening(t, ns)
		if _, complaint, status := run(t, ns, program, "", "-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 4711 -t 1000"); status != 0 {
			t.Fatal(complaint)
		}
		if !lines.Scan() {
			t.Fatalf("events end: %v", lines.Err())
		}
		holdToPage(t, lines.Text())
		var event struct{ Kind, Event, NetNS, Time string }
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || event.Kind != "flowEvent" || event.Event != "new" || event.NetNS != ns.Name || event.Time == "" {
			t.Errorf("%v: %s", err, lines.Text())
		}
	}
	ns := &nstest.NS{Name: fmt.Sprintf("nstest-%d-goes", os.Getpid())}
	do := func(verb string) {
		t.Helper()
		if out, err := exec.Command("ip", "netns", verb, ns.Name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	do("add")
	listening(t, ns)
	file, err := os.Stat(ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	held := func() bool {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", follow.Process.Pid))
		return slices.ContainsFunc(open, func(fd string) bool {
			of, err := os.Stat(fd)
			return err == nil && os.SameFile(file, of)
		})
	}
	if !held() {
		t.Error("a namespace that is followed is not held")
	}
	do("del")
	nstest.Eventually(t, func() string {
		if held() {
			return "the namespace is held"
		}
		return ""
	})
}

// An event names the program that caused it, while that holds its port.
func TestProgramOfEvents(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	for _, args := range []string{"-E", "-E --json"} {
		follow := exec.Command(program, strings.Fields(args)...)
		events, err := follow.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		ns.Do(t, follow.Start)
		defer func() { _ = follow.Process.Kill(); _ = follow.Wait() }()
		listening(t, ns)
		k, err := collectors.Open(collectors.Options{NetNS: ns.Name})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		e, err := k.EditFlows()
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f := netstat.NewFlow{Flow: netstat.Flow{
			Original: netstat.FlowTuple{Protocol: netstat.IPProtocolUDP, Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("192.0.2.2"), SourcePort: 1, DestinationPort: 2},
			Timeout:  netstat.Known(1000 * time.Second),
		}}
		if _, err := e.Put(t.Context(), slices.Values([]netstat.NewFlow{f})); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(events)
		if !lines.Scan() {
			t.Fatalf("events end: %v", lines.Err())
		}
		if line := lines.Text(); !strings.Contains(line, " progname=conntrack.test") && !strings.Contains(line, `"program":"conntrack.test"`) {
			t.Errorf("conntrack %s: %s", args, line)
		}
		if _, complaint, status := run(t, ns, program, "", "-D"); status != 0 {
			t.Fatal(complaint)
		}
		if err := follow.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = follow.Wait()
	}
}

// The processes of flows are those that really hold their sockets.
func TestProcesses(t *testing.T) {
	program := build(t)
	ns := nstest.New(t)
	l, err := net.ResolveTCPAddr("tcp", ns.Listen(t, "tcp", "127.0.0.1:0").Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := ns.Dial(t, "tcp", l.String()).LocalAddr().(*net.TCPAddr)
	flow := fmt.Sprintf("-I -s 127.0.0.1 -d 127.0.0.1 -p tcp --sport %d --dport %d --state ESTABLISHED -t 1000\n"+
		"-I -s 192.0.2.1 -d 192.0.2.2 -p udp --sport 1 --dport 2 -t 1000\n", c.Port, l.Port)
	if _, complaint, status := run(t, ns, program, flow, "-R -"); status != 0 {
		t.Fatal(complaint)
	}
	mine := fmt.Sprintf(" source-process=conntrack.test/%d", os.Getpid())
	out, complaint, status := run(t, ns, program, "", "-L --processes")
	if status != 0 || strings.Count(out, mine) != 1 || strings.Contains(out, "192.0.2.1") && strings.Count(out, "process=") > 2 {
		t.Errorf("exit status %d: %s%s", status, out, complaint)
	}
	// A filter that asks for processes has them looked up.
	for args, want := range map[string]int{
		"-L --json --filter process=conntrack.test": 1, fmt.Sprintf("-L --json --filter pid=%d", os.Getpid()): 1, "-L --json --filter process=nobody": 0,
		"-L --json --sort process": 2, "-L --json": 2,
	} {
		out, complaint, status := run(t, ns, program, "", args)
		if status != 0 || strings.Count(out, "\n") != want {
			t.Errorf("conntrack %s: exit status %d, want %d objects: %s%s", args, status, want, out, complaint)
		}
		if asked := strings.Contains(args, "process") || strings.Contains(args, "pid"); want > 0 && strings.Contains(out, `"sourceProcesses":[{"pid":`) != asked {
			t.Errorf("conntrack %s: %s", args, out)
		}
	}
}

// Without the privilege each command says which one it needs, and those that need
// none go on.
func TestWithoutPrivilege(t *testing.T) {
	program := build(t)
	nstest.NeedsProgram(t, "setpriv")
	ns := nstest.New(t)
	for args, refused := range map[string]bool{
		"-L": true, "-L expect": true, "-L dying": true, "-G " + oneFlow: true, "-D": true, "-U -m 1": true, "-I " + oneFlow + " -t 5": true, "-A " + oneFlow + " -t 5": true,
		"-E": true, "-E expect": true, "-F": true, "-F expect": true, "-C expect": true, "-C": false, "-S": false, "-S expect": false, "-h": false, "-V": false,
	} {
		out, complaint, status := run(t, ns, "setpriv", "", "--reuid=65534 --regid=65534 --clear-groups "+program+" "+args)
		if said := strings.Contains(complaint, "CAP_NET_ADMIN"); said != refused || (status == 1) != refused {
			t.Errorf("conntrack %s: exit status %d: %s%s", args, status, out, complaint)
		}
	}
}
