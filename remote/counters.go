package remote

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

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
		var errs []error
		for _, g := range groups {
			counters, err := s.counters(ctx, g)
			for _, c := range counters {
				if !yield(c, nil) {
					return
				}
			}
			if !all || !errors.Is(err, netstat.ErrNotSupported) {
				errs = appendError(errs, err)
			}
			if isOver(errs) {
				break
			}
		}
		if len(errs) > 0 {
			yield(netstat.Counter{}, join(errs))
		}
	}
}

// counters returns those of a group, beside the error of what else could not be read.
func (s *Stack) counters(ctx context.Context, g netstat.CounterGroup) (found []netstat.Counter, err error) {
	switch g {
	case netstat.GroupIP, netstat.GroupIP6:
		return s.ipCounters(ctx, g)
	case netstat.GroupTCP:
		var t netstat.TCPStatistics
		bindings, err := scalarsOf(ctx, s, tcpmib.Statistics(), &t)
		if err == nil && len(bindings) == 0 {
			err = s.notSupported("read TCP's counters", "scalar of the group "+tcpmib.Statistics().Name)
		}
		return tcpCounters(&t, bindings), err
	case netstat.GroupUDP:
		var u netstat.UDPStatistics
		bindings, err := scalarsOf(ctx, s, udpmib.Statistics(), &u)
		if err == nil && len(bindings) == 0 {
			err = s.notSupported("read UDP's counters", "scalar of the group "+udpmib.Statistics().Name)
		}
		return udpCounters(&u, bindings), err
	}
	return nil, s.notSupported("read counters of "+string(g), "counters of "+string(g))
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

// isWide reports whether a scalar in 64 bits is among the bindings.
func isWide(bindings []mib.Binding, object mib.OID) bool {
	return slices.ContainsFunc(bindings, func(b mib.Binding) bool { return b.Object == object && b.Value.Type() == mib.Counter64 })
}

// milliseconds are a setting in the unit that the kernel's counters have it in.
func milliseconds(d netstat.Optional[time.Duration]) (ms netstat.Optional[int32]) {
	if d, known := d.Get(); known {
		ms.Set(int32(d.Milliseconds()))
	}
	return ms
}

func tcpCounters(t *netstat.TCPStatistics, bindings []mib.Binding) (found []netstat.Counter) {
	for _, c := range []struct {
		name  string
		value netstat.Optional[int32]
	}{{"TcpRtoAlgorithm", t.RTOAlgorithm}, {"TcpRtoMin", milliseconds(t.RTOMin)}, {"TcpRtoMax", milliseconds(t.RTOMax)}, {"TcpMaxConn", t.MaxConn}} {
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
		{"TcpInSegs", t.InSegs, isWide(bindings, tcpHCInSegs())}, {"TcpOutSegs", t.OutSegs, isWide(bindings, tcpHCOutSegs())},
		{"TcpRetransSegs", t.RetransSegs, false}, {"TcpInErrs", t.InErrs, false}, {"TcpOutRsts", t.OutRsts, false},
	})...)
}

func udpCounters(u *netstat.UDPStatistics, bindings []mib.Binding) []netstat.Counter {
	return known(netstat.GroupUDP, []told{
		{"UdpInDatagrams", u.InDatagrams, isWide(bindings, udpHCInDatagrams())}, {"UdpNoPorts", u.NoPorts, false},
		{"UdpInErrors", u.InErrors, false}, {"UdpOutDatagrams", u.OutDatagrams, isWide(bindings, udpHCOutDatagrams())},
	})
}

// ipCounters returns the counters of a version of IP, beside the error of what else
// could not be read.
func (s *Stack) ipCounters(ctx context.Context, g netstat.CounterGroup) (found []netstat.Counter, err error) {
	var errs []error
	for r, err := range s.systemRows(ctx) {
		if err != nil {
			errs = append(errs, err)
			break
		}
		row, _ := r.decode(s.currentEpoch(), nil) // it was decoded before
		if counters := slices.Collect(row.Counters(r.isWide)); counters[0].Group == g {
			found = counters
		}
	}
	lacking := []string{ipmib.SystemStatistics().Name}
	if len(found) == 0 && g == netstat.GroupIP && !isOver(errs) {
		row := ipmib.Statistics{Family: netstat.IPv4}
		_, err := group(ctx, s, ipmib.IPv4Statistics(), &row)
		errs = appendError(errs, err)
		found = slices.Collect(row.Counters(noneWide))
		lacking = append(lacking, "scalar of the group "+ipmib.IPv4Statistics().Name)
	}
	if len(found) == 0 && len(errs) == 0 {
		errs = append(errs, s.notSupported("read counters of "+string(g), lacking...))
	}
	return found, join(errs)
}

// noneWide is for what was read from 32-bit objects alone.
func noneWide(uint32) bool { return false }
