package collectors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// scanProcNet calls each with every line but the first of a file of /proc/net,
// as it is read. The line is only valid during the call. When each returns
// false, or an error, the rest is dropped.
func (k *Kernel) scanProcNet(ctx context.Context, name string, each func(line []byte) (bool, error)) error {
	var file *os.File
	err := k.inside(func() (err error) {
		file, err = os.Open("/proc/thread-self/net/" + name)
		return err
	})
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for header := true; lines.Scan(); header = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		if header {
			continue
		}
		if more, err := each(lines.Bytes()); err != nil || !more {
			return err
		}
	}
	return lines.Err()
}

// dumpProcRaw hands on raw or ICMP sockets over a family from /proc/net/raw,
// raw6, icmp and icmp6 (proc(5)).
func (k *Kernel) dumpProcRaw(ctx context.Context, protocol netstat.Protocol, family netstat.Family, d *socketDump) error {
	name := "raw"
	if protocol == netstat.ICMP {
		name = "icmp"
	}
	if family == netstat.IPv6 {
		name += "6"
	}
	filter := d.query.Filter
	filter.Interface = 0
	untold := d.query.Filter.Interface != 0 || filter.Mark.IsKnown() || filter.CGroup != 0
	s := netstat.Socket{Protocol: protocol, Family: family}
	err := k.scanProcNet(ctx, name, func(line []byte) (bool, error) {
		if d.query.Details != 0 {
			s.Detail = new(netstat.SocketDetail)
		}
		if err := parseProcRaw(line, &s); err != nil {
			return false, err
		}
		if !d.query.States.Has(s.State) || !filter.MatchesEnds(&s) {
			return true, nil
		}
		if untold {
			return false, lacking(protocolOption(protocol), fmt.Errorf("/proc/net/%s: %w: device, mark or cgroup", name, errUntold))
		}
		return d.rows.add(ctx, &s)
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = lacking(protocolOption(protocol), err)
	}
	return err
}

// parseProcRaw reads a line of /proc/net/raw or such into s, all that the line
// tells. s.Family is to be there.
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
//	 1: 0100007F:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 00000000d2a1 0
func parseProcRaw(line []byte, s *netstat.Socket) error {
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
	if !okLocal || !okRemote || !okState || !okSend || !okReceive || !okUID || !okInode || state > 255 {
		return fmt.Errorf("malformed line of raw sockets: %q", clip(line))
	}
	s.Local, s.Remote = local, remote
	s.State = netstat.State(state)
	s.SendQueue.Set(sendQueue)
	s.ReceiveQueue.Set(receiveQueue)
	s.UID.Set(uid)
	s.Inode.Set(inode)
	if s.Detail != nil {
		drops, ok := parseNumber(fields[12])
		s.Detail.Drops = netstat.Optional[uint32]{} // absent before Linux 2.6.27
		if len(fields[12]) > 0 && !ok {
			return fmt.Errorf("malformed line of raw sockets: %q", clip(line))
		} else if ok {
			s.Detail.Drops.Set(drops)
		}
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
