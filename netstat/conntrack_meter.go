package netstat

import "net/netip"

// FlowGrowth is by how much a flow grew between two readings: what was counted of its
// packets meanwhile.
type FlowGrowth struct {
	// New says that the flow began since the reading before: all that it counted is
	// growth.
	New bool
	// Original and Reply are of its two directions. They are unknown in the first
	// reading, of flows whose counters are unknown, and of those whose counters fell,
	// since somebody set them to 0 meanwhile.
	Original, Reply Optional[FlowCounters]
	// OriginalSeen and ReplySeen are what was counted since the meter first read the
	// flow, and of a flow that is new all of it. They are unknown where counters are.
	OriginalSeen, ReplySeen Optional[FlowCounters]
	// AtLeast says that more may have been counted than was seen: counters fell.
	AtLeast bool
	// Again says that the reading has the flow already, or that it was closed before.
	Again bool
}

// DefaultFlowMeter is how many flows a FlowMeter may be let follow: each takes about 300
// bytes.
const DefaultFlowMeter = 1 << 20

// FlowMeter tells by how much flows grew from one reading to the next. It knows a flow
// by its ID and its original tuple, so that one that takes another's place is new.
//
// What a flow counted between a reading and its end is told by Close, for who listens to
// the ends of flows. It is in no growth otherwise, and neither is a flow that began and ended
// between two readings.
//
// All readings must be of the same flows, those of a FlowQuery by what a flow keeps for
// as long as it is there: one that came into the query would be taken for new. A
// FlowMeter must not be used concurrently.
type FlowMeter struct {
	most  int
	flows map[flowIdentity]meteredFlow
	// translated are the reply tuples of flows in which these are not the inverse of the
	// original one.
	translated map[flowIdentity]FlowTuple
	// reading is the number of the current one, from 1, and whole says that one was.
	reading uint32
	whole   bool
	// full says that flows of this reading are not followed, and wasFull that some
	// of the reading before are not: what is not known now may have been there then.
	full, wasFull bool
}

// flowIdentity is what a flow is known by, without pointers for the garbage collector.
type flowIdentity struct {
	source, destination         [16]byte
	sourcePort, destinationPort uint16
	icmpID                      uint16
	icmpType, icmpCode          uint8
	protocol                    IPProtocol
	family                      Family
	zone, tupleZone             uint16
	id                          uint32
}

func (f *Flow) identity() flowIdentity {
	t := &f.Original
	return flowIdentity{
		source: octets(t.Source), destination: octets(t.Destination),
		sourcePort: t.SourcePort, destinationPort: t.DestinationPort,
		icmpID: t.ICMPID, icmpType: t.ICMPType, icmpCode: t.ICMPCode,
		protocol: t.Protocol, family: t.Family(), zone: f.Zone, tupleZone: t.Zone, id: f.ID.Or(0),
	}
}

func octets(a netip.Addr) (b [16]byte) {
	if a.IsValid() {
		b = a.As16()
	}
	return b
}

// tuple returns the original tuple, and the zone of the flow.
func (id *flowIdentity) tuple() (t FlowTuple, zone uint16) {
	address := func(b [16]byte) netip.Addr {
		if id.family == IPv4 {
			return netip.AddrFrom16(b).Unmap()
		}
		return netip.AddrFrom16(b)
	}
	t = FlowTuple{
		Protocol: id.protocol, SourcePort: id.sourcePort, DestinationPort: id.destinationPort,
		ICMPID: id.icmpID, ICMPType: id.icmpType, ICMPCode: id.icmpCode, Zone: id.tupleZone,
	}
	if id.family != 0 {
		t.Source, t.Destination = address(id.source), address(id.destination)
	}
	return t, id.zone
}

// meteredFlow is what a flow counted until a reading.
type meteredFlow struct {
	original, reply               FlowCounters
	originalSeen, replySeen       FlowCounters
	originalUnknown, replyUnknown bool
	atLeast                       bool
	closed                        bool // it ended, and is not told of again
	reading                       uint32
}

// NewFlowMeter returns a FlowMeter that follows at most as many flows as are given.
func NewFlowMeter(most int) *FlowMeter {
	return &FlowMeter{most: most, flows: make(map[flowIdentity]meteredFlow), translated: make(map[flowIdentity]FlowTuple)}
}

// Begin begins a reading of all flows, each of which is given to Read.
func (m *FlowMeter) Begin() {
	m.reading++
	m.full, m.wasFull = false, m.full
}

