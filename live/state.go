package live

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// state is what is known of a stack: one table for each kind. What rows point
// to does not change.
type state struct {
	links      ordered[*netstat.Interface]
	names      ordered[*netstat.Interface] // the same by name
	addresses  ordered[*netstat.Address]
	routes     routes
	neighbours ordered[*netstat.Neighbour]
	ports      ordered[*netstat.Neighbour] // a bridge's forwarding entries, by port
	rules      rules
	nexthops   ordered[*netstat.NextHop]
	netconfs   ordered[*netstat.Netconf]
	groups     ordered[*netstat.MulticastGroup]

	linkMoments
	protocols protocolMoments

	// What rows are looked up by when links change: how many links stand on one,
	// and how many nexthop objects are by one.
	uppers     map[uint32]int
	nexthopsBy map[uint32]int
	// steps counts the rows that were looked at for changes, a search counting
	// as one.
	steps *uint64
}

// linkMoments are when links changed, as a whole; the zero time for before the
// stack was watched.
type linkMoments struct {
	tableChanged, stackingChanged time.Time
}

// note takes in that a link changed from old to link, either of which may be nil.
func (m *linkMoments) note(old, link *netstat.Interface, now time.Time) {
	switch {
	case (old == nil) != (link == nil):
		m.tableChanged, m.stackingChanged = now, now
	case old != nil && (old.Master != link.Master || old.LowerInterface() != link.LowerInterface()):
		m.stackingChanged = now
	}
}

// lastChange returns when a link entered its operational state, given what it was
// before, which may be nil.
func lastChange(old, link *netstat.Interface, now time.Time) time.Time {
	if old == nil || old.Operational() != link.Operational() {
		return now
	}
	return old.LastChange
}

func newState() *state {
	steps := new(uint64)
	return &state{
		links: newOrdered(func(a, b **netstat.Interface) int { return cmp.Compare((*a).Index, (*b).Index) }, steps),
		names: newOrdered(func(a, b **netstat.Interface) int {
			return cmp.Or(strings.Compare((*a).Name, (*b).Name), cmp.Compare((*a).Index, (*b).Index))
		}, steps),
		addresses:  newOrdered(func(a, b **netstat.Address) int { return compareAddresses(*a, *b) }, steps),
		routes:     newRoutes(steps),
		neighbours: newOrdered(func(a, b **netstat.Neighbour) int { return compareNeighbours(*a, *b) }, steps),
		ports: newOrdered(func(a, b **netstat.Neighbour) int {
			if c := cmp.Compare((*a).Interface, (*b).Interface); c != 0 {
				return c
			}
			return compareNeighbours(*a, *b)
		}, steps),
		rules:    newRules(steps),
		nexthops: newOrdered(compareNextHops, steps),
		netconfs: newOrdered(func(a, b **netstat.Netconf) int {
			return cmp.Or(cmp.Compare((*a).Interface, (*b).Interface), cmp.Compare((*a).Family, (*b).Family))
		}, steps),
		groups: newOrdered(func(a, b **netstat.MulticastGroup) int {
			return cmp.Or(cmp.Compare((*a).Interface, (*b).Interface), (*a).Group.Compare((*b).Group))
		}, steps),
		protocols:  newProtocolMoments(),
		uppers:     make(map[uint32]int),
		nexthopsBy: make(map[uint32]int),
		steps:      steps,
	}
}

func compareNextHops(a, b **netstat.NextHop) int { return cmp.Compare((*a).ID, (*b).ID) }

// objectOf returns the nexthop object with a number.
func objectOf(objects *ordered[*netstat.NextHop], id uint32) (netstat.NextHop, bool) {
	key := &netstat.NextHop{ID: id}
	n, ok := objects.get(&key)
	if !ok {
		return netstat.NextHop{}, false
	}
	return **n, true
}

