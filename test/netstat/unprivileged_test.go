package netstat_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// nobody is the user without privileges.
const nobody = 65534

// asNobody is a command line that runs a program in a namespace without
// privileges.
func asNobody(t testing.TB, n *nstest.NS, args ...string) []string {
	t.Helper()
	nstest.NeedsProgram(t, "setpriv")
	id := strconv.Itoa(nobody)
	return append([]string{"ip", "netns", "exec", n.Name, "setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups"}, args...)
}

// tryAsNobody is try without privileges.
func tryAsNobody(t testing.TB, n *nstest.NS, args ...string) result {
	t.Helper()
	return run(t, asNobody(t, n, append([]string{program}, args...)...))
}

// held starts a process of nobody's that holds sockets which the test opened.
func held(t testing.TB, n *nstest.NS, sockets ...int) (pid int) {
	t.Helper()
	line := asNobody(t, n, "sleep", "300")
	cmd := exec.Command(line[0], line[1:]...)
	for _, fd := range sockets {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(copied), "socket")
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// ip and setpriv become the sleeper.
	eventually(t, func() string {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		if err != nil || string(name) != "sleep\n" {
			return fmt.Sprintf("the process is %q, %v", name, err)
		}
		return ""
	})
	return cmd.Process.Pid
}

// Somebody without privileges sees what everybody may see as root does, of
// processes his own, and is told what is missing.
func TestUnprivileged(t *testing.T) {
	n, other := scene(t), nstest.New(t)
	sockets(t, n)
	n.IP(t, "rule add from 10.0.0.0/8 table 100 priority 9", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev a0 nud permanent", "nexthop add id 1 via 192.0.2.2 dev a0")
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	own := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err := unix.Bind(own, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 7070}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptIPMreq(own, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}, Interface: [4]byte{192, 0, 2, 1}}); err != nil {
		t.Fatal(err)
	}
	n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	sleeper := held(t, n, own)

	for _, args := range [][]string{
		{"-tuan"}, {"-tane"}, {"-xan"}, {"-Ln"}, {"-gn"}, {"-gen"}, {"-rn"}, {"-rn6"}, {"-r", "--table", "all", "--json"}, {"-in"}, {"-ia", "--json"}, {"-ien"}, {"--addresses"}, {"--neighbours", "-n"},
		{"--rules"}, {"--nexthops"}, {"--qdiscs"}, {"--mroutes"}, {"--mdb"}, {"-tan", "--buffers", "--json"}, {"-tan", "--filter", "sport=8080", "--json"}, {"-sw4", "--json"},
	} {
		eventually(t, func() string {
			before := show(t, n, args...)
			r := tryAsNobody(t, n, args...)
			if after := show(t, n, args...); sortedLines(before) != sortedLines(after) {
				return fmt.Sprintf("%v: the kernel's answer changes all the time", args)
			}
			if r.status != 0 || r.complaints != "" || sortedLines(r.out) != sortedLines(before) {
				return fmt.Sprintf("%v: status %d, %s\n%s\nroot sees\n%s", args, r.status, r.complaints, r.out, before)
			}
			return ""
		})
	}

	processes := "(Not all processes could be identified: "
	for _, c := range []struct {
		args   string
		status int
		said   []string // on standard error
		shown  []string // expressions
	}{
		{"-tuanp", 0, []string{processes}, []string{`127\.0\.0\.1:8080 .* LISTEN +-\n`, `127\.0\.0\.1:7070 .* ` + strconv.Itoa(sleeper) + `/sleep\n`}},
		{"-xanp", 0, []string{processes}, []string{`LISTENING +\d+ +- +@stream`}},
		{"-Lnp", 0, []string{processes}, []string{`127\.0\.0\.1:8080 +-\n`}},
		{"--netlink -p", 0, []string{processes}, []string{"Netlink sockets"}},
		{"-B", 0, []string{processes, "(Filters of packet sockets could not be read"}, []string{`- +\* +raw +none +- .* -  `}},
		{"-tanee", 0, []string{"(Marks of sockets could not be read"}, []string{"127.0.0.1:8080"}},
		{"-tan --filter mark=1", 0, []string{"(Marks of sockets could not be read"}, nil},
		{"-m", 1, []string{"caches of packet buffers: read /proc/slabinfo", "permission denied"}, []string{`\d+ sockets of every family`, `(?m)^TCP `}},
		{"-gpn", 1, []string{"not every process may be looked into", "permission denied"}, []string{`a0 +1 +239\.1\.2\.3`, `a0 +239\.1\.2\.3 +exclude .*` + strconv.Itoa(sleeper) + `/sleep`}},
		{"-Q", 0, nil, []string{"(?m)^ +0 +[0-9]+"}},
		{"-Qe", 0, nil, []string{`a0 +transmit 0 `}},
		{"-s", 0, nil, []string{"(?m)^ +[1-9][0-9]* active connection openings"}},
		{"-is", 0, nil, []string{"(?m)^a0 +[1-9][0-9]* Ip6"}},
		{"-rs", 0, nil, []string{"arp_cache"}},
		{"-Tn", 0, nil, []string{"ESTABLISHED"}},
		{"--namespaces", 0, nil, []string{"yes"}},
		// The own namespace needs not be entered.
		{"-tln --netns " + n.Name, 0, nil, []string{"127.0.0.1:8080"}},
		{"-tln --netns all", 1, []string{"netns " + other.Name + ": ", "operation not permitted"}, []string{`127\.0\.0\.1:8080 .*` + n.Name}},
	} {
		r := tryAsNobody(t, n, strings.Fields(c.args)...)
		if r.status != c.status || len(c.said) == 0 && r.complaints != "" {
			t.Errorf("%s: status %d, %s", c.args, r.status, r.complaints)
		}
		for _, text := range c.said {
			if !strings.Contains(r.complaints, text) {
				t.Errorf("%s does not say %q: %s", c.args, text, r.complaints)
			}
		}
		for _, expression := range c.shown {
			if !regexp.MustCompile(expression).MatchString(r.out) {
				t.Errorf("%s does not show %q:\n%s", c.args, expression, r.out)
			}
		}
	}
	if r := tryAsNobody(t, n, "-tln", "--netns", other.Name); r.status != 1 || !strings.Contains(r.complaints, "operation not permitted") || r.out != "" {
		t.Errorf("another namespace: %+v", r)
	}

	dir, err := os.MkdirTemp(filepath.Dir(program), "own")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "baseline")
	if r := tryAsNobody(t, n, "--save-baseline", file); r.status != 0 || r.complaints != "" {
		t.Errorf("--save-baseline: %+v", r)
	}
	if r := tryAsNobody(t, n, "-i", "--since", file); r.status != 0 || !strings.HasPrefix(r.complaints, "since ") || !strings.Contains(r.out, "\na0 ") {
		t.Errorf("--since: %+v", r)
	}
}

