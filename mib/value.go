package mib

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"
)

// Type is the type of a value. Its numbers are the tags of RFC 3416, section 3,
// which RFC 2741, section 5.4, uses as well.
type Type uint8

// The types of SMIv2 (RFC 2578, section 7.1), and the exceptions that take a
// value's place in a response (RFC 3416, section 3). Unsigned32 is Gauge32 on
// the wire.
const (
	Integer32        Type = 0x02
	OctetString      Type = 0x04
	Null             Type = 0x05
	ObjectIdentifier Type = 0x06
	IPAddress        Type = 0x40
	Counter32        Type = 0x41
	Gauge32          Type = 0x42
	TimeTicks        Type = 0x43
	Opaque           Type = 0x44
	Counter64        Type = 0x46

	NoSuchObject   Type = 0x80
	NoSuchInstance Type = 0x81
	EndOfMibView   Type = 0x82
)

// timeStamp is a TimeTicks that has not met its tree yet: a moment, in nanoseconds
// since base, which the tree turns into the value of sysUpTime then (RFC 2579,
// TimeStamp).
const timeStamp Type = 0xff

// base is what the moments of TimeStamps are counted from. Moments are subtracted
// as time.Time.Sub does, by the monotonic clock where both have its reading: sysUpTime
// goes by that clock too, and the other one is set now and then.
var base = time.Now()

var typeNames = map[Type]string{
	Integer32: "INTEGER", OctetString: "OCTET STRING", Null: "NULL",
	ObjectIdentifier: "OBJECT IDENTIFIER", IPAddress: "IpAddress", Counter32: "Counter32",
	Gauge32: "Gauge32", TimeTicks: "TimeTicks", Opaque: "Opaque", Counter64: "Counter64",
	NoSuchObject: "noSuchObject", NoSuchInstance: "noSuchInstance", EndOfMibView: "endOfMibView",
	timeStamp: "TimeStamp",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type 0x%02x", uint8(t))
}

// Value is the value of one variable. The zero Value is invalid; values compare
// with ==.
type Value struct {
	typ Type
	num uint64
	str string // OctetString, Opaque: the octets; ObjectIdentifier: packed
}

// Int returns an INTEGER.
func Int(v int32) Value { return Value{typ: Integer32, num: uint64(int64(v))} }

// Octets returns an OCTET STRING.
func Octets(s string) Value { return Value{typ: OctetString, str: s} }

// OIDValue returns an OBJECT IDENTIFIER.
func OIDValue(o OID) Value { return Value{typ: ObjectIdentifier, str: o.packed} }

// IPv4Value returns an IpAddress of the four octets, the first in the highest
// byte.
func IPv4Value(addr uint32) Value { return Value{typ: IPAddress, num: uint64(addr)} }

// AddrValue returns an IpAddress; an address that is not IPv4 gives 0.0.0.0.
func AddrValue(a netip.Addr) Value {
	if !a.Is4() {
		return IPv4Value(0)
	}
	b := a.As4()
	return IPv4Value(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
}

// Count32 returns a Counter32 of the low 32 bits of v: a counter that wrapped.
func Count32(v uint64) Value { return Value{typ: Counter32, num: v & math.MaxUint32} }

// Count64 returns a Counter64.
func Count64(v uint64) Value { return Value{typ: Counter64, num: v} }

// Gauge returns a Gauge32 or Unsigned32, latched at its maximum (RFC 2578,
// section 7.1.7).
func Gauge(v uint64) Value { return Value{typ: Gauge32, num: min(v, math.MaxUint32)} }

// Ticks returns TimeTicks of the low 32 bits of v hundredths of a second.
func Ticks(v uint64) Value { return Value{typ: TimeTicks, num: v & math.MaxUint32} }

// OpaqueValue returns an Opaque.
func OpaqueValue(s string) Value { return Value{typ: Opaque, str: s} }

// Exception returns NoSuchObject, NoSuchInstance, EndOfMibView or Null, which
// have no content.
func Exception(t Type) Value { return Value{typ: t} }

// stampValue returns a TimeStamp of the moment t; the zero time is the value
// zero.
func stampValue(t time.Time) Value {
	if t.IsZero() {
		return Ticks(0)
	}
	return Value{typ: timeStamp, num: uint64(t.Sub(base))}
}

// resolve turns a TimeStamp into TimeTicks since epoch, the zero of sysUpTime.
// A moment before epoch is 0: "prior to the last re-initialization of the
// network management system" (RFC 2863, ifLastChange).
func (v Value) resolve(epoch time.Time) Value {
	if v.typ != timeStamp {
		return v
	}
	d := base.Add(time.Duration(v.num)).Sub(epoch)
	return Ticks(uint64(max(d, 0) / (10 * time.Millisecond)))
}

// Type returns the value's type.
func (v Value) Type() Type { return v.typ }

// IsException reports whether v is one of the exceptions that stand for a
// missing variable.
func (v Value) IsException() bool { return v.typ&0x80 != 0 && v.typ != timeStamp }

// Int returns the value of an INTEGER.
func (v Value) Int() int32 { return int32(int64(v.num)) }

// Uint returns the value of a Counter32, Gauge32, TimeTicks or Counter64, and
// of an IpAddress as four octets, the first in the highest byte.
func (v Value) Uint() uint64 { return v.num }

// Octets returns the octets of an OCTET STRING or Opaque.
func (v Value) Octets() string { return v.str }

// OID returns the value of an OBJECT IDENTIFIER.
func (v Value) OID() OID { return OID{v.str} }

// Addr returns the value of an IpAddress.
func (v Value) Addr() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v.num >> 24), byte(v.num >> 16), byte(v.num >> 8), byte(v.num)})
}

// abridged is the value with as many octets as an error should quote.
func (v Value) abridged() Value {
	const most = 32
	if len(v.str) > most && (v.typ == OctetString || v.typ == Opaque) {
		v.str = v.str[:most] + "..."
	}
	return v
}

// String returns the type and the value, for people.
func (v Value) String() string {
	switch v.typ {
	case Integer32:
		return "INTEGER: " + strconv.FormatInt(int64(v.Int()), 10)
	case OctetString, Opaque:
		return v.typ.String() + ": " + strconv.Quote(v.str)
	case ObjectIdentifier:
		return "OBJECT IDENTIFIER: " + v.OID().String()
	case IPAddress:
		return "IpAddress: " + v.Addr().String()
	case Counter32, Gauge32, TimeTicks, Counter64:
		return v.typ.String() + ": " + strconv.FormatUint(v.num, 10)
	}
	return v.typ.String()
}

// Binding is a variable and its value. The variable's name is in two parts,
// which an encoder writes one after the other: the object (a column, or a
// scalar's descriptor) and the index of the instance.
type Binding struct {
	Object OID
	Index  OID
	Value  Value
}

// Name returns the variable's name, Object followed by Index.
func (b Binding) Name() OID { return b.Object.Append(b.Index) }
