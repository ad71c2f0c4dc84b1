package show

import (
	"context"
	"iter"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Table is rows of one kind, where they come from and how they look. A function declares
// it: a program that shows one table declares no other.
type Table interface {
	// Describe returns the kind of the rows.
	Describe() table.Description
	// Names returns what a filter and an order may name, field by field.
	Names() []string
	// open prepares the table for a run. It returns nil where the filter asks for
	// fields that the rows do not have.
	open(s *Session) (opened, error)
}

// opened is a table in a run.
type opened interface {
	// show shows the rows as they are now.
	show(context.Context) error
	// follows reports whether the rows of each turn continue one table, and sums whether
	// further ones sum all turns up.
	follows() bool
	sums() bool
	// readSheet reads the rows as they are now, in place of showing them.
	readSheet(context.Context) (Sheet, error)
}

// kind is the declaration of a table.
type kind[T any] struct {
	*table.Kind[Row[T]]
	aliases map[string][]string // of list's

	// title stands above the table; titled has one that depends on the options.
	title string
	// apart leaves a line blank above the title, where something stands above that.
	apart  bool
	titled func(*Options) string
	// what names the rows in complaints; the title where it is empty.
	what string

	// columns are those that the options ask for.
	columns func(*Session) []table.Column[Row[T]]
	// underline and noHeadings are the table's of package table.
	underline, noHeadings bool

	// read yields the rows of one stack. Where they come from several readers,
	// parts returns those.
	read  reader[T]
	parts func(context.Context, *query) ([]part[T], error)
	// ofHost says that rows are the whole host's, whichever of its namespaces
	// they are read in.
	ofHost bool
	// optional says that a stack may well have none, which is nothing to
	// complain of unless the table was asked for.
	optional bool

	// belongs reports whether a row belongs to an interface that is chosen; nil for
	// rows that belong to none.
	belongs func(context.Context, *query, *T) bool
	// inFamily reports whether a row is one of the Internet's family; nil for rows
	// that are of none.
	inFamily func(*T, netstat.Family) bool
	// keep reports whether the options let a row be shown; nil keeps all.
	keep func(*query, *T) bool
	// names reports whether interfaces' names are shown with a row.
	names func(*T) bool

	// lookUp begins to look up the names of hosts and users in a row; whole holds
	// all rows back before, since looking names up takes sockets, which are not to
	// be among those that are shown.
	lookUp func(*Session, *Row[T])
	whole  bool

	// section is the title of the part of the table that a row is in; nil for a
	// table of one piece.
	section func(*Row[T]) string
	// paragraph shows a row as lines of text in place of the columns, where the
	// options ask for it, and rest what is behind a stack's last row.
	paragraph func(*Session) func(*Row[T])
	rest      func(context.Context, *Session, *Source)

	// listening is the value of the field "state" of listeners, which are shown
	// where a filter asks for them by it; unknown for rows without such a state.
	listening table.Value

	// places are values that a field of interfaces has besides names of interfaces.
	places []string

	// filters are the fields that a filter asks for where those are not the rows': the
	// reader applies it then.
	filters filter.Fields

	// growing says that rows tell by how much counters grew in the turn, and unsummed
	// that none does in all turns together.
	growing, unsummed bool

	// above is a table that stands above the rows on a sheet; nil for none.
	above func() Table

	// identity are the fields that a row is known by from turn to turn; none stands for
	// all of them.
	identity []string
	// over says when what a row is of has ended, the zero time for what has not, and whether
	// a row tells of its end; nil where none does.
	over func(*T) (at time.Time, told bool)
	// number tells a row from all others of its stack as the fields of identity do, with less
	// ado; 0 where it is not known. nil for none.
	number func(*T) uint64
	// lacks reports whether a sheet that was read with some wants has not what others ask
	// for; nil where every sheet has everything.
	lacks func(s *Session, read, w *Wants) bool
	// orders are the orders of columns whose headings are no field's name, nor an alias,
	// by the heading; list fills it.
	orders map[string]string
}

// Row is what a reader yielded, and of which stack.
type Row[T any] struct {
	from  *Source
	v     T
	event *Event // of a kind of events
}

// query is what is asked of one stack.
type query struct {
	*Session
	src  *Source
	expr *filter.Expr // the filter, nil for none
	// listeners says that the filter asks for listeners.
	listeners bool
}

// reader yields the rows of the query's stack.
type reader[T any] func(context.Context, *query) iter.Seq2[T, error]

// part is some of the rows that a table has.
type part[T any] struct {
	what     string
	optional bool
	read     reader[T]
	// apart says that read looks at the stack alone, so that it may be called while rows of
	// another are shown.
	apart bool
	// complete makes of a row what is shown of it; nil for nothing. An error is the
	// reader's.
	complete func(*T) error
}

// by says that rows belong to the interface of an index, 0 for none.
func by[T any](index func(*T) uint32) func(context.Context, *query, *T) bool {
	return func(ctx context.Context, q *query, v *T) bool { return q.shows(ctx, index(v)) }
}

// always says that every row shows names of interfaces.
func always[T any](*T) bool { return true }

// newKind declares a kind of rows.
func newKind[T any](name, doc string, fields ...table.Field[Row[T]]) *table.Kind[Row[T]] {
	k := &table.Kind[Row[T]]{Name: name, Doc: doc, Fields: fields}
	for _, f := range whereFields[T]() {
		if len(k.Find(f.Name)) == 0 { // growth has a time of its own
			k.Fields = append(k.Fields, f)
		}
	}
	return k
}

// list completes the declaration of a table whose columns are its fields.
func list[T any](name, doc string, k kind[T], fields ...both[T]) *kind[T] {
	var members []table.Field[Row[T]]
	for _, f := range fields {
		members = append(members, f.Field)
		if f.index != nil && k.names == nil {
			k.names = always
		}
	}
	k.columns = func(s *Session) (columns []table.Column[Row[T]]) {
		for _, f := range fields {
			if f.heading != "" {
				columns = append(columns, f.column(s))
			}
		}
		return columns
	}
	k.Kind = newKind(name, doc, members...)
	k.Aliases = k.aliases
	k.orders = make(map[string]string)
	for _, f := range fields {
		if f.heading != "" {
			k.orders[f.heading] = f.Name
		}
	}
	return &k
}

// whereFields are fields of every kind: which stack a row is of, and when.
func whereFields[T any]() []table.Field[Row[T]] {
	return []table.Field[Row[T]]{
		{Name: "netns", Type: table.String, Doc: "network namespace; with `--netns all` only",
			Value: func(r *Row[T]) table.Value { return table.Text(r.from.NetNS) }},
		{Name: "host", Type: table.String, Doc: "host; with several of `--host` and `--hosts` only",
			Value: func(r *Row[T]) table.Value { return table.Text(r.from.Host) }},
		{Name: "time", Type: table.String, Doc: "when the rows that it is the same of were asked for (RFC 3339); with `--interval` and `-c` only",
			Value: func(r *Row[T]) table.Value {
				if r.from.turn.IsZero() {
					return table.Value{}
				}
				return table.Text(r.from.turn.Format(time.RFC3339Nano))
			}},
	}
}

// from makes a reader of what stacks of type R read.
func from[R, T any](read func(R, context.Context) iter.Seq2[T, error]) reader[T] {
	return func(ctx context.Context, q *query) iter.Seq2[T, error] {
		r, ok := q.src.Stack.(R)
		if !ok {
			return failed[T](netstat.ErrNotSupported)
		}
		return read(r, ctx)
	}
}

// single makes a reader of one value one of rows.
func single[R, T any](read func(R, context.Context) (T, error)) func(R, context.Context) iter.Seq2[T, error] {
	return func(r R, ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) { yield(read(r, ctx)) }
	}
}

