package show

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/names"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// tableNames are the routing tables that have names on every host.
var tableNames = map[string]uint32{"default": netstat.TableDefault, "main": netstat.TableMain, "local": netstat.TableLocal}

// AllTables stands for every table.
const AllTables = "all"

// TableNumber returns the number of the routing table that Table is, 0 for all.
func (o *Options) TableNumber() (uint32, error) {
	if o.Table == AllTables {
		return 0, nil
	}
	if number, err := strconv.ParseUint(o.Table, 10, 32); err == nil && number > 0 {
		return uint32(number), nil
	}
	if number, ok := o.tableNamed(o.Table); ok {
		return number, nil
	}
	return 0, fmt.Errorf("--table: %q is neither the number of a routing table nor the name of one, nor all", o.Table)
}

// tableNamed returns the number of the routing table with a name: one of those that every
// host has, or of this host's own, if it is this one that is shown.
func (o *Options) tableNamed(name string) (number uint32, ok bool) {
	number, ok = tableNames[name]
	if !ok && !o.Elsewhere {
		number, ok = names.ReadRoutingTables()[name]
	}
	return number, ok
}

func appendTable(b []byte, number uint32) []byte {
	for name, n := range tableNames {
		if n == number {
			return append(b, name...)
		}
	}
	return appendUint(b, number)
}

// Routes4 is the table of the routes of IPv4.
func Routes4() Table {
	return routeTable(netstat.IPv4, "Kernel IP routing table", (*Session).routeColumns)
}

// Routes6 is the table of the routes of IPv6.
func Routes6() Table {
	return routeTable(netstat.IPv6, "Kernel IPv6 routing table", (*Session).route6Columns)
}

func routeTable(family netstat.Family, title string, columns func(*Session) []table.Column[Row[netstat.Route]]) *kind[netstat.Route] {
	return &kind[netstat.Route]{
		Kind:  routeKind(),
		title: title, what: family.String() + " routes",
		columns: func(s *Session) []table.Column[Row[netstat.Route]] {
			if s.Table != AllTables {
				return columns(s)
			}
			return append(columns(s), columnOf("Table", 0, false, func(b []byte, r *netstat.Route) []byte { return appendTable(b, r.Table) }))
		},
		read: func(ctx context.Context, q *query) iter.Seq2[netstat.Route, error] {
			return routes(ctx, q, family)
		},
		belongs: by(routeDevice),
		names:   always[netstat.Route],
		lookUp: func(s *Session, r *Row[netstat.Route]) {
			if s.numericHosts() {
				return
			}
			s.resolver.StartHost(r.v.Gateway)
			if r.v.Destination.IsSingleIP() {
				s.resolver.StartHost(r.v.Destination.Addr())
			}
		},
	}
}

// routes reads the routes of the routing table that is chosen: of those that net-tools
// shows, the main one, and of IPv6, where those of the host's own addresses stand in
// the table "local", that as well. One whose next hop is a nexthop object is what that
// says, once for each member of a group.
func routes(ctx context.Context, q *query, family netstat.Family) iter.Seq2[netstat.Route, error] {
	ask := netstat.RouteQuery{Families: []netstat.Family{family}, Table: netstat.TableMain}
	if family == netstat.IPv6 {
		ask.Table, ask.Uses = 0, true
	}
	if q.Table != "" {
		number, err := q.TableNumber()
		if err != nil {
			return failed[netstat.Route](err)
		}
		ask.Table = number
	}
	return func(yield func(netstat.Route, error) bool) {
		objects := q.nextHops(ctx)
		var through []netstat.Route
		for v, err := range q.src.Stack.Routes(ctx, ask) {
			if err != nil {
				yield(v, err)
				return
			}
			if q.Table == "" && v.Table != netstat.TableMain && v.Table != netstat.TableLocal {
				continue
			}
			if !v.IsUnresolved() {
				if !yield(v, nil) {
					return
				}
				continue
			}
			through = v.Through(objects, through[:0])
			for i := range through {
				if !yield(through[i], nil) {
					return
				}
			}
		}
	}
}

