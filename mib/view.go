package mib

import (
	"bytes"
	"iter"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"unsafe"
)

// View is an immutable set of rows of a table in the order of their indexes,
// each index once.
type View[R any] struct {
	view view
	list typedList[R]
}

// View returns a view of those of the rows that belong in the table and whose
// variables have names of at most MaxOIDLength sub-identifiers. It keeps rows,
// which must not change any more.
func (t *Table[R]) View(rows []R) *View[R] { return t.viewOf(t.declaration(), rows) }

func (t *Table[R]) viewOf(d *table, rows []R) *View[R] {
	v := &View[R]{list: typedList[R]{t, rows}}
	v.view.table, v.view.list = d, &v.list
	v.view.fill(len(rows))
	return v
}

// Len returns the number of rows.
func (v *View[R]) Len() int { return v.view.len() }

// Row returns row i, from 0 to Len()-1, in index order.
func (v *View[R]) Row(i int) *R { return &v.list.rows[v.view.at(i)] }

// Index returns the index of row i.
func (v *View[R]) Index(i int) OID { return v.view.index(i) }

// Search returns the first row whose index is at or after index; with include
// false, after it.
func (v *View[R]) Search(index OID, include bool) int { return v.view.search(index, include) }

// All yields the variables of the view in the order of a walk: column by
// column.
func (v *View[R]) All() iter.Seq[Binding] { return v.view.all }

// rowList is rows by their numbers.
type rowList interface {
	row(i int) any
	value(i, column int) (Value, bool)
	belongs(i int) bool
	appendIndex(keys []byte, i int, f Form) []byte
	// prefer is Table.Prefer.
	prefer(a, b int) int
}

// typedList is the rowList of rows of type R.
type typedList[R any] struct {
	table *Table[R]
	rows  []R
}

func (l *typedList[R]) row(i int) any { return &l.rows[i] }

func (l *typedList[R]) value(i, column int) (Value, bool) {
	return l.table.Columns[column].get(&l.rows[i])
}

func (l *typedList[R]) belongs(i int) bool {
	return l.table.Where == nil || l.table.Where(&l.rows[i])
}

func (l *typedList[R]) appendIndex(keys []byte, i int, f Form) []byte {
	return l.table.appendIndex(keys, &l.rows[i], f)
}

func (l *typedList[R]) prefer(a, b int) int {
	if l.table.Prefer == nil {
		return 0
	}
	return l.table.Prefer(&l.rows[a], &l.rows[b])
}

// view is a View.
type view struct {
	table *table
	list  rowList
	order []uint32 // positions in list; nil when rows are in order
	keys  string   // the packed indexes, one after the other
	ends  []uint32 // where each ends
	// present says, for each column, which rows have a value; nil where nobody
	// had to know yet. A walk passes over the others at once, however many.
	present []atomic.Pointer[presence]
}

// sample is after how many rows fill knows how long an index is.
const sample = 64

// fill makes the view of the first rows of its list.
func (v *view) fill(rows int) {
	v.present = make([]atomic.Pointer[presence], len(v.table.columns))
	var keys []byte
	ends := make([]uint32, 0, rows)
	// order stays nil as long as every row belongs and none is out of order.
	var order []uint32
	sorted, last := true, uint32(0)
	for i := range rows {
		belongs := v.list.belongs(i)
		start := uint32(len(keys))
		if belongs {
			keys = v.list.appendIndex(keys, i, v.table.form)
			if n := len(keys) - int(start); n > v.table.longest && v.table.tooLong(string(keys[start:])) {
				keys, belongs = keys[:start], false
			}
		}
		if !belongs {
			if order == nil {
				order = identity(i, rows)
			}
			continue
		}
		if len(ends) > 0 && string(keys[last:start]) >= string(keys[start:]) {
			sorted = false
		}
		last = start
		ends = append(ends, uint32(len(keys)))
		if len(ends) == sample {
			// Rows are much alike: what the first took, the rest will take.
			keys = slices.Grow(keys, len(keys)/sample*(rows-i)*17/16)
		}
		if order != nil {
			order = append(order, uint32(i))
		}
	}
	if sorted {
		// Nobody else holds keys, and nothing changes them from here on.
		v.order, v.keys, v.ends = order, unsafe.String(unsafe.SliceData(keys), len(keys)), ends
		return
	}
	if order == nil {
		order = identity(rows, rows)
	}
	v.sort(order, keys, ends)
}

func identity(n, capacity int) []uint32 {
	order := make([]uint32, n, capacity)
	for i := range order {
		order[i] = uint32(i)
	}
	return order
}

// sort puts the rows of order, whose keys end at ends, into order and drops all
// but one of those with the same key.
func (v *view) sort(order []uint32, keys []byte, ends []uint32) {
	var apart map[uint32][]byte // keys that take the place of those in keys
	key := func(i uint32) []byte {
		if k, ok := apart[i]; ok {
			return k
		}
		if i == 0 {
			return keys[:ends[0]]
		}
		return keys[ends[i-1]:ends[i]]
	}
	compare := func(a, b uint32) int {
		if c := bytes.Compare(key(a), key(b)); c != 0 {
			return c
		}
		if c := v.list.prefer(int(order[a]), int(order[b])); c != 0 {
			return c
		}
		return int(int64(a) - int64(b))
	}
	at := identity(len(order), len(order))
	slices.SortFunc(at, compare)
	if v.table.tellsApart() {
		for same := range groups(at, func(a, b uint32) bool { return bytes.Equal(key(a), key(b)) }) {
			told := v.table.toldApart(len(same), func(n int, f Form) []byte { return v.list.appendIndex(nil, int(order[same[n]]), f) })
			for n, k := range told {
				if apart == nil {
					apart = make(map[uint32][]byte)
				}
				apart[same[n]] = k
			}
		}
		if apart != nil {
			slices.SortFunc(at, compare)
		}
	}
	var packed strings.Builder
	packed.Grow(len(keys))
	v.ends = make([]uint32, 0, len(order))
	v.order = make([]uint32, 0, len(order))
	for n, i := range at {
		k := key(i)
		if n > 0 && bytes.Equal(k, key(at[n-1])) {
			continue
		}
		packed.Write(k)
		v.ends = append(v.ends, uint32(packed.Len()))
		v.order = append(v.order, order[i])
	}
	v.keys = packed.String()
}

