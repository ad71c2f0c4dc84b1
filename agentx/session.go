package agentx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

const (
	// flushSize is how many octets of answers are gathered, while more PDUs
	// are at hand, before they are written.
	flushSize = 64 << 10
	// closeTimeout is how long the end of a session waits for the master.
	closeTimeout = time.Second
)

// A session is one AgentX session on a connection of its own. One goroutine
// reads the connection and answers what can be answered at once; goroutines of
// a bounded number answer the rest.
type session struct {
	sub  *Subagent
	conn io.ReadWriteCloser
	// ctx ends with the session, its cause being why.
	ctx    context.Context
	cancel context.CancelCauseFunc

	id         atomic.Uint32 // any number that the master likes, once it opened it
	opened     atomic.Bool
	lastPacket atomic.Uint32
	heard      atomic.Bool // from the master, since the keep-alive last asked

	writing sync.Mutex

	mu       sync.Mutex
	waiting  map[uint32]chan reply // requests of ours, by packet ID
	answered map[identity]bool     // being answered by other goroutines
	// transactions are what the master is writing, by their IDs.
	transactions map[uint32]*transaction

	// What follows belongs to the reading goroutine.
	in     pduReader
	out    encoder
	query  query // the last one
	next   forecast
	noWait context.Context
}

// identity is what a PDU and its duplicates have in common.
type identity struct {
	pdu                                PDUType
	sessionID, transactionID, packetID uint32
}

func identityOf(h Header) identity {
	return identity{h.Type, h.SessionID, h.TransactionID, h.PacketID}
}

