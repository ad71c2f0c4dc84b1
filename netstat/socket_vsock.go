package netstat

import (
	"context"
	"fmt"
	"iter"
)

// VsockAddress is an address of the family that virtual machines and their
// host share (vsock(7)).
type VsockAddress struct{ CID, Port uint32 }

// VsockAny is the wildcard of both parts of an address (VMADDR_CID_ANY,
// VMADDR_PORT_ANY).
const VsockAny = 1<<32 - 1

// String returns CID:PORT, with * for a wildcard.
func (a VsockAddress) String() string {
	show := func(n uint32) string {
		if n == VsockAny {
			return "*"
		}
		return fmt.Sprint(n)
	}
	return show(a.CID) + ":" + show(a.Port)
}

// VsockSocket is a socket between virtual machines and their host. They belong
// to no network namespace: each shows all of them.
type VsockSocket struct {
	Type          SocketType
	State         State
	Local, Remote VsockAddress
	Shutdown      Shutdown
	Inode         uint32 // sockfs inode, 0 when no process holds the socket
	Cookie        uint64 // SO_COOKIE
	Processes     Optional[[]Process]
}

// VsockReader reads vsock sockets.
// Errors of its method are as for [Stack].
type VsockReader interface {
	// VsockSockets yields the sockets that q selects, in no particular order.
	VsockSockets(ctx context.Context, q EndpointQuery) iter.Seq2[VsockSocket, error]
}
