package mib

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Current is something that others keep current, so that reading it takes no time:
// its value now, a T, is at hand whenever somebody asks. What is kept as a whole
// that must be read anew is a fresh.Source.
type Current[T comparable] struct {
	now func(ctx context.Context) (T, error)
}

// NewCurrent returns a Current of what now returns, which must not change any
// more. now waits, until ctx is done, while there is nothing yet. Its errors mean
// what those of a source mean that a table is bound to.
func NewCurrent[T comparable](now func(ctx context.Context) (T, error)) *Current[T] {
	return &Current[T]{now}
}

// pinCurrent returns the value that the request met first.
func pinCurrent[T comparable](r *Request, c *Current[T]) (T, error) {
	if taken := r.base(c); taken != nil {
		return taken.(T), nil
	}
	value, err := c.now(r.ctx)
	if err == nil {
		r.bases = append(r.bases, pinned{c, value})
	}
	return value, err
}

// Ordered is rows as they are at one moment, which somebody else keeps in an order
// that is nearly that of a table's index: in runs, of which every index comes
// before every index of the runs behind. Within a run rows are in any order, and
// several may have the same index. It does not change.
type Ordered[R any] interface {
	// Version returns a number that other rows of the same table do not have.
	Version() uint64
	// Search returns the place of the last run with a row that before holds
	// for, or of the first run where there is none. before holds for all rows
	// in front of some place and for none behind it, but within one run. It
	// may be called with a row that is not there, but would be in a run that
	// is.
	Search(before func(row R) bool) Place
	// AppendRun appends the rows of the run at a place to rows, and returns the
	// place of the next. A run may have no rows. At the end it returns the
	// place that it was given.
	AppendRun(rows []R, at Place) ([]R, Place)
}

// Place is the place of a run of an Ordered, to which alone it means something.
// The zero Place is the first run's, and that of each run is greater than those of
// the runs before it.
type Place uint64

// BindOrdered makes a table answer from rows that are kept in order, without a
// view of its own: Seek takes O(log n) steps and what follows one step each, and
// what Table.Where, Prefer and the index say holds for them as for a View.
func BindOrdered[T comparable, R any](t *Table[R], c *Current[T], ordered func(T) Ordered[R]) Node {
	d := t.declaration()
	of := &orderedTable{table: d}
	n := d.node()
	n.pinned = func(r *Request, kept rows) (rows, error) {
		value, err := pinCurrent(r, c)
		if err != nil {
			return nil, err
		}
		o, ok := kept.(*orderedRows)
		if !ok {
			o = &orderedRows{orderedTable: of, runs: newTypedRuns(d, t)}
		}
		rows := ordered(value)
		o.runs.(*typedRuns[R]).ordered = rows
		o.version = rows.Version()
		return o, nil
	}
	return d.beside(n)
}

// runs is an Ordered, and the rows of the run of it that was read last.
type runs interface {
	rowList
	// search returns the place of the last run with a row whose packed index is before target, or of the first run
	// where there is none.
	search(target string) Place
	// read reads the run at a place, and returns how many rows it has and the place of the next.
	read(at Place) (rows int, next Place)
	// view returns a view of the run, which lasts.
	view() *view
	// clear lets go of the Ordered and the rows.
	clear()
}

// typedRuns is the runs of rows of type R.
type typedRuns[R any] struct {
	typedList[R]
	of      *table
	ordered Ordered[R]

	// For a search.
	before func(R) bool
	target string
	probe  []byte
	sample R
}

func newTypedRuns[R any](d *table, t *Table[R]) *typedRuns[R] {
	r := &typedRuns[R]{typedList: typedList[R]{table: t}, of: d}
	r.before = func(row R) bool {
		r.sample = row
		r.probe = t.appendIndex(r.probe[:0], &r.sample, t.form)
		return string(r.probe) < r.target
	}
	return r
}

func (r *typedRuns[R]) search(target string) Place {
	r.target = target
	return r.ordered.Search(r.before)
}

func (r *typedRuns[R]) read(at Place) (rows int, next Place) {
	r.rows, next = r.ordered.AppendRun(r.rows[:0], at)
	return len(r.rows), next
}

func (r *typedRuns[R]) view() *view { return &r.table.viewOf(r.of, slices.Clone(r.rows)).view }

// keepRows is for how many rows of a run memory is kept for the next request.
const keepRows = 1 << 10

func (r *typedRuns[R]) clear() {
	r.ordered, r.target = nil, ""
	if cap(r.rows) > keepRows {
		r.rows = nil
	}
	clear(r.rows)
	r.rows = r.rows[:0]
}

