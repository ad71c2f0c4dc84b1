package probe

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// ipMIB is the module ip_mib, which is ipv4InterfaceTable.
func ipMIB() *module {
	columns := ipmib.IPv4Interfaces().Objects()
	return &module{"ip_mib", []part{{
		name: "ipv4InterfaceTable", objects: remote.Objects{Name: "ipv4InterfaceTable", Columns: columns},
		index: "ipv4InterfaceIfIndex", columns: ipv4InterfaceObjects.families(columns),
	}}}
}

// ipv4InterfaceObjects are described as RFC 4293, section 5, begins to.
var ipv4InterfaceObjects = described{
	"ipv4InterfaceIfIndex":        {"The index value that uniquely identifies the interface to which this entry is applicable", number},
	"ipv4InterfaceReasmMaxSize":   {"The size of the largest IPv4 datagram that this entity can re-assemble from incoming IPv4 fragmented datagrams received on this interface.", number},
	"ipv4InterfaceEnableStatus":   {"The indication of whether IPv4 is enabled (up) or disabled (down) on this interface", number},
	"ipv4InterfaceRetransmitTime": {"The time between retransmissions of ARP requests to a neighbor when resolving the address or when probing the reachability of a neighbor.", number},
}
