package live

import (
	"math/bits"
	"time"
	"unsafe"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// kind declares a kind of things that a stack keeps current.
type kind struct {
	is netstat.Kinds
	// table makes the empty table of a state.
	table func(*state) table
	// needs are the kinds that are kept wherever this one is, hears those whose
	// events it follows from besides. Interfaces are kept with every kind.
	needs, hears netstat.Kinds
	// probed says that some kernels do not tell of changes, which trying shows.
	probed bool
	// doubtful says that a dump does not tell for sure what became of a change that
	// happened meanwhile.
	doubtful bool

	// What follows may be nil.

	// heard has other kinds take in a message, before this one does and even where
	// it is not kept.
	heard func(u *update, m *collectors.Message)
	// take takes over what another state has of the kind beside its table.
	take func(s, from *state)
	// date gives what was dumped the moments that are known of it, and dates what no
	// event has told.
	date func(known, dumped *state, now time.Time)
}

// table is what a state has of one kind.
type table interface {
	// snapshot returns a copy for a snapshot of the state, which does not change.
	snapshot(of *state) table
	// take takes over what another table has, which counts as a change.
	take(from table)
	// version returns a number that grows with each change.
	version() uint64
	// count returns how many rows there are, and bytes the memory they take, estimated.
	count() int
	bytes() int
	// present yields the rows that the filter lets pass as Present events, and
	// reports whether more is wanted.
	present(f *Filter, yield func(Event) bool) bool
	// diff tells how another table differs.
	diff(after table, tell teller)
	// load takes in a row of a dump, apply an event.
	load(u *update, m *collectors.Message)
	apply(u *update, m *collectors.Message)
	// removeOf takes out what goes with an interface and has no events then.
	removeOf(u *update, index uint32)
}

// placeOf returns a kind's place among the tables of a state.
func placeOf(kind netstat.Kinds) int { return bits.TrailingZeros16(uint16(kind)) }

// rowKind declares a kind of rows that are told apart by what they are.
type rowKind[T any] struct {
	kind
	// row is where a message has its row.
	row func(*collectors.Message) *T
	// compare orders rows by what tells them apart.
	compare func(a, b *T) int
	// same reports whether two readings of a row say the same, so that nobody is told
	// of a change. What passes with time does not count.
	same func(a, b *T) bool

	// What follows may be nil.

	// by are further orders that rows are looked up in.
	by []rowOrder[T]
	// hasEvents reports whether the kernel tells of changes of a row. Others are not
	// kept.
	hasEvents func(*T) bool
	// complete adds to a row what its message does not tell. old is what it was,
	// nil for nothing.
	complete func(u *update, old, row *T)
	// changed is called when a row has changed; old or now may be nil.
	changed func(u *update, old, now *T)
	// of returns what goes with an interface and has no events then.
	of func(s *state, index uint32) []*T
}

// rowOrder is an order of rows, or of some of them.
type rowOrder[T any] struct {
	compare func(a, b *T) int
	has     func(*T) bool // nil for all
}

// declare returns the declaration as one of any kind.
func (k *rowKind[T]) declare() *kind {
	k.table = func(s *state) table {
		t := &rowTable[T]{rowKind: k, orders: []ordered[*T]{newRowOrder(k.compare, s.steps)}}
		for _, o := range k.by {
			t.orders = append(t.orders, newRowOrder(o.compare, s.steps))
		}
		return t
	}
	return &k.kind
}

func newRowOrder[T any](compare func(a, b *T) int, steps *uint64) ordered[*T] {
	return newOrdered(func(a, b **T) int { return compare(*a, *b) }, steps)
}

// rowTable is the rows of a kind. What they point to does not change.
type rowTable[T any] struct {
	*rowKind[T]
	orders []ordered[*T] // by what tells rows apart, and those of by
}

// rowsOf returns the rows of a kind, by what tells them apart.
func rowsOf[T any](s *state, kind netstat.Kinds) *ordered[*T] { return rowsBy[T](s, kind, 0) }

// rowsBy returns the rows of a kind in one of its orders, the first of by being 1.
func rowsBy[T any](s *state, kind netstat.Kinds, order int) *ordered[*T] {
	return &s.tables[placeOf(kind)].table.(*rowTable[T]).orders[order]
}

func (t *rowTable[T]) rows() *ordered[*T] { return &t.orders[0] }

func (t *rowTable[T]) snapshot(*state) table {
	c := &rowTable[T]{t.rowKind, make([]ordered[*T], len(t.orders))}
	for i := range t.orders {
		c.orders[i] = t.orders[i].snapshot()
	}
	return c
}

func (t *rowTable[T]) take(from table) {
	for i := range t.orders {
		t.orders[i].take(from.(*rowTable[T]).orders[i])
	}
}

func (t *rowTable[T]) version() uint64 { return t.rows().changes }

func (t *rowTable[T]) count() int { return t.rows().len() }

func (t *rowTable[T]) bytes() int {
	var row T
	bytes := t.count() * int(unsafe.Sizeof(row))
	for i := range t.orders {
		bytes += t.orders[i].capacity() * int(unsafe.Sizeof(&row))
	}
	return bytes
}

// each yields the rows.
func (t *rowTable[T]) each(yield func(T) bool) {
	for row := range t.rows().from(nil) {
		if !yield(**row) {
			return
		}
	}
}

func (t *rowTable[T]) present(f *Filter, yield func(Event) bool) bool {
	return present(t.each, t.is, f, yield)
}

func (t *rowTable[T]) diff(other table, tell teller) {
	before, after := t.rows(), other.(*rowTable[T]).rows()
	for row := range before.from(nil) {
		if _, ok := after.get(row); !ok {
			tell(t.is, Removed, **row, nil)
		}
	}
	for row := range after.from(nil) {
		switch old, ok := before.get(row); {
		case !ok:
			tell(t.is, Added, **row, nil)
		case !t.same(*old, *row):
			tell(t.is, Changed, **row, **old)
		}
	}
}

func (t *rowTable[T]) load(u *update, m *collectors.Message) { u.apply(m) }

func (t *rowTable[T]) apply(u *update, m *collectors.Message) {
	row := *t.row(m)
	if t.hasEvents != nil && !t.hasEvents(&row) {
		return
	}
	var old *T
	key := &row
	if known, ok := t.rows().get(&key); ok {
		old = *known
	}
	if m.Removed {
		t.put(u, old, nil)
		return
	}
	if t.complete != nil {
		t.complete(u, old, &row)
	}
	t.put(u, old, &row)
}

// put takes a row out, puts one in, or one in the place of the other, and tells. Either
// may be nil.
func (t *rowTable[T]) put(u *update, old, now *T) {
	if old == nil && now == nil {
		return
	}
	if now == nil {
		t.rows().delete(&old)
	} else {
		t.rows().set(now)
	}
	for i, o := range t.by {
		if old != nil && (o.has == nil || o.has(old)) {
			t.orders[1+i].delete(&old)
		}
		if now != nil && (o.has == nil || o.has(now)) {
			t.orders[1+i].set(now)
		}
	}
	if u.tells(t.is) {
		switch {
		case now == nil:
			u.tell(t.is, Removed, *old, nil)
		case old == nil:
			u.tell(t.is, Added, *now, nil)
		case !t.same(old, now):
			u.tell(t.is, Changed, *now, *old)
		}
	}
	if t.changed != nil {
		t.changed(u, old, now)
	}
}

func (t *rowTable[T]) removeOf(u *update, index uint32) {
	if t.of == nil {
		return
	}
	for _, row := range t.of(u.state, index) {
		t.put(u, row, nil)
	}
}

// run returns the rows of an order from first on, up to the one that is beyond.
func run[T any](rows *ordered[*T], first *T, beyond func(*T) bool) (run []*T) {
	for row := range rows.from(&first) {
		if beyond(*row) {
			break
		}
		run = append(run, *row)
	}
	return run
}
