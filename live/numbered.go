package live

import "slices"

// pageSize is how many items a page of a numbered collection holds.
const pageSize = 256

// numbered is a collection that gives each item a number, and can be copied in no
// time as ordered can: what refers to an item by its number holds no pointer.
// Numbers of items that were removed are given again.
type numbered[T any] struct {
	pages  []*page[T]
	free   []uint32
	next   uint32 // the least number that never was given
	owner  *owner
	shared bool
}

type page[T any] struct {
	owner *owner
	items [pageSize]*T
}

func newNumbered[T any]() numbered[T] { return numbered[T]{owner: new(owner)} }

// at returns the item with a number that was given.
func (n *numbered[T]) at(number uint32) *T { return n.pages[number/pageSize].items[number%pageSize] }

// add puts an item in and returns its number.
func (n *numbered[T]) add(item *T) (number uint32) {
	if last := len(n.free) - 1; last >= 0 {
		number, n.free = n.free[last], n.free[:last]
	} else {
		number = n.next
		n.next++
		if number%pageSize == 0 {
			n.ownPages()
			n.pages = append(n.pages, &page[T]{owner: n.owner})
		}
	}
	n.own(number).items[number%pageSize] = item
	return number
}

// remove takes the item with a number out.
func (n *numbered[T]) remove(number uint32) {
	n.own(number).items[number%pageSize] = nil
	n.free = append(n.free, number)
}

// snapshot returns a copy, which must not be changed.
func (n *numbered[T]) snapshot() numbered[T] {
	n.owner, n.shared = new(owner), true
	return numbered[T]{pages: n.pages}
}

// own makes the page of a number this collection's alone.
func (n *numbered[T]) own(number uint32) *page[T] {
	n.ownPages()
	at := &n.pages[number/pageSize]
	if (*at).owner != n.owner {
		*at = &page[T]{n.owner, (*at).items}
	}
	return *at
}

func (n *numbered[T]) ownPages() {
	if n.shared {
		n.pages, n.shared = slices.Clone(n.pages), false
	}
}

// capacity returns how many items there is memory for.
func (n *numbered[T]) capacity() int { return len(n.pages)*pageSize + cap(n.free)/2 }
