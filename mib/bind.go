package mib

import (
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// node is a table or group whose rows come from a source's snapshots.
type node[T any] struct {
	name    string
	valid   error
	regions []OID
	objects []Object
	writer  rowWriter
	view    fresh.View[T, rows]
}

func (n *node[T]) Name() string      { return n.name }
func (n *node[T]) check() error      { return n.valid }
func (n *node[T]) Regions() []OID    { return n.regions }
func (n *node[T]) Objects() []Object { return n.objects }

func (n *node[T]) rowWriter() rowWriter { return n.writer }

func (n *node[T]) settle() error {
	n.view.Source().Invalidate()
	return nil
}

func (n *node[T]) pin(r *Request, _ rows) (rows, error) {
	snap, err := pinSnapshot(r, n.view.Source())
	if err != nil {
		return nil, err
	}
	if err := snap.Err(); err != nil {
		return nil, err
	}
	if made := n.view.Want(snap); !made {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		r.work.much = true // to make the view
		if err := r.work.enter(); err != nil {
			return nil, err
		}
	}
	return n.view.Of(snap), nil
}

// pinSnapshot returns the snapshot of the source that the request met first.
func pinSnapshot[T any](r *Request, s *fresh.Source[T]) (*fresh.Snapshot[T], error) {
	for i := range r.bases {
		if r.bases[i].source == any(s) {
			return r.bases[i].taken.(*fresh.Snapshot[T]), nil
		}
	}
	snap, err := s.Snapshot(r.ctx)
	if err != nil {
		return nil, err
	}
	r.bases = append(r.bases, pinned{s, snap})
	return snap, nil
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

// Bind makes the table answer from the rows of a source. Errors of the source that match
// errors.ErrUnsupported or fs.ErrPermission make the objects of the table absent; others make requests
// for them fail. It panics when the source has been read already: tables are bound before anybody asks.
func (t *Table[R]) Bind(s *fresh.Source[[]R]) Node {
	return BindTable(t, s, func(rows []R) []R { return rows })
}

// BindTable makes the table answer from rows that follow from what the source
// reads. It panics as Table.Bind does.
func BindTable[T, R any](t *Table[R], s *fresh.Source[T], from func(T) []R) Node {
	objects, regions := t.objects()
	return beside(&node[T]{name: t.Name, valid: t.check(), regions: regions, objects: objects, writer: t.rowWriter(),
		view: fresh.Derive(s, func(data T) rows { return t.View(from(data)) })}, t)
}

// Bind makes the scalars answer from the values of a source. It panics as
// Table.Bind does.
func (g *Group[R]) Bind(s *fresh.Source[R]) Node {
	return BindGroup(g, s, func(r R) R { return r })
}

// BindGroup makes the scalars answer from a value that follows from what the
// source reads. It panics as Table.Bind does.
func BindGroup[T, R any](g *Group[R], s *fresh.Source[T], from func(T) R) Node {
	objects, regions := g.objects()
	return &node[T]{name: g.Name, valid: g.check(), regions: regions, objects: objects, writer: g.rowWriter(),
		view: fresh.Derive(s, func(data T) rows { return &groupRows[R]{group: g, row: from(data)} })}
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
