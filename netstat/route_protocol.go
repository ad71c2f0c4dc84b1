package netstat

import "strconv"

var routeProtocolNames = [...]string{
	ProtocolUnspecified: "unspec", ProtocolRedirect: "redirect", ProtocolKernel: "kernel", ProtocolBoot: "boot",
	ProtocolStatic: "static", ProtocolGated: "gated", ProtocolRA: "ra", ProtocolMRT: "mrt", ProtocolZebra: "zebra",
	ProtocolBird: "bird", ProtocolDNRouted: "dnrouted", ProtocolXORP: "xorp", ProtocolNTK: "ntk",
	ProtocolDHCP: "dhcp", ProtocolMRouted: "mrouted", ProtocolKeepalived: "keepalived", ProtocolBabel: "babel",
	ProtocolOpenR: "openr", ProtocolBGP: "bgp", ProtocolISIS: "isis", ProtocolOSPF: "ospf", ProtocolRIP: "rip",
	ProtocolEIGRP: "eigrp",
}

// Name returns the protocol's name as ip-route(8) has it, its number where it has
// none.
func (p RouteProtocol) Name() string {
	if int(p) < len(routeProtocolNames) && routeProtocolNames[p] != "" {
		return routeProtocolNames[p]
	}
	return strconv.Itoa(int(p))
}
