package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Stack is the network stack of a host, read from the SNMP agent there. It is
// safe for concurrent use. See the package's documentation for where its
// errors come from. Use Open: the zero value is no Stack. Errors of its methods are as for
// [netstat.Stack]; a *[SkippedError] is among them.
type Stack struct {
	config Config
	to     *target
	name   string // for errors
	path   *path
	window *window
	engine *knownEngine // of SNMPv3
	strays strays

	answered atomic.Bool // something, at least once
	there    atomic.Bool // an agent that speaks SNMPv3, whatever it answered

	sent, repeated atomic.Uint64 // requests

	// isOfPool says that a Pool reads the host, and holds what it tells: then
	// Config.MaxOctets bounds that as a whole.
	isOfPool bool
	octets   atomic.Int64

	mu     sync.Mutex
	idle   []session
	closed bool
	// epoch is when sysUpTime was zero; the zero time where the agent does not
	// tell.
	epoch time.Time
}

var (
	_ netstat.Stack           = (*Stack)(nil)
	_ netstat.NeighbourReader = (*Stack)(nil)
)

// sysUpTime is RFC 3418's.
var sysUpTime = column{mib.MustParseOID("1.3.6.1.2.1.1.3"), "sysUpTime"}

// Open asks the agent at c.Address for its sysUpTime and returns the stack
// behind it. The error says that the configuration makes no sense, or matches
// ErrNoAnswer, fs.ErrPermission (where the agent says that the security name or
// a passphrase is wrong), a *net.DNSError, or the error of ctx.
func Open(ctx context.Context, c Config) (*Stack, error) { return open(ctx, c, nil) }

// open is Open; of the path known was learnt before, if it is not nil.
func open(ctx context.Context, c Config, known *path) (*Stack, error) {
	s, err := prepare(c, known, new(knownEngine))
	if err != nil {
		return nil, err
	}
	if err := s.synchronise(ctx); err != nil {
		s.Close()
		return nil, s.readError("ask for "+sysUpTime.name, err)
	}
	return s, nil
}

// prepare returns a stack of which nothing was asked.
func prepare(c Config, known *path, engine *knownEngine) (*Stack, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	to, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	if c.Sessions == 0 {
		c.Sessions = defaultSessions
		if to.isStream() {
			c.Sessions = defaultStreams
		}
	}
	s := &Stack{config: c, to: &target{endpoint: to}, name: to.String(), path: known, engine: engine, window: newWindow(c.Sessions)}
	if known == nil {
		s.path = newPath(c.MaxAnswer)
	}
	s.strays.taken, s.strays.heed = c.AnySource, c.AnySource
	if c.Context != "" {
		s.name += " context " + c.Context
	}
	return s, nil
}

// Close ends the sessions with the agent. What is still being read may fail. Its error is nil.
func (s *Stack) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, session := range s.idle {
		session.close()
	}
	s.idle = nil
	return nil
}

// acquire returns a session that nobody else uses. There may be more than
// Config.Sessions when several things are read at once; they are not kept.
func (s *Stack) acquire() session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		session := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return session
	}
	if s.config.Version == V3 {
		return &usmSession{to: s.to, config: &s.config, engine: s.engine, strays: &s.strays, there: &s.there}
	}
	return newCommunitySession(&s.config, s.to, &s.strays)
}

func (s *Stack) release(session session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.idle) >= s.config.Sessions {
		session.close()
		return
	}
	s.idle = append(s.idle, session)
}

// attempt is one of the requests that ask the same.
type attempt struct {
	request   *request
	pdu       byte  // what request was
	asked     []int // columns
	variables int   // at most, in the answer
	expected  int   // octets of the answer
	probe     bool  // of the path
	sent      time.Time
	of        int // requests that were under way then, with it
}

