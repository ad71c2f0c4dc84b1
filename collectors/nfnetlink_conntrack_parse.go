package collectors

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// More of include/uapi/linux/netfilter/nfnetlink_conntrack.h.
const (
	ctaHelpName = 1 // CTA_HELP_*

	ctaCountersPackets   = 1 // CTA_COUNTERS_*
	ctaCountersBytes     = 2
	ctaCounters32Packets = 3
	ctaCounters32Bytes   = 4

	ctaTimestampStart = 1 // CTA_TIMESTAMP_*
	ctaTimestampStop  = 2

	ctaSecctxName = 1 // CTA_SECCTX_*

	ctaProtoinfoTCP  = 1 // CTA_PROTOINFO_*
	ctaProtoinfoDCCP = 2
	ctaProtoinfoSCTP = 3

	ctaTCPState       = 1 // CTA_PROTOINFO_TCP_*
	ctaTCPWscaleOrig  = 2
	ctaTCPWscaleReply = 3
	ctaTCPFlagsOrig   = 4
	ctaTCPFlagsReply  = 5

	ctaDCCPState     = 1 // CTA_PROTOINFO_DCCP_*
	ctaDCCPRole      = 2
	ctaDCCPHandshake = 3

	ctaSCTPState     = 1 // CTA_PROTOINFO_SCTP_*
	ctaSCTPTagOrig   = 2
	ctaSCTPTagReply  = 3
	ctaSeqAdjPos     = 1 // CTA_SEQADJ_*
	ctaSeqAdjBefore  = 2
	ctaSeqAdjAfter   = 3
	ctaSynproxyISN   = 1 // CTA_SYNPROXY_*
	ctaSynproxyITS   = 2
	ctaSynproxyTSOff = 3

	expNew         = 0 // IPCTNL_MSG_EXP_*
	expGet         = 1
	expDelete      = 2
	expGetStatsCPU = 3

	ctaExpectMaster   = 1 // CTA_EXPECT_*
	ctaExpectTuple    = 2
	ctaExpectMask     = 3
	ctaExpectTimeout  = 4
	ctaExpectID       = 5
	ctaExpectHelpName = 6
	ctaExpectZone     = 7
	ctaExpectFlags    = 8
	ctaExpectClass    = 9
	ctaExpectNAT      = 10
	ctaExpectFN       = 11

	ctaExpectNATDir   = 1 // CTA_EXPECT_NAT_*
	ctaExpectNATTuple = 2
)

// conntrackDecoder decodes messages of ctnetlink, each into the same memory.
type conntrackDecoder struct {
	attributeReader
	Flow        netstat.Flow
	Expectation netstat.Expectation
	// Told is when the kernel says that an event happened; the zero time where it
	// does not (CTA_TIMESTAMP_EVENT, Linux 6.14).
	Told time.Time

	names  [8]string // of helpers and security contexts met lately
	oldest int       // of them
}

// name returns the text of an attribute, without making the same one anew.
func (d *conntrackDecoder) name(a nlAttr) string {
	text := a.value
	for i, c := range text {
		if c == 0 {
			text = text[:i]
			break
		}
	}
	for _, known := range d.names {
		if known == string(text) { // the compiler makes no string of this
			return known
		}
	}
	s := string(text)
	d.names[d.oldest] = s
	d.oldest = (d.oldest + 1) % len(d.names)
	return s
}

