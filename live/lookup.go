package live

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Flow is what a route is looked up for: something that this host sends, or that comes to
// it by an interface and may be forwarded.
type Flow struct {
	Destination netip.Addr
	Source      netip.Addr // the zero Addr: none chosen yet
	TOS         uint8      // the field of IPv4, or the traffic class of IPv6
	FlowLabel   uint32     // of IPv6
	Mark        uint32
	UID         uint32 // of the user who sends
	// Interface is the index of the device that the socket is bound to, or 0. What comes in is
	// bound to none.
	Interface uint32
	// InputInterface is the index of the device that it comes in by; 0 for what this host
	// sends.
	InputInterface uint32

	// Protocol is the transport protocol, 0 for none yet, and the ports are 0 where it has
	// none. Rules may look at them.
	Protocol                    netstat.IPProtocol
	SourcePort, DestinationPort uint16
}

// ErrUnknownRule says that a rule would decide of which Rule or Flow does not tell
// enough.
var ErrUnknownRule = errors.New("whether a rule applies is not known")

// Lookup returns the route that the kernel would take for a flow:
// the rules in their order, and in each table the longest prefix and then the
// lowest metric. It returns the next hops that serve the flow, of which the kernel
// chooses one for each flow; a single Route with only its Type for a rule that
// decides by itself; and nothing where there is no route. Destinations that are
// unreachable by a route or rule are found, and Type says so.
//
// What is sent by IPv4 to 0.0.0.0 goes to this host, to 255.255.255.255 and to
// multicast groups without a route of their own it goes by the device of the route
// that is found and by no gateway, and what is bound to a device and has no route
// is on its link.
//
// Of what comes in Lookup tells how it is routed, not whether it may be: a host that does
// not forward, or to which an address looks wrong (rp_filter, route_localnet), drops it. What comes in for
// a multicast group is not routed by tables, and what comes for no address not at all: nothing is found.
//
// It needs routes, and rules where they are not the kernel's own. Rules by
// tunnels do not apply to a Flow, and those for VRFs (l3mdev) are
// passed over. The error matches ErrUnknownRule where a rule would decide that has
// an attribute which is not known (Rule.Unknown), or that passes over routes by
// interface groups. A Flow with both Interface and InputInterface is an error that matches
// nothing.
func (v *Snapshot) Lookup(f Flow) ([]netstat.Route, error) { return v.AppendLookup(nil, f) }

// AppendLookup appends to rows what Lookup returns. Where they have room for that, nothing is allocated, but
// for routes by nexthop objects. Errors are those of Lookup.
func (v *Snapshot) AppendLookup(rows []netstat.Route, f Flow) ([]netstat.Route, error) {
	if !f.Destination.IsValid() || !v.kinds.Has(netstat.KindRoute) {
		return rows, nil
	}
	f.Destination = zoneless(f.Destination.Unmap())
	if f.Source.IsValid() {
		f.Source = zoneless(f.Source.Unmap())
	}
	if f.InputInterface != 0 {
		if f.Interface != 0 {
			return rows, fmt.Errorf("what comes in by device %d is not bound to device %d", f.InputInterface, f.Interface)
		}
		f.UID = 0 // it is nobody's yet
	}
	switch {
	case f.InputInterface != 0:
		return v.lookupInput(rows, &f)
	case f.Destination.Is4():
		return v.lookupIPv4(rows, &f)
	}
	rows, _, err := v.lookup(rows, &f)
	return rows, err
}

