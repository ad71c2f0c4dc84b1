package collectors

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/rtnetlink.h.
const (
	sizeofRtmsg        = 12
	sizeofRtnexthop    = 8
	sizeofRtaCacheinfo = 32

	// nextHopFlags are the RTNH_F_* among rtm_flags, which has RTM_F_* above
	// them.
	nextHopFlags = 0xff

	rtaPreference = 20 // RTA_PREF
	rtaNexthopID  = 30 // RTA_NH_ID

	rtaxLock             = 1  // RTAX_LOCK
	rtaxMTU              = 2  // RTAX_MTU
	rtaxWindow           = 3  // RTAX_WINDOW
	rtaxRTT              = 4  // RTAX_RTT, in eighths of a millisecond
	rtaxRTTVar           = 5  // RTAX_RTTVAR, in quarters
	rtaxSSThresh         = 6  // RTAX_SSTHRESH
	rtaxCwnd             = 7  // RTAX_CWND
	rtaxAdvMSS           = 8  // RTAX_ADVMSS
	rtaxReordering       = 9  // RTAX_REORDERING
	rtaxHopLimit         = 10 // RTAX_HOPLIMIT
	rtaxInitCwnd         = 11 // RTAX_INITCWND
	rtaxFeatures         = 12 // RTAX_FEATURES
	rtaxRTOMin           = 13 // RTAX_RTO_MIN, in milliseconds
	rtaxInitRwnd         = 14 // RTAX_INITRWND
	rtaxQuickAck         = 15 // RTAX_QUICKACK
	rtaxCCAlgo           = 16 // RTAX_CC_ALGO
	rtaxFastOpenNoCookie = 17 // RTAX_FASTOPEN_NO_COOKIE
)

var routeKind = rtnetlinkKind{
	kind: netstat.KindRoute, added: unix.RTM_NEWROUTE, removed: unix.RTM_DELROUTE,
	groups:   []int{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE},
	requests: perFamily(unix.RTM_GETROUTE, sizeofRtmsg),
	families: ipFamilies,
	decode: func(d *Decoder, flags uint16, body []byte) (ok bool, err error) {
		m := &d.message
		m.Replace, m.Append, m.Exclusive = flags&unix.NLM_F_REPLACE != 0, flags&unix.NLM_F_APPEND != 0, flags&unix.NLM_F_EXCL != 0
		if err = d.route.parse(body); err != nil {
			return true, err
		}
		m.Routes = d.route.routes(m.Routes[:0])
		return !d.route.cloned, nil
	},
}

// Routes yields the routes of the namespace from rtnetlink(7), one value for
// each next hop. Clones that the kernel keeps for single destinations (learnt
// path MTUs, redirects) are left out. The order is the kernel's: by table, and
// all IPv4 before IPv6.
//
// What changes while it is read may be there or not: the kernel does not say
// that an IPv4 table changed. Where it does say so of an IPv6 table or of the
// nexthop objects, the sequence ends with an error that matches
// netstat.ErrInterrupted.
//
// Where rtnetlink is refused, routes of the main table of IPv4 come from /proc/net/route, and of
// the main and the local one of IPv6 from /proc/net/ipv6_route, at most 32,768 of these. An error
// behind them says what is missing: it matches netstat.ErrUnknownValues where no route is, and
// netstat.ErrNotSupported where other tables are asked for.
func (k *Kernel) Routes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		families, lacking := k.families(q.Families)
		lacking = k.readError("dump routes", lacking)
		d := routeDump{kernel: k, ctx: ctx, query: q, yield: yield}
		if q.Uses && slices.Contains(families, netstat.IPv6) {
			uses, err := k.newRouteUses()
			if err != nil && !isAbsent(err) {
				yield(netstat.Route{}, k.readError("read "+procIPv6Route, err))
				return
			}
			if err == nil {
				defer uses.close()
				d.yield = func(r netstat.Route, err error) bool {
					if err == nil && r.Family() == netstat.IPv6 {
						uses.add(&r)
					}
					return yield(r, err)
				}
			}
		}
		var told []error
		for _, family := range families {
			err := d.read(family)
			if isRefused(err) {
				err = k.procRoutes(ctx, family, q, err, func(r netstat.Route) bool {
					d.stopped = !yield(r, nil)
					return !d.stopped
				})
				if err != nil && (netstat.IsComplete(err) || errors.Is(err, errOnlyMain)) {
					told, err = append(told, k.readError(fmt.Sprintf("dump %v routes", family), err)), nil
				}
			}
			if err != nil && !d.stopped {
				yield(netstat.Route{}, k.readError(fmt.Sprintf("dump %v routes", family), err))
				return
			}
			if d.stopped {
				return
			}
		}
		if err := errors.Join(append(told, lacking)...); err != nil {
			yield(netstat.Route{}, err)
		}
	}
}