// compareAddresses orders addresses by what tells them apart. An IPv6 address is
// on an interface once, an IPv4 one once for each network and peer.
func compareAddresses(a, b *netstat.Address) int {
	c := cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	if c != 0 || a.Prefix.Addr().Is6() {
		return c
	}
	return cmp.Or(cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()), a.Peer.Compare(b.Peer))
}

// compareNeighbours orders neighbours by what tells them apart. A bridge has an
// address once, which may move from port to port.
func compareNeighbours(a, b *netstat.Neighbour) int {
	if a.Family != b.Family {
		return cmp.Compare(a.Family, b.Family)
	}
	if a.Family != netstat.Bridge {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Address.Compare(b.Address))
	}
	if c := cmp.Compare(a.Flags&netstat.NeighbourSelf, b.Flags&netstat.NeighbourSelf); c != 0 {
		return c
	}
	if a.Flags&netstat.NeighbourSelf == 0 {
		return cmp.Or(cmp.Compare(a.Master, b.Master), strings.Compare(string(a.LinkAddress), string(b.LinkAddress)), cmp.Compare(a.VLAN, b.VLAN))
	}
	return cmp.Or(cmp.Compare(a.Interface, b.Interface), strings.Compare(string(a.LinkAddress), string(b.LinkAddress)), cmp.Compare(a.VLAN, b.VLAN),
		a.Address.Compare(b.Address), cmp.Compare(a.Port, b.Port), cmp.Compare(a.VNI.Or(0), b.VNI.Or(0)),
		cmp.Compare(a.SourceVNI.Or(0), b.SourceVNI.Or(0)), cmp.Compare(a.Via, b.Via), cmp.Compare(a.NextHopID, b.NextHopID))
}

// hasEvents reports whether the kernel reports changes of such a neighbour. It
// does not of the addresses that a device receives, which stand among the
// forwarding entries.
func hasEvents(n *netstat.Neighbour) bool {
	return n.Family != netstat.Bridge || n.Flags&netstat.NeighbourSelf == 0 ||
		n.Address.IsValid() || n.NextHopID != 0 || n.VNI.IsKnown() || n.SourceVNI.IsKnown()
}

// snapshot returns a copy that does not change with the state.
func (s *state) snapshot() *state {
	c := &state{
		links: s.links.snapshot(), names: s.names.snapshot(), addresses: s.addresses.snapshot(),
		neighbours: s.neighbours.snapshot(), rules: rules{rows: s.rules.rows.snapshot()},
		nexthops: s.nexthops.snapshot(), netconfs: s.netconfs.snapshot(), groups: s.groups.snapshot(),
		linkMoments: s.linkMoments, protocols: s.protocols.snapshot(),
	}
	c.routes = s.routes.snapshot()
	return c
}

// take takes the tables of the kinds over from another state.
func (s *state) take(kinds netstat.Kinds, from *state) {
	kinds.Each(func(kind netstat.Kinds) {
		switch kind {
		case netstat.KindInterface:
			s.links.take(from.links)
			s.names.take(from.names)
			s.linkMoments, s.uppers = from.linkMoments, from.uppers
		case netstat.KindAddress:
			s.addresses.take(from.addresses)
		case netstat.KindRoute:
			entries, through := s.routes.entries, s.routes.through
			entries.take(from.routes.entries)
			through.take(from.routes.through)
			s.routes = from.routes
			s.routes.entries, s.routes.through = entries, through
		case netstat.KindNeighbour:
			s.neighbours.take(from.neighbours)
			s.ports.take(from.ports)
		case netstat.KindRule:
			s.rules.take(from.rules)
		case netstat.KindNextHop:
			s.nexthops.take(from.nexthops)
			s.nexthopsBy = from.nexthopsBy
		case netstat.KindNetconf:
			s.netconfs.take(from.netconfs)
			s.protocols = from.protocols
		case netstat.KindMulticast:
			s.groups.take(from.groups)
		}
	})
	*s.steps += *from.steps
}