// A namespace of another user's process is not one that there is not.
func TestNamespaceOfAnothersProcess(t *testing.T) {
	n := nstest.New(t)
	for _, netns := range []string{"pid:1", "1"} {
		r := tryAsNobody(t, n, "-r", "--netns", netns)
		if r.status != 1 || r.out != "" || !strings.Contains(r.complaints, "permission denied") || strings.Contains(r.complaints, "does not exist") {
			t.Errorf("--netns %s: %+v", netns, r)
		}
	}
	if r := tryAsNobody(t, n, "-r", "--netns", "pid:4194305"); r.status != 1 || !strings.Contains(r.complaints, "does not exist") {
		t.Errorf("a process that there is not: %+v", r)
	}
}

// Where /proc hides other users' processes, what shows processes says so.
func TestHiddenProcesses(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsProgram(t, "unshare")
	file := filepath.Join(filepath.Dir(program), "hidden.rec")
	t.Cleanup(func() { os.Remove(file) })
	hidden := func(args ...string) result {
		t.Helper()
		line := append([]string{"ip", "netns", "exec", n.Name, "unshare", "--mount", "sh", "-c", `mount -t proc -o hidepid=2 proc /proc && exec "$@"`, "sh"},
			asNobody(t, n, append([]string{program}, args...)...)[4:]...)
		return run(t, line)
	}
	if r := hidden("-gp"); r.status != 1 || !strings.Contains(r.complaints, "hidepid=") {
		t.Errorf("-gp: %+v", r)
	}
	for _, args := range []string{"-tap", "-xap", "-B"} {
		if r := hidden(args); !strings.Contains(r.complaints, "(Not all processes could be identified: those of other users may not be looked into") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	// What is recorded says of itself whose sockets are not known: nobody's own are, and no other is nobody's.
	others := n.Listen(t, "tcp4", "127.0.0.1:8080")
	own := n.Socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	must(t, unix.Bind(own, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 8081}))
	must(t, unix.Listen(own, 1))
	sleeper := held(t, n, own)
	if r := hidden("--record", file); r.status != 1 || !strings.Contains(r.complaints, "hidepid=") {
		t.Errorf("--record: %+v", r)
	}
	r := run(t, []string{program, "--recording", file, "-tlnp"})
	if r.status != 0 || !strings.Contains(r.complaints, "(Not all processes could be identified") {
		t.Errorf("-tlnp of the recording: %+v", r)
	}
	for _, line := range []string{others.Addr().String() + ` .* LISTEN +-`, `127\.0\.0\.1:8081 .* LISTEN +` + strconv.Itoa(sleeper) + "/sleep"} {
		if !regexp.MustCompile(`(?m)^tcp +\d+ +\d+ ` + line + ` *$`).MatchString(r.out) {
			t.Errorf("the recording has no line %q:\n%s", line, r.out)
		}
	}
	if r := run(t, []string{program, "--recording", file, "-gp"}); r.status != 1 || !strings.Contains(r.complaints, "hidepid=") {
		t.Errorf("-gp of the recording: %+v", r)
	}
}

