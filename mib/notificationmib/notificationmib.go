// Package notificationmib declares snmpNotifyTable of the SNMP-NOTIFICATION-MIB (RFC 3413): which
// targets get notifications and of which kind, to read. The configuration has it. Nothing is
// filtered, so that the tables of filters are not here.
package notificationmib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// Identity is the MODULE-IDENTITY snmpNotificationMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.13")

// Notify is a row of snmpNotifyTable: notifications go to every row of snmpTargetAddrTable
// that has the tag.
type Notify struct {
	Name   string // 1 to 32 octets
	Tag    string
	Inform bool
}

var notifyType = mib.Enum[bool]{{Value: false, Number: 1}, {Value: true, Number: 2}} // trap, inform

// Notifications is snmpNotifyTable.
func Notifications() *mib.Table[Notify] {
	return &mib.Table[Notify]{
		Name:  "snmpNotifyTable",
		Entry: Identity.Sub(1, 1, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.At(func(n *Notify) *string { return &n.Name }))),
		Columns: mib.Columns(
			mib.Column(2, "snmpNotifyTag", mib.AsOctets(mib.At(func(n *Notify) *string { return &n.Tag }))),
			mib.Column(3, "snmpNotifyType", mib.AsEnum(mib.At(func(n *Notify) *bool { return &n.Inform }), notifyType)),
			mib.Column(4, "snmpNotifyStorageType", mib.AsConstant[Notify](mib.Int(5))), // readOnly
			mib.Column(5, "snmpNotifyRowStatus", mib.AsConstant[Notify](mib.Int(1))),   // active
		),
	}
}
