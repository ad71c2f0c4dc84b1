package mib

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// RowStatus is the status of a conceptual row, and what is to become of it (RFC 2579).
type RowStatus = int32

// Values of RowStatus. The first three are read, and all but RowNotReady written.
const (
	RowActive        RowStatus = 1 // it is in use
	RowNotInService  RowStatus = 2 // it could be
	RowNotReady      RowStatus = 3 // it lacks what it needs for that
	RowCreateAndGo   RowStatus = 4
	RowCreateAndWait RowStatus = 5
	RowDestroy       RowStatus = 6
)

// StorageType says how long a conceptual row lasts (RFC 2579).
type StorageType = int32

// Values of StorageType.
const (
	StorageOther       StorageType = 1
	StorageVolatile    StorageType = 2 // as long as the process
	StorageNonVolatile StorageType = 3
	StoragePermanent   StorageType = 4 // it cannot be destroyed
	StorageReadOnly    StorageType = 5 // nor changed
)

// RowStatus returns the field as the status column of its table, which says there what the
// status of a row in use is. What is written to it is of another kind, and never put into
// the row.
func (f Field[R]) RowStatus() Field[R] {
	f.syntax.rowStatus = true
	f.syntax.refuse = func(v Value) Status {
		switch v.Int() {
		case RowActive, RowNotInService, RowCreateAndGo, RowCreateAndWait, RowDestroy:
			return NoError
		}
		return WrongValue
	}
	return f
}

// AsRowStatus is a RowStatus: active(1) of each row that is in use.
func AsRowStatus[R any]() Field[R] { return AsConstant[R](Int(RowActive)).RowStatus() }

// AsStorageType is a StorageType. It can be written as volatile(2) or nonVolatile(3).
func AsStorageType[R any](a Access[R, StorageType]) Field[R] {
	f := AsInteger(a).Within(int64(StorageVolatile), int64(StorageNonVolatile))
	f.syntax.storage = true
	return f
}

// Default returns the object with a DEFVAL clause: what a row that is made has unless the
// request says something else. A Creatable object without one has no value in such a row until one is
// written, and the row is notReady as long.
func (c ColumnOf[R]) Default(v Value) ColumnOf[R] {
	return c.with(func(c *column) { c.byDefault = v })
}

// NotWhileActive returns the object as one that cannot be changed in a row that is active
// and stays so.
func (c ColumnOf[R]) NotWhileActive() ColumnOf[R] {
	return c.with(func(c *column) { c.whenInactive = true })
}

// columnSet is a set of a table's columns, by their place.
type columnSet uint64

const allColumns = ^columnSet(0)

func (s columnSet) has(column int) bool { return s>>column&1 != 0 }
func (s *columnSet) add(column int)     { *s |= 1 << column }

// statusColumn returns the place of the RowStatus, -1 where there is none.
func (t *table) statusColumn() int {
	return slices.IndexFunc(t.columns, func(c *column) bool { return c.syntax.rowStatus })
}

// required is the columns without which a row cannot be active.
func (t *table) required() (s columnSet) {
	for i, c := range t.columns {
		if c.access == readCreate && c.byDefault.typ == 0 && !c.syntax.rowStatus {
			s.add(i)
		}
	}
	return s
}

// complete reports whether a row with values in those columns can be active.
func (t *table) complete(row any, set columnSet) bool {
	return t.required()&^set == 0 && t.of.ready(row)
}

// checkRows says what is wrong with the declaration of a table whose rows can be made.
func (t *table) checkRows() error {
	if len(t.columns) > 64 {
		return fmt.Errorf("%d columns: rows of at most 64 can be made", len(t.columns))
	}
	if w := t.writing; w != nil && !w.asks && t.statusColumn() < 0 {
		return errors.New("its rows are kept and it has no RowStatus")
	}
	for _, c := range t.columns {
		if v := c.byDefault; v.typ != 0 && v.typ != c.syntax.typ {
			return fmt.Errorf("%s: the default %v is no %v", c.name, v, c.syntax.typ)
		}
	}
	return nil
}

// begin makes the row with an index, and returns the columns that have a value by default.
func (t *table) begin(index OID, row any) (set columnSet, err error) {
	t.of.implies(row)
	if err := t.parseIndex(index, row, toTheLetter); err != nil {
		return 0, err
	}
	if index.Len() > t.longest {
		return 0, fmt.Errorf("names would have more than %d sub-identifiers", MaxOIDLength)
	}
	for i, c := range t.columns {
		if v := c.byDefault; v.typ != 0 {
			if err := t.rows.set(row, i, v); err != nil {
				return 0, fmt.Errorf("%s: %w", c.name, err)
			}
			set.add(i)
		}
	}
	t.of.begun(row)
	return set, nil
}

// names reports whether a row has that index here: an index can be written in several forms.
func (t *table) names(index OID, row any) bool {
	has := func(f Form) bool { return string(t.of.appendIndex(nil, row, f)) == index.packed }
	return has(t.form) || t.tellsApart() && has(t.form|t.apart)
}

// Removes reports whether the row is to go from what the table is bound to. Otherwise it is
// to be there as Row says.
func (c *Change[R]) Removes() bool { return c.status != 0 && c.status != RowActive }

// Destroy has the row destroyed, whatever else the request says of it: for a Table.Check
// that finds a value which stands for that.
func (c *Change[R]) Destroy() { c.status = RowDestroy }

