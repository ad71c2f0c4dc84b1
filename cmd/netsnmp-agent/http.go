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
	"os"
	"slices"
	"strconv"
	"sync"
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

// webServer serves an http.Handler at addresses, which may change while it does.
type webServer struct {
	log    *slog.Logger
	out    io.Writer // is told of each address
	served string    // what is served, in a word for the log

	mu      sync.Mutex
	now     webSockets
	ctx     context.Context // of serve, and nil before
	handler http.Handler
}

// webSockets are sockets, and who serves them.
type webSockets struct {
	at        webAt
	listeners []net.Listener // one for each address, and those that the supervisor passed behind them
	servers   []*http.Server // one for each listener; none before they are served
}

// listenForWeb opens the sockets, beside those that the supervisor passed. What is served is named so in output and log.
func listenForWeb(out io.Writer, log *slog.Logger, at webAt, passed []net.Listener, served string) (*webServer, error) {
	w := &webServer{log: log, out: out, served: served}
	w.now.listeners = passed
	opened, err := w.open(at)
	if err != nil {
		return nil, err
	}
	w.now = opened
	for _, l := range passed {
		fmt.Fprintf(out, "%s at %s\n", served, l.Addr())
	}
	return w, nil
}

// open opens sockets. One that is open already is had a second time.
func (w *webServer) open(at webAt) (o webSockets, err error) {
	o.at = at
	was := w.now
	for _, address := range at.addresses {
		var l net.Listener
		i := slices.Index(was.at.addresses, address)
		if i >= 0 {
			l, err = again(was.listeners[i])
		} else {
			l, err = net.Listen("tcp", address)
		}
		if err != nil {
			o.close()
			return o, fmt.Errorf("%s: %w", w.served, err)
		}
		o.listeners = append(o.listeners, l)
		if i < 0 {
			fmt.Fprintf(w.out, "%s at %s\n", w.served, l.Addr())
		}
		if !onlyThisHost(l.Addr().String()) && at.config == "" {
			w.log.Warn("whoever reaches the address reads "+w.served+": --metrics-config asks for passwords", "address", l.Addr().String())
		}
	}
	for _, passed := range was.listeners[len(was.at.addresses):] {
		l, err := again(passed)
		if err != nil {
			o.close()
			return o, fmt.Errorf("%s: %w", w.served, err)
		}
		o.listeners = append(o.listeners, l)
	}
	return o, nil
}

// again returns a listener of the same socket.
func again(l net.Listener) (net.Listener, error) {
	of, is := l.(interface{ File() (*os.File, error) })
	if !is {
		return nil, fmt.Errorf("%T has no file", l)
	}
	f, err := of.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileListener(f)
}

func (o *webSockets) close() (err error) {
	for _, l := range o.listeners {
		if e := l.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// isOpen reports whether there are sockets now.
func (w *webServer) isOpen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.now.listeners) > 0
}

// answers says which of the TCP sockets does not answer a request. Any answer will do, as that a password is asked for,
// or TLS. A socket that is exchanged meanwhile is asked at the next time.
func (w *webServer) answers(ctx context.Context) error {
	w.mu.Lock()
	listeners := slices.Clone(w.now.listeners)
	w.mu.Unlock()
	for _, l := range listeners {
		if l.Addr().Network() != "tcp" {
			continue // a path may be out of reach for the program itself
		}
		if err := answersAt(ctx, l.Addr().String()); err != nil {
			return fmt.Errorf("%s: %w", l.Addr(), err)
		}
	}
	return nil
}

// answersAt says why no answer comes to a request at an address.
func answersAt(ctx context.Context, address string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(c, "HEAD / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// Close closes the sockets.
func (w *webServer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now.close()
}

// webChange is a change of addresses that is prepared: one of commit and discard is called.
type webChange struct {
	of   *webServer
	next webSockets
	none bool
}

// change opens the sockets that addresses need which are not served yet.
func (w *webServer) change(at webAt) (*webChange, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(w.now.at.addresses, at.addresses) && w.now.at.config == at.config {
		return &webChange{of: w, none: true}, nil
	}
	next, err := w.open(at)
	return &webChange{of: w, next: next}, err
}

// discard closes what was opened.
func (c *webChange) discard() {
	if !c.none {
		_ = c.next.close() // nobody uses it
	}
}

// commit serves at the new addresses, and no longer at those before. Answers under way are finished.
func (c *webChange) commit() {
	if c.none {
		return
	}
	w := c.of
	w.mu.Lock()
	before := w.now
	w.now, c.none = c.next, true
	w.start()
	w.mu.Unlock()
	_ = before.close() // others have the sockets that go on
	for _, server := range before.servers {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
			defer cancel()
			_ = server.Shutdown(ctx) // what is not answered by then is not
		}()
	}
}

// How long a client may take: for its header, for reading the answer, and between requests.
const (
	headerPatience = 10 * time.Second
	answerPatience = time.Minute
	idlePatience   = 2 * time.Minute
)

// serve answers by a handler until ctx is done.
func (w *webServer) serve(ctx context.Context, handler http.Handler) {
	w.mu.Lock()
	w.ctx, w.handler = ctx, handler
	w.start()
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, server := range w.now.servers {
		_ = server.Close() // the program ends
	}
}

// start serves at the sockets that there are now, once there is a handler.
func (w *webServer) start() {
	if w.ctx == nil {
		return
	}
	ctx, config := w.ctx, w.now.at.config
	for _, l := range w.now.listeners {
		server := &http.Server{Handler: w.handler, ReadHeaderTimeout: headerPatience, WriteTimeout: answerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: 1 << 16, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)}
		w.now.servers = append(w.now.servers, server)
		go func() {
			err := web.Serve(l, server, &web.FlagConfig{WebConfigFile: &config}, slog.New(quiet{w.log.Handler()}))
			if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
				w.log.Error("nothing answers any longer", "served", w.served, "address", l.Addr().String(), "error", err)
			}
		}()
	}
}

// quiet passes on what is more than information: the toolkit repeats what the program said.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelInfo && q.Handler.Enabled(ctx, level)
}
