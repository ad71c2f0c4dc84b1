package collectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// CTA_NAT_* and CTA_PROTONAT_*.
const (
	ctaNATIPv4Min = 1
	ctaNATIPv4Max = 2
	ctaNATProto   = 3
	ctaNATIPv6Min = 4
	ctaNATIPv6Max = 5

	ctaProtoNATPortMin = 1
	ctaProtoNATPortMax = 2
)

// appendTuple appends a tuple of a family, whose addresses must be of it.
func appendTuple(b []byte, kind uint16, t *netstat.FlowTuple, family netstat.Family) []byte {
	b, outer := beginNested(b, kind)
	b, inner := beginNested(b, ctaTupleIP)
	source, destination := uint16(ctaIPv4Src), uint16(ctaIPv4Dst)
	if family == netstat.IPv6 {
		source, destination = ctaIPv6Src, ctaIPv6Dst
	}
	b = appendAttribute(b, source, t.Source.AsSlice())
	b = appendAttribute(b, destination, t.Destination.AsSlice())
	b = endNested(b, inner)
	b, inner = beginNested(b, ctaTupleProto)
	b = appendAttribute(b, ctaProtoNum, []byte{byte(t.Protocol)})
	switch {
	case t.Protocol.HasPorts():
		b = appendBig16Attribute(b, ctaProtoSrcPort, t.SourcePort)
		b = appendBig16Attribute(b, ctaProtoDstPort, t.DestinationPort)
	case t.Protocol == netstat.IPProtocolICMP:
		b = appendBig16Attribute(b, ctaProtoICMPID, t.ICMPID)
		b = appendAttribute(b, ctaProtoICMPType, []byte{t.ICMPType})
		b = appendAttribute(b, ctaProtoICMPCode, []byte{t.ICMPCode})
	case t.Protocol == netstat.IPProtocolICMPv6:
		b = appendBig16Attribute(b, ctaProtoICMPv6ID, t.ICMPID)
		b = appendAttribute(b, ctaProtoICMPv6Type, []byte{t.ICMPType})
		b = appendAttribute(b, ctaProtoICMPv6Code, []byte{t.ICMPCode})
	}
	b = endNested(b, inner)
	if t.Zone != 0 {
		b = appendBig16Attribute(b, ctaTupleZone, t.Zone)
	}
	return endNested(b, outer)
}

// appendKey appends what names a flow. It refuses a key without a tuple.
func appendKey(b []byte, key *netstat.FlowKey) ([]byte, error) {
	if err := noTuple(&key.Tuple); err != nil {
		return nil, err
	}
	kind := uint16(ctaTupleOrig)
	if key.Reply {
		kind = ctaTupleReply
	}
	b = appendTuple(b, kind, &key.Tuple, key.Tuple.Family())
	if key.Zone != 0 {
		b = appendBig16Attribute(b, ctaZone, key.Zone)
	}
	return b, nil
}

// appendSeconds appends a timeout.
func appendSeconds(b []byte, kind uint16, d time.Duration) ([]byte, error) {
	if d < 0 || d/time.Second > math.MaxUint32 {
		return nil, fmt.Errorf("a timeout of %v has no place in 32 bits of seconds", d)
	}
	return appendBig32Attribute(b, kind, uint32(d/time.Second)), nil
}

