package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// appendMeasured appends a time that follows from round-trip times, or a dash where
// none was measured yet: the kernel's estimate is above 0 from the first on.
func appendMeasured(b []byte, t *netstat.TCPInfo, d time.Duration) []byte {
	if t.RTT == 0 {
		return append(b, '-')
	}
	return appendMilliseconds(b, d)
}

// tcpColumns are those of -T.
func (s *Session) tcpColumns() []table.Column[Row[netstat.Socket]] {
	column := func(heading string, cell func([]byte, *netstat.TCPInfo) []byte) table.Column[Row[netstat.Socket]] {
		return columnOf(heading, 0, true, func(b []byte, v *netstat.Socket) []byte {
			if v.Detail == nil || v.Detail.TCP == nil || v.State == netstat.Listen {
				return append(b, '-')
			}
			return cell(b, v.Detail.TCP)
		})
	}
	state := columnOf("State", 11, false, func(b []byte, v *netstat.Socket) []byte { return append(b, stateName(v)...) })
	state.Colour = stateColour
	columns := append([]table.Column[Row[netstat.Socket]]{protocolColumn()}, s.endpointColumns()...)
	columns = append(columns, state,
		column("RTT", func(b []byte, t *netstat.TCPInfo) []byte { return appendMeasured(b, t, t.RTT) }),
		column("RTTVar", func(b []byte, t *netstat.TCPInfo) []byte { return appendMeasured(b, t, t.RTTVariation) }),
		column("RTO", func(b []byte, t *netstat.TCPInfo) []byte { return appendMilliseconds(b, t.RTO) }),
		column("Cwnd", func(b []byte, t *netstat.TCPInfo) []byte { return appendUint(b, t.CongestionWindow) }),
		column("SSThresh", func(b []byte, t *netstat.TCPInfo) []byte {
			if t.SlowStartThreshold == netstat.InfiniteSlowStart {
				return append(b, '-')
			}
			return appendUint(b, t.SlowStartThreshold)
		}),
		column("MSS", func(b []byte, t *netstat.TCPInfo) []byte { return appendUint(b, t.SendMSS) }),
		column("Retrans", func(b []byte, t *netstat.TCPInfo) []byte { return appendUint(b, t.TotalRetransmits) }),
		column("Lost", func(b []byte, t *netstat.TCPInfo) []byte { return appendUint(b, t.Lost) }),
		column("OutOfOrd", func(b []byte, t *netstat.TCPInfo) []byte { return appendKnown(b, t.OutOfOrder) }),
		column("Snd-Wnd", func(b []byte, t *netstat.TCPInfo) []byte { return s.appendKnownBytes(b, t.SendWindow) }),
		column("Rcv-Wnd", func(b []byte, t *netstat.TCPInfo) []byte { return s.appendKnownBytes(b, t.ReceiveWindow) }),
		column("Rate", func(b []byte, t *netstat.TCPInfo) []byte {
			rate, known := t.DeliveryRate.Get()
			if !known {
				return append(b, '-')
			}
			return s.appendBytes(b, rate)
		}),
		columnOf("CC", 0, false, func(b []byte, v *netstat.Socket) []byte {
			if v.Detail == nil || v.Detail.Congestion == nil {
				return append(b, '-')
			}
			return table.AppendEscaped(b, v.Detail.Congestion.Name)
		}))
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 0, false, func(b []byte, v *netstat.Socket) []byte {
			return appendProcesses(b, v.Processes)
		}))
	}
	return columns
}

// appendMilliseconds appends a duration in milliseconds, as exact as TCP
// measures.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d)/float64(time.Millisecond), 'f', -1, 64)
}

