package vacm

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// View is a set of variables: those of a view tree. It is immutable.
type View struct {
	// stretches are where the view begins and ends, in order, unless families have
	// wildcards.
	stretches []stretch
	// families are those of a view with wildcards, the ones that count first.
	families []family
	whole    bool
	named    []family // those that are included and begin below a root
}

// stretch is the variables from one on, up to the next stretch.
type stretch struct {
	from string // packed
	in   bool
}

// family is a Family taken apart.
type family struct {
	subtree  []uint32
	wild     []bool // by sub-identifier: any is right
	excluded bool
}

// Coverage is how much of a subtree is in a view.
type Coverage int

// The coverages.
const (
	None Coverage = iota // nothing
	Some                 // some of it, perhaps
	All                  // every variable that there can be
)

// NewView returns the view that families make, whatever names they have.
func NewView(list []Family) *View {
	var all []family
	wild := false
	for _, f := range list {
		c := newFamily(f)
		all = append(all, c)
		wild = wild || slices.Contains(c.wild, true)
	}
	// The longest first, and of equally long ones the last.
	slices.SortStableFunc(all, func(a, b family) int {
		return cmp.Or(cmp.Compare(len(b.subtree), len(a.subtree)), slices.Compare(b.subtree, a.subtree))
	})
	v := &View{families: all}
	if !wild {
		v = &View{stretches: stretches(all)}
	}
	for _, c := range all {
		if len(c.subtree) > 1 && !c.excluded {
			v.named = append(v.named, c)
		}
	}
	v.whole = true
	for first := range uint32(3) {
		v.whole = v.whole && v.Covers(mib.MakeOID(first)) == All
	}
	return v
}

func newFamily(f Family) family {
	subtree := f.Subtree.Subidentifiers()
	c := family{subtree: subtree, wild: make([]bool, len(subtree)), excluded: f.Excluded}
	for i := range min(len(subtree), 8*len(f.Mask)) {
		c.wild[i] = f.Mask[i/8]&(0x80>>(i%8)) == 0
	}
	return c
}

// stretches lays families without wildcards one over the other.
func stretches(all []family) []stretch {
	edges := [][]uint32{{}}
	for _, f := range all {
		edges = append(edges, f.subtree)
		if end := successor(f.subtree); end != nil {
			edges = append(edges, end)
		}
	}
	slices.SortFunc(edges, slices.Compare)
	var list []stretch
	for _, from := range edges {
		in := contains(all, mib.MakeOID(from...), mib.OID{})
		if len(list) == 0 || list[len(list)-1].in != in {
			list = append(list, stretch{mib.MakeOID(from...).Packed(), in})
		}
	}
	return list
}

// successor returns the first OID behind a subtree, nil where there is none.
func successor(subtree []uint32) []uint32 {
	for n := len(subtree); n > 0; n-- {
		if subtree[n-1] < math.MaxUint32 {
			next := slices.Clone(subtree[:n])
			next[n-1]++
			return next
		}
	}
	return nil
}

// Same reports whether two views, either of which may be nil, are made of the same. Two that have the
// same variables are that, unless one has wildcards.
func (v *View) Same(u *View) bool {
	if v == nil || u == nil {
		return v == u
	}
	return reflect.DeepEqual(v.families, u.families) && slices.Equal(v.stretches, u.stretches)
}

// Whole reports whether everything is in the view that can be the name of a variable: what begins
// with 0, 1 or 2.
func (v *View) Whole() bool { return v.whole }

// Names reports whether the families include a subtree at or below that one by its name, and not merely one above
// it or by wildcards. That of no sub-identifiers stands for any but the whole of a root. A
// view that is nil names nothing.
func (v *View) Names(subtree mib.OID) bool {
	if v == nil {
		return false
	}
	of := subtree.Subidentifiers()
	return slices.ContainsFunc(v.named, func(c family) bool {
		return len(c.subtree) >= len(of) && slices.Equal(c.subtree[:len(of)], of) && !slices.Contains(c.wild[:len(of)], true)
	})
}

// Contains reports whether the variable with that name is in the view: object, followed by index. It costs no
// allocation.
func (v *View) Contains(object, index mib.OID) bool {
	if v.families != nil {
		return contains(v.families, object, index)
	}
	i := v.find(object.Packed(), index.Packed())
	return v.stretches[i].in
}

// find returns the stretch that a name is in.
func (v *View) find(object, index string) int {
	behind := sort.Search(len(v.stretches), func(i int) bool {
		return comparePair(v.stretches[i].from, object, index) > 0
	})
	return behind - 1 // the first begins with nothing
}

// comparePair compares s with object and index one after the other.
func comparePair(s, object, index string) int {
	if len(s) <= len(object) {
		if c := strings.Compare(s, object[:len(s)]); c != 0 || len(s) == len(object) && index == "" {
			return c
		}
		return -1 // s is the beginning
	}
	if c := strings.Compare(s[:len(object)], object); c != 0 {
		return c
	}
	return strings.Compare(s[len(object):], index)
}

