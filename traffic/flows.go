package traffic

import (
	"iter"
	"net/netip"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Flow is a flow of connection tracking, and what went through it as of a reading. It does
// not change.
type Flow struct {
	netstat.Flow

	// Growth is by how much it grew since the reading before, and what was counted since the
	// meter began to look: bytes from the IP header on.
	Growth netstat.FlowGrowth
	// OriginalRate and ReplyRate are bytes a second of its two directions, since the reading
	// before, and OriginalPacketRate and ReplyPacketRate packets. They are unknown in
	// the first reading, and of flows whose packets are not counted.
	OriginalRate, ReplyRate, OriginalPacketRate, ReplyPacketRate netstat.Optional[float64]

	// Ended is when the flow ended; the zero time for one that is there. What ended is in
	// one reading.
	Ended time.Time
	// Missing says that this reading did not find the flow, the end of which was not told.
	Missing bool
	// AtLeast says that more went through than is told: the counters were not read to
	// their end, or somebody set them to 0.
	AtLeast bool
}

// IsOver reports whether the flow has ended.
func (f *Flow) IsOver() bool { return !f.Ended.IsZero() }

// FlowSum is what several flows have together.
type FlowSum struct {
	// Flows are those that are there, and Ended those that ended since the meter began.
	Flows, Ended uint64
	// Counted is of how many of both the packets are counted.
	Counted uint64
	// Original and Reply are of the two directions of those that are counted.
	Original, Reply netstat.FlowCounters
	// OriginalRate and ReplyRate are bytes a second since the reading before; unknown in the
	// first, and where none is counted.
	OriginalRate, ReplyRate netstat.Optional[float64]
	// AtLeast says that more went through than is told.
	AtLeast bool
}

// Add adds another sum.
func (s *FlowSum) Add(o *FlowSum) {
	s.Flows += o.Flows
	s.Ended += o.Ended
	s.Counted += o.Counted
	s.Original.Packets += o.Original.Packets
	s.Original.Bytes += o.Original.Bytes
	s.Reply.Packets += o.Reply.Packets
	s.Reply.Bytes += o.Reply.Bytes
	addRate(&s.OriginalRate, o.OriginalRate)
	addRate(&s.ReplyRate, o.ReplyRate)
	s.AtLeast = s.AtLeast || o.AtLeast
}

// Reversed is the sum as the other end has it.
func (s *FlowSum) Reversed() *FlowSum {
	r := *s
	r.Original, r.Reply = s.Reply, s.Original
	r.OriginalRate, r.ReplyRate = s.ReplyRate, s.OriginalRate
	return &r
}

// Sum is what the flow adds to that of several.
func (f *Flow) Sum() (s FlowSum) {
	if f.IsOver() {
		s.Ended = 1
	} else {
		s.Flows = 1
	}
	if original, known := f.Growth.OriginalSeen.Get(); known {
		s.Counted, s.Original, s.Reply = 1, original, f.Growth.ReplySeen.Or(netstat.FlowCounters{})
	}
	s.OriginalRate, s.ReplyRate, s.AtLeast = f.OriginalRate, f.ReplyRate, f.AtLeast
	return s
}

// FlowMeter measures what goes through the flows of one stack, as a Meter does through
// sockets: it is fed with readings of all flows and, by End, with those that end. End and Gap
// may be called concurrently with everything; the other methods are for one goroutine.
//
// Flows count while accounting is on (net.netfilter.nf_conntrack_acct). Of one whose end is not
// told, what came after the last reading that had it is missing, and one that began and
// ended between two readings is missed.
type FlowMeter struct {
	listens   bool
	mostEnded int

	mu    sync.Mutex
	meter *netstat.FlowMeter

	// Of what ended since the reading before: those that it or the one under way did not
	// have after that, what is beyond MostEnded, and the ends of those that the one under
	// way has.
	ended  chunks[Flow]
	beyond FlowSum
	late   []lateEnd
	gaps   uint32 // in all
	told   uint32 // of those in readings

	begun, before time.Time // when the last two readings began
	reading       *FlowReading
	past          past[flowGroup, FlowSum]
}

type lateEnd struct {
	flow netstat.Flow
	at   time.Time
}

// NewFlowMeter returns a FlowMeter. listens says that ends of flows are told to it.
func NewFlowMeter(listens bool) *FlowMeter {
	return &FlowMeter{listens: listens, mostEnded: MostEnded, meter: netstat.NewFlowMeter(netstat.DefaultFlowMeter), past: newPast[flowGroup]((*FlowSum).Add)}
}

// Begin begins a reading of all flows.
func (m *FlowMeter) Begin(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	late := m.late
	m.late = nil
	for i := range late {
		m.close(&late[i].flow, late[i].at)
	}
	m.before, m.begun = m.begun, at
	m.reading = &FlowReading{At: at, meter: m}
	if !m.before.IsZero() {
		m.reading.Elapsed = at.Sub(m.before)
	}
	m.meter.Begin()
}

// Add takes a flow that the reading found.
func (m *FlowMeter) Add(f *netstat.Flow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	grew := m.meter.Read(f)
	if grew.Again {
		return // its end was told before, or the dump has it twice
	}
	added := m.reading.seen.add()
	added.Flow = *f
	m.tell(added, grew)
}

// tell gives a flow its growth, and its rates over the time between the last two
// readings.
func (m *FlowMeter) tell(f *Flow, grew netstat.FlowGrowth) {
	f.Growth = grew
	f.AtLeast = f.AtLeast || grew.AtLeast
	seconds := m.reading.Elapsed.Seconds()
	if seconds <= 0 {
		return
	}
	for _, direction := range []struct {
		grew          netstat.Optional[netstat.FlowCounters]
		rate, packets *netstat.Optional[float64]
	}{{grew.Original, &f.OriginalRate, &f.OriginalPacketRate}, {grew.Reply, &f.ReplyRate, &f.ReplyPacketRate}} {
		if n, known := direction.grew.Get(); known {
			direction.rate.Set(float64(n.Bytes) / seconds)
			direction.packets.Set(float64(n.Packets) / seconds)
		}
	}
}

// End takes a flow that ended, and when that was told.
func (m *FlowMeter) End(f *netstat.Flow, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reading != nil && !m.reading.finished && m.meter.HasRead(f) {
		if len(m.late) >= m.mostEnded {
			m.gaps++
			return
		}
		m.late = append(m.late, lateEnd{*f, at})
		return
	}
	m.close(f, at)
}

func (m *FlowMeter) close(f *netstat.Flow, at time.Time) {
	grew, told := m.meter.Close(f)
	if !told {
		return
	}
	ended := Flow{Flow: *f, Growth: grew, Ended: at, AtLeast: grew.AtLeast}
	if m.ended.len() >= m.mostEnded {
		sum := ended.Sum()
		m.beyond.Add(&sum)
		return
	}
	*m.ended.add() = ended
}

// Gap says that ends of flows were lost.
func (m *FlowMeter) Gap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gaps++
}

