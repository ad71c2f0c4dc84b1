package ber

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Error says which field of a message cannot be decoded.
type Error struct {
	Field   string // as the RFC's ASN.1 calls it
	Problem string
}

func (e *Error) Error() string { return e.Field + ": " + e.Problem }

// Problems that more than one field can have.
const (
	EndsEarly      = "ends early"
	OutOfRange     = "out of range"
	TrailingOctets = "more follows than its type has"
)

// Decoder takes the elements of a message off its front. It keeps the first
// error; after it everything that it returns is zero. Every length is checked
// against what is there before it is used.
//
// What RFC 3417, section 8, allows is taken: definite lengths, in more octets
// than are necessary too, and the primitive form of simple types. Integers may
// have leading octets that say nothing as long as they have no more octets than
// their type needs, since there are managers that always send four.
type Decoder struct {
	Rest []byte // what has not been taken yet
	Err  error  // an *Error
}

// Fail ends the decoding, unless it failed already.
func (d *Decoder) Fail(field, problem string) {
	if d.Err == nil {
		d.Err = &Error{field, problem}
	}
	d.Rest = nil
}

// Header returns the size of the header of the element that b starts
// with, and of its content. problem is EndsEarly when b does not hold the whole
// header; the content need not be there.
func Header(b []byte) (header, content int, problem string) {
	if len(b) < 2 {
		return 0, 0, EndsEarly
	}
	switch l := b[1]; {
	case l < 0x80:
		return 2, int(l), ""
	case l == 0x80:
		return 0, 0, "has an indefinite length"
	case l == 0xff:
		return 0, 0, "has a length of the reserved form"
	default:
		octets := int(l & 0x7f)
		for i := 2; i < 2+octets; i++ {
			if i >= len(b) {
				return 0, 0, EndsEarly
			}
			if content = content<<8 | int(b[i]); content > math.MaxInt32>>8 {
				return 0, 0, "has a length that no message has"
			}
		}
		return 2 + octets, content, ""
	}
}

// Element takes an element of any type.
func (d *Decoder) Element(field string) (tag byte, content []byte) {
	if d.Err != nil {
		return 0, nil
	}
	header, n, problem := Header(d.Rest)
	if problem == "" && n > len(d.Rest)-header {
		problem = EndsEarly
	}
	if problem != "" {
		d.Fail(field, problem)
		return 0, nil
	}
	tag, content = d.Rest[0], d.Rest[header:header+n]
	d.Rest = d.Rest[header+n:]
	return tag, content
}

// Content takes an element of one type, of which it returns the content.
func (d *Decoder) Content(field string, want byte) []byte {
	tag, content := d.Element(field)
	if d.Err == nil && tag != want {
		d.Fail(field, fmt.Sprintf("has the tag 0x%02x, not 0x%02x", tag, want))
		return nil
	}
	return content
}

// Enter takes an element of one type, of which it returns a decoder. That has this
// one's error, but not the other way round.
func (d *Decoder) Enter(field string, want byte) Decoder {
	content := d.Content(field, want)
	return Decoder{Rest: content, Err: d.Err}
}

// End says that nothing may follow.
func (d *Decoder) End(field string) {
	if len(d.Rest) > 0 {
		d.Fail(field, TrailingOctets)
	}
}

// Integer takes an INTEGER of 32 bits.
func (d *Decoder) Integer(field string) int32 {
	content := d.Content(field, Integer)
	if d.Err != nil {
		return 0
	}
	v, ok := ParseInteger(content)
	if !ok {
		d.Fail(field, OutOfRange)
	}
	return v
}

// ParseInteger parses the content of an INTEGER of 32 bits.
func ParseInteger(content []byte) (v int32, ok bool) {
	if len(content) == 0 || len(content) > 4 {
		return 0, false
	}
	v = int32(int8(content[0]))
	for _, b := range content[1:] {
		v = v<<8 | int32(b)
	}
	return v, true
}

// Integer64 takes an INTEGER of 64 bits: SNMP has none, but agents send some.
func (d *Decoder) Integer64(field string) int64 {
	content := d.Content(field, Integer)
	if d.Err != nil {
		return 0
	}
	v, ok := ParseInteger64(content)
	if !ok {
		d.Fail(field, OutOfRange)
	}
	return v
}

// ParseInteger64 parses the content of an INTEGER of 64 bits.
func ParseInteger64(content []byte) (v int64, ok bool) {
	if len(content) == 0 || len(content) > 8 {
		return 0, false
	}
	v = int64(int8(content[0]))
	for _, b := range content[1:] {
		v = v<<8 | int64(b)
	}
	return v, true
}

