package recording

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// checkRows writes generated rows of a table and reads them back.
func checkRows[T any](t *testing.T, table *table[T]) {
	t.Run(string(table.kind), func(t *testing.T) {
		for seed := range uint64(50) {
			g := randomrow.New(seed)
			rows := randomrow.Rows[T](g, 1+g.IntN(40))
			if seed == 0 {
				rows = make([]T, 3) // all zero, all the same
			} else if seed < 3 {
				rows = []T{rows[0], rows[0], rows[0]} // all the same
			}
			var w columnWriter
			payload, err := encodeRows(table.codec(), table.kind, "part", rows, &w)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			var head rowsHead
			if err := unmarshal(payload, &head); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			var s scratch
			got, err := decodeRows[T](table.codec(), &head, false, &s, nil)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(got) != len(rows) {
				t.Fatalf("seed %d: %d rows read of %d", seed, len(got), len(rows))
			}
			for i := range rows {
				if !reflect.DeepEqual(got[i], rows[i]) {
					t.Fatalf("seed %d, row %d: read\n%+v\nof\n%+v", seed, i, got[i], rows[i])
				}
			}
		}
	})
}

// TestRowsComeBack holds for every kind: rows of any values are read as they
// were written, unknown as unknown, nil as nil, empty as empty.
func TestRowsComeBack(t *testing.T) {
	for _, table := range tables {
		table.(tableTest).check(t)
	}
	checkRows(t, newTable[everything]("everything", whole, nil))
}

// everything has what the vocabulary may come to have.
type everything struct {
	netstat.Counter
	Strings   netstat.Optional[[]string]
	Inner     *inner
	Known     netstat.Optional[inner]
	List      []inner
	Bytes     []byte
	Int       int
	Int8      int8
	Int16     int16
	Int32     int32
	Int64     int64
	Addresses netstat.Optional[[]netstat.Address]
}

type inner struct {
	A    netstat.Optional[uint64]
	B    *netstat.PortRange
	C    []netstat.Number
	Flag bool
}

// What a later version changes in a type must not make a file unreadable: fields
// that come, go, or become optional or plain.
func TestTypesChange(t *testing.T) {
	type before struct {
		Kept, Gone    uint32
		BecomesKnown  uint32
		BecomesPlain  netstat.Optional[uint32]
		Grows         uint8
		StructBecomes netstat.PortRange
		StructPlain   *netstat.PortRange
		Times         netstat.Optional[string]
	}
	type after struct {
		Kept          uint32
		New           netstat.Optional[string]
		NewPlain      []uint16
		BecomesKnown  netstat.Optional[uint32]
		BecomesPlain  uint32
		Grows         uint64
		StructBecomes *netstat.PortRange
		StructPlain   netstat.PortRange
		Times         string
	}
	range1, range2 := netstat.PortRange{First: 1, Last: 2}, netstat.PortRange{First: 3}
	rows := []before{
		{Kept: 1, Gone: 2, BecomesKnown: 3, BecomesPlain: netstat.Known[uint32](4), Grows: 255, StructBecomes: range1, StructPlain: &range2, Times: netstat.Known("x")},
		{},
	}
	want := []after{
		{Kept: 1, BecomesKnown: netstat.Known[uint32](3), BecomesPlain: 4, Grows: 255, StructBecomes: &range1, StructPlain: range2, Times: "x"},
		// What was zero was zero: a plain field cannot tell more.
		{BecomesKnown: netstat.Known[uint32](0), StructBecomes: new(netstat.PortRange)},
	}
	var w columnWriter
	payload, err := encodeRows(codecOf(reflect.TypeFor[before]()), "k", "", rows, &w)
	if err != nil {
		t.Fatal(err)
	}
	var head rowsHead
	if err := unmarshal(payload, &head); err != nil {
		t.Fatal(err)
	}
	got, err := decodeRows[after](codecOf(reflect.TypeFor[after]()), &head, false, new(scratch), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v\nnot\n%+v", got, want)
	}

	type narrow struct{ Kept uint8 }
	rows[0].Kept = 256
	if payload, err = encodeRows(codecOf(reflect.TypeFor[before]()), "k", "", rows, &w); err != nil {
		t.Fatal(err)
	}
	head = rowsHead{}
	if err := unmarshal(payload, &head); err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRows[narrow](codecOf(reflect.TypeFor[narrow]()), &head, false, new(scratch), nil); err == nil {
		t.Errorf("256 was read as %+v", got)
	}
}

// What lasts was in milliseconds in some columns of older rows.
func TestMillisecondsOfOlderRows(t *testing.T) {
	type ring struct{ RetireTimeout uint32 }
	type before struct {
		RTOMin netstat.Optional[int32]
		RTOMax netstat.Optional[int64]
		Ring   ring
		Other  int64
	}
	type newRing struct{ RetireTimeout time.Duration }
	type after struct {
		RTOMin, RTOMax netstat.Optional[time.Duration]
		Ring           newRing
		Other          time.Duration
	}
	read := func(version uint64, row before) ([]after, error) {
		var w columnWriter
		payload, err := encodeRows(codecOf(reflect.TypeFor[before]()), "k", "", []before{row}, &w)
		if err != nil {
			t.Fatal(err)
		}
		var head rowsHead
		if err := unmarshal(payload, &head); err != nil {
			t.Fatal(err)
		}
		head.Version = version
		return decodeRows[after](codecOf(reflect.TypeFor[after]()), &head, false, new(scratch), nil)
	}
	row := before{netstat.Known[int32](200), netstat.Known[int64](120_000), ring{77}, 5}
	for version, unit := range map[uint64]time.Duration{0: time.Millisecond, 1: time.Millisecond, 2: 1} {
		want := []after{{netstat.Known(200 * unit), netstat.Known(120_000 * unit), newRing{77 * unit}, 5}}
		if got, err := read(version, row); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("version %d: %+v, %v, want %+v", version, got, err, want)
		}
	}
	row.RTOMax.Set(math.MaxInt64 / 1000)
	if got, err := read(1, row); !errors.Is(err, ErrCorrupt) {
		t.Errorf("more milliseconds than there are: %+v, %v", got, err)
	}
}
