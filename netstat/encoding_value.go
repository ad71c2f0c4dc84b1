package netstat

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var durationType = reflect.TypeFor[time.Duration]()

// encodeValue returns a value of the vocabulary in JSON: durations are seconds, and
// a nil slice is an empty array. v must be addressable.
func encodeValue(v reflect.Value) ([]byte, error) {
	if v.Type() == durationType {
		return appendSeconds(nil, time.Duration(v.Int())), nil
	}
	if v.Kind() == reflect.Slice {
		b := []byte{'['}
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			element, err := encodeValue(v.Index(i))
			if err != nil {
				return nil, err
			}
			b = append(b, element...)
		}
		return append(b, ']'), nil
	}
	return json.Marshal(v.Addr().Interface())
}

// decodeValue reads what encodeValue writes.
func decodeValue(b []byte, v reflect.Value) error {
	if v.Type() == durationType {
		d, err := parseSeconds(strings.TrimSpace(string(b)))
		if err == nil {
			v.SetInt(int64(d))
		}
		return err
	}
	if v.Kind() == reflect.Slice {
		var elements []json.RawMessage
		if err := json.Unmarshal(b, &elements); err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
		for i := range elements {
			if err := decodeValue(elements[i], v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return json.Unmarshal(b, v.Addr().Interface())
}

// appendSeconds appends a duration in seconds with all its digits, nine of them
// behind the point at most.
func appendSeconds(b []byte, d time.Duration) []byte {
	n := uint64(d)
	if d < 0 {
		b, n = append(b, '-'), -n
	}
	const second = uint64(time.Second)
	b = strconv.AppendUint(b, n/second, 10)
	if part := n % second; part != 0 {
		b = append(b, strings.TrimRight(fmt.Sprintf(".%09d", part), "0")...)
	}
	return b
}

// parseSeconds reads a number of JSON as seconds. What is finer than a nanosecond is
// dropped.
func parseSeconds(s string) (time.Duration, error) {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return 0, fmt.Errorf("%.64q is no number of seconds", s)
	}
	d, err := time.ParseDuration(s + "s")
	if err == nil {
		return d, nil
	}
	// With an exponent, or out of range, or the least Duration of all.
	if f, ferr := strconv.ParseFloat(s, 64); ferr == nil && strings.ContainsAny(s, "eE") && f > -1<<33 && f < 1<<33 {
		return time.Duration(f * float64(time.Second)), nil
	}
	return 0, fmt.Errorf("%.64q seconds are no duration", s)
}
