package metrics

import (
	"cmp"
	"errors"
	"net/netip"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// Summary is what sockets of one protocol have together, as metrics tell it.
type Summary struct {
	// States are numbers of sockets by state.
	States map[netstat.State]uint64
	// Listeners are sockets that wait for others, by address and process: at most 16,384 of them.
	Listeners []Listener
	// Processes and Networks are what connections have together by the name of the process that holds them ("" where
	// that is not known) and by network of the remote end (/24 of IPv4, /48 of IPv6): at most 16,384 of each, in no
	// order.
	Processes []Load[string]
	Networks  []Load[netip.Prefix]
}

// Listener is what the sockets have together that wait at an address: listeners of TCP, and unconnected sockets of UDP.
type Listener struct {
	Address netip.AddrPort
	Process string // the name; "" where it is not known
	Sockets uint64
	// Queue is how many connections wait to be accepted, of at most Limit (the backlog); of UDP it is octets that are
	// not read yet, and Limit is 0.
	Queue, Limit uint64
	// Full is how many of the sockets have no room for another connection: their queue is longer than their limit. Of
	// several sockets that share an address (SO_REUSEPORT) one may be full while others are empty.
	Full  uint64
	Drops netstat.Optional[uint64] // connections or packets, of the sockets that are there now
}

// Load is what connections have together.
type Load[K comparable] struct {
	Key                     K
	Connections             uint64
	SendQueue, ReceiveQueue uint64 // octets
	Retransmitting          uint64 // connections that retransmit at this moment
}

// Add adds the connections of another protocol.
func (l *Load[K]) Add(o Load[K]) {
	l.Connections += o.Connections
	l.SendQueue += o.SendQueue
	l.ReceiveQueue += o.ReceiveQueue
	l.Retransmitting += o.Retransmitting
}

// SummaryOf returns what the sockets of a reading have together. It fails where the reading was not observed by Observe,
// or has not the part readings.SocketsObserved.
func SummaryOf(found readings.Sockets) (s Summary, err error) {
	t, is := found.Observer.(*totals)
	if !is {
		return s, errOtherObserver
	}
	s.States = make(map[netstat.State]uint64)
	for i := range t.states {
		for state, n := range t.states[i] {
			if n > 0 {
				s.States[netstat.State(state)] += n
			}
		}
	}
	for _, k := range t.listeners.top(mostKeys, func(l *listener) uint64 { return l.queue }, func(a, b listenerKey) int {
		return cmp.Or(cmp.Compare(a.address.Port(), b.address.Port()), a.address.Compare(b.address), strings.Compare(a.process, b.process))
	}) {
		of := t.listeners.of[k]
		l := Listener{Address: k.address, Process: k.process, Sockets: of.sockets, Queue: of.queue, Limit: of.capacity, Full: of.full}
		if of.known {
			l.Drops.Set(of.drops)
		}
		s.Listeners = append(s.Listeners, l)
	}
	s.Processes, s.Networks = loadsOf(&t.processes), loadsOf(&t.remotes)
	return s, nil
}

func loadsOf[K comparable](s *sums[K, load]) (all []Load[K]) {
	for k, l := range s.of {
		all = append(all, Load[K]{k, l.connections, l.sendQueue, l.receiveQueue, l.retransmitting})
	}
	return all
}

var errOtherObserver = errors.New("the readings have another observer than metrics.Observe")