// ParseUnsigned parses an unsigned integer of that many octets, and one more
// for the sign.
func ParseUnsigned(content []byte, octets int) (uint64, bool) {
	if len(content) == 0 || len(content) > octets+1 || content[0] >= 0x80 {
		return 0, false
	}
	if len(content) == octets+1 && content[0] != 0 {
		return 0, false
	}
	var v uint64
	for _, b := range content {
		v = v<<8 | uint64(b)
	}
	return v, true
}

// ParseOID adds the content of an OBJECT IDENTIFIER to list and returns what is
// wrong with it (RFC 2578, section 3.5; X.690, section 8.19).
func ParseOID(list *mib.OIDList, content []byte) (problem string) {
	return parseOID(list, content, false)
}

// ParsePaddedOID is ParseOID for sub-identifiers that may have leading zeros, as
// there are agents that send them.
func ParsePaddedOID(list *mib.OIDList, content []byte) (problem string) {
	return parseOID(list, content, true)
}

func parseOID(list *mib.OIDList, content []byte, padded bool) (problem string) {
	if len(content) == 0 {
		return "has no sub-identifier"
	}
	if content[len(content)-1] >= 0x80 {
		return "ends within a sub-identifier"
	}
	count := 0
	for i := 0; i < len(content); i++ {
		if content[i] == 0x80 && !padded {
			return "has a sub-identifier with leading zeros"
		}
		sub := uint64(0)
		for ; content[i] >= 0x80; i++ {
			if sub = sub<<7 | uint64(content[i]&0x7f); sub > math.MaxUint32 {
				return "has a sub-identifier greater than 4294967295"
			}
		}
		sub = sub<<7 | uint64(content[i])
		if count == 0 {
			// The first two are one, of which the first is at most 2.
			first := min(sub/40, 2)
			list.Append(uint32(first))
			sub -= first * 40
			count++
		}
		if sub > math.MaxUint32 {
			return "has a sub-identifier greater than 4294967295"
		}
		if count++; count > mib.MaxOIDLength {
			return "has more than 128 sub-identifiers"
		}
		list.Append(uint32(sub))
	}
	list.End()
	return ""
}

// Value returns a value that CheckValue found nothing wrong with.
func Value(tag byte, content []byte) mib.Value {
	unsigned := func(octets int) uint64 {
		v, _ := ParseUnsigned(content, octets)
		return v
	}
	switch typ := mib.Type(tag); typ {
	case mib.Integer32:
		v, _ := ParseInteger(content)
		return mib.Int(v)
	case mib.Counter32:
		return mib.Count32(unsigned(4))
	case mib.Gauge32:
		return mib.Gauge(unsigned(4))
	case mib.TimeTicks:
		return mib.Ticks(unsigned(4))
	case mib.Counter64:
		return mib.Count64(unsigned(8))
	case mib.IPAddress:
		return mib.IPv4Value(binary.BigEndian.Uint32(content))
	case mib.OctetString:
		return mib.Octets(string(content))
	case mib.Opaque:
		return mib.OpaqueValue(string(content))
	case mib.ObjectIdentifier:
		var list mib.OIDList
		ParseOID(&list, content)
		return mib.OIDValue(list.AppendOIDs(nil)[0])
	default:
		return mib.Exception(typ)
	}
}

// CheckValue returns what is wrong with a value (RFC 3416, section 3), which in
// SNMPv1 is of fewer types (RFC 1155, section 3.2.3).
func CheckValue(scratch *mib.OIDList, v1 bool, tag byte, content []byte) (problem string) {
	var ok bool
	switch mib.Type(tag) {
	case mib.Integer32:
		_, ok = ParseInteger(content)
	case mib.Counter32, mib.Gauge32, mib.TimeTicks:
		_, ok = ParseUnsigned(content, 4)
	case mib.IPAddress:
		ok = len(content) == 4
	case mib.Null:
		ok = len(content) == 0
	case mib.OctetString, mib.Opaque:
		ok = len(content) <= math.MaxUint16
	case mib.ObjectIdentifier:
		scratch.Reset()
		return ParseOID(scratch, content)
	case mib.Counter64:
		_, ok = ParseUnsigned(content, 8)
		ok = ok && !v1
	case mib.NoSuchObject, mib.NoSuchInstance, mib.EndOfMibView:
		ok = len(content) == 0 && !v1
	default:
		return fmt.Sprintf("is of an unknown type 0x%02x", tag)
	}
	if !ok {
		return OutOfRange
	}
	return ""
}
