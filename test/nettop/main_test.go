// Package nettop_test runs the built nettop in network namespaces whose traffic is known: on a
// terminal of tmux, whose screen is read, and for programs, beside ss, ip and nstat.
//
// Every test needs root, iproute2 and tmux, and one conntrack-tools.
package nettop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// program is the built nettop.
var program string

func TestMain(m *testing.M) { os.Exit(nstest.Main(m, "nettop", &program)) }

// rows runs nettop --json and returns its rows.
func rows(t *testing.T, args ...string) (found []map[string]any) {
	t.Helper()
	cmd := exec.Command(program, append(args, "--json")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("nettop %q: %v\n%s", args, err, stderr.String())
	}
	for line := range strings.Lines(stdout.String()) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		found = append(found, row)
	}
	return found
}

// terminal is nettop on a terminal of tmux.
type terminal struct {
	*testing.T
	dir    string // where settings are, in nettop/config
	socket string // of tmux's server
	before string // how the terminal was set, as stty -g tells
}

// open runs nettop on a terminal of that size, from a shell. Behind its end the shell prints its
// exit status, and whether the terminal is set as it was.
func open(t *testing.T, width, height int, environment, args string) *terminal {
	t.Helper()
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "tmux")
	return openIn(t, t.TempDir(), width, height, environment, args)
}

// openIn is open with the settings of a folder.
func openIn(t *testing.T, dir string, width, height int, environment, args string) *terminal {
	t.Helper()
	s := &terminal{T: t, dir: dir, socket: filepath.Join(t.TempDir(), "tmux"), before: filepath.Join(t.TempDir(), "before")}
	// The shell has no history and no profile, and ignores no signal that this process was
	// started to ignore.
	s.tmux("-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "env --default-signal -u NO_COLOR PS1='ready> ' TERM=screen-256color bash --norc --noprofile")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	s.tmux("set-option", "-g", "status", "off")
	s.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
	s.wants("ready>")
	s.keys("stty -g > "+s.before+"; XDG_CONFIG_HOME="+dir+" "+environment+" "+program+" "+args+"; echo ended $?; "+s.compares(), "Enter")
	return s
}

// compares is a command that prints "restored" if the terminal is set as it was.
func (s *terminal) compares() string { return "stty -g | diff - " + s.before + " && echo resto''red" }

// wantsRestored asks a shell that is back whether the terminal is set as it was.
func (s *terminal) wantsRestored() {
	s.Helper()
	s.wants("ready>")
	s.keys("clear; "+s.compares(), "Enter")
	s.wants("restored\nready>")
}

func (s *terminal) tmux(args ...string) string {
	s.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// keys presses keys, by tmux's names or letter by letter.
func (s *terminal) keys(keys ...string) {
	s.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

func (s *terminal) screen() string { return s.tmux("capture-pane", "-p") }

// wants waits until the screen has a text.
func (s *terminal) wants(text string) {
	s.Helper()
	s.eventually(func(screen string) string {
		if !strings.Contains(screen, text) {
			return fmt.Sprintf("no %q", text)
		}
		return ""
	})
}

// eventually waits until there is nothing to complain of the screen.
func (s *terminal) eventually(holds func(screen string) (otherwise string)) {
	s.Helper()
	nstest.Eventually(s.T, func() string {
		screen := s.screen()
		otherwise := holds(screen)
		if otherwise == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond) // each look starts a process
		return otherwise + " on the screen:\n" + screen
	})
}

// pid is the process of nettop.
func (s *terminal) pid() int {
	s.Helper()
	shell := strings.TrimSpace(s.tmux("display-message", "-p", "#{pane_pid}"))
	out, err := exec.Command("pgrep", "-P", shell, "-x", "nettop").Output()
	if err != nil {
		s.Fatalf("nettop does not run: %v\n%s", err, s.screen())
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		s.Fatal(err)
	}
	return pid
}

// signal sends nettop a signal.
func (s *terminal) signal(signal syscall.Signal) {
	s.Helper()
	if err := syscall.Kill(s.pid(), signal); err != nil {
		s.Fatal(err)
	}
}

// pair is a namespace with a connection within it, and what serves it.
func pair(t *testing.T) *nstest.NS {
	t.Helper()
	nstest.NeedsRoot(t)
	ns := nstest.New(t)
	ns.IP(t, "link set lo up")
	return ns
}

// serve accepts connections and reads what they send, until the test ends.
func serve(t *testing.T, l net.Listener) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, c)
				c.Close()
			}()
		}
	}()
}

