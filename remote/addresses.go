package remote

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The columns that a row holds something of.
var (
	ipAddressColumns       = []uint32{3, 4, 5, 6, 7}
	ipAdEntColumns         = []uint32{2, 3}
	ipNetToPhysicalColumns = []uint32{4, 5, 6, 7}
	ipNetToMediaColumns    = []uint32{2, 4}

	ipAddresses     = ipmib.Addresses.RowDecoder(ipAddressColumns...)
	ipAddrs         = rfc1213mib.Addresses.RowDecoder(ipAdEntColumns...)
	ipNetToPhysical = ipmib.Neighbours.RowDecoder(ipNetToPhysicalColumns...)
	ipNetToMedia    = rfc1213mib.Neighbours.RowDecoder(ipNetToMediaColumns...)
	translations    = rfc1213mib.Translations.RowDecoder(2)
)

// Where some of them stand.
const (
	ipAddressType       = 1
	ipNetToPhysicalType = 2
	ipNetToMediaType    = 1
)

var (
	// ipv6IpForwarding came with RFC 4293's tables of both families.
	ipv6IPForwarding = ipmib.IPv4Statistics.OID.Sub(25)
	ipInReceives     = ipmib.IPv4Statistics.OID.Sub(3)
)

// Addresses yields the unicast and anycast addresses of ipAddressTable, else
// those of ipAddrTable. The latter tells of IPv4 alone, which is an error after
// the rows. An address whose prefix the agent does not tell has a prefix length
// of -1, which makes its Prefix invalid and leaves Prefix.Addr. Scopes are those
// that addresses have by themselves.
func (s *Stack) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	return func(yield func(netstat.Address, error) bool) {
		n := 0
		pass := passAll(&n, yield)
		fail := func(err error) { yield(netstat.Address{}, err) }
		decode := func(index mib.OID, values []mib.Value) (netstat.Address, bool, error) {
			row, _, err := plain(ipAddresses)(index, values)
			row.Scope = scopeOf(row.Prefix.Addr())
			return row, values[ipAddressType] != mib.Int(ipmib.TypeBroadcast), err
		}
		if !pass(rows(ctx, newScan(s, ipmib.Addresses.Name, tableColumns(&ipmib.Addresses, ipAddressColumns...)), nil, decode)) || n > 0 {
			return
		}
		old := func(index mib.OID, values []mib.Value) (netstat.Address, bool, error) {
			row, ok, err := plain(ipAddrs)(index, values)
			row.Scope = scopeOf(row.Prefix.Addr())
			return row, ok, err
		}
		if !pass(rows(ctx, newScan(s, rfc1213mib.Addresses.Name, tableColumns(&rfc1213mib.Addresses, ipAdEntColumns...)), nil, old)) {
			return
		}
		if n > 0 {
			fail(s.notSupported("read IPv6 addresses", ipmib.Addresses.Name))
			return
		}
		fail(s.notSupported("read addresses", ipmib.Addresses.Name, rfc1213mib.Addresses.Name))
	}
}

// passAll yields all rows of a table and counts them; the function reports
// whether to go on.
func passAll[R any](n *int, yield func(R, error) bool) func(iter.Seq2[R, error]) bool {
	return func(rows iter.Seq2[R, error]) bool {
		for row, err := range rows {
			if err == nil {
				*n++
			}
			if !yield(row, err) || err != nil {
				return false
			}
		}
		return true
	}
}

// scopeOf returns the scope that an address has by itself (RFC 4291, section
// 2.4; RFC 1122, section 3.2.1.3).
func scopeOf(a netip.Addr) netstat.Scope {
	switch {
	case a.IsLoopback():
		return netstat.ScopeHost
	case a.Is6() && a.IsLinkLocalUnicast():
		return netstat.ScopeLink
	}
	return netstat.ScopeUniverse
}

