package netstat

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// Bridge is the family of link-layer forwarding entries, which stand among the
// neighbours (include/linux/socket.h, AF_BRIDGE).
const Bridge Family = 7

// NeighbourState is the state of a neighbour's reachability
// (include/uapi/linux/neighbour.h, NUD_*).
type NeighbourState uint16

// Neighbour states.
const (
	NeighbourIncomplete NeighbourState = 0x01
	NeighbourReachable  NeighbourState = 0x02
	NeighbourStale      NeighbourState = 0x04
	NeighbourDelay      NeighbourState = 0x08
	NeighbourProbe      NeighbourState = 0x10
	NeighbourFailed     NeighbourState = 0x20
	NeighbourNoARP      NeighbourState = 0x40
	NeighbourPermanent  NeighbourState = 0x80
)

var neighbourStateNames = [...]string{"incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"}

// String returns the state's name as ip-neighbour(8) has it, "none" for 0. Bits
// without a name follow in hexadecimal.
func (s NeighbourState) String() string {
	if s == 0 {
		return "none"
	}
	return flagNames(uint32(s), neighbourStateNames[:])
}

// NeighbourFlags are a neighbour's flags (include/uapi/linux/neighbour.h,
// NTF_*; NTF_EXT_* from bit 8 on).
type NeighbourFlags uint32

// Neighbour flags.
const (
	NeighbourUse             NeighbourFlags = 1 << 0
	NeighbourSelf            NeighbourFlags = 1 << 1
	NeighbourMaster          NeighbourFlags = 1 << 2
	NeighbourProxy           NeighbourFlags = 1 << 3
	NeighbourExternallyLearn NeighbourFlags = 1 << 4
	NeighbourOffloaded       NeighbourFlags = 1 << 5
	NeighbourSticky          NeighbourFlags = 1 << 6
	NeighbourRouter          NeighbourFlags = 1 << 7
	NeighbourManaged         NeighbourFlags = 1 << 8
	NeighbourLocked          NeighbourFlags = 1 << 9
)

// Neighbour is a neighbour of a link: what the kernel knows of another host on
// it (ARP, neighbour discovery), or, of the family Bridge, where a bridge or a
// VXLAN device sends frames for a link-layer address.
type Neighbour struct {
	Family    Family // IPv4, IPv6 or Bridge
	Interface uint32 `json:"interfaceIndex"` // index; of a bridge's entry, the port
	// Address is the neighbour's address. Of the family Bridge it is the
	// tunnel's remote end, or the zero Addr.
	Address     netip.Addr
	LinkAddress HardwareAddress // empty while unknown
	State       Optional[NeighbourState]
	// Flags are those that are set. UnknownFlags are those that the source does
	// not tell of; none of them is among Flags.
	Flags, UnknownFlags NeighbourFlags `json:"-"`
	// Protocol is who made the entry, RouteProtocolUnspecified where nobody says.
	Protocol RouteProtocol `json:",omitzero"`
	// Updated is when the entry last changed; the zero time where the source
	// does not tell. It is as exact as the kernel's clock tick.
	Updated time.Time

	// What only forwarding entries have.
	Master    uint32           `json:"masterIndex,omitzero"` // index of the bridge, or 0
	VLAN      uint16           `json:",omitzero"`            // 0: untagged or not filtered
	VNI       Optional[uint32] // of the remote end
	SourceVNI Optional[uint32]
	Port      uint16 `json:",omitzero"`         // UDP port of the remote end, 0 for the device's own
	Via       uint32 `json:"viaIndex,omitzero"` // index of the device towards the remote end, or 0
	NextHopID uint32 `json:",omitzero"`         // of a nexthop object, or 0
}

// Flag returns whether a flag is set.
func (n *Neighbour) Flag(f NeighbourFlags) Optional[bool] { return flag(n.Flags, n.UnknownFlags, f) }

// NeighbourReader reads neighbours.
type NeighbourReader interface {
	// Neighbours yields the neighbours of the families given, of IPv4 and
	// IPv6 where none is given. A family that is given and not there is an error
	// that matches ErrNotSupported, behind the rows of the others.
	Neighbours(ctx context.Context, families ...Family) iter.Seq2[Neighbour, error]
}
