package agentx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// DefaultPriority is below net-snmp's 127 for its own registrations, so that
// the subagent's win.
const DefaultPriority = 100

// Config says what a Subagent serves, and to whom. Zero fields but Handler have
// usable defaults.
type Config struct {
	// Address is where the master listens, in the form of ParseAddress. Empty
	// means DefaultAddress.
	Address string
	// Handler has the trees to serve. It is asked for the tree of a context
	// with every PDU, and for its modules when these are registered.
	Handler mib.Handler
	// Contexts are the SNMP contexts to register; nil means the default
	// context only.
	Contexts []string
	// ID and Description are what the master shows of the subagent (RFC 2741,
	// section 6.2.1: o.id, o.descr).
	ID          mib.OID
	Description string
	// Timeout is how long an answer may wait for its source; after that the
	// manager gets genErr. At most 255 s, 0 means 5 s, which is below the 6 s
	// after which net-snmp gives up the whole session.
	Timeout time.Duration
	// Priority is that of every registration (RFC 2741, section 6.2.3): the
	// lowest number wins. 0 means DefaultPriority.
	Priority uint8
	// Ranges registers consecutive subtrees together (RFC 2741, section 6.2.3:
	// r.range_subid). Leave it off with net-snmp, whose 5.9.3 crashes when a
	// session that registered ranges has ended and another registers them.
	Ranges bool
	// ResponseTimeout is how long the master may take to answer, or to read
	// what it is sent, before it counts as hung and the connection is dropped;
	// 0 means 10 s.
	ResponseTimeout time.Duration
	// PingInterval is how long the master may be silent before it is asked
	// whether it is there; 0 means 30 s.
	PingInterval time.Duration
	// Log is told of connections made and lost, and once of everything that a
	// master refuses: in one line for each context where that is much, with
	// each registration at the debug level. Nil means slog.Default.
	Log *slog.Logger
	// Registered, unless nil, is called whenever all has been asked of a
	// master: at first, after each reconnection, and when the master has
	// accepted what it refused before. It is told how many registrations the
	// session has and how many are refused, and must not wait.
	Registered func(registered, refused int)
}

// Subagent serves a mib.Handler through a master agent. Its methods may be
// called by any goroutine.
type Subagent struct {
	config           Config
	network, address string
	epoch            epoch
	waiters          chan struct{}  // one place for each answer that waits
	longWaiters      chan struct{}  // and for each to a PDU that is long itself
	running          sync.WaitGroup // the goroutines of those answers
	complaints       complaints
	sets             mib.SetLog
	notifications    notifications // that the master has not taken yet

	mu         sync.Mutex
	contexts   []string
	catalog    *catalog // of the session that is open, nil without one
	withMaster Session

	updating sync.Mutex           // held while a catalog is updated
	refusals map[string][]refusal // that were logged, by context
}

// How many answers wait at a time, for their sources or for a master that does not read.
// More are answered with processingError. Those to PDUs whose payload is longer than
// longPayload octets have places of their own: such a PDU and its answer can take megabytes.
const (
	maxWaiting     = 64
	maxLongWaiting = 4
	longPayload    = 16 << 10
)

// maxNamed is how many refused registrations of a context are each worth a
// warning. More are one.
const maxNamed = 3

const dialTimeout = 2 * time.Second

