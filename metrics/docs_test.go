package metrics_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
)

// What docs/metrics.md lists is what is exported, besides the counters of the kernel.
func TestDocumentation(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link set lo up", "addr add 192.0.2.1/24 dev lo", "link add v0 type veth peer name v1", "link set v0 up", "neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev v0 nud permanent")
	n.Listen(t, "tcp", "192.0.2.1:4720")
	n.Dial(t, "tcp", "192.0.2.1:4720")
	n.ListenPacket(t, "udp", "192.0.2.1:5300")
	from := exporter(t, n, metrics.Options{})
	scrape(t, from) // of which the next one tells the age
	text, _ := scrape(t, from)
	exported := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# HELP (netstat_\w+) (.*)$\n# TYPE \w+ (\w+)$`).FindAllSubmatch(text, -1) {
		if !regexp.MustCompile(` \(\w+\)\.$`).Match(m[2]) { // of the kernel's
			exported[string(m[1])] = string(m[3])
		}
	}
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(netstat_\\w+)` \\| (\\w+) \\|").FindAllSubmatch(docs, -1) {
		told[string(m[1])] = string(m[2])
	}
	// What this kernel, a stack that is not live and a namespace have not.
	for _, name := range []string{
		"netstat_interface_speed_bytes_per_second", "netstat_conntrack_limit_entries", "netstat_conntrack_buckets", "netstat_kernel_events_total", "netstat_kernel_event_gaps_total",
		"netstat_kernel_dumps_total", "netstat_softnet_processed_packets_total", "netstat_softnet_dropped_packets_total", "netstat_softnet_flow_limited_packets_total", "netstat_softnet_squeezed_total",
	} {
		if told[name] == "" {
			t.Errorf("%s is not told of", name)
		}
		delete(told, name)
		delete(exported, name)
	}
	// Package main's test has the program's own.
	maps.DeleteFunc(told, func(name, _ string) bool { return strings.HasPrefix(name, "netstat_agent_") })
	if !maps.Equal(exported, told) {
		for _, name := range slices.Sorted(maps.Keys(exported)) {
			if told[name] != exported[name] {
				t.Errorf("%s is a %s, told of as %q", name, exported[name], told[name])
			}
		}
		for name := range told {
			if exported[name] == "" {
				t.Errorf("%s is told of and not exported", name)
			}
		}
	}
}
