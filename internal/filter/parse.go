package filter

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// Error says where an expression is wrong, and what was expected there.
type Error struct {
	Text     string
	Position int // in bytes from 0
	Expected string
	// Unknown is the name that is no field's, where that is what is wrong.
	Unknown string
}

func (e *Error) Error() string {
	found := "the end"
	if e.Position < len(e.Text) {
		r, size := utf8.DecodeRuneInString(e.Text[e.Position:])
		end := e.Position + size
		if isWord(r) {
			for end < len(e.Text) {
				r, size := utf8.DecodeRuneInString(e.Text[end:])
				if !isWord(r) {
					break
				}
				end += size
			}
		}
		found = strconv.Quote(e.Text[e.Position:end])
	}
	return fmt.Sprintf("at position %d, %s: expected %s", utf8.RuneCountInString(e.Text[:e.Position])+1, found, e.Expected)
}

// Bounds of an expression.
const (
	longest = 64 << 10
	deepest = 100
)

// Names find the numbers that stand for names in an expression. Where one is nil,
// there are numbers only.
type Names struct {
	Port func(service string) (port uint16, ok bool)
	User func(name string) (uid uint32, ok bool)
	// RouteTable is that of a routing table.
	RouteTable func(name string) (number uint32, ok bool)
}

// Parse reads an expression over the fields. The error is an *Error.
func Parse(text string, fields Fields, names Names) (*Expr, error) {
	p := parser{text: text, fields: fields, names: names}
	if len(text) > longest {
		return nil, &Error{Text: text[:longest], Position: longest, Expected: fmt.Sprintf("at most %d bytes", longest)}
	}
	p.next()
	e, err := p.expression()
	if err == nil && p.token.kind != end {
		err = p.expected(`"and", "or" or the end`)
	}
	if err != nil {
		return nil, err
	}
	return &e, nil
}

type kind uint8

const (
	end kind = iota
	word
	quoted
	operator
	comma
	open
	closing
	wrong
)

type token struct {
	kind kind
	text string
	at   int
}

type parser struct {
	text   string
	fields Fields
	names  Names
	token  token
	after  int // where the next token begins
	depth  int
}

func isWord(r rune) bool {
	return r > ' ' && !strings.ContainsRune(`()=!<>~,"`, r) && r != utf8.RuneError && !unicode.IsSpace(r)
}

func isReserved(s string) bool {
	return strings.EqualFold(s, "and") || strings.EqualFold(s, "or") || strings.EqualFold(s, "not")
}

func (p *parser) expected(what string) error {
	return &Error{Text: p.text, Position: p.token.at, Expected: what}
}

// next reads the next token.
func (p *parser) next() {
	s := p.text
	for p.after < len(s) {
		r, size := utf8.DecodeRuneInString(s[p.after:])
		if !unicode.IsSpace(r) {
			break
		}
		p.after += size
	}
	t := token{at: p.after}
	if p.after == len(s) {
		p.token = t
		return
	}
	size := 1
	switch c := s[p.after]; c {
	case '(':
		t.kind = open
	case ')':
		t.kind = closing
	case ',':
		t.kind = comma
	case '=', '~':
		t.kind = operator
		if strings.HasPrefix(s[p.after:], "==") {
			size = 2
		}
	case '!', '<', '>':
		t.kind = operator
		if p.after+1 < len(s) && (s[p.after+1] == '=' || c == '!' && s[p.after+1] == '~') {
			size = 2
		} else if c == '!' {
			t.kind = wrong
		}
	case '"':
		t.kind = wrong
		var b strings.Builder
		for i := p.after + 1; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			} else if s[i] == '"' {
				p.token = token{quoted, b.String(), t.at}
				p.after = i + 1
				return
			}
			b.WriteByte(s[i])
		}
		size = len(s) - p.after
	default:
		size = 0
		for p.after+size < len(s) {
			r, n := utf8.DecodeRuneInString(s[p.after+size:])
			if !isWord(r) {
				break
			}
			size += n
		}
		t.kind = word
		if size == 0 {
			t.kind, size = wrong, 1
		}
	}
	t.text = s[p.after : p.after+size]
	p.after += size
	p.token = t
}

