// Package vacmmib declares the SNMP-VIEW-BASED-ACM-MIB (RFC 3415): who may see what.
package vacmmib

import (
	"fmt"
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpVacmMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.16")

// SpinLock is vacmViewSpinLock, the advisory lock of managers that change views.
func SpinLock() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "vacmMIBViews",
		OID:  Identity.Sub(1, 5),
		Objects: mib.Columns(
			mib.Column(1, "vacmViewSpinLock", mib.AsInteger(mib.At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable(),
		),
	}
}

var nonVolatile = mib.Int(mib.StorageNonVolatile)

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
	SecurityName string // 1 to 32 octets
	Name         string // 1 to 32 octets
	Storage      mib.StorageType
}

// Groups is vacmSecurityToGroupTable.
func Groups() *mib.Table[Group] {
	return &mib.Table[Group]{
		Name:  "vacmSecurityToGroupTable",
		Entry: Identity.Sub(1, 2, 1),
		Index: mib.Index(
			mib.IntegerIndex(mib.At(func(g *Group) *uint32 { return &g.Model })),
			mib.StringIndex(mib.Sized(mib.At(func(g *Group) *string { return &g.SecurityName }), 1, 32)),
		),
		Columns: mib.Columns(
			mib.Column(3, "vacmGroupName", mib.AsOctets(mib.At(func(g *Group) *string { return &g.Name })).OfLength(1, 32)).Creatable(),
			mib.Column(4, "vacmSecurityToGroupStorageType", mib.AsStorageType(mib.At(func(g *Group) *mib.StorageType { return &g.Storage }))).Creatable().Default(nonVolatile),
			mib.Column(5, "vacmSecurityToGroupStatus", mib.AsRowStatus[Group]()).Creatable(),
		),
		Check: func(c *mib.Change[Group]) error {
			if m := c.Row.Model; m == 0 || m > math.MaxInt32 {
				return c.Refuse(mib.InconsistentName, "", fmt.Errorf("vacmSecurityModel is %d, not 1 to 2147483647", m))
			}
			return nil
		},
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
	Storage             mib.StorageType
}

var match = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // exact, prefix

// AccessRights is vacmAccessTable.
func AccessRights() *mib.Table[Access] {
	return &mib.Table[Access]{
		Name:  "vacmAccessTable",
		Entry: Identity.Sub(1, 4, 1),
		Index: mib.Index(
			mib.StringIndex(mib.Sized(mib.At(func(a *Access) *string { return &a.Group }), 1, 32)),
			mib.StringIndex(mib.Sized(mib.At(func(a *Access) *string { return &a.ContextPrefix }), 0, 32)),
			mib.IntegerIndex(mib.At(func(a *Access) *uint32 { return &a.Model })),
			mib.IntegerIndex(mib.At(func(a *Access) *uint32 { return &a.Level })),
		),
		Columns: mib.Columns(
			mib.Column(4, "vacmAccessContextMatch", mib.AsEnum(mib.At(func(a *Access) *bool { return &a.Prefix }), match)).Creatable().Default(mib.Int(1)),
			mib.Column(5, "vacmAccessReadViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Read })).OfLength(0, 32)).Creatable().Default(mib.Octets("")),
			mib.Column(6, "vacmAccessWriteViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Write })).OfLength(0, 32)).Creatable().Default(mib.Octets("")),
			mib.Column(7, "vacmAccessNotifyViewName", mib.AsOctets(mib.At(func(a *Access) *string { return &a.Notify })).OfLength(0, 32)).Creatable().Default(mib.Octets("")),
			mib.Column(8, "vacmAccessStorageType", mib.AsStorageType(mib.At(func(a *Access) *mib.StorageType { return &a.Storage }))).Creatable().Default(nonVolatile),
			mib.Column(9, "vacmAccessStatus", mib.AsRowStatus[Access]()).Creatable(),
		),
		Check: func(c *mib.Change[Access]) error {
			if m, l := c.Row.Model, c.Row.Level; m > math.MaxInt32 || l < 1 || l > 3 {
				return c.Refuse(mib.InconsistentName, "", fmt.Errorf("there is no security model %d or no security level %d", m, l))
			}
			return nil
		},
	}
}

// Family is a row of vacmViewTreeFamilyTable: a subtree in a view, or out of it.
type Family struct {
	View     string
	Subtree  mib.OID
	Mask     string // its octets, at most 16
	Excluded bool
	Storage  mib.StorageType
}

var kind = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // included, excluded

// Families is vacmViewTreeFamilyTable.
func Families() *mib.Table[Family] {
	return &mib.Table[Family]{
		Name:  "vacmViewTreeFamilyTable",
		Entry: Identity.Sub(1, 5, 2, 1),
		Index: mib.Index(
			mib.StringIndex(mib.Sized(mib.At(func(f *Family) *string { return &f.View }), 1, 32)),
			mib.OIDIndex(mib.At(func(f *Family) *mib.OID { return &f.Subtree })),
		),
		Columns: mib.Columns(
			mib.Column(3, "vacmViewTreeFamilyMask", mib.AsOctets(mib.At(func(f *Family) *string { return &f.Mask })).OfLength(0, 16)).Creatable().Default(mib.Octets("")),
			mib.Column(4, "vacmViewTreeFamilyType", mib.AsEnum(mib.At(func(f *Family) *bool { return &f.Excluded }), kind)).Creatable().Default(mib.Int(1)),
			mib.Column(5, "vacmViewTreeFamilyStorageType", mib.AsStorageType(mib.At(func(f *Family) *mib.StorageType { return &f.Storage }))).Creatable().Default(nonVolatile),
			mib.Column(6, "vacmViewTreeFamilyStatus", mib.AsRowStatus[Family]()).Creatable(),
		),
	}
}