// The screen shows views of a namespace, takes keys, and leaves the terminal as it was.
func TestScreen(t *testing.T) {
	ns := pair(t)
	l := ns.Listen(t, "tcp", "127.0.0.1:4711")
	s := open(t, 100, 24, "", "listeners --netns "+ns.Name+" -n --interval 0.2")
	s.wants("127.0.0.1:4711")
	s.keys("Enter")
	s.wants("localPort")
	s.keys("q")
	s.keys("/")
	s.keys("-l", "localPort=1")
	s.wants("filter: localPort=1")
	s.keys("Enter")
	s.wants("0 of 1 rows")
	s.keys("Escape")
	s.wants("127.0.0.1:4711")
	l.Close()
	s.wants("0 rows")
	s.keys("?")
	s.wants("half a screen down or up")
	s.keys("q")
	s.keys("7")
	s.wants("Rx%")
	s.keys("q")
	s.wants("ended 0")
	s.wants("restored")
	if screen := s.screen(); strings.Contains(screen, "Rx%") {
		t.Errorf("the screen is left behind:\n%s", screen)
	}
}

// In 40 columns, and in whatever comes of resizing, the first column and the keys are there.
func TestSmallTerminals(t *testing.T) {
	ns := pair(t)
	ns.Listen(t, "tcp", "127.0.0.1:4711")
	s := open(t, 40, 12, "LC_ALL=C NO_COLOR=1", "listeners --netns "+ns.Name+" -n --interval 0.2")
	s.wants("127.0.0.1:4711")
	s.tmux("resize-window", "-x", "20", "-y", "5")
	s.wants("~:4711") // the port stays
	s.tmux("resize-window", "-x", "400", "-y", "40")
	s.wants("PID/Program name")
	s.wants("9 Tracked")
	if screen := s.screen(); regexp.MustCompile(`[^\x00-\x7f]`).MatchString(screen) {
		t.Errorf("characters that LC_ALL=C has not:\n%s", screen)
	}
	if screen := s.tmux("capture-pane", "-p", "-e"); regexp.MustCompile(`\x1b\[[0-9;]*3[0-7]m`).MatchString(screen) {
		t.Errorf("NO_COLOR is passed over:\n%q", screen)
	}
	s.keys("C-c")
	s.wants("restored")
}

// A signal ends the program, and Ctrl-Z stops it; the terminal is as it was either time.
func TestSignals(t *testing.T) {
	ns := pair(t)
	s := open(t, 100, 24, "", "interfaces --netns "+ns.Name+" --interval 0.2")
	s.wants("Rx%")
	for _, stop := range []func(){
		func() { s.keys("C-z") },
		func() { s.signal(syscall.SIGTSTP) },
	} {
		stop()
		s.wants("Stopped")
		s.wantsRestored()
		s.keys("clear; fg", "Enter")
		s.wants("Rx%")
	}
	s.signal(syscall.SIGCONT) // which is nothing to one that runs
	s.signal(syscall.SIGWINCH)
	s.keys("?")
	s.wants("half a screen down or up")
	s.signal(syscall.SIGTERM)
	s.wantsRestored()
}

// The size of the terminal may change at any time, while the screen is drawn as well.
func TestResizing(t *testing.T) {
	ns := pair(t)
	ns.Listen(t, "tcp", "127.0.0.1:4711")
	s := open(t, 100, 24, "", "listeners --netns "+ns.Name+" -n --interval 0.01")
	s.wants("127.0.0.1:4711")
	for i := range 40 {
		s.tmux("resize-window", "-x", strconv.Itoa(1+(37*i)%400), "-y", strconv.Itoa(1+(11*i)%60))
		s.keys("j", "l")
	}
	s.tmux("resize-window", "-x", "40", "-y", "12")
	s.keys("Left", "Left", "Left", "Left", "Left", "Left")
	s.eventually(func(screen string) string {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		if len(lines) != 12 || !strings.HasPrefix(lines[1], "Local Address") || !strings.HasPrefix(lines[2], "127.0.0.1:4711") || !strings.Contains(lines[11], "1 row") {
			return "another order of lines"
		}
		return ""
	})
	s.keys("q")
	s.wants("restored")
}

