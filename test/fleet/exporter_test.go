package fleet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// snmpExporter is the release that is compared with.
const snmpExporter = "github.com/prometheus/snmp_exporter@v0.30.1"

// buildSNMPExporter builds snmp_exporter, and returns it with its configuration.
func buildSNMPExporter(t *testing.T) (program, config string) {
	t.Helper()
	command := func(args ...string) []byte {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false -trimpath", "CGO_ENABLED=0")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("snmp_exporter cannot be built: go %v: %v: %s", args, err, &said)
			}
			t.Skipf("snmp_exporter cannot be built: go %v: %v: %s", args, err, &said)
		}
		return out
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(command("mod", "download", "-json", snmpExporter), &module); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), "snmp_exporter")
	command("build", "-C", module.Dir, "-o", program, ".")
	return program, filepath.Join(module.Dir, "snmp.yml")
}

// told is a series of an exposition.
type told struct {
	kind  dto.MetricType
	value float64
}

// samplesAt returns the series at a URL, but for those of the scrape itself.
func samplesAt(t *testing.T, n *nstest.NS, url string) map[string]told {
	t.Helper()
	client := web(t, n)
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, t.Context().Err()); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v: %s", url, answer.Status, err, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]told)
	for name, family := range families {
		if strings.HasPrefix(name, "snmp_") {
			continue
		}
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			slices.Sort(labels)
			all[name+"{"+strings.Join(labels, ",")+"}"] = told{family.GetType(), m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()}
		}
	}
	return all
}

// The probe tells of interfaces what snmp_exporter tells, by name, type, labels and value.
func TestAsSNMPExporter(t *testing.T) {
	nstest.NeedsRoot(t)
	peer, config := buildSNMPExporter(t)
	n := startScene(t)
	const peerAt = "127.0.0.1:9117"
	n.Start(t, program, "probe", "--metrics", exporterAt)
	n.Start(t, peer, "--config.file="+config, "--web.listen-address="+peerAt)
	serves(t, n, "http://"+exporterAt+"/metrics")
	serves(t, n, "http://"+peerAt+"/metrics")
	const query = "?target=" + snmpAt + "&module=if_mib&auth=public_v2"
	time.Sleep(1100 * time.Millisecond) // the agent's interfaces are at most a second old
	before := samplesAt(t, n, "http://"+peerAt+"/snmp"+query)
	ours := samplesAt(t, n, "http://"+exporterAt+"/probe"+query)
	time.Sleep(1100 * time.Millisecond)
	after := samplesAt(t, n, "http://"+peerAt+"/snmp"+query)
	for series, theirs := range after {
		got, is := ours[series]
		switch low := before[series].value; {
		case !is:
			t.Errorf("%s is missing, which snmp_exporter has as %v", series, theirs.value)
		case got.kind != theirs.kind:
			t.Errorf("%s is a %v, and snmp_exporter's a %v", series, got.kind, theirs.kind)
		case got.value < low || got.value > theirs.value:
			t.Errorf("%s is %v, and snmp_exporter's from %v to %v", series, got.value, low, theirs.value)
		}
	}
	for series := range ours {
		if _, is := after[series]; !is && series != "sysUpTime{}" { // which is in the module system as well
			t.Errorf("%s is not snmp_exporter's", series)
		}
	}
	if len(after) < 50 {
		t.Errorf("%d series only", len(after))
	}
}
