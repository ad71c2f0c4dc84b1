package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/if_link.h, ip.h, ipv6.h and if_addr.h.
const (
	iflaInetConf = 1 // IFLA_INET_CONF

	iflaInet6Conf           = 2 // IFLA_INET6_CONF
	iflaInet6CacheInfo      = 5 // IFLA_INET6_CACHEINFO
	iflaInet6Token          = 7 // IFLA_INET6_TOKEN
	iflaInet6AddrGenMode    = 8 // IFLA_INET6_ADDR_GEN_MODE
	sizeofIflaCacheinfo     = 16
	addrGenModeEUI64        = 0 // IN6_ADDR_GEN_MODE_EUI64
	devconfForwarding       = 0 // DEVCONF_FORWARDING, and IPV4_DEVCONF_FORWARDING less 1
	devconfDisableIPv6      = 26
	devconfForceForwarding  = 59 // Linux 6.17
	addressMadeLinkLocal    = 3  // IFAPROT_KERNEL_LL, Linux 5.18
	reassemblyMaxSizeOfIPv4 = math.MaxUint16
)

// IPInterfaces yields what IPv4 and IPv6 keep for each interface: from
// rtnetlink(7) what links tell for address families, the settings of neighbours,
// and link-local addresses, which end with the interface identifiers; and the
// setting of IPv6's forwarding from /proc/sys/net. IPv4 puts packets of any size
// together (net/ipv4/ip_fragment.c, ip_frag_reasm).
func (k *Kernel) IPInterfaces(ctx context.Context) iter.Seq2[netstat.IPInterface, error] {
	return func(yield func(netstat.IPInterface, error) bool) {
		rows, err := k.ipInterfaces(ctx)
		yieldAll(yield, rows, err)
	}
}

