package netstat

import (
	"fmt"
	"time"
)

// TCPInfo is what the kernel tells of a TCP connection (struct tcp_info,
// include/uapi/linux/tcp.h). The structure has grown with almost every kernel:
// fields that the running one is too old for are unknown. Counters begin with
// the connection.
//
// Of a listener only Unacknowledged, the connections in its accept queue,
// Sacked, the most of them, and the pacing rates mean anything.
type TCPInfo struct {
	State           State `json:"tcpState"`
	CongestionState CongestionState
	Retransmits     uint8      `json:"tcpRetransmits"` // of the segment that is being retransmitted
	Probes          uint8      // zero-window and keepalive probes that are unanswered
	Backoff         uint8      // doublings of RTO
	Options         TCPOptions `json:"tcpOptions"`
	// SendScale and ReceiveScale are the shifts of the peer's and of the own
	// window (RFC 7323, section 2), meaningful with TCPOptionWindowScale.
	SendScale, ReceiveScale uint8
	// DeliveryRateAppLimited says that DeliveryRate was bounded by what the
	// application sent, not by the network.
	DeliveryRateAppLimited bool
	FastOpenFailure        FastOpenFailure

	RTO        time.Duration // retransmission timeout
	ATO        time.Duration // delay of acknowledgements
	SendMSS    uint32        // bytes
	ReceiveMSS uint32        // bytes: a guess from what arrives

	// In segments.
	Unacknowledged uint32 // sent and not acknowledged
	Sacked         uint32 // of those, selectively acknowledged
	Lost           uint32 // of those, presumed lost
	Retransmitted  uint32 // of those, retransmitted

	// Since when something last happened.
	LastDataSent, LastDataReceived, LastAckReceived time.Duration

	PathMTU               uint32           // bytes
	ReceiveSlowStart      uint32           // bytes: the most of the window that is offered
	RTT, RTTVariation     time.Duration    `json:",omitzero"`
	SlowStartThreshold    uint32           `unlimited:"2147483647"` // segments; InfiniteSlowStart before the first loss
	CongestionWindow      uint32           // segments
	AdvertisedMSS         uint32           // bytes
	Reordering            uint32           // segments
	ReceiveRTT            time.Duration    `json:",omitzero"`
	ReceiveSpace          uint32           // bytes that the application reads in a round trip
	TotalRetransmits      uint32           // segments
	PacingRate            Optional[uint64] `unlimited:"18446744073709551615"`
	MaxPacingRate         Optional[uint64] `unlimited:"18446744073709551615"` // bytes/s (SO_MAX_PACING_RATE); PacingUnlimited
	BytesAcknowledged     Optional[uint64]
	BytesReceived         Optional[uint64]
	SegmentsSent          Optional[uint32]
	SegmentsReceived      Optional[uint32]
	NotSent               Optional[uint32]        // bytes queued and never sent yet
	MinRTT                Optional[time.Duration] // unknown until there was one
	DataSegmentsReceived  Optional[uint32]
	DataSegmentsSent      Optional[uint32]
	DeliveryRate          Optional[uint64]        // bytes/s
	BusyTime              Optional[time.Duration] // with data to send
	ReceiveWindowLimited  Optional[time.Duration] // of that, held up by the peer's window
	SendBufferLimited     Optional[time.Duration] // of that, held up by the send buffer
	Delivered             Optional[uint32]        // segments that arrived, retransmits included
	DeliveredCE           Optional[uint32]        // of those, marked by congestion (RFC 3168)
	BytesSent             Optional[uint64]        // retransmits included
	BytesRetransmitted    Optional[uint64]
	DSACKDuplicates       Optional[uint32] // RFC 2883
	ReorderingSeen        Optional[uint32] // events
	OutOfOrder            Optional[uint32] // segments received so
	SendWindow            Optional[uint32] // bytes that the peer offers, scaled
	ReceiveWindow         Optional[uint32] // bytes that are offered to the peer, scaled
	Rehash                Optional[uint32] // changes of path for lack of progress
	TotalRTO              Optional[uint16] // timeouts
	TotalRTORecoveries    Optional[uint16] // runs of timeouts that ended
	TotalRTOTime          Optional[time.Duration]
	ReceivedCE            Optional[uint32] // packets received with a congestion mark
	DeliveredE1Bytes      Optional[uint32] // AccECN: delivered with 01 in the ECN field
	DeliveredE0Bytes      Optional[uint32] // delivered with 10
	DeliveredCEBytes      Optional[uint32] // delivered with 11: marked
	ReceivedE1Bytes       Optional[uint32] // the same of what was received
	ReceivedE0Bytes       Optional[uint32]
	ReceivedCEBytes       Optional[uint32]
	AccurateECNFailure    Optional[uint16] // TCP_ACCECN_*_FAIL_*, include/net/tcp_ecn.h
	AccurateECNOptionSeen Optional[uint16] // TCP_ACCECN_OPT_*, the same file
}

