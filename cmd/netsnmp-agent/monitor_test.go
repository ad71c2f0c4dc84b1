package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// runMonitor runs the command until the test ends, and returns its lines.
func runMonitor(t *testing.T, args ...string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	cmd := newCommand(nil)
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
		if err := <-done; err != nil && !strings.Contains(err.Error(), "closed pipe") {
			t.Errorf("monitor: %v", err)
		}
	})
	time.AfterFunc(time.Minute, cancel)
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
	expect(`changed netconf ipv4 dev a0 forwarding true .*`)
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
	n.IP(t, "link set a0 down")
	expect(`changed interface a0 index \d+ down \(was up\) disabled mtu 1500 .*`)
	expect(`removed route 10\.0\.0\.0/8 via 192\.0\.2\.2 dev a0 table 254 metric 7 nhid 1`)
	n.IP(t, "link del a0")
	expect(`removed address 192\.0\.2\.1/24 dev a0`)
}

func TestMonitorJSON(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a0 type veth peer name b0", "link set a0 up", "link set b0 up", "addr add 192.0.2.1/24 dev a0")
	lines := runMonitor(t, "--netns", n.Name, "--json", "--initial", "--kinds", "route", "--prefix", "10.0.0.0/8", "--table", "100", "--dev", "a0")
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
	options, _ := l.Value["options"].(map[string]any)
	if l.Change != "added" || l.Kind != "route" || l.Dev != "a0" || l.Value["destination"] != "10.0.0.0/8" || l.Value["gateway"] != "192.0.2.2" ||
		l.Value["type"] != "unicast" || options["mtu"] != 1400.0 || time.Since(l.Time) > time.Minute {
		t.Errorf("%+v", l)
	}
	if l := next(); l.Change != "changed" || l.Value["protocol"] != 186.0 || l.Old["protocol"] != 3.0 {
		t.Errorf("%+v", l)
	}
}

func TestMonitorSaysWhatIsWrong(t *testing.T) {
	n := nstest.New(t)
	for want, args := range map[string][]string{
		"--kinds: kind \"x\" is none of interface": {"--kinds", "x"},
		"--prefix: ":                                        {"--prefix", "10.0.0.0/33"},
		"--dev: there is no interface absent":               {"--netns", n.Name, "--dev", "absent"},
		"no such file or directory":                         {"--netns", "no-such-namespace"},
		"unexpected argument \"x\"":                         {"x"},
		`--table: "x" is not a number from 0 to 4294967295`: {"--table", "x"},
		"--dev: the value is missing: NAME":                 {"--dev"},
		"unknown flag --tabel: did you mean --table?":       {"--tabel", "7"},
	} {
		cmd := newCommand(nil)
		cmd.SetArgs(append([]string{"monitor"}, args...))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("monitor %v: %v, want %s", args, err, want)
		}
	}
}
