package remote

import (
	"errors"
	"fmt"
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Tags of BER and of SNMP's PDUs (RFC 3416, section 3; RFC 1157).
const (
	tagInteger     = 0x02
	tagOctetString = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagSequence    = 0x30

	pduGet      pdu = 0xa0
	pduGetNext  pdu = 0xa1
	pduResponse pdu = 0xa2
	pduGetBulk  pdu = 0xa5
)

type pdu byte

// request is a question: what one PDU asks.
type request struct {
	pdu          pdu
	nonRepeaters int
	repetitions  int
	names        []mib.OID
}

// variable is one variable binding of an answer.
type variable struct {
	name  mib.OID
	value mib.Value
	fault error // what is wrong with the value, which is Null then
}

// answer is what came back.
type answer struct {
	status    int // error-status
	index     int // error-index
	variables []variable
	octets    int // of the whole message; 0 where nobody knows
	// attempt says which of the requests that asked the same it answers.
	attempt int
}

// appendMessage appends the message of a request in SNMPv1 (version 0) or
// SNMPv2c (version 1).
func appendMessage(dst []byte, version int, community Secret, id uint32, r *request) []byte {
	names := make([]byte, 0, 512)
	for _, name := range r.names {
		value := appendTLV(nil, tagOID, appendOID(nil, name))
		names = appendTLV(names, tagSequence, append(value, tagNull, 0))
	}
	body := appendInteger(nil, int64(int32(id)))
	body = appendInteger(body, int64(r.nonRepeaters))
	body = appendInteger(body, int64(r.repetitions))
	body = appendTLV(body, tagSequence, names)

	message := appendInteger(nil, int64(version))
	message = appendTLV(message, tagOctetString, []byte(community))
	message = appendTLV(message, byte(r.pdu), body)
	return appendTLV(dst, tagSequence, message)
}

func appendTLV(dst []byte, tag byte, content []byte) []byte {
	dst = append(dst, tag)
	switch n := len(content); {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n < 0x100:
		dst = append(dst, 0x81, byte(n))
	case n < 0x10000:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, content...)
}

func appendInteger(dst []byte, v int64) []byte {
	n := 1
	for w := v; w > 127 || w < -128; w >>= 8 {
		n++
	}
	dst = append(dst, tagInteger, byte(n))
	for n--; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

// appendOID appends the content of an OBJECT IDENTIFIER of at least two
// sub-identifiers.
func appendOID(dst []byte, o mib.OID) []byte {
	first, rest, _ := o.CutSubidentifier()
	second, rest, _ := rest.CutSubidentifier()
	dst = appendBase128(dst, uint64(first)*40+uint64(second))
	for sub := range rest.All() {
		dst = appendBase128(dst, uint64(sub))
	}
	return dst
}

func appendBase128(dst []byte, v uint64) []byte {
	shift := 0
	for w := v >> 7; w > 0; w >>= 7 {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		dst = append(dst, byte(v>>shift)|0x80)
	}
	return append(dst, byte(v)&0x7f)
}

var (
	errTruncated = errors.New("ends early")
	errForeign   = errors.New("is no answer to what was asked")
)

// maxVariables is the most variables that an answer is believed to have: more
// than a datagram holds.
const maxVariables = 1 << 16

// decoder takes answers apart. It is reusable; what it returns is not its own.
type decoder struct {
	names mib.OIDList
	oids  []mib.OID
}

// message decodes an SNMPv1 or SNMPv2c response and its request-id. A message
// that is none, or of another version or community, is errForeign.
func (d *decoder) message(b []byte, version int, community Secret, a *answer) (id uint32, err error) {
	*a = answer{variables: a.variables[:0], octets: len(b)}
	// Octets that follow are passed over: agents exist that send some.
	tag, message, _, err := cutTLV(b)
	if err != nil || tag != tagSequence {
		return 0, fail("message", err)
	}
	v, message, err := cutInteger(message)
	if err != nil {
		return 0, fail("version", err)
	}
	tag, name, message, err := cutTLV(message)
	if err != nil || tag != tagOctetString {
		return 0, fail("community", err)
	}
	tag, body, _, err := cutTLV(message)
	if err != nil {
		return 0, fail("PDU", err)
	}
	if pdu(tag) != pduResponse || v != int64(version) || string(name) != string(community) {
		return 0, errForeign
	}
	fields := [3]int64{}
	for i, what := range [...]string{"request-id", "error-status", "error-index"} {
		if fields[i], body, err = cutInteger(body); err != nil {
			return 0, fail(what, err)
		}
	}
	if fields[0] < math.MinInt32 || fields[0] > math.MaxInt32 {
		return 0, errForeign
	}
	id = uint32(int32(fields[0]))
	a.status, a.index = int(min(max(fields[1], 0), math.MaxInt32)), int(min(max(fields[2], 0), math.MaxInt32))
	tag, list, _, err := cutTLV(body)
	if err != nil || tag != tagSequence {
		return id, fail("variable-bindings", err)
	}
	return id, d.variables(list, a)
}

// variables decodes a list of variable bindings.
func (d *decoder) variables(list []byte, a *answer) error {
	d.names.Reset()
	for len(list) > 0 {
		if len(a.variables) == maxVariables {
			return fmt.Errorf("more than %d variables", maxVariables)
		}
		n := len(a.variables) + 1
		tag, binding, rest, err := cutTLV(list)
		if err != nil || tag != tagSequence {
			return fail(fmt.Sprintf("variable %d", n), err)
		}
		tag, name, binding, err := cutTLV(binding)
		if err == nil && tag == tagOID {
			err = d.oid(name)
		}
		if err != nil || tag != tagOID {
			return fail(fmt.Sprintf("name of variable %d", n), err)
		}
		tag, content, _, err := cutTLV(binding)
		if err != nil {
			return fail(fmt.Sprintf("value of variable %d", n), err)
		}
		value, err := decodeValue(mib.Type(tag), content)
		if err != nil {
			value = mib.Exception(mib.Null)
		}
		a.variables = append(a.variables, variable{value: value, fault: err})
		list = rest
	}
	// All names together are one piece of memory, which lives as long as a
	// variable of the answer does.
	d.oids = d.names.AppendOIDs(d.oids[:0])
	for i, o := range d.oids {
		a.variables[i].name = o
	}
	return nil
}

// oid decodes the content of an OBJECT IDENTIFIER into the list of names.
func (d *decoder) oid(content []byte) error {
	if len(content) == 0 {
		return errTruncated
	}
	sub, subs := uint64(0), 0
	for i, b := range content {
		sub = sub<<7 | uint64(b&0x7f)
		limit := uint64(math.MaxUint32)
		if subs == 0 {
			limit += 80
		}
		if sub > limit {
			return errors.New("a sub-identifier is greater than 4294967295")
		}
		if b&0x80 != 0 {
			if i == len(content)-1 {
				return errTruncated
			}
			continue
		}
		if subs == 0 {
			first := min(sub/40, 2)
			d.names.Append(uint32(first))
			sub -= first * 40
			subs++
		}
		d.names.Append(uint32(sub))
		sub = 0
		if subs++; subs > mib.MaxOIDLength {
			return fmt.Errorf("more than %d sub-identifiers", mib.MaxOIDLength)
		}
	}
	d.names.End()
	return nil
}

// decodeValue decodes the content of a value. A number beyond its type that a wider one
// holds is one of that type.
func decodeValue(typ mib.Type, content []byte) (mib.Value, error) {
	switch typ {
	case mib.Integer32:
		v, err := integer(content)
		switch {
		case err == nil && v > math.MaxInt32:
			return mib.Count64(uint64(v)), nil
		case err != nil || v < math.MinInt32:
			return mib.Value{}, fail("INTEGER", err)
		}
		return mib.Int(int32(v)), nil
	case mib.Counter32, mib.Gauge32, mib.TimeTicks, mib.Counter64:
		v, err := unsigned(content)
		if err != nil {
			return mib.Value{}, fail(typ.String(), err)
		}
		if v > math.MaxUint32 {
			typ = mib.Counter64
		}
		return number(typ, v), nil
	case mib.OctetString:
		return mib.Octets(string(content)), nil
	case mib.Opaque:
		return mib.OpaqueValue(string(content)), nil
	case mib.IPAddress:
		if len(content) != 4 {
			return mib.Value{}, fmt.Errorf("IpAddress of %d octets", len(content))
		}
		return mib.IPv4Value(uint32(content[0])<<24 | uint32(content[1])<<16 | uint32(content[2])<<8 | uint32(content[3])), nil
	case mib.ObjectIdentifier:
		if len(content) == 0 {
			return mib.OIDValue(mib.MakeOID(0, 0)), nil // as RFC 2578 has none, and agents that write it as nothing
		}
		var one decoder
		if err := one.oid(content); err != nil {
			return mib.Value{}, err
		}
		return mib.OIDValue(one.names.AppendOIDs(nil)[0]), nil
	case mib.Null, mib.NoSuchObject, mib.NoSuchInstance, mib.EndOfMibView:
		return mib.Exception(typ), nil
	}
	return mib.Value{}, fmt.Errorf("type 0x%02x is not one of SMIv2's", uint8(typ))
}

// number returns a value of one of the types that count.
func number(typ mib.Type, v uint64) mib.Value {
	switch typ {
	case mib.Counter32:
		return mib.Count32(v)
	case mib.Gauge32:
		return mib.Gauge(v)
	case mib.TimeTicks:
		return mib.Ticks(v)
	}
	return mib.Count64(v)
}

// cutTLV cuts a tag, a definite length and the content off the front of b.
func cutTLV(b []byte) (tag byte, content, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, nil, errTruncated
	}
	tag, n, b := b[0], int(b[1]), b[2:]
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 4 {
			return 0, nil, nil, fmt.Errorf("length of %d octets", octets)
		}
		if len(b) < octets {
			return 0, nil, nil, errTruncated
		}
		var long uint64
		for _, o := range b[:octets] {
			long = long<<8 | uint64(o)
		}
		b = b[octets:]
		if long > uint64(len(b)) {
			return 0, nil, nil, errTruncated
		}
		n = int(long)
	}
	if n > len(b) {
		return 0, nil, nil, errTruncated
	}
	return tag, b[:n], b[n:], nil
}

