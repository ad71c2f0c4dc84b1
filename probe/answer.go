package probe

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// result is what became of a scrape.
type result int

const (
	whole   result = iota // everything was read
	partial               // something is missing
	failed                // the host told nothing
	wrong                 // it asks for what there is not
	refused               // too many are read at a time, and its turn did not come
	gone                  // who asked did not wait
	results
)

var resultNames = [results]string{"whole", "partial", "failed", "wrong", "refused", "gone"}

// writePatience is how long who scrapes may take to read the answer.
const writePatience = 10 * time.Second

// Handler answers scrapes in the text format of Prometheus or as protobuf, as is asked for. Wrong parameters have
// status 400, a scrape that finds no room (Options.Concurrent) 503, and a host that told nothing 500, each with a sentence.
func (p *Prober) Handler() http.Handler { return http.HandlerFunc(p.serve) }

func (p *Prober) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a scrape is a GET", http.StatusMethodNotAllowed)
		return
	}
	deny := func(as result, status int, err error) {
		p.counts[as].Add(1)
		http.Error(w, err.Error(), status)
	}
	q, err := p.parse(r.URL.Query())
	if err != nil {
		deny(wrong, http.StatusBadRequest, err)
		return
	}
	timeout := p.timeoutOf(r)
	// A writer that knows no deadlines has none to move.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writePatience))
	a, err := p.read(r.Context(), q, timeout)
	switch {
	case r.Context().Err() != nil:
		p.counts[gone].Add(1)
		return
	case errors.Is(err, errTooMany):
		deny(refused, http.StatusServiceUnavailable, err)
		return
	case err != nil:
		deny(wrong, http.StatusBadRequest, err)
		return
	case a.err != nil:
		p.options.Log.Debug("a host told nothing", "target", q.config.Address, "error", a.err)
		deny(failed, http.StatusInternalServerError, errors.New("nothing was told by "+q.config.Address+": "+a.err.Error()))
		return
	}
	as := whole
	for _, m := range a.modules {
		for _, part := range m.parts {
			if part.err != nil {
				as = partial
				p.options.Log.Debug("not all was read of a host", "target", q.config.Address, "module", m.module.name, "table", part.part.name, "error", part.err)
			}
		}
	}
	p.counts[as].Add(1)
	a.write(w, r)
}

// isLocal reports whether a client is on this host, where compressing costs more than it saves.
func isLocal(r *http.Request) bool {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// write writes the metrics of an answer.
func (a *answered) write(w http.ResponseWriter, r *http.Request) {
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	w.Header().Set("Content-Type", string(format))
	var to io.Writer = w
	if !isLocal(r) && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer z.Close()
		to = z
	}
	told := a.told()
	// What goes wrong is that who asked went away.
	if format.FormatType() == expfmt.TypeTextPlain {
		out := bufio.NewWriterSize(to, 32<<10)
		for _, f := range told {
			f.writeText(out)
		}
		for _, f := range a.own() {
			_, _ = expfmt.MetricFamilyToText(out, f)
		}
		_ = out.Flush()
		return
	}
	encoder := expfmt.NewEncoder(to, format)
	for _, f := range told {
		if encoder.Encode(f.metrics()) != nil {
			return
		}
	}
	for _, f := range a.own() {
		if encoder.Encode(f) != nil {
			return
		}
	}
}

// toldFamily is a family of what a host told.
type toldFamily struct {
	*family
	points []point
	of     *partReading
}

// told returns the families of what the host told, by name.
func (a *answered) told() (all []toldFamily) {
	seen := make(map[string]bool)
	for _, m := range a.modules {
		for i := range m.parts {
			r := &m.parts[i]
			for i, points := range r.values {
				f := r.part.family(i)
				if f == nil || len(points) == 0 || seen[f.name] {
					continue // of another module that has it as well
				}
				seen[f.name] = true
				all = append(all, toldFamily{f, points, r})
			}
		}
	}
	slices.SortFunc(all, func(a, b toldFamily) int { return strings.Compare(a.name, b.name) })
	return all
}

