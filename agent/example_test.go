package agent_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// An SNMP agent for this host with a scalar of one's own beside its tables. 32473 is the
// enterprise number for examples (RFC 5612).
func Example() {
	stack, err := live.Start(live.Options{Kinds: agent.Kinds(nil)})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()

	doors := mib.Group[int]{
		Name: "doors",
		OID:  mib.MustParseOID("1.3.6.1.4.1.32473"),
		Objects: mib.Columns(
			mib.Column(1, "doorsOpen", mib.AsGauge(mib.At(func(n *int) *int { return n }))),
		),
	}
	a, err := agent.New(agent.Config{
		Stack: stack,
		Extra: []mib.Module{{Name: "DOOR-MIB", Identity: doors.OID, Nodes: []mib.Node{
			doors.BindNow(func() int { return 2 }),
		}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	server, err := snmp.NewServer(snmp.Options{
		Handler:     a.Tree(),
		Communities: []snmp.Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Port 0 is any that is free: a manager would ask port 161.
	address, err := server.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()

	manager := &gosnmp.GoSNMP{
		Target: address.Addr().String(), Port: address.Port(), Community: "public", Version: gosnmp.Version2c, Timeout: 10 * time.Second,
	}
	if err := manager.Connect(); err != nil {
		log.Fatal(err)
	}
	answer, err := manager.Get([]string{"1.3.6.1.4.1.32473.1.0", "1.3.6.1.2.1.31.1.1.1.1.1"}) // doorsOpen.0, ifName.1
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Variables[0].Value)
	fmt.Printf("%s\n", answer.Variables[1].Value)

	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2
	// lo
}
