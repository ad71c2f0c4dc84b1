package traffic

import "github.com/netsnmp-agent/netsnmp-agent/netstat"

// payload is what went through a TCP socket since it was opened, in octets.
type payload struct{ sent, received, retransmitted uint64 }

// payloadOf reads the payload from the kernel's counters. Those count:
//
//   - bytes_sent: payload that was transmitted, again too (__tcp_transmit_skb,
//     net/ipv4/tcp_output.c);
//   - bytes_retrans: what was transmitted again of it (__tcp_retransmit_skb);
//   - bytes_acked: by how much the first sequence number without an acknowledgement moved,
//     which is payload, the SYN of an end that connected, and its FIN (tcp_snd_una_update,
//     tcp_input.c);
//   - bytes_received: by how much the next sequence number expected moved after the peer's
//     SYN, which is payload and the peer's FIN (tcp_rcv_nxt_update).
//
// What the queue of a device refuses is transmitted once more without being counted as
// transmitted again. The sequence numbers bound it: no more was sent than is
// acknowledged or under way.
func payloadOf(s *netstat.Socket) (p payload, known bool) {
	if s.Detail == nil || s.Detail.TCP == nil || s.State == netstat.Listen {
		return p, false
	}
	t := s.Detail.TCP
	sent, known1 := t.BytesSent.Get()
	again, known2 := t.BytesRetransmitted.Get()
	received, known3 := t.BytesReceived.Get()
	if !known1 || !known2 || !known3 {
		return p, false
	}
	p = payload{sent: sent - min(sent, again), received: received, retransmitted: again}
	if acknowledged, known := t.BytesAcknowledged.Get(); known && s.SendQueue.IsKnown() {
		p.sent = min(p.sent, acknowledged+underWay(s))
	}
	if t.State != netstat.Close && finReceived(t.State) {
		p.received -= min(p.received, 1)
	}
	return p, true
}

// underWay is how much of the sequence space was sent and is not acknowledged.
func underWay(s *netstat.Socket) uint64 {
	queued, unsent := s.SendQueue.Or(0), s.Detail.TCP.NotSent.Or(0)
	return uint64(queued - min(queued, unsent))
}

// finReceived reports whether the peer's FIN was received in a state (RFC 9293, section
// 3.3.2).
func finReceived(st netstat.State) bool {
	switch st {
	case netstat.CloseWait, netstat.LastAck, netstat.Closing, netstat.TimeWait:
		return true
	}
	return false
}

// last is what an earlier reading of a socket tells of how it ended.
type last struct {
	state netstat.State // 0 where there was none
	syn   uint8         // 1 of an end that connected; 0 too where it is not known
}

// look takes note of what a socket says before it ends.
func (l *last) look(s *netstat.Socket) {
	t := s.Detail.TCP
	l.state = t.State
	acknowledged, known := t.BytesAcknowledged.Get()
	if !known || !s.SendQueue.IsKnown() || t.State != netstat.Established && t.State != netstat.CloseWait {
		return
	}
	sent, again := t.BytesSent.Or(0), t.BytesRetransmitted.Or(0)
	l.syn = uint8(min(acknowledged+underWay(s)-min(sent-again, acknowledged+underWay(s)), 1))
}

// ended takes the peer's FIN, if it was received, from the payload of a socket that ended,
// the state of which is no longer told.
//
// An end whose own FIN was acknowledged has nearly always received the peer's. It has not
// where it closed first, and the peer's FIN did not come with the acknowledgement: the
// kernel keeps such a connection without its socket (tcp_time_wait, net/ipv4/tcp_minisocks.c),
// and nothing that it told tells the two apart. So one octet too few may have been
// received then, and one too many where a connection was reset.
func (p *payload) ended(s *netstat.Socket, l *last) {
	t := s.Detail.TCP
	fin := finReceived(l.state)
	if !fin {
		acknowledged := t.BytesAcknowledged.Or(0)
		// Where it is not known that the end connected, its SYN may be taken for its FIN.
		fin = s.SendQueue.Or(0) == 0 && acknowledged > p.sent+uint64(l.syn)
	}
	if fin {
		p.received -= min(p.received, 1)
	}
}
