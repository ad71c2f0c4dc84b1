package traffic

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Connection is a socket, and what went through it as of a reading. It does not change.
type Connection struct {
	// Socket is as it was read last. Its Detail is nil unless the Meter keeps details.
	// Its processes are the last that were known to hold it: nobody holds what has ended.
	netstat.Socket

	// SentBytes and ReceivedBytes are octets of payload since the meter began to look,
	// and RetransmittedBytes those that were sent again, which SentBytes counts once.
	SentBytes, ReceivedBytes, RetransmittedBytes netstat.Optional[uint64]
	// SentRate and ReceivedRate are octets a second, since the reading before. Of a
	// connection that was not there then, and of one that ended, they are over the whole time
	// between the two: what lived for a moment is no faster than what sent as much all the
	// while, and the rates' sum is what went through in a second. Unknown in the first reading,
	// and of what ended with its counters unread.
	SentRate, ReceivedRate netstat.Optional[float64]

	// Path is how a TCP connection fares; nil for what has none. It is not to be changed:
	// readings between which it stayed as it was share it.
	Path *Path
	// Drops counts packets dropped since the socket was opened.
	Drops netstat.Optional[uint32]
	// DropRate is how many were dropped a second, since the reading before. Unknown of a socket
	// that was not there then, and of one that is there no more.
	DropRate netstat.Optional[float64]
	// CGroup is the cgroup that the socket was made in; the zero one where that is not known.
	CGroup netstat.CGroup

	// Ended is when the socket ended; the zero time for one that is there. What ended is in
	// one Reading.
	Ended time.Time
	// AtLeast says that more went through than is told: the counters were not read to
	// their end.
	AtLeast bool
}

// IsOver reports whether the socket has ended.
func (c *Connection) IsOver() bool { return !c.Ended.IsZero() }

// Path is what TCP tells of a connection's way, in short.
type Path struct {
	RTT, RTTVariation, MinRTT time.Duration // 0 for not measured yet
	CongestionWindow          uint32        // segments
	SlowStartThreshold        uint32        // segments; netstat.InfiniteSlowStart before the first loss
	SendMSS                   uint32        // bytes
	Lost                      uint32        // segments in flight that are presumed lost
	TotalRetransmits          uint32        // segments since the connection began
	OutOfOrder                netstat.Optional[uint32]
	SendWindow, ReceiveWindow netstat.Optional[uint32] // bytes
	DeliveryRate              netstat.Optional[uint64] // bytes a second
	CongestionControl         string
}

// pathOf returns the path that a socket tells of: the earlier one where that is the same.
func pathOf(d *netstat.SocketDetail, earlier *Path) *Path {
	t := d.TCP
	if t == nil {
		return earlier
	}
	p := Path{
		RTT: t.RTT, RTTVariation: t.RTTVariation, MinRTT: t.MinRTT.Or(0),
		CongestionWindow: t.CongestionWindow, SlowStartThreshold: t.SlowStartThreshold, SendMSS: t.SendMSS,
		Lost: t.Lost, TotalRetransmits: t.TotalRetransmits, OutOfOrder: t.OutOfOrder,
		SendWindow: t.SendWindow, ReceiveWindow: t.ReceiveWindow, DeliveryRate: t.DeliveryRate,
	}
	if d.Congestion != nil {
		p.CongestionControl = d.Congestion.Name
	}
	if earlier != nil && *earlier == p {
		return earlier
	}
	changed := p // so that nothing is allocated where nothing did
	return &changed
}

// Sum is what several connections have together.
type Sum struct {
	// Connections are those that are there, and Ended those that ended since the meter
	// began.
	Connections, Ended uint64
	// Counted is of how many of both the octets are known.
	Counted uint64
	// SentBytes, ReceivedBytes and RetransmittedBytes are those of the ones that are counted.
	SentBytes, ReceivedBytes, RetransmittedBytes uint64
	// SentRate and ReceivedRate are octets a second since the reading before; unknown in
	// the first.
	SentRate, ReceivedRate netstat.Optional[float64]
	// AtLeast says that more went through than is told.
	AtLeast bool
}

// Add adds another sum.
func (s *Sum) Add(o *Sum) {
	s.Connections += o.Connections
	s.Ended += o.Ended
	s.Counted += o.Counted
	s.SentBytes += o.SentBytes
	s.ReceivedBytes += o.ReceivedBytes
	s.RetransmittedBytes += o.RetransmittedBytes
	addRate(&s.SentRate, o.SentRate)
	addRate(&s.ReceivedRate, o.ReceivedRate)
	s.AtLeast = s.AtLeast || o.AtLeast
}

func addRate(to *netstat.Optional[float64], r netstat.Optional[float64]) {
	if rate, known := r.Get(); known {
		to.Set(to.Or(0) + rate)
	}
}

// Sum is what the connection adds to that of several.
func (c *Connection) Sum() (s Sum) {
	if c.IsOver() {
		s.Ended = 1
	} else {
		s.Connections = 1
	}
	if sent, known := c.SentBytes.Get(); known {
		s.Counted, s.SentBytes, s.ReceivedBytes, s.RetransmittedBytes = 1, sent, c.ReceivedBytes.Or(0), c.RetransmittedBytes.Or(0)
	}
	s.SentRate, s.ReceivedRate, s.AtLeast = c.SentRate, c.ReceivedRate, c.AtLeast
	return s
}
