package ipmib

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// sometimes sets a part of a row half of the time.
func sometimes[T any](r *rand.Rand, part *netstat.Optional[T], v T) {
	if r.IntN(2) == 0 {
		part.Set(v)
	}
}

func TestInterfacesRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var rows []ipInterface
	for i := range uint32(500) {
		for _, f := range []netstat.Family{netstat.IPv4, netstat.IPv6} {
			row := ipInterface{Interface: 1 + i, Family: f, ReassemblyMaxSize: netstat.Known(1500 + random.Uint32N(64036))}
			sometimes(random, &row.Enabled, random.IntN(2) == 0)
			sometimes(random, &row.Retransmit, time.Duration(random.Uint32())*time.Millisecond)
			sometimes(random, &row.Forwards, random.IntN(2) == 0)
			sometimes(random, &row.Reachable, time.Duration(random.Uint32())*time.Millisecond)
			sometimes(random, &row.Identifier, []netstat.InterfaceIdentifier{"", "\x00\x00\x00\xff\xfe\x00\x00\x11"}[random.IntN(2)])
			rows = append(rows, row)
		}
	}
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	tabletest.RoundTrip(t, IPv4Interfaces(), rows, func(i ipInterface) ipInterface {
		return ipInterface{Interface: i.Interface, Family: i.Family, Enabled: i.Enabled, ReassemblyMaxSize: i.ReassemblyMaxSize, Retransmit: i.Retransmit}
	})
	tabletest.RoundTrip(t, IPv6Interfaces(), rows, func(i ipInterface) ipInterface { return i })
	tabletest.RoundTrip(t, Zones(), rows, func(i ipInterface) ipInterface { return ipInterface{Interface: i.Interface, Family: i.Family} })
}

func TestInterfaceValues(t *testing.T) {
	rows := []ipInterface{
		{Interface: 7, Family: netstat.IPv4, Enabled: netstat.Known(true), ReassemblyMaxSize: netstat.Known[uint32](65535), Retransmit: netstat.Known(1500 * time.Millisecond)},
		{
			Interface: 7, Family: netstat.IPv6, Enabled: netstat.Known(false), ReassemblyMaxSize: netstat.Known[uint32](65535), Identifier: netstat.Known[netstat.InterfaceIdentifier]("12345678"),
			Reachable: netstat.Known(1 << 62 * time.Nanosecond), Retransmit: netstat.Known(time.Second), Forwards: netstat.Known(true),
		},
		{Interface: 8, Family: netstat.IPv6, Forwards: netstat.Known(false), Identifier: netstat.Known[netstat.InterfaceIdentifier]("")},
	}
	for _, test := range []struct {
		table *mib.Table[ipInterface]
		want  map[string]mib.Value
	}{
		{IPv4Interfaces(), map[string]mib.Value{"2.7": mib.Int(65535), "3.7": mib.Int(1), "4.7": mib.Gauge(1500)}},
		{IPv6Interfaces(), map[string]mib.Value{
			"2.7": mib.Gauge(65535), "3.7": mib.Octets("12345678"), "5.7": mib.Int(2), "6.7": mib.Gauge(1<<32 - 1), "7.7": mib.Gauge(1000), "8.7": mib.Int(1),
			"3.8": mib.Octets(""), "8.8": mib.Int(2),
		}},
		{Zones(), map[string]mib.Value{"2.7": mib.Gauge(7), "2.8": mib.Gauge(8)}},
	} {
		if got := tabletest.Values(t, test.table, rows); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %v\nwant %v", test.table.Name, got, test.want)
		}
	}
}

