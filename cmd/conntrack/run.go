package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// allNamespaces is what --netns takes for every namespace.
const allNamespaces = "all"

// errNothing says that a command which is for entries met none. It was said
// already.
var errNothing = errors.New("no entries")

// program is one run.
type program struct {
	in       io.Reader
	out, err io.Writer
	labels   *labelNames
}

func (p *program) run(ctx context.Context, words []string) error {
	verb, file, _, err := parseWords(words)
	if err != nil {
		return err
	}
	c, err := parseCommand(words, p.labels)
	if err != nil {
		return err
	}
	switch verb {
	case 'h':
		_, err := io.WriteString(p.out, usage())
		return err
	case 'V':
		version := "(devel)"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
			version = info.Main.Version
		}
		_, err := fmt.Fprintln(p.out, "conntrack", version, "(netsnmp-agent)")
		return err
	case 'R':
		return p.load(ctx, file)
	}
	return p.do(ctx, c)
}

// say tells people, beside the output, how many there were.
func (p *program) say(format string, args ...any) {
	fmt.Fprintf(p.err, "conntrack: "+format+"\n", args...)
}

// each opens the namespaces that a command is for, one after the other.
func (p *program) each(ctx context.Context, c *command, f func(k *collectors.Kernel, netns string) error) error {
	names := c.netns
	if slices.Contains(names, allNamespaces) {
		own, err := collectors.Open(collectors.Options{})
		if err != nil {
			return err
		}
		defer own.Close()
		names = nil
		for n, err := range own.Namespaces(ctx) {
			if err != nil {
				return err
			}
			switch {
			case n.Current:
				names = append(names, "")
			case len(n.Paths) > 0:
				names = append(names, n.Paths[0])
			case len(n.Processes) > 0:
				names = append(names, fmt.Sprintf("/proc/%d/ns/net", n.Processes[0].PID))
			}
		}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		k, err := collectors.Open(collectors.Options{NetNS: name})
		if err != nil {
			return err
		}
		label := ""
		if len(names) > 1 {
			if label = strings.TrimPrefix(name, "/run/netns/"); label == "" {
				label = "."
			}
		}
		err = f(k, label)
		if e := k.Close(); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *program) do(ctx context.Context, c *command) error {
	if c.expect {
		return p.doExpectations(ctx, c)
	}
	switch c.verb {
	case 'L':
		return p.list(ctx, c)
	case 'C':
		return p.each(ctx, c, func(k *collectors.Kernel, netns string) error {
			u, err := k.FlowUsage(ctx)
			if err != nil {
				return err
			}
			return p.count(netns, u.Flows)
		})
	case 'S':
		return p.statistics(ctx, c)
	}
	return p.each(ctx, c, func(k *collectors.Kernel, _ string) error {
		switch c.verb {
		case 'G':
			f, err := k.Flow(ctx, c.key(), false)
			if err != nil {
				return err
			}
			w := p.writer(c)
			w.flow(&flowRow{Flow: f})
			return p.shown(w, "%d flow entries have been shown.")
		case 'E':
			return p.follow(ctx, c, k)
		}
		e, err := k.EditFlows()
		if err != nil {
			return err
		}
		defer e.Close()
		return p.edit(ctx, c, k, e, true)
	})
}

func (p *program) count(netns string, n netstat.Optional[uint32]) error {
	if netns != "" {
		netns += " "
	}
	_, err := fmt.Fprintf(p.out, "%s%v\n", netns, n)
	return err
}

// edit does what changes flows. strict says that nothing to delete or change is a
// failure.
func (p *program) edit(ctx context.Context, c *command, k *collectors.Kernel, e *collectors.FlowEditor, strict bool) error {
	switch c.verb {
	case 'I', 'A':
		make, word := e.Create, "created"
		if c.verb == 'A' {
			make, word = e.Put, "added"
		}
		n, err := make(ctx, func(yield func(netstat.NewFlow) bool) { yield(c.newFlow()) })
		if err != nil {
			return err
		}
		if strict {
			p.say("%d flow entries have been %s.", n, word)
		}
		return nil
	case 'D':
		w := p.writer(c)
		n, err := e.DeleteEach(ctx, c.query(), func(f *netstat.Flow) bool {
			if !c.matches(f) {
				return false
			}
			w.deleted = true
			w.flow(&flowRow{Flow: *f})
			return w.err == nil
		})
		if err := errors.Join(err, w.close()); err != nil {
			return err
		}
		return p.done(n, "deleted", strict)
	case 'U':
		return p.update(ctx, c, k, e, strict)
	case 'F':
		var q netstat.FlowQuery
		if c.family != 0 {
			q.Families = []netstat.Family{c.family}
		}
		if _, err := e.Flush(ctx, q); err != nil {
			return err
		}
		p.say("connection tracking table has been emptied.")
		return nil
	}
	return wrong("-%c changes no flows", c.verb)
}

func (p *program) done(n int, word string, strict bool) error {
	if !strict {
		return nil
	}
	p.say("%d flow entries have been %s.", n, word)
	if n == 0 {
		return errNothing
	}
	return nil
}

func (p *program) update(ctx context.Context, c *command, k *collectors.Kernel, e *collectors.FlowEditor, strict bool) error {
	w := p.writer(c)
	n := 0
	var failed error
	err := k.EachFlow(ctx, c.query(), func(f *netstat.Flow) bool {
		if !c.matches(f) {
			return true
		}
		change, differs := c.change(f)
		if !differs {
			return true
		}
		old := *f
		if failed = e.Change(ctx, old, change); failed != nil {
			if errors.Is(failed, fs.ErrNotExist) { // it ended meanwhile
				failed = nil
				return true
			}
			return false
		}
		n++
		if now, err := k.Flow(ctx, old.Key(), false); err == nil {
			w.flow(&flowRow{Flow: now})
		}
		return w.err == nil
	})
	if err := errors.Join(failed, err, w.close()); err != nil {
		return err
	}
	return p.done(n, "updated", strict)
}

func (p *program) list(ctx context.Context, c *command) error {
	w := p.writer(c)
	err := p.each(ctx, c, func(k *collectors.Kernel, netns string) error {
		row := flowRow{netns: netns}
		err := k.EachFlow(ctx, c.query(), func(f *netstat.Flow) bool {
			if !c.matches(f) {
				return true
			}
			row.Flow = *f
			w.flow(&row)
			return w.err == nil
		})
		return errors.Join(err, w.err)
	})
	if err != nil {
		return errors.Join(err, w.close())
	}
	return p.shown(w, "%d flow entries have been shown.")
}

func (p *program) shown(w *writer, format string) error {
	if err := w.close(); err != nil {
		return err
	}
	p.say(format, w.n)
	return nil
}

func (p *program) statistics(ctx context.Context, c *command) error {
	return p.each(ctx, c, func(k *collectors.Kernel, netns string) error {
		line := func(cpu uint16, each func(yield func(string, uint32) bool)) error {
			var b []byte
			if c.form.json {
				b = append(b, `{"kind":"conntrack-statistics"`...)
				if netns != "" {
					b = table.AppendJSONString(append(b, `,"netns":`...), netns)
				}
				b = fmt.Appendf(b, `,"cpu":%d`, cpu)
				each(func(name string, n uint32) bool { b = fmt.Appendf(b, `,%q:%d`, name, n); return true })
				b = append(b, '}', '\n')
			} else {
				if netns != "" {
					b = append(append(b, netns...), ' ')
				}
				b = fmt.Appendf(b, "cpu=%-4d\t", cpu)
				each(func(name string, n uint32) bool { b = fmt.Appendf(b, "%s=%d ", name, n); return true })
				b = append(b, '\n')
			}
			_, err := p.out.Write(b)
			return err
		}
		if c.expect {
			for s, err := range k.ExpectationStatistics(ctx) {
				if err == nil {
					err = line(s.CPU, func(yield func(string, uint32) bool) {
						_ = yield("expect_new", s.New.Or(0)) && yield("expect_create", s.Create.Or(0)) && yield("expect_delete", s.Delete.Or(0))
					})
				}
				if err != nil {
					return err
				}
			}
			return nil
		}
		for s, err := range k.FlowStatistics(ctx) {
			if err == nil {
				err = line(s.CPU, s.All())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// follow shows events until the context ends.
func (p *program) follow(ctx context.Context, c *command, k *collectors.Kernel) error {
	kinds := c.events
	if kinds == 0 {
		kinds = collectors.FlowCreated | collectors.FlowUpdated | collectors.FlowDestroyed
		if c.expect {
			kinds = collectors.ExpectationCreated | collectors.ExpectationDestroyed
		}
	}
	l, err := k.ListenFlows(kinds, c.buffer)
	if err != nil {
		return err
	}
	if c.has("buffer-size") {
		p.say("the receive buffer has %d bytes.", l.BufferSize())
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer l.Close()
	w := p.writer(c)
	q := c.query()
	for {
		err := l.Receive(func(e *collectors.FlowEvent) error {
			at := e.Time
			if at.IsZero() {
				at = time.Now()
			}
			w.kind, w.port, w.at = e.Kind, e.Port, at
			event := strings.ToLower(strings.Trim(eventName(e.Kind), " []"))
			if c.expect {
				row := expectationRow{Expectation: e.Expectation, event: event, time: at}
				if c.matchesExpectation(&row) {
					w.expectation(&row)
				}
			} else if q.Matches(&e.Flow) && c.matches(&e.Flow) {
				w.flow(&flowRow{Flow: e.Flow, event: event, port: e.Port, time: at})
			}
			return w.err
		})
		if err == nil {
			err = w.flush()
		}
		switch {
		case err == nil:
		case errors.Is(err, collectors.ErrGap):
			p.say("events were lost here, since they came faster than they were shown: see --buffer-size.")
		case ctx.Err() != nil:
			what := "flow"
			if c.expect {
				what = "expectation"
			}
			return p.shown(w, "%d "+what+" events have been shown.")
		default:
			return errors.Join(err, w.close())
		}
	}
}

func (c *command) matchesExpectation(row *expectationRow) bool {
	return c.filter == nil || c.filter.Match(func(i int) table.Value { return expectationKind.Fields[i].Value(row) })
}

func (p *program) doExpectations(ctx context.Context, c *command) error {
	var families []netstat.Family
	if c.family != 0 {
		families = []netstat.Family{c.family}
	}
	switch c.verb {
	case 'L':
		w := p.writer(c)
		err := p.each(ctx, c, func(k *collectors.Kernel, netns string) error {
			for x, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				row := expectationRow{Expectation: x, netns: netns}
				if c.matchesExpectation(&row) {
					w.expectation(&row)
				}
			}
			return w.err
		})
		if err != nil {
			return errors.Join(err, w.close())
		}
		return p.shown(w, "%d expectations have been shown.")
	case 'C':
		return p.each(ctx, c, func(k *collectors.Kernel, netns string) error {
			n := uint32(0)
			for _, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				n++
			}
			return p.count(netns, netstat.Known(n))
		})
	case 'S':
		return p.statistics(ctx, c)
	}
	return p.each(ctx, c, func(k *collectors.Kernel, _ string) error {
		switch c.verb {
		case 'E':
			return p.follow(ctx, c, k)
		case 'G':
			want := c.expectation().Tuple
			for x, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				if x.Tuple == want || x.Master == want {
					w := p.writer(c)
					w.expectation(&expectationRow{Expectation: x})
					return p.shown(w, "%d expectations have been shown.")
				}
			}
			return fmt.Errorf("get an expectation: %w", fs.ErrNotExist)
		}
		e, err := k.EditFlows()
		if err != nil {
			return err
		}
		defer e.Close()
		switch c.verb {
		case 'I':
			return e.CreateExpectation(ctx, c.expectation())
		case 'D':
			return e.DeleteExpectation(ctx, c.expectation())
		}
		if err := e.FlushExpectations(ctx); err != nil {
			return err
		}
		p.say("expectation table has been emptied.")
		return nil
	})
}

// longestCommand and mostCommands bound a file of commands.
const (
	longestCommand = 10240
	mostCommands   = 10_000_000
)

// load runs the commands of a file. All of them are read before the first is run.
func (p *program) load(ctx context.Context, name string) error {
	in := p.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return &usageError{err.Error()}
		}
		defer f.Close()
		in = f
	}
	type numbered struct {
		*command
		line int
	}
	var all []numbered
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestCommand)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		words, err := splitWords(text)
		if err != nil {
			return wrong("line %d: %v", n, err)
		}
		c, err := parseCommand(words, p.labels)
		if err != nil {
			return wrong("line %d: %v", n, err)
		}
		if c.expect || strings.IndexByte("IAUDF", c.verb) < 0 {
			return wrong("line %d: -%c cannot be loaded from a file", n, c.verb)
		}
		if len(c.netns) > 0 {
			return wrong("line %d: --netns cannot be loaded from a file", n)
		}
		if len(all) == mostCommands {
			return wrong("more than %d commands", mostCommands)
		}
		all = append(all, numbered{c, n})
	}
	if err := lines.Err(); err != nil {
		return err
	}
	k, err := collectors.Open(collectors.Options{})
	if err != nil {
		return err
	}
	defer k.Close()
	e, err := k.EditFlows()
	if err != nil {
		return err
	}
	defer e.Close()
	for i := 0; i < len(all); {
		// Flows to make that follow one another go to the kernel together.
		end := i + 1
		if verb := all[i].verb; verb == 'I' || verb == 'A' {
			for end < len(all) && all[end].verb == verb {
				end++
			}
			make := e.Create
			if verb == 'A' {
				make = e.Put
			}
			_, err = make(ctx, func(yield func(netstat.NewFlow) bool) {
				for _, c := range all[i:end] {
					if !yield(c.newFlow()) {
						return
					}
				}
			})
		} else {
			err = p.edit(ctx, all[i].command, k, e, false)
		}
		if err != nil {
			return fmt.Errorf("line %d and what follows: %w", all[i].line, err)
		}
		i = end
	}
	return nil
}

