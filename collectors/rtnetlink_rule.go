package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/fib_rules.h.
const (
	sizeofFibRuleHdr = 12

	fraPad           = 18 // FRA_PAD
	fraDSCP          = 25 // FRA_DSCP
	fraFlowLabel     = 26 // FRA_FLOWLABEL
	fraFlowLabelMask = 27 // FRA_FLOWLABEL_MASK
	fraSourceMask    = 28 // FRA_SPORT_MASK
	fraDestMask      = 29 // FRA_DPORT_MASK
	fraDSCPMask      = 30 // FRA_DSCP_MASK
)

var ruleKind = rtnetlinkKind{
	kind: netstat.KindRule, added: unix.RTM_NEWRULE, removed: unix.RTM_DELRULE,
	groups:   []int{unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE},
	requests: perFamily(unix.RTM_GETRULE, sizeofFibRuleHdr),
	families: ipFamilies,
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		d.message.Rule, err = parseRule(body)
		return true, err
	},
}

// Rules yields the rules of the routing policy, from rtnetlink(7), in the order
// that they apply in, those of IPv4 before those of IPv6.
func (k *Kernel) Rules(ctx context.Context) iter.Seq2[netstat.Rule, error] {
	return func(yield func(netstat.Rule, error) bool) {
		all, err := collectMessages(ctx, k, ruleKind.requests, netstat.KindRule, func(m *Message) (netstat.Rule, bool) { return m.Rule, true })
		yieldAll(yield, all, k.readError("dump rules", err))
	}
}

// parseRule reads a struct fib_rule_hdr and its attributes.
func parseRule(body []byte) (netstat.Rule, error) {
	var r netstat.Rule
	if len(body) < sizeofFibRuleHdr {
		return r, fmt.Errorf("fib_rule_hdr of %d bytes: % x", len(body), clip(body))
	}
	r.Family = netstat.Family(body[0])
	destinationBits, sourceBits := int(body[1]), int(body[2])
	r.TOS = body[3]
	r.Table = uint32(body[4])
	r.Action = netstat.RuleAction(body[7])
	r.Flags = netstat.RuleFlags(binary.NativeEndian.Uint32(body[8:]))

	var reader attributeReader
	for a, rest := reader.next(body[sizeofFibRuleHdr:]); a.kind != noAttribute; a, rest = reader.next(rest) {
		switch a.kind {
		case unix.FRA_DST:
			r.Destination = reader.prefix(a, r.Family, destinationBits)
		case unix.FRA_SRC:
			r.Source = reader.prefix(a, r.Family, sourceBits)
		case unix.FRA_IIFNAME:
			r.InputInterface = a.string()
		case unix.FRA_OIFNAME:
			r.OutputInterface = a.string()
		case unix.FRA_GOTO:
			r.Goto = reader.uint32(a)
		case unix.FRA_PRIORITY:
			r.Priority = reader.uint32(a)
		case unix.FRA_FWMARK:
			r.Mark = reader.uint32(a)
		case unix.FRA_FWMASK:
			r.Mask = reader.uint32(a)
		case unix.FRA_FLOW:
			r.Realm = reader.uint32(a)
		case unix.FRA_TUN_ID:
			if len(a.value) < 8 {
				reader.malformed(a, "8 bytes")
				break
			}
			r.TunnelID = binary.BigEndian.Uint64(a.value)
		case unix.FRA_SUPPRESS_IFGROUP:
			if n := reader.uint32(a); n != noSuppression {
				r.SuppressGroup.Set(n)
			}
		case unix.FRA_SUPPRESS_PREFIXLEN:
			if n := reader.uint32(a); n != noSuppression {
				r.SuppressPrefixLength.Set(n)
			}
		case unix.FRA_TABLE:
			r.Table = reader.uint32(a)
		case unix.FRA_L3MDEV:
			r.L3MasterDevice = reader.uint8(a) != 0
		case unix.FRA_UID_RANGE:
			if len(a.value) < 8 {
				reader.malformed(a, "fib_rule_uid_range")
				break
			}
			r.UIDs.Set(netstat.UIDRange{First: binary.NativeEndian.Uint32(a.value), Last: binary.NativeEndian.Uint32(a.value[4:])})
		case unix.FRA_PROTOCOL:
			r.Protocol = netstat.RouteProtocol(reader.uint8(a))
		case unix.FRA_IP_PROTO:
			r.IPProtocol = reader.uint8(a)
		case unix.FRA_SPORT_RANGE:
			r.SourcePorts = reader.ports(a)
		case unix.FRA_DPORT_RANGE:
			r.DestinationPorts = reader.ports(a)
		case fraDSCP:
			r.DSCP = reader.uint8(a)
			if r.DSCPMask == 0 {
				r.DSCPMask = 0x3f
			}
		case fraDSCPMask:
			r.DSCPMask = reader.uint8(a)
		case fraFlowLabel:
			r.FlowLabel = reader.big32(a)
		case fraFlowLabelMask:
			r.FlowLabelMask = reader.big32(a)
		case fraSourceMask:
			r.SourcePortMask = reader.portMask(a)
		case fraDestMask:
			r.DestinationPortMask = reader.portMask(a)
		case fraPad:
		default:
			// It may be of what a packet must have: passed over, the rule would
			// be for more.
			r.Unknown = true
		}
	}
	return r, reader.error()
}

// noSuppression is what the kernel says where a rule suppresses nothing.
const noSuppression = 1<<32 - 1

// prefix returns the value, an address of the family, with a length in bits.
func (r *attributeReader) prefix(a nlAttr, family netstat.Family, bits int) netip.Prefix {
	address := r.addr(a, family)
	if r.failed() {
		return netip.Prefix{}
	}
	p := netip.PrefixFrom(address, bits)
	if !p.IsValid() {
		r.malformed(a, fmt.Sprintf("the address of a prefix of %d bits", bits))
	}
	return p
}

// ports returns the value, a struct fib_rule_port_range.
func (r *attributeReader) ports(a nlAttr) netstat.PortRange {
	if len(a.value) < 4 {
		r.malformed(a, "fib_rule_port_range")
		return netstat.PortRange{}
	}
	return netstat.PortRange{First: binary.NativeEndian.Uint16(a.value), Last: binary.NativeEndian.Uint16(a.value[2:])}
}

// portMask returns the value, the bits of a port that decide; 0 for all of them,
// which the kernel says of every single port.
func (r *attributeReader) portMask(a nlAttr) uint16 {
	if mask := r.uint16(a); mask != 1<<16-1 {
		return mask
	}
	return 0
}
