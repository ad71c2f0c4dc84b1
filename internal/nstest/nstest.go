// Package nstest gives tests network namespaces of their own, so that they
// never touch the machine's interfaces, routes and sockets.
//
// A test that cannot run says so by one of the Needs functions. With CI=true in
// the environment that is a failure, except where the kernel lacks a feature.
package nstest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// NS is a network namespace of a test.
type NS struct {
	// Name is what ip-netns(8) knows it by.
	Name string
}

// created tells the namespaces of one test process apart.
var created atomic.Uint32

// New makes a network namespace whose loopback is up, and removes it when the
// test ends. Programs that ip-netns(8) runs in it ask no server for names: the
// machine's is none of theirs, and a question is traffic.
func New(t testing.TB) *NS {
	t.Helper()
	NeedsRoot(t)
	NeedsProgram(t, "ip")
	n := new(NS)
	for {
		n.Name = fmt.Sprintf("nstest-%d-%d", os.Getpid(), created.Add(1))
		if _, err := os.Stat(n.Path()); err != nil { // else of a process that had this number, and was killed
			break
		}
	}
	run(t, nil, "ip", "netns", "add", n.Name)
	t.Cleanup(func() { run(t, nil, "ip", "netns", "del", n.Name) })
	n.IP(t, "link set lo up")
	n.resolve(t)
	return n
}

// resolvers are the files that say how names are looked up: in none but /etc/hosts, and
// else where nobody answers.
var resolvers = map[string]string{"nsswitch.conf": "hosts: files\n", "resolv.conf": "nameserver 127.0.0.1\n"}

