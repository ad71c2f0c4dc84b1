package mib

import (
	"context"
	"errors"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestPresence(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		n := random.IntN(20_000)
		p := newPresence(n)
		var set []int
		for i := random.IntN(1 + n); i < n; i += 1 + random.IntN(1+random.IntN(6000)) {
			p.set(i)
			set = append(set, i)
		}
		for row := range n + 1 {
			i, _ := slices.BinarySearch(set, row)
			want := n
			if i < len(set) {
				want = set[i]
			}
			if got := p.next(row, n); got != want {
				t.Fatalf("of %v, from %d of %d on: %d", set, row, n, got)
			}
		}
	}
}

// sparse is a tree of a table of so many rows with one column, which the rows at
// places have; looked counts how often a row was asked for its value.
func sparse(t testing.TB, rows int, places ...int) (tree *Tree, column OID, looked *atomic.Int64) {
	t.Helper()
	looked = new(atomic.Int64)
	table := Table[row]{
		Name: "sparseTable", Entry: MustParseOID("1.3.6.1.4.1.99999.1.1"),
		Index: Index(IntegerIndex(At(func(r *row) *uint32 { return &r.Number }))),
		Columns: Columns(Column(1, "sparse", AsGauge(Through(func(r *row) (uint32, bool) {
			looked.Add(1)
			return r.Number, r.Flag
		}, nil)))),
	}
	all := make([]row, rows)
	for i := range all {
		all[i] = row{Number: uint32(i), Flag: slices.Contains(places, i)}
	}
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{
		table.Bind(fresh.New(func(context.Context) ([]row, error) { return all, nil })),
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	r.Reset(t.Context())
	if _, err := r.Get(table.Entry.Sub(1).Sub(0)); err != nil { // the view is at hand now
		t.Fatal(err)
	}
	looked.Store(0)
	return tree, table.Entry.Sub(1), looked
}

// TestSparseColumn holds that a step through a column with few values takes no
// longer than any other, but for the first, which is left to who may wait where
// there are many rows.
func TestSparseColumn(t *testing.T) {
	const rows, last = 40_000, 39_000
	tree, column, looked := sparse(t, rows, 0, last)
	r := tree.NewRequest()
	next := func() error {
		c := r.Seek(column.Sub(0), false)
		b, err := r.Next(&c)
		if err == nil && (b.Name() != column.Sub(last) || b.Value != Gauge(last)) {
			t.Errorf("%v = %v", b.Name(), b.Value)
		}
		return err
	}
	if err := next(); !errors.Is(err, ErrWouldWait) || looked.Load() > 2*glance {
		t.Errorf("a request that may not wait: %v, after %d rows", err, looked.Load())
	}
	r.Reset(t.Context())
	const variables = 2400 // of one request
	for range variables {
		if err := next(); err != nil {
			t.Fatal(err)
		}
	}
	if most := int64(rows + 2*variables + 4*glance); looked.Load() > most {
		t.Errorf("%d rows were looked at, want at most %d", looked.Load(), most)
	}
	r.Reset(NoWait())
	if err := next(); err != nil {
		t.Errorf("once it is known where the values are: %v", err)
	}

	// Few rows are no reason to wait.
	tree, column, _ = sparse(t, 1000, 0, 990)
	r = tree.NewRequest()
	c := r.Seek(column.Sub(0), false)
	if b, err := r.Next(&c); err != nil || b.Name() != column.Sub(990) {
		t.Errorf("%v, %v", b.Name(), err)
	}
}

// TestWorkOfOneRequest holds that what a request may do at once is bounded over all
// its variables, and so is what any request may do.
func TestWorkOfOneRequest(t *testing.T) {
	tree, column, _ := sparse(t, 1000, 1)
	ask := map[string]func(r *Request) error{
		"Get":         func(r *Request) error { _, err := r.Get(column.Sub(1)); return err },
		"no instance": func(r *Request) error { _, err := r.Get(column.Sub(500)); return err },
		"Next":        func(r *Request) error { c := r.Seek(column, false); _, err := r.Next(&c); return err },
		"the end":     func(r *Request) error { c := r.Seek(column.Sub(1), false); _, err := r.Next(&c); return err },
	}
	for name, once := range ask {
		r := tree.NewRequest()
		times := func() (n int, err error) {
			for err == nil && n < mostSteps {
				n++
				err = once(r)
			}
			return n, err
		}
		if n, err := times(); !errors.Is(err, ErrWouldWait) || n < stepsAtOnce/searchSteps/2 || n > stepsAtOnce/searchSteps+1 {
			t.Errorf("%s, at once: %d times, %v", name, n, err)
		}
		r.Reset(t.Context())
		r.work.left = 64 << 10
		if n, err := times(); !errors.Is(err, ErrTooMuchWork) || n < 64<<10/searchSteps/2 || n > 66<<10/searchSteps+1 {
			t.Errorf("%s, by who may wait: %d times, %v", name, n, err)
		}
		if err := once(r); !errors.Is(err, ErrTooMuchWork) {
			t.Errorf("%s, after too much: %v", name, err)
		}
		r.Reset(NoWait())
		if err := once(r); err != nil {
			t.Errorf("%s, the next request: %v", name, err)
		}
	}
}

// TestWorkInTurns holds that much work is done by fewer requests at a time than
// there are processors, that little is done meanwhile, and that nobody keeps a turn.
func TestWorkInTurns(t *testing.T) {
	tree, column, _ := sparse(t, 1000, 1)
	once := func(r *Request) error { _, err := r.Get(column.Sub(1)); return err }
	much := func(r *Request) (err error) {
		for i := 0; err == nil && i < 4*stepsInTurn/searchSteps; i++ {
			err = once(r)
		}
		return err
	}
	busy, other := tree.NewRequest(), tree.NewRequest()
	busy.Reset(t.Context())
	if err := much(busy); err != nil || len(tree.turns.taken) > 0 {
		t.Errorf("%v, %d turns are taken", err, len(tree.turns.taken))
	}
	for range cap(tree.turns.taken) {
		tree.turns.taken <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	waiting := tree.NewRequest()
	waiting.Reset(ctx) // before ctx ends: a request of one that has ended waits for nothing
	go func() { done <- much(waiting) }()
	for _, ctx := range []context.Context{NoWait(), t.Context()} {
		other.Reset(ctx)
		for range 10 {
			if err := once(other); err != nil {
				t.Error(err)
			}
		}
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait for a turn: %v", err)
	case <-time.After(time.Millisecond): // what is wrong may be seen later, what is right is never
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range cap(tree.turns.taken) {
		<-tree.turns.taken
	}
}
