package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
)

// probeFlags are what the command line of probe says.
type probeFlags struct {
	metrics       []string
	metricsConfig string
	targets       string
	concurrent    int
	timeout       time.Duration
	sessions      int
	logLevel      string
}

const probeLong = `netsnmp-agent probe answers scrapes of Prometheus with what other hosts tell by SNMP,
in the place of snmp_exporter: /probe?target=HOST&module=if_mib&auth=public_v2. It looks
at nothing of this host, and needs no rights.`

func newProbeCommand(of process) *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Answer scrapes of Prometheus with what other hosts tell by SNMP",
		Long:  probeLong,
		Args:  commandline.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return runProbe(cmd, f, of) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.metrics, "metrics", []string{"localhost:9116"}, "answer scrapes at `ADDRESS:PORT` (may be repeated)")
	fs.StringVar(&f.metricsConfig, "metrics-config", "", "read `FILE` for TLS and passwords of --metrics")
	fs.StringVar(&f.targets, "targets", "", "read `FILE` for who asks which hosts; it is read again when it changes")
	fs.IntVar(&f.concurrent, "concurrent", 1024, "read at most `NUMBER` hosts at a time; as many scrapes wait for their turn")
	fs.DurationVar(&f.timeout, "timeout", 0, "read a host for at most `DURATION` (default 1m, and 10s for a scrape that names no timeout)")
	fs.IntVar(&f.sessions, "sessions", 8, "ask a host at most `NUMBER` things at a time while it has long tables")
	fs.StringVar(&f.logLevel, "log-level", "info", "log what is at least `LEVEL`: debug, info, warn or error")
	return cmd
}

// options returns those of the prober.
func (f *probeFlags) options(log *slog.Logger) (o probe.Options, err error) {
	const most = 1 << 16
	switch {
	case f.concurrent < 1 || f.concurrent > most:
		return o, fmt.Errorf("--concurrent: %d is not between 1 and %d", f.concurrent, most)
	case f.sessions < 1 || f.sessions > 256:
		return o, fmt.Errorf("--sessions: %d is not between 1 and 256", f.sessions)
	case f.timeout < 0 || f.timeout > time.Hour:
		return o, fmt.Errorf("--timeout: %v is not between 0 and an hour", f.timeout)
	}
	return probe.Options{Targets: f.targets, Concurrent: f.concurrent, Timeout: f.timeout, Sessions: f.sessions, Log: log}, nil
}

// probeCollectsAt is GOGC of the probe. What it keeps of hosts is little, and what it makes of a scrape is garbage at once: with the agent's
// own it would collect all the time.
const probeCollectsAt = 200

func runProbe(cmd *cobra.Command, f probeFlags, of process) error {
	ctx := cmd.Context()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(probeCollectsAt)
	}
	level, err := levelNamed(f.logLevel)
	if err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	log := newLog(cmd.ErrOrStderr(), level)
	for _, name := range []string{"metrics-config", "targets"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	at := webAt{f.metrics, f.metricsConfig}
	for _, address := range at.addresses {
		if err := checkHostPort(address); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
	}
	if at.config != "" {
		if err := web.Validate(at.config); err != nil {
			return fmt.Errorf("--metrics-config: %s: %w", at.config, err)
		}
	}
	options, err := f.options(log)
	if err != nil {
		return err
	}
	prober, err := probe.New(options)
	if err != nil {
		return fmt.Errorf("--targets: %w", err)
	}
	passed, err := passedListeners(of.supervisor)
	if err != nil {
		return err
	}
	if len(passed) > 0 && !cmd.Flags().Changed("metrics") {
		at.addresses = nil
	}
	server, err := listenForWeb(cmd.OutOrStdout(), log, at, passed, "probes")
	if err != nil {
		return err
	}
	defer server.Close()
	if of.confine != nil {
		if _, err := of.confine(nil, laterFilesOfProbe(f)); err != nil {
			return fmt.Errorf("capabilities cannot be given up: %w", err)
		}
	}
	status := "probes at " + strings.Join(addressesOf(server), ", ")
	of.supervisor.ready(status)
	defer of.supervisor.stopping()
	var serving sync.WaitGroup
	handler, own := probeHandler(prober)
	serving.Go(func() { server.serve(ctx, handler) })
	defer serving.Wait()
	serving.Go(func() {
		// All is well where every socket answers a request, and what is counted, which needs the locks that a scrape
		// does, is told. A host that does not answer, and a file of targets that is wrong, are no fault of the program's.
		of.supervisor.watch(ctx, log, func(ctx context.Context) error {
			if _, err := own.Gather(); err != nil {
				return err
			}
			return server.answers(ctx)
		})
	})
	for {
		select {
		case <-of.reload:
			of.supervisor.reloading()
			prober.Reload()
			of.supervisor.ready(status)
		case <-ctx.Done():
			return nil
		}
	}
}

// laterFilesOfProbe are the files that are opened again later.
func laterFilesOfProbe(f probeFlags) (all []laterFile) {
	for _, path := range []string{f.targets, f.metricsConfig} {
		if path != "" {
			all = append(all, laterFile{path, unix.R_OK, privilege{cap.DAC_READ_SEARCH, "to read " + path + " again"}})
		}
	}
	return all
}

// passedListeners are the sockets that the supervisor passed.
func passedListeners(s *supervisor) (all []net.Listener, err error) {
	if s == nil {
		return nil, nil
	}
	for _, f := range s.sockets {
		l, err := net.FileListener(f)
		if err != nil {
			return nil, fmt.Errorf("a socket that was passed takes no connections: %w", err)
		}
		all = append(all, l)
	}
	return all, nil
}

func addressesOf(w *webServer) (all []string) {
	for _, l := range w.now.listeners {
		all = append(all, l.Addr().String())
	}
	return slices.Compact(all)
}

// probeHandler answers /probe, and /metrics of the program itself, which own gathers.
func probeHandler(prober *probe.Prober) (handler http.Handler, own prometheus.Gatherer) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), prober.Collector())
	mux := http.NewServeMux()
	mux.Handle("/probe", prober.Handler())
	mux.Handle("/snmp", prober.Handler()) // where snmp_exporter answers
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	return mux, registry
}
