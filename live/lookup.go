package live

import (
	"net/netip"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Flow is what a route is looked up for: something that this host sends.
type Flow struct {
	Destination netip.Addr
	Source      netip.Addr // the zero Addr: none chosen yet
	TOS         uint8
	Mark        uint32
	UID         uint32 // of the user who sends
	// Interface is the index of the device that the socket is bound to, or 0.
	Interface uint32
}

// Lookup returns the route that the kernel would take for what this host sends:
// the rules in their order, and in each table the longest prefix and then the
// lowest metric. It returns the next hops that are not dead, of which the kernel
// chooses one for each flow; a single Route with only its Type for a rule that
// decides by itself; and false where there is no route. Destinations that are
// unreachable by a route or rule are found, and Type says so. IPv4 that is bound
// to a device and has no route is on its link.
//
// It needs routes, and rules where they are not the kernel's own. Rules for VRFs
// (l3mdev) and for interface groups are passed over.
func (v *Snapshot) Lookup(f Flow) ([]netstat.Route, bool) {
	if !f.Destination.IsValid() || !v.kinds.Has(netstat.KindRoute) {
		return nil, false
	}
	f.Destination = zoneless(f.Destination.Unmap())
	found, ok := v.lookup(f)
	if refused := !ok || refuses(found[0].Type); refused && f.Interface != 0 && f.Destination.Is4() {
		// What a socket that is bound to a device sends goes there all the same
		// (net/ipv4/route.c, ip_route_output_key_hash_rcu).
		return []netstat.Route{{
			Destination: netip.PrefixFrom(f.Destination, 32), Interface: f.Interface,
			Type: netstat.RouteUnicast, Scope: netstat.ScopeLink,
		}}, true
	}
	return found, ok
}

// refuses reports whether a route says that there is no way.
func refuses(t netstat.RouteType) bool {
	return t == netstat.RouteBlackhole || t == netstat.RouteUnreachable || t == netstat.RouteProhibit
}

// lookup does what Lookup does, but for what goes by a device all the same.
func (v *Snapshot) lookup(f Flow) ([]netstat.Route, bool) {
	family := netstat.IPv4
	if f.Destination.Is6() {
		family = netstat.IPv6
	}
	if !v.kinds.Has(netstat.KindRule) {
		for _, table := range [...]uint32{netstat.TableLocal, netstat.TableMain, netstat.TableDefault} {
			if found, throw := v.lookupTable(table, &f); found != nil && !throw {
				return v.alive(found), true
			}
		}
		return nil, false
	}
	var goTo *uint32
	for row := range v.state.rules.rows.from(&ruleRow{&netstat.Rule{Family: family}, 0}) {
		r := row.rule
		switch {
		case r.Family != family:
			return nil, false
		case goTo != nil && r.Priority < *goTo:
			continue
		case !v.matches(r, &f):
			goTo = nil
			continue
		}
		goTo = nil
		switch r.Action {
		case netstat.RuleTable:
			if r.L3MasterDevice {
				continue
			}
			found, throw := v.lookupTable(r.Table, &f)
			if found == nil || throw {
				continue
			}
			if length, ok := r.SuppressPrefixLength.Get(); ok && uint32(found.bits) <= length {
				continue
			}
			return v.alive(found), true
		case netstat.RuleGoto:
			if r.Flags&netstat.RuleUnresolved == 0 {
				goTo = &r.Goto
			}
		case netstat.RuleBlackhole:
			return []netstat.Route{{Type: netstat.RouteBlackhole}}, true
		case netstat.RuleUnreachable:
			return []netstat.Route{{Type: netstat.RouteUnreachable}}, true
		case netstat.RuleProhibit:
			return []netstat.Route{{Type: netstat.RouteProhibit}}, true
		}
	}
	return nil, false
}

// matches reports whether the rule is for the flow (net/core/fib_rules.c,
// fib_rule_match, and those of both families).
func (v *Snapshot) matches(r *netstat.Rule, f *Flow) bool {
	source := f.Source
	if !source.IsValid() && f.Destination.Is4() {
		source = netip.IPv4Unspecified()
	}
	within := func(p netip.Prefix, a netip.Addr) bool {
		return !p.IsValid() || p.Bits() == 0 || p.Contains(zoneless(a))
	}
	uids, limited := r.UIDs.Get()
	matched := (r.InputInterface == "" || r.InputInterface == "lo") &&
		(r.OutputInterface == "" || v.isNamed(f.Interface, r.OutputInterface)) &&
		(r.Mark^f.Mark)&r.Mask == 0 &&
		r.TunnelID == 0 && r.IPProtocol == 0 && r.SourcePorts == netstat.PortRange{} && r.DestinationPorts == netstat.PortRange{} &&
		(r.TOS == 0 || r.TOS == f.TOS) && (f.TOS>>2^r.DSCP)&r.DSCPMask == 0 &&
		(!limited || uids.First <= f.UID && f.UID <= uids.Last) &&
		within(r.Destination, f.Destination) && within(r.Source, source)
	return matched != (r.Flags&netstat.RuleInvert != 0)
}

func (v *Snapshot) isNamed(index uint32, name string) bool {
	l := v.state.link(index)
	return l != nil && l.Name == name
}

// lookupTable returns the best route of one table. throw says that it ends the
// search in this table.
func (v *Snapshot) lookupTable(table uint32, f *Flow) (best *routeEntry, throw bool) {
	routes := &v.state.routes
	address := prefixKey(netip.PrefixFrom(f.Destination, f.Destination.BitLen()))
	lengths := &routes.lengths[address.family]
	// The kernel looks for a destination whose routes are for the source, and
	// for that passes over those for any source where others have a prefix of
	// one; it does not when it comes back from a destination whose routes do
	// not serve (net/ipv6/ip6_fib.c, fib6_node_lookup_1, and route.c,
	// fib6_backtrack).
	descended := false
	for bits := f.Destination.BitLen(); bits >= 0; bits-- {
		if lengths[bits] == 0 {
			continue
		}
		key := address
		key.mask(bits)
		key.table = table
		if routes.sourced > 0 && key.family == 1 {
			key.sourced = 1
			var there, matching bool
			if best, there, matching = v.best(&key, f); best != nil {
				return best, v.throws(best)
			}
			if there && !matching && !descended {
				continue
			}
			descended = descended || matching
			key.sourced = 0
		}
		var there bool
		if best, there, _ = v.best(&key, f); best != nil {
			return best, v.throws(best)
		}
		descended = descended || there
	}
	return nil, false
}

// best returns the best of the routes to one destination, all for any source or
// all for a source prefix: the one for the flow's TOS or else for none, for the
// longest source prefix, with the lowest metric. there says that there are such
// routes, and matching that one is for the flow's source.
func (v *Snapshot) best(key *routeEntry, f *Flow) (best *routeEntry, there, matching bool) {
	longest := -1
	for e := range v.state.routes.entries.from(key) {
		if e.high != key.high || e.low != key.low || e.bits != key.bits || e.sourced != key.sourced || e.table != key.table || e.family != key.family {
			break
		}
		there = true
		bits := 0
		if e.sourced != 0 {
			source := sourceOf(v.state.routes.info(e).hops)
			if !f.Source.IsValid() || !source.Contains(zoneless(f.Source)) {
				continue
			}
			bits = source.Bits()
		}
		matching = true
		if !v.usable(e, f) {
			continue
		}
		if e.tos != 0 {
			if e.tos == f.TOS {
				return e, true, true
			}
			continue
		}
		if bits > longest {
			best, longest = e, bits
		}
	}
	return best, there, matching
}

// usable reports whether the route serves the flow: it has a next hop that is not
// dead, by the device asked for.
func (v *Snapshot) usable(e *routeEntry, f *Flow) bool {
	for _, row := range v.state.routes.appendRows(nil, e) {
		if row.Flags&netstat.RouteDead == 0 && (f.Interface == 0 || row.Interface == 0 || row.Interface == f.Interface) {
			return true
		}
	}
	return false
}

// alive returns the next hops that are not dead.
func (v *Snapshot) alive(e *routeEntry) []netstat.Route {
	return slices.DeleteFunc(v.state.routes.appendRows(nil, e), func(r netstat.Route) bool { return r.Flags&netstat.RouteDead != 0 })
}

// throws reports whether the route sends the search on to the next rule.
func (v *Snapshot) throws(e *routeEntry) bool {
	return v.state.routes.info(e).hops[0].Type == netstat.RouteThrow
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

// Bytes estimates the memory, in bytes, that the rows of a kind take. Snapshots
// that others hold count only while they share it.
func (s *Stack) Bytes(kind netstat.Kinds) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.bytes(kind)
}