// tcpFields are TCPInfo's, by the same names.
func tcpFields() []table.Field[Row[netstat.Socket]] {
	field := func(name string, typ table.Type, doc string, get func(*netstat.TCPInfo) table.Value) table.Field[Row[netstat.Socket]] {
		return detailField(name, typ, doc, func(d *netstat.SocketDetail) table.Value {
			if d.TCP == nil {
				return table.Value{}
			}
			return get(d.TCP)
		})
	}
	number := func(name, doc string, get func(*netstat.TCPInfo) uint32) table.Field[Row[netstat.Socket]] {
		return field(name, table.Integer, doc, func(t *netstat.TCPInfo) table.Value { return table.Uint(get(t)) })
	}
	newer := func(name, doc string, get func(*netstat.TCPInfo) netstat.Optional[uint32]) table.Field[Row[netstat.Socket]] {
		return field(name, table.Integer, doc, func(t *netstat.TCPInfo) table.Value { return uintValue(get(t)) })
	}
	amount := func(name, doc string, get func(*netstat.TCPInfo) netstat.Optional[uint64]) table.Field[Row[netstat.Socket]] {
		return field(name, table.Integer, doc, func(t *netstat.TCPInfo) table.Value { return uintValue(get(t)) })
	}
	pacing := func(name, doc string, get func(*netstat.TCPInfo) netstat.Optional[uint64]) table.Field[Row[netstat.Socket]] {
		return field(name, table.Integer, doc, func(t *netstat.TCPInfo) table.Value {
			rate := get(t)
			return ifSet(rate.Or(netstat.PacingUnlimited) != netstat.PacingUnlimited, uintValue(rate))
		})
	}
	seconds := func(name, doc string, get func(*netstat.TCPInfo) time.Duration) table.Field[Row[netstat.Socket]] {
		return field(name, table.Duration, doc, func(t *netstat.TCPInfo) table.Value { return table.Seconds(get(t)) })
	}
	measured := func(name, doc string, was func(*netstat.TCPInfo) bool, get func(*netstat.TCPInfo) time.Duration) table.Field[Row[netstat.Socket]] {
		return field(name, table.Duration, doc, func(t *netstat.TCPInfo) table.Value { return ifSet(was(t), table.Seconds(get(t))) })
	}
	newerSeconds := func(name, doc string, get func(*netstat.TCPInfo) netstat.Optional[time.Duration]) table.Field[Row[netstat.Socket]] {
		return field(name, table.Duration, doc, func(t *netstat.TCPInfo) table.Value { return secondsValue(get(t)) })
	}
	return []table.Field[Row[netstat.Socket]]{
		field("congestionState", table.String, "what the sender makes of losses: `open`, `disorder`, `cwr`, `recovery`, `loss`", func(t *netstat.TCPInfo) table.Value { return table.Text(t.CongestionState.String()) }),
		field("tcpOptions", table.Strings, "options that both ends agreed on", func(t *netstat.TCPInfo) table.Value {
			if t.Options == 0 {
				return table.Value{}
			}
			return table.Words(strings.Split(t.Options.String(), ","))
		}),
		field("backoff", table.Integer, "doublings of `rto`", func(t *netstat.TCPInfo) table.Value { return table.Uint(t.Backoff) }),
		field("sendScale", table.Integer, "shift of the peer's window", func(t *netstat.TCPInfo) table.Value { return table.Uint(t.SendScale) }),
		field("receiveScale", table.Integer, "shift of the own window", func(t *netstat.TCPInfo) table.Value { return table.Uint(t.ReceiveScale) }),
		seconds("rto", "retransmission timeout", func(t *netstat.TCPInfo) time.Duration { return t.RTO }),
		seconds("ato", "delay of acknowledgements", func(t *netstat.TCPInfo) time.Duration { return t.ATO }),
		measured("rtt", "round-trip time; absent before the first was measured", func(t *netstat.TCPInfo) bool { return t.RTT != 0 }, func(t *netstat.TCPInfo) time.Duration { return t.RTT }),
		measured("rttVariation", "mean deviation of `rtt`", func(t *netstat.TCPInfo) bool { return t.RTT != 0 }, func(t *netstat.TCPInfo) time.Duration { return t.RTTVariation }),
		newerSeconds("minRTT", "smallest round-trip time lately", func(t *netstat.TCPInfo) netstat.Optional[time.Duration] { return t.MinRTT }),
		measured("receiveRTT", "round-trip time as the receiver estimates it; absent before it has", func(t *netstat.TCPInfo) bool { return t.ReceiveRTT != 0 }, func(t *netstat.TCPInfo) time.Duration { return t.ReceiveRTT }),
		number("sendMSS", "bytes", func(t *netstat.TCPInfo) uint32 { return t.SendMSS }),
		number("receiveMSS", "bytes, a guess from what arrives", func(t *netstat.TCPInfo) uint32 { return t.ReceiveMSS }),
		number("advertisedMSS", "bytes", func(t *netstat.TCPInfo) uint32 { return t.AdvertisedMSS }),
		number("pathMTU", "bytes", func(t *netstat.TCPInfo) uint32 { return t.PathMTU }),
		number("congestionWindow", "segments", func(t *netstat.TCPInfo) uint32 { return t.CongestionWindow }),
		field("slowStartThreshold", table.Integer, "segments; absent before the first loss", func(t *netstat.TCPInfo) table.Value {
			if t.SlowStartThreshold == netstat.InfiniteSlowStart {
				return table.Value{}
			}
			return table.Uint(t.SlowStartThreshold)
		}),
		number("unacknowledged", "segments in flight; of a listener, connections in its accept queue", func(t *netstat.TCPInfo) uint32 { return t.Unacknowledged }),
		number("sacked", "segments of those selectively acknowledged; of a listener, the most connections that may wait", func(t *netstat.TCPInfo) uint32 { return t.Sacked }),
		number("lost", "segments of those presumed lost", func(t *netstat.TCPInfo) uint32 { return t.Lost }),
		number("retransmitted", "segments of those retransmitted", func(t *netstat.TCPInfo) uint32 { return t.Retransmitted }),
		number("totalRetransmits", "segments retransmitted since the connection began", func(t *netstat.TCPInfo) uint32 { return t.TotalRetransmits }),
		number("reordering", "segments that may be out of order before loss is presumed", func(t *netstat.TCPInfo) uint32 { return t.Reordering }),
		newer("reorderingSeen", "times that reordering was seen", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReorderingSeen }),
		newer("outOfOrder", "segments received out of order", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.OutOfOrder }),
		newer("sendWindow", "bytes that the peer offers", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.SendWindow }),
		newer("receiveWindow", "bytes that are offered to the peer", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReceiveWindow }),
		number("receiveSpace", "bytes that the application reads in a round trip", func(t *netstat.TCPInfo) uint32 { return t.ReceiveSpace }),
		newer("notSent", "bytes queued and never sent yet", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.NotSent }),
		pacing("pacingRate", "bytes a second; absent where nothing is paced, as of a listener", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.PacingRate }),
		pacing("maxPacingRate", "bytes a second; absent without a limit", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.MaxPacingRate }),
		amount("deliveryRate", "bytes a second", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.DeliveryRate }),
		field("deliveryRateAppLimited", table.Boolean, "whether the application bounded `deliveryRate`", func(t *netstat.TCPInfo) table.Value { return table.Bool(t.DeliveryRateAppLimited) }),
		amount("bytesSent", "retransmits included", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.BytesSent }),
		amount("bytesAcknowledged", "", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.BytesAcknowledged }),
		amount("bytesReceived", "", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.BytesReceived }),
		amount("bytesRetransmitted", "", func(t *netstat.TCPInfo) netstat.Optional[uint64] { return t.BytesRetransmitted }),
		newer("segmentsSent", "", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.SegmentsSent }),
		newer("segmentsReceived", "", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.SegmentsReceived }),
		newer("dataSegmentsSent", "", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DataSegmentsSent }),
		newer("dataSegmentsReceived", "", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DataSegmentsReceived }),
		newer("delivered", "segments that arrived, retransmits included", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.Delivered }),
		newer("deliveredCE", "of those, marked by congestion", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DeliveredCE }),
		newer("dsackDuplicates", "duplicates that the peer told of", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DSACKDuplicates }),
		newerSeconds("busyTime", "with data to send", func(t *netstat.TCPInfo) netstat.Optional[time.Duration] { return t.BusyTime }),
		newerSeconds("receiveWindowLimited", "of that, held up by the peer's window", func(t *netstat.TCPInfo) netstat.Optional[time.Duration] { return t.ReceiveWindowLimited }),
		newerSeconds("sendBufferLimited", "of that, held up by the send buffer", func(t *netstat.TCPInfo) netstat.Optional[time.Duration] { return t.SendBufferLimited }),
		seconds("lastDataSent", "ago", func(t *netstat.TCPInfo) time.Duration { return t.LastDataSent }),
		seconds("lastDataReceived", "ago", func(t *netstat.TCPInfo) time.Duration { return t.LastDataReceived }),
		seconds("lastAckReceived", "ago", func(t *netstat.TCPInfo) time.Duration { return t.LastAckReceived }),
		newer("rehash", "changes of path for lack of progress", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.Rehash }),
		number("receiveSlowStart", "bytes: the most of the window that is offered", func(t *netstat.TCPInfo) uint32 { return t.ReceiveSlowStart }),
		field("probes", table.Integer, "zero-window and keepalive probes that are unanswered", func(t *netstat.TCPInfo) table.Value { return table.Uint(t.Probes) }),
		field("fastOpenFailure", table.Integer, "why data did not go with the SYN: 1 no cookie, 2 not acknowledged, 3 SYN sent again", func(t *netstat.TCPInfo) table.Value {
			return table.NonZero(t.FastOpenFailure)
		}),
		field("totalRTO", table.Integer, "retransmission timeouts", func(t *netstat.TCPInfo) table.Value { return uintValue(t.TotalRTO) }),
		field("totalRTORecoveries", table.Integer, "runs of timeouts that ended", func(t *netstat.TCPInfo) table.Value { return uintValue(t.TotalRTORecoveries) }),
		newerSeconds("totalRTOTime", "spent in them", func(t *netstat.TCPInfo) netstat.Optional[time.Duration] { return t.TotalRTOTime }),
		newer("receivedCE", "packets received with a congestion mark", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReceivedCE }),
		newer("deliveredE0Bytes", "delivered with the codepoint 10 of ECN", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DeliveredE0Bytes }),
		newer("deliveredE1Bytes", "delivered with the codepoint 01 of ECN", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DeliveredE1Bytes }),
		newer("deliveredCEBytes", "delivered with a congestion mark", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.DeliveredCEBytes }),
		newer("receivedE0Bytes", "received with the codepoint 10 of ECN", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReceivedE0Bytes }),
		newer("receivedE1Bytes", "received with the codepoint 01 of ECN", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReceivedE1Bytes }),
		newer("receivedCEBytes", "received with a congestion mark", func(t *netstat.TCPInfo) netstat.Optional[uint32] { return t.ReceivedCEBytes }),
		field("accurateECNFailure", table.Integer, "bits of what went wrong with accurate ECN", func(t *netstat.TCPInfo) table.Value { return uintValue(t.AccurateECNFailure) }),
		field("accurateECNOptionSeen", table.Integer, "bits of where its option was seen", func(t *netstat.TCPInfo) table.Value { return uintValue(t.AccurateECNOptionSeen) }),
	}
}

