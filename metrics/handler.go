package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Prometheus says how long it waits. An answer that is late is none, so that what is not read by a little earlier
// is left out.
const (
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	ahead         = 500 * time.Millisecond
	usualTimeout  = 10 * time.Second
)

// mostScrapes is how many scrapes are answered at a time. Further ones are refused with status 503.
const mostScrapes = 8

// Handler answers scrapes, in the text format of Prometheus, OpenMetrics or protobuf as is asked for. What others gather is
// answered with it.
func (e *Exporter) Handler(others ...prometheus.Gatherer) http.Handler {
	room := make(chan struct{}, mostScrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			http.Error(w, "too many scrapes at a time", http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeoutOf(r))
		defer cancel()
		registry := prometheus.NewRegistry()
		registry.MustRegister(e.Collector(ctx))
		promhttp.HandlerFor(append(prometheus.Gatherers{registry}, others...), promhttp.HandlerOpts{
			ErrorLog: printer{e.options.Log}, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
		}).ServeHTTP(w, r)
	})
}

// timeoutOf is how long may be read for a request.
func timeoutOf(r *http.Request) time.Duration {
	seconds, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0 && seconds < 3600) {
		return usualTimeout
	}
	timeout := time.Duration(seconds * float64(time.Second))
	return max(timeout-ahead, timeout/2)
}

// printer logs what promhttp prints.
type printer struct{ log *slog.Logger }

func (p printer) Println(v ...any) { p.log.Warn("metrics could not be told", "error", v) }
