package netstat

import "strconv"

var routeProtocolNames = [...]string{
	RouteProtocolUnspecified: "unspec", RouteProtocolRedirect: "redirect", RouteProtocolKernel: "kernel", RouteProtocolBoot: "boot",
	RouteProtocolStatic: "static", RouteProtocolGated: "gated", RouteProtocolRA: "ra", RouteProtocolMRT: "mrt", RouteProtocolZebra: "zebra",
	RouteProtocolBird: "bird", RouteProtocolDNRouted: "dnrouted", RouteProtocolXORP: "xorp", RouteProtocolNTK: "ntk",
	RouteProtocolDHCP: "dhcp", RouteProtocolMRouted: "mrouted", RouteProtocolKeepalived: "keepalived", RouteProtocolBabel: "babel",
	RouteProtocolOpenR: "openr", RouteProtocolBGP: "bgp", RouteProtocolISIS: "isis", RouteProtocolOSPF: "ospf", RouteProtocolRIP: "rip",
	RouteProtocolEIGRP: "eigrp",
}

// Name returns the protocol's name as ip-route(8) has it, its number where it has
// none.
func (p RouteProtocol) Name() string {
	if int(p) < len(routeProtocolNames) && routeProtocolNames[p] != "" {
		return routeProtocolNames[p]
	}
	return strconv.Itoa(int(p))
}
