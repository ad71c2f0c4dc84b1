package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/badpath"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
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

// Of net-snmp's snmpd the probe tells what snmpwalk prints, in every version and with every module.
func TestOfSnmpd(t *testing.T) {
	nstest.NeedsRoot(t)
	nstest.NeedsProgram(t, "/usr/sbin/snmpd")
	nstest.NeedsProgram(t, "snmpwalk")
	n, dir := nstest.New(t), t.TempDir()
	n.IP(t, "link add eth0 type veth peer name eth1", "link set eth0 up alias uplink", "link set eth1 up", "address add 192.0.2.1/24 dev eth0")
	n.Settle(t)
	write(t, filepath.Join(dir, "tests.conf"), "rocommunity public 127.0.0.1\ncreateUser prometheus SHA-256 the-first-phrase AES the-second-phrase\nrouser prometheus priv\nsysName \"r\\1\"\n")
	n.Start(t, "env", "SNMP_PERSISTENT_DIR="+dir, "MIBS=", "/usr/sbin/snmpd", "-f", "-LE", "4", "-C", "-c", filepath.Join(dir, "tests.conf"), "-I", "-smux,mteTrigger,mteTriggerConf", "udp:"+snmpAt)
	targets := filepath.Join(dir, "targets.yml")
	write(t, targets, "auths:\n  v3: {version: 3, username: prometheus, security_level: authPriv, auth_protocol: SHA256, password: the-first-phrase, priv_protocol: AES, priv_password: the-second-phrase}\n")
	n.Start(t, program, "probe", "--metrics", exporterAt, "--targets", targets)
	serves(t, n, "http://"+exporterAt+"/metrics")
	nstest.Eventually(t, func() string {
		if len(walk(t, n)) == 0 {
			return "snmpd does not answer"
		}
		return ""
	})
	for _, auth := range []string{"public_v1", "public_v2", "v3"} {
		before := walk(t, n)
		families := familiesAt(t, n, "http://"+exporterAt+"/probe?target="+snmpAt+"&module=if_mib,system,ip_mib&auth="+auth)
		after := walk(t, n)
		compared := 0
		for name, f := range families {
			oid := oidIn(f.GetHelp())
			if oid == "" {
				continue // of the scrape itself
			}
			for _, m := range f.Metric {
				index, isText := "0", false
				for _, l := range m.Label {
					switch {
					case strings.HasSuffix(l.GetName(), "Index"):
						index = l.GetValue()
					case l.GetName() == strings.TrimSuffix(name, "_info"):
						isText = true
					}
				}
				instance := "." + oid + "." + index
				low, is := before[instance]
				if !is {
					t.Errorf("%s: %s %s is not snmpd's", auth, name, instance)
				}
				compared++
				if isText {
					continue
				}
				got := m.GetGauge().GetValue() + m.GetCounter().GetValue()
				from, err := strconv.ParseFloat(low, 64)
				to, toErr := strconv.ParseFloat(after[instance], 64)
				if err != nil || toErr != nil || got < from || got > to {
					t.Errorf("%s: %s %s is %v, and snmpwalk's from %s to %s", auth, name, instance, got, low, after[instance])
				}
			}
		}
		// Three interfaces: SNMPv1 lacks their 64-bit counters.
		if least := 3 * 25; compared < least {
			t.Errorf("%s: %d values were compared, want at least %d", auth, compared, least)
		}
		if !slices.ContainsFunc(families["ifMtu"].GetMetric(), func(m *dto.Metric) bool {
			return slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == "ifDescr" && l.GetValue() == "eth0" })
		}) {
			t.Errorf("%s: no interface is called eth0", auth)
		}
	}
}

// walk returns what snmpwalk prints of all instances, by OID, with numbers as they are.
func walk(t *testing.T, n *nstest.NS) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, root := range []string{".1.3.6.1.2.1.1", ".1.3.6.1.2.1.2", ".1.3.6.1.2.1.4.28", ".1.3.6.1.2.1.31"} {
		out, _ := exec.Command("ip", "netns", "exec", n.Name, "snmpbulkwalk", "-v2c", "-c", "public", "-m", "", "-Oqnet", "-t", "5", snmpAt, root).Output()
		for line := range strings.Lines(string(out)) {
			if oid, value, is := strings.Cut(strings.TrimSpace(line), " "); is {
				all[oid] = value
			}
		}
	}
	return all
}

