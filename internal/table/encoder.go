package table

// Encoder appends rows as objects of JSON.
type Encoder[T any] struct {
	kind    *Kind[T]
	members []member
}

// member is a field of JSON: its index, and `,"name":`.
type member struct {
	field int
	name  string
}

// NewEncoder returns an Encoder of a kind's rows.
func NewEncoder[T any](k *Kind[T]) *Encoder[T] {
	e := &Encoder[T]{kind: k}
	for i, f := range k.Fields {
		if f.Within == "" {
			e.members = append(e.members, member{i, `,"` + f.Name + `":`})
		}
	}
	return e
}

// Append appends a row in full: the name of its kind, and each field that is known.
func (e *Encoder[T]) Append(b []byte, row *T) []byte {
	b = AppendJSONString(append(b, `{"kind":`...), e.kind.Name)
	for _, m := range e.members {
		v := e.kind.Fields[m.field].Value(row)
		if v.IsKnown() {
			b = v.appendJSON(append(b, m.name...))
		}
	}
	return append(b, '}')
}
