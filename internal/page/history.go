package page

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// What a History keeps. An interface with a graph costs two kilobytes, and so does a counter that grew.
const (
	hour  = time.Hour
	step  = 15 * time.Second             // between samples, at least
	early = step - 1500*time.Millisecond // a scrape each 15 seconds is not always punctual
	slots = int(hour / step)
	// A pause that is longer is a gap in a graph.
	longest = 3 * time.Minute

	mostGraphs     = 64      // interfaces that have one
	mostInterfaces = 1 << 14 // that are known at all
	mostFaults     = 256     // counters that grew
)

// History is the last hour of a stack: rates of its interfaces, and what grew that should not. It takes samples of
// readings that are made for whoever asks. Use NewHistory.
type History struct {
	mu         sync.Mutex
	interfaces timeline
	counters   timeline
	softnet    timeline
	links      map[uint32]*link  // by index
	last       map[string]uint64 // by each of stackFaults and softnetFaults
	grew       map[fault]*growth
	watched    map[string]bool // stackFaults, which is not changed
	missed     time.Time       // when a counter that grew had no place
}

// timeline is when samples were taken, the latest first in at[(next-1) % slots].
type timeline struct {
	began time.Time            // of the first
	at    [slots]time.Duration // since then: a time.Time is three times as large
	next  int
}

// due reports whether there may be another sample.
func (t *timeline) due(now time.Time) bool {
	return t.next == 0 || now.Sub(t.latest()) >= early
}

func (t *timeline) latest() time.Time { return t.moment((t.next - 1) % slots) }

// moment is when the sample in a slot was taken.
func (t *timeline) moment(slot int) time.Time { return t.began.Add(t.at[slot]) }

// advance begins a sample, and returns its slot.
func (t *timeline) advance(now time.Time) (slot int) {
	if t.next == 0 {
		t.began = now
	}
	slot = t.next % slots
	t.at[slot] = now.Sub(t.began)
	t.next++
	if t.next == 2*slots { // so that it never overflows
		t.next = slots
	}
	return slot
}

// each yields the slots of the last hour, the oldest first.
func (t *timeline) each(now time.Time, yield func(slot int, ago time.Duration)) {
	for i := max(0, t.next-slots); i < t.next; i++ {
		if ago := now.Sub(t.moment(i % slots)); ago <= hour {
			yield(i%slots, ago)
		}
	}
}

// since is when the hour's first sample was taken; zero where there is none.
func (t *timeline) since(now time.Time) (first time.Time) {
	t.each(now, func(slot int, _ time.Duration) {
		if first.IsZero() {
			first = t.moment(slot)
		}
	})
	return first
}

// link is what is known of an interface.
type link struct {
	name    string
	since   time.Time // of the counters
	in, out uint64    // octets
	faults  [len(linkFaults)]netstat.Optional[uint64]
	busy    float64 // octets of late, which counts who has a graph
	rates   *rates  // nil for those without a graph
}

// rates are octets a second by slot; negative where they are unknown.
type rates struct{ in, out [slots]float32 }

const unknown = -1

func newRates() *rates {
	r := new(rates)
	for i := range r.in {
		r.in[i], r.out[i] = unknown, unknown
	}
	return r
}

// fault is a counter that should not grow: of an interface, or of the whole stack.
type fault struct {
	index   uint32 // 0 for the stack
	counter string
}

// growth is how much a counter grew, by slot.
type growth struct {
	by     [slots]uint64
	latest time.Time
}

// sum is the growth between the hour's first sample and its last.
func (g *growth) sum(t *timeline, now time.Time) (sum uint64) {
	first := true
	t.each(now, func(slot int, _ time.Duration) {
		if !first {
			sum += g.by[slot]
		}
		first = false
	})
	return sum
}

// NewHistory returns one without samples.
func NewHistory() *History {
	h := &History{links: make(map[uint32]*link), last: make(map[string]uint64), grew: make(map[fault]*growth), watched: make(map[string]bool)}
	for _, name := range stackFaults {
		h.watched[name] = true
	}
	return h
}

// Interfaces takes a reading of interfaces, for readings.Options.
func (h *History) Interfaces(began time.Time, rows []netstat.Interface) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.interfaces.due(began) {
		return
	}
	var passed time.Duration
	if h.interfaces.next > 0 {
		passed = began.Sub(h.interfaces.latest())
	}
	slot := h.interfaces.advance(began)
	h.clear(&h.interfaces, slot)
	there := make(map[uint32]*link, min(len(rows), mostInterfaces))
	for i := range rows {
		if len(there) >= mostInterfaces {
			break
		}
		ifc := &rows[i]
		l := h.links[ifc.Index]
		if l != nil && !l.since.Equal(ifc.CounterDiscontinuity) { // another interface of the number
			for _, f := range linkFaults {
				delete(h.grew, fault{ifc.Index, f.name})
			}
			l = nil
		}
		there[ifc.Index] = h.sample(l, ifc, slot, passed)
	}
	h.links = there
	h.chooseGraphs()
}

