package snmp

import (
	"net/netip"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

// incoming is a message as its message processing model took it apart.
type incoming struct {
	v1         bool // its PDUs are RFC 1157's, not RFC 3416's
	parameters []byte
	who        principal
	pduType    byte
	pdu        []byte // content
}

// verdict is what becomes of a message that is not answered.
type verdict int

const (
	accepted verdict = iota
	malformed
	unknownCommunity
)

// messageModel is a message processing model (RFC 3411, section 3.1.1.3): it
// knows the form of one version's messages.
type messageModel interface {
	// prepareDataElements takes apart a message, of which d has what follows
	// the version (RFC 3411, section 4.2.2).
	prepareDataElements(d *ber.Decoder, source netip.Addr, in *incoming) verdict
	// responseSize returns the size of the message that answers in with a PDU
	// of that size.
	responseSize(in *incoming, pdu int) int
	// prepareResponse writes what stands in front of the PDU in buf[at:], and
	// returns where the message starts (RFC 3411, section 4.2.3).
	prepareResponse(in *incoming, buf []byte, at int) int
	// prepareOutgoing is prepareResponse for a message to a target that
	// nobody asked for (RFC 3411, section 4.2.1).
	prepareOutgoing(to *Target, buf []byte, at int) int
	// matches takes apart, as prepareDataElements does, what came from a
	// target. It reports false for what a target would not send.
	matches(d *ber.Decoder, from *Target) (pduType byte, pdu []byte, ok bool)
}

// communityMessages is the message processing model of SNMPv1 and SNMPv2c,
// whose messages differ in their version only (RFC 3584, section 5.2).
type communityMessages struct {
	version  Version
	security securityModel
}

func (m *communityMessages) prepareDataElements(d *ber.Decoder, source netip.Addr, in *incoming) verdict {
	in.v1 = m.version == SNMPv1
	in.parameters = d.Content("community", ber.OctetString)
	in.pduType, in.pdu = d.Element("data")
	d.End("Message")
	if d.Err != nil {
		return malformed
	}
	var ok bool
	if in.who, ok = m.security.processIncoming(in.parameters, source); !ok {
		return unknownCommunity
	}
	return accepted
}

func (m *communityMessages) responseSize(in *incoming, pdu int) int {
	return ber.ElementSize(ber.IntegerElementSize(int32(m.version)) + ber.ElementSize(len(in.parameters)) + pdu)
}

func (m *communityMessages) prepareResponse(in *incoming, buf []byte, at int) int {
	return m.prepend(in.parameters, buf, at)
}

func (m *communityMessages) prepareOutgoing(to *Target, buf []byte, at int) int {
	return m.prepend([]byte(to.Community), buf, at)
}

func (m *communityMessages) prepend(community, buf []byte, at int) int {
	end := len(buf)
	at -= len(community)
	copy(buf[at:], community)
	at = ber.PrependHeader(buf, at, ber.OctetString, len(community))
	at = ber.PrependInteger(buf, at, int32(m.version))
	return ber.PrependHeader(buf, at, ber.Sequence, end-at)
}

func (m *communityMessages) matches(d *ber.Decoder, from *Target) (pduType byte, pdu []byte, ok bool) {
	community := d.Content("community", ber.OctetString)
	pduType, pdu = d.Element("data")
	d.End("Message")
	return pduType, pdu, d.Err == nil && string(community) == from.Community
}
