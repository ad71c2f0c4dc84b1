package ipmib

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Statistics are a protocol's counters over all interfaces, named as in RFC
// 4293 without "ipSystemStats".
type Statistics struct {
	Family netstat.Family

	InReceives, InOctets, InHdrErrors, InNoRoutes, InAddrErrors, InUnknownProtos Counter
	InTruncatedPkts, InForwDatagrams, ReasmReqds, ReasmOKs, ReasmFails           Counter
	InDiscards, InDelivers, OutRequests, OutNoRoutes, OutForwDatagrams           Counter
	OutDiscards, OutFragReqds, OutFragOKs, OutFragFails, OutFragCreates          Counter
	OutTransmits, OutOctets, InMcastPkts, InMcastOctets                          Counter
	OutMcastPkts, OutMcastOctets, InBcastPkts, OutBcastPkts                      Counter

	// Discontinuity is when the counters last lost continuity, the zero time
	// for never since sysUpTime began.
	Discontinuity time.Time
}

// Counter is a counter that a host may not keep.
type Counter = netstat.Optional[uint64]

type statistics = Statistics

func counter32(part func(*statistics) *Counter) mib.Field[statistics] {
	return mib.AsCounter32(mib.Maybe(part))
}

func counter64(part func(*statistics) *Counter) mib.Field[statistics] {
	return mib.AsCounter64(mib.Maybe(part))
}

// SystemStatistics is ipSystemStatsTable (RFC 4293, section 5): a row for each
// version of IP.
var SystemStatistics = mib.Table[statistics]{
	Name:  "ipSystemStatsTable",
	Entry: ip.Sub(31, 1, 1),
	Index: mib.Index(mib.EnumIndex(mib.At(func(s *statistics) *netstat.Family { return &s.Family }), versions)),
	Columns: mib.Columns(
		mib.Column(3, "ipSystemStatsInReceives", counter32(func(s *statistics) *Counter { return &s.InReceives })),
		mib.Column(4, "ipSystemStatsHCInReceives", counter64(func(s *statistics) *Counter { return &s.InReceives })),
		mib.Column(5, "ipSystemStatsInOctets", counter32(func(s *statistics) *Counter { return &s.InOctets })),
		mib.Column(6, "ipSystemStatsHCInOctets", counter64(func(s *statistics) *Counter { return &s.InOctets })),
		mib.Column(7, "ipSystemStatsInHdrErrors", counter32(func(s *statistics) *Counter { return &s.InHdrErrors })),
		mib.Column(8, "ipSystemStatsInNoRoutes", counter32(func(s *statistics) *Counter { return &s.InNoRoutes })),
		mib.Column(9, "ipSystemStatsInAddrErrors", counter32(func(s *statistics) *Counter { return &s.InAddrErrors })),
		mib.Column(10, "ipSystemStatsInUnknownProtos", counter32(func(s *statistics) *Counter { return &s.InUnknownProtos })),
		mib.Column(11, "ipSystemStatsInTruncatedPkts", counter32(func(s *statistics) *Counter { return &s.InTruncatedPkts })),
		mib.Column(12, "ipSystemStatsInForwDatagrams", counter32(func(s *statistics) *Counter { return &s.InForwDatagrams })),
		mib.Column(13, "ipSystemStatsHCInForwDatagrams", counter64(func(s *statistics) *Counter { return &s.InForwDatagrams })),
		mib.Column(14, "ipSystemStatsReasmReqds", counter32(func(s *statistics) *Counter { return &s.ReasmReqds })),
		mib.Column(15, "ipSystemStatsReasmOKs", counter32(func(s *statistics) *Counter { return &s.ReasmOKs })),
		mib.Column(16, "ipSystemStatsReasmFails", counter32(func(s *statistics) *Counter { return &s.ReasmFails })),
		mib.Column(17, "ipSystemStatsInDiscards", counter32(func(s *statistics) *Counter { return &s.InDiscards })),
		mib.Column(18, "ipSystemStatsInDelivers", counter32(func(s *statistics) *Counter { return &s.InDelivers })),
		mib.Column(19, "ipSystemStatsHCInDelivers", counter64(func(s *statistics) *Counter { return &s.InDelivers })),
		mib.Column(20, "ipSystemStatsOutRequests", counter32(func(s *statistics) *Counter { return &s.OutRequests })),
		mib.Column(21, "ipSystemStatsHCOutRequests", counter64(func(s *statistics) *Counter { return &s.OutRequests })),
		mib.Column(22, "ipSystemStatsOutNoRoutes", counter32(func(s *statistics) *Counter { return &s.OutNoRoutes })),
		mib.Column(23, "ipSystemStatsOutForwDatagrams", counter32(func(s *statistics) *Counter { return &s.OutForwDatagrams })),
		mib.Column(24, "ipSystemStatsHCOutForwDatagrams", counter64(func(s *statistics) *Counter { return &s.OutForwDatagrams })),
		mib.Column(25, "ipSystemStatsOutDiscards", counter32(func(s *statistics) *Counter { return &s.OutDiscards })),
		mib.Column(26, "ipSystemStatsOutFragReqds", counter32(func(s *statistics) *Counter { return &s.OutFragReqds })),
		mib.Column(27, "ipSystemStatsOutFragOKs", counter32(func(s *statistics) *Counter { return &s.OutFragOKs })),
		mib.Column(28, "ipSystemStatsOutFragFails", counter32(func(s *statistics) *Counter { return &s.OutFragFails })),
		mib.Column(29, "ipSystemStatsOutFragCreates", counter32(func(s *statistics) *Counter { return &s.OutFragCreates })),
		mib.Column(30, "ipSystemStatsOutTransmits", counter32(func(s *statistics) *Counter { return &s.OutTransmits })),
		mib.Column(31, "ipSystemStatsHCOutTransmits", counter64(func(s *statistics) *Counter { return &s.OutTransmits })),
		mib.Column(32, "ipSystemStatsOutOctets", counter32(func(s *statistics) *Counter { return &s.OutOctets })),
		mib.Column(33, "ipSystemStatsHCOutOctets", counter64(func(s *statistics) *Counter { return &s.OutOctets })),
		mib.Column(34, "ipSystemStatsInMcastPkts", counter32(func(s *statistics) *Counter { return &s.InMcastPkts })),
		mib.Column(35, "ipSystemStatsHCInMcastPkts", counter64(func(s *statistics) *Counter { return &s.InMcastPkts })),
		mib.Column(36, "ipSystemStatsInMcastOctets", counter32(func(s *statistics) *Counter { return &s.InMcastOctets })),
		mib.Column(37, "ipSystemStatsHCInMcastOctets", counter64(func(s *statistics) *Counter { return &s.InMcastOctets })),
		mib.Column(38, "ipSystemStatsOutMcastPkts", counter32(func(s *statistics) *Counter { return &s.OutMcastPkts })),
		mib.Column(39, "ipSystemStatsHCOutMcastPkts", counter64(func(s *statistics) *Counter { return &s.OutMcastPkts })),
		mib.Column(40, "ipSystemStatsOutMcastOctets", counter32(func(s *statistics) *Counter { return &s.OutMcastOctets })),
		mib.Column(41, "ipSystemStatsHCOutMcastOctets", counter64(func(s *statistics) *Counter { return &s.OutMcastOctets })),
		mib.Column(42, "ipSystemStatsInBcastPkts", counter32(func(s *statistics) *Counter { return &s.InBcastPkts })),
		mib.Column(43, "ipSystemStatsHCInBcastPkts", counter64(func(s *statistics) *Counter { return &s.InBcastPkts })),
		mib.Column(44, "ipSystemStatsOutBcastPkts", counter32(func(s *statistics) *Counter { return &s.OutBcastPkts })),
		mib.Column(45, "ipSystemStatsHCOutBcastPkts", counter64(func(s *statistics) *Counter { return &s.OutBcastPkts })),
		mib.Column(46, "ipSystemStatsDiscontinuityTime", mib.AsTimeStamp(mib.At(func(s *statistics) *time.Time { return &s.Discontinuity }))),
		// Counters are read when somebody asks, at most once a second.
		mib.Column(47, "ipSystemStatsRefreshRate", mib.AsConstant[statistics](mib.Gauge(1000))),
	),
}

