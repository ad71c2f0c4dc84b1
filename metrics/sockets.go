package metrics

import (
	"cmp"
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// What sockets are shown as. Those of both protocols are in the same families.
var (
	socketsByState = gauge("netstat_sockets", "Sockets by protocol, version of IP and state.", "protocol", "family", "state")

	listening        = gauge("netstat_listener_sockets", "Sockets that wait for others at an address: listeners of TCP, and unconnected sockets of UDP.", "protocol", "address", "port", "process")
	acceptQueue      = gauge("netstat_listener_accept_queue_connections", "Connections that wait to be accepted.", "protocol", "address", "port", "process")
	acceptQueueLimit = gauge("netstat_listener_accept_queue_limit_connections", "Connections that may wait to be accepted (the backlog).", "protocol", "address", "port", "process")
	fullListeners    = gauge("netstat_listener_full_sockets", "Sockets that have no room for another connection: with SO_REUSEPORT some may be full while others at the address are empty.", "protocol", "address", "port", "process")
	receiveQueue     = gauge("netstat_listener_receive_queue_bytes", "Octets that unconnected sockets have not read yet.", "protocol", "address", "port", "process")
	listenerDrops    = counter("netstat_listener_drops_total", "Packets or connections that the sockets at an address dropped, those that are there now.", "protocol", "address", "port", "process")

	byProcess = loads("process", "by the name of the process that holds them")
	byUnit    = loads("unit", "by the unit of systemd, or else the cgroup, that they were made in")
	byRemote  = loads("network", "by network of the remote end: /24 of IPv4, /48 of IPv6")
)

// loadMetrics are what connections have together by one label.
type loadMetrics struct{ connections, sendQueue, receiveQueue, retransmitting *metric }

func loads(label, by string) loadMetrics {
	return loadMetrics{
		gauge("netstat_"+label+"_connections", "Connections "+by+".", "protocol", label),
		gauge("netstat_"+label+"_send_queue_bytes", "Octets that connections have to send or wait to be acknowledged, "+by+".", "protocol", label),
		gauge("netstat_"+label+"_receive_queue_bytes", "Octets that connections have not read yet, "+by+".", "protocol", label),
		gauge("netstat_"+label+"_retransmitting_connections", "Connections that retransmit at this moment, "+by+".", "protocol", label),
	}
}

// sockets is the part of a protocol's sockets.
func (e *Exporter) sockets(p netstat.Protocol) part {
	name := strings.ToLower(p.String())
	source := func(r *readings.Stack) *fresh.Source[readings.Sockets] {
		if p == netstat.TCP {
			return r.TCP
		}
		return r.UDP
	}
	return part{name: name,
		collect: func(ctx context.Context, of *kept, out sink) error {
			tally := of.listeners[p]
			if err := tally.enter(ctx); err != nil {
				return err
			}
			defer tally.leave()
			t, err := observed(ctx, source(of.readings))
			if err != nil {
				return err
			}
			t.show(out, name, p, int(e.top.Load()), tally)
			return nil
		}}
}

// observed returns what sockets have together.
func observed(ctx context.Context, source *fresh.Source[readings.Sockets]) (*totals, error) {
	found, err := source.GetParts(ctx, readings.SocketsObserved)
	if err != nil {
		return nil, err
	}
	t, is := found.Observer.(*totals)
	if !is {
		return nil, errOtherObserver
	}
	return t, nil
}

// show tells what the sockets have together.
func (t *totals) show(out sink, protocol string, p netstat.Protocol, top int, tally *tally[listenerKey]) {
	for i, family := range families() {
		for state, n := range t.states[i] {
			if n > 0 {
				out.put(socketsByState, float64(n), protocol, familyName(family), stateName(netstat.State(state)))
			}
		}
	}
	showListener := func(l *listener, address, port, process string) {
		if l.sockets == 0 {
			return
		}
		out.put(listening, float64(l.sockets), protocol, address, port, process)
		if p == netstat.TCP {
			out.put(acceptQueue, float64(l.queue), protocol, address, port, process)
			out.put(acceptQueueLimit, float64(l.capacity), protocol, address, port, process)
			out.put(fullListeners, float64(l.full), protocol, address, port, process)
		} else {
			out.put(receiveQueue, float64(l.queue), protocol, address, port, process)
		}
		if l.known {
			out.put(listenerDrops, float64(l.drops), protocol, address, port, process)
		}
	}
	// Drops are counted on: listeners are kept in an order of their own, so that the same ones are shown each time.
	listeners := t.listeners.top(len(t.listeners.of), func(*listener) uint64 { return 0 }, func(a, b listenerKey) int {
		return cmp.Or(cmp.Compare(a.address.Port(), b.address.Port()), a.address.Compare(b.address), strings.Compare(a.process, b.process))
	})
	shown := listeners[:min(top, len(listeners))]
	rest := t.listeners.rest(shown, (*listener).add)
	for _, key := range shown {
		showListener(t.listeners.of[key], key.address.Addr().String(), strconv.Itoa(int(key.address.Port())), key.process)
	}
	if drops := tally.take(listeners, len(shown), func(k listenerKey) []uint64 { return []uint64{t.listeners.of[k].drops} }); drops != nil {
		rest.drops = drops[0]
	}
	showListener(&rest, other, other, other)

	showLoads(out, byProcess, protocol, &t.processes, top, strings.Compare, func(k string) string { return k })
	showLoads(out, byUnit, protocol, &t.units, top, strings.Compare, func(k string) string { return k })
	showLoads(out, byRemote, protocol, &t.remotes, top, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) }, netip.Prefix.String)
	if p == netstat.TCP {
		out.to <- withNetNS{t.roundTrips, out.netns}
		out.to <- withNetNS{t.retransmitted, out.netns}
	}
}

