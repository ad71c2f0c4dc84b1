package mib

import (
	"context"
	"iter"
	"time"
)

// ColumnOf is an object of a table or group over rows of type R.
type ColumnOf[R any] struct {
	*column
	get       func(*R) (Value, bool)
	set       func(*R, Value) error
	setMoment func(*R, time.Time)
}

// access is an object's MAX-ACCESS (RFC 2578, section 7.3), as far as it is read.
type access uint8

const (
	readOnly access = iota
	readWrite
	readCreate
)

// Column declares the object that has sub as its last sub-identifier.
func Column[R any](sub uint32, name string, f Field[R]) ColumnOf[R] {
	return ColumnOf[R]{&column{sub: sub, name: name, syntax: f.syntax}, f.get, f.set, f.setMoment}
}

// with returns the object with what change makes of its column.
func (c ColumnOf[R]) with(change func(*column)) ColumnOf[R] {
	own := *c.column
	change(&own)
	c.column = &own
	return c
}

// Writable returns the object with read-write for its MAX-ACCESS. It can be written
// where its table or group has a writer (see WrittenBy). Its value stands in the
// row itself, and not behind a pointer that copies of the row share.
func (c ColumnOf[R]) Writable() ColumnOf[R] {
	return c.with(func(c *column) { c.access = readWrite })
}

// Creatable returns the object with read-create: as Writable, and in rows that are not
// there yet as well.
func (c ColumnOf[R]) Creatable() ColumnOf[R] {
	return c.with(func(c *column) { c.access = readCreate })
}

// Augmenting returns the object as one of a table that AUGMENTS its own (RFC 2578, section 7.8): the
// rows are the same, and their conceptual row there has that OID.
func (c ColumnOf[R]) Augmenting(entry OID) ColumnOf[R] {
	return c.with(func(c *column) { c.entry = entry })
}

// Secret returns the object as one that who may see everything cannot read, but those alone whose view names a
// subtree at or below named (see Naming). It is written as any other.
func (c ColumnOf[R]) Secret(named OID) ColumnOf[R] {
	return c.with(func(c *column) { c.secret = named })
}

// Columns is the list of a table's or group's objects, in ascending order of
// their OIDs.
func Columns[R any](columns ...ColumnOf[R]) []ColumnOf[R] { return columns }

// Index is the list of a table's INDEX clause.
func Index[R any](parts ...Part[R]) []Part[R] { return parts }

// Table declares a conceptual table over rows of type R.
type Table[R any] struct {
	Name    string        // descriptor: "tcpConnectionTable"
	Entry   OID           // of the conceptual row: the table's OID and 1
	Index   []Part[R]     // the INDEX clause
	Columns []ColumnOf[R] // the accessible objects, in ascending order

	// Where says which rows of a source belong in this table; nil means all.
	Where func(*R) bool
	// Implies sets what a row's presence in this table says about it; nil
	// means nothing.
	Implies func(*R)
	// Prefer says which of two rows with the same index stands: a when it
	// returns a negative number. Nil, or 0, keeps the one that the source
	// gave first.
	Prefer func(a, b *R) int
	// Begin sets what a row that a manager makes has besides, once its index and the
	// defaults of its columns are in it; nil means nothing.
	Begin func(*R)
	// Ready says whether a row that has all columns which it needs can be active. Nil means that
	// it can.
	Ready func(*R) bool
	// Check says what is wrong with a row that is to be made or changed, whether or not it is to be
	// active: an error of Change.Refuse. Nil means nothing. These three are of tables with
	// a RowStatus.
	Check func(c *Change[R]) error
	// Apart is the form of the indexes of rows that would have the same index:
	// where it tells any of them apart, all of them have it, so that none is
	// favoured by the order in which they came.
	Apart Form

	form    Form // of all other indexes
	writer  Writer[R]
	writing *writing
}

// WithZones returns the table with the zones of addresses in every index, as RFC 4001
// has it, and not only where rows are told apart by them.
func (t *Table[R]) WithZones() *Table[R] {
	w := *t
	w.form |= Zoned
	return &w
}

// declaration returns the table for what is written for all types of rows.
func (t *Table[R]) declaration() *table {
	of := &typedTable[R]{typedRows[R]{t.Columns, t.writer}, t}
	d := &table{
		declaration: declaration{name: t.Name, parent: t.Entry, columns: columnsOf(t.Columns), rows: of, writing: t.writing},
		of:          of, index: len(t.Index), form: t.form, apart: t.Apart,
	}
	longest := d.parent.Len()
	for _, c := range d.columns {
		longest = max(longest, c.entry.Len())
	}
	d.longest = MaxOIDLength - longest - 1
	return d
}

// typedRows is the rowType of R.
type typedRows[R any] struct {
	columns []ColumnOf[R]
	writer  Writer[R]
}

func (t *typedRows[R]) get(row any, column int) (Value, bool) {
	return t.columns[column].get(row.(*R))
}

func (t *typedRows[R]) set(row any, column int, v Value) error {
	return t.columns[column].set(row.(*R), v)
}

func (t *typedRows[R]) setMoment(row any, column int, at time.Time) {
	t.columns[column].setMoment(row.(*R), at)
}

func (t *typedRows[R]) newRow() any         { return new(R) }
func (t *typedRows[R]) assign(to, from any) { *to.(*R) = *from.(*R) }

func (t *typedRows[R]) begin(c *change, was, row any) {
	typed := &Change[R]{Index: c.index, User: c.user, change: c}
	typed.Was, _ = was.(*R)
	if row != nil {
		typed.Row = *row.(*R)
	}
	c.typed, c.was, c.row = typed, was, &typed.Row
}

