package recording

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// fake is a stack that is nothing but a netstat.Stack: with routes, and without
// anything else.
type fake struct {
	routes iter.Seq2[netstat.Route, error]
}

func none[T any](what string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, fmt.Errorf("%s: %w", what, netstat.ErrNotSupported))
	}
}

func (fake) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return none[netstat.Socket]("sockets")
}

func (fake) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return none[netstat.Interface]("interfaces")
}

func (fake) Addresses(context.Context) iter.Seq2[netstat.Address, error] {
	return none[netstat.Address]("addresses")
}

func (f fake) Routes(_ context.Context, q netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		for r, err := range f.routes {
			if err == nil && len(q.Families) > 0 && r.Family() != q.Families[0] {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (fake) TCPStatistics(context.Context) (netstat.TCPStatistics, error) {
	return netstat.TCPStatistics{}, netstat.ErrNotSupported
}

func (fake) UDPStatistics(context.Context) (netstat.UDPStatistics, error) {
	return netstat.UDPStatistics{}, netstat.ErrNotSupported
}

// routes yields n routes like those of the Internet: a /24 each, by a few next
// hops.
func routes(n int) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			r := netstat.Route{
				Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 0}), 24),
				Gateway:     netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + random.IntN(16))}),
				Table:       netstat.TableMain, Interface: uint32(2 + random.IntN(4)), Metric: netstat.Known[uint32](20),
				Type: netstat.RouteUnicast, Protocol: netstat.RouteProtocolBGP,
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}
