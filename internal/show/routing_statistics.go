package show

import (
	"context"
	"errors"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// whereThereIs makes a reader one that yields nothing where there is nothing to
// read: of a kernel without IPv6.
func whereThereIs[R, T any](read func(R, context.Context) iter.Seq2[T, error]) func(R, context.Context) iter.Seq2[T, error] {
	return func(r R, ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			for v, err := range read(r, ctx) {
				if errors.Is(err, netstat.ErrNotSupported) || !yield(v, err) {
					return
				}
			}
		}
	}
}

// FIB6 is the table of the shape of IPv6's routing tables.
func FIB6() Table {
	number := func(heading, name, doc string, get func(*netstat.FIB6) uint64) both[netstat.FIB6] {
		return of(heading, 8, fieldOf(name, table.Integer, doc, func(f *netstat.FIB6) table.Value { return table.Uint(get(f)) })).count()
	}
	return list("fib6", "the shape of IPv6's routing tables together", kind[netstat.FIB6]{
		apart: true,
		title: "IPv6 routing tables in the kernel",
		parts: func(_ context.Context, q *query) ([]part[netstat.FIB6], error) {
			read := single(netstat.RoutingStatisticsReader.FIB6)
			if !q.IPv6 {
				read = whereThereIs(read)
			}
			return []part[netstat.FIB6]{{read: from(read)}}, nil
		},
	},
		number("Nodes", "nodes", "nodes of the trees", func(f *netstat.FIB6) uint64 { return f.Nodes }),
		number("With-Rts", "routeNodes", "nodes with routes", func(f *netstat.FIB6) uint64 { return f.RouteNodes }),
		number("Routes", "entries", "routes", func(f *netstat.FIB6) uint64 { return f.Entries }),
		number("Cached", "cacheEntries", "exceptions, such as a path MTU that was learnt", func(f *netstat.FIB6) uint64 { return f.CacheEntries }),
		number("Dst", "destinations", "destinations at hand", func(f *netstat.FIB6) uint64 { return f.Destinations }),
		number("Alloc", "allocated", "routes that take memory", func(f *netstat.FIB6) uint64 { return f.Allocated }),
		number("Discard", "discarded", "routes given up for lack of memory", func(f *netstat.FIB6) uint64 { return f.Discarded }),
	)
}

// RouteLookups is the table of what route lookups for IPv4 packets found.
func RouteLookups() Table {
	type lookups = netstat.RouteLookups
	number := func(heading, name, doc string, get func(*lookups) uint64) both[lookups] {
		return of(heading, 8, fieldOf(name, table.Integer, doc, func(l *lookups) table.Value { return table.Uint(get(l)) })).count()
	}
	return list("routeLookups", "what route lookups for IPv4 packets found, of every namespace", kind[netstat.RouteLookups]{
		apart:  true,
		title:  "IPv4 route lookups, of every namespace",
		read:   from(single(netstat.RoutingStatisticsReader.RouteLookups)),
		ofHost: true,
	},
		number("Entries", "entries", "destinations at hand", func(l *lookups) uint64 { return l.Entries }),
		number("In", "inSlowTotal", "received packets that needed a lookup", func(l *lookups) uint64 { return l.InSlowTotal }),
		number("In-Mcast", "inSlowMulticast", "received multicasts", func(l *lookups) uint64 { return l.InSlowMulticast }),
		number("In-Bcast", "inBroadcast", "received broadcasts", func(l *lookups) uint64 { return l.InBroadcast }),
		number("No-Route", "inNoRoute", "received packets without a route", func(l *lookups) uint64 { return l.InNoRoute }),
		number("Mart-Dst", "inMartianDestination", "received packets to an impossible address", func(l *lookups) uint64 { return l.InMartianDestination }),
		number("Mart-Src", "inMartianSource", "received packets from an impossible address", func(l *lookups) uint64 { return l.InMartianSource }),
		number("Out", "outSlowTotal", "sent packets that needed a lookup", func(l *lookups) uint64 { return l.OutSlowTotal }),
		number("Out-Mcast", "outSlowMulticast", "sent multicasts", func(l *lookups) uint64 { return l.OutSlowMulticast }),
	)
}

// FIBTables is the table of the shape of IPv4's routing tables.
func FIBTables() Table {
	return &kind[netstat.FIBTable]{
		Kind:  fibKind(),
		title: "IPv4 routing tables in the kernel", what: "shape of routing tables",
		columns: fibColumns,
		read:    from(netstat.RoutingStatisticsReader.FIBTables),
	}
}

func fibColumns(s *Session) []table.Column[Row[netstat.FIBTable]] {
	type fib = netstat.FIBTable
	number := func(heading string, get func(*fib) uint64) table.Column[Row[fib]] {
		return columnOf(heading, 8, true, func(b []byte, t *fib) []byte { return s.appendCount(b, get(t)) })
	}
	return []table.Column[Row[fib]]{
		columnOf("Table", 8, false, func(b []byte, t *fib) []byte { return appendTable(b, t.Table) }),
		number("Prefixes", func(t *fib) uint64 { return t.Prefixes }),
		number("Leaves", func(t *fib) uint64 { return t.Leaves }),
		number("Nodes", func(t *fib) uint64 { return t.InternalNodes }),
		number("Depth", func(t *fib) uint64 { return uint64(t.MaxDepth) }),
		number("KiB", func(t *fib) uint64 { return t.KiB }),
		columnOf("Lookups", 10, true, func(b []byte, t *fib) []byte { return appendKnown(b, t.Lookups) }),
	}
}

