package ifmib_test

import (
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Rows of netstat as an agent tells them, and what a manager makes of the variables. The
// tables of the other modules are used the same way. What is not known has no variable, and
// stays unknown.
func ExampleExtensions() {
	eth0 := netstat.Interface{Index: 2, Name: "eth0", Alias: "uplink"}
	eth0.Counters.InOctets.Set(98310444193)

	told := slices.Collect(ifmib.Extensions().View([]netstat.Interface{eth0}).All())
	fmt.Println(told[0].Name(), "=", told[0].Value)
	fmt.Println(told[1].Name(), "=", told[1].Value)

	rows, err := ifmib.Extensions().Decode(time.Time{}, slices.Values(told))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range rows {
		fmt.Println(r.Index, r.Name, r.Alias, r.Counters.InOctets, r.Counters.OutOctets)
	}
	// Output:
	// 1.3.6.1.2.1.31.1.1.1.1.2 = OCTET STRING: "eth0"
	// 1.3.6.1.2.1.31.1.1.1.6.2 = Counter64: 98310444193
	// 2 eth0 uplink 98310444193 -
}
