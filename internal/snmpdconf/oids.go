package snmpdconf

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// nodes are the names that files use for subtrees: each with its number and the node that it is
// below of.
var nodes = map[string]struct {
	parent string
	number uint32
}{
	"ccitt": {"", 0}, "iso": {"", 1}, "org": {"iso", 3}, "dod": {"org", 6}, "internet": {"dod", 1},
	"directory": {"internet", 1}, "mgmt": {"internet", 2}, "experimental": {"internet", 3}, "private": {"internet", 4},
	"security": {"internet", 5}, "snmpV2": {"internet", 6}, "mib-2": {"mgmt", 1}, "enterprises": {"private", 1},
	"system": {"mib-2", 1}, "interfaces": {"mib-2", 2}, "at": {"mib-2", 3}, "ip": {"mib-2", 4}, "icmp": {"mib-2", 5},
	"tcp": {"mib-2", 6}, "udp": {"mib-2", 7}, "egp": {"mib-2", 8}, "transmission": {"mib-2", 10}, "snmp": {"mib-2", 11},
	"host": {"mib-2", 25}, "hrSystem": {"host", 1}, "hrStorage": {"host", 2}, "hrDevice": {"host", 3}, "hrSWRun": {"host", 4},
	"hrSWRunPerf": {"host", 5}, "hrSWInstalled": {"host", 6},
	"ifMIB": {"mib-2", 31}, "ifMIBObjects": {"ifMIB", 1}, "ifXTable": {"ifMIBObjects", 1}, "ifXEntry": {"ifXTable", 1},
	"ifNumber": {"interfaces", 1}, "ifTable": {"interfaces", 2}, "ifEntry": {"ifTable", 1},
	"sysDescr": {"system", 1}, "sysObjectID": {"system", 2}, "sysUpTime": {"system", 3}, "sysContact": {"system", 4},
	"sysName": {"system", 5}, "sysLocation": {"system", 6}, "sysServices": {"system", 7}, "sysORTable": {"system", 9},
	"ipAddrTable": {"ip", 20}, "ipRouteTable": {"ip", 21}, "ipNetToMediaTable": {"ip", 22}, "ipForward": {"ip", 24},
	"tcpConnTable": {"tcp", 13}, "udpTable": {"udp", 5},
	"ucdavis": {"enterprises", 2021}, "netSnmp": {"enterprises", 8072}, "netSnmpObjects": {"netSnmp", 1},
	"snmpDomains": {"snmpV2", 1}, "snmpProxys": {"snmpV2", 2}, "snmpModules": {"snmpV2", 3},
	"snmpMIB": {"snmpModules", 1}, "snmpFrameworkMIB": {"snmpModules", 10}, "snmpMPDMIB": {"snmpModules", 11},
	"snmpTargetMIB": {"snmpModules", 12}, "snmpNotificationMIB": {"snmpModules", 13}, "snmpUsmMIB": {"snmpModules", 15},
	"snmpVacmMIB": {"snmpModules", 16}, "snmpCommunityMIB": {"snmpModules", 18},
}

// node returns the OID of a name.
func node(name string) (o mib.OID, ok bool) {
	n, ok := nodes[name]
	if !ok {
		return mib.OID{}, false
	}
	if n.parent != "" {
		o, _ = node(n.parent)
	}
	return o.Sub(n.number), true
}

// parseOID parses ".1.3.6.1.2.1.1", "system", "iso.3.6.1.4.1", ".iso.org.dod" or
// "SNMPv2-MIB::system". A dot may stand behind it.
func parseOID(text string) (mib.OID, error) {
	s := strings.TrimSuffix(text, ".")
	if i := strings.Index(s, "::"); i > 0 {
		s = s[i+2:]
	}
	var o mib.OID
	for i, part := range strings.Split(strings.TrimPrefix(s, "."), ".") {
		if number, err := strconv.ParseUint(part, 10, 32); err == nil {
			o = o.Sub(uint32(number))
			continue
		}
		named, ok := node(part)
		if parent, _ := named.Parent(); !ok || i > 0 && parent != o {
			return mib.OID{}, fmt.Errorf("%q is neither an object identifier nor a name that is known here: give numbers", shorten(text))
		}
		o = named
	}
	if o.Len() > mib.MaxOIDLength {
		return mib.OID{}, fmt.Errorf("an object identifier has at most %d sub-identifiers", mib.MaxOIDLength)
	}
	return o, nil
}

// shorten keeps messages short, whatever was given.
func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	return s[:80] + "..."
}

// NameOf returns the name that files have for a subtree, "" where they have none.
func NameOf(o mib.OID) string {
	for name := range nodes {
		if at, _ := node(name); at == o {
			return name
		}
	}
	return ""
}
