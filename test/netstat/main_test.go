// Package netstat_test runs the built netstat in network namespaces whose
// sockets, routes and interfaces are known, beside net-tools' netstat, ss and ip.
//
// Every test needs root, iproute2 and net-tools.
package netstat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// patience is how long a test waits for what should happen at once: the machine
// may be busy with other tests.
const patience = nstest.Patience

// netTools is net-tools' netstat.
const netTools = "/usr/bin/netstat"

// program is the built netstat.
var program string

func TestMain(m *testing.M) {
	// What runs in parallel waits for hosts that do not answer most of the time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(nstest.Main(m, "netstat", &program))
}

// result is what a run of the program gave.
type result struct {
	out, complaints string
	status          int
}

// try runs the program in a namespace and returns what it printed.
func try(t testing.TB, n *nstest.NS, args ...string) (r result) {
	t.Helper()
	nstest.NeedsProgram(t, "ip")
	return run(t, append([]string{"ip", "netns", "exec", n.Name, program}, args...))
}

// run runs a command line.
func run(t testing.TB, line []string) (r result) {
	t.Helper()
	cmd := exec.Command(line[0], line[1:]...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), complaints.String(), cmd.ProcessState.ExitCode()}
}

// show runs the program in a namespace. Its failure is the test's.
func show(t testing.TB, n *nstest.NS, args ...string) string {
	t.Helper()
	r := try(t, n, args...)
	if r.status != 0 {
		t.Fatalf("netstat %s: status %d\n%s", strings.Join(args, " "), r.status, r.complaints)
	}
	return r.out
}

// object is a row of --json.
type object map[string]any

// objects runs the program with --json and returns its rows.
func objects(t testing.TB, n *nstest.NS, args ...string) (rows []object) {
	t.Helper()
	return decode(t, show(t, n, append([]string{"--json"}, args...)...))
}

func decode(t testing.TB, out string) (rows []object) {
	t.Helper()
	for line := range strings.Lines(out) {
		var o object
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		rows = append(rows, o)
	}
	return rows
}

// text returns a member as text, empty where it is absent.
func (o object) text(member string) string {
	switch v := o[member].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// lines returns the lines of a text without blanks at their ends.
func lines(text string) (found []string) {
	for line := range strings.Lines(text) {
		found = append(found, strings.TrimRight(line, " \n"))
	}
	return found
}

// eventually calls check until it finds nothing to complain of.
func eventually(t testing.TB, check func() (complaint string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		complaint := check()
		if complaint == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Error(complaint)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// scene is a namespace with two links, IPv6 addresses that are settled, routes of
// every kind and sockets in several states.
func scene(t testing.TB) *nstest.NS {
	t.Helper()
	nstest.NeedsProgram(t, netTools)
	nstest.NeedsProgram(t, "ss")
	n := nstest.New(t)
	n.IP(t,
		"link add a0 type veth peer name b0",
		"link set a0 up", "link set b0 up",
		"addr add 192.0.2.1/24 dev a0",
		"-6 addr add 2001:db8:1111:2222:3333:4444:5555:6666/64 dev a0 nodad",
		"route add default via 192.0.2.254",
		"route add 10.0.0.0/8 via 192.0.2.2",
		"route add 10.1.0.0/16 via 192.0.2.2 metric 5 mtu 1400",
		"route add 10.99.0.1 via 192.0.2.2 advmss 1200 window 3000 rtt 100ms",
		"route add 10.98.0.0/16 dev a0",
	)
	n.Settle(t)
	return n
}

// sockets opens sockets of every common kind in several states.
func sockets(t testing.TB, n *nstest.NS) {
	t.Helper()
	l := n.Listen(t, "tcp4", "127.0.0.1:8080")
	c := n.Dial(t, "tcp4", "127.0.0.1:8080")
	accepted := accept(t, l)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	_ = accepted
	n.Dial(t, "tcp4", "127.0.0.1:8080") // nobody accepts it
	dual := n.Listen(t, "tcp", "[::]:9090")
	n.Dial(t, "tcp4", "127.0.0.1:9090")
	accept(t, dual)
	n.Dial(t, "tcp6", "[2001:db8:1111:2222:3333:4444:5555:6666]:9090")
	accept(t, dual)
	n.ListenPacket(t, "udp4", "0.0.0.0:5353")
	n.Dial(t, "udp4", "127.0.0.1:5353")
	n.ListenPacket(t, "udp6", "[::1]:6363")
	// Bytes that wait must have arrived before anybody looks.
	eventually(t, func() string {
		out := n.Run(t, "ss", "-tnH", "state", "established", "sport", "=", ":8080")
		for _, line := range lines(out) {
			if strings.HasPrefix(line, "5 ") {
				return ""
			}
		}
		return "the bytes do not arrive:\n" + out
	})
}

func accept(t testing.TB, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// unixSocket binds a socket of the local family, with a name in the abstract
// namespace unless it begins with a slash, in the namespace.
func unixSocket(t testing.TB, n *nstest.NS, kind int, name string, backlog int) {
	t.Helper()
	fd := n.Socket(t, unix.AF_UNIX, kind, 0)
	if name != "" {
		address := name
		if !strings.HasPrefix(name, "/") {
			address = "@" + name
		}
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: address}); err != nil {
			t.Fatal(err)
		}
	}
	if backlog > 0 {
		if err := unix.Listen(fd, backlog); err != nil {
			t.Fatal(err)
		}
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func number(t testing.TB, o object, member string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(o.text(member), 10, 64)
	if err != nil {
		t.Fatalf("%s of %v: %v", member, o, err)
	}
	return n
}
