package collectors_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Connections from a network, with their round-trip times: the kernel selects
// them.
func ExampleKernel_Sockets_filter() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	q := netstat.SocketQuery{
		Protocols: []netstat.Protocol{netstat.TCP},
		States:    netstat.States(netstat.Established),
		Filter:    netstat.SocketFilter{Remote: netip.MustParsePrefix("192.0.2.0/24")},
		Details:   netstat.DetailTCPInfo,
	}
	for s, err := range kernel.Sockets(context.Background(), q) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if info := s.Detail.TCP; info != nil {
			fmt.Println(s.Local, s.Remote, info.RTT, info.TotalRetransmits)
		}
	}
}

// Several queries share one look at the processes.
func ExampleKernel_SocketOwners() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	owners, err := kernel.SocketOwners(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	if !owners.Complete() {
		fmt.Println("processes that could not be looked into:", owners.Hidden)
	}
	for s, err := range kernel.UnixSockets(context.Background(), netstat.EndpointQuery{Owners: owners}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q %v\n", s.Name, s.Processes)
	}
}
