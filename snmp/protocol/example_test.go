package protocol_test

import (
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// Addresses are written as net-snmp writes them. Without a port they have the usual one.
func ExampleSplitAddress() {
	for _, s := range []string{"tcp6:[::1]:1161", "192.0.2.1", "udp:162", "udp:host:99999"} {
		transport, host, port, err := protocol.SplitAddress(s, protocol.Port)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%q %q %d\n", transport, host, port)
	}
	// Output:
	// "tcp6" "::1" 1161
	// "" "192.0.2.1" 161
	// "udp" "" 162
	// "99999" is not a port from 0 to 65535
}
