// Package enginemib declares what an SNMP engine counts: the snmp group of the
// SNMPv2-MIB (RFC 3418), with those of RFC 1213 that RFC 3418 calls obsolete and
// managers still draw, the SNMP-MPD-MIB (RFC 3412), the counters of the
// SNMP-TARGET-MIB (RFC 3413) and usmStats (RFC 3414); and who it is: snmpEngine of the
// SNMP-FRAMEWORK-MIB (RFC 3411).
//
// One list has them all: an engine counts by it, Report-PDUs name counters by it, and
// the groups are made of it.
package enginemib

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Counter is something that an SNMP engine counts.
type Counter uint8

// The snmp group of the SNMPv2-MIB.
const (
	InPkts              Counter = iota // messages received
	InBadVersions                      // of a version that is not spoken here
	InBadCommunityNames                // of a community that is not known, or not from that source
	InBadCommunityUses                 // an operation that the community may not do
	InASNParseErrs                     // that could not be decoded
	SilentDrops                        // requests for which not even an answer without variables was small enough
	ProxyDrops                         // what could not be forwarded: always 0, as nothing is

	// The rest of the group is obsolete (RFC 1213, section 6). What only a manager
	// does stays 0.

	OutPkts         // messages handed to a transport
	InTooBigs       // Response-PDUs by their error-status
	InNoSuchNames   //
	InBadValues     //
	InReadOnlys     //
	InGenErrs       //
	InTotalReqVars  // variables given to GetRequests and GetNextRequests
	InTotalSetVars  // variables written
	InGetRequests   //
	InGetNexts      //
	InSetRequests   //
	InGetResponses  // acknowledgements of informs
	InTraps         //
	OutTooBigs      // answers by their error-status
	OutNoSuchNames  //
	OutBadValues    //
	OutGenErrs      //
	OutGetRequests  //
	OutGetNexts     //
	OutSetRequests  //
	OutGetResponses //
	OutTraps        // Trap-PDUs and SNMPv2-Trap-PDUs

	// The SNMP-MPD-MIB.

	UnknownSecurityModels // messages of a security model that is not known here
	InvalidMsgs           // messages whose flags contradict each other
	UnknownPDUHandlers    // PDUs that no application here handles

	// The SNMP-TARGET-MIB.

	UnavailableContexts // requests for a context that cannot be had now
	UnknownContexts     // requests for a context that there is not

	// usmStats of the SNMP-USER-BASED-SM-MIB.

	UnsupportedSecLevels // messages of a level that the user does not have
	NotInTimeWindows     // messages that were not in time
	UnknownUserNames     // messages of users that there are not
	UnknownEngineIDs     // messages to another engine, or to none
	WrongDigests         // messages that are not authentic
	DecryptionErrors     // messages that do not decrypt

	// What no RFC counts.

	Busy                  // requests dropped as too many others waited
	Unsent                // answers over UDP dropped as there was no room for them, the way to the manager being slow
	NotUnicast            // messages dropped as they were sent to a broadcast or multicast address
	Refused               // connections closed as nobody is let in from their source
	NotificationsDropped  // what was not sent to a target, each target by itself
	InformsUnacknowledged // what receivers refused

	// Counters is how many there are.
	Counters
)

// group is where objects stand in the registration tree.
type group struct {
	name string
	oid  mib.OID
}

var (
	snmp       = group{"snmp", mib.MustParseOID("1.3.6.1.2.1.11")}
	snmpMPD    = group{"snmpMPDStats", mib.MustParseOID("1.3.6.1.6.3.11.2.1")}
	snmpTarget = group{"snmpTargetObjects", mib.MustParseOID("1.3.6.1.6.3.12.1")}
	usmStats   = group{"usmStats", mib.MustParseOID("1.3.6.1.6.3.15.1.1")}
)

// object is how a counter is called: its descriptor and its last sub-identifier.
type object struct {
	name string
	in   *group
	sub  uint32
}

