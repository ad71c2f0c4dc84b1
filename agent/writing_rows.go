package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// isAdministrators reports whether a route or neighbour of a protocol is the administrator's. All
// others have an owner that would go on as if they were there, or make them again: a routing daemon,
// a DHCP client, router advertisements, the kernel.
func isAdministrators(p netstat.RouteProtocol) bool {
	switch p {
	case netstat.RouteProtocolUnspecified, netstat.RouteProtocolBoot, netstat.RouteProtocolStatic:
		return true
	}
	return false
}

// rowOf makes an Assignment of what a stack prepared for a row that can be made and removed.
// device is the column that names the interface, where one does.
func rowOf[R any](c *mib.Change[R], device string, w netstat.Write, err error) (mib.Assignment, error) {
	switch {
	case errors.Is(err, fs.ErrNotExist) && device != "":
		err = c.Refuse(mib.InconsistentValue, device, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, netstat.ErrNotSupported):
		err = c.Refuse(mib.InconsistentValue, "", err)
	}
	return mib.Assignment(w), err
}

// goneIsRemoved makes of the removal of something whole one that counts as made where what it removes
// is gone by then: another variable of the request, or somebody else, was quicker.
func goneIsRemoved(w netstat.Write) netstat.Write {
	gone, commit, undo := false, w.Commit, w.Undo
	if commit == nil {
		return w
	}
	w.Commit = func(ctx context.Context) error {
		err := commit(ctx)
		if gone = errors.Is(err, fs.ErrNotExist); gone {
			return nil
		}
		return err
	}
	if undo != nil {
		w.Undo = func(ctx context.Context) error {
			if gone {
				return nil
			}
			return undo(ctx)
		}
	}
	return w
}

// routeWriter binds the writer of inetCidrRouteTable, where the stack has one.
func routeWriter(s *sources, t *mib.Table[netstat.Route]) *mib.Table[netstat.Route] {
	writer, ok := s.stack.(netstat.RouteWriter)
	if !ok {
		return t
	}
	w := &routeWrites{s, writer, make(map[routeKey][]netstat.Route)}
	return t.WrittenBy(w.write)
}

// routeWrites gives routes their next hops, and takes them. A row is one next hop, and the kernel
// has a route with all of its next hops.
type routeWrites struct {
	sources *sources
	writer  netstat.RouteWriter
	// pending are the next hops that routes have once what was tested is made: rows of one
	// request build on each other.
	pending map[routeKey][]netstat.Route
}

// routeKey is what tells routes apart.
type routeKey struct {
	destination, source netip.Prefix
	table, metric       uint32
	tos                 uint8
}

func keyOf(r *netstat.Route) routeKey {
	k := routeKey{destination: r.Destination, table: r.Table, metric: r.Metric.Or(0), tos: r.TOS.Or(0)}
	if r.Options != nil {
		k.source = r.Options.Source
	}
	return k
}

func (w *routeWrites) write(ctx context.Context, c *mib.Change[netstat.Route]) (mib.Assignment, error) {
	refuse := func(format string, a ...any) (mib.Assignment, error) {
		return mib.Assignment{}, c.Refuse(mib.InconsistentValue, "", fmt.Errorf(format, a...))
	}
	key := keyOf(&c.Row)
	was, ok := w.pending[key]
	if !ok {
		var err error
		if was, err = w.hops(ctx, key, c.Was); err != nil {
			return mib.Assignment{}, err
		}
	}
	for i := range was {
		switch r := &was[i]; {
		case !isAdministrators(r.Protocol):
			return refuse("the route is of protocol %d", r.Protocol)
		case r.NextHopID != 0 && (len(was) > 1 || !c.Removes()):
			return refuse("the route is by nexthop object %d", r.NextHopID)
		}
	}
	to := slices.Clone(was)
	if c.Was != nil {
		at := slices.IndexFunc(to, func(r netstat.Route) bool { return sameHop(&r, c.Was) })
		if at < 0 {
			return refuse("the next hop is another one by now")
		}
		to = slices.Delete(to, at, at+1)
	}
	if !c.Removes() {
		if len(to) > 0 && (!isHop(&to[0]) || !isHop(&c.Row)) {
			return refuse("there is a route that cannot have further next hops")
		}
		to = append(to, c.Row)
		for i := range to[:len(to)-1] {
			to[i].Weight = max(to[i].Weight, 1)
		}
		alike(to)
	}
	write, err := w.writer.PrepareRoute(ctx, was, to)
	if len(to) == 0 {
		write = goneIsRemoved(write)
	}
	a, err := rowOf(c, "inetCidrRouteIfIndex", write, err)
	if err != nil {
		return a, err
	}
	w.pending[key] = to
	return a.Then(mib.Assignment{Cleanup: func() { delete(w.pending, key) }}), nil
}

