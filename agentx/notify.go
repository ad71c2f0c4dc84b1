package agentx

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

const (
	// maxNotifications is how many notifications wait for the master: beyond
	// that the oldest go. A master takes them one by one, while all ports of a
	// large host may go down and up again at once.
	maxNotifications = 1 << 14
	// notificationLife is how long one waits. A master that was away for longer
	// began anew, which its managers know from itself.
	notificationLife = time.Minute
	// maxNotifyTries is how many sessions may end while the master has a notification
	// and has not answered it. It may be the notification that they end by.
	maxNotifyTries = 2
)

// notifications are those that the master has not taken yet, the oldest first.
type notifications struct {
	mu      sync.Mutex
	queue   []queued
	last    uint64        // number that was given
	dropped int           // since one was taken
	wake    chan struct{} // holds one when something was put into queue
}

type queued struct {
	number  uint64
	context string
	tries   int // sessions that ended before the master had answered it
	mib.Notification
}

// Notify has the master send a notification (RFC 2741, section 6.2.10) of
// something in a context, and returns at once. While the master takes none, up to
// 16,384 wait, for up to a minute from their moment on; what is dropped is
// logged with its number. So is one by which two sessions ended, since the master
// never answered it. sysUpTime is the master's: 0 for what was before it
// began.
func (s *Subagent) Notify(contextName string, n mib.Notification) {
	q := &s.notifications
	q.mu.Lock()
	if len(q.queue) >= maxNotifications {
		q.queue = q.queue[1:]
		s.dropped(1)
	}
	q.last++
	q.queue = append(q.queue, queued{number: q.last, context: contextName, Notification: n})
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// dropped counts notifications that are not sent, and warns of the first. The
// caller holds the lock.
func (s *Subagent) dropped(n int) {
	if s.notifications.dropped == 0 {
		s.config.Log.Warn("notifications are dropped, as no master takes them", "address", s.config.Address)
	}
	s.notifications.dropped += n
}

// oldest returns the oldest notification that is young enough.
func (s *Subagent) oldest(now time.Time) (n queued, ok bool) {
	q := &s.notifications
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queue) > 0 && now.Sub(q.queue[0].At) > notificationLife {
		q.queue = q.queue[1:]
		s.dropped(1)
	}
	if len(q.queue) == 0 {
		q.queue = nil
		return n, false
	}
	return q.queue[0], true
}

// taken removes a notification that the master took, or refused, unless it had
// to give way meanwhile.
func (s *Subagent) taken(n queued) {
	q := &s.notifications
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) > 0 && q.queue[0].number == n.number {
		q.queue = q.queue[1:]
	}
	if q.dropped > 0 {
		s.config.Log.Warn("notifications were dropped, as no master took them", "address", s.config.Address, "dropped", q.dropped)
		q.dropped = 0
	}
}

// unanswered notes that a session ended before the master had answered n, and drops n
// where that is not the first.
func (s *Subagent) unanswered(n queued) {
	q := &s.notifications
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 || q.queue[0].number != n.number {
		return
	}
	q.queue[0].tries++
	if q.queue[0].tries >= maxNotifyTries {
		q.queue = q.queue[1:]
		s.config.Log.Warn("a notification is dropped: the master answered it in none of the sessions that it was sent in",
			"notification", n.Type.String(), "context", n.context, "sessions", maxNotifyTries)
	}
}

// sendNotifications hands what waits to the master for as long as the session
// lasts. What the master has not answered when the session ends waits for the
// next.
func (s *Subagent) sendNotifications(ctx context.Context, session *session) {
	for {
		n, ok := s.oldest(time.Now())
		if !ok {
			select {
			case <-s.notifications.wake:
				continue
			case <-session.ctx.Done():
				return
			case <-ctx.Done():
				return
			}
		}
		if session.ctx.Err() != nil {
			return
		}
		_, err := session.request(ctx, 0, &Notify{Context: n.context, Bindings: n.Variables(s.Epoch())})
		refused := (*ResponseError)(nil)
		switch {
		case err == nil:
			s.recovered("notification " + n.context + " " + n.Type.String())
		case errors.As(err, &refused) && session.ctx.Err() == nil:
			s.complain("notification "+n.context+" "+n.Type.String(), "the master agent refuses a notification", "notification", n.Type.String(), "error", refused.Code.String())
		default:
			if ctx.Err() == nil {
				s.unanswered(n)
			}
			return
		}
		s.taken(n)
	}
}

// abandonNotifications says what is left when the subagent ends.
func (s *Subagent) abandonNotifications() {
	q := &s.notifications
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.dropped + len(q.queue); n > 0 {
		s.config.Log.Warn("notifications were dropped, as no master took them", "address", s.config.Address, "dropped", n)
	}
	q.queue, q.dropped = nil, 0
}
