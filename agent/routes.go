package agent

import (
	"context"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// routeTables returns the route tables: answered from the order that a live stack
// keeps its routes in, or from readings of any other stack.
func (s *sources) routeTables() (inet, cidr, forward, oldest mib.Node) {
	if !s.tracks(netstat.KindRoute) {
		return routeWriter(s, zoned(s, ipforwardmib.Routes())).Bind(s.readings.Routes), ipforwardmib.IPv4Routes().Bind(s.readings.Routes), ipforwardmib.ForwardRoutes().Bind(s.readings.Routes), rfc1213mib.Routes().Bind(s.readings.Routes)
	}
	routes := mib.NewCurrent(func(ctx context.Context) (*live.Snapshot, error) {
		if err := s.live.Wait(ctx); err != nil {
			return nil, err
		}
		return s.live.Recent(), nil
	})
	type ordered = mib.Ordered[netstat.Route]
	table := routeWriter(s, zoned(s, ipforwardmib.Routes()))
	inet = mib.BindOrdered(table, routes, func(v *live.Snapshot) ordered { return (*inetRoutes)(v) })
	if s.config.Zones {
		inet = mib.BindOrdered(table, routes, func(v *live.Snapshot) ordered { return (*zonedRoutes)(v) })
	}
	return inet,
		mib.BindOrdered(ipforwardmib.IPv4Routes(), routes, func(v *live.Snapshot) ordered { return (*ipv4Prefixes)(v) }),
		mib.BindOrdered(ipforwardmib.ForwardRoutes(), routes, func(v *live.Snapshot) ordered { return (*ipv4Addresses)(v) }),
		mib.BindOrdered(rfc1213mib.Routes(), routes, func(v *live.Snapshot) ordered { return (*ipv4Addresses)(v) })
}

// inetRoutes are the routes in runs of those with one destination, whose order is that
// of inetCidrRouteTable: shorter policies come before longer ones, so that tables and
// metrics of one destination are not in the order of a snapshot.
type inetRoutes live.Snapshot

func (r *inetRoutes) Version() uint64 { return (*live.Snapshot)(r).Version(netstat.KindRoute) }

func (r *inetRoutes) Search(before func(netstat.Route) bool) mib.Place {
	v := (*live.Snapshot)(r)
	return mib.Place(v.SearchRoutes(0, v.RoutesEnd(), live.SamePrefix, before))
}

func (r *inetRoutes) AppendRun(rows []netstat.Route, at mib.Place) ([]netstat.Route, mib.Place) {
	v := (*live.Snapshot)(r)
	rows, next := v.AppendRun(rows, live.RoutePlace(at), v.RoutesEnd(), live.SamePrefix)
	return rows, mib.Place(next)
}

// zonedRoutes are the same for addresses with zones. Routes to link-local addresses
// stand behind all others then, by address and zone, where they have a device; of the
// few without one each stands where its address does. They are therefore a run for
// each.
type zonedRoutes live.Snapshot

// Sections of the table, in the upper bits of a place.
const (
	upToLinkLocal mib.Place = iota << sectionShift
	withoutZone
	beyondLinkLocal
	withZone
	inetEnd

	sectionShift = 60
	sectionMask  = mib.Place(0xf) << sectionShift
)

var (
	firstLinkLocal = netip.MustParseAddr("fe80::")
	pastLinkLocal  = netip.MustParseAddr("fec0::") // fe80::/10
)

// first returns a row that comes before all others to addresses from a on.
func first(a netip.Addr, device uint32) netstat.Route {
	return netstat.Route{Destination: netip.PrefixFrom(a, 0), Interface: device}
}

func (r *zonedRoutes) Version() uint64 { return (*live.Snapshot)(r).Version(netstat.KindRoute) }

func (r *zonedRoutes) Search(before func(netstat.Route) bool) mib.Place {
	v := (*live.Snapshot)(r)
	linkLocal, beyond, end := v.RoutesFromAddress(firstLinkLocal), v.RoutesFromAddress(pastLinkLocal), v.RoutesEnd()
	switch {
	case linkLocal < beyond && before(first(firstLinkLocal, 1)):
		return withZone
	case beyond < end && before(first(pastLinkLocal, 0)):
		return beyondLinkLocal | mib.Place(v.SearchRoutes(beyond, end, live.SamePrefix, before))
	case linkLocal < beyond && before(first(firstLinkLocal, 0)):
		return withoutZone
	}
	return upToLinkLocal | mib.Place(v.SearchRoutes(0, linkLocal, live.SamePrefix, before))
}

func (r *zonedRoutes) AppendRun(rows []netstat.Route, at mib.Place) ([]netstat.Route, mib.Place) {
	v := (*live.Snapshot)(r)
	place, end := live.RoutePlace(at&^sectionMask), v.RoutesEnd()
	section := at & sectionMask
	switch section {
	case withoutZone:
		return r.appendLinkLocal(rows, false), beyondLinkLocal | mib.Place(v.RoutesFromAddress(pastLinkLocal))
	case withZone:
		return r.appendLinkLocal(rows, true), inetEnd
	case inetEnd:
		return rows, at
	}
	n := len(rows)
	rows, next := v.AppendRun(rows, place, end, live.SamePrefix)
	if section == upToLinkLocal {
		if len(rows) > n && rows[n].Family() == netstat.IPv6 && rows[n].Destination.Addr().Compare(firstLinkLocal) >= 0 {
			return rows[:n], withoutZone
		}
		if next == place {
			return rows, withoutZone
		}
	} else if next == place {
		return rows, withZone
	}
	return rows, section | mib.Place(next)
}

// appendLinkLocal appends the next hops to link-local destinations with a device,
// or without one.
func (r *zonedRoutes) appendLinkLocal(rows []netstat.Route, device bool) []netstat.Route {
	v := (*live.Snapshot)(r)
	at, end := v.RoutesFromAddress(firstLinkLocal), v.RoutesFromAddress(pastLinkLocal)
	for at < end {
		n := len(rows)
		rows, at = v.AppendRun(rows, at, end, live.SameAddress)
		for _, row := range rows[n:] {
			if (row.Interface != 0) == device {
				rows[n] = row
				n++
			}
		}
		rows = rows[:n]
	}
	return rows
}

// ipv4Prefixes are the IPv4 routes in runs of those with one destination, whose
// order is that of ipCidrRouteTable, and ipv4Addresses in runs of those with one
// destination's address, whose order is that of ipForwardTable and ipRouteTable.
type (
	ipv4Prefixes  live.Snapshot
	ipv4Addresses live.Snapshot
)

func (r *ipv4Prefixes) Version() uint64  { return (*live.Snapshot)(r).Version(netstat.KindRoute) }
func (r *ipv4Addresses) Version() uint64 { return (*live.Snapshot)(r).Version(netstat.KindRoute) }

func (r *ipv4Prefixes) Search(before func(netstat.Route) bool) mib.Place {
	return searchIPv4((*live.Snapshot)(r), live.SamePrefix, before)
}

func (r *ipv4Addresses) Search(before func(netstat.Route) bool) mib.Place {
	return searchIPv4((*live.Snapshot)(r), live.SameAddress, before)
}

func (r *ipv4Prefixes) AppendRun(rows []netstat.Route, at mib.Place) ([]netstat.Route, mib.Place) {
	return appendIPv4Run((*live.Snapshot)(r), rows, at, live.SamePrefix)
}

func (r *ipv4Addresses) AppendRun(rows []netstat.Route, at mib.Place) ([]netstat.Route, mib.Place) {
	return appendIPv4Run((*live.Snapshot)(r), rows, at, live.SameAddress)
}

func searchIPv4(v *live.Snapshot, run live.RouteRun, before func(netstat.Route) bool) mib.Place {
	return mib.Place(v.SearchRoutes(0, v.RoutesFromAddress(netip.IPv6Unspecified()), run, before))
}

func appendIPv4Run(v *live.Snapshot, rows []netstat.Route, at mib.Place, run live.RouteRun) ([]netstat.Route, mib.Place) {
	n := len(rows)
	rows, next := v.AppendRun(rows, live.RoutePlace(at), v.RoutesEnd(), run)
	if len(rows) > n && !rows[n].Destination.Addr().Is4() {
		return rows[:n], at // IPv4 comes first: this is its end
	}
	return rows, mib.Place(next)
}
