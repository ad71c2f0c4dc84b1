package mib

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How old a snapshot may be. Taking one uses at most a twentieth of one core
// while somebody asks; a snapshot that is cheap to take is at most a second
// old.
const (
	freshFor    = 500 * time.Millisecond // younger than this, nothing is read anew
	staleAfter  = time.Second            // older than this, the reader waits
	costFactor  = 20
	readTimeout = time.Minute
)

// Source reads values of type T, snapshots of something that changes, and gives
// the same one to everybody as long as it is fresh. Reading happens only when
// somebody asks: at once for the first, behind the readers while they keep
// asking. A Source is safe for concurrent use.
type Source[T any] struct {
	read    func(ctx context.Context) (T, error)
	current atomic.Pointer[snapshot[T]]
	derived []*derivation[T] // fixed once the source is in use
	version func() uint64    // nil where nobody tells of changes; fixed as well

	// since is when the reading under way began, since made; 0 when none is.
	since atomic.Int64
	made  time.Time

	mu          sync.Mutex
	reading     chan struct{} // closed when the reading under way ends; nil when none is
	invalidated bool          // since it began
}

// derivation makes the rows of one node from a snapshot.
type derivation[T any] struct {
	build func(T) rows
	used  atomic.Bool // since the snapshot before last
}

type snapshot[T any] struct {
	data  T
	err   error
	taken time.Time // when reading began
	// version is what the source's said before reading began.
	version uint64
	cost    atomic.Int64
	views   []lazyRows
}

type lazyRows struct {
	once  sync.Once
	rows  rows
	built atomic.Bool
}

// NewSource returns a source that read fills. What read returns must not change
// any more. read is called by one goroutine at a time, with a context that ends
// after a minute. Errors that match errors.ErrUnsupported or fs.ErrPermission
// make the objects of the source's tables absent; others make requests for
// them fail.
func NewSource[T any](read func(ctx context.Context) (T, error)) *Source[T] {
	return &Source[T]{read: read, made: time.Now()}
}

// ChangesWith tells the source that version returns another number when something
// of what it reads changed: it is read anew then, as soon as that uses at most a
// twentieth of one core. It is called before the source is in use.
func (s *Source[T]) ChangesWith(version func() uint64) { s.version = version }

// Get returns the snapshot's data, waiting for it where there is none that is
// fresh. The error is that of reading, or of ctx where it ends first.
func (s *Source[T]) Get(ctx context.Context) (T, error) {
	snap, err := s.get(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	return snap.data, snap.err
}

// Invalidate makes the next reader wait for a snapshot whose reading begins after the
// call.
func (s *Source[T]) Invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invalidated = s.reading != nil
	s.current.Store(nil)
}

