package mib

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// lease is a row that can be made.
type lease struct {
	Name    string
	Holder  string
	Seconds int32
	Storage StorageType
}

// leases needs a holder, who cannot be changed while the row is active, and is not ready for a
// lease of no time.
func leases() *Table[lease] {
	return &Table[lease]{
		Name:  "leaseTable",
		Entry: MustParseOID("1.3.6.1.4.1.99999.4.1"),
		Index: Index(ImpliedStringIndex(Sized(At(func(l *lease) *string { return &l.Name }), 1, 4))),
		Columns: Columns(
			Column(1, "leaseName", AsOctets(At(func(l *lease) *string { return &l.Name }))),
			Column(2, "leaseHolder", AsOctets(At(func(l *lease) *string { return &l.Holder })).OfLength(0, 8)).Creatable().NotWhileActive(),
			Column(3, "leaseSeconds", AsInteger(At(func(l *lease) *int32 { return &l.Seconds })).Within(-1, 1000)).Creatable().Default(Int(60)),
			Column(4, "leaseKind", AsConstant[lease](Int(7))).Creatable().Default(Int(7)),
			Column(5, "leaseStorage", AsStorageType(At(func(l *lease) *StorageType { return &l.Storage }))).Creatable().Default(Int(StorageNonVolatile)),
			Column(6, "leaseStatus", AsRowStatus[lease]()).Creatable(),
		),
		Ready: func(l *lease) bool { return l.Seconds != 0 },
		Check: func(c *Change[lease]) error {
			switch {
			case c.Row.Holder == "nobody":
				return c.Refuse(InconsistentValue, "leaseHolder", nil)
			case c.Row.Name == "no":
				return c.Refuse(InconsistentName, "", nil)
			case c.Row.Seconds < 0:
				c.Destroy()
			}
			return nil
		},
	}
}

// leaseCell is a variable of the row "a".
func leaseCell(column uint32, v Value) Binding { return leaseCellOf("a", column, v) }

func leaseCellOf(name string, column uint32, v Value) Binding {
	b := Binding{Object: leases().Entry.Sub(column), Value: v}
	for _, o := range []byte(name) {
		b.Index = b.Index.Sub(uint32(o))
	}
	return b
}

func leaseStatus(s RowStatus) Binding { return leaseCell(6, Int(s)) }

// leasing is a tree of leases of either kind: those that the agent keeps, and those
// that are active in a kernel.
type leasing struct {
	tree   *Tree
	kernel map[string]lease // nil where there is none
	asked  []string         // what the kernel's writer was asked for
	fails  error            // of its commits
	kept   *KeptRows[lease]
	saved  []SavedRow
	saves  int
	broken error // of saving
	told   int   // of changes
}

func newLeasing(t *testing.T, kernel bool) *leasing {
	t.Helper()
	l := &leasing{}
	var node Node
	if kernel {
		l.kernel = map[string]lease{}
		source := fresh.New(func(context.Context) ([]lease, error) { return slices.Collect(maps.Values(l.kernel)), nil })
		node = leases().WrittenBy(l.write).Bind(source)
	} else {
		l.kept = KeepRows(leases(), Keeping{
			Save: func(rows []SavedRow) error {
				l.saves++
				if l.broken == nil {
					l.saved = rows
				}
				return l.broken
			},
			Changed: func() { l.told++ },
		})
		node = l.kept.Bind()
	}
	var err error
	if l.tree, err = NewTree(TreeOptions{Log: slog.New(slog.DiscardHandler)}, Module{Name: "TEST-MIB", Nodes: []Node{node}}); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *leasing) write(_ context.Context, c *Change[lease]) (Assignment, error) {
	row, removes, name := c.Row, c.Removes(), c.Row.Name
	was, there := l.kernel[name]
	if there != (c.Was != nil) {
		return Assignment{}, fmt.Errorf("was is %v", c.Was)
	}
	switch {
	case removes:
		l.asked = append(l.asked, "remove "+name)
	case there:
		l.asked = append(l.asked, fmt.Sprintf("change %s to %s", name, row.Holder))
	default:
		l.asked = append(l.asked, fmt.Sprintf("make %s of %s", name, row.Holder))
	}
	return Assignment{
		Commit: func(context.Context) error {
			if l.fails != nil {
				return l.fails
			}
			if delete(l.kernel, name); !removes {
				l.kernel[name] = row
			}
			return nil
		},
		Undo: func(context.Context) error {
			if delete(l.kernel, name); there {
				l.kernel[name] = was
			}
			return nil
		},
	}, nil
}

