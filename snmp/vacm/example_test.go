package vacm_test

import (
	"fmt"
	"log"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// A community that may read the interfaces, and of these no link-layer addresses.
func ExamplePolicy() {
	policy, err := vacm.Compile(vacm.Tables{
		Groups: []vacm.Group{{Model: vacm.SNMPv2c, SecurityName: "public", Name: "readers"}},
		Access: []vacm.Access{{Group: "readers", Level: vacm.NoAuthNoPriv, Views: [3]string{vacm.Read: "interfaces"}}},
		Families: []vacm.Family{
			{View: "interfaces", Subtree: mib.MustParseOID("1.3.6.1.2.1.2")},
			{View: "interfaces", Subtree: mib.MustParseOID("1.3.6.1.2.1.2.2.1.6"), Excluded: true},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"public", "private"} {
		request := vacm.Request{Model: vacm.SNMPv2c, SecurityName: name, Level: vacm.NoAuthNoPriv, ContextExists: true, Type: vacm.Read}
		for _, variable := range []string{"1.3.6.1.2.1.2.2.1.2.1", "1.3.6.1.2.1.2.2.1.6.1"} {
			fmt.Println(name, variable, policy.IsAccessAllowed(request, mib.MustParseOID(variable)))
		}
	}
	// Output:
	// public 1.3.6.1.2.1.2.2.1.2.1 accessAllowed
	// public 1.3.6.1.2.1.2.2.1.6.1 notInView
	// private 1.3.6.1.2.1.2.2.1.2.1 noGroupName
	// private 1.3.6.1.2.1.2.2.1.6.1 noGroupName
}
