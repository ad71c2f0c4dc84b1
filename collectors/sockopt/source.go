package sockopt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Source tells the options of the sockets of every namespace. Its methods may be called
// concurrently. It loads nothing before it is asked.
type Source struct {
	mu     sync.Mutex
	loaded map[listing]*iterator
	failed map[listing]failure
	types  *kernelTypes
	hz     uint64
	// folder is where programs may be pinned, empty for nowhere.
	folder string

	// leastOnly has programs by the last of their list's means, for tests.
	leastOnly bool
}

// failure is why a program was not loaded.
type failure struct {
	err error
	at  time.Time
}

// failedFor is for how long a program is not tried again that could not be loaded. What the kernel cannot do it will
// not be able to do later, but a want of files, which may be why, passes.
const failedFor = time.Minute

// iterator is a program that can be run in any namespace.
type iterator struct {
	*layout
	name string
	open func() (io.ReadCloser, error)
	// program and link are nil of one that somebody else has loaded.
	program *ebpf.Program
	link    *link.Iter
}

// New returns a source. Where the privilege to load programs is missing, those that [Pin]
// left in a folder are used; an empty one stands for none.
func New(folder string) *Source {
	return &Source{loaded: make(map[listing]*iterator), failed: make(map[listing]failure), folder: folder}
}

// Close unloads the programs. The error joins those of closing their file descriptors. Closing
// again is no error.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for list, i := range s.loaded {
		errs = append(errs, i.close())
		delete(s.loaded, list)
	}
	return errors.Join(errs...)
}

func (i *iterator) close() error {
	if i.link == nil {
		return nil
	}
	return errors.Join(i.link.Close(), i.program.Close())
}

// ReadSocketOptions reads the options of those sockets of the namespace that the calling
// thread is in.
//
// The error matches fs.ErrPermission without CAP_BPF and CAP_PERFMON, where no programs
// of this version are pinned, and netstat.ErrNotSupported where the kernel lacks what is
// needed, which it names.
func (s *Source) ReadSocketOptions(ctx context.Context, q netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	listed, err := s.read(ctx, listing{protocol: q.Protocol})
	if err != nil {
		return nil, err
	}
	threshold := pingPongThreshold(q.Protocol)
	find := s.view(listed, q.Settings, threshold)
	if !q.Bound || q.Protocol != netstat.TCP {
		return find, nil
	}
	// Iterators of TCP show no sockets that only have a port. Few hosts have any: the files
	// of processes are walked when one is missed.
	list := listing{q.Protocol, true}
	if _, err := s.iterator(list); err != nil {
		return find, err
	}
	nothing := func(uint64, netstat.Family) *netstat.SocketOptions { return nil }
	findHeld, unnamed := netstat.SocketOptionTable(nothing), true
	return func(cookie uint64, family netstat.Family) *netstat.SocketOptions {
		if o := find(cookie, family); o != nil {
			return o
		}
		if o := findHeld(cookie, family); o != nil || !unnamed {
			return o
		}
		// One that had no cookie may have this one now.
		findHeld, unnamed = nothing, false
		if held, err := s.read(ctx, list); err == nil {
			findHeld, unnamed = s.view(held, q.Settings, threshold), held.unnamed > 0
		}
		return findHeld(cookie, family)
	}, nil
}

// read runs a program, which it loads if it is not yet.
func (s *Source) read(ctx context.Context, list listing) (*table, error) {
	i, err := s.iterator(list)
	if err != nil {
		return nil, err
	}
	t := newTable(i.layout)
	return t, i.each(ctx, func(records []byte) (bool, error) { return true, t.add(records) })
}

// view reads options of a table for a namespace: settings are those of the query, and
// pingPong is its pingPongThreshold.
func (s *Source) view(t *table, settings map[netstat.Family]*netstat.SocketOptions, pingPong uint64) netstat.SocketOptionTable {
	v := view{table: t, reader: reader{layout: t.layout, hz: s.hz, settings: settings, pingPong: pingPong}}
	v.options = make([]*netstat.SocketOptions, len(t.distinct))
	return v.of
}

// pingPongThreshold is from how many on acknowledgements wait for data to go with, which
// is a setting of the namespace since Linux 6.7. It was a constant before, not the same in
// every kernel: then it is 0, as it is for protocols that acknowledge nothing.
func pingPongThreshold(p netstat.Protocol) uint64 {
	if p != netstat.TCP {
		return 0
	}
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_pingpong_thresh")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 8)
	return n
}

// iterator returns the program of a list, which it loads if it is not yet.
func (s *Source) iterator(list listing) (*iterator, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.loaded[list]; i != nil {
		return i, nil
	}
	if f, failed := s.failed[list]; failed && time.Since(f.at) < failedFor {
		return nil, f.err
	}
	i, err := s.load(list)
	if err != nil {
		err = explain(err)
		s.failed[list] = failure{err, time.Now()}
		return nil, err
	}
	s.loaded[list] = i
	return i, nil
}

func (s *Source) load(list listing) (*iterator, error) {
	if s.types == nil {
		types, err := loadTypes()
		if err != nil {
			return nil, err
		}
		s.types = types
	}
	i, err := s.attach(list)
	if err != nil || s.hz != 0 {
		return i, err
	}
	// Times are in ticks.
	clock := listing{protocol: netstat.UDP}
	udp := i
	if list != clock {
		if udp, err = s.attach(clock); err != nil {
			return nil, errors.Join(err, i.close())
		}
		s.loaded[clock] = udp
	}
	if s.hz, err = udp.ticks(); err != nil {
		delete(s.loaded, clock)
		return nil, errors.Join(err, udp.close())
	}
	return i, nil
}

