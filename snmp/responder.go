package snmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// responder is the command responder application (RFC 3413, section 3.2). It
// performs the operations of RFC 3416, section 4.2, for SNMPv1 as RFC 3584,
// sections 4.2 and 4.3, say. Its memory is used again.
type responder struct {
	engine  *engine
	in      *incoming
	pdu     *pdu
	request *mib.Request
	limits  limits

	// buf holds the answer's variable bindings from start on; in front of
	// them is room for the headers.
	buf    []byte
	start  int
	budget int // how long the variable bindings may get

	status    mib.Status // of the answer
	keepAll   bool       // memory for however much is kept
	retrieved uint64     // variables of a GetRequest or GetNextRequest
	written   uint64     // and of a SetRequest
	repeaters []repeater
}

// repeater is a variable of a GetBulkRequest beyond the non-repeaters.
type repeater struct {
	cursor mib.Cursor
	// The name that was given last, which is the requested one at first.
	requested     []byte
	object, index mib.OID
	ended         bool
}

// keepBuffer and keepRepeaters are how much memory is kept for the next answer.
const (
	keepBuffer    = 1 << 17
	keepRepeaters = 1024
)

// respond returns the message that answers a request, nil where none is small
// enough. Without a request on a tree, as it is not allowed, that is
// authorizationError. Its only error is mib.ErrWouldWait.
func (r *responder) respond(e *engine, in *incoming, p *pdu, request *mib.Request, limits limits) ([]byte, error) {
	if cap(r.buf) > keepBuffer && !r.keepAll {
		r.buf = nil
	}
	if cap(r.repeaters) > keepRepeaters && !r.keepAll {
		r.repeaters = nil
	}
	r.engine, r.in, r.pdu, r.request, r.limits = e, in, p, request, limits
	r.start = in.model.headroom(in)
	r.buf = append(r.buf[:0], make([]byte, r.start)...)
	r.budget = r.bindingsBudget(limits.message)
	r.retrieved, r.written = 0, 0
	if request != nil {
		request.SkipCounter64 = in.v1
	}

	var status mib.Status
	var index int
	var err error
	switch {
	case request == nil:
		status = mib.AuthorizationError // RFC 3413, section 3.2, (5)
	case p.kind == ber.GetRequest:
		status, index, err = r.get()
	case p.kind == ber.GetNextRequest:
		status, index, err = r.getNext()
	case p.kind == ber.GetBulkRequest:
		status, index, err = r.getBulk()
	case p.kind == ber.SetRequest:
		status, index, err = r.set()
	}
	if err != nil {
		return nil, err
	}
	return r.finish(status, index), nil
}

// get performs a GetRequest (RFC 3416, section 4.2.1). An answer that is too big is
// one before all variables were looked for: what fails behind, the manager learns
// when it asks for less.
func (r *responder) get() (mib.Status, int, error) {
	for i := range r.pdu.names {
		name := &r.pdu.names[i]
		v, err := r.request.Get(name.oid)
		if err == nil && !ber.ValueHasEncoding(v) {
			err = &encodingError{name.oid, v}
		}
		if err != nil {
			return r.failed(i, err)
		}
		if r.in.v1 && (v.IsException() || v.Type() == mib.Counter64) {
			return mib.NoSuchName, i + 1, nil // RFC 3584, section 4.2.2.1
		}
		if !v.IsException() {
			r.retrieved++
		}
		r.buf = ber.AppendNamedBinding(r.buf, name.encoded, v)
		if r.length() > r.budget {
			return mib.TooBig, 0, nil
		}
	}
	return mib.NoError, 0, nil
}

// getNext performs a GetNextRequest (RFC 3416, section 4.2.2), as get does.
func (r *responder) getNext() (mib.Status, int, error) {
	for i := range r.pdu.names {
		name := &r.pdu.names[i]
		cursor := r.request.Seek(name.oid, false)
		b, err := r.next(&cursor)
		if err != nil {
			return r.failed(i, err)
		}
		ended := b.Value.Type() == mib.EndOfMibView
		if r.in.v1 && ended {
			return mib.NoSuchName, i + 1, nil // RFC 3584, section 4.2.2.1
		}
		if !ended {
			r.retrieved++
		}
		r.appendNext(name.encoded, b)
		if r.length() > r.budget {
			return mib.TooBig, 0, nil
		}
	}
	return mib.NoError, 0, nil
}

