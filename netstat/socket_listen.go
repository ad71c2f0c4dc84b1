package netstat

import (
	"context"
	"iter"
)

// ListenQueue is the queue of a listener.
type ListenQueue struct {
	Socket Socket `json:",inline"` // the listener

	// Unaccepted is how many connections are established and wait for
	// accept(2), and Maximum how many may (listen(2), net.core.somaxconn). The
	// kernel drops further ones once there are more than Maximum.
	Unaccepted, Maximum Optional[uint32]

	// Incomplete is how many connection requests have not finished the
	// handshake, of all listeners that share this one's address, port and
	// interface by SO_REUSEPORT: the kernel does not tell which of them a
	// request belongs to. Sharing is how many those are, this one included.
	Incomplete Optional[uint32]
	Sharing    int
}

// ListenQueueReader reads the queues of listeners.
// Errors of its method are as for [Stack].
type ListenQueueReader interface {
	// ListenQueues yields the queue of every listener that q selects. q.States
	// is not looked at. Without q.Protocols, the protocols are TCP, and MPTCP
	// and SCTP where the source has them.
	ListenQueues(ctx context.Context, q SocketQuery) iter.Seq2[ListenQueue, error]
}
