package agentx

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// MaxPayload is the longest payload of a PDU, in octets, that is read. RFC 2741
// sets no limit; this one is above anything that fits an SNMP message.
const MaxPayload = 1 << 20

// ErrMalformed is matched by the errors of DecodeHeader and Decode, which name
// the PDU and the field.
var ErrMalformed = errors.New("malformed")

// DecodeHeader decodes the header at the beginning of b (RFC 2741, section
// 6.1). After an error, which matches ErrMalformed, nothing that follows on the
// same stream means anything.
func DecodeHeader(b []byte) (Header, error) {
	if len(b) < headerLength {
		return Header{}, fmt.Errorf("%w AgentX header: %d octets", ErrMalformed, len(b))
	}
	if b[0] != version {
		return Header{}, fmt.Errorf("%w AgentX header: h.version %d", ErrMalformed, b[0])
	}
	h := Header{Type: PDUType(b[1]), Flags: Flags(b[2])}
	if h.Flags&NetworkByteOrder != 0 {
		h.SessionID = binary.BigEndian.Uint32(b[4:])
		h.TransactionID = binary.BigEndian.Uint32(b[8:])
		h.PacketID = binary.BigEndian.Uint32(b[12:])
		h.PayloadLength = binary.BigEndian.Uint32(b[16:])
	} else {
		h.SessionID = binary.LittleEndian.Uint32(b[4:])
		h.TransactionID = binary.LittleEndian.Uint32(b[8:])
		h.PacketID = binary.LittleEndian.Uint32(b[12:])
		h.PayloadLength = binary.LittleEndian.Uint32(b[16:])
	}
	if h.PayloadLength > MaxPayload {
		return h, fmt.Errorf("%w %s: h.payload_length %d is over %d", ErrMalformed, h.Type, h.PayloadLength, MaxPayload)
	}
	return h, nil
}

// Decode decodes the payload of a PDU whose header is h. What it returns shares
// no memory with payload. Errors match ErrMalformed; the next PDU of the stream
// is not affected.
func Decode(h Header, payload []byte) (Payload, error) {
	p := newPayload(h.Type)
	if p == nil {
		return nil, fmt.Errorf("%w header: h.type %d", ErrMalformed, h.Type)
	}
	d := decoder{b: payload, pdu: h.Type, little: h.Flags&NetworkByteOrder == 0}
	if context := p.context(); context != nil && h.Flags&NonDefaultContext != 0 {
		*context = d.octets("context")
	}
	p.decode(&d)
	if err := d.end(); err != nil {
		return nil, err
	}
	return p, nil
}

// decoder reads the encodings of RFC 2741, section 5. It keeps its first error
// and returns zeros after it. Reserved octets and padding are not looked at.
type decoder struct {
	b      []byte // what is left
	pdu    PDUType
	little bool
	item   int // of the list being decoded, from 1; 0 outside
	packed []byte
	err    error
}

func (d *decoder) fail(field, format string, args ...any) {
	if d.err != nil {
		return
	}
	if d.item > 0 {
		field = fmt.Sprintf("%s of item %d", field, d.item)
	}
	d.err = fmt.Errorf("%w %s: %s: %s", ErrMalformed, d.pdu, field, fmt.Sprintf(format, args...))
	d.b = nil
}

// end returns the first error; octets left over are one.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.item = 0
		d.fail("payload", "%d octets after its end", len(d.b))
	}
	return d.err
}

