package netstat

import (
	"context"
	"fmt"
	"iter"
)

// NetlinkSocket is a socket of netlink(7).
type NetlinkSocket struct {
	Type     SocketType
	Protocol NetlinkProtocol
	State    State // Established when connected, Close otherwise

	// PortID is the socket's address; 0 is the kernel's own. Two namespaces
	// may have the same.
	PortID uint32
	// RemotePortID and RemoteGroup are what it is connected to: 0 is the
	// kernel, and no group.
	RemotePortID, RemoteGroup uint32 `json:",omitzero"`
	// Groups are the numbers of the multicast groups that it receives, from 1
	// on (RTNLGRP_* and such), in ascending order.
	Groups []uint32               `form:"strings"`
	Flags  Optional[NetlinkFlags] // unknown before Linux 4.12

	// ReceiveQueue and SendQueue are the memory of what was not read yet, in
	// bytes with overhead.
	ReceiveQueue, SendQueue Optional[uint32]
	// Drops counts messages that were lost because nobody read them in time.
	Drops  Optional[uint32]
	Memory Optional[SocketMemory] `json:",inline"`

	Inode     uint32 // sockfs inode; 0 for some of the kernel's own
	Cookie    uint64 // SO_COOKIE
	Processes Optional[[]Process]
}

// NetlinkProtocol is a netlink protocol (NETLINK_*, include/uapi/linux/netlink.h).
type NetlinkProtocol uint8

var netlinkProtocolNames = [...]string{
	0: "rtnl", 2: "usersock", 3: "fw", 4: "tcpdiag", 5: "nflog", 6: "xfrm", 7: "selinux", 8: "iscsi",
	9: "audit", 10: "fiblookup", 11: "connector", 12: "nft", 13: "ip6fw", 14: "dec-rt",
	15: "uevent", 16: "genl", 18: "scsi-trans", 19: "ecryptfs", 20: "rdma", 21: "crypto", 22: "smc",
}

// String returns the protocol's name as ss(8) prints it.
func (p NetlinkProtocol) String() string {
	if int(p) < len(netlinkProtocolNames) && netlinkProtocolNames[p] != "" {
		return netlinkProtocolNames[p]
	}
	return fmt.Sprintf("netlink protocol %d", uint8(p))
}

// NetlinkFlags are options of a netlink socket (NDIAG_FLAG_*,
// include/uapi/linux/netlink_diag.h).
type NetlinkFlags uint32

// Netlink flags.
const (
	NetlinkDumping        NetlinkFlags = 1 << iota // a dump is under way
	NetlinkPacketInfo                              // NETLINK_PKTINFO
	NetlinkBroadcastError                          // NETLINK_BROADCAST_ERROR
	NetlinkNoENOBUFS                               // NETLINK_NO_ENOBUFS
	NetlinkListenAll                               // NETLINK_LISTEN_ALL_NSID
	NetlinkCapAck                                  // NETLINK_CAP_ACK
)

// Has reports whether the set holds all of those.
func (f NetlinkFlags) Has(those NetlinkFlags) bool { return f&those == those }

// String returns the flags' names, joined by commas.
func (f NetlinkFlags) String() string {
	return flagNames(uint32(f), []string{
		"cb_running", "pktinfo", "broadcast_error", "no_enobufs", "listen_all_nsid", "cap_ack",
	})
}

// NetlinkReader reads netlink sockets.
// Errors of its method are as for [Stack].
type NetlinkReader interface {
	// NetlinkSockets yields the netlink sockets that q selects, the kernel's
	// own included, in no particular order.
	NetlinkSockets(ctx context.Context, q EndpointQuery) iter.Seq2[NetlinkSocket, error]
}
