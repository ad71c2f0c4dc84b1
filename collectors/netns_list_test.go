package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// unnamed starts a process in a network namespace of its own that has no name,
// and returns its PID.
func unnamed(t *testing.T) int {
	t.Helper()
	nstest.NeedsRoot(t)
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid
}

// inodeOf returns what the kernel prints for a namespace's file.
func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	stat, err := os.Stat(path)
	must(t, err)
	return stat.Sys().(*syscall.Stat_t).Ino
}

func TestNamespaces(t *testing.T) {
	here, there := nstest.New(t), nstest.New(t)
	pid := unnamed(t)
	// A name that another file of the namespace has, too, with a blank.
	second := filepath.Join(t.TempDir(), "a second place")
	must(t, os.WriteFile(second, nil, 0o600))
	must(t, unix.Mount(there.Path(), second, "", unix.MS_BIND, ""))
	defer unix.Unmount(second, unix.MNT_DETACH)
	here.IP(t, "netns set "+there.Name+" 42")

	k := open(t, here)
	byInode := make(map[uint64]netstat.Namespace)
	found := all(t, k.Namespaces(t.Context()))
	for _, n := range found {
		byInode[n.Inode] = n
	}
	if len(byInode) != len(found) {
		t.Errorf("%d namespaces, %d inodes", len(found), len(byInode))
	}
	if n := found[0]; !n.Current || n.Inode != inodeOf(t, here.Path()) || !slices.Equal(n.Names, []string{here.Name}) || n.Label() != here.Name {
		t.Errorf("the first is %+v", n)
	}
	n := byInode[inodeOf(t, there.Path())]
	if want := []string{there.Path(), second}; !slices.Equal(n.Paths, slices.Sorted(slices.Values(want))) || !slices.Equal(n.Names, []string{there.Name}) ||
		n.ID != netstat.Known[int32](42) || n.Current || len(n.Processes) != 0 {
		t.Errorf("%+v, want the paths %v and the number 42", n, want)
	}
	n = byInode[inodeOf(t, fmt.Sprintf("/proc/%d/ns/net", pid))]
	if len(n.Processes) != 1 || n.Processes[0].PID != int32(pid) || n.Processes[0].Name != "sleep" || len(n.Names)+len(n.Paths) != 0 || n.Label() != fmt.Sprint("pid:", pid) {
		t.Errorf("the unnamed one: %+v", n)
	}
	n = byInode[inodeOf(t, "/proc/self/ns/net")]
	if !slices.ContainsFunc(n.Processes, func(p netstat.Process) bool { return p.PID == int32(os.Getpid()) }) {
		t.Errorf("the test's own: %d processes", len(n.Processes))
	}
	if !slices.IsSortedFunc(found, func(a, b netstat.Namespace) int { return a.Compare(&b) }) {
		t.Error("they are out of order")
	}

	inode := inodeOf(t, there.Path())
	for _, which := range []string{there.Name, there.Path(), second, "id:42", fmt.Sprintf("net:[%d]", inode)} {
		if n, err := k.FindNamespace(t.Context(), which); err != nil || n.Inode != inode {
			t.Errorf("%s is %+v, %v", which, n, err)
		}
	}
	if n, err := k.FindNamespace(t.Context(), fmt.Sprint("pid:", pid)); err != nil || len(n.Processes) != 1 {
		t.Errorf("by process: %+v, %v", n, err)
	}
	for _, which := range []string{"nosuchname", "/nosuch/path", "id:43", "net:[1]", "pid:1073741824"} {
		if n, err := k.FindNamespace(t.Context(), which); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is %+v, %v", which, n, err)
		}
	}
	for _, which := range []string{"id:x", "pid:", "net:[x]"} {
		if n, err := k.FindNamespace(t.Context(), which); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is %+v, %v", which, n, err)
		}
	}
}

