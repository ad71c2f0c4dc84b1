package live

import (
	"iter"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// routeKind declares routes. What becomes of them depends on more than their own events.
var routeKind = kind{
	is: netstat.KindRoute, needs: netstat.KindNextHop, hears: netstat.KindAddress | netstat.KindNetconf,
	table: func(s *state) table { return routeTable{&s.routes} },
}

// routeTable is the routes of a state as one of its tables.
type routeTable struct{ *routes }

func (t routeTable) snapshot(of *state) table {
	of.routes = t.routes.snapshot()
	return routeTable{&of.routes}
}

func (t routeTable) take(other table) {
	from := other.(routeTable).routes
	entries, through := t.entries, t.through
	entries.take(from.entries)
	through.take(from.through)
	*t.routes = *from
	t.entries, t.through = entries, through
}

// version grows with nexthop objects as well, since routes by these change with them.
func (t routeTable) version() uint64 { return t.entries.changes + t.through.changes }

// count counts each next hop.
func (t routeTable) count() int { return t.hops }

func (t routeTable) present(f *Filter, yield func(Event) bool) bool {
	return present(t.rows(nil, netstat.RouteQuery{Table: f.Table}), netstat.KindRoute, f, yield)
}

func (t routeTable) diff(after table, tell teller) {
	diffTables(t.routes, after.(routeTable).routes, tell)
}

func (t routeTable) load(_ *update, m *collectors.Message) { t.routes.load(m.Routes) }

// removeOf leaves routes to their events, and to the dump that the link's makes necessary.
func (t routeTable) removeOf(*update, uint32) {}

func (t routeTable) apply(u *update, m *collectors.Message) {
	r := t.routes
	if u.replay {
		if u.routesTold == nil {
			u.routesTold = make(map[routeEntry]bool)
		}
		key := keyOf(m.Routes)
		others := key.family == 0 || m.Replace || m.Exclusive
		if others {
			key.apart = 0
		}
		u.routesTold[key] = u.routesTold[key] || others
	}
	if u.tells(netstat.KindRoute) {
		u.diff.gone, u.diff.come = u.diff.gone[:0], u.diff.come[:0]
		r.diff = &u.diff
	}
	change := r.apply(m, u.replay)
	if u.replay && !change.certain || !u.replay && !change.matched || u.replay && m.Routes[0].Destination.Addr().Is6() {
		// An IPv6 dump may miss rows when others change meanwhile.
		u.stale |= netstat.KindRoute
	}
	if r.diff != nil {
		r.diff = nil
		diffRoutes(&u.diff, r.others, u.tell)
	}
}

// rows yields the routes that q selects, from an entry on, or from the beginning for nil.
func (r *routes) rows(first *routeEntry, q netstat.RouteQuery) iter.Seq[netstat.Route] {
	return func(yield func(netstat.Route) bool) {
		var rows []netstat.Route
		for e := range r.entries.from(first) {
			family := netstat.IPv4
			if e.family == 1 {
				family = netstat.IPv6
			}
			if len(q.Families) > 0 && !slices.Contains(q.Families, family) ||
				q.Table != 0 && e.table != q.Table ||
				q.ForwardingOnly && !r.info(e).hops[0].IsForwarding() {
				continue
			}
			rows = r.appendRows(rows[:0], e)
			for i := range rows {
				if !yield(rows[i]) {
					return
				}
			}
		}
	}
}
