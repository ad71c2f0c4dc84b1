package snmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// Options are what a Server works with. The zero value of everything but
// Handler stands for a default.
type Options struct {
	// Handler has the trees of the SNMP contexts.
	Handler mib.Handler
	// Communities are who is let in; the first that fits counts. None lets
	// nobody in.
	Communities []Community
	// USM has SNMPv3 spoken, by its engine and to its users. Nil means not.
	// Server.SetSecurity exchanges it.
	USM *usm.Model
	// Access says what who is let in may do. Nil stands for what the communities say
	// themselves, and lets nobody else do anything.
	Access AccessControl
	// Log is told of faults, and at the debug level of each message that is
	// dropped. Nil means slog.Default.
	Log *slog.Logger

	// MaxMessageSize is the size of the greatest answer over UDP: from 484
	// octets (RFC 3417, section 3.2) to 65507, the default.
	MaxMessageSize int
	// MaxBulkSize is the size of the greatest answer to a GetBulkRequest over
	// UDP from beyond loopback: anybody can ask there in another's name, and
	// so have much sent to them for little. It is from 484 to 65507 octets,
	// by default what 1500 octets of path MTU carry in one piece: 1472 over
	// IPv4, 1452 over IPv6. Managers ask on from where an answer ends (RFC
	// 3416, section 4.2.3). The first repetition, which a GetNextRequest gets
	// as well, may take it up to MaxMessageSize.
	MaxBulkSize int
	// MaxStreamMessageSize is the size of the greatest request and answer
	// over TCP: from 8192 octets (RFC 3430, section 2.3) to 8 MiB, by default
	// 256 KiB.
	MaxStreamMessageSize int

	// MaxWaiting is how many requests may wait at a time for views that are
	// not at hand; by default 64. Further ones over UDP are dropped, which is
	// logged, and over TCP keep their connection from being read.
	MaxWaiting int
	// WaitTimeout is how long a request waits before it is answered with
	// genErr; by default 5 s.
	WaitTimeout time.Duration

	// MaxConnections is how many TCP connections there may be at each
	// address; by default 128. For a further one, that which has been without
	// an answer longest is closed, which is logged. Those from where no
	// community lets anybody in are closed at once.
	MaxConnections int
	// IdleTimeout is how long a TCP connection may take to send its next
	// message; by default 2 minutes.
	IdleTimeout time.Duration
	// WriteTimeout is how long an answer or a notification over TCP may take
	// to be received; by default 10 s.
	WriteTimeout time.Duration

	// EndTimeout is how long what was begun may take once Serve's context is done;
	// by default 1 s.
	EndTimeout time.Duration

	// Epoch returns the moment at which sysUpTime was zero, for notifications.
	// Nil means the moment of NewServer.
	Epoch func() time.Time
	// AuthenticationFailure, unless nil, is told of messages that name no
	// community that is let in from their source, at most once a second;
	// enginemib.InBadCommunityNames counts them. It must not wait.
	AuthenticationFailure func(source netip.Addr)
}

// Limits of Options.
const (
	minDatagram        = 484
	maxDatagram        = 65507
	minStreamMessage   = 8192
	maxStreamMessage   = 8 << 20
	maxReceivedMessage = 1 << 16 // no datagram is longer
)

// MaxMessageSize is the longest message over UDP, in octets, which is what snmpEngineMaxMessageSize
// says.
const MaxMessageSize = maxDatagram

func (o *Options) setDefaults() error {
	if o.Handler == nil {
		return errors.New("snmp: no handler")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Access == nil {
		o.Access = communityAccess{}
	}
	setDefault(&o.MaxMessageSize, maxDatagram)
	setDefault(&o.MaxStreamMessageSize, 256<<10)
	setDefault(&o.MaxWaiting, 64)
	setDefault(&o.WaitTimeout, 5*time.Second)
	setDefault(&o.MaxConnections, 128)
	setDefault(&o.IdleTimeout, 2*time.Minute)
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.EndTimeout, time.Second)
	if o.Epoch == nil {
		started := time.Now()
		o.Epoch = func() time.Time { return started }
	}
	if n := o.MaxMessageSize; n < minDatagram || n > maxDatagram {
		return fmt.Errorf("snmp: maximum message size %d is not from %d to %d", n, minDatagram, maxDatagram)
	}
	if n := o.MaxBulkSize; n > 0 && n < minDatagram || n > maxDatagram {
		return fmt.Errorf("snmp: maximum size of an answer to a GetBulkRequest %d is not from %d to %d", n, minDatagram, maxDatagram)
	}
	if n := o.MaxStreamMessageSize; n < minStreamMessage || n > maxStreamMessage {
		return fmt.Errorf("snmp: maximum message size over TCP %d is not from %d to %d", n, minStreamMessage, maxStreamMessage)
	}
	return nil
}

