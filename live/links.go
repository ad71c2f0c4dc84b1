package live

import (
	"cmp"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var links = rowKind[netstat.Interface]{
	kind: kind{is: netstat.KindInterface, heard: hearLink, date: dateLinks,
		take: func(s, from *state) { s.linkMoments, s.uppers = from.linkMoments, from.uppers }},
	row:     func(m *collectors.Message) *netstat.Interface { return &m.Interface },
	compare: func(a, b *netstat.Interface) int { return cmp.Compare(a.Index, b.Index) },
	same:    sameInterface,
	by: []rowOrder[netstat.Interface]{{compare: func(a, b *netstat.Interface) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
	}}},
	complete: completeLink,
	changed:  linkChanged,
}

// byName is the order of links by their names.
const byName = 1

// hearLink marks stale what follows from a link silently, and takes out what goes with
// it.
func hearLink(u *update, m *collectors.Message) {
	ifc := &m.Interface
	switch {
	case u.replay || !u.wants(netstat.KindInterface): // what it was is not known
		u.follow(ifc, nil)
		u.follow(nil, ifc)
	case m.Removed:
		u.follow(ifc, nil)
	default:
		u.follow(u.state.link(ifc.Index), ifc)
	}
	if !m.Removed {
		return
	}
	for _, t := range u.state.tables {
		if u.wants(t.is) {
			t.removeOf(u, ifc.Index)
		}
	}
}

// completeLink dates a link.
func completeLink(u *update, old, link *netstat.Interface) {
	link.Counters = netstat.InterfaceCounters{}
	link.LastChange, link.CounterDiscontinuity = lastChange(old, link, u.now), u.now
	if old != nil {
		link.CounterDiscontinuity = old.CounterDiscontinuity
	}
}

func linkChanged(u *update, old, link *netstat.Interface) {
	s := u.state
	s.note(old, link, u.now)
	if old != nil && old.Lower != old.Index {
		count(s.uppers, old.Lower, -1)
	}
	if link == nil {
		return
	}
	if link.Lower != link.Index {
		count(s.uppers, link.Lower, 1)
	}
	// The first link of a veth pair learns silently of the second.
	if peer := s.link(link.Lower); old == nil && link.Kind == "veth" && !link.LowerNetNSID.IsKnown() && peer != nil && peer.Kind == "veth" && peer.Lower == 0 {
		paired := *peer
		paired.Lower = link.Index
		s.tables[placeOf(netstat.KindInterface)].table.(*rowTable[netstat.Interface]).put(u, peer, &paired)
	}
}

// dateLinks gives the links of a dump the moments that are known of them, and dates
// what no event has told.
func dateLinks(known, dumped *state, now time.Time) {
	moments := known.linkMoments
	for l := range dumped.links().from(nil) {
		link, old := *l, known.link((*l).Index)
		if old == nil {
			link.CounterDiscontinuity = now
		} else {
			link.CounterDiscontinuity = old.CounterDiscontinuity
		}
		link.LastChange = lastChange(old, link, now)
		moments.note(old, link, now)
	}
	for l := range known.links().from(nil) {
		if dumped.link((*l).Index) == nil {
			moments.note(*l, nil, now)
		}
	}
	dumped.linkMoments = moments
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

// sameInterface passes over what the kernel reports no changes of.
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
