package collectors

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Groups of sock_diag (SKNLGRP_INET_*_DESTROY, include/uapi/linux/sock_diag.h).
const (
	groupTCPDestroy  = 1
	groupUDPDestroy  = 2
	groupTCP6Destroy = 3
	groupUDP6Destroy = 4
)

// inetDiagProtocol is the attribute that says which protocol a socket that ended was of
// (INET_DIAG_PROTOCOL).
const inetDiagProtocol = 10

// socketEndListener receives the events of sock_diag's groups.
type socketEndListener struct {
	events *subscription
	parse  inetDiagParser
}

// ListenSocketEnds listens for the ends of sockets of the namespace (sock_diag_destroy,
// net/core/sock_diag.c; Linux 4.3). Anybody may.
//
// An event takes about 1,280 bytes of a receive buffer of DefaultListenBuffer bytes.
// Without CAP_NET_ADMIN the kernel grants at most net.core.rmem_max, which is room for 166
// by default: who receives must not be kept waiting. The subscription is a socket in the
// namespace, which lives for as long.
//
// The kernel tells of a socket some time after it left the dumps. One that was
// disconnected before its end, as close(2) does with SO_LINGER at 0, has neither its
// remote end nor its counters any longer (tcp_disconnect, net/ipv4/tcp.c).
func (k *Kernel) ListenSocketEnds(protocols ...netstat.Protocol) (netstat.SocketEndListener, error) {
	l, err := k.listenSocketEnds(protocols)
	if err != nil {
		return nil, k.readError("listen for ends of sockets", err)
	}
	return l, nil
}

func (k *Kernel) listenSocketEnds(protocols []netstat.Protocol) (*socketEndListener, error) {
	if len(protocols) == 0 {
		protocols = []netstat.Protocol{netstat.TCP, netstat.UDP}
	}
	var groups []int
	for _, protocol := range protocols {
		switch protocol {
		case netstat.TCP:
			groups = append(groups, groupTCPDestroy, groupTCP6Destroy)
		case netstat.UDP:
			groups = append(groups, groupUDPDestroy, groupUDP6Destroy)
		default:
			return nil, fmt.Errorf("the kernel tells of no ends of %v sockets: %w", protocol, netstat.ErrNotSupported)
		}
		// The kernel makes no events of a protocol that its sock_diag does not know yet.
		// A dump has it load that, or says what is missing.
		for _, err := range k.Sockets(context.Background(), netstat.SocketQuery{
			Protocols: []netstat.Protocol{protocol}, Families: []netstat.Family{netstat.IPv4}, States: netstat.States(netstat.Listen),
		}) {
			if err != nil {
				if netstat.IsComplete(err) { // rows of /proc, which stand in for sock_diag
					err = k.readError("listen for ends of sockets", notSupported(err))
				}
				return nil, err
			}
			break
		}
	}
	events, err := k.subscribe(unix.NETLINK_SOCK_DIAG, groups, DefaultListenBuffer)
	if err != nil {
		return nil, err
	}
	return &socketEndListener{events: events, parse: inetDiagParser{details: netstat.DetailTCPInfo}}, nil
}

func (l *socketEndListener) Receive(each func(*netstat.Socket) error) error {
	datagram, err := l.events.next()
	if err != nil {
		return l.events.kernel.readError("receive ends of sockets", err)
	}
	m := messages{rest: datagram}
	for m.next() {
		if m.kind != sockDiagByFamily {
			continue
		}
		var s netstat.Socket
		if err := l.parse.ended(m.body, &s); err != nil {
			return l.events.kernel.readError("decode the end of a socket", err)
		}
		if err := each(&s); err != nil {
			return err
		}
	}
	return l.events.kernel.readError("decode ends of sockets", m.err)
}

func (l *socketEndListener) Close() error { return l.events.close() }

// ended reads an event: an inet_diag_msg that inet_diag_handler_get_info
// (net/ipv4/inet_diag.c) fills less of than a dump does.
func (p *inetDiagParser) ended(body []byte, s *netstat.Socket) error {
	if len(body) < sizeofInetDiagMsg {
		return fmt.Errorf("inet_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	var r attributeReader
	for a, rest := r.next(body[sizeofInetDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == inetDiagProtocol {
			s.Protocol = netstat.Protocol(r.uint8(a))
		}
	}
	if r.failed() {
		return r.error()
	}
	if s.Protocol == 0 {
		return fmt.Errorf("the end of a socket of no protocol: % x", clip(body))
	}
	if err := p.socket(body, s); err != nil {
		return err
	}
	if s.State == netstat.Bound { // which a dump calls so
		s.State = netstat.Close
	}
	// Nobody fills in these, the user least of all.
	s.Timer, s.Retransmits, s.UID = netstat.Optional[netstat.Timer]{}, netstat.Optional[uint8]{}, netstat.Optional[uint32]{}
	if s.Protocol != netstat.TCP { // the memory of a socket that is gone
		s.ReceiveQueue, s.SendQueue = netstat.Optional[uint32]{}, netstat.Optional[uint32]{}
	}
	return nil
}
