package netstat

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"time"
)

// MulticastInterfaceFlags are a multicast virtual interface's flags
// (include/uapi/linux/mroute.h, VIFF_*; of IPv6 only VIFF_REGISTER exists, as
// MIFF_REGISTER with the value 1).
type MulticastInterfaceFlags uint32

// Flags of IPv4's multicast interfaces.
const (
	MulticastTunnel      MulticastInterfaceFlags = 0x1 // to Remote
	MulticastSourceRoute MulticastInterfaceFlags = 0x2
	MulticastRegister    MulticastInterfaceFlags = 0x4 // towards the rendezvous point (PIM)
	MulticastByInterface MulticastInterfaceFlags = 0x8 // given by an index instead of an address
)

// MulticastInterface is an interface of the multicast router (a vif).
type MulticastInterface struct {
	Family Family
	Table  uint32 // multicast routing table: by default 253 of IPv4 and 254 of IPv6
	Number uint16 // of the vif, from 0
	// Interface is the index of the device, 0 for a register interface
	// without one.
	Interface uint32 `json:"interfaceIndex,omitzero"`
	// Register says that the vif carries packets to and from a rendezvous
	// point.
	Register                                   bool
	InOctets, InPackets, OutOctets, OutPackets uint64
	// Flags, Local and Remote are of IPv4; the zero Addr where there is none.
	Flags         MulticastInterfaceFlags
	Local, Remote netip.Addr
}

// MulticastOutput is an interface that a multicast route sends to.
type MulticastOutput struct {
	Interface uint32 `json:"interfaceIndex"` // index
	// Threshold is the TTL or hop limit that a packet must exceed.
	Threshold uint8
}

// MulticastRoute is an entry of the multicast forwarding cache.
type MulticastRoute struct {
	Family Family
	Table  uint32 // as MulticastInterface has it
	// Source is the sender, the unspecified address for any.
	Source, Group netip.Addr
	// Input is the index of the interface that packets must arrive on, 0 for
	// an unresolved entry.
	Input   uint32 `json:"inputIndex,omitzero"`
	Outputs []MulticastOutput
	// Unresolved says that the kernel waits for the routing daemon's answer.
	Unresolved bool
	// Packets and Octets were forwarded; WrongInterface counts packets that
	// arrived on another interface. Unknown for unresolved entries.
	Packets, Octets, WrongInterface Optional[uint64]
	// Idle is the time since a packet last used the entry; unknown where the
	// source does not tell.
	Idle Optional[time.Duration]
}

// MulticastRoutingReader reads the multicast router.
// Errors of its methods are as for [Stack].
type MulticastRoutingReader interface {
	// MulticastInterfaces yields the vifs of IPv4 and IPv6.
	MulticastInterfaces(ctx context.Context) iter.Seq2[MulticastInterface, error]
	// MulticastRoutes yields the forwarding cache of every table, IPv4 and
	// IPv6.
	MulticastRoutes(ctx context.Context) iter.Seq2[MulticastRoute, error]
}

// MulticastSource is what an interface's members of a group want of one source:
// how many asked for it to be included, and excluded.
type MulticastSource struct {
	Address            netip.Addr
	Included, Excluded uint64
}

// Membership is a group that an interface is a member of.
type Membership struct {
	Interface uint32     `json:"interfaceIndex"` // index
	Group     netip.Addr // link-local groups carry their zone
	// Users counts who joined: sockets, and the kernel itself.
	Users uint64
	// Timer is how long until the membership is reported, 0 for no report
	// pending; as exact as a hundredth of a second.
	Timer time.Duration
	// Reporter says whether this host was the last to report the group. Known
	// for IPv4.
	Reporter Optional[bool]
	// QuerierVersion is the version of IGMP that the interface speaks, from 1
	// to 3. Known for IPv4.
	QuerierVersion Optional[uint8]
	// Sources are those that somebody filters by, in ascending order.
	Sources []MulticastSource
}

