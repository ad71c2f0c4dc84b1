package ber

import (
	"encoding/binary"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// lengthSize returns the number of octets that the length n takes.
func lengthSize(n int) int {
	size := 1
	if n >= 0x80 {
		for ; n > 0; n >>= 8 {
			size++
		}
	}
	return size
}

// ElementSize returns the size of an element with n octets of content.
func ElementSize(n int) int { return 1 + lengthSize(n) + n }

// integerSize returns the number of content octets of an INTEGER.
func integerSize(v int64) int {
	n := 1
	for v > 0x7f || v < -0x80 {
		v >>= 8
		n++
	}
	return n
}

// IntegerElementSize returns the size of the element of an INTEGER.
func IntegerElementSize(v int32) int { return 2 + integerSize(int64(v)) }

// PrependHeader writes an element's tag and length n in front of buf[at:] and
// returns where they start.
func PrependHeader(buf []byte, at int, tag byte, n int) int {
	if n < 0x80 {
		at -= 2
		buf[at], buf[at+1] = tag, byte(n)
		return at
	}
	octets := byte(0)
	for ; n > 0; n >>= 8 {
		at--
		buf[at] = byte(n)
		octets++
	}
	at -= 2
	buf[at], buf[at+1] = tag, 0x80|octets
	return at
}

// PrependInteger writes an INTEGER in front of buf[at:].
func PrependInteger(buf []byte, at int, v int32) int {
	n := integerSize(int64(v))
	for range n {
		at--
		buf[at] = byte(v)
		v >>= 8
	}
	return PrependHeader(buf, at, Integer, n)
}

// Open begins an element whose content is appended next.
func Open(dst []byte, tag byte) ([]byte, int) {
	dst = append(dst, tag, 0)
	return dst, len(dst)
}

// Close writes the length of the element whose content began at start.
// It makes room for a length that takes more than the one octet left for it.
func Close(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	more := lengthSize(n) - 1
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)[:len(dst)+more]
	copy(dst[start+more:], dst[start:start+n])
	dst[start-1] = 0x80 | byte(more)
	for i := more; i > 0; i-- {
		dst[start+i-1] = byte(n)
		n >>= 8
	}
	return dst
}

// AppendInteger appends an integer in the fewest octets (X.690, section
// 8.3).
func AppendInteger(dst []byte, tag byte, v int64) []byte {
	n := integerSize(v)
	dst = append(dst, tag, byte(n))
	for shift := (n - 1) * 8; shift >= 0; shift -= 8 {
		dst = append(dst, byte(v>>shift))
	}
	return dst
}

