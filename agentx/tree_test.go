package agentx

import (
	"context"
	"log/slog"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// testRow is a row of the tables that the tests serve.
type testRow struct {
	index uint32
	value int32
}

var (
	rowIndex = mib.At(func(r *testRow) *uint32 { return &r.index })
	rowValue = mib.AsInteger(mib.At(func(r *testRow) *int32 { return &r.value }))
)

// ours is the value of whatever is served by the tests and not by a master.
const ours = 424242

// testTable is a table at oid, with entry 1 and the columns.
func testTable(name, oid string, columns ...uint32) *mib.Table[testRow] {
	t := &mib.Table[testRow]{
		Name:  name,
		Entry: mib.MustParseOID(oid).Sub(1),
		Index: mib.Index(mib.IntegerIndex(rowIndex)),
	}
	for _, sub := range columns {
		t.Columns = append(t.Columns, mib.Column(sub, name, rowValue))
	}
	return t
}

// testGroup is scalars below oid.
func testGroup(name, oid string, subs ...uint32) *mib.Group[testRow] {
	g := &mib.Group[testRow]{Name: name, OID: mib.MustParseOID(oid)}
	for _, sub := range subs {
		g.Objects = append(g.Objects, mib.Column(sub, name, rowValue))
	}
	return g
}

// through returns first to last, both included.
func through(first, last uint32) (subs []uint32) {
	for s := first; s <= last; s++ {
		subs = append(subs, s)
	}
	return subs
}

// rowsOf returns n rows with the value ours.
func rowsOf(n int) []testRow {
	rows := make([]testRow, n)
	for i := range rows {
		rows[i] = testRow{uint32(i + 1), ours}
	}
	return rows
}

// sourceOf is a source that always has v.
func sourceOf[T any](v T) *fresh.Source[T] {
	return fresh.New(func(context.Context) (T, error) { return v, nil })
}

func groupNode(g *mib.Group[testRow]) mib.Node {
	return g.BindNow(func() testRow { return testRow{value: ours} })
}

func newTree(t testing.TB, nodes ...mib.Node) *mib.Tree {
	t.Helper()
	tree, err := mib.NewTree(mib.TreeOptions{Log: testLog(t)}, mib.Module{
		Name:        "TEST-MIB",
		Identity:    mib.MustParseOID("1.3.6.1.4.1.8072.9999.1"),
		Description: "objects of a test",
		Nodes:       nodes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// contexts is a handler of several contexts.
type contexts map[string]*mib.Tree

func (c contexts) Modules(contextName string) ([]mib.Module, bool) {
	if t := c[contextName]; t != nil {
		return t.Modules("")
	}
	return nil, false
}

func (c contexts) Tree(_ context.Context, contextName string) (*mib.Tree, error) {
	if t := c[contextName]; t != nil {
		return t, nil
	}
	return nil, mib.ErrNoContext
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
