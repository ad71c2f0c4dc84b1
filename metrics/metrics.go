// Package metrics shows network stacks as metrics of Prometheus, made of the readings that the tables of an SNMP agent are made
// of. Nothing is read but when it is asked for.
//
// No series stands for one connection: connections are counted by state, by process, by unit of
// systemd and by network of the remote end. Each label with values that others choose has at most
// [Options.Top] of them, and "other" for the rest together.
package metrics

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// DefaultTop is how many values a label has that others choose.
const DefaultTop = 50

// Options say what is shown.
type Options struct {
	// Stacks returns the stacks that there are now. The first MostStacks are shown.
	Stacks func(ctx context.Context) []Stack
	// Top is how many values a label has that others choose; 0 means DefaultTop.
	Top int
	// NodeExporter has the default stack shown by the names of Prometheus' node_exporter as well.
	NodeExporter bool
	// Log takes what could not be read. Nil means slog.Default.
	Log *slog.Logger
}

// Stack is a stack and the network namespace that the label netns names: "" for the one that is not named.
type Stack struct {
	NetNS    string
	Readings *readings.Stack // nil for one that could not be opened
}

// Exporter shows stacks as metrics. Use New: the zero value has no stacks.
type Exporter struct {
	options Options
	top     atomic.Int64
	parts   []part

	forHost      []part // of the host, shown with the default stack
	nodeExporter atomic.Bool
	forNode      []part // by node_exporter's names, shown with the default stack while nodeExporter is set

	late atomic.Bool // the last scrape had not the time to read everything

	mu sync.Mutex
	// kept is what is made of readings of a stack for metrics alone.
	kept map[*readings.Stack]*kept
}

// part is what is read as a whole, and fails as a whole.
type part struct {
	name    string
	collect func(ctx context.Context, s *kept, out sink) error
}

// metric is a family of metrics.
type metric struct {
	name string
	kind prometheus.ValueType
	desc *prometheus.Desc
}

// netnsLabel is a label of every family that is about a stack.
const netnsLabel = "netns"

// other stands for the values of a label that are not among the largest.
const other = "other"

func gauge(name, help string, labels ...string) *metric {
	return newMetric(name, help, prometheus.GaugeValue, labels)
}

func counter(name, help string, labels ...string) *metric {
	return newMetric(name, help, prometheus.CounterValue, labels)
}

func newMetric(name, help string, kind prometheus.ValueType, labels []string) *metric {
	return &metric{name, kind, prometheus.NewDesc(name, help, append([]string{netnsLabel}, labels...), nil)}
}

// sink takes metrics of one stack.
type sink struct {
	to    chan<- prometheus.Metric
	netns string
}

// put takes a value. Labels are as in the declaration.
func (s sink) put(m *metric, value float64, labels ...string) {
	all := append([]string{s.netns}, labels...)
	for i := range all {
		all[i] = utf8Of(all[i])
	}
	s.to <- prometheus.MustNewConstMetric(m.desc, m.kind, value, all...)
}