// forwarded is InForwDatagrams, and OutForwDatagrams where only those are counted.
var forwarded = mib.Through(
	func(s *statistics) (uint64, bool) {
		if n, known := s.InForwDatagrams.Get(); known {
			return n, true
		}
		return s.OutForwDatagrams.Get()
	},
	func(s *statistics, n uint64) { s.InForwDatagrams.Set(n) },
)

// IPv4Statistics are the deprecated counters below ip, of IPv4 alone (RFC 4293,
// section 5; RFC 1213, section 6).
var IPv4Statistics = mib.Group[statistics]{
	Name: "ip",
	OID:  ip,
	Objects: mib.Columns(
		mib.Column(3, "ipInReceives", counter32(func(s *statistics) *Counter { return &s.InReceives })),
		mib.Column(4, "ipInHdrErrors", counter32(func(s *statistics) *Counter { return &s.InHdrErrors })),
		mib.Column(5, "ipInAddrErrors", counter32(func(s *statistics) *Counter { return &s.InAddrErrors })),
		mib.Column(6, "ipForwDatagrams", mib.AsCounter32(forwarded)),
		mib.Column(7, "ipInUnknownProtos", counter32(func(s *statistics) *Counter { return &s.InUnknownProtos })),
		mib.Column(8, "ipInDiscards", counter32(func(s *statistics) *Counter { return &s.InDiscards })),
		mib.Column(9, "ipInDelivers", counter32(func(s *statistics) *Counter { return &s.InDelivers })),
		mib.Column(10, "ipOutRequests", counter32(func(s *statistics) *Counter { return &s.OutRequests })),
		mib.Column(11, "ipOutDiscards", counter32(func(s *statistics) *Counter { return &s.OutDiscards })),
		mib.Column(12, "ipOutNoRoutes", counter32(func(s *statistics) *Counter { return &s.OutNoRoutes })),
		mib.Column(14, "ipReasmReqds", counter32(func(s *statistics) *Counter { return &s.ReasmReqds })),
		mib.Column(15, "ipReasmOKs", counter32(func(s *statistics) *Counter { return &s.ReasmOKs })),
		mib.Column(16, "ipReasmFails", counter32(func(s *statistics) *Counter { return &s.ReasmFails })),
		mib.Column(17, "ipFragOKs", counter32(func(s *statistics) *Counter { return &s.OutFragOKs })),
		mib.Column(18, "ipFragFails", counter32(func(s *statistics) *Counter { return &s.OutFragFails })),
		mib.Column(19, "ipFragCreates", counter32(func(s *statistics) *Counter { return &s.OutFragCreates })),
	),
}
