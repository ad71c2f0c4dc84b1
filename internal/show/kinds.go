package show

import "github.com/netsnmp-agent/netsnmp-agent/internal/table"

// Kinds describes every kind of rows.
func Kinds() []table.Description {
	return []table.Description{
		newSocketKind().Describe(), unixKind().Describe(), listenQueueKind().Describe(), packetKind().Describe(),
		routeKind().Describe(), interfaceKind().Describe(), groupKind().Describe(),
		counterKind().Describe(), interfaceCounterKind().Describe(), counterGrowthKind().Describe(), interfaceGrowthKind().Describe(),
		socketUsageKind().Describe(), protocolMemoryKind().Describe(), slabKind().Describe(),
		softnetKind().Describe(), queueKind().Describe(), fibKind().Describe(), fib6Listing().kind.Describe(), lookupListing().kind.Describe(), neighbourTableKind().Describe(),
		neighbourListing().kind.Describe(), ruleListing().kind.Describe(), nextHopListing().kind.Describe(), queueingListing().kind.Describe(),
		socketGroupListing().kind.Describe(), vifListing().kind.Describe(), multicastRouteListing().kind.Describe(), bridgeGroupListing().kind.Describe(),
		routerPortListing().kind.Describe(), netconfListing().kind.Describe(),
		namespaceListing().kind.Describe(), netlinkListing().kind.Describe(), vsockListing().kind.Describe(),
		xdpListing().kind.Describe(), smcListing().kind.Describe(), tipcListing().kind.Describe(),
	}
}
