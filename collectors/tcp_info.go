package collectors

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sizeofTCPInfoLeast is the part of struct tcp_info (include/uapi/linux/tcp.h)
// that every kernel of today has: up to tcpi_total_retrans.
const sizeofTCPInfoLeast = 104

// sizeofTCPInfo is the size of the longest struct tcp_info that is known here
// (Linux 6.18).
const sizeofTCPInfo = 280

// structure reads fields of a structure that may be shorter than what is known
// of it, or longer.
type structure []byte

func (b structure) u8(at int) (v netstat.Optional[uint8]) {
	if at+1 <= len(b) {
		v.Set(b[at])
	}
	return v
}

func (b structure) u16(at int) (v netstat.Optional[uint16]) {
	if at+2 <= len(b) {
		v.Set(binary.NativeEndian.Uint16(b[at:]))
	}
	return v
}

func (b structure) u32(at int) (v netstat.Optional[uint32]) {
	if at+4 <= len(b) {
		v.Set(binary.NativeEndian.Uint32(b[at:]))
	}
	return v
}

func (b structure) u64(at int) (v netstat.Optional[uint64]) {
	if at+8 <= len(b) {
		v.Set(binary.NativeEndian.Uint64(b[at:]))
	}
	return v
}

// duration32 and duration64 read a number of units. One beyond what a Duration
// holds is about the longest one.
func (b structure) duration32(at int, unit time.Duration) (v netstat.Optional[time.Duration]) {
	if n, ok := b.u32(at).Get(); ok {
		v.Set(time.Duration(n) * unit)
	}
	return v
}

func (b structure) duration64(at int, unit time.Duration) (v netstat.Optional[time.Duration]) {
	if n, ok := b.u64(at).Get(); ok {
		v.Set(time.Duration(min(n, math.MaxInt64/uint64(unit))) * unit)
	}
	return v
}

// bitField returns a bit field of a byte, of so many bits after so many others:
// compilers begin at the lowest bit on little-endian machines and at the highest
// on others.
func bitField(b byte, after, width int) byte {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		after = 8 - after - width
	}
	return b >> after & (1<<width - 1)
}

