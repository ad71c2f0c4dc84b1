package collectors

import (
	"context"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// RouteLookups returns /proc/net/stat/rt_cache, added over the processors.
func (k *Kernel) RouteLookups(ctx context.Context) (netstat.RouteLookups, error) {
	const path = "/proc/net/stat/rt_cache"
	var r netstat.RouteLookups
	err := k.readLines(ctx, path, func(l *lines) { r = parseRouteLookups(l) })
	if err != nil {
		return netstat.RouteLookups{}, k.readError("read "+path, absentFile(err))
	}
	return r, nil
}

func parseRouteLookups(l *lines) netstat.RouteLookups {
	var r netstat.RouteLookups
	parsePerCPU(l, func(name string, value uint64) {
		switch name {
		case "entries": // of all processors, the same in each line
			r.Entries = value
		case "in_slow_tot":
			r.InSlowTotal += value
		case "in_slow_mc":
			r.InSlowMulticast += value
		case "in_no_route":
			r.InNoRoute += value
		case "in_brd":
			r.InBroadcast += value
		case "in_martian_dst":
			r.InMartianDestination += value
		case "in_martian_src":
			r.InMartianSource += value
		case "out_slow_tot":
			r.OutSlowTotal += value
		case "out_slow_mc":
			r.OutSlowMulticast += value
		}
	})
	return r
}

// perCPU returns one column of a file of /proc/net/stat, added over the
// processors; unknown where the file has no such column.
func (k *Kernel) perCPU(ctx context.Context, path, column string) (netstat.Optional[uint64], error) {
	var sum netstat.Optional[uint64]
	err := k.readLines(ctx, path, func(l *lines) {
		parsePerCPU(l, func(name string, value uint64) {
			if name == column {
				sum.Set(sum.Or(0) + value)
			}
		})
	})
	return sum, err
}

// parsePerCPU reads a file of /proc/net/stat (net/ipv4/route.c, rt_cpu_seq_show;
// net/core/neighbour.c, neigh_stat_seq_show): names in the first line, a line of
// hexadecimal values for each processor.
func parsePerCPU(l *lines, each func(name string, value uint64)) {
	if !l.next() {
		if l.err == nil {
			l.err = fmt.Errorf("%s: %w", l.file, errEmpty)
		}
		return
	}
	var names []string
	for _, f := range l.fields() {
		names = append(names, string(f))
	}
	for l.next() {
		values := l.fields()
		if len(values) != len(names) {
			l.fail("%d names but %d values", len(names), len(values))
			return
		}
		for i, name := range names {
			value := l.uint64(values[i], 16)
			if l.err != nil {
				return
			}
			each(name, value)
		}
	}
}
