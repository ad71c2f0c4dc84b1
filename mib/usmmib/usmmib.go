// Package usmmib declares usmUserTable of the SNMP-USER-BASED-SM-MIB (RFC 3414): the users of
// SNMPv3. Their keys are in no object: what changes one reads as an empty
// string. What the security model counts is in package enginemib.
package usmmib

import (
	"math"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpUsmMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.15")

// NoClone is what usmUserCloneFrom reads as: zeroDotZero.
var NoClone = mib.MakeOID(0, 0)

// SpinLock is usmUserSpinLock, the advisory lock of managers that change keys.
func SpinLock() *mib.Group[int32] {
	return &mib.Group[int32]{
		Name: "usmUserLock",
		OID:  Identity.Sub(1, 2),
		Objects: mib.Columns(
			mib.Column(1, "usmUserSpinLock", mib.AsInteger(mib.At(func(n *int32) *int32 { return n })).Within(0, math.MaxInt32)).Writable(),
		),
	}
}

// User is a row of usmUserTable.
type User struct {
	EngineID   string  // 5 to 32 octets
	Name       string  // 1 to 32 octets
	Auth, Priv mib.OID // the protocols
	Public     string  // at most 32 octets

	// What a SET says. CloneFrom is the row that this one is to be made of, as Pointer tells it; it reads as NoClone, and
	// changes of keys (RFC 3414, TEXTUAL-CONVENTION KeyChange) read as "".
	CloneFrom                                                        mib.OID
	AuthKeyChange, OwnAuthKeyChange, PrivKeyChange, OwnPrivKeyChange string

	// Keys is the agent's own of a row, which no object shows.
	Keys any
}

// Pointer returns the RowPointer of a row: its usmUserSecurityName.
func Pointer(engineID, name string) mib.OID {
	at := Identity.Sub(1, 2, 2, 1, 3)
	for _, s := range [...]string{engineID, name} {
		at = at.Sub(uint32(len(s)))
		for _, b := range []byte(s) {
			at = at.Sub(uint32(b))
		}
	}
	return at
}

// Users is usmUserTable (RFC 3414, section 5).
func Users() *mib.Table[User] {
	name := mib.At(func(u *User) *string { return &u.Name })
	change := func(of func(u *User) *string) mib.Field[User] {
		return mib.AsOctets(mib.Through(func(*User) (string, bool) { return "", true }, func(u *User, change string) { *of(u) = change }))
	}
	none := mib.Octets("")
	return &mib.Table[User]{
		Name:  "usmUserTable",
		Entry: Identity.Sub(1, 2, 2, 1),
		Index: mib.Index(
			mib.StringIndex(mib.At(func(u *User) *string { return &u.EngineID })),
			mib.StringIndex(name),
		),
		Columns: mib.Columns(
			mib.Column(3, "usmUserSecurityName", mib.AsOctets(name)),
			mib.Column(4, "usmUserCloneFrom", mib.AsOID(mib.Through(
				func(*User) (mib.OID, bool) { return NoClone, true }, func(u *User, from mib.OID) { u.CloneFrom = from }))).Creatable().Default(mib.OIDValue(NoClone)),
			mib.Column(5, "usmUserAuthProtocol", mib.AsOID(mib.At(func(u *User) *mib.OID { return &u.Auth }))).Creatable().Default(mib.OIDValue(noAuth)),
			mib.Column(6, "usmUserAuthKeyChange", change(func(u *User) *string { return &u.AuthKeyChange })).Creatable().Default(none),
			mib.Column(7, "usmUserOwnAuthKeyChange", change(func(u *User) *string { return &u.OwnAuthKeyChange })).Creatable().Default(none),
			mib.Column(8, "usmUserPrivProtocol", mib.AsOID(mib.At(func(u *User) *mib.OID { return &u.Priv }))).Creatable().Default(mib.OIDValue(noPriv)),
			mib.Column(9, "usmUserPrivKeyChange", change(func(u *User) *string { return &u.PrivKeyChange })).Creatable().Default(none),
			mib.Column(10, "usmUserOwnPrivKeyChange", change(func(u *User) *string { return &u.OwnPrivKeyChange })).Creatable().Default(none),
			mib.Column(11, "usmUserPublic", mib.AsOctets(mib.At(func(u *User) *string { return &u.Public })).OfLength(0, 32)).Creatable().Default(none),
			mib.Column(12, "usmUserStorageType", mib.AsConstant[User](mib.Int(3))).Creatable().Default(mib.Int(3)), // nonVolatile
			mib.Column(13, "usmUserStatus", mib.AsRowStatus[User]()).Creatable(),
		),
	}
}

// The protocols of a user without keys: usmNoAuthProtocol and usmNoPrivProtocol.
var (
	noAuth = mib.MustParseOID("1.3.6.1.6.3.10.1.1.1")
	noPriv = mib.MustParseOID("1.3.6.1.6.3.10.1.2.1")
)
