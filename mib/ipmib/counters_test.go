package ipmib

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// numbered sets every counter of a row to a number of its own, at most 32 bits
// wide, and returns how many there are.
func numbered(row any, random *rand.Rand) (n int) {
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *Counter:
			f.Set(uint64(random.Uint32()))
			n++
		case *ICMPMessages:
			n += numbered(f, random)
		}
	}
	return n
}

func TestICMPRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rows := []ICMP{{Family: netstat.IPv4}, {Family: netstat.IPv6}}
	for i := range rows {
		numbered(&rows[i], random)
	}
	tabletest.RoundTrip(t, ICMPStatistics(), rows, func(s ICMP) ICMP {
		s.In, s.Out = ICMPMessages{}, ICMPMessages{}
		return s
	})
	var got ICMP
	want := rows[0]
	want.Family = 0
	if err := IPv4Messages().Decode(time.Time{}, IPv4Messages().Values(rows[0]), &got); err != nil || got != want {
		t.Errorf("%v:\n got %+v\nwant %+v", err, got, want)
	}
	var types []ICMPType
	for range 300 {
		one := ICMPType{Family: netstat.IPv4, Type: uint8(random.IntN(256))}
		if random.IntN(2) == 0 {
			one.Family = netstat.IPv6
		}
		numbered(&one, random)
		types = append(types, one)
	}
	tabletest.RoundTrip(t, ICMPTypes(), types, func(r ICMPType) ICMPType { return r })
}

func TestGeneralRoundTrip(t *testing.T) {
	for _, want := range []Settings{
		{},
		{IPv4: netstat.IPSettings{Forwarding: netstat.Known(true)}, IPv6: netstat.IPSettings{HopLimit: netstat.Known[uint8](255)}},
		{
			IPv4: netstat.IPSettings{Forwarding: netstat.Known(false), HopLimit: netstat.Known[uint8](64), ReassemblyTimeout: netstat.Known(30 * time.Second)},
			IPv6: netstat.IPSettings{Forwarding: netstat.Known(true), HopLimit: netstat.Known[uint8](0)},
		},
	} {
		var got Settings
		if err := General().Decode(time.Time{}, General().Values(want), &got); err != nil || got != want {
			t.Errorf("%v:\n got %+v\nwant %+v", err, got, want)
		}
	}
	known := Settings{IPv4: netstat.IPSettings{Forwarding: netstat.Known(true), ReassemblyTimeout: netstat.Known(90 * time.Second)}}
	values := make(map[string]mib.Value)
	for b := range General().Values(known) {
		values[b.Name().String()] = b.Value
	}
	want := map[string]mib.Value{"1.3.6.1.2.1.4.1.0": mib.Int(1), "1.3.6.1.2.1.4.13.0": mib.Int(90), "1.3.6.1.2.1.4.23.0": mib.Count32(0)}
	if !reflect.DeepEqual(values, want) {
		t.Errorf("%v, want %v", values, want)
	}
}

// TestCountersByName holds that what a kernel counts comes back from the rows that
// are made of it, name by name.
func TestCountersByName(t *testing.T) {
	var counters []netstat.Counter
	for i, name := range strings.Fields("IpInReceives IpForwDatagrams IpFragOKs IpFragFails IpOutTransmits IpExtInNoRoutes IpExtInOctets IpExtOutBcastPkts " +
		"Ip6InReceives Ip6OutForwDatagrams Ip6FragOKs Ip6FragFails Ip6InNoRoutes Ip6OutMcastOctets") {
		group := netstat.GroupIP
		if strings.HasPrefix(name, "Ip6") {
			group = netstat.GroupIP6
		}
		counters = append(counters, netstat.Counter{
			Name: name, Group: group, Value: netstat.Unsigned(1<<40 + uint64(i)),
			Narrow: strings.Contains(name, "Frag") || strings.HasSuffix(name, "NoRoutes"), // RFC 4293 has no 64-bit column of it
		})
	}
	others := []netstat.Counter{
		{Name: "IpForwarding", Value: netstat.Unsigned(2)}, {Name: "IpInDelivers", Value: netstat.Signed(-1)}, {Name: "TcpInSegs", Value: netstat.Unsigned(3)},
	}
	counts := CountsOf(append(others, counters...))
	var got []netstat.Counter
	for i := range counts.IP {
		got = slices.AppendSeq(got, counts.IP[i].Counters(func(uint32) bool { return true }))
	}
	if fmt.Sprint(got) != fmt.Sprint(counters) {
		t.Errorf("\n got %v\nwant %v", got, counters)
	}
	four := counts.Of(netstat.IPv4)
	if four.InForwDatagrams.IsKnown() || four.OutForwDatagrams != netstat.Known[uint64](1<<40+1) || four.OutFragReqds != netstat.Known[uint64](1<<41+5) {
		t.Errorf("%+v", four)
	}
	if len(counts.ICMP) != 0 || len(counts.Types) != 0 || counts.ICMPOf(netstat.IPv6) != (ICMP{Family: netstat.IPv6}) {
		t.Errorf("ICMP out of nothing: %+v, %+v", counts.ICMP, counts.Types)
	}
	if only := CountsOf(counters[8:]); len(only.IP) != 1 || only.Of(netstat.IPv4) != (Statistics{Family: netstat.IPv4}) {
		t.Errorf("IPv4 out of IPv6: %+v", only.IP)
	}
}

func TestICMPByName(t *testing.T) {
	counter := func(name string, n uint64) netstat.Counter {
		return netstat.Counter{Name: name, Value: netstat.Unsigned(n)}
	}
	counts := CountsOf([]netstat.Counter{
		counter("IcmpInMsgs", 1), counter("IcmpOutErrors", 2), counter("IcmpInEchos", 3), counter("IcmpOutAddrMaskReps", 4),
		counter("Icmp6InMsgs", 5), counter("Icmp6InEchos", 6),
		counter("IcmpMsgInType8", 7), counter("IcmpMsgOutType0", 8), counter("IcmpMsgOutType8", 9),
		counter("Icmp6OutType143", 10), counter("Icmp6OutType256", 11), counter("IcmpMsgInType", 12), counter("IcmpMsgInTypeX", 13),
	})
	known := netstat.Known[uint64]
	four := ICMP{Family: netstat.IPv4, InMsgs: known(1), OutErrors: known(2)}
	four.In.Echos, four.Out.AddrMaskReps = known(3), known(4)
	six := ICMP{Family: netstat.IPv6, InMsgs: known(5)}
	if want := []ICMP{four, six}; !slices.Equal(counts.ICMP, want) {
		t.Errorf("\n got %+v\nwant %+v", counts.ICMP, want)
	}
	if want := []ICMPType{
		{netstat.IPv4, 8, known(7), known(9)}, {netstat.IPv4, 0, known(0), known(8)}, {netstat.IPv6, 143, known(0), known(10)},
	}; !slices.Equal(counts.Types, want) {
		t.Errorf("\n got %+v\nwant %+v", counts.Types, want)
	}
	// Each counter of the group has a name.
	var all ICMP
	if n := numbered(&all, rand.New(rand.NewPCG(1, 1))); n != len(IPv4Messages().Objects) || n != len(kernelMessages(netstat.IPv4)) {
		t.Errorf("%d counters, %d objects, %d names", n, len(IPv4Messages().Objects), len(kernelMessages(netstat.IPv4)))
	}
}
