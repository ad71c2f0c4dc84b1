package nettop_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// following is nettop --json as it runs, reading by reading.
type following struct {
	*testing.T
	lines *bufio.Scanner
	end   func()
}

// follow runs nettop until the test ends.
func follow(t *testing.T, args ...string) *following {
	t.Helper()
	return followed(t, exec.CommandContext(t.Context(), program, append(args, "--json")...))
}

// followed runs a command line of nettop until the test ends.
func followed(t *testing.T, cmd *exec.Cmd) *following {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(end)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &following{t, lines, end}
}

// next returns the next row.
func (f *following) next() (row map[string]any) {
	f.Helper()
	if !f.lines.Scan() {
		f.Fatal("nettop ended: ", f.lines.Err())
	}
	if err := json.Unmarshal(f.lines.Bytes(), &row); err != nil {
		f.Fatal(err)
	}
	return row
}

func number(row map[string]any, field string) int64 {
	n, _ := row[field].(float64)
	return int64(n)
}

// What connections carried is exact, of those that live and of those between two readings.
func TestConnectionsAreCounted(t *testing.T) {
	ns := pair(t)
	l := ns.Listen(t, "tcp", "127.0.0.1:4720")
	serve(t, l)
	lives := ns.Dial(t, "tcp", "127.0.0.1:4720")
	local := int64(lives.LocalAddr().(*net.TCPAddr).Port)
	f := follow(t, "connections", "--netns", ns.Name, "--interval", "0.3", "--filter", "remotePort=4720")
	f.next() // it looks
	const each, short = 100_000, 20
	if _, err := lives.Write(make([]byte, each)); err != nil {
		t.Fatal(err)
	}
	for range short {
		c := ns.Dial(t, "tcp", "127.0.0.1:4720")
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, c) // until the other end is closed, too
		c.Close()
	}
	sent, ended, sum := int64(0), 0, int64(0)
	for sent < each || ended < short {
		row := f.next()
		switch over, _ := row["ended"].(bool); {
		case number(row, "localPort") == local:
			sent = number(row, "sentBytes")
		case over:
			ended++
			sum += number(row, "sentBytes")
		}
	}
	if sent != each || ended != short || sum != short*1000 {
		t.Errorf("one sent %d of %d; %d of %d ended, which sent %d of %d", sent, each, ended, short, sum, short*1000)
	}
}