// flow decodes a message about a flow (net/netfilter/nf_conntrack_netlink.c,
// ctnetlink_fill_info and ctnetlink_conntrack_event).
func (d *conntrackDecoder) flow(body []byte) error {
	_, _, message, err := nfMessage(body)
	if err != nil {
		return err
	}
	d.Flow, d.Told, d.attributeReader = netstat.Flow{}, time.Time{}, attributeReader{}
	f := &d.Flow
	for a, rest := d.next(message); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaTupleOrig:
			d.parseTuple(a, &f.Original)
		case ctaTupleReply:
			d.parseTuple(a, &f.Reply)
		case ctaTupleMaster:
			var t netstat.FlowTuple
			d.parseTuple(a, &t)
			f.Master.Set(t)
		case ctaStatus:
			f.Status.Set(netstat.FlowStatus(d.big32(a)))
		case ctaProtoinfo:
			d.parseProtoinfo(a, f)
		case ctaHelp:
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				if a.kind == ctaHelpName {
					f.Helper = d.name(a)
				}
			}
		case ctaTimeout:
			f.Timeout.Set(time.Duration(d.big32(a)) * time.Second)
		case ctaMark:
			f.Mark.Set(d.big32(a))
		case ctaCountersOrig:
			f.OriginalCounters = d.parseFlowCounters(a)
		case ctaCountersReply:
			f.ReplyCounters = d.parseFlowCounters(a)
		case ctaUse:
			f.Use.Set(d.big32(a))
		case ctaID:
			f.ID.Set(d.big32(a))
		case ctaSeqAdjOrig:
			f.OriginalSequence.Set(d.parseSequenceAdjustment(a))
		case ctaSeqAdjReply:
			f.ReplySequence.Set(d.parseSequenceAdjustment(a))
		case ctaZone:
			f.Zone = d.big16(a)
		case ctaSecctx:
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				if a.kind == ctaSecctxName {
					f.SecurityContext = d.name(a)
				}
			}
		case ctaTimestamp:
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaTimestampStart:
					f.Start = timeOf(d.big64(a))
				case ctaTimestampStop:
					f.Stop = timeOf(d.big64(a))
				}
			}
		case ctaLabels:
			d.parseLabels(a, f)
		case ctaSynproxy:
			f.SynProxy.Set(d.parseSynProxy(a))
		case ctaTimestampEvent:
			d.Told = timeOf(d.big64(a))
		}
		if d.failed() {
			return d.in(a)
		}
	}
	return d.error()
}

// timeOf returns the time that nanoseconds since 1970 are; the zero time for 0.
func timeOf(nanoseconds uint64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(nanoseconds))
}

func (d *conntrackDecoder) parseTuple(a nlAttr, t *netstat.FlowTuple) {
	for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaTupleIP:
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaIPv4Src:
					t.Source = d.addr(a, netstat.IPv4)
				case ctaIPv4Dst:
					t.Destination = d.addr(a, netstat.IPv4)
				case ctaIPv6Src:
					t.Source = d.addr(a, netstat.IPv6)
				case ctaIPv6Dst:
					t.Destination = d.addr(a, netstat.IPv6)
				}
			}
		case ctaTupleProto:
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaProtoNum:
					t.Protocol = netstat.IPProtocol(d.uint8(a))
				case ctaProtoSrcPort:
					t.SourcePort = d.big16(a)
				case ctaProtoDstPort:
					t.DestinationPort = d.big16(a)
				case ctaProtoICMPID, ctaProtoICMPv6ID:
					t.ICMPID = d.big16(a)
				case ctaProtoICMPType, ctaProtoICMPv6Type:
					t.ICMPType = d.uint8(a)
				case ctaProtoICMPCode, ctaProtoICMPv6Code:
					t.ICMPCode = d.uint8(a)
				}
			}
		case ctaTupleZone:
			t.Zone = d.big16(a)
		}
	}
}

func (d *conntrackDecoder) parseProtoinfo(a nlAttr, f *netstat.Flow) {
	for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaProtoinfoTCP:
			var tcp netstat.FlowTCP
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaTCPState:
					tcp.State = netstat.FlowTCPState(d.uint8(a))
				case ctaTCPWscaleOrig:
					tcp.OriginalScale.Set(d.uint8(a))
				case ctaTCPWscaleReply:
					tcp.ReplyScale.Set(d.uint8(a))
				case ctaTCPFlagsOrig: // struct nf_ct_tcp_flags: flags and mask
					tcp.OriginalFlags.Set(netstat.FlowTCPFlags(d.uint8(a)))
				case ctaTCPFlagsReply:
					tcp.ReplyFlags.Set(netstat.FlowTCPFlags(d.uint8(a)))
				}
			}
			f.TCP.Set(tcp)
		case ctaProtoinfoSCTP:
			var sctp netstat.FlowSCTP
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaSCTPState:
					sctp.State = netstat.FlowSCTPState(d.uint8(a))
				case ctaSCTPTagOrig:
					sctp.OriginalTag.Set(d.big32(a))
				case ctaSCTPTagReply:
					sctp.ReplyTag.Set(d.big32(a))
				}
			}
			f.SCTP.Set(sctp)
		case ctaProtoinfoDCCP:
			var dccp netstat.FlowDCCP
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaDCCPState:
					dccp.State = netstat.FlowDCCPState(d.uint8(a))
				case ctaDCCPRole:
					dccp.Server = d.uint8(a) != 0
				case ctaDCCPHandshake:
					dccp.HandshakeSequence = d.big64(a)
				}
			}
			f.DCCP.Set(dccp)
		}
	}
}

