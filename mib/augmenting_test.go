package mib

import (
	"slices"
	"testing"
	"time"
)

// TestAugmenting holds that columns of a table that augments another are answered, decoded and written with the rows of that
// table, under names of their own (RFC 2578, section 7.8).
func TestAugmenting(t *testing.T) {
	type row struct{ key, size, mask int32 }
	base, more := MustParseOID("1.3.6.1.4.1.99.1.1"), MustParseOID("1.3.6.1.4.1.99.2.1")
	table := &Table[row]{
		Name: "aTable", Entry: base, Index: Index(IntegerIndex(At(func(r *row) *int32 { return &r.key }))),
		Columns: Columns(
			Column(2, "aSize", AsInteger(At(func(r *row) *int32 { return &r.size }))).Creatable(),
			Column(3, "aStatus", AsRowStatus[row]()).Creatable(),
			Column(1, "aMask", AsInteger(At(func(r *row) *int32 { return &r.mask }))).Creatable().NotWhileActive().Default(Int(9)).Augmenting(more),
		),
	}
	var saved []SavedRow
	kept := KeepRows(table, Keeping{Save: func(rows []SavedRow) error { saved = rows; return nil }})
	node := kept.Bind()
	if want := []OID{MustParseOID("1.3.6.1.4.1.99.1"), MustParseOID("1.3.6.1.4.1.99.2")}; !slices.Equal(node.Regions(), want) {
		t.Errorf("regions %v", node.Regions())
	}
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{node}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	set := func(bindings ...Binding) error {
		r.Reset(t.Context())
		return r.Set(bindings)
	}
	status, size, mask := base.Sub(3), base.Sub(2), more.Sub(1)
	one, two := MakeOID(1), MakeOID(2)
	// All columns of a row are one change, whatever their tables.
	if err := set(Binding{mask, one, Int(5)}, Binding{status, one, Int(RowCreateAndGo)}, Binding{size, one, Int(7)}); err != nil {
		t.Fatal(err)
	}
	if err := set(Binding{status, two, Int(RowCreateAndGo)}, Binding{size, two, Int(8)}); err != nil {
		t.Fatal(err)
	}
	if err := set(Binding{mask, one, Int(6)}); err == nil {
		t.Error("it is changed while the row is active")
	}
	r.Reset(t.Context())
	var walked []Binding
	for c := r.Seek(OID{}, true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.Type() == EndOfMibView {
			break
		}
		walked = append(walked, b)
	}
	want := []Binding{
		{size, one, Int(7)}, {size, two, Int(8)}, {status, one, Int(1)}, {status, two, Int(1)}, {mask, one, Int(5)}, {mask, two, Int(9)},
	}
	if !slices.Equal(walked, want) {
		t.Errorf("walk\n%v\nwant\n%v", walked, want)
	}
	rows, err := table.Decode(time.Time{}, slices.Values(walked))
	if wanted := []row{{1, 7, 5}, {2, 8, 9}}; err != nil || !slices.Equal(rows, wanted) {
		t.Errorf("decoded %v, %v", rows, err)
	}
	again := KeepRows(table, Keeping{})
	if err := again.Restore(saved); err != nil || !slices.Equal(again.Active(), rows) {
		t.Errorf("restored %v, %v", again.Active(), err)
	}
	table.Columns = Columns(table.Columns[2], table.Columns[0])
	if _, err := NewTree(TreeOptions{}, Module{Nodes: []Node{KeepRows(table, Keeping{}).Bind()}}); err == nil {
		t.Error("columns are taken in another order")
	}
}
