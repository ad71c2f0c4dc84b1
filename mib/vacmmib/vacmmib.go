// Package vacmmib declares the SNMP-VIEW-BASED-ACM-MIB (RFC 3415), to read: who may see what. The
// configuration has it, so that all rows are permanent.
package vacmmib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// Identity is the MODULE-IDENTITY snmpVacmMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.16")

// What all rows have of StorageType and RowStatus (RFC 2579).
var permanent, active = mib.Int(4), mib.Int(1)

// Contexts is vacmContextTable (RFC 3415, section 4), of the names of contexts; "" is that of the default one.
func Contexts() *mib.Table[string] {
	name := mib.At(func(s *string) *string { return s })
	return &mib.Table[string]{
		Name:    "vacmContextTable",
		Entry:   Identity.Sub(1, 1, 1),
		Index:   mib.Index(mib.StringIndex(name)),
		Columns: mib.Columns(mib.Column(1, "vacmContextName", mib.AsOctets(name))),
	}
}

// Group is a row of vacmSecurityToGroupTable: who is in a group.
type Group struct {
	Model        uint32 // snmpSecurityModel; 0, as snmpd has it, for each of them
	SecurityName string
	Name         string
}

// Groups is vacmSecurityToGroupTable.
func Groups() *mib.Table[Group] {
	return &mib.Table[Group]{
		Name:  "vacmSecurityToGroupTable",
		Entry: Identity.Sub(1, 2, 1),
		Index: mib.Index(
			mib.IntegerIndex(mib.At(func(g *Group) *uint32 { return &g.Model })),
			mib.StringIndex(mib.At(func(g *Group) *string { return &g.SecurityName })),
		),
		Columns: mib.Columns(
			mib.Column(3, "vacmGroupName", mib.AsOctets(mib.At(func(g *Group) *string { return &g.Name }))),
			mib.Column(4, "vacmSecurityToGroupStorageType", mib.AsConstant[Group](permanent)),
			mib.Column(5, "vacmSecurityToGroupStatus", mib.AsConstant[Group](active)),
		),
	}
}

// Access is a row of vacmAccessTable: which views a group has. An empty name is no view.
type Access struct {
	Group               string
	ContextPrefix       string
	Model               uint32 // 0 for each of them
	Level               uint32 // snmpSecurityLevel, the least
	Prefix              bool   // contexts that begin with ContextPrefix
	Read, Write, Notify string
}

var match = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // exact, prefix

// AccessRights is vacmAccessTable.
func AccessRights() *mib.Table[Access] {
	return &mib.Table[Access]{
		Name:  "vacmAccessTable",
		Entry: Identity.Sub(1, 4, 1),
		Index: mib.Index(
			mib.StringIndex(mib.At(func(a *Access) *string { return &a.Group })),
			mib.StringIndex(mib.At(func(a *Access) *string { return &a.ContextPrefix })),
			mib.IntegerIndex(mib.At(func(a *Access) *uint32 { return &a.Model })),
			mib.IntegerIndex(mib.At(func(a *Access) *uint32 { return &a.Level })),
		),
		Columns: mib.Columns(
			mib.Column(4, "vacmAccessContextMatch", mib.AsEnum(mib.At(func(a *Access) *bool { return &a.Prefix }), match)),
			mib.Column(5, "vacmAccessReadViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Read }))),
			mib.Column(6, "vacmAccessWriteViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Write }))),
			mib.Column(7, "vacmAccessNotifyViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Notify }))),
			mib.Column(8, "vacmAccessStorageType", mib.AsConstant[Access](permanent)),
			mib.Column(9, "vacmAccessStatus", mib.AsConstant[Access](active)),
		),
	}
}

// Family is a row of vacmViewTreeFamilyTable: a subtree in a view, or out of it.
type Family struct {
	View     string
	Subtree  mib.OID
	Mask     string // its octets
	Excluded bool
}

var kind = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // included, excluded

// Families is vacmViewTreeFamilyTable.
func Families() *mib.Table[Family] {
	return &mib.Table[Family]{
		Name:  "vacmViewTreeFamilyTable",
		Entry: Identity.Sub(1, 5, 2, 1),
		Index: mib.Index(
			mib.StringIndex(mib.At(func(f *Family) *string { return &f.View })),
			mib.OIDIndex(mib.At(func(f *Family) *mib.OID { return &f.Subtree })),
		),
		Columns: mib.Columns(
			mib.Column(3, "vacmViewTreeFamilyMask", mib.AsOctets(mib.At(func(f *Family) *string { return &f.Mask }))),
			mib.Column(4, "vacmViewTreeFamilyType", mib.AsEnum(mib.At(func(f *Family) *bool { return &f.Excluded }), kind)),
			mib.Column(5, "vacmViewTreeFamilyStorageType", mib.AsConstant[Family](permanent)),
			mib.Column(6, "vacmViewTreeFamilyStatus", mib.AsConstant[Family](active)),
		),
	}
}
