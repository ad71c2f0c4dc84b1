package live

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOrderedAgreesWithMap does random things to a collection and to a map, and
// takes copies that must not change. The collection has keys that are the items', keys that many
// share, one key for all, or none.
func TestOrderedAgreesWithMap(t *testing.T) {
	for name, key := range map[string]func(*numberedItem) uint32{
		"none":    nil,
		"each":    func(i *numberedItem) uint32 { return uint32(i.key) },
		"several": func(i *numberedItem) uint32 { return uint32(i.key / 700) },
		"the end": func(i *numberedItem) uint32 { return math.MaxUint32 - uint32(max(0, 9000-i.key)/100) },
		"one":     func(*numberedItem) uint32 { return 7 },
	} {
		t.Run(name, func(t *testing.T) { orderedAgreesWithMap(t, key) })
	}
}

// numberedItem is an item that says when it was set last.
type numberedItem struct{ key, value int }

func orderedAgreesWithMap(t *testing.T, order func(*numberedItem) uint32) {
	type item = numberedItem
	for _, space := range []int{10, 1000, 20_000} {
		r := rand.New(rand.NewPCG(uint64(space), 7))
		o := newKeyed(func(a, b *item) int { return cmp.Compare(a.key, b.key) }, order, nil)
		m := make(map[int]int)
		type copied struct {
			o ordered[item]
			m []item
		}
		list := func(o *ordered[item]) (all []item) {
			for i := range o.from(nil) {
				all = append(all, *i)
			}
			return all
		}
		want := func() (all []item) {
			for k, v := range m {
				all = append(all, item{k, v})
			}
			slices.SortFunc(all, func(a, b item) int { return a.key - b.key })
			return all
		}
		var copies []copied
		for step := range 50_000 {
			key := r.IntN(space)
			switch n := r.IntN(1000); {
			case n < 2:
				copies = append(copies, copied{o.snapshot(), want()})
				if len(copies) > 8 {
					copies = copies[1:]
				}
			case n < 550-100*(step/10_000%2)*2:
				o.set(item{key, step})
				m[key] = step
			default:
				_, had := m[key]
				if got := o.delete(&item{key: key}); got != had {
					t.Fatalf("delete of %d: %v, want %v", key, got, had)
				}
				delete(m, key)
			}
			got, ok := o.get(&item{key: key})
			value, has := m[key]
			if ok != has || ok && got.value != value || o.len() != len(m) {
				t.Fatalf("step %d: get %v %v, want %v %v; %d items, want %d", step, got, ok, value, has, o.len(), len(m))
			}
			for c := range o.chunks {
				if items := o.chunks[c].items; len(o.lasts) != len(o.chunks) || o.lasts[c] != items[len(items)-1] {
					t.Fatalf("step %d: chunk %d of %d ends with another item than is noted, of %d", step, c, len(o.chunks), len(o.lasts))
				}
				if order == nil || step%50 != 0 {
					continue
				}
				var marks []uint32
				for i := 0; i < len(o.chunks[c].items); i += markEvery {
					marks = append(marks, order(&o.chunks[c].items[i]))
				}
				if len(o.keys) != len(o.chunks) || o.keys[c] != order(&o.lasts[c]) || !slices.Equal(o.chunks[c].marks, marks) {
					t.Fatalf("step %d: chunk %d of %d has other keys than are noted", step, c, len(o.chunks))
				}
			}
		}
		if got := list(&o); !slices.Equal(got, want()) {
			t.Errorf("%d items, want %d, or others", len(got), len(m))
		}
		for i := range copies {
			if !slices.Equal(list(&copies[i].o), copies[i].m) {
				t.Errorf("copy %d changed", i)
			}
		}
		from := space / 3
		var tail []item
		for i := range o.from(&item{key: from}) {
			tail = append(tail, *i)
		}
		if i := slices.IndexFunc(want(), func(i item) bool { return i.key >= from }); i >= 0 && !slices.Equal(tail, want()[i:]) {
			t.Errorf("from %d: %d items", from, len(tail))
		}
	}
}

func TestOrderedFillsChunks(t *testing.T) {
	o := newOrdered(func(a, b *int) int { return cmp.Compare(*a, *b) }, nil)
	for i := range 100 * chunkSize {
		o.set(i)
	}
	if len(o.chunks) != 100 || o.capacity() > 110*chunkSize {
		t.Errorf("%d chunks for %d items", len(o.chunks), o.capacity())
	}
}
