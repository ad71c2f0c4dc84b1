package ifmib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

// snmpTraps is where RFC 3418 has the notifications that RFC 1157 called
// generic.
var snmpTraps = mib.MustParseOID("1.3.6.1.6.3.1.1.5")

// LinkDown and LinkUp are the notifications of RFC 2863, section 6. ifOperStatus
// is in both what the interface has entered.
var (
	LinkDown = mib.NotificationType[iface]{
		Name:    "linkDown",
		OID:     snmpTraps.Sub(3),
		Table:   &Interfaces,
		Objects: []string{"ifIndex", "ifAdminStatus", "ifOperStatus"},
	}
	LinkUp = mib.NotificationType[iface]{
		Name:    "linkUp",
		OID:     snmpTraps.Sub(4),
		Table:   &Interfaces,
		Objects: []string{"ifIndex", "ifAdminStatus", "ifOperStatus"},
	}
)
