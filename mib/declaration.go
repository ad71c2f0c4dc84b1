package mib

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// A Table or Group is generic in the type R of its rows. The compiler makes generic code anew for each R, and there are
// many. So most code is written for declarations, in which a row is an any that holds an *R. It stands on the few
// methods of a rowType, which know R.

// rowType is a type of rows with the columns of a table or group. A row is an *R, and a column is meant by its place.
type rowType interface {
	get(row any, column int) (Value, bool)
	// set writes a value of the column's type, which is no TimeStamp.
	set(row any, column int, v Value) error
	setMoment(row any, column int, at time.Time)

	// newRow returns a row that is zero.
	newRow() any
	// assign makes to what from is.
	assign(to, from any)

	// begin makes the Change[R] that writers see of a change. Its Was is was, nil for a row that is to be created, and
	// its Row a copy of row, or zero where that is nil.
	begin(c *change, was, row any)
	// write asks the writer about a change.
	write(ctx context.Context, c *change) (Assignment, error)
}

// tableType is what a table has besides: an index, and what it says of its rows.
type tableType interface {
	rowType
	appendIndex(keys []byte, row any, f Form) []byte
	// cutIndex reads an object of the INDEX clause off the front of an index.
	cutIndex(object int, index OID, row any, f indexForm) (rest OID, err error)
	// typed reports whether an object of the INDEX clause begins with an InetAddressType.
	typed(object int) bool

	implies(row any)
	begun(row any) // Table.Begin
	ready(row any) bool
	check(c *change) error
}

// column is what a ColumnOf is whatever the rows are. It does not change.
type column struct {
	sub    uint32
	name   string
	syntax syntax
	access access

	byDefault    Value // its type is 0 for none
	whenInactive bool
	entry        OID // see Augmenting; empty for the table's own
	secret       OID // see Secret; empty for what is none
}

// oid returns the object's OID; parent is that of the conceptual row, or of the node above the scalars.
func (c *column) oid(parent OID) OID {
	if !c.entry.IsEmpty() {
		parent = c.entry
	}
	return parent.Sub(c.sub)
}

func (c *column) object(parent OID, scalar bool) Object {
	typ := c.syntax.typ
	if typ == timeStamp {
		typ = TimeTicks
	}
	return Object{Name: c.name, OID: c.oid(parent), Type: typ, Scalar: scalar, Text: c.syntax.text, secret: c.secret}
}

// declaration is a Table or Group.
type declaration struct {
	name    string
	parent  OID // of the conceptual row, or of the node above the scalars
	scalar  bool
	columns []*column
	rows    rowType
	writing *writing // nil where nobody writes
}

// table is a Table.
type table struct {
	declaration
	of          tableType // the same as rows
	index       int       // objects of the INDEX clause
	form, apart Form
	longest     int // sub-identifiers that an index has at most, so that all variables of the row have a name
}

// check says what is wrong with the declaration.
func (d *declaration) check() error {
	switch {
	case d.parent.Len() < 2 && d.scalar:
		return fmt.Errorf("the OID of the node above the scalars is %q", d.parent)
	case d.parent.Len() < 2:
		return fmt.Errorf("the OID of the conceptual row is %q", d.parent)
	}
	return errors.Join(d.checkColumns(), d.writing.check(d.columns))
}

func (t *table) check() error {
	if t.parent.Len() >= 2 && t.index == 0 {
		return errors.New("no INDEX")
	}
	return errors.Join(t.declaration.check(), t.checkRows())
}

func (d *declaration) checkColumns() error {
	if len(d.columns) == 0 {
		return errors.New("no objects")
	}
	for i, c := range d.columns {
		if c.syntax.typ == 0 {
			return fmt.Errorf("%s has no field", c.name)
		}
		if i > 0 && !d.columns[i-1].oid(d.parent).Less(c.oid(d.parent)) {
			return fmt.Errorf("%s (%d) does not come after %s (%d)", c.name, c.sub, d.columns[i-1].name, d.columns[i-1].sub)
		}
	}
	return nil
}