// rowChange is the change of a row that can be made and destroyed, as it is tested.
type rowChange struct {
	*change
	table *table
	kept  keptRow // the row, where that is kept
	waits bool    // it is kept
	// before is the row's status, 0 for none; a row that is not kept is active.
	before RowStatus
	set    columnSet // the columns that have a value
	wanted RowStatus // what the request says, 0 for nothing
	at     int       // the variable that says it
}

// testRow tests the change of a row by RFC 2579's table of states. Was is the row that the
// table is bound to, nil for none.
func (t *table) testRow(ctx context.Context, work *work, room *keptRows, of *change, was any, variables []variable) (Assignment, error) {
	c, index := &rowChange{change: of, table: t}, of.index
	c.kept, c.waits = room.find(index)
	if err := c.begin(was, variables); err != nil {
		return Assignment{}, err
	}
	if c.kept.fixed {
		return Assignment{}, &SetError{NotWritable, variables[0].number, errFixed}
	}
	if c.before == 0 && c.wanted == RowDestroy {
		return Assignment{}, nil
	}
	if err := c.assign(variables); err != nil {
		return Assignment{}, err
	}
	if err := c.move(variables[0].number); err != nil {
		return Assignment{}, err
	}
	if err := t.of.check(c.change); err != nil {
		return Assignment{}, refusal(err, variables[0].number)
	}
	if c.before == 0 && !t.names(index, c.row) {
		return Assignment{}, &SetError{InconsistentName, variables[0].number, errOtherIndex}
	}
	asks := t.writing.asks
	keeps := c.status != RowDestroy && (!asks || c.status != RowActive)
	if keeps && !c.waits && room.full() {
		return Assignment{}, &SetError{ResourceUnavailable, variables[0].number, errRoomFull}
	}
	var made Assignment
	if asks && (c.status == RowActive || c.before == RowActive && !c.waits) {
		work.pause() // others go on while the writer waits
		var err error
		if made, err = t.rows.write(ctx, c.change); err != nil {
			return Assignment{}, refusal(err, variables[0].number)
		}
	}
	// What is kept can be undone, which what a writer makes may not.
	switch {
	case keeps:
		return room.assignment(index, &keptRow{index: index, row: copyOf(t.rows, c.row), set: c.set, status: c.status}).Then(made), nil
	case c.waits:
		return room.assignment(index, nil).Then(made), nil
	}
	return made, nil
}

// begin finds out what there is of the row, and what of the request is wrong with that.
func (c *rowChange) begin(was any, variables []variable) error {
	for i := range variables {
		if v := &variables[i]; c.table.columns[v.column].syntax.rowStatus {
			c.wanted, c.at = v.value.Int(), v.number
		}
	}
	switch {
	case c.waits:
		c.table.rows.begin(c.change, was, c.kept.row)
		c.before, c.set = c.kept.status, c.kept.set
	case was != nil:
		c.table.rows.begin(c.change, was, was)
		c.before, c.set = RowActive, allColumns
	default:
		c.table.rows.begin(c.change, nil, nil)
		return c.beginNew(variables)
	}
	if c.wanted == RowCreateAndGo || c.wanted == RowCreateAndWait {
		return &SetError{InconsistentValue, c.at, errRowThere}
	}
	return nil
}

func (c *rowChange) beginNew(variables []variable) error {
	for i := range variables {
		if c.table.columns[variables[i].column].access != readCreate {
			return &SetError{NoCreation, variables[i].number, nil}
		}
	}
	var err error
	c.set, err = c.table.begin(c.index, c.row)
	switch {
	case err != nil:
		return &SetError{NoCreation, variables[0].number, err}
	case c.wanted == 0:
		return &SetError{InconsistentName, variables[0].number, errNoRow}
	case c.wanted == RowActive, c.wanted == RowNotInService:
		return &SetError{InconsistentValue, c.at, errNoRow}
	}
	return nil
}

// assign puts the values into the row.
func (c *rowChange) assign(variables []variable) error {
	for i := range variables {
		v := &variables[i]
		column := c.table.columns[v.column]
		c.note(v)
		if column.syntax.rowStatus {
			continue
		}
		if c.before == RowActive && !c.waits && column.access != readCreate {
			if _, ok := c.table.rows.get(c.was, v.column); !ok {
				return &SetError{NoCreation, v.number, nil}
			}
		}
		if column.whenInactive && c.before == RowActive && (c.wanted == 0 || c.wanted == RowActive) {
			return &SetError{InconsistentValue, v.number, errWhileActive}
		}
		if err := c.table.rows.set(c.row, v.column, v.value); err != nil {
			return &SetError{WrongValue, v.number, err}
		}
		c.set.add(v.column)
	}
	return nil
}

// move finds the status that the row is going to have; first is the number of its first
// variable.
func (c *rowChange) move(first int) error {
	if c.wanted == RowDestroy {
		c.status = RowDestroy
		return nil
	}
	complete := c.table.complete(c.row, c.set)
	if c.wanted == RowCreateAndWait || c.wanted == 0 && c.before != RowActive {
		if c.status = RowNotReady; complete {
			c.status = RowNotInService
		}
		return nil
	}
	if c.status = RowActive; c.wanted == RowNotInService {
		c.status = RowNotInService
	}
	if !complete {
		return &SetError{InconsistentValue, max(c.at, first), errIncomplete}
	}
	return nil
}

// isIncomplete reports whether a row is refused for what other variables of it may bring.
func isIncomplete(err error) bool {
	return errors.Is(err, errNoRow) || errors.Is(err, errIncomplete) || errors.Is(err, errWhileActive)
}
