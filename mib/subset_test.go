package mib

import (
	"cmp"
	"context"
	"errors"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// families is a Subset of the plainest kind: of the subtrees that a name is in, the
// longest says whether it belongs.
type families []family

type family struct {
	subtree  OID
	included bool
}

func (f families) has(name OID) bool {
	longest := -1
	included := false
	for _, e := range f {
		if name.HasPrefix(e.subtree) && e.subtree.Len() > longest {
			longest, included = e.subtree.Len(), e.included
		}
	}
	return included
}

func (f families) Covers(object OID) Coverage {
	if slices.ContainsFunc(f, func(e family) bool { return e.subtree != object && e.subtree.HasPrefix(object) }) {
		return CoversPart
	}
	if f.has(object) {
		return CoversAll
	}
	return CoversNothing
}

// Seek goes from one beginning or end of a subtree to the next.
func (f families) Seek(object, index OID) (OID, bool) {
	name := object.Append(index)
	if f.has(name) {
		return index, true
	}
	edges := []OID{}
	for _, e := range f {
		above, last := e.subtree.Parent()
		edges = append(edges, e.subtree)
		if last < math.MaxUint32 {
			edges = append(edges, above.Sub(last+1))
		}
	}
	slices.SortFunc(edges, func(a, b OID) int { return cmp.Compare(a.packed, b.packed) })
	for _, e := range edges {
		if name.Less(e) && f.has(e) {
			return e.CutPrefix(object)
		}
	}
	return OID{}, false
}

// TestSubset holds that a limited request sees what a filter leaves of a whole walk,
// from wherever it asks.
func TestSubset(t *testing.T) {
	tree, all := model(t, nil)
	random := rand.New(rand.NewPCG(11, 12))
	r := tree.NewRequest()
	for range 200 {
		var f families
		if random.IntN(2) == 0 {
			f = append(f, family{MustParseOID("1.3.6.1"), true})
		}
		for range random.IntN(12) {
			name := all[random.IntN(len(all))].Name()
			for random.IntN(4) > 0 && name.Len() > 6 {
				name, _ = name.Parent()
			}
			if !slices.ContainsFunc(f, func(e family) bool { return e.subtree == name }) {
				f = append(f, family{name, random.IntN(2) == 0})
			}
		}
		r.Reset(t.Context())
		r.Limit = tree.Limit(f)
		var seen []Binding
		for c := r.Seek(OID{}, true); ; {
			b, err := r.Next(&c)
			if err != nil {
				t.Fatal(err)
			}
			if b.Value.Type() == EndOfMibView {
				break
			}
			seen = append(seen, b)
		}
		var want []Binding
		for _, b := range all {
			if f.has(b.Name()) {
				want = append(want, b)
			}
		}
		if !slices.EqualFunc(seen, want, func(a, b Binding) bool { return a.Name() == b.Name() && a.Value == b.Value }) {
			t.Fatalf("%v: %d variables are seen, not %d", f, len(seen), len(want))
		}
		for _, b := range all {
			got, err := r.Get(b.Name())
			if err != nil {
				t.Fatal(err)
			}
			if in := f.has(b.Name()); in && got != b.Value || !in && !got.IsException() {
				t.Fatalf("%v: %v = %v, which is %v", f, b.Name(), got, b.Value)
			}
			i, _ := slices.BinarySearchFunc(want, b.Name(), func(b Binding, o OID) int { return b.Name().Compare(o) })
			c := r.Seek(b.Name(), true)
			if next, err := r.Next(&c); err != nil || i < len(want) && next.Name() != want[i].Name() || i == len(want) && next.Value.Type() != EndOfMibView {
				t.Fatalf("%v: after %v comes %v, %v", f, b.Name(), next.Name(), err)
			}
			status := NotWritable
			if !f.has(b.Name()) {
				status = NoAccess
			}
			if _, err := r.TestSet([]Binding{b}); refusedAs(t, err) != status {
				t.Fatalf("%v: a SET of %v: %v, want %v", f, b.Name(), err, status)
			}
		}
	}
}

// TestSubsetOfObjects holds that an object of which nothing can be seen is none, and
// that one of which something can be has no instance.
func TestSubsetOfObjects(t *testing.T) {
	tree, all := model(t, nil)
	object := all[0].Object
	for _, c := range []struct {
		f    families
		want Type
	}{
		{families{{MustParseOID("1.3.6.1.4.1.99998"), true}}, NoSuchObject},
		{families{{object.Sub(math.MaxUint32), true}}, NoSuchInstance},
		{nil, NoSuchObject},
	} {
		r := tree.NewRequest()
		r.Reset(t.Context())
		r.Limit = tree.Limit(c.f)
		if got, err := r.Get(all[0].Name()); err != nil || got.Type() != c.want {
			t.Errorf("%v: %v, %v", c.f, got, err)
		}
	}
}

func TestLimitedWalkAllocatesNothing(t *testing.T) {
	tree, all := model(t, nil)
	r := tree.NewRequest()
	r.Reset(t.Context())
	r.Limit = tree.Limit(families{{MustParseOID("1.3.6.1"), true}, {all[len(all)-1].Object, false}})
	if allocs := testing.AllocsPerRun(10, func() {
		c := r.Seek(OID{}, true)
		for range all {
			if _, err := r.Next(&c); err != nil {
				t.Fatal(err)
			}
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// naming is a Subset of everything that was said to have a subtree.
type naming struct {
	families
	named OID
}

func (n naming) Names(subtree OID) bool { return n.named.HasPrefix(subtree) }

// TestSecret holds that a secret is read by who has a view that names it, its module or a part of it, and by nobody else, and
// written by who may write it.
func TestSecret(t *testing.T) {
	type row struct{ key, plain, secret int32 }
	entry, module := MustParseOID("1.3.6.1.4.1.99.1.1"), MustParseOID("1.3.6.1.4.1.99")
	table := Table[row]{
		Name: "aTable", Entry: entry, Index: Index(IntegerIndex(At(func(r *row) *int32 { return &r.key }))),
		Columns: Columns(
			Column(2, "aSecret", AsInteger(At(func(r *row) *int32 { return &r.secret }))).Writable().Secret(module),
			Column(3, "aPlain", AsInteger(At(func(r *row) *int32 { return &r.plain }))),
		),
	}
	writable := table.WrittenBy(func(context.Context, *Change[row]) (Assignment, error) { return Assignment{}, nil })
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{writable.Bind(fresh.New(func(context.Context) ([]row, error) { return []row{{1, 2, 3}}, nil }))}})
	if err != nil {
		t.Fatal(err)
	}
	all := families{{MakeOID(1), true}}
	secret := entry.Sub(2, 1)
	for name, c := range map[string]struct {
		view  Subset
		shown bool
		set   Status
	}{
		"everything":                {nil, false, NoError},
		"a view that names nothing": {all, false, NoError},
		"another module":            {naming{all, MustParseOID("1.3.6.1.4.1.98")}, false, NoError},
		"what has the module":       {naming{all, MustParseOID("1.3.6.1.4.1")}, false, NoError},
		"the module":                {naming{all, module}, true, NoError},
		"the object":                {naming{all, entry.Sub(2)}, true, NoError},
		"another object of it":      {naming{families{{entry.Sub(3), true}}, entry.Sub(3)}, false, NoAccess},
	} {
		r := tree.NewRequest()
		r.Reset(t.Context())
		if c.view != nil {
			r.Limit = tree.Limit(c.view)
		}
		v, err := r.Get(secret)
		if err != nil || (v.Type() == Integer32) != c.shown || !c.shown && v.Type() != NoSuchObject {
			t.Errorf("%s: get %v, %v", name, v, err)
		}
		cursor := r.Seek(OID{}, true)
		b, err := r.Next(&cursor)
		if err != nil || (b.Name() == secret) != c.shown {
			t.Errorf("%s: next %v, %v", name, b, err)
		}
		five := []Binding{{Object: secret, Value: Int(5)}}
		status := NoError
		var refused *SetError
		if err = r.Set(five); errors.As(err, &refused) {
			status = refused.Status
		}
		if status != c.set {
			t.Errorf("%s: set %v", name, err)
		}
		if told := r.Describe(five, MostDescribed); told != "aSecret.1 = a secret" {
			t.Errorf("%s: %s", name, told)
		}
	}
}
