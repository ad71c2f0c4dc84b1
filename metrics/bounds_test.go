package metrics

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// flood is a stack with more of everything than labels have values. Its counters grow from round to round.
type flood struct {
	netstat.Stack
	netstat.TrafficReader
	round *atomic.Uint64
	// first is the number of the first interface and listener: those before went.
	first, end int
}

func each[T any](first, end int, row func(i int) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := first; i < end; i++ {
			if !yield(row(i), nil) {
				return
			}
		}
	}
}

func (f *flood) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return each(f.first, f.end, func(i int) netstat.Interface {
		name := fmt.Sprint("veth", i)
		switch i {
		case 3:
			name = other
		case 4:
			name = "e\xff"
		case 5:
			name = "e\xfe"
		}
		ifc := netstat.Interface{Index: uint32(1 + i), Name: name, MTU: netstat.Known(uint32(1500)), CarrierChanges: netstat.Known(uint32(2))}
		ifc.Counters.InOctets.Set(10 * f.round.Load())
		ifc.Counters.InDropped.Set(f.round.Load())
		return ifc
	})
}

func (f *flood) Qdiscs(context.Context) iter.Seq2[netstat.Qdisc, error] {
	return each(f.first, f.end, func(i int) netstat.Qdisc {
		q := netstat.Qdisc{Interface: uint32(1 + i), Kind: "fq", Parent: netstat.TrafficRoot}
		q.Statistics.Drops.Set(uint32(f.round.Load()))
		q.Statistics.Backlog.Set(1)
		return q
	})
}

func (f *flood) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return each(0, 3*mostKeys/2, func(i int) netstat.Route {
		return netstat.Route{Destination: netip.MustParsePrefix("192.0.2.0/24"), Table: uint32(1000 + i), Type: netstat.RouteUnicast}
	})
}

func (f *flood) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return each(2*f.first, 2*f.end, func(i int) netstat.Socket {
		n := i / 2
		s := netstat.Socket{
			Protocol: q.Protocols[0], Family: netstat.IPv4, Local: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(1+n)),
			Detail: &netstat.SocketDetail{Drops: netstat.Known(uint32(f.round.Load()))},
		}
		s.Processes.Set([]netstat.Process{{PID: 7, Name: fmt.Sprint("worker", n)}})
		s.Detail.CGroup.Set(netstat.CGroup{ID: uint64(n), Path: fmt.Sprintf("/system.slice/w%d.service", n)})
		if s.State = netstat.Listen; i%2 == 1 {
			s.State, s.Remote = netstat.Established, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}), 7)
		}
		return s
	})
}

// gathered are the families of a scrape.
func gathered(t *testing.T, e *Exporter) map[string][]*dto.Metric {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(e.Collector(t.Context()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]*dto.Metric)
	for _, f := range families {
		all[f.GetName()] = f.GetMetric()
	}
	return all
}

func number(m *dto.Metric) float64 { return m.GetGauge().GetValue() + m.GetCounter().GetValue() }

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// sum adds the series of a family, and says how many there are and what that of the others is.
func sum(all []*dto.Metric, open string) (series int, total, others float64) {
	for _, m := range all {
		if p := label(m, "protocol"); p == "udp" {
			continue
		}
		series++
		total += number(m)
		if label(m, open) == other {
			others += number(m)
		}
	}
	return series, total, others
}