// splitWords takes a line apart as a shell would that knows quotation marks and,
// within them, backslashes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word []byte
	inWord, quoted, escaped := false, false, false
	for _, c := range []byte(line) {
		switch {
		case escaped:
			word, escaped = append(word, c), false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted, inWord = !quoted, true
		case !quoted && (c == ' ' || c == '\t'):
			if inWord {
				words, word, inWord = append(words, string(word)), nil, false
			}
		default:
			word, inWord = append(word, c), true
		}
	}
	if quoted {
		return nil, errors.New("a quotation mark is not closed")
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}

// writer prints entries in the form that was asked for.
type writer struct {
	c      *command
	labels *labelNames
	out    io.Writer
	b      []byte
	n      int
	err    error
	begun  bool

	flows        *table.Printer[flowRow]
	expectations *table.Printer[expectationRow]

	// Of the event that is shown.
	kind    collectors.FlowEvents
	port    uint32
	at      time.Time
	deleted bool

	lastPort uint32
	lastName string
}

func (p *program) writer(c *command) *writer {
	w := &writer{c: c, labels: p.labels, out: p.out}
	if !c.form.json && c.order == nil {
		return w
	}
	// Rows that are sorted are held by the printer, the lines of people being a
	// table of one column.
	out := table.NewOutput(p.out)
	out.JSON = c.form.json
	if c.expect {
		w.expectations = table.NewPrinter(out, table.Table[expectationRow]{Kind: expectationKind, Order: c.order, NoHeadings: true,
			Columns: []table.Column[expectationRow]{{Append: w.appendExpectation}}})
	} else {
		w.flows = table.NewPrinter(out, table.Table[flowRow]{Kind: flowKind, Order: c.order, NoHeadings: true,
			Columns: []table.Column[flowRow]{{Append: w.appendFlow}}})
	}
	return w
}

