package collectors

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func linkNames(t *testing.T, k *Kernel) string {
	t.Helper()
	names := interfaces(t, k)
	if _, ok := names["probe"]; ok {
		return "probe"
	}
	return ""
}

func TestOpenByNamePathAndProcess(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add probe type veth peer name far")
	for _, name := range []string{n.Name, n.Path()} {
		k, err := Open(Options{NetNS: name})
		must(t, err)
		if linkNames(t, k) == "" || k.NetNS() != name {
			t.Errorf("%s: not that namespace, or named %q", name, k.NetNS())
		}
		must(t, k.Close())
	}
	child := exec.Command("ip", "netns", "exec", n.Name, "sleep", "60")
	stdin, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	defer func() {
		_ = child.Process.Kill()
		_, _ = io.Copy(io.Discard, stdin)
		_ = child.Wait()
	}()
	for {
		of, err := OpenNetNSOf(child.Process.Pid)
		must(t, err)
		var found bool
		must(t, of.Do(func() error {
			_, err := net.InterfaceByName("probe")
			found = err == nil
			return nil
		}))
		must(t, of.Close())
		if found {
			break // before that, ip itself had not entered it yet
		}
	}
	own, err := Open(Options{})
	must(t, err)
	defer own.Close()
	if linkNames(t, own) != "" || own.NetNS() != "" {
		t.Error("the process's own namespace has the test's link")
	}
}

