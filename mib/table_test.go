package mib

import (
	"context"
	"errors"
	"fmt"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// row has a part of every kind that an index or a column can show.
type row struct {
	Number  uint32
	Addr    netip.Addr
	Zone    uint32
	IPv4    netip.Addr
	Text    string
	Fixed   string
	Path    OID
	Count   uint64
	Signed  int32
	Flag    bool
	Maybe   maybe
	When    time.Time
	Elapsed time.Duration
}

// maybe is an optional value, as any package may bring its own.
type maybe struct {
	v     uint32
	known bool
}

func (m *maybe) Get() (uint32, bool) { return m.v, m.known }
func (m *maybe) Set(v uint32)        { m.v, m.known = v, true }

var zone = Through(
	func(r *row) (uint32, bool) { return r.Zone, r.Zone != 0 },
	func(r *row, z uint32) { r.Zone = z })

var rowTable = Table[row]{
	Name:  "rowTable",
	Entry: MustParseOID("1.3.6.1.4.1.99999.1.1"),
	Index: Index(
		IntegerIndex(At(func(r *row) *uint32 { return &r.Number })),
		InetAddressIndex(At(func(r *row) *netip.Addr { return &r.Addr }), &zone),
		IPAddressIndex(At(func(r *row) *netip.Addr { return &r.IPv4 })),
		StringIndex(At(func(r *row) *string { return &r.Text })),
		FixedStringIndex(3, At(func(r *row) *string { return &r.Fixed })),
		OIDIndex(At(func(r *row) *OID { return &r.Path })),
	),
	Columns: Columns(
		Column(7, "rowCount32", AsCounter32(Through(func(r *row) (uint64, bool) { return r.Count, true }, nil))),
		Column(8, "rowCount", AsCounter64(At(func(r *row) *uint64 { return &r.Count }))),
		Column(9, "rowSigned", AsInteger(At(func(r *row) *int32 { return &r.Signed }))),
		Column(10, "rowFlag", AsTruth(At(func(r *row) *bool { return &r.Flag }))),
		Column(11, "rowMaybe", AsGauge(Maybe(func(r *row) *maybe { return &r.Maybe }))),
		Column(12, "rowWhen", AsTimeStamp(At(func(r *row) *time.Time { return &r.When }))),
		Column(13, "rowElapsed", AsTicks(At(func(r *row) *time.Duration { return &r.Elapsed }))),
		Column(14, "rowNever", AsAbsent[row](Gauge32)),
	),
	form: Zoned,
}

func randomRow(r *rand.Rand, epoch time.Time) row {
	addr := netip.Addr{}
	var z uint32
	switch r.IntN(5) {
	case 1:
		addr = netip.AddrFrom4([4]byte{byte(r.Uint32()), 0, 250, byte(r.IntN(3))})
	case 2:
		addr = netip.AddrFrom4([4]byte{169, 254, 0, byte(r.IntN(3))})
		z = 1 + r.Uint32N(1<<31)
	case 3, 4:
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		addr = netip.AddrFrom16(b)
		if r.IntN(2) == 0 {
			z = 1 + r.Uint32N(300)
		}
	}
	text := make([]byte, r.IntN(5))
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	path := make([]uint32, r.IntN(4))
	for i := range path {
		path[i] = r.Uint32()
	}
	out := row{
		Number: r.Uint32N(4), Addr: addr, Zone: z,
		IPv4: netip.AddrFrom4([4]byte{10, byte(r.Uint32()), 128, 255}),
		Text: string(text), Fixed: "a\xffc", Path: MakeOID(path...),
		Count: r.Uint64(), Signed: int32(r.Uint32()), Flag: r.IntN(2) == 0,
		When:    epoch.Add(time.Duration(1+r.IntN(1e6)) * 10 * time.Millisecond),
		Elapsed: time.Duration(r.IntN(1e6)) * 10 * time.Millisecond,
	}
	if r.IntN(2) == 0 {
		out.Maybe.Set(r.Uint32())
	}
	return out
}

// What a table encodes it decodes to the same rows.
func TestTableRoundTrip(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		rows := make([]row, random.IntN(40))
		for i := range rows {
			rows[i] = randomRow(random, epoch)
		}
		view := rowTable.View(rows)
		resolved := func(yield func(Binding) bool) {
			for b := range view.All() {
				b.Value = b.Value.resolve(epoch)
				if !yield(b) {
					return
				}
			}
		}
		got, err := rowTable.Decode(epoch, resolved)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != view.Len() {
			t.Fatalf("%d rows came back of %d", len(got), view.Len())
		}
		for i := range got {
			want := *view.Row(i)
			if !got[i].When.Equal(want.When) {
				t.Fatalf("row %d: When %v, want %v", i, got[i].When, want.When)
			}
			got[i].When = want.When
			if got[i] != want {
				t.Fatalf("row %d:\n got %+v\nwant %+v", i, got[i], want)
			}
		}
	}
}

