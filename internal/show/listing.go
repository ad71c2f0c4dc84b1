package show

import (
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// both is a field that is a column as well: people see what programs do.
type both[T any] struct {
	table.Field[Row[T]]
	heading string // empty: a field only
	width   int
	right   bool
	cell    func(b []byte, v *T) []byte // nil: the field's value
	index   func(v *T) uint32           // of the interface that the field names; nil: it names none
}

// of makes a field a column.
func of[T any](heading string, width int, f table.Field[Row[T]]) both[T] {
	return both[T]{Field: f, heading: heading, width: width, right: f.Type == table.Integer || f.Type == table.Number || f.Type == table.Duration || f.Type == table.Port || f.Type == table.User}
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

// hidden makes a field that no column shows.
func hidden[T any](f table.Field[Row[T]]) both[T] { return both[T]{Field: f} }

// listing is a table whose columns are its fields.
type listing[T any] struct {
	title   string
	kind    *table.Kind[Row[T]]
	columns []table.Column[Row[T]]
}

func newListing[T any](title, name, doc string, fields ...both[T]) *listing[T] {
	l := &listing[T]{title: title, kind: newKind[T](name, doc)}
	where := l.kind.Fields
	l.kind.Fields = nil
	for _, f := range fields {
		l.kind.Fields = append(l.kind.Fields, f.Field)
		if f.heading == "" {
			continue
		}
		if f.index != nil {
			l.columns = append(l.columns, interfaceColumn(f.heading, f.width, f.index))
			continue
		}
		if f.cell != nil {
			l.columns = append(l.columns, columnOf(f.heading, f.width, f.right, f.cell))
			continue
		}
		value := f.Value
		l.columns = append(l.columns, table.Column[Row[T]]{Heading: f.heading, Width: f.width, Right: f.right,
			Append: func(b []byte, r *Row[T]) []byte {
				v := value(r)
				return v.AppendText(b)
			}})
	}
	l.kind.Fields = append(l.kind.Fields, where...)
	return l
}

// listed shows a listing of what readers of type R yield. keep chooses rows; nil
// means all.
func listed[R, T any](s *Session, l *listing[T], read func(R, context.Context) iter.Seq2[T, error], keep func(*Row[T]) bool) error {
	p, err := startListing(s, l)
	if err != nil {
		return err
	}
	err = each(s, l.title, read, func(r *Row[T]) error {
		if keep != nil && !keep(r) {
			return nil
		}
		return p.Row(r)
	})
	if err != nil {
		return err
	}
	return p.Close()
}

// ofHost calls show with a session of the first stack alone: what it shows is the
// whole host's, whichever of its namespaces are chosen.
func (s *Session) ofHost(show func(*Session) error) error {
	of := *s
	of.sources = s.sources[:1]
	err := show(&of)
	s.incomplete = of.incomplete
	return err
}

// single makes a reader of one value one of rows.
func single[R, T any](read func(R, context.Context) (T, error)) func(R, context.Context) iter.Seq2[T, error] {
	return func(r R, ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) { yield(read(r, ctx)) }
	}
}

// startListing makes a listing's printer and shows its title.
func startListing[T any](s *Session, l *listing[T]) (*table.Printer[Row[T]], error) {
	p, _, err := newPrinter(s, l.kind, l.columns)
	if err != nil {
		return nil, err
	}
	s.out.Title(l.title)
	return p, nil
}
