package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// wrap is where 64-bit counters begin anew: a sample has 53 bits of precision.
const wrap = 1 << 53

// partReading is what was read of a part.
type partReading struct {
	part   *part
	values [][]point // by family: scalars, then columns
	rows   []rowLabels
	told   int // values that the agent told
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

// panicError is a panic while a part was read. A host's answer must not end the program that asks all others.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("the program failed at it, of which its log tells: %v", e.value)
}

// readPart reads a part and makes metrics of it.
func readPart(ctx context.Context, stack *remote.Stack, p *part) (r partReading) {
	began := time.Now()
	defer func() {
		if value := recover(); value != nil {
			r = partReading{part: p, took: time.Since(began), err: &panicError{value, debug.Stack()}}
		}
	}()
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
			b.add(i, p.scalars[i], v, -1)
		}
	}
	for _, row := range rows {
		index, rest, ok := row.Index.CutSubidentifier()
		if !ok || !rest.IsEmpty() {
			r.err = cmp.Or(r.err, fmt.Errorf("%s: the index %s is not one number", p.name, row.Index))
			continue
		}
		if slices.ContainsFunc(p.lookups, func(l lookup) bool { return row.Values[l.column].Type() == mib.Null }) {
			continue // with other labels it would be another series
		}
		r.rows = append(r.rows, b.labels(index, row.Values))
		for c, v := range row.Values {
			if v == (mib.Value{}) || v.Type() == mib.Null {
				continue
			}
			r.told++
			if f := p.columns[c]; f != nil {
				b.add(len(scalars)+c, f, v, len(r.rows)-1)
			}
		}
	}
	r.values = b.values
	if r.told == 0 && r.err == nil {
		r.err = errNothing
	}
	return r
}

// point is a sample of a family.
type point struct {
	row   int // of its labels, -1 for none
	value float64
	// text is the value of the label that the family has besides, where it is labelled.
	text     string
	labelled bool
}

// rowLabels are the labels that all samples of a row have: their values in the order of labelNames, and both as the text format has them.
type rowLabels struct {
	texts []string
	shown string
}

// labelNames are the labels of a row by name, in order; column -1 is the index.
func (p *part) labelNames() []lookup {
	if p.index == "" {
		return nil
	}
	all := append(slices.Clone(p.lookups), lookup{p.index, -1})
	slices.SortFunc(all, func(a, b lookup) int { return strings.Compare(a.label, b.label) })
	return all
}

// builder makes samples of a part.
type builder struct {
	values [][]point
	order  []lookup
	line   []byte
}

func newBuilder(p *part, rows int) *builder {
	b := &builder{values: make([][]point, len(p.scalars)+len(p.columns)), order: p.labelNames()}
	for i, f := range p.columns {
		if f != nil {
			b.values[len(p.scalars)+i] = make([]point, 0, rows)
		}
	}
	return b
}

// labels returns the labels of a row.
func (b *builder) labels(index uint32, values []mib.Value) rowLabels {
	texts := make([]string, len(b.order))
	b.line = b.line[:0]
	for i, l := range b.order {
		if l.column < 0 {
			texts[i] = strconv.FormatUint(uint64(index), 10)
		} else if v := values[l.column]; v != (mib.Value{}) {
			texts[i] = shown(v, text)
		}
		b.line = appendLabel(b.line, l.label, texts[i])
	}
	return rowLabels{texts, string(b.line)}
}

// add adds a sample of a family.
func (b *builder) add(at int, f *family, v mib.Value, row int) {
	of := point{row: row, value: 1}
	if f.form == number {
		n, ok := numeric(v)
		if !ok {
			return
		}
		of.value = n
	} else if !slices.ContainsFunc(b.order, func(l lookup) bool { return row >= 0 && l.label == f.label }) {
		// What is among the labels of the row already stands there once.
		of.text, of.labelled = f.shown(v), true
	}
	b.values[at] = append(b.values[at], of)
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
