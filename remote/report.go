package remote

import (
	"net"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// usmStats are the counters of RFC 3414, section 5, in Reports.
var usmStats = mib.MustParseOID("1.3.6.1.6.3.15.1.1")

var (
	usmStatsUnsupportedSecLevels = usmStats.Sub(1, 0)
	usmStatsUnknownUserNames     = usmStats.Sub(3, 0)
	usmStatsUnknownEngineIDs     = usmStats.Sub(4, 0)
	usmStatsWrongDigests         = usmStats.Sub(5, 0)
	usmStatsDecryptionErrors     = usmStats.Sub(6, 0)
)

const (
	tagReport   = 0xa8 // RFC 3416, section 3
	flagPrivacy = 0x02 // of msgFlags; RFC 3412, section 6.4
)

// report decodes the counter in a Report that is not encrypted, and the msgID of
// the message that it is about. It is not ok for any other message. That a Report
// is authentic is not known: those that say why a message is not cannot be.
func report(message []byte) (msgID int64, counter mib.OID, ok bool) {
	msgID, flags, rest, ok := cutHeader(message)
	if !ok || flags&flagPrivacy != 0 {
		return 0, mib.OID{}, false
	}
	tags := [...]byte{tagOctetString, tagSequence} // msgSecurityParameters, ScopedPDU
	var content []byte
	for _, want := range tags {
		var tag byte
		var err error
		if tag, content, rest, err = cutTLV(rest); err != nil || tag != want {
			return 0, mib.OID{}, false
		}
	}
	for range 2 { // contextEngineID, contextName
		tag, _, after, err := cutTLV(content)
		if err != nil || tag != tagOctetString {
			return 0, mib.OID{}, false
		}
		content = after
	}
	tag, body, _, err := cutTLV(content)
	if err != nil || tag != tagReport {
		return 0, mib.OID{}, false
	}
	for range 3 { // request-id, error-status, error-index
		if _, body, err = cutInteger(body); err != nil {
			return 0, mib.OID{}, false
		}
	}
	tag, list, _, err := cutTLV(body)
	if err != nil || tag != tagSequence {
		return 0, mib.OID{}, false
	}
	var d decoder
	var a answer
	if err := d.variables(list, &a); err != nil || len(a.variables) != 1 {
		return 0, mib.OID{}, false
	}
	return msgID, a.variables[0].name, true
}

// cutHeader cuts what stands before the security parameters off an SNMPv3 message
// (RFC 3412, section 6).
func cutHeader(message []byte) (msgID int64, flags byte, rest []byte, ok bool) {
	tag, message, _, err := cutTLV(message)
	if err != nil || tag != tagSequence {
		return 0, 0, nil, false
	}
	version, message, err := cutInteger(message)
	if err != nil || version != 3 {
		return 0, 0, nil, false
	}
	tag, header, rest, err := cutTLV(message)
	if err != nil || tag != tagSequence {
		return 0, 0, nil, false
	}
	if msgID, header, err = cutInteger(header); err != nil {
		return 0, 0, nil, false
	}
	if _, header, err = cutInteger(header); err != nil { // msgMaxSize
		return 0, 0, nil, false
	}
	tag, octets, _, err := cutTLV(header)
	if err != nil || tag != tagOctetString || len(octets) != 1 {
		return 0, 0, nil, false
	}
	return msgID, octets[0], rest, true
}

// guardedConn is a connection that gosnmp uses. It lets a context end what waits
// on it: once it is interrupted, its deadlines are past. And it keeps the answer
// to what was sent last, which gosnmp does not show where it is not authentic.
type guardedConn struct {
	net.Conn
	stream bool
	asked  int64  // msgID of what was sent last
	answer []byte // what came since; the beginning of it where it is long

	mu          sync.Mutex
	interrupted bool
}

// maxReport is longer than any Report.
const maxReport = 2048

func (c *guardedConn) Write(b []byte) (int, error) {
	c.answer = c.answer[:0]
	c.asked, _, _, _ = cutHeader(b)
	return c.Conn.Write(b)
}

func (c *guardedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.stream {
		c.answer = c.answer[:0]
	}
	c.answer = append(c.answer, b[:min(max(n, 0), maxReport-len(c.answer))]...)
	return n, err
}

// reported returns the counter of the Report that answered what was sent last.
func (c *guardedConn) reported() (counter mib.OID, ok bool) {
	msgID, counter, ok := report(c.answer)
	return counter, ok && msgID == c.asked
}

func (c *guardedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		t = time.Unix(1, 0)
	}
	return c.Conn.SetDeadline(t)
}

func (c *guardedConn) interrupt(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = on
	if on {
		_ = c.Conn.SetDeadline(time.Unix(1, 0))
	}
}
