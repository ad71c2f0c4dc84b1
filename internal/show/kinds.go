package show

import "github.com/netsnmp-agent/netsnmp-agent/internal/table"

// Tables are all tables that there are, in the order of docs/netstat-json.md.
func Tables() []Table {
	return []Table{
		Sockets(), TCPConnections(), SocketOptions(), UnixSockets(), UnixOptions(), ListenQueues(), Packets(), Routes4(), Routes6(), Interfaces(), Addresses(), Groups(),
		Counters(), InterfaceCounters(), CounterGrowth(), InterfaceGrowth(), SocketUsage(), ProtocolMemory(), Slabs(),
		Softnet(), Queues(), FIBTables(), FIB6(), RouteLookups(), NeighbourTables(), Neighbours(), Rules(), NextHops(), Qdiscs(),
		SocketGroups(), MulticastInterfaces(), MulticastRoutes(), BridgeGroups(), BridgeRouterPorts(), Netconfs(), Namespaces(),
		NetlinkSockets(), VsockSockets(), XDPSockets(), SMCSockets(), TIPCSockets(),
		Flows(), Expectations(), FlowTotals(), FlowGrowth(), FlowTotalGrowth(), FlowUsage(), FlowStatistics(), ExpectationStatistics(),
	}
}

// Kinds describes every kind of rows, each once.
func Kinds() (kinds []table.Description) {
	seen := make(map[string]bool)
	for _, t := range Tables() {
		if d := t.Describe(); !seen[d.Name] {
			seen[d.Name] = true
			kinds = append(kinds, d)
		}
	}
	return append(kinds, FlowEvents().Describe(), ExpectationEvents().Describe())
}
