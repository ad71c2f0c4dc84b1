package probe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/probe"
)

// BenchmarkNewHosts scrapes such hosts of which nothing is known yet.
func BenchmarkNewHosts(b *testing.B) {
	address, stop := serve(interfaces(many(50)...)...)
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		if status, body := scrape(b, newProber(b, probe.Options{}), "target="+url.QueryEscape(address), 0); status != http.StatusOK {
			b.Fatal(status, body)
		}
	}
}

// BenchmarkIfMIB scrapes a host with 50 interfaces, whose agent is in the same process, again and again.
func BenchmarkIfMIB(b *testing.B) {
	address, stop := serve(interfaces(many(50)...)...)
	defer stop()
	server := httptest.NewServer(newProber(b, probe.Options{}).Handler())
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		answer, err := http.Get(server.URL + "/probe?target=" + url.QueryEscape(address))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			b.Fatal(answer.Status)
		}
	}
}