func (k *Kernel) ipInterfaces(ctx context.Context) ([]netstat.IPInterface, error) {
	var links []inetLink
	err := consistently(ctx, func() (bool, error) {
		links = links[:0]
		return k.dump(ctx, linkRequest(), func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWLINK {
				return true, nil
			}
			l, err := parseInetLink(body)
			links = append(links, l)
			return true, err
		})
	})
	if err != nil {
		return nil, k.readError("dump links", err)
	}

	type key struct {
		family netstat.Family
		index  uint32
	}
	neighbours := make(map[key]*netstat.NeighbourParameters)
	_, err = embellish(ctx, func() error {
		return k.neighbourTables(ctx, func(m *neighbourTableMessage) {
			if m.hasParameters {
				neighbours[key{m.parameters.Family, m.parameters.Interface}] = &m.parameters
			}
		})
	})
	if err != nil {
		return nil, k.readError("dump neighbour tables", err)
	}

	var all netstat.Optional[bool] // whether IPv6 forwards
	identifiers := make(map[uint32]netstat.InterfaceIdentifier)
	if k.hasIPv6() {
		const path = "/proc/sys/net/ipv6/conf/all/forwarding"
		_, err := embellish(ctx, func() error {
			setting, err := k.setting(ctx, path)
			if n, known := setting.Get(); known {
				all.Set(n != 0)
			}
			return err
		})
		if err != nil {
			return nil, k.readError("read "+path, err)
		}
		told, err := embellish(ctx, func() (err error) {
			identifiers, err = k.interfaceIdentifiers(ctx)
			return err
		})
		if err != nil {
			return nil, k.readError("dump addresses", err)
		}
		if !told {
			identifiers = nil
		}
	}

	var rows []netstat.IPInterface
	for i := range links {
		l := &links[i]
		if l.hasIPv4 {
			row := netstat.IPInterface{Interface: l.index, Family: netstat.IPv4, Enabled: netstat.Known(true), Forwards: l.forwardsIPv4}
			row.ReassemblyMaxSize.Set(reassemblyMaxSizeOfIPv4)
			if p := neighbours[key{netstat.IPv4, l.index}]; p != nil {
				row.Reachable, row.Retransmit = p.Reachable, p.Retransmit
			}
			rows = append(rows, row)
		}
		if l.hasIPv6 {
			row := l.ipv6
			if row.Forwards = all; l.forced {
				row.Forwards.Set(true)
			}
			if identifier, known := identifiers[l.index]; known && l.addrGenMode == addrGenModeEUI64 && !row.Identifier.IsKnown() {
				row.Identifier.Set(identifier)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// interfaceIdentifiers returns how the link-local addresses end that the kernel
// made, by interface. An older one does not say which these are: it makes most of
// them of link-layer addresses (RFC 4291, appendix A).
func (k *Kernel) interfaceIdentifiers(ctx context.Context) (map[uint32]netstat.InterfaceIdentifier, error) {
	identifiers := make(map[uint32]netstat.InterfaceIdentifier)
	body := make([]byte, sizeofIfAddrmsg)
	body[0] = unix.AF_INET6
	var z zones
	err := consistently(ctx, func() (bool, error) {
		clear(identifiers)
		return k.dump(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETADDR, body: body}, func(kind uint16, body []byte) (bool, error) {
			if kind != unix.RTM_NEWADDR || len(body) > 0 && body[0] != unix.AF_INET6 {
				return true, nil
			}
			a, err := parseAddress(body, &z)
			if err != nil || !a.Prefix.Addr().IsLinkLocalUnicast() {
				return true, err
			}
			octets := a.Prefix.Addr().As16()
			made, told := a.Origin.Get()
			if told && made == addressMadeLinkLocal || !told && octets[11] == 0xff && octets[12] == 0xfe {
				identifiers[a.Interface] = netstat.InterfaceIdentifier(octets[8:])
			}
			return true, nil
		})
	})
	return identifiers, err
}

// inetLink is what a link tells for the address families of IP.
type inetLink struct {
	index        uint32
	hasIPv4      bool
	forwardsIPv4 netstat.Optional[bool]
	hasIPv6      bool
	ipv6         netstat.IPInterface // without Forwards
	forced       bool                // IPv6 forwards whatever it does as a whole
	addrGenMode  uint8
}

// parseInetLink reads IFLA_AF_SPEC among the attributes of a struct ifinfomsg.
func parseInetLink(body []byte) (inetLink, error) {
	var l inetLink
	if len(body) < sizeofIfInfomsg {
		return l, fmt.Errorf("ifinfomsg of %d bytes: % x", len(body), clip(body))
	}
	l.index = binary.NativeEndian.Uint32(body[4:])
	l.ipv6 = netstat.IPInterface{Interface: l.index, Family: netstat.IPv6}
	var r attributeReader
	for a, rest := r.next(body[sizeofIfInfomsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind != unix.IFLA_AF_SPEC {
			continue
		}
		for families, rest := r.next(a.value); families.kind != noAttribute; families, rest = r.next(rest) {
			var err error
			switch families.kind {
			case unix.AF_INET:
				l.hasIPv4 = true
				err = l.parseIPv4(families.value)
			case unix.AF_INET6:
				l.hasIPv6 = true
				err = l.parseIPv6(families.value)
			}
			if err != nil {
				return l, fmt.Errorf("address family %d: %w", families.kind, err)
			}
		}
		if r.failed() {
			return l, fmt.Errorf("address families: %w", r.error())
		}
	}
	if l.hasIPv6 && binary.NativeEndian.Uint32(body[8:])&unix.IFF_LOOPBACK != 0 {
		l.ipv6.Identifier.Set("")
	}
	return l, r.error()
}

// devconf returns a setting of an array of them, of which kernels have more and
// more.
func devconf(array []byte, at int) (n netstat.Optional[uint32]) {
	if at*4+4 <= len(array) {
		n.Set(binary.NativeEndian.Uint32(array[at*4:]))
	}
	return n
}

func (l *inetLink) parseIPv4(b []byte) error {
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		if a.kind == iflaInetConf {
			if n, known := devconf(a.value, devconfForwarding).Get(); known {
				l.forwardsIPv4.Set(n != 0)
			}
		}
	}
	return r.error()
}

func (l *inetLink) parseIPv6(b []byte) error {
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case iflaInet6Conf:
			if n, known := devconf(a.value, devconfDisableIPv6).Get(); known {
				l.ipv6.Enabled.Set(n == 0)
			}
			l.forced = devconf(a.value, devconfForceForwarding).Or(0) != 0
		case iflaInet6CacheInfo:
			if !r.holds(a, sizeofIflaCacheinfo) {
				break
			}
			n := func(i int) uint32 { return binary.NativeEndian.Uint32(a.value[i*4:]) }
			l.ipv6.ReassemblyMaxSize.Set(n(0))
			now, up := sinceBoot()
			l.ipv6.Updated = momentOf(n(1), now, up)
			l.ipv6.Reachable.Set(time.Duration(n(2)) * time.Millisecond)
			l.ipv6.Retransmit.Set(time.Duration(n(3)) * time.Millisecond)
		case iflaInet6Token:
			if token := r.addr(a, netstat.IPv6); token.IsValid() && !token.IsUnspecified() {
				octets := token.As16()
				l.ipv6.Identifier.Set(netstat.InterfaceIdentifier(octets[8:]))
			}
		case iflaInet6AddrGenMode:
			l.addrGenMode = r.uint8(a)
		}
	}
	return r.error()
}
