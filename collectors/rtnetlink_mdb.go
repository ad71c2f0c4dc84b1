package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/if_bridge.h.
const (
	sizeofBrPortMsg  = 8  // struct br_port_msg
	sizeofBrMDBEntry = 28 // struct br_mdb_entry

	mdbaMDB       = 1 // MDBA_MDB
	mdbaRouter    = 2 // MDBA_ROUTER
	mdbaEntry     = 1 // MDBA_MDB_ENTRY
	mdbaEntryInfo = 1 // MDBA_MDB_ENTRY_INFO
	mdbaPort      = 1 // MDBA_ROUTER_PORT

	mdbEntryTimer    = 1 // MDBA_MDB_EATTR_TIMER
	mdbEntrySources  = 2 // MDBA_MDB_EATTR_SRC_LIST
	mdbEntryMode     = 3 // MDBA_MDB_EATTR_GROUP_MODE
	mdbEntrySource   = 4 // MDBA_MDB_EATTR_SOURCE
	mdbEntryProtocol = 5 // MDBA_MDB_EATTR_RTPROT

	mdbSourceEntry   = 1 // MDBA_MDB_SRCLIST_ENTRY
	mdbSourceAddress = 1 // MDBA_MDB_SRCATTR_ADDRESS
	mdbSourceTimer   = 2 // MDBA_MDB_SRCATTR_TIMER

	mdbPortTimer = 1 // MDBA_ROUTER_PATTR_TIMER
	mdbPortType  = 2 // MDBA_ROUTER_PATTR_TYPE
	mdbPortVLAN  = 5 // MDBA_ROUTER_PATTR_VID

	mdbPermanent    = 1      // MDB_PERMANENT
	mdbOffload      = 1 << 0 // MDB_FLAGS_OFFLOAD
	mdbFastLeave    = 1 << 1 // MDB_FLAGS_FAST_LEAVE
	mdbStarExclude  = 1 << 2 // MDB_FLAGS_STAR_EXCL
	mdbBlocked      = 1 << 3 // MDB_FLAGS_BLOCKED
	mdbRouterStatic = 2      // MDB_RTR_TYPE_PERM
)

// BridgeGroups yields the multicast databases of bridges, from rtnetlink(7). It
// needs CONFIG_BRIDGE_IGMP_SNOOPING.
func (k *Kernel) BridgeGroups(ctx context.Context) iter.Seq2[netstat.BridgeGroup, error] {
	return func(yield func(netstat.BridgeGroup, error) bool) {
		groups, _, err := k.bridgeMulticast(ctx)
		yieldAll(yield, groups, err)
	}
}

// BridgeRouterPorts yields the ports that bridges take for those of multicast
// routers, from rtnetlink(7).
func (k *Kernel) BridgeRouterPorts(ctx context.Context) iter.Seq2[netstat.BridgeRouterPort, error] {
	return func(yield func(netstat.BridgeRouterPort, error) bool) {
		_, ports, err := k.bridgeMulticast(ctx)
		yieldAll(yield, ports, err)
	}
}

func (k *Kernel) bridgeMulticast(ctx context.Context) (groups []netstat.BridgeGroup, ports []netstat.BridgeRouterPort, err error) {
	body := make([]byte, sizeofBrPortMsg)
	body[0] = unix.AF_BRIDGE
	err = consistently(ctx, func() (bool, error) {
		groups, ports = groups[:0], ports[:0]
		return k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETMDB, body: body}, func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWMDB && kind != unix.RTM_GETMDB { // which older kernels answer with
				return true, nil
			}
			moreGroups, morePorts, err := parseMDB(body)
			groups, ports = append(groups, moreGroups...), append(ports, morePorts...)
			return true, err
		})
	})
	return groups, ports, k.readError("dump bridges' multicast databases", err)
}

