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

// prepareDataElements is RFC 3412, section 7.2, in its order.
func (m *v3Messages) prepareDataElements(d *ber.Decoder, in *incoming) outcome {
	v := &in.v3
	in.v1, v.refused, v.contextEngineID = false, usm.NoReport, nil
	header := d.Enter("msgGlobalData", ber.Sequence)
	v.msgID = header.Integer("msgID")
	maxSize := header.Integer("msgMaxSize")
	flags := header.Content("msgFlags", ber.OctetString)
	model := SecurityModel(header.Integer("msgSecurityModel"))
	header.End("msgGlobalData")
	parameters := d.Content("msgSecurityParameters", ber.OctetString)
	tag, data := d.Element("msgData")
	d.End("SNMPv3Message")
	switch {
	case header.Err != nil:
		return malformed(header.Err)
	case d.Err != nil:
		return malformed(d.Err)
	case v.msgID < 0:
		return malformed(&ber.Error{Field: "msgID", Problem: ber.OutOfRange})
	case maxSize < minDatagram:
		return malformed(&ber.Error{Field: "msgMaxSize", Problem: ber.OutOfRange})
	case len(flags) != 1:
		return malformed(&ber.Error{Field: "msgFlags", Problem: ber.OutOfRange})
	case model < 1:
		return malformed(&ber.Error{Field: "msgSecurityModel", Problem: ber.OutOfRange})
	case model != UserBased:
		return outcome{drop, enginemib.UnknownSecurityModels, "its security model is not known", slog.Int("model", int(model))}
	}
	level, ok := usm.LevelOf(flags[0])
	if !ok {
		return outcome{verdict: drop, counter: enginemib.InvalidMsgs, why: "it is to be encrypted without being authentic"}
	}
	in.maxSize, v.reportable = int(maxSize), flags[0]&flagReportable != 0

	v.security.Message, v.security.Parameters = in.message, parameters
	v.security.Level, v.security.DataTag, v.security.Data = level, tag, data
	now := time.Now()
	refused, err := m.security.ProcessIncoming(&v.security, now)
	if err != nil {
		return malformed(err)
	}
	if refused != usm.NoReport {
		v.refused = refused
		if tag == ber.Sequence {
			in.look(data)
		}
		m.security.Report(&v.answer, &v.security, refused, now)
		return outcome{verdict: report, counter: reports[refused], why: refused.String()}
	}

	scoped := ber.Decoder{Rest: v.security.ScopedPDU}
	v.contextEngineID = scoped.Content("contextEngineID", ber.OctetString)
	contextName := scoped.Content("contextName", ber.OctetString)
	in.pduType, in.pdu = scoped.Element("data")
	scoped.End("ScopedPDU")
	if scoped.Err != nil {
		return malformed(scoped.Err)
	}
	if string(contextName) != in.who.Context { // or it is copied for nothing
		in.who.Context = string(contextName)
	}
	in.who = Principal{Model: UserBased, Name: v.security.SecurityName, Level: level, Context: in.who.Context}
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
	return sealV3(&in.v3.answer, in.v3.msgID, m.scope(&in.v3), in.who.Context, buf, at)
}

// sealV3 makes the message around a PDU that is buf[at:].
func sealV3(out *usm.Outgoing, msgID int32, contextEngineID, contextName string, buf []byte, at int) []byte {
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
	buf[at] = out.Level().Flags()
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
	return sealV3(&v.answer, v.msgID, m.here(), "", buf, at)
}
