package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// runMonitor runs the command until the test ends, and returns its lines.
func runMonitor(t *testing.T, args ...string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	cmd := newCommand(process{})
	cmd.SetArgs(append([]string{"monitor"}, args...))
	cmd.SetOut(in)
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		in.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		_ = out.Close()
		// A short test's end may interrupt it while it opens the stack.
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "closed pipe") {
			t.Errorf("monitor: %v", err)
		}
	})
	time.AfterFunc(nstest.Patience, cancel)
	return bufio.NewScanner(out)
}

func TestMonitor(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 192.0.2.1/24 dev a0")
	kinds := []string{"address", "route", "rule", "nexthop", "neighbour", "netconf", "interface"}
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	if groups, err := kernel.Followable(t.Context(), netstat.KindMulticast); err != nil {
		t.Fatal(err)
	} else if groups != 0 { // Linux 6.15
		kinds = append(kinds, "multicast")
	}
	lines := runMonitor(t, "--netns", n.Name, "--initial", "--kinds", strings.Join(kinds, ","))
	expect := func(pattern string) {
		t.Helper()
		for lines.Scan() {
			if regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} ` + pattern + `$`).MatchString(lines.Text()) {
				return
			}
		}
		t.Fatalf("no line is %s", pattern)
	}
	expect(`present interface a0 index \d+ up mtu 1500 kind veth address [0-9a-f:]{17}`)
	expect(`present address 192\.0\.2\.1/24 dev a0`)
	expect(`synced`)
	n.IP(t, "nexthop add id 1 via 192.0.2.2 dev a0", "nexthop add id 2 group 1,3", "route add 10.0.0.0/8 nhid 1 metric 7",
		"rule add from 10.0.0.0/8 table 100 priority 9", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent")
	expect(`added nexthop id 1 via 192\.0\.2\.2 dev a0`)
	expect(`added nexthop id 2 group 1,3`)
	expect(`added route 10\.0\.0\.0/8 via 192\.0\.2\.2 dev a0 table 254 metric 7 nhid 1`)
	expect(`added rule ipv4 priority 9 from 10\.0\.0\.0/8 table 100`)
	expect(`added neighbour 192\.0\.2\.9 lladdr 02:00:00:00:00:09 dev a0 permanent`)
	n.Sysctl(t, "net.ipv4.conf.a0.forwarding", "1")
	expect(`changed netconf ipv4 dev a0 forwarding true .* \(changed: forwarding\)`)
	if slices.Contains(kinds, "multicast") {
		fd := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err := unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}, Interface: [4]byte{192, 0, 2, 1}}); err != nil {
			t.Fatal(err)
		}
		expect(`added multicast 239\.1\.2\.3 dev a0`)
	}
	n.IP(t, "link set a0 mtu 1400 alias x")
	expect(`changed interface a0 index \d+ up mtu 1400 \(was 1500\) .*`)
	n.IP(t, "link set a0 mtu 1500 alias y")
	expect(`changed interface a0 .* alias "y" \(was "x"\)`)
	n.IP(t, "link set a0 txqueuelen 77")
	expect(`changed interface a0 .* address [0-9a-f:]{17} alias "y" \(changed: transmitQueueLength\)`)
	n.IP(t, "link set a0 down")
	expect(`changed interface a0 index \d+ down \(was up\) disabled mtu 1500 .*`)
	expect(`removed route 10\.0\.0\.0/8 via 192\.0\.2\.2 dev a0 table 254 metric 7 nhid 1`)
	n.IP(t, "link del a0")
	expect(`removed address 192\.0\.2\.1/24 dev a0`)
}

// The settings and groups of a new interface, which come before it does, have its
// name.
func TestMonitorNamesNewInterfaces(t *testing.T) {
	n := nstest.New(t)
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	kinds := netstat.KindNetconf | netstat.KindMulticast
	if kinds, err = kernel.Followable(t.Context(), kinds); err != nil {
		t.Fatal(err)
	}
	lines := runMonitor(t, "--netns", n.Name, "--initial", "--json", "--kinds", "interface,"+kinds.String())
	type line struct {
		Change, Kind, Dev string
	}
	named := make(map[string][]string)
	began := false
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		if l.Change == "synced" {
			n.IP(t, "link add new0 type veth peer name new1")
			began = true
		}
		if !began || l.Change != "added" {
			continue
		}
		named[l.Kind] = append(named[l.Kind], l.Dev)
		if l.Dev != "new0" && l.Dev != "new1" {
			t.Errorf("%s", lines.Text())
		}
		if len(named["interface"]) == 2 {
			break
		}
	}
	if len(named["interface"]) != 2 || len(named) < 2 {
		t.Errorf("the events are %v", named)
	}
}

// An interface that is gone before its events are printed has the name that they
// tell, or else its index, and the kernel is asked once.
func TestMonitorNamesGoneInterfaces(t *testing.T) {
	stack, err := live.Open(t.Context(), live.Options{NetNS: nstest.New(t).Name, Kinds: netstat.KindInterface})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	asked := 0
	var out bytes.Buffer
	p := printer{w: bufio.NewWriter(&out), stack: stack, names: make(map[uint32]string), ask: func() iter.Seq2[netstat.Interface, error] {
		asked++
		return func(yield func(netstat.Interface, error) bool) {
			yield(netstat.Interface{Index: 91, Name: "there"}, nil)
		}
	}}
	group := netip.MustParseAddr("239.1.2.3")
	for _, e := range []live.Event{
		{Kind: netstat.KindMulticast, Value: netstat.MulticastGroup{Interface: 90, Group: group}},
		{Kind: netstat.KindMulticast, Value: netstat.MulticastGroup{Interface: 91, Group: group}},
		{Kind: netstat.KindMulticast, Value: netstat.MulticastGroup{Interface: 90, Group: group}},
		{Kind: netstat.KindInterface, Change: live.Removed, Value: netstat.Interface{Index: 90, Name: "gone"}},
		{Kind: netstat.KindMulticast, Change: live.Removed, Value: netstat.MulticastGroup{Interface: 90, Group: group}},
	} {
		if err := errors.Join(p.print(&e), p.flush()); err != nil {
			t.Fatal(err)
		}
	}
	var devices []string
	for _, m := range regexp.MustCompile(`dev (\S+)`).FindAllStringSubmatch(out.String(), -1) {
		devices = append(devices, m[1])
	}
	if want := []string{"if90", "there", "if90", "gone"}; !slices.Equal(devices, want) || asked != 1 {
		t.Errorf("%v, want %v, with %d questions", devices, want, asked)
	}
}

// TestMonitorEscapesNames holds that a name does nothing to a terminal, wherever it
// is printed, and ends no line: with --netns others choose it.
func TestMonitorEscapesNames(t *testing.T) {
	stack, err := live.Open(t.Context(), live.Options{NetNS: nstest.New(t).Name, Kinds: netstat.KindInterface})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	const name, escaped = "e\x1b]0;own\a\n\u202e", `e\x1b]0;own\x07\x0a\u202e`
	var out bytes.Buffer
	p := printer{w: bufio.NewWriter(&out), stack: stack, names: map[uint32]string{90: name}}
	address := netip.MustParseAddr("fe80::1%" + name)
	events := []live.Event{
		{Kind: netstat.KindInterface, Value: netstat.Interface{Index: 90, Name: name, Kind: name, Master: 90, Alias: name}},
		{Kind: netstat.KindInterface, Value: netstat.Interface{Index: 90, Name: "new"}, Old: netstat.Interface{Index: 90, Name: name, Alias: name}},
		{Kind: netstat.KindInterface, Value: netstat.Interface{Index: 90, Name: name}},
		{Kind: netstat.KindAddress, Value: netstat.Address{Interface: 90}},
		{Kind: netstat.KindRoute, Value: netstat.Route{Interface: 90, Gateway: address, PreferredSource: address}},
		{Kind: netstat.KindNeighbour, Value: netstat.Neighbour{Interface: 90, Master: 90}},
		{Kind: netstat.KindRule, Value: netstat.Rule{InputInterface: name, OutputInterface: name}},
		{Kind: netstat.KindNextHop, Value: netstat.NextHop{Interface: 90, Gateway: address}},
		{Kind: netstat.KindNetconf, Value: netstat.Netconf{Interface: 90}},
		{Kind: netstat.KindMulticast, Value: netstat.MulticastGroup{Interface: 90}},
	}
	for i := range events {
		out.Reset()
		if err := errors.Join(p.print(&events[i]), p.flush()); err != nil {
			t.Fatal(err)
		}
		line := out.String()
		if !strings.Contains(line, escaped) || strings.Count(line, "\n") != 1 || strings.ContainsAny(line, "\x1b\a\u202e") {
			t.Errorf("event %d: %q", i, line)
		}
	}
}

func TestMonitorJSON(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 192.0.2.1/24 dev a0", "link property add dev a0 altname alternative")
	lines := runMonitor(t, "--netns", n.Name, "--json", "--initial", "--kinds", "route", "--prefix", "10.0.0.0/8", "--table", "100", "--dev", "alternative")
	type line struct {
		Time              time.Time
		Change, Kind, Dev string
		Value, Old        map[string]any
	}
	next := func() (l line) {
		t.Helper()
		if !lines.Scan() {
			t.Fatal("no line")
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		return l
	}
	if l := next(); l.Change != "synced" {
		t.Errorf("%+v", l)
	}
	n.IP(t, "route add 192.168.0.0/16 via 192.0.2.2 table 100", "route add 10.0.0.0/8 via 192.0.2.2", "route add 10.0.0.0/8 via 192.0.2.2 table 100 mtu 1400",
		"route replace 10.0.0.0/8 via 192.0.2.2 table 100 proto bgp")
	l := next()
	if l.Change != "added" || l.Kind != "route" || l.Dev != "a0" || l.Value["destination"] != "10.0.0.0/8" || l.Value["gateway"] != "192.0.2.2" ||
		l.Value["type"] != "unicast" || l.Value["mtu"] != 1400.0 || time.Since(l.Time) > time.Minute {
		t.Errorf("%+v", l)
	}
	if l := next(); l.Change != "changed" || l.Value["protocol"] != "bgp" || l.Old["protocol"] != "boot" {
		t.Errorf("%+v", l)
	}
}

// What has no table and no prefix is not printed where one is chosen.
func TestMonitorOnly(t *testing.T) {
	for flag, c := range map[string]struct{ value, changes string }{
		"--table":  {"100", "rule route"},
		"--prefix": {"10.0.0.0/8", "address route"},
	} {
		n := nstest.New(t)
		n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up")
		lines := runMonitor(t, "--netns", n.Name, "--json", "--initial", flag, c.value)
		for lines.Scan() && !strings.Contains(lines.Text(), "synced") {
		}
		n.IP(t, "link set a0 mtu 1400", "link add q0 type bridge", "rule add from 10.0.0.0/8 table 100", "addr add 10.0.0.1/24 dev a0", "route add 10.9.0.0/16 dev a0 table 100")
		var kinds []string
		for lines.Scan() {
			var l struct {
				Kind  string
				Value map[string]any
			}
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Fatalf("%v in %s", err, lines.Text())
			}
			if l.Kind == "" {
				continue
			}
			if !strings.Contains(c.changes, l.Kind) {
				t.Errorf("%s: %s", flag, lines.Text())
			}
			if kinds = append(kinds, l.Kind); l.Value["destination"] == "10.9.0.0/16" {
				break
			}
		}
		for kind := range strings.FieldsSeq(c.changes) {
			if !slices.Contains(kinds, kind) {
				t.Errorf("%s: no %s among %v", flag, kind, kinds)
			}
		}
	}
}

func TestMonitorSaysWhatIsWrong(t *testing.T) {
	n := nstest.New(t)
	for want, args := range map[string][]string{
		"--kinds: kind \"x\" is none of interface": {"--kinds", "x"},
		"--prefix: ": {"--prefix", "10.0.0.0/33"},
		"--table: interface has none to choose by":          {"--table", "7", "--kinds", "interface,rule"},
		"--prefix: rule,netconf has none to choose by":      {"--prefix", "10.0.0.0/8", "--kinds", "rule,route,netconf"},
		"--dev: there is no interface absent":               {"--netns", n.Name, "--dev", "absent"},
		"no such file or directory":                         {"--netns", "no-such-namespace"},
		"unexpected argument \"x\"":                         {"x"},
		`--table: "x" is not a number from 0 to 4294967295`: {"--table", "x"},
		"--dev: the value is missing: NAME":                 {"--dev"},
		"unknown flag --tabel: did you mean --table?":       {"--tabel", "7"},
	} {
		cmd := newCommand(process{})
		cmd.SetArgs(append([]string{"monitor"}, args...))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("monitor %v: %v, want %s", args, err, want)
		}
	}
}
