package snmp

import "net/netip"

// msgVersion values (RFC 1157, section 4; RFC 1901, section 3).
const (
	versionSNMPv1  = 0
	versionSNMPv2c = 1
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
	prepareDataElements(d *decoder, source netip.Addr, in *incoming) verdict
	// responseSize returns the size of the message that answers in with a PDU
	// of that size.
	responseSize(in *incoming, pdu int) int
	// prepareResponse writes what stands in front of the PDU in buf[at:], and
	// returns where the message starts (RFC 3411, section 4.2.3).
	prepareResponse(in *incoming, buf []byte, at int) int
}

// communityMessages is the message processing model of SNMPv1 and SNMPv2c,
// whose messages differ in their version only (RFC 3584, section 5.2).
type communityMessages struct {
	version  int32
	security securityModel
}

func (m *communityMessages) prepareDataElements(d *decoder, source netip.Addr, in *incoming) verdict {
	in.v1 = m.version == versionSNMPv1
	in.parameters = d.content("community", tagOctetString)
	in.pduType, in.pdu = d.element("data")
	d.end("Message")
	if d.err != nil {
		return malformed
	}
	var ok bool
	if in.who, ok = m.security.processIncoming(in.parameters, source); !ok {
		return unknownCommunity
	}
	return accepted
}

func (m *communityMessages) responseSize(in *incoming, pdu int) int {
	return elementSize(integerElementSize(m.version) + elementSize(len(in.parameters)) + pdu)
}

func (m *communityMessages) prepareResponse(in *incoming, buf []byte, at int) int {
	end := len(buf)
	at -= len(in.parameters)
	copy(buf[at:], in.parameters)
	at = prependHeader(buf, at, tagOctetString, len(in.parameters))
	at = prependInteger(buf, at, m.version)
	return prependHeader(buf, at, tagSequence, end-at)
}
