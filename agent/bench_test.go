package agent

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// routeStack is a stack that has routes only.
type routeStack struct {
	netstat.Stack
	routes []netstat.Route
}

func (s routeStack) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		for i := range s.routes {
			if !yield(s.routes[i], nil) {
				return
			}
		}
	}
}

func (s routeStack) TCPStatistics(context.Context) (t netstat.TCPStatistics, err error) { return }
func (s routeStack) UDPStatistics(context.Context) (u netstat.UDPStatistics, err error) { return }

func manyRoutes(n int) []netstat.Route {
	routes := make([]netstat.Route, n)
	for i := range routes {
		routes[i] = netstat.Route{
			Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(20 + i>>16), byte(i >> 8), byte(i), 0}), 24),
			Gateway:     netip.AddrFrom4([4]byte{10, 255, 0, byte(2 + i%200)}),
			Table:       netstat.TableMain, Interface: 7, Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolBGP,
		}
	}
	return routes
}

// BenchmarkWalk is a GETBULK walk of inetCidrRouteTable with 50 repetitions,
// without a protocol around it.
func BenchmarkWalk(b *testing.B) {
	b.Run("view", func(b *testing.B) { benchmarkWalk(b, routeStack{routes: manyRoutes(100_000)}) })
	b.Run("live", func(b *testing.B) {
		n := nstest.New(b)
		n.IP(b, "link add near type veth peer name far", "link set near up", "link set far up", "addr add 10.255.0.1/16 dev near")
		batch := make([]string, 0, 100_000)
		for _, r := range manyRoutes(100_000) {
			batch = append(batch, fmt.Sprintf("route add %v via %v", r.Destination, r.Gateway))
		}
		n.IP(b, batch...)
		benchmarkWalk(b, openLive(b, n, "IP-FORWARD-MIB"))
	})
}

func benchmarkWalk(b *testing.B, s netstat.Stack) {
	request := requestOn(b, s, "IP-FORWARD-MIB")
	b.ReportAllocs()
	entry := ipforwardmib.Routes().Entry
	lastColumn, from := entry.Sub(17), entry
	for b.Loop() {
		r := request()
		c := r.Seek(from, false)
		var last mib.Binding
		for range 50 {
			v, err := r.Next(&c)
			if err != nil {
				b.Fatal(err)
			}
			last = v
		}
		if from = last.Name(); from.HasPrefix(lastColumn) {
			from = entry
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/50/float64(b.N), "ns/varbind")
}

// BenchmarkView is the making of inetCidrRouteTable's view.
func BenchmarkView(b *testing.B) {
	routes := manyRoutes(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if v := ipforwardmib.Routes().View(routes); v.Len() != len(routes) {
			b.Fatal(v.Len())
		}
	}
}
