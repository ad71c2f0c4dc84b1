package netstat

import (
	"fmt"
	"net/netip"
	"time"
)

// Protocol is a transport protocol, by its number in the kernel: the IANA
// protocol number where there is one.
type Protocol uint16

// Transport protocols (include/uapi/linux/in.h).
const (
	// ICMP stands for datagram sockets of ICMP, and of ICMPv6 over IPv6: "ping
	// sockets" (net/ipv4/ping.c). Their local port is the identifier of their
	// echo requests.
	ICMP    Protocol = 1
	TCP     Protocol = 6
	UDP     Protocol = 17
	SCTP    Protocol = 132
	UDPLite Protocol = 136
	// Raw stands for raw sockets of any IP protocol, the number of which is
	// their local port.
	Raw Protocol = 255
	// MPTCP stands for Multipath TCP connections and listeners (RFC 8684). The
	// subflows that they consist of are TCP sockets.
	MPTCP Protocol = 262
)

func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	case UDPLite:
		return "udplite"
	case Raw:
		return "raw"
	case MPTCP:
		return "mptcp"
	}
	return fmt.Sprintf("protocol %d", uint16(p))
}

// Family is an Internet address family.
type Family uint8

// Address families (include/linux/socket.h).
const (
	IPv4 Family = 2
	IPv6 Family = 10
	// Unix is the local family, whose sockets are rows of their own (UnixSocket).
	Unix Family = 1
)

func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	case Bridge:
		return "bridge"
	case Unix:
		return "unix"
	}
	return fmt.Sprintf("family %d", uint8(f))
}

// State is the state of a socket, by the kernel's numbers
// (include/net/tcp_states.h). Sockets of protocols without connections are
// Established when connected and Close otherwise.
type State uint8

// Socket states.
const (
	Established State = 1
	SynSent     State = 2
	SynReceived State = 3
	FinWait1    State = 4
	FinWait2    State = 5
	TimeWait    State = 6
	Close       State = 7
	CloseWait   State = 8
	LastAck     State = 9
	Listen      State = 10
	Closing     State = 11
	// NewSynReceived is a connection request that has no socket of its own
	// yet; the kernel reports it as SynReceived to most readers.
	NewSynReceived State = 12
	// Bound is a TCP socket that has a port and neither listens nor connects
	// (TCP_BOUND_INACTIVE, Linux 6.8 and later). It is selected only by a
	// query that names it.
	Bound State = 13
)

// States of SCTP associations that TCP does not have (RFC 9260, section 4). The
// kernel numbers them on their own (enum sctp_state, include/net/sctp/constants.h);
// here 16 is added.
const (
	CookieWait       State = 17
	CookieEchoed     State = 18
	ShutdownPending  State = 20
	ShutdownSent     State = 21
	ShutdownReceived State = 22
	ShutdownAckSent  State = 23
)

var stateNames = [...]string{
	Established: "ESTABLISHED", SynSent: "SYN-SENT", SynReceived: "SYN-RECEIVED",
	FinWait1: "FIN-WAIT-1", FinWait2: "FIN-WAIT-2", TimeWait: "TIME-WAIT",
	Close: "CLOSED", CloseWait: "CLOSE-WAIT", LastAck: "LAST-ACK",
	Listen: "LISTEN", Closing: "CLOSING", NewSynReceived: "NEW-SYN-RECEIVED",
	Bound: "BOUND", CookieWait: "COOKIE-WAIT", CookieEchoed: "COOKIE-ECHOED",
	ShutdownPending: "SHUTDOWN-PENDING", ShutdownSent: "SHUTDOWN-SENT",
	ShutdownReceived: "SHUTDOWN-RECEIVED", ShutdownAckSent: "SHUTDOWN-ACK-SENT",
}

// String returns the state's name in RFC 9293 or RFC 9260.
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// StateSet is a set of states; the zero set stands for all of them.
type StateSet uint32

// States returns the set of the states given.
func States(states ...State) StateSet {
	var s StateSet
	for _, st := range states {
		s |= 1 << st
	}
	return s
}