// Neighbours yields the neighbours of ipNetToPhysicalTable, else of
// ipNetToMediaTable, else of atTable, leaving out what the agent calls invalid
// and the host's own addresses. The old tables tell of IPv4 alone: what is
// wanted of IPv6 then is an error after the rows. No table tells of a bridge's
// forwarding entries in these terms.
func (s *Stack) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return func(yield func(netstat.Neighbour, error) bool) {
		var zero netstat.Neighbour
		lacking, ok := s.neighbours(ctx, families, yield)
		if ok && slices.Contains(families, netstat.Bridge) {
			lacking = append(lacking, s.notSupported("read forwarding entries", "table of a bridge's forwarding entries"))
		}
		if ok && len(lacking) > 0 {
			yield(zero, join(lacking))
		}
	}
}

// neighbours yields what the best table has, and returns what no table told. ok
// is false once the sequence has ended.
func (s *Stack) neighbours(ctx context.Context, families []netstat.Family, yield func(netstat.Neighbour, error) bool) (lacking []error, ok bool) {
	four, six := wants(families, netstat.IPv4), wants(families, netstat.IPv6)
	if !four && !six {
		return nil, true
	}
	// read yields a table's rows; any is whether it has some.
	read := func(scan *scan, decode func(mib.OID, []mib.Value) (netstat.Neighbour, bool, error)) (any, ok bool) {
		for row, err := range rows(ctx, scan, nil, decode) {
			if err == nil && !wants(families, row.Family) {
				continue
			}
			if !yield(row, err) || err != nil {
				return true, false
			}
		}
		return scan.rows.Load() > 0, true
	}
	physical := newScan(s, ipmib.Neighbours.Name, tableColumns(&ipmib.Neighbours, ipNetToPhysicalColumns...))
	physical.beside, physical.tell = []column{sysUpTime}, s.tellUpTime()
	any, ok := read(physical, func(index mib.OID, values []mib.Value) (row netstat.Neighbour, ok bool, err error) {
		epoch := s.currentEpoch()
		if err = ipNetToPhysical.Index(index, &row); err == nil {
			err = ipNetToPhysical.Values(epoch, index, values, &row)
		}
		if epoch.IsZero() {
			row.Updated = time.Time{}
		}
		return row, inUse(values[ipNetToPhysicalType]), err
	})
	if any || !ok {
		return nil, ok
	}
	fail := func(err error) ([]error, bool) {
		yield(netstat.Neighbour{}, err)
		return nil, false
	}
	if has, err := s.hasAny(ctx, ipmib.Neighbours.Entry, ipv6IPForwarding); err != nil {
		return fail(err)
	} else if has {
		return nil, true
	}
	if four {
		media := newScan(s, rfc1213mib.Neighbours.Name, tableColumns(&rfc1213mib.Neighbours, ipNetToMediaColumns...))
		any, ok = read(media, func(index mib.OID, values []mib.Value) (netstat.Neighbour, bool, error) {
			row, _, err := plain(ipNetToMedia)(index, values)
			return row, inUse(values[ipNetToMediaType]), err
		})
		if ok && !any {
			at := newScan(s, rfc1213mib.Translations.Name, tableColumns(&rfc1213mib.Translations, 2))
			any, ok = read(at, plain(translations))
		}
		if !ok {
			return nil, false
		}
	}
	if !any {
		// Who counts IPv4 packets has RFC 1213's group, and an empty table.
		if has, err := s.hasAny(ctx, ipInReceives, rfc1213mib.Neighbours.Entry); err != nil {
			return fail(err)
		} else if !has {
			return []error{s.notSupported("read neighbours", ipmib.Neighbours.Name, rfc1213mib.Neighbours.Name, rfc1213mib.Translations.Name)}, true
		}
	}
	if six {
		lacking = append(lacking, s.notSupported("read IPv6 neighbours", ipmib.Neighbours.Name))
	}
	return lacking, true
}

// inUse reports whether a neighbour of that type is one.
func inUse(typ mib.Value) bool {
	return typ != mib.Int(ipmib.NeighbourInvalid) && typ != mib.Int(ipmib.NeighbourLocal)
}

// tellUpTime takes in sysUpTime as it is read beside a table.
func (s *Stack) tellUpTime() func(int, mib.Value) {
	asked := time.Now()
	return func(i int, v mib.Value) {
		if i == 0 {
			s.began(v, asked)
		}
	}
}
