package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"
)

type sample struct {
	name string
	n    uint64
}

func samples() *Kind[sample] {
	return &Kind[sample]{Name: "sample", Doc: "a sample", Fields: []Field[sample]{
		{Name: "name", Type: String, Value: func(s *sample) Value { return Text(s.name) }},
		{Name: "n", Type: Integer, Value: func(s *sample) Value { return Uint(s.n) }},
	}, Aliases: map[string][]string{"any": {"name", "n"}}}
}

func sampleTable() Table[sample] {
	return Table[sample]{Kind: samples(), Columns: []Column[sample]{
		{Heading: "Name", Width: 8, Append: func(b []byte, s *sample) []byte { return AppendEscaped(b, s.name) }},
		{Heading: "Number", Right: true, Append: func(b []byte, s *sample) []byte {
			v := Uint(s.n)
			return v.AppendText(b)
		},
			Colour: func(s *sample) Colour {
				if s.n > 9 {
					return Red
				}
				return Plain
			}},
		{Heading: "Last", Append: func(b []byte, s *sample) []byte { return append(b, "xxx"[:s.n%4]...) }},
	}}
}

// printed is what a table of the rows looks like that come at one moment.
func printed(t *testing.T, change func(*Output, *Table[sample]), rows ...sample) string {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		out, table := NewOutput(&b), sampleTable()
		if change != nil {
			change(out, &table)
		}
		p := NewPrinter(out, table)
		for i := range rows {
			if err := p.Row(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	})
	return b.String()
}

