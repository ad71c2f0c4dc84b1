package mib

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// inRuns is rows in runs of those with the same number, with empty runs between
// them.
type inRuns struct {
	version uint64
	runs    [][]row
	read    int // runs that were asked for
}

func (o *inRuns) Version() uint64 { return o.version }

func (o *inRuns) Search(before func(row) bool) Place {
	for i := len(o.runs) - 1; i > 0; i-- {
		if slices.ContainsFunc(o.runs[i], before) {
			return Place(i)
		}
	}
	return 0
}

func (o *inRuns) AppendRun(rows []row, at Place) ([]row, Place) {
	if int(at) == len(o.runs) {
		return rows, at
	}
	o.read++
	return append(rows, o.runs[at]...), at + 1
}

// randomRuns returns random rows, the same in runs, and the table for them: one
// with everything that a table may say.
func randomRuns(random *rand.Rand, most int) (rows []row, o *inRuns, t Table[row]) {
	t = rowTable
	t.Where = func(r *row) bool { return !r.Flag || r.Count%8 != 0 }
	t.Prefer = func(a, b *row) int { return int(a.Count%4) - int(b.Count%4) }
	if random.IntN(2) == 0 {
		t.form, t.Apart = 0, Zoned
	}
	o = &inRuns{version: random.Uint64()}
	for number := range uint32(30) {
		run := make([]row, max(0, random.IntN(most+2)-2))
		for i := range run {
			run[i] = randomRow(random, time.Unix(1_700_000_000, 0))
			run[i].Number = number * 100
			if random.IntN(4) == 0 {
				again := run[random.IntN(i+1)] // another with the same index
				again.Count, again.Signed = random.Uint64(), int32(i)
				run[i] = again
				run[i].Number = number * 100
				if random.IntN(2) == 0 {
					run[i].Zone = uint32(random.IntN(4)) // which only a zone tells apart
				}
			}
			if random.IntN(30) == 0 {
				run[i].Text = strings.Repeat("x", 125) // more than a name has room for
			}
		}
		o.runs = append(o.runs, run)
		rows = append(rows, run...)
	}
	return rows, o, t
}

// TestOrderedAgreesWithView holds that rows in runs are answered like a view of
// them.
func TestOrderedAgreesWithView(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	longest := 0
	for _, most := range []int{1, 2, 5, 3 * longRunLength} {
		for range 8 {
			rows, o, table := randomRuns(random, most)
			for _, run := range o.runs {
				longest = max(longest, len(run))
			}
			source := fresh.New(func(context.Context) ([]row, error) { return rows, nil })
			number := MustParseOID("1.3.6.1.4.1.99999.3")
			trees := make([]*Request, 2)
			bound := table.Bind(source)
			live := BindOrdered(&table, NewCurrent(func(context.Context) (*inRuns, error) { return o, nil }), func(o *inRuns) Ordered[row] { return o })
			for i, node := range []Node{bound, live} {
				tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{node, BindCount("number", number, node)}})
				if err != nil {
					t.Fatal(err)
				}
				trees[i] = tree.NewRequest()
				trees[i].Reset(t.Context())
			}
			var want, got []Binding
			for i, all := range []*[]Binding{&want, &got} {
				for c := trees[i].Seek(OID{}, true); ; {
					b, err := trees[i].Next(&c)
					if err != nil {
						t.Fatal(err)
					}
					if *all = append(*all, b); b.Value.IsException() {
						break
					}
				}
			}
			if !slices.Equal(want, got) {
				t.Fatalf("runs of at most %d rows: %d variables, want %d, or others", most, len(got), len(want))
			}
			if v, err := trees[1].Get(number.Sub(0)); err != nil || v != Gauge(uint64(table.View(rows).Len())) {
				t.Errorf("the number of rows is %v, %v", v, err)
			}
			for range 100 {
				name := want[random.IntN(len(want))].Name()
				if subs := name.Subidentifiers(); len(subs) > 12 && random.IntN(3) > 0 {
					at := 11 + random.IntN(len(subs)-11)
					subs[at] += uint32(random.IntN(3)) - 1
					name = MakeOID(subs[:at+random.IntN(len(subs)-at)+1]...)
				}
				var answers [2]string
				for i, r := range trees {
					r.Reset(t.Context())
					v, err := r.Get(name)
					answers[i] = fmt.Sprint(v, err)
					for _, include := range []bool{true, false} {
						c := r.Seek(name, include)
						b, err := r.Next(&c)
						more, _ := r.Next(&c)
						answers[i] += fmt.Sprint(b.Name(), b.Value, err, more.Name(), more.Value)
					}
				}
				if answers[0] != answers[1] {
					t.Fatalf("%v: %s, want %s", name, answers[1], answers[0])
				}
			}
		}
	}
	if longest <= longRunLength {
		t.Errorf("the longest run has %d rows", longest)
	}
}

// orderedRequest returns a request on a table of rows in runs, which *o are.
func orderedRequest(t *testing.T, table *Table[row], o **inRuns) *Request {
	t.Helper()
	node := BindOrdered(table, NewCurrent(func(context.Context) (*inRuns, error) { return *o, nil }), func(o *inRuns) Ordered[row] { return o })
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{node, BindCount("number", MustParseOID("1.3.6.1.4.1.99999.3"), node)}})
	if err != nil {
		t.Fatal(err)
	}
	return tree.NewRequest()
}