func fibKind() *table.Kind[Row[netstat.FIBTable]] {
	field := fieldOf[netstat.FIBTable]
	return newKind("fibTable", "the shape of an IPv4 routing table in the kernel",
		field("table", table.RouteTable, "routing table", func(t *netstat.FIBTable) table.Value { return table.Uint(t.Table) }),
		field("prefixes", table.Integer, "", func(t *netstat.FIBTable) table.Value { return table.Uint(t.Prefixes) }),
		field("leaves", table.Integer, "", func(t *netstat.FIBTable) table.Value { return table.Uint(t.Leaves) }),
		field("internalNodes", table.Integer, "", func(t *netstat.FIBTable) table.Value { return table.Uint(t.InternalNodes) }),
		field("maxDepth", table.Integer, "levels", func(t *netstat.FIBTable) table.Value { return table.Uint(t.MaxDepth) }),
		field("averageDepth", table.Number, "levels", func(t *netstat.FIBTable) table.Value { return table.Float(float64(t.AverageDepth) / 100) }),
		field("kib", table.Integer, "size in units of 1024 bytes", func(t *netstat.FIBTable) table.Value { return table.Uint(t.KiB) }),
		field("lookups", table.Integer, "where the kernel counts them", func(t *netstat.FIBTable) table.Value { return uintValue(t.Lookups) }),
	)
}

// NeighbourTables is the table of the kernel's tables of neighbours.
func NeighbourTables() Table {
	return &kind[netstat.NeighbourTable]{
		Kind:  neighbourTableKind(),
		apart: true,
		title: "Neighbour tables, of every namespace", what: "neighbour tables", ofHost: true,
		columns:  neighbourTableColumns,
		read:     from(netstat.RoutingStatisticsReader.NeighbourTables),
		inFamily: func(t *netstat.NeighbourTable, f netstat.Family) bool { return t.Family == f },
	}
}

func neighbourTableColumns(s *Session) []table.Column[Row[netstat.NeighbourTable]] {
	type neighbours = netstat.NeighbourTable
	number := func(heading string, get func(*neighbours) uint64) table.Column[Row[neighbours]] {
		return columnOf(heading, 8, true, func(b []byte, t *neighbours) []byte { return s.appendCount(b, get(t)) })
	}
	return []table.Column[Row[neighbours]]{
		columnOf("Table", 12, false, func(b []byte, t *neighbours) []byte { return table.AppendEscaped(b, t.Name) }),
		number("Entries", func(t *neighbours) uint64 { return uint64(t.Entries) }),
		number("Most", func(t *neighbours) uint64 { return uint64(t.Threshold3) }),
		number("Lookups", func(t *neighbours) uint64 { return t.Lookups }),
		number("Hits", func(t *neighbours) uint64 { return t.Hits }),
		number("Failed", func(t *neighbours) uint64 { return t.ResolutionsFailed }),
		number("Collected", func(t *neighbours) uint64 { return t.ForcedCollections }),
		columnOf("Full", 8, true, func(b []byte, t *neighbours) []byte { return appendKnown(b, t.TableFulls) }),
	}
}

func neighbourTableKind() *table.Kind[Row[netstat.NeighbourTable]] {
	field := fieldOf[netstat.NeighbourTable]
	number := func(name, doc string, get func(*netstat.NeighbourTable) uint64) table.Field[Row[netstat.NeighbourTable]] {
		return field(name, table.Integer, doc, func(t *netstat.NeighbourTable) table.Value { return table.Uint(get(t)) })
	}
	return newKind("neighbourTable", "one of the kernel's tables of neighbours, which all namespaces share",
		field("name", table.String, "`arp_cache` or `ndisc_cache`", func(t *netstat.NeighbourTable) table.Value { return table.Text(t.Name) }),
		number("entries", "", func(t *netstat.NeighbourTable) uint64 { return uint64(t.Entries) }),
		number("threshold1", "below that many nothing is collected", func(t *netstat.NeighbourTable) uint64 { return uint64(t.Threshold1) }),
		number("threshold2", "above that many, entries older than 5 s are collected", func(t *netstat.NeighbourTable) uint64 { return uint64(t.Threshold2) }),
		number("threshold3", "above that many, new ones are refused", func(t *netstat.NeighbourTable) uint64 { return uint64(t.Threshold3) }),
		number("lookups", "", func(t *netstat.NeighbourTable) uint64 { return t.Lookups }),
		number("hits", "lookups that found something", func(t *netstat.NeighbourTable) uint64 { return t.Hits }),
		number("allocations", "", func(t *netstat.NeighbourTable) uint64 { return t.Allocations }),
		number("destroys", "", func(t *netstat.NeighbourTable) uint64 { return t.Destroys }),
		number("resolutionsFailed", "neighbours that did not answer", func(t *netstat.NeighbourTable) uint64 { return t.ResolutionsFailed }),
		number("periodicCollections", "", func(t *netstat.NeighbourTable) uint64 { return t.PeriodicCollections }),
		number("forcedCollections", "", func(t *netstat.NeighbourTable) uint64 { return t.ForcedCollections }),
		field("tableFulls", table.Integer, "entries that were refused", func(t *netstat.NeighbourTable) table.Value { return uintValue(t.TableFulls) }),
	)
}