const (
	// InfiniteSlowStart is the slow start threshold of a connection that has
	// not lost anything (TCP_INFINITE_SSTHRESH, include/net/tcp.h).
	InfiniteSlowStart = 0x7fffffff
	// PacingUnlimited is the pacing rate without a limit.
	PacingUnlimited = 1<<64 - 1
)

// TCPOptions are options that both ends of a connection agreed on.
type TCPOptions uint8

// TCP options (TCPI_OPT_*, include/uapi/linux/tcp.h).
const (
	TCPOptionTimestamps   TCPOptions = 1 << iota // RFC 7323, section 3
	TCPOptionSACK                                // RFC 2018
	TCPOptionWindowScale                         // RFC 7323, section 2
	TCPOptionECN                                 // RFC 3168
	TCPOptionECNSeen                             // at least one packet came able to be marked
	TCPOptionSYNData                             // the SYN carried data that was taken (RFC 7413)
	TCPOptionMicroseconds                        // timestamps in microseconds
	TCPOptionChild                               // accepted by a listener
)

// Has reports whether the set holds all of those.
func (o TCPOptions) Has(those TCPOptions) bool { return o&those == those }

// String returns the options' names as ss(8) prints them, joined by commas.
func (o TCPOptions) String() string {
	return flagNames(uint32(o), []string{"ts", "sack", "wscale", "ecn", "ecnseen", "fastopen", "usec_ts", "tfo_child"})
}

// CongestionState is what a sender makes of losses (enum tcp_ca_state,
// include/uapi/linux/tcp.h).
type CongestionState uint8

// Congestion states.
const (
	CongestionOpen     CongestionState = iota // nothing suspicious
	CongestionDisorder                        // duplicate acknowledgements
	CongestionCWR                             // the window is being reduced, by ECN for one
	CongestionRecovery                        // fast retransmit
	CongestionLoss                            // a retransmission timeout
)

