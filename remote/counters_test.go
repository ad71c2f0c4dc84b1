package remote_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// Counters have the names that Linux has for them, and say which are narrow.
func TestCounters(t *testing.T) {
	const wide = 1<<32 + 7
	tcp := netstat.TCPStatistics{RTOAlgorithm: netstat.Known[int32](1), RTOMin: netstat.Known(200 * time.Millisecond), MaxConn: netstat.Known[int32](-1),
		ActiveOpens: netstat.Known[uint64](5), CurrEstab: netstat.Known[uint32](6), InSegs: netstat.Known[uint64](wide)}
	udp := netstat.UDPStatistics{InDatagrams: netstat.Known[uint64](wide), NoPorts: netstat.Known[uint64](3)}
	four := ipmib.Statistics{Family: netstat.IPv4, InReceives: netstat.Known[uint64](wide), InHdrErrors: netstat.Known[uint64](2), InForwDatagrams: netstat.Known[uint64](9),
		InOctets: netstat.Known[uint64](wide * 100)}
	six := ipmib.Statistics{Family: netstat.IPv6, OutForwDatagrams: netstat.Known[uint64](wide), OutFragFails: netstat.Known[uint64](8)}
	of := func(old bool) *remote.Stack {
		var d device
		for b := range tcpmib.Statistics().Values(tcp) {
			if !old || b.Value.Type() != mib.Counter64 {
				d.variables = append(d.variables, b)
			}
		}
		for b := range udpmib.Statistics().Values(udp) {
			if !old || b.Value.Type() != mib.Counter64 {
				d.variables = append(d.variables, b)
			}
		}
		d.variables = slices.AppendSeq(d.variables, ipmib.IPv4Statistics().Values(four))
		if !old {
			d.variables = append(d.variables, variablesOf(ipmib.SystemStatistics(), []ipmib.Statistics{four, six})...)
		}
		return open(t, patient(d.start(t)))
	}
	read := func(s *remote.Stack, groups ...netstat.CounterGroup) (map[string]string, error) {
		found := make(map[string]string)
		counters, err := collect(s.Counters(t.Context(), groups...))
		for _, c := range counters {
			found[c.Name] = fmt.Sprint(c.Group, " ", c.Value)
			if c.Narrow {
				found[c.Name] += " narrow"
			}
		}
		return found, err
	}
	for _, c := range []struct {
		old  bool
		want map[string]string
	}{
		{false, map[string]string{
			"TcpRtoAlgorithm": "tcp 1", "TcpRtoMin": "tcp 200", "TcpMaxConn": "tcp -1", "TcpActiveOpens": "tcp 5 narrow", "TcpCurrEstab": "tcp 6",
			"TcpInSegs": "tcp 4294967303", "UdpInDatagrams": "udp 4294967303", "UdpNoPorts": "udp 3 narrow",
			"IpInReceives": "ip 4294967303", "IpInHdrErrors": "ip 2 narrow", "IpForwDatagrams": "ip 9", "IpExtInOctets": "ip 429496730300",
			"Ip6OutForwDatagrams": "ip6 4294967303", "Ip6FragFails": "ip6 8 narrow",
		}},
		{true, map[string]string{
			"TcpRtoAlgorithm": "tcp 1", "TcpRtoMin": "tcp 200", "TcpMaxConn": "tcp -1", "TcpActiveOpens": "tcp 5 narrow", "TcpCurrEstab": "tcp 6",
			"TcpInSegs": "tcp 7 narrow", "UdpInDatagrams": "udp 7 narrow", "UdpNoPorts": "udp 3 narrow",
			"IpInReceives": "ip 7 narrow", "IpInHdrErrors": "ip 2 narrow", "IpForwDatagrams": "ip 9 narrow",
		}},
	} {
		s := of(c.old)
		got, err := read(s)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("old %v: %v\n got %v\nwant %v", c.old, err, got, c.want)
		}
		// A group by itself is what it is among all.
		for _, g := range []netstat.CounterGroup{netstat.GroupTCP, netstat.GroupUDP, netstat.GroupIP, netstat.GroupIP6} {
			got, err := read(s, g)
			if c.old && g == netstat.GroupIP6 {
				lacks(t, err, "ipSystemStatsTable")
				continue
			}
			n := 0
			for name, text := range c.want {
				if is, _, _ := strings.Cut(text, " "); is == string(g) {
					if n++; got[name] != text {
						t.Errorf("old %v, group %s: %s is %q, want %q", c.old, g, name, got[name], text)
					}
				}
			}
			if err != nil || n == 0 || len(got) != n {
				t.Errorf("old %v, group %s: %v, %v", c.old, g, got, err)
			}
		}
		_, err = read(s, netstat.GroupTCP, netstat.GroupICMP)
		lacks(t, err, "counters of icmp")
	}
	bare := open(t, patient(agentOf(t, scene{})))
	if got, err := read(bare); err != nil || len(got) > 0 {
		t.Errorf("an agent without counters: %v, %v", got, err)
	}
	for g, object := range map[netstat.CounterGroup]string{netstat.GroupTCP: "group tcp", netstat.GroupUDP: "group udp", netstat.GroupIP: "ipSystemStatsTable"} {
		_, err := read(bare, g)
		lacks(t, err, object)
	}
	// What is wrong is an error and no lack.
	broken := device{variables: []mib.Binding{{Object: tcpmib.Statistics().OID.Sub(5), Index: mib.MakeOID(0), Value: mib.Octets("many")}}}
	if _, err := read(open(t, patient(broken.start(t))), netstat.GroupTCP); err == nil || errors.Is(err, netstat.ErrNotSupported) {
		t.Errorf("a counter that is text: %v", err)
	}
}
