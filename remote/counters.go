package remote

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
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
		return s.countersOf(ctx, "TCP", tcpmib.Statistics.Name, groupColumns(&tcpmib.Statistics), tcpCounters)
	case netstat.GroupUDP:
		return s.countersOf(ctx, "UDP", udpmib.Statistics.Name, groupColumns(&udpmib.Statistics), udpCounters)
	}
	return nil, s.notSupported("read counters of "+string(g), "counters of "+string(g))
}

// countersOf returns the counters among the scalars of a group.
func (s *Stack) countersOf(ctx context.Context, protocol, group string, columns []column, decode func([]mib.Binding) ([]netstat.Counter, error)) ([]netstat.Counter, error) {
	bindings, err := s.scalars(ctx, group, columns)
	if err != nil {
		return nil, err
	}
	if len(bindings) == 0 {
		return nil, s.notSupported("read "+protocol+"'s counters", "scalar of the group "+group)
	}
	counters, err := decode(bindings)
	if err != nil {
		err = s.readError("read "+group, err)
	}
	return counters, err
}

// told is a counter as a MIB has it.
type told struct {
	name  string
	value netstat.Optional[uint64]
	wide  bool // 64 bits, or a gauge
}

// known returns the counters that the agent has.
func known(g netstat.CounterGroup, all []told) (found []netstat.Counter) {
	for _, c := range all {
		if n, ok := c.value.Get(); ok {
			found = append(found, netstat.Counter{Name: c.name, Group: g, Value: netstat.Unsigned(n), Narrow: !c.wide})
		}
	}
	return found
}

// isThere reports whether a scalar is among the bindings.
func isThere(bindings []mib.Binding, object mib.OID) bool {
	return slices.ContainsFunc(bindings, func(b mib.Binding) bool { return b.Object == object })
}

func tcpCounters(bindings []mib.Binding) (found []netstat.Counter, err error) {
	var t netstat.TCPStatistics
	if err := tcpmib.Statistics.Decode(noEpoch, each(bindings), &t); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		name  string
		value netstat.Optional[int32]
	}{{"TcpRtoAlgorithm", t.RTOAlgorithm}, {"TcpRtoMin", t.RTOMin}, {"TcpRtoMax", t.RTOMax}, {"TcpMaxConn", t.MaxConn}} {
		if n, ok := c.value.Get(); ok {
			found = append(found, netstat.Counter{Name: c.name, Group: netstat.GroupTCP, Value: netstat.Signed(int64(n))})
		}
	}
	var established netstat.Optional[uint64]
	if n, ok := t.CurrEstab.Get(); ok {
		established.Set(uint64(n))
	}
	return append(found, known(netstat.GroupTCP, []told{
		{"TcpActiveOpens", t.ActiveOpens, false}, {"TcpPassiveOpens", t.PassiveOpens, false},
		{"TcpAttemptFails", t.AttemptFails, false}, {"TcpEstabResets", t.EstabResets, false},
		{"TcpCurrEstab", established, true},
		{"TcpInSegs", t.InSegs, isThere(bindings, tcpHCInSegs)}, {"TcpOutSegs", t.OutSegs, isThere(bindings, tcpHCOutSegs)},
		{"TcpRetransSegs", t.RetransSegs, false}, {"TcpInErrs", t.InErrs, false}, {"TcpOutRsts", t.OutRsts, false},
	})...), nil
}

func udpCounters(bindings []mib.Binding) ([]netstat.Counter, error) {
	var u netstat.UDPStatistics
	if err := udpmib.Statistics.Decode(noEpoch, each(bindings), &u); err != nil {
		return nil, err
	}
	return known(netstat.GroupUDP, []told{
		{"UdpInDatagrams", u.InDatagrams, isThere(bindings, udpHCInDatagrams)}, {"UdpNoPorts", u.NoPorts, false},
		{"UdpInErrors", u.InErrors, false}, {"UdpOutDatagrams", u.OutDatagrams, isThere(bindings, udpHCOutDatagrams)},
	}), nil
}

// ipCounters returns the counters of a version of IP.
func (s *Stack) ipCounters(ctx context.Context, g netstat.CounterGroup) ([]netstat.Counter, error) {
	any := false
	for r, err := range s.systemRows(ctx) {
		any = true
		var row ipmib.Statistics
		if err == nil {
			row, err = r.decode(s.currentEpoch())
		}
		if err != nil {
			return nil, err
		}
		if found := slices.Collect(row.Counters(r.isWide)); len(found) > 0 && found[0].Group == g {
			return found, nil
		}
	}
	if !any && g == netstat.GroupIP {
		row := ipmib.Statistics{Family: netstat.IPv4}
		if has, err := group(ctx, s, &ipmib.IPv4Statistics, &row); err != nil || has {
			return slices.Collect(row.Counters(noneWide)), err
		}
		return nil, s.notSupported("read counters of "+string(g), ipmib.SystemStatistics.Name, "scalar of the group "+ipmib.IPv4Statistics.Name)
	}
	return nil, s.notSupported("read counters of "+string(g), ipmib.SystemStatistics.Name)
}

// noneWide is for what was read from 32-bit objects alone.
func noneWide(uint32) bool { return false }
