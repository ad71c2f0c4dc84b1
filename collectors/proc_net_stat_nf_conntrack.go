package collectors

import "github.com/netsnmp-agent/netsnmp-agent/netstat"

// parseConntrackCounters reads /proc/net/stat/nf_conntrack (net/netfilter/
// nf_conntrack_standalone.c, ct_cpu_seq_show), added over the processors. Counters
// of 32 bits add up in 32 bits, so that the sum wraps around as they do.
func parseConntrackCounters(l *lines, each func(netstat.Counter) bool) {
	var sums [len(conntrackColumns)]netstat.Optional[uint32]
	parsePerCPU(l, func(name string, value uint64) {
		for i, c := range conntrackColumns {
			switch {
			case c.column != name:
			case c.gauge: // of all processors, the same in each line
				sums[i].Set(uint32(value))
			default:
				sums[i].Set(sums[i].Or(0) + uint32(value))
			}
		}
	})
	for i, c := range conntrackColumns {
		n, known := sums[i].Get()
		if known && !each(netstat.Counter{Name: "Conntrack" + c.name, Group: netstat.GroupConntrack, Value: netstat.Unsigned(uint64(n)), Narrow: !c.gauge}) {
			return
		}
	}
}

// conntrackColumns are the columns that kernels still count in, with the rest of the
// name that netlink has for each (CTA_STATS_*).
var conntrackColumns = [...]struct {
	column, name string
	gauge        bool
}{
	{"entries", "Entries", true}, {"found", "Found", false}, {"invalid", "Invalid", false}, {"insert", "Insert", false},
	{"insert_failed", "InsertFailed", false}, {"drop", "Drop", false}, {"early_drop", "EarlyDrop", false}, {"icmp_error", "Error", false},
	{"search_restart", "SearchRestart", false}, {"clashres", "ClashResolve", false}, {"chainlength", "ChainTooLong", false}, {"chaintoolong", "ChainTooLong", false},
	{"expect_new", "ExpectNew", false}, {"expect_create", "ExpectCreate", false}, {"expect_delete", "ExpectDelete", false},
}
