package table

import (
	"fmt"
	"maps"
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
	// Filled fills the column up with blanks where it is the last one, too: who looks for a word
	// in it may look for the blank behind.
	Filled bool
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

// head is what there is to know of a field without the type of its rows. What asks for
// it is written, and compiled, once for all kinds.
type head struct {
	name     string
	typ      Type
	words    []string
	synonyms map[string]string
}

// index finds the fields of a kind by their names.
type index struct {
	kind    string
	heads   []head
	aliases map[string][]string
}

func (k *Kind[T]) index() *index {
	x := &index{kind: k.Name, heads: make([]head, 0, len(k.Fields)), aliases: k.Aliases}
	for i := range k.Fields {
		x.heads = append(x.heads, k.head(i))
	}
	return x
}

func (k *Kind[T]) head(i int) head {
	f := &k.Fields[i]
	return head{f.Name, f.Type, f.Words, f.Synonyms}
}

// Find returns the indexes of the fields that a name or alias stands for,
// without regard to case.
func (k *Kind[T]) Find(name string) []int { return k.index().find(name) }

func (x *index) find(name string) []int {
	if i := slices.IndexFunc(x.heads, func(h head) bool { return strings.EqualFold(h.name, name) }); i >= 0 {
		return []int{i}
	}
	var found []int
	for _, field := range x.aliases[strings.ToLower(name)] {
		found = append(found, x.find(field)...)
	}
	return found
}

// Names returns every name that Find knows, the fields' before the aliases.
func (k *Kind[T]) Names() []string { return k.index().names() }

func (x *index) names() []string {
	var names []string
	for i := range x.heads {
		names = append(names, x.heads[i].name)
	}
	return append(names, slices.Sorted(maps.Keys(x.aliases))...)
}

// Field describes field i to a filter.
func (k *Kind[T]) Field(i int) (name string, typ Type) { return k.Fields[i].Name, k.Fields[i].Type }

// Word returns the word of a Keyword field that a name stands for, and false with
// all words for a name that is none.
func (k *Kind[T]) Word(i int, name string) (word string, words []string, ok bool) {
	h := k.head(i)
	return h.word(name)
}

func (h *head) word(name string) (word string, words []string, ok bool) {
	for _, w := range h.words {
		if EqualWords(w, name) {
			return w, nil, true
		}
	}
	for synonym, w := range h.synonyms {
		if EqualWords(synonym, name) {
			return w, nil, true
		}
	}
	return "", h.words, false
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
func (k *Kind[T]) Order(list string) (*Order, error) { return k.index().order(list) }

func (x *index) order(list string) (*Order, error) {
	if list == "" {
		return nil, nil
	}
	var o Order
	for name := range strings.SplitSeq(list, ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(name), "-")
		found := x.find(name)
		if len(found) == 0 {
			return nil, &UnknownFieldError{Kind: x.kind, Name: name, Known: x.names()}
		}
		if h := x.heads[found[0]]; h.typ == Compound {
			return nil, fmt.Errorf("%s have no order: those in it have", h.name)
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

// Section is what the documentation of JSON tells of the kind, in Markdown: the members but for those
// within another one.
func (d *Description) Section() string {
	b := fmt.Appendf(nil, "\n## %s\n\n%s.\n\n| member | type | what it is |\n|---|---|---|\n", d.Name, strings.ToUpper(d.Doc[:1])+d.Doc[1:])
	for i := range d.Fields {
		f := &d.Fields[i]
		if f.Within != "" {
			continue
		}
		doc := f.Doc
		if len(f.Words) > 0 {
			if doc = strings.TrimSpace(doc); !strings.Contains(doc, "`") {
				doc += ": `" + strings.Join(f.Words, "`, `") + "`"
			}
		}
		b = fmt.Appendf(b, "| `%s` | %s | %s |\n", f.Name, f.Type, doc)
	}
	return string(b)
}
