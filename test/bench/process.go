package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is an agent that the bench started.
type process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// dieWithUs makes what is started end with the bench, however that ends. The
// kernel ties it to the thread that started the process: the main one, which
// the main goroutine never leaves.
var dieWithUs = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

// start starts a program in the background. What it prints stays in a file.
func (b *bench) start(name string, args []string) (*process, error) {
	log, err := os.CreateTemp(b.dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	return b.startWith(log, args)
}

// startWith starts a program that prints into log, which is closed with it.
func (b *bench) startWith(log *os.File, args []string) (*process, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(b.dir, "persistent"), "MIBS=")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithUs
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	b.running = append(b.running, p)
	return p, nil
}

// said returns the end of what the process printed, for error messages.
func (p *process) said() string {
	const most = 2000
	b, _ := os.ReadFile(p.log.Name())
	return strings.TrimSpace(string(b[max(0, len(b)-most):]))
}

// stop ends the process, if need be without its consent.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.log.Close()
}

func (p *process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}

// memory is the resident memory of a process, in bytes. anonymous is what of
// now is the process's own, and not pages of its program file.
type memory struct{ now, peak, anonymous float64 }

func (p *process) memory() (m memory, err error) { return readMemory(p.proc("status")) }

// readMemory reads a process's file "status" (proc(5)).
func readMemory(file string) (m memory, err error) {
	status, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if m.now, err = kilobytes(string(status), "VmRSS:"); err != nil {
		return m, err
	}
	if m.anonymous, err = kilobytes(string(status), "RssAnon:"); err != nil {
		return m, err
	}
	m.peak, err = kilobytes(string(status), "VmHWM:")
	return m, err
}

func kilobytes(status, field string) (float64, error) {
	n, err := statusField(status, field)
	return n * 1024, err
}

func statusField(status, field string) (float64, error) {
	_, rest, found := strings.Cut(status, "\n"+field)
	if !found {
		return 0, fmt.Errorf("a status without %s", field)
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("a status without a value of %s", field)
	}
	return strconv.ParseFloat(fields[0], 64)
}

// threads returns how many the process has.
func (p *process) threads() (float64, error) {
	status, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, err
	}
	return statusField(string(status), "Threads:")
}

// wakeups returns how often the threads of the process have given up a
// processor of their own accord, which they did to wait for something.
func (p *process) wakeups() (float64, error) {
	tasks, err := filepath.Glob(p.proc("task/*/status"))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, name := range tasks {
		status, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return 0, err
		}
		n, err := statusField(string(status), "voluntary_ctxt_switches:")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// idleWakeups returns the wake-ups in a while.
func (p *process) idleWakeups(ctx context.Context, while time.Duration) (float64, error) {
	before, err := p.wakeups()
	if err != nil {
		return 0, err
	}
	if err := sleep(ctx, while); err != nil {
		return 0, err
	}
	after, err := p.wakeups()
	return after - before, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// Ports of 127.0.0.1, which every namespace has for itself.
const (
	agentPort = 1161
	snmpdPort = 161
	echoPort  = 2161
)

// agent is a running agent and where to ask it.
type agent struct {
	*process
	ns   *namespace
	name string
	port int
}

func (a *agent) dial(timeout time.Duration) (*client, error) { return dial(a.ns, a.port, timeout) }

// kind is one of the agents that are compared.
type kind func(b *bench, ns *namespace, cpu *int) (*agent, error)

// ours starts this project's agent as it is without arguments.
func ours(b *bench, ns *namespace, cpu *int) (*agent, error) {
	return b.startAgent("netsnmp-agent", agentPort, ns, cpu, b.agentProgram)
}

// snmpd starts net-snmp's agent as Debian does, but for an access that lets one
// see all of it.
func snmpd(b *bench, ns *namespace, cpu *int) (*agent, error) {
	conf, err := b.file("snmpd.conf", fmt.Sprintf(
		"agentaddress udp:127.0.0.1:%d\nrocommunity %s 127.0.0.1\n", snmpdPort, community))
	if err != nil {
		return nil, err
	}
	return b.startAgent("snmpd", snmpdPort, ns, cpu,
		snmpdProgram, "-LOw", "-I", "-smux,mteTrigger,mteTriggerConf", "-f", "-C", "-c", conf)
}

const snmpdProgram = "/usr/sbin/snmpd"

// startAgent starts an agent, on one processor where one is given, and waits
// until it answers.
func (b *bench) startAgent(name string, port int, ns *namespace, cpu *int, args ...string) (*agent, error) {
	if cpu != nil {
		args = append([]string{"taskset", "--cpu-list", strconv.Itoa(*cpu)}, args...)
	}
	p, err := b.start(name, ns.inside(args...))
	if err != nil {
		return nil, err
	}
	return b.answering(p, name, port, ns)
}

// answering waits until an agent that was started answers.
func (b *bench) answering(p *process, name string, port int, ns *namespace) (*agent, error) {
	a := &agent{process: p, ns: ns, name: name, port: port}
	c, err := a.dial(time.Second)
	if err == nil {
		defer c.close()
		err = c.ready(b.ctx)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w\n%s", name, err, p.said())
	}
	return a, nil
}

// file writes a file of the bench's own and returns its path.
func (b *bench) file(name, content string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}