// orderedTable is a table that is answered from an Ordered, and what its requests
// share.
type orderedTable struct {
	table *table

	// Views of long runs, by place, the number of rows, and the gaps, of one
	// version.
	mu    sync.Mutex
	long  atomic.Pointer[longRuns]
	count atomic.Pointer[rowCount]
	gaps  atomic.Pointer[gaps]
}

type longRuns struct {
	version uint64
	runs    map[Place]longRun
}

type longRun struct {
	view *view
	next Place
}

type rowCount struct {
	version uint64
	rows    int
}

// A run of more than longRunLength rows is put in order once for all requests.
// Those of at most maxLongRuns are kept.
const (
	longRunLength = 64
	maxLongRuns   = 64
)

// longRun returns the run at a place when it is a long one that is known.
func (t *orderedTable) longRun(version uint64, at Place) (longRun, bool) {
	known := t.long.Load()
	if known == nil || known.version != version {
		return longRun{}, false
	}
	run, ok := known.runs[at]
	return run, ok
}

// keepLongRun returns a long run with that view.
func (t *orderedTable) keepLongRun(version uint64, at, next Place, view *view) longRun {
	run := longRun{view, next}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := &longRuns{version: version, runs: map[Place]longRun{at: run}}
	if old := t.long.Load(); old != nil && old.version == version && len(old.runs) < maxLongRuns {
		for at, run := range old.runs {
			known.runs[at] = run
		}
	}
	t.long.Store(known)
	return run
}

// gaps are the stretches of runs of one version that have no value in a column, or
// no row at all, as far as anybody came upon them.
type gaps struct {
	version uint64

	mu sync.Mutex
	of [][]gap // each in order, without one that touches another; the columns' from 1 on
}

// rowless stands for a column where runs without a row are meant.
const rowless = -1

// gap is the runs from a place on and in front of another.
type gap struct{ from, to Place }

// A gap of at least minGap runs is kept, up to maxGaps of a column.
const (
	minGap  = 256
	maxGaps = 4096
)

// known returns the gaps of a version.
func (t *orderedTable) known(version uint64) *gaps {
	g := t.gaps.Load()
	if g == nil || g.version != version {
		g = &gaps{version: version, of: make([][]gap, 1+len(t.table.columns))}
		t.gaps.Store(g)
	}
	return g
}

// past returns the place behind the gap that a place is in; the place itself where
// it is in none.
func (g *gaps) past(column int, at Place) Place {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.of[1+column]
	i, touches := slices.BinarySearchFunc(all, at, func(known gap, at Place) int { return cmp.Compare(known.to, at) })
	if touches { // it ends there
		i++
	}
	if i < len(all) && all[i].from <= at {
		return all[i].to
	}
	return at
}

// keep keeps a gap, as one with those that it touches.
func (g *gaps) keep(column int, found gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.of[1+column]
	first, _ := slices.BinarySearchFunc(all, found.from, func(known gap, at Place) int { return cmp.Compare(known.to, at) })
	last := first
	for ; last < len(all) && all[last].from <= found.to; last++ {
		found.from, found.to = min(found.from, all[last].from), max(found.to, all[last].to)
	}
	if first < last || len(all) < maxGaps {
		g.of[1+column] = slices.Replace(all, first, last, found)
	}
}

// orderedRows is the rows of an Ordered as one Request goes through them. It keeps
// the run that it came to last, which other cursors of the request, at other
// columns, ask for next.
type orderedRows struct {
	*orderedTable
	runs    runs
	version uint64

	// The run that was read last.
	at, after Place
	loaded    bool
	members   []member // its rows by index; not where there is a view
	view      *view

	// keys are the packed indexes that the request was given. They stay until
	// it ends.
	keys []byte

	// What was given last, and where: of this request, and of the one before
	// it. Walkers go on from there.
	last          OID
	lastTo        position
	resume        []byte
	resumeTo      position
	resumeVersion uint64
}

// member is a row of a run.
type member struct {
	index OID
	row   int
}

// keepKeys is how much memory for indexes is kept for the next request.
const keepKeys = 1 << 17

func (o *orderedRows) release() bool {
	if !o.last.IsEmpty() {
		o.resume = append(o.resume[:0], o.last.packed...)
		o.resumeTo, o.resumeVersion = o.lastTo, o.version
		o.last = OID{}
	}
	o.runs.clear()
	o.view, o.loaded = nil, false
	clear(o.members)
	o.members = o.members[:0]
	if cap(o.keys) > keepKeys {
		o.keys = nil
	}
	o.keys = o.keys[:0]
	return true
}