// attach loads a program and makes a link of it, by the best means that the kernel lets it have.
func (s *Source) attach(list listing) (i *iterator, err error) {
	means := list.means()
	if s.leastOnly {
		means = means[len(means)-1:]
	}
	for _, by := range means {
		if i, err = s.attachBy(list, by); err == nil || !refuses(err) {
			break
		}
	}
	return i, err
}

// refuses reports whether an error says that this program may not be loaded, but another one may. Any other error is
// of something that is wanting, and may be there later.
func refuses(err error) bool {
	verified := errors.As(err, new(*ebpf.VerifierError)) && !errors.Is(err, unix.EAGAIN)
	return verified || errors.Is(err, unix.EPERM) // another one may be pinned
}

func (s *Source) attachBy(list listing, by means) (*iterator, error) {
	l, err := newLayout(s.types, list, by)
	if err != nil {
		return nil, err
	}
	spec, err := l.program(s.types)
	if err != nil {
		return nil, err
	}
	name := pinName(spec)
	program, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{KernelTypes: s.types.spec})
	if errors.Is(err, unix.EPERM) && s.folder != "" {
		return s.findPinned(l, name, err)
	}
	if err != nil {
		return nil, err
	}
	attached, err := link.AttachIter(link.IterOptions{Program: program})
	if err != nil {
		program.Close()
		return nil, err
	}
	return &iterator{l, name, attached.Open, program, attached}, nil
}

// loadTypes reads the type information of the running kernel.
func loadTypes() (*kernelTypes, error) {
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return nil, err
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	return newTypes(spec, b, uint8(unsafe.Sizeof(uintptr(0))))
}

// newTypes makes types of a specification and the type information that it is of.
func newTypes(spec *btf.Spec, b []byte, pointerSize uint8) (*kernelTypes, error) {
	wanted := make(map[string]bool)
	for _, s := range slots {
		for _, p := range s.places {
			if p.bit != "" {
				wanted[p.bit] = true
			}
		}
	}
	bits, err := findEnumerators(b, wanted)
	if err != nil {
		return nil, err
	}
	return &kernelTypes{spec: spec, bits: bits, pointer: pointerSize, big: binary.NativeEndian.Uint16([]byte{0, 1}) == 1}, nil
}

// each calls f with records of the sockets of the calling thread's namespace, as many
// as come at a time, until it returns false.
func (i *iterator) each(ctx context.Context, f func(records []byte) (more bool, err error)) error {
	file, err := i.open()
	if err != nil {
		return explain(err)
	}
	defer file.Close()
	b := make([]byte, 64<<10)
	kept := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := file.Read(b[kept:])
		if errors.Is(err, unix.EAGAIN) {
			continue // the kernel has looked at many sockets and written nothing
		}
		kept += n
		whole := kept - kept%i.size
		if more, err := f(b[:whole]); err != nil || !more {
			return err
		}
		kept = copy(b, b[whole:kept])
		if err == io.EOF {
			if kept > 0 {
				return fmt.Errorf("%w: %d bytes behind the last", errMalformedRecords, kept)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// errNoOwnSocket says that the kernel did not show a socket that is there.
var errNoOwnSocket = errors.New("a socket of one's own is not among those that the kernel tells of")

// ticks finds out how many ticks of the kernel a second has: of a socket of its own,
// which waits for so many seconds.
func (i *iterator) ticks() (hz uint64, err error) {
	const seconds = 1000
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: seconds}); err != nil {
		return 0, os.NewSyscallError("setsockopt", err)
	}
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	if err != nil {
		return 0, os.NewSyscallError("getsockopt", err)
	}
	// The iterator shows sockets that have a port.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	err = errNoOwnSocket
	if readErr := i.each(context.Background(), func(records []byte) (bool, error) {
		for ; len(records) > 0; records = records[i.size:] {
			if i.cookie(records) != cookie {
				continue
			}
			if v, ok := i.value(records, slotReceiveTimeout); ok && v%seconds == 0 {
				hz, err = v/seconds, nil
			}
			return false, nil
		}
		return true, nil
	}); readErr != nil {
		return 0, readErr
	}
	return hz, err
}

// explain says in an error what is missing.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) && !errors.As(err, new(*ebpf.VerifierError)):
		if mode := lockdown(); mode == "confidentiality" {
			return fmt.Errorf("options of sockets: the kernel is locked down (%s): %w", mode, fs.ErrPermission)
		}
		if errors.Is(err, errOtherVersion) {
			return fmt.Errorf("options of sockets are told with CAP_BPF and CAP_PERFMON only, and the programs that are pinned are another version's: %w", fs.ErrPermission)
		}
		return fmt.Errorf("options of sockets are told with CAP_BPF and CAP_PERFMON, or by programs that are pinned: %w", fs.ErrPermission)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: this kernel lacks CONFIG_DEBUG_INFO_BTF: %w", netstat.ErrNotSupported, err)
	case errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("%w: this kernel lacks CONFIG_BPF_SYSCALL: %w", netstat.ErrNotSupported, err)
	case errors.Is(err, btf.ErrNotFound), errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, errNoPlace), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w: iterators of sockets need Linux 5.12: %w", netstat.ErrNotSupported, err)
	}
	return err
}

// lockdown is what the kernel is locked down to (kernel_lockdown(7)).
func lockdown() string {
	b, _ := os.ReadFile("/sys/kernel/security/lockdown")
	_, rest, _ := strings.Cut(string(b), "[")
	mode, _, _ := strings.Cut(rest, "]")
	return mode
}
