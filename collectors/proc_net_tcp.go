package collectors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// procTick is the kernel's unit of time in /proc (USER_HZ, which is 100 on every processor that
// Go runs on).
const procTick = time.Second / 100

// untoldOfSockets is what /proc tells of no socket, in words.
const untoldOfSockets = "devices, zones of link-local addresses, IPV6_V6ONLY, the most that a listener lets wait, cookies, options, memory or TCP_INFO"

// procSocketsFile returns the name of the file of /proc/net that lists the sockets of a
// protocol over a family, empty where none does.
func procSocketsFile(protocol netstat.Protocol, family netstat.Family) string {
	var name string
	switch protocol {
	case netstat.TCP, netstat.UDP, netstat.UDPLite, netstat.Raw, netstat.ICMP:
		name = protocol.String()
	default:
		return ""
	}
	if protocol == netstat.Raw {
		name = "raw"
	}
	if family == netstat.IPv6 {
		name += "6"
	}
	return name
}

// dumpProcSockets hands on the sockets of a protocol over a family from /proc/net/tcp, udp, udplite,
// raw and icmp, or those of IPv6, tcp6 and so on (proc(5)). What is opened and closed meanwhile may
// be there or not.
func (k *Kernel) dumpProcSockets(ctx context.Context, protocol netstat.Protocol, family netstat.Family, d *socketDump) error {
	path := "/proc/net/" + procSocketsFile(protocol, family)
	filter := d.query.Filter
	filter.Interface = 0
	untold := d.query.Filter.Interface != 0 || filter.Mark.IsKnown() || filter.CGroup != 0
	states := stateMask(protocol, d.query.States)
	s := netstat.Socket{Protocol: protocol, Family: family}
	var failed error
	err := k.readLines(ctx, path, func(l *lines) {
		for l.next() {
			if l.number == 1 {
				continue // headings
			}
			s.Detail = nil
			if d.query.Details != 0 {
				s.Detail = new(netstat.SocketDetail)
			}
			whole, err := parseProcSocket(l.text, &s)
			if err != nil {
				l.fail("%w", err)
				return
			}
			state := s.State
			if state == netstat.SynReceived && !whole {
				state = netstat.NewSynReceived
			}
			if states&(1<<state) == 0 || !filter.MatchesEnds(&s) {
				continue
			}
			if untold {
				failed = fmt.Errorf("%s: %w: device, mark or cgroup", path, errUntold)
				if isRefused(d.instead) {
					failed = notSupported(failed)
				} else {
					failed = lacking(protocolOption(protocol), failed)
				}
				return
			}
			if more, err := d.rows.add(ctx, &s); err != nil || !more {
				failed = err
				return
			}
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = lacking(protocolOption(protocol), err)
	}
	if err == nil {
		err = failed
	}
	return err
}

// parseProcSocket reads a line of /proc/net/tcp, udp, raw or such into s, all that the line tells
// (net/ipv4/tcp_ipv4.c, tcp4_seq_show; net/ipv4/udp.c, udp4_seq_show). s.Protocol and s.Family are
// to be there. whole is false for what stands for a connection without a socket: a request, and one in
// TIME-WAIT, whose lines are shorter. Lines of TCP have RTO and what belongs to it where others have drops.
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
//	 1: 0100007F:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 00000000d2a1 0
func parseProcSocket(line []byte, s *netstat.Socket) (whole bool, err error) {
	var fields [13][]byte
	rest := line
	for i := range fields {
		fields[i], rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
	}
	local, okLocal := parseProcAddrPort(fields[1], s.Family)
	remote, okRemote := parseProcAddrPort(fields[2], s.Family)
	state, okState := parseHex(fields[3])
	send, receive, _ := bytes.Cut(fields[4], []byte{':'})
	sendQueue, okSend := parseHex(send)
	receiveQueue, okReceive := parseHex(receive)
	uid, okUID := parseNumber(fields[7])
	inode, okInode := parseNumber(fields[9])
	if !okLocal || !okRemote || !okState || !okSend || !okReceive || !okUID || !okInode || state > uint32(netstat.NewSynReceived) {
		return false, errors.New("not a socket")
	}
	s.Local, s.Remote = local, remote
	s.State = netstat.State(state)
	s.SendQueue.Set(sendQueue)
	s.ReceiveQueue.Set(receiveQueue)
	s.UID.Set(uid)
	s.Inode.Set(inode)
	if s.Protocol != netstat.TCP {
		if s.Detail != nil {
			drops, ok := parseNumber(fields[12])
			if len(fields[12]) > 0 && !ok {
				return false, errors.New("drops are no number")
			} else if ok { // absent before Linux 2.6.27
				s.Detail.Drops.Set(drops)
			}
		}
		return true, nil
	}
	if s.State == netstat.NewSynReceived {
		s.State = netstat.SynReceived
	}
	if whole = len(bytes.TrimSpace(fields[12])) > 0; !whole {
		s.UID = netstat.Optional[uint32]{}
	}
	if s.State == netstat.Listen {
		s.SendQueue = netstat.Optional[uint32]{} // always 0 here
	}
	return whole, parseProcTimer(fields[5], fields[6], fields[8], s)
}

// parseProcTimer reads which timer is pending and in how many ticks it fires, and how often it did
// by retransmissions or by probes.
func parseProcTimer(timer, retransmits, probes []byte, s *netstat.Socket) error {
	kind, expires, _ := bytes.Cut(timer, []byte{':'})
	number, okKind := parseHex(kind)
	// The kernel prints a long, which is negative for a timer that is late on kernels before Linux 3.
	ticks, err := strconv.ParseUint(string(expires), 16, 64)
	resent, okResent := parseHex(retransmits)
	probed, okProbed := parseNumber(probes)
	if !okKind || number > 255 || err != nil || !okResent || !okProbed {
		return errors.New("not a timer")
	}
	s.Timer.Set(netstat.Timer(number))
	s.Expires = netstat.Optional[time.Duration]{}
	s.Retransmits.Set(0)
	switch netstat.Timer(number) {
	case netstat.TimerNone:
		return nil
	case netstat.TimerRetransmit:
		s.Retransmits.Set(uint8(min(resent, 255)))
	case netstat.TimerKeepalive, netstat.TimerProbe:
		s.Retransmits.Set(uint8(min(probed, 255)))
	}
	const most = 1 << 32 // ticks: more than a year, and no overflow of a Duration
	if ticks < most {
		s.Expires.Set(time.Duration(ticks) * procTick)
	}
	return nil
}

// parseProcAddrPort reads an address as the kernel prints it there: 32-bit
// words in this machine's byte order, and a port.
func parseProcAddrPort(b []byte, family netstat.Family) (netip.AddrPort, bool) {
	words := 1
	if family == netstat.IPv6 {
		words = 4
	}
	if len(b) != 8*words+1+4 || b[8*words] != ':' {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	for i := range words {
		word, ok := parseHex(b[8*i : 8*i+8])
		if !ok {
			return netip.AddrPort{}, false
		}
		binary.NativeEndian.PutUint32(raw[4*i:], word)
	}
	port, ok := parseHex(b[8*words+1:])
	addr := netip.AddrFrom16(raw)
	if words == 1 {
		addr = netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrPortFrom(addr, uint16(port)), ok
}

// parseHex reads an unsigned hexadecimal number of at most 32 bits.
func parseHex(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 16, 32)
	return uint32(n), err == nil
}
