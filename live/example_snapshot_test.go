package live_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A snapshot is the whole state at one moment. It costs nothing, and does not change.
func ExampleOpen() {
	stack, err := live.Open(context.Background(), live.Options{Kinds: netstat.KindInterface | netstat.KindAddress})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()
	view := stack.Snapshot()
	lo, ok := view.InterfaceByName("lo")
	fmt.Println(ok, lo.Index, lo.Flags&netstat.InterfaceLoopback != 0)
	again, _ := view.Interface(lo.Index)
	fmt.Println(again.Name)

	if err := stack.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(view.Count(netstat.KindInterface) > 0) // the snapshot stays
	// Output:
	// true 1 true
	// lo
	// true
}
