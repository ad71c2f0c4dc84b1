// Package filter is the language of netstat's --filter: which rows to show.
//
//	expression = conjunction { "or" conjunction } .
//	conjunction = negation { "and" negation } .
//	negation   = "not" negation | "(" expression ")" | term .
//	term       = name operator value { "," value } .
//	operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" .
//	value      = word | '"' text '"' .
//
// A name is that of a field of the rows or an alias of several, of which one
// must fulfil the term; of several values, too, one is enough. "!=" and "!~" are
// the contrary of "=" and "~": they hold where nothing is known. Every other
// operator asks for something known.
package filter

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// Fields are what a filter can ask for: a table.Kind.
type Fields interface {
	// Find returns the indexes of the fields that a name stands for.
	Find(name string) []int
	Field(i int) (name string, typ table.Type)
	// Word returns the word of a Keyword field that a name stands for, and false
	// with all words for a name that is none.
	Word(i int, name string) (word string, words []string, ok bool)
	Names() []string
}

// Op is what a node of an expression does.
type Op uint8

// Operations.
const (
	And Op = iota + 1
	Or
	Not
	Equal
	Less
	LessEqual
	Greater
	GreaterEqual
	Matches // a regular expression
)

// Expr is an expression. "!=" and "!~" stand as Not in it.
type Expr struct {
	Op   Op
	Args []Expr // of And and Or two or more, of Not one

	// Of a comparison: the fields of which one, and the values of which one,
	// must fulfil it.
	Fields []int
	Values []Literal
}

// Literal is a value that an expression names, as each type of field reads it.
type Literal struct {
	Text   string
	value  table.Value // Integer, Number, Duration, Boolean
	Prefix netip.Prefix
	zone   string
	// single says that Prefix was written as an address.
	single  bool
	pattern *regexp.Regexp
}

// Value returns the literal as a number or truth value, if it is one.
func (l *Literal) Value() table.Value { return l.value }

// Zone returns the zone that an address was written with.
func (l *Literal) Zone() string { return l.zone }

// Walk calls f with the expression and everything in it.
func (e *Expr) Walk(f func(*Expr)) {
	f(e)
	for i := range e.Args {
		e.Args[i].Walk(f)
	}
}

// WithInterfaces returns the expression with other names of interfaces, as find returns
// them, where it asks whether an interface has a name. wanted says that it has to: the
// comparison is not negated.
func (e *Expr) WithInterfaces(fields Fields, find func(name string, wanted bool) string) *Expr {
	renamed := e.withInterfaces(fields, find, true)
	return &renamed
}

func (e *Expr) withInterfaces(fields Fields, find func(string, bool) string, wanted bool) Expr {
	renamed := *e
	renamed.Args = make([]Expr, len(e.Args))
	for i := range e.Args {
		renamed.Args[i] = e.Args[i].withInterfaces(fields, find, wanted != (e.Op == Not))
	}
	if e.Op == Equal && slices.ContainsFunc(e.Fields, func(field int) bool {
		_, typ := fields.Field(field)
		return typ == table.Interface
	}) {
		renamed.Values = slices.Clone(e.Values)
		for i := range renamed.Values {
			renamed.Values[i].Text = find(e.Values[i].Text, wanted)
		}
	}
	return renamed
}

// Conjuncts returns the expressions all of which a row must fulfil.
func (e *Expr) Conjuncts() []*Expr {
	if e.Op != And {
		return []*Expr{e}
	}
	var all []*Expr
	for i := range e.Args {
		all = append(all, e.Args[i].Conjuncts()...)
	}
	return all
}

// Match reports whether a row fulfils the expression, given the values of its
// fields.
func (e *Expr) Match(value func(field int) table.Value) bool {
	switch e.Op {
	case And:
		for i := range e.Args {
			if !e.Args[i].Match(value) {
				return false
			}
		}
		return true
	case Or:
		for i := range e.Args {
			if e.Args[i].Match(value) {
				return true
			}
		}
		return false
	case Not:
		return !e.Args[0].Match(value)
	}
	for _, field := range e.Fields {
		v := value(field)
		for i := range e.Values {
			if e.fulfils(&v, &e.Values[i]) {
				return true
			}
		}
	}
	return false
}

// Possible reports whether the expression can be true, and whether it can be false,
// for rows of which some fields are known.
func (e *Expr) Possible(known func(field int) (table.Value, bool)) (canHold, canFail bool) {
	switch e.Op {
	case And, Or:
		// Of And, which fails where one part does, the same is asked with the two
		// sides exchanged.
		some, all := false, true
		for i := range e.Args {
			hold, fail := e.Args[i].Possible(known)
			if e.Op == And {
				hold, fail = fail, hold
			}
			some, all = some || hold, all && fail
		}
		if e.Op == And {
			return all, some
		}
		return some, all
	case Not:
		canHold, canFail = e.Args[0].Possible(known)
		return canFail, canHold
	}
	for _, field := range e.Fields {
		v, ok := known(field)
		if !ok {
			canHold, canFail = true, true
			continue
		}
		for i := range e.Values {
			if e.fulfils(&v, &e.Values[i]) {
				return true, false
			}
		}
	}
	return canHold, canFail || !canHold
}

