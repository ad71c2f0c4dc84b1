package netstat

import (
	"context"
	"iter"
)

// What stands in place of an interface's index in a Netconf
// (include/uapi/linux/netconf.h, NETCONFA_IFINDEX_*).
const (
	NetconfAll     int32 = -1 // "all": for every interface together
	NetconfDefault int32 = -2 // "default": for interfaces to come
)

// Netconf is the settings of a protocol for an interface, or for all of them,
// that others than the administrator want to follow (the files of
// /proc/sys/net/ipv4/conf and ipv6/conf).
type Netconf struct {
	Family    Family
	Interface int32 // index, NetconfAll or NetconfDefault

	Forwarding               Optional[bool]
	ReversePathFilter        Optional[uint32] `form:"rpfilter"` // 0 off, 1 strict, 2 loose; IPv4
	MulticastForwarding      Optional[bool]
	BroadcastForwarding      Optional[bool] // IPv4
	ProxyNeighbours          Optional[bool] // proxy ARP, proxy neighbour discovery
	IgnoreRoutesWithLinkDown Optional[bool]
	// ForceForwarding lets an interface forward though IPv6 does not as a
	// whole (Linux 6.17).
	ForceForwarding Optional[bool]
}

// NetconfReader reads settings.
// Errors of its method are as for [Stack].
type NetconfReader interface {
	// Netconfs yields the settings of every interface, and those that stand
	// for all and for new ones, of IPv4 and IPv6.
	Netconfs(ctx context.Context) iter.Seq2[Netconf, error]
}
