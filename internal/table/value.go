package table

import (
	"cmp"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the type of a field's values.
type Type uint8

// Types of fields.
const (
	String          Type = iota + 1
	Interface            // a String that names an interface
	Keyword              // one of a few words; compared without regard to case, "-" and "_"
	Boolean              // before numbers: false stands in the place of some, and is less
	Integer              // 64 bits, signed or not
	Port                 // an Integer that may have a service's name
	User                 // an Integer that may have a user's name
	RouteTable           // an Integer that may have a routing table's name
	Number               // any number
	Duration             // seconds, a Number in JSON
	Address              // an IP address, possibly with a zone
	Prefix               // an IP address and a prefix length
	Strings              // an array of strings
	Objects              // an array of objects
	Compound             // an object, whose members are fields that are Within it
	IntegerOrFalse       // an Integer, or false
	DurationOrFalse      // a Duration, or false
)

var typeNames = [...]string{
	String: "string", Interface: "string", Keyword: "string", Integer: "integer", Port: "integer", User: "integer", RouteTable: "integer", Number: "number", Boolean: "boolean",
	Duration: "number", Address: "string", Prefix: "string", Strings: "array of strings", Objects: "array of objects", Compound: "object",
	IntegerOrFalse: "integer or false", DurationOrFalse: "number or false",
}

// String returns the type's name in JSON.
func (t Type) String() string { return typeNames[t] }

// Value is the value of a field of one row. The zero Value is one that is not
// known, or that the row does not have.
type Value struct {
	typ      Type
	negative bool
	bits     int16  // of a Prefix
	number   uint64 // Integer, Boolean; Number and Duration as math.Float64bits
	text     string
	addr     netip.Addr
	list     []string
	objects  []Object
	members  iter.Seq2[string, Value] // of a Compound
}

// Object is a member of an array of objects.
type Object []Member

// Member is a field of an Object.
type Member struct {
	Name  string
	Value Value
}

// IsKnown reports whether there is a value.
func (v *Value) IsKnown() bool { return v.typ != 0 }

// Text is a String; the empty one is not known.
func Text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{typ: String, text: s}
}

// KnownText is a String; the empty one is known.
func KnownText(s string) Value { return Value{typ: String, text: s} }

// Word is a Keyword.
func Word(s string) Value { return Value{typ: Keyword, text: s} }

// Uint is an Integer.
func Uint[N ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint](n N) Value {
	return Value{typ: Integer, number: uint64(n)}
}

// NonZero is an Integer that is not known when it is 0.
func NonZero[N ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint](n N) Value {
	if n == 0 {
		return Value{}
	}
	return Uint(n)
}

// Int is an Integer.
func Int[N ~int8 | ~int16 | ~int32 | ~int64 | ~int](n N) Value {
	v := Value{typ: Integer, number: uint64(n)}
	if n < 0 {
		v.negative, v.number = true, -uint64(n) // the least of its type has no negative
	}
	return v
}

// Bool is a Boolean.
func Bool(b bool) Value {
	v := Value{typ: Boolean}
	if b {
		v.number = 1
	}
	return v
}

// Float is a Number; what is not finite is not known.
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{typ: Number, number: math.Float64bits(f)}
}

// Seconds is a Duration.
func Seconds(d time.Duration) Value {
	return Value{typ: Duration, number: math.Float64bits(float64(d) / float64(time.Second))}
}

// Addr is an Address; the zero Addr is not known.
func Addr(a netip.Addr) Value {
	if !a.IsValid() {
		return Value{}
	}
	return Value{typ: Address, addr: a}
}

// Net is a Prefix; the zero one is not known.
func Net(p netip.Prefix) Value {
	if !p.IsValid() {
		return Value{}
	}
	return Value{typ: Prefix, addr: p.Addr(), bits: int16(p.Bits())}
}

// Words is Strings; none is not known.
func Words(list []string) Value {
	if len(list) == 0 {
		return Value{}
	}
	return Value{typ: Strings, list: list}
}

// KnownWords is Strings; none is known.
func KnownWords(list []string) Value { return Value{typ: Strings, list: list} }

// Members is a Compound of those members that are known.
func Members(members iter.Seq2[string, Value]) Value { return Value{typ: Compound, members: members} }

// List is Objects.
func List(objects []Object) Value { return Value{typ: Objects, objects: objects} }

// Type returns the type of the value, 0 for one that is not known. A Port is an
// Integer here.
func (v *Value) Type() Type { return v.typ }

// Str returns a String or Keyword.
func (v *Value) Str() string { return v.text }

// Addr returns an Address, or the address of a Prefix.
func (v *Value) Addr() netip.Addr { return v.addr }

// Prefix returns a Prefix.
func (v *Value) Prefix() netip.Prefix { return netip.PrefixFrom(v.addr, int(v.bits)) }

// Strings returns Strings.
func (v *Value) Strings() []string { return v.list }

// Objects returns Objects.
func (v *Value) Objects() []Object { return v.objects }

// True returns a Boolean.
func (v *Value) True() bool { return v.number != 0 }

// Uint returns an Integer that is not negative.
func (v *Value) Uint() uint64 { return v.number }

