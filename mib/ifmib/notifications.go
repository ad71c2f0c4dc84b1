package ifmib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// snmpTraps is where RFC 3418 has the notifications that RFC 1157 called
// generic.
var snmpTraps = mib.MustParseOID("1.3.6.1.6.3.1.1.5")

// LinkDown is the notification of RFC 2863, section 6. ifOperStatus is what the
// interface has entered.
func LinkDown() *mib.NotificationType[iface] {
	return &mib.NotificationType[iface]{
		Name:    "linkDown",
		OID:     snmpTraps.Sub(3),
		Table:   Interfaces(),
		Objects: []string{"ifIndex", "ifAdminStatus", "ifOperStatus"},
	}
}

// LinkUp is the other notification of that section.
func LinkUp() *mib.NotificationType[iface] {
	return &mib.NotificationType[iface]{
		Name:    "linkUp",
		OID:     snmpTraps.Sub(4),
		Table:   Interfaces(),
		Objects: []string{"ifIndex", "ifAdminStatus", "ifOperStatus"},
	}
}
