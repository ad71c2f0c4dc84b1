package netstat

import (
	"fmt"
	"strings"
)

// FlowStatus is a set of flags of a flow (include/uapi/linux/netfilter/
// nf_conntrack_common.h, IPS_*).
type FlowStatus uint32

// Flags of flows.
const (
	FlowExpected           FlowStatus = 1 << 0  // a helper expected it
	FlowSeenReply          FlowStatus = 1 << 1  // packets went both ways
	FlowAssured            FlowStatus = 1 << 2  // it is not dropped early when the table is full
	FlowConfirmed          FlowStatus = 1 << 3  // its first packet left the host
	FlowSourceNAT          FlowStatus = 1 << 4  // its source is to be translated
	FlowDestinationNAT     FlowStatus = 1 << 5  // its destination is to be translated
	FlowSequenceAdjust     FlowStatus = 1 << 6  // TCP's sequence numbers are changed
	FlowSourceNATDone      FlowStatus = 1 << 7  // what becomes of its source is decided
	FlowDestinationNATDone FlowStatus = 1 << 8  // what becomes of its destination is decided
	FlowIsDying            FlowStatus = 1 << 9  // it is no longer in the table
	FlowFixedTimeout       FlowStatus = 1 << 10 // packets do not renew its timeout
	FlowTemplate           FlowStatus = 1 << 11 // it is a pattern of flows to come
	FlowNATClash           FlowStatus = 1 << 12 // its entry lost a race against another
	FlowHelped             FlowStatus = 1 << 13 // a rule named its helper
	FlowOffload            FlowStatus = 1 << 14 // its packets take a short cut
	FlowHardwareOffload    FlowStatus = 1 << 15 // a device carries them
)

var flowStatusNames = [...]string{
	"EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE", "DST_NAT_DONE",
	"DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER", "OFFLOAD", "HW_OFFLOAD",
}

// Names returns the names of the flags that are set, in the order of their bits.
func (s FlowStatus) Names() []string {
	var names []string
	for i, name := range flowStatusNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := s &^ (1<<len(flowStatusNames) - 1); rest != 0 {
		names = append(names, fmt.Sprintf("%#x", uint32(rest)))
	}
	return names
}

// String returns the names joined by commas, "none" for no flag.
func (s FlowStatus) String() string {
	if s == 0 {
		return "none"
	}
	return strings.Join(s.Names(), ",")
}

// ParseFlowStatus returns the flag of a name, without regard to case.
func ParseFlowStatus(name string) (FlowStatus, bool) {
	for i, known := range flowStatusNames {
		if strings.EqualFold(known, name) {
			return 1 << i, true
		}
	}
	return 0, false
}

// FlowTCPState is what the connection tracking takes a TCP connection to be in
// (include/uapi/linux/netfilter/nf_conntrack_tcp.h).
type FlowTCPState uint8

// States of TCP.
const (
	FlowTCPNone FlowTCPState = iota
	FlowTCPSynSent
	FlowTCPSynReceived
	FlowTCPEstablished
	FlowTCPFinWait
	FlowTCPCloseWait
	FlowTCPLastAck
	FlowTCPTimeWait
	FlowTCPClose
	FlowTCPSynSent2 // of a simultaneous open
)

var flowTCPStateNames = [...]string{
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
}

func (s FlowTCPState) String() string { return numbered(flowTCPStateNames[:], uint8(s)) }

// ParseFlowTCPState returns the state of a name. LISTEN is the old name of
// SYN_SENT2.
func ParseFlowTCPState(name string) (FlowTCPState, bool) {
	if name == "LISTEN" {
		return FlowTCPSynSent2, true
	}
	n, known := number(flowTCPStateNames[:], name)
	return FlowTCPState(n), known
}

// FlowTCPFlags are what was seen of one side of a TCP connection
// (IP_CT_TCP_FLAG_*).
type FlowTCPFlags uint8

