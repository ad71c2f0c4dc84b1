package netstat

import (
	"context"
	"iter"
	"net/netip"
	"strconv"
	"time"
)

// IPProtocol is the protocol that an IP packet carries (IANA's protocol
// numbers).
type IPProtocol uint8

// Protocols whose packets connection tracking tells apart by more than their
// addresses.
const (
	IPProtocolICMP    IPProtocol = 1
	IPProtocolTCP     IPProtocol = 6
	IPProtocolUDP     IPProtocol = 17
	IPProtocolDCCP    IPProtocol = 33
	IPProtocolGRE     IPProtocol = 47
	IPProtocolICMPv6  IPProtocol = 58
	IPProtocolSCTP    IPProtocol = 132
	IPProtocolUDPLite IPProtocol = 136
)

// String returns the protocol's name, its number for one that is not named
// above.
func (p IPProtocol) String() string {
	switch p {
	case IPProtocolICMP:
		return "icmp"
	case IPProtocolTCP:
		return "tcp"
	case IPProtocolUDP:
		return "udp"
	case IPProtocolDCCP:
		return "dccp"
	case IPProtocolGRE:
		return "gre"
	case IPProtocolICMPv6:
		return "icmpv6"
	case IPProtocolSCTP:
		return "sctp"
	case IPProtocolUDPLite:
		return "udplite"
	}
	return strconv.Itoa(int(p))
}

// HasPorts reports whether tuples of the protocol have ports: those of a
// transport protocol, or, of GRE, the keys of PPTP's calls.
func (p IPProtocol) HasPorts() bool {
	switch p {
	case IPProtocolTCP, IPProtocolUDP, IPProtocolDCCP, IPProtocolGRE, IPProtocolSCTP, IPProtocolUDPLite:
		return true
	}
	return false
}

// IsICMP reports whether the protocol is ICMP or ICMPv6.
func (p IPProtocol) IsICMP() bool { return p == IPProtocolICMP || p == IPProtocolICMPv6 }

// FlowTuple is what the packets of one direction of a flow have in common
// (struct nf_conntrack_tuple, include/net/netfilter/nf_conntrack_tuple.h).
type FlowTuple struct {
	Protocol            IPProtocol
	Source, Destination netip.Addr
	// SourcePort and DestinationPort are 0 for protocols without. GRE has keys
	// there.
	SourcePort, DestinationPort uint16
	// ICMPType, ICMPCode and ICMPID are those of ICMP and ICMPv6, 0 for others.
	ICMPType, ICMPCode uint8
	ICMPID             uint16 `json:"icmpID"`
	// Zone is that of this direction alone; 0 where the flow's zone holds for
	// both.
	Zone uint16
}

// Family returns the family of the addresses, 0 for a tuple without.
func (t FlowTuple) Family() Family {
	switch {
	case t.Source.Is4() || t.Destination.Is4():
		return IPv4
	case t.Source.Is6() || t.Destination.Is6():
		return IPv6
	}
	return 0
}

// icmpAnswer returns the type of the answers to an ICMP message (net/netfilter/
// nf_conntrack_proto_icmp.c and nf_conntrack_proto_icmpv6.c, invmap), which is
// the same type for messages that are not answered.
func icmpAnswer(p IPProtocol, kind uint8) uint8 {
	pairs := [...][2]uint8{{8, 0}, {13, 14}, {15, 16}, {17, 18}}
	if p == IPProtocolICMPv6 {
		pairs = [...][2]uint8{{128, 129}, {139, 140}, {0, 0}, {0, 0}}
	}
	for _, pair := range pairs {
		switch kind {
		case pair[0]:
			return pair[1]
		case pair[1]:
			return pair[0]
		}
	}
	return kind
}

// Invert returns the tuple of the answers to packets of t, in the absence of
// address translation.
func (t FlowTuple) Invert() FlowTuple {
	r := t
	r.Source, r.Destination = t.Destination, t.Source
	r.SourcePort, r.DestinationPort = t.DestinationPort, t.SourcePort
	r.Zone = 0
	if t.Protocol.IsICMP() {
		r.ICMPType = icmpAnswer(t.Protocol, t.ICMPType)
	}
	return r
}

