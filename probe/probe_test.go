package probe_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
)

// scrape asks a prober, with a deadline of Prometheus' unless that is 0.
func scrape(t testing.TB, p *probe.Prober, parameters string, deadline time.Duration) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+parameters, nil)
	if deadline > 0 {
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(deadline.Seconds()))
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(b)
}

func newProber(t testing.TB, o probe.Options) *probe.Prober {
	t.Helper()
	p, err := probe.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// many are interfaces of which each tells something.
func many(n int) []netstat.Interface {
	all := make([]netstat.Interface, n)
	for i := range all {
		all[i] = netstat.Interface{Index: uint32(i + 1), Name: fmt.Sprintf("eth%d", i), Alias: fmt.Sprintf("port %q\n\\%d", "x", i), MTU: netstat.Known[uint32](1500)}
		all[i].Counters.InOctets.Set(uint64(i) + 1<<60 + 1<<53*5)
	}
	return all
}

func TestFamilies(t *testing.T) {
	address, stop := serve(interfaces(many(50)...)...)
	defer stop()
	p := newProber(t, probe.Options{})
	for range 3 { // the way is known after the first
		status, body := scrape(t, p, "target="+url.QueryEscape(address), time.Minute)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		f := families["ifHCInOctets"]
		if n := len(f.GetMetric()); n != 50 {
			t.Fatalf("ifHCInOctets has %d series of 50", n)
		}
		for i, m := range f.GetMetric() {
			if got := m.GetCounter().GetValue(); got != float64(i) { // it wraps at 2^53
				t.Errorf("series %d is %v", i, got)
			}
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			want := fmt.Sprintf("[ifAlias=port \"x\"\n\\%d ifDescr=eth%d ifIndex=%d ifName=eth%d]", i, i, i+1, i)
			if fmt.Sprint(labels) != want {
				t.Errorf("series %d has labels %v, not %v", i, labels, want)
			}
		}
		if got := families["snmp_scrape_table_success"].GetMetric()[0].GetGauge().GetValue(); got != 1 {
			t.Errorf("success is %v", got)
		}
	}
}

func TestWrongParameters(t *testing.T) {
	p := newProber(t, probe.Options{})
	for parameters, sentence := range map[string]string{
		"":                                    "target",
		"target=":                             "target",
		"target=a&target=b":                   "target",
		"target=a&module=nonsense":            `there is no module "nonsense"`,
		"target=a&module=,":                   "names none",
		"target=a&auth=nobody":                `there is no auth "nobody"`,
		"target=ftp://a":                      "transport",
		"target=a:port":                       "port",
		"target=a:99999":                      "99999",
		"target=a:0":                          "port 0",
		"target=a%20b":                        "blanks",
		"target=a&snmp_context=x":             "no contexts",
		"target=a&snmp_engineid=80000000":     "no engine IDs",
		"target=" + strings.Repeat("a", 2000): "octets",
	} {
		status, body := scrape(t, p, parameters, time.Second)
		if status != http.StatusBadRequest || !strings.Contains(body, sentence) {
			t.Errorf("%.80s: %d %s, without %q", parameters, status, body, sentence)
		}
	}
}

// silent is the address of a socket that takes everything and answers nothing.
func silent(t testing.TB) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

func TestNothingTold(t *testing.T) {
	p := newProber(t, probe.Options{})
	status, body := scrape(t, p, "target="+url.QueryEscape(silent(t)), 1500*time.Millisecond)
	if status != http.StatusInternalServerError || !strings.Contains(body, "nothing was told by") {
		t.Errorf("%d %s", status, body)
	}
	// A module that the agent does not have is not a host that is dead.
	address, stop := serve(interfaces(many(1)...)...)
	defer stop()
	status, body = scrape(t, p, "module=ip_mib&module=if_mib,&unknown=x&target="+url.QueryEscape(address), time.Minute)
	for _, line := range []string{`snmp_scrape_table_success{module="ip_mib",table="ipv4InterfaceTable"} 0`, `snmp_scrape_table_success{module="if_mib",table="ifTable"} 1`} {
		if status != http.StatusOK || !strings.Contains(body, line+"\n") {
			t.Errorf("%d %s\nwithout %s", status, body, line)
		}
	}
}

// An agent that stops in the middle of a table has what it told, and the series that says that this is not all.
func TestCutShort(t *testing.T) {
	address, stop := serve(interfaces(many(300)...)...)
	defer stop()
	through := passing(t, address, 4)
	p := newProber(t, probe.Options{Sessions: 1})
	status, body := scrape(t, p, "target="+url.QueryEscape(through), 3*time.Second)
	n := strings.Count(body, "\nifHCInOctets{")
	if status != http.StatusOK || n == 0 || n == 300 || !strings.Contains(body, "\nsnmp_scrape_table_success{module=\"if_mib\",table=\"ifTable\"} 0\n") {
		t.Errorf("%d, %d of 300 interfaces:\n%.300s", status, n, body)
	}
}

// A row of which some columns came is told as far as they did, with all of its labels.
func TestRowCutShort(t *testing.T) {
	address, stop := serve(interfaces(many(300)...)...)
	defer stop()
	p := newProber(t, probe.Options{Sessions: 1})
	_, body := scrape(t, p, "target="+url.QueryEscape(address), time.Minute)
	whole := make(map[string]bool)
	for line := range strings.Lines(body) {
		whole[line] = true
	}
	status, body := scrape(t, newProber(t, probe.Options{Sessions: 1}), "target="+url.QueryEscape(passing(t, address, 1)), 3*time.Second)
	families := make(map[string]bool)
	for line := range strings.Lines(body) {
		if name, _, is := strings.Cut(line, "{ifAlias="); is {
			families[name] = true
			if !whole[line] {
				t.Errorf("the whole scrape has no %s", line)
			}
		}
	}
	if n := strings.Count(body, "\nifMtu{"); status != http.StatusOK || n == 0 || len(families) == 0 {
		t.Errorf("%d, %d rows, %d families:\n%.3000s", status, n, len(families), body)
	}
	if families["ifCounterDiscontinuityTime"] {
		t.Errorf("the answer had room for all %d columns, and the row is not cut", len(families))
	}
	if !strings.Contains(body, `snmp_scrape_table_success{module="if_mib",table="ifTable"} 0`) {
		t.Error("the table is whole")
	}
}

// passing passes datagrams on to an address, and of the answers so many.
func passing(t testing.TB, to string, answers int) string {
	t.Helper()
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	var from net.Addr
	var mu sync.Mutex
	var running sync.WaitGroup
	running.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, addr, err := in.ReadFrom(b)
			if err != nil {
				return
			}
			mu.Lock()
			from = addr
			mu.Unlock()
			_, _ = out.Write(b[:n])
		}
	})
	running.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, err := out.Read(b)
			if err != nil {
				return
			}
			if answers--; answers < 0 {
				continue
			}
			mu.Lock()
			_, _ = in.WriteTo(b[:n], from)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		in.Close()
		out.Close()
		running.Wait()
	})
	return in.LocalAddr().String()
}