// next moves a cursor to the next variable, as mib's Request.Next does. One that
// cannot be encoded is an error.
func (r *responder) next(c *mib.Cursor) (mib.Binding, error) {
	b, err := r.request.Next(c)
	if err != nil || b.Value.Type() == mib.EndOfMibView {
		return b, err
	}
	if !ber.HasEncoding(b.Object, b.Index) || !ber.ValueHasEncoding(b.Value) {
		return mib.Binding{}, &encodingError{b.Name(), b.Value}
	}
	return b, nil
}

// encodingError says that a variable's name or its value is an OID without an
// encoding. Sent it would be another one.
type encodingError struct {
	name  mib.OID
	value mib.Value
}

func (e *encodingError) Error() string {
	return fmt.Sprintf("%v = %v: no encoding of the OBJECT IDENTIFIER", e.name, e.value)
}

// appendNext appends the successor of a requested name, which names the end of
// the view too.
func (r *responder) appendNext(requested []byte, b mib.Binding) {
	if b.Value.Type() == mib.EndOfMibView {
		r.buf = ber.AppendNamedBinding(r.buf, requested, b.Value)
		return
	}
	r.buf = ber.AppendBinding(r.buf, b.Object, b.Index, b.Value)
}

// getBulk performs a GetBulkRequest (RFC 3416, section 4.2.3). The answer ends
// before the first variable that makes it too big, and after a repetition in
// which every variable is at the end of the view.
//
// The local constraint of that section is limits.bulk. It begins with the second
// repetition: what comes before is what a GetNextRequest would get too, and a
// manager that gets less than one repetition may not come any further. So do
// Server.SetBulkLimits' bounds, and that of the work: an answer with a repetition
// ends where going on is too much work, or takes too long.
func (r *responder) getBulk() (mib.Status, int, error) {
	names := r.pdu.names
	nonRepeaters := min(max(int(r.pdu.status), 0), len(names))
	for i := range nonRepeaters {
		cursor := r.request.Seek(names[i].oid, false)
		b, err := r.next(&cursor)
		if err != nil {
			return r.failed(i, err)
		}
		before := len(r.buf)
		r.appendNext(names[i].encoded, b)
		if r.length() > r.budget {
			r.buf = r.buf[:before]
			return mib.NoError, 0, nil
		}
	}

	r.repeaters = r.repeaters[:0]
	for _, name := range names[nonRepeaters:] {
		r.repeaters = append(r.repeaters, repeater{
			cursor:    r.request.Seek(name.oid, false),
			requested: name.encoded,
		})
	}
	// A repetition takes at least one octet, so that the budget ends this.
	running := len(r.repeaters)
	budget, bulk := r.budget, r.bindingsBudget(r.limits.bulk)
	for first, repetitions := true, r.engine.bulk.Load().cap(r.pdu.index, running); repetitions > 0 && running > 0; first, repetitions = false, repetitions-1 {
		for i := range r.repeaters {
			rep := &r.repeaters[i]
			before := len(r.buf)
			if !rep.ended {
				b, err := r.next(&rep.cursor)
				if !first && (errors.Is(err, mib.ErrTooMuchWork) || errors.Is(err, context.DeadlineExceeded)) {
					return mib.NoError, 0, nil
				}
				if err != nil {
					return r.failed(nonRepeaters+i, err)
				}
				if b.Value.Type() != mib.EndOfMibView {
					rep.requested, rep.object, rep.index = nil, b.Object, b.Index
					r.buf = ber.AppendBinding(r.buf, b.Object, b.Index, b.Value)
				} else {
					rep.ended = true
					running--
				}
			}
			if rep.ended {
				r.appendEnd(rep)
			}
			if r.length() > budget {
				r.buf = r.buf[:before]
				return mib.NoError, 0, nil
			}
		}
		budget = bulk
	}
	return mib.NoError, 0, nil
}

// appendEnd appends endOfMibView, named as the variable before it was.
func (r *responder) appendEnd(rep *repeater) {
	end := mib.Exception(mib.EndOfMibView)
	if rep.requested != nil {
		r.buf = ber.AppendNamedBinding(r.buf, rep.requested, end)
		return
	}
	r.buf = ber.AppendBinding(r.buf, rep.object, rep.index, end)
}