// What is within an object is there by its own name for filters and orders, and in the
// object alone in JSON.
func TestCompound(t *testing.T) {
	type limits struct{ size, set Value }
	field := func(name string, at func(*limits) Value) Field[limits] {
		return Field[limits]{Name: name, Type: IntegerOrFalse, Within: "limits", Value: at}
	}
	k := &Kind[limits]{Name: "x", Fields: []Field[limits]{
		{Name: "limits", Type: Compound, Value: func(l *limits) Value {
			return Members(func(yield func(string, Value) bool) { _ = yield("SIZE", l.size) && yield("SET", l.set) })
		}},
		field("SIZE", func(l *limits) Value { return l.size }), field("SET", func(l *limits) Value { return l.set }),
	}}
	order, err := k.Order("-SET")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := NewOutput(&b)
	out.JSON = true
	p := NewPrinter(out, Table[limits]{Kind: k, Order: order})
	for _, l := range []limits{{}, {set: Bool(false)}, {Int(int64(7_000_000_000_000_000_000)), Int(0)}, {Int(1), Int(9)}} {
		if err := p.Row(&l); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"x","limits":{"SIZE":1,"SET":9}}
{"kind":"x","limits":{"SIZE":7000000000000000000,"SET":0}}
{"kind":"x","limits":{"SET":false}}
{"kind":"x","limits":{}}
`
	if b.String() != want {
		t.Errorf("printed\n%swant\n%s", b.String(), want)
	}
	if _, err := k.Order("limits"); err == nil || err.Error() != "limits have no order: those in it have" {
		t.Errorf("an order by an object: %v", err)
	}
}

func TestColumns(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Output, *Table[sample])
		rows   []sample
		want   string
	}{
		"no rows":        {nil, nil, "Name     Number Last\n"},
		"least widths":   {nil, []sample{{"a", 1}, {"b", 0}}, "Name     Number Last\na             1 x\nb             0\n"},
		"wider content":  {nil, []sample{{"longer than that", 12345678}}, "Name               Number Last\nlonger than that 12345678 xx\n"},
		"not ASCII":      {nil, []sample{{"ä", 1}, {"日本", 2}}, "Name     Number Last\nä             1 x\n日本            2 xx\n"},
		"control":        {nil, []sample{{"a\nb\x1b[2J", 1}}, "Name          Number Last\na\\x0ab\\x1b[2J      1 x\n"},
		"underlined":     {func(_ *Output, t *Table[sample]) { t.Underline = true }, []sample{{"a", 1}}, "Name     Number Last\n-------- ------ ----\na             1 x\n"},
		"no headings":    {func(_ *Output, t *Table[sample]) { t.NoHeadings = true }, []sample{{"a", 1}}, "a             1 x\n"},
		"kept":           {func(_ *Output, t *Table[sample]) { t.Keep = func(s *sample) bool { return s.n > 1 } }, []sample{{"a", 1}, {"b", 2}}, "Name     Number Last\nb             2 xx\n"},
		"fits terminal":  {func(o *Output, _ *Table[sample]) { o.Width = 20 }, []sample{{"a", 1}}, "Name     Number Last\na             1 x\n"},
		"compact":        {func(o *Output, _ *Table[sample]) { o.Width = 17 }, []sample{{"a", 1}}, "Name Number Last\na         1 x\n"},
		"folded":         {func(o *Output, _ *Table[sample]) { o.Width = 12 }, []sample{{"abcdef", 1}, {"b", 4}}, "Name\n    Number\n    Last\nabcdef\n         1\n    x\nb\n         4\n"},
		"colours":        {func(o *Output, _ *Table[sample]) { o.Colour = true }, []sample{{"a", 10}}, "\x1b[1mName\x1b[0m     \x1b[1mNumber\x1b[0m \x1b[1mLast\x1b[0m\na            \x1b[31m10\x1b[0m xx\n"},
		"JSON":           {func(o *Output, _ *Table[sample]) { o.JSON = true }, []sample{{"a\"\n", 1}, {"", math.MaxUint64}}, `{"kind":"sample","name":"a\"\u000a","n":1}` + "\n" + `{"kind":"sample","n":18446744073709551615}` + "\n"},
		"JSON of no row": {func(o *Output, _ *Table[sample]) { o.JSON = true }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := printed(t, c.change, c.rows...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Rows beyond the look-ahead make their column wider from there on; a single very
// long cell does not.
func TestWidthsGrow(t *testing.T) {
	var rows []sample
	for range lookAheadRows {
		rows = append(rows, sample{"a", 1})
	}
	rows = append(rows, sample{"a longer name", 2}, sample{"b", 3}, sample{strings.Repeat("l", widest+1), 2}, sample{"c", 1})
	lines := strings.Split(strings.TrimSuffix(printed(t, nil, rows...), "\n"), "\n")
	want := []string{"a             1 x", "a longer name      2 xx", "b                  3 xxx", strings.Repeat("l", widest+1) + "      2 xx", "c                  1 x"}
	for i, w := range want {
		if got := lines[len(lines)-len(want)+i]; got != w {
			t.Errorf("line %d is %q, want %q", i, got, w)
		}
	}
}

func TestOrder(t *testing.T) {
	order := func(list string) string {
		return printed(t, func(o *Output, table *Table[sample]) {
			var err error
			if table.Order, err = table.Kind.Order(list); err != nil {
				t.Fatal(err)
			}
			table.NoHeadings = true
			table.Columns = table.Columns[:1]
		}, sample{"b", 1}, sample{"a", 2}, sample{"", 3}, sample{"c", 1})
	}
	for list, want := range map[string]string{"n": "b\nc\na\n\n", "-n": "\na\nb\nc\n", "Name": "\na\nb\nc\n", "n,-name": "c\nb\na\n\n", "-any": "c\nb\na\n\n"} {
		if got := order(list); got != want {
			t.Errorf("sorted by %s: %q, want %q", list, got, want)
		}
	}
	_, err := samples().Order("name,size")
	var unknown *UnknownFieldError
	if !errors.As(err, &unknown) || unknown.Name != "size" || !strings.Contains(err.Error(), "name, n, any") {
		t.Errorf("an unknown field: %v", err)
	}
}

// A table that is flushed shows what it has, in order, and goes on.
func TestFlush(t *testing.T) {
	var b bytes.Buffer
	out, table := NewOutput(&b), sampleTable()
	order, err := table.Kind.Order("-n")
	if err != nil {
		t.Fatal(err)
	}
	for _, table.Order = range []*Order{nil, order} {
		b.Reset()
		p := NewPrinter(out, table)
		for _, row := range []sample{{"a", 1}, {"b", 2}, {"", 0}, {"c", 3}} {
			if row.name == "" {
				err = p.Flush()
			} else {
				err = p.Row(&row)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		want := "Name     Number Last\na             1 x\nb             2 xx\nc             3 xxx\n"
		if table.Order != nil {
			want = "Name     Number Last\nb             2 xx\na             1 x\nc             3 xxx\n"
		}
		if got := b.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	ascending := []Value{{}, Int(int64(math.MinInt64)), Int(-5), Int(0), Uint(uint8(7)), Uint(uint64(math.MaxUint64))}
	for i := range ascending {
		for j := range ascending {
			if got := ascending[i].Compare(&ascending[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("value %d compared with %d: %d", i, j, got)
			}
		}
	}
	for _, pair := range [][2]Value{
		{Text("a"), Text("b")}, {Float(1.5), Float(2)}, {Seconds(time.Millisecond), Seconds(time.Second)}, {Bool(false), Bool(true)},
		{Addr(netip.MustParseAddr("10.0.0.2")), Addr(netip.MustParseAddr("10.0.0.10"))},
		{Net(netip.MustParsePrefix("10.0.0.0/8")), Net(netip.MustParsePrefix("10.0.0.0/16"))},
		{Words([]string{"a"}), Words([]string{"a", "b"})},
		{List([]Object{{{"pid", Int(9)}}}), List([]Object{{{"pid", Int(10)}}})},
	} {
		if pair[0].Compare(&pair[1]) >= 0 || pair[1].Compare(&pair[0]) <= 0 || pair[0].Compare(&pair[0]) != 0 {
			t.Errorf("%v and %v are out of order", pair[0], pair[1])
		}
	}
}

func TestJSONValues(t *testing.T) {
	for want, v := range map[string]Value{
		`"x"`: Text("x"), `-9223372036854775808`: Int(int64(math.MinInt64)), `-2147483648`: Int(int32(math.MinInt32)), `-128`: Int(int8(math.MinInt8)), `18446744073709551615`: Uint(uint64(math.MaxUint64)),
		`true`: Bool(true), `0.000013`: Seconds(13 * time.Microsecond), `1.648`: Seconds(1648 * time.Millisecond), `1.5`: Float(1.5), `"fe80::1%eth0"`: Addr(netip.MustParseAddr("fe80::1%eth0")),
		`"10.0.0.0/8"`: Net(netip.MustParsePrefix("10.0.0.0/8")), `["a","b"]`: Words([]string{"a", "b"}),
		`[{"pid":1},{}]`: List([]Object{{{"pid", Int(1)}, {"name", Text("")}}, {}}), `[]`: List(nil),
	} {
		if got := string(v.appendJSON(nil)); got != want || !json.Valid([]byte(got)) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, v := range []Value{Text(""), Float(math.NaN()), Float(math.Inf(1)), Addr(netip.Addr{}), Net(netip.Prefix{}), Words(nil), NonZero(uint8(0))} {
		if v.IsKnown() {
			t.Errorf("%v is known", v)
		}
	}
}

// A zone is the name of an interface, which somebody else may have chosen.
func TestZonesAreEscaped(t *testing.T) {
	v := Addr(netip.MustParseAddr("fe80::1").WithZone("a\x1b[31m\"b"))
	if got, want := string(v.AppendText(nil)), string(AppendEscaped(nil, "fe80::1%a\x1b[31m\"b")); got != want || strings.Contains(got, "\x1b") {
		t.Errorf("%q, want %q", got, want)
	}
	var decoded string
	if text := v.appendJSON(nil); json.Unmarshal(text, &decoded) != nil || decoded != v.Addr().String() {
		t.Errorf("%q", text)
	}
}

func TestScaled(t *testing.T) {
	for _, c := range []struct {
		n, base uint64
		want    string
	}{
		{0, 1000, "0"}, {999, 1000, "999"}, {1000, 1000, "1.0k"}, {12345, 1000, "12.3k"}, {999499, 1000, "999k"}, {999950, 1000, "1.0M"},
		{1023, 1024, "1023"}, {1024, 1024, "1.0K"}, {5 << 30, 1024, "5.0G"}, {math.MaxUint64, 1024, "16.0E"}, {math.MaxUint64, 1000, "18.4E"},
	} {
		if got := string(AppendScaled(nil, c.n, c.base)); got != c.want {
			t.Errorf("%d by %d is %s, want %s", c.n, c.base, got, c.want)
		}
	}
}

func TestEqualWords(t *testing.T) {
	for _, pair := range [][2]string{{"TIME-WAIT", "time_wait"}, {"FIN-WAIT-1", "finwait1"}, {"", "-"}} {
		if !EqualWords(pair[0], pair[1]) || !EqualWords(pair[1], pair[0]) {
			t.Errorf("%q is not %q", pair[0], pair[1])
		}
	}
	if EqualWords("FIN-WAIT-1", "FIN-WAIT-2") || EqualWords("CLOSE", "CLOSED") {
		t.Error("different words are equal")
	}
}

// A row costs no allocation, in columns and in JSON.
func TestRowsDoNotAllocate(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		out := NewOutput(discard{})
		out.JSON = asJSON
		p := NewPrinter(out, sampleTable())
		r := sample{"a name", 1234}
		row := func() {
			if err := p.Row(&r); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 * lookAheadRows {
			row()
		}
		if n := testing.AllocsPerRun(1000, row); n > 0 {
			t.Errorf("JSON %v: %v allocations for a row", asJSON, n)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

type broken struct{ writes int }

var errBroken = errors.New("broken")

func (w *broken) Write([]byte) (int, error) { w.writes++; return 0, errBroken }

// The output's first error ends printing and comes back from every call.
func TestBrokenOutput(t *testing.T) {
	w := new(broken)
	out := NewOutput(w)
	p := NewPrinter(out, sampleTable())
	var err error
	for i := 0; err == nil && i < 1<<20; i++ {
		err = p.Row(&sample{"a", 1})
	}
	if !errors.Is(err, errBroken) || !errors.Is(p.Close(), errBroken) || !errors.Is(out.Flush(), errBroken) || w.writes != 1 {
		t.Errorf("%v after %d writes", err, w.writes)
	}
}

// What is printed of any name stays on its line, does nothing to a terminal, and
// is the name itself as JSON.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b[31m", "\xff\xfe", "ü", "\u202e", "\U000e0001", "\u2028", "\"\\", "\x7f\u009b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		escaped := string(AppendEscaped(nil, s))
		encoded := string(AppendJSONString(nil, s))
		for _, text := range []string{escaped, encoded} {
			if !utf8.ValidString(text) {
				t.Fatalf("%q becomes %q, which is not UTF-8", s, text)
			}
			for _, r := range text {
				if unicode.Is(unicode.C, r) && !unicode.Is(unicode.Co, r) && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
					t.Fatalf("%q becomes %q, which holds %U", s, text, r)
				}
			}
		}
		var back string
		if err := json.Unmarshal([]byte(encoded), &back); err != nil {
			t.Fatalf("%q becomes %s: %v", s, encoded, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Fatalf("%q comes back as %q", s, back)
		}
	})
}
