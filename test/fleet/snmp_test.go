package fleet_test

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// exporterAt is where the probe listens.
const exporterAt = "127.0.0.1:9116"

// Every expression of the rules and the dashboard of hosts that are asked by SNMP finds what the probe tells.
func TestSNMPQueries(t *testing.T) {
	nstest.NeedsRoot(t)
	n := startScene(t)
	n.Start(t, program, "probe", "--metrics", exporterAt)
	serves(t, n, "http://"+exporterAt+"/metrics")
	s := &shard{file: "snmp", shards: 1, replica: "a", port: 9091, interval: "2s", targets: []string{snmpAt}, exporter: exporterAt, ns: n}
	s.start(t)
	s.evaluate(t, snmpAt, func(d *dashboard) bool { return d.file == "snmp.json" })
}
