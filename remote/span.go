package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// span is a part of a table: the rows whose indexes are after one and not
// beyond another. While it is read, the rest of it may be given to somebody
// else.
type span struct {
	after mib.OID

	mu      sync.Mutex
	bounded bool
	until   mib.OID // where bounded: the last index that belongs to it
	// reached is the greatest index that any column was read to.
	reached  mib.OID
	requests int
	finished bool
	// empty is an index that no row of the first column is beyond, where that
	// is known.
	known bool
	empty mib.OID
	// tried is at how many requests it could not be split.
	tried int
}

func newSpan(after mib.OID, bounded bool, until mib.OID) *span {
	return &span{after: after, bounded: bounded, until: until, reached: after}
}

// isBeyond reports whether an index is not of the span. mu is held.
func (s *span) isBeyond(index mib.OID) bool { return s.bounded && s.until.Less(index) }

const (
	// splitAfter is how many requests show that a table is worth more than
	// one session, and that what is left of a span is worth splitting.
	splitAfter = 4
	// probes is how many variables a look at the key space asks for.
	probes = 24
)

// parts shares the spans of a table among sessions.
type parts struct {
	scan *scan

	mu      sync.Mutex
	changed *sync.Cond
	pending []*span
	active  map[*span]bool
	looking int // sessions that look for a split
	ended   bool
}

func newParts(s *scan, spans []*span) *parts {
	p := &parts{scan: s, pending: slices.Clone(spans), active: make(map[*span]bool)}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// stop ends the waiting of those that wait for a span.
func (p *parts) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.changed.Broadcast()
}

// done says that a span has been read, or given up.
func (p *parts) done(s *span) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.active, s)
	p.changed.Broadcast()
}

// progress is to be called after each answer: it wakes those that wait for
// something to split.
func (p *parts) progress() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

// next returns a span to read, nil when there will be none. It splits what
// others read, asking the agent through the session, where nothing else is
// left. An agent that cannot be asked so is left to the session that reads: it
// meets the same fault, or none.
func (p *parts) next(ctx context.Context, through session) *span {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.ended:
			return nil
		case len(p.pending) > 0:
			s := p.pending[0]
			p.pending = p.pending[1:]
			p.active[s] = true
			return s
		case len(p.active) == 0 && p.looking == 0:
			return nil
		}
		victim := p.victim()
		if victim == nil {
			p.changed.Wait()
			continue
		}
		p.looking++
		p.mu.Unlock()
		found, err := split(ctx, p.scan, through, victim)
		p.mu.Lock()
		p.looking--
		p.pending = append(p.pending, found...)
		p.changed.Broadcast()
		if err != nil {
			return nil
		}
	}
}

// victim returns the span that most has been read of since it was last looked
// at, if that is enough to make a split worth its while.
func (p *parts) victim() *span {
	var best *span
	most := splitAfter - 1
	for s := range p.active {
		s.mu.Lock()
		if n := s.requests - s.tried; n > most {
			best, most = s, n
		}
		s.mu.Unlock()
	}
	if best != nil {
		best.mu.Lock()
		best.tried = best.requests
		best.mu.Unlock()
	}
	return best
}

// split divides what is left of a span: the span keeps the first part, the
// others are returned. None are returned where there is nothing to divide.
//
// A MIB's index says nothing about where its rows are, so the agent is asked:
// first for what follows each of the prefixes of the index that was reached,
// the shortest of which with rows behind it is where the table branches most,
// and then for what stands at points spread over that level.
func split(ctx context.Context, s *scan, through session, victim *span) ([]*span, error) {
	victim.mu.Lock()
	from := victim.reached.Subidentifiers()
	victim.mu.Unlock()
	var levels []mib.OID
	for i := range min(len(from), probes) {
		if from[i] < math.MaxUint32 {
			levels = append(levels, mib.MakeOID(from[:i]...).Sub(from[i]+1))
		}
	}
	found, err := look(ctx, s, through, victim, levels)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	// The shortest prefix is the last in the order of OIDs.
	branch := found[len(found)-1]
	prefix, first := branch.point.Parent()
	top := uint32(math.MaxUint32)
	victim.mu.Lock()
	if limit, bounded := victim.limit(); bounded {
		if rest, ok := limit.CutPrefix(prefix); ok {
			top, _, _ = rest.CutSubidentifier()
		}
	}
	victim.mu.Unlock()
	var points []mib.OID
	for _, sub := range spread(first, top) {
		points = append(points, prefix.Sub(sub))
	}
	if found, err = look(ctx, s, through, victim, points); err != nil {
		return nil, err
	}
	return victim.cut(found), nil
}

