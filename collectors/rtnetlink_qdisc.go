package collectors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/rtnetlink.h and gen_stats.h.
const (
	sizeofTcmsg = 20

	tcaKind      = 1  // TCA_KIND
	tcaStats2    = 7  // TCA_STATS2
	tcaHWOffload = 12 // TCA_HW_OFFLOAD

	tcaStatsBasic     = 1 // TCA_STATS_BASIC
	tcaStatsRate      = 2 // TCA_STATS_RATE_EST
	tcaStatsQueue     = 3 // TCA_STATS_QUEUE
	tcaStatsRate64    = 5 // TCA_STATS_RATE_EST64
	tcaStatsPackets64 = 8 // TCA_STATS_PKT64

	sizeofStatsBasic  = 12 // struct gnet_stats_basic, without its padding
	sizeofStatsRate   = 8  // struct gnet_stats_rate_est
	sizeofStatsQueue  = 20 // struct gnet_stats_queue
	sizeofStatsRate64 = 16 // struct gnet_stats_rate_est64
)

// Qdiscs yields the queueing disciplines of every interface, from rtnetlink(7),
// but for those that classes have by default (`tc qdisc show invisible`).
func (k *Kernel) Qdiscs(ctx context.Context) iter.Seq2[netstat.Qdisc, error] {
	return func(yield func(netstat.Qdisc, error) bool) {
		r := request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETQDISC, body: make([]byte, sizeofTcmsg)}
		rows, err := dumpTraffic(ctx, k, r, unix.RTM_NEWQDISC)
		if err != nil {
			yield(netstat.Qdisc{}, k.readError("dump queueing disciplines", err))
			return
		}
		for _, t := range rows {
			if !yield(netstat.Qdisc{
				Interface: t.index, Kind: t.kind, Handle: t.handle, Parent: t.parent, Offloaded: t.offloaded, Statistics: t.statistics,
			}, nil) {
				return
			}
		}
	}
}

// TrafficClasses yields the classes of an interface, from rtnetlink(7). The
// error matches fs.ErrNotExist where there is no such interface.
func (k *Kernel) TrafficClasses(ctx context.Context, index uint32) iter.Seq2[netstat.TrafficClass, error] {
	return func(yield func(netstat.TrafficClass, error) bool) {
		op := fmt.Sprintf("dump traffic classes of interface %d", index)
		// The kernel answers nothing for an interface that is not there.
		if err := k.hasLink(ctx, index); err != nil {
			yield(netstat.TrafficClass{}, k.readError(op, err))
			return
		}
		body := make([]byte, sizeofTcmsg)
		binary.NativeEndian.PutUint32(body[4:], index)
		rows, err := dumpTraffic(ctx, k, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETTCLASS, body: body}, unix.RTM_NEWTCLASS)
		if err != nil {
			yield(netstat.TrafficClass{}, k.readError(op, err))
			return
		}
		for _, t := range rows {
			if !yield(netstat.TrafficClass{
				Interface: t.index, Kind: t.kind, Handle: t.handle, Parent: t.parent, Leaf: t.leaf, Statistics: t.statistics,
			}, nil) {
				return
			}
		}
	}
}

// hasLink returns an error that matches fs.ErrNotExist where there is no link of
// an index.
func (k *Kernel) hasLink(ctx context.Context, index uint32) error {
	body := make([]byte, sizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], index)
	_, err := k.ask(ctx, request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETLINK, body: body}, func(uint16, []byte) (bool, error) { return true, nil })
	if errors.Is(err, unix.ENODEV) {
		err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return err
}

func dumpTraffic(ctx context.Context, k *Kernel, r request, want uint16) ([]traffic, error) {
	var rows []traffic
	err := consistently(ctx, func() (bool, error) {
		rows = rows[:0]
		return k.dump(ctx, r, func(kind uint16, body []byte) (bool, error) {
			if kind != want {
				return true, nil
			}
			t, err := parseTraffic(body)
			rows = append(rows, t)
			return true, err
		})
	})
	return rows, err
}

// traffic is what a struct tcmsg and its attributes tell of a queueing
// discipline or a class.
type traffic struct {
	index          uint32
	handle, parent netstat.TrafficHandle
	leaf           netstat.TrafficHandle // tcm_info: of a discipline its reference count
	kind           string
	offloaded      netstat.Optional[bool]
	statistics     netstat.QueueStatistics
}

func parseTraffic(body []byte) (traffic, error) {
	var t traffic
	if len(body) < sizeofTcmsg {
		return t, fmt.Errorf("tcmsg of %d bytes: % x", len(body), clip(body))
	}
	t.index = binary.NativeEndian.Uint32(body[4:])
	t.handle = netstat.TrafficHandle(binary.NativeEndian.Uint32(body[8:]))
	t.parent = netstat.TrafficHandle(binary.NativeEndian.Uint32(body[12:]))
	t.leaf = netstat.TrafficHandle(binary.NativeEndian.Uint32(body[16:]))
	var r attributeReader
	for a, rest := r.next(body[sizeofTcmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case tcaKind:
			t.kind = a.string()
		case tcaHWOffload:
			t.offloaded.Set(r.uint8(a) != 0)
		case tcaStats2:
			var err error
			if t.statistics, err = parseQueueStatistics(a.value); err != nil {
				return t, fmt.Errorf("statistics: %w", err)
			}
		}
	}
	return t, r.error()
}

func parseQueueStatistics(b []byte) (netstat.QueueStatistics, error) {
	var s netstat.QueueStatistics
	var packets64, rate64 bool
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		n32 := func(at int) uint32 { return binary.NativeEndian.Uint32(a.value[at:]) }
		n64 := func(at int) uint64 { return binary.NativeEndian.Uint64(a.value[at:]) }
		switch {
		case a.kind == tcaStatsBasic && r.holds(a, sizeofStatsBasic):
			s.Octets.Set(n64(0))
			if !packets64 {
				s.Packets.Set(uint64(n32(8)))
			}
		case a.kind == tcaStatsPackets64 && r.holds(a, 8):
			// Only there where 32 bits do not suffice.
			packets64 = true
			s.Packets.Set(n64(0))
		case a.kind == tcaStatsRate && r.holds(a, sizeofStatsRate):
			if !rate64 {
				s.OctetRate.Set(uint64(n32(0)))
				s.PacketRate.Set(uint64(n32(4)))
			}
		case a.kind == tcaStatsRate64 && r.holds(a, sizeofStatsRate64):
			rate64 = true
			s.OctetRate.Set(n64(0))
			s.PacketRate.Set(n64(8))
		case a.kind == tcaStatsQueue && r.holds(a, sizeofStatsQueue):
			s.Queued.Set(n32(0))
			s.Backlog.Set(n32(4))
			s.Drops.Set(n32(8))
			s.Requeues.Set(n32(12))
			s.Overlimits.Set(n32(16))
		}
	}
	return s, r.error()
}

// holds reports whether the value has at least n bytes; fewer are malformed.
func (r *attributeReader) holds(a nlAttr, n int) bool {
	if len(a.value) < n {
		r.malformed(a, fmt.Sprintf("%d bytes", n))
		return false
	}
	return true
}
