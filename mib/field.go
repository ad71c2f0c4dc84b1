package mib

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Access is how one value of type T is read from a row of type R and written
// to it. Reading reports false where the row does not know the value.
type Access[R, T any] struct {
	get   func(*R) (T, bool)
	set   func(*R, T)
	check func(*R, T) error // nil where a row takes every value
}

// At gives access to a part of the row that is always known.
func At[R, T any](part func(*R) *T) Access[R, T] {
	return Access[R, T]{
		get: func(r *R) (T, bool) { return *part(r), true },
		set: func(r *R, v T) { *part(r) = v },
	}
}

// Maybe gives access to a part of the row that may be unknown.
func Maybe[R, T any, O interface {
	Get() (T, bool)
	Set(T)
}](part func(*R) O) Access[R, T] {
	return Access[R, T]{
		get: func(r *R) (T, bool) { return part(r).Get() },
		set: func(r *R, v T) { part(r).Set(v) },
	}
}

// Through gives access by two functions. A nil set is for what follows from
// the rest of the row.
func Through[R, T any](get func(*R) (T, bool), set func(*R, T)) Access[R, T] {
	if set == nil {
		set = func(*R, T) {}
	}
	return Access[R, T]{get: get, set: set}
}

// Whole gives access to a duration as a whole number of a unit, as columns of
// milliseconds or seconds have it. What is finer than the unit is dropped. A number
// from elsewhere that no Duration has room for is the nearest that there is.
func Whole[R any](a Access[R, time.Duration], unit time.Duration) Access[R, int64] {
	return Access[R, int64]{
		get: func(r *R) (int64, bool) {
			d, ok := a.get(r)
			return int64(d / unit), ok
		},
		set: func(r *R, n int64) {
			most := int64(math.MaxInt64 / unit)
			a.set(r, time.Duration(min(max(n, -most), most))*unit)
		},
	}
}

// Checked refuses values from elsewhere that check has an error for: in a column
// they are unknown, in an index they make the row one that is not understood. The
// row then has what precedes the value in its table.
func (a Access[R, T]) Checked(check func(*R, T) error) Access[R, T] {
	a.check = check
	return a
}

// Sized gives access to octets with the sizes of their SYNTAX clause, and refuses others from
// elsewhere, as Checked does.
func Sized[R any, T ~string](a Access[R, T], least, most int) Access[R, T] {
	return a.Checked(func(_ *R, octets T) error {
		if len(octets) < least || len(octets) > most {
			return fmt.Errorf("%d octets, not %d to %d", len(octets), least, most)
		}
		return nil
	})
}

// Get returns the value in the row, and whether the row knows it.
func (a Access[R, T]) Get(r *R) (T, bool) { return a.get(r) }

// Set writes the value into the row.
func (a Access[R, T]) Set(r *R, v T) { a.set(r, v) }

// take writes a value from elsewhere into the row.
func (a Access[R, T]) take(r *R, v T) error {
	if a.check != nil {
		if err := a.check(r, v); err != nil {
			return err
		}
	}
	a.set(r, v)
	return nil
}

// Field is how one object's value stands in a row: its type on the wire and
// the way there and back.
type Field[R any] struct {
	syntax syntax
	get    func(*R) (Value, bool)
	set    func(*R, Value) error
	// setMoment takes the place of set for a TimeStamp.
	setMoment func(*R, time.Time)
}

// syntax is what a Field is whatever the rows are.
type syntax struct {
	typ   Type
	never bool // no row has a value
	idle  bool // what is written is passed over
	// refuse says what of the SYNTAX clause a value of the type is not: WrongLength or
	// WrongValue. It is nil where every value will do, and asked of what is to be written.
	refuse func(Value) Status
	text   bool // AsText

	rowStatus, storage bool // RowStatus, AsStorageType
}

// Within returns the field of an integer with the range of its SYNTAX clause, which
// what is written must be in.
func (f Field[R]) Within(least, most int64) Field[R] {
	f.syntax.refuse = func(v Value) Status {
		if n, ok := v.integer(); !ok || n < least || n > most {
			return WrongValue
		}
		return NoError
	}
	return f
}

// OfLength returns the field of an OCTET STRING with the sizes of its SYNTAX clause, one
// of which what is written must have.
func (f Field[R]) OfLength(least, most int) Field[R] {
	f.syntax = f.syntax.ofLength(least, most)
	return f
}

func (s syntax) ofLength(least, most int) syntax {
	otherwise := s.refuse
	s.refuse = func(v Value) Status {
		switch {
		case len(v.str) < least || len(v.str) > most:
			return WrongLength
		case otherwise != nil:
			return otherwise(v)
		}
		return NoError
	}
	return s
}

