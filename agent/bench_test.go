package agent

import (
	"context"
	"iter"
	"net/netip"
	"testing"
	"time"

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
			Table:       netstat.TableMain, Interface: 7, Type: netstat.RouteUnicast, Protocol: netstat.ProtocolBGP,
		}
	}
	return routes
}

// BenchmarkWalk is a GETBULK walk of inetCidrRouteTable with 50 repetitions,
// without a protocol around it.
func BenchmarkWalk(b *testing.B) {
	a, err := New(Config{Stack: routeStack{routes: manyRoutes(100_000)}})
	if err != nil {
		b.Fatal(err)
	}
	r := a.Tree("").NewRequest()
	b.ReportAllocs()
	from := ipforwardmib.Routes.Entry
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	lastColumn := from.Sub(17)
	for b.Loop() {
		r.Reset(ctx)
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
			from = ipforwardmib.Routes.Entry
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/50/float64(b.N), "ns/varbind")
}

// BenchmarkView is the making of inetCidrRouteTable's view.
func BenchmarkView(b *testing.B) {
	routes := manyRoutes(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if v := ipforwardmib.Routes.View(routes); v.Len() != len(routes) {
			b.Fatal(v.Len())
		}
	}
}
