package netstat

import (
	"context"
	"iter"
)

// XDPSocket is a socket that shares packets with a device's queue (AF_XDP;
// Documentation/networking/af_xdp.rst).
type XDPSocket struct {
	// Interface and Queue are what it is bound to: an interface's index, 0 when
	// it is not bound, and the number of a queue.
	Interface uint32 `json:"interfaceIndex,omitzero"`
	Queue     uint32
	// Receive and Transmit are the entries of its rings, Fill and Completion
	// those of the memory's; unknown where there is none.
	Receive    Optional[uint32] `json:"receiveEntries"`
	Transmit   Optional[uint32] `json:"transmitEntries"`
	Fill       Optional[uint32] `json:"fillEntries"`
	Completion Optional[uint32] `json:"completionEntries"`

	Area       *XDPArea // nil when there is none
	Statistics Optional[XDPStatistics]
	Memory     Optional[SocketMemory] `json:",inline"`
	UID        Optional[uint32]
	Inode      uint32 // sockfs inode
	Cookie     uint64 // SO_COOKIE
	Processes  Optional[[]Process]
}

// XDPArea is the memory that packets lie in (UMEM; struct xdp_diag_umem,
// include/uapi/linux/xdp_diag.h).
type XDPArea struct {
	Size       uint64 // bytes
	ID         uint32
	Pages      uint32
	ChunkSize  uint32 // bytes
	Headroom   uint32 // bytes
	Interface  uint32 `json:"interfaceIndex"` // that it was first bound to
	Queue      uint32 // that it was first bound to
	ZeroCopy   bool
	References uint32 // sockets that share it
}

// XDPStatistics count packets and ring entries since the socket was opened
// (struct xdp_diag_stats).
type XDPStatistics struct {
	ReceiveDropped  uint64 // for other reasons than a full ring
	ReceiveInvalid  uint64 // descriptors
	ReceiveFull     uint64 // dropped because the receive ring was full
	FillEmpty       uint64 // not received because the fill ring was empty
	TransmitInvalid uint64 // descriptors
	TransmitEmpty   uint64 // times that nothing was to be sent
}

// XDPReader reads XDP sockets.
// Errors of its method are as for [Stack].
type XDPReader interface {
	// XDPSockets yields the XDP sockets, in no particular order.
	XDPSockets(ctx context.Context, q EndpointQuery) iter.Seq2[XDPSocket, error]
}
