package metrics_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// families takes an exposition apart: values by series, and types by family.
func families(t *testing.T, text []byte) (series map[string]float64, types map[string]dto.MetricType) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	series, types = make(map[string]float64), make(map[string]dto.MetricType)
	for name, family := range all {
		types[name] = family.GetType()
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				if l.GetName() == "duplex" { // which sysfs tells, and rtnetlink does not
					continue
				}
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			slices.Sort(labels)
			series[name+"{"+strings.Join(labels, ",")+"}"] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return series, types
}

// What is shown by node_exporter's names is what node_exporter shows, by name, type, labels and value; and of its collectors of the
// network nothing is missing but what is listed.
func TestNodeExporter(t *testing.T) {
	program, err := exec.LookPath("prometheus-node-exporter")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("node_exporter is needed (Debian: apt install prometheus-node-exporter): %v", err)
		}
		t.Skipf("node_exporter is not installed (Debian: apt install prometheus-node-exporter): %v", err)
	}
	n := nstest.New(t)
	n.IP(t, "link set lo up", "link add v0 type veth peer name v1", "link set v0 alias uplink", "link set v0 mtu 1400", "link set v0 up", "link set v1 up", "addr add 192.0.2.1/24 dev v0",
		"neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0 nud permanent", "link add down type bridge")
	n.Settle(t)
	udp := n.ListenPacket(t, "udp4", "127.0.0.1:5300")
	n.Do(t, func() error {
		c, err := net.Dial("udp4", udp.LocalAddr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(make([]byte, 100)) // that nobody reads
		return err
	})
	n.Listen(t, "tcp", "127.0.0.1:4720")
	c := n.Dial(t, "tcp", "127.0.0.1:4720")
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}

	kernel, err := collectors.Open(collectors.Options{NetNS: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	_, printed := n.Start(t, program, "--web.listen-address=127.0.0.1:9100", "--collector.disable-defaults", "--collector.netdev", "--collector.netdev.device-exclude=^$", "--collector.netclass", "--collector.netstat", "--collector.netstat.fields=.*",
		"--collector.sockstat", "--collector.conntrack", "--collector.softnet", "--collector.arp", "--collector.udp_queues", "--collector.qdisc", "--collector.tcpstat")
	client := &http.Client{Transport: &http.Transport{DialContext: func(_ context.Context, network, address string) (c net.Conn, err error) {
		n.Do(t, func() error { c, err = net.Dial(network, address); return nil })
		return c, err
	}}}
	read := func(from *http.Client, url string) []byte {
		t.Helper()
		var text []byte
		var err error
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
			var answer *http.Response
			if answer, err = from.Get(url); err != nil {
				continue
			}
			text, err = io.ReadAll(answer.Body)
			answer.Body.Close()
			if err == nil && answer.StatusCode == http.StatusOK {
				return text
			}
		}
		t.Fatalf("%s: %v\n%s", url, err, printed())
		return nil
	}
	read(client, "http://127.0.0.1:9100/metrics") // the connection is there from now on
	compare := func() (problems []string) {
		problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
		before, _ := families(t, read(client, "http://127.0.0.1:9100/metrics"))
		of := readings.New(kernel, readings.Options{Observe: metrics.Observe}) // read anew each time
		ours := httptest.NewServer(metrics.New(metrics.Options{NodeExporter: true, Stacks: func(context.Context) []metrics.Stack {
			return []metrics.Stack{{Readings: of}, {NetNS: "another", Readings: of}}
		}}).Handler())
		defer ours.Close()
		got, gotTypes := families(t, read(http.DefaultClient, ours.URL))
		after, types := families(t, read(client, "http://127.0.0.1:9100/metrics"))

		compared := 0
		for series, value := range got {
			name, _, _ := strings.Cut(series, "{")
			if !strings.HasPrefix(name, "node_") {
				continue
			}
			compared++
			if _, is := after[series]; !is {
				// The kernel's newer counters and states come as they come.
				if !strings.HasPrefix(name, "node_netstat_") && name != "node_tcp_connection_states" {
					problem("node_exporter has no %s", series)
				}
				continue
			}
			if gotTypes[name] != types[name] {
				problem("%s is a %v, and node_exporter's a %v", name, gotTypes[name], types[name])
			}
			if name == "node_sockstat_sockets_used" || series == "node_tcp_connection_states{state=tx_queued_bytes}" {
				continue // what node_exporter is asked with is among them
			}
			// Counters of the processors are the machine's, and those of octets grow by each scrape.
			if low, high := min(before[series], after[series]), max(before[series], after[series]); value < low || value > high {
				problem("%s is %v, and node_exporter's from %v to %v", series, value, low, high)
			}
		}
		if compared < 200 {
			problem("%d series only", compared)
		}
		absent := map[string]string{
			"node_network_address_assign_type": "no netlink attribute", "node_network_device_id": "sysfs alone", "node_network_dormant": "operstate tells", "node_network_flags": "up tells",
			"node_network_iface_link": "netstat_interface tells", "node_network_iface_link_mode": "", "node_network_name_assign_type": "", "node_network_net_dev_group": "", "node_network_protocol_type": "",
			"node_network_carrier_up_changes_total": "their sum is there", "node_network_carrier_down_changes_total": "their sum is there", "node_network_speed_bytes": "unknown of virtual devices, where node_exporter has -1",
			"node_nf_conntrack_stat_ignore": "the kernel has it no more (Linux 5.10)",
		}
		for series := range after {
			name, _, _ := strings.Cut(series, "{")
			if _, is := got[series]; !is && strings.HasPrefix(name, "node_") && !strings.HasPrefix(name, "node_scrape_") && name != "node_exporter_build_info" && !strings.HasPrefix(name, "node_netstat_Icmp") {
				if _, known := absent[name]; !known {
					problem("%s is missing", series)
				}
			}
		}
		return problems
	}
	// What was sent and is not acknowledged yet is in a queue for a moment.
	var problems []string
	for range 20 {
		if problems = compare(); len(problems) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, p := range problems {
		t.Error(p)
	}
}
