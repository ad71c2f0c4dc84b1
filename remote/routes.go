package remote

import (
	"context"
	"fmt"
	"iter"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The columns of the route tables that a row holds something of.
var (
	inetCidrRouteColumns = []uint32{7, 8, 9, 10, 12, 17}
	ipCidrRouteColumns   = []uint32{5, 6, 7, 8, 11, 16}
	ipRouteColumns       = []uint32{1, 2, 3, 7, 8, 9, 10, 11}

	inetCidrRoutes = decoderOf(ipforwardmib.Routes, inetCidrRouteColumns...)
	ipCidrRoutes   = decoderOf(ipforwardmib.IPv4Routes, ipCidrRouteColumns...)
	// The type comes after the next hop, which it tells the meaning of.
	ipRoutes = decoderOf(rfc1213mib.Routes, ipRouteColumns...)
)

// Where some of ipRouteColumns stand.
const (
	ipRouteDest = 0
	ipRouteType = 4
)

// Routes yields the routes of inetCidrRouteTable, and where that has none of IPv4 those
// of ipCidrRouteTable, else of ipRouteTable: those that take part in forwarding. What
// no table tells of is an error after the rows, as is whatever else could not be read,
// and an agent that shows no route at all but counts some. Of which routing table a
// route is, only this project's agent tells; other routes are taken for the main
// table's.
func (s *Stack) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		var errs []error
		four, total := 0, 0
		// read reports whether anybody wants more.
		read := func(rows iter.Seq2[netstat.Route, error]) bool {
			for row, err := range rows {
				if err != nil {
					errs = append(errs, err)
					break
				}
				total++
				if row.Family() == netstat.IPv4 {
					four++
				}
				if q.Table != 0 && row.Table != q.Table || !wants(q.Families, row.Family()) {
					continue
				}
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		plainly := used(plain(inetCidrRoutes()))
		decode := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Route, bool, error) {
			row, ok, err := plainly(index, values, odd)
			if a := row.Gateway; a.Zone() != "" {
				// The interface is a link-local gateway's link.
				row.Gateway = a.WithZone("")
			} else if a.IsValid() && a.IsUnspecified() {
				row.Gateway = netip.Addr{} // how some agents show a destination on the link
			}
			return row, ok, err
		}
		scan := newScan(s, ipforwardmib.Routes().Name, tableColumns(ipforwardmib.Routes(), inetCidrRouteColumns...))
		if !read(rows(ctx, scan, familySpans(q.Families), decode)) {
			return
		}
		newer := total
		if wants(q.Families, netstat.IPv4) && four == 0 && !isOver(errs) {
			scan = newScan(s, ipforwardmib.IPv4Routes().Name, tableColumns(ipforwardmib.IPv4Routes(), ipCidrRouteColumns...))
			if !read(rows(ctx, scan, nil, used(plain(ipCidrRoutes())))) {
				return
			}
			if four == 0 && !isOver(errs) {
				scan = newScan(s, rfc1213mib.Routes().Name, tableColumns(rfc1213mib.Routes(), ipRouteColumns...))
				plainly := used(plain(ipRoutes()))
				decode := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Route, bool, error) {
					row, ok, err := plainly(index, values, odd)
					if dest := values[ipRouteDest]; err != nil && dest.Type() == mib.IPAddress {
						// Agents exist whose index is a line's number, and not the destination.
						octets := dest.Addr().As4()
						row, ok, err = plainly(mib.MakeOID(uint32(octets[0]), uint32(octets[1]), uint32(octets[2]), uint32(octets[3])), values, odd)
					}
					return row, ok && values[ipRouteType] != mib.Int(rfc1213mib.RouteInvalid), err
				}
				if !read(rows(ctx, scan, nil, decode)) {
					return
				}
			}
		}
		if newer == 0 && !isOver(errs) {
			errs = appendError(errs, s.lackingRoutes(ctx, q.Families, four))
		}
		if len(errs) > 0 {
			yield(netstat.Route{}, join(errs))
		}
	}
}

// lackingRoutes says what is wrong with an agent that shows no row of
// inetCidrRouteTable in the families, and so many of IPv4 in an older table.
func (s *Stack) lackingRoutes(ctx context.Context, families []netstat.Family, four int) error {
	numbers, err := s.scalars(ctx, "ipForward", routeNumbers)
	if !isComplete(err) {
		return err
	}
	number := func(object mib.OID) (n uint64, known bool) {
		for _, b := range numbers {
			if b.Object == object {
				return b.Value.Uint(), true
			}
		}
		return 0, false
	}
	n, newer := number(ipforwardmib.RouteNumber)
	if !newer || n > 0 {
		// What the families leave out may be there.
		some, err := s.hasAny(ctx, ipforwardmib.Routes().Entry)
		if err != nil || some {
			return err
		}
	}
	if newer && n > 0 && uint64(four) < n {
		if four == 0 {
			return s.readError("read routes", fmt.Errorf("the agent shows none, but says that it has %d (%s)", n, routeNumbers[0].name))
		}
		newer = false // others are IPv6's
	}
	if newer {
		return nil
	}
	if four == 0 {
		if n, known := number(ipforwardmib.CIDRRouteNumber); known && n > 0 && wants(families, netstat.IPv4) {
			return s.readError("read routes", fmt.Errorf("the agent shows none, but says that it has %d (%s)", n, routeNumbers[1].name))
		} else if !known {
			has, err := s.hasAny(ctx, ipforwardmib.IPv4Routes().Entry, rfc1213mib.Routes().Entry)
			if err != nil {
				return err
			}
			if !has {
				return s.notSupported("read routes", ipforwardmib.Routes().Name, ipforwardmib.IPv4Routes().Name, rfc1213mib.Routes().Name)
			}
		}
	}
	if wants(families, netstat.IPv6) {
		return s.notSupported("read IPv6 routes", ipforwardmib.Routes().Name)
	}
	return nil
}

// routeNumbers are the scalars that count the rows of the tables of routes.
var routeNumbers = []column{{ipforwardmib.RouteNumber, "inetCidrRouteNumber"}, {ipforwardmib.CIDRRouteNumber, "ipCidrRouteNumber"}}

// used makes a metric of -1, which stands for one that is not used, absent, and
// the destination one without bits beyond its length.
func used(decode decoding[netstat.Route]) decoding[netstat.Route] {
	return func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Route, bool, error) {
		for i, v := range values {
			if v == mib.Int(-1) {
				values[i] = mib.Value{}
			}
		}
		row, ok, err := decode(index, values, odd)
		if err == nil {
			row.Destination = row.Destination.Masked()
		}
		return row, ok, err
	}
}

// familySpans are the parts of a table whose index begins with an
// InetAddressType that have the addresses of the families: ipv4(1) and
// ipv4z(3), ipv6(2) and ipv6z(4). None is all.
func familySpans(families []netstat.Family) []*span {
	four, six := wants(families, netstat.IPv4), wants(families, netstat.IPv6)
	if four == six {
		return nil
	}
	types := []uint32{1, 3}
	if six {
		types = []uint32{2, 4}
	}
	var spans []*span
	for _, t := range types {
		spans = append(spans, newSpan(mib.MakeOID(t), true, mib.MakeOID(t+1)))
	}
	return spans
}