// version returns a number that grows whenever rows of a kind change.
func (s *state) version(kind netstat.Kinds) uint64 {
	switch kind {
	case netstat.KindInterface:
		return s.links.changes
	case netstat.KindAddress:
		return s.addresses.changes
	case netstat.KindRoute:
		// Routes by nexthop objects change with these.
		return s.routes.entries.changes + s.routes.through.changes
	case netstat.KindNeighbour:
		return s.neighbours.changes
	case netstat.KindRule:
		return s.rules.rows.changes
	case netstat.KindNextHop:
		return s.nexthops.changes
	case netstat.KindNetconf:
		return s.netconfs.changes
	case netstat.KindMulticast:
		return s.groups.changes
	}
	return 0
}

// changes returns a number that grows whenever anything changes.
func (s *state) changes() uint64 {
	return s.links.changes + s.addresses.changes + s.routes.entries.changes + s.routes.through.changes + s.neighbours.changes +
		s.rules.rows.changes + s.nexthops.changes + s.netconfs.changes + s.groups.changes
}

// count returns how many rows there are of a kind.
func (s *state) count(kind netstat.Kinds) int {
	switch kind {
	case netstat.KindInterface:
		return s.links.len()
	case netstat.KindAddress:
		return s.addresses.len()
	case netstat.KindRoute:
		return s.routes.hops
	case netstat.KindNeighbour:
		return s.neighbours.len()
	case netstat.KindRule:
		return s.rules.rows.len()
	case netstat.KindNextHop:
		return s.nexthops.len()
	case netstat.KindNetconf:
		return s.netconfs.len()
	case netstat.KindMulticast:
		return s.groups.len()
	}
	return 0
}

// bytes estimates the memory that the rows of a kind take.
func (s *state) bytes(kind netstat.Kinds) int {
	const pointer = int(unsafe.Sizeof(uintptr(0)))
	switch kind {
	case netstat.KindInterface:
		return s.links.len()*int(unsafe.Sizeof(netstat.Interface{})) + 2*s.links.capacity()*pointer
	case netstat.KindAddress:
		return s.addresses.len()*int(unsafe.Sizeof(netstat.Address{})) + s.addresses.capacity()*pointer
	case netstat.KindRoute:
		return s.routes.bytes()
	case netstat.KindNeighbour:
		return s.neighbours.len()*int(unsafe.Sizeof(netstat.Neighbour{})) + (s.neighbours.capacity()+s.ports.capacity())*pointer
	case netstat.KindRule:
		return s.rules.bytes()
	case netstat.KindNextHop:
		return s.nexthops.len()*int(unsafe.Sizeof(netstat.NextHop{})) + s.nexthops.capacity()*pointer
	case netstat.KindNetconf:
		return s.netconfs.len()*int(unsafe.Sizeof(netstat.Netconf{})) + s.netconfs.capacity()*pointer
	case netstat.KindMulticast:
		return s.groups.len()*int(unsafe.Sizeof(netstat.MulticastGroup{})) + s.groups.capacity()*pointer
	}
	return 0
}

func (s *state) link(index uint32) *netstat.Interface {
	key := &netstat.Interface{Index: index}
	if l, ok := s.links.get(&key); ok {
		return *l
	}
	return nil
}

// update is how messages change a state.
type update struct {
	state *state
	kinds netstat.Kinds // what the state keeps; others are passed over
	// replay says that the messages may be older than the state.
	replay bool
	// emit is told each change of the kinds in told.
	emit func(Event)
	told netstat.Kinds
	now  time.Time
	// stale is what the messages say must be dumped again; doubtful, what a replay
	// leaves something in that never was, or without something that is.
	stale, doubtful netstat.Kinds
	// routesTold are the keys, but for what tells routes with one key apart, that a
	// replay told of.
	routesTold map[routeEntry]struct{}

	diff routeDiff
}

func (u *update) wants(kind netstat.Kinds) bool { return u.kinds.Has(kind) }

