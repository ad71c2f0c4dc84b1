package collectors

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const procIPv6Route = "/proc/net/ipv6_route"

// procRoute6 is a line of /proc/net/ipv6_route.
type procRoute6 struct {
	destination, source netip.Prefix
	gateway             netip.Addr // the zero Addr for none
	metric              uint32
	references, uses    uint32
	flags               uint32 // RTF_*
	device              string
}

// parseProcRoute6 reads the line at hand (net/ipv6/route.c, rt6_info_route in older and
// ipv6_route_native_seq_show in newer kernels): destination and source with their lengths, next
// hop, metric, references, uses, flags, device, all numbers hexadecimal.
//
//	fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
func parseProcRoute6(l *lines) (r procRoute6, ok bool) {
	const columns = 10
	f := l.fields()
	if len(f) != columns {
		l.fail("%d fields, not %d", len(f), columns)
		return r, false
	}
	prefix := func(address, bits []byte) netip.Prefix {
		n := l.uint32(bits, 16)
		if n > 128 {
			l.fail("a prefix of %d bits", n)
			return netip.Prefix{}
		}
		return netip.PrefixFrom(procAddress6(l, address), int(n))
	}
	r.destination, r.source = prefix(f[0], f[1]), prefix(f[2], f[3])
	if gateway := procAddress6(l, f[4]); gateway.IsValid() && !gateway.IsUnspecified() {
		r.gateway = gateway
	}
	r.metric, r.references, r.uses, r.flags = l.uint32(f[5], 16), l.uint32(f[6], 16), l.uint32(f[7], 16), l.uint32(f[8], 16)
	r.device = string(f[9])
	return r, l.err == nil
}

// procAddress6 reads an IPv6 address of 32 hexadecimal digits in network order.
func procAddress6(l *lines, text []byte) netip.Addr {
	var a [16]byte
	if len(text) != 2*len(a) {
		l.fail("an address of %d digits", len(text))
		return netip.Addr{}
	}
	if _, err := hex.Decode(a[:], text); err != nil {
		l.fail("%w", err)
		return netip.Addr{}
	}
	return netip.AddrFrom16(a)
}

// isOf reports whether the line is that of a route whose device has a name. A route through a
// nexthop object may not say where it goes.
func (p *procRoute6) isOf(r *netstat.Route, device string) bool {
	source := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	if r.Options != nil && r.Options.Source.IsValid() {
		source = r.Options.Source
	}
	if p.destination != r.Destination || p.source != source || p.metric != r.Metric.Or(0) {
		return false
	}
	return r.NextHopID != 0 && !r.Gateway.IsValid() || p.gateway == r.Gateway && p.device == device
}

// mostUses bounds the lines that are read of the file. The kernel goes through all routes before those of each
// page of it, so that 100,000 take 18 s, and a dump of as many 0.2 s.
const mostUses = 4096

// routeUses gives routes of a dump how often they are referred to and used, which the file alone
// tells. Both go through the same trees in the same order, but for rows that come and go, so
// that few lines are held at a time.
type routeUses struct {
	taken int // lines of the file
	file  *os.File
	lines *lines
	names *interfaceNames
	held  []procRoute6
}

// Lines that are held, and how many of them may stand before the one that was looked for last.
const (
	mostHeld   = 256
	mostBefore = 64
)

func (k *Kernel) newRouteUses() (*routeUses, error) {
	u := new(routeUses)
	err := k.inside(func() (err error) {
		u.file, err = os.Open(ofThread(procIPv6Route))
		return err
	})
	if err != nil {
		return nil, err
	}
	if u.names, err = k.newInterfaceNames(); err != nil {
		u.file.Close()
		return nil, err
	}
	u.lines = newLines(procIPv6Route, u.file)
	return u, nil
}

func (u *routeUses) close() {
	u.file.Close()
	u.names.close()
}

