package show

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// run is a table in a run of the program.
type run[T any] struct {
	kind      *kind[T]
	s         *Session
	expr      *filter.Expr
	exprs     map[*Source]*filter.Expr // with the names of interfaces that each stack has
	order     *table.Order
	listeners bool // the filter asks for them

	printer *table.Printer[Row[T]]
	printed int      // rows since the headings
	held    []Row[T] // until the names in them are found
	part    string   // the section that is shown
	// paragraph shows a row in place of the columns; nil for columns.
	paragraph func(*Row[T])
	// each takes a row that is to be shown, in its order; print does unless the rows are
	// for a sheet.
	each func(*Row[T]) error
	// late says that names are looked up when rows are drawn, and hold up none.
	late bool
	// last is the sheet that was read last, nil where none was.
	last *sheet[T]
	// upper is the table that stands above, nil before it was opened.
	upper opened
}

// Describe returns the kind of the rows.
func (k *kind[T]) Describe() table.Description { return k.Kind.Describe() }

// Names returns what a filter and an order may name.
func (k *kind[T]) Names() []string {
	if k.filters != nil {
		return append(k.Kind.Names(), k.filters.Names()...)
	}
	return k.Kind.Names()
}

// open prepares the table for a run.
func (k *kind[T]) open(s *Session) (opened, error) {
	o := &run[T]{kind: k, s: s}
	o.each = o.print
	var err error
	if s.Filter != "" {
		if o.expr, err = filter.Parse(s.Filter, cmp.Or(k.filters, filter.Fields(k)), s.filterNames()); err != nil {
			return nil, fmt.Errorf("--filter: %w", err)
		}
	}
	if s.Sort != "" {
		if o.order, err = k.Order(s.Sort); err != nil {
			err = fmt.Errorf("--sort: %w", err)
		}
	}
	if o.expr != nil && k.listening.IsKnown() {
		state := k.Find("state")[0]
		o.listeners = o.expr.Names(state, k.listening) && k.possible(o.expr, state, k.listening)
	}
	if k.paragraph != nil && !s.JSON {
		o.paragraph = k.paragraph(s)
	}
	return o, err
}

// possible reports whether a filter can be true for a row that has that value in a
// field.
func (k *kind[T]) possible(expr *filter.Expr, field int, v table.Value) bool {
	can, _ := expr.Possible(func(f int) (table.Value, bool) { return v, f == field })
	return can
}

// openAll prepares tables for a run. Those whose rows have what the filter asks for
// are shown. It is an error that none has, or that none has what rows are to be
// sorted by.
func (s *Session) openAll(tables []Table) (shown []opened, err error) {
	var notFiltered, notSorted error
	sorted := false
	for _, t := range tables {
		o, err := t.open(s)
		var expression *filter.Error
		var field *table.UnknownFieldError
		switch {
		case errors.As(err, &expression) && expression.Unknown != "":
			notFiltered = errors.Join(notFiltered, err)
			continue
		case errors.As(err, &field):
			notSorted = errors.Join(notSorted, err)
		case err != nil:
			return nil, err
		default:
			sorted = true
		}
		shown = append(shown, o)
	}
	switch {
	case len(shown) == 0:
		return nil, notFiltered
	case !sorted:
		return nil, notSorted
	}
	return shown, nil
}

func (o *run[T]) follows() bool { return o.kind.growing }
func (o *run[T]) sums() bool    { return o.kind.growing && !o.kind.unsummed }

// begin begins a table, or a part of one, with its headings.
func (o *run[T]) begin() {
	t := table.Table[Row[T]]{Kind: o.kind.Kind, Columns: o.everyColumn(), Underline: o.kind.underline, NoHeadings: o.kind.noHeadings, Order: o.order}
	o.printer, o.printed, o.part = table.NewPrinter(o.s.out, t), 0, ""
}

// everyColumn returns the columns, with those of where a row is from where several stacks
// are shown.
func (o *run[T]) everyColumn() (columns []table.Column[Row[T]]) {
	if o.kind.columns != nil {
		columns = o.kind.columns(o.s)
	}
	if o.s.namesNamespaces() {
		columns = append(columns, table.Column[Row[T]]{Heading: "Namespace", Append: func(b []byte, r *Row[T]) []byte {
			return table.AppendEscaped(b, r.from.NetNS)
		}})
	}
	if slices.ContainsFunc(o.s.sources, func(src *Source) bool { return src.Host != "" }) {
		columns = append(columns, table.Column[Row[T]]{Heading: "Host", Append: func(b []byte, r *Row[T]) []byte {
			return table.AppendEscaped(b, r.from.Host)
		}})
	}
	return columns
}

// show shows the rows as they are now.
func (o *run[T]) show(ctx context.Context) error {
	if o.kind.optional && !o.s.asked && o.s.showsHosts() {
		return nil // SNMP tells of no such rows
	}
	switch {
	case !o.kind.growing:
		o.begin()
		title := o.kind.title
		if o.kind.titled != nil {
			title = o.kind.titled(&o.s.Options)
		}
		if o.kind.apart && !o.s.firstTable {
			o.s.out.Line("")
		}
		o.s.out.Title(title)
	case o.printer == nil || !o.s.alone: // headings stand above every turn's rows then
		o.begin()
	}
	if err := o.readAll(ctx); err != nil {
		return err
	}
	if o.kind.growing {
		return o.printer.Flush()
	}
	if o.paragraph == nil {
		return o.printer.Close()
	}
	if o.kind.rest != nil && o.expr == nil && len(o.s.Interfaces) == 0 {
		for _, src := range o.from() {
			o.kind.rest(ctx, o.s, src)
		}
	}
	return o.s.out.Flush()
}