func (l *leasing) set(t *testing.T, bindings ...Binding) error {
	t.Helper()
	r := l.tree.NewRequest()
	r.Reset(t.Context())
	return r.Set(bindings)
}

// must sets what has to be taken.
func (l *leasing) must(t *testing.T, bindings ...Binding) {
	t.Helper()
	if err := l.set(t, bindings...); err != nil {
		t.Fatal(err)
	}
}

// walk returns the names and values of all variables, in order, which it checks.
func (l *leasing) walk(t *testing.T) (all []string) {
	t.Helper()
	r := l.tree.NewRequest()
	r.Reset(t.Context())
	last := OID{}
	for c := r.Seek(OID{}, true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.Type() == EndOfMibView {
			return all
		}
		if !last.Less(b.Name()) {
			t.Fatalf("%s follows %s", b.Name(), last)
		}
		last = b.Name()
		if v, err := r.Get(last); err != nil || v != b.Value {
			t.Fatalf("%s is %v, and %v to Get (%v)", last, b.Value, v, err)
		}
		other := r.Seek(last, true)
		if o, err := r.Next(&other); err != nil || o.Name() != last || o.Value != b.Value {
			t.Fatalf("%s is not found: %v (%v)", last, o, err)
		}
		name, _ := last.CutPrefix(leases().Entry)
		all = append(all, fmt.Sprintf("%s = %v", name, b.Value))
	}
}

// statuses returns the status of each row, by name.
func (l *leasing) statuses(t *testing.T) map[string]RowStatus {
	t.Helper()
	r := l.tree.NewRequest()
	r.Reset(t.Context())
	all := map[string]RowStatus{}
	for c := r.Seek(leases().Entry.Sub(6), true); ; {
		b, err := r.Next(&c)
		if err != nil {
			t.Fatal(err)
		}
		if b.Value.Type() == EndOfMibView {
			return all
		}
		var name strings.Builder
		for sub := range b.Index.All() {
			name.WriteByte(byte(sub))
		}
		all[name.String()] = b.Value.Int()
	}
}

func bothKinds(t *testing.T, test func(t *testing.T, kernel bool)) {
	t.Run("kept", func(t *testing.T) { test(t, false) })
	t.Run("kernel", func(t *testing.T) { test(t, true) })
}

