package snmp

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// engine is what everything that processes messages shares (RFC 3411, section
// 3.1.1).
type engine struct {
	handler  mib.Handler
	access   accessControl
	counters counters
	log      *slog.Logger
	noWait   context.Context // mib.NoWait's
	models   atomic.Pointer[models]
	bulk     atomic.Pointer[bulkLimits]

	// authenticationFailure is told of messages that nobody let in sent; nil
	// for nobody.
	authenticationFailure func(source netip.Addr)
	failure               warning // when it was told

	tooManyWait, tooManyConnections, tooSlow, noEncoding warning
}

// models are the message processing models and the security model that they
// share, which change together with the communities.
type models struct {
	v1, v2c  messageModel
	security securityModel
}

// limits are how many octets an answer may have.
type limits struct {
	message int
	// bulk is for the answer to a GetBulkRequest once it has its first
	// repetition.
	bulk int
}

// bulkLimits are those of Server.SetBulkLimits, 0 for none.
type bulkLimits struct{ repetitions, variables int }

// cap returns how many of the wanted repetitions of so many variables are given.
func (l *bulkLimits) cap(wanted int32, variables int) int32 {
	if l == nil {
		return wanted
	}
	if l.repetitions > 0 {
		wanted = int32(min(int(wanted), l.repetitions))
	}
	if l.variables > 0 && variables > 0 {
		wanted = int32(min(int(wanted), max(l.variables/variables, 1)))
	}
	return wanted
}

func (e *engine) setCommunities(communities []Community) error {
	security, err := newCommunityModel(communities)
	if err != nil {
		return err
	}
	e.models.Store(&models{
		v1:       &communityMessages{SNMPv1, security},
		v2c:      &communityMessages{SNMPv2c, security},
		security: security,
	})
	return nil
}

// model returns the message processing model of a version, nil where there is
// none.
func (m *models) model(version Version) messageModel {
	switch version {
	case SNMPv1:
		return m.v1
	case SNMPv2c:
		return m.v2c
	}
	return nil
}

// dispatcher processes one message after the other for one goroutine, with
// memory that it uses again (RFC 3412, section 4.2).
type dispatcher struct {
	message   []byte // one that has to last for longer than it is received
	engine    *engine
	fields    ber.Decoder // of the message
	decoder   pduDecoder
	in        incoming
	responder responder
	// requests are the ones on each context's tree; they belong to the
	// communities of models.
	requests map[string]treeRequest
	models   *models
}

type treeRequest struct {
	tree    *mib.Tree
	request *mib.Request
}

func newDispatcher(e *engine) *dispatcher {
	return &dispatcher{engine: e, requests: make(map[string]treeRequest)}
}

// newLongDispatcher returns a dispatcher for requests that wait. These are often
// long, and to collect the garbage that they made would keep all others waiting: its
// memory is used again however much it is.
func newLongDispatcher(e *engine) *dispatcher {
	d := newDispatcher(e)
	d.decoder.keepAll, d.responder.keepAll = true, true
	return d
}

