package show

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/names"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Sheet is the rows of a table as they were read once, for a program that shows them by
// itself. Rows have numbers from 0 on. Cells and values are made when they are asked for,
// so that a sheet of any length is read as fast as its rows are. A sheet does not change and may
// be used by several goroutines.
type Sheet interface {
	// Kind is the name of the kind of rows, and Fields are what is known of each.
	Kind() string
	Fields() []table.FieldDescription
	// Columns are those that people see.
	Columns() []SheetColumn
	// Len is how many rows there are.
	Len() int

	// Above is a sheet that stands above this one, of what is known of all of it; nil for
	// none.
	Above() Sheet

	// AppendCell appends what people see of a row in a column.
	AppendCell(b []byte, row, column int) []byte
	// Colour is how that is shown.
	Colour(row, column int) table.Colour
	// Value returns a field of a row by the field's name, unknown where there is none.
	Value(row int, field string) table.Value
	// AppendJSON appends a row in full, as an object.
	AppendJSON(b []byte, row int) []byte
	// Key identifies a row from one sheet of a table to the next.
	Key(row int) Key
	// Ended reports whether the row is of something that has ended: it says so itself, or
	// was on an earlier sheet only.
	Ended(row int) bool

	// Has reports whether the sheet was read with all that is wanted.
	Has(w Wants) bool
	// Filter returns the rows that an expression (package filter) is true for, all for
	// the empty one.
	Filter(expression string) ([]int32, error)
	// Sort sorts rows by an order (table.Kind.Order).
	Sort(rows []int32, order string) error
	// LookUp begins to look up the names in a row, which cells show as soon as they are
	// found.
	LookUp(row int)
	// Print prints rows in their order.
	Print(out *table.Output, rows []int32) error
}

// SheetColumn is a column of a sheet.
type SheetColumn struct {
	Heading string
	Right   bool // aligned to the right
	// Order is what rows are sorted by where they are sorted by the column; empty for a
	// column that they cannot be sorted by.
	Order string
}

// Key identifies a row. Keys are of one run of the program.
type Key uint64

var keySeed = maphash.MakeSeed()

// Watch reads tables turn by turn. It is for one goroutine; what it returns is for any.
type Watch struct{ s *Session }

// View is a table that a Watch reads.
type View struct {
	Table
	s *Session
	o opened
}

// NewWatch returns a Watch. open opens the stacks to show, and tells its complain which of
// them it cannot. What stacks cannot tell goes to complain, once.
func NewWatch(o Options, complain func(text string), open func(complain func(error)) ([]*Source, error)) (*Watch, error) {
	s := newSession(o, table.NewOutput(io.Discard), open)
	s.say = complain
	if err := s.start(); err != nil {
		return nil, err
	}
	s.services = names.ReadServices() // which filters name
	return &Watch{s}, nil
}

// Close gives the stacks up.
func (w *Watch) Close() { w.s.Close() }

// Incomplete reports whether something could not be read, which was complained of.
func (w *Watch) Incomplete() bool { return w.s.incomplete }

// Begin begins a turn: what is read is read anew.
func (w *Watch) Begin(ctx context.Context) error {
	if w.s.ComeAndGo {
		w.s.closeStacks() // or one that is deleted would live on
	}
	return w.s.begin(ctx)
}

// Wait waits for the next turn, and reports whether there is one.
func (w *Watch) Wait(ctx context.Context) bool { return w.s.turns.Wait(ctx) }

// Move has the stacks be read from other sources than before, such as a recording's of
// another moment. Those before are closed.
func (w *Watch) Move(sources []*Source) {
	w.s.closeStacks()
	w.s.sources = sources
}

// View opens a table.
func (w *Watch) View(t Table) (*View, error) {
	o, err := t.open(w.s)
	if err != nil {
		return nil, err
	}
	return &View{t, w.s, o}, nil
}

// Wants is what will be looked at of a sheet besides its cells and the names of its rows: what is dear
// to read is read where it is wanted.
type Wants struct {
	// Filters are what Sheet.Filter will be asked for, those with a fault aside, and Sort is
	// what Sheet.Sort will be.
	Filters []string
	Sort    string
	// All says that every value will be: of a row in full, or of JSON.
	All bool
}

// Read reads the rows of this turn, with what is wanted. What cannot be read is complained of, and
// the others are there.
func (v *View) Read(ctx context.Context, w Wants) (Sheet, error) {
	v.s.wants = w
	return v.o.readSheet(ctx)
}

// sheet is the rows of a kind.
type sheet[T any] struct {
	o       *run[T]
	columns []table.Column[Row[T]]
	encoder *table.Encoder[Row[T]]
	rows    []Row[T]
	at      time.Time // when it was begun to be read
	wants   Wants     // that it was read with
	// ended says since when the last rows are there no more.
	ended []time.Time
	above Sheet // nil for none
}

