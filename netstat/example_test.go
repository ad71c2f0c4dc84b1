package netstat_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A row in JSON: what is not known is null.
func Example_json() {
	neighbour := netstat.Neighbour{
		Family:      netstat.IPv4,
		Interface:   2,
		Address:     netip.MustParseAddr("192.0.2.1"),
		LinkAddress: "\x76\xbc\x9e\xc2\x4e\x4b",
		State:       netstat.Known(netstat.NeighbourReachable),
		Updated:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	text, err := json.MarshalIndent(neighbour, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	var back netstat.Neighbour
	fmt.Println(json.Unmarshal(text, &back), back == neighbour)

	// Output:
	// {
	//   "Family": "ipv4",
	//   "Interface": 2,
	//   "Address": "192.0.2.1",
	//   "LinkAddress": "76:bc:9e:c2:4e:4b",
	//   "State": "reachable",
	//   "Flags": 0,
	//   "UnknownFlags": 0,
	//   "Protocol": 0,
	//   "Updated": "2026-01-02T03:04:05Z",
	//   "Master": 0,
	//   "VLAN": 0,
	//   "VNI": null,
	//   "SourceVNI": null,
	//   "Port": 0,
	//   "Via": 0,
	//   "NextHopID": 0
	// }
	// <nil> true
}
