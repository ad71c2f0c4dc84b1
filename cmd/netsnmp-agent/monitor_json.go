package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// jsonEvent is a line of `monitor --json`.
type jsonEvent struct {
	Time   time.Time      `json:"time"`
	Change string         `json:"change"`
	Kind   string         `json:"kind,omitempty"`
	Dev    string         `json:"dev,omitempty"`
	Value  map[string]any `json:"value,omitempty"`
	Old    map[string]any `json:"old,omitempty"`
}

func (p *printer) printJSON(e *live.Event, now time.Time) error {
	line := jsonEvent{Time: now, Change: e.Change.String(), Kind: e.Kind.String(), Value: jsonObject(e.Value), Old: jsonObject(e.Old)}
	if index := deviceOf(e.Value); index != 0 {
		line.Dev = p.name(index)
	}
	return json.NewEncoder(p.w).Encode(line)
}

// deviceOf returns the index of the interface that a value belongs to, 0 for
// none.
func deviceOf(value any) uint32 {
	switch v := value.(type) {
	case netstat.Interface:
		return v.Index
	case netstat.Address:
		return v.Interface
	case netstat.Route:
		return v.Interface
	case netstat.Neighbour:
		return v.Interface
	case netstat.NextHop:
		return v.Interface
	case netstat.Netconf:
		return uint32(max(v.Interface, 0))
	case netstat.MulticastGroup:
		return v.Interface
	}
	return 0
}

// jsonObject returns the fields of a value of the vocabulary by their names, the
// first letters small. What is unknown, empty or not there is left out; numbers
// that have names are strings.
func jsonObject(value any) map[string]any {
	if value == nil {
		return nil
	}
	object := make(map[string]any)
	v := reflect.ValueOf(value)
	for i := range v.NumField() {
		if field, ok := jsonValue(v.Field(i)); ok {
			object[smallFirst(v.Type().Field(i).Name)] = field
		}
	}
	return object
}

// smallFirst makes the first word of a field's name small: "MTU" is "mtu",
// "NextHopID" is "nextHopID", "MACAddress" would be "macAddress".
func smallFirst(name string) string {
	upper := 0
	for upper < len(name) && name[upper] >= 'A' && name[upper] <= 'Z' {
		upper++
	}
	if upper > 1 && upper < len(name) {
		upper--
	}
	return strings.ToLower(name[:upper]) + name[upper:]
}

// jsonValue returns a field for encoding/json, and false for one to leave out.
func jsonValue(v reflect.Value) (any, bool) {
	value := v.Interface()
	if optional, ok := value.(interface{ IsKnown() bool }); ok {
		if !optional.IsKnown() {
			return nil, false
		}
		// Get is the only way to what an Optional holds.
		return jsonKnown(v.MethodByName("Get").Call(nil)[0])
	}
	if v.IsZero() && v.Kind() != reflect.Bool && !isNumber(v.Kind()) {
		return nil, false
	}
	return jsonKnown(v)
}

func isNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uint64 }

func jsonKnown(v reflect.Value) (any, bool) {
	value := v.Interface()
	switch x := value.(type) {
	case time.Duration:
		return x.Seconds(), true
	case encoding.TextMarshaler:
		return value, true // addresses, prefixes, moments
	case fmt.Stringer:
		return x.String(), true
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, false
		}
		return jsonKnown(v.Elem())
	case reflect.Struct:
		return jsonObject(value), true
	case reflect.Slice:
		var list []any
		for i := range v.Len() {
			if element, ok := jsonKnown(v.Index(i)); ok {
				list = append(list, element)
			}
		}
		return list, len(list) > 0
	}
	return value, true
}