// Full reports whether there are more flows than are followed.
func (m *FlowMeter) Full() bool { return m.meter.Full() }

// Finish ends the reading, which found every flow that there was if it is complete.
func (m *FlowMeter) Finish(at time.Time, complete bool) *FlowReading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.reading
	r.finished = true
	r.Gap = m.gaps != m.told
	m.told = m.gaps
	r.AtLeast = m.gaps > 0
	m.ended.all(func(f *Flow) bool {
		m.tell(f, f.Growth)
		return true
	})
	r.ended, m.ended = m.ended, nil
	r.Beyond, m.beyond = m.beyond, FlowSum{}
	if !complete {
		return r
	}
	m.meter.EndBut(func(f *netstat.Flow, seen netstat.FlowGrowth, without int) bool {
		missing := r.seen.add()
		*missing = Flow{Flow: *f, Growth: seen, AtLeast: seen.AtLeast, Missing: true}
		if m.listens && without == 1 && !r.Gap {
			return true // its end may be on its way
		}
		missing.Ended, missing.AtLeast = at, seen.AtLeast || seen.OriginalSeen.IsKnown()
		return false
	})
	return r
}

// flowGroup is what flows that ended are kept apart by.
type flowGroup struct {
	source, destination, replySource, replyDestination netip.Addr
	protocol                                           netstat.IPProtocol
	zone                                               uint16
}

// forget adds what the last reading told of for the only time to the past.
func (m *FlowMeter) forget() {
	if m.reading == nil {
		return
	}
	for f := range m.reading.All() {
		if !f.IsOver() {
			continue
		}
		sum := f.Sum()
		sum.OriginalRate, sum.ReplyRate = netstat.Optional[float64]{}, netstat.Optional[float64]{}
		m.past.keep(flowGroup{f.Original.Source, f.Original.Destination, f.Reply.Source, f.Reply.Destination, f.Original.Protocol, f.Zone}, &sum)
	}
	m.past.others.Add(&m.reading.Beyond)
	m.reading = nil
}

// FlowReading is what one look at all flows found, with those that ended since the one
// before. Its flows do not change.
type FlowReading struct {
	// At is when it began, and Elapsed how long after the one before: 0 in the first.
	At      time.Time
	Elapsed time.Duration
	// Gap says that ends of flows were lost, and AtLeast that this happened in this reading
	// or an earlier one.
	Gap, AtLeast bool
	// Beyond is of what ended and was more than MostEnded.
	Beyond FlowSum

	meter    *FlowMeter
	seen     chunks[Flow]
	ended    chunks[Flow]
	finished bool
}

// All yields every flow once, those that ended too.
func (r *FlowReading) All() iter.Seq[*Flow] {
	return func(yield func(*Flow) bool) {
		if r.seen.all(yield) {
			r.ended.all(yield)
		}
	}
}

// Sums yields what everything together is the sum of: each flow with its own, what groups of
// earlier readings' flows that ended have, each with a flow that has their addresses,
// protocol and zone and no more, and what is beyond the bounds with none. It is to be
// called before the FlowMeter's next reading begins.
func (r *FlowReading) Sums() iter.Seq2[*Flow, FlowSum] {
	return withPast(r.All(), (*Flow).Sum, &r.meter.past, (*flowGroup).flow, &r.Beyond)
}

// flow returns one that has what the group is kept apart by.
func (g *flowGroup) flow() *Flow {
	f := new(Flow)
	f.Original.Protocol, f.Original.Source, f.Original.Destination = g.protocol, g.source, g.destination
	f.Reply.Protocol, f.Reply.Source, f.Reply.Destination, f.Zone = g.protocol, g.replySource, g.replyDestination, g.zone
	return f
}
