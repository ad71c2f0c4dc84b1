package live

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// KernelRoutes asks the kernel for what Routes answers from the state. It differs
// where no event tells of a change: when a router advertises itself again, the
// Expires and the Preference of its routes.
func (s *Stack) KernelRoutes(ctx context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return s.kernel.Routes(ctx, q)
}

// ProtocolChanged returns when a version of IP last came to an interface or left
// one, of those that KindNetconf tells of; the zero time for not since the stack
// was opened.
func (v *Snapshot) ProtocolChanged(f netstat.Family) time.Time {
	return v.state.protocols.came[familyPlace(f)]
}

// ForwardingChanged returns when a setting last changed that says whether a version
// of IP forwards what comes in by an interface; the zero time for not since the stack
// was opened. Of IPv6 it is that of all interfaces.
func (v *Snapshot) ForwardingChanged(f netstat.Family) time.Time {
	return v.state.protocols.forwarding[familyPlace(f)]
}

// ProtocolSince returns when a version of IP came to an interface; the zero time
// for before the stack was opened, and where it is not.
func (v *Snapshot) ProtocolSince(index uint32, f netstat.Family) time.Time {
	if a, known := v.state.protocols.arrivals.get(&arrival{index: int32(index), family: f}); known {
		return a.at
	}
	return time.Time{}
}

// protocolMoments are when versions of IP came to interfaces and left, and when
// their settings changed; the zero time for before the stack was watched.
type protocolMoments struct {
	came, forwarding [2]time.Time // of IPv4 and IPv6
	arrivals         ordered[arrival]
}

// arrival is when a version of IP came to an interface.
type arrival struct {
	index  int32
	family netstat.Family
	at     time.Time
}

func newProtocolMoments() protocolMoments {
	return protocolMoments{arrivals: newOrdered(func(a, b *arrival) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.family, b.family))
	}, nil)}
}

func familyPlace(f netstat.Family) int {
	if f == netstat.IPv6 {
		return 1
	}
	return 0
}

func (m *protocolMoments) snapshot() protocolMoments {
	c := *m
	c.arrivals = m.arrivals.snapshot()
	return c
}

// note takes in that settings changed from old to n, either of which may be nil.
func (m *protocolMoments) note(old, n *netstat.Netconf, now time.Time) {
	one := n
	if n == nil {
		one = old
	}
	at := familyPlace(one.Family)
	switch {
	case old != nil && n != nil:
		decides := n.Interface == netstat.NetconfAll || n.Family == netstat.IPv4 && n.Interface > 0
		if decides && old.Forwarding != n.Forwarding {
			m.forwarding[at] = now
		}
	case one.Interface <= 0: // not an interface
	case n == nil:
		m.came[at] = now
		m.arrivals.delete(&arrival{index: old.Interface, family: old.Family})
	default:
		m.came[at] = now
		m.arrivals.set(arrival{n.Interface, n.Family, now})
	}
}

// dateProtocols gives the settings of a dump the moments that are known of them,
// and dates what no event has told.
func dateProtocols(known, dumped *state, now time.Time) {
	dumped.protocols = newProtocolMoments()
	dumped.protocols.came, dumped.protocols.forwarding = known.protocols.came, known.protocols.forwarding
	for a := range known.protocols.arrivals.from(nil) {
		dumped.protocols.arrivals.set(*a)
	}
	before, after := rowsOf[netstat.Netconf](known, netstat.KindNetconf), rowsOf[netstat.Netconf](dumped, netstat.KindNetconf)
	for row := range after.from(nil) {
		if old, ok := before.get(row); !ok {
			dumped.protocols.note(nil, *row, now)
		} else {
			dumped.protocols.note(*old, *row, now)
		}
	}
	for row := range before.from(nil) {
		if _, ok := after.get(row); !ok {
			dumped.protocols.note(*row, nil, now)
		}
	}
}
