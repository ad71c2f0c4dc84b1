package live

import (
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// RoutePlace is a place among the routes of a Snapshot, in their order. It means
// nothing to another Snapshot. The zero RoutePlace is the beginning.
type RoutePlace uint64

// chunkSize is not more than itemBits hold.
const itemBits = 8

func routePlace(p place) RoutePlace { return RoutePlace(p.chunk)<<itemBits | RoutePlace(p.item) }

func (p RoutePlace) place() place { return place{int(p >> itemBits), int(p & (1<<itemBits - 1))} }

// RouteRun says which routes, one behind the other, make a run.
type RouteRun uint8

// What the routes of a run have in common.
const (
	SameAddress RouteRun = iota // the destination's address
	SamePrefix                  // the destination
)

// start returns what the first route of a key's run is not before.
func (run RouteRun) start(k routeEntry) routeEntry {
	k.sourced, k.table, k.tos, k.metric, k.apart, k.seq = 0, 0, 0, 0, 0, 0
	if run < SamePrefix {
		k.bits = 0
	}
	return k
}

// holds reports whether two keys are of one run.
func (run RouteRun) holds(a, b *routeEntry) bool {
	return a.high == b.high && a.low == b.low && a.family == b.family && (run == SameAddress || a.bits == b.bits)
}

// RoutesFromAddress returns the place of the first route whose destination's
// address is a, or behind it.
func (v *Snapshot) RoutesFromAddress(a netip.Addr) RoutePlace {
	return routePlace(v.state.routes.lowerBound(prefixKey(netip.PrefixFrom(a, 0))))
}

// RoutesEnd returns the place behind all routes.
func (v *Snapshot) RoutesEnd() RoutePlace {
	if !v.kinds.Has(netstat.KindRoute) {
		return 0
	}
	return routePlace(v.state.routes.entries.end())
}

// SearchRoutes returns the beginning of the last run with a route, from one place
// on and in front of another, that before holds for; from where there is none.
// before must hold for all routes in front of some place and for none behind it,
// but that within a run it may be either way. It is not given all next hops of a
// route.
func (v *Snapshot) SearchRoutes(from, to RoutePlace, run RouteRun, before func(netstat.Route) bool) RoutePlace {
	if from >= to {
		return from
	}
	entries := &v.state.routes.entries
	at := entries.search(from.place(), to.place(), func(e *routeEntry) bool {
		row := v.state.routes.info(e).hops[0]
		e.fill(&row)
		return before(row)
	})
	if routePlace(at) <= from {
		return from
	}
	start := run.start(*entries.at(entries.before(at)))
	return max(from, routePlace(v.state.routes.lowerBound(start)))
}

// skippedAtOnce is how many routes AppendRun passes over.
const skippedAtOnce = 1024

// AppendRun appends to rows the next hops of the run of routes at a place, or at
// the next one with a route that takes part in forwarding (netstat's
// Route.IsForwarding); others are left out. It returns the place behind the run.
// It ends in front of another place, and may end without a row before that.
func (v *Snapshot) AppendRun(rows []netstat.Route, at, to RoutePlace, run RouteRun) ([]netstat.Route, RoutePlace) {
	r := &v.state.routes
	skipped := 0
	var first *routeEntry
	p := at.place()
	for routePlace(p) < to {
		items := r.entries.chunks[p.chunk].items
		end := len(items)
		if p.chunk == to.place().chunk {
			end = to.place().item
		}
		for ; p.item < end; p.item++ {
			e := &items[p.item]
			if first != nil && !run.holds(first, e) {
				return rows, routePlace(p)
			}
			if r.info(e).hops[0].IsForwarding() {
				first = e
				rows = v.state.routes.appendRows(rows, e)
			} else if skipped++; first == nil && skipped > skippedAtOnce {
				return rows, routePlace(p)
			}
		}
		if p.item == len(items) {
			p = place{p.chunk + 1, 0}
		}
	}
	return rows, routePlace(p)
}
