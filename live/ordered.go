package live

import (
	"iter"
	"math"
	"slices"
)

// chunkSize is how many items a chunk holds at most.
const chunkSize = 256

// ordered is a sorted collection that can be copied in no time: a sequence of
// sorted chunks, which copies share until one of them changes. Finding, setting
// and deleting take O(log n) steps and one move within a chunk; the first
// change after a copy clones the chunk that it touches and the list of chunks.
//
// A collection that grows in order fills its chunks completely.
type ordered[T any] struct {
	compare func(a, b *T) int
	// key is a number by which items are in order too, though several may have
	// the same; nil for none. Those that search look at numbers side by side
	// then, before they look at items.
	key     func(*T) uint32
	chunks  []*chunk[T]
	lasts   []T      // the last item of each chunk, side by side for those that search
	keys    []uint32 // theirs
	count   int
	changes uint64 // grows with each
	// owner marks the chunks that only this collection has. shared says that
	// the slices of chunks, lasts and keys belong to a copy, too.
	owner  *owner
	shared bool
	// steps counts the items that were looked at, but for those of copies; nil
	// where nobody counts.
	steps *uint64
}

// owner is an identity; it is not empty since empty values may share an address.
type owner struct{ _ byte }

type chunk[T any] struct {
	owner *owner
	items []T
	marks []uint32 // the keys of one item of markEvery
}

// markEvery is how many items stand between two whose keys a chunk has: they are
// some cache lines, which is what a search costs in a collection that is larger than the cache.
const markEvery = 4

func newOrdered[T any](compare func(a, b *T) int, steps *uint64) ordered[T] {
	return ordered[T]{compare: compare, owner: new(owner), steps: steps}
}

func newKeyed[T any](compare func(a, b *T) int, key func(*T) uint32, steps *uint64) ordered[T] {
	o := newOrdered(compare, steps)
	o.key = key
	return o
}

// step counts items that were looked at.
func (o *ordered[T]) step(items int) {
	if o.steps != nil {
		*o.steps += uint64(items)
	}
}

func (o *ordered[T]) len() int { return o.count }

// snapshot returns a copy, which must not be changed.
func (o *ordered[T]) snapshot() ordered[T] {
	o.owner, o.shared = new(owner), true
	s := *o
	s.owner, s.steps = nil, nil
	return s
}

// fork returns a copy that may be changed.
func (o *ordered[T]) fork() ordered[T] {
	f := o.snapshot()
	f.owner = new(owner)
	return f
}

// take takes over what another collection has, which counts as a change.
func (o *ordered[T]) take(from ordered[T]) {
	changes, steps := o.changes, o.steps
	*o = from
	o.changes += changes + 1
	o.steps = steps
}

// find returns where the item is or would be inserted.
func (o *ordered[T]) find(item *T) (p place, found bool) {
	o.step(1)
	from, to := place{}, o.end()
	if o.key != nil {
		from, to = o.around(o.key(item))
	}
	p = o.search(from, to, func(other *T) bool { return o.compare(other, item) < 0 })
	return p, p != o.end() && o.compare(o.at(p), item) == 0
}

// around returns the places between which the items with a key are: those in front have lesser ones, and
// those from the second on greater ones.
func (o *ordered[T]) around(key uint32) (from, to place) {
	first, behind := span(o.keys, key)
	if first == len(o.chunks) {
		return o.end(), o.end()
	}
	mark, next := span(o.chunks[first].marks, key)
	from = place{first, max(0, (mark-1)*markEvery+1)}
	if behind == len(o.chunks) {
		return from, o.end()
	}
	c := o.chunks[behind]
	if behind > first {
		_, next = span(c.marks, key)
	}
	return from, place{behind, min(next*markEvery, len(c.items))}
}

// span returns how many of the numbers, which are in order, are less than one, and how many are not greater.
func span(numbers []uint32, one uint32) (less, notGreater int) {
	less = lesser(numbers, one)
	switch {
	case less == len(numbers) || numbers[less] != one:
		return less, less
	case one == math.MaxUint32:
		return less, len(numbers)
	}
	return less, less + lesser(numbers[less:], one+1)
}

