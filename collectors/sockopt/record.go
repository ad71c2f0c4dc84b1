package sockopt

import (
	"encoding/binary"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// reader reads the options in records.
type reader struct {
	*layout
	hz uint64 // ticks of the kernel in a second; 0 is unknown
	// settings are those of the query, by family, which stand for what a structure has
	// as 0.
	settings map[netstat.Family]*netstat.SocketOptions
	// pingPong is from when on acknowledgements wait; 0 is unknown.
	pingPong uint64
}

// record is that of one socket. It has the layout's size.
type record struct {
	*reader
	b []byte
	o *netstat.SocketOptions
}

func (l *layout) cookie(b []byte) uint64 { return binary.NativeEndian.Uint64(b[recordCookie:]) }

// value returns what a slot has, extended to 64 bits, and whether this kernel has it.
func (l *layout) value(b []byte, s slot) (v uint64, ok bool) {
	at := l.at[s]
	switch {
	case at == 0:
		return 0, false
	case l.wide[s]:
		return binary.NativeEndian.Uint64(b[at:]), true
	case l.signed[s]:
		return uint64(int64(int32(binary.NativeEndian.Uint32(b[at:])))), true
	}
	return uint64(binary.NativeEndian.Uint32(b[at:])), true
}

// answer returns the answer to a question, and whether there was one.
func (r *record) answer(question int) (int32, bool) {
	if r.by != asking || binary.NativeEndian.Uint64(r.b[recordAnswered:])>>question&1 == 0 {
		return 0, false
	}
	return int32(binary.NativeEndian.Uint32(r.b[r.layout.answer+4*question:])), true
}

// family is that of the socket.
func (l *layout) family(b []byte) netstat.Family {
	v, _ := l.value(b, slotFamily)
	return netstat.Family(v)
}

// options returns the options in a record.
func (r *reader) options(b []byte) *netstat.SocketOptions {
	o := new(netstat.SocketOptions)
	t := record{r, b, o}
	settings := r.settings[r.family(b)]
	if settings == nil {
		settings = new(netstat.SocketOptions)
	}
	t.truth(netstat.OptionReuseAddress, &o.ReuseAddress, askReuseAddress, slotReuse)
	t.truth(netstat.OptionReusePort, &o.ReusePort, askReusePort, slotReusePort)
	t.truth(netstat.OptionKeepAlive, &o.KeepAlive, askKeepAlive, slotKeepOpen)
	t.truth(netstat.OptionBroadcast, &o.Broadcast, noQuestion, slotBroadcast)
	t.truth(netstat.OptionZeroCopy, &o.ZeroCopy, noQuestion, slotZeroCopy)
	t.truth(netstat.OptionFilter, &o.Filter, noQuestion, slotFilter)
	t.truth(netstat.OptionLockFilter, &o.LockFilter, noQuestion, slotFilterLocked)
	t.number(netstat.OptionPriority, &o.Priority, askPriority, slotPriority)
	t.number(netstat.OptionMark, &o.Mark, askMark, slotMark)
	t.number(netstat.OptionReceiveLowWater, &o.ReceiveLowWater, askReceiveLowWater, slotReceiveLowWater)
	t.buffers()
	t.timeout(netstat.OptionReceiveTimeout, &o.ReceiveTimeout, slotReceiveTimeout)
	t.timeout(netstat.OptionSendTimeout, &o.SendTimeout, slotSendTimeout)
	t.linger()
	t.pacing()
	t.signedNumber(netstat.OptionIncomingCPU, &o.IncomingCPU, slotIncomingCPU)
	if usec, ok := r.value(b, slotBusyPoll); ok {
		o.BusyPoll.Set(time.Duration(usec) * time.Microsecond)
		o.ByLayout.Add(netstat.OptionBusyPoll)
	}
	if ttl, ok := r.value(b, slotTTL); ok {
		// -1 stands for the namespace's default.
		if o.TTL.Set(uint8(ttl)); int64(ttl) < 0 {
			o.TTL = settings.TTL
		}
		t.byLayout(netstat.OptionTTL, o.TTL.IsKnown())
	}
	if r.family(b) == netstat.IPv6 {
		t.truth(netstat.OptionV6Only, &o.V6Only, noQuestion, slotV6Only)
	}
	switch r.protocol {
	case netstat.TCP:
		t.tcp(settings)
	case local:
		t.number(netstat.OptionBindToDevice, &o.BindToDevice, noQuestion, slotBoundDevice)
		t.truth(netstat.OptionPassCredentials, &o.PassCredentials, noQuestion, slotPassCredentials)
		t.truth(netstat.OptionPassSecurity, &o.PassSecurity, noQuestion, slotPassSecurity)
		t.truth(netstat.OptionPassPIDFD, &o.PassPIDFD, noQuestion, slotPassPIDFD)
		t.truth(netstat.OptionPassRights, &o.PassRights, noQuestion, slotPassRights)
		t.signedNumber(netstat.OptionPeekOffset, &o.PeekOffset, slotPeekOffset)
	case netstat.UDP:
		t.truth(netstat.OptionUDPCork, &o.UDPCork, noQuestion, slotCork)
		t.truth(netstat.OptionUDPReceive, &o.UDPReceive, noQuestion, slotGRO)
		t.number(netstat.OptionUDPSegment, &o.UDPSegment, noQuestion, slotSegment)
		t.number(netstat.OptionUDPEncapsulation, &o.UDPEncapsulation, noQuestion, slotEncapsulation)
	}
	return o
}

// Bits of tcp_sock's nonagle (TCP_NAGLE_*, include/net/tcp.h).
const (
	nagleOff  = 1
	nagleCork = 2
)

func (t *record) tcp(settings *netstat.SocketOptions) {
	o := t.o
	if nonagle, ok := t.value(t.b, slotNonagle); ok {
		o.NoDelay.Set(nonagle&nagleOff != 0)
		o.Cork.Set(nonagle&nagleCork != 0)
		o.ByLayout.Add(netstat.OptionNoDelay)
		o.ByLayout.Add(netstat.OptionCork)
	}
	if v, ok := t.answer(askNoDelay); ok {
		o.NoDelay.Set(v != 0)
		t.exact(netstat.OptionNoDelay)
	}
	t.ticks(netstat.OptionKeepIdle, &o.KeepIdle, askKeepIdle, slotKeepIdle, settings.KeepIdle)
	t.ticks(netstat.OptionKeepInterval, &o.KeepInterval, askKeepInterval, slotKeepInterval, settings.KeepInterval)
	t.orSetting(netstat.OptionKeepCount, &o.KeepCount, askKeepCount, slotKeepCount, settings.KeepCount)
	t.orSetting(netstat.OptionSYNCount, &o.SYNCount, askSYNCount, slotSYNRetries, settings.SYNCount)
	t.number(netstat.OptionNotSentLowWater, &o.NotSentLowWater, askNotSentLowWater, slotNotSentLowWater)
	t.number(netstat.OptionWindowClamp, &o.WindowClamp, askWindowClamp, slotWindowClamp)
	t.number(netstat.OptionFastOpen, &o.FastOpen, noQuestion, slotFastOpen)
	if v, ok := t.answer(askUserTimeout); ok {
		o.UserTimeout.Set(time.Duration(v) * time.Millisecond)
	} else if v, ok := t.value(t.b, slotUserTimeout); ok {
		o.UserTimeout.Set(time.Duration(v) * time.Millisecond)
		o.ByLayout.Add(netstat.OptionUserTimeout)
	}
	t.maxSegment()
	if sent, ok := t.value(t.b, slotDeferAccept); ok {
		if limit, ok := t.mostRTO(); ok {
			o.DeferAccept.Set(deferred(sent, limit))
			o.ByLayout.Add(netstat.OptionDeferAccept)
		}
	}
	if ticks, ok := t.value(t.b, slotLinger2); ok && t.hz != 0 {
		switch n := int64(ticks); {
		case n < 0:
			o.Linger2.Set(-time.Second)
		case n == 0:
			o.Linger2 = settings.Linger2
		default:
			o.Linger2.Set(time.Duration(ticks/t.hz) * time.Second)
		}
		t.byLayout(netstat.OptionLinger2, o.Linger2.IsKnown())
	}
	if v, ok := t.value(t.b, slotPingPong); ok && t.pingPong != 0 {
		o.QuickAck.Set(v < t.pingPong)
		o.ByLayout.Add(netstat.OptionQuickAck)
	}
	// The name is in what sock_diag(7) tells.
	if is, ok := t.value(t.b, slotUpperLayer); ok && is == 0 {
		o.UpperLayer.Set("")
		o.ByLayout.Add(netstat.OptionUpperLayer)
	}
}

// noQuestion stands for an option that bpf_getsockopt does not answer.
const noQuestion = -1

func (t *record) ask(question int) (int32, bool) {
	if question == noQuestion {
		return 0, false
	}
	return t.answer(question)
}

// byLayout takes note of where a value comes from, if there is one.
func (t *record) byLayout(option netstat.SocketOption, known bool) {
	if known {
		t.o.ByLayout.Add(option)
	}
}

func (t *record) exact(option netstat.SocketOption) { t.o.ByLayout &^= 1 << option }

func (t *record) truth(option netstat.SocketOption, to *netstat.Optional[bool], question int, s slot) {
	if v, ok := t.ask(question); ok {
		to.Set(v != 0)
	} else if v, ok := t.value(t.b, s); ok {
		to.Set(v != 0)
		t.o.ByLayout.Add(option)
	}
}

func (t *record) number(option netstat.SocketOption, to *netstat.Optional[uint32], question int, s slot) {
	if v, ok := t.ask(question); ok {
		to.Set(uint32(v))
	} else if v, ok := t.value(t.b, s); ok {
		to.Set(uint32(v))
		t.o.ByLayout.Add(option)
	}
}

func (t *record) signedNumber(option netstat.SocketOption, to *netstat.Optional[int32], s slot) {
	if v, ok := t.value(t.b, s); ok {
		to.Set(int32(v))
		t.o.ByLayout.Add(option)
	}
}

// orSetting is number of what a structure has as 0 when the default stands for it.
func (t *record) orSetting(option netstat.SocketOption, to *netstat.Optional[uint32], question int, s slot, setting netstat.Optional[uint32]) {
	t.number(option, to, question, s)
	if to.Or(1) == 0 && t.o.ByLayout.Has(option) {
		*to = setting
		if !to.IsKnown() {
			t.exact(option)
		}
	}
}

// ticks is a time that bpf_getsockopt tells in seconds, and a structure in ticks.
func (t *record) ticks(option netstat.SocketOption, to *netstat.Optional[time.Duration], question int, s slot, setting netstat.Optional[time.Duration]) {
	if v, ok := t.ask(question); ok {
		to.Set(time.Duration(v) * time.Second)
		return
	}
	v, ok := t.value(t.b, s)
	switch {
	case !ok || t.hz == 0:
		return
	case v == 0:
		*to = setting
	default:
		to.Set(time.Duration(v/t.hz) * time.Second)
	}
	t.byLayout(option, to.IsKnown())
}

// timeout is a time to wait in ticks, of which the most is no limit
// (MAX_SCHEDULE_TIMEOUT).
func (t *record) timeout(option netstat.SocketOption, to *netstat.Optional[time.Duration], s slot) {
	v, ok := t.value(t.b, s)
	if !ok || t.hz == 0 {
		return
	}
	t.o.ByLayout.Add(option)
	most := uint64(1<<31 - 1)
	if t.wide[s] {
		most = 1<<63 - 1
	}
	if v >= most {
		to.Set(0)
		return
	}
	// As the kernel does it (sock_get_timeout, net/core/sock.c).
	to.Set(time.Duration(v/t.hz)*time.Second + time.Duration(v%t.hz*1_000_000/t.hz)*time.Microsecond)
}

// Bits of sk_userlocks (SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK,
// include/uapi/linux/socket.h).
const (
	sendBufferLocked    = 1
	receiveBufferLocked = 2
)

// buffers says which buffers a program has fixed. How large they are is in what
// sock_diag(7) tells.
func (t *record) buffers() {
	locks, ok := t.value(t.b, slotUserLocks)
	if !ok {
		return
	}
	for _, buffer := range []struct {
		option netstat.SocketOption
		to     *netstat.Optional[uint32]
		lock   uint64
		size   slot
	}{
		{netstat.OptionSendBufferSet, &t.o.SendBufferSet, sendBufferLocked, slotSendBuffer},
		{netstat.OptionReceiveBufferSet, &t.o.ReceiveBufferSet, receiveBufferLocked, slotReceiveBuffer},
	} {
		if locks&buffer.lock == 0 {
			buffer.to.Set(0)
		} else if size, ok := t.value(t.b, buffer.size); ok {
			buffer.to.Set(uint32(size) / 2)
		}
		t.byLayout(buffer.option, buffer.to.IsKnown())
	}
}

func (t *record) linger() {
	on, ok := t.value(t.b, slotLinger)
	if !ok {
		return
	}
	if on == 0 {
		t.o.Linger.Set(netstat.LingerOff)
	} else if ticks, ok := t.value(t.b, slotLingerTime); ok && t.hz != 0 {
		t.o.Linger.Set(time.Duration(ticks/t.hz) * time.Second)
	}
	t.byLayout(netstat.OptionLinger, t.o.Linger.IsKnown())
}

// pacing is the rate, whose most is no limit, as the kernel's number of its size has
// it. bpf_getsockopt tells no more than 32 bits of it.
func (t *record) pacing() {
	if v, ok := t.answer(askPacingRate); ok && uint32(v) != 1<<32-1 {
		t.o.MaxPacingRate.Set(uint64(uint32(v)))
		return
	}
	v, ok := t.value(t.b, slotPacingRate)
	if !ok {
		return
	}
	if !t.wide[slotPacingRate] && uint32(v) == 1<<32-1 {
		v = netstat.PacingUnlimited
	}
	t.o.MaxPacingRate.Set(v)
	t.o.ByLayout.Add(netstat.OptionMaxPacingRate)
}

// maxSegment is what a program set, of a socket that is not connected, or else what is
// in use (do_tcp_getsockopt, net/ipv4/tcp.c).
func (t *record) maxSegment() {
	if v, ok := t.answer(askMaxSegment); ok {
		t.o.MaxSegment.Set(uint32(v))
		return
	}
	mss, ok := t.value(t.b, slotMSS)
	set, ok2 := t.value(t.b, slotUserMSS)
	if !ok || !ok2 {
		return
	}
	state, _ := t.value(t.b, slotState)
	if st := netstat.State(state); set != 0 && (st == netstat.Listen || st == netstat.Close) {
		mss = set
	}
	t.o.MaxSegment.Set(uint32(mss))
	t.o.ByLayout.Add(netstat.OptionMaxSegment)
}

// mostRTO is the longest time between two transmissions, in seconds: TCP_RTO_MAX, or
// the socket's own since Linux 6.15.
func (t *record) mostRTO() (uint64, bool) {
	ticks, ok := t.value(t.b, slotRTOMax)
	if !ok {
		return 120, true
	}
	if t.hz == 0 {
		return 0, false
	}
	return ticks / t.hz, true
}

// deferred is how long a SYN-ACK that is sent again so many times takes, which is how
// the kernel keeps TCP_DEFER_ACCEPT (retrans_to_secs, net/ipv4/tcp.c).
func deferred(retransmits, mostRTO uint64) time.Duration {
	var period uint64
	timeout := uint64(1) // TCP_TIMEOUT_INIT
	for range min(retransmits, 255) {
		period += timeout
		timeout = min(2*timeout, mostRTO)
	}
	return time.Duration(period) * time.Second
}
