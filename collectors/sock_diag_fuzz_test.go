package collectors

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// nested appends attributes to each other.
func nested(kind uint16, attributes ...[]byte) []byte {
	var value []byte
	for _, a := range attributes {
		value = append(value, a...)
	}
	return appendAttribute(nil, kind, value)
}

func number(kind uint16, v uint32) []byte { return appendUint32Attribute(nil, kind, v) }

func FuzzParseInetDiag(f *testing.F) {
	info := make([]byte, sizeofTCPInfo)
	info[0] = byte(netstat.Established)
	address := make([]byte, sizeofSCTPAddress)
	binary.NativeEndian.PutUint16(address, 2)
	sign := make([]byte, sizeofTCPDiagMD5Sig)
	sign[0], sign[1] = 2, 24
	for _, attributes := range [][]byte{
		nil,
		nested(8, []byte{}),
		append(appendAttribute(nil, inetDiagShutdown, []byte{3}), appendAttribute(nil, inetDiagSKV6Only, []byte{0})...),
		{3, 0, 11, 0},
		appendAttribute(nil, inetDiagInfo, info),
		appendAttribute(nil, inetDiagInfo, info[:sizeofMPTCPInfo]),
		appendAttribute(nil, inetDiagSKMemInfo, make([]byte, 36)),
		appendAttribute(nil, inetDiagCong, []byte("bbr\x00")),
		appendAttribute(nil, inetDiagBBRInfo, make([]byte, 20)),
		appendAttribute(nil, inetDiagVegasInfo, make([]byte, 16)),
		appendAttribute(nil, inetDiagDCTCPInfo, make([]byte, 16)),
		appendAttribute(nil, inetDiagLocals, address),
		appendAttribute(nil, inetDiagPeers, address),
		appendAttribute(nil, inetDiagMD5Sig, sign),
		appendAttribute(nil, inetDiagSockOpt, []byte{0xff, 7}),
		appendAttribute(nil, inetDiagCGroupID, make([]byte, 8)),
		nested(inetDiagULPInfo, appendAttribute(nil, ulpInfoName, []byte("mptcp\x00")), nested(ulpInfoMPTCP, number(subflowTokenLocal, 7))),
		nested(inetDiagULPInfo, nested(ulpInfoTLS, appendAttribute(nil, tlsInfoVersion, []byte{4, 3}))),
	} {
		f.Add(uint16(netstat.TCP), inetDiag(netstat.IPv4, netstat.Established, attributes...))
		f.Add(uint16(netstat.MPTCP), inetDiag(netstat.IPv6, netstat.Listen, attributes...))
	}
	f.Add(uint16(netstat.SCTP), inetDiag(netstat.IPv4, netstat.State(3)))
	f.Fuzz(func(t *testing.T, protocol uint16, b []byte) {
		p := inetDiagParser{details: netstat.AllDetails | netstat.DetailSocketOptions, cgroups: new(cgroupPaths), lookedAtCGroups: true}
		s := netstat.Socket{Protocol: netstat.Protocol(protocol)}
		if err := p.socket(b, &s); err != nil {
			return
		}
		if s.Family != netstat.IPv4 && s.Family != netstat.IPv6 || s.Local.Addr().Is4() != (s.Family == netstat.IPv4) || !s.Remote.Addr().IsValid() {
			t.Errorf("accepted %+v", s)
		}
		if len(b) < sizeofInetDiagMsg+sizeofNlAttr {
			d := *s.Detail
			if o := d.Options; o != nil {
				// The header has the device and the timer.
				header := netstat.SocketOptions{BindToDevice: o.BindToDevice, KeepAlive: o.KeepAlive, Inferred: o.Inferred}
				if *o != header {
					t.Errorf("options from nowhere: %+v", *o)
				}
				d.Options = nil
			}
			if s.V6Only.IsKnown() || !reflect.DeepEqual(d, netstat.SocketDetail{}) {
				t.Errorf("details from nowhere: %+v, %+v", s, d)
			}
		}
		if d := s.Detail; d.TCP != nil && s.Protocol != netstat.TCP || d.MPTCP != nil && s.Protocol != netstat.MPTCP {
			t.Errorf("%v has the information of another protocol: %+v", s.Protocol, *d)
		}
		for _, peer := range s.Detail.MD5Peers {
			if !peer.IsValid() {
				t.Errorf("peers that sign: %v", s.Detail.MD5Peers)
			}
		}
	})
}

