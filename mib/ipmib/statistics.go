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

// DiscontinuityColumn is the last sub-identifier of ipSystemStatsDiscontinuityTime.
const DiscontinuityColumn = 46

// What the names of the columns begin with.
const (
	systemStatistics    = "ipSystemStats"
	interfaceStatistics = "ipIfStats"
)

// statisticsColumns are the columns of ipSystemStatsTable and ipIfStatsTable, which
// have the same names but for what they begin with, over rows with the statistics.
func statisticsColumns[R any](table string, of func(*R) *statistics) (columns []mib.ColumnOf[R]) {
	counter := func(part func(*statistics) *Counter) mib.Access[R, uint64] {
		return mib.Maybe(func(r *R) *Counter { return part(of(r)) })
	}
	narrow := func(column uint32, name string, part func(*statistics) *Counter) {
		columns = append(columns, mib.Column(column, table+name, mib.AsCounter32(counter(part))))
	}
	wide := func(column uint32, name string, part func(*statistics) *Counter) {
		columns = append(columns, mib.Column(column, table+name, mib.AsCounter64(counter(part))))
	}
	narrow(3, "InReceives", func(s *statistics) *Counter { return &s.InReceives })
	wide(4, "HCInReceives", func(s *statistics) *Counter { return &s.InReceives })
	narrow(5, "InOctets", func(s *statistics) *Counter { return &s.InOctets })
	wide(6, "HCInOctets", func(s *statistics) *Counter { return &s.InOctets })
	narrow(7, "InHdrErrors", func(s *statistics) *Counter { return &s.InHdrErrors })
	narrow(8, "InNoRoutes", func(s *statistics) *Counter { return &s.InNoRoutes })
	narrow(9, "InAddrErrors", func(s *statistics) *Counter { return &s.InAddrErrors })
	narrow(10, "InUnknownProtos", func(s *statistics) *Counter { return &s.InUnknownProtos })
	narrow(11, "InTruncatedPkts", func(s *statistics) *Counter { return &s.InTruncatedPkts })
	narrow(12, "InForwDatagrams", func(s *statistics) *Counter { return &s.InForwDatagrams })
	wide(13, "HCInForwDatagrams", func(s *statistics) *Counter { return &s.InForwDatagrams })
	narrow(14, "ReasmReqds", func(s *statistics) *Counter { return &s.ReasmReqds })
	narrow(15, "ReasmOKs", func(s *statistics) *Counter { return &s.ReasmOKs })
	narrow(16, "ReasmFails", func(s *statistics) *Counter { return &s.ReasmFails })
	narrow(17, "InDiscards", func(s *statistics) *Counter { return &s.InDiscards })
	narrow(18, "InDelivers", func(s *statistics) *Counter { return &s.InDelivers })
	wide(19, "HCInDelivers", func(s *statistics) *Counter { return &s.InDelivers })
	narrow(20, "OutRequests", func(s *statistics) *Counter { return &s.OutRequests })
	wide(21, "HCOutRequests", func(s *statistics) *Counter { return &s.OutRequests })
	if table == systemStatistics { // what has no route has no interface
		narrow(22, "OutNoRoutes", func(s *statistics) *Counter { return &s.OutNoRoutes })
	}
	narrow(23, "OutForwDatagrams", func(s *statistics) *Counter { return &s.OutForwDatagrams })
	wide(24, "HCOutForwDatagrams", func(s *statistics) *Counter { return &s.OutForwDatagrams })
	narrow(25, "OutDiscards", func(s *statistics) *Counter { return &s.OutDiscards })
	narrow(26, "OutFragReqds", func(s *statistics) *Counter { return &s.OutFragReqds })
	narrow(27, "OutFragOKs", func(s *statistics) *Counter { return &s.OutFragOKs })
	narrow(28, "OutFragFails", func(s *statistics) *Counter { return &s.OutFragFails })
	narrow(29, "OutFragCreates", func(s *statistics) *Counter { return &s.OutFragCreates })
	narrow(30, "OutTransmits", func(s *statistics) *Counter { return &s.OutTransmits })
	wide(31, "HCOutTransmits", func(s *statistics) *Counter { return &s.OutTransmits })
	narrow(32, "OutOctets", func(s *statistics) *Counter { return &s.OutOctets })
	wide(33, "HCOutOctets", func(s *statistics) *Counter { return &s.OutOctets })
	narrow(34, "InMcastPkts", func(s *statistics) *Counter { return &s.InMcastPkts })
	wide(35, "HCInMcastPkts", func(s *statistics) *Counter { return &s.InMcastPkts })
	narrow(36, "InMcastOctets", func(s *statistics) *Counter { return &s.InMcastOctets })
	wide(37, "HCInMcastOctets", func(s *statistics) *Counter { return &s.InMcastOctets })
	narrow(38, "OutMcastPkts", func(s *statistics) *Counter { return &s.OutMcastPkts })
	wide(39, "HCOutMcastPkts", func(s *statistics) *Counter { return &s.OutMcastPkts })
	narrow(40, "OutMcastOctets", func(s *statistics) *Counter { return &s.OutMcastOctets })
	wide(41, "HCOutMcastOctets", func(s *statistics) *Counter { return &s.OutMcastOctets })
	narrow(42, "InBcastPkts", func(s *statistics) *Counter { return &s.InBcastPkts })
	wide(43, "HCInBcastPkts", func(s *statistics) *Counter { return &s.InBcastPkts })
	narrow(44, "OutBcastPkts", func(s *statistics) *Counter { return &s.OutBcastPkts })
	wide(45, "HCOutBcastPkts", func(s *statistics) *Counter { return &s.OutBcastPkts })
	return append(columns,
		mib.Column(DiscontinuityColumn, table+"DiscontinuityTime", mib.AsTimeStamp(mib.At(func(r *R) *time.Time { return &of(r).Discontinuity }))),
		// Counters are read when somebody asks, at most once a second.
		mib.Column(47, table+"RefreshRate", mib.AsConstant[R](mib.Gauge(1000))),
	)
}

// SystemStatistics is ipSystemStatsTable (RFC 4293, section 5): a row for each
// version of IP.
func SystemStatistics() *mib.Table[statistics] {
	return &mib.Table[statistics]{
		Name:    "ipSystemStatsTable",
		Entry:   ip.Sub(31, 1, 1),
		Index:   mib.Index(mib.EnumIndex(mib.At(func(s *statistics) *netstat.Family { return &s.Family }), versions)),
		Columns: statisticsColumns(systemStatistics, func(s *statistics) *statistics { return s }),
	}
}

// InterfaceStatistics are a protocol's counters on one interface. OutNoRoutes is
// counted over all of them alone.
type InterfaceStatistics struct {
	Interface uint32 // index
	Statistics
}

// IPInterfaceStatistics is ipIfStatsTable (RFC 4293, section 5). Linux counts IPv6
// on each interface, IPv4 for the stack as a whole.
func IPInterfaceStatistics() *mib.Table[InterfaceStatistics] {
	return &mib.Table[InterfaceStatistics]{
		Name:  "ipIfStatsTable",
		Entry: ip.Sub(31, 3, 1),
		Index: mib.Index(
			mib.EnumIndex(mib.At(func(s *InterfaceStatistics) *netstat.Family { return &s.Family }), versions),
			mib.IntegerIndex(mib.At(func(s *InterfaceStatistics) *uint32 { return &s.Interface })),
		),
		Columns: statisticsColumns(interfaceStatistics, func(s *InterfaceStatistics) *statistics { return &s.Statistics }),
	}
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
func IPv4Statistics() *mib.Group[statistics] {
	return &mib.Group[statistics]{
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
}
