package nettop_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Without netlink what /proc tells is shown and what is unknown is said; what only netlink tells is an error.
func TestWithoutNetlink(t *testing.T) {
	ns := pair(t)
	ns.IP(t, "link add eth0 type veth peer name eth1", "link set eth0 up", "link set eth1 up")
	l := ns.Listen(t, "tcp", "127.0.0.1:4711")
	serve(t, l)
	ns.Dial(t, "tcp", "127.0.0.1:4711")
	const holder = `\d+/nettop`
	for _, c := range []struct {
		view, said, shown string
		status            int
	}{
		{"connections", "sock_diag is refused", `(?m)^tcp +127\.0\.0\.1:\d+ +127\.0\.0\.1:4711 +ESTABLISHED .*` + holder, 0},
		{"processes", "sock_diag is refused", `(?m)^` + holder, 0},
		{"users", "sock_diag is refused", `(?m)^0 +.* 2 `, 0},
		{"remotes", "sock_diag is refused", `(?m)^127\.0\.0\.1 `, 0},
		{"networks", "sock_diag is refused", `(?m)^127\.0\.0\.0/24 `, 0},
		{"listeners", "sock_diag is refused", `(?m)^tcp +127\.0\.0\.1:4711 .*` + holder, 0},
		{"interfaces", "rtnetlink is refused", `(?m)^eth1 +\S+ +\d`, 0},
		{"counters", "", "(?m)^Counter ", 0},
		{"tracked", "nfnetlink is refused", "(?m)^Proto ", 1},
		{"hosts", "nfnetlink is refused", "(?m)^Key ", 1},
		{"zones", "nfnetlink is refused", "(?m)^Key ", 1},
		{"changes", "rtnetlink is refused", "(?m)^Time ", 1},
	} {
		t.Run(c.view, func(t *testing.T) {
			line, variable := nstest.WithoutNetlink(t, nstest.EveryNetlink, unix.EPERM, program, c.view, "-n", "--interval", "0.1", "--once")
			cmd := exec.Command("ip", append([]string{"netns", "exec", ns.Name, "env", variable}, line...)...)
			var out, complaints bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &complaints
			err := cmd.Run()
			if cmd.ProcessState.ExitCode() != c.status || !strings.Contains(complaints.String(), c.said) || !regexp.MustCompile(c.shown).Match(out.Bytes()) {
				t.Errorf("%v, want status %d and %q\n%s\n%s", err, c.status, c.shown, &complaints, &out)
			}
			for said := range strings.Lines(complaints.String()) {
				if _, what, _ := strings.Cut(said, "dump "); what != "" && strings.Count(complaints.String(), what) > 1 {
					t.Errorf("it is said more than once:\n%s", &complaints)
					break
				}
			}
		})
	}
	// On the screen it is said in the place of what only netlink tells.
	self, variable := nstest.WithoutNetlink(t, nstest.EveryNetlink, unix.EPERM)
	s := open(t, 200, 24, strings.Join(append([]string{"ip netns exec", ns.Name, "env", variable}, self...), " "), "connections -n --interval 0.2")
	s.wants("127.0.0.1:4711")
	s.wants("sock_diag is refused")
	s.keys("q")
	s.wants("restored")
}
