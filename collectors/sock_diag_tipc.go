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
	top := attributes{rest: body}
	for top.next() {
		if top.kind == tipcSock {
			top.tipcSocket(s)
		}
	}
	return top.err
}

func (a *attributes) tipcSocket(s *netstat.TIPCSocket) {
	n := attributes{rest: a.value}
	for n.next() {
		switch n.kind {
		case tipcSockAddr:
			s.Node = n.uint32()
		case tipcSockRef:
			s.Reference = n.uint32()
		case tipcSockCon:
			var peer netstat.TIPCAddress
			c := attributes{rest: n.value}
			for c.next() {
				switch c.kind {
				case tipcConNode:
					peer.Node = c.uint32()
				case tipcConSock:
					peer.Reference = c.uint32()
				}
			}
			n.fail(c.err)
			s.Peer.Set(peer)
		case tipcSockHasPubl:
			s.Published = true
		case tipcSockStat:
			c := attributes{rest: n.value}
			for c.next() {
				switch c.kind {
				case tipcStatReceive:
					s.ReceiveQueue.Set(c.uint32())
				case tipcStatSend:
					s.SendQueue.Set(c.uint32())
				case tipcStatDrop:
					s.Drops.Set(c.uint32())
				}
			}
			n.fail(c.err)
		case tipcSockType:
			s.Type = netstat.SocketType(n.uint32())
		case tipcSockIno:
			s.Inode = n.uint32()
		case tipcSockUID:
			s.UID.Set(n.uint32())
		case tipcSockState:
			s.State = netstat.State(n.uint32())
		case tipcSockCookie:
			s.Cookie = n.uint64()
		}
	}
	a.fail(n.err)
}
