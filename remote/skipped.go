package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SkippedError says that a table was read to its end, but that not all of what the
// agent told was understood. It comes after the last row. With Rows and Columns 0
// all rows are there, and only some of their values are unknown: then it matches
// netstat.ErrUnknownValues.
type SkippedError struct {
	// Table is the table's or the group's name: "ifTable".
	Table string
	// Values is how many values were not understood: they are unknown in their rows.
	Values int
	// Rows is how many rows were passed over, as their indexes were not understood.
	Rows int
	// Columns is how many columns the agent does not tell to their ends: they are
	// unknown in the rows behind.
	Columns int
	// Example is what was the matter the first time: of a column, else of a row, else
	// of a value.
	Example error
}

func (e *SkippedError) Error() string {
	text := ""
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{e.Columns, "a column was told in part", "%d columns were told in part"},
		{e.Rows, "a row was not understood and is left out", "%d rows were not understood and are left out"},
		{e.Values, "a value was not understood and is unknown", "%d values were not understood and are unknown"},
	} {
		if c.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		if c.n == 1 {
			text += c.one
		} else {
			text += fmt.Sprintf(c.many, c.n)
		}
	}
	if e.Columns+e.Rows+e.Values > 1 {
		return fmt.Sprintf("%s, such as %v", text, e.Example)
	}
	return fmt.Sprintf("%s: %v", text, e.Example)
}

// Is reports whether all rows are there, where target is netstat.ErrUnknownValues.
func (e *SkippedError) Is(target error) bool {
	return target == netstat.ErrUnknownValues && e.Rows == 0 && e.Columns == 0
}

// Unwrap returns the example.
func (e *SkippedError) Unwrap() error { return e.Example }

// skips counts what of a table is passed over. It is safe for concurrent use.
type skips struct {
	mu           sync.Mutex
	values, rows int
	columns      map[int]bool // that ended before their time
	aValue, aRow error        // the first of each
	aColumn      error
}

// value takes note of a value that was not understood.
func (s *skips) value(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values++; s.aValue == nil {
		s.aValue = err
	}
}

// row takes note of a row that was not understood.
func (s *skips) row(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows++; s.aRow == nil {
		s.aRow = err
	}
}

// column takes note of a column that ended before its time.
func (s *skips) column(i int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.columns == nil {
		s.columns = make(map[int]bool)
	}
	if s.columns[i] = true; s.aColumn == nil {
		s.aColumn = err
	}
}

// err returns what was passed over of a table with so many columns that the agent
// has, nil for nothing. A table of which no column was told to its end is cut short,
// for the first reason.
func (s *skips) err(table string, columns int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aColumn != nil && len(s.columns) >= columns {
		return s.aColumn
	}
	if s.values+s.rows+len(s.columns) == 0 {
		return nil
	}
	e := &SkippedError{Table: table, Values: s.values, Rows: s.rows, Columns: len(s.columns), Example: s.aValue}
	if s.aRow != nil {
		e.Example = s.aRow
	}
	if s.aColumn != nil {
		e.Example = s.aColumn
	}
	return e
}

// isComplete reports whether an error, nil too, is of a table that was read to its end.
func isComplete(err error) bool {
	var skipped *SkippedError
	return err == nil || errors.As(err, &skipped)
}

// isOver reports whether one of the errors is no table's own: then there is no use
// in asking for another.
func isOver(errs []error) bool {
	return slices.ContainsFunc(errs, func(err error) bool {
		return errors.Is(err, ErrNoAnswer) || errors.Is(err, fs.ErrPermission) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	})
}

// skipped adds what was passed over of a table to the error of reading it.
func (s *scan) skipped(err error) error {
	there := 0
	for i := range s.absent {
		if !s.absent[i].Load() {
			there++
		}
	}
	odd := s.skips.err(s.name, there)
	switch {
	case odd == nil:
		return err
	case err == nil:
		return odd
	}
	return errors.Join(err, odd)
}
