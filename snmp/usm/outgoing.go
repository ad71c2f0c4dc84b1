package usm

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

// Outgoing is a message that is being secured (RFC 3414, section 3.1). Model.Answer,
// Model.Report or Model.Originate begin one; then Wrap puts the security parameters in
// front of the data, and Sign writes the MAC once the message is whole. It is memory for
// one message after the other, of one goroutine.
type Outgoing struct {
	engineID, name []byte
	level          Level
	boots, time    int32
	account        *account
	sibling        bool // how the key is extended
	salt           [saltSize]byte
	mac            int // from the end of the message, 0 for none
	memory         [maxEngineID + maxName]byte
	encryption     encryption
	sum            [maxMAC]byte
}

// Answer begins the answer to a message that was accepted, at the message's level.
func (m *Model) Answer(out *Outgoing, in *Incoming, now time.Time) {
	m.reply(out, in, in.Level, now)
}

// Report begins the Report-PDU to a message that was refused, at the report's level.
func (m *Model) Report(out *Outgoing, in *Incoming, r Report, now time.Time) {
	m.reply(out, in, r.Level(), now)
}

func (m *Model) reply(out *Outgoing, in *Incoming, level Level, now time.Time) {
	out.names(string(m.engine.id), in.Parsed.UserName)
	out.boots, out.time = m.engine.boots, m.engine.Time(now)
	out.begin(m, in.account, in.sibling, level)
}

// Originate begins a message that nobody asked for, of a user of the engine that is
// authoritative for it: this one for a trap, the receiver's for an inform (RFC 3414, section
// 1.5.1). The error says that there is no such user, or not at that level.
func (m *Model) Originate(out *Outgoing, engine EngineID, user string, level Level, now time.Time) error {
	e := m.users.Load().engines[string(engine)]
	if e == nil || e.accounts[user] == nil {
		return fmt.Errorf("engine %s has no user %q", engine, shorten(user))
	}
	a := e.accounts[user]
	if level > a.Level() {
		return fmt.Errorf("user %q has no level above %s", user, a.Level())
	}
	out.boots, out.time = m.engine.boots, m.engine.Time(now)
	if e.clock != nil {
		out.boots, out.time = e.clock.now(now)
	}
	out.names(string(engine), []byte(user))
	out.begin(m, a, a.sibling != nil && a.bySibling.Load(), level)
	return nil
}

// Discover begins a message that asks an engine for its name (RFC 3414, section 4).
func (m *Model) Discover(out *Outgoing) {
	out.names("", nil)
	out.boots, out.time = 0, 0
	out.begin(m, nil, false, NoAuthNoPriv)
}

// names copies what may be gone when the message is made.
func (out *Outgoing) names(engine string, user []byte) {
	n := copy(out.memory[:maxEngineID], engine)
	out.engineID = out.memory[:n]
	n = copy(out.memory[maxEngineID:], user)
	out.name = out.memory[maxEngineID : maxEngineID+n]
}

func (out *Outgoing) begin(m *Model, a *account, sibling bool, level Level) {
	out.account, out.sibling, out.level = a, sibling, level
	if level < AuthPriv {
		return
	}
	salt := m.salts.Add(1)
	if a.Priv == DES {
		// Boots of the engine that makes it, and a number (RFC 3414, section
		// 8.1.1.1).
		salt = uint64(uint32(m.engine.boots))<<32 | salt&0xffffffff
	}
	binary.BigEndian.PutUint64(out.salt[:], salt)
}

// Level returns the level of the message.
func (out *Outgoing) Level() Level { return out.level }

// sizes returns the lengths of msgAuthenticationParameters, of msgPrivacyParameters and
// of the content of UsmSecurityParameters.
func (out *Outgoing) sizes() (mac, salt, content int) {
	if out.level >= AuthNoPriv {
		mac = out.account.Auth.MACSize()
	}
	if out.level == AuthPriv {
		salt = saltSize
	}
	content = ber.ElementSize(len(out.engineID)) + ber.IntegerElementSize(out.boots) + ber.IntegerElementSize(out.time) +
		ber.ElementSize(len(out.name)) + ber.ElementSize(mac) + ber.ElementSize(salt)
	return mac, salt, content
}

// Size returns how many octets msgSecurityParameters and msgData take, as Wrap makes them
// of a ScopedPDU with so many.
func (out *Outgoing) Size(scopedPDU int) int {
	_, _, content := out.sizes()
	size := ber.ElementSize(ber.ElementSize(content))
	if out.level == AuthPriv {
		return size + ber.ElementSize(out.account.padded(scopedPDU))
	}
	return size + scopedPDU
}

// Wrap makes msgData of the ScopedPDU in buf[at:end], which is encrypted in place where the
// level is authPriv, and writes msgSecurityParameters in front of it. It returns where the two
// begin and end. Behind end buf has room for Padding octets more.
func (out *Outgoing) Wrap(buf []byte, at, end int) (begin, newEnd int) {
	if out.level == AuthPriv {
		padded := at + out.account.padded(end-at)
		clear(buf[end:padded])
		end = padded
		out.encryption.begin(out.account, out.sibling, out.boots, out.time, out.salt[:])
		out.encryption.encrypt(buf[at:end])
		at = ber.PrependHeader(buf, at, ber.OctetString, end-at)
	}
	mac, salt, _ := out.sizes()
	last := at
	at -= salt
	copy(buf[at:], out.salt[:salt])
	at = ber.PrependHeader(buf, at, ber.OctetString, salt)
	at -= mac
	clear(buf[at : at+mac])
	out.mac = end - at
	at = ber.PrependHeader(buf, at, ber.OctetString, mac)
	at = prependOctets(buf, at, out.name)
	at = ber.PrependInteger(buf, at, out.time)
	at = ber.PrependInteger(buf, at, out.boots)
	at = prependOctets(buf, at, out.engineID)
	at = ber.PrependHeader(buf, at, ber.Sequence, last-at)
	at = ber.PrependHeader(buf, at, ber.OctetString, last-at)
	return at, end
}

func prependOctets(buf []byte, at int, octets []byte) int {
	at -= len(octets)
	copy(buf[at:], octets)
	return ber.PrependHeader(buf, at, ber.OctetString, len(octets))
}

// Sign writes the MAC into the message, which ends where Wrap said. It does nothing
// where the level has none.
func (out *Outgoing) Sign(message []byte) {
	if out.level < AuthNoPriv {
		return
	}
	n := out.account.Auth.MACSize()
	at := len(message) - out.mac
	copy(message[at:at+n], out.account.mac(out.sum[:0], message, at, n))
}
