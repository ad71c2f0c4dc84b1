package readings_test

import (
	"context"
	"fmt"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// loopback is a stack of one interface, and says so when it is read.
type loopback struct{ netstat.Stack }

func (loopback) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	fmt.Println("reading")
	return func(yield func(netstat.Interface, error) bool) {
		yield(netstat.Interface{Index: 1, Name: "lo"}, nil)
	}
}

// What several show of a stack is read once for all of them.
func Example() {
	of := readings.New(loopback{}, readings.Options{})
	for _, who := range []string{"a walk", "a scrape"} {
		found, err := of.Interfaces.Get(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(who, "shows", found.Rows[0].Name)
	}
	// Output:
	// reading
	// a walk shows lo
	// a scrape shows lo
}
