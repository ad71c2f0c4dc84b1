package snmp

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// engine is what everything that processes messages shares (RFC 3411, section
// 3.1.1).
type engine struct {
	handler  mib.Handler
	counters counters
	log      *slog.Logger
	noWait   context.Context // mib.NoWait's
	models   atomic.Pointer[models]
	bulk     atomic.Pointer[bulkLimits]
	refused  atomic.Uint32 // versions: a bit each, from the lowest

	// authenticationFailure is told of messages that nobody let in sent; nil
	// for nobody.
	authenticationFailure func(source netip.Addr)
	failure               warning // when it was told

	accounts accounts
	repeats  *repeats // SetRequests of late
	sets     mib.SetLog

	tooManyWait, tooManyConnections, tooSlow, noEncoding warning
}

// models are the message processing models, the security models that they use and the
// access control, which change together, between two messages.
type models struct {
	v1, v2c     *communityMessages
	v3          *v3Messages // nil where it is not spoken
	communities *communityModel
	access      AccessControl
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

func (e *engine) setCommunities(communities []Community, users *usm.Model, access AccessControl) error {
	security, err := newCommunityModel(communities)
	if err != nil {
		return err
	}
	m := &models{
		v1:          &communityMessages{SNMPv1, security},
		v2c:         &communityMessages{SNMPv2c, security},
		communities: security,
		access:      access,
	}
	if users != nil {
		m.v3 = &v3Messages{users}
	}
	e.models.Store(m)
	return nil
}

func (e *engine) refuse(versions []Version) {
	var refused uint32
	for _, v := range versions {
		refused |= 1 << v
	}
	e.refused.Store(refused)
}

// model returns the message processing model of a version, nil where there is
// none.
func (m *models) model(version Version) messageModel {
	switch version {
	case SNMPv1:
		return m.v1
	case SNMPv2c:
		return m.v2c
	case SNMPv3:
		if m.v3 != nil {
			return m.v3
		}
	}
	return nil
}

// users returns the security model of SNMPv3, nil where that is not spoken.
func (m *models) users() *usm.Model {
	if m.v3 == nil {
		return nil
	}
	return m.v3.security
}

// covers reports whether anybody is let in from source. Users are, wherever they are.
func (m *models) covers(source netip.Addr) bool { return m.v3 != nil || m.communities.covers(source) }

// dispatcher processes one message after the other for one goroutine, with
// memory that it uses again (RFC 3412, section 4.2).
type dispatcher struct {
	message   []byte // one that has to last for longer than it is received
	engine    *engine
	fields    ber.Decoder // of the message
	decoder   pduDecoder
	in        incoming
	responder responder
	models    *models
}

func newDispatcher(e *engine) *dispatcher { return &dispatcher{engine: e} }

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
func (d *dispatcher) process(ctx context.Context, message []byte, from origin, limits limits) ([]byte, error) {
	d.models = d.engine.models.Load()
	d.in.begin(message, from)
	answer, out, err := d.answer(ctx, limits)
	if out.verdict == accept {
		if err == nil {
			d.engine.accounts.add(d.in.source, d.in.version, result(d.responder.status), time.Now())
		}
		return answer, err
	}
	return d.refuse(&out, limits), nil
}

// answer returns the answer to the message in d.in, or what becomes of it otherwise. Its
// only error is mib.ErrWouldWait.
func (d *dispatcher) answer(ctx context.Context, limits limits) ([]byte, outcome, error) {
	e, in := d.engine, &d.in
	// Octets after the message are no part of it, and are passed over.
	outer := ber.Decoder{Rest: in.message}
	d.fields = outer.Enter("Message", ber.Sequence)
	fields := &d.fields
	number := fields.Integer("version")
	if fields.Err != nil {
		return nil, malformed(fields.Err), nil
	}
	version, _ := protocol.VersionOf(number)
	in.version = version
	in.message = in.message[:len(in.message)-len(outer.Rest)]
	in.model = d.models.model(version)
	if in.model == nil || e.refused.Load()&(1<<version) != 0 {
		return nil, outcome{drop, enginemib.InBadVersions, "version is not supported", slog.Int("version", int(number))}, nil
	}
	if out := in.model.prepareDataElements(fields, in); out.verdict != accept {
		return nil, out, nil
	}

	if in.v1 && in.pduType == ber.TrapV1 {
		return nil, outcome{verdict: drop, counter: enginemib.UnknownPDUHandlers, why: "traps are not received here"}, nil
	}
	if !pduTypeExists(in.pduType, in.v1) {
		return nil, malformed(&ber.Error{Field: "data", Problem: "is not a PDU of its version"}), nil
	}
	most := anyNumber
	if ctx == e.noWait {
		most = mib.MostAtOnce
	}
	p, err := d.decoder.decode(in.pduType, in.pdu, in.v1, most)
	if wouldWait(err) {
		return nil, accepted, err
	}
	if err != nil {
		return nil, malformed(err), nil
	}
	in.seen(p.kind, p.requestID)
	switch p.kind {
	case ber.Response:
		e.countResponse(mib.Status(p.status))
		return nil, unhandled(drop, p.kind), nil
	case ber.TrapV2, ber.Report:
		return nil, unhandled(drop, p.kind), nil
	case ber.InformRequest: // who sent it waits for an answer
		return nil, unhandled(report, p.kind), nil
	}

	if _, exists := e.handler.Modules(in.who.Context); !exists {
		return nil, d.unknownContext(), nil
	}
	operation := Read
	if p.kind == ber.SetRequest {
		operation = Write
	}
	view, allowed := d.models.access.View(&in.who, operation)
	if in.maxSize > 0 {
		limits.message, limits.bulk = min(limits.message, in.maxSize), min(limits.bulk, in.maxSize)
	}
	var request *mib.Request
	if allowed { // who is not has no tree made
		switch request, err = mib.Begin(ctx, e.handler, in.who.Context); {
		case wouldWait(err):
			return nil, accepted, err
		case errors.Is(err, mib.ErrNoContext): // it went just now
			return nil, d.unknownContext(), nil
		case err != nil:
			return nil, outcome{report, enginemib.UnavailableContexts, "context cannot be had", slog.Any("error", err)}, nil
		}
		defer request.End() // so that nothing is held while no request is answered
		request.LimitTo(view)
	}
	if view == (Nothing{}) && operation == Write && in.who.Model != UserBased {
		e.counters[enginemib.InBadCommunityUses].Add(1)
	}
	answer, err := d.responder.respond(e, in, p, request, limits)
	if err == nil && answer == nil {
		return nil, outcome{drop, enginemib.SilentDrops, "no answer is small enough", slog.Int("limit", limits.message)}, nil
	}
	return answer, accepted, err
}

func (d *dispatcher) unknownContext() outcome {
	return outcome{report, enginemib.UnknownContexts, "context does not exist", slog.String("context", d.in.who.Context)}
}

func unhandled(v verdict, kind byte) outcome {
	return outcome{v, enginemib.UnknownPDUHandlers, "no application takes such PDUs", slog.Int("type", int(kind))}
}

// refuse counts a message that is not accepted, and returns the Report that it is worth,
// or nil.
func (d *dispatcher) refuse(out *outcome, limits limits) []byte {
	e, in := d.engine, &d.in
	now := time.Now()
	value := e.counters[out.counter].Add(1)
	e.accounts.add(in.source, in.version, refusedBy(out.counter), now)
	if out.counter == enginemib.InBadCommunityNames || out.counter == enginemib.WrongDigests {
		e.failedAuthentication(in.source, now)
	}
	e.drop(in.source, out.why, out.detail)
	if out.verdict != report {
		return nil
	}
	message := in.model.report(in, out.counter, value, d.responder.buf[:0])
	if message == nil || len(message) > limits.message {
		return nil
	}
	return message
}

// pduTypeExists reports whether a version has PDUs of that type, besides the
// Trap-PDU of SNMPv1 (RFC 1157, section 4.1; RFC 3416, section 3).
func pduTypeExists(kind byte, v1 bool) bool {
	if v1 {
		return kind >= ber.GetRequest && kind <= ber.SetRequest
	}
	return kind >= ber.GetRequest && kind <= ber.Report && kind != ber.TrapV1
}

// malformed counts a message that cannot be decoded at all.
func (e *engine) malformed(source netip.Addr, err error) {
	out := malformed(err)
	e.counters[out.counter].Add(1)
	e.accounts.add(source, protocol.VersionDefault, refusedBy(out.counter), time.Now())
	e.drop(source, out.why, out.detail)
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
		e.counters[enginemib.InTooBigs].Add(1)
	case mib.NoSuchName:
		e.counters[enginemib.InNoSuchNames].Add(1)
	case mib.BadValue:
		e.counters[enginemib.InBadValues].Add(1)
	case mib.ReadOnly:
		e.counters[enginemib.InReadOnlys].Add(1)
	case mib.GenErr:
		e.counters[enginemib.InGenErrs].Add(1)
	}
}

func (e *engine) drop(source netip.Addr, why string, attributes ...slog.Attr) {
	ctx := context.Background()
	if e.log.Enabled(ctx, slog.LevelDebug) {
		attributes = slices.DeleteFunc(attributes, func(a slog.Attr) bool { return a.Key == "" })
		e.log.LogAttrs(ctx, slog.LevelDebug, "message dropped: "+why, append(attributes, slog.Any("source", source))...)
	}
}

// wouldWait reports whether a message has to be processed again by somebody who
// may wait.
func wouldWait(err error) bool { return errors.Is(err, mib.ErrWouldWait) }