func TestInEveryNamespace(t *testing.T) {
	here, there := nstest.New(t), nstest.New(t)
	pid := unnamed(t)
	here.ListenPacket(t, "udp4", "127.0.0.1:9001")
	there.ListenPacket(t, "udp4", "127.0.0.1:9002")
	var hidden net.PacketConn
	ns, err := OpenNetNSOf(pid)
	must(t, err)
	must(t, ns.Do(func() (err error) {
		hidden, err = net.ListenPacket("udp4", "0.0.0.0:9003")
		return err
	}))
	must(t, ns.Close())
	defer hidden.Close()

	k := open(t, here)
	where := make(map[uint16][]string)
	for row, err := range InEvery(t.Context(), k, func(k *Kernel, ctx context.Context) iter.Seq2[netstat.Socket, error] {
		return k.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}})
	}) {
		if err != nil {
			// Other tests' namespaces may go while they are read.
			if row.Namespace == nil || row.Namespace.Label() == here.Name || row.Namespace.Label() == there.Name {
				t.Errorf("%+v: %v", row.Namespace, err)
			}
			continue
		}
		if port := row.Row.Local.Port(); port >= 9001 && port <= 9003 {
			where[port] = append(where[port], row.Namespace.Label())
		}
	}
	for port, label := range map[uint16]string{9001: here.Name, 9002: there.Name, 9003: fmt.Sprint("pid:", pid)} {
		if !slices.Contains(where[port], label) {
			t.Errorf("port %d is in %v, not in %s", port, where[port], label)
		}
	}
}

// closesAllBut waits until so many descriptors are open. A thread that was in
// another namespace closes the file of its own one when it is back.
func closesAllBut(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(nstest.Patience); openDescriptors(t) > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors are open, before %d", openDescriptors(t), before)
		}
	}
}

func TestInEveryNamespaceDoesNotLeak(t *testing.T) {
	k := open(t, nstest.New(t))
	nstest.New(t)
	unnamed(t)
	before, threadsBefore, namespace := 0, 0, inodeOf(t, "/proc/self/ns/net")
	tasks := func() []os.DirEntry {
		entries, err := os.ReadDir("/proc/self/task")
		must(t, err)
		return entries
	}
	for round := range 10 {
		for range InEvery(t.Context(), k, (*Kernel).Interfaces) {
			if round%2 == 1 {
				break
			}
		}
		if round == 1 { // what is opened once and kept is open now
			before, threadsBefore = openDescriptors(t), len(tasks())
		}
	}
	closesAllBut(t, before)
	// Eight rounds enter three namespaces each, or more; now and then the
	// runtime starts a thread of its own accord.
	threads := tasks()
	if len(threads) > threadsBefore+16 {
		t.Errorf("there are %d threads, before %d", len(threads), threadsBefore)
	}
	// Every thread is where the process is.
	for end := time.Now().Add(nstest.Patience); ; time.Sleep(10 * time.Millisecond) {
		strays := 0
		for _, thread := range threads {
			if stat, err := os.Stat("/proc/self/task/" + thread.Name() + "/ns/net"); err == nil && stat.Sys().(*syscall.Stat_t).Ino != namespace {
				strays++
			}
		}
		if strays == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d threads are in another namespace", strays)
		}
	}
}