// Names reports whether the expression asks for a value of a field: a comparison
// that is not negated holds for it.
func (e *Expr) Names(field int, v table.Value) bool {
	switch e.Op {
	case And, Or:
		return slices.ContainsFunc(e.Args, func(arg Expr) bool { return arg.Names(field, v) })
	case Not:
		return false
	}
	return slices.Contains(e.Fields, field) && slices.ContainsFunc(e.Values, func(l Literal) bool { return e.fulfils(&v, &l) })
}

func (e *Expr) fulfils(v *table.Value, l *Literal) bool {
	switch v.Type() {
	case table.String:
		if e.Op == Matches {
			return l.pattern.MatchString(v.Str())
		}
		return e.Op == Equal && v.Str() == l.Text
	case table.Keyword:
		if e.Op == Matches {
			return l.pattern.MatchString(v.Str())
		}
		return e.Op == Equal && table.EqualWords(v.Str(), l.Text)
	case table.Integer, table.Number, table.Duration:
		if !l.value.IsKnown() || l.value.Type() == table.Boolean {
			return false
		}
		return e.compares(compareNumbers(v, &l.value))
	case table.Boolean:
		return e.Op == Equal && l.value.Type() == table.Boolean && v.True() == l.value.True()
	case table.Address:
		return e.Op == Equal && l.contains(v.Addr())
	case table.Prefix:
		return e.comparesPrefix(v.Prefix(), l)
	case table.Strings:
		for _, s := range v.Strings() {
			if e.Op == Equal && s == l.Text || e.Op == Matches && l.pattern.MatchString(s) {
				return true
			}
		}
	case table.Objects:
		for _, o := range v.Objects() {
			for i := range o {
				if e.fulfils(&o[i].Value, l) {
					return true
				}
			}
		}
	}
	return false
}

func compareNumbers(a, b *table.Value) int {
	if a.Type() == table.Integer && b.Type() == table.Integer {
		return a.Compare(b)
	}
	switch x, y := a.Float(), b.Float(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (e *Expr) compares(c int) bool {
	switch e.Op {
	case Equal:
		return c == 0
	case Less:
		return c < 0
	case LessEqual:
		return c <= 0
	case Greater:
		return c > 0
	case GreaterEqual:
		return c >= 0
	}
	return false
}

// contains reports whether an address is in the literal's prefix. An IPv4
// address that an IPv6 socket carries counts as the IPv4 address that it is, and
// as the IPv6 address that it is written as.
func (l *Literal) contains(a netip.Addr) bool {
	if l.zone != "" && a.Zone() != l.zone {
		return false
	}
	if l.Prefix.Addr().Is4() {
		a = a.Unmap()
	}
	return l.Prefix.Contains(a.WithZone(""))
}

// comparesPrefix compares a row's prefix: "=" with an address asks whether the
// prefix contains it, "<=" and ">=" whether one contains the other.
func (e *Expr) comparesPrefix(p netip.Prefix, l *Literal) bool {
	within := func(inner, outer netip.Prefix) bool {
		return inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())
	}
	switch e.Op {
	case Equal:
		if l.single {
			return p.Contains(l.Prefix.Addr())
		}
		return p.Masked() == l.Prefix.Masked()
	case LessEqual:
		return within(p, l.Prefix)
	case GreaterEqual:
		return within(l.Prefix, p)
	case Less:
		return within(p, l.Prefix) && p.Bits() > l.Prefix.Bits()
	case Greater:
		return within(l.Prefix, p) && p.Bits() < l.Prefix.Bits()
	}
	return false
}

// String returns the expression with all its parentheses, names being those that
// fields gives.
func (e *Expr) String(fields Fields) string {
	switch e.Op {
	case And, Or:
		var parts []string
		for i := range e.Args {
			parts = append(parts, e.Args[i].String(fields))
		}
		return "(" + strings.Join(parts, map[Op]string{And: " and ", Or: " or "}[e.Op]) + ")"
	case Not:
		return "not " + e.Args[0].String(fields)
	}
	var values []string
	for i := range e.Values {
		values = append(values, quote(e.Values[i].Text))
	}
	var terms []string
	for _, f := range e.Fields {
		name, _ := fields.Field(f)
		terms = append(terms, name+e.Op.symbol()+strings.Join(values, ","))
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return "(" + strings.Join(terms, " or ") + ")"
}

func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !isWord(r) }) < 0 && !isReserved(s) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (o Op) symbol() string {
	switch o {
	case Equal:
		return "="
	case Less:
		return "<"
	case LessEqual:
		return "<="
	case Greater:
		return ">"
	case GreaterEqual:
		return ">="
	case Matches:
		return "~"
	}
	return fmt.Sprintf("operation %d", uint8(o))
}