// lesser returns how many of the numbers, which are in order, are less than one. No branch depends on
// them, since processors guess every other one wrong: the sign of a difference says which is less.
func lesser(numbers []uint32, than uint32) int {
	at, left := 0, len(numbers)
	for left > 1 {
		half := left / 2
		less := (int64(numbers[at+half-1]) - int64(than)) >> 63 // all bits, or none
		at += half & int(less)
		left -= half
	}
	if left == 1 && numbers[at] < than {
		at++
	}
	return at
}

// get returns the item that is equal to the one given. What it points to must
// not be changed.
func (o *ordered[T]) get(item *T) (*T, bool) {
	p, found := o.find(item)
	if !found {
		return nil, false
	}
	return o.at(p), true
}

// own makes the chunk this collection's alone.
func (o *ordered[T]) own(c int) *chunk[T] {
	o.ownChunks()
	if o.chunks[c].owner != o.owner {
		items := make([]T, len(o.chunks[c].items), chunkSize)
		copy(items, o.chunks[c].items)
		own := o.newChunk(items)
		own.marks = append(own.marks, o.chunks[c].marks...)
		o.chunks[c] = own
	}
	return o.chunks[c]
}

// newChunk returns a chunk of this collection, with room for marks beside it where items have keys.
func (o *ordered[T]) newChunk(items []T) *chunk[T] {
	if o.key == nil {
		return &chunk[T]{owner: o.owner, items: items}
	}
	c := &struct {
		chunk[T]
		marks [chunkSize / markEvery]uint32
	}{chunk: chunk[T]{owner: o.owner, items: items}}
	c.chunk.marks = c.marks[:0]
	return &c.chunk
}

func (o *ordered[T]) ownChunks() {
	if o.shared {
		o.chunks, o.lasts, o.keys, o.shared = slices.Clone(o.chunks), slices.Clone(o.lasts), slices.Clone(o.keys), false
	}
}

// set puts the item in, in place of the one that is equal to it, if any.
func (o *ordered[T]) set(item T) {
	o.changes++
	p, found := o.end(), false
	if len(o.chunks) == 0 || o.compare(o.last(), &item) >= 0 {
		p, found = o.find(&item)
	}
	if found {
		o.own(p.chunk).items[p.item] = item
		o.note(p)
		return
	}
	o.count++
	if p == o.end() {
		if p.chunk > 0 && len(o.chunks[p.chunk-1].items) < chunkSize {
			last := o.own(p.chunk - 1)
			last.items = append(last.items, item)
			o.note(place{p.chunk - 1, len(last.items) - 1})
			return
		}
		o.insertChunk(p.chunk, []T{item})
		return
	}
	if len(o.chunks[p.chunk].items) == chunkSize {
		left := o.own(p.chunk)
		const half = chunkSize / 2
		o.insertChunk(p.chunk+1, append(make([]T, 0, chunkSize), left.items[half:]...))
		clear(left.items[half:])
		left.items = left.items[:half]
		o.note(place{p.chunk, half})
		if p.item > half {
			p = place{p.chunk + 1, p.item - half}
		}
	}
	at := o.own(p.chunk)
	at.items = slices.Insert(at.items, p.item, item)
	o.note(p)
}

// insertChunk puts a chunk in front of another.
func (o *ordered[T]) insertChunk(c int, items []T) {
	o.ownChunks()
	o.chunks = slices.Insert(o.chunks, c, o.newChunk(items))
	o.lasts = slices.Insert(o.lasts, c, items[len(items)-1])
	if o.key != nil {
		o.keys = slices.Insert(o.keys, c, 0)
	}
	o.note(place{c, 0})
}