func cutInteger(b []byte) (v int64, rest []byte, err error) {
	tag, content, rest, err := cutTLV(b)
	if err != nil {
		return 0, nil, err
	}
	if tag != tagInteger {
		return 0, nil, fmt.Errorf("is of type 0x%02x", tag)
	}
	v, err = integer(content)
	return v, rest, err
}

func integer(content []byte) (int64, error) {
	if len(content) == 0 || len(content) > 8 {
		return 0, fmt.Errorf("integer of %d octets", len(content))
	}
	v := int64(int8(content[0]))
	for _, o := range content[1:] {
		v = v<<8 | int64(o)
	}
	return v, nil
}

// unsigned takes what is written without the zero that keeps it positive for
// what it means: agents exist that leave it out.
func unsigned(content []byte) (uint64, error) {
	if len(content) == 9 && content[0] == 0 {
		content = content[1:]
	}
	if len(content) == 0 || len(content) > 8 {
		return 0, fmt.Errorf("integer of %d octets", len(content))
	}
	var v uint64
	for _, o := range content {
		v = v<<8 | uint64(o)
	}
	return v, nil
}

// fail says what part of a message is wrong, and how where that is known.
func fail(what string, err error) error {
	if err == nil {
		err = errors.New("is not what it should be")
	}
	return fmt.Errorf("%s: %w", what, err)
}
