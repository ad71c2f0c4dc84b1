package netstat

import (
	"context"
	"errors"
)

// ErrGap says that events were lost: more came than were read in time.
var ErrGap = errors.New("events were lost")

// SocketEndReader tells of sockets that end.
type SocketEndReader interface {
	// ListenSocketEnds begins to listen for the ends of sockets of those protocols, TCP
	// and UDP where none is given. Another protocol, and a source that tells of no
	// ends, is an error that matches ErrNotSupported.
	ListenSocketEnds(protocols ...Protocol) (SocketEndListener, error)
}

// SocketEndListener receives sockets that ended.
type SocketEndListener interface {
	// Receive waits for sockets that end, and calls each with those that did, in their
	// order. The Socket is the callee's to keep. An error of each ends the call and is
	// returned as it is. An error that matches ErrGap says that ends were lost; those
	// after the gap come by the next call. One that matches fs.ErrClosed says that the
	// listener was closed. Receive must not be called concurrently.
	//
	// Of a socket that ended its protocol, family, ends, cookie and device are told, and of
	// TCP its queues and its last TCPInfo, the state in which is Close whatever it was
	// before. Its user is not. Its inode is 0: no process holds it any longer.
	Receive(each func(*Socket) error) error
	// Close ends the subscription. A Receive under way returns. Closing again is no error.
	Close() error
}

// SocketDestroyer ends sockets of others.
type SocketDestroyer interface {
	// DestroySocket ends a socket that was read before: it is known by its cookie, and no
	// other is ended. A connection is reset, and calls of the process that holds it
	// fail with ECONNABORTED.
	//
	// The error matches fs.ErrPermission without the privilege, fs.ErrNotExist where the
	// socket is gone, and ErrNotSupported where the source cannot end sockets, or none
	// of that protocol.
	DestroySocket(ctx context.Context, s *Socket) error
}
