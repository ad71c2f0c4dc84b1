package live

import (
	"iter"
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
	chunks  []*chunk[T]
	lasts   []T // the last item of each chunk, side by side for those that search
	count   int
	changes uint64 // grows with each
	// owner marks the chunks that only this collection has. shared says that
	// the slices of chunks and of lasts belong to a copy, too.
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
}

func newOrdered[T any](compare func(a, b *T) int, steps *uint64) ordered[T] {
	return ordered[T]{compare: compare, owner: new(owner), steps: steps}
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
func (o *ordered[T]) find(item *T) (c, i int, found bool) {
	o.step(1)
	// The first chunk whose last item is not before the item.
	low, high := 0, len(o.chunks)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if o.compare(&o.lasts[mid], item) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(o.chunks) {
		return low, 0, false
	}
	c = low
	items := o.chunks[c].items
	low, high = 0, len(items)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if o.compare(&items[mid], item) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return c, low, o.compare(&items[low], item) == 0
}

// get returns the item that is equal to the one given. What it points to must
// not be changed.
func (o *ordered[T]) get(item *T) (*T, bool) {
	c, i, found := o.find(item)
	if !found {
		return nil, false
	}
	return &o.chunks[c].items[i], true
}

// own makes the chunk this collection's alone.
func (o *ordered[T]) own(c int) *chunk[T] {
	o.ownChunks()
	if o.chunks[c].owner != o.owner {
		items := make([]T, len(o.chunks[c].items), chunkSize)
		copy(items, o.chunks[c].items)
		o.chunks[c] = &chunk[T]{o.owner, items}
	}
	return o.chunks[c]
}

func (o *ordered[T]) ownChunks() {
	if o.shared {
		o.chunks, o.lasts, o.shared = slices.Clone(o.chunks), slices.Clone(o.lasts), false
	}
}

// set puts the item in, in place of the one that is equal to it, if any.
func (o *ordered[T]) set(item T) {
	o.changes++
	c, i, found := len(o.chunks), 0, false
	if last := len(o.chunks) - 1; last < 0 || o.compare(o.last(), &item) >= 0 {
		c, i, found = o.find(&item)
	}
	if found {
		o.own(c).items[i] = item
		o.noteLast(c)
		return
	}
	o.count++
	if c == len(o.chunks) { // behind everything
		if c > 0 && len(o.chunks[c-1].items) < chunkSize {
			last := o.own(c - 1)
			last.items = append(last.items, item)
			o.noteLast(c - 1)
			return
		}
		o.ownChunks()
		o.chunks = append(o.chunks, &chunk[T]{o.owner, []T{item}})
		o.lasts = append(o.lasts, item)
		return
	}
	if len(o.chunks[c].items) == chunkSize {
		left := o.own(c)
		const half = chunkSize / 2
		right := &chunk[T]{o.owner, append(make([]T, 0, chunkSize), left.items[half:]...)}
		clear(left.items[half:])
		left.items = left.items[:half]
		o.chunks = slices.Insert(o.chunks, c+1, right)
		o.lasts = slices.Insert(o.lasts, c+1, o.lasts[c])
		o.noteLast(c)
		if i > half {
			c, i = c+1, i-half
		}
	}
	at := o.own(c)
	at.items = slices.Insert(at.items, i, item)
	o.noteLast(c)
}

// noteLast takes note of the last item of a chunk, which is this collection's alone.
func (o *ordered[T]) noteLast(c int) {
	items := o.chunks[c].items
	o.lasts[c] = items[len(items)-1]
}

func (o *ordered[T]) last() *T { return &o.lasts[len(o.lasts)-1] }

// delete takes out the item that is equal to the one given and reports whether
// there was one.
func (o *ordered[T]) delete(item *T) bool {
	c, i, found := o.find(item)
	if !found {
		return false
	}
	o.count--
	o.changes++
	at := o.own(c)
	at.items = slices.Delete(at.items, i, i+1)
	switch {
	case len(at.items) == 0:
		o.chunks, o.lasts = slices.Delete(o.chunks, c, c+1), slices.Delete(o.lasts, c, c+1)
		return true
	case len(at.items) < chunkSize/4 && c+1 < len(o.chunks) && len(at.items)+len(o.chunks[c+1].items) <= chunkSize*3/4:
		at.items = append(at.items, o.chunks[c+1].items...)
		o.chunks, o.lasts = slices.Delete(o.chunks, c+1, c+2), slices.Delete(o.lasts, c+1, c+2)
	}
	o.noteLast(c)
	return true
}

// from goes through the items from the first one on that is not before the one
// given, or from the beginning for nil. The collection must not change
// meanwhile.
func (o *ordered[T]) from(item *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		c, i := 0, 0
		if item != nil {
			c, i, _ = o.find(item)
		}
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