// What somebody without privileges recorded says of itself what he is told live: a mode
// that could not show all of its rows ends with the same status.
func TestUnprivilegedRecording(t *testing.T) {
	n := scene(t)
	sockets(t, n)
	n.Socket(t, unix.AF_PACKET, unix.SOCK_RAW, 0)
	unixSocket(t, n, unix.SOCK_STREAM, "stream", 1)
	dir, err := os.MkdirTemp(filepath.Dir(program), "recorded")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chown(dir, nobody, nobody))
	file := filepath.Join(dir, "file.rec")
	if r := tryAsNobody(t, n, "--record", file); r.status != 1 || !strings.Contains(r.complaints, "permission denied") {
		t.Fatalf("--record: %+v", r)
	}
	failed := 0
	for _, args := range []string{
		"-tuan", "-tuanp", "-tanee", "-tan --buffers", "-xanp", "-Lnp", "-Tn", "-B", "--netlink -p", "-rn", "-rn6", "-r --table all", "-in", "-ien", "-gn", "-gpn",
		"-s", "-is", "-rs", "-m", "-Q", "-Qe", "--addresses", "--neighbours", "--rules", "--nexthops", "--netconf", "--qdiscs", "--mroutes", "--mdb", "--namespaces",
		"--conntrack", "--conntrack -s", "--expectations",
	} {
		live, replayed := tryAsNobody(t, n, strings.Fields(args)...), tryAsNobody(t, n, append([]string{"--recording", file}, strings.Fields(args)...)...)
		if live.status != replayed.status {
			t.Errorf("%s: live status %d, %q; recorded %d, %q", args, live.status, live.complaints, replayed.status, replayed.complaints)
		}
		if live.status != 0 {
			failed++
		}
	}
	if failed == 0 {
		t.Error("everybody may see everything")
	}
}
