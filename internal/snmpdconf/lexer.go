package snmpdconf

import (
	"errors"
	"fmt"
	"strings"
)

// blanks are what isspace has, by which net-snmp splits lines.
const blanks = " \t\n\v\f\r"

// fields splits arguments as net-snmp's copy_nword does, one after the other.
func fields(s string) (args []string, err error) {
	a := arguments{rest: s}
	for a.more() {
		args = append(args, a.next())
	}
	return args, a.err
}

// arguments takes words off what follows a directive. It keeps the first error.
type arguments struct {
	rest string
	err  error
}

// more reports whether there is another word. A comment is none.
func (a *arguments) more() bool {
	a.rest = strings.TrimLeft(a.rest, blanks)
	return a.err == nil && a.rest != "" && a.rest[0] != '#'
}

// next takes a word, "" where there is none. A quote is one at the beginning of a word
// only, and the word ends with the other one; a backslash takes the octet behind it as it is.
func (a *arguments) next() string {
	if !a.more() {
		return ""
	}
	s, quote := a.rest, byte(0)
	if s[0] == '"' || s[0] == '\'' {
		quote, s = s[0], s[1:]
	}
	var word []byte
	i := 0
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		} else if quote != 0 && s[i] == quote || quote == 0 && strings.IndexByte(blanks, s[i]) >= 0 {
			break
		}
		word = append(word, s[i])
	}
	if quote != 0 {
		if i == len(s) {
			a.err = fmt.Errorf("a quote %c is not closed", quote)
			return ""
		}
		i++
	}
	a.rest = s[i:]
	return string(word)
}

// nothing says what is left over, if anything is.
func (a *arguments) nothing(after string) error {
	if a.more() {
		return fmt.Errorf("more follows the %s", after) // which may be a secret
	}
	return a.err
}

// words splits at blanks, and at nothing else, as the directives do that strtok reads in
// net-snmp. A word that begins with # begins a comment.
func words(s string) []string {
	all := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(blanks, r) })
	for i, w := range all {
		if w[0] == '#' {
			return all[:i]
		}
	}
	return all
}

// FirstWord returns the first word of what follows a directive, and whether it is the only one.
func FirstWord(rest string) (word string, only bool, err error) {
	a := arguments{rest: rest}
	word = a.next()
	return word, !a.more(), a.err
}

// TextValue returns the value of a directive of net-snmp's library that is a text (netsnmp_ds_handle_config): a word in double
// quotes, or else all that follows the directive as it is.
func TextValue(rest string) (string, error) {
	if !strings.HasPrefix(rest, `"`) {
		return rest, nil
	}
	a := arguments{rest: rest}
	return a.next(), a.err
}

// errNUL is of a line that net-snmp would read a part of.
var errNUL = errors.New("has a NUL")

// unquote takes off quotes around the whole of s.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && strings.Count(s, s[:1]) == 2 {
		return s[1 : len(s)-1]
	}
	return s
}
