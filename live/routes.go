package live

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// routeEntry is one route: 40 bytes without a pointer, which a million times over
// the garbage collector need not look at. All but info is its key, in the order of
// the table: family, destination, prefix length, routes for a source prefix behind
// those for any, table, TOS, metric; and then, since thousands of routes may have
// all that in common (fe80::/64 of every device), apart and seq.
type routeEntry struct {
	high, low     uint64 // the destination's address; an IPv4 one in the top bits
	table, metric uint32
	// apart is what tells IPv6 routes apart: see apartOf. Of IPv4 it is 0.
	apart uint32
	// seq has the kernel's order: of IPv4 that of routes with one key (ip route
	// append), of IPv6 that in which they came.
	seq     uint32
	info    uint32 // the number of what it has in common with others
	family  uint8  // 0 IPv4, 1 IPv6
	bits    uint8
	sourced uint8 // 1 for a route that is for a source prefix
	tos     uint8
}

// middleSeq is the first route's seq among those with its key, so that others
// fit before and behind it.
const middleSeq = 1 << 31

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
	case a.apart != b.apart:
		return cmp.Compare(a.apart, b.apart)
	}
	return cmp.Compare(a.seq, b.seq)
}

// orderOfRoute is the family and the first 31 bits of the destination's address.
func orderOfRoute(e *routeEntry) uint32 { return uint32(e.family)<<31 | uint32(e.high>>33) }

// lowerBound returns the place of the first route that is not before a key.
func (r *routes) lowerBound(key routeEntry) place {
	from, to := r.entries.around(orderOfRoute(&key))
	return r.entries.search(from, to, func(e *routeEntry) bool { return compareRoutes(e, &key) < 0 })
}

// sameKey reports whether the keys differ in apart and seq at most.
func (e *routeEntry) sameKey(other *routeEntry) bool {
	return e.high == other.high && e.low == other.low && e.table == other.table && e.metric == other.metric &&
		e.family == other.family && e.bits == other.bits && e.sourced == other.sourced && e.tos == other.tos
}

// sameGroup reports whether the keys differ in seq at most.
func (e *routeEntry) sameGroup(other *routeEntry) bool {
	return e.apart == other.apart && e.sameKey(other)
}

// keyOf returns a route's key but for seq.
func keyOf(rows []netstat.Route) routeEntry {
	r := &rows[0]
	k := prefixKey(r.Destination)
	k.table, k.metric, k.tos = r.Table, r.Metric.Or(0), r.TOS.Or(0)
	if r.Options != nil && r.Options.Source.IsValid() {
		k.sourced = 1
	}
	if k.family == 1 {
		k.apart = apartOf(rows)
	}
	return k
}

// sourceShift is where apart has the source prefix of a route that has one.
const sourceShift = 16

// apartOf returns what tells an IPv6 route apart from others with its key. All
// that may become one multipath route have 0: they are one route, and others the
// device or, with the top bit, the nexthop object. Of a route for a source prefix
// it is 16 bits each of that prefix's hash and of the rest's.
func apartOf(rows []netstat.Route) uint32 {
	const object = 1 << 31
	var who uint32
	switch h := &rows[0]; {
	case isMultipath(rows):
	case h.NextHopID != 0:
		who = h.NextHopID | object
	default:
		who = h.Interface
	}
	source := sourceOf(rows)
	if !source.IsValid() {
		return who
	}
	b := source.Addr().As16()
	mixed := mix(mix(mix(0, binary.BigEndian.Uint64(b[:])), binary.BigEndian.Uint64(b[8:])), uint64(source.Bits()))
	return uint32(mixed>>48)<<sourceShift | uint32(mix(0, uint64(who))>>48)
}

// mix takes a number into a hash, whose upper bits are the best.
func mix(hash, number uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	hash = (hash ^ number) * odd
	return (hash ^ hash>>32) * odd
}