func setDefault[T int | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// Server is an engine with its transports.
type Server struct {
	options Options
	engine  engine
	origin  *originator
	waiting chan struct{}    // a place for each request that waits
	idle    chan *dispatcher // of requests that waited
	looking atomic.Bool      // a listener looks for requests

	mu        sync.Mutex
	listeners []listener
	serving   bool
}

// listener is a transport that listens at an address.
type listener interface {
	// serve answers until ctx is done and stop is called. Answers that are under
	// way then go on until alive is done.
	serve(ctx, alive context.Context)
	// stop ends serve, and lets answers under way be finished.
	stop()
	// abandon ends these, too.
	abandon()
	// close gives the socket back, once serve and all answers have ended.
	close()
}

// NewServer returns a server that listens nowhere yet. The error names the option that is missing
// or out of its range.
func NewServer(options Options) (*Server, error) {
	if err := options.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		options: options,
		engine: engine{
			handler: options.Handler, log: options.Log, noWait: mib.NoWait(),
			authenticationFailure: options.AuthenticationFailure, repeats: newRepeats(),
		},
		waiting: make(chan struct{}, options.MaxWaiting),
		idle:    make(chan *dispatcher, maxIdle),
	}
	s.origin = newOriginator(&s.engine, &s.options)
	if err := s.engine.setCommunities(options.Communities, options.USM, options.Access); err != nil {
		return nil, err
	}
	return s, nil
}

// SetCommunities replaces the communities, between two messages. Where it fails
// the old ones stay.
func (s *Server) SetCommunities(communities []Community) error {
	return s.SetAccess(communities, s.engine.models.Load().access)
}

// SetAccess replaces the communities and what they and users may do, together and between
// two messages. Where it fails the old ones stay.
func (s *Server) SetAccess(communities []Community, access AccessControl) error {
	return s.engine.setCommunities(communities, s.engine.models.Load().users(), access)
}

// SetSecurity does what SetAccess does and has SNMPv3 spoken by another engine, as Options.USM; nil means no more. Of
// that engine nothing may have been said since it started. Targets of SNMPv3 stay with the engine
// that they were set with: SetTargets follows. The error says which community is wrong; what was
// there stays then.
func (s *Server) SetSecurity(communities []Community, users *usm.Model, access AccessControl) error {
	return s.engine.setCommunities(communities, users, access)
}

// SetTargets replaces the targets of notifications. One that stays as it is
// keeps what waits for it; one of SNMPv3 does while the engine stays as well. Where SetTargets fails the old ones stay.
func (s *Server) SetTargets(targets []Target) error { return s.origin.setTargets(targets) }

// Notify sends a notification to every target, and returns at once. Where a
// target does not take it, it waits with up to 16,383 others: beyond that
// the oldest are dropped, which is logged and counted. Targets of SNMPv1 get
// what RFC 3584, section 3.2, makes of it.
func (s *Server) Notify(n mib.Notification) { s.NotifyOf("", s.options.Epoch(), n) }

// NotifyOf is Notify for what happened in a context, whose sysUpTime was zero at epoch. Targets of
// SNMPv3 are told the context; of the others those get it for which Target.Contexts has a community
// that stands for the context.
func (s *Server) NotifyOf(contextName string, epoch time.Time, n mib.Notification) {
	s.origin.notify(contextName, epoch, n)
}

// Refuse has messages of these versions dropped, as those of versions that nobody speaks, and those of all others
// answered. Notifications are sent whatever their version.
func (s *Server) Refuse(versions ...Version) { s.engine.refuse(versions) }

