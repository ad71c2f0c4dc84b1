package snmp

import (
	"log/slog"
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// incoming is a message as its message processing model took it apart. It is memory
// for one message after the other.
type incoming struct {
	message []byte // all of it
	source  netip.Addr
	from    netip.AddrPort // source and port, which is 0 where nothing is sent twice
	model   messageModel

	v1      bool // its PDUs are RFC 1157's, not RFC 3416's
	who     Principal
	maxSize int // the most octets that its sender takes, 0 for any number
	pduType byte
	pdu     []byte // content

	// The PDU as a Report tells of it, where it is known.
	pduKnown  bool
	requestID int32

	community []byte // of a community message
	v3        v3Incoming
}

func (in *incoming) begin(message []byte, from netip.AddrPort) {
	in.message, in.source, in.from, in.model = message, from.Addr(), from, nil
	in.maxSize, in.pduKnown, in.requestID = 0, false, 0
}

// verdict is what becomes of a message (RFC 3412, section 4.2.2).
type verdict uint8

const (
	accept verdict = iota
	drop           // and count
	report         // count, and tell who sent it, where its version has Reports
)

// outcome is a verdict, with what is counted of a message that is not accepted, and
// why.
type outcome struct {
	verdict verdict
	counter enginemib.Counter
	why     string
	detail  slog.Attr
}

var accepted = outcome{}

// malformed is the outcome of what cannot be decoded.
func malformed(err error) outcome {
	return outcome{drop, enginemib.InASNParseErrs, "message cannot be decoded", slog.Any("error", err)}
}

// messageModel is a message processing model (RFC 3411, section 3.1.1.3): it
// knows the form of one version's messages, and has a security model see them whole,
// those that come in before they are taken apart any further and those that go out when
// all else of them is written.
type messageModel interface {
	// prepareDataElements takes apart in.message, of which d has what follows
	// the version (RFC 3411, section 4.2.2).
	prepareDataElements(d *ber.Decoder, in *incoming) outcome
	// headroom is how much room there has to be in front of an answer's PDU.
	headroom(in *incoming) int
	// responseSize returns the size of the message that answers in with a PDU
	// of that size.
	responseSize(in *incoming, pdu int) int
	// prepareResponse makes the message that answers in of the PDU that is
	// buf[at:], behind which there is tailroom (RFC 3411, section 4.2.3).
	prepareResponse(in *incoming, buf []byte, at int) []byte
	// report returns the message that tells who sent in of a counter; nil where
	// there is no such message, or it is not asked for. It may use buf's memory.
	report(in *incoming, counter enginemib.Counter, value uint64, buf []byte) []byte
}

// tailroom is how much capacity there is behind what a model makes a message of.
const tailroom = usm.Padding

// outgoingModel is a message processing model of messages that nobody asked for.
type outgoingModel interface {
	// prepareOutgoing is prepareResponse for a message to a target (RFC 3411, section 4.2.1).
	prepareOutgoing(to *Target, buf []byte, at int) []byte
	// matches takes apart, as prepareDataElements does, what came from a
	// target. It reports false for what a target would not send.
	matches(d *ber.Decoder, from *Target) (pduType byte, pdu []byte, ok bool)
}

// communityMessages is the message processing model of SNMPv1 and SNMPv2c,
// whose messages differ in their version only (RFC 3584, section 5.2).
type communityMessages struct {
	version  Version
	security *communityModel
}

func (m *communityMessages) prepareDataElements(d *ber.Decoder, in *incoming) outcome {
	in.v1 = m.version == SNMPv1
	in.community = d.Content("community", ber.OctetString)
	in.pduType, in.pdu = d.Element("data")
	d.End("Message")
	if d.Err != nil {
		return malformed(d.Err)
	}
	c := m.security.find(in.community, in.source)
	if c == nil {
		return outcome{verdict: drop, counter: enginemib.InBadCommunityNames, why: "community is unknown, or not let in from there"}
	}
	in.who = Principal{Model: CommunityV2c, Name: c.securityName, Level: usm.NoAuthNoPriv, Context: c.context, write: c.write}
	if in.v1 {
		in.who.Model = CommunityV1
	}
	return accepted
}

// pduHeadroom is how much room the headers of a PDU take at most, and those of a
// community message besides its community.
const pduHeadroom = 64

func (m *communityMessages) headroom(in *incoming) int { return pduHeadroom + len(in.community) }

func (m *communityMessages) responseSize(in *incoming, pdu int) int {
	return ber.ElementSize(ber.IntegerElementSize(m.version.Number()) + ber.ElementSize(len(in.community)) + pdu)
}

func (m *communityMessages) prepareResponse(in *incoming, buf []byte, at int) []byte {
	return m.prepend(in.community, buf, at)
}

// report returns nothing: there are no Reports in these versions.
func (m *communityMessages) report(*incoming, enginemib.Counter, uint64, []byte) []byte { return nil }

func (m *communityMessages) prepareOutgoing(to *Target, buf []byte, at int) []byte {
	return m.prepend([]byte(to.Community), buf, at)
}

func (m *communityMessages) prepend(community, buf []byte, at int) []byte {
	end := len(buf)
	at -= len(community)
	copy(buf[at:], community)
	at = ber.PrependHeader(buf, at, ber.OctetString, len(community))
	at = ber.PrependInteger(buf, at, m.version.Number())
	return buf[ber.PrependHeader(buf, at, ber.Sequence, end-at):]
}

func (m *communityMessages) matches(d *ber.Decoder, from *Target) (pduType byte, pdu []byte, ok bool) {
	community := d.Content("community", ber.OctetString)
	pduType, pdu = d.Element("data")
	d.End("Message")
	return pduType, pdu, d.Err == nil && string(community) == from.Community
}
