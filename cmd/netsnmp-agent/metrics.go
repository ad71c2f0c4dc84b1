package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/page"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
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
	if len(at.addresses)+len(s.passedForMetrics) == 0 {
		if s.metricsConfig != "" {
			return at, fmt.Errorf("%s: no metrics are served: --metrics or the directive metrics says where", config.Where)
		}
		s.log.Warn(forPassed, "at", config.Where) // a file may be for a start with a socket that is passed
	}
	at.config = config.Value
	if err := web.Validate(at.config); err != nil {
		return at, fmt.Errorf("%s: %s: %w", config.Where, at.config, err)
	}
	return at, nil
}

// forPassed is said of a metricsConfig where no metrics are served.
const forPassed = "metricsConfig counts where systemd passes a socket named " + metricsSocket + " (netsnmp-agent.socket); no directive metrics says where metrics are served"

// exporter makes metrics of the stacks of contexts.
type exporter struct {
	web *webServer
	log *slog.Logger

	mu sync.Mutex

	compatible bool // with node_exporter

	top int                 // of the metrics, 0 for the default
	to  *metrics.Exporter   // nil before serve
	of  map[string]observed // by context, "" for the default one
}

// observed is the readings of a context's stack, and the last hour of them.
type observed struct {
	readings *readings.Stack
	history  *page.History
}

// listenForMetrics opens the sockets that metrics are served at.
func (s *settings) listenForMetrics(out io.Writer, at webAt) (*exporter, error) {
	server, err := listenForWeb(out, s.log, at, s.passedForMetrics, "metrics")
	if err != nil {
		return nil, err
	}
	return &exporter{web: server, log: s.log, top: s.topOf(s.file), compatible: s.isCompatible(s.file), of: make(map[string]observed)}, nil
}

// topOf returns how many values a label has that others choose: what --metrics-top says, or else a file; 0 for the default.
func (s *settings) topOf(file *snmpdconf.Config) int {
	if s.metricsTop == 0 && file.MetricsTop != nil {
		return *file.MetricsTop
	}
	return s.metricsTop
}

// isCompatible reports whether node_exporter's names are shown as well with a file.
func (s *settings) isCompatible(file *snmpdconf.Config) bool {
	return s.compatible != "" || file.MetricsCompatible
}

// set has labels with values that others choose have so many, and node_exporter's names shown or not.
func (e *exporter) set(top int, compatible bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.top, e.compatible = top, compatible; e.to != nil {
		e.to.SetTop(top)
		e.to.SetNodeExporter(compatible)
	}
}

// Close closes the sockets.
func (e *exporter) Close() error { return e.web.Close() }

// readingsOf returns the readings of a context's stack, which tables and metrics share.
func (e *exporter) readingsOf(contextName string, stack netstat.Stack, log *slog.Logger) *readings.Stack {
	h := page.NewHistory()
	r := readings.New(stack, readings.Options{
		Observe: metrics.Observe, Log: log,
		InterfacesRead: func(began time.Time, rows []netstat.Interface) {
			if e.web.isOpen() {
				h.Interfaces(began, rows)
			}
		},
		CountersRead: h.Counters, SoftnetRead: h.Softnet,
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of[contextName] = observed{r, h}
	if ends, is := stack.(interface{ Done() <-chan struct{} }); is {
		go func() {
			<-ends.Done()
			e.forget(contextName, r)
		}()
	}
	return r
}

// forget gives up the readings of a stack that ended.
func (e *exporter) forget(contextName string, r *readings.Stack) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of[contextName].readings == r {
		delete(e.of, contextName)
	}
}

// stacks returns the stacks of all contexts. Those that nobody asked for yet are opened.
func (e *exporter) stacks(ctx context.Context, set *contexts.Set) (all []metrics.Stack) {
	failed := make(map[string]bool)
	opened := set.Names()
	opened = opened[:min(len(opened), metrics.MostStacks-1)] // with the default one
	for _, name := range opened {
		if _, err := set.Tree(ctx, name); err != nil {
			e.log.Debug("no metrics of a context", "context", name, "error", err)
			failed[name] = !errors.Is(err, mib.ErrNoContext)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// A context that somebody else opened meanwhile is among the names by now.
	names := append([]string{""}, set.Names()...)
	there := make(map[string]observed, len(names))
	for i, name := range names {
		if of, is := e.of[name]; is {
			there[name] = of
			all = append(all, metrics.Stack{NetNS: set.NetNS(name), Readings: of.readings})
		} else if failed[name] || i >= metrics.MostStacks {
			all = append(all, metrics.Stack{NetNS: set.NetNS(name)})
		}
	}
	e.of = there
	return all
}

// serve answers of the contexts of a set, and of the program itself, until ctx is done.
func (e *exporter) serve(ctx context.Context, set *contexts.Set, host string, itself itself) {
	shown, err := e.newPage(set, host, itself)
	if err != nil {
		e.log.Error("there is no page", "error", err)
		return
	}
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), itself)
	mux := http.NewServeMux()
	e.mu.Lock()
	e.to = metrics.New(metrics.Options{Log: e.log, Top: e.top, NodeExporter: e.compatible, Stacks: func(ctx context.Context) []metrics.Stack { return e.stacks(ctx, set) }})
	e.mu.Unlock()
	mux.Handle("/metrics", e.to.Handler(own))
	mux.Handle("/{$}", shown)
	mux.HandleFunc("/", nothingElse)
	go shown.Run(ctx)
	e.web.serve(ctx, mux)
}
