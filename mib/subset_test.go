package mib

import (
	"cmp"
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
