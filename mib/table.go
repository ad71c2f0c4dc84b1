package mib

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// ColumnOf is an object of a table or group over rows of type R.
type ColumnOf[R any] struct {
	sub    uint32
	name   string
	field  Field[R]
	access access

	byDefault    Value // its type is 0 for none
	whenInactive bool
	entry        OID // see Augmenting; empty for the table's own
	secret       OID // see Secret; empty for what is none
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
	return ColumnOf[R]{sub: sub, name: name, field: f}
}

// Writable returns the object with read-write for its MAX-ACCESS. It can be written
// where its table or group has a writer (see WrittenBy). Its value stands in the
// row itself, and not behind a pointer that copies of the row share.
func (c ColumnOf[R]) Writable() ColumnOf[R] {
	c.access = readWrite
	return c
}

// Creatable returns the object with read-create: as Writable, and in rows that are not
// there yet as well.
func (c ColumnOf[R]) Creatable() ColumnOf[R] {
	c.access = readCreate
	return c
}

// Augmenting returns the object as one of a table that AUGMENTS its own (RFC 2578, section 7.8): the
// rows are the same, and their conceptual row there has that OID.
func (c ColumnOf[R]) Augmenting(entry OID) ColumnOf[R] {
	c.entry = entry
	return c
}

// Secret returns the object as one that who may see everything cannot read, but those alone whose view names a
// subtree at or below named (see Naming). It is written as any other.
func (c ColumnOf[R]) Secret(named OID) ColumnOf[R] {
	c.secret = named
	return c
}

// oid returns the object's OID; parent is that of the conceptual row, or of the node above the scalars.
func (c *ColumnOf[R]) oid(parent OID) OID {
	if !c.entry.IsEmpty() {
		parent = c.entry
	}
	return parent.Sub(c.sub)
}

func (c *ColumnOf[R]) object(parent OID, scalar bool) Object {
	typ := c.field.typ
	if typ == timeStamp {
		typ = TimeTicks
	}
	return Object{Name: c.name, OID: c.oid(parent), Type: typ, Scalar: scalar, Text: c.field.text, secret: c.secret}
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
	writing *writing[R]
}

// WithZones returns the table with the zones of addresses in every index, as RFC 4001
// has it, and not only where rows are told apart by them.
func (t *Table[R]) WithZones() *Table[R] {
	w := *t
	w.form |= Zoned
	return &w
}

// check says what is wrong with the declaration.
func (t *Table[R]) check() error {
	if t.Entry.Len() < 2 {
		return fmt.Errorf("the OID of the conceptual row is %q", t.Entry)
	}
	if len(t.Index) == 0 {
		return errors.New("no INDEX")
	}
	return errors.Join(checkColumns(t.Entry, t.Columns), t.writing.check(t.Columns), t.checkRows())
}

func checkColumns[R any](parent OID, columns []ColumnOf[R]) error {
	if len(columns) == 0 {
		return errors.New("no objects")
	}
	for i := range columns {
		c := &columns[i]
		if c.field.get == nil {
			return fmt.Errorf("%s has no field", c.name)
		}
		if i > 0 && !columns[i-1].oid(parent).Less(c.oid(parent)) {
			return fmt.Errorf("%s (%d) does not come after %s (%d)", c.name, c.sub, columns[i-1].name, columns[i-1].sub)
		}
	}
	return nil
}

// View is an immutable set of rows of a table in the order of their indexes,
// each index once.
type View[R any] struct {
	table *Table[R]
	rows  []R
	order []uint32 // positions in rows; nil when rows are in order
	keys  string   // the packed indexes, one after the other
	ends  []uint32 // where each ends
	// present says, for each column, which rows have a value; nil where nobody
	// had to know yet. A walk passes over the others at once, however many.
	present []atomic.Pointer[presence]
}

// appendIndex appends the packed index of a row.
func (t *Table[R]) appendIndex(keys []byte, r *R) []byte { return t.appendForm(keys, r, t.form) }

// appendApart appends the packed index of a row that would share appendIndex's.
func (t *Table[R]) appendApart(keys []byte, r *R) []byte {
	return t.appendForm(keys, r, t.form|t.Apart)
}

func (t *Table[R]) appendForm(keys []byte, r *R, f Form) []byte {
	for i := range t.Index {
		keys = t.Index[i].write(keys, r, f)
	}
	return keys
}