// take returns the next n octets, or nil with an error set.
func (d *decoder) take(n int, field string) []byte {
	if n > len(d.b) {
		d.fail(field, "needs %d octets and there are %d", n, len(d.b))
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) bytes4(field string) (b [4]byte) {
	copy(b[:], d.take(4, field))
	return b
}

func (d *decoder) uint16(field string) uint16 {
	b := d.take(2, field)
	switch {
	case b == nil:
		return 0
	case d.little:
		return binary.LittleEndian.Uint16(b)
	}
	return binary.BigEndian.Uint16(b)
}

func (d *decoder) uint32(field string) uint32 {
	b := d.take(4, field)
	switch {
	case b == nil:
		return 0
	case d.little:
		return binary.LittleEndian.Uint32(b)
	}
	return binary.BigEndian.Uint32(b)
}

func (d *decoder) uint64(field string) uint64 {
	b := d.take(8, field)
	switch {
	case b == nil:
		return 0
	case d.little:
		return binary.LittleEndian.Uint64(b)
	}
	return binary.BigEndian.Uint64(b)
}

// rawOctets reads an octet string (section 5.3) and returns the octets where
// they stand.
func (d *decoder) rawOctets(field string) []byte {
	n := d.uint32(field)
	if uint64(n) > uint64(len(d.b)) {
		d.fail(field, "a string of %d octets where there are %d", n, len(d.b))
		return nil
	}
	s := d.take(int(n), field)
	d.take(int(-n&3), field)
	if d.err != nil {
		return nil
	}
	return s
}

func (d *decoder) octets(field string) string { return string(d.rawOctets(field)) }

// appendOID reads an OID (section 5.1) and appends its packed form to dst.
func (d *decoder) appendOID(dst []byte, field string) (_ []byte, include bool) {
	b := d.take(4, field)
	if b == nil {
		return dst, false
	}
	n, prefix, include := int(b[0]), b[1], b[2] != 0
	most := mib.MaxOIDLength
	if prefix != 0 {
		most -= 5
		dst = append(dst, internet...)
		dst = mib.AppendSubidentifier(dst, uint32(prefix))
	}
	if n > most {
		d.fail(field, "an OID of more than %d sub-identifiers", mib.MaxOIDLength)
		return dst, false
	}
	b = d.take(4*n, field)
	for ; len(b) >= 4; b = b[4:] {
		var sub uint32
		if d.little {
			sub = binary.LittleEndian.Uint32(b)
		} else {
			sub = binary.BigEndian.Uint32(b)
		}
		dst = mib.AppendSubidentifier(dst, sub)
	}
	return dst, include
}

func (d *decoder) oid(field string) mib.OID {
	d.packed, _ = d.appendOID(d.packed[:0], field)
	return mib.PackedOID(string(d.packed))
}

// ranges reads a SearchRangeList, which takes the rest of the payload.
func (d *decoder) ranges() []SearchRange {
	var s searchList
	return s.decode(d)
}

// A searchList decodes SearchRangeLists with one allocation for all the OIDs of
// a list.
type searchList struct {
	packed []byte
	ends   []int // in packed: of the start and the end of each range, in turn
	ranges []SearchRange
}

// decode returns the ranges, which are valid until the next decode; their OIDs
// stay valid.
func (s *searchList) decode(d *decoder) []SearchRange {
	s.packed, s.ends, s.ranges = s.packed[:0], s.ends[:0], s.ranges[:0]
	for d.item = 1; len(d.b) > 0; d.item++ {
		var r SearchRange
		s.packed, r.Include = d.appendOID(s.packed, "start")
		s.ends = append(s.ends, len(s.packed))
		s.packed, _ = d.appendOID(s.packed, "end")
		s.ends = append(s.ends, len(s.packed))
		s.ranges = append(s.ranges, r)
	}
	d.item = 0
	if d.err != nil {
		return nil
	}
	packed, from := string(s.packed), 0
	for i := range s.ranges {
		start, end := s.ends[2*i], s.ends[2*i+1]
		s.ranges[i].Start = mib.PackedOID(packed[from:start])
		s.ranges[i].End = mib.PackedOID(packed[start:end])
		from = end
	}
	return s.ranges
}

// bindings reads a VarBindList, which takes the rest of the payload. The names
// stand in Object.
func (d *decoder) bindings() []mib.Binding {
	var bindings []mib.Binding
	for d.item = 1; len(d.b) > 0; d.item++ {
		b := d.binding()
		if d.err == nil {
			bindings = append(bindings, b)
		}
	}
	d.item = 0
	if d.err != nil {
		return nil
	}
	return bindings
}

// binding reads a VarBind (section 5.4).
func (d *decoder) binding() mib.Binding {
	t := d.uint16("v.type")
	d.uint16("v.reserved")
	b := mib.Binding{Object: d.oid("v.name")}
	const field = "v.data"
	switch t {
	case uint16(mib.Integer32):
		b.Value = mib.Int(int32(d.uint32(field)))
	case uint16(mib.Counter32):
		b.Value = mib.Count32(uint64(d.uint32(field)))
	case uint16(mib.Gauge32):
		b.Value = mib.Gauge(uint64(d.uint32(field)))
	case uint16(mib.TimeTicks):
		b.Value = mib.Ticks(uint64(d.uint32(field)))
	case uint16(mib.Counter64):
		b.Value = mib.Count64(d.uint64(field))
	case uint16(mib.OctetString):
		b.Value = mib.Octets(d.octets(field))
	case uint16(mib.Opaque):
		b.Value = mib.OpaqueValue(d.octets(field))
	case uint16(mib.ObjectIdentifier):
		b.Value = mib.OIDValue(d.oid(field))
	case uint16(mib.IPAddress):
		octets := d.rawOctets(field)
		if d.err == nil && len(octets) != 4 {
			d.fail(field, "an IpAddress of %d octets", len(octets))
		}
		if d.err == nil {
			b.Value = mib.IPv4Value(binary.BigEndian.Uint32(octets))
		}
	case uint16(mib.Null), uint16(mib.NoSuchObject), uint16(mib.NoSuchInstance), uint16(mib.EndOfMibView):
		b.Value = mib.Exception(mib.Type(t))
	default:
		d.fail("v.type", "unknown type %d", t)
	}
	return b
}