func prefixKey(p netip.Prefix) routeEntry {
	k := routeEntry{bits: uint8(p.Bits())}
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

func (e *routeEntry) prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], e.high)
	if e.family == 0 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), int(e.bits))
	}
	binary.BigEndian.PutUint64(b[8:], e.low)
	return netip.PrefixFrom(netip.AddrFrom16(b), int(e.bits))
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
const statusFlags = netstat.NextHopDead | netstat.NextHopLinkDown | netstat.NextHopOffload | netstat.NextHopTrap | netstat.NextHopUnresolved

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

// routes is the routes of all tables.
type routes struct {
	entries  ordered[routeEntry]
	numbered numbered[routeInfo]
	// alike finds the IPv4 routes with one key, of which there may be thousands (ip
	// route append), by what they are compared by: it has each that stands before or
	// behind the one at middleSeq by its hash, in place of apart.
	alike    ordered[routeEntry]
	infos    map[uint64]*routeInfo // by hash of what they are compared by
	seed     maphash.Seed
	recent   *routeInfo // the one found or made last
	hops     int        // in all entries together
	size     int        // of all infos, in bytes
	arrivals uint32     // the seq that an IPv6 route was given last
	// What of the infos links, addresses and nexthop objects are looked up by
	// when they change: how many infos name them.
	devices map[uint32]deviceUse
	sources map[netip.Addr]int
	objects map[uint32]int
	// through is the nexthop objects that routes go through which do not say
	// what these are. It is behind the state's while routes that went through
	// others before are not told of yet.
	through ordered[*netstat.NextHop]
	grouped map[uint32]int // how many groups of through have an object
	tables  tables
	sourced int // routes for a source prefix

	// loading is what a dump told last, and the infos of the routes with that
	// key.
	loading struct {
		key   routeEntry
		infos map[uint32]struct{}
	}
	// diff takes what goes and what comes, as rows; nil when nobody asks.
	diff    *routeDiff
	scratch []netstat.Route
}

// routeDiff is the rows of routes that went and of those that came.
type routeDiff struct{ gone, come []netstat.Route }

// deviceUse counts the next hops, in infos, by a device: all, those that are dead
// or whose link is down, and the latter alone.
type deviceUse struct{ infos, dead, down int }

func newRoutes(steps *uint64) routes {
	r := routes{
		entries:  newKeyed(compareRoutes, orderOfRoute, steps),
		alike:    newOrdered(compareRoutes, steps),
		numbered: newNumbered[routeInfo](),
		infos:    make(map[uint64]*routeInfo),
		seed:     maphash.MakeSeed(),
		arrivals: middleSeq,
		devices:  make(map[uint32]deviceUse),
		sources:  make(map[netip.Addr]int),
		objects:  make(map[uint32]int),
		through:  newRowOrder(compareNextHops, steps),
		grouped:  make(map[uint32]int),
	}
	return r
}

// snapshot returns a copy to read from.
func (r *routes) snapshot() routes {
	return routes{
		entries: r.entries.snapshot(), numbered: r.numbered.snapshot(), through: r.through.snapshot(),
		hops: r.hops, tables: r.tables.snapshot(), sourced: r.sourced,
	}
}

// info returns what an entry has in common with others.
func (r *routes) info(e *routeEntry) *routeInfo { return r.numbered.at(e.info) }

// intern returns the info of the rows, which are one route's.
func (r *routes) intern(rows []netstat.Route) *routeInfo {
	if r.recent != nil && r.recent.count > 0 && isInfoOf(r.recent, rows) {
		return r.recent
	}
	first := &rows[0]
	timed := first.Options != nil && first.Options.Expires.IsKnown()
	var hash uint64
	if !timed {
		hash = r.hash(rows, 0)
		for i := r.infos[hash]; i != nil; i = i.next {
			r.entries.step(1)
			if isInfoOf(i, rows) {
				r.recent = i
				return i
			}
		}
	}
	info := &routeInfo{hops: slices.Clone(rows)}
	info.number = r.numbered.add(info)
	for i := range info.hops {
		strip(&info.hops[i])
	}
	r.use(info, 1)
	if timed {
		info.received = time.Now()
	} else {
		info.next = r.infos[hash]
		r.infos[hash] = info
		r.recent = info
	}
	return info
}

