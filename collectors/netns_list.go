package collectors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// nsKey is what a namespace is known by.
type nsKey struct{ device, inode uint64 }

// Namespaces yields the network namespaces that /proc/self/mountinfo names and
// those of the processes whose /proc/PID/ns/net may be read, which for other
// users' needs CAP_SYS_PTRACE. A namespace that only a thread, an open file or a
// socket holds is not found.
func (k *Kernel) Namespaces(ctx context.Context) iter.Seq2[netstat.Namespace, error] {
	return func(yield func(netstat.Namespace, error) bool) {
		all, err := k.namespaces(ctx)
		yieldAll(yield, all, k.readError("list network namespaces", err))
	}
}

func (k *Kernel) namespaces(ctx context.Context) ([]netstat.Namespace, error) {
	found := make(map[nsKey]*netstat.Namespace)
	at := func(key nsKey) *netstat.Namespace {
		n := found[key]
		if n == nil {
			n = &netstat.Namespace{Device: key.device, Inode: key.inode}
			found[key] = n
		}
		return n
	}
	err := k.inside(func() error {
		key, err := netnsKey("/proc/thread-self/ns/net")
		if err == nil {
			at(key).Current = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = readHostLines(ctx, "/proc/thread-self/mountinfo", func(l *lines) {
		parseMountinfo(l, func(key nsKey, path string) {
			n := at(key)
			n.Paths = append(n.Paths, path)
			if filepath.Dir(path) == netnsDir {
				n.Names = append(n.Names, filepath.Base(path))
			}
		})
	})
	if err != nil {
		return nil, err
	}
	err = eachProcess(ctx, func(pid int32, key nsKey) {
		if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
			n := at(key)
			n.Processes = append(n.Processes, netstat.Process{PID: pid, Name: string(bytes.TrimSuffix(comm, []byte("\n")))})
		}
	})
	if err != nil {
		return nil, err
	}

	all := make([]netstat.Namespace, 0, len(found))
	for _, n := range found {
		slices.Sort(n.Paths)
		slices.Sort(n.Names)
		n.Paths, n.Names = slices.Compact(n.Paths), slices.Compact(n.Names)
		slices.SortFunc(n.Processes, func(a, b netstat.Process) int { return int(a.PID) - int(b.PID) })
		gone := false
		_, err := embellish(ctx, func() (err error) {
			n.ID, err = k.namespaceID(ctx, n)
			gone = errors.Is(err, fs.ErrNotExist) && !n.Current
			return err
		})
		if err != nil {
			return nil, err
		}
		if !gone {
			all = append(all, *n)
		}
	}
	slices.SortFunc(all, func(a, b netstat.Namespace) int { return a.Compare(&b) })
	return all, nil
}

func netnsKey(path string) (nsKey, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return nsKey{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return keyOf(&stat), nil
}

func keyOf(stat *unix.Stat_t) nsKey {
	return nsKey{uint64(stat.Dev), stat.Ino}
}

// eachProcess calls each with the processes whose network namespace may be
// known.
func eachProcess(ctx context.Context, each func(pid int32, key nsKey)) error {
	proc, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer proc.Close()
	for {
		names, err := proc.Readdirnames(1024)
		for _, name := range names {
			pid, err := strconv.ParseInt(name, 10, 32)
			if err != nil {
				continue
			}
			// A process that ended, or that may not be looked at.
			if key, err := netnsKey("/proc/" + name + "/ns/net"); err == nil {
				each(int32(pid), key)
			}
		}
		if len(names) == 0 || err != nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// parseMountinfo calls each with the network namespaces that are mounted
// somewhere (proc_pid_mountinfo(5)). A line that is not understood is passed over:
// it is one of many mounts, and hardly a namespace.
//
//	2121 24 0:4 net:[4026532281] /run/netns/blue rw shared:3 - nsfs nsfs rw
func parseMountinfo(l *lines, each func(key nsKey, path string)) {
	for l.next() {
		fields := l.fields()
		dash := slices.IndexFunc(fields, func(f []byte) bool { return string(f) == "-" })
		if dash < 6 || dash+1 >= len(fields) {
			continue
		}
		inode, isNet := bytes.CutPrefix(fields[3], []byte("net:["))
		inode, isWhole := bytes.CutSuffix(inode, []byte("]"))
		if !isNet || !isWhole || string(fields[dash+1]) != "nsfs" {
			continue
		}
		major, minor, _ := bytes.Cut(fields[2], []byte(":"))
		high, okMajor := parseNumber(major)
		low, okMinor := parseNumber(minor)
		number, err := strconv.ParseUint(string(inode), 10, 64)
		if okMajor && okMinor && err == nil {
			each(nsKey{device: unix.Mkdev(high, low), inode: number}, unescapeMount(string(fields[4])))
		}
	}
}

// Attributes of RTM_GETNSID (include/uapi/linux/net_namespace.h).
const (
	netnsaNSID = 1 // NETNSA_NSID
	netnsaFD   = 3 // NETNSA_FD
)

// namespaceID asks which number the stack's namespace knows another one by.
func (k *Kernel) namespaceID(ctx context.Context, n *netstat.Namespace) (netstat.Optional[int32], error) {
	var id netstat.Optional[int32]
	ns, err := openNamespace(n)
	if err != nil {
		return id, err
	}
	defer ns.Close()
	body := appendUint32Attribute(make([]byte, 4), netnsaFD, uint32(ns.file.Fd())) // struct rtgenmsg, padded
	_, err = k.ask(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETNSID, body: body}, func(kind uint16, body []byte) (bool, error) {
		if kind != unix.RTM_NEWNSID {
			return true, nil
		}
		var err error
		id, err = parseNSID(body)
		return true, err
	})
	return id, err
}

// parseNSID reads a struct rtgenmsg and its attributes. A namespace without a
// number has -1.
func parseNSID(body []byte) (netstat.Optional[int32], error) {
	var id netstat.Optional[int32]
	if len(body) < 4 {
		return id, fmt.Errorf("rtgenmsg of %d bytes", len(body))
	}
	var r attributeReader
	for a, rest := r.next(body[4:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == netnsaNSID && r.holds(a, 4) {
			if n := int32(binary.NativeEndian.Uint32(a.value)); n >= 0 {
				id.Set(n)
			}
		}
	}
	return id, r.error()
}

// openNamespace opens a namespace wherever it is still found. The error matches
// fs.ErrNotExist where it is nowhere.
func openNamespace(n *netstat.Namespace) (*NetNS, error) {
	want := nsKey{n.Device, n.Inode}
	var first error
	try := func(path string) *NetNS {
		ns, err := openNetNS(n.Label(), path)
		if err == nil {
			var stat unix.Stat_t
			if err = unix.Fstat(int(ns.file.Fd()), &stat); err == nil && keyOf(&stat) == want {
				return ns
			}
			ns.Close()
			err = fmt.Errorf("open network namespace: %s is another one now: %w", path, fs.ErrNotExist)
		} else if errors.Is(err, errNotNetNS) { // it was unmounted meanwhile
			err = fmt.Errorf("%w: %w", err, fs.ErrNotExist)
		}
		// Lacking permission says more than being gone.
		if first == nil || errors.Is(err, fs.ErrPermission) {
			first = err
		}
		return nil
	}
	for _, path := range n.Paths {
		if ns := try(path); ns != nil {
			return ns, nil
		}
	}
	for _, p := range n.Processes {
		if ns := try(fmt.Sprintf("/proc/%d/ns/net", p.PID)); ns != nil {
			return ns, nil
		}
	}
	if first == nil {
		first = fmt.Errorf("open network namespace %s: %w", n.Label(), fs.ErrNotExist)
	}
	return nil, first
}

// OpenNamespace opens the stack of a namespace that Namespaces found. The error
// matches fs.ErrNotExist when it is gone, and fs.ErrPermission when it may not
// be entered.
func OpenNamespace(n *netstat.Namespace) (*Kernel, error) { return openFound(n, Options{}) }

// OpenNamespace is the function OpenNamespace for a stack that has the same sources of
// socket options as k.
func (k *Kernel) OpenNamespace(n *netstat.Namespace) (*Kernel, error) {
	return openFound(n, Options{SocketOptions: k.optionSources})
}

func openFound(n *netstat.Namespace, options Options) (*Kernel, error) {
	ns, err := openNamespace(n)
	if err != nil {
		return nil, &netstat.ReadError{Op: "open", Source: "netns " + n.Label(), Err: err}
	}
	return openKernel(ns, options)
}

// FindNamespace returns the namespace that which stands for: a name of
// ip-netns(8), a path of its file, "pid:N" for that of a process, "id:N" for the
// number that the stack's namespace knows it by, or "net:[N]" for the inode. The
// error matches fs.ErrNotExist when there is none.
func (k *Kernel) FindNamespace(ctx context.Context, which string) (netstat.Namespace, error) {
	all, err := k.namespaces(ctx)
	if err != nil {
		return netstat.Namespace{}, k.readError("list network namespaces", err)
	}
	is, err := namespaceMatcher(which)
	if err != nil {
		return netstat.Namespace{}, k.readError("find network namespace "+which, err)
	}
	for i := range all {
		if is(&all[i]) {
			return all[i], nil
		}
	}
	err = fs.ErrNotExist
	if pid, ok := strings.CutPrefix(which, "pid:"); ok {
		// A process whose namespace may not be read was passed over above.
		if _, hidden := netnsKey("/proc/" + pid + "/ns/net"); errors.Is(hidden, fs.ErrPermission) {
			err = fmt.Errorf("%w: another user's process may be looked at with CAP_SYS_PTRACE only", hidden)
		}
	}
	return netstat.Namespace{}, k.readError("find network namespace "+which, err)
}

func namespaceMatcher(which string) (func(*netstat.Namespace) bool, error) {
	if text, ok := strings.CutPrefix(which, "pid:"); ok {
		pid, err := strconv.ParseInt(text, 10, 32)
		return func(n *netstat.Namespace) bool {
			return slices.ContainsFunc(n.Processes, func(p netstat.Process) bool { return int64(p.PID) == pid })
		}, err
	}
	if text, ok := strings.CutPrefix(which, "id:"); ok {
		id, err := strconv.ParseInt(text, 10, 32)
		return func(n *netstat.Namespace) bool { return n.ID == netstat.Known(int32(id)) }, err
	}
	if text, ok := strings.CutPrefix(which, "net:["); ok {
		inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
		return func(n *netstat.Namespace) bool { return n.Inode == inode }, err
	}
	if strings.Contains(which, "/") {
		key, err := netnsKey(which)
		return func(n *netstat.Namespace) bool { return key == nsKey{n.Device, n.Inode} }, err
	}
	return func(n *netstat.Namespace) bool { return slices.Contains(n.Names, which) }, nil
}

// InEvery yields the rows of every network namespace of the host, as k finds
// them, one namespace after the other:
//
//	for row, err := range collectors.InEvery(ctx, k, (*collectors.Kernel).Interfaces) {
//
// Each is opened when its turn comes, and
// closed when its rows were yielded. One that is gone by then is left out.
//
// Unlike elsewhere an error does not end the sequence: it is of the namespace
// that its row names, and the others' rows follow. One without a namespace says
// that the namespaces themselves cannot be listed.
func InEvery[T any](ctx context.Context, k *Kernel, read func(*Kernel, context.Context) iter.Seq2[T, error]) iter.Seq2[netstat.InNamespace[T], error] {
	return func(yield func(netstat.InNamespace[T], error) bool) {
		all, err := k.namespaces(ctx)
		if err != nil {
			yield(netstat.InNamespace[T]{}, k.readError("list network namespaces", err))
			return
		}
		for i := range all {
			if err := ctx.Err(); err != nil {
				yield(netstat.InNamespace[T]{}, k.readError("list network namespaces", err))
				return
			}
			if !inOne(ctx, k, &all[i], read, yield) {
				return
			}
		}
	}
}

// inOne yields the rows of one namespace and reports whether more is wanted.
func inOne[T any](ctx context.Context, k *Kernel, n *netstat.Namespace, read func(*Kernel, context.Context) iter.Seq2[T, error], yield func(netstat.InNamespace[T], error) bool) bool {
	of := k
	if !n.Current {
		var err error
		if of, err = k.OpenNamespace(n); errors.Is(err, fs.ErrNotExist) {
			return true
		} else if err != nil {
			return yield(netstat.InNamespace[T]{Namespace: n}, err)
		}
		defer of.Close()
	}
	for row, err := range read(of, ctx) {
		if !yield(netstat.InNamespace[T]{Namespace: n, Row: row}, err) {
			return false
		}
	}
	return true
}
