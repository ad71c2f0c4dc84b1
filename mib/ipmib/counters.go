package ipmib

import (
	"iter"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// kernelCounter is a counter by the name that Linux has for it.
type kernelCounter[R any] struct {
	name string
	part func(*R) *Counter
	// high is the last sub-identifier of the column that has it in 64 bits, 0
	// where there is none.
	high uint32
}

// kernelCounters are the counters of a version of IP. What Linux counts as
// forwarded it had found a way for. It does not keep InForwDatagrams, which
// counts the packets without a way, too.
func kernelCounters(f netstat.Family) (netstat.CounterGroup, []kernelCounter[statistics]) {
	// IPv4's later counters stand in another line than those of RFC 1213.
	group, base, extension, forwarded := netstat.GroupIP, "Ip", "IpExt", "IpForwDatagrams"
	if f == netstat.IPv6 {
		group, base, extension, forwarded = netstat.GroupIP6, "Ip6", "Ip6", "Ip6OutForwDatagrams"
	}
	return group, []kernelCounter[statistics]{
		{base + "InReceives", func(s *statistics) *Counter { return &s.InReceives }, 4},
		{base + "InHdrErrors", func(s *statistics) *Counter { return &s.InHdrErrors }, 0},
		{base + "InAddrErrors", func(s *statistics) *Counter { return &s.InAddrErrors }, 0},
		{forwarded, func(s *statistics) *Counter { return &s.OutForwDatagrams }, outForwDatagrams},
		{base + "InUnknownProtos", func(s *statistics) *Counter { return &s.InUnknownProtos }, 0},
		{base + "InDiscards", func(s *statistics) *Counter { return &s.InDiscards }, 0},
		{base + "InDelivers", func(s *statistics) *Counter { return &s.InDelivers }, 19},
		{base + "OutRequests", func(s *statistics) *Counter { return &s.OutRequests }, 21},
		{base + "OutDiscards", func(s *statistics) *Counter { return &s.OutDiscards }, 0},
		{base + "OutNoRoutes", func(s *statistics) *Counter { return &s.OutNoRoutes }, 0},
		{base + "ReasmReqds", func(s *statistics) *Counter { return &s.ReasmReqds }, 0},
		{base + "ReasmOKs", func(s *statistics) *Counter { return &s.ReasmOKs }, 0},
		{base + "ReasmFails", func(s *statistics) *Counter { return &s.ReasmFails }, 0},
		{base + "FragOKs", func(s *statistics) *Counter { return &s.OutFragOKs }, 0},
		{base + "FragFails", func(s *statistics) *Counter { return &s.OutFragFails }, 0},
		{base + "FragCreates", func(s *statistics) *Counter { return &s.OutFragCreates }, 0},
		{base + "OutTransmits", func(s *statistics) *Counter { return &s.OutTransmits }, 31},
		{extension + "InNoRoutes", func(s *statistics) *Counter { return &s.InNoRoutes }, 0},
		{extension + "InTruncatedPkts", func(s *statistics) *Counter { return &s.InTruncatedPkts }, 0},
		{extension + "InOctets", func(s *statistics) *Counter { return &s.InOctets }, 6},
		{extension + "OutOctets", func(s *statistics) *Counter { return &s.OutOctets }, 33},
		{extension + "InMcastPkts", func(s *statistics) *Counter { return &s.InMcastPkts }, 35},
		{extension + "OutMcastPkts", func(s *statistics) *Counter { return &s.OutMcastPkts }, 39},
		{extension + "InMcastOctets", func(s *statistics) *Counter { return &s.InMcastOctets }, 37},
		{extension + "OutMcastOctets", func(s *statistics) *Counter { return &s.OutMcastOctets }, 41},
		{extension + "InBcastPkts", func(s *statistics) *Counter { return &s.InBcastPkts }, 43},
		{extension + "OutBcastPkts", func(s *statistics) *Counter { return &s.OutBcastPkts }, 45},
	}
}

// Counters yields what is known of the statistics under the names that Linux has
// for it. wide says of which columns of ipSystemStatsTable, by their last
// sub-identifiers, they were made: those that no 64-bit column told are narrow.
func (s *Statistics) Counters(wide func(column uint32) bool) iter.Seq[netstat.Counter] {
	return func(yield func(netstat.Counter) bool) {
		told := *s
		group, counters := kernelCounters(s.Family)
		for _, c := range counters {
			if c.high == outForwDatagrams && !told.OutForwDatagrams.IsKnown() {
				told.OutForwDatagrams, c.high = told.InForwDatagrams, inForwDatagrams // all that the group ip has
			}
			n, known := c.part(&told).Get()
			if known && !yield(netstat.Counter{Name: c.name, Group: group, Value: netstat.Unsigned(n), Narrow: c.high == 0 || !wide(c.high)}) {
				return
			}
		}
	}
}

// Columns of ipSystemStatsTable in 64 bits.
const (
	inForwDatagrams  = 13
	outForwDatagrams = 24
)

// kernelMessages are the counters of a version of ICMP; of IPv4 those of types of
// messages, too.
func kernelMessages(f netstat.Family) []kernelCounter[ICMP] {
	protocol := "Icmp"
	if f == netstat.IPv6 {
		protocol = "Icmp6"
	}
	all := []kernelCounter[ICMP]{
		{protocol + "InMsgs", func(s *ICMP) *Counter { return &s.InMsgs }, 0},
		{protocol + "InErrors", func(s *ICMP) *Counter { return &s.InErrors }, 0},
		{protocol + "OutMsgs", func(s *ICMP) *Counter { return &s.OutMsgs }, 0},
		{protocol + "OutErrors", func(s *ICMP) *Counter { return &s.OutErrors }, 0},
	}
	if f == netstat.IPv6 {
		return all
	}
	for direction, messages := range map[string]func(*ICMP) *ICMPMessages{
		"IcmpIn":  func(s *ICMP) *ICMPMessages { return &s.In },
		"IcmpOut": func(s *ICMP) *ICMPMessages { return &s.Out },
	} {
		all = append(all,
			kernelCounter[ICMP]{direction + "DestUnreachs", func(s *ICMP) *Counter { return &messages(s).DestUnreachs }, 0},
			kernelCounter[ICMP]{direction + "TimeExcds", func(s *ICMP) *Counter { return &messages(s).TimeExcds }, 0},
			kernelCounter[ICMP]{direction + "ParmProbs", func(s *ICMP) *Counter { return &messages(s).ParmProbs }, 0},
			kernelCounter[ICMP]{direction + "SrcQuenchs", func(s *ICMP) *Counter { return &messages(s).SrcQuenchs }, 0},
			kernelCounter[ICMP]{direction + "Redirects", func(s *ICMP) *Counter { return &messages(s).Redirects }, 0},
			kernelCounter[ICMP]{direction + "Echos", func(s *ICMP) *Counter { return &messages(s).Echos }, 0},
			kernelCounter[ICMP]{direction + "EchoReps", func(s *ICMP) *Counter { return &messages(s).EchoReps }, 0},
			kernelCounter[ICMP]{direction + "Timestamps", func(s *ICMP) *Counter { return &messages(s).Timestamps }, 0},
			kernelCounter[ICMP]{direction + "TimestampReps", func(s *ICMP) *Counter { return &messages(s).TimestampReps }, 0},
			kernelCounter[ICMP]{direction + "AddrMasks", func(s *ICMP) *Counter { return &messages(s).AddrMasks }, 0},
			kernelCounter[ICMP]{direction + "AddrMaskReps", func(s *ICMP) *Counter { return &messages(s).AddrMaskReps }, 0},
		)
	}
	return all
}

// Counts is everything that IP and ICMP count: of each a row for each version of
// IP that counts.
type Counts struct {
	IP    []Statistics
	ICMP  []ICMP
	Types []ICMPType
}

// Of returns the statistics of a version of IP; where there are none all of its
// counters are unknown.
func (c *Counts) Of(f netstat.Family) Statistics {
	for i := range c.IP {
		if c.IP[i].Family == f {
			return c.IP[i]
		}
	}
	return Statistics{Family: f}
}

// ICMPOf returns the counters of a version of ICMP, as Of does.
func (c *Counts) ICMPOf(f netstat.Family) ICMP {
	for i := range c.ICMP {
		if c.ICMP[i].Family == f {
			return c.ICMP[i]
		}
	}
	return ICMP{Family: f}
}

// CountsOf makes rows of counters that have Linux's names. Others are passed over.
func CountsOf(counters []netstat.Counter) Counts {
	values := make(map[string]uint64, len(counters))
	for _, c := range counters {
		if n, ok := c.Value.Uint64(); ok {
			values[c.Name] = n
		}
	}
	var all Counts
	for _, f := range [...]netstat.Family{netstat.IPv4, netstat.IPv6} {
		ip := Statistics{Family: f}
		if _, parts := kernelCounters(f); fill(&ip, values, parts) {
			ip.countRequests()
			all.IP = append(all.IP, ip)
		}
		icmp := ICMP{Family: f}
		if fill(&icmp, values, kernelMessages(f)) {
			all.ICMP = append(all.ICMP, icmp)
		}
	}
	all.Types = typesOf(counters)
	return all
}

// InterfaceStatisticsOf makes a row for each interface of counters that have Linux's
// names, in the order of their first counters. Others are passed over.
func InterfaceStatisticsOf(counters []netstat.InterfaceCounter) []InterfaceStatistics {
	_, parts := kernelCounters(netstat.IPv6)
	byName := make(map[string]func(*Statistics) *Counter, len(parts))
	for _, p := range parts {
		byName[p.name] = p.part
	}
	at := make(map[uint32]int)
	var all []InterfaceStatistics
	for i := range counters {
		c := &counters[i]
		part, ours := byName[c.Name]
		n, positive := c.Value.Uint64()
		if !ours || !positive {
			continue
		}
		row, known := at[c.Interface]
		if !known {
			row = len(all)
			at[c.Interface], all = row, append(all, InterfaceStatistics{Interface: c.Interface, Statistics: Statistics{Family: netstat.IPv6}})
		}
		part(&all[row].Statistics).Set(n)
	}
	for i := range all {
		all[i].countRequests()
		all[i].OutNoRoutes = Counter{}
	}
	return all
}

// countRequests sets OutFragReqds: what needed to be fragmented either was or could
// not be.
func (s *Statistics) countRequests() {
	if ok, known := s.OutFragOKs.Get(); known && s.OutFragFails.IsKnown() {
		s.OutFragReqds.Set(ok + s.OutFragFails.Or(0))
	}
}

// fill sets the counters of a row that have a value, and reports whether there are
// any.
func fill[R any](row *R, values map[string]uint64, parts []kernelCounter[R]) (any bool) {
	for _, c := range parts {
		if n, ok := values[c.name]; ok {
			c.part(row).Set(n)
			any = true
		}
	}
	return any
}

// typesOf returns the types of messages. The kernel lists only counters that are
// not 0: where one direction of a type has none it is 0.
func typesOf(counters []netstat.Counter) []ICMPType {
	type key struct {
		family netstat.Family
		number uint8
	}
	at := make(map[key]int)
	var all []ICMPType
	for _, c := range counters {
		for _, names := range [...]struct {
			prefix string
			family netstat.Family
			part   func(*ICMPType) *Counter
		}{
			{"IcmpMsgInType", netstat.IPv4, func(t *ICMPType) *Counter { return &t.In }},
			{"IcmpMsgOutType", netstat.IPv4, func(t *ICMPType) *Counter { return &t.Out }},
			{"Icmp6InType", netstat.IPv6, func(t *ICMPType) *Counter { return &t.In }},
			{"Icmp6OutType", netstat.IPv6, func(t *ICMPType) *Counter { return &t.Out }},
		} {
			digits, ok := strings.CutPrefix(c.Name, names.prefix)
			if !ok {
				continue
			}
			number, err := strconv.ParseUint(digits, 10, 8)
			n, positive := c.Value.Uint64()
			if err != nil || !positive {
				continue
			}
			k := key{names.family, uint8(number)}
			i, known := at[k]
			if !known {
				i = len(all)
				at[k] = i
				all = append(all, ICMPType{Family: k.family, Type: k.number, In: netstat.Known[uint64](0), Out: netstat.Known[uint64](0)})
			}
			names.part(&all[i]).Set(n)
		}
	}
	return all
}