// tcpInfo reads a struct tcp_info of any length into t, or into a new one where that is nil.
func (r *attributeReader) tcpInfo(a nlAttr, t *netstat.TCPInfo) *netstat.TCPInfo {
	if len(a.value) < sizeofTCPInfoLeast {
		r.malformed(a, "a struct tcp_info")
		return nil
	}
	b := structure(a.value)
	if netstat.State(b[0]) == netstat.Listen {
		// The kernel fills in nothing behind tcpi_max_pacing_rate.
		b = b[:min(len(b), 120)]
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	milli := func(at int) time.Duration { return time.Duration(u32(at)) * time.Millisecond }
	micro := func(at int) time.Duration { return time.Duration(u32(at)) * time.Microsecond }
	if t == nil {
		t = new(netstat.TCPInfo)
	}
	*t = netstat.TCPInfo{
		State:           netstat.State(b[0]),
		CongestionState: netstat.CongestionState(b[1]),
		Retransmits:     b[2],
		Probes:          b[3],
		Backoff:         b[4],
		Options:         netstat.TCPOptions(b[5]),

		RTO:        micro(8),
		ATO:        micro(12),
		SendMSS:    u32(16),
		ReceiveMSS: u32(20),

		Unacknowledged: u32(24),
		Sacked:         u32(28),
		Lost:           u32(32),
		Retransmitted:  u32(36),
		// 40 is fackets, which Linux 4.15 ended; 48 was never remembered.

		LastDataSent:     milli(44),
		LastDataReceived: milli(52),
		LastAckReceived:  milli(56),

		PathMTU:            u32(60),
		ReceiveSlowStart:   u32(64),
		RTT:                micro(68),
		RTTVariation:       micro(72),
		SlowStartThreshold: u32(76),
		CongestionWindow:   u32(80),
		AdvertisedMSS:      u32(84),
		Reordering:         u32(88),
		ReceiveRTT:         micro(92),
		ReceiveSpace:       u32(96),
		TotalRetransmits:   u32(100),

		PacingRate:            b.u64(104),
		MaxPacingRate:         b.u64(112),
		BytesAcknowledged:     b.u64(120),
		BytesReceived:         b.u64(128),
		SegmentsSent:          b.u32(136),
		SegmentsReceived:      b.u32(140),
		NotSent:               b.u32(144),
		DataSegmentsReceived:  b.u32(152),
		DataSegmentsSent:      b.u32(156),
		DeliveryRate:          b.u64(160),
		BusyTime:              b.duration64(168, time.Microsecond),
		ReceiveWindowLimited:  b.duration64(176, time.Microsecond),
		SendBufferLimited:     b.duration64(184, time.Microsecond),
		Delivered:             b.u32(192),
		DeliveredCE:           b.u32(196),
		BytesSent:             b.u64(200),
		BytesRetransmitted:    b.u64(208),
		DSACKDuplicates:       b.u32(216),
		ReorderingSeen:        b.u32(220),
		OutOfOrder:            b.u32(224),
		SendWindow:            b.u32(228),
		ReceiveWindow:         b.u32(232),
		Rehash:                b.u32(236),
		TotalRTO:              b.u16(240),
		TotalRTORecoveries:    b.u16(242),
		TotalRTOTime:          b.duration32(244, time.Millisecond),
		ReceivedCE:            b.u32(248),
		DeliveredE1Bytes:      b.u32(252),
		DeliveredE0Bytes:      b.u32(256),
		DeliveredCEBytes:      b.u32(260),
		ReceivedE1Bytes:       b.u32(264),
		ReceivedE0Bytes:       b.u32(268),
		ReceivedCEBytes:       b.u32(272),
		AccurateECNFailure:    b.u16(276),
		AccurateECNOptionSeen: b.u16(278),
	}
	t.SendScale, t.ReceiveScale = bitField(b[6], 0, 4), bitField(b[6], 4, 4)
	t.DeliveryRateAppLimited = bitField(b[7], 0, 1) != 0
	t.FastOpenFailure = netstat.FastOpenFailure(bitField(b[7], 1, 2))
	// The kernel has all ones until there is a measurement.
	if rtt, ok := b.u32(148).Get(); ok && rtt != 1<<32-1 {
		t.MinRTT.Set(time.Duration(rtt) * time.Microsecond)
	}
	return t
}

// sizeofMPTCPInfoLeast is the part of struct mptcp_info
// (include/uapi/linux/mptcp.h) that every kernel with Multipath TCP has: up to
// mptcpi_rcv_nxt.
const sizeofMPTCPInfoLeast = 40

// sizeofMPTCPInfo is the size of the longest that is known here (Linux 6.18).
const sizeofMPTCPInfo = 96

// Flags of struct mptcp_info.
const (
	mptcpInfoFallback          = 1 << 0 // MPTCP_INFO_FLAG_FALLBACK
	mptcpInfoRemoteKeyReceived = 1 << 1 // MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED
)

// mptcpInfo reads a struct mptcp_info of any length.
func (r *attributeReader) mptcpInfo(a nlAttr) *netstat.MPTCPInfo {
	if len(a.value) < sizeofMPTCPInfoLeast {
		r.malformed(a, "a struct mptcp_info")
		return nil
	}
	b := structure(a.value)
	flags := binary.NativeEndian.Uint32(b[8:])
	m := &netstat.MPTCPInfo{
		Subflows:            b[0],
		AddAddrSignal:       b[1],
		AddAddrAccepted:     b[2],
		SubflowsMax:         b[3],
		AddAddrSignalMax:    b[4],
		AddAddrAcceptedMax:  b[5],
		Fallback:            flags&mptcpInfoFallback != 0,
		RemoteKeyReceived:   flags&mptcpInfoRemoteKeyReceived != 0,
		Token:               binary.NativeEndian.Uint32(b[12:]),
		WriteSequence:       binary.NativeEndian.Uint64(b[16:]),
		SendUnacknowledged:  binary.NativeEndian.Uint64(b[24:]),
		ReceiveNext:         binary.NativeEndian.Uint64(b[32:]),
		LocalAddressesUsed:  b.u8(40),
		LocalAddressesMax:   b.u8(41),
		Retransmits:         b.u32(44),
		BytesRetransmitted:  b.u64(48),
		BytesSent:           b.u64(56),
		BytesReceived:       b.u64(64),
		BytesAcknowledged:   b.u64(72),
		SubflowsTotal:       b.u8(80),
		LaminarEndpointsMax: b.u8(81),
		LastDataSent:        b.duration32(84, time.Millisecond),
		LastDataReceived:    b.duration32(88, time.Millisecond),
		LastAckReceived:     b.duration32(92, time.Millisecond),
	}
	if checksum, ok := b.u8(42).Get(); ok {
		m.Checksum.Set(checksum != 0)
	}
	return m
}

// vegas reads a struct tcpvegas_info.
func (r *attributeReader) vegas(a nlAttr) *netstat.Vegas {
	if len(a.value) < 16 {
		r.malformed(a, "a struct tcpvegas_info")
		return nil
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(a.value[at:]) }
	return &netstat.Vegas{
		Enabled:  u32(0) != 0,
		RTTCount: u32(4),
		RTT:      time.Duration(u32(8)) * time.Microsecond,
		MinRTT:   time.Duration(u32(12)) * time.Microsecond,
	}
}

// dctcp reads a struct tcp_dctcp_info.
func (r *attributeReader) dctcp(a nlAttr) *netstat.DCTCP {
	if len(a.value) < 16 {
		r.malformed(a, "a struct tcp_dctcp_info")
		return nil
	}
	return &netstat.DCTCP{
		Enabled:     binary.NativeEndian.Uint16(a.value) != 0,
		CEState:     binary.NativeEndian.Uint16(a.value[2:]) != 0,
		Alpha:       binary.NativeEndian.Uint32(a.value[4:]),
		MarkedBytes: binary.NativeEndian.Uint32(a.value[8:]),
		AllBytes:    binary.NativeEndian.Uint32(a.value[12:]),
	}
}

// bbr reads a struct tcp_bbr_info.
func (r *attributeReader) bbr(a nlAttr) *netstat.BBR {
	if len(a.value) < 20 {
		r.malformed(a, "a struct tcp_bbr_info")
		return nil
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(a.value[at:]) }
	return &netstat.BBR{
		Bandwidth:  uint64(u32(0)) | uint64(u32(4))<<32,
		MinRTT:     time.Duration(u32(8)) * time.Microsecond,
		PacingGain: u32(12),
		WindowGain: u32(16),
	}
}

// Attributes of upper layers (INET_ULP_INFO_*, include/uapi/linux/inet_diag.h;
// TLS_INFO_*, tls.h; MPTCP_SUBFLOW_ATTR_*, mptcp.h).
const (
	ulpInfoName  = 1
	ulpInfoTLS   = 2
	ulpInfoMPTCP = 3

	tlsInfoVersion = 1
	tlsInfoCipher  = 2
	tlsInfoTXConf  = 3
	tlsInfoRXConf  = 4
	tlsInfoZCROTX  = 5
	tlsInfoNoPad   = 6

	subflowTokenRemote   = 1
	subflowTokenLocal    = 2
	subflowRelativeWrite = 3
	subflowMapSequence   = 4
	subflowMapSubflow    = 5
	subflowOffset        = 6
	subflowMapLength     = 7
	subflowFlags         = 8
	subflowIDRemote      = 9
	subflowIDLocal       = 10
)

// upperLayer reads INET_DIAG_ULP_INFO.
func (r *attributeReader) upperLayer(a nlAttr, names *interned) *netstat.UpperLayer {
	var u netstat.UpperLayer
	for n, rest := r.next(a.value); n.kind != noAttribute; n, rest = r.next(rest) {
		switch n.kind {
		case ulpInfoName:
			name, _, _ := bytes.Cut(n.value, []byte{0})
			u.Name = names.string(name)
		case ulpInfoTLS:
			u.TLS = r.tls(n)
		case ulpInfoMPTCP:
			u.MPTCP = r.subflow(n)
		}
	}
	return &u
}

func (r *attributeReader) tls(a nlAttr) *netstat.TLS {
	var t netstat.TLS
	for n, rest := r.next(a.value); n.kind != noAttribute; n, rest = r.next(rest) {
		switch n.kind {
		case tlsInfoVersion:
			t.Version.Set(r.uint16(n))
		case tlsInfoCipher:
			t.Cipher.Set(r.uint16(n))
		case tlsInfoTXConf:
			t.Transmit.Set(netstat.TLSMode(r.uint16(n)))
		case tlsInfoRXConf:
			t.Receive.Set(netstat.TLSMode(r.uint16(n)))
		case tlsInfoZCROTX:
			t.ZeroCopySend = true
		case tlsInfoNoPad:
			t.ReceiveNoPad = true
		}
	}
	return &t
}

func (r *attributeReader) subflow(a nlAttr) *netstat.Subflow {
	var s netstat.Subflow
	for n, rest := r.next(a.value); n.kind != noAttribute; n, rest = r.next(rest) {
		switch n.kind {
		case subflowTokenRemote:
			s.RemoteToken = r.uint32(n)
		case subflowTokenLocal:
			s.LocalToken = r.uint32(n)
		case subflowRelativeWrite:
			s.RelativeWrite = r.uint32(n)
		case subflowMapSequence:
			s.MapSequence = r.uint64(n)
		case subflowMapSubflow:
			s.MapSubflowSequence = r.uint32(n)
		case subflowOffset:
			s.SubflowOffset = r.uint32(n)
		case subflowMapLength:
			s.MapLength = r.uint16(n)
		case subflowFlags:
			s.Flags = netstat.SubflowFlags(r.uint32(n))
		case subflowIDRemote:
			s.RemoteID = r.uint8(n)
		case subflowIDLocal:
			s.LocalID = r.uint8(n)
		}
	}
	return &s
}
