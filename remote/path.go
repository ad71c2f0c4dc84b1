package remote

import (
	"sync"
	"time"
)

// path is what was learnt of the way to a host and of the agent at its end: how long
// answers may be, in octets of a message, and how soon they come. All that is read of a
// host shares it.
//
// Who asks expects an answer of so many octets. Of what came through and what did not it
// follows how much to ask for: as much as came through already, and now and then a probe
// that asks for more, never more than one at a time. A loss says something of a length only
// if nothing as long ever came.
type path struct {
	most int // that answers may have, as configured

	mu      sync.Mutex
	carried int // the longest answer that came; 0 before the first
	lost    int // the least that was expected of an answer that its length had lost; 0 for none
	// A probe may begin after calm answers, a number that grows each time one fails.
	probing bool
	calm    int
	since   int // answers since a probe ended
	failed  int // probes of one length that were lost
	// full is the most that the agent puts into an answer, however much it is asked
	// for; 0 where that is not known. Two short answers tell it, with none as long between
	// them, since any agent may make one.
	full, short, shorts int
	whole               int // answers since full was set
	// firm says that full is half of what was tooBig: to ask for more costs an answer.
	firm bool

	// doubts are losses of what should have come through, in a row, of requests that were
	// sent after doubted.
	doubts  int
	doubted time.Time

	// bulk says that the agent answered a GetBulkRequest, and plain that it answers
	// GetNextRequests where it does not answer these. doubts of it are questions in a row of
	// which it answered the one and not the other.
	bulk, plain bool
	bulkDoubts  int
	// Where the agent did not answer GetBulkRequests, one is tried anew after so many answers to
	// GetNextRequests, a number that grows: they may have been lost. It is 0 where the agent refused them.
	bulkAnew, plainAnswers int

	mean, deviation time.Duration // of the time that answers take; RFC 6298
	// late is how long an answer took for which the configured time was too short.
	late time.Duration
}

const (
	// firstAnswer is carried by most networks in one piece: a little less than 1,500 octets
	// of IPv6 and UDP.
	firstAnswer = 1400
	// longestAnswer is nearly what fits into a datagram.
	longestAnswer = 60_000
	// afterFailure is after how many answers more is tried again, and longestCalm the most
	// that this becomes.
	afterFailure, longestCalm = 8, 1024
	// believed is how many lost probes show that their length is too much.
	believed = 2
	// mistrusted is how many losses in a row of what came through once show that the way has
	// changed. One frame is hardly ever lost for its length.
	mistrusted, mistrustedFrame = 4, 8
	// silentQuestions is after how many questions in a row, that were answered as GetNextRequests alone, an agent
	// is taken for one without GetBulkRequests. firstBulkAnew and lastBulkAnew are for bulkAnew.
	silentQuestions, firstBulkAnew, lastBulkAnew = 2, 16, 1024
	// afterFull is after how many answers an agent is asked for more than it seemed to have
	// room for.
	afterFull = 64

	// later is by how much an answer may be later than usual, at least, before its request is
	// repeated, and laterProbe the same of a probe.
	later, laterProbe = 200 * time.Millisecond, 100 * time.Millisecond
	// longestWait is how many times the configured one the time for an answer becomes where
	// a host is late.
	longestWait = 16
)

func newPath(most int) *path { return &path{most: most} }

// settled returns for how many octets to ask, of those that are known to come through.
func (p *path) settled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	octets := p.carried
	if octets == 0 {
		octets = firstAnswer
	}
	return p.within(octets)
}

// within bounds octets by what the agent has room for and by what is configured. mu is held.
func (p *path) within(octets int) int {
	switch {
	case p.full > 0 && p.firm:
		octets = min(octets, p.full)
	case p.full > 0:
		octets = min(octets, p.full+p.full/8) // so that an answer that has room for more shows it
	}
	return min(octets, p.most)
}

// probe returns for how many octets to ask to learn more, 0 where it is not the time for that.
// Who is given a probe says what became of it by arrived, missed, tooBig or withdraw.
func (p *path) probe() (octets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.carried == 0 || p.probing || p.since < p.calm {
		return 0
	}
	octets = min(p.next(), p.most)
	if octets <= p.carried || p.full > 0 && octets > p.full {
		return 0
	}
	p.probing = true
	return octets
}

// withdraw says that a probe was not sent, or that nothing was learnt by it.
func (p *path) withdraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
}

// next returns what a probe would ask for: twice as much, or halfway to what is known to be
// lost. Once the two are near, what was lost is tried anew, much later.
func (p *path) next() int {
	switch {
	case p.lost == 0:
		return 2 * p.carried
	case p.lost-p.carried > p.carried/8:
		return (p.carried + p.lost) / 2
	}
	return p.lost
}

