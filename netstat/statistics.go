package netstat

import "time"

// TCPStatistics are TCP's counters over IPv4 and IPv6 together, named as in
// RFC 4022. The counters are as wide as the kernel keeps them, 64 bits on a
// 64-bit kernel.
type TCPStatistics struct {
	// RTOAlgorithm is RFC 4022's tcpRtoAlgorithm; Linux reports other(1) and
	// implements RFC 6298.
	RTOAlgorithm Optional[int32]
	// RTOMin and RTOMax are the bounds of the retransmission timeout, to the
	// millisecond (tcpRtoMin, tcpRtoMax).
	RTOMin, RTOMax Optional[time.Duration]
	MaxConn        Optional[int32] // -1: no fixed limit

	ActiveOpens, PassiveOpens Optional[uint64]
	AttemptFails, EstabResets Optional[uint64]
	CurrEstab                 Optional[uint32]
	InSegs, OutSegs           Optional[uint64]
	RetransSegs, InErrs       Optional[uint64]
	OutRsts, InCsumErrors     Optional[uint64]
}

// UDPStatistics are UDP's counters over IPv4 and IPv6 together, named as in
// RFC 4113.
type UDPStatistics struct {
	InDatagrams, NoPorts, InErrors, OutDatagrams Optional[uint64]
	RcvbufErrors, SndbufErrors, InCsumErrors     Optional[uint64]
	IgnoredMulti, MemErrors                      Optional[uint64]
}
