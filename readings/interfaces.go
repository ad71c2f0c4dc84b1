package readings

import (
	"context"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Interfaces is the interfaces and what is known of their changes.
type Interfaces struct {
	Rows []netstat.Interface
	// Changed is when an interface came or went last, and Stacking when one was put on another
	// or taken off; unknown where the stack is not live.
	Changed, Stacking netstat.Optional[time.Time]
}

// unicasts is the packets of an interface that are neither multicasts nor broadcasts.
type unicasts struct {
	since         time.Time // of the counters
	in, out       uint64
	inAll, outAll uint64
}

func (s *Stack) readInterfaces(ctx context.Context) (Interfaces, error) {
	began := time.Now()
	rows, err := Collect(s.stack.Interfaces(ctx), 0)
	if err = s.whole("interfaces", err); err != nil {
		return Interfaces{}, err
	}
	s.keepRising(rows)
	if s.options.InterfacesRead != nil {
		s.options.InterfacesRead(began, rows)
	}
	found := Interfaces{Rows: rows}
	if s.Tracks(netstat.KindInterface) {
		view := s.live.Snapshot()
		found.Changed.Set(view.InterfacesChanged())
		found.Stacking.Set(view.StackingChanged())
	}
	return found, nil
}

// keepRising keeps the unicasts of each interface, which are a difference, from
// falling: the kernel does not read packets and multicasts at one moment, and a
// counter never falls (RFC 2578, section 7.1.6). Packets that fell themselves began
// anew.
func (s *Stack) keepRising(interfaces []netstat.Interface) {
	known := s.unicasts
	s.unicasts = make(map[uint32]unicasts, len(interfaces))
	for i := range interfaces {
		ifc := &interfaces[i]
		c := &ifc.Counters
		u := unicasts{since: ifc.CounterDiscontinuity}
		inOthers, outOthers := c.InMulticast.Or(0)+c.InBroadcast.Or(0), c.OutMulticast.Or(0)+c.OutBroadcast.Or(0)
		u.inAll, u.outAll = c.InPackets.Or(0), c.OutPackets.Or(0)
		u.in, u.out = u.inAll-min(u.inAll, inOthers), u.outAll-min(u.outAll, outOthers)
		if last, ok := known[ifc.Index]; ok && last.since.Equal(u.since) {
			if u.inAll >= last.inAll {
				u.in = max(u.in, last.in)
			}
			if u.outAll >= last.outAll {
				u.out = max(u.out, last.out)
			}
		}
		if c.InPackets.IsKnown() {
			c.InPackets.Set(u.in + inOthers)
		}
		if c.OutPackets.IsKnown() {
			c.OutPackets.Set(u.out + outOthers)
		}
		s.unicasts[ifc.Index] = u
	}
}
