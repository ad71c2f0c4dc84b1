package collectors_test

import (
	"context"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// The interfaces of every network namespace of the host.
func ExampleInEvery() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	for row, err := range collectors.InEvery(context.Background(), kernel, (*collectors.Kernel).Interfaces) {
		if err != nil {
			fmt.Println(err) // of this namespace; the others follow
			continue
		}
		fmt.Println(row.Namespace.Label(), row.Row.Name)
	}
}

// The counters of TCP that are not 0, with what they mean.
func ExampleKernel_Counters() {
	kernel, err := collectors.Open(collectors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close()
	for c, err := range kernel.Counters(context.Background(), netstat.GroupTCP) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if c.Value != netstat.Unsigned(0) {
			info := netstat.DescribeCounter(c.Name)
			fmt.Println(c.Name, c.Value, info.Unit, info.Meaning)
		}
	}
}
