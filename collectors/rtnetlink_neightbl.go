package collectors

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// From include/uapi/linux/neighbour.h.
const (
	sizeofNdtmsg    = 4
	sizeofNdtConfig = 32
	leastNdtStats   = 10 * 8 // struct ndt_stats before Linux 4.6

	ndtaName       = 1 // NDTA_NAME
	ndtaThreshold1 = 2 // NDTA_THRESH1
	ndtaThreshold2 = 3 // NDTA_THRESH2
	ndtaThreshold3 = 4 // NDTA_THRESH3
	ndtaConfig     = 5 // NDTA_CONFIG
	ndtaParameters = 6 // NDTA_PARMS
	ndtaStats      = 7 // NDTA_STATS
	ndtaGCInterval = 8 // NDTA_GC_INTERVAL

	ndtpaIfindex           = 1  // NDTPA_IFINDEX
	ndtpaReachable         = 3  // NDTPA_REACHABLE_TIME
	ndtpaBaseReachable     = 4  // NDTPA_BASE_REACHABLE_TIME
	ndtpaRetransmit        = 5  // NDTPA_RETRANS_TIME
	ndtpaStale             = 6  // NDTPA_GC_STALETIME
	ndtpaDelayProbe        = 7  // NDTPA_DELAY_PROBE_TIME
	ndtpaQueueLength       = 8  // NDTPA_QUEUE_LEN
	ndtpaApplicationProbes = 9  // NDTPA_APP_PROBES
	ndtpaUnicastProbes     = 10 // NDTPA_UCAST_PROBES
	ndtpaMulticastProbes   = 11 // NDTPA_MCAST_PROBES
	ndtpaAnycastDelay      = 12 // NDTPA_ANYCAST_DELAY
	ndtpaProxyDelay        = 13 // NDTPA_PROXY_DELAY
	ndtpaProxyQueue        = 14 // NDTPA_PROXY_QLEN
	ndtpaLockTime          = 15 // NDTPA_LOCKTIME
	ndtpaQueueBytes        = 16 // NDTPA_QUEUE_LENBYTES
	ndtpaReprobes          = 17 // NDTPA_MCAST_REPROBES
	ndtpaIntervalProbe     = 19 // NDTPA_INTERVAL_PROBE_TIME_MS
)

// NeighbourTables yields the tables of neighbours, from rtnetlink(7), with what
// only /proc/net/stat tells in the host's first namespace.
func (k *Kernel) NeighbourTables(ctx context.Context) iter.Seq2[netstat.NeighbourTable, error] {
	return func(yield func(netstat.NeighbourTable, error) bool) {
		var tables []netstat.NeighbourTable
		err := k.neighbourTables(ctx, func(m *neighbourTableMessage) {
			if m.isTable {
				tables = append(tables, m.table)
			}
		})
		if err != nil {
			yield(netstat.NeighbourTable{}, k.readError("dump neighbour tables", err))
			return
		}
		for _, table := range tables {
			path := "/proc/net/stat/" + table.Name
			_, err := embellish(ctx, func() error {
				discards, err := k.perCPU(ctx, path, "unresolved_discards")
				if err == nil {
					table.UnresolvedDiscards = discards
				}
				return err
			})
			if err != nil {
				yield(netstat.NeighbourTable{}, k.readError("read "+path, err))
				return
			}
			if !yield(table, nil) {
				return
			}
		}
	}
}

// NeighbourParameters yields the settings of neighbours, from rtnetlink(7): of
// each table the defaults and then those of interfaces.
func (k *Kernel) NeighbourParameters(ctx context.Context) iter.Seq2[netstat.NeighbourParameters, error] {
	return func(yield func(netstat.NeighbourParameters, error) bool) {
		var all []netstat.NeighbourParameters
		err := k.neighbourTables(ctx, func(m *neighbourTableMessage) {
			if m.hasParameters {
				all = append(all, m.parameters)
			}
		})
		yieldAll(yield, all, k.readError("dump neighbour tables", err))
	}
}

// neighbourTables calls each with every message of a dump. The kernel does not
// tell of changes meanwhile.
func (k *Kernel) neighbourTables(ctx context.Context, each func(*neighbourTableMessage)) error {
	// The kernel says what it says of a table again wherever the dump of the
	// table's parameters goes on in another datagram.
	seen := make(map[netstat.Family]bool)
	r := request{protocol: unix.NETLINK_ROUTE, kind: unix.RTM_GETNEIGHTBL, body: make([]byte, sizeofNdtmsg)}
	_, err := k.dump(ctx, r, func(kind uint16, body []byte) (bool, error) {
		if kind != unix.RTM_NEWNEIGHTBL {
			return true, nil
		}
		m, err := parseNeighbourTable(body)
		switch {
		case err != nil, m.table.Family != netstat.IPv4 && m.table.Family != netstat.IPv6:
		case m.isTable && seen[m.table.Family]:
		case !m.isTable && m.parameters.Interface == 0: // the kernel's blackhole device, which nobody can name
		default:
			seen[m.table.Family] = seen[m.table.Family] || m.isTable
			each(&m)
		}
		return true, err
	})
	return err
}

