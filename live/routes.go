package live

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// routeKey is what tells routes apart, in the order of the table: family,
// destination, prefix length, routes for a source prefix behind those for any,
// table, TOS, metric. The kernel may keep several routes with one key in an order
// of its own (ip route append); seq has that order.
type routeKey struct {
	high, low     uint64 // the destination's address; an IPv4 one in the top bits
	table, metric uint32
	seq           uint16
	family        uint8 // 0 IPv4, 1 IPv6
	bits          uint8
	sourced       uint8 // 1 for a route that is for a source prefix
	tos           uint8
}

// middleSeq is the first route's seq among those with its key, so that others
// fit before and behind it.
const middleSeq = 1 << 15

// routeEntry is one route: 40 bytes without a pointer, which a million times over
// the garbage collector need not look at. info is the number of what it has in
// common with others.
type routeEntry struct {
	routeKey
	info uint32
}

func compareRoutes(a, b *routeEntry) int {
	switch {
	case a.family != b.family:
		return cmp.Compare(a.family, b.family)
	case a.high != b.high:
		return cmp.Compare(a.high, b.high)
	case a.low != b.low:
		return cmp.Compare(a.low, b.low)
	case a.bits != b.bits:
		return cmp.Compare(a.bits, b.bits)
	case a.sourced != b.sourced:
		return cmp.Compare(a.sourced, b.sourced)
	case a.table != b.table:
		return cmp.Compare(a.table, b.table)
	case a.tos != b.tos:
		return cmp.Compare(a.tos, b.tos)
	case a.metric != b.metric:
		return cmp.Compare(a.metric, b.metric)
	}
	return cmp.Compare(a.seq, b.seq)
}

// lowerBound returns the place of the first route that is not before a key.
func (r *routes) lowerBound(k routeKey) place {
	key := routeEntry{routeKey: k}
	return r.entries.search(place{}, r.entries.end(), func(e *routeEntry) bool { return compareRoutes(e, &key) < 0 })
}

// sameKey reports whether the keys differ in seq at most.
func (k *routeKey) sameKey(other *routeKey) bool {
	a, b := *k, *other
	a.seq, b.seq = 0, 0
	return a == b
}

func keyOf(r *netstat.Route) routeKey {
	k := prefixKey(r.Destination)
	k.table, k.metric, k.tos = r.Table, r.Metric, r.TOS
	if r.Options != nil && r.Options.Source.IsValid() {
		k.sourced = 1
	}
	return k
}

func prefixKey(p netip.Prefix) routeKey {
	k := routeKey{bits: uint8(p.Bits())}
	if a := p.Addr(); a.Is4() {
		b := a.As4()
		k.high = uint64(binary.BigEndian.Uint32(b[:])) << 32
	} else {
		b := a.As16()
		k.family = 1
		k.high, k.low = binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
	}
	return k
}

func (k *routeKey) prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], k.high)
	if k.family == 0 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), int(k.bits))
	}
	binary.BigEndian.PutUint64(b[8:], k.low)
	return netip.PrefixFrom(netip.AddrFrom16(b), int(k.bits))
}

// routeInfo is what routes share that differ in their keys only: their next
// hops, without the fields that the key has. It does not change.
type routeInfo struct {
	hops     []netstat.Route
	number   uint32    // in routes.numbered
	count    int       // of routes that have it
	received time.Time // set when a lifetime counts down from then
	next     *routeInfo
}

// statusFlags come and go with the state of links, and say nothing of which
// route it is.
const statusFlags = netstat.RouteDead | netstat.RouteLinkDown | netstat.RouteOffload | netstat.RouteTrap | netstat.RouteUnresolved

// sameHops reports whether the next hops are equal but for ignored flags and for
// remaining lifetimes.
func sameHops(a, b []netstat.Route, ignored netstat.RouteFlags) bool {
	return slices.EqualFunc(a, b, func(a, b netstat.Route) bool {
		if !sameOptions(a.Options, b.Options) {
			return false
		}
		a.Options, b.Options = nil, nil
		a.Flags &^= ignored
		b.Flags &^= ignored
		return a == b
	})
}

func sameOptions(a, b *netstat.RouteOptions) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	if x.Expires.IsKnown() && y.Expires.IsKnown() {
		x.Expires, y.Expires = netstat.Optional[time.Duration]{}, netstat.Optional[time.Duration]{}
	}
	return x == y
}