// New returns a subagent, which does nothing before Run. An error says which
// field of the Config is wrong.
func New(config Config) (*Subagent, error) {
	if config.Handler == nil {
		return nil, errors.New("agentx: Config.Handler is nil")
	}
	if config.Address == "" {
		config.Address = DefaultAddress
	}
	network, address, err := ParseAddress(config.Address)
	if err != nil {
		return nil, err
	}
	if config.Contexts == nil {
		config.Contexts = []string{""}
	}
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	if config.Timeout < 0 || config.Timeout > 255*time.Second {
		return nil, fmt.Errorf("agentx: Config.Timeout %v is not from 0 to 255 s", config.Timeout)
	}
	if config.Priority == 0 {
		config.Priority = DefaultPriority
	}
	if config.ResponseTimeout <= 0 {
		config.ResponseTimeout = 10 * time.Second
	}
	if config.PingInterval <= 0 {
		config.PingInterval = 30 * time.Second
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	s := &Subagent{
		config:   config,
		network:  network,
		address:  address,
		contexts: slices.Clone(config.Contexts),
		waiters:  make(chan struct{}, maxWaiting),

		longWaiters: make(chan struct{}, maxLongWaiting),
		refusals:    map[string][]refusal{},
	}
	s.notifications.wake = make(chan struct{}, 1)
	s.epoch.zero = time.Now()
	return s, nil
}

// Run connects to the master, registers and serves until ctx is done, and
// connects again whenever the connection is lost, at most a second after the
// last attempt, and less often the shorter sessions last. What the master refuses to
// register, since another subagent has it, is tried again at most a minute apart. It
// ends with an agentx-Close-PDU and returns nil. It is called once.
func (s *Subagent) Run(ctx context.Context) error {
	defer s.abandonNotifications()
	defer s.running.Wait()
	again := reconnection{log: s.config.Log, address: s.config.Address}
	for ctx.Err() == nil {
		opened, err := s.serve(ctx, &again)
		if ctx.Err() != nil {
			break
		}
		now, lasted := time.Now(), time.Duration(0)
		if !opened.IsZero() {
			lasted = now.Sub(opened)
		}
		again.ended(err, !opened.IsZero(), lasted, now)
		wait := time.NewTimer(again.next(lasted))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
	return nil
}

// serve runs one session from dialing to its end. It returns when the master opened
// the session, the zero time where none did, and why the session ended.
func (s *Subagent) serve(ctx context.Context, again *reconnection) (opened time.Time, err error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	dialed, err := dialer.DialContext(ctx, s.network, s.address)
	if err != nil {
		return opened, &connectError{s.config.Address, err}
	}
	conn, err := newBlockingConn(dialed, s.config.ResponseTimeout)
	if err != nil {
		return opened, &connectError{s.config.Address, err}
	}
	session := newSession(s, conn)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer session.end(errShutdown)
	s.epoch.forget()
	parts.Go(session.read)
	if err := session.open(ctx); err != nil {
		return opened, err
	}
	opened = time.Now()
	s.forgive()
	steady := time.NewTimer(steadyAfter)
	defer steady.Stop()
	if again.opened(session.id.Load(), opened) {
		steady.Stop()
	}
	parts.Go(func() { session.keepAlive(ctx) })

	c := newCatalog(session)
	defer c.retry.Stop()
	s.mu.Lock()
	s.catalog = c
	s.withMaster = Session{ID: session.id.Load(), Opened: opened, Sessions: s.withMaster.Sessions + 1}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.catalog = nil
		s.withMaster = Session{Sessions: s.withMaster.Sessions}
		s.mu.Unlock()
	}()
	err = s.update(ctx)
	parts.Go(func() { s.sendNotifications(ctx, session) })
	for changed := true; ; {
		if err != nil && ctx.Err() == nil {
			session.end(err)
			return opened, err
		}
		if changed && ctx.Err() == nil {
			registered, refused := s.count(c)
			s.mu.Lock()
			s.withMaster.Registered, s.withMaster.Refused = registered, refused
			s.mu.Unlock()
			if s.config.Registered != nil {
				s.config.Registered(registered, refused)
			}
		}
		select {
		case <-session.ctx.Done():
			return opened, context.Cause(session.ctx)
		case <-ctx.Done():
			session.close()
			return opened, context.Cause(ctx)
		case <-c.retry.C:
			changed, err = s.tryAgain(ctx, c)
		case <-steady.C:
			again.steady(session.id.Load())
			changed = false
		}
	}
}

// SetContexts replaces the contexts to register. With a master at hand it
// registers what their trees hold now and unregisters what is gone, also where
// the contexts are the same and a tree is another; otherwise that happens at
// the next connection. An error means that ctx is done or the session ended,
// after which everything is registered anew.
func (s *Subagent) SetContexts(ctx context.Context, contexts ...string) error {
	s.mu.Lock()
	s.contexts = slices.Clone(contexts)
	s.mu.Unlock()
	return s.update(ctx)
}

// update brings the open session's catalog up to date.
func (s *Subagent) update(ctx context.Context) error {
	s.updating.Lock()
	defer s.updating.Unlock()
	s.mu.Lock()
	c, contexts := s.catalog, s.contexts
	s.mu.Unlock()
	if c == nil {
		return nil
	}
	return c.update(ctx, contexts)
}

// tryAgain asks for what the master refused, and reports whether it has
// accepted some of that.
func (s *Subagent) tryAgain(ctx context.Context, c *catalog) (accepted bool, err error) {
	s.updating.Lock()
	accepted, err = c.probe(ctx)
	s.updating.Unlock()
	if accepted && err == nil {
		err = s.update(ctx)
	}
	return accepted, err
}

// Session is what a Subagent has with its master.
type Session struct {
	ID     uint32    // h.sessionID
	Opened time.Time // when the master opened it; zero while there is none
	// Registered is how many registrations the master has accepted, and Refused how many it has
	// not, as of the last time that all was asked of it.
	Registered, Refused int
	// Sessions is how many the master has opened since New, with this one.
	Sessions uint64
}

// Session returns what there is with the master now.
func (s *Subagent) Session() Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withMaster
}