// use counts what an info names.
func (r *routes) use(info *routeInfo, by int) {
	for i := range info.hops {
		h := &info.hops[i]
		use := r.devices[h.Interface]
		use.infos += by
		if h.Flags&(netstat.NextHopDead|netstat.NextHopLinkDown) != 0 {
			use.dead += by
		}
		if h.Flags&netstat.NextHopLinkDown != 0 {
			use.down += by
		}
		r.devices[h.Interface] = use
		if use.infos == 0 {
			delete(r.devices, h.Interface)
		}
	}
	h := &info.hops[0]
	if h.PreferredSource.IsValid() {
		count(r.sources, h.PreferredSource, by)
	}
	if h.NextHopID != 0 {
		count(r.objects, h.NextHopID, by)
	}
	const perInfo = int(unsafe.Sizeof(routeInfo{})) + 32 // and its place in the map
	size := perInfo + len(info.hops)*int(unsafe.Sizeof(netstat.Route{}))
	for i := range info.hops {
		if info.hops[i].Options != nil {
			size += int(unsafe.Sizeof(netstat.RouteOptions{}))
		}
	}
	r.size += by * size
}

// count adds to a number that is not kept where it is 0.
func count[K comparable](numbers map[K]int, of K, by int) {
	if n := numbers[of] + by; n != 0 {
		numbers[of] = n
	} else {
		delete(numbers, of)
	}
}

// hash returns a number that is the same for rows of one info: it is of all that
// isInfoOf compares, but for ignored flags.
func (r *routes) hash(rows []netstat.Route, ignored netstat.RouteFlags) (hash uint64) {
	for i := range rows {
		row := &rows[i]
		for _, a := range [...]netip.Addr{row.Gateway, row.PreferredSource} {
			if a.IsValid() {
				b := a.As16()
				hash = mix(mix(hash, binary.BigEndian.Uint64(b[:])), binary.BigEndian.Uint64(b[8:]))
			}
		}
		hash = mix(hash, uint64(row.Interface)<<32|uint64(row.NextHopID))
		hash = mix(hash, uint64(row.Flags&^ignored)<<32|uint64(row.Type)<<16|uint64(row.Protocol)<<8|uint64(row.Scope.Or(0)))
		hash = mix(hash, uint64(row.Weight))
		if row.Options != nil {
			hash = mix(hash, maphash.Comparable(r.seed, *row.Options))
		}
	}
	return hash
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
	r.use(info, -1)
	if !info.received.IsZero() {
		return
	}
	hash := r.hash(info.hops, 0)
	if first := r.infos[hash]; first == info {
		if info.next == nil {
			delete(r.infos, hash)
		} else {
			r.infos[hash] = info.next
		}
		return
	}
	for i := r.infos[hash]; i != nil; i = i.next {
		r.entries.step(1)
		if i.next == info {
			i.next = info.next
			return
		}
	}
}

// add puts a route in, whose key tells its place, and returns its info.
func (r *routes) add(key routeEntry, rows []netstat.Route) *routeInfo {
	info := r.intern(rows)
	info.count++
	r.hops += len(info.hops)
	r.tables.count(&key, 1)
	r.sourced += int(key.sourced)
	key.info = info.number
	r.entries.set(key)
	for as := range r.aliases(&key, info) {
		r.alike.set(as)
	}
	if r.diff != nil {
		r.diff.come = r.appendRows(r.diff.come, &key)
	}
	return info
}

func (r *routes) remove(e routeEntry) {
	if r.diff != nil {
		r.diff.gone = r.appendRows(r.diff.gone, &e)
	}
	info := r.info(&e)
	r.entries.delete(&e)
	for as := range r.aliases(&e, info) {
		r.alike.delete(&as)
	}
	r.hops -= len(info.hops)
	r.tables.count(&e, -1)
	r.sourced -= int(e.sourced)
	if info.count--; info.count == 0 {
		r.release(info)
	}
}

