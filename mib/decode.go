package mib

import (
	"fmt"
	"slices"
	"time"
)

// Objects returns the table's columns in order of their OIDs.
func (t *Table[R]) Objects() []Object {
	objects, _ := t.declaration().objects()
	return objects
}

// Scalars returns the group's objects in order of their OIDs, without the 0 of
// their instances.
func (g *Group[R]) Scalars() []Object {
	objects, _ := g.declaration().objects()
	return objects
}

// RowDecoder decodes one row of a table at a time, for a reader that has the
// values of a row together. It takes what agents send more liberally than
// Table.Decode: a value that a row cannot hold is unknown, and an index may have one
// of the forms that agents are known for.
type RowDecoder[R any] struct {
	table   *table
	columns []int
}

// RowDecoder returns a decoder of the columns with those last sub-identifiers,
// in that order: a column whose value is stored in the light of another's is
// named after it. It panics where the table declares no such column.
func (t *Table[R]) RowDecoder(subs ...uint32) *RowDecoder[R] {
	d := t.declaration()
	return &RowDecoder[R]{d, d.columnsBySub(subs)}
}

func (d *declaration) columnsBySub(subs []uint32) []int {
	columns := make([]int, len(subs))
	for i, sub := range subs {
		if columns[i] = slices.IndexFunc(d.columns, func(c *column) bool { return c.sub == sub }); columns[i] < 0 {
			panic(fmt.Sprintf("mib: %s has no column %d", d.name, sub))
		}
	}
	return columns
}

// Index writes what being a row of the table, with that index, tells into r, which
// is zero. An index that is not as RFC 2578, section 7.7, has it is taken where only
// one of the forms that agents have instead fits it to its end: an InetAddress
// without its length or its type, with its type before the number in front of it, with a
// zone of the wrong type, of numbers of 16 bits, or as text; an IpAddress with a 1 in
// front or of one number; and any index with a 0 behind, as those of scalars have. After an error r is not to be used.
func (d *RowDecoder[R]) Index(index OID, r *R) error { return d.table.decodeIndex(index, r) }

func (t *table) decodeIndex(index OID, row any) error {
	err := t.indexAs(toTheLetter, index, row)
	if err == nil {
		return nil
	}
	fits := func(index OID, form indexForm) bool {
		again := t.rows.newRow()
		if t.indexAs(form, index, again) != nil {
			return false
		}
		t.rows.assign(row, again)
		return true
	}
	for form := toTheLetter + 1; form < forms; form++ {
		if fits(index, form) {
			return nil
		}
	}
	if cut, ok := withoutLastZero(index); ok {
		for form := toTheLetter; form < forms; form++ {
			if fits(cut, form) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s: index %s: %w", t.name, index, err)
}

// withoutLastZero returns an index without the 0 that it ends in.
func withoutLastZero(index OID) (OID, bool) {
	before, last := OID{}, uint32(1)
	for rest := index; !rest.IsEmpty(); {
		before = OID{index.packed[:len(index.packed)-len(rest.packed)]}
		last, rest, _ = rest.CutSubidentifier()
	}
	return before, last == 0
}

// Implied writes what being a row of the table tells, whatever its index, into r: for a
// row whose index is not understood and whose values tell as much.
func (d *RowDecoder[R]) Implied(r *R) { d.table.of.implies(r) }

// indexAs writes what an index of that form says, and what being a row of the table does, into a row.
func (t *table) indexAs(form indexForm, index OID, row any) error {
	t.of.implies(row)
	if form == typeFirst {
		typ, rest, _ := index.CutSubidentifier()
		before, rest, ok := rest.CutSubidentifier()
		if !ok || t.index < 2 || t.of.typed(0) || !t.of.typed(1) {
			return errIndexTooShort
		}
		swapped := AppendSubidentifier(AppendSubidentifier(nil, before), typ)
		return t.parseIndex(OID{string(append(swapped, rest.packed...))}, row, toTheLetter)
	}
	return t.parseIndex(index, row, form)
}

// Values writes the values of the decoder's columns into r; the zero Value stands for
// an instance that is not there. A value that is not understood leaves what it would
// have told unknown: odd, where it is not nil, is told of it. epoch is as for
// Table.Decode; index is for the errors.
func (d *RowDecoder[R]) Values(epoch time.Time, index OID, values []Value, r *R, odd func(error)) {
	d.table.storeAll(epoch, index, d.columns, values, r, odd)
}

func (d *declaration) storeAll(epoch time.Time, index OID, columns []int, values []Value, row any, odd func(error)) {
	for i, v := range values {
		if v == (Value{}) {
			continue
		}
		if err := d.store(row, columns[i], v, epoch); err != nil && odd != nil {
			odd(fmt.Errorf("%s.%s: %w", d.columns[columns[i]].name, index, err))
		}
	}
}
