package snmp

import (
	"context"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// item is a row of the table that most tests walk.
type item struct {
	id      int32
	key     string
	name    string
	count   uint64
	gauge   uint64
	age     time.Duration
	addr    netip.Addr
	oid     mib.OID
	hasName bool
}

// scalars is the row of the group that most tests ask.
type scalars struct {
	descr  string
	up     time.Duration
	number int32
	octets uint64
}

var (
	testRoot   = mib.MustParseOID("1.3.6.1.4.1.32473.1")
	upTimeName = mib.MustParseOID("1.3.6.1.4.1.32473.1.1.2.0")
)

func at[T any](part func(*item) *T) mib.Access[item, T]            { return mib.At(part) }
func ofGroup[T any](part func(*scalars) *T) mib.Access[scalars, T] { return mib.At(part) }

func itemTable() *mib.Table[item] {
	return &mib.Table[item]{
		Name:  "itemTable",
		Entry: testRoot.Sub(2, 1),
		Index: mib.Index(
			mib.IntegerIndex(at(func(i *item) *int32 { return &i.id })),
			mib.StringIndex(at(func(i *item) *string { return &i.key })),
		),
		Columns: mib.Columns(
			mib.Column(2, "itemName", mib.AsOctets(mib.Through(
				func(i *item) (string, bool) { return i.name, i.hasName }, nil))),
			mib.Column(3, "itemCount", mib.AsCounter64(at(func(i *item) *uint64 { return &i.count }))),
			mib.Column(4, "itemGauge", mib.AsGauge(at(func(i *item) *uint64 { return &i.gauge }))),
			mib.Column(5, "itemAge", mib.AsTicks(at(func(i *item) *time.Duration { return &i.age }))),
			mib.Column(6, "itemAddr", mib.AsIPAddress(at(func(i *item) *netip.Addr { return &i.addr }))),
			mib.Column(300, "itemOID", mib.AsOID(at(func(i *item) *mib.OID { return &i.oid }))),
		),
	}
}

func scalarGroup() *mib.Group[scalars] {
	return &mib.Group[scalars]{
		Name: "test",
		OID:  testRoot.Sub(1),
		Objects: mib.Columns(
			mib.Column(1, "testDescr", mib.AsOctets(ofGroup(func(s *scalars) *string { return &s.descr }))),
			mib.Column(2, "testUpTime", mib.AsTicks(ofGroup(func(s *scalars) *time.Duration { return &s.up }))),
			mib.Column(3, "testNumber", mib.AsInteger(ofGroup(func(s *scalars) *int32 { return &s.number }))),
			mib.Column(4, "testOctets", mib.AsCounter64(ofGroup(func(s *scalars) *uint64 { return &s.octets }))),
		),
	}
}

func testItems(n int) []item {
	items := make([]item, n)
	for i := range items {
		items[i] = item{
			id:      int32(i/3) * 77,
			key:     string(rune('a'+i%3)) + strings.Repeat("\xff", i%2),
			name:    strings.Repeat("n", i%40*5),
			count:   1<<63 + uint64(i),
			gauge:   uint64(i) << 20,
			age:     time.Duration(i) * time.Second,
			addr:    netip.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)}),
			oid:     testRoot.Sub(uint32(i), 1<<31+uint32(i)),
			hasName: i%5 != 0,
		}
	}
	return items
}

// newTestTree returns a tree of four scalars and a table of n rows, all of
// which are at hand.
func newTestTree(t testing.TB, n int) *mib.Tree {
	t.Helper()
	items := testItems(n)
	source := fresh.New(func(context.Context) ([]item, error) { return items, nil })
	return newTreeOf(t, itemTable().Bind(source), scalarGroup().BindNow(func() scalars {
		return scalars{descr: "a test", up: 1234 * time.Second, number: -5, octets: 1 << 40}
	}))
}

func newTreeOf(t testing.TB, nodes ...mib.Node) *mib.Tree {
	t.Helper()
	tree, err := mib.NewTree(mib.TreeOptions{Log: quiet}, mib.Module{Name: "TEST-MIB", Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

var (
	quiet  = slog.New(slog.DiscardHandler)
	noWait = mib.NoWait()
)

var anywhere = []Community{
	{Name: "public", Source: netip.MustParsePrefix("0.0.0.0/0")},
	{Name: "public", Source: netip.MustParsePrefix("::/0")},
	{Name: "private", Source: netip.MustParsePrefix("0.0.0.0/0"), Write: true},
	{Name: "private", Source: netip.MustParsePrefix("::/0"), Write: true},
}

// startServer serves at the addresses until the test ends.
func startServer(t testing.TB, options Options, addresses ...string) (*Server, []Address) {
	t.Helper()
	if options.Log == nil {
		options.Log = quiet
	}
	if options.Communities == nil {
		options.Communities = anywhere
	}
	s, err := NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := listenAt(s, addresses...)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, s)
	return s, bound
}

func listenAt(s *Server, addresses ...string) (bound []Address, err error) {
	for _, text := range addresses {
		a, err := ParseAddress(text)
		if err != nil {
			return nil, err
		}
		if a, err = s.Listen(a); err != nil {
			return nil, err
		}
		bound = append(bound, a)
	}
	return bound, nil
}

// serve serves until the test ends.
func serve(t testing.TB, s *Server) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
