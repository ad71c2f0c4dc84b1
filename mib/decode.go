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
// values of a row together. It takes what agents send more liberally than
// Table.Decode: a value that a row cannot hold is unknown, and an index may have one
// of the forms that agents are known for.
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

// Index writes what being a row of the table, with that index, tells into r, which
// is zero. An index that is not as RFC 2578, section 7.7, has it is taken where only
// one of the forms that agents have instead fits it to its end: an InetAddress
// without its length or its type, with its type before the number in front of it, with a
// zone of the wrong type, of numbers of 16 bits, or as text; an IpAddress with a 1 in
// front or of one number; and any index with a 0 behind, as those of scalars have. After an error r is not to be used.
func (d *RowDecoder[R]) Index(index OID, r *R) error {
	err := d.index(index, r, toTheLetter)
	if err == nil {
		return nil
	}
	fits := func(index OID, form indexForm) bool {
		var again R
		if d.index(index, &again, form) != nil {
			return false
		}
		*r = again
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
	return fmt.Errorf("%s: index %s: %w", d.table.Name, index, err)
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
func (d *RowDecoder[R]) Implied(r *R) {
	if d.table.Implies != nil {
		d.table.Implies(r)
	}
}

func (d *RowDecoder[R]) index(index OID, r *R, form indexForm) error {
	d.Implied(r)
	if form == typeFirst {
		typ, rest, _ := index.CutSubidentifier()
		before, rest, ok := rest.CutSubidentifier()
		if parts := d.table.Index; !ok || len(parts) < 2 || parts[0].typed || !parts[1].typed {
			return errIndexTooShort
		}
		swapped := AppendSubidentifier(AppendSubidentifier(nil, before), typ)
		return d.table.parseIndex(OID{string(append(swapped, rest.packed...))}, r, toTheLetter)
	}
	return d.table.parseIndex(index, r, form)
}

// Values writes the values of the decoder's columns into r; the zero Value stands for
// an instance that is not there. A value that is not understood leaves what it would
// have told unknown: odd, where it is not nil, is told of it. epoch is as for
// Table.Decode; index is for the errors.
func (d *RowDecoder[R]) Values(epoch time.Time, index OID, values []Value, r *R, odd func(error)) {
	for i, v := range values {
		if v == (Value{}) {
			continue
		}
		if err := d.columns[i].field.store(r, v, epoch); err != nil && odd != nil {
			odd(fmt.Errorf("%s.%s: %w", d.columns[i].name, index, err))
		}
	}
}