// routeDump is where the rows of one query go.
type routeDump struct {
	kernel  *Kernel
	ctx     context.Context
	query   netstat.RouteQuery
	yield   func(netstat.Route, error) bool
	stopped bool

	message routeMessage
	rows    []netstat.Route // of the message at hand
	// nexthops are the nexthop objects by number, read when a route first
	// names one without saying what it is.
	nexthops map[uint32]netstat.NextHop
}

func (d *routeDump) read(family netstat.Family) error {
	body := make([]byte, sizeofRtmsg)
	body[0] = byte(family)
	if d.query.Table != 0 {
		body = appendUint32Attribute(body, unix.RTA_TABLE, d.query.Table)
	}
	interrupted, err := d.kernel.dump(d.ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETROUTE, body: body}, func(kind uint16, body []byte) (bool, error) {
		// A kernel that lacks the family answers for all of them.
		if kind != unix.RTM_NEWROUTE || len(body) > 0 && body[0] != byte(family) {
			return true, nil
		}
		if err := d.message.parse(body); err != nil {
			return false, err
		}
		return d.add()
	})
	if d.query.Table != 0 && errors.Is(err, unix.ENOENT) {
		return nil // no route ever was in that table
	}
	if err == nil && interrupted && !d.stopped {
		return netstat.ErrInterrupted
	}
	return err
}

// add yields the routes of the message at hand.
func (d *routeDump) add() (more bool, err error) {
	m := &d.message
	r := &m.route
	switch {
	case m.cloned,
		d.query.Table != 0 && r.Table != d.query.Table,
		d.query.ForwardingOnly && !r.IsForwarding():
		return true, nil
	}
	d.rows = m.routes(d.rows[:0])
	switch {
	case d.rows[0].IsUnresolved():
		// With net.ipv4.nexthop_compat_mode off the kernel names the object and
		// says nothing of what it is.
		if err := d.resolve(); err != nil {
			return false, err
		}
	case r.NextHopID != 0 && len(d.rows) > 1:
		if err := d.weigh(); err != nil {
			return false, err
		}
	}
	for i := range d.rows {
		if d.stopped = !d.yield(d.rows[i], nil); d.stopped {
			return false, nil
		}
	}
	return true, nil
}

// routes appends the route at hand, once for each next hop, to rows.
func (m *routeMessage) routes(rows []netstat.Route) []netstat.Route {
	if len(m.hops) == 1 {
		m.hops[0].weight = 0 // nothing to weigh it against
	}
	if len(m.hops) == 0 {
		return append(rows, m.route)
	}
	for _, h := range m.hops {
		rows = append(rows, h.of(&m.route))
	}
	return rows
}

// resolve replaces the route at hand by its next hops from its nexthop object.
func (d *routeDump) resolve() error {
	if err := d.readObjects(); err != nil {
		return err
	}
	route := d.rows[0]
	d.rows = route.Through(func(id uint32) (netstat.NextHop, bool) { n, ok := d.nexthops[id]; return n, ok }, d.rows[:0])
	return nil
}

// weigh takes the weights of the rows at hand from their nexthop object: the route
// itself has the lower 8 bits of them only (struct rtnexthop), the object all 16.
func (d *routeDump) weigh() error {
	if err := d.readObjects(); err != nil {
		return err
	}
	group := d.nexthops[d.rows[0].NextHopID].Group
	if len(group) != len(d.rows) {
		return nil // it has changed meanwhile
	}
	for i := range d.rows {
		d.rows[i].Weight = group[i].Weight
	}
	return nil
}

func (d *routeDump) readObjects() error {
	if d.nexthops != nil {
		return nil
	}
	objects, err := d.kernel.nexthops(d.ctx)
	if err != nil {
		return fmt.Errorf("dump nexthops: %w", err)
	}
	d.nexthops = make(map[uint32]netstat.NextHop, len(objects))
	for _, o := range objects {
		d.nexthops[o.ID] = o
	}
	return nil
}

