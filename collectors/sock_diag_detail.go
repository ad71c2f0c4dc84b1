package collectors

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Attributes of inet_diag (INET_DIAG_*, include/uapi/linux/inet_diag.h).
const (
	inetDiagInfo      = 2
	inetDiagVegasInfo = 3
	inetDiagCong      = 4
	inetDiagTOS       = 5
	inetDiagTClass    = 6
	inetDiagSKMemInfo = 7
	inetDiagShutdown  = 8
	inetDiagDCTCPInfo = 9
	inetDiagSKV6Only  = 11
	inetDiagLocals    = 12
	inetDiagPeers     = 13
	inetDiagMark      = 15
	inetDiagBBRInfo   = 16
	inetDiagClassID   = 17
	inetDiagMD5Sig    = 18
	inetDiagULPInfo   = 19
	inetDiagCGroupID  = 21
	inetDiagSockOpt   = 22
)

// extensions returns idiag_ext: what the kernel sends only when it is asked.
func (p *inetDiagParser) extensions() (ext byte) {
	ask := func(detail netstat.SocketDetails, attributes ...int) {
		if p.details.Has(detail) {
			for _, a := range attributes {
				ext |= 1 << (a - 1)
			}
		}
	}
	ask(netstat.DetailMemory, inetDiagSKMemInfo)
	ask(netstat.DetailTCPInfo, inetDiagInfo)
	// Every algorithm's own information comes with Vegas'.
	ask(netstat.DetailCongestion, inetDiagCong, inetDiagVegasInfo)
	ask(netstat.DetailCongestionName, inetDiagCong)
	ask(netstat.DetailTOS, inetDiagTOS, inetDiagTClass)
	ask(netstat.DetailSocketOptions, inetDiagSKMemInfo, inetDiagCong, inetDiagTOS, inetDiagTClass)
	return ext
}

// detail reads an attribute into s.Detail, if it is one that was asked for.
func (p *inetDiagParser) detail(r *attributeReader, a nlAttr, s *netstat.Socket) {
	d := s.Detail
	var belongs, or netstat.SocketDetails
	switch a.kind {
	case inetDiagSKMemInfo:
		belongs = netstat.DetailMemory
	case inetDiagInfo, inetDiagULPInfo, inetDiagMD5Sig:
		belongs = netstat.DetailTCPInfo
	case inetDiagCong:
		belongs, or = netstat.DetailCongestion, netstat.DetailCongestionName
	case inetDiagVegasInfo, inetDiagDCTCPInfo, inetDiagBBRInfo:
		belongs = netstat.DetailCongestion
	case inetDiagTOS, inetDiagTClass, inetDiagClassID:
		belongs = netstat.DetailTOS
	case inetDiagSockOpt, inetDiagShutdown, inetDiagMark, inetDiagLocals, inetDiagPeers:
		belongs = netstat.DetailOptions
	case inetDiagCGroupID:
		belongs = netstat.DetailCGroup
	}
	if p.details&(belongs|or) == 0 {
		return
	}
	switch a.kind {
	case inetDiagSKMemInfo:
		m := r.socketMemory(a)
		d.Memory.Set(m)
		d.Drops = m.Drops
	case inetDiagInfo:
		switch s.Protocol {
		case netstat.TCP:
			var into *netstat.TCPInfo
			if p.again != nil {
				into = &p.again.tcp
			}
			d.TCP = r.tcpInfo(a, into)
		case netstat.MPTCP:
			d.MPTCP = r.mptcpInfo(a)
		}
	case inetDiagULPInfo:
		d.ULP = r.upperLayer(a, &p.names)
	case inetDiagMD5Sig:
		d.MD5Peers = r.md5Peers(a)
	case inetDiagCong, inetDiagVegasInfo, inetDiagDCTCPInfo, inetDiagBBRInfo:
		if d.Congestion == nil {
			if d.Congestion = new(netstat.CongestionControl); p.again != nil {
				p.again.congestion = netstat.CongestionControl{}
				d.Congestion = &p.again.congestion
			}
		}
		switch a.kind {
		case inetDiagCong:
			name, _, _ := bytes.Cut(a.value, []byte{0})
			d.Congestion.Name = p.names.string(name)
		case inetDiagVegasInfo:
			d.Congestion.Vegas = r.vegas(a)
		case inetDiagDCTCPInfo:
			d.Congestion.DCTCP = r.dctcp(a)
		case inetDiagBBRInfo:
			d.Congestion.BBR = r.bbr(a)
		}
	case inetDiagTOS:
		d.TOS.Set(r.uint8(a))
	case inetDiagTClass:
		d.TrafficClass.Set(r.uint8(a))
	case inetDiagClassID:
		d.ClassID.Set(r.uint32(a))
	case inetDiagSockOpt:
		d.Flags.Set(r.socketFlags(a))
	case inetDiagShutdown:
		d.Shutdown.Set(netstat.Shutdown(r.uint8(a)))
	case inetDiagMark:
		d.Mark.Set(r.uint32(a))
	case inetDiagLocals:
		d.LocalAddresses = r.socketAddresses(a)
	case inetDiagPeers:
		d.RemoteAddresses = r.socketAddresses(a)
	case inetDiagCGroupID:
		if id := r.uint64(a); !r.failed() {
			d.CGroup.Set(p.cgroups.of(id, &p.lookedAtCGroups))
		}
	}
}