// Read returns by how much a flow grew since the reading before.
func (m *FlowMeter) Read(f *Flow) FlowGrowth {
	id := f.identity()
	was, known := m.flows[id]
	if was.closed {
		return FlowGrowth{Again: true}
	}
	now, grew := m.move(f, was, known)
	grew.Again = known && was.reading == m.reading
	if !known && len(m.flows) >= m.most {
		m.full = true
		return grew
	}
	m.flows[id] = now
	if !known && f.Reply != f.Original.Invert() {
		m.translated[id] = f.Reply
	}
	return grew
}

// move returns what is known of a flow now, and by how much it grew.
func (m *FlowMeter) move(f *Flow, was meteredFlow, known bool) (now meteredFlow, grew FlowGrowth) {
	now = was
	now.reading = m.reading
	before := !known && (!m.whole || m.wasFull) // it may have been there
	grew.New = !known && !before
	direction := func(count Optional[FlowCounters], was *FlowCounters, seen *FlowCounters, unknown *bool) (grown, all Optional[FlowCounters]) {
		n, counted := count.Get()
		if !counted {
			*unknown = true
			return grown, all
		}
		wasUnknown := *unknown
		if *unknown = false; before {
			*was = n
			return grown, Known(*seen)
		}
		grown = difference(*was, n)
		switch g, risen := grown.Get(); {
		case wasUnknown: // what was counted before that is not known
			grown, now.atLeast = Optional[FlowCounters]{}, true
		case risen:
			seen.add(g)
		default: // it counts from 0 on
			seen.add(n)
			now.atLeast = true
		}
		*was = n
		return grown, Known(*seen)
	}
	grew.Original, grew.OriginalSeen = direction(f.OriginalCounters, &now.original, &now.originalSeen, &now.originalUnknown)
	grew.Reply, grew.ReplySeen = direction(f.ReplyCounters, &now.reply, &now.replySeen, &now.replyUnknown)
	grew.AtLeast = now.atLeast
	return now, grew
}

func (c *FlowCounters) add(o FlowCounters) { c.Packets, c.Bytes = c.Packets+o.Packets, c.Bytes+o.Bytes }

func difference(was, now FlowCounters) Optional[FlowCounters] {
	if now.Packets < was.Packets || now.Bytes < was.Bytes {
		return Optional[FlowCounters]{}
	}
	return Known(FlowCounters{Packets: now.Packets - was.Packets, Bytes: now.Bytes - was.Bytes})
}

// Close takes a flow that ended, with its last counters, and returns by how much it grew
// since the last reading that had it. It is not told where the flow was closed before, and
// where it may have ended before the first reading.
func (m *FlowMeter) Close(f *Flow) (grew FlowGrowth, told bool) {
	id := f.identity()
	was, known := m.flows[id]
	if was.closed {
		return FlowGrowth{}, false
	}
	now, grew := m.move(f, was, known)
	if now.closed = true; known || len(m.flows) < m.most {
		m.flows[id] = now
	}
	return grew, known || m.whole
}

// HasRead reports whether the current reading has a flow.
func (m *FlowMeter) HasRead(f *Flow) bool {
	was, known := m.flows[f.identity()]
	return known && !was.closed && was.reading == m.reading
}

// Full reports whether there were more flows in the last reading than are followed.
func (m *FlowMeter) Full() bool { return m.full }

// End ends a reading that was whole. Flows that were not in it are forgotten, and it
// returns how many they are.
func (m *FlowMeter) End() (ended int) {
	return m.EndBut(func(*Flow, FlowGrowth, int) bool { return false })
}

// EndBut ends a reading that was whole. Each flow that was not in it, and was not closed, is
// given to keep: its tuples, zone and ID, what was seen of it, and of how many readings the
// last ones were without it. It is forgotten unless keep returns true. How many were is
// returned. Flows that were closed are forgotten as well.
func (m *FlowMeter) EndBut(keep func(f *Flow, seen FlowGrowth, without int) bool) (ended int) {
	for id, was := range m.flows {
		switch {
		case was.closed:
		case was.reading == m.reading:
			continue
		default:
			f := Flow{}
			f.Original, f.Zone = id.tuple()
			f.ID.Set(id.id)
			var translated bool
			if f.Reply, translated = m.translated[id]; !translated {
				f.Reply = f.Original.Invert()
			}
			seen := FlowGrowth{AtLeast: was.atLeast}
			if !was.originalUnknown {
				seen.OriginalSeen.Set(was.originalSeen)
			}
			if !was.replyUnknown {
				seen.ReplySeen.Set(was.replySeen)
			}
			if keep(&f, seen, int(m.reading-was.reading)) {
				continue
			}
			ended++
		}
		delete(m.flows, id)
		delete(m.translated, id)
	}
	m.whole = true
	return ended
}
