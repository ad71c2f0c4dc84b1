package sockopt

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ForNamespaces returns a source for one look at many namespaces. The kernel has one table
// for the sockets of all of them, and walks it anew for each; so the sockets that
// processes hold are read once. What is not among them, as a connection that nobody has
// accepted yet, is read in its namespace when it is asked for once more.
func (s *Source) ForNamespaces() netstat.SocketOptionSource {
	return &look{source: s, held: make(map[netstat.Protocol]*table), told: make(map[part]bool)}
}

// look is one look at many namespaces.
type look struct {
	source *Source
	mu     sync.Mutex
	held   map[netstat.Protocol]*table
	told   map[part]bool
}

// part is the sockets of a protocol in a namespace, by its inode.
type part struct {
	namespace uint64
	protocol  netstat.Protocol
}

// ReadSocketOptions tells of the sockets that processes hold, and when it is asked for
// those of a namespace again, which it is for sockets that were missed, of all.
func (l *look) ReadSocketOptions(ctx context.Context, q netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	held, err := l.first(ctx, q.Protocol)
	if held == nil || err != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return l.source.ReadSocketOptions(ctx, q)
	}
	return l.source.view(held, q.Settings, pingPongThreshold(q.Protocol)), nil
}

// first returns the sockets that processes hold, nil where that was not enough.
func (l *look) first(ctx context.Context, protocol netstat.Protocol) (*table, error) {
	if protocol == local {
		return nil, nil // each namespace has a table of its own
	}
	var here unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &here); err != nil {
		return nil, &os.PathError{Op: "stat", Path: "/proc/thread-self/ns/net", Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := part{here.Ino, protocol}
	if l.told[p] {
		return nil, nil
	}
	l.told[p] = true
	if held := l.held[protocol]; held != nil {
		return held, nil
	}
	list := listing{protocol, true}
	if i, err := l.source.iterator(list); err != nil || i.by == untrusted { // most have no cookie yet
		return nil, err
	}
	held, err := l.source.read(ctx, list)
	if err == nil {
		l.held[protocol] = held
	}
	return held, err
}
