package show

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// tableNames are the routing tables that have names on every host.
var tableNames = map[string]uint32{"default": netstat.TableDefault, "main": netstat.TableMain, "local": netstat.TableLocal}

// AllTables stands for every table.
const AllTables = "all"

func parseTable(name string) (uint32, error) {
	if name == AllTables {
		return 0, nil
	}
	if number, ok := tableNames[name]; ok {
		return number, nil
	}
	number, err := strconv.ParseUint(name, 10, 32)
	if err != nil || number == 0 {
		return 0, fmt.Errorf("--table: %q is neither a table's number nor main, local, default or all", name)
	}
	return uint32(number), nil
}

func appendTable(b []byte, number uint32) []byte {
	for name, n := range tableNames {
		if n == number {
			return append(b, name...)
		}
	}
	return appendUint(b, number)
}

// showRoutes shows the routing tables: those of IPv4, of IPv6 with -6.
func (s *Session) showRoutes() error {
	if s.IPv4 || !s.IPv6 {
		if err := s.showRoutesOf(netstat.IPv4); err != nil {
			return err
		}
	}
	if s.IPv6 {
		return s.showRoutesOf(netstat.IPv6)
	}
	return nil
}

func (s *Session) showRoutesOf(family netstat.Family) error {
	q := netstat.RouteQuery{Families: []netstat.Family{family}, Table: netstat.TableMain}
	title, columns := "Kernel IP routing table", s.routeColumns()
	if family == netstat.IPv6 {
		// Those of the host's own addresses stand in the table "local", which
		// net-tools shows.
		q.Table = 0
		title, columns = "Kernel IPv6 routing table", s.route6Columns()
	}
	if s.Table != "" {
		number, err := parseTable(s.Table)
		if err != nil {
			return err
		}
		if q.Table = number; number == 0 {
			columns = append(columns, columnOf("Table", 0, false, func(b []byte, r *netstat.Route) []byte { return appendTable(b, r.Table) }))
		}
	}
	p, _, err := newPrinter(s, routeKind(), columns)
	if err != nil {
		return err
	}
	s.out.Title(title)
	w := window[netstat.Route]{s: s, printer: p, prepare: func(r *Row[netstat.Route]) {
		s.resolver.StartHost(r.v.Gateway)
		if r.v.Destination.IsSingleIP() {
			s.resolver.StartHost(r.v.Destination.Addr())
		}
	}}
	if s.numericHosts() {
		w.prepare = func(*Row[netstat.Route]) {}
	}
	var through []netstat.Route
	var r Row[netstat.Route]
	for _, src := range s.sources {
		r.from = src
		objects := s.nextHops(src)
		for v, err := range src.stack.Routes(s.ctx, q) {
			if err != nil {
				if s.ctx.Err() != nil {
					return err
				}
				s.complain(family.String()+" routes", src, err)
				break
			}
			if s.Table == "" && v.Table != netstat.TableMain && v.Table != netstat.TableLocal {
				continue
			}
			s.readNames(src)
			if v.IsUnresolved() {
				through = v.Through(objects, through[:0])
			} else {
				through = append(through[:0], v)
			}
			for i := range through {
				if !s.shows(src, through[i].Interface) {
					continue
				}
				r.v = through[i]
				if err := w.row(&r); err != nil {
					return err
				}
			}
		}
	}
	return w.close()
}

// nextHops returns what finds the nexthop objects of a stack, which are read when
// the first is asked for.
func (s *Session) nextHops(src *Source) func(id uint32) (netstat.NextHop, bool) {
	var objects map[uint32]netstat.NextHop
	return func(id uint32) (netstat.NextHop, bool) {
		if objects == nil {
			objects = make(map[uint32]netstat.NextHop)
			if reader, ok := src.stack.(netstat.NextHopReader); ok {
				for o, err := range reader.NextHops(s.ctx) {
					if err != nil {
						s.complain("nexthop objects", src, err)
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
	case r.Flags&netstat.RouteDead == 0:
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
	case netstat.ProtocolRedirect:
		b = append(b, 'D')
	case netstat.ProtocolRA:
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
		// rtnetlink does not tell how often a route is referred to and used.
		columnOf("Ref", 3, false, func(b []byte, _ *netstat.Route) []byte { return append(b, '-') }),
		columnOf("Use", 4, true, func(b []byte, _ *netstat.Route) []byte { return append(b, '-') }),
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
		field("table", table.Integer, "routing table; 254 is main, 255 local, 253 default", func(r *netstat.Route) table.Value { return table.Uint(r.Table) }),
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
