package collectors

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketOwners looks at the descriptors of every process in /proc/*/fd that
// this process's PID namespace shows. Processes that end meanwhile are passed
// over. Other users' processes are hidden without CAP_SYS_PTRACE and
// CAP_DAC_READ_SEARCH.
func (k *Kernel) SocketOwners(ctx context.Context) (*netstat.SocketOwners, error) {
	o, err := readOwners(ctx)
	return o, k.readError("read /proc/*/fd", err)
}

// readOwners looks at the descriptors of every process in /proc (proc(5),
// /proc/pid/fd).
func readOwners(ctx context.Context) (*netstat.SocketOwners, error) {
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	defer unix.Close(proc)

	var pids []int32
	err = readDirectory(proc, make([]byte, 32<<10), func(name []byte) error {
		if pid, ok := parseNumber(name); ok {
			pids = append(pids, int32(pid))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}

	// A descriptor is a system call: the processors share the processes.
	var next atomic.Int64
	readers := make([]fdReader, min(runtime.GOMAXPROCS(0), maxFDReaders))
	var wg sync.WaitGroup
	for i := range readers {
		r := &readers[i]
		wg.Go(func() {
			r.init()
			for r.err == nil {
				i := int(next.Add(1)) - 1
				if i >= len(pids) {
					return
				}
				if r.err = ctx.Err(); r.err == nil {
					r.process(proc, pids[i])
				}
			}
		})
	}
	wg.Wait()

	var held []holding
	var hidden []int32
	names := make(map[int32]called)
	for i := range readers {
		r := &readers[i]
		if r.err != nil {
			return nil, r.err
		}
		hidden = append(hidden, r.hidden...)
		held = append(held, r.held...)
		maps.Copy(names, r.names)
	}
	// Sorted while they are small, and not once more by NewSocketOwners.
	slices.SortFunc(held, func(a, b holding) int {
		return cmp.Or(cmp.Compare(a.inode, b.inode), cmp.Compare(a.pid, b.pid), cmp.Compare(a.fd, b.fd))
	})
	holdings := make([]netstat.SocketHolding, len(held))
	for i, h := range held {
		holdings[i] = netstat.SocketHolding{
			Inode:   h.inode,
			Process: netstat.Process{PID: h.pid, Name: names[h.pid].name, Program: names[h.pid].program, FD: netstat.Known(h.fd)},
		}
	}
	o := netstat.NewSocketOwners(holdings)
	slices.Sort(hidden)
	o.Hidden, o.HiddenPIDs = len(hidden), hidden
	// A PID namespace always has a process 1: where it does not show, /proc is
	// mounted so that it hides other users' processes (hidepid=).
	o.Invisible = !slices.Contains(pids, 1)
	return o, nil
}

// maxFDReaders is how many processors look at processes at most.
const maxFDReaders = 4

// holding is a descriptor of a process for a socket.
type holding struct {
	inode   uint32
	pid, fd int32
}

// fdReader reads the descriptors of processes without allocating for each.
type fdReader struct {
	held   []holding
	names  map[int32]called
	hidden []int32 // processes that could not be looked into
	err    error

	entries []byte
	path    []byte
	link    [64]byte
	text    [maxProgram]byte
}

// called is what a process is called.
type called struct{ name, program string }

// maxProgram is how much of the first argument is read: as much as net-tools reads of all of
// them, which a process may have made as long as it likes.
const maxProgram = 511

func (r *fdReader) init() {
	r.names = make(map[int32]called)
	r.entries, r.path = make([]byte, 32<<10), make([]byte, 0, 32)
}

// process takes note of the sockets that a process holds.
func (r *fdReader) process(proc int, pid int32) {
	name := strconv.AppendInt(make([]byte, 0, 10), int64(pid), 10)
	before := len(r.held)
	err := r.sockets(proc, name, func(fd int32, inode uint32) { r.held = append(r.held, holding{inode, pid, fd}) })
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		r.hidden = append(r.hidden, pid)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH):
		// It ended meanwhile.
	case err != nil:
		r.err = err
	}
	if len(r.held) > before {
		r.names[pid] = called{r.comm(proc, name), r.program(proc, name)}
	}
}

