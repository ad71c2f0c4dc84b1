package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The load client's own encoding: as little of it as a walk needs, so that what
// is measured is the agent.

const (
	tagInteger      = 0x02
	tagOctetString  = 0x04
	tagNull         = 0x05
	tagOID          = 0x06
	tagSequence     = 0x30
	tagEndOfMIBView = 0x82

	pduGet      = 0xa0
	pduGetNext  = 0xa1
	pduResponse = 0xa2
	pduGetBulk  = 0xa5
)

// firstID is the least request-id that is used: from it on, an id always takes
// four octets.
const firstID = 1 << 24

// encodeOID returns the element of an OID in dotted decimal.
func encodeOID(s string) ([]byte, error) {
	var subs []uint64
	for part := range strings.SplitSeq(strings.TrimPrefix(s, "."), ".") {
		sub, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("OID %q: %w", s, err)
		}
		subs = append(subs, sub)
	}
	if len(subs) < 2 || subs[0] > 2 || subs[0] < 2 && subs[1] > 39 {
		return nil, fmt.Errorf("OID %q cannot be encoded", s)
	}
	subs[1] += subs[0] * 40
	var content []byte
	for _, sub := range subs[1:] {
		shift := 0
		for sub>>(shift+7) > 0 {
			shift += 7
		}
		for ; shift > 0; shift -= 7 {
			content = append(content, 0x80|byte(sub>>shift))
		}
		content = append(content, byte(sub)&0x7f)
	}
	var r request
	r.begin()
	r.prepend(content)
	r.header(tagOID, len(content))
	return append([]byte(nil), r.buf[r.at:]...), nil
}

func mustEncodeOID(s string) []byte {
	b, err := encodeOID(s)
	if err != nil {
		panic(err)
	}
	return b
}

// request is an SNMPv2c message, written from its end to its start into memory
// that is used again: buf, or 4,096 octets.
type request struct {
	buf []byte
	at  int
}

func (r *request) begin() {
	if r.buf == nil {
		r.buf = make([]byte, 4096)
	}
	r.at = len(r.buf)
}

func (r *request) prepend(b []byte) {
	r.at -= len(b)
	copy(r.buf[r.at:], b)
}

func (r *request) header(tag byte, length int) {
	switch {
	case length < 0x80:
		r.at -= 2
		r.buf[r.at], r.buf[r.at+1] = tag, byte(length)
	case length < 0x100:
		r.at -= 3
		r.buf[r.at], r.buf[r.at+1], r.buf[r.at+2] = tag, 0x81, byte(length)
	case length < 0x10000:
		r.at -= 4
		r.buf[r.at], r.buf[r.at+1] = tag, 0x82
		binary.BigEndian.PutUint16(r.buf[r.at+2:], uint16(length))
	default:
		r.at -= 6
		r.buf[r.at], r.buf[r.at+1] = tag, 0x84
		binary.BigEndian.PutUint32(r.buf[r.at+2:], uint32(length))
	}
}

// integer writes an INTEGER that is not negative.
func (r *request) integer(v uint32) {
	end := r.at
	for {
		r.at--
		r.buf[r.at] = byte(v)
		if v >>= 8; v == 0 {
			break
		}
	}
	if r.buf[r.at]&0x80 != 0 {
		r.at--
		r.buf[r.at] = 0
	}
	r.header(tagInteger, end-r.at)
}

// message returns the request: a GETBULK with that many repetitions, or a GET
// or GETNEXT whose repetitions are 0. names are the elements of OIDs, no more of
// them than there is room for.
func (r *request) message(community string, pdu byte, id, repetitions uint32, names ...[]byte) []byte {
	r.begin()
	since := func() int { return len(r.buf) - r.at }
	for i := len(names) - 1; i >= 0; i-- {
		end := since()
		r.header(tagNull, 0)
		r.prepend(names[i])
		r.header(tagSequence, since()-end)
	}
	r.header(tagSequence, since())
	r.integer(repetitions)
	r.integer(0)
	r.integer(id)
	r.header(pdu, since())
	r.at -= len(community)
	copy(r.buf[r.at:], community)
	r.header(tagOctetString, len(community))
	r.integer(1)
	r.header(tagSequence, since())
	return r.buf[r.at:]
}

var errMalformed = errors.New("the answer is malformed")

// element returns the tag of the element that b starts with, where its content
// starts, and where it ends; end is 0 where it is not whole.
func element(b []byte) (tag byte, content, end int) {
	if len(b) < 2 {
		return 0, 0, 0
	}
	content, length := 2, int(b[1])
	if length >= 0x80 {
		octets := length & 0x7f
		if octets == 0 || octets > 4 || len(b) < 2+octets {
			return 0, 0, 0
		}
		length = 0
		for _, o := range b[2 : 2+octets] {
			length = length<<8 | int(o)
		}
		content += octets
	}
	if length > math.MaxInt32 || len(b)-content < length {
		return 0, 0, 0
	}
	return b[0], content, content + length
}

// enter returns the content of the element with that tag and what follows it;
// ok is false where there is none.
func enter(b []byte, tag byte) (content, rest []byte, ok bool) {
	t, start, end := element(b)
	if end == 0 || t != tag {
		return nil, nil, false
	}
	return b[start:end], b[end:], true
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
	b, _, ok := enter(message, tagSequence)
	if !ok {
		return a, errMalformed
	}
	var pdu, field []byte
	for _, tag := range [...]byte{tagInteger, tagOctetString} { // version, community
		if _, b, ok = enter(b, tag); !ok {
			return a, errMalformed
		}
	}
	if pdu, _, ok = enter(b, pduResponse); !ok {
		return a, errMalformed
	}
	for i := range 3 { // request-id, error-status, error-index
		if field, pdu, ok = enter(pdu, tagInteger); !ok || len(field) > 5 {
			return a, errMalformed
		}
		v := uint32(0)
		for _, o := range field {
			v = v<<8 | uint32(o)
		}
		switch i {
		case 0:
			a.id = v
		case 1:
			a.status = int(v)
		}
	}
	if a.list, _, ok = enter(pdu, tagSequence); !ok {
		return a, errMalformed
	}
	var last []byte
	for rest := a.list; len(rest) > 0; a.count++ {
		tag, content, end := element(rest)
		if end == 0 || tag != tagSequence {
			return a, errMalformed
		}
		last, rest = rest[content:end], rest[end:]
		if a.count == 0 {
			if a.first, _, ok = binding(last); !ok {
				return a, errMalformed
			}
		}
	}
	if a.count > 0 {
		if a.last, a.lastTag, ok = binding(last); !ok {
			return a, errMalformed
		}
	}
	return a, nil
}

// binding returns the name of a variable, as an element, and the tag of its
// value.
func binding(b []byte) (name []byte, tag byte, ok bool) {
	t, _, end := element(b)
	if end == 0 || t != tagOID || end == len(b) {
		return nil, 0, false
	}
	return b[:end], b[end], true
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
	if a.count > 0 && a.lastTag != tagEndOfMIBView && below(a.last, root) {
		return a.count, false // what is before it in a walk is in the subtree too
	}
	for rest := a.list; len(rest) > 0; n++ {
		_, content, end := element(rest)
		name, tag, _ := binding(rest[content:end])
		if tag == tagEndOfMIBView || !below(name, root) {
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
