package live

import (
	"maps"
	"math/bits"
)

// prefixLengths is which lengths prefixes have: a bit for each from 0 to 128.
type prefixLengths [3]uint64

func (l *prefixLengths) set(length int, there bool) {
	if there {
		l[length/64] |= 1 << (length % 64)
	} else {
		l[length/64] &^= 1 << (length % 64)
	}
}

// atMost returns the greatest of the lengths that is not above one, and -1 where there is none.
func (l *prefixLengths) atMost(length int) int {
	if length < 0 {
		return -1
	}
	word := length / 64
	left := l[word] & (2<<(length%64) - 1)
	for left == 0 {
		if word--; word < 0 {
			return -1
		}
		left = l[word]
	}
	return word*64 + 63 - bits.LeadingZeros64(left)
}

// tableKey is a routing table of a family, 0 for IPv4 and 1 for IPv6.
type tableKey struct {
	table  uint32
	family uint8
}

// tableLengths is which lengths the prefixes of each table have: the others need not be looked for.
type tableLengths struct {
	present map[tableKey]prefixLengths // does not change where it is shared with a copy
	shared  bool
	counts  map[tableKey]*[129]int32 // nil in copies
}

func newTableLengths() tableLengths {
	return tableLengths{present: make(map[tableKey]prefixLengths), counts: make(map[tableKey]*[129]int32)}
}

// snapshot returns a copy to read from.
func (l *tableLengths) snapshot() tableLengths {
	l.shared = true
	return tableLengths{present: l.present}
}

// count takes in how many routes of a table with a prefix length came.
func (l *tableLengths) count(e *routeEntry, by int32) {
	key := tableKey{e.table, e.family}
	counts := l.counts[key]
	if counts == nil {
		counts = new([129]int32)
		l.counts[key] = counts
	}
	was := counts[e.bits]
	counts[e.bits] += by
	if (was == 0) == (was+by == 0) {
		return
	}
	if l.shared {
		l.present, l.shared = maps.Clone(l.present), false
	}
	lengths := l.present[key]
	lengths.set(int(e.bits), was == 0)
	if lengths == (prefixLengths{}) {
		delete(l.present, key)
		delete(l.counts, key)
		return
	}
	l.present[key] = lengths
}
