package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// wrap is where 64-bit counters begin anew: a sample has 53 bits of precision.
const wrap = 1 << 53

// partReading is what was read of a part.
type partReading struct {
	part   *part
	values [][]*dto.Metric // by family: scalars, then columns
	told   int             // values that the agent told
	took   time.Duration
	err    error // why it was not read to its end; errNothing where there is nothing
}

// errNothing says that an agent has nothing of what was asked for.
var errNothing = errors.New("the agent shows none of it")

// moduleReading is what was read of a module.
type moduleReading struct {
	module         *module
	parts          []partReading
	sent, repeated uint64
	walked, took   time.Duration
}

// readModule reads a module of the host at the end of a way until ctx is done.
func readModule(ctx context.Context, way *remote.Way, m *module) moduleReading {
	began := time.Now()
	r := moduleReading{module: m, parts: make([]partReading, len(m.parts))}
	stack, err := way.Stack()
	if err != nil { // which was found out when the way was made
		for i := range m.parts {
			r.parts[i] = partReading{part: &m.parts[i], err: err}
		}
		return r
	}
	defer stack.Close()
	if len(m.parts) == 1 {
		r.parts[0] = readPart(ctx, stack, &m.parts[0])
	} else {
		var reading sync.WaitGroup
		for i := range m.parts {
			reading.Go(func() { r.parts[i] = readPart(ctx, stack, &m.parts[i]) })
		}
		reading.Wait()
	}
	for _, p := range r.parts {
		r.walked = max(r.walked, p.took)
	}
	r.sent, r.repeated = stack.Requests()
	r.took = time.Since(began)
	return r
}

// readPart reads a part and makes metrics of it.
func readPart(ctx context.Context, stack *remote.Stack, p *part) (r partReading) {
	began := time.Now()
	var rows []remote.ObjectRow
	scalars := make([]mib.Value, len(p.scalars))
	for row, err := range stack.Objects(ctx, p.objects, func(i int, v mib.Value) { scalars[i] = v }) {
		if err != nil {
			r.err = err
			break
		}
		rows = append(rows, row)
	}
	if errors.Is(r.err, netstat.ErrUnknownValues) {
		r.err = nil // all rows are there
	}
	r.part, r.took = p, time.Since(began)
	slices.SortFunc(rows, func(a, b remote.ObjectRow) int { return a.Index.Compare(b.Index) })
	b := newBuilder(p, len(rows))
	for i, v := range scalars {
		if v != (mib.Value{}) {
			r.told++
			b.add(i, p.scalars[i], v, nil)
		}
	}
	for _, row := range rows {
		index, rest, ok := row.Index.CutSubidentifier()
		if !ok || !rest.IsEmpty() {
			r.err = cmp.Or(r.err, fmt.Errorf("%s: the index %s is not one number", p.name, row.Index))
			continue
		}
		labels := b.labels(index, row.Values)
		for c, v := range row.Values {
			if v == (mib.Value{}) {
				continue
			}
			r.told++
			if f := p.columns[c]; f != nil {
				b.add(len(scalars)+c, f, v, labels)
			}
		}
	}
	r.values = b.values
	if r.told == 0 && r.err == nil {
		r.err = errNothing
	}
	return r
}

// builder makes metrics of a part. What belongs together lies in one piece of memory.
type builder struct {
	part    *part
	values  [][]*dto.Metric
	metrics []sample
	order   []lookup // labels of a row, sorted by name; column -1 is the index
}

// sample is a metric with what it points to.
type sample struct {
	metric  dto.Metric
	gauge   dto.Gauge
	counter dto.Counter
	value   float64
}

func newBuilder(p *part, rows int) *builder {
	b := &builder{part: p, values: make([][]*dto.Metric, len(p.scalars)+len(p.columns))}
	b.metrics = make([]sample, 0, len(p.scalars)+rows*len(p.columns))
	for i := range p.columns {
		b.values[len(p.scalars)+i] = make([]*dto.Metric, 0, rows)
	}
	if p.index != "" {
		b.order = append(slices.Clone(p.lookups), lookup{p.index, -1})
		slices.SortFunc(b.order, func(a, b lookup) int { return strings.Compare(a.label, b.label) })
	}
	return b
}

