package snmp

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// v3Outgoing is the message processing model of SNMPv3 towards one target (RFC 3412,
// sections 7.1 and 7.2). Of a trap the engine here is authoritative, and nothing need be
// known of who receives it. Of an inform the receiver is: its engine ID is asked for first, and
// what time it is there follows from its Report to the first authentic message (RFC 3414,
// section 4).
type v3Outgoing struct {
	to *Target
	// users are those of the agent; security has one alone, the target's at the
	// authoritative engine.
	users, security *usm.Model
	authoritative   usm.EngineID // "" while it is not known
	user            usm.User     // in security
	discovery       int32        // msgID of the last message that asked for the engine, or 0

	out usm.Outgoing
	in  usm.Incoming
}

func newV3Outgoing(to *Target, users *usm.Model) *v3Outgoing {
	m := &v3Outgoing{to: to, users: users, security: users.Apart(), authoritative: to.V3.EngineID}
	if !to.Inform {
		m.authoritative = users.Engine().ID()
	}
	return m
}

// room lets a first inform find out what time it is there, and the others wait for it.
func (m *v3Outgoing) room() int {
	switch {
	case m.authoritative == "":
		return 0
	case m.to.V3.Level >= usm.AuthNoPriv && !m.security.Heard(m.authoritative):
		return 1
	}
	return maxOutstanding
}

// newMsgID returns a number that messages of the last minutes hardly have, and nobody
// guesses.
func newMsgID() int32 { return 1 + rand.Int32N(math.MaxInt32) }

// discover is RFC 3414, section 4, step 1.
func (m *v3Outgoing) discover() []byte {
	buf := make([]byte, v3Headroom, v3Headroom+64)
	at := len(buf)
	buf = slices.Grow(appendNotificationPDU(buf, ber.GetRequest, 0, nil), tailroom)
	m.security.Discover(&m.out)
	m.discovery = newMsgID()
	return sealV3(&m.out, m.discovery, flagReportable, "", "", buf, at)
}

func (m *v3Outgoing) headroom(of scope) int {
	return v3Headroom + len(m.contextEngineID()) + len(m.context(of))
}

// context is whose variables are told.
func (m *v3Outgoing) context(of scope) string {
	if of.context == "" {
		return m.to.V3.Context
	}
	return of.context
}

// contextEngineID is the engine here, which has what is told (RFC 3413, section 3.3).
func (m *v3Outgoing) contextEngineID() string {
	if id := m.to.V3.ContextEngineID; id != "" {
		return string(id)
	}
	return string(m.users.Engine().ID())
}

// prepareOutgoing is RFC 3412, section 7.1.
func (m *v3Outgoing) prepareOutgoing(of scope, buf []byte, at int) ([]byte, int32, error) {
	if err := m.identify(); err != nil {
		return nil, 0, err
	}
	if err := m.security.Originate(&m.out, m.authoritative, m.user.Name, m.to.V3.Level, time.Now()); err != nil {
		return nil, 0, err
	}
	flags := byte(0)
	if m.to.Inform {
		flags = flagReportable
	}
	id := newMsgID()
	return sealV3(&m.out, id, flags, m.contextEngineID(), m.context(of), slices.Grow(buf, tailroom), at), id, nil
}

// identify finds the user at the authoritative engine: the one that the target has secrets
// of, or else the agent's of that name, which may have changed.
func (m *v3Outgoing) identify() error {
	who, engine := &m.to.V3.User, m.authoritative
	if !m.to.V3.named() && m.to.V3.Level >= usm.AuthNoPriv {
		u, ok := m.users.User(engine, who.Name)
		if !ok {
			return fmt.Errorf("there is no key of user %q for engine %s", who.Name, engine)
		}
		return m.become(u)
	}
	if m.user.EngineID == engine {
		return nil
	}
	u, err := who.Localize(engine)
	if err != nil {
		return err
	}
	return m.become(u)
}

func (m *v3Outgoing) become(u usm.User) error {
	if u == m.user {
		return nil
	}
	if err := m.security.SetUsers([]usm.User{u}); err != nil {
		return err
	}
	m.user = u
	return nil
}

var (
	errNotAsked    = errors.New("it answers nothing that waits")
	errOfAnother   = errors.New("it is of another engine, user, level or context")
	errNotBelieved = errors.New("a Report that nobody vouches for cannot say so")
)