// upperFields are what stands on top of TCP: TLS in the kernel, Multipath TCP,
// signatures.
func upperFields() []table.Field[Row[netstat.Socket]] {
	tls := func(name, doc string, get func(*netstat.TLS) table.Value) table.Field[Row[netstat.Socket]] {
		return detailField(name, table.String, doc, func(d *netstat.SocketDetail) table.Value {
			if d.ULP == nil || d.ULP.TLS == nil {
				return table.Value{}
			}
			return get(d.ULP.TLS)
		})
	}
	mode := func(o netstat.Optional[netstat.TLSMode]) table.Value {
		m, known := o.Get()
		if !known {
			return table.Value{}
		}
		return table.Text(m.String())
	}
	number := func(o netstat.Optional[uint16]) table.Value {
		n, known := o.Get()
		if !known {
			return table.Value{}
		}
		return table.Text(fmt.Sprintf("0x%04x", n))
	}
	mptcp := func(name string, typ table.Type, doc string, get func(*netstat.MPTCPInfo) table.Value) table.Field[Row[netstat.Socket]] {
		return detailField(name, typ, doc, func(d *netstat.SocketDetail) table.Value {
			if d.MPTCP == nil {
				return table.Value{}
			}
			return get(d.MPTCP)
		})
	}
	subflow := func(name string, typ table.Type, doc string, get func(*netstat.Subflow) table.Value) table.Field[Row[netstat.Socket]] {
		return detailField(name, typ, doc, func(d *netstat.SocketDetail) table.Value {
			if d.ULP == nil || d.ULP.MPTCP == nil {
				return table.Value{}
			}
			return get(d.ULP.MPTCP)
		})
	}
	return []table.Field[Row[netstat.Socket]]{
		detailField("upperLayer", table.String, "protocol on top of TCP that the kernel handles: `tls`, `mptcp`, `espintcp`", func(d *netstat.SocketDetail) table.Value {
			if d.ULP == nil {
				return table.Value{}
			}
			return table.Text(d.ULP.Name)
		}),
		tls("tlsVersion", "`0x0303` for TLS 1.2, `0x0304` for TLS 1.3", func(l *netstat.TLS) table.Value { return number(l.Version) }),
		tls("tlsCipher", "TLS_CIPHER_* number of the kernel", func(l *netstat.TLS) table.Value { return number(l.Cipher) }),
		tls("tlsTransmit", "who encrypts: `none` (the application), `sw`, `hw`, `hw-record`", func(l *netstat.TLS) table.Value { return mode(l.Transmit) }),
		tls("tlsReceive", "who decrypts", func(l *netstat.TLS) table.Value { return mode(l.Receive) }),
		detailField("md5Peers", table.Strings, "those whose segments are signed (RFC 2385); with CAP_NET_ADMIN only", func(d *netstat.SocketDetail) table.Value {
			var peers []string
			for _, p := range d.MD5Peers {
				peers = append(peers, p.String())
			}
			return table.Words(peers)
		}),
		mptcp("mptcpToken", table.Integer, "the connection's name at this end, in its subflows as well", func(m *netstat.MPTCPInfo) table.Value { return table.Uint(m.Token) }),
		mptcp("mptcpSubflows", table.Integer, "subflows besides the first", func(m *netstat.MPTCPInfo) table.Value { return table.Uint(m.Subflows) }),
		mptcp("mptcpSubflowsMax", table.Integer, "the most of them", func(m *netstat.MPTCPInfo) table.Value { return table.Uint(m.SubflowsMax) }),
		mptcp("mptcpFallback", table.Boolean, "whether it is plain TCP after all", func(m *netstat.MPTCPInfo) table.Value { return table.Bool(m.Fallback) }),
		mptcp("mptcpBytesSent", table.Integer, "", func(m *netstat.MPTCPInfo) table.Value { return uintValue(m.BytesSent) }),
		mptcp("mptcpBytesReceived", table.Integer, "", func(m *netstat.MPTCPInfo) table.Value { return uintValue(m.BytesReceived) }),
		mptcp("mptcpBytesRetransmitted", table.Integer, "", func(m *netstat.MPTCPInfo) table.Value { return uintValue(m.BytesRetransmitted) }),
		subflow("subflowToken", table.Integer, "`mptcpToken` of the connection that this is a subflow of", func(f *netstat.Subflow) table.Value { return table.Uint(f.LocalToken) }),
		subflow("subflowFlags", table.String, "letters as ss(8) has them: M and m for the first subflow, J and j for one that joined, B and b for a backup", func(f *netstat.Subflow) table.Value {
			return table.Text(f.Flags.String())
		}),
	}
}

