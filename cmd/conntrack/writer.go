package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// writer prints entries in the form that was asked for.
type writer struct {
	c      *command
	labels *labelNames
	out    io.Writer
	b      []byte
	n      int
	err    error
	begun  bool

	flows        entries[flowRow]
	expectations entries[expectationRow]
	held         interface { // the printer of either, if there is one
		Flush() error
		Close() error
	}

	// Of the event that is shown.
	kind    collectors.FlowEvents
	event   show.Event
	deleted bool
}

// entries is how those of a kind are printed.
type entries[T any] struct {
	element string                        // of XML, around them
	append  func(b []byte, row *T) []byte // appends one
	printer *table.Printer[T]             // of JSON and of rows that are sorted
}

func (p *program) writer(c *command) *writer {
	w := &writer{c: c, labels: p.labels, out: p.out, b: make([]byte, 0, flushAt+flushAt/8)}
	w.flows = entries[flowRow]{element: "conntrack", append: w.appendFlow}
	w.expectations = entries[expectationRow]{element: "expect", append: w.appendExpectation}
	switch {
	case !c.form.json && c.order == nil:
	case c.expect:
		w.held = w.expectations.hold(p.out, c, c.expectations())
	default:
		w.held = w.flows.hold(p.out, c, c.flows())
	}
	return w
}

// hold leaves rows to a printer, which sorts them. The lines of people are a
// table of one column to it.
func (e *entries[T]) hold(to io.Writer, c *command, kind *table.Kind[T]) *table.Printer[T] {
	out := table.NewOutput(to)
	out.JSON = c.form.json
	e.printer = table.NewPrinter(out, table.Table[T]{Kind: kind, Order: c.order, NoHeadings: true, Columns: []table.Column[T]{{Append: e.append}}})
	return e.printer
}

// row prints one.
func (e *entries[T]) row(w *writer, row *T) {
	switch {
	case w.err != nil:
	case e.printer != nil:
		w.n++
		w.err = e.printer.Row(row)
	default:
		w.begin(e.element)
		w.b = e.append(w.b, row)
		w.line()
	}
}

func (w *writer) flow(r *flowRow)               { w.flows.row(w, r) }
func (w *writer) expectation(r *expectationRow) { w.expectations.row(w, r) }

// flushAt is how much is written at a time: half of what a pipe holds, so that it is
// filled while whoever reads empties it.
const flushAt = 32 << 10

func (w *writer) line() {
	w.b = append(w.b, '\n')
	w.n++
	if len(w.b) >= flushAt {
		_ = w.flush() // w.err keeps the error
	}
}

func (w *writer) flush() error {
	if len(w.b) > 0 && w.err == nil {
		_, w.err = w.out.Write(w.b)
	}
	w.b = w.b[:0]
	if w.kind != 0 && w.held != nil && w.err == nil { // events are seen as they come
		w.err = w.held.Flush()
	}
	return w.err
}

func (w *writer) begin(element string) {
	if w.c.form.xml && !w.begun {
		w.begun = true
		w.b = append(w.b, xmlHead+"<"+element+">\n"...)
	}
}

// appendBefore appends what stands before an entry.
func (w *writer) appendBefore(b []byte, netns string) []byte {
	if w.c.form.timestamp && !w.c.form.xml {
		at := w.event.Time
		if at.IsZero() {
			at = time.Now()
		}
		b = fmt.Appendf(b, "[%d.%06d]\t", at.Unix(), at.Nanosecond()/1000)
	}
	return appendNetNS(b, netns)
}

// appendNetNS appends the name of a namespace, where several are shown.
func appendNetNS(b []byte, netns string) []byte {
	if netns == "" {
		return b
	}
	return append(table.AppendEscaped(b, netns), ' ')
}

func (w *writer) appendFlow(b []byte, r *flowRow) []byte {
	b = w.appendBefore(b, r.NetNS())
	kind, v := w.kind, r.Value()
	switch {
	case w.c.form.save:
		if w.deleted {
			kind = collectors.FlowDestroyed
		}
		return appendSaved(b, &v.Flow, kind)
	case w.c.form.xml:
		return appendFlowXML(b, &v.Flow, kind, &w.c.form, w.labels, time.Now())
	}
	b = appendFlow(b, &v.Flow, kind, &w.c.form, w.labels)
	b = appendProcesses(b, " source-process=", v.Owners.Source)
	b = appendProcesses(b, " destination-process=", v.Owners.Destination)
	if w.event.Port != 0 {
		b = fmt.Appendf(b, " [USERSPACE] portid=%d", w.event.Port)
		if w.event.Program != "" {
			b = table.AppendEscaped(append(b, " progname="...), w.event.Program)
		}
	}
	return b
}

func (w *writer) appendExpectation(b []byte, r *expectationRow) []byte {
	b = w.appendBefore(b, r.NetNS())
	if w.c.form.xml {
		return appendExpectationXML(b, r.Value(), w.kind, &w.c.form, time.Now())
	}
	return appendExpectation(b, r.Value(), w.kind)
}

// closeAfter closes the writer after an error, which may be the writer's own.
func (w *writer) closeAfter(err error) error {
	if own := w.err; own != nil && errors.Is(err, own) {
		return err
	}
	return errors.Join(err, w.close())
}

// close prints what is held.
func (w *writer) close() error {
	if w.err != nil {
		return w.err
	}
	if w.held != nil {
		w.err = w.held.Close()
	}
	if w.begun {
		element := w.flows.element
		if w.c.expect {
			element = w.expectations.element
		}
		w.b = append(w.b, "</"+element+">\n"...)
	}
	return w.flush()
}
