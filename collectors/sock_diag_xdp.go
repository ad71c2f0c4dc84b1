package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/xdp_diag.h.
const (
	sizeofXDPDiagMsg   = 16
	sizeofXDPDiagUmem  = 40
	sizeofXDPDiagStats = 48

	xdpShowInfo    = 1 << 0 // XDP_SHOW_INFO
	xdpShowRingCfg = 1 << 1 // XDP_SHOW_RING_CFG
	xdpShowUmem    = 1 << 2 // XDP_SHOW_UMEM
	xdpShowMemInfo = 1 << 3 // XDP_SHOW_MEMINFO
	xdpShowStats   = 1 << 4 // XDP_SHOW_STATS

	xdpDiagInfo           = 1
	xdpDiagUID            = 2
	xdpDiagRxRing         = 3
	xdpDiagTxRing         = 4
	xdpDiagUmem           = 5
	xdpDiagFillRing       = 6
	xdpDiagCompletionRing = 7
	xdpDiagMemInfo        = 8
	xdpDiagStats          = 9

	xdpUmemZeroCopy = 1 << 0 // XDP_DU_F_ZEROCOPY
)

// XDPSockets yields the XDP sockets from sock_diag(7)
// (CONFIG_XDP_SOCKETS_DIAG).
func (k *Kernel) XDPSockets(ctx context.Context, q netstat.EndpointQuery) iter.Seq2[netstat.XDPSocket, error] {
	show := uint32(xdpShowInfo | xdpShowRingCfg | xdpShowUmem | xdpShowStats)
	if q.Memory {
		show |= xdpShowMemInfo
	}
	// struct xdp_diag_req behind the family: protocol, padding, inode, what to
	// show, cookie.
	body := make([]byte, 19)
	binary.NativeEndian.PutUint32(body[7:], show)
	return endpoints(ctx, k, q, endpointDump[netstat.XDPSocket]{
		name:   "XDP",
		family: unix.AF_XDP,
		body:   body,
		option: func() string {
			return socketOption(unix.AF_XDP, unix.SOCK_RAW, 0, "CONFIG_XDP_SOCKETS", "CONFIG_XDP_SOCKETS_DIAG")
		},
		parse: parseXDPDiag,
		inode: func(s *netstat.XDPSocket) uint32 { return s.Inode },
		own:   func(s *netstat.XDPSocket, p netstat.Optional[[]netstat.Process]) { s.Processes = p },
	})
}

// parseXDPDiag reads a struct xdp_diag_msg and its attributes.
func parseXDPDiag(body []byte, s *netstat.XDPSocket) error {
	if len(body) < sizeofXDPDiagMsg {
		return fmt.Errorf("xdp_diag_msg of %d bytes: % x", len(body), clip(body))
	}
	s.Inode = binary.NativeEndian.Uint32(body[4:])
	s.Cookie = cookie(body[8:])
	var r attributeReader
	for a, rest := r.next(body[sizeofXDPDiagMsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case xdpDiagInfo:
			s.Interface, s.Queue = r.uint32Pair(a)
		case xdpDiagUID:
			s.UID.Set(r.uint32(a))
		case xdpDiagRxRing:
			s.Receive.Set(r.uint32(a))
		case xdpDiagTxRing:
			s.Transmit.Set(r.uint32(a))
		case xdpDiagUmem:
			s.Area = r.xdpArea(a)
		case xdpDiagFillRing:
			s.Fill.Set(r.uint32(a))
		case xdpDiagCompletionRing:
			s.Completion.Set(r.uint32(a))
		case xdpDiagMemInfo:
			s.Memory.Set(r.socketMemory(a))
		case xdpDiagStats:
			s.Statistics.Set(r.xdpStatistics(a))
		}
	}
	return r.error()
}

// xdpArea reads a struct xdp_diag_umem.
func (r *attributeReader) xdpArea(a nlAttr) *netstat.XDPArea {
	if len(a.value) < sizeofXDPDiagUmem {
		r.malformed(a, "a struct xdp_diag_umem")
		return nil
	}
	number := func(at int) uint32 { return binary.NativeEndian.Uint32(a.value[at:]) }
	return &netstat.XDPArea{
		Size: binary.NativeEndian.Uint64(a.value),
		ID:   number(8), Pages: number(12), ChunkSize: number(16), Headroom: number(20),
		Interface: number(24), Queue: number(28),
		ZeroCopy: number(32)&xdpUmemZeroCopy != 0, References: number(36),
	}
}

// xdpStatistics reads a struct xdp_diag_stats.
func (r *attributeReader) xdpStatistics(a nlAttr) (s netstat.XDPStatistics) {
	if len(a.value) < sizeofXDPDiagStats {
		r.malformed(a, "a struct xdp_diag_stats")
		return s
	}
	number := func(i int) uint64 { return binary.NativeEndian.Uint64(a.value[8*i:]) }
	return netstat.XDPStatistics{
		ReceiveDropped: number(0), ReceiveInvalid: number(1), ReceiveFull: number(2),
		FillEmpty: number(3), TransmitInvalid: number(4), TransmitEmpty: number(5),
	}
}