var objects = [Counters]object{
	InPkts: {"snmpInPkts", &snmp, 1}, OutPkts: {"snmpOutPkts", &snmp, 2},
	InBadVersions: {"snmpInBadVersions", &snmp, 3}, InBadCommunityNames: {"snmpInBadCommunityNames", &snmp, 4},
	InBadCommunityUses: {"snmpInBadCommunityUses", &snmp, 5}, InASNParseErrs: {"snmpInASNParseErrs", &snmp, 6},
	InTooBigs: {"snmpInTooBigs", &snmp, 8}, InNoSuchNames: {"snmpInNoSuchNames", &snmp, 9},
	InBadValues: {"snmpInBadValues", &snmp, 10}, InReadOnlys: {"snmpInReadOnlys", &snmp, 11}, InGenErrs: {"snmpInGenErrs", &snmp, 12},
	InTotalReqVars: {"snmpInTotalReqVars", &snmp, 13}, InTotalSetVars: {"snmpInTotalSetVars", &snmp, 14},
	InGetRequests: {"snmpInGetRequests", &snmp, 15}, InGetNexts: {"snmpInGetNexts", &snmp, 16}, InSetRequests: {"snmpInSetRequests", &snmp, 17},
	InGetResponses: {"snmpInGetResponses", &snmp, 18}, InTraps: {"snmpInTraps", &snmp, 19},
	OutTooBigs: {"snmpOutTooBigs", &snmp, 20}, OutNoSuchNames: {"snmpOutNoSuchNames", &snmp, 21}, OutBadValues: {"snmpOutBadValues", &snmp, 22},
	OutGenErrs: {"snmpOutGenErrs", &snmp, 24}, OutGetRequests: {"snmpOutGetRequests", &snmp, 25}, OutGetNexts: {"snmpOutGetNexts", &snmp, 26},
	OutSetRequests: {"snmpOutSetRequests", &snmp, 27}, OutGetResponses: {"snmpOutGetResponses", &snmp, 28}, OutTraps: {"snmpOutTraps", &snmp, 29},
	SilentDrops: {"snmpSilentDrops", &snmp, 31}, ProxyDrops: {"snmpProxyDrops", &snmp, 32},

	UnknownSecurityModels: {"snmpUnknownSecurityModels", &snmpMPD, 1}, InvalidMsgs: {"snmpInvalidMsgs", &snmpMPD, 2},
	UnknownPDUHandlers: {"snmpUnknownPDUHandlers", &snmpMPD, 3},

	UnavailableContexts: {"snmpUnavailableContexts", &snmpTarget, 4}, UnknownContexts: {"snmpUnknownContexts", &snmpTarget, 5},

	UnsupportedSecLevels: {"usmStatsUnsupportedSecLevels", &usmStats, 1}, NotInTimeWindows: {"usmStatsNotInTimeWindows", &usmStats, 2},
	UnknownUserNames: {"usmStatsUnknownUserNames", &usmStats, 3}, UnknownEngineIDs: {"usmStatsUnknownEngineIDs", &usmStats, 4},
	WrongDigests: {"usmStatsWrongDigests", &usmStats, 5}, DecryptionErrors: {"usmStatsDecryptionErrors", &usmStats, 6},

	Busy: {name: "busy"}, Unsent: {name: "unsent"}, NotUnicast: {name: "notUnicast"}, Refused: {name: "refused"},
	NotificationsDropped: {name: "notificationsDropped"}, InformsUnacknowledged: {name: "informsUnacknowledged"},
}

// String returns the counter's descriptor, "snmpInPkts", or a name in the same manner for
// what no RFC counts.
func (c Counter) String() string {
	if c < Counters {
		return objects[c].name
	}
	return fmt.Sprintf("Counter(%d)", uint8(c))
}

// OID returns the name of the counter's instance; it is empty for what no RFC counts.
func (c Counter) OID() mib.OID {
	if c >= Counters || objects[c].in == nil {
		return mib.OID{}
	}
	return objects[c].in.oid.Sub(objects[c].sub, 0)
}

