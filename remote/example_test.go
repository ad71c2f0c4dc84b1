package remote_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// router serves the interfaces of a router on a port of its own, until stop is called.
func router() (address string, stop func()) {
	eth0 := netstat.Interface{Index: 2, Name: "eth0", Alias: "uplink", MTU: netstat.Known[uint32](1500)}
	eth0.Counters.InOctets.Set(98310444193)
	interfaces := fresh.New(func(context.Context) ([]netstat.Interface, error) { return []netstat.Interface{eth0}, nil })
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "IF-MIB", Nodes: []mib.Node{
		ifmib.Interfaces().Bind(interfaces), ifmib.Extensions().Bind(interfaces),
	}})
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
	at, err := server.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	return at.AddrPort.String(), func() {
		end()
		if err := <-done; err != nil {
			log.Fatal(err)
		}
	}
}

// The interfaces of a router. What it does not tell is unknown, and a kind of rows that it
// does not have is an error.
func Example() {
	address, stop := router()
	defer stop()
	ctx := context.Background()
	stack, err := remote.Open(ctx, remote.Config{Address: address, Community: "public", Timeout: 10 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()
	for i, err := range stack.Interfaces(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(i.Index, i.Name, i.Alias, i.MTU, i.Counters.InOctets, i.Carrier)
	}
	for _, err := range stack.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}}) {
		fmt.Println(errors.Is(err, netstat.ErrNotSupported))
	}
	// Output:
	// 2 eth0 uplink 1500 98310444193 -
	// true
}

// A router's connections, with the credentials of a file.
func ExampleConfig_ReadFile() {
	config := remote.Config{Address: "192.0.2.1"}
	if err := config.ReadFile("/etc/snmp/snmp.conf"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	ctx := context.Background()
	router, err := remote.Open(ctx, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer router.Close()
	for s, err := range router.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}}) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		fmt.Println(s.State, s.Local, s.Remote)
	}
}

// The interfaces of many hosts, at most ten seconds for each.
func ExampleRead() {
	hosts := func(yield func(remote.Config) bool) {
		for i := range 500 {
			c := remote.Config{Address: fmt.Sprintf("192.0.2.%d", i), Community: "public"}
			if !yield(c) {
				return
			}
		}
	}
	pool := remote.Pool{Timeout: 10 * time.Second}
	for host := range remote.Read(context.Background(), pool, hosts, remote.Rows((*remote.Stack).Interfaces)) {
		if host.Err != nil {
			fmt.Println(host.Config.Address, host.Err)
			continue
		}
		fmt.Println(host.Config.Address, len(host.Value), "interfaces in", host.Took)
	}
}

// What interfaces carry, every ten seconds.
func ExampleStack_Sample() {
	ctx := context.Background()
	router, err := remote.Open(ctx, remote.Config{Address: "192.0.2.1", Community: "public"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer router.Close()
	before, err := router.Sample(ctx)
	for err == nil {
		time.Sleep(10 * time.Second)
		var now *remote.Sample
		if now, err = router.Sample(ctx); err != nil {
			break
		}
		var d remote.Difference
		if d, err = now.Since(before); err != nil {
			break
		}
		for _, i := range d.Interfaces {
			if octets, known := i.Counters.InOctets.Get(); known {
				fmt.Println(i.Name, float64(octets)/d.Elapsed.Seconds(), "octets a second")
			}
		}
		before = now
	}
	fmt.Fprintln(os.Stderr, err)
}
