package mib

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unsafe"
)

// MaxOIDLength is the most sub-identifiers that an OID may have (RFC 2578,
// section 3.5).
const MaxOIDLength = 128

// OID is an object identifier, or a part of one such as a table's index. It is
// an immutable value: OIDs compare with ==, serve as map keys, and share memory
// with the OIDs that they were cut from.
//
// It is kept packed, each sub-identifier in one to five bytes, in a form whose
// byte order is the lexicographical order of OIDs (see [AppendSubidentifier]):
// comparing two OIDs is comparing two strings.
type OID struct {
	packed string
}

// ErrInvalidOID is matched by the errors of ParseOID.
var ErrInvalidOID = errors.New("invalid object identifier")

// The packed form of a sub-identifier v, after the variable-length integers of
// SQLite 4:
//
//	v < 240             v
//	v < 2288            240 + (v-240)/256, (v-240)%256
//	v < 67824           248, two bytes of v-2288
//	v < 2^24            249, three bytes of v
//	otherwise           250, four bytes of v
//
// Longer forms start with larger bytes and no form is the beginning of another,
// so that bytewise order is numerical order and a prefix of an OID is a prefix
// of its packed form.
const (
	packedTwo   = 240
	packedThree = 248
	packedFour  = 249
	packedFive  = 250
	limitTwo    = 2288
	limitThree  = 67824
	limitFour   = 1 << 24
)

// AppendSubidentifier appends the packed form of sub to dst. The forms of an
// OID's sub-identifiers, one after the other, are what [PackedOID] takes.
func AppendSubidentifier(dst []byte, sub uint32) []byte {
	if sub < packedTwo {
		return append(dst, byte(sub))
	}
	return appendLongSubidentifier(dst, sub)
}

func appendLongSubidentifier(dst []byte, sub uint32) []byte {
	switch {
	case sub < limitTwo:
		sub -= packedTwo
		return append(dst, packedTwo+byte(sub>>8), byte(sub))
	case sub < limitThree:
		sub -= limitTwo
		return append(dst, packedThree, byte(sub>>8), byte(sub))
	case sub < limitFour:
		return append(dst, packedFour, byte(sub>>16), byte(sub>>8), byte(sub))
	default:
		return append(dst, packedFive, byte(sub>>24), byte(sub>>16), byte(sub>>8), byte(sub))
	}
}

// PackedOID returns the OID of a packed form that AppendSubidentifier built. It
// does not check it: a form that was not built so gives an OID that means
// nothing.
func PackedOID(packed string) OID { return OID{packed} }

// Packed returns the packed form. Encoders may rely on a byte below 240 being a
// sub-identifier of that value.
func (o OID) Packed() string { return o.packed }

// CutSubidentifier returns the first sub-identifier of o and what follows it;
// ok is false when o is empty.
func (o OID) CutSubidentifier() (sub uint32, rest OID, ok bool) {
	p := o.packed
	if p == "" {
		return 0, OID{}, false
	}
	if b := p[0]; b < packedTwo {
		return uint32(b), OID{p[1:]}, true
	}
	return cutLong(p)
}

func cutLong(p string) (sub uint32, rest OID, ok bool) {
	b := p[0]
	n := 2
	switch {
	case b < packedThree:
	case b == packedThree:
		n = 3
	case b == packedFour:
		n = 4
	default:
		n = 5
	}
	if len(p) < n {
		return 0, OID{}, false
	}
	switch n {
	case 2:
		sub = packedTwo + uint32(b-packedTwo)<<8 + uint32(p[1])
	case 3:
		sub = limitTwo + uint32(p[1])<<8 + uint32(p[2])
	case 4:
		sub = uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
	default:
		sub = uint32(p[1])<<24 | uint32(p[2])<<16 | uint32(p[3])<<8 | uint32(p[4])
	}
	return sub, OID{p[n:]}, true
}

// MakeOID returns the OID of the sub-identifiers.
func MakeOID(subs ...uint32) OID { return OID{}.Sub(subs...) }

// ParseOID parses dotted decimal, "1.3.6.1" or ".1.3.6.1", of at most
// MaxOIDLength sub-identifiers. Its errors match ErrInvalidOID.
func ParseOID(s string) (OID, error) {
	text := strings.TrimPrefix(s, ".")
	if text == "" {
		return OID{}, fmt.Errorf("%w %q: empty", ErrInvalidOID, s)
	}
	var packed []byte
	n := 0
	for part := range strings.SplitSeq(text, ".") {
		sub, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return OID{}, fmt.Errorf("%w %q: sub-identifier %q is not a number from 0 to 4294967295", ErrInvalidOID, s, part)
		}
		if n++; n > MaxOIDLength {
			return OID{}, fmt.Errorf("%w %q: more than %d sub-identifiers", ErrInvalidOID, s, MaxOIDLength)
		}
		packed = AppendSubidentifier(packed, uint32(sub))
	}
	return OID{string(packed)}, nil
}

