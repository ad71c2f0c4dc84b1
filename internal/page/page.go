// Package page shows at a glance, on one page of HTML without script, what is wrong with a network stack and what it
// does: listeners with their queues, interfaces with the last hour, who has the connections, counters that grow and
// should not, and how the program itself fares. It is made of the readings that tables and metrics are made of.
//
// A page view is a reading. While somebody looked at the page in the last hour, interfaces and counters are read every
// 20 seconds; otherwise nothing is read for it.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// Options say what is shown.
type Options struct {
	// Names returns the names of the network namespaces that can be shown beside the default one, in order.
	Names func() []string
	// Open returns the stack of a namespace, "" for the default one. Its error matches ErrNoNamespace where there is
	// none of the name.
	Open func(ctx context.Context, name string) (Stack, error)
	// Program tells of the program itself.
	Program func() Program
	// Log takes what could not be shown. Nil means slog.Default.
	Log *slog.Logger
}

// ErrNoNamespace says that no namespace of a name can be shown.
var ErrNoNamespace = errors.New("there is no such network namespace")

// Stack is a stack and its last hour.
type Stack struct {
	Readings *readings.Stack // observed by metrics.Observe
	History  *History        // which takes samples of these readings
}

// Program is what a program tells of itself.
type Program struct {
	Name, Version string
	Host          string
	Started       time.Time
	Listening     []string // where SNMP is answered
	AgentX        *AgentX  // nil for an agent of its own
	Engine        bool     // whether SNMP is answered here, by Clients
	Clients       []Client
	// ConfigError is why the configuration file was no good when it was read last, "" where it was; ConfigRead is when a
	// good one was read last.
	ConfigError string
	ConfigRead  time.Time
}

// AgentX is the session with a master.
type AgentX struct {
	Opened              time.Time // zero where there is none
	Sessions            uint64    // that there were, with this one
	Registered, Refused int       // subtrees
}

// Client is who sends SNMP messages of one version.
type Client struct {
	Address, Version  string
	Answered, Refused uint64
	Reason            string // why the last one was refused
	Last              time.Time
}

// Page serves the page. Use New.
type Page struct {
	options  Options
	template *template.Template
	security string // of Content-Security-Policy
	room     chan struct{}
	wake     chan struct{}

	mu     sync.Mutex
	looked map[string]time.Time // when a namespace was looked at last
	lacked map[[2]string]bool   // namespaces and parts that could not be read, which was said
}

const (
	mostViews   = 4  // at a time
	mostSampled = 64 // namespaces that are read for their graphs
	patience    = 10 * time.Second
	sampling    = 20 * time.Second
)

//go:embed page.html
var source string

//go:embed page.css
var style string

// New returns the page.
func New(o Options) (*Page, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	parsed, err := template.New("page").Funcs(template.FuncMap{"clean": clean}).Parse(source)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(style))
	return &Page{
		options: o, template: parsed, room: make(chan struct{}, mostViews), wake: make(chan struct{}, 1), looked: make(map[string]time.Time), lacked: make(map[[2]string]bool),
		security: "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}, nil
}

// ServeHTTP shows a namespace: the query's netns, or else the default one.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page is read by GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	select {
	case p.room <- struct{}{}:
		defer func() { <-p.room }()
	default:
		http.Error(w, "too many views at a time", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	name := r.URL.Query().Get("netns")
	stack, err := p.options.Open(ctx, name)
	if err != nil {
		status, why := http.StatusServiceUnavailable, "the network namespace cannot be read"
		if errors.Is(err, ErrNoNamespace) {
			status, why = http.StatusNotFound, ErrNoNamespace.Error()
		}
		p.options.Log.Debug("no page of a network namespace", "netns", name, "error", err)
		http.Error(w, strconv.QuoteToASCII(shorten(name))+": "+why, status)
		return
	}
	p.look(name)
	var body bytes.Buffer
	if err := p.template.Execute(&body, p.view(ctx, name, stack)); err != nil {
		p.options.Log.Error("the page could not be made", "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Security-Policy", p.security)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet {
		_, _ = w.Write(body.Bytes()) // who is gone reads nothing
	}
}

// look notes that somebody looks at a namespace.
func (p *Page) look(name string) {
	p.mu.Lock()
	if _, known := p.looked[name]; !known && len(p.looked) >= mostSampled {
		oldest := name
		for other, at := range p.looked {
			if oldest == name || at.Before(p.looked[oldest]) {
				oldest = other
			}
		}
		delete(p.looked, oldest)
	}
	p.looked[name] = time.Now()
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// lack says once of a part of a namespace that it cannot be read, until it can.
func (p *Page) lack(name, part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := [2]string{name, part}
	if err == nil {
		delete(p.lacked, of)
		return
	}
	if p.lacked[of] || len(p.lacked) >= mostSampled*len(partNames) {
		return
	}
	p.lacked[of] = true
	p.options.Log.Warn("the page lacks a part", "part", part, "netns", name, "error", err)
}

// Run reads what was looked at in the last hour, for its graphs, until ctx is done.
func (p *Page) Run(ctx context.Context) {
	for {
		wait := time.NewTimer(sampling)
		if len(p.lookedAt()) == 0 {
			wait.Stop()
			select {
			case <-p.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		for _, name := range p.lookedAt() {
			p.sample(ctx, name)
		}
	}
}

// lookedAt are the namespaces that somebody looked at in the last hour.
func (p *Page) lookedAt() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, at := range p.looked {
		if time.Since(at) > hour {
			delete(p.looked, name)
			continue
		}
		names = append(names, name)
	}
	return names
}

// sample has interfaces and counters of a namespace read. What cannot be read is a gap.
func (p *Page) sample(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stack, err := p.options.Open(ctx, name)
	if errors.Is(err, ErrNoNamespace) {
		p.mu.Lock()
		delete(p.looked, name)
		p.mu.Unlock()
	}
	if err != nil {
		return
	}
	_, _ = stack.Readings.Interfaces.Get(ctx)
	_, _ = stack.Readings.Counters.Get(ctx)
	if name == "" {
		_, _ = stack.Readings.Softnet.Get(ctx)
	}
}

// shorten cuts a text that others choose.
func shorten(text string) string {
	const most = 256
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
