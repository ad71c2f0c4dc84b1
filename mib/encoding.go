package mib

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

// ErrInvalidValue is matched by the errors of Value.UnmarshalJSON and
// Type.UnmarshalText.
var ErrInvalidValue = errors.New("invalid value")

// MarshalText returns the form of String. The error is nil always.
func (o OID) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what ParseOID does, and empty text as the empty OID. Its
// errors match ErrInvalidOID.
func (o *OID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*o = OID{}
		return nil
	}
	v, err := ParseOID(string(text))
	if err != nil {
		return err
	}
	*o = v
	return nil
}

// MarshalText returns the form of String. The error is nil always.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the form of String. The error matches ErrInvalidValue.
func (t *Type) UnmarshalText(text []byte) error {
	s := string(text)
	for n := range 256 {
		if Type(n).String() == s {
			*t = Type(n)
			return nil
		}
	}
	return fmt.Errorf("%w: %.64q is no type", ErrInvalidValue, s)
}

// valueJSON is a Value in JSON.
type valueJSON struct {
	Type  Type            `json:"type"`
	Value json.RawMessage `json:"value,omitempty"`
	Hex   *string         `json:"hex,omitempty"`
}

// MarshalJSON returns an object of the members type, which is the form of
// Type.String, and value: a number for INTEGER, Counter32, Gauge32, TimeTicks and
// Counter64, which takes up to 20 digits; dotted decimal for OBJECT IDENTIFIER
// and IpAddress; text for OCTET STRING and Opaque. Octets that are not UTF-8 are
// in a member hex in place of value, two digits each. A time stamp that no tree
// has served yet is the moment in the form of RFC 3339. Exceptions have no value.
// The zero Value is null. The error is nil always.
func (v Value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.typ {
	case 0:
		return []byte("null"), nil
	case Integer32:
		content = v.Int()
	case OctetString, Opaque:
		if !utf8.ValidString(v.str) {
			digits := hex.EncodeToString([]byte(v.str))
			return json.Marshal(valueJSON{Type: v.typ, Hex: &digits})
		}
		content = v.str
	case ObjectIdentifier:
		content = v.OID()
	case IPAddress:
		content = v.Addr()
	case Counter32, Gauge32, TimeTicks, Counter64:
		content = v.num
	case timeStamp:
		content = base.Add(time.Duration(v.num)).UTC()
	default:
		return json.Marshal(valueJSON{Type: v.typ})
	}
	b, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	return json.Marshal(valueJSON{Type: v.typ, Value: b})
}

// UnmarshalJSON reads what MarshalJSON writes. Its errors match ErrInvalidValue,
// or ErrInvalidOID for what is no OBJECT IDENTIFIER.
func (v *Value) UnmarshalJSON(b []byte) error {
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		*v = Value{}
		return nil
	}
	var j valueJSON
	if err := json.Unmarshal(b, &j); err != nil {
		if errors.Is(err, ErrInvalidValue) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrInvalidValue, err)
	}
	value, err := j.value()
	if err != nil {
		return err
	}
	*v = value
	return nil
}

func (j valueJSON) value() (Value, error) {
	switch j.Type {
	case Null, NoSuchObject, NoSuchInstance, EndOfMibView:
		if j.Value != nil || j.Hex != nil {
			return Value{}, fmt.Errorf("%w: %v has no value", ErrInvalidValue, j.Type)
		}
		return Exception(j.Type), nil
	case OctetString, Opaque:
		if j.Hex == nil {
			break
		}
		octets, err := hex.DecodeString(*j.Hex)
		if err != nil || j.Value != nil {
			return Value{}, fmt.Errorf("%w: %v in hexadecimal: %.64q", ErrInvalidValue, j.Type, *j.Hex)
		}
		return Value{typ: j.Type, str: string(octets)}, nil
	}
	if j.Hex != nil || j.Value == nil || string(j.Value) == "null" {
		return Value{}, fmt.Errorf("%w: %v needs a value", ErrInvalidValue, j.Type)
	}
	switch j.Type {
	case Integer32:
		n, err := strconv.ParseInt(string(j.Value), 10, 32)
		return j.checked(Int(int32(n)), err)
	case Counter32, Gauge32, TimeTicks, Counter64:
		n, err := strconv.ParseUint(string(j.Value), 10, 64)
		if j.Type != Counter64 && n > math.MaxUint32 {
			err = strconv.ErrRange
		}
		return j.checked(Value{typ: j.Type, num: n}, err)
	case OctetString, Opaque:
		var s string
		err := json.Unmarshal(j.Value, &s)
		return j.checked(Value{typ: j.Type, str: s}, err)
	case ObjectIdentifier:
		var o OID
		err := json.Unmarshal(j.Value, &o)
		return j.checked(OIDValue(o), err)
	case IPAddress:
		var a netip.Addr
		err := json.Unmarshal(j.Value, &a)
		if err == nil && !a.Is4() {
			err = errors.New("not an address of IPv4")
		}
		return j.checked(AddrValue(a), err)
	case timeStamp:
		var t time.Time
		err := json.Unmarshal(j.Value, &t)
		return j.checked(Value{typ: timeStamp, num: uint64(t.Sub(base))}, err)
	}
	return Value{}, fmt.Errorf("%w: %v", ErrInvalidValue, j.Type)
}

func (j valueJSON) checked(v Value, err error) (Value, error) {
	if err != nil {
		return Value{}, fmt.Errorf("%w: %v %.64s: %w", ErrInvalidValue, j.Type, j.Value, err)
	}
	return v, nil
}
