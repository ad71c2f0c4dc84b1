package live

import (
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// state is what is known of a stack.
type state struct {
	tables []kindTable // of all kinds, by placeOf
	// Two of the tables, which are of other forms than rows with an identity.
	routes routes
	rules  rules

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

// kindTable is a kind and what a state has of it.
type kindTable struct {
	*kind
	table
}

func newState() *state {
	steps := new(uint64)
	s := &state{
		routes:     newRoutes(steps),
		rules:      newRules(steps),
		protocols:  newProtocolMoments(),
		uppers:     make(map[uint32]int),
		nexthopsBy: make(map[uint32]int),
		steps:      steps,
	}
	for _, k := range kinds {
		s.tables = append(s.tables, kindTable{k, k.table(s)})
	}
	return s
}

// of returns the table of one kind, nil of several.
func (s *state) of(kind netstat.Kinds) *kindTable {
	if at := placeOf(kind); at < len(s.tables) && s.tables[at].is == kind {
		return &s.tables[at]
	}
	return nil
}

func (s *state) links() *ordered[*netstat.Interface] {
	return rowsOf[netstat.Interface](s, netstat.KindInterface)
}

func (s *state) nextHops() *ordered[*netstat.NextHop] {
	return rowsOf[netstat.NextHop](s, netstat.KindNextHop)
}

// link returns the link with an index, nil for none.
func (s *state) link(index uint32) *netstat.Interface {
	links := s.links()
	at := links.search(place{}, links.end(), func(l **netstat.Interface) bool { return (*l).Index < index })
	if at == links.end() || (*links.at(at)).Index != index {
		return nil
	}
	return *links.at(at)
}

// objectOf returns the nexthop object with a number.
func objectOf(objects *ordered[*netstat.NextHop], id uint32) (netstat.NextHop, bool) {
	at := objects.search(place{}, objects.end(), func(n **netstat.NextHop) bool { return (*n).ID < id })
	if at == objects.end() || (*objects.at(at)).ID != id {
		return netstat.NextHop{}, false
	}
	return **objects.at(at), true
}

// snapshot returns a copy that does not change with the state.
func (s *state) snapshot() *state {
	c := &state{tables: make([]kindTable, len(s.tables)), linkMoments: s.linkMoments, protocols: s.protocols.snapshot()}
	for i, t := range s.tables {
		c.tables[i] = kindTable{t.kind, t.snapshot(c)}
	}
	return c
}

// take takes the tables of the kinds over from another state.
func (s *state) take(kinds netstat.Kinds, from *state) {
	for i, t := range s.tables {
		if !kinds.Has(t.is) {
			continue
		}
		t.table.take(from.tables[i].table)
		if t.kind.take != nil {
			t.kind.take(s, from)
		}
	}
	*s.steps += *from.steps
}

// version returns a number that grows whenever rows of a kind change, 0 of several
// kinds.
func (s *state) version(kind netstat.Kinds) uint64 {
	if t := s.of(kind); t != nil {
		return t.version()
	}
	return 0
}

// count returns how many rows there are of a kind, 0 of several.
func (s *state) count(kind netstat.Kinds) int {
	if t := s.of(kind); t != nil {
		return t.count()
	}
	return 0
}

// changes returns a number that grows whenever anything changes.
func (s *state) changes() (n uint64) {
	for _, t := range s.tables {
		n += t.version()
	}
	return n
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
	// routesTold are the keys of groups (see sameGroup) that a replay told of, and
	// whether all routes with the key may have changed by that.
	routesTold map[routeEntry]bool

	diff routeDiff
}

func (u *update) wants(kind netstat.Kinds) bool { return u.kinds.Has(kind) }

// load takes in a row of a dump.
func (u *update) load(m *collectors.Message) { u.state.of(m.Kind).load(u, m) }

// apply takes in an event.
func (u *update) apply(m *collectors.Message) {
	t := u.state.of(m.Kind)
	if t.heard != nil {
		t.heard(u, m)
	}
	if u.wants(m.Kind) {
		if u.replay && t.doubtful {
			u.stale |= m.Kind
			u.doubtful |= m.Kind
		}
		t.apply(u, m)
	}
	u.followMessage(m)
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
	for n := range u.state.nextHops().from(nil) {
		if _, there := after.get(n); !there {
			u.followObject(*n, true)
		}
	}
	for n := range after.from(nil) {
		if old, known := u.state.nextHops().get(n); !known || !sameNextHop(*old, *n) {
			u.followObject(*n, false)
		}
	}
}

// zoneless is an address without its zone.
func zoneless(a netip.Addr) netip.Addr { return a.WithZone("") }
