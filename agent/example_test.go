package agent_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// An SNMP agent for this host with a scalar of one's own beside its tables.
func Example() {
	stack, err := live.Start(live.Options{Kinds: agent.Kinds(nil)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stack.Close()

	doors := mib.Group[int]{
		Name: "doors",
		OID:  mib.MustParseOID("1.3.6.1.4.1.99999"),
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
		fmt.Println(err)
		return
	}
	server, err := snmp.NewServer(snmp.Options{
		Handler:     a.Tree(),
		Communities: []snmp.Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort("127.0.0.1:1161")}); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := server.Serve(ctx); err != nil {
		fmt.Println(err)
	}
}
