package snmpwalk_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// scraped returns what is at a URL in the namespace, and the status.
func scraped(t testing.TB, n *nstest.NS, url string, change func(*http.Request)) (text string, status int) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, network, address string) (c net.Conn, err error) {
		n.Do(t, func() error { c, err = net.Dial(network, address); return nil })
		return c, err
	}}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all), answer.StatusCode
}

// The program exports each context, beside SNMP and under snmpd, and what a walk shows is what is exported.
func TestMetrics(t *testing.T) {
	needsTools(t)
	s, blue := newPair(t), nstest.New(t)
	blue.IP(t, "link add only-blue type bridge", "link set only-blue mtu 1234")
	config := writeConfig(t, "rocommunity public", "rocommunity6 public", "netnsContexts "+blue.Name, "metrics 127.0.0.1:9161 [::1]:9161")
	file := writeConfig(t, "netnsContexts "+blue.Name, "metrics 127.0.0.1:9161 [::1]:9161")
	start := map[string]func(t *testing.T){
		"embedded": func(t *testing.T) { startEmbedded(t, s.NS, "--config", config) },
		"subagent": func(t *testing.T) {
			m := startMaster(t, s.NS)
			startSubagent(t, m, "--config", file)
		},
	}
	for name, begin := range start {
		t.Run(name, func(t *testing.T) {
			begin(t)
			if name == "embedded" { // so that there is a client
				if out, err := exec.Command("ip", "netns", "exec", s.Name, "snmpget", "-v2c", "-cpublic", "127.0.0.1:"+port, "1.3.6.1.2.1.1.3.0").CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			for _, at := range []string{"127.0.0.1", "[::1]"} {
				text, status := scraped(t, s.NS, "http://"+at+":9161/metrics", nil)
				if status != http.StatusOK {
					t.Fatalf("status %d: %s", status, text)
				}
				for _, want := range []string{
					`netstat_interface_mtu_bytes{interface="only-blue",netns="` + blue.Name + `"} 1234`, `netstat_interface_info{alias="",interface="lo",kind="",netns=""} 1`,
					`netstat_scrape_success{netns="",part="tcp"} 1`, `netstat_scrape_success{netns="` + blue.Name + `",part="udp"} 1`, `netstat_agent_info{version="`,
				} {
					if !strings.Contains(text, want) {
						t.Errorf("%s is missing", want)
					}
				}
				for _, problem := range programFamilies(t, text, name == "subagent") {
					t.Error(problem)
				}
				if name == "embedded" {
					// Port 1161 is of the program's own socket.
					if !regexp.MustCompile(`netstat_listener_sockets{address="127.0.0.1",netns="",port="\d+",process="netsnmp-agent",protocol="udp"} 1`).MatchString(text) {
						t.Error("the agent's own socket is missing")
					}
				}
			}
		})
	}
}

// programFamilies holds the families that are of the program itself to what docs/metrics.md tells of.
func programFamilies(t *testing.T, text string, subagent bool) (problems []string) {
	t.Helper()
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(netstat_agent_\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(docs), -1) {
		if of := strings.TrimPrefix(m[1], "netstat_agent_"); !strings.HasPrefix(of, map[bool]string{true: "snmp", false: "agentx"}[subagent]) {
			told[m[1]] = m[2]
		}
	}
	exported := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (netstat_agent_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		exported[m[1]] = m[2]
	}
	for name, kind := range told {
		if exported[name] != kind {
			problems = append(problems, fmt.Sprintf("%s is told of as %s, and exported as %q", name, kind, exported[name]))
		}
	}
	for name := range exported {
		if told[name] == "" {
			problems = append(problems, name+" is exported and not told of")
		}
	}
	return problems
}

// Who asks, by which version, is counted, and so is who is refused and why; and whether a configuration that was read again is good.
func TestMetricsOfTheProgram(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	config := writeConfig(t, "rocommunity public", "metrics 127.0.0.1:9161")
	a := startEmbedded(t, s.NS, "--config", config)
	run := func(args ...string) {
		t.Helper()
		out, err := exec.Command("ip", append([]string{"netns", "exec", s.Name}, args...)...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "Timeout") {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	run("snmpget", "-v2c", "-cpublic", "-On", "127.0.0.1:"+port, "1.3.6.1.2.1.1.3.0")
	run("snmpget", "-v1", "-cpublic", "-On", "127.0.0.1:"+port, "1.3.6.1.2.1.1.3.0")
	run("snmpget", "-v2c", "-cwrong", "-r0", "-t0.2", "--clientaddr=127.0.0.9", "127.0.0.1:"+port, "1.3.6.1.2.1.1.3.0")
	run("snmpget", "-v3", "-unobody", "-lnoAuthNoPriv", "-r0", "-t0.2", "127.0.0.1:"+port, "1.3.6.1.2.1.1.3.0")
	if err := os.WriteFile(config, []byte("rocommunity public 300.0.0.1/99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`netstat_agent_snmp_messages_total{result="noError",version="2c"} 1`, `netstat_agent_snmp_messages_total{result="noError",version="1"} 1`,
		`netstat_agent_snmp_messages_total{result="snmpInBadCommunityNames",version="2c"} 1`,
		`netstat_agent_snmp_client_answered_messages_total{client="127.0.0.1",version="2c"} 1`, `netstat_agent_snmp_client_answered_messages_total{client="127.0.0.1",version="1"} 1`,
		`netstat_agent_snmp_client_refused_messages_total{client="127.0.0.9",version="2c"} 1`, `netstat_agent_snmp_client_answered_messages_total{client="127.0.0.9",version="2c"} 0`,
		`netstat_agent_snmp_messages_total{result="snmpInBadVersions",version="3"}`,
		"netstat_agent_config_last_reload_successful 0",
	}
	missing, text := want, ""
	for began := time.Now(); len(missing) > 0 && time.Since(began) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
		text, _ = scraped(t, s.NS, "http://127.0.0.1:9161/metrics", nil)
		missing = slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.Contains(text, line) })
	}
	for _, line := range missing {
		t.Errorf("%s is missing", line)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// A password is asked for where the file of exporter-toolkit's says so, and what is wrong is said at the start.
func TestMetricsAreGuarded(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	web := filepath.Join(t.TempDir(), "web.yml")
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(web, []byte("basic_auth_users:\n  nms: "+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	startEmbedded(t, s.NS, "--metrics", "127.0.0.1:9161", "--metrics-config", web)
	if _, status := scraped(t, s.NS, "http://127.0.0.1:9161/metrics", nil); status != http.StatusUnauthorized {
		t.Errorf("status %d without a password", status)
	}
	text, status := scraped(t, s.NS, "http://127.0.0.1:9161/metrics", func(r *http.Request) { r.SetBasicAuth("nms", "secret") })
	if status != http.StatusOK || !strings.Contains(text, "netstat_sockets{") {
		t.Errorf("status %d with the password", status)
	}
}

// What the file says of metrics and of the log takes effect when it is read again, of an agent of its own and of a subagent.
func TestMetricsAreReadAgain(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	for _, name := range []string{"embedded", "subagent"} {
		t.Run(name, func(t *testing.T) {
			access := []string{"rocommunity public"}
			if name == "subagent" {
				access = nil
			}
			config := writeConfig(t, access...)
			var p *process
			if name == "embedded" {
				p = startEmbedded(t, s.NS, "--config", config)
			} else {
				p = startSubagent(t, startMaster(t, s.NS), "--config", config)
			}
			for i := range 4 {
				s.Listen(t, "tcp", fmt.Sprintf("127.0.0.1:%d", 4800+i+10*len(name)))
			}
			reads := 0
			read := func(lines ...string) {
				t.Helper()
				if err := os.WriteFile(config, []byte(strings.Join(append(access, lines...), "\n")+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
				reads++
				p.await(t, "configuration read again", reads)
			}
			reachable := func(address string) bool {
				refused := false
				s.Do(t, func() error {
					c, err := net.Dial("tcp", address)
					if refused = err != nil; !refused {
						_ = c.Close()
					}
					return nil
				})
				return !refused
			}
			if reachable("127.0.0.1:9161") {
				t.Fatal("metrics are served before")
			}
			read("metrics 127.0.0.1:9161", "metricsTop 2", "logLevel debug")
			text, status := scraped(t, s.NS, "http://127.0.0.1:9161/metrics", nil)
			if got := len(regexp.MustCompile(`(?m)^netstat_listener_sockets\{.*protocol="tcp"\}`).FindAllString(text, -1)); status != http.StatusOK || got != 3 || !strings.Contains(text, `netstat_listener_sockets{address="other"`) {
				t.Errorf("status %d, %d listeners of TCP, of 2 and the rest", status, got)
			}
			if strings.Contains(text, "node_network_up") {
				t.Error("node_exporter's names are there, which nobody asked for")
			}
			read("metrics 127.0.0.1:9162", "metricsCompatible node_exporter")
			text, status = scraped(t, s.NS, "http://127.0.0.1:9162/metrics", nil)
			if status != http.StatusOK || !strings.Contains(text, `node_network_up{device="lo"} 0`) {
				t.Errorf("status %d at the second address, or node_exporter's names are missing", status)
			}
			if reachable("127.0.0.1:9161") {
				t.Error("metrics are still served at the first address")
			}
			read()
			if reachable("127.0.0.1:9162") {
				t.Error("metrics are still served")
			}
		})
	}
}
