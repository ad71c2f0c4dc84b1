package show

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// rising tells by how much counters of 32 bits, each known by a key, grew in a second from turn
// to turn.
type rising[K comparable] struct {
	at       time.Time     // of the turn that is under way
	elapsed  time.Duration // since the one before; 0 in the first
	was, now map[K]uint32
}

func newRising[K comparable]() *rising[K] { return new(rising[K]) }

func (*rising[K]) close() {}

// begin begins a turn.
func (r *rising[K]) begin(at time.Time) {
	r.elapsed = 0
	if !r.at.IsZero() {
		r.elapsed = at.Sub(r.at)
	}
	r.at, r.was, r.now = at, r.now, make(map[K]uint32)
}

// rate takes a counter of the turn. It is unknown by how much one grew that was not there in the turn
// before, or was set back.
func (r *rising[K]) rate(key K, count netstat.Optional[uint32]) (rate netstat.Optional[float64]) {
	n, known := count.Get()
	if !known {
		return rate
	}
	r.now[key] = n
	was, known := r.was[key]
	if grew := int32(n - was); known && grew >= 0 && r.elapsed > 0 { // it may have wrapped around
		rate.Set(float64(grew) / r.elapsed.Seconds())
	}
	return rate
}
