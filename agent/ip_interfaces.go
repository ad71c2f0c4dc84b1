package agent

import (
	"context"
	"iter"
	"maps"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// ipInterfaces is the versions of IP on interfaces, and what is known of their
// changes.
type ipInterfaces struct {
	rows    []netstat.IPInterface
	changes ipmib.Changes
}

func (s *sources) readIPInterfaces(ctx context.Context) (ipInterfaces, error) {
	reader, ok := s.stack.(netstat.IPInterfaceReader)
	if !ok {
		return ipInterfaces{}, errNoReader("IP on interfaces")
	}
	start := time.Now()
	rows, err := readings.Insist(s.log, "IP on interfaces", func() ([]netstat.IPInterface, error) { return readings.Collect(reader.IPInterfaces(ctx), 0) })
	if err != nil {
		return ipInterfaces{}, err
	}
	all := ipInterfaces{rows: rows}
	if s.tracks(netstat.KindNetconf) {
		v := s.live.Snapshot()
		var updated time.Time
		for i := range rows {
			updated = later(updated, rows[i].Updated)
		}
		all.changes.IPv4Interfaces.Set(v.ProtocolChanged(netstat.IPv4))
		all.changes.IPv6Interfaces.Set(later(s.ipUpdated.next(updated, s.differs(rows), start), later(v.ProtocolChanged(netstat.IPv6), v.ForwardingChanged(netstat.IPv6))))
		all.changes.Statistics.Set(v.ProtocolChanged(netstat.IPv6))
	}
	return all, nil
}

// differs reports whether rows of IPv6 are other than at the last call, but for what
// passes with time.
func (s *sources) differs(rows []netstat.IPInterface) bool {
	current := make(map[uint32]netstat.IPInterface)
	for _, row := range rows {
		if row.Family == netstat.IPv6 {
			row.Reachable, row.Updated = netstat.Optional[time.Duration]{}, time.Time{}
			current[row.Interface] = row
		}
	}
	known := s.ipRows
	s.ipRows = current
	return known != nil && !maps.Equal(known, current)
}

// lastDate is the last of the dates that the kernel gives of something, from reading
// to reading.
type lastDate struct {
	told time.Time // at the last reading that told another date
	read time.Time // when the last reading began
	at   time.Time
}

// next takes in the last date that a reading told, which began at start, and returns
// the moment; differs says that what it read is not what the one before did, which
// is a change that may have no date. The kernel counts its dates in hundredths of a
// second by a clock that may be a part of a second late, and they are counted back
// from now at each reading: what is less than a hundredth apart is the same, and
// what the reading before did not tell happened since.
func (d *lastDate) next(told time.Time, differs bool, start time.Time) time.Time {
	const hundredth = 10 * time.Millisecond
	if young := told.Sub(d.told) > hundredth/2; young || differs {
		if young {
			d.at = told
		}
		if since := d.read.Add(hundredth); !d.read.IsZero() && since.After(d.at) {
			d.at = since
			if now := time.Now(); now.Before(since) {
				d.at = now
			}
		}
	}
	if told.Sub(d.told).Abs() > hundredth/2 {
		d.told = told
	}
	d.read = start
	return d.at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// readInterfaceStatistics reads what IPv6 counts on each interface.
func (s *sources) readInterfaceStatistics(ctx context.Context) ([]ipmib.InterfaceStatistics, error) {
	reader, ok := s.stack.(netstat.InterfaceCounterReader)
	if !ok {
		return nil, errNoReader("counters of interfaces")
	}
	counters, err := readings.Collect(reader.InterfaceCounters(ctx), 0)
	if err != nil {
		return nil, err
	}
	rows := ipmib.InterfaceStatisticsOf(counters)
	if s.tracks(netstat.KindNetconf) {
		v := s.live.Snapshot()
		for i := range rows {
			rows[i].Discontinuity = v.ProtocolSince(rows[i].Interface, rows[i].Family)
		}
	}
	return rows, nil
}

// readDefaultRouters reads the routes to default routers. A live stack has them at
// hand, but for what no event tells of: a router that advertises itself again renews
// its lifetime, and may have another preference then.
func (s *sources) readDefaultRouters(ctx context.Context) ([]netstat.Route, error) {
	query := netstat.RouteQuery{Table: netstat.TableMain, ForwardingOnly: true}
	if !s.tracks(netstat.KindRoute) {
		return readings.Insist(s.log, "default routes", func() ([]netstat.Route, error) {
			return readings.Collect(defaultRouters(s.stack.Routes(ctx, query)), 0)
		})
	}
	if err := s.live.Wait(ctx); err != nil {
		return nil, err
	}
	v := s.live.Recent()
	rows := v.Route(everywhere(netstat.IPv4), netstat.TableMain)
	routers := v.Route(everywhere(netstat.IPv6), netstat.TableMain)
	for i := range routers {
		if r := &routers[i]; r.Protocol == netstat.RouteProtocolRA || r.Options != nil && r.Options.Expires.IsKnown() {
			query.Families = []netstat.Family{netstat.IPv6}
			var err error
			routers, err = readings.Insist(s.log, "default routes", func() ([]netstat.Route, error) {
				return readings.Collect(defaultRouters(s.live.KernelRoutes(ctx, query)), 0)
			})
			if err != nil {
				return nil, err
			}
			break
		}
	}
	return append(rows, routers...), nil
}

// everywhere is the destination of default routes.
func everywhere(f netstat.Family) netip.Prefix {
	if f == netstat.IPv4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// defaultRouters yields those of the routes that lead to default routers.
func defaultRouters(routes iter.Seq2[netstat.Route, error]) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		for r, err := range routes {
			if (err != nil || ipmib.IsDefaultRouter(&r)) && !yield(r, err) {
				return
			}
		}
	}
}