// spread returns sub-identifiers from first to top, ascending: evenly where top
// is near, otherwise evenly over what an octet holds and ever wider beyond.
func spread(first, top uint32) []uint32 {
	const octet = 256
	var subs []uint32
	add := func(sub uint64) {
		if sub <= uint64(top) && (len(subs) == 0 || uint32(sub) > subs[len(subs)-1]) {
			subs = append(subs, uint32(sub))
		}
	}
	near := uint64(top)
	if top == math.MaxUint32 || top-first > 1<<16 {
		near = uint64(first) + octet
		if first < octet {
			near = octet
		}
	}
	const evenly = probes * 2 / 3
	for i := range uint64(evenly) {
		add(uint64(first) + (near-uint64(first))*i/evenly)
	}
	for shift := 9; shift < 32 && near < uint64(top); shift += 3 {
		add(uint64(first) + 1<<shift)
	}
	return subs
}

// sighting is that the first row beyond point is at.
type sighting struct{ point, at mib.OID }

// look asks what is the first row beyond each of the points, in any order, and
// returns, in order of the points, those that have one in what is left of the
// span.
func look(ctx context.Context, s *scan, through session, victim *span, points []mib.OID) ([]sighting, error) {
	slices.SortFunc(points, mib.OID.Compare)
	victim.mu.Lock()
	limit, bounded := victim.limit()
	victim.mu.Unlock()
	var found []sighting
	for len(points) > 0 {
		ask := func(n int) attempt {
			// What is there may be longer than what was read.
			room := smaller(s.host.path.settled(), n) / (2 * int(s.size.Load()))
			r := &request{pdu: ber.GetNextRequest}
			for _, point := range points[:min(len(points), max(room, 1))] {
				r.names = append(r.names, s.columns[0].oid.Append(point))
			}
			return attempt{request: r, variables: len(r.names)}
		}
		var a answer
		to, err := s.host.question(ctx, through, true, ask, &a)
		if err != nil {
			return nil, fmt.Errorf("looking at %s: %w", s.columns[0].name, err)
		}
		n := to.variables
		switch {
		case a.status == mib.TooBig && n > 1:
			s.host.path.tooBig(n*int(s.size.Load()), false)
			continue
		case a.status == mib.NoSuchName && a.index >= 1 && a.index <= n:
			// SNMPv1: nothing at all is beyond it, nor beyond later ones.
			points = points[:a.index-1]
			continue
		case a.status != mib.NoError:
			return nil, fmt.Errorf("looking at %s: the agent answers %v", s.columns[0].name, a.status)
		case len(a.variables) != n:
			return nil, fmt.Errorf("looking at %s: an answer with %d variables to a request for %d", s.columns[0].name, len(a.variables), n)
		}
		for i, v := range a.variables {
			index, within := v.name.CutPrefix(s.columns[0].oid)
			if v.value.IsException() || !within || bounded && limit.Less(index) {
				// Nothing of the span is beyond this point: none beyond later
				// ones.
				victim.mu.Lock()
				if end := points[i]; !victim.known || end.Less(victim.empty) {
					victim.known, victim.empty = true, end
				}
				victim.mu.Unlock()
				return found, nil
			}
			if !points[i].Less(index) {
				return nil, errors.New("the agent goes backwards: " + v.name.String() + " follows " + to.request.names[i].String())
			}
			found = append(found, sighting{points[i], index})
		}
		points = points[n:]
	}
	return found, nil
}

// limit returns what no row of the span is beyond, as far as the first column
// tells. mu is held.
func (s *span) limit() (mib.OID, bool) {
	if s.known && (!s.bounded || s.empty.Less(s.until)) {
		return s.empty, true
	}
	return s.until, s.bounded
}

// cut ends the span at the first of the sightings that it has not reached, and
// returns the rest in parts.
func (s *span) cut(found []sighting) []*span {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		return nil
	}
	var points []mib.OID
	for i, f := range found {
		if f.point.Less(s.reached) || s.isBeyond(f.point) {
			continue
		}
		// Of points with nothing between them the last will do.
		if i+1 < len(found) && found[i+1].at == f.at {
			continue
		}
		points = append(points, f.point)
	}
	var rest []*span
	for i, point := range points {
		part := newSpan(point, s.bounded, s.until)
		if i+1 < len(points) {
			part.bounded, part.until = true, points[i+1]
		} else {
			part.known, part.empty = s.known, s.empty
		}
		rest = append(rest, part)
	}
	if len(points) > 0 {
		s.bounded, s.until = true, points[0]
		s.known = false
	}
	return rest
}
