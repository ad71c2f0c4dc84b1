package collectors

import (
	"bytes"
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ProtocolMemory yields the protocols of /proc/net/protocols, with the limits of
// TCP, MPTCP (which shares TCP's account), UDP and SCTP.
func (k *Kernel) ProtocolMemory(ctx context.Context) iter.Seq2[netstat.ProtocolMemory, error] {
	const path = "/proc/net/protocols"
	return func(yield func(netstat.ProtocolMemory, error) bool) {
		limits := make(map[string]netstat.Optional[netstat.MemoryLimits])
		for family, path := range map[string]string{"TCP": tcpMemPath, "UDP": udpMemPath, "SCTP": sctpMemPath} {
			_, err := embellish(ctx, func() (err error) {
				limits[family], err = k.memoryLimits(ctx, path)
				return err
			})
			if err != nil {
				yield(netstat.ProtocolMemory{}, k.readError("read "+path, err))
				return
			}
		}
		stopped := false
		err := k.readLines(ctx, path, func(l *lines) {
			parseProtocols(l, func(p netstat.ProtocolMemory) bool {
				if p.Bytes.IsKnown() {
					p.Limits = limits[memoryAccount(p.Name)]
				}
				stopped = !yield(p, nil)
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(netstat.ProtocolMemory{}, k.readError("read "+path, absentFile(err)))
		}
	}
}

// memoryAccount returns whose limits hold for a protocol.
func memoryAccount(name string) string {
	switch strings.TrimSuffix(name, "v6") {
	case "TCP", "MPTCP":
		return "TCP"
	case "UDP", "UDP-Lite", "UDPLITE":
		return "UDP"
	case "SCTP":
		return "SCTP"
	}
	return ""
}

// parseProtocols reads /proc/net/protocols (net/core/sock.c, proto_seq_printf).
// Memory is in pages, -1 for protocols without an account, and pressure is NI
// for those that do not implement it.
//
//	protocol  size sockets  memory press maxhdr  slab module     cl co di ...
//	TCP       2304      1      78   no     192   yes  kernel      y  y  y ...
func parseProtocols(l *lines, each func(netstat.ProtocolMemory) bool) {
	if l.next() && !bytes.HasPrefix(l.text, []byte("protocol")) {
		l.fail("not the heading")
	}
	for l.next() {
		fields := l.fields()
		if len(fields) < 6 {
			l.fail("%d fields", len(fields))
			return
		}
		p := netstat.ProtocolMemory{Name: string(fields[0]), ObjectSize: l.uint64(fields[1], 10), MaxHeader: l.uint32(fields[5], 10)}
		sockets, err := strconv.ParseInt(string(fields[2]), 10, 64)
		if err != nil {
			l.fail("sockets: %w", err)
			return
		}
		if sockets >= 0 {
			p.Sockets.Set(sockets)
		}
		pages, err := strconv.ParseInt(string(fields[3]), 10, 64)
		if err != nil {
			l.fail("memory: %w", err)
			return
		}
		if pages >= 0 {
			p.Bytes.Set(uint64(pages) * pageSize())
		}
		switch string(fields[4]) {
		case "yes":
			p.Pressure.Set(true)
		case "no":
			p.Pressure.Set(false)
		}
		if l.err != nil || !each(p) {
			return
		}
	}
}
