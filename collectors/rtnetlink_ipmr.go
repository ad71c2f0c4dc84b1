package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/mroute.h and rtnetlink.h.
const (
	rtnlFamilyIPMR  = 128 // RTNL_FAMILY_IPMR
	rtnlFamilyIP6MR = 129 // RTNL_FAMILY_IP6MR

	ipmraTableID = 1 // IPMRA_TABLE_ID
	ipmraVIFs    = 6 // IPMRA_TABLE_VIFS
	ipmraVIF     = 1 // IPMRA_VIF

	vifaIfindex    = 1 // IPMRA_VIFA_IFINDEX
	vifaNumber     = 2 // IPMRA_VIFA_VIF_ID
	vifaFlags      = 3 // IPMRA_VIFA_FLAGS
	vifaOctetsIn   = 4 // IPMRA_VIFA_BYTES_IN
	vifaOctetsOut  = 5 // IPMRA_VIFA_BYTES_OUT
	vifaPacketsIn  = 6 // IPMRA_VIFA_PACKETS_IN
	vifaPacketsOut = 7 // IPMRA_VIFA_PACKETS_OUT
	vifaLocal      = 8 // IPMRA_VIFA_LOCAL_ADDR
	vifaRemote     = 9 // IPMRA_VIFA_REMOTE_ADDR

	rtaMFCStats      = 17 // RTA_MFC_STATS
	sizeofRtaMFCStat = 24 // struct rta_mfc_stats
)

// MulticastInterfaces yields the vifs of every IPv4 table, from rtnetlink(7),
// and those of IPv6's default table, from /proc/net/ip6_mr_vif, which is all
// that the kernel tells of them. A kernel that routes the multicasts of neither
// family yields an error that matches netstat.ErrNotSupported.
func (k *Kernel) MulticastInterfaces(ctx context.Context) iter.Seq2[netstat.MulticastInterface, error] {
	return func(yield func(netstat.MulticastInterface, error) bool) {
		families, err := k.multicastFamilies()
		if err != nil {
			yield(netstat.MulticastInterface{}, k.readError("read multicast interfaces", err))
			return
		}
		for _, family := range families {
			var all []netstat.MulticastInterface
			if family == netstat.IPv4 {
				all, err = k.multicastVIFs(ctx)
				err = k.readError("dump IPv4 multicast interfaces", err)
			} else {
				all, err = k.multicastVIFs6(ctx)
			}
			if !yieldAll(yield, all, err) {
				return
			}
		}
	}
}

// multicastFamilies returns the families whose multicasts the kernel can route:
// asking rtnetlink for one that it lacks is answered with something else.
func (k *Kernel) multicastFamilies() ([]netstat.Family, error) {
	var families []netstat.Family
	err := k.inside(func() error {
		for family, path := range map[netstat.Family]string{netstat.IPv4: "/proc/net/ip_mr_cache", netstat.IPv6: "/proc/net/ip6_mr_cache"} {
			switch _, err := os.Stat(ofThread(path)); {
			case err == nil:
				families = append(families, family)
			case !os.IsNotExist(err):
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(families) == 0:
		return nil, notSupported(fmt.Errorf("/proc/net/ip_mr_cache, ip6_mr_cache: %w (CONFIG_IP_MROUTE, CONFIG_IPV6_MROUTE)", unix.ENOENT))
	case len(families) == 2:
		families = []netstat.Family{netstat.IPv4, netstat.IPv6}
	}
	return families, nil
}

func (k *Kernel) multicastVIFs(ctx context.Context) ([]netstat.MulticastInterface, error) {
	body := make([]byte, sizeofIfInfomsg)
	body[0] = rtnlFamilyIPMR
	var all []netstat.MulticastInterface
	err := consistently(ctx, func() (bool, error) {
		all = all[:0]
		return k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETLINK, body: body}, func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWLINK || len(body) == 0 || body[0] != rtnlFamilyIPMR {
				return true, nil
			}
			vifs, err := parseMulticastTable(body)
			all = append(all, vifs...)
			return true, err
		})
	})
	return all, err
}

// parseMulticastTable reads what tells of one multicast routing table: a struct
// ifinfomsg of the family RTNL_FAMILY_IPMR with the table in IFLA_AF_SPEC
// (net/ipv4/ipmr.c, ipmr_rtm_dumplink).
func parseMulticastTable(body []byte) ([]netstat.MulticastInterface, error) {
	if len(body) < sizeofIfInfomsg {
		return nil, fmt.Errorf("ifinfomsg of %d bytes: % x", len(body), clip(body))
	}
	var vifs []netstat.MulticastInterface
	var table uint32
	var r attributeReader
	for a, rest := r.next(body[sizeofIfInfomsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind != unix.IFLA_AF_SPEC {
			continue
		}
		for spec, rest := r.next(a.value); spec.kind != noAttribute; spec, rest = r.next(rest) {
			switch spec.kind {
			case ipmraTableID:
				table = r.uint32(spec)
			case ipmraVIFs:
				for list, rest := r.next(spec.value); list.kind != noAttribute; list, rest = r.next(rest) {
					if list.kind != ipmraVIF {
						continue
					}
					vif, err := parseMulticastVIF(list.value)
					if err != nil {
						return nil, fmt.Errorf("multicast interface: %w", err)
					}
					vifs = append(vifs, vif)
				}
				if r.failed() {
					return nil, r.error()
				}
			}
		}
		if r.failed() {
			return nil, r.error()
		}
	}
	for i := range vifs {
		vifs[i].Table = table
	}
	return vifs, r.error()
}

func parseMulticastVIF(b []byte) (netstat.MulticastInterface, error) {
	v := netstat.MulticastInterface{Family: netstat.IPv4}
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case vifaIfindex:
			v.Interface = r.uint32(a)
		case vifaNumber:
			v.Number = uint16(r.uint32(a))
		case vifaFlags:
			v.Flags = netstat.MulticastInterfaceFlags(r.uint16(a))
			v.Register = v.Flags&netstat.MulticastRegister != 0
		case vifaOctetsIn:
			v.InOctets = r.uint64(a)
		case vifaOctetsOut:
			v.OutOctets = r.uint64(a)
		case vifaPacketsIn:
			v.InPackets = r.uint64(a)
		case vifaPacketsOut:
			v.OutPackets = r.uint64(a)
		case vifaLocal:
			v.Local = orNone(r.addr(a, netstat.IPv4))
		case vifaRemote:
			v.Remote = orNone(r.addr(a, netstat.IPv4))
		}
	}
	return v, r.error()
}