// readSheet reads the rows as they are now, and keeps what ended on the sheet for as long as
// the options say.
func (o *run[T]) readSheet(ctx context.Context) (Sheet, error) {
	t := &sheet[T]{o: o, columns: o.everyColumn(), encoder: table.NewEncoder(o.kind.Kind)}
	if o.last != nil {
		t.rows = make([]Row[T], 0, len(o.last.rows)+len(o.last.rows)/16)
	}
	o.late = true
	t.at, t.wants = time.Now(), o.s.wants
	o.each = func(r *Row[T]) error {
		if !o.isPast(r) {
			t.rows = append(t.rows, *r)
		}
		return nil
	}
	if err := o.readAll(ctx); err != nil {
		return nil, err
	}
	if o.kind.above != nil {
		above, err := o.readAbove(ctx)
		if err != nil {
			return nil, err
		}
		t.above = above
	}
	if o.s.Linger > 0 && o.last != nil {
		t.keep(o.last, o.s.Linger, o.while())
	}
	o.last = t
	return t, nil
}

// while is how long ago what is told to have ended may have ended: what did since the turn before, or
// as long ago as it would still stay. Of a view that nobody looked at meanwhile that is not all.
func (o *run[T]) while() time.Duration {
	return max(o.s.Linger, time.Duration(2*o.s.Interval*float64(time.Second)))
}

// isPast reports whether what a row is of ended too long ago for a sheet on which such rows stay
// for a while. On others each is told of once.
func (o *run[T]) isPast(r *Row[T]) bool {
	if o.s.Linger == 0 || o.kind.over == nil || !r.from.At.IsZero() {
		return false
	}
	ended, _ := o.kind.over(&r.v)
	return !ended.IsZero() && time.Since(ended) > o.while()
}

// readAbove reads the rows that stand above. Neither a filter nor an order is of them.
func (o *run[T]) readAbove(ctx context.Context) (Sheet, error) {
	if o.upper == nil {
		filtered, sorted := o.s.Filter, o.s.Sort
		o.s.Filter, o.s.Sort = "", ""
		upper, err := o.kind.above().open(o.s)
		o.s.Filter, o.s.Sort = filtered, sorted
		if err != nil {
			return nil, err
		}
		o.upper = upper
	}
	return o.upper.readSheet(ctx)
}

// mostLingering bounds the sheets on which rows that ended are kept: to find them takes a
// key of each row.
const mostLingering = 200_000

// keep adds the rows of an earlier sheet that are there no more for as long as they linger. Where
// that sheet was read longer than a while ago, nobody knows when they ended.
func (t *sheet[T]) keep(earlier *sheet[T], linger, while time.Duration) {
	now := t.at
	if len(t.rows) > mostLingering || len(earlier.rows) > mostLingering || now.Sub(earlier.at) > while {
		return
	}
	var gone []int32 // rows of the earlier sheet
	missing := make(map[Key]struct{})
	for i := range earlier.rows {
		if earlier.mayBeGone(i) && (!earlier.lingers(i) || now.Sub(earlier.endedAt(i)) < linger) {
			gone = append(gone, int32(i))
			missing[earlier.Key(i)] = struct{}{}
		}
	}
	for i := 0; i < len(t.rows) && len(missing) > 0; i++ {
		delete(missing, t.Key(i))
	}
	for _, i := range gone {
		if _, is := missing[earlier.Key(int(i))]; !is {
			continue
		}
		since := now
		if earlier.lingers(int(i)) {
			since = earlier.endedAt(int(i))
		}
		t.rows, t.ended = append(t.rows, earlier.rows[i]), append(t.ended, since)
	}
}

// mayBeGone reports whether what a row is of may be there no more in the next reading. What tells of
// its end has a row that does.
func (t *sheet[T]) mayBeGone(row int) bool {
	if t.lingers(row) || t.o.kind.over == nil {
		return true
	}
	at, told := t.o.kind.over(&t.rows[row].v)
	return !told || !at.IsZero()
}

func (t *sheet[T]) Kind() string                     { return t.o.kind.Name }
func (t *sheet[T]) Fields() []table.FieldDescription { return t.o.kind.Describe().Fields }
func (t *sheet[T]) Len() int                         { return len(t.rows) }
func (t *sheet[T]) Above() Sheet                     { return t.above }

func (t *sheet[T]) Has(w Wants) bool {
	return t.o.kind.lacks == nil || !t.o.kind.lacks(t.o.s, &t.wants, &w)
}

func (t *sheet[T]) Ended(row int) bool {
	if t.lingers(row) {
		return true
	}
	if t.o.kind.over == nil {
		return false
	}
	at, _ := t.o.kind.over(&t.rows[row].v)
	return !at.IsZero()
}

// lingers reports whether a row was on an earlier sheet only.
func (t *sheet[T]) lingers(row int) bool { return row >= len(t.rows)-len(t.ended) }

