package collectors

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var multicastKind = rtnetlinkKind{
	kind: netstat.KindMulticast, added: unix.RTM_NEWMULTICAST, removed: unix.RTM_DELMULTICAST, dumped: unix.RTM_GETMULTICAST,
	groups:   []int{unix.RTNLGRP_IPV4_MCADDR, unix.RTNLGRP_IPV6_MCADDR},
	requests: perFamily(unix.RTM_GETMULTICAST, sizeofIfAddrmsg),
	families: ipFamilies,
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		_, up := sinceBoot()
		d.message.Multicast, err = parseMulticastGroup(body, &d.zones, up)
		return true, err
	},
}

// parseMulticastGroup reads a struct ifaddrmsg and its attributes as they tell of a
// multicast group (net/ipv4/igmp.c, inet_fill_ifmcaddr; net/ipv6/addrconf.c,
// inet6_fill_ifmcaddr), when the kernel has run for a time.
func parseMulticastGroup(body []byte, z *zones, up time.Duration) (netstat.MulticastGroup, error) {
	var g netstat.MulticastGroup
	if len(body) < sizeofIfAddrmsg {
		return g, fmt.Errorf("ifaddrmsg of %d bytes: % x", len(body), clip(body))
	}
	family := netstat.Family(body[0])
	g.Interface = binary.NativeEndian.Uint32(body[4:])
	var r attributeReader
	for a, rest := r.next(body[sizeofIfAddrmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.IFA_MULTICAST:
			g.Group = z.add(r.addr(a, family), g.Interface)
		case unix.IFA_CACHEINFO:
			if len(a.value) < sizeofIfaCacheinfo {
				r.malformed(a, "ifa_cacheinfo")
				break
			}
			// 32 bits of the clock: unknown where it has had the reading twice.
			if at := time.Duration(binary.NativeEndian.Uint32(a.value[8:])) * cacheinfoTick; up < cacheinfoTurn+at {
				g.Joined.Set(at)
			}
		}
	}
	if !r.failed() && !g.Group.IsValid() {
		return g, fmt.Errorf("%v group of interface %d is missing", family, g.Interface)
	}
	return g, r.error()
}