// writeText writes the family in Prometheus' text format. The labels of a row are made once for all of its samples, which is why expfmt, that
// makes them for each, does not do it.
func (f *toldFamily) writeText(out *bufio.Writer) {
	line := append(out.AvailableBuffer(), "# HELP "...)
	line = append(append(line, f.name...), ' ')
	line = append(line, helpEscapes.Replace(f.help)...)
	line = append(append(append(line, "\n# TYPE "...), f.name...), ' ')
	line = append(append(line, strings.ToLower(f.kind.String())...), '\n')
	_, _ = out.Write(line)
	for i := range f.points {
		p := &f.points[i]
		line = append(out.AvailableBuffer(), f.name...)
		labels := ""
		if p.row >= 0 {
			labels = f.of.rows[p.row].shown
		}
		if labels != "" || p.labelled {
			line = append(append(line, '{'), labels...)
			if p.labelled {
				line = appendLabelAfter(line, labels != "", f.label, p.text)
			}
			line = append(line, '}')
		}
		line = append(line, ' ')
		line = strconv.AppendFloat(line, p.value, 'g', -1, 64)
		_, _ = out.Write(append(line, '\n')) // an error stays with out
	}
}

// The escapes of the text format, in HELP and in the values of labels.
var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// appendLabel appends a label in the text format behind those that are there.
func appendLabel(line []byte, name, value string) []byte {
	return appendLabelAfter(line, len(line) > 0, name, value)
}

func appendLabelAfter(line []byte, others bool, name, value string) []byte {
	if others {
		line = append(line, ',')
	}
	line = append(append(line, name...), '=', '"')
	if strings.ContainsAny(value, "\\\n\"") {
		value = labelEscapes.Replace(value)
	}
	return append(append(line, value...), '"')
}

// metrics returns the family as client_golang has it.
func (f *toldFamily) metrics() *dto.MetricFamily {
	names := f.of.part.labelNames()
	all := make([]*dto.Metric, len(f.points))
	for i := range f.points {
		p := &f.points[i]
		m := new(dto.Metric)
		if p.row >= 0 {
			for i, text := range f.of.rows[p.row].texts {
				m.Label = append(m.Label, &dto.LabelPair{Name: &names[i].label, Value: &text})
			}
		}
		if p.labelled {
			m.Label = append(m.Label, &dto.LabelPair{Name: &f.label, Value: &p.text})
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		if f.kind == dto.MetricType_COUNTER {
			m.Counter = &dto.Counter{Value: &p.value}
		} else {
			m.Gauge = &dto.Gauge{Value: &p.value}
		}
		all[i] = m
	}
	return &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &f.kind, Metric: all}
}

// family returns the family of a place in a reading's values.
func (p *part) family(i int) *family {
	if i < len(p.scalars) {
		return p.scalars[i]
	}
	return p.columns[i-len(p.scalars)]
}

