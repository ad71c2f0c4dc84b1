package probe

import (
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// upTime is sysUpTime, which older releases of snmp_exporter read in each module.
const upTime = "sysUpTime"

// ifMIB is the module if_mib: ifNumber, ifTable and ifXTable, whose rows are read side by side.
func ifMIB() *module {
	columns := slices.Concat(ifmib.Interfaces().Objects(), ifmib.Extensions().Objects())
	// Labels are read before what they are labels of, so that a row that is cut short has them.
	isLabel := func(o mib.Object) bool { return slices.Contains(interfaceLabels, o.Name) }
	slices.SortStableFunc(columns, func(a, b mib.Object) int {
		switch {
		case isLabel(a) == isLabel(b):
			return 0
		case isLabel(a):
			return -1
		}
		return 1
	})
	of := snmpv2mib.SystemObjects().Scalars()
	scalars := append(ifmib.Number().Scalars(), of[slices.IndexFunc(of, func(o mib.Object) bool { return o.Name == upTime })])
	p := part{
		name:    "ifTable",
		objects: remote.Objects{Name: "ifTable", Columns: columns, Scalars: scalars, Number: 1},
		index:   "ifIndex",
		lookups: lookupsOf(columns, interfaceLabels...),
		columns: interfaceObjects.families(columns),
		scalars: interfaceObjects.families(scalars),
	}
	p.scalars[1] = systemObjects.families(scalars[1:])[0]
	for i, o := range columns {
		if o.Name == "ifType" {
			p.columns[i].names = interfaceTypes
		}
	}
	return &module{"if_mib", []part{p}}
}

// interfaceLabels are the columns whose values are labels of all the others'.
var interfaceLabels = []string{"ifAlias", "ifDescr", "ifName"}

// interfaceObjects are described as RFC 2863, section 6, begins to.
var interfaceObjects = described{
	"ifNumber":                   {"The number of network interfaces (regardless of their current state) present on this system.", number},
	"ifIndex":                    {"A unique value, greater than zero, for each interface", number},
	"ifType":                     {"The type of interface", enumerated},
	"ifMtu":                      {"The size of the largest packet which can be sent/received on the interface, specified in octets", number},
	"ifSpeed":                    {"An estimate of the interface's current bandwidth in bits per second", number},
	"ifPhysAddress":              {"The interface's address at its protocol sub-layer", address48},
	"ifAdminStatus":              {"The desired state of the interface", number},
	"ifOperStatus":               {"The current operational state of the interface", number},
	"ifLastChange":               {"The value of sysUpTime at the time the interface entered its current operational state", number},
	"ifInOctets":                 {"The total number of octets received on the interface, including framing characters", number},
	"ifInUcastPkts":              {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were not addressed to a multicast or broadcast address at this sub-layer", number},
	"ifInNUcastPkts":             {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were addressed to a multicast or broadcast address at this sub-layer", number},
	"ifInDiscards":               {"The number of inbound packets which were chosen to be discarded even though no errors had been detected to prevent their being deliverable to a higher-layer protocol", number},
	"ifInErrors":                 {"For packet-oriented interfaces, the number of inbound packets that contained errors preventing them from being deliverable to a higher-layer protocol", number},
	"ifInUnknownProtos":          {"For packet-oriented interfaces, the number of packets received via the interface which were discarded because of an unknown or unsupported protocol", number},
	"ifOutOctets":                {"The total number of octets transmitted out of the interface, including framing characters", number},
	"ifOutUcastPkts":             {"The total number of packets that higher-level protocols requested be transmitted, and which were not addressed to a multicast or broadcast address at this sub-layer, including those that were discarded or not sent", number},
	"ifOutNUcastPkts":            {"The total number of packets that higher-level protocols requested be transmitted, and which were addressed to a multicast or broadcast address at this sub-layer, including those that were discarded or not sent", number},
	"ifOutDiscards":              {"The number of outbound packets which were chosen to be discarded even though no errors had been detected to prevent their being transmitted", number},
	"ifOutErrors":                {"For packet-oriented interfaces, the number of outbound packets that could not be transmitted because of errors", number},
	"ifOutQLen":                  {"The length of the output packet queue (in packets).", number},
	"ifSpecific":                 {"A reference to MIB definitions specific to the particular media being used to realize the interface", octets},
	"ifInMulticastPkts":          {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were addressed to a multicast address at this sub-layer", number},
	"ifInBroadcastPkts":          {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were addressed to a broadcast address at this sub-layer", number},
	"ifOutMulticastPkts":         {"The total number of packets that higher-level protocols requested be transmitted, and which were addressed to a multicast address at this sub-layer, including those that were discarded or not sent", number},
	"ifOutBroadcastPkts":         {"The total number of packets that higher-level protocols requested be transmitted, and which were addressed to a broadcast address at this sub-layer, including those that were discarded or not sent", number},
	"ifHCInOctets":               {"The total number of octets received on the interface, including framing characters", number},
	"ifHCInUcastPkts":            {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were not addressed to a multicast or broadcast address at this sub-layer", number},
	"ifHCInMulticastPkts":        {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were addressed to a multicast address at this sub-layer", number},
	"ifHCInBroadcastPkts":        {"The number of packets, delivered by this sub-layer to a higher (sub-)layer, which were addressed to a broadcast address at this sub-layer", number},
	"ifHCOutOctets":              {"The total number of octets transmitted out of the interface, including framing characters", number},
	"ifHCOutUcastPkts":           {"The total number of packets that higher-level protocols requested be transmitted, and which were not addressed to a multicast or broadcast address at this sub-layer, including those that were discarded or not sent", number},
	"ifHCOutMulticastPkts":       {"The total number of packets that higher-level protocols requested be transmitted, and which were addressed to a multicast address at this sub-layer, including those that were discarded or not sent", number},
	"ifHCOutBroadcastPkts":       {"The total number of packets that higher-level protocols requested be transmitted, and which were addressed to a broadcast address at this sub-layer, including those that were discarded or not sent", number},
	"ifLinkUpDownTrapEnable":     {"Indicates whether linkUp/linkDown traps should be generated for this interface", number},
	"ifHighSpeed":                {"An estimate of the interface's current bandwidth in units of 1,000,000 bits per second", number},
	"ifPromiscuousMode":          {"This object has a value of false(2) if this interface only accepts packets/frames that are addressed to this station", number},
	"ifConnectorPresent":         {"This object has the value 'true(1)' if the interface sublayer has a physical connector and the value 'false(2)' otherwise.", number},
	"ifCounterDiscontinuityTime": {"The value of sysUpTime on the most recent occasion at which any one or more of this interface's counters suffered a discontinuity", number},
}