// replace gives a route other rows, and its key what these say.
func (r *routes) replace(e routeEntry, rows []netstat.Route) {
	r.remove(e)
	key := keyOf(rows)
	key.seq = e.seq
	r.add(key, rows)
}

// routeChange is how one message changes the routes.
type routeChange struct {
	// certain says that the outcome does not depend on what was there before,
	// beyond this route: a message that is repeated leaves the same.
	certain bool
	// matched says that the message was about what is known.
	matched bool
}

// first returns the first route of a key's group (see sameGroup), in the kernel's
// order of IPv4.
func (r *routes) first(key routeEntry) (routeEntry, bool) {
	key.seq = 0
	if p := r.lowerBound(key); p != r.entries.end() {
		if e := r.entries.at(p); e.sameGroup(&key) {
			return *e, true
		}
	}
	return routeEntry{}, false
}

// last returns the last route of a key's group.
func (r *routes) last(key routeEntry) (routeEntry, bool) {
	from, to := r.entries.around(orderOfRoute(&key))
	behind := r.entries.search(from, to, func(e *routeEntry) bool { return !key.before(e) })
	if behind != (place{}) {
		if e := r.entries.at(r.entries.before(behind)); e.sameGroup(&key) {
			return *e, true
		}
	}
	return routeEntry{}, false
}

// before reports whether the group of a key stands in front of a route.
func (e *routeEntry) before(other *routeEntry) bool {
	key := *e
	key.seq = other.seq
	return compareRoutes(&key, other) < 0
}

// group goes through the routes of a key's group.
func (r *routes) group(key routeEntry) iter.Seq[*routeEntry] {
	return func(yield func(*routeEntry) bool) {
		key.seq = 0
		for e := range r.entries.from(&key) {
			if !e.sameGroup(&key) || !yield(e) {
				return
			}
		}
	}
}

// aliases goes through what a route is found by in alike.
func (r *routes) aliases(e *routeEntry, info *routeInfo) iter.Seq[routeEntry] {
	return func(yield func(routeEntry) bool) {
		if e.family != 0 || e.seq == middleSeq {
			return
		}
		as := *e
		as.apart = r.likeness(info.hops)
		if !yield(as) || len(info.hops) == 1 {
			return
		}
		for i := range info.hops {
			as.apart = r.likeness(info.hops[i : i+1])
			if !yield(as) {
				return
			}
		}
	}
}

// likeness returns the hash by which rows are found among those of IPv4 routes with
// one key: of a nexthop object alone where they go through one, since what that is
// changes.
func (r *routes) likeness(rows []netstat.Route) uint32 {
	if id := rows[0].NextHopID; id != 0 {
		return uint32(mix(1, uint64(id)) >> 32)
	}
	return uint32(r.hash(rows, statusFlags) >> 32)
}

// like goes through the routes of a key's group that may be what rows are, or may have
// the one row among their next hops: all that do, and few others. They come in the
// kernel's order, but for the one at middleSeq, which is the first.
func (r *routes) like(key routeEntry, rows []netstat.Route) iter.Seq[*routeEntry] {
	if key.family != 0 {
		return r.group(key)
	}
	return func(yield func(*routeEntry) bool) {
		key.seq = middleSeq
		if e, ok := r.entries.get(&key); ok && !yield(e) {
			return
		}
		if r.alike.len() == 0 {
			return
		}
		as := key
		as.apart, as.seq = r.likeness(rows), 0
		for a := range r.alike.from(&as) {
			if !a.sameGroup(&as) {
				return
			}
			key.seq = a.seq
			if e, ok := r.entries.get(&key); ok && !yield(e) {
				return
			}
		}
	}
}

