package agentx

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// A transaction is a SetRequest of the master's, from its first agentx-TestSet-PDU to its
// end (RFC 2741, section 7.2.4). net-snmp's master sends the variables of each registration
// in PDUs of their own, which have the transaction's ID in common: what is tested by any of
// them is committed with the first agentx-CommitSet-PDU, and so on.
type transaction struct {
	session *session
	id      uint32
	forget  func() bool // not to be told of the session's end

	mu        sync.Mutex // held while one of its PDUs is served
	set       *mib.Set   // nil where nothing is tested, or no longer
	idle      *time.Timer
	variables string // for the log
}

// transactionTimeout is how long a transaction goes on without a PDU of the master's.
// Nobody else can write meanwhile.
const transactionTimeout = 30 * time.Second

// testSet answers an agentx-TestSet-PDU, as somebody who may wait.
func (s *session) testSet(e *encoder, q *query, request *mib.Request) {
	t := s.transaction(q.header.TransactionID)
	t.mu.Lock()
	defer t.mu.Unlock()
	set := t.set
	if set == nil {
		set = request.NewSet()
	}
	err := set.Test(request, q.bindings)
	switch {
	case t.set != nil:
	case err == nil:
		t.set = set
		t.begin()
	default:
		set.Cleanup()
	}
	variables := request.Describe(q.bindings, mib.MostDescribed)
	if err == nil {
		if t.variables != "" {
			variables = t.variables + ", " + variables
		}
		t.variables = variables
		t.idle.Reset(transactionTimeout)
		respond(e, q.header, ErrorCode(mib.NoError), 0)
		return
	}
	s.sub.tellSet(variables, err)
	if t.set == nil {
		s.drop(t)
	}
	code, index := codeOf(err)
	respond(e, q.header, code, index)
}

// codeOf returns what an error of package mib's is answered with.
func codeOf(err error) (ErrorCode, int) {
	var refused *mib.SetError
	if errors.As(err, &refused) {
		return ErrorCode(refused.Status), refused.Index
	}
	return ErrorCode(mib.GenErr), 0
}

// transaction returns the transaction of an ID, which may be a new one.
func (s *session) transaction(id uint32) *transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.transactions[id]
	if t == nil {
		t = &transaction{session: s, id: id}
		s.transactions[id] = t
	}
	return t
}

// begin has the transaction end with the session, or when the master forgets it.
func (t *transaction) begin() {
	t.idle = time.AfterFunc(transactionTimeout, func() {
		t.session.sub.config.Log.Warn("the master agent did not end what it began to write", "transaction", t.id)
		t.end()
	})
	t.forget = context.AfterFunc(t.session.ctx, t.end)
}

// drop forgets a transaction. Its ID may be another one's by then.
func (s *session) drop(t *transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transactions[t.id] == t {
		delete(s.transactions, t.id)
	}
}

// end ends the transaction: what was committed stays.
func (t *transaction) end() {
	t.session.drop(t)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set == nil {
		return
	}
	t.idle.Stop()
	t.forget()
	t.set.Cleanup()
	t.set = nil
}

// commitSet answers an agentx-CommitSet-PDU.
func (t *transaction) commitSet(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set == nil {
		return &mib.SetError{Status: mib.CommitFailed, Err: errNotTested}
	}
	t.idle.Reset(transactionTimeout)
	err := t.set.Commit(ctx)
	if t.variables != "" { // the first of its PDUs
		t.session.sub.tellSet(t.variables, err)
		t.variables = ""
	}
	return err
}

var errNotTested = errors.New("nothing was tested")

// undoSet answers an agentx-UndoSet-PDU, which ends the transaction (RFC 2741, section 7.2.4.3).
func (t *transaction) undoSet(ctx context.Context) error {
	t.mu.Lock()
	var err error
	if t.set != nil {
		err = t.set.Undo(ctx)
	}
	t.mu.Unlock()
	t.end()
	return err
}

// tellSet logs who wrote what; whom the master wrote it for is not known here.
func (s *Subagent) tellSet(variables string, err error) {
	s.sets.Tell(s.config.Log, variables, err, slog.String("master", s.config.Address))
}

// goOn serves the PDUs that follow a TestSet. They wait for whatever the writing waits for,
// and so does somebody else than who reads the connection.
func (s *session) goOn(h Header) {
	s.mu.Lock()
	t := s.transactions[h.TransactionID]
	s.mu.Unlock()
	var serve func(context.Context) error
	switch {
	case h.Type == TypeCleanupSet: // without a response
		if t != nil {
			s.drop(t) // before another PDU is read, whose transaction may have the ID
			s.sub.running.Go(t.end)
		}
		return
	case t == nil && h.Type == TypeCommitSet:
		respond(&s.out, h, ErrorCode(mib.CommitFailed), 0)
		return
	case t == nil:
		respond(&s.out, h, ErrorCode(mib.NoError), 0)
		return
	case h.Type == TypeCommitSet:
		serve = t.commitSet
	default:
		serve = t.undoSet
	}
	s.later(h, func(ctx context.Context, e *encoder) {
		code, index := ErrorCode(mib.NoError), 0
		if err := serve(ctx); err != nil {
			code, index = codeOf(err)
		}
		respond(e, h, code, index)
	})
}
