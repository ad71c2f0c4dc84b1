package metrics_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// exporter serves the metrics of a namespace.
func exporter(t *testing.T, n *nstest.NS, o metrics.Options) *httptest.Server {
	t.Helper()
	kernel, err := collectors.Open(collectors.Options{NetNS: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kernel.Close() })
	of := readings.New(kernel, readings.Options{Observe: metrics.Observe})
	o.Stacks = func(context.Context) []metrics.Stack { return []metrics.Stack{{NetNS: "blue", Readings: of}} }
	server := httptest.NewServer(metrics.New(o).Handler())
	t.Cleanup(server.Close)
	return server
}

// scrape returns what is exported, as text and by series.
func scrape(t *testing.T, from *httptest.Server) (text []byte, series map[string]float64) {
	t.Helper()
	answer, err := http.Get(from.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v: %s", answer.Status, err, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	series = make(map[string]float64)
	for name, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				if l.GetName() == "netns" {
					if l.GetValue() != "blue" {
						t.Errorf("%s is of netns %q", name, l.GetValue())
					}
					continue
				}
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			slices.Sort(labels)
			key := name + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.Histogram != nil:
				series[key] = float64(m.Histogram.GetSampleCount())
			case m.Counter != nil:
				series[key] = m.Counter.GetValue()
			default:
				series[key] = m.Gauge.GetValue()
			}
		}
	}
	return text, series
}

// expect compares series.
func expect(t *testing.T, series map[string]float64, want map[string]float64) {
	t.Helper()
	for key, value := range want {
		if got, is := series[key]; !is || got != value {
			t.Errorf("%s is %v (%v), want %v", key, got, is, value)
		}
	}
}

// What is exported of sockets is what was opened on purpose, and what ss says.
func TestSockets(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "addr add 192.0.2.1/24 dev lo", "addr add 198.51.100.1/24 dev lo")
	n.Listen(t, "tcp", "192.0.2.1:4720")
	for range 3 { // of which nobody accepts any
		n.Dial(t, "tcp", "192.0.2.1:4720")
	}
	n.ListenPacket(t, "udp", "192.0.2.1:5300")
	sender := n.Dial(t, "udp", "192.0.2.1:5300")
	if _, err := sender.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	_, series := scrape(t, exporter(t, n, metrics.Options{}))
	self := "metrics.test"
	at := func(protocol, port string) string {
		return "{address=192.0.2.1,port=" + port + ",process=" + self + ",protocol=" + protocol + "}"
	}
	expect(t, series, map[string]float64{
		"netstat_sockets{family=ipv4,protocol=tcp,state=listen}":         1,
		"netstat_sockets{family=ipv4,protocol=tcp,state=established}":    6,
		"netstat_listener_sockets" + at("tcp", "4720"):                   1,
		"netstat_listener_accept_queue_connections" + at("tcp", "4720"):  3,
		"netstat_listener_sockets" + at("udp", "5300"):                   1,
		"netstat_listener_drops_total" + at("udp", "5300"):               0,
		"netstat_network_connections{network=192.0.2.0/24,protocol=tcp}": 6,
		"netstat_process_connections{process=" + self + ",protocol=tcp}": 3,
		"netstat_process_connections{process=,protocol=tcp}":             3, // which nobody accepted
		"netstat_process_connections{process=" + self + ",protocol=udp}": 1,
		"netstat_tcp_round_trip_time_seconds{}":                          6,
		"netstat_scrape_success{part=tcp}":                               1,
		"netstat_scrape_success{part=udp}":                               1,
	})
	if queued := series["netstat_listener_receive_queue_bytes"+at("udp", "5300")]; queued < 100 {
		t.Errorf("%v octets wait", queued)
	}
	limit := series["netstat_listener_accept_queue_limit_connections"+at("tcp", "4720")]
	out := n.Run(t, "ss", "-Hltn", "sport = :4720")
	if fields := strings.Fields(out); len(fields) < 3 || fields[2] != strconv.Itoa(int(limit)) {
		t.Errorf("the backlog is %v, and of ss: %s", limit, out)
	}
}

// Labels that others choose have a bound, and what is beyond it is there together. No series has a remote port.
func TestOpenLabelsAreBounded(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "addr add 10.0.0.0/8 dev lo")
	const networks, top = 40, 5
	for i := range networks {
		l := n.Listen(t, "tcp", fmt.Sprintf("10.1.%d.1:%d", i, 1000+i))
		for range 1 + i%3 {
			n.Dial(t, "tcp", l.Addr().String())
		}
	}
	_, series := scrape(t, exporter(t, n, metrics.Options{Top: top}))
	var all float64
	values := map[string]int{}
	for key, value := range series {
		for _, open := range []string{"netstat_network_connections", "netstat_listener_sockets"} {
			if strings.HasPrefix(key, open+"{") {
				values[open]++
				if open == "netstat_network_connections" {
					all += value
				}
			}
		}
		if strings.Contains(key, "remote") {
			t.Errorf("series %s", key)
		}
	}
	if values["netstat_network_connections"] != top+1 || values["netstat_listener_sockets"] != top+1 {
		t.Errorf("%v values with a bound of %d", values, top)
	}
	expect(t, series, map[string]float64{
		"netstat_listener_sockets{address=other,port=other,process=other,protocol=tcp}":          networks - top,
		"netstat_listener_sockets{address=10.1.0.1,port=1000,process=metrics.test,protocol=tcp}": 1,
	})
	established := series["netstat_sockets{family=ipv4,protocol=tcp,state=established}"]
	if all != established || established < networks {
		t.Errorf("%v connections by network, %v are established", all, established)
	}
}

// Interfaces and the kernel's counters are as ip and nstat have them; names and types please promtool.
func TestStack(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add v0 type veth peer name v1", "link set v0 up mtu 1400", "link set v1 up", "link set v0 alias up\\\"link", "addr add 192.0.2.1/24 dev v0",
		"route add 203.0.113.0/24 via 192.0.2.2 table 7 proto bgp", "route add blackhole 198.51.100.0/24", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0 nud permanent")
	n.Dial(t, "udp", "127.0.0.1:9").Write(make([]byte, 100))
	counters := n.Run(t, "nstat", "-az")
	text, series := scrape(t, exporter(t, n, metrics.Options{}))
	expect(t, series, map[string]float64{
		"netstat_interface_mtu_bytes{interface=v0}":                           1400,
		"netstat_interface_up{interface=v0}":                                  1,
		"netstat_interface_receive_bytes_total{interface=lo}":                 series["netstat_interface_transmit_bytes_total{interface=lo}"],
		"netstat_routes{family=ipv4,protocol=bgp,table=7,type=unicast}":       1,
		"netstat_routes{family=ipv4,protocol=boot,table=main,type=blackhole}": 1,
		"netstat_neighbours{family=ipv4,state=permanent}":                     1,
		"netstat_udp_out_datagrams_total{}":                                   1,
		"netstat_interface_info{alias=up\\\"link,interface=v0,kind=veth}":     1,
	})
	if bytes := series["netstat_interface_receive_bytes_total{interface=lo}"]; bytes < 128 {
		t.Errorf("lo received %v octets", bytes)
	}
	for _, line := range strings.Split(counters, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if !regexp.MustCompile(`# HELP netstat_\w+ .*\(` + fields[0] + `\)\.\n`).Match(text) {
			t.Errorf("%s is missing", fields[0])
		}
	}
	nstest.NeedsProgram(t, "promtool")
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
