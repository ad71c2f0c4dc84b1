package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/rtnetlink.h, if_link.h and if_tunnel.h.
const (
	sizeofIfInfomsg = 16
	leastStats64    = 23 * 8 // struct rtnl_link_stats64 as Linux 2.6.35 introduced it

	ifInfoKind      = 1 // IFLA_INFO_KIND
	ifInfoData      = 2 // IFLA_INFO_DATA
	ifInfoSlaveKind = 4 // IFLA_INFO_SLAVE_KIND

	ifVXLANLink  = 3 // IFLA_VXLAN_LINK
	ifTunnelLink = 1 // IFLA_GRE_LINK, IFLA_IPTUN_LINK, IFLA_VTI_LINK, IFLA_XFRM_LINK

	filterSkipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS
)

// linkKind passes over the messages of bridges' ports, of IPv6 and of wireless drivers that
// have the type of links.
var linkKind = rtnetlinkKind{
	kind: netstat.KindInterface, added: unix.RTM_NEWLINK, removed: unix.RTM_DELLINK,
	groups:   []int{unix.RTNLGRP_LINK},
	requests: func(*Kernel) []request { return []request{linkRequest()} },
	decode: func(d *Decoder, _ uint16, body []byte) (bool, error) {
		d.message.Interface = netstat.Interface{}
		about, err := parseLink(body, &d.message.Interface)
		return about.family == unix.AF_UNSPEC && !about.wireless, err
	},
}

// Interfaces yields every interface of the namespace, from rtnetlink(7), with the multicast addresses
// of /proc/net/dev_mcast and the speed and duplex of ethtool netlink, as far as these tell them. Where
// rtnetlink is refused they come from /proc/net/dev and netdevice(7), and an error behind them that
// matches netstat.ErrUnknownValues says what is unknown. LastChange and CounterDiscontinuity are left
// zero: the kernel does not keep them.
func (k *Kernel) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		all, err := k.interfaces(ctx)
		yieldAll(yield, all, err)
	}
}

// InterfaceDetails yields every interface as Interfaces does, with its details.
func (k *Kernel) InterfaceDetails(ctx context.Context) iter.Seq2[netstat.InterfaceDetails, error] {
	return func(yield func(netstat.InterfaceDetails, error) bool) {
		all, err := dumpLinks(ctx, k,
			func(body []byte, i *netstat.InterfaceDetails) error {
				if _, err := parseLink(body, &i.Interface); err != nil {
					return err
				}
				return parseLinkDetails(body, i)
			},
			func(i *netstat.InterfaceDetails) *netstat.Interface { return &i.Interface })
		yieldAll(yield, all, err)
	}
}

func (k *Kernel) interfaces(ctx context.Context) ([]netstat.Interface, error) {
	return dumpLinks(ctx, k,
		func(body []byte, i *netstat.Interface) error {
			_, err := parseLink(body, i)
			return err
		},
		func(i *netstat.Interface) *netstat.Interface { return i })
}

// dumpLinks returns what parse makes of every link, as it was at one time, with
// what others than rtnetlink tell of the interface in it. With an error that matches
// netstat.ErrUnknownValues all of them are there.
func dumpLinks[T any](ctx context.Context, k *Kernel, parse func(body []byte, row *T) error, in func(*T) *netstat.Interface) ([]T, error) {
	var rows []T
	err := consistently(ctx, func() (bool, error) {
		rows = rows[:0]
		return k.dump(ctx, linkRequest(), func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWLINK {
				return true, nil
			}
			var row T
			err := parse(body, &row)
			rows = append(rows, row)
			return true, err
		})
	})
	var incomplete error
	if isRefused(err) {
		incomplete = k.readError("dump links", &toldByProc{err, procDev, untoldOfInterfaces})
		var from []netstat.Interface
		from, err = k.procInterfaces(ctx)
		rows = make([]T, len(from))
		for i := range from {
			*in(&rows[i]) = from[i]
		}
	}
	if err != nil {
		return nil, k.readError("dump links", err)
	}
	place := make(map[uint32]*netstat.Interface, len(rows))
	for i := range rows {
		ifc := in(&rows[i])
		place[ifc.Index] = ifc
	}

	multicast := make(map[uint32][]netstat.HardwareAddress)
	told, err := embellish(ctx, func() error {
		return k.multicastAddresses(func(index uint32, address netstat.HardwareAddress) {
			multicast[index] = append(multicast[index], address)
		})
	})
	if err != nil {
		return nil, k.readError("read /proc/net/dev_mcast", err)
	}
	if told {
		for index, ifc := range place {
			ifc.Multicast.Set(multicast[index])
		}
	}
	_, err = embellish(ctx, func() error {
		return k.linkModes(ctx, maps.Keys(place), func(m *linkMode) {
			if ifc, ok := place[m.index]; ok {
				ifc.Speed, ifc.Duplex = m.speed, m.duplex
			}
		})
	})
	if err != nil {
		return nil, k.readError("dump ethtool link modes", err)
	}
	return rows, incomplete
}

// linkRequest asks for every link, without the IPv6 counters of each, which
// would be most of the answer and which nobody here reads.
func linkRequest() request {
	body := appendUint32Attribute(make([]byte, sizeofIfInfomsg), unix.IFLA_EXT_MASK, filterSkipStats)
	return request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETLINK, body: body}
}

// linkMessage says what a RTM_NEWLINK message is besides a whole link.
type linkMessage struct {
	family   uint8 // AF_BRIDGE: a bridge port's settings, not a link
	wireless bool  // a wireless event, which carries little of the link
}

