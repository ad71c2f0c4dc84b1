package remote

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The columns that a row holds something of.
var (
	ipAddressColumns       = []uint32{3, 4, 5, 6, 7}
	ipAdEntColumns         = []uint32{1, 2, 3}
	ipNetToPhysicalColumns = []uint32{4, 5, 6, 7}
	ipNetToMediaColumns    = []uint32{2, 4}

	ipAddresses     = decoderOf(ipmib.Addresses, ipAddressColumns...)
	ipAddrs         = decoderOf(rfc1213mib.Addresses, ipAdEntColumns...)
	ipNetToPhysical = decoderOf(ipmib.Neighbours, ipNetToPhysicalColumns...)
	ipNetToMedia    = decoderOf(rfc1213mib.Neighbours, ipNetToMediaColumns...)
	translations    = decoderOf(rfc1213mib.Translations, 1, 2)
)

// Where some of them stand.
const (
	ipAddressType       = 1
	ipAdEntAddr         = 0
	ipAdEntIfIndex      = 1
	ipNetToPhysicalType = 2
	ipNetToMediaType    = 1
)

var (
	// ipv6IpForwarding came with RFC 4293's tables of both families.
	ipv6IPForwarding = sync.OnceValue(func() mib.OID { return ipmib.IPv4Statistics().OID.Sub(25) })
	ipInReceives     = sync.OnceValue(func() mib.OID { return ipmib.IPv4Statistics().OID.Sub(3) })
)

// Addresses yields the unicast and anycast addresses of ipAddressTable, and those of ipAddrTable where
// that has none of IPv4: agents exist that show only one family there. What no table tells of is an
// error after the rows, as is whatever else could not be read. An address of IPv4 whose prefix
// ipAddressTable does not tell ({0 0}, or no pointer) has the mask of ipAddrTable, and comes last. An
// address whose prefix the agent does not tell anywhere has a prefix length of -1, which makes its
// Prefix invalid and leaves Prefix.Addr. Scopes are those that addresses have by themselves.
func (s *Stack) Addresses(ctx context.Context) iter.Seq2[netstat.Address, error] {
	return func(yield func(netstat.Address, error) bool) {
		var errs []error
		scoped := func(d *mib.RowDecoder[netstat.Address]) decoding[netstat.Address] {
			return func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Address, bool, error) {
				row, ok, err := plain(d)(index, values, odd)
				row.Scope = scopeOf(row.Prefix.Addr())
				return row, ok, err
			}
		}
		both := scoped(ipAddresses())
		decode := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Address, bool, error) {
			row, ok, err := both(index, values, odd)
			return row, ok && values[ipAddressType] != mib.Int(ipmib.TypeBroadcast), err
		}
		four, six := 0, 0
		var unmasked []netstat.Address // of IPv4, while ipAddrTable may have their masks
		held := true
		read := func(rows iter.Seq2[netstat.Address, error]) (ok bool) {
			for row, err := range rows {
				if err != nil {
					errs = append(errs, err)
					break
				}
				if row.Prefix.Addr().Is4() {
					four++
					if held && !row.Prefix.IsValid() {
						unmasked = append(unmasked, row)
						continue
					}
				} else {
					six++
				}
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		if !read(rows(ctx, newScan(s, ipmib.Addresses().Name, tableColumns(ipmib.Addresses(), ipAddressColumns...)), nil, decode)) {
			return
		}
		old := func(index mib.OID, values []mib.Value, odd func(error)) (netstat.Address, bool, error) {
			told := values[ipAdEntAddr].Type() == mib.IPAddress
			if !told {
				index = addressWithin(index, values[ipAdEntIfIndex])
			}
			row, ok, err := scoped(ipAddrs())(index, values, odd)
			if err == nil || !told {
				return row, ok, err
			}
			// Agents exist whose index is a line's number, and not the address.
			row = netstat.Address{}
			ipAddrs().Implied(&row)
			ipAddrs().Values(noEpoch, index, values, &row, odd)
			row.Scope = scopeOf(row.Prefix.Addr())
			return row, true, nil
		}
		older := rows(ctx, newScan(s, rfc1213mib.Addresses().Name, tableColumns(rfc1213mib.Addresses(), ipAdEntColumns...)), nil, old)
		if held = false; len(unmasked) > 0 && !isOver(errs) {
			errs = appendError(errs, takeMasks(unmasked, older))
		}
		for _, row := range unmasked {
			if !yield(row, nil) {
				return
			}
		}
		if n := six; four == 0 && !isOver(errs) {
			if !read(older) {
				return
			}
			switch {
			case four+six == 0 && len(errs) == 0:
				errs = append(errs, s.notSupported("read addresses", ipmib.Addresses().Name, rfc1213mib.Addresses().Name))
			case four > 0 && n == 0:
				errs = append(errs, s.notSupported("read IPv6 addresses", ipmib.Addresses().Name))
			}
		}
		if len(errs) > 0 {
			yield(netstat.Address{}, join(errs))
		}
	}
}

// takeMasks gives addresses without a prefix length those that rows of another table
// have for them, and returns what of these could not be read.
func takeMasks(addresses []netstat.Address, rows iter.Seq2[netstat.Address, error]) (err error) {
	lengths := make(map[netip.Addr]int)
	for row, failure := range rows {
		switch {
		case failure != nil:
			err = failure
		case row.Prefix.IsValid():
			lengths[row.Prefix.Addr()] = row.Prefix.Bits()
		}
	}
	for i := range addresses {
		a := addresses[i].Prefix.Addr()
		if bits, told := lengths[a]; told {
			addresses[i].Prefix = netip.PrefixFrom(a, bits)
		}
	}
	return err
}