// utf8Of returns a text that a label can have, which is UTF-8. Whoever names a process chooses any octets.
func utf8Of(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// known takes a value where it is known.
func known[T uint8 | uint16 | uint32 | uint64](s sink, m *metric, value netstat.Optional[T], labels ...string) {
	if v, is := value.Get(); is {
		s.put(m, float64(v), labels...)
	}
}

// New returns an exporter.
func New(o Options) *Exporter {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e := &Exporter{options: o, kept: make(map[*readings.Stack]*kept)}
	e.SetTop(o.Top)
	e.forNode = nodeExporterParts()
	e.parts = []part{e.sockets(netstat.TCP), e.sockets(netstat.UDP), interfacesPart(), qdiscsPart(), countersPart(), conntrackPart(), routesPart(), neighboursPart(), ownPart()}
	e.forHost = []part{softnetPart()}
	e.nodeExporter.Store(o.NodeExporter)
	return e
}

// SetTop replaces Options.Top, between two scrapes.
func (e *Exporter) SetTop(top int) {
	if top <= 0 {
		top = DefaultTop
	}
	e.top.Store(int64(top))
}

// SetNodeExporter replaces Options.NodeExporter, between two scrapes.
func (e *Exporter) SetNodeExporter(shown bool) { e.nodeExporter.Store(shown) }

// Collector returns what a scrape collects until ctx is done. What could not be read by then is left out, and
// netstat_scrape_success says of which part.
func (e *Exporter) Collector(ctx context.Context) prometheus.Collector { return scrape{e, ctx} }

type scrape struct {
	exporter *Exporter
	ctx      context.Context
}

// MostStacks is how many stacks are shown.
const MostStacks = 1 << 10

// How a scrape reads.
const (
	// sideBySide is how many of them are read at a time, where there are as many processors.
	sideBySide = 4
	// stackPart is the part that a stack is which could not be opened.
	stackPart = "stack"
)

var stacksByResult = prometheus.NewDesc("netstat_scrape_stacks", "Stacks, the default one and those of network namespaces, by whether all parts of them were read in time: read or unread.", []string{"result"}, nil)

var (
	succeeded = gauge("netstat_scrape_success", "Whether a part of a stack could be read: 0 where it could not, and its metrics are left out.", "part")
	took      = gauge("netstat_scrape_duration_seconds", "How long it took to read a part of a stack, or to wait for somebody else's reading.", "part")
)

// Describe tells nothing: which families there are depends on the kernel's counters.
func (s scrape) Describe(chan<- *prometheus.Desc) {}

// Collect reads every stack, a few at a time.
func (s scrape) Collect(to chan<- prometheus.Metric) {
	e := s.exporter
	stacks := e.options.Stacks(s.ctx)
	unread := max(0, len(stacks)-MostStacks)
	there := stacks[:len(stacks)-unread]
	e.forget(there)
	var next, failed atomic.Int64
	var reading sync.WaitGroup
	for range min(sideBySide, runtime.GOMAXPROCS(0), len(there)) {
		reading.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(there)); i = next.Add(1) - 1 {
				if !s.stack(there[i], to) {
					failed.Add(1)
				}
			}
		})
	}
	reading.Wait()
	unread += int(failed.Load())
	to <- prometheus.MustNewConstMetric(stacksByResult, prometheus.GaugeValue, float64(len(stacks)-unread), "read")
	to <- prometheus.MustNewConstMetric(stacksByResult, prometheus.GaugeValue, float64(unread), "unread")
	// It is said once until there is time for everything again.
	if late := errors.Is(s.ctx.Err(), context.DeadlineExceeded); !late {
		e.late.Store(false)
	} else if !e.late.Swap(true) {
		e.options.Log.Warn("a scrape had not the time to read everything: netstat_scrape_success tells what is missing", "stacks", len(stacks), "unread", unread)
	}
}

// stack reads a stack, and reports whether nothing of it is missing.
func (s scrape) stack(stack Stack, to chan<- prometheus.Metric) (whole bool) {
	e, out := s.exporter, sink{to, stack.NetNS}
	if stack.Readings == nil {
		out.put(succeeded, 0, stackPart)
		return false
	}
	of := e.keptOf(stack.Readings)
	var missing atomic.Bool
	var reading sync.WaitGroup
	read := func(parts []part) {
		for i := range parts {
			if s.ctx.Err() != nil { // nobody waits for a reading that would begin now
				missing.Store(true)
				out.put(succeeded, 0, parts[i].name)
				continue
			}
			reading.Go(func() {
				if !e.collect(s.ctx, &parts[i], of, out) {
					missing.Store(true)
				}
			})
		}
	}
	read(e.parts)
	if stack.NetNS == "" {
		read(e.forHost)
		if e.nodeExporter.Load() {
			read(e.forNode)
		}
	}
	reading.Wait()
	return !missing.Load()
}

// collect reads a part, and reports whether it is there.
func (e *Exporter) collect(ctx context.Context, p *part, of *kept, out sink) bool {
	began := time.Now()
	err := p.collect(ctx, of, out)
	if errors.Is(err, netstat.ErrNotSupported) {
		return true // of what is not there nothing is missing
	}
	success := 1.0
	if err == nil {
		of.failed.Delete(p.name)
	} else {
		success = 0
		e.said(ctx, p, of, out.netns, err)
	}
	out.put(succeeded, success, p.name)
	out.put(took, time.Since(began).Seconds(), p.name)
	return err == nil
}

// said logs why a part is missing, once until it succeeds again: somebody scrapes every few seconds.
func (e *Exporter) said(ctx context.Context, p *part, of *kept, netns string, err error) {
	if ctx.Err() != nil {
		return // it had not the time, which is said of the scrape
	}
	if _, again := of.failed.LoadOrStore(p.name, true); again {
		return
	}
	if errors.Is(err, fs.ErrPermission) {
		e.options.Log.Warn("metrics are missing: the kernel refuses what they are made of, by a security policy (SELinux, AppArmor, seccomp) or for want of a capability",
			"part", p.name, "netns", netns, "error", err)
		return
	}
	e.options.Log.Warn("metrics could not be read", "part", p.name, "netns", netns, "error", err)
}

// keptOf returns what is kept of a stack.
func (e *Exporter) keptOf(r *readings.Stack) *kept {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.kept[r]
	if k == nil {
		k = newKept(r)
		e.kept[r] = k
	}
	return k
}

// forget gives up what is kept of stacks that are not there any longer.
func (e *Exporter) forget(there []Stack) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) <= len(there) {
		return
	}
	still := make(map[*readings.Stack]*kept, len(there))
	for _, s := range there {
		if k := e.kept[s.Readings]; k != nil {
			still[s.Readings] = k
		}
	}
	e.kept = still
}
