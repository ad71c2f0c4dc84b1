package table

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// anyValue returns a value of a type that fields have, often one that another one is near.
func anyValue(r *rand.Rand, typ Type) Value {
	if r.IntN(8) == 0 {
		return Value{}
	}
	texts := []string{"", "a", "ab", "ab\x00", "abcdefg", "abcdefh", "é", "~"}
	switch typ {
	case String:
		return KnownText(texts[r.IntN(len(texts))])
	case Keyword:
		return Word(texts[r.IntN(len(texts))])
	case Boolean:
		return Bool(r.IntN(2) == 0)
	case Integer:
		switch r.IntN(4) {
		case 0:
			return Uint(math.MaxUint64 - r.Uint64N(3))
		case 1:
			return Int(math.MinInt64 + r.Int64N(3))
		case 2:
			return Int(r.Int64N(5) - 2)
		}
		return Uint(r.Uint64())
	case Number:
		return Float([]float64{0, -1.5, 1e-300, math.MaxFloat64, -math.MaxFloat64, r.Float64()}[r.IntN(6)])
	case Duration:
		return Seconds(time.Duration(r.Int64N(5)) * time.Millisecond)
	case Address, Prefix:
		addrs := []string{"0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "::ffff:1.2.3.4", "fe80::1%1", "fe80::1%2", "ffff::", "ffff::1"}
		a := netip.MustParseAddr(addrs[r.IntN(len(addrs))])
		if typ == Prefix {
			return Net(netip.PrefixFrom(a.WithZone(""), r.IntN(33)))
		}
		return Addr(a)
	case Strings:
		return KnownWords(texts[:r.IntN(3)])
	case IntegerOrFalse:
		if r.IntN(3) == 0 {
			return Bool(false)
		}
		return Uint(r.Uint64N(3))
	}
	return List([]Object{{{"pid", Uint(r.Uint64N(3))}}})
}

// Sorting by indexes has the order that comparing all values has, with rows that are alike in
// the order of their indexes.
func TestSortIndexes(t *testing.T) {
	type row struct{ first, second Value }
	for _, typ := range []Type{String, Keyword, Boolean, Integer, Number, Duration, Address, Prefix, Strings, Objects, IntegerOrFalse} {
		k := &Kind[row]{Name: "test", Fields: []Field[row]{
			{Name: "first", Type: typ, Value: func(r *row) Value { return r.first }},
			{Name: "second", Type: Integer, Value: func(r *row) Value { return r.second }},
		}}
		r := rand.New(rand.NewPCG(1, uint64(typ)))
		rows := make([]row, 300)
		for i := range rows {
			rows[i] = row{anyValue(r, typ), Uint(r.Uint64N(3))}
		}
		for _, list := range []string{"first", "-first", "first,-second", "-second,first"} {
			o, err := k.Order(list)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []int32
			for i := range rows {
				if i%7 != 0 { // some are filtered out
					got, want = append(got, int32(i)), append(want, int32(i))
				}
			}
			rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
			k.Sort(got, func(i int32) *row { return &rows[i] }, o)
			slices.SortStableFunc(want, func(a, b int32) int { return k.compare(o, &rows[a], &rows[b]) })
			if !slices.Equal(got, want) {
				t.Errorf("type %d by %s: %v, not %v", typ, list, got, want)
			}
		}
	}
}