func (s CongestionState) String() string {
	names := [...]string{"open", "disorder", "cwr", "recovery", "loss"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("congestion state %d", uint8(s))
}

// FastOpenFailure is why a client's data did not go with its SYN (enum
// tcp_fastopen_client_fail, include/uapi/linux/tcp.h).
type FastOpenFailure uint8

// Failures of TCP Fast Open.
const (
	FastOpenNoFailure        FastOpenFailure = iota // worked, or was not tried
	FastOpenCookieMissing                           // no cookie yet
	FastOpenDataNotAcked                            // the SYN's data was not acknowledged
	FastOpenSYNRetransmitted                        // no answer to the SYN with data
)

// CongestionControl is the congestion control of a connection.
type CongestionControl struct {
	Name string `json:"congestionControl"` // as net.ipv4.tcp_available_congestion_control has it
	// What the algorithm tells of itself, nil for others than the one in use.
	Vegas *Vegas `json:"vegas,inline"`
	DCTCP *DCTCP `json:"dctcp,inline"`
	BBR   *BBR   `json:"bbr,inline"`
}

// Vegas is the state of TCP Vegas and of those that measure like it: Veno,
// Westwood, Illinois, Compound, NV (struct tcpvegas_info,
// include/uapi/linux/inet_diag.h).
type Vegas struct {
	Enabled     bool
	RTTCount    uint32 // measurements in the last round trip
	RTT, MinRTT time.Duration
}

// DCTCP is the state of Data Center TCP (RFC 8257; struct tcp_dctcp_info).
type DCTCP struct {
	Enabled bool
	CEState bool // the last packet received was marked
	// Alpha is the estimated share of marked bytes, in 1024ths.
	Alpha                 uint32 `form:"1024ths"`
	MarkedBytes, AllBytes uint32 // acknowledged in the last round trip
}

// BBR is the state of BBR (struct tcp_bbr_info).
type BBR struct {
	Bandwidth uint64 // bytes/s
	MinRTT    time.Duration
	// The gains are in 256ths.
	PacingGain, WindowGain uint32 `form:"256ths"`
}

// UpperLayer is a protocol on top of TCP that the kernel handles
// (INET_DIAG_ULP_INFO).
type UpperLayer struct {
	Name  string   `json:"upperLayer"`     // "tls", "mptcp", "espintcp", ...
	TLS   *TLS     `json:"tls,inline"`     // with "tls"
	MPTCP *Subflow `json:"subflow,inline"` // with "mptcp"
}

// TLS is what the kernel does of a TLS connection (TLS_INFO_*,
// include/uapi/linux/tls.h).
type TLS struct {
	Version Optional[uint16] `form:"hex"` // 0x0303 is TLS 1.2, 0x0304 TLS 1.3
	Cipher  Optional[uint16] `form:"hex"` // TLS_CIPHER_*
	// Transmit and Receive say who does it.
	Transmit, Receive Optional[TLSMode]
	// ZeroCopySend says that files are sent without copying them
	// (TLS_TX_ZEROCOPY_RO), ReceiveNoPad that records are expected without
	// padding (TLS_RX_EXPECT_NO_PAD).
	ZeroCopySend, ReceiveNoPad bool
}

// TLSMode is who encrypts one direction of a TLS connection (TLS_CONF_*,
// include/uapi/linux/tls.h).
type TLSMode uint16

// TLS modes.
const (
	TLSBase           TLSMode = 1 // the application
	TLSSoftware       TLSMode = 2 // the kernel
	TLSHardware       TLSMode = 3 // the network device
	TLSHardwareRecord TLSMode = 4 // the network device, records and all
)

func (m TLSMode) String() string {
	switch m {
	case TLSBase:
		return "none"
	case TLSSoftware:
		return "sw"
	case TLSHardware:
		return "hw"
	case TLSHardwareRecord:
		return "hw-record"
	}
	return fmt.Sprintf("mode %d", uint16(m))
}

// Subflow is a TCP connection's part in a Multipath TCP connection
// (MPTCP_SUBFLOW_ATTR_*, include/uapi/linux/mptcp.h).
type Subflow struct {
	// RemoteToken and LocalToken name the connection at each end (RFC 8684,
	// section 3.2); LocalToken is MPTCPInfo.Token.
	RemoteToken       uint32
	LocalToken        uint32 `json:"token"`
	RemoteID, LocalID uint8  // address identifiers
	Flags             SubflowFlags
	// MapSequence is the data sequence number that corresponds to the
	// subflow's own MapSubflowSequence, for MapLength bytes.
	MapSequence        uint64
	MapSubflowSequence uint32
	MapLength          uint16
	RelativeWrite      uint32 // subflow bytes written
	SubflowOffset      uint32 // of the initial sequence number
}

// SubflowFlags describe a subflow.
type SubflowFlags uint32

// Subflow flags (MPTCP_SUBFLOW_FLAG_*).
const (
	SubflowCapableRemote SubflowFlags = 1 << iota // the peer sent MP_CAPABLE
	SubflowCapableLocal
	SubflowJoinRemote // the peer sent MP_JOIN
	SubflowJoinLocal
	SubflowBackupRemote // the peer asked that it be used as a backup only
	SubflowBackupLocal
	SubflowFullyEstablished
	SubflowConnected
	SubflowMapValid
)

// Has reports whether the set holds all of those.
func (f SubflowFlags) Has(those SubflowFlags) bool { return f&those == those }

// String returns the flags' letters as ss(8) prints them: M and m for a
// connection's first subflow, J and j for one that joined, B and b for a
// backup, each by the peer and by this end; e for fully established, c for
// connected, v for a valid mapping. Bits without a letter follow in hexadecimal.
func (f SubflowFlags) String() string {
	const letters = "MmJjBbecv"
	var b []byte
	for i := range len(letters) {
		if f&(1<<i) != 0 {
			b = append(b, letters[i])
		}
	}
	if rest := f &^ (1<<len(letters) - 1); rest != 0 {
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%#x", uint32(rest))
	}
	return string(b)
}

// MPTCPInfo is what the kernel tells of a Multipath TCP connection (struct
// mptcp_info, include/uapi/linux/mptcp.h). Fields that the running kernel is
// too old for are unknown.
type MPTCPInfo struct {
	Subflows, SubflowsMax               uint8 // besides the first
	AddAddrSignal, AddAddrSignalMax     uint8 // addresses announced
	AddAddrAccepted, AddAddrAcceptedMax uint8 // announced by the peer and accepted
	// Fallback says that the connection is plain TCP: the peer, or something on
	// the path, does not do Multipath TCP.
	Fallback, RemoteKeyReceived           bool
	Token                                 uint32 // the connection's name at this end
	WriteSequence                         uint64 // of the next byte to be written
	SendUnacknowledged                    uint64 // the first not acknowledged
	ReceiveNext                           uint64 // the next expected
	LocalAddressesUsed, LocalAddressesMax Optional[uint8]
	Checksum                              Optional[bool] // of data (RFC 8684, section 3.3)
	Retransmits                           Optional[uint32]
	BytesRetransmitted                    Optional[uint64]
	BytesSent, BytesReceived              Optional[uint64]
	BytesAcknowledged                     Optional[uint64]
	SubflowsTotal                         Optional[uint8] // the first included
	LaminarEndpointsMax                   Optional[uint8]
	LastDataSent                          Optional[time.Duration]
	LastDataReceived, LastAckReceived     Optional[time.Duration]
}