// A terminal that is closed ends the program, which keeps what was chosen and leaves nothing
// behind.
func TestClosedTerminal(t *testing.T) {
	ns := pair(t)
	s := open(t, 100, 24, "", "interfaces --netns "+ns.Name+" --interval 0.2")
	s.wants("Rx%")
	s.keys("8")
	s.wants("Fill%")
	pid := s.pid()
	s.tmux("kill-server")
	nstest.Eventually(t, func() string {
		if syscall.Kill(pid, 0) == nil {
			if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(state), ") Z ") {
				return "it runs on: " + string(state)
			}
		}
		return ""
	})
	files, err := filepath.Glob(filepath.Join(s.dir, "nettop", "*"))
	if kept, _ := os.ReadFile(filepath.Join(s.dir, "nettop", "config")); err != nil || len(files) != 1 || string(kept) != "view = listeners\n" {
		t.Errorf("%v, %v, %q", files, err, kept)
	}
}

// Somebody without privileges sees connections, and is told why nothing can be killed.
func TestUnprivileged(t *testing.T) {
	nstest.NeedsProgram(t, "setpriv")
	ns := pair(t)
	l := ns.Listen(t, "tcp", "127.0.0.1:4712")
	serve(t, l)
	ns.Dial(t, "tcp", "127.0.0.1:4712")
	s := open(t, 100, 24, "ip netns exec "+ns.Name+" setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent", "connections -n --interval 0.2")
	s.wants("127.0.0.1:4712")
	s.keys("x")
	s.wants("CAP_NET_ADMIN")
	s.keys("q")
	s.wants("restored")
}

// A connection is ended behind a question.
func TestKill(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_INET_DIAG_DESTROY")
	ns := pair(t)
	l := ns.Listen(t, "tcp", "127.0.0.1:4713")
	serve(t, l)
	c := ns.Dial(t, "tcp", "127.0.0.1:4713")
	s := open(t, 120, 24, "", "connections -n --interval 0.2 --netns "+ns.Name+" --filter remotePort=4713")
	s.wants("127.0.0.1:4713")
	s.keys("x")
	s.wants("y or n")
	s.keys("n")
	s.wants("nothing was killed")
	s.keys("x")
	s.wants("y or n")
	s.keys("y")
	s.wants(": done")
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is there still")
	}
	c.Close() // the socket is there for as long as somebody holds it
	s.wants("(ended)")
	s.keys("q")
	s.wants("restored")
}

// A tracked flow is deleted behind a question, that one and no other.
func TestDeleteFlow(t *testing.T) {
	nstest.NeedsProgram(t, "conntrack")
	ns := pair(t)
	conntrack := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("ip", append([]string{"netns", "exec", ns.Name, "conntrack"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("conntrack %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, source := range []string{"192.0.2.71", "192.0.2.72"} {
		conntrack("-I", "-p", "udp", "-s", source, "-d", "198.51.100.1", "--sport", "1111", "--dport", "2222", "-t", "3000")
	}
	// Of a namespace that was found, too, which is opened anew by what it is called.
	for i, netns := range []string{ns.Name, "all"} {
		source, other := fmt.Sprintf("192.0.2.%d", 71+i), "192.0.2.72"
		s := open(t, 160, 24, "", "tracked -n --interval 0.2 --netns "+netns+" --filter source="+source)
		s.wants(source + ":1111")
		s.keys("x")
		s.wants("delete the tracked flow udp " + source + ":1111")
		s.keys("n")
		s.wants("nothing was killed")
		if left := conntrack("-L"); !strings.Contains(left, "src="+source+" ") {
			t.Fatalf("it is gone after a no:\n%s", left)
		}
		s.keys("x")
		s.wants("y or n")
		s.keys("y")
		s.wants(": done")
		left := conntrack("-L")
		if strings.Contains(left, "src="+source+" ") || source != other && !strings.Contains(left, "src="+other+" ") {
			t.Errorf("%s was deleted, and there is\n%s", source, left)
		}
		s.keys("q")
		s.wants("restored")
	}
}