func TestViewIsInOrderWithoutDuplicates(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	table := rowTable
	table.Where = func(r *row) bool { return r.Signed >= 0 }
	for range 30 {
		rows := make([]row, 200)
		want := make(map[OID]bool)
		for i := range rows {
			rows[i] = randomRow(random, time.Unix(0, 0))
			if i%3 == 0 && i > 0 {
				rows[i] = rows[i-1]
			}
			if rows[i].Signed >= 0 {
				want[table.IndexOf(&rows[i])] = true
			}
		}
		v := table.View(rows)
		if v.Len() != len(want) {
			t.Fatalf("%d rows, want %d", v.Len(), len(want))
		}
		for i := range v.Len() {
			if !want[v.Index(i)] {
				t.Fatalf("row %d has an index that no row has: %v", i, v.Index(i))
			}
			if got := table.IndexOf(v.Row(i)); got != v.Index(i) {
				t.Fatalf("row %d has index %v, its row %v", i, v.Index(i), got)
			}
			if i > 0 && !v.Index(i-1).Less(v.Index(i)) {
				t.Fatalf("row %d is not after the one before it", i)
			}
			if at := v.Search(v.Index(i), true); at != i {
				t.Fatalf("Search(index of %d, true) = %d", i, at)
			}
			if at := v.Search(v.Index(i), false); at != i+1 {
				t.Fatalf("Search(index of %d, false) = %d", i, at)
			}
		}
	}
}

func TestPreferChoosesAmongEqualIndexes(t *testing.T) {
	table := rowTable
	rows := []row{{Number: 1, Signed: 5}, {Number: 1, Signed: 2}, {Number: 1, Signed: 9}, {Number: 0}}
	if got := table.View(rows).Row(1).Signed; got != 5 {
		t.Errorf("without Prefer the row is %d, want the first, 5", got)
	}
	table.Prefer = func(a, b *row) int { return int(a.Signed - b.Signed) }
	if got := table.View(rows).Row(1).Signed; got != 2 {
		t.Errorf("with Prefer the row is %d, want 2", got)
	}
}

