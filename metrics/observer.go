package metrics

import (
	"cmp"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// mostKeys is how many values of an open label a reading tells apart. What is beyond is among the others.
const mostKeys = 1 << 14

// Observe returns the observer of a reading of sockets, for readings.Options.
func Observe(netstat.Protocol) readings.Observer {
	t := &totals{
		names: make(map[uint64]string), listeners: newSums[listenerKey, listener](), processes: newSums[string, load](),
		units: newSums[string, load](), remotes: newSums[netip.Prefix, load](),
	}
	native := func(o prometheus.HistogramOpts) prometheus.Histogram {
		o.NativeHistogramBucketFactor, o.NativeHistogramMaxBucketNumber = 1.1, 100
		return prometheus.NewHistogram(o)
	}
	t.roundTrips = native(prometheus.HistogramOpts{
		Name:    "netstat_tcp_round_trip_time_seconds",
		Help:    "Smoothed round-trip times of the TCP connections that there are now.",
		Buckets: []float64{0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5},
	})
	t.retransmitted = native(prometheus.HistogramOpts{
		Name:    "netstat_tcp_retransmitted_ratio",
		Help:    "Share of retransmitted octets among those sent, of the TCP connections that there are now and sent some.",
		Buckets: []float64{0, 0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5},
	})
	return t
}

// totals are what sockets of one protocol have together.
type totals struct {
	states    [2][states]uint64 // of families
	queues    [2]queues         // likewise, of sockets of all kinds
	listeners sums[listenerKey, listener]
	// What connections have, by who has them: the process, the unit of systemd, the network of the remote end.
	processes, units sums[string, load]
	remotes          sums[netip.Prefix, load]
	names            map[uint64]string // of units, by the ID of the cgroup

	roundTrips, retransmitted prometheus.Histogram
}

// states is beyond the last state.
const states = netstat.CookieWait + 1

// families are those that sockets are counted by.
func families() [2]netstat.Family { return [...]netstat.Family{netstat.IPv4, netstat.IPv6} }

// queues are what waits to be read, and to be sent; of listeners connections that wait, and that may.
type queues struct{ received, sent uint64 }

type listenerKey struct {
	address netip.AddrPort
	process string
}

// listener is what sockets that wait for others have.
type listener struct {
	sockets         uint64
	full            uint64 // of them, at whose queue no connection has room
	queue, capacity uint64
	drops           uint64
	known           bool // drops are
}

func (l *listener) add(o *listener) {
	l.sockets += o.sockets
	l.full += o.full
	l.queue += o.queue
	l.capacity += o.capacity
	l.drops += o.drops
	l.known = l.known || o.known
}

// load is what connections have together.
type load struct {
	connections, sendQueue, receiveQueue, retransmitting uint64
}

func (l *load) add(o *load) {
	l.connections += o.connections
	l.sendQueue += o.sendQueue
	l.receiveQueue += o.receiveQueue
	l.retransmitting += o.retransmitting
}

// sums are by key, and of what is beyond mostKeys of them.
type sums[K comparable, V any] struct {
	of     map[K]*V
	beyond V
	// last is the key that was asked for last, and its sum: what a host has many of is alike.
	last    K
	lastSum *V
}

func newSums[K comparable, V any]() sums[K, V] { return sums[K, V]{of: make(map[K]*V)} }

// at returns the sum of a key.
func (s *sums[K, V]) at(key K) *V {
	if s.lastSum != nil && key == s.last {
		return s.lastSum
	}
	v, known := s.of[key]
	switch {
	case known:
	case len(s.of) >= mostKeys:
		v = &s.beyond
	default:
		v = new(V)
		s.of[key] = v
	}
	s.last, s.lastSum = key, v
	return v
}

// top returns the keys of the n largest sums by size, larger ones first, and by order where they are the same.
func (s *sums[K, V]) top(n int, size func(*V) uint64, order func(a, b K) int) []K {
	keys := make([]K, 0, len(s.of))
	for k := range s.of {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		return cmp.Or(cmp.Compare(size(s.of[b]), size(s.of[a])), order(a, b))
	})
	return keys[:min(n, len(keys))]
}

// Observe counts a socket.
func (t *totals) Observe(s *netstat.Socket) {
	if s.State < states {
		for i, family := range families() {
			if s.Family == family {
				t.states[i][s.State]++
				t.queues[i].received += uint64(s.ReceiveQueue.Or(0))
				t.queues[i].sent += uint64(s.SendQueue.Or(0))
			}
		}
	}
	if s.State == netstat.TimeWait || s.State == netstat.SynReceived || s.State == netstat.NewSynReceived {
		return // nobody holds them
	}
	process := processOf(s)
	queued, toSend := uint64(s.ReceiveQueue.Or(0)), uint64(s.SendQueue.Or(0))
	if s.State == netstat.Listen || s.Protocol == netstat.UDP && s.Remote.Port() == 0 {
		l := listener{sockets: 1, queue: queued}
		if s.State == netstat.Listen {
			l.capacity = toSend
			if queued > toSend { // sk_acceptq_is_full (include/net/sock.h): one more waits than the backlog says
				l.full = 1
			}
		}
		if s.Detail != nil {
			if drops, known := s.Detail.Drops.Get(); known {
				l.drops, l.known = uint64(drops), true
			}
		}
		t.listeners.at(listenerKey{s.Local, process}).add(&l)
		return
	}
	l := load{connections: 1, receiveQueue: queued, sendQueue: toSend}
	if s.Retransmits.Or(0) > 0 && s.Timer.Or(netstat.TimerNone) == netstat.TimerRetransmit {
		l.retransmitting = 1
	}
	t.processes.at(process).add(&l)
	t.units.at(t.unitOf(s)).add(&l)
	t.remotes.at(networkOf(s.Remote.Addr())).add(&l)
	if s.Detail == nil || s.Detail.TCP == nil {
		return
	}
	info := s.Detail.TCP
	if info.RTT > 0 {
		t.roundTrips.Observe(info.RTT.Seconds())
	}
	if sent, known := info.BytesSent.Get(); known && sent > 0 {
		t.retransmitted.Observe(float64(info.BytesRetransmitted.Or(0)) / float64(sent))
	}
}

// processOf is the name of the first process that holds a socket; "" where that is not known.
func processOf(s *netstat.Socket) string {
	if holders, _ := s.Processes.Get(); len(holders) > 0 {
		return utf8Of(holders[0].Name)
	}
	return ""
}

// unitOf is the unit of systemd that a socket was made in, or the last part of its cgroup's path; "" where that is
// not known.
func (t *totals) unitOf(s *netstat.Socket) string {
	if s.Detail == nil {
		return ""
	}
	group, known := s.Detail.CGroup.Get()
	if !known || group.Path == "" {
		return ""
	}
	name, known := t.names[group.ID]
	if !known {
		name = utf8Of(unitOfPath(group.Path))
		t.names[group.ID] = name
	}
	return name
}

func unitOfPath(of string) string {
	// A unit may make groups below its own.
	for at := of; len(at) > 1; at = path.Dir(at) {
		name := path.Base(at)
		if strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".scope") {
			return name
		}
	}
	return path.Base(of)
}

// networkOf is the network that a remote end is counted among: /24 of IPv4, /48 of IPv6.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // of the zero Addr there is none
	return p
}