// add completes a route, where the file has it.
func (u *routeUses) add(r *netstat.Route) {
	device := u.names.name(r.Interface)
	for i := 0; i < mostHeld; i++ {
		if i == len(u.held) {
			if u.taken++; u.taken > mostUses || !u.lines.next() {
				return
			}
			line, ok := parseProcRoute6(u.lines)
			if !ok {
				return
			}
			u.held = append(u.held, line)
		}
		if !u.held[i].isOf(r, device) {
			continue
		}
		var options netstat.RouteOptions
		if r.Options != nil {
			options = *r.Options // it may be shared
		}
		options.References.Set(u.held[i].references)
		options.Uses.Set(u.held[i].uses)
		r.Options = &options
		u.held = slices.Delete(u.held, i, i+1)
		u.held = slices.Delete(u.held, 0, max(0, i-mostBefore))
		return
	}
}

// mostProcRoutes6 bounds the routes that are read of the file in rtnetlink's stead: as many take two
// seconds, and twice as many eight.
const mostProcRoutes6 = 1 << 15

// procRoutes6 yields the routes of the file that are selected. The file does not tell tables: those of
// the host's own addresses, of anycasts and of multicasts are of the table local here, where the
// kernel has them, and all others of the main one.
func (k *Kernel) procRoutes6(ctx context.Context, q netstat.RouteQuery, refused error, names *interfaceIndexes, selected func(*netstat.Route) bool, yield func(netstat.Route) bool) error {
	if q.Table != 0 && q.Table != netstat.TableMain && q.Table != netstat.TableLocal {
		return fmt.Errorf("%w: %s does not tell tables (%w)", netstat.ErrNotSupported, procIPv6Route, refused)
	}
	cut := false
	err := k.readLines(ctx, procIPv6Route, func(l *lines) {
		for l.next() {
			if cut = l.number > mostProcRoutes6; cut {
				return
			}
			line, ok := parseProcRoute6(l)
			if !ok {
				return
			}
			if line.flags&rtfCache != 0 || line.isNull() {
				continue
			}
			r := line.route(names.index, q.Uses)
			if selected(&r) && !yield(r) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return absentFile(err)
	case cut:
		return fmt.Errorf("only the first %d routes were read of %s, which takes the kernel four times as long for twice as many: %w", mostProcRoutes6, procIPv6Route, refused)
	}
	return &toldByProc{refused, procIPv6Route, untoldOfRoutes6}
}

// isNull reports whether the line is the kernel's mark for the end of a table (fib6_null_entry), which
// rtnetlink leaves out.
func (p *procRoute6) isNull() bool {
	return p.destination.Bits() == 0 && p.metric == 1<<32-1 && p.flags&(rtfReject|rtfNonext) == rtfReject|rtfNonext
}

// route returns the line as a route.
func (p *procRoute6) route(index func(name string) uint32, uses bool) netstat.Route {
	r := netstat.Route{
		Destination: p.destination.Masked(), Gateway: p.gateway, Table: netstat.TableMain, Interface: index(p.device),
		Metric: netstat.Known(p.metric), Type: netstat.RouteUnicast, UnknownFlags: ^netstat.RouteFlags(0),
	}
	switch {
	case p.flags&rtfReject != 0:
		r.Type = netstat.RouteUnreachable
	case p.flags&rtfLocal != 0:
		r.Type, r.Table = netstat.RouteLocal, netstat.TableLocal
	case p.flags&rtfAnycast != 0:
		r.Type, r.Table = netstat.RouteAnycast, netstat.TableLocal
	case p.destination.Addr().IsMulticast():
		r.Type, r.Table = netstat.RouteMulticast, netstat.TableLocal
	}
	options := netstat.RouteOptions{}
	if p.source.Bits() > 0 {
		options.Source = p.source
	}
	if uses {
		options.References.Set(p.references)
		options.Uses.Set(p.uses)
	}
	if options != (netstat.RouteOptions{}) {
		r.Options = &options
	}
	return r
}