// hopKey is most of a next hop, to find infos by.
type hopKey struct {
	gateway, source netip.Addr
	device, id      uint32
	flags           netstat.RouteFlags
	hops            uint16
	kind            netstat.RouteType
	protocol        netstat.RouteProtocol
	scope           netstat.Scope
}

// routes is the routes of all tables.
type routes struct {
	entries  ordered[routeEntry]
	numbered numbered[routeInfo]
	infos    map[hopKey]*routeInfo
	recent   *routeInfo // the one found or made last
	hops     int        // in all entries together
	// What of the infos links, addresses and nexthop objects are looked up by
	// when they change: how many infos name them.
	devices map[uint32]deviceUse
	objects int
	// lengths counts the prefixes of each length, by family, to spare
	// lookups those that are not there.
	lengths [2][129]int
	sourced int // routes for a source prefix

	scratch []netstat.Route
}

// deviceUse counts the next hops, in infos, by a device.
type deviceUse struct{ infos, dead int }

func newRoutes() routes {
	return routes{
		entries:  newOrdered(compareRoutes),
		numbered: newNumbered[routeInfo](),
		infos:    make(map[hopKey]*routeInfo),
		devices:  make(map[uint32]deviceUse),
	}
}

// snapshot returns a copy to read from.
func (r *routes) snapshot() routes {
	return routes{entries: r.entries.snapshot(), numbered: r.numbered.snapshot(), hops: r.hops, lengths: r.lengths, sourced: r.sourced}
}

// info returns what an entry has in common with others.
func (r *routes) info(e *routeEntry) *routeInfo { return r.numbered.at(e.info) }

// intern returns the info of the rows, which are one route's.
func (r *routes) intern(rows []netstat.Route) *routeInfo {
	if r.recent != nil && r.recent.count > 0 && isInfoOf(r.recent, rows) {
		return r.recent
	}
	first := &rows[0]
	key := hopKeyOf(rows)
	timed := first.Options != nil && first.Options.Expires.IsKnown()
	if !timed {
		for i := r.infos[key]; i != nil; i = i.next {
			if isInfoOf(i, rows) {
				r.recent = i
				return i
			}
		}
	}
	info := &routeInfo{hops: slices.Clone(rows)}
	info.number = r.numbered.add(info)
	strip(info.hops)
	for i := range info.hops {
		r.use(&info.hops[i], 1)
	}
	if first.NextHopID != 0 {
		r.objects++
	}
	if timed {
		info.received = time.Now()
	} else {
		info.next = r.infos[key]
		r.infos[key] = info
		r.recent = info
	}
	return info
}

// use counts a next hop.
func (r *routes) use(h *netstat.Route, by int) {
	use := r.devices[h.Interface]
	use.infos += by
	if h.Flags&(netstat.RouteDead|netstat.RouteLinkDown) != 0 {
		use.dead += by
	}
	r.devices[h.Interface] = use
	if use.infos == 0 {
		delete(r.devices, h.Interface)
	}
}

func hopKeyOf(rows []netstat.Route) hopKey {
	h := &rows[0]
	return hopKey{h.Gateway, h.PreferredSource, h.Interface, h.NextHopID, h.Flags, uint16(len(rows)), h.Type, h.Protocol, h.Scope}
}

func isInfoOf(info *routeInfo, rows []netstat.Route) bool {
	if len(info.hops) != len(rows) || !info.received.IsZero() {
		return false
	}
	for i := range rows {
		a, b := &info.hops[i], &rows[i]
		if a.Gateway != b.Gateway || a.Interface != b.Interface || a.PreferredSource != b.PreferredSource ||
			a.Type != b.Type || a.Protocol != b.Protocol || a.Scope != b.Scope || a.Flags != b.Flags || a.NextHopID != b.NextHopID || a.Weight != b.Weight ||
			!sameOptions(a.Options, b.Options) {
			return false
		}
	}
	return true
}

// release forgets an info that no route has any more.
func (r *routes) release(info *routeInfo) {
	r.numbered.remove(info.number)
	for i := range info.hops {
		r.use(&info.hops[i], -1)
	}
	if info.hops[0].NextHopID != 0 {
		r.objects--
	}
	key := hopKeyOf(info.hops)
	if first := r.infos[key]; first == info {
		if info.next == nil {
			delete(r.infos, key)
		} else {
			r.infos[key] = info.next
		}
		return
	}
	for i := r.infos[key]; i != nil; i = i.next {
		if i.next == info {
			i.next = info.next
			return
		}
	}
}