func (t *typedRows[R]) write(ctx context.Context, c *change) (Assignment, error) {
	return t.writer(ctx, c.typed.(*Change[R]))
}

// typedTable is the tableType of R.
type typedTable[R any] struct {
	typedRows[R]
	table *Table[R]
}

func (t *typedTable[R]) appendIndex(keys []byte, row any, f Form) []byte {
	return t.table.appendIndex(keys, row.(*R), f)
}

func (t *typedTable[R]) cutIndex(object int, index OID, row any, f indexForm) (OID, error) {
	part := &t.table.Index[object]
	if f != toTheLetter && part.readForm != nil {
		return part.readForm(index, row.(*R), f)
	}
	return part.read(index, row.(*R))
}

func (t *typedTable[R]) typed(object int) bool { return t.table.Index[object].typed }

func (t *typedTable[R]) implies(row any) {
	if t.table.Implies != nil {
		t.table.Implies(row.(*R))
	}
}

func (t *typedTable[R]) begun(row any) {
	if t.table.Begin != nil {
		t.table.Begin(row.(*R))
	}
}

func (t *typedTable[R]) ready(row any) bool {
	return t.table.Ready == nil || t.table.Ready(row.(*R))
}

func (t *typedTable[R]) check(c *change) error {
	if t.table.Check == nil {
		return nil
	}
	return t.table.Check(c.typed.(*Change[R]))
}

func columnsOf[R any](columns []ColumnOf[R]) []*column {
	all := make([]*column, len(columns))
	for i := range columns {
		if all[i] = columns[i].column; all[i] == nil { // the zero ColumnOf
			all[i] = &column{}
		}
	}
	return all
}

// appendIndex appends the packed index of a row.
func (t *Table[R]) appendIndex(keys []byte, r *R, f Form) []byte {
	for i := range t.Index {
		keys = t.Index[i].write(keys, r, f)
	}
	return keys
}

// IndexOf returns the index of a row, which a RowPointer to it ends with.
func (t *Table[R]) IndexOf(r *R) OID { return OID{string(t.appendIndex(nil, r, t.form))} }

// Decode returns the rows that the variables of this table tell, in the order
// in which their indexes came first. Variables of other tables and of columns
// that the declaration does not have are passed over. epoch is the moment at
// which the sysUpTime of the variables' agent was zero. The first variable that
// the declaration cannot take ends it with an error that names the variable.
func (t *Table[R]) Decode(epoch time.Time, bindings iter.Seq[Binding]) ([]R, error) {
	var rows []R
	n, err := t.declaration().decode(epoch, bindings, func(i int) any {
		if i == len(rows) {
			rows = append(rows, *new(R))
		}
		return &rows[i]
	})
	return rows[:n], err
}

// Group declares scalar objects over a value of type R.
type Group[R any] struct {
	Name    string // descriptor of the node that they stand below: "tcp"
	OID     OID    // of that node
	Objects []ColumnOf[R]

	writer  Writer[R]
	writing *writing
}

// declaration returns the group for what is written for all types of rows.
func (g *Group[R]) declaration() *declaration {
	return &declaration{name: g.Name, parent: g.OID, scalar: true, columns: columnsOf(g.Objects), rows: &typedRows[R]{g.Objects, g.writer}, writing: g.writing}
}

var scalarIndex = MakeOID(0)

// groupRows is the single row that a group of scalars is.
type groupRows struct {
	group *declaration
	row   any
	own   bool // of one Request
}

func (g *groupRows) release() bool            { return g.own }
func (g *groupRows) total(*work) (int, error) { return 1, nil }

func (g *groupRows) seek(_ *work, index OID, include bool) (position, error) {
	if index.Less(scalarIndex) || include && index == scalarIndex {
		return position{}, nil
	}
	return position{row: 1}, nil
}

func (g *groupRows) get(_ *work, index OID, column int) (v Value, ok bool, err error) {
	if index == scalarIndex {
		v, ok = g.group.rows.get(g.row, column)
	}
	return v, ok, nil
}

func (g *groupRows) lookup(_ *work, index OID) (any, error) {
	if index != scalarIndex {
		return nil, nil
	}
	return copyOf(g.group.rows, g.row), nil
}

func (g *groupRows) next(_ *work, from position, column int) (OID, Value, position, error) {
	if from.row == 0 {
		if v, ok := g.group.rows.get(g.row, column); ok {
			return scalarIndex, v, position{row: 1}, nil
		}
	}
	return OID{}, Value{}, from, nil
}

// Values yields the scalars that r knows.
func (g *Group[R]) Values(r R) iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		for i := range g.Objects {
			if v, ok := g.Objects[i].get(&r); ok && !yield(Binding{g.OID.Sub(g.Objects[i].sub), scalarIndex, v}) {
				return
			}
		}
	}
}

// Decode writes the group's scalars among the variables into r; epoch is as for
// Table.Decode. Variables that are not the group's are passed over. The first
// variable that the declaration cannot take ends it with an error that names the
// variable.
func (g *Group[R]) Decode(epoch time.Time, bindings iter.Seq[Binding], r *R) (err error) {
	g.declaration().decode(epoch, bindings, r, func(odd error) bool {
		err = odd
		return false
	})
	return err
}

// DecodeAll is Decode for what agents send: a scalar that is not understood is
// unknown, and odd is told of it.
func (g *Group[R]) DecodeAll(epoch time.Time, bindings iter.Seq[Binding], r *R, odd func(error)) {
	g.declaration().decode(epoch, bindings, r, func(err error) bool {
		odd(err)
		return true
	})
}
