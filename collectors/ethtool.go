package collectors

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// linkMode is what ethtool tells of one interface.
type linkMode struct {
	index  uint32
	speed  netstat.Optional[uint64] // bits a second
	duplex netstat.Optional[netstat.Duplex]
}

// linkModes calls f for every interface whose driver tells its link mode
// (Documentation/networking/ethtool-netlink.rst, LINKMODES_GET; Linux 5.6).
//
// A device whose driver fails, or that is not present (one that was removed
// meanwhile, or sleeps), ends the kernel's dump (net/ethtool/netlink.c,
// ethnl_default_dumpit). Those of the interfaces that the dump did not come to are
// then asked one by one.
func (k *Kernel) linkModes(ctx context.Context, interfaces iter.Seq[uint32], f func(*linkMode)) error {
	id, err := k.family(ctx, &k.ethtool, unix.ETHTOOL_GENL_NAME)
	if err != nil {
		return err
	}
	told := make(map[uint32]bool)
	each := func(kind uint16, body []byte) (bool, error) {
		if kind != id {
			return true, nil
		}
		m, err := parseLinkModes(body)
		if err != nil {
			return false, err
		}
		told[m.index] = true
		f(&m)
		return true, nil
	}
	// A change only moves which interfaces are there, and those are known.
	_, err = k.dump(ctx, linkModesRequest(id, 0), each)
	if err == nil || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) {
		return err
	}
	for index := range interfaces {
		if told[index] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		_, _ = k.ask(ctx, linkModesRequest(id, index), each) // what fails is this one's
	}
	return nil
}

// linkModesRequest asks for the link modes of an interface, or of all for 0.
func linkModesRequest(id uint16, index uint32) request {
	body := []byte{unix.ETHTOOL_MSG_LINKMODES_GET, unix.ETHTOOL_GENL_VERSION, 0, 0}
	var header []byte
	if index != 0 {
		header = appendUint32Attribute(header, unix.ETHTOOL_A_HEADER_DEV_INDEX, index)
	}
	// Bit sets in the compact form, since nobody here reads them.
	header = appendUint32Attribute(header, unix.ETHTOOL_A_HEADER_FLAGS, unix.ETHTOOL_FLAG_COMPACT_BITSETS)
	body = appendAttribute(body, unix.ETHTOOL_A_LINKMODES_HEADER|unix.NLA_F_NESTED, header)
	return request{protocol: unix.NETLINK_GENERIC, kind: id, body: body}
}

// parseLinkModes reads an ETHTOOL_MSG_LINKMODES_GET_REPLY.
func parseLinkModes(body []byte) (linkMode, error) {
	var m linkMode
	if len(body) < sizeofGenlMsghdr {
		return m, fmt.Errorf("ethtool message of %d bytes", len(body))
	}
	var r attributeReader
	for a, rest := r.next(body[sizeofGenlMsghdr:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case unix.ETHTOOL_A_LINKMODES_HEADER:
			for header, rest := r.next(a.value); header.kind != noAttribute; header, rest = r.next(rest) {
				if header.kind == unix.ETHTOOL_A_HEADER_DEV_INDEX {
					m.index = r.uint32(header)
				}
			}
			if r.failed() {
				return m, fmt.Errorf("ethtool header: %w", r.error())
			}
		case unix.ETHTOOL_A_LINKMODES_SPEED:
			// Drivers say unknown in three ways (SPEED_UNKNOWN, its lower half,
			// and 0 without a link).
			if mbits := r.uint32(a); mbits != 0 && mbits != 0xffff && mbits != 0xffffffff {
				m.speed.Set(uint64(mbits) * 1_000_000)
			}
		case unix.ETHTOOL_A_LINKMODES_DUPLEX:
			if d := netstat.Duplex(r.uint8(a)); d == netstat.HalfDuplex || d == netstat.FullDuplex {
				m.duplex.Set(d)
			}
		}
	}
	return m, r.error()
}
