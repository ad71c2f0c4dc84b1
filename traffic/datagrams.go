package traffic

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// datagrams is what the flows of connection tracking counted of a socket of UDP, in octets of
// payload.
type datagrams struct {
	sent, received       uint64 // since the meter began to look
	sentNow, receivedNow uint64 // of those since the reading of flows before
	elapsed              time.Duration
	atLeast              bool
}

// headersOf are the octets of the headers of a datagram (RFC 768, RFC 791, RFC 8200). Options of
// IPv4 and extension headers of IPv6 are counted as payload.
func headersOf(t *netstat.FlowTuple) uint64 {
	if t.Source.Unmap().Is4() {
		return 20 + 8
	}
	return 40 + 8
}

// payloadOfDatagrams is the payload of the packets that a direction of a flow counted. Connection tracking
// sees a datagram before it is cut into fragments, or put together again.
func payloadOfDatagrams(grew netstat.Optional[netstat.FlowCounters], t *netstat.FlowTuple) uint64 {
	c := grew.Or(netstat.FlowCounters{})
	return c.Bytes - min(c.Bytes, c.Packets*headersOf(t))
}

// Datagrams gives the sockets of UDP of the reading under way what the flows of
// connection tracking counted of them: flows is a reading of the same stack's flows of UDP
// that no earlier call had, and local are the addresses of its host. It is to be called before Finish.
//
// A socket's octets stay unknown until a flow of it is counted. They do, too, where several
// sockets have the same ends: no flow says which of them it is of.
func (m *Meter) Datagrams(flows *FlowReading, local *netstat.LocalAddresses) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.datagramsMissed, m.datagramsAsOf = m.datagramsMissed || flows.AtLeast, flows.At
	sockets := netstat.NewFlowSockets[*record](local)
	for i := range m.records {
		r := &m.records[i]
		if !r.used || r.current.Protocol != netstat.UDP {
			continue
		}
		if d := r.datagrams; d != nil {
			d.sentNow, d.receivedNow, d.elapsed = 0, 0, flows.Elapsed
		}
		sockets.Put(&r.current.Socket, func(before *record, shared bool) *record {
			switch {
			case !shared, before != nil && before.turn != m.turn: // which has ended
				return r
			case r.turn != m.turn:
				return before
			}
			return nil
		})
	}
	if sockets.Len() == 0 {
		return
	}
	for f := range flows.All() {
		from, _ := sockets.Sender(&f.Original)
		to, _ := sockets.Sender(&f.Reply)
		if f.Original.Destination.IsMulticast() && from != nil {
			to = nil // whether it received what it sent is not told
		}
		from.count(f, flows.Elapsed, &f.Original, &f.Reply, f.Growth.Original, f.Growth.Reply)
		to.count(f, flows.Elapsed, &f.Reply, &f.Original, f.Growth.Reply, f.Growth.Original)
	}
	for i := range m.records {
		if r := &m.records[i]; r.used && r.turn == m.turn && r.datagrams != nil {
			r.datagrams.tell(r.current)
		}
	}
}

// DatagramsLater says that the flows of UDP are read with a later reading than the one under way. What
// they counted of a socket that ended meanwhile is told with its end, then. Until then it is shown as closed.
// It is to be called before Finish.
func (m *Meter) DatagramsLater() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.datagramsLater = true
}

// count adds what a flow grew by to the socket that one of its ends is, if any.
func (r *record) count(f *Flow, elapsed time.Duration, out, in *netstat.FlowTuple, sent, received netstat.Optional[netstat.FlowCounters]) {
	if r == nil || !f.Growth.OriginalSeen.IsKnown() {
		return
	}
	if r.datagrams == nil {
		r.datagrams = &datagrams{elapsed: elapsed}
	}
	d := r.datagrams
	outgoing, incoming := payloadOfDatagrams(sent, out), payloadOfDatagrams(received, in)
	d.sentNow, d.receivedNow = d.sentNow+outgoing, d.receivedNow+incoming
	d.sent, d.received = d.sent+outgoing, d.received+incoming
	d.atLeast = d.atLeast || f.AtLeast
}

// tell gives a socket its octets, and its rates.
func (d *datagrams) tell(c *Connection) {
	c.SentBytes.Set(d.sent)
	c.ReceivedBytes.Set(d.received)
	c.AtLeast = d.atLeast
	c.rate(d.sentNow, d.receivedNow, d.elapsed)
}