// passed is the reply that says nothing.
func passed(counter enginemib.Counter, err error) reply {
	return reply{outcome: outcome{drop, counter, "it is no answer", slog.Any("error", err)}}
}

// receive is RFC 3412, section 7.2, for Responses and Reports.
func (m *v3Outgoing) receive(d *ber.Decoder, message []byte, waits func(id int32) (scope, bool)) reply {
	var h v3Header
	if out := h.parse(d); out.verdict != accept {
		return reply{outcome: out}
	}
	of, waiting := waits(h.msgID)
	if h.msgID == 0 || h.msgID != m.discovery && !waiting {
		return passed(enginemib.UnknownPDUHandlers, errNotAsked)
	}
	in := &m.in
	h.secure(in, message)
	var s scopedPDU
	if h.level == usm.NoAuthNoPriv && h.tag == ber.Sequence {
		// A Report that refuses a message can be authentic only where time is concerned.
		if err := in.Parsed.Parse(h.parameters); err != nil {
			return reply{outcome: malformed(err)}
		}
		if err := s.parse(h.data); err != nil {
			return reply{outcome: malformed(err)}
		}
		if s.kind == ber.Report {
			return m.reported(h.msgID, &s, false)
		}
	}
	refused, err := m.security.ProcessIncoming(in, time.Now())
	if err != nil {
		return reply{outcome: malformed(err)}
	}
	if refused != usm.NoReport {
		return passed(reports[refused], errors.New(refused.String()))
	}
	if err := s.parse(in.ScopedPDU); err != nil {
		return reply{outcome: malformed(err)}
	}
	if s.kind == ber.Report {
		return m.reported(h.msgID, &s, true)
	}
	if in.SecurityName != m.user.Name || usm.EngineID(in.Parsed.EngineID) != m.authoritative || h.level != m.to.V3.Level ||
		string(s.contextEngineID) != m.contextEngineID() || string(s.contextName) != m.context(of) {
		return passed(enginemib.UnknownPDUHandlers, errOfAnother)
	}
	return reply{id: h.msgID, pduType: s.kind, pdu: s.pdu}
}

// reported says what follows from a Report to a message.
func (m *v3Outgoing) reported(id int32, s *scopedPDU, authentic bool) reply {
	which, err := reportOf(s.pdu)
	if err != nil {
		return reply{outcome: malformed(err)}
	}
	switch {
	case which == usm.UnknownEngineIDs:
		return m.discovered(id, usm.EngineID(m.in.Parsed.EngineID))
	case id == m.discovery:
		return passed(enginemib.UnknownPDUHandlers, errors.New(which.String()))
	case which == usm.NotInTimeWindows && authentic:
		return reply{id: id, again: true} // the model has learnt what time it is there
	case which == usm.NotInTimeWindows:
		return passed(enginemib.UnknownPDUHandlers, errNotBelieved)
	case which == usm.NoReport:
		return reply{id: id, refusal: "for a reason that is not known here"}
	}
	return reply{id: id, refusal: which.String() + ": " + refusals[which]}
}

// refusals say what a receiver means by a Report.
var refusals = [usm.Reports + 1]string{
	usm.UnsupportedSecLevels: "it has the user, but not at that level",
	usm.UnknownUserNames:     "it does not have the user",
	usm.WrongDigests:         "it has another authentication key or protocol of the user",
	usm.DecryptionErrors:     "it has another privacy key or protocol of the user",
}

// discovered takes the engine that a receiver says it is.
func (m *v3Outgoing) discovered(id int32, is usm.EngineID) reply {
	if err := is.Check(); err != nil {
		return passed(enginemib.InASNParseErrs, err)
	}
	if want := m.to.V3.EngineID; want != "" && is != want {
		return reply{id: id, refusal: fmt.Sprintf("it is engine %s, not %s", is, want)}
	}
	m.authoritative = is
	if id == m.discovery {
		m.discovery = 0
		return reply{discovered: true}
	}
	return reply{id: id, again: true}
}

// reportOf returns which counter of RFC 3414 a Report-PDU tells, NoReport for any other.
func reportOf(content []byte) (usm.Report, error) {
	var d pduDecoder
	p, err := d.decode(ber.Report, content, false, anyNumber)
	if err != nil {
		return usm.NoReport, err
	}
	for _, n := range p.names {
		for r := usm.UnsupportedSecLevels; int(r) <= usm.Reports; r++ {
			if n.oid == r.OID() {
				return r, nil
			}
		}
	}
	return usm.NoReport, nil
}
