package usm

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// EngineID is an snmpEngineID: 5 to 32 octets (RFC 3411, section 5).
type EngineID string

const (
	minEngineID = 5
	maxEngineID = 32
)

// ParseEngineID parses hexadecimal digits, "0x80001f88...", as exactEngineID and the
// -e of createUser have them; "0x" may be left out. The error says that s is not hexadecimal, or
// what Check says.
func ParseEngineID(s string) (EngineID, error) {
	digits := s
	if len(s) >= 2 && strings.EqualFold(s[:2], "0x") {
		digits = s[2:]
	}
	octets, err := hex.DecodeString(digits)
	if err != nil {
		return "", fmt.Errorf("engine ID %q is not an even number of hexadecimal digits", shorten(s))
	}
	id := EngineID(octets)
	return id, id.Check()
}

// shorten keeps messages short, whatever was given.
func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	return s[:80] + "..."
}

// Check says what is wrong with an engine ID.
func (id EngineID) Check() error {
	if n := len(id); n < minEngineID || n > maxEngineID {
		return fmt.Errorf("an engine ID has %d to %d octets, not %d", minEngineID, maxEngineID, n)
	}
	if strings.Count(string(id), "\x00") == len(id) || strings.Count(string(id), "\xff") == len(id) {
		return errors.New("an engine ID is neither all zeros nor all ones")
	}
	return nil
}

// String returns "0x" and hexadecimal digits.
func (id EngineID) String() string { return "0x" + hex.EncodeToString([]byte(id)) }

// Enterprise and format of engine IDs (RFC 3411, SnmpEngineID). The enterprise is
// net-snmp's, whose objects this agent has.
const (
	enterprise  = "\x80\x00\x1f\x88"
	formatText  = '\x04'
	formatOctet = '\x05'
)

// TextEngineID returns the engine ID that net-snmp's engineID directive makes of a
// text of 1 to 27 octets. A text of another length is an error.
func TextEngineID(text string) (EngineID, error) {
	if n := len(text); n == 0 || n > maxEngineID-minEngineID {
		return "", fmt.Errorf("the text of an engine ID has 1 to %d octets, not %d", maxEngineID-minEngineID, n)
	}
	return EngineID(enterprise + string(formatText) + text), nil
}

// NewEngineID returns an engine ID of this machine's, of which machine is the
// identity (what /etc/machine-id has), and of chance: agents of one machine have
// each their own, and one whose memory is lost does not come back under a name that
// managers remember with another number of boots. Machine does not follow from it.
func NewEngineID(machine []byte) EngineID {
	chance := make([]byte, sha256.Size)
	_, _ = rand.Read(chance) // which never fails
	return EngineID(enterprise + string(formatOctet) + string(fingerprint(machine, string(chance))[:12]))
}

// fingerprint tells machines apart without giving their identities away.
func fingerprint(machine []byte, purpose string) []byte {
	h := hmac.New(sha256.New, machine)
	h.Write([]byte("netsnmp-agent " + purpose))
	return h.Sum(nil)
}
