package netstat

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// MarshalJSON returns the value's JSON, or null when it is unknown. A duration is
// in seconds. A known nil slice is an empty array, since null would be unknown.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.known {
		return []byte("null"), nil
	}
	return encodeValue(reflect.ValueOf(&o.value).Elem())
}

// UnmarshalJSON reads what MarshalJSON writes. Null is unknown. Where it fails,
// the Optional is left as it was.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	if isNull(b) {
		*o = Optional[T]{}
		return nil
	}
	var v T
	if err := decodeValue(b, reflect.ValueOf(&v).Elem()); err != nil {
		return err
	}
	o.Set(v)
	return nil
}

// IsZero reports whether the value is unknown, for the option omitzero of
// encoding/json.
func (o Optional[T]) IsZero() bool { return !o.known }

// MarshalText returns the form of String.
func (a HardwareAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the form of String, with digits of either case.
func (a *HardwareAddress) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = ""
		return nil
	}
	octets := make([]byte, 0, len(text)/3+1)
	for part := range bytes.SplitSeq(text, []byte{':'}) {
		var err error
		if len(part) != 2 {
			return unknownText(*a, text)
		}
		if octets, err = hex.AppendDecode(octets, part); err != nil {
			return unknownText(*a, text)
		}
	}
	*a = HardwareAddress(octets)
	return nil
}

// MarshalText returns the form of String.
func (i InterfaceIdentifier) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the form of String.
func (i *InterfaceIdentifier) UnmarshalText(text []byte) error {
	octets, err := hex.AppendDecode(nil, bytes.ReplaceAll(text, []byte{':'}, nil))
	if err != nil || InterfaceIdentifier(octets).String() != string(text) {
		return unknownText(*i, text)
	}
	*i = InterfaceIdentifier(octets)
	return nil
}

// MarshalText returns the form of String.
func (h TrafficHandle) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the form of String.
func (h *TrafficHandle) UnmarshalText(text []byte) error {
	for _, named := range [...]TrafficHandle{TrafficRoot, TrafficIngress} {
		if named.String() == string(text) {
			*h = named
			return nil
		}
	}
	first, second, _ := strings.Cut(string(text), ":")
	if second == "" {
		second = "0"
	}
	major, err := strconv.ParseUint(first, 16, 16)
	minor, err2 := strconv.ParseUint(second, 16, 16)
	v := TrafficHandle(major<<16 | minor)
	if err != nil || err2 != nil || v.String() != string(text) {
		return unknownText(*h, text)
	}
	*h = v
	return nil
}

// unknownText is the error for a text that is none of T.
func unknownText[T any](_ T, text []byte) error {
	return fmt.Errorf("%.64q is no %v", text, reflect.TypeFor[T]())
}

// unmarshalName sets v to the value whose form is text. Names stand for numbers
// below mostNamed; others have their number at the end of their form.
func unmarshalName[T ~uint8 | ~uint16](v *T, text []byte, form func(T) string) error {
	const mostNamed = 512
	s, most := string(text), uint64(^T(0))
	if n, err := strconv.ParseUint(s[strings.LastIndexByte(s, ' ')+1:], 10, 64); err == nil && n <= most && form(T(n)) == s {
		*v = T(n)
		return nil
	}
	for n := range min(most+1, mostNamed) {
		if form(T(n)) == s {
			*v = T(n)
			return nil
		}
	}
	return unknownText(*v, text)
}

// unmarshalSet sets v to the set whose form is text: parts are the forms of its
// bits, and hexadecimal numbers of bits that have no name.
func unmarshalSet[T ~uint8 | ~uint16 | ~uint32](v *T, text []byte, parts []string, form func(T) string) error {
	s := string(text)
	if form(0) == s {
		*v = 0
		return nil
	}
	bits := make(map[string]T, 32)
	for bit := T(1); bit != 0; bit <<= 1 {
		bits[form(bit)] = bit
	}
	var set T
	for _, part := range parts {
		bit, named := bits[part]
		if !named {
			n, err := strconv.ParseUint(part, 0, 32)
			if err != nil || n > uint64(^T(0)) {
				return unknownText(*v, text)
			}
			bit = T(n)
		}
		set |= bit
	}
	if form(set) != s {
		return unknownText(*v, text)
	}
	*v = set
	return nil
}

// unmarshalList is unmarshalSet of parts that commas join.
func unmarshalList[T ~uint8 | ~uint16 | ~uint32](v *T, text []byte, form func(T) string) error {
	return unmarshalSet(v, text, strings.Split(string(text), ","), form)
}

// MarshalText returns the form of String.
func (s OperState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *OperState) UnmarshalText(text []byte) error { return unmarshalName(s, text, OperState.String) }

// MarshalText returns the form of String.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String.
func (d *Direction) UnmarshalText(text []byte) error { return unmarshalName(d, text, Direction.String) }

// MarshalText returns the form of String.
func (m FilterMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the form of String.
func (m *FilterMode) UnmarshalText(text []byte) error {
	return unmarshalName(m, text, FilterMode.String)
}

// MarshalText returns the form of String.
func (s NeighbourState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *NeighbourState) UnmarshalText(text []byte) error {
	return unmarshalList(s, text, NeighbourState.String)
}

// MarshalText returns the form of String.
func (k Kinds) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the form of String.
func (k *Kinds) UnmarshalText(text []byte) error { return unmarshalList(k, text, Kinds.String) }

// MarshalText returns the form of String.
func (f SubflowFlags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *SubflowFlags) UnmarshalText(text []byte) error {
	letters, rest, both := strings.Cut(string(text), ",")
	if !both && strings.HasPrefix(letters, "0x") {
		letters, rest = "", letters
	}
	parts := strings.Split(letters, "")
	if rest != "" {
		parts = append(parts, rest)
	}
	return unmarshalSet(f, text, parts, SubflowFlags.String)
}
