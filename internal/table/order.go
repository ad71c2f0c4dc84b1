package table

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// Sort sorts indexes of rows. Rows that are alike in everything that the order looks at
// stand by their indexes, in either direction.
//
// What the first field of the order says of a row is worked out once, as a number that is
// greater where the value is; the rows themselves are looked at where two numbers are the same.
func (k *Kind[T]) Sort(indexes []int32, row func(index int32) *T, o *Order) {
	first, direction := k.Fields[o.fields[0].index].Value, 1
	if o.fields[0].descending {
		direction = -1
	}
	places := make([]place, len(indexes))
	for i, index := range indexes {
		v := first(row(index))
		places[i] = place{v.rank(), index}
	}
	sortPlaces(places, direction, func(a, b int32) int { return k.compare(o, row(a), row(b)) })
	for i := range places {
		indexes[i] = places[i].index
	}
}

// place is where a row stands: its rank, and its index.
type place struct {
	rank  float64
	index int32
}

// sortPlaces sorts by rank, ascending where direction is 1, then by what compare says of
// the rows, then by index.
func sortPlaces(places []place, direction int, compare func(a, b int32) int) {
	slices.SortFunc(places, func(a, b place) int {
		if c := cmp.Compare(a.rank, b.rank); c != 0 {
			return c * direction
		}
		return cmp.Or(compare(a.index, b.index), cmp.Compare(a.index, b.index))
	})
}

// rank returns a number that is less than that of another value only where Compare has the
// value before the other one. It may be the same for values that differ.
func (v *Value) rank() float64 {
	switch v.typ {
	case 0:
		return math.Inf(-1)
	case Boolean: // before the numbers of its field
		return -math.MaxFloat64
	case Integer, Number, Duration:
		return max(v.Float(), -math.MaxFloat64)
	case String, Keyword:
		return leading(v.text)
	case Address, Prefix:
		// IPv4 before IPv6, as netip.Addr.Compare has them.
		if v.addr.Is4() {
			four := v.addr.As4()
			return float64(binary.BigEndian.Uint32(four[:]))
		}
		sixteen := v.addr.As16()
		return float64(1<<48 + binary.BigEndian.Uint64(sixteen[:])>>16)
	}
	return 0
}

// leading returns the first six octets of a text as a number, which a float64 holds.
func leading(text string) float64 {
	var octets [8]byte
	copy(octets[2:], text)
	return float64(binary.BigEndian.Uint64(octets[:]))
}