// hop is one next hop.
type hop struct {
	gateway netip.Addr
	device  uint32
	flags   netstat.RouteFlags
	weight  uint16
	realm   uint32

	encapType netstat.EncapKind
	encap     string
}

// of returns the route by this next hop.
func (h *hop) of(r *netstat.Route) netstat.Route {
	one := *r
	one.Gateway, one.Interface, one.Weight, one.Flags = h.gateway, h.device, h.weight, h.flags
	if h.encapType != netstat.EncapNone || h.realm != 0 {
		var options netstat.RouteOptions
		if r.Options != nil {
			options = *r.Options
		}
		if h.encapType != netstat.EncapNone {
			options.EncapType, options.Encap = h.encapType, h.encap
		}
		options.Realm = cmp.Or(h.realm, options.Realm)
		one.Options = &options
	}
	return one
}

// routeMessage is a struct rtmsg and its attributes. It is used again and
// again.
type routeMessage struct {
	route  netstat.Route // of which all next hops share what is set
	cloned bool
	hops   []hop // of a multipath route
	// options is where route.Options points while they are read.
	options netstat.RouteOptions
}

func (m *routeMessage) parse(body []byte) error {
	if len(body) < sizeofRtmsg {
		return fmt.Errorf("rtmsg of %d bytes: % x", len(body), clip(body))
	}
	family := netstat.Family(body[0])
	destinationBits, sourceBits := int(body[1]), int(body[2])
	flags := binary.NativeEndian.Uint32(body[8:])
	m.cloned = flags&unix.RTM_F_CLONED != 0
	m.hops = m.hops[:0]
	m.options = netstat.RouteOptions{}
	m.route = netstat.Route{
		TOS:      netstat.Known(body[3]),
		Table:    uint32(body[4]),
		Protocol: netstat.RouteProtocol(body[5]),
		Scope:    netstat.Known(netstat.Scope(body[6])),
		Type:     netstat.RouteType(body[7]),
		Metric:   netstat.Known[uint32](0),
		Flags:    netstat.RouteFlags(flags & nextHopFlags),
	}
	r := &m.route

	var destination, source netip.Addr
	var encap []byte
	switch family {
	case netstat.IPv4:
		destination = netip.IPv4Unspecified()
	case netstat.IPv6:
		destination = netip.IPv6Unspecified()
	default:
		return fmt.Errorf("rtmsg of address family %d: % x", body[0], clip(body))
	}
	var reader attributeReader
	for a, rest := reader.next(body[sizeofRtmsg:]); a.kind != noAttribute; a, rest = reader.next(rest) {
		switch a.kind {
		case unix.RTA_DST:
			destination = reader.addr(a, family)
		case unix.RTA_SRC:
			source = reader.addr(a, family)
		case unix.RTA_OIF:
			r.Interface = reader.uint32(a)
		case unix.RTA_GATEWAY:
			r.Gateway = reader.addr(a, family)
		case unix.RTA_VIA:
			r.Gateway = reader.via(a)
		case unix.RTA_PRIORITY:
			r.Metric.Set(reader.uint32(a))
		case unix.RTA_PREFSRC:
			r.PreferredSource = reader.addr(a, family)
		case unix.RTA_TABLE:
			r.Table = reader.uint32(a)
		case rtaNexthopID:
			r.NextHopID = reader.uint32(a)
		case unix.RTA_MULTIPATH:
			if err := m.parseMultipath(a.value, family); err != nil {
				return fmt.Errorf("multipath: %w", err)
			}
		case unix.RTA_METRICS:
			if err := m.parseMetrics(a.value); err != nil {
				return fmt.Errorf("metrics: %w", err)
			}
		case unix.RTA_FLOW:
			m.options.Realm = reader.uint32(a)
		case unix.RTA_ENCAP_TYPE:
			m.options.EncapType = netstat.EncapKind(reader.uint16(a))
		case unix.RTA_ENCAP:
			encap = a.value
		case rtaPreference:
			// A signed number of two bits (RFC 4191, section 2.1).
			m.options.Preference = netstat.RouterPreference(int8(reader.uint8(a)<<6) >> 6)
		case unix.RTA_CACHEINFO:
			if len(a.value) < sizeofRtaCacheinfo {
				reader.malformed(a, "rta_cacheinfo")
				break
			}
			// Of rta_lastuse and rta_used the kernel fills nothing in for
			// routes of a table, and an expiry of 0 stands for none.
			if ticks := int32(binary.NativeEndian.Uint32(a.value[8:])); ticks != 0 {
				m.options.Expires.Set(time.Duration(max(ticks, 0)) * cacheinfoTick)
			}
		}
	}
	if reader.failed() {
		return reader.error()
	}
	var err error
	if r.Destination, err = destination.Prefix(destinationBits); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	if source.IsValid() {
		if m.options.Source, err = source.Prefix(sourceBits); err != nil {
			return fmt.Errorf("source: %w", err)
		}
	}
	if m.options.EncapType != netstat.EncapNone {
		if m.options.Encap, err = encapText(m.options.EncapType, encap); err != nil {
			return err
		}
	}
	if m.options != (netstat.RouteOptions{}) {
		options := m.options
		r.Options = &options
	}
	return nil
}

