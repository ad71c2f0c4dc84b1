package show

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// MostTotals is how many totals there may be before rows with still another key count
// among the others.
const MostTotals = 1 << 18

// defaultTop is how many totals are shown unless something else is asked for.
const defaultTop = 100

func (o *Options) top() int { return cmp.Or(int(o.Top), defaultTop) }

// totalKey is what totals of rows are made by: the values of fields, of addresses the
// first bits.
type totalKey[T any] struct {
	kind         *table.Kind[Row[T]]
	fields       []int
	bits4, bits6 int // -1 for whole addresses
}

func parseTotalKey[T any](kind *table.Kind[Row[T]], text string) (k totalKey[T], err error) {
	k.kind = kind
	name, lengths, network := strings.Cut(text, "/")
	if k.fields = kind.Find(name); len(k.fields) == 0 {
		return k, fmt.Errorf("--by: %w", &table.UnknownFieldError{Kind: kind.Name, Name: name, Known: kind.Names()})
	}
	k.bits4, k.bits6 = -1, -1
	if !network {
		return k, nil
	}
	if slices.ContainsFunc(k.fields, func(i int) bool { return kind.Fields[i].Type != table.Address }) {
		return k, fmt.Errorf("--by: %s is no address, of which /%s could be the network", name, lengths)
	}
	four, six, both := strings.Cut(lengths, "/")
	if !both {
		six = "64"
	}
	for _, length := range []struct {
		text string
		most int
		into *int
	}{{four, 32, &k.bits4}, {six, 128, &k.bits6}} {
		n, err := strconv.ParseUint(length.text, 10, 8)
		if err != nil || int(n) > length.most {
			return k, fmt.Errorf("--by: %q is no length of a prefix: /BITS is of IPv4's addresses, /BITS/BITS of IPv4's and IPv6's", length.text)
		}
		*length.into = int(n)
	}
	return k, nil
}

// each calls f with every key of a row, each once.
func (k *totalKey[T]) each(r *Row[T], f func(key []byte, a netip.Addr)) {
	var seen []string
	k.ofFields(r, func(_ int, text []byte, a netip.Addr) {
		if len(k.fields) > 1 {
			if slices.Contains(seen, string(text)) {
				return
			}
			seen = append(seen, string(text))
		}
		f(text, a)
	})
}

// ofFields calls f with the keys that each field of a row has, and for a row that has none with
// the empty one, of the field -1.
func (k *totalKey[T]) ofFields(r *Row[T], f func(field int, key []byte, a netip.Addr)) {
	var buffer [64]byte
	told := false
	for _, field := range k.fields {
		v := k.kind.Fields[field].Value(r)
		switch v.Type() {
		case 0:
			continue
		case table.Address:
			if a := v.Addr(); k.bits4 < 0 {
				f(field, v.AppendText(buffer[:0]), a)
			} else {
				a = a.Unmap()
				bits := k.bits4
				if a.Is6() {
					bits = k.bits6
				}
				p, _ := a.Prefix(bits) // its length was looked at
				f(field, p.AppendTo(buffer[:0]), netip.Addr{})
			}
		case table.Strings:
			for _, s := range v.Strings() {
				f(field, []byte(s), netip.Addr{})
			}
		case table.Objects:
			if len(v.Objects()) == 0 {
				continue
			}
			for _, process := range v.Objects() {
				v := table.List([]table.Object{process[:2]})
				f(field, v.AppendText(buffer[:0]), netip.Addr{})
			}
		default:
			f(field, v.AppendText(buffer[:0]), netip.Addr{})
		}
		told = true
	}
	if !told {
		f(-1, nil, netip.Addr{})
	}
}

// total is what rows with one key have together: a sum of type S.
type total[S any] struct {
	by     string // the key as it was asked for
	key    string // empty where rows do not tell
	addr   netip.Addr
	others bool // what rows of every key have that is not shown
	sum    S
}

