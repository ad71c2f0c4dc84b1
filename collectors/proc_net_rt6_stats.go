package collectors

import (
	"context"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FIB6 returns /proc/net/rt6_stats.
func (k *Kernel) FIB6(ctx context.Context) (netstat.FIB6, error) {
	const path = "/proc/net/rt6_stats"
	var f netstat.FIB6
	err := k.readLines(ctx, path, func(l *lines) { f = parseRT6Stats(l) })
	if err != nil {
		return netstat.FIB6{}, k.readError("read "+path, absentFile(err))
	}
	return f, nil
}

// parseRT6Stats reads /proc/net/rt6_stats (net/ipv6/route.c,
// rt6_stats_seq_show): seven hexadecimal numbers.
func parseRT6Stats(l *lines) netstat.FIB6 {
	if !l.next() {
		if l.err == nil {
			l.err = fmt.Errorf("%s: %w", l.file, errEmpty)
		}
		return netstat.FIB6{}
	}
	fields := l.fields()
	if len(fields) < 7 {
		l.fail("%d numbers", len(fields))
		return netstat.FIB6{}
	}
	n := func(i int) uint64 { return l.uint64(fields[i], 16) }
	return netstat.FIB6{
		Nodes: n(0), RouteNodes: n(1), Allocated: n(2), Entries: n(3), CacheEntries: n(4), Destinations: n(5), Discarded: n(6),
	}
}