// addressWithin cuts the address out of an index of ipAddrTable that has one or two
// numbers more: agents exist that put the row's interface in front, and others that number
// the rows of one address behind it. Which of the two it is, ipAdEntIfIndex tells. Any
// other index is returned as it is.
func addressWithin(index mib.OID, interfaceIndex mib.Value) mib.OID {
	const octets, most = 4, 6
	if n := index.Len(); n <= octets || n > most || interfaceIndex.Type() != mib.Integer32 {
		return index
	}
	first, behind, _ := index.CutSubidentifier()
	if behind.Len() == octets && int64(first) == int64(interfaceIndex.Int()) {
		return behind
	}
	var address [octets]uint32
	for i := range address {
		address[i], index, _ = index.CutSubidentifier()
	}
	return mib.MakeOID(address[:]...)
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

// Neighbours yields the neighbours of ipNetToPhysicalTable, and where that has none
// of IPv4, which is so of agents that have only the other family there, those of
// ipNetToMediaTable, else of atTable. It leaves out what the agent calls invalid and
// the host's own addresses. What no table tells of is an error after the rows, as is
// whatever else could not be read. No table tells of a bridge's forwarding entries
// in these terms.
func (s *Stack) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return func(yield func(netstat.Neighbour, error) bool) {
		var zero netstat.Neighbour
		errs, ok := s.neighbours(ctx, families, yield)
		if ok && slices.Contains(families, netstat.Bridge) && !isOver(errs) {
			errs = append(errs, s.notSupported("read forwarding entries", "table of a bridge's forwarding entries"))
		}
		if ok && len(errs) > 0 {
			yield(zero, join(errs))
		}
	}
}

// neighbours yields what the tables have, and returns what no table told and what
// went wrong. ok is false once nobody wants more.
func (s *Stack) neighbours(ctx context.Context, families []netstat.Family, yield func(netstat.Neighbour, error) bool) (errs []error, ok bool) {
	wantsFour, wantsSix := wants(families, netstat.IPv4), wants(families, netstat.IPv6)
	if !wantsFour && !wantsSix {
		return nil, true
	}
	four := 0 // rows of IPv4, in use or not
	// read yields a table's rows that are in use.
	read := func(scan *scan, typ int, decode decoding[netstat.Neighbour]) bool {
		counted := func(index mib.OID, values []mib.Value, odd func(error)) (row netstat.Neighbour, ok bool, err error) {
			row, ok, err = decode(index, values, odd)
			return row, ok && (typ < 0 || inUse(values[typ])), err
		}
		for row, err := range rows(ctx, scan, nil, counted) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			if row.Family == netstat.IPv4 {
				four++
			}
			if wants(families, row.Family) && !yield(row, nil) {
				return false
			}
		}
		return true
	}
	physical := newScan(s, ipmib.Neighbours().Name, tableColumns(ipmib.Neighbours(), ipNetToPhysicalColumns...))
	physical.beside, physical.tell = []column{sysUpTime}, s.tellUpTime()
	decode := func(index mib.OID, values []mib.Value, odd func(error)) (row netstat.Neighbour, ok bool, err error) {
		epoch := s.currentEpoch()
		if err = ipNetToPhysical().Index(index, &row); err == nil {
			ipNetToPhysical().Values(epoch, index, values, &row, odd)
		}
		if epoch.IsZero() {
			row.Updated = time.Time{}
		}
		row.Updated = past(row.Updated)
		return row, true, err
	}
	if !read(physical, ipNetToPhysicalType, decode) {
		return nil, false
	}
	any := physical.rows.Load() > 0
	if four == 0 && wantsFour && !isOver(errs) {
		media := newScan(s, rfc1213mib.Neighbours().Name, tableColumns(rfc1213mib.Neighbours(), ipNetToMediaColumns...))
		if !read(media, ipNetToMediaType, plain(ipNetToMedia())) {
			return nil, false
		}
		if media.rows.Load() == 0 && !isOver(errs) {
			at := newScan(s, rfc1213mib.Translations().Name, tableColumns(rfc1213mib.Translations(), 1, 2))
			if !read(at, -1, plain(translations())) {
				return nil, false
			}
		}
	}
	if any || len(errs) > 0 {
		return errs, true
	}
	if has, err := s.hasAny(ctx, ipmib.Neighbours().Entry, ipv6IPForwarding()); err != nil || has {
		return appendError(errs, err), true
	}
	if four == 0 {
		// Who counts IPv4 packets has RFC 1213's group, and an empty table.
		if has, err := s.hasAny(ctx, ipInReceives(), rfc1213mib.Neighbours().Entry); err != nil {
			return append(errs, err), true
		} else if !has {
			return append(errs, s.notSupported("read neighbours", ipmib.Neighbours().Name, rfc1213mib.Neighbours().Name, rfc1213mib.Translations().Name)), true
		}
	}
	if wantsSix {
		errs = append(errs, s.notSupported("read IPv6 neighbours", ipmib.Neighbours().Name))
	}
	return errs, true
}

// appendError appends an error that there is.
func appendError(errs []error, err error) []error {
	if err != nil {
		errs = append(errs, err)
	}
	return errs
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