// load takes in a row of a dump.
func (u *update) load(m *collectors.Message) {
	switch m.Kind {
	case netstat.KindRoute:
		u.state.routes.load(m.Routes)
	case netstat.KindRule:
		u.state.rules.add(&m.Rule)
	default:
		u.apply(m)
	}
}

// apply takes in an event.
func (u *update) apply(m *collectors.Message) {
	s := u.state
	switch m.Kind {
	case netstat.KindInterface:
		u.applyLink(m)
	case netstat.KindAddress:
		// Routes that preferred a removed address, or with the last one all of
		// the device's, go without events, and next hops that were dead are
		// not any more when there is an address again (net/ipv4/fib_frontend.c,
		// fib_inetaddr_event).
		if by := s.routes.devices[m.Address.Interface]; m.Removed && (by.infos > 0 || s.routes.sources[zoneless(m.Address.Prefix.Addr())] > 0) || by.dead > 0 {
			u.stale |= netstat.KindRoute
		}
		if u.wants(m.Kind) {
			applyRow(u, &s.addresses, m.Kind, m.Address, m.Removed, sameAddress)
		}
	case netstat.KindRoute:
		u.applyRoute(m)
	case netstat.KindNeighbour:
		if u.wants(m.Kind) && hasEvents(&m.Neighbour) {
			u.applyNeighbour(m)
		}
	case netstat.KindRule:
		u.applyRule(m)
	case netstat.KindNextHop:
		object := m.NextHop
		u.followObject(&object, m.Removed)
		if u.wants(m.Kind) {
			if m.Removed { // from groups without events, when it went with its link
				u.stale |= netstat.KindNextHop
			}
			if old, known := objectOf(&s.nexthops, object.ID); known {
				count(s.nexthopsBy, old.Interface, -1)
			}
			if !m.Removed {
				count(s.nexthopsBy, object.Interface, 1)
			}
			applyRow(u, &s.nexthops, m.Kind, object, m.Removed, sameNextHop)
		}
	case netstat.KindNetconf:
		u.applyNetconf(m)
	case netstat.KindMulticast:
		if u.wants(m.Kind) {
			if u.replay { // a dump may miss rows when others change meanwhile
				u.stale |= netstat.KindMulticast
				u.doubtful |= netstat.KindMulticast
			}
			applyRow(u, &s.groups, m.Kind, m.Multicast, m.Removed, func(a, b *netstat.MulticastGroup) bool { return *a == *b })
		}
	}
}

// applyRow puts a row in or takes it out of a table, and tells.
func applyRow[T any](u *update, table *ordered[*T], kind netstat.Kinds, row T, removed bool, same func(a, b *T) bool) {
	key := &row
	var was *T
	if old, known := table.get(&key); known {
		was = *old
	}
	switch {
	case removed && was == nil:
		return
	case removed:
		table.delete(&key)
	default:
		table.set(&row)
	}
	if !u.tells(kind) {
		return
	}
	switch {
	case removed:
		u.tell(kind, Removed, *was, nil)
	case was == nil:
		u.tell(kind, Added, row, nil)
	case !same(was, &row):
		u.tell(kind, Changed, row, *was)
	}
}

// tells reports whether anybody wants to know changes of a kind: telling them
// costs more than to make them.
func (u *update) tells(kind netstat.Kinds) bool { return u.told.Has(kind) }

func (u *update) tell(kind netstat.Kinds, change Change, value, old any) {
	u.emit(Event{Kind: kind, Change: change, Value: value, Old: old, Received: u.now})
}

// teller tells a change; old is nil but for Changed.
type teller func(kind netstat.Kinds, change Change, value, old any)

// followObject takes in that a nexthop object changed, for the routes: those that
// go through it are dumped, since they go with it without events.
func (u *update) followObject(n *netstat.NextHop, removed bool) {
	switch r := &u.state.routes; {
	case !u.wants(netstat.KindRoute):
	case r.isThrough(n.ID):
		u.stale |= netstat.KindRoute
	default:
		r.setObject(n, removed)
	}
}

