package agentx

import (
	"errors"
	"log/slog"
	"time"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
	// steadyAfter is how long a session lasts before its end is no sign that the next
	// one ends at once.
	steadyAfter = 10 * time.Second
	// repeatInterval is how often the same end of sessions that did not last is logged.
	repeatInterval = time.Minute
	// maxRepeated is how many different ends of such sessions are told apart. The master
	// decides what they are.
	maxRepeated = 8
)

// A reconnection decides how soon a master is tried again and what is logged of that, by
// how long its sessions last. It belongs to who runs the subagent.
type reconnection struct {
	log     *slog.Logger
	address string
	backoff time.Duration // the last one
	told    map[string]*repeated
}

// repeated is something that was logged since the last session that lasted.
type repeated struct {
	at    time.Time
	since int // how often it came since then
}

// next returns how long to wait for the next attempt, after a session that lasted so
// long, or after none.
func (r *reconnection) next(lasted time.Duration) time.Duration {
	if lasted >= steadyAfter {
		r.backoff = 0
	}
	r.backoff = min(max(2*r.backoff, minBackoff), maxBackoff)
	return r.backoff
}

// opened logs that a master opened a session, and reports whether it did.
func (r *reconnection) opened(id uint32, now time.Time) bool {
	log, also := r.tell("opened", repeatInterval, now)
	if log {
		r.log.Info("AgentX session opened", append([]any{"address", r.address, "session", id}, also...)...)
	}
	return log
}

// steady logs that a session lasts of which opened has logged nothing.
func (r *reconnection) steady(id uint32) {
	r.log.Info("AgentX session lasts", "address", r.address, "session", id)
}

// ended logs why a session ended that lasted so long, or why there is none. A master that
// stays away is said to be once, and one whose sessions do not last once a minute.
func (r *reconnection) ended(err error, opened bool, lasted time.Duration, now time.Time) {
	if lasted >= steadyAfter {
		clear(r.told)
	}
	message, interval := "the AgentX master opens no session, trying on", time.Duration(0)
	if unreached := (*connectError)(nil); opened {
		message, interval = "AgentX session lost, connecting again", repeatInterval
	} else if errors.As(err, &unreached) {
		message = "no AgentX master, trying on"
	}
	if log, also := r.tell(message+err.Error(), interval, now); log {
		r.log.Warn(message, append([]any{"address", r.address, "error", err}, also...)...)
	}
}

// tell reports whether to log something again that is what it was, at most once an
// interval, or never where that is 0; also says how often it came meanwhile.
func (r *reconnection) tell(what string, interval time.Duration, now time.Time) (log bool, also []any) {
	last := r.told[what]
	if last == nil && len(r.told) >= maxRepeated {
		what, interval = "", repeatInterval
		last = r.told[what]
	}
	switch {
	case last == nil:
		if r.told == nil {
			r.told = map[string]*repeated{}
		}
		r.told[what] = &repeated{at: now}
		return true, nil
	case interval == 0 || now.Sub(last.at) < interval:
		last.since++
		return false, nil
	case last.since > 0:
		also = []any{"times", last.since + 1}
	}
	*last = repeated{at: now}
	return true, also
}
