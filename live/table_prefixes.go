package live

import (
	"math/bits"
	"slices"
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

// below returns how many of the lengths are below one.
func (l *prefixLengths) below(length int) (n int) {
	for word := range length / 64 {
		n += bits.OnesCount64(l[word])
	}
	return n + bits.OnesCount64(l[length/64]&(1<<(length%64)-1))
}

// tablePrefixes is which prefixes a routing table of IPv4 or IPv6 may have.
type tablePrefixes struct {
	table   uint32
	family  uint8 // 0 for IPv4 and 1 for IPv6
	lengths prefixLengths
	// filters has for each of the lengths which hashes of addresses there are. It is replaced and does not change.
	filters []uint64
}

// longest returns the greatest length, with so many bits at most, with which the table may have a prefix that
// contains an address, and -1 where there is none.
func (t *tablePrefixes) longest(address *routeEntry, atMost int) int {
	for length := t.lengths.atMost(atMost); length >= 0; length = t.lengths.atMost(length - 1) {
		key := *address
		key.mask(length)
		if t.filters[t.lengths.below(length)]&filterBit(&key) != 0 {
			return length
		}
	}
	return -1
}

func filterBit(e *routeEntry) uint64 { return 1 << filterHash(e) }

// filterHash is of a destination's address.
func filterHash(e *routeEntry) uint64 {
	h := e.high
	if e.family != 0 {
		h = mix(h, e.low)
	}
	return mix(0, h) >> 58
}

// tables is which prefixes all routing tables may have.
type tables struct {
	present []tablePrefixes // in order; does not change where it is shared with a copy
	shared  bool
	counts  []tableCounts // of the same tables; nil in copies
	at      int           // where the table was that was counted last
}

// tableCounts is how many routes a table has by the length and the hash of their destinations.
type tableCounts map[uint8]*[64]int32

// snapshot returns a copy to read from.
func (t *tables) snapshot() tables {
	t.shared = true
	return tables{present: t.present}
}

// of returns which prefixes a table may have; nil for none.
func (t *tables) of(table uint32, family uint8) *tablePrefixes {
	if at, found := t.find(table, family); found {
		return &t.present[at]
	}
	return nil
}

func (t *tables) find(table uint32, family uint8) (at int, found bool) {
	low, high := 0, len(t.present)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if p := &t.present[mid]; p.table < table || p.table == table && p.family < family {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(t.present) && t.present[low].table == table && t.present[low].family == family
}

// count takes in how many routes to a destination in a table came.
func (t *tables) count(e *routeEntry, by int32) {
	if t.at >= len(t.present) || t.present[t.at].table != e.table || t.present[t.at].family != e.family {
		at, found := t.find(e.table, e.family)
		if !found {
			t.own()
			t.present = slices.Insert(t.present, at, tablePrefixes{table: e.table, family: e.family})
			t.counts = slices.Insert(t.counts, at, make(tableCounts))
		}
		t.at = at
	}
	counts := t.counts[t.at][e.bits]
	if counts == nil {
		counts = new([64]int32)
		t.counts[t.at][e.bits] = counts
	}
	hash := filterHash(e)
	was := counts[hash]
	counts[hash] += by
	if (was == 0) == (was+by == 0) {
		return
	}
	t.own()
	p := &t.present[t.at]
	length := int(e.bits)
	filters, of := slices.Clone(p.filters), p.lengths.below(length)
	if p.lengths.atMost(length) != length {
		p.lengths.set(length, true)
		filters = slices.Insert(filters, of, 0)
	}
	filters[of] ^= 1 << hash
	if filters[of] == 0 {
		p.lengths.set(length, false)
		filters = slices.Delete(filters, of, of+1)
		delete(t.counts[t.at], e.bits)
	}
	if p.filters = filters; len(filters) == 0 {
		t.present, t.counts = slices.Delete(t.present, t.at, t.at+1), slices.Delete(t.counts, t.at, t.at+1)
	}
}

// own makes what is present this collection's alone.
func (t *tables) own() {
	if t.shared {
		t.present, t.shared = slices.Clone(t.present), false
	}
}
