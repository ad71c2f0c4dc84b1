package snmp_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

type room struct{ temperature int }

// kitchen is what a MIB module of one's own would have; 32473 is the enterprise
// number for examples (RFC 5612).
var kitchen = mib.Group[room]{
	Name: "kitchen",
	OID:  mib.MustParseOID("1.3.6.1.4.1.32473.1"),
	Objects: mib.Columns(
		mib.Column(1, "kitchenTemperature", mib.AsInteger(mib.At(func(r *room) *int { return &r.temperature }))),
	),
}

func ExampleServer() {
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{
		Name:  "KITCHEN-MIB",
		Nodes: []mib.Node{kitchen.BindNow(func() room { return room{temperature: 21} })},
	})
	if err != nil {
		log.Fatal(err)
	}
	server, err := snmp.NewServer(snmp.Options{
		Handler:     tree,
		Communities: []snmp.Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	address, err := snmp.ParseAddress("udp:127.0.0.1:0") // any port that is free
	if err != nil {
		log.Fatal(err)
	}
	if address, err = server.Listen(address); err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()

	manager := &gosnmp.GoSNMP{
		Target: address.Addr().String(), Port: address.Port(), Community: "public", Version: gosnmp.Version2c, Timeout: 5 * time.Second,
	}
	if err := manager.Connect(); err != nil {
		log.Fatal(err)
	}
	answer, err := manager.Get([]string{"1.3.6.1.4.1.32473.1.1.0"})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range answer.Variables {
		fmt.Println(address.Transport, v.Name, v.Value)
	}

	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output: udp .1.3.6.1.4.1.32473.1.1.0 21
}