// ofSource goes through the IPv6 routes with a key that are for the same source
// prefix.
func (r *routes) ofSource(key routeEntry, source netip.Prefix) iter.Seq[*routeEntry] {
	return func(yield func(*routeEntry) bool) {
		least, most := uint32(0), uint32(math.MaxUint32)
		if key.sourced != 0 {
			least = key.apart >> sourceShift << sourceShift
			most = least | 1<<sourceShift - 1
		}
		key.apart, key.seq = least, 0
		for e := range r.entries.from(&key) {
			if !e.sameKey(&key) || e.apart > most {
				return
			}
			if (key.sourced == 0 || sourceOf(r.info(e).hops) == source) && !yield(e) {
				return
			}
		}
	}
}

// find returns the route that the kernel would not take the rows besides: the
// same one, but for the state of its links.
func (r *routes) find(key routeEntry, rows []netstat.Route) (routeEntry, bool) {
	multipath := key.family == 1 && isMultipath(rows)
	for e := range r.like(key, rows) {
		hops := r.info(e).hops
		if key.family == 0 {
			if r.sameRoute(hops, rows) {
				return *e, true
			}
			continue
		}
		if sourceOf(hops) == sourceOf(rows) && multipath == isMultipath(hops) && (multipath || sameNextHops(&hops[0], &rows[0])) {
			return *e, true
		}
	}
	return routeEntry{}, false
}

// sameRoute reports whether next hops are those of rows, but for the state of
// links.
func (r *routes) sameRoute(hops, rows []netstat.Route) bool {
	if len(hops) != len(rows) || hops[0].Gateway != rows[0].Gateway || hops[0].Interface != rows[0].Interface {
		return false // as most are, told quickly
	}
	r.scratch = append(r.scratch[:0], rows...)
	for i := range r.scratch {
		strip(&r.scratch[i])
	}
	return sameHops(hops, r.scratch, statusFlags)
}

// sameNextHops reports whether the kernel takes two IPv6 next hops for one
// (rt6_duplicate_nexthop, include/net/ip6_route.h).
func sameNextHops(a, b *netstat.Route) bool {
	if a.NextHopID != 0 || b.NextHopID != 0 {
		return a.NextHopID == b.NextHopID
	}
	return a.Gateway == b.Gateway && a.Interface == b.Interface && encapOf(a) == encapOf(b)
}

// findThroughObject returns the route that goes through the same nexthop object as
// the rows and has the rest in common: the same one, whatever the object was.
func (r *routes) findThroughObject(key routeEntry, rows []netstat.Route) (routeEntry, bool) {
	row := &rows[0]
	if row.NextHopID == 0 {
		return routeEntry{}, false
	}
	for e := range r.like(key, rows) {
		h := &r.info(e).hops[0]
		if h.NextHopID == row.NextHopID && h.Protocol == row.Protocol && h.Scope == row.Scope && h.PreferredSource == row.PreferredSource && sourceOf(r.info(e).hops) == sourceOf(rows) {
			return *e, true
		}
	}
	return routeEntry{}, false
}

// encap is a lightweight tunnel.
type encap struct {
	kind netstat.EncapKind
	text string
}

func encapOf(r *netstat.Route) encap {
	if r.Options == nil {
		return encap{}
	}
	return encap{r.Options.EncapType, r.Options.Encap}
}

// load puts in a route as a dump tells it: behind those with its key.
func (r *routes) load(rows []netstat.Route) {
	key := keyOf(rows)
	if key.family == 1 {
		key.seq = r.arrive()
		r.add(key, rows)
		return
	}
	key.seq = middleSeq
	// A dump comes mostly in order: behind everything there is nothing to
	// look for.
	if r.entries.len() > 0 && !r.entries.last().before(&key) && !r.loadBehind(&key, rows) {
		return
	}
	r.add(key, rows)
}

// loadBehind gives the key a place behind those of its group, and reports whether
// the route is not there yet: it may be told twice, when others change meanwhile.
func (r *routes) loadBehind(key *routeEntry, rows []netstat.Route) bool {
	last, ok := r.last(*key)
	if !ok {
		return true
	}
	l := &r.loading
	if l.infos == nil || !l.key.sameKey(key) {
		l.key, l.infos = *key, make(map[uint32]struct{})
		for e := range r.group(*key) {
			l.infos[e.info] = struct{}{}
		}
	}
	info := r.intern(rows)
	if _, told := l.infos[info.number]; told {
		return false
	}
	l.infos[info.number] = struct{}{}
	key.seq = last.seq + 1
	return true
}

