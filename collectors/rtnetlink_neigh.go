package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/neighbour.h.
const (
	sizeofNdmsg        = 12
	sizeofNdaCacheinfo = 16

	ndaProtocol = 12 // NDA_PROTOCOL
	ndaNextHop  = 13 // NDA_NH_ID
	ndaFlagsExt = 15 // NDA_FLAGS_EXT
)

var neighbourKind = rtnetlinkKind{
	kind: netstat.KindNeighbour, added: unix.RTM_NEWNEIGH, removed: unix.RTM_DELNEIGH,
	groups: []int{unix.RTNLGRP_NEIGH},
	requests: func(k *Kernel) []request {
		return append(perFamily(unix.RTM_GETNEIGH, sizeofNdmsg)(k), neighbourRequest(netstat.Bridge))
	},
	families: bridgeFamilies,
	decode: func(d *Decoder, _ uint16, body []byte) (ok bool, err error) {
		now, up := sinceBoot()
		d.message.Neighbour, err = parseNeighbour(body, &d.zones, now, up)
		return true, err
	},
}

// Neighbours yields the neighbours of the families given, from rtnetlink(7): of
// IPv4 and IPv6 where none is given. For netstat.Bridge it yields the forwarding
// entries of bridges and VXLAN devices, and the addresses that other devices
// receive, which the kernel lists with them. Proxy entries are left out. Where rtnetlink is refused, those
// of IPv4 come from /proc/net/arp, and an error behind them says what is unknown and missing.
func (k *Kernel) Neighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	known, lacking := k.neighbourFamilies(families)
	return k.neighbours(ctx, "neighbours", known, lacking, neighbourRequest, func(n *netstat.Neighbour) bool {
		return n.Flags&netstat.NeighbourProxy == 0 || n.Family == netstat.Bridge
	})
}

// neighbours yields those of families that requests give and that are wanted, as they come: the kernel does not say
// whether they changed meanwhile. Those that lack come behind them.
func (k *Kernel) neighbours(ctx context.Context, what string, families []netstat.Family, lacking error, ask func(netstat.Family) request, wanted func(*netstat.Neighbour) bool) iter.Seq2[netstat.Neighbour, error] {
	return func(yield func(netstat.Neighbour, error) bool) {
		behind := []error{lacking}
		for _, family := range families {
			more := true
			interrupted, err := k.dumpMessages(ctx, []request{ask(family)}, netstat.KindNeighbour, func(m *Message) error {
				if m.Neighbour.Family == family && wanted(&m.Neighbour) {
					if more = yield(m.Neighbour, nil); !more {
						return errEnough
					}
				}
				return nil
			})
			if !more {
				return
			}
			if interrupted && err == nil {
				err = netstat.ErrInterrupted
			}
			if isRefused(err) {
				refused := err
				if family != netstat.IPv4 {
					behind = append(behind, fmt.Errorf("%v: %w", family, refused))
					continue
				}
				var all []netstat.Neighbour
				if all, err = k.procNeighbours(ctx, wanted); err == nil {
					for _, n := range all {
						if !yield(n, nil) {
							return
						}
					}
					behind = append(behind, fmt.Errorf("%v: %w", family, &toldByProc{refused, procARP, untoldOfNeighbours}))
					continue
				}
			}
			if err != nil {
				yield(netstat.Neighbour{}, k.readError(fmt.Sprintf("dump %v %s", family, what), err))
				return
			}
		}
		if err := errors.Join(behind...); err != nil {
			yield(netstat.Neighbour{}, k.readError("dump "+what, err))
		}
	}
}

// errEnough ends a dump of which no more is wanted.
var errEnough = errors.New("no more is wanted")

// neighbourFamilies is families for neighbours, which bridges have too.
func (k *Kernel) neighbourFamilies(asked []netstat.Family) (known []netstat.Family, lacking error) {
	if len(asked) == 0 {
		return k.families(nil)
	}
	for _, family := range asked {
		if family == netstat.Bridge {
			known = append(known, family)
			continue
		}
		one, err := k.families([]netstat.Family{family})
		if known = append(known, one...); err != nil {
			lacking = err
		}
	}
	return known, lacking
}

// ProxyNeighbours yields the entries that `ip neigh add proxy` makes, from
// rtnetlink(7), of the families given, of IPv4 and IPv6 where none is given.
func (k *Kernel) ProxyNeighbours(ctx context.Context, families ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	known, lacking := k.families(families)
	return k.neighbours(ctx, "proxy neighbours", known, lacking, proxyRequest, func(n *netstat.Neighbour) bool { return n.Flags&netstat.NeighbourProxy != 0 })
}

func proxyRequest(family netstat.Family) request {
	r := neighbourRequest(family)
	r.body[10] = unix.NTF_PROXY // ndm_flags
	return r
}

func neighbourRequest(family netstat.Family) request {
	body := make([]byte, sizeofNdmsg)
	body[0] = byte(family)
	return request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETNEIGH, body: body}
}

// parseNeighbour reads a struct ndmsg and its attributes. Ages in it are
// counted back from now, when the kernel has run for a time.
func parseNeighbour(body []byte, z *zones, now time.Time, up time.Duration) (netstat.Neighbour, error) {
	var n netstat.Neighbour
	if len(body) < sizeofNdmsg {
		return n, fmt.Errorf("ndmsg of %d bytes: % x", len(body), clip(body))
	}
	n.Family = netstat.Family(body[0])
	n.Interface = binary.NativeEndian.Uint32(body[4:])
	n.State.Set(netstat.NeighbourState(binary.NativeEndian.Uint16(body[8:])))
	n.Flags = netstat.NeighbourFlags(body[10])
	var r attributeReader
	for a, rest := r.next(body[sizeofNdmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.NDA_DST:
			family := n.Family
			if family == netstat.Bridge { // the remote end of a tunnel
				family = netstat.IPv4
				if len(a.value) == 16 {
					family = netstat.IPv6
				}
			}
			n.Address = z.add(r.addr(a, family), n.Interface)
		case unix.NDA_LLADDR:
			n.LinkAddress = netstat.HardwareAddress(a.value)
		case unix.NDA_CACHEINFO:
			if len(a.value) < sizeofNdaCacheinfo {
				r.malformed(a, "nda_cacheinfo")
				break
			}
			// 32 bits of the age: unknown where it can be of two turns.
			age := time.Duration(binary.NativeEndian.Uint32(a.value[8:])) * cacheinfoTick
			if up < cacheinfoTurn+age {
				n.Updated = now.Add(-age)
			}
		case unix.NDA_VLAN:
			n.VLAN = r.uint16(a)
		case unix.NDA_PORT:
			if len(a.value) < 2 {
				r.malformed(a, "a port")
				break
			}
			n.Port = binary.BigEndian.Uint16(a.value)
		case unix.NDA_VNI:
			n.VNI.Set(r.uint32(a))
		case unix.NDA_SRC_VNI:
			n.SourceVNI.Set(r.uint32(a))
		case unix.NDA_IFINDEX:
			n.Via = r.uint32(a)
		case unix.NDA_MASTER:
			n.Master = r.uint32(a)
		case ndaProtocol:
			n.Protocol = netstat.RouteProtocol(r.uint8(a))
		case ndaNextHop:
			n.NextHopID = r.uint32(a)
		case ndaFlagsExt:
			n.Flags |= netstat.NeighbourFlags(r.uint32(a)) << 8
		}
	}
	return n, r.error()
}
