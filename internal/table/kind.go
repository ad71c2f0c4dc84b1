package table

import (
	"fmt"
	"slices"
	"strings"
)

// Field is one thing that programs can know about a row.
type Field[T any] struct {
	// Name is the member's name in JSON, and what --sort and --filter call it.
	Name string
	Type Type
	// Words are all that a Keyword can be.
	Words []string
	// Synonyms are other names that a filter accepts for some of Words.
	Synonyms map[string]string
	// Doc says what it is, and its unit, in one line.
	Doc   string
	Value func(row *T) Value
	// Within names the Compound that the field is a member of in JSON, empty for a
	// field of its own. It stands for itself in --sort and --filter.
	Within string
}

// Column is a column of the text.
type Column[T any] struct {
	Heading string
	Width   int  // the least width; the heading's where that is more
	Right   bool // aligned to the right, as numbers are
	// Append appends the cell. It escapes what others have chosen
	// (AppendEscaped).
	Append func(b []byte, row *T) []byte
	// Colour says how a cell is shown on a terminal that has colours; nil for
	// cells that are always plain.
	Colour func(row *T) Colour
}

// Colour is how a cell is shown: an SGR parameter (ECMA-48, 8.3.117), or 0 for
// plain.
type Colour uint8

// Colours.
const (
	Plain  Colour = 0
	Bold   Colour = 1
	Dim    Colour = 2
	Red    Colour = 31
	Green  Colour = 32
	Yellow Colour = 33
)

// Kind is a kind of rows for programs: its name, which is the member "kind" of
// each JSON object, and its fields.
type Kind[T any] struct {
	Name   string
	Doc    string
	Fields []Field[T]
	// Aliases are further names for --filter and --sort, each for one or more
	// fields: a filter's term holds if it holds for one of them.
	Aliases map[string][]string
}

// Find returns the indexes of the fields that a name or alias stands for,
// without regard to case.
func (k *Kind[T]) Find(name string) []int {
	if i := slices.IndexFunc(k.Fields, func(f Field[T]) bool { return strings.EqualFold(f.Name, name) }); i >= 0 {
		return []int{i}
	}
	var found []int
	for _, field := range k.Aliases[strings.ToLower(name)] {
		found = append(found, k.Find(field)...)
	}
	return found
}

// Names returns every name that Find knows, the fields' before the aliases.
func (k *Kind[T]) Names() []string {
	var names []string
	for _, f := range k.Fields {
		names = append(names, f.Name)
	}
	var aliases []string
	for a := range k.Aliases {
		aliases = append(aliases, a)
	}
	slices.Sort(aliases)
	return append(names, aliases...)
}

// Field describes field i to a filter.
func (k *Kind[T]) Field(i int) (name string, typ Type) { return k.Fields[i].Name, k.Fields[i].Type }

// Word returns the word of a Keyword field that a name stands for, and false with
// all words for a name that is none.
func (k *Kind[T]) Word(i int, name string) (word string, words []string, ok bool) {
	f := &k.Fields[i]
	for _, w := range f.Words {
		if EqualWords(w, name) {
			return w, nil, true
		}
	}
	for synonym, w := range f.Synonyms {
		if EqualWords(synonym, name) {
			return w, nil, true
		}
	}
	return "", f.Words, false
}

// Order is what rows are sorted by.
type Order struct {
	fields []orderField
}

type orderField struct {
	index      int
	descending bool
}

// Order returns the order that list says: names of fields, separated by commas,
// each with a "-" in front for the largest first.
func (k *Kind[T]) Order(list string) (*Order, error) {
	if list == "" {
		return nil, nil
	}
	var o Order
	for name := range strings.SplitSeq(list, ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(name), "-")
		found := k.Find(name)
		if len(found) == 0 {
			return nil, &UnknownFieldError{Kind: k.Name, Name: name, Known: k.Names()}
		}
		if f := k.Fields[found[0]]; f.Type == Compound {
			return nil, fmt.Errorf("%s have no order: those in it have", f.Name)
		}
		o.fields = append(o.fields, orderField{found[0], descending})
	}
	return &o, nil
}

// UnknownFieldError says that a kind of rows has no field of a name.
type UnknownFieldError struct {
	Kind, Name string
	Known      []string
}

func (e *UnknownFieldError) Error() string {
	return fmt.Sprintf("%s rows have no field %q: there are %s", e.Kind, e.Name, Known(e.Name, e.Known))
}

// Known lists names in place of one that there is not: all of a few, and of many those
// that have a part in common with it, or the first.
func Known(unknown string, names []string) string {
	const few = 24
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	var like []string
	unknown = strings.ToLower(unknown)
	for _, name := range names {
		lower := strings.ToLower(name)
		if strings.Contains(lower, unknown) || strings.Contains(unknown, lower) || len(unknown) > 3 && strings.HasPrefix(lower, unknown[:3]) {
			like = append(like, name)
		}
	}
	if len(like) == 0 || len(like) > few {
		like = names[:few]
	}
	return fmt.Sprintf("%s, and %d others", strings.Join(like, ", "), len(names)-len(like))
}

func (k *Kind[T]) compare(o *Order, a, b *T) int {
	for _, f := range o.fields {
		value := k.Fields[f.index].Value
		x, y := value(a), value(b)
		c := x.Compare(&y)
		if f.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// Description is a kind without the type of its rows, for documentation.
type Description struct {
	Name, Doc string
	Fields    []FieldDescription
}

// FieldDescription is a field of a Description.
type FieldDescription struct {
	Name, Type, Doc, Within string
	Words                   []string
}

// Describe returns the kind's description.
func (k *Kind[T]) Describe() Description {
	d := Description{Name: k.Name, Doc: k.Doc}
	for _, f := range k.Fields {
		d.Fields = append(d.Fields, FieldDescription{f.Name, f.Type.String(), f.Doc, f.Within, f.Words})
	}
	return d
}