// flushAt is how much is written at a time.
const flushAt = 64 << 10

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
	if w.kind != 0 && w.flows != nil && w.err == nil {
		w.err = w.flows.Flush()
	}
	if w.kind != 0 && w.expectations != nil && w.err == nil {
		w.err = w.expectations.Flush()
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
		at := w.at
		if at.IsZero() {
			at = time.Now()
		}
		b = fmt.Appendf(b, "[%d.%06d]\t", at.Unix(), at.Nanosecond()/1000)
	}
	if netns != "" {
		b = append(table.AppendEscaped(b, netns), ' ')
	}
	return b
}

func (w *writer) flow(r *flowRow) {
	switch {
	case w.err != nil:
	case w.flows != nil:
		w.n++
		w.err = w.flows.Row(r)
	default:
		w.begin("conntrack")
		w.b = w.appendFlow(w.b, r)
		w.line()
	}
}

func (w *writer) appendFlow(b []byte, r *flowRow) []byte {
	b = w.appendBefore(b, r.netns)
	kind := w.kind
	switch {
	case w.c.form.save:
		if w.deleted {
			kind = collectors.FlowDestroyed
		}
		return appendSaved(b, &r.Flow, kind)
	case w.c.form.xml:
		return appendFlowXML(b, &r.Flow, kind, &w.c.form, w.labels, time.Now())
	}
	b = appendFlow(b, &r.Flow, kind, &w.c.form, w.labels)
	if w.port != 0 {
		b = fmt.Appendf(b, " [USERSPACE] portid=%d", w.port)
		if name := w.programOf(w.port); name != "" && w.c.form.userspace {
			b = table.AppendEscaped(append(b, " progname="...), name)
		}
	}
	return b
}