// loaded ends a dump. Of one that the kernel interrupted, routes that were told
// twice are left out.
func (r *routes) loaded(interrupted bool) {
	r.loading.infos = nil
	if !interrupted {
		return
	}
	var twice []routeEntry
	var before *routeEntry
	for e := range r.entries.from(nil) {
		if before != nil && e.info == before.info && e.sameGroup(before) {
			twice = append(twice, *e)
		}
		before = e
	}
	for _, e := range twice {
		r.remove(e)
	}
}

// keep makes the routes that were told of during a dump what they are known to be from
// having been followed: those of a group, or all with its key where others may have
// changed. missing says that the dump may lack IPv6 routes.
func (r *routes) keep(followed *routes, told map[routeEntry]bool, missing bool) {
	var gone, came []routeEntry
	for key, all := range told {
		tells := func(e *routeEntry) bool { return e.sameGroup(&key) || all && e.sameKey(&key) }
		gone = gone[:0]
		for e := range r.entries.from(&key) {
			if !tells(e) {
				break
			}
			gone = append(gone, *e)
		}
		for i := range gone {
			r.remove(gone[i])
		}
		places := gone
		for e := range followed.entries.from(&key) {
			if !tells(e) {
				break
			}
			as := *e
			switch {
			case all:
			case len(places) > 0: // where the dump has it among those with its key
				as.seq, places = places[0].seq, places[1:]
			default:
				came = append(came, *e)
				continue
			}
			r.adopt(&as, followed.info(e))
		}
	}
	slices.SortFunc(came, func(a, b routeEntry) int { return cmp.Compare(a.seq, b.seq) })
	for _, e := range came {
		info := followed.info(&e)
		e.seq = r.arrive()
		r.adopt(&e, info)
	}
	if !missing {
		return
	}
	for e := range followed.entries.from(&routeEntry{family: 1}) {
		if _, there := r.find(*e, followed.info(e).hops); !there {
			r.adopt(e, followed.info(e))
		}
	}
}

// adopt puts in a route that others have.
func (r *routes) adopt(e *routeEntry, info *routeInfo) {
	own := r.add(*e, info.hops)
	own.received = info.received
	if e.family == 1 {
		r.arrivals = max(r.arrivals, e.seq)
	}
}

// arrive returns the seq of an IPv6 route that comes, behind all others'.
func (r *routes) arrive() uint32 {
	if r.arrivals < math.MaxUint32 {
		r.arrivals++
	}
	return r.arrivals
}

// strip makes a row what an info has of it.
func strip(row *netstat.Route) {
	row.Destination, row.Table, row.Metric, row.TOS = netip.Prefix{}, 0, netstat.Optional[uint32]{}, netstat.Optional[uint8]{}
}

// apply takes in an event. replay says that it may be older than what is known.
func (r *routes) apply(m *collectors.Message, replay bool) routeChange {
	key := keyOf(m.Routes)
	switch {
	case m.Removed:
		return r.applyRemoval(m, key)
	case m.Exclusive:
		// The kernel found none with the key: what is known went silently.
		r.removeAll(key, m.Routes)
		key.seq = middleSeq
		if key.family == 1 {
			key.seq = r.arrive()
		}
		r.add(key, m.Routes)
		return routeChange{certain: true, matched: true}
	case key.family == 1:
		return routeChange{matched: r.applyIPv6(m, key, replay) && r.arrivals < math.MaxUint32}
	}
	first, ok := r.first(key)
	if !ok {
		key.seq = middleSeq
		r.add(key, m.Routes)
		return routeChange{matched: !m.Replace}
	}
	if m.Replace {
		// The kernel tells so of a route whose object was replaced, wherever it
		// stands (net/ipv4/fib_trie.c, fib_info_notify_update).
		if known, ok := r.findThroughObject(key, m.Routes); ok {
			r.replace(known, m.Routes)
			return routeChange{matched: true}
		}
	}
	if !m.Replace || replay {
		if known, ok := r.find(key, m.Routes); ok {
			// It is told of again, as it is now.
			r.replace(known, m.Routes)
			return routeChange{matched: true}
		}
	}
	switch {
	case m.Replace:
		r.replace(first, m.Routes)
		return routeChange{matched: true}
	case m.Append:
		last, _ := r.last(key)
		key.seq = last.seq + 1
	default:
		key.seq = first.seq - 1
	}
	r.add(key, m.Routes)
	// At the ends of seq the order is made anew by a dump.
	return routeChange{matched: key.seq > 1 && key.seq < math.MaxUint32-1}
}