// groups yields the parts of a slice, one behind the other, that are longer than one
// and all the same.
func groups[T any](all []T, same func(a, b T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && same(all[from], all[to]) {
				to++
			}
			if to > from+1 && !yield(all[from:to]) {
				return
			}
			from = to
		}
	}
}

func (v *view) len() int { return len(v.ends) }

// at returns the place in the list of row i.
func (v *view) at(i int) int {
	if v.order != nil {
		return int(v.order[i])
	}
	return i
}

func (v *view) row(i int) any { return v.list.row(v.at(i)) }

func (v *view) value(i, column int) (Value, bool) { return v.list.value(v.at(i), column) }

func (v *view) index(i int) OID {
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return OID{v.keys[start:v.ends[i]]}
}

func (v *view) search(index OID, include bool) int {
	return sort.Search(len(v.ends), func(i int) bool {
		key := v.index(i).packed
		return key > index.packed || include && key == index.packed
	})
}

// named returns the row with an index; ok is false where there is none.
func (v *view) named(index OID) (row int, ok bool) {
	row = v.search(index, true)
	return row, row < v.len() && v.index(row) == index
}

func (v *view) all(yield func(Binding) bool) {
	for column, c := range v.table.columns {
		object := c.oid(v.table.parent)
		for row := range v.ends {
			value, ok := v.value(row, column)
			if ok && !yield(Binding{object, v.index(row), value}) {
				return
			}
		}
	}
}

func (v *view) release() bool            { return false }
func (v *view) total(*work) (int, error) { return v.len(), nil }

func (v *view) seek(_ *work, index OID, include bool) (position, error) {
	return position{row: v.search(index, include)}, nil
}

func (v *view) get(_ *work, index OID, column int) (value Value, ok bool, err error) {
	if row, there := v.named(index); there {
		value, ok = v.value(row, column)
	}
	return value, ok, nil
}

func (v *view) lookup(_ *work, index OID) (any, error) {
	if row, there := v.named(index); there {
		return v.row(row), nil
	}
	return nil, nil
}

func (v *view) next(w *work, from position, column int) (OID, Value, position, error) {
	row, value, err := v.find(w, from.row, column)
	if err != nil || row == v.len() {
		return OID{}, Value{}, from, err
	}
	return v.index(row), value, position{row: row + 1}, nil
}

// glance is how many rows without a value are looked at one by one. Of a column
// with more it is found out, once, which rows have one.
const glance = 16

// find returns the first row from row on that has a value in the column, and that
// value; len() where there is none.
func (v *view) find(w *work, row, column int) (int, Value, error) {
	if v.table.columns[column].syntax.never {
		return v.len(), Value{}, nil
	}
	p := v.present[column].Load()
	if p == nil {
		end := min(row+glance, v.len())
		for ; row < end; row++ {
			if value, ok := v.value(row, column); ok {
				return row, value, nil
			}
		}
		if err := w.spend(glance); err != nil || row == v.len() {
			return row, Value{}, err
		}
		var err error
		if p, err = v.presence(w, column); err != nil {
			return row, Value{}, err
		}
	}
	if row = p.next(row, v.len()); row == v.len() {
		return row, Value{}, nil
	}
	value, _ := v.value(row, column)
	return row, value, nil
}

// presence finds out which rows have a value in the column.
func (v *view) presence(w *work, column int) (*presence, error) {
	if err := w.forAll(v.len()); err != nil {
		return nil, err
	}
	p := newPresence(v.len())
	for row := range v.ends {
		if row%64 == 63 {
			if err := w.spend(64); err != nil {
				return nil, err
			}
		}
		if _, ok := v.value(row, column); ok {
			p.set(row)
		}
	}
	v.present[column].Store(p)
	return p, nil
}

// presence is a set of rows: a bit for each, and one for each word of these that
// is not 0.
type presence struct{ rows, words []uint64 }

func newPresence(rows int) *presence {
	words := (rows + 63) / 64
	return &presence{make([]uint64, words), make([]uint64, (words+63)/64)}
}

func (p *presence) set(row int) {
	p.rows[row/64] |= 1 << (row % 64)
	p.words[row/4096] |= 1 << (row / 64 % 64)
}

// next returns the first row of the set from row on; end where there is none.
func (p *presence) next(row, end int) int {
	if row >= end {
		return end
	}
	word := row / 64
	if rest := p.rows[word] >> (row % 64); rest != 0 {
		return row + bits.TrailingZeros64(rest)
	}
	word++
	for group := word / 64; group < len(p.words); group++ {
		if rest := p.words[group] >> (word % 64); rest != 0 {
			word += bits.TrailingZeros64(rest)
			return word*64 + bits.TrailingZeros64(p.rows[word])
		}
		word = (group + 1) * 64
	}
	return end
}