// Statistics are the counters of an engine at one moment, which begin at zero with it.
type Statistics [Counters]uint64

// Engine is what the groups show.
type Engine struct {
	Statistics
	// EnableAuthenTraps says whether authenticationFailure notifications are
	// sent.
	EnableAuthenTraps bool
	// ID is snmpEngineID; empty where SNMPv3 is not spoken, and there is none. Boots and
	// Time are how often the engine started and for how long it has run, to the second.
	ID    string
	Boots int32
	Time  time.Duration
	// MaxMessageSize is the longest message that it takes, in octets.
	MaxMessageSize int32
}

// SNMP are the scalars below snmp (RFC 3418, section 2; RFC 1213, section 6). 7 and 23
// were never assigned.
func SNMP() *mib.Group[Engine] {
	return snmp.declare(column{30, mib.Column(30, "snmpEnableAuthenTraps", mib.AsTruth(mib.At(func(e *Engine) *bool { return &e.EnableAuthenTraps }))).Writable()})
}

// FrameworkIdentity and MessageProcessingIdentity are the MODULE-IDENTITYs snmpFrameworkMIB and
// snmpMPDMIB.
var (
	FrameworkIdentity         = mib.MustParseOID("1.3.6.1.6.3.10")
	MessageProcessingIdentity = mib.MustParseOID("1.3.6.1.6.3.11")
)

// Framework are the scalars below snmpEngine (RFC 3411, section 5). Without an engine ID there is
// the size alone.
func Framework() *mib.Group[Engine] {
	return &mib.Group[Engine]{
		Name: "snmpEngine",
		OID:  FrameworkIdentity.Sub(2, 1),
		Objects: mib.Columns(
			mib.Column(1, "snmpEngineID", mib.AsOctets(mib.Through(
				func(e *Engine) (string, bool) { return e.ID, e.ID != "" },
				func(e *Engine, id string) { e.ID = id }))),
			mib.Column(2, "snmpEngineBoots", mib.AsInteger(mib.Through(
				func(e *Engine) (int32, bool) { return e.Boots, e.ID != "" },
				func(e *Engine, n int32) { e.Boots = n }))),
			mib.Column(3, "snmpEngineTime", mib.AsInteger(mib.Whole(mib.Through(
				func(e *Engine) (time.Duration, bool) { return e.Time, e.ID != "" },
				func(e *Engine, d time.Duration) { e.Time = d }), time.Second))),
			mib.Column(4, "snmpEngineMaxMessageSize", mib.AsInteger(mib.At(func(e *Engine) *int32 { return &e.MaxMessageSize }))),
		),
	}
}

// MessageProcessing are the scalars below snmpMPDStats (RFC 3412, section 5).
func MessageProcessing() *mib.Group[Engine] { return snmpMPD.declare() }

// Contexts are the counters below snmpTargetObjects (RFC 3413, section 4.1).
func Contexts() *mib.Group[Engine] { return snmpTarget.declare() }

// UserBasedSecurity are the scalars below usmStats (RFC 3414, section 5).
func UserBasedSecurity() *mib.Group[Engine] { return usmStats.declare() }

type column struct {
	sub  uint32
	what mib.ColumnOf[Engine]
}

// declare returns the declaration of a group: its counters, and what it has besides.
func (g *group) declare(besides ...column) *mib.Group[Engine] {
	columns := besides
	for c, o := range objects {
		if o.in == g {
			columns = append(columns, column{o.sub, mib.Column(o.sub, o.name, mib.AsCounter32(mib.At(func(e *Engine) *uint64 { return &e.Statistics[c] })))})
		}
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.sub, b.sub) })
	declared := &mib.Group[Engine]{Name: g.name, OID: g.oid}
	for _, c := range columns {
		declared.Objects = append(declared.Objects, c.what)
	}
	return declared
}