func (t *sheet[T]) endedAt(row int) time.Time { return t.ended[row-(len(t.rows)-len(t.ended))] }

func (t *sheet[T]) Columns() (columns []SheetColumn) {
	for i := range t.columns {
		c := &t.columns[i]
		order := t.o.kind.orders[c.Heading]
		if found := t.o.kind.Find(cmp.Or(order, c.Heading)); order == "" && len(found) > 0 {
			order = t.o.kind.Kind.Fields[found[0]].Name
		}
		if order == "" {
			order = map[string]string{"Namespace": "netns", "Host": "host"}[c.Heading]
		}
		columns = append(columns, SheetColumn{c.Heading, c.Right, order})
	}
	return columns
}

func (t *sheet[T]) AppendCell(b []byte, row, column int) []byte {
	return t.columns[column].Append(b, &t.rows[row])
}

func (t *sheet[T]) Colour(row, column int) table.Colour {
	if colour := t.columns[column].Colour; colour != nil {
		return colour(&t.rows[row])
	}
	return table.Plain
}

func (t *sheet[T]) Value(row int, field string) table.Value {
	if found := t.o.kind.Find(field); len(found) > 0 {
		return t.o.kind.Kind.Fields[found[0]].Value(&t.rows[row])
	}
	return table.Value{}
}

func (t *sheet[T]) AppendJSON(b []byte, row int) []byte { return t.encoder.Append(b, &t.rows[row]) }

func (t *sheet[T]) Key(row int) Key {
	r := &t.rows[row]
	b := append(append(make([]byte, 0, 256), r.from.key()...), 0)
	if t.o.kind.number != nil {
		if n := t.o.kind.number(&r.v); n != 0 {
			return Key(maphash.Bytes(keySeed, binary.NativeEndian.AppendUint64(b, n)))
		}
	}
	for _, name := range t.o.kind.identity {
		for _, i := range t.o.kind.Find(name) {
			v := t.o.kind.Kind.Fields[i].Value(r)
			b = append(v.AppendText(b), 0)
		}
	}
	if len(t.o.kind.identity) == 0 {
		b = t.AppendJSON(b, row)
	}
	return Key(maphash.Bytes(keySeed, b))
}

func (t *sheet[T]) Filter(expression string) ([]int32, error) {
	rows := make([]int32, 0, len(t.rows))
	if strings.TrimSpace(expression) == "" {
		for i := range t.rows {
			rows = append(rows, int32(i))
		}
		return rows, nil
	}
	expr, err := filter.Parse(expression, filter.Fields(t.o.kind.Kind), t.o.s.filterNames())
	if err != nil {
		return nil, err
	}
	for i := range t.rows {
		r := &t.rows[i]
		if expr.Match(func(field int) table.Value { return t.o.kind.Kind.Fields[field].Value(r) }) {
			rows = append(rows, int32(i))
		}
	}
	return rows, nil
}

func (t *sheet[T]) Sort(rows []int32, order string) error {
	o, err := t.o.kind.Order(order)
	if err != nil || o == nil {
		return err
	}
	t.o.kind.Sort(rows, func(i int32) *Row[T] { return &t.rows[i] }, o)
	return nil
}

func (t *sheet[T]) LookUp(row int) {
	if t.o.kind.lookUp != nil && t.o.s.resolver != nil {
		t.o.kind.lookUp(t.o.s, &t.rows[row])
	}
}

func (t *sheet[T]) Print(out *table.Output, rows []int32) error {
	p := table.NewPrinter(out, table.Table[Row[T]]{Kind: t.o.kind.Kind, Columns: t.columns})
	for _, i := range rows {
		if err := p.Row(&t.rows[i]); err != nil {
			return err
		}
	}
	return p.Close()
}

// SocketOf returns the socket that a row of Connections is of, and of which stack.
func SocketOf(s Sheet, row int) (v *netstat.Socket, from *Source, ok bool) {
	c, from, ok := RowOf[connection](s, row)
	if !ok {
		return nil, nil, false
	}
	return &c.Socket, from, true
}

// RowOf returns a row of a sheet whose rows are of type T, and which stack it is of.
func RowOf[T any](s Sheet, row int) (v *T, from *Source, ok bool) {
	t, ok := s.(*sheet[T])
	if !ok {
		return nil, nil, false
	}
	return &t.rows[row].v, t.rows[row].from, true
}

// CheckOrder says what is wrong with an order of a table's rows.
func CheckOrder(t Table, order string) error {
	for name := range strings.SplitSeq(order, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "-")
		if !slices.ContainsFunc(t.Names(), func(n string) bool { return strings.EqualFold(n, name) }) {
			return fmt.Errorf("%s rows have no field %q: there are %s", t.Describe().Name, name, table.Known(name, t.Names()))
		}
	}
	return nil
}