// totals are those of every key, up to MostTotals.
type totals[S comparable] struct {
	by    string
	byKey map[string]*total[S]
	// others is of the rows of further keys, and full says that there are such.
	others total[S]
	full   bool
}

func newTotals[S comparable](by string) *totals[S] {
	return &totals[S]{by: by, byKey: make(map[string]*total[S]), others: total[S]{by: by, others: true}}
}

// of returns where rows with a key count.
func (t *totals[S]) of(key []byte, a netip.Addr) *S {
	if found := t.byKey[string(key)]; found != nil {
		return &found.sum
	}
	if len(t.byKey) >= MostTotals {
		t.full = true
		return &t.others.sum
	}
	made := &total[S]{by: t.by, key: string(key), addr: a}
	t.byKey[made.key] = made
	return &made.sum
}

// largest returns the first totals in an order, and adds the rest to the others.
func (t *totals[S]) largest(top int, order func(a, b *total[S]) int, add func(to, sum *S)) []*total[S] {
	all := make([]*total[S], 0, len(t.byKey))
	for _, one := range t.byKey {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *total[S]) int { return cmp.Or(order(a, b), strings.Compare(a.key, b.key)) })
	for _, one := range all[min(len(all), top):] {
		add(&t.others.sum, &one.sum)
	}
	return all[:min(len(all), top)]
}

// yield yields the first totals in an order, and what all others have together if that is anything. rows
// are what they are of. It reports whether more is wanted.
func (t *totals[S]) yield(q *query, rows string, order func(a, b *total[S]) int, add func(to, sum *S), yield func(total[S], error) bool) bool {
	if t.full {
		q.tooMany(rows)
	}
	for _, one := range t.largest(q.top(), order, add) {
		if !yield(*one, nil) {
			return false
		}
	}
	return t.others.sum == *new(S) || yield(t.others, nil)
}

// measure is something by which totals may be the largest.
type measure[S any] struct {
	names []string // of the field, none where it is no field's
	of    func(*S) float64
}

// largestFirst returns an order of totals: by the measure that they are to be sorted by, and
// then by all of them as they stand.
func largestFirst[S any](o *Options, measures []measure[S]) func(a, b *total[S]) int {
	first, _, _ := strings.Cut(o.Sort, ",")
	first = strings.ToLower(strings.TrimLeft(first, " -"))
	if i := slices.IndexFunc(measures, func(m measure[S]) bool { return slices.Contains(m.names, first) }); i >= 0 {
		measures = slices.Insert(slices.Clone(measures), 0, measures[i])
	}
	return func(a, b *total[S]) int {
		for i := range measures {
			if c := cmp.Compare(measures[i].of(&b.sum), measures[i].of(&a.sum)); c != 0 {
				return c
			}
		}
		return 0
	}
}

// tooMany says that there are more keys than are kept apart.
func (s *Session) tooMany(rows string) {
	s.note(fmt.Sprintf("(There are more than %d keys: %s of further ones are among the others.)", MostTotals, rows))
}

// totalFields are those of every kind of totals.
func totalFields[S any](rows string) []table.Field[Row[total[S]]] {
	field := fieldOf[total[S]]
	return []table.Field[Row[total[S]]]{
		field("by", table.String, "what they have in common, as `--by` names it", func(t *total[S]) table.Value { return table.Text(t.by) }),
		field("key", table.String, "its value; absent of "+rows+" that do not tell", func(t *total[S]) table.Value { return table.Text(t.key) }),
		field("others", table.Boolean, "true in the row of all that `--top` leaves out; absent otherwise", func(t *total[S]) table.Value { return ifSet(t.others, table.Bool(true)) }),
	}
}

// appendTotalKey appends what people see of a key.
func appendTotalKey[S any](s *Session, b []byte, t *total[S]) []byte {
	switch {
	case t.others:
		return append(b, "(others)"...)
	case t.addr.IsValid():
		return s.appendAddress(b, nil, t.addr)
	}
	return appendWord(b, t.key)
}
