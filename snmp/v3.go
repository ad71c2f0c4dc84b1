package snmp

import (
	"log/slog"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// v3Messages is the message processing model of SNMPv3 (RFC 3412, section 7).
type v3Messages struct {
	security *usm.Model
}

// v3Incoming is what an incoming message of SNMPv3 has besides.
type v3Incoming struct {
	msgID           int32
	reportable      bool
	contextEngineID []byte
	security        usm.Incoming
	refused         usm.Report
	// answer is what secures the answer; it is begun once the message is accepted.
	answer usm.Outgoing
}

// flagReportable is the bit of msgFlags by which the sender of a message waits for an
// answer, be it a Report (RFC 3412, section 6.4).
const flagReportable = 4

// v3Headroom is how much room what stands in front of a PDU takes at most, besides
// contextEngineID and contextName: header and security parameters.
const v3Headroom = pduHeadroom + 320

// localEngineID stands for the engine that is asked, whatever it is called (RFC 5343,
// section 3.2).
const localEngineID = "\x80\x00\x00\x00\x06"

// v3Header is what a message has in front of its data, taken apart, and where that is.
type v3Header struct {
	msgID, maxSize int32
	flags          byte
	level          usm.Level
	parameters     []byte // the content of msgSecurityParameters
	tag            byte   // of msgData
	data           []byte // its content
}

// parse takes apart what follows the version.
func (h *v3Header) parse(d *ber.Decoder) outcome {
	header := d.Enter("msgGlobalData", ber.Sequence)
	h.msgID = header.Integer("msgID")
	h.maxSize = header.Integer("msgMaxSize")
	flags := header.Content("msgFlags", ber.OctetString)
	model := SecurityModel(header.Integer("msgSecurityModel"))
	header.End("msgGlobalData")
	h.parameters = d.Content("msgSecurityParameters", ber.OctetString)
	h.tag, h.data = d.Element("msgData")
	d.End("SNMPv3Message")
	switch {
	case header.Err != nil:
		return malformed(header.Err)
	case d.Err != nil:
		return malformed(d.Err)
	case h.msgID < 0:
		return malformed(&ber.Error{Field: "msgID", Problem: ber.OutOfRange})
	case h.maxSize < minDatagram:
		return malformed(&ber.Error{Field: "msgMaxSize", Problem: ber.OutOfRange})
	case len(flags) != 1:
		return malformed(&ber.Error{Field: "msgFlags", Problem: ber.OutOfRange})
	case model < 1:
		return malformed(&ber.Error{Field: "msgSecurityModel", Problem: ber.OutOfRange})
	case model != UserBased:
		return outcome{drop, enginemib.UnknownSecurityModels, "its security model is not known", slog.Int("model", int(model))}
	}
	var ok bool
	h.flags = flags[0]
	if h.level, ok = usm.LevelOf(h.flags); !ok {
		return outcome{verdict: drop, counter: enginemib.InvalidMsgs, why: "it is to be encrypted without being authentic"}
	}
	return accepted
}

// secure gives the security model what it judges.
func (h *v3Header) secure(in *usm.Incoming, message []byte) {
	in.Message, in.Parameters = message, h.parameters
	in.Level, in.DataTag, in.Data = h.level, h.tag, h.data
}

// scopedPDU is a ScopedPDU taken apart.
type scopedPDU struct {
	contextEngineID, contextName []byte
	kind                         byte
	pdu                          []byte // its content
}

func (s *scopedPDU) parse(content []byte) error {
	d := ber.Decoder{Rest: content}
	s.contextEngineID = d.Content("contextEngineID", ber.OctetString)
	s.contextName = d.Content("contextName", ber.OctetString)
	s.kind, s.pdu = d.Element("data")
	d.End("ScopedPDU")
	return d.Err
}

// prepareDataElements is RFC 3412, section 7.2, in its order.
func (m *v3Messages) prepareDataElements(d *ber.Decoder, in *incoming) outcome {
	v := &in.v3
	in.v1, v.refused, v.contextEngineID = false, usm.NoReport, nil
	var h v3Header
	if out := h.parse(d); out.verdict != accept {
		return out
	}
	v.msgID, v.reportable = h.msgID, h.flags&flagReportable != 0
	in.maxSize = int(h.maxSize)

	h.secure(&v.security, in.message)
	now := time.Now()
	refused, err := m.security.ProcessIncoming(&v.security, now)
	if err != nil {
		return malformed(err)
	}
	if refused != usm.NoReport {
		v.refused = refused
		if h.tag == ber.Sequence {
			in.look(h.data)
		}
		m.security.Report(&v.answer, &v.security, refused, now)
		return outcome{verdict: report, counter: reports[refused], why: refused.String()}
	}

	var s scopedPDU
	if err := s.parse(v.security.ScopedPDU); err != nil {
		return malformed(err)
	}
	v.contextEngineID = s.contextEngineID
	in.pduType, in.pdu = s.kind, s.pdu
	if string(s.contextName) != in.who.Context { // or it is copied for nothing
		in.who.Context = string(s.contextName)
	}
	in.who = Principal{Model: UserBased, Name: v.security.SecurityName, Level: h.level, Context: in.who.Context}
	m.security.Answer(&v.answer, &v.security, now)
	here := m.here()
	if of := v.contextEngineID; string(v.security.Parsed.EngineID) != here ||
		len(of) > 0 && string(of) != here && string(of) != localEngineID {
		in.look(v.security.ScopedPDU)
		return outcome{verdict: report, counter: enginemib.UnknownPDUHandlers, why: "it is for another engine"}
	}
	return accepted
}

// reports are the counters of usm's Reports.
var reports = [usm.Reports + 1]enginemib.Counter{
	usm.UnsupportedSecLevels: enginemib.UnsupportedSecLevels, usm.NotInTimeWindows: enginemib.NotInTimeWindows,
	usm.UnknownUserNames: enginemib.UnknownUserNames, usm.UnknownEngineIDs: enginemib.UnknownEngineIDs,
	usm.WrongDigests: enginemib.WrongDigests, usm.DecryptionErrors: enginemib.DecryptionErrors,
}

// look finds what a Report tells of the PDU that it is about, in the content of a
// ScopedPDU that nobody vouches for.
func (in *incoming) look(scopedPDU []byte) {
	scoped := ber.Decoder{Rest: scopedPDU}
	scoped.Content("contextEngineID", ber.OctetString)
	scoped.Content("contextName", ber.OctetString)
	kind, content := scoped.Element("data")
	pdu := ber.Decoder{Rest: content, Err: scoped.Err}
	id := pdu.Integer("request-id")
	if pdu.Err == nil {
		in.seen(kind, id)
	}
}

// seen notes the PDU of the message.
func (in *incoming) seen(kind byte, requestID int32) {
	in.pduType, in.requestID, in.pduKnown = kind, requestID, true
}

// isConfirmed reports whether PDUs of that type are answered (RFC 3411, section 2.8).
func isConfirmed(kind byte) bool {
	switch kind {
	case ber.GetRequest, ber.GetNextRequest, ber.GetBulkRequest, ber.SetRequest, ber.InformRequest:
		return true
	}
	return false
}

func (m *v3Messages) headroom(in *incoming) int {
	return v3Headroom + len(in.v3.contextEngineID) + len(in.who.Context)
}

func (m *v3Messages) responseSize(in *incoming, pdu int) int {
	v := &in.v3
	scoped := ber.ElementSize(ber.ElementSize(len(m.scope(v))) + ber.ElementSize(len(in.who.Context)) + pdu)
	header := ber.ElementSize(ber.IntegerElementSize(v.msgID) + ber.IntegerElementSize(maxDatagram) +
		ber.ElementSize(1) + ber.IntegerElementSize(int32(UserBased)))
	return ber.ElementSize(ber.IntegerElementSize(SNMPv3.Number()) + header + v.answer.Size(scoped))
}

// scope returns the contextEngineID of an answer: the request's, or where it had none
// the engine's.
func (m *v3Messages) scope(v *v3Incoming) string {
	if string(v.contextEngineID) == localEngineID {
		return localEngineID
	}
	return m.here()
}

// here is the engine's own snmpEngineID.
func (m *v3Messages) here() string { return string(m.security.Engine().ID()) }

func (m *v3Messages) prepareResponse(in *incoming, buf []byte, at int) []byte {
	return sealV3(&in.v3.answer, in.v3.msgID, 0, m.scope(&in.v3), in.who.Context, buf, at)
}

// sealV3 makes the message around a PDU that is buf[at:]. Flags are those beside the level's.
func sealV3(out *usm.Outgoing, msgID int32, flags byte, contextEngineID, contextName string, buf []byte, at int) []byte {
	end := len(buf)
	for _, octets := range [...]string{contextName, contextEngineID} {
		at -= len(octets)
		copy(buf[at:], octets)
		at = ber.PrependHeader(buf, at, ber.OctetString, len(octets))
	}
	at = ber.PrependHeader(buf, at, ber.Sequence, end-at)
	buf = buf[:end+usm.Padding]
	at, end = out.Wrap(buf, at, end)
	last := at
	at = ber.PrependInteger(buf, at, int32(UserBased))
	at--
	buf[at] = out.Level().Flags() | flags
	at = ber.PrependHeader(buf, at, ber.OctetString, 1)
	at = ber.PrependInteger(buf, at, maxDatagram)
	at = ber.PrependInteger(buf, at, msgID)
	at = ber.PrependHeader(buf, at, ber.Sequence, last-at)
	at = ber.PrependInteger(buf, at, SNMPv3.Number())
	message := buf[ber.PrependHeader(buf, at, ber.Sequence, end-at):end]
	out.Sign(message)
	return message
}

// report is RFC 3412, section 7.1, step 3. Where the PDU is known, its class says
// whether a Report is due, and otherwise the flag (section 6.4).
func (m *v3Messages) report(in *incoming, counter enginemib.Counter, value uint64, buf []byte) []byte {
	v := &in.v3
	if in.pduKnown && !isConfirmed(in.pduType) || !in.pduKnown && !v.reportable {
		return nil
	}
	buf = append(buf[:0], make([]byte, v3Headroom)...)
	at := len(buf)
	buf, pdu := ber.Open(buf, ber.Report)
	buf = ber.AppendInteger(buf, ber.Integer, int64(in.requestID))
	buf = ber.AppendInteger(buf, ber.Integer, 0) // error-status
	buf = ber.AppendInteger(buf, ber.Integer, 0) // error-index
	buf, list := ber.Open(buf, ber.Sequence)
	buf = ber.AppendBinding(buf, counter.OID(), mib.OID{}, mib.Count32(value))
	buf = ber.Close(ber.Close(buf, list), pdu)
	buf = slices.Grow(buf, tailroom)
	return sealV3(&v.answer, v.msgID, 0, m.here(), "", buf, at)
}