// arrival is an answer to a request.
type arrival struct {
	asked, got int // variables
	octets     int // of the message
	// ended says that the answer left out nothing that was there.
	ended, probe bool
}

// arrived says that an answer came.
func (p *path) arrived(a arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since++
	if a.probe {
		p.probing, p.failed, p.since, p.calm = false, 0, 0, 0
		if p.lost > 0 {
			p.calm = afterFailure
		}
	}
	if a.octets > p.carried {
		p.carried = min(a.octets, p.most)
		if p.carried >= p.lost {
			p.lost = 0
		}
	}
	if 4*a.octets >= 3*p.carried {
		p.doubts = 0
	}
	if !a.ended && a.got < a.asked {
		p.short, p.shorts = max(p.short, a.octets), p.shorts+1
		if p.shorts > 1 {
			p.full, p.whole, p.firm = p.short, 0, false
		}
		return
	}
	if a.octets >= p.short {
		p.short, p.shorts = 0, 0
	}
	if p.whole++; a.octets > p.full && !p.firm || p.whole >= afterFull {
		p.full, p.whole = 2*p.full, 0
		if p.full > longestAnswer {
			p.full = 0
		}
	}
}

// missed says that nothing came for a request that was sent at a moment and whose answer
// was expected to have so many octets.
func (p *path) missed(expected int, probe bool, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case probe:
		p.probing = false
		if p.failed++; p.failed < believed {
			p.since = p.calm - afterFailure/2 // it may have been chance
			return
		}
		p.failed, p.since = 0, 0
		p.calm = min(max(2*p.calm, afterFailure), longestCalm)
		p.lost = max(expected, p.carried+1)
	case p.carried == 0:
		if p.lost == 0 || expected < p.lost {
			p.lost = expected
		}
	case 4*expected >= 3*p.carried && sent.After(p.doubted):
		limit := mistrusted
		if p.carried <= firstAnswer {
			limit = mistrustedFrame
		}
		if p.doubts++; p.doubts == limit {
			p.doubts, p.doubted = 0, time.Now()
			p.lost, p.carried = 0, max(p.carried/2, 1)
			p.since, p.calm = 0, afterFailure/2
		}
	}
}

// tooBig says that the agent has no room in a message for so many octets.
func (p *path) tooBig(expected int, probe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if probe {
		p.probing = false
	}
	p.full, p.whole, p.short, p.shorts, p.firm = max(expected/2, 1), 0, 0, 0, true
}

// usesBulk reports whether to ask by GetBulkRequests, and knows whether an answer to one came.
func (p *path) usesBulk() (uses, knows bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.plain, p.bulk
}

// answeredBulk says that a GetBulkRequest was answered.
func (p *path) answeredBulk() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bulk, p.plain, p.bulkDoubts = true, false, 0
}

// answeredPlain says that a GetNextRequest was answered instead of GetBulkRequests, which the
// agent refused or did not answer.
func (p *path) answeredPlain(refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.bulk:
	case p.plain:
		p.plainAnswers++
	case refused:
		p.plain = true
	default:
		if p.bulkDoubts++; p.bulkDoubts >= silentQuestions {
			p.plain, p.bulkAnew = true, firstBulkAnew
		}
	}
}

// triesBulk reports whether it is time to ask by a GetBulkRequest of an agent that did not answer these.
func (p *path) triesBulk() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.plain || p.bulkAnew == 0 || p.plainAnswers < p.bulkAnew {
		return false
	}
	p.plainAnswers, p.bulkAnew = 0, min(2*p.bulkAnew, lastBulkAnew)
	return true
}

// took says how long an answer took, and what time is configured.
func (p *path) took(took, timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mean == 0 {
		p.mean, p.deviation = took, took/2
	} else {
		p.deviation += ((took - p.mean).Abs() - p.deviation) / 4
		p.mean += (took - p.mean) / 8
	}
	if took > timeout {
		p.late = took
	}
}

// patience returns how long an answer may take in the end: longer than the configured time
// where a host has shown that it answers, but late. To repeat requests that it is still
// at work on would keep it busy for ever.
func (p *path) patience(configured time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(configured, 2*p.late), longestWait*configured)
}

// wait returns after what time to repeat a request, for the nth time from 0, where answers
// are known to come soon: within patience, which is the time for one that nothing is known of.
func (p *path) wait(patience time.Duration, n int, probe bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mean == 0 {
		return patience
	}
	if probe {
		return min(p.mean+max(4*p.deviation, p.mean, laterProbe), patience) // of twice the length
	}
	usual := p.mean + max(4*p.deviation, later)
	for range n {
		if usual += usual / 2; usual >= patience {
			break
		}
	}
	return min(usual, patience)
}
