package collectors

import (
	"encoding/binary"
	"fmt"
	"net/netip"
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
	Flow        netstat.Flow
	Expectation netstat.Expectation
	// Told is when the kernel says that an event happened; the zero time where it
	// does not (CTA_TIMESTAMP_EVENT, Linux 6.14).
	Told time.Time

	names [8]string // of helpers and security contexts met lately
	next  int
}

// name returns the text of an attribute, without making the same one anew.
func (d *conntrackDecoder) name(a *attributes) string {
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
	d.names[d.next] = s
	d.next = (d.next + 1) % len(d.names)
	return s
}

// flow decodes a message about a flow (net/netfilter/nf_conntrack_netlink.c,
// ctnetlink_fill_info and ctnetlink_conntrack_event).
func (d *conntrackDecoder) flow(body []byte) error {
	_, _, a, err := nfMessage(body)
	if err != nil {
		return err
	}
	d.Flow, d.Told = netstat.Flow{}, time.Time{}
	f := &d.Flow
	for a.next() {
		switch a.kind {
		case ctaTupleOrig:
			parseTuple(&a, &f.Original)
		case ctaTupleReply:
			parseTuple(&a, &f.Reply)
		case ctaTupleMaster:
			var t netstat.FlowTuple
			parseTuple(&a, &t)
			f.Master.Set(t)
		case ctaStatus:
			f.Status.Set(netstat.FlowStatus(a.big32()))
		case ctaProtoinfo:
			parseProtoinfo(&a, f)
		case ctaHelp:
			nested := a.nested()
			for nested.next() {
				if nested.kind == ctaHelpName {
					f.Helper = d.name(&nested)
				}
			}
			a.inherit(&nested)
		case ctaTimeout:
			f.Timeout.Set(time.Duration(a.big32()) * time.Second)
		case ctaMark:
			f.Mark.Set(a.big32())
		case ctaCountersOrig:
			f.OriginalCounters = parseFlowCounters(&a)
		case ctaCountersReply:
			f.ReplyCounters = parseFlowCounters(&a)
		case ctaUse:
			f.Use.Set(a.big32())
		case ctaID:
			f.ID.Set(a.big32())
		case ctaSeqAdjOrig:
			f.OriginalSequence.Set(parseSequenceAdjustment(&a))
		case ctaSeqAdjReply:
			f.ReplySequence.Set(parseSequenceAdjustment(&a))
		case ctaZone:
			f.Zone = a.big16()
		case ctaSecctx:
			nested := a.nested()
			for nested.next() {
				if nested.kind == ctaSecctxName {
					f.SecurityContext = d.name(&nested)
				}
			}
			a.inherit(&nested)
		case ctaTimestamp:
			nested := a.nested()
			for nested.next() {
				switch nested.kind {
				case ctaTimestampStart:
					f.Start = timeOf(nested.big64())
				case ctaTimestampStop:
					f.Stop = timeOf(nested.big64())
				}
			}
			a.inherit(&nested)
		case ctaLabels:
			parseLabels(&a, f)
		case ctaSynproxy:
			f.SynProxy.Set(parseSynProxy(&a))
		case ctaTimestampEvent:
			d.Told = timeOf(a.big64())
		}
	}
	return a.err
}

// timeOf returns the time that nanoseconds since 1970 are; the zero time for 0.
func timeOf(nanoseconds uint64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(nanoseconds))
}

func parseTuple(a *attributes, t *netstat.FlowTuple) {
	outer := a.nested()
	for outer.next() {
		switch outer.kind {
		case ctaTupleIP:
			nested := outer.nested()
			for nested.next() {
				switch nested.kind {
				case ctaIPv4Src:
					t.Source = nested.ip4()
				case ctaIPv4Dst:
					t.Destination = nested.ip4()
				case ctaIPv6Src:
					t.Source = nested.ip6()
				case ctaIPv6Dst:
					t.Destination = nested.ip6()
				}
			}
			outer.inherit(&nested)
		case ctaTupleProto:
			nested := outer.nested()
			for nested.next() {
				switch nested.kind {
				case ctaProtoNum:
					t.Protocol = netstat.IPProtocol(nested.uint8())
				case ctaProtoSrcPort:
					t.SourcePort = nested.big16()
				case ctaProtoDstPort:
					t.DestinationPort = nested.big16()
				case ctaProtoICMPID, ctaProtoICMPv6ID:
					t.ICMPID = nested.big16()
				case ctaProtoICMPType, ctaProtoICMPv6Type:
					t.ICMPType = nested.uint8()
				case ctaProtoICMPCode, ctaProtoICMPv6Code:
					t.ICMPCode = nested.uint8()
				}
			}
			outer.inherit(&nested)
		case ctaTupleZone:
			t.Zone = outer.big16()
		}
	}
	a.inherit(&outer)
}

func (a *attributes) ip4() netip.Addr {
	if len(a.value) != 4 {
		a.malformed("an IPv4 address")
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(a.value))
}

func (a *attributes) ip6() netip.Addr {
	if len(a.value) != 16 {
		a.malformed("an IPv6 address")
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(a.value))
}