func sameHop(a, b *netstat.Route) bool {
	return a.Type == b.Type && a.Gateway == b.Gateway && (a.Interface == b.Interface || a.Interface == 0 || b.Interface == 0)
}

// isHop reports whether a route can be one of several next hops: of IPv6 it has a gateway.
func isHop(r *netstat.Route) bool {
	return r.Type == netstat.RouteUnicast && (r.Gateway.IsValid() || r.Family() == netstat.IPv4)
}

// alike gives the last of several next hops what all of a route have in common.
func alike(hops []netstat.Route) {
	if len(hops) == 1 {
		return
	}
	last := &hops[len(hops)-1]
	gateway, device, weight := last.Gateway, last.Interface, last.Weight
	*last = hops[0]
	last.Gateway, last.Interface, last.Weight, last.Flags = gateway, device, max(weight, 1), 0
}

// hops returns the next hops of the kernel's route with a key: of the one that has a next hop, and of the
// first where that is nil.
func (w *routeWrites) hops(ctx context.Context, key routeKey, with *netstat.Route) ([]netstat.Route, error) {
	all, err := w.routes(ctx, key)
	if err != nil {
		return nil, err
	}
	for route := range oneByOne(all) {
		if with == nil || slices.ContainsFunc(route, func(r netstat.Route) bool { return sameHop(&r, with) }) {
			return route, nil
		}
	}
	return nil, nil
}

// oneByOne yields the routes among next hops that stand one behind the other.
func oneByOne(hops []netstat.Route) iter.Seq[[]netstat.Route] {
	return func(yield func([]netstat.Route) bool) {
		for len(hops) > 0 {
			n := 1
			for hops[0].Weight > 0 && n < len(hops) && hops[n].Weight > 0 && hops[n].Protocol == hops[0].Protocol {
				n++
			}
			if !yield(hops[:n:n]) {
				return
			}
			hops = hops[n:]
		}
	}
}

// routes returns the next hops of all routes with a key.
func (w *routeWrites) routes(ctx context.Context, key routeKey) (found []netstat.Route, err error) {
	if w.sources.tracks(netstat.KindRoute) {
		if err := w.sources.live.Wait(ctx); err != nil {
			return nil, err
		}
		for _, r := range w.sources.live.Snapshot().Route(key.destination, key.table) {
			if keyOf(&r) == key {
				found = append(found, r)
			}
		}
		return found, nil
	}
	for r, err := range w.sources.stack.Routes(ctx, netstat.RouteQuery{Table: key.table}) {
		if err != nil {
			return nil, err
		}
		if keyOf(&r) == key {
			found = append(found, r)
		}
	}
	return found, nil
}

// neighbourWriter binds the writer of ipNetToPhysicalTable, where the stack has one.
func neighbourWriter(s *sources, t *mib.Table[netstat.Neighbour]) *mib.Table[netstat.Neighbour] {
	writer, ok := s.stack.(netstat.NeighbourWriter)
	if !ok {
		return t
	}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.Neighbour]) (mib.Assignment, error) {
		if was := c.Was; was != nil && (!isAdministrators(was.Protocol) || was.Flags&netstat.NeighbourExternallyLearn != 0) {
			return mib.Assignment{}, c.Refuse(mib.InconsistentValue, "", fmt.Errorf("the entry is of protocol %d", was.Protocol))
		}
		to := &c.Row
		if c.Removes() {
			to = nil
		}
		w, err := writer.PrepareNeighbour(ctx, c.Was, to)
		if to == nil {
			w = goneIsRemoved(w)
		}
		if errors.Is(err, fs.ErrInvalid) {
			err = c.Refuse(mib.InconsistentValue, "ipNetToPhysicalPhysAddress", err)
		}
		return rowOf(c, "", w, err)
	})
}

