package collectors

import (
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Softnet yields the lines of /proc/net/softnet_stat.
func (k *Kernel) Softnet(ctx context.Context) iter.Seq2[netstat.Softnet, error] {
	const path = "/proc/net/softnet_stat"
	return func(yield func(netstat.Softnet, error) bool) {
		stopped := false
		err := k.readLines(ctx, path, func(l *lines) {
			parseSoftnet(l, func(s netstat.Softnet) bool {
				stopped = !yield(s, nil)
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(netstat.Softnet{}, k.readError("read "+path, absentFile(err)))
		}
	}
}

// Columns of /proc/net/softnet_stat (net/core/net-procfs.c, softnet_seq_show),
// in hexadecimal. Kernels append to them; those between have been 0 for long.
const (
	softnetProcessed    = 0
	softnetDropped      = 1
	softnetSqueezed     = 2
	softnetSteered      = 9
	softnetFlowLimited  = 10
	softnetBacklog      = 11
	softnetCPU          = 12
	softnetInputQueue   = 13
	softnetProcessQueue = 14
)

// parseSoftnet reads /proc/net/softnet_stat: a line for each processor that is
// online. Before Linux 5.10 they do not say which, and are numbered as they
// come.
func parseSoftnet(l *lines, each func(netstat.Softnet) bool) {
	for cpu := uint32(0); l.next(); cpu++ {
		fields := l.fields()
		if len(fields) <= softnetSqueezed {
			l.fail("%d columns", len(fields))
			return
		}
		s := netstat.Softnet{
			CPU:       cpu,
			Processed: l.uint32(fields[softnetProcessed], 16),
			Dropped:   l.uint32(fields[softnetDropped], 16),
			Squeezed:  l.uint32(fields[softnetSqueezed], 16),
		}
		for _, column := range []struct {
			at   int
			into *netstat.Optional[uint32]
		}{
			{softnetSteered, &s.SteeredIn}, {softnetFlowLimited, &s.FlowLimited},
			{softnetBacklog, &s.Backlog}, {softnetInputQueue, &s.InputQueue}, {softnetProcessQueue, &s.ProcessQueue},
		} {
			if column.at < len(fields) {
				column.into.Set(l.uint32(fields[column.at], 16))
			}
		}
		if len(fields) > softnetCPU {
			s.CPU = l.uint32(fields[softnetCPU], 16)
		}
		if l.err != nil || !each(s) {
			return
		}
	}
}
