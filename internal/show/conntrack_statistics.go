package show

import (
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FlowUsage is the table of how full connection tracking's tables are.
func FlowUsage() Table {
	type usage = netstat.FlowUsage
	field := fieldOf[usage]
	return list("flowUsage", "how full the tables of connection tracking are", kind[usage]{
		title: "Usage of connection tracking",
		what:  "the usage of connection tracking",
		read:  from(single(netstat.FlowStatisticsReader.FlowUsage)),
	},
		of("Flows", 10, field("flows", table.Integer, "flows of the namespace", func(u *usage) table.Value { return uintValue(u.Flows) })).count(),
		of("Limit", 10, field("limit", table.Integer, "how many a namespace may have, the same for all of them (nf_conntrack_max)", func(u *usage) table.Value { return uintValue(u.Limit) })).count(),
		of("Full%", 5, field("full", table.Number, "percent of the limit that is reached", func(u *usage) table.Value {
			flows, known := u.Flows.Get()
			limit, also := u.Limit.Get()
			if !known || !also || limit == 0 {
				return table.Value{}
			}
			return table.Float(float64(uint64(flows)*1000/uint64(limit)) / 10)
		})),
		of("Buckets", 10, field("buckets", table.Integer, "size of the hash table, which all namespaces share", func(u *usage) table.Value { return uintValue(u.Buckets) })).count(),
		of("Expect-Limit", 12, field("expectationLimit", table.Integer, "how many flows may be expected", func(u *usage) table.Value { return uintValue(u.ExpectationLimit) })).count(),
		of("Accounting", 0, field("accounting", table.Boolean, "whether packets of flows that begin now are counted (nf_conntrack_acct)", func(u *usage) table.Value { return boolValue(u.Accounting) })),
		of("Times", 0, field("times", table.Boolean, "whether times of flows that begin now are kept (nf_conntrack_timestamp)", func(u *usage) table.Value { return boolValue(u.Times) })),
	)
}

// FlowStatistics is the table of connection tracking's counters by processor.
func FlowStatistics() Table {
	type statistics = netstat.FlowStatistics
	counter := func(heading, name, doc string, get func(*statistics) netstat.Optional[uint32]) both[statistics] {
		return of(heading, len(heading), fieldOf(name, table.Integer, doc, func(s *statistics) table.Value { return uintValue(get(s)) })).count()
	}
	return list("flowStatistics", "what connection tracking counted on one processor, in 32 bits that wrap around", kind[statistics]{
		title: "Connection tracking by processor",
		what:  "statistics of flows",
		apart: true,
		read:  from(netstat.FlowStatisticsReader.FlowStatistics),
	},
		of("CPU", 3, fieldOf("cpu", table.Integer, "number of the processor", func(s *statistics) table.Value { return table.Uint(s.CPU) })),
		counter("Found", "found", "lookups that found an entry", func(s *statistics) netstat.Optional[uint32] { return s.Found }),
		counter("Invalid", "invalid", "packets that could not be tracked", func(s *statistics) netstat.Optional[uint32] { return s.Invalid }),
		counter("Insert", "insert", "entries put into the table", func(s *statistics) netstat.Optional[uint32] { return s.Insert }),
		counter("InsertFailed", "insertFailed", "entries that could not be put into the table, since another was there", func(s *statistics) netstat.Optional[uint32] { return s.InsertFailed }),
		counter("Drop", "drop", "packets dropped, since no entry could be made or confirmed", func(s *statistics) netstat.Optional[uint32] { return s.Drop }),
		counter("EarlyDrop", "earlyDrop", "entries dropped to make room for new ones, since the table was full", func(s *statistics) netstat.Optional[uint32] { return s.EarlyDrop }),
		counter("Error", "error", "packets with an error, ICMP's and others'", func(s *statistics) netstat.Optional[uint32] { return s.Error }),
		counter("SearchRestart", "searchRestart", "lookups begun anew, since the table was resized", func(s *statistics) netstat.Optional[uint32] { return s.SearchRestart }),
		counter("ClashResolve", "clashResolve", "races of two first packets of a flow that were settled (since Linux 5.10)", func(s *statistics) netstat.Optional[uint32] { return s.ClashResolve }),
		counter("ChainTooLong", "chainTooLong", "entries not made, since their bucket was too full (since Linux 5.14)", func(s *statistics) netstat.Optional[uint32] { return s.ChainTooLong }),
		counter("", "searched", "entries looked at (until Linux 4.9)", func(s *statistics) netstat.Optional[uint32] { return s.Searched }),
		counter("", "new", "entries made (until Linux 4.9)", func(s *statistics) netstat.Optional[uint32] { return s.New }),
		counter("", "ignore", "packets of flows tracked already (until Linux 5.10)", func(s *statistics) netstat.Optional[uint32] { return s.Ignore }),
		counter("", "delete", "entries removed (until Linux 4.9)", func(s *statistics) netstat.Optional[uint32] { return s.Delete }),
		counter("", "deleteList", "entries put on the list of dying ones (until Linux 4.9)", func(s *statistics) netstat.Optional[uint32] { return s.DeleteList }),
	)
}

// ExpectationStatistics is the table of the counters of expectations by processor.
func ExpectationStatistics() Table {
	type statistics = netstat.ExpectationStatistics
	counter := func(heading, name, doc string, get func(*statistics) netstat.Optional[uint32]) both[statistics] {
		return of(heading, 10, fieldOf(name, table.Integer, doc, func(s *statistics) table.Value { return uintValue(get(s)) })).count()
	}
	return list("expectationStatistics", "what was counted of expectations on one processor, in 32 bits that wrap around", kind[statistics]{
		title: "Expectations by processor",
		what:  "statistics of expectations",
		apart: true,
		read:  from(netstat.FlowStatisticsReader.ExpectationStatistics),
	},
		of("CPU", 3, fieldOf("cpu", table.Integer, "number of the processor", func(s *statistics) table.Value { return table.Uint(s.CPU) })),
		counter("New", "new", "flows that came as expected", func(s *statistics) netstat.Optional[uint32] { return s.New }),
		counter("Create", "create", "expectations made", func(s *statistics) netstat.Optional[uint32] { return s.Create }),
		counter("Delete", "delete", "expectations that went", func(s *statistics) netstat.Optional[uint32] { return s.Delete }),
	)
}