// followObjects does the same for all nexthop objects that a dump found different.
func (u *update) followObjects(after *ordered[*netstat.NextHop]) {
	for n := range u.state.nexthops.from(nil) {
		if _, there := after.get(n); !there {
			u.followObject(*n, true)
		}
	}
	for n := range after.from(nil) {
		if old, known := u.state.nexthops.get(n); !known || !sameNextHop(*old, *n) {
			u.followObject(*n, false)
		}
	}
}

func (u *update) applyNeighbour(m *collectors.Message) {
	s, row := u.state, &m.Neighbour
	if isForwarding(row) {
		key := row
		if old, known := s.neighbours.get(&key); known {
			was := *old
			s.ports.delete(&was)
		}
	}
	applyRow(u, &s.neighbours, m.Kind, *row, m.Removed, sameNeighbour)
	if isForwarding(row) && !m.Removed {
		if now, known := s.neighbours.get(&row); known {
			s.ports.set(*now)
		}
	}
}

// isForwarding reports whether a neighbour is a bridge's forwarding entry, which
// stands by bridge and address among the neighbours.
func isForwarding(n *netstat.Neighbour) bool {
	return n.Family == netstat.Bridge && n.Flags&netstat.NeighbourSelf == 0
}

func (u *update) applyLink(m *collectors.Message) {
	s, ifc := u.state, m.Interface
	ifc.Counters = netstat.InterfaceCounters{}
	old := s.link(ifc.Index)
	switch {
	case u.replay || !u.wants(netstat.KindInterface): // what it was is not known
		u.follow(&ifc, nil)
		u.follow(nil, &ifc)
	case m.Removed:
		u.follow(&ifc, nil)
	default:
		u.follow(old, &ifc)
	}
	if m.Removed {
		u.removeOf(ifc.Index)
	}
	if !u.wants(netstat.KindInterface) {
		return
	}
	ifc.LastChange, ifc.CounterDiscontinuity = lastChange(old, &ifc, u.now), u.now
	if !m.Removed {
		s.note(old, &ifc, u.now)
	} else if old != nil {
		s.note(old, nil, u.now)
	}
	if old != nil {
		ifc.CounterDiscontinuity = old.CounterDiscontinuity
	}
	u.setLink(old, ifc, m.Removed)
	// The first link of a veth pair learns silently of the second.
	if peer := s.link(ifc.Lower); old == nil && ifc.Kind == "veth" && !ifc.LowerNetNSID.IsKnown() && peer != nil && peer.Kind == "veth" && peer.Lower == 0 {
		paired := *peer
		paired.Lower = ifc.Index
		u.setLink(peer, paired, false)
	}
}

// setLink puts a link in or takes it out, which was old, or nil.
func (u *update) setLink(old *netstat.Interface, ifc netstat.Interface, removed bool) {
	s := u.state
	if old != nil {
		s.names.delete(&old)
		if old.Lower != old.Index {
			count(s.uppers, old.Lower, -1)
		}
	}
	applyRow(u, &s.links, netstat.KindInterface, ifc, removed, sameInterface)
	if now := s.link(ifc.Index); now != nil {
		s.names.set(now)
		if now.Lower != now.Index {
			count(s.uppers, now.Lower, 1)
		}
	}
}