// Every open label has a bound, the sums are right, and the counters of "other" do not fall when others have series of their
// own than before.
func TestEveryOpenLabelIsBounded(t *testing.T) {
	const n, top = 3000, 7
	var round atomic.Uint64
	round.Store(1)
	stack := &flood{round: &round, end: n}
	of := readings.New(stack, readings.Options{Observe: Observe})
	e := New(Options{Top: top, Stacks: func(context.Context) []Stack { return []Stack{{Readings: of}} }})
	type check struct {
		family, label string
		most          int
		total         float64 // for each interface or listener
	}
	checks := []check{
		{"netstat_interface_receive_bytes_total", "interface", mostInterfaces, 10},
		{"netstat_interface_receive_drops_total", "interface", mostInterfaces, 1},
		{"netstat_qdisc_drops_total", "interface", mostInterfaces, 1},
		{"netstat_listener_drops_total", "process", top, 1},
	}
	before := make(map[string]float64)
	for _, step := range []struct {
		round, counted uint64 // of the kernel's, and what all series have together after it
		first, end     int
	}{{1, 1, 0, n}, {4, 4, 0, n}, {5, 0, 100, n}, {6, 0, 0, n}, {9, 0, 900, n + 900}} {
		round.Store(step.round)
		stack.first, stack.end = step.first, step.end
		of.Interfaces.Invalidate()
		of.TCP.Invalidate()
		of.RootQdiscs.Invalidate()
		all := gathered(t, e)
		for _, c := range checks {
			name := c.family
			rows := all[c.family]
			if c.family == "netstat_interface_receive_drops_total" {
				name += "{no_memory}"
				rows = nil
				for _, m := range all[c.family] {
					if label(m, "reason") == "no_memory" {
						rows = append(rows, m)
					}
				}
			}
			series, total, others := sum(rows, c.label)
			if series > c.most+1 || others == 0 {
				t.Errorf("round %d: %s has %d series, and %v of others", step.round, name, series, others)
			}
			if others < before[name] {
				t.Errorf("round %d: others of %s fell from %v to %v", step.round, name, before[name], others)
			}
			if want := float64(step.counted) * n * c.total; step.counted > 0 && total != want {
				t.Errorf("round %d: %s is %v together, want %v", step.round, name, total, want)
			}
			before[name] = others
		}
		for family, of := range map[string]struct {
			label string
			most  int
			want  float64
		}{
			"netstat_process_connections": {"process", top, float64(step.end - step.first)}, "netstat_unit_connections": {"unit", top, float64(step.end - step.first)},
			"netstat_network_connections": {"network", top, float64(step.end - step.first)}, "netstat_listener_sockets": {"port", top, float64(step.end - step.first)},
			"netstat_qdisc_backlog_bytes": {"interface", mostInterfaces, float64(step.end - step.first)}, "netstat_routes": {"table", mostTables, 3 * mostKeys / 2},
		} {
			rows := all[family]
			if family == "netstat_routes" { // whose label protocol is another one
				for _, m := range rows {
					if label(m, "protocol") == "udp" {
						t.Error(m)
					}
				}
			}
			if series, total, others := sum(rows, of.label); series != of.most+1 || total != of.want || others == 0 {
				t.Errorf("round %d: %s: %d series, %v together, want %v; others %v", step.round, family, series, total, of.want, others)
			}
		}
		if got := number(all["netstat_interfaces"][0]); got != float64(step.end-step.first) {
			t.Errorf("%v interfaces", got)
		}
	}
}

// By the names of node_exporter, too, interfaces are bounded, and two whose names are one label's are no two series.
func TestNodeExporterIsBounded(t *testing.T) {
	var round atomic.Uint64
	of := readings.New(&flood{round: &round, end: 3000}, readings.Options{Observe: Observe})
	e := New(Options{NodeExporter: true, Stacks: func(context.Context) []Stack { return []Stack{{Readings: of}} }})
	all := gathered(t, e)
	for _, family := range []string{"node_network_mtu_bytes", "node_network_receive_bytes_total", "node_qdisc_backlog"} {
		seen := make(map[string]int)
		for _, m := range all[family] {
			seen[label(m, "device")]++
		}
		if len(all[family]) != mostInterfaces || seen[other] != 1 || seen["e\uFFFD"] != 1 {
			t.Errorf("%s has %d series, %d of an interface that is called %q, %d of two that have one label", family, len(all[family]), seen[other], other, seen["e\uFFFD"])
		}
	}
}

// slow is a stack that is not read before it may be.
type slow struct {
	odd
	begun *atomic.Int64
	may   chan struct{}
}

func (s slow) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	s.begun.Add(1)
	<-s.may
	return s.odd.Interfaces(ctx)
}

