package netstat

import (
	"context"
	"iter"
)

// A Stack is one network stack and one source: everything it returns is of the
// same kernel, host or recording.
//
// Sequences yield rows as the source delivers them. A sequence that yields an
// error ends with it: the rows before it are valid, the answer is not complete.
// Breaking out of a sequence early is allowed and releases what it holds. Rows
// are the caller's to keep. All methods may be called concurrently.
//
// An error of its methods, and of those of every other reader, is or wraps a
// *[ReadError], or is that of a context which ended. It matches [ErrNotSupported] where
// the source cannot tell what was asked, fs.ErrPermission where privileges are lacking,
// [ErrInterrupted] where what was read kept changing, and [ErrUnknownValues] where all
// rows are there, with values unknown that should be known.
type Stack interface {
	SocketReader
	InterfaceReader
	AddressReader
	RouteReader
	StatisticsReader
}

// CompleteStack is a Stack that has every reader of this package, as that of a
// kernel has. What wraps one or stands in for one says so with
//
//	var _ netstat.CompleteStack = (*T)(nil)
//
// and does not compile while it lacks a reader. A reader of something that the
// source does not have yields an error that matches ErrNotSupported.
type CompleteStack interface {
	Stack

	InterfaceDetailsReader
	DeviceQueueReader

	NeighbourReader
	ProxyNeighbourReader
	NetconfReader
	IPSettingsReader
	IPInterfaceReader

	RuleReader
	NextHopReader

	SocketOwnerReader
	SocketEndReader
	SocketDefaultsReader
	ListenQueueReader
	UnixReader
	PacketReader
	NetlinkReader
	VsockReader
	XDPReader
	SMCReader
	TIPCReader

	CounterReader
	InterfaceCounterReader
	MemoryReader
	SoftnetReader
	TrafficReader
	RoutingStatisticsReader

	MulticastRoutingReader
	MembershipReader
	SocketMembershipReader
	BridgeMulticastReader

	FlowReader
	FlowEndReader
	ExpectationReader
	FlowStatisticsReader

	IdentityReader
	NamespaceReader
}

// SocketReader reads transport endpoints.
type SocketReader interface {
	// Sockets yields the sockets that q selects, in no particular order. A
	// protocol that q names and the source does not have yields an error that
	// matches ErrNotSupported.
	Sockets(ctx context.Context, q SocketQuery) iter.Seq2[Socket, error]
}

// InterfaceReader reads network interfaces.
// Errors of its method are as for [Stack].
type InterfaceReader interface {
	// Interfaces yields every interface once, in no particular order.
	Interfaces(ctx context.Context) iter.Seq2[Interface, error]
}

// AddressReader reads the addresses of interfaces.
// Errors of its method are as for [Stack].
type AddressReader interface {
	// Addresses yields every address of every interface, IPv4 and IPv6.
	Addresses(ctx context.Context) iter.Seq2[Address, error]
}

// RouteReader reads routing tables.
// Errors of its method are as for [Stack].
type RouteReader interface {
	// Routes yields the routes that q selects, one value for each next hop.
	Routes(ctx context.Context, q RouteQuery) iter.Seq2[Route, error]
}

// StatisticsReader reads the counters of protocols.
// Errors of its methods are as for [Stack].
type StatisticsReader interface {
	// TCPStatistics returns the counters of TCP over IPv4 and IPv6 together.
	TCPStatistics(ctx context.Context) (TCPStatistics, error)
	// UDPStatistics returns the counters of UDP over IPv4 and IPv6 together.
	UDPStatistics(ctx context.Context) (UDPStatistics, error)
}