// addressWriter binds the writer of ipAddressTable, where the stack has one.
func addressWriter(s *sources, t *mib.Table[netstat.Address]) *mib.Table[netstat.Address] {
	writer, ok := s.stack.(netstat.AddressWriter)
	if !ok {
		return t
	}
	prefixes := linkPrefixes{sources: s}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.Address]) (mib.Assignment, error) {
		if c.Was != nil && !ipmib.IsManual(c.Was) {
			return mib.Assignment{}, c.Refuse(mib.InconsistentValue, "", errors.New("the address is not the administrator's"))
		}
		if c.Removes() {
			w, err := writer.PrepareAddress(ctx, c.Was, nil)
			return rowOf(c, "", goneIsRemoved(w), err)
		}
		to := c.Row
		to.Preferred.Set(netstat.Forever)
		to.Valid.Set(netstat.Forever)
		if to.Flags&netstat.AddressDeprecated != 0 {
			to.Preferred.Set(0)
		}
		if c.Was != nil {
			if to.Interface != c.Was.Interface {
				return mib.Assignment{}, c.Refuse(mib.InconsistentValue, "ipAddressIfIndex", errors.New("another interface has the address by now"))
			}
			w, err := writer.PrepareAddress(ctx, c.Was, &to)
			return rowOf(c, "", w, err)
		}
		if !to.Prefix.IsValid() {
			bits, err := prefixes.length(ctx, to.Interface, to.Prefix.Addr())
			if err != nil {
				return mib.Assignment{}, err
			}
			to.Prefix = netip.PrefixFrom(to.Prefix.Addr(), bits)
		}
		if to.Prefix.Addr().IsLoopback() {
			to.Scope = netstat.ScopeHost
		}
		w, err := writer.PrepareAddress(ctx, nil, &to)
		return rowOf(c, "ipAddressIfIndex", w, err)
	})
}

// linkPrefixes are the prefixes of each interface, as of one reading.
type linkPrefixes struct {
	sources *sources
	read    []netstat.Address
	of      map[uint32][]netip.Prefix
}

// length returns the length of the prefix that a new address has: that of the longest one of its
// interface which it belongs to, or else all of its bits. RFC 4293 lets nobody write it.
func (p *linkPrefixes) length(ctx context.Context, index uint32, a netip.Addr) (bits int, err error) {
	addresses, err := p.sources.readings.Addresses.Get(ctx)
	if err != nil {
		return 0, err
	}
	if p.of == nil || len(addresses) != len(p.read) || len(addresses) > 0 && &addresses[0] != &p.read[0] {
		p.read, p.of = addresses, make(map[uint32][]netip.Prefix)
		for _, prefix := range ipmib.PrefixesOf(addresses) {
			if !prefix.Prefix.IsSingleIP() {
				p.of[prefix.Interface] = append(p.of[prefix.Interface], prefix.Prefix)
			}
		}
	}
	bits = -1
	for _, prefix := range p.of[index] {
		if prefix.Contains(a) {
			bits = max(bits, prefix.Bits())
		}
	}
	if bits < 0 {
		bits = a.BitLen()
	}
	return bits, nil
}

// ipInterfaceWriter binds the writer of ipv6InterfaceTable, where the stack has one.
func ipInterfaceWriter(s *sources, t *mib.Table[netstat.IPInterface]) *mib.Table[netstat.IPInterface] {
	writer, ok := s.stack.(netstat.IPInterfaceWriter)
	if !ok {
		return t
	}
	return t.WrittenBy(func(ctx context.Context, c *mib.Change[netstat.IPInterface]) (mib.Assignment, error) {
		w, err := writer.PrepareIPInterface(ctx, c.Row.Interface, netstat.IPv6, c.Row.Enabled.Or(true))
		return assignment(c, "ipv6InterfaceEnableStatus", w, err)
	})
}
