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
	"strconv"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

// webAt is where an http.Handler is served, and with what TLS and passwords: nowhere without addresses.
type webAt struct {
	addresses []string
	config    string // a file of exporter-toolkit's
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

// webServer has the sockets that an http.Handler is served at. A nil one has none.
type webServer struct {
	log       *slog.Logger
	served    string // what is served, in a word for the log
	at        webAt
	listeners []net.Listener
}

// listenForWeb opens the sockets; nil where there are none to open. What is served is named so in output and log.
func listenForWeb(out io.Writer, log *slog.Logger, at webAt, served string) (*webServer, error) {
	if len(at.addresses) == 0 {
		return nil, nil
	}
	w := &webServer{log: log, served: served, at: at}
	for _, address := range at.addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("%s: %w", served, err)
		}
		w.listeners = append(w.listeners, l)
		fmt.Fprintf(out, "%s at %s\n", served, l.Addr())
		if !onlyThisHost(l.Addr().String()) && at.config == "" {
			log.Warn("whoever reaches the address reads "+served+": --metrics-config asks for passwords", "address", l.Addr().String())
		}
	}
	return w, nil
}

// Close closes the sockets.
func (w *webServer) Close() error {
	if w == nil {
		return nil
	}
	var errs []error
	for _, l := range w.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// How long a client may take: for its header, for reading the answer, and between requests.
const (
	headerPatience = 10 * time.Second
	answerPatience = time.Minute
	idlePatience   = 2 * time.Minute
)

// serve answers by a handler until ctx is done.
func (w *webServer) serve(ctx context.Context, handler http.Handler) {
	if w == nil {
		return
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerPatience, WriteTimeout: answerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: 1 << 16, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	var flags web.FlagConfig
	flags.WebConfigFile = &w.at.config
	if err := web.ServeMultiple(w.listeners, server, &flags, slog.New(quiet{w.log.Handler()})); err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		w.log.Error("nothing answers any longer", "served", w.served, "error", err)
	}
}

// quiet passes on what is more than information: the toolkit repeats what the program said.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelInfo && q.Handler.Enabled(ctx, level)
}
