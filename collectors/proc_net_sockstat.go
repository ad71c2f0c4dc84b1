package collectors

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketUsage returns /proc/net/sockstat and, where the kernel has IPv6,
// sockstat6, with the limits of /proc/sys/net/ipv4.
func (k *Kernel) SocketUsage(ctx context.Context) (netstat.SocketUsage, error) {
	var u netstat.SocketUsage
	read := func(path string) error {
		var malformed error
		return k.readLines(ctx, path, func(l *lines) {
			parseSockstat(l, func(c netstat.Counter) bool {
				if malformed = addSocketUsage(&u, c); malformed != nil {
					l.fail("%w", malformed)
				}
				return malformed == nil
			})
		})
	}
	if err := read("/proc/net/sockstat"); err != nil {
		return netstat.SocketUsage{}, k.readError("read /proc/net/sockstat", absentFile(err))
	}
	if _, err := embellish(ctx, func() error { return read("/proc/net/sockstat6") }); err != nil {
		return netstat.SocketUsage{}, k.readError("read /proc/net/sockstat6", err)
	}
	for _, limit := range []func() error{
		func() (err error) {
			u.TCPMaxOrphans, err = k.setting(ctx, "/proc/sys/net/ipv4/tcp_max_orphans")
			return err
		},
		func() (err error) {
			u.TCPMaxTimeWait, err = k.setting(ctx, "/proc/sys/net/ipv4/tcp_max_tw_buckets")
			return err
		},
		func() (err error) { u.TCPLimits, err = k.memoryLimits(ctx, tcpMemPath); return err },
		func() (err error) { u.UDPLimits, err = k.memoryLimits(ctx, udpMemPath); return err },
	} {
		if _, err := embellish(ctx, limit); err != nil {
			return netstat.SocketUsage{}, k.readError("read /proc/sys/net/ipv4", err)
		}
	}
	return u, nil
}

var errNegative = errors.New("it is negative")

// addSocketUsage puts one figure in its place. Those of other names, of kernels
// to come, are passed over.
func addSocketUsage(u *netstat.SocketUsage, c netstat.Counter) error {
	var into *netstat.Optional[uint64]
	unit := uint64(1)
	switch c.Name {
	case "sockets_used":
		into = &u.Used
	case "TCP_inuse":
		into = &u.TCP
	case "TCP_orphan":
		into = &u.TCPOrphans
	case "TCP_tw":
		into = &u.TCPTimeWait
	case "TCP_alloc":
		into = &u.TCPAllocated
	case "TCP_mem":
		into, unit = &u.TCPBytes, pageSize()
	case "UDP_inuse":
		into = &u.UDP
	case "UDP_mem":
		into, unit = &u.UDPBytes, pageSize()
	case "UDPLITE_inuse":
		into = &u.UDPLite
	case "RAW_inuse":
		into = &u.Raw
	case "FRAG_inuse":
		into = &u.Fragments
	case "FRAG_memory":
		into = &u.FragmentBytes
	case "TCP6_inuse":
		into = &u.TCP6
	case "UDP6_inuse":
		into = &u.UDP6
	case "UDPLITE6_inuse":
		into = &u.UDPLite6
	case "RAW6_inuse":
		into = &u.Raw6
	case "FRAG6_inuse":
		into = &u.Fragments6
	case "FRAG6_memory":
		into = &u.Fragment6Bytes
	default:
		return nil
	}
	n, ok := c.Value.Uint64()
	if !ok {
		return errNegative
	}
	into.Set(n * unit)
	return nil
}

// pageSize is the size of the pages that the kernel counts memory in.
func pageSize() uint64 { return uint64(os.Getpagesize()) }

// The limits of protocols' memory, in pages (Documentation/networking/ip-sysctl.rst).
const (
	tcpMemPath  = "/proc/sys/net/ipv4/tcp_mem"
	udpMemPath  = "/proc/sys/net/ipv4/udp_mem"
	sctpMemPath = "/proc/sys/net/sctp/sctp_mem"
)

// memoryLimits reads one of them. It is unknown where the kernel, or the
// namespace, does not show the file: these are the host's and stand in its first
// namespace only, so the file is opened where the process is.
func (k *Kernel) memoryLimits(ctx context.Context, path string) (netstat.Optional[netstat.MemoryLimits], error) {
	var limits netstat.Optional[netstat.MemoryLimits]
	err := readHostLines(ctx, path, func(l *lines) { limits = parseMemoryLimits(l) })
	if errors.Is(err, fs.ErrNotExist) {
		return limits, nil
	}
	return limits, err
}

func parseMemoryLimits(l *lines) (limits netstat.Optional[netstat.MemoryLimits]) {
	if !l.next() {
		return limits
	}
	fields := l.fields()
	if len(fields) != 3 {
		l.fail("not three numbers of pages")
		return limits
	}
	var pages [3]uint64
	for i := range fields {
		pages[i] = l.uint64(fields[i], 10)
		if pages[i] > 1<<64/4096-1 && pages[i] > (1<<64-1)/pageSize() {
			l.fail("more pages than there can be")
		}
	}
	if l.err != nil {
		return limits
	}
	size := pageSize()
	limits.Set(netstat.MemoryLimits{Low: pages[0] * size, Pressure: pages[1] * size, High: pages[2] * size})
	return limits
}

// setting reads a file of /proc/sys/net that holds one number, unknown where the
// namespace does not have it.
func (k *Kernel) setting(ctx context.Context, path string) (netstat.Optional[uint64], error) {
	var n netstat.Optional[uint64]
	err := k.readLines(ctx, path, func(l *lines) {
		if l.next() {
			if fields := l.fields(); len(fields) != 1 {
				l.fail("not one number")
			} else if value := l.uint64(fields[0], 10); l.err == nil {
				n.Set(value)
			}
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return n, err
}

// readHostLines is readLines for what is the whole host's: the file is opened
// wherever the calling thread is.
func readHostLines(ctx context.Context, path string, parse func(*lines)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	l := newLines(path, contextReader{ctx, f})
	parse(l)
	return l.err
}
