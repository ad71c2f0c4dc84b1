package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

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
	if isCompletion(words) {
		return complete(ctx, words, p.out)
	}
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
		_, err := io.WriteString(p.out, usage(c.protocol))
		return err
	case 'V':
		_, err := fmt.Fprintln(p.out, "conntrack", commandline.Version(version), "(netsnmp-agent)")
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

func (p *program) do(ctx context.Context, c *command) error {
	if c.expect {
		return p.doExpectations(ctx, c)
	}
	switch c.verb {
	case 'L':
		return p.list(ctx, c)
	case 'C':
		return p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
			u, err := k.FlowUsage(ctx)
			if err != nil {
				return err
			}
			return p.count(from, u.Flows)
		})
	case 'S':
		return p.statistics(ctx, c)
	case 'E':
		return p.follow(ctx, c)
	case 'G':
		return p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
			f, err := k.Flow(ctx, c.key(), false)
			if err != nil {
				return err
			}
			w := p.writer(c)
			row := show.NewRow(from, show.TrackedFlow{Flow: f})
			if q := c.query(); q.Matches(&f) && c.matches(&row) {
				w.flow(&row)
			}
			if err := p.shown(w, "%d flow entries have been shown."); err != nil || w.n > 0 {
				return err
			}
			return errNothing
		})
	}
	w, n := p.writer(c), 0
	err := p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
		e, err := k.EditFlows()
		if err != nil {
			return err
		}
		defer e.Close()
		changed, err := edit(ctx, c, k, e, w, from)
		n += changed
		return err
	})
	if err := w.closeAfter(err); err != nil {
		return err
	}
	word := map[byte]string{'I': "created", 'A': "added", 'D': "deleted", 'U': "updated"}[c.verb]
	if c.verb == 'F' {
		p.say("connection tracking table has been emptied.")
		return nil
	}
	p.say("%d flow entries have been %s.", n, word)
	if n == 0 && (c.verb == 'D' || c.verb == 'U') {
		return errNothing
	}
	return nil
}

func (p *program) count(from *show.Source, n netstat.Optional[uint32]) error {
	_, err := fmt.Fprintf(p.out, "%s%v\n", appendNetNS(nil, from.NetNS), n)
	return err
}

// edit does what changes flows, shows those that are met, and returns how many
// they are.
func edit(ctx context.Context, c *command, k *collectors.Kernel, e *collectors.FlowEditor, w *writer, from *show.Source) (n int, err error) {
	switch c.verb {
	case 'I', 'A':
		put := e.Create
		if c.verb == 'A' {
			put = e.Put
		}
		n, err = put(ctx, func(yield func(netstat.NewFlow) bool) { yield(c.newFlow()) })
		if err == nil && c.has("label-add") {
			err = c.checkLabels(ctx, k)
		}
		return n, err
	case 'D':
		n, err = e.DeleteEach(ctx, c.query(), func(f *netstat.Flow) bool {
			row := show.NewRow(from, show.TrackedFlow{Flow: *f})
			if !c.matches(&row) {
				return false
			}
			w.deleted = true
			w.flow(&row)
			return w.err == nil
		})
		return n, errors.Join(err, w.err)
	case 'U':
		return update(ctx, c, k, e, w, from)
	case 'F':
		var q netstat.FlowQuery
		if c.family != 0 {
			q.Families = []netstat.Family{c.family}
		}
		return e.Flush(ctx, q)
	}
	return 0, wrong("-%c changes no flows", c.verb)
}

// checkLabels reports whether the flow that was made has the labels that it was given:
// the kernel keeps labels only while rules use some, and says nothing.
func (c *command) checkLabels(ctx context.Context, k *collectors.Kernel) error {
	made := c.newFlow()
	f, err := k.Flow(ctx, made.Key(), false)
	if err != nil {
		return err
	}
	if labels := f.Labels.Or(netstat.FlowLabels{}); !labels.Contains(&c.labelChange) {
		return errors.New("the flow is there, without its labels: the kernel keeps labels while a rule sets or matches one")
	}
	return nil
}

func update(ctx context.Context, c *command, k *collectors.Kernel, e *collectors.FlowEditor, w *writer, from *show.Source) (n int, err error) {
	var failed error
	err = k.EachFlow(ctx, c.query(), func(f *netstat.Flow) bool {
		row := show.NewRow(from, show.TrackedFlow{Flow: *f})
		if !c.matches(&row) {
			return true
		}
		change, differs := c.change(f)
		if !differs {
			return true
		}
		if failed = e.Change(ctx, row.Value().Flow, change); failed != nil {
			if errors.Is(failed, fs.ErrNotExist) { // it ended meanwhile
				failed = nil
				return true
			}
			return false
		}
		n++
		if now, err := k.Flow(ctx, f.Key(), false); err == nil {
			row.Value().Flow = now
			w.flow(&row)
		}
		return w.err == nil
	})
	return n, errors.Join(failed, err, w.err)
}

