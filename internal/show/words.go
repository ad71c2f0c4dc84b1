package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// spoken is one of the netstat.Kinds, whose rows can be told in words. Each is declared
// beside the table of its rows.
type spoken interface {
	kind() netstat.Kinds
	// tell appends the words for a row, which is of the kind's type. old is what it
	// was, or nil.
	tell(w *words, row, old any)
}

// allSpoken are all of them.
func allSpoken() []spoken {
	return []spoken{
		interfaceWords, addressWords, routeWords, neighbourWords, ruleWords, nextHopWords, netconfWords, multicastWords,
		flowWords, expectationWords,
	}
}

// inWords is a kind whose rows are of type T. of is given what the row was, where
// that is known.
type inWords[T any] struct {
	is netstat.Kinds
	of func(w *words, row, old *T)
}

func (k inWords[T]) kind() netstat.Kinds { return k.is }

func (k inWords[T]) tell(w *words, row, old any) {
	v, ok := row.(T)
	if !ok {
		return
	}
	before, changed := old.(T)
	if !changed {
		k.of(w, &v, nil)
		return
	}
	k.of(w, &v, &before)
}

// words are those for one row.
type words struct {
	text []byte
	// interfaceName returns the name of an interface.
	interfaceName func(index uint32) string
	toldOld       bool // something of what the row was is told
}

// add appends words behind a blank.
func (w *words) add(format string, args ...any) {
	w.text = fmt.Appendf(append(w.text, ' '), format, args...)
}

// on appends a word for an interface and its name, unless there is none.
func (w *words) on(word string, index uint32) {
	if index != 0 {
		w.add("%s %s", word, escaped(w.interfaceName(index)))
	}
}

// number appends a number with its name, unless it is 0.
func (w *words) number(name string, n uint32) {
	if n != 0 {
		w.add("%s %d", name, n)
	}
}

// address appends an address with a word in front, unless there is none.
func (w *words) address(word string, a netip.Addr) {
	if a.IsValid() {
		w.add("%s %s", word, escaped(a.String()))
	}
}

// was tells what something was before that is not so now.
func (w *words) was(before, now any) {
	if before != now {
		w.toldOld = true
		w.add("(was %v)", before)
	}
}

// escaped returns a name that anybody may have chosen as a terminal may show it.
func escaped(name string) string { return string(table.AppendEscaped(nil, name)) }

// AppendWords appends what a row of one of the netstat.Kinds says, in words with a
// blank in front of each. What changed since old is told, unless old is nil: what it
// was, or else the names of what differs. interfaceName returns the name of an
// interface by its index.
func AppendWords(b []byte, kind netstat.Kinds, row, old any, interfaceName func(index uint32) string) []byte {
	w := words{text: b, interfaceName: interfaceName}
	for _, k := range allSpoken() {
		if k.kind() == kind {
			k.tell(&w, row, old)
		}
	}
	if old != nil && !w.toldOld {
		w.add("(changed: %s)", strings.Join(differences(old, row), ", "))
	}
	return w.text
}

// differences returns what two rows of one kind differ in, by the names of JSON.
func differences(a, b any) (names []string) {
	var members [2]map[string]json.RawMessage
	for i, value := range []any{a, b} {
		text, err := json.Marshal(value)
		if err != nil || json.Unmarshal(text, &members[i]) != nil {
			return nil // rows of the vocabulary encode
		}
	}
	one, other := members[0], members[1]
	maps.DeleteFunc(one, func(name string, value json.RawMessage) bool {
		same := bytes.Equal(value, other[name])
		if same {
			delete(other, name)
		}
		return same
	})
	maps.Copy(one, other)
	return slices.Sorted(maps.Keys(one))
}
