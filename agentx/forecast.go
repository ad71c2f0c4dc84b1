package agentx

import (
	"bytes"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// A forecast is the answer to the PDU that a master which walks sends next: the
// agentx-GetNext-PDU that begins where the last one ended. net-snmp's master
// walks in such steps, even for a GetBulk, and works longer on each than its
// answer takes to be found. What was found meanwhile arrives before the master
// goes to sleep; to wake it would take longer than all the rest.
type forecast struct {
	made     time.Time
	payload  []byte  // of the PDU that is expected; empty where none is
	query    query   // it
	response encoder // to it, but for the IDs in the header
}

const (
	// lasting is how long a forecast may be used, and how much older than
	// others an answer may be for it.
	lasting = 100 * time.Microsecond
	// most is the longest payload that is expected, in octets.
	most = 4 << 10
)

// prepare answers from req the PDU that goes on where the answer to q ends,
// which is in e.
func (f *forecast) prepare(q *query, e *encoder, req *mib.Request) {
	f.payload = f.payload[:0]
	if q.header.Type != TypeGetNext || len(q.names) == 0 || len(q.names) != len(q.ranges) {
		return
	}
	next := encoder{b: f.payload, little: q.header.Flags&NetworkByteOrder == 0}
	if q.header.Flags&NonDefaultContext != 0 {
		next.octets(q.context)
	}
	for i, at := range q.names {
		name := e.b[q.response+at:]
		next.b = append(next.b, name[:4+4*int(name[0])]...)
		next.oid(q.ranges[i].End, mib.OID{}, false)
	}
	if len(next.b) > most {
		return
	}
	if f.response.b = f.response.b[:0]; cap(f.response.b) > 2*flushSize {
		f.response.b = nil // an unusual Response made it large
	}
	if f.query.decode(q.header, next.b) == nil && f.query.answer(&f.response, req) == nil && len(f.response.b) <= flushSize {
		f.payload, f.made = next.b, time.Now()
	}
}

// answer appends the Response to e, if the PDU of h is the expected one.
func (f *forecast) answer(e *encoder, h Header, payload []byte) bool {
	if len(f.payload) == 0 || h.Type != TypeGetNext || h.Flags != f.query.header.Flags ||
		!bytes.Equal(payload, f.payload) || time.Since(f.made) > lasting {
		return false
	}
	start := len(e.b)
	e.b = append(e.b, f.response.b...)
	e.little = h.Flags&NetworkByteOrder == 0
	response := e.b[start:]
	e.put32(response[4:], h.SessionID)
	e.put32(response[8:], h.TransactionID)
	e.put32(response[12:], h.PacketID)
	f.query.header, f.query.response = h, start
	f.payload = f.payload[:0]
	return true
}
