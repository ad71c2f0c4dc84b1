package mib_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Fan is an ordinary Go type.
type Fan struct {
	Number uint32
	Name   string
	Speed  uint64 // revolutions a minute
}

// fans declares how fans look as managed objects.
var fans = mib.Table[Fan]{
	Name:  "fanTable",
	Entry: mib.MustParseOID("1.3.6.1.4.1.99999.1.1"),
	Index: mib.Index(mib.IntegerIndex(mib.At(func(f *Fan) *uint32 { return &f.Number }))),
	Columns: mib.Columns(
		mib.Column(2, "fanName", mib.AsOctets(mib.At(func(f *Fan) *string { return &f.Name }))),
		mib.Column(3, "fanSpeed", mib.AsGauge(mib.At(func(f *Fan) *uint64 { return &f.Speed }))),
	),
}

// A table is declared once, over a Go type, and answers requests from whatever
// its source reads.
func ExampleTable() {
	source := fresh.New(func(context.Context) ([]Fan, error) {
		return []Fan{{2, "rear", 1200}, {1, "front", 900}}, nil
	})
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "FAN-MIB", Nodes: []mib.Node{fans.Bind(source)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := tree.NewRequest()
	request.Reset(context.Background())
	for cursor := request.Seek(mib.OID{}, true); ; {
		b, err := request.Next(&cursor)
		if err != nil {
			fmt.Println(err)
			return
		}
		if b.Value.Type() == mib.EndOfMibView {
			break
		}
		fmt.Println(b.Name(), "=", b.Value)
	}
	// Output:
	// 1.3.6.1.4.1.99999.1.1.2.1 = OCTET STRING: "front"
	// 1.3.6.1.4.1.99999.1.1.2.2 = OCTET STRING: "rear"
	// 1.3.6.1.4.1.99999.1.1.3.1 = Gauge32: 900
	// 1.3.6.1.4.1.99999.1.1.3.2 = Gauge32: 1200
}

// The same declaration reads the rows back from the variables that another
// agent answered with.
func ExampleTable_Decode() {
	answered := []mib.Binding{
		{Object: fans.Entry.Sub(2), Index: mib.MakeOID(7), Value: mib.Octets("top")},
		{Object: fans.Entry.Sub(3), Index: mib.MakeOID(7), Value: mib.Gauge(640)},
	}
	rows, err := fans.Decode(time.Time{}, slices.Values(answered))
	fmt.Printf("%+v %v\n", rows, err)
	// Output: [{Number:7 Name:top Speed:640}] <nil>
}
