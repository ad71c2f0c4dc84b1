package live

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// kinds are the kinds that a stack keeps current, in the order of their bits.
var kinds = []*kind{
	links.declare(), addresses.declare(), &routeKind, neighbours.declare(), &ruleKind, nextHops.declare(), netconfs.declare(), multicastGroups.declare(),
}

var addresses = rowKind[netstat.Address]{
	kind:    kind{is: netstat.KindAddress},
	row:     func(m *collectors.Message) *netstat.Address { return &m.Address },
	compare: compareAddresses,
	same:    sameAddress,
	of: func(s *state, index uint32) []*netstat.Address {
		return run(rowsOf[netstat.Address](s, netstat.KindAddress), &netstat.Address{Interface: index},
			func(a *netstat.Address) bool { return a.Interface != index })
	},
}

var neighbours = rowKind[netstat.Neighbour]{
	kind:      kind{is: netstat.KindNeighbour},
	row:       func(m *collectors.Message) *netstat.Neighbour { return &m.Neighbour },
	compare:   compareNeighbours,
	same:      sameNeighbour,
	by:        []rowOrder[netstat.Neighbour]{{compare: comparePorts, has: isForwarding}},
	hasEvents: hasEvents,
	of:        neighboursOf,
}

var nextHops = rowKind[netstat.NextHop]{
	kind: kind{is: netstat.KindNextHop, heard: hearNextHop,
		take: func(s, from *state) { s.nexthopsBy = from.nexthopsBy }},
	row:     func(m *collectors.Message) *netstat.NextHop { return &m.NextHop },
	compare: compareNextHops,
	same:    sameNextHop,
	changed: func(u *update, old, now *netstat.NextHop) {
		if old != nil {
			count(u.state.nexthopsBy, old.Interface, -1)
		}
		if now != nil {
			count(u.state.nexthopsBy, now.Interface, 1)
		}
	},
}

var netconfs = rowKind[netstat.Netconf]{
	kind: kind{is: netstat.KindNetconf, date: dateProtocols,
		take: func(s, from *state) { s.protocols = from.protocols }},
	row: func(m *collectors.Message) *netstat.Netconf { return &m.Netconf },
	compare: func(a, b *netstat.Netconf) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Family, b.Family))
	},
	same: func(a, b *netstat.Netconf) bool { return *a == *b },
	complete: func(_ *update, old, row *netstat.Netconf) {
		if old != nil {
			*row = mergeNetconf(*old, *row)
		}
	},
	changed: func(u *update, old, now *netstat.Netconf) { u.state.protocols.note(old, now, u.now) },
	of: func(s *state, index uint32) []*netstat.Netconf {
		return run(rowsOf[netstat.Netconf](s, netstat.KindNetconf), &netstat.Netconf{Interface: int32(index)},
			func(n *netstat.Netconf) bool { return n.Interface != int32(index) })
	},
}

var multicastGroups = rowKind[netstat.MulticastGroup]{
	// Kernels before Linux 6.15 do not tell of groups. A dump may miss some when
	// others change meanwhile.
	kind: kind{is: netstat.KindMulticast, probed: true, doubtful: true},
	row:  func(m *collectors.Message) *netstat.MulticastGroup { return &m.Multicast },
	compare: func(a, b *netstat.MulticastGroup) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), a.Group.Compare(b.Group))
	},
	same: func(a, b *netstat.MulticastGroup) bool { return *a == *b },
	of: func(s *state, index uint32) []*netstat.MulticastGroup {
		return run(rowsOf[netstat.MulticastGroup](s, netstat.KindMulticast), &netstat.MulticastGroup{Interface: index},
			func(g *netstat.MulticastGroup) bool { return g.Interface != index })
	},
}

func compareNextHops(a, b *netstat.NextHop) int { return cmp.Compare(a.ID, b.ID) }

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

// byPort is the order of bridges' forwarding entries by port.
const byPort = 1

func comparePorts(a, b *netstat.Neighbour) int {
	if c := cmp.Compare(a.Interface, b.Interface); c != 0 {
		return c
	}
	return compareNeighbours(a, b)
}

// isForwarding reports whether a neighbour is a bridge's forwarding entry, which
// stands by bridge and address among the neighbours.
func isForwarding(n *netstat.Neighbour) bool {
	return n.Family == netstat.Bridge && n.Flags&netstat.NeighbourSelf == 0
}

// forwardsTo reports whether a bridge has forwarding entries by a port, or for itself.
func (s *state) forwardsTo(index uint32) bool {
	first := firstForwarding(index)
	for n := range rowsBy[netstat.Neighbour](s, netstat.KindNeighbour, byPort).from(&first) {
		return (*n).Interface == index
	}
	return false
}

// firstForwarding returns what no forwarding entry by a port stands before.
func firstForwarding(index uint32) *netstat.Neighbour {
	return &netstat.Neighbour{Family: netstat.Bridge, Interface: index}
}

// neighboursOf returns the neighbours by a link, and the forwarding entries that are
// its own or by it as a port.
func neighboursOf(s *state, index uint32) (all []*netstat.Neighbour) {
	other := func(n *netstat.Neighbour) bool { return n.Interface != index }
	rows := rowsOf[netstat.Neighbour](s, netstat.KindNeighbour)
	for _, family := range [...]netstat.Family{netstat.IPv4, netstat.IPv6} {
		all = append(all, run(rows, &netstat.Neighbour{Family: family, Interface: index},
			func(n *netstat.Neighbour) bool { return other(n) || n.Family != family })...)
	}
	all = append(all, run(rows, &netstat.Neighbour{Family: netstat.Bridge, Flags: netstat.NeighbourSelf, Interface: index}, other)...)
	return append(all, run(rowsBy[netstat.Neighbour](s, netstat.KindNeighbour, byPort), firstForwarding(index), other)...)
}

// hearNextHop takes in, for the routes, that a nexthop object changed.
func hearNextHop(u *update, m *collectors.Message) {
	object := m.NextHop
	u.followObject(&object, m.Removed)
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
