package collectors_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The listeners of a network namespace and who holds them.
func ExampleKernel_Sockets() {
	kernel, err := collectors.Open(collectors.Options{NetNS: "blue"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	listeners := netstat.SocketQuery{
		Protocols: []netstat.Protocol{netstat.TCP},
		States:    netstat.States(netstat.Listen),
		Processes: true,
	}
	for s, err := range kernel.Sockets(context.Background(), listeners) {
		if err != nil {
			fmt.Println(err) // the rows before it are right, but not all
			return
		}
		processes, known := s.Processes.Get()
		fmt.Println(s.Local, processes, known)
	}
}

// The routes of one table, as the kernel gives them.
func ExampleKernel_Routes() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	for r, err := range kernel.Routes(context.Background(), netstat.RouteQuery{Table: netstat.TableMain}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Destination, r.Gateway, r.Interface, r.Metric)
	}
}

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