// objects returns the objects, and the subtrees that they are in.
func (d *declaration) objects() (objects []Object, regions []OID) {
	for _, c := range d.columns {
		o := c.object(d.parent, d.scalar)
		objects = append(objects, o)
		region := o.OID
		if !d.scalar {
			entry, _ := o.OID.Parent()
			region, _ = entry.Parent()
		}
		if !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	return objects, regions
}

// named returns the place of the column with a descriptor, -1 where there is none.
func (d *declaration) named(descriptor string) int {
	return slices.IndexFunc(d.columns, func(c *column) bool { return c.name == descriptor })
}

// column returns the place of the column that a variable is of, -1 where it is of none, and the variable's index.
func (d *declaration) column(name OID) (column int, index OID) {
	rest, own := name.CutPrefix(d.parent)
	sub, index, _ := rest.CutSubidentifier()
	for i, c := range d.columns {
		switch {
		case !c.entry.IsEmpty():
			if index, of := name.CutPrefix(c.oid(d.parent)); of {
				return i, index
			}
		case own && c.sub == sub:
			return i, index
		}
	}
	return -1, OID{}
}

// store writes a value from the wire into a row. Null says nothing.
func (d *declaration) store(row any, column int, v Value, epoch time.Time) error {
	of := &d.columns[column].syntax
	v, says, err := of.take(v)
	switch {
	case err != nil || !says:
		return err
	case of.typ != timeStamp:
		return d.rows.set(row, column, v)
	}
	var at time.Time
	if v.num != 0 {
		at = epoch.Add(time.Duration(v.num) * 10 * time.Millisecond)
	}
	d.rows.setMoment(row, column, at)
	return nil
}

// decode writes the variables of one row with an index, that of scalars, into it. It goes on after a variable that is
// not understood if odd says so.
func (d *declaration) decode(epoch time.Time, bindings iter.Seq[Binding], row any, odd func(error) bool) {
	for b := range bindings {
		column, index := d.column(b.Name())
		if column < 0 || index != scalarIndex {
			continue
		}
		if err := d.store(row, column, b.Value, epoch); err != nil && !odd(fmt.Errorf("%s.0: %w", d.columns[column].name, err)) {
			return
		}
	}
}

// decode writes variables into rows and returns how many there are. row returns one more where it is asked for the one
// behind the last.
func (t *table) decode(epoch time.Time, bindings iter.Seq[Binding], row func(i int) any) (rows int, err error) {
	at := make(map[OID]int)
	for b := range bindings {
		column, index := t.column(b.Name())
		if column < 0 {
			continue
		}
		i, known := at[index]
		if !known {
			i = len(at)
			r := row(i)
			t.of.implies(r)
			if err := t.parseIndex(index, r, toTheLetter); err != nil {
				return len(at), fmt.Errorf("%s.%s: %w", t.columns[column].name, index, err)
			}
			at[index] = i
		}
		if err := t.store(row(i), column, b.Value, epoch); err != nil {
			return len(at), fmt.Errorf("%s.%s: %w", t.columns[column].name, index, err)
		}
	}
	return len(at), nil
}

// parseIndex writes what an index says into a row.
func (t *table) parseIndex(index OID, row any, form indexForm) error {
	for i := range t.index {
		var err error
		if index, err = t.of.cutIndex(i, index, row, form); err != nil {
			return fmt.Errorf("index object %d: %w", i+1, err)
		}
	}
	if !index.IsEmpty() {
		return fmt.Errorf("index has %d sub-identifiers too many", index.Len())
	}
	return nil
}

// tellsApart reports whether rows with one index may have several.
func (t *table) tellsApart() bool { return t.form|t.apart != t.form }

// tooLong reports whether a packed index leaves a variable without a name.
func (t *table) tooLong(packed string) bool {
	// A sub-identifier takes at least one octet.
	return len(packed) > t.longest && (OID{packed}).Len() > t.longest
}

// toldApart returns the keys that tell n rows with the same index apart, one for each, or
// none where nothing does. key returns the packed index of one in that form.
func (t *table) toldApart(n int, key func(n int, f Form) []byte) [][]byte {
	keys, differ := make([][]byte, n), false
	for i := range keys {
		keys[i] = key(i, t.form|t.apart)
		if t.tooLong(string(keys[i])) {
			return nil
		}
		differ = differ || !bytes.Equal(keys[i], keys[0])
	}
	if !differ {
		return nil
	}
	return keys
}

// copyOf returns a row that is what another one is.
func copyOf(t rowType, row any) any {
	own := t.newRow()
	t.assign(own, row)
	return own
}