// socketMemory reads SK_MEMINFO_* (include/uapi/linux/sock_diag.h): 32-bit
// numbers, as many as the kernel has.
func (r *attributeReader) socketMemory(a nlAttr) (m netstat.SocketMemory) {
	if len(a.value) < 8*4 {
		r.malformed(a, "8 numbers or more")
		return m
	}
	number := func(i int) uint32 { return binary.NativeEndian.Uint32(a.value[4*i:]) }
	m.Received, m.ReceiveBuffer = number(0), number(1)
	m.Transmitted, m.SendBuffer = number(2), number(3)
	m.ForwardAlloc, m.TransmitQueued = number(4), number(5)
	m.OptionMemory, m.Backlog = number(6), number(7)
	if len(a.value) >= 9*4 {
		m.Drops.Set(number(8))
	}
	return m
}

// socketFlags reads a struct inet_diag_sockopt: bit fields of one bit each.
func (r *attributeReader) socketFlags(a nlAttr) (f netstat.SocketFlags) {
	if len(a.value) < 1 {
		r.malformed(a, "1 byte or more")
	}
	for i := range min(len(a.value), 2) {
		for bit := range 8 {
			f |= netstat.SocketFlags(bitField(a.value[i], bit, 1)) << (8*i + bit)
		}
	}
	return f
}

// sizeofSCTPAddress is the size of each of SCTP's addresses: struct
// sockaddr_storage (include/uapi/linux/socket.h).
const sizeofSCTPAddress = 128

// socketAddresses reads a sequence of struct sockaddr_storage.
func (r *attributeReader) socketAddresses(a nlAttr) (all []netip.Addr) {
	if len(a.value)%sizeofSCTPAddress != 0 {
		r.malformed(a, "a sequence of struct sockaddr_storage")
		return nil
	}
	for b := a.value; len(b) > 0; b = b[sizeofSCTPAddress:] {
		switch binary.NativeEndian.Uint16(b) {
		case unix.AF_INET:
			all = append(all, netip.AddrFrom4([4]byte(b[4:8])))
		case unix.AF_INET6:
			all = append(all, netip.AddrFrom16([16]byte(b[8:24])))
		default:
			r.malformed(a, "a sequence of Internet addresses")
		}
	}
	return all
}

// sizeofTCPDiagMD5Sig is the size of struct tcp_diag_md5sig
// (include/uapi/linux/tcp.h): family, prefix length, length of the key, address,
// and the key, which stays where it is.
const sizeofTCPDiagMD5Sig = 100

// md5Peers reads a sequence of struct tcp_diag_md5sig.
func (r *attributeReader) md5Peers(a nlAttr) (all []netip.Prefix) {
	if len(a.value)%sizeofTCPDiagMD5Sig != 0 {
		r.malformed(a, "a sequence of struct tcp_diag_md5sig")
		return nil
	}
	for b := a.value; len(b) > 0; b = b[sizeofTCPDiagMD5Sig:] {
		var addr netip.Addr
		switch b[0] {
		case unix.AF_INET:
			addr = netip.AddrFrom4([4]byte(b[4:8]))
		case unix.AF_INET6:
			addr = netip.AddrFrom16([16]byte(b[4:20]))
		}
		p := netip.PrefixFrom(addr, int(b[1]))
		if !p.IsValid() {
			r.malformed(a, "a sequence of prefixes")
			return nil
		}
		all = append(all, p)
	}
	return all
}

// sctpState gives an SCTP association its state: the kernel numbers those of
// associations, which alone have a peer, as enum sctp_state does
// (include/net/sctp/constants.h), and those of endpoints as TCP's. The only timer
// that it tells, by a number of its own, is the one of retransmission.
func sctpState(s *netstat.Socket) {
	if s.Remote.Port() == 0 {
		return
	}
	if s.Timer.Or(netstat.TimerNone) != netstat.TimerNone {
		s.Timer.Set(netstat.TimerRetransmit)
	}
	switch s.State {
	case 0:
		s.State = netstat.Close
	case 3:
		s.State = netstat.Established
	default:
		s.State += netstat.CookieWait - 1
	}
}

// socketOption reads an attribute that is the value of an option, or of several.
func (r *attributeReader) socketOption(a nlAttr, o *netstat.SocketOptions, names *interned) {
	switch a.kind {
	case inetDiagSKMemInfo:
		m := r.socketMemory(a)
		o.ReceiveBuffer.Set(m.ReceiveBuffer)
		o.SendBuffer.Set(m.SendBuffer)
	case inetDiagCong:
		name, _, _ := bytes.Cut(a.value, []byte{0})
		o.Congestion.Set(names.string(name))
	case inetDiagTOS:
		o.TOS.Set(r.uint8(a))
	case inetDiagTClass:
		o.TrafficClass.Set(r.uint8(a))
	case inetDiagSKV6Only:
		o.V6Only.Set(r.uint8(a) != 0)
	case inetDiagMark:
		o.Mark.Set(r.uint32(a))
	case inetDiagSockOpt:
		flags := r.socketFlags(a)
		o.FreeBind.Set(flags.Has(netstat.SocketFreeBind))
		o.Transparent.Set(flags.Has(netstat.SocketTransparent))
	case inetDiagULPInfo:
		o.UpperLayer.Set(r.upperLayer(a, names).Name)
	}
}

// headerOptions are options that what every row has tells of, or lets suppose. A
// connection that is probed when idle always has a timer for it, unless one to
// retransmit hides that (net/ipv4/tcp_timer.c).
func headerOptions(o *netstat.SocketOptions, s *netstat.Socket) {
	if device, known := s.Interface.Get(); known {
		o.BindToDevice.Set(device)
	}
	if s.Protocol != netstat.TCP || s.State != netstat.Established && s.State != netstat.CloseWait {
		return
	}
	if timer := s.Timer.Or(netstat.TimerRetransmit); timer == netstat.TimerKeepalive || timer == netstat.TimerNone {
		o.KeepAlive.Set(timer == netstat.TimerKeepalive)
		o.Inferred.Add(netstat.OptionKeepAlive)
	}
}