func parseProtoinfo(a *attributes, f *netstat.Flow) {
	outer := a.nested()
	for outer.next() {
		nested := outer.nested()
		switch outer.kind {
		case ctaProtoinfoTCP:
			var tcp netstat.FlowTCP
			for nested.next() {
				switch nested.kind {
				case ctaTCPState:
					tcp.State = netstat.FlowTCPState(nested.uint8())
				case ctaTCPWscaleOrig:
					tcp.OriginalScale.Set(nested.uint8())
				case ctaTCPWscaleReply:
					tcp.ReplyScale.Set(nested.uint8())
				case ctaTCPFlagsOrig: // struct nf_ct_tcp_flags: flags and mask
					tcp.OriginalFlags.Set(netstat.FlowTCPFlags(nested.uint8()))
				case ctaTCPFlagsReply:
					tcp.ReplyFlags.Set(netstat.FlowTCPFlags(nested.uint8()))
				}
			}
			f.TCP.Set(tcp)
		case ctaProtoinfoSCTP:
			var sctp netstat.FlowSCTP
			for nested.next() {
				switch nested.kind {
				case ctaSCTPState:
					sctp.State = netstat.FlowSCTPState(nested.uint8())
				case ctaSCTPTagOrig:
					sctp.OriginalTag.Set(nested.big32())
				case ctaSCTPTagReply:
					sctp.ReplyTag.Set(nested.big32())
				}
			}
			f.SCTP.Set(sctp)
		case ctaProtoinfoDCCP:
			var dccp netstat.FlowDCCP
			for nested.next() {
				switch nested.kind {
				case ctaDCCPState:
					dccp.State = netstat.FlowDCCPState(nested.uint8())
				case ctaDCCPRole:
					dccp.Server = nested.uint8() != 0
				case ctaDCCPHandshake:
					dccp.HandshakeSequence = nested.big64()
				}
			}
			f.DCCP.Set(dccp)
		}
		outer.inherit(&nested)
	}
	a.inherit(&outer)
}

func parseFlowCounters(a *attributes) netstat.Optional[netstat.FlowCounters] {
	var c netstat.FlowCounters
	nested := a.nested()
	for nested.next() {
		switch nested.kind {
		case ctaCountersPackets:
			c.Packets = nested.big64()
		case ctaCountersBytes:
			c.Bytes = nested.big64()
		case ctaCounters32Packets:
			c.Packets = uint64(nested.big32())
		case ctaCounters32Bytes:
			c.Bytes = uint64(nested.big32())
		}
	}
	a.inherit(&nested)
	return netstat.Known(c)
}

func parseSequenceAdjustment(a *attributes) netstat.SequenceAdjustment {
	var s netstat.SequenceAdjustment
	nested := a.nested()
	for nested.next() {
		switch nested.kind {
		case ctaSeqAdjPos:
			s.Position = nested.big32()
		case ctaSeqAdjBefore:
			s.Before = int32(nested.big32())
		case ctaSeqAdjAfter:
			s.After = int32(nested.big32())
		}
	}
	a.inherit(&nested)
	return s
}

func parseSynProxy(a *attributes) netstat.SynProxy {
	var s netstat.SynProxy
	nested := a.nested()
	for nested.next() {
		switch nested.kind {
		case ctaSynproxyISN:
			s.InitialSequence = nested.big32()
		case ctaSynproxyITS:
			s.InitialTime = nested.big32()
		case ctaSynproxyTSOff:
			s.TimestampOffset = nested.big32()
		}
	}
	a.inherit(&nested)
	return s
}

// parseLabels reads the bits as the kernel has them, an array of unsigned longs
// of the host's byte order: 32 bits at a time are the same for both sizes of
// long where the order is little-endian, and 64 where it is not.
func parseLabels(a *attributes, f *netstat.Flow) {
	var l netstat.FlowLabels
	if len(a.value) > len(l) || len(a.value)%8 != 0 {
		a.malformed("128 labels")
		return
	}
	for i := 0; i < len(a.value); i += 8 {
		binary.LittleEndian.PutUint64(l[i:], binary.NativeEndian.Uint64(a.value[i:]))
	}
	f.Labels.Set(l)
}

// expectation decodes a message about an expectation (ctnetlink_exp_dump_expect).
func (d *conntrackDecoder) expectation(body []byte) error {
	_, _, a, err := nfMessage(body)
	if err != nil {
		return err
	}
	d.Expectation, d.Told = netstat.Expectation{}, time.Time{}
	e := &d.Expectation
	for a.next() {
		switch a.kind {
		case ctaExpectMaster:
			parseTuple(&a, &e.Master)
		case ctaExpectTuple:
			parseTuple(&a, &e.Tuple)
		case ctaExpectMask:
			parseTuple(&a, &e.Mask)
		case ctaExpectTimeout:
			// A timer that is just firing is told as a time before now.
			if seconds := int32(a.big32()); seconds >= 0 {
				e.Timeout.Set(time.Duration(seconds) * time.Second)
			} else {
				e.Timeout.Set(0)
			}
		case ctaExpectID:
			e.ID.Set(a.big32())
		case ctaExpectHelpName:
			e.Helper = d.name(&a)
		case ctaExpectZone:
			e.Zone = a.big16()
		case ctaExpectFlags:
			e.Flags = netstat.ExpectationFlags(a.big32())
		case ctaExpectClass:
			e.Class = a.big32()
		case ctaExpectFN:
			e.Function = d.name(&a)
		case ctaExpectNAT:
			var n netstat.ExpectationNAT
			nested := a.nested()
			for nested.next() {
				switch nested.kind {
				case ctaExpectNATDir:
					n.Reply = nested.big32() != 0
				case ctaExpectNATTuple:
					parseTuple(&nested, &n.Tuple)
				}
			}
			a.inherit(&nested)
			e.NAT.Set(n)
		}
	}
	return a.err
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
