package netstat

import (
	"fmt"
	"net/netip"
	"strings"
)

// SocketDetail is what can be told of a socket besides its row. Fields that
// were not asked for, that this kind of socket does not have, and that the
// source does not tell are unknown (nil).
type SocketDetail struct {
	Memory Optional[SocketMemory] `json:",inline"`

	TCP   *TCPInfo   `json:",inline"`
	MPTCP *MPTCPInfo `json:"mptcp,inline"`
	// ULP is the protocol on top of TCP that the kernel handles (TCP_ULP), nil
	// where there is none.
	ULP *UpperLayer `json:",inline"`
	// Drops counts packets dropped since the socket was opened, for lack of receive
	// buffer or a bad checksum. It comes with DetailMemory, and of raw and ICMP
	// sockets that /proc/net tells of although it does not tell their Memory.
	Drops Optional[uint32]
	// MD5Peers are those whose segments are signed (TCP_MD5SIG, RFC 2385). Only
	// a process with CAP_NET_ADMIN is told.
	MD5Peers []netip.Prefix `json:"md5Peers"`

	// Congestion is the congestion control of TCP, nil for other protocols.
	Congestion *CongestionControl `json:",inline"`

	// TOS is the IPv4 type of service (IP_TOS), which IPv6 sockets have as well
	// for the IPv4 packets they send, and TrafficClass the IPv6 traffic class
	// (IPV6_TCLASS): DSCP in the upper 6 bits and ECN in the lower 2 bits of
	// each (RFC 2474, RFC 3168).
	TOS, TrafficClass Optional[uint8]
	// ClassID is that of the socket's net_cls cgroup, or its SO_PRIORITY where
	// it is in none.
	ClassID Optional[uint32]

	Flags    Optional[SocketFlags]
	Shutdown Optional[Shutdown]
	// Mark is SO_MARK. Only a process with CAP_NET_ADMIN is told.
	Mark Optional[uint32]

	// CGroup is the cgroup (of version 2) that the socket was created in.
	CGroup Optional[CGroup] `json:",inline"`

	// Options are the socket's options, nil where no source tells of any: what stands
	// for a connection without a socket (TIME-WAIT, a request) has none.
	Options *SocketOptions

	// LocalAddresses and RemoteAddresses are all addresses of an SCTP endpoint
	// or association, the primary ones included.
	LocalAddresses, RemoteAddresses []netip.Addr
}

// SocketMemory is the memory of a socket in bytes, as the kernel accounts for
// it: overhead included (SK_MEMINFO_*, include/uapi/linux/sock_diag.h).
type SocketMemory struct {
	Received       uint32 `json:"receiveMemory"` // data received and not read yet
	ReceiveBuffer  uint32 // the most of it (SO_RCVBUF)
	Transmitted    uint32 `json:"sendMemory"` // data handed to the network layer and not freed yet
	SendBuffer     uint32 // the most that may be queued to send (SO_SNDBUF)
	ForwardAlloc   uint32 `json:"forwardMemory"` // reserved for the socket and not in use
	TransmitQueued uint32 `json:"queuedMemory"`  // TCP data queued to be sent or acknowledged
	OptionMemory   uint32 // options and filters (net.core.optmem_max)
	Backlog        uint32 `json:"backlogMemory"` // packets that wait while the process has the socket locked
	// Drops counts packets (not bytes) dropped since the socket was opened, for
	// lack of receive buffer or a bad checksum. Unknown before Linux 4.7.
	Drops Optional[uint32] `json:"memoryDrops"`
}

// CGroup is a control group of version 2.
type CGroup struct {
	ID uint64 `json:"cgroupID"` // the inode of its directory
	// Path begins with / at the root of the hierarchy as this process sees it.
	// Empty when the group is not visible, or has been removed.
	Path string `json:"cgroup"`
}

// SocketFlags are boolean options of a socket (struct inet_diag_sockopt,
// include/uapi/linux/inet_diag.h; Linux 5.10 and later).
type SocketFlags uint16

// Socket flags, named after their options.
const (
	SocketRecvErr           SocketFlags = 1 << iota // IP_RECVERR, IPV6_RECVERR
	SocketConnections                               // of a protocol with connections: not an option
	SocketFreeBind                                  // IP_FREEBIND
	SocketHeaderIncluded                            // IP_HDRINCL
	SocketMulticastLoop                             // IP_MULTICAST_LOOP
	SocketTransparent                               // IP_TRANSPARENT
	SocketMulticastAll                              // IP_MULTICAST_ALL
	SocketNoDefrag                                  // IP_NODEFRAG
	SocketBindAddressNoPort                         // IP_BIND_ADDRESS_NO_PORT
	SocketRecvErrRFC4884                            // IP_RECVERR_RFC4884
	SocketDeferConnect                              // TCP_FASTOPEN_CONNECT, still unsent
)

var socketFlagNames = [...]string{
	"recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag",
	"bind_address_no_port", "recverr_rfc4884", "defer_connect",
}

// Has reports whether the set holds all of those.
func (f SocketFlags) Has(those SocketFlags) bool { return f&those == those }

// String returns the names that the kernel has for the flags, joined by commas.
func (f SocketFlags) String() string { return flagNames(uint32(f), socketFlagNames[:]) }

// flagNames returns the names of the bits of f, joined by commas; bits without
// a name as a number at the end.
func flagNames(f uint32, names []string) string {
	var set []string
	for i, name := range names {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	if rest := f &^ (1<<len(names) - 1); rest != 0 {
		set = append(set, fmt.Sprintf("%#x", rest))
	}
	return strings.Join(set, ",")
}

// Shutdown says which directions of a socket are shut down (shutdown(2);
// RCV_SHUTDOWN and SEND_SHUTDOWN, include/net/sock.h).
type Shutdown uint8

// Directions that are shut down.
const (
	ShutdownReceive Shutdown = 1 << iota
	ShutdownSend
)

// String returns the directions, joined by commas; empty when the socket is
// open in both.
func (s Shutdown) String() string { return flagNames(uint32(s), []string{"receive", "send"}) }

// SocketType is the type of a socket, by its number (SOCK_*, include/linux/net.h).
type SocketType uint8

// Socket types.
const (
	SocketStream    SocketType = 1
	SocketDatagram  SocketType = 2
	SocketRaw       SocketType = 3
	SocketRDM       SocketType = 4
	SocketSeqPacket SocketType = 5
	SocketPacket    SocketType = 10
)

func (t SocketType) String() string {
	switch t {
	case SocketStream:
		return "stream"
	case SocketDatagram:
		return "dgram"
	case SocketRaw:
		return "raw"
	case SocketRDM:
		return "rdm"
	case SocketSeqPacket:
		return "seqpacket"
	case SocketPacket:
		return "packet"
	}
	return fmt.Sprintf("type %d", uint8(t))
}
