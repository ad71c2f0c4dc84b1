package live

import (
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// diff tells how the kinds differ from one state to another.
func diff(kinds netstat.Kinds, before, after *state, tell teller) {
	for i, t := range before.tables {
		if kinds.Has(t.is) {
			t.diff(after.tables[i].table, tell)
		}
	}
}

// rowIdentity is a route as events know it: two that are the same in all of it
// are one to them. What passes with time does not count.
type rowIdentity struct {
	row     netstat.Route
	options netstat.RouteOptions
}

func rowIdentityOf(r *netstat.Route) rowIdentity {
	id := rowIdentity{row: *r}
	if r.Options != nil {
		id.row.Options, id.options = nil, *r.Options
		if id.options.Expires.IsKnown() {
			id.options.Expires = netstat.Known(time.Duration(0))
		}
	}
	return id
}

// diffRoutes tells of rows that went and came, all of routes with one key. Those
// with the same gateway and interface are one that changed. others reports whether
// there is a row like one besides so many that came.
func diffRoutes(d *routeDiff, others func(row *netstat.Route, came int) bool, tell teller) {
	gone, come := make(map[rowIdentity]int, len(d.gone)), make(map[rowIdentity]int, len(d.come))
	for i := range d.gone {
		gone[rowIdentityOf(&d.gone[i])]++
	}
	for i := range d.come {
		come[rowIdentityOf(&d.come[i])]++
	}
	type hop struct {
		gateway netip.Addr
		device  uint32
	}
	var removed []netstat.Route
	places := make(map[hop][]int) // in removed
	for _, row := range d.gone {
		id := rowIdentityOf(&row)
		if gone[id] == 0 || come[id] > 0 || others(&row, 0) {
			continue
		}
		gone[id] = 0 // of those that are alike one is told
		by := hop{row.Gateway, row.Interface}
		places[by] = append(places[by], len(removed))
		removed = append(removed, row)
	}
	type change struct{ old, row netstat.Route }
	var changed []change
	var added []netstat.Route
	stays := make([]bool, len(removed))
	for _, row := range d.come {
		id := rowIdentityOf(&row)
		came := come[id]
		if _, was := gone[id]; came == 0 || was || others(&row, came) {
			continue
		}
		come[id] = 0
		by := hop{row.Gateway, row.Interface}
		if olds := places[by]; len(olds) > 0 {
			changed = append(changed, change{removed[olds[0]], row})
			stays[olds[0]] = true
			places[by] = olds[1:]
		} else {
			added = append(added, row)
		}
	}
	for i, row := range removed {
		if !stays[i] {
			tell(netstat.KindRoute, Removed, row, nil)
		}
	}
	for _, c := range changed {
		tell(netstat.KindRoute, Changed, c.row, c.old)
	}
	for _, row := range added {
		tell(netstat.KindRoute, Added, row, nil)
	}
}

// others reports whether there is a row like this one, besides so many.
func (r *routes) others(row *netstat.Route, besides int) bool {
	if row.Weight == 0 && row.Destination.Addr().Is4() {
		return false // two routes never have the only next hop in common
	}
	id := rowIdentityOf(row)
	rows := []netstat.Route{*row}
	for e := range r.like(keyOf(rows), rows) {
		r.scratch = r.appendRows(r.scratch[:0], e)
		for i := range r.scratch {
			if rowIdentityOf(&r.scratch[i]) == id {
				if besides--; besides < 0 {
					return true
				}
			}
		}
	}
	return false
}

// diffTables tells how the routes differ. It goes through both in order, since
// there may be a million, most of them the same.
func diffTables(before, after *routes, tell teller) {
	var d routeDiff
	none := func(*netstat.Route, int) bool { return false }
	var was, is *routeInfo // the last ones that said the same
	a, b := place{}, place{}
	for a != before.entries.end() || b != after.entries.end() {
		var old, young *routeEntry
		if a != before.entries.end() {
			old = before.entries.at(a)
		}
		if b != after.entries.end() {
			young = after.entries.at(b)
		}
		switch {
		case old == nil || young != nil && young.before(old):
			old = nil
		case young != nil && old.before(young):
			young = nil
		}
		endA, endB := before.behind(a, old), after.behind(b, young)
		if old != nil && young != nil && endA == before.entries.after(a) && endB == after.entries.after(b) {
			x, y := before.info(old), after.info(young)
			same := x == was && y == is
			if !same && !x.dependsOnObject() && sameHops(x.hops, y.hops, 0) {
				same, was, is = true, x, y
			}
			if same {
				a, b = endA, endB
				continue
			}
		}
		d.gone, d.come = d.gone[:0], d.come[:0]
		for ; a != endA; a = before.entries.after(a) {
			d.gone = before.appendRows(d.gone, before.entries.at(a))
		}
		for ; b != endB; b = after.entries.after(b) {
			d.come = after.appendRows(d.come, after.entries.at(b))
		}
		diffRoutes(&d, none, tell)
	}
}

// behind returns the place behind the group of the route at a place, or the place
// itself where that is nil.
func (r *routes) behind(p place, e *routeEntry) place {
	if e == nil {
		return p
	}
	for p = r.entries.after(p); p != r.entries.end() && r.entries.at(p).sameGroup(e); {
		p = r.entries.after(p)
	}
	return p
}