func (p *program) list(ctx context.Context, c *command) error {
	w := p.writer(c)
	err := p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
		var owners *netstat.FlowOwners
		if c.processes {
			var err error
			if owners, err = netstat.ReadFlowOwners(ctx, k, netstat.DefaultFlowOwners); err != nil {
				return err
			}
		}
		row := show.NewRow(from, show.TrackedFlow{List: c.list})
		v := row.Value()
		err := k.EachFlow(ctx, c.query(), func(f *netstat.Flow) bool {
			v.Flow = *f
			if owners != nil {
				v.Owners = owners.Of(f)
			}
			if c.matches(&row) {
				w.flow(&row)
			}
			return w.err == nil
		})
		return errors.Join(err, w.err)
	})
	if err != nil {
		return w.closeAfter(err)
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
	return p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
		switch {
		case c.form.json && c.expect:
			return printJSON(p.out, show.ExpectationStatistics(), from, k.ExpectationStatistics(ctx))
		case c.form.json:
			return printJSON(p.out, show.FlowStatistics(), from, k.FlowStatistics(ctx))
		case c.expect:
			for s, err := range k.ExpectationStatistics(ctx) {
				if err == nil {
					err = p.counters(from, s.CPU, func(yield func(string, uint32) bool) {
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
				err = p.counters(from, s.CPU, s.All())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// counters prints a line of what was counted on a processor.
func (p *program) counters(from *show.Source, cpu uint16, counters iter.Seq2[string, uint32]) error {
	b := fmt.Appendf(appendNetNS(nil, from.NetNS), "cpu=%-4d\t", cpu)
	for name, n := range counters {
		b = fmt.Appendf(b, "%s=%d ", name, n)
	}
	_, err := p.out.Write(append(b, '\n'))
	return err
}

func (c *command) matchesExpectation(row *expectationRow) bool {
	return c.filter == nil || c.filter.Match(func(i int) table.Value { return c.expectations().Fields[i].Value(row) })
}

func (p *program) doExpectations(ctx context.Context, c *command) error {
	var families []netstat.Family
	if c.family != 0 {
		families = []netstat.Family{c.family}
	}
	switch c.verb {
	case 'L':
		w := p.writer(c)
		err := p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
			for x, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				row := show.NewRow(from, x)
				if c.matchesExpectation(&row) {
					w.expectation(&row)
				}
			}
			return w.err
		})
		if err != nil {
			return w.closeAfter(err)
		}
		return p.shown(w, "%d expectations have been shown.")
	case 'C':
		return p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
			n := uint32(0)
			for _, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				n++
			}
			return p.count(from, netstat.Known(n))
		})
	case 'S':
		return p.statistics(ctx, c)
	case 'E':
		return p.follow(ctx, c)
	}
	deleted := 0
	err := p.each(ctx, c, func(k *collectors.Kernel, from *show.Source) error {
		if c.verb == 'G' {
			want := c.expectation().Tuple
			for x, err := range k.Expectations(ctx, families...) {
				if err != nil {
					return err
				}
				if x.Tuple == want || x.Master == want {
					w := p.writer(c)
					row := show.NewRow(from, x)
					w.expectation(&row)
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
			err := e.DeleteExpectation(ctx, c.expectation())
			if err == nil {
				deleted++
			} else if len(c.netns) > 0 && errors.Is(err, fs.ErrNotExist) {
				return nil // it may be in another namespace
			}
			return err
		}
		return e.FlushExpectations(ctx)
	})
	switch {
	case err != nil:
		return err
	case c.verb == 'D' && deleted == 0:
		return fmt.Errorf("delete an expectation: %w", fs.ErrNotExist)
	case c.verb == 'F':
		p.say("expectation table has been emptied.")
	}
	return nil
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
	n := 1
	for ; lines.Scan(); n++ {
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
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return wrong("line %d is longer than %d octets", n, longestCommand)
	case err != nil:
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
	from := &show.Source{Stack: k}
	for i := 0; i < len(all); {
		// Flows to make that follow one another go to the kernel together.
		end := i + 1
		if verb := all[i].verb; verb == 'I' || verb == 'A' {
			for end < len(all) && all[end].verb == verb {
				end++
			}
			put := e.Create
			if verb == 'A' {
				put = e.Put
			}
			_, err = put(ctx, func(yield func(netstat.NewFlow) bool) {
				for _, c := range all[i:end] {
					if !yield(c.newFlow()) {
						return
					}
				}
			})
		} else {
			w := p.writer(all[i].command)
			_, err = edit(ctx, all[i].command, k, e, w, from)
			err = w.closeAfter(err)
		}
		if err != nil {
			return byLine(err, func(index int) int { return all[i+index].line })
		}
		i = end
	}
	return nil
}

// byLine says in which lines the kernel refused something, the first of which has the
// index 0.
func byLine(err error, line func(index int) int) error {
	var refused []error
	var walk func(err error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // each of those that are joined is looked at
		case *collectors.FlowError:
			refused = append(refused, fmt.Errorf("line %d: %w", line(e.Index), e.Err))
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				walk(err)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	if walk(err); len(refused) > 0 {
		return errors.Join(refused...)
	}
	return fmt.Errorf("line %d: %w", line(0), err)
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