// from returns the stacks that the rows are of.
func (o *run[T]) from() []*Source {
	if o.kind.ofHost {
		return o.s.sources[:1]
	}
	return o.s.sources
}

// readAll reads the rows of every stack as they are now, and shows each.
func (o *run[T]) readAll(ctx context.Context) error {
	from := o.from()
	o.nameInterfaces(ctx, from)
	a := o.inAdvance(ctx, from)
	defer a.stop()
	for range from {
		r, err := a.next(ctx)
		if err != nil {
			return err
		}
		if o.kind.growing && o.printed >= headingsEvery {
			if err := o.printer.Close(); err != nil {
				return err
			}
			o.begin()
		}
		if err := o.finish(ctx, r); err != nil {
			return err
		}
	}
	return o.release()
}

// headingsEvery is after how many rows that follow each other headings are shown
// again.
const headingsEvery = 20

// reading is the rows of one stack, which are about to be read.
type reading[T any] struct {
	query *query
	parts []part[T]
}

// prepare says what is to be read of a stack. What it cannot tell is said.
func (o *run[T]) prepare(ctx context.Context, src *Source) (*reading[T], error) {
	r := &reading[T]{&query{Session: o.s, src: src, expr: o.exprs[src], listeners: o.listeners}, nil}
	if o.kind.parts == nil {
		r.parts = []part[T]{{what: o.kind.what, optional: o.kind.optional && !o.s.asked, read: o.kind.read}}
		return r, nil
	}
	var err error
	if r.parts, err = o.kind.parts(ctx, r.query); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		o.s.complain(o.name(), src, err)
	}
	return r, nil
}

// finish reads the rows of one stack, and shows each. What it cannot tell is said, and the
// others go on.
func (o *run[T]) finish(ctx context.Context, of *reading[T]) error {
	q, src := of.query, of.query.src
	r := Row[T]{from: src}
	for _, p := range of.parts {
		if p.what == "" {
			p.what = o.name()
		}
		for v, err := range p.read(ctx, q) {
			r.v = v
			if err == nil && p.complete != nil {
				err = p.complete(&r.v)
			}
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				what := p.what
				if netstat.IsComplete(err) {
					what = o.name() // which parts lack the same is said once
				}
				o.s.lacks(what, src, err, !p.optional)
				break
			}
			if err := o.row(ctx, q, &r); err != nil {
				return err
			}
		}
	}
	return nil
}

// name is what complaints call the rows.
func (o *run[T]) name() string {
	if o.kind.what != "" {
		return o.kind.what
	}
	return o.kind.title
}

// row shows a row, if it is one to show.
func (o *run[T]) row(ctx context.Context, q *query, r *Row[T]) error {
	if o.kind.names != nil && r.from.interfaces == nil && o.kind.names(&r.v) {
		if o.s.readNames(ctx, r.from); ctx.Err() != nil {
			return ctx.Err() // without names a row would be another
		}
	}
	if !o.chosen(ctx, q, &r.v) {
		return nil
	}
	if q.expr != nil && o.kind.filters == nil && !q.expr.Match(func(field int) table.Value { return o.kind.Fields[field].Value(r) }) {
		return nil
	}
	if o.kind.lookUp == nil || o.s.resolver == nil || o.late {
		return o.each(r)
	}
	o.held = append(o.held, *r)
	if o.kind.whole {
		return nil
	}
	if o.kind.lookUp(o.s, r); len(o.held) < heldRows {
		return nil
	}
	return o.release()
}

// chosen reports whether the options let a row be shown.
func (o *run[T]) chosen(ctx context.Context, q *query, v *T) bool {
	s := o.s
	if len(s.Interfaces) > 0 && (o.kind.belongs == nil || !o.kind.belongs(ctx, q, v)) {
		return false
	}
	if s.IPv4 != s.IPv6 && o.kind.inFamily != nil {
		family := netstat.IPv6
		if s.IPv4 {
			family = netstat.IPv4
		}
		if !o.kind.inFamily(v, family) {
			return false
		}
	}
	return o.kind.keep == nil || o.kind.keep(q, v)
}

// heldRows is how many rows are held back at a time, until their names are found.
const heldRows = 256

// release prints the rows that are held back.
func (o *run[T]) release() error {
	if len(o.held) == 0 {
		return nil
	}
	if o.kind.whole {
		for i := range o.held {
			o.kind.lookUp(o.s, &o.held[i])
		}
	}
	o.s.resolver.Wait()
	for i := range o.held {
		if err := o.each(&o.held[i]); err != nil {
			return err
		}
	}
	o.held = o.held[:0]
	return nil
}

func (o *run[T]) print(r *Row[T]) error {
	if o.paragraph != nil {
		o.paragraph(r)
		return o.s.out.Flush()
	}
	if o.kind.section != nil && !o.s.JSON && o.order == nil {
		title := o.kind.section(r)
		if r.from.label() != "" {
			title += " of " + string(table.AppendEscaped(nil, r.from.label()))
		}
		if title != o.part {
			if o.part != "" {
				if err := o.printer.Close(); err != nil {
					return err
				}
				o.begin()
			}
			o.part = title
			o.s.out.Title(title + ":")
		}
	}
	o.printed++
	return o.printer.Row(r)
}
