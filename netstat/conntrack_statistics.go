package netstat

import (
	"context"
	"iter"
)

// FlowStatistics are counters of connection tracking, of one processor
// (include/uapi/linux/netfilter/nfnetlink_conntrack.h, CTA_STATS_*). They have 32
// bits and wrap around. Those that a kernel does not keep are unknown.
type FlowStatistics struct {
	CPU uint16

	Searched      Optional[uint32] // entries looked at (until Linux 4.9)
	Found         Optional[uint32] // lookups that found an entry
	New           Optional[uint32] // entries made (until Linux 4.9)
	Invalid       Optional[uint32] // packets that could not be tracked
	Ignore        Optional[uint32] // packets of flows tracked already (until Linux 5.10)
	Delete        Optional[uint32] // entries removed (until Linux 4.9)
	DeleteList    Optional[uint32] // entries put on the list of dying ones (until Linux 4.9)
	Insert        Optional[uint32] // entries put into the table
	InsertFailed  Optional[uint32] // entries that could not be: another was there
	Drop          Optional[uint32] // packets dropped, since no entry could be made
	EarlyDrop     Optional[uint32] // entries dropped to make room for new ones
	Error         Optional[uint32] // packets with an error, ICMP's and others'
	SearchRestart Optional[uint32] // lookups begun anew, since the table was resized
	ClashResolve  Optional[uint32] // races of two first packets that were settled (Linux 5.10)
	ChainTooLong  Optional[uint32] // entries not made, since their bucket was too full (Linux 5.14)
}

// flowCounter is a counter with the name that conntrack(8) has for it.
type flowCounter struct {
	name  string
	value *Optional[uint32]
}

func (s *FlowStatistics) counters() [15]flowCounter {
	return [...]flowCounter{
		{"searched", &s.Searched}, {"found", &s.Found}, {"new", &s.New}, {"invalid", &s.Invalid}, {"ignore", &s.Ignore},
		{"delete", &s.Delete}, {"delete_list", &s.DeleteList}, {"insert", &s.Insert}, {"insert_failed", &s.InsertFailed},
		{"drop", &s.Drop}, {"early_drop", &s.EarlyDrop}, {"error", &s.Error}, {"search_restart", &s.SearchRestart},
		{"clash_resolve", &s.ClashResolve}, {"chaintoolong", &s.ChainTooLong},
	}
}

// All yields the counters that are known, with the names that conntrack(8) has
// for them.
func (s *FlowStatistics) All() iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for _, c := range s.counters() {
			if v, known := c.value.Get(); known && !yield(c.name, v) {
				return
			}
		}
	}
}

// Add adds the counters of another processor, which wrap around as the kernel's
// do. One that either lacks is unknown in the sum.
func (s *FlowStatistics) Add(o *FlowStatistics) {
	others := o.counters()
	for i, c := range s.counters() {
		a, known := c.value.Get()
		b, also := others[i].value.Get()
		if known && also {
			c.value.Set(a + b)
		} else {
			*c.value = Optional[uint32]{}
		}
	}
}

// ExpectationStatistics are counters of expectations, of one processor
// (CTA_STATS_EXP_*). They have 32 bits and wrap around.
type ExpectationStatistics struct {
	CPU                 uint16
	New, Create, Delete Optional[uint32]
}

// FlowUsage is how full the tables of a namespace are.
type FlowUsage struct {
	Flows Optional[uint32]
	// Limit is the number of flows that a namespace may have. It is the same for
	// all of them.
	Limit Optional[uint32]
	// Buckets is the size of the table, which all namespaces share.
	Buckets          Optional[uint32]
	ExpectationLimit Optional[uint32]
	// Accounting and Times say whether packets are counted and times kept, of
	// flows that begin from now on.
	Accounting, Times Optional[bool]
}

// FlowStatisticsReader reads how connection tracking fares.
// Errors of its methods are as for [Stack].
type FlowStatisticsReader interface {
	// FlowStatistics yields the counters of each processor.
	FlowStatistics(ctx context.Context) iter.Seq2[FlowStatistics, error]
	// ExpectationStatistics yields the counters of each processor.
	ExpectationStatistics(ctx context.Context) iter.Seq2[ExpectationStatistics, error]
	FlowUsage(ctx context.Context) (FlowUsage, error)
}