// Flags of a side.
const (
	FlowTCPWindowScale        FlowTCPFlags = 1 << 0 // it offered to scale its window
	FlowTCPSackPermitted      FlowTCPFlags = 1 << 1 // it allows selective acknowledgement
	FlowTCPCloseInit          FlowTCPFlags = 1 << 2 // it began to close
	FlowTCPLiberal            FlowTCPFlags = 1 << 3 // its window is not checked
	FlowTCPDataUnacknowledged FlowTCPFlags = 1 << 4 // it sent what is not acknowledged
	FlowTCPMaxAck             FlowTCPFlags = 1 << 5 // an acknowledgement of it was seen
	FlowTCPChallengeAck       FlowTCPFlags = 1 << 6 // it is asked whether it still knows the connection
	FlowTCPSimultaneousOpen   FlowTCPFlags = 1 << 7
)

// FlowTCP is what is known of a TCP connection. Of one that ended, its state
// only.
type FlowTCP struct {
	State FlowTCPState
	// OriginalScale and ReplyScale are by how many bits each side's windows are
	// shifted, 0 to 14.
	OriginalScale, ReplyScale Optional[uint8]
	OriginalFlags, ReplyFlags Optional[FlowTCPFlags]
}

// FlowSCTPState is what the connection tracking takes an SCTP association to be
// in (include/uapi/linux/netfilter/nf_conntrack_sctp.h).
type FlowSCTPState uint8

// States of SCTP.
const (
	FlowSCTPNone FlowSCTPState = iota
	FlowSCTPClosed
	FlowSCTPCookieWait
	FlowSCTPCookieEchoed
	FlowSCTPEstablished
	FlowSCTPShutdownSent
	FlowSCTPShutdownReceived
	FlowSCTPShutdownAckSent
	FlowSCTPHeartbeatSent
)

var flowSCTPStateNames = [...]string{
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
}

func (s FlowSCTPState) String() string { return numbered(flowSCTPStateNames[:], uint8(s)) }

// ParseFlowSCTPState returns the state of a name.
func ParseFlowSCTPState(name string) (FlowSCTPState, bool) {
	n, known := number(flowSCTPStateNames[:], name)
	return FlowSCTPState(n), known
}

// FlowSCTP is what is known of an SCTP association. Of one that ended, its state
// only.
type FlowSCTP struct {
	State                 FlowSCTPState
	OriginalTag, ReplyTag Optional[uint32] // verification tags (RFC 9260, section 3.1)
}

// FlowDCCPState is what the connection tracking takes a DCCP connection to be in
// (include/uapi/linux/netfilter/nf_conntrack_dccp.h).
type FlowDCCPState uint8

// States of DCCP.
const (
	FlowDCCPNone FlowDCCPState = iota
	FlowDCCPRequest
	FlowDCCPRespond
	FlowDCCPPartOpen
	FlowDCCPOpen
	FlowDCCPCloseRequest
	FlowDCCPClosing
	FlowDCCPTimeWait
)

var flowDCCPStateNames = [...]string{"NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT"}

func (s FlowDCCPState) String() string { return numbered(flowDCCPStateNames[:], uint8(s)) }

// ParseFlowDCCPState returns the state of a name.
func ParseFlowDCCPState(name string) (FlowDCCPState, bool) {
	n, known := number(flowDCCPStateNames[:], name)
	return FlowDCCPState(n), known
}

// FlowDCCP is what is known of a DCCP connection.
type FlowDCCP struct {
	State FlowDCCPState
	// Server says that the original direction is the server's.
	Server            bool
	HandshakeSequence uint64 // 48 bits (RFC 4340, section 7)
}

// numbered returns the name of a number, "state N" for one without.
func numbered(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("state %d", n)
}

// number returns the number that a name stands for.
func number(names []string, name string) (uint8, bool) {
	for i, known := range names {
		if known == name {
			return uint8(i), true
		}
	}
	return 0, false
}