// load reads the run at a place.
func (o *orderedRows) load(w *work, at Place) error {
	if o.loaded && o.at == at {
		return nil
	}
	o.at, o.loaded, o.view, o.members = at, true, nil, o.members[:0]
	if run, ok := o.longRun(o.version, at); ok {
		o.view, o.after = run.view, run.next
		return nil
	}
	var n int
	n, o.after = o.runs.read(at)
	switch {
	case n == 0:
		return w.spend(emptyRunSteps)
	case n == 1:
		o.members = append(o.members, member{})
		if !o.runs.belongs(0) {
			o.members = o.members[:0]
		}
	case n > longRunLength:
		// What is here as a run has more to it than a row that is passed over.
		o.loaded = false
		if err := w.forAll(8 * n); err != nil {
			return err
		}
		if err := w.spend(8 * n); err != nil {
			return err
		}
		run := o.keepLongRun(o.version, at, o.after, o.runs.view())
		o.loaded, o.view = true, run.view
	default:
		o.arrange(n)
		return w.spend(n)
	}
	return nil
}

// arrange puts the rows of a short run in order.
func (o *orderedRows) arrange(rows int) {
	for i := range rows {
		if !o.runs.belongs(i) {
			continue
		}
		if index, ok := o.pack(i); ok {
			o.members = append(o.members, member{index, i})
		}
	}
	compare := func(a, b member) int {
		if c := a.index.Compare(b.index); c != 0 {
			return c
		}
		if c := o.runs.prefer(a.row, b.row); c != 0 {
			return c
		}
		return a.row - b.row
	}
	same := func(a, b member) bool { return a.index == b.index }
	slices.SortFunc(o.members, compare)
	if o.table.tellsApart() {
		differ := false
		for group := range groups(o.members, same) {
			told := o.table.toldApart(len(group), func(i int, f Form) []byte { return o.runs.appendIndex(nil, group[i].row, f) })
			for i, key := range told {
				group[i].index, differ = OID{string(key)}, true
			}
		}
		if differ {
			slices.SortFunc(o.members, compare)
		}
	}
	o.members = slices.CompactFunc(o.members, same)
}

// pack packs the index of a row of the run; ok is false where it is too long.
func (o *orderedRows) pack(row int) (index OID, ok bool) {
	start := len(o.keys)
	o.keys = o.runs.appendIndex(o.keys, row, o.table.form)
	// What is there stays as it is while anybody holds an index.
	key := o.keys[start:]
	index = OID{unsafe.String(unsafe.SliceData(key), len(key))}
	if o.table.tooLong(index.packed) {
		o.keys = o.keys[:start]
		return OID{}, false
	}
	return index, true
}

// len returns the number of rows of the run at hand.
func (o *orderedRows) len() int {
	if o.view != nil {
		return o.view.len()
	}
	return len(o.members)
}

// row returns a row of the run at hand.
func (o *orderedRows) row(i int) any {
	if o.view != nil {
		return o.view.row(i)
	}
	return o.runs.row(o.members[i].row)
}

// value returns what a row of the run at hand has in a column.
func (o *orderedRows) value(i, column int) (Value, bool) {
	if o.view != nil {
		return o.view.value(i, column)
	}
	return o.runs.value(o.members[i].row, column)
}

// index returns the index of a row of the run at hand. That of a row that is alone
// is packed when somebody asks, and may turn out to be too long: the run has no
// row then.
func (o *orderedRows) index(i int) (OID, bool) {
	if o.view != nil {
		return o.view.index(i), true
	}
	m := &o.members[i]
	if m.index.IsEmpty() {
		var ok bool
		if m.index, ok = o.pack(m.row); !ok {
			o.members = o.members[:0]
			return OID{}, false
		}
	}
	return m.index, true
}

// forget drops the indexes of the run at hand, which nobody was given, from mark
// on.
func (o *orderedRows) forget(mark int) {
	if len(o.keys) > mark {
		o.keys, o.loaded = o.keys[:mark], false
	}
}

// passing is the runs that were passed over for nothing, one after the other.
type passing struct {
	from Place
	runs int
	rows bool // one of them has a row
}

// pass passes over the run at hand, which has nothing in a column from a row on,
// and returns the place to look at next. An error ends the request.
func (o *orderedRows) pass(w *work, p *passing, column, row int) (Place, error) {
	if p.runs == 0 {
		p.from = o.at
		if row > 0 {
			p.from = o.after
		}
	}
	p.rows = p.rows || row == 0 && o.len() > 0
	p.runs++
	next := o.after
	if p.runs%glance == 0 {
		known := o.known(o.version)
		if to := known.past(rowless, next); to != next {
			next = to
			p.runs = max(p.runs, minGap) // to be one with that gap
		} else if to := known.past(column, next); to != next {
			next = to
			p.runs, p.rows = max(p.runs, minGap), true
		}
	}
	err := w.spend(1)
	if err != nil {
		o.passed(p, column, next)
	}
	return next, err
}

