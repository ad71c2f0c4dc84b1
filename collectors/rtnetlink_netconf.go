package collectors

import (
	"context"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/netconf.h.
const (
	sizeofNetconfmsg = 4 // one byte, and what aligns the attributes

	netconfIfindex             = 1 // NETCONFA_IFINDEX
	netconfForwarding          = 2 // NETCONFA_FORWARDING
	netconfRPFilter            = 3 // NETCONFA_RP_FILTER
	netconfMCForwarding        = 4 // NETCONFA_MC_FORWARDING
	netconfProxyNeigh          = 5 // NETCONFA_PROXY_NEIGH
	netconfIgnoreRoutesLinkDwn = 6 // NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN
	netconfBCForwarding        = 8 // NETCONFA_BC_FORWARDING
	netconfForceForwarding     = 9 // NETCONFA_FORCE_FORWARDING
)

var netconfKind = rtnetlinkKind{
	kind: netstat.KindNetconf, added: unix.RTM_NEWNETCONF, removed: unix.RTM_DELNETCONF,
	groups:   []int{unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF},
	requests: perFamily(unix.RTM_GETNETCONF, sizeofNetconfmsg),
	families: ipFamilies,
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		d.message.Netconf, err = parseNetconf(body)
		return true, err
	},
}

// Netconfs yields the settings of every interface, and those that stand for all
// and for new ones, from rtnetlink(7): IPv4's before IPv6's.
func (k *Kernel) Netconfs(ctx context.Context) iter.Seq2[netstat.Netconf, error] {
	return func(yield func(netstat.Netconf, error) bool) {
		all, err := collectMessages(ctx, k, netconfKind.requests, netstat.KindNetconf, func(m *Message) (netstat.Netconf, bool) { return m.Netconf, true })
		yieldAll(yield, all, k.readError("dump netconf", err))
	}
}

// parseNetconf reads a struct netconfmsg and its attributes. An event holds
// only those of them that changed.
func parseNetconf(body []byte) (netstat.Netconf, error) {
	var n netstat.Netconf
	if len(body) < sizeofNetconfmsg {
		return n, fmt.Errorf("netconfmsg of %d bytes: % x", len(body), clip(body))
	}
	n.Family = netstat.Family(body[0])
	var r attributeReader
	for a, rest := r.next(body[sizeofNetconfmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case netconfIfindex:
			n.Interface = int32(r.uint32(a))
		case netconfForwarding:
			n.Forwarding.Set(r.uint32(a) != 0)
		case netconfRPFilter:
			n.ReversePathFilter.Set(r.uint32(a))
		case netconfMCForwarding:
			n.MulticastForwarding.Set(r.uint32(a) != 0)
		case netconfBCForwarding:
			n.BroadcastForwarding.Set(r.uint32(a) != 0)
		case netconfProxyNeigh:
			n.ProxyNeighbours.Set(r.uint32(a) != 0)
		case netconfIgnoreRoutesLinkDwn:
			n.IgnoreRoutesWithLinkDown.Set(r.uint32(a) != 0)
		case netconfForceForwarding:
			n.ForceForwarding.Set(r.uint32(a) != 0)
		}
	}
	return n, r.error()
}
