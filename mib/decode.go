package mib

import (
	"fmt"
	"slices"
	"time"
)

// Objects returns the table's columns in order of their OIDs.
func (t *Table[R]) Objects() []Object {
	objects, _ := t.objects()
	return objects
}

// Scalars returns the group's objects in order of their OIDs, without the 0 of
// their instances.
func (g *Group[R]) Scalars() []Object {
	objects, _ := g.objects()
	return objects
}

// RowDecoder decodes one row of a table at a time, for a reader that has the
// values of a row together. It does what Table.Decode does.
type RowDecoder[R any] struct {
	table   *Table[R]
	columns []ColumnOf[R]
}

// RowDecoder returns a decoder of the columns with those last sub-identifiers,
// in that order: a column whose value is stored in the light of another's is
// named after it. It panics where the table declares no such column.
func (t *Table[R]) RowDecoder(subs ...uint32) *RowDecoder[R] {
	d := &RowDecoder[R]{table: t, columns: make([]ColumnOf[R], 0, len(subs))}
	for _, sub := range subs {
		i := slices.IndexFunc(t.Columns, func(c ColumnOf[R]) bool { return c.sub == sub })
		if i < 0 {
			panic(fmt.Sprintf("mib: %s has no column %d", t.Name, sub))
		}
		d.columns = append(d.columns, t.Columns[i])
	}
	return d
}

// Index writes what being a row of the table, with that index, tells into r.
func (d *RowDecoder[R]) Index(index OID, r *R) error {
	if d.table.Implies != nil {
		d.table.Implies(r)
	}
	if err := d.table.parseIndex(index, r); err != nil {
		return fmt.Errorf("%s: index %s: %w", d.table.Name, index, err)
	}
	return nil
}

// Values writes the values of the decoder's columns into r; the zero Value
// stands for an instance that is not there. epoch is as for Table.Decode, index
// is for the error.
func (d *RowDecoder[R]) Values(epoch time.Time, index OID, values []Value, r *R) error {
	for i, v := range values {
		if v == (Value{}) {
			continue
		}
		if err := d.columns[i].field.store(r, v, epoch); err != nil {
			return fmt.Errorf("%s.%s: %w", d.columns[i].name, index, err)
		}
	}
	return nil
}