// deleteChunk takes a chunk out.
func (o *ordered[T]) deleteChunk(c int) {
	o.chunks, o.lasts = slices.Delete(o.chunks, c, c+1), slices.Delete(o.lasts, c, c+1)
	if o.key != nil {
		o.keys = slices.Delete(o.keys, c, c+1)
	}
}

// note takes note of the keys of a chunk's items from a place on, and of its last item. The chunk is this
// collection's alone.
func (o *ordered[T]) note(from place) {
	c := o.chunks[from.chunk]
	last := &c.items[len(c.items)-1]
	o.lasts[from.chunk] = *last
	if o.key == nil {
		return
	}
	o.keys[from.chunk] = o.key(last)
	mark := (from.item + markEvery - 1) / markEvery
	c.marks = c.marks[:mark]
	for i := mark * markEvery; i < len(c.items); i += markEvery {
		c.marks = append(c.marks, o.key(&c.items[i]))
	}
}

func (o *ordered[T]) last() *T { return &o.lasts[len(o.lasts)-1] }

// delete takes out the item that is equal to the one given and reports whether
// there was one.
func (o *ordered[T]) delete(item *T) bool {
	p, found := o.find(item)
	if !found {
		return false
	}
	o.count--
	o.changes++
	at := o.own(p.chunk)
	at.items = slices.Delete(at.items, p.item, p.item+1)
	switch next := p.chunk + 1; {
	case len(at.items) == 0:
		o.deleteChunk(p.chunk)
		return true
	case len(at.items) < chunkSize/4 && next < len(o.chunks) && len(at.items)+len(o.chunks[next].items) <= chunkSize*3/4:
		at.items = append(at.items, o.chunks[next].items...)
		o.deleteChunk(next)
	}
	o.note(p)
	return true
}

// from goes through the items from the first one on that is not before the one
// given, or from the beginning for nil. The collection must not change
// meanwhile.
func (o *ordered[T]) from(item *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		var p place
		if item != nil {
			p, _ = o.find(item)
		}
		c, i := p.chunk, p.item
		for ; c < len(o.chunks); c, i = c+1, 0 {
			items := o.chunks[c].items
			first := i
			for ; i < len(items); i++ {
				if !yield(&items[i]) {
					o.step(i + 1 - first)
					return
				}
			}
			o.step(len(items) - first)
		}
	}
}

// search returns the first place from one on, up to another, whose item before
// is false for, given that it is true for those in front of that and for none
// behind.
func (o *ordered[T]) search(from, to place, before func(*T) bool) place {
	o.step(1)
	// The first chunk whose last item before is false for.
	low, high := from.chunk, to.chunk
	for low < high {
		mid := int(uint(low+high) >> 1)
		if before(&o.lasts[mid]) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	first, last := 0, to.item
	if low == from.chunk {
		first = from.item
	}
	if low < to.chunk {
		last = len(o.chunks[low].items)
	}
	for first < last {
		mid := int(uint(first+last) >> 1)
		if before(&o.chunks[low].items[mid]) {
			first = mid + 1
		} else {
			last = mid
		}
	}
	return place{low, first}
}

// place is where an item is: in which chunk, and where in there. That behind all
// items is in a chunk that there is not.
type place struct{ chunk, item int }

func (o *ordered[T]) end() place { return place{len(o.chunks), 0} }

// after returns the place behind one that has an item.
func (o *ordered[T]) after(p place) place {
	if p.item++; p.item == len(o.chunks[p.chunk].items) {
		return place{p.chunk + 1, 0}
	}
	return p
}

// before returns the place in front of one that is not the first.
func (o *ordered[T]) before(p place) place {
	if p.item > 0 {
		return place{p.chunk, p.item - 1}
	}
	return place{p.chunk - 1, len(o.chunks[p.chunk-1].items) - 1}
}

func (o *ordered[T]) at(p place) *T { return &o.chunks[p.chunk].items[p.item] }

// capacity returns how many items there is memory for.
func (o *ordered[T]) capacity() (items int) {
	for _, c := range o.chunks {
		items += cap(c.items)
	}
	return items
}
