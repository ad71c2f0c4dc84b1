package probe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
)

// inFormat scrapes in one format, and returns the samples of what a host told.
func inFormat(t testing.TB, p *probe.Prober, address, accept string) map[string]float64 {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target="+url.QueryEscape(address), nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	body := w.Body.Bytes()
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(w.Result().Header))
	samples := make(map[string]float64)
	for {
		var f dto.MetricFamily
		err := decoder.Decode(&f)
		if errors.Is(err, io.EOF) {
			return samples
		}
		if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		for _, m := range f.Metric {
			key := fmt.Sprintf("%v %s (%s)", f.GetType(), f.GetName(), f.GetHelp())
			for _, l := range m.Label {
				key += fmt.Sprintf(" %s=%q", l.GetName(), l.GetValue())
			}
			if _, twice := samples[key]; twice {
				t.Errorf("%s is there twice", key)
			}
			if f.GetName()[:min(len(f.GetName()), 5)] == "snmp_" {
				continue // of the scrape itself
			}
			samples[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
}

const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

// FuzzFormats holds that the text format has what protobuf has, whatever an agent calls its interfaces.
func FuzzFormats(f *testing.F) {
	f.Add("eth0", "uplink", uint64(1)<<63)
	f.Add("a\"b\\c\nd", "\\n{}=,#", uint64(0))
	f.Add("\xff\xfe\x00", "größe\u2028", uint64(1)<<53+1)
	f.Add("", "", uint64(10_000_000_000_000_000))
	f.Fuzz(func(t *testing.T, name, alias string, octets uint64) {
		rows := []netstat.Interface{{Index: 1, Name: name, Alias: alias, MTU: netstat.Known[uint32](1500)}, {Index: 2, Name: "second", OperState: netstat.Known(netstat.OperUp), Address: "\x02\x00\x00\x00\x00\x01"}}
		rows[0].Counters.InOctets.Set(octets)
		address, stop := serve(interfaces(rows...)...)
		defer stop()
		p := newProber(t, probe.Options{})
		text, binary := inFormat(t, p, address, "text/plain;version=0.0.4"), inFormat(t, p, address, protobuf)
		if len(text) < 10 {
			t.Fatalf("%d samples", len(text))
		}
		for key, value := range text {
			if got, is := binary[key]; !is || got != value {
				t.Errorf("%s is %v in the text format, and %v (%t) in protobuf", key, value, got, is)
			}
		}
		for key := range binary {
			if _, is := text[key]; !is {
				t.Errorf("%s is in protobuf alone", key)
			}
		}
	})
}
