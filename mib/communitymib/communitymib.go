// Package communitymib declares the SNMP-COMMUNITY-MIB (RFC 3584, section 5): which communities there
// are, what stands for them, and from where they are taken. snmpTargetAddrExtTable is in package
// targetmib, with the rows that it extends.
package communitymib

import (
	"errors"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// Identity is the MODULE-IDENTITY snmpCommunityMIB.
var Identity = mib.MustParseOID("1.3.6.1.6.3.18")

// Community is a row of snmpCommunityTable. Of those with one name the first counts that is for where
// a message comes from.
type Community struct {
	Index        string // 1 to 32 octets
	Name         string // the community itself, a password: at most 255 octets here
	SecurityName string // 1 to 32 octets: what it is called where it is no secret
	// ContextEngineID is the engine that has the context: 5 to 32 octets, "" for one that has no name.
	ContextEngineID string
	ContextName     string // at most 32 octets
	// TransportTag is the tag of the rows of snmpTargetAddrTable that it is taken from; "" is from anywhere.
	TransportTag string
	Storage      mib.StorageType
}

// Communities is snmpCommunityTable. Who may read everything does not read the names, but those alone
// whose view names this module or something in it (section 8 wants access to them restricted).
func Communities() *mib.Table[Community] {
	return &mib.Table[Community]{
		Name:  "snmpCommunityTable",
		Entry: Identity.Sub(1, 1, 1),
		Index: mib.Index(mib.ImpliedStringIndex(mib.Sized(mib.At(func(c *Community) *string { return &c.Index }), 1, 32))),
		Columns: mib.Columns(
			mib.Column(2, "snmpCommunityName", mib.AsOctets(mib.At(func(c *Community) *string { return &c.Name })).OfLength(0, 255)).Creatable().Secret(Identity),
			mib.Column(3, "snmpCommunitySecurityName", mib.AsOctets(mib.At(func(c *Community) *string { return &c.SecurityName })).OfLength(1, 32)).Creatable(),
			mib.Column(4, "snmpCommunityContextEngineID", mib.AsOctets(mib.Through(
				func(c *Community) (string, bool) { return c.ContextEngineID, c.ContextEngineID != "" },
				func(c *Community, id string) { c.ContextEngineID = id })).OfLength(5, 32)).Creatable().Default(mib.Octets("")),
			mib.Column(5, "snmpCommunityContextName", mib.AsOctets(mib.At(func(c *Community) *string { return &c.ContextName })).OfLength(0, 32)).Creatable().Default(mib.Octets("")),
			mib.Column(6, "snmpCommunityTransportTag", mib.AsOctets(mib.At(func(c *Community) *string { return &c.TransportTag }).Checked(tagValue)).OfLength(0, 255)).Creatable().Default(mib.Octets("")),
			mib.Column(7, "snmpCommunityStorageType", mib.AsStorageType(mib.At(func(c *Community) *mib.StorageType { return &c.Storage }))).Creatable().Default(mib.Int(mib.StorageNonVolatile)),
			mib.Column(8, "snmpCommunityStatus", mib.AsRowStatus[Community]()).Creatable(),
		),
	}
}

// tagValue says what is wrong with a SnmpTagValue (RFC 3413).
func tagValue(_ *Community, tag string) error {
	if strings.ContainsAny(tag, " \t\r\n") {
		return errors.New("a tag has no delimiter in it")
	}
	return nil
}
