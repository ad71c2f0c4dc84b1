package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// Options are those of a Prober. The zero value has defaults for all.
type Options struct {
	// Targets is the path of a file that says as whom hosts are asked (see [ReadTargets]). It is read again when it
	// changed. Without one only public_v1 and public_v2 are known.
	Targets string
	// Concurrent is how many hosts are read at a time; 0 means 1024. As many scrapes of others wait for their turn, for
	// half of their time at most. Further ones, and those whose turn does not come, have status 503.
	Concurrent int
	// Timeout is how long reading a host may take at most, and where a scrape names no time of its own; 0
	// means 10 seconds for the latter, and a minute otherwise.
	Timeout time.Duration
	// Sessions is how many requests may be outstanding at a time to a host whose tables are long, each
	// on a socket of its own; 0 means 8.
	Sessions int
	// MaxRows is the most rows that a table may have; 0 means 65,536.
	MaxRows int
	// MaxOctets is the most octets that a module of a host may tell; 0 means 64 MiB.
	MaxOctets int
	// Log is told what becomes of the file of targets and, as Debug, of each scrape; nil for nobody.
	Log *slog.Logger
}

const (
	defaultConcurrent = 1024
	defaultTimeout    = time.Minute
	defaultSessions   = 8
	defaultMaxRows    = 1 << 16
	defaultMaxOctets  = 64 << 20
)

// Modules returns the names of the modules that a scrape may ask for.
func Modules() []string {
	var names []string
	for name := range modules() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Prober answers scrapes. It is safe for concurrent use. Use New: the zero value is no Prober.
type Prober struct {
	options  Options
	file     *targetsFile
	modules  map[string]*module
	room     *room
	sharing  sharing
	ways     ways
	counts   [results]atomic.Uint64
	requests [2]atomic.Uint64 // sent, and of these repeated
	panics   atomic.Uint64
}

// New returns a Prober. The error is that of ReadTargets, or names the option that makes no sense.
func New(o Options) (*Prober, error) {
	for _, n := range []struct {
		name string
		n    int
	}{{"Concurrent", o.Concurrent}, {"Timeout", int(o.Timeout)}, {"Sessions", o.Sessions}, {"MaxRows", o.MaxRows}, {"MaxOctets", o.MaxOctets}} {
		if n.n < 0 {
			return nil, fmt.Errorf("the option %s is below 0", n.name)
		}
	}
	for _, d := range []struct {
		to       *int
		standard int
	}{{&o.Concurrent, defaultConcurrent}, {&o.Sessions, defaultSessions}, {&o.MaxRows, defaultMaxRows}, {&o.MaxOctets, defaultMaxOctets}} {
		if *d.to == 0 {
			*d.to = d.standard
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	file, err := openTargets(o.Targets, o.Log)
	if err != nil {
		return nil, err
	}
	return &Prober{options: o, file: file, modules: modules(), room: newRoom(o.Concurrent)}, nil
}

// Reload reads the file of targets again, as happens by itself after it changed. One that is wrong is logged, and
// the one before stays.
func (p *Prober) Reload() { p.file.look(true) }

// ways are what was learnt of hosts: of those that were asked last, and at most twice mostWays.
type ways struct {
	mu         sync.Mutex
	young, old map[remote.Config]*remote.Way
}

// mostWays is after how many hosts those are forgotten that were not asked again.
const mostWays = 1 << 15

func (w *ways) of(c remote.Config) (*remote.Way, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if way := w.young[c]; way != nil {
		return way, nil
	}
	way := w.old[c]
	if way == nil {
		var err error
		if way, err = remote.NewWay(c); err != nil {
			return nil, err
		}
	}
	if w.young == nil || len(w.young) >= mostWays {
		w.old, w.young = w.young, make(map[remote.Config]*remote.Way)
	}
	w.young[c] = way
	return way, nil
}

func (w *ways) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.young)
	for c := range w.old {
		if w.young[c] == nil {
			n++
		}
	}
	return n
}

// Prometheus says how long it waits. An answer that is late is none, so that reading ends a little earlier.
const (
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	ahead         = 500 * time.Millisecond
	usualTimeout  = 10 * time.Second
)

// timeoutOf is how long may be read for a request.
func (p *Prober) timeoutOf(r *http.Request) time.Duration {
	most := p.options.Timeout
	seconds, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64)
	switch {
	case err == nil && seconds > 0 && seconds < 3600:
		timeout := time.Duration(seconds * float64(time.Second))
		timeout = max(timeout-ahead, timeout/2)
		if most == 0 {
			most = defaultTimeout
		}
		return min(timeout, most)
	case most == 0:
		return usualTimeout
	}
	return most
}

// answered is what came of a query.
type answered struct {
	modules []moduleReading
	// err is why there is nothing; nil where something came.
	err error
}

// read reads what a query asks for, or waits for who reads the same. What is read by then is there a moment after the
// time is over.
func (p *Prober) read(ctx context.Context, q query, timeout time.Duration) (answered, error) {
	return p.sharing.read(ctx, q.key, time.Now().Add(timeout), ahead/2, func(ctx context.Context) (answered, error) {
		if err := p.room.enter(ctx, timeout/2); err != nil {
			return answered{}, err
		}
		defer p.room.leave()
		return p.ask(ctx, q)
	})
}

// ask reads the modules of a host.
func (p *Prober) ask(ctx context.Context, q query) (answered, error) {
	way, err := p.ways.of(q.config)
	if err != nil {
		return answered{}, err
	}
	a := answered{modules: make([]moduleReading, len(q.modules))}
	if len(q.modules) == 1 {
		a.modules[0] = readModule(ctx, way, q.modules[0])
	} else {
		var reading sync.WaitGroup
		for i, m := range q.modules {
			reading.Go(func() { a.modules[i] = readModule(ctx, way, m) })
		}
		reading.Wait()
	}
	told := 0
	var failed error
	for _, m := range a.modules {
		p.requests[0].Add(m.sent)
		p.requests[1].Add(m.repeated)
		for _, r := range m.parts {
			told += r.told
			if r.err != nil && !errors.Is(r.err, errNothing) && failed == nil {
				failed = r.err
			}
			if of := (*panicError)(nil); errors.As(r.err, &of) {
				p.panics.Add(1)
				p.options.Log.Error("reading a host made the program panic", "target", q.config.Address, "module", m.module.name, "table", r.part.name,
					"error", of.value, "stack", string(of.stack))
			}
		}
	}
	if told == 0 {
		a.err = failed
	}
	return a, nil
}