// Scrapes of the same at the same time ask once. Others wait for their turn, and are refused where it does not come.
func TestSharedAndBounded(t *testing.T) {
	p := newProber(t, probe.Options{Concurrent: 1})
	dead := silent(t)
	var scraping sync.WaitGroup
	for range 10 {
		scraping.Go(func() {
			if status, body := scrape(t, p, "target="+url.QueryEscape(dead), 4*time.Second); status != http.StatusInternalServerError {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.Collector())
	for end := time.Now().Add(time.Minute); gauge(t, registry, "netstat_probe_hosts_in_flight") == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if status, body := scrape(t, p, "target="+url.QueryEscape(silent(t)), time.Second); status != http.StatusServiceUnavailable || !strings.Contains(body, "none had ended after") {
		t.Errorf("one too many: %d %s", status, body)
	}
	address, stop := serve(interfaces(many(1)...)...)
	defer stop()
	scraping.Go(func() { // its turn comes when the dead host's time is over
		if status, body := scrape(t, p, "target="+url.QueryEscape(address), time.Minute); status != http.StatusOK {
			t.Errorf("who waits: %d %s", status, body)
		}
	})
	scraping.Wait()
	for _, name := range []string{"netstat_probe_hosts_in_flight", "netstat_probe_hosts_waiting"} {
		if n := gauge(t, registry, name); n != 0 {
			t.Errorf("%s is %v at the end", name, n)
		}
	}
}

// What a host makes the program panic with is an error of that host, in the log with its place.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	p := newProber(t, probe.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	address, stop := serve(interfaces(many(3)...)...)
	defer stop()
	p.Break("if_mib")
	status, body := scrape(t, p, "target="+url.QueryEscape(address), time.Minute)
	if status != http.StatusInternalServerError || !strings.Contains(body, "the program failed") || strings.Contains(body, ".go:") {
		t.Errorf("%d %s", status, body)
	}
	if said := log.String(); !strings.Contains(said, "reading.go:") || !strings.Contains(said, address) {
		t.Errorf("the log has %q", said)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.Collector())
	if n := gauge(t, registry, "netstat_probe_hosts_in_flight"); n != 0 {
		t.Errorf("%v hosts are still read", n)
	}
}

func gauge(t testing.TB, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// The file says as whom a host is asked, and is read again when it changed. One that is wrong is not taken.
func TestTargetsFile(t *testing.T) {
	address, stop := serve(interfaces(many(1)...)...)
	defer stop()
	file := filepath.Join(t.TempDir(), "targets.yml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("auths:\n  mine: {community: hidden-one, version: 2}\ntargets:\n- match: [127.0.0.0/8]\n  auth: mine\n")
	p := newProber(t, probe.Options{Targets: file})
	ask := func() int {
		status, body := scrape(t, p, "target="+url.QueryEscape(address), 1200*time.Millisecond)
		if strings.Contains(body, "hidden-one") {
			t.Errorf("the answer has the community in it: %s", body)
		}
		return status
	}
	if status := ask(); status != http.StatusInternalServerError {
		t.Errorf("a community that the agent does not know: %d", status)
	}
	write("auths:\n  mine: {community: other}\ntargets:\n- match: ['127.0.0.1']\n  auth: mine\n")
	p.Reload()
	if status := ask(); status != http.StatusOK {
		t.Errorf("after the change: %d", status)
	}
	write("auths:\n  mine: {comunity: hidden-one}\n")
	p.Reload()
	if status := ask(); status != http.StatusOK {
		t.Errorf("after a wrong file: %d", status)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.Collector())
	if good := gauge(t, registry, "netstat_probe_targets_file_success"); good != 0 {
		t.Errorf("a wrong file is %v", good)
	}
}

func TestParseTargets(t *testing.T) {
	for text, problem := range map[string]string{
		"": "",
		"auths:\n  a:\n    version: 3\n    username: u\n    security_level: authPriv\n    password: hidden-one\n    auth_protocol: SHA256\n    priv_protocol: AES256C\n    priv_password: hidden-two\n    context_name: c\n": "",
		"targets:\n- match: ['*.example.org', '2001:db8::/32', 192.0.2.1]\n  auth: public_v1\n":                                                                                                                              "",
		"auths:\n  a:\n    comunity: x\n":                              "line 3",
		"nonsense: 1\n":                                                "line 1",
		"auths:\n  a: {version: hidden-one}\n":                         "line 2",
		"auths: hidden-one\n":                                          "line 1",
		"auths:\n  a: {version: 4}\n":                                  "version",
		"auths:\n  a: {version: 3, username: u, security_level: auth}": "security_level",
		"auths:\n  a: {version: 3, username: u, security_level: authNoPriv, password: hidden}": "passphrase",
		"auths:\n  a: {version: 2, context_name: c}\n":                                         "contexts",
		"targets:\n- {match: [a b], auth: public_v2}":                                          "neither",
		"targets:\n- {match: [192.0.2.0/33], auth: public_v2}":                                 "no prefix",
		"targets:\n- {match: [a], auth: nobody}":                                               "there is no auth",
		"targets:\n- {match: [], auth: public_v2}":                                             "no hosts",
		"{{{": "line 1",
		"auths:\n  a:\n    community: *hidden-one\n":                           "anchor",
		"auths:\n  a: {community: !hidden-one x, version: [hidden-two]}\n":     "line 2",
		"auths:\n  a: {password: a,hidden-one}\n":                              "line 2: a field that there is not",
		"auths:\n  a: {hidden-one: 1, community: x, hidden-one: 2}\n":          "line 2",
		"auths:\n  a: {community: x}\n---\nauths:\n  a: {community: hidden}\n": "more than one document",
		"auths:\n  a: {community: x}\n---\nauths: *hidden-one\n":               "anchor",
	} {
		_, err := probe.ParseTargets([]byte(text))
		if (err != nil) != (problem != "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, without %q", text, err, problem)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows a secret: %v", text, err)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	f.Add([]byte("auths:\n  a: {community: x}\ntargets:\n- {match: ['*.x', 192.0.2.0/24], auth: a}\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = probe.ParseTargets(b) })
}

func BenchmarkScrape(b *testing.B) {
	address, stop := serve(interfaces(many(50)...)...)
	defer stop()
	p := newProber(b, probe.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if status, body := scrape(b, p, "target="+url.QueryEscape(address), time.Minute); status != http.StatusOK {
			b.Fatal(body)
		}
	}
}