// MulticastGroup is a group that an interface is a member of, as far as rtnetlink(7)
// tells. Membership has the rest, of which the kernel reports no changes.
type MulticastGroup struct {
	Interface uint32     `json:"interfaceIndex"` // index
	Group     netip.Addr // link-local groups carry their zone
	// Joined is the time since boot when the interface became a member, as exact
	// as a hundredth of a second.
	Joined Optional[time.Duration]
}

// MembershipReader reads multicast memberships.
// Errors of its method are as for [Stack].
type MembershipReader interface {
	// Memberships yields the groups of every interface, IPv4's before IPv6's.
	Memberships(ctx context.Context) iter.Seq2[Membership, error]
}

// FilterMode says what a list of sources means (RFC 3376, section 2).
type FilterMode uint8

// Filter modes (include/uapi/linux/in.h, MCAST_*).
const (
	FilterExclude FilterMode = 0 // all but those
	FilterInclude FilterMode = 1 // only those
)

func (m FilterMode) String() string {
	switch m {
	case FilterExclude:
		return "exclude"
	case FilterInclude:
		return "include"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// SocketMembership is a group that a socket is a member of.
type SocketMembership struct {
	Process   Process // one that holds the socket
	Inode     uint32  // sockfs inode
	Interface uint32  `json:"interfaceIndex"` // index
	Group     netip.Addr
	Mode      FilterMode
	Sources   []netip.Addr // in the order of the kernel
}

// SocketMembershipReader reads which sockets joined which groups.
type SocketMembershipReader interface {
	// SocketMemberships yields the memberships of sockets, each socket's once.
	// The error matches fs.ErrPermission where some process that may hold a
	// member is hidden; what was yielded before is valid.
	SocketMemberships(ctx context.Context) iter.Seq2[SocketMembership, error]
}

// BridgeGroup is an entry of a bridge's multicast database: a port that frames
// of a group are sent to (include/uapi/linux/if_bridge.h, MDBA_MDB_*).
type BridgeGroup struct {
	Bridge uint32 `json:"bridgeIndex"` // index
	Port   uint32 `json:"portIndex"`   // index; the bridge's own for groups that the host joined
	VLAN   uint16 `json:",omitzero"`   // 0: none
	// Group is the IPv4 or IPv6 group, the zero Addr where LinkGroup says it.
	Group     netip.Addr
	LinkGroup HardwareAddress `json:"-"`
	// Source is known for source-specific entries.
	Source netip.Addr
	// Permanent entries were configured and do not expire.
	Permanent            bool
	Offloaded, FastLeave bool
	StarExclude, Blocked bool
	// Expires is the remaining lifetime, 0 for entries that do not expire.
	Expires time.Duration
	// Mode and Sources filter, where the port speaks IGMPv3 or MLDv2.
	Mode     Optional[FilterMode]
	Sources  []BridgeGroupSource
	Protocol RouteProtocol // who made the entry
}

// BridgeGroupSource is a source of a group of a bridge port.
type BridgeGroupSource struct {
	Address netip.Addr
	Expires time.Duration // 0: blocked, or it does not expire
}

// BridgeRouterPort is a port of a bridge that has a multicast router behind it.
type BridgeRouterPort struct {
	Bridge    uint32 `json:"bridgeIndex"` // index
	Port      uint32 `json:"portIndex"`   // index
	VLAN      uint16 `json:",omitzero"`   // 0: none
	Permanent bool   // configured
	// Expires is the remaining lifetime, 0 for configured ports.
	Expires time.Duration
}

// BridgeMulticastReader reads bridges' multicast databases.
// Errors of its methods are as for [Stack].
type BridgeMulticastReader interface {
	// BridgeGroups yields the entries of every bridge.
	BridgeGroups(ctx context.Context) iter.Seq2[BridgeGroup, error]
	// BridgeRouterPorts yields the ports towards multicast routers.
	BridgeRouterPorts(ctx context.Context) iter.Seq2[BridgeRouterPort, error]
}
