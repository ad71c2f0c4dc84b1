package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const procRoute = "/proc/net/route"

// What is unknown of routes without rtnetlink, in words.
const (
	untoldOfRoutes4 = "protocols, preferred sources, scopes that are not the usual ones, TOS, further next hops, or types beyond unicast, unreachable (or prohibit) and blackhole (or throw)"
	untoldOfRoutes6 = "tables, protocols, preferred sources, lifetimes, metrics of paths, weights, or types beyond unicast, local, anycast, multicast and unreachable (or such)"
)

// Flags of routes (include/uapi/linux/route.h, ipv6_route.h).
const (
	rtfReject   = 0x0200     // RTF_REJECT
	rtfAnycast  = 0x00100000 // RTF_ANYCAST
	rtfNonext   = 0x00200000 // RTF_NONEXTHOP
	rtfCache    = 0x01000000 // RTF_CACHE
	rtfLocal    = 0x80000000 // RTF_LOCAL
	noProcIndex = "*"        // of a route without a device
)

// errOnlyMain says that /proc/net/route has the routes of one table.
var errOnlyMain = fmt.Errorf("%w: %s lists the main table alone", netstat.ErrNotSupported, procRoute)

// procRoutes yields the routes of a query that /proc/net/route or ipv6_route lists, whose family it
// is. refused is why they are read there. The error behind them says what is missing.
func (k *Kernel) procRoutes(ctx context.Context, family netstat.Family, q netstat.RouteQuery, refused error, yield func(netstat.Route) bool) error {
	names, err := k.newInterfaceIndexes()
	if err != nil {
		return err
	}
	defer names.close()
	selected := func(r *netstat.Route) bool {
		return (q.Table == 0 || r.Table == q.Table) && (!q.ForwardingOnly || r.IsForwarding())
	}
	if family == netstat.IPv6 {
		return k.procRoutes6(ctx, q, refused, names, selected, yield)
	}
	if q.Table != 0 && q.Table != netstat.TableMain {
		return fmt.Errorf("%w (%w)", errOnlyMain, refused)
	}
	err = k.readLines(ctx, procRoute, func(l *lines) {
		parseProcRoute(l, names.index, func(r *netstat.Route) bool { return !selected(r) || yield(*r) })
	})
	switch {
	case err != nil:
		return absentFile(err)
	case q.Table == 0:
		return fmt.Errorf("%w (%w)", errOnlyMain, refused)
	}
	return &toldByProc{refused, procRoute, untoldOfRoutes4}
}

// interfaceIndexes tells the indexes of a namespace's interfaces by their names (netdevice(7),
// SIOCGIFINDEX).
type interfaceIndexes struct {
	socket int
	known  map[string]uint32
}

func (k *Kernel) newInterfaceIndexes() (*interfaceIndexes, error) {
	socket, err := k.interfaceSocket()
	if err != nil {
		return nil, err
	}
	return &interfaceIndexes{socket, make(map[string]uint32)}, nil
}

func (n *interfaceIndexes) close() { unix.Close(n.socket) }

// index returns the index of an interface, 0 where there is none.
func (n *interfaceIndexes) index(name string) uint32 {
	index, ok := n.known[name]
	if !ok {
		var request ifreq
		if len(name) < len(request.name) {
			copy(request.name[:], name)
			if askInterface(n.socket, unix.SIOCGIFINDEX, &request) == nil {
				index = request.number32()
			}
		}
		n.known[name] = index
	}
	return index
}

// parseProcRoute calls each with the routes of /proc/net/route (net/ipv4/fib_trie.c,
// fib_route_seq_show): of a multipath route there is one next hop. The columns end with blanks. The scope is the one
// that ip-route(8) gives such a route.
//
//	Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
//	eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
func parseProcRoute(l *lines, index func(name string) uint32, each func(*netstat.Route) bool) {
	const columns = 11
	for l.next() {
		if l.number == 1 {
			continue
		}
		f := l.fields()
		if len(f) != columns {
			l.fail("%d fields, not %d", len(f), columns)
			return
		}
		// In network order, printed as a number of this machine.
		address := func(text []byte) (a [4]byte) {
			binary.NativeEndian.PutUint32(a[:], l.uint32(text, 16))
			return a
		}
		destination, gateway, mask := address(f[1]), address(f[2]), address(f[7])
		flags, metric := l.uint32(f[3], 16), l.uint32(f[6], 10)
		mss, window, rtt := l.uint32(f[8], 10), l.uint32(f[9], 10), l.uint32(f[10], 10)
		bits := prefixBits(binary.BigEndian.Uint32(mask[:]))
		if bits < 0 {
			l.fail("a mask with holes")
		}
		if l.err != nil {
			return
		}
		r := netstat.Route{
			Scope:       netstat.Known(netstat.ScopeLink),
			Destination: netip.PrefixFrom(netip.AddrFrom4(destination), bits).Masked(), Table: netstat.TableMain,
			Metric: netstat.Known(metric), Type: netstat.RouteUnicast, UnknownFlags: ^netstat.RouteFlags(0),
		}
		if gateway != [4]byte{} {
			r.Gateway, r.Scope = netip.AddrFrom4(gateway), netstat.Known(netstat.ScopeUniverse)
		}
		device := string(f[0])
		if device != noProcIndex {
			r.Interface = index(device)
		}
		switch {
		case flags&rtfReject != 0:
			r.Type = netstat.RouteUnreachable
		case device == noProcIndex:
			r.Type = netstat.RouteBlackhole
		}
		if r.Type != netstat.RouteUnicast {
			r.Scope.Set(netstat.ScopeUniverse)
		}
		if mss != 0 || window != 0 || rtt != 0 {
			const headers = 40 // which the kernel adds to the MSS
			r.Options = &netstat.RouteOptions{AdvertisedMSS: mss - min(mss, headers), Window: window, RTT: time.Duration(rtt) * time.Millisecond}
		}
		if !each(&r) {
			return
		}
	}
}