// programOf returns the name of the process whose number the netlink port is, as
// the first port of a process is.
func (w *writer) programOf(port uint32) string {
	if w.lastPort != port {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", port))
		w.lastPort, w.lastName = port, strings.TrimSpace(string(name))
		if err != nil {
			w.lastName = ""
		}
	}
	return w.lastName
}

func (w *writer) expectation(r *expectationRow) {
	switch {
	case w.err != nil:
	case w.expectations != nil:
		w.n++
		w.err = w.expectations.Row(r)
	default:
		w.begin("expect")
		w.b = w.appendExpectation(w.b, r)
		w.line()
	}
}

func (w *writer) appendExpectation(b []byte, r *expectationRow) []byte {
	b = w.appendBefore(b, r.netns)
	if w.c.form.xml {
		return appendExpectationXML(b, &r.Expectation, w.kind, &w.c.form, time.Now())
	}
	return appendExpectation(b, &r.Expectation, w.kind)
}

// close prints what is held.
func (w *writer) close() error {
	if w.err != nil {
		return w.err
	}
	if w.flows != nil {
		w.err = w.flows.Close()
	}
	if w.expectations != nil {
		w.err = w.expectations.Close()
	}
	if w.begun {
		element := "conntrack"
		if w.c.expect {
			element = "expect"
		}
		w.b = append(w.b, "</"+element+">\n"...)
	}
	return w.flush()
}