// AppendUnsigned is AppendInteger for what may not fit an int64:
// a Counter64 takes up to nine octets.
func AppendUnsigned(dst []byte, tag byte, v uint64) []byte {
	if v>>63 == 0 {
		return AppendInteger(dst, tag, int64(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, tag, 9, 0), v)
}

// HasEncoding reports whether there is an encoding of the OID that is object
// followed by index. The first two sub-identifiers become one, which takes them
// to be there, the first to be at most 2 and the second to be less than 40
// after 0 and 1 (X.690, section 8.19.4).
func HasEncoding(object, index mib.OID) bool {
	packed := object.Packed()
	if len(packed) < 2 {
		packed = object.Append(index).Packed()
	}
	return len(packed) >= 2 && (packed[0] < 2 && packed[1] < 40 || packed[0] == 2)
}

// ValueHasEncoding reports whether there is an encoding of a value. An empty
// OBJECT IDENTIFIER is zeroDotZero, the null identifier (RFC 2578, section 2).
func ValueHasEncoding(v mib.Value) bool {
	return v.Type() != mib.ObjectIdentifier || v.OID().IsEmpty() || HasEncoding(v.OID(), mib.OID{})
}

// AppendOID appends the OBJECT IDENTIFIER that is object followed by index,
// which HasEncoding, or is empty and stands for zeroDotZero.
func AppendOID(dst []byte, object, index mib.OID) []byte {
	dst, start := Open(dst, ObjectIdentifier)
	packed := object.Packed()
	if len(packed) < 2 || packed[1] >= 40 {
		dst = appendUnusualName(dst, object.Append(index))
	} else {
		dst = append(dst, packed[0]*40+packed[1])
		dst = appendSubidentifiers(dst, packed[2:])
		dst = appendSubidentifiers(dst, index.Packed())
	}
	return Close(dst, start)
}

// appendUnusualName appends an OID whose first two sub-identifiers are not one
// octet each of its object's packed form, or do not make one octet.
func appendUnusualName(dst []byte, o mib.OID) []byte {
	first, o, _ := o.CutSubidentifier()
	second, o, _ := o.CutSubidentifier()
	dst = appendSubidentifier(dst, uint64(first)*40+uint64(second))
	return appendSubidentifiers(dst, o.Packed())
}

// appendSubidentifiers appends the sub-identifiers of a packed OID. Those below
// 128 are the same octet in both forms; they are copied many at a time.
func appendSubidentifiers(dst []byte, packed string) []byte {
	from := len(dst)
	dst = append(dst, packed...)
	tail := dst[from:]
	i := 0
	for ; i+8 <= len(tail); i += 8 {
		if binary.LittleEndian.Uint64(tail[i:])&0x8080808080808080 != 0 {
			break
		}
	}
	for ; i < len(tail); i++ {
		if tail[i] >= 0x80 {
			return appendLongSubidentifiers(dst[:from+i], packed[i:])
		}
	}
	return dst
}

// packedLong is the least octet of a packed OID that is not a sub-identifier by
// itself.
const packedLong = 240

func appendLongSubidentifiers(dst []byte, packed string) []byte {
	for i := 0; i < len(packed); {
		switch b := packed[i]; {
		case b < 0x80:
			dst = append(dst, b)
			i++
		case b < packedLong:
			dst = append(dst, 0x81, b&0x7f)
			i++
		default:
			sub, rest, _ := mib.PackedOID(packed[i:]).CutSubidentifier()
			dst = appendSubidentifier(dst, uint64(sub))
			i = len(packed) - len(rest.Packed())
		}
	}
	return dst
}

// appendSubidentifier appends seven bits an octet, the highest first.
func appendSubidentifier(dst []byte, sub uint64) []byte {
	if sub < 0x80 {
		return append(dst, byte(sub))
	}
	shift := 7
	for sub>>shift >= 0x80 {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		dst = append(dst, 0x80|byte(sub>>shift))
	}
	return append(dst, byte(sub)&0x7f)
}

// AppendValue appends the element of a value.
func AppendValue(dst []byte, v mib.Value) []byte {
	tag := byte(v.Type())
	switch v.Type() {
	case mib.Integer32:
		return AppendInteger(dst, tag, int64(v.Int()))
	case mib.Counter32, mib.Gauge32, mib.TimeTicks, mib.Counter64:
		return AppendUnsigned(dst, tag, v.Uint())
	case mib.OctetString, mib.Opaque:
		dst, start := Open(dst, tag)
		return Close(append(dst, v.Octets()...), start)
	case mib.ObjectIdentifier:
		return AppendOID(dst, v.OID(), mib.OID{})
	case mib.IPAddress:
		return binary.BigEndian.AppendUint32(append(dst, tag, 4), uint32(v.Uint()))
	}
	return append(dst, tag, 0) // NULL and the exceptions
}

// AppendBinding appends a VarBind (RFC 3416, section 3).
func AppendBinding(dst []byte, object, index mib.OID, v mib.Value) []byte {
	dst, start := Open(dst, Sequence)
	dst = AppendOID(dst, object, index)
	return Close(AppendValue(dst, v), start)
}

// AppendNamedBinding appends a VarBind whose name is encoded already.
func AppendNamedBinding(dst, name []byte, v mib.Value) []byte {
	dst, start := Open(dst, Sequence)
	dst = append(dst, name...)
	return Close(AppendValue(dst, v), start)
}
