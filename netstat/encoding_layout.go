package netstat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// A layout is how a struct of the vocabulary is written as a JSON object: its
// members in order. It follows from the struct: a member is named after its field,
// in small letters up to the second word, unless the field's tag says otherwise.
//
//	`json:"name"`           another name
//	`json:",omitzero"`      a 0 stands for none, and is left out
//	`json:",inline"`        the members of the field's struct are the row's own
//	`json:"prefix,inline"`  the same, with prefix in front of their names
//	`json:"-"`              members of other forms stand for the field (madeMembers)
//	`form:"name"`           the value is written in another form (forms)
//	`unlimited:"7"`         7 stands for no limit: the member is left out, and
//	                        another one, "unlimited", has its name
type layout []member

type member struct {
	name     string
	field    int
	omitZero bool
	form     *form
	inline   layout // not nil: of the struct that the field is, points to or may know
	made     *madeMember
	noLimit  string // empty, or the number that stands for no limit
}

// layouts are those of all types that were asked for.
var layouts sync.Map // of layout by reflect.Type

func layoutOf(t reflect.Type) layout {
	if l, ok := layouts.Load(t); ok {
		return l.(layout)
	}
	l, _ := layouts.LoadOrStore(t, newLayout(t, ""))
	return l.(layout)
}

// newLayout returns the layout of a struct whose members have prefix in front of
// their names.
func newLayout(t reflect.Type, prefix string) layout {
	l := make(layout, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		made := madeMembers()[t][f.Name]
		for j := range made {
			l = append(l, member{name: prefixed(prefix, made[j].name), field: i, made: &made[j]})
		}
		switch {
		case name == "-" || len(made) > 0:
		case f.Anonymous || options == "inline":
			l = append(l, member{field: i, inline: newLayout(structOf(f.Type), prefixed(prefix, name))})
		default:
			m := member{field: i, omitZero: options == "omitzero", noLimit: f.Tag.Get("unlimited")}
			switch {
			case name != "":
				m.name = prefixed(prefix, name)
			case prefix != "":
				m.name = prefix + f.Name
			default:
				m.name = memberName(f.Name)
			}
			if form, ok := forms()[f.Tag.Get("form")]; ok {
				m.form = &form
			}
			l = append(l, m)
		}
	}
	// Those that are made of a row stand for none of its fields.
	of := madeMembers()[t][""]
	if limited := slices.DeleteFunc(slices.Clone(l), func(m member) bool { return m.noLimit == "" }); len(limited) > 0 {
		of = append(slices.Clip(of), unlimitedMember(limited))
	}
	for i := range of {
		l = append(l, member{name: prefixed(prefix, of[i].name), made: &of[i]})
	}
	return l
}

// structOf returns the struct that t is, points to or may know.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	if o, ok := reflect.New(t).Interface().(optional); ok {
		value, _ := o.Fields()
		return reflect.TypeOf(value).Elem()
	}
	return t
}

func prefixed(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + strings.ToUpper(name[:1]) + name[1:]
}

// memberName makes the first word of a field's name small: "MTU" is "mtu",
// "NextHopID" is "nextHopID", "IPProtocol" is "ipProtocol".
func memberName(field string) string {
	upper := strings.IndexFunc(field, func(r rune) bool { return !unicode.IsUpper(r) })
	switch {
	case upper < 0:
		upper = len(field)
	case upper > 1 && unicode.IsLower(rune(field[upper])):
		upper--
	}
	return strings.ToLower(field[:upper]) + field[upper:]
}

// optional is what every Optional is.
type optional interface {
	Fields() (value any, known *bool)
}

// optionalAt returns the Optional that v is, or nil. v must be addressable.
func optionalAt(v reflect.Value) optional {
	o, _ := v.Addr().Interface().(optional)
	return o
}

// starter is a row that is not all zero before its members are read: the absence of
// one says something.
type starter interface{ start() }

