package remote

import (
	"context"
	"iter"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Objects are objects of MIBs that are read as the agent tells them, and not as rows of package netstat.
type Objects struct {
	// Name is that of the table or group, for errors.
	Name string
	// Columns have the same index, and are read side by side: of one table, or of one and those that augment it.
	Columns []mib.Object
	// Scalars are read with the first request.
	Scalars []mib.Object
	// Number is which of the scalars, from 1, says about how many rows there are; 0 for none.
	Number int
}

// ObjectRow is a row of Objects.
type ObjectRow struct {
	Index mib.OID
	// Values are the columns', the zero Value for what the agent does not tell, and one of the type Null for what
	// was not read before an error ended reading. They are the row's own.
	Values []mib.Value
}

// Objects yields the rows of what is named, in order of their indexes where there are few. tell is called with each of the scalars
// that the agent has, before the first row, and from one goroutine at a time.
//
// An agent that has none of the columns yields no row and no error. Where an error ends reading, it comes last, after the
// rows that were read in part.
func (s *Stack) Objects(ctx context.Context, o Objects, tell func(scalar int, v mib.Value)) iter.Seq2[ObjectRow, error] {
	if len(o.Columns) == 0 {
		return s.tellScalars(ctx, o, tell)
	}
	scan := newScan(s, o.Name, asColumns(o.Columns))
	scan.beside, scan.cut = asColumns(o.Scalars), true
	number := new(netstat.Optional[int])
	scan.tell = func(i int, v mib.Value) {
		if v.IsException() || v.Type() == mib.Null {
			return
		}
		if i == o.Number-1 && v.Type() == mib.Integer32 {
			number.Set(int(v.Int()))
		}
		tell(i, v)
	}
	if o.Number > 0 {
		scan.expected = func() int { return number.Or(0) }
	}
	return rows(ctx, scan, nil, func(index mib.OID, values []mib.Value, _ func(error)) (ObjectRow, bool, error) {
		return ObjectRow{index, slices.Clone(values)}, true, nil
	})
}

// tellScalars tells scalars that no table is read with.
func (s *Stack) tellScalars(ctx context.Context, o Objects, tell func(scalar int, v mib.Value)) iter.Seq2[ObjectRow, error] {
	scan := newScan(s, o.Name, asColumns(o.Scalars))
	scan.scalars = true
	told := rows(ctx, scan, nil, func(index mib.OID, values []mib.Value, _ func(error)) (ObjectRow, bool, error) {
		return ObjectRow{index, slices.Clone(values)}, index == mib.MakeOID(0), nil
	})
	return func(yield func(ObjectRow, error) bool) {
		for row, err := range told {
			if err != nil {
				yield(ObjectRow{}, err)
				return
			}
			for i, v := range row.Values {
				if v != (mib.Value{}) {
					tell(i, v)
				}
			}
		}
	}
}

func asColumns(objects []mib.Object) []column {
	columns := make([]column, len(objects))
	for i, o := range objects {
		columns[i] = column{o.OID, o.Name}
	}
	return columns
}

// Requests returns how many requests were sent through the stack, and how many of these repeated one that was not
// answered in time.
func (s *Stack) Requests() (sent, repeated uint64) { return s.sent.Load(), s.repeated.Load() }
