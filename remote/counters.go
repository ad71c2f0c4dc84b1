package remote

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ netstat.CounterReader = (*Stack)(nil)

// Counters yields the counters of IP, TCP and UDP that the agent tells, by the
// names that Linux has for what the MIBs count. UDP's are those of IPv4 and IPv6
// together, as RFC 4113 has them. A group that was named and that no MIB tells
// yields an error that matches netstat.ErrNotSupported.
func (s *Stack) Counters(ctx context.Context, groups ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		all := len(groups) == 0
		if all {
			groups = []netstat.CounterGroup{netstat.GroupIP, netstat.GroupIP6, netstat.GroupTCP, netstat.GroupUDP}
		}
		for _, g := range groups {
			counters, err := s.counters(ctx, g)
			if errors.Is(err, netstat.ErrNotSupported) && all {
				continue
			}
			if err != nil {
				yield(netstat.Counter{}, err)
				return
			}
			for _, c := range counters {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// counters returns those of a group.
func (s *Stack) counters(ctx context.Context, g netstat.CounterGroup) ([]netstat.Counter, error) {
	switch g {
	case netstat.GroupIP, netstat.GroupIP6:
		return s.ipCounters(ctx, g)
	case netstat.GroupTCP:
		t, err := s.TCPStatistics(ctx)
		return tcpCounters(&t), err
	case netstat.GroupUDP:
		u, err := s.UDPStatistics(ctx)
		return udpCounters(&u), err
	}
	return nil, s.notSupported("read counters of "+string(g), "counters of "+string(g))
}

// known appends a counter that is known.
func known(to []netstat.Counter, g netstat.CounterGroup, name string, o ipmib.Counter) []netstat.Counter {
	if n, ok := o.Get(); ok {
		to = append(to, netstat.Counter{Name: name, Group: g, Value: netstat.Unsigned(n)})
	}
	return to
}

func tcpCounters(t *netstat.TCPStatistics) (found []netstat.Counter) {
	for _, c := range []struct {
		name  string
		value netstat.Optional[int32]
	}{{"TcpRtoAlgorithm", t.RTOAlgorithm}, {"TcpRtoMin", t.RTOMin}, {"TcpRtoMax", t.RTOMax}, {"TcpMaxConn", t.MaxConn}} {
		if n, ok := c.value.Get(); ok {
			found = append(found, netstat.Counter{Name: c.name, Group: netstat.GroupTCP, Value: netstat.Signed(int64(n))})
		}
	}
	var established ipmib.Counter
	if n, ok := t.CurrEstab.Get(); ok {
		established.Set(uint64(n))
	}
	for _, c := range []struct {
		name  string
		value ipmib.Counter
	}{
		{"TcpActiveOpens", t.ActiveOpens}, {"TcpPassiveOpens", t.PassiveOpens}, {"TcpAttemptFails", t.AttemptFails},
		{"TcpEstabResets", t.EstabResets}, {"TcpCurrEstab", established}, {"TcpInSegs", t.InSegs}, {"TcpOutSegs", t.OutSegs},
		{"TcpRetransSegs", t.RetransSegs}, {"TcpInErrs", t.InErrs}, {"TcpOutRsts", t.OutRsts},
	} {
		found = known(found, netstat.GroupTCP, c.name, c.value)
	}
	return found
}

func udpCounters(u *netstat.UDPStatistics) (found []netstat.Counter) {
	found = known(found, netstat.GroupUDP, "UdpInDatagrams", u.InDatagrams)
	found = known(found, netstat.GroupUDP, "UdpNoPorts", u.NoPorts)
	found = known(found, netstat.GroupUDP, "UdpInErrors", u.InErrors)
	return known(found, netstat.GroupUDP, "UdpOutDatagrams", u.OutDatagrams)
}

// ipCounters returns the counters of a version of IP.
func (s *Stack) ipCounters(ctx context.Context, g netstat.CounterGroup) (found []netstat.Counter, err error) {
	family := netstat.IPv4
	if g == netstat.GroupIP6 {
		family = netstat.IPv6
	}
	for row, err := range s.IPStatistics(ctx) {
		if err != nil {
			// What is missing may be the other version's.
			if len(found) > 0 && errors.Is(err, netstat.ErrNotSupported) {
				return found, nil
			}
			return nil, err
		}
		if row.Family == family {
			found = slices.AppendSeq(found, row.Counters())
		}
	}
	if len(found) == 0 {
		return nil, s.notSupported("read counters of "+string(g), ipmib.SystemStatistics.Name)
	}
	return found, nil
}
