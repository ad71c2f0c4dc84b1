package netstat

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
)

// RuleAction is what a policy rule does (include/uapi/linux/fib_rules.h,
// FR_ACT_*).
type RuleAction uint8

// Rule actions.
const (
	RuleTable       RuleAction = 1 // look the route up in a table
	RuleGoto        RuleAction = 2 // go on at another rule
	RuleNothing     RuleAction = 3
	RuleBlackhole   RuleAction = 6
	RuleUnreachable RuleAction = 7
	RuleProhibit    RuleAction = 8
)

func (a RuleAction) String() string {
	switch a {
	case RuleTable:
		return "table"
	case RuleGoto:
		return "goto"
	case RuleNothing:
		return "nop"
	case RuleBlackhole:
		return "blackhole"
	case RuleUnreachable:
		return "unreachable"
	case RuleProhibit:
		return "prohibit"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// RuleFlags are a rule's flags (include/uapi/linux/fib_rules.h, FIB_RULE_*).
type RuleFlags uint32

// Rule flags.
const (
	RulePermanent         RuleFlags = 1 << 0
	RuleInvert            RuleFlags = 1 << 1 // it is for what does not match
	RuleUnresolved        RuleFlags = 1 << 2 // its goto has no target
	RuleInputDetached     RuleFlags = 1 << 3 // its input interface is not there
	RuleOutputDetached    RuleFlags = 1 << 4
	RuleFindSourceAddress RuleFlags = 1 << 16
)

// PortRange is a range of ports, both ends included. The zero range stands for
// any port.
type PortRange struct{ First, Last uint16 }

// UIDRange is a range of user ids, both ends included.
type UIDRange struct{ First, Last uint32 }

// Rule is a rule of the routing policy database. Rules apply in ascending order
// of Priority, and among equals in the order that they were added in.
type Rule struct {
	Family   Family
	Priority uint32
	Flags    RuleFlags

	// What a packet must have. A zero value asks for nothing.
	Source, Destination netip.Prefix
	InputInterface      string `json:"iif"` // name; "lo" for what this host sends
	OutputInterface     string `json:"oif"` // name: of sockets that are bound to it
	TOS                 uint8  `json:",omitzero"`
	DSCP, DSCPMask      uint8  `json:"-"` // both 0 where the rule names a TOS or neither (Linux 6.13)
	Mark, Mask          uint32 `json:"-"`
	TunnelID            uint64 `json:",omitzero"`
	IPProtocol          uint8  `json:",omitzero"`
	SourcePorts         PortRange
	DestinationPorts    PortRange
	// SourcePortMask and DestinationPortMask are the bits of a port that the
	// first of its range decides; 0 for all of them (Linux 6.16).
	SourcePortMask, DestinationPortMask uint16 `json:",omitzero"`
	// FlowLabel is that of IPv6, as far as FlowLabelMask has its bits; both 0 for
	// any (Linux 6.14).
	FlowLabel, FlowLabelMask uint32             `json:"-"`
	UIDs                     Optional[UIDRange] `json:"uids"`
	L3MasterDevice           bool               `json:"l3mdev"` // look into the table of the packet's VRF
	// Unknown says that the rule has attributes besides, which are not known
	// here: whether it is for a packet cannot be told from the others.
	Unknown bool

	Action RuleAction
	Table  uint32 `json:",omitzero"` // of RuleTable; 0 with L3MasterDevice
	Goto   uint32 `json:",omitzero"` // of RuleGoto: a priority
	Realm  uint32 `json:"realms,omitzero" form:"realms"`
	// SuppressPrefixLength passes over routes whose prefix is at most so long.
	SuppressPrefixLength Optional[uint32]
	// SuppressGroup passes over routes by devices of that group.
	SuppressGroup Optional[uint32]
	Protocol      RouteProtocol
}

// RuleReader reads the routing policy.
// Errors of its method are as for [Stack].
type RuleReader interface {
	// Rules yields the rules in the order that they apply in, those of IPv4
	// before those of IPv6.
	Rules(ctx context.Context) iter.Seq2[Rule, error]
}
