package agent

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/communitymib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ipmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/notificationmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/rfc1213mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/targetmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/tcpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/udpmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/vacmmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

type module struct {
	name        string
	identity    mib.OID
	description string
	// system says that the module describes the agent itself.
	system bool
	// processes says that it shows which processes hold sockets.
	processes bool
	// kinds are what of the stack it shows that changes with events.
	kinds netstat.Kinds
	nodes func(*sources) []mib.Node
}

// modules are the MIB modules that an agent can serve.
var modules = [...]module{
	{
		name: "SNMPv2-MIB", identity: snmpv2mib.Identity, system: true,
		description: "The MIB module for SNMP entities (RFC 3418)",
		nodes: func(s *sources) []mib.Node {
			nodes := []mib.Node{
				s.systemObjects().BindNow(s.system),
				snmpv2mib.Resources().Bind(s.resourceRows()),
				snmpv2mib.SetSerialNo().WrittenBy(lockWriter(s.serial, "snmpSetSerialNo")).BindNow(s.serial.Value),
			}
			if !s.config.Context {
				nodes = append(nodes, s.engineObjects().BindNow(s.engine))
			}
			return nodes
		},
	},
	{
		name: "SNMP-FRAMEWORK-MIB", identity: enginemib.FrameworkIdentity, system: true,
		description: "The SNMP Management Architecture MIB (RFC 3411)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{enginemib.Framework().BindNow(s.engine)}
		},
	},
	{
		name: "SNMP-MPD-MIB", identity: enginemib.MessageProcessingIdentity, system: true,
		description: "The MIB for Message Processing and Dispatching (RFC 3412)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{enginemib.MessageProcessing().BindNow(s.engine)}
		},
	},
	{
		name: "SNMP-TARGET-MIB", identity: targetmib.Identity, system: true,
		description: "The MIB module for the targets of SNMP messages (RFC 3413)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				targetmib.SpinLock().WrittenBy(lockWriter(s.targets, "snmpTargetSpinLock")).BindNow(s.targets.Value),
				kept(targetmib.Addresses, s.config.Targets.Addresses),
				kept(targetmib.Parameters, s.config.Targets.Params),
				enginemib.Contexts().BindNow(s.engine),
			}
		},
	},
	{
		name: "SNMP-NOTIFICATION-MIB", identity: notificationmib.Identity, system: true,
		description: "The MIB module for the targets of SNMP notifications (RFC 3413)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				kept(notificationmib.Notifications, s.config.Targets.Notifications),
				kept(notificationmib.Profiles, s.config.Targets.Profiles),
				kept(notificationmib.Filters, s.config.Targets.Filters),
			}
		},
	},
	{
		name: "SNMP-USER-BASED-SM-MIB", identity: usmmib.Identity, system: true,
		description: "The management information definitions for the SNMP User-based Security Model (RFC 3414)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				enginemib.UserBasedSecurity().BindNow(s.engine),
				usmmib.SpinLock().WrittenBy(lockWriter(s.keys, "usmUserSpinLock")).BindNow(s.keys.Value),
				s.userTable().Bind(now(s.config.Users)),
			}
		},
	},
	{
		name: "SNMP-VIEW-BASED-ACM-MIB", identity: vacmmib.Identity, system: true,
		description: "The management information definitions for the View-based Access Control Model for SNMP (RFC 3415)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				vacmmib.Contexts().Bind(now(s.config.Access.Contexts)),
				kept(vacmmib.Groups, s.config.Access.Groups),
				kept(vacmmib.AccessRights, s.config.Access.Rights),
				vacmmib.SpinLock().WrittenBy(lockWriter(s.views, "vacmViewSpinLock")).BindNow(s.views.Value),
				kept(vacmmib.Families, s.config.Access.Families),
			}
		},
	},
	{
		// snmpTargetAddrExtTable has the rows of snmpTargetAddrTable, and comes with these.
		name: "SNMP-COMMUNITY-MIB", identity: communitymib.Identity, system: true,
		description: "The MIB module for the coexistence of SNMPv1, SNMPv2c and SNMPv3 (RFC 3584)",
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{kept(communitymib.Communities, s.config.Access.Communities)}
		},
	},
	{
		name: "IF-MIB", identity: ifmib.Identity,
		description: "The MIB module to describe generic objects for network interface sub-layers (RFC 2863)",
		kinds:       netstat.KindInterface,
		nodes: func(s *sources) []mib.Node {
			interfaces := func(l readings.Interfaces) []netstat.Interface { return l.Rows }
			summary := func(l readings.Interfaces) ifmib.Summary {
				return ifmib.Summary{Number: netstat.Known(int32(len(l.Rows))), TableLastChange: l.Changed, StackLastChange: l.Stacking}
			}
			return []mib.Node{
				mib.BindGroup(ifmib.Number(), s.readings.Interfaces, summary),
				mib.BindTable(interfaceWriter(s, ifmib.Interfaces()), s.readings.Interfaces, interfaces),
				mib.BindTable(extensionWriter(s, ifmib.Extensions()), s.readings.Interfaces, s.withLinkTraps),
				mib.BindTable(ifmib.Stack(), s.readings.Interfaces, func(l readings.Interfaces) []netstat.Stacking {
					return netstat.StackingOf(l.Rows)
				}),
				mib.BindTable(ifmib.ReceiveAddresses(), s.readings.Interfaces, func(l readings.Interfaces) []netstat.ReceiveAddress {
					return netstat.ReceiveAddressesOf(l.Rows)
				}),
				mib.BindGroup(ifmib.Changes(), s.readings.Interfaces, summary),
			}
		},
	},
	{
		name: "IP-MIB", identity: ipmib.Identity,
		description: "The MIB module for managing IP and ICMP implementations (RFC 4293)",
		kinds:       netstat.KindAddress | netstat.KindNeighbour | netstat.KindNetconf,
		nodes: func(s *sources) []mib.Node {
			interfaces := func(i ipInterfaces) []netstat.IPInterface { return i.rows }
			changes := func(i ipInterfaces) ipmib.Changes { return i.changes }
			nodes := []mib.Node{
				settingsWriter(s, ipmib.General()).Bind(s.settings),
				mib.BindGroup(ipmib.IPv4Statistics(), s.counts, func(c ipmib.Counts) ipmib.Statistics { return c.Of(netstat.IPv4) }),
				rfc1213mib.Addresses().Bind(s.readings.Addresses),
				rfc1213mib.Neighbours().Bind(s.readings.Neighbours),
				rfc1213mib.Translations().Bind(s.readings.Neighbours),
				mib.BindGroup(ipmib.InterfaceChanges(), s.ipInterfaces, changes),
				mib.BindTable(ipmib.IPv4Interfaces(), s.ipInterfaces, interfaces),
				mib.BindTable(ipInterfaceWriter(s, ipmib.IPv6Interfaces()), s.ipInterfaces, interfaces),
				mib.BindTable(ipmib.SystemStatistics(), s.counts, func(c ipmib.Counts) []ipmib.Statistics { return c.IP }),
				mib.BindGroup(ipmib.StatisticsChanges(), s.ipInterfaces, changes),
				ipmib.IPInterfaceStatistics().Bind(s.interfaceStatistics),
				mib.BindTable(ipmib.Prefixes(), s.readings.Addresses, ipmib.PrefixesOf),
				addressWriter(s, zoned(s, ipmib.Addresses())).Bind(s.readings.Addresses),
				neighbourWriter(s, zoned(s, ipmib.Neighbours())).Bind(s.readings.Neighbours),
				mib.BindTable(ipmib.Zones(), s.ipInterfaces, interfaces),
				zoned(s, ipmib.DefaultRouters()).Bind(s.defaultRouters),
				mib.BindGroup(ipmib.IPv4Messages(), s.counts, func(c ipmib.Counts) ipmib.ICMP { return c.ICMPOf(netstat.IPv4) }),
				mib.BindTable(ipmib.ICMPStatistics(), s.counts, func(c ipmib.Counts) []ipmib.ICMP { return c.ICMP }),
				mib.BindTable(ipmib.ICMPTypes(), s.counts, func(c ipmib.Counts) []ipmib.ICMPType { return c.Types }),
			}
			if _, ok := s.stack.(netstat.AddressWriter); ok {
				nodes = append(nodes, ipmib.SpinLock().WrittenBy(lockWriter(s.addressLock, "ipAddressSpinLock")).BindNow(s.addressLock.Value))
			}
			return nodes
		},
	},
	{
		name: "IP-FORWARD-MIB", identity: ipforwardmib.Identity,
		description: "The MIB module for the management of CIDR multipath IP routes (RFC 4292)",
		kinds:       netstat.KindRoute,
		nodes: func(s *sources) []mib.Node {
			routes, cidr, forward, oldest := s.routeTables()
			return []mib.Node{
				mib.BindCount("ipForwardNumber", ipforwardmib.ForwardNumber, forward),
				forward,
				oldest,
				mib.BindCount("ipCidrRouteNumber", ipforwardmib.CIDRRouteNumber, cidr),
				cidr,
				mib.BindCount("inetCidrRouteNumber", ipforwardmib.RouteNumber, routes),
				routes,
				ipforwardmib.Discards().BindNow(func() struct{} { return struct{}{} }),
			}
		},
	},
	{
		name: "TCP-MIB", identity: tcpmib.Identity,
		description: "The MIB module for managing TCP implementations (RFC 4022)",
		processes:   true,
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				tcpmib.Statistics().Bind(s.readings.TCPStatistics),
				mib.BindTable(connectionWriter(s, tcpmib.IPv4Connections(), "tcpConnState"), s.readings.TCP, sockets),
				mib.BindTable(connectionWriter(s, zoned(s, tcpmib.Connections()), "tcpConnectionState"), s.readings.TCP, sockets),
				mib.BindTable(zoned(s, tcpmib.Listeners()), s.readings.TCP, sockets),
			}
		},
	},
	{
		name: "UDP-MIB", identity: udpmib.Identity,
		description: "The MIB module for managing UDP implementations (RFC 4113)",
		processes:   true,
		nodes: func(s *sources) []mib.Node {
			return []mib.Node{
				udpmib.Statistics().Bind(s.readings.UDPStatistics),
				mib.BindTable(udpmib.IPv4Listeners(), s.readings.UDP, sockets),
				mib.BindTable(zoned(s, udpmib.Endpoints()), s.readings.UDP, sockets),
			}
		},
	},
}

// sockets are the rows of a reading of sockets.
func sockets(s readings.Sockets) []netstat.Socket { return s.Rows }

// zoned returns a table with the zones of addresses that the configuration wants.
func zoned[R any](s *sources, t *mib.Table[R]) *mib.Table[R] {
	if s.config.Zones {
		return t.WithZones()
	}
	return t
}

// kept binds a table to rows that are kept, none where there are none.
func kept[R any](table func() *mib.Table[R], rows *mib.KeptRows[R]) mib.Node {
	if rows == nil {
		rows = mib.KeepRows(table(), mib.Keeping{})
	}
	return rows.Bind()
}

// now is a source of what a function returns, which is the zero value where there is none.
func now[T any](read func() T) *fresh.Source[T] {
	return fresh.New(func(context.Context) (t T, err error) {
		if read != nil {
			t = read()
		}
		return t, nil
	})
}
