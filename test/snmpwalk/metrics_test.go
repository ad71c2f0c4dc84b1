package snmpwalk_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