// follow marks stale what the kernel changes without events when a link changes
// from old to now, either of which may be nil.
func (u *update) follow(old, now *netstat.Interface) {
	s := u.state
	one := now
	if one == nil {
		one = old
	}
	const carries = netstat.FlagRunning | netstat.FlagLowerUp
	const states = netstat.FlagUp | carries
	gone, came := now == nil, old == nil
	renamed := !gone && !came && old.Name != now.Name
	moved := !gone && !came && (old.Master != now.Master || old.Address != now.Address)
	if gone || !came && (old.Flags&states != now.Flags&states || old.MTU != now.MTU || moved) {
		// Of routes and nexthop objects that go with their link, or are dead
		// without it, there are few events or none.
		if s.routes.devices[one.Index].infos > 0 {
			u.stale |= netstat.KindRoute
		}
		if s.nexthopsBy[one.Index] > 0 {
			u.stale |= netstat.KindNextHop
		}
	}
	if !gone && now.Flags&carries != 0 && s.routes.devices[one.Index].down > 0 {
		// Whatever of a link changes that carries, next hops by it are not down
		// any more (net/ipv4/fib_frontend.c, fib_netdev_event;
		// net/ipv6/addrconf.c, addrconf_notify).
		u.stale |= netstat.KindRoute
	}
	if (gone || came || renamed) && (s.rules.names[one.Name] > 0 || renamed && s.rules.names[old.Name] > 0) {
		u.stale |= netstat.KindRule // whether the rule is detached
	}
	if (gone || moved) && s.forwardsTo(one.Index) {
		// A bridge gives an address that a port had to another port, or to
		// itself, without an event (net/bridge/br_fdb.c, fdb_delete_local). Of a
		// port that goes it has told of all others before (net/bridge/br_if.c,
		// del_nbp).
		u.stale |= netstat.KindNeighbour
	}
	if !gone && now.MTU.Or(leastIPv6MTU) < leastIPv6MTU && (came || old.MTU != now.MTU) {
		// The groups go, most of them without events.
		u.stale |= netstat.KindMulticast
	}
	if gone && s.uppers[one.Index] > 0 {
		u.stale |= netstat.KindInterface
	}
}

// leastIPv6MTU is the MTU that a link must have for IPv6 to run on it (IPV6_MIN_MTU,
// net/ipv6/addrconf.c, addrconf_notify). IPv4's is less (IPV4_MIN_MTU,
// net/ipv4/devinet.c, inetdev_event).
const leastIPv6MTU = 1280

// followDump does the same for all links that a dump found different.
func (u *update) followDump(before, after *ordered[*netstat.Interface]) {
	for l := range before.from(nil) {
		if _, ok := after.get(l); !ok {
			u.follow(*l, nil)
		}
	}
	for l := range after.from(nil) {
		if old, ok := before.get(l); ok {
			u.follow(*old, *l)
		} else {
			u.follow(nil, *l)
		}
	}
}

// forwardsTo reports whether a bridge has forwarding entries by a port, or for itself.
func (s *state) forwardsTo(index uint32) bool {
	for n := range s.ports.from(firstForwarding(index)) {
		return (*n).Interface == index
	}
	return false
}

// firstForwarding returns what no forwarding entry by a port stands before.
func firstForwarding(index uint32) **netstat.Neighbour {
	first := &netstat.Neighbour{Family: netstat.Bridge, Interface: index}
	return &first
}

// removeOf takes out what a removed link had.
func (u *update) removeOf(index uint32) {
	s := u.state
	if u.wants(netstat.KindAddress) {
		first := &netstat.Address{Interface: index}
		removeRows(u, &s.addresses, &first, netstat.KindAddress,
			func(a *netstat.Address) bool { return a.Interface == index }, func(a *netstat.Address) bool { return a.Interface != index })
	}
	if u.wants(netstat.KindNeighbour) {
		for _, family := range [...]netstat.Family{netstat.IPv4, netstat.IPv6} {
			first := &netstat.Neighbour{Family: family, Interface: index}
			removeRows(u, &s.neighbours, &first, netstat.KindNeighbour,
				func(n *netstat.Neighbour) bool { return n.Interface == index },
				func(n *netstat.Neighbour) bool { return n.Interface != index || n.Family != family })
		}
		self := &netstat.Neighbour{Family: netstat.Bridge, Flags: netstat.NeighbourSelf, Interface: index}
		removeRows(u, &s.neighbours, &self, netstat.KindNeighbour,
			func(*netstat.Neighbour) bool { return true },
			func(n *netstat.Neighbour) bool { return n.Interface != index })
		var entries []*netstat.Neighbour
		for n := range s.ports.from(firstForwarding(index)) {
			if (*n).Interface != index {
				break
			}
			entries = append(entries, *n)
		}
		for _, n := range entries {
			s.ports.delete(&n)
			s.neighbours.delete(&n)
			if u.tells(netstat.KindNeighbour) {
				u.tell(netstat.KindNeighbour, Removed, *n, nil)
			}
		}
	}
	if u.wants(netstat.KindNetconf) {
		first := &netstat.Netconf{Interface: int32(index)}
		removeRows(u, &s.netconfs, &first, netstat.KindNetconf,
			func(n *netstat.Netconf) bool {
				if n.Interface == int32(index) {
					s.protocols.note(n, nil, u.now)
				}
				return n.Interface == int32(index)
			}, func(n *netstat.Netconf) bool { return n.Interface != int32(index) })
	}
	if u.wants(netstat.KindMulticast) {
		first := &netstat.MulticastGroup{Interface: index}
		removeRows(u, &s.groups, &first, netstat.KindMulticast,
			func(g *netstat.MulticastGroup) bool { return g.Interface == index }, func(g *netstat.MulticastGroup) bool { return g.Interface != index })
	}
}

