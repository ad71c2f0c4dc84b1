package agentx

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// settings is scalars that can be written, each a registration of its own.
type settings struct {
	mu  sync.Mutex
	row settingsRow
}

type settingsRow struct{ a, b, failing int32 }

const settingsOID = base + ".7" // a is 1, b is 2, failing is 3

func (s *settings) now() settingsRow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.row
}

func (s *settings) put(row settingsRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.row = row
}

func (s *settings) tree(t testing.TB) *mib.Tree {
	var nodes []mib.Node
	for i, part := range []func(*settingsRow) *int32{
		func(r *settingsRow) *int32 { return &r.a }, func(r *settingsRow) *int32 { return &r.b }, func(r *settingsRow) *int32 { return &r.failing },
	} {
		g := &mib.Group[settingsRow]{Name: "settings", OID: mib.MustParseOID(settingsOID), Objects: mib.Columns(
			mib.Column(uint32(i+1), "setting", mib.AsInteger(mib.At(part)).Within(0, 99)).Writable(),
		)}
		nodes = append(nodes, g.WrittenBy(func(_ context.Context, c *mib.Change[settingsRow]) (mib.Assignment, error) {
			was := *part(c.Was)
			write := func(v int32) {
				row := s.now()
				*part(&row) = v
				s.put(row)
			}
			return mib.Assignment{
				Commit: func(context.Context) error {
					if i == 2 {
						return errors.New("it cannot be written")
					}
					write(*part(&c.Row))
					return nil
				},
				Undo: func(context.Context) error { write(was); return nil },
			}, nil
		}).BindNow(s.now))
	}
	nodes = append(nodes, groupNode(testGroup("last", last, 1)))
	return newTree(t, nodes...)
}

// TestSetThroughSnmpd holds that snmpd's SETs are made as a whole or not at all, though it
// sends the variables of each registration by themselves, and that it passes on why not.
func TestSetThroughSnmpd(t *testing.T) {
	m := startSnmpd(t)
	s := new(settings)
	run(t, Config{Address: m.socket, Handler: s.tree(t)})
	name := func(sub string) string { return settingsOID + "." + sub }
	refused := func(why string, args ...string) {
		t.Helper()
		before := s.now()
		if _, err := m.try("snmpset", args...); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v: %v, want %s", args, err, why)
		}
		if now := s.now(); now != before {
			t.Errorf("%v: %v became %v", args, before, now)
		}
	}
	for i := range int32(2) { // again, after what was refused
		s.put(settingsRow{})
		m.ask("snmpset", name("1.0"), "i", "5", name("2.0"), "i", "6")
		if now := s.now(); now != (settingsRow{5, 6, 0}) {
			t.Fatalf("round %d: it is %v", i, now)
		}
		if got := m.ask("snmpget", name("1.0"), name("2.0")); len(got) != 2 || !strings.HasSuffix(got[0], "INTEGER: 5") || !strings.HasSuffix(got[1], "INTEGER: 6") {
			t.Errorf("%q", got)
		}
		refused("commitFailed", name("1.0"), "i", "7", name("3.0"), "i", "7", name("2.0"), "i", "7")
		refused("wrongType", name("1.0"), "i", "7", name("2.0"), "s", "x")
		refused("wrongValue", name("1.0"), "i", "100", name("2.0"), "i", "7")
		refused("noCreation", name("1.0"), "i", "7", name("2.1"), "i", "7")
		refused("notWritable", name("1.0"), "i", "7", last+".1.0", "i", "7")
	}
}

// madeRow is a row that a manager makes.
type madeRow struct{ index, first, second int32 }