// own returns the families that tell of the reading itself.
func (a *answered) own() []*dto.MetricFamily {
	gauge := dto.MetricType_GAUGE
	var all []*dto.MetricFamily
	family := func(name, help string) func(value float64, labels ...string) {
		f := &dto.MetricFamily{Name: &name, Help: &help, Type: &gauge}
		all = append(all, f)
		return func(value float64, labels ...string) {
			m := &dto.Metric{Gauge: &dto.Gauge{Value: &value}}
			for i := 0; i < len(labels); i += 2 {
				m.Label = append(m.Label, &dto.LabelPair{Name: &labels[i], Value: &labels[i+1]})
			}
			f.Metric = append(f.Metric, m)
		}
	}
	walk := family("snmp_scrape_walk_duration_seconds", "Time SNMP walk/bulkwalk took.")
	sent := family("snmp_scrape_packets_sent", "Packets sent for get, bulkget, and walk; including retries.")
	retried := family("snmp_scrape_packets_retried", "Packets retried for get, bulkget, and walk.")
	returned := family("snmp_scrape_pdus_returned", "PDUs returned from get, bulkget, and walk.")
	duration := family("snmp_scrape_duration_seconds", "Total SNMP time scrape took (walk and processing).")
	success := family("snmp_scrape_table_success", "1 where a table or group was read to its end, and 0 where it was cut short or the agent has nothing of it.")
	for _, m := range a.modules {
		name, told := m.module.name, 0
		for _, r := range m.parts {
			told += r.told
			value := 1.0
			if r.err != nil {
				value = 0
			}
			success(value, "module", name, "table", r.part.name)
		}
		walk(m.walked.Seconds(), "module", name)
		sent(float64(m.sent), "module", name)
		retried(float64(m.repeated), "module", name)
		returned(float64(told), "module", name)
		duration(m.took.Seconds(), "module", name)
	}
	return all
}

// Collector collects what a Prober counts: scrapes by what became of them, and hosts.
func (p *Prober) Collector() prometheus.Collector { return collector{p} }

type collector struct{ *Prober }

var (
	descScrapes  = desc("netstat_probe_scrapes_total", "Scrapes by what became of them: whole, partial, failed (the host told nothing), wrong (parameters), refused (too many at a time, and its turn did not come) or gone (who asked did not wait).", "result")
	descWaiting  = desc("netstat_probe_hosts_waiting", "Hosts that wait until one of those that are being read is done.")
	descPanics   = desc("netstat_probe_panics_total", "Tables whose reading made the program panic, of which its log tells.")
	descInFlight = desc("netstat_probe_hosts_in_flight", "Hosts that are being read.")
	descKnown    = desc("netstat_probe_hosts_known", "Hosts, by their credentials and contexts, of which it is remembered what their answers are like.")
	descRequests = desc("netstat_probe_snmp_requests_total", "Requests of SNMP that were sent, those that were repeated among them.")
	descRepeated = desc("netstat_probe_snmp_requests_repeated_total", "Requests of SNMP that were sent again for want of an answer.")
	descTargets  = desc("netstat_probe_targets_file_success", "1 where the file of targets was taken as it is now, 0 where what it said before stays.")
	descRead     = desc("netstat_probe_targets_file_read_timestamp_seconds", "When the file of targets was last taken.")
)

// Describe sends what a Prober counts.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descScrapes, descInFlight, descWaiting, descPanics, descKnown, descRequests, descRepeated, descTargets, descRead} {
		to <- d
	}
}

// Collect sends what was counted.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for i := range c.counts {
		to <- prometheus.MustNewConstMetric(descScrapes, prometheus.CounterValue, float64(c.counts[i].Load()), resultNames[i])
	}
	to <- prometheus.MustNewConstMetric(descInFlight, prometheus.GaugeValue, float64(c.room.inside.Load()))
	to <- prometheus.MustNewConstMetric(descWaiting, prometheus.GaugeValue, float64(c.room.waiting.Load()))
	to <- prometheus.MustNewConstMetric(descPanics, prometheus.CounterValue, float64(c.panics.Load()))
	to <- prometheus.MustNewConstMetric(descKnown, prometheus.GaugeValue, float64(c.ways.len()))
	to <- prometheus.MustNewConstMetric(descRequests, prometheus.CounterValue, float64(c.requests[0].Load()))
	to <- prometheus.MustNewConstMetric(descRepeated, prometheus.CounterValue, float64(c.requests[1].Load()))
	if c.file.path == "" {
		return
	}
	good := 1.0
	if c.file.bad.Load() {
		good = 0
	}
	to <- prometheus.MustNewConstMetric(descTargets, prometheus.GaugeValue, good)
	to <- prometheus.MustNewConstMetric(descRead, prometheus.GaugeValue, float64(c.file.read.Load()))
}
