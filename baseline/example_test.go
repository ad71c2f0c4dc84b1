package baseline_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// host is a source with one counter and one interface. That of this host's kernel is a
// *collectors.Kernel.
type host struct{ retransmits, octets uint64 }

func (h host) Identity(context.Context) (netstat.Identity, error) {
	return netstat.Identity{BootID: "0f9e7c1a", Cookie: netstat.Known[uint64](1)}, nil
}

func (h host) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		yield(netstat.Counter{Name: "TcpRetransSegs", Group: netstat.GroupTCP, Value: netstat.Unsigned(h.retransmits)}, nil)
	}
}

func (h host) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		eth0 := netstat.Interface{Index: 2, Name: "eth0"}
		eth0.Counters.InOctets.Set(h.octets)
		yield(eth0, nil)
	}
}

// What was counted between two moments. The first goes through a file in between.
func Example() {
	ctx, noon := context.Background(), time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	first, err := baseline.Take(ctx, host{retransmits: 40, octets: 1000}, "", noon)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer // Write and Store keep it on disk
	if err := baseline.Encode(&file, first); err != nil {
		log.Fatal(err)
	}

	now, err := baseline.Take(ctx, host{retransmits: 47, octets: 5096}, "", noon.Add(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	earlier, err := baseline.Decode(&file)
	if err != nil {
		log.Fatal(err)
	}
	delta, err := now.Since(earlier...)
	if err != nil {
		log.Fatal(err) // of another boot, or of another namespace
	}
	fmt.Println("in", delta.To.Sub(delta.From))
	fmt.Println("TcpRetransSegs", delta.Counters["TcpRetransSegs"].Count)
	for _, i := range delta.Interfaces {
		fmt.Println(i.Name, "rx_bytes", i.Counters["rx_bytes"].Count)
	}
	// Output:
	// in 1h0m0s
	// TcpRetransSegs 7
	// eth0 rx_bytes 4096
}