// TestRowsThroughSnmpd holds that rows are made by columns that snmpd sends by themselves, in any order and
// several rows at once, and that a row which lacks a column is not made.
func TestRowsThroughSnmpd(t *testing.T) {
	m := startSnmpd(t)
	column := func(part func(*madeRow) *int32) mib.Field[madeRow] { return mib.AsInteger(mib.At(part)).Within(0, 99) }
	table := &mib.Table[madeRow]{
		Name: "rows", Entry: mib.MustParseOID(base + ".8.1"),
		Index: mib.Index(mib.IntegerIndex(mib.At(func(r *madeRow) *int32 { return &r.index }))),
		Columns: mib.Columns(
			mib.Column(2, "first", column(func(r *madeRow) *int32 { return &r.first })).Creatable(),
			mib.Column(3, "status", mib.AsRowStatus[madeRow]()).Creatable(),
			mib.Column(4, "second", column(func(r *madeRow) *int32 { return &r.second })).Creatable().NotWhileActive(),
		),
	}
	kept := mib.KeepRows(table, mib.Keeping{Save: func([]mib.SavedRow) error { return nil }})
	run(t, Config{Address: m.socket, Handler: newTree(t, kept.Bind())})
	set := func(why string, variables ...string) {
		t.Helper()
		var args []string
		for i := 0; i < len(variables); i += 2 {
			args = append(args, base+".8.1."+variables[i], "i", variables[i+1])
		}
		_, err := m.try("snmpset", args...)
		if err == nil && why != "" || err != nil && (why == "" || !strings.Contains(err.Error(), why)) {
			t.Errorf("%v: %v, want %q", variables, err, why)
		}
	}
	holds := func(want ...madeRow) {
		t.Helper()
		if got := kept.Active(); !slices.Equal(got, want) {
			t.Errorf("the rows are %v, want %v", got, want)
		}
	}
	set("", "2.1", "5", "3.1", "4", "4.1", "6")
	set("", "4.2", "8", "3.2", "4", "2.2", "7")
	holds(madeRow{1, 5, 6}, madeRow{2, 7, 8})
	set("commitFailed", "2.3", "5", "3.3", "4")
	set("commitFailed", "2.3", "5", "4.3", "6")
	set("commitFailed", "4.1", "9")
	set("inconsistentValue", "2.1", "5", "3.1", "4", "4.1", "6")
	set("wrongValue", "2.3", "5", "3.3", "4", "4.3", "100")
	holds(madeRow{1, 5, 6}, madeRow{2, 7, 8})
	set("", "2.3", "1", "2.4", "3", "3.3", "4", "3.4", "4", "4.3", "2", "4.4", "4", "3.1", "6", "4.2", "9", "3.2", "2")
	holds(madeRow{3, 1, 2}, madeRow{4, 3, 4})
	set("", "3.2", "1")
	holds(madeRow{2, 7, 9}, madeRow{3, 1, 2}, madeRow{4, 3, 4})
}

// TestTransactions are those that a master does not end as it should.
func TestTransactions(t *testing.T) {
	s := new(settings)
	tree := s.tree(t)
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: tree})
	test := func(sub string, value int32) *TestSet {
		return &TestSet{Bindings: []mib.Binding{{Object: mib.MustParseOID(settingsOID + "." + sub), Value: mib.Int(value)}}}
	}
	transaction := uint32(1000)
	ask := func(v Payload) *Response {
		t.Helper()
		p.packet++
		p.write(p.pduAs(Header{SessionID: p.session, TransactionID: transaction, PacketID: p.packet}, v))
		if v.Type() == TypeCleanupSet {
			return nil
		}
		_, r := p.recv()
		return r
	}
	holds := func(a, b int32) {
		t.Helper()
		nstest.Eventually(t, func() string {
			if now := s.now(); now.a != a || now.b != b {
				return "it is not what it should be"
			}
			return ""
		})
	}
	const ok = ErrorCode(mib.NoError)
	// Of several TestSets each is committed once.
	wantError(t, ask(test("1.0", 1)), ok, 0)
	wantError(t, ask(test("2.0", 2)), ok, 0)
	holds(0, 0)
	wantError(t, ask(&CommitSet{}), ok, 0)
	holds(1, 2)
	wantError(t, ask(&CommitSet{}), ok, 0)
	ask(&CleanupSet{})
	ask(&CleanupSet{})

	// What the master sends once more has the same answer, and is written once.
	transaction++
	for _, v := range []Payload{test("1.0", 1), test("1.0", 1), test("2.0", 2), &CommitSet{}, &CommitSet{}} {
		p.packet = 500
		wantError(t, ask(v), ok, 0)
	}
	holds(1, 2)
	ask(&CleanupSet{})

	// Once there is an answer the IDs are free: whoever has it may use them at once.
	transaction++
	for range 100 {
		p.packet = 500
		wantError(t, ask(test("1.0", 1)), ok, 0)
	}
	ask(&CleanupSet{})
	// So is that of a transaction once the master ended it.
	for range 100 {
		wantError(t, ask(test("1.0", 1)), ok, 0)
		wantError(t, ask(&CommitSet{}), ok, 0)
		ask(&CleanupSet{})
	}

	// Undone once, and ended by that.
	transaction++
	wantError(t, ask(test("1.0", 3)), ok, 0)
	wantError(t, ask(&CommitSet{}), ok, 0)
	holds(3, 2)
	wantError(t, ask(&UndoSet{}), ok, 0)
	holds(1, 2)
	wantError(t, ask(&UndoSet{}), ok, 0)
	wantError(t, ask(&CommitSet{}), ErrorCode(mib.CommitFailed), 0)

	// One that is refused leaves what was tested before it.
	transaction++
	wantError(t, ask(test("1.0", 4)), ok, 0)
	wantError(t, ask(test("2.1", 4)), ErrorCode(mib.NoCreation), 1)
	wantError(t, ask(&CommitSet{}), ok, 0)
	holds(4, 2)
	ask(&CleanupSet{})

	// One whose session ends lets others write.
	transaction++
	wantError(t, ask(test("1.0", 5)), ok, 0)
	p.conn.Close()
	nstest.Eventually(t, func() string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := tree.NewRequest()
		r.Reset(ctx)
		set, err := r.TestSet(test("1.0", 5).Bindings)
		if err != nil {
			return err.Error()
		}
		set.Cleanup()
		return ""
	})
	holds(4, 2)
}