// SetBulkLimits sets bounds to answers to GetBulkRequests besides their size
// (RFC 3416, section 4.2.3): the most repetitions, and the most variables beyond
// the non-repeaters, of which each repetition is given whole or not at all. Any
// answer may have one repetition, as a GetNextRequest gets it. 0 stands for no
// bound, which is the default.
func (s *Server) SetBulkLimits(repetitions, variables int) {
	s.engine.bulk.Store(&bulkLimits{max(repetitions, 0), max(variables, 0)})
}

// Statistics returns the counters.
func (s *Server) Statistics() enginemib.Statistics { return s.engine.counters.statistics() }

// Listen opens a socket and returns its address, which has a port where a was
// without. It is called before Serve. The error is that of socket(2) and bind(2): errors.Is
// matches syscall.EADDRINUSE, fs.ErrPermission and their like.
func (s *Server) Listen(a Address) (Address, error) {
	return s.listen(a, func() (listener, Address, error) {
		switch a.Transport {
		case UDP, UDP6:
			return s.listenUDP(a)
		case TCP, TCP6:
			return s.listenTCP(a)
		}
		return nil, a, fmt.Errorf("transport %q is not known", a.Transport)
	})
}

// listen takes what open opens at an address.
func (s *Server) listen(a Address, open func() (listener, Address, error)) (Address, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serving {
		return Address{}, errors.New("snmp: the server is serving already")
	}
	l, at, err := open()
	if err != nil {
		return Address{}, fmt.Errorf("snmp: cannot listen at %v: %w", a, err)
	}
	s.listeners = append(s.listeners, l)
	return at, nil
}

// Serve answers on all sockets until ctx is done. Then it receives nothing more,
// finishes what it has begun as far as Options.EndTimeout lets it, closes the sockets
// and returns nil. Notifications that still wait then are dropped. It is called
// once. Only a second call is an error.
func (s *Server) Serve(ctx context.Context) error {
	s.mu.Lock()
	listeners, serving := s.listeners, s.serving
	s.serving = true
	s.mu.Unlock()
	if serving {
		return errors.New("snmp: the server is serving already")
	}

	alive, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	var running sync.WaitGroup
	for _, l := range listeners {
		running.Go(func() { l.serve(ctx, alive) })
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.stop()
	}
	end := time.AfterFunc(s.options.EndTimeout, func() {
		abandon()
		for _, l := range listeners {
			l.abandon()
		}
	})
	defer end.Stop()
	running.Wait()
	for range cap(s.waiting) { // once all places are taken, none is
		s.waiting <- struct{}{}
	}
	s.origin.stop()
	for _, l := range listeners {
		l.close()
	}
	return nil
}

// Close closes the sockets of a server that does not Serve, and drops the
// notifications that wait. Its error is nil. Closing again does nothing, nor while the server serves.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.serving {
		return nil
	}
	s.serving = true
	s.origin.stop()
	for _, l := range s.listeners {
		l.close()
	}
	return nil
}

// later returns a dispatcher of its own for a message that was received, to be
// answered by somebody who may wait.
func (s *Server) later(message []byte) *dispatcher {
	var d *dispatcher
	select {
	case d = <-s.idle:
	default:
		d = newLongDispatcher(&s.engine)
	}
	d.message = append(d.message[:0], message...)
	return d
}

// maxIdle dispatchers of requests that waited are kept for the next ones, unless what
// they processed had more than keepLong octets.
const (
	maxIdle  = 2
	keepLong = 1 << 19
)

func (s *Server) letGo(d *dispatcher) {
	if max(cap(d.message), cap(d.responder.buf)) > keepLong {
		return
	}
	select {
	case s.idle <- d:
	default:
	}
}

// answerLater processes d's message, as long as alive is not done, and lets go of d.
func (s *Server) answerLater(alive context.Context, d *dispatcher, from origin, limits limits, send func(answer []byte) bool) bool {
	defer s.letGo(d)
	ctx, cancel := context.WithTimeout(alive, s.options.WaitTimeout)
	defer cancel()
	answer, _ := d.process(ctx, d.message, from, limits)
	return send(answer)
}