func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// both is a field that is a column as well: people see what programs do.
type both[T any] struct {
	table.Field[Row[T]]
	heading string // empty: a field only
	width   int
	right   bool
	cell    func(b []byte, v *T) []byte // nil: the field's value
	index   func(v *T) uint32           // of the interface that the field names; nil: it names none
	scale   uint64                      // of a number for people: 1000 of counts, 1024 of bytes, 0 for none
	bad     func(v *T) bool             // the cell is red; nil for never
	// drawn makes cells that the row's value alone does not tell; nil for others.
	drawn func(*Session) func(b []byte, r *Row[T]) []byte
}

// of makes a field a column.
func of[T any](heading string, width int, f table.Field[Row[T]]) both[T] {
	return both[T]{Field: f, heading: heading, width: width, right: f.Type == table.Integer || f.Type == table.Number || f.Type == table.Duration || f.Type == table.Port || f.Type == table.User || f.Type == table.RouteTable}
}

// ofInterface is a column that names an interface by its index.
func ofInterface[T any](heading string, width int, name, doc string, index func(*T) uint32) both[T] {
	return both[T]{Field: interfaceField(name, doc, index), heading: heading, width: width, index: index}
}

// shownAs makes people see another text than the field's value.
func (f both[T]) shownAs(cell func(b []byte, v *T) []byte) both[T] {
	f.cell, f.right = cell, false
	return f
}

// bytes and count say what a number is of, which --human scales.
func (f both[T]) bytes() both[T] { f.scale = 1024; return f }
func (f both[T]) count() both[T] { f.scale = 1000; return f }

// hidden makes a field that no column shows.
func hidden[T any](f table.Field[Row[T]]) both[T] { return both[T]{Field: f} }

// redIf has cells be red that tell of what should not be.
func (f both[T]) redIf(bad func(*T) bool) both[T] { f.bad = bad; return f }

func (f both[T]) column(s *Session) table.Column[Row[T]] {
	c := f.plainColumn(s)
	if f.bad != nil {
		c.Colour = func(r *Row[T]) table.Colour {
			if f.bad(&r.v) {
				return table.Red
			}
			return table.Plain
		}
	}
	return c
}

func (f both[T]) plainColumn(s *Session) table.Column[Row[T]] {
	switch {
	case f.drawn != nil:
		return table.Column[Row[T]]{Heading: f.heading, Width: f.width, Right: f.right, Append: f.drawn(s)}
	case f.index != nil:
		return interfaceColumn(f.heading, f.width, f.index)
	case f.cell != nil:
		return columnOf(f.heading, f.width, f.right, f.cell)
	}
	value, scale := f.Value, f.scale
	if !s.Human {
		scale = 0
	}
	return table.Column[Row[T]]{Heading: f.heading, Width: f.width, Right: f.right,
		Append: func(b []byte, r *Row[T]) []byte {
			v := value(r)
			if scale != 0 && v.IsKnown() {
				return table.AppendScaled(b, v.Uint(), scale)
			}
			return v.AppendText(b)
		}}
}