// appendNewFlow appends a flow to create.
func appendNewFlow(b []byte, f *netstat.NewFlow) ([]byte, error) {
	if err := noTuple(&f.Original); err != nil {
		return nil, err
	}
	reply := f.Reply
	inverse := f.Original.Invert()
	if !reply.Source.IsValid() && !reply.Destination.IsValid() {
		zone := reply.Zone
		reply = inverse
		reply.Zone = zone
	}
	if err := noTuple(&reply); err != nil {
		return nil, err
	}
	family := f.Original.Family()
	if reply.Family() != family {
		return nil, fmt.Errorf("%v and %v are of two families", f.Original.Source, reply.Source)
	}
	timeout, known := f.Timeout.Get()
	if !known {
		return nil, fmt.Errorf("a flow to create needs a timeout")
	}
	b = appendTuple(b, ctaTupleOrig, &f.Original, family)
	b = appendTuple(b, ctaTupleReply, &reply, family)
	if f.Zone != 0 {
		b = appendBig16Attribute(b, ctaZone, f.Zone)
	}
	b, err := appendSeconds(b, ctaTimeout, timeout)
	if err != nil {
		return nil, err
	}
	if status, known := f.Status.Get(); known {
		// What the kernel sets itself it does not let be set.
		b = appendBig32Attribute(b, ctaStatus, uint32(status&^(netstat.FlowExpected|netstat.FlowIsDying)|netstat.FlowConfirmed))
	}
	b = appendProtoinfo(b, f.TCP, f.SCTP, f.DCCP)
	if mark, known := f.Mark.Get(); known {
		b = appendBig32Attribute(b, ctaMark, mark)
	}
	if labels, known := f.Labels.Get(); known {
		b = appendLabels(b, ctaLabels, labels)
	}
	if f.Helper != "" {
		b = appendHelper(b, f.Helper)
	}
	if master, known := f.Master.Get(); known {
		if err := noTuple(&master); err != nil {
			return nil, err
		}
		b = appendTuple(b, ctaTupleMaster, &master, family)
	}
	b = appendSequence(b, ctaSeqAdjOrig, f.OriginalSequence)
	b = appendSequence(b, ctaSeqAdjReply, f.ReplySequence)
	b = appendSynProxy(b, f.SynProxy)
	if b, err = appendNAT(b, ctaNATSrc, f.SourceNAT, family); err != nil {
		return nil, err
	}
	return appendNAT(b, ctaNATDst, f.DestinationNAT, family)
}

func appendNAT(b []byte, kind uint16, t netstat.NATTarget, family netstat.Family) ([]byte, error) {
	if t.IsZero() {
		return b, nil
	}
	b, outer := beginNested(b, kind)
	if t.Address.IsValid() {
		lowest, highest := uint16(ctaNATIPv4Min), uint16(ctaNATIPv4Max)
		if family == netstat.IPv6 {
			lowest, highest = ctaNATIPv6Min, ctaNATIPv6Max
		}
		if t.Address.Is4() != (family == netstat.IPv4) {
			return nil, fmt.Errorf("an %v flow cannot be translated to %v", family, t.Address)
		}
		b = appendAttribute(b, lowest, t.Address.AsSlice())
		b = appendAttribute(b, highest, t.Address.AsSlice())
	}
	if t.Port != 0 {
		var inner int
		b, inner = beginNested(b, ctaNATProto)
		b = appendBig16Attribute(b, ctaProtoNATPortMin, t.Port)
		b = appendBig16Attribute(b, ctaProtoNATPortMax, t.Port)
		b = endNested(b, inner)
	}
	return endNested(b, outer), nil
}

