package remote

import (
	"context"
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
	ipRouteColumns       = []uint32{2, 3, 7, 8, 9, 10, 11}

	inetCidrRoutes = ipforwardmib.Routes.RowDecoder(inetCidrRouteColumns...)
	ipCidrRoutes   = ipforwardmib.IPv4Routes.RowDecoder(ipCidrRouteColumns...)
	// The type comes after the next hop, which it tells the meaning of.
	ipRoutes = rfc1213mib.Routes.RowDecoder(ipRouteColumns...)
)

const ipRouteType = 3 // in ipRouteColumns

// Routes yields the routes of inetCidrRouteTable, else of ipCidrRouteTable, else
// of ipRouteTable: those that take part in forwarding. The old tables tell of
// IPv4 alone: what the query wants of IPv6 then is an error after the rows. Of
// which routing table a route is, only this project's agent tells; other
// routes are taken for the main table's.
func (s *Stack) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		n := 0
		// pass reports whether to go on.
		pass := func(rows iter.Seq2[netstat.Route, error]) bool {
			for row, err := range rows {
				if err != nil {
					yield(row, err)
					return false
				}
				n++
				if q.Table != 0 && row.Table != q.Table || !wants(q.Families, row.Family()) {
					continue
				}
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		fail := func(err error) { yield(netstat.Route{}, err) }

		plainly := used(plain(inetCidrRoutes))
		decode := func(index mib.OID, values []mib.Value) (netstat.Route, bool, error) {
			row, ok, err := plainly(index, values)
			if a := row.Gateway; a.Zone() != "" {
				// The interface is a link-local gateway's link.
				row.Gateway = a.WithZone("")
			} else if a.IsValid() && a.IsUnspecified() {
				row.Gateway = netip.Addr{} // how some agents show a destination on the link
			}
			return row, ok, err
		}
		scan := newScan(s, ipforwardmib.Routes.Name, tableColumns(&ipforwardmib.Routes, inetCidrRouteColumns...))
		if !pass(rows(ctx, scan, familySpans(q.Families), decode)) || n > 0 {
			return
		}
		if has, err := s.hasAny(ctx, ipforwardmib.Routes.Entry, ipforwardmib.RouteNumber); err != nil {
			fail(err)
			return
		} else if has {
			return
		}
		if wants(q.Families, netstat.IPv4) {
			scan = newScan(s, ipforwardmib.IPv4Routes.Name, tableColumns(&ipforwardmib.IPv4Routes, ipCidrRouteColumns...))
			if !pass(rows(ctx, scan, nil, used(plain(ipCidrRoutes)))) {
				return
			}
			if n == 0 {
				scan = newScan(s, rfc1213mib.Routes.Name, tableColumns(&rfc1213mib.Routes, ipRouteColumns...))
				plainly := used(plain(ipRoutes))
				decode := func(index mib.OID, values []mib.Value) (netstat.Route, bool, error) {
					row, ok, err := plainly(index, values)
					return row, ok && values[ipRouteType] != mib.Int(rfc1213mib.RouteInvalid), err
				}
				if !pass(rows(ctx, scan, nil, decode)) {
					return
				}
			}
		}
		if n == 0 {
			has, err := s.hasAny(ctx, ipforwardmib.CIDRRouteNumber, ipforwardmib.IPv4Routes.Entry, rfc1213mib.Routes.Entry)
			if err != nil {
				fail(err)
				return
			}
			if !has {
				fail(s.notSupported("read routes", ipforwardmib.Routes.Name, ipforwardmib.IPv4Routes.Name, rfc1213mib.Routes.Name))
				return
			}
		}
		if wants(q.Families, netstat.IPv6) {
			fail(s.notSupported("read IPv6 routes", ipforwardmib.Routes.Name))
		}
	}
}

// used makes a metric of -1, which stands for one that is not used, absent, and
// the destination one without bits beyond its length.
func used(decode func(mib.OID, []mib.Value) (netstat.Route, bool, error)) func(mib.OID, []mib.Value) (netstat.Route, bool, error) {
	return func(index mib.OID, values []mib.Value) (netstat.Route, bool, error) {
		for i, v := range values {
			if v == mib.Int(-1) {
				values[i] = mib.Value{}
			}
		}
		row, ok, err := decode(index, values)
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