// MustParseOID is ParseOID for constants: it panics where ParseOID fails.
func MustParseOID(s string) OID {
	o, err := ParseOID(s)
	if err != nil {
		panic(err)
	}
	return o
}

// Sub returns o with subs appended.
func (o OID) Sub(subs ...uint32) OID {
	packed := make([]byte, 0, len(o.packed)+len(subs)+4)
	packed = append(packed, o.packed...)
	for _, s := range subs {
		packed = AppendSubidentifier(packed, s)
	}
	return OID{string(packed)}
}

// Append returns o followed by suffix.
func (o OID) Append(suffix OID) OID { return OID{o.packed + suffix.packed} }

// Compare returns -1, 0 or +1 in lexicographical order: by the first
// sub-identifier that differs, the shorter first where none does.
func (o OID) Compare(p OID) int { return strings.Compare(o.packed, p.packed) }

// Less reports whether o comes before p.
func (o OID) Less(p OID) bool { return o.packed < p.packed }

// HasPrefix reports whether o starts with p, or is p.
func (o OID) HasPrefix(p OID) bool { return strings.HasPrefix(o.packed, p.packed) }

// CutPrefix returns o without the leading prefix, and whether it had it.
func (o OID) CutPrefix(prefix OID) (rest OID, found bool) {
	s, ok := strings.CutPrefix(o.packed, prefix.packed)
	return OID{s}, ok
}

// IsEmpty reports whether o has no sub-identifiers.
func (o OID) IsEmpty() bool { return o.packed == "" }

// Len returns the number of sub-identifiers.
func (o OID) Len() int {
	n := 0
	for range o.All() {
		n++
	}
	return n
}

// All yields the sub-identifiers in order.
func (o OID) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for {
			sub, rest, ok := o.CutSubidentifier()
			if !ok || !yield(sub) {
				return
			}
			o = rest
		}
	}
}

// Subidentifiers returns the sub-identifiers as a slice of the caller's own.
func (o OID) Subidentifiers() []uint32 {
	subs := make([]uint32, 0, len(o.packed))
	for s := range o.All() {
		subs = append(subs, s)
	}
	return subs
}

// Parent returns o without its last sub-identifier, and that sub-identifier.
// The parent of the empty OID is empty.
func (o OID) Parent() (OID, uint32) {
	rest, cut, last := o, 0, uint32(0)
	for {
		sub, next, ok := rest.CutSubidentifier()
		if !ok {
			return OID{o.packed[:cut]}, last
		}
		cut, last = len(o.packed)-len(rest.packed), sub
		rest = next
	}
}

// String returns o in dotted decimal without a leading dot, "1.3.6.1".
func (o OID) String() string {
	var b []byte
	for s := range o.All() {
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(s), 10)
	}
	return string(b)
}

// An OIDList collects OIDs that are decoded together, so that all of them take
// one piece of memory. It is reusable: Reset keeps its buffers.
type OIDList struct {
	packed []byte
	ends   []int
}

// Reset empties the list.
func (l *OIDList) Reset() { l.packed, l.ends = l.packed[:0], l.ends[:0] }

// Append adds a sub-identifier to the OID being built.
func (l *OIDList) Append(sub uint32) { l.packed = AppendSubidentifier(l.packed, sub) }

// End ends the OID being built and begins the next.
func (l *OIDList) End() { l.ends = append(l.ends, len(l.packed)) }

// AppendOIDs appends the OIDs that were ended to dst. They stay valid after
// Reset.
func (l *OIDList) AppendOIDs(dst []OID) []OID { return l.appendOIDs(dst, string(l.packed)) }

// AppendBorrowed is AppendOIDs without an allocation: the OIDs are the list's
// own memory, and nothing that holds one may outlive the next Reset.
func (l *OIDList) AppendBorrowed(dst []OID) []OID {
	return l.appendOIDs(dst, unsafe.String(unsafe.SliceData(l.packed), len(l.packed)))
}

func (l *OIDList) appendOIDs(dst []OID, packed string) []OID {
	start := 0
	for _, end := range l.ends {
		dst = append(dst, OID{packed[start:end]})
		start = end
	}
	return dst
}
