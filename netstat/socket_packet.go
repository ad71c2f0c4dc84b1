package netstat

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// PacketSocket is a socket that takes packets from the devices themselves
// (packet(7)): what a peer of bpf(4) is on the BSDs.
type PacketSocket struct {
	Type SocketType // SocketRaw with the link header, SocketDatagram without, or SocketPacket
	// Protocol is the EtherType that it receives, EtherTypeAll for all, and 0
	// for none.
	Protocol uint16 `form:"ethertype"`
	// Interface is the index of the device that it is bound to; 0 means all.
	Interface uint32 `json:"interfaceIndex,omitzero"`
	Flags     PacketFlags

	// Version is that of the ring's headers: 0 for TPACKET_V1, 1 for
	// TPACKET_V2, 2 for TPACKET_V3.
	Version       uint32 `json:"ringVersion"`
	Reserve       uint32 // bytes in front of each frame (PACKET_RESERVE)
	CopyThreshold uint32 // PACKET_COPY_THRESH
	Timestamp     uint32 // SOF_TIMESTAMPING_* (PACKET_TIMESTAMP)

	// Receive and Transmit are the rings that are shared with the process, nil
	// where there are none.
	Receive     *PacketRing            `json:"receiveRing,inline"`
	Transmit    *PacketRing            `json:"transmitRing,inline"`
	Fanout      Optional[PacketFanout] `json:"fanout,inline"` // unknown: in no group
	Memberships []PacketMembership

	// Filter is the classic BPF program that selects packets (SO_ATTACH_FILTER,
	// AttachFilter in libpcap): struct sock_filter, 8 bytes an instruction, in
	// this machine's byte order. Known and empty when there is none that the
	// kernel tells, which does not tell extended BPF programs (SO_ATTACH_BPF).
	// Unknown without CAP_NET_ADMIN.
	Filter Optional[[]byte] `form:"hexbytes"`

	// Drops counts packets dropped for lack of buffer. Unknown for sockets with
	// a receive ring: the kernel counts those where only their process can see
	// them (PACKET_STATISTICS), as it does what it received.
	Drops  Optional[uint32]
	Memory Optional[SocketMemory] `json:",inline"`

	UID       Optional[uint32]
	Inode     uint32 // sockfs inode
	Cookie    uint64 // SO_COOKIE
	Processes Optional[[]Process]
}

// EtherTypeAll is the protocol of packet sockets that receive every protocol
// (ETH_P_ALL, include/uapi/linux/if_ether.h).
const EtherTypeAll = 3

// PacketFlags describe a packet socket (PDI_*, include/uapi/linux/packet_diag.h).
type PacketFlags uint32

// Packet flags.
const (
	PacketRunning PacketFlags = 1 << iota // receives
	PacketAuxData                         // PACKET_AUXDATA
	PacketOrigDev                         // PACKET_ORIGDEV
	PacketVNetHdr                         // PACKET_VNET_HDR
	PacketLoss                            // PACKET_LOSS
)

// Has reports whether the set holds all of those.
func (f PacketFlags) Has(those PacketFlags) bool { return f&those == those }

// String returns the flags' names, joined by commas.
func (f PacketFlags) String() string {
	return flagNames(uint32(f), []string{"running", "auxdata", "origdev", "vnet_hdr", "loss"})
}

// PacketRing is the geometry of a ring (PACKET_RX_RING, PACKET_TX_RING).
type PacketRing struct {
	BlockSize, Blocks uint32 // bytes, number
	FrameSize, Frames uint32 // bytes, number
	// Of TPACKET_V3.
	RetireTimeout time.Duration // after which a block that is not full is handed over, to the millisecond
	PrivateSize   uint32        // bytes at each block's beginning
	Features      uint32        // TP_FT_REQ_*
}

// PacketFanout is the group that shares out packets among its sockets
// (PACKET_FANOUT).
type PacketFanout struct {
	Group uint16
	Mode  uint16 // PACKET_FANOUT_* with flags
}

// String returns the mode's name without its flags.
func (f PacketFanout) String() string {
	names := [...]string{"hash", "lb", "cpu", "rollover", "rnd", "qm", "cbpf", "ebpf"}
	if mode := f.Mode & 0xff; int(mode) < len(names) {
		return names[mode]
	}
	return fmt.Sprintf("mode %d", f.Mode&0xff)
}

// PacketMembership is what a packet socket makes a device receive
// (PACKET_ADD_MEMBERSHIP).
type PacketMembership struct {
	Interface uint32 `json:"interfaceIndex"` // index
	Count     uint32 // how often it was asked for
	Type      uint16 // PACKET_MR_*: 0 multicast, 1 promiscuous, 2 all multicast, 3 unicast
	Address   HardwareAddress
}

// PacketReader reads packet sockets.
// Errors of its method are as for [Stack].
type PacketReader interface {
	// PacketSockets yields the packet sockets, in no particular order.
	PacketSockets(ctx context.Context, q EndpointQuery) iter.Seq2[PacketSocket, error]
}
