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
	a := attributes{rest: body[sizeofNdtmsg:]}
	for a.next() {
		switch a.kind {
		case ndtaName:
			t.Name = a.string()
		case ndtaThreshold1:
			t.Threshold1 = a.uint32()
		case ndtaThreshold2:
			t.Threshold2 = a.uint32()
		case ndtaThreshold3:
			t.Threshold3 = a.uint32()
		case ndtaGCInterval:
			t.GCInterval = a.milliseconds()
		case ndtaConfig:
			if a.holds(sizeofNdtConfig) {
				m.isTable = true
				t.Entries = binary.NativeEndian.Uint32(a.value[4:])
				t.ProxyQueue = binary.NativeEndian.Uint32(a.value[28:])
			}
		case ndtaStats:
			if !a.holds(leastNdtStats) {
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
	return m, a.err
}

func parseNeighbourParameters(b []byte) (netstat.NeighbourParameters, error) {
	var p netstat.NeighbourParameters
	a := attributes{rest: b}
	for a.next() {
		switch a.kind {
		case ndtpaIfindex:
			p.Interface = a.uint32()
		case ndtpaReachable:
			p.Reachable.Set(a.milliseconds())
		case ndtpaBaseReachable:
			p.BaseReachable.Set(a.milliseconds())
		case ndtpaRetransmit:
			p.Retransmit.Set(a.milliseconds())
		case ndtpaStale:
			p.Stale.Set(a.milliseconds())
		case ndtpaDelayProbe:
			p.DelayFirstProbe.Set(a.milliseconds())
		case ndtpaIntervalProbe:
			p.IntervalProbe.Set(a.milliseconds())
		case ndtpaAnycastDelay:
			p.AnycastDelay.Set(a.milliseconds())
		case ndtpaProxyDelay:
			p.ProxyDelay.Set(a.milliseconds())
		case ndtpaLockTime:
			p.LockTime.Set(a.milliseconds())
		case ndtpaQueueLength:
			p.QueueLength.Set(a.uint32())
		case ndtpaQueueBytes:
			p.QueueBytes.Set(a.uint32())
		case ndtpaProxyQueue:
			p.ProxyQueueLength.Set(a.uint32())
		case ndtpaApplicationProbes:
			p.ApplicationProbes.Set(a.uint32())
		case ndtpaUnicastProbes:
			p.UnicastProbes.Set(a.uint32())
		case ndtpaMulticastProbes:
			p.MulticastProbes.Set(a.uint32())
		case ndtpaReprobes:
			p.MulticastReprobes.Set(a.uint32())
		}
	}
	return p, a.err
}

// milliseconds reads a time of 64 bits; one beyond what a Duration holds, as
// "never" may be, is the longest Duration.
func (a *attributes) milliseconds() time.Duration {
	n := a.uint64()
	if n > math.MaxInt64/uint64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(n) * time.Millisecond
}