// TestApart holds that rows which would have one index have the longer form of it,
// all of them, in whatever order they come, where that tells any of them apart.
func TestApart(t *testing.T) {
	table := rowTable
	table.form, table.Apart = 0, Zoned
	table.Prefer = func(a, b *row) int { return int(a.Signed - b.Signed) }
	local, other := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")
	rows := []row{
		{Number: 1, Addr: local, Zone: 7}, // alone
		{Number: 2, Addr: local, Zone: 7}, {Number: 2, Addr: local, Zone: 8}, {Number: 2, Addr: other, Zone: 7},
		{Number: 3, Addr: local, Zone: 7, Signed: 2}, {Number: 3, Addr: local, Zone: 7, Signed: 1}, // the same whatever is said
		{Number: 4, Addr: local, Zone: 7, Signed: 4}, {Number: 4, Addr: local, Zone: 7, Signed: 3}, {Number: 4, Addr: local, Zone: 8},
		{Number: 5, Addr: local, Zone: 7}, {Number: 5, Addr: local}, // one has no zone to be told apart by
	}
	want := []string{
		"1 fe80::1%0 of 7", "2 fe80::2%0 of 7", "2 fe80::1%7 of 7", "2 fe80::1%8 of 8", "3 fe80::1%0 of 7, 1",
		"4 fe80::1%7 of 7, 3", "4 fe80::1%8 of 8", "5 fe80::1%0 of 0", "5 fe80::1%7 of 7",
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		view := table.View(rows)
		var got []string
		for i := range view.Len() {
			var read row
			must(t, table.declaration().parseIndex(view.Index(i), &read, toTheLetter))
			s := fmt.Sprintf("%d %v%%%d of %d", read.Number, read.Addr, read.Zone, view.Row(i).Zone)
			if n := view.Row(i).Signed; n != 0 {
				s += fmt.Sprintf(", %d", n)
			}
			got = append(got, s)
			if i > 0 && !view.Index(i-1).Less(view.Index(i)) {
				t.Errorf("row %d is not after the one before it", i)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
		}
	}
	if table.WithZones().View(rows).Len() != len(want) {
		t.Errorf("with zones there are other rows")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestImpliedIndexes(t *testing.T) {
	for _, last := range []Part[row]{
		ImpliedStringIndex(At(func(r *row) *string { return &r.Text })),
		ImpliedOIDIndex(Through(func(r *row) (OID, bool) {
			o := OID{}
			for i := range len(r.Text) {
				o = o.Sub(uint32(r.Text[i]))
			}
			return o, true
		}, func(r *row, o OID) {
			for s := range o.All() {
				r.Text += string(rune(s))
			}
		})),
	} {
		table := Table[row]{
			Entry:   MakeOID(1),
			Index:   Index(IntegerIndex(At(func(r *row) *uint32 { return &r.Number })), last),
			Columns: Columns(Column(1, "x", AsConstant[row](Int(1)))),
		}
		view := table.View([]row{{Number: 7, Text: "abc"}})
		if got, want := view.Index(0), MakeOID(7, 'a', 'b', 'c'); got != want {
			t.Errorf("index %v, want %v", got, want)
		}
		rows, err := table.Decode(time.Time{}, view.All())
		if err != nil || len(rows) != 1 || rows[0] != (row{Number: 7, Text: "abc"}) {
			t.Errorf("came back as %+v, %v", rows, err)
		}
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	good := rowTable.IndexOf(&row{Number: 1, Fixed: "abc"})
	column := rowTable.Entry.Sub(9)
	for _, c := range []struct {
		binding Binding
		want    string
	}{
		{Binding{column, MakeOID(1), Int(1)}, "rowSigned.1: index object 2: index ends early"},
		{Binding{column, good.Sub(4), Int(1)}, "1 sub-identifiers too many"},
		{Binding{column, good, Octets("one")}, "OCTET STRING: \"one\" is no INTEGER"},
		{Binding{rowTable.Entry.Sub(10), good, Int(3)}, "not one of the enumeration"},
		{Binding{column, MakeOID(1, 1, 5, 1, 2, 3, 4, 5), Int(1)}, "InetAddressType 1 with 5 octets"},
		{Binding{column, MakeOID(1, 1, 4, 1, 2, 3, 256), Int(1)}, "sub-identifier 256 is not an octet"},
		{Binding{column, MakeOID(1, 0, 4294967295), Int(1)}, "length 4294967295"},
	} {
		_, err := rowTable.Decode(time.Time{}, slices.Values([]Binding{c.binding}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.binding, err, c.want)
		}
	}
	other := []Binding{{MakeOID(1, 2), good, Int(1)}, {rowTable.Entry.Sub(99), good, Int(1)}}
	if rows, err := rowTable.Decode(time.Time{}, slices.Values(other)); err != nil || len(rows) != 0 {
		t.Errorf("variables of others gave %v, %v", rows, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1}, uint8(9), uint8(Integer32), uint64(1))
	f.Fuzz(func(t *testing.T, index []byte, sub, typ uint8, num uint64) {
		var packed []byte
		for _, b := range index {
			packed = AppendSubidentifier(packed, uint32(b))
		}
		b := Binding{rowTable.Entry.Sub(uint32(sub)), OID{string(packed)}, Value{typ: Type(typ), num: num}}
		rows, err := rowTable.Decode(time.Unix(0, 0), slices.Values([]Binding{b}))
		if err != nil {
			return
		}
		for i := range rows {
			if got := rowTable.IndexOf(&rows[i]); got != b.Index {
				t.Fatalf("index %v came back as %v", b.Index, got)
			}
		}
	})
}

func TestFieldsStandAtTheirLimits(t *testing.T) {
	wide := AsInteger(At(func(n *uint64) *uint64 { return n }))
	gauge := AsGauge(At(func(n *uint64) *uint64 { return n }))
	count := AsCounter32(At(func(n *uint64) *uint64 { return n }))
	for _, c := range []struct {
		n    uint64
		f    Field[uint64]
		want Value
	}{
		{math.MaxUint64, wide, Int(math.MaxInt32)},
		{math.MaxInt32, wide, Int(math.MaxInt32)},
		{1 << 33, gauge, Gauge(math.MaxUint32)},
		{1<<32 + 5, count, Count32(5)},
	} {
		if got, _ := c.f.get(&c.n); got != c.want {
			t.Errorf("%d is %v, want %v", c.n, got, c.want)
		}
	}
	var small uint8
	if err := stored(AsGauge(At(func(n *uint8) *uint8 { return n })), &small, Gauge(256)); err == nil {
		t.Error("256 went into eight bits")
	}
}

// model is a tree with what a walk of it must give, made by a plain sort.
func model(t *testing.T, log *slog.Logger) (*Tree, []Binding) {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	rows := make([]row, 60)
	for i := range rows {
		rows[i] = randomRow(random, time.Unix(0, 0))
	}
	group := Group[row]{Name: "rows", OID: MustParseOID("1.3.6.1.4.1.99999"), Objects: Columns(
		Column(2, "rowsNumber", AsGauge(At(func(r *row) *uint32 { return &r.Number }))),
		Column(3, "rowsMaybe", AsGauge(Maybe(func(r *row) *maybe { return &r.Maybe }))),
		Column(4, "rowsCount", AsCounter64(At(func(r *row) *uint64 { return &r.Count }))),
	)}
	table := rowTable
	second := rowTable
	second.Name, second.Entry = "secondTable", MustParseOID("1.3.6.1.4.1.99999.5.1")
	second.Where = func(*row) bool { return false }
	third := rowTable
	third.Name, third.Entry = "thirdTable", MustParseOID("1.3.6.1.4.1.99999.6.1")
	source := fresh.New(func(context.Context) ([]row, error) { return rows, nil })
	node := table.Bind(source)
	tree, err := NewTree(TreeOptions{Epoch: func() time.Time { return time.Unix(0, 0) }, Log: log}, Module{Name: "ROW-MIB", Nodes: []Node{
		node, second.Bind(source), third.Bind(source),
		group.BindNow(func() row { return row{Number: 3, Count: 4} }),
		BindCount("rowsCounted", MustParseOID("1.3.6.1.4.1.99999.9"), node),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want []Binding
	for b := range table.View(rows).All() {
		want = append(want, b)
	}
	for b := range third.View(rows).All() {
		want = append(want, b)
	}
	want = slices.AppendSeq(want, group.Values(row{Number: 3, Count: 4}))
	want = append(want, Binding{MustParseOID("1.3.6.1.4.1.99999.9"), MakeOID(0), Gauge(uint64(table.View(rows).Len()))})
	for i := range want {
		want[i].Value = want[i].Value.resolve(time.Unix(0, 0))
	}
	slices.SortFunc(want, func(a, b Binding) int { return a.Name().Compare(b.Name()) })
	return tree, want
}

func TestTreeAgreesWithTheModel(t *testing.T) {
	tree, want := model(t, nil)
	r := tree.NewRequest()
	r.Reset(t.Context())

	c := r.Seek(OID{}, true)
	for i := 0; ; i++ {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if i == len(want) {
			if b.Value != Exception(EndOfMibView) {
				t.Fatalf("after the last variable: %v", b)
			}
			break
		}
		if b.Name() != want[i].Name() || b.Value != want[i].Value {
			t.Fatalf("variable %d is %v = %v, want %v = %v", i, b.Name(), b.Value, want[i].Name(), want[i].Value)
		}
	}

	next := func(name OID, include bool) Binding {
		t.Helper()
		c := r.Seek(name, include)
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// after is the model's answer: the first variable past name.
	after := func(name OID, include bool) OID {
		i, found := slices.BinarySearchFunc(want, name, func(b Binding, o OID) int { return b.Name().Compare(o) })
		if found && !include {
			i++
		}
		if i == len(want) {
			return OID{}
		}
		return want[i].Name()
	}
	for _, b := range want {
		name := b.Name()
		if got, err := r.Get(name); err != nil || got != b.Value {
			t.Fatalf("Get(%v) = %v, %v, want %v", name, got, err, b.Value)
		}
		if got, _ := r.Get(name.Sub(0)); got != Exception(NoSuchInstance) {
			t.Fatalf("Get(%v.0) = %v", name, got)
		}
		parent, last := name.Parent()
		probes := []OID{name, name.Sub(0), name.Sub(math.MaxUint32)}
		if last > 0 {
			probes = append(probes, parent.Sub(last-1), parent.Sub(last-1, math.MaxUint32))
		}
		if last < math.MaxUint32 {
			probes = append(probes, parent.Sub(last+1))
		}
		for p := name; !p.IsEmpty(); p, _ = p.Parent() {
			probes = append(probes, p)
		}
		for _, p := range probes {
			for _, include := range []bool{false, true} {
				if got := next(p, include).Name(); got != after(p, include) {
					t.Fatalf("next of %v (include %v) is %v, want %v", p, include, got, after(p, include))
				}
			}
		}
	}
	for name, want := range map[string]Type{
		"1.3.6.1.4.1.99999": NoSuchObject, "1.3": NoSuchObject, "1.3.6.1.4.1.99999.2": NoSuchInstance,
		"1.3.6.1.4.1.99999.2.1": NoSuchInstance, "1.3.6.1.4.1.99999.3.0": NoSuchInstance,
		"1.3.6.1.4.1.99999.1.1.14.1": NoSuchInstance, "1.3.6.1.4.1.99999.8.0": NoSuchObject,
	} {
		if got, err := r.Get(MustParseOID(name)); err != nil || got != Exception(want) {
			t.Errorf("Get(%s) = %v, %v, want %v", name, got, err, want)
		}
	}
	r.SkipCounter64 = true
	for c := r.Seek(OID{}, true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.Type() == EndOfMibView {
			break
		}
		if b.Value.Type() == Counter64 {
			t.Fatalf("%v is a Counter64", b.Name())
		}
	}
}

func TestWalkAllocatesNothing(t *testing.T) {
	tree, want := model(t, nil)
	r := tree.NewRequest()
	r.Reset(t.Context())
	c := r.Seek(OID{}, true)
	if _, err := r.Next(&c); err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(10, func() {
		c := r.Seek(OID{}, true)
		for range want {
			if _, err := r.Next(&c); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 0 {
		t.Errorf("a walk of %d variables makes %v allocations", len(want), allocs)
	}
}

// A Request that is used again and again allocates nothing for scalars either.
func TestGetAllocatesNothing(t *testing.T) {
	tree, want := model(t, nil)
	r := tree.NewRequest()
	r.Reset(t.Context())
	var names OIDList
	var borrowed []OID
	get := func() {
		names.Reset()
		for _, b := range want {
			for s := range b.Object.All() {
				names.Append(s)
			}
			for s := range b.Index.All() {
				names.Append(s)
			}
			names.End()
		}
		borrowed = names.AppendBorrowed(borrowed[:0])
		r.Reset(t.Context())
		for i, name := range borrowed {
			if v, err := r.Get(name); err != nil || v != want[i].Value {
				t.Fatalf("%v is %v, %v, want %v", name, v, err, want[i].Value)
			}
		}
	}
	get()
	if allocs := testing.AllocsPerRun(10, get); allocs > 0 {
		t.Errorf("%d variables make %v allocations", len(want), allocs)
	}
}

func TestNewTreeRefusesOverlap(t *testing.T) {
	s := fresh.New(func(context.Context) ([]row, error) { return nil, nil })
	below := Group[row]{Name: "below", OID: rowTable.Entry.Sub(9), Objects: Columns(Column(1, "inner", AsConstant[row](Int(1))))}
	for _, nodes := range [][]Node{
		{rowTable.Bind(s), rowTable.Bind(s)},
		{rowTable.Bind(s), below.BindNow(func() row { return row{} })},
	} {
		if _, err := NewTree(TreeOptions{}, Module{Nodes: nodes}); err == nil || !strings.Contains(err.Error(), "overlap") {
			t.Errorf("error %v", err)
		}
	}
}

func TestNewTreeRefusesWhatIsNotWhole(t *testing.T) {
	good := Column(1, "one", AsConstant[row](Int(1)))
	index := Index(IntegerIndex(At(func(r *row) *uint32 { return &r.Number })))
	entry := MakeOID(1, 3, 1)
	now := func() row { return row{} }
	source := func() *fresh.Source[[]row] {
		return fresh.New(func(context.Context) ([]row, error) { return nil, nil })
	}
	for want, node := range map[string]Node{
		"the OID of the conceptual row is":    (&Table[row]{Name: "t", Index: index, Columns: Columns(good)}).Bind(source()),
		"no INDEX":                            (&Table[row]{Name: "t", Entry: entry, Columns: Columns(good)}).Bind(source()),
		"no objects":                          (&Table[row]{Name: "t", Entry: entry, Index: index}).Bind(source()),
		"two has no field":                    (&Table[row]{Name: "t", Entry: entry, Index: index, Columns: Columns(good, Column(2, "two", Field[row]{}))}).Bind(source()),
		"one (1) does not come after two (2)": (&Group[row]{Name: "t", OID: entry, Objects: Columns(Column(2, "two", AsConstant[row](Int(1))), good)}).BindNow(now),
		"the OID of the node above":           (&Group[row]{Name: "t", Objects: Columns(good)}).BindNow(now),
	} {
		_, err := NewTree(TreeOptions{}, Module{Name: "T-MIB", Nodes: []Node{node}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "T-MIB: t: ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestBindingToASourceInUsePanics(t *testing.T) {
	s := fresh.New(func(context.Context) ([]row, error) { return nil, nil })
	if _, err := s.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	rowTable.Bind(s)
}

// A name has at most 128 sub-identifiers: rows that would need more are left
// out.
func TestViewLeavesOutWhatHasNoName(t *testing.T) {
	table := Table[row]{
		Entry:   MakeOID(1, 3, 1),
		Index:   Index(StringIndex(At(func(r *row) *string { return &r.Text }))),
		Columns: Columns(Column(1, "x", AsConstant[row](Int(1)))),
	}
	fits := strings.Repeat("\xff", 128-3-1-1)
	v := table.View([]row{{Text: "b"}, {Text: fits + "x"}, {Text: fits}})
	if v.Len() != 2 || v.Row(0).Text != "b" || v.Row(1).Text != fits {
		t.Errorf("%d rows", v.Len())
	}
	if n := table.Entry.Sub(1).Append(v.Index(1)).Len(); n != MaxOIDLength {
		t.Errorf("the longest name has %d sub-identifiers", n)
	}
}

// handler keeps what was logged.
type handler struct {
	slog.Handler
	lines *[]string
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }
func (h handler) Handle(_ context.Context, r slog.Record) error {
	*h.lines = append(*h.lines, r.Level.String()+" "+r.Message)
	return nil
}

func TestSourcesThatFail(t *testing.T) {
	for _, c := range []struct {
		err    error
		absent bool
	}{
		{fs.ErrPermission, true},
		{fmt.Errorf("no such table: %w", errors.ErrUnsupported), true},
		{errors.New("broken"), false},
	} {
		var lines []string
		s := fresh.New(func(context.Context) ([]row, error) { return nil, c.err })
		group := Group[row]{Name: "g", OID: MakeOID(1, 3, 6, 1, 4, 1, 99999, 3), Objects: Columns(Column(1, "one", AsConstant[row](Int(1))))}
		tree, err := NewTree(TreeOptions{Log: slog.New(handler{slog.DiscardHandler, &lines})},
			Module{Nodes: []Node{rowTable.Bind(s), group.BindNow(func() row { return row{} })}})
		if err != nil {
			t.Fatal(err)
		}
		r := tree.NewRequest()
		for range 3 {
			r.Reset(t.Context())
			cursor := r.Seek(rowTable.Entry, false)
			b, err := r.Next(&cursor)
			v, getErr := r.Get(rowTable.Entry.Sub(9, 1))
			if c.absent && (err != nil || b.Name() != group.OID.Sub(1, 0) || getErr != nil || v.Type() != NoSuchInstance) {
				t.Errorf("%v: next is %v, %v; get %v, %v", c.err, b, err, v, getErr)
			}
			if !c.absent && (!errors.Is(err, c.err) || !errors.Is(getErr, c.err)) {
				t.Errorf("%v: errors %v and %v", c.err, err, getErr)
			}
		}
		if len(lines) != 1 {
			t.Errorf("%v: logged %q, want one line", c.err, lines)
		}
	}
}

// A fault that ended and came back is said again, but not more often than once a
// minute, and so is another.
func TestSourceThatFailsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		var fault error
		s := fresh.New(func(context.Context) ([]row, error) { return nil, fault })
		tree, err := NewTree(TreeOptions{Log: slog.New(handler{slog.DiscardHandler, &lines})}, Module{Nodes: []Node{rowTable.Bind(s)}})
		if err != nil {
			t.Fatal(err)
		}
		r := tree.NewRequest()
		said := 0
		for i, c := range []struct {
			fault string
			said  int
			wait  time.Duration
		}{
			{"broken", 1, 0}, {"broken", 0, time.Hour}, {"", 0, 0}, {"broken", 1, 0}, {"", 0, 0}, {"broken", 0, time.Second},
			{"", 0, 0}, {"broken", 0, time.Minute}, {"broken", 1, 0}, {"other", 1, 0}, {"broken", 1, 0},
		} {
			if fault = nil; c.fault != "" {
				fault = errors.New(c.fault)
			}
			s.Invalidate()
			r.Reset(t.Context())
			_, _ = r.Get(rowTable.Entry.Sub(9, 1))
			if said += c.said; len(lines) != said {
				t.Errorf("%d, %q: %d lines, want %d", i, c.fault, len(lines), said)
			}
			time.Sleep(c.wait)
		}
	})
}

// One request sees one snapshot, whatever its source does meanwhile.
func TestRequestSeesOneSnapshot(t *testing.T) {
	var n uint32
	s := fresh.New(func(context.Context) ([]row, error) {
		n++
		return []row{{Number: n, Fixed: "abc"}}, nil
	})
	first, second := rowTable, rowTable
	second.Entry = MustParseOID("1.3.6.1.4.1.99999.2.1")
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{first.Bind(s), second.Bind(s)}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	number := func(entry OID) uint32 {
		c := r.Seek(entry, false)
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		sub, _, _ := b.Index.CutSubidentifier()
		return sub
	}
	r.Reset(t.Context())
	before := number(first.Entry)
	s.Invalidate()
	if got := number(second.Entry); got != before {
		t.Errorf("the second table is of reading %d, the first of %d", got, before)
	}
	r.Reset(t.Context())
	if got := number(second.Entry); got != before+1 {
		t.Errorf("the next request sees reading %d, want %d", got, before+1)
	}
}