func TestOpenFails(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	must(t, os.WriteFile(plain, nil, 0o600))
	for name, want := range map[string]error{
		"no-such-namespace": fs.ErrNotExist, "/no/such/path": fs.ErrNotExist,
		plain: nil, "..": nil, "/proc/self/ns/mnt": nil, "/proc": nil,
	} {
		k, err := Open(Options{NetNS: name})
		if err == nil {
			k.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		var read *netstat.ReadError
		if !errors.As(err, &read) || !strings.Contains(err.Error(), name) || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenNetNSOf(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that is not: %v", err)
	}
}

// netnsOfThread returns which namespace the calling thread is in.
func netnsOfThread() (uint64, error) {
	var s unix.Stat_t
	err := unix.Stat("/proc/thread-self/ns/net", &s)
	return s.Ino, err
}

func TestDoLeavesEveryThreadWhereItWas(t *testing.T) {
	n := nstest.New(t)
	ns, err := OpenNetNS(n.Name)
	must(t, err)
	defer ns.Close()
	outside, err := netnsOfThread()
	must(t, err)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			err := ns.Do(func() error {
				inside, err := netnsOfThread()
				if inside == outside {
					t.Error("not inside")
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if now, err := netnsOfThread(); err != nil || now != outside {
				t.Errorf("not outside again, error %v", err)
			}
		})
	}
	wg.Wait()
	tasks, err := os.ReadDir("/proc/self/task")
	must(t, err)
	for _, task := range tasks {
		var s unix.Stat_t
		if unix.Stat("/proc/self/task/"+task.Name()+"/ns/net", &s) == nil && s.Ino != outside {
			t.Errorf("thread %s stays in another namespace", task.Name())
		}
	}
	failure := errors.New("failure")
	if err := ns.Do(func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("the function's error is %v", err)
	}
}

// TestNamespaceOutlivesItsName removes the name of an open namespace.
func TestNamespaceOutlivesItsName(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add probe type veth peer name far")
	k := open(t, n)
	must(t, unix.Unmount(n.Path(), unix.MNT_DETACH))
	if linkNames(t, k) == "" {
		t.Error("the namespace is gone with its name")
	}
	if _, err := k.TCPStatistics(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	k, err := Open(Options{NetNS: nstest.New(t).Name})
	must(t, err)
	_, err = k.TCPStatistics(t.Context())
	must(t, err)
	must(t, k.Close())
	if _, err := k.TCPStatistics(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("statistics of a closed stack: %v", err)
	}
	if _, err := rowsUntilError(k.Interfaces(t.Context())); !errors.Is(err, os.ErrClosed) {
		t.Errorf("interfaces of a closed stack: %v", err)
	}
}

// unprivilegedHelper names the environment variable that makes this test binary
// play the inner part of TestUnprivileged.
const unprivilegedHelper = "COLLECTORS_UNPRIVILEGED_HELPER"

// TestUnprivileged reads a namespace as a user without any capability.
func TestUnprivileged(t *testing.T) {
	if os.Getenv(unprivilegedHelper) != "" {
		unprivileged(t)
		return
	}
	n := nstest.New(t)
	n.IP(t, "link add probe type veth peer name far", "addr add 192.0.2.1/24 dev probe", "link set probe up", "link set far up")
	n.Listen(t, "tcp4", "127.0.0.1:7001")
	// The user cannot reach the binary where go test put it.
	binary, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	copied := filepath.Join(t.TempDir(), "collectors.test")
	must(t, os.WriteFile(copied, binary, 0o755))
	for dir := filepath.Dir(copied); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	cmd := exec.Command(copied, "-test.run=^TestUnprivileged$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), unprivilegedHelper+"="+n.Name+" "+nstest.New(t).Name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out []byte
	n.Do(t, func() error {
		out, err = cmd.CombinedOutput()
		return nil
	})
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestUnprivileged")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func unprivileged(t *testing.T) {
	here, elsewhere, _ := strings.Cut(os.Getenv(unprivilegedHelper), " ")
	if _, err := Open(Options{NetNS: elsewhere}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("entering a namespace: %v", err)
	}
	named, err := Open(Options{NetNS: here})
	must(t, err)
	if _, ok := interfaces(t, named)["probe"]; !ok || named.Close() != nil {
		t.Error("its own namespace, by its name, is another")
	}
	k, err := Open(Options{})
	must(t, err)
	defer k.Close()
	own, err := net.Listen("tcp4", "127.0.0.1:7002")
	must(t, err)
	defer own.Close()
	all := sockets(t, k, netstat.SocketQuery{Protocols: allProtocols, Processes: true})
	if s := at(t, all, 7001, netstat.Listen); s.Processes.IsKnown() || s.UID != netstat.Known[uint32](0) || s.Inode.Or(0) == 0 {
		t.Errorf("another user's socket: %+v", s)
	}
	if s := at(t, all, 7002, netstat.Listen); len(s.Processes.Or(nil)) != 1 || s.Processes.Or(nil)[0].PID != int32(os.Getpid()) || s.UID != netstat.Known[uint32](65534) {
		t.Errorf("an own socket: %+v", s)
	}
	probe, ok := interfaces(t, k)["probe"]
	if !ok || !probe.Counters.InOctets.IsKnown() || !probe.Multicast.IsKnown() || !probe.Speed.IsKnown() {
		t.Errorf("interface: %+v", probe)
	}
	if got := addresses(t, k); len(got) < 2 {
		t.Errorf("addresses: %+v", got)
	}
	if got := to(routes(t, k, netstat.RouteQuery{}), "192.0.2.0/24"); len(got) != 1 || got[0].Interface != probe.Index {
		t.Errorf("routes: %+v", got)
	}
	if s, err := k.TCPStatistics(t.Context()); err != nil || !s.InSegs.IsKnown() {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := k.UDPStatistics(t.Context()); err != nil || !s.InDatagrams.IsKnown() {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestManyNamespaces has one stack for each of several namespaces, read at the
// same time.
func TestManyNamespaces(t *testing.T) {
	const count = 4
	var stacks []*Kernel
	for i := range count {
		n := nstest.New(t)
		for range i + 1 {
			n.ListenPacket(t, "udp4", "127.0.0.1:0")
		}
		stacks = append(stacks, open(t, n))
	}
	var wg sync.WaitGroup
	for i, k := range stacks {
		for range 3 {
			wg.Go(func() {
				rows, err := rowsUntilError(k.Sockets(t.Context(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}))
				if err != nil || rows != i+1 {
					t.Errorf("namespace %d: %d sockets, error %v", i, rows, err)
				}
			})
		}
	}
	wg.Wait()
}

// TestOpenNetNSDoesNotWait opens what would make its reader wait.
func TestOpenNetNSDoesNotWait(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := OpenNetNS(fifo); !errors.Is(err, errNotNetNS) {
		t.Errorf("a FIFO as a namespace: %v, %v", n, err)
	}
}
