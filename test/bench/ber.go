package main

import (
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// The load client encodes and decodes as little as a walk needs, so that what is
// measured is the agent.

// firstID is the least request-id that is used: from it on, an id always takes
// four octets.
const firstID = 1 << 24

const endOfMIBView = byte(mib.EndOfMibView)

// encodeOID returns the element of an OID in dotted decimal.
func encodeOID(s string) ([]byte, error) {
	o, err := mib.ParseOID(s)
	if err != nil {
		return nil, err
	}
	if !ber.HasEncoding(o, mib.OID{}) {
		return nil, fmt.Errorf("OID %q cannot be encoded", s)
	}
	return ber.AppendOID(nil, o, mib.OID{}), nil
}

func mustEncodeOID(s string) []byte {
	b, err := encodeOID(s)
	if err != nil {
		panic(err)
	}
	return b
}

// request is an SNMPv2c message, written from its end to its start into memory
// that is used again.
type request struct{ buf []byte }

// message returns the request: a GETBULK with that many repetitions, or a GET
// or GETNEXT whose repetitions are 0. names are the elements of OIDs, no more of
// them than 4,096 octets have room for.
func (r *request) message(community string, pdu byte, id, repetitions uint32, names ...[]byte) []byte {
	if r.buf == nil {
		r.buf = make([]byte, 4096)
	}
	buf := r.buf
	at := len(buf)
	prepend := func(b []byte) {
		at -= len(b)
		copy(buf[at:], b)
	}
	for i := len(names) - 1; i >= 0; i-- {
		end := at
		at = ber.PrependHeader(buf, at, ber.Null, 0)
		prepend(names[i])
		at = ber.PrependHeader(buf, at, ber.Sequence, end-at)
	}
	at = ber.PrependHeader(buf, at, ber.Sequence, len(buf)-at)
	at = ber.PrependInteger(buf, at, int32(repetitions))
	at = ber.PrependInteger(buf, at, 0)
	at = ber.PrependInteger(buf, at, int32(id))
	at = ber.PrependHeader(buf, at, pdu, len(buf)-at)
	prepend([]byte(community))
	at = ber.PrependHeader(buf, at, ber.OctetString, len(community))
	at = ber.PrependInteger(buf, at, 1)
	at = ber.PrependHeader(buf, at, ber.Sequence, len(buf)-at)
	return buf[at:]
}

// element returns the tag of the element that b starts with, where its content
// starts, and where it ends; end is 0 where it is not whole.
func element(b []byte) (tag byte, content, end int) {
	header, size, problem := ber.Header(b)
	if problem != "" || len(b)-header < size {
		return 0, 0, 0
	}
	return b[0], header, header + size
}

// answer is what the client wants to know of a Response-PDU.
type answer struct {
	id     uint32
	status int
	list   []byte // the content of the variable-bindings
	count  int    // of its variables
	// first and last are the names of the first and last variable, as
	// elements; lastTag is the type of the last one's value.
	first, last []byte
	lastTag     byte
}

// parse reads an answer from its front. Values are passed over.
func parse(message []byte) (a answer, err error) {
	outer := ber.Decoder{Rest: message}
	fields := outer.Enter("Message", ber.Sequence)
	fields.Content("version", ber.Integer)
	fields.Content("community", ber.OctetString)
	pdu := fields.Enter("data", ber.Response)
	a.id = uint32(pdu.Integer("request-id"))
	a.status = int(pdu.Integer("error-status"))
	pdu.Integer("error-index")
	a.list = pdu.Content("variable-bindings", ber.Sequence)
	if pdu.Err != nil {
		return a, pdu.Err
	}
	var last []byte
	list := ber.Decoder{Rest: a.list}
	for len(list.Rest) > 0 {
		if last = list.Content("VarBind", ber.Sequence); list.Err != nil {
			return a, list.Err
		}
		if a.count++; a.count == 1 {
			if a.first, _, err = binding(last); err != nil {
				return a, err
			}
		}
	}
	if a.count > 0 {
		if a.last, a.lastTag, err = binding(last); err != nil {
			return a, err
		}
	}
	return a, nil
}

// binding returns the name of a variable, as an element, and the tag of its
// value.
func binding(b []byte) (name []byte, tag byte, err error) {
	d := ber.Decoder{Rest: b}
	d.Content("name", ber.ObjectIdentifier)
	name = b[:len(b)-len(d.Rest)]
	tag, _ = d.Element("value")
	return name, tag, d.Err
}

// below reports whether an OID is in the subtree of root; both are elements.
func below(name, root []byte) bool {
	_, start, end := element(name)
	_, rootStart, rootEnd := element(root)
	n := rootEnd - rootStart
	return end-start >= n && string(name[start:start+n]) == string(root[rootStart:rootEnd])
}

// within returns how many of the answer's variables come before the first that
// is outside the subtree of root or marks the end of the view, and whether
// there is such a one.
func (a *answer) within(root []byte) (n int, left bool) {
	if a.count > 0 && a.lastTag != endOfMIBView && below(a.last, root) {
		return a.count, false // what is before it in a walk is in the subtree too
	}
	for rest := a.list; len(rest) > 0; n++ {
		_, content, end := element(rest)
		name, tag, _ := binding(rest[content:end])
		if tag == endOfMIBView || !below(name, root) {
			break
		}
		rest = rest[end:]
	}
	return n, true
}

// tail copies the last names of the answer into names, as many as there are.
func (a *answer) tail(names [][]byte) {
	skip := a.count - len(names)
	for rest := a.list; len(rest) > 0; skip-- {
		_, content, end := element(rest)
		if skip <= 0 {
			name, _, _ := binding(rest[content:end])
			names[-skip] = append(names[-skip][:0], name...)
		}
		rest = rest[end:]
	}
}
