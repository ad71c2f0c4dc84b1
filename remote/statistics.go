package remote

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// group reads the scalars of a group into r and reports whether there were any.
func group[R any](ctx context.Context, s *Stack, g *mib.Group[R], r *R) (any bool, err error) {
	bindings, err := scalarsOf(ctx, s, g, r)
	return len(bindings) > 0, err
}

// scalarsOf reads the scalars of a group, those that the agent has, and writes them
// into r as far as they are understood.
func scalarsOf[R any](ctx context.Context, s *Stack, g *mib.Group[R], r *R) ([]mib.Binding, error) {
	return s.readScalars(ctx, g.Name, groupColumns(g), func(bindings []mib.Binding, odd func(error)) {
		g.DecodeAll(noEpoch, slices.Values(bindings), r, odd)
	})
}

// scalars reads scalars, those that the agent has.
func (s *Stack) scalars(ctx context.Context, name string, columns []column) ([]mib.Binding, error) {
	return s.readScalars(ctx, name, columns, func([]mib.Binding, func(error)) {})
}

// readScalars is scalars for who decodes them meanwhile.
func (s *Stack) readScalars(ctx context.Context, name string, columns []column, decode func(bindings []mib.Binding, odd func(error))) (bindings []mib.Binding, err error) {
	scan := newScan(s, name, columns)
	scan.scalars = true
	of := func(index mib.OID, values []mib.Value, odd func(error)) ([]mib.Binding, bool, error) {
		var row []mib.Binding
		for i, v := range values {
			if v != (mib.Value{}) {
				row = append(row, mib.Binding{Object: columns[i].oid, Index: index, Value: v})
			}
		}
		decode(row, odd)
		return row, true, nil
	}
	for row, err := range rows(ctx, scan, nil, of) {
		if err != nil {
			return bindings, err
		}
		bindings = append(bindings, row...)
	}
	return bindings, nil
}

// TCPStatistics returns the scalars of TCP-MIB. Without tcpHCInSegs and
// tcpHCOutSegs the counters of segments are 32 bits wide.
func (s *Stack) TCPStatistics(ctx context.Context) (t netstat.TCPStatistics, err error) {
	has, err := group(ctx, s, tcpmib.Statistics(), &t)
	if err == nil && !has {
		err = s.notSupported("read TCP's counters", "scalar of the group "+tcpmib.Statistics().Name)
	}
	return t, err
}

// UDPStatistics returns the scalars of UDP-MIB. Without udpHCInDatagrams and
// udpHCOutDatagrams the counters of datagrams are 32 bits wide.
func (s *Stack) UDPStatistics(ctx context.Context) (u netstat.UDPStatistics, err error) {
	has, err := group(ctx, s, udpmib.Statistics(), &u)
	if err == nil && !has {
		err = s.notSupported("read UDP's counters", "scalar of the group "+udpmib.Statistics().Name)
	}
	return u, err
}

// systemStatistics are the columns of ipSystemStatsTable, 64-bit counters after
// their low halves.
var systemStatistics = sync.OnceValue(func() (subs []uint32) {
	entry := ipmib.SystemStatistics().Entry
	for _, o := range ipmib.SystemStatistics().Objects() {
		sub, _, _ := mustCut(o.OID, entry).CutSubidentifier()
		subs = append(subs, sub)
	}
	return subs
})

func mustCut(o, prefix mib.OID) mib.OID {
	rest, _ := o.CutPrefix(prefix)
	return rest
}

var systemStatisticsDecoder = sync.OnceValue(func() *mib.RowDecoder[ipmib.Statistics] {
	return ipmib.SystemStatistics().RowDecoder(systemStatistics()...)
})

// systemRow is a row of ipSystemStatsTable as the agent told it.
type systemRow struct {
	index  mib.OID
	values []mib.Value // of systemStatistics
}

// isWide reports whether the row has a 64-bit counter, by its last
// sub-identifier.
func (r *systemRow) isWide(sub uint32) bool {
	i := slices.Index(systemStatistics(), sub)
	return i >= 0 && r.values[i].Type() == mib.Counter64
}

func (r *systemRow) decode(epoch time.Time, odd func(error)) (row ipmib.Statistics, err error) {
	if err = systemStatisticsDecoder().Index(r.index, &row); err == nil {
		systemStatisticsDecoder().Values(epoch, r.index, r.values, &row, odd)
	}
	return row, err
}

// systemRows yields the rows of ipSystemStatsTable that can be decoded and count
// something.
func (s *Stack) systemRows(ctx context.Context) iter.Seq2[systemRow, error] {
	scan := newScan(s, ipmib.SystemStatistics().Name, tableColumns(ipmib.SystemStatistics(), systemStatistics()...))
	scan.beside, scan.tell = []column{sysUpTime}, s.tellUpTime()
	return rows(ctx, scan, nil, func(index mib.OID, values []mib.Value, odd func(error)) (systemRow, bool, error) {
		// Cut loose from the answer that it came in.
		row := systemRow{mib.PackedOID(strings.Clone(index.Packed())), slices.Clone(values)}
		decoded, err := row.decode(s.currentEpoch(), odd)
		counts := false
		for range decoded.Counters(noneWide) {
			counts = true
			break
		}
		return row, counts, err
	})
}

// IPStatistics yields the counters of each version of IP from ipSystemStatsTable, and
// IPv4's from the scalars of the group ip where that table has none; what is missing
// of IPv6 is an error after them, as is whatever else could not be read.
func (s *Stack) IPStatistics(ctx context.Context) iter.Seq2[ipmib.Statistics, error] {
	return func(yield func(ipmib.Statistics, error) bool) {
		var errs []error
		four, n := false, 0
		for r, err := range s.systemRows(ctx) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			row, _ := r.decode(s.currentEpoch(), nil) // it was decoded before
			four = four || row.Family == netstat.IPv4
			if n++; !yield(row, nil) {
				return
			}
		}
		if !four && !isOver(errs) {
			row := ipmib.Statistics{Family: netstat.IPv4}
			has, err := group(ctx, s, ipmib.IPv4Statistics(), &row)
			errs = appendError(errs, err)
			switch {
			case has && !yield(row, nil):
				return
			case n > 0 || isOver(errs):
			case has:
				errs = append(errs, s.notSupported("read IPv6's counters", ipmib.SystemStatistics().Name))
			case len(errs) == 0:
				errs = append(errs, s.notSupported("read IP's counters", ipmib.SystemStatistics().Name, "scalar of the group "+ipmib.IPv4Statistics().Name))
			}
		}
		if len(errs) > 0 {
			yield(ipmib.Statistics{}, join(errs))
		}
	}
}