func TestChangesRoundTrip(t *testing.T) {
	at := func(second int64) netstat.Optional[time.Time] { return netstat.Known(time.Unix(second, 0)) }
	want := Changes{IPv4Interfaces: at(3), IPv6Interfaces: at(4), Statistics: at(5)}
	tree, err := mib.NewTree(mib.TreeOptions{Epoch: func() time.Time { return time.Unix(0, 0) }}, mib.Module{Nodes: []mib.Node{
		InterfaceChanges().BindNow(func() Changes { return want }), StatisticsChanges().BindNow(func() Changes { return want }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	r.Reset(t.Context())
	var all []mib.Binding
	for name, value := range map[string]uint64{"1.3.6.1.2.1.4.27.0": 300, "1.3.6.1.2.1.4.29.0": 400, "1.3.6.1.2.1.4.31.2.0": 500} {
		o := mib.MustParseOID(name)
		v, err := r.Get(o)
		if err != nil || v != mib.Ticks(value) {
			t.Errorf("%s is %v, %v, want %d", name, v, err, value)
		}
		all = append(all, mib.Binding{Object: o, Value: v})
	}
	var got Changes
	for _, group := range []*mib.Group[Changes]{InterfaceChanges(), StatisticsChanges()} {
		if err := group.Decode(time.Unix(0, 0), slices.Values(all), &got); err != nil {
			t.Error(err)
		}
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for b := range InterfaceChanges().Values(Changes{}) {
		t.Errorf("%v of nothing", b.Name())
	}
}

func TestInterfaceStatisticsRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var rows []InterfaceStatistics
	for i := range uint32(200) {
		row := InterfaceStatistics{Interface: 1 + i, Statistics: Statistics{Family: []netstat.Family{netstat.IPv4, netstat.IPv6}[i%2], Discontinuity: time.Unix(int64(1+i), 0)}}
		if numbered(&row.Statistics, random) < 27 {
			t.Fatal("a row has more counters")
		}
		row.OutNoRoutes = Counter{}
		if i%3 == 0 {
			row.InOctets, row.Discontinuity = netstat.Known(random.Uint64()), time.Time{}
		}
		rows = append(rows, row)
	}
	tabletest.RoundTrip(t, IPInterfaceStatistics(), rows, func(s InterfaceStatistics) InterfaceStatistics { return s })
	// The columns are those of ipSystemStatsTable but for one.
	var system, interfaces []string
	for name := range tabletest.Values(t, SystemStatistics(), []statistics{rows[1].Statistics}) {
		system = append(system, name[:len(name)-2])
	}
	for name := range tabletest.Values(t, IPInterfaceStatistics(), rows[1:2]) {
		interfaces = append(interfaces, name[:len(name)-4])
	}
	slices.Sort(system)
	slices.Sort(interfaces)
	if !slices.Equal(system, interfaces) || len(interfaces) != 44 {
		t.Errorf("ipSystemStatsTable has %v, ipIfStatsTable %v", system, interfaces)
	}
}

func TestInterfaceStatisticsOf(t *testing.T) {
	counter := func(index uint32, name string, n uint64) netstat.InterfaceCounter {
		return netstat.InterfaceCounter{Interface: index, Counter: netstat.Counter{Name: name, Value: netstat.Unsigned(n)}}
	}
	got := InterfaceStatisticsOf([]netstat.InterfaceCounter{
		counter(9, "Ip6InReceives", 1<<40), counter(9, "Ip6OutNoRoutes", 3), counter(9, "Ip6FragOKs", 5), counter(9, "Icmp6InMsgs", 4),
		counter(2, "Ip6FragOKs", 5), counter(2, "Ip6FragFails", 6), counter(9, "Ip6OutForwDatagrams", 7), counter(3, "Icmp6InMsgs", 4), counter(2, "Ip6InOctets", 0),
		{Interface: 4, Counter: netstat.Counter{Name: "Ip6InReceives", Value: netstat.Signed(-1)}},
	})
	known := func(n uint64) Counter { return netstat.Known(n) }
	want := []InterfaceStatistics{
		{Interface: 9, Statistics: Statistics{Family: netstat.IPv6, InReceives: known(1 << 40), OutFragOKs: known(5), OutForwDatagrams: known(7)}},
		{Interface: 2, Statistics: Statistics{Family: netstat.IPv6, InOctets: known(0), OutFragOKs: known(5), OutFragFails: known(6), OutFragReqds: known(11)}},
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