// Has reports whether the set holds st.
func (s StateSet) Has(st State) bool { return s == 0 || s&(1<<st) != 0 }

// Socket is one endpoint of a protocol over IPv4 or IPv6. Endpoints of other
// address families are of types of their own: [UnixSocket], [PacketSocket],
// [NetlinkSocket], [VsockSocket], [XDPSocket], [SMCSocket] and [TIPCSocket].
type Socket struct {
	Protocol Protocol
	Family   Family // of the socket itself: an IPv6 socket may carry IPv4
	State    State
	// V6Only says whether an IPv6 socket refuses IPv4 (IPV6_V6ONLY). Unknown
	// for IPv4 sockets and where the source does not tell.
	V6Only Optional[bool]

	// Local and Remote are the socket's two ends; a wildcard is 0.0.0.0 or ::
	// and an unconnected remote end has port 0. IPv4-mapped addresses are
	// kept as the kernel gives them (::ffff:192.0.2.1). Link-local addresses
	// carry their zone.
	Local, Remote netip.AddrPort

	// Interface is the index of the device that the socket is bound to
	// (SO_BINDTODEVICE), or 0 for none.
	Interface Optional[uint32] `json:"interfaceIndex"`

	// ReceiveQueue is bytes not yet read by the process; for a listener,
	// connections waiting to be accepted.
	ReceiveQueue Optional[uint32]
	// SendQueue is bytes not yet acknowledged by the peer; for a listener,
	// the most connections that may wait (its backlog). Sockets without
	// acknowledgements count what the network device has not sent yet.
	SendQueue Optional[uint32]

	UID    Optional[uint32] // owner; unknown for sockets without one
	Inode  Optional[uint32] // sockfs inode, 0 when no process holds the socket
	Cookie Optional[uint64] // SO_COOKIE

	// Timer says which timer is pending, and Expires in how long it fires, to
	// the millisecond; unknown when none is. Retransmits is how often
	// TimerRetransmit, or how many unanswered probes TimerKeepalive and
	// TimerProbe, have sent so far.
	Timer       Optional[Timer]
	Expires     Optional[time.Duration] `json:"timerExpires"`
	Retransmits Optional[uint8]

	// Processes are those that hold the socket, in ascending order of PID.
	// Unknown when it was not asked for (SocketQuery.Processes), or when
	// privileges hid some process that may hold it; known and empty when no
	// process does (a connection in TIME-WAIT).
	Processes Optional[[]Process]

	// Detail is what SocketQuery.Details asked for; nil when it asked for
	// nothing. It is not to be changed: rows may share it.
	Detail *SocketDetail `json:",inline"`
}

// Timer is a pending timer of a TCP socket, by the kernel's numbers
// (net/ipv4/inet_diag.c, idiag_timer).
type Timer uint8

// Timers.
const (
	TimerNone Timer = iota
	TimerRetransmit
	TimerKeepalive
	TimerTimeWait
	TimerProbe
)

// String returns the timer's name as ss(8) prints it; "off" when none is
// pending.
func (t Timer) String() string {
	switch t {
	case TimerNone:
		return "off"
	case TimerRetransmit:
		return "on"
	case TimerKeepalive:
		return "keepalive"
	case TimerTimeWait:
		return "timewait"
	case TimerProbe:
		return "persist"
	}
	return fmt.Sprintf("timer %d", uint8(t))
}

// IsListener reports whether the socket accepts what arrives from anybody: a
// listener of a protocol with connections, or a socket of one without that is
// not connected.
func (s *Socket) IsListener() bool {
	switch s.Protocol {
	case TCP, MPTCP, SCTP:
		return s.State == Listen
	}
	return s.Remote.Port() == 0 && (!s.Remote.Addr().IsValid() || s.Remote.Addr().IsUnspecified())
}

// IsDualStack reports whether the socket is bound to the wildcard of both
// families: an IPv6 socket at :: that is not IPV6_V6ONLY.
func (s *Socket) IsDualStack() bool {
	v6only, known := s.V6Only.Get()
	return s.Family == IPv6 && known && !v6only && s.Local.Addr() == netip.IPv6Unspecified()
}