// add puts a route in. key.seq tells its place.
func (r *routes) add(key routeKey, rows []netstat.Route) {
	info := r.intern(rows)
	info.count++
	r.hops += len(info.hops)
	r.lengths[key.family][key.bits]++
	r.sourced += int(key.sourced)
	r.entries.set(routeEntry{key, info.number})
}

func (r *routes) remove(e routeEntry) {
	info := r.info(&e)
	r.entries.delete(&e)
	r.hops -= len(info.hops)
	r.lengths[e.family][e.bits]--
	r.sourced -= int(e.sourced)
	if info.count--; info.count == 0 {
		r.release(info)
	}
}

func (r *routes) replace(e routeEntry, rows []netstat.Route) {
	r.remove(e)
	r.add(e.routeKey, rows)
}

// group returns the routes with the key, in the kernel's order.
func (r *routes) group(key routeKey, into []routeEntry) []routeEntry {
	key.seq = 0
	for p := r.lowerBound(key); p != r.entries.end(); p = r.entries.after(p) {
		e := r.entries.at(p)
		if !e.sameKey(&key) {
			break
		}
		into = append(into, *e)
	}
	return into
}

// routeChange is how one message changes the routes.
type routeChange struct {
	// certain says that the outcome does not depend on what was there before,
	// beyond this route: a message that is repeated leaves the same.
	certain bool
	// matched says that the message was about what is known.
	matched bool
}

// load puts in a route as a dump tells it: behind those with its key.
func (r *routes) load(rows []netstat.Route) {
	key := keyOf(&rows[0])
	key.seq = middleSeq
	e := routeEntry{routeKey: key}
	// A dump comes mostly in order: behind everything there is nothing to
	// look for.
	if r.entries.len() > 0 && compareRoutes(r.entries.last(), &e) >= 0 {
		if group := r.group(key, nil); len(group) > 0 {
			r.scratch = append(r.scratch[:0], rows...)
			strip(r.scratch)
			for _, other := range group {
				if sameHops(r.info(&other).hops, r.scratch, 0) {
					return // told twice, since it changed meanwhile
				}
			}
			key.seq = group[len(group)-1].seq + 1
		}
	}
	r.add(key, rows)
}

// strip makes rows what an info has of them.
func strip(rows []netstat.Route) {
	for i := range rows {
		rows[i].Destination, rows[i].Table, rows[i].Metric, rows[i].TOS = netip.Prefix{}, 0, 0, 0
	}
}

// apply takes in an event.
func (r *routes) apply(m *collectors.Message, group []routeEntry) routeChange {
	key := keyOf(&m.Routes[0])
	group = r.ofSource(group, m.Routes)
	if m.Removed {
		return r.applyRemoval(m, group)
	}
	key.seq = middleSeq
	if m.Exclusive || len(group) == 0 {
		// The kernel found none with the key: what is known went silently. A
		// seq that another source's route has is not taken.
		for _, e := range group {
			r.remove(e)
		}
		if rest := r.group(key, nil); len(rest) > 0 {
			key.seq = rest[len(rest)-1].seq + 1
		}
		r.add(key, m.Routes)
		return routeChange{certain: m.Exclusive, matched: m.Exclusive || !m.Replace}
	}
	switch {
	case m.Routes[0].Destination.Addr().Is6():
		return routeChange{matched: r.applyIPv6(m, group)}
	case m.Replace:
		r.replace(group[0], m.Routes)
	case m.Append:
		last := group[len(group)-1]
		key.seq = last.seq + 1
		r.add(key, m.Routes)
	default:
		key.seq = group[0].seq - 1
		r.add(key, m.Routes)
	}
	// Beyond the ends of seq the order is made anew by a dump.
	return routeChange{matched: key.seq > 0 && key.seq < 1<<16-1}
}

// applyIPv6 takes in an event of an IPv6 route whose key has routes. Routes with
// gateways are one multipath route then, which the event tells as a whole
// (net/ipv6/ip6_fib.c, fib6_add_rt2node). It gives all next hops the attributes
// of the new one, where a dump gives them those of the first: exact says that
// these are the same.
func (r *routes) applyIPv6(m *collectors.Message, group []routeEntry) (exact bool) {
	multipath := isMultipath(m.Routes)
	for _, e := range group {
		if isMultipath(r.info(&e).hops) != multipath {
			continue
		}
		if m.Replace || multipath {
			exact := m.Replace || sameShared(&r.info(&e).hops[0], &m.Routes[0])
			r.replace(e, m.Routes)
			return exact
		}
	}
	if m.Replace {
		r.replace(group[0], m.Routes)
		return true
	}
	all := r.group(group[0].routeKey, nil) // of other sources, too
	key := all[len(all)-1].routeKey
	key.seq++
	r.add(key, m.Routes)
	return true
}