// removeAll takes out the routes with the key that are for the rows' source
// prefix.
func (r *routes) removeAll(key routeEntry, rows []netstat.Route) {
	var gone []routeEntry
	for e := range r.ofSource(key, sourceOf(rows)) {
		gone = append(gone, *e)
	}
	for _, e := range gone {
		r.remove(e)
	}
}

// applyIPv6 takes in an event of an IPv6 route that the kernel found others with
// the key of. Routes with gateways are one multipath route then, which the event
// tells as a whole (net/ipv6/ip6_fib.c, fib6_add_rt2node). It gives all next hops
// the attributes of the new one, where a dump gives them those of the first:
// exact says that these are the same, and that something was found.
func (r *routes) applyIPv6(m *collectors.Message, key routeEntry, replay bool) (exact bool) {
	known, ok := r.find(key, m.Routes)
	if ok && m.Replace && m.Routes[0].NextHopID != 0 {
		// Its object was replaced, or it took the place of another route.
		r.replace(known, m.Routes)
		return false
	}
	if ok && (!m.Replace || replay || isMultipath(m.Routes)) {
		exact := m.Replace || !isMultipath(m.Routes) || sameShared(&r.info(&known).hops[0], &m.Routes[0])
		r.replace(known, m.Routes)
		return exact
	}
	if m.Replace {
		// It took the place of the first that may, or may not, be one of a
		// multipath route as it may, or else of the first. The kernel looks at
		// all with the key for that, too.
		multipath := isMultipath(m.Routes)
		var replaced routeEntry
		alike := false
		for e := range r.ofSource(key, sourceOf(m.Routes)) {
			like := isMultipath(r.info(e).hops) == multipath
			if !ok || like && !alike || like == alike && e.seq < replaced.seq {
				replaced, alike, ok = *e, like, true
			}
		}
		if !ok {
			key.seq = r.arrive()
			r.add(key, m.Routes)
			return false
		}
		r.replace(replaced, m.Routes)
		return true
	}
	key.seq = r.arrive()
	r.add(key, m.Routes)
	return true
}

// isMultipath reports whether an IPv6 route is, or may become, one of several
// next hops (rt6_qualify_for_ecmp).
func isMultipath(rows []netstat.Route) bool {
	return rows[0].Gateway.IsValid() && rows[0].NextHopID == 0 && rows[0].Protocol != netstat.RouteProtocolRA
}

// sameShared reports whether two next hops have what a multipath route has once
// in common.
func sameShared(a, b *netstat.Route) bool {
	return a.Protocol == b.Protocol && a.Type == b.Type && a.Scope == b.Scope && a.PreferredSource == b.PreferredSource && sameOptions(a.Options, b.Options)
}

func sourceOf(rows []netstat.Route) netip.Prefix {
	if o := rows[0].Options; o != nil {
		return o.Source
	}
	return netip.Prefix{}
}

