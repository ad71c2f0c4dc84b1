package collectors

import (
	"context"
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/tipc_netlink.h.
const (
	tipcSock = 2 // TIPC_NLA_SOCK

	tipcSockAddr    = 1  // TIPC_NLA_SOCK_ADDR
	tipcSockRef     = 2  // TIPC_NLA_SOCK_REF
	tipcSockCon     = 3  // TIPC_NLA_SOCK_CON
	tipcSockHasPubl = 4  // TIPC_NLA_SOCK_HAS_PUBL
	tipcSockStat    = 5  // TIPC_NLA_SOCK_STAT
	tipcSockType    = 6  // TIPC_NLA_SOCK_TYPE
	tipcSockIno     = 7  // TIPC_NLA_SOCK_INO
	tipcSockUID     = 8  // TIPC_NLA_SOCK_UID
	tipcSockState   = 9  // TIPC_NLA_SOCK_TIPC_STATE
	tipcSockCookie  = 10 // TIPC_NLA_SOCK_COOKIE

	tipcConNode = 2 // TIPC_NLA_CON_NODE
	tipcConSock = 3 // TIPC_NLA_CON_SOCK

	tipcStatReceive = 1 // TIPC_NLA_SOCK_STAT_RCVQ
	tipcStatSend    = 2 // TIPC_NLA_SOCK_STAT_SENDQ
	tipcStatDrop    = 5 // TIPC_NLA_SOCK_STAT_DROP
)

// TIPCSockets yields the TIPC sockets from sock_diag(7) (CONFIG_TIPC_DIAG).
func (k *Kernel) TIPCSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.TIPCSocket, error] {
	states := uint32(q.States)
	if states == 0 {
		states = 1<<32 - 1
	}
	// struct tipc_sock_diag_req behind the family: protocol, padding, states.
	body := make([]byte, 7)
	binary.NativeEndian.PutUint32(body[3:], states)
	return endpoints(ctx, k, q, endpointDump[netstat.TIPCSocket]{
		name:   "TIPC",
		family: unix.AF_TIPC,
		body:   body,
		option: func() string {
			return socketOption(unix.AF_TIPC, unix.SOCK_RDM, 0, "CONFIG_TIPC", "CONFIG_TIPC_DIAG")
		},
		parse:   parseTIPCDiag,
		selects: func(s *netstat.TIPCSocket) bool { return q.States.Has(s.State) },
		inode:   func(s *netstat.TIPCSocket) uint32 { return s.Inode },
		own:     func(s *netstat.TIPCSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	})
}

// parseTIPCDiag reads a message of attributes alone: TIPC_NLA_SOCK.
func parseTIPCDiag(body []byte, s *netstat.TIPCSocket) error {
	var r attributeReader
	for top, rest := r.next(body); top.kind != noAttribute; top, rest = r.next(rest) {
		if top.kind == tipcSock {
			r.tipcSocket(top, s)
		}
	}
	return r.error()
}

func (r *attributeReader) tipcSocket(a nlAttr, s *netstat.TIPCSocket) {
	for n, rest := r.next(a.value); n.kind != noAttribute; n, rest = r.next(rest) {
		switch n.kind {
		case tipcSockAddr:
			s.Node = r.uint32(n)
		case tipcSockRef:
			s.Reference = r.uint32(n)
		case tipcSockCon:
			var peer netstat.TIPCAddress
			for c, rest := r.next(n.value); c.kind != noAttribute; c, rest = r.next(rest) {
				switch c.kind {
				case tipcConNode:
					peer.Node = r.uint32(c)
				case tipcConSock:
					peer.Reference = r.uint32(c)
				}
			}
			s.Peer.Set(peer)
		case tipcSockHasPubl:
			s.Published = true
		case tipcSockStat:
			for c, rest := r.next(n.value); c.kind != noAttribute; c, rest = r.next(rest) {
				switch c.kind {
				case tipcStatReceive:
					s.ReceiveQueue.Set(r.uint32(c))
				case tipcStatSend:
					s.SendQueue.Set(r.uint32(c))
				case tipcStatDrop:
					s.Drops.Set(r.uint32(c))
				}
			}
		case tipcSockType:
			s.Type = netstat.SocketType(r.uint32(n))
		case tipcSockIno:
			s.Inode = r.uint32(n)
		case tipcSockUID:
			s.UID.Set(r.uint32(n))
		case tipcSockState:
			s.State = netstat.State(r.uint32(n))
		case tipcSockCookie:
			s.Cookie = r.uint64(n)
		}
	}
}
