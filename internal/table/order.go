package table

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Sort sorts indexes of rows. Rows that are alike in everything that the order looks at
// stand by their indexes, in either direction.
//
// What a field of the order says of a row is worked out once, and of further fields only where
// rows are alike in those before: a number that is greater where the value is, and of texts
// the text. Values are looked at again where neither tells two rows apart.
func (k *Kind[T]) Sort(indexes []int32, row func(index int32) *T, o *Order) {
	sortBy(indexes, func(field int, index int32) Value { return k.Fields[field].Value(row(index)) }, o.fields)
}

// place is where a row stands: its rank, its index, and which of the texts is its value, -1
// for none.
type place struct {
	rank        float64
	index, text int32
}

// sortBy sorts by the first of the fields, and what is alike in it by the others.
func sortBy(indexes []int32, value func(field int, index int32) Value, fields []orderField) {
	if len(indexes) < 2 {
		return
	}
	if len(fields) == 0 {
		slices.Sort(indexes)
		return
	}
	field, direction := fields[0].index, 1
	if fields[0].descending {
		direction = -1
	}
	places := make([]place, len(indexes))
	var texts []string
	exact := true
	for i, index := range indexes {
		v := value(field, index)
		places[i] = place{v.rank(), index, -1}
		if v.typ == String || v.typ == Keyword {
			places[i].text, texts = int32(len(texts)), append(texts, v.text)
		} else {
			exact = exact && v.isExact(places[i].rank)
		}
	}
	compare := func(a, b place) int {
		if c := cmp.Compare(a.rank, b.rank); c != 0 {
			return c * direction
		}
		switch {
		case a.text >= 0 && b.text >= 0:
			return strings.Compare(texts[a.text], texts[b.text]) * direction
		case exact:
			return 0
		}
		x, y := value(field, a.index), value(field, b.index)
		return x.Compare(&y) * direction
	}
	slices.SortFunc(places, compare)
	for i := range places {
		indexes[i] = places[i].index
	}
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && compare(places[from], places[to]) == 0 {
			to++
		}
		sortBy(indexes[from:to], value, fields[1:])
		from = to
	}
}

// isExact reports whether values with that rank and type are the same.
func (v *Value) isExact(rank float64) bool {
	const whole = 1 << 53 // beyond which not every integer is a float64
	switch v.typ {
	case 0:
		return true
	case Integer:
		return math.Abs(rank) < whole
	case Number, Duration:
		return rank > -math.MaxFloat64
	}
	return false
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