// Ten thousand short connections are all told of, and what they sent to the octet; or else that
// some are missing is said.
func TestShortConnectionsAreCounted(t *testing.T) {
	ns := pair(t)
	serve(t, ns.Listen(t, "tcp", "127.0.0.1:4723"))
	const short, each = 10_000, 1000
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "connections", "--netns", ns.Name, "--interval", "0.5", "--json", "--filter", "remotePort=4723")
	cmd.Stderr = &complaints
	f := followed(t, cmd)
	ns.Dial(t, "tcp", "127.0.0.1:4723")
	f.next() // it looks
	ns.Do(t, func() error {
		payload := make([]byte, each)
		for range short {
			c, err := net.Dial("tcp", "127.0.0.1:4723")
			if err != nil {
				return err
			}
			_, err = c.Write(payload)
			if err := errors.Join(err, c.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	// The last one tells that all before it have ended.
	last := ns.Dial(t, "tcp", "127.0.0.1:4723")
	port := int64(last.LocalAddr().(*net.TCPAddr).Port)
	last.Close()
	ended, sum, incomplete := 0, int64(0), false
	for over := false; !over || ended < short && !incomplete; {
		row := f.next()
		if is, _ := row["ended"].(bool); !is {
			continue
		}
		if number(row, "localPort") == port && number(row, "sentBytes") == 0 {
			over = true
			incomplete = ended < short
			continue
		}
		ended++
		sum += number(row, "sentBytes")
		if least, _ := row["atLeast"].(bool); least {
			t.Errorf("more went through one than is told: %v", row)
		}
	}
	f.end()
	said := strings.Contains(complaints.String(), "some are missing")
	if said {
		t.Logf("the buffer was full: %d of %d are told of; %s", ended, short, complaints.String())
	}
	if !said && (ended != short || sum != short*each) || ended > short || sum > short*each {
		t.Errorf("%d of %d ended, which sent %d of %d: %s", ended, short, sum, short*each, complaints.String())
	}
}

// Listeners have the queues that ss has.
func TestListenersBesideSS(t *testing.T) {
	ns := pair(t)
	ns.Listen(t, "tcp", "127.0.0.1:4721")
	for range 3 {
		ns.Dial(t, "tcp", "127.0.0.1:4721")
	}
	found := rows(t, "listeners", "--netns", ns.Name, "--once")
	out := strings.Fields(ns.Run(t, "ss", "-Hltn"))
	if len(found) != 1 || len(out) < 4 {
		t.Fatalf("%d listeners, and ss has %q", len(found), out)
	}
	for i, field := range []string{"unaccepted", "maximum"} {
		if want := out[1+i]; strconv.FormatInt(number(found[0], field), 10) != want {
			t.Errorf("%s is %v, not %s", field, found[0][field], want)
		}
	}
	if number(found[0], "unaccepted") != 3 {
		t.Errorf("of three connections %v wait", found[0]["unaccepted"])
	}
}

// Interfaces and counters grow by what ip and nstat count.
func TestGrowthBesideIPAndNstat(t *testing.T) {
	ns := pair(t)
	type link struct {
		Stats struct {
			RX struct{ Bytes, Packets int64 }
		} `json:"stats64"`
	}
	count := func() (link, int64) {
		var links []link
		ns.JSON(t, &links, "-s", "link", "show", "lo")
		var counters map[string]map[string]int64
		if err := json.Unmarshal([]byte(ns.Run(t, "nstat", "-asz", "--json")), &counters); err != nil {
			t.Fatal(err)
		}
		return links[0], counters["kernel"]["IcmpInEchos"]
	}
	before, echos := count()
	interfaces := follow(t, "interfaces", "--netns", ns.Name, "--interval", "0.3", "--filter", "name=lo")
	counters := follow(t, "counters", "--netns", ns.Name, "--interval", "0.3", "--filter", "name=IcmpInEchos")
	interfaces.next()
	// The first reading of counters shows nothing: a ping tells that it is over.
	var bytes, packets, grown int64
	for grown == 0 {
		ns.Run(t, "ping", "-q", "-c", "1", "127.0.0.1")
		if row := counters.next(); number(row, "value") > 0 {
			grown += number(row, "value")
		}
	}
	after, now := count()
	for want := after.Stats.RX.Packets - before.Stats.RX.Packets; packets < want; {
		row := interfaces.next()
		bytes, packets = bytes+number(row, "rx_bytes"), packets+number(row, "rx_packets")
		if number(row, "rx_bytes") > 0 && number(row, "receivedRate") <= 0 {
			t.Errorf("%v bytes in %v seconds are %v a second", row["rx_bytes"], row["seconds"], row["receivedRate"])
		}
	}
	if packets != after.Stats.RX.Packets-before.Stats.RX.Packets || bytes != after.Stats.RX.Bytes-before.Stats.RX.Bytes {
		t.Errorf("%d packets with %d bytes, not %d with %d", packets, bytes, after.Stats.RX.Packets-before.Stats.RX.Packets, after.Stats.RX.Bytes-before.Stats.RX.Bytes)
	}
	if grown > now-echos {
		t.Errorf("%d requests, and nstat has %d", grown, now-echos)
	}
}

// Values with commas between them are read by who reads such, and have the values of JSON.
func TestCSV(t *testing.T) {
	ns := pair(t)
	ns.Listen(t, "tcp", "127.0.0.1:4722")
	out, err := exec.Command(program, "listeners", "--netns", ns.Name, "--once", "--csv").Output()
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("%v, %q", err, out)
	}
	row := rows(t, "listeners", "--netns", ns.Name, "--once")[0]
	for i, name := range records[0] {
		switch want := row[name].(type) {
		case nil:
			if records[1][i] != "" {
				t.Errorf("%s is %q, and JSON has none", name, records[1][i])
			}
		case float64:
			if got, err := strconv.ParseFloat(records[1][i], 64); err != nil || got != want {
				t.Errorf("%s is %q, not %v", name, records[1][i], want)
			}
		case string:
			if records[1][i] != want && name != "time" {
				t.Errorf("%s is %q, not %q", name, records[1][i], want)
			}
		}
	}
}

// resident starts a process in a namespace and returns its PID, and what /proc calls the namespace.
func resident(t *testing.T, ns *nstest.NS) (pid, inode string) {
	t.Helper()
	started, _ := ns.Start(t, "sleep", "infinity")
	pid = strconv.Itoa(started)
	nstest.Eventually(t, func() (otherwise string) {
		inode, _ = os.Readlink("/proc/" + pid + "/ns/net")
		if own, _ := os.Readlink("/proc/self/ns/net"); inode == own {
			return "it is not in the namespace yet"
		}
		return ""
	})
	return pid, inode
}

// What changes is told in words, of the namespace however it is named.
func TestChangesAreTold(t *testing.T) {
	ns := pair(t)
	pid, inode := resident(t, ns)
	for i, netns := range []string{ns.Name, ns.Path(), pid, "pid:" + pid, "/proc/" + pid + "/ns/net", inode} {
		f := follow(t, "changes", "--netns", netns, "--interval", "0.1")
		told := make(chan map[string]any, 1)
		go func() {
			defer close(told)
			for f.lines.Scan() {
				var row map[string]any
				if json.Unmarshal(f.lines.Bytes(), &row) == nil && row["of"] == "route" {
					told <- row
					return
				}
			}
		}()
		// It may not follow yet: routes come until one is told of.
		route := 0
		nstest.Eventually(t, func() string {
			select {
			case row, ok := <-told:
				if what, _ := row["what"].(string); !ok || row["change"] != "added" || !strings.HasPrefix(what, "10."+strconv.Itoa(i)+".") {
					t.Errorf("--netns %s: told %v", netns, row)
				}
				return ""
			default:
			}
			ns.IP(t, fmt.Sprintf("route add 10.%d.%d.%d/32 dev lo", i, route/256, route%256))
			route++
			return "no route that came is told of with --netns " + netns
		})
		f.end()
	}
}

// What makes no sense is refused with a sentence.
func TestRefusals(t *testing.T) {
	for args, want := range map[string]string{
		"nothing":                            `there is no view "nothing"`,
		"c":                                  `there is no view "c"`,
		"listeners interfaces":               "one view is shown first",
		"listeners --once --count 2":         "--count makes no sense with --once",
		"listeners --json --csv":             "--csv makes no sense with --json",
		"--host 127.0.0.1 --netns x":         "--netns makes no sense with --host",
		"--at 03:15":                         "--at makes sense with --recording only",
		"listeners --host 127.0.0.1":         "no MIB has listeners' queues",
		"changes --netns all":                "changes are told of one namespace",
		"changes --recording x":              "changes are told by this kernel only",
		"--interval 0 --json":                "--interval: 0 is not between",
		"--recording x --interval 1":         "what is recorded was read when it was",
		"listeners --sort colour":            `no field "colour"`,
		"listeners --filter colour=1 --once": "colour",
		"--count 0":                          "0 readings are none",
		"listeners":                          "no terminal",
	} {
		out, err := exec.Command(program, strings.Fields(args)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("nettop %s: %v, %q, and not %q", args, err, out, want)
		}
	}
}

// A recording is printed moment by moment, and played on a terminal.
func TestRecording(t *testing.T) {
	ns := pair(t)
	file, netstat := t.TempDir()+"/r.rec", nstest.Program(t, "netstat")
	for range 3 {
		ns.Run(t, "ping", "-q", "-c", "2", "-i", "0.01", "127.0.0.1")
		if out, err := exec.Command(netstat, "--record", file, "--netns", ns.Name).CombinedOutput(); err != nil {
			t.Fatalf("netstat --record: %v\n%s", err, out)
		}
	}
	growth := rows(t, "interfaces", "--recording", file, "--filter", "name=lo")
	if len(growth) != 2 {
		t.Fatalf("%d rows, where three moments have two intervals: %v", len(growth), growth)
	}
	for _, row := range growth {
		if number(row, "rx_packets") != 4 { // two requests and two answers
			t.Errorf("in a moment came %v packets, not 4", row["rx_packets"])
		}
	}
	if last := rows(t, "interfaces", "--recording", file, "--filter", "name=lo", "--once"); len(last) != 1 || number(last[0], "rx_packets") != 4 {
		t.Errorf("the last moment has %v", last)
	}
	s := open(t, 120, 24, "", "interfaces --recording "+file)
	s.wants("3/3 stopped x1")
	s.keys("[")
	s.wants("2/3 stopped")
	s.keys("[")
	s.wants("1/3 stopped")
	s.keys("+", "+", "+", "+", "p")
	s.wants("3/3 stopped x16")
	s.keys("-")
	s.wants("stopped x8")
	// The times of the moments, which are within a second perhaps.
	var times []string
	for _, row := range growth {
		at, _ := row["time"].(string)
		times = append(times, at)
	}
	jump := func(to, want string) {
		t.Helper()
		s.keys("t")
		s.wants("jump to:")
		s.keys("-l", to)
		s.keys("Enter")
		s.wants(want)
	}
	jump(times[0], "2/3 stopped")
	jump(times[1], "3/3 stopped")
	jump("1999-12-31T00:00:00Z", "the recording begins later")
	jump("soon", `"soon" is not a time`)
	s.keys("[")
	s.wants("2/3 stopped")
	s.keys("]")
	s.wants("3/3 stopped")
	s.keys("x")
	s.wants("nothing can be killed")
	s.keys("q")
	s.wants("restored")
}