func (r *routes) applyRemoval(m *collectors.Message, key routeEntry) routeChange {
	for e := range r.like(key, m.Routes) {
		if r.sameRoute(r.info(e).hops, m.Routes) {
			r.remove(*e)
			return routeChange{certain: true, matched: true}
		}
	}
	if known, ok := r.findThroughObject(key, m.Routes); ok {
		r.remove(known)
		return routeChange{matched: true}
	}
	if key.family == 0 {
		return routeChange{certain: true}
	}
	// Some next hops of an IPv6 route.
	known, ok := r.find(key, m.Routes)
	if !ok {
		return routeChange{certain: true}
	}
	hops := r.info(&known).hops
	rest := slices.DeleteFunc(slices.Clone(hops), func(h netstat.Route) bool {
		r.entries.step(len(m.Routes))
		return slices.ContainsFunc(m.Routes, func(g netstat.Route) bool { return g.Gateway == h.Gateway && g.Interface == h.Interface })
	})
	switch {
	case len(rest) == len(hops):
		return routeChange{certain: true}
	case len(rest) == 0:
		r.remove(known)
		return routeChange{matched: true}
	case len(rest) == 1:
		rest[0].Weight = 0
	}
	for i := range rest {
		known.fill(&rest[i])
	}
	r.replace(known, rest)
	return routeChange{} // what the rest has in common may be another's now
}

// fill gives a next hop the fields that the key has.
func (e *routeEntry) fill(h *netstat.Route) {
	h.Destination, h.Table, h.Metric, h.TOS = e.prefix(), e.table, netstat.Known(e.metric), netstat.Known(e.tos)
}

// object returns a nexthop object that routes go through.
func (r *routes) object(id uint32) (netstat.NextHop, bool) { return objectOf(&r.through, id) }

// isThrough reports whether routes go through a nexthop object, or may by a group.
func (r *routes) isThrough(id uint32) bool { return r.objects[id] > 0 || r.grouped[id] > 0 }

// setObject takes in what a nexthop object is that no route goes through.
func (r *routes) setObject(n *netstat.NextHop, removed bool) {
	if old, ok := r.through.get(&n); ok {
		for _, member := range (*old).Group {
			count(r.grouped, member.ID, -1)
		}
	}
	if removed {
		r.through.delete(&n)
		return
	}
	for _, member := range n.Group {
		count(r.grouped, member.ID, 1)
	}
	r.through.set(n)
}

// setObjects takes in what all nexthop objects are.
func (r *routes) setObjects(objects ordered[*netstat.NextHop]) {
	r.through.take(objects)
	clear(r.grouped)
	for n := range r.through.from(nil) {
		for _, member := range (*n).Group {
			count(r.grouped, member.ID, 1)
		}
	}
}

// appendRows appends the next hops of an entry, as routes, to rows.
func (r *routes) appendRows(rows []netstat.Route, e *routeEntry) []netstat.Route {
	info := r.info(e)
	first := len(rows)
	if len(info.hops) == 1 && info.hops[0].NextHopID == 0 && info.received.IsZero() { // as most are
		rows = append(rows, info.hops[0])
		e.fill(&rows[first])
		return rows
	}
	if info.hops[0].IsUnresolved() {
		rows = info.hops[0].Through(r.object, rows)
	} else {
		rows = append(rows, info.hops...)
		if info.dependsOnObject() {
			r.weigh(rows[first:])
		}
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

// dependsOnObject reports whether the next hops are not all that the route is: the
// rest is in its nexthop object.
func (i *routeInfo) dependsOnObject() bool {
	return i.hops[0].IsUnresolved() || i.hops[0].NextHopID != 0 && len(i.hops) > 1
}

// weigh takes the weights of next hops from their nexthop object: messages of routes
// have the lower 8 bits of them only (struct rtnexthop), the object all 16.
func (r *routes) weigh(rows []netstat.Route) {
	object, _ := r.object(rows[0].NextHopID)
	if len(object.Group) != len(rows) {
		return // one of the two has changed, and the other is not known yet
	}
	for i := range rows {
		rows[i].Weight = object.Group[i].Weight
	}
}

// bytes estimates the memory that the routes take.
func (r *routes) bytes() int {
	return r.entries.capacity()*(int(unsafe.Sizeof(routeEntry{}))+4/markEvery) + r.numbered.capacity()*int(unsafe.Sizeof(uintptr(0))) + r.size
}
