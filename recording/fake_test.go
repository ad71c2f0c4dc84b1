package recording

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// generator makes values of any type of the vocabulary, with every corner that a
// type has: zeros, extremes, unknown and known, nil and empty.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func generate[T any](g generator) T {
	var v T
	g.fill(reflect.ValueOf(&v).Elem())
	return v
}

func generateRows[T any](g generator, n int) []T {
	rows := make([]T, n)
	for i := range rows {
		rows[i] = generate[T](g)
	}
	return rows
}

func (g generator) fill(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *netip.Addr:
		*p = g.addr()
		return
	case *netip.AddrPort:
		if g.IntN(4) > 0 {
			*p = netip.AddrPortFrom(g.addr(), uint16(g.Uint32()))
		}
		return
	case *netip.Prefix:
		switch g.IntN(4) {
		case 0:
		case 1:
			*p = netip.PrefixFrom(g.addr(), -1)
		default:
			a := g.addr().WithZone("")
			*p = netip.PrefixFrom(a, g.IntN(a.BitLen()+1))
		}
		return
	case *time.Time:
		if g.IntN(3) > 0 {
			*p = time.Unix(g.Int64N(1<<40)-1<<39, g.Int64N(1e9))
		}
		return
	case *netstat.Number:
		if *p = netstat.Unsigned(g.uint()); g.IntN(2) == 0 {
			*p = netstat.Signed(int64(g.uint()))
		}
		return
	case optional:
		value, known := p.Fields()
		if *known = g.IntN(3) > 0; *known {
			g.fill(reflect.ValueOf(value).Elem())
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(g.uint() >> (64 - v.Type().Bits()))
		if g.IntN(2) == 0 {
			v.SetUint(uint64(g.IntN(3)))
		}
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(int64(g.uint()) >> (64 - v.Type().Bits()))
		if g.IntN(2) == 0 {
			v.SetInt(int64(g.IntN(3) - 1))
		}
	case reflect.String:
		b := make([]byte, g.IntN(3)*g.IntN(20))
		for i := range b {
			b[i] = byte(g.Uint32())
		}
		v.SetString(string(b))
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i))
		}
	case reflect.Pointer:
		if g.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem())
		}
	case reflect.Slice:
		if g.IntN(3) > 0 {
			n := g.IntN(4)
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				g.fill(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			g.fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no values of %v are generated", v.Type()))
	}
}

func (g generator) uint() uint64 {
	switch g.IntN(4) {
	case 0:
		return math.MaxUint64
	case 1:
		return 1 << 63
	}
	return g.Uint64()
}

func (g generator) addr() netip.Addr {
	var a16 [16]byte
	for i := range a16 {
		a16[i] = byte(g.Uint32())
	}
	switch g.IntN(6) {
	case 0:
		return netip.Addr{}
	case 1:
		return netip.AddrFrom4([4]byte(a16[:4]))
	case 2:
		return netip.IPv6Unspecified()
	case 3:
		return netip.AddrFrom16(netip.AddrFrom4([4]byte(a16[:4])).As16())
	case 4:
		return netip.AddrFrom16(a16).WithZone(fmt.Sprint(g.IntN(100)))
	}
	return netip.AddrFrom16(a16)
}

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
				Type: netstat.RouteUnicast, Protocol: netstat.ProtocolBGP,
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}
