package ipmib

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var icmp = mib.MustParseOID("1.3.6.1.2.1.5")

// ICMP is the counters of a version of ICMP, named as in RFC 4293 without
// "icmpStats", and messages of IPv4's by type.
type ICMP struct {
	Family                               netstat.Family
	InMsgs, InErrors, OutMsgs, OutErrors Counter
	In, Out                              ICMPMessages
}

// ICMPMessages are counters of messages of ICMP over IPv4, named as in the
// deprecated group icmp without "icmpIn" and "icmpOut".
type ICMPMessages struct {
	DestUnreachs, TimeExcds, ParmProbs, SrcQuenchs, Redirects Counter
	Echos, EchoReps, Timestamps, TimestampReps                Counter
	AddrMasks, AddrMaskReps                                   Counter
}

// ICMPType is the counters of the messages of one type.
type ICMPType struct {
	Family  netstat.Family
	Type    uint8
	In, Out Counter
}

// versions are the numbers of InetVersion (RFC 4001).
var versions = mib.Enum[netstat.Family]{{Value: netstat.IPv4, Number: 1}, {Value: netstat.IPv6, Number: 2}}

func icmpCounter(part func(*ICMP) *Counter) mib.Field[ICMP] { return mib.AsCounter32(mib.Maybe(part)) }

// ICMPStatistics is icmpStatsTable (RFC 4293, section 5): a row for each version
// of IP.
func ICMPStatistics() *mib.Table[ICMP] {
	return &mib.Table[ICMP]{
		Name:  "icmpStatsTable",
		Entry: icmp.Sub(29, 1),
		Index: mib.Index(mib.EnumIndex(mib.At(func(s *ICMP) *netstat.Family { return &s.Family }), versions)),
		Columns: mib.Columns(
			mib.Column(2, "icmpStatsInMsgs", icmpCounter(func(s *ICMP) *Counter { return &s.InMsgs })),
			mib.Column(3, "icmpStatsInErrors", icmpCounter(func(s *ICMP) *Counter { return &s.InErrors })),
			mib.Column(4, "icmpStatsOutMsgs", icmpCounter(func(s *ICMP) *Counter { return &s.OutMsgs })),
			mib.Column(5, "icmpStatsOutErrors", icmpCounter(func(s *ICMP) *Counter { return &s.OutErrors })),
		),
	}
}

// ICMPTypes is icmpMsgStatsTable (RFC 4293, section 5): a row for each type of
// message that was received or sent.
func ICMPTypes() *mib.Table[ICMPType] {
	return &mib.Table[ICMPType]{
		Name:  "icmpMsgStatsTable",
		Entry: icmp.Sub(30, 1),
		Index: mib.Index(
			mib.EnumIndex(mib.At(func(t *ICMPType) *netstat.Family { return &t.Family }), versions),
			mib.IntegerIndex(mib.At(func(t *ICMPType) *uint8 { return &t.Type })),
		),
		Columns: mib.Columns(
			mib.Column(3, "icmpMsgStatsInPkts", mib.AsCounter32(mib.Maybe(func(t *ICMPType) *Counter { return &t.In }))),
			mib.Column(4, "icmpMsgStatsOutPkts", mib.AsCounter32(mib.Maybe(func(t *ICMPType) *Counter { return &t.Out }))),
		),
	}
}

// IPv4Messages are the deprecated counters below icmp, of IPv4 alone (RFC 4293,
// section 5; RFC 792).
func IPv4Messages() *mib.Group[ICMP] {
	return &mib.Group[ICMP]{
		Name: "icmp",
		OID:  icmp,
		Objects: mib.Columns(
			mib.Column(1, "icmpInMsgs", icmpCounter(func(s *ICMP) *Counter { return &s.InMsgs })),
			mib.Column(2, "icmpInErrors", icmpCounter(func(s *ICMP) *Counter { return &s.InErrors })),
			mib.Column(3, "icmpInDestUnreachs", icmpCounter(func(s *ICMP) *Counter { return &s.In.DestUnreachs })),
			mib.Column(4, "icmpInTimeExcds", icmpCounter(func(s *ICMP) *Counter { return &s.In.TimeExcds })),
			mib.Column(5, "icmpInParmProbs", icmpCounter(func(s *ICMP) *Counter { return &s.In.ParmProbs })),
			mib.Column(6, "icmpInSrcQuenchs", icmpCounter(func(s *ICMP) *Counter { return &s.In.SrcQuenchs })),
			mib.Column(7, "icmpInRedirects", icmpCounter(func(s *ICMP) *Counter { return &s.In.Redirects })),
			mib.Column(8, "icmpInEchos", icmpCounter(func(s *ICMP) *Counter { return &s.In.Echos })),
			mib.Column(9, "icmpInEchoReps", icmpCounter(func(s *ICMP) *Counter { return &s.In.EchoReps })),
			mib.Column(10, "icmpInTimestamps", icmpCounter(func(s *ICMP) *Counter { return &s.In.Timestamps })),
			mib.Column(11, "icmpInTimestampReps", icmpCounter(func(s *ICMP) *Counter { return &s.In.TimestampReps })),
			mib.Column(12, "icmpInAddrMasks", icmpCounter(func(s *ICMP) *Counter { return &s.In.AddrMasks })),
			mib.Column(13, "icmpInAddrMaskReps", icmpCounter(func(s *ICMP) *Counter { return &s.In.AddrMaskReps })),
			mib.Column(14, "icmpOutMsgs", icmpCounter(func(s *ICMP) *Counter { return &s.OutMsgs })),
			mib.Column(15, "icmpOutErrors", icmpCounter(func(s *ICMP) *Counter { return &s.OutErrors })),
			mib.Column(16, "icmpOutDestUnreachs", icmpCounter(func(s *ICMP) *Counter { return &s.Out.DestUnreachs })),
			mib.Column(17, "icmpOutTimeExcds", icmpCounter(func(s *ICMP) *Counter { return &s.Out.TimeExcds })),
			mib.Column(18, "icmpOutParmProbs", icmpCounter(func(s *ICMP) *Counter { return &s.Out.ParmProbs })),
			mib.Column(19, "icmpOutSrcQuenchs", icmpCounter(func(s *ICMP) *Counter { return &s.Out.SrcQuenchs })),
			mib.Column(20, "icmpOutRedirects", icmpCounter(func(s *ICMP) *Counter { return &s.Out.Redirects })),
			mib.Column(21, "icmpOutEchos", icmpCounter(func(s *ICMP) *Counter { return &s.Out.Echos })),
			mib.Column(22, "icmpOutEchoReps", icmpCounter(func(s *ICMP) *Counter { return &s.Out.EchoReps })),
			mib.Column(23, "icmpOutTimestamps", icmpCounter(func(s *ICMP) *Counter { return &s.Out.Timestamps })),
			mib.Column(24, "icmpOutTimestampReps", icmpCounter(func(s *ICMP) *Counter { return &s.Out.TimestampReps })),
			mib.Column(25, "icmpOutAddrMasks", icmpCounter(func(s *ICMP) *Counter { return &s.Out.AddrMasks })),
			mib.Column(26, "icmpOutAddrMaskReps", icmpCounter(func(s *ICMP) *Counter { return &s.Out.AddrMaskReps })),
		),
	}
}
