package collectors

import (
	"context"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const procARP = "/proc/net/arp"

// untoldOfNeighbours is what /proc/net/arp does not tell of neighbours, in words.
const untoldOfNeighbours = "states but permanent, flags, protocols or moments"

// Flags of the file (include/uapi/linux/if_arp.h).
const (
	arpComplete  = 0x02 // ATF_COM
	arpPermanent = 0x04 // ATF_PERM
	arpPublished = 0x08 // ATF_PUBL: of a proxy
)

// procNeighbours returns the neighbours of IPv4 that /proc/net/arp lists and that are wanted.
func (k *Kernel) procNeighbours(ctx context.Context, wanted func(*netstat.Neighbour) bool) (all []netstat.Neighbour, err error) {
	names, err := k.newInterfaceIndexes()
	if err != nil {
		return nil, err
	}
	defer names.close()
	err = k.readLines(ctx, procARP, func(l *lines) {
		parseProcARP(l, func(n netstat.Neighbour, device string) {
			if wanted(&n) {
				n.Interface = names.index(device)
				all = append(all, n)
			}
		})
	})
	return all, absentFile(err)
}

// parseProcARP calls each with the neighbours of /proc/net/arp and the names of their devices
// (net/ipv4/arp.c, arp_format_neigh_entry).
//
//	IP address       HW type     Flags       HW address            Mask     Device
//	192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
func parseProcARP(l *lines, each func(n netstat.Neighbour, device string)) {
	const columns = 6
	for l.next() {
		if l.number == 1 {
			continue
		}
		f := l.fields()
		if len(f) != columns {
			l.fail("%d fields, not %d", len(f), columns)
			return
		}
		n := netstat.Neighbour{Family: netstat.IPv4, UnknownFlags: ^netstat.NeighbourProxy}
		var err error
		if n.Address, err = netip.ParseAddr(string(f[0])); err != nil || !n.Address.Is4() {
			l.fail("no IPv4 address")
			return
		}
		flags := l.uint32([]byte(strings.TrimPrefix(string(f[2]), "0x")), 16)
		if flags&arpComplete != 0 {
			address, err := hex.DecodeString(strings.ReplaceAll(string(f[3]), ":", ""))
			if err != nil {
				l.fail("link-layer address: %w", err)
			}
			n.LinkAddress = netstat.HardwareAddress(address)
		}
		if l.err != nil {
			return
		}
		if flags&arpPermanent != 0 && flags&arpPublished == 0 {
			n.State.Set(netstat.NeighbourPermanent)
		}
		if flags&arpPublished != 0 {
			n.Flags |= netstat.NeighbourProxy
		}
		each(n, string(f[5]))
	}
}
