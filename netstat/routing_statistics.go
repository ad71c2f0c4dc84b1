package netstat

import (
	"context"
	"iter"
	"time"
)

// FIBTable is the shape of an IPv4 routing table in the kernel: a trie with
// compressed levels (Documentation/networking/fib_trie.rst).
type FIBTable struct {
	Table uint32
	// AverageDepth of the leaves, in hundredths of a level, and MaxDepth in
	// levels.
	AverageDepth            uint32 `form:"100ths"`
	MaxDepth                uint32
	Leaves, Prefixes        uint64
	InternalNodes, Pointers uint64
	NullPointers            uint64
	KiB                     uint64 `json:"kib"` // size, rounded up to 1024 bytes

	// What lookups did; unknown where the kernel does not count it
	// (CONFIG_IP_FIB_TRIE_STATS).
	Lookups, Backtracks             Optional[uint64]
	MatchesPassed, MatchesMissed    Optional[uint64]
	NullNodesHit, SkippedNodeResize Optional[uint64]
}

// FIB6 is the shape of IPv6's routing tables together (/proc/net/rt6_stats).
type FIB6 struct {
	Nodes, RouteNodes, Allocated, Entries, CacheEntries, Destinations, Discarded uint64
}

// RouteLookups are the counters of route lookups for IPv4 packets, added over
// all processors (/proc/net/stat/rt_cache). They have 32 bits for each
// processor and count every namespace's. What has been 0 since the kernel gave up its route
// cache (Linux 3.6) is left out.
type RouteLookups struct {
	// Entries are destinations at hand.
	Entries uint64
	// Received packets: SlowTotal needed a lookup, SlowMulticast were
	// multicasts, NoRoute had none, Broadcast were broadcasts, and the two
	// Martians had an impossible destination or source.
	InSlowTotal, InSlowMulticast, InNoRoute, InBroadcast uint64
	InMartianDestination, InMartianSource                uint64
	// Sent packets.
	OutSlowTotal, OutSlowMulticast uint64
}

// NeighbourTable is one of the kernel's tables of neighbours, which all
// namespaces share, with its counters over all processors
// (include/uapi/linux/neighbour.h, NDTA_*).
type NeighbourTable struct {
	Name    string // "arp_cache", "ndisc_cache"
	Family  Family
	Entries uint32
	// Below Threshold1 entries nothing is collected; above Threshold2 entries
	// older than 5 s are, and above Threshold3 new ones are refused.
	Threshold1, Threshold2, Threshold3 uint32
	GCInterval                         time.Duration
	ProxyQueue                         uint32 // packets that wait for a proxy's answer

	Allocations, Destroys, HashGrows       uint64
	Lookups, Hits                          uint64
	ResolutionsFailed                      uint64
	MulticastProbesReceived                uint64
	UnicastProbesReceived                  uint64
	PeriodicCollections, ForcedCollections uint64
	// TableFulls counts entries that were refused (Linux 4.6).
	TableFulls Optional[uint64]
	// UnresolvedDiscards counts packets that were dropped since their
	// neighbour did not answer. Unknown where the source does not tell, as in
	// namespaces other than the host's first.
	UnresolvedDiscards Optional[uint64]
}

// NeighbourParameters are the settings of neighbours of one interface, or the
// defaults for new ones (NDTPA_*; arp(7)).
type NeighbourParameters struct {
	Family    Family
	Interface uint32 `json:"interfaceIndex,omitzero"` // index, 0 for the defaults

	// Reachable is the drawn lifetime of a confirmation, about BaseReachable.
	Reachable, BaseReachable Optional[time.Duration]
	Retransmit               Optional[time.Duration]
	Stale                    Optional[time.Duration] // gc_stale_time
	DelayFirstProbe          Optional[time.Duration]
	IntervalProbe            Optional[time.Duration] // Linux 6.0
	AnycastDelay, ProxyDelay Optional[time.Duration]
	LockTime                 Optional[time.Duration]

	ApplicationProbes, UnicastProbes   Optional[uint32]
	MulticastProbes, MulticastReprobes Optional[uint32]
	// QueueLength, in packets, and QueueBytes bound what waits for an
	// unresolved neighbour.
	QueueLength, QueueBytes Optional[uint32]
	ProxyQueueLength        Optional[uint32]
}

// RoutingStatisticsReader reads how routing and neighbour tables fare.
// Errors of its methods are as for [Stack].
type RoutingStatisticsReader interface {
	// FIBTables yields the namespace's IPv4 tables.
	FIBTables(ctx context.Context) iter.Seq2[FIBTable, error]
	// FIB6 returns the shape of the namespace's IPv6 tables.
	FIB6(ctx context.Context) (FIB6, error)
	// RouteLookups returns the host's counters.
	RouteLookups(ctx context.Context) (RouteLookups, error)
	// NeighbourTables yields the tables of IPv4 and IPv6.
	NeighbourTables(ctx context.Context) iter.Seq2[NeighbourTable, error]
	// NeighbourParameters yields the defaults and every interface's settings,
	// of IPv4 and IPv6.
	NeighbourParameters(ctx context.Context) iter.Seq2[NeighbourParameters, error]
}

// ProxyNeighbourReader reads the addresses that a host answers for in others'
// place (proxy ARP, proxy neighbour discovery).
// Errors of its method are as for [Stack].
type ProxyNeighbourReader interface {
	// ProxyNeighbours yields the proxy entries of the families given, of IPv4
	// and IPv6 where none is given. Interface is 0 for those of every link.
	ProxyNeighbours(ctx context.Context, families ...Family) iter.Seq2[Neighbour, error]
}