// fuzzMessages fuzzes the decoder of messages that begin with a structure of a
// fixed size: shorter ones are errors, and what it takes keeps within bounds.
func fuzzMessages[Row any](f *testing.F, size int, parse func([]byte, *Row) error, attributes ...[]byte) {
	f.Add(make([]byte, size))
	f.Add([]byte{})
	for _, a := range attributes {
		f.Add(append(make([]byte, size), a...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var row, again Row
		err := parse(b, &row)
		if len(b) < size && err == nil {
			t.Errorf("%d bytes of %d are %+v", len(b), size, row)
		}
		if err != nil {
			return
		}
		if err := parse(b, &again); err != nil || !reflect.DeepEqual(row, again) {
			t.Errorf("the same message is %+v, then %+v, %v", row, again, err)
		}
		// A row keeps nothing of the buffer, which is received into again.
		clear(b)
		if !reflect.DeepEqual(row, again) {
			t.Errorf("%+v changes with the buffer", again)
		}
	})
}

func FuzzParseUnixDiag(f *testing.F) {
	fuzzMessages(f, sizeofUnixDiagMsg, parseUnixDiag,
		appendAttribute(nil, unixDiagName, []byte("\x00abstract")), appendAttribute(nil, unixDiagName, []byte("/path\x00")),
		appendAttribute(nil, unixDiagVFS, make([]byte, 8)), number(unixDiagPeer, 7), appendAttribute(nil, unixDiagICons, make([]byte, 12)),
		appendAttribute(nil, unixDiagRQLen, make([]byte, 8)), appendAttribute(nil, unixDiagMemInfo, make([]byte, 36)),
		appendAttribute(nil, unixDiagShutdown, []byte{1}), number(unixDiagUID, 0), []byte{3, 0, 0, 0})
}

func FuzzParsePacketDiag(f *testing.F) {
	membership := make([]byte, sizeofPacketDiagMclist)
	membership[10] = 6
	fuzzMessages(f, sizeofPacketDiagMsg, parsePacketDiag,
		appendAttribute(nil, packetDiagInfo, make([]byte, sizeofPacketDiagInfo)), appendAttribute(nil, packetDiagMclist, membership),
		appendAttribute(nil, packetDiagRxRing, make([]byte, sizeofPacketDiagRing)), appendAttribute(nil, packetDiagTxRing, make([]byte, sizeofPacketDiagRing)),
		number(packetDiagFanout, 1<<16|7), number(packetDiagUID, 0), appendAttribute(nil, packetDiagMemInfo, make([]byte, 36)),
		appendAttribute(nil, packetDiagFilter, make([]byte, 16)), appendAttribute(nil, packetDiagFilter, nil))
}

func FuzzParseNetlinkDiag(f *testing.F) {
	fuzzMessages(f, sizeofNetlinkDiagMsg, parseNetlinkDiag,
		appendAttribute(nil, netlinkDiagMemInfo, make([]byte, 36)), appendAttribute(nil, netlinkDiagGroups, []byte{0x41, 0, 0, 0, 1, 0, 0, 0}),
		number(netlinkDiagFlags, 2))
}

func FuzzParseVsockDiag(f *testing.F) { fuzzMessages(f, sizeofVsockDiagMsg, parseVsockDiag) }

func FuzzParseXDPDiag(f *testing.F) {
	fuzzMessages(f, sizeofXDPDiagMsg, parseXDPDiag,
		appendAttribute(nil, xdpDiagInfo, make([]byte, 8)), number(xdpDiagUID, 1), number(xdpDiagRxRing, 64), number(xdpDiagFillRing, 64),
		appendAttribute(nil, xdpDiagUmem, make([]byte, sizeofXDPDiagUmem)), appendAttribute(nil, xdpDiagStats, make([]byte, sizeofXDPDiagStats)))
}

func FuzzParseSMCDiag(f *testing.F) {
	fuzzMessages(f, sizeofSMCDiagMsg, new(smcDiagParser).socket,
		appendAttribute(nil, smcDiagShutdown, []byte{1}), appendAttribute(nil, smcDiagFallback, make([]byte, 8)))
}

func FuzzParseTIPCDiag(f *testing.F) {
	fuzzMessages(f, 0, parseTIPCDiag,
		nested(tipcSock, number(tipcSockRef, 1), number(tipcSockType, 1), nested(tipcSockCon, number(tipcConNode, 2), number(tipcConSock, 3)),
			nested(tipcSockStat, number(tipcStatReceive, 4), number(tipcStatDrop, 5)), appendAttribute(nil, tipcSockCookie, make([]byte, 8)),
			appendAttribute(nil, tipcSockHasPubl, nil)))
}

func FuzzParseProcSocket(f *testing.F) {
	f.Add(true, []byte("   1: 0100007F:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 00000000d2a1 0"))
	f.Add(false, []byte("  89: 00000000000000000000000000000000:0059 00000000000000000000000001000000:0000 01 00000000:00000300 00:00000000 00000000  1000        0 4711 2 0 0"))
	f.Add(true, []byte{})
	f.Fuzz(func(t *testing.T, inet4 bool, line []byte) {
		s := netstat.Socket{Protocol: netstat.Raw, Family: netstat.IPv6}
		if inet4 {
			s.Family = netstat.IPv4
		}
		tcp := s
		tcp.Protocol = netstat.TCP
		if whole, err := parseProcSocket(line, &tcp); err == nil && (whole != tcp.UID.IsKnown() || !tcp.Timer.IsKnown() || tcp.Expires.Or(0) < 0) {
			t.Errorf("of TCP %q is %+v", line, tcp)
		}
		if _, err := parseProcSocket(line, &s); err != nil {
			return
		}
		if s.Local.Addr().Is4() != inet4 || s.Remote.Addr().Is4() != inet4 || !s.UID.IsKnown() || !s.ReceiveQueue.IsKnown() {
			t.Errorf("%q is %+v", line, s)
		}
	})
}

func FuzzParseCGroupMount(f *testing.F) {
	f.Add([]byte("36 35 0:29 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n"))
	f.Add([]byte("1 2 0:3 / /a\\040b rw - tmpfs tmpfs rw\n2 - cgroup2\n"))
	f.Fuzz(func(t *testing.T, mounts []byte) {
		if root, ok := parseCGroupMount(mounts); ok && len(root) == 0 {
			t.Errorf("%q has a mount at %q", mounts, root)
		}
	})
}

// FuzzFilter compares the two ends' conditions with a filter written out.
func FuzzFilter(f *testing.F) {
	f.Add(uint16(1), uint16(1000), []byte{10, 0, 0, 1}, 8, []byte{10, 2, 3, 4}, uint16(80))
	f.Add(uint16(0), uint16(0), netip.MustParseAddr("fe80::1").AsSlice(), 64, netip.MustParseAddr("::ffff:10.0.0.1").AsSlice(), uint16(0))
	f.Fuzz(func(t *testing.T, first, last uint16, network []byte, bits int, address []byte, port uint16) {
		base, ok := netip.AddrFromSlice(network)
		addr, ok2 := netip.AddrFromSlice(address)
		if !ok || !ok2 {
			return
		}
		filter := netstat.SocketFilter{LocalPorts: netstat.PortRange{First: first, Last: last}, Local: netip.PrefixFrom(base, bits)}
		s := netstat.Socket{Local: netip.AddrPortFrom(addr, port), Remote: netip.AddrPortFrom(addr, port)}
		// The kernel's way: bit by bit, IPv4 in the last bytes of an IPv4-mapped
		// address.
		inside := filter.Local.IsValid()
		if inside {
			raw := addr.AsSlice()
			if base.Is4() && addr.Is4In6() {
				raw = raw[12:]
			}
			inside = len(raw) == len(network)
			for i := 0; inside && i < bits; i++ {
				inside = raw[i/8]>>(7-i%8)&1 == network[i/8]>>(7-i%8)&1
			}
		}
		want := inside && (first == 0 && last == 0 || first <= port && port <= last)
		if got := filter.MatchesEnds(&s); got != want {
			t.Errorf("%v in %+v: %v, want %v", s.Local, filter, got, want)
		}
		b := compileFilter(&filter)
		for len(b) >= sizeofBytecodeOp && b[1] >= sizeofBytecodeOp && int(b[1]) <= len(b) {
			b = b[b[1]:]
		}
		if len(b) != 0 {
			t.Errorf("%+v ends with % x", filter, b)
		}
	})
}
