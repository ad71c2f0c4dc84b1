package mib

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
)

// setting is a row that can be written.
type setting struct {
	Number int32
	Limit  int32
	Mode   string
	Text   string
	Key    string
	Maybe  maybe
	Status int32
}

func settings() *Table[setting] {
	at := func(part func(*setting) *int32) Access[setting, int32] { return At(part) }
	return &Table[setting]{
		Name:  "settingTable",
		Entry: MustParseOID("1.3.6.1.4.1.99999.2.1"),
		Index: Index(IntegerIndex(at(func(s *setting) *int32 { return &s.Number }))),
		Columns: Columns(
			Column(1, "settingNumber", AsInteger(at(func(s *setting) *int32 { return &s.Number }))),
			Column(2, "settingLimit", AsInteger(at(func(s *setting) *int32 { return &s.Limit })).Within(1, 255)).Writable(),
			Column(3, "settingMode", AsEnum(At(func(s *setting) *string { return &s.Mode }), Enum[string]{{"up", 1}, {"down", 2}})).Writable(),
			Column(4, "settingText", AsText(At(func(s *setting) *string { return &s.Text }), 8)).Writable(),
			Column(5, "settingKey", AsOctets(At(func(s *setting) *string { return &s.Key })).OfLength(2, 4)).Creatable(),
			Column(6, "settingMaybe", AsGauge(Maybe(func(s *setting) *maybe { return &s.Maybe }))).Writable(),
			Column(7, "settingElse", AsInteger(at(func(s *setting) *int32 { return &s.Limit }))).Writable(),
			Column(8, "settingStatus", AsInteger(at(func(s *setting) *int32 { return &s.Status })).Within(1, 6)).Creatable(),
		),
	}
}

var written = []string{"settingLimit", "settingMode", "settingText", "settingKey", "settingMaybe", "settingStatus"}

// store is what a writer writes to.
type store struct {
	rows map[int32]setting
	// fails says, of a row, which of "test", "commit" and "undo" fails.
	fails map[int32]string
	// final is rows whose changes cannot be undone, late those whose changes come last of all others.
	final   map[int32]bool
	late    map[int32]bool
	tested  int
	cleaned int
	order   []int32 // of commits
}

var errFails = errors.New("fails on purpose")

func (s *store) write(_ context.Context, c *Change[setting]) (Assignment, error) {
	number := c.Row.Number
	switch s.fails[number] {
	case "test":
		return Assignment{}, errFails
	case "permission":
		return Assignment{}, fs.ErrPermission
	case "inconsistent":
		return Assignment{}, c.Refuse(InconsistentValue, "settingText", nil)
	}
	was, there := s.rows[number]
	row := c.Row
	s.tested++
	fail := func(when string) error {
		if strings.Contains(s.fails[number], when) {
			return errFails
		}
		return nil
	}
	a := Assignment{
		Commit: func(context.Context) error {
			if err := fail("commit"); err != nil {
				return err
			}
			s.order = append(s.order, number)
			s.rows[number] = row
			return nil
		},
		Undo: func(context.Context) error {
			if err := fail("undo"); err != nil {
				return err
			}
			if delete(s.rows, number); there {
				s.rows[number] = was
			}
			return nil
		},
		Cleanup: func() { s.cleaned++ },
		Last:    s.late[number],
	}
	if s.final[number] {
		a.Undo = nil
	}
	return a, nil
}

