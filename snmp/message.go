package snmp

import (
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// incoming is a message as its message processing model took it apart. It is memory
// for one message after the other.
type incoming struct {
	message []byte // all of it
	source  netip.Addr
	from    origin
	model   messageModel

	version Version
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

// origin is where a message came from.
type origin struct {
	netip.AddrPort
	stream bool // over a connection, on which nothing is sent twice
}

func (in *incoming) begin(message []byte, from origin) {
	in.message, in.source, in.from, in.model, in.version = message, from.Addr(), from, nil, protocol.VersionDefault
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

// scope is whose variables a notification tells: those of a context, "" for the default one, for which
// a community stands where there is no other name for it.
type scope struct{ context, community string }

// outgoingModel is a message processing model of messages that nobody asked for, to
// one target. One goroutine uses it.
type outgoingModel interface {
	// room is how many informs may wait for their acknowledgement at a time: 0 while
	// the target has to be discovered.
	room() int
	// discover returns a message that asks the target who it is.
	discover() []byte
	// headroom is how much room there has to be in front of a PDU.
	headroom(of scope) int
	// prepareOutgoing makes a message of the PDU that is buf[at:] (RFC 3411, section
	// 4.2.1), and returns the id by which its answers name it, where they do.
	prepareOutgoing(of scope, buf []byte, at int) (message []byte, id int32, err error)
	// receive takes apart what came from the target, of which d has what follows
	// the version. Waits tells whether an answer to a message is waited for, and what that was of.
	receive(d *ber.Decoder, message []byte, waits func(id int32) (scope, bool)) reply
}

// reply is what a message from a target means: an outcome other than accept that it is
// passed over.
type reply struct {
	outcome
	discovered bool  // who the target is; it answers no other message
	id         int32 // of the message that it answers, where it says
	again      bool  // that message is to be sent once more: more is known of the target by now
	refusal    string
	pduType    byte
	pdu        []byte // its content
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
	c, maxSize := m.security.find(in.community, in.from)
	if c == nil {
		return outcome{verdict: drop, counter: enginemib.InBadCommunityNames, why: "community is unknown, or not let in from there"}
	}
	in.maxSize = maxSize
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

func (m *communityMessages) prepend(community, buf []byte, at int) []byte {
	end := len(buf)
	at -= len(community)
	copy(buf[at:], community)
	at = ber.PrependHeader(buf, at, ber.OctetString, len(community))
	at = ber.PrependInteger(buf, at, m.version.Number())
	return buf[ber.PrependHeader(buf, at, ber.Sequence, end-at):]
}

// communityOutgoing is the message processing model of SNMPv1 and SNMPv2c towards one
// target.
type communityOutgoing struct {
	messages  communityMessages
	community string
	contexts  *atomic.Pointer[ContextCommunities]
}

func newCommunityOutgoing(to *Target, contexts *atomic.Pointer[ContextCommunities]) *communityOutgoing {
	return &communityOutgoing{communityMessages{version: to.Version}, string(to.Community), contexts}
}

func (m *communityOutgoing) communityOf(of scope) string {
	if of.context == "" {
		return m.community
	}
	return of.community
}

func (*communityOutgoing) room() int { return maxOutstanding }

func (*communityOutgoing) discover() []byte { return nil }

func (m *communityOutgoing) headroom(of scope) int { return pduHeadroom + len(m.communityOf(of)) }

func (m *communityOutgoing) prepareOutgoing(of scope, buf []byte, at int) ([]byte, int32, error) {
	return m.messages.prepend([]byte(m.communityOf(of)), buf, at), 0, nil
}

func (m *communityOutgoing) receive(d *ber.Decoder, _ []byte, _ func(int32) (scope, bool)) (r reply) {
	community := d.Content("community", ber.OctetString)
	r.pduType, r.pdu = d.Element("data")
	d.End("Message")
	switch {
	case d.Err != nil:
		return reply{outcome: malformed(d.Err)}
	case string(community) != m.community && !m.contexts.Load().has(community):
		return reply{outcome: outcome{verdict: drop, counter: enginemib.InBadCommunityNames, why: "its community is not the target's"}}
	}
	return r
}
