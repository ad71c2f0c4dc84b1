package remote_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// A router's connections, with the credentials of a file.
func Example() {
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