// congestionFields are what the algorithm of congestion control tells.
func congestionFields() []table.Field[Row[netstat.Socket]] {
	field := func(name string, typ table.Type, doc string, get func(*netstat.CongestionControl) table.Value) table.Field[Row[netstat.Socket]] {
		return detailField(name, typ, doc, func(d *netstat.SocketDetail) table.Value {
			if d.Congestion == nil {
				return table.Value{}
			}
			return get(d.Congestion)
		})
	}
	bbr := func(name string, typ table.Type, doc string, get func(*netstat.BBR) table.Value) table.Field[Row[netstat.Socket]] {
		return field(name, typ, doc, func(c *netstat.CongestionControl) table.Value {
			if c.BBR == nil {
				return table.Value{}
			}
			return get(c.BBR)
		})
	}
	dctcp := func(name string, typ table.Type, doc string, get func(*netstat.DCTCP) table.Value) table.Field[Row[netstat.Socket]] {
		return field(name, typ, doc, func(c *netstat.CongestionControl) table.Value {
			if c.DCTCP == nil {
				return table.Value{}
			}
			return get(c.DCTCP)
		})
	}
	vegas := func(name string, typ table.Type, doc string, get func(*netstat.Vegas) table.Value) table.Field[Row[netstat.Socket]] {
		return field(name, typ, doc, func(c *netstat.CongestionControl) table.Value {
			if c.Vegas == nil {
				return table.Value{}
			}
			return get(c.Vegas)
		})
	}
	const of256, of1024 = 256, 1024 // what gains and shares are parts of
	return []table.Field[Row[netstat.Socket]]{
		field("congestionControl", table.String, "algorithm of congestion control", func(c *netstat.CongestionControl) table.Value { return table.Text(c.Name) }),
		bbr("bbrBandwidth", table.Integer, "bytes a second that BBR found", func(i *netstat.BBR) table.Value { return table.Uint(i.Bandwidth) }),
		bbr("bbrMinRTT", table.Duration, "least round-trip time that it found", func(i *netstat.BBR) table.Value { return table.Seconds(i.MinRTT) }),
		bbr("bbrPacingGain", table.Number, "factor of the pacing rate", func(i *netstat.BBR) table.Value { return table.Float(float64(i.PacingGain) / of256) }),
		bbr("bbrWindowGain", table.Number, "factor of the congestion window", func(i *netstat.BBR) table.Value { return table.Float(float64(i.WindowGain) / of256) }),
		dctcp("dctcpEnabled", table.Boolean, "whether both ends do ECN", func(i *netstat.DCTCP) table.Value { return table.Bool(i.Enabled) }),
		dctcp("dctcpAlpha", table.Number, "estimated share of marked bytes", func(i *netstat.DCTCP) table.Value { return table.Float(float64(i.Alpha) / of1024) }),
		dctcp("dctcpMarkedBytes", table.Integer, "acknowledged with a mark in the last round trip", func(i *netstat.DCTCP) table.Value { return table.Uint(i.MarkedBytes) }),
		dctcp("dctcpAllBytes", table.Integer, "acknowledged in the last round trip", func(i *netstat.DCTCP) table.Value { return table.Uint(i.AllBytes) }),
		vegas("vegasEnabled", table.Boolean, "whether Vegas, or what measures like it, is at work", func(i *netstat.Vegas) table.Value { return table.Bool(i.Enabled) }),
		vegas("vegasRTT", table.Duration, "", func(i *netstat.Vegas) table.Value { return table.Seconds(i.RTT) }),
		vegas("vegasMinRTT", table.Duration, "", func(i *netstat.Vegas) table.Value { return table.Seconds(i.MinRTT) }),
	}
}
