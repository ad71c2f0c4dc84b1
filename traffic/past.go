package traffic

import "iter"

// past is what has ended, in sums of type S by the groups that it is kept apart by.
type past[G comparable, S any] struct {
	most   int // groups
	groups map[G]S
	others S // of further groups
	add    func(to, sum *S)
}

func newPast[G comparable, S any](add func(to, sum *S)) past[G, S] {
	return past[G, S]{most: MostPast, groups: make(map[G]S), add: add}
}

// keep adds a sum to that of its group.
func (p *past[G, S]) keep(g G, sum *S) {
	to, found := p.groups[g]
	if !found && len(p.groups) >= p.most {
		p.add(&p.others, sum)
		return
	}
	p.add(&to, sum)
	p.groups[g] = to
}

// withPast yields the rows of a reading, each with its sum; every group of the past, with a row that has what it
// is kept apart by; and what is in neither, with none.
func withPast[R any, G, S comparable](rows iter.Seq[*R], sum func(*R) S, p *past[G, S], row func(*G) *R, beyond *S) iter.Seq2[*R, S] {
	return func(yield func(*R, S) bool) {
		for r := range rows {
			if !yield(r, sum(r)) {
				return
			}
		}
		for g, sum := range p.groups {
			if !yield(row(&g), sum) {
				return
			}
		}
		others, none := p.others, *new(S)
		if p.add(&others, beyond); others != none {
			yield(nil, others)
		}
	}
}