// TestOrderedHasPatience holds that a request that may not wait does not pass over
// any number of runs, that one which may goes on where that stood, and that what
// was passed over once is not looked at again.
func TestOrderedHasPatience(t *testing.T) {
	const runs = 3 * stepsAtOnce
	o := &inRuns{version: 1, runs: make([][]row, runs)}
	o.runs = append(o.runs, []row{{Number: 5}})
	table := rowTable
	r := orderedRequest(t, &table, &o)
	r.Reset(NoWait())
	c := r.Seek(OID{}, true)
	for range 2 {
		if b, err := r.Next(&c); !errors.Is(err, ErrWouldWait) {
			t.Fatalf("%v, %v", b.Name(), err)
		}
	}
	if _, err := r.Get(MustParseOID("1.3.6.1.4.1.99999.3.0")); !errors.Is(err, ErrWouldWait) {
		t.Errorf("the number of rows: %v", err)
	}
	if o.read > stepsAtOnce {
		t.Errorf("%d runs were read", o.read)
	}
	r.Reset(t.Context())
	c = r.Seek(OID{}, true)
	if b, err := r.Next(&c); err != nil || b.Index.IsEmpty() {
		t.Errorf("%v, %v", b.Name(), err)
	}
	if v, err := r.Get(MustParseOID("1.3.6.1.4.1.99999.3.0")); err != nil || v != Gauge(1) {
		t.Errorf("the number of rows: %v, %v", v, err)
	}
	r.Reset(NoWait()) // it is known now
	if v, err := r.Get(MustParseOID("1.3.6.1.4.1.99999.3.0")); err != nil || v != Gauge(1) {
		t.Errorf("the number of rows: %v, %v", v, err)
	}
	o.read = 0
	c = r.Seek(rowTable.Entry.Sub(7), true)
	if b, err := r.Next(&c); err != nil || b.Index.IsEmpty() || o.read > 2*glance {
		t.Errorf("%v, %v, after %d runs", b.Name(), err, o.read)
	}
}

// TestOrderedRemembersGaps holds that a column with few values costs each variable
// a bounded number of runs, once they were passed over, from wherever it is asked
// for, and that the answers are right.
func TestOrderedRemembersGaps(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const runs, maybes = 20_000, 11
	o := &inRuns{version: 1}
	for i := range uint32(runs) {
		r := row{Number: i}
		if i == 3000 || i == 3001 || i == 12_000 {
			r.Maybe.Set(i)
		}
		o.runs = append(o.runs, []row{r})
	}
	table := rowTable
	r := orderedRequest(t, &table, &o)
	column := table.Entry.Sub(maybes)
	for range 300 {
		from := random.Uint32N(runs)
		place := Place(from) // Search of inRuns is slow
		want := uint32(0)
		for _, i := range []uint32{3000, 3001, 12_000} {
			if want == 0 && i >= from {
				want = i
			}
		}
		r.Reset(t.Context())
		leaf := r.tree.find(column)
		b, err := r.Next(&Cursor{leaf: leaf, at: position{run: place}})
		if got, _, _ := b.Index.CutSubidentifier(); err != nil || b.Object.HasPrefix(column) != (want > 0) || want > 0 && got != want {
			t.Fatalf("after %d: %v, %v, want %d", from, b.Name(), err, want)
		}
	}
	o.read = 0
	for from := range Place(runs) {
		r.Reset(NoWait())
		if _, err := r.Next(&Cursor{leaf: r.tree.find(column), at: position{run: from}}); err != nil {
			t.Fatal(err)
		}
	}
	if most := (3*glance + 1) * runs; o.read > most {
		t.Errorf("%d runs were read, want at most %d", o.read, most)
	}
	known := r.pinned[0].(*orderedRows).known(1)
	if gaps := known.of[1+r.tree.leaves[r.tree.find(column)].column]; len(gaps) == 0 || len(gaps) > 3 {
		t.Errorf("%d gaps are kept", len(gaps))
	}
}

// TestOrderedFollowsItsSource holds that each request meets the rows of its
// moment, in long runs, too.
func TestOrderedFollowsItsSource(t *testing.T) {
	var o *inRuns
	table := rowTable
	r := orderedRequest(t, &table, &o)
	for version := range uint64(4) {
		run := make([]row, 2*longRunLength+int(version))
		for i := range run {
			run[i] = row{Signed: int32(i), Count: version}
		}
		for i := range run {
			run[i].Path = MakeOID(uint32(len(run) - i))
		}
		o = &inRuns{version: version, runs: [][]row{run}}
		for range 2 {
			r.Reset(NoWait())
			c := r.Seek(rowTable.Entry.Sub(8), false)
			n := 0
			for {
				b, err := r.Next(&c)
				if err != nil {
					t.Fatal(err)
				}
				if !b.Object.HasPrefix(rowTable.Entry.Sub(8)) {
					break
				}
				if n++; b.Value != Count64(version) {
					t.Fatalf("%v is %v in version %d", b.Name(), b.Value, version)
				}
			}
			if n != len(run) {
				t.Errorf("%d rows, want %d", n, len(run))
			}
		}
		if o.read > 4 {
			t.Errorf("version %d: the run was read %d times", version, o.read)
		}
	}
}

// TestOrderedWalkAllocatesNothing holds that for requests that go on with others'
// memory.
func TestOrderedWalkAllocatesNothing(t *testing.T) {
	o := &inRuns{version: 1}
	for i := range uint32(500) {
		o.runs = append(o.runs, []row{{Number: i, Text: "text", Path: MakeOID(1, 2, i)}})
		if i%7 == 0 {
			o.runs[i] = append(o.runs[i], row{Number: i, Text: "other"})
		}
	}
	table := rowTable
	r := orderedRequest(t, &table, &o)
	ctx := NoWait()
	walk := func() {
		r.Reset(ctx)
		c := r.Seek(OID{}, true)
		for range 3000 {
			if _, err := r.Next(&c); err != nil {
				t.Fatal(err)
			}
		}
	}
	walk()
	if allocs := testing.AllocsPerRun(10, walk); allocs > 0 {
		t.Errorf("a walk makes %v allocations", allocs)
	}
}