// labels returns the labels of a row.
func (b *builder) labels(index uint32, values []mib.Value) []*dto.LabelPair {
	pairs := make([]dto.LabelPair, len(b.order))
	texts := make([]string, len(b.order))
	all := make([]*dto.LabelPair, len(b.order))
	for i, l := range b.order {
		if l.column < 0 {
			texts[i] = strconv.FormatUint(uint64(index), 10)
		} else if v := values[l.column]; v != (mib.Value{}) {
			texts[i] = shown(v, text)
		}
		pairs[i] = dto.LabelPair{Name: &b.order[i].label, Value: &texts[i]}
		all[i] = &pairs[i]
	}
	return all
}

// add adds a metric of a family.
func (b *builder) add(at int, f *family, v mib.Value, labels []*dto.LabelPair) {
	value := 1.0
	switch f.form {
	case number:
		n, ok := numeric(v)
		if !ok {
			return
		}
		value = n
	default:
		// What is among the labels already stands there once.
		if !slices.ContainsFunc(labels, func(l *dto.LabelPair) bool { return l.GetName() == f.label }) {
			labels = with(labels, f.label, f.shown(v))
		}
	}
	if len(b.metrics) == cap(b.metrics) {
		b.metrics = make([]sample, 0, 64)
	}
	b.metrics = append(b.metrics, sample{value: value})
	s := &b.metrics[len(b.metrics)-1]
	s.metric.Label = labels
	if f.kind == dto.MetricType_COUNTER {
		s.counter.Value, s.metric.Counter = &s.value, &s.counter
	} else {
		s.gauge.Value, s.metric.Gauge = &s.value, &s.gauge
	}
	b.values[at] = append(b.values[at], &s.metric)
}

// with returns labels and one more, in the order of their names.
func with(labels []*dto.LabelPair, name, value string) []*dto.LabelPair {
	at, _ := slices.BinarySearchFunc(labels, name, func(l *dto.LabelPair, name string) int { return strings.Compare(l.GetName(), name) })
	return slices.Insert(slices.Clone(labels), at, &dto.LabelPair{Name: &name, Value: &value})
}

// numeric returns the number that a value is; ok is false for one that is none.
func numeric(v mib.Value) (n float64, ok bool) {
	switch v.Type() {
	case mib.Integer32:
		return float64(v.Int()), true
	case mib.Counter32, mib.Gauge32, mib.TimeTicks:
		return float64(v.Uint()), true
	case mib.Counter64:
		return float64(v.Uint() % wrap), true
	}
	return 0, false
}

// shown returns a value as a label.
func (f *family) shown(v mib.Value) string {
	if f.form == enumerated {
		if v.Type() == mib.Integer32 {
			if name, ok := f.names[int64(v.Int())]; ok {
				return name
			}
		}
		return shown(v, text)
	}
	return shown(v, f.form)
}

// shown returns a value as text.
func shown(v mib.Value, as form) string {
	switch v.Type() {
	case mib.OctetString:
		switch octets := v.Octets(); {
		case as == address48:
			var six [6]byte
			copy(six[:], octets)
			return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", six[0], six[1], six[2], six[3], six[4], six[5])
		case as == text:
			return strings.ToValidUTF8(octets, "\uFFFD")
		case octets == "":
			return ""
		default:
			return fmt.Sprintf("0x%X", octets)
		}
	case mib.ObjectIdentifier:
		return v.OID().String()
	case mib.IPAddress:
		return v.Addr().String()
	}
	if v.Type() == mib.Integer32 {
		return strconv.FormatInt(int64(v.Int()), 10)
	}
	return strconv.FormatUint(v.Uint(), 10)
}