// tellsApart reports whether rows with one index may have several.
func (t *Table[R]) tellsApart() bool { return t.form|t.Apart != t.form }

// longestIndex is how many sub-identifiers an index has at most, so that all variables of the row have a name.
func (t *Table[R]) longestIndex() int {
	longest := t.Entry.Len()
	for i := range t.Columns {
		longest = max(longest, t.Columns[i].entry.Len())
	}
	return MaxOIDLength - longest - 1
}

// IndexOf returns the index of a row, which a RowPointer to it ends with.
func (t *Table[R]) IndexOf(r *R) OID { return OID{string(t.appendIndex(nil, r))} }

// sample is after how many rows View knows how long an index is.
const sample = 64

// View returns a view of those of the rows that belong in the table and whose
// variables have names of at most MaxOIDLength sub-identifiers. It keeps rows,
// which must not change any more.
func (t *Table[R]) View(rows []R) *View[R] {
	v := &View[R]{table: t, rows: rows, present: make([]atomic.Pointer[presence], len(t.Columns))}
	var keys []byte
	ends := make([]uint32, 0, len(rows))
	// order stays nil as long as every row belongs and none is out of order.
	var order []uint32
	sorted, last := true, uint32(0)
	longest := t.longestIndex()
	for i := range rows {
		r := &rows[i]
		belongs := t.Where == nil || t.Where(r)
		start := uint32(len(keys))
		if belongs {
			keys = t.appendIndex(keys, r)
			// A sub-identifier takes at least one octet.
			if n := len(keys) - int(start); n > longest && (OID{string(keys[start:])}).Len() > longest {
				keys, belongs = keys[:start], false
			}
		}
		if !belongs {
			if order == nil {
				order = identity(i, len(rows))
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
			keys = slices.Grow(keys, len(keys)/sample*(len(rows)-i)*17/16)
		}
		if order != nil {
			order = append(order, uint32(i))
		}
	}
	if sorted {
		// Nobody else holds keys, and nothing changes them from here on.
		v.order, v.keys, v.ends = order, unsafe.String(unsafe.SliceData(keys), len(keys)), ends
		return v
	}
	if order == nil {
		order = identity(len(rows), len(rows))
	}
	v.sort(order, keys, ends)
	return v
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
func (v *View[R]) sort(order []uint32, keys []byte, ends []uint32) {
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
		if prefer := v.table.Prefer; prefer != nil {
			if c := prefer(&v.rows[order[a]], &v.rows[order[b]]); c != 0 {
				return c
			}
		}
		return int(int64(a) - int64(b))
	}
	at := identity(len(order), len(order))
	slices.SortFunc(at, compare)
	if v.table.tellsApart() {
		row := func(i uint32) *R { return &v.rows[order[i]] }
		for same := range groups(at, func(a, b uint32) bool { return bytes.Equal(key(a), key(b)) }) {
			for n, k := range v.table.apart(len(same), func(n int) *R { return row(same[n]) }) {
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

// apart returns the keys that tell n rows with the same index apart, one for each, or
// none where nothing does.
func (t *Table[R]) apart(n int, row func(n int) *R) [][]byte {
	keys, differ := make([][]byte, n), false
	for i := range keys {
		keys[i] = t.appendApart(nil, row(i))
		if (OID{string(keys[i])}).Len() > t.longestIndex() {
			return nil
		}
		differ = differ || !bytes.Equal(keys[i], keys[0])
	}
	if !differ {
		return nil
	}
	return keys
}

// Len returns the number of rows.
func (v *View[R]) Len() int { return len(v.ends) }

// Row returns row i, from 0 to Len()-1, in index order.
func (v *View[R]) Row(i int) *R {
	if v.order != nil {
		i = int(v.order[i])
	}
	return &v.rows[i]
}

// Index returns the index of row i.
func (v *View[R]) Index(i int) OID {
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return OID{v.keys[start:v.ends[i]]}
}

// Search returns the first row whose index is at or after index; with include
// false, after it.
func (v *View[R]) Search(index OID, include bool) int {
	return sort.Search(len(v.ends), func(i int) bool {
		key := v.Index(i).packed
		return key > index.packed || include && key == index.packed
	})
}

// All yields the variables of the view in the order of a walk: column by
// column.
func (v *View[R]) All() iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		for c := range v.table.Columns {
			object := v.table.Columns[c].oid(v.table.Entry)
			for row := range v.ends {
				value, ok := v.table.Columns[c].field.get(v.Row(row))
				if ok && !yield(Binding{object, v.Index(row), value}) {
					return
				}
			}
		}
	}
}

func (v *View[R]) release() bool            { return false }
func (v *View[R]) total(*work) (int, error) { return v.Len(), nil }

func (v *View[R]) seek(_ *work, index OID, include bool) (position, error) {
	return position{row: v.Search(index, include)}, nil
}

func (v *View[R]) get(_ *work, index OID, column int) (Value, bool, error) {
	row := v.Search(index, true)
	if row == v.Len() || v.Index(row) != index {
		return Value{}, false, nil
	}
	value, ok := v.table.Columns[column].field.get(v.Row(row))
	return value, ok, nil
}

func (v *View[R]) lookup(_ *work, index OID) (*R, error) {
	row := v.Search(index, true)
	if row == v.Len() || v.Index(row) != index {
		return nil, nil
	}
	return v.Row(row), nil
}

func (v *View[R]) next(w *work, from position, column int) (OID, Value, position, error) {
	row, value, err := v.find(w, from.row, column)
	if err != nil || row == v.Len() {
		return OID{}, Value{}, from, err
	}
	return v.Index(row), value, position{row: row + 1}, nil
}

// glance is how many rows without a value are looked at one by one. Of a column
// with more it is found out, once, which rows have one.
const glance = 16

// find returns the first row from row on that has a value in the column, and that
// value; Len() where there is none.
func (v *View[R]) find(w *work, row, column int) (int, Value, error) {
	field := &v.table.Columns[column].field
	if field.never {
		return len(v.ends), Value{}, nil
	}
	p := v.present[column].Load()
	if p == nil {
		end := min(row+glance, len(v.ends))
		for ; row < end; row++ {
			if value, ok := field.get(v.Row(row)); ok {
				return row, value, nil
			}
		}
		if err := w.spend(glance); err != nil || row == len(v.ends) {
			return row, Value{}, err
		}
		var err error
		if p, err = v.presence(w, column); err != nil {
			return row, Value{}, err
		}
	}
	if row = p.next(row, len(v.ends)); row == len(v.ends) {
		return row, Value{}, nil
	}
	value, _ := field.get(v.Row(row))
	return row, value, nil
}

// presence finds out which rows have a value in the column.
func (v *View[R]) presence(w *work, column int) (*presence, error) {
	if err := w.forAll(len(v.ends)); err != nil {
		return nil, err
	}
	field, p := &v.table.Columns[column].field, newPresence(len(v.ends))
	for row := range v.ends {
		if row%64 == 63 {
			if err := w.spend(64); err != nil {
				return nil, err
			}
		}
		if _, ok := field.get(v.Row(row)); ok {
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

// Decode returns the rows that the variables of this table tell, in the order
// in which their indexes came first. Variables of other tables and of columns
// that the declaration does not have are passed over. epoch is the moment at
// which the sysUpTime of the variables' agent was zero. The first variable that
// the declaration cannot take ends it with an error that names the variable.
func (t *Table[R]) Decode(epoch time.Time, bindings iter.Seq[Binding]) ([]R, error) {
	var rows []R
	at := make(map[OID]int)
	for b := range bindings {
		c, index := t.column(b.Name())
		if c < 0 {
			continue
		}
		i, known := at[index]
		if !known {
			var r R
			if t.Implies != nil {
				t.Implies(&r)
			}
			if err := t.parseIndex(index, &r, toTheLetter); err != nil {
				return rows, fmt.Errorf("%s.%s: %w", t.Columns[c].name, index, err)
			}
			i = len(rows)
			rows, at[index] = append(rows, r), i
		}
		if err := t.Columns[c].field.store(&rows[i], b.Value, epoch); err != nil {
			return rows, fmt.Errorf("%s.%s: %w", t.Columns[c].name, index, err)
		}
	}
	return rows, nil
}

// column returns the place of the column that a variable is of, -1 where it is of none, and the variable's index.
func (t *Table[R]) column(name OID) (column int, index OID) {
	rest, own := name.CutPrefix(t.Entry)
	sub, index, _ := rest.CutSubidentifier()
	for i := range t.Columns {
		switch c := &t.Columns[i]; {
		case !c.entry.IsEmpty():
			if index, of := name.CutPrefix(c.oid(t.Entry)); of {
				return i, index
			}
		case own && c.sub == sub:
			return i, index
		}
	}
	return -1, OID{}
}

func (t *Table[R]) parseIndex(index OID, r *R, form indexForm) error {
	for i := range t.Index {
		read := t.Index[i].read
		if form != toTheLetter && t.Index[i].readForm != nil {
			read = func(index OID, r *R) (OID, error) { return t.Index[i].readForm(index, r, form) }
		}
		var err error
		if index, err = read(index, r); err != nil {
			return fmt.Errorf("index object %d: %w", i+1, err)
		}
	}
	if !index.IsEmpty() {
		return fmt.Errorf("index has %d sub-identifiers too many", index.Len())
	}
	return nil
}

// Group declares scalar objects over a value of type R.
type Group[R any] struct {
	Name    string // descriptor of the node that they stand below: "tcp"
	OID     OID    // of that node
	Objects []ColumnOf[R]

	writing *writing[R]
}

// check says what is wrong with the declaration.
func (g *Group[R]) check() error {
	if g.OID.Len() < 2 {
		return fmt.Errorf("the OID of the node above the scalars is %q", g.OID)
	}
	return errors.Join(checkColumns(g.OID, g.Objects), g.writing.check(g.Objects))
}

var scalarIndex = MakeOID(0)

// groupRows is the single row that a group of scalars is.
type groupRows[R any] struct {
	group *Group[R]
	row   R
	own   bool // of one Request
}

func (g *groupRows[R]) release() bool            { return g.own }
func (g *groupRows[R]) total(*work) (int, error) { return 1, nil }

func (g *groupRows[R]) seek(_ *work, index OID, include bool) (position, error) {
	if index.Less(scalarIndex) || include && index == scalarIndex {
		return position{}, nil
	}
	return position{row: 1}, nil
}

func (g *groupRows[R]) get(_ *work, index OID, column int) (v Value, ok bool, err error) {
	if index == scalarIndex {
		v, ok = g.group.Objects[column].field.get(&g.row)
	}
	return v, ok, nil
}

func (g *groupRows[R]) lookup(_ *work, index OID) (*R, error) {
	if index != scalarIndex {
		return nil, nil
	}
	own := g.row
	return &own, nil
}

func (g *groupRows[R]) next(_ *work, from position, column int) (OID, Value, position, error) {
	if from.row == 0 {
		if v, ok := g.group.Objects[column].field.get(&g.row); ok {
			return scalarIndex, v, position{row: 1}, nil
		}
	}
	return OID{}, Value{}, from, nil
}

// Values yields the scalars that r knows.
func (g *Group[R]) Values(r R) iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		for i := range g.Objects {
			if v, ok := g.Objects[i].field.get(&r); ok && !yield(Binding{g.OID.Sub(g.Objects[i].sub), scalarIndex, v}) {
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
	g.decode(epoch, bindings, r, func(odd error) bool {
		err = odd
		return false
	})
	return err
}

// DecodeAll is Decode for what agents send: a scalar that is not understood is
// unknown, and odd is told of it.
func (g *Group[R]) DecodeAll(epoch time.Time, bindings iter.Seq[Binding], r *R, odd func(error)) {
	g.decode(epoch, bindings, r, func(err error) bool {
		odd(err)
		return true
	})
}

// decode goes on after a variable that is not understood if odd says so.
func (g *Group[R]) decode(epoch time.Time, bindings iter.Seq[Binding], r *R, odd func(error) bool) {
	for b := range bindings {
		rest, ok := b.Name().CutPrefix(g.OID)
		if !ok {
			continue
		}
		sub, index, _ := rest.CutSubidentifier()
		for i := range g.Objects {
			o := &g.Objects[i]
			if o.sub != sub || index != scalarIndex {
				continue
			}
			if err := o.field.store(r, b.Value, epoch); err != nil && !odd(fmt.Errorf("%s.0: %w", o.name, err)) {
				return
			}
		}
	}
}