// nextHops returns what finds the nexthop objects of a stack, which are read when
// the first is asked for.
func (q *query) nextHops(ctx context.Context) func(id uint32) (netstat.NextHop, bool) {
	var objects map[uint32]netstat.NextHop
	return func(id uint32) (netstat.NextHop, bool) {
		if objects == nil {
			objects = make(map[uint32]netstat.NextHop)
			if reader, ok := q.src.Stack.(netstat.NextHopReader); ok {
				for o, err := range reader.NextHops(ctx) {
					if err != nil {
						q.complain("nexthop objects", q.src, err)
						break
					}
					objects[o.ID] = o
				}
			}
		}
		o, ok := objects[id]
		return o, ok
	}
}

// goesNowhere reports whether packets for a route are dropped, and how.
func goesNowhere(t netstat.RouteType) bool {
	switch t {
	case netstat.RouteBlackhole, netstat.RouteUnreachable, netstat.RouteProhibit, netstat.RouteThrow:
		return true
	}
	return false
}

// appendRouteFlags appends the flags that route(8) has: up, gateway, host,
// reject, what protocol made the route, and whether it expires.
func appendRouteFlags(b []byte, r *netstat.Route) []byte {
	switch {
	case goesNowhere(r.Type):
		b = append(b, '!')
	case r.Flags&netstat.NextHopDead == 0:
		b = append(b, 'U')
	}
	if r.Family() == netstat.IPv6 && (r.Type == netstat.RouteLocal || r.Type == netstat.RouteAnycast || goesNowhere(r.Type)) {
		b = append(b, 'n')
	}
	if r.Gateway.IsValid() {
		b = append(b, 'G')
	}
	if r.Destination.IsSingleIP() && r.Family() == netstat.IPv4 {
		b = append(b, 'H')
	}
	switch r.Protocol {
	case netstat.RouteProtocolRedirect:
		b = append(b, 'D')
	case netstat.RouteProtocolRA:
		b = append(b, 'A')
	}
	if r.Family() == netstat.IPv6 && r.Options != nil && r.Options.Expires.IsKnown() {
		b = append(b, 'e')
	}
	return b
}

// option is a number of a route's options, 0 without them.
func option(r *netstat.Route, get func(*netstat.RouteOptions) uint32) uint32 {
	if r.Options == nil {
		return 0
	}
	return get(r.Options)
}

// appendHost appends an address of a route, by name where names are wanted.
func (s *Session) appendHost(b []byte, a netip.Addr) []byte {
	if !s.numericHosts() {
		if name := s.resolver.Host(a); name != "" {
			return table.AppendEscaped(b, name)
		}
	}
	return a.AppendTo(b)
}

// routeDevice is the index of a route's interface.
func routeDevice(r *netstat.Route) uint32 { return r.Interface }

// ipHeaders is the size of the headers of IPv4 and TCP, which route(8) counts to
// what it calls the MSS.
const ipHeaders = 40

