package usm

import (
	"crypto/des" //nolint:gosec // RFC 3414 has it
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

// Parameters are UsmSecurityParameters (RFC 3414, section 2.4): the content of
// msgSecurityParameters. The octets are parts of it.
type Parameters struct {
	EngineID       []byte // msgAuthoritativeEngineID
	Boots, Time    int32  // msgAuthoritativeEngineBoots and msgAuthoritativeEngineTime
	UserName       []byte
	Authentication []byte // the MAC
	Privacy        []byte // the salt
}

// Parse takes security parameters apart. The error names the field that is malformed.
func (p *Parameters) Parse(b []byte) error {
	outer := ber.Decoder{Rest: b}
	d := outer.Enter("UsmSecurityParameters", ber.Sequence)
	outer.End("msgSecurityParameters")
	*p = Parameters{
		EngineID:       d.Content("msgAuthoritativeEngineID", ber.OctetString),
		Boots:          d.Integer("msgAuthoritativeEngineBoots"),
		Time:           d.Integer("msgAuthoritativeEngineTime"),
		UserName:       d.Content("msgUserName", ber.OctetString),
		Authentication: d.Content("msgAuthenticationParameters", ber.OctetString),
		Privacy:        d.Content("msgPrivacyParameters", ber.OctetString),
	}
	d.End("UsmSecurityParameters")
	switch {
	case outer.Err != nil:
		return outer.Err
	case d.Err != nil:
		return d.Err
	case p.Boots < 0:
		return &ber.Error{Field: "msgAuthoritativeEngineBoots", Problem: ber.OutOfRange}
	case p.Time < 0:
		return &ber.Error{Field: "msgAuthoritativeEngineTime", Problem: ber.OutOfRange}
	case len(p.UserName) > maxName:
		return &ber.Error{Field: "msgUserName", Problem: ber.OutOfRange}
	}
	return nil
}

// Incoming is a message that a Model judges. It is memory for one message after the
// other, of one goroutine.
type Incoming struct {
	// What the message processing model found in the message.
	Message    []byte // all of it; it is not changed
	Parameters []byte // the content of msgSecurityParameters, a part of Message
	Level      Level  // of msgFlags
	DataTag    byte   // of msgData
	Data       []byte // the content of msgData

	// What Model.ProcessIncoming found.
	Parsed       Parameters
	SecurityName string // whose message it is; "" while that is not known
	// ScopedPDU is the content of the ScopedPDU, decrypted: contextEngineID, contextName
	// and the PDU. It is valid until the next message.
	ScopedPDU []byte

	account    *account
	sibling    bool // how the key was extended
	plain      []byte
	encryption encryption
	sum        [maxMAC]byte
}

// most is how much memory of the longest message is kept for the next one.
const most = 64 << 10

// ProcessIncoming judges a message as RFC 3414, section 3.2, says, in its order: who
// sent it, whether it is as it was sent, and in time. NoReport and no error: it is
// accepted. An error says that the message cannot be decoded (snmpInASNParseErrs). Any other
// report is counted, and sent to who wants it by Model.Report.
//
// Now is compared by its monotonic clock.
func (m *Model) ProcessIncoming(in *Incoming, now time.Time) (Report, error) {
	in.SecurityName, in.ScopedPDU, in.account, in.sibling = "", nil, nil, false
	p := &in.Parsed
	if err := p.Parse(in.Parameters); err != nil {
		return NoReport, err
	}
	encrypted := in.Level == AuthPriv
	want := ber.Sequence
	if encrypted {
		want = ber.OctetString
	}
	if in.DataTag != want {
		return NoReport, &ber.Error{Field: "msgData", Problem: fmt.Sprintf("has the tag 0x%02x, not 0x%02x", in.DataTag, want)}
	}
	e := m.users.Load().engines[string(p.EngineID)]
	if e == nil {
		return UnknownEngineIDs, nil
	}
	a := e.accounts[string(p.UserName)]
	if a == nil {
		if in.Level >= AuthNoPriv {
			m.refuse(in)
		}
		return UnknownUserNames, nil
	}
	if in.Level > a.Level() {
		return UnsupportedSecLevels, nil
	}
	in.account = a
	if in.Level >= AuthNoPriv {
		if !in.authentic(a) {
			return WrongDigests, nil
		}
		if e.clock == nil && !m.engine.inTime(p.Boots, p.Time, now) ||
			e.clock != nil && !e.clock.inTime(p.Boots, p.Time, now) {
			return NotInTimeWindows, nil
		}
	}
	in.SecurityName = a.Name
	if !encrypted {
		in.ScopedPDU = in.Data
		return NoReport, nil
	}
	if !in.decrypt(a) {
		return DecryptionErrors, nil
	}
	return NoReport, nil
}

// authentic compares the message's MAC.
func (in *Incoming) authentic(a *account) bool {
	mac := in.Parsed.Authentication
	if len(mac) != a.Auth.MACSize() {
		return false
	}
	sum := a.mac(in.sum[:0], in.Message, in.offset(mac), len(mac))
	return subtle.ConstantTimeCompare(sum[:len(mac)], mac) == 1
}

// refuse does the work of authentic for a user that there is not.
func (m *Model) refuse(in *Incoming) {
	if a := m.strangers[len(in.Parsed.Authentication)]; a != nil {
		in.authentic(a)
	}
}

// offset returns where a part of the message begins in it: both end with the same
// memory.
func (in *Incoming) offset(part []byte) int {
	at := cap(in.Message) - cap(part)
	if at < 0 || at+len(part) > len(in.Message) || &in.Message[at] != &part[0] {
		panic("usm: Parameters is no part of Message")
	}
	return at
}

// decrypt finds the ScopedPDU in msgData, whichever way the key was extended in.
func (in *Incoming) decrypt(a *account) bool {
	p := &in.Parsed
	if len(p.Privacy) != saltSize || len(in.Data) == 0 || a.Priv == DES && len(in.Data)%des.BlockSize != 0 {
		return false
	}
	if cap(in.plain) < len(in.Data) || cap(in.plain) > most && len(in.Data) <= most {
		in.plain = make([]byte, len(in.Data))
	}
	in.plain = in.plain[:len(in.Data)]
	in.sibling = a.sibling != nil && a.bySibling.Load()
	in.encryption.begin(a, in.sibling, p.Boots, p.Time, p.Privacy)
	if a.sibling == nil {
		in.encryption.decrypt(in.plain, in.Data)
		return in.scoped()
	}
	// The first octets tell whether it is the key.
	first := min(len(in.Data), len(in.encryption.iv))
	in.encryption.decrypt(in.plain[:first], in.Data[:first])
	if !beginsScopedPDU(in.plain[:first], len(in.plain)) {
		in.sibling = !in.sibling
		in.encryption.begin(a, in.sibling, p.Boots, p.Time, p.Privacy)
	}
	in.encryption.decrypt(in.plain, in.Data)
	if !in.scoped() {
		return false
	}
	if a.bySibling.Load() != in.sibling {
		a.bySibling.Store(in.sibling)
	}
	return true
}

// scoped finds the ScopedPDU in what was decrypted; what follows it is padding.
func (in *Incoming) scoped() bool {
	if !beginsScopedPDU(in.plain, len(in.plain)) {
		return false
	}
	d := ber.Decoder{Rest: in.plain}
	in.ScopedPDU = d.Content("ScopedPDU", ber.Sequence)
	return d.Err == nil
}

// beginsScopedPDU reports whether octets of which b are the first and all is the number
// can be a ScopedPDU: a SEQUENCE that fits, of which the first element is an OCTET STRING.
func beginsScopedPDU(b []byte, all int) bool {
	header, content, problem := ber.Header(b)
	return problem == "" && b[0] == ber.Sequence && header+content <= all &&
		(len(b) <= header || b[header] == ber.OctetString)
}