// parseLink reads a struct ifinfomsg and its attributes into ifc.
func parseLink(body []byte, ifc *netstat.Interface) (linkMessage, error) {
	var m linkMessage
	if len(body) < sizeofIfInfomsg {
		return m, fmt.Errorf("ifinfomsg of %d bytes: % x", len(body), clip(body))
	}
	m.family = body[0]
	ifc.HardwareType.Set(binary.NativeEndian.Uint16(body[2:]))
	ifc.Index = binary.NativeEndian.Uint32(body[4:])
	ifc.Flags = netstat.InterfaceFlags(binary.NativeEndian.Uint32(body[8:]))

	var info linkInfo
	var r attributeReader
	for a, rest := r.next(body[sizeofIfInfomsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.IFLA_IFNAME:
			ifc.Name = a.string()
		case unix.IFLA_IFALIAS:
			ifc.Alias = a.string()
		case unix.IFLA_ADDRESS:
			ifc.Address = netstat.HardwareAddress(a.value)
		case unix.IFLA_BROADCAST:
			ifc.Broadcast = netstat.HardwareAddress(a.value)
		case unix.IFLA_PERM_ADDRESS:
			ifc.Permanent = netstat.HardwareAddress(a.value)
		case unix.IFLA_MTU:
			ifc.MTU.Set(r.uint32(a))
		case unix.IFLA_LINK:
			ifc.Lower = r.uint32(a)
		case unix.IFLA_LINK_NETNSID:
			ifc.LowerNetNSID.Set(int32(r.uint32(a)))
		case unix.IFLA_MASTER:
			ifc.Master = r.uint32(a)
		case unix.IFLA_TXQLEN:
			ifc.TransmitQueueLength.Set(r.uint32(a))
		case unix.IFLA_PROMISCUITY:
			ifc.Promiscuity.Set(r.uint32(a))
		case unix.IFLA_OPERSTATE:
			ifc.OperState.Set(netstat.OperState(r.uint8(a)))
		case unix.IFLA_CARRIER:
			ifc.Carrier.Set(r.uint8(a) != 0)
		case unix.IFLA_CARRIER_CHANGES:
			ifc.CarrierChanges.Set(r.uint32(a))
		case unix.IFLA_STATS64:
			var err error
			if ifc.Counters, err = parseStats64(a.value); err != nil {
				return m, err
			}
		case unix.IFLA_LINKINFO:
			var err error
			if info, err = parseLinkInfo(a.value); err != nil {
				return m, fmt.Errorf("link information: %w", err)
			}
		case unix.IFLA_WIRELESS:
			m.wireless = true
		}
	}
	if r.failed() {
		return m, r.error()
	}
	ifc.Kind, ifc.PortKind = info.kind, info.slaveKind
	// Tunnels name the device that they run over only in their own settings on
	// many kernels.
	if ifc.Lower == 0 {
		ifc.Lower = info.lower
	}
	if ifc.Lower == 0 {
		ifc.LowerNetNSID = netstat.Optional[int32]{}
	}
	return m, nil
}

// linkInfo is what IFLA_LINKINFO says.
type linkInfo struct {
	kind, slaveKind string
	lower           uint32
}

// lowerAttribute returns which setting of a kind of link names the device that
// it runs over, 0 for none.
func lowerAttribute(kind string) uint16 {
	switch kind {
	case "vxlan":
		return ifVXLANLink
	case "gre", "gretap", "ip6gre", "ip6gretap", "erspan", "ip6erspan",
		"ipip", "ip6tnl", "sit", "vti", "vti6", "xfrm":
		return ifTunnelLink
	}
	return 0
}

func parseLinkInfo(b []byte) (linkInfo, error) {
	var info linkInfo
	var data []byte
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case ifInfoKind:
			info.kind = a.string()
		case ifInfoSlaveKind:
			info.slaveKind = a.string()
		case ifInfoData:
			data = a.value
		}
	}
	if r.failed() {
		return info, r.error()
	}
	lower := lowerAttribute(info.kind)
	if lower == 0 {
		return info, nil
	}
	for a, rest := r.next(data); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == lower {
			info.lower = r.uint32(a)
		}
	}
	return info, r.error()
}

// parseStats64 reads a struct rtnl_link_stats64. Kernels append to it: what a
// shorter one lacks is unknown, and what a longer one adds is passed over.
func parseStats64(b []byte) (netstat.InterfaceCounters, error) {
	if len(b) < leastStats64 {
		return netstat.InterfaceCounters{}, fmt.Errorf("rtnl_link_stats64 of %d bytes: % x", len(b), clip(b))
	}
	n := func(i int) netstat.Optional[uint64] {
		if len(b) < i*8+8 {
			return netstat.Optional[uint64]{}
		}
		return netstat.Known(binary.NativeEndian.Uint64(b[i*8:]))
	}
	return netstat.InterfaceCounters{
		InPackets: n(0), OutPackets: n(1),
		InOctets: n(2), OutOctets: n(3),
		InErrors: n(4), OutErrors: n(5),
		InDropped: n(6), OutDropped: n(7),
		InMulticast: n(8),
		Collisions:  n(9),

		InLengthErrors: n(10), InOverErrors: n(11), InCRCErrors: n(12),
		InFrameErrors: n(13), InFIFOErrors: n(14), InMissedErrors: n(15),

		OutAbortedErrors: n(16), OutCarrierErrors: n(17), OutFIFOErrors: n(18),
		OutHeartbeatErrors: n(19), OutWindowErrors: n(20),

		InCompressed: n(21), OutCompressed: n(22),
		InNoHandler: n(23), InOtherHost: n(24),
	}, nil
}
