// Package randomrow makes random values of the vocabulary's types, for tests of what
// writes them and reads them back.
package randomrow

import (
	"encoding"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Generator makes values of any type of the vocabulary, with every corner that a
// type has: zeros, extremes, unknown and known, nil and empty.
type Generator struct {
	*rand.Rand
	json bool
}

// New returns a generator that makes the same values for the same seed.
func New(seed uint64) Generator { return Generator{Rand: rand.New(rand.NewPCG(seed, 1))} }

// ForJSON returns a generator of what JSON tells apart: strings are UTF-8, prefixes
// have a length, moments have no name of a time zone, and nothing is empty that may
// be nil.
func (g Generator) ForJSON() Generator {
	g.json = true
	return g
}

// Make returns a value.
func Make[T any](g Generator) T {
	var v T
	g.Fill(reflect.ValueOf(&v).Elem())
	return v
}

// Rows returns n values.
func Rows[T any](g Generator, n int) []T {
	rows := make([]T, n)
	for i := range rows {
		rows[i] = Make[T](g)
	}
	return rows
}

// Fill sets v, which is zero and addressable. It panics for types that the
// vocabulary does not use.
func (g Generator) Fill(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *netip.Addr:
		*p = g.addr()
		return
	case *netip.AddrPort:
		if g.IntN(4) > 0 {
			if a := g.addr(); a.IsValid() || !g.json {
				*p = netip.AddrPortFrom(a, uint16(g.Uint32()))
			}
		}
		return
	case *netip.Prefix:
		g.fillPrefix(p)
		return
	case *time.Time:
		if g.IntN(3) > 0 {
			*p = time.Unix(g.Int64N(1<<40)-1<<39, g.Int64N(1e9))
		}
		if g.json && !p.IsZero() {
			*p = time.Unix(g.Int64N(1<<34), g.Int64N(1e9)).UTC()
		}
		return
	case *netstat.Number:
		if *p = netstat.Unsigned(g.uint()); g.IntN(2) == 0 {
			*p = netstat.Signed(int64(g.uint()))
		}
		return
	case interface{ Fields() (any, *bool) }: // an Optional
		value, known := p.Fields()
		if *known = g.IntN(3) > 0; *known {
			to := reflect.ValueOf(value).Elem()
			if g.Fill(to); g.json && to.Kind() == reflect.Slice && to.IsNil() {
				to.Set(reflect.MakeSlice(to.Type(), 0, 0))
			}
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
		v.SetString(g.text(v))
	case reflect.Array:
		for i := range v.Len() {
			g.Fill(v.Index(i))
		}
	case reflect.Pointer:
		if g.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			if g.Fill(v.Elem()); g.json && v.Elem().IsZero() {
				v.SetZero()
			}
		}
	case reflect.Slice:
		if g.IntN(3) > 0 {
			n := g.IntN(4)
			if g.json && n == 0 {
				return
			}
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				g.Fill(v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			g.Fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no values of %v are generated", v.Type()))
	}
}

func (g Generator) fillPrefix(p *netip.Prefix) {
	switch g.IntN(4) {
	case 0:
	case 1:
		if !g.json {
			*p = netip.PrefixFrom(g.addr(), -1)
		}
	default:
		if a := g.addr().WithZone(""); a.IsValid() || !g.json {
			*p = netip.PrefixFrom(a, g.IntN(a.BitLen()+1))
		}
	}
}

// text returns any octets, for JSON those that its type encodes or else UTF-8.
func (g Generator) text(v reflect.Value) string {
	if _, encodes := v.Interface().(encoding.TextMarshaler); g.json && !encodes {
		return strings.Repeat("é\x00<\"/", g.IntN(3))
	}
	b := make([]byte, g.IntN(3)*g.IntN(20))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return string(b)
}

func (g Generator) uint() uint64 {
	switch g.IntN(4) {
	case 0:
		return math.MaxUint64
	case 1:
		return 1 << 63
	}
	return g.Uint64()
}

func (g Generator) addr() netip.Addr {
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
