// Package tabletest holds what the tests of MIB modules share.
package tabletest

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// RoundTrip encodes rows through the table, decodes the variables and compares:
// what comes back must be carried(row) for each row of the view, where carried
// leaves of a row what the table can tell. Time stamps are told since epoch,
// the Unix epoch.
func RoundTrip[R any](t *testing.T, table *mib.Table[R], rows []R, carried func(R) R) {
	t.Helper()
	view := table.View(rows)
	got, err := table.Decode(time.Unix(0, 0), Walk(t, table, rows))
	if err != nil {
		t.Fatalf("%s: %v", table.Name, err)
	}
	if len(got) != view.Len() {
		t.Fatalf("%s: %d rows came back of %d", table.Name, len(got), view.Len())
	}
	for i := range got {
		if want := carried(*view.Row(i)); !reflect.DeepEqual(got[i], want) {
			t.Errorf("%s.%v:\n got %+v\nwant %+v\nfrom %+v", table.Name, view.Index(i), got[i], want, *view.Row(i))
		}
	}
}

// everything is the view of who may read secrets as well.
type everything struct{}

func (everything) Covers(mib.OID) mib.Coverage           { return mib.CoversAll }
func (everything) Seek(_, index mib.OID) (mib.OID, bool) { return index, true }
func (everything) Names(mib.OID) bool                    { return true }

// Walk yields the variables of a table over rows as an agent whose sysUpTime
// began with the Unix epoch answers them.
func Walk[R any](t *testing.T, table *mib.Table[R], rows []R) func(yield func(mib.Binding) bool) {
	t.Helper()
	source := fresh.New(func(context.Context) ([]R, error) { return rows, nil })
	tree, err := mib.NewTree(mib.TreeOptions{Epoch: func() time.Time { return time.Unix(0, 0) }},
		mib.Module{Nodes: []mib.Node{table.Bind(source)}})
	if err != nil {
		t.Fatal(err)
	}
	r := tree.NewRequest()
	r.Reset(t.Context())
	r.LimitTo(everything{})
	return func(yield func(mib.Binding) bool) {
		for c := r.Seek(mib.OID{}, true); ; {
			b, err := r.Next(&c)
			if err != nil {
				t.Fatal(err)
			}
			if b.Value.Type() == mib.EndOfMibView || !yield(b) {
				return
			}
		}
	}
}

// Values returns the variables of Walk by their names, "7.1.4.192.0.2.1": the
// column and the index.
func Values[R any](t *testing.T, table *mib.Table[R], rows []R) map[string]mib.Value {
	t.Helper()
	values := make(map[string]mib.Value)
	for b := range Walk(t, table, rows) {
		name, _ := b.Name().CutPrefix(table.Entry)
		values[name.String()] = b.Value
	}
	return values
}

// Addr returns a random address: IPv4, IPv6, mapped or link-local with a zone.
func Addr(r *rand.Rand) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	switch r.IntN(4) {
	case 0:
		return netip.AddrFrom4([4]byte(b[:4]))
	case 1:
		b[0], b[1] = 0xfe, 0x80
		return netip.AddrFrom16(b).WithZone("7")
	case 2:
		b[0] = 0x20
	case 3:
		copy(b[:], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
	}
	return netip.AddrFrom16(b)
}
