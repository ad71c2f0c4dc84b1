package agentx_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// A door is what the objects of the example are about.
type door struct {
	name    string
	opened  uint64
	degrees int32
}

// doors is doorObjects of a module below an enterprise's number.
var doors = mib.Group[door]{
	Name: "doorObjects",
	OID:  mib.MustParseOID("1.3.6.1.4.1.32473.1"),
	Objects: mib.Columns(
		mib.Column(1, "doorName", mib.AsOctets(mib.At(func(d *door) *string { return &d.name }))),
		mib.Column(2, "doorOpened", mib.AsCounter32(mib.At(func(d *door) *uint64 { return &d.opened }))),
		mib.Column(3, "doorAngle", mib.AsInteger(mib.At(func(d *door) *int32 { return &d.degrees }))),
	),
}

// A group of scalars, served through the master agent of this host.
func ExampleSubagent() {
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{
		Name:        "DOOR-MIB",
		Identity:    mib.MustParseOID("1.3.6.1.4.1.32473"),
		Description: "The MIB module for doors",
		Nodes:       []mib.Node{doors.BindNow(func() door { return door{"front", 17, 90} })},
	})
	if err != nil {
		log.Fatal(err)
	}
	subagent, err := agentx.New(agentx.Config{
		Address:     "unix:/var/agentx/master",
		Handler:     tree,
		Description: "the doors of this house",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // at once, where a subagent waits for a signal
	if err := subagent.Run(ctx); err != nil {
		log.Fatal(err)
	}
	for _, o := range tree.Objects() {
		fmt.Println(o.Name, o.OID, o.Type)
	}
	// Output:
	// doorName 1.3.6.1.4.1.32473.1.1 OCTET STRING
	// doorOpened 1.3.6.1.4.1.32473.1.2 Counter32
	// doorAngle 1.3.6.1.4.1.32473.1.3 INTEGER
}

func ExampleParseAddress() {
	for _, s := range []string{"/var/agentx/master", "tcp:localhost", "tcp:localhost:99999"} {
		network, address, err := agentx.ParseAddress(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(network, address)
	}
	// Output:
	// unix /var/agentx/master
	// tcp localhost:705
	// AgentX address "tcp:localhost:99999": "99999" is not a port: those are 1 to 65535
}
