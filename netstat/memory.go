package netstat

import (
	"context"
	"iter"
	"strings"
)

// MemoryLimits are the three bounds of a protocol's memory in bytes: below Low
// nobody is held back, above Pressure buffers are kept small until usage is
// below Low again, and above High allocations fail (tcp(7), tcp_mem).
type MemoryLimits struct {
	Low      uint64
	Pressure uint64 `json:"pressureLimit"`
	High     uint64
}

// ProtocolMemory is the socket memory of one of the kernel's protocols.
type ProtocolMemory struct {
	Name string // the kernel's: "TCP", "UDPv6", "UNIX-STREAM"
	// ObjectSize is the size of one socket in bytes, buffers not included.
	ObjectSize uint64
	// Sockets is how many there are in the namespace.
	Sockets Optional[int64]
	// Bytes is the memory that buffers of all namespaces' sockets hold.
	// Protocols of one family, such as TCP and TCPv6, share one account and
	// show the same figure. Unknown for protocols that keep none.
	Bytes Optional[uint64]
	// Pressure says whether the account is above its pressure limit and not
	// below its low one since. Unknown for protocols that have no such state.
	Pressure Optional[bool]
	// MaxHeader is the room for headers in front of the payload, in bytes.
	MaxHeader uint32
	// Limits of Bytes; unknown for protocols that have none, and where the
	// process runs in a namespace that does not show them.
	Limits Optional[MemoryLimits] `json:",inline"`
}

// SocketUsage is how many sockets of each sort a namespace has and what they
// hold (/proc/net/sockstat and sockstat6).
type SocketUsage struct {
	// Used is the number of sockets of every family.
	Used Optional[uint64]

	TCP, UDP, UDPLite, Raw     Optional[uint64] // of IPv4
	TCP6, UDP6, UDPLite6, Raw6 Optional[uint64] // of IPv6

	// TCPOrphans are connections that no process holds any longer, TCPTimeWait
	// those that wait in TIME-WAIT, and TCPAllocated all TCP sockets that take
	// memory, of IPv4 and IPv6. TCPOrphans and TCPAllocated count every
	// namespace's.
	TCPOrphans, TCPTimeWait, TCPAllocated Optional[uint64]
	// TCPMaxOrphans and TCPMaxTimeWait are the limits of the first two.
	TCPMaxOrphans, TCPMaxTimeWait Optional[uint64]
	// TCPBytes and UDPBytes are the memory of every namespace's buffers.
	TCPBytes, UDPBytes   Optional[uint64]
	TCPLimits, UDPLimits Optional[MemoryLimits]

	// Fragments and Fragments6 are packets that wait to be reassembled, with
	// the bytes that they hold.
	Fragments, FragmentBytes   Optional[uint64]
	Fragments6, Fragment6Bytes Optional[uint64]
}

// Slab is one of the kernel's caches of objects of one size (slabinfo(5)).
type Slab struct {
	Name                         string
	ActiveObjects, Objects       uint64
	ObjectSize                   uint64 // bytes
	ObjectsPerSlab, BytesPerSlab uint64
	ActiveSlabs, Slabs           uint64
}

// Bytes returns the memory that the cache takes.
func (s *Slab) Bytes() uint64 { return s.Slabs * s.BytesPerSlab }

// IsSocketBuffer reports whether the cache is one of packet buffers (struct
// sk_buff and what belongs to it).
func (s *Slab) IsSocketBuffer() bool { return strings.HasPrefix(s.Name, "skbuff_") }

// MemoryReader reads what the network takes of a host's memory.
// Errors of its methods are as for [Stack].
type MemoryReader interface {
	// ProtocolMemory yields every protocol of the kernel.
	ProtocolMemory(ctx context.Context) iter.Seq2[ProtocolMemory, error]
	// SocketUsage returns the sockets in use.
	SocketUsage(ctx context.Context) (SocketUsage, error)
	// Slabs yields every cache, of the whole host. The kernel lets only root
	// read them: the error matches fs.ErrPermission otherwise.
	Slabs(ctx context.Context) iter.Seq2[Slab, error]
}

// Softnet is what one processor did with received packets. Its counters have
// 32 bits and wrap; they are the whole host's, not a namespace's.
type Softnet struct {
	CPU uint32
	// Processed counts packets, Dropped those for which the backlog had no
	// room, and Squeezed how often work was left because the budget
	// (net.core.netdev_budget) or the time was used up.
	Processed, Dropped, Squeezed uint32
	// SteeredIn counts how often another processor woke this one to process
	// packets (receive packet steering). Linux 2.6.35.
	SteeredIn Optional[uint32]
	// FlowLimited counts packets of large flows that were dropped early
	// (net.core.flow_limit_cpu_bitmap). Linux 3.11.
	FlowLimited Optional[uint32]
	// Backlog is how many packets wait, InputQueue and ProcessQueue its two
	// parts. Linux 5.10 and 6.5.
	Backlog                  Optional[uint32]
	InputQueue, ProcessQueue Optional[uint32]
}

// SoftnetReader reads the receive path of each processor.
// Errors of its method are as for [Stack].
type SoftnetReader interface {
	// Softnet yields the processors that are online, in ascending order.
	Softnet(ctx context.Context) iter.Seq2[Softnet, error]
}