func showLoads[K comparable](out sink, m loadMetrics, protocol string, s *sums[K, load], top int, order func(a, b K) int, name func(K) string) {
	show := func(l *load, label string) {
		if l.connections == 0 {
			return
		}
		out.put(m.connections, float64(l.connections), protocol, label)
		out.put(m.sendQueue, float64(l.sendQueue), protocol, label)
		out.put(m.receiveQueue, float64(l.receiveQueue), protocol, label)
		out.put(m.retransmitting, float64(l.retransmitting), protocol, label)
	}
	// A label whose own name is that of the rest is among it.
	keys := s.top(top, func(l *load) uint64 { return l.connections }, order)
	shown := keys[:0]
	for _, k := range keys {
		if name(k) != other {
			shown = append(shown, k)
		}
	}
	rest := s.rest(shown, (*load).add)
	for _, k := range shown {
		show(s.of[k], name(k))
	}
	show(&rest, other)
}

// rest returns what the sums beside those of some keys are together.
func (s *sums[K, V]) rest(but []K, add func(v, o *V)) V {
	rest := s.beyond
	shown := make(map[K]struct{}, len(but))
	for _, k := range but {
		shown[k] = struct{}{}
	}
	for k, v := range s.of {
		if _, is := shown[k]; !is {
			add(&rest, v)
		}
	}
	return rest
}

func familyName(f netstat.Family) string { return strings.ToLower(f.String()) }

// stateName is the state in the form of a label: time_wait.
func stateName(s netstat.State) string {
	return strings.ReplaceAll(strings.ToLower(s.String()), "-", "_")
}

// withNetNS is a histogram with the label of a network namespace.
type withNetNS struct {
	prometheus.Histogram
	netns string
}

func (w withNetNS) Write(to *dto.Metric) error {
	if err := w.Histogram.Write(to); err != nil {
		return err
	}
	label := netnsLabel
	to.Label = append(to.Label, &dto.LabelPair{Name: &label, Value: &w.netns})
	return nil
}
