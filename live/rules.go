package live

import (
	"cmp"
	"math"
	"unsafe"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// ruleRow is a rule and its place among those of its priority.
type ruleRow struct {
	rule *netstat.Rule
	seq  uint32
	// forAll says that the rule selects nothing: it has a table, which every flow is looked up in.
	forAll bool
}

// isForAll reports whether a rule has nothing but its place and a table.
func isForAll(r *netstat.Rule) bool {
	rest := *r
	rest.Family, rest.Priority, rest.Protocol, rest.Realm, rest.Table = 0, 0, 0, 0, 0
	rest.Flags &= netstat.RuleInvert
	return rest == netstat.Rule{Action: netstat.RuleTable}
}

// rules is the rules of all families in the order that they apply in. Thousands
// may have one priority.
type rules struct {
	rows ordered[ruleRow]
	// What of them others are looked up by: their places, the names of
	// interfaces, and how many lead on to another.
	places map[netstat.Rule][]uint32
	names  map[string]int
	gotos  int
}

func newRules(steps *uint64) rules {
	return rules{
		rows: newOrdered(func(a, b *ruleRow) int {
			return cmp.Or(cmp.Compare(a.rule.Family, b.rule.Family), cmp.Compare(a.rule.Priority, b.rule.Priority), cmp.Compare(a.seq, b.seq))
		}, steps),
		places: make(map[netstat.Rule][]uint32),
		names:  make(map[string]int),
	}
}

// ruleStatus comes and goes with other rules and links, and says nothing of which
// rule it is.
const ruleStatus = netstat.RuleUnresolved | netstat.RuleInputDetached | netstat.RuleOutputDetached

// identity is the rule without what does not say which it is.
func identity(r *netstat.Rule) netstat.Rule {
	i := *r
	i.Flags &^= ruleStatus
	return i
}

// add puts a rule behind those of its priority.
func (r *rules) add(rule *netstat.Rule) {
	own := *rule
	row := ruleRow{&own, math.MaxUint32, isForAll(&own)}
	behind := r.rows.search(place{}, r.rows.end(), func(e *ruleRow) bool { return r.rows.compare(e, &row) <= 0 })
	row.seq = 0
	if behind != (place{}) {
		if last := r.rows.at(r.rows.before(behind)); last.rule.Family == own.Family && last.rule.Priority == own.Priority {
			row.seq = last.seq + 1
		}
	}
	r.rows.set(row)
	key := identity(&own)
	r.places[key] = append(r.places[key], row.seq)
	r.note(&own, 1)
}

// has reports whether there is a rule as the one given.
func (r *rules) has(rule *netstat.Rule) bool { return len(r.places[identity(rule)]) > 0 }

// remove takes out the first of the rules that are as the one given, and returns
// it.
func (r *rules) remove(rule *netstat.Rule) (gone *netstat.Rule, known bool) {
	key := identity(rule)
	seqs := r.places[key]
	if len(seqs) == 0 {
		return nil, false
	}
	row, _ := r.rows.get(&ruleRow{rule: &key, seq: seqs[0]})
	gone = row.rule
	r.rows.delete(&ruleRow{rule: &key, seq: seqs[0]})
	if len(seqs) > 1 {
		r.places[key] = seqs[1:]
	} else {
		delete(r.places, key)
	}
	r.note(gone, -1)
	return gone, true
}

// note counts what a rule names.
func (r *rules) note(rule *netstat.Rule, by int) {
	for _, name := range [...]string{rule.InputInterface, rule.OutputInterface} {
		if name != "" {
			count(r.names, name, by)
		}
	}
	if rule.Action == netstat.RuleGoto {
		r.gotos += by
	}
}

// bytes estimates the memory that the rules take.
func (r *rules) bytes() int {
	const perRule = 2*int(unsafe.Sizeof(netstat.Rule{})) + int(unsafe.Sizeof([]uint32{})) + 16
	return r.rows.len()*perRule + r.rows.capacity()*int(unsafe.Sizeof(ruleRow{}))
}

// ruleKind declares rules, which may be there several times and have an order, so that
// nothing of them tells which one a message is about. Whether a dump had it already cannot
// be told either.
var ruleKind = kind{
	is: netstat.KindRule, doubtful: true,
	table: func(s *state) table { return ruleTable{&s.rules} },
}

// ruleTable is the rules of a state as one of its tables.
type ruleTable struct{ *rules }

func (t ruleTable) snapshot(of *state) table {
	of.rules.rows = t.rows.snapshot()
	return ruleTable{&of.rules}
}

func (t ruleTable) take(other table) {
	rows, from := t.rows, other.(ruleTable).rules
	rows.take(from.rows)
	*t.rules = *from
	t.rows = rows
}

func (t ruleTable) version() uint64 { return t.rows.changes }

func (t ruleTable) count() int { return t.rows.len() }

// each yields the rules.
func (t ruleTable) each(yield func(netstat.Rule) bool) {
	for r := range t.rows.from(nil) {
		if !yield(*r.rule) {
			return
		}
	}
}

func (t ruleTable) present(f *Filter, yield func(Event) bool) bool {
	return present(t.each, netstat.KindRule, f, yield)
}

func (t ruleTable) diff(after table, tell teller) { diffRules(t.rules, after.(ruleTable).rules, tell) }

func (t ruleTable) load(_ *update, m *collectors.Message) { t.add(&m.Rule) }

func (t ruleTable) apply(u *update, m *collectors.Message) {
	switch {
	case !m.Removed && u.replay && t.has(&m.Rule): // as it is now
	case !m.Removed:
		t.add(&m.Rule)
		if u.tells(netstat.KindRule) {
			u.tell(netstat.KindRule, Added, m.Rule, nil)
		}
	default:
		gone, known := t.remove(&m.Rule)
		if !known {
			if !u.replay {
				u.stale |= netstat.KindRule
			}
			return
		}
		if u.tells(netstat.KindRule) {
			u.tell(netstat.KindRule, Removed, *gone, nil)
		}
	}
}

// removeOf leaves rules in place, which name links that need not be there.
func (t ruleTable) removeOf(*update, uint32) {}

// diffRules tells how rules differ. Those that are the same, and in the same
// order, are passed over; what stands elsewhere now went and came.
func diffRules(before, after *rules, tell teller) {
	places := make(map[netstat.Rule][]int)
	at := 0
	for r := range after.rows.from(nil) {
		places[*r.rule] = append(places[*r.rule], at)
		at++
	}
	stays := make([]bool, at)
	last := -1
	for r := range before.rows.from(nil) {
		candidates := places[*r.rule]
		for len(candidates) > 0 && candidates[0] <= last {
			candidates = candidates[1:]
		}
		places[*r.rule] = candidates
		if len(candidates) == 0 {
			tell(netstat.KindRule, Removed, *r.rule, nil)
			continue
		}
		last = candidates[0]
		stays[last] = true
		places[*r.rule] = candidates[1:]
	}
	at = 0
	for r := range after.rows.from(nil) {
		if !stays[at] {
			tell(netstat.KindRule, Added, *r.rule, nil)
		}
		at++
	}
}
