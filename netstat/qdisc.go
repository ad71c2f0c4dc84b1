package netstat

import (
	"context"
	"fmt"
	"iter"
)

// TrafficHandle names a queueing discipline or a class: a major number in the
// upper 16 bits and a minor one in the lower (include/uapi/linux/pkt_sched.h).
type TrafficHandle uint32

// Handles that stand for a place.
const (
	TrafficRoot    TrafficHandle = 0xFFFFFFFF // TC_H_ROOT
	TrafficIngress TrafficHandle = 0xFFFFFFF1 // TC_H_INGRESS, TC_H_CLSACT
)

// String returns the handle as tc(8) has it: "root", "ingress", "1:10".
func (h TrafficHandle) String() string {
	switch h {
	case TrafficRoot:
		return "root"
	case TrafficIngress:
		return "ingress"
	}
	if h&0xFFFF == 0 {
		return fmt.Sprintf("%x:", uint32(h)>>16)
	}
	return fmt.Sprintf("%x:%x", uint32(h)>>16, uint32(h)&0xFFFF)
}

// QueueStatistics are the counters of a queueing discipline or a class
// (include/uapi/linux/gen_stats.h). What the kernel keeps in 32 bits wraps:
// Drops, Requeues and Overlimits.
type QueueStatistics struct {
	Octets  Optional[uint64]
	Packets Optional[uint64]
	// Drops are packets that were given up, Overlimits those that had to wait
	// for their turn by a rate, and Requeues those that the device refused.
	Drops, Overlimits, Requeues Optional[uint32]
	// Backlog is the bytes that wait, Queued the packets.
	Backlog, Queued Optional[uint32]
	// OctetRate and PacketRate are a second's, where an estimator was set up.
	OctetRate, PacketRate Optional[uint64]
}

// Qdisc is a queueing discipline of an interface.
type Qdisc struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Kind      string `json:"queueing"`       // "fq_codel", "htb", "noqueue"
	Handle    TrafficHandle
	Parent    TrafficHandle
	// Offloaded is known where the driver says whether the device does the
	// work.
	Offloaded  Optional[bool]
	Statistics QueueStatistics `json:",inline"`
}

// TrafficClass is a class of a queueing discipline.
type TrafficClass struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Kind      string `json:"queueing"`       // the discipline's
	Handle    TrafficHandle
	Parent    TrafficHandle
	// Leaf is the handle of the discipline inside, 0 for none.
	Leaf       TrafficHandle   `json:",omitzero"`
	Statistics QueueStatistics `json:",inline"`
}

// TrafficReader reads what queues in front of interfaces.
// Errors of its methods are as for [Stack].
type TrafficReader interface {
	// Qdiscs yields the queueing disciplines of every interface.
	Qdiscs(ctx context.Context) iter.Seq2[Qdisc, error]
	// TrafficClasses yields the classes of one interface.
	TrafficClasses(ctx context.Context, index uint32) iter.Seq2[TrafficClass, error]
}