// encodedMember is a member of an object with its value in JSON.
type encodedMember struct {
	name  string
	value []byte
}

// encode appends the members that v, which must be addressable, has.
func (l layout) encode(members []encodedMember, v reflect.Value) ([]encodedMember, error) {
	for i := range l {
		m := &l[i]
		f := v.Field(m.field)
		if m.inline != nil {
			if to, there := inlined(f); there {
				var err error
				if members, err = m.inline.encode(members, to); err != nil {
					return nil, err
				}
			}
			continue
		}
		var value []byte
		var err error
		switch {
		case m.made != nil:
			value, err = m.made.encode(v.Addr().Interface())
		case isAbsent(f, m.omitZero), m.isUnlimited(f):
		default:
			value, err = encodeKnown(f, m.form)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if value != nil {
			members = append(members, encodedMember{m.name, value})
		}
	}
	return members, nil
}

// inlined returns the struct that f is, points to or may know, and false when there
// is none.
func inlined(f reflect.Value) (reflect.Value, bool) {
	if f.Kind() == reflect.Pointer {
		return f.Elem(), !f.IsNil()
	}
	if o := optionalAt(f); o != nil {
		value, known := o.Fields()
		return reflect.ValueOf(value).Elem(), *known
	}
	return f, true
}

// isAbsent reports whether a field stands for something that is not known or not
// there. Numbers and truths do not, unless omitZero says so.
func isAbsent(f reflect.Value, omitZero bool) bool {
	if o := optionalAt(f); o != nil {
		_, known := o.Fields()
		return !*known
	}
	switch f.Kind() {
	case reflect.Slice:
		return f.Len() == 0
	case reflect.Array:
		return false
	case reflect.String, reflect.Pointer:
		return f.IsZero()
	case reflect.Struct:
		switch f.Addr().Interface().(type) {
		case *Number:
			return false
		}
		zero, ok := f.Addr().Interface().(interface{ IsZero() bool })
		_, text := f.Addr().Interface().(interface{ MarshalText() ([]byte, error) })
		return ok && zero.IsZero() || text && f.IsZero()
	}
	if _, set := f.Addr().Interface().(flagSet); set {
		return f.IsZero()
	}
	return omitZero && f.IsZero()
}

// isUnlimited reports whether a field has the number that stands for no limit.
func (m *member) isUnlimited(f reflect.Value) bool {
	if m.noLimit == "" {
		return false
	}
	if o := optionalAt(f); o != nil {
		value, known := o.Fields()
		if f = reflect.ValueOf(value).Elem(); !*known {
			return false
		}
	}
	if f.CanInt() {
		return strconv.FormatInt(f.Int(), 10) == m.noLimit
	}
	return strconv.FormatUint(f.Uint(), 10) == m.noLimit
}

// setUnlimited sets a field to that number.
func (m *member) setUnlimited(f reflect.Value) error {
	if o := optionalAt(f); o != nil {
		value, known := o.Fields()
		f, *known = reflect.ValueOf(value).Elem(), true
	}
	return json.Unmarshal([]byte(m.noLimit), f.Addr().Interface())
}

// unlimitedMember is the member with the names of those that have no limit.
func unlimitedMember(limited []member) madeMember {
	return madeMember{
		name: "unlimited",
		encode: func(row any) ([]byte, error) {
			var names []string
			for i := range limited {
				if m := &limited[i]; m.isUnlimited(reflect.ValueOf(row).Elem().Field(m.field)) {
					names = append(names, m.name)
				}
			}
			if names == nil {
				return nil, nil
			}
			return json.Marshal(names)
		},
		decode: func(row any, b []byte) error {
			var names []string
			if err := json.Unmarshal(b, &names); err != nil {
				return err
			}
			for i := range limited {
				if m := &limited[i]; slices.Contains(names, m.name) {
					if err := m.setUnlimited(reflect.ValueOf(row).Elem().Field(m.field)); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

// encodeKnown encodes a field that is there.
func encodeKnown(f reflect.Value, as *form) ([]byte, error) {
	if o := optionalAt(f); o != nil {
		value, _ := o.Fields()
		f = reflect.ValueOf(value).Elem()
	}
	if as != nil {
		return as.encode(f)
	}
	return encodeValue(f)
}

// decode sets v to what the members of an object say.
func (l layout) decode(members map[string]json.RawMessage, v reflect.Value) error {
	if s, ok := v.Addr().Interface().(starter); ok {
		s.start()
	}
	// What is made of members may look at fields.
	for _, made := range []bool{false, true} {
		for i := range l {
			m := &l[i]
			if (m.made != nil) != made {
				continue
			}
			if err := m.decode(members, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *member) decode(members map[string]json.RawMessage, v reflect.Value) error {
	f := v.Field(m.field)
	if m.inline != nil {
		if !m.inline.isIn(members) {
			return nil
		}
		if f.Kind() == reflect.Pointer {
			f.Set(reflect.New(f.Type().Elem()))
		} else if o := optionalAt(f); o != nil {
			_, known := o.Fields()
			*known = true
		}
		to, _ := inlined(f)
		return m.inline.decode(members, to)
	}
	text, there := members[m.name]
	if !there || isNull(text) {
		return nil
	}
	var err error
	switch o := optionalAt(f); {
	case m.made != nil:
		err = m.made.decode(v.Addr().Interface(), text)
	case m.form == nil:
		err = decodeValue(text, f)
	case o == nil:
		err = m.form.decode(text, f)
	default:
		value, known := o.Fields()
		if err = m.form.decode(text, reflect.ValueOf(value).Elem()); err == nil {
			*known = true
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// isIn reports whether one of the layout's members is there.
func (l layout) isIn(members map[string]json.RawMessage) bool {
	for i := range l {
		if l[i].inline != nil {
			if l[i].inline.isIn(members) {
				return true
			}
		} else if text, there := members[l[i].name]; there && !isNull(text) {
			return true
		}
	}
	return false
}

func isNull(text []byte) bool { return bytes.Equal(bytes.TrimSpace(text), []byte("null")) }

// marshalRow returns a row as the JSON object that docs/netstat-json.md tells of.
func marshalRow[T any](row *T) ([]byte, error) {
	v := reflect.ValueOf(row).Elem()
	members, err := layoutOf(v.Type()).encode(nil, v)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", v.Type(), err)
	}
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, m.name), ':')
		b = append(b, m.value...)
	}
	return append(b, '}'), nil
}

// unmarshalRow reads what marshalRow writes. Members that are not there are unknown,
// and those that it does not know are passed over. Where it fails, the row is left
// as it was.
func unmarshalRow[T any](row *T, b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	var v T
	at := reflect.ValueOf(&v).Elem()
	if err := layoutOf(at.Type()).decode(members, at); err != nil {
		return fmt.Errorf("%v: %w", at.Type(), err)
	}
	*row = v
	return nil
}

// logRow returns the members of marshalRow as a group of log/slog.
func logRow[T any](row *T) slog.Value {
	v := reflect.ValueOf(row).Elem()
	members, err := layoutOf(v.Type()).encode(nil, v)
	if err != nil {
		return slog.AnyValue(err)
	}
	attributes := make([]slog.Attr, 0, len(members))
	for _, m := range members {
		attributes = append(attributes, slog.Attr{Key: m.name, Value: logValue(m.value)})
	}
	return slog.GroupValue(attributes...)
}

// logValue returns a value in JSON as one of log/slog, without loss.
func logValue(b []byte) slog.Value {
	switch text := string(b); text[0] {
	case '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			return slog.StringValue(s)
		}
	case 't', 'f':
		return slog.BoolValue(text == "true")
	case '[', '{':
	default:
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return slog.Uint64Value(n)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return slog.Int64Value(n)
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return slog.Float64Value(n)
		}
	}
	return slog.AnyValue(json.RawMessage(b))
}
