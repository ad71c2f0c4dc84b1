package netstat

import (
	"context"
	"iter"
)

// TIPCSocket is a socket of Transparent Inter-Process Communication
// (include/uapi/linux/tipc.h).
type TIPCSocket struct {
	Type SocketType
	// State is Listen, Established, SynSent while connecting, CloseWait while
	// disconnecting, and Close otherwise.
	State State
	// Node and Reference are the socket's address: the number of its node and
	// of itself on it. Peer is that of the other end of a connection.
	Node, Reference uint32 `json:"-"`
	Peer            Optional[TIPCAddress]
	Published       bool // it is bound to a service

	ReceiveQueue, SendQueue Optional[uint32] // messages
	Drops                   Optional[uint32]
	UID                     Optional[uint32]
	Inode                   uint32 // sockfs inode
	Cookie                  uint64 // SO_COOKIE
	Processes               Optional[[]Process]
}

// TIPCAddress is the address of a TIPC socket.
type TIPCAddress struct{ Node, Reference uint32 }

// TIPCReader reads TIPC sockets.
// Errors of its method are as for [Stack].
type TIPCReader interface {
	// TIPCSockets yields the TIPC sockets, in no particular order.
	TIPCSockets(ctx context.Context, q EndpointQuery) iter.Seq2[TIPCSocket, error]
}