func appendProtoinfo(b []byte, tcp netstat.Optional[netstat.FlowTCP], sctp netstat.Optional[netstat.FlowSCTP], dccp netstat.Optional[netstat.FlowDCCP]) []byte {
	if !tcp.IsKnown() && !sctp.IsKnown() && !dccp.IsKnown() {
		return b
	}
	b, outer := beginNested(b, ctaProtoinfo)
	if t, known := tcp.Get(); known {
		var inner int
		b, inner = beginNested(b, ctaProtoinfoTCP)
		b = appendAttribute(b, ctaTCPState, []byte{byte(t.State)})
		// The kernel takes scales of both sides or of none, and only beside flags
		// that say of both that they scale (nlattr_to_tcp, net/netfilter/
		// nf_conntrack_proto_tcp.c); flags with the mask of those that are meant.
		if t.OriginalScale.IsKnown() && t.ReplyScale.IsKnown() {
			b = appendAttribute(b, ctaTCPWscaleOrig, []byte{t.OriginalScale.Or(0)})
			b = appendAttribute(b, ctaTCPWscaleReply, []byte{t.ReplyScale.Or(0)})
		}
		if flags, known := t.OriginalFlags.Get(); known {
			b = appendAttribute(b, ctaTCPFlagsOrig, []byte{byte(flags), byte(flags)})
		}
		if flags, known := t.ReplyFlags.Get(); known {
			b = appendAttribute(b, ctaTCPFlagsReply, []byte{byte(flags), byte(flags)})
		}
		b = endNested(b, inner)
	}
	if s, known := sctp.Get(); known {
		var inner int
		b, inner = beginNested(b, ctaProtoinfoSCTP)
		b = appendAttribute(b, ctaSCTPState, []byte{byte(s.State)})
		b = appendBig32Attribute(b, ctaSCTPTagOrig, s.OriginalTag.Or(0))
		b = appendBig32Attribute(b, ctaSCTPTagReply, s.ReplyTag.Or(0))
		b = endNested(b, inner)
	}
	if d, known := dccp.Get(); known {
		var inner int
		role := byte(0)
		if d.Server {
			role = 1
		}
		b, inner = beginNested(b, ctaProtoinfoDCCP)
		b = appendAttribute(b, ctaDCCPState, []byte{byte(d.State)})
		b = appendAttribute(b, ctaDCCPRole, []byte{role})
		b = appendAttribute(b, ctaDCCPHandshake, binary.BigEndian.AppendUint64(nil, d.HandshakeSequence))
		b = endNested(b, inner)
	}
	return endNested(b, outer)
}

func appendLabels(b []byte, kind uint16, l netstat.FlowLabels) []byte {
	var native [len(l)]byte
	for i := 0; i < len(l); i += 8 {
		binary.NativeEndian.PutUint64(native[i:], binary.LittleEndian.Uint64(l[i:]))
	}
	return appendAttribute(b, kind, native[:])
}

func appendHelper(b []byte, name string) []byte {
	b, start := beginNested(b, ctaHelp)
	b = appendAttribute(b, ctaHelpName, append([]byte(name), 0))
	return endNested(b, start)
}

func appendSequence(b []byte, kind uint16, s netstat.Optional[netstat.SequenceAdjustment]) []byte {
	adjustment, known := s.Get()
	if !known {
		return b
	}
	b, start := beginNested(b, kind)
	b = appendBig32Attribute(b, ctaSeqAdjPos, adjustment.Position)
	b = appendBig32Attribute(b, ctaSeqAdjBefore, uint32(adjustment.Before))
	b = appendBig32Attribute(b, ctaSeqAdjAfter, uint32(adjustment.After))
	return endNested(b, start)
}

func appendSynProxy(b []byte, s netstat.Optional[netstat.SynProxy]) []byte {
	proxy, known := s.Get()
	if !known {
		return b
	}
	b, start := beginNested(b, ctaSynproxy)
	b = appendBig32Attribute(b, ctaSynproxyISN, proxy.InitialSequence)
	b = appendBig32Attribute(b, ctaSynproxyITS, proxy.InitialTime)
	b = appendBig32Attribute(b, ctaSynproxyTSOff, proxy.TimestampOffset)
	return endNested(b, start)
}