// process returns the answer to a message, within the limits, or nil where
// there is none. The answer is valid until the next call. With the
// engine's noWait for ctx nothing waits: where that would be necessary it
// returns mib.ErrWouldWait and has counted nothing yet, so that the message can
// be processed again.
func (d *dispatcher) process(ctx context.Context, message []byte, source netip.Addr, limits limits) ([]byte, error) {
	e := d.engine
	models := e.models.Load()
	if d.models != models {
		clear(d.requests)
		d.models = models
	}

	// Octets after the message are no part of it, and are passed over.
	outer := ber.Decoder{Rest: message}
	d.fields = outer.Enter("Message", ber.Sequence)
	fields := &d.fields
	version := Version(fields.Integer("version"))
	if fields.Err != nil {
		d.malformed(source, fields.Err)
		return nil, nil
	}
	model := models.model(version)
	if model == nil {
		e.counters.inBadVersions.Add(1)
		e.drop(source, "version is not supported", slog.Int("version", int(version)))
		return nil, nil
	}
	in := &d.in
	switch model.prepareDataElements(fields, source, in) {
	case malformed:
		d.malformed(source, fields.Err)
		return nil, nil
	case unknownCommunity:
		e.counters.inBadCommunityNames.Add(1)
		e.failedAuthentication(source, time.Now())
		e.drop(source, "community is unknown, or not let in from there")
		return nil, nil
	case accepted:
	}

	if in.v1 && in.pduType == ber.TrapV1 {
		e.counters.unknownPDUHandlers.Add(1)
		e.drop(source, "traps are not received here")
		return nil, nil
	}
	if !pduTypeExists(in.pduType, in.v1) {
		d.malformed(source, &ber.Error{Field: "data", Problem: "is not a PDU of its version"})
		return nil, nil
	}
	most := anyNumber
	if ctx == e.noWait {
		most = mib.MostAtOnce
	}
	p, err := d.decoder.decode(in.pduType, in.pdu, in.v1, most)
	if wouldWait(err) {
		return nil, err
	}
	if err != nil {
		d.malformed(source, err)
		return nil, nil
	}
	switch p.kind {
	case ber.Response:
		e.countResponse(mib.Status(p.status))
		fallthrough
	case ber.InformRequest, ber.TrapV2, ber.Report:
		e.counters.unknownPDUHandlers.Add(1)
		e.drop(source, "no application takes such PDUs", slog.Int("type", int(p.kind)))
		return nil, nil
	}

	request := d.request(in.who.contextName)
	if request == nil {
		e.counters.unknownContexts.Add(1)
		e.drop(source, "context does not exist", slog.String("context", in.who.contextName))
		return nil, nil
	}
	request.Reset(ctx)
	defer request.Reset(e.noWait) // so that nothing is held while no request is answered
	answer, err := d.responder.respond(e, model, in, p, request, limits)
	if err == nil && answer == nil {
		e.counters.silentDrops.Add(1)
		e.drop(source, "no answer is small enough", slog.Int("limit", limits.message))
	}
	return answer, err
}

// pduTypeExists reports whether a version has PDUs of that type, besides the
// Trap-PDU of SNMPv1 (RFC 1157, section 4.1; RFC 3416, section 3).
func pduTypeExists(kind byte, v1 bool) bool {
	if v1 {
		return kind >= ber.GetRequest && kind <= ber.SetRequest
	}
	return kind >= ber.GetRequest && kind <= ber.Report && kind != ber.TrapV1
}

// request returns a request on the tree of a context, or nil.
func (d *dispatcher) request(contextName string) *mib.Request {
	tree := d.engine.handler.Tree(contextName)
	known, ok := d.requests[contextName]
	if ok && known.tree == tree {
		return known.request
	}
	if tree == nil {
		delete(d.requests, contextName)
		return nil
	}
	r := tree.NewRequest()
	d.requests[contextName] = treeRequest{tree, r}
	return r
}

// malformed counts a message that cannot be decoded.
func (d *dispatcher) malformed(source netip.Addr, err error) {
	d.engine.counters.inASNParseErrs.Add(1)
	d.engine.drop(source, "message cannot be decoded", slog.Any("error", err))
}

// failureInterval is how often failed authentications are told of at most.
const failureInterval = time.Second

// failedAuthentication tells who wants to know, and does so rarely: strangers
// decide how often there is reason to.
func (e *engine) failedAuthentication(source netip.Addr, now time.Time) {
	if e.authenticationFailure != nil && e.failure.due(now, failureInterval) {
		e.authenticationFailure(source)
	}
}

// countResponse counts a Response-PDU as RFC 1213, section 6, does.
func (e *engine) countResponse(status mib.Status) {
	switch status {
	case mib.TooBig:
		e.counters.inTooBigs.Add(1)
	case mib.NoSuchName:
		e.counters.inNoSuchNames.Add(1)
	case mib.BadValue:
		e.counters.inBadValues.Add(1)
	case mib.ReadOnly:
		e.counters.inReadOnlys.Add(1)
	case mib.GenErr:
		e.counters.inGenErrs.Add(1)
	}
}

func (e *engine) drop(source netip.Addr, why string, attributes ...slog.Attr) {
	ctx := context.Background()
	if e.log.Enabled(ctx, slog.LevelDebug) {
		e.log.LogAttrs(ctx, slog.LevelDebug, "message dropped: "+why, append(attributes, slog.Any("source", source))...)
	}
}

// wouldWait reports whether a message has to be processed again by somebody who
// may wait.
func wouldWait(err error) bool { return errors.Is(err, mib.ErrWouldWait) }