// sameShared reports whether two next hops have what a multipath route has once
// in common.
func sameShared(a, b *netstat.Route) bool {
	return a.Protocol == b.Protocol && a.Type == b.Type && a.Scope == b.Scope && a.PreferredSource == b.PreferredSource && sameOptions(a.Options, b.Options)
}

// isMultipath reports whether an IPv6 route is, or may become, one of several
// next hops (rt6_qualify_for_ecmp).
func isMultipath(rows []netstat.Route) bool {
	return rows[0].Gateway.IsValid() && rows[0].NextHopID == 0 && rows[0].Protocol != netstat.ProtocolRA
}

// ofSource leaves those of the group that are for the rows' source prefix.
func (r *routes) ofSource(group []routeEntry, rows []netstat.Route) []routeEntry {
	source := sourceOf(rows)
	return slices.DeleteFunc(group, func(e routeEntry) bool { return sourceOf(r.info(&e).hops) != source })
}

func sourceOf(rows []netstat.Route) netip.Prefix {
	if o := rows[0].Options; o != nil {
		return o.Source
	}
	return netip.Prefix{}
}

func (r *routes) applyRemoval(m *collectors.Message, group []routeEntry) routeChange {
	r.scratch = append(r.scratch[:0], m.Routes...)
	gone := r.scratch
	strip(gone)
	for _, e := range group {
		if sameHops(r.info(&e).hops, gone, statusFlags) {
			r.remove(e)
			return routeChange{certain: true, matched: true}
		}
	}
	if !m.Routes[0].Destination.Addr().Is6() {
		return routeChange{certain: true}
	}
	// Some next hops of an IPv6 route.
	for _, e := range group {
		hops := r.info(&e).hops
		rest := slices.DeleteFunc(slices.Clone(hops), func(h netstat.Route) bool {
			return slices.ContainsFunc(gone, func(g netstat.Route) bool { return g.Gateway == h.Gateway && g.Interface == h.Interface })
		})
		if len(rest) == len(hops) {
			continue
		}
		if len(rest) == 0 {
			r.remove(e)
			return routeChange{matched: true}
		}
		if len(rest) == 1 {
			rest[0].Weight = 0
		}
		for i := range rest {
			e.fill(&rest[i])
		}
		r.replace(e, rest)
		return routeChange{} // what the rest has in common may be another's now
	}
	return routeChange{certain: true}
}

// usesSource reports whether a route prefers an address to send from. It looks
// at what routes share, not at every route.
func (r *routes) usesSource(a netip.Addr) bool {
	for key := range r.infos {
		if key.source == a {
			return true
		}
	}
	return false
}

// fill gives a next hop the fields that the key has.
func (k *routeKey) fill(h *netstat.Route) {
	h.Destination, h.Table, h.Metric, h.TOS = k.prefix(), k.table, k.metric, k.tos
}

// appendRows appends the next hops of an entry, as routes, to rows.
func (s *state) appendRows(rows []netstat.Route, e *routeEntry) []netstat.Route {
	info := s.routes.info(e)
	first := len(rows)
	if len(info.hops) == 1 && info.hops[0].NextHopID == 0 && info.received.IsZero() { // as most are
		rows = append(rows, info.hops[0])
		e.fill(&rows[first])
		return rows
	}
	if info.hops[0].IsUnresolved() {
		rows = info.hops[0].Through(s.object, rows)
	} else {
		rows = append(rows, info.hops...)
	}
	for i := first; i < len(rows); i++ {
		h := &rows[i]
		e.fill(h)
		if !info.received.IsZero() {
			options := *h.Options
			if left, ok := options.Expires.Get(); ok {
				options.Expires.Set(max(0, left-time.Since(info.received)))
			}
			h.Options = &options
		}
	}
	return rows
}

// bytes estimates the memory that the routes take.
func (r *routes) bytes() int {
	const perInfo = int(unsafe.Sizeof(routeInfo{})+unsafe.Sizeof(hopKey{})) + 16
	infos := 0
	for _, i := range r.infos {
		for ; i != nil; i = i.next {
			infos += perInfo + len(i.hops)*int(unsafe.Sizeof(netstat.Route{}))
		}
	}
	return r.entries.capacity()*int(unsafe.Sizeof(routeEntry{})) + r.numbered.capacity()*int(unsafe.Sizeof(uintptr(0))) + infos
}
