package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// metricsOf returns where metrics are served with a file.
func (s *settings) metricsOf(file *snmpdconf.Config) (at webAt, err error) {
	from := file.Metrics
	if len(s.metrics) > 0 {
		from = nil
		for _, a := range s.metrics {
			from = append(from, snmpdconf.Setting{Value: a, Where: "--metrics"})
		}
	}
	for _, set := range from {
		if err := checkHostPort(set.Value); err != nil {
			return at, fmt.Errorf("%s: %w", set.Where, err)
		}
		at.addresses = append(at.addresses, set.Value)
	}
	config := file.MetricsConfig
	if s.metricsConfig != "" {
		config = &snmpdconf.Setting{Value: s.metricsConfig, Where: "--metrics-config"}
	}
	if config == nil {
		return at, nil
	}
	if len(at.addresses) == 0 {
		return at, fmt.Errorf("%s: no metrics are served: --metrics or the directive metrics says where", config.Where)
	}
	at.config = config.Value
	if err := web.Validate(at.config); err != nil {
		return at, fmt.Errorf("%s: %s: %w", config.Where, at.config, err)
	}
	return at, nil
}

// exporter makes metrics of the stacks of contexts. A nil one makes none.
type exporter struct {
	web *webServer
	log *slog.Logger

	mu sync.Mutex
	of map[string]*readings.Stack // by context, "" for the default one
}

// listenForMetrics opens the sockets that metrics are served at; nil where there are none.
func (s *settings) listenForMetrics(out io.Writer, at webAt) (*exporter, error) {
	server, err := listenForWeb(out, s.log, at, "metrics")
	if server == nil || err != nil {
		return nil, err
	}
	return &exporter{web: server, log: s.log, of: make(map[string]*readings.Stack)}, nil
}

// Close closes the sockets.
func (e *exporter) Close() error {
	if e == nil {
		return nil
	}
	return e.web.Close()
}

// warnOfMetrics says that a file that was read again has metrics served elsewhere.
func (s *settings) warnOfMetrics(was, is webAt) {
	if !slices.Equal(was.addresses, is.addresses) || was.config != is.config {
		s.log.Warn("changed addresses of metrics take effect at the next start")
	}
}

// readingsOf returns the readings of a context's stack, which tables and metrics share; nil where there are no
// metrics.
func (e *exporter) readingsOf(contextName string, stack netstat.Stack, log *slog.Logger) *readings.Stack {
	if e == nil {
		return nil
	}
	r := readings.New(stack, readings.Options{Observe: metrics.Observe, Log: log})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of[contextName] = r
	return r
}

// stacks returns the stacks of all contexts. Those that nobody asked for yet are opened.
func (e *exporter) stacks(ctx context.Context, set *contexts.Set) (all []metrics.Stack) {
	for _, name := range set.Names() {
		if _, err := set.Tree(ctx, name); err != nil {
			e.log.Debug("no metrics of a context", "context", name, "error", err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// A context that somebody else opened meanwhile is among the names by now.
	names := append([]string{""}, set.Names()...)
	there := make(map[string]*readings.Stack, len(names))
	for _, name := range names {
		if r := e.of[name]; r != nil {
			there[name] = r
			all = append(all, metrics.Stack{NetNS: name, Readings: r})
		}
	}
	e.of = there
	return all
}

// serve answers of the contexts of a set, and of the program itself, until ctx is done.
func (e *exporter) serve(ctx context.Context, set *contexts.Set, itself itself) {
	if e == nil {
		return
	}
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), itself)
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics.New(metrics.Options{Log: e.log, Stacks: func(ctx context.Context) []metrics.Stack { return e.stacks(ctx, set) }}).Handler(own))
	e.web.serve(ctx, mux)
}
