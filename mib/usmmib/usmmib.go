// Package usmmib declares usmUserTable of the SNMP-USER-BASED-SM-MIB (RFC 3414): the users of
// SNMPv3, to read. Their keys are in no object: what changes one reads as an empty
// string. What the security model counts is in package enginemib.
package usmmib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// Identity is the MODULE-IDENTITY snmpUsmMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.15")

// User is a row of usmUserTable.
type User struct {
	EngineID string // 5 to 32 octets
	Name     string // 1 to 32 octets
	// CloneFrom is the row that this one was made of, 0.0 for none.
	CloneFrom  mib.OID
	Auth, Priv mib.OID // the protocols
	Public     string
	// ReadOnly says that the configuration has it, and only that can change it.
	ReadOnly bool
}

// storage is StorageType (RFC 2579): nonVolatile or readOnly.
var storage = mib.Enum[bool]{{Value: false, Number: 3}, {Value: true, Number: 5}}

// Users is usmUserTable (RFC 3414, section 5).
func Users() *mib.Table[User] {
	name := mib.At(func(u *User) *string { return &u.Name })
	noKey := mib.AsConstant[User](mib.Octets(""))
	return &mib.Table[User]{
		Name:  "usmUserTable",
		Entry: Identity.Sub(1, 2, 2, 1),
		Index: mib.Index(
			mib.StringIndex(mib.At(func(u *User) *string { return &u.EngineID })),
			mib.StringIndex(name),
		),
		Columns: mib.Columns(
			mib.Column(3, "usmUserSecurityName", mib.AsOctets(name)),
			mib.Column(4, "usmUserCloneFrom", mib.AsOID(mib.At(func(u *User) *mib.OID { return &u.CloneFrom }))),
			mib.Column(5, "usmUserAuthProtocol", mib.AsOID(mib.At(func(u *User) *mib.OID { return &u.Auth }))),
			mib.Column(6, "usmUserAuthKeyChange", noKey),
			mib.Column(7, "usmUserOwnAuthKeyChange", noKey),
			mib.Column(8, "usmUserPrivProtocol", mib.AsOID(mib.At(func(u *User) *mib.OID { return &u.Priv }))),
			mib.Column(9, "usmUserPrivKeyChange", noKey),
			mib.Column(10, "usmUserOwnPrivKeyChange", noKey),
			mib.Column(11, "usmUserPublic", mib.AsOctets(mib.At(func(u *User) *string { return &u.Public }))),
			mib.Column(12, "usmUserStorageType", mib.AsEnum(mib.At(func(u *User) *bool { return &u.ReadOnly }), storage)),
			mib.Column(13, "usmUserStatus", mib.AsConstant[User](mib.Int(1))), // active
		),
	}
}
