// Package snmpv2mib declares the SNMPv2-MIB (RFC 3418): the system group, and what
// an agent says it implements. What its SNMP engine counts is in package enginemib.
package snmpv2mib

import (
	"math"
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
			mib.Column(4, "sysContact", mib.AsText(mib.At(func(s *System) *string { return &s.Contact }), 255)).Writable(),
			mib.Column(5, "sysName", mib.AsText(mib.At(func(s *System) *string { return &s.Name }), 255)).Writable(),
			mib.Column(6, "sysLocation", mib.AsText(mib.At(func(s *System) *string { return &s.Location }), 255)).Writable(),
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

// SetSerialNo is snmpSetSerialNo, the advisory lock of managers that write
// (RFC 3418, section 2).
func SetSerialNo() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "snmpSet",
		OID:  Identity.Sub(1, 6),
		Objects: mib.Columns(
			mib.Column(1, "snmpSetSerialNo", mib.AsInteger(mib.At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable(),
		),
	}
}
