package snmp_test

import (
	"fmt"
	"log"
	"net"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// oven is a row of a table of one's own, and tooHot a notification of it.
type oven struct {
	number  uint32
	degrees int
}

var (
	ovens = mib.Table[oven]{
		Name:  "ovenTable",
		Entry: mib.MustParseOID("1.3.6.1.4.1.32473.2.1"),
		Index: mib.Index(mib.IntegerIndex(mib.At(func(o *oven) *uint32 { return &o.number }))),
		Columns: mib.Columns(
			mib.Column(2, "ovenTemperature", mib.AsInteger(mib.At(func(o *oven) *int { return &o.degrees }))),
		),
	}
	tooHot = mib.NotificationType[oven]{
		Name:    "ovenTooHot",
		OID:     mib.MustParseOID("1.3.6.1.4.1.32473.0.1"),
		Table:   &ovens,
		Objects: []string{"ovenTemperature"},
	}
)

// A notification to a manager that listens in the same process.
func ExampleServer_Notify() {
	manager, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()

	tree, err := mib.NewTree(mib.TreeOptions{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := snmp.NewServer(snmp.Options{Handler: tree})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	address, err := snmp.ParseTargetAddress(manager.LocalAddr().String(), snmp.TrapPort)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.SetTargets([]snmp.Target{{Address: address, Version: snmp.SNMPv2c, Community: "kitchen"}}); err != nil {
		log.Fatal(err)
	}
	server.Notify(tooHot.New(time.Now(), &oven{number: 3, degrees: 412}))

	datagram := make([]byte, 65535)
	n, _, err := manager.ReadFrom(datagram)
	if err != nil {
		log.Fatal(err)
	}
	packet, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).UnmarshalTrap(datagram[:n], false)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range packet.Variables[1:] { // without sysUpTime.0
		fmt.Println(packet.Community, v.Name, v.Value)
	}
	// Output:
	// kitchen .1.3.6.1.6.3.1.1.4.1.0 .1.3.6.1.4.1.32473.0.1
	// kitchen .1.3.6.1.4.1.32473.2.1.2.3 412
}