// sockets calls f with the number and the inode of every socket among a
// process's descriptors.
func (r *fdReader) sockets(proc int, pid []byte, f func(fd int32, inode uint32)) error {
	dir, err := r.open(proc, pid, "/fd", unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return readDirectory(dir, r.entries, func(name []byte) error {
		fd, ok := parseNumber(name)
		if !ok {
			return nil // "." and ".."
		}
		// name is followed by its NUL in the directory's entry.
		n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
			uintptr(unsafe.Pointer(&r.link[0])), uintptr(len(r.link)), 0, 0)
		switch errno {
		case 0:
			if inode, ok := parseSocketLink(r.link[:n]); ok {
				f(int32(fd), inode)
			}
			return nil
		case unix.ENOENT:
			return nil // closed meanwhile
		}
		return errno
	})
}

// comm returns a process's name, empty when it ended meanwhile.
func (r *fdReader) comm(proc int, pid []byte) string {
	return string(bytes.TrimSuffix(r.read(proc, pid, "/comm"), []byte("\n")))
}

// program returns the first argument of a process, empty when it ended meanwhile.
func (r *fdReader) program(proc int, pid []byte) string {
	first, _, _ := bytes.Cut(r.read(proc, pid, "/cmdline"), []byte{0})
	return string(first)
}

// read returns the beginning of a file of a process, nothing when it ended meanwhile. It is
// valid until the next call.
func (r *fdReader) read(proc int, pid []byte, file string) []byte {
	fd, err := r.open(proc, pid, file, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, r.text[:])
	if err != nil {
		return nil
	}
	return r.text[:n]
}

func (r *fdReader) open(proc int, pid []byte, file string, flags int) (int, error) {
	r.path = append(append(append(r.path[:0], pid...), file...), 0)
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(proc), uintptr(unsafe.Pointer(&r.path[0])),
		uintptr(flags|unix.O_RDONLY|unix.O_CLOEXEC), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// readDirectory calls f with the name of every entry of a directory.
func readDirectory(dir int, entries []byte, f func(name []byte) error) error {
	for {
		n, err := unix.Getdents(dir, entries)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return err
		}
		if err := parseDirectory(entries[:n], f); err != nil {
			return err
		}
	}
}

// offsetofDirentName is where the name begins in struct linux_dirent64
// (getdents(2)).
const offsetofDirentName = 19

// parseDirectory calls f with each name in what getdents64 returned.
func parseDirectory(b []byte, f func(name []byte) error) error {
	for len(b) >= offsetofDirentName {
		length := int(binary.NativeEndian.Uint16(b[16:]))
		if length <= offsetofDirentName || length > len(b) {
			return errors.New("malformed directory entry")
		}
		name := b[offsetofDirentName:length]
		end := bytes.IndexByte(name, 0)
		if end <= 0 {
			return errors.New("malformed directory entry")
		}
		if err := f(name[:end]); err != nil {
			return err
		}
		b = b[length:]
	}
	return nil
}

// parseSocketLink reads what a socket's descriptor links to: "socket:[1234]".
func parseSocketLink(link []byte) (inode uint32, ok bool) {
	const prefix = "socket:["
	if len(link) <= len(prefix) || string(link[:len(prefix)]) != prefix || link[len(link)-1] != ']' {
		return 0, false
	}
	return parseNumber(link[len(prefix) : len(link)-1])
}

// parseNumber reads an unsigned decimal number of at most 32 bits.
func parseNumber(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(unsafe.String(&b[0], len(b)), 10, 32)
	if err != nil {
		return 0, false
	}
	return uint32(n), true
}