// get returns a snapshot that is fresh, in the sense of the constants above, or
// the error of ctx where that is done before there is one.
func (s *Source[T]) get(ctx context.Context) (*snapshot[T], error) {
	for {
		if snap := s.current.Load(); snap != nil {
			now := time.Now()
			age, cost := now.Sub(snap.taken), time.Duration(snap.cost.Load())
			if since := s.since.Load(); since != 0 {
				// One that takes longer than the last is dearer: who has a
				// view at hand goes on with it.
				cost = max(cost, now.Sub(s.made)-time.Duration(since))
			}
			fresh, stale := max(freshFor, costFactor*cost), max(staleAfter, (costFactor+4)*cost)
			if s.version != nil && s.version() != snap.version {
				fresh, stale = costFactor*cost, costFactor*cost
			}
			if age < fresh {
				return snap, nil
			}
			if age < stale && snap.err == nil {
				s.refresh()
				return snap, nil
			}
			// Nobody will see this one any more: the next need not find
			// room beside it.
			s.current.CompareAndSwap(snap, nil)
		}
		done := s.refresh()
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// refresh begins to read a new snapshot unless that is under way, and returns
// what is closed when it is there.
func (s *Source[T]) refresh() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading == nil {
		s.reading = make(chan struct{})
		s.since.Store(max(1, int64(time.Since(s.made))))
		go s.take(s.reading)
	}
	return s.reading
}

func (s *Source[T]) take(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	snap := &snapshot[T]{taken: time.Now(), views: make([]lazyRows, len(s.derived))}
	if s.version != nil {
		snap.version = s.version()
	}
	snap.data, snap.err = s.read(ctx)
	if snap.err == nil {
		for i, d := range s.derived {
			if d.used.Swap(false) {
				snap.rows(s, i)
			}
		}
	}
	snap.cost.Store(int64(time.Since(snap.taken)))

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invalidated {
		snap = nil
	}
	s.current.Store(snap)
	s.since.Store(0)
	s.reading, s.invalidated = nil, false
	close(done)
}

// rows returns the rows that a derivation makes of the snapshot, made once.
func (snap *snapshot[T]) rows(s *Source[T], derivation int) rows {
	view := &snap.views[derivation]
	view.once.Do(func() {
		start := time.Now()
		view.rows = s.derived[derivation].build(snap.data)
		snap.cost.Add(int64(time.Since(start)))
		view.built.Store(true)
	})
	return view.rows
}

// node is a table or group whose rows come from a source's snapshots.
type node[T any] struct {
	name       string
	valid      error
	regions    []OID
	objects    []Object
	writer     rowWriter
	source     *Source[T]
	derivation int
}

func (n *node[T]) Name() string      { return n.name }
func (n *node[T]) check() error      { return n.valid }
func (n *node[T]) Regions() []OID    { return n.regions }
func (n *node[T]) Objects() []Object { return n.objects }

func (n *node[T]) rowWriter() rowWriter { return n.writer }

func (n *node[T]) settle() error {
	n.source.Invalidate()
	return nil
}

func (n *node[T]) pin(r *Request, _ rows) (rows, error) {
	snap, err := pinSnapshot(r, n.source)
	if err != nil {
		return nil, err
	}
	if snap.err != nil {
		return nil, snap.err
	}
	d := n.source.derived[n.derivation]
	if !d.used.Load() {
		d.used.Store(true)
	}
	if !snap.views[n.derivation].built.Load() {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		r.work.much = true // to make the view
		if err := r.work.enter(); err != nil {
			return nil, err
		}
	}
	return snap.rows(n.source, n.derivation), nil
}

// pinSnapshot returns the snapshot of the source that the request met first.
func pinSnapshot[T any](r *Request, s *Source[T]) (*snapshot[T], error) {
	for i := range r.bases {
		if r.bases[i].source == any(s) {
			return r.bases[i].taken.(*snapshot[T]), nil
		}
	}
	snap, err := s.get(r.ctx)
	if err != nil {
		return nil, err
	}
	r.bases = append(r.bases, pinned{s, snap})
	return snap, nil
}

func newNode[T any](n node[T], build func(T) rows) Node {
	s := n.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading != nil || s.current.Load() != nil {
		panic("mib: " + n.name + " is bound to a source that is in use already")
	}
	s.derived = append(s.derived, &derivation[T]{build: build})
	n.derivation = len(s.derived) - 1
	return &n
}

func (t *Table[R]) objects() (objects []Object, regions []OID) {
	for i := range t.Columns {
		o := t.Columns[i].object(t.Entry, false)
		objects = append(objects, o)
		entry, _ := o.OID.Parent()
		if table, _ := entry.Parent(); !slices.Contains(regions, table) {
			regions = append(regions, table)
		}
	}
	return objects, regions
}

func (g *Group[R]) objects() (objects []Object, regions []OID) {
	for i := range g.Objects {
		o := g.Objects[i].object(g.OID, true)
		objects, regions = append(objects, o), append(regions, o.OID)
	}
	return objects, regions
}

// Bind makes the table answer from the rows of a source. It panics when the
// source has been read already: tables are bound before anybody asks.
func (t *Table[R]) Bind(s *Source[[]R]) Node {
	return BindTable(t, s, func(rows []R) []R { return rows })
}

// BindTable makes the table answer from rows that follow from what the source
// reads. It panics as Table.Bind does.
func BindTable[T, R any](t *Table[R], s *Source[T], from func(T) []R) Node {
	objects, regions := t.objects()
	return beside(newNode(node[T]{name: t.Name, valid: t.check(), regions: regions, objects: objects, writer: t.rowWriter(), source: s},
		func(data T) rows { return t.View(from(data)) }), t)
}

// Bind makes the scalars answer from the values of a source. It panics as
// Table.Bind does.
func (g *Group[R]) Bind(s *Source[R]) Node {
	return BindGroup(g, s, func(r R) R { return r })
}

// BindGroup makes the scalars answer from a value that follows from what the
// source reads. It panics as Table.Bind does.
func BindGroup[T, R any](g *Group[R], s *Source[T], from func(T) R) Node {
	objects, regions := g.objects()
	return newNode(node[T]{name: g.Name, valid: g.check(), regions: regions, objects: objects, writer: g.rowWriter(), source: s},
		func(data T) rows { return &groupRows[R]{group: g, row: from(data)} })
}

// BindNow makes the scalars answer from what now returns at each request. It
// must be quick: nothing waits for it elsewhere.
func (g *Group[R]) BindNow(now func() R) Node {
	objects, regions := g.objects()
	return &nowNode[R]{g, regions, objects, now}
}

type nowNode[R any] struct {
	group   *Group[R]
	regions []OID
	objects []Object
	now     func() R
}

func (n *nowNode[R]) Name() string      { return n.group.Name }
func (n *nowNode[R]) check() error      { return n.group.check() }
func (n *nowNode[R]) Regions() []OID    { return n.regions }
func (n *nowNode[R]) Objects() []Object { return n.objects }

func (n *nowNode[R]) rowWriter() rowWriter { return n.group.rowWriter() }
func (n *nowNode[R]) settle() error        { return nil }

func (n *nowNode[R]) pin(_ *Request, kept rows) (rows, error) {
	g, ok := kept.(*groupRows[R])
	if !ok {
		g = &groupRows[R]{group: n.group, own: true}
	}
	g.row = n.now()
	return g, nil
}

// BindCount makes the scalar name, a Gauge32 at oid, the number of rows of a
// table.
func BindCount(name string, oid OID, table Node) Node {
	return &countNode{Object{Name: name, OID: oid, Type: Gauge32, Scalar: true}, table}
}

type countNode struct {
	object Object
	table  Node
}

func (n *countNode) Name() string      { return n.object.Name }
func (n *countNode) check() error      { return nil }
func (n *countNode) Regions() []OID    { return []OID{n.object.OID} }
func (n *countNode) Objects() []Object { return []Object{n.object} }

func (n *countNode) rowWriter() rowWriter { return nil }
func (n *countNode) settle() error        { return nil }

func (n *countNode) pin(r *Request, kept rows) (rows, error) {
	c, ok := kept.(*countRows)
	if !ok {
		c = &countRows{groupRows: groupRows[int]{group: &countGroup}}
	}
	var err error
	if c.table, err = n.table.pin(r, c.table); err == nil {
		c.row, err = c.table.total(&r.work)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// countRows is the number of a table's rows.
type countRows struct {
	groupRows[int]
	table rows
}

func (c *countRows) release() bool {
	if !c.table.release() {
		c.table = nil
	}
	return true
}

var countGroup = Group[int]{Objects: Columns(
	Column(0, "", AsGauge(At(func(n *int) *int { return n }))),
)}