// count returns how many registrations a session has, and how many more it
// wants.
func (s *Subagent) count(c *catalog) (registered, refused int) {
	s.updating.Lock()
	defer s.updating.Unlock()
	return len(c.registrations), len(c.refused)
}

// Epoch returns the moment at which the master's sysUpTime was zero, as its
// responses tell; before the first of them, the moment of New. It is what
// mib.TreeOptions.Epoch wants.
func (s *Subagent) Epoch() time.Time { return s.epoch.get() }

// sayRefused logs what the master refuses of a context, unless that was logged
// and is still so.
func (s *Subagent) sayRefused(contextName string, o outcome) {
	if slices.Equal(o.refused, s.refusals[contextName]) {
		return
	}
	s.refusals[contextName] = o.refused
	level := slog.LevelWarn
	if n := len(o.refused); n > maxNamed {
		level = slog.LevelDebug
		first, message := o.refused[0], "the master agent refuses registrations"
		if first.code == DuplicateRegistration {
			message += ": is another subagent running?"
		}
		s.config.Log.Warn(message, "refused", n, "of", n+len(o.accepted), "context", contextName,
			"first", first.object, "subtree", first.subtree.String(), "error", first.code.String())
	}
	for _, r := range o.refused {
		s.config.Log.Log(context.Background(), level, "the master agent refuses a registration", "object", r.object,
			"subtree", r.subtree.String(), "context", contextName, "priority", s.config.Priority, "error", r.code.String())
	}
}

// complaints are the faults that were logged, by what they are of.
type complaints struct {
	mu  sync.Mutex
	all map[string]complaint
}

type complaint struct {
	text  string
	at    time.Time
	ended bool // the fault is gone, or the master it was of
}

// complaintInterval is how often the same fault that comes and goes is logged at
// most.
const complaintInterval = time.Minute

// complain logs a warning of something, once as long as it stays the same.
func (s *Subagent) complain(of, message string, args ...any) {
	c := &s.complaints
	c.mu.Lock()
	defer c.mu.Unlock()
	next := complaint{text: fmt.Sprint(message, args), at: time.Now()}
	last, said := c.all[of]
	if said && last.text == next.text && (!last.ended || next.at.Sub(last.at) < complaintInterval) {
		return
	}
	if c.all == nil {
		c.all = map[string]complaint{}
	}
	c.all[of] = next
	s.config.Log.Warn(message, args...)
}

// recovered notes that something is not at fault.
func (s *Subagent) recovered(of string) {
	c := &s.complaints
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, said := c.all[of]; said {
		last.ended = true
		c.all[of] = last
	}
}

// forgive notes that what a master was at fault with may not be the next one's.
func (s *Subagent) forgive() {
	c := &s.complaints
	c.mu.Lock()
	defer c.mu.Unlock()
	for of, last := range c.all {
		last.ended = true
		c.all[of] = last
	}
}

// An epoch estimates the moment at which the master's sysUpTime was zero.
type epoch struct {
	mu    sync.Mutex
	known bool
	zero  time.Time
}

// forget has the next observation replace the estimate: a new session's master
// can be another one, started a moment after the last.
func (e *epoch) forget() {
	e.mu.Lock()
	e.known = false
	e.mu.Unlock()
}

func (e *epoch) get() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.zero
}

// sysUpTime counts to turn and begins again (RFC 2578, section 7.1.8), after 497 days.
const turn = (1 << 32) * 10 * time.Millisecond

// observe takes note of a res.sysUpTime. Both its rounding and the way here
// make estimates late, so that the earliest is the best, until one is so late
// that the master must have started again. One that is late by turns of sysUpTime
// tells that these have passed.
func (e *epoch) observe(sysUpTime uint32, now time.Time) {
	const tolerance = time.Second
	estimate := now.Add(-time.Duration(sysUpTime) * 10 * time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	late := estimate.Sub(e.zero)
	if turns := (late + tolerance) / turn; turns > 0 && late-turns*turn <= tolerance {
		late -= turns * turn
	}
	if !e.known || late < 0 || late > tolerance {
		e.zero, e.known = e.zero.Add(late), true
	}
}
