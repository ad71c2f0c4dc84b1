package sockopt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// From include/uapi/linux/btf.h.
const (
	btfMagic      = 0xeb9f
	sizeofHeader  = 24
	sizeofBTFType = 12

	kindInt       = 1
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19
	mostKind      = kindEnum64
)

// behind is how many octets follow the type of a kind, and how many for each of its
// members.
var behind = [mostKind + 1]struct{ fixed, each uint32 }{
	kindInt: {fixed: 4}, kindArray: {fixed: 12}, kindStruct: {each: 12}, kindUnion: {each: 12}, kindEnum: {each: 8}, kindFuncProto: {each: 8},
	kindVar: {fixed: 4}, kindDatasec: {each: 12}, kindDeclTag: {fixed: 4}, kindEnum64: {each: 12},
}

var errMalformedTypes = errors.New("malformed type information")

// findEnumerators finds the numbers of names of enumerations in type information, which
// is in the machine's byte order. Package btf finds enumerations by their own names, and
// some have none; to have it make all types of a kernel takes long.
func findEnumerators(b []byte, names map[string]bool) (map[string]uint64, error) {
	if len(b) < sizeofHeader || binary.NativeEndian.Uint16(b) != btfMagic {
		return nil, fmt.Errorf("%w: no header", errMalformedTypes)
	}
	number := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(b[at:])) }
	header, size := number(4), uint64(len(b))
	types, typesEnd := header+number(8), header+number(8)+number(12)
	strings, stringsEnd := header+number(16), header+number(16)+number(20)
	if typesEnd > size || stringsEnd > size {
		return nil, fmt.Errorf("%w: sections of %d and %d bytes in %d", errMalformedTypes, number(12), number(20), size)
	}
	text := b[strings:stringsEnd]
	name := func(offset uint32) []byte {
		if uint64(offset) >= uint64(len(text)) {
			return nil
		}
		s, _, _ := bytes.Cut(text[offset:min(uint64(len(text)), uint64(offset)+64)], []byte{0})
		return s
	}
	found := make(map[string]uint64)
	for rest := b[types:typesEnd]; len(rest) > 0; {
		if len(rest) < sizeofBTFType {
			return nil, fmt.Errorf("%w: %d bytes behind the types", errMalformedTypes, len(rest))
		}
		info := binary.NativeEndian.Uint32(rest[4:])
		kind, members := info>>24&0x1f, info&0xffff
		if kind > mostKind {
			return nil, fmt.Errorf("%w: kind %d", errMalformedTypes, kind)
		}
		rest = rest[sizeofBTFType:]
		length := uint64(behind[kind].fixed) + uint64(behind[kind].each)*uint64(members)
		if length > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: kind %d with %d members", errMalformedTypes, kind, members)
		}
		if kind == kindEnum || kind == kindEnum64 {
			for m := rest[:length]; len(m) > 0; m = m[behind[kind].each:] {
				if n := name(binary.NativeEndian.Uint32(m)); names[string(n)] {
					v := uint64(binary.NativeEndian.Uint32(m[4:]))
					if kind == kindEnum64 {
						v |= uint64(binary.NativeEndian.Uint32(m[8:])) << 32
					}
					found[string(n)] = v
				}
			}
		}
		rest = rest[length:]
	}
	return found, nil
}