// parseMDB reads a struct br_port_msg and its attributes (net/bridge/br_mdb.c).
func parseMDB(body []byte) (groups []netstat.BridgeGroup, ports []netstat.BridgeRouterPort, err error) {
	if len(body) < sizeofBrPortMsg {
		return nil, nil, fmt.Errorf("br_port_msg of %d bytes: % x", len(body), clip(body))
	}
	bridge := binary.NativeEndian.Uint32(body[4:])
	var r attributeReader
	for a, rest := r.next(body[sizeofBrPortMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind != mdbaMDB && a.kind != mdbaRouter {
			continue
		}
		for list, rest := r.next(a.value); list.kind != noAttribute; list, rest = r.next(rest) {
			switch {
			case a.kind == mdbaMDB && list.kind == mdbaEntry:
				for entry, rest := r.next(list.value); entry.kind != noAttribute; entry, rest = r.next(rest) {
					if entry.kind != mdbaEntryInfo {
						continue
					}
					g, err := parseMDBEntry(bridge, entry.value)
					if err != nil {
						return nil, nil, fmt.Errorf("multicast group: %w", err)
					}
					groups = append(groups, g)
				}
				if r.failed() {
					return nil, nil, r.error()
				}
			case a.kind == mdbaRouter && list.kind == mdbaPort:
				p, err := parseMDBRouterPort(bridge, list.value)
				if err != nil {
					return nil, nil, fmt.Errorf("router port: %w", err)
				}
				ports = append(ports, p)
			}
		}
		if r.failed() {
			return nil, nil, r.error()
		}
	}
	return groups, ports, r.error()
}

// parseMDBEntry reads a struct br_mdb_entry and its attributes.
func parseMDBEntry(bridge uint32, b []byte) (netstat.BridgeGroup, error) {
	g := netstat.BridgeGroup{Bridge: bridge}
	if len(b) < sizeofBrMDBEntry {
		return g, fmt.Errorf("br_mdb_entry of %d bytes: % x", len(b), clip(b))
	}
	g.Port = binary.NativeEndian.Uint32(b)
	g.Permanent = b[4] == mdbPermanent
	flags := b[5]
	g.Offloaded, g.FastLeave = flags&mdbOffload != 0, flags&mdbFastLeave != 0
	g.StarExclude, g.Blocked = flags&mdbStarExclude != 0, flags&mdbBlocked != 0
	g.VLAN = binary.NativeEndian.Uint16(b[6:])
	switch protocol := binary.BigEndian.Uint16(b[24:]); protocol {
	case unix.ETH_P_IP:
		g.Group = netip.AddrFrom4([4]byte(b[8:12]))
	case unix.ETH_P_IPV6:
		g.Group = netip.AddrFrom16([16]byte(b[8:24]))
	case 0:
		g.LinkGroup = netstat.HardwareAddress(b[8:14])
	default:
		return g, fmt.Errorf("protocol %#04x: % x", protocol, clip(b))
	}
	var r attributeReader
	for a, rest := r.next(b[sizeofBrMDBEntry:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case mdbEntryTimer:
			g.Expires = time.Duration(r.uint32(a)) * cacheinfoTick
		case mdbEntryMode:
			g.Mode.Set(netstat.FilterMode(r.uint8(a)))
		case mdbEntrySource:
			g.Source = r.anyAddr(a)
		case mdbEntryProtocol:
			g.Protocol = netstat.RouteProtocol(r.uint8(a))
		case mdbEntrySources:
			for list, rest := r.next(a.value); list.kind != noAttribute; list, rest = r.next(rest) {
				if list.kind != mdbSourceEntry {
					continue
				}
				s, err := parseMDBSource(list.value)
				if err != nil {
					return g, fmt.Errorf("source: %w", err)
				}
				g.Sources = append(g.Sources, s)
			}
			if r.failed() {
				return g, r.error()
			}
		}
	}
	return g, r.error()
}

func parseMDBSource(b []byte) (netstat.BridgeGroupSource, error) {
	var s netstat.BridgeGroupSource
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case mdbSourceAddress:
			s.Address = r.anyAddr(a)
		case mdbSourceTimer:
			s.Expires = time.Duration(r.uint32(a)) * cacheinfoTick
		}
	}
	return s, r.error()
}

func parseMDBRouterPort(bridge uint32, b []byte) (netstat.BridgeRouterPort, error) {
	p := netstat.BridgeRouterPort{Bridge: bridge}
	if len(b) < 4 {
		return p, errors.New("it has no interface")
	}
	p.Port = binary.NativeEndian.Uint32(b)
	var r attributeReader
	for a, rest := r.next(b[4:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case mdbPortTimer:
			p.Expires = time.Duration(r.uint32(a)) * cacheinfoTick
		case mdbPortType:
			p.Permanent = r.uint8(a) == mdbRouterStatic
		case mdbPortVLAN:
			p.VLAN = r.uint16(a)
		}
	}
	return p, r.error()
}

// anyAddr reads an address whose length tells the family.
func (r *attributeReader) anyAddr(a nlAttr) netip.Addr {
	if len(a.value) == 4 {
		return r.addr(a, netstat.IPv4)
	}
	return r.addr(a, netstat.IPv6)
}