// routeColumns are those of IPv4, which -e and -ee choose.
func (s *Session) routeColumns() []table.Column[Row[netstat.Route]] {
	columns := []table.Column[Row[netstat.Route]]{
		columnOf("Destination", 15, false, func(b []byte, r *netstat.Route) []byte {
			if !s.numericHosts() && r.Destination.Bits() == 0 {
				return append(b, "default"...)
			}
			if name := s.networks.Name(r.Destination); name != "" {
				return table.AppendEscaped(b, name)
			}
			return s.appendHost(b, r.Destination.Addr())
		}),
		columnOf("Gateway", 15, false, func(b []byte, r *netstat.Route) []byte {
			switch {
			case goesNowhere(r.Type):
				return append(b, '-')
			case !r.Gateway.IsValid():
				return append(b, "0.0.0.0"...)
			}
			return s.appendHost(b, r.Gateway)
		}),
		columnOf("Genmask", 15, false, func(b []byte, r *netstat.Route) []byte { return appendMask(b, r.Destination.Bits()) }),
		columnOf("Flags", 5, false, appendRouteFlags),
	}
	mss := func(b []byte, r *netstat.Route) []byte {
		if n := option(r, func(o *netstat.RouteOptions) uint32 { return o.AdvertisedMSS }); n > 0 {
			return appendUint(b, n+ipHeaders)
		}
		return append(b, '0')
	}
	window := func(b []byte, r *netstat.Route) []byte {
		return appendUint(b, option(r, func(o *netstat.RouteOptions) uint32 { return o.Window }))
	}
	irtt := func(b []byte, r *netstat.Route) []byte {
		return appendUint(b, option(r, func(o *netstat.RouteOptions) uint32 { return uint32(o.RTT.Milliseconds()) }))
	}
	iface := interfaceColumn("Iface", 0, routeDevice)
	if s.Extend == 0 {
		return append(columns,
			columnOf("MSS", 5, true, dashNowhere(mss)), columnOf("Window", 6, false, dashNowhere(window)), columnOf("irtt", 5, true, dashNowhere(irtt)), iface)
	}
	columns = append(columns,
		columnOf("Metric", 6, false, func(b []byte, r *netstat.Route) []byte { return appendKnown(b, r.Metric) }),
		// The kernel has not counted references and uses of IPv4 routes since it
		// gave up its route cache, and says 0 ever since.
		columnOf("Ref", 3, false, dashNowhere(func(b []byte, _ *netstat.Route) []byte { return append(b, '0') })),
		columnOf("Use", 6, true, func(b []byte, r *netstat.Route) []byte {
			if !r.Scope.IsKnown() {
				return append(b, '-')
			}
			return append(b, '0')
		}))
	if s.Extend == 1 {
		return append(columns, iface)
	}
	iface.Width = 8
	return append(columns, iface,
		columnOf("MSS", 5, false, dashNowhere(mss)), columnOf("Window", 6, false, dashNowhere(window)), columnOf("irtt", 0, false, dashNowhere(irtt)),
		columnOf("Type", 9, false, func(b []byte, r *netstat.Route) []byte { return append(b, r.Type.String()...) }),
		columnOf("Protocol", 0, false, func(b []byte, r *netstat.Route) []byte { return append(b, r.Protocol.Name()...) }),
		columnOf("Options", 0, false, appendRouteOptions))
}

// dashNowhere shows a dash for routes that lead nowhere, and for those of which
// nobody tells what a kernel has of every route.
func dashNowhere(cell func([]byte, *netstat.Route) []byte) func([]byte, *netstat.Route) []byte {
	return func(b []byte, r *netstat.Route) []byte {
		if goesNowhere(r.Type) || !r.Scope.IsKnown() {
			return append(b, '-')
		}
		return cell(b, r)
	}
}

func appendMask(b []byte, bits int) []byte {
	mask := ^uint32(0) << (32 - bits)
	return netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).AppendTo(b)
}

// route6Columns are those of IPv6.
func (s *Session) route6Columns() []table.Column[Row[netstat.Route]] {
	columns := []table.Column[Row[netstat.Route]]{
		columnOf("Destination", 30, false, func(b []byte, r *netstat.Route) []byte {
			if !s.numericHosts() && r.Destination.Bits() == 0 {
				b = append(b, "[::]/0"...)
			} else {
				b = r.Destination.AppendTo(b)
			}
			// Without its source, such a route looks as if it were for everybody.
			if r.Options != nil && r.Options.Source.IsValid() && r.Options.Source.Bits() > 0 {
				b = r.Options.Source.AppendTo(append(b, " from "...))
			}
			return b
		}),
		columnOf("Next Hop", 26, false, func(b []byte, r *netstat.Route) []byte {
			if !r.Gateway.IsValid() {
				return append(b, "::"...)
			}
			return s.appendHost(b, r.Gateway)
		}),
		columnOf("Flag", 4, false, appendRouteFlags),
		columnOf("Met", 3, false, func(b []byte, r *netstat.Route) []byte { return appendKnown(b, r.Metric) }),
		columnOf("Ref", 3, false, func(b []byte, r *netstat.Route) []byte {
			if r.Options == nil {
				return append(b, '-')
			}
			return appendKnown(b, r.Options.References)
		}),
		columnOf("Use", 4, true, func(b []byte, r *netstat.Route) []byte {
			if r.Options == nil {
				return append(b, '-')
			}
			return appendKnown(b, r.Options.Uses)
		}),
		interfaceColumn("If", 0, routeDevice),
	}
	if s.Extend > 1 {
		columns = append(columns,
			columnOf("Type", 9, false, func(b []byte, r *netstat.Route) []byte { return append(b, r.Type.String()...) }),
			columnOf("Protocol", 0, false, func(b []byte, r *netstat.Route) []byte { return append(b, r.Protocol.Name()...) }),
			columnOf("Options", 0, false, appendRouteOptions))
	}
	return columns
}