// orNone makes the unspecified address, by which the kernel says that there is
// none, the zero Addr.
func orNone(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// MulticastRoutes yields the multicast forwarding cache of every table, from
// rtnetlink(7). It changes with every packet of a new sender, which the kernel
// does not tell during a dump: an entry that exists throughout is yielded.
func (k *Kernel) MulticastRoutes(ctx context.Context) iter.Seq2[netstat.MulticastRoute, error] {
	return func(yield func(netstat.MulticastRoute, error) bool) {
		families, err := k.multicastFamilies()
		if err != nil {
			yield(netstat.MulticastRoute{}, k.readError("read multicast routes", err))
			return
		}
		for _, family := range families {
			body := make([]byte, sizeofRtmsg)
			body[0] = rtnlFamilyIPMR
			if family == netstat.IPv6 {
				body[0] = rtnlFamilyIP6MR
			}
			wanted, stopped := body[0], false
			_, err := k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETROUTE, body: body}, func(kind uint16, body []byte) (bool, error) {
				if kind != unix.RTM_NEWROUTE || len(body) == 0 || body[0] != wanted {
					return true, nil
				}
				r, err := parseMulticastRoute(body)
				if err != nil {
					return false, err
				}
				stopped = !yield(r, nil)
				return !stopped, nil
			})
			if stopped {
				return
			}
			if err != nil {
				yield(netstat.MulticastRoute{}, k.readError(fmt.Sprintf("dump %v multicast routes", family), err))
				return
			}
		}
	}
}

// parseMulticastRoute reads a struct rtmsg of the family RTNL_FAMILY_IPMR or
// RTNL_FAMILY_IP6MR (net/ipv4/ipmr_base.c, mr_fill_mroute).
func parseMulticastRoute(body []byte) (netstat.MulticastRoute, error) {
	r := netstat.MulticastRoute{Family: netstat.IPv4}
	if len(body) < sizeofRtmsg {
		return r, fmt.Errorf("rtmsg of %d bytes: % x", len(body), clip(body))
	}
	if body[0] == rtnlFamilyIP6MR {
		r.Family = netstat.IPv6
	}
	r.Table = uint32(body[4])
	r.Unresolved = binary.NativeEndian.Uint32(body[8:])&unix.RTNH_F_UNRESOLVED != 0
	var reader attributeReader
	for a, rest := reader.next(body[sizeofRtmsg:]); a.kind != noAttribute; a, rest = reader.next(rest) {
		switch a.kind {
		case unix.RTA_TABLE:
			r.Table = reader.uint32(a)
		case unix.RTA_SRC:
			r.Source = reader.addr(a, r.Family)
		case unix.RTA_DST:
			r.Group = reader.addr(a, r.Family)
		case unix.RTA_IIF:
			r.Input = reader.uint32(a)
		case unix.RTA_MULTIPATH:
			var err error
			if r.Outputs, err = parseMulticastOutputs(a.value); err != nil {
				return r, err
			}
		case unix.RTA_EXPIRES:
			r.Idle.Set(time.Duration(min(reader.uint64(a), 1<<32)) * cacheinfoTick)
		case rtaMFCStats:
			if reader.holds(a, sizeofRtaMFCStat) {
				r.Packets.Set(binary.NativeEndian.Uint64(a.value))
				r.Octets.Set(binary.NativeEndian.Uint64(a.value[8:]))
				r.WrongInterface.Set(binary.NativeEndian.Uint64(a.value[16:]))
			}
		}
	}
	return r, reader.error()
}

// parseMulticastOutputs reads a sequence of struct rtnexthop whose hops are
// thresholds.
func parseMulticastOutputs(b []byte) ([]netstat.MulticastOutput, error) {
	var outputs []netstat.MulticastOutput
	for len(b) >= unix.SizeofRtNexthop {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofRtNexthop || length > len(b) {
			return nil, fmt.Errorf("rtnexthop of %d bytes in %d: % x", length, len(b), clip(b))
		}
		outputs = append(outputs, netstat.MulticastOutput{Interface: binary.NativeEndian.Uint32(b[4:]), Threshold: b[3]})
		b = b[min(align4(length), len(b)):]
	}
	return outputs, nil
}
