package snmpwalk_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

const snmpdPath = "/usr/sbin/snmpd"

// process is a program that runs in a namespace until the test ends.
type process struct {
	cmd    *exec.Cmd
	output nstest.Output // on both streams
	done   chan struct{} // closed when it has ended
	err    error         // of Wait, once done is closed
}

// start runs a program in the namespace, or in the test's own where ns is nil.
func start(t testing.TB, ns *nstest.NS, name string, args ...string) *process {
	t.Helper()
	return startCommand(t, ns, exec.Command(name, args...))
}

func startCommand(t testing.TB, ns *nstest.NS, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if ns == nil {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	} else {
		ns.Do(t, cmd.Start) // a child is in the namespace of the thread that forks
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(patience):
			t.Errorf("%s does not end at SIGTERM", filepath.Base(cmd.Path))
			p.kill()
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", strings.Join(cmd.Args, " "), tail(p.output.String()))
		}
	})
	return p
}

func tail(s string) string {
	const most = 4000
	if len(s) > most {
		s = "..." + s[len(s)-most:]
	}
	return s
}

// await waits until the program has printed text n times.
func (p *process) await(t testing.TB, text string, n int) {
	t.Helper()
	err := within(patience, func() string {
		if strings.Count(p.output.String(), text) >= n {
			return ""
		}
		select {
		case <-p.done:
			return fmt.Sprintf("%s ended (%v) and printed %q", p.cmd.Path, p.err, tail(p.output.String()))
		default:
		}
		return fmt.Sprintf("%s has not printed %q %d times: %q", p.cmd.Path, text, n, tail(p.output.String()))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// signal sends the program a signal.
func (p *process) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// kill ends the program without a word, and waits until it has ended.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// exit waits for the program to end and returns its exit status.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("%s does not end", p.cmd.Path)
	}
	var status *exec.ExitError
	if p.err != nil && !errors.As(p.err, &status) {
		t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// master is a snmpd that is an AgentX master with an otherwise untouched
// configuration.
type master struct {
	*process
	ns  *nstest.NS
	dir string
}

// port is where the agents of all tests listen, on the loopback of a namespace.
const port = "1161"

// startMaster starts snmpd, with more lines of configuration, and returns once it
// answers.
func startMaster(t testing.TB, ns *nstest.NS, more ...string) *master {
	t.Helper()
	dir, err := os.MkdirTemp("", "snmpd") // t.TempDir's can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &master{ns: ns, dir: dir}
	lines := append([]string{
		"master agentx",
		"agentXSocket " + m.socket(),
		fmt.Sprintf("agentaddress udp:127.0.0.1:%[1]s,udp6:[::1]:%[1]s,tcp:127.0.0.1:%[1]s,tcp6:[::1]:%[1]s", port),
		"rocommunity public",
		"rocommunity6 public",
		"rwcommunity private",
		"dontLogTCPWrappersConnects yes",
	}, more...)
	if err := os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// snmpd keeps files of its own named snmpd.conf in its persistent directory.
	if err := os.MkdirAll(filepath.Join(m.persistent(), "cert_indexes"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	return m
}

func (m *master) persistent() string { return filepath.Join(m.dir, "persistent") }

func (m *master) socket() string { return filepath.Join(m.dir, "master") }

// address is the master's, as --agentx takes it.
func (m *master) address() string { return "unix:" + m.socket() }

// start starts the master, again after it was killed.
func (m *master) start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(snmpdPath, "-f", "-Lo", "-C", "-c", filepath.Join(m.dir, "snmpd.conf"))
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+m.persistent(), "MIBS=")
	m.process = startCommand(t, m.ns, cmd)
	m.await(t, "NET-SNMP version", 1)
}

// startEmbedded starts the program as an agent of its own.
func startEmbedded(t testing.TB, ns *nstest.NS, args ...string) *process {
	t.Helper()
	for _, transport := range []string{"udp:127.0.0.1", "udp6:[::1]", "tcp:127.0.0.1", "tcp6:[::1]"} {
		args = append(args, "--listen", transport+":"+port)
	}
	p := start(t, ns, program, args...)
	p.await(t, "try: ", 1)
	return p
}

// registered is what a subagent logs once it answers for the master.
const registered = "registered with the master"

// startSubagent starts the program as a subagent of the master, and returns
// once it is registered.
func startSubagent(t testing.TB, m *master, args ...string) *process {
	t.Helper()
	p := start(t, m.ns, program, append(args, "--agentx="+m.address())...)
	p.await(t, registered, 1)
	return p
}

// bothWays runs a test with the program as the agent of a scene, and as a
// subagent of the scene's snmpd.
func bothWays(t *testing.T, scene func(testing.TB) *scene, test func(*testing.T, *scene)) {
	needsTools(t)
	for _, way := range []string{"embedded", "agentx"} {
		t.Run(way, func(t *testing.T) {
			s := scene(t)
			if s.subagent = way == "agentx"; s.subagent {
				s.master = startMaster(t, s.NS)
				s.agent = startSubagent(t, s.master)
			} else {
				s.agent = startEmbedded(t, s.NS)
			}
			test(t, s)
		})
	}
}
