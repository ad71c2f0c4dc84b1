package snmpwalk_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mib-2 objects, by name.
const (
	sysUpTime = "1.3.6.1.2.1.1.3.0"

	atEntry = "1.3.6.1.2.1.3.1.1"

	ifNumber           = "1.3.6.1.2.1.2.1.0"
	ifEntry            = "1.3.6.1.2.1.2.2.1"
	ifXEntry           = "1.3.6.1.2.1.31.1.1.1"
	ifStackEntry       = "1.3.6.1.2.1.31.1.2.1"
	ifRcvAddressEntry  = "1.3.6.1.2.1.31.1.4.1"
	ifTableLastChange  = "1.3.6.1.2.1.31.1.5.0"
	ifStackLastChange  = "1.3.6.1.2.1.31.1.6.0"
	tcpConnEntry       = "1.3.6.1.2.1.6.13.1"
	tcpConnectionEntry = "1.3.6.1.2.1.6.19.1"
	tcpListenerEntry   = "1.3.6.1.2.1.6.20.1"
	udpEntry           = "1.3.6.1.2.1.7.5.1"
	udpEndpointEntry   = "1.3.6.1.2.1.7.7.1"

	ipAddrEntry          = "1.3.6.1.2.1.4.20.1"
	ipRouteEntry         = "1.3.6.1.2.1.4.21.1"
	ipNetToMediaEntry    = "1.3.6.1.2.1.4.22.1"
	ipSystemStatsEntry   = "1.3.6.1.2.1.4.31.1.1"
	ipAddressPrefixEntry = "1.3.6.1.2.1.4.32.1"
	ipAddressEntry       = "1.3.6.1.2.1.4.34.1"
	ipNetToPhysicalEntry = "1.3.6.1.2.1.4.35.1"
	ipv4InterfaceEntry   = "1.3.6.1.2.1.4.28.1"
	ipv6InterfaceEntry   = "1.3.6.1.2.1.4.30.1"
	ipIfStatsEntry       = "1.3.6.1.2.1.4.31.3.1"
	ipv6ScopeZoneEntry   = "1.3.6.1.2.1.4.36.1"
	ipDefaultRouterEntry = "1.3.6.1.2.1.4.37.1"

	ipv4InterfaceTableLastChange = "1.3.6.1.2.1.4.27.0"
	ipv6InterfaceTableLastChange = "1.3.6.1.2.1.4.29.0"
	ipIfStatsTableLastChange     = "1.3.6.1.2.1.4.31.2.0"

	icmpStatsEntry    = "1.3.6.1.2.1.5.29.1"
	icmpMsgStatsEntry = "1.3.6.1.2.1.5.30.1"

	ipForwardNumber       = "1.3.6.1.2.1.4.24.1.0"
	ipForwardEntry        = "1.3.6.1.2.1.4.24.2.1"
	ipCidrRouteNumber     = "1.3.6.1.2.1.4.24.3.0"
	ipCidrRouteEntry      = "1.3.6.1.2.1.4.24.4.1"
	inetCidrRouteNumber   = "1.3.6.1.2.1.4.24.6.0"
	inetCidrRouteEntry    = "1.3.6.1.2.1.4.24.7.1"
	inetCidrRouteDiscards = "1.3.6.1.2.1.4.24.8.0"
)

// tables are the entries of all tables that are the same both ways.
var tables = map[string]string{
	"ifTable":            ifEntry,
	"ifXTable":           ifXEntry,
	"ifStackTable":       ifStackEntry,
	"ifRcvAddressTable":  ifRcvAddressEntry,
	"tcpConnTable":       tcpConnEntry,
	"tcpConnectionTable": tcpConnectionEntry,
	"tcpListenerTable":   tcpListenerEntry,
	"udpTable":           udpEntry,
	"udpEndpointTable":   udpEndpointEntry,
	"ipForwardTable":     ipForwardEntry,
	"ipCidrRouteTable":   ipCidrRouteEntry,
	"inetCidrRouteTable": inetCidrRouteEntry,

	"ipAddrTable":          ipAddrEntry,
	"ipNetToMediaTable":    ipNetToMediaEntry,
	"ipSystemStatsTable":   ipSystemStatsEntry,
	"ipAddressPrefixTable": ipAddressPrefixEntry,
	"ipAddressTable":       ipAddressEntry,
	"ipNetToPhysicalTable": ipNetToPhysicalEntry,
	"ipv4InterfaceTable":   ipv4InterfaceEntry,
	"ipv6InterfaceTable":   ipv6InterfaceEntry,
	"ipIfStatsTable":       ipIfStatsEntry,
	"icmpStatsTable":       icmpStatsEntry,
	"icmpMsgStatsTable":    icmpMsgStatsEntry,

	"ipv6ScopeZoneIndexTable": ipv6ScopeZoneEntry,
	"ipDefaultRouterTable":    ipDefaultRouterEntry,
}

// matches waits until a table is what something else says that it is.
func matches(t *testing.T, name string, got, want func() rows) {
	t.Helper()
	var last rows
	eventually(t, func() string {
		last = want()
		if diff := cmp.Diff(last, got()); diff != "" {
			return name + " (-want +got):\n" + diff
		}
		return ""
	})
	if len(last) == 0 {
		t.Errorf("%s is expected to be empty: the scene shows nothing", name)
	}
}
