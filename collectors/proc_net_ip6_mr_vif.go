package collectors

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// multicastVIFs6 returns the vifs of /proc/net/ip6_mr_vif, with the indexes of
// the interfaces that it names.
func (k *Kernel) multicastVIFs6(ctx context.Context) ([]netstat.MulticastInterface, error) {
	const path = "/proc/net/ip6_mr_vif"
	var all []netstat.MulticastInterface
	var names []string
	err := k.readLines(ctx, path, func(l *lines) {
		parseIP6MRVIF(l, func(v netstat.MulticastInterface, name string) {
			all, names = append(all, v), append(names, name)
		})
	})
	if err != nil || len(all) == 0 {
		return nil, k.readError("read "+path, absentFile(err))
	}
	var indexes map[string]uint32
	_, err = embellish(ctx, func() (err error) {
		indexes, err = k.linkIndexes(ctx)
		return err
	})
	for i := range all {
		all[i].Interface = indexes[names[i]]
	}
	return all, k.readError("dump links", err)
}

// linkIndexes returns the interfaces' indexes by name.
func (k *Kernel) linkIndexes(ctx context.Context) (map[string]uint32, error) {
	indexes := make(map[string]uint32)
	err := consistently(ctx, func() (bool, error) {
		clear(indexes)
		return k.dump(ctx, linkRequest(), func(kind uint16, body []byte) (bool, error) {
			var ifc netstat.Interface
			if kind != unix.RTM_NEWLINK {
				return true, nil
			}
			_, err := parseLink(body, &ifc)
			indexes[ifc.Name] = ifc.Index
			return true, err
		})
	})
	return indexes, err
}

// mifRegister is MIFF_REGISTER (include/uapi/linux/mroute6.h).
const mifRegister = 1

// parseIP6MRVIF reads /proc/net/ip6_mr_vif (net/ipv6/ip6mr.c,
// ip6mr_vif_seq_show). It is of the default table, which is IPv6's main one
// (RT6_TABLE_DFLT).
//
//	Interface      BytesIn  PktsIn  BytesOut PktsOut Flags
//	 0 eth0              0       0         0       0 00000
func parseIP6MRVIF(l *lines, each func(v netstat.MulticastInterface, name string)) {
	for first := true; l.next(); first = false {
		fields := l.fields()
		if first && len(fields) > 0 && string(fields[0]) == "Interface" {
			continue
		}
		if len(fields) != 7 {
			l.fail("%d columns", len(fields))
			return
		}
		number, flags := l.uint32(fields[0], 10), l.uint32(fields[6], 16)
		if number > 1<<16-1 {
			l.fail("vif %d", number)
		}
		v := netstat.MulticastInterface{
			Family: netstat.IPv6, Table: netstat.TableMain, Number: uint16(number), Register: flags&mifRegister != 0,
			InOctets: l.uint64(fields[2], 10), InPackets: l.uint64(fields[3], 10),
			OutOctets: l.uint64(fields[4], 10), OutPackets: l.uint64(fields[5], 10),
		}
		if l.err != nil {
			return
		}
		each(v, string(fields[1]))
	}
}