// TestRowStatus is the table of states of RFC 2579, RowStatus: each action in each state, alone and with what the
// row needs. A row has the state that is wanted afterwards, and where the action is refused the state that it had.
func TestRowStatus(t *testing.T) {
	const none = RowStatus(0)
	holder, empty := leaseCell(2, Octets("me")), leaseCell(2, Octets(""))
	states := map[RowStatus][][]Binding{ // how a row comes there
		none:            nil,
		RowNotReady:     {{leaseStatus(RowCreateAndWait)}},
		RowNotInService: {{leaseStatus(RowCreateAndWait), holder}},
		RowActive:       {{leaseStatus(RowCreateAndGo), holder}},
	}
	bothKinds(t, func(t *testing.T, kernel bool) {
		for _, c := range []struct {
			what    string
			request []Binding
			from    RowStatus
			status  Status
			to      RowStatus
		}{
			{"createAndGo", []Binding{leaseStatus(RowCreateAndGo), holder}, none, NoError, RowActive},
			{"createAndGo, the other way round", []Binding{holder, leaseStatus(RowCreateAndGo)}, none, NoError, RowActive},
			{"createAndGo without what it needs", []Binding{leaseStatus(RowCreateAndGo)}, none, InconsistentValue, none},
			{"createAndGo of what is not ready", []Binding{leaseStatus(RowCreateAndGo), holder, leaseCell(3, Int(0))}, none, InconsistentValue, none},
			{"createAndGo", []Binding{leaseStatus(RowCreateAndGo), holder}, RowNotReady, InconsistentValue, RowNotReady},
			{"createAndGo", []Binding{leaseStatus(RowCreateAndGo), holder}, RowNotInService, InconsistentValue, RowNotInService},
			{"createAndGo", []Binding{leaseStatus(RowCreateAndGo), holder}, RowActive, InconsistentValue, RowActive},

			{"createAndWait", []Binding{leaseStatus(RowCreateAndWait)}, none, NoError, RowNotReady},
			{"createAndWait with all (1)", []Binding{leaseStatus(RowCreateAndWait), empty}, none, NoError, RowNotInService},
			{"createAndWait", []Binding{leaseStatus(RowCreateAndWait)}, RowNotReady, InconsistentValue, RowNotReady},
			{"createAndWait", []Binding{leaseStatus(RowCreateAndWait)}, RowNotInService, InconsistentValue, RowNotInService},
			{"createAndWait", []Binding{leaseStatus(RowCreateAndWait)}, RowActive, InconsistentValue, RowActive},

			{"active", []Binding{leaseStatus(RowActive), holder}, none, InconsistentValue, none},
			{"active", []Binding{leaseStatus(RowActive)}, RowNotReady, InconsistentValue, RowNotReady},
			{"active with what lacked (2)", []Binding{leaseStatus(RowActive), empty}, RowNotReady, NoError, RowActive},
			{"active", []Binding{leaseStatus(RowActive)}, RowNotInService, NoError, RowActive},
			{"active of what does not go together (8)", []Binding{leaseStatus(RowActive), leaseCell(2, Octets("nobody"))}, RowNotInService, InconsistentValue, RowNotInService},
			{"active", []Binding{leaseStatus(RowActive)}, RowActive, NoError, RowActive},

			{"notInService", []Binding{leaseStatus(RowNotInService), holder}, none, InconsistentValue, none},
			{"notInService", []Binding{leaseStatus(RowNotInService)}, RowNotReady, InconsistentValue, RowNotReady},
			{"notInService with what lacked (3)", []Binding{leaseStatus(RowNotInService), empty}, RowNotReady, NoError, RowNotInService},
			{"notInService", []Binding{leaseStatus(RowNotInService)}, RowNotInService, NoError, RowNotInService},
			{"notInService", []Binding{leaseStatus(RowNotInService)}, RowActive, NoError, RowNotInService},

			{"destroy", []Binding{leaseStatus(RowDestroy)}, none, NoError, none},
			{"destroy", []Binding{leaseStatus(RowDestroy)}, RowNotReady, NoError, none},
			{"destroy", []Binding{leaseStatus(RowDestroy)}, RowNotInService, NoError, none},
			{"destroy", []Binding{leaseStatus(RowDestroy)}, RowActive, NoError, none},
			{"destroy by another value", []Binding{leaseCell(3, Int(-1))}, RowActive, NoError, none},
			{"destroy by another value", []Binding{leaseCell(3, Int(-1))}, RowNotInService, NoError, none},

			{"another column (4)", []Binding{holder}, none, InconsistentName, none},
			{"another column that is enough (1)", []Binding{holder}, RowNotReady, NoError, RowNotInService},
			{"another column that is not (1)", []Binding{leaseCell(3, Int(5))}, RowNotReady, NoError, RowNotReady},
			{"another column", []Binding{leaseCell(3, Int(5))}, RowNotInService, NoError, RowNotInService},
			{"one without which it is not ready", []Binding{leaseCell(3, Int(0))}, RowNotInService, NoError, RowNotReady},
			{"another column (5)", []Binding{leaseCell(3, Int(5))}, RowActive, NoError, RowActive},
			{"one without which it is not ready", []Binding{leaseCell(3, Int(0))}, RowActive, InconsistentValue, RowActive},
			{"one that must not be changed (5)", []Binding{holder}, RowActive, InconsistentValue, RowActive},
			{"and stays active", []Binding{holder, leaseStatus(RowActive)}, RowActive, InconsistentValue, RowActive},
			{"and does not", []Binding{holder, leaseStatus(RowNotInService)}, RowActive, NoError, RowNotInService},
			{"or becomes active", []Binding{leaseCell(2, Octets("you")), leaseStatus(RowActive)}, RowNotInService, NoError, RowActive},

			{"notReady", []Binding{leaseStatus(RowNotReady)}, RowActive, WrongValue, RowActive},
			{"no status", []Binding{leaseStatus(7)}, none, WrongValue, none},
			{"no status", []Binding{leaseCell(6, Octets("1"))}, none, WrongType, none},
			{"what is the same in each row", []Binding{leaseCell(4, Int(7))}, RowActive, NoError, RowActive},
			{"another constant", []Binding{leaseCell(4, Int(8))}, RowActive, WrongValue, RowActive},
			{"volatile", []Binding{leaseCell(5, Int(StorageVolatile))}, RowActive, NoError, RowActive},
			{"permanent", []Binding{leaseCell(5, Int(StoragePermanent))}, RowActive, WrongValue, RowActive},
			{"readOnly", []Binding{leaseCell(5, Int(StorageReadOnly))}, RowActive, WrongValue, RowActive},
			{"what cannot be written", []Binding{leaseCell(1, Octets("b")), leaseStatus(RowCreateAndGo)}, none, NotWritable, none},
		} {
			t.Run(fmt.Sprintf("%s from %d", c.what, c.from), func(t *testing.T) {
				l := newLeasing(t, kernel)
				for _, request := range states[c.from] {
					l.must(t, request...)
				}
				before := l.walk(t)
				if got := l.statuses(t)["a"]; got != c.from {
					t.Fatalf("it begins as %d", got)
				}
				if got := refusedAs(t, l.set(t, c.request...)); got != c.status {
					t.Errorf("%v, want %v", got, c.status)
				}
				if got := l.statuses(t)["a"]; got != c.to {
					t.Errorf("it is %d, want %d", got, c.to)
				}
				if after := l.walk(t); c.status != NoError && !slices.Equal(before, after) {
					t.Errorf("it was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
				}
				if _, there := l.kernel["a"]; kernel && there != (c.to == RowActive) {
					t.Errorf("the kernel has %v", l.kernel)
				}
			})
		}
	})
}

// TestRowIndexes holds that no row is made under a name that is none.
func TestRowIndexes(t *testing.T) {
	bothKinds(t, func(t *testing.T, kernel bool) {
		l := newLeasing(t, kernel)
		for name, want := range map[string]Status{"": NoCreation, "abcde": NoCreation, "no": InconsistentName, "\x00": NoError, "abcd": NoError} {
			if got := refusedAs(t, l.set(t, leaseCellOf(name, 6, Int(RowCreateAndWait)))); got != want {
				t.Errorf("%q: %v, want %v", name, got, want)
			}
		}
		beyond := leaseCellOf("", 6, Int(RowCreateAndWait))
		beyond.Index = MakeOID(256)
		if got := refusedAs(t, l.set(t, beyond)); got != NoCreation {
			t.Errorf("256: %v", got)
		}
		if got := refusedAs(t, l.set(t, leaseCellOf("abcde", 2, Octets("me")))); got != NoCreation {
			t.Errorf("a column of no row: %v", got)
		}
	})
}

// TestRowsBeside holds that rows that wait are among the others, in order, and stand for one with the same
// index. The kernel is asked for nothing but rows that are in use.
func TestRowsBeside(t *testing.T) {
	l := newLeasing(t, true)
	for _, name := range []string{"b", "d", "f"} {
		l.kernel[name] = lease{Name: name, Holder: "kernel", Seconds: 1, Storage: StorageVolatile}
	}
	want := map[string]RowStatus{"b": RowActive, "d": RowActive, "f": RowActive}
	for _, name := range []string{"a", "c", "d", "g"} {
		if got := refusedAs(t, l.set(t, leaseCellOf(name, 6, Int(RowCreateAndWait)))); (got == NoError) != (want[name] == 0) {
			t.Fatalf("%s: %v", name, got)
		}
		if want[name] == 0 {
			want[name] = RowNotReady
		}
	}
	// Somebody else makes one with the same index meanwhile.
	l.kernel["c"] = lease{Name: "c", Holder: "kernel", Seconds: 1, Storage: StorageVolatile}
	l.tree.nodes[0].settle() // it is read anew
	if got := l.statuses(t); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if all := strings.Join(l.walk(t), "\n"); strings.Contains(all, "2.97 =") || strings.Contains(all, "2.99 =") || !strings.Contains(all, "3.99 = INTEGER: 60") {
		t.Errorf("a row that waits has no value that nobody gave it, and stands for that of the kernel:\n%s", all)
	}
	if l.asked != nil {
		t.Errorf("the kernel was asked to %v", l.asked)
	}
	l.must(t, leaseCellOf("c", 2, Octets("me")), leaseCellOf("c", 6, Int(RowActive)))
	l.must(t, leaseCellOf("a", 6, Int(RowDestroy)), leaseCellOf("f", 6, Int(RowNotInService)))
	l.must(t, leaseCellOf("f", 6, Int(RowActive)))
	l.must(t, leaseCellOf("d", 6, Int(RowDestroy)), leaseCellOf("b", 3, Int(9)))
	if want := []string{"change c to me", "remove f", "make f of kernel", "remove d", "change b to kernel"}; !slices.Equal(l.asked, want) {
		t.Errorf("the kernel was asked to %v", l.asked)
	}
	if got, want := l.statuses(t), map[string]RowStatus{"b": 1, "c": 1, "f": 1, "g": 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := l.kernel["f"]; got != (lease{"f", "kernel", 1, StorageVolatile}) {
		t.Errorf("f came back as %v", got)
	}
}

// TestRowUndo holds that a SET that fails leaves all rows as they were, in the kernel and beside it, and in what is
// saved.
func TestRowUndo(t *testing.T) {
	for _, kernel := range []bool{false, true} {
		l := newLeasing(t, kernel)
		l.must(t, leaseCellOf("a", 6, Int(RowCreateAndGo)), leaseCellOf("a", 2, Octets("me")))
		l.must(t, leaseCellOf("b", 6, Int(RowCreateAndWait)), leaseCellOf("b", 2, Octets("me")))
		before, saved := l.walk(t), l.saved
		l.fails, l.broken = errFails, errFails
		err := l.set(t, leaseCellOf("b", 6, Int(RowDestroy)), leaseCellOf("c", 6, Int(RowCreateAndWait)),
			leaseCellOf("a", 6, Int(RowNotInService)), leaseCellOf("d", 2, Octets("me")), leaseCellOf("d", 6, Int(RowCreateAndGo)))
		if got := refusedAs(t, err); got != CommitFailed {
			t.Errorf("%v", err)
		}
		if after := l.walk(t); !slices.Equal(before, after) {
			t.Errorf("it was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
		if !reflect.DeepEqual(saved, l.saved) {
			t.Errorf("saved is %v", l.saved)
		}
	}
	// What cannot be written because it is there is inconsistentValue.
	if got := refusedAs(t, refusal(fs.ErrExist, 1)); got != InconsistentValue {
		t.Errorf("fs.ErrExist is %v", got)
	}
}

// TestKeptRows holds what becomes of rows that the agent keeps: saved once for a request, without
// what does not last, and restored as they were.
func TestKeptRows(t *testing.T) {
	l := newLeasing(t, false)
	var bindings []Binding
	for i := range 26 {
		name := string(rune('a' + i))
		bindings = append(bindings, leaseCellOf(name, 6, Int(RowCreateAndGo)), leaseCellOf(name, 2, Octets("\xff"+name)), leaseCellOf(name, 3, Int(int32(i)+1)))
	}
	l.must(t, bindings...)
	if l.saves != 1 || l.told != 1 || len(l.saved) != 26 {
		t.Errorf("%d rows were saved, %d times, and told of %d times", len(l.saved), l.saves, l.told)
	}
	l.must(t, leaseCellOf("b", 5, Int(StorageVolatile)), leaseCellOf("c", 6, Int(RowNotInService)), leaseCellOf("1", 6, Int(RowCreateAndWait)))
	if len(l.saved) != 25 {
		t.Errorf("%d rows are saved", len(l.saved))
	}
	l.must(t, leaseCellOf("b", 6, Int(RowDestroy)), leaseCellOf("1", 6, Int(RowDestroy)))
	again := newLeasing(t, false)
	if err := again.kept.Restore(l.saved); err != nil {
		t.Fatal(err)
	}
	if before, after := l.walk(t), again.walk(t); !slices.Equal(before, after) {
		t.Errorf("it was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if active := again.kept.Active(); len(active) != 24 || active[0] != (lease{"a", "\xffa", 1, StorageNonVolatile}) {
		t.Errorf("%d are active: %v", len(active), active)
	}
	// What is wrong is left out, and said.
	bad := newLeasing(t, false)
	columns := func(name, value string) map[string]string { return map[string]string{"leaseHolder": "00", name: value} }
	err := bad.kept.Restore([]SavedRow{
		{"97", true, columns("leaseSeconds", "7")}, {"x", true, columns("leaseSeconds", "7")}, {"1.2.3.4.5", true, columns("leaseSeconds", "7")},
		{"98", true, columns("leaseSeconds", "1001")}, {"99", true, columns("leaseHolder", "0")}, {"100", true, columns("leaseElse", "0")},
		{"101", true, columns("leaseStorage", "4")}, {"102", true, nil}, {"103", true, columns("leaseStatus", "1")},
	})
	if got := bad.statuses(t); !reflect.DeepEqual(got, map[string]RowStatus{"a": RowActive}) || err == nil || strings.Count(err.Error(), "\n") != 7 {
		t.Errorf("%v, with %v", got, err)
	}
}

// TestFixedRows holds that nobody writes rows of a configuration, which stand for others with the same
// index.
func TestFixedRows(t *testing.T) {
	l := newLeasing(t, false)
	l.must(t, leaseCellOf("a", 6, Int(RowCreateAndGo)), leaseCellOf("a", 2, Octets("me")))
	fixed := []lease{{"b", "file", 1, StorageReadOnly}, {"b", "second", 1, StorageReadOnly}, {"a", "file", 1, StorageReadOnly}}
	if hidden := l.kept.SetFixed(fixed); len(hidden) != 1 || hidden[0] != MakeOID('a') {
		t.Errorf("%v are hidden", hidden)
	}
	for _, b := range []Binding{leaseCell(3, Int(9)), leaseStatus(RowDestroy), leaseStatus(RowNotInService)} {
		if got := refusedAs(t, l.set(t, b)); got != NotWritable {
			t.Errorf("%v: %v", b, got)
		}
	}
	if got := refusedAs(t, l.set(t, leaseStatus(RowCreateAndGo), leaseCell(2, Octets("me")))); got != InconsistentValue {
		t.Errorf("made again: %v", got)
	}
	if active := l.kept.Active(); !reflect.DeepEqual(active, []lease{fixed[2], fixed[0]}) {
		t.Errorf("%v", active)
	}
	l.kept.SetFixed(nil)
	if active := l.kept.Active(); !reflect.DeepEqual(active, []lease{{"a", "me", 60, StorageNonVolatile}}) {
		t.Errorf("%v", active)
	}
	unwritable := KeepRows(leases(), Keeping{})
	unwritable.SetFixed(fixed)
	tree, err := NewTree(TreeOptions{}, Module{Nodes: []Node{unwritable.Bind()}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	r.Reset(t.Context())
	if got := refusedAs(t, r.Set([]Binding{leaseCellOf("z", 6, Int(RowCreateAndWait))})); got != NotWritable {
		t.Errorf("without a place to keep it: %v", got)
	}
}

// TestRowsAreBounded holds that nobody makes rows without end, and that who begins one and goes leaves
// nothing.
func TestRowsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeasing(t, true)
		name := func(i int) string { return fmt.Sprintf("%04d", i) }
		for i := range maxKept {
			l.must(t, leaseCellOf(name(i), 6, Int(RowCreateAndWait)))
		}
		if got := refusedAs(t, l.set(t, leaseCell(2, Octets("me")), leaseStatus(RowCreateAndWait))); got != ResourceUnavailable {
			t.Errorf("one more: %v", got)
		}
		l.must(t, leaseCell(2, Octets("me")), leaseStatus(RowCreateAndGo)) // waits for nothing
		l.must(t, leaseCellOf(name(0), 2, Octets("me")))
		time.Sleep(notReadyFor - time.Second)
		l.must(t, leaseCellOf(name(1), 3, Int(9))) // it goes all the same
		if got := len(l.statuses(t)); got != maxKept+1 {
			t.Errorf("%d rows", got)
		}
		time.Sleep(time.Second)
		if got, want := l.statuses(t), map[string]RowStatus{"a": RowActive, name(0): RowNotInService}; !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