// failed says how a request ends whose variable i cannot be told.
func (r *responder) failed(i int, err error) (mib.Status, int, error) {
	if wouldWait(err) {
		return 0, 0, err
	}
	if unencoded := new(encodingError); errors.As(err, &unencoded) {
		r.engine.warn(&r.engine.noEncoding, "variable cannot be encoded", slog.String("name", unencoded.name.String()), slog.String("value", unencoded.value.String()))
	}
	if ctx := context.Background(); r.engine.log.Enabled(ctx, slog.LevelDebug) {
		// A handler may keep the record for longer than the request lasts.
		r.engine.log.LogAttrs(ctx, slog.LevelDebug, "variable cannot be read",
			slog.String("name", r.pdu.names[i].oid.String()), slog.Any("error", err))
	}
	return mib.GenErr, i + 1, nil
}

// length returns the length of the variable bindings so far.
func (r *responder) length() int { return len(r.buf) - r.start }

// pduSize returns the size of a Response-PDU around so many octets of variable
// bindings.
func (r *responder) pduSize(status mib.Status, index, bindings int) int {
	return ber.ElementSize(ber.IntegerElementSize(r.pdu.requestID) + ber.IntegerElementSize(int32(status)) +
		ber.IntegerElementSize(int32(index)) + ber.ElementSize(bindings))
}

// bindingsBudget returns the most octets of variable bindings that an answer
// without an error has room for; it is negative where there is none at all.
func (r *responder) bindingsBudget(limit int) int {
	size := func(bindings int) int {
		return r.in.model.responseSize(r.in, r.pduSize(mib.NoError, 0, bindings))
	}
	n := limit - size(0)
	for n > 0 && size(n) > limit {
		n--
	}
	return n
}

// finish returns the message around a PDU with that error-status and the
// variable bindings that belong to it, and counts the request and its answer.
func (r *responder) finish(status mib.Status, index int) []byte {
	c := &r.engine.counters
	switch r.pdu.kind {
	case ber.GetRequest:
		c[enginemib.InGetRequests].Add(1)
	case ber.GetNextRequest:
		c[enginemib.InGetNexts].Add(1)
	case ber.SetRequest:
		c[enginemib.InSetRequests].Add(1)
	}
	if r.in.v1 {
		status = statusV1(status)
	}
	answer := r.encode(status, index)
	if answer == nil {
		status = mib.TooBig
		answer = r.encode(status, 0)
	}
	if answer == nil {
		return nil
	}
	r.status = status
	c[enginemib.OutGetResponses].Add(1)
	switch status {
	case mib.NoError:
		c[enginemib.InTotalReqVars].Add(r.retrieved)
		c[enginemib.InTotalSetVars].Add(r.written)
	case mib.TooBig:
		c[enginemib.OutTooBigs].Add(1)
	case mib.NoSuchName:
		c[enginemib.OutNoSuchNames].Add(1)
	case mib.BadValue:
		c[enginemib.OutBadValues].Add(1)
	case mib.GenErr:
		c[enginemib.OutGenErrs].Add(1)
	}
	return answer
}

// encode returns the message of an answer, nil where it is greater than the
// limit. With an error the variable bindings are the request's (RFC 3416,
// section 4.2), but for a tooBig, which has none unless it is SNMPv1's (RFC
// 1157, section 4.1.2).
func (r *responder) encode(status mib.Status, index int) []byte {
	switch {
	case status == mib.TooBig && !r.in.v1:
		r.buf = r.buf[:r.start]
	case status != mib.NoError || r.pdu.kind == ber.SetRequest:
		r.buf = append(r.buf[:r.start], r.pdu.bindings...)
	}
	if r.in.model.responseSize(r.in, r.pduSize(status, index, r.length())) > r.limits.message {
		return nil
	}
	r.buf = slices.Grow(r.buf, tailroom)
	buf := r.buf
	at := ber.PrependHeader(buf, r.start, ber.Sequence, r.length())
	at = ber.PrependInteger(buf, at, int32(index))
	at = ber.PrependInteger(buf, at, int32(status))
	at = ber.PrependInteger(buf, at, r.pdu.requestID)
	at = ber.PrependHeader(buf, at, ber.Response, len(buf)-at)
	return r.in.model.prepareResponse(r.in, buf, at)
}

// statusV1 is the error-status of SNMPv1 that stands for one of SNMPv2 (RFC
// 3584, section 4.3).
func statusV1(status mib.Status) mib.Status {
	switch status {
	case mib.WrongValue, mib.WrongEncoding, mib.WrongType, mib.WrongLength, mib.InconsistentValue:
		return mib.BadValue
	case mib.NoAccess, mib.NotWritable, mib.NoCreation, mib.InconsistentName, mib.AuthorizationError:
		return mib.NoSuchName
	case mib.ResourceUnavailable, mib.CommitFailed, mib.UndoFailed:
		return mib.GenErr
	}
	return status
}
