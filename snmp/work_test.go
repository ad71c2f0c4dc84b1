package snmp

import (
	"context"
	"errors"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// sparse is a tree of a scalar and of a table whose column the first and the last
// of many rows have. look is called for each row that is asked for its value.
func sparse(t testing.TB, rows int, look func()) *mib.Tree {
	t.Helper()
	type row struct {
		number int32
		known  bool
	}
	table := mib.Table[row]{
		Name: "sparseTable", Entry: sparseEntry,
		Index: mib.Index(mib.IntegerIndex(mib.At(func(r *row) *int32 { return &r.number }))),
		Columns: mib.Columns(mib.Column(1, "sparse", mib.AsInteger(mib.Through(func(r *row) (int32, bool) {
			look()
			return r.number, r.known
		}, nil)))),
	}
	all := make([]row, rows)
	for i := range all {
		all[i] = row{int32(i), i == 0 || i == rows-1}
	}
	tree := newTreeOf(t, table.Bind(fresh.New(func(context.Context) ([]row, error) { return all, nil })),
		scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} }))
	r := tree.NewRequest()
	r.Reset(t.Context())
	if _, err := r.Get(sparseEntry.Sub(2, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(sparseEntry.Sub(1, 0)); err != nil { // the view is at hand now
		t.Fatal(err)
	}
	return tree
}

var sparseEntry = testRoot.Sub(7, 1)

// The longest requests: as many variables as a datagram, or a message over TCP,
// has room for.
func longest(kind byte, octets int) []byte {
	name := oid(sparseEntry.Sub(1, 0).String())
	binding := varBind(name, null)
	return messageOf(1, "public", pduOf(kind, 1, 0, 10, tlv(0x30, slices.Repeat(binding, (octets-100)/len(binding)))))
}

// TestNobodyWaitsForWork holds that the longest request for a column with hardly any
// value is worked on by somebody who does not serve others: they are answered
// before it.
func TestNobodyWaitsForWork(t *testing.T) {
	const rows = 40_000
	for _, kind := range []byte{ber.GetRequest, ber.GetNextRequest, ber.GetBulkRequest} {
		for _, c := range []struct {
			transport string
			octets    int
		}{{"udp:127.0.0.1:0", 65_000}, {"tcp:127.0.0.1:0", 250_000}} {
			var looked atomic.Int64
			begun, release := make(chan struct{}), make(chan struct{})
			tree := sparse(t, rows, func() {
				// Nobody who serves others looks at so many rows.
				if looked.Add(1) == rows/2 {
					close(begun)
					<-release
				}
			})
			options := Options{Handler: tree, WaitTimeout: patience}
			_, addresses := startServer(t, options, c.transport, "udp:127.0.0.1:0")
			long, other := dial(t, addresses[0], ""), dial(t, addresses[1], "")
			if c.transport[:3] == "udp" {
				other = dial(t, addresses[0], "127.0.0.2")
			}
			send(t, long, longest(kind, c.octets))
			if kind == ber.GetRequest { // which costs little a variable: it is not held up
				close(begun)
				close(release)
			}
			<-begun
			for id := range int32(20) {
				send(t, other, getOf(id, "public", descrName))
				if got := receive(t, other); got.id != id || got.status != 0 {
					t.Fatalf("%s, %x: got %v", c.transport, kind, got)
				}
			}
			if kind != ber.GetRequest {
				close(release)
			}
			got, bulk := receive(t, long), kind == ber.GetBulkRequest
			if bulk && (got.status != 0 || len(got.bindings) < 1000) || !bulk && got.status != int32(mib.TooBig) {
				t.Errorf("%s, %x: got status %d with %d variables", c.transport, kind, got.status, len(got.bindings))
			}
			// Where the values are was found out once.
			if n := looked.Load(); n > 3*rows+3*int64(c.octets)/10 {
				t.Errorf("%s, %x: %d rows were looked at", c.transport, kind, n)
			}
		}
	}
}

// TestManyNamesAreLeft holds that a request with more variables than can be answered
// at once is left to somebody who may wait before all of it is decoded, also where
// what follows cannot be.
func TestManyNamesAreLeft(t *testing.T) {
	d := testEngine(t, newTestTree(t, 3), nil)
	for _, kind := range []byte{ber.GetRequest, ber.GetNextRequest, ber.GetBulkRequest, ber.SetRequest, ber.Response} {
		whole := longest(kind, 60_000)
		odd := slices.Clone(whole)
		odd[len(odd)-1] = 7 // the length of the last value
		for what, message := range map[string][]byte{"whole": whole, "malformed": odd} {
			before := d.engine.counters.statistics()
			answer, err := d.process(noWait, message, fromLoopback, within(noLimit))
			if !wouldWait(err) || answer != nil || len(d.decoder.pdu.names) > mib.MostAtOnce {
				t.Errorf("%x, %s: got %d octets, %v, after %d names", kind, what, len(answer), err, len(d.decoder.pdu.names))
			}
			if got := d.engine.counters.statistics(); got != before {
				t.Errorf("%x, %s: counted %+v before there was an outcome", kind, what, got)
			}
		}
	}
}

// TestTooBigAtOnce holds that variables behind what does not fit are not looked for.
func TestTooBigAtOnce(t *testing.T) {
	var looked atomic.Int64
	d := testEngine(t, sparse(t, 10, func() { looked.Add(1) }), nil)
	for _, kind := range []byte{ber.GetRequest, ber.GetNextRequest} {
		looked.Store(0)
		a := ask(t, d, longest(kind, 60_000), 1472)
		if a == nil || a.status != int32(mib.TooBig) || looked.Load() > 20*1472/10 {
			t.Errorf("%x: got %v, after %d rows", kind, a, looked.Load())
		}
	}
}

// TestBulkEndsWithTheWork holds that a GetBulkRequest that is too much work gets the
// repetitions that are not (RFC 3416, section 4.2.3), and others genErr.
func TestBulkEndsWithTheWork(t *testing.T) {
	entry := testRoot.Sub(7, 1)
	type row struct{ number int32 }
	for _, c := range []struct {
		failing int32 // the row that takes too long
		status  mib.Status
		most    int
	}{{40, mib.NoError, 78}, {1, mib.GenErr, 2}} {
		ctx, late := context.WithCancelCause(t.Context())
		table := mib.Table[row]{
			Name: "lateTable", Entry: entry,
			Index: mib.Index(mib.IntegerIndex(mib.At(func(r *row) *int32 { return &r.number }))),
			Columns: mib.Columns(mib.Column(1, "late", mib.AsInteger(mib.Through(func(r *row) (int32, bool) {
				if r.number == c.failing {
					late(context.DeadlineExceeded)
				}
				return r.number, true
			}, nil)))),
		}
		all := make([]row, 20_000)
		for i := range all {
			all[i].number = int32(i + 1)
		}
		d := testEngine(t, newTreeOf(t, table.Bind(fresh.New(func(context.Context) ([]row, error) { return all, nil }))), nil)
		name := entry.Sub(1).String()
		answer, err := d.process(&deadline{ctx}, messageOf(1, "public", pduOf(ber.GetBulkRequest, 1, 0, 10_000, asked(name, name))), fromLoopback, within(noLimit))
		if err != nil {
			t.Fatal(err)
		}
		a := readAnswer(t, answer)
		if a.status != int32(c.status) || len(a.bindings) < c.most || len(a.bindings) > c.most+4000 {
			t.Errorf("status %d with %d variables", a.status, len(a.bindings))
		}
	}
}

// deadline is a context that passes its deadline when it is cancelled.
type deadline struct{ context.Context }

func (d *deadline) Err() error { return context.Cause(d.Context) }

// TestLogKeepsNames holds that a handler of the log may keep what it was told, while
// the memory of the request is used for the next.
func TestLogKeepsNames(t *testing.T) {
	log := newRecords()
	d := testEngine(t, broken(t, errors.New("broken")), nil)
	d.engine.log = slog.New(log)
	for _, name := range []string{tableEntry + ".3.0.1.97", tableEntry + ".2.7.1.98"} {
		if a := ask(t, d, messageOf(1, "public", pduOf(ber.GetRequest, 1, 0, 0, asked(name))), noLimit); a == nil || a.status != int32(mib.GenErr) {
			t.Fatalf("got %v", a)
		}
	}
	var names []string
	for _, record := range log.all {
		record.Attrs(func(a slog.Attr) bool {
			if a.Key == "name" {
				names = append(names, a.Value.String())
			}
			return true
		})
	}
	if want := []string{tableEntry + ".3.0.1.97", tableEntry + ".2.7.1.98"}; !slices.Equal(names, want) {
		t.Errorf("the log names %q, want %q", names, want)
	}
}