// parseMultipath reads the struct rtnexthops of RTA_MULTIPATH.
func (m *routeMessage) parseMultipath(b []byte, family netstat.Family) error {
	for len(b) >= sizeofRtnexthop {
		length := int(binary.NativeEndian.Uint16(b))
		if length < sizeofRtnexthop || length > len(b) {
			return fmt.Errorf("rtnexthop of %d bytes in %d: % x", length, len(b), clip(b))
		}
		h := hop{
			flags:  netstat.RouteFlags(b[2]),
			weight: uint16(b[3]) + 1,
			device: binary.NativeEndian.Uint32(b[4:]),
		}
		var encap []byte
		var r attributeReader
		for a, rest := r.next(b[sizeofRtnexthop:length]); a.kind != noAttribute; a, rest = r.next(rest) {
			switch a.kind {
			case unix.RTA_GATEWAY:
				h.gateway = r.addr(a, family)
			case unix.RTA_VIA:
				h.gateway = r.via(a)
			case unix.RTA_FLOW:
				h.realm = r.uint32(a)
			case unix.RTA_ENCAP_TYPE:
				h.encapType = netstat.EncapKind(r.uint16(a))
			case unix.RTA_ENCAP:
				encap = a.value
			}
		}
		if r.failed() {
			return r.error()
		}
		if h.encapType != netstat.EncapNone {
			var err error
			if h.encap, err = encapText(h.encapType, encap); err != nil {
				return err
			}
		}
		m.hops = append(m.hops, h)
		b = b[min(align4(length), len(b)):]
	}
	return nil
}

// parseMetrics reads the RTAX_* of RTA_METRICS.
func (m *routeMessage) parseMetrics(b []byte) error {
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case rtaxMTU:
			m.options.MTU = r.uint32(a)
		case rtaxWindow:
			m.options.Window = r.uint32(a)
		case rtaxRTT:
			m.options.RTT = time.Duration(r.uint32(a)) * time.Millisecond / 8
		case rtaxAdvMSS:
			m.options.AdvertisedMSS = r.uint32(a)
		case rtaxHopLimit:
			m.options.HopLimit = r.uint32(a)
		case rtaxInitCwnd:
			m.options.InitialCongestionWindow = r.uint32(a)
		case rtaxLock:
			m.options.Locked = netstat.RouteMetrics(r.uint32(a))
		case rtaxRTTVar:
			m.options.RTTVariation = time.Duration(r.uint32(a)) * time.Millisecond / 4
		case rtaxSSThresh:
			m.options.SlowStartThreshold = r.uint32(a)
		case rtaxCwnd:
			m.options.CongestionWindow = r.uint32(a)
		case rtaxReordering:
			m.options.Reordering = r.uint32(a)
		case rtaxFeatures:
			m.options.Features = netstat.RouteFeatures(r.uint32(a))
		case rtaxRTOMin:
			m.options.MinRTO = time.Duration(r.uint32(a)) * time.Millisecond
		case rtaxInitRwnd:
			m.options.InitialReceiveWindow = r.uint32(a)
		case rtaxQuickAck:
			m.options.QuickAck = r.uint32(a) != 0
		case rtaxCCAlgo:
			m.options.Congestion = a.string()
		case rtaxFastOpenNoCookie:
			m.options.FastOpenNoCookie = r.uint32(a) != 0
		}
	}
	return r.error()
}

// via returns the value, a struct rtvia, as an address.
func (r *attributeReader) via(a nlAttr) netip.Addr {
	if len(a.value) < 2 {
		r.malformed(a, "an rtvia")
		return netip.Addr{}
	}
	return r.addr(nlAttr{a.kind, a.value[2:]}, netstat.Family(binary.NativeEndian.Uint16(a.value)))
}
