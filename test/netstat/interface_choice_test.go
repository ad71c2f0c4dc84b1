package netstat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// -I takes an alternative name for the interface that ip finds by it.
func TestAlternativeName(t *testing.T) {
	n, other := scene(t), nstest.New(t)
	other.IP(t, "link add a0 type veth peer name b0")
	n.IP(t, "link property add dev a0 altname the-uplink-of-this-host", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent",
		"neigh add 192.0.2.10 lladdr 02:00:00:00:00:10 dev b0 nud permanent", "route add 10.97.0.0/16 dev b0")
	const alternative = "the-uplink-of-this-host"
	var found []struct{ IfName string }
	if err := json.Unmarshal([]byte(n.Run(t, "ip", "-j", "link", "show", "dev", alternative)), &found); err != nil || len(found) != 1 {
		t.Fatalf("ip finds %v, %v", found, err)
	}
	name := found[0].IfName
	for _, mode := range []string{"-i", "-ie", "-g", "-rn", "-rn6", "--addresses", "--neighbours", "--netconf", "--qdiscs", "-is", "-Qe"} {
		// The processors' receive paths are every namespace's, and never at rest.
		show := func(t *testing.T, n *nstest.NS, args ...string) string {
			all := show(t, n, args...)
			if _, queues, found := strings.Cut(all, "\nQueues of interfaces"); found {
				return queues
			}
			return all
		}
		eventually(t, func() string {
			before := show(t, n, mode, "-I", name)
			got := show(t, n, mode, "-I", alternative)
			after := show(t, n, mode, "-I", name)
			if whole := show(t, n, mode); before != after || got != before || mode != "-i" && got == whole || len(lines(got)) < 3 {
				return fmt.Sprintf("%s -I %s:\n%s\n-I %s:\n%s", mode, alternative, got, name, before)
			}
			return ""
		})
	}
	if rows := objects(t, n, "-I", alternative); len(rows) != 1 || rows[0].text("name") != name {
		t.Errorf("-I %s: %v", alternative, rows)
	}
	// It is enough that one namespace has it.
	r := try(t, n, "--json", "--netns", "all", "-I", alternative)
	if rows := decode(t, r.out); len(rows) != 1 || rows[0].text("netns") != n.Name || strings.Contains(r.complaints, "there is none") {
		t.Errorf("--netns all -I %s: %v, %s", alternative, rows, r.complaints)
	}
	for _, mode := range []string{"-i", "-g", "-r", "-is", "--qdiscs"} {
		if r := try(t, n, mode, "-I", "nowhere"); r.status != 1 || r.complaints != "netstat: interface nowhere: there is none\n" {
			t.Errorf("%s of an interface that there is not: %+v", mode, r)
		}
	}
}

// With a protocol -I chooses the sockets that are bound to the interface, which ss
// shows behind a %.
func TestSocketsOfInterface(t *testing.T) {
	n := scene(t)
	for port, device := range map[int]string{1111: "a0", 2222: "b0", 3333: ""} {
		for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
			fd := n.Socket(t, unix.AF_INET, kind, 0)
			if err := unix.BindToDevice(fd, device); err != nil {
				t.Fatal(err)
			}
			if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil {
				t.Fatal(err)
			}
			if kind == unix.SOCK_STREAM {
				if err := unix.Listen(fd, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if out := n.Run(t, "ss", "-tulnH"); strings.Count(out, "%a0:1111") != 2 || strings.Count(out, "%b0:2222") != 2 {
		t.Fatalf("ss shows\n%s", out)
	}
	for _, args := range [][]string{{"-tl"}, {"-ul"}, {"-ta"}, {"-L"}} {
		if rows := objects(t, n, append(args, "-I", "a0")...); len(rows) != 1 || rows[0].text("localPort") != "1111" {
			t.Errorf("%v -I a0: %v", args, rows)
		}
	}
}

// What -I chooses of a mode is shown again with --interval, and is no interface's
// growth.
func TestIntervalOfMode(t *testing.T) {
	n := scene(t)
	n.ListenPacket(t, "udp4", "127.0.0.1:9")
	for _, mode := range []string{"-r", "-g", "--netconf"} {
		if got := growing(t, n, 10, mode, "-I", "a0"); slices.ContainsFunc(got, func(name string) bool { return name != "" }) {
			t.Errorf("%s --interval shows the growth of %v", mode, got)
		}
	}
}

// With --interval interfaces are in the order of -i, by an alternative name as
// well, and so are they in the sum.
func TestIntervalOrder(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add a10 type veth peer name b1", "link add a2 type veth peer name a1", "link property add dev a2 altname second",
		"link set a10 up", "link set a2 up", "link set a1 up", "link set b1 up")
	var want []string
	for _, o := range objects(t, n, "-i", "-a") {
		want = append(want, o.text("name"))
	}
	if !slices.Equal(want, []string{"a1", "a2", "a10", "b1", "lo"}) {
		t.Fatalf("-i shows %v", want)
	}
	for _, c := range []struct{ args, want []string }{{[]string{"-i"}, want}, {[]string{"-I", "second"}, []string{"a2"}}} {
		got := growing(t, n, 2*len(c.want), c.args...)
		if times := len(got) / len(c.want); times < 3 || !slices.Equal(got, slices.Repeat(c.want, times)) {
			t.Errorf("%v: intervals and their sum show %v", c.args, got)
		}
	}
}

// growing runs the program with --interval until it has shown so many rows or some
// more, and returns whose they and those of the sum are.
func growing(t *testing.T, n *nstest.NS, count int, args ...string) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name, program, "--json", "--interval", "0.1"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		names = append(names, decode(t, scanner.Text())[0].text("name"))
		if len(names) == count { // and then a last turn, or the sum
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return names
}