func (s *store) tree(t *testing.T) *Tree {
	t.Helper()
	source := fresh.New(func(context.Context) ([]setting, error) {
		var rows []setting
		for _, r := range s.rows {
			rows = append(rows, r)
		}
		return rows, nil
	})
	serial := NewTestAndIncr()
	number := &Group[int32]{
		Name: "set", OID: MustParseOID("1.3.6.1.4.1.99999.3"),
		Objects: Columns(Column(1, "setSerial", AsInteger(At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable()),
	}
	tree, err := NewTree(TreeOptions{Log: slog.New(slog.DiscardHandler)}, Module{Name: "TEST-MIB", Nodes: []Node{
		settings().WrittenBy(s.write, written...).Bind(source),
		number.WrittenBy(func(_ context.Context, c *Change[int32]) (Assignment, error) {
			a, err := serial.Test(c.Row)
			if err != nil {
				err = c.Refuse(InconsistentValue, "setSerial", err)
			}
			return a, err
		}).BindNow(serial.Value),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func cell(column, row uint32, v Value) Binding {
	return Binding{Object: MustParseOID("1.3.6.1.4.1.99999.2.1").Sub(column, row), Value: v}
}

// refusedAs returns the status of a SetError, NoError where there is none.
func refusedAs(t *testing.T, err error) Status {
	t.Helper()
	var refused *SetError
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("%v is no SetError", err)
	}
	if refused == nil {
		return NoError
	}
	return refused.Status
}

// TestSetRules are the rules of RFC 3416, section 4.2.5, in their order. What no writer
// need be asked for is found at once.
func TestSetRules(t *testing.T) {
	none := Binding{Object: MustParseOID("1.3.6.1.4.1.99999.9.0"), Value: Int(1)}
	good := cell(2, 1, Int(9))
	for _, c := range []struct {
		rule     string
		bindings []Binding
		status   Status
		index    int
		atOnce   bool
	}{
		{"(1) beyond the view", []Binding{good, cell(4, 3, Octets("x"))}, NoAccess, 2, true},
		{"(2) no object", []Binding{none}, NotWritable, 1, true},
		{"(2) a column that is read-only", []Binding{cell(1, 1, Int(1))}, NotWritable, 1, true},
		{"(2) one that nobody writes", []Binding{cell(7, 1, Int(1))}, NotWritable, 1, true},
		{"(2) before the type", []Binding{cell(1, 1, Octets("x"))}, NotWritable, 1, true},
		{"(3) type", []Binding{good, cell(2, 1, Octets("9"))}, WrongType, 2, true},
		{"(3) another type of number", []Binding{cell(2, 1, Gauge(9))}, WrongType, 1, true},
		{"(3) NULL", []Binding{cell(4, 1, Exception(Null))}, WrongType, 1, true},
		{"(3) of a row that is not there", []Binding{cell(2, 99, Octets("9"))}, WrongType, 1, true},
		{"(4) too long", []Binding{cell(4, 1, Octets("123456789"))}, WrongLength, 1, true},
		{"(4) too short", []Binding{cell(5, 1, Octets("1"))}, WrongLength, 1, true},
		{"(6) below the range", []Binding{cell(2, 1, Int(0))}, WrongValue, 1, true},
		{"(6) beyond the range", []Binding{cell(2, 1, Int(256))}, WrongValue, 1, true},
		{"(6) not of the enumeration", []Binding{cell(3, 1, Int(3))}, WrongValue, 1, true},
		{"(6) no text", []Binding{cell(4, 1, Octets("\xff"))}, WrongValue, 1, true},
		{"(6) of a row that is not there", []Binding{cell(3, 99, Int(3))}, WrongValue, 1, true},
		{"(7) no such row", []Binding{good, cell(3, 99, Int(1))}, NoCreation, 2, false},
		{"(7) no such scalar", []Binding{{Object: MustParseOID("1.3.6.1.4.1.99999.3.1.1"), Value: Int(1)}}, NoCreation, 1, false},
		{"(7) no such index", []Binding{{Object: settings().Entry.Sub(8), Value: Int(4)}}, NoCreation, 1, false},
		{"(7) nothing there", []Binding{cell(6, 1, Gauge(1))}, NoCreation, 1, false},
		{"(7) one of a row that is created", []Binding{cell(8, 99, Int(4)), cell(2, 99, Int(1))}, NoCreation, 2, false},
		{"(9) without the privilege", []Binding{good, cell(2, 2, Int(1))}, NotWritable, 2, false},
		{"(10) as things stand", []Binding{cell(2, 4, Int(1)), cell(4, 4, Octets("x"))}, InconsistentValue, 2, false},
		{"(12) otherwise", []Binding{good, cell(2, 5, Int(1))}, GenErr, 2, false},
		{"(13)", []Binding{good, cell(3, 1, Int(2)), cell(8, 99, Int(4))}, NoError, 0, false},
		{"nothing", nil, NoError, 0, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := &store{rows: map[int32]setting{}, fails: map[int32]string{2: "permission", 4: "inconsistent", 5: "test"}}
			for n := range int32(6) {
				s.rows[n+1] = setting{Number: n + 1, Limit: 7, Mode: "up", Key: "ab", Status: 1}
			}
			before := maps.Clone(s.rows)
			tree := s.tree(t)
			r := tree.NewRequest()
			limit := tree.Limit(families{{MakeOID(1), true}, {MustParseOID("1.3.6.1.4.1.99999.2.1.4.3"), false}})
			r.Limit = limit
			if err := r.Set(c.bindings); c.atOnce && refusedAs(t, err) != c.status || !c.atOnce && !errors.Is(err, ErrWouldWait) {
				t.Errorf("without waiting: %v", err)
			}
			r.Reset(t.Context())
			r.Limit = limit
			err := r.Set(c.bindings)
			var refused *SetError
			if refusedAs(t, err) != c.status || errors.As(err, &refused) && refused.Index != c.index {
				t.Fatalf("%v, want %v of variable %d", err, c.status, c.index)
			}
			if s.tested != s.cleaned {
				t.Errorf("%d were tested, %d cleaned up", s.tested, s.cleaned)
			}
			if c.status != NoError {
				if !maps.Equal(s.rows, before) {
					t.Errorf("it left %v", s.rows)
				}
				return
			}
			for _, b := range c.bindings {
				if v, err := r.Get(b.Name()); v == b.Value {
					t.Errorf("the request itself sees %v of what it wrote, %v", v, err)
				}
			}
			r.Reset(t.Context())
			for _, b := range c.bindings {
				if v, err := r.Get(b.Name()); v != b.Value || err != nil {
					t.Errorf("%v is %v, %v", b.Name(), v, err)
				}
			}
		})
	}
}

// TestSetAllOrNothing makes random requests to rows that fail at random, and compares what
// is there then with what was.
func TestSetAllOrNothing(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	counts := map[Status]int{}
	for range 2000 {
		s := &store{rows: map[int32]setting{}, fails: map[int32]string{}, final: map[int32]bool{}, late: map[int32]bool{}}
		for n := range int32(5) {
			s.rows[n+1] = setting{Number: n + 1, Limit: 1 + random.Int32N(255), Mode: "up"}
			if random.IntN(4) == 0 {
				s.fails[n+1] = []string{"test", "commit", "undo", "commit undo"}[random.IntN(4)]
			}
			s.final[n+1], s.late[n+1] = random.IntN(4) == 0, random.IntN(4) == 0
		}
		before := maps.Clone(s.rows)
		want := maps.Clone(s.rows)
		var bindings []Binding
		var rows []int32
		for range 1 + random.IntN(6) {
			n := 1 + random.Int32N(5)
			rows = append(rows, n)
			row := want[n]
			row.Limit = 1 + random.Int32N(255)
			bindings = append(bindings, cell(2, uint32(n), Int(row.Limit)))
			if random.IntN(2) == 0 {
				row.Text = fmt.Sprint(random.IntN(1000))
				rows, bindings = append(rows, n), append(bindings, cell(4, uint32(n), Octets(row.Text)))
			}
			want[n] = row
		}
		r := s.tree(t).NewRequest()
		r.Reset(t.Context())
		err := r.Set(bindings)
		status := refusedAs(t, err)
		counts[status]++
		fail := func(format string, args ...any) {
			t.Fatalf("seed %d: %v of rows that fail %v, final %v: %s", seed, rows, s.fails, s.final, fmt.Sprintf(format, args...))
		}
		if s.tested != s.cleaned {
			fail("%d were tested, %d cleaned up", s.tested, s.cleaned)
		}
		last := 0
		for _, n := range s.order {
			class := 0
			switch {
			case s.final[n]:
				class = 2
			case s.late[n]:
				class = 1
			}
			if class < last {
				fail("what comes last, or cannot be undone, was written in front of what can (last are %v): %v", s.late, s.order)
			}
			last = class
		}
		var refused *SetError
		errors.As(err, &refused)
		switch status {
		case NoError:
			if !maps.Equal(s.rows, want) {
				fail("%v, not %v", s.rows, want)
			}
		case GenErr, CommitFailed:
			if !maps.Equal(s.rows, before) {
				fail("%v left %v of %v", err, s.rows, before)
			}
			when := map[Status]string{GenErr: "test", CommitFailed: "commit"}[status]
			if n := rows[refused.Index-1]; !strings.Contains(s.fails[n], when) {
				fail("%v is of row %d", err, n)
			}
		case UndoFailed:
			if refused.Index != 0 {
				fail("%v", err)
			}
		default:
			fail("%v", err)
		}
	}
	for _, status := range []Status{NoError, GenErr, CommitFailed, UndoFailed} {
		if counts[status] == 0 {
			t.Errorf("seed %d: none ended with %v: %v", seed, status, counts)
		}
	}
}

// TestSetTurns holds that one SetRequest of a tree goes on at a time, that others wait
// for it until their time is up, and that only a few do.
func TestSetTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{rows: map[int32]setting{1: {Number: 1, Limit: 1}}}
		tree := s.tree(t)
		request := func(ctx context.Context) *Request {
			r := tree.NewRequest()
			r.Reset(ctx)
			return r
		}
		variables := []Binding{cell(2, 1, Int(9))}
		first, err := request(t.Context()).TestSet(variables)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error, maxWaitingSets)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range maxWaitingSets - 1 {
			go func() { results <- request(ctx).Set(variables) }()
		}
		synctest.Wait()
		if len(results) > 0 {
			t.Fatalf("one did not wait: %v", <-results)
		}
		if err := request(ctx).Set(variables); refusedAs(t, err) != ResourceUnavailable {
			t.Errorf("one more than may wait: %v", err)
		}
		for range maxWaitingSets - 1 {
			if err := <-results; refusedAs(t, err) != ResourceUnavailable || ctx.Err() == nil {
				t.Errorf("one that waited: %v", err)
			}
		}
		go func() { results <- request(t.Context()).Set(variables) }()
		synctest.Wait()
		if err := first.Commit(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(results) > 0 {
			t.Fatalf("one did not wait: %v", <-results)
		}
		first.Cleanup()
		first.Cleanup() // once is enough
		if err := <-results; err != nil {
			t.Error(err)
		}
	})
}

// TestSetUndoneLate holds that what was committed is undone though the request's time is up.
func TestSetUndoneLate(t *testing.T) {
	s := &store{rows: map[int32]setting{1: {Number: 1, Limit: 1}, 2: {Number: 2, Limit: 1}}, fails: map[int32]string{}}
	before := maps.Clone(s.rows)
	r := s.tree(t).NewRequest()
	ctx, cancel := context.WithCancel(t.Context())
	r.Reset(ctx)
	set, err := r.TestSet([]Binding{cell(2, 1, Int(9)), cell(2, 2, Int(9))})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Cleanup()
	if err := set.Commit(ctx); err != nil || maps.Equal(s.rows, before) {
		t.Fatal(err)
	}
	cancel()
	if err := set.Undo(ctx); err != nil || !maps.Equal(s.rows, before) {
		t.Errorf("%v left %v", err, s.rows)
	}
	if err := set.Commit(ctx); refusedAs(t, err) != CommitFailed || !maps.Equal(s.rows, before) {
		t.Errorf("one that is late: %v left %v", err, s.rows)
	}
}

// TestTestAndIncr holds that of two that read the same value one is let through.
func TestTestAndIncr(t *testing.T) {
	tree := (&store{}).tree(t)
	name := MustParseOID("1.3.6.1.4.1.99999.3.1.0")
	r := tree.NewRequest()
	read := func() Value {
		r.Reset(t.Context())
		v, err := r.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for range 3 {
		was := read()
		if was.Int() < 0 {
			t.Errorf("value %v", was)
		}
		if err := r.Set([]Binding{{Object: name, Value: was}}); err != nil {
			t.Fatal(err)
		}
		if now := read(); now.Int() != int32(uint32(was.Int()+1)&math.MaxInt32) {
			t.Errorf("%v became %v", was, now)
		}
		if err := r.Set([]Binding{{Object: name, Value: was}}); refusedAs(t, err) != InconsistentValue {
			t.Errorf("the second one: %v", err)
		}
	}
	lock := new(TestAndIncr)
	lock.value.Store(math.MaxInt32)
	a, err := lock.Test(math.MaxInt32)
	if err != nil || a.Commit(t.Context()) != nil || lock.Value() != 0 {
		t.Errorf("%v: the greatest value became %d", err, lock.Value())
	}
	if a.Undo(t.Context()) != nil || lock.Value() != math.MaxInt32 {
		t.Errorf("undone it is %d", lock.Value())
	}
}

// TestInvalidateDuringReading holds that who reads after Invalidate gets nothing that was
// read before it.
func TestInvalidateDuringReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var value atomic.Int32
		value.Store(1)
		s := fresh.New(func(context.Context) (int32, error) {
			read := value.Load()
			time.Sleep(time.Second)
			return read, nil
		})
		go s.Get(t.Context())
		time.Sleep(time.Second / 2)
		value.Store(2)
		s.Invalidate()
		if got, err := s.Get(t.Context()); got != 2 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestDescribe(t *testing.T) {
	r := (&store{}).tree(t).NewRequest()
	got := r.Describe([]Binding{cell(2, 7, Int(3)), cell(4, 7, Octets("eth")), cell(5, 7, Octets("key")), {Object: MakeOID(1, 3), Value: Gauge(1)}, cell(1, 1, Int(1))}, 4)
	if want := `settingLimit.7 = INTEGER: 3, settingText.7 = OCTET STRING: "eth", settingKey.7 = OCTET STRING: 3 octets, 1.3 = Gauge32: 1, and 1 more`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestWrittenDeclarations holds that only what is declared as writable has a writer.
func TestWrittenDeclarations(t *testing.T) {
	w := func(context.Context, *Change[setting]) (Assignment, error) { return Assignment{}, nil }
	for name, want := range map[string]string{
		"settingNumber": "settingNumber is written and not declared as writable",
		"settingOther":  "settingOther is written and not declared",
	} {
		if err := settings().WrittenBy(w, "settingLimit", name).declaration().check(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := settings().WrittenBy(w).declaration().check(); err != nil {
		t.Error(err)
	}
}

// TestSetLogBudget holds that who writes much does not fill the log, and that what was
// left out is told.
func TestSetLogBudget(t *testing.T) {
	var b budget
	now := time.Now()
	for i := range 3 * setsLogged {
		if omitted, ok := b.spend(now); ok != (i < setsLogged) || omitted != 0 {
			t.Fatalf("line %d: %v, %d omitted", i, ok, omitted)
		}
	}
	if omitted, ok := b.spend(now.Add(time.Second)); !ok || omitted != 2*setsLogged {
		t.Errorf("%v, %d omitted", ok, omitted)
	}
	if omitted, ok := b.spend(now.Add(-time.Hour)); !ok || omitted != 0 {
		t.Errorf("after the clock was set back: %v, %d omitted", ok, omitted)
	}
}
