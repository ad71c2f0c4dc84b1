package live_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Print every change of this host's routes and addresses.
func ExampleStack_Subscribe() {
	ctx := context.Background()
	stack, err := live.Open(ctx, live.Options{Kinds: netstat.KindRoute | netstat.KindAddress})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()
	sub := stack.Subscribe(live.SubscribeOptions{})
	defer sub.Close()
	for event, err := range sub.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch v := event.Value.(type) {
		case netstat.Route:
			fmt.Println(event.Change, v.Destination, "via", v.Gateway, "dev", v.Interface, "table", v.Table)
		case netstat.Address:
			fmt.Println(event.Change, v.Prefix, "dev", v.Interface)
		case nil: // event.Change is live.Gap
			fmt.Println("changes were lost; there are", event.Snapshot.Count(netstat.KindRoute), "routes now")
		}
	}
}

// Watch one interface, and begin with what it is like.
func ExampleStack_Notify() {
	ctx := context.Background()
	stack, err := live.Open(ctx, live.Options{Kinds: netstat.KindInterface})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()
	eth0, ok := stack.Snapshot().InterfaceByName("eth0")
	if !ok {
		log.Fatal("there is no eth0")
	}
	stop := stack.Notify(live.SubscribeOptions{
		Filter:  live.Filter{Interface: eth0.Index},
		Initial: live.InitialBefore,
	}, func(event live.Event) {
		if i, ok := event.Value.(netstat.Interface); ok {
			fmt.Println(i.Name, event.Change, "and is", i.Operational())
		}
	})
	defer stop()
	<-stack.Done()
}

// Look up where packets go.
func ExampleSnapshot_Lookup() {
	stack, err := live.Open(context.Background(), live.Options{Kinds: netstat.KindRoute | netstat.KindRule})
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close()
	view := stack.Snapshot() // all lookups in it have the same routes
	for _, destination := range []string{"192.0.2.7", "2001:db8::7"} {
		hops, err := view.Lookup(live.Flow{Destination: netip.MustParseAddr(destination)})
		if err != nil {
			log.Fatal(err)
		}
		if len(hops) == 0 {
			fmt.Println(destination, "has no route")
		}
		for _, hop := range hops {
			fmt.Println(destination, hop.Type, "via", hop.Gateway, "dev", hop.Interface)
		}
	}
}
