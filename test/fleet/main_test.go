// Package fleet_test holds what is in the folder fleet/, rules, dashboards and configuration, to the real Prometheus,
// which scrapes the built netsnmp-agent.
//
// It needs root, iproute2, nftables and Debian's prometheus. Every Prometheus is in a network namespace of a test.
package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// program is the built netsnmp-agent.
var program string

func TestMain(m *testing.M) { os.Exit(nstest.Main(m, "netsnmp-agent", &program)) }

// folder is what is tested.
const folder = "../../fleet"

// web asks servers in a namespace.
func web(t testing.TB, n *nstest.NS) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, network, address string) (c net.Conn, err error) {
		var refused error
		n.Do(t, func() error { c, refused = net.Dial(network, address); return nil })
		return c, refused
	}}}
}

// shard is a Prometheus with a configuration of fleet/prometheus, of which a test changes as little as it needs.
type shard struct {
	file           string // of the configuration
	shards, number int
	replica        string
	port           int
	interval       string
	targets        []string
	exporter       string // the address of the exporter; empty where there is none
	ns             *nstest.NS
	dir            string
	pid            int
	client         *http.Client
}

// start configures the Prometheus, and runs it until the test ends.
func (s *shard) start(t testing.TB) {
	t.Helper()
	nstest.NeedsProgram(t, "prometheus")
	s.dir, s.client = t.TempDir(), web(t, s.ns)
	text, err := os.ReadFile(filepath.Join(folder, "prometheus", s.file+".yml"))
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal([]map[string]any{{"targets": s.targets}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "targets.json"), string(list))
	config := string(text)
	for _, change := range [][2]string{
		{`scrape_interval: \w+`, "scrape_interval: " + s.interval}, {`scrape_timeout: \w+`, "scrape_timeout: " + s.interval}, {`evaluation_interval: \w+`, "evaluation_interval: 1s"},
		{`shard: "0"`, fmt.Sprintf(`shard: "%d"`, s.number)}, {`regex: "0"`, fmt.Sprintf(`regex: "%d"`, s.number)}, {`modulus: 2`, fmt.Sprintf("modulus: %d", s.shards)},
		{`replica: a`, "replica: " + s.replica}, {`\[targets/\w+\*\.yml\]`, "[" + filepath.Join(s.dir, "targets.json") + "]"}, {`\.\./rules`, filepath.Join(absolute, "rules")},
		{`localhost:9090`, s.address()},
	} {
		config = replaced(t, config, change[0], change[1])
	}
	if s.exporter != "" {
		config = replaced(t, config, "localhost:9116", s.exporter)
	}
	write(t, filepath.Join(s.dir, "prometheus.yml"), config)
	s.run(t)
}

func replaced(t testing.TB, text, old, with string) string {
	t.Helper()
	pattern := regexp.MustCompile(old)
	if !pattern.MatchString(text) {
		t.Fatalf("there is no %s in the configuration", old)
	}
	return pattern.ReplaceAllLiteralString(text, with)
}

func (s *shard) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// run runs the Prometheus over what it has in its folder, and waits until it is ready.
func (s *shard) run(t testing.TB) {
	t.Helper()
	s.pid, _ = s.ns.Start(t, "prometheus", "--config.file="+filepath.Join(s.dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(s.dir, "data"),
		"--web.listen-address="+s.address(), "--log.level=warn")
	nstest.Eventually(t, func() string {
		answer, err := s.client.Get("http://" + s.address() + "/-/ready")
		if err != nil {
			return err.Error()
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return answer.Status
		}
		return ""
	})
}

// kill ends the Prometheus without a word to it.
func (s *shard) kill(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	nstest.Eventually(t, func() string {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
		if err == nil && !strings.Contains(string(status), ") Z ") {
			return "it still runs"
		}
		return ""
	})
}

// ask asks the HTTP API, and decodes what it gives.
func (s *shard) ask(path string, parameters url.Values, into any) error {
	answer, err := s.client.Get("http://" + s.address() + "/api/v1/" + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var told struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return fmt.Errorf("%s: %w: %s", answer.Status, err, body)
	}
	if told.Status != "success" {
		return fmt.Errorf("%s: %s", answer.Status, told.Error)
	}
	return json.Unmarshal(told.Data, into)
}

// series is one of an answer, with the samples that it has.
type series struct {
	Metric map[string]string
	Value  sample
	Values []sample
}

type sample struct {
	At    float64 // seconds since 1970
	Value string
}

func (s *sample) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&s.At, &s.Value})
}

// query evaluates an expression.
func (s *shard) query(expr string) (found []series, err error) {
	var told struct{ Result json.RawMessage }
	if err := s.ask("query", url.Values{"query": {expr}}, &told); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(told.Result, &found); err != nil {
		return nil, fmt.Errorf("%w: %s", err, told.Result)
	}
	return found, nil
}

// has waits until an expression has series, and returns them.
func (s *shard) has(t testing.TB, expr string) (found []series) {
	t.Helper()
	s.until(t, expr, func(all []series) string {
		if found = all; len(all) == 0 {
			return "no series"
		}
		return ""
	})
	return found
}

// until waits until an expression has the series that are wanted. An expression that cannot be evaluated fails the test.
func (s *shard) until(t testing.TB, expr string, wanted func([]series) (otherwise string)) {
	t.Helper()
	nstest.Eventually(t, func() string {
		found, err := s.query(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if otherwise := wanted(found); otherwise != "" {
			return expr + ": " + otherwise
		}
		return ""
	})
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// serves waits until something answers at a URL.
func serves(t testing.TB, n *nstest.NS, at string) {
	t.Helper()
	client := web(t, n)
	client.Timeout = 10 * time.Second
	nstest.Eventually(t, func() string {
		answer, err := client.Get(at)
		if err != nil {
			return err.Error()
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return at + ": " + answer.Status
		}
		return ""
	})
}