// removeRows takes out these of the rows from first on, up to the first that is
// beyond.
func removeRows[T any](u *update, table *ordered[*T], first **T, kind netstat.Kinds, these, beyond func(*T) bool) {
	var gone []*T
	for row := range table.from(first) {
		if beyond(*row) {
			break
		}
		if these(*row) {
			gone = append(gone, *row)
		}
	}
	for _, row := range gone {
		table.delete(&row)
		if u.tells(kind) {
			u.tell(kind, Removed, *row, nil)
		}
	}
}

func (u *update) applyRoute(m *collectors.Message) {
	if !u.wants(netstat.KindRoute) {
		return
	}
	r := &u.state.routes
	if u.replay {
		if u.routesTold == nil {
			u.routesTold = make(map[routeEntry]struct{})
		}
		key := keyOf(m.Routes)
		key.apart = 0
		u.routesTold[key] = struct{}{}
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

func (u *update) applyRule(m *collectors.Message) {
	if !u.wants(netstat.KindRule) {
		return
	}
	if u.replay {
		// Rules may be there several times, and have an order: whether a dump
		// had this one already cannot be told.
		u.stale |= netstat.KindRule
		u.doubtful |= netstat.KindRule
	}
	rules := &u.state.rules
	switch {
	case !m.Removed && u.replay && rules.has(&m.Rule): // as it is now
	case !m.Removed:
		rules.add(&m.Rule)
		if u.tells(netstat.KindRule) {
			u.tell(netstat.KindRule, Added, m.Rule, nil)
		}
	default:
		gone, known := rules.remove(&m.Rule)
		if !known {
			if !u.replay {
				u.stale |= netstat.KindRule
			}
			return
		}
		if u.tells(netstat.KindRule) {
			u.tell(netstat.KindRule, Removed, *gone, nil)
		}
	}
	if rules.gotos > 0 { // what a goto leads to may have changed
		u.stale |= netstat.KindRule
	}
}

func (u *update) applyNetconf(m *collectors.Message) {
	if m.Netconf.IgnoreRoutesWithLinkDown.IsKnown() && u.state.routes.entries.len() > 0 {
		u.stale |= netstat.KindRoute
	}
	if !u.wants(netstat.KindNetconf) {
		return
	}
	n := m.Netconf
	if n.Interface < 0 {
		// Interfaces that were not set apart follow without an event
		// (net/ipv4/devinet.c, devinet_copy_dflt_conf).
		u.stale |= netstat.KindNetconf
	}
	key := &n
	switch old, known := u.state.netconfs.get(&key); {
	case !known && !m.Removed:
		u.state.protocols.note(nil, &n, u.now)
	case known && m.Removed:
		u.state.protocols.note(*old, nil, u.now)
	case known:
		n = mergeNetconf(**old, n)
		u.state.protocols.note(*old, &n, u.now)
	}
	applyRow(u, &u.state.netconfs, netstat.KindNetconf, n, m.Removed, func(a, b *netstat.Netconf) bool { return *a == *b })
}

// mergeNetconf returns old with what changed.
func mergeNetconf(old, changed netstat.Netconf) netstat.Netconf {
	merge(&old.Forwarding, changed.Forwarding)
	merge(&old.ReversePathFilter, changed.ReversePathFilter)
	merge(&old.MulticastForwarding, changed.MulticastForwarding)
	merge(&old.BroadcastForwarding, changed.BroadcastForwarding)
	merge(&old.ProxyNeighbours, changed.ProxyNeighbours)
	merge(&old.IgnoreRoutesWithLinkDown, changed.IgnoreRoutesWithLinkDown)
	merge(&old.ForceForwarding, changed.ForceForwarding)
	return old
}

func merge[T any](into *netstat.Optional[T], changed netstat.Optional[T]) {
	if changed.IsKnown() {
		*into = changed
	}
}

// What two readings of one thing must have in common for nobody to be told of a
// change. What passes with time does not count.

func sameInterface(a, b *netstat.Interface) bool {
	x, y := *a, *b
	x.Multicast, y.Multicast = netstat.Optional[[]netstat.HardwareAddress]{}, netstat.Optional[[]netstat.HardwareAddress]{}
	x.LastChange, y.LastChange = time.Time{}, time.Time{}
	x.CounterDiscontinuity, y.CounterDiscontinuity = time.Time{}, time.Time{}
	return interfaceFields(&x) == interfaceFields(&y)
}

// comparableInterface is an Interface that the == operator takes.
type comparableInterface struct {
	index                         uint32
	name, alias, kind, portKind   string
	hardwareType                  netstat.Optional[uint16]
	flags                         netstat.InterfaceFlags
	state                         netstat.Optional[netstat.OperState]
	carrier                       netstat.Optional[bool]
	mtu                           netstat.Optional[uint32]
	queue                         netstat.Optional[uint32]
	address, broadcast, permanent netstat.HardwareAddress
	master, lower                 uint32
	lowerNS                       netstat.Optional[int32]
	promiscuity, carrierChanges   netstat.Optional[uint32]
}

func interfaceFields(i *netstat.Interface) comparableInterface {
	return comparableInterface{
		i.Index, i.Name, i.Alias, i.Kind, i.PortKind, i.HardwareType, i.Flags, i.OperState, i.Carrier, i.MTU,
		i.TransmitQueueLength, i.Address, i.Broadcast, i.Permanent, i.Master, i.Lower, i.LowerNetNSID, i.Promiscuity, i.CarrierChanges,
	}
}

func sameAddress(a, b *netstat.Address) bool {
	x, y := *a, *b
	for _, o := range [...]*netstat.Address{&x, &y} {
		o.Updated, o.Created = time.Time{}, time.Time{}
		for _, life := range [...]*netstat.Optional[time.Duration]{&o.Preferred, &o.Valid} {
			if life.Or(netstat.Forever) != netstat.Forever {
				life.Set(0)
			}
		}
	}
	return x == y
}

func sameNeighbour(a, b *netstat.Neighbour) bool {
	x, y := *a, *b
	x.Updated, y.Updated = time.Time{}, time.Time{}
	return x == y
}

func sameNextHop(a, b *netstat.NextHop) bool {
	return slices.Equal(a.Group, b.Group) && a.ID == b.ID && a.Family == b.Family && a.Gateway == b.Gateway &&
		a.Interface == b.Interface && a.Flags == b.Flags && a.Scope == b.Scope && a.Protocol == b.Protocol &&
		a.Blackhole == b.Blackhole && a.Forwarding == b.Forwarding && a.EncapType == b.EncapType && a.Encap == b.Encap && a.Resilient == b.Resilient
}

// zoneless is an address without its zone.
func zoneless(a netip.Addr) netip.Addr { return a.WithZone("") }
