// Package notificationmib declares the SNMP-NOTIFICATION-MIB (RFC 3413): which targets get
// notifications, of which kind, and which of them.
package notificationmib

import (
	"errors"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpNotificationMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.13")

// Notify is a row of snmpNotifyTable: notifications go to every row of snmpTargetAddrTable
// that has the tag.
type Notify struct {
	Name    string // 1 to 32 octets
	Tag     string // a SnmpTagValue
	Inform  bool
	Storage mib.StorageType
}

var notifyType = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // trap, inform

// Notifications is snmpNotifyTable.
func Notifications() *mib.Table[Notify] {
	return &mib.Table[Notify]{
		Name:  "snmpNotifyTable",
		Entry: Identity.Sub(1, 1, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.Sized(mib.At(func(n *Notify) *string { return &n.Name }), 1, 32))),
		Columns: mib.Columns(
			mib.Column(2, "snmpNotifyTag", mib.AsOctets(mib.At(func(n *Notify) *string { return &n.Tag }).Checked(tagValue)).OfLength(0, 255)).Creatable().Default(mib.Octets("")),
			mib.Column(3, "snmpNotifyType", mib.AsEnum(mib.At(func(n *Notify) *bool { return &n.Inform }), notifyType)).Creatable().Default(mib.Int(1)),
			mib.Column(4, "snmpNotifyStorageType", mib.AsStorageType(mib.At(func(n *Notify) *mib.StorageType { return &n.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(5, "snmpNotifyRowStatus", mib.AsRowStatus[Notify]()).Creatable(),
		),
	}
}

func tagValue(_ *Notify, tag string) error {
	if strings.ContainsAny(tag, " \t\r\n") {
		return errors.New("a tag has no delimiter in it")
	}
	return nil
}

// Profile is a row of snmpNotifyFilterProfileTable: which filter is for messages with the parameters of
// a name.
type Profile struct {
	Params  string // the name of a row of snmpTargetParamsTable, 1 to 32 octets
	Name    string // 1 to 32 octets
	Storage mib.StorageType
}

// Profiles is snmpNotifyFilterProfileTable.
func Profiles() *mib.Table[Profile] {
	return &mib.Table[Profile]{
		Name:  "snmpNotifyFilterProfileTable",
		Entry: Identity.Sub(1, 2, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.Sized(mib.At(func(p *Profile) *string { return &p.Params }), 1, 32))),
		Columns: mib.Columns(
			mib.Column(1, "snmpNotifyFilterProfileName", mib.AsOctets(mib.At(func(p *Profile) *string { return &p.Name })).OfLength(1, 32)).Creatable(),
			mib.Column(2, "snmpNotifyFilterProfileStorType", mib.AsStorageType(mib.At(func(p *Profile) *mib.StorageType { return &p.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(3, "snmpNotifyFilterProfileRowStatus", mib.AsRowStatus[Profile]()).Creatable(),
		),
	}
}

// Filter is a row of snmpNotifyFilterTable: notifications with a name, or with variables, in a family of subtrees
// are sent, or are not.
type Filter struct {
	Profile  string // 1 to 32 octets
	Subtree  mib.OID
	Mask     string // its octets, at most 16; as that of a view's family
	Excluded bool
	Storage  mib.StorageType
}

var filterType = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // included, excluded

// Filters is snmpNotifyFilterTable.
func Filters() *mib.Table[Filter] {
	return &mib.Table[Filter]{
		Name:  "snmpNotifyFilterTable",
		Entry: Identity.Sub(1, 3, 1),
		Index: mib.Index(
			mib.StringIndex(mib.Sized(mib.At(func(f *Filter) *string { return &f.Profile }), 1, 32)),
			mib.ImpliedOIDIndex(mib.At(func(f *Filter) *mib.OID { return &f.Subtree })),
		),
		Columns: mib.Columns(
			mib.Column(2, "snmpNotifyFilterMask", mib.AsOctets(mib.At(func(f *Filter) *string { return &f.Mask })).OfLength(0, 16)).Creatable().Default(mib.Octets("")),
			mib.Column(3, "snmpNotifyFilterType", mib.AsEnum(mib.At(func(f *Filter) *bool { return &f.Excluded }), filterType)).Creatable().Default(mib.Int(1)),
			mib.Column(4, "snmpNotifyFilterStorageType", mib.AsStorageType(mib.At(func(f *Filter) *mib.StorageType { return &f.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(5, "snmpNotifyFilterRowStatus", mib.AsRowStatus[Filter]()).Creatable(),
		),
	}
}
