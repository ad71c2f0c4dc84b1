package agentx

import (
	"context"
	"errors"
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// A query is a PDU of the master's that is answered from a tree: Get, GetNext,
// GetBulk or TestSet.
type query struct {
	header         Header
	context        string
	nonRepeaters   int
	maxRepetitions int
	ranges         []SearchRange
	bindings       []mib.Binding

	list    searchList
	cursors []repeater

	// response is where the Response begins in the encoder, and names are where
	// the names of its variables are from there, if it is a GetNext's.
	response int
	names    []int
}

// A repeater is the state of one range of a GetBulk.
type repeater struct {
	cursor mib.Cursor
	object mib.OID // of the last answer
	index  mib.OID
	ended  bool
}

// decode reads the payload of a PDU into q, whose lists are valid until the
// next decode.
func (q *query) decode(h Header, payload []byte) error {
	d := decoder{b: payload, pdu: h.Type, little: h.Flags&NetworkByteOrder == 0}
	q.header, q.context, q.ranges, q.bindings, q.names = h, "", nil, nil, q.names[:0]
	if h.Flags&NonDefaultContext != 0 {
		q.context = d.octets("context")
	}
	switch h.Type {
	case TypeGetBulk:
		q.nonRepeaters = int(d.uint16("g.non_repeaters"))
		q.maxRepetitions = int(d.uint16("g.max_repetitions"))
		q.ranges = q.list.decode(&d)
	case TypeTestSet:
		q.bindings = d.bindings()
	default:
		q.ranges = q.list.decode(&d)
	}
	return d.end()
}

// release drops buffers that an unusual PDU made large.
func (q *query) release() {
	const keep = 1 << 10
	if cap(q.list.ranges) > keep || cap(q.list.packed) > 64*keep {
		q.list, q.names = searchList{}, nil
	}
	if cap(q.cursors) > keep {
		q.cursors = nil
	}
}

// clone returns a query that stays valid after q's next decode.
func (q *query) clone() *query {
	return &query{
		header:         q.header,
		context:        q.context,
		nonRepeaters:   q.nonRepeaters,
		maxRepetitions: q.maxRepetitions,
		ranges:         slices.Clone(q.ranges),
		bindings:       q.bindings,
	}
}

// errTooLong says that a response would pass MaxPayload.
var errTooLong = errors.New("response too long")

// beginResponse appends what a Response to h starts with, in the byte order of
// h, and returns where it starts.
func beginResponse(e *encoder, h Header, code ErrorCode, index int) int {
	start := e.begin(Header{
		Type:          TypeResponse,
		Flags:         h.Flags & NetworkByteOrder,
		SessionID:     h.SessionID,
		TransactionID: h.TransactionID,
		PacketID:      h.PacketID,
	})
	e.uint32(0)
	e.uint16(uint16(code))
	e.uint16(uint16(min(index, 0xffff)))
	return start
}

// respond appends a Response without variables to e.
func respond(e *encoder, h Header, code ErrorCode, index int) {
	e.end(beginResponse(e, h, code, index))
}

// answer appends the Response to q from req to e. The error is
// mib.ErrWouldWait, with e as it was, or nil: every other failure is answered.
func (q *query) answer(e *encoder, req *mib.Request) error {
	start := beginResponse(e, q.header, ErrorCode(mib.NoError), 0)
	q.response = start
	var index int
	var err error
	switch q.header.Type {
	case TypeGet:
		index, err = q.get(e, req, start)
	case TypeGetNext:
		index, err = q.getNext(e, req, start, len(q.ranges))
	case TypeGetBulk:
		index, err = q.getBulk(e, req, start)
	default:
		// What need not wait: refusals, and nothing at all.
		var refused *mib.SetError
		if _, err = req.TestSet(q.bindings); errors.As(err, &refused) {
			e.b = e.b[:start]
			code, index := codeOf(err)
			respond(e, q.header, code, index)
			return nil
		}
	}
	if err == nil {
		err = e.err
	}
	e.err = nil
	if err == nil {
		e.end(start)
		return nil
	}
	e.b = e.b[:start]
	q.names = q.names[:0]
	switch {
	case errors.Is(err, mib.ErrWouldWait):
		return mib.ErrWouldWait
	case errors.Is(err, errTooLong):
		respond(e, q.header, ProcessingError, 0)
	default:
		respond(e, q.header, ErrorCode(mib.GenErr), index)
	}
	return nil
}

// maxBulk is how long the answer to a GetBulk of several repetitions grows, in octets. It
// fills an SNMP message over UDP, in which names are a quarter as long. So many answers as
// wait for a master that reads nothing take up little memory.
const maxBulk = 256 << 10

func full(e *encoder, start int) bool { return len(e.b)-start > MaxPayload }

// get answers as in RFC 2741, section 7.2.3.1.
func (q *query) get(e *encoder, req *mib.Request, start int) (index int, err error) {
	for i := range q.ranges {
		name := q.ranges[i].Start
		v, err := req.Get(name)
		if err != nil {
			return i + 1, err
		}
		e.variable(name, mib.OID{}, &v)
		if full(e, start) {
			return 0, errTooLong
		}
	}
	return 0, nil
}

// getNext answers the first n ranges as in RFC 2741, section 7.2.3.2.
func (q *query) getNext(e *encoder, req *mib.Request, start, n int) (index int, err error) {
	for i := range q.ranges[:n] {
		r := &q.ranges[i]
		cursor := req.Seek(r.Start, r.Include)
		b, err := req.Next(&cursor)
		if err != nil {
			return i + 1, err
		}
		if within(&b, r.End) {
			q.names = append(q.names, len(e.b)-start+variableHeader)
			e.binding(&b)
		} else {
			e.endOfMibView(r.Start, mib.OID{})
		}
		if full(e, start) {
			return 0, errTooLong
		}
	}
	return 0, nil
}

// getBulk answers as in RFC 2741, section 7.2.3.3. What does not fit maxBulk, or where one repetition
// is longer MaxPayload, is left out, whole repetitions at a time, and so is what is too much work or
// takes too long; a range that has ended stays at its last name.
func (q *query) getBulk(e *encoder, req *mib.Request, start int) (index int, err error) {
	n := min(q.nonRepeaters, len(q.ranges))
	if index, err = q.getNext(e, req, start, n); err != nil {
		return index, err
	}
	repeaters := q.ranges[n:]
	q.cursors = q.cursors[:0]
	for i := range repeaters {
		r := &repeaters[i]
		q.cursors = append(q.cursors, repeater{cursor: req.Seek(r.Start, r.Include), object: r.Start})
	}
	for repetition := range q.maxRepetitions {
		before, live := len(e.b), false
		for i := range q.cursors {
			c := &q.cursors[i]
			if !c.ended {
				b, err := req.Next(&c.cursor)
				if repetition > 0 && (errors.Is(err, mib.ErrTooMuchWork) || errors.Is(err, context.DeadlineExceeded)) {
					e.b = e.b[:before]
					return 0, nil
				}
				if err != nil {
					return n + i + 1, err
				}
				if within(&b, repeaters[i].End) {
					live = true
					c.object, c.index = b.Object, b.Index
					e.binding(&b)
					continue
				}
				c.ended = true
			}
			e.endOfMibView(c.object, c.index)
		}
		switch {
		case repetition > 0 && len(e.b)-start > maxBulk:
			e.b = e.b[:before]
			return 0, nil
		case full(e, start):
			return 0, errTooLong
		}
		if !live {
			break
		}
	}
	return 0, nil
}

// within reports whether b is a variable before end.
func within(b *mib.Binding, end mib.OID) bool {
	if b.Value.Type() == mib.EndOfMibView {
		return false
	}
	if end.IsEmpty() {
		return true
	}
	object, limit := b.Object.Packed(), end.Packed()
	if n := len(object); n < len(limit) && object == limit[:n] {
		return b.Index.Packed() < limit[n:]
	}
	return object < limit
}

func (e *encoder) endOfMibView(object, index mib.OID) {
	v := mib.Exception(mib.EndOfMibView)
	e.variable(object, index, &v)
}
