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
}

// DefaultFlowMeter is how many flows a FlowMeter may be let follow: each takes about 150
// bytes.
const DefaultFlowMeter = 1 << 20

// FlowMeter tells by how much flows grew from one reading to the next. It knows a flow
// by its ID and its original tuple, so that one that takes another's place is new.
//
// What a flow counted between a reading and its end is in no growth, and neither is a
// flow that began and ended between two readings.
//
// All readings must be of the same flows, those of a FlowQuery by what a flow keeps for
// as long as it is there: one that came into the query would be taken for new. A
// FlowMeter must not be used concurrently.
type FlowMeter struct {
	most  int
	flows map[flowIdentity]meteredFlow
	// reading is the number of the current one, from 1.
	reading uint32
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

// meteredFlow is what a flow counted until a reading.
type meteredFlow struct {
	original, reply               FlowCounters
	originalUnknown, replyUnknown bool
	reading                       uint32
}

// NewFlowMeter returns a FlowMeter that follows at most as many flows as are given.
func NewFlowMeter(most int) *FlowMeter {
	return &FlowMeter{most: most, flows: make(map[flowIdentity]meteredFlow)}
}

// Begin begins a reading of all flows, each of which is given to Read.
func (m *FlowMeter) Begin() {
	m.reading++
	m.full, m.wasFull = false, m.full
}

// Read returns by how much a flow grew since the reading before.
func (m *FlowMeter) Read(f *Flow) (grew FlowGrowth) {
	id := f.identity()
	was, known := m.flows[id]
	now := meteredFlow{reading: m.reading, originalUnknown: !f.OriginalCounters.IsKnown(), replyUnknown: !f.ReplyCounters.IsKnown()}
	now.original, now.reply = f.OriginalCounters.Or(FlowCounters{}), f.ReplyCounters.Or(FlowCounters{})
	if !known && len(m.flows) >= m.most {
		m.full = true
	} else {
		m.flows[id] = now
	}
	if !known {
		if m.reading == 1 || m.wasFull {
			return FlowGrowth{}
		}
		grew.New = true
	}
	if !was.originalUnknown && !now.originalUnknown {
		grew.Original = difference(was.original, now.original)
	}
	if !was.replyUnknown && !now.replyUnknown {
		grew.Reply = difference(was.reply, now.reply)
	}
	return grew
}

func difference(was, now FlowCounters) Optional[FlowCounters] {
	if now.Packets < was.Packets || now.Bytes < was.Bytes {
		return Optional[FlowCounters]{}
	}
	return Known(FlowCounters{Packets: now.Packets - was.Packets, Bytes: now.Bytes - was.Bytes})
}

// Full reports whether there were more flows in the last reading than are followed.
func (m *FlowMeter) Full() bool { return m.full }

// End ends a reading that was whole. Flows that were not in it are forgotten, and it
// returns how many they are.
func (m *FlowMeter) End() (ended int) {
	for id, f := range m.flows {
		if f.reading != m.reading {
			delete(m.flows, id)
			ended++
		}
	}
	return ended
}