// lookupInput does what net/ipv4/route.c and net/ipv6/route.c do for what comes in
// (ip_route_input_slow, ip6_route_input_lookup).
func (v *Snapshot) lookupInput(rows []netstat.Route, f *Flow) ([]netstat.Route, error) {
	switch {
	case f.Destination == limitedBroadcast:
		return append(rows, netstat.Route{Destination: netip.PrefixFrom(f.Destination, 32), Interface: f.InputInterface, Type: netstat.RouteBroadcast, Scope: netstat.Known(netstat.ScopeLink)}), nil
	case f.Destination.IsMulticast(), f.Destination.IsUnspecified():
		return rows, nil
	case f.Destination.Is6() && (f.Destination.IsLinkLocalUnicast() || f.Destination.IsLoopback()): // rt6_need_strict
		f.Interface = f.InputInterface
	}
	rows, _, err := v.lookup(rows, f)
	return rows, err
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// lookupIPv4 does what net/ipv4/route.c does around the tables
// (ip_route_output_key_hash_rcu, __mkroute_output).
func (v *Snapshot) lookupIPv4(rows []netstat.Route, f *Flow) ([]netstat.Route, error) {
	kind := netstat.RouteUnicast
	switch {
	case f.Destination == limitedBroadcast:
		kind = netstat.RouteBroadcast
	case f.Destination.IsMulticast():
		kind = netstat.RouteMulticast
	}
	onLink := func(rows []netstat.Route, device uint32) []netstat.Route {
		return append(rows, netstat.Route{Destination: netip.PrefixFrom(f.Destination, 32), Interface: device, Type: kind, Scope: netstat.Known(netstat.ScopeLink)})
	}
	if kind != netstat.RouteUnicast && f.Source.IsValid() && f.Interface == 0 {
		// It goes by the device that has the address.
		d := v.state.routes.descend(prefixKey(netip.PrefixFrom(f.Source, 32)))
		local, _ := v.lookupTable(&d, netstat.TableLocal, &Flow{Destination: f.Source})
		if local == nil || v.typeOf(local) != netstat.RouteLocal {
			return rows, nil
		}
		return onLink(rows, v.state.routes.info(local).hops[0].Interface), nil
	}
	if f.Interface != 0 {
		if l := v.state.link(f.Interface); l == nil || !l.Up().Or(false) {
			return rows, nil
		}
		if kind == netstat.RouteBroadcast || f.Destination.IsLinkLocalMulticast() {
			return onLink(rows, f.Interface), nil
		}
	}
	if f.Destination.IsUnspecified() {
		self := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if f.Source.IsValid() {
			self = f.Source
		}
		const loopback = 1
		return append(rows, netstat.Route{Destination: netip.PrefixFrom(self, 32), Interface: loopback, Type: netstat.RouteLocal, Scope: netstat.Known(netstat.ScopeHost)}), nil
	}
	first := len(rows)
	rows, bits, err := v.lookup(rows, f)
	switch refused := len(rows) == first || refuses(rows[first].Type); {
	case err != nil:
		return rows, err
	case refused && f.Interface != 0:
		rows = onLink(rows[:first], f.Interface)
	case refused:
		return rows, nil
	case rows[first].Type == netstat.RouteLocal:
		return rows, nil
	}
	const multicastBits = 4
	if kind == netstat.RouteUnicast {
		return rows, nil
	}
	for i := first; i < len(rows); i++ {
		rows[i].Type = kind
		if kind == netstat.RouteBroadcast || bits < multicastBits {
			rows[i].Gateway = netip.Addr{}
		}
	}
	return rows, nil
}

// refuses reports whether a route says that there is no way.
func refuses(t netstat.RouteType) bool {
	return t == netstat.RouteBlackhole || t == netstat.RouteUnreachable || t == netstat.RouteProhibit
}

// lookup looks into the tables as the rules say. bits is the length of the prefix
// found.
func (v *Snapshot) lookup(rows []netstat.Route, f *Flow) (_ []netstat.Route, bits int, err error) {
	family := netstat.IPv4
	if f.Destination.Is6() {
		family = netstat.IPv6
	}
	d := v.state.routes.descend(prefixKey(netip.PrefixFrom(f.Destination, f.Destination.BitLen())))
	if !v.kinds.Has(netstat.KindRule) {
		for _, table := range [...]uint32{netstat.TableLocal, netstat.TableMain, netstat.TableDefault} {
			if found, throw := v.lookupTable(&d, table, f); found != nil && !throw {
				return v.appendServing(rows, found, f), int(found.bits), nil
			}
		}
		return rows, 0, nil
	}
	var goTo *uint32
	rules := &v.state.rules.rows
	for p := rules.search(place{}, rules.end(), func(r *ruleRow) bool { return r.rule.Family < family }); p != rules.end(); p = rules.after(p) {
		row := rules.at(p)
		r := row.rule
		if r.Family != family {
			break
		}
		if row.forAll && goTo == nil { // as most are
			if found, throw := v.lookupTable(&d, r.Table, f); found != nil && !throw {
				return v.appendServing(rows, found, f), int(found.bits), nil
			}
			continue
		}
		if goTo != nil && r.Priority < *goTo {
			continue
		}
		goTo = nil
		applies := v.matches(r, f)
		if r.Unknown && applies != (r.Flags&netstat.RuleInvert != 0) {
			return rows, 0, unknownRule(r)
		}
		if !applies {
			continue
		}
		switch r.Action {
		case netstat.RuleTable:
			if r.L3MasterDevice {
				continue
			}
			found, throw := v.lookupTable(&d, r.Table, f)
			if found == nil || throw {
				continue
			}
			// Nothing is suppressed of what refuses (net/core/fib_rules.c,
			// fib_rules_lookup).
			if !refuses(v.typeOf(found)) {
				if length, ok := r.SuppressPrefixLength.Get(); ok && uint32(found.bits) <= length {
					continue
				}
				if r.SuppressGroup.IsKnown() {
					return rows, 0, unknownRule(r)
				}
			}
			return v.appendServing(rows, found, f), int(found.bits), nil
		case netstat.RuleGoto:
			if r.Flags&netstat.RuleUnresolved == 0 {
				goTo = &r.Goto
			}
		case netstat.RuleBlackhole:
			return append(rows, netstat.Route{Type: netstat.RouteBlackhole}), 0, nil
		case netstat.RuleUnreachable:
			return append(rows, netstat.Route{Type: netstat.RouteUnreachable}), 0, nil
		case netstat.RuleProhibit:
			return append(rows, netstat.Route{Type: netstat.RouteProhibit}), 0, nil
		}
	}
	return rows, 0, nil
}

func unknownRule(r *netstat.Rule) error {
	return fmt.Errorf("%w: one of %v with priority %d", ErrUnknownRule, r.Family, r.Priority)
}

// matches reports whether the rule is for the flow (net/core/fib_rules.c,
// fib_rule_match, and those of both families), as far as its attributes are known.
func (v *Snapshot) matches(r *netstat.Rule, f *Flow) bool {
	source := f.Source
	if !source.IsValid() && f.Destination.Is4() {
		source = netip.IPv4Unspecified()
	}
	within := func(p netip.Prefix, a netip.Addr) bool {
		return !p.IsValid() || p.Bits() == 0 || p.Contains(a)
	}
	tos := f.TOS & legacyTOS
	if f.Destination.Is6() {
		tos = f.TOS & trafficClass
	}
	uids, limited := r.UIDs.Get()
	inRange := func(p netstat.PortRange, port uint16) bool {
		return p == netstat.PortRange{} || p.First <= port && port <= p.Last
	}
	matched := (r.InputInterface == "" || f.InputInterface == 0 && r.InputInterface == "lo" || v.isNamed(f.InputInterface, r.InputInterface)) &&
		(r.OutputInterface == "" || v.isNamed(f.Interface, r.OutputInterface)) &&
		(r.Mark^f.Mark)&r.Mask == 0 && (r.FlowLabel^f.FlowLabel)&r.FlowLabelMask == 0 &&
		r.TunnelID == 0 && (r.IPProtocol == 0 || r.IPProtocol == uint8(f.Protocol)) &&
		inRange(r.SourcePorts, f.SourcePort) && inRange(r.DestinationPorts, f.DestinationPort) &&
		(r.TOS == 0 || r.TOS == tos) && (f.TOS>>2^r.DSCP)&r.DSCPMask == 0 &&
		(!limited || uids.First <= f.UID && f.UID <= uids.Last) &&
		within(r.Destination, f.Destination) && within(r.Source, source)
	return matched != (r.Flags&netstat.RuleInvert != 0)
}

// What routes and rules by TOS look at of it (include/net/inet_dscp.h).
const (
	legacyTOS    = 0x1c
	trafficClass = 0xfc
)

func (v *Snapshot) isNamed(index uint32, name string) bool {
	l := v.state.link(index)
	return l != nil && l.Name == name
}

// lookupTable returns the best route of one table. throw says that it ends the
// search in this table.
func (v *Snapshot) lookupTable(d *descent, table uint32, f *Flow) (best *routeEntry, throw bool) {
	if f.Destination.Is4() {
		best = v.lookupIPv4Table(d, table, f)
	} else {
		best = v.lookupIPv6Table(d, table, f)
	}
	return best, best != nil && v.typeOf(best) == netstat.RouteThrow
}

// lookupIPv4Table does what fib_table_lookup does (net/ipv4/fib_trie.c).
func (v *Snapshot) lookupIPv4Table(d *descent, table uint32, f *Flow) *routeEntry {
	d.begin(table)
	tos := f.TOS & legacyTOS
	left := false
	var leftAddress uint64
	for bits := d.next(32); bits >= 0; bits = d.next(bits - 1) {
		key := d.address
		key.mask(bits)
		key.table = table
		if left && leftAddress == key.high {
			continue
		}
		var leave bool
		if e := d.alone(); e != nil { // as most are
			if e.tos != 0 && e.tos != tos {
				continue
			}
			var serves bool
			if serves, leave = v.judge(e, f); serves {
				return e
			}
		} else {
			// Those for a TOS come before those for any.
			key.tos = tos
			var e *routeEntry
			if e, leave = v.bestIPv4(&key, f); e == nil && !leave && tos != 0 {
				key.tos = 0
				e, leave = v.bestIPv4(&key, f)
			}
			if e != nil {
				return e
			}
		}
		if leave {
			left, leftAddress = true, key.high
		}
	}
	return nil
}

// bestIPv4 returns the first of the routes to one destination, with one TOS, that
// serves. leave says that the kernel leaves all with the destination's address
// since one by a nexthop object does not.
func (v *Snapshot) bestIPv4(key *routeEntry, f *Flow) (best *routeEntry, leave bool) {
	routes := &v.state.routes
	for p := routes.lowerBound(*key); p != routes.entries.end(); p = routes.entries.after(p) {
		e := routes.entries.at(p)
		if e.high != key.high || e.bits != key.bits || e.table != key.table || e.tos != key.tos || e.family != key.family {
			break
		}
		switch serves, leave := v.judge(e, f); {
		case serves:
			return e, false
		case leave:
			return nil, true
		}
	}
	return nil, false
}

// judge reports whether an IPv4 route serves a flow, or else whether the kernel leaves all with its
// destination's address.
func (v *Snapshot) judge(e *routeEntry, f *Flow) (serves, leave bool) {
	first := &v.state.routes.info(e).hops[0]
	if first.Type == netstat.RouteThrow || refuses(first.Type) || v.serves(e, f) {
		return true, false
	}
	return false, first.NextHopID != 0
}

func (v *Snapshot) lookupIPv6Table(d *descent, table uint32, f *Flow) *routeEntry {
	routes := &v.state.routes
	d.begin(table)
	// The kernel looks for a destination whose routes are for the source, and
	// for that passes over those for any source where others have a prefix of
	// one; it does not when it comes back from a destination whose routes do
	// not serve (net/ipv6/ip6_fib.c, fib6_node_lookup_1, and route.c,
	// fib6_backtrack).
	descended := false
	for bits := d.next(128); bits >= 0; bits = d.next(bits - 1) {
		key := d.address
		key.mask(bits)
		key.table = table
		if routes.sourced > 0 {
			key.sourced = 1
			best, there, matching := v.bestIPv6(&key, f)
			if best != nil {
				return best
			}
			if there && !matching && !descended {
				continue
			}
			descended = descended || matching
			key.sourced = 0
		}
		best, there, _ := v.bestIPv6(&key, f)
		if best != nil {
			return best
		}
		descended = descended || there
	}
	return nil
}

// bestIPv6 returns the best of the routes to one destination, all for any source
// or all for a source prefix: of those for the longest source prefix the one that
// find_rr_leaf finds (net/ipv6/route.c). there says that there are such routes,
// and matching that one is for the flow's source.
func (v *Snapshot) bestIPv6(key *routeEntry, f *Flow) (best *routeEntry, there, matching bool) {
	routes := &v.state.routes
	longest := -1
	var least uint32 // metric of the routes for that source prefix
	for p := routes.lowerBound(*key); p != routes.entries.end(); p = routes.entries.after(p) {
		e := routes.entries.at(p)
		if e.high != key.high || e.low != key.low || e.bits != key.bits || e.sourced != key.sourced || e.table != key.table || e.family != key.family {
			break
		}
		there = true
		bits := 0
		if e.sourced != 0 {
			source := sourceOf(routes.info(e).hops)
			if !f.Source.IsValid() || !source.Contains(f.Source) {
				continue
			}
			bits = source.Bits()
		}
		matching = true
		if bits < longest || !v.serves(e, f) {
			continue
		}
		if bits > longest {
			best, longest, least = e, bits, v.leastMetric(e)
			continue
		}
		// Those with the least metric come first, of them or of the others
		// those that are preferred, and then the first.
		if best.metric != e.metric && best.metric == least {
			continue
		}
		a, b := v.score(e, f), v.score(best, f)
		if a > b || a == b && e.metric == best.metric && e.seq < best.seq {
			best = e
		}
	}
	return best, there, matching
}

// leastMetric returns the metric of the first of the routes with the destination
// and source prefix of one.
func (v *Snapshot) leastMetric(e *routeEntry) uint32 {
	routes := &v.state.routes
	source := sourceOf(routes.info(e).hops)
	key := *e
	key.metric, key.tos, key.apart, key.seq = 0, 0, 0, 0
	for p := routes.lowerBound(key); p != routes.entries.end(); p = routes.entries.after(p) {
		if other := routes.entries.at(p); sourceOf(routes.info(other).hops) == source {
			return other.metric
		}
	}
	return e.metric
}

// score is by what one of the routes with one metric comes before another: one by a nexthop object that
// discards before all, then the preference of its router, and then whether it leads back to
// where a flow comes from (net/ipv6/route.c, __find_rr_leaf, rt6_score_route).
func (v *Snapshot) score(e *routeEntry, f *Flow) int {
	if first := &v.state.routes.info(e).hops[0]; first.Type == netstat.RouteBlackhole && first.NextHopID != 0 {
		return math.MaxInt
	}
	score := 2 * int(v.preference(e))
	if f.InputInterface != 0 && v.serves(e, &Flow{Interface: f.InputInterface}) {
		score++
	}
	return score
}

// preference is that of a router (RFC 4191): what is reserved counts as medium.
func (v *Snapshot) preference(e *routeEntry) netstat.RouterPreference {
	if o := v.state.routes.info(e).hops[0].Options; o != nil && o.Preference != netstat.PreferenceReserved {
		return o.Preference
	}
	return netstat.PreferenceMedium
}

// serves reports whether the route serves the flow: it has a next hop that is not
// dead, by the device asked for, or it is by a nexthop object that discards.
func (v *Snapshot) serves(e *routeEntry, f *Flow) bool {
	hops := v.state.routes.info(e).hops
	if hops[0].IsUnresolved() {
		hops = hops[0].Through(v.state.routes.object, nil)
	}
	if hops[0].Type == netstat.RouteBlackhole && hops[0].NextHopID != 0 {
		return true
	}
	for i := range hops {
		if serves(&hops[i], f) {
			return true
		}
	}
	return false
}

func serves(r *netstat.Route, f *Flow) bool {
	return r.Flags&netstat.NextHopDead == 0 && (f.Interface == 0 || r.Interface == 0 || r.Interface == f.Interface)
}

// appendServing appends the next hops of a route that serve the flow; all of them where
// it refuses. Of a nexthop object the kernel chooses for IPv6 whatever the device
// (net/ipv6/route.c, fib6_select_path).
func (v *Snapshot) appendServing(rows []netstat.Route, e *routeEntry, f *Flow) []netstat.Route {
	first := len(rows)
	rows = v.state.routes.appendRows(rows, e)
	if refuses(rows[first].Type) {
		return rows
	}
	chosen := *f
	if e.family == 1 && rows[first].NextHopID != 0 {
		chosen.Interface = 0
	}
	kept := rows[:first]
	for i := first; i < len(rows); i++ {
		if serves(&rows[i], &chosen) {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

func (v *Snapshot) typeOf(e *routeEntry) netstat.RouteType {
	return v.state.routes.info(e).hops[0].Type
}

// mask leaves the first bits of the address.
func (e *routeEntry) mask(bits int) {
	e.bits = uint8(bits)
	if bits >= 64 {
		if e.family == 1 {
			e.low &= ^uint64(0) << (128 - bits)
		}
		return
	}
	e.high &= ^(^uint64(0) >> bits)
	e.low = 0
}
