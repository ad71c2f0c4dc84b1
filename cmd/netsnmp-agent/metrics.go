package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// metricsAt is where metrics are served, and with what TLS and passwords: nowhere without addresses.
type metricsAt struct {
	addresses []string
	config    string // a file of exporter-toolkit's
}

// metricsOf returns where metrics are served with a file.
func (s *settings) metricsOf(file *snmpdconf.Config) (at metricsAt, err error) {
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

// checkHostPort says what is wrong with an address to serve at.
func checkHostPort(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no ADDRESS:PORT, such as localhost:9161", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: the port %q is no number up to 65535", address, port)
	} else if n > 65535 {
		return fmt.Errorf("%q: the port is beyond 65535", address)
	}
	return nil
}

// onlyThisHost reports whether an address to serve at is reached from this host alone.
func onlyThisHost(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// exporter serves metrics. A nil one serves none.
type exporter struct {
	log       *slog.Logger
	at        metricsAt
	listeners []net.Listener

	mu sync.Mutex
	of map[string]*readings.Stack // by context, "" for the default one
}

// listenForMetrics opens the sockets that metrics are served at; nil where there are none.
func (s *settings) listenForMetrics(out io.Writer, at metricsAt) (*exporter, error) {
	if len(at.addresses) == 0 {
		return nil, nil
	}
	e := &exporter{log: s.log, at: at, of: make(map[string]*readings.Stack)}
	for _, address := range at.addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("metrics: %w", err)
		}
		e.listeners = append(e.listeners, l)
		fmt.Fprintf(out, "metrics at %s\n", l.Addr())
		if !onlyThisHost(l.Addr().String()) && at.config == "" {
			s.log.Warn("whoever reaches the address reads metrics: --metrics-config asks for passwords", "address", l.Addr().String())
		}
	}
	return e, nil
}

// Close closes the sockets.
func (e *exporter) Close() error {
	if e == nil {
		return nil
	}
	var errs []error
	for _, l := range e.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// warnOfMetrics says that a file that was read again has metrics served elsewhere.
func (s *settings) warnOfMetrics(was, is metricsAt) {
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

// serve answers of the contexts of a set until ctx is done. Statistics are of the SNMP engine; nil where there is none.
func (e *exporter) serve(ctx context.Context, set *contexts.Set, statistics func() enginemib.Statistics) {
	if e == nil {
		return
	}
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newInfo(), engineCollector{statistics})
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics.New(metrics.Options{Log: e.log, Stacks: func(ctx context.Context) []metrics.Stack { return e.stacks(ctx, set) }}).Handler(own))
	const patience = 10 * time.Second
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 16, ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	var flags web.FlagConfig
	flags.WebConfigFile = &e.at.config
	if err := web.ServeMultiple(e.listeners, server, &flags, slog.New(quiet{e.log.Handler()})); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		e.log.Error("metrics are not served any longer", "error", err)
	}
}

// quiet passes on what is more than information: the toolkit repeats what the program said.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelInfo && q.Handler.Enabled(ctx, level)
}

// newInfo tells of the program.
func newInfo() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "netstat_agent_info", Help: "Which program exports this; always 1.", ConstLabels: prometheus.Labels{"version": commandline.Version(version)},
	}, func() float64 { return 1 })
}

// engineCollector tells what the SNMP engine counts.
type engineCollector struct{ statistics func() enginemib.Statistics }

func (engineCollector) desc() *prometheus.Desc {
	return prometheus.NewDesc("netstat_agent_snmp_total", "What the SNMP engine counts, by the name of the object that tells it (RFC 3418 and others).", []string{"object"}, nil)
}

func (c engineCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc() }

func (c engineCollector) Collect(to chan<- prometheus.Metric) {
	if c.statistics == nil {
		return
	}
	desc := c.desc()
	for i, n := range c.statistics() {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), enginemib.Counter(i).String())
	}
}