// A scrape ends when its time is over, with what it has, says what is missing, and begins nothing more.
func TestDeadline(t *testing.T) {
	var said strings.Builder
	may := make(chan struct{})
	var begun atomic.Int64
	stacks := []Stack{{Readings: readings.New(odd{}, readings.Options{Observe: Observe})}, {NetNS: "closed"}}
	const slowOnes = 100
	for i := range slowOnes {
		stacks = append(stacks, Stack{NetNS: fmt.Sprint("slow", i), Readings: readings.New(slow{begun: &begun, may: may}, readings.Options{Observe: Observe})})
	}
	e := New(Options{Log: slog.New(slog.NewTextHandler(&said, nil)), Stacks: func(context.Context) []Stack { return stacks }})
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set(timeoutHeader, "2")
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, r)
	if n := begun.Load(); n == 0 || n > sideBySide {
		t.Errorf("%d readings of interfaces were begun", n)
	}
	close(may)
	text := w.Body.String()
	for _, want := range []string{
		`netstat_scrape_success{netns="",part="interfaces"} 1`, `netstat_scrape_success{netns="slow0",part="interfaces"} 0`,
		fmt.Sprintf(`netstat_scrape_success{netns="slow%d",part="interfaces"} 0`, slowOnes-1), fmt.Sprintf(`netstat_scrape_success{netns="slow%d",part="tcp"} 0`, slowOnes-1),
		`netstat_scrape_success{netns="closed",part="stack"} 0`, `netstat_scrape_stacks{result="unread"} 102`, `netstat_scrape_stacks{result="read"} 0`, // routes of odd fail
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	if n := strings.Count(said.String(), "had not the time"); n != 1 || strings.Contains(said.String(), "part=interfaces") {
		t.Errorf("the log has:\n%s", &said)
	}
}

// counting counts what is read.
type counting struct {
	flood
	reads *atomic.Int64
}

func (c *counting) Interfaces(ctx context.Context) iter.Seq2[netstat.Interface, error] {
	c.reads.Add(1)
	return c.flood.Interfaces(ctx)
}

func (c *counting) Qdiscs(ctx context.Context) iter.Seq2[netstat.Qdisc, error] {
	c.reads.Add(1)
	return c.flood.Qdiscs(ctx)
}

func (c *counting) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	c.reads.Add(1)
	return each(0, 3, func(i int) netstat.Route { return netstat.Route{Table: uint32(i)} })
}

func (c *counting) Sockets(ctx context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	c.reads.Add(1)
	return c.flood.Sockets(ctx, q)
}

// Four times as many namespaces are four times the work: readings and allocations.
func TestWorkGrowsWithNamespaces(t *testing.T) {
	work := func(n int) (reads, allocations float64) {
		var round atomic.Uint64
		var counted atomic.Int64
		made := func() *Exporter {
			var stacks []Stack
			for i := range n {
				s := &counting{flood{round: &round, end: 6}, &counted}
				stacks = append(stacks, Stack{NetNS: fmt.Sprint("n", i), Readings: readings.New(s, readings.Options{Observe: Observe})})
			}
			return New(Options{Stacks: func(context.Context) []Stack { return stacks }})
		}
		const runs = 1
		var all []*Exporter
		for range runs + 1 {
			all = append(all, made())
		}
		next := 0
		allocations = testing.AllocsPerRun(runs, func() {
			gathered(t, all[next])
			next++
		})
		return float64(counted.Load()) / (runs + 1), allocations
	}
	const n = 50
	reads, allocations := work(n)
	reads4, allocations4 := work(4 * n)
	t.Logf("%d namespaces: %v readings, %v allocations; %d: %v, %v", n, reads, allocations, 4*n, reads4, allocations4)
	if reads != 5*n || reads4 != 4*reads {
		t.Errorf("%v readings of %d namespaces, %v of %d", reads, n, reads4, 4*n)
	}
	if allocations4 > 4.4*allocations {
		t.Errorf("%v allocations for %d namespaces, %v for %d", allocations, n, allocations4, 4*n)
	}
}
