package live

import "math/bits"

// descent finds the prefixes that contain an address, the longest first.
type descent struct {
	routes  *routes
	address routeEntry     // its prefix of all bits
	table   *tablePrefixes // nil for none
	behind  place          // behind the routes to the prefix that was found last
}

func (r *routes) descend(address routeEntry) descent { return descent{routes: r, address: address} }

// begin begins with the longest prefix of a table.
func (d *descent) begin(table uint32) {
	d.table, d.behind = d.routes.tables.of(table, d.address.family), d.routes.entries.end()
}

// next returns how many bits the next shorter prefix has, of those that the table may have and with so many bits
// at most, and -1 where there is none. It need not be of that table.
//
// The prefix of the length that is tried is followed by nothing that contains the address. So the
// route in front of it, if it contains the address, has the next shorter one, and else all of those
// are of the bits that it has in common with the address.
func (d *descent) next(atMost int) int {
	if d.table == nil {
		return -1
	}
	for length := d.table.longest(&d.address, atMost); length >= 0; length = d.table.longest(&d.address, atMost) {
		key := d.address
		key.mask(length)
		d.back(&key)
		if d.behind == (place{}) {
			return -1
		}
		e := d.front()
		if e.family != key.family {
			return -1
		}
		common := e.common(&d.address)
		if common >= length && int(e.bits) == length {
			return length
		}
		atMost = min(int(e.bits), common)
	}
	return -1
}

// front returns the route in front of where it is.
func (d *descent) front() *routeEntry {
	entries := &d.routes.entries
	return entries.at(entries.before(d.behind))
}

// back goes to the place of the first route whose destination comes behind that of a key. It is not behind where it is.
func (d *descent) back(key *routeEntry) {
	entries := &d.routes.entries
	if d.behind == (place{}) || d.behind != entries.end() && !d.front().isBehind(key) {
		return
	}
	from, to := entries.around(orderOfRoute(key))
	d.behind = entries.search(from, to, func(e *routeEntry) bool { return !e.isBehind(key) })
}

// alone returns the route in front, behind which its destination's routes end, if it is the only one of
// the table with that destination.
func (d *descent) alone() *routeEntry {
	entries := &d.routes.entries
	p := entries.before(d.behind)
	e := entries.at(p)
	if e.table != d.table.table {
		return nil
	}
	if p != (place{}) {
		if other := entries.at(entries.before(p)); other.table == e.table && other.high == e.high && other.low == e.low && other.bits == e.bits && other.family == e.family {
			return nil
		}
	}
	return e
}

// isBehind reports whether the destination comes behind another one.
func (e *routeEntry) isBehind(key *routeEntry) bool {
	switch {
	case e.high != key.high && e.family == key.family:
		return e.high > key.high
	case e.family != key.family:
		return e.family > key.family
	case e.low != key.low:
		return e.low > key.low
	}
	return e.bits > key.bits
}

// common returns how many bits the addresses of two destinations of a family have in common in front.
func (e *routeEntry) common(other *routeEntry) int {
	if e.high != other.high {
		return bits.LeadingZeros64(e.high ^ other.high)
	}
	return 64 + bits.LeadingZeros64(e.low^other.low)
}