// question sends requests until one is answered, and returns which that was. prepare makes
// the nth, from 0. soon says that answers to such requests are known to come: then they are repeated
// as soon as those usually came, besides the repetitions that are configured, and not after more
// time in all.
func (s *Stack) question(ctx context.Context, through session, soon bool, prepare func(n int) attempt, a *answer) (attempt, error) {
	attempts := make([]attempt, 0, 4)
	retries := s.config.Retries.Or(0)
	left := float64(1 + retries) // times that an answer may take
	silent := false              // the last attempt met nothing
	malformed := 0               // how many variables a request was for whose answer is malformed
	for n := 0; ; n++ {
		// What got lost waits for its turn like anything else.
		if err := s.window.enter(ctx); err != nil {
			return attempt{}, err
		}
		if silent && n >= retries-1 && !s.answered.Load() && !s.there.Load() && !s.to.isStream() && s.strays.look() {
			through.close() // for a socket that hears others as well
		}
		to := prepare(n)
		patience := s.path.patience(s.config.Timeout)
		wait := patience
		if soon && retries > 0 {
			wait = s.path.wait(patience, n, to.probe)
		}
		to.sent, to.of = time.Now(), s.window.load()
		attempts = append(attempts, to)
		s.sent.Add(1)
		if n > 0 {
			s.repeated.Add(1)
		}
		err := through.exchange(ctx, to.request, n, wait, a)
		s.window.leave()
		if err == nil {
			s.answered.Store(true)
			to = attempts[a.attempt]
			now := time.Now()
			s.path.took(now.Sub(to.sent), s.config.Timeout)
			s.window.answered(to.sent, now, to.of)
			return to, nil
		}
		silent = isTimeout(err)
		switch {
		case silent:
			s.path.missed(to.expected, to.probe, to.sent)
			if !to.probe {
				s.window.lost(to.sent, time.Now(), to.of)
			}
		case to.probe:
			s.path.withdraw()
		}
		if !errors.Is(err, errTryAgain) {
			return attempt{}, err
		}
		if bad := (*malformedError)(nil); errors.As(err, &bad) {
			// A smaller request may have another answer. The same has the same.
			asked := max(to.variables, 1)
			if asked == malformed {
				return attempt{}, fmt.Errorf("%w, twice", err)
			}
			malformed = asked
		}
		if s.turn(through) {
			continue
		}
		const none = 1e-3
		if left -= float64(wait) / float64(patience); left < none {
			return attempt{}, s.noAnswer(n+1, err)
		}
		if err := pause(ctx, wait-time.Since(to.sent), err); err != nil {
			return attempt{}, err
		}
	}
}

// turn has another address of the host asked, as nobody answered at any yet, and reports whether that one
// was not tried before.
func (s *Stack) turn(through session) (untried bool) {
	if s.answered.Load() || s.there.Load() {
		return false
	}
	turned, untried := s.to.turn()
	if turned {
		through.close()
	}
	return untried
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ask sends a request until it is answered, or has been repeated as often as it
// may.
func (s *Stack) ask(ctx context.Context, through session, r *request, a *answer) error {
	_, err := s.question(ctx, through, true, func(int) attempt { return attempt{request: r} }, a)
	return err
}

// synchronise learns when the agent's sysUpTime was zero.
func (s *Stack) synchronise(ctx context.Context) error {
	session := s.acquire()
	defer s.release(session)
	asked := time.Now()
	r := request{pdu: ber.GetNextRequest, names: []mib.OID{sysUpTime.oid}}
	var a answer
	if err := s.ask(ctx, session, &r, &a); err != nil {
		return err
	}
	if a.status == mib.NoError && len(a.variables) == 1 && a.variables[0].name == sysUpTime.oid.Sub(0) {
		s.began(a.variables[0].value, asked)
	}
	return nil
}

// began takes in a value of sysUpTime that was asked for at a moment.
func (s *Stack) began(upTime mib.Value, asked time.Time) {
	if upTime.Type() != mib.TimeTicks {
		return
	}
	now := time.Now()
	epoch := now.Add(-now.Sub(asked) / 2).Add(-time.Duration(upTime.Uint()) * tick)
	s.mu.Lock()
	defer s.mu.Unlock()
	// A moment that is converted twice is the same both times, unless the
	// agent began anew.
	const tolerance = 3 * time.Second
	if d := epoch.Sub(s.epoch); s.epoch.IsZero() || d > tolerance || d < -tolerance {
		s.epoch = epoch
	}
}

// Started returns when the agent's sysUpTime was zero, to the accuracy of the
// round trip; ok is false where the agent does not tell.
func (s *Stack) Started() (started time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, !s.epoch.IsZero()
}

// past returns the moment of a TimeStamp, which is never to come: one that is
// greater than sysUpTime is of the time before that wrapped around, after 497 days.
func past(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	const (
		wrap = (math.MaxUint32 + 1) * tick
		// What just happened may seem to be to come, as when sysUpTime was zero is
		// known to the accuracy of the round trip.
		tolerance = time.Minute
	)
	now := time.Now()
	if at.Sub(now) > tolerance {
		at = at.Add(-wrap)
	}
	if at.After(now) {
		at = now
	}
	return at
}

func (s *Stack) currentEpoch() time.Time {
	epoch, _ := s.Started()
	return epoch
}

// notSupported is the error for what none of the objects told.
func (s *Stack) notSupported(op string, objects ...string) error {
	return s.readError(op, missing(objects...))
}

func missing(objects ...string) error {
	switch len(objects) {
	case 1:
		return fmt.Errorf("the agent shows no %s: %w", objects[0], netstat.ErrNotSupported)
	default:
		list := objects[0]
		for i, o := range objects[1:] {
			if i == len(objects)-2 {
				list += " or " + o
			} else {
				list += ", " + o
			}
		}
		return fmt.Errorf("the agent shows no %s: %w", list, netstat.ErrNotSupported)
	}
}