// contains looks at one family after the other, the one that counts first.
func contains(all []family, object, index mib.OID) bool {
	for i := range all {
		if all[i].matches(object, index) {
			return !all[i].excluded
		}
	}
	return false
}

func (f *family) matches(object, index mib.OID) bool {
	for i, want := range f.subtree {
		sub, rest, ok := object.CutSubidentifier()
		if !ok {
			if sub, rest, ok = index.CutSubidentifier(); !ok {
				return false
			}
			index = mib.OID{}
		}
		if sub != want && !f.wild[i] {
			return false
		}
		object = rest
	}
	return true
}

// Covers says how much of a subtree is in the view. A view with wildcards may say Some where it is None or
// All.
func (v *View) Covers(subtree mib.OID) Coverage {
	if v.families != nil {
		return v.coversByFamilies(subtree)
	}
	first := v.find(subtree.Packed(), "")
	last := len(v.stretches) - 1
	if end := successor(subtree.Subidentifiers()); end != nil {
		// The stretch that the end begins is behind.
		last = sort.Search(len(v.stretches), func(i int) bool {
			return v.stretches[i].from >= mib.MakeOID(end...).Packed()
		}) - 1
	}
	switch {
	case first != last:
		return Some
	case v.stretches[first].in:
		return All
	}
	return None
}

func (v *View) coversByFamilies(subtree mib.OID) Coverage {
	subs := subtree.Subidentifiers()
	// What reaches into the subtree decides about parts of it.
	for i := range v.families {
		f := &v.families[i]
		if len(f.subtree) > len(subs) {
			if f.meets(subs) {
				return Some
			}
			continue
		}
		if f.matches(subtree, mib.OID{}) {
			if f.excluded {
				return None
			}
			return All
		}
	}
	return None
}

// meets reports whether a family that is longer than a subtree has variables in it.
func (f *family) meets(subtree []uint32) bool {
	for i, sub := range subtree {
		if f.subtree[i] != sub && !f.wild[i] {
			return false
		}
	}
	return true
}

// maxSteps bounds what Next does for a view with wildcards.
const maxSteps = 64

// Next returns a name before which, from name on, nothing is in the view, and name itself if that is.
// ok is false where nothing follows. What it returns is in the view, or greater than name: who walks
// asks again.
func (v *View) Next(name mib.OID) (next mib.OID, ok bool) {
	if v.families != nil {
		return v.nextByFamilies(name)
	}
	i := v.find(name.Packed(), "")
	if v.stretches[i].in {
		return name, true
	}
	if i+1 == len(v.stretches) {
		return mib.OID{}, false
	}
	return mib.PackedOID(v.stretches[i+1].from), true
}

func (v *View) nextByFamilies(name mib.OID) (mib.OID, bool) {
	at := name.Subidentifiers()
	for range maxSteps {
		var least []uint32
		found := false
		nearer := func(o []uint32) {
			if !found || slices.Compare(o, least) < 0 {
				least, found = o, true
			}
		}
		decides := slices.IndexFunc(v.families, func(f family) bool { return f.matches(mib.MakeOID(at...), mib.OID{}) })
		if decides >= 0 && !v.families[decides].excluded {
			return mib.MakeOID(at...), true
		}
		// What is behind the subtree that is out may be in, or where another family
		// begins.
		if decides >= 0 {
			if end := v.families[decides].end(at); end != nil {
				nearer(end)
			}
		}
		for i := range v.families {
			f := &v.families[i]
			if f.excluded || decides >= 0 && i > decides {
				continue // it is out as far as that reaches
			}
			if o := f.next(at); o != nil {
				nearer(o)
			}
		}
		if !found {
			return mib.OID{}, false
		}
		at = least
	}
	return mib.MakeOID(at...), true
}

// end returns the first OID behind at, which is in the family, that is not, nil where there is none.
func (f *family) end(at []uint32) []uint32 {
	n := len(f.subtree)
	if n > 0 && f.wild[n-1] {
		n-- // whatever stands there
	}
	return successor(at[:n])
}

// next returns the first OID at or behind at that is in the family, nil where there is
// none.
func (f *family) next(at []uint32) []uint32 {
	o := make([]uint32, 0, len(f.subtree))
	grow := -1 // the last wildcard that can be greater
	for i, want := range f.subtree {
		if i == len(at) { // at is a beginning of it
			return f.complete(o)
		}
		switch {
		case f.wild[i]:
			o = append(o, at[i])
			if at[i] < math.MaxUint32 {
				grow = i
			}
		case want > at[i]:
			return f.complete(append(o, want))
		case want == at[i]:
			o = append(o, want)
		case grow < 0:
			return nil
		default:
			o = o[:grow+1]
			o[grow]++
			return f.complete(o)
		}
	}
	return at
}

// complete returns the first OID of the family with that beginning.
func (f *family) complete(o []uint32) []uint32 {
	for i := len(o); i < len(f.subtree); i++ {
		if f.wild[i] {
			o = append(o, 0)
		} else {
			o = append(o, f.subtree[i])
		}
	}
	return o
}
