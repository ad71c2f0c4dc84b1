package collectors_test

import (
	"context"
	"fmt"

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
