package remote

import (
	"net"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
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

// Counters of RFC 3413, section 4.1, in Reports about a context.
var (
	snmpUnavailableContexts = mib.MustParseOID("1.3.6.1.6.3.12.1.4.0")
	snmpUnknownContexts     = mib.MustParseOID("1.3.6.1.6.3.12.1.5.0")
)

const flagPrivacy = 0x02 // of msgFlags; RFC 3412, section 6.4

// report decodes the counter in a Report that is not encrypted, and the msgID of
// the message that it is about. It is not ok for any other message. That a Report
// is authentic is not known: those that say why a message is not cannot be.
func report(message []byte) (msgID int64, counter mib.OID, ok bool) {
	msgID, flags, rest := cutHeader(message)
	if flags&flagPrivacy != 0 {
		return 0, mib.OID{}, false
	}
	rest.Content("msgSecurityParameters", ber.OctetString)
	scoped := rest.Enter("ScopedPDU", ber.Sequence)
	scoped.Content("contextEngineID", ber.OctetString)
	scoped.Content("contextName", ber.OctetString)
	body := scoped.Enter("data", ber.Report)
	for _, field := range [...]string{"request-id", "error-status", "error-index"} {
		body.Integer64(field)
	}
	list := body.Enter("variable-bindings", ber.Sequence)
	var d decoder
	var a answer
	if err := d.variables(&list, &a); err != nil || len(a.variables) != 1 {
		return 0, mib.OID{}, false
	}
	return msgID, a.variables[0].name, true
}

// cutHeader cuts what stands before the security parameters off an SNMPv3 message
// (RFC 3412, section 6). What it is not able to is an error of rest.
func cutHeader(message []byte) (msgID int64, flags byte, rest ber.Decoder) {
	outer := ber.Decoder{Rest: message}
	rest = outer.Enter("SNMPv3Message", ber.Sequence)
	version := rest.Integer64("msgVersion")
	header := rest.Enter("msgGlobalData", ber.Sequence)
	msgID = header.Integer64("msgID")
	header.Integer64("msgMaxSize")
	octets := header.Content("msgFlags", ber.OctetString)
	switch {
	case header.Err != nil:
		rest.Err = header.Err
	case version != 3 || len(octets) != 1:
		rest.Fail("msgFlags", ber.OutOfRange)
	}
	if rest.Err != nil {
		return 0, 0, rest
	}
	return msgID, octets[0], rest
}

// guardedConn is a connection that gosnmp uses. It lets a context end what waits
// on it: once it is interrupted, its deadlines are past. And it keeps the answer
// to what was sent last, which gosnmp does not show where it is not authentic.
type guardedConn struct {
	net.Conn
	stream bool
	asked  int64  // msgID of what was sent last
	answer []byte // what came since; the beginning of it where it is long
	octets int    // of what came since

	mu          sync.Mutex
	interrupted bool
}

// maxReport is longer than any Report.
const maxReport = 2048

func (c *guardedConn) Write(b []byte) (int, error) {
	c.answer, c.octets = c.answer[:0], 0
	c.asked, _, _ = cutHeader(b)
	return c.Conn.Write(b)
}

func (c *guardedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.stream {
		c.answer, c.octets = c.answer[:0], 0
	}
	c.octets += max(n, 0)
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