// appendFlowChange appends a change of a flow that is there.
func appendFlowChange(b []byte, f *netstat.Flow, c *netstat.FlowChange) (_ []byte, err error) {
	key := f.Key()
	if b, err = appendKey(b, &key); err != nil {
		return nil, err
	}
	if timeout, known := c.Timeout.Get(); known {
		if b, err = appendSeconds(b, ctaTimeout, timeout); err != nil {
			return nil, err
		}
	}
	if bits, known := c.Mark.Get(); known {
		b = appendBig32Attribute(b, ctaMark, bits.Value&bits.Mask)
		if bits.Mask != math.MaxUint32 {
			// The bits of the mask are cleared, and the value is added by XOR
			// (ctnetlink_change_mark).
			b = appendBig32Attribute(b, ctaMarkMask, bits.Mask)
		}
	}
	if c.Status != 0 {
		b = appendBig32Attribute(b, ctaStatus, uint32(f.Status.Or(0)|c.Status))
	}
	if name, known := c.Helper.Get(); known {
		b = appendHelper(b, name)
	}
	if labels, known := c.Labels.Get(); known {
		if mask, known := c.LabelMask.Get(); known {
			// The kernel keeps the bits that are 0 in both and otherwise
			// changes by XOR (nf_connlabels_replace): the others become those
			// of labels only if they are in the mask.
			for i := range labels {
				labels[i] &= mask[i]
			}
			b = appendLabels(b, ctaLabelsMask, mask)
		}
		b = appendLabels(b, ctaLabels, labels)
	}
	b = appendProtoinfo(b, c.TCP, c.SCTP, netstat.Optional[netstat.FlowDCCP]{})
	b = appendSequence(b, ctaSeqAdjOrig, c.OriginalSequence)
	b = appendSequence(b, ctaSeqAdjReply, c.ReplySequence)
	return appendSynProxy(b, c.SynProxy), nil
}

// appendExpectation appends an expectation to create.
func appendExpectation(b []byte, e *netstat.Expectation) (_ []byte, err error) {
	for _, t := range [...]*netstat.FlowTuple{&e.Master, &e.Tuple, &e.Mask} {
		if err := noTuple(t); err != nil {
			return nil, err
		}
		if t.Family() != e.Master.Family() {
			return nil, fmt.Errorf("%v and %v are of two families", e.Master.Source, t.Source)
		}
	}
	family := e.Master.Family()
	mask := e.Mask
	mask.Protocol = e.Tuple.Protocol // it says which fields the mask has
	b = appendTuple(b, ctaExpectMaster, &e.Master, family)
	b = appendTuple(b, ctaExpectTuple, &e.Tuple, family)
	b = appendTuple(b, ctaExpectMask, &mask, family)
	timeout, known := e.Timeout.Get()
	if !known {
		return nil, fmt.Errorf("an expectation to create needs a timeout")
	}
	if b, err = appendSeconds(b, ctaExpectTimeout, timeout); err != nil {
		return nil, err
	}
	if e.Zone != 0 {
		b = appendBig16Attribute(b, ctaExpectZone, e.Zone)
	}
	b = appendBig32Attribute(b, ctaExpectFlags, uint32(e.Flags))
	b = appendBig32Attribute(b, ctaExpectClass, e.Class)
	if e.Helper != "" {
		b = appendAttribute(b, ctaExpectHelpName, append([]byte(e.Helper), 0))
	}
	if e.Function != "" {
		b = appendAttribute(b, ctaExpectFN, append([]byte(e.Function), 0))
	}
	if n, known := e.NAT.Get(); known {
		if err := noTuple(&n.Tuple); err != nil {
			return nil, err
		}
		direction := uint32(0)
		if n.Reply {
			direction = 1
		}
		var start int
		b, start = beginNested(b, ctaExpectNAT)
		b = appendBig32Attribute(b, ctaExpectNATDir, direction)
		b = appendTuple(b, ctaExpectNATTuple, &n.Tuple, family)
		b = endNested(b, start)
	}
	return b, nil
}

// appendExpectationKey appends what names an expectation: its tuple.
func appendExpectationKey(b []byte, e *netstat.Expectation) ([]byte, error) {
	if err := noTuple(&e.Tuple); err != nil {
		return nil, err
	}
	b = appendTuple(b, ctaExpectTuple, &e.Tuple, e.Tuple.Family())
	if e.Zone != 0 {
		b = appendBig16Attribute(b, ctaExpectZone, e.Zone)
	}
	if id, known := e.ID.Get(); known {
		b = appendBig32Attribute(b, ctaExpectID, id)
	}
	return b, nil
}

// Flags of requests that make something.
const (
	makeNew     = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	makeOrAlter = unix.NLM_F_CREATE
)
