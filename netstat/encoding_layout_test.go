package netstat

import (
	"encoding"
	"encoding/json"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// RowTypes returns the types of what readers give, those of iterators and the others,
// without SocketOwners, which is an index to look into and no row.
func RowTypes() map[string]reflect.Type {
	found := make(map[string]reflect.Type)
	for _, reader := range []reflect.Type{
		reflect.TypeFor[CompleteStack](), reflect.TypeFor[FlowReader](), reflect.TypeFor[ExpectationReader](), reflect.TypeFor[FlowStatisticsReader](),
	} {
		for m := range reader.NumMethod() {
			method := reader.Method(m).Type
			for i := range method.NumOut() {
				out := method.Out(i)
				if out.Kind() == reflect.Func {
					out = out.In(0).In(0)
				}
				for out.Kind() == reflect.Pointer || out.Kind() == reflect.Slice {
					out = out.Elem()
				}
				if out.Kind() == reflect.Struct && strings.HasSuffix(out.PkgPath(), "/netstat") {
					found[out.Name()] = out
				}
			}
		}
	}
	for _, other := range []any{MulticastGroup{}, NewFlow{}, FlowChange{}, InterfaceCounters{}, CounterInfo{}} {
		found[reflect.TypeOf(other).Name()] = reflect.TypeOf(other)
	}
	delete(found, reflect.TypeFor[SocketOwners]().Name())
	return found
}

// structs returns the structs of this package that a type consists of.
func structs(t reflect.Type, found map[reflect.Type]bool) {
	if o, ok := reflect.New(t).Interface().(optional); ok {
		value, _ := o.Fields()
		structs(reflect.TypeOf(value).Elem(), found)
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		structs(t.Elem(), found)
	case reflect.Struct:
		if found[t] || !strings.HasSuffix(t.PkgPath(), "/netstat") || t == reflect.TypeFor[Number]() {
			return
		}
		found[t] = true
		for i := range t.NumField() {
			structs(t.Field(i).Type, found)
		}
	}
}

func (l layout) names(found []string) []string {
	for i := range l {
		if l[i].inline != nil {
			found = l[i].inline.names(found)
		} else {
			found = append(found, l[i].name)
		}
	}
	return found
}

// Every struct in a row encodes itself, and every field of it has a member.
func TestEveryFieldHasAMember(t *testing.T) {
	found := make(map[reflect.Type]bool)
	for _, row := range RowTypes() {
		structs(row, found)
	}
	if len(found) < 80 {
		t.Errorf("only %d structs were found", len(found))
	}
	usual := regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
	byName := make(map[string]SocketOption)
	for _, option := range AllSocketOptions() {
		byName[option.String()] = option
	}
	for s := range found {
		pointer := reflect.New(s).Interface()
		if _, text := pointer.(encoding.TextUnmarshaler); text {
			if _, ok := pointer.(encoding.TextMarshaler); !ok {
				t.Errorf("%v reads a text and does not write it", s)
			}
			continue
		}
		_, marshals := pointer.(json.Marshaler)
		_, unmarshals := pointer.(json.Unmarshaler)
		_, logs := pointer.(slog.LogValuer)
		if !marshals || !unmarshals || !logs {
			t.Errorf("%v has not the methods that encoding_rows.go gives to every row", s)
			continue
		}
		l, names := layoutOf(s), make(map[string]bool)
		for _, name := range l.names(nil) {
			_, option := byName[name]
			if names[name] || !usual.MatchString(name) && !option {
				t.Errorf("%v: member %q is there twice or has an unusual name", s, name)
			}
			names[name] = true
		}
		if _, ok := pointer.(starter); ok && len(madeMembers()[s]) == 0 {
			t.Errorf("%v starts with what no member changes", s)
		}
		fields := make(map[int]bool)
		for i := range l {
			fields[l[i].field] = true
		}
		for i := range s.NumField() {
			f := s.Field(i)
			tag := f.Tag.Get("json")
			switch {
			case !f.IsExported():
				t.Errorf("%v has the field %s, which is not exported", s, f.Name)
			case !fields[i] && (tag != "-" || len(madeMembers()[s]) == 0):
				t.Errorf("%v: %s has no member", s, f.Name)
			}
			if name := f.Tag.Get("form"); name != "" && forms()[name].encode == nil {
				t.Errorf("%v: %s is to have the form %q, which there is not", s, f.Name, name)
			}
		}
		for name := range madeMembers()[s] {
			if _, ok := s.FieldByName(name); !ok && name != "" {
				t.Errorf("%v has no field %s for its members to stand at", s, name)
			}
		}
	}
	for s := range madeMembers() {
		if !found[s] {
			t.Errorf("%v is in no row", s)
		}
	}
}

func TestMemberName(t *testing.T) {
	for field, want := range map[string]string{
		"MTU": "mtu", "NextHopID": "nextHopID", "IPProtocol": "ipProtocol", "V6Only": "v6Only", "TCP6": "tcp6", "UDPLite6": "udpLite6",
		"ReceiveQueue": "receiveQueue", "DSACKDuplicates": "dsackDuplicates", "ID": "id", "RTTVariation": "rttVariation",
	} {
		if got := memberName(field); got != want {
			t.Errorf("%s is %s, not %s", field, got, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, "-1.5": -1500 * time.Millisecond, "0.000000001": 1, "9223372036.854775807": Forever,
		"-9223372036.854775808": -1 << 63, "3600": time.Hour,
	} {
		if got := string(appendSeconds(nil, want)); got != text {
			t.Errorf("%d is %s, not %s", want, got, text)
		}
		if got, err := parseSeconds(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; not %d", text, got, err, want)
		}
	}
	for text, want := range map[string]time.Duration{"1.0": time.Second, "1e1": 10 * time.Second, "2.5E-3": 2500 * time.Microsecond, "0.0000000019": 1} {
		if got, err := parseSeconds(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; not %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", `"1"`, "1h", "null", "1e30", "9223372036.854775808", "1e999999999", "true", "[]", "+1"} {
		if got, err := parseSeconds(bad); err == nil {
			t.Errorf("%s is read as %v", bad, got)
		}
	}
}
