package mib

import (
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// node is a table or group with where its rows come from.
type node struct {
	name    string
	checked error
	regions []OID
	objects []Object
	writer  rowWriter // nil where nobody writes

	pinned func(r *Request, kept rows) (rows, error)
	// written is called when rows were written; nil for nobody.
	written func() error
}

func (n *node) Name() string      { return n.name }
func (n *node) check() error      { return n.checked }
func (n *node) Regions() []OID    { return n.regions }
func (n *node) Objects() []Object { return n.objects }

func (n *node) rowWriter() rowWriter                    { return n.writer }
func (n *node) pin(r *Request, kept rows) (rows, error) { return n.pinned(r, kept) }

func (n *node) settle() error {
	if n.written == nil {
		return nil
	}
	return n.written()
}

// node returns the table without rows.
func (t *table) node() *node { return t.nodeOf(t.check(), t) }

// node returns the group without its values.
func (d *declaration) node() *node { return d.nodeOf(d.check(), d) }

func (d *declaration) nodeOf(checked error, writer rowWriter) *node {
	n := &node{name: d.name, checked: checked}
	n.objects, n.regions = d.objects()
	if d.writing != nil {
		n.writer = writer
	}
	return n
}

// answersFrom makes a node answer from a view of what a source reads.
func answersFrom[T any](n *node, s *fresh.Source[T], build func(T) rows) *node {
	view := fresh.Derive(s, build)
	n.pinned = func(r *Request, _ rows) (rows, error) {
		snap, err := pinSnapshot(r, s)
		if err != nil {
			return nil, err
		}
		if err := snap.Err(); err != nil {
			return nil, err
		}
		if err := r.allowView(view.Want(snap)); err != nil {
			return nil, err
		}
		return view.Of(snap), nil
	}
	n.written = func() error {
		s.Invalidate()
		return nil
	}
	return n
}

// allowView is called before a view is used that was made already, or is made now.
func (r *Request) allowView(made bool) error {
	if made {
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	r.work.much = true
	return r.work.enter()
}

// pinSnapshot returns the snapshot of the source that the request met first.
func pinSnapshot[T any](r *Request, s *fresh.Source[T]) (fresh.Snapshot[T], error) {
	if taken := r.base(s); taken != nil {
		return taken.(fresh.Snapshot[T]), nil
	}
	snap, err := s.Snapshot(r.ctx)
	if err == nil {
		r.bases = append(r.bases, pinned{s, snap})
	}
	return snap, err
}

// base returns what the request took from a source, nil where it did not meet it yet.
func (r *Request) base(source any) any {
	for i := range r.bases {
		if r.bases[i].source == source {
			return r.bases[i].taken
		}
	}
	return nil
}

// Bind makes the table answer from the rows of a source. Errors of the source that match
// errors.ErrUnsupported or fs.ErrPermission make the objects of the table absent; others make requests
// for them fail. It panics when the source has been read already: tables are bound before anybody asks.
func (t *Table[R]) Bind(s *fresh.Source[[]R]) Node {
	return BindTable(t, s, func(rows []R) []R { return rows })
}

// BindTable makes the table answer from rows that follow from what the source
// reads. It panics as Table.Bind does.
func BindTable[T, R any](t *Table[R], s *fresh.Source[T], from func(T) []R) Node {
	d := t.declaration()
	return d.beside(answersFrom(d.node(), s, func(data T) rows { return &t.viewOf(d, from(data)).view }))
}

// Bind makes the scalars answer from the values of a source. It panics as
// Table.Bind does.
func (g *Group[R]) Bind(s *fresh.Source[R]) Node {
	return BindGroup(g, s, func(r R) R { return r })
}

// BindGroup makes the scalars answer from a value that follows from what the
// source reads. It panics as Table.Bind does.
func BindGroup[T, R any](g *Group[R], s *fresh.Source[T], from func(T) R) Node {
	d := g.declaration()
	return answersFrom(d.node(), s, func(data T) rows {
		row := from(data)
		return &groupRows{group: d, row: &row}
	})
}

// BindNow makes the scalars answer from what now returns at each request. It
// must be quick: nothing waits for it elsewhere.
func (g *Group[R]) BindNow(now func() R) Node {
	d := g.declaration()
	n := d.node()
	n.pinned = func(_ *Request, kept rows) (rows, error) {
		of, ok := kept.(*groupRows)
		if !ok {
			of = &groupRows{group: d, row: new(R), own: true}
		}
		*of.row.(*R) = now()
		return of, nil
	}
	return n
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
		c = &countRows{groupRows: groupRows{group: countGroup, row: new(int)}}
	}
	var err error
	if c.table, err = n.table.pin(r, c.table); err == nil {
		*c.row.(*int), err = c.table.total(&r.work)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// countRows is the number of a table's rows.
type countRows struct {
	groupRows
	table rows
}

func (c *countRows) release() bool {
	if !c.table.release() {
		c.table = nil
	}
	return true
}

var countGroup = (&Group[int]{Objects: Columns(
	Column(0, "", AsGauge(At(func(n *int) *int { return n }))),
)}).declaration()