func TestNamespaceThatIsGone(t *testing.T) {
	k := open(t, nstest.New(t))
	gone := netstat.Namespace{Device: 4, Inode: 1, Names: []string{"gone"}, Paths: []string{"/run/netns/nstest-gone"}}
	if _, err := OpenNamespace(&gone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened: %v", err)
	}
	// The name of another namespace by now.
	n := nstest.New(t)
	replaced := netstat.Namespace{Device: 4, Inode: 1, Names: []string{n.Name}, Paths: []string{n.Path()}}
	if _, err := OpenNamespace(&replaced); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened: %v", err)
	}
	// A name that was unmounted, of which a file is left.
	unmounted := netstat.Namespace{Device: 4, Inode: 1, Names: []string{"left"}, Paths: []string{filepath.Join(t.TempDir(), "left")}}
	must(t, os.WriteFile(unmounted.Paths[0], nil, 0o600))
	if _, err := OpenNamespace(&unmounted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened: %v", err)
	}
	if !inOne(t.Context(), k, &replaced, (*Kernel).Interfaces, func(netstat.InNamespace[netstat.Interface], error) bool {
		t.Error("there is a row")
		return true
	}) {
		t.Error("the others are left out")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rowsUntilError(InEvery(ctx, k, (*Kernel).Interfaces)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	id, err := open(t, n).Identity(t.Context())
	must(t, err)
	again, err := open(t, n).Identity(t.Context())
	must(t, err)
	others, err := open(t, other).Identity(t.Context())
	must(t, err)
	if boot := strings.TrimSpace(readFile(t, "/proc/sys/kernel/random/boot_id")); id.BootID != boot || id.Inode != inodeOf(t, n.Path()) || !id.Cookie.IsKnown() {
		t.Errorf("%+v, want boot %s and inode %d", id, boot, inodeOf(t, n.Path()))
	}
	if id != again || id.Cookie == others.Cookie || id.Inode == others.Inode || id.BootID != others.BootID {
		t.Errorf("%+v, again %+v, the other's %+v", id, again, others)
	}
}

func TestParseMountinfo(t *testing.T) {
	type mount struct {
		key  nsKey
		path string
	}
	got, err := parsed("24 1 0:22 / /sys rw - sysfs sysfs rw\n2121 24 0:4 net:[4026532281] /run/netns/a\\040b\\134 rw shared:3 master:1 - nsfs nsfs rw\n"+
		"9 1 0:4 mnt:[1] /x rw - nsfs nsfs rw\n9 1 0:4 net:[1] /x rw - fake nsfs rw\n"+
		// What is not understood is passed over.
		"1 2 3\n\n1 2 0:4 net:[1] /x rw nsfs\n1 2 0:4 net:[1] /x rw -\n1 2 04 net:[1] /x rw - nsfs nsfs rw\n1 2 0:4 net:[x] /x rw - nsfs nsfs rw\n1 2 0:4 net:[1 /x rw - nsfs nsfs rw\n"+
		// A blank of Unicode's is none of the kernel's.
		"30 1 0:5 / /mnt/x\u00a0- rw - tmpfs none rw\n31 24 0:4 net:[4026532282] /run/netns/c\u2003d rw - nsfs nsfs rw\n", func(l *lines, each func(mount) bool) {
		parseMountinfo(l, func(key nsKey, path string) { each(mount{key, path}) })
	})
	want := []mount{{nsKey{4, 4026532281}, `/run/netns/a b\`}, {nsKey{4, 4026532282}, "/run/netns/c\u2003d"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if id, err := parseNSID(append(make([]byte, 4), attribute(netnsaNSID, 255, 255, 255, 255)...)); err != nil || id.IsKnown() {
		t.Errorf("no number: %v, %v", id, err)
	}
	for _, bad := range [][]byte{nil, append(make([]byte, 4), attribute(netnsaNSID, 1)...)} {
		if id, err := parseNSID(bad); err == nil {
			t.Errorf("% x is %v", bad, id)
		}
	}
}

func FuzzParseMountinfo(f *testing.F) {
	fuzzLines(f, "/proc/self/mountinfo", func(l *lines) { parseMountinfo(l, func(nsKey, string) {}) }, "1 2 0:4 net:[1] /x\\040 rw - nsfs nsfs rw\n")
}

func FuzzParseNSID(f *testing.F) {
	f.Add(append(make([]byte, 4), attribute(netnsaNSID, native(uint32(42))...)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		if id, err := parseNSID(body); err == nil && id.Or(0) < 0 {
			t.Errorf("% x is %v", body, id)
		}
	})
}
