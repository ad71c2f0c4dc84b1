package netstat

import (
	"context"
	"iter"
)

// EndpointQuery selects sockets of the address families that are not the
// Internet's, and says what to read of them. Its zero value selects all, and
// reads what costs little.
type EndpointQuery struct {
	States StateSet // zero means all; families without states do not look at it

	Memory bool // asks for the sockets' memory
	// References asks how often sockets of the local family are referred to,
	// which takes another look at the kernel.
	References bool
	// Unaccepted asks for connections of the local family that nobody accepted yet as well, where
	// States has listeners, which tell of them. They are established, have no inode, the name of
	// their listener, and as their Peer the socket that connected.
	Unaccepted bool
	// Options asks for the options of sockets of the local family, for which other
	// sources have to be opened.
	Options bool

	// Processes and Owners are those of SocketQuery.
	Processes bool
	Owners    *SocketOwners
}

// UnixSocket is a socket of the local family (unix(7)).
type UnixSocket struct {
	Type SocketType
	// State is Listen, Established when connected, and Close otherwise.
	State State

	// Name is what the socket is bound to: a path, or, where Abstract says so,
	// a name in the abstract namespace without the NUL that begins it. It may
	// hold any bytes. A socket that is not bound has none and is not Abstract.
	Name     string
	Abstract bool `json:"-"`

	Inode  uint32           // sockfs inode, 0 when no process holds the socket
	Cookie Optional[uint64] // SO_COOKIE
	// Peer is the inode of the socket at the other end; unknown when there is
	// none, or it was never accepted.
	Peer Optional[uint32]
	// File is the file that the path stands for; unknown for other sockets.
	File Optional[UnixFile]

	// ReceiveQueue is bytes not yet read (for datagrams and sequenced packets,
	// of the next one); for a listener, connections waiting to be accepted.
	ReceiveQueue Optional[uint32]
	// SendQueue is bytes the peer has not read; for a listener, the most
	// connections that may wait.
	SendQueue Optional[uint32]
	// Pending are, for a listener, the inodes of the connecting ends that wait
	// to be accepted, 0 for those already closed.
	Pending []uint32

	// References is how often the kernel refers to the socket: once for its
	// table, once for those who hold it, once for each peer.
	References Optional[uint32]

	UID      Optional[uint32] // owner; unknown before Linux 5.4
	Shutdown Optional[Shutdown]
	Memory   Optional[SocketMemory] `json:",inline"`

	// Options are the socket's options, nil where no source tells of any.
	Options *SocketOptions

	Processes Optional[[]Process] // as Socket.Processes
}

// UnixFile is the file of a socket that is bound to a path.
type UnixFile struct {
	Inode  uint32 // its lower 32 bits
	Device Device
}

// Device is the number of a device, major and minor (stat(2), st_dev).
type Device struct{ Major, Minor uint32 }

// UnixReader reads sockets of the local family.
// Errors of its method are as for [Stack].
type UnixReader interface {
	// UnixSockets yields the sockets that q selects, in no particular order.
	UnixSockets(ctx context.Context, q EndpointQuery) iter.Seq2[UnixSocket, error]
}
