package collectors

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// nlAttr is one attribute (struct nlattr).
type nlAttr struct {
	kind  uint16 // without NLA_F_NESTED and NLA_F_NET_BYTEORDER, or noAttribute
	value []byte
}

// string returns the value up to its NUL.
func (a nlAttr) string() string {
	s := string(a.value)
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return s
}

// clip is the part of a malformed value that an error quotes.
func clip(b []byte) []byte { return b[:min(len(b), 32)] }

// noAttribute is behind the last attribute. No attribute has that kind.
const noAttribute = attributeTypeMask + 1

// attributeReader goes through attributes without copying:
//
//	var r attributeReader
//	for a, rest := r.next(body); a.kind != noAttribute; a, rest = r.next(rest) {
//		switch a.kind { ... }
//	}
//	return r.error()
//
// An attribute and what follows it are variables of the loop, which the compiler keeps in
// registers: a dump has millions of attributes. The typed accessors return 0 for a
// malformed value, and the first fault is kept, of nested attributes too.
type attributeReader struct {
	err      error
	overlong []byte // begins with an attribute that claims more than there is
}

// next returns the first attribute, and what follows it.
func (r *attributeReader) next(b []byte) (a nlAttr, rest []byte) {
	if len(b) < sizeofNlAttr {
		return nlAttr{kind: noAttribute}, nil
	}
	length := int(binary.NativeEndian.Uint16(b))
	if length < sizeofNlAttr || length > len(b) {
		r.overlong = b // error makes words of it: this is to be inlined
		return nlAttr{kind: noAttribute}, nil
	}
	return nlAttr{binary.NativeEndian.Uint16(b[2:]) & attributeTypeMask, b[sizeofNlAttr:length]}, b[min(align4(length), len(b)):]
}

func (r *attributeReader) failed() bool { return r.err != nil || r.overlong != nil }

// error returns the first fault, nil where there is none.
func (r *attributeReader) error() error {
	if b := r.overlong; r.err == nil && b != nil {
		length, kind := binary.NativeEndian.Uint16(b), binary.NativeEndian.Uint16(b[2:])&attributeTypeMask
		return fmt.Errorf("attribute %d of %d bytes in %d: % x", kind, length, len(b), clip(b))
	}
	return r.err
}

// in returns the fault that was found within a.
func (r *attributeReader) in(a nlAttr) error {
	return fmt.Errorf("at attribute %d: %w", a.kind, r.error())
}

func (r *attributeReader) malformed(a nlAttr, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("attribute %d is not %s: % x", a.kind, want, clip(a.value))
	}
}

func (r *attributeReader) uint8(a nlAttr) uint8 {
	if len(a.value) < 1 {
		r.malformed(a, "1 byte")
		return 0
	}
	return a.value[0]
}

func (r *attributeReader) uint16(a nlAttr) uint16 {
	if len(a.value) < 2 {
		r.malformed(a, "2 bytes")
		return 0
	}
	return binary.NativeEndian.Uint16(a.value)
}

func (r *attributeReader) uint32(a nlAttr) uint32 {
	if len(a.value) < 4 {
		r.malformed(a, "4 bytes")
		return 0
	}
	return binary.NativeEndian.Uint32(a.value)
}

func (r *attributeReader) uint64(a nlAttr) uint64 {
	if len(a.value) < 8 {
		r.malformed(a, "8 bytes")
		return 0
	}
	return binary.NativeEndian.Uint64(a.value)
}

// big16, big32 and big64 return values in network byte order, as netfilter has them.
func (r *attributeReader) big16(a nlAttr) uint16 {
	if len(a.value) < 2 {
		r.malformed(a, "2 bytes")
		return 0
	}
	return binary.BigEndian.Uint16(a.value)
}

func (r *attributeReader) big32(a nlAttr) uint32 {
	if len(a.value) < 4 {
		r.malformed(a, "4 bytes")
		return 0
	}
	return binary.BigEndian.Uint32(a.value)
}

func (r *attributeReader) big64(a nlAttr) uint64 {
	if len(a.value) < 8 {
		r.malformed(a, "8 bytes")
		return 0
	}
	return binary.BigEndian.Uint64(a.value)
}

// appendAttribute appends an attribute to a request.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(sizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// beginNested begins an attribute that consists of those appended until
// endNested, which takes what beginNested returned.
func beginNested(b []byte, kind uint16) (appended []byte, start int) {
	return appendAttribute(b, kind|unix.NLA_F_NESTED, nil), len(b)
}

func endNested(b []byte, start int) []byte {
	binary.NativeEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b
}

// appendBig16Attribute and appendBig32Attribute append numbers in network byte
// order.
func appendBig16Attribute(b []byte, kind uint16, value uint16) []byte {
	return appendAttribute(b, kind, []byte{byte(value >> 8), byte(value)})
}

func appendBig32Attribute(b []byte, kind uint16, value uint32) []byte {
	return appendAttribute(b, kind, []byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)})
}

func appendUint32Attribute(b []byte, kind uint16, value uint32) []byte {
	return appendAttribute(b, kind, binary.NativeEndian.AppendUint32(nil, value))
}