// resolve gives the namespace those files for its own.
func (n *NS) resolve(t testing.TB) {
	t.Helper()
	const all = "/etc/netns"
	own := filepath.Join(all, n.Name)
	t.Cleanup(func() {
		if err := os.RemoveAll(own); err != nil {
			t.Error(err)
		}
		_ = os.Remove(all) // others may be in it
	})
	var err error
	for range 100 {
		// Another test may remove the folder before there is something in it.
		if err = os.MkdirAll(own, 0o755); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for name, content := range resolvers {
		if _, absent := os.Stat(filepath.Join("/etc", name)); absent == nil && err == nil { // ip-netns(8) puts it over that one
			err = os.WriteFile(filepath.Join(own, name), []byte(content), 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Path returns the file that the namespace is mounted on.
func (n *NS) Path() string { return filepath.Join("/run/netns", n.Name) }

// IP runs commands of ip(8), one in each string, in the namespace. One that
// begins with -6 is run for IPv6.
func (n *NS) IP(t testing.TB, commands ...string) {
	t.Helper()
	for len(commands) > 0 {
		options := []string{"-n", n.Name, "-batch", "-"}
		var batch strings.Builder
		_, inet6 := strings.CutPrefix(commands[0], "-6 ")
		if inet6 {
			options = append([]string{"-6"}, options...)
		}
		for len(commands) > 0 {
			command, is6 := strings.CutPrefix(commands[0], "-6 ")
			if is6 != inet6 {
				break
			}
			batch.WriteString(command + "\n")
			commands = commands[1:]
		}
		run(t, strings.NewReader(batch.String()), "ip", options...)
	}
}

// JSON decodes what `ip -j` prints for a command in the namespace.
func (n *NS) JSON(t testing.TB, into any, args ...string) {
	t.Helper()
	out := run(t, nil, "ip", append([]string{"-n", n.Name, "-j"}, args...)...)
	if strings.TrimSpace(out) == "" {
		out = "[]"
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("ip -j %s: %v", strings.Join(args, " "), err)
	}
}

// Patience is how long tests wait for what is bound to come: so long that only a hang
// reaches it, on the slowest machine. No test may depend on how quick a machine is.
const Patience = 5 * time.Minute

// Eventually calls holds again and again until it returns nothing, and fails the test
// with what it returns when Patience is over.
func Eventually(t testing.TB, holds func() (otherwise string)) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(5 * time.Millisecond) {
		otherwise := holds()
		if otherwise == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}

// Settle waits until the links that are up have their IPv6 addresses, and none is
// tentative any longer: the kernel makes them, and joins their multicast groups,
// some time after a link is up.
func (n *NS) Settle(t testing.TB) {
	t.Helper()
	Eventually(t, func() string {
		if waits := n.unsettled(t); waits != "" {
			return fmt.Sprintf("namespace %s: %s", n.Name, waits)
		}
		return ""
	})
}

// unsettled says what Settle waits for, nothing when all is there.
func (n *NS) unsettled(t testing.TB) string {
	t.Helper()
	var links []struct {
		Ifname   string `json:"ifname"`
		AddrInfo []struct {
			Local     string `json:"local"`
			Tentative bool   `json:"tentative"`
		} `json:"addr_info"`
	}
	n.JSON(t, &links, "addr", "show", "up")
	for _, l := range links {
		if l.Ifname == "" {
			continue // ip prints {} for links that are not up
		}
		linkLocal := l.Ifname == "lo"
		for _, a := range l.AddrInfo {
			if a.Tentative {
				return a.Local + " stays tentative"
			}
			linkLocal = linkLocal || strings.HasPrefix(a.Local, "fe80:")
		}
		if !linkLocal {
			return l.Ifname + " gets no link-local address"
		}
	}
	return ""
}

// Run runs a program in the namespace and returns what it prints. Its failure
// is the test's.
func (n *NS) Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	NeedsProgram(t, program)
	return run(t, nil, "ip", append([]string{"netns", "exec", n.Name, program}, args...)...)
}

// NFT loads rules of nftables into the namespace.
func (n *NS) NFT(t testing.TB, rules string) {
	t.Helper()
	NeedsProgram(t, "nft")
	run(t, strings.NewReader(rules), "ip", "netns", "exec", n.Name, "nft", "-f", "-")
}

// Sysctl sets a file of /proc/sys/net, named with dots, in the namespace.
func (n *NS) Sysctl(t testing.TB, name, value string) {
	t.Helper()
	n.Do(t, func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0)
	})
}

// Index returns the index of an interface of the namespace.
func (n *NS) Index(t testing.TB, name string) (index uint32) {
	t.Helper()
	n.Do(t, func() error {
		link, err := net.InterfaceByName(name)
		if err == nil {
			index = uint32(link.Index)
		}
		return err
	})
	return index
}

// Do calls f on a thread that is in the namespace. The error that f returns is
// the test's failure.
func (n *NS) Do(t testing.TB, f func() error) {
	t.Helper()
	if err := n.enter(f); err != nil {
		t.Fatal(err)
	}
}

func (n *NS) enter(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// The thread is unlocked only when it is back. It is not simply thrown
		// away, since the process's first thread, which /proc/self means, cannot
		// be.
		runtime.LockOSThread()
		err := n.visit(f)
		if !errors.Is(err, errStranded) {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// errStranded says that the thread could not leave the namespace.
var errStranded = errors.New("the thread could not leave the network namespace")

func (n *NS) visit(f func() error) error {
	back, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(back)
	fd, err := unix.Open(n.Path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: n.Path(), Err: err}
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	err = f()
	if restore := unix.Setns(back, unix.CLONE_NEWNET); restore != nil {
		return errors.Join(err, errStranded, restore)
	}
	return err
}

// Listen listens in the namespace until the test ends.
func (n *NS) Listen(t testing.TB, network, address string) (l net.Listener) {
	t.Helper()
	n.Do(t, func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

// ListenPacket opens an unconnected datagram socket in the namespace until the
// test ends.
func (n *NS) ListenPacket(t testing.TB, network, address string) (c net.PacketConn) {
	t.Helper()
	n.Do(t, func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// Dial connects in the namespace until the test ends.
func (n *NS) Dial(t testing.TB, network, address string) (c net.Conn) {
	t.Helper()
	n.Do(t, func() (err error) {
		c, err = net.Dial(network, address)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// Socket opens a socket in the namespace until the test ends.
func (n *NS) Socket(t testing.TB, domain, kind, protocol int) (fd int) {
	t.Helper()
	n.Do(t, func() (err error) {
		fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
		return os.NewSyscallError("socket", err)
	})
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func run(t testing.TB, input io.Reader, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = input
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, complaint.String())
	}
	return out.String()
}

// Needs skips the test for reason, or fails it under CI.
func Needs(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("under CI this must not be missing: %s", reason)
	}
	t.Skip(reason)
}

// NeedsRoot is for tests that make namespaces.
func NeedsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Needs(t, "needs root to make network namespaces")
	}
}

// NeedsProgram is for tests that run a program.
func NeedsProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		Needs(t, "needs the program "+name)
	}
}

// NeedsKernel is for tests of what only kernels with a build option have
// ("CONFIG_VLAN_8021Q"). A kernel without it skips the test, under CI too.
func NeedsKernel(t testing.TB, option string) {
	t.Helper()
	if !HasKernel(t, option) {
		t.Skipf("this kernel lacks %s", option)
	}
}

// HasKernel reports whether the kernel has a build option, for tests that
// expect something else of one that has not. A name without "CONFIG_" fails the test:
// every kernel would seem to lack it.
func HasKernel(t testing.TB, option string) bool {
	t.Helper()
	if !strings.HasPrefix(option, "CONFIG_") {
		t.Fatalf("%q is no build option of a kernel, and none would have it", option)
	}
	config, err := kernelConfig()
	if err != nil {
		Needs(t, "needs the kernel's configuration: "+err.Error())
	}
	defer config.Close()
	lines := bufio.NewScanner(config)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), option+"="); ok && (value == "y" || value == "m") {
			return true
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("read the kernel's configuration: %v", err)
	}
	return false
}

// KernelSince reports whether the kernel is at least of a version.
func KernelSince(t testing.TB, major, minor int) bool {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatalf("uname: %v", err)
	}
	var a, b int
	release := unix.ByteSliceToString(name.Release[:])
	if _, err := fmt.Sscanf(release, "%d.%d", &a, &b); err != nil {
		t.Fatalf("the kernel's release %q: %v", release, err)
	}
	return a > major || a == major && b >= minor
}

// kernelConfig opens the configuration that the running kernel was built with.
func kernelConfig() (io.ReadCloser, error) {
	file, err := os.Open("/proc/config.gz")
	if err == nil {
		z, err := gzip.NewReader(file)
		if err != nil {
			file.Close()
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{z, file}, nil
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, os.NewSyscallError("uname", err)
	}
	return os.Open("/boot/config-" + unix.ByteSliceToString(name.Release[:]))
}
