package netstat

import (
	"cmp"
	"context"
	"slices"
)

// Process is a process that holds a socket open.
type Process struct {
	PID  int32
	Name string // /proc/PID/comm: at most 15 bytes, any bytes but NUL
	// Program is what the program was called by, or calls itself: the first argument in
	// /proc/PID/cmdline, at most 511 bytes of it. It is empty where it was not read, and for a
	// process that has none.
	Program string
	// FD is the lowest of the descriptors by which the process holds the
	// socket.
	FD Optional[int32]
}

// SocketOwnerReader looks at which processes hold sockets.
// Errors of its method are as for [Stack].
type SocketOwnerReader interface {
	// SocketOwners takes one look at all processes, for as many queries as
	// follow (SocketQuery.Owners).
	SocketOwners(ctx context.Context) (*SocketOwners, error)
}

// SocketOwners says which processes hold which sockets, of any family, as of
// one look at all processes. It is immutable.
type SocketOwners struct {
	// Hidden is how many processes could not be looked into for lack of
	// privilege. Sockets that no visible process holds may be theirs.
	Hidden int
	// HiddenPIDs are the PIDs of those in ascending order; nil where only their
	// number is known.
	HiddenPIDs []int32
	// Invisible says that there may be further processes that could not even be
	// counted: /proc is mounted with hidepid= (proc(5)).
	Invisible bool

	// inodes ascend, and processes[i] holds the socket inodes[i]; the processes
	// of one socket ascend by PID.
	inodes    []uint32
	processes []Process
	// starts is where the inodes begin that are at least so many times 1<<shift beyond the first. The kernel counts
	// inodes up, so that there are few between two of these.
	starts []uint32
	shift  uint8
}

// SocketHolding is a process that holds the socket with an inode.
type SocketHolding struct {
	Inode   uint32
	Process Process
}

// NewSocketOwners makes SocketOwners of holdings in any order, which it sorts
// in place. Of several of one process and inode, the one with the lowest
// descriptor counts.
func NewSocketOwners(holdings []SocketHolding) *SocketOwners {
	slices.SortFunc(holdings, func(a, b SocketHolding) int {
		if c := cmp.Compare(a.Inode, b.Inode); c != 0 {
			return c
		}
		if c := cmp.Compare(a.Process.PID, b.Process.PID); c != 0 {
			return c
		}
		return cmp.Compare(a.Process.FD.Or(-1), b.Process.FD.Or(-1))
	})
	holdings = slices.CompactFunc(holdings, func(a, b SocketHolding) bool {
		return a.Inode == b.Inode && a.Process.PID == b.Process.PID
	})
	o := &SocketOwners{inodes: make([]uint32, len(holdings)), processes: make([]Process, len(holdings))}
	for i, h := range holdings {
		o.inodes[i], o.processes[i] = h.Inode, h.Process
	}
	o.divide()
	return o
}

// divide finds where parts of the inodes begin, of which there are at most as many as inodes.
func (o *SocketOwners) divide() {
	n := len(o.inodes)
	if n == 0 {
		return
	}
	span := o.inodes[n-1] - o.inodes[0]
	for uint64(span>>o.shift) >= uint64(n) {
		o.shift++
	}
	o.starts = make([]uint32, span>>o.shift+2)
	for i, inode := range o.inodes {
		o.starts[(inode-o.inodes[0])>>o.shift+1] = uint32(i) + 1
	}
	for i := 1; i < len(o.starts); i++ {
		o.starts[i] = max(o.starts[i], o.starts[i-1])
	}
}

// find returns the place of the first holding of a socket.
func (o *SocketOwners) find(inode uint32) (int, bool) {
	n := len(o.inodes)
	if n == 0 || inode < o.inodes[0] || inode > o.inodes[n-1] {
		return 0, false
	}
	part := (inode - o.inodes[0]) >> o.shift
	start := o.starts[part]
	i, found := slices.BinarySearch(o.inodes[start:o.starts[part+1]], inode)
	return int(start) + i, found
}

// Len returns how many holdings there are.
func (o *SocketOwners) Len() int { return len(o.inodes) }

// Complete reports whether every process was looked into.
func (o *SocketOwners) Complete() bool { return o.Hidden == 0 && !o.Invisible }

// Of returns the processes that hold the socket with the inode, in ascending
// order of PID. It is known and empty when none does, as for an inode of 0, and
// unknown when it may be one that could not be looked into. Unless the look was
// complete, others may hold a socket besides those that are known to. The
// processes are not to be changed.
func (o *SocketOwners) Of(inode uint32) Optional[[]Process] {
	if inode == 0 {
		return Known[[]Process](nil)
	}
	i, found := o.find(inode)
	if !found {
		if !o.Complete() {
			return Optional[[]Process]{}
		}
		return Known[[]Process](nil)
	}
	j := i + 1
	for j < len(o.inodes) && o.inodes[j] == inode {
		j++
	}
	return Known(o.processes[i:j:j])
}