// sample takes the counters of an interface; was is nil for one that is new.
func (h *History) sample(was *link, ifc *netstat.Interface, slot int, passed time.Duration) *link {
	in, out := ifc.Counters.InOctets.Or(0), ifc.Counters.OutOctets.Or(0)
	now := &link{name: ifc.Name, since: ifc.CounterDiscontinuity, in: in, out: out}
	for i, f := range linkFaults {
		now.faults[i] = *f.at(&ifc.Counters)
	}
	if was == nil {
		return now
	}
	now.rates, now.busy = was.rates, was.busy*0.98
	inRate, outRate := float32(unknown), float32(unknown)
	if in >= was.in && out >= was.out && passed > 0 && passed <= longest {
		inRate, outRate = float32(float64(in-was.in)/passed.Seconds()), float32(float64(out-was.out)/passed.Seconds())
		now.busy += float64(in-was.in) + float64(out-was.out)
	}
	if now.rates != nil {
		now.rates.in[slot], now.rates.out[slot] = inRate, outRate
	}
	for i, f := range linkFaults {
		before, known := was.faults[i].Get()
		if value, also := now.faults[i].Get(); known && also && value > before {
			h.grow(fault{ifc.Index, f.name}, slot, value-before)
		}
	}
	return now
}

// chooseGraphs gives the busiest interfaces a graph. An interface that has one keeps it until another is busier by half.
func (h *History) chooseGraphs() {
	if len(h.links) <= mostGraphs {
		for _, l := range h.links {
			if l.rates == nil {
				l.rates = newRates()
			}
		}
		return
	}
	weight := func(l *link) float64 {
		if l.rates != nil {
			return l.busy*1.5 + 1
		}
		return l.busy
	}
	indexes := slices.SortedFunc(maps.Keys(h.links), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(weight(h.links[b]), weight(h.links[a])), cmp.Compare(a, b))
	})
	for i, index := range indexes {
		switch l := h.links[index]; {
		case i >= mostGraphs:
			l.rates = nil
		case l.rates == nil:
			l.rates = newRates()
		}
	}
}

// Counters takes a reading of counters, for readings.Options.
func (h *History) Counters(began time.Time, counters []netstat.Counter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.counters.due(began) {
		return
	}
	slot := h.counters.advance(began)
	h.clear(&h.counters, slot)
	for i := range counters {
		c := &counters[i]
		if !h.watched[c.Name] {
			continue
		}
		value, fits := c.Value.Uint64()
		if !fits {
			continue
		}
		h.follow(c.Name, slot, value)
	}
}

// Softnet takes a reading of what processors did, for readings.Options.
func (h *History) Softnet(began time.Time, all readings.Softnet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.softnet.due(began) {
		return
	}
	slot := h.softnet.advance(began)
	h.clear(&h.softnet, slot)
	for _, f := range softnetFaults {
		h.follow(f.name, slot, f.of(all))
	}
}

// follow takes the value of a counter of the stack.
func (h *History) follow(name string, slot int, value uint64) {
	if before, known := h.last[name]; known && value > before {
		h.grow(fault{0, name}, slot, value-before)
	}
	h.last[name] = value
}

// timelineOf returns when the samples of a counter were taken.
func (h *History) timelineOf(f fault) *timeline {
	switch {
	case f.index != 0:
		return &h.interfaces
	case isSoftnet(f.counter):
		return &h.softnet
	}
	return &h.counters
}

// clear makes room for a sample.
func (h *History) clear(t *timeline, slot int) {
	now := t.moment(slot)
	for f, g := range h.grew {
		if h.timelineOf(f) != t {
			continue
		}
		if g.by[slot] = 0; now.Sub(g.latest) > hour || f.index != 0 && h.links[f.index] == nil {
			delete(h.grew, f)
		}
	}
}

func (h *History) grow(f fault, slot int, by uint64) {
	t := h.timelineOf(f)
	g := h.grew[f]
	if g == nil {
		if len(h.grew) >= mostFaults {
			h.missed = t.moment(slot)
			return
		}
		g = new(growth)
		h.grew[f] = g
	}
	g.by[slot], g.latest = by, t.moment(slot)
}

// series is the last hour of an interface.
type series struct {
	index  uint32
	busy   float64
	points []point // the oldest first
}

// point is a moment of it: how long ago, and octets a second since the point before, negative where unknown.
type point struct {
	ago     time.Duration
	in, out float64
}

// graphs returns the interfaces that have a graph.
func (h *History) graphs(now time.Time) map[uint32]series {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[uint32]series)
	for index, l := range h.links {
		if l.rates == nil {
			continue
		}
		s := series{index: index, busy: l.busy}
		h.interfaces.each(now, func(slot int, ago time.Duration) {
			s.points = append(s.points, point{ago, float64(l.rates.in[slot]), float64(l.rates.out[slot])})
		})
		all[index] = s
	}
	return all
}

// grown is how much a counter grew, and since when that is known.
type grown struct {
	by    uint64
	since time.Time
}

// growths returns what grew in the last hour; since when the stack's counters are known, zero where there is no sample;
// and whether more grew than is kept.
func (h *History) growths(now time.Time) (grew map[fault]grown, since time.Time, missed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	grew = make(map[fault]grown, len(h.grew))
	for f, g := range h.grew {
		t := h.timelineOf(f)
		if sum := g.sum(t, now); sum > 0 {
			grew[f] = grown{sum, t.since(now)}
		}
	}
	return grew, h.counters.since(now), !h.missed.IsZero() && now.Sub(h.missed) <= hour
}
