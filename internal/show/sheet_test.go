package show

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// item is a row of a table for tests.
type item struct {
	name string
	size uint64
}

// itemTable is a table of what there is at the moment, and of an error behind it.
func itemTable(now *[]item, err *error) Table {
	return list("item", "an item", kind[item]{
		what: "items", identity: []string{"name"},
		read: func(context.Context, *query) iter.Seq2[item, error] {
			return func(yield func(item, error) bool) {
				for _, v := range *now {
					if !yield(v, nil) {
						return
					}
				}
				if *err != nil {
					yield(item{}, *err)
				}
			}
		},
	},
		of("Item", 4, fieldOf("name", table.String, "name", func(v *item) table.Value { return table.Text(v.name) })),
		of("Bytes", 4, fieldOf("size", table.Integer, "size", func(v *item) table.Value { return table.Uint(v.size) })).bytes().redIf(func(v *item) bool { return v.size > 9000 }),
		hidden(fieldOf("double", table.Integer, "twice the size", func(v *item) table.Value { return table.Uint(2 * v.size) })),
	)
}

// A sheet has the rows of one reading, whatever is read later, and those that ended for a
// while.
func TestSheet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, failure := []item{{"b", 2048}, {"a", 10000}, {"c", 1}}, error(nil)
		var said []string
		w, err := NewWatch(Options{Interval: 1, Human: true, Numeric: true, Linger: 3 * time.Second}, func(text string) { said = append(said, text) },
			func(func(error)) ([]*Source, error) { return []*Source{{NetNS: "web"}}, nil })
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		v, err := w.View(itemTable(&now, &failure))
		if err != nil {
			t.Fatal(err)
		}
		read := func() Sheet {
			t.Helper()
			if err := w.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, err := v.Read(t.Context(), Wants{All: true})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		first := read()
		names := func(s Sheet, rows []int32) (names string) {
			for _, row := range rows {
				names += string(s.AppendCell(nil, int(row), 0))
				if s.Ended(int(row)) {
					names += "!"
				}
			}
			return names
		}
		arranged := func(s Sheet, filter, order string) string {
			t.Helper()
			rows, err := s.Filter(filter)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Sort(rows, order); err != nil {
				t.Fatal(err)
			}
			return names(s, rows)
		}
		for _, c := range []struct{ filter, order, want string }{
			{"", "", "bac"}, {"", "name", "abc"}, {"", "-size", "abc"}, {"size>1", "size", "ba"}, {" netns=web ", "-double", "abc"}, {"netns=db", "name", ""},
		} {
			if got := arranged(first, c.filter, c.order); got != c.want {
				t.Errorf("filter %q, order %q: %q, not %q", c.filter, c.order, got, c.want)
			}
		}
		if _, err := first.Filter("size>"); err == nil {
			t.Error("half an expression is taken")
		}
		if _, err := first.Filter("colour=red"); err == nil {
			t.Error("a field that there is not is taken")
		}
		if err := first.Sort(nil, "colour"); err == nil {
			t.Error("an order by a field that there is not is taken")
		}
		columns := first.Columns()
		if want := []SheetColumn{{"Item", false, "name"}, {"Bytes", true, "size"}, {"Namespace", false, "netns"}}; !slices.Equal(columns, want) {
			t.Errorf("columns %v, not %v", columns, want)
		}
		if got := string(first.AppendCell(nil, 0, 1)); got != "2.0K" {
			t.Errorf("the cell is %q", got)
		}
		if first.Colour(1, 1) != table.Red || first.Colour(0, 1) != table.Plain {
			t.Error("the wrong cell is red")
		}
		if got := string(first.AppendJSON(nil, 1)); !strings.HasPrefix(got, `{"kind":"item","name":"a","size":10000,"double":20000,"netns":"web","time":"`) {
			t.Errorf("JSON %s", got)
		}
		if v := first.Value(2, "DOUBLE"); v.Uint() != 2 {
			t.Errorf("a value is %v", v)
		}
		if v := first.Value(2, "colour"); v.IsKnown() {
			t.Error("a field that there is not has a value")
		}
		if row, from, ok := RowOf[item](first, 2); !ok || row.name != "c" || from.NetNS != "web" {
			t.Errorf("row %v of %v", row, from)
		}
		if _, _, ok := RowOf[string](first, 2); ok {
			t.Error("the row is of another type")
		}

		time.Sleep(time.Second)
		now, failure = []item{{"c", 5}, {"d", 4}}, errors.New("it broke")
		second := read()
		if got := arranged(second, "", "name"); got != "a!b!cd" {
			t.Errorf("then there is %s", got)
		}
		if got := arranged(first, "", "name"); got != "abc" {
			t.Errorf("what was read before is %s by now", got)
		}
		if second.Key(0) != first.Key(2) || second.Key(0) == second.Key(1) {
			t.Error("a row is not known again")
		}
		if want := []string{"items of web: it broke"}; !slices.Equal(said, want) || !w.Incomplete() {
			t.Errorf("it is said: %q, not %q", said, want)
		}
		time.Sleep(2 * time.Second)
		now = append(now, item{"a", 7}) // is there again
		if got := arranged(read(), "", "name"); got != "ab!cd" {
			t.Errorf("then there is %s", got)
		}
		time.Sleep(time.Second)
		last := read()
		if got := arranged(last, "", "name"); got != "acd" {
			t.Errorf("in the end there is %s", got)
		}
		var printed bytes.Buffer
		if err := last.Print(table.NewOutput(&printed), []int32{2, 0}); err != nil {
			t.Fatal(err)
		}
		if want := "Item Bytes Namespace\na        7 web\nc        5 web\n"; printed.String() != want {
			t.Errorf("printed %q, not %q", printed.String(), want)
		}
	})
}

// BenchmarkArrange filters and sorts a sheet of connections, most of which are alike.
func BenchmarkArrange(b *testing.B) {
	const many = 200_000
	var sockets []netstat.Socket
	for i := range many {
		s := recordedSocket(uint64(i+1), 10)
		s.Local = netip.AddrPortFrom(s.Local.Addr(), uint16(i))
		s.Processes.Set([]netstat.Process{{PID: int32(i%50 + 1), Name: "worker"}})
		sockets = append(sockets, s)
	}
	w, err := NewWatch(Options{Interval: 1, Numeric: true}, func(text string) { b.Error(text) }, func(func(error)) ([]*Source, error) {
		return []*Source{{Stack: &recorded{sockets: sockets}, At: time.Now()}}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.Close)
	v, err := w.View(Connections())
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Begin(b.Context()); err != nil {
		b.Fatal(err)
	}
	sheet, err := v.Read(b.Context(), Wants{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, filter, order string }{
		{"numbers", "", "-sentRate,-receivedRate,-sentBytes"}, {"texts", "", "process"}, {"addresses", "", "localAddress,localPort"},
		{"filter", "sentBytes>=0 and localPort>1000 and process~worker", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				rows, err := sheet.Filter(c.filter)
				if err == nil {
					err = sheet.Sort(rows, c.order)
				}
				if err != nil || len(rows) == 0 {
					b.Fatal(err, len(rows))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/many, "ns/row")
		})
	}
}
