package snmpv2mib

import "github.com/netsnmp-agent/netsnmp-agent/mib"

var snmpTraps = Identity.Sub(1, 5)

// The notifications of RFC 3418, section 2, have no objects.
var (
	// ColdStart says that the agent began anew and that its configuration may
	// have changed.
	ColdStart = mib.NotificationType[struct{}]{Name: "coldStart", OID: snmpTraps.Sub(1)}
	// AuthenticationFailure says that the agent got a message that was not
	// properly authenticated. EngineObjects' snmpEnableAuthenTraps says whether
	// it is sent.
	AuthenticationFailure = mib.NotificationType[struct{}]{Name: "authenticationFailure", OID: snmpTraps.Sub(5)}
)