// neighbourTableMessage is what one RTM_NEWNEIGHTBL message tells: of a table,
// with the default parameters, or of an interface's parameters.
type neighbourTableMessage struct {
	isTable       bool
	table         netstat.NeighbourTable
	hasParameters bool
	parameters    netstat.NeighbourParameters
}

func parseNeighbourTable(body []byte) (neighbourTableMessage, error) {
	var m neighbourTableMessage
	if len(body) < sizeofNdtmsg {
		return m, fmt.Errorf("ndtmsg of %d bytes: % x", len(body), clip(body))
	}
	t := &m.table
	t.Family = netstat.Family(body[0])
	var r attributeReader
	for a, rest := r.next(body[sizeofNdtmsg:]); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case ndtaName:
			t.Name = a.string()
		case ndtaThreshold1:
			t.Threshold1 = r.uint32(a)
		case ndtaThreshold2:
			t.Threshold2 = r.uint32(a)
		case ndtaThreshold3:
			t.Threshold3 = r.uint32(a)
		case ndtaGCInterval:
			t.GCInterval = r.milliseconds(a)
		case ndtaConfig:
			if r.holds(a, sizeofNdtConfig) {
				m.isTable = true
				t.Entries = binary.NativeEndian.Uint32(a.value[4:])
				t.ProxyQueue = binary.NativeEndian.Uint32(a.value[28:])
			}
		case ndtaStats:
			if !r.holds(a, leastNdtStats) {
				break
			}
			n := func(i int) uint64 { return binary.NativeEndian.Uint64(a.value[i*8:]) }
			t.Allocations, t.Destroys, t.HashGrows, t.ResolutionsFailed = n(0), n(1), n(2), n(3)
			t.Lookups, t.Hits = n(4), n(5)
			t.MulticastProbesReceived, t.UnicastProbesReceived = n(6), n(7)
			t.PeriodicCollections, t.ForcedCollections = n(8), n(9)
			if len(a.value) >= leastNdtStats+8 {
				t.TableFulls.Set(n(10))
			}
		case ndtaParameters:
			m.hasParameters = true
			var err error
			if m.parameters, err = parseNeighbourParameters(a.value); err != nil {
				return m, fmt.Errorf("parameters: %w", err)
			}
			m.parameters.Family = t.Family
		}
	}
	return m, r.error()
}

func parseNeighbourParameters(b []byte) (netstat.NeighbourParameters, error) {
	var p netstat.NeighbourParameters
	var r attributeReader
	for a, rest := r.next(b); a.kind != noAttribute; a, rest = r.next(rest) {
		switch a.kind {
		case ndtpaIfindex:
			p.Interface = r.uint32(a)
		case ndtpaReachable:
			p.Reachable.Set(r.milliseconds(a))
		case ndtpaBaseReachable:
			p.BaseReachable.Set(r.milliseconds(a))
		case ndtpaRetransmit:
			p.Retransmit.Set(r.milliseconds(a))
		case ndtpaStale:
			p.Stale.Set(r.milliseconds(a))
		case ndtpaDelayProbe:
			p.DelayFirstProbe.Set(r.milliseconds(a))
		case ndtpaIntervalProbe:
			p.IntervalProbe.Set(r.milliseconds(a))
		case ndtpaAnycastDelay:
			p.AnycastDelay.Set(r.milliseconds(a))
		case ndtpaProxyDelay:
			p.ProxyDelay.Set(r.milliseconds(a))
		case ndtpaLockTime:
			p.LockTime.Set(r.milliseconds(a))
		case ndtpaQueueLength:
			p.QueueLength.Set(r.uint32(a))
		case ndtpaQueueBytes:
			p.QueueBytes.Set(r.uint32(a))
		case ndtpaProxyQueue:
			p.ProxyQueueLength.Set(r.uint32(a))
		case ndtpaApplicationProbes:
			p.ApplicationProbes.Set(r.uint32(a))
		case ndtpaUnicastProbes:
			p.UnicastProbes.Set(r.uint32(a))
		case ndtpaMulticastProbes:
			p.MulticastProbes.Set(r.uint32(a))
		case ndtpaReprobes:
			p.MulticastReprobes.Set(r.uint32(a))
		}
	}
	return p, r.error()
}

// milliseconds reads a time of 64 bits; one beyond what a Duration holds, as
// "never" may be, is the longest Duration.
func (r *attributeReader) milliseconds(a nlAttr) time.Duration {
	n := r.uint64(a)
	if n > math.MaxInt64/uint64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Millisecond
}
