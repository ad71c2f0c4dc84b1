// Package snmpv2mib declares the SNMPv2-MIB (RFC 3418): the system group, what
// an agent says it implements, and the counters of its SNMP engine, with those
// of RFC 1213 that RFC 3418 calls obsolete and managers still draw.
package snmpv2mib

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.1")

// System is the system group. Zero values are values: an empty sysContact is a
// zero-length string.
type System struct {
	Descr    string
	ObjectID mib.OID
	// Started is when sysUpTime was zero, and Now the moment of the request.
	Started, Now time.Time
	Contact      string
	Name         string
	Location     string
	Services     int32
	// LastChange is when the list of resources last changed (sysORLastChange).
	LastChange time.Time
}

var systemGroup = mib.MustParseOID("1.3.6.1.2.1.1")

// SystemObjects are the scalars below system (RFC 3418, section 2).
func SystemObjects() *mib.Group[System] {
	return &mib.Group[System]{
		Name: "system",
		OID:  systemGroup,
		Objects: mib.Columns(
			mib.Column(1, "sysDescr", mib.AsText(mib.At(func(s *System) *string { return &s.Descr }), 255)),
			mib.Column(2, "sysObjectID", mib.AsOID(mib.At(func(s *System) *mib.OID { return &s.ObjectID }))),
			mib.Column(3, "sysUpTime", mib.AsTicks(mib.Through(
				func(s *System) (time.Duration, bool) { return s.Now.Sub(s.Started), true },
				func(s *System, up time.Duration) { s.Now = s.Started.Add(up) }))),
			mib.Column(4, "sysContact", mib.AsText(mib.At(func(s *System) *string { return &s.Contact }), 255)),
			mib.Column(5, "sysName", mib.AsText(mib.At(func(s *System) *string { return &s.Name }), 255)),
			mib.Column(6, "sysLocation", mib.AsText(mib.At(func(s *System) *string { return &s.Location }), 255)),
			mib.Column(7, "sysServices", mib.AsInteger(mib.At(func(s *System) *int32 { return &s.Services }))),
			mib.Column(8, "sysORLastChange", mib.AsTimeStamp(mib.At(func(s *System) *time.Time { return &s.LastChange }))),
		),
	}
}

// Resource is a row of sysORTable: a MIB module that the agent implements.
type Resource struct {
	Index       uint32
	ID          mib.OID
	Description string
	// Since is when the agent began to implement it.
	Since time.Time
}

// Resources is sysORTable (RFC 3418, section 2).
func Resources() *mib.Table[Resource] {
	return &mib.Table[Resource]{
		Name:  "sysORTable",
		Entry: systemGroup.Sub(9, 1),
		Index: mib.Index(mib.IntegerIndex(mib.At(func(r *Resource) *uint32 { return &r.Index }))),
		Columns: mib.Columns(
			mib.Column(2, "sysORID", mib.AsOID(mib.At(func(r *Resource) *mib.OID { return &r.ID }))),
			mib.Column(3, "sysORDescr", mib.AsText(mib.At(func(r *Resource) *string { return &r.Description }), 255)),
			mib.Column(4, "sysORUpTime", mib.AsTimeStamp(mib.At(func(r *Resource) *time.Time { return &r.Since }))),
		),
	}
}

// Engine are the counters of the snmp group.
type Engine struct {
	InPkts, OutPkts                                                                     uint64
	InBadVersions, InBadCommunityNames, InBadCommunityUses, InASNParseErrs              uint64
	InTooBigs, InNoSuchNames, InBadValues, InReadOnlys, InGenErrs                       uint64
	InTotalReqVars, InTotalSetVars                                                      uint64
	InGetRequests, InGetNexts, InSetRequests, InGetResponses, InTraps                   uint64
	OutTooBigs, OutNoSuchNames, OutBadValues, OutGenErrs                                uint64
	OutGetRequests, OutGetNexts, OutSetRequests, OutGetResponses, OutTraps, SilentDrops uint64
	ProxyDrops                                                                          uint64
	// EnableAuthenTraps says whether authenticationFailure notifications are
	// sent.
	EnableAuthenTraps bool
}

func engineCounter(part func(*Engine) *uint64) mib.Field[Engine] {
	return mib.AsCounter32(mib.At(part))
}

