package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/packet_diag.h.
const (
	sizeofPacketDiagMsg    = 16
	sizeofPacketDiagInfo   = 24
	sizeofPacketDiagMclist = 44
	sizeofPacketDiagRing   = 28

	packetShowInfo    = 1 << 0 // PACKET_SHOW_INFO
	packetShowMclist  = 1 << 1 // PACKET_SHOW_MCLIST
	packetShowRingCfg = 1 << 2 // PACKET_SHOW_RING_CFG
	packetShowFanout  = 1 << 3 // PACKET_SHOW_FANOUT
	packetShowMemInfo = 1 << 4 // PACKET_SHOW_MEMINFO
	packetShowFilter  = 1 << 5 // PACKET_SHOW_FILTER

	packetDiagInfo    = 0
	packetDiagMclist  = 1
	packetDiagRxRing  = 2
	packetDiagTxRing  = 3
	packetDiagFanout  = 4
	packetDiagUID     = 5
	packetDiagMemInfo = 6
	packetDiagFilter  = 7
)

// PacketSockets yields the packet sockets from sock_diag(7)
// (CONFIG_PACKET_DIAG).
func (k *Kernel) PacketSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.PacketSocket, error] {
	// struct packet_diag_req behind the family: protocol, padding, inode, what to
	// show, cookie.
	body := make([]byte, 19)
	binary.NativeEndian.PutUint32(body[7:], packetShowInfo|packetShowMclist|packetShowRingCfg|packetShowFanout|packetShowMemInfo|packetShowFilter)
	return endpoints(ctx, k, q, endpointDump[netstat.PacketSocket]{
		name:   "packet",
		family: unix.AF_PACKET,
		body:   body,
		option: func() string {
			return socketOption(unix.AF_PACKET, unix.SOCK_DGRAM, 0, "CONFIG_PACKET", "CONFIG_PACKET_DIAG")
		},
		parse: func(body []byte, s *netstat.PacketSocket) error {
			err := parsePacketDiag(body, s)
			if !q.Memory {
				s.Memory = netstat.Optional[netstat.SocketMemory]{}
			}
			return err
		},
		inode: func(s *netstat.PacketSocket) uint32 { return s.Inode },
		own:   func(s *netstat.PacketSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	})
}

// parsePacketDiag reads a struct packet_diag_msg and its attributes.
func parsePacketDiag(body []byte, s *netstat.PacketSocket) error {
	if len(body) < sizeofPacketDiagMsg {
		return fmt.Errorf("packet_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	s.Type = netstat.SocketType(body[1])
	s.Protocol = binary.NativeEndian.Uint16(body[2:])
	s.Inode = binary.NativeEndian.Uint32(body[4:])
	s.Cookie = cookie(body[8:])
	// The kernel sends an empty filter to whom it may not tell, and none at all
	// where there is none.
	s.Filter.Set(nil)
	var r attributeReader
	for a, rest := r.next(body[sizeofPacketDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case packetDiagInfo:
			r.packetInfo(a, s)
		case packetDiagMclist:
			s.Memberships = r.packetMemberships(a)
		case packetDiagRxRing:
			s.Receive = r.packetRing(a)
		case packetDiagTxRing:
			s.Transmit = r.packetRing(a)
		case packetDiagFanout:
			fanout := r.uint32(a)
			s.Fanout.Set(netstat.PacketFanout{Group: uint16(fanout), Mode: uint16(fanout >> 16)})
		case packetDiagUID:
			s.UID.Set(r.uint32(a))
		case packetDiagMemInfo:
			s.Memory.Set(r.socketMemory(a))
		case packetDiagFilter:
			s.Filter = netstat.Optional[[]byte]{}
			if len(a.value) > 0 {
				s.Filter.Set(slices.Clone(a.value))
			}
		}
	}
	if memory, known := s.Memory.Get(); known && s.Receive == nil {
		s.Drops = memory.Drops
	}
	return r.error()
}

// packetInfo reads a struct packet_diag_info.
func (r *attributeReader) packetInfo(a nlAttr, s *netstat.PacketSocket) {
	if len(a.value) < sizeofPacketDiagInfo {
		r.malformed(a, "a struct packet_diag_info")
		return
	}
	number := func(i int) uint32 { return binary.NativeEndian.Uint32(a.value[4*i:]) }
	s.Interface, s.Version, s.Reserve = number(0), number(1), number(2)
	s.CopyThreshold, s.Timestamp, s.Flags = number(3), number(4), netstat.PacketFlags(number(5))
}

// packetRing reads a struct packet_diag_ring.
func (r *attributeReader) packetRing(a nlAttr) *netstat.PacketRing {
	if len(a.value) < sizeofPacketDiagRing {
		r.malformed(a, "a struct packet_diag_ring")
		return nil
	}
	number := func(i int) uint32 { return binary.NativeEndian.Uint32(a.value[4*i:]) }
	return &netstat.PacketRing{
		BlockSize: number(0), Blocks: number(1),
		FrameSize: number(2), Frames: number(3),
		RetireTimeout: time.Duration(number(4)) * time.Millisecond, PrivateSize: number(5), Features: number(6),
	}
}

// packetMemberships reads a sequence of struct packet_diag_mclist.
func (r *attributeReader) packetMemberships(a nlAttr) (all []netstat.PacketMembership) {
	if len(a.value)%sizeofPacketDiagMclist != 0 {
		r.malformed(a, "a sequence of struct packet_diag_mclist")
		return nil
	}
	for b := a.value; len(b) > 0; b = b[sizeofPacketDiagMclist:] {
		length := binary.NativeEndian.Uint16(b[10:])
		if int(length) > sizeofPacketDiagMclist-12 {
			r.malformed(a, "a sequence of hardware addresses that fit their places")
			return nil
		}
		all = append(all, netstat.PacketMembership{
			Interface: binary.NativeEndian.Uint32(b),
			Count:     binary.NativeEndian.Uint32(b[4:]),
			Type:      binary.NativeEndian.Uint16(b[8:]),
			Address:   netstat.HardwareAddress(b[12 : 12+length]),
		})
	}
	return all
}
