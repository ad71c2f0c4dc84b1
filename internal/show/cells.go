package show

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// fieldOf declares a field that a row's value alone tells.
func fieldOf[T any](name string, typ table.Type, doc string, value func(*T) table.Value) table.Field[Row[T]] {
	return table.Field[Row[T]]{Name: name, Type: typ, Doc: doc, Value: func(r *Row[T]) table.Value { return value(&r.v) }}
}

// interfaceField declares a field that names an interface by its index: unknown for one
// without a name that is known.
func interfaceField[T any](name, doc string, index func(*T) uint32) table.Field[Row[T]] {
	return table.Field[Row[T]]{Name: name, Type: table.Interface, Doc: doc, Value: func(r *Row[T]) table.Value {
		name, _ := r.from.known(index(&r.v))
		return table.Text(name)
	}}
}

// columnOf declares a column that a row's value alone tells; right says that it
// is aligned to the right.
func columnOf[T any](heading string, width int, right bool, cell func(b []byte, v *T) []byte) table.Column[Row[T]] {
	return table.Column[Row[T]]{Heading: heading, Width: width, Right: right,
		Append: func(b []byte, r *Row[T]) []byte { return cell(b, &r.v) }}
}

// interfaceColumn declares a column that names an interface by its index, with a
// dash for none.
func interfaceColumn[T any](heading string, width int, index func(*T) uint32) table.Column[Row[T]] {
	return table.Column[Row[T]]{Heading: heading, Width: width, Append: func(b []byte, r *Row[T]) []byte {
		n := index(&r.v)
		if n == 0 {
			return append(b, '-')
		}
		return table.AppendEscaped(b, r.from.name(n))
	}}
}

// Cells that many tables have.

// appendAddr appends an address, its zone by the interface's name.
func appendAddr(b []byte, src *Source, a netip.Addr) []byte {
	zone := a.Zone()
	if zone == "" {
		if a.Is4In6() {
			a = a.Unmap()
		}
		return a.AppendTo(b)
	}
	b = append(a.WithZone("").AppendTo(b), '%')
	return table.AppendEscaped(b, zoneName(src, zone))
}

func zoneName(src *Source, zone string) string {
	index, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return zone
	}
	return src.name(uint32(index))
}

// addrValue is the value of an address, its zone by the interface's name.
func addrValue(src *Source, a netip.Addr) table.Value {
	if a.Zone() != "" {
		a = a.WithZone(zoneName(src, a.Zone()))
	}
	return table.Addr(a)
}

func appendUint[N ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, n N) []byte {
	return strconv.AppendUint(b, uint64(n), 10)
}

// appendKnown appends an optional number, or a dash.
func appendKnown[N ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, o netstat.Optional[N]) []byte {
	n, known := o.Get()
	if !known {
		return append(b, '-')
	}
	return appendUint(b, n)
}

// uintValue is the value of an optional number.
func uintValue[N ~uint8 | ~uint16 | ~uint32 | ~uint64](o netstat.Optional[N]) table.Value {
	n, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Uint(n)
}

// knownText is the value of something optional, by its text.
func knownText[T fmt.Stringer](o netstat.Optional[T]) table.Value {
	v, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Text(v.String())
}

// boolValue is the value of an optional truth value.
func boolValue(o netstat.Optional[bool]) table.Value {
	v, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Bool(v)
}

// appendCount appends a number, for people with --human: 12.3k.
func (s *Session) appendCount(b []byte, n uint64) []byte {
	if s.Human {
		return table.AppendScaled(b, n, 1000)
	}
	return strconv.AppendUint(b, n, 10)
}

// appendBytes appends a number of bytes, for people with --human: 12.3K.
func (s *Session) appendBytes(b []byte, n uint64) []byte {
	if s.Human {
		return table.AppendScaled(b, n, 1024)
	}
	return strconv.AppendUint(b, n, 10)
}

func (s *Session) appendKnownBytes(b []byte, o netstat.Optional[uint32]) []byte {
	n, known := o.Get()
	if !known {
		return append(b, '-')
	}
	return s.appendBytes(b, uint64(n))
}
