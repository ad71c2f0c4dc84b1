package live

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Snapshot is a stack as it was at one moment. It does not change, and may be
// used concurrently. Of kinds that the stack does not track it has nothing.
type Snapshot struct {
	state *state
	kinds netstat.Kinds
}

// Version returns a number that differs between two snapshots of a Stack when
// anything of a kind does, and is greater for the later one. Of several kinds it
// is 0.
func (v *Snapshot) Version(kind netstat.Kinds) uint64 { return v.state.version(kind) }

// Count returns how many there are of a kind; of routes, each next hop counts.
func (v *Snapshot) Count(kind netstat.Kinds) int {
	if !v.kinds.Has(kind) {
		return 0
	}
	return v.state.count(kind)
}

// rows yields the rows of a kind.
func rows[T any](v *Snapshot, kind netstat.Kinds) iter.Seq[T] {
	return func(yield func(T) bool) {
		if v.kinds.Has(kind) {
			v.state.of(kind).table.(*rowTable[T]).each(yield)
		}
	}
}

// Interfaces yields the interfaces in ascending order of their indexes, without
// Counters, Multicast, Speed and Duplex, of which the kernel reports no changes.
func (v *Snapshot) Interfaces() iter.Seq[netstat.Interface] {
	return rows[netstat.Interface](v, netstat.KindInterface)
}

// InterfacesChanged returns when an interface last came or went; the zero time for
// none since the stack was opened.
func (v *Snapshot) InterfacesChanged() time.Time { return v.state.tableChanged }

// StackingChanged returns when an interface last came to stand on another, or
// ceased to, or came or went; the zero time for none since the stack was opened.
func (v *Snapshot) StackingChanged() time.Time { return v.state.stackingChanged }

// Interface returns the interface with an index.
func (v *Snapshot) Interface(index uint32) (netstat.Interface, bool) {
	if l := v.state.link(index); l != nil && v.kinds.Has(netstat.KindInterface) {
		return *l, true
	}
	return netstat.Interface{}, false
}

// InterfaceByName returns the interface with a name.
func (v *Snapshot) InterfaceByName(name string) (netstat.Interface, bool) {
	key := &netstat.Interface{Name: name}
	for l := range rowsBy[netstat.Interface](v.state, netstat.KindInterface, byName).from(&key) {
		if (*l).Name != name || !v.kinds.Has(netstat.KindInterface) {
			break
		}
		return **l, true
	}
	return netstat.Interface{}, false
}

// Addresses yields the addresses, by interface and address.
func (v *Snapshot) Addresses() iter.Seq[netstat.Address] {
	return rows[netstat.Address](v, netstat.KindAddress)
}

// Neighbours yields the neighbours of the families, of IPv4 and IPv6 where none
// is given, by family and interface. The kernel does not report entries as long as it asks
// for an address for the first time (incomplete), the state delay, and entries
// that it makes for multicast and broadcast addresses. Forwarding entries do not
// include the addresses that a device receives.
func (v *Snapshot) Neighbours(families ...netstat.Family) iter.Seq[netstat.Neighbour] {
	return func(yield func(netstat.Neighbour) bool) {
		for n := range rows[netstat.Neighbour](v, netstat.KindNeighbour) {
			if len(families) == 0 && n.Family == netstat.Bridge || len(families) > 0 && !slices.Contains(families, n.Family) {
				continue
			}
			if !yield(n) {
				return
			}
		}
	}
}

// Neighbour returns the neighbour of an interface with an IPv4 or IPv6 address.
// A link-local address may have its zone or not.
func (v *Snapshot) Neighbour(index uint32, address netip.Addr) (netstat.Neighbour, bool) {
	if !v.kinds.Has(netstat.KindNeighbour) {
		return netstat.Neighbour{}, false
	}
	key := &netstat.Neighbour{Interface: index, Family: netstat.IPv4}
	if address.Is6() {
		key.Family = netstat.IPv6
	}
	for n := range rowsOf[netstat.Neighbour](v.state, netstat.KindNeighbour).from(&key) {
		if (*n).Interface != index || (*n).Family != key.Family {
			break
		}
		if zoneless((*n).Address) == zoneless(address) {
			return **n, true
		}
	}
	return netstat.Neighbour{}, false
}

// Rules yields the rules in the order that they apply in, those of IPv4 before
// those of IPv6.
func (v *Snapshot) Rules() iter.Seq[netstat.Rule] {
	return func(yield func(netstat.Rule) bool) {
		if !v.kinds.Has(netstat.KindRule) {
			return
		}
		for r := range v.state.rules.rows.from(nil) {
			if !yield(*r.rule) {
				return
			}
		}
	}
}

// NextHops yields the nexthop objects in ascending order of their numbers.
func (v *Snapshot) NextHops() iter.Seq[netstat.NextHop] {
	return rows[netstat.NextHop](v, netstat.KindNextHop)
}

// NextHop returns the nexthop object with a number.
func (v *Snapshot) NextHop(id uint32) (netstat.NextHop, bool) {
	if !v.kinds.Has(netstat.KindNextHop) {
		return netstat.NextHop{}, false
	}
	return objectOf(v.state.nextHops(), id)
}

// Netconfs yields the settings, those for all interfaces and for new ones first.
func (v *Snapshot) Netconfs() iter.Seq[netstat.Netconf] {
	return rows[netstat.Netconf](v, netstat.KindNetconf)
}

// MulticastGroups yields the groups that interfaces are members of, by interface
// and group, IPv4's first. Stack.Memberships has their users, sources and timers.
func (v *Snapshot) MulticastGroups() iter.Seq[netstat.MulticastGroup] {
	return rows[netstat.MulticastGroup](v, netstat.KindMulticast)
}

// Routes yields the routes that q selects, one for each next hop, in the order
// of: family, destination address, prefix length, table, TOS, metric, those for a
// source prefix behind the others of their destination. Those that do not differ
// in these are in the kernel's order of IPv4, and of IPv6 by device: multipath
// routes first, those by nexthop objects last.
func (v *Snapshot) Routes(q netstat.RouteQuery) iter.Seq[netstat.Route] {
	return v.routesFrom(nil, q)
}

func (v *Snapshot) routesFrom(first *routeEntry, q netstat.RouteQuery) iter.Seq[netstat.Route] {
	return func(yield func(netstat.Route) bool) {
		if v.kinds.Has(netstat.KindRoute) {
			v.state.routes.rows(first, q)(yield)
		}
	}
}

// RoutesFrom yields what Routes does, from the first route on whose destination
// is not before the one given.
func (v *Snapshot) RoutesFrom(destination netip.Prefix, q netstat.RouteQuery) iter.Seq[netstat.Route] {
	return v.routesFrom(new(prefixKey(destination.Masked())), q)
}

// Route returns the routes to exactly that destination in a table, in every
// table for 0: by table, TOS and metric.
func (v *Snapshot) Route(destination netip.Prefix, table uint32) []netstat.Route {
	var found []netstat.Route
	for r := range v.RoutesFrom(destination, netstat.RouteQuery{}) {
		if r.Destination != destination.Masked() {
			break
		}
		if table == 0 || r.Table == table {
			found = append(found, r)
		}
	}
	return found
}