// oidIn returns the OID that a HELP ends in, as snmp_exporter's do.
func oidIn(help string) string {
	if found := regexp.MustCompile(` - ([0-9.]+)( \(EnumAsInfo\))?$`).FindStringSubmatch(help); found != nil {
		return found[1]
	}
	return ""
}

func familiesAt(t *testing.T, n *nstest.NS, url string) map[string]*dto.MetricFamily {
	t.Helper()
	answer, err := web(t, n).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s: %s", url, answer.Status, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// Prometheus asks hosts of every kind at the same time through one probe. While dead ones are waited for, slow ones and
// one of 5,000 interfaces are told of whole, and no scrape of the others fails.
func TestHostsOfEveryKind(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	const links = 5_000
	var healthy, dead []string
	args := []string{}
	for i := range 20 {
		healthy = append(healthy, fmt.Sprintf("127.0.1.%d:1161", i+1))
		args = append(args, "--listen", "udp:"+healthy[i])
	}
	n.Start(t, program, args...)
	for i := range 5 {
		dead = append(dead, fmt.Sprintf("127.0.2.%d:1161", i+1))
		if i > 0 { // one is told so by ICMP
			n.ListenPacket(t, "udp4", dead[i])
		}
	}
	huge := serveLinks(t, n, "127.0.3.1:1161", links)
	slow := "127.0.4.1:1161"
	const delay = 100 * time.Millisecond
	path := &badpath.Path{Delay: delay, In: func(open func() error) (err error) {
		n.Do(t, func() error { err = open(); return nil })
		return err
	}}
	_, closing, err := path.Open(slow, healthy[0])
	if err != nil {
		t.Fatal(err)
	}
	defer closing()
	n.Start(t, program, "probe", "--metrics", exporterAt)
	serves(t, n, "http://"+exporterAt+"/metrics")

	alive := slices.Concat(healthy, []string{huge, slow})
	s := &shard{file: "snmp", shards: 1, replica: "a", port: 9091, interval: "5s", targets: slices.Concat(alive, dead), exporter: exporterAt, ns: n}
	s.start(t)
	instances := func(found []series) (names []string) {
		for _, one := range found {
			names = append(names, one.Metric["instance"])
		}
		slices.Sort(names)
		return names
	}
	want := func(expr string, names []string) {
		t.Helper()
		names = slices.Sorted(slices.Values(names))
		s.until(t, expr, func(found []series) string {
			if got := instances(found); !slices.Equal(got, names) {
				return fmt.Sprintf("%v, want %v", got, names)
			}
			return ""
		})
	}
	// Four scrapes of each in a row that went well, while as many of each dead host did not.
	want(`min_over_time(up{job="snmp"}[21s]) == 1 and count_over_time(up{job="snmp"}[21s]) >= 4 and on () count(max_over_time(up{job="snmp"}[21s]) == 0) == 5`, alive)
	want(`min_over_time(snmp_scrape_table_success{table="ifTable"}[21s]) == 1`, alive)
	want(fmt.Sprintf(`count by (instance) (ifHCInOctets) == %d`, links), []string{huge})
	want(fmt.Sprintf(`min_over_time(snmp_scrape_duration_seconds{instance=%q}[21s]) > %v`, slow, (2*delay).Seconds()), []string{slow})
	want(`ALERTS{alertname="SNMPHostDown"}`, dead)
}

// serveLinks has an agent of so many interfaces answer at an address of the namespace.
func serveLinks(t *testing.T, n *nstest.NS, at string, links int) string {
	t.Helper()
	rows := make([]netstat.Interface, links)
	for i := range rows {
		rows[i] = netstat.Interface{Index: uint32(i + 1), Name: fmt.Sprintf("eth%d", i)}
		rows[i].Counters.InOctets.Set(uint64(i))
	}
	source := fresh.New(func(context.Context) ([]netstat.Interface, error) { return rows, nil })
	tree := snmptest.Tree(t, mib.TreeOptions{}, ifmib.Interfaces().Bind(source), ifmib.Extensions().Bind(source))
	var stop func() error
	n.Do(t, func() (err error) {
		_, stop, err = snmptest.Open(snmp.Options{Handler: tree, Communities: []snmp.Community{snmptest.Public()}}, snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort(at)})
		return err
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return at
}