func newSession(sub *Subagent, conn io.ReadWriteCloser) *session {
	s := &session{
		sub:      sub,
		conn:     conn,
		waiting:  map[uint32]chan reply{},
		answered: map[identity]bool{},

		transactions: map[uint32]*transaction{},
		in:           pduReader{r: conn},
		noWait:       mib.NoWait(),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// end ends the session because of err. Only the first err counts.
func (s *session) end(err error) {
	s.cancel(err)
	s.conn.Close()
}

// open makes the connection an AgentX session (RFC 2741, section 7.1.1).
func (s *session) open(ctx context.Context) error {
	c := &s.sub.config
	r, err := s.request(ctx, 0, &Open{Timeout: wholeSeconds(c.Timeout), ID: c.ID, Description: c.Description})
	if err != nil {
		return err
	}
	s.id.Store(r.header.SessionID)
	s.opened.Store(true)
	return nil
}

// wholeSeconds returns d in seconds, rounded up, as Open and Register have it.
func wholeSeconds(d time.Duration) uint8 {
	return uint8(min((d+time.Second-1)/time.Second, 255))
}

// reply is a Response with its header.
type reply struct {
	header   Header
	response *Response
}

// request sends a PDU and waits for its Response; an error in that is a
// *ResponseError. A master that does not answer, or does not know the session,
// ends the session.
func (s *session) request(ctx context.Context, flags Flags, p Payload) (reply, error) {
	id := s.lastPacket.Add(1)
	b, err := Append(nil, Header{
		Flags:         flags | NetworkByteOrder,
		SessionID:     s.id.Load(),
		TransactionID: id,
		PacketID:      id,
	}, p)
	if err != nil {
		return reply{}, err
	}
	answer := make(chan reply, 1)
	s.mu.Lock()
	s.waiting[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}()
	if s.write(b) != nil {
		return reply{}, context.Cause(s.ctx)
	}
	timeout := time.NewTimer(s.sub.config.ResponseTimeout)
	defer timeout.Stop()
	select {
	case r := <-answer:
		if code := r.response.Error; code != ErrorCode(mib.NoError) {
			err := &ResponseError{Request: p.Type(), Code: code, Index: r.response.Index}
			if code == NotOpen {
				s.end(err)
			}
			return r, err
		}
		return r, nil
	case <-timeout.C:
		s.end(fmt.Errorf("%s: the master agent does not answer within %v", p.Type(), s.sub.config.ResponseTimeout))
		return reply{}, context.Cause(s.ctx)
	case <-s.ctx.Done():
		return reply{}, context.Cause(s.ctx)
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	}
}

// write writes whole PDUs. A failure ends the session.
func (s *session) write(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.conn.Write(b)
	if err != nil {
		s.end(fmt.Errorf("writing to the master agent: %w", err))
	}
	return err
}

// read serves the master until the session ends, and ends it when the
// connection fails.
func (s *session) read() {
	for {
		h, payload, err := s.in.next()
		if err == nil {
			err = s.handle(h, payload)
		}
		if err != nil {
			if errors.Is(err, ErrMalformed) {
				s.sayClose(ReasonParseError)
			}
			if errors.Is(err, io.EOF) {
				err = errClosed
			} else {
				err = fmt.Errorf("reading from the master agent: %w", err)
			}
			s.end(err)
			return
		}
		if n := len(s.out.b); n > 0 && (n >= flushSize || !s.in.ready()) {
			if s.write(s.out.b) != nil {
				return
			}
			s.foresee()
			s.out.b = s.out.b[:0]
			if cap(s.out.b) > 2*flushSize {
				s.out.b = nil
			}
		}
	}
}

// handle takes one PDU; what answers it at once goes to s.out. An error ends
// the session.
func (s *session) handle(h Header, payload []byte) error {
	if !s.heard.Load() {
		s.heard.Store(true)
	}
	switch h.Type {
	case TypeResponse:
		s.deliver(h, payload)
	case TypeClose:
		p, err := Decode(h, payload)
		switch {
		case err != nil:
			respond(&s.out, h, ParseError, 0)
		case !s.concerns(h):
			respond(&s.out, h, NotOpen, 0)
		default:
			return fmt.Errorf("the master agent closed the session: %s", p.(*Close).Reason)
		}
	case TypeCleanupSet:
		if s.concerns(h) {
			s.goOn(h)
		}
	case TypeGet, TypeGetNext, TypeGetBulk, TypeTestSet, TypeCommitSet, TypeUndoSet:
		if !s.beingAnswered(h) {
			s.answer(h, payload)
		}
	default:
		respond(&s.out, h, ParseError, 0)
	}
	return nil
}

// concerns reports whether a PDU of the master's is of this session.
func (s *session) concerns(h Header) bool { return h.SessionID == s.id.Load() && s.opened.Load() }

// deliver hands a Response to the request that waits for it. One that cannot be
// parsed, or that nobody waits for, is dropped (RFC 2741, section 7.2.2).
func (s *session) deliver(h Header, payload []byte) {
	p, err := Decode(h, payload)
	if err != nil {
		s.sub.config.Log.Debug("the master agent sent what cannot be read", "error", err)
		return
	}
	r := p.(*Response)
	if r.Error == 0 { // what another says of sysUpTime may be no reading of it
		s.sub.epoch.observe(r.SysUpTime, time.Now())
	}
	s.mu.Lock()
	answer := s.waiting[h.PacketID]
	delete(s.waiting, h.PacketID)
	s.mu.Unlock()
	if answer != nil {
		answer <- reply{h, r}
	}
}

// beingAnswered reports whether h is of a PDU that was sent again before its answer was
// made. net-snmp sends one again each second, with the same IDs. Once it was answered the
// IDs are free to be used again: they tell PDUs apart that have no answer yet, and no others.
func (s *session) beingAnswered(h Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered[identityOf(h)]
}

// answer answers a PDU after RFC 2741, section 7.2.2.
func (s *session) answer(h Header, payload []byte) {
	if !s.concerns(h) {
		code := NotOpen
		if _, err := Decode(h, payload); err != nil {
			code = ParseError // comes first
		}
		respond(&s.out, h, code, 0)
		return
	}
	switch h.Type {
	case TypeCommitSet, TypeUndoSet:
		s.goOn(h)
		return
	}
	if s.next.answer(&s.out, h, payload) {
		s.query, s.next.query = s.next.query, s.query
		return
	}
	q := &s.query
	if err := q.decode(h, payload); err != nil {
		s.sub.config.Log.Debug("the master agent sent what cannot be read", "error", err)
		respond(&s.out, h, ParseError, 0)
		return
	}
	if len(q.ranges) > mib.MostAtOnce {
		s.answerLater(q)
		return
	}
	request, err := mib.Begin(s.noWait, s.sub.config.Handler, q.context)
	switch {
	case errors.Is(err, mib.ErrWouldWait):
		s.answerLater(q)
		return
	case err != nil:
		s.refuse(&s.out, q, err)
		return
	}
	err = q.answer(&s.out, request)
	request.End() // so that no view is held while the master is silent
	if err != nil {
		s.answerLater(q)
	}
}

// refuse answers a PDU of a context whose tree cannot be had.
func (s *session) refuse(e *encoder, q *query, err error) {
	code := UnsupportedContext
	if !errors.Is(err, mib.ErrNoContext) {
		code = ErrorCode(mib.GenErr)
		s.sub.config.Log.Debug("a context cannot be had", "context", q.context, "error", err)
	}
	respond(e, q.header, code, 0)
}

// foresee prepares for the PDU that follows the last one.
func (s *session) foresee() {
	q := &s.query
	if len(q.names) > 0 {
		if request, err := mib.Begin(s.noWait, s.sub.config.Handler, q.context); err == nil {
			s.next.prepare(q, &s.out, request)
			request.End()
		}
	}
	q.names = q.names[:0]
	q.release()
}

// answerLater answers q in a goroutine, which may wait for sources.
func (s *session) answerLater(q *query) {
	q = q.clone()
	s.later(q.header, func(ctx context.Context, e *encoder) {
		request, err := mib.Begin(ctx, s.sub.config.Handler, q.context)
		if err != nil {
			s.refuse(e, q, err)
			return
		}
		defer request.End()
		if q.header.Type == TypeTestSet {
			s.testSet(e, q, request)
		} else if q.answer(e, request) != nil {
			respond(e, q.header, ErrorCode(mib.GenErr), 0)
		}
	})
}

// later answers a PDU in a goroutine, which may wait as long as its context lasts.
func (s *session) later(h Header, answer func(ctx context.Context, e *encoder)) {
	places := s.sub.waiters
	if h.PayloadLength > longPayload {
		places = s.sub.longWaiters
	}
	select {
	case places <- struct{}{}:
	default:
		respond(&s.out, h, ProcessingError, 0)
		return
	}
	id := identityOf(h)
	s.mu.Lock()
	s.answered[id] = true
	s.mu.Unlock()
	s.sub.running.Go(func() {
		defer func() { <-places }()
		ctx, cancel := context.WithTimeout(s.ctx, s.sub.config.Timeout)
		defer cancel()
		var e encoder
		answer(ctx, &e)
		// Before the answer is sent: who has it may use the IDs at once, and would wait in vain. What is sent again
		// meanwhile has two answers.
		s.mu.Lock()
		delete(s.answered, id)
		s.mu.Unlock()
		_ = s.write(e.b) // its failure ends the session
	})
}

// keepAlive pings a silent master, for as long as the session lasts (RFC 2741,
// section 7.1.7).
func (s *session) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(s.sub.config.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		case <-ticker.C:
			if !s.heard.Swap(false) {
				// A master that does not answer ends the session there.
				_, _ = s.request(ctx, 0, &Ping{})
			}
		}
	}
}

// close ends the session with an agentx-Close-PDU and waits a moment for the
// master to take note of it, or to read what is being written to it.
func (s *session) close() {
	late := time.AfterFunc(closeTimeout, func() { s.end(errShutdown) })
	defer late.Stop()
	_, _ = s.request(s.ctx, 0, &Close{Reason: ReasonShutdown})
	s.end(errShutdown)
}

// sayClose sends an agentx-Close-PDU whose Response nobody waits for.
func (s *session) sayClose(reason CloseReason) {
	b, err := Append(nil, Header{
		Flags:     NetworkByteOrder,
		SessionID: s.id.Load(),
		PacketID:  s.lastPacket.Add(1),
	}, &Close{Reason: reason})
	if err == nil {
		_ = s.write(b)
	}
}

var (
	errShutdown = errors.New("shut down")
	errClosed   = errors.New("the master agent closed the connection")
)