// FlowCounters count the packets of one direction of a flow.
type FlowCounters struct {
	Packets uint64
	Bytes   uint64 // from the IP header on
}

// SequenceAdjustment is how TCP's sequence numbers of one direction are changed,
// since a helper made the data longer or shorter (struct nf_ct_seqadj).
type SequenceAdjustment struct {
	Position      uint32 // sequence number from which on After holds
	Before, After int32  // what is added, in bytes
}

// SynProxy is what the SYN proxy adds to the numbers of a TCP connection (struct
// nf_conn_synproxy). InitialTime and TimestampOffset are of TCP timestamps (RFC 7323), which
// count in a unit of their sender.
type SynProxy struct {
	InitialSequence uint32
	InitialTime     uint32
	TimestampOffset uint32
}

// FlowLabels are the 128 bits that rules set on a flow. Bit n is bit n%8 of octet
// n/8.
type FlowLabels [16]byte

// Has reports whether bit n, from 0 to 127, is set.
func (l *FlowLabels) Has(n uint8) bool { return l[n/8%16]&(1<<(n%8)) != 0 }

// Set sets bit n, from 0 to 127.
func (l *FlowLabels) Set(n uint8) { l[n/8%16] |= 1 << (n % 8) }

// Numbers returns the numbers of the bits that are set.
func (l *FlowLabels) Numbers() []uint8 {
	var numbers []uint8
	for n := range uint8(len(l) * 8) {
		if l.Has(n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// Contains reports whether every bit of the others is set.
func (l *FlowLabels) Contains(others *FlowLabels) bool {
	for i := range l {
		if l[i]&others[i] != others[i] {
			return false
		}
	}
	return true
}

// Flow is a connection, or what is treated as one, that the kernel's connection
// tracking follows. It is told as ctnetlink tells it
// (include/uapi/linux/netfilter/nfnetlink_conntrack.h); events tell only a part.
type Flow struct {
	// Original is the direction of the first packet, Reply that of the answers:
	// the inverse, but for what address translation changes.
	Original, Reply FlowTuple
	Status          Optional[FlowStatus]
	// Timeout is in how long the entry goes, to the second, if no packet comes.
	// Flows that a device carries have none.
	Timeout Optional[time.Duration]

	// Of the protocols that have a state; unknown for all others.
	TCP  Optional[FlowTCP]
	SCTP Optional[FlowSCTP]
	DCCP Optional[FlowDCCP]

	// Mark is what rules set it to. It is unknown to kernels without marks.
	Mark Optional[uint32]
	// Labels are unknown for flows that never had one.
	Labels Optional[FlowLabels]
	// SecurityContext is the label of the security module; empty for none.
	SecurityContext string

	// OriginalCounters and ReplyCounters are unknown unless accounting was on
	// (net.netfilter.nf_conntrack_acct) when the flow began.
	OriginalCounters Optional[FlowCounters] `json:"original,inline"`
	ReplyCounters    Optional[FlowCounters] `json:"reply,inline"`
	// Start and Stop are when the entry was made and destroyed; the zero time
	// unless times are kept (net.netfilter.nf_conntrack_timestamp), or while it
	// exists.
	Start, Stop time.Time

	// Use counts the references to the entry.
	Use Optional[uint32]
	// ID tells the entry from a later one with the same tuples.
	ID Optional[uint32]
	// Zone is that of both directions, 0 for the default zone.
	Zone uint16

	// Master is the original tuple of the flow that a helper expected this one
	// of.
	Master Optional[FlowTuple]
	// Helper is the name of what looks into the flow for others to expect, "ftp";
	// empty for none.
	Helper string

	OriginalSequence, ReplySequence Optional[SequenceAdjustment]
	SynProxy                        Optional[SynProxy]
}

// Family returns the family of the flow's addresses.
func (f *Flow) Family() Family {
	if family := f.Original.Family(); family != 0 {
		return family
	}
	return f.Reply.Family()
}

// State returns the name of the state that the flow's connection is in, empty for
// protocols without.
func (f *Flow) State() string {
	if tcp, known := f.TCP.Get(); known {
		return tcp.State.String()
	}
	if sctp, known := f.SCTP.Get(); known {
		return sctp.State.String()
	}
	if dccp, known := f.DCCP.Get(); known {
		return dccp.State.String()
	}
	return ""
}

// IsSourceNAT reports whether the source of the original direction is
// translated.
func (f *Flow) IsSourceNAT() bool {
	return f.translated(FlowSourceNATDone) && (f.Reply.Destination != f.Original.Source || f.Reply.DestinationPort != f.Original.SourcePort)
}

// IsDestinationNAT reports whether the destination of the original direction is
// translated.
func (f *Flow) IsDestinationNAT() bool {
	return f.translated(FlowDestinationNATDone) && (f.Reply.Source != f.Original.Destination || f.Reply.SourcePort != f.Original.DestinationPort)
}

func (f *Flow) translated(done FlowStatus) bool {
	status, known := f.Status.Get()
	return !known || status&done != 0
}

// ExpectationFlags are flags of an expectation (include/uapi/linux/netfilter/
// nf_conntrack_common.h, NF_CT_EXPECT_*).
type ExpectationFlags uint32

// Flags of expectations.
const (
	ExpectationPermanent ExpectationFlags = 1 << 0 // it stays when it was fulfilled
	ExpectationInactive  ExpectationFlags = 1 << 1
	ExpectationUserspace ExpectationFlags = 1 << 2 // a program made it
)

// Expectation is a flow that a helper expects because of what went through
// another one.
type Expectation struct {
	// Master is the original tuple of the flow that it was expected of.
	Master FlowTuple
	// Tuple is that of the flow expected, of which the bits that are set in Mask
	// count.
	Tuple, Mask FlowTuple
	Timeout     Optional[time.Duration] // to the second
	ID          Optional[uint32]
	Zone        uint16
	Flags       ExpectationFlags
	Class       uint32 // of the helper's kinds of expectations
	Helper      string // empty for none
	// Function is the name of what is called when the flow comes, empty for none.
	Function string
	// NAT says what is translated of the flow expected; unknown for nothing.
	NAT Optional[ExpectationNAT]
}

// ExpectationNAT is how the flow that is expected will be translated.
type ExpectationNAT struct {
	// Reply says that the master's reply direction is meant.
	Reply bool
	Tuple FlowTuple
}

// FlowList names the lists that the kernel keeps flows in.
type FlowList uint8

// Lists of flows.
const (
	FlowTable FlowList = iota
	// FlowDying holds entries whose end was not told to who listens.
	FlowDying
	// FlowUnconfirmed holds entries whose first packet is still on its way
	// through the host.
	FlowUnconfirmed
)

// String returns the list's name as conntrack(8) has it.
func (l FlowList) String() string {
	switch l {
	case FlowTable:
		return "conntrack"
	case FlowDying:
		return "dying"
	case FlowUnconfirmed:
		return "unconfirmed"
	}
	return "list " + strconv.Itoa(int(l))
}

// FlowReader reads the flows that are tracked.
// Errors of its method are as for [Stack].
type FlowReader interface {
	// Flows yields the flows that q selects, in no particular order. While
	// flows come and go, one that exists throughout is yielded once or, if the
	// kernel moves it meanwhile, twice or not at all.
	Flows(ctx context.Context, q FlowQuery) iter.Seq2[Flow, error]
}

// ExpectationReader reads the flows that are expected.
// Errors of its method are as for [Stack].
type ExpectationReader interface {
	// Expectations yields those of the families given, of IPv4 and IPv6 where
	// none is given.
	Expectations(ctx context.Context, families ...Family) iter.Seq2[Expectation, error]
}