// EngineObjects are the scalars below snmp (RFC 3418, section 2; RFC 1213,
// section 6). 7 and 23 were never assigned.
func EngineObjects() *mib.Group[Engine] {
	return &mib.Group[Engine]{
		Name: "snmp",
		OID:  mib.MustParseOID("1.3.6.1.2.1.11"),
		Objects: mib.Columns(
			mib.Column(1, "snmpInPkts", engineCounter(func(e *Engine) *uint64 { return &e.InPkts })),
			mib.Column(2, "snmpOutPkts", engineCounter(func(e *Engine) *uint64 { return &e.OutPkts })),
			mib.Column(3, "snmpInBadVersions", engineCounter(func(e *Engine) *uint64 { return &e.InBadVersions })),
			mib.Column(4, "snmpInBadCommunityNames", engineCounter(func(e *Engine) *uint64 { return &e.InBadCommunityNames })),
			mib.Column(5, "snmpInBadCommunityUses", engineCounter(func(e *Engine) *uint64 { return &e.InBadCommunityUses })),
			mib.Column(6, "snmpInASNParseErrs", engineCounter(func(e *Engine) *uint64 { return &e.InASNParseErrs })),
			mib.Column(8, "snmpInTooBigs", engineCounter(func(e *Engine) *uint64 { return &e.InTooBigs })),
			mib.Column(9, "snmpInNoSuchNames", engineCounter(func(e *Engine) *uint64 { return &e.InNoSuchNames })),
			mib.Column(10, "snmpInBadValues", engineCounter(func(e *Engine) *uint64 { return &e.InBadValues })),
			mib.Column(11, "snmpInReadOnlys", engineCounter(func(e *Engine) *uint64 { return &e.InReadOnlys })),
			mib.Column(12, "snmpInGenErrs", engineCounter(func(e *Engine) *uint64 { return &e.InGenErrs })),
			mib.Column(13, "snmpInTotalReqVars", engineCounter(func(e *Engine) *uint64 { return &e.InTotalReqVars })),
			mib.Column(14, "snmpInTotalSetVars", engineCounter(func(e *Engine) *uint64 { return &e.InTotalSetVars })),
			mib.Column(15, "snmpInGetRequests", engineCounter(func(e *Engine) *uint64 { return &e.InGetRequests })),
			mib.Column(16, "snmpInGetNexts", engineCounter(func(e *Engine) *uint64 { return &e.InGetNexts })),
			mib.Column(17, "snmpInSetRequests", engineCounter(func(e *Engine) *uint64 { return &e.InSetRequests })),
			mib.Column(18, "snmpInGetResponses", engineCounter(func(e *Engine) *uint64 { return &e.InGetResponses })),
			mib.Column(19, "snmpInTraps", engineCounter(func(e *Engine) *uint64 { return &e.InTraps })),
			mib.Column(20, "snmpOutTooBigs", engineCounter(func(e *Engine) *uint64 { return &e.OutTooBigs })),
			mib.Column(21, "snmpOutNoSuchNames", engineCounter(func(e *Engine) *uint64 { return &e.OutNoSuchNames })),
			mib.Column(22, "snmpOutBadValues", engineCounter(func(e *Engine) *uint64 { return &e.OutBadValues })),
			mib.Column(24, "snmpOutGenErrs", engineCounter(func(e *Engine) *uint64 { return &e.OutGenErrs })),
			mib.Column(25, "snmpOutGetRequests", engineCounter(func(e *Engine) *uint64 { return &e.OutGetRequests })),
			mib.Column(26, "snmpOutGetNexts", engineCounter(func(e *Engine) *uint64 { return &e.OutGetNexts })),
			mib.Column(27, "snmpOutSetRequests", engineCounter(func(e *Engine) *uint64 { return &e.OutSetRequests })),
			mib.Column(28, "snmpOutGetResponses", engineCounter(func(e *Engine) *uint64 { return &e.OutGetResponses })),
			mib.Column(29, "snmpOutTraps", engineCounter(func(e *Engine) *uint64 { return &e.OutTraps })),
			mib.Column(30, "snmpEnableAuthenTraps", mib.AsTruth(mib.At(func(e *Engine) *bool { return &e.EnableAuthenTraps }))),
			mib.Column(31, "snmpSilentDrops", engineCounter(func(e *Engine) *uint64 { return &e.SilentDrops })),
			mib.Column(32, "snmpProxyDrops", engineCounter(func(e *Engine) *uint64 { return &e.ProxyDrops })),
		),
	}
}

// SetSerialNo is snmpSetSerialNo, the advisory lock of managers that write
// (RFC 3418, section 2).
func SetSerialNo() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "snmpSet",
		OID:  Identity.Sub(1, 6),
		Objects: mib.Columns(
			mib.Column(1, "snmpSetSerialNo", mib.AsInteger(mib.At(func(n *int32) *int32 { return n }))),
		),
	}
}
