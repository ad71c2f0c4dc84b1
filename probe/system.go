package probe

import (
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// system is the module system: the group of that name, with sysORTable.
func system() *module {
	scalars, columns := snmpv2mib.SystemObjects().Scalars(), snmpv2mib.Resources().Objects()
	return &module{"system", []part{
		{name: "system", objects: remote.Objects{Name: "system", Scalars: scalars}, scalars: systemObjects.families(scalars)},
		{
			name: "sysORTable", objects: remote.Objects{Name: "sysORTable", Columns: columns},
			index: "sysORIndex", lookups: lookupsOf(columns, "sysORDescr"), columns: systemObjects.families(columns),
		},
	}}
}

// systemObjects are described as RFC 3418, section 2, begins to.
var systemObjects = described{
	"sysDescr":        {"A textual description of the entity", text},
	"sysObjectID":     {"The vendor's authoritative identification of the network management subsystem contained in the entity", octets},
	"sysUpTime":       {"The time (in hundredths of a second) since the network management portion of the system was last re-initialized.", number},
	"sysContact":      {"The textual identification of the contact person for this managed node, together with information on how to contact this person", text},
	"sysName":         {"An administratively-assigned name for this managed node", text},
	"sysLocation":     {"The physical location of this node (e.g., 'telephone closet, 3rd floor')", text},
	"sysServices":     {"A value which indicates the set of services that this entity may potentially offer", number},
	"sysORLastChange": {"The value of sysUpTime at the time of the most recent change in state or value of any instance of sysORID.", number},
	"sysORIndex":      {"The auxiliary variable used for identifying instances of the columnar objects in the sysORTable.", number},
	"sysORID":         {"An authoritative identification of a capabilities statement with respect to various MIB modules supported by the local SNMP application acting as a command responder.", octets},
	"sysORDescr":      {"A textual description of the capabilities identified by the corresponding instance of sysORID.", text},
	"sysORUpTime":     {"The value of sysUpTime at the time this conceptual row was last instantiated.", number},
}
