package usm

import (
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Report says why a message is refused, as a Report-PDU tells who sent it (RFC 3414,
// section 3.2).
type Report uint8

// The reports, each named after the counter that goes up. NoReport is none.
const (
	NoReport             Report = iota
	UnsupportedSecLevels        // the user has no such level
	NotInTimeWindows            // boots and time are not those of the engine, by more than 150 s
	UnknownUserNames            // the engine has no such user
	UnknownEngineIDs            // the message is for another engine, or for none: discovery
	WrongDigests                // the MAC is wrong
	DecryptionErrors            // what comes out of decryption is no ScopedPDU
)

// Reports is how many counters there are, which are numbered from 1.
const Reports = int(DecryptionErrors)

// UsmStats is the group of the counters: usmStats.
func UsmStats() mib.OID { return mib.MakeOID(1, 3, 6, 1, 6, 3, 15, 1, 1) }

// OID returns the name of the counter's instance, as a Report-PDU has it.
func (r Report) OID() mib.OID { return UsmStats().Sub(uint32(r), 0) }

// Level returns the level at which the report itself is sent. That a message is out of
// its time is told to somebody who is known by then, and must be believed.
func (r Report) Level() Level {
	if r == NotInTimeWindows {
		return AuthNoPriv
	}
	return NoAuthNoPriv
}

var reportNames = [...]string{
	NoReport: "none", UnsupportedSecLevels: "usmStatsUnsupportedSecLevels",
	NotInTimeWindows: "usmStatsNotInTimeWindows", UnknownUserNames: "usmStatsUnknownUserNames",
	UnknownEngineIDs: "usmStatsUnknownEngineIDs", WrongDigests: "usmStatsWrongDigests",
	DecryptionErrors: "usmStatsDecryptionErrors",
}

// String returns the counter's descriptor, such as "usmStatsWrongDigests".
func (r Report) String() string {
	if int(r) < len(reportNames) {
		return reportNames[r]
	}
	return fmt.Sprintf("Report(%d)", uint8(r))
}
