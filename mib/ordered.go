package mib

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Current is something that others keep current, so that reading it takes no time:
// its value now, a T, is at hand whenever somebody asks. What is kept as a whole
// that must be read anew is a Source.
type Current[T comparable] struct {
	now func(ctx context.Context) (T, error)
}

// NewCurrent returns a Current of what now returns, which must not change any
// more. now waits, until ctx is done, while there is nothing yet. Its errors mean
// what those of a Source mean.
func NewCurrent[T comparable](now func(ctx context.Context) (T, error)) *Current[T] {
	return &Current[T]{now}
}

// pinCurrent returns the value that the request met first.
func pinCurrent[T comparable](r *Request, c *Current[T]) (T, error) {
	for i := range r.bases {
		if r.bases[i].source == any(c) {
			return r.bases[i].taken.(T), nil
		}
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
// The zero Place is the first run's.
type Place uint64

// BindOrdered makes a table answer from rows that are kept in order, without a
// view of its own: Seek takes O(log n) steps and what follows one step each, and
// what Table.Where, Prefer and the index say holds for them as for a View.
func BindOrdered[T comparable, R any](t *Table[R], c *Current[T], rows func(T) Ordered[R]) Node {
	objects, regions := t.objects()
	return &orderedNode[T, R]{
		orderedTable: orderedTable[R]{table: t, longest: MaxOIDLength - t.Entry.Len() - 1},
		regions:      regions, objects: objects, current: c, rows: rows,
	}
}

type orderedNode[T comparable, R any] struct {
	orderedTable[R]
	regions []OID
	objects []Object
	current *Current[T]
	rows    func(T) Ordered[R]
}

func (n *orderedNode[T, R]) Name() string      { return n.table.Name }
func (n *orderedNode[T, R]) check() error      { return n.table.check() }
func (n *orderedNode[T, R]) Regions() []OID    { return n.regions }
func (n *orderedNode[T, R]) Objects() []Object { return n.objects }

func (n *orderedNode[T, R]) pin(r *Request, kept rows) (rows, error) {
	value, err := pinCurrent(r, n.current)
	if err != nil {
		return nil, err
	}
	o, ok := kept.(*orderedRows[R])
	if !ok {
		o = &orderedRows[R]{orderedTable: &n.orderedTable}
		o.before = func(row R) bool {
			o.sample = row
			o.probe = o.table.appendIndex(o.probe[:0], &o.sample)
			return string(o.probe) < o.target
		}
	}
	o.ordered, o.ctx = n.rows(value), r.ctx
	o.version = o.ordered.Version()
	return o, nil
}

// orderedTable is a table that is answered from an Ordered, and what its requests
// share.
type orderedTable[R any] struct {
	table   *Table[R]
	longest int // sub-identifiers that an index may have

	// Views of long runs, by place, and the number of rows, of one version.
	mu    sync.Mutex
	long  atomic.Pointer[longRuns[R]]
	count atomic.Pointer[rowCount]
}

type longRuns[R any] struct {
	version uint64
	runs    map[Place]longRun[R]
}

type longRun[R any] struct {
	view *View[R]
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
func (t *orderedTable[R]) longRun(version uint64, at Place) (longRun[R], bool) {
	known := t.long.Load()
	if known == nil || known.version != version {
		return longRun[R]{}, false
	}
	run, ok := known.runs[at]
	return run, ok
}

// keepLongRun returns a long run of rows that the caller goes on to use.
func (t *orderedTable[R]) keepLongRun(version uint64, at, next Place, rows []R) longRun[R] {
	run := longRun[R]{t.table.View(slices.Clone(rows)), next}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := &longRuns[R]{version: version, runs: map[Place]longRun[R]{at: run}}
	if old := t.long.Load(); old != nil && old.version == version && len(old.runs) < maxLongRuns {
		for at, run := range old.runs {
			known.runs[at] = run
		}
	}
	t.long.Store(known)
	return run
}

// orderedRows is the rows of an Ordered as one Request goes through them. It keeps
// the run that it came to last, which other cursors of the request, at other
// columns, ask for next.
type orderedRows[R any] struct {
	*orderedTable[R]
	ordered Ordered[R]
	version uint64
	ctx     context.Context

	// The run that was read last.
	at, after Place
	loaded    bool
	rows      []R
	members   []member // its rows by index; not where there is a view
	view      *View[R]

	// keys are the packed indexes that the request was given. They stay until
	// it ends.
	keys []byte

	// For a search.
	before func(R) bool
	target string
	probe  []byte
	sample R

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

// keepKeys and keepRows are how much memory for indexes, and for how many rows of a
// run, is kept for the next request.
const (
	keepKeys = 1 << 17
	keepRows = 1 << 10
)

func (o *orderedRows[R]) release() bool {
	if !o.last.IsEmpty() {
		o.resume = append(o.resume[:0], o.last.packed...)
		o.resumeTo, o.resumeVersion = o.lastTo, o.version
		o.last = OID{}
	}
	o.ordered, o.ctx, o.view, o.loaded = nil, nil, nil, false
	if cap(o.rows) > keepRows {
		o.rows = nil
	}
	clear(o.rows)
	clear(o.members)
	o.rows, o.members = o.rows[:0], o.members[:0]
	if cap(o.keys) > keepKeys {
		o.keys = nil
	}
	o.keys = o.keys[:0]
	o.target = ""
	return true
}

// load reads the run at a place.
func (o *orderedRows[R]) load(at Place) {
	if o.loaded && o.at == at {
		return
	}
	o.at, o.loaded, o.view, o.members = at, true, nil, o.members[:0]
	if run, ok := o.longRun(o.version, at); ok {
		o.view, o.after = run.view, run.next
		return
	}
	o.rows, o.after = o.ordered.AppendRun(o.rows[:0], at)
	switch n := len(o.rows); {
	case n == 1:
		o.members = append(o.members, member{})
		if where := o.table.Where; where != nil && !where(&o.rows[0]) {
			o.members = o.members[:0]
		}
	case n > longRunLength:
		run := o.keepLongRun(o.version, at, o.after, o.rows)
		o.view = run.view
	default:
		o.arrange()
	}
}

// arrange puts the rows of a short run in order.
func (o *orderedRows[R]) arrange() {
	t := o.table
	for i := range o.rows {
		if t.Where != nil && !t.Where(&o.rows[i]) {
			continue
		}
		if index, ok := o.pack(i); ok {
			o.members = append(o.members, member{index, i})
		}
	}
	slices.SortFunc(o.members, func(a, b member) int {
		if c := a.index.Compare(b.index); c != 0 {
			return c
		}
		if t.Prefer != nil {
			if c := t.Prefer(&o.rows[a.row], &o.rows[b.row]); c != 0 {
				return c
			}
		}
		return a.row - b.row
	})
	o.members = slices.CompactFunc(o.members, func(a, b member) bool { return a.index == b.index })
}

// pack packs the index of a row of the run; ok is false where it is too long.
func (o *orderedRows[R]) pack(row int) (index OID, ok bool) {
	start := len(o.keys)
	o.keys = o.table.appendIndex(o.keys, &o.rows[row])
	// What is there stays as it is while anybody holds an index.
	key := o.keys[start:]
	index = OID{unsafe.String(unsafe.SliceData(key), len(key))}
	if len(key) > o.longest && index.Len() > o.longest {
		o.keys = o.keys[:start]
		return OID{}, false
	}
	return index, true
}

// len returns the number of rows of the run at hand.
func (o *orderedRows[R]) len() int {
	if o.view != nil {
		return o.view.Len()
	}
	return len(o.members)
}

// row returns a row of the run at hand.
func (o *orderedRows[R]) row(i int) *R {
	if o.view != nil {
		return o.view.Row(i)
	}
	return &o.rows[o.members[i].row]
}

// index returns the index of a row of the run at hand. That of a row that is alone
// is packed when somebody asks, and may turn out to be too long: the run has no
// row then.
func (o *orderedRows[R]) index(i int) (OID, bool) {
	if o.view != nil {
		return o.view.Index(i), true
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
func (o *orderedRows[R]) forget(mark int) {
	if len(o.keys) > mark {
		o.keys, o.loaded = o.keys[:mark], false
	}
}

// A request that may not wait passes over at most this many runs for one variable.
const patience = 4096

// passed is called for each run without a row that is looked for.
func (o *orderedRows[R]) passed(runs int) error {
	if runs%patience == 0 {
		return o.ctx.Err()
	}
	return nil
}

func (o *orderedRows[R]) seek(index OID, include bool) (position, error) {
	if !include && string(o.resume) == index.packed && !index.IsEmpty() && o.resumeVersion == o.version {
		return o.resumeTo, nil
	}
	o.target = index.packed
	at := o.ordered.Search(o.before)
	for runs := 1; ; runs++ {
		mark := len(o.keys)
		o.load(at)
		if o.after == at {
			return position{run: at}, nil
		}
		if i := o.search(index, include); i < o.len() {
			return position{at, i}, nil
		}
		o.forget(mark)
		if err := o.passed(runs); err != nil {
			return position{}, err
		}
		at = o.after
	}
}

// search returns the first row of the run at hand whose index is at or after index,
// or after it; len where there is none.
func (o *orderedRows[R]) search(index OID, include bool) int {
	if o.view != nil {
		return o.view.Search(index, include)
	}
	for i := range o.members {
		if key, ok := o.index(i); ok && (index.Less(key) || include && key == index) {
			return i
		}
	}
	return len(o.members)
}

func (o *orderedRows[R]) get(index OID, column int) (Value, bool, error) {
	p, err := o.seek(index, true)
	if err != nil {
		return Value{}, false, err
	}
	o.load(p.run)
	if p.row >= o.len() {
		return Value{}, false, nil
	}
	if key, ok := o.index(p.row); !ok || key != index {
		return Value{}, false, nil
	}
	v, ok := o.table.Columns[column].field.get(o.row(p.row))
	return v, ok, nil
}

func (o *orderedRows[R]) next(from position, column int) (OID, Value, position, error) {
	field := &o.table.Columns[column].field
	if field.never {
		return OID{}, Value{}, from, nil
	}
	at, i := from.run, from.row
	for runs := 1; ; runs++ {
		mark := len(o.keys)
		o.load(at)
		if o.after == at {
			return OID{}, Value{}, from, nil
		}
		for ; i < o.len(); i++ {
			v, ok := field.get(o.row(i))
			if !ok {
				continue
			}
			if index, ok := o.index(i); ok {
				o.last, o.lastTo = index, position{at, i + 1}
				return index, v, o.lastTo, nil
			}
		}
		o.forget(mark)
		if err := o.passed(runs); err != nil {
			return OID{}, Value{}, from, err
		}
		at, i = o.after, 0
	}
}

// total counts the rows, once for each version.
func (o *orderedRows[R]) total() (int, error) {
	if known := o.count.Load(); known != nil && known.version == o.version {
		return known.rows, nil
	}
	n, at := 0, Place(0)
	for runs := 1; ; runs++ {
		mark := len(o.keys)
		o.load(at)
		if o.after == at {
			break
		}
		if o.view == nil && len(o.members) == 1 {
			o.index(0)
		}
		n += o.len()
		o.forget(mark)
		if err := o.passed(runs); err != nil {
			return 0, err
		}
		at = o.after
	}
	o.count.Store(&rowCount{o.version, n})
	return n, nil
}