func (p *parser) isKeyword(k string) bool {
	return p.token.kind == word && strings.EqualFold(p.token.text, k)
}

func (p *parser) expression() (Expr, error) {
	return p.joined("or", Or, func() (Expr, error) { return p.joined("and", And, p.negation) })
}

// joined reads one or more operands with a keyword between them.
func (p *parser) joined(keyword string, op Op, operand func() (Expr, error)) (Expr, error) {
	first, err := operand()
	if err != nil || !p.isKeyword(keyword) {
		return first, err
	}
	e := Expr{Op: op, Args: []Expr{first}}
	for p.isKeyword(keyword) {
		p.next()
		arg, err := operand()
		if err != nil {
			return e, err
		}
		e.Args = append(e.Args, arg)
	}
	return e, nil
}

func (p *parser) negation() (Expr, error) {
	if p.depth++; p.depth > deepest {
		return Expr{}, p.expected(fmt.Sprintf("at most %d levels", deepest))
	}
	defer func() { p.depth-- }()
	switch {
	case p.isKeyword("not"):
		p.next()
		arg, err := p.negation()
		return Expr{Op: Not, Args: []Expr{arg}}, err
	case p.token.kind == open:
		p.next()
		e, err := p.expression()
		if err != nil {
			return e, err
		}
		if p.token.kind != closing {
			return e, p.expected(`"and", "or" or ")"`)
		}
		p.next()
		return e, nil
	}
	return p.term()
}

func (p *parser) term() (Expr, error) {
	if p.token.kind != word || isReserved(p.token.text) {
		return Expr{}, p.expected("the name of a field")
	}
	e := Expr{Fields: p.fields.Find(p.token.text)}
	if len(e.Fields) == 0 {
		return e, &Error{Text: p.text, Position: p.token.at, Expected: "the name of a field: " + table.Known(p.token.text, p.fields.Names()), Unknown: p.token.text}
	}
	if name, typ := p.fields.Field(e.Fields[0]); typ == table.Compound {
		return e, p.expected("the name of something in " + name + ", not of all of it")
	}
	as := p.token.text // several fields may have the name
	p.next()
	negated := false
	switch p.token.text {
	case "=", "==":
		e.Op = Equal
	case "!=":
		e.Op, negated = Equal, true
	case "<":
		e.Op = Less
	case "<=":
		e.Op = LessEqual
	case ">":
		e.Op = Greater
	case ">=":
		e.Op = GreaterEqual
	case "~":
		e.Op = Matches
	case "!~":
		e.Op, negated = Matches, true
	}
	if p.token.kind != operator || e.Op == 0 {
		return e, p.expected("one of = != < <= > >= ~ !~")
	}
	if err := p.suits(e); err != nil {
		return e, err
	}
	for {
		p.next()
		l, err := p.literal(e, as)
		if err != nil {
			return e, err
		}
		e.Values = append(e.Values, l)
		p.next()
		if p.token.kind != comma {
			break
		}
	}
	if negated {
		e = Expr{Op: Not, Args: []Expr{e}}
	}
	return e, nil
}

// suits says whether the operator has a meaning for the fields.
func (p *parser) suits(e Expr) error {
	for _, f := range e.Fields {
		name, typ := p.fields.Field(f)
		var allowed string
		switch typ {
		case table.String, table.Interface, table.Strings, table.Keyword:
			allowed = "= != ~ !~"
			if e.Op == Equal || e.Op == Matches {
				return nil
			}
		case table.Boolean, table.Address:
			allowed = "= !="
			if e.Op == Equal {
				return nil
			}
		case table.Objects:
			return nil
		default:
			allowed = "= != < <= > >="
			if e.Op != Matches {
				return nil
			}
		}
		if len(e.Fields) == 1 {
			return p.expected("one of " + allowed + ", which " + name + " can be compared by")
		}
	}
	return p.expected("another operator")
}

