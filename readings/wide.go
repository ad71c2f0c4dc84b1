package readings

import (
	"context"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// wide is a counter of 32 bits that is followed in 64.
type wide struct {
	last  uint32
	total uint64
}

// follow takes a value and returns the counter in 64 bits. A value that fell wrapped around where less than half of the
// range was passed since; otherwise it began anew, and so does the counter.
func (w *wide) follow(now uint32) uint64 {
	passed := now - w.last
	if now < w.last && passed > 1<<31 {
		w.total = uint64(now)
	} else {
		w.total += uint64(passed)
	}
	w.last = now
	return w.total
}

// mostNarrow is how many counters of 32 bits are followed.
const mostNarrow = 1 << 12

// widen gives cumulative counters of 32 bits 64.
func (s *Stack) widen(rows []netstat.Counter) {
	for i := range rows {
		c := &rows[i]
		n, fits := c.Value.Uint64()
		if !c.Narrow || !fits || n != uint64(uint32(n)) {
			continue
		}
		w := s.narrow[c.Name]
		if w == nil {
			if len(s.narrow) >= mostNarrow {
				continue
			}
			if s.narrow == nil {
				s.narrow = make(map[string]*wide)
			}
			w = new(wide)
			s.narrow[c.Name] = w
		}
		c.Value, c.Narrow = netstat.Unsigned(w.follow(uint32(n))), false
	}
}

// Softnet is what all processors of the host together did with received packets, whatever namespace these were for. The
// kernel has 32 bits of each counter; they are followed from reading to reading.
type Softnet struct {
	// Processed are packets, Dropped those for which a processor's backlog had no room (net.core.netdev_max_backlog), and
	// FlowLimited those of large flows that were dropped early (net.core.flow_limit_cpu_bitmap).
	Processed, Dropped, FlowLimited uint64
	// Squeezed is how often work was left, since the budget (net.core.netdev_budget) or the time was used up.
	Squeezed uint64
}

// softnetOf is what one processor counted.
type softnetOf struct{ processed, dropped, flowLimited, squeezed wide }

// readSoftnet adds over the processors. One that is offline keeps what it counted.
func (s *Stack) readSoftnet(ctx context.Context) (all Softnet, err error) {
	reader, ok := s.stack.(netstat.SoftnetReader)
	if !ok {
		return all, fmt.Errorf("%w: softnet", netstat.ErrNotSupported)
	}
	began := time.Now()
	if s.softnet == nil {
		s.softnet = make(map[uint32]*softnetOf)
	}
	const mostProcessors = 1 << 13 // NR_CPUS_RANGE_END of the largest architecture
	for row, err := range reader.Softnet(ctx) {
		if err != nil {
			return all, err
		}
		of := s.softnet[row.CPU]
		if of == nil {
			if len(s.softnet) >= mostProcessors {
				continue
			}
			of = new(softnetOf)
			s.softnet[row.CPU] = of
		}
		of.processed.follow(row.Processed)
		of.dropped.follow(row.Dropped)
		of.squeezed.follow(row.Squeezed)
		of.flowLimited.follow(row.FlowLimited.Or(0))
	}
	for _, of := range s.softnet {
		all.Processed += of.processed.total
		all.Dropped += of.dropped.total
		all.Squeezed += of.squeezed.total
		all.FlowLimited += of.flowLimited.total
	}
	if s.options.SoftnetRead != nil {
		s.options.SoftnetRead(began, all)
	}
	return all, nil
}
