package agentx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

const (
	version      = 1
	headerLength = 20
)

// ErrInvalid is matched by the errors of Append: what was asked for has no
// encoding.
var ErrInvalid = errors.New("cannot be encoded in AgentX")

// Append appends the PDU of h and p to dst. Type, PayloadLength and the flag
// NonDefaultContext follow from p; h gives the rest. An error, which matches
// ErrInvalid, leaves dst as it was.
func Append(dst []byte, h Header, p Payload) ([]byte, error) {
	e := encoder{b: dst}
	h.Type = p.Type()
	h.Flags &^= NonDefaultContext
	context := p.context()
	if context != nil && *context != "" {
		h.Flags |= NonDefaultContext
	}
	start := e.begin(h)
	if h.Flags&NonDefaultContext != 0 {
		e.octets(*context)
	}
	p.append(&e)
	e.end(start)
	if e.err != nil {
		return dst, fmt.Errorf("%s: %w", h.Type, e.err)
	}
	return e.b, nil
}

// encoder appends the encodings of RFC 2741, section 5. It keeps its first
// error.
type encoder struct {
	b      []byte
	little bool
	err    error
}

// begin appends a header and returns where the PDU starts, for end.
func (e *encoder) begin(h Header) int {
	start := len(e.b)
	e.little = h.Flags&NetworkByteOrder == 0
	e.bytes4(version, byte(h.Type), byte(h.Flags), 0)
	e.uint32(h.SessionID)
	e.uint32(h.TransactionID)
	e.uint32(h.PacketID)
	e.uint32(0)
	return start
}

// end fills in the payload's length.
func (e *encoder) end(start int) {
	e.put32(e.b[start+16:], uint32(len(e.b)-start-headerLength))
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
	}
}

func (e *encoder) bytes4(a, b, c, d byte) { e.b = append(e.b, a, b, c, d) }

func (e *encoder) put32(b []byte, v uint32) {
	if e.little {
		binary.LittleEndian.PutUint32(b, v)
	} else {
		binary.BigEndian.PutUint32(b, v)
	}
}

func (e *encoder) uint16(v uint16) {
	if e.little {
		e.b = binary.LittleEndian.AppendUint16(e.b, v)
	} else {
		e.b = binary.BigEndian.AppendUint16(e.b, v)
	}
}

func (e *encoder) uint32(v uint32) {
	if e.little {
		e.b = binary.LittleEndian.AppendUint32(e.b, v)
	} else {
		e.b = binary.BigEndian.AppendUint32(e.b, v)
	}
}

func (e *encoder) uint64(v uint64) {
	if e.little {
		e.b = binary.LittleEndian.AppendUint64(e.b, v)
	} else {
		e.b = binary.BigEndian.AppendUint64(e.b, v)
	}
}

// octets appends an octet string with its padding (section 5.3).
func (e *encoder) octets(s string) {
	e.uint32(uint32(len(s)))
	e.b = append(e.b, s...)
	for n := len(s); n%4 != 0; n++ {
		e.b = append(e.b, 0)
	}
}

// internet is 1.3.6.1 in packed form, which the encoding leaves out when a
// sub-identifier from 1 to 255 follows (section 5.1, "prefix").
const internet = "\x01\x03\x06\x01"

// oid appends the OID object followed by index (section 5.1). It makes use of
// what mib.OID.Packed promises: a byte below 240 is a sub-identifier.
func (e *encoder) oid(object, index mib.OID, include bool) {
	p, q := object.Packed(), index.Packed()
	var prefix byte
	subs := 0
	if len(p) > len(internet) && p[:len(internet)] == internet && p[4] > 0 && p[4] < 240 {
		prefix, p, subs = p[4], p[5:], 5
	}
	start := len(e.b)
	most := 4 + 4*(len(p)+len(q))
	e.b = slices.Grow(e.b, most)
	b := e.b[start : start+most]
	n := 4 + e.subids(b[4:], p)
	n += e.subids(b[n:], q)
	subs += n/4 - 1
	if subs > mib.MaxOIDLength {
		e.fail("an OID of %d sub-identifiers", subs)
		return
	}
	b[0], b[1], b[2], b[3] = byte(n/4-1), prefix, 0, 0
	if include {
		b[2] = 1
	}
	e.b = e.b[:start+n]
}

// subids writes the sub-identifiers of a packed OID to b, which has room for
// one to each octet, and returns how many octets they take.
func (e *encoder) subids(b []byte, packed string) int {
	n := 0
	for {
		// Nearly all of them are below 240.
		b = b[:4*len(packed)]
		i := 0
		if e.little {
			for ; i < len(packed) && packed[i] < 240; i++ {
				binary.LittleEndian.PutUint32(b[4*i:4*i+4], uint32(packed[i]))
			}
		} else {
			for ; i < len(packed) && packed[i] < 240; i++ {
				binary.BigEndian.PutUint32(b[4*i:4*i+4], uint32(packed[i]))
			}
		}
		n += 4 * i
		if i == len(packed) {
			return n
		}
		sub, rest, ok := mib.PackedOID(packed[i:]).CutSubidentifier()
		if !ok {
			e.fail("an OID that was cut off")
			return n
		}
		e.put32(b[4*i:], sub)
		n += 4
		b, packed = b[4*i+4:], rest.Packed()
	}
}

func (e *encoder) ranges(ranges []SearchRange) {
	for i := range ranges {
		e.oid(ranges[i].Start, mib.OID{}, ranges[i].Include)
		e.oid(ranges[i].End, mib.OID{}, false)
	}
}

func (e *encoder) bindings(bindings []mib.Binding) {
	for i := range bindings {
		e.binding(&bindings[i])
	}
}

// binding appends a VarBind (section 5.4).
func (e *encoder) binding(b *mib.Binding) {
	e.variable(b.Object, b.Index, &b.Value)
}

// variableHeader is what stands before the name in a VarBind, in octets.
const variableHeader = 4

func (e *encoder) variable(object, index mib.OID, v *mib.Value) {
	t := v.Type()
	e.uint16(uint16(t))
	e.b = append(e.b, 0, 0)
	e.oid(object, index, false)
	switch t {
	case mib.Integer32:
		e.uint32(uint32(v.Int()))
	case mib.Counter32, mib.Gauge32, mib.TimeTicks:
		e.uint32(uint32(v.Uint()))
	case mib.Counter64:
		e.uint64(v.Uint())
	case mib.OctetString, mib.Opaque:
		e.octets(v.Octets())
	case mib.ObjectIdentifier:
		e.oid(v.OID(), mib.OID{}, false)
	case mib.IPAddress:
		e.uint32(4)
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(v.Uint()))
	case mib.Null, mib.NoSuchObject, mib.NoSuchInstance, mib.EndOfMibView:
	default:
		e.fail("a value of %s", t)
	}
}
