package netstat

import "net/netip"

// Bits are values of some of 32 bits: those that are set in Mask.
type Bits struct{ Value, Mask uint32 }

// Match reports whether n has those bits.
func (b Bits) Match(n uint32) bool { return n&b.Mask == b.Value&b.Mask }

// FlowTupleQuery says which tuples are meant. What is unknown or zero in it asks
// for nothing.
type FlowTupleQuery struct {
	Source, Destination         netip.Prefix
	SourcePort, DestinationPort Optional[uint16]
	ICMPType, ICMPCode          Optional[uint8]
	ICMPID                      Optional[uint16]
	Zone                        Optional[uint16]
}

// Matches reports whether a tuple of a flow in a zone is meant.
func (q *FlowTupleQuery) Matches(t *FlowTuple, zone uint16) bool {
	if t.Zone != 0 {
		zone = t.Zone
	}
	return within(q.Source, t.Source) && within(q.Destination, t.Destination) &&
		equals(q.SourcePort, t.SourcePort) && equals(q.DestinationPort, t.DestinationPort) &&
		equals(q.ICMPType, t.ICMPType) && equals(q.ICMPCode, t.ICMPCode) && equals(q.ICMPID, t.ICMPID) &&
		equals(q.Zone, zone)
}

func within(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }

func equals[T comparable](want Optional[T], value T) bool {
	v, asked := want.Get()
	return !asked || v == value
}

// FlowQuery says which flows are meant. The zero FlowQuery means all of the
// table.
type FlowQuery struct {
	List FlowList
	// Families are both where none is given.
	Families []Family
	Protocol Optional[IPProtocol]
	Original FlowTupleQuery
	Reply    FlowTupleQuery
	// Mark and Status ask for flows whose bits are known and match.
	Mark, Status Optional[Bits]
	// Zone is that of both directions; 0 for the default zone, in both.
	Zone Optional[uint16]
	// Reset sets the counters of the flows that are meant to 0 as they are
	// read: no packet is missed between.
	Reset bool
}

// Everything reports whether every flow of the table is meant.
func (q *FlowQuery) Everything() bool {
	return q.List == FlowTable && len(q.Families) == 0 && !q.Protocol.IsKnown() &&
		q.Original == (FlowTupleQuery{}) && q.Reply == (FlowTupleQuery{}) &&
		!q.Mark.IsKnown() && !q.Status.IsKnown() && !q.Zone.IsKnown()
}

// Matches reports whether a flow is meant, its list aside.
func (q *FlowQuery) Matches(f *Flow) bool {
	if len(q.Families) > 0 {
		family, found := f.Family(), false
		for _, asked := range q.Families {
			found = found || asked == family
		}
		if !found {
			return false
		}
	}
	return equals(q.Protocol, f.Original.Protocol) &&
		q.Original.Matches(&f.Original, f.Zone) && q.Reply.Matches(&f.Reply, f.Zone) &&
		matches(q.Mark, f.Mark) && matches(q.Status, f.Status) && q.inZone(f)
}

func (q *FlowQuery) inZone(f *Flow) bool {
	zone, asked := q.Zone.Get()
	switch {
	case !asked:
		return true
	case zone == 0:
		return f.Zone == 0 && f.Original.Zone == 0 && f.Reply.Zone == 0
	}
	return f.Zone == zone
}

func matches[T ~uint32](want Optional[Bits], value Optional[T]) bool {
	bits, asked := want.Get()
	if !asked {
		return true
	}
	v, known := value.Get()
	return known && bits.Match(uint32(v))
}