// Float returns a Number or Duration, or an Integer as near as it can be.
func (v *Value) Float() float64 {
	switch v.typ {
	case Number, Duration:
		return math.Float64frombits(v.number)
	}
	if v.negative {
		return -float64(v.number)
	}
	return float64(v.number)
}

// Compare orders the values of one field: unknown ones before all others.
func (v *Value) Compare(w *Value) int {
	if v.typ != w.typ {
		// Values of different types are those of a field that some rows lack.
		return cmp.Compare(v.typ, w.typ)
	}
	switch v.typ {
	case Integer, Port, Boolean:
		switch {
		case v.negative && w.negative:
			return cmp.Compare(w.number, v.number)
		case v.negative != w.negative:
			if v.negative {
				return -1
			}
			return 1
		}
		return cmp.Compare(v.number, w.number)
	case Number, Duration:
		return cmp.Compare(v.Float(), w.Float())
	case String, Keyword:
		return strings.Compare(v.text, w.text)
	case Address:
		return v.addr.Compare(w.addr)
	case Prefix:
		return cmp.Or(v.addr.Compare(w.addr), cmp.Compare(v.bits, w.bits))
	case Strings:
		return slices.Compare(v.list, w.list)
	case Objects:
		return slices.CompareFunc(v.objects, w.objects, func(a, b Object) int {
			return slices.CompareFunc(a, b, func(a, b Member) int { return a.Value.Compare(&b.Value) })
		})
	}
	return 0
}

// appendJSON appends the value, which must be known.
func (v *Value) appendJSON(b []byte) []byte {
	switch v.typ {
	case Integer, Port:
		if v.negative {
			b = append(b, '-')
		}
		return strconv.AppendUint(b, v.number, 10)
	case Boolean:
		return strconv.AppendBool(b, v.number != 0)
	case Number, Duration:
		return strconv.AppendFloat(b, v.Float(), 'f', -1, 64)
	case Address:
		if v.addr.Zone() != "" { // the name of an interface, which may have any octet but a few
			return AppendJSONString(b, v.addr.String())
		}
		return append(v.addr.AppendTo(append(b, '"')), '"')
	case Prefix:
		return append(netip.PrefixFrom(v.addr, int(v.bits)).AppendTo(append(b, '"')), '"')
	case Strings:
		b = append(b, '[')
		for i, s := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSONString(b, s)
		}
		return append(b, ']')
	case Objects:
		b = append(b, '[')
		for i, o := range v.objects {
			if i > 0 {
				b = append(b, ',')
			}
			b = o.appendJSON(b)
		}
		return append(b, ']')
	case Compound:
		return appendMembers(b, v.members)
	}
	return AppendJSONString(b, v.text)
}

func (o Object) appendJSON(b []byte) []byte {
	return appendMembers(b, func(yield func(string, Value) bool) {
		for i := range o {
			if !yield(o[i].Name, o[i].Value) {
				return
			}
		}
	})
}

// appendMembers appends an object of those members that are known.
func appendMembers(b []byte, members iter.Seq2[string, Value]) []byte {
	b = append(b, '{')
	first := true
	for name, v := range members {
		if !v.IsKnown() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(AppendJSONString(b, name), ':')
		b = v.appendJSON(b)
	}
	return append(b, '}')
}

const hex = "0123456789abcdef"

// AppendJSONString appends s as a JSON string. A byte that is not UTF-8 becomes
// U+FFFD, which is all that JSON has for it.
func AppendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError && !isControl(r) && r >= utf8.RuneSelf {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case r == utf8.RuneError && size <= 1:
			b = append(b, `\ufffd`...)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			b = appendU(appendU(b, high), low)
		default:
			b = appendU(b, r)
		}
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendU(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// equalFold compares keywords.
func equalFold(a, b string) bool {
	for {
		a, b = skipDashes(a), skipDashes(b)
		if a == "" || b == "" {
			return a == b
		}
		if lower(a[0]) != lower(b[0]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

func skipDashes(s string) string {
	for s != "" && (s[0] == '-' || s[0] == '_') {
		s = s[1:]
	}
	return s
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// EqualWords reports whether two keywords are the same, without regard to case,
// "-" and "_".
func EqualWords(a, b string) bool { return equalFold(a, b) }

// AppendText appends the value for people: a dash for one that is not known.
func (v *Value) AppendText(b []byte) []byte {
	switch v.typ {
	case 0:
		return append(b, '-')
	case String, Keyword:
		return AppendEscaped(b, v.text)
	case Boolean:
		if v.number != 0 {
			return append(b, "yes"...)
		}
		return append(b, "no"...)
	case Address:
		if v.addr.Zone() != "" {
			return AppendEscaped(b, v.addr.String())
		}
		return v.addr.AppendTo(b)
	case Prefix:
		return v.Prefix().AppendTo(b)
	case Strings:
		for i, s := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendEscaped(b, s)
		}
		return b
	case Objects:
		for i, o := range v.objects {
			if i > 0 {
				b = append(b, ',')
			}
			for j := range o {
				if j > 0 {
					b = append(b, '/')
				}
				b = o[j].Value.AppendText(b)
			}
		}
		if len(v.objects) == 0 {
			b = append(b, '-')
		}
		return b
	}
	return v.appendJSON(b)
}
