package snmpv2mib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

var snmpTraps = Identity.Sub(1, 5)

// ColdStart says that the agent began anew and that its configuration may have
// changed. It is a notification of RFC 3418, section 2, and has no objects.
func ColdStart() *mib.NotificationType[struct{}] {
	return &mib.NotificationType[struct{}]{Name: "coldStart", OID: snmpTraps.Sub(1)}
}

// AuthenticationFailure says that the agent got a message that was not properly
// authenticated. snmpEnableAuthenTraps of enginemib says whether it is sent. It is a
// notification of the same section, and has no objects either.
func AuthenticationFailure() *mib.NotificationType[struct{}] {
	return &mib.NotificationType[struct{}]{Name: "authenticationFailure", OID: snmpTraps.Sub(5)}
}