func routeKind() *table.Kind[Row[netstat.Route]] {
	field := fieldOf[netstat.Route]
	k := newKind("route", "a route, or one next hop of a route that has several",
		field("destination", table.Prefix, "destination", func(r *netstat.Route) table.Value { return table.Net(r.Destination) }),
		table.Field[Row[netstat.Route]]{Name: "gateway", Type: table.Address, Doc: "next hop; absent for one on the link", Value: func(r *Row[netstat.Route]) table.Value {
			return onLink(r.from, r.v.Gateway, r.v.Interface)
		}},
		interfaceField("interface", "interface", routeDevice),
		field("interfaceIndex", table.Integer, "index of the interface", func(r *netstat.Route) table.Value { return table.NonZero(r.Interface) }),
		field("table", table.RouteTable, "routing table; 254 is main, 255 local, 253 default", func(r *netstat.Route) table.Value { return table.Uint(r.Table) }),
		field("type", table.String, "`unicast`, `local`, `blackhole`, `unreachable`, ...", func(r *netstat.Route) table.Value { return table.Text(r.Type.String()) }),
		field("protocol", table.String, "who installed the route: `kernel`, `static`, `bgp`, ...", func(r *netstat.Route) table.Value { return table.Text(r.Protocol.Name()) }),
		field("scope", table.Integer, "0 universe, 253 link, 254 host", func(r *netstat.Route) table.Value { return uintValue(r.Scope) }),
		field("metric", table.Integer, "the lower one wins", func(r *netstat.Route) table.Value { return uintValue(r.Metric) }),
		field("tos", table.Integer, "type of service", func(r *netstat.Route) table.Value { return uintValue(r.TOS) }),
		field("preferredSource", table.Address, "address that the host itself sends from", func(r *netstat.Route) table.Value { return table.Addr(r.PreferredSource) }),
		field("weight", table.Integer, "weight of this next hop among several", func(r *netstat.Route) table.Value { return table.NonZero(r.Weight) }),
		field("nextHopID", table.Integer, "number of the nexthop object", func(r *netstat.Route) table.Value { return table.NonZero(r.NextHopID) }),
		field("flags", table.String, "as in the column Flags", func(r *netstat.Route) table.Value { return table.Text(string(appendRouteFlags(nil, r))) }),
		field("nextHopFlags", table.Strings, "`dead`, `linkdown`, `onlink`, ...", func(r *netstat.Route) table.Value { return table.Words(r.Flags.Names()) }),
	)
	where := whereFields[netstat.Route]()
	k.Fields = slices.Concat(k.Fields[:len(k.Fields)-len(where)], routeOptionFields(), where)
	k.Aliases = map[string][]string{"dst": {"destination"}, "via": {"gateway"}, "dev": {"interface"}, "addr": {"destination", "gateway"}}
	return k
}

var routeWords = inWords[netstat.Route]{netstat.KindRoute, func(w *words, r, _ *netstat.Route) {
	if r.Type != netstat.RouteUnicast {
		w.add("%s", r.Type)
	}
	w.add("%s", r.Destination)
	w.address("via", r.Gateway)
	w.on("dev", r.Interface)
	w.number("table", r.Table)
	w.number("metric", r.Metric.Or(0))
	w.number("nhid", r.NextHopID)
	w.number("tos", uint32(r.TOS.Or(0)))
	w.number("weight", uint32(r.Weight))
	w.address("src", r.PreferredSource)
	if r.Flags&netstat.NextHopDead != 0 {
		w.add("dead")
	}
	if r.Flags&netstat.NextHopLinkDown != 0 {
		w.add("linkdown")
	}
}}
