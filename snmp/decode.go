package snmp

import (
	"fmt"
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// decodeError says which field of a message cannot be decoded.
type decodeError struct {
	field   string // as the RFC's ASN.1 calls it
	problem string
}

func (e *decodeError) Error() string { return fmt.Sprintf("%s: %s", e.field, e.problem) }

// Problems that more than one field can have.
const (
	endsEarly     = "ends early"
	outOfRange    = "out of range"
	trailingBytes = "more follows than its type has"
)

// decoder takes the elements of a message off its front. It keeps the first
// error; after it everything that it returns is zero. Every length is checked
// against what is there before it is used.
//
// What RFC 3417, section 8, allows is taken: definite lengths, in more octets
// than are necessary too, and the primitive form of simple types. Integers may
// have leading octets that say nothing as long as they have no more octets than
// their type needs, since there are managers that always send four.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(field, problem string) {
	if d.err == nil {
		d.err = &decodeError{field, problem}
	}
	d.b = nil
}

// elementLength returns the size of the header of the element that b starts
// with, and of its content. problem is endsEarly when b does not hold the whole
// header; the content need not be there.
func elementLength(b []byte) (header, content int, problem string) {
	if len(b) < 2 {
		return 0, 0, endsEarly
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
				return 0, 0, endsEarly
			}
			if content = content<<8 | int(b[i]); content > math.MaxInt32>>8 {
				return 0, 0, "has a length that no message has"
			}
		}
		return 2 + octets, content, ""
	}
}

// element takes an element of any type.
func (d *decoder) element(field string) (tag byte, content []byte) {
	if d.err != nil {
		return 0, nil
	}
	header, n, problem := elementLength(d.b)
	if problem == "" && n > len(d.b)-header {
		problem = endsEarly
	}
	if problem != "" {
		d.fail(field, problem)
		return 0, nil
	}
	tag, content = d.b[0], d.b[header:header+n]
	d.b = d.b[header+n:]
	return tag, content
}

// content takes an element of one type.
func (d *decoder) content(field string, want byte) []byte {
	tag, content := d.element(field)
	if d.err == nil && tag != want {
		d.fail(field, fmt.Sprintf("has the tag 0x%02x, not 0x%02x", tag, want))
		return nil
	}
	return content
}

// end says that nothing may follow.
func (d *decoder) end(field string) {
	if len(d.b) > 0 {
		d.fail(field, trailingBytes)
	}
}

// integer takes an INTEGER of 32 bits.
func (d *decoder) integer(field string) int32 {
	content := d.content(field, tagInteger)
	if d.err != nil {
		return 0
	}
	v, ok := parseInteger(content)
	if !ok {
		d.fail(field, outOfRange)
	}
	return v
}

func parseInteger(content []byte) (int32, bool) {
	if len(content) == 0 || len(content) > 4 {
		return 0, false
	}
	v := int32(int8(content[0]))
	for _, b := range content[1:] {
		v = v<<8 | int32(b)
	}
	return v, true
}

// parseUnsigned parses an unsigned integer of that many octets, and one more
// for the sign.
func parseUnsigned(content []byte, octets int) (uint64, bool) {
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

// parseOID adds the content of an OBJECT IDENTIFIER to list and returns what is
// wrong with it (RFC 2578, section 3.5; X.690, section 8.19).
func parseOID(list *mib.OIDList, content []byte) (problem string) {
	if len(content) == 0 {
		return "has no sub-identifier"
	}
	if content[len(content)-1] >= 0x80 {
		return "ends within a sub-identifier"
	}
	count := 0
	for i := 0; i < len(content); i++ {
		if content[i] == 0x80 {
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

// checkValue returns what is wrong with a value (RFC 3416, section 3), which in
// SNMPv1 is of fewer types (RFC 1155, section 3.2.3).
func checkValue(scratch *mib.OIDList, v1 bool, tag byte, content []byte) (problem string) {
	var ok bool
	switch mib.Type(tag) {
	case mib.Integer32:
		_, ok = parseInteger(content)
	case mib.Counter32, mib.Gauge32, mib.TimeTicks:
		_, ok = parseUnsigned(content, 4)
	case mib.IPAddress:
		ok = len(content) == 4
	case mib.Null:
		ok = len(content) == 0
	case mib.OctetString, mib.Opaque:
		ok = len(content) <= math.MaxUint16
	case mib.ObjectIdentifier:
		scratch.Reset()
		return parseOID(scratch, content)
	case mib.Counter64:
		_, ok = parseUnsigned(content, 8)
		ok = ok && !v1
	case mib.NoSuchObject, mib.NoSuchInstance, mib.EndOfMibView:
		ok = len(content) == 0 && !v1
	default:
		return fmt.Sprintf("is of an unknown type 0x%02x", tag)
	}
	if !ok {
		return outOfRange
	}
	return ""
}