// passed is called with where the passing ended.
func (o *orderedRows) passed(p *passing, column int, to Place) {
	if p.runs >= minGap && p.from < to {
		if !p.rows {
			column = rowless
		}
		o.known(o.version).keep(column, gap{p.from, to})
	}
}

func (o *orderedRows) seek(w *work, index OID, include bool) (position, error) {
	if !include && string(o.resume) == index.packed && !index.IsEmpty() && o.resumeVersion == o.version {
		return o.resumeTo, nil
	}
	at := o.runs.search(index.packed)
	var p passing
	for {
		mark := len(o.keys)
		if err := o.load(w, at); err != nil {
			return position{}, err
		}
		if o.after == at {
			o.passed(&p, rowless, at)
			return position{run: at}, nil
		}
		if i := o.search(index, include); i < o.len() {
			o.passed(&p, rowless, at)
			return position{run: at, row: i}, nil
		}
		if rows := o.len(); rows > 0 { // all in front of the index
			o.forget(mark)
			at = o.after
			continue
		}
		o.forget(mark)
		var err error
		if at, err = o.pass(w, &p, rowless, 0); err != nil {
			return position{}, err
		}
	}
}

// search returns the first row of the run at hand whose index is at or after index,
// or after it; len where there is none.
func (o *orderedRows) search(index OID, include bool) int {
	if o.view != nil {
		return o.view.search(index, include)
	}
	for i := range o.members {
		if key, ok := o.index(i); ok && (index.Less(key) || include && key == index) {
			return i
		}
	}
	return len(o.members)
}

func (o *orderedRows) get(w *work, index OID, column int) (v Value, ok bool, err error) {
	row, err := o.named(w, index)
	if row >= 0 {
		v, ok = o.value(row, column)
	}
	return v, ok, err
}

// named returns the row with an index as one of the run at hand, -1 where there is none.
func (o *orderedRows) named(w *work, index OID) (int, error) {
	at, err := o.seek(w, index, true)
	if err == nil {
		err = o.load(w, at.run)
	}
	if err != nil || at.row >= o.len() {
		return -1, err
	}
	if key, ok := o.index(at.row); !ok || key != index {
		return -1, nil
	}
	return at.row, nil
}

func (o *orderedRows) lookup(w *work, index OID) (any, error) {
	row, err := o.named(w, index)
	if row < 0 {
		return nil, err
	}
	return copyOf(o.table.rows, o.row(row)), nil
}

func (o *orderedRows) next(w *work, from position, column int) (OID, Value, position, error) {
	if o.table.columns[column].syntax.never {
		return OID{}, Value{}, from, nil
	}
	at, i := from.run, from.row
	var p passing
	var err error
	for {
		mark := len(o.keys)
		if err = o.load(w, at); err != nil {
			return OID{}, Value{}, from, err
		}
		if o.after == at {
			o.passed(&p, column, at)
			return OID{}, Value{}, from, nil
		}
		first := i
		for ; i < o.len(); i++ {
			var v Value
			var ok bool
			if o.view == nil {
				v, ok = o.value(i, column)
			} else if i, v, err = o.view.find(w, i, column); err != nil {
				return OID{}, Value{}, from, err
			} else {
				ok = v.typ != 0
			}
			if !ok {
				continue
			}
			if index, ok := o.index(i); ok {
				o.passed(&p, column, at)
				o.last, o.lastTo = index, position{run: at, row: i + 1}
				return index, v, o.lastTo, nil
			}
		}
		o.forget(mark)
		if at, err = o.pass(w, &p, column, first); err != nil {
			return OID{}, Value{}, from, err
		}
		i = 0
	}
}

// total counts the rows, once for each version.
func (o *orderedRows) total(w *work) (int, error) {
	if known := o.count.Load(); known != nil && known.version == o.version {
		return known.rows, nil
	}
	n, at := 0, Place(0)
	for {
		mark := len(o.keys)
		if err := o.load(w, at); err != nil {
			return 0, err
		}
		if o.after == at {
			break
		}
		if o.view == nil && len(o.members) == 1 {
			o.index(0)
		}
		n += o.len()
		o.forget(mark)
		if err := w.forAll(1); err != nil {
			return 0, err
		}
		if err := w.spend(1); err != nil {
			return 0, err
		}
		at = o.after
	}
	o.count.Store(&rowCount{o.version, n})
	return n, nil
}
