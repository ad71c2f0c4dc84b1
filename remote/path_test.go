package remote

import (
	"math/rand/v2"
	"testing"
	"time"
)

// travel asks n times by what a path says, of an agent and a network that carry or do not
// carry an answer of so many octets, and returns how many answers came and how many
// octets in all.
func travel(p *path, n int, carries func(octets int) (got int, ok bool)) (answers, octets int) {
	for range n {
		expected := p.probe()
		probe := expected > 0
		for attempt := 0; ; attempt++ {
			if !probe {
				expected = smaller(p.settled(), attempt)
			}
			got, ok := carries(expected)
			if ok {
				p.arrived(arrival{asked: expected, got: got, octets: got, probe: probe})
				answers++
				octets += got
				break
			}
			p.missed(expected, probe, time.Now())
			probe = false
		}
	}
	return answers, octets
}

// What answers are asked to have comes to what the way carries, whatever that is.
func TestPathFindsWhatIsCarried(t *testing.T) {
	for _, longest := range []int{300, 548, 1232, 1452, 1472, 4000, 8972, 30_000, 100_000} {
		p := newPath(longestAnswer)
		lost := 0
		travel(p, 500, func(octets int) (int, bool) {
			if octets > longest {
				lost++
			}
			return octets, octets <= longest
		})
		if got, want := p.settled(), min(longest, longestAnswer); got > want || 10*got < 8*want {
			t.Errorf("of %d octets: %d are asked for after %d losses", longest, got, lost)
		}
		if lost > 30 {
			t.Errorf("of %d octets: %d requests of 500 were lost", longest, lost)
		}
	}
}

// Chance is no reason to ask for less than a frame, and hardly one to ask for less than
// what came through.
func TestPathBearsLoss(t *testing.T) {
	for _, share := range []float64{0.1, 0.2, 0.36} {
		for _, longest := range []int{1472, 100_000} {
			random := rand.New(rand.NewPCG(1, 1))
			p := newPath(longestAnswer)
			answers, octets := travel(p, 1000, func(octets int) (int, bool) {
				return octets, octets <= longest && random.Float64() >= share
			})
			want := min(longest, longestAnswer)
			if mean := octets / answers; 10*mean < 6*want {
				t.Errorf("%v lost of answers up to %d octets: they have %d on average", share, longest, mean)
			}
		}
	}
}

// One short answer tells nothing; an agent whose answers are all short is asked for a
// little more than they have.
func TestPathTakesShortAnswers(t *testing.T) {
	const fully = 60_000
	n := 0
	p := newPath(longestAnswer)
	_, octets := travel(p, 1000, func(octets int) (int, bool) {
		if n++; n%50 == 0 {
			return octets / 10, true
		}
		return octets, true
	})
	if octets < 900*fully {
		t.Errorf("one answer of 50 is short: 1000 have %d octets", octets)
	}
	for _, most := range []int{60, 400, 1472, 10_000} {
		p := newPath(longestAnswer)
		answers, octets := travel(p, 300, func(octets int) (int, bool) { return min(octets, most), true })
		if mean := octets / answers; 10*mean < 9*most || p.settled() > most+most/4 {
			t.Errorf("of an agent with room for %d: %d on average, and %d are asked for", most, mean, p.settled())
		}
	}
}

// A way that carries less than it did is learnt anew, and so is one that carries more.
func TestPathChanges(t *testing.T) {
	p := newPath(longestAnswer)
	for _, longest := range []int{9000, 1472, 30_000, 600} {
		travel(p, 5000, func(octets int) (int, bool) { return octets, octets <= longest })
		if got := p.settled(); got > longest || got < longest/2 {
			t.Errorf("of %d octets: %d are asked for", longest, got)
		}
	}
}

// No answer is asked for that is longer than the configuration says.
func TestPathIsBounded(t *testing.T) {
	p := newPath(1000)
	travel(p, 500, func(octets int) (int, bool) {
		if octets > 1000 {
			t.Errorf("%d octets are asked for", octets)
		}
		return octets, true
	})
	if p.settled() != 1000 {
		t.Errorf("%d octets are asked for in the end", p.settled())
	}
}
