package show

import (
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// KindOf returns the kind of a table's rows, for programs that read the rows, of what
// type T says, by themselves.
func KindOf[T any](t Table) *table.Kind[Row[T]] { return t.(*kind[T]).Kind }

// NewRow returns a row of a stack.
func NewRow[T any](from *Source, v T) Row[T] { return Row[T]{from: from, v: v} }

// Value returns what the row is of.
func (r *Row[T]) Value() *T { return &r.v }

// NetNS returns the name of the row's namespace, empty where only one is shown.
func (r *Row[T]) NetNS() string { return r.from.NetNS }

// Event is what happened to a row.
type Event struct {
	Change  string    // "new", "update", "destroy"
	Time    time.Time // when it did, or when it was told
	Port    uint32    // netlink port of the program that caused it, 0 for none
	Program string    // that program's name, empty where it is not known
}

// Happened says what happened to the row, which is one of a kind of events.
func (r *Row[T]) Happened(e *Event) { r.event = e }

// eventKind declares a kind of what happens to rows: the event, and what is known of
// the row but for the fields left out.
func eventKind[T any](of *table.Kind[Row[T]], name, doc string, changes []string, leftOut ...string) *table.Kind[Row[T]] {
	event := func(name string, typ table.Type, doc string, value func(*Event) table.Value) table.Field[Row[T]] {
		return table.Field[Row[T]]{Name: name, Type: typ, Doc: doc, Value: func(r *Row[T]) table.Value { return value(r.event) }}
	}
	change := event("event", table.Keyword, "what happened", func(e *Event) table.Value { return table.Word(e.Change) })
	change.Words = changes
	k := &table.Kind[Row[T]]{Name: name, Doc: doc, Aliases: make(map[string][]string), Fields: []table.Field[Row[T]]{
		change,
		event("time", table.String, "when it happened, or was received of kernels that do not tell (RFC 3339)", func(e *Event) table.Value { return momentValue(e.Time) }),
		event("portID", table.Integer, "netlink port of the program that caused it; absent of what packets and time cause", func(e *Event) table.Value { return table.NonZero(e.Port) }),
		event("program", table.String, "name of that program, where one is seen to hold the port still", func(e *Event) table.Value { return table.Text(e.Program) }),
	}}
	for _, f := range of.Fields {
		if len(k.Find(f.Name)) == 0 && !slices.Contains(leftOut, f.Name) {
			k.Fields = append(k.Fields, f)
		}
	}
	for alias, fields := range of.Aliases {
		if !slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(leftOut, f) }) {
			k.Aliases[alias] = fields
		}
	}
	return k
}
