package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/unix_diag.h.
const (
	sizeofUnixDiagMsg = 16

	unixShowName    = 1 << 0 // UDIAG_SHOW_NAME
	unixShowVFS     = 1 << 1 // UDIAG_SHOW_VFS
	unixShowPeer    = 1 << 2 // UDIAG_SHOW_PEER
	unixShowICons   = 1 << 3 // UDIAG_SHOW_ICONS
	unixShowRQLen   = 1 << 4 // UDIAG_SHOW_RQLEN
	unixShowMemInfo = 1 << 5 // UDIAG_SHOW_MEMINFO
	unixShowUID     = 1 << 6 // UDIAG_SHOW_UID

	unixDiagName     = 0
	unixDiagVFS      = 1
	unixDiagPeer     = 2
	unixDiagICons    = 3
	unixDiagRQLen    = 4
	unixDiagMemInfo  = 5
	unixDiagShutdown = 6
	unixDiagUID      = 7
)

// UnixSockets yields the sockets of the local family from sock_diag(7)
// (CONFIG_UNIX_DIAG), and their references from /proc/net/unix. Those that are still
// to be accepted the kernel tells with their listener. Where sock_diag is refused, or the kernel was built
// without it, /proc/net/unix has the rows, and an error behind them that matches
// netstat.ErrUnknownValues says what is unknown.
func (k *Kernel) UnixSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.UnixSocket, error] {
	show := uint32(unixShowName | unixShowVFS | unixShowPeer | unixShowICons | unixShowRQLen | unixShowUID)
	if q.Memory || q.Options {
		show |= unixShowMemInfo
	}
	var references unixReferences
	var same sameOptions
	d := endpointDump[netstat.UnixSocket]{
		name:   "unix",
		family: unix.AF_UNIX,
		body:   statesRequest(q.States, show),
		option: func() string { return "CONFIG_UNIX_DIAG" },
		parse: func(body []byte, s *netstat.UnixSocket) error {
			err := parseUnixDiag(body, s)
			if count, ok := references.of[s.Inode]; ok {
				s.References.Set(count)
			}
			if q.Options {
				s.Options = same.share(memoryOptions(s.Memory))
			}
			if !q.Memory {
				s.Memory = netstat.Optional[netstat.SocketMemory]{}
			}
			return err
		},
		instead: func(add func(*netstat.UnixSocket) (bool, error)) error { return k.dumpProcUnix(ctx, q, add) },
		file:    procUnix,
		untold:  "peers, queues, owners, files, cookies or memory",
		selects: func(s *netstat.UnixSocket) bool { return q.States.Has(s.State) },
		inode:   func(s *netstat.UnixSocket) uint32 { return s.Inode },
		own:     func(s *netstat.UnixSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	}
	if q.Options && len(k.optionSources) > 0 {
		options := k.newJoiningOptions(false)
		options.ask(local, netstat.Unix)
		d.more, d.lacks = joiningUnixOptions{options}, options.err
	}
	dump := endpoints(ctx, k, q, d)
	return func(yield func(netstat.UnixSocket, error) bool) {
		if q.References {
			_, err := embellish(ctx, func() (err error) {
				references, err = k.readUnixReferences(ctx)
				return err
			})
			if err != nil {
				yield(netstat.UnixSocket{}, k.readError("read /proc/net/unix", err))
				return
			}
		}
		if !q.Unaccepted || !q.States.Has(netstat.Established) {
			dump(yield)
			return
		}
		var unaccepted []netstat.UnixSocket
		for s, err := range dump {
			if err == nil && s.State == netstat.Listen {
				unaccepted = append(unaccepted, references.unaccepted(&s)...)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
		for _, s := range unaccepted {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// unaccepted returns the connections that wait for a listener to accept them.
func (r *unixReferences) unaccepted(listener *netstat.UnixSocket) (waiting []netstat.UnixSocket) {
	for _, inode := range listener.Pending {
		s := netstat.UnixSocket{Type: listener.Type, State: netstat.Established, Name: listener.Name, Abstract: listener.Abstract}
		if inode != 0 {
			s.Peer.Set(inode)
		}
		if count, ok := r.waiting[procUnixName(listener)]; ok {
			s.References.Set(count)
		}
		s.Processes = netstat.Known[[]netstat.Process](nil)
		waiting = append(waiting, s)
	}
	return waiting
}

// procUnixName returns a socket's name as /proc/net/unix has it: an @ for each NUL.
func procUnixName(s *netstat.UnixSocket) string {
	if !s.Abstract {
		return s.Name
	}
	return "@" + strings.ReplaceAll(s.Name, "\x00", "@")
}

// memoryOptions are the options that a socket's memory tells of.
func memoryOptions(memory netstat.Optional[netstat.SocketMemory]) *netstat.SocketOptions {
	o := new(netstat.SocketOptions)
	if m, known := memory.Get(); known {
		o.ReceiveBuffer.Set(m.ReceiveBuffer)
		o.SendBuffer.Set(m.SendBuffer)
	}
	return o
}

// statesRequest is a struct unix_diag_req, or vsock_diag_req, behind the family:
// protocol, padding, states, inode, what to show, cookie.
func statesRequest(states netstat.StateSet, show uint32) []byte {
	if states == 0 {
		states = 1<<32 - 1
	}
	body := make([]byte, 23)
	binary.NativeEndian.PutUint32(body[3:], uint32(states))
	binary.NativeEndian.PutUint32(body[11:], show)
	return body
}

// parseUnixDiag reads a struct unix_diag_msg and its attributes.
func parseUnixDiag(body []byte, s *netstat.UnixSocket) error {
	if len(body) < sizeofUnixDiagMsg {
		return fmt.Errorf("unix_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	s.Type = netstat.SocketType(body[1])
	s.State = netstat.State(body[2])
	s.Inode = binary.NativeEndian.Uint32(body[4:])
	s.Cookie.Set(cookie(body[8:]))
	var r attributeReader
	for a, rest := r.next(body[sizeofUnixDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unixDiagName:
			s.Name, s.Abstract = unixName(a.value)
		case unixDiagVFS:
			inode, device := r.uint32Pair(a)
			// The kernel's own numbers: 20 bits of minor (MINORBITS,
			// include/linux/kdev_t.h).
			s.File.Set(netstat.UnixFile{Inode: inode, Device: netstat.Device{Major: device >> 20, Minor: device & (1<<20 - 1)}})
		case unixDiagPeer:
			// A connection that waits to be accepted has no inode yet.
			if peer := r.uint32(a); peer != 0 {
				s.Peer.Set(peer)
			}
		case unixDiagICons:
			s.Pending = r.uint32s(a)
		case unixDiagRQLen:
			receive, send := r.uint32Pair(a)
			s.ReceiveQueue.Set(receive)
			s.SendQueue.Set(send)
		case unixDiagMemInfo:
			s.Memory.Set(r.socketMemory(a))
		case unixDiagShutdown:
			s.Shutdown.Set(netstat.Shutdown(r.uint8(a)))
		case unixDiagUID:
			s.UID.Set(r.uint32(a))
		}
	}
	return r.error()
}

// unixName reads a sun_path of so many bytes (unix(7)): a path ends at its NUL,
// while a name that begins with one may hold others.
func unixName(b []byte) (name string, abstract bool) {
	if len(b) > 0 && b[0] == 0 {
		return string(b[1:]), true
	}
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	return string(b), false
}
