package netstat

import (
	"net/netip"
	"time"
)

// FlowKey names a flow that is there: one of its tuples, and its zone.
type FlowKey struct {
	Tuple FlowTuple
	// Reply says that Tuple is that of the answers.
	Reply bool
	Zone  uint16
}

// Key returns the key that names the flow: its original tuple and its zone.
func (f *Flow) Key() FlowKey { return FlowKey{Tuple: f.Original, Zone: f.Zone} }

// NewFlow is a flow to create. Of its Flow, the original tuple, the timeout and,
// for TCP, the state are needed; a reply tuple without addresses becomes the
// inverse. Counters, times, uses and IDs are the kernel's.
type NewFlow struct {
	Flow
	// SourceNAT and DestinationNAT are what the kernel is to translate the
	// original direction's source and destination to; the zero value for nothing.
	SourceNAT      NATTarget `json:"sourceTarget"`
	DestinationNAT NATTarget `json:"destinationTarget"`
}

// NATTarget is an address and a port to translate to. The zero Addr leaves the
// address as it is, port 0 the port.
type NATTarget struct {
	Address netip.Addr
	Port    uint16
}

// IsZero reports whether nothing is translated.
func (t NATTarget) IsZero() bool { return t == NATTarget{} }

// FlowChange is what to change of a flow. What is unknown in it stays.
type FlowChange struct {
	Timeout Optional[time.Duration] // to the second
	// Mark sets the bits of its mask.
	Mark Optional[Bits]
	// Status are flags to set. The kernel clears none, but FlowFixedTimeout and
	// the flags of short cuts.
	Status FlowStatus
	// Helper is a name, or empty for none from now on.
	Helper Optional[string]
	// Labels sets the bits of LabelMask. Without LabelMask it sets them all.
	Labels    Optional[FlowLabels]
	LabelMask Optional[FlowLabels]

	TCP                             Optional[FlowTCP]
	SCTP                            Optional[FlowSCTP]
	OriginalSequence, ReplySequence Optional[SequenceAdjustment]
	SynProxy                        Optional[SynProxy]
}
