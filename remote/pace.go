package remote

import (
	"sync"
	"time"
)

// pace is how much a host is asked for at once, learnt from its answers. All
// sessions with a host share it. It counts variables, whatever table they are
// of: a request for n columns gets as many repetitions as make up the budget.
type pace struct {
	mu     sync.Mutex
	budget int // variables that the next answer should have
	// ceiling is what did not get through, halved: the network loses long
	// answers, or the agent is too slow to make them. It rises again.
	ceiling int
	// patience is how many answers at the ceiling have it raised: the more,
	// the oftener it proved right.
	patience int
	proven   int // for how many variables an answer came since the last loss
	// cap is the most that the agent puts into an answer, however much it is
	// asked for. It is tried anew once in a while.
	cap       int
	successes int     // since ceiling or cap was set
	size      float64 // of a variable in octets, in the last answer
	// late is how long an answer took that came after its request had been
	// repeated.
	late time.Duration
}

const (
	// firstBudget makes an answer that most networks carry in one piece.
	firstBudget = 60
	// maxAnswer is how long answers grow, in octets: nearly what fits into a
	// datagram.
	maxAnswer = 60_000
	maxBudget = 4096
	// afterLoss and afterCap are after how many answers more is tried.
	afterLoss    = 8
	mostPatience = 1024
	afterCap     = 64
)

func newPace() *pace {
	return &pace{budget: firstBudget, ceiling: maxBudget, cap: maxBudget, patience: afterLoss}
}

// timeout returns how long to wait for an answer: longer than the configured
// time where a host has shown that it answers, but late. To repeat requests that
// it is still at work on would keep it busy for ever.
func (p *pace) timeout(configured time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	const most = 16
	return min(max(configured, 2*p.late), most*configured)
}

// took says how long an answer took, and what timeout is configured.
func (p *pace) took(took, timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took > timeout {
		p.late = took
	}
}

// next returns for how many variables to ask.
func (p *pace) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(p.budget, p.ceiling, p.cap)
	if p.size > 0 {
		n = min(n, int(maxAnswer/p.size))
	}
	return max(n, 1)
}

// answered says that of asked variables got came back, in so many octets and
// so much time. whole says that the answer left out nothing that was there.
func (p *pace) answered(asked, got, octets int, took, timeout time.Duration, whole bool) {
	p.took(took, timeout)
	p.mu.Lock()
	defer p.mu.Unlock()
	if got > 0 && octets > 0 {
		p.size = float64(octets) / float64(got)
	}
	if !whole && got < asked {
		p.cap, p.successes = max(got, 1), 0
		return
	}
	p.successes++
	if asked > p.proven {
		// The last rise was right.
		p.proven, p.patience = asked, afterLoss
	}
	if p.ceiling < maxBudget && p.successes >= p.patience {
		p.ceiling, p.successes = min(2*p.ceiling, maxBudget), 0
	}
	if p.cap < maxBudget && p.successes >= afterCap {
		p.cap, p.successes = min(2*p.cap, maxBudget), 0
	}
	// An agent that is at its limits is not asked for more. Of many columns
	// abreast, whole repetitions are asked for, which may be well below what
	// the budget has room for.
	if 2*asked > p.budget && took < timeout/4 {
		p.budget = min(4*p.budget, maxBudget)
	}
}

// lost says that no answer came to a request for so many variables.
func (p *pace) lost(asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ceiling, p.successes = max(min(asked, p.ceiling)/2, 1), 0
	p.proven, p.patience = p.ceiling, min(2*p.patience, mostPatience)
	p.budget = min(p.budget, p.ceiling)
}

// tooBig says that the agent could not answer a request for so many variables
// in one message.
func (p *pace) tooBig(asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cap, p.successes = max(asked/2, 1), 0
	p.budget = min(p.budget, p.cap)
}
