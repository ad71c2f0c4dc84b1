package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/netlink_diag.h.
const (
	sizeofNetlinkDiagMsg = 28

	netlinkAllProtocols = 255    // NDIAG_PROTO_ALL
	netlinkShowMemInfo  = 1 << 0 // NDIAG_SHOW_MEMINFO
	netlinkShowGroups   = 1 << 1 // NDIAG_SHOW_GROUPS
	netlinkShowFlags    = 1 << 3 // NDIAG_SHOW_FLAGS

	netlinkDiagMemInfo = 0
	netlinkDiagGroups  = 1
	netlinkDiagFlags   = 4
)

// NetlinkSockets yields the netlink sockets from sock_diag(7)
// (CONFIG_NETLINK_DIAG).
func (k *Kernel) NetlinkSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.NetlinkSocket, error] {
	// struct netlink_diag_req behind the family: protocol, padding, inode, what
	// to show, cookie.
	body := make([]byte, 19)
	body[0] = netlinkAllProtocols
	binary.NativeEndian.PutUint32(body[7:], netlinkShowMemInfo|netlinkShowGroups|netlinkShowFlags)
	return func(yield func(netstat.NetlinkSocket, error) bool) {
		// The kernel dumps sockets that receive groups once by their port and once
		// more by their groups.
		seen := make(map[uint64]bool)
		endpoints(ctx, k, q, endpointDump[netstat.NetlinkSocket]{
			name:   "netlink",
			family: unix.AF_NETLINK,
			body:   body,
			option: func() string { return "CONFIG_NETLINK_DIAG" },
			parse: func(body []byte, s *netstat.NetlinkSocket) error {
				err := parseNetlinkDiag(body, s)
				if !q.Memory {
					s.Memory = netstat.Optional[netstat.SocketMemory]{}
				}
				return err
			},
			selects: func(s *netstat.NetlinkSocket) bool {
				if len(s.Groups) > 0 {
					if seen[s.Cookie] {
						return false
					}
					seen[s.Cookie] = true
				}
				return q.States.Has(s.State)
			},
			inode: func(s *netstat.NetlinkSocket) uint32 {
				if s.PortID == 0 && len(s.Groups) == 0 {
					return 0 // the kernel's own, which no process holds
				}
				return s.Inode
			},
			own: func(s *netstat.NetlinkSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
		})(yield)
	}
}

// parseNetlinkDiag reads a struct netlink_diag_msg and its attributes.
func parseNetlinkDiag(body []byte, s *netstat.NetlinkSocket) error {
	if len(body) < sizeofNetlinkDiagMsg {
		return fmt.Errorf("netlink_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	s.Type = netstat.SocketType(body[1])
	s.Protocol = netstat.NetlinkProtocol(body[2])
	// NETLINK_UNCONNECTED and NETLINK_CONNECTED (net/netlink/af_netlink.c).
	s.State = netstat.Close
	if body[3] == 1 {
		s.State = netstat.Established
	}
	s.PortID = binary.NativeEndian.Uint32(body[4:])
	s.RemotePortID = binary.NativeEndian.Uint32(body[8:])
	s.RemoteGroup = binary.NativeEndian.Uint32(body[12:])
	s.Inode = binary.NativeEndian.Uint32(body[16:])
	s.Cookie = cookie(body[20:])
	var r attributeReader
	for a, rest := r.next(body[sizeofNetlinkDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case netlinkDiagMemInfo:
			m := r.socketMemory(a)
			s.Memory.Set(m)
			s.ReceiveQueue.Set(m.Received)
			s.SendQueue.Set(m.Transmitted)
			s.Drops = m.Drops
		case netlinkDiagGroups:
			s.Groups = r.bits(a)
		case netlinkDiagFlags:
			s.Flags.Set(netstat.NetlinkFlags(r.uint32(a)))
		}
	}
	return r.error()
}

// bits returns the numbers of the bits that are set, from 1 on, of a bitmap in
// the kernel's words, whose size is that of this kernel's long, not of this
// program's: on big-endian machines 32-bit halves change places.
func (r *attributeReader) bits(a nlAttr) (set []uint32) {
	if len(a.value)%4 != 0 {
		r.malformed(a, "a bitmap")
		return nil
	}
	for i := range len(a.value) / 4 {
		at := i
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 && len(a.value)%8 == 0 {
			at ^= 1
		}
		for word := binary.NativeEndian.Uint32(a.value[4*at:]); word != 0; word &= word - 1 {
			set = append(set, uint32(32*i+bits.TrailingZeros32(word)+1))
		}
	}
	return set
}