func (d *conntrackDecoder) parseFlowCounters(a nlAttr) netstat.Optional[netstat.FlowCounters] {
	var c netstat.FlowCounters
	for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaCountersPackets:
			c.Packets = d.big64(a)
		case ctaCountersBytes:
			c.Bytes = d.big64(a)
		case ctaCounters32Packets:
			c.Packets = uint64(d.big32(a))
		case ctaCounters32Bytes:
			c.Bytes = uint64(d.big32(a))
		}
	}
	return netstat.Known(c)
}

func (d *conntrackDecoder) parseSequenceAdjustment(a nlAttr) netstat.SequenceAdjustment {
	var s netstat.SequenceAdjustment
	for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaSeqAdjPos:
			s.Position = d.big32(a)
		case ctaSeqAdjBefore:
			s.Before = int32(d.big32(a))
		case ctaSeqAdjAfter:
			s.After = int32(d.big32(a))
		}
	}
	return s
}

func (d *conntrackDecoder) parseSynProxy(a nlAttr) netstat.SynProxy {
	var s netstat.SynProxy
	for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaSynproxyISN:
			s.InitialSequence = d.big32(a)
		case ctaSynproxyITS:
			s.InitialTime = d.big32(a)
		case ctaSynproxyTSOff:
			s.TimestampOffset = d.big32(a)
		}
	}
	return s
}

// parseLabels reads the bits as the kernel has them, an array of unsigned longs
// of the host's byte order: 32 bits at a time are the same for both sizes of
// long where the order is little-endian, and 64 where it is not.
func (d *conntrackDecoder) parseLabels(a nlAttr, f *netstat.Flow) {
	var l netstat.FlowLabels
	if len(a.value) > len(l) || len(a.value)%8 != 0 {
		d.malformed(a, "128 labels")
		return
	}
	for i := 0; i < len(a.value); i += 8 {
		binary.LittleEndian.PutUint64(l[i:], binary.NativeEndian.Uint64(a.value[i:]))
	}
	f.Labels.Set(l)
}

// expectation decodes a message about an expectation (ctnetlink_exp_dump_expect).
func (d *conntrackDecoder) expectation(body []byte) error {
	_, _, message, err := nfMessage(body)
	if err != nil {
		return err
	}
	d.Expectation, d.Told, d.attributeReader = netstat.Expectation{}, time.Time{}, attributeReader{}
	e := &d.Expectation
	for a, rest := d.next(message); a.kind != noAttribute; a, rest = d.next(rest) {
		switch a.kind {
		case ctaExpectMaster:
			d.parseTuple(a, &e.Master)
		case ctaExpectTuple:
			d.parseTuple(a, &e.Tuple)
		case ctaExpectMask:
			d.parseTuple(a, &e.Mask)
		case ctaExpectTimeout:
			// A timer that is just firing is told as a time before now.
			if seconds := int32(d.big32(a)); seconds >= 0 {
				e.Timeout.Set(time.Duration(seconds) * time.Second)
			} else {
				e.Timeout.Set(0)
			}
		case ctaExpectID:
			e.ID.Set(d.big32(a))
		case ctaExpectHelpName:
			e.Helper = d.name(a)
		case ctaExpectZone:
			e.Zone = d.big16(a)
		case ctaExpectFlags:
			e.Flags = netstat.ExpectationFlags(d.big32(a))
		case ctaExpectClass:
			e.Class = d.big32(a)
		case ctaExpectFN:
			e.Function = d.name(a)
		case ctaExpectNAT:
			var n netstat.ExpectationNAT
			for a, rest := d.next(a.value); a.kind != noAttribute; a, rest = d.next(rest) {
				switch a.kind {
				case ctaExpectNATDir:
					n.Reply = d.big32(a) != 0
				case ctaExpectNATTuple:
					d.parseTuple(a, &n.Tuple)
				}
			}
			e.NAT.Set(n)
		}
		if d.failed() {
			return d.in(a)
		}
	}
	return d.error()
}

// noTuple is the error for what is to name a flow and does not. Without a tuple
// the kernel takes a deletion for one of the whole table.
func noTuple(t *netstat.FlowTuple) error {
	switch {
	case !t.Source.IsValid() || !t.Destination.IsValid():
		return fmt.Errorf("a flow is named by the addresses of both ends, not by %v and %v", t.Source, t.Destination)
	case t.Source.Is4() != t.Destination.Is4():
		return fmt.Errorf("%v and %v are of two families", t.Source, t.Destination)
	}
	return nil
}