// judge says what is wrong with a value that is to be written, whatever the row.
func (s *syntax) judge(v Value) Status {
	if v.typ != s.typ {
		return WrongType
	}
	if s.refuse != nil {
		return s.refuse(v)
	}
	return NoError
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// field makes a Field of the conversions of a known value. toRow reports false
// for a value that the row cannot hold.
func field[R, T any](typ Type, a Access[R, T], toValue func(T) Value, toRow func(Value) (T, bool)) Field[R] {
	return Field[R]{
		syntax: syntax{typ: typ},
		get: func(r *R) (Value, bool) {
			v, ok := a.get(r)
			if !ok {
				return Value{}, false
			}
			return toValue(v), true
		},
		set: func(r *R, v Value) error {
			t, ok := toRow(v)
			if !ok {
				return fmt.Errorf("value %v out of range", v)
			}
			return a.take(r, t)
		},
	}
}

func unsigned[T integer](v Value) (T, bool) {
	t := T(v.num)
	return t, t >= 0 && uint64(t) == v.num
}

// AsInteger is an INTEGER. A value that does not fit 32 bits stands at the
// nearest that does.
func AsInteger[R any, T integer](a Access[R, T]) Field[R] {
	return field(Integer32, a,
		func(t T) Value {
			if t > 0 && uint64(t) > math.MaxInt32 {
				return Int(math.MaxInt32)
			}
			return Int(int32(max(int64(t), math.MinInt32)))
		},
		func(v Value) (T, bool) {
			t := T(v.Int())
			return t, int64(t) == int64(v.Int()) && (t < 0) == (v.Int() < 0)
		})
}

// AsCounter32 is a Counter32: the low 32 bits of a wider counter.
func AsCounter32[R any, T integer](a Access[R, T]) Field[R] {
	return field(Counter32, a, func(t T) Value { return Count32(uint64(t)) }, unsigned[T])
}

// AsCounter64 is a Counter64.
func AsCounter64[R any, T integer](a Access[R, T]) Field[R] {
	return field(Counter64, a, func(t T) Value { return Count64(uint64(t)) }, unsigned[T])
}

// AsGauge is a Gauge32 or Unsigned32; larger values stand at its maximum.
func AsGauge[R any, T integer](a Access[R, T]) Field[R] {
	return field(Gauge32, a, func(t T) Value { return Gauge(uint64(t)) }, unsigned[T])
}

// AsTicks is TimeTicks of a duration, to the hundredth of a second.
func AsTicks[R any](a Access[R, time.Duration]) Field[R] {
	const hundredth = 10 * time.Millisecond
	return field(TimeTicks, a,
		func(d time.Duration) Value { return Ticks(uint64(max(d, 0) / hundredth)) },
		func(v Value) (time.Duration, bool) { return time.Duration(v.num) * hundredth, true })
}

// AsTimeStamp is the TimeStamp of a moment (RFC 2579): the value of sysUpTime
// then, 0 for the zero time and for what was before sysUpTime began.
func AsTimeStamp[R any](a Access[R, time.Time]) Field[R] {
	f := field(timeStamp, a, stampValue, func(Value) (t time.Time, ok bool) { return t, false })
	f.setMoment = a.set
	return f
}

// AsOctets is an OCTET STRING of any octets.
func AsOctets[R any, T ~string](a Access[R, T]) Field[R] {
	return field(OctetString, a,
		func(t T) Value { return Octets(string(t)) },
		func(v Value) (T, bool) { return T(v.str), true })
}

// AsText is a DisplayString or SnmpAdminString of at most so many octets, of text
// that somebody else chose: octets that are not UTF-8 (RFC 3411, SnmpAdminString)
// become question marks, and what is longer is cut at the end of a character.
func AsText[R any](a Access[R, string], most int) Field[R] {
	f := field(OctetString, a,
		func(text string) Value {
			if text = strings.ToValidUTF8(text, "?"); len(text) > most {
				end := most
				for !utf8.RuneStart(text[end]) {
					end--
				}
				text = text[:end]
			}
			return Octets(text)
		},
		func(v Value) (string, bool) { return v.str, true })
	f.syntax.text = true
	f.syntax.refuse = func(v Value) Status {
		if !utf8.ValidString(v.str) {
			return WrongValue
		}
		return NoError
	}
	return f.OfLength(0, most)
}

// AsOID is an OBJECT IDENTIFIER.
func AsOID[R any](a Access[R, OID]) Field[R] {
	return field(ObjectIdentifier, a, OIDValue, func(v Value) (OID, bool) { return v.OID(), true })
}

// AsIPAddress is an IpAddress; an address that is not IPv4 is absent.
func AsIPAddress[R any](a Access[R, netip.Addr]) Field[R] {
	f := field(IPAddress, a, AddrValue, func(v Value) (netip.Addr, bool) { return v.Addr(), true })
	get := f.get
	f.get = func(r *R) (Value, bool) {
		if addr, ok := a.get(r); !ok || !addr.Is4() {
			return Value{}, false
		}
		return get(r)
	}
	return f
}

// AsTruth is a TruthValue (RFC 2579): true(1) or false(2).
func AsTruth[R any](a Access[R, bool]) Field[R] {
	return AsEnum(a, Enum[bool]{{true, 1}, {false, 2}})
}

// Enum pairs the values of a Go type with the numbers of an enumerated INTEGER.
// Where a Go value or a number stands more than once, its first pair counts.
type Enum[T comparable] []struct {
	Value  T
	Number int32
}

func (e Enum[T]) number(t T) (int32, bool) {
	for i := range e {
		if e[i].Value == t {
			return e[i].Number, true
		}
	}
	return 0, false
}

func (e Enum[T]) value(number int32) (t T, ok bool) {
	for i := range e {
		if e[i].Number == number {
			return e[i].Value, true
		}
	}
	return t, false
}

// AsEnum is an enumerated INTEGER. A Go value without a number is absent; a
// number without a Go value is an error.
func AsEnum[R any, T comparable](a Access[R, T], enum Enum[T]) Field[R] {
	return Field[R]{
		syntax: syntax{typ: Integer32, refuse: func(v Value) Status {
			if _, ok := enum.value(v.Int()); !ok {
				return WrongValue
			}
			return NoError
		}},
		get: func(r *R) (Value, bool) {
			t, ok := a.get(r)
			if !ok {
				return Value{}, false
			}
			number, ok := enum.number(t)
			return Int(number), ok
		},
		set: func(r *R, v Value) error {
			t, ok := enum.value(v.Int())
			if !ok {
				return fmt.Errorf("%v is not one of the enumeration", v)
			}
			return a.take(r, t)
		},
	}
}

// AsConstant is an object that has the same value in every row, and is written as that or
// not at all. Reading a row from elsewhere passes over it.
func AsConstant[R any](v Value) Field[R] {
	return Field[R]{
		syntax: syntax{typ: v.typ, idle: true, refuse: func(other Value) Status {
			if other != v {
				return WrongValue
			}
			return NoError
		}},
		get: func(*R) (Value, bool) { return v, true },
		set: func(*R, Value) error { return nil },
	}
}

// AsAbsent is an object that exists in the MIB and that rows of this kind never
// know.
func AsAbsent[R any](t Type) Field[R] {
	return Field[R]{
		syntax: syntax{typ: t, never: true, idle: true},
		get:    func(*R) (Value, bool) { return Value{}, false },
	}
}

// take returns a value from the wire as one of the type, which a value of another type may be that holds the same, as
// agents have them. It reports false for what says nothing, and for what is passed over.
func (s *syntax) take(v Value) (taken Value, says bool, err error) {
	if s.idle || v.typ == Null {
		return Value{}, false, nil
	}
	want := s.typ
	if want == timeStamp {
		want = TimeTicks
	}
	if v.typ != want {
		other, ok := v.as(want)
		if !ok {
			return Value{}, false, fmt.Errorf("%v is no %v", v.abridged(), want)
		}
		v = other
	}
	return v, true, nil
}

// as returns the value as one of another type that holds the same: a number of one
// type for another's, or in decimal digits, and an address in octets or in text. A
// number may be wider than the type, where the row has room for it.
func (v Value) as(t Type) (Value, bool) {
	switch t {
	case Integer32, Counter32, Gauge32, TimeTicks, Counter64:
		n, ok := v.integer()
		switch {
		case !ok:
		case t == Integer32 && (n > math.MaxInt32 || n < math.MinInt32), t != Integer32 && n < 0, t == TimeTicks && n > math.MaxUint32:
		default:
			return Value{typ: t, num: uint64(n)}, true
		}
		return Value{typ: t, num: v.num}, v.typ == Counter64 && t != Integer32 && t != TimeTicks // beyond what is signed
	case IPAddress:
		if v.typ != OctetString {
			return Value{}, false
		}
		if len(v.str) == 4 {
			return IPv4Value(uint32(v.str[0])<<24 | uint32(v.str[1])<<16 | uint32(v.str[2])<<8 | uint32(v.str[3])), true
		}
		addr, err := netip.ParseAddr(v.str)
		return AddrValue(addr), err == nil && addr.Is4()
	}
	return Value{}, false
}

// integer returns a number that a value of any type holds, in decimal digits even.
func (v Value) integer() (n int64, ok bool) {
	switch v.typ {
	case Integer32, Counter32, Gauge32, TimeTicks:
		return int64(v.num), true
	case Counter64:
		return int64(v.num), v.num <= math.MaxInt64
	case OctetString:
		n, err := strconv.ParseInt(v.str, 10, 64)
		return n, err == nil && v.str[0] != '+'
	}
	return 0, false
}