// literal reads a value as the types of the fields have it that were named so.
func (p *parser) literal(e Expr, as string) (Literal, error) {
	if p.token.kind != word && p.token.kind != quoted {
		return Literal{}, p.expected("a value")
	}
	l := Literal{Text: p.token.text}
	if e.Op == Matches {
		pattern, err := regexp.Compile(l.Text)
		if err != nil {
			return l, p.expected("a regular expression (" + strings.TrimPrefix(err.Error(), "error parsing regexp: ") + ")")
		}
		l.pattern = pattern
		return l, nil
	}
	var wrong string
	for _, f := range e.Fields {
		_, typ := p.fields.Field(f)
		if typ == table.Keyword {
			w, words, ok := p.fields.Word(f, l.Text)
			if ok {
				l.Text = w
				return l, nil
			}
			wrong = "one of " + strings.Join(words, ", ") + " as " + as
			continue
		}
		complaint := p.read(&l, typ)
		if complaint == "" {
			return l, nil
		}
		wrong = complaint + " as " + as
	}
	return l, p.expected(wrong)
}

// read fills in what a type makes of a literal's text, or returns what it
// expected.
func (p *parser) read(l *Literal, typ table.Type) (expected string) {
	switch typ {
	case table.IntegerOrFalse, table.DurationOrFalse:
		switch strings.ToLower(l.Text) {
		case "false", "no", "off":
			l.value = table.Bool(false)
			return ""
		}
		than := table.Integer
		if typ == table.DurationOrFalse {
			than = table.Duration
		}
		if expected = p.read(l, than); expected != "" {
			expected += ", or false"
		}
		return expected
	case table.Integer, table.Port, table.User, table.RouteTable:
		text := l.Text
		if typ == table.Port {
			text = strings.TrimPrefix(text, ":") // as ss(8) has them
		}
		n, ok := readInteger(text)
		if !ok {
			n, expected = p.named(text, typ)
		}
		l.value = n
		return expected
	case table.Number:
		f, err := strconv.ParseFloat(l.Text, 64)
		if l.value = table.Float(f); err != nil || !l.value.IsKnown() {
			return "a number"
		}
	case table.Duration:
		if f, err := strconv.ParseFloat(l.Text, 64); err == nil {
			if l.value = table.Float(f); l.value.IsKnown() {
				return ""
			}
		}
		d, err := time.ParseDuration(l.Text)
		if err != nil {
			return `seconds, or a duration such as "150ms"`
		}
		l.value = table.Seconds(d)
	case table.Boolean:
		switch strings.ToLower(l.Text) {
		case "true", "yes", "1":
			l.value = table.Bool(true)
		case "false", "no", "0":
			l.value = table.Bool(false)
		default:
			return "true or false"
		}
	case table.Address, table.Prefix:
		return readPrefix(l)
	case table.Objects:
		if n, ok := readInteger(l.Text); ok {
			l.value = n
		}
	}
	return ""
}

// named returns the number that a name stands for, or what was expected in its
// place.
func (p *parser) named(name string, typ table.Type) (n table.Value, expected string) {
	switch {
	case typ == table.Port && p.names.Port != nil:
		if port, ok := p.names.Port(name); ok {
			return table.Uint(port), ""
		}
		return n, "a port or the name of a service"
	case typ == table.User && p.names.User != nil:
		if uid, ok := p.names.User(name); ok {
			return table.Uint(uid), ""
		}
		return n, "the number or the name of a user"
	case typ == table.User:
		return n, "the number of a user"
	case typ == table.RouteTable && p.names.RouteTable != nil:
		if number, ok := p.names.RouteTable(name); ok {
			return table.Uint(number), ""
		}
		return n, "the number or the name of a routing table"
	}
	return n, "an integer"
}

func readInteger(s string) (table.Value, bool) {
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return table.Uint(n), true
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return table.Int(n), true
	}
	return table.Value{}, false
}

func readPrefix(l *Literal) (expected string) {
	const what = "an address or a prefix such as 192.0.2.0/24"
	text, length, hasLength := strings.Cut(l.Text, "/")
	a, err := netip.ParseAddr(text)
	if err != nil {
		return what
	}
	l.zone = a.Zone()
	a = a.WithZone("")
	bits := a.BitLen()
	if l.single = !hasLength; hasLength {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || int(n) > bits {
			return what
		}
		bits = int(n)
	}
	l.Prefix = netip.PrefixFrom(a, bits).Masked()
	return ""
}
