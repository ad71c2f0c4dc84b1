package remote_test

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Counters wrap, lose their continuity, begin anew; interfaces come, go and
// change their names.
func TestSampleSince(t *testing.T) {
	counters := func(in, out, packets uint64) netstat.InterfaceCounters {
		return netstat.InterfaceCounters{InOctets: netstat.Known[uint64](in), OutOctets: netstat.Known[uint64](out), InPackets: netstat.Known[uint64](packets), InMulticast: netstat.Known[uint64](packets / 2), OutPackets: netstat.Known[uint64](packets), InErrors: netstat.Known(packets)}
	}
	link := func(index uint32, name string, c netstat.InterfaceCounters) netstat.Interface {
		return netstat.Interface{Index: index, Name: name, MTU: netstat.Known[uint32](1500), HardwareType: netstat.Known[uint16](1), OperState: netstat.Known(netstat.OperUp), Counters: c}
	}
	const wide = 1 << 40
	before := []netstat.Interface{
		link(1, "wide", counters(wide, 1<<64-10, 1<<32-1)),
		link(2, "renamed", counters(5, 5, 5)), link(3, "interrupted", counters(5, 5, 5)), link(4, "gone", counters(5, 5, 5)),
		link(6, "fast", counters(5, 5, 5)),
	}
	after := []netstat.Interface{
		link(1, "wide", counters(wide+7, 20, 1<<32+9)),
		link(2, "other", counters(9, 9, 9)), link(3, "interrupted", counters(9, 9, 9)), link(5, "new", counters(9, 9, 9)),
		link(6, "fast", counters(9, 9, 9)),
	}
	after[4].Speed.Set(1e15) // it would wrap 32 bits in no time
	tcp := func(active, inSegs uint64, established uint32) netstat.TCPStatistics {
		return netstat.TCPStatistics{ActiveOpens: netstat.Known(active), InSegs: netstat.Known(inSegs), CurrEstab: netstat.Known(established)}
	}
	ip := func(receives4, octets4, receives6 uint64) []ipmib.Statistics {
		return []ipmib.Statistics{
			{Family: netstat.IPv4, InReceives: netstat.Known(receives4), InOctets: netstat.Known(octets4), InHdrErrors: netstat.Known(receives4)},
			{Family: netstat.IPv6, InReceives: netstat.Known(receives6)},
		}
	}
	variables := func(upTime uint64, links []netstat.Interface, stats netstat.TCPStatistics, ip []ipmib.Statistics, old bool, discontinuity uint64) (all []mib.Binding) {
		all = append(all, mib.Binding{Object: mib.MustParseOID("1.3.6.1.2.1.1.3"), Index: mib.MakeOID(0), Value: mib.Ticks(upTime)})
		all = append(all, variablesOf(ifmib.Interfaces(), links)...)
		if !old {
			for _, b := range variablesOf(ifmib.Extensions(), links) {
				if b.Object == ifmib.Extensions().Entry.Sub(19) && b.Index == mib.MakeOID(3) {
					b.Value = mib.Ticks(discontinuity)
				}
				all = append(all, b)
			}
		}
		if old {
			all = slices.AppendSeq(all, ipmib.IPv4Statistics().Values(ip[0]))
		} else {
			for _, b := range variablesOf(ipmib.SystemStatistics(), ip) {
				if b.Object == ipmib.SystemStatistics().Entry.Sub(46) {
					b.Value = mib.Ticks(0)
					if b.Index == mib.MakeOID(2) {
						b.Value = mib.Ticks(discontinuity)
					}
				}
				all = append(all, b)
			}
		}
		for b := range tcpmib.Statistics().Values(stats) {
			all = append(all, b)
		}
		return all
	}
	for name, c := range map[string]struct {
		up, later uint64
		old       bool
		restarted bool
		passed    time.Duration // by this host's clock; 0 for what really does
	}{
		"64 bits": {up: 100, later: 200}, "32 bits": {up: 100, later: 2100, old: true},
		"restarted":         {up: 100_000, later: 50, restarted: true},
		"restarted early":   {up: 500, later: 600, restarted: true, passed: 20 * time.Second},
		"sysUpTime wrapped": {up: 1<<32 - 5, later: 5},
	} {
		first := device{variables: variables(c.up, before, tcp(1<<32-1, wide, 3), ip(1<<32-2, wide, 7), c.old, 0)}
		second := device{variables: variables(c.later, after, tcp(1<<32+4, wide+1000, 9), ip(1<<32+8, wide+70, 9), c.old, 50)}
		second.start(t)
		var now atomic.Bool
		first.change = func(asked, answer *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
			if now.Load() {
				return second.answer(asked)
			}
			return answer
		}
		s := open(t, patient(first.start(t)))
		a, err := s.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now.Store(true)
		b, err := s.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.passed > 0 {
			b.At = a.At.Add(c.passed)
		}
		d, err := b.Since(a)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Restarted != c.restarted || len(d.Interfaces) != len(after) {
			t.Fatalf("%s: %+v", name, d)
		}
		if !c.restarted && d.Elapsed != time.Duration(uint32(c.later-c.up))*10*time.Millisecond {
			t.Errorf("%s: %v elapsed", name, d.Elapsed)
		}
		for _, i := range d.Interfaces {
			got, known := i.Counters, i.Counters.InErrors.IsKnown()
			if wanted := !c.restarted && (i.Name == "wide" || i.Name == "fast" && !c.old || i.Name == "interrupted" && c.old); known != wanted {
				t.Errorf("%s: counters of %s known: %v", name, i.Name, known)
			}
			if known && i.Name == "wide" && (got.InOctets.Or(0) != 7 || got.OutOctets.Or(0) != 30 || got.InPackets.Or(0) != 10 || got.OutPackets.Or(0) != 10 || got.InErrors.Or(0) != 10) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		opens, known := d.TCP.ActiveOpens.Get()
		segs, _ := d.TCP.InSegs.Get()
		if known == c.restarted || known && (opens != 5 || segs != 1000) || d.TCP.CurrEstab.Or(0) != 9 {
			t.Errorf("%s: %+v", name, d.TCP)
		}
		grew := make(map[string]string)
		for _, n := range d.Counters {
			grew[n.Name] = fmt.Sprint(n.Value, n.Narrow)
		}
		want := map[string]string{
			"IpInReceives": "10 false", "IpExtInOctets": "70 false", "IpInHdrErrors": "10 true",
			"TcpActiveOpens": "5 true", "TcpCurrEstab": "9 false", "TcpInSegs": "1000 false",
		}
		switch {
		case c.restarted:
			want = map[string]string{"TcpCurrEstab": "9 false"}
		case c.old: // IP's are those of the group ip
			want["IpInReceives"] = "10 true"
			delete(want, "IpExtInOctets")
		}
		if !maps.Equal(grew, want) {
			t.Errorf("%s: counters grew %v, want %v", name, grew, want)
		}
		if _, err := a.Since(b); err == nil {
			t.Errorf("%s: samples in the wrong order are taken", name)
		}
	}
}
