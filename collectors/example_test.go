package collectors_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Who listens at a port, and which processes hold the socket. Options name the network
// namespace; without, it is the caller's own.
func ExampleKernel_Sockets() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()

	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	listeners := netstat.SocketQuery{
		Protocols: []netstat.Protocol{netstat.TCP},
		States:    netstat.States(netstat.Listen),
		Filter:    netstat.SocketFilter{LocalPorts: netstat.PortRange{First: port, Last: port}, Local: netip.MustParsePrefix("127.0.0.1/32")},
		Processes: true,
	}
	for s, err := range kernel.Sockets(context.Background(), listeners) {
		if err != nil {
			fmt.Println(err) // the rows before it are right, but not all
			return
		}
		own := slices.ContainsFunc(s.Processes.Or(nil), func(p netstat.Process) bool { return int(p.PID) == os.Getpid() })
		fmt.Println(s.State, s.Local.Addr(), s.Local.Port() == port, own)
	}
	// Output:
	// LISTEN 127.0.0.1 true true
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
